"""Shifts, as HRMS sees them."""

from __future__ import annotations

from datetime import datetime

from hrms.hr.doctype.shift_assignment.shift_assignment import get_actual_start_end_datetime_of_shift


def start_of(employee: str, moment: datetime) -> datetime | None:
	"""Begin of the window in which check-ins belong to the shift that `moment` falls into; None outside any shift (site clock)."""
	shift = get_actual_start_end_datetime_of_shift(employee, moment, True)
	return shift.actual_start if shift else None
