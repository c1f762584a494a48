"""A made-up company with the things that trip connectors up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Protocol

# name, location, direction. A comma in a name, and one name in two locations (essl-protocol §3, §3.3).
DEVICES = (
	("Main Gate", "HO", ""),
	("Gate 2, North", "HO", ""),
	("Main Gate", "PLANT", ""),
	("Canteen", "PLANT", "inout"),
)
# "0031" and "31" are two people.
CODES = ("0031", "31", "PN0031", "ABC-107", "012")
DAY_SHIFT = ((time(8, 45), timedelta()), (time(18, 0), timedelta()))
NIGHT_SHIFT = ((time(21, 45), timedelta()), (time(6, 0), timedelta(days=1)))
EVERY_NTH_AT_NIGHT = 5
ABSENT = 0.04
REPEATED = 0.08
NO_DIRECTION = 0.06
REPEAT_AFTER = timedelta(seconds=4)


class Terminal(Protocol):
	"""A device, as far as its punches are concerned."""

	@property
	def serial(self) -> str: ...

	@property
	def direction(self) -> str: ...


class Company(Protocol):
	"""What is filled. A `World` is one; it makes samples of itself, so this file does not know it."""

	employees: list[str]

	def add_device(self, serial: str, name: str, location: str, direction: str) -> Terminal: ...

	def punch(self, serial: str, code: str, time: datetime, direction: str, received: datetime) -> object: ...


@dataclass(frozen=True)
class _Event:
	received: datetime
	serial: str
	code: str
	time: datetime
	direction: str


def fill(company: Company, *, seed: int, employees: int, devices: int, first_day: date, days: int) -> None:
	"""Adds devices, people and their punches; the same arguments always give the same ones.

	Day shift, and every fifth person night shift with the OUT after midnight. Some come twice within 4 s,
	some rows have no direction or `inout`. The second device is offline on the third day (or the last, if
	there are fewer) and uploads that day at 10:00 of the next.
	"""
	random = Random(seed)
	terminals = [_add_device(company, number) for number in range(devices)]
	company.employees += [_code(number) for number in range(employees)]
	offline = first_day + timedelta(days=min(2, days - 1))
	events = [
		event
		for number, code in enumerate(company.employees)
		for day in range(days)
		for event in _attendance(random, terminals, number, code, first_day + timedelta(days=day))
	]
	events = [_held_back(event, terminals[:2][-1].serial, offline) for event in events]
	for event in sorted(events, key=lambda event: (event.received, event.code, event.time)):
		company.punch(event.serial, event.code, event.time, event.direction, event.received)


def _add_device(company: Company, number: int) -> Terminal:
	spare = (f"Block {number + 1}", "PLANT", "")
	name, location, direction = DEVICES[number] if number < len(DEVICES) else spare
	return company.add_device(f"SIMD{number + 1:09d}", name, location, direction)


def _code(number: int) -> str:
	return CODES[number] if number < len(CODES) else str(1001 + number)


def _attendance(
	random: Random, terminals: list[Terminal], number: int, code: str, day: date
) -> Iterator[_Event]:
	if random.random() < ABSENT:
		return
	shift = NIGHT_SHIFT if number % EVERY_NTH_AT_NIGHT == EVERY_NTH_AT_NIGHT - 1 else DAY_SHIFT
	for word, (clock, later) in zip(("in", "out"), shift, strict=True):
		terminal = random.choice(terminals)
		at = datetime.combine(day, clock) + later + timedelta(seconds=random.randrange(1800))
		for moment in (at, at + REPEAT_AFTER) if random.random() < REPEATED else (at,):
			direction = "" if random.random() < NO_DIRECTION else terminal.direction or word
			received = moment + timedelta(seconds=random.randrange(2, 20))
			yield _Event(received, terminal.serial, code, moment, direction)


def _held_back(event: _Event, serial: str, offline: date) -> _Event:
	"""The event as the server gets it when the device `serial` was offline on that day."""
	if (event.serial, event.time.date()) != (serial, offline):
		return event
	return replace(event, received=datetime.combine(offline + timedelta(days=1), time(10, 0)))
