"""Employee Checkin, written through the Document API so that every rule of the site has its say."""

from __future__ import annotations

import frappe
from frappe.utils import strip_html

from biometric_integration.core.decide import Decision

DOCTYPE = "Employee Checkin"
SAVEPOINT = "biometric_checkin"


class Refused(Exception):
	"""HRMS, or something the site added to it, does not take a check-in; the text is its own words."""


def create(decision: Decision, device_label: str) -> str:
	"""Insert the check-in of a decision within a savepoint; returns its name.

	Raises Refused with the words of whoever refused it; deadlocks and lock time-outs pass through, they concern the whole batch.
	"""
	frappe.db.savepoint(SAVEPOINT)
	messages = len(frappe.local.message_log)
	try:
		return _insert(decision, device_label)
	except (frappe.QueryDeadlockError, frappe.QueryTimeoutError):
		raise
	except frappe.UniqueValidationError:
		frappe.db.rollback(save_point=SAVEPOINT)
		if existing := frappe.db.get_value(DOCTYPE, {"biometric_event": decision.event.name}):
			return existing
		raise
	except Exception as error:
		frappe.db.rollback(save_point=SAVEPOINT)
		raise Refused(strip_html(str(error)).strip() or type(error).__name__) from error
	finally:
		del frappe.local.message_log[messages:]


def _insert(decision: Decision, device_label: str) -> str:
	checkin = frappe.new_doc(DOCTYPE)
	checkin.update(
		{
			"employee": decision.employee,
			"time": decision.time,
			"log_type": decision.log_type,
			"device_id": device_label,
			"biometric_event": decision.event.name,
		}
	)
	return checkin.insert(ignore_permissions=True).name
