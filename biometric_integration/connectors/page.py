"""One answer as the engine takes it: rows that come lazily, from a body that is on disk."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from dateutil import parser

from biometric_integration.connectors.endpoint import Memory
from biometric_integration.core.connector import RequestTrace
from biometric_integration.core.punch import Record, Unreadable
from biometric_integration.core.window import DAY, Window

Row = Record | Unreadable
LONGEST_ROW = 16 * 1024
"""Characters that are kept of a row; no row of a punch comes near."""
GARBLED = "\N{REPLACEMENT CHARACTER}"
"""In place of what is no character; a row that holds it is garbled."""
EXACT_TIME = 19
"""Characters of `yyyy-MM-dd HH:mm:ss`."""
SEPARATORS = ("-- ::", "--T::")
"""Every third of them from the fifth on."""
TWO_WAYS = re.compile(
	r"(?P<one>\d\d?)(?P<separator>[-/.])(?P<other>\d\d?)(?P=separator)\d{4} \d\d?:\d\d:\d\d(?: [AP]M)?",
	re.IGNORECASE,
)
"""Two numbers before a year: either may be the day."""
OTHER_FORM = re.compile(
	r"(?:\d{4}([-/.])\d{1,2}\1\d{1,2}|\d{1,2}[-/ ][a-z]{3,9}[-/ ]\d{4}) {1,2}\d{1,2}:\d\d:\d\d(?:\.\d{1,7})?(?: ?[ap]m)?",
	re.ASCII | re.IGNORECASE,
)
"""What a server with other regional settings may write, as far as it leaves nothing to guess (essl-protocol §2.1 *Date formats*).

The year comes first or the month has a name: two numbers before a year may be either way round. The time is there to the second.
"""
ANY_TWO = (datetime(2000, 1, 1), datetime(2003, 5, 17, 11, 23, 37))
"""dateutil takes what a text lacks from a default: where these two give two answers, something was lacking."""


class Reader(Protocol):
	"""An answer while it is read: its trace, the server's clock (aware UTC or None), and what keeps secrets out of a row."""

	@property
	def trace(self) -> RequestTrace: ...

	@property
	def server_time(self) -> datetime | None: ...

	def redact_row(self, text: str) -> str: ...

	def close(self) -> None: ...


class NoRows:
	"""A page of which nothing is expected, and that had nothing."""

	declared: int | None = None
	confirmed = True
	server_time: datetime | None = None

	def __iter__(self) -> Iterator[Row]:
		return iter(())


class SpooledPage:
	"""A `Page` over the rows of an answer. `finished` gives `declared` again when all rows have been read."""

	def __init__(
		self,
		reader: Reader,
		rows: Iterable[Row],
		declared: int | None = None,
		confirmed: bool = True,
		finished: Callable[[], int | None] | None = None,
	):
		self.declared = declared
		self.confirmed = confirmed
		self.server_time: datetime | None = reader.server_time
		self._reader = reader
		self._rows = iter(rows)
		self._finished = finished

	def __iter__(self) -> Iterator[Row]:
		count = 0
		try:
			for row in self._rows:
				count += 1
				yield self._redacted(row) if type(row) is Unreadable else row
		finally:
			self._reader.trace.rows += count
		if self._finished:
			self.declared = self._finished()

	def _redacted(self, row: Unreadable) -> Unreadable:
		"""What is no row may be anything, the echo of a request included."""
		return replace(row, raw=self._reader.redact_row(row.raw))

	def close(self) -> None:
		"""Free the body of an answer that nobody is going to read."""
		self._reader.close()


def source_time(text: str) -> datetime | None:
	"""The naive wall clock to the second that a row says; None where it is none.

	`yyyy-MM-dd HH:mm:ss`, also with a `T` or with fractions of a second, which are dropped. That is what sources write, and there are
	millions of rows; any other form takes some hundred times as long.
	"""
	try:
		moment = datetime.fromisoformat(text)
	except ValueError:
		return _in_another_form(text)
	# fromisoformat knows more than the sources write, such as zones and week dates, and differs between Pythons
	if text[4:EXACT_TIME:3] not in SEPARATORS or moment.tzinfo:
		return None
	if len(text) == EXACT_TIME:
		return moment
	return moment.replace(microsecond=0) if text.startswith(".", EXACT_TIME) else None


def _in_another_form(text: str) -> datetime | None:
	if not OTHER_FORM.fullmatch(text):
		return None
	try:
		one, other = (parser.parse(text, default=default, yearfirst=True) for default in ANY_TWO)
	except (ValueError, OverflowError):
		return None
	return one.replace(microsecond=0) if one == other and one.tzinfo is None else None


class RowTimes:
	"""Reads the times of one server's rows.

	Another form than `source_time` reads is found once, by the window that was asked for, and remembered: whether the day comes first. As
	long as a row could be of two days it is not guessed which.
	"""

	def __init__(self, memory: Memory):
		self._memory = memory

	def of(self, window: Window | None) -> Callable[[str], datetime | None]:
		"""Reads the rows of an answer to this window of the server's wall clock."""
		return lambda text: source_time(text) or self._in_either_way(text, window)

	def _in_either_way(self, text: str, window: Window | None) -> datetime | None:
		if not TWO_WAYS.fullmatch(text):
			return None
		day_first = self._memory.get("day_first")
		if day_first is None and window is not None:
			day_first = self._found(text, window)
		return None if day_first is None else _read(text, day_first)

	def alone(self, text: str) -> datetime | None:
		"""A time that belongs to no window: where it could be of two days, only what is remembered tells of which."""
		if (moment := source_time(text)) or not TWO_WAYS.fullmatch(text):
			return moment
		readings = {found: day_first for day_first in (True, False) if (found := _read(text, day_first))}
		if len(readings) != 1:
			day_first = self._memory.get("day_first")
			return None if day_first is None else _read(text, day_first)
		((found, day_first),) = readings.items()
		if found.day != found.month:
			self._memory.keep(day_first=day_first)
		return found

	def _found(self, text: str, window: Window) -> bool | None:
		near = [
			day_first
			for day_first in (True, False)
			if (moment := _read(text, day_first)) and window.start - DAY <= moment <= window.end + DAY
		]
		if len(near) == 1:
			self._memory.keep(day_first=near[0])
		return near[0] if len({_read(text, day_first) for day_first in near}) == 1 else None


def _read(text: str, day_first: bool) -> datetime | None:
	"""None where there is no such day: dateutil itself would turn day and month round."""
	numbers = TWO_WAYS.fullmatch(text)
	if numbers is None or int(numbers["other" if day_first else "one"]) > 12:
		return None
	try:
		return parser.parse(text, dayfirst=day_first)
	except (ValueError, OverflowError):
		return None


def misshapen(raw: str) -> Unreadable | None:
	"""A row that is too long, or holds a control character, whatever else it says."""
	if len(raw) > LONGEST_ROW:
		return Unreadable(raw[:LONGEST_ROW], f"The row is longer than {LONGEST_ROW} characters.")
	if GARBLED in raw:
		return Unreadable(raw, "The row holds a character that no device writes.")
	return None
