"""What a bridge is told: the servers that it reads, and the devices that push to it. Never a password."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import frappe
from frappe.utils import get_system_timezone

from biometric_integration.core.window import DAY
from biometric_integration.sync.receiving import ingest
from biometric_integration.sync.records import devices, servers

HOUR, MINUTE = 3600, 60


def settings(bridge: str) -> dict[str, Any]:
	"""Of the user's key: only devices that it writes for. edition: which devices they are; a report says which it was made by."""
	found: dict[str, Any] = {
		"time_zone": get_system_timezone(),
		"servers": [_server(server) for server in servers.of_bridge(bridge)],
		"push": [
			{"serial": row.serial_number, "time_zone": servers.time_zone(row.server or "")}
			for row in _devices({"pushes_to": bridge})
		],
	}
	named = [
		device["serial"]
		for of in (found["push"], *(one["devices"] for one in found["servers"]))
		for device in of
	]
	return {**found, "edition": blake2b("\n".join(sorted(named)).encode(), digest_size=10).hexdigest()}


def edition(bridge: str) -> str:
	return settings(bridge)["edition"]


def _server(server: servers.Server) -> dict[str, Any]:
	config, schedule = server.config, server.schedule
	return {
		"id": server.id,
		"label": server.label,
		"type": config.server_type,
		"url": config.endpoint_url,
		"user": config.user,
		"location": config.location,
		"time_zone": config.time_zone,
		"verify_tls": config.verify_tls,
		"ca_certificate": config.ca_certificate if config.verify_tls else "",
		"timeout": config.timeout,
		"overlap_hours": int(server.overlap.total_seconds()) // HOUR,
		"rescan_days": server.rescan // DAY,
		"requests_at_once": server.at_once,
		"sync_interval": int(schedule.interval.total_seconds()) // MINUTE,
		"start_date": _date(server.start_date),
		"devices": [
			{
				"serial": row.serial_number,
				"name": row.device_name,
				"location": row.location or "",
				"start_date": _date(row.start_date),
			}
			for row in _devices(devices.belonging_to(server.id))
		],
	}


def _devices(filters: dict) -> list[frappe._dict]:
	filters = {**filters, "enabled": 1, "serial_number": ("is", "set")}
	fields = ["serial_number", "device_name", "location", "start_date", "server"]
	rows = frappe.get_all(devices.DOCTYPE, filters, fields, order_by="serial_number asc", limit=0)
	mine = ingest.writable(row.serial_number for row in rows)
	return [row for row in rows if row.serial_number in mine]


def _date(day: object) -> str | None:
	return f"{day}" if day else None
