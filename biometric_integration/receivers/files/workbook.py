"""Excel sheets (.xlsx) as rows of text: the first sheet, formulas as the text they are, dates to the second."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, BinaryIO
from zipfile import BadZipFile, ZipFile

from biometric_integration.receivers.files.refusal import BROKEN_EXCEL, MACROS, Refused
from biometric_integration.receivers.files.tables import Line

MOST_UNPACKED = 300 << 20
MOST_TEXTS = 64 << 20
"""Bytes of the shared texts, which stand in memory."""
MOST_PARTS, MOST_COLUMNS = 2000, 100
TEXTS, MACRO_PART = "xl/sharedStrings.xml", "xl/vbaProject.bin"
LOOKED_AT = 4096
HALF_A_SECOND = timedelta(milliseconds=500)


def refuse_dangerous(file: BinaryIO) -> None:
	"""What would unpack to more than a sheet of punches needs, and macros. Raises Refused."""
	file.seek(0)
	try:
		with ZipFile(file) as archive:
			parts = archive.infolist()
			if any(part.filename.lower() == MACRO_PART.lower() for part in parts):
				raise Refused(MACROS)
			texts = sum(part.file_size for part in parts if part.filename == TEXTS)
			if (
				sum(part.file_size for part in parts) > MOST_UNPACKED
				or texts > MOST_TEXTS
				or len(parts) > MOST_PARTS
			):
				raise Refused(BROKEN_EXCEL)
			for part in parts:
				if part.filename.endswith((".xml", ".rels")) and _declares(
					archive.open(part).read(LOOKED_AT)
				):
					raise Refused(BROKEN_EXCEL)
	except (BadZipFile, OSError, NotImplementedError, RuntimeError, ValueError, EOFError) as error:
		raise Refused(BROKEN_EXCEL) from error


def _declares(begin: bytes) -> bool:
	"""A document type, with entities that grow when they are read; no spreadsheet program writes one."""
	return b"<!DOCTYPE" in begin or b"<!ENTITY" in begin


def rows(file: BinaryIO) -> Iterator[Line]:
	"""(row number, cells), those that are not empty. Raises Refused."""
	# comes with frappe; nothing else here needs it
	from openpyxl import load_workbook  # type: ignore[import-untyped]

	file.seek(0)
	try:
		book = load_workbook(file, read_only=True, data_only=False, keep_links=False)
		try:
			sheet = next(iter(book.worksheets), None)
			if sheet is None:
				return
			sheet.reset_dimensions()
			for number, cells in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS), 1):
				texts = [_text(cell) for cell in cells]
				if any(texts):
					yield number, texts
		finally:
			book.close()
	except (Refused, MemoryError, RecursionError):
		raise
	except Exception as error:  # a damaged file fails anywhere in a library that reads it lazily
		raise Refused(BROKEN_EXCEL) from error


def _text(cell: Any) -> str:
	value = cell.value
	if value is None:
		return ""
	if isinstance(value, datetime):
		value = (value + HALF_A_SECOND).replace(microsecond=0)
		has_time = "h" in (cell.number_format or "").lower() or value.time() != time()
		return value.isoformat(" ") if has_time else value.date().isoformat()
	if isinstance(value, time):
		return (datetime.combine(date(2000, 1, 1), value) + HALF_A_SECOND).strftime("%H:%M:%S")
	if isinstance(value, float) and value.is_integer():
		value = int(value)
	if isinstance(value, int) and not isinstance(value, bool):
		return _number(value, cell.number_format or "")
	return str(value)


def _number(value: int, number_format: str) -> str:
	"""With the zeros in front that its format shows."""
	return f"{value:0{len(number_format)}d}" if number_format and set(number_format) == {"0"} else str(value)
