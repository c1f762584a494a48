"""A hundred devices on a server that is dead: what another server has arrives on time, and the dead one costs seconds.

	bench --site attack.localhost execute biometric_integration.tests.attack.dead.run --kwargs "{'serials': 100}"

The dead server refuses connections first, then it takes them and never answers. At each tick both servers are pulled, by two workers at once
as a bench has them, and then by one worker that gets the dead one first.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.process import BaseProcess

import frappe
from frappe.utils import get_system_timezone

from biometric_integration.simulator import FakeETimeTrackLite, Fault, FaultKind, World
from biometric_integration.sync.records import servers
from biometric_integration.tests.attack import rig, workers
from biometric_integration.tests.attack.rig import PASSWORD, SERVERS, Report, Site

DEAD, ALIVE = SERVERS["eTimeTrackLite"], SERVERS["eBioServer"]
REQUEST = "Biometric Sync Request"
LONGEST = 300


def run(serials: int = 100, timeout: int = 30, ticks: int = 2, wipe: bool = False) -> None:
	"""`timeout` as in the settings, in seconds. `ticks` for each way to be dead."""
	rig.take_over(wipe)
	report = Report(f"{serials} serial numbers on a dead server, time-out {timeout} s")
	for name, kind in (("refuses", FaultKind.REFUSE), ("hangs", FaultKind.HANG)):
		with _scene(serials, timeout, kind) as world:
			for number in range(1, ticks + 1):
				_tick(report, world, f"it {name}, tick {number}, two workers", at_once=True)
			_tick(report, world, f"it {name}, one worker", at_once=False)
	report.show()


@contextmanager
def _scene(serials: int, timeout: int, kind: FaultKind) -> Iterator[World]:
	"""The world of the server that is alive."""
	rig.clear()
	alive, dead = World(None, get_system_timezone()), World(None, get_system_timezone())
	alive.add_device("ALIVE1", "Gate")
	for number in range(serials):
		dead.add_device(f"DEAD{number:04d}", f"Door {number}")
	alive.employees.append("1")
	rig.employ(alive)
	with (
		rig.FAKES["eBioServer"](alive, password=PASSWORD) as one,
		FakeETimeTrackLite(dead, password=PASSWORD) as other,
	):
		other.faults.add(Fault(kind, times=None, **({"seconds": LONGEST} if kind is FaultKind.HANG else {})))
		first_day = alive.now.date() - timedelta(days=1)
		rig.configure({"eTimeTrackLite": other, "eBioServer": one}, first_day, timeout)
		yield alive


def _tick(report: Report, world: World, name: str, at_once: bool) -> None:
	world.punch("ALIVE1", "1", world.now - timedelta(seconds=5))
	started = time.monotonic()
	dead = _pull(world, DEAD)
	if not at_once:
		dead.join(LONGEST)
	cost = time.monotonic() - started
	arrived = _join(_pull(world, ALIVE), started)
	dead.join(LONGEST)
	cost = time.monotonic() - started if at_once else cost
	frappe.db.rollback()  # what others have committed is seen
	missing = len(world.truth()) - frappe.db.count(rig.CHECKIN)
	logs = frappe.get_all(rig.LOG, {"server": DEAD}, pluck="name", order_by="started_at desc", limit=1)
	requests = frappe.db.count(REQUEST, {"parent": ("in", logs)})
	state = servers.state(DEAD)
	rests = (state.next_attempt - frappe.utils.now_datetime()).total_seconds() if state.next_attempt else 0
	for heading, value in {
		"other server's punch used after (s)": arrived,
		"dead server's job took (s)": cost,
		"requests to it": requests,
		"then left alone for (s)": rests,
		"punches missing": missing,
	}.items():
		report.add(heading, name, value)
	if missing or dead.exitcode or rests <= 0:
		report.wrong.append(
			f"{name}: {missing} punches missing, exit code {dead.exitcode}, rests {rests:.0f} s"
		)


def _pull(world: World, server: str) -> BaseProcess:
	arguments = (Site.current(), server, world.utc_now)
	worker = rig.processes().Process(target=workers.pull, args=arguments, daemon=True)
	worker.start()
	return worker


def _join(worker: BaseProcess, started: float) -> float:
	worker.join(LONGEST)
	rig.end(worker)
	return time.monotonic() - started
