"""Two workers told to sync the same server at once, again and again, while people change what decides about the punches.

	bench --site attack.localhost execute biometric_integration.tests.attack.race.run --kwargs "{'rounds': 100, 'seed': 1}"

Meanwhile other workers grant each wish to use what waits, and two persons clear, swap and give back device ids (on the form, and past all
hooks), let people leave and come back, use *Reprocess* and delete check-ins. Every few rounds all hold still: nothing may be Pending then
that could be used, as everybody who opened something again has asked for it to be used.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from queue import Empty

import frappe

from biometric_integration.sync import jobs
from biometric_integration.tests.attack import rig, workers
from biometric_integration.tests.attack.rig import CHECKIN, EVENT, LOG, Report, Scene, Site
from biometric_integration.tests.attack.workers import Acts, Desk, Wakes

PULLING, USING, PERSONS = 2, 2, 2
STILL_EVERY = 10
"""Rounds between two looks at what waits."""
PATIENCE = 120
"""Seconds that a round, or holding still, may take."""


def run(
	rounds: int = 100,
	punches: int = 4000,
	employees: int = 50,
	deletes: int = 100,
	seed: int = 1,
	wipe: bool = False,
) -> None:
	"""`rounds` for each server type."""
	rig.take_over(wipe)
	report = Report(f"{PULLING} workers on one server, {rounds} times for each server type, seed {seed}")
	for server_type in rig.FAKES:
		with rig.scene(server_type, punches, employees, seed) as scene:
			Attack(scene, rounds, deletes, seed).run(report)
			print(f"{server_type}: done, {len(report.wrong)} findings", flush=True)
	report.show()


@dataclass
class Attack:
	scene: Scene
	rounds: int
	deletes: int
	seed: int
	site: Site = field(default_factory=Site.current)
	tracebacks: list[str] = field(default_factory=list)
	lost: int = 0
	undecided: int = 0
	stills: int = 0

	def run(self, report: Report) -> None:
		started, before = time.monotonic(), deadlocks()
		self._start()
		try:
			self._rounds()
		finally:
			self.stop.set()
			for process in self.processes:
				process.join(10)
				rig.end(process)
		self._settle()
		self._tell(report, time.monotonic() - started, deadlocks() - before)

	# --- the cast

	def _start(self) -> None:
		context = rig.processes()
		self.wakes, self.stop, self.free = Wakes.of(context), context.Event(), context.Event()
		self.errors, self.done, self.together = context.Queue(), context.Queue(), context.Barrier(PULLING)
		self.tasks = [context.Queue() for _ in range(PULLING)]
		self.acts = [Acts.of(context) for _ in range(PERSONS)]
		cast = [
			(workers.pulling, (self.site, self.scene.server, self.wakes, tasks, self.done, self.together))
			for tasks in self.tasks
		]
		cast += [(workers.using, (self.site, self.wakes, self.errors))] * USING
		cast += [(workers.changing, self._person(number)) for number in range(PERSONS)]
		self.processes = [context.Process(target=target, args=args, daemon=True) for target, args in cast]
		for process in self.processes:
			process.start()

	def _person(self, number: int) -> tuple:
		own = dict(sorted(self.scene.people.items())[number::PERSONS])
		deletes, seed = self.deletes // PERSONS, self.seed * 100 + number
		return self.site, own, seed, deletes, self.wakes, self.free, self.stop, self.acts[number], self.errors

	# --- the play

	def _rounds(self) -> None:
		step = self.scene.rewind() / self.rounds
		self.free.set()
		for number in range(1, self.rounds + 1):
			self.scene.advance(step)
			for tasks in self.tasks:
				tasks.put(self.scene.world.utc_now)
			self.tracebacks += filter(None, (self.done.get(timeout=PATIENCE) for _ in self.tasks))
			if number % STILL_EVERY == 0:
				self._hold_still()
		for queue in self.tasks:
			queue.put(None)
		for _ in range(USING):
			self.wakes.queue.put(None)

	def _hold_still(self) -> None:
		"""Nobody changes anything, and all wishes are granted: what waits now was forgotten."""
		self.free.clear()
		for act in self.acts:
			with act.idle:
				pass
		self._until_granted()
		frappe.db.rollback()  # what others have committed is seen
		self.stills += 1
		self.lost += waiting()
		jobs.process()
		self.undecided += waiting() + without_reason()
		self.free.set()

	def _until_granted(self) -> None:
		deadline = time.monotonic() + PATIENCE
		while self.wakes.open.value and time.monotonic() < deadline:
			time.sleep(0.02)
		if self.wakes.open.value:
			self.tracebacks.append(f"{self.wakes.open.value} wishes were not granted in {PATIENCE} seconds")

	def _settle(self) -> None:
		"""Everybody is there and carries the own id, as at the beginning; the scheduler ticks once more."""
		frappe.db.rollback()  # what others have committed is seen
		desk = Desk(self.site, self.scene.people, random.Random(self.seed), 0)
		desk.come_back()
		desk.give_back()
		frappe.db.commit()  # nosemgrep -- as a person who saved it
		jobs.process()

	# --- what came of it

	def _tell(self, report: Report, seconds: float, deadlocked: int) -> None:
		where, found = self.scene.server_type, rig.look_inside(self.scene)
		self.tracebacks += drained(self.errors)
		acts = Counter(act for each in self.acts for act in drained(each.queue))
		deleted = frappe.db.count(EVENT, {"reason_code": "Check-in Deleted"})
		used = frappe.db.count(EVENT, {"status": "Processed"})
		for name, value in {
			"rounds": self.rounds,
			"seconds": seconds,
			"runs": frappe.db.count(LOG),
			"changes by persons": acts.total() - acts["please try again"],
			**{f"- {name}": acts[name] for name in ACTS},
			"persons asked to try again": acts["please try again"],
			"deadlocks, as the database counts": deadlocked,
			"punches": len(self.scene.world.truth()),
			"check-ins": frappe.db.count(CHECKIN),
			"events Processed": used,
			"- linked to a check-in that was there": frappe.db.count(EVENT, {"reason_code": "Already There"}),
			"events whose check-in a person deleted": deleted,
			"times all held still": self.stills,
		}.items():
			report.add(where, name, value)
		checks = {
			"tracebacks in the workers": len(self.tracebacks),
			"runs that failed": frappe.db.count(LOG, {"status": "Failed"}),
			"wake-ups lost": self.lost,
			"not decided by the next tick": self.undecided,
			"neither used nor deleted": len(self.scene.world.truth()) - used - deleted,
		}
		report.findings(where, {**checks, **found})
		for traceback in self.tracebacks[:3]:
			print(traceback)
		for log in frappe.get_all(LOG, {"status": "Failed"}, ["stream", "error", "error_detail"], limit=3):
			print(f"{log.stream}: {log.error}\n{log.error_detail}")


ACTS = [
	act.__name__
	for act in (
		Desk.clear,
		Desk.give_back,
		Desk.swap,
		Desk.leave,
		Desk.come_back,
		Desk.reprocess,
		Desk.delete,
	)
]


def waiting() -> int:
	"""Events that nothing holds back."""
	return frappe.db.count(EVENT, {"status": "Pending", "reason_code": ("in", ("", None))})


def without_reason() -> int:
	"""Events that wait for somebody who is there."""
	return frappe.db.sql(
		f"""SELECT COUNT(*) FROM `tab{EVENT}` e JOIN `tabEmployee` p ON p.attendance_device_id = e.device_user_id
		WHERE e.status = 'Unmapped' AND p.status = 'Active' AND p.relieving_date IS NULL AND BINARY p.attendance_device_id = BINARY e.device_user_id"""
	)[0][0]  # compared to the letter


def deadlocks() -> int:
	return int(frappe.db.sql("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")[0][1])


def drained(queue) -> list:
	found = []
	try:
		while True:
			found.append(queue.get(timeout=0.2))
	except Empty:
		return found
