"""Feeds that are read by position: a log id that grows with each row the server gets (essl-protocol §3.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from biometric_integration.core.concerns import IDS_RESET
from biometric_integration.core.punch import Record, Unreadable
from biometric_integration.core.reading import Reading
from biometric_integration.core.source import Source
from biometric_integration.core.store import PullStore

ID_PAGE = 500
REREAD_IDS = 300
"""Rows are committed slightly out of id order on the server: the last few hundred are read again."""
HIGHEST_ID = 2**62

Row = Record | Unreadable


class ByPosition:
	"""Reads one stream from where its cursor stands to the newest id."""

	def __init__(self, store: PullStore, source: Source, reading: Reading):
		self._store = store
		self._source = source
		self._reading = reading
		self._stream = reading.claim.stream

	def read(self) -> None:
		reading, source = self._reading, self._source
		if reading.cursor.position is None and not self._found_head():
			return
		start: int | None = max((reading.cursor.position or 0) - REREAD_IDS, 0)
		now, first = source.now(), True
		while start is not None:
			reading.go_on(None)
			page = source.connector.read_after(self._stream.unit, start, ID_PAGE)
			rows = list(page)
			source.ids_came = bool(source.ids_came or rows)
			if first and self._fell_back(start, rows):
				reading.outcome.worry(IDS_RESET)
				reading.move(replace(reading.cursor, position=0), worth_writing=False)
				start = 0
			else:
				start = self._take_page(start, rows, source.read_to(now, page.server_time))
			first = False

	def _take_page(self, start: int, rows: Sequence[Row], read_to: datetime) -> int | None:
		"""Keep a page together with the cursor that passes it; returns where to go on, None at the end. Judged on raw rows."""
		reading = self._reading
		known = reading.cursor.position or 0
		top = max((row.log_id for row in rows if row.log_id is not None), default=start)
		at_end = top <= start or (top == known and len(rows) < ID_PAGE)
		delivered = reading.cursor.delivered or bool(rows)
		cursor = replace(reading.cursor, position=max(known, top), delivered=delivered)
		if at_end and self._source.ids_came:
			cursor = cursor.moved(read_to, complete=True)
		reading.keep(self._source.punches(self._stream.unit, rows), cursor)
		return None if at_end else top

	def _fell_back(self, start: int, rows: Sequence[Row]) -> bool:
		"""Has the server begun to count again? Then what is read again is gone, or is something else than it was."""
		cursor = self._reading.cursor
		if not cursor.delivered:
			return False
		if not rows:
			return start > 0 and self._any_after(0)
		position = cursor.position or 0
		again = {
			(row.user_id, row.source_time)
			for row in rows
			if isinstance(row, Record) and row.log_id is not None and row.log_id <= position
		}
		return bool(again) and not self._store.seen(self._stream, again)

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
