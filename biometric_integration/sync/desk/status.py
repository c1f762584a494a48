"""How things stand, for people."""

from __future__ import annotations

import frappe
from frappe.query_builder import DocType
from frappe.query_builder.functions import Count
from frappe.utils import now_datetime

from biometric_integration.core.reasons import EventStatus
from biometric_integration.core.runs import RunStatus
from biometric_integration.sync import jobs
from biometric_integration.sync.records import servers

WAITING = (EventStatus.PENDING, EventStatus.UNMAPPED, EventStatus.FAILED, EventStatus.QUARANTINED)
RUN_FIELDS = [
	"name",
	"server",
	"stream",
	"status",
	"started_at",
	"fetched",
	"new",
	"known",
	"created",
	"unmapped",
	"pending",
	"error",
]


def runs(since: str | None) -> dict:
	"""The newest runs that began at `since` (site clock) or later, and whether something is still going on or waits for a worker."""
	filters = {"started_at": (">=", since)} if since else {}
	found = frappe.get_all("Biometric Sync Log", filters, RUN_FIELDS, order_by="started_at desc", limit=100)
	busy = any(run.status == RunStatus.RUNNING.value for run in found) or jobs.busy()
	return {"running": busy, "runs": found}


def overview() -> dict:
	listed = [_server(server) for server in servers.all_servers()]
	return {"now": now_datetime(), "servers": listed, "waiting": _waiting()}


def _server(server: servers.Server) -> dict:
	state = servers.state(server.id)
	return {
		"server": server.id,
		"label": server.label,
		"enabled": server.enabled,
		"last_success": state.last_success,
		"next_attempt": state.next_attempt,
		"state": "failing"
		if state.failures or servers.failing_streams(server.id)
		else "ok"
		if state.last_success
		else "new",
		"message": state.error or "",
		"error_class": state.error_class or "",
	}


def _waiting() -> dict[str, int]:
	event = DocType("Biometric Staging Event")
	statuses = [status.value for status in WAITING]
	query = frappe.qb.from_(event).select(event.status, Count(event.name)).where(event.status.isin(statuses))
	return {**dict.fromkeys(statuses, 0), **dict(query.groupby(event.status).run())}
