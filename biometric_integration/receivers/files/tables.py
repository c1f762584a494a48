"""Tables: CSV, tab separated text and Excel sheets, by the names of their columns or by a mapping that somebody saved."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from biometric_integration.core.punch import Direction, direction_of
from biometric_integration.receivers.files.refusal import MISSING_COLUMN, Refused
from biometric_integration.receivers.files.rows import Cells, Odd, Row
from biometric_integration.receivers.files.text import LONGEST_LINE

DELIMITERS = ",;\t|"
LONGEST_ID = LONGEST_CELL = 140
HEAD_WITHIN = 20
"""Rows among which the names of the columns stand."""
Line = tuple[int, Sequence[str]]


@dataclass(frozen=True)
class Columns:
	"""Which columns are used: each by its name, or by its number from 1. `clock`: the time of day, where that is a column of its own.

	device: one of these names, the first that is there; it and `direction` may be missing where they are `optional`. in_words, out_words: what
	stands for IN and OUT, in lower case; empty = the words that servers use.
	"""

	user_id: str
	time: str
	clock: str = ""
	device: tuple[str, ...] = ()
	direction: str = ""
	in_words: frozenset[str] = frozenset()
	out_words: frozenset[str] = frozenset()
	optional: bool = False

	@property
	def needed(self) -> list[str]:
		own = [] if self.optional else [*self.device, self.direction]
		return [name for name in (self.user_id, self.time, self.clock, *own) if name]


@dataclass(frozen=True)
class Places:
	"""The same as positions from 0; -1 = there is none."""

	user_id: int
	time: int
	clock: int
	device: int
	direction: int


def delimiter_of(lines: Iterable[str]) -> str:
	"""What divides most of these lines; a comma where nothing does."""
	lines = list(lines)
	return max(
		DELIMITERS,
		key=lambda one: (sum(one in line for line in lines), sum(line.count(one) for line in lines)),
	)


def split(line: str, delimiter: str) -> list[str]:
	"""One line by itself: a quote that is never closed ends with it."""
	if '"' not in line:
		return line.split(delimiter)
	try:
		return next(csv.reader([line], delimiter=delimiter), [])
	except csv.Error:
		return []


def plain(cell: str) -> str:
	"""As `="0031"` and `'0031` are meant, which spreadsheet programs write to keep zeros."""
	cell = cell.strip()
	if cell.startswith('="') and cell.endswith('"'):
		cell = cell[2:-1]
	return cell.removeprefix("'").strip()


def head_of(sample: Sequence[Line], columns: Columns) -> tuple[int, Places] | None:
	"""Where the rows begin (an index in the sample) and where their columns are; None where no row has these names."""
	named = {_key(name) for name in columns.needed if not name.isdecimal()}
	if not named and columns.needed:
		return 0, _places(columns, [])
	for index, (_number, cells) in enumerate(sample[:HEAD_WITHIN]):
		keys = [_key(cell) for cell in cells]
		if named <= set(keys):
			return index + 1, _places(columns, keys)
	return None


def refuse_missing(sample: Sequence[Line], columns: Columns) -> None:
	"""Say which of the columns is not there."""
	rows = [{_key(cell) for cell in cells} for _number, cells in sample[:HEAD_WITHIN]]
	best = max(rows, key=lambda row: sum(_key(name) in row for name in columns.needed), default=set())
	missing = [name for name in columns.needed if not name.isdecimal() and _key(name) not in best]
	raise Refused(MISSING_COLUMN.format(column=", ".join(missing)))


def _key(name: str) -> str:
	return " ".join(plain(name).casefold().split())


def _places(columns: Columns, keys: Sequence[str]) -> Places:
	def place(*names: str) -> int:
		for name in filter(None, names):
			if _key(name) in keys:
				return keys.index(_key(name))
			if name.isdecimal() and 0 < len(name) < 4:
				return int(name) - 1
		return -1

	return Places(
		place(columns.user_id),
		place(columns.time),
		place(columns.clock),
		place(*columns.device),
		place(columns.direction),
	)


def rows(lines: Iterable[Line], places: Places, columns: Columns) -> Iterator[Row]:
	direction = _direction(columns)
	for number, cells in lines:
		user_id, time, clock, device, way = (
			_cell(cells, place)
			for place in (places.user_id, places.time, places.clock, places.device, places.direction)
		)
		raw = "\t".join(filter(None, (user_id, time, clock, device, way)))
		if problem := _problem(user_id, time):
			yield Odd(number, problem, raw)
		else:
			when = f"{time} {clock}" if clock else time
			yield Cells(number, user_id, when, raw, device, direction(way))


def _problem(user_id: str, time: str) -> str:
	if not user_id:
		return "There is no id."
	if len(user_id) > LONGEST_ID:
		return f"The id is longer than {LONGEST_ID} characters."
	if user_id.startswith("="):
		return "The id is a formula."
	return "" if time else "There is no time."


def _cell(cells: Sequence[str], place: int) -> str:
	if not 0 <= place < len(cells):
		return ""
	return plain(cells[place].replace("\0", ""))[: LONGEST_CELL + 1]


def _direction(columns: Columns) -> Callable[[str], Direction]:
	"""Read by the words of the mapping, or by those that servers use; any other word says nothing."""
	if not columns.in_words and not columns.out_words:
		return lambda word: direction_of(word) or Direction.NONE

	def by_words(word: str) -> Direction:
		word = word.strip().casefold()
		if word in columns.in_words:
			return Direction.IN
		return Direction.OUT if word in columns.out_words else Direction.NONE

	return by_words


def texts(lines: Iterable[tuple[int, str]], delimiter: str) -> Iterator[Line]:
	"""Lines of text as cells."""
	for number, line in lines:
		cells = split(line[:LONGEST_LINE], delimiter)
		if any(cell.strip() for cell in cells):
			yield number, cells
