"""Shifts, as HRMS sees them. What differs between its versions is dealt with here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from inspect import signature

import frappe
from frappe import _
from frappe.utils import cint, flt

from hrms.hr.doctype.employee_checkin import employee_checkin as hrms_checkin
from hrms.hr.doctype.shift_assignment.shift_assignment import get_actual_start_end_datetime_of_shift

from biometric_integration.core.attendance import AttendanceStatus, Day, Setup, Span, Worked
from biometric_integration.core.directory import Occurrence
from biometric_integration.core.errors import ConfigurationError

SHIFT = "Shift Type"
BY_LOG_TYPE = "Strictly based on Log Type in Employee Checkin"
ROSTER = timedelta(days=31)


def occurrence_of(employee: str, moment: datetime) -> Occurrence | None:
	"""The occurrence of a shift that `moment` falls into; None outside any shift (site clock).

	Raises ConfigurationError where a shift type of the employee is gone.
	"""
	try:
		shift = get_actual_start_end_datetime_of_shift(employee, moment, True)
	except Exception as error:
		if gone := _gone(employee):
			message = _(
				"The Shift Type {0} of {1} is not there any more. Correct the default shift or the assignment."
			)
			raise ConfigurationError(message.format(gone, employee)) from error
		raise
	return Occurrence(shift.actual_start, shift.start_datetime) if shift else None


def _gone(employee: str) -> str:
	"""A shift type that the employee has, and that does not exist."""
	assigned = frappe.get_all(
		"Shift Assignment", {"employee": employee, "docstatus": 1}, pluck="shift_type", distinct=True, limit=0
	)
	default = frappe.db.get_value("Employee", employee, "default_shift")
	return next((name for name in (default, *assigned) if name and not frappe.db.exists(SHIFT, name)), "")


def span_of(employee: str, moment: datetime) -> Span | None:
	"""The shift-day that a punch at `moment` belongs to, as HRMS notes it on a check-in; None outside any shift."""
	shift = get_actual_start_end_datetime_of_shift(employee, moment, True)
	if not shift:
		return None
	closes = max(shift.actual_end, shift.end_datetime)
	overtime_type = shift.get("overtime_type") or ""
	return Span(
		shift.start_datetime, shift.end_datetime, closes, shift.shift_type.name, overtime_type=overtime_type
	)


def setup_of(day: Day, on_holidays: bool) -> Setup:
	"""`on_holidays`: what holds for days without a shift."""
	if not day.shift:
		return Setup(holiday=not on_holidays and _is_holiday(frappe.new_doc(SHIFT), day))
	shift = frappe.get_cached_doc(SHIFT, day.shift)
	return Setup(
		auto_attendance=bool(cint(shift.enable_auto_attendance)),
		holiday=_is_holiday(shift, day),
		by_log_type=shift.determine_check_in_and_check_out == BY_LOG_TYPE,
	)


def _is_holiday(shift, day: Day) -> bool:
	"""Does HRMS leave the day out? A new Shift Type stands for none: then the employee's own holiday list counts."""
	return not shift.should_mark_attendance(day.employee, day.date)


def worked(day: Day) -> Worked:
	"""HRMS's own arithmetic, fed with what it would find in check-ins."""
	shift = frappe.get_cached_doc(SHIFT, day.shift)
	status, hours, late_entry, early_exit, in_time, out_time = _judge(shift, day)(_logs(day))
	return Worked(AttendanceStatus(status), flt(hours), in_time, out_time, bool(late_entry), bool(early_exit))


def _judge(shift, day: Day) -> Callable:
	"""v16 wants the thresholds as well: they are halved on a half holiday."""
	if len(signature(shift.get_attendance).parameters) == 1:
		return shift.get_attendance
	share = 2 if shift.is_half_holiday(day.employee, day.date) else 1
	absent = flt(shift.working_hours_threshold_for_absent) / share
	half_day = flt(shift.working_hours_threshold_for_half_day) / share
	return lambda logs: shift.get_attendance(logs, absent, half_day)


def _logs(day: Day) -> list[frappe._dict]:
	span = day.span
	return [
		frappe._dict(
			name=punch.event,
			employee=day.employee,
			log_type=punch.log_type,
			time=punch.time,
			shift=day.shift,
			shift_start=span.start,
			shift_end=span.end,
			shift_actual_end=span.closes,
			overtime_type=span.overtime_type,
		)
		for punch in day.punches
	]


def overtime(day: Day, hours: float) -> dict:
	"""Overtime fields of the attendance, where HRMS has them (v16)."""
	overtime_of = getattr(hrms_checkin, "get_overtime_data", None)
	found = overtime_of(day.shift, hours) if overtime_of and day.span.overtime_type else None
	return {**found, "overtime_type": day.span.overtime_type} if found else {}


def overtime_of(employee: str, start: datetime, hours: float) -> dict:
	"""Overtime fields of an attendance for the shift that begins then, where HRMS has them (v16)."""
	overtime_data = getattr(hrms_checkin, "get_overtime_data", None)
	span = span_of(employee, start) if overtime_data else None
	if not span or not span.overtime_type:
		return {}
	return {**overtime_data(span.shift, hours), "overtime_type": span.overtime_type}


def with_a_shift(employees: Sequence[str]) -> Callable[[str, date], bool]:
	"""Answers whether an employee works by shifts around a day: has a default shift, or an assignment within a month of it.

	HRMS counts what such a person punches outside of them for nothing.
	"""
	has_default = {"name": ("in", employees), "default_shift": ("is", "set")}
	by_default = set(frappe.get_all("Employee", has_default, pluck="name", limit=0))
	filters = {"employee": ("in", employees), "docstatus": 1, "status": "Active"}
	assigned: dict[str, list[tuple[date, date]]] = {}
	for row in frappe.get_all("Shift Assignment", filters, ["employee", "start_date", "end_date"], limit=0):
		assigned.setdefault(row.employee, []).append((row.start_date, row.end_date or date.max))

	def has_shift(employee: str, day: date) -> bool:
		return employee in by_default or any(
			first - ROSTER <= day and day - ROSTER <= last for first, last in assigned.get(employee, ())
		)

	return has_shift
