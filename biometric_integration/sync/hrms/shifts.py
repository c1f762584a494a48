"""Shifts, as HRMS sees them. What differs between its versions is dealt with here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from inspect import signature

import frappe
from frappe import _
from frappe.utils import flt

from hrms.hr.doctype.employee_checkin import employee_checkin as hrms_checkin
from hrms.hr.doctype.shift_assignment.shift_assignment import get_actual_start_end_datetime_of_shift

from biometric_integration.core.attendance import AttendanceStatus, Worked
from biometric_integration.core.directory import Occurrence
from biometric_integration.core.errors import ConfigurationError
from biometric_integration.core.workday import CheckIn, Shift

SHIFT = "Shift Type"
BY_LOG_TYPE = "Strictly based on Log Type in Employee Checkin"


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


def worked(employee: str, shift: Shift, checkins: Sequence[CheckIn]) -> Worked:
	"""HRMS's own arithmetic, fed with what it would find in these check-ins."""
	document = frappe.get_cached_doc(SHIFT, shift.name)
	judge = _judge(document, employee, shift.start.date())
	status, hours, late_entry, early_exit, in_time, out_time = judge(_logs(employee, shift, checkins))
	return Worked(AttendanceStatus(status), flt(hours), in_time, out_time, bool(late_entry), bool(early_exit))


def _judge(shift, employee: str, day: date) -> Callable:
	"""v16 wants the thresholds as well: they are halved on a half holiday."""
	if len(signature(shift.get_attendance).parameters) == 1:
		return shift.get_attendance
	share = 2 if shift.is_half_holiday(employee, day) else 1
	absent = flt(shift.working_hours_threshold_for_absent) / share
	half_day = flt(shift.working_hours_threshold_for_half_day) / share
	return lambda logs: shift.get_attendance(logs, absent, half_day)


def _logs(employee: str, shift: Shift, checkins: Sequence[CheckIn]) -> list[frappe._dict]:
	return [
		frappe._dict(
			name=checkin.name,
			employee=employee,
			log_type=checkin.log_type,
			time=checkin.time,
			shift=shift.name,
			shift_start=shift.start,
			shift_end=shift.end,
			shift_actual_end=max(shift.closes, shift.end),
			overtime_type="",
		)
		for checkin in checkins
	]


def overtime_of(employee: str, shift: str, start: datetime, hours: float) -> dict:
	"""Overtime fields of an attendance for the occurrence that begins then, where HRMS has them (v16)."""
	overtime_data = getattr(hrms_checkin, "get_overtime_data", None)
	found = overtime_type(employee, shift, start) if overtime_data else ""
	return {**overtime_data(shift, hours), "overtime_type": found} if found else {}


def overtime_type(employee: str, shift: str, start: datetime) -> str:
	"""Of the occurrence of a shift that begins then, empty for none (v16)."""
	details = get_actual_start_end_datetime_of_shift(employee, start, True)
	is_same = details and details.shift_type.name == shift
	return (details.get("overtime_type") or "") if is_same else ""
