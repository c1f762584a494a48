"""Asking a server something on behalf of a person who sets it up."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict

import frappe
from frappe import _

from biometric_integration.core.connector import Unit
from biometric_integration.core.errors import SyncError
from biometric_integration.core.text import harmless
from biometric_integration.sync.records import devices, servers


def test(server: str | None) -> dict:
	"""The connection test, step by step; what it found out about the server is remembered."""
	target = servers.get(server)
	try:
		connector = target.connector()
	except SyncError as error:
		step = {"step": _("Settings"), "ok": False, "message": harmless(error.message), "fix": ""}
		return {"ok": False, "steps": [step]}
	with closing(connector):
		steps = [asdict(step) for step in connector.test(_unit(target))]
	servers.remember(target)
	return {"ok": all(step["ok"] for step in steps), "steps": steps}


def _unit(target: servers.Server) -> str:
	if target.unit is Unit.LOCATION:
		return target.config.location
	serials = [device.serial for device in devices.of_server(target.id) if device.serial and device.enabled]
	return serials[0] if serials else ""


def locations(server: str | None) -> list[str]:
	"""Location codes: from the server's device list, or from the known devices where it cannot be reached now."""
	target = servers.get(server)
	known = {device.location for device in devices.of_server(target.id)}
	try:
		with closing(target.connector()) as connector:
			if connector.lists_devices:
				known |= {device.location for device in connector.list_devices()}
	except SyncError as error:
		frappe.msgprint(harmless(error.message), alert=True, indicator="orange")
	return sorted(known - {""})
