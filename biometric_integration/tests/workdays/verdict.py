"""Is every wrong record listed, with the right cause, and hardly a right one? What is known here is the truth that the month was made with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from biometric_integration.core.judgement import State, Why
from biometric_integration.tests.workdays.month import Cause, Month, Person, Truth
from biometric_integration.tests.workdays.replay import Recorded, Said

HOURS = 0.1
LISTED = (State.HELD.value, State.TO_SETTLE.value)
FITTING: Mapping[Cause, tuple[Why, ...]] = {
	Cause.FORGOTTEN: (Why.MISSING_PUNCH,),
	Cause.OFFLINE: (Why.LATE_PUNCH,),
	Cause.DEAD: (Why.DEVICE_MISSING, Why.DEVICE_SILENT),
	Cause.LATE_ROSTER: (Why.ROSTER_CHANGED, Why.LATE_PUNCH),
	Cause.LATE_ID: (Why.LATE_PUNCH,),
	Cause.NO_ID: (Why.NO_ID,),
	Cause.HALF_LEAVE: (Why.LATE_PUNCH, Why.DIFFERS),
	Cause.OUTSIDE: (Why.OUTSIDE,),
	Cause.ON_HOLIDAY: (Why.ON_HOLIDAY,),
	Cause.LEFT: (Why.ROSTER_CHANGED,),
	Cause.NO_SHIFT: (),
	Cause.TAPPED_TWICE: (Why.DIFFERS,),
	Cause.TWO_SHIFTS: (Why.ROSTER_CHANGED, Why.MISSING_PUNCH),
}
"""What may be said about a day that is wrong for this cause. Where HRMS wrote nothing at all, the day may just be Complete.
Check-ins follow a roster that is entered late, so they are late for what was written before.
"""
EXCEPTIONAL = frozenset({Cause.FORGOTTEN, Cause.ON_HOLIDAY})
"""A person has to decide about such a day, whatever HRMS made of it."""


class Day(NamedTuple):
	person: Person
	date: date
	truth: Truth
	recorded: tuple[Recorded, ...]
	said: tuple[Said, ...]

	@property
	def is_right(self) -> bool:
		if not self.truth.status:
			return not self.recorded
		return len(self.recorded) == 1 and _agrees(self.truth, self.recorded[0])

	@property
	def listed(self) -> tuple[Said, ...]:
		return tuple(said for said in self.said if said.state in LISTED)

	@property
	def fits(self) -> bool:
		"""Is it listed, and with a reason that its causes allow?"""
		allowed = {why.value for cause in self.truth.causes for why in FITTING[cause]}
		if any(said.reason in allowed for said in self.listed):
			return True
		return not self.recorded and any(
			said.state == State.COMPLETE.value and said.would == self.truth.status for said in self.said
		)

	def __str__(self) -> str:
		causes = ", ".join(sorted(cause.value for cause in self.truth.causes)) or "no cause"
		written = " + ".join(f"{one.status} {one.hours:g} {one.other_half}".strip() for one in self.recorded)
		said = "; ".join(
			f"{one.state}: {one.reason or '–'} (would be {one.would or '?'})" for one in self.said
		)
		truth = f"{self.truth.status or 'nothing'} {self.truth.hours:g} {self.truth.other_half}".strip()
		return f"{self.person.name} {self.date:%a %d %b}: {truth}; HRMS {written or 'nothing'}; {said or 'no row'}; {causes}"


def _agrees(truth: Truth, recorded: Recorded) -> bool:
	if truth.status != recorded.status or truth.other_half != recorded.other_half:
		return False
	return truth.status == "On Leave" or abs(truth.hours - recorded.hours) <= HOURS


@dataclass
class Verdict:
	days: list[Day]

	@property
	def wrong(self) -> list[Day]:
		return [day for day in self.days if not day.is_right]

	@property
	def missed(self) -> list[Day]:
		"""Wrong, and not listed, or for another reason."""
		return [day for day in self.wrong if not day.fits]

	@property
	def right(self) -> list[Day]:
		return [day for day in self.days if day.is_right and not day.truth.causes & EXCEPTIONAL]

	@property
	def listed_though_right(self) -> list[Day]:
		return [day for day in self.right if day.listed]

	def __str__(self) -> str:
		return "\n".join(self._lines())

	def _lines(self) -> Iterator[str]:
		wrong = self.wrong
		yield f"{len(self.days)} person-days, {len(wrong)} wrong in HRMS, of which {len(self.missed)} missed"
		yield f"{len(self.right)} right ones, of which {len(self.listed_though_right)} are listed all the same"
		yield from _table("wrong in HRMS, by cause", (_causes(day.truth.causes) for day in wrong))
		said = (one for day in self.days for one in day.said if one.state not in ("Marked", "No Attendance"))
		yield from _table("listed", (f"{one.state}: {one.reason or '–'}" for one in said))
		for title, days in (("missed", self.missed), ("listed though right", self.listed_though_right)):
			yield f"{title}:" if days else f"{title}: none"
			yield from (f"  {day}" for day in days)


def _table(title: str, values: Iterable[str]) -> Iterator[str]:
	yield f"{title}:"
	for value, count in sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0])):
		yield f"  {count:5} {value}"


def _causes(causes: Collection[Cause]) -> str:
	return " + ".join(sorted(cause.value for cause in causes)) or "HRMS by itself"


def verdict(
	month: Month,
	recorded: Mapping[tuple[int, date], list[Recorded]],
	said: Mapping[tuple[int, date], list[Said]],
) -> Verdict:
	truth = {(person.number, day): found for (person, day), found in month.truth.items()}
	people = {person.number: person for person in month.people}
	days = [
		Day(
			people[key[0]],
			key[1],
			truth.get(key, Truth()),
			tuple(recorded.get(key, ())),
			tuple(said.get(key, ())),
		)
		for key in sorted({*truth, *recorded, *said})
	]
	return Verdict(days)
