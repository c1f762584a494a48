"""From punches to attendance: which day each belongs to, when a day is complete, what stands in the way (design §6 step 7).

All times are naive wall clock of the site.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from hashlib import blake2b
from typing import NamedTuple

from biometric_integration.core.punch import Direction
from biometric_integration.core.reasons import Reason
from biometric_integration.core.window import DAY, SECOND, midnight

REFUSED = "The attendance of {day} was refused: {words}"
"""Instead of the sentence about check-ins; a pattern in English, as those of `core.reasons`."""


class AttendanceStatus(str, Enum):
	"""ERPNext's words. Nobody is Absent here for lack of hours; a shift's own thresholds may say so."""

	PRESENT = "Present"
	HALF_DAY = "Half Day"
	ABSENT = "Absent"


class DayPunch(NamedTuple):
	"""A punch that waits for its day. `time` is the one to be written, `event` its Staging Event."""

	time: datetime
	event: str
	employee: str
	log_type: str = ""
	sync_log: str = ""
	attempts: int = 0


@dataclass(frozen=True)
class Span:
	"""The stretch of time whose punches make up one attendance; without a shift, a calendar day.

	start, end: when work begins and ends. closes: until then a punch may still belong to it. off_shift: the person works by shifts, but
	the punch lies outside of them.
	"""

	start: datetime
	end: datetime
	closes: datetime
	shift: str = ""
	off_shift: bool = False
	overtime_type: str = ""


@dataclass(frozen=True)
class Day:
	"""All punches of a person in one span, oldest first."""

	employee: str
	span: Span
	punches: tuple[DayPunch, ...]

	@property
	def date(self) -> date:
		return self.span.start.date()

	@property
	def shift(self) -> str:
		return self.span.shift

	@property
	def key(self) -> str:
		"""Names the day: the same employee, shift and begin have one attendance made here, and one timesheet."""
		text = "\x1f".join((self.employee, self.shift, self.span.start.isoformat()))
		return f"{self.date:%Y%m%d}-{blake2b(text.encode(), digest_size=10).hexdigest()}"

	def closed(self, limit: datetime) -> bool:
		return self.span.closes <= limit


@dataclass(frozen=True)
class Worked:
	"""What is written about a day. `hours` as HRMS counts them, rounded to hundredths."""

	status: AttendanceStatus
	hours: float
	in_time: datetime | None
	out_time: datetime | None
	late_entry: bool = False
	early_exit: bool = False


@dataclass(frozen=True)
class Marked:
	"""An attendance that is there (draft or submitted). `ours`: made here. `used`: some punch is part of it.

	`half_day_open`: of a half-day leave, and HRMS waits for the punches of the other half.
	"""

	name: str
	shift: str = ""
	ours: bool = False
	used: bool = False
	half_day_open: bool = False


@dataclass(frozen=True)
class Setup:
	"""What keeps a day from being written. `by_log_type`: the shift counts nothing but IN and OUT."""

	auto_attendance: bool = False
	holiday: bool = False
	by_log_type: bool = False


# --- days


def calendar_day(moment: datetime, off_shift: bool = False) -> Span:
	start = midnight(moment)
	return Span(start, start + DAY - SECOND, start + DAY, off_shift=off_shift)


def days(punches: Iterable[tuple[DayPunch, Span]]) -> list[Day]:
	"""Punches by employee and span. Its neighbours may cut a shift differently for each punch: the latest end counts."""
	found: dict[tuple[str, datetime, str, bool], list[tuple[DayPunch, Span]]] = {}
	for punch, span in sorted(punches, key=lambda pair: pair[0]):
		key = (punch.employee, span.start, span.shift, span.off_shift)
		found.setdefault(key, []).append((punch, span))
	return [_day(found[key]) for key in sorted(found)]


def _day(pairs: Sequence[tuple[DayPunch, Span]]) -> Day:
	latest = max((span for _punch, span in pairs), key=lambda span: span.closes)
	return Day(pairs[0][0].employee, latest, tuple(punch for punch, _span in pairs))


# --- completeness


class Mark(NamedTuple):
	"""How far a unit is complete, and its name for people."""

	until: datetime
	unit: str


def complete_until(
	by_window: Mapping[str, datetime | None], by_position: Iterable[datetime | None]
) -> datetime:
	"""How far a unit is complete, from the marks of its feeds; the beginning of time where it is not.

	Feeds of a unit bring the same punches: the one that is ahead counts, once those read by window have been through the past.
	"""
	marks = [*by_window.values(), *by_position]
	if not all(by_window.values()) or not any(marks):
		return datetime.min
	return max(mark for mark in marks if mark)


def horizon(now: datetime, marks: Iterable[Mark], waiting: datetime | None = None) -> Mark:
	"""Before this everything is in and decided. `waiting`: time of the oldest punch that nobody has decided about."""
	marks = [Mark(now, ""), *marks, *([Mark(waiting, "")] if waiting else [])]
	return min(marks)


# --- judgement


def standing(day: Day, marked: Iterable[Marked]) -> Marked | None:
	"""The attendance that takes the day's place, as HRMS sees duplicates: two shifts of one date are two days. Ours first."""
	same = (mark for mark in marked if not (mark.shift and day.shift) or mark.shift == day.shift)
	return min(same, key=lambda mark: (not mark.ours, mark.name), default=None)


def before_writing(day: Day, mark: Marked | None, setup: Setup) -> Reason | None:
	"""Why nothing is written for the day; None where it is. NONE: its attendance is written already, only the link is missing."""
	if day.span.off_shift:
		return Reason.OFF_SHIFT
	if mark and mark.ours:
		return Reason.LATE if mark.used else Reason.NONE
	if mark and not mark.half_day_open:
		return Reason.ALREADY_MARKED
	if setup.auto_attendance:
		return Reason.AUTO_ATTENDANCE
	return Reason.HOLIDAY if setup.holiday else None


def uncounted(day: Day, worked: Worked, setup: Setup) -> bool:
	"""Would HRMS silently count no hours, because punches have no Log Type?"""
	return setup.by_log_type and not worked.hours and not all(punch.log_type for punch in day.punches)


def by_hours(day: Day, half_day_hours: float) -> Worked:
	"""From the first to the last punch, for people without a shift. Below `half_day_hours` it is half a day (0 = off)."""
	first, last = day.punches[0].time, day.punches[-1].time
	hours = _hours(first, last)
	short = half_day_hours and hours < half_day_hours
	status = AttendanceStatus.HALF_DAY if short else AttendanceStatus.PRESENT
	return Worked(status, hours, first, last if len(day.punches) > 1 else None)


def pairs(punches: Sequence[DayPunch]) -> Iterator[tuple[datetime, datetime]]:
	"""Stretches of work: from each IN to the next OUT, or in turns where a punch has no Log Type. What is left open is left out."""
	typed = all(punch.log_type for punch in punches)
	begin: datetime | None = None
	for punch in punches:
		if begin is None:
			begin = punch.time if not typed or punch.log_type == Direction.IN.value else None
		elif not typed or punch.log_type == Direction.OUT.value:
			if punch.time > begin:
				yield begin, punch.time
			begin = None


def _hours(start: datetime, end: datetime) -> float:
	return round((end - start) / timedelta(hours=1), 2)
