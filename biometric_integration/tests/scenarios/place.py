"""The behaviour of the whole: the real engine, through the real connectors, against fake servers over HTTP.

`EngineScenarios` is a mixin: each host (memory, SQLite, Frappe) runs it over its own store. Hosts may keep their data between
scenarios, so every `Place` has a server id, serial numbers and employee codes of its own, and looks at nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import wraps
from typing import Any, Protocol
from uuid import uuid4

from biometric_integration.connectors.registry import CONNECTORS, connect
from biometric_integration.connectors.transport import Transport
from biometric_integration.core.clock import to_site, wall_clock
from biometric_integration.core.connector import Connector, ServerConfig
from biometric_integration.core.decide import Rules
from biometric_integration.core.errors import ErrorClass
from biometric_integration.core.process import process
from biometric_integration.core.pull import Puller, PullOptions
from biometric_integration.core.runs import RunReport, RunStatus
from biometric_integration.core.store import Claim, ProcessStore, PullStore
from biometric_integration.core.stream import Cursor, Stream
from biometric_integration.core.text import harmless
from biometric_integration.simulator import FakeEBioServer, FakeETimeTrackLite, Fault, FaultKind, World

KOLKATA = "Asia/Kolkata"
DUBAI = "Asia/Dubai"
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
ID_FEED, DAY_FEED, DEVICE_LIST = "GetDeviceLogsByLogId", "GetDeviceLogs", "GetDeviceList"

BAD_ANSWERS = (
	(FaultKind.REFUSE, {}),
	(FaultKind.RESET, {}),
	(FaultKind.HTTP_500_FAULT, {}),
	(FaultKind.HTTP_500_HTML, {}),
	(FaultKind.HTML_200, {}),
	(FaultKind.REDIRECT, {}),
	(FaultKind.EMPTY_BODY, {}),
	(FaultKind.EMPTY_RESULT, {}),
	(FaultKind.ERROR_TEXT, {}),
	(FaultKind.CUT_BODY, {}),
	(FaultKind.GARBAGE_BYTES, {}),
	(FaultKind.WRONG_ENCODING, {}),
	(FaultKind.ENTITY_BOMB, {}),
	(FaultKind.ECHO_PASSWORD, {"form": "html", "status": 500}),
	(FaultKind.ECHO_PASSWORD, {"form": "html", "status": 200}),
	(FaultKind.ECHO_PASSWORD, {"form": "fault"}),
	(FaultKind.ECHO_PASSWORD, {"form": "text"}),
)
"""What no server may do to us unnoticed. HANG and TRUNCATED have scenarios of their own."""
HARMLESS = (
	(FaultKind.SLOW_DRIP, {"chunk": 256, "pause": 0.001}),
	(FaultKind.DUPLICATE_ROWS, {}),
	(FaultKind.SHUFFLED, {}),
)
"""What a run has to get over."""


@dataclass(frozen=True)
class CheckinRow:
	name: str
	employee: str
	time: datetime
	log_type: str


@dataclass(frozen=True)
class EventRow:
	name: str
	status: str
	reason_code: str
	reason: str
	user_id: str
	source_time: datetime | None
	employee: str
	checkin: str
	log: str
	device: str
	raw: str


@dataclass(frozen=True)
class LogRow:
	"""`words`: all text that the host keeps about the run, its requests included."""

	name: str
	stream: str
	status: str
	error: str
	error_class: str
	words: str
	fetched: int = 0
	new: int = 0
	known: int = 0
	junk: int = 0
	invalid: int = 0
	created: int = 0
	already_there: int = 0
	unmapped: int = 0
	ignored: int = 0
	failed: int = 0
	quarantined: int = 0
	pending: int = 0
	employees: int = 0


class Host(Protocol):
	"""What a scenario needs to know about the place where the data is kept."""

	store: PullStore
	process_store: ProcessStore

	def restart(self) -> None:
		"""A new store on the same data, as a new process would have it."""

	def add_employee(
		self,
		code: str,
		name: str = "",
		status: str = "Active",
		joined: date | None = None,
		left: date | None = None,
	) -> str:
		"""Returns the employee's key."""

	def change_employee(self, employee: str, **changes: Any) -> None:
		"""`status`, `joined`, `left` as in `add_employee`."""

	def refuse(self, employee: str) -> str:
		"""From now on the host refuses check-ins of this employee; returns words that its refusal holds."""

	def add_device(
		self, serial: str, name: str, location: str = "", server: str = "main", enabled: bool = True
	) -> str:
		"""A device entered by hand; returns its key."""

	def enable_device(self, key: str, enabled: bool) -> None: ...

	def add_checkin(self, employee: str, time: datetime, log_type: str = "") -> str:
		"""A check-in made by hand; returns its key."""

	def delete_checkin(self, name: str) -> None:
		"""As a person does it."""

	def checkins(self, employees: Sequence[str]) -> list[CheckinRow]: ...

	def events(self, server: str) -> list[EventRow]: ...

	def logs(self, server: str) -> list[LogRow]:
		"""Oldest first."""

	def hold(self, stream: Stream) -> Claim:
		"""Somebody else, elsewhere, takes the stream and reads it."""

	def steal(self, stream: Stream) -> Claim:
		"""The same while we hold it: our lock is gone, and we do not know yet."""

	def let_go(self, claim: Claim) -> None:
		"""That somebody has finished."""


def on_both(scenario):
	"""Run a scenario against each server type."""

	@wraps(scenario)
	def runs(self):
		for server_type in FAKES:
			with self.subTest(server_type=server_type):
				scenario(self, server_type)

	return runs


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
		return self.host.store.devices(self.config.server_id)

	def truth(self) -> list[tuple[str, datetime]]:
		zone = self.config.time_zone
		found = ((code.removesuffix(f"-{self.mark}"), time) for code, time in self.world.truth())
		return sorted(
			(code, to_site(time, zone, self.site_zone)) for code, time in found if code in self.employees
		)


def impatient(config: ServerConfig) -> Connector:
	"""The connector as it is, but without the waits between its tries."""
	return CONNECTORS[config.server_type](config, transport=Transport(config, sleep=lambda seconds: None))


class Interrupted:
	"""A connector during whose next read by window something else happens."""

	def __init__(self, connector: Connector, happens: Callable[[], object]):
		self._connector = connector
		self._happens = happens

	def __getattr__(self, name: str) -> Any:
		return getattr(self._connector, name)

	def read_window(self, *arguments: Any) -> Any:
		page = self._connector.read_window(*arguments)
		self._happens()
		return page


class Overheard(logging.Handler):
	"""Everything that any logger says meanwhile."""

	def __init__(self):
		super().__init__(logging.DEBUG)
		self.text: list[str] = []

	def emit(self, record: logging.LogRecord) -> None:
		self.text.append(record.getMessage())

	@contextmanager
	def listening(self) -> Iterator[None]:
		root = logging.getLogger()
		level = root.level
		root.addHandler(self)
		root.setLevel(logging.DEBUG)
		try:
			yield
		finally:
			root.removeHandler(self)
			root.setLevel(level)


class EngineScenarios:
	"""A test class adds `unittest.TestCase` and `new_host`."""

	host: Host

	def new_host(self) -> Host:
		raise NotImplementedError

	def setUp(self):
		super().setUp()
		self.host = self.new_host()

	# -- setting the scene

	@contextmanager
	def place(
		self, server_type: str, world: World | None = None, mark: str = "", **server: Any
	) -> Iterator[Place]:
		mark = mark or uuid4().hex[:6]
		world = world or small_world(mark)
		with FAKES[server_type](world, user="api", password=PASSWORD, **server) as fake:
			config = ServerConfig(
				f"server-{mark}", server_type, fake.url, "api", PASSWORD, time_zone=str(world.zone), timeout=5
			)
			yield Place(self.host, server_type, world, mark, fake, config)

	@contextmanager
	def company(self, server_type: str, **server: Any) -> Iterator[Place]:
		"""50 employees, 4 devices, 7 days."""
		mark = uuid4().hex[:6]
		with self.place(server_type, sample_world(mark), mark, **server) as place:
			place.enter_devices()
			place.employ_all()
			yield place

	@contextmanager
	def office(self, server_type: str, *codes: str, **server: Any) -> Iterator[Place]:
		"""One device, a few employees, no punch yet; Monday noon."""
		with self.place(server_type, **server) as place:
			place.enter_devices()
			place.employ(*(codes or ("0031",)))
			yield place

	# -- what holds after each run

	def assert_all_written(self, place: Place):
		"""Each punch once, nothing else, and the logs add up."""
		self.assertEqual(place.written(), place.truth())
		self.assert_counts(place)

	def assert_counts(self, place: Place):
		for log in place.logs():
			self.assertEqual(log.fetched, log.new + log.known + log.junk + log.invalid, log)
			settled = (
				log.created + log.already_there + log.unmapped + log.ignored + log.failed + log.quarantined
			)
			self.assertEqual(log.new, settled + log.pending, log)

	def assert_success(self, reports: list[RunReport]):
		self.assertTrue(reports)
		for report in reports:
			self.assertEqual((report.status, report.message), (RunStatus.SUCCESS, ""), report)

	def assert_alarmed(self, place: Place, reports: list[RunReport], *words: str):
		"""At least one run is no success, and each that is none says why, in the report and on its log."""
		bad = [report for report in reports if report.status is not RunStatus.SUCCESS]
		self.assertTrue(bad, "nobody noticed")
		logs = {log.name: log for log in place.logs()}
		for report in bad:
			self.assertGreater(len(report.message.split()), 4, "a sentence")
			log = logs[report.log]
			self.assertEqual(
				(log.status, harmless(log.error)), (report.status.value, harmless(report.message))
			)
		for word in words:
			self.assertIn(word, " ".join(report.message for report in bad))

	def assert_no_secret(self, place: Place, reports: list[RunReport], *heard: str):
		said = "\n".join(
			[repr(reports), repr(place.logs()), repr(place.events()), repr(place.config), *heard]
		)
		for secret in (PASSWORD, PASSWORD.replace("&", "&amp;"), "ecret"):
			self.assertNotIn(secret, said)

	# -- (a) the main job

	@on_both
	def test_a_week_of_a_company_arrives_whole_and_once(self, server_type):
		with self.company(server_type) as place:
			self.assert_success(place.run())
			self.assert_all_written(place)
			self.assertGreater(len(place.truth()), 600)
			self.assertEqual(len({device.serial for device in place.devices()}), 4)
			types = {
				(row.code.removesuffix(f"-{place.mark}"), row.time): row.direction
				for row in place.world.visible()
			}
			codes = {employee: code for code, employee in place.employees.items()}
			for row in place.checkins():
				direction = types[codes[row.employee], row.time].upper().replace("INOUT", "")
				self.assertEqual(row.log_type, direction)
			self.assertEqual(sum(log.created for log in place.logs()), len(place.truth()))

	@on_both
	def test_a_second_run_finds_nothing_new(self, server_type):
		with self.company(server_type) as place:
			place.run()
			before = place.checkins(), place.events(), place.marks()
			self.assert_success(reports := place.run())
			self.assertEqual([report.counts.new for report in reports], [0] * len(reports))
			self.assertEqual((place.checkins(), place.events(), place.marks()), before)
			self.assert_counts(place)

	@on_both
	def test_day_by_day_is_the_same_as_all_at_once(self, server_type):
		with self.company(server_type) as place:
			end = place.world.now
			place.world.now = datetime.combine(FIRST_DAY, datetime.min.time())
			while place.world.now < end:
				place.later(7 * HOUR)
				place.run()
			place.world.now = end + DAY
			place.run()
			self.assert_all_written(place)

	@on_both
	def test_each_event_is_linked_to_its_check_in_and_its_log(self, server_type):
		with self.office(server_type) as place:
			place.punch("0031", NOON - HOUR)
			(report,) = (report for report in place.run() if report.counts.new)
			event, (checkin,) = place.event(), place.checkins()
			self.assertEqual((event.status, event.reason), ("Processed", ""))
			self.assertEqual((event.checkin, event.employee), (checkin.name, place.employees["0031"]))
			self.assertEqual((event.log, event.user_id), (report.log, place.code("0031")))
			self.assertIn(event.device, {device.key for device in place.devices()})

	def test_an_old_build_of_etimetracklite_is_understood(self):
		for options in (
			{"dialect": "old", "date_formats": ("yyyy/MM/dd HH:mm",)},
			{"says_count": False, "list_form": "references", "omits_empty_list": True},
			{"limits": "half-open", "list_form": "cdata"},
		):
			with self.subTest(options=options), self.company(ETIME, **options) as place:
				place.run()
				self.assert_all_written(place)
				place.later(HOUR)
				self.assert_success(place.run())

	def test_punches_on_the_borders_of_requests_are_read_whatever_the_limits_mean(self):
		days = [datetime(2025, 4, day) for day in (8, 14, 21)]
		months = [datetime(2025, 5, 1)]
		for limits in ("inclusive", "half-open", "exclusive"):
			with self.subTest(limits=limits), self.office(ETIME, limits=limits) as place:
				for border in days + months:
					place.punch("0031", border)
					place.punch("0031", border - SECOND)
				place.later(30 * DAY)
				place.run()
				self.assert_all_written(place)

	# -- (b) nobody has the id yet

	@on_both
	def test_a_punch_of_nobody_waits_with_a_reason_and_is_used_when_somebody_has_the_id(self, server_type):
		with self.office(server_type, "111") as place:
			place.punch("0111", NOON - HOUR)
			self.assert_success(place.run())
			event = place.event()
			self.assertEqual((event.status, event.reason_code), ("Unmapped", "no_employee"))
			self.assertIn(place.code("0111"), event.reason)
			self.assertEqual(place.checkins(), [])
			self.assert_counts(place)
			place.employ("0111")
			self.assert_success(place.run())
			self.assert_all_written(place)
			self.assertEqual((place.event().status, place.event().reason), ("Processed", ""))

	@on_both
	def test_a_punch_from_before_the_first_day_is_used_when_the_date_is_corrected(self, server_type):
		with self.office(server_type, "other") as place:
			employee = place.employ("0031", joined=FIRST_DAY + DAY)
			place.punch("0031", NOON - HOUR)
			place.run()
			self.assertEqual((place.event().status, place.event().reason_code), ("Unmapped", "not_joined"))
			self.assertIn("2025-04-08", place.event().reason)
			self.host.change_employee(employee, joined=FIRST_DAY)
			place.run()
			self.assert_all_written(place)

	# -- (c) whatever goes wrong

	@on_both
	def test_every_bad_answer_is_noticed_moves_no_cursor_and_loses_nothing(self, server_type):
		for kind, details in BAD_ANSWERS:
			with self.subTest(kind=kind, **details):
				self.check_fault(server_type, kind, **details)

	@on_both
	def test_a_server_that_hangs_is_noticed_moves_no_cursor_and_loses_nothing(self, server_type):
		self.check_fault(server_type, FaultKind.HANG, timeout=0.3, seconds=20)

	def test_a_bad_answer_of_one_operation_of_ebioserver_keeps_the_cursor_of_its_feed(self):
		for operation in (ID_FEED, DAY_FEED):
			for kind, details in BAD_ANSWERS:
				if kind in (FaultKind.REFUSE, FaultKind.EMPTY_RESULT):
					continue  # the one stops all operations, the other has a scenario of its own
				with self.subTest(operation=operation, kind=kind, **details):
					self.check_fault(EBIO, kind, operation, **details)

	def check_fault(self, server_type, kind, operation=None, timeout=5, **details):
		with self.office(server_type, "0031", "0044") as place:
			place.punch("0031", NOON - HOUR)
			place.run()
			place.later(26 * HOUR)
			place.punch("0031", place.world.now - HOUR)
			place.punch("0044", NOON - MINUTE, received=place.world.now)
			before = place.marks()
			place.fault(kind, operation=operation, **details)
			overheard = Overheard()
			with overheard.listening():
				reports = place.run(replace(place.config, timeout=timeout))
			self.assert_alarmed(place, reports)
			self.assert_unmoved(place, operation, before)
			self.assert_no_secret(place, reports, *overheard.text)
			self.assert_counts(place)
			place.fake.faults.clear()
			place.later(MINUTE)
			self.assert_success(place.run())
			self.assert_all_written(place)

	def assert_unmoved(self, place: Place, operation: str | None, before: dict[str, tuple]):
		after = place.marks()
		if operation:
			key = place.stream(by_position=operation == ID_FEED).key
			before, after = {key: before[key]}, {key: after[key]}
		self.assertEqual(after, before)

	@on_both
	def test_a_bad_answer_at_the_very_first_run_loses_nothing(self, server_type):
		for kind, details in BAD_ANSWERS:
			with self.subTest(kind=kind, **details), self.office(server_type) as place:
				place.punch("0031", NOON - HOUR)
				place.fault(kind, **details)
				self.assert_alarmed(place, reports := place.run())
				self.assertEqual(set(place.marks().values()), {(None, None, None)})
				self.assert_no_secret(place, reports)
				place.fake.faults.clear()
				self.assert_success(place.run())
				self.assert_all_written(place)

	@on_both
	def test_what_can_be_got_over_is_a_success(self, server_type):
		for kind, details in HARMLESS:
			with self.subTest(kind=kind), self.company(server_type) as place:
				place.fault(kind, **details)
				self.assert_success(place.run())
				self.assert_all_written(place)
				self.assertEqual(len(place.devices()), 4)

	@on_both
	def test_one_hiccup_is_got_over_within_the_run(self, server_type):
		for kind in (FaultKind.RESET, FaultKind.CUT_BODY):
			with self.subTest(kind=kind), self.office(server_type) as place:
				place.punch("0031", NOON - HOUR)
				place.fault(kind, times=1)
				self.assert_success(place.run())
				self.assert_all_written(place)

	@on_both
	def test_a_wrong_password_is_said_in_words_that_name_the_login(self, server_type):
		with self.office(server_type) as place:
			place.punch("0031", NOON - HOUR)
			reports = place.run(replace(place.config, password="wrong"))
			self.assert_alarmed(place, reports, "API Password")
			self.assertEqual([report.status for report in reports], [RunStatus.FAILED])
			self.assertEqual(set(place.marks().values()), {(None, None, None)})
			place.run()
			self.assert_all_written(place)

	def test_a_wrong_password_of_etimetracklite_is_an_authentication_failure(self):
		with self.office(ETIME) as place:
			place.run(replace(place.config, password="wrong"))
			self.assertEqual([log.error_class for log in place.logs()], [ErrorClass.AUTHENTICATION.value])

	@on_both
	def test_a_wrong_url_is_a_matter_of_configuration(self, server_type):
		with self.office(server_type) as place:
			elsewhere = replace(
				place.config, endpoint_url=f"{place.fake.url}/nowhere/service.asmx", memory={}
			)
			self.assert_alarmed(place, place.run(elsewhere), "URL")
			self.assertEqual([log.error_class for log in place.logs()], [ErrorClass.CONFIGURATION.value])

	# -- (d) lists that are shorter than they say

	def test_a_truncated_list_is_asked_for_in_halves(self):
		with self.company(ETIME) as place:
			place.fault(FaultKind.TRUNCATED, times=2)
			self.assert_success(place.run())
			self.assert_all_written(place)

	def test_a_list_truncated_for_ever_is_partial_and_keeps_complete_until(self):
		with self.office(ETIME) as place:
			place.punch("0031", NOON - HOUR)
			place.run()
			complete = place.cursor().complete_until
			place.later(DAY)
			for minutes in range(9):
				place.punch("0031", place.world.now - minutes * MINUTE)
			place.fault(FaultKind.TRUNCATED)
			self.assert_alarmed(place, place.run(), "9 punches", "sent 4")
			self.assertEqual(place.cursor().complete_until, complete)
			place.fake.faults.clear()
			place.later(DAY)
			self.assert_success(place.run())
			self.assert_all_written(place)
			self.assertEqual(place.cursor().complete_until, place.world.now)

	def test_a_list_truncated_from_the_first_run_on_loses_nothing_days_later(self):
		"""Without a start date the stream begins today, and today stays the beginning."""
		with self.office(ETIME) as place:
			place.options = PullOptions(start_date=None)
			for minutes in range(9):
				place.punch("0031", NOON - minutes * MINUTE)
			place.fault(FaultKind.TRUNCATED)
			self.assert_alarmed(place, place.run())
			self.assertLess(place.cursor().complete_until, place.cursor().read_until)
			place.fake.faults.clear()
			place.later(3 * DAY)
			place.run()
			self.assert_all_written(place)

	def test_a_day_of_ebioserver_with_fewer_rows_than_are_kept_is_partial(self):
		with self.company(EBIO) as place:
			place.run()
			complete = place.cursor().complete_until
			place.later(25 * HOUR)
			place.fault(FaultKind.TRUNCATED, operation=DAY_FEED)
			self.assert_alarmed(place, place.run(), "no longer shows")
			self.assertEqual(place.cursor().complete_until, complete)
			place.fake.faults.clear()
			self.assert_success(place.run())
			self.assert_all_written(place)

	# -- (e) nothing to read

	def test_a_serial_the_server_does_not_know_is_named(self):
		for text in (None, "Invalid serial number"):
			with self.subTest(text=text), self.office(ETIME, unknown_serial_text=text) as place:
				place.punch("0031", NOON - HOUR)
				key = self.host.add_device(place.serial(7), "Back Door", "", place.config.server_id)
				reports = place.run()
				self.assert_alarmed(place, reports, place.serial(7))
				self.assertEqual(sum(report.status is RunStatus.SUCCESS for report in reports), 1)
				self.assert_all_written(place)
				wrong = replace(place.stream(), unit=place.serial(7))
				self.assertEqual(place.cursor(wrong).read_until, None)
				place.world.add_device(place.serial(7), "Back Door")
				place.punch("0031", NOON - 2 * HOUR, device=7)
				self.assert_success(place.run())
				self.assert_all_written(place)
				self.assertEqual({event.device for event in place.events(source_time=NOON - 2 * HOUR)}, {key})

	def test_a_first_day_of_silence_is_read_again_days_later(self):
		"""Neither rows nor a count: that is no answer, so the day it came on stays the beginning."""
		with self.office(ETIME) as place:
			place.options = PullOptions(start_date=None)
			place.punch("0031", NOON - HOUR)
			place.fault(FaultKind.EMPTY_RESULT)
			self.assert_alarmed(place, place.run(), "may be a failure")
			place.fake.faults.clear()
			place.later(3 * DAY)
			self.assert_success(place.run())
			self.assert_all_written(place)

	def test_a_device_that_brings_its_first_punch_days_later_is_read_from_where_it_began(self):
		with self.office(ETIME) as place:
			place.options = PullOptions(start_date=None)
			place.punch("0031", NOON - HOUR, received=NOON + 2 * DAY)
			for _ in range(3):
				place.run()
				place.later(DAY)
			self.assert_all_written(place)

	@on_both
	def test_a_server_without_any_punch_is_no_success(self, server_type):
		with self.office(server_type) as place:
			self.assert_alarmed(place, place.run(), "never had a punch")
			self.assertEqual(set(place.marks().values()), {(None, None, None)})
			place.punch("0031", NOON - HOUR)
			self.assert_success(place.run())
			self.assert_all_written(place)

	@on_both
	def test_no_device_at_all_is_said(self, server_type):
		with self.place(server_type) as place:
			place.world.remove_device(place.serial())
			self.assert_alarmed(
				place, place.run(), "devices" if server_type == EBIO else "add a Biometric Device"
			)

	def test_a_day_without_a_punch_is_a_success_where_the_id_feed_speaks(self):
		with self.office(EBIO) as place:
			place.options = PullOptions(start_date=None)
			place.punch("0031", NOON - HOUR)
			place.later(DAY)
			self.assert_success(place.run())

	@on_both
	def test_a_quiet_day_after_a_loud_one_is_a_success(self, server_type):
		with self.office(server_type) as place:
			place.punch("0031", NOON - HOUR)
			place.run()
			for _ in range(3):
				place.later(DAY)
				self.assert_success(place.run())
			self.assertEqual(place.cursor(place.stream(server_type == EBIO)).read_until, place.world.now)

	# -- (f) devices

	def test_a_renamed_or_moved_device_stays_the_same_device(self):
		for change in ({"name": "North Gate"}, {"location": "PLANT"}, {"name": "A, B", "location": "PLANT"}):
			with self.subTest(**change), self.office(EBIO) as place:
				place.punch("0031", NOON - HOUR)
				place.run()
				place.world.rename_device(place.serial(), **change)
				place.later(25 * HOUR)
				place.punch("0031", place.world.now - HOUR)
				self.assert_success(place.run())
				self.assert_all_written(place)
				self.assertEqual((len(place.devices()), len(place.events())), (1, 2))

	def test_a_device_renamed_while_it_is_read_stays_the_same_device(self):
		with self.office(EBIO) as place:
			place.punch("0031", NOON - HOUR)
			place.run()
			place.later(25 * HOUR)
			place.punch("0031", place.world.now - HOUR)
			connector = impatient(place.config)
			listed = connector.list_devices()
			place.world.rename_device(place.serial(), "North Gate")
			answers = iter([listed])
			real = connector.list_devices
			connector.list_devices = lambda: next(answers, None) or real()
			list(place.puller().pull(connector, place.config, place.options))
			connector.close()
			place.process()
			self.assert_all_written(place)
			self.assertEqual((len(place.devices()), len(place.events())), (1, 2))

	def test_two_devices_that_swap_their_names_stay_themselves(self):
		with self.office(EBIO) as place:
			place.world.add_device(place.serial(2), "Side Door")
			place.punch("0031", NOON - HOUR)
			place.punch("0031", NOON - MINUTE, device=2)
			place.run()
			first = {event.name for event in place.events()}
			place.world.rename_device(place.serial(1), "Side Door")
			place.world.rename_device(place.serial(2), "Main Gate")
			place.later(25 * HOUR)
			self.assert_success(place.run())
			self.assertEqual({event.name for event in place.events()}, first)
			self.assert_all_written(place)

	def test_two_devices_of_one_name_and_location_are_used_and_told_apart_later(self):
		with self.office(EBIO) as place:
			place.world.add_device(place.serial(2), "Main Gate")
			place.punch("0031", NOON - HOUR)
			place.punch("0031", NOON - MINUTE, device=2)
			place.run()
			self.assert_all_written(place)
			placeholder = place.events()[0].device
			self.assertEqual({event.device for event in place.events()}, {placeholder})
			serials = {device.key: device.serial for device in place.devices()}
			self.assertEqual(serials.pop(placeholder), "")
			self.assertEqual(set(serials.values()), {place.serial(1), place.serial(2)})
			place.run()
			self.assertEqual((len(place.devices()), len(place.events())), (3, 2))
			place.world.rename_device(place.serial(2), "Side Door")
			place.later(25 * HOUR)
			self.assert_success(place.run())
			self.assert_all_written(place)
			again = [event for event in place.events() if event.device != placeholder]
			self.assertEqual({event.device for event in again}, set(serials))
			for event in again:
				self.assertEqual((event.status, event.reason_code), ("Processed", "already_there"))
				self.assertIn("no second one", event.reason)

	def test_one_name_in_two_locations_is_two_devices(self):
		with self.office(EBIO) as place:
			place.world.add_device(place.serial(2), "Main Gate", "PLANT")
			place.punch("0031", NOON - HOUR)
			place.punch("0031", NOON - MINUTE, device=2)
			self.assert_success(place.run())
			self.assert_all_written(place)
			self.assertEqual(len({event.device for event in place.events()}), 2)

	def test_a_device_the_server_does_not_list_gets_its_serial_when_it_does(self):
		with self.office(EBIO) as place:
			place.world.add_device(place.serial(2), "Side Door")
			place.punch("0031", NOON - HOUR, device=2)
			place.world.remove_device(place.serial(2))
			place.run()
			self.assert_all_written(place)
			key = place.event().device
			self.assertEqual({d.key: d.serial for d in place.devices()}[key], "")
			place.world.add_device(place.serial(2), "Side Door")
			place.later(25 * HOUR)
			place.run()
			self.assertEqual({d.key: d.serial for d in place.devices()}[key], place.serial(2))
			self.assertEqual((len(place.devices()), len(place.events())), (2, 1))
			self.assert_all_written(place)

	def test_a_device_entered_by_hand_is_found_by_serial_or_by_name_and_location(self):
		for serial in (True, False):
			with self.subTest(serial=serial), self.office(EBIO) as place:
				known = place.serial() if serial else ""
				key = self.host.add_device(known, "Main Gate", "HO", place.config.server_id)
				place.punch("0031", NOON - HOUR)
				place.run()
				self.assertEqual([(d.key, d.serial) for d in place.devices()], [(key, place.serial())])
				self.assertEqual(place.event().device, key)

	@on_both
	def test_punches_of_a_disabled_device_are_used_when_it_is_enabled(self, server_type):
		with self.office(server_type) as place:
			place.punch("0031", NOON - HOUR)
			place.run()
			(device,) = place.devices()
			self.host.enable_device(device.key, False)
			for _ in range(3):
				place.later(DAY)
				place.punch("0031", place.world.now - HOUR)
				place.run()
			self.assertEqual(len(place.checkins()), 1)
			if server_type == EBIO:
				waiting = place.events(status="Pending")
				self.assertEqual({event.reason_code for event in waiting}, {"device_off"})
				self.assertEqual(len(waiting), 3)
				self.assertIn("disabled", waiting[0].reason)
			self.assert_counts(place)
			self.host.enable_device(device.key, True)
			self.assert_success(place.run())
			self.assert_all_written(place)
			self.assertEqual(len(place.events()), 4)

	# -- (g) late uploads

	def test_what_a_device_brings_after_nine_days_comes_with_the_next_run_by_log_id(self):
		with self.office(EBIO) as place:
			self.nine_days(place)
			place.later(HOUR)
			self.assert_success(place.run())
			self.assert_all_written(place)

	def test_what_a_device_brings_after_nine_days_comes_as_soon_as_one_punch_of_it_is_seen(self):
		with self.office(ETIME) as place:
			self.nine_days(place)
			place.later(HOUR)
			self.assert_success(place.run())
			self.assert_all_written(place)

	def test_what_a_device_brings_that_is_older_than_a_day_comes_with_the_nightly_look(self):
		with self.office(ETIME) as place:
			self.nine_days(place, punched=6)
			place.later(HOUR)
			place.run()
			self.assertEqual(len(place.written()), 1)
			place.later(DAY)
			self.assert_success(place.run())
			self.assert_all_written(place)

	@on_both
	def test_what_a_device_brings_after_forty_days_comes_with_the_next_run(self, server_type):
		with self.office(server_type) as place:
			self.offline(place, 40, punched=40)
			place.later(HOUR)
			self.assert_success(place.run())
			self.assert_all_written(place)
			self.assertEqual(len(place.written()), 41)

	def test_what_a_device_brings_that_is_older_than_the_nightly_look_comes_within_a_week(self):
		with self.office(ETIME) as place:
			self.offline(place, 40, punched=6)
			place.later(HOUR)
			place.run()
			self.assertEqual(len(place.written()), 1)
			for _ in range(7):
				place.later(DAY)
				place.run()
			self.assert_all_written(place)

	@on_both
	def test_a_device_clock_that_jumps_to_2099_and_back_skips_nothing(self, server_type):
		with self.office(server_type) as place:
			place.punch("0031", NOON - HOUR)
			place.run()
			now = place.later(HOUR)
			place.punch("0031", datetime(2099, 5, 1, 9), received=now)
			place.run()
			for _ in range(4):
				now = place.later(9 * HOUR)
				place.punch("0031", now - HOUR)
				self.assert_success(place.run())
				marks = [place.cursor(stream).read_until for stream in place.streams()]
				self.assertEqual(max(filter(None, marks)), now, "no punch moves a cursor")
			truth = [(code, time) for code, time in place.truth() if time.year < 2099]
			self.assertEqual((place.written(), len(truth)), (truth, 5))
			event = place.event(source_time=datetime(2099, 5, 1, 9))
			self.assertEqual((event.status, event.reason_code), ("Quarantined", "future"))

	def nine_days(self, place: Place, punched: int = 9):
		self.offline(place, 9, punched)

	def offline(self, place: Place, days: int, punched: int):
		"""A device is offline for days, in the first of which people punched, and is back after the run of the day after."""
		place.punch("0031", NOON - HOUR)
		back = NOON + days * DAY + 30 * MINUTE
		for day in range(punched):
			place.punch("0031", NOON + day * DAY + 6 * HOUR, received=back)
		for _ in range(days):
			place.run()
			place.later(DAY)
		place.run()
		self.assertEqual(len(place.written()), 1)

	# -- (h) the id feed

	def test_whether_the_id_feed_begins_at_or_after_the_id_does_not_matter(self):
		for cursor in ("exclusive", "inclusive"):
			with self.subTest(cursor=cursor), self.company(EBIO, cursor=cursor) as place:
				self.assert_success(place.run())
				self.assert_all_written(place)
				head = max(row.log_id for row in place.world.visible())
				self.assertEqual(place.cursor(place.stream(by_position=True)).position, head)
				place.later(HOUR)
				place.punch("0031", place.world.now - MINUTE)
				self.assert_success(place.run())
				self.assert_all_written(place)

	def test_many_pages_of_ids_are_read_to_the_end(self):
		with self.company(EBIO) as place:
			end, place.world.now = (
				place.world.now,
				datetime.combine(FIRST_DAY, datetime.min.time()) + 9 * HOUR,
			)
			place.run()
			place.world.now = end
			place.run()
			self.assert_all_written(place)
			pages = [request for request in place.fake.requests if request.operation == ID_FEED]
			self.assertGreaterEqual(len(pages), 3)

	def test_a_silent_id_feed_is_an_alarm_and_the_days_are_read_instead(self):
		with self.office(EBIO, cursor="silent") as place:
			for _ in range(3):
				place.punch("0031", place.world.now - HOUR)
				self.assert_alarmed(place, place.run(), ID_FEED)
				self.assert_all_written(place)
				place.later(2 * HOUR)

	def test_an_id_feed_that_begins_to_speak_doubles_nothing(self):
		with self.office(EBIO, cursor="silent") as place:
			place.punch("0031", NOON - HOUR)
			place.run()
			with FakeEBioServer(place.world, user="api", password=PASSWORD) as speaks:
				place.config = replace(place.config, endpoint_url=speaks.url)
				place.later(HOUR)
				place.punch("0031", place.world.now - MINUTE)
				self.assert_success(place.run())
				self.assert_all_written(place)
				self.assertEqual(len(place.events()), 2)

	def test_an_id_feed_that_falls_silent_loses_nothing(self):
		with self.office(EBIO) as place:
			place.punch("0031", NOON - HOUR)
			place.run()
			place.later(26 * HOUR)
			position = place.cursor(place.stream(by_position=True))
			place.punch("0031", place.world.now - HOUR)
			place.fault(FaultKind.EMPTY_RESULT, operation=ID_FEED)
			self.assert_alarmed(place, place.run(), ID_FEED)
			self.assertEqual(place.cursor(place.stream(by_position=True)), position)
			self.assert_all_written(place)

	def test_ids_that_start_again_lose_nothing(self):
		for keep_rows in (True, False):
			mark = uuid4().hex[:6]
			world = small_world(mark, first_id=5000)
			with self.subTest(keep_rows=keep_rows), self.place(EBIO, world, mark) as place:
				place.employ("0031")
				place.punch("0031", NOON - HOUR)
				place.run()
				truth = place.truth()
				place.world.reset_ids(keep_rows)
				place.later(HOUR)
				place.punch("0031", place.world.now - MINUTE)
				self.assert_alarmed(place, place.run(), "count its log ids again")
				self.assertEqual(place.written(), sorted({*truth, *place.truth()}))
				self.assertEqual(len(place.events()), 2)
				place.later(HOUR)
				place.punch("0031", place.world.now - MINUTE)
				self.assert_success(place.run())
				self.assertEqual(place.written(), sorted({*truth, *place.truth()}))

	def test_ids_that_start_again_and_have_come_far_already_are_read_from_the_start(self):
		mark = uuid4().hex[:6]
		with self.place(EBIO, small_world(mark, first_id=400), mark) as place:
			place.employ("0031")
			place.punch("0031", NOON - HOUR)
			place.run()
			old = place.truth()
			place.world.reset_ids(keep_rows=False)
			place.later(HOUR)
			for number in range(150):
				place.punch("0031", place.world.now - number * SECOND)
			self.assert_alarmed(place, place.run(), "count its log ids again")
			self.assertEqual(place.written(), sorted({*old, *place.truth()}))
			self.assertEqual(sum(log.created for log in place.logs()), 151)

	# -- (i) repeats

	@on_both
	def test_repeats_within_the_window_count_once_and_say_so(self, server_type):
		with self.office(server_type, "0031", "0044") as place:
			place.repeat_window = 60 * SECOND
			for seconds in (0, 4, 300):
				place.punch("0031", NOON - HOUR + seconds * SECOND)
			place.punch("0031", NOON - HOUR + 8 * SECOND, "out")
			place.punch("0044", NOON - HOUR + 2 * SECOND)
			self.assert_success(place.run())
			times = [(code, (time - NOON + HOUR).total_seconds()) for code, time in place.written()]
			self.assertEqual(times, [("0031", 0), ("0031", 8), ("0031", 300), ("0044", 2)])
			(event,) = place.events(status="Ignored")
			self.assertEqual((event.reason_code, event.source_time), ("repeat", NOON - HOUR + 4 * SECOND))
			self.assertIn("60 seconds", event.reason)
			self.assert_counts(place)

	@on_both
	def test_without_a_window_four_seconds_apart_are_two(self, server_type):
		with self.office(server_type) as place:
			place.punch("0031", NOON - HOUR)
			place.punch("0031", NOON - HOUR + 4 * SECOND)
			place.run()
			self.assert_all_written(place)
			self.assertEqual(len(place.written()), 2)

	@on_both
	def test_a_late_punch_just_before_a_recorded_one_is_its_repeat(self, server_type):
		with self.office(server_type) as place:
			place.repeat_window = 60 * SECOND
			place.punch("0031", NOON - HOUR)
			place.punch("0031", NOON - HOUR - 4 * SECOND, received=NOON + MINUTE)
			place.run()
			place.later(HOUR)
			place.run()
			self.assertEqual(place.written(), [("0031", NOON - HOUR)])
			self.assertEqual(place.event(source_time=NOON - HOUR - 4 * SECOND).reason_code, "repeat")

	# -- (j) what is there already

	@on_both
	def test_a_check_in_made_by_hand_at_the_same_time_is_linked(self, server_type):
		with self.office(server_type) as place:
			name = self.host.add_checkin(place.employees["0031"], NOON - HOUR, "IN")
			place.punch("0031", NOON - HOUR)
			self.assert_success(place.run())
			self.assertEqual([row.name for row in place.checkins()], [name])
			event = place.event()
			self.assertEqual(
				(event.status, event.reason_code, event.checkin), ("Processed", "already_there", name)
			)
			self.assertEqual(sum(log.already_there for log in place.logs()), 1)
			self.assert_counts(place)

	@on_both
	def test_a_check_in_made_by_hand_makes_a_punch_close_by_a_repeat(self, server_type):
		with self.office(server_type) as place:
			place.repeat_window = 60 * SECOND
			self.host.add_checkin(place.employees["0031"], NOON - HOUR + 30 * SECOND, "IN")
			place.punch("0031", NOON - HOUR)
			place.run()
			self.assertEqual(len(place.checkins()), 1)
			self.assertEqual(place.event().reason_code, "repeat")

	@on_both
	def test_a_check_in_deleted_by_a_person_stays_deleted(self, server_type):
		with self.office(server_type) as place:
			place.punch("0031", NOON - HOUR)
			place.run()
			self.host.delete_checkin(place.checkins()[0].name)
			for _ in range(2):
				place.later(25 * HOUR)
				place.run()
			self.assertEqual(place.checkins(), [])
			self.assertEqual(len(place.events()), 1)

	@on_both
	def test_one_second_on_two_devices_is_one_check_in_and_two_events(self, server_type):
		with self.place(server_type) as place:
			place.world.add_device(place.serial(2), "Side Door")
			place.enter_devices()
			place.employ("0031")
			for device in (1, 2):
				place.punch("0031", NOON - HOUR, device=device)
			self.assert_success(place.run())
			(checkin,) = place.checkins()
			self.assertEqual([event.checkin for event in place.events()], [checkin.name] * 2)
			self.assertEqual({event.status for event in place.events()}, {"Processed"})
			self.assert_all_written(place)

	# -- (k) the host says no

	@on_both
	def test_a_refused_check_in_says_why_and_stops_nothing(self, server_type):
		with self.office(server_type, "0031", "0044", "0055") as place:
			words = self.host.refuse(place.employees["0044"])
			for code in place.employees:
				place.punch(code, NOON - HOUR)
			self.assert_success(place.run())
			self.assertEqual([code for code, _ in place.written()], ["0031", "0055"])
			event = place.event(user_id=place.code("0044"))
			self.assertEqual((event.status, event.reason_code, event.checkin), ("Failed", "hrms_refused", ""))
			self.assertIn(words, event.reason)
			self.assertEqual(sum(log.failed for log in place.logs()), 1)
			self.assert_counts(place)

	# -- (l) rows that are no plain punches

	def test_junk_is_kept_counted_and_ignored(self):
		with self.office(EBIO) as place:
			place.punch("0031", NOON - HOUR)
			for text in ("OPLOG 4", "USER PIN=7", "FP PIN=7", "NEW USER"):
				place.world.junk(place.serial(), text, NOON - HOUR, NOON - MINUTE)
			place.world.junk(
				place.serial(), place.code("0031"), datetime(1999, 12, 31, 23, 59), NOON - MINUTE
			)
			self.assert_success(place.run())
			self.assert_all_written(place)
			junk = place.events(reason_code="junk")
			self.assertEqual([event.status for event in junk], ["Ignored"] * 5)
			self.assertEqual(sum(log.junk for log in place.logs()), 5)
			self.assert_success(reports := place.run())
			self.assertEqual(sum(report.counts.junk for report in reports), 0, "counted where first seen")

	@on_both
	def test_a_punch_from_the_future_is_kept_aside(self, server_type):
		with self.office(server_type) as place:
			place.punch("0031", NOON - HOUR)
			place.punch("0031", NOON + 3 * DAY, received=NOON)
			self.assert_success(place.run())
			event = place.event(source_time=NOON + 3 * DAY)
			self.assertEqual((event.status, event.reason_code), ("Quarantined", "future"))
			self.assertIn("Release", event.reason)
			self.assertEqual(place.written(), [("0031", NOON - HOUR)])
			self.assert_counts(place)
			for stream in place.streams():
				self.assertEqual(place.cursor(stream).read_until, NOON, "no punch moves a cursor")
			place.later(4 * DAY)
			place.run()
			self.assertEqual(len(place.written()), 1, "it waits for a person, not for its day")

	def test_a_punch_of_a_dead_clock_is_kept_aside(self):
		with self.office(ETIME) as place:
			dead = datetime(1999, 12, 31, 23, 59, 59)
			place.options = PullOptions(start_date=dead.date())
			place.world.now = datetime(2000, 1, 3, 12)
			place.punch("0031", dead, received=datetime(2000, 1, 3))
			place.punch("0031", datetime(2000, 1, 3, 9))
			self.assert_success(place.run())
			self.assertEqual(place.event(source_time=dead).reason_code, "implausible")
			self.assertEqual(place.event(source_time=dead).status, "Quarantined")
			self.assertEqual(len(place.written()), 1)

	@on_both
	def test_an_unreadable_row_is_kept_as_it_came_and_stops_nothing(self, server_type):
		with self.office(server_type) as place:
			garbled = "2025-04-07,what,is;this" if server_type == ETIME else "what is this,2025-04-07,x"
			place.world.raw_row(place.serial(), garbled, NOON - HOUR)
			place.punch("0031", NOON - HOUR)
			reports = place.run()
			self.assert_alarmed(place, reports, "could not be read")
			self.assertEqual({report.status for report in reports} - {RunStatus.SUCCESS}, {RunStatus.PARTIAL})
			self.assert_all_written(place)
			for event in place.events(reason_code="invalid"):
				self.assertEqual((event.status, event.source_time), ("Failed", None))
				self.assertIn(garbled, event.raw)
				self.assertIn("Raw Payload", event.reason)
			self.assertTrue(place.events(reason_code="invalid"))
			place.later(MINUTE)
			self.assert_success(place.run())

	def test_an_unreadable_row_is_one_event_whichever_feed_it_came_by(self):
		with self.office(EBIO) as place:
			place.world.raw_row(place.serial(), "what is this,2025-04-07,x", NOON - HOUR)
			place.punch("0031", NOON - HOUR)
			place.run()
			self.assertEqual(len(place.events(reason_code="invalid")), 1)

	@on_both
	def test_a_code_that_no_host_can_keep_is_no_punch_and_stops_nothing(self, server_type):
		with self.office(server_type) as place:
			place.punch("l" * 141, NOON - HOUR)
			place.punch("0031", NOON - HOUR)
			self.assert_alarmed(place, place.run(), "could not be read")
			self.assert_all_written(place)
			event = place.events(reason_code="invalid")[0]
			self.assertEqual((event.status, event.source_time), ("Failed", None))
			self.assertIn("l" * 141, event.raw)
			place.later(MINUTE)
			self.assert_success(place.run())

	def test_junk_and_names_that_no_host_can_keep_stop_nothing(self):
		mark = uuid4().hex[:6]
		world = World(NOON)
		world.add_device(f"S1-{mark}", "Main Gate " * 20, "HEAD OFFICE " * 20)
		with self.place(EBIO, world, mark) as place:
			place.employ("0031")
			place.world.junk(place.serial(), "USER PIN=7 Name=" + "x" * 200, NOON - HOUR)
			place.punch("0031", NOON - HOUR)
			self.assert_success(place.run())
			self.assert_all_written(place)
			self.assertEqual([len(device.label) for device in place.devices()], [140])
			self.assertEqual(sum(log.junk for log in place.logs()), 1)
			place.later(25 * HOUR)
			self.assert_success(place.run())
			self.assertEqual((len(place.devices()), len(place.events())), (1, 2))

	# -- (m), (n) clocks

	@on_both
	def test_a_server_in_another_zone_is_written_in_the_sites(self, server_type):
		mark = uuid4().hex[:6]
		with self.place(server_type, small_world(mark, DUBAI), mark) as place:
			place.enter_devices()
			place.employ("0031")
			place.punch("0031", NOON - HOUR)
			place.punch("0031", NOON - MINUTE)
			self.assert_success(place.run())
			self.assert_all_written(place)
			shift = timedelta(hours=1, minutes=30)
			self.assertEqual(
				[time for _, time in place.written()], [NOON - HOUR + shift, NOON - MINUTE + shift]
			)
			self.assertEqual({event.source_time for event in place.events()}, {NOON - HOUR, NOON - MINUTE})
			self.assertEqual(place.cursor().read_until, NOON, "cursors are in the server's zone")

	@on_both
	def test_a_server_whose_clock_is_behind_keeps_the_cursor_at_its_own_time(self, server_type):
		with self.office(server_type) as place:
			place.skew = 5 * HOUR
			place.punch("0031", NOON - HOUR)
			self.assert_success(place.run())
			for stream in place.streams():
				self.assertEqual(
					(place.cursor(stream).read_until, place.cursor(stream).complete_until), (NOON, NOON)
				)
			place.later(MINUTE)
			place.punch("0031", place.world.now)
			place.later(MINUTE)
			place.run()
			self.assert_all_written(place)

	@on_both
	def test_a_server_whose_clock_is_ahead_does_not_push_the_cursor(self, server_type):
		with self.office(server_type) as place:
			place.punch("0031", NOON - HOUR)
			place.skew = -HOUR - MINUTE
			place.run()
			for stream in place.streams():
				self.assertIn(place.cursor(stream).read_until, (None, NOON - HOUR - MINUTE))
			place.skew = timedelta(0)
			place.run()
			self.assert_all_written(place)

	# -- (o) two runs at once

	@on_both
	def test_a_stream_that_is_being_read_reports_the_log_of_that_run(self, server_type):
		with self.office(server_type) as place:
			place.punch("0031", NOON - HOUR)
			claims = [self.host.hold(stream) for stream in place.streams()]
			reports = place.run()
			self.assertEqual(
				[(r.status, r.log) for r in reports], [(RunStatus.RUNNING, claim.log) for claim in claims]
			)
			self.assertEqual((place.events(), len(place.logs())), ([], len(claims)))
			for claim in claims:
				self.host.let_go(claim)
			self.assert_success(place.run())
			self.assert_all_written(place)

	@on_both
	def test_a_run_whose_stream_was_taken_over_writes_nothing_more(self, server_type):
		with self.office(server_type) as place:
			place.punch("0031", NOON - HOUR)
			place.run()
			before = place.marks()
			place.later(26 * HOUR)
			place.punch("0031", place.world.now - HOUR)
			stream, claims = place.stream(), []
			place.wrap = lambda connector: Interrupted(
				connector, lambda: claims or claims.append(self.host.steal(stream))
			)
			report = place.pull()[-1]
			self.assertEqual(report.status, RunStatus.SKIPPED)
			self.assertIn("taken over", report.message)
			self.assertEqual(place.marks()[stream.key], before[stream.key])
			self.assertEqual(report.counts.new, 0)
			self.host.let_go(claims[0])
			place.wrap = lambda connector: connector
			self.assert_success(place.run())
			self.assert_all_written(place)

	# -- (p) a dead server

	@on_both
	def test_a_dead_server_ends_its_job_after_one_failure(self, server_type):
		with self.place(server_type) as place:
			for number in (2, 3):
				place.world.add_device(place.serial(number), f"Door {number}")
			place.enter_devices()
			place.fake.stop()
			(report,) = place.pull()
			self.assertEqual(report.status, RunStatus.FAILED)
			(log,) = place.logs()
			self.assertEqual((log.error_class, log.error), (ErrorClass.TRANSIENT.value, report.message))

	def test_one_bad_stream_does_not_keep_the_others_from_being_read(self):
		with self.place(ETIME) as place:
			place.world.add_device(place.serial(2), "Side Door")
			place.enter_devices()
			place.employ("0031")
			for device in (1, 2):
				place.punch("0031", NOON - device * HOUR, device=device)
			place.run()
			place.later(DAY)
			for device in (1, 2):
				place.punch("0031", place.world.now - device * HOUR, device=device)
			place.fault(FaultKind.HTML_200, times=1)
			reports = place.run()
			self.assertEqual([report.status for report in reports], [RunStatus.FAILED, RunStatus.SUCCESS])
			self.assertEqual(len(place.written()), 3)
			self.assert_success(place.run())
			self.assert_all_written(place)

	# -- (q) strange ids

	@on_both
	def test_strange_user_ids_are_kept_letter_by_letter(self, server_type):
		ids = [
			"007",
			"O'Brien",
			'"quoted"',
			"x' OR '1'='1",
			"--",
			"100%",
			"a_b%c",
			"back\\slash",
			"{user_id}",
			"%s",
			"1e5",
			"None",
			"two words",
			"ÅSA-日本-\N{GRINNING FACE}",
			"XOPLOG1",
			"OP LOG",
			"USERPIN=1",
			"long" * 33,
		]
		with self.office(server_type, *ids) as place:
			longest = "l" * (140 - len(place.code("")))
			place.employ(longest)
			for number, user_id in enumerate([*ids, longest]):
				place.punch(user_id, NOON - HOUR - number * SECOND)
			self.assert_success(place.run())
			self.assert_all_written(place)
			self.assertEqual(len(place.written()), len(ids) + 1)

	@on_both
	def test_strange_user_ids_of_nobody_are_named_in_the_reason(self, server_type):
		with self.office(server_type) as place:
			for number, user_id in enumerate(("<b>&amp", "{0}", "]]>", "l" * 133)):
				place.punch(user_id, NOON - HOUR - number * SECOND)
			self.assert_success(place.run())
			self.assertEqual({event.status for event in place.events()}, {"Unmapped"})
			codes = {harmless(code) for code, _ in place.world.truth()}
			self.assertEqual({event.user_id for event in place.events()}, codes)
			for event in place.events():
				self.assertIn(event.user_id, event.reason)


def small_world(mark: str, zone: str = KOLKATA, first_id: int = 1) -> World:
	"""One device; Monday noon."""
	world = World(NOON, zone, first_id=first_id)
	world.add_device(f"S1-{mark}", "Main Gate")
	return world


def sample_world(mark: str) -> World:
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
