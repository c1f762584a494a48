"""Punches a second from the server to the check-in, next to other ways and to the floor below all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from operator import attrgetter
from time import monotonic
from typing import NamedTuple

import frappe

from biometric_integration.core.reasons import Reason
from biometric_integration.tests.attack import rig
from biometric_integration.tests.attack.rig import EVENT, LOG
from biometric_integration.tests.benchmark import place, two, ways
from biometric_integration.tests.benchmark.fake import Remote
from biometric_integration.tests.benchmark.place import Took
from biometric_integration.tests.benchmark.table import Half, Line, Table
from biometric_integration.tests.queries import queries

PAUSE = 0.05
ROUNDS = 3
DOCUMENT_API = "ours, Document API"
BULK = "ours, bulk"
"""What other parts compare with."""


class Cost(NamedTuple):
	"""What some punches cost, with queries for each."""

	punches: int
	seconds: float
	queries: float

	@property
	def rate(self) -> float:
		return self.punches / self.seconds


def measure(table: Table, punches: int, employees: int, samples: tuple[int, int, int]) -> None:
	"""`samples`: how many punches of the per-punch way, of HRMS's and of ours through the Document API."""
	place.clear()
	with Remote("eTimeTrackLite", place.past(punches, employees)) as remote:
		place.employ(remote.ledger)
		_one_by_one(table, remote, samples)
		ours(table, remote, BULK)
		_side_by_side(table, remote)
		_floor(table)
	place.clear()
	with Remote("eTimeTrackLite", place.past(punches, employees, rotating=True)) as remote:
		place.employ(remote.ledger)
		ours(table, remote, "ours, bulk, 10 % change the shift every week", with_halves=False)


def _one_by_one(table: Table, remote: Remote, samples: tuple[int, int, int]) -> None:
	"""Each way in turn, several times, on a site with one rule of its own that does nothing; the median of each."""
	first_day, latest = remote.ledger.first_day, remote.ledger.first_day_of(samples[2])
	ways_of_all: Mapping[str, Callable[[], Cost]] = {
		"per punch: look up, exists, insert": lambda: _by_others(
			remote, ways.per_punch, first_day, samples[0]
		),
		"HRMS's add_log_based_on_employee_field": lambda: _by_others(
			remote, ways.by_hrms, first_day, samples[1]
		),
		DOCUMENT_API: lambda: _by_document_api(table, remote, latest),
	}
	with place.with_a_rule():
		rounds = [{name: way() for name, way in ways_of_all.items()} for _ in range(ROUNDS)]
	for name in ways_of_all:
		costs = [costs[name] for costs in rounds]
		ratios = sorted(costs[name].rate / costs[next(iter(ways_of_all))].rate for costs in rounds)
		middle = sorted(costs, key=attrgetter("rate"))[len(costs) // 2]
		note = (
			f"{middle.queries:.1f} queries each; {ratios[0]:.2f}–{ratios[-1]:.2f} × per punch in each round"
		)
		line = table.add(Line(name, middle.punches, middle.seconds, Half.BOTH, note))
		table.slowest = table.slowest or line


def _by_others(remote: Remote, way: ways.Way, first_day: date, sample: int) -> Cost:
	place.empty()
	before = queries()
	took = ways.take(way, remote.ledger.rows(first_day, ways.WARM_UP + sample))
	return Cost(took.punches, took.seconds, (queries() - before) / (took.punches + ways.WARM_UP))


def _by_document_api(table: Table, remote: Remote, first_day: date) -> Cost:
	_get_ready(remote, first_day)
	pulled, before = place.pull(remote.id, remote.ledger.utc_now), queries()
	used = place.process()
	cost = Cost(pulled.punches, pulled.seconds + used.seconds, (queries() - before) / used.punches)
	written = frappe.get_all(LOG, pluck="written", distinct=True)
	table.expect(
		"how they were written", sorted({word.split(":")[0] for word in written if word}), ["One by one"]
	)
	# the end of a night that began before the first day is not used
	ends = frappe.db.count(
		EVENT, {"reason_code": Reason.BEFORE_FLOOR.value, "source_time": ("<", noon(first_day))}
	)
	place.check(table, DOCUMENT_API, remote.ledger.count(first_day) - ends)
	return cost


def noon(day: date) -> datetime:
	return datetime.combine(day, time(12))


def _get_ready(remote: Remote, first_day: date) -> None:
	"""An empty site that has done it once before."""
	remote.prepare(first_day)
	place.empty()
	place.connect_to([remote], first_day)
	place.warm_up(remote, first_day)
	place.empty()


def ours(
	table: Table,
	remote: Remote,
	name: str,
	first_day: date | None = None,
	*,
	with_halves: bool = True,
) -> Line:
	"""From an empty site to all check-ins, with a line for the whole and one for each half."""
	first_day = first_day or remote.ledger.first_day
	_get_ready(remote, first_day)
	pulled, used = place.pull(remote.id, remote.ledger.utc_now), place.process()
	line = add(table, name, pulled, used, with_halves=with_halves)
	expected = remote.ledger.count(first_day)
	table.expect(f"punches of {name}", pulled.punches, expected)
	place.check(table, name, expected)
	return line


def _side_by_side(table: Table, remote: Remote) -> None:
	"""One worker uses what the other has read so far: what a site with two workers does by itself in a long run."""
	name = "ours, bulk, one worker reads and one uses"
	place.empty()
	together = rig.processes().Barrier(2)
	with two.reading(remote, together) as pipe:
		together.wait(two.PATIENCE)
		start = monotonic()
		while not pipe.poll(PAUSE):
			place.process()
		punches = two.received(pipe).punches
	place.process()
	table.add(Line(name, punches, monotonic() - start, Half.BOTH))
	place.check(table, name, remote.ledger.count(remote.ledger.first_day))


def add(table: Table, name: str, pulled: Took, used: Took, *, with_halves: bool, note: str = "") -> Line:
	line = table.add(Line(name, pulled.punches, pulled.seconds + used.seconds, Half.BOTH, note))
	if with_halves:
		table.add(Line("  server → staging", pulled.punches, pulled.seconds, Half.PULL))
		table.add(Line("  staging → check-in", used.punches, used.seconds, Half.PROCESS))
	return line


def _floor(table: Table) -> None:
	events, checkins = ways.floor()
	seconds = events.seconds + checkins.seconds
	note = "executemany of the same rows, a commit for 1,000"
	lines = {
		Half.BOTH: Line("floor: bare INSERTs of both", events.punches, seconds, Half.BOTH, note),
		Half.PULL: Line("  staging rows", events.punches, events.seconds, Half.PULL),
		Half.PROCESS: Line("  check-in rows", checkins.punches, checkins.seconds, Half.PROCESS),
	}
	for half, line in lines.items():
		table.floor[half] = table.add(line)
