"""How runs, streams and waiting punches look: as plain lines for people, as plain values for programs.

Each time goes with its distance from UTC: runs are stamped by the site's clock, what was read by the server's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from biometric_integration.bridge.config import SiteConfig
from biometric_integration.bridge.database import Database
from biometric_integration.core.connector import Step
from biometric_integration.core.runs import LOG_COUNTS, RunReport

RUNS = f"""SELECT id, stream, server, unit, feed, "trigger", status, started_at, finished_at, window_from, window_to, read_to,
	{", ".join(LOG_COUNTS)}, error, error_class FROM log"""
MOST_REASONS = 20
MARKS = {True: "ok", False: "FAILED", None: "-"}
OF_SITE = ("started_at", "finished_at", "last_run")
OF_SERVER = ("window_from", "window_to", "read_to", "read_from", "read_until", "complete_until")
"""Columns with times, by whose clock they are."""
ONLY_FEED = "punches"
"""Of servers that are read in one way; it goes without saying."""

Values = Mapping[str, Any]


def stamp(moment: datetime, zone: str) -> str:
	"""A naive wall clock of `zone`, as in 2026-07-10 02:14:03+05:30."""
	return moment.replace(tzinfo=ZoneInfo(zone)).isoformat(" ", "seconds")


def _stamped(row: Values, settings: SiteConfig) -> dict[str, Any]:
	zones = {
		**dict.fromkeys(OF_SITE, settings.time_zone),
		**dict.fromkeys(OF_SERVER, settings.zone_of(row["server"])),
	}
	found = dict(row)
	for name in zones.keys() & found.keys():
		if found[name]:
			found[name] = stamp(datetime.fromisoformat(found[name]), zones[name])
	return found


def runs_of(database: Database, reports: Iterable[RunReport], settings: SiteConfig) -> list[dict[str, Any]]:
	"""The logs of these runs, as they stand now. A stream that somebody else reads has that run's log."""
	logs = sorted({int(report.log) for report in reports if report.log})
	rows = database.rows_in(f"{RUNS} WHERE id IN ({{marks}})", logs)
	return [_stamped(dict(row), settings) for row in rows]


def waiting(database: Database) -> list[dict[str, Any]]:
	"""Punches that are no check-in yet, by reason; `first` and `last` as their sources wrote them."""
	rows = database.rows(
		"""SELECT status, reason_code, reason, COUNT(*) AS punches, MIN(source_time) AS first, MAX(source_time) AS last FROM event
		WHERE status NOT IN ('Processed', 'Ignored') GROUP BY status, reason_code, reason
		ORDER BY punches DESC, reason"""
	)
	return [dict(row) for row in rows]


def overview(database: Database, settings: SiteConfig, now: datetime) -> dict[str, Any]:
	"""Servers, streams, the last runs, what became of all punches and what waits. `now`: the site's wall clock."""
	streams = database.rows(
		"""SELECT c.stream, c.server, c.unit, c.feed, c.read_from, c.read_until, c.complete_until, c.position, c.delivered, c.last_run,
		l.status, l.error FROM cursor c LEFT JOIN log l ON l.id = (SELECT MAX(id) FROM log WHERE stream = c.stream)
		ORDER BY c.stream"""
	)
	runs = database.rows(f"{RUNS} ORDER BY id DESC LIMIT 10")
	punches = database.rows(
		"SELECT status, COUNT(*) FROM event WHERE kind='Punch' GROUP BY status ORDER BY status"
	)
	return {
		"now": stamp(now, settings.time_zone),
		"time_zone": settings.time_zone,
		"servers": [
			{
				"server": entry.id,
				"type": entry.config.server_type,
				"url": entry.config.endpoint_url,
				"devices": entry.serials,
			}
			for entry in settings.servers
		],
		"streams": [
			_stamped({**dict(row), "delivered": bool(row["delivered"])}, settings) for row in streams
		],
		"runs": [_stamped(dict(row), settings) for row in reversed(runs)],
		"punches": {status: number for status, number in punches},
		"check_ins": database.value("SELECT COUNT(*) FROM checkin"),
		"employees": database.value("SELECT COUNT(*) FROM employee"),
		"waiting": waiting(database),
	}


def report_line(report: RunReport, settings: SiteConfig) -> str:
	"""A run that has just ended; its punches are not decided yet."""
	started = report.started.astimezone(ZoneInfo(settings.time_zone)).isoformat(" ", "seconds")
	run = {"started_at": started, "status": report.status.value, "error": report.message}
	return run_line({**_parts(report.stream), **run, **vars(report.counts)})


def _parts(key: str) -> dict[str, str]:
	"""Of the key of a stream; where nothing was begun, it is that of a server."""
	server, _, rest = key.partition("/")
	unit, _, feed = rest.partition("/")[2].rpartition("/")
	return {"server": server, "unit": "" if unit == "*" else unit, "feed": feed}


def run_line(run: Values) -> str:
	line = "  {started_at} {status:<8} ".format_map(run) + _name(run)
	counts = ": {fetched:,} rows, {new:,} new, {known:,} known".format_map(run)
	bad = "".join(f", {run[name]:,} {word}" for name, word in BAD.items() if run[name])
	return f"{line}{counts}{bad}. {run['error']}".rstrip()


BAD = {"junk": "junk", "invalid": "unreadable"}


def _name(stream: Values) -> str:
	"""The server, what of it, and by which way where there are several."""
	feed = "" if stream["feed"] == ONLY_FEED else stream["feed"]
	return ", ".join(filter(None, (stream["server"], stream["unit"], feed)))


def waiting_lines(rows: Sequence[Values]) -> Iterator[str]:
	for row in rows[:MOST_REASONS]:
		yield f"  {row['punches']:,} {row['status']}{_days(row)}: {row['reason'] or 'Not decided yet.'}"
	if len(rows) > MOST_REASONS:
		yield f"  … and {len(rows) - MOST_REASONS:,} more reasons."


def _days(row: Values) -> str:
	first, last = (str(row[name] or "")[:10] for name in ("first", "last"))
	if not first:
		return ""
	return f", of {first}" if first == last else f", of {first} to {last}"


def overview_lines(found: Values) -> Iterator[str]:
	yield f"It is {found['now']} ({found['time_zone']})."
	for server in found["servers"]:
		yield f"Server {server['server']}, {server['type']} at {server['url']}"
		own = [stream for stream in found["streams"] if stream["server"] == server["server"]]
		yield from map(_stream_line, own)
		units = {stream["unit"] for stream in own}
		yield from (
			f"  {server['server']}, {serial}: not read yet."
			for serial in server["devices"]
			if serial not in units
		)
		if not (own or server["devices"]):
			yield f"  {server['server']}: not read yet."
	named = [server["server"] for server in found["servers"]]
	for stream in found["streams"]:
		if stream["server"] not in named:
			yield f"Not in the configuration any more\n{_stream_line(stream)}"
	yield "Last runs"
	yield from map(run_line, found["runs"])
	punches = ", ".join(f"{number:,} {status.lower()}" for status, number in found["punches"].items())
	yield f"Punches: {punches or 'none'}. Check-ins: {found['check_ins']:,}. Employees: {found['employees']:,}."
	if found["waiting"]:
		yield "Punches that wait, and why"
	yield from waiting_lines(found["waiting"])


def _stream_line(stream: Values) -> str:
	ended = ", ".join(filter(None, (stream["last_run"], stream["status"])))
	begin, until = stream["read_from"], stream["complete_until"]
	here = f"everything from {begin} to {until}" if begin else f"everything before {until}"
	read = f"{here} is here" if until else "not read to the end so far"
	return f"  {_name(stream)}: last run {ended}; {read}. {stream['error'] or ''}".rstrip()


def step_line(step: Step) -> str:
	return f"  {step.step:<13} {MARKS[step.ok]:<8}{step.message} {step.fix}".rstrip()
