"""Biometric Sync Log: one per run, open before the first request, and true at every commit."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import frappe
from frappe import _
from frappe.query_builder import DocType
from frappe.query_builder.functions import Count
from frappe.utils import convert_utc_to_system_timezone, now_datetime, time_diff_in_seconds

from biometric_integration.core.concerns import INVALID_ROWS
from biometric_integration.core.connector import RequestTrace
from biometric_integration.core.errors import ErrorClass
from biometric_integration.core.punch import Kind
from biometric_integration.core.runs import (
	EVENT_COUNTS,
	FIRST_SEEN,
	RUN_COUNTS,
	EventCounts,
	Outcome,
	RunCounts,
	RunStatus,
	Trigger,
	counted_as,
)
from biometric_integration.core.stream import Stream
from biometric_integration.core.text import harmless
from biometric_integration.core.window import Window
from biometric_integration.sync.db import locks, sql

DOCTYPE = "Biometric Sync Log"
EVENT = "Biometric Staging Event"
COUNTED, COUNTED_FOR = "biometric_counted_logs", 3600
IF_INVALID = "IF(VALUES(`invalid`)>0, VALUES({0}), {0})"
RECEIVING = {
	"status": IF_INVALID,
	"error": IF_INVALID,
	"finished_at": sql.LATEST,
	"modified": sql.LATEST,
	**{field: sql.ADDED for field in (*RUN_COUNTS, "pending")},
}
"""What becomes of a log with each request that is counted in it."""
REQUEST_FIELDS = (
	"name",
	"creation",
	"modified",
	"owner",
	"modified_by",
	"parent",
	"parenttype",
	"parentfield",
	"idx",
	"operation",
	"at",
	"window_from",
	"window_to",
	"http_status",
	"duration_ms",
	"bytes",
	"row_count",
	"server_message",
	"excerpt",
)


def open_log(
	stream: Stream, trigger: Trigger, window: Window | None = None, device: str | None = None
) -> str:
	log = frappe.new_doc(DOCTYPE)
	log.update(
		{
			"trigger": trigger.value,
			"status": RunStatus.RUNNING.value,
			"stream": stream.key,
			"server": stream.server,
			"server_type": stream.server_type,
			"unit": stream.unit,
			"device": device,
			"feed": stream.feed,
			"started_at": now_datetime(),
			"window_from": window.start if window else None,
			"window_to": window.end if window else None,
		}
	)
	return log.insert(ignore_permissions=True).name


def close_stale(stream: str) -> None:
	"""Runs of a stream that never ended: their worker is gone, since the stream could be taken. Looked for without a lock, which would keep others from opening their logs."""
	running = {"stream": stream, "status": RunStatus.RUNNING.value}
	if found := frappe.get_all(DOCTYPE, running, pluck="name", limit=0):
		close_logs(found)


def close_logs(names: Sequence[str]) -> None:
	"""By name: somebody may have begun to read the stream meanwhile."""
	_close(DocType(DOCTYPE).name.isin(names))


def _close(which) -> None:
	log, now = DocType(DOCTYPE), now_datetime()
	# one statement that looks and writes: a run that has ended since our view of the data began stays as it is
	(
		frappe.qb.update(log)
		.set(log.status, RunStatus.FAILED.value)
		.set(log.modified, now)
		.set(log.finished_at, now)
		.set(log.error_class, ErrorClass.INTERNAL.value)
		.set(
			log.error,
			_(
				"The worker stopped in the middle of this run. Nothing is lost: the next run goes on from here."
			),
		)
		.where(which & (log.status == RunStatus.RUNNING.value))
		.run()
	)


def abandoned() -> list[str]:
	"""Runs that have not ended, though nobody holds their stream: their worker is gone."""
	running = frappe.get_all(DOCTYPE, {"status": RunStatus.RUNNING.value}, ["name", "stream"], limit=0)
	return [log.name for log in running if not locks.taken(log.stream)]


def name_of_hour(stream: Stream, device: str, at: datetime) -> str:
	"""Of the log of what is received of a device by one channel within an hour (site clock)."""
	return f"{stream.feed}-{at:%Y%m%d%H}-{device or stream.server}"


def count_received(found: Mapping[tuple[Stream, str], RunCounts], at: datetime) -> None:
	"""Add what was just staged `at` this time of each (stream, device), in the same commit as the rows; the logs are made by whoever is first.

	They are never Running: nobody has to end them, and nothing is given up with them.
	"""
	rows = [_received(stream, device, counts, at) for (stream, device), counts in found.items()]
	rows.sort(key=lambda row: row["name"])
	if rows:
		sql.merge(DOCTYPE, tuple(rows[0]), [tuple(row.values()) for row in rows], RECEIVING)


def _received(stream: Stream, device: str, counts: RunCounts, at: datetime) -> dict:
	user = frappe.session.user
	status = RunStatus.PARTIAL if counts.invalid else RunStatus.SUCCESS
	return {
		"name": name_of_hour(stream, device, at),
		"creation": at,
		"modified": at,
		"owner": user,
		"modified_by": user,
		"trigger": Trigger.RECEIVED.value,
		"status": status.value,
		"error": _(INVALID_ROWS) if counts.invalid else "",
		"stream": stream.key,
		"server": stream.server,
		"server_type": stream.server_type,
		"unit": stream.unit,
		"device": device or None,
		"feed": stream.feed,
		"started_at": at,
		"finished_at": at,
		**vars(counts),
		"pending": counts.new,
	}


def count(log: str, counts: RunCounts) -> None:
	"""Add what was just staged; in the same commit as the rows."""
	table = DocType(DOCTYPE)
	(
		frappe.qb.update(table)
		.set(table.fetched, table.fetched + counts.fetched)
		.set(table.new, table.new + counts.new)
		.set(table.known, table.known + counts.known)
		.set(table.junk, table.junk + counts.junk)
		.set(table.invalid, table.invalid + counts.invalid)
		.set(table.pending, table.pending + counts.new)
		.where(table.name == log)
		.run()
	)


def hand_over(moved: Counter[tuple[str, str, str]]) -> None:
	"""(from log, to log, kind) → rows that the latter has taken over: known to the one, first seen by the other; after both are counted, in the same commit."""
	changes: defaultdict[str, Counter[str]] = defaultdict(Counter)
	for (before, after, kind), number in moved.items():
		changes[before].update({FIRST_SEEN[Kind(kind)]: -number, "known": number})
		changes[after].update({FIRST_SEEN[Kind(kind)]: number, "known": -number})
	table = DocType(DOCTYPE)
	for log, counts in sorted(changes.items()):
		query = frappe.qb.update(table).where(table.name == log)
		for field, number in counts.items():
			query = query.set(table[field], table[field] + number)
		query.run()
	_write_event_counts(event_counts(sorted(changes)))


def close(log: str, outcome: Outcome, started: datetime) -> None:
	"""Write how the run ended. What the counts say was written with the rows."""
	now = now_datetime()
	values = {
		"status": outcome.status.value,
		"finished_at": now,
		"duration": time_diff_in_seconds(now, started),
		"window_from": outcome.window.start if outcome.window else None,
		"window_to": outcome.window.end if outcome.window else None,
		"read_to": outcome.read_to,
		"is_cut": outcome.is_cut,
		"error": harmless(outcome.message),
		"error_class": outcome.error_class.value if outcome.error_class else "",
		"error_detail": outcome.detail,
	}
	frappe.db.set_value(DOCTYPE, log, values)
	_write_requests(log, outcome.requests, now)


def _write_requests(log: str, requests: Sequence[RequestTrace], now: datetime) -> None:
	user = frappe.session.user
	rows = [
		(
			frappe.generate_hash(length=10),
			now,
			now,
			user,
			user,
			log,
			DOCTYPE,
			"requests",
			number,
			harmless(request.operation),
			convert_utc_to_system_timezone(request.at).replace(tzinfo=None),
			request.window.start if request.window else None,
			request.window.end if request.window else None,
			request.http_status or 0,
			request.duration_ms,
			request.size,
			request.rows,
			harmless(request.server_message),
			request.excerpt,
		)
		for number, request in enumerate(requests, 1)
	]
	if rows:
		frappe.db.bulk_insert("Biometric Sync Request", REQUEST_FIELDS, rows)


def recount(logs: Iterable[str], way: str = "") -> dict[str, int]:
	"""Bring the counts of what became of their punches up to date, for these logs and for all that still had something waiting.

	Those of which nothing has been decided since they were counted (a device that is off) are not counted again. `way`: how the check-ins
	of `logs` were written. Returns how many events of each log are pending, for `note_counted`.
	"""
	logs, counted = set(logs), _counted()
	waiting = dict(frappe.get_all(DOCTYPE, {"pending": (">", 0)}, ["name", "pending"], as_list=True, limit=0))
	names = sorted({*logs, *(name for name in waiting if counted.get(name) != waiting[name])} - {""})
	counts = event_counts(names)
	_write_event_counts(counts, logs if way else (), way)
	return {**waiting, **{name: counts[name].pending for name in names}}


def _write_event_counts(
	counts: Mapping[str, EventCounts], written: Collection[str] = (), way: str = ""
) -> None:
	"""written: logs whose check-ins were written that `way`."""
	fields = [*EVENT_COUNTS, "written"]
	for row in frappe.get_all(DOCTYPE, {"name": ("in", sorted(counts))}, ["name", *fields], limit=0):
		now = {**vars(counts[row.name]), "written": row.written}
		if row.name in written and now["created"]:
			now["written"] = way
		if any(row[field] != now[field] for field in fields):
			frappe.db.set_value(DOCTYPE, row.name, now, update_modified=False)


def note_counted(pending: Mapping[str, int]) -> None:
	"""As soon as the counts are durable. What is noted already is left to expire, so that all are counted once more also where nothing happens."""
	if _counted() != dict(pending):
		frappe.cache.set_value(COUNTED, dict(pending), expires_in_sec=COUNTED_FOR)


def _counted() -> dict[str, int]:
	return frappe.cache.get_value(COUNTED, expires=True) or {}


def forget_counted() -> None:
	"""Before anything is decided: whoever stops before the counts are right leaves them to the next one."""
	frappe.cache.delete_value(COUNTED)


def event_counts(logs: Sequence[str]) -> dict[str, EventCounts]:
	"""What became of the punches that each of these runs first staged, read from the events themselves."""
	found = {name: EventCounts() for name in logs}
	if not logs:
		return found
	event = DocType(EVENT)
	of_logs = event.sync_log.isin(logs) & (event.kind == Kind.PUNCH.value)
	by_status = (
		frappe.qb.from_(event)
		.select(event.sync_log, event.status, event.reason_code, Count(event.name))
		.where(of_logs)
		.groupby(event.sync_log, event.status, event.reason_code)
	)
	for log, status, reason_code, number in by_status.run():
		field = counted_as(status, reason_code)
		setattr(found[log], field, getattr(found[log], field) + number)
	people = (
		frappe.qb.from_(event)
		.select(event.sync_log, Count(event.employee).distinct())
		.where(of_logs & (event.employee != ""))
		.groupby(event.sync_log)
	)
	for log, number in people.run():
		found[log].employees = number
	return found
