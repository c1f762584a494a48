"""Employee Checkin, written through the Document API so that every rule of the site has its say."""

from __future__ import annotations

from collections.abc import Mapping

from rq.timeouts import JobTimeoutException

import frappe
from frappe.utils import cint, strip_html

from biometric_integration.core.decide import Decision
from biometric_integration.core.devices import Device
from biometric_integration.core.store import BatchLost, Interrupted
from biometric_integration.sync.db import sql

DOCTYPE = "Employee Checkin"
SAVEPOINT = "biometric_checkin"


class Refused(Exception):
	"""HRMS, or something the site added to it, does not take a check-in; the text is its own words."""


def create(decision: Decision, device: Device | None) -> str:
	"""Insert the check-in of a decision within a savepoint; returns its name.

	Raises Refused with the words of whoever refused it; deadlocks and lock time-outs pass through, they concern the whole batch.
	"""
	frappe.db.savepoint(SAVEPOINT)
	messages = len(frappe.local.message_log)
	try:
		return _insert(decision, device)
	except (frappe.QueryDeadlockError, frappe.QueryTimeoutError):
		raise
	except JobTimeoutException as error:
		raise Interrupted() from error
	except frappe.UniqueValidationError:
		_undo()
		if existing := frappe.db.get_value(DOCTYPE, {"biometric_event": decision.event.name}):
			return existing
		raise
	except Exception as error:
		_undo()
		raise Refused(strip_html(str(error)).strip() or type(error).__name__) from error
	finally:
		del frappe.local.message_log[messages:]


def all_there(made: Mapping[str, str]) -> bool:
	"""Are these check-ins (event → name) still there, and still of these events?

	A hook of the site may have rolled back what was written before it, the counter of the names included.
	"""
	rows = sql.select_in(DOCTYPE, ("biometric_event", "name"), "biometric_event", sorted(made))
	return dict(rows) == dict(made)


def _undo() -> None:
	"""Back to before the check-in; where a hook has ended the transaction there is no way back but to do the batch again."""
	try:
		frappe.db.rollback(save_point=SAVEPOINT)
	except frappe.db.OperationalError as error:
		frappe.db.rollback()
		raise BatchLost() from error


def _insert(decision: Decision, device: Device | None) -> str:
	checkin = frappe.new_doc(DOCTYPE)
	checkin.update(
		{
			"employee": decision.employee,
			"time": decision.time,
			"log_type": decision.log_type,
			"biometric_event": decision.event.name,
			**place(device),
		}
	)
	return checkin.insert(ignore_permissions=True).name


def place(device: Device | None) -> dict[str, str | float]:
	"""What a check-in says about where it was made."""
	label = {"device_id": device.label if device else ""}
	if device and (device.latitude or device.longitude) and wants_coordinates():
		return {**label, "latitude": device.latitude, "longitude": device.longitude}
	return label


def wants_coordinates() -> bool:
	"""Does HRMS ask for them, and has it somewhere to put them?"""
	asked = cint(frappe.db.get_single_value("HR Settings", "allow_geolocation_tracking"))
	return bool(asked and frappe.get_meta(DOCTYPE).has_field("latitude"))
