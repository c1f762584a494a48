"""How runs, streams and waiting punches look: as plain lines for people, as plain values for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from biometric_integration.bridge.database import Database
from biometric_integration.core.connector import Step
from biometric_integration.core.runs import LOG_COUNTS, RunReport

RUNS = f"""SELECT id, stream, server, unit, feed, "trigger", status, started_at, finished_at, window_from, window_to, read_to,
	{", ".join(LOG_COUNTS)}, error, error_class FROM log"""
MOST_REASONS = 20
MARKS = {True: "ok", False: "FAILED", None: "-"}

Values = Mapping[str, Any]


def runs_of(database: Database, reports: Iterable[RunReport]) -> list[dict[str, Any]]:
	"""The logs of these runs, as they stand now. A stream that somebody else reads has that run's log."""
	logs = sorted({int(report.log) for report in reports if report.log})
	return [dict(row) for row in database.rows_in(f"{RUNS} WHERE id IN ({{marks}})", logs)]


def waiting(database: Database) -> list[dict[str, Any]]:
	"""Punches that are no check-in yet, by reason."""
	rows = database.rows(
		"""SELECT status, reason_code, reason, COUNT(*) AS punches, MIN(source_time) AS first, MAX(source_time) AS last FROM event
		WHERE status NOT IN ('Processed', 'Ignored') GROUP BY status, reason_code, reason
		ORDER BY punches DESC, reason"""
	)
	return [dict(row) for row in rows]


def overview(database: Database) -> dict[str, Any]:
	"""Streams, the last runs, what became of all punches and what waits."""
	streams = database.rows(
		"""SELECT stream, server, unit, feed, read_until, complete_until, position, delivered, last_run FROM cursor
		ORDER BY stream"""
	)
	runs = database.rows(f"{RUNS} ORDER BY id DESC LIMIT 10")
	punches = database.rows(
		"SELECT status, COUNT(*) FROM event WHERE kind='Punch' GROUP BY status ORDER BY status"
	)
	return {
		"streams": [{**dict(row), "delivered": bool(row["delivered"])} for row in streams],
		"runs": [dict(row) for row in reversed(runs)],
		"punches": {status: number for status, number in punches},
		"check_ins": database.value("SELECT COUNT(*) FROM checkin"),
		"employees": database.value("SELECT COUNT(*) FROM employee"),
		"waiting": waiting(database),
	}


def report_line(report: RunReport) -> str:
	"""A run that has just ended; its punches are not decided yet."""
	status, counts = report.status.value, vars(report.counts)
	return run_line({"status": status, "stream": report.stream, **counts, "error": report.message})


def run_line(run: Values) -> str:
	line = "  {status:<8} {stream}: {fetched:,} rows, {new:,} new, {known:,} known".format_map(run)
	bad = "".join(f", {run[name]:,} {word}" for name, word in BAD.items() if run[name])
	return f"{line}{bad}. {run['error']}".rstrip()


BAD = {"junk": "junk", "invalid": "unreadable"}


def waiting_lines(rows: Sequence[Values]) -> Iterator[str]:
	for row in rows[:MOST_REASONS]:
		yield f"  {row['punches']:,} {row['status']}: {row['reason'] or 'Not decided yet.'}"
	if len(rows) > MOST_REASONS:
		yield f"  … and {len(rows) - MOST_REASONS:,} more reasons."


def overview_lines(found: Values) -> Iterator[str]:
	if not found["streams"]:
		yield "Nothing has been read yet."
		return
	yield "Streams"
	yield from map(_stream_line, found["streams"])
	yield "Last runs"
	yield from map(run_line, found["runs"])
	punches = ", ".join(f"{number:,} {status.lower()}" for status, number in found["punches"].items())
	yield f"Punches: {punches or 'none'}. Check-ins: {found['check_ins']:,}. Employees: {found['employees']:,}."
	yield from waiting_lines(found["waiting"])


def _stream_line(stream: Values) -> str:
	names = ("position", "read_until", "complete_until", "last_run")
	marks = [f"{name.replace('_', ' ')} {stream[name]}" for name in names if stream[name]]
	return f"  {stream['stream']}: {', '.join(marks)}"


def step_line(step: Step) -> str:
	return f"  {step.step:<13} {MARKS[step.ok]:<8}{step.message} {step.fix}".rstrip()
