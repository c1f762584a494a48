"""What a person decides about an id."""

from __future__ import annotations

import frappe
from frappe import _

from biometric_integration.core.mapping import MappingRule
from biometric_integration.sync import jobs
from biometric_integration.sync.process import mapping_rules
from biometric_integration.sync.process.mapping_rules import DOCTYPE, Action
from biometric_integration.sync.records import staging


def map_to_rule(user_id: str, employee: str, **place) -> str:
	"""A new rule for an id; `place`: further fields of the rule. Returns its name."""
	return _insert(user_id, Action.MAP, employee=employee, **place)


def ignore(user_id: str, **place) -> str:
	return _insert(user_id, Action.IGNORE, **place)


def _insert(user_id: str, action: Action, **values) -> str:
	rule = frappe.new_doc(DOCTYPE)
	rule.update({"device_user_id": user_id, "action": action.value, **values})
	return rule.insert().name


def enter_in_employee(user_id: str, employee: str) -> None:
	"""Make it the employee's Attendance Device ID, where none is entered: everywhere and always, so that nothing is asked about what waits."""
	person = frappe.get_doc("Employee", employee)
	if person.attendance_device_id:
		frappe.throw(
			_(
				"{0} has the Attendance Device ID {1} already. Make a mapping rule for this id instead."
			).format(frappe.bold(person.employee_name), frappe.bold(person.attendance_device_id))
		)
	person.attendance_device_id = user_id
	person.save()
	staging.reopen(mapping_rules.waiting_events(MappingRule("", user_id)), answered=True)
	jobs.enqueue_process()
