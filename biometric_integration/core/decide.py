"""What becomes of each staged punch: one pure function over a batch (design §6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from biometric_integration.core.devices import Device
from biometric_integration.core.direction import DirectionPolicy, log_type
from biometric_integration.core.directory import Directory, Moment, Person, Recorded, WaitingEvent
from biometric_integration.core.drift import clocks
from biometric_integration.core.first_use import is_long_before
from biometric_integration.core.punch import RESET_END, Direction
from biometric_integration.core.reasons import STATUS_OF, WRITES, EventStatus, Reason, pattern
from biometric_integration.core.rounding import AS_PUNCHED, Rounding
from biometric_integration.core.window import DAY, day_before, midnight, shifted


@dataclass(frozen=True)
class Rules:
	"""What the settings say; `now` and `floor` are naive wall clock of the site.

	repeat_window: 0 = off. allowed_drift: how far a device clock may be ahead (`core.drift`). floor: the first workday whose punches are used. direction: the policy
	of devices that have none of their own. asks_for_shifts: some device's policy depends on the shift.
	"""

	now: datetime
	repeat_window: timedelta = timedelta(0)
	allowed_drift: timedelta = timedelta(minutes=10)
	floor: date | None = None
	direction: DirectionPolicy = DirectionPolicy.AS_REPORTED
	rounding: Rounding = AS_PUNCHED
	asks_for_shifts: bool = False

	@property
	def reach(self) -> timedelta:
		"""How far around the batch the check-ins of its people matter."""
		return max(self.repeat_window, 2 * self.rounding.step, DAY if self.asks_for_shifts else timedelta(0))

	def policy(self, device: Device | None) -> DirectionPolicy:
		return (
			DirectionPolicy(device.direction_policy) if device and device.direction_policy else self.direction
		)


class Decision(NamedTuple):
	"""What to do about one event.

	A decision that `creates` asks for a check-in of `employee` at `time` with `log_type`. `record` is the check-in that is
	there (or was made), `twin` the event of the same batch whose check-in this one shares or repeats.
	"""

	event: WaitingEvent
	reason: Reason = Reason.NONE
	values: Mapping[str, str] = MappingProxyType({})
	employee: str = ""
	time: datetime | None = None
	log_type: str = ""
	record: str = ""
	twin: str = ""

	@property
	def status(self) -> EventStatus:
		return STATUS_OF[self.reason]

	@property
	def creates(self) -> bool:
		return self.reason in WRITES and not self.record

	def sentence(self) -> str:
		return pattern(self.reason, self.values).format(**self.values)

	def refused(self, words: str) -> Decision:
		return self._replace(reason=Reason.HRMS_REFUSED, values={"words": words}, record="")

	def done(self, record: str) -> Decision:
		return self._replace(record=record)


def decide(events: Sequence[WaitingEvent], directory: Directory, rules: Rules) -> list[Decision]:
	"""One decision per event, in the order given; a punch kept early in the batch counts for those after it.

	`directory.recorded` and `directory.clocks` grow by what is decided.
	"""
	leads = [
		(event.device, arrived, event.punch_time - arrived)
		for event in events
		if event.punch_time > (arrived := event.arrived or rules.now) and event.device and not event.released
	]
	directory.clocks = clocks(leads, directory.clocks, rules.allowed_drift)
	return [_decide(event, directory, rules) for event in events]


def _decide(event: WaitingEvent, directory: Directory, rules: Rules) -> Decision:
	decision = _unusable(event, directory, rules) or _owner(event, directory)
	if not decision.employee or decision.reason not in WRITES:
		return decision
	return (
		_already_there(decision, directory, rules)
		or _repeat(decision, directory, rules)
		or _kept(decision, directory, rules)
	)


def _unusable(event: WaitingEvent, directory: Directory, rules: Rules) -> Decision | None:
	device = directory.devices.get(event.device)
	if device and not device.enabled:
		return Decision(event, Reason.DEVICE_OFF, {"device": device.label})
	if not event.released and (doubt := _doubt(event, directory, rules)):
		return doubt
	if rules.floor and _workday(event, directory, rules.floor) < rules.floor:
		return Decision(event, Reason.BEFORE_FLOOR)
	if device and not device.counts_for_attendance:
		return Decision(event, Reason.NOT_FOR_ATTENDANCE, {"device": device.label})
	return None


def _workday(event: WaitingEvent, directory: Directory, floor: date) -> date:
	"""The workday of a punch, of whoever's it is; looked for where it may matter only."""
	day = event.punch_time.date()
	if not _is_close(event, floor):
		return day
	return directory.workday(_owner(event, directory).employee, event.punch_time)


def _is_close(event: WaitingEvent, floor: date | None) -> bool:
	return floor is not None and event.punch_time.date() in (day_before(floor), floor)


def _doubt(event: WaitingEvent, directory: Directory, rules: Rules) -> Decision | None:
	"""Judged by when the punch arrived, not by when it is looked at: it does not become right by waiting."""
	first, clock = directory.first_used.get(event.device), directory.clocks.get(event.device)
	if event.source_time < RESET_END or is_long_before(event.source_time, first):
		return Decision(event, Reason.IMPLAUSIBLE, {"year": str(event.source_time.year)})
	arrived = event.arrived or rules.now
	lead = event.punch_time - arrived
	if lead > rules.allowed_drift or (clock and clock.shows_in(lead, arrived)):
		return Decision(event, Reason.FUTURE)
	return None


def _owner(event: WaitingEvent, directory: Directory) -> Decision:
	"""Whose punch it is on its workday: a night's end belongs to whom its beginning belongs to.

	Where the shifts of two people would claim it, and where none does, the day of the calendar decides.
	"""
	day = event.punch_time.date()
	if not directory.may_turn(day):
		return _owner_on(event, directory, day)
	found = _around(event, directory)
	claims = {
		each.employee: each
		for each_day, each in found.items()
		if each.reason in WRITES and directory.shift_day(each.employee, event.punch_time) == each_day
	}
	if len(claims) == 1:
		return next(iter(claims.values()))
	workday = day if claims else directory.workday(found[day].employee, event.punch_time)
	return found.get(workday, found[day])


def _around(event: WaitingEvent, directory: Directory) -> dict[date, Decision]:
	"""Whose it would be on each of the days that its workday may be."""
	days = {shifted(event.punch_time, by).date() for by in (-DAY, timedelta(0), DAY)}
	return {day: _owner_on(event, directory, day) for day in sorted(days)}


def _owner_on(event: WaitingEvent, directory: Directory, day: date) -> Decision:
	"""Rules first, by the most specific scope; then the employees' own fields. Two candidates are never guessed between."""
	decisive = directory.ruling(event, day)
	if not decisive:
		return _of_carriers(event, directory.carriers(event.server, event.user_id), day)
	if len(decisive) > 1 and len({rule.employee for rule in decisive}) > 1:
		values = {"user_id": event.user_id, "names": ", ".join(sorted(rule.name for rule in decisive))}
		return Decision(event, Reason.AMBIGUOUS, values)
	rule = decisive[0]
	if not rule.employee:
		return Decision(event, Reason.ID_IGNORED, {"user_id": event.user_id, "rule": rule.name})
	return _of_carriers(event, tuple(filter(None, [directory.persons.get(rule.employee)])), day)


def _of_carriers(event: WaitingEvent, people: Sequence[Person], day: date) -> Decision:
	if not people:
		return Decision(event, Reason.NO_EMPLOYEE, {"user_id": event.user_id})
	if len(people) > 1:
		names = ", ".join(sorted(person.name for person in people))
		return Decision(event, Reason.AMBIGUOUS, {"user_id": event.user_id, "names": names})
	person = people[0]
	reason, values = employment(person, day)
	values = {"employee": person.name, **values}
	return Decision(event, reason, values, person.name, event.punch_time, event.direction.value)


def shift_questions(events: Sequence[WaitingEvent], directory: Directory, rules: Rules) -> set[Moment]:
	"""Whose shift at which moment has to be known first.

	Where the policy is *first IN, later OUT*, and where it matters to which of two days a punch belongs.
	"""
	return {(employee, event.punch_time) for event in events for employee in _asked(event, directory, rules)}


def _asked(event: WaitingEvent, directory: Directory, rules: Rules) -> set[str]:
	first_in = (
		rules.asks_for_shifts
		and rules.policy(directory.devices.get(event.device)) is DirectionPolicy.FIRST_IN
	)
	turns = directory.may_turn(event.punch_time.date())
	if not (first_in or turns or _is_close(event, rules.floor)):
		return set()
	found = _around(event, directory).values() if turns else [_owner(event, directory)]
	people = {each.employee for each in found} - {""}
	if first_in or _is_close(event, rules.floor):
		return people
	return people if len({(each.employee, each.reason) for each in found}) > 1 else set()


def border_questions(decisions: Iterable[Decision]) -> set[Moment]:
	"""Moments of which it has to be known whether two shifts meet there: a second punch may be the next shift's, and no repeat."""
	return {(each.employee, each.event.punch_time) for each in decisions if each.reason is Reason.REPEAT}


def owner(event: WaitingEvent, directory: Directory) -> str:
	"""The employee whose punch it is; empty where nobody's, or not to be used."""
	decision = _owner(event, directory)
	return decision.employee if decision.reason in WRITES else ""


def employment(person: Person, day: date) -> tuple[Reason, dict[str, str]]:
	"""Was this person employed on that day? Somebody who has left since still owns the punches of before."""
	if person.joined and day < person.joined:
		return Reason.NOT_JOINED, {"day": person.joined.isoformat()}
	if person.status == "Inactive" or (person.status == "Left" and not person.left):
		return Reason.INACTIVE, {"state": person.status}
	if person.left and day > person.left:
		# not settled yet, hired again, notice extended: only who is marked as left has left
		reason = Reason.LEFT if person.status == "Left" else Reason.AFTER_LEAVING
		return reason, {"day": person.left.isoformat()}
	return Reason.NONE, {}


def _already_there(decision: Decision, directory: Directory, rules: Rules) -> Decision | None:
	event = decision.event
	if record := directory.by_event.get(event.name):
		return decision.done(record)
	entry = _same_moment(decision, directory) or _written_before(decision, directory, rules)
	if not entry:
		return None
	if not entry.event:
		directory.linked.add(entry.record)
	twin = "" if entry.record else entry.event
	return decision._replace(reason=Reason.ALREADY_THERE, record=entry.record, twin=twin)


def _same_moment(decision: Decision, directory: Directory) -> Recorded | None:
	return next(iter(directory.near(decision.employee, decision.event.punch_time, timedelta(0))), None)


def _written_before(decision: Decision, directory: Directory, rules: Rules) -> Recorded | None:
	"""A check-in of the rounded time and of this device, which no punch stands for: made here before the app was installed anew."""
	device = directory.devices.get(decision.event.device)
	if not device or not rules.rounding.step:
		return None
	rounded = rules.rounding(decision.event.punch_time)
	for entry in directory.near(decision.employee, rounded, timedelta(0)):
		is_free = entry.record and not entry.event and entry.record not in directory.linked
		if is_free and entry.device == device.label:
			return entry
	return None


def _repeat(decision: Decision, directory: Directory, rules: Rules) -> Decision | None:
	"""The same person again within the window, before or after; under *as reported*, unless one says IN and the other OUT.

	A device that flips by itself says both of one tap. Where two shifts meet, two punches stand: one ends the first, one begins the second.
	"""
	if not rules.repeat_window:
		return None
	event = decision.event
	device = directory.devices.get(event.device)
	trusted = rules.policy(device) is DirectionPolicy.AS_REPORTED and not (device and device.flips)
	alike = [
		entry
		for entry in directory.near(decision.employee, event.punch_time, rules.repeat_window)
		if not trusted or _may_repeat(event.direction.value, entry.log_type)
	]
	needed = 2 if (decision.employee, event.punch_time) in directory.borders else 1
	if len(alike) < needed:
		return None
	entry, seconds = alike[0], str(int(rules.repeat_window.total_seconds()))
	values = {"seconds": seconds, "time": entry.time.isoformat(" ")}
	return decision._replace(reason=Reason.REPEAT, values=values, twin="" if entry.record else entry.event)


def _may_repeat(one: str, other: str) -> bool:
	return one == other or Direction.NONE.value in (one, other)


def _kept(decision: Decision, directory: Directory, rules: Rules) -> Decision:
	event, employee = decision.event, decision.employee
	policy = rules.policy(directory.devices.get(event.device))
	is_first = policy is DirectionPolicy.FIRST_IN and _is_first(event, employee, directory)
	direction = log_type(policy, event.direction, is_first).value
	time = _written_time(event, employee, directory, rules)
	directory.add(employee, Recorded(event.punch_time, direction, event=event.name, written=time))
	return decision._replace(log_type=direction, time=time)


def _is_first(event: WaitingEvent, employee: str, directory: Directory) -> bool:
	"""Nothing of the person before it in its shift; in its day, where it falls into none."""
	occurrence = directory.shifts.get((employee, event.punch_time))
	start = occurrence.opens if occurrence else midnight(event.punch_time)
	return not any(
		entry.time < event.punch_time for entry in directory.since(employee, start, event.punch_time)
	)


def _written_time(event: WaitingEvent, employee: str, directory: Directory, rules: Rules) -> datetime:
	"""The rounded time, or the raw one where rounding would meet or cross a neighbour."""
	raw, rounded = event.punch_time, rules.rounding(event.punch_time)
	for entry in directory.near(employee, raw, 2 * rules.rounding.step):
		other = entry.written or entry.time
		if (other >= rounded) if entry.time < raw else (other <= rounded):
			return raw
	return rounded


def with_twins(decisions: Iterable[Decision]) -> list[Decision]:
	"""Fill in the check-ins that twins share. Where the twin's was refused, the event keeps waiting: it is left out."""
	decisions = list(decisions)
	made = {decision.event.name: decision.record for decision in decisions if decision.record}
	refused = {decision.event.name for decision in decisions if decision.reason is Reason.HRMS_REFUSED}
	return [_shared(decision, made) for decision in decisions if decision.twin not in refused]


def _shared(decision: Decision, made: Mapping[str, str]) -> Decision:
	if decision.reason is Reason.ALREADY_THERE and decision.twin:
		return decision._replace(record=made.get(decision.twin, ""))
	return decision
