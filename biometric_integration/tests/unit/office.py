"""Both loops over dictionaries and a server without HTTP, for what would take thousands of requests, or a store that misbehaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone

from biometric_integration.core.connector import Feed, RequestTrace, ServerConfig, Unit
from biometric_integration.core.decide import Rules
from biometric_integration.core.directory import Person
from biometric_integration.core.errors import ProtocolError, UnreachableError
from biometric_integration.core.process import process
from biometric_integration.core.pull import Puller, PullOptions
from biometric_integration.core.punch import Direction, Record
from biometric_integration.core.store import BatchLost
from biometric_integration.core.stream import Stream
from biometric_integration.core.window import Window, by_day
from biometric_integration.tests.memory_store import MemoryStore

NOW = datetime(2025, 4, 7, 12)
HOUR = timedelta(hours=1)
ZONE = "UTC"
PUNCHES = [NOW - number * HOUR for number in range(1, 6)]


@dataclass
class Answer:
	"""A page as the engine sees it."""

	rows: list[Record]
	declared: int | None = None
	confirmed: bool = True
	server_time: datetime | None = None

	def __iter__(self) -> Iterator[Record]:
		return iter(self.rows)


@dataclass
class Plain:
	"""A connector for devices, read day by day, that does as its script says with each request, then goes well.

	punches: (time, received) by serial number.
	"""

	punches: dict[str, list[tuple[datetime, datetime]]]
	now: datetime = NOW
	script: list[str] = field(default_factory=list)
	requests: list[RequestTrace] = field(default_factory=list)
	asked: list[tuple[str, Window]] = field(default_factory=list)
	unit: Unit = Unit.DEVICE
	feeds: tuple[Feed, ...] = (Feed("punches"),)
	lists_devices: bool = False

	def slices(self, window: Window):
		return by_day(window)

	def read_window(self, unit: str, window: Window) -> Answer:
		self.asked.append((unit, window))
		self.requests.append(RequestTrace("read", self.now.replace(tzinfo=timezone.utc), window))
		seen = [
			t for t, received in self.punches[unit] if window.start <= t < window.end and received <= self.now
		]
		rows = [Record("1", moment, Direction.IN, f"{moment}", unit) for moment in seen]
		return SCRIPT[self.script.pop(0) if self.script else "well"](rows)

	def clock(self) -> datetime:
		return self.now.replace(tzinfo=timezone.utc)


def _breaks_off(rows: list[Record]) -> Answer:
	def until_it_breaks():
		yield from rows[: len(rows) // 2]
		raise UnreachableError("It broke off.")

	answer = Answer(rows, len(rows))
	answer.rows = until_it_breaks()
	return answer


def _fails(kind: type[Exception]):
	def fail(rows: list[Record]) -> Answer:
		raise kind("No.")

	return fail


SCRIPT = {
	"well": lambda rows: Answer(rows, len(rows)),
	"short": lambda rows: Answer(rows[: len(rows) // 2], len(rows)),
	"silent": lambda rows: Answer([], None, confirmed=False),
	"breaks off": _breaks_off,
	"dead": _fails(UnreachableError),
	"nonsense": _fails(ProtocolError),
	"bug": _fails(ZeroDivisionError),
}
ALL_FAULTS = sorted(set(SCRIPT) - {"well"})


class Office:
	"""An engine over memory, one device or more, everybody has the id 1."""

	def __init__(self, store: MemoryStore | None = None, *punches: datetime, devices: int = 1):
		self.store = store or MemoryStore()
		self.store.people["1"] = [Person("EMP-1")]
		self.connector = Plain({f"S{n}": [(time, time) for time in punches] for n in range(1, devices + 1)})
		self.config = ServerConfig("main", "Plain", "http://nowhere", time_zone=ZONE)
		self.options = PullOptions(start_date=date(2025, 4, 1))
		self.batch = 1000
		for serial in self.connector.punches:
			self.store.add_device("main", f"Door {serial}", serial=serial)

	def puller(self) -> Puller:
		return Puller(self.store, self.connector.clock, ZONE, self.batch)

	def pull(self, *script: str):
		self.connector.script = list(script)
		return list(self.puller().pull(self.connector, self.config, self.options))

	def process(self, **values) -> int:
		return process(self.store, lambda: Rules(self.connector.now), batch=self.batch, **values)

	def statuses(self) -> list[str]:
		return [event.status for _, event in sorted(self.store.events.items())]

	def cursor(self, serial: str = "S1"):
		return self.store.cursor(Stream("main", "Plain", serial, "punches"))

	def staged(self, serial: str = "S1") -> set[datetime]:
		return {
			event.punch.source_time for event in self.store.events.values() if event.stream.unit == serial
		}


class Losing(MemoryStore):
	"""A database that rolls a batch back now and then, as a deadlock does."""

	def __init__(self, **losses: int):
		super().__init__()
		self.losses = losses
		self.uncommitted: list[str] = []
		self.times_rolled_back = 0

	def _maybe_lose(self, what: str) -> None:
		if self.losses.get(what, 0):
			self.losses[what] -= 1
			self.roll_back()
			raise BatchLost()

	def stage(self, claim, punches, cursor=None):
		if punches:
			self._maybe_lose("stage")
		return super().stage(claim, punches, cursor)

	def create(self, decision):
		name = super().create(decision)
		self.uncommitted.append(name)
		self._maybe_lose("create")
		return name

	def mark_decided(self, decisions, now):
		self._maybe_lose("mark_decided")
		super().mark_decided(decisions, now)
		self.uncommitted.clear()

	def roll_back(self):
		self.times_rolled_back += 1
		for name in self.uncommitted:
			self.checkins.pop(name, None)
		self.uncommitted.clear()
