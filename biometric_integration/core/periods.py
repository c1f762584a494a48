"""Stretches of days that are read of a server because somebody asked for them, or because it is read for the first time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import Enum

from biometric_integration.core.window import DAY, Window


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
