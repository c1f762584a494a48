"""What makes a workday stale: events of documents, each of which inserts a mark and no more. What fires none is found by the sweep."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import frappe
from frappe.utils import cint, get_datetime, getdate

from biometric_integration.core.window import DAY
from biometric_integration.sync.hrms import shift_notes
from biometric_integration.sync.records import servers
from biometric_integration.sync.workdays import decisions, marks
from biometric_integration.sync.workdays.marks import Mark, Scope
from biometric_integration.sync.workdays.writing import OURS

PERIOD = timedelta(days=45)
"""So far back what people are, and what the settings say, changes an answer by itself; further, a rebuild does."""

SHUT = timedelta(days=14)
"""So many holidays in a row are thought of."""

OF_EMPLOYEE = (
	"default_shift",
	"holiday_list",
	"status",
	"date_of_joining",
	"relieving_date",
	"company",
	"department",
	"branch",
	"grade",
	"employment_type",
	"employee_name",
	"longest_workday",
	"attendance_by_devices",
)
OF_DEVICE = (
	"enabled",
	"counts_for_attendance",
	"same_as",
	"replaced_by",
	"replaced_on",
	"location",
	"server",
	"serial_number",
)
OF_SETTINGS = (
	"workdays_from",
	"longest_workday",
	"missing_punch",
	"hold_days",
	"decide_by",
	"half_day_hours",
	"on_holidays",
	"output",
	"attendance_from",
	"write_absences",
)


def checkin_changed(checkin, method: str | None = None) -> None:
	"""One that was made from a punch is marked by the process lane, many at once."""
	if checkin.flags.in_insert and checkin.get("biometric_event") and method != "on_trash":
		return
	moments: dict[str, list[datetime]] = {}
	for version in _versions(checkin):
		if version.employee and version.time:
			moments.setdefault(version.employee, []).append(get_datetime(version.time))
	marks.add(marks.of_moments(moments))


def attendance_changed(attendance, method: str | None = None) -> None:
	"""Its check-ins may be of the days around by the roster of today, once it does not fix them any more. What is written here has its rows brought up to date with it."""
	if attendance.flags.get(OURS):
		return
	_mark_days(attendance, "attendance_date", "attendance_date", DAY)


def leave_changed(leave, method: str | None = None) -> None:
	_mark_days(leave, "from_date", "to_date")


def assignment_changed(assignment, method: str | None = None) -> None:
	"""The days around are looked at as well: a night begins before, or ends after it."""
	_mark_days(assignment, "start_date", "end_date", DAY)


def slip_changed(slip, method: str | None = None) -> None:
	_mark_days(slip, "start_date", "end_date")


def decision_changed(decision, method: str | None = None) -> None:
	if decision.what == decisions.STILL_HERE:
		marks.add([marks.of_employee(decision.employee, getdate(decision.date))])
	elif decision.employee:
		_mark_days(decision, "date", "date")
	else:
		_mark_device(decision.device)


def device_changed(device, method: str | None = None) -> None:
	if device.get_doc_before_save() and any(map(device.has_value_changed, OF_DEVICE)):
		_mark_device(device.name)


def employee_changed(employee, method: str | None = None) -> None:
	if any(employee.has_value_changed(field) for field in OF_EMPLOYEE if employee.meta.has_field(field)):
		marks.add([marks.of_employee(employee.name, _period())])


def shift_type_changed(shift, method: str | None = None) -> None:
	if any(map(shift.has_value_changed, shift_notes.OF_SHIFT)):
		marks.add([Mark(Scope.SHIFT_TYPE, shift.name, _period(), date.max)])


def holiday_list_changed(holidays, method: str | None = None) -> None:
	"""Whose it is may come from a person, a shift, a company or an assignment: all are looked at, for the days that changed.

	So are those before, whose devices are waited for so many expected days.
	"""
	before = holidays.get_doc_before_save()
	changed = _dates(holidays) ^ (_dates(before) if before else set())
	if changed:
		held = timedelta(days=cint(frappe.db.get_single_value(servers.SETTINGS, "hold_days"))) + SHUT
		marks.add([Mark(Scope.EVERYBODY, "", max(min(changed) - held, _period()), max(changed))])


def list_assignment_changed(assignment, method: str | None = None) -> None:
	scope = Scope.COMPANY if assignment.applicable_for == "Company" else Scope.EMPLOYEE
	since = max(getdate(assignment.from_date), _period())
	marks.add([Mark(scope, assignment.assigned_to, since, date.max)])


def settings_changed(settings, method: str | None = None) -> None:
	if any(map(settings.has_value_changed, OF_SETTINGS)):
		_mark_everybody()


def _mark_device(device: str) -> None:
	marks.add([Mark(Scope.DEVICE, device, _period(), date.max)])


def _mark_everybody() -> None:
	marks.add([Mark(Scope.EVERYBODY, "", _period(), date.max)])


def _period() -> date:
	return getdate() - PERIOD


def _mark_days(document, first: str, last: str, around: timedelta = timedelta(0)) -> None:
	marks.add(
		marks.of_employee(
			version.employee,
			getdate(version.get(first)) - around,
			getdate(version.get(last)) + around if version.get(last) else None,
		)
		for version in _versions(document)
		if version.employee and version.get(first)
	)


def _versions(document) -> Iterator:
	"""As it is, and as it was where that was different."""
	yield document
	if before := document.get_doc_before_save():
		yield before


def _dates(holidays) -> set[date]:
	return {getdate(row.holiday_date) for row in holidays.holidays}
