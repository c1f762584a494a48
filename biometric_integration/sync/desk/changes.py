"""What changes an answer re-opens exactly the events it concerns (design §6): set Pending, then ask for the process lane."""

from __future__ import annotations

from collections.abc import Iterable

import frappe
from frappe.utils import now_datetime

from biometric_integration.core.mapping import MappingRule
from biometric_integration.core.reasons import STATUS_OF, EventStatus, Reason
from biometric_integration.sync import jobs
from biometric_integration.sync.desk import limits
from biometric_integration.sync.process import mapping_rules, sweep
from biometric_integration.sync.records import servers, staging, words

PLACE = ("latitude", "longitude")
EMPLOYMENT_FIELDS = ("status", "date_of_joining", "relieving_date")


def trim_ids(employee, method: str | None = None) -> None:
	"""Blanks around an id, and signs that nobody sees, are nobody's intention, and no punch has them."""
	for field in servers.employee_fields():
		value = employee.get(field)
		if field != "name" and isinstance(value, str) and value != (typed := staging.as_typed(value)):
			employee.set(field, typed or None)


def check_longest_workday(document, method: str | None = None) -> None:
	"""Of an employee, or of a group of them."""
	if document.has_value_changed("longest_workday"):
		limits.check_numbers(document, limits.OF_PERSON)


def employee_changed(employee, method: str | None = None) -> None:
	"""An id, a status or a date of an employee: punches that waited for it are looked at again."""
	found: list[str] = []
	if any(map(employee.has_value_changed, EMPLOYMENT_FIELDS)):
		found += sweep.of_employee(employee.name)
	if any(map(employee.has_value_changed, servers.employee_fields())):
		found += sweep.of_somebody_now(now_datetime())
	_reopen(found)


def mapping_rules_changed(rules: Iterable[MappingRule]) -> None:
	"""A mapping rule that is new or gone, or one as it is and as it was."""
	rules = list(rules)
	answered = {name for rule in rules for name in mapping_rules.waiting_events(rule)}
	around = {name for rule in rules for name in mapping_rules.waiting_events(rule, nights=True)}
	staging.reopen(sorted(answered), answered=True)
	_reopen([*around])


def device_changed(device) -> None:
	"""A switch of a device: the process lane looks for what waited for it. Its place: what was refused may have been so for lack of it."""
	if any(map(device.has_value_changed, PLACE)):
		refused = {
			"device": device.name,
			"status": EventStatus.FAILED.value,
			"reason_code": Reason.HRMS_REFUSED.value,
		}
		staging.reopen(_events(refused))
	jobs.enqueue_process()


def checkin_deleted(checkin, method: str | None = None) -> None:
	"""A check-in that a person deletes stays deleted; its punch says so, and can be used again by Reprocess."""
	if events := _of_checkin(checkin):
		about = {"user": frappe.session.user, "time": str(now_datetime().replace(microsecond=0))}
		values = {
			"status": STATUS_OF[Reason.DELETED].value,
			"reason_code": Reason.DELETED.value,
			"reason_values": words.stored(about),
			"employee_checkin": "",
		}
		frappe.db.set_value(staging.DOCTYPE, {"name": ("in", events)}, values)


def _of_checkin(checkin) -> list[str]:
	"""The event it was made from, and those that were linked to it because it was there."""
	made_from = checkin.get("biometric_event")
	return sorted({*_events({"employee_checkin": checkin.name}), *([made_from] if made_from else [])})


def _events(filters: dict) -> list[str]:
	return frappe.get_all(staging.DOCTYPE, filters, pluck="name", limit=0)


def _reopen(names: list[str]) -> None:
	if names:
		staging.reopen(sorted(set(names)))
		jobs.enqueue_process()
