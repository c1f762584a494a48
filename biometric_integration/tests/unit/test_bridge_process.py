"""The bridge as the process that it is: killed, stopped, checked, and with a disk that takes no more.

`BIOMETRIC_BRIDGE_KILLS` says how often it is killed; `tests/attack/bridge.py` does it more often and tells what it saw.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

from biometric_integration.bridge.exits import Exit
from biometric_integration.simulator import Fault, FaultKind, World
from biometric_integration.tests.unit.plant import (
	DAY,
	EBIO,
	ETIME,
	HOUR,
	NOTHING_WRONG,
	PASSWORD,
	ZONE,
	Plant,
)

KILLS = int(os.environ.get("BIOMETRIC_BRIDGE_KILLS", "5"))
SEED = int(os.environ.get("BIOMETRIC_KILL_SEED", "7"))
ROOT = Path(__file__).parents[3]
PATIENCE = 60.0
TROUBLES = (
	FaultKind.CUT_BODY,
	FaultKind.RESET,
	FaultKind.HTTP_500_HTML,
	FaultKind.HTML_200,
	FaultKind.HANG,
	FaultKind.SLOW_DRIP,
	FaultKind.SLOW_DRIP,
)


def free_port() -> int:
	with closing(socket.socket()) as probe:
		probe.bind(("127.0.0.1", 0))
		return int(probe.getsockname()[1])


class Running:
	"""A plant, and the command in a process of its own, with the real clock. The world's clock goes on with the real one, some days behind it."""

	def __init__(self, days: int, seed: int, employees: int = 25, in_file: bool = True):
		first_day = datetime.now(timezone.utc).date() - timedelta(days=days + 3)
		sample = World.sample(seed=seed, employees=employees, first_day=first_day, days=days, zone=ZONE)
		rows = sorted(sample.visible(), key=lambda row: row.time)
		world = World(datetime.combine(first_day, datetime.min.time()), ZONE)
		for device in sample.devices:
			world.add_device(device.serial, device.name, device.location)
		for (
			row
		) in rows:  # at once: a process has the real clock, in which no look back is due in these seconds
			world.punch(row.serial, row.code, row.time, row.direction)
		self.plant = Plant(EBIO, ETIME, world=world, pushing=("P1", "P2"))
		self.plant.site.clock = lambda: datetime.now(timezone.utc)
		self.plant.port = free_port()
		text = self.plant.config.read_text().replace("127.0.0.1:0", f"127.0.0.1:{self.plant.port}")
		text = text.replace("start_date = 2026-06-01", f"start_date = {first_day}").replace(
			"timeout = 5", "timeout = 20"
		)
		self.plant.config.write_text(text)
		self.output: list[str] = []
		self.process: subprocess.Popen[str] | None = None
		self._terminals = [self.plant.terminal(serial, timeout=5) for serial in self.plant.pushing]
		self._stopping = threading.Event()
		self._threads: list[threading.Thread] = []

	def close(self) -> None:
		self._stopping.set()
		for thread in self._threads:
			thread.join()
		self.kill()
		self.plant.close()

	# -- the process

	def command(self, *more: str) -> list[str]:
		return [
			sys.executable,
			"-m",
			"biometric_integration.bridge",
			"bridge",
			*more,
			"--config",
			str(self.plant.config),
		]

	def start(self, before: Callable[[], None] | None = None) -> None:
		self.process = subprocess.Popen(
			self.command(),
			cwd=ROOT,
			stdout=subprocess.PIPE,
			stderr=subprocess.STDOUT,
			text=True,
			preexec_fn=before,
		)
		threading.Thread(target=self._listen, args=(self.process,), daemon=True).start()

	def _listen(self, process: subprocess.Popen[str]) -> None:
		for line in process.stdout or ():
			self.output.append(line)

	def kill(self) -> bool:
		"""Whether it still ran."""
		if self.process is None:
			return False
		self.process.kill()
		self.process.wait()
		return self.process.returncode == -signal.SIGKILL

	def end(self) -> tuple[int, float]:
		"""By SIGTERM: its exit code, and how long it took."""
		assert self.process
		started = time.monotonic()
		self.process.send_signal(signal.SIGTERM)
		return self.process.wait(timeout=30), time.monotonic() - started

	def call(self, *more: str) -> tuple[int, str]:
		done = subprocess.run(self.command(*more), cwd=ROOT, capture_output=True, text=True, timeout=60)
		self.output.append(done.stdout + done.stderr)
		return done.returncode, done.stdout

	def wait_until(self, is_so: Callable[[], bool]) -> bool:
		end = time.monotonic() + PATIENCE
		while not is_so() and time.monotonic() < end:
			time.sleep(0.05)
		return is_so()

	# -- the people

	def punch(self, dice: random.Random, times: int) -> None:
		"""At the terminals that push, at moments of a day that has been."""
		base = self.plant.world.now
		for _time in range(times):
			moment = base - timedelta(seconds=dice.randrange(86400))
			self.plant.push(dice.choice(self._terminals), f"{dice.randrange(40):04}", moment)

	def send_in_background(self) -> None:
		"""Each terminal sends what it has, again and again, until `close`."""
		for terminal in self._terminals:
			thread = threading.Thread(target=self._send, args=(terminal,), daemon=True)
			thread.start()
			self._threads.append(thread)

	def _send(self, terminal) -> None:
		while not self._stopping.wait(0.02):
			terminal.send()

	def sent(self) -> bool:
		return not any(terminal.waiting for terminal in self._terminals)

	def is_all_there(self) -> bool:
		return self.sent() and self.plant.findings() == NOTHING_WRONG


class RunningTest(unittest.TestCase):
	DAYS = 4

	def running(self, **values) -> Running:
		running = Running(**{"days": self.DAYS, "seed": 3, **values})
		self.addCleanup(running.close)
		return running

	def assert_no_secret(self, running: Running) -> None:
		said = "".join(running.output)
		for secret in (running.plant.site.key, running.plant.site.key.partition(":")[2], PASSWORD):
			self.assertNotIn(secret, said)
		self.assertNotIn("Traceback", said)


class Killed(RunningTest):
	def test_whenever_it_is_killed_each_punch_is_at_the_site_once(self):
		tell_of = attack(KILLS, SEED, self)
		print(f"\n{tell_of}")


def attack(kills: int, seed: int, case: RunningTest) -> str:
	"""SIGKILL at random moments, most of them while something is under way; then the site against the truth."""
	dice = random.Random(seed)
	started = time.monotonic()
	running = case.running(days=max(kills // 4, 3), seed=seed)
	plant, seen = running.plant, Counter[str]()
	running.send_in_background()
	step = (plant.world.now + max(kills // 4, 3) * DAY - plant.world.now) / kills
	for number in range(kills):
		plant.world.now += step
		running.punch(dice, 12)
		if number % 2:
			plant.site.faults.add(Fault(dice.choice(TROUBLES), times=1, after=dice.randrange(3)))
		requests = len(plant.site.requests)
		running.start()
		_wait_for_a_moment(running, dice)
		case.assertTrue(running.kill(), running.output[-5:])
		has_spoken = len(plant.site.requests) > requests
		seen["after it spoke to the site" if has_spoken else "before it spoke to the site"] += 1
		plant.site.up()
	plant.world.now += 3 * HOUR + DAY
	there = sum(plant.site.punches.values())
	running.start()
	case.assertTrue(running.wait_until(running.is_all_there), f"{plant.findings()} {running.output[-5:]}")
	code, seconds = running.end()
	case.assertEqual(code, Exit.SUCCESS)
	case.assertLess(seconds, 10)
	case.assertEqual(plant.findings(), NOTHING_WRONG)
	case.assert_no_secret(running)
	again = sum(plant.site.sent.values()) - len(plant.site.punches)
	return (
		f"{kills} SIGKILLs (seed {seed}) in {time.monotonic() - started:.0f} s: {dict(seen)}; {len(plant.truth()):,} punches from 2 servers and 2 terminals, "
		f"{there:,} of them at the site before the last run; {again:,} sent again and known; {plant.findings()}; SIGTERM took {seconds:.1f} s."
	)


def _wait_for_a_moment(running: Running, dice: random.Random) -> None:
	"""From its first sign on a random while; now and then any moment since it was begun."""
	if dice.random() < 0.8:
		said = len(running.output)
		running.wait_until(lambda: len(running.output) > said)
	time.sleep(dice.uniform(0, 1.2))


class Stopped(RunningTest):
	def test_a_signal_ends_it_within_seconds_though_servers_and_site_hang(self):
		running = self.running()
		running.plant.world.now += DAY
		for fake in running.plant.fakes.values():
			fake.faults.add(Fault(FaultKind.HANG, times=None, seconds=60.0))
		running.plant.site.faults.add(Fault(FaultKind.HANG, times=None, seconds=60.0))
		running.start()
		self.assertTrue(
			running.wait_until(lambda: all(fake.requests for fake in running.plant.fakes.values()))
		)
		self.assertTrue(running.wait_until(lambda: bool(running.plant.site.requests)))
		code, seconds = running.end()
		self.assertEqual(code, Exit.SUCCESS)
		self.assertLess(seconds, 10)
		self.assert_no_secret(running)


class NoRoom(RunningTest):
	def test_a_disk_that_takes_no_more(self):
		import resource

		running = self.running()
		most = 220 * 1024
		running.plant.site.down()
		running.plant.world.now += 4 * DAY
		running.punch(random.Random(1), 1500)
		running.start(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY)))
		running.send_in_background()
		self.assertTrue(
			running.wait_until(lambda: "cannot be written" in "".join(running.output)), running.output
		)
		self.assertIsNone(running.process.poll())
		self.assertFalse(running.sent(), "nothing is acknowledged")
		resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
		running.plant.site.up()
		self.assertTrue(running.wait_until(running.sent), running.output)
		running.end()
		running.start()  # or a minute would have to go by until the servers are read again
		self.assertTrue(
			running.wait_until(running.is_all_there), f"{running.plant.findings()} {running.output}"
		)


class Commands(RunningTest):
	DAYS = 1

	def test_check_and_status(self):
		running = self.running()
		code, said = running.call("check")
		self.assertEqual(code, Exit.SUCCESS, running.output)
		for step in (
			"Configuration",
			"Spool",
			"Disk",
			"Key",
			"TCP",
			"Login",
			"Bridge",
			"Clock",
			"ebioserver: Parse",
			"Push",
		):
			self.assertIn(step, said)
		running.start()
		self.assertTrue(running.wait_until(lambda: len(running.plant.site.reports) > 1))
		code, said = running.call("check", "--json")
		steps = {step["step"]: step for step in json.loads(said)["steps"]}
		self.assertEqual(code, Exit.SUCCESS, said)
		self.assertIn("already", steps["Push"]["message"])
		self.assertIn("a bridge runs", steps["Spool"]["message"])
		code, said = running.call("status", "--json")
		self.assertEqual(code, Exit.SUCCESS)
		found = json.loads(said)
		self.assertTrue(found["runs"])
		self.assertRegex(found["now"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
		self.assertEqual({each["server"] for each in found["servers"]}, {"ebioserver", "etimetracklite"})
		code, said = running.call()
		self.assertEqual(code, Exit.BUSY)
		running.end()
		code, said = running.call("status")
		self.assertIn("DOES NOT RUN", said)
		self.assertRegex(said, r"^It is \S+Z \(UTC\)\.\n")
		self.assert_no_secret(running)


if __name__ == "__main__":
	unittest.main()
