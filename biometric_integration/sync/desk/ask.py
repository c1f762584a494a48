"""What a person asks for from Desk."""

from __future__ import annotations

from typing import NoReturn

import frappe
from frappe import _

from biometric_integration.core.runs import RunStatus, Trigger
from biometric_integration.sync import jobs
from biometric_integration.sync.db import locks
from biometric_integration.sync.records import servers


def sync(server: str | None, device: str | None) -> dict:
	"""Queue a pull of what was asked for; a stream that is being read is named with its log."""
	queued, running = [], []
	for target, units in chosen(server, device):
		if reading := _being_read(target.id):
			running.append({"server": target.id, "log": reading})
		elif _asked(target.id, units):
			queued.append(target.id)
		else:
			running.append({"server": target.id, "log": None})
	return {"queued": queued, "running": running, "message": _message(queued, running)}


def _asked(server: str, units: list[str] | None) -> bool:
	try:
		return jobs.enqueue_pull(server, Trigger.MANUAL, units)
	except jobs.RedisError:
		no_queue()


def no_queue() -> NoReturn:
	frappe.throw(
		_(
			"The queue for background jobs (Redis) cannot be reached, so nothing can be done now. An administrator has to start it."
		)
	)


def retry(log: str) -> str:
	"""Queue a run's window once more; returns what happens next. A stream that is being read is waited for."""
	fields = ["status", "server", "server_type", "stream", "trigger"]
	of = frappe.db.get_value("Biometric Sync Log", log, fields, as_dict=True)
	if not of or of.status == RunStatus.RUNNING.value:
		frappe.throw(_("Only a run that has ended can be repeated."))
	frappe.has_permission("Biometric Sync Log", "read", doc=log, throw=True)
	if of.trigger == Trigger.RECEIVED.value:
		frappe.throw(_("These punches were sent to this site: there is nobody to ask for them again."))
	target = servers.get(of.server)
	refuse_for_bridge(target)
	if target.config.server_type != of.server_type:
		frappe.throw(_("The server {0} is of another type now.").format(of.server))
	try:
		jobs.enqueue_retry(log)
	except jobs.RedisError:
		no_queue()
	if locks.taken(of.stream):
		return _(
			"This is being read at the moment. The retry waits until that is done, and then reads its own window."
		)
	return _("The run is repeated in the background. See the newest sync log.")


def chosen(server: str | None, device: str | None) -> list[tuple[servers.Server, list[str] | None]]:
	"""The servers (and units) that are meant; throws a sentence where there is nothing to read."""
	if device or server:
		target, units = _of_device(device) if device else (servers.get(server), None)
		refuse_for_bridge(target)
		return [(target, units)]
	targets = [target for target in servers.all_servers() if target.in_use]
	if not targets:
		if frappe.has_permission(servers.SETTINGS, "write"):
			frappe.throw(_("There is no attendance server to read. Fill in Biometric Sync Settings first."))
		frappe.throw(
			_(
				"There is no attendance server to read. An administrator enters one in Biometric Sync Settings."
			)
		)
	if all(target.read_by for target in targets):
		refuse_for_bridge(targets[0])
	return [(target, None) for target in targets if not target.read_by]


def refuse_for_bridge(target: servers.Server) -> None:
	"""Nobody asks what this site does not read."""
	if target.read_by:
		frappe.throw(servers.left_to_bridge(target), title=_("Read by a Bridge"))


def _of_device(device: str) -> tuple[servers.Server, list[str] | None]:
	fields = ["name", "serial_number", "server", "device_name"]
	filters = {"name": device} if frappe.db.exists("Biometric Device", device) else {"serial_number": device}
	found = frappe.db.get_value("Biometric Device", filters, fields, as_dict=True)
	if not found:
		frappe.throw(_("There is no Biometric Device {0}.").format(device))
	frappe.has_permission("Biometric Device", "read", doc=found.name, throw=True)
	target = servers.get(found.server or None)
	if target.only_unit is not None:
		return target, None
	if not found.serial_number:
		frappe.throw(
			_("{0} has no serial number: without it the server cannot be asked for it.").format(
				found.device_name
			)
		)
	return target, [found.serial_number]


def _being_read(server: str) -> str | None:
	filters = {"server": server, "status": RunStatus.RUNNING.value}
	for log in frappe.get_all("Biometric Sync Log", filters, ["name", "stream"]):
		if locks.taken(log.stream):
			return log.name
	return None


def _message(queued: list, running: list) -> str:
	if queued:
		return _("The sync has been asked for. It starts in a moment.")
	return _("A sync is running or waiting to start already.") if running else _("There is nothing to read.")
