"""When a server last heard of its devices, where it can tell."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import frappe
from frappe.utils import get_system_timezone, now_datetime

from biometric_integration.core.clock import to_site
from biometric_integration.core.connector import TellsPings
from biometric_integration.core.errors import SyncError
from biometric_integration.core.pings import MOST, Pinged, due
from biometric_integration.core.store import BatchLost
from biometric_integration.sync.db import transaction
from biometric_integration.sync.records import device_hours, devices, servers


def ask(connector: TellsPings, server: servers.Server, in_time: Callable[[], bool]) -> None:
	"""Ask about the devices that are due, and keep the answers. Commits.

	The first failure leaves the rest to the next run, and is no fault of this one: punches are what it is for.
	"""
	waiting = due(_devices(server), now_datetime(), None if connector.lists_pings else MOST)
	transaction.commit()
	for each in waiting:
		if not (in_time() and _is_told(connector, server, each)):
			return


def _is_told(connector: TellsPings, server: servers.Server, each: Pinged) -> bool:
	"""That it was asked about is noted in any case: it waits for its next turn."""
	try:
		ping, answers = connector.last_ping(each.serial), True
	except SyncError:
		ping, answers = None, False
	at = now_datetime().replace(microsecond=0)
	try:
		transaction.in_one(lambda: _keep(server, each.device, ping, at))
	except (SyncError, BatchLost):
		transaction.roll_back()
		return False
	return answers


def _devices(server: servers.Server) -> list[Pinged]:
	"""Those whose punches are read and count."""
	filters = {
		**devices.belonging_to(server.id),
		"enabled": 1,
		"counts_for_attendance": 1,
		"serial_number": ("is", "set"),
		"same_as": ("is", "not set"),
	}
	fields = ["name", "serial_number", "location", "ping_asked_at"]
	rows = frappe.get_all(devices.DOCTYPE, filters, fields, limit=0)
	return [
		Pinged(row.name, row.serial_number, row.ping_asked_at)
		for row in rows
		if server.reads(row.location or "")
	]


def _keep(server: servers.Server, device: str, ping: datetime | None, at: datetime) -> None:
	values: dict = {"ping_asked_at": at}
	if ping:
		values["last_ping"] = to_site(ping, server.config.time_zone, get_system_timezone())
		device_hours.note_ping(device, values["last_ping"], at)
	frappe.db.set_value(devices.DOCTYPE, device, values, update_modified=False)
