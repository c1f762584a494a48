"""Streams that are read side by side: how many at once, in which order, and that one of them is nobody else's trouble."""

from __future__ import annotations

import os
import tempfile
import threading
import time
import unittest
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from biometric_integration.bridge.config import ServerEntry, SiteConfig
from biometric_integration.bridge.devices import DeviceEntry
from biometric_integration.bridge.passwords import PasswordSource
from biometric_integration.bridge.site import Site
from biometric_integration.bridge.store import SqliteStore
from biometric_integration.core import pull, side_by_side
from biometric_integration.core.connector import Feed, ListedDevice, ServerConfig
from biometric_integration.core.errors import ProtocolError, SilentError, UnreachableError
from biometric_integration.core.in_flight import AT_ONCE, MOST_SILENT, InFlight
from biometric_integration.core.pull import Puller, PullOptions
from biometric_integration.core.punch import Direction, Record
from biometric_integration.core.runs import RunCounts, RunReport, RunStatus, Trigger
from biometric_integration.core.side_by_side import SideBySide, elsewhere
from biometric_integration.core.stream import Stream
from biometric_integration.core.window import Window
from biometric_integration.simulator import FakeETimeTrackLite, World
from biometric_integration.simulator.faults import Hits
from biometric_integration.simulator.soap import Call
from biometric_integration.tests.memory_store import MemoryStore
from biometric_integration.tests.scenarios.place import impatient
from biometric_integration.tests.unit.office import ALL_FAULTS, HOUR, NOW, Answer, Office, Plain

PATIENCE = 20.0
"""Seconds after which a test that waits for another thread has failed."""
WIDTHS = (1, 2, 4)
MORNING = Window(NOW - 3 * HOUR, NOW)
"""What takes one request of each device."""


def hesitating(seconds: float) -> Any:
	return patch.object(pull, "HESITATION", seconds)


# --- a server over HTTP, whose answers wait for the test

Let = Callable[["Held", str], None]


class Held(FakeETimeTrackLite):
	"""Answers a question for punches when the test lets it pass. `asked`: serial numbers, in the order in which they were asked for."""

	def __init__(self, world: World, let: Let):
		super().__init__(world, user="api", password="secret")
		self.asked: list[str] = []
		self.inside = self.most = 0
		self.is_over = False
		self.changed = threading.Condition()
		self._let = let

	def _answer(self, call: Call, hits: Hits) -> Any:
		with self.changed:
			self.asked.append(call.arguments["SerialNumber"])
			self.inside += 1
			self.most = max(self.most, self.inside)
			self.changed.notify_all()
			try:
				self._let(self, call.arguments["SerialNumber"])
			finally:
				self.inside -= 1
				self.changed.notify_all()
		return super()._answer(call, hits)

	def wait_for(self, condition: Callable[[], bool]) -> None:
		"""To be called with `changed` held."""
		if not self.changed.wait_for(lambda: self.is_over or condition(), PATIENCE):
			raise ConnectionAbortedError("nobody came")

	def stop(self) -> None:
		with self.changed:
			self.is_over = True
			self.changed.notify_all()
		super().stop()

	def start(self) -> None:
		self.is_over = False
		super().start()


def pass_all(fake: Held, serial: str) -> None:
	pass


class Rounds:
	"""Lets `width` requests pass together, as if each took the same time: `number` is how long all of them took. The first comes alone."""

	def __init__(self, width: int, requests: int):
		self.number = 0
		self._width = width
		self._left = requests
		self._inside = 0

	def __call__(self, fake: Held, serial: str) -> None:
		mine = self.number
		self._inside += 1
		if self._inside == (min(self._width, self._left) if mine else 1):
			self._left -= self._inside
			self._inside = 0
			self.number += 1
			fake.changed.notify_all()
		fake.wait_for(lambda: self.number > mine)


class HeldBack:
	"""Lets everybody pass but one device, which waits until it is `free`."""

	def __init__(self, serial: str):
		self._serial = serial
		self.free = threading.Event()

	def __call__(self, fake: Held, serial: str) -> None:
		if serial == self._serial:
			fake.wait_for(self.free.is_set)

	def let_go(self, fake: Held) -> None:
		self.free.set()
		with fake.changed:
			fake.changed.notify_all()


class Place:
	"""Devices with a punch each at a server over HTTP that was read before, and a store that minds its thread."""

	def __init__(self, devices: int, let: Let = pass_all, store: Any = None):
		self.world = World(NOW, "UTC")
		self.serials = [f"S{number:03}" for number in range(devices)]
		for serial in self.serials:
			self.world.add_device(serial, f"Door {serial}")
			self.world.punch(serial, "0031", NOW - HOUR, "in")
		self.fake = Held(self.world, let)
		self.store = OfOneThread() if store is None else store
		for serial in self.serials if store is None else ():
			self.store.add_device("main", f"Door {serial}", serial=serial)
		self.options = PullOptions(start_date=NOW.date(), window=MORNING)

	def __enter__(self) -> Place:
		self.fake.start()
		memory = {"dialect": "FromDateTime", "date_format": "%Y-%m-%d %H:%M:%S", "says_count": True}
		memory.update(path=self.fake.path, endpoint_url=self.fake.url)
		self.config = ServerConfig(
			"main", "eTimeTrackLite", self.fake.url, "api", "secret", time_zone="UTC", memory=memory
		)
		self.connector = impatient(self.config)
		return self

	def __exit__(self, *exception: object) -> None:
		self.connector.close()
		self.fake.stop()

	def pull(self, at_once: int, **changes: Any) -> Iterator[RunReport]:
		options = replace(self.options, at_once=at_once, **changes)
		return Puller(self.store, clock, "UTC").pull(self.connector, self.config, options)

	def key(self, serial: str) -> str:
		return Stream("main", "eTimeTrackLite", serial, "punches").key


def clock() -> datetime:
	return NOW.replace(tzinfo=timezone.utc)


class OfOneThread(MemoryStore):
	"""As a connection to a database: only whoever made it may use it."""

	def __init__(self):
		super().__init__()
		self.thread = threading.get_ident()

	def __getattribute__(self, name: str) -> Any:
		found = super().__getattribute__(name)
		if callable(found) and threading.get_ident() != self.__dict__.get("thread", threading.get_ident()):
			raise AssertionError(f"{name} in another thread")
		return found


def serial_of(report: RunReport) -> str:
	return report.stream.split("/")[2]


class OverHttp(unittest.TestCase):
	def test_a_round_takes_its_share_of_the_time(self):
		devices, rounds = 41, {}
		for width in WIDTHS:
			told = Rounds(width, devices)
			with self.subTest(width=width), Place(devices, told) as place, hesitating(PATIENCE):
				reports = list(place.pull(width))
				self.assertEqual([report.status for report in reports], [RunStatus.SUCCESS] * devices)
				self.assertEqual((len(place.fake.asked), place.fake.most), (devices, width))
				self.assertEqual(len(place.store.events), devices)
				rounds[width] = told.number
		self.assertEqual(rounds, {1: 41, 2: 21, 4: 11})
		self.assertLess(rounds[4], 0.4 * rounds[1])

	def test_one_that_hangs_delays_no_other(self):
		for position in (0, 3, 7):
			held = HeldBack(f"S{position:03}")
			with self.subTest(position=position), Place(8, held) as place, hesitating(0.05):
				pulled = place.pull(2)
				first = [serial_of(next(pulled)) for _ in range(7)]
				self.assertEqual(sorted([*first, f"S{position:03}"]), place.serials)
				self.assertFalse(held.free.is_set(), "all others are done")
				self.assertEqual(len(place.store.events), 7)
				held.let_go(place.fake)
				self.assertEqual([serial_of(report) for report in pulled], [f"S{position:03}"])
				self.assertEqual(len(place.store.events), 8)

	def test_the_one_that_was_read_longest_ago_comes_first(self):
		for width in WIDTHS:
			with self.subTest(width=width), Place(9) as place, hesitating(PATIENCE):
				list(place.pull(1, units=place.serials[:4]))
				place.fake.asked.clear()
				place.fake._let = Rounds(width, 9)
				list(place.pull(width))
				expected = place.serials[4:] + place.serials[:4]
				asked = place.fake.asked
				self.assertEqual(len(asked), 9)
				for number, serial in enumerate(asked):
					self.assertLess(abs(expected.index(serial) - number), width)

	def test_each_log_has_the_requests_of_its_own_run(self):
		with Place(9, Rounds(4, 9)) as place, hesitating(PATIENCE):
			list(place.pull(4))
			requests = [log.outcome.requests for log in place.store.logs.values()]
			self.assertEqual([len(each) for each in requests], [1] * 9)
			self.assertEqual([(each[0].rows, each[0].window.end) for each in requests], [(1, NOW)] * 9)
			self.assertEqual(place.connector.requests, [])

	def test_a_server_that_was_never_read_is_found_out_about_by_one_run(self):
		with Place(6) as place, hesitating(PATIENCE):
			place.config.memory.clear()
			list(place.pull(4))
			self.assertEqual(len(place.fake.asked), 6)
			self.assertEqual(place.config.memory["dialect"], "FromDateTime")

	def test_a_server_that_fails_at_once_costs_one_failure_and_one_that_dies_as_many_as_are_made_at_once(
		self,
	):
		with Place(9) as place, hesitating(PATIENCE):
			place.fake.stop()
			(report,) = place.pull(4)
			self.assertIsInstance(report.error, UnreachableError)
			place.fake.start()

			def dies(fake: Held, serial: str) -> None:
				if len(fake.asked) > 1:
					fake.wait_for(lambda: fake.most == 4)
					raise ConnectionAbortedError("it is gone")

			place.fake._let = dies
			place.fake.asked.clear()
			first, *failed = place.pull(4)
			self.assertIs(first.status, RunStatus.SUCCESS)
			self.assertLessEqual(len(failed), 4)
			self.assertTrue(all(report.error.server_wide for report in failed))
			self.assertFalse(place.store.holders)

	def test_a_server_that_answers_nobody_costs_three_time_outs(self):
		for width in WIDTHS:
			with (
				self.subTest(width=width),
				Place(12, lambda fake, serial: fake.wait_for(lambda: False)) as place,
			):
				place.config = replace(place.config, timeout=0.1)
				place.connector = impatient(place.config)
				with hesitating(0.05):
					reports = list(place.pull(width))
				self.assertEqual([report.error.server_wide for report in reports], [False, False, True])


class SameAsInTurn(unittest.TestCase):
	def setUp(self):
		folder = tempfile.TemporaryDirectory()
		self.addCleanup(folder.cleanup)
		self.folder = Path(folder.name)

	def test_the_same_is_kept_and_asked_for_however_many_are_read_at_once(self):
		found = {}
		for width in WIDTHS:
			store = SqliteStore(self.folder / f"{width}.sqlite", clock, "UTC")
			with self.subTest(width=width), store, Place(7, store=store) as place, hesitating(0.0):
				store.enter_devices(DeviceEntry("main", serial, f"Door {serial}") for serial in place.serials)
				place.options = PullOptions(start_date=date(2025, 4, 1))
				reports = [report for _ in range(2) for report in place.pull(width)]
				self.assertEqual({report.status for report in reports}, {RunStatus.SUCCESS})
				found[width] = (
					[
						tuple(row)
						for row in store.database.rows("SELECT unit, status, raw FROM event ORDER BY unit")
					],
					sorted(map(tuple, store.database.rows("SELECT stream, fetched, new, known FROM log"))),
					{
						serial: store.cursor(Stream("main", "eTimeTrackLite", serial, "punches"))
						for serial in place.serials
					},
					Counter(request.arguments["SerialNumber"] for request in place.fake.requests),
				)
		self.assertEqual(len(found[1][0]), 7)
		self.assertEqual(found[2], found[1])
		self.assertEqual(found[4], found[1])

	def test_in_turn_nothing_is_in_another_thread(self):
		threads = set()
		with Place(3, lambda fake, serial: None) as place:
			real = place.connector.read_window
			place.connector.read_window = lambda *arguments: (
				threads.add(threading.get_ident()),
				real(*arguments),
			)[1]
			list(place.pull(1))
		self.assertEqual(threads, {threading.get_ident()})


class OfTheBridge(unittest.TestCase):
	def test_the_configuration_says_how_many_are_read_at_once(self):
		folder = tempfile.TemporaryDirectory()
		self.addCleanup(folder.cleanup)
		for width in (2, 3):

			def all_are_there(fake: Held, serial: str, width: int = width) -> None:
				fake.wait_for(lambda: fake.most >= width)

			with self.subTest(width=width), Place(5, all_are_there) as place, hesitating(0.05):
				server = replace(place.config, password="")
				entry = ServerEntry(
					server, PasswordSource("BIO_TEST"), serials=tuple(place.serials), at_once=width
				)
				devices = tuple(DeviceEntry("main", serial, serial) for serial in place.serials)
				database = Path(folder.name) / f"{width}.sqlite"
				config = SiteConfig((entry,), devices, "UTC", database, start_date=NOW.date())
				with patch.dict(os.environ, {"BIO_TEST": "secret"}), Site(config, clock) as site:
					site.store.enter_devices(devices)
					reports = list(site.pull(entry))
				self.assertEqual([report.status for report in reports], [RunStatus.SUCCESS] * 5)
				self.assertEqual(place.fake.most, width)


# --- ends


class Ends(unittest.TestCase):
	def assert_all_is_given_back(self, place: Place):
		self.assertEqual(place.store.holders, {})
		self.assertNotIn("Running", [log.status for log in place.store.logs.values()])

	def test_whoever_stops_listening_leaves_nothing_under_way(self):
		held = HeldBack("S001")
		with Place(4, held) as place, hesitating(0.05):
			pulled = place.pull(2)
			self.assertEqual([serial_of(next(pulled)) for _ in range(2)], ["S000", "S002"])
			pulled.close()
			self.assert_all_is_given_back(place)
			log = next(log for log in place.store.logs.values() if log.stream.unit == "S001")
			self.assertIn("not waited for", log.outcome.message)
			held.let_go(place.fake)

	def test_who_cannot_be_ended_is_left_behind_and_writes_nothing_more(self):
		stuck = threading.Event()

		class Stuck(Beside):
			def read_window(self, unit: str, window: Window) -> Answer:
				if unit == "S2":
					stuck.wait(PATIENCE)
				return super().read_window(unit, window)

		office = company(Stuck, 2, 2, MemoryStore())
		with hesitating(0.0), patch.object(side_by_side, "PATIENCE", 0.1):
			pulled = office.puller().pull(office.connector, office.config, office.options)
			next(pulled)
			pulled.close()
			before = dict(office.store.events)
			stuck.set()
			for thread in threading.enumerate():
				if thread is not threading.current_thread() and thread.daemon:
					thread.join(0.5)
		self.assertEqual(office.store.events, before)
		self.assertEqual({event.stream.unit for event in before.values()}, {"S1"})

	def test_a_failure_of_the_host_is_the_jobs(self):
		class Broken(OfOneThread):
			def claim(self, stream, trigger, window=None):
				if stream.unit == "S2":
					raise RuntimeError("the database is gone")
				return super().claim(stream, trigger, window)

		office = company(Beside, 4, 3, Broken())
		with hesitating(0.0), self.assertRaisesRegex(RuntimeError, "is gone"):
			office.pull()
		self.assertEqual(office.store.holders, {})

	def test_the_end_of_the_process_ends_the_job(self):
		class Ended(OfOneThread):
			def stage(self, claim, punches, cursor=None):
				if claim.stream.unit == "S2" and punches:
					raise KeyboardInterrupt
				return super().stage(claim, punches, cursor)

		office = company(Beside, 4, 3, Ended())
		with hesitating(0.0), self.assertRaises(KeyboardInterrupt):
			office.pull()
		self.assertLessEqual(set(office.store.holders), {office_key("S2")}, "which is as after a SIGKILL")

	def test_a_sentence_of_whoever_watches_ends_all_that_are_under_way(self):
		asked_in = set()

		def watch(log: str, piece: Window | None, counts: RunCounts) -> str:
			asked_in.add(threading.get_ident())
			return "Enough." if counts.new else ""

		office = company(Beside, 3, 4)
		office.options = replace(office.options, start_date=date(2025, 3, 1), watch=watch)
		with hesitating(0.0):
			reports = office.pull()
		self.assertEqual(
			{(report.status, report.message) for report in reports}, {(RunStatus.PARTIAL, "Enough.")}
		)
		self.assertEqual(asked_in, {threading.get_ident()})

	def test_where_time_is_over_what_is_under_way_is_told_of_before_what_is_left(self):
		begun = iter([True, True, True])
		office = company(Beside, 6, 4)
		office.options = replace(office.options, in_time=lambda: next(begun, False))
		with hesitating(0.0):
			*reports, last = office.pull()
		self.assertEqual([report.status for report in reports], [RunStatus.SUCCESS] * 3)
		self.assertEqual((last.log, last.status), ("", RunStatus.SKIPPED))
		self.assertIn("3 of 6", last.message)
		self.assertEqual(len(office.store.logs), 3)

	def test_a_stream_that_was_taken_over_is_nobody_elses_trouble(self):
		office = company(Beside, 4, 4)
		stolen: list[str] = []

		def watch(log: str, piece: Window | None, counts: RunCounts) -> str:
			if office.store.logs[log].stream.unit == "S3" and not stolen:
				stolen.append(log)
				del office.store.holders[office_key("S3")]
				office.store.claim(office.store.logs[log].stream, Trigger.MANUAL)
			return ""

		office.options = replace(office.options, watch=watch)
		with hesitating(0.0):
			by_unit = {serial_of(report): report.status for report in office.pull()}
		self.assertEqual(by_unit.pop("S3"), RunStatus.SKIPPED)
		self.assertEqual(set(by_unit.values()), {RunStatus.SUCCESS})


# --- a server without HTTP


@dataclass
class Beside(Plain):
	"""`Plain`, of which there may be several; each unit has a script of its own."""

	scripts: dict[str, list[str]] = field(default_factory=dict)

	def another(self) -> Beside:
		return replace(self, requests=[])

	def close(self) -> None:
		pass

	def read_window(self, unit: str, window: Window) -> Answer:
		self.script = self.scripts.get(unit, [])
		return super().read_window(unit, window)


def company(kind: type[Beside], devices: int, at_once: int, store: Any = None) -> Office:
	office = Office(store or OfOneThread(), NOW - HOUR, devices=devices)
	office.connector = kind(office.connector.punches)
	office.options = replace(office.options, start_date=NOW.date(), at_once=at_once)
	return office


def office_key(serial: str) -> str:
	return Stream("main", "Plain", serial, "punches").key


class NothingIsLost(unittest.TestCase):
	SCRIPTS = st.lists(
		st.dictionaries(
			st.sampled_from(["S1", "S2", "S3", "S4", "S5"]),
			st.lists(st.sampled_from(["well", *ALL_FAULTS]), max_size=5),
		),
		max_size=4,
	)

	@settings(deadline=None, max_examples=40)
	@given(SCRIPTS, st.integers(2, 4))
	def test_whatever_happens_one_good_round_has_all_that_the_server_has(self, scripts, at_once):
		office = company(Beside, 5, at_once)
		office.options = replace(office.options, start_date=date(2025, 4, 4))
		with hesitating(0.0):
			for script in scripts:
				office.connector.scripts = {unit: list(faults) for unit, faults in script.items()}
				for report in office.pull():
					counts = report.counts
					self.assertEqual(counts.fetched, counts.new + counts.known + counts.junk + counts.invalid)
				self.assertEqual(office.store.holders, {})
				office.connector.now += HOUR
			office.connector.scripts = {}
			reports = office.pull()
		self.assertEqual(len(reports), 5)
		for number in range(1, 6):
			self.assertEqual(office.staged(f"S{number}"), {NOW - HOUR})
		self.assertEqual(len(office.store.events), 5)

	def test_a_connector_that_cannot_is_read_in_turn(self):
		office = Office(OfOneThread(), NOW - HOUR, devices=4)
		office.options = replace(office.options, at_once=4)
		self.assertEqual(len(office.pull()), 4)
		self.assertNotIn("another", dir(Plain))

	def test_where_nothing_is_said_two_are_read_at_once(self):
		self.assertEqual((PullOptions().at_once, AT_ONCE), (2, 2))


class Listing(unittest.TestCase):
	"""A server that lists its devices, of which rows come that nobody has seen."""

	def test_new_devices_are_learnt_once(self):
		lists, together = [], threading.Barrier(2)

		@dataclass
		class Lists(Beside):
			lists_devices: bool = True

			def list_devices(self) -> list[ListedDevice]:
				lists.append(threading.get_ident())
				time.sleep(0.02)
				return [ListedDevice("NEW", "Canteen", "HO")] if len(lists) > 1 else []

			def read_window(self, unit: str, window: Window) -> Answer:
				if unit != "S1":
					together.wait(PATIENCE)
				row = Record("1", NOW - HOUR, Direction.IN, f"{unit}", "", "Canteen", "HO")
				return Answer([] if unit == "S1" else [row], None if unit == "S1" else 1)

		office = company(Lists, 3, 2)
		office.options = replace(office.options, window=MORNING)
		with hesitating(PATIENCE):
			reports = office.pull()
		self.assertEqual([report.status for report in reports], [RunStatus.PARTIAL, *[RunStatus.SUCCESS] * 2])
		self.assertEqual(len(lists), 2, "at the begin, and once more")
		devices = office.store.devices("main")
		self.assertEqual([device.serial for device in devices if device.label == "Canteen"], ["NEW"])
		self.assertEqual({event.punch.device for event in office.store.events.values()}, {devices[-1].key})

	def test_a_list_that_is_waited_for_keeps_nobody_who_knows_his_devices(self):
		waits, free = threading.Event(), threading.Event()

		@dataclass
		class Lists(Beside):
			lists_devices: bool = True

			def list_devices(self) -> list[ListedDevice]:
				if self.asked:
					waits.set()
					free.wait(PATIENCE)
				return []

			def read_window(self, unit: str, window: Window) -> Answer:
				self.asked.append((unit, window))
				if unit == "S2":
					return Answer([Record("1", NOW - HOUR, Direction.IN, "x", "", "Canteen", "HO")], 1)
				waits.wait(PATIENCE if len(self.asked) > 1 else 0)
				return Answer([Record("1", NOW - HOUR, Direction.IN, "y", unit)], 1)

		office = company(Lists, 4, 2)
		office.options = replace(office.options, window=MORNING)
		with hesitating(PATIENCE):
			pulled = office.puller().pull(office.connector, office.config, office.options)
			self.assertEqual([serial_of(next(pulled)) for _ in range(3)], ["S1", "S3", "S4"])
			free.set()
			self.assertEqual([serial_of(report) for report in pulled], ["S2"])


# --- which may be begun


def streams(*units: str, feeds: tuple[str, ...] = ("punches",)) -> list[tuple[Stream, Feed]]:
	return [(Stream("main", "Plain", unit, feed), Feed(feed)) for unit in units for feed in feeds]


def report_of(error: Exception | None = None) -> RunReport:
	status = RunStatus.FAILED if error else RunStatus.SUCCESS
	return RunReport("log", "", status, "", RunCounts(), clock(), error)


class WhichMayBegin(unittest.TestCase):
	def flight(
		self, *units: str, most: int = 4, feeds: tuple[str, ...] = ("punches",), go: bool = True
	) -> InFlight:
		"""`go`: the first one is over, and was answered."""
		first = streams("first") if go else []
		flight = InFlight([*first, *streams(*units, feeds=feeds)], most)
		if go:
			self.ends(flight, flight.begin()[0].unit)
		return flight

	def begun(self, flight: InFlight) -> list[str]:
		found = []
		while flight.may_begin():
			stream, _feed = flight.begin()
			flight.ask(stream)
			found.append("/".join(filter(None, (stream.unit, stream.feed.removeprefix("punches")))))
		return found

	def ends(
		self, flight: InFlight, unit: str, error: Exception | None = None, feed: str = "punches"
	) -> RunReport:
		return flight.ended(Stream("main", "Plain", unit, feed), report_of(error))

	def asks(self, flight: InFlight, unit: str) -> str:
		return flight.ask(Stream("main", "Plain", unit, "punches"))

	def test_the_first_is_alone_until_it_has_an_answer_or_takes_a_while(self):
		flight = self.flight(*"ABCDE", go=False)
		self.assertEqual((self.begun(flight), flight.is_alone), (["A"], True))
		self.ends(flight, "A")
		self.assertEqual((self.begun(flight), flight.is_alone), (["B", "C", "D", "E"], False))
		flight = self.flight(*"ABCDE", go=False)
		self.begun(flight)
		flight.go_ahead()
		self.assertEqual(self.begun(flight), ["B", "C"], "as many as tell that the server is down")
		self.ends(flight, "B")
		self.assertEqual(self.begun(flight), ["D", "E"])

	def test_as_many_as_may_be_are_under_way(self):
		for most, expected in ((1, "A"), (2, "AB"), (3, "ABC"), (4, "ABCD"), (99, "ABCD")):
			flight = self.flight(*"ABCDEFG", most=most)
			self.assertEqual(self.begun(flight), list(expected))
			self.assertEqual(len(flight), len(expected))

	def test_the_feeds_of_one_unit_are_read_one_after_the_other(self):
		flight = self.flight("A", "B", most=4, feeds=("live", "day"))
		self.assertEqual(self.begun(flight), ["A/live", "B/live"])
		self.ends(flight, "B", feed="live")
		self.assertEqual(self.begun(flight), ["B/day"])
		self.ends(flight, "A", feed="live")
		self.assertEqual(self.begun(flight), ["A/day"])

	def test_a_failure_of_the_server_leaves_the_rest(self):
		flight = self.flight(*"ABCDEFG", most=2)
		self.begun(flight)
		self.ends(flight, "A", ProtocolError("No."))
		self.assertEqual(self.begun(flight), ["C"])
		self.ends(flight, "C", UnreachableError("No."))
		self.assertEqual((self.begun(flight), len(flight)), ([], 1))
		self.assertFalse(self.ends(flight, "B", ProtocolError("No.")).error.server_wide)

	def test_three_in_a_row_without_an_answer_are_a_server_that_is_down(self):
		for most in (1, 2, 3, 4):
			with self.subTest(most=most):
				flight, told = self.flight(*"ABCDEFGH", most=most), []
				under_way = self.begun(flight)
				while under_way:
					told.append(self.ends(flight, under_way.pop(0), SilentError("Silent.")).error)
					under_way += self.begun(flight)
				self.assertEqual(len(told), max(MOST_SILENT, most))
				self.assertIsInstance(told[MOST_SILENT - 1], UnreachableError)
				self.assertEqual([error.server_wide for error in told].count(True), 1)

	def test_a_server_that_never_answered_costs_three_however_many_are_read_at_once(self):
		for most in (1, 2, 3, 4):
			for patient in (True, False):
				with self.subTest(most=most, patient=patient):
					flight, told = self.flight(*"ABCDEFGH", most=most, go=False), []
					under_way = self.begun(flight)
					while under_way:
						if not patient:
							flight.go_ahead()
							under_way += self.begun(flight)
						told.append(self.ends(flight, under_way.pop(0), SilentError("Silent.")).error)
						under_way += self.begun(flight)
					self.assertEqual([error.server_wide for error in told], [False, False, True])

	def test_who_hears_nothing_while_others_are_answered_says_nothing_about_the_server(self):
		flight = self.flight(*"ABCDEFGH", most=4)
		self.assertEqual(self.begun(flight), ["A", "B", "C", "D"])
		self.ends(flight, "D")
		for unit in "ABC":
			self.assertFalse(self.ends(flight, unit, SilentError("Silent.")).error.server_wide)
		self.assertEqual(self.begun(flight), ["E", "F", "G", "H"])

	def test_long_runs_that_are_answered_speak_for_the_server(self):
		flight = self.flight("long", *"ABCDE", most=2)
		self.begun(flight)
		for unit in "ABCDE":
			self.asks(flight, "long")
			self.assertFalse(self.ends(flight, unit, SilentError("Silent.")).error.server_wide)
			self.begun(flight)

	def test_a_run_of_which_nothing_was_due_says_nothing(self):
		flight = self.flight(*"ABC", go=False)
		self.begun(flight)
		self.assertIsNone(flight.ended(Stream("main", "Plain", "A", "punches"), None))
		self.assertTrue(flight.is_alone)
		self.assertEqual(self.begun(flight), ["B"])

	def test_a_job_that_ends_tells_whoever_asks(self):
		flight = self.flight(*"ABCDE", most=2)
		self.begun(flight)
		self.assertEqual(self.asks(flight, "A"), "")
		flight.close()
		self.assertIn("next run goes on", self.asks(flight, "A"))
		self.assertFalse(flight.may_begin())


class InThreads(unittest.TestCase):
	def test_what_is_asked_for_is_done_by_whoever_began_it_with_its_failures(self):
		runs: SideBySide[Any] = SideBySide()
		here = threading.get_ident()
		heard = elsewhere(Ear(), runs.ask)

		def run() -> tuple[int, int, str]:
			try:
				heard.fail("no", times=2)
			except ValueError as error:
				return threading.get_ident(), heard.thread(), str(error)
			raise AssertionError

		runs.begin(run)
		there, asked, words = runs.ended(PATIENCE)
		self.assertNotEqual(there, here)
		self.assertEqual((asked, words), (here, "nono"))

	def test_nobody_ends_in_no_time(self):
		runs: SideBySide[Any] = SideBySide()
		free = threading.Event()
		runs.begin(lambda: free.wait(PATIENCE))
		self.assertIsNone(runs.ended(0.01))
		free.set()
		self.assertTrue(runs.ended(PATIENCE))


class Ear:
	def thread(self) -> int:
		return threading.get_ident()

	def fail(self, words: str, times: int) -> None:
		raise ValueError(words * times)


if __name__ == "__main__":
	unittest.main()
