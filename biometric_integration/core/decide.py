"""What becomes of each staged punch: one pure function over a batch (design §6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from biometric_integration.core.devices import Device
from biometric_integration.core.direction import DirectionPolicy, log_type
from biometric_integration.core.directory import Directory, Person, Recorded, WaitingEvent
from biometric_integration.core.drift import Clock, clocks
from biometric_integration.core.mapping import ruling
from biometric_integration.core.punch import RESET_END, Direction
from biometric_integration.core.reasons import SENTENCES, STATUS_OF, EventStatus, Reason
from biometric_integration.core.rounding import AS_PUNCHED, Rounding
from biometric_integration.core.window import DAY


@dataclass(frozen=True)
class Rules:
	"""What the settings say; `now` and `floor` are naive wall clock of the site.

	repeat_window: 0 = off. allowed_drift: how far a device clock may be ahead (`core.drift`). floor: punches before it are not used. direction: the policy
	of devices that have none of their own. asks_for_shifts: some device's policy depends on the shift. to_attendance: Attendance is written
	per day instead of a check-in per punch.
	"""

	now: datetime
	repeat_window: timedelta = timedelta(0)
	allowed_drift: timedelta = timedelta(minutes=10)
	floor: datetime | None = None
	direction: DirectionPolicy = DirectionPolicy.AS_REPORTED
	rounding: Rounding = AS_PUNCHED
	asks_for_shifts: bool = False
	to_attendance: bool = False

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

	A decision without a reason asks for a check-in of `employee` at `time` with `log_type`. `record` is the check-in that is
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
		return self.reason is Reason.NONE and not self.record

	def sentence(self, translate: Callable[[str], str] = str) -> str:
		return translate(SENTENCES[self.reason]).format(**self.values)

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
	if not decision.employee or decision.reason is not Reason.NONE:
		return decision
	return (
		_already_there(decision, directory)
		or _repeat(decision, directory, rules)
		or _kept(decision, directory, rules)
	)


def _unusable(event: WaitingEvent, directory: Directory, rules: Rules) -> Decision | None:
	device = directory.devices.get(event.device)
	if device and not device.enabled:
		return Decision(event, Reason.DEVICE_OFF, {"device": device.label})
	if not event.released and (doubt := _doubt(event, rules, directory.clocks.get(event.device))):
		return doubt
	if rules.floor and event.punch_time < rules.floor:
		return Decision(event, Reason.BEFORE_FLOOR, {"day": rules.floor.date().isoformat()})
	if device and not device.counts_for_attendance:
		return Decision(event, Reason.NOT_FOR_ATTENDANCE, {"device": device.label})
	return None


def _doubt(event: WaitingEvent, rules: Rules, clock: Clock | None) -> Decision | None:
	"""Judged by when the punch arrived, not by when it is looked at: it does not become right by waiting."""
	if event.source_time < RESET_END:
		return Decision(event, Reason.IMPLAUSIBLE, {"year": str(event.source_time.year)})
	arrived = event.arrived or rules.now
	lead = event.punch_time - arrived
	if lead > rules.allowed_drift or (clock and clock.shows_in(lead, arrived)):
		return Decision(event, Reason.FUTURE)
	return None


def _owner(event: WaitingEvent, directory: Directory) -> Decision:
	"""Rules first, by the most specific scope; then the employees' own fields. Two candidates are never guessed between."""
	decisive = ruling(
		directory.rules_for(event.user_id), event.user_id, directory.place(event), event.punch_time.date()
	)
	if not decisive:
		return _of_carriers(event, directory.carriers(event.server, event.user_id))
	names = {rule.employee for rule in decisive}
	if len(names) > 1:
		values = {"user_id": event.user_id, "names": ", ".join(sorted(rule.name for rule in decisive))}
		return Decision(event, Reason.AMBIGUOUS, values)
	rule = decisive[0]
	if not rule.employee:
		return Decision(event, Reason.ID_IGNORED, {"user_id": event.user_id, "rule": rule.name})
	return _of_carriers(event, tuple(filter(None, [directory.persons.get(rule.employee)])))


def _of_carriers(event: WaitingEvent, people: Sequence[Person]) -> Decision:
	if not people:
		return Decision(event, Reason.NO_EMPLOYEE, {"user_id": event.user_id})
	if len(people) > 1:
		names = ", ".join(sorted(person.name for person in people))
		return Decision(event, Reason.AMBIGUOUS, {"user_id": event.user_id, "names": names})
	person = people[0]
	reason, values = _employment(person, event.punch_time.date())
	values = {"employee": person.name, **values}
	return Decision(event, reason, values, person.name, event.punch_time, event.direction.value)


def owner(event: WaitingEvent, directory: Directory) -> str:
	"""The employee whose punch it is; empty where nobody's, or not to be used."""
	decision = _owner(event, directory)
	return decision.employee if decision.reason is Reason.NONE else ""


def shift_questions(
	events: Sequence[WaitingEvent], directory: Directory, rules: Rules
) -> dict[str, tuple[str, datetime]]:
	"""Event → employee and punch time whose shift has to be known first: where the policy is *first IN, later OUT*."""
	if not rules.asks_for_shifts:
		return {}
	return {
		event.name: (employee, event.punch_time)
		for event in events
		if rules.policy(directory.devices.get(event.device)) is DirectionPolicy.FIRST_IN
		and (employee := owner(event, directory))
	}


def _employment(person: Person, day: date) -> tuple[Reason, dict[str, str]]:
	"""Was this person employed on that day? Somebody who has left since still owns the punches of before."""
	if person.joined and day < person.joined:
		return Reason.NOT_JOINED, {"day": person.joined.isoformat()}
	if person.left and day > person.left:
		return Reason.LEFT, {"day": person.left.isoformat()}
	if person.status == "Inactive" or (person.status == "Left" and not person.left):
		return Reason.INACTIVE, {"state": person.status}
	return Reason.NONE, {}


def _already_there(decision: Decision, directory: Directory) -> Decision | None:
	event = decision.event
	if record := directory.by_event.get(event.name):
		return decision.done(record)
	for entry in directory.near(decision.employee, event.punch_time, timedelta(0)):
		return decision._replace(
			reason=Reason.ALREADY_THERE,
			record=entry.record,
			twin="" if entry.record else entry.event,
		)
	return None


def _repeat(decision: Decision, directory: Directory, rules: Rules) -> Decision | None:
	"""The same person again within the window, before or after; under *as reported*, unless one says IN and the other OUT.

	A device that flips by itself says both of one tap.
	"""
	if not rules.repeat_window:
		return None
	event = decision.event
	device = directory.devices.get(event.device)
	trusted = rules.policy(device) is DirectionPolicy.AS_REPORTED and not (device and device.flips)
	for entry in directory.near(decision.employee, event.punch_time, rules.repeat_window):
		if not trusted or _may_repeat(event.direction.value, entry.log_type):
			seconds = str(int(rules.repeat_window.total_seconds()))
			values = {"seconds": seconds, "time": entry.time.isoformat(" ")}
			twin = "" if entry.record else entry.event
			return decision._replace(reason=Reason.REPEAT, values=values, twin=twin)
	return None


def _may_repeat(one: str, other: str) -> bool:
	return one == other or Direction.NONE.value in (one, other)


def _kept(decision: Decision, directory: Directory, rules: Rules) -> Decision:
	event, employee = decision.event, decision.employee
	policy = rules.policy(directory.devices.get(event.device))
	direction = log_type(policy, event.direction, _is_first(event, employee, directory)).value
	time = _written_time(event, employee, directory, rules)
	directory.add(employee, Recorded(event.punch_time, direction, event=event.name, written=time))
	reason = Reason.DAY_OPEN if rules.to_attendance else Reason.NONE
	return decision._replace(reason=reason, log_type=direction, time=time)


def _is_first(event: WaitingEvent, employee: str, directory: Directory) -> bool:
	"""Nothing of the person before it in its shift, as far as a policy asked for that."""
	start = directory.shift_starts.get(event.name)
	return start is None or not any(
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
