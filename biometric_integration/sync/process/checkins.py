"""What both ways of writing an Employee Checkin have in common."""

from __future__ import annotations

from collections.abc import Mapping

import frappe
from frappe.utils import cint

from biometric_integration.core.devices import Device
from biometric_integration.sync.db import sql

DOCTYPE = "Employee Checkin"


def all_there(made: Mapping[str, str]) -> bool:
	"""Are these check-ins (event → name) still there, and still of these events?

	A hook of the site may have rolled back what was written before it, the counter of the names included.
	"""
	rows = sql.select_in(DOCTYPE, ("biometric_event", "name"), "biometric_event", sorted(made))
	return dict(rows) == dict(made)


def show(name: str) -> None:
	"""An open list shows it once it is committed; one of a batch is enough for the list to look."""
	last = {"doctype": DOCTYPE, "name": name, "user": frappe.session.user}
	frappe.publish_realtime("list_update", last, doctype=DOCTYPE, after_commit=True)


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
