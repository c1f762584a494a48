"""Stretches of wall-clock time at a server, and how they are cut into requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from dateutil.relativedelta import relativedelta

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
MONTH = relativedelta(months=1)
SMALLEST_HALF = timedelta(minutes=15)
"""A window is not halved below this: a server that cannot list a quarter of an hour has another problem."""


@dataclass(frozen=True)
class Window:
	"""From `start` up to and without `end`: naive wall clock of the server."""

	start: datetime
	end: datetime

	def __post_init__(self) -> None:
		if self.end < self.start:
			raise ValueError(f"a window cannot end ({self.end}) before it starts ({self.start})")

	@property
	def length(self) -> timedelta:
		return self.end - self.start

	def clipped(self, end: datetime) -> Window:
		"""The part of the window before `end`; empty at the start where nothing is left."""
		return Window(self.start, max(self.start, min(self.end, end)))

	def halves(self) -> tuple[Window, ...]:
		"""Two windows that make up this one, or none where it is too short to halve."""
		if self.length < 2 * SMALLEST_HALF:
			return ()
		middle = (self.start + self.length / 2).replace(microsecond=0)
		return Window(self.start, middle), Window(middle, self.end)


def shifted(moment: datetime, by: timedelta) -> datetime:
	"""The moment so much later (or earlier), or the end of the calendar: clocks of devices show any year."""
	try:
		return moment + by
	except OverflowError:
		return datetime.min if by < timedelta(0) else datetime.max


def day_before(day: date) -> date:
	"""Or the first day of the calendar."""
	return day - DAY if day > date.min else day


def day_after(day: date) -> date:
	"""Or the last day of the calendar."""
	return day + DAY if day < date.max else day


def midnight(moment: datetime) -> datetime:
	return datetime.combine(moment.date(), time())


def by_day(window: Window) -> Iterator[Window]:
	"""Cut at each midnight."""
	return _cut(window, lambda start: midnight(start) + DAY)


def within_months(window: Window, longest: timedelta) -> Iterator[Window]:
	"""Cut at each first of a month, and into pieces of at most `longest`.

	eTimeTrackLite keeps one table a month (essl-protocol §2.1 *Limits*).
	"""
	return _cut(window, lambda start: min(next_month(start), start + longest))


def next_month(moment: datetime) -> datetime:
	return month_start(moment) + MONTH


def month_start(moment: datetime) -> datetime:
	return midnight(moment).replace(day=1)


def _cut(window: Window, border: Callable[[datetime], datetime]) -> Iterator[Window]:
	start = window.start
	while start < window.end:
		end = min(border(start), window.end)
		yield Window(start, end)
		start = end
