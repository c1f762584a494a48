"""A file as records: what it is, whether day or month comes first, and its rows, in two passes that keep nothing in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from itertools import islice
from typing import BinaryIO

from biometric_integration.core.punch import Record, Unreadable
from biometric_integration.receivers.files import attlog, glg, tables, text, workbook
from biometric_integration.receivers.files.refusal import (
	JALALI,
	MINUTES,
	MIXED_ORDERS,
	NO_PUNCHES,
	OTHER_ORDER,
	UNKNOWN_COLUMNS,
	Refused,
	refuse_by_name,
	refuse_report,
)
from biometric_integration.receivers.files.rows import Odd, Row
from biometric_integration.receivers.files.tables import Columns
from biometric_integration.receivers.files.times import Jalali, Moment, NoSeconds, OddTime, Order, moment_of

SAMPLE = 40
MOST_DEVICES = 200
"""Different devices that a file may name; a column with more is none of devices."""
ENOUGH_TO_DOUBT = 20
"""Rows after which it is no accident that all of them end in :00."""
FIRST_WORDS = 200


class Dialect(str, Enum):
	"""What a file turned out to be; shown to a person."""

	ATTLOG = "Device file (attlog)"
	GLG = "Device file (GLG / AGL)"
	ZKTIME = "ZKTime 5 export"
	TRACKLITE = "eTimeTrackLite raw logs"
	BIOTIME = "BioTime transactions"
	MAPPED = "Columns by mapping"


KNOWN = {
	Dialect.GLG: Columns("EnNo", "DateTime", optional=True),
	Dialect.TRACKLITE: Columns(
		"UserId",
		"LogDate",
		device=("SerialNumber", "DeviceSName", "DeviceFName", "DeviceName", "DeviceId"),
		direction="Direction",
		optional=True,
	),
	Dialect.ZKTIME: Columns("No.", "Date/Time", optional=True),
	Dialect.BIOTIME: Columns("emp_code", "punch_time", device=("terminal_sn",), optional=True),
}
"""Tables that are known by the names of their columns, as far as these are certain (sources-protocols §1.2, §4, §5.1)."""

Numbered = tuple[int, Record | Unreadable]


@dataclass(frozen=True)
class Opened:
	"""A file whose dialect is known. `rows` begins anew with each call. serials: those in its name and first line, at most two."""

	dialect: Dialect
	encoding: str
	serials: tuple[str, ...]
	rows: Callable[[], Iterator[Row]] = field(repr=False)


@dataclass(frozen=True)
class Survey:
	"""What was found out by reading all of it once.

	order: which of two numbers comes first; None where that does not matter. must_choose: both ways fit all rows, and give different days.
	example: the first such time, with the line it stands in. devices: what its rows say of their devices. to_the_minute: all times end in :00, as
	after a spreadsheet program.
	"""

	rows: int
	unreadable: int
	order: Order | None
	must_choose: bool
	example: tuple[int, Moment] | None
	devices: tuple[str, ...]
	to_the_minute: bool


def open_file(file: BinaryIO, name: str, columns: Columns | None = None) -> Opened:
	"""`file` can seek. columns: of a saved mapping; None = as it comes. Raises Refused."""
	refuse_by_name(name)
	begin = text.begin_of(file)
	if text.is_zip(begin):
		return _sheet(file, name, columns)
	encoding = text.encoding_of(file)

	def lines() -> Iterator[tuple[int, str]]:
		return text.lines(file, encoding)

	sample = list(islice(lines(), SAMPLE))
	delimiter = tables.delimiter_of(line for _number, line in sample)

	def cells() -> Iterator[tables.Line]:
		return tables.texts(lines(), delimiter)

	return (
		_table(cells, encoding, columns)
		or (None if columns else _glg(lines, encoding) or _attlog(lines, name, encoding))
		or _unknown(cells, columns)
	)


def _sheet(file: BinaryIO, name: str, columns: Columns | None) -> Opened:
	workbook.refuse_dangerous(file)

	def cells() -> Iterator[tables.Line]:
		return workbook.rows(file)

	def lines() -> Iterator[tuple[int, str]]:
		for number, row in cells():
			yield number, "\t".join(row).rstrip("\t")

	return (
		_table(cells, "xlsx", columns)
		or (None if columns else _attlog(lines, name, "xlsx"))
		or _unknown(cells, columns)
	)


def _table(
	cells: Callable[[], Iterator[tables.Line]], encoding: str, columns: Columns | None
) -> Opened | None:
	sample = list(islice(cells(), SAMPLE))
	refuse_report(row for _number, row in sample)
	candidates = {Dialect.MAPPED: columns} if columns else KNOWN
	for dialect, wanted in candidates.items():
		if found := tables.head_of(sample, wanted):
			begin, places = found
			return Opened(dialect, encoding, (), _rows_of_table(cells, begin, places, wanted))
	return None


def _rows_of_table(
	cells: Callable[[], Iterator[tables.Line]], begin: int, places: tables.Places, columns: Columns
) -> Callable[[], Iterator[Row]]:
	return lambda: tables.rows(islice(cells(), begin, None), places, columns)


def _glg(lines: Callable[[], Iterator[tuple[int, str]]], encoding: str) -> Opened | None:
	first = next(lines(), (0, ""))[1].split()
	if not glg.is_fixed_width(first):
		return None
	return Opened(Dialect.GLG, encoding, (), lambda: glg.rows(islice(lines(), 1, None), first))


def _attlog(lines: Callable[[], Iterator[tuple[int, str]]], name: str, encoding: str) -> Opened | None:
	sample = [line for _number, line in islice(lines(), SAMPLE)]
	if not attlog.is_attlog(sample):
		return None
	serials = (attlog.serial_of_name(name), attlog.serial_of_first(sample[0]))
	return Opened(
		Dialect.ATTLOG, encoding, tuple(dict.fromkeys(filter(None, serials))), lambda: attlog.rows(lines())
	)


def _unknown(cells: Callable[[], Iterator[tables.Line]], columns: Columns | None) -> Opened:
	sample = list(islice(cells(), SAMPLE))
	if columns:
		tables.refuse_missing(sample, columns)
	widest: Sequence[str] = max((row for _number, row in sample), key=len, default=())
	words = ", ".join(filter(None, (tables.plain(cell) for cell in widest)))
	raise Refused(UNKNOWN_COLUMNS.format(columns=words[:FIRST_WORDS]))


def survey(opened: Opened, chosen: Order | None = None) -> Survey:
	"""Read all of it once. chosen: which number a person says comes first. Raises Refused."""
	found = _Finding()
	for row in opened.rows():
		found.add(row)
	return found.conclusion(opened, chosen)


class _Finding:
	"""What the rows say together. `lines`: the first one that fits this order only."""

	def __init__(self) -> None:
		self.read = self.odd = self.without_seconds = self.jalali = 0
		self.lines: dict[Order, int] = {}
		self.example: tuple[int, Moment] | None = None
		self.has_seconds = False
		self.devices: dict[str, None] = {}
		self.problem = ""

	def add(self, row: Row) -> None:
		if isinstance(row, Odd):
			self._note(row.problem)
			return
		try:
			day_first, month_first = moment = moment_of(row.when)
		except OddTime as error:
			self.without_seconds += isinstance(error, NoSeconds)
			self.jalali += isinstance(error, Jalali)
			self._note(error.problem)
			return
		self.read += 1
		if day_first is None:
			self.lines.setdefault(Order.MONTH_FIRST, row.line)
		elif month_first is None:
			self.lines.setdefault(Order.DAY_FIRST, row.line)
		elif day_first != month_first:
			self.example = self.example or (row.line, moment)
		self.has_seconds = self.has_seconds or bool((day_first or month_first or datetime.min).second)
		if row.device and len(self.devices) < MOST_DEVICES:
			self.devices.setdefault(row.device)

	def _note(self, problem: str) -> None:
		self.odd += 1
		self.problem = self.problem or problem

	def conclusion(self, opened: Opened, chosen: Order | None) -> Survey:
		if self.jalali > self.read:
			raise Refused(JALALI)
		if self.without_seconds > self.read:
			raise Refused(MINUTES)
		if not self.read:
			raise Refused(NO_PUNCHES.format(problem=self.problem or "it is empty."))
		order = self._order(chosen)
		return Survey(
			self.read + self.odd,
			self.odd,
			order,
			self.example is not None and order is None,
			self.example,
			tuple(dict.fromkeys([*opened.serials, *self.devices])),
			self.read >= ENOUGH_TO_DOUBT and not self.has_seconds,
		)

	def _order(self, chosen: Order | None) -> Order | None:
		if len(self.lines) == 2:
			raise Refused(
				MIXED_ORDERS.format(
					day_first=self.lines[Order.DAY_FIRST], month_first=self.lines[Order.MONTH_FIRST]
				)
			)
		for order, line in self.lines.items():
			if chosen and chosen is not order:
				raise Refused(OTHER_ORDER.format(line=line, found=order.value))
			return order
		return chosen if self.example else None


def records(opened: Opened, order: Order | None) -> Iterator[Numbered]:
	"""(line number, what it says). The device of a row, else that of the file, is in `serial`, as it is written there: a serial number or a name."""
	serial = opened.serials[0] if len(opened.serials) == 1 else ""
	for row in opened.rows():
		yield row.line, _record(row, order, serial)


def _record(row: Row, order: Order | None, serial: str) -> Record | Unreadable:
	if isinstance(row, Odd):
		return Unreadable(row.raw, row.problem)
	try:
		moment = moment_of(row.when).of(order)
	except OddTime as error:
		return Unreadable(row.raw, error.problem)
	return Record(row.user_id, moment, row.direction, row.raw, row.device or serial)
