"""SIGKILL, at random, of the command itself: what is left must be the truth after the next run.

`BIOMETRIC_KILLS` says how many; `make kill-test` does 60 and says what it saw.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

from biometric_integration.bridge import simulate
from biometric_integration.bridge.database import Database, to_time
from biometric_integration.bridge.exits import Exit
from biometric_integration.bridge.logs import STOPPED
from biometric_integration.simulator import FakeServer, Fault, FaultKind, World

KILLS = int(os.environ.get("BIOMETRIC_KILLS", "10"))
SEED = int(os.environ.get("BIOMETRIC_KILL_SEED", "7"))
EACH_HELD = 5
"""Each fifth kill hits a command that waits for an answer; when the others hit is chance."""
LONG = 60.0
EMPLOYEES = 120
ROOT = Path(__file__).parents[3]
DAY = timedelta(days=1)


def punctual(sample: World) -> World:
	"""The same people a day after the first, with devices that always upload at once.

	A command has the real clock, in which the days of this world take seconds: a nightly look back would not come.
	"""
	rows = sorted(sample.visible(), key=lambda row: row.time)
	world = World(datetime.combine(rows[0].time.date(), datetime.min.time()) + DAY, sample.zone.key)
	for device in sample.devices:
		world.add_device(device.serial, device.name, device.location)
	for row in rows:
		world.punch(row.serial, row.code, row.time, row.direction)
	return world


class CommandTest(unittest.TestCase):
	"""A world whose days go by, and `biometric-integration sync` as a process of its own."""

	DAYS = 5

	def setUp(self):
		folder = tempfile.TemporaryDirectory()
		self.addCleanup(folder.cleanup)
		first_day = datetime.now(timezone.utc).date() - timedelta(days=self.DAYS + 2)
		self.world = punctual(World.sample(employees=EMPLOYEES, first_day=first_day, days=self.DAYS))
		self.end = self.world.now + self.DAYS * DAY
		fakes = simulate.fake_servers(self.world)
		served = fakes.__enter__()
		self.fakes: list[FakeServer] = list(served.values())
		self.addCleanup(fakes.__exit__, None, None, None)
		urls = {server_type: fake.url for server_type, fake in served.items()}
		self.employees = simulate.employees_of(self.world)
		self.config = simulate.write_site(Path(folder.name), self.world, urls, first_day, self.employees)

	def start(self) -> subprocess.Popen:
		command = [
			sys.executable,
			"-m",
			"biometric_integration.bridge",
			"sync",
			"--config",
			str(self.config),
		]
		return subprocess.Popen(
			command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
		)

	def finish(self, *allowed: Exit) -> str:
		run = self.start()
		output = run.communicate(timeout=120)[0]
		self.assertIn(run.returncode, allowed or (Exit.SUCCESS,), output)
		return output

	def requests(self) -> int:
		return sum(len(fake.requests) for fake in self.fakes)

	def database(self) -> Database:
		database = Database(self.config.with_name("punches.sqlite"))
		self.addCleanup(database.close)
		return database

	def assert_truth(self):
		"""Each punch is one event, though all servers tell of it, and one check-in; all counts add up."""
		database = self.database()
		codes = {employee.name: employee.user_id for employee in self.employees}
		checkins = [
			(codes[row["employee"]], to_time(row["time"])) for row in database.rows("SELECT * FROM checkin")
		]
		truth = sorted(self.world.truth())
		self.assertEqual(sorted(checkins), truth)
		events = [
			(row["user_id"], to_time(row["source_time"])) for row in database.rows("SELECT * FROM event")
		]
		self.assertEqual(sorted(events), truth)
		self.assertEqual(database.rows("SELECT * FROM log WHERE fetched != new + known + junk + invalid"), [])
		settled = "created + already_there + unmapped + ignored + failed + quarantined + pending"
		self.assertEqual(database.rows(f"SELECT * FROM log WHERE new != {settled} OR status = 'Running'"), [])
		self.assertEqual(database.value("SELECT SUM(new) FROM log"), len(events))
		self.assertEqual(database.value("PRAGMA integrity_check"), "ok")
		self.assertEqual(database.rows("PRAGMA foreign_key_check"), [])


class KilledSync(CommandTest):
	DAYS = max(KILLS, 10) + 1

	def test_whenever_it_is_killed_the_next_run_gives_the_truth(self):
		chance, started = random.Random(SEED), time.monotonic()
		duration, before, held = self._duration(), 0, 0
		for number in range(KILLS):
			self.world.now += DAY
			seen = self.requests()
			if number % EACH_HELD == 0:
				self._kill_awaiting(chance.choice(self.fakes), after=chance.randrange(2))
				held += 1
			else:
				self._kill_within(chance.uniform(0, duration), from_start=chance.random() < 0.1)
			before += self.requests() == seen
		stopped = self.database().value(
			"SELECT COUNT(*) FROM log WHERE error=? OR status='Running'", (STOPPED,)
		)
		self.world.now = self.end
		self.finish()
		self.assert_truth()
		self.finish()
		self.assert_truth()
		print(
			f"\n{KILLS} SIGKILLs in {time.monotonic() - started:.1f} s (seed {SEED}): {before} before the first request, "
			f"{stopped} in the middle of a run ({held} of them for certain), the others between runs or while punches were "
			f"processed; {len(self.world.truth())} punches from {len(self.fakes)} servers, 0 missing, 0 double."
		)
		self.assertGreaterEqual(stopped, held, "a log that tells nothing of the kill")

	def _duration(self) -> float:
		"""Seconds from the first request to the end, of a run that brings a day."""
		self.finish()
		self.world.now += DAY
		seen, run = self.requests(), self.start()
		self._wait_for_request(run, seen)
		started = time.monotonic()
		run.communicate()
		self.assertEqual(run.returncode, Exit.SUCCESS)
		return time.monotonic() - started

	def _kill_awaiting(self, fake: FakeServer, after: int) -> None:
		"""In the middle of a run, for certain: a request is under way, which this server gets after `after` others and keeps waiting.

		Each run asks each server at least twice.
		"""
		seen = len(fake.requests)
		fake.faults.add(Fault(FaultKind.HANG, seconds=LONG, after=after))
		run = self.start()
		while run.poll() is None and len(fake.requests) <= seen + after:
			time.sleep(0.001)
		self.assertTrue(self._killed(run), "it did not wait for the answer")

	def _kill_within(self, seconds: float, from_start: bool) -> None:
		"""At a moment up to `seconds` after the first request, or after the start; sooner where it had ended by then."""
		seen, run = self.requests(), self.start()
		if not from_start:
			self._wait_for_request(run, seen)
		time.sleep(seconds)
		if not self._killed(run):
			self._kill_within(seconds / 2, from_start)

	def _killed(self, run: subprocess.Popen) -> bool:
		run.send_signal(signal.SIGKILL)
		run.communicate()
		return run.returncode == -signal.SIGKILL

	def _wait_for_request(self, run: subprocess.Popen, seen: int) -> None:
		while run.poll() is None and self.requests() == seen:
			time.sleep(0.001)


class TwoAtOnce(CommandTest):
	def test_two_processes_share_the_work_and_double_nothing(self):
		for _ in range(3):
			self.world.now = min(self.world.now + DAY, self.end)
			outputs = self._together(3)
			self.assertNotIn("Failed", "".join(outputs))
		self.world.now = self.end
		self.finish()
		self.assert_truth()

	def _together(self, number: int) -> Sequence[str]:
		runs = [self.start() for _ in range(number)]
		outputs = [run.communicate(timeout=120)[0] for run in runs]
		for run, output in zip(runs, outputs, strict=True):
			# Partial: who finds the id feed taken reads by day, and cannot know what the ids would have said
			self.assertIn(run.returncode, (Exit.SUCCESS, Exit.PARTIAL, Exit.BUSY), output)
		return outputs


if __name__ == "__main__":
	unittest.main()
