"""Bridges: programs in a LAN that read and receive for the site, and report each minute (docs/bridge.md). How one stands, and what of a report is believed.

All times are naive, of one clock for each function.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from biometric_integration.core.stream import Cursor

TRUSTED = timedelta(minutes=5)
"""So far apart the clocks may be of a bridge and its site: beyond, nothing that a report says of times is believed."""

SILENT_AFTER, BEHIND_AFTER = timedelta(minutes=10), timedelta(hours=1)
TOLD_WHEN_SILENT, TOLD_WHEN_BEHIND = timedelta(minutes=75), timedelta(days=1)
"""The first is more than the hour that is missing on the day on which the clocks go forward."""
RISING = 3
"""So many reports in a row, each later than the one before, say that a clock was set back; one that comes again does not."""


class BridgeState(str, Enum):
	"""In one word."""

	OFF = "off"
	NEVER = "never"
	SILENT = "silent"
	TROUBLE = "trouble"
	BEHIND = "behind"
	WELL = "well"


@dataclass(frozen=True)
class BridgeFacts:
	"""What is known of a bridge.

	ahead: of its clock, before that of the site. oldest: when the oldest punch that waits came into its store. aside: punches that the site refuses.
	is_troubled: it says that it cannot work as it should, or that a server of it fails.
	"""

	enabled: bool = True
	last_report: datetime | None = None
	ahead: timedelta = timedelta(0)
	oldest: datetime | None = None
	aside: int = 0
	is_troubled: bool = False

	def is_heard(self, now: datetime, within: timedelta = SILENT_AFTER) -> bool:
		return self.last_report is not None and now - self.last_report <= within

	def is_behind(self, now: datetime, by: timedelta = BEHIND_AFTER) -> bool:
		return self.oldest is not None and now - self.oldest > by


def bridge_state(facts: BridgeFacts, now: datetime) -> BridgeState:
	"""The first that is so, from what explains most to what explains least."""
	states = (
		(not facts.enabled, BridgeState.OFF),
		(facts.last_report is None, BridgeState.NEVER),
		(not facts.is_heard(now), BridgeState.SILENT),
		(facts.is_troubled or facts.aside > 0 or not is_trusted(facts.ahead), BridgeState.TROUBLE),
		(facts.is_behind(now), BridgeState.BEHIND),
	)
	return next((state for holds, state in states if holds), BridgeState.WELL)


def is_worth_a_notice(facts: BridgeFacts, now: datetime) -> bool:
	"""Has it been silent, or behind, for so long that a person has to look? One that never reported is being set up."""
	if not (facts.enabled and facts.last_report):
		return False
	return not facts.is_heard(now, TOLD_WHEN_SILENT) or facts.is_behind(now, TOLD_WHEN_BEHIND)


def is_trusted(ahead: timedelta) -> bool:
	return abs(ahead) <= TRUSTED


class Order(NamedTuple):
	"""Reports in the order of the bridge's clock. last: the time of the newest that was taken; odd: of the last that was not; times: how many in a row."""

	last: datetime | None = None
	odd: datetime | None = None
	times: int = 0

	def after(self, at: datetime, now: datetime) -> tuple[Order, bool]:
		"""With a report of `at`, and whether it is taken: one that is no later than the last is an old one, come late or again.

		A mark that lies ahead was set by a wrong clock.
		"""
		last = self.last if self.last and self.last <= now + TRUSTED else None
		times = self.times + (self.odd is None or at > self.odd)
		if last is None or at > last or times >= RISING:
			return Order(at), True
		return Order(self.last, at, times), False


# --- what was read


def less(cursor: Cursor, ahead: timedelta, now: datetime) -> Cursor | None:
	"""The marks of a bridge without what its clock is ahead; None where one lies in the future all the same. `now`: wall clock of the server."""
	back = max(ahead, timedelta(0))
	marks = (cursor.read_from, cursor.read_until, cursor.complete_until, *cursor.scans.values())
	if any(mark and mark - back > now + TRUSTED for mark in marks):
		return None

	def put(mark: datetime | None) -> datetime | None:
		return min(mark - back, now) if mark else None

	return replace(
		cursor,
		read_until=put(cursor.read_until),
		complete_until=put(cursor.complete_until),
		scans={name: min(mark - back, now) for name, mark in cursor.scans.items()},
	)


def leaves_no_hole(known: Cursor, told: Cursor, begin: datetime | None = None) -> bool:
	"""Was what is read now by windows begun no later than where the other reader left off? Nothing before `begin` is wanted any more."""
	if known.complete_until is None:
		return True
	return told.read_from is not None and told.read_from <= max(known.complete_until, begin or datetime.min)


def joined(known: Cursor, told: Cursor) -> Cursor:
	"""What is known of a stream, and what a bridge has read of it: marks only go forward. Neither lies in the future.

	Where it begins behind what is known, what is between is not wanted: the stream begins there from now on.
	"""
	begins = _first(known.read_from, told.read_from)
	if told.read_from and known.complete_until and known.complete_until < told.read_from:
		begins = told.read_from
	scans = {**known.scans}
	for name, at in told.scans.items():
		scans[name] = max(at, scans.get(name, at))
	return replace(
		known,
		read_from=begins,
		read_until=_last(known.read_until, told.read_until),
		complete_until=_last(known.complete_until, told.complete_until),
		delivered=known.delivered or told.delivered,
		scans=scans,
	)


def _first(*marks: datetime | None) -> datetime | None:
	return min(filter(None, marks), default=None)


def _last(*marks: datetime | None) -> datetime | None:
	return max(filter(None, marks), default=None)
