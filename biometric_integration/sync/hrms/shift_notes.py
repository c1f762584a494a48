"""What HRMS notes about the shift on a check-in: asked of HRMS itself, once per shift and day where that is safe."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import frappe

from biometric_integration.core.directory import Moment, Occurrence, meet
from biometric_integration.core.window import shifted
from biometric_integration.sync.db import sql, transaction
from biometric_integration.sync.hrms.shifts import occurrence_of

CHECKIN, ASSIGNMENT, SHIFT = "Employee Checkin", "Shift Assignment", "Shift Type"
DAY = timedelta(days=1)
BEFORE, AFTER = timedelta(hours=6), timedelta(hours=18)
"""A shift whose window opens and closes within these of its start meets none of a day or two later or earlier."""
NEAR = 3 * DAY
ANY_LOG_TYPE = "IN"
"""Some shifts insist on one; it does not change which shift it is."""
OF_SHIFT = (
	"start_time",
	"end_time",
	"begin_check_in_before_shift_start_time",
	"allow_check_out_after_shift_end_time",
	"determine_check_in_and_check_out",
	"working_hours_calculation_based_on",
	"working_hours_threshold_for_half_day",
	"working_hours_threshold_for_absent",
	"holiday_list",
	"mark_auto_attendance_on_holidays",
	"enable_late_entry_marking",
	"late_entry_grace_period",
	"enable_early_exit_marking",
	"early_exit_grace_period",
	"enable_auto_attendance",
	"process_attendance_after",
)
"""What of a shift type says anything about anybody's day."""
OF_ASSIGNMENT = ("overtime_type",)
"""Fields that newer versions of HRMS take from the assignment."""

Fields = dict[str, Any]
Key = tuple


class Assignment(NamedTuple):
	"""A shift type in force from `start` to `end`, both included; `shown` are the other fields of it that a check-in shows."""

	shift_type: str
	start: date
	end: date
	shown: tuple


class Window(NamedTuple):
	"""Check-ins strictly between `opens` and `closes` belong to the shift that begins at `start`; `fields` is what HRMS notes."""

	opens: datetime
	closes: datetime
	start: datetime
	fields: Fields


class ShiftNotes:
	"""Answers what HRMS's own `fetch_shift` sets on a check-in.

	An answer is used again only for people with exactly one shift type in force from the day before to the day after (or who never had
	any), only where the windows of their shifts cannot meet, and only as long as no shift type changes. For everybody else HRMS is
	asked for each punch.
	"""

	def __init__(self):
		self._as_of: Any = None
		self._windows: dict[Key, list[Window]] = {}
		self._outside: dict[Key, Fields] = {}
		self._ordinary: dict[str, bool] = {}
		self._defaults: dict[str, str] = {}
		self._assigned: dict[str, list[Assignment]] = {}
		self._ever: set[str] = set()
		self._keys: dict[tuple[str, date], Key | None] = {}

	def prepare(self, defaults: dict[str, str], first: date, last: date) -> None:
		"""Read what is in force for these employees (employee → default shift, or empty) from the first to the last day."""
		self._forget_if_changed()
		self._defaults = defaults
		self._keys.clear()
		self._assigned = {}
		for employee, row in _assignments(list(defaults) or [""], first - NEAR, last + NEAR):
			self._assigned.setdefault(employee, []).append(row)
		self._ever = set(self._assigned) | _ever_assigned(set(defaults) - set(self._assigned))

	def of(self, employee: str, time: datetime, log_type: str) -> Fields:
		"""The fields of a check-in at `time` (site clock). Raises what HRMS raises."""
		known = self.known(employee, time, log_type)
		return _asked(employee, time, log_type) if known is None else known

	def known(self, employee: str, time: datetime, log_type: str) -> Fields | None:
		"""The same from an answer that HRMS has given before; None where it has to be asked about this very check-in."""
		key = self._key(employee, time.date()) if employee in self._defaults else None
		return self._again(key, employee, time, log_type) if key else None

	def types_on(self, employee: str, day: date) -> list[str]:
		"""The shift types that are in force for this employee on this day; the default shift where no assignment covers it."""
		assigned = {row.shift_type for row in self._assigned.get(employee, ()) if row.start <= day <= row.end}
		default = self._defaults.get(employee)
		return sorted(assigned) or ([default] if default else [])

	def occurrences(self, moments: Collection[Moment]) -> dict[Moment, Occurrence]:
		"""Of each of these moments that falls into one. Raises as `shifts.occurrence_of` does."""
		if not moments:
			return {}
		employees, days = (
			sorted({employee for employee, _time in moments}),
			[time.date() for _, time in moments],
		)
		rows = sql.select_in("Employee", ("name", "default_shift"), "name", employees)
		self.prepare({name: shift or "" for name, shift in rows}, min(days), max(days))
		found = ((moment, self._occurrence(*moment)) for moment in moments)
		return {moment: occurrence for moment, occurrence in found if occurrence}

	def borders(self, moments: Collection[Moment], reach: timedelta) -> set[Moment]:
		"""Those within `reach` of which one shift of the employee ends and another begins. Raises as `shifts.occurrence_of` does."""
		around = {
			(employee, time): ((employee, shifted(time, -reach)), (employee, shifted(time, reach)))
			for employee, time in moments
		}
		found = self.occurrences({moment for pair in around.values() for moment in pair})
		return {key for key, (before, after) in around.items() if meet(found.get(before), found.get(after))}

	def _occurrence(self, employee: str, time: datetime) -> Occurrence | None:
		try:
			fields = self.of(employee, time, ANY_LOG_TYPE)
		except transaction.OF_NO_ROW:
			raise
		except Exception:
			return occurrence_of(employee, time)  # which says what is wrong
		return (
			Occurrence(fields["shift_actual_start"], fields["shift_start"]) if fields.get("shift") else None
		)

	def _forget_if_changed(self) -> None:
		"""What frappe remembers for as long as a job runs is forgotten as well, where somebody has changed it since."""
		as_of = frappe.get_all(SHIFT, fields=["name", *OF_SHIFT], as_list=True, limit=0)
		for name, *values in as_of if self._as_of is None else set(as_of) - set(self._as_of):
			kept = frappe.cache.get_value(frappe.get_document_cache_key(SHIFT, name))
			if kept and [kept.get(field) for field in OF_SHIFT] != values:
				frappe.clear_document_cache(SHIFT, name)
		if as_of != self._as_of:
			self._windows.clear()
			self._outside.clear()
			self._ordinary.clear()
		self._as_of = as_of

	def _key(self, employee: str, day: date) -> Key | None:
		found = self._keys.get((employee, day), ())
		if found == ():
			found = self._keys[employee, day] = self._in_force(employee, day)
		return found

	def _in_force(self, employee: str, day: date) -> Key | None:
		"""The one shift type around a day and how it comes to be; None where HRMS has to be asked."""
		default = self._defaults.get(employee) or ""
		rows = self._assigned.get(employee, [])
		types = {row.shift_type for row in rows} | ({default} - {""})
		if not types:
			return None if employee in self._ever else ("",)
		near = [row for row in rows if row.start <= day + DAY and row.end >= day - DAY]
		here = {row.shift_type for row in near} | ({default} - {""})
		whole = len(near) == 1 and near[0].start <= day - DAY and near[0].end >= day + DAY
		if len(here) != 1 or (near and not whole) or not all(map(self._is_ordinary, types)):
			return None
		return (*here, bool(default), *(row.shown for row in near))

	def _is_ordinary(self, shift_type: str) -> bool:
		if shift_type not in self._ordinary:
			self._ordinary[shift_type] = _is_ordinary(shift_type)
		return self._ordinary[shift_type]

	def _again(self, key: Key, employee: str, time: datetime, log_type: str) -> Fields | None:
		"""An answer that HRMS has given before, for this key; None where it has not, or where it may not hold for this employee."""
		of = (*key, bool(log_type))
		if not key[0]:
			return self._at_no_shift(of, employee, time, log_type)
		if not self._surely_known(of, time):
			self._learn(of, key, employee, time, log_type)
		before, after = self._around(of, time)
		if before and time < before.closes:
			holds = time > before.opens and self._key(employee, before.start.date()) == key
			return before.fields if holds else None
		if before and after and before.closes < time < after.opens and after.start - before.start == DAY:
			return self._at_no_shift(of, employee, time, log_type)
		return None

	def _surely_known(self, of: Key, time: datetime) -> bool:
		before, after = self._around(of, time)
		return bool(before and (time < before.closes or (after and after.start - before.start == DAY)))

	def _around(self, of: Key, time: datetime) -> tuple[Window | None, Window | None]:
		"""The window that opened last before a moment, and the next one."""
		windows = self._windows.get(of, [])
		after = bisect_right(windows, (time,))
		return (windows[after - 1] if after else None, windows[after] if after < len(windows) else None)

	def _learn(self, of: Key, key: Key, employee: str, time: datetime, log_type: str) -> None:
		"""Ask HRMS about the shifts of three days, each at the moment it begins."""
		begin = frappe.get_cached_doc(SHIFT, key[0]).start_time
		windows = self._windows.setdefault(of, [])
		known = {window.start for window in windows}
		for day in (time.date() - DAY, time.date(), time.date() + DAY):
			start = datetime.combine(day, datetime.min.time()) + begin
			if start in known or self._key(employee, day) != key:
				continue
			fields = _asked(employee, start, log_type)
			if fields.get("shift") == key[0] and fields.get("shift_start") == start:
				insort(
					windows,
					Window(fields["shift_actual_start"], fields["shift_actual_end"], start, fields),
				)

	def _at_no_shift(self, of: Key, employee: str, time: datetime, log_type: str) -> Fields:
		if of not in self._outside:
			fields = _asked(employee, time, log_type)
			if fields.get("shift"):
				return fields
			self._outside[of] = fields
		return self._outside[of]


def of_checkin(employee: str, time: datetime, log_type: str) -> Fields:
	"""What HRMS would set on this one check-in now."""
	fields = _asked(employee, time, log_type or ANY_LOG_TYPE)
	return {"offshift": 0, **fields} if fields.get("shift") else fields


def _asked(employee: str, time: datetime, log_type: str) -> Fields:
	"""What HRMS sets on a new check-in."""
	checkin = frappe.new_doc(CHECKIN)
	checkin.update({"employee": employee, "time": time, "log_type": log_type})
	before = checkin.get_valid_dict()
	checkin.fetch_shift()
	after = checkin.get_valid_dict()
	return {field: value for field, value in after.items() if value != before.get(field)}


def _assignments(employees: Sequence[str], first: date, last: date) -> Iterator[tuple[str, Assignment]]:
	"""Employee and assignment, for all that are in force on one of these days."""
	shown = ["", *filter(frappe.get_meta(ASSIGNMENT).has_field, OF_ASSIGNMENT)]
	rows = frappe.db.sql(
		f"""SELECT `employee`, `shift_type`, `start_date`, `end_date` {", ".join(shown)} FROM `tab{ASSIGNMENT}`
		WHERE `employee` IN %s AND `docstatus`=1 AND `status`='Active'
		AND `start_date`<=%s AND (`end_date` IS NULL OR `end_date`>=%s)""",
		(employees, last, first),
	)  # the query builder takes ten times as long for the names
	for employee, shift_type, start, end, *shown in rows:
		yield employee, Assignment(shift_type, start, end or date.max, tuple(shown))


def _ever_assigned(employees: Collection[str]) -> set[str]:
	filters = {"employee": ("in", sorted(employees)), "docstatus": 1, "status": "Active"}
	if not employees:
		return set()
	return set(frappe.get_all(ASSIGNMENT, filters, pluck="employee", distinct=True, limit=0))


def _is_ordinary(shift_type: str) -> bool:
	"""Do its windows leave time between them, and keep within reach of the day? Else HRMS cuts them where they meet."""
	shift = frappe.get_cached_doc(SHIFT, shift_type)
	length = (shift.end_time - shift.start_time) % DAY
	before = timedelta(minutes=shift.begin_check_in_before_shift_start_time)
	after = timedelta(minutes=shift.allow_check_out_after_shift_end_time)
	return bool(length) and before <= BEFORE and length + after <= AFTER and before + length + after < DAY
