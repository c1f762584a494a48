"""Feeds that are read by position: a log id that grows with each row the server gets (essl-protocol §3.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from enum import Enum
from typing import NamedTuple

from biometric_integration.core.concerns import IDS_CHANGED, IDS_RESET
from biometric_integration.core.punch import Record, Unreadable, evidence
from biometric_integration.core.reading import Reading
from biometric_integration.core.source import Source
from biometric_integration.core.store import PullStore

ID_PAGE = 500
REREAD_IDS = 300
"""Rows are committed slightly out of id order on the server: the last few hundred are read again."""
PROBE = 50
"""Rows that are looked at to tell whether the server's ids are still those that were read."""
HIGHEST_ID = 2**62

Row = Record | Unreadable


class Taken(NamedTuple):
	"""A page in memory, and how far it proves that the feed was read."""

	rows: list[Row]
	read_to: datetime


class Doubt(Enum):
	"""What the rows that are read again say about the ids of the server."""

	NONE = "as they were"
	RESET = "counted again from the start"
	CHANGED = "given to other rows"


class ByPosition:
	"""Reads one stream from where its cursor stands to the newest id.

	kept_from: punches from before may have been deleted here, so that their absence says nothing.
	"""

	def __init__(self, store: PullStore, source: Source, reading: Reading, kept_from: date | None = None):
		self._store = store
		self._source = source
		self._reading = reading
		self._stream = reading.claim.stream
		self._kept_from = kept_from or date.min
		self._newest = 0
		self._known_to: int | None = None

	def read(self) -> None:
		position = self._reading.cursor.position
		if position is None:
			if not self._found_head():
				return
			position = self._reading.cursor.position or 0
		self._known_to = position
		start = max(position - REREAD_IDS, 0)
		first = self._page(start)
		match self._doubt(start, position, first):
			case Doubt.RESET:
				self._begin_again(IDS_RESET, 0)
			case Doubt.CHANGED:
				self._begin_again(IDS_CHANGED, self._last_known(start))
			case Doubt.NONE:
				self._read_on(start, first)
				if 0 < self._newest < position:
					self._begin_again(IDS_CHANGED, self._last_known(min(start, self._newest)))

	def _read_on(self, start: int, page: Taken | None = None) -> None:
		"""To the end, which is what a request after the last id shows: a short page proves nothing, as a server may give fewer than it is asked for."""
		after: int | None = start
		while after is not None:
			page, taken = None, page or self._page(after)
			after = self._keep(after, taken)

	def _begin_again(self, concern: str, start: int) -> None:
		self._reading.outcome.worry(concern)
		self._known_to = None
		self._reading.move(replace(self._reading.cursor, position=start), worth_writing=False)
		self._read_on(start)

	def _page(self, start: int, limit: int = ID_PAGE) -> Taken:
		source = self._source
		self._reading.go_on(None)
		now = source.now()
		page = source.connector.read_after(self._stream.unit, start, limit)
		rows = list(page)
		source.ids_came = bool(source.ids_came or rows)
		self._newest = max([self._newest, *(row.log_id for row in rows if row.log_id is not None)])
		return Taken(rows, source.read_to(now, page.server_time))

	def _keep(self, start: int, page: Taken) -> int | None:
		"""Keep a page together with the cursor that passes it; returns where to go on, None at the end. Judged on raw rows."""
		reading = self._reading
		top = max((row.log_id for row in page.rows if row.log_id is not None), default=start)
		at_end = top <= start
		delivered = reading.cursor.delivered or bool(page.rows)
		position = max(reading.cursor.position or 0, top)
		cursor = replace(reading.cursor, position=position, delivered=delivered)
		if at_end and self._source.ids_came:
			cursor = cursor.moved(page.read_to, complete=True)
		reading.keep(self._source.punches(self._stream.unit, page.rows, self._known_to), cursor)
		return None if at_end else top

	def _doubt(self, start: int, position: int, page: Taken) -> Doubt:
		"""Has the server begun to count again, or lost ids and given them to others? Then what is read again is gone, or something else than it was."""
		if not self._reading.cursor.delivered:
			return Doubt.NONE
		if not page.rows:
			return Doubt.RESET if start > 0 and self._any_after(0) else Doubt.NONE
		again = self._evidence(page.rows, position)
		seen = self._store.seen(again) if again else 0
		if again and not seen:
			return Doubt.RESET
		return Doubt.CHANGED if 2 * seen < len(again) else Doubt.NONE

	def _evidence(self, rows: Sequence[Row], position: int) -> set[tuple[str, datetime]]:
		"""Punches that were read before, and are kept."""
		return {
			(row.user_id, row.source_time)
			for row in evidence(rows)
			if row.log_id is not None and row.log_id <= position and row.source_time.date() >= self._kept_from
		}

	def _last_known(self, start: int) -> int:
		"""An id from where on the server's rows are known here: looked for ever further back, in steps that double."""
		step = REREAD_IDS
		while start > 0:
			start, step = max(start - step, 0), 2 * step
			again = self._evidence(self._page(start, PROBE).rows, start + PROBE)
			if again and self._store.seen(again) == len(again):
				return start
		return 0

	def _found_head(self) -> bool:
		"""Begin at the newest id: what is older comes by day."""
		head = find_head(self._any_after)
		if head is None:
			self._source.ids_came = bool(self._source.ids_came)
			return False
		self._reading.keep((), replace(self._reading.cursor, position=head))
		return True

	def _any_after(self, position: int) -> bool:
		"""Two rows are asked for: an inclusive server answers with `position` itself first."""
		page = self._source.connector.read_after(self._stream.unit, position, 2)
		return any(row.log_id is not None and row.log_id > position for row in page)


def find_head(any_after: Callable[[int], bool]) -> int | None:
	"""The smallest id after which there is nothing, or None where there is nothing at all.

	Doubles until nothing comes, then bisects: some 2 x log2(id) questions.
	"""
	if not any_after(0):
		return None
	low, high = 0, 1
	while any_after(high) and high < HIGHEST_ID:
		low, high = high, high * 2
	while high - low > 1:
		middle = (low + high) // 2
		low, high = (middle, high) if any_after(middle) else (low, middle)
	return high
