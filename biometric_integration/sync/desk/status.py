"""How things stand, for people."""

from __future__ import annotations

from datetime import timedelta

import frappe
from frappe import _
from frappe.query_builder import DocType
from frappe.utils import format_datetime, get_datetime, now_datetime
from frappe.utils.background_jobs import get_workers
from frappe.utils.scheduler import is_scheduler_inactive

from biometric_integration.core.health import Health, health
from biometric_integration.core.reasons import EventStatus
from biometric_integration.core.runs import RunStatus
from biometric_integration.core.window import DAY
from biometric_integration.sync import jobs
from biometric_integration.sync.db import locks
from biometric_integration.sync.desk import bridge_states, watermarks, zones
from biometric_integration.sync.records import periods, servers, sight, staging

WAITING = (EventStatus.PENDING, EventStatus.UNMAPPED, EventStatus.FAILED, EventStatus.QUARANTINED)
QUEUES = ("default", "long")
"""Those that the schedule of this app needs."""

UNUSED_AFTER = timedelta(minutes=10)
"""A punch that waits for nothing but the process lane, and for so long, says that there is none."""

COUNTED_TO = 100_000
"""Nobody needs to know more exactly how many they are."""
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


def runs(since: str | None, retried: str | None = None) -> dict:
	"""The newest runs that began at `since` (site clock) or later, and what is still going on or waits for a worker; also of the retry of a log."""
	filters = {"started_at": (">=", since)} if since else {}
	found = frappe.get_list("Biometric Sync Log", filters, RUN_FIELDS, order_by="started_at desc", limit=100)
	pulls, using = jobs.pulls(retried), locks.taken(locks.LANE)
	return {
		"running": using or bool(pulls) or any(run.status == RunStatus.RUNNING.value for run in found),
		"runs": found,
		"pulls": pulls,
		"using": using,
		"idle": _who_is_missing() if jobs.QUEUED in pulls.values() else "",
	}


def overview() -> dict:
	return {
		"now": now_datetime(),
		"servers": [_server(server) for server in servers.all_servers()],
		"waiting": {status.value: _number_of(status) for status in WAITING},
		"counted_to": COUNTED_TO,
		"unused": _why_unused(),
		"clocks": _clocks(),
		"held_back": watermarks.held_back_by(),
		"by_clock": watermarks.by_clock(),
		"absentees": _who_pays_absentees(),
		"bridges": bridge_states.overview(),
	}


def _who_pays_absentees() -> str:
	"""Payroll takes days without a record for present, and who did not come has none; empty where that is not so."""
	settings = frappe.get_cached_doc(servers.SETTINGS)
	if not servers.to_attendance() or settings.write_absences:
		return ""
	based_on, unmarked = (
		frappe.db.get_single_value("Payroll Settings", field)
		for field in ("payroll_based_on", "consider_unmarked_attendance_as")
	)
	if based_on != "Attendance" or (unmarked or "Present") != "Present":
		return ""
	return _(
		"Who is absent is paid: payroll is based on attendance and takes days without a record for present, and absences are not written."
	)


def _clocks() -> list[dict]:
	"""Devices whose clock is ahead, each once, with the seconds."""
	ahead = {"clock_ahead": (">", 0), "enabled": 1}
	fields = ["name", "device_name", "clock_ahead"]
	return frappe.get_list("Biometric Device", ahead, fields, order_by="clock_ahead desc", limit=20)


def _server(server: servers.Server) -> dict:
	state, now = servers.state(server.id), now_datetime()
	how = standing(server, state, bool(servers.failing_units(server)))
	return {
		"server": server.id,
		"label": server.label,
		"enabled": server.enabled,
		"last_success": state.last_success if state.last_success and state.last_success <= now else None,
		"next_attempt": state.next_attempt,
		"state": how.value,
		"message": _why_stalled(server) if how is Health.STALLED else state.error or "",
		"error_class": state.error_class or "",
		"read_by": server.read_by,
		"first_read": _first_read(server.id),
		"doubt": zones.doubt(server) if server.enabled else "",
	}


def _first_read(server: str) -> dict | None:
	"""How far it is, where it takes long."""
	name = periods.of_start_date(server)
	fields = ["name", "status", "days", "days_left"]
	return frappe.db.get_value(periods.DOCTYPE, name, fields, as_dict=True) if name else None


def standing(server: servers.Server, state: frappe._dict, streams_fail: bool = False) -> Health:
	since = get_datetime(frappe.get_cached_doc(servers.SETTINGS).modified)
	failing, interval = bool(state.failures or streams_fail), servers.longest_interval(server)
	return health(server.enabled, failing, state.last_success, since, interval, now_datetime())


def _why_stalled(server: servers.Server) -> str:
	if server.read_by:
		return _("The bridge {0} has not read it for three intervals. See how it stands.").format(
			server.read_by
		)
	return _("Nothing was read for three intervals.") + f" {why_idle()}"


def why_idle() -> str:
	"""Why nothing is read or used by schedule, as far as it can be told from here."""
	if is_scheduler_inactive(verbose=False):
		return _(
			"The scheduler of this site is off, so nothing is read or used. An administrator turns it on: bench --site {0} enable-scheduler."
		).format(frappe.local.site)
	return _who_is_missing() or _(
		"See Scheduled Job Type and RQ Job: does tasks.sync_due run each minute, and do its jobs?"
	)


def _who_is_missing() -> str:
	"""Why no job is done; empty where there are workers, and their queue."""
	try:
		workers = get_workers()
	except jobs.RedisError:
		return _(
			"The queue for background jobs (Redis) cannot be reached, so nothing is read or used. An administrator has to start it."
		)
	served = {name.rpartition(":")[2] for worker in workers for name in worker.queue_names()}
	if missing := [queue for queue in QUEUES if queue not in served]:
		return _(
			"No background worker serves {0}, so nothing is read or used. An administrator starts the workers of the bench."
		).format(", ".join(missing))
	return ""


def _why_unused() -> str:
	"""Why punches that are to be used are not; empty where they are, or none waits."""
	waits = staging.next_in_line()
	if not waits or now_datetime() - waits < UNUSED_AFTER or locks.taken(locks.LANE):
		return ""
	words = _("There are punches that wait to be used since {0}.").format(format_datetime(waits))
	return f"{words} {why_idle()}"


def troubles() -> dict:
	"""For the number card: runs of the last 24 hours that failed and that no later run of the stream has made good, servers that are not read, and bridges that are silent."""
	log, cursor = DocType("Biometric Sync Log"), DocType("Biometric Sync Cursor")
	seen = sight.of_user()
	query = (
		frappe.qb.from_(cursor)
		.join(log)
		.on(log.name == cursor.run)
		.select(log.name, log.server, log.device)
		.where((log.status == RunStatus.FAILED.value) & (log.started_at > now_datetime() - DAY))
	)
	rows = query.run()
	failed = [name for name, _server, device in rows if seen.shows_device(device)]
	told = {server for _name, server, _device in rows}
	silent = [
		server.id
		for server in servers.all_servers()
		if server.enabled and server.id not in told and _is_red(server)
	]
	unused, bridges = bool(_why_unused()), len(bridge_states.out_of_reach())
	if silent or unused or bridges:
		value = len(failed) + len(silent) + unused + bridges
		return {"value": value, "fieldtype": "Int", "route": ["Form", servers.SETTINGS]}
	of_today = {"status": RunStatus.FAILED.value, "started_at": [">", str(now_datetime() - DAY)]}
	route_options = {"name": ["in", failed]} if failed else of_today
	route = ["List", "Biometric Sync Log"]
	return {"value": len(failed), "fieldtype": "Int", "route": route, "route_options": route_options}


def _is_red(server: servers.Server) -> bool:
	"""What its bridge does not read is told of the bridge."""
	how = standing(server, servers.state(server.id), bool(servers.failing_units(server)))
	if server.read_by:
		return how is Health.FAILING
	return how in (Health.FAILING, Health.STALLED)


def _number_of(status: EventStatus) -> int:
	"""Of the events of a status that the user sees, counted no further than it takes."""
	limit = sight.events().replace("%", "%%")
	found = frappe.db.sql(
		f"""SELECT COUNT(*) FROM (
			SELECT `name` FROM `tab{staging.DOCTYPE}` WHERE `status`=%s {limit and f"AND {limit}"} LIMIT %s
		) some""",
		(status.value, COUNTED_TO),
	)  # the query builder takes no condition that is a text
	return found[0][0]
