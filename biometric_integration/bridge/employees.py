"""The employee list: a CSV file as ERPNext exports it."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from biometric_integration.bridge.people import Employee
from biometric_integration.bridge.texts import day, text_of
from biometric_integration.core.errors import ConfigurationError

HEADINGS: Mapping[str, tuple[str, ...]] = {
	"name": ("id", "employee", "name", "employee id"),
	"employee_name": ("employee name", "employee_name", "full name"),
	"user_id": ("attendance device id (biometric/rf tag id)", "attendance device id", "attendance_device_id"),
	"status": ("status",),
	"joined": ("date of joining", "date_of_joining"),
	"relieved": ("relieving date", "relieving_date"),
}
"""What a column may be called, in any case; the first that is there counts."""
NEEDED = {"name": '"ID" or "Employee"', "user_id": '"Attendance Device ID (Biometric/RF tag ID)"'}
STATUSES = {status.lower(): status for status in ("Active", "Inactive", "Suspended", "Left")}
SEPARATORS = ",;\t"
AS_IF = ", as if a quotation mark were missing"


def read_employees(path: Path) -> list[Employee]:
	"""The employees of a file, in its order.

	Raises ConfigurationError with the line number where the file cannot be used as a whole: a list that is read in part would
	leave punches without an owner.
	"""
	text = text_of(path, "employee list")
	heading = text.partition("\n")[0]
	# not `splitlines`, which also ends a line at characters that may stand in a name
	separator = max(SEPARATORS, key=heading.count)
	rows = Rows(csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True))
	try:
		found = list(_employees(rows, separator))
	except (ValueError, csv.Error) as error:
		words = f"this is no row of values ({error}){AS_IF}" if isinstance(error, csv.Error) else f"{error}"
		raise ConfigurationError(f"{path}, line {rows.line}: {words}.") from error
	if not found:
		raise ConfigurationError(f"{path}: there is nobody in it.")
	return found


class Rows:
	"""The rows of a table; `line`: where the one begins that was asked for last."""

	line = 1

	def __init__(self, reader: Any):
		self._reader = reader

	def __iter__(self) -> Iterator[list[str]]:
		return self

	def __next__(self) -> list[str]:
		self.line = self._reader.line_num + 1
		row: list[str] = next(self._reader)
		return row


def _employees(rows: Rows, separator: str) -> Iterator[Employee]:
	"""Raises ValueError about the line that it stopped at."""
	heading = next(rows, [])
	columns = _columns(heading)
	lines: dict[str, int] = {}
	for row in rows:
		if any(row[len(heading) :]):
			raise ValueError(f"there are {len(row)} values under {len(heading)} headings")
		for index, value in enumerate(row):
			_check_lines(value, 0 if index in columns.values() else len(heading) - 1, separator)
		values = {field: row[index].strip() if index < len(row) else "" for field, index in columns.items()}
		# an export with child tables has lines that only hold a child
		if values["name"] or values["user_id"]:
			employee = _employee(values)
			if employee.name in lines:
				raise ValueError(f"{employee.name} is in line {lines[employee.name]} already")
			lines[employee.name] = rows.line
			yield employee


def _check_lines(value: str, most: int, separator: str) -> None:
	"""An address may have several lines; one that holds `most` separators is rather the beginning of the next row."""
	first, *more = re.split(r"[\r\n]+", value.strip())
	if any(line.count(separator) >= most for line in more):
		raise ValueError(f'"{first}" goes on in the next line{AS_IF}')


def _columns(heading: Sequence[str]) -> dict[str, int]:
	titles = [" ".join(title.lower().split()) for title in heading]
	found = {
		field: titles.index(name)
		for field, names in HEADINGS.items()
		for name in reversed(names)
		if name in titles
	}
	for field, title in NEEDED.items():
		if field not in found:
			raise ValueError(f"there is no column {title}")
	return found


def _employee(values: Mapping[str, str]) -> Employee:
	if not values["name"]:
		raise ValueError(f'the device id "{values["user_id"]}" has no employee')
	status = values.get("status") or ("Left" if values.get("relieved") else "Active")
	if status.lower() not in STATUSES:
		raise ValueError(f'the status "{status}" is none of {", ".join(STATUSES.values())}')
	joined, relieved = (
		day(text[:10]) if (text := values.get(field)) else None for field in ("joined", "relieved")
	)
	name = values.get("employee_name", "")
	return Employee(values["name"], name, values["user_id"], STATUSES[status.lower()], joined, relieved)
