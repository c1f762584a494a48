"""What has to be known to decide about a batch of staged punches: people, and what is already recorded of them."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from biometric_integration.core.devices import Device
from biometric_integration.core.punch import Direction


@dataclass(frozen=True)
class WaitingEvent:
	"""A staged punch that waits for a decision; times as in `Punch`. `released`: a person has said that its time is right."""

	name: str
	device: str
	user_id: str
	source_time: datetime
	punch_time: datetime
	direction: Direction
	sync_log: str = ""
	released: bool = False


@dataclass(frozen=True)
class Person:
	"""An employee, as far as a punch is concerned. `status` is ERPNext's."""

	name: str
	status: str = "Active"
	joined: date | None = None
	left: date | None = None


class Recorded(NamedTuple):
	"""A check-in that exists, or that an earlier punch of the batch is about to become (then `record` is empty).

	`event` is the Staging Event it comes from; empty for one from elsewhere.
	"""

	time: datetime
	log_type: str = ""
	record: str = ""
	event: str = ""


@dataclass
class Directory:
	"""Everything `decide` looks at besides the events themselves.

	people: user id → employees who carry it. devices: device key → device. by_event: event name → check-in made for it.
	recorded: employee → their check-ins around the batch, sorted by time.
	"""

	people: Mapping[str, tuple[Person, ...]] = field(default_factory=dict)
	devices: Mapping[str, Device] = field(default_factory=dict)
	by_event: Mapping[str, str] = field(default_factory=dict)
	recorded: dict[str, list[Recorded]] = field(default_factory=dict)

	def add(self, employee: str, entry: Recorded) -> None:
		insort(self.recorded.setdefault(employee, []), entry)

	def near(self, employee: str, moment: datetime, distance: timedelta) -> Iterable[Recorded]:
		"""Check-ins of a person at most `distance` away from `moment`, oldest first."""
		entries = self.recorded.get(employee, [])
		start = bisect_left(entries, Recorded(moment - distance))
		for entry in entries[start:]:
			if entry.time > moment + distance:
				return
			yield entry
