"""What a sync costs that finds nothing new, which is what most syncs do."""

from __future__ import annotations

from datetime import timedelta

import frappe

from biometric_integration.sync import jobs
from biometric_integration.tests.benchmark import place
from biometric_integration.tests.benchmark.fake import Remote
from biometric_integration.tests.benchmark.table import Line, Table

LATER = timedelta(minutes=5)
DAYS = 7
"""Of history, which the first run reads."""
PUNCHES_A_DAY = 2


def measure(table: Table, streams: int, employees: int) -> None:
	punches = DAYS * PUNCHES_A_DAY * employees
	_idle(table, "eTimeTrackLite", streams, punches, employees)
	_idle(table, "eBioServer", 4, punches, employees)


def _idle(table: Table, server_type: str, devices: int, punches: int, employees: int) -> None:
	place.clear()
	with Remote(server_type, place.past(punches, employees, devices=devices)) as remote:
		place.employ(remote.ledger)
		place.connect_to([remote], remote.ledger.first_day)
		_run(remote)
		for _ in range(2):  # the first one is the warm-up
			remote.set_clock(remote.ledger.now + LATER)
			seconds, queries, requests, streams, new = _run(remote)
		table.expect(f"new punches of the idle {server_type}", new, 0)
	what = f"idle: {server_type}, {streams} streams" + (f" of {devices} devices" if streams > 2 else "")
	table.add(
		Line(
			what,
			0,
			note=f"{seconds:.2f} s a run ({seconds / streams * 1000:.0f} ms, {queries / streams:.1f} queries, "
			f"{requests / streams:.1f} requests a stream)",
		)
	)


def _run(remote: Remote) -> tuple[float, int, int, int, int]:
	"""Seconds, queries, requests, streams and new punches of one scheduled job."""
	queries, requests = _queries(), remote.requests
	with place.at(remote.ledger.utc_now):
		seconds, reports = place.timed(lambda: jobs.pull_server(remote.id))
	place.check_reports(reports)
	queries = _queries() - queries - 1  # the first count is itself counted
	return (
		seconds,
		queries,
		remote.requests - requests,
		len(reports),
		sum(report.counts.new for report in reports),
	)


def _queries() -> int:
	"""Statements of this connection so far, commits included."""
	return int(frappe.db.sql("SHOW SESSION STATUS LIKE 'Questions'")[0][1])
