"""The smallest host that keeps the promises of `core.store`: dictionaries. It is what the other two are compared with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count

from biometric_integration.core import first_use
from biometric_integration.core.decide import Decision
from biometric_integration.core.devices import Device, DeviceChange, applied
from biometric_integration.core.directory import Directory, Occurrence, Person, Recorded, WaitingEvent, meet
from biometric_integration.core.drift import Clock
from biometric_integration.core.punch import Kind, Punch
from biometric_integration.core.reasons import EventStatus, Reason, at_staging, pattern
from biometric_integration.core.runs import EventCounts, Outcome, RunCounts, RunStatus, Trigger, counted_as
from biometric_integration.core.store import Claim, Fenced, StreamBusy
from biometric_integration.core.stream import Cursor, Stream
from biometric_integration.core.window import Window

HOUR = timedelta(hours=1)


@dataclass
class Event:
	"""A staging event."""

	punch: Punch
	stream: Stream
	log: str
	status: str
	reason_code: str = ""
	reason: str = ""
	employee: str = ""
	checkin: str = ""
	attempts: int = 0


@dataclass
class Log:
	"""A sync log."""

	stream: Stream
	trigger: Trigger
	status: str = RunStatus.RUNNING.value
	outcome: Outcome = field(default_factory=Outcome)


@dataclass
class Checkin:
	employee: str
	time: datetime
	log_type: str
	event: str = ""


class MemoryStore:
	"""Everything is committed at once; the fence and the lane are kept all the same."""

	def __init__(self):
		self.people: dict[str, list[Person]] = {}
		self.known_devices: dict[str, dict[str, Device]] = {}
		self.cursors: dict[str, Cursor] = {}
		self.holders: dict[str, str] = {}
		self.events: dict[str, Event] = {}
		self.logs: dict[str, Log] = {}
		self.checkins: dict[str, Checkin] = {}
		self.clocks: dict[str, Clock] = {}
		self.refuse: set[str] = set()
		self.spans: dict[str, list[tuple[datetime, datetime]]] = {}
		self.lane_taken = False
		self._numbers = count(1)

	def devices(self, server: str) -> list[Device]:
		own = list(self.known_devices.get(server, {}).values())
		others = [
			device
			for home, known in self.known_devices.items()
			for device in known.values()
			if home != server and device.serial
		]
		return own + others

	def add_device(self, server: str, label: str, **values) -> str:
		"""A device entered by hand; returns its key."""
		key = f"device-{next(self._numbers)}"
		self.known_devices.setdefault(server, {})[key] = Device(key, label, server=server, **values)
		return key

	def change_devices(self, server: str, changes: Sequence[DeviceChange]) -> None:
		known = self.known_devices.setdefault(server, {})
		for change in changes:
			key = change.key or f"device-{next(self._numbers)}"
			device = known.get(key) or Device(key, change.pair[0], location=change.pair[1], server=server)
			known[key] = applied(device, change)

	def oldest_first(self, server: str, units: Sequence[str]) -> list[str]:
		numbers = {
			log.stream.unit: number
			for number, log in enumerate(self.logs.values(), 1)
			if log.stream.server == server
		}
		return sorted(units, key=lambda unit: numbers.get(unit, 0))

	def cursor(self, stream: Stream) -> Cursor:
		return self.cursors.get(stream.key, Cursor())

	def claim(self, stream: Stream, trigger: Trigger, window: Window | None = None) -> Claim:
		if stream.key in self.holders:
			raise StreamBusy(self.holders[stream.key])
		log = f"log-{next(self._numbers)}"
		self.holders[stream.key] = log
		self.logs[log] = Log(stream, trigger)
		return Claim(stream, self.cursor(stream), log)

	def stage(self, claim: Claim, punches: Sequence[Punch], cursor: Cursor | None = None) -> RunCounts:
		if self.holders.get(claim.stream.key) != claim.log:
			raise Fenced()
		counts = RunCounts(fetched=len(punches))
		for punch in punches:
			if punch.name in self.events:
				counts.known += 1
				continue
			status, reason, values = at_staging(punch)
			self.events[punch.name] = Event(
				punch,
				claim.stream,
				claim.log,
				status.value,
				reason.value,
				pattern(reason, values).format(**values),
			)
			counts.new += punch.kind is Kind.PUNCH
			counts.junk += punch.kind is Kind.JUNK
			counts.invalid += punch.kind is Kind.INVALID
		if cursor is not None:
			self.cursors[claim.stream.key] = cursor
		return counts

	def staged(self, stream: Stream, window: Window) -> int:
		found = {
			(event.punch.user_id, event.punch.source_time)
			for event in self.events.values()
			if (event.stream.server, event.stream.unit) == (stream.server, stream.unit)
			and event.punch.source_time is not None
			and window.start <= event.punch.source_time < window.end
		}
		return len(found)

	def seen(self, punches: Set[tuple[str, datetime]]) -> int:
		return len(
			punches & {(event.punch.user_id, event.punch.source_time) for event in self.events.values()}
		)

	def newest_before(self, stream: Stream, moment: datetime) -> datetime | None:
		times = (event.punch.source_time for event in self._of_unit(stream) if event.punch.source_time)
		return max((time for time in times if time < moment), default=None)

	def _of_unit(self, stream: Stream) -> list[Event]:
		unit = (stream.server, stream.unit)
		return [event for event in self.events.values() if (event.stream.server, event.stream.unit) == unit]

	def finish(self, claim: Claim, outcome: Outcome, cursor: Cursor | None = None) -> None:
		if cursor:
			self.stage(claim, (), cursor)
		log = self.logs[claim.log]
		log.outcome, log.status = outcome, outcome.status.value
		if self.holders.get(claim.stream.key) == claim.log:
			del self.holders[claim.stream.key]

	@contextmanager
	def lane(self) -> Iterator[bool]:
		mine = not self.lane_taken
		self.lane_taken = True
		try:
			yield mine
		finally:
			self.lane_taken = self.lane_taken and not mine

	def reopen(self, now: datetime) -> int:
		waiting = [event for event in self.events.values() if self._may_go_on(event)]
		for event in waiting:
			event.status, event.reason_code, event.reason = EventStatus.PENDING.value, "", ""
		return len(waiting)

	def _may_go_on(self, event: Event) -> bool:
		if event.reason_code == Reason.DEVICE_OFF.value:
			return next(
				known[event.punch.device].enabled
				for known in self.known_devices.values()
				if event.punch.device in known
			)
		if event.reason_code == Reason.IMPLAUSIBLE.value:
			since = first_use.believed_from(partial(self._next_used, event.punch.device))
			return event.punch.source_time >= since
		return event.status == EventStatus.UNMAPPED.value and bool(self.people.get(event.punch.user_id))

	def waiting(self, after: str, limit: int) -> list[WaitingEvent]:
		names = sorted(
			name
			for name, event in self.events.items()
			if event.status == EventStatus.PENDING.value and not event.reason_code and name > after
		)
		return [self._waiting_event(self.events[name]) for name in names[:limit]]

	def batch_size(self) -> int:
		return 200

	def directory(self, events: Sequence[WaitingEvent], reach: timedelta) -> Directory:
		directory = Directory(
			people={event.user_id: tuple(self.people.get(event.user_id, ())) for event in events},
			devices={key: device for known in self.known_devices.values() for key, device in known.items()},
			by_event={checkin.event: name for name, checkin in self.checkins.items() if checkin.event},
			clocks=dict(self.clocks),
		)
		directory.first_used = first_use.of_devices(events, lambda device: datetime.max, self._next_used)
		for name, checkin in self.checkins.items():
			directory.add(checkin.employee, Recorded(checkin.time, checkin.log_type, name, checkin.event))
		return directory

	def _next_used(self, device: str, moment: datetime) -> datetime | None:
		undecided = (EventStatus.PENDING.value, EventStatus.QUARANTINED.value)
		times = (
			event.punch.source_time
			for event in self.events.values()
			if event.punch.device == device
			and event.punch.kind is Kind.PUNCH
			and event.status not in undecided
		)
		return min((time for time in times if time >= moment), default=None)

	def shifts(self, moments):
		return {key: occurrence for key in moments if (occurrence := self.occurrence(*key))}

	def shift_borders(self, moments, reach):
		return {
			(employee, moment)
			for employee, moment in moments
			if meet(self.occurrence(employee, moment - reach), self.occurrence(employee, moment + reach))
		}

	def occurrence(self, employee: str, moment: datetime) -> Occurrence | None:
		"""Of the shifts that a test entered: (start, end) by employee."""
		found = (span for span in self.spans.get(employee, ()) if span[0] - HOUR <= moment < span[1])
		return next((Occurrence(start - HOUR, start) for start, _end in found), None)

	def create_together(self, decisions: Sequence[Decision]) -> dict[str, str]:
		return {}

	def create(self, decision: Decision) -> str:
		if decision.employee in self.refuse:
			raise ValueError("Latitude and longitude values are required for checking in.")
		name = f"checkin-{next(self._numbers)}"
		self.checkins[name] = Checkin(
			decision.employee, decision.time, decision.log_type, decision.event.name
		)
		return name

	def note_clocks(self, clocks: Mapping[str, Clock]) -> None:
		self.clocks.update(clocks)

	def mark_decided(self, decisions: Sequence[Decision], now: datetime) -> None:
		for decision in decisions:
			event = self.events[decision.event.name]
			event.status, event.reason_code = decision.status.value, decision.reason.value
			event.reason, event.employee, event.checkin = (
				decision.sentence(),
				decision.employee,
				decision.record,
			)
			event.attempts += decision.reason is Reason.HRMS_REFUSED

	def roll_back(self) -> None:
		"""Nothing is ever uncommitted here."""

	def event_counts(self, log: str) -> EventCounts:
		"""What became of the punches that a run first staged."""
		counts, people = EventCounts(), set()
		for event in self.events.values():
			if event.log == log and event.punch.kind is Kind.PUNCH:
				name = counted_as(event.status, event.reason_code)
				setattr(counts, name, getattr(counts, name) + 1)
				people.add(event.employee)
		return replace(counts, employees=len(people - {""}))

	@staticmethod
	def _waiting_event(event: Event) -> WaitingEvent:
		punch = event.punch
		return WaitingEvent(
			punch.name,
			punch.device,
			punch.user_id,
			punch.source_time,
			punch.punch_time,
			punch.direction,
			event.log,
			arrived=punch.arrived,
		)
