"""SIGKILL, at random points, of a worker that syncs a history; each time it is started again.

	bench --site attack.localhost execute biometric_integration.tests.attack.kill.run --kwargs "{'kills': 200, 'punches': 20000, 'seed': 1}"

The history goes on by some days with each start, so that there is always something to read and to use. A worker is stopped first, to see
what it was at, and killed then. At the end one run is left alone.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing.process import BaseProcess

import frappe

from biometric_integration.sync.db import locks
from biometric_integration.tests.attack import rig, workers
from biometric_integration.tests.attack.rig import Report, Scene, Site

STRETCH = 1.6
"""The moment of the kill is drawn from the expected length of the run times this: some runs get through."""
HOPELESS = 3
"""Runs with an error of their own, after which there is no point in going on."""
EARLY = 0.4
"""How many of the kills are aimed at the reading alone, which is short beside the writing of check-ins."""
IN_USE, IN_READING, ELSEWHERE = POINTS = (
	"while punches were used",
	"while a stream was read",
	"at the start, between streams or at the end",
)
STOPPED = "The worker stopped in the middle of this run%"


def run(
	kills: int = 200,
	punches: int = 20000,
	employees: int = 50,
	seed: int = 1,
	minutes: float = 20,
	wipe: bool = False,
) -> None:
	"""`kills` in all, half of them for each server type, each over a history of its own of `punches`."""
	rig.take_over(wipe)
	report = Report(f"{kills} SIGKILLs, {punches} punches for each server type, seed {seed}")
	deadline = time.monotonic() + 60 * minutes
	for number, server_type in enumerate(rig.FAKES):
		share = kills // 2 + (kills % 2 if number == 0 else 0)
		with rig.scene(server_type, punches, employees, seed) as scene:
			Attack(scene, share, random.Random(seed + number), deadline).run(report)
			print(f"{server_type}: done, {len(report.wrong)} findings", flush=True)
	report.show()


@dataclass
class Attack:
	"""One server type. pace: seconds of a run without punches, and for each punch that is to be used; learnt from runs that got through."""

	scene: Scene
	kills: int
	chance: random.Random
	deadline: float
	site: Site = field(default_factory=Site.current)
	pace: tuple[float, float] = (1.0, 0.01)
	hits: Counter = field(default_factory=Counter)
	finished: int = 0
	broken: int = 0

	def run(self, report: Report) -> None:
		started = time.monotonic()
		self.processes = rig.processes()
		step = self.scene.rewind() / (self.kills * STRETCH)
		self._calibrate(step)
		while self.hits.total() < self.kills and self.broken < HOPELESS and time.monotonic() < self.deadline:
			self.scene.advance(step)
			self._once()
		attacked = time.monotonic() - started
		self.scene.world.now = self.scene.end
		alone = self._alone()
		self._tell(report, attacked, alone)

	def _calibrate(self, step: timedelta) -> None:
		"""Two runs left alone, the second with nothing to do: how long a run takes on this machine."""
		self.scene.advance(step)
		outstanding = self._outstanding()
		busy, idle = self._alone(), self._alone()
		self.pace = idle, max(0.005, (busy - idle) / max(1, outstanding))

	def _once(self) -> None:
		outstanding = self._outstanding()
		started, worker = time.monotonic(), self._start()
		worker.join(self._moment(outstanding))
		if worker.is_alive() and (where := self._freeze(worker)):
			worker.kill()
			worker.join()
			self.hits[where] += 1
			return
		worker.join()
		self.finished += 1
		self.broken += worker.exitcode != 0
		self._learn(time.monotonic() - started, outstanding)

	def _moment(self, outstanding: int) -> float:
		"""Seconds from the start to the kill."""
		reading, using = self.pace[0], self.pace[1] * outstanding
		is_early = self.chance.random() < EARLY
		return self.chance.uniform(0, STRETCH) * (reading if is_early else reading + using)

	def _start(self) -> BaseProcess:
		moment: datetime = self.scene.world.utc_now
		worker = self.processes.Process(
			target=workers.pull, args=(self.site, self.scene.server, moment), daemon=True
		)
		worker.start()
		return worker

	def _freeze(self, worker: BaseProcess) -> str:
		"""Stop it and see what it is at; empty where it is gone already."""
		try:
			os.kill(worker.pid, signal.SIGSTOP)
		except ProcessLookupError:
			return ""
		frappe.db.rollback()  # what others have committed is seen
		if locks.taken(locks.LANE):
			return IN_USE
		streams = frappe.get_all(rig.LOG, {"status": "Running"}, pluck="stream")
		if any(locks.taken(stream) for stream in streams):
			return IN_READING
		return ELSEWHERE

	def _outstanding(self) -> int:
		frappe.db.rollback()  # what others have committed is seen
		return max(0, len(self.scene.world.truth()) - frappe.db.count(rig.CHECKIN))

	def _learn(self, seconds: float, outstanding: int) -> None:
		base, each = self.pace
		if outstanding > 50:
			each = (each + max(0.001, (seconds - base) / outstanding)) / 2
		else:
			base = (base + seconds) / 2
		self.pace = base, each

	def _alone(self) -> float:
		started, worker = time.monotonic(), self._start()
		worker.join(900)
		self.broken += worker.exitcode != 0
		rig.end(worker)
		return time.monotonic() - started

	def _tell(self, report: Report, attacked: float, alone: float) -> None:
		where = self.scene.server_type
		stopped = frappe.db.count(rig.LOG, {"error": ("like", STOPPED)})
		for name, value in {
			"SIGKILLs of a living worker": self.hits.total(),
			**{f"- {point}": self.hits[point] for point in POINTS},
			"runs that got through": self.finished,
			"runs with an error of their own": self.broken,
			"logs closed as Failed by the next run": stopped,
			"seconds under attack": attacked,
			"seconds of the last run, left alone": alone,
		}.items():
			report.add(where, name, value)
		report.findings(where, rig.look(self.scene))
		if self.hits.total() < self.kills:
			report.wrong.append(f"{where}: it ended after {self.hits.total()} kills")
		if self.broken:
			report.wrong.append(f"{where}: {self.broken} runs ended with an error")
