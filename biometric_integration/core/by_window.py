"""Feeds that are read by windows of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from biometric_integration.core.batches import batches
from biometric_integration.core.concerns import (
	FEWER,
	IDS_MISSED,
	IDS_SILENT,
	TRUNCATED,
	UNCONFIRMED,
	never_delivered,
)
from biometric_integration.core.connector import CountsRows, Page, TellsArrivals
from biometric_integration.core.errors import SyncError
from biometric_integration.core.punch import RESET_END, Punch
from biometric_integration.core.reading import Reading
from biometric_integration.core.source import Source
from biometric_integration.core.store import PullStore
from biometric_integration.core.stream import Plan
from biometric_integration.core.window import DAY, Window, by_day, midnight

MOST_HALVINGS = 40
MARGIN = timedelta(minutes=2)
"""Connectors may ask from a little earlier than the window: what came from there just now is no earlier knowledge."""
FEWER_SINCE = "fewer since"
"""Kept with the scans of a cursor: since when a server has had fewer punches than are here."""
LOOK_AHEAD = DAY
"""How far a run asks beyond now: a punch of a clock that is ahead is seen when it arrives, not only when its time has come."""
AHEAD = datetime(2100, 1, 1)
"""Where the search for punches of devices whose clock is ahead ends."""
COUNTED = timedelta(days=56)
"""How far back days are counted each night, where a server can do that."""
BEHIND = Window(datetime(1970, 1, 1), RESET_END)
"""Where devices are whose clock has lost its time."""


@dataclass
class Answered:
	"""What came for one piece: all rows, and how many different punches with a time inside the piece."""

	rows: int = 0
	inside: int = 0


class ByWindow:
	"""Reads what a plan says of one stream.

	fewer: the server has lost punches that are here. unseen: punches that were in no list by log id, since the time that was read before.
	"""

	def __init__(self, store: PullStore, source: Source, reading: Reading, todo: Plan, batch: int):
		self._store = store
		self._source = source
		self._connector = source.connector
		self._reading = reading
		self._stream = reading.claim.stream
		self._todo = todo
		self._batch = batch
		self._halvings = 0
		self._fewer = False
		self._unseen = 0
		self._read_before = reading.claim.cursor.read_from or datetime.min

	def read(self) -> None:
		reading, todo = self._reading, self._todo
		reading.outcome.window = todo.window
		delivered = reading.cursor.delivered or bool(self._source.ids_came)
		begun = todo.begun(replace(reading.cursor, delivered=delivered))
		if begun != reading.cursor:
			reading.move(begun)
		self._read_pieces(todo.window, self._ahead())
		if todo.looks_back:
			self._look_further()
		elif not reading.hole and reading.cursor.delivered:
			reading.move(reading.cursor.joined(todo.window))
		if not reading.cursor.delivered and not reading.outcome.counts.fetched:
			reading.outcome.worry(never_delivered(self._connector.unit, self._stream.unit))
		elif not reading.hole and todo.looks_back:
			cursor = todo.finished(reading.cursor, todo.window.end)
			reading.move(cursor if self._fewer else cursor.without_scan(FEWER_SINCE))
			if "nightly" in todo.finishes and isinstance(self._connector, CountsRows):
				self._compare_counts(self._connector)
		if todo.past:
			self._read_past(todo.past)

	def _read_pieces(self, window: Window, ahead: timedelta = timedelta(0)) -> None:
		outcome, end = self._reading.outcome, window.end
		for asked in self._connector.slices(Window(window.start, end + ahead)):
			if asked.start >= end:
				self._look_for_wrong_clocks(asked)
				continue
			piece = asked.clipped(end)
			self._reading.go_on(piece)
			self._read_piece(piece, asked)
			if not self._reading.hole:
				outcome.read_to = max(outcome.read_to or piece.end, piece.end)

	def _ahead(self) -> timedelta:
		"""Not where a person asked for just this window, nor where what is new has come by position, from clocks that are ahead as well."""
		return LOOK_AHEAD if self._todo.looks_back and not self._source.ids_came else timedelta(0)

	def _read_past(self, past: Window) -> None:
		"""What is older comes after what is new, and what was read of it is not read again. A hole in it keeps nothing behind it from being read.

		A look back of this run may have reached into it: it ends there.
		"""
		reading, has_hole = self._reading, False
		for piece in self._connector.slices(past):
			if reading.cursor.read_from and piece.start >= reading.cursor.read_from:
				break
			reading.go_on(piece)
			reading.hole = False
			self._read_piece(piece)
			has_hole |= reading.hole
			reading.move(reading.cursor.read_back(piece, self._todo.window.end, reading.hole))
		reading.hole = has_hole

	# --- what the plan cannot know

	def _look_further(self) -> None:
		"""How long the stream was silent, whose clock is ahead, what the other feed has missed."""
		counts = self._reading.outcome.counts
		if any(feed.by_position for feed in self._connector.feeds):
			self._compare_with_ids()
			return
		if counts.new and not counts.known:
			self._catch_up(self._todo.window.start)
		if isinstance(self._connector, TellsArrivals):
			self._read_arrivals(self._connector)
		if "nightly" in self._todo.finishes:
			self._look_for_wrong_clocks(Window(self._todo.window.end, AHEAD))
			self._look_for_wrong_clocks(BEHIND)

	def _compare_with_ids(self) -> None:
		outcome = self._reading.outcome
		if outcome.counts.new and self._source.ids_came is False:
			outcome.worry(IDS_SILENT)
		elif self._unseen and self._reading.claim.cursor.scans:
			outcome.worry(IDS_MISSED.format(new=self._unseen))

	def _catch_up(self, end: datetime) -> None:
		"""A stream that was silent for longer than the window and has something new now: its device was offline, and uploads."""
		start = self._store.newest_before(self._stream, end - MARGIN) or self._reading.cursor.read_from or end
		if start < end:
			self._read_pieces(Window(start, end))

	def _read_arrivals(self, connector: TellsArrivals) -> None:
		"""What has reached the server since it was last asked, however old it is."""
		self._reading.go_on(None)
		with _other_streams_first():
			if page := connector.read_arrivals(self._stream.unit):
				self._keep(self._todo.window, page)
				connector.keep_arrivals()

	def _compare_counts(self, connector: CountsRows) -> None:
		"""Days before those that are read anyway, of which the server has more rows than are here, are read again, once for the same count.

		The looks back are done by then: what is stopped here waits for the next night, and holds up nothing else.
		"""
		start = self._todo.window.start
		earliest = max(midnight(start - COUNTED), self._reading.cursor.read_from or start)
		with _other_streams_first():
			for day in by_day(Window(min(earliest, start), start)):
				self._reading.go_on(day)
				count = connector.count(self._stream.unit, day) or 0
				if count > self._store.staged(self._stream, day) and count != connector.settled(day):
					self._read_counted(connector, day, count)

	def _read_counted(self, connector: CountsRows, day: Window, count: int) -> None:
		"""Where nothing is new, the server counts what is none: rows that it has twice, or that came another way."""
		counts = self._reading.outcome.counts
		before = counts.new
		self._read_piece(day)
		if counts.new == before and not self._reading.hole:
			connector.settle(day, count)

	def _look_for_wrong_clocks(self, window: Window) -> None:
		"""Punches of a device whose clock is ahead or was reset: no window that is read holds them. They are kept, and quarantined.

		A server that cannot answer to such a time has none.
		"""
		self._reading.go_on(None)
		with _other_streams_first():
			self._keep(window, self._connector.read_window(self._stream.unit, window))

	# --- one request

	def _read_piece(self, piece: Window, asked: Window | None = None) -> None:
		"""`asked`: the piece, and what lies ahead of it, which is kept and proves nothing."""
		page = self._connector.read_window(self._stream.unit, asked or piece)
		answered = self._keep(piece, page)
		if page.declared is not None and answered.rows < page.declared:
			if self._read_halves(piece):
				return
			sentence = TRUNCATED.format(declared=page.declared, rows=answered.rows, piece=piece)
			self._reading.leave_hole(sentence)
		elif not answered.rows and not page.confirmed:
			self._reading.leave_hole(UNCONFIRMED)
		elif (missing := self._store.staged(self._stream, piece) - answered.inside) > 0:
			self._note_fewer(piece, FEWER.format(missing=missing, piece=piece))
		read_to = self._source.read_to(piece.end, page.server_time)
		self._move(Window(min(piece.start, read_to), read_to), answered)

	def _read_halves(self, piece: Window) -> bool:
		"""A list shorter than the server's own count: ask for its halves, while that may help."""
		halves = piece.halves() if self._halvings < MOST_HALVINGS else ()
		for half in halves:
			self._halvings += 1
			self._reading.go_on(half)
			self._read_piece(half)
		return bool(halves)

	def _keep(self, piece: Window, page: Page) -> Answered:
		answered = Answered()
		for batch in batches(page, self._batch):
			punches = self._source.punches(self._stream.unit, batch)
			inside = _within(piece, punches)
			if self._source.ids_came:
				expected = {(user_id, moment) for user_id, moment in inside if moment >= self._read_before}
				self._unseen += len(expected) - self._store.seen(expected)
			self._reading.keep(punches)
			answered.rows += len(batch)
			answered.inside += len(inside)
		return answered

	def _note_fewer(self, piece: Window, sentence: str) -> None:
		"""The answer lacks punches that are here: others may be missing too, so the mark waits. Not for ever, as servers do forget."""
		reading, now = self._reading, self._todo.window.end
		since = reading.cursor.scans.get(FEWER_SINCE, now)
		cursor = replace(reading.cursor, scans={**reading.cursor.scans, FEWER_SINCE: since})
		reading.move(cursor, worth_writing=False)
		self._fewer = True
		unsure = piece.end > (reading.claim.cursor.complete_until or piece.start) and now - since < DAY
		reading.leave_hole(sentence) if unsure else reading.outcome.worry(sentence)

	def _move(self, read: Window, answered: Answered) -> None:
		"""Move the cursor; what never delivered may have a wrong name, and stays where it is."""
		reading = self._reading
		delivered = reading.cursor.delivered or answered.rows > 0
		cursor = replace(reading.cursor, delivered=delivered)
		moved = cursor.moved(read.end, complete=not reading.hole, start=read.start)
		reading.move(moved, worth_writing=delivered and not (reading.hole and not answered.rows))


@contextmanager
def _other_streams_first() -> Iterator[None]:
	"""A further look that failed fails the run only where nothing else can be read of the server either."""
	try:
		yield
	except SyncError as error:
		if error.server_wide:
			raise


def _within(window: Window, punches: Iterable[Punch]) -> set[tuple[str, datetime]]:
	return {
		(punch.user_id, moment)
		for punch in punches
		if (moment := punch.source_time) and window.start <= moment < window.end
	}
