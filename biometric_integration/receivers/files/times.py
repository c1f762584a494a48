"""Times as files write them: to the second, of the device's wall clock; whether the day or the month comes first is never guessed."""

from __future__ import annotations

import re
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from biometric_integration.receivers.files.refusal import JALALI

EXACT = 19
"""Characters of `yyyy-MM-dd HH:mm:ss`."""
MONTHS = {
	name: number for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)
}
CLOCK = (
	r"[ T]{1,3}(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d{1,7})?)? ?(?P<half>[AaPp][Mm])?"
)
NUMBERS = re.compile(
	r"(?P<one>\d{1,4})(?P<by>[-/.])(?P<two>\d{1,2})(?P=by)(?P<three>\d{1,4})" + CLOCK, re.ASCII
)
NAMED = re.compile(
	r"(?P<one>\d{1,2})(?P<by>[-/ ])(?P<two>[A-Za-z]{3,9})(?P=by)(?P<three>\d{4})" + CLOCK, re.ASCII
)
JALALI_YEARS = range(1300, 1500)
YEARS = range(1970, 2100)
"""Of clocks that devices have; one that lost its time begins in 1970 or 2000."""


class Order(str, Enum):
	"""Which of two numbers before a year comes first."""

	DAY_FIRST = "day"
	MONTH_FIRST = "month"


class OddTime(Exception):
	"""Not a time that can be used; `problem` is a sentence."""

	def __init__(self, problem: str):
		super().__init__(problem)
		self.problem = problem


class NoSeconds(OddTime):
	pass


class Jalali(OddTime):
	pass


class Moment(NamedTuple):
	"""One text as a time. `other`: what it is with the month first; None where there is no such day, and the same where nothing is open.

	`day_first` is None where there is no such day with the day first.
	"""

	day_first: datetime | None
	month_first: datetime | None

	def of(self, order: Order | None) -> datetime:
		"""Raises OddTime where it is not known which is meant."""
		if self.day_first == self.month_first and self.day_first:
			return self.day_first
		if order is None:
			raise OddTime("It could be of two days.")
		found = self.day_first if order is Order.DAY_FIRST else self.month_first
		if found is None:
			raise OddTime(f"There is no such day with the {order.value} first.")
		return found


def moment_of(text: str) -> Moment:
	"""Raises OddTime, NoSeconds, Jalali."""
	exact = _exact(text)
	return Moment(exact, exact) if exact else _in_another_form(" ".join(text.split()))


def _exact(text: str) -> datetime | None:
	"""The form of nearly all rows, a hundred times as fast."""
	if len(text) != EXACT or text[4:EXACT:3] != "-- ::":
		return None
	try:
		moment = datetime.fromisoformat(text)
	except ValueError:
		return None
	return moment if moment.year in YEARS else None


def _in_another_form(text: str) -> Moment:
	found = (NUMBERS.fullmatch(text) or NAMED.fullmatch(text)) if len(text) <= 60 else None
	if not found:
		raise OddTime("There is no date with a time in it.")
	clock = _clock(found)
	one, two, three = found["one"], found["two"], found["three"]
	if len(one) == 4 and len(three) <= 2:
		known = _day(int(one), int(two), int(three), clock)
		return Moment(known, known)
	if len(three) != 4 or len(one) > 2:
		raise OddTime("The year has not four digits.")
	if not two.isdigit():
		known = _day(int(three), _month(two), int(one), clock)
		return Moment(known, known)
	return _either(int(three), int(one), int(two), clock)


def _either(year: int, one: int, two: int, clock: tuple[int, int, int]) -> Moment:
	day_first, month_first = (_day_or_none(year, *way, clock) for way in ((two, one), (one, two)))
	if day_first is None and month_first is None:
		raise OddTime("There is no such day.")
	return Moment(day_first, month_first)


def _day_or_none(year: int, month: int, day: int, clock: tuple[int, int, int]) -> datetime | None:
	try:
		return _day(year, month, day, clock)
	except (NoSeconds, Jalali):
		raise
	except OddTime:
		return None


def _clock(found: re.Match[str]) -> tuple[int, int, int]:
	hour, half = int(found["hour"]), (found["half"] or "").lower()
	if half:
		if not 1 <= hour <= 12:
			raise OddTime("There is no such time of day.")
		hour = hour % 12 + 12 * (half == "pm")
	if found["second"] is None:
		raise NoSeconds("The time has no seconds.")
	return hour, int(found["minute"]), int(found["second"])


def _month(word: str) -> int:
	month = MONTHS.get(word[:3].lower())
	if month is None:
		raise OddTime("The month is not known.")
	return month


def _day(year: int, month: int, day: int, clock: tuple[int, int, int]) -> datetime:
	if year in JALALI_YEARS:
		raise Jalali(JALALI)
	if year not in YEARS:
		raise OddTime("The year is of no calendar that devices have.")
	try:
		return datetime(year, month, day, *clock)
	except ValueError as error:
		raise OddTime("There is no such day or time.") from error
