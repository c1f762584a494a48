"""Punches a second from the server to the check-in, next to other ways and to the floor below all of them."""

from __future__ import annotations

from datetime import date
from time import monotonic

from biometric_integration.tests.attack import rig
from biometric_integration.tests.benchmark import place, two, ways
from biometric_integration.tests.benchmark.fake import Remote
from biometric_integration.tests.benchmark.place import Took
from biometric_integration.tests.benchmark.table import Half, Line, Table

PAUSE = 0.05
BULK = "ours, bulk"
"""What other parts compare with."""


def measure(table: Table, punches: int, employees: int, samples: tuple[int, int, int]) -> None:
	"""`samples`: how many punches of the per-punch way, of HRMS's and of ours through the Document API."""
	place.clear()
	with Remote("eTimeTrackLite", place.past(punches, employees)) as remote:
		place.employ(remote.ledger)
		_others(table, remote, *samples[:2])
		_document_api(table, remote, samples[2])
		ours(table, remote, BULK)
		_side_by_side(table, remote)
		_floor(table)
	place.clear()
	with Remote("eTimeTrackLite", place.past(punches, employees, rotating=True)) as remote:
		place.employ(remote.ledger)
		ours(table, remote, "ours, bulk, 10 % change the shift every week", with_halves=False)


def _others(table: Table, remote: Remote, per_punch: int, by_hrms: int) -> None:
	first_day = remote.ledger.first_day
	ways_of_others = (
		("per punch: look up, exists, insert", ways.per_punch, per_punch, "a commit for 100"),
		("HRMS's add_log_based_on_employee_field", ways.by_hrms, by_hrms, "without its web request"),
	)
	for name, way, sample, note in ways_of_others:
		place.empty()
		took = ways.take(way, remote.ledger.rows(first_day, ways.WARM_UP + sample))
		line = table.add(Line(name, took.punches, took.seconds, Half.BOTH, note))
		table.slowest = table.slowest or line


def _document_api(table: Table, remote: Remote, sample: int) -> None:
	first_day = remote.ledger.first_day_of(sample)
	ours(table, remote, "ours, Document API", first_day, in_bulk=False)


def ours(
	table: Table,
	remote: Remote,
	name: str,
	first_day: date | None = None,
	*,
	in_bulk: bool | None = None,
	with_halves: bool = True,
) -> Line:
	"""From an empty site to all check-ins, with a line for the whole and one for each half."""
	first_day = first_day or remote.ledger.first_day
	remote.prepare(first_day)
	place.empty()
	place.connect_to([remote], first_day)
	place.warm_up(remote, first_day, in_bulk)
	place.empty()
	pulled, used = place.pull(remote.id, remote.ledger.utc_now), place.process(in_bulk)
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
