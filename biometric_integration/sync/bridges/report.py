"""Reports of bridges, about one a minute (docs/bridge.md): what one says of itself, and what is believed of what it read.

It changes nothing but the row of that bridge, the cursors of the servers that it reads, the contact of the devices that push to it, and the list of unknown
devices.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import frappe
from frappe import _
from frappe.utils import cint, get_system_timezone

from biometric_integration.core.bridges import Order, is_trusted
from biometric_integration.core.clock import wall_clock
from biometric_integration.core.runs import RunStatus
from biometric_integration.receivers import bridge_report
from biometric_integration.receivers.bridge_report import Backlog, LastRun, Report
from biometric_integration.receivers.texts import Refusal
from biometric_integration.sync.bridges import contacts, streams, told
from biometric_integration.sync.db import pace, transaction
from biometric_integration.sync.push import strangers
from biometric_integration.sync.receiving.receive import tried
from biometric_integration.sync.records import bridges, servers

REPORTS_A_MINUTE = 30
MB = 1024 * 1024
STATUSES = {
	"Success": RunStatus.SUCCESS,
	"Partial": RunStatus.PARTIAL,
	"Partial Success": RunStatus.PARTIAL,
	"Failed": RunStatus.FAILED,
}
"""Of a last run, as a bridge may say it; another one says nothing about the server."""


def answer(body: bytes) -> tuple[int, dict]:
	"""HTTP status, and `{"now", "before", "settings"}` or `{"error"}`."""
	found = tried(lambda: _taken(bridge_report.read(body)))
	if isinstance(found, Refusal):
		return found.status, {"error": _(WORDS.get(found.status) or str(found))}
	return 200, found


WORDS = {
	503: "The report could not be kept now. Send the next one as usual.",
	500: "Something unexpected happened. Send the next report as usual.",
}


def _taken(report: Report) -> dict:
	before = _check(report)
	_receive(report, datetime.now(timezone.utc).replace(microsecond=0))
	return {
		"now": _text(datetime.now(timezone.utc)),
		"before": before and _text(before),
		"settings": told.settings(report.bridge),
	}


def _check(report: Report) -> datetime | None:
	"""The time of the newest report that was taken, by the clock of the bridge: it knows by it that this site was restored, and sends again what is missing here."""
	row = bridges.get(report.bridge)
	if not row or not row.enabled:
		raise Refusal(400, "This site has no Biometric Bridge of this name that is turned on.")
	if row.user != frappe.session.user:
		raise Refusal(403, "This bridge has another user.")
	if pace.times(f"reports of {report.bridge}") > REPORTS_A_MINUTE:
		raise Refusal(429, "There are too many reports. One a minute is enough.")
	newest: datetime | None = row.newest_now
	return newest


def _text(moment: datetime) -> str:
	return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _receive(report: Report, now: datetime) -> None:
	"""`now`: aware UTC. Commits. A view of the data from before the bridge was locked would be too old to write by."""
	transaction.commit()
	if not transaction.in_one(lambda: _take(report, now)) or not report.strangers:
		return
	expected = contacts.expected(report.bridge)  # it may not have been told of one that was just claimed
	for one in report.strangers:
		if one.serial not in expected:
			strangers.note_told(one.serial, one.address, one.times, report.bridge)


def _take(report: Report, now: datetime) -> bool:
	"""Whether it is a new one; an old one only counts."""
	row = bridges.lock(report.bridge)
	if row is None:
		return False
	order, is_new = Order(row.newest_now, row.odd_now, cint(row.odd_times)).after(
		report.now.replace(tzinfo=None), now.replace(tzinfo=None)
	)
	values: dict[str, Any] = {
		"newest_now": order.last,
		"odd_now": order.odd,
		"odd_times": order.times,
	}
	ahead, at_site = report.now - now, wall_clock(now, get_system_timezone())
	if is_new:
		values.update(_said(report, ahead, at_site), spool=report.spool or row.spool)
	bridges.keep(row.name, values)
	is_replaced = bool(row.spool_replaced)
	if is_new and _has_another_spool(report, row):
		bridges.note_replaced(row.name)
		is_replaced = True
	if is_new and is_trusted(ahead) and report.is_known_of(row.newest_now):
		_keep_runs(row.name, report.servers, ahead, at_site)
		knows = report.edition == told.edition(row.name)
		streams.keep(row.name, report.streams, ahead, at_site, knows)
		if not is_replaced:
			contacts.keep(row.name, report.devices, ahead, at_site)
	return is_new


def _has_another_spool(report: Report, row: frappe._dict) -> bool:
	"""What devices had pushed into the old one, and was not sent, is in no other place; what servers have is read again."""
	is_another = bool(report.spool and row.spool and report.spool != row.spool)
	return is_another and bool(contacts.expected(row.name))


def _said(report: Report, ahead: timedelta, now: datetime) -> dict[str, Any]:
	backlog = report.backlog
	return {
		"last_report": now,
		"version": report.version,
		"problem": report.problem,
		"clock_ahead": int(max(min(ahead.total_seconds(), MOST_SECONDS), -MOST_SECONDS)),
		"waiting": min(backlog.waiting, MOST_INT),
		"oldest_waiting": _oldest(backlog, now),
		"aside": min(backlog.aside, MOST_INT),
		"why_aside": backlog.why_aside,
		"spool_used": min(backlog.used // MB, MOST_INT),
		"spool_limit": min(backlog.limit // MB, MOST_INT),
		"is_full": int(backlog.is_full),
		"server_runs": json.dumps([_shown(run) for run in report.servers]),
	}


MOST_INT = 2**31 - 1
MOST_SECONDS = MOST_INT
"""What a column of a number holds."""


def _oldest(backlog: Backlog, now: datetime) -> datetime | None:
	"""In the clock of the site; nothing waits since the future."""
	oldest = backlog.oldest
	if oldest is None or not backlog.waiting:
		return None
	return min(wall_clock(oldest, get_system_timezone()) if oldest.tzinfo else oldest, now)


def _shown(run: LastRun) -> dict[str, str]:
	status = STATUSES.get(run.status)
	at = f"{wall_clock(run.at, get_system_timezone())}" if run.at else ""
	return {
		"server": run.server,
		"status": status.value if status else run.status,
		"message": run.message,
		"at": at,
	}


def _keep_runs(bridge: str, runs: tuple[LastRun, ...], ahead: timedelta, now: datetime) -> None:
	"""As if this site had read: a server that fails is red where all are."""
	mine = {server.id for server in servers.of_bridge(bridge)}
	for run in runs:
		status = STATUSES.get(run.status)
		if run.server in mine and status and run.at:
			at = wall_clock(run.at - max(ahead, timedelta(0)), get_system_timezone())
			servers.note_reported(run.server, status is not RunStatus.FAILED, run.message, min(at, now))
