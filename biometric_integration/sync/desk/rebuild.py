"""Judging the workdays of a period once more. What is to do stands in the stale marks; any job goes on with it."""

from __future__ import annotations

from datetime import date

import frappe
from frappe import _

from biometric_integration.sync import jobs
from biometric_integration.sync.workdays import judging, marks
from biometric_integration.sync.workdays.marks import Mark, Scope


def start(first: date, last: date, company: str | None = None, employee: str | None = None) -> dict:
	"""Of a company, of an employee, or of everybody. Returns what `state` does."""
	if last < first:
		frappe.throw(_("The period ends before it begins."))
	earliest = judging.policy().earliest
	if last < earliest:
		frappe.throw(
			_("Days before {0} are not judged. Biometric Sync Settings says from when on.").format(
				frappe.format(earliest, "Date")
			)
		)
	if employee:
		frappe.has_permission("Employee", "read", doc=employee, throw=True)
		wanted = Mark(Scope.EMPLOYEE, employee, first, last)
	else:
		wanted = (
			Mark(Scope.COMPANY, company, first, last) if company else Mark(Scope.EVERYBODY, "", first, last)
		)
	marks.add([wanted])
	jobs.enqueue_workdays()
	return state()


def state() -> dict:
	"""{"people": whose days wait to be judged, "message"}."""
	people = marks.people_waiting()
	message = (
		_("The days of {0} people wait to be judged.").format(people) if people else _("All days are judged.")
	)
	return {"people": people, "message": message}
