"""What HRMS's auto attendance may write (design §4): nothing that is bad for a person, and nothing of half a day, before the day is judged and proven."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import NamedTuple

from biometric_integration.core.attendance import AttendanceStatus
from biometric_integration.core.judgement import State, Why

ABSENT, HALF_DAY = AttendanceStatus.ABSENT.value, AttendanceStatus.HALF_DAY.value
BAD = (ABSENT, HALF_DAY)
UNSETTLED = (State.OPEN.value, State.HELD.value, State.TO_SETTLE.value, State.COMPLETE.value)


class Row(NamedTuple):
	"""A workday of a person, as it was judged. shift: empty without one; is_stale: something has changed since.

	would: the status that would be right, empty where that is not known. outside: how many of its check-ins do not count.
	"""

	employee: str
	date: date
	shift: str
	start: datetime | None
	state: str
	reason: str
	checkins: int
	would: str
	is_stale: bool
	outside: int = 0

	@property
	def is_ready(self) -> bool:
		"""HRMS may still write a day of which it wrote nothing."""
		is_silent = self.state == State.TO_SETTLE.value and self.reason == Why.HRMS_SILENT.value
		return not self.is_stale and (self.state == State.COMPLETE.value or is_silent)


Days = Mapping[tuple[str, date], Collection[Row]]
"""All rows of an employee on a date."""


def by_day(rows: Iterable[Row]) -> dict[tuple[str, date], list[Row]]:
	found: dict[tuple[str, date], list[Row]] = {}
	for row in rows:
		found.setdefault((row.employee, row.date), []).append(row)
	return found


def may_use(rows: Iterable[Row], shift: str, start: datetime, count: int) -> bool:
	"""May the check-ins of this occurrence become an attendance? `rows`: all of the person's on its date. count: as many would be used; others were judged where they are fewer or more."""
	return any(
		row.is_ready and (row.shift, row.start) == (shift, start) and row.checkins - row.outside == count
		for row in rows
	)


def may_miss(rows: Collection[Row], shift: str) -> bool:
	"""May it be said that the person did not come to this shift? Not while they punched outside of all shifts, and nobody has decided what that was."""
	return _was_missed(rows, shift, ABSENT) and not any(
		row.checkins and not row.shift and row.state in UNSETTLED for row in rows
	)


def may_miss_half(rows: Collection[Row], shift: str) -> bool:
	"""The same of the half that a half-day leave leaves over."""
	return _was_missed(rows, shift, HALF_DAY)


def may_say(rows: Collection[Row], shift: str, status: str, from_checkins: bool) -> bool:
	"""May this status be written? One that is bad only where the day itself was judged to be no better."""
	if status not in BAD:
		return True
	if not from_checkins:
		return may_miss(rows, shift) if status == ABSENT else may_miss_half(rows, shift)
	as_bad = (ABSENT,) if status == ABSENT else BAD
	mine = [row for row in rows if row.shift == shift]
	return bool(mine) and all(row.is_ready and row.would in as_bad for row in mine)


def _was_missed(rows: Iterable[Row], shift: str, would: str) -> bool:
	mine = [row for row in rows if row.shift == shift]
	return bool(mine) and all(row.is_ready and not row.checkins and row.would == would for row in mine)
