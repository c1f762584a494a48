"""Ids whose punches wait for an employee, each with a guess whose they are."""

from __future__ import annotations

from collections.abc import Iterable

import frappe
from frappe import _
from frappe.query_builder import DocType
from frappe.query_builder.functions import Count, Max, Min
from frappe.utils import add_days, getdate

from biometric_integration.biometric_integration.report.columns import column, link
from biometric_integration.core.reasons import EventStatus, Reason
from biometric_integration.core.suggest import Candidate, Suggestions
from biometric_integration.sync.db.sql import TO_THE_LETTER
from biometric_integration.sync.records import servers, sight, staging


def execute(filters: dict | None = None) -> tuple[list[dict], list[dict]]:
	return columns(), rows(frappe._dict(filters or {}))


def columns() -> list[dict]:
	return [
		column("device_user_id", _("Device User ID"), 130),
		column("action", _("Action"), 225),
		column("punches", _("Punches"), 85, "Int"),
		column("first", _("First"), 185, "Datetime"),
		column("last", _("Last"), 185, "Datetime"),
		link("employee", _("Suggested Employee"), 210, "Employee"),
		column("employee_name", _("Employee Name"), 150),
		column("why", _("Why"), 380),
		column("reason", _("Reason"), 380),
		column("devices", _("Devices"), 160),
		column("server", _("Server"), 90),
		column("company", _("Company"), 150),
	]


def rows(filters) -> list[dict]:
	seen = sight.of_user()
	groups = list(_merged(row for row in _per_device(filters) if seen.shows(row.employee, row.device)))
	waiting = [group for group in groups if group["reason_code"] == Reason.NO_EMPLOYEE.value]
	if waiting:
		_suggest(waiting, seen)
	groups.sort(key=lambda group: (-group["punches"], group["device_user_id"], group["server"]))
	return [{**group, "row": number} for number, group in enumerate(groups)]


def _per_device(filters) -> list:
	event, device = DocType(staging.DOCTYPE), DocType("Biometric Device")
	query = (
		frappe.qb.from_(event)
		.left_join(device)
		.on(device.name == event.device)
		.select(
			event.device_user_id,
			event.server,
			event.reason_code,
			event.employee,
			event.device,
			device.device_name,
			device.location,
			device.company,
			Count(event.name).as_("punches"),
			Min(event.punch_time).as_("first"),
			Max(event.punch_time).as_("last"),
			Max(event.reason).as_("reason"),
		)
		.where(event.status == EventStatus.UNMAPPED.value)
		.groupby(
			TO_THE_LETTER(event.device_user_id), event.server, event.reason_code, event.employee, event.device
		)
	)
	if filters.from_date:
		query = query.where(event.punch_time >= getdate(filters.from_date))
	if filters.to_date:
		query = query.where(event.punch_time < getdate(add_days(filters.to_date, 1)))
	for field in ("server", "device", "device_user_id"):
		if filters.get(field):
			query = query.where(event[field] == filters.get(field))
	if filters.company:
		query = query.where(device.company == filters.company)
	return query.run(as_dict=True)


def _merged(found: Iterable) -> list[dict]:
	"""One row per id, server and reason, whatever the device."""
	groups: dict[tuple, dict] = {}
	for row in found:
		key = (row.device_user_id, row.server, row.reason_code, row.employee)
		group = groups.setdefault(key, _empty(row))
		group["punches"] += row.punches
		group["first"] = min(group["first"] or row.first, row.first)
		group["last"] = max(group["last"] or row.last, row.last)
		for name, value in (
			("device_keys", row.device),
			("device_names", row.device_name),
			("locations", row.location),
			("companies", row.company),
		):
			if value and value not in group[name]:
				group[name].append(value)
	for group in groups.values():
		group["devices"] = ", ".join(sorted(group["device_names"]))
		group["company"] = ", ".join(sorted(group["companies"]))
	return list(groups.values())


def _empty(row) -> dict:
	missing = row.reason_code == Reason.NO_EMPLOYEE.value
	return {
		"device_user_id": row.device_user_id,
		"server": row.server or "",
		"reason_code": row.reason_code,
		"reason": _("No employee has this id.") if missing else row.reason,
		"concerns": row.employee or "",
		"punches": 0,
		"first": None,
		"last": None,
		"device_keys": [],
		"device_names": [],
		"locations": [],
		"companies": [],
	}


def _suggest(groups: list[dict], seen: sight.Sight) -> None:
	id_fields = servers.employee_fields()
	fields = ["name", "employee_name", "employee_number", *id_fields]
	people = {
		person.name: person
		for person in frappe.get_all("Employee", {"status": "Active"}, list(dict.fromkeys(fields)), limit=0)
		if seen.shows_employee(person.name)
	}
	suggestions = Suggestions(
		Candidate(
			person.name,
			person.employee_number or "",
			tuple(person[field].strip() for field in id_fields if person[field]),
		)
		for person in people.values()
	)
	for group in groups:
		if suggestion := suggestions.of(group["device_user_id"]):
			group["employee"] = suggestion.employee
			group["employee_name"] = people[suggestion.employee].employee_name
			group["why"] = suggestion.sentence(_)
