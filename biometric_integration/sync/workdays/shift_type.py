"""Shift Type with the guard in it: HRMS's auto attendance does not even see the days that are not free. Nothing is tried, so nothing is to be taken back."""

from __future__ import annotations

from datetime import date
from functools import cache, partial
from typing import Any

from biometric_integration.sync.hrms import auto_attendance
from biometric_integration.sync.workdays import guard

NAME = "GuardedShiftType"


class ShiftTypeGuard:
	"""To be mixed in before HRMS's class, or that of another app."""

	biometric_guard = auto_attendance.is_as_known()
	name: str

	def get_employee_checkins(self) -> list[Any]:
		return guard.free_checkins(self.name, super().get_employee_checkins())

	def get_dates_for_attendance(self, employee: str) -> list[date]:
		return guard.free_dates(self.name, employee, super().get_dates_for_attendance(employee))

	def mark_absent_for_half_day_dates(self, employee: str) -> None:
		guard.fill_half_days(self.name, employee, partial(super().mark_absent_for_half_day_dates, employee))


def __getattr__(name: str) -> type:
	"""For a frappe that takes a class, and no mixin: of the class that would be in force without this one, which is each site's own matter."""
	if name != NAME:
		raise AttributeError(name)
	return _guarded(auto_attendance.shift_type_class(besides=f"{__name__}.{NAME}"))


@cache
def _guarded(base: type) -> type:
	return type(NAME, (ShiftTypeGuard, base), {"__module__": __name__})
