"""The roster: who should come when, and to which shift a check-in belongs today. Frappe HR answers, once per shift and day where that is safe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple

import frappe

from biometric_integration.core.workday import Shift
from biometric_integration.sync.db import transaction
from biometric_integration.sync.hrms.shift_notes import ANY_LOG_TYPE, ASSIGNMENT, SHIFT, Fields, ShiftNotes

MOMENT = timedelta(seconds=1)


class Hours(NamedTuple):
	"""A shift type, as far as its hours are concerned; before, after: its margins."""

	start: timedelta
	end: timedelta
	before: timedelta
	after: timedelta


class Roster:
	"""Of the people of a batch. An assignment takes the place of the default shift on the days it covers."""

	def __init__(self) -> None:
		self._notes = ShiftNotes()
		self._hours: dict[str, Hours | None] = {}
		self._inactive: dict[str, list[tuple[str, str, date, date]]] = {}

	def prepare(self, defaults: Mapping[str, str], first: date, last: date) -> None:
		"""Read what is in force for these employees (employee → default shift, or empty) from the first to the last day."""
		frappe.db.value_cache.clear()  # a default shift that HRMS has looked up before may be another one by now
		self._notes.prepare(dict(defaults), first, last)
		self._hours.clear()
		self._inactive = _inactive(list(defaults), first, last)

	def answered(self, employee: str, time: datetime, log_type: str, is_fixed: bool) -> Shift | None:
		"""The shift that a check-in belongs to by the roster of today. `is_fixed`: only where it need not be asked about."""
		messages = len(frappe.local.message_log)
		ask = self._notes.known if is_fixed else self._notes.of
		try:
			fields = ask(employee, time, log_type or ANY_LOG_TYPE)
		except transaction.OF_NO_ROW:
			raise
		except Exception:  # HRMS has no answer, for a shift type that is gone: the check-in says what it was
			del frappe.local.message_log[messages:]
			return None
		return self.from_fields(fields) if fields else None

	def inactive(self, employee: str, time: datetime) -> tuple[Shift, str] | None:
		"""The shift of an assignment that was set inactive, though it covers the day; with the name of the assignment."""
		for name, shift_type, first, last in self._inactive.get(employee, ()):
			for day in (time.date(), time.date() - timedelta(days=1)):
				shift = self.occurrence(shift_type, day)
				if shift and first <= day <= last and shift.opens <= time <= shift.closes:
					return shift, name
		return None

	def expected(self, employee: str, day: date) -> Iterator[Shift]:
		"""The shifts that begin on this day. Holidays are not looked at."""
		for shift_type in self._notes.types_on(employee, day):
			hours = self.hours(shift_type)
			if hours is None:
				continue
			start = datetime.combine(day, datetime.min.time()) + hours.start
			if shift := self._at(employee, shift_type, start):
				yield shift

	def _at(self, employee: str, shift_type: str, start: datetime) -> Shift | None:
		"""Where two shifts meet, the moment belongs to the first: a second later it does not."""
		for moment in (start, start + MOMENT):
			shift = self.answered(employee, moment, ANY_LOG_TYPE, False)
			if shift and shift.key == (start, shift_type):
				return shift
		return None

	def from_fields(self, fields: Fields) -> Shift | None:
		"""From what a check-in says; None where it says no shift."""
		name, start = fields.get("shift"), fields.get("shift_start")
		if not name or not start:
			return None
		end = fields.get("shift_end") or start
		hours = self.hours(name)
		closes = fields.get("shift_actual_end") or end
		reach = max(closes, end + hours.after) if hours else closes
		return Shift(start, name, end, fields.get("shift_actual_start") or start, closes, reach)

	def occurrence(self, shift_type: str, day: date) -> Shift | None:
		"""The one that begins on this day, whoever works it."""
		hours = self.hours(shift_type)
		if hours is None:
			return None
		start = datetime.combine(day, datetime.min.time()) + hours.start
		end = start + (hours.end - hours.start) % timedelta(days=1)
		return Shift(start, shift_type, end, start - hours.before, end + hours.after, end + hours.after)

	def hours(self, shift_type: str) -> Hours | None:
		"""None where the shift type is gone."""
		if shift_type not in self._hours:
			self._hours[shift_type] = _hours(shift_type)
		return self._hours[shift_type]


def _hours(shift_type: str) -> Hours | None:
	try:
		shift = frappe.get_cached_doc(SHIFT, shift_type)
	except frappe.DoesNotExistError:
		frappe.clear_last_message()
		return None
	minutes = (shift.begin_check_in_before_shift_start_time, shift.allow_check_out_after_shift_end_time)
	before, after = (timedelta(minutes=value or 0) for value in minutes)
	return Hours(shift.start_time, shift.end_time, before, after)


def _inactive(employees: list[str], first: date, last: date) -> dict[str, list[tuple[str, str, date, date]]]:
	filters = {
		"employee": ("in", employees or [""]),
		"docstatus": 1,
		"status": "Inactive",
		"start_date": ("<=", last),
	}
	found: dict[str, list[tuple[str, str, date, date]]] = {}
	fields = ["employee", "name", "shift_type", "start_date", "end_date"]
	for row in frappe.get_all(ASSIGNMENT, filters, fields, limit=0):
		until = row.end_date or date.max
		if until >= first:
			found.setdefault(row.employee, []).append((row.name, row.shift_type, row.start_date, until))
	return found
