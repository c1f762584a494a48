"""What Desk and the console may call. Each endpoint: a permission check, one call, a plain dict."""

import frappe

from biometric_integration.sync import connection, console, requests
from biometric_integration.sync import status as site_status

SYNC_ROLES = ("System Manager", "HR Manager", "HR User")
SETUP_ROLES = ("System Manager", "HR Manager")


@frappe.whitelist(methods=["POST"])
def sync_now(server: str | None = None, device: str | None = None, wait: int = 0) -> dict:
	"""Read one server (or one device, by its name or serial number), or all that are enabled, now.

	Returns {"queued": [server], "running": [{"server", "log"}], "message"}. From the console, `wait=1` runs here, prints each run and
	returns {"status", "message", "runs": [...]}. Waits after failures are ignored.
	"""
	frappe.only_for(SYNC_ROLES)
	if wait and not frappe.request:
		return console.sync(server, device)
	return requests.sync(server, device)


@frappe.whitelist(methods=["POST"])
def test_connection(server: str | None = None) -> dict:
	"""Go to a server step by step. Returns {"ok": bool, "steps": [{"step", "ok", "message", "fix"}]}; `ok` is None for a step not tried."""
	frappe.only_for(SETUP_ROLES)
	return connection.test(server)


@frappe.whitelist()
def locations(server: str | None = None) -> list:
	"""Location codes that the server's device list knows, sorted."""
	frappe.only_for(SETUP_ROLES)
	return connection.locations(server)


@frappe.whitelist()
def sync_state(since: str | None = None) -> dict:
	"""Runs since a time of the site's clock. Returns {"running": bool, "runs": [{"name", "stream", "status", …}]}."""
	frappe.only_for(SYNC_ROLES)
	return site_status.runs(since)


@frappe.whitelist()
def status() -> dict:
	"""How each server stands and what waits. Returns {"now", "servers": [...], "waiting": {status: count}}."""
	frappe.only_for(SYNC_ROLES)
	return site_status.overview()
