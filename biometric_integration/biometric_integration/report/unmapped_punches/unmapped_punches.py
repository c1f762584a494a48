"""Ids whose punches wait for an employee, each with a guess whose they are."""

from __future__ import annotations

import frappe
from frappe import _
from frappe.query_builder import DocType
from frappe.query_builder.functions import Coalesce, Count, Max, Min
from frappe.utils import add_days, getdate

from biometric_integration.biometric_integration.report.columns import cells, column, link
from biometric_integration.core.reasons import STATUS_OF, EventStatus, Reason
from biometric_integration.core.suggest import Candidate, Suggestions
from biometric_integration.sync.db import sql
from biometric_integration.sync.records import event_groups, servers, sight, staging, words

REASONS = [reason for reason, status in STATUS_OF.items() if status is EventStatus.UNMAPPED]
DEVICE_FIELDS = ["name", "device_name", "location", "company"]


def execute(filters: dict | None = None) -> tuple[list[dict], list[dict]]:
	shown = columns()
	return shown, cells(shown, rows(frappe._dict(filters or {})))


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
	found = [group for group in _groups(filters, seen) if seen.shows_employee(group.employee)]
	sentences = _sentences() if any(group.reason_code != Reason.NO_EMPLOYEE.value for group in found) else {}
	groups = [_row(group, sentences) for group in found]
	_add_devices(groups, seen)
	waiting = [group for group in groups if group["reason_code"] == Reason.NO_EMPLOYEE.value]
	if waiting:
		_suggest(waiting, seen)
	groups.sort(key=lambda group: (-group["punches"], group["device_user_id"], group["server"]))
	return [
		{**group, "row": number, "user_id": group["device_user_id"]} for number, group in enumerate(groups)
	]


def _groups(filters, seen: sight.Sight) -> list:
	"""One row per id, server, reason and employee, whatever the device."""
	event = DocType(staging.DOCTYPE)
	key = (event.reason_code, event.server, event.device_user_id, event.employee)
	query = (
		frappe.qb.from_(event)
		.select(
			*key,
			Count("*").as_("punches"),
			Min(event.punch_time).as_("first"),
			Max(event.punch_time).as_("last"),
		)
		.where(event.reason_code.isin([reason.value for reason in REASONS]))
		.groupby(event.reason_code, event.server, event_groups.exact_id(event), event.employee)
	)
	if seen.devices is not None:
		is_somebodys = Coalesce(event.employee, "") != ""
		query = query.where(is_somebodys | Coalesce(event.device, "").isin(["", *seen.devices]))
	if filters.from_date:
		query = query.where(event.punch_time >= getdate(filters.from_date))
	if filters.to_date:
		query = query.where(event.punch_time < getdate(add_days(filters.to_date, 1)))
	for field in ("server", "device", "device_user_id"):
		if filters.get(field):
			query = query.where(event[field] == filters.get(field))
	if filters.company:
		devices = frappe.get_all("Biometric Device", {"company": filters.company}, pluck="name", limit=0)
		if not devices:
			return []
		query = query.where(event.device.isin(devices))
	return query.run(as_dict=True)


def _row(group, sentences: dict[tuple, str]) -> dict:
	missing = group.reason_code == Reason.NO_EMPLOYEE.value
	return {
		"device_user_id": group.device_user_id,
		"server": group.server or "",
		"reason_code": group.reason_code,
		"reason": _("No employee has this id.") if missing else sentences.get(_key(group), ""),
		"concerns": group.employee or "",
		"employee": group.employee if group.reason_code == Reason.SINCE_WHEN.value else None,
		"punches": group.punches,
		"first": group["first"],
		"last": group["last"],
	}


def _key(group) -> tuple:
	return tuple(group[field] for field in event_groups.KEY)


def _sentences() -> dict[tuple, str]:
	"""What the last punch of each group says."""
	event = DocType(staging.DOCTYPE)
	reasons = [reason.value for reason in REASONS if reason is not Reason.NO_EMPLOYEE]
	query = (
		frappe.qb.from_(event)
		.select(*(event[field] for field in event_groups.KEY), Max(event.name).as_("name"))
		.where(event.reason_code.isin(reasons))
		.groupby(event.reason_code, event.server, event_groups.exact_id(event), event.employee)
	)
	names = {group.name: _key(group) for group in query.run(as_dict=True)}
	fields = ("name", "reason_code", "reason_values")
	rows = (
		frappe._dict(zip(fields, row, strict=True))
		for row in sql.select_in(staging.DOCTYPE, fields, "name", list(names))
	)
	return {names[row.name]: words.of_event(row) for row in rows}


def _add_devices(groups: list[dict], seen: sight.Sight) -> None:
	"""Where each id was used, by all its punches that wait for this reason."""
	devices = {
		device.name: device for device in frappe.get_all("Biometric Device", fields=DEVICE_FIELDS, limit=0)
	}
	used: dict[tuple, list] = {}
	for device, *key in event_groups.devices(REASONS):
		if not seen.shows_device(device):
			continue
		used.setdefault(tuple(key), []).append((device, devices.get(device) or frappe._dict()))
	for group in groups:
		own = used.get((group["reason_code"], group["server"], group["device_user_id"]), [])
		group["device_keys"] = [key for key, _device in own if key]
		for name, field in (
			("device_names", "device_name"),
			("locations", "location"),
			("companies", "company"),
		):
			group[name] = list(dict.fromkeys(filter(None, (device.get(field) for _key, device in own))))
		group["devices"] = ", ".join(sorted(group["device_names"]))
		group["company"] = ", ".join(sorted(group["companies"]))


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
