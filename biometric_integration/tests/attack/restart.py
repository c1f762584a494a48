"""The database and Redis restarted in the middle of a run: the next run completes it.

	bench --site attack.localhost execute biometric_integration.tests.attack.restart.run --kwargs
		"{'database': 'service mariadb restart', 'redis': 'systemctl restart redis-server'}"

The commands are run by a shell as they are given, each once while a stream is read and once while punches are used, for each server type.
Everything else on that database feels it, so take a bench of your own. What the interrupted run says does not matter; the next one has to be
a success, and all has to be there.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.process import BaseProcess

import frappe

from biometric_integration.sync.db import locks
from biometric_integration.tests.attack import rig, workers
from biometric_integration.tests.attack.rig import Report, Scene, Site

PATIENCE = 60
"""Seconds to wait for a worker to get to a point, and for the database to be back."""
LONGEST = 600


def run(
	database: str, redis: str, punches: int = 1500, employees: int = 50, seed: int = 1, wipe: bool = False
) -> None:
	rig.take_over(wipe)
	report = Report("Restarts in the middle of a run")
	for server_type in rig.FAKES:
		with rig.scene(server_type, punches, employees, seed) as scene:
			step = scene.rewind() / 5
			for name, command in (("database", database), ("Redis", redis)):
				for point, reached in POINTS.items():
					scene.advance(step)
					_interrupt(report, scene, f"{name} restarted {point}", command, reached)
			scene.advance(timedelta(days=365))
			_alone(report, scene, "the last run")
			report.findings(server_type, rig.look(scene))
	report.show()


def _using() -> bool:
	return locks.taken(locks.LANE) and bool(frappe.db.count(rig.EVENT, {"status": "Pending"}))


def _reading() -> bool:
	streams = frappe.get_all(rig.LOG, {"status": "Running"}, pluck="stream")
	return any(locks.taken(stream) for stream in streams)


POINTS: dict[str, Callable[[], bool]] = {
	"while a stream was read": _reading,
	"while punches were used": _using,
}


def _interrupt(report: Report, scene: Scene, name: str, command: str, reached: Callable[[], bool]) -> None:
	worker = _start(scene)
	was_there = _until(worker, reached)
	subprocess.run(command, shell=True, check=True, timeout=PATIENCE * 2)
	_connect_again()
	worker.join(LONGEST)
	rig.end(worker)
	ended = "an error" if worker.exitcode else "no error of the job"
	report.add(scene.server_type, name, ended if was_there else "missed the moment")
	_alone(report, scene, f"- run after the {name}")


def _alone(report: Report, scene: Scene, name: str) -> None:
	before = frappe.db.count(rig.CHECKIN)
	worker = _start(scene)
	worker.join(LONGEST)
	rig.end(worker)
	frappe.db.rollback()  # what others have committed is seen
	there, truth = frappe.db.count(rig.CHECKIN), len(scene.world.truth())
	report.add(scene.server_type, name, f"{there - before} new, {truth - there} of {truth} missing")
	if worker.exitcode or there != truth:
		report.wrong.append(f"{scene.server_type}: {name}: exit code {worker.exitcode}, {there} of {truth}")


def _start(scene: Scene) -> BaseProcess:
	arguments = (Site.current(), scene.server, scene.world.utc_now)
	worker = rig.processes().Process(target=workers.pull, args=arguments, daemon=True)
	worker.start()
	return worker


def _until(worker: BaseProcess, reached: Callable[[], bool]) -> bool:
	deadline = time.monotonic() + PATIENCE
	while worker.is_alive() and time.monotonic() < deadline:
		frappe.db.rollback()  # what others have committed is seen
		if reached():
			return True
	return False


def _connect_again() -> None:
	"""Our own connection is gone too."""
	deadline = time.monotonic() + PATIENCE
	while True:
		try:
			frappe.db.close()
			frappe.connect()
			frappe.db.sql("SELECT 1")
			return
		except Exception:  # not back yet, in whatever words
			if time.monotonic() > deadline:
				raise
			time.sleep(0.5)
