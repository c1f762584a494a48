"""What has to be known to decide about a batch of staged punches: people, and what is already recorded of them."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import chain
from typing import NamedTuple

from biometric_integration.core.devices import Device
from biometric_integration.core.drift import Clock
from biometric_integration.core.mapping import MappingRule, Normaliser, Place, RuleBook, ruling
from biometric_integration.core.punch import Direction
from biometric_integration.core.window import day_after, day_before, shifted

AS_IT_IS = Normaliser()
SILENCE = timedelta(days=14)
"""An id that was silent for so long before it was entered for somebody may have been somebody else's."""


class WaitingEvent(NamedTuple):
	"""A staged punch that waits for a decision; times as in `Punch`. `released`: a person has said that its time is right. `arrived`: None = just now."""

	name: str
	device: str
	user_id: str
	source_time: datetime
	punch_time: datetime
	direction: Direction
	sync_log: str = ""
	released: bool = False
	server: str = ""
	arrived: datetime | None = None


@dataclass(frozen=True)
class Person:
	"""An employee, as far as a punch is concerned. `status` is ERPNext's."""

	name: str
	status: str = "Active"
	joined: date | None = None
	left: date | None = None


class Recorded(NamedTuple):
	"""A check-in that exists, or that an earlier punch of the batch is about to become (then `record` is empty).

	`time` is when the person punched, `written` what the check-in says where that is another time. `event` is the Staging Event it comes
	from; empty for one from elsewhere. `device`: what the check-in calls its device.
	"""

	time: datetime
	log_type: str = ""
	record: str = ""
	event: str = ""
	written: datetime | None = None
	device: str = ""


class Occurrence(NamedTuple):
	"""One occurrence of a shift: check-ins from `opens` on belong to it, it begins at `start` (site clock)."""

	opens: datetime
	start: datetime


def meet(before: Occurrence | None, after: Occurrence | None) -> bool:
	"""Does another shift begin between two moments of these occurrences?"""
	return bool(before and after and before.start != after.start)


Moment = tuple[str, datetime]
"""An employee and a time of the site's wall clock."""


@dataclass
class Directory:
	"""Everything `decide` looks at besides the events themselves.

	people: id → employees who carry it, in the first of the configured fields that knows it. without_zeros: the same for ids that begin with
	zeros, without them; only where some normaliser allows that. mapping: rules that may concern the batch.
	persons: the employees these rules name. normalisers: server id → what may be taken off its ids. devices: device key → device.
	by_event: event name → check-in made for it. recorded: employee → their check-ins around the batch, sorted by time.
	shifts: moment → the occurrence of a shift that it belongs to, for those that were asked for and fall into one.
	borders: moments around which one shift of the employee ends and another begins, for those that were asked for.
	first_used: device key → since when it is in use (source time), for those with punches that are older than a year.
	linked: check-ins made elsewhere that stand for some punch already.
	clocks: device key → its clock, where it was found to be ahead.
	"""

	people: Mapping[str, tuple[Person, ...]] = field(default_factory=dict)
	mapping: Sequence[MappingRule] = ()
	persons: Mapping[str, Person] = field(default_factory=dict)
	normalisers: Mapping[str, Normaliser] = field(default_factory=dict)
	shifts: Mapping[Moment, Occurrence] = field(default_factory=dict)
	borders: Set[Moment] = frozenset()
	first_used: Mapping[str, datetime] = field(default_factory=dict)
	linked: set[str] = field(default_factory=set)
	devices: Mapping[str, Device] = field(default_factory=dict)
	by_event: Mapping[str, str] = field(default_factory=dict)
	recorded: dict[str, list[Recorded]] = field(default_factory=dict)
	without_zeros: Mapping[str, tuple[Person, ...]] = field(default_factory=dict)
	clocks: Mapping[str, Clock] = field(default_factory=dict)
	_rules: RuleBook | None = field(default=None, init=False, repr=False, compare=False)
	_turns: set[date] | None = field(default=None, init=False, repr=False, compare=False)

	def add(self, employee: str, entry: Recorded) -> None:
		insort(self.recorded.setdefault(employee, []), entry)

	def place(self, event: WaitingEvent) -> Place:
		device = self.devices.get(event.device)
		own = (event.device, device.key) if device else (event.device,)
		return Place(event.server, device.location if device else "", own)

	def workday(self, employee: str, moment: datetime) -> date:
		"""The day of the shift that a moment belongs to; of the calendar, where it falls into none or nobody asked."""
		return self.shift_day(employee, moment) or moment.date()

	def shift_day(self, employee: str, moment: datetime) -> date | None:
		occurrence = self.shifts.get((employee, moment))
		return occurrence.start.date() if occurrence else None

	def may_turn(self, day: date) -> bool:
		"""Might it matter which of the days around this one a punch belongs to? Somebody joins or leaves then, or a rule begins or ends."""
		if self._turns is None:
			people = {*chain(*self.people.values(), *self.without_zeros.values()), *self.persons.values()}
			begins = {*(person.joined for person in people), *(rule.first for rule in self.mapping)}
			ends = {*(person.left for person in people), *(rule.last for rule in self.mapping)}
			self._turns = {
				*(day for begin in begins if begin for day in (begin, day_before(begin))),
				*(day for end in ends if end for day in (end, day_after(end))),
			}
		return day in self._turns

	def ruling(self, event: WaitingEvent, day: date) -> Sequence[MappingRule]:
		"""The rules that decide whose punch it is, if it belongs to this day."""
		if not self.mapping:
			return ()
		if self._rules is None:
			self._rules = RuleBook(self.mapping)
		rules = self._rules.about(event.user_id)
		return rules and ruling(rules, self.place(event), day)

	def carriers(self, server: str, user_id: str) -> tuple[Person, ...]:
		"""The employees who carry an id: as it is first, then in the forms the server's normaliser allows, of the id or of theirs."""
		normaliser = self.normalisers.get(server, AS_IT_IS)
		forms = normaliser.forms(user_id)
		found = next((people for form in forms if (people := self.people.get(form))), ())
		if found or not normaliser.zeros:
			return found
		bare = filter(None, dict.fromkeys(form.lstrip("0") for form in forms))
		return next((people for form in bare if (people := self.without_zeros.get(form))), ())

	def since(self, employee: str, start: datetime, end: datetime) -> Iterable[Recorded]:
		"""Check-ins of a person from `start` to `end`, both included, oldest first."""
		return self.near(employee, start + (end - start) / 2, (end - start) / 2)

	def near(self, employee: str, moment: datetime, distance: timedelta) -> Iterable[Recorded]:
		"""Check-ins of a person at most `distance` away from `moment`, oldest first."""
		entries = self.recorded.get(employee, [])
		start = bisect_left(entries, Recorded(shifted(moment, -distance)))
		end = shifted(moment, distance)
		for entry in entries[start:]:
			if entry.time > end:
				return
			yield entry
