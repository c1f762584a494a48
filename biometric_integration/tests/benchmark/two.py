"""Two servers read by two workers at the same time, next to one server read by one."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from time import monotonic

from biometric_integration.sync.records import servers
from biometric_integration.tests.attack import rig, workers
from biometric_integration.tests.attack.rig import Site, connected
from biometric_integration.tests.benchmark import place
from biometric_integration.tests.benchmark.fake import Remote
from biometric_integration.tests.benchmark.place import Took
from biometric_integration.tests.benchmark.table import Half, Line, Table

DELAYS = (0.0, 0.15)
"""Seconds until an answer begins: at once, and as a server on a network takes it."""
PATIENCE = 60


@dataclass(frozen=True)
class Stretch:
	"""What one worker has read, and when (monotonic seconds, the same for all processes)."""

	punches: int
	start: float
	end: float


def measure(table: Table, punches: int, employees: int) -> None:
	"""Each server has half of the punches and half of the people."""
	half = employees // 2
	pasts = (
		place.past(punches // 2, half),
		place.past(punches // 2, half, prefix="BENB", first=half, seed=2),
	)
	place.clear()
	with ExitStack() as stack:
		remotes = [
			stack.enter_context(Remote("eTimeTrackLite", past, server_id))
			for past, server_id in zip(pasts, rig.SERVERS.values(), strict=True)
		]
		first_day = min(remote.ledger.first_day for remote in remotes)
		for remote in remotes:
			remote.prepare(first_day)
		place.employ(*(remote.ledger for remote in remotes))
		place.connect_to(remotes, first_day)
		for delay in DELAYS:
			_compare(table, remotes, delay)
		_use(table, remotes)


def _compare(table: Table, remotes: Sequence[Remote], delay: float) -> None:
	for remote in remotes:
		remote.set_delay(delay)
	answers = f"answers after {delay * 1000:.0f} ms" if delay else "answers at once"
	place.empty()
	one = _pulled(remotes[:1])
	alone = table.add(
		Line("one server, one worker, staging only", one.punches, one.seconds, Half.PULL, answers)
	)
	place.empty()
	both = _pulled(remotes)
	expected = sum(remote.ledger.count(remote.ledger.first_day) for remote in remotes)
	table.expect(f"punches of two servers, {answers}", both.punches, expected)
	note = f"{answers}: {both.punches / both.seconds / alone.rate:.2f} × one"
	table.add(Line("two servers, two workers, staging only", both.punches, both.seconds, Half.PULL, note))


def _use(table: Table, remotes: Sequence[Remote]) -> None:
	"""Using is one lane per site: a second worker would find it taken."""
	used = place.process()
	table.add(Line("  their check-ins, in the one lane", used.punches, used.seconds, Half.PROCESS))
	place.check(table, "two servers", sum(remote.ledger.count(remote.ledger.first_day) for remote in remotes))


def _pulled(remotes: Sequence[Remote]) -> Took:
	"""All at the same time, each in a worker of its own; from the first beginning to the last end."""
	together = rig.processes().Barrier(len(remotes))
	with ExitStack() as stack:
		pipes = [stack.enter_context(reading(remote, together)) for remote in remotes]
		stretches = [received(pipe) for pipe in pipes]
	begin = min(stretch.start for stretch in stretches)
	return Took(
		sum(stretch.punches for stretch in stretches), max(stretch.end for stretch in stretches) - begin
	)


@contextmanager
def reading(remote: Remote, together: Barrier) -> Iterator[Connection]:
	"""A worker that reads the server as soon as all are ready; its Stretch comes through the pipe."""
	context = rig.processes()
	ours, theirs = context.Pipe()
	arguments = (Site.current(), remote.id, remote.ledger.utc_now, together, theirs)
	worker = context.Process(target=_work, args=arguments, daemon=True)
	worker.start()
	theirs.close()
	try:
		yield ours
	finally:
		rig.end(worker)


def received(pipe: Connection) -> Stretch:
	answer = pipe.recv()
	if isinstance(answer, Stretch):
		return answer
	raise RuntimeError(f"a worker failed:\n{answer}")


def _work(site: Site, server: str, moment: datetime, together, pipe: Connection) -> None:
	"""The worker: waits for the others, then reads. What goes wrong is sent as a traceback."""
	workers.end_with_parent()
	try:
		with connected(site):
			servers.get(server)  # settings and metadata are read before anything is timed
			together.wait(PATIENCE)
			start = monotonic()
			took = place.pull(server, moment)
			pipe.send(Stretch(took.punches, start, monotonic()))
	except Exception:
		pipe.send(traceback.format_exc())
