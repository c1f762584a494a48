"""How much a worker grows with the backlog it reads and uses, in a process of its own."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path

from biometric_integration.tests.attack import rig, workers
from biometric_integration.tests.attack.rig import Site, connected
from biometric_integration.tests.benchmark import place
from biometric_integration.tests.benchmark.fake import Remote
from biometric_integration.tests.benchmark.place import Took
from biometric_integration.tests.benchmark.table import Half, Line, Table

PART = 10
"""A backlog of this fraction comes before the whole: growth that goes with the size would show."""
PROC = Path("/proc/self")
FORGET_PEAK = "5"


def measure(table: Table, punches: int, employees: int) -> None:
	for backlog in (punches // PART, punches):
		place.clear()
		with Remote("eTimeTrackLite", place.past(backlog, employees)) as remote:
			place.employ(remote.ledger)
			place.empty()
			remote.prepare(remote.ledger.first_day)
			place.connect_to([remote], remote.ledger.first_day)
			_measured(table, remote)


def _measured(table: Table, remote: Remote) -> None:
	pulled, used, before, peaks = _in_a_worker(remote)
	name = f"memory: a backlog of {pulled.punches:,} in one worker"
	note = f"from {before:.0f} MB it grew by {peaks[0] - before:.0f} MB reading, {peaks[1] - before:.0f} MB using"
	table.add(Line(name, pulled.punches, pulled.seconds + used.seconds, Half.BOTH, note))
	expected = remote.ledger.count(remote.ledger.first_day)
	table.expect(f"punches of {name}", pulled.punches, expected)
	place.check(table, name, expected)


def _in_a_worker(remote: Remote) -> tuple[Took, Took, float, tuple[float, float]]:
	context = rig.processes()
	ours, theirs = context.Pipe()
	worker = context.Process(
		target=_work, args=(Site.current(), remote.id, remote.ledger.utc_now, theirs), daemon=True
	)
	worker.start()
	theirs.close()
	try:
		return ours.recv()
	except EOFError as error:
		raise RuntimeError("the worker ended before its work was done") from error
	finally:
		rig.end(worker)


def _work(site: Site, server: str, moment: datetime, pipe: Connection) -> None:
	"""The worker: megabytes before, and the peaks while reading and while using."""
	workers.end_with_parent()
	with connected(site):
		_forget_peak()
		before = _megabytes("VmRSS")
		pulled = place.pull(server, moment)
		reading = _megabytes("VmHWM")
		_forget_peak()
		used = place.process()
		pipe.send((pulled, used, before, (reading, _megabytes("VmHWM"))))


def _forget_peak() -> None:
	with suppress(OSError):  # some containers forbid it: then the peak is that of the whole life
		(PROC / "clear_refs").write_text(FORGET_PEAK)


def _megabytes(name: str) -> float:
	return int(re.search(rf"{name}:\s+(\d+) kB", (PROC / "status").read_text())[1]) / 1024
