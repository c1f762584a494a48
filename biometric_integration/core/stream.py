"""Streams, their cursors, and how far back a run reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from biometric_integration.core.window import DAY, MONTH, Window, midnight, month_start

PRIMARY = "main"
"""Server id of the server on the settings form."""

PAST_FROM, PAST_UNTIL = "past from", "past until"
"""Kept with the scans of a cursor while the time before it is read: where that was begun, and how far it has come."""
HOLE_FROM, HOLE_UNTIL = "past hole from", "past hole until"
"""The stretch of it in which all holes lie that were passed."""
PAST_TRIED = "past tried"
"""When all of it was asked for, and a hole was left: that alone is asked for again once a day."""
PAST = (PAST_FROM, PAST_UNTIL, HOLE_FROM, HOLE_UNTIL, PAST_TRIED)


@dataclass(frozen=True)
class Stream:
	"""What is read with a cursor of its own, and fails on its own."""

	server: str
	server_type: str
	unit: str
	feed: str

	@property
	def key(self) -> str:
		return "/".join((self.server, self.server_type, self.unit or "*", self.feed))


@dataclass(frozen=True)
class Cursor:
	"""How far a stream has been read; all times are naive wall clock of the server.

	position: the highest log id read, for feeds read by position; None before the head was found.
	read_from: the earliest time that was asked for. read_until: where to go on. complete_until: before this, everything the
	server had is in.
	delivered: the stream has brought at least one punch. scans: when each deeper look back was last finished.
	"""

	position: int | None = None
	read_from: datetime | None = None
	read_until: datetime | None = None
	complete_until: datetime | None = None
	delivered: bool = False
	scans: Mapping[str, datetime] = field(default_factory=dict)

	def moved(self, end: datetime, complete: bool, start: datetime | None = None) -> Cursor:
		"""After reading from `start` (None = from where the marks are) to `end`.

		Marks only ever go forward, *complete until* only without a hole, and neither of them over a stretch that was not read.
		"""
		read_until, complete_until = self.read_until, self.complete_until
		if start is None or read_until is None or start <= read_until:
			read_until = max(read_until or end, end)
		if complete and (start is None or complete_until is None or start <= complete_until):
			complete_until = max(complete_until or end, end)
		return replace(self, read_until=read_until, complete_until=complete_until)

	def believed(self, now: datetime) -> Cursor:
		"""What lies in the future counts as never: a clock was wrong, or a time zone has been changed.

		Every look back is due again then, and nothing counts as complete that the deepest of them does not reach.
		"""
		marks = (self.read_from, self.read_until, self.complete_until, *self.scans.values())
		if not any(mark and mark > now for mark in marks):
			return self
		certain = month_start(month_start(now) - DAY)
		return replace(
			self,
			read_from=min(self.read_from, now) if self.read_from else None,
			read_until=min(self.read_until, now) if self.read_until else None,
			complete_until=min(self.complete_until, certain) if self.complete_until else None,
			scans={},
		)

	def without_scan(self, *names: str) -> Cursor:
		return replace(self, scans={key: moment for key, moment in self.scans.items() if key not in names})

	def past(self, floor: datetime) -> Window | None:
		"""What is still to be read between `floor` and where the stream began; None where it began no later."""
		if self.read_from is None or self.read_from <= floor:
			return None
		_begun, until = self._past_read(floor)
		return Window(min(until, self.read_from), self.read_from)

	def past_hole(self, floor: datetime) -> datetime | None:
		"""When the past from `floor` on was gone through to its end, where that has left a hole."""
		begun, until = self.scans.get(PAST_FROM), self.scans.get(PAST_UNTIL)
		return self.scans.get(PAST_TRIED) if begun and until and begun <= floor <= until else None

	def read_back(self, piece: Window, now: datetime, hole: bool = False) -> Cursor:
		"""After one more piece of the past was asked for, in order. A hole is passed, and remembered."""
		begun, until = self._past_read(piece.start)
		kept = self if self.scans.get(PAST_FROM) == begun else self.without_scan(*PAST)
		marks = {PAST_FROM: begun, PAST_UNTIL: max(until, piece.end)}
		if hole:
			marks |= {HOLE_FROM: kept.scans.get(HOLE_FROM, piece.start), HOLE_UNTIL: piece.end}
		return replace(kept, scans={**kept.scans, **marks}).met(now)

	def met(self, now: datetime) -> Cursor:
		"""Where the past has come to where the stream began, that began where the past did; what lies between its holes is left."""
		begun, until = self.scans.get(PAST_FROM), self.scans.get(PAST_UNTIL)
		if not (begun and until and self.read_from and until >= self.read_from):
			return self
		hole_from, hole_until = self.scans.get(HOLE_FROM), self.scans.get(HOLE_UNTIL)
		bare = self.without_scan(*PAST)
		if not (hole_from and hole_until and hole_from < self.read_from):
			return replace(bare, read_from=min(begun, self.read_from))
		marks = {PAST_FROM: begun, PAST_UNTIL: hole_from, PAST_TRIED: now}
		return replace(bare, read_from=min(hole_until, self.read_from), scans={**bare.scans, **marks})

	def joined(self, window: Window) -> Cursor:
		"""After a window was read for itself, to its end: the stream began with it, where nothing lies between."""
		if self.read_from is None or not window.start < self.read_from <= window.end:
			return self
		return replace(self, read_from=window.start).met(window.end)

	def _past_read(self, start: datetime) -> tuple[datetime, datetime]:
		"""What was read of the past without a gap, where `start` is in it or follows it."""
		begun, until = self.scans.get(PAST_FROM, start), self.scans.get(PAST_UNTIL, start)
		return (begun, until) if begun <= start <= until else (start, start)


@dataclass(frozen=True)
class Look:
	"""A look back that is due again when `every` has passed: devices upload late."""

	name: str
	every: timedelta
	back: timedelta
	from_last_month: bool = False

	def start(self, read_until: datetime) -> datetime:
		if self.from_last_month:
			return month_start(read_until) - MONTH
		return read_until - self.back


def oldest_first(units: Sequence[str], last_runs: Mapping[str, datetime], now: datetime) -> list[str]:
	"""The unit that was read longest ago first, one that never was before all others; what was read in the future was so by a wrong clock."""
	believed = {unit: moment for unit, moment in last_runs.items() if moment <= now}
	return sorted(units, key=lambda unit: believed.get(unit, datetime.min))


def looks(overlap: timedelta, rescan: timedelta) -> tuple[Look, ...]:
	"""The looks back of a feed read by window, deepest first (design §5.2)."""
	return (
		Look("weekly", timedelta(days=7), timedelta(0), from_last_month=True),
		Look("nightly", DAY, rescan),
		Look("hourly", timedelta(hours=1), DAY),
		Look("each", timedelta(0), overlap),
	)


@dataclass(frozen=True)
class Plan:
	"""What a run reads, and which looks back are finished with it: none where a person asked for just this window.

	past: what is read after that, of the time before the stream began, as the start date was moved back.
	"""

	window: Window
	finishes: tuple[str, ...] = ()
	past: Window | None = None

	@property
	def looks_back(self) -> bool:
		return bool(self.finishes)

	def begun(self, cursor: Cursor) -> Cursor:
		"""The cursor before any of the plan was read: a stream keeps where it began, even where its first runs fail.

		A look back begins after a hole only where nothing before that is wanted any more: the stream begins there from now on.
		"""
		start = self.window.start
		left_behind = self.looks_back and cursor.complete_until and cursor.complete_until < start
		if cursor.read_until is None:
			return replace(cursor, read_from=start)
		return replace(cursor, read_from=start, complete_until=start) if left_behind else cursor

	def finished(self, cursor: Cursor, now: datetime) -> Cursor:
		"""The cursor once all of the plan was read."""
		earliest = min(self.window.start, cursor.read_from or self.window.start)
		scans = {**cursor.scans, **{name: now for name in self.finishes}}
		return replace(cursor, read_from=earliest, scans=scans).met(now)


def plan(cursor: Cursor, now: datetime, start_date: date | None, due: tuple[Look, ...]) -> Plan | None:
	"""From the deepest look back that is due up to `now`, or None where none is due; a hole left open is read again.

	Nothing before `start_date` is asked for. A stream that has never been read is read from there; that counts as every look back.
	Where the start date was moved back since, only what is before its former begin is read besides, and what is left of it as a hole once a day. Without a start date a stream
	begins with the day of its first run.
	"""
	names = tuple(look.name for look in due)
	floor = _floor(cursor, now, start_date)
	if cursor.read_until is None:
		return Plan(Window(min(floor, now), now), names)
	tried = cursor.past_hole(floor)
	past = None if tried and now - tried < DAY else cursor.past(floor)
	for depth, look in enumerate(due):
		if now - cursor.scans.get(look.name, datetime.min) >= look.every:
			start = min(look.start(cursor.read_until), cursor.complete_until or floor)
			return Plan(Window(min(max(start, floor), now), now), names[depth:], past)
	return Plan(Window(now, now), past=past) if past else None


def _floor(cursor: Cursor, now: datetime, start_date: date | None) -> datetime:
	if start_date:
		return datetime.combine(start_date, time())
	return cursor.read_from or midnight(now)
