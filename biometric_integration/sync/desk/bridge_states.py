"""Bridges as a form shows them: how each stands that a user sees, and what is entered on its PC."""

from __future__ import annotations

import json

import frappe
from frappe.utils import get_url, now_datetime

from biometric_integration.core.bridges import BridgeState
from biometric_integration.sync.bridges import standing
from biometric_integration.sync.records import bridges, devices, servers


def states(bridge: str | None = None) -> dict[str, dict]:
	"""Bridge → {"state", "words": sentences, "runs", "devices"}: of one, or of all."""
	rows = _seen(**({"name": bridge} if bridge else {}))
	return {name: _shown(row) for name, row in rows.items()}


def overview() -> list[dict]:
	"""[{"bridge", "state", "message"}]."""
	return [
		{"bridge": name, "state": found["state"], "message": " ".join(found["words"])}
		for name, found in states().items()
	]


def out_of_reach() -> list[str]:
	"""Those that ought to report, and do not; of those that the user sees."""
	now = now_datetime()
	return [name for name, row in _seen().items() if standing.state(row, now) is BridgeState.SILENT]


def _seen(**filters: object) -> dict[str, frappe._dict]:
	names = frappe.get_list(bridges.DOCTYPE, filters, pluck="name", order_by="name asc", limit=0)
	return bridges.rows(name=("in", names)) if names else {}


def _shown(row: frappe._dict) -> dict:
	now = now_datetime()
	labels = {server.id: server.label for server in servers.of_bridge(row.name)}
	told = {run["server"]: run for run in standing.runs(row)}
	none = {"status": "", "message": "", "at": ""}
	return {
		"state": standing.state(row, now).value,
		"words": standing.words(row, now),
		"runs": [
			{**none, **told.get(server, {}), "server": server, "label": label}
			for server, label in labels.items()
		],
		"devices": frappe.db.count(devices.DOCTYPE, {"pushes_to": row.name, "enabled": 1}),
	}


def file(bridge: str) -> str:
	"""What its bridge.toml begins with. A text of JSON is one of TOML as well.

	An address that stands there goes before the one that the site says: a password is sent nowhere else.
	"""
	frappe.has_permission(bridges.DOCTYPE, "read", doc=bridge, throw=True)
	lines = [
		"[site]",
		f"url = {_quoted(get_url())}",
		f"bridge = {_quoted(bridge)}",
		'key_file = "bridge.key"',
		"",
		"[spool]",
		'file = "spool.sqlite"',
	]
	if frappe.db.exists(devices.DOCTYPE, {"pushes_to": bridge, "enabled": 1}):
		lines += ["", "[push]", 'listen = "192.168.1.5:8088"  # the address of this PC in the LAN']
	for server in servers.of_bridge(bridge):
		lines += ["", f"[server.{server.id}]", f"url = {_quoted(server.config.endpoint_url)}"]
		lines += [f"password_file = {_quoted(f'{server.id}.password')}"]
	return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
	return json.dumps(text, ensure_ascii=False)
