"""Accepting a device that knocked: from then on its punches are taken."""

from __future__ import annotations

import frappe
from frappe import _

from biometric_integration.core.direction import DirectionPolicy
from biometric_integration.sync.push import strangers
from biometric_integration.sync.push.host import ONLY_PUSHES
from biometric_integration.sync.records import devices, servers


def homes() -> list[dict]:
	"""Where a device may belong: {"value", "label", "time_zone"}; the first reads it nowhere else."""
	found = [(ONLY_PUSHES, _("None: it only pushes"))]
	found += [(server.id, server.label or server.id) for server in servers.all_servers()]
	return [{"value": home, "label": label, "time_zone": servers.time_zone(home)} for home, label in found]


def claim(serial: str, device_name: str, home: str, company: str, direction_policy: str) -> str:
	"""The Biometric Device with this serial number, entered if it is not there. One that is there keeps what stands on it."""
	serial = serial.strip()
	if not serial:
		frappe.throw(_("Which device? Give its serial number."))
	known = devices.with_serial(serial)
	_check_letters(serial, known)
	document = frappe.get_doc(devices.DOCTYPE, known) if known else _new(serial, device_name, home, company)
	if not known:
		document.direction_policy = direction_policy or DirectionPolicy.BLANK.value
	bridge = strangers.heard_by(serial)
	document.update({"enabled": 1, **({"pushes_to": bridge} if bridge else {"push": 1})})
	document.save()
	strangers.forget(serial)
	return document.name


def _check_letters(serial: str, known: str | None) -> None:
	"""A serial number is compared letter by letter when the device pushes."""
	entered = frappe.db.get_value(devices.DOCTYPE, known, "serial_number") if known else serial
	if entered != serial:
		frappe.throw(
			_(
				"A device is entered with the serial number {0}, and this one says {1}. If it is the same device, correct the serial number there first."
			).format(entered, serial)
		)


def _new(serial: str, device_name: str, home: str, company: str):
	if home not in [each["value"] for each in homes()]:
		frappe.throw(_("There is no attendance server with the id {0}.").format(home))
	document = frappe.new_doc(devices.DOCTYPE)
	values = {"device_name": device_name or serial, "serial_number": serial, "server": home}
	document.update({**values, "company": company or devices.only_company()})
	return document
