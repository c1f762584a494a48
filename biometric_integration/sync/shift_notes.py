"""What HRMS notes about the shift on a check-in: asked of HRMS itself, once per shift and day where that is safe."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import frappe
from frappe.query_builder.functions import Count, Max

CHECKIN, ASSIGNMENT, SHIFT = "Employee Checkin", "Shift Assignment", "Shift Type"
AROUND = timedelta(days=2)
"""HRMS looks at the shifts of the day before and of the day after, and a night shift reaches into one more."""
DAY = timedelta(days=1)
OF_ASSIGNMENT = ("overtime_type",)
"""Fields that newer versions of HRMS take from the assignment."""

Fields = dict[str, Any]
Key = tuple


class Window(NamedTuple):
	"""Check-ins strictly between `opens` and `closes` belong to the shift that begins at `start`; `fields` is what HRMS notes."""

	opens: datetime
	closes: datetime
	start: datetime
	fields: Fields


class ShiftNotes:
	"""Answers what HRMS's own `fetch_shift` sets on a check-in.

	An answer is used again only for people with exactly one shift type in force around the day (or who never had any), only where the
	windows of that type cannot meet, and only as long as no shift type changes. For everybody else HRMS is asked for each punch.
	"""

	def __init__(self):
		self._as_of: Any = None
		self._windows: dict[Key, list[Window]] = {}
		self._outside: dict[Key, Fields] = {}
		self._defaults: dict[str, str] = {}
		self._assigned: dict[str, list] = {}
		self._keys: dict[tuple[str, date], Key | None] = {}
		self.asked = 0

	def prepare(self, defaults: dict[str, str], first: date, last: date) -> None:
		"""Read what is in force for these employees (employee → default shift, or empty) from the first to the last day."""
		self._forget_if_changed()
		self._defaults = defaults
		self._keys.clear()
		self._assigned = {}
		employees = list(defaults)
		for row in _assignments(employees, first - AROUND, last + AROUND):
			self._assigned.setdefault(row.employee, []).append(row)
		self._ever = set(self._assigned) | _ever_assigned(set(employees) - set(self._assigned))

	def of(self, employee: str, time: datetime, log_type: str) -> Fields:
		"""The fields of a check-in at `time` (site clock). Raises what HRMS raises."""
		key = self._key(employee, time.date())
		if key is None:
			return self._ask(employee, time, log_type)
		key = (*key, bool(log_type))
		found = self._known(key, time)
		return self._learnt(key, employee, time, log_type) if found is None else found

	def _forget_if_changed(self) -> None:
		shift = frappe.qb.DocType(SHIFT)
		as_of = frappe.qb.from_(shift).select(Count("*"), Max(shift.modified)).run()
		if as_of != self._as_of:
			self._windows.clear()
			self._outside.clear()
		self._as_of = as_of

	def _key(self, employee: str, day: date) -> Key | None:
		found = self._keys.get((employee, day), ())
		if found == ():
			found = self._keys[employee, day] = self._in_force(employee, day)
		return found

	def _in_force(self, employee: str, day: date) -> Key | None:
		"""The one shift type around a day and how it comes to be; None where it is not one."""
		default = self._defaults.get(employee) or ""
		near = [
			row
			for row in self._assigned.get(employee, ())
			if row.start_date <= day + AROUND and (row.end_date or date.max) >= day - AROUND
		]
		types = {row.shift_type for row in near} | ({default} - {""})
		if not types:
			return None if employee in self._ever else ("",)
		covers = [
			row
			for row in near
			if row.start_date <= day - AROUND and (row.end_date or date.max) >= day + AROUND
		]
		if len(types) > 1 or len(near) != len(covers) or len(near) > 1:
			return None
		shift_type = types.pop()
		if not _apart(shift_type):
			return None
		return (shift_type, bool(default), *(tuple(row.values()) for row in _parts(near)))

	def _known(self, key: Key, time: datetime) -> Fields | None:
		if not key[0]:
			return self._outside.get(key)
		windows = self._windows.get(key, [])
		after = bisect_right(windows, (time,))
		before = after - 1
		if before >= 0 and windows[before].opens < time < windows[before].closes:
			return windows[before].fields
		if 0 < after < len(windows) and windows[before].closes < time < windows[after].opens:
			follows = windows[after].start - windows[before].start == DAY
			return self._outside.get(key) if follows else None
		return None

	def _learnt(self, key: Key, employee: str, time: datetime, log_type: str) -> Fields:
		fields = self._ask(employee, time, log_type)
		if not fields.get("shift"):
			self._outside[key] = fields
			return fields
		window = Window(
			fields["shift_actual_start"], fields["shift_actual_end"], fields["shift_start"], fields
		)
		windows = self._windows.setdefault(key, [])
		if all(window.opens != known.opens for known in windows):
			insort(windows, window)
		return fields

	def _ask(self, employee: str, time: datetime, log_type: str) -> Fields:
		self.asked += 1
		checkin = frappe.new_doc(CHECKIN)
		checkin.update({"employee": employee, "time": time, "log_type": log_type})
		before = checkin.get_valid_dict()
		checkin.fetch_shift()
		after = checkin.get_valid_dict()
		return {field: value for field, value in after.items() if value != before.get(field)}


def _assignments(employees: Collection[str], first: date, last: date) -> list:
	assignment = frappe.qb.DocType(ASSIGNMENT)
	meta = frappe.get_meta(ASSIGNMENT)
	extra = [assignment[field] for field in OF_ASSIGNMENT if meta.has_field(field)]
	query = (
		frappe.qb.from_(assignment)
		.select(
			assignment.employee, assignment.shift_type, assignment.start_date, assignment.end_date, *extra
		)
		.where(assignment.employee.isin(employees or [""]))
		.where((assignment.docstatus == 1) & (assignment.status == "Active"))
		.where(assignment.start_date <= last)
		.where(assignment.end_date.isnull() | (assignment.end_date >= first))
	)
	return query.run(as_dict=True)


def _ever_assigned(employees: Collection[str]) -> set[str]:
	filters = {"employee": ("in", sorted(employees)), "docstatus": 1, "status": "Active"}
	if not employees:
		return set()
	return set(frappe.get_all(ASSIGNMENT, filters, pluck="employee", distinct=True, limit=0))


def _parts(rows: list) -> list[Fields]:
	"""What of an assignment shows on a check-in."""
	return [{field: row.get(field) for field in ("shift_type", *OF_ASSIGNMENT)} for row in rows]


def _apart(shift_type: str) -> bool:
	"""Do the windows of two days of this shift leave time between them? Else HRMS cuts them where they meet."""
	shift = frappe.get_cached_doc(SHIFT, shift_type)
	length = (shift.end_time - shift.start_time) % DAY
	margins = timedelta(
		minutes=shift.begin_check_in_before_shift_start_time + shift.allow_check_out_after_shift_end_time
	)
	return bool(length) and length + margins < DAY
