"""How things stand, for people."""

from __future__ import annotations

import frappe
from frappe import _
from frappe.query_builder import DocType
from frappe.query_builder.functions import Count
from frappe.utils import get_datetime, now_datetime
from frappe.utils.background_jobs import get_workers
from frappe.utils.scheduler import is_scheduler_inactive

from biometric_integration.core.health import Health, health
from biometric_integration.core.reasons import EventStatus
from biometric_integration.core.runs import RunStatus
from biometric_integration.core.window import DAY
from biometric_integration.sync import jobs
from biometric_integration.sync.desk import zones
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
	"retried_from",
]


def runs(since: str | None) -> dict:
	"""The newest runs that began at `since` (site clock) or later, and whether something is still going on or waits for a worker."""
	filters = {"started_at": (">=", since)} if since else {}
	found = frappe.get_all("Biometric Sync Log", filters, RUN_FIELDS, order_by="started_at desc", limit=100)
	busy = any(run.status == RunStatus.RUNNING.value for run in found) or jobs.busy()
	return {"running": busy, "runs": found}


def overview() -> dict:
	listed = [_server(server) for server in servers.all_servers()]
	return {"now": now_datetime(), "servers": listed, "waiting": _waiting(), "clocks": _clocks()}


def _clocks() -> list[dict]:
	"""Devices whose clock is ahead, each once, with the seconds."""
	ahead = {"clock_ahead": (">", 0), "enabled": 1}
	fields = ["name", "device_name", "clock_ahead"]
	return frappe.get_all("Biometric Device", ahead, fields, order_by="clock_ahead desc", limit=20)


def _server(server: servers.Server) -> dict:
	state, now = servers.state(server.id), now_datetime()
	since = get_datetime(frappe.get_cached_doc(servers.SETTINGS).modified)
	failing = bool(state.failures or servers.failing_streams(server))
	how = health(server.enabled, failing, state.last_success, since, servers.longest_interval(server), now)
	return {
		"server": server.id,
		"label": server.label,
		"enabled": server.enabled,
		"last_success": state.last_success if state.last_success and state.last_success <= now else None,
		"next_attempt": state.next_attempt,
		"state": how.value,
		"message": _why_stalled() if how is Health.STALLED else state.error or "",
		"error_class": state.error_class or "",
		"doubt": zones.doubt(server) if server.enabled else "",
	}


def _why_stalled() -> str:
	"""Why nothing is read by schedule, as far as it can be told from here."""
	if is_scheduler_inactive(verbose=False):
		return _(
			"The scheduler of this site is off, so nothing is read. An administrator turns it on: bench --site {0} enable-scheduler."
		).format(frappe.local.site)
	try:
		workers = get_workers()
	except jobs.RedisError:
		return _(
			"The queue for background jobs (Redis) cannot be reached, so nothing is read. An administrator has to start it."
		)
	if not workers:
		return _(
			"No background worker is running, so nothing is read. An administrator starts the workers of the bench."
		)
	return _(
		"Nothing was read for three intervals. See Scheduled Job Type and RQ Job: does tasks.sync_due run each minute, and do its jobs?"
	)


def troubles() -> dict:
	"""For the number card: runs of the last 24 hours that failed and that no later run of the stream has made good, and servers that are not read."""
	log, cursor = DocType("Biometric Sync Log"), DocType("Biometric Sync Cursor")
	query = (
		frappe.qb.from_(cursor)
		.join(log)
		.on(log.name == cursor.run)
		.select(log.name, log.server)
		.where((log.status == RunStatus.FAILED.value) & (log.started_at > now_datetime() - DAY))
	)
	failed = query.run()
	told = {server for _log, server in failed}
	silent = [
		row["server"]
		for row in overview()["servers"]
		if row["enabled"]
		and row["state"] in (Health.FAILING.value, Health.STALLED.value)
		and row["server"] not in told
	]
	if silent:
		return {"value": len(failed) + len(silent), "fieldtype": "Int", "route": ["Form", servers.SETTINGS]}
	route_options = (
		{"name": ["in", [name for name, _server in failed]]} if failed else {"status": RunStatus.FAILED.value}
	)
	route = ["List", "Biometric Sync Log"]
	return {"value": len(failed), "fieldtype": "Int", "route": route, "route_options": route_options}


def _waiting() -> dict[str, int]:
	event = DocType("Biometric Staging Event")
	statuses = [status.value for status in WAITING]
	query = frappe.qb.from_(event).select(event.status, Count(event.name)).where(event.status.isin(statuses))
	return {**dict.fromkeys(statuses, 0), **dict(query.groupby(event.status).run())}
