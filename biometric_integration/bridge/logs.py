"""Sync logs in SQLite: one per run, open before the first request, and true at every commit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple
from datetime import datetime, timedelta

from biometric_integration.bridge.database import Database, to_time
from biometric_integration.core.clock import wall_clock
from biometric_integration.core.connector import RequestTrace
from biometric_integration.core.errors import ErrorClass
from biometric_integration.core.punch import Kind
from biometric_integration.core.runs import (
	EVENT_COUNTS,
	RUN_COUNTS,
	EventCounts,
	Outcome,
	RunCounts,
	RunStatus,
	Trigger,
	counted_as,
)
from biometric_integration.core.stream import Stream
from biometric_integration.core.text import storable
from biometric_integration.core.window import Window

STOPPED = (
	"The program was stopped in the middle of this run. Nothing is lost: the next run goes on from here."
)
IDLE_KEPT = timedelta(days=7)
"""How long the log of a run that brought nothing is kept: polling every few minutes must not bury the others."""


def open_log(database: Database, stream: Stream, trigger: Trigger, now: datetime) -> str:
	cursor = database.write(
		"""INSERT INTO log (stream, server, server_type, unit, feed, "trigger", status, started_at)
		VALUES (?,?,?,?,?,?,?,?)""",
		(stream.key, *astuple(stream), trigger, RunStatus.RUNNING, now),
	)
	return str(cursor.lastrowid)


def close_stale(database: Database, stream: Stream, now: datetime) -> None:
	"""Runs of a stream that never ended: their process is gone, since the stream could be taken."""
	database.write(
		"UPDATE log SET status=?, finished_at=?, error_class=?, error=? WHERE stream=? AND status=?",
		(RunStatus.FAILED, now, ErrorClass.INTERNAL, STOPPED, stream.key, RunStatus.RUNNING),
	)


def count(database: Database, log: str, counts: RunCounts) -> None:
	"""Add what was just staged; in the same commit as the rows."""
	added = ", ".join(f"{name} = {name} + :{name}" for name in RUN_COUNTS)
	database.write(
		f"UPDATE log SET {added}, pending = pending + :new WHERE id = :log", {**vars(counts), "log": int(log)}
	)


def close(database: Database, log: str, outcome: Outcome, now: datetime, zone: str) -> None:
	"""Write how the run ended. What the counts say was written with the rows."""
	started = to_time(database.value("SELECT started_at FROM log WHERE id=?", (int(log),))) or now
	database.write(
		"""UPDATE log SET status=?, finished_at=?, duration=?, window_from=?, window_to=?, read_to=?,
		error=?, error_class=?, error_detail=? WHERE id=?""",
		(
			outcome.status,
			now,
			max((now - started).total_seconds(), 0),
			*_limits(outcome.window),
			outcome.read_to,
			storable(outcome.message),
			outcome.error_class or "",
			storable(outcome.detail),
			int(log),
		),
	)
	_write_requests(database, log, outcome.requests, zone)


def _write_requests(database: Database, log: str, requests: Sequence[RequestTrace], zone: str) -> None:
	rows = [
		(
			int(log),
			number,
			request.operation,
			wall_clock(request.at, zone),
			*_limits(request.window),
			request.http_status,
			request.duration_ms,
			request.size,
			request.rows,
			storable(request.server_message),
			storable(request.excerpt),
		)
		for number, request in enumerate(requests, 1)
	]
	if rows:
		database.write_many("INSERT INTO request VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", rows)


def _limits(window: Window | None) -> tuple[datetime | None, datetime | None]:
	return (window.start, window.end) if window else (None, None)


def drop_idle(database: Database, stream: Stream, before: datetime) -> None:
	database.write(
		"DELETE FROM log WHERE stream=? AND status=? AND new + junk + invalid = 0 AND started_at < ?",
		(stream.key, RunStatus.SUCCESS, before),
	)


def recount(database: Database, logs: Iterable[str]) -> None:
	"""Bring the counts of what became of their punches up to date, for these logs."""
	counts = event_counts(database, sorted({int(log) for log in logs if log}))
	assigned = ", ".join(f"{name} = :{name}" for name in EVENT_COUNTS)
	rows = [{**vars(each), "log": log} for log, each in counts.items()]
	database.write_many(f"UPDATE log SET {assigned} WHERE id = :log", rows)


def event_counts(database: Database, logs: Sequence[int]) -> dict[int, EventCounts]:
	"""What became of the punches that each of these runs first staged, read from the events themselves."""
	found = {log: EventCounts() for log in logs}
	of_kind = f"FROM event WHERE kind='{Kind.PUNCH.value}' AND log IN ({{marks}})"
	by_status = f"SELECT log, status, reason_code, COUNT(*) {of_kind} GROUP BY log, status, reason_code"
	for log, status, reason_code, number in database.rows_in(by_status, logs):
		field = counted_as(status, reason_code)
		setattr(found[log], field, getattr(found[log], field) + number)
	people = f"SELECT log, COUNT(DISTINCT NULLIF(employee, '')) {of_kind} GROUP BY log"
	for log, number in database.rows_in(people, logs):
		found[log].employees = number
	return found
