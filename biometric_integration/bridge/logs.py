"""Sync logs in SQLite: one per run, open before the first request, and true at every commit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from biometric_integration.bridge.database import Database, storable, to_text, to_time
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
from biometric_integration.core.window import Window

STOPPED = (
	"The program was stopped in the middle of this run. Nothing is lost: the next run goes on from here."
)
IDLE_KEPT = timedelta(days=7)
"""How long the log of a run that brought nothing is kept: polling every few minutes must not bury the others."""


def open_log(database: Database, stream: Stream, trigger: Trigger, now: datetime) -> str:
	cursor = database.write(
		"""INSERT INTO log (stream, server, server_type, unit, feed, "trigger", status, started_at) VALUES (?,?,?,?,?,?,?,?)""",
		(
			stream.key,
			stream.server,
			stream.server_type,
			stream.unit,
			stream.feed,
			trigger.value,
			RunStatus.RUNNING.value,
			to_text(now),
		),
	)
	return str(cursor.lastrowid)


def close_stale(database: Database, stream: Stream, now: datetime) -> None:
	"""Runs of a stream that never ended: their process is gone, since the stream could be taken."""
	database.write(
		"UPDATE log SET status=?, finished_at=?, error_class=?, error=? WHERE stream=? AND status=?",
		(
			RunStatus.FAILED.value,
			to_text(now),
			ErrorClass.INTERNAL.value,
			STOPPED,
			stream.key,
			RunStatus.RUNNING.value,
		),
	)


def count(database: Database, log: str, counts: RunCounts) -> None:
	"""Add what was just staged; in the same commit as the rows."""
	added = ", ".join(f"{name} = {name} + ?" for name in RUN_COUNTS)
	values = [getattr(counts, name) for name in RUN_COUNTS]
	database.write(
		f"UPDATE log SET {added}, pending = pending + ? WHERE id=?", (*values, counts.new, int(log))
	)


def close(database: Database, log: str, outcome: Outcome, now: datetime, zone: str) -> None:
	"""Write how the run ended. What the counts say was written with the rows."""
	started = to_time(database.value("SELECT started_at FROM log WHERE id=?", (int(log),)))
	database.write(
		"""UPDATE log SET status=?, finished_at=?, duration=?, window_from=?, window_to=?, read_to=?, error=?, error_class=?, error_detail=?
		WHERE id=?""",
		(
			outcome.status.value,
			to_text(now),
			max((now - (started or now)).total_seconds(), 0),
			*_limits(outcome.window),
			to_text(outcome.read_to),
			storable(outcome.message),
			outcome.error_class.value if outcome.error_class else "",
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
			to_text(wall_clock(request.at, zone)),
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


def _limits(window: Window | None) -> tuple[str | None, str | None]:
	return (to_text(window.start), to_text(window.end)) if window else (None, None)


def drop_idle(database: Database, stream: Stream, now: datetime) -> None:
	database.write(
		"DELETE FROM log WHERE stream=? AND status=? AND new + junk + invalid = 0 AND started_at < ?",
		(stream.key, RunStatus.SUCCESS.value, to_text(now - IDLE_KEPT)),
	)


def recount(database: Database, logs: Iterable[str]) -> None:
	"""Bring the counts of what became of their punches up to date, for these logs."""
	names = sorted({int(log) for log in logs if log})
	assigned = ", ".join(f"{name}=?" for name in EVENT_COUNTS)
	rows = [
		(*(getattr(counts, name) for name in EVENT_COUNTS), log)
		for log, counts in event_counts(database, names).items()
	]
	database.write_many(f"UPDATE log SET {assigned} WHERE id=?", rows)


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
