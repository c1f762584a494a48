"""Many devices of a slow server: a round of all of them, with 1, 2 and 4 asked at once, in turn; and with one of them that hangs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from statistics import median

from biometric_integration.core.runs import RunReport, Trigger
from biometric_integration.sync import jobs
from biometric_integration.sync.records import servers
from biometric_integration.tests.benchmark import place
from biometric_integration.tests.benchmark.fake import Remote
from biometric_integration.tests.benchmark.table import Line, Table

WIDTHS = (1, 2, 4)
ROUNDS = 3
DELAY = 0.3
"""Seconds that the server takes for each answer."""
HANGS = 20.0
"""Seconds for which it says nothing about one device; less than the time-out."""
PUNCHES, EMPLOYEES = 2000, 100
LATER = timedelta(minutes=5)
MOST = 0.4
"""Of the time of one at a time, with the most that can be asked at once."""


def measure(table: Table, devices: int) -> None:
	place.clear()
	with Remote("eTimeTrackLite", place.past(PUNCHES, EMPLOYEES, devices=devices)) as remote:
		place.connect_to([remote], remote.ledger.first_day)
		place.pull(remote.id, remote.ledger.utc_now)
		remote.set_delay(DELAY)
		took: dict[int, list[float]] = {width: [] for width in WIDTHS}
		for _ in range(ROUNDS):
			for width in WIDTHS:
				took[width].append(_round(table, remote, width)[-1])
		_show(table, took, devices)
		_one_hangs(table, remote, median(took[WIDTHS[-1]]))


def _show(table: Table, took: dict[int, list[float]], devices: int) -> None:
	for width, seconds in took.items():
		ratios = sorted(one / base for one, base in zip(seconds, took[1], strict=True))
		note = f"{median(seconds):.1f} s a round, {median(ratios):.0%} ({ratios[0]:.0%}–{ratios[-1]:.0%}) of one at a time"
		table.add(
			Line(f"parallel: {devices} devices at {DELAY * 1000:.0f} ms, {width} at once", 0, note=note)
		)
	share = median(one / base for one, base in zip(took[WIDTHS[-1]], took[1], strict=True))
	table.expect(f"{WIDTHS[-1]} at once in at most {MOST:.0%} of the time", share <= MOST, True)


def _one_hangs(table: Table, remote: Remote, usual: float) -> None:
	"""When the others are done."""
	serial = remote.ledger.devices[0].serial
	remote.hold(serial, HANGS, DELAY)
	ends = _round(table, remote, WIDTHS[-1])
	note = f"{ends[-2]:.1f} s until all others are read ({usual:.1f} s where none hangs)"
	table.add(Line(f"parallel: one hangs for {HANGS:.0f} s, {WIDTHS[-1]} at once", 0, note=note))


def _round(table: Table, remote: Remote, width: int) -> Sequence[float]:
	"""Seconds after which each of its runs had ended."""
	remote.set_clock(remote.ledger.now + LATER)
	before = remote.requests
	target = replace(servers.get(remote.id), at_once=width)
	ends: list[float] = []
	with place.at(remote.ledger.utc_now):
		started = time.perf_counter()

		def tell(_report: RunReport) -> None:
			ends.append(time.perf_counter() - started)

		reports = jobs.read(target, target.options(Trigger.SCHEDULED), tell)
	place.check_reports(reports)
	devices = len(remote.ledger.devices)
	table.expect(
		f"runs and requests with {width} at once", (len(ends), remote.requests - before), (devices, devices)
	)
	table.expect(f"new punches with {width} at once", sum(report.counts.new for report in reports), 0)
	return ends
