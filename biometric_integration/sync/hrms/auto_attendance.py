"""HRMS's auto attendance: the hourly job, and the button *Mark Attendance* of a Shift Type. What of it this app stands on."""

from __future__ import annotations

import sys

import frappe

from hrms.hr.doctype.attendance.attendance import DuplicateAttendanceError
from hrms.hr.doctype.employee_checkin import employee_checkin
from hrms.hr.doctype.shift_type import shift_type
from hrms.hr.doctype.shift_type.shift_type import ShiftType

SHIFT = "Shift Type"
FROM_CHECKINS, NAMES = "mark_attendance_and_link_log", "log_names"
"""HRMS's function that makes an attendance of check-ins, and its variable with their names."""


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
