"""How runs, streams and waiting punches look: as text for people, as plain values for programs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from biometric_integration.bridge.database import Database
from biometric_integration.core.connector import Step
from biometric_integration.core.runs import LOG_COUNTS, RunReport

WIDTH = 100
LOG_FIELDS = (
	"id",
	"stream",
	"server",
	"unit",
	"feed",
	"trigger",
	"status",
	"started_at",
	"finished_at",
	"window_from",
	"window_to",
	"read_to",
	*LOG_COUNTS,
	"error",
	"error_class",
)
LOG_COLUMNS = {
	"Server": "server",
	"Unit": "unit",
	"Feed": "feed",
	"Status": "status",
	"Rows": "fetched",
	"New": "new",
	"Known": "known",
	"Bad": "bad",
	"Made": "created",
	"There": "already_there",
	"Waits": "waiting",
	"Unused": "ignored",
}
"""What the table of runs shows. Bad: junk, or cannot be read. Made: check-ins. There: the check-in existed. Unused: repeats and the like."""

Row = Mapping[str, Any]
Values = Row


def table(titles: Sequence[str], rows: Iterable[Sequence[object]], indent: str = "  ") -> Iterator[str]:
	"""Lines of a table, numbers to the right; a line that is too long is cut."""
	cells = [[_cell(value) for value in row] for row in rows]
	widths = [max(map(len, column)) for column in zip(titles, *cells, strict=True)]
	numeric = (
		[all(isinstance(value, int) for value in column) for column in zip(*rows, strict=True)]
		if cells
		else []
	)
	for line in (list(titles), ["-" * width for width in widths], *cells):
		parts = [
			text.rjust(width) if index < len(numeric) and numeric[index] else text.ljust(width)
			for index, (text, width) in enumerate(zip(line, widths, strict=True))
		]
		yield shortened((indent + "  ".join(parts)).rstrip())


def shortened(line: str, width: int = WIDTH) -> str:
	return line if len(line) <= width else line[: width - 1] + "…"


def _cell(value: object) -> str:
	return f"{value:,}" if isinstance(value, int) else str(value if value is not None else "")


def paragraph(text: str, indent: str = "  ") -> str:
	return textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=" " * len(indent))


# --- runs


def logs(
	database: Database, condition: str = "", parameters: Sequence = (), limit: int = 20
) -> list[dict[str, Any]]:
	"""The newest logs that fulfil a condition, oldest first."""
	fields = ", ".join(f'"{name}"' for name in LOG_FIELDS)
	rows = database.rows(
		f"SELECT {fields} FROM log {condition} ORDER BY id DESC LIMIT ?", (*parameters, limit)
	)
	return [dict(row) for row in reversed(rows)]


def logs_of(database: Database, reports: Iterable[RunReport]) -> list[dict[str, Any]]:
	"""The logs of these runs, as they stand now. A stream that somebody else reads has that run's log."""
	ids = sorted({int(report.log) for report in reports if report.log})
	fields = ", ".join(f'"{name}"' for name in LOG_FIELDS)
	rows = database.rows_in(f"SELECT {fields} FROM log WHERE id IN ({{marks}})", ids)
	return sorted((dict(row) for row in rows), key=lambda row: row["id"])


def log_lines(rows: Sequence[Row]) -> Iterator[str]:
	"""A table of runs, and below it what they say."""
	shown = [
		{**row, **{name: sum(row[part] for part in parts) for name, parts in SUMS.items()}} for row in rows
	]
	yield from table(list(LOG_COLUMNS), [[row[name] for name in LOG_COLUMNS.values()] for row in shown])
	for row in rows:
		if row["error"]:
			yield paragraph(f"{row['stream']}: {row['error']}", "  ! ")


def report_line(report: RunReport) -> str:
	"""A run that has just ended; its punches are not decided yet."""
	status, counts = report.status.value, vars(report.counts)
	return run_line({"status": status, "stream": report.stream, **counts, "error": report.message})


def run_line(run: Values) -> str:
	line = "  {status:<8} {stream}: {fetched:,} rows, {new:,} new, {known:,} known".format_map(run)
	bad = "".join(f", {run[name]:,} {word}" for name, word in BAD.items() if run[name])
	return f"{line}{bad}. {run['error']}".rstrip()


BAD = {"junk": "junk", "invalid": "unreadable"}


SUMS = {
	"bad": ("junk", "invalid"),
	"waiting": ("unmapped", "failed", "quarantined", "pending"),
}


# --- what waits


def waiting(database: Database) -> list[dict[str, Any]]:
	"""Punches that are no check-in yet, by reason, with one sentence as an example each."""
	rows = database.rows(
		"""SELECT status, reason_code, reason, COUNT(*) AS punches, MIN(source_time) AS first, MAX(source_time) AS last FROM event
		WHERE status NOT IN ('Processed', 'Ignored') GROUP BY status, reason_code, reason
		ORDER BY punches DESC, reason"""
	)
	return [dict(row) for row in rows]


def waiting_lines(rows: Sequence[Row], most: int = 20) -> Iterator[str]:
	for row in rows[:most]:
		reason = row["reason"] or "Not looked at yet."
		yield paragraph(f"{row['punches']:,} {row['status']}: {reason}")
	if len(rows) > most:
		yield f"  … and {len(rows) - most:,} more reasons."


# --- the site


def overview(database: Database) -> dict[str, Any]:
	"""Streams, the last runs, what became of all punches and what waits."""
	streams = database.rows(
		"SELECT stream, server, unit, feed, read_until, complete_until, position, delivered, last_run FROM cursor ORDER BY stream"
	)
	punches = database.rows(
		"SELECT status, COUNT(*) FROM event WHERE kind='Punch' GROUP BY status ORDER BY status"
	)
	return {
		"streams": [{**dict(row), "delivered": bool(row["delivered"])} for row in streams],
		"runs": logs(database, limit=10),
		"punches": dict(tuple(row) for row in punches),
		"check_ins": database.value("SELECT COUNT(*) FROM checkin"),
		"employees": database.value("SELECT COUNT(*) FROM employee"),
		"waiting": waiting(database),
	}


def overview_lines(found: Row) -> Iterator[str]:
	if not found["streams"]:
		yield "Nothing has been read yet."
		return
	yield "Streams"
	columns = ("server", "unit", "feed", "read_until", "complete_until", "last_run")
	titles = ("Server", "Unit", "Feed", "Read until", "Complete until", "Last run")
	yield from table(titles, [[row[name] for name in columns] for row in found["streams"]])
	yield "\nLast runs"
	yield from log_lines(found["runs"])
	parts = [f"{number:,} {status.lower()}" for status, number in found["punches"].items()]
	yield f"\nPunches: {', '.join(parts) or 'none'}. Check-ins: {found['check_ins']:,}. Employees: {found['employees']:,}."
	if found["waiting"]:
		yield "\nWaiting"
		yield from waiting_lines(found["waiting"])


# --- the connection test

MARKS = {True: "ok", False: "FAILED", None: "-"}


def step_lines(step: Step) -> Iterator[str]:
	yield paragraph(step.message, f"  {step.step:<10}{MARKS[step.ok]:<8}")
	if step.ok is False and step.fix:
		yield paragraph(step.fix, " " * 20)
