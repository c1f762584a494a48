"""The first read of a server, or one from a start date that was moved back, shown as a Biometric Sync Period while it takes long.

The schedule reads it; how far it has come stands in the cursors, and is copied from there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import closing
from datetime import datetime, time

import frappe
from frappe import _
from frappe.utils import escape_html, now_datetime

from biometric_integration.connectors.registry import CONNECTORS
from biometric_integration.core.backoff import rests
from biometric_integration.core.errors import SyncError
from biometric_integration.core.periods import LONG, PeriodStatus, Purpose, StreamStatus, unread
from biometric_integration.core.runs import RunStatus, Trigger
from biometric_integration.core.stream import Cursor, Stream
from biometric_integration.core.text import harmless
from biometric_integration.core.window import DAY, Window
from biometric_integration.sync import jobs
from biometric_integration.sync.db import transaction
from biometric_integration.sync.records import cursors, devices, periods, servers
from biometric_integration.sync.records.periods import Part, Period

HOLE = "Some days from before could not be read in full. They are asked for again once a day."
ENDED = (RunStatus.SUCCESS.value, RunStatus.PARTIAL.value, RunStatus.FAILED.value)


def follow() -> None:
	"""Each minute: note how far each server has come, and ask for what is left of it at once, whatever its interval."""
	begun, known = periods.first_reads(), {server.id: server for server in servers.all_servers()}
	for server in known.values():
		if server.enabled and not server.read_by and server.start_date:
			transaction.in_one(lambda server=server: _follow(server, begun.get(server.id)))
	for server_id, name in begun.items():
		if why := _why_not_read(known.get(server_id)):
			transaction.in_one(lambda name=name, why=why: _close(name, why))


def _why_not_read(server: servers.Server | None) -> str:
	"""Why nobody goes on with its first read; empty where it is read, or is only turned off."""
	if server is None:
		return _("The server is not in the settings any more.")
	if server.read_by:
		return servers.left_to_bridge(server)
	return "" if server.start_date else _("There is no Start Date in the settings any more.")


def _close(name: str, why: str) -> None:
	"""What was stopped stays so: it may be read again one day."""
	period = periods.get(name)
	if period.status is PeriodStatus.READING:
		for part in period.open_parts:
			periods.note(period, part, StreamStatus.FAILED, part.read_to, why, days_left=part.days_left)
		periods.settle(name, why)


def _follow(server: servers.Server, name: str | None) -> None:
	now, known = now_datetime(), cursors.of_server(server.id)
	left = {stream: unread(known.get(stream.key, Cursor()), floor, now) for stream, floor in _streams(server)}
	runs = _runs(server) if name or any(days > LONG for days in left.values()) else {}
	left = {stream: 0 if _has_nothing(known, runs, stream) else days for stream, days in left.items()}
	long = [stream for stream, days in left.items() if days > LONG]
	if not name and long:
		name = _begin(server, long, left)
	if name:
		holed = {stream.key for stream, floor in _streams(server) if _has_hole(known, stream, floor)}
		_note(name, {stream.key: days for stream, days in left.items()}, runs, holed)
		_go_on(server, name, runs, now)


def _streams(server: servers.Server) -> list[tuple[Stream, datetime]]:
	"""Those that are read by window, each with where it begins."""
	own, server_type = server.own_start_dates(), server.config.server_type
	feeds = [feed.name for feed in CONNECTORS[server_type].feeds if not feed.by_position]
	return [
		(
			Stream(server.id, server_type, unit, feed),
			datetime.combine(own.get(unit, server.start_date), time()),
		)
		for unit in servers.units(server)
		for feed in feeds
	]


def _runs(server: servers.Server) -> dict[str, frappe._dict]:
	"""The last run of each stream."""
	found = frappe.get_all(
		cursors.DOCTYPE, {"server": server.id, "run": ("is", "set")}, ["name", "run"], as_list=True, limit=0
	)
	fields = ["name", "status", "error", "read_to", "window_to", "is_cut"]
	logs = frappe.get_all(periods.LOG, {"name": ("in", [run for _key, run in found])}, fields, limit=0)
	by_name = {log.name: log for log in logs}
	return {key: by_name[run] for key, run in found if run in by_name}


def _has_nothing(known: Mapping[str, Cursor], runs: Mapping[str, frappe._dict], stream: Stream) -> bool:
	"""A stream that never delivered keeps no mark; all of it was asked for all the same."""
	run, cursor = runs.get(stream.key), known.get(stream.key)
	if not (run and cursor and cursor.read_until is None and run.status in ENDED):
		return False
	is_read = bool(run.read_to and run.window_to and run.read_to >= run.window_to)
	return is_read or (run.status != RunStatus.FAILED.value and not run.is_cut)


def _has_hole(known: Mapping[str, Cursor], stream: Stream, floor: datetime) -> bool:
	return known.get(stream.key, Cursor()).past_hole(floor) is not None


def _begin(server: servers.Server, long: list[Stream], left: Mapping[Stream, int]) -> str:
	names = devices.names_of({stream.unit for stream in long})
	streams = [(stream, names.get(stream.unit)) for stream in long]
	first, today = min(floor for _stream, floor in _streams(server)), now_datetime().date()
	return periods.add(server.id, None, Purpose.START_DATE, first.date(), max(today, first.date()), streams)


def _note(
	name: str, left: Mapping[str, int], runs: Mapping[str, frappe._dict], holed: Collection[str]
) -> None:
	period = periods.get(name)
	for part in period.parts:
		if part.stream not in left:
			_note_gone(period, part)
			continue
		run, days = runs.get(part.stream), left[part.stream]
		status, error = _status(days, run), harmless(run.error or "") if run else ""
		if status is StreamStatus.READ and part.stream in holed:
			status, error = StreamStatus.PARTIAL, harmless(HOLE)
		if (part.status, part.days_left, part.error) != (status.value, days, error):
			log = run.name if run else None
			periods.note(period, part, status, None, error, days_left=days, sync_log=log)
	periods.settle(name, "")


def _note_gone(period: Period, part: Part) -> None:
	"""Its device was turned off, or the server is of another type now. Where it was stopped it stays so, as it may come back."""
	if part.status != StreamStatus.FAILED.value and period.status is PeriodStatus.READING:
		error = _("It is not read any more.")
		periods.note(period, part, StreamStatus.FAILED, None, error, days_left=part.days_left)


def _status(days: int, run: frappe._dict | None) -> StreamStatus:
	if days > 1:
		is_running = run and run.status == RunStatus.RUNNING.value
		return StreamStatus.READING if is_running else StreamStatus.WAITING
	is_well = not run or run.status not in (RunStatus.PARTIAL.value, RunStatus.FAILED.value)
	return StreamStatus.READ if is_well else StreamStatus.PARTIAL


def _go_on(server: servers.Server, name: str, runs: Mapping[str, frappe._dict], now: datetime) -> None:
	period = periods.get(name)
	if period.status is not PeriodStatus.READING or rests(servers.state(server.id).next_attempt, now):
		return
	begun = [part.unit for part in period.open_parts if _has_come_on(runs.get(part.stream))]
	if units := sorted(set(begun) - servers.resting(server, now)):
		jobs.enqueue_pull(server.id, Trigger.SCHEDULED, units)


def _has_come_on(run: frappe._dict | None) -> bool:
	"""What has not been begun is due by itself; what failed, or came to its end with a hole, is left to its schedule."""
	return bool(run and (run.status == RunStatus.SUCCESS.value or _is_cut(run)))


def _is_cut(run: frappe._dict) -> bool:
	return run.status == RunStatus.PARTIAL.value and bool(run.is_cut)


def tell_cost() -> None:
	"""While settings with another start date are saved: what is read because of it, if that is much."""
	for server in servers.all_as_saved():
		if server.enabled and not server.read_by and server.start_date:
			days = cost(server)
			if len(days) and sum(days) / len(days) > LONG:
				frappe.msgprint(
					_(
						"{0}: from the Start Date on, about {1} days of {2} devices or locations are read, in some {3} requests. It goes on in the background. What is left is shown in Biometric Sync Period, where Stop ends it: devices that were read up to these days go on from day to day, the others are not read by schedule until Resume."
					).format(
						frappe.bold(escape_html(server.label)), sum(days), len(days), _requests(server, days)
					),
					title=_("A Long First Read"),
					indicator="blue",
				)


def cost(server: servers.Server) -> list[int]:
	"""How many days are still to be asked for, of each stream."""
	now, known = now_datetime(), cursors.of_server(server.id)
	return [unread(known.get(stream.key, Cursor()), floor, now) for stream, floor in _streams(server)]


def _requests(server: servers.Server, days: list[int]) -> int:
	"""As the connector cuts so many days."""
	try:
		connector = server.connector()
	except SyncError:
		return sum(days)
	now = now_datetime()
	with closing(connector):
		return sum(sum(1 for _piece in connector.slices(Window(now - number * DAY, now))) for number in days)
