"""One fake server, what a host knows of it, and the engine between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from biometric_integration.connectors.registry import CONNECTORS, connect
from biometric_integration.connectors.transport import Transport
from biometric_integration.core.clock import to_site, wall_clock
from biometric_integration.core.connector import Connector, ServerConfig
from biometric_integration.core.decide import Rules
from biometric_integration.core.process import process
from biometric_integration.core.pull import Puller, PullOptions
from biometric_integration.core.runs import RunReport
from biometric_integration.core.stream import Cursor, Stream
from biometric_integration.simulator import FakeEBioServer, FakeETimeTrackLite, Fault, FaultKind, World
from biometric_integration.tests.scenarios.host import CheckinRow, EventRow, Host, LogRow

KOLKATA = "Asia/Kolkata"
FIRST_DAY = date(2025, 4, 7)
NOON = datetime(2025, 4, 7, 12)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
PASSWORD = "p&<s>\"ecret'9"
"""With what XML treats specially."""
EBIO, ETIME = "eBioServer", "eTimeTrackLite"
FAKES = {EBIO: FakeEBioServer, ETIME: FakeETimeTrackLite}
ID_FEED, DAY_FEED = "GetDeviceLogsByLogId", "GetDeviceLogs"


@dataclass
class Place:
	"""A fake server, what the host knows of it, and the engine between them."""

	host: Host
	server_type: str
	world: World
	mark: str
	fake: Any
	config: ServerConfig
	options: PullOptions = field(default_factory=lambda: PullOptions(start_date=FIRST_DAY))
	repeat_window: timedelta = timedelta(0)
	site_zone: str = KOLKATA
	skew: timedelta = timedelta(0)
	employees: dict[str, str] = field(default_factory=dict)
	wrap: Callable[[Connector], Any] = lambda connector: connector

	# -- the server's side

	def serial(self, number: int = 1) -> str:
		return f"S{number}-{self.mark}"

	def code(self, text: str = "0031") -> str:
		return f"{text}-{self.mark}"

	def punch(
		self,
		code: str,
		time: datetime,
		direction: str = "in",
		device: int = 1,
		received: datetime | None = None,
	):
		return self.world.punch(self.serial(device), self.code(code), time, direction, received)

	def forget_staged(self, before: date) -> None:
		self.host.forget_staged(self.config.server_id, before)
		self.options = replace(self.options, kept_from=before)

	def later(self, by: timedelta) -> datetime:
		self.world.now += by
		return self.world.now

	def fault(self, kind: FaultKind, **values: Any) -> None:
		self.fake.faults.add(Fault(kind, **{"times": None, **values}))

	# -- our side

	def employ(self, *codes: str, **values: Any) -> str:
		"""Employees who carry these codes; returns the last one's key."""
		for code in codes:
			self.employees[code] = self.host.add_employee(self.code(code), **values)
		return self.employees[codes[-1]]

	def employ_all(self) -> None:
		for code in {code for code, _ in self.world.truth()}:
			self.employ(code.removesuffix(f"-{self.mark}"))

	def enter_devices(self) -> list[str]:
		"""eTimeTrackLite cannot list them: a person enters serial numbers."""
		if self.server_type == EBIO:
			return []
		server = self.config.server_id
		return [self.host.add_device(device.serial, device.name, "", server) for device in self.world.devices]

	def now(self) -> datetime:
		return wall_clock(self.world.utc_now + self.skew, self.site_zone)

	def rules(self) -> Rules:
		return Rules(self.now(), self.repeat_window)

	def puller(self) -> Puller:
		self.host.restart()
		return Puller(self.host.store, lambda: self.world.utc_now + self.skew, self.site_zone)

	def pull(self, config: ServerConfig | None = None) -> list[RunReport]:
		connector = impatient(config or self.config)
		try:
			return list(self.puller().pull(self.wrap(connector), config or self.config, self.options))
		finally:
			connector.close()

	def process(self) -> int:
		self.host.restart()
		return process(self.host.process_store, self.rules)

	def run(self, config: ServerConfig | None = None) -> list[RunReport]:
		reports = self.pull(config)
		self.process()
		return reports

	# -- what is there now

	def streams(self) -> list[Stream]:
		units = [""] if self.server_type == EBIO else [device.serial for device in self.world.devices]
		feeds = connect(self.config).feeds
		return [
			Stream(self.config.server_id, self.server_type, unit, feed.name)
			for unit in units
			for feed in feeds
		]

	def stream(self, by_position: bool = False) -> Stream:
		feed = next(feed for feed in connect(self.config).feeds if feed.by_position == by_position)
		return next(stream for stream in self.streams() if stream.feed == feed.name)

	def cursor(self, stream: Stream | None = None) -> Cursor:
		return self.host.store.cursor(stream or self.stream())

	def marks(self) -> dict[str, tuple]:
		cursors = {stream.key: self.cursor(stream) for stream in self.streams()}
		return {key: (each.position, each.read_until, each.complete_until) for key, each in cursors.items()}

	def checkins(self) -> list[CheckinRow]:
		return self.host.checkins(list(self.employees.values()))

	def written(self) -> list[tuple[str, datetime]]:
		codes = {employee: code for code, employee in self.employees.items()}
		return sorted((codes[row.employee], row.time) for row in self.checkins())

	def events(self, **values: Any) -> list[EventRow]:
		rows = self.host.events(self.config.server_id)
		return [row for row in rows if all(getattr(row, name) == value for name, value in values.items())]

	def event(self, **values: Any) -> EventRow:
		(found,) = self.events(**values)
		return found

	def logs(self) -> list[LogRow]:
		return self.host.logs(self.config.server_id)

	def devices(self):
		server = self.config.server_id
		return [device for device in self.host.store.devices(server) if device.is_at_home(server)]

	def truth(self) -> list[tuple[str, datetime]]:
		zone = self.config.time_zone
		found = ((code.removesuffix(f"-{self.mark}"), time) for code, time in self.world.truth())
		return sorted(
			(code, to_site(time, zone, self.site_zone)) for code, time in found if code in self.employees
		)


def impatient(config: ServerConfig) -> Connector:
	"""The connector as it is, but without the waits between its tries."""
	return CONNECTORS[config.server_type](config, transport=Transport(config, sleep=lambda seconds: None))


def small_world(mark: str, zone: str = KOLKATA, first_id: int = 1) -> World:
	"""One device; Monday noon."""
	world = World(NOON, zone, first_id=first_id)
	world.add_device(f"S1-{mark}", "Main Gate")
	return world


def company_world(mark: str) -> World:
	"""`World.sample` with serial numbers and codes of its own."""
	sample = World.sample(employees=50, devices=4, first_day=FIRST_DAY, days=7)
	world = World(datetime.combine(FIRST_DAY, datetime.min.time()))
	serials = {device.serial: f"S{number}-{mark}" for number, device in enumerate(sample.devices, 1)}
	for device in sample.devices:
		world.add_device(serials[device.serial], device.name, device.location, device.direction)
	for row in sample.visible():
		world.punch(serials[row.serial], f"{row.code}-{mark}", row.time, row.direction, row.received)
	world.now = sample.now
	return world
