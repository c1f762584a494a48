"""What has to be known to decide about a batch of staged punches: people, and what is already recorded of them."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from biometric_integration.core.devices import Device
from biometric_integration.core.mapping import MappingRule, Normaliser, Place, RuleBook, ruling
from biometric_integration.core.punch import Direction
from biometric_integration.core.window import shifted

AS_IT_IS = Normaliser()


class WaitingEvent(NamedTuple):
	"""A staged punch that waits for a decision; times as in `Punch`. `released`: a person has said that its time is right."""

	name: str
	device: str
	user_id: str
	source_time: datetime
	punch_time: datetime
	direction: Direction
	sync_log: str = ""
	released: bool = False
	server: str = ""


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
	from; empty for one from elsewhere.
	"""

	time: datetime
	log_type: str = ""
	record: str = ""
	event: str = ""
	written: datetime | None = None


@dataclass
class Directory:
	"""Everything `decide` looks at besides the events themselves.

	people: id → employees who carry it, in the first of the configured fields that knows it. without_zeros: the same for ids that begin with
	zeros, without them; only where some normaliser allows that. mapping: rules that may concern the batch.
	persons: the employees these rules name. normalisers: server id → what may be taken off its ids. devices: device key → device.
	by_event: event name → check-in made for it. recorded: employee → their check-ins around the batch, sorted by time.
	shift_starts: event name → begin of the shift (or day) it belongs to, where a device's direction policy asks for it.
	"""

	people: Mapping[str, tuple[Person, ...]] = field(default_factory=dict)
	mapping: Sequence[MappingRule] = ()
	persons: Mapping[str, Person] = field(default_factory=dict)
	normalisers: Mapping[str, Normaliser] = field(default_factory=dict)
	shift_starts: Mapping[str, datetime] = field(default_factory=dict)
	devices: Mapping[str, Device] = field(default_factory=dict)
	by_event: Mapping[str, str] = field(default_factory=dict)
	recorded: dict[str, list[Recorded]] = field(default_factory=dict)
	without_zeros: Mapping[str, tuple[Person, ...]] = field(default_factory=dict)
	_rules: RuleBook | None = field(default=None, init=False, repr=False, compare=False)

	def add(self, employee: str, entry: Recorded) -> None:
		insort(self.recorded.setdefault(employee, []), entry)

	def place(self, event: WaitingEvent) -> Place:
		device = self.devices.get(event.device)
		own = (event.device, device.key) if device else (event.device,)
		return Place(event.server, device.location if device else "", own)

	def ruling(self, event: WaitingEvent) -> Sequence[MappingRule]:
		"""The rules that decide whose punch it is."""
		if not self.mapping:
			return ()
		if self._rules is None:
			self._rules = RuleBook(self.mapping)
		rules = self._rules.about(event.user_id)
		return rules and ruling(rules, self.place(event), event.punch_time.date())

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
