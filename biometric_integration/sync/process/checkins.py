"""Employee Checkin, written through the Document API so that every rule of the site has its say."""

from __future__ import annotations

from collections.abc import Mapping

import frappe
from frappe.utils import cint

from biometric_integration.core.decide import Decision
from biometric_integration.core.devices import Device
from biometric_integration.sync.db import sql
from biometric_integration.sync.db.savepoint import Refused, savepoint

DOCTYPE = "Employee Checkin"


def create(decision: Decision, device: Device | None) -> str:
	"""Insert the check-in of a decision; returns its name, or that of the one that is there for the event. Raises as `savepoint` does."""
	try:
		with savepoint("biometric_checkin"):
			return _insert(decision, device)
	except Refused as refused:
		existing = isinstance(refused.__cause__, frappe.UniqueValidationError) and frappe.db.get_value(
			DOCTYPE, {"biometric_event": decision.event.name}
		)
		if existing:
			return existing
		raise


def all_there(made: Mapping[str, str]) -> bool:
	"""Are these check-ins (event → name) still there, and still of these events?

	A hook of the site may have rolled back what was written before it, the counter of the names included.
	"""
	rows = sql.select_in(DOCTYPE, ("biometric_event", "name"), "biometric_event", sorted(made))
	return dict(rows) == dict(made)


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
