"""What stands between the people and their punches: who has no id, which id has nobody, which has too many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import combinations

import frappe
from frappe import _
from frappe.query_builder import DocType
from frappe.query_builder.functions import Coalesce, Count, Max
from frappe.utils import getdate, nowdate

from biometric_integration.biometric_integration.report.columns import cells, column, link
from biometric_integration.core.mapping import MappingRule, Scope
from biometric_integration.core.reasons import Reason
from biometric_integration.sync.process import mapping_rules
from biometric_integration.sync.records import event_groups, servers, sight, staging


def execute(filters: dict | None = None) -> tuple[list[dict], list[dict]]:
	shown = columns()
	return shown, cells(shown, rows(frappe._dict(filters or {})))


def columns() -> list[dict]:
	return [
		column("finding", _("Finding"), 190),
		column("device_user_id", _("Device User ID"), 130),
		link("employee", _("Employee"), 215, "Employee"),
		column("employee_name", _("Employee Name"), 160),
		column("details", _("Details"), 560),
		column("punches", _("Waiting Punches"), 145, "Int"),
		column("last", _("Last Punch"), 185, "Datetime"),
		column("server", _("Server"), 90),
		link("department", _("Department"), 150, "Department"),
		link("company", _("Company"), 150, "Company"),
		link("rule", _("Mapping Rule"), 130, "Biometric Mapping Rule"),
	]


def rows(filters) -> list[dict]:
	seen = sight.of_user()
	people, rules = (
		_people(seen),
		[rule for rule in mapping_rules.all_rules() if _shows(seen, rule)],
	)
	findings: dict[str, Iterable[dict]] = {
		_("Employee without an id"): _without_id(people, rules),
		_("Id without an employee"): _without_employee(seen),
		_("One id, several people"): _shared(people, rules),
		_("Rules that contradict"): _contradicting(rules),
	}
	found = [
		{"finding": finding, **_person(people, row), **row}
		for finding, each in findings.items()
		for row in each
	]
	return [row for row in found if _asked_for(row, filters)]


def _shows(seen: sight.Sight, rule: MappingRule) -> bool:
	device = rule.where if rule.scope is Scope.DEVICE else ""
	return seen.shows_employee(rule.employee) and seen.shows_device(device)


def _asked_for(row: dict, filters) -> bool:
	fields = ("finding", "company", "department", "server")
	return all(not filters.get(field) or row.get(field) == filters.get(field) for field in fields)


def _people(seen: sight.Sight) -> dict[str, dict]:
	"""Employees who work here now, each with the ids in their record."""
	id_fields = servers.employee_fields()
	fields = dict.fromkeys(["name", "employee_name", "department", "company", *id_fields])
	active = frappe.get_all("Employee", {"status": "Active"}, list(fields), order_by="name", limit=0)
	found = [person for person in active if seen.shows_employee(person.name)]
	for person in found:
		person.ids = {field: person[field].strip() for field in id_fields if (person[field] or "").strip()}
	return {person.name: person for person in found}


def _person(people: dict[str, dict], row: dict) -> dict:
	person = people.get(row.get("employee"), {})
	return {field: person.get(field) for field in ("employee_name", "department", "company")}


def _without_id(people: dict[str, dict], rules: Sequence[MappingRule]) -> Iterator[dict]:
	today = getdate(nowdate())
	mapped = {rule.employee for rule in rules if rule.last is None or rule.last >= today}
	for name, person in people.items():
		if not person.ids and name not in mapped:
			yield {
				"employee": name,
				"details": _("No device id in the record and no mapping rule: punches cannot be found."),
			}


def _without_employee(seen: sight.Sight) -> list[dict]:
	event = DocType(staging.DOCTYPE)
	query = (
		frappe.qb.from_(event)
		.select(
			event.device_user_id,
			event.server,
			Count("*").as_("punches"),
			Max(event.punch_time).as_("last"),
		)
		.where(event.reason_code == Reason.NO_EMPLOYEE.value)
		.groupby(event.server, event_groups.exact_id(event))
		.orderby(Count("*"), order=frappe.qb.desc)
	)
	if seen.devices is not None:
		query = query.where(Coalesce(event.device, "").isin(["", *seen.devices]))
	details = _("Map it to an employee or ignore it: see the report Unmapped Punches.")
	return [{**row, "details": details} for row in query.run(as_dict=True)]


def _shared(people: dict[str, dict], rules: Sequence[MappingRule]) -> Iterator[dict]:
	"""An id in the same field of several records, or in the record of somebody else than a rule says."""
	carriers: dict[tuple[str, str], list[str]] = {}
	for name, person in people.items():
		for field, user_id in person.ids.items():
			carriers.setdefault((field, user_id), []).append(name)
	for (field, user_id), names in carriers.items():
		if len(names) > 1:
			label = _(frappe.get_meta("Employee").get_label(field))
			for name in names:
				others = ", ".join(other for other in names if other != name)
				details = _("{0} is the same for {1}. Leave it with one of them.").format(label, others)
				yield {"device_user_id": user_id, "employee": name, "details": details}
	yield from _ruled_away(carriers, rules)


def _ruled_away(carriers: dict[tuple[str, str], list[str]], rules: Sequence[MappingRule]) -> Iterator[dict]:
	owners: dict[str, set[str]] = {}
	for (_field, user_id), names in carriers.items():
		owners.setdefault(user_id, set()).update(names)
	for rule in rules:
		for name in sorted(owners.get(rule.user_id, set()) - {rule.employee}):
			details = (
				_("A rule gives this id to {0}; it counts where and while it holds.").format(rule.employee)
				if rule.employee
				else _("A rule ignores this id where and while it holds.")
			)
			yield {"device_user_id": rule.user_id, "employee": name, "details": details, "rule": rule.name}


def _contradicting(rules: Sequence[MappingRule]) -> Iterator[dict]:
	alike: dict[tuple, list[MappingRule]] = {}
	for rule in rules:
		alike.setdefault((rule.user_id, rule.scope, rule.where), []).append(rule)
	for group in alike.values():
		for one, other in combinations(group, 2):
			if one.overlaps(other) and one.employee != other.employee:
				yield _contradiction(one, other)


def _contradiction(one: MappingRule, other: MappingRule) -> dict:
	start = max(one.first or date.min, other.first or date.min)
	words = _("At the same place and time as the rule {0} ({1}).").format(
		other.name, other.employee or _("ignored")
	)
	if start > date.min:
		words += " " + _("From {0} on.").format(frappe.format(start, {"fieldtype": "Date"}))
	return {"device_user_id": one.user_id, "employee": one.employee, "rule": one.name, "details": words}
