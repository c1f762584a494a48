"""The employee list: a CSV file as ERPNext exports it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

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


def read_employees(path: Path) -> list[Employee]:
	"""The employees of a file, in its order.

	Raises ConfigurationError with the line number where the file cannot be used as a whole: a list that is read in part would
	leave punches without an owner.
	"""
	lines = text_of(path, "employee list").splitlines(keepends=True)
	heading = lines[0] if lines else ""
	reader = csv.reader(lines, delimiter=max(SEPARATORS, key=heading.count))
	try:
		return list(_employees((reader.line_num, row) for row in reader))
	except (ValueError, csv.Error) as error:
		raise ConfigurationError(f"{path}, line {max(reader.line_num, 1)}: {error}.") from error


def _employees(rows: Iterator[tuple[int, list[str]]]) -> Iterator[Employee]:
	"""Of lines with their numbers, the heading first. Raises ValueError about the line that it stopped at."""
	_, heading = next(rows, (1, []))
	columns = _columns(heading)
	lines: dict[str, int] = {}
	for line, row in rows:
		values = {field: row[index].strip() if index < len(row) else "" for field, index in columns.items()}
		# an export with child tables has lines that only hold a child
		if values["name"] or values["user_id"]:
			employee = _employee(values)
			if employee.name in lines:
				raise ValueError(f"{employee.name} is in line {lines[employee.name]} already")
			lines[employee.name] = line
			yield employee


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
