"""Weeks of a server in trouble: a feed that is capped, a database restored or set up anew, clocks that jump, devices that are offline, faults of all kinds.

	python -m biometric_integration.tests.attack.weeks --seeds 20

Each seed is one server of a random type, read every few hours for three weeks, and then for ten quiet days. What the server shows in the end has to be
here, each punch once, and nothing else may be here than what was punched. Prints a line per seed, with what happened.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from biometric_integration.simulator import FaultKind, World
from biometric_integration.tests.attack.faults import Stage
from biometric_integration.tests.scenarios.place import DAY, EBIO, ETIME, HOUR, KOLKATA, MINUTE, NOON, Place
from biometric_integration.tests.unit.test_bridge_scenarios import SqliteHost

DEVICES, PEOPLE, WEEKS = 3, 12, 3
LONGEST_OFFLINE = 8 * DAY
"""The nightly look reaches ten days back."""
FAULTS = tuple(
	kind
	for kind in FaultKind
	if kind not in (FaultKind.HANG, FaultKind.SLOW_DRIP, FaultKind.CLOCK, FaultKind.ID_RESET)
)


class Weeks:
	"""One server, and what happens to it."""

	def __init__(self, place: Place, dice: random.Random):
		self.place = place
		self.dice = dice
		self.happened: Counter[str] = Counter()
		self.punched: set[tuple[str, datetime]] = set()
		self.online_again: dict[int, datetime] = {}
		self.fault_until = self.skew_until = place.world.now

	def run(self) -> None:
		end = self.place.world.now + 7 * WEEKS * DAY
		while self.place.world.now < end:
			self.work(timedelta(minutes=self.dice.randint(20, 300)))
			self.trouble()
			self.place.run()
		self.place.fake.faults.clear()
		self.place.skew = timedelta(0)
		for _quiet in range(40):
			self.work(6 * HOUR)
			self.place.run()

	def work(self, length: timedelta) -> None:
		"""People punch; what a device has while it is offline comes when it is online again."""
		start, end = self.place.world.now, self.place.later(length)
		for _punch in range(self.dice.randint(0, 8)):
			device, code = self.dice.randint(1, DEVICES), f"{self.dice.randint(1, PEOPLE):04}"
			moment = start + timedelta(seconds=self.dice.randint(0, int((end - start).total_seconds())))
			received = max(moment, self.online_again.get(device, moment))
			if (code, moment) not in self.punched:
				self.punched.add((code, moment))
				self.place.punch(code, moment, device=device, received=received)

	def trouble(self) -> None:
		now = self.place.world.now
		if now >= self.fault_until:
			self.place.fake.faults.clear()
		if now >= self.skew_until:
			self.place.skew = timedelta(0)
		if self.dice.random() < 0.25:
			self.dice.choice((self.offline, self.fault, self.ahead, self.restored, self.set_up_anew))()

	def offline(self) -> None:
		self.happened["offline"] += 1
		length = timedelta(seconds=self.dice.randint(3600, int(LONGEST_OFFLINE.total_seconds())))
		self.online_again[self.dice.randint(1, DEVICES)] = self.place.world.now + length

	def fault(self) -> None:
		self.happened["fault"] += 1
		kind = self.dice.choice(FAULTS)
		self.place.fault(kind, times=self.dice.choice((1, 2, 5, None)))
		self.fault_until = self.place.world.now + self.dice.randint(1, 30) * HOUR

	def ahead(self) -> None:
		"""The clock of the host, not of the server."""
		self.happened["clock"] += 1
		self.place.skew = self.dice.choice((10 * MINUTE, HOUR, 26 * HOUR, 400 * DAY))
		self.skew_until = self.place.world.now + self.dice.randint(1, 12) * HOUR

	def restored(self) -> None:
		if self.place.server_type == EBIO:
			self.happened["restored"] += 1
			self.place.world.lose_newest(self.dice.randint(1, 60))

	def set_up_anew(self) -> None:
		if self.place.server_type == EBIO and self.dice.random() < 0.3:
			self.happened["ids anew"] += 1
			self.place.world.reset_ids(keep_rows=True)


def attack(seed: int) -> bool:
	dice = random.Random(seed)
	server_type = dice.choice((EBIO, ETIME))
	options = {"most_rows": dice.choice((None, 20, 100)), "cursor": dice.choice(("exclusive", "inclusive"))}
	options = options if server_type == EBIO else {}
	mark = f"{seed:06}"
	world = World(NOON, KOLKATA)
	for number in range(1, DEVICES + 1):
		world.add_device(f"S{number}-{mark}", f"Gate {number}", "HO")
	with tempfile.TemporaryDirectory() as folder:
		host = SqliteHost(Path(folder) / "punches.sqlite")
		try:
			with Stage(host).place(server_type, world, mark, **options) as place:
				place.enter_devices()
				place.employ(*(f"{number:04}" for number in range(1, PEOPLE + 1)))
				weeks = Weeks(place, dice)
				weeks.run()
				return _judged(seed, server_type, options, weeks)
		finally:
			host.close()


def _judged(seed: int, server_type: str, options: dict, weeks: Weeks) -> bool:
	written = weeks.place.written()
	lost = set(weeks.place.truth()) - set(written)
	double, strange = len(written) - len(set(written)), set(written) - weeks.punched
	good = not (lost or double or strange)
	happened = ", ".join(f"{name} {count}" for name, count in sorted(weeks.happened.items()))
	print(
		f"seed {seed}: {'good' if good else 'BAD'}; {server_type} {options or ''}; {len(written)} punches; {happened}; "
		f"lost {len(lost)}, double {double}, strange {len(strange)}",
		flush=True,
	)
	return good


def main(arguments: list[str] | None = None) -> int:
	parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
	parser.add_argument("--seeds", type=int, default=20)
	parser.add_argument("--first", type=int, default=1)
	asked = parser.parse_args(arguments)
	bad = [seed for seed in range(asked.first, asked.first + asked.seeds) if not attack(seed)]
	print(f"{asked.seeds} seeds, {len(bad)} bad{': ' if bad else ''}{', '.join(map(str, bad))}")
	return 1 if bad else 0


if __name__ == "__main__":
	sys.exit(main())
