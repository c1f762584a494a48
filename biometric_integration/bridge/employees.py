"""The employee list: a CSV file as ERPNext exports it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from biometric_integration.bridge.people import Employee
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
	try:
		text = path.read_text(encoding="utf-8-sig")
	except OSError as error:
		raise ConfigurationError(
			f"The employee list {path} cannot be read: {error.strerror}.", str(error)
		) from error
	except UnicodeDecodeError as error:
		raise ConfigurationError(f"{path} is not in UTF-8: save it as CSV UTF-8.", str(error)) from error
	return list(_unique(path, _employees(path, text)))


def _employees(path: Path, text: str) -> Iterator[tuple[int, Employee]]:
	lines = text.splitlines(keepends=True)
	heading = lines[0] if lines else ""
	reader = csv.reader(lines, delimiter=max(SEPARATORS, key=heading.count))
	columns = _columns(path, next(reader, []))
	for row in reader:
		values = {field: row[index].strip() if index < len(row) else "" for field, index in columns.items()}
		# an export with child tables has lines that only hold a child
		if any(values.values()) and (values["name"] or values["user_id"]):
			yield reader.line_num, _employee(path, reader.line_num, values)


def _columns(path: Path, heading: Sequence[str]) -> dict[str, int]:
	titles = [" ".join(title.lower().split()) for title in heading]
	found = {
		field: titles.index(name)
		for field, names in HEADINGS.items()
		for name in reversed(names)
		if name in titles
	}
	for field, title in NEEDED.items():
		if field not in found:
			raise ConfigurationError(f"{path}, line 1: there is no column {title}.")
	return found


def _employee(path: Path, line: int, values: Mapping[str, str]) -> Employee:
	if not values["name"]:
		raise ConfigurationError(f'{path}, line {line}: the device id "{values["user_id"]}" has no employee.')
	status = values.get("status") or "Active"
	if status.lower() not in STATUSES:
		raise ConfigurationError(
			f'{path}, line {line}: the status "{status}" is none of {", ".join(STATUSES.values())}.'
		)
	return Employee(
		values["name"],
		values.get("employee_name", ""),
		values["user_id"],
		STATUSES[status.lower()],
		_day(path, line, values.get("joined", "")),
		_day(path, line, values.get("relieved", "")),
	)


def _day(path: Path, line: int, text: str) -> date | None:
	"""Year first only: 01-02-2026 is in January for some and in February for others."""
	if not text:
		return None
	try:
		return date.fromisoformat(text[:10])
	except ValueError as error:
		raise ConfigurationError(f'{path}, line {line}: write the date "{text}" as in 2026-01-31.') from error


def _unique(path: Path, employees: Iterator[tuple[int, Employee]]) -> Iterator[Employee]:
	lines: dict[str, int] = {}
	for line, employee in employees:
		if employee.name in lines:
			raise ConfigurationError(
				f"{path}, line {line}: {employee.name} is in line {lines[employee.name]} already."
			)
		lines[employee.name] = line
		yield employee
