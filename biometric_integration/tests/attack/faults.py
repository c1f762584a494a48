"""Every fault of the simulator on both server types: what the log says, where the cursor is, and when the punches arrive.

	python -m biometric_integration.tests.attack.faults

Prints the table of the documentation. A day after a first good run there are new punches, a late one among them, and every answer has the
fault (an id reset happens once). Then the server is well again, and runs follow: a minute later, and a day later where something is still
missing. *Lost* is what the server has, or had and sent, and is not here in the end.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from biometric_integration.core.runs import RunReport, RunStatus
from biometric_integration.simulator import FaultKind
from biometric_integration.tests.scenarios import Scenarios
from biometric_integration.tests.scenarios.place import (
	DAY,
	EBIO,
	ETIME,
	HOUR,
	MINUTE,
	NOON,
	SECOND,
	Place,
	small_world,
)
from biometric_integration.tests.unit.test_bridge_scenarios import SqliteHost

DETAILS: dict[FaultKind, Sequence[dict[str, Any]]] = {
	FaultKind.HANG: [{"seconds": 20}],
	FaultKind.SLOW_DRIP: [{"chunk": 256, "pause": 0.001}],
	FaultKind.ECHO_PASSWORD: [
		{"form": "html", "status": 500},
		{"form": "html", "status": 200},
		{"form": "fault"},
		{"form": "text"},
	],
	FaultKind.CLOCK: [{"seconds": 5 * 3600}, {"seconds": -5 * 3600}],
	FaultKind.ID_RESET: [{"keep_rows": True}, {"keep_rows": False}],
}
ONCE = frozenset({FaultKind.ID_RESET})
"""Faults that happen; all others last."""
IMPATIENT = 0.3
FIRST_ID = 5000
HEADINGS = ("Fault", "Server type", "Log", "Class", "Cursor", "Arrives", "Lost", "Double")


@dataclass(frozen=True)
class Line:
	"""One fault on one server type."""

	fault: str
	server_type: str
	status: str
	error_class: str
	cursor: str
	arrives: str
	lost: int
	double: int

	def __str__(self) -> str:
		return f"| {' | '.join(map(str, vars(self).values()))} |"


class Stage(Scenarios):
	"""The scenes of the scenario suite, without a test runner."""

	def __init__(self, host: SqliteHost):
		self.host = host


def lines() -> Iterator[Line]:
	for kind in FaultKind:
		for details in DETAILS.get(kind, [{}]):
			for server_type in (ETIME, EBIO):
				with tempfile.TemporaryDirectory() as folder:
					host = SqliteHost(Path(folder) / "punches.sqlite")
					try:
						yield _line(Stage(host), server_type, kind, details)
					finally:
						host.close()


def _line(stage: Stage, server_type: str, kind: FaultKind, details: dict[str, Any]) -> Line:
	mark = uuid4().hex[:6]
	with stage.place(server_type, small_world(mark, first_id=FIRST_ID), mark) as place:
		place.enter_devices()
		place.employ("0031", "0044")
		place.punch("0031", NOON - HOUR)
		place.run()
		truth = set(place.written())
		place.later(26 * HOUR)
		for number in range(5):
			place.punch("0031", place.world.now - HOUR + number * 7 * SECOND)
		place.punch("0044", NOON - MINUTE, received=place.world.now)
		before = place.marks()
		place.fault(kind, times=1 if kind in ONCE else None, **details)
		config = replace(place.config, timeout=IMPATIENT) if kind is FaultKind.HANG else place.config
		reports = place.run(config)
		cursor = _moved(before, place.marks())
		truth |= set(place.truth())
		arrives = _arrival(place, truth)
		written = place.written()
		return Line(
			", ".join([kind.value, *(f"{name} {value}" for name, value in details.items())]),
			server_type,
			_status(reports),
			", ".join(dict.fromkeys(report.error_class.value for report in reports if report.error_class))
			or "–",
			cursor,
			arrives,
			len(truth - set(written)),
			len(written) - len(set(written)),
		)


def _status(reports: Sequence[RunReport]) -> str:
	return ", ".join(dict.fromkeys(report.status.value for report in reports))


def _moved(before: dict[str, tuple], after: dict[str, tuple]) -> str:
	"""What became of the marks: position and read until, and complete until."""
	goes_on = any(before[key][:2] != after[key][:2] for key in before)
	is_complete = any(before[key][2] != after[key][2] for key in before)
	if goes_on and not is_complete:
		return "reads on, *complete until* stays"
	return "moves" if goes_on else "stays"


def _arrival(place: Place, truth: set) -> str:
	"""With which run all is there."""
	if truth <= set(place.written()):
		return "in spite of it"
	place.fake.faults.clear()
	for wait, name in ((MINUTE, "with the next run"), (DAY, "with the nightly look")):
		place.later(wait)
		reports = place.run()
		if truth <= set(place.written()):
			return name
	statuses = [report.status for report in reports]
	return "never" if all(status is RunStatus.SUCCESS for status in statuses) else "never, and says so"


def main() -> int:
	print(f"| {' | '.join(HEADINGS)} |\n|{'---|' * len(HEADINGS)}")
	bad = 0
	for line in lines():
		print(line, flush=True)
		bad += bool(line.lost or line.double)
	print(f"\n{bad} of them lost or doubled a punch.")
	return 1 if bad else 0


if __name__ == "__main__":
	sys.exit(main())
