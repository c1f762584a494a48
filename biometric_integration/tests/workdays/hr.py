"""What a person in HR does at the end of the month about the days that are listed: by the actions of the list, or by hand where only they know."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import frappe

from biometric_integration import api
from biometric_integration.core.judgement import Why
from biometric_integration.core.settling import Action
from biometric_integration.sync.workdays import rows
from biometric_integration.tests import factories
from biometric_integration.tests.workdays.replay import Replay
from biometric_integration.tests.workdays.verdict import Day

BY_ACTION = {
	Why.MISSING_PUNCH.value: Action.ADD,
	Why.OUTSIDE.value: Action.COUNT_OUTSIDE,
	Why.ON_HOLIDAY.value: Action.MARK,
	Why.ROSTER_CHANGED.value: Action.REPAIR,
	Why.LATE_PUNCH.value: Action.REPAIR,
	Why.DIFFERS.value: Action.REPAIR,
	Why.HRMS_SILENT.value: Action.REPAIR,
}


def settle(replay: Replay, days: Iterable[Day]) -> dict[str, int]:
	"""Returns how many were settled by which action."""
	done: dict[str, int] = {}
	for day in days:
		for row in _listed(replay.employees[day.person.number], day.date):
			action = BY_ACTION.get(row.reason)
			if action is Action.REPAIR:
				api.repair([row.name], "as it was", dry_run=0)
			elif action:
				api.decide([row.name], action.value, "as it was", dry_run=0)
			else:
				_by_hand(row.employee, day)
			how = action.value if action else "by hand"
			done[how] = done.get(how, 0) + 1
			frappe.db.commit()  # nosemgrep -- as a person who did it
	return done


def _listed(employee: str, day: date) -> list:
	about = {"employee": employee, "date": day, "state": ("in", ("Held", "To Settle"))}
	return frappe.get_all(rows.DOCTYPE, about, ["name", "employee", "reason"], limit=0)


def _by_hand(employee: str, day: Day) -> None:
	written = {"employee": employee, "attendance_date": day.date, "docstatus": ("<", 2)}
	if day.truth.status and not frappe.db.exists("Attendance", written):
		values = {"employee": employee, "attendance_date": day.date, "company": factories.company()}
		if frappe.get_meta("Attendance").has_field("half_day_status") and day.truth.status == "Half Day":
			values["half_day_status"] = "Absent"
		frappe.get_doc({"doctype": "Attendance", "status": day.truth.status, **values}).insert().submit()
