"""Asking a server something on behalf of a person who sets it up."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict

import frappe
from frappe import _
from frappe.query_builder import DocType
from frappe.query_builder.functions import Count, Max
from frappe.utils import format_datetime

from biometric_integration.core.errors import ErrorClass, SyncError
from biometric_integration.core.punch import Kind
from biometric_integration.core.text import harmless
from biometric_integration.sync.records import devices, servers, staging

NAMED = 10
"""Serial numbers that a sentence names."""

AT_ANOTHER_TYPE = (ErrorClass.CONFIGURATION.value, ErrorClass.PROTOCOL.value)
"""How a test fails where the service of another product is at the address."""


def test(server: str | None) -> dict:
	"""The connection test, step by step; what it found out about the server is remembered."""
	target = servers.get(server)
	if target.read_by:
		return {"ok": None, "steps": [_left_to_bridge(target)]}
	try:
		connector = target.connector()
	except SyncError as error:
		step = {"step": _("Settings"), "ok": False, "message": harmless(error.message), "fix": ""}
		return {"ok": False, "steps": [step]}
	unit = _unit(target)
	with closing(connector):
		steps = [asdict(step) for step in connector.test(unit)]
	servers.remember(target)
	if all(step["ok"] for step in steps):
		_add_what_is_known(steps[-1], target, unit)
	answer = {"ok": all(step["ok"] for step in steps), "steps": steps}
	return {**answer, **_switch(target, next((step for step in steps if step["ok"] is False), None))}


def _switch(target: servers.Server, failed: dict | None) -> dict:
	"""{"switch": {"server", "server_type"}} where another server type answers at the address; the step says so."""
	if not failed or failed["error_class"] not in AT_ANOTHER_TYPE:
		return {}
	other = target.type_that_answers()
	if not other:
		return {}
	failed["fix"] = _("{0} answers at this address: choose it as the Server Type.").format(other)
	return {"switch": {"server": target.id, "server_type": other}}


def _left_to_bridge(target: servers.Server) -> dict:
	"""A step that this site does not take."""
	words = _("On its PC, biometric-integration bridge check goes to the server step by step.")
	return {
		"step": _("Bridge"),
		"ok": None,
		"message": f"{servers.left_to_bridge(target)} {words}",
		"fix": "",
	}


def _unit(target: servers.Server) -> str:
	"""The device that was heard of last: what is found out by its rows holds for the others."""
	if (only := target.only_unit) is not None:
		return only
	filters = {**devices.belonging_to(target.id), "enabled": 1, "serial_number": ("is", "set")}
	return (
		frappe.db.get_value(
			devices.DOCTYPE, filters, "serial_number", order_by="last_punch desc, creation asc"
		)
		or ""
	)


def _add_what_is_known(step: dict, target: servers.Server, unit: str) -> None:
	"""The test looks at today; what was read before is here."""
	if target.only_unit is None and not unit:
		step.update(
			ok=False,
			message=_("The server answers, but there is no device to read."),
			fix=_("Add a Biometric Device with the serial number of each terminal, and enable it."),
		)
		return
	words = [step["message"], _read_before(target, unit), _never_delivered(target)]
	step["message"] = " ".join(filter(None, words))


def _read_before(target: servers.Server, unit: str) -> str:
	event = DocType(staging.DOCTYPE)
	query = (
		frappe.qb.from_(event)
		.select(Count(event.name), Max(event.source_time))
		.where((event.server == target.id) & (event.unit == unit))
		.where(event.kind == Kind.PUNCH.value)
	)
	((count, newest),) = query.run()
	if not count:
		return _("Nothing of it was read before.")
	return _("Read before: {0} of its punches, up to {1}.").format(count, format_datetime(newest))


def _never_delivered(target: servers.Server) -> str:
	"""Serial numbers that have been asked for, and that nothing ever came of: the server does not say whether it knows them."""
	if target.only_unit is not None:
		return ""
	filters = {**devices.belonging_to(target.id), "enabled": 1, "serial_number": ("is", "set")}
	serials = frappe.get_all(devices.DOCTYPE, filters, pluck="serial_number", limit=0)
	silent = {
		"server": target.id,
		"server_type": target.config.server_type,
		"unit": ("in", serials),
		"delivered": 0,
		"last_run": ("is", "set"),
	}
	found = sorted(frappe.get_all(servers.CURSOR, silent, pluck="unit", limit=0)) if serials else []
	if not found:
		return ""
	named = ", ".join(found[:NAMED]) + (" …" if len(found) > NAMED else "")
	return _(
		"Never a punch of: {0}. Compare these serial numbers with the devices, letter by letter."
	).format(named)


def locations(server: str | None) -> list[str]:
	"""Location codes: from the server's device list, or from the known devices where it cannot be reached now."""
	target = servers.get(server)
	known = {device.location for device in devices.of_server(target.id)}
	if target.read_by:
		return sorted(known - {""})
	try:
		with closing(target.connector()) as connector:
			if connector.lists_devices:
				known |= {device.location for device in connector.list_devices()}
	except SyncError as error:
		frappe.msgprint(harmless(error.message), alert=True, indicator="orange")
	return sorted(known - {""})
