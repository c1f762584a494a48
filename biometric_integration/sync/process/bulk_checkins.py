"""Employee Checkin, a whole batch with a fixed number of queries: the rows that the Document API would write, column by column.

Only for sites that add nothing of their own to the saving of a check-in (`site_rules`). A check-in that HRMS might refuse is left to
the Document API, which says why.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple

import frappe
from frappe.utils import now_datetime

from biometric_integration.core.decide import Decision
from biometric_integration.core.devices import Device
from biometric_integration.core.directory import Directory
from biometric_integration.sync.db import sql, transaction
from biometric_integration.sync.hrms.shift_notes import ShiftNotes
from biometric_integration.sync.process import checkins, series

DOCTYPE = "Employee Checkin"
ASSIGNMENT = "Shift Assignment"
FETCHED_FROM = "employee."

Row = dict[str, Any]


class BulkWriter:
	"""Keeps what HRMS has said about shifts from one batch to the next. names: gives so many new names of check-ins."""

	def __init__(self, names: Callable[[int], list[str]] = series.reserved_names):
		self.shift_notes = ShiftNotes()
		self._names = names

	def write(self, decisions: Sequence[Decision], directory: Directory) -> dict[str, str]:
		"""Insert the check-ins; event → name of its check-in. Those that are not in the answer need the Document API.

		Commits before anything is written: the numbers of the names, so that nobody waits for them.
		"""
		messages = len(frappe.local.message_log)
		rows = list(self._rows(decisions, directory)) if decisions else []
		del frappe.local.message_log[messages:]
		if not rows:
			return {}
		for row, name in zip(rows, self._names(len(rows)), strict=True):
			row["name"] = name
		sql.insert(DOCTYPE, list(rows[0]), list(map(itemgetter(*rows[0]), rows)))
		checkins.show(rows[-1]["name"])
		return {row["biometric_event"]: row["name"] for row in rows}

	def _rows(self, decisions: Sequence[Decision], directory: Directory) -> Iterator[Row]:
		templates = templates_of({decision.employee for decision in decisions})
		days = [decision.time.date() for decision in decisions]
		defaults = {name: template.default_shift for name, template in templates.items()}
		self.shift_notes.prepare(defaults, min(days), max(days))
		places, taken, empty = _Places(list(templates)), _taken(directory), empty_row()
		for decision in decisions:
			moment = (decision.employee, decision.time)
			device = directory.devices.get(decision.event.device)
			if (
				decision.employee not in templates
				or moment in taken
				or places.doubtful(decision.employee, device)
			):
				continue
			shift = self._shift(decision)
			if shift is None:
				continue
			taken.add(moment)
			yield {
				**empty,
				**templates[decision.employee].fetched,
				**places.of(device),
				**shift,
				"employee": decision.employee,
				"time": decision.time,
				"log_type": decision.log_type,
				"biometric_event": decision.event.name,
			}

	def _shift(self, decision: Decision) -> Row | None:
		"""None where HRMS does not take it, or cannot tell: the shift of one person may be gone."""
		try:
			return self.shift_notes.of(decision.employee, decision.time, decision.log_type)
		except transaction.OF_NO_ROW:
			raise
		except Exception:
			return None


class _Places:
	"""Device → what a check-in says about where it was made. Asks HRMS itself how it writes coordinates."""

	def __init__(self, employees: Sequence[str]):
		self._tracked = checkins.wants_coordinates()
		self._bound = _bound_to_places(employees) if self._tracked else set()
		self._found: dict[str, Row] = {}

	def doubtful(self, employee: str, device: Device | None) -> bool:
		"""Might HRMS refuse it for where it was made?"""
		known = device and (device.latitude or device.longitude)
		return self._tracked and (not known or employee in self._bound)

	def of(self, device: Device | None) -> Row:
		key = device.key if device else ""
		if key not in self._found:
			self._found[key] = self._row(device)
		return self._found[key]

	def _row(self, device: Device | None) -> Row:
		checkin = frappe.new_doc(DOCTYPE)
		before = checkin.get_valid_dict()
		checkin.update(checkins.place(device))
		checkin.set_geolocation()
		after = checkin.get_valid_dict()
		return {field: value for field, value in after.items() if value != before[field]}


def _bound_to_places(employees: Collection[str]) -> set[str]:
	"""Those who may check in near their shift location only."""
	if not frappe.get_meta(ASSIGNMENT).has_field("shift_location"):
		return set()
	filters = {"employee": ("in", employees), "shift_location": ("is", "set"), "docstatus": 1}
	return set(frappe.get_all(ASSIGNMENT, filters, pluck="employee", distinct=True, limit=0))


class Template(NamedTuple):
	"""What the check-ins of one employee have in common: the default shift, and the fields fetched from the employee."""

	default_shift: str
	fetched: Row


def templates_of(names: Collection[str]) -> dict[str, Template]:
	"""Of these employees, as far as they are there."""
	fetched = _sources()
	fields = ["name", "default_shift", *fetched.values()]
	rows = sql.select_in("Employee", fields, "name", sorted(names))
	return {
		name: Template(shift or "", dict(zip(fetched, others, strict=True))) for name, shift, *others in rows
	}


def _sources() -> dict[str, str]:
	"""Field of a check-in → field of the employee it is fetched from."""
	return {
		field.fieldname: field.fetch_from.removeprefix(FETCHED_FROM)
		for field in frappe.get_meta(DOCTYPE).fields
		if (field.fetch_from or "").startswith(FETCHED_FROM)
	}


def _taken(directory: Directory) -> set[tuple[str, datetime]]:
	"""Employee and written time of the check-ins that are there: HRMS refuses a second one."""
	return {
		(employee, entry.written or entry.time)
		for employee, entries in directory.recorded.items()
		for entry in entries
		if entry.record
	}


def empty_row() -> Row:
	"""A new check-in with the defaults of its fields, and who makes it when."""
	now, user = now_datetime(), frappe.session.user
	stamps = {"creation": now, "modified": now, "owner": user, "modified_by": user}
	return {**frappe.new_doc(DOCTYPE).get_valid_dict(ignore_virtual=True), **stamps, "docstatus": 0}
