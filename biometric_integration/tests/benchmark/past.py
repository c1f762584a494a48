"""A company's past: any number of punches, kept so compactly that a server can hold millions of them."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import IntEnum
from itertools import islice
from random import Random

from biometric_integration.simulator import SimPunch, World
from biometric_integration.simulator.sample import (
	ABSENT,
	DEVICES,
	NO_DIRECTION,
	REPEAT_AFTER,
	REPEATED,
)

FIRST_CODE = 1001
EVERY_NTH_ROTATES = 10
AROUND_THE_START = 1800
AFTER_THE_END = 1800
"""Seconds: people come a quarter of an hour before to a quarter after the start, and leave within half an hour of the end."""
EARLY = timedelta(minutes=15)
EPOCH = datetime(1970, 1, 1)
DIRECTIONS = ("", "in", "out", "inout")


class Shift(IntEnum):
	"""Which shift somebody works in a week."""

	DAY = 0
	EVENING = 1
	NIGHT = 2


HOURS = {
	Shift.DAY: (time(9), timedelta(hours=9)),
	Shift.EVENING: (time(14), timedelta(hours=8)),
	Shift.NIGHT: (time(22), timedelta(hours=8)),
}
"""Begin, and how long it lasts."""


@dataclass(frozen=True)
class Past:
	"""What happened up to the end of `last_day`; the same values always stand for the same punches, at least `punches` of them.

	A third of the people work by day, in the evening and at night each. rotating: every tenth person changes the shift each Monday.
	prefix: of the serial numbers. first: which employee is the first one.
	"""

	punches: int
	employees: int
	last_day: date
	zone: str
	devices: int = 4
	seed: int = 1
	rotating: bool = False
	prefix: str = "BENA"
	first: int = 0

	@property
	def numbers(self) -> range:
		return range(self.first, self.first + self.employees)

	@property
	def end(self) -> datetime:
		"""The server's clock: noon of the day after, when the last night shift has gone home."""
		return datetime.combine(self.last_day, time(12)) + timedelta(days=1)

	def rotates(self, number: int) -> bool:
		return self.rotating and number % EVERY_NTH_ROTATES == 0

	def shift(self, number: int, day: date) -> Shift:
		weeks = (day.toordinal() - 1) // 7 if self.rotates(number) else 0
		return Shift((number + weeks) % len(Shift))


def code(number: int) -> str:
	return str(FIRST_CODE + number)


class Ledger(World):
	"""A world whose rows are numbers in arrays, and become `SimPunch` when somebody asks for them."""

	def __init__(self, past: Past) -> None:
		super().__init__(past.end, past.zone)
		self.past = past
		for number in range(past.devices):
			name, location, direction = (
				DEVICES[number] if number < len(DEVICES) else (f"Block {number + 1}", "PLANT", "")
			)
			self.add_device(f"{past.prefix}{number + 1:09d}", name, location, direction)
		self.employees += [code(number) for number in past.numbers]
		self.first_day, packed = _history(past, [device.direction for device in self.devices])
		self._packed = array("q", packed)
		self._of_device = {
			device.serial: array("q", (row for row in packed if _device(row) == number))
			for number, device in enumerate(self.devices)
		}

	def between(self, start: datetime, end: datetime, serial: str | None = None) -> list[SimPunch]:
		rows = self._packed if serial is None else self._of_device.get(serial, array("q"))
		first = bisect_left(rows, _stamp(start))
		return [self._row(row) for row in rows[first : bisect_left(rows, _after(min(end, self.now)))]]

	def after_id(self, log_id: int) -> Iterator[SimPunch]:
		end = bisect_left(self._packed, _after(self.now))
		return (self._row(self._packed[place], place + 1) for place in range(log_id, end))

	def first_day_of(self, punches: int) -> date:
		"""The latest day from whose beginning on there are that many punches."""
		return self._time(self._packed[max(len(self._packed) - punches, 0)]).date()

	def count(self, first_day: date) -> int:
		return len(self._packed) - bisect_left(self._packed, _stamp(_midnight(first_day)))

	def rows(self, first_day: date, most: int) -> list[SimPunch]:
		"""The first punches of that day and those after it, in the order of time."""
		return list(islice(self.after_id(bisect_left(self._packed, _stamp(_midnight(first_day)))), most))

	def _row(self, packed: int, log_id: int = 0) -> SimPunch:
		at = self._time(packed)
		user_id = self.employees[((packed >> 16) & 0xFFFF) - self.past.first]
		return SimPunch(log_id, self.devices[_device(packed)].serial, user_id, at, DIRECTIONS[packed & 3], at)

	@staticmethod
	def _time(packed: int) -> datetime:
		return EPOCH + timedelta(seconds=packed >> 32)


def _history(past: Past, ways: list[str]) -> tuple[date, list[int]]:
	"""From the last day backwards until there is enough, in the order of time. `ways`: how each device is set up."""
	packed: list[int] = []
	day = past.last_day + timedelta(days=1)
	while len(packed) < past.punches:
		day -= timedelta(days=1)
		packed += _of_day(past, day, ways)
	return day, sorted(packed)


def _of_day(past: Past, day: date, ways: list[str]) -> Iterator[int]:
	random = Random(f"{past.seed}/{day}")
	for number in past.numbers:
		if random.random() < ABSENT:
			continue
		begin, length = HOURS[past.shift(number, day)]
		start = datetime.combine(day, begin)
		came = start - EARLY + timedelta(seconds=random.randrange(AROUND_THE_START))
		left = start + length + timedelta(seconds=random.randrange(AFTER_THE_END))
		for word, moment in (("in", came), ("out", left)):
			device = random.randrange(past.devices)
			direction = "" if random.random() < NO_DIRECTION else ways[device] or word
			again = random.random() < REPEATED
			for at in (moment, moment + REPEAT_AFTER) if again else (moment,):
				yield _stamp(at) | number << 16 | device << 2 | DIRECTIONS.index(direction)


def _midnight(day: date) -> datetime:
	return datetime.combine(day, time())


def _stamp(moment: datetime) -> int:
	return int((moment - EPOCH).total_seconds()) << 32


def _after(moment: datetime) -> int:
	return _stamp(moment + timedelta(seconds=1))


def _device(packed: int) -> int:
	return (packed >> 2) & 0x3FFF
