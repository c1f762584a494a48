"""From a workday to its attendance: HRMS has computed what would be right, the app inserts, submits and links it. Commits nothing."""

from __future__ import annotations

from collections.abc import Collection

import frappe
from frappe import _

from biometric_integration.core.attendance import AttendanceStatus, Worked
from biometric_integration.core.workday import Workday
from biometric_integration.sync.db.savepoint import savepoint
from biometric_integration.sync.hrms import shifts
from biometric_integration.sync.workdays import notes
from biometric_integration.sync.workdays.rows import Judged

DOCTYPE, CHECKIN = "Attendance", "Employee Checkin"
OURS = "biometric_writes"
"""The flag of a document that is written, cancelled or deleted here: no person did it, and its rows are made again in the same transaction."""


def write(judged: Judged) -> str:
	"""The attendance that would be right for a complete workday; returns its name. Check-ins of the day become part of it.

	Raises Refused, with the words of whoever refused it; then nothing is written.
	"""
	would = judged.judgement.would
	if would is None:
		raise ValueError("a workday of which nothing is known to be right")
	half_day = next((written.name for written in judged.written if written.half_open), None)
	with savepoint("biometric_attendance"):
		_free_key(judged.name)
		record = _complete(half_day, judged, would) if half_day else _create(judged, would)
		_link(record, judged)
	return record


def take_back(names: Collection[str]) -> None:
	"""Cancel these records, or delete those that are drafts. Their check-ins belong to none then, and are not skipped.

	Raises Refused for the first one that cannot go; then all of them stay.
	"""
	if not names:
		return  # frappe would take an empty list for every check-in without an attendance
	part_of = {"attendance": ("in", list(names))}
	with savepoint("biometric_take_back"):
		checkins = frappe.get_all(CHECKIN, part_of, pluck="name", limit=0)
		for name in sorted(names):
			record = frappe.get_doc(DOCTYPE, name)
			record.flags.update({OURS: True, "ignore_permissions": True})
			if record.docstatus.is_submitted():
				record.cancel()
			elif record.docstatus.is_draft():
				record.delete()
		free(checkins)


def reopen(names: Collection[str]) -> None:
	"""The other half of these half-day leaves is not said yet, as the leave has left it."""
	if not names:
		return
	checkins = frappe.get_all(CHECKIN, {"attendance": ("in", list(names))}, pluck="name", limit=0)
	nothing = {"working_hours": 0, "late_entry": 0, "early_exit": 0, "in_time": None, "out_time": None}
	half = {"half_day_status": "Present", "modify_half_day_status": 1, "shift": None, "biometric_day": None}
	frappe.db.set_value(DOCTYPE, {"name": ("in", list(names))}, {**nothing, **half})
	free(checkins)


def free(checkins: Collection[str]) -> None:
	"""These check-ins are part of no attendance, and HRMS may count them."""
	if checkins:
		freed = {"attendance": None, "skip_auto_attendance": 0}
		frappe.db.set_value(CHECKIN, {"name": ("in", list(checkins))}, freed, update_modified=False)


def _create(judged: Judged, would: Worked) -> str:
	record = frappe.new_doc(DOCTYPE)
	record.update(
		{
			"employee": judged.person.name,
			"attendance_date": judged.workday.date,
			"status": would.status.value,
			**_times(judged, would),
			**_half_day(would),
			**_overtime(judged, would),
		}
	)
	record.flags.update({OURS: True, "ignore_permissions": True})
	record.submit()
	if would.status is AttendanceStatus.ABSENT:
		record.add_comment(text=_why_absent(judged.workday))
	return record.name


def _why_absent(workday: Workday) -> str:
	if workday.checkins:
		return _("Employee was marked Absent for not meeting the working hours threshold.")
	return _("Absent: a punch was expected, and all devices of this person have delivered what they had.")


def _complete(name: str, judged: Judged, would: Worked) -> str:
	"""The other half of a half-day leave, as HRMS's own auto attendance fills it in."""
	is_there = judged.workday.checkins and would.status is not AttendanceStatus.ABSENT
	other_half = {"half_day_status": "Present" if is_there else "Absent", "modify_half_day_status": 0}
	frappe.db.set_value(DOCTYPE, name, {**_times(judged, would), **other_half})
	return name


def _times(judged: Judged, would: Worked) -> dict:
	shift = judged.workday.shift
	return {
		"working_hours": would.hours,
		"shift": shift.name if shift else None,
		"late_entry": int(would.late_entry),
		"early_exit": int(would.early_exit),
		"in_time": would.in_time,
		"out_time": would.out_time,
		"biometric_day": judged.name,
	}


def _half_day(would: Worked) -> dict:
	"""Payroll counts the half that was not worked where HRMS can say so."""
	if not frappe.get_meta(DOCTYPE).has_field("half_day_status"):
		return {}
	return {"half_day_status": "Absent" if would.status is AttendanceStatus.HALF_DAY else None}


def _overtime(judged: Judged, would: Worked) -> dict:
	shift = judged.workday.shift
	if not shift or would.status is not AttendanceStatus.PRESENT:
		return {}
	return shifts.overtime_of(judged.person.name, shift.name, shift.start, would.hours)


def _free_key(key: str) -> None:
	"""A cancelled attendance gives its day back."""
	cancelled = {"biometric_day": key, "docstatus": 2}
	if frappe.db.exists(DOCTYPE, cancelled):
		frappe.db.set_value(DOCTYPE, cancelled, "biometric_day", None, update_modified=False)


def _link(record: str, judged: Judged) -> None:
	"""A check-in that is part of an attendance is of the shift that it says, so it says that of the workday."""
	workday = judged.workday
	names = [checkin.name for checkin in workday.counted]
	if names:
		frappe.db.set_value(CHECKIN, {"name": ("in", names)}, "attendance", record, update_modified=False)
	shift = workday.shift
	elsewhere = [
		one.name for one in workday.counted if shift and not (one.noted and one.noted.key == shift.key)
	]
	if shift and elsewhere:
		fields = notes.fields_of(judged.person.name, shift)
		frappe.db.set_value(CHECKIN, {"name": ("in", elsewhere)}, fields, update_modified=False)
