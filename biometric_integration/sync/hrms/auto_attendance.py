"""HRMS's auto attendance: the hourly job, and the button *Mark Attendance* of a Shift Type. Which shift types it marks and how far, and what of it this
app stands on.
"""

from __future__ import annotations

import sys
from datetime import datetime, time

import frappe
from frappe.model.base_document import get_controller
from frappe.utils import get_datetime, getdate

from hrms.hr.doctype.attendance.attendance import DuplicateAttendanceError
from hrms.hr.doctype.employee_checkin import employee_checkin
from hrms.hr.doctype.shift_type import shift_type
from hrms.hr.doctype.shift_type.shift_type import ShiftType

from biometric_integration.core.watermark import AutoAttendance
from biometric_integration.sync.hrms.shift_notes import SHIFT

JOB = "hrms.hr.doctype.shift_type.shift_type.process_auto_attendance_for_all_shifts"
MARK, BY_CLOCK = "last_sync_of_checkin", "auto_update_last_sync"
"""The latter is not there in older versions."""
FIELDS = ("enable_auto_attendance", "process_attendance_after", MARK, BY_CLOCK, "holiday_list")
FROM_CHECKINS, NAMES = "mark_attendance_and_link_log", "log_names"
"""HRMS's function that makes an attendance of check-ins, and its variable with their names."""


# --- how it is set up


def of_shifts(**filters) -> dict[str, AutoAttendance]:
	"""Shift type → how it is set up."""
	meta = frappe.get_meta(SHIFT)
	fields = ["name", *filter(meta.has_field, FIELDS)]
	return {row.name: _of(row) for row in frappe.get_all(SHIFT, filters, fields, limit=0)}


def _of(row) -> AutoAttendance:
	return AutoAttendance(
		row.name,
		bool(row.enable_auto_attendance),
		getdate(row.process_attendance_after) if row.process_attendance_after else None,
		get_datetime(row.last_sync_of_checkin) if row.last_sync_of_checkin else None,
		bool(row.get(BY_CLOCK)),
		row.holiday_list or "",
	)


def move_mark(shift: str, to: datetime) -> bool:
	"""Forward only, whoever has moved it meanwhile. HRMS reads shift types from the cache, and a person who has the form open can still save it."""
	mark = frappe.db.get_value(SHIFT, shift, MARK, for_update=True)
	if not mark or get_datetime(mark) >= to:
		return False
	frappe.db.set_value(SHIFT, shift, MARK, to, update_modified=False)
	return True


def leave_the_clock(shift: str) -> None:
	"""HRMS moves the mark no more, with all that the site has to say about a save of the shift type. Where there is no mark, nothing counts as marked yet."""
	document = frappe.get_doc(SHIFT, shift)
	document.check_permission("write")
	document.set(BY_CLOCK, 0)
	if not document.get(MARK) and document.process_attendance_after:
		document.set(MARK, datetime.combine(getdate(document.process_attendance_after), time()))
	document.save()


def last_run() -> datetime | None:
	"""When its hourly job began the last time; the one before was over by then."""
	return frappe.db.get_value("Scheduled Job Type", {"method": JOB}, "last_execution")


def leaves_out_days() -> bool:
	"""Does the Shift Type of this site leave out the days that are not proven?"""
	return bool(getattr(get_controller(SHIFT), "biometric_guard", False))


# --- while it writes


class NotYet(DuplicateAttendanceError):
	"""The one refusal that HRMS goes on after, wherever it writes."""


def checkins_at_work() -> list[str] | None:
	"""The check-ins of which HRMS's auto attendance is just making an attendance, none for an absence; None where it is not at work.

	Only the frames tell it from a person, a request or another app.
	"""
	frame, names = sys._getframe(1), []
	while frame is not None:
		if (
			frame.f_code.co_name == FROM_CHECKINS
			and frame.f_globals.get("__name__") == employee_checkin.__name__
		):
			names = frame.f_locals.get(NAMES) or []
		if frame.f_globals.get("__name__") == shift_type.__name__:
			return list(names)
		frame = frame.f_back
	return None


def is_as_known() -> bool:
	"""Has HRMS the methods that the Shift Type of this app stands on? The last one only where it fills in half days."""
	fills_in = hasattr(employee_checkin, "get_existing_half_day_attendance")
	methods = ["get_employee_checkins", "get_dates_for_attendance"]
	methods += ["mark_absent_for_half_day_dates"] if fills_in else []
	return all(hasattr(ShiftType, method) for method in methods)


def shift_type_class(besides: str) -> type:
	"""The class of a Shift Type that would be in force without the one at this path: that of another app, else HRMS's own."""
	others = [
		path for path in frappe.get_hooks("override_doctype_class", {}).get(SHIFT, []) if path != besides
	]
	return frappe.get_attr(others[-1]) if others else ShiftType
