"""What a person decides about an id."""

from __future__ import annotations

from collections.abc import Iterable

import frappe
from frappe import _
from frappe.utils import escape_html

from biometric_integration.core.mapping import MappingRule
from biometric_integration.sync import jobs
from biometric_integration.sync.process import mapping_rules
from biometric_integration.sync.process.mapping_rules import DOCTYPE, Action
from biometric_integration.sync.records import servers, sight, staging

ENTERED_BY_HAND = ("Data", "Small Text")
SHOWN = 5
"""Ids of a pattern that are named; of the others only how many."""


def map_to_rule(user_id: str, employee: str, **place) -> dict:
	"""A new rule for an id; `place`: further fields of the rule."""
	return _insert(user_id, Action.MAP, employee=employee, **place)


def ignore(user_id: str, **place) -> dict:
	return _insert(user_id, Action.IGNORE, **place)


def _insert(user_id: str, action: Action, **values) -> dict:
	"""Its name, and how many of the waiting punches it is about."""
	rule = frappe.new_doc(DOCTYPE)
	rule.update({"device_user_id": user_id, "action": action.value, **values})
	punches = len(mapping_rules.waiting_events(mapping_rules.as_rule(rule)))
	return {"rule": rule.insert().name, "punches": punches}


def refuse_unseen(rules: Iterable[MappingRule]) -> None:
	"""Nobody decides about people they do not see, or at devices they do not see."""
	seen = sight.of_user()
	for rule in rules:
		if not seen.shows_employee(rule.employee):
			frappe.throw(_("You have no permission for the employee of this rule."), frappe.PermissionError)
		if unseen := _unseen_devices(rule, seen):
			frappe.throw(
				_(
					"The rule for {0} would also hold at {1} devices of another company, which you may not see. Make a mapping rule that holds for one of your own locations or devices."
				).format(frappe.bold(rule.user_id), unseen),
				frappe.PermissionError,
			)


def _unseen_devices(rule: MappingRule, seen: sight.Sight) -> int:
	return sum(not seen.shows_device(device) for device in mapping_rules.devices_at(rule))


# --- in the employee's record


def id_entry(employee: str | None) -> dict:
	"""The field in which this user enters an id ("" = none that they may write), what the employee has there, and whether a rule of theirs may hold everywhere."""
	field, entered = _id_field(), ""
	if employee:
		person = frappe.get_doc("Employee", employee)
		person.check_permission("read")
		entered = person.get(field.fieldname) or "" if field else ""
	everywhere = not _unseen_devices(MappingRule("", ""), sight.of_user())
	return {"label": _(field.label) if field else "", "entered": entered, "everywhere": everywhere}


def _id_field():
	"""The first of the fields in which ids are looked up that the user may write."""
	meta = frappe.get_meta("Employee")
	levels = meta.get_permlevel_access("write")
	for fieldname in servers.employee_fields():
		field = meta.get_field(fieldname)
		if (
			field
			and field.fieldtype in ENTERED_BY_HAND
			and not field.read_only
			and (field.permlevel or 0) in levels
		):
			return field
	return None


def enter_in_employee(user_id: str, employee: str) -> dict:
	"""Enter the id in the employee's record, where it is looked up and none is entered. Returns how many punches wait for it.

	Everywhere and always: nothing is asked about what waits. What the user does not see is left to the lane, which may ask.
	"""
	person = frappe.get_doc("Employee", employee)
	person.check_permission("write")
	field = _id_field()
	if not field:
		frappe.throw(
			_("You may write none of the fields in which ids are looked up. Make a mapping rule instead.")
		)
	if entered := person.get(field.fieldname):
		frappe.throw(
			_("{0} has the {1} {2} already. Make a mapping rule for this id instead.").format(
				frappe.bold(person.employee_name), _(field.label), frappe.bold(entered)
			)
		)
	waiting = _seen(mapping_rules.waiting_events(MappingRule("", user_id)))
	person.set(field.fieldname, user_id)
	_save(person, user_id)
	staging.reopen(waiting, answered=True)
	jobs.enqueue_process()
	return {"rule": None, "punches": len(waiting)}


def _seen(names: list[str]) -> list[str]:
	return frappe.get_list(staging.DOCTYPE, {"name": ("in", names)}, pluck="name", limit=0) if names else []


def _save(person, user_id: str) -> None:
	try:
		person.save()
	except frappe.UniqueValidationError:
		frappe.clear_last_message()
		frappe.throw(
			_(
				"Somebody has an id that the database takes for {0}: it overlooks capital letters and accents. Make a mapping rule instead."
			).format(frappe.bold(user_id))
		)


# --- patterns


def ids_covered(pattern: str) -> dict:
	"""The known ids that a pattern fits, in words. Returns {"count", "message"}."""
	seen = sight.of_user()
	known = mapping_rules.known_ids(MappingRule("", pattern))
	found = {user_id: employee for user_id, employee in known.items() if seen.shows_employee(employee)}
	if not found:
		return {
			"count": 0,
			"message": _("No id that is known here fits {0} so far.").format(escape_html(pattern)),
		}
	named = [_with_name(user_id, found[user_id]) for user_id in sorted(found)[:SHOWN]]
	if len(found) > SHOWN:
		named.append(_("and {0} more").format(len(found) - SHOWN))
	message = _(
		"{0} fits {1} ids that are known here: {2}. The rule decides about all of them, where and while it holds."
	)
	return {
		"count": len(found),
		"message": message.format(escape_html(pattern), len(found), ", ".join(named)),
	}


def _with_name(user_id: str, employee: str) -> str:
	name = frappe.db.get_value("Employee", employee, "employee_name") if employee else ""
	return escape_html(f"{user_id} ({name})" if name else user_id)
