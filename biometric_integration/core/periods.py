"""Stretches of days that are read of a server because somebody asked for them, or because it is read for the first time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import Enum

from biometric_integration.core.stream import Cursor
from biometric_integration.core.window import DAY, MONTH, Window, month_start

LONG = 31
"""Days: what is read of a server within a run or two needs no telling."""


class PeriodStatus(str, Enum):
	"""Status of a Biometric Sync Period."""

	READING = "Reading"
	STOPPED = "Stopped"
	FINISHED = "Finished"
	INCOMPLETE = "Incomplete"


class Purpose(str, Enum):
	"""Why a period is read: a person wants it once more, or only a count of it, or it lies behind the start date."""

	READ_AGAIN = "Read Again"
	ONLY_COUNT = "Only Count"
	START_DATE = "Start Date"


class StreamStatus(str, Enum):
	"""How one stream of a period stands."""

	WAITING = "Waiting"
	READING = "Reading"
	READ = "Read"
	PARTIAL = "Partial"
	FAILED = "Failed"


OPEN = frozenset({StreamStatus.WAITING.value, StreamStatus.READING.value})


def days_in(window: Window) -> int:
	"""How many days a stretch has, one that was begun included."""
	return -(-window.length // DAY)


def days_left(window: Window, read_to: datetime | None) -> int:
	"""Of a window that was read up to there; None = nothing of it was."""
	return days_in(Window(min(max(read_to or window.start, window.start), window.end), window.end))


def status_of(streams: Collection[str]) -> PeriodStatus:
	"""Of a period, by the statuses of its streams; nobody has stopped it."""
	if OPEN.intersection(streams):
		return PeriodStatus.READING
	return PeriodStatus.FINISHED if set(streams) <= {StreamStatus.READ.value} else PeriodStatus.INCOMPLETE


def unread(cursor: Cursor, floor: datetime, now: datetime) -> int:
	"""Days that a stream, to be read from `floor` on, has still to be read; one that was begun today is none."""
	if cursor.read_until is None:
		return days_in(Window(min(floor, now), now))
	past = None if cursor.past_hole(floor) else cursor.past(floor)
	rest = (now - max(cursor.read_until, min(floor, now))) // DAY
	return max(rest, 0) + (days_in(past) if past else 0)


def is_up_to_date(read_until: datetime | None, now: datetime) -> bool:
	"""Does the deepest look back reach to where the stream was read? What is left of it then lies before it began."""
	return read_until is not None and read_until >= deepest_look(now)


def deepest_look(now: datetime) -> datetime:
	return month_start(now) - MONTH
