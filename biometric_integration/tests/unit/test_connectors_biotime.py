"""BioTime: the contract of all connectors, and what is special about it (sources-protocols §1)."""

from __future__ import annotations

import json
import traceback
import unittest
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from biometric_integration.connectors.biotime import (
	KEPT,
	MANUAL,
	UNDERWAY,
	BioTime,
	parse_row,
	parse_terminal,
)
from biometric_integration.connectors.transport import Transport
from biometric_integration.core.connector import Connector, ListedDevice, Page, ServerConfig, TellsPings
from biometric_integration.core.errors import (
	AuthenticationError,
	ConfigurationError,
	ProtocolError,
	SilentError,
	SyncError,
)
from biometric_integration.core.punch import Direction, Kind, Record, Unreadable
from biometric_integration.core.window import Window
from biometric_integration.simulator import FakeBioTime, Fault, FaultKind, World
from biometric_integration.simulator.answers import Answer
from biometric_integration.simulator.biotime_rows import PERSONAL
from biometric_integration.tests.unit.connector_contract import ALWAYS, FIRST_DAY, PASSWORD, ConnectorContract

DAY = Window(datetime(2025, 3, 29), datetime(2025, 3, 30))
MOMENT = datetime(2025, 4, 7, 9, 2, 11)


class BioTimeTest(ConnectorContract, unittest.TestCase):
	server_type = "BioTime"
	error_text_class = ProtocolError
	requests_for_a_page = 2
	"""The login is one."""
	stale_memory: Mapping[str, Any] = {"base": "/old/place", "login": "Token"}
	fake: Any = None

	def serve(self, world: World, **options: Any) -> FakeBioTime:
		self.fake = FakeBioTime(world, **{"user": "api", "password": PASSWORD, **options})
		return self.fake

	def some_page(self, connector: Connector) -> Page:
		return connector.read_window("", DAY)

	def read_all(self, connector: Connector, world: World) -> list[Record | Unreadable]:
		return [row for piece in connector.slices(self.week) for row in connector.read_window("", piece)]

	def places(self) -> Mapping[str, dict[str, Any]]:
		return {
			"/": {},
			"/login/?next=/": {},
			"/iclock/api/transactions/": {},
			"/bt": {"folder": "/bt"},
			"/bt/base/dashboard/": {"folder": "/bt"},
		}

	def assert_place_remembered(self, config: ServerConfig, server: Any) -> None:
		self.assertEqual(config.memory, {"base": "", "login": "JWT", "endpoint_url": server.url})

	def secrets(self) -> set[str]:
		return self.fake.gate.tokens if self.fake else set()

	def test_a_wrong_path_is_a_configuration_error_that_names_what_was_tried(self) -> None:
		with self.serve(self.world, folder="/bt") as server:
			error = self.failure(self.connector(self.config(f"{server.url}/nothing/here")))
		self.assertIsInstance(error, ConfigurationError)
		for place in ("/nothing/here/", "/nothing/iclock", " /iclock"):
			self.assertIn(place, error.message)

	# -- logging in

	def test_the_way_to_log_in_is_found_and_remembered(self) -> None:
		for options, login, requests in (
			({}, "JWT", 3),
			({"prefixes": ("/api",)}, "JWT below /api", 4),
			({"logins": ("Token",)}, "Token", 5),
			({"logins": ("Token",), "prefixes": ("/api",)}, "Token below /api", 6),
			({"logins": ()}, "Basic", 7),
		):
			with self.subTest(login), self.serve(self.world, **options) as server:
				config = self.config(server.url)
				connector = self.connector(config)
				self.assertTrue(list(self.some_page(connector)))
				self.assertEqual((config.memory["login"], len(connector.requests)), (login, requests))
				self.assertEqual([request for request in server.changes if "auth" not in request.target], [])
				again = self.connector(config)
				self.assertTrue(list(self.some_page(again)))
				self.assertEqual(len(again.requests), 2)
				for form in (*self.secrets(), PASSWORD):
					self.assertNotIn(form, json.dumps(config.memory))

	def test_a_place_that_is_gone_is_looked_for_before_another_login_is_taken(self) -> None:
		with self.serve(self.world, licensed=False) as server:
			config = self.config(server.url)
			config.memory.update(self.stale_memory, endpoint_url=server.url)
			error = self.failure(self.connector(config))
			self.assertIn("licence", error.message, "HTTP Basic would have passed")
			self.assertEqual((config.memory["base"], config.memory["login"]), ("", "Token"))

	def test_a_cloud_tenant_wants_a_company(self) -> None:
		with self.serve(self.world, company="acme", user="hr@acme.example") as server:
			error = self.failure(self.connector(self.config(server.url, user="hr@acme.example")))
			self.assertIsInstance(error, ConfigurationError)
			self.assertIn("company\\user", error.message)
			connector = self.connector(self.config(server.url, user="acme\\hr@acme.example"))
			self.assertTrue(list(self.some_page(connector)))
			self.assertEqual(server.gate.bad_logins, 0)

	def test_a_login_that_was_refused_is_not_repeated(self) -> None:
		with self.serve(self.world) as server:
			connector = self.connector(self.config(server.url, user="nobody"))
			for _ in range(3):
				error = self.failure(connector)
				self.assertIsInstance(error, AuthenticationError)
				self.assertIn("Unable to log in with provided credentials.", error.message)
			self.assertEqual(server.gate.bad_logins, 1)
			self.assertEqual([request.operation for request in server.requests].count("login"), 1)

	def test_a_refused_basic_login_is_not_repeated_either(self) -> None:
		with self.serve(self.world, logins=()) as server:
			connector = self.connector(self.config(server.url, user="nobody"))
			for _ in range(3):
				self.assertIsInstance(self.failure(connector), AuthenticationError)
			self.assertEqual(server.gate.bad_logins, 1)

	def test_a_token_that_dies_between_pages_brings_a_new_login(self) -> None:
		with self.serve(self.world, token_requests=2, most_rows=20) as server:
			connector = self.connector(self.config(server.url))
			rows = self.read_all(connector, self.world)
			self.assertEqual({(row.user_id, row.source_time) for row in rows}, self.world.truth())
			self.assertEqual(len(rows), len(self.world.truth()))
			self.assertGreater(len(server.gate.tokens), 10)
			self.assertEqual(server.gate.bad_logins, 0)
			self.assert_no_password(connector)

	def test_a_token_that_is_never_accepted_brings_one_new_login(self) -> None:
		with self.serve(self.world, token_requests=0) as server:
			error = self.failure(self.connector(self.config(server.url)))
			self.assertIsInstance(error, AuthenticationError)
			self.assertEqual(len(server.gate.tokens), 2)

	def test_a_front_that_keeps_the_login_to_itself_says_what_to_do_and_a_copied_token_works(self) -> None:
		for status in (403, 405):
			with self.subTest(status), self.serve(self.world, closed_login=status) as server:
				error = self.failure(self.connector(self.config(server.url)))
				self.assertIsInstance(error, ConfigurationError)
				self.assertIn("enter JWT as API User", error.message)
				token = server.gate.issue("JWT")
				connector = self.connector(self.config(server.url, user="JWT", password=f"{token}\n"))
				self.assertTrue(list(self.some_page(connector)))
				self.assertNotIn("login", {request.operation for request in server.requests[-2:]})
				server.gate.forget()
				error = self.failure(self.connector(self.config(server.url, user="JWT", password=token)))
				self.assertIsInstance(error, AuthenticationError)
				self.assertIn("copy a new one", error.message)
				self.assertIn("Signature has expired.", error.message)

	def test_a_login_that_is_refused_without_a_word_is_not_tried_in_another_way(self) -> None:
		html = "<!DOCTYPE html><html><body>Forbidden</body></html>"
		for status, body, sentence in (
			(403, html, "enter JWT as API User"),
			(403, "Account locked: too many login attempts.", "refused the login"),
			(403, "", "refused the login"),
			(401, html, "refused the login"),
			(401, "", "refused the login"),
			(400, html, "refused the login"),
		):
			for memory in ({}, {"base": "", "login": "Token"}):
				with self.subTest(status=status, body=body, **memory):
					with _Wordless(self.world, status, body) as server:
						config = self.config(server.url)
						config.memory.update(memory, endpoint_url=server.url)
						connector = self.connector(config)
						for _ in range(2):
							self.assertIn(sentence, self.failure(connector).message)
						logins = [request for request in server.requests if request.operation == "login"]
						self.assertEqual(len(logins), 1)

	def test_a_licence_without_the_api_is_said_in_words_and_not_got_around(self) -> None:
		with self.serve(self.world, licensed=False) as server:
			connector = self.connector(self.config(server.url))
			error = self.failure(connector)
			self.assertIsInstance(error, AuthenticationError)
			self.assertIn("licence does not include the API", error.message)
			self.assertEqual(connector.requests[-1].http_status, 403)
			steps = {step.step: step for step in self.connector(self.config(server.url)).test()}
			self.assertTrue(steps["Login"].ok)
			self.assertIn("licence", steps["Operation"].message)

	def test_a_first_answer_that_takes_long_says_so(self) -> None:
		with self.serve(self.world) as server:
			server.faults.add(Fault(FaultKind.HANG, ALWAYS, seconds=2))
			connector = self.connector(self.config(server.url))
			error = self.failure(connector)
			self.assertIsInstance(error, SilentError)
			self.assertIn("raise the Timeout", error.message)
			server.faults.clear()
			self.assertTrue(list(self.some_page(connector)))
			server.faults.add(Fault(FaultKind.HANG, ALWAYS, seconds=2))
			self.assertNotIn("raise the Timeout", self.failure(connector).message)

	def test_a_token_that_is_given_back_is_masked(self) -> None:
		for form in self.echoes:
			with self.subTest(form), self.served() as (server, connector):
				server.faults.add(
					Fault(FaultKind.ECHO_PASSWORD, ALWAYS, operation="transactions", after=1, form=form)
				)
				error = self.failure(connector)
				self.assertEqual(len(server.gate.tokens), 1)
				self.assertIn("***", error.detail or error.message)
				self.assert_no_password(connector, error)

	def test_an_error_in_place_of_data_is_told_in_the_words_of_the_server(self) -> None:
		with self.served() as (server, connector):
			server.faults.add(Fault(FaultKind.ERROR_TEXT, ALWAYS, operation="transactions", after=1))
			error = self.failure(connector)
			self.assertIsInstance(error, ProtocolError)
			self.assertIn("in place of data. Its words: Request failed.", error.message)

	# -- pages

	@contextmanager
	def paged(self, **options: Any) -> Iterator[tuple[FakeBioTime, Connector]]:
		with self.serve(self.world, **{"most_rows": 10, **options}) as server:
			yield server, self.connector(self.config(server.url))

	def ids(self, rows: list[Record | Unreadable]) -> list[int | None]:
		return [row.log_id for row in rows]

	def test_whatever_next_names_only_this_server_is_asked(self) -> None:
		with self.paged(host="http://elsewhere.invalid:1") as (server, connector):
			page = connector.read_window("", DAY)
			rows = list(page)
			self.assertEqual(len(rows), page.declared)
			self.assertGreater(len(rows), 20)
			self.assertEqual(server.requests[-1].arguments["page"], str(-(-len(rows) // 10)))

	def test_editions_answer_in_their_own_words(self) -> None:
		for options in (
			{"version": "9.0", "envelope": "results"},
			{"version": "8.0", "numbers": "text", "envelope": "both"},
			{"numbers": "integers", "version": "8.5"},
		):
			with self.subTest(**options), self.serve(self.world, **options) as server:
				connector = self.connector(self.config(server.url))
				rows = self.read_all(connector, self.world)
				self.assertEqual({(row.user_id, row.source_time) for row in rows}, self.world.truth())
				self.assertEqual({row.direction for row in rows}, set(Direction))
				self.assertTrue(all(row.log_id for row in rows))

	def test_a_page_that_is_repeated_for_ever_ends_and_is_told_by_the_count(self) -> None:
		with self.paged() as (server, connector):
			server.stuck_at = 2
			page = connector.read_window("", DAY)
			rows = list(page)
			self.assertEqual((len(rows), len(set(self.ids(rows)))), (20, 20))
			self.assertGreater(page.declared or 0, 20)
			self.assertIn("an earlier one", connector.requests[-1].server_message)

	def test_a_page_that_is_repeated_without_a_count_is_a_failure(self) -> None:
		with _Uncounted(self.world, user="api", password=PASSWORD, most_rows=10) as server:
			server.stuck_at = 2
			connector = self.connector(self.config(server.url))
			with self.assertRaises(ProtocolError) as caught:
				list(connector.read_window("", DAY))
			self.assertIn("again and again", caught.exception.message)

	def test_rows_that_come_while_paging_are_read_as_well(self) -> None:
		serial = self.world.devices[0].serial
		with self.paged() as (server, connector):
			server.after_each = lambda request: (
				self.world.punch(serial, "9999", DAY.start + timedelta(seconds=len(server.requests)))
				if request.operation == "transactions"
				else None
			)
			page = connector.read_window("", DAY)
			rows = list(page)
			self.assertEqual(len(rows), page.declared)
			self.assertGreater(sum(row.user_id == "9999" for row in rows), 2)

	def test_a_row_that_slips_away_under_a_deletion_is_missed(self) -> None:
		with self.paged() as (server, connector):
			found = self.ids(list(connector.read_window("", DAY)))

			def delete(request: Any) -> None:
				if request.operation == "transactions":
					server.after_each = lambda _: None
					self.world.delete(found[0])

			server.after_each = delete
			page = connector.read_window("", DAY)
			rows = list(page)
			self.assertNotIn(found[10], self.ids(rows), "it has moved to the page before")
			self.assertLess(len(set(self.ids(rows))), page.declared or 0)

	def test_a_list_that_ends_while_paging_ends_the_reading(self) -> None:
		with self.paged() as (server, connector):
			found = self.ids(list(connector.read_window("", DAY)))
			server.after_each = lambda request: (
				self.world.delete(*found[10:]) if request.operation == "transactions" else None
			)
			page = connector.read_window("", DAY)
			self.assertEqual(self.ids(list(page)), found[:10])
			self.assertEqual(page.declared, len(found), "nobody can tell a deletion from a loss")

	def test_a_list_that_is_shorter_than_its_count_says_so(self) -> None:
		with self.served() as (server, connector):
			server.faults.add(Fault(FaultKind.TRUNCATED, ALWAYS, operation="transactions"))
			page = connector.read_window("", DAY)
			self.assertLess(len(list(page)), page.declared or 0)

	def test_no_rows_are_an_answer(self) -> None:
		with self.served() as (_, connector):
			page = connector.read_window("", Window(datetime(2024, 1, 1), datetime(2024, 1, 2)))
			self.assertEqual((list(page), page.declared, page.confirmed), ([], 0, True))

	# -- what has arrived

	def arrived(self, since: datetime, **options: Any) -> tuple[Any, list[Any], ServerConfig]:
		with self.serve(self.world, **options) as server:
			connector = self.connector(self.config(server.url))
			self.arrivals_from(connector, since)
			page = connector.read_arrivals("")
			rows = [] if page is None else list(page)
			connector.keep_arrivals()
			return page, rows, connector._config

	def from_when(self, server: Any, since: datetime) -> Any:
		connector = self.connector(self.config(server.url))
		self.arrivals_from(connector, since)
		return connector

	def arrivals_from(self, connector: Any, since: datetime) -> None:
		"""As if what had come before was kept."""
		connector._client.memory.keep(arrived_until=str(since + UNDERWAY))

	def late(self) -> None:
		serial = self.world.devices[0].serial
		self.world.punch(serial, "0044", datetime(2024, 7, 1, 9), received=self.world.now)

	def test_rows_that_came_last_are_read_back_to_a_moment(self) -> None:
		self.late()
		since = self.world.now - timedelta(days=1)
		for size in (None, 7):
			page, rows, config = self.arrived(since, most_rows=size)
			expected = {row.log_id for row in self.world.visible() if row.received >= since}
			self.assertEqual({row.log_id for row in rows}, expected)
			self.assertIn(datetime(2024, 7, 1, 9), {row.source_time for row in rows})
			self.assertEqual((page.confirmed, page.declared), (True, None))
			self.assertTrue(config.memory["tells_arrivals"])
			self.assertEqual(config.memory["arrived_until"], str(self.world.now))

	def test_the_first_time_nothing_is_taken_and_the_next_what_came_since(self) -> None:
		with self.serve(self.world, most_rows=10) as server:
			config = self.config(server.url)
			for expected in (set(), {"7777"}):
				connector = self.connector(config)
				rows = list(connector.read_arrivals(""))
				self.assertEqual({row.user_id for row in rows} & {"7777"}, expected)
				connector.keep_arrivals()
				self.world.now += timedelta(hours=1)
				if not expected:
					self.world.punch(
						self.world.devices[0].serial, "7777", datetime(2024, 7, 1, 9), received=self.world.now
					)

	def test_a_time_of_arrival_that_lies_ahead_is_no_mark(self) -> None:
		self.world.punch(self.world.devices[0].serial, "8888", datetime(2025, 4, 1, 9))
		for known in ("2030-01-02 00:00:00", str(self.world.now)):
			for size in (None, 1):
				with self.subTest(known=known, size=size), _Ahead(self.world, size) as server:
					connector = self.connector(self.config(server.url))
					connector._client.memory.keep(arrived_until=known)
					rows = list(connector.read_arrivals(""))
					self.assertEqual("8888" in {row.user_id for row in rows}, known[:4] != "2030")
					connector.keep_arrivals()
					self.assertEqual(connector._config.memory["arrived_until"], str(self.newest()))

	def newest(self) -> datetime:
		return max(row.received for row in self.world.visible() if row.code != "8888")

	def test_the_first_mark_stands_before_the_windows_that_were_read(self) -> None:
		with self.serve(self.world) as server:
			connector = self.connector(self.config(server.url))
			list(connector.read_window("", DAY))
			newest = max(row.received for row in self.world.visible())
			for back in (timedelta(hours=3), timedelta()):
				self.world.now += timedelta(hours=3)
				list(connector.read_arrivals(""))
				connector.keep_arrivals()
				self.assertEqual(connector._config.memory["arrived_until"], str(newest - back))

	def test_what_was_not_kept_comes_again(self) -> None:
		self.late()
		with self.serve(self.world) as server:
			connector = self.from_when(server, self.world.now - timedelta(days=1))
			first = [row.log_id for row in connector.read_arrivals("")]
			self.assertEqual([row.log_id for row in connector.read_arrivals("")], first)

	def test_a_page_of_arrivals_that_is_repeated_ends(self) -> None:
		with self.serve(self.world, most_rows=10) as server:
			server.stuck_at = 2
			connector = self.from_when(server, datetime(2025, 3, 1))
			page = connector.read_arrivals("")
			self.assertEqual((len(list(page)), page.confirmed), (20, False))
			self.assertLess(len(server.requests), 8)

	def test_a_server_that_does_not_order_is_found_out_and_asked_no_more(self) -> None:
		self.late()
		page, rows, config = self.arrived(self.world.now - timedelta(days=1), version="8.5")
		self.assertEqual((rows, page.confirmed, config.memory["tells_arrivals"]), ([], False, False))
		with self.serve(self.world) as server:
			config = replace(
				self.config(server.url), memory={"endpoint_url": server.url, "tells_arrivals": False}
			)
			connector = self.connector(config)
			self.assertIsNone(connector.read_arrivals(""))
			self.assertEqual(connector.requests, [])

	def test_an_order_that_ends_on_a_later_page_is_no_order(self) -> None:
		with self.serve(self.world, most_rows=10) as server:
			turned = [False]

			def turn(request: Any) -> None:
				turned[0] = turned[0] or request.arguments.get("page") == "2"
				server._orders = not turned[0]

			server.after_each = turn
			page = self.from_when(server, datetime(2025, 3, 1)).read_arrivals("")
			self.assertEqual(len(list(page)), 20)
			self.assertFalse(page.confirmed)

	def test_rows_that_come_while_arrivals_are_paged_spoil_no_order(self) -> None:
		serial = self.world.devices[0].serial
		with self.serve(self.world, most_rows=10) as server:

			def come(request: Any) -> None:
				for second in range(3):
					self.world.now += timedelta(seconds=1)
					self.world.punch(serial, f"9{second}", self.world.now)

			server.after_each = come
			since = self.world.now - timedelta(days=1)
			expected = {row.log_id for row in self.world.visible() if row.received >= since}
			page = self.from_when(server, since).read_arrivals("")
			self.assertLessEqual(expected, {row.log_id for row in page})
			self.assertTrue(page.confirmed)

	def test_arrivals_that_all_came_at_once_prove_no_order(self) -> None:
		world = World(datetime(2025, 4, 7, 12))
		world.add_device("S1", "Gate")
		for minute in range(30):
			world.punch("S1", "0031", datetime(2025, 4, 6, 9, minute), received=datetime(2025, 4, 7, 8))
		self.world = world
		page, rows, _ = self.arrived(datetime(2025, 4, 7, 11), most_rows=10)
		self.assertEqual((rows, page.confirmed), ([], True), "all there is was looked at")
		page, rows, _ = self.arrived(datetime(2025, 4, 7, 11), most_rows=10, version="8.0")
		self.assertEqual((rows, page.confirmed), ([], True))

	def test_a_moment_of_old_arrivals_at_the_begin_proves_nothing(self) -> None:
		self.world = World(datetime(2025, 4, 7, 12))
		self.world.add_device("S1", "Gate")
		for minute in range(20):
			received = datetime(2025, 4, 7, 8) if minute < 10 else datetime(2025, 4, 7, 11, 30)
			self.world.punch("S1", "0031", datetime(2025, 4, 6, 9, minute), received=received)
		page, rows, config = self.arrived(datetime(2025, 4, 7, 11), most_rows=10, version="8.0")
		self.assertEqual((rows, page.confirmed, config.memory["tells_arrivals"]), ([], False, False))

	def test_a_day_is_counted_for_the_price_of_a_row(self) -> None:
		with self.served() as (_, connector):
			rows = [row for row in connector.read_window("", DAY) if DAY.start <= row.source_time < DAY.end]
			self.assertEqual(connector.count("", DAY), len(rows))
			self.assertLess(connector.requests[-1].size, 2000)

	# -- what is read

	def test_punches_of_no_terminal_have_a_device_of_their_own_once_there_are_any(self) -> None:
		with self.serve(self.world) as server:
			connector = self.connector(self.config(server.url))
			self.read_all(connector, self.world)
			self.assertNotIn(MANUAL, {each.device_name for each in connector.list_devices()})
			self.world.manual_punch("0031", datetime(2025, 3, 29, 10), "out")
			rows = self.read_all(connector, self.world)
			device = ListedDevice("manual-and-app@main", MANUAL, "")
			manual = [row for row in rows if row.serial == device.serial]
			self.assertEqual([(row.device_name, row.user_id) for row in manual], [(MANUAL, "0031")])
			self.assertIn(device, connector.list_devices())
			self.assertEqual(
				connector.last_ping(device.serial), self.world.now, "it is the server, which answers"
			)

	def test_nothing_personal_is_kept(self) -> None:
		with self.served() as (_, connector):
			rows = self.read_all(connector, self.world)
			kept = repr([*rows, *connector.list_devices(), *connector.requests])
		for name, value in PERSONAL.items():
			self.assertNotIn(str(value), kept, name)
		self.assertEqual(set(json.loads(rows[0].raw)) - set(KEPT), set())

	def test_terminals_are_listed_and_tell_when_they_were_heard(self) -> None:
		with self.serve(self.world, most_rows=2) as server:
			connector = self.connector(self.config(server.url))
			assert isinstance(connector, TellsPings)
			devices = connector.list_devices()
			self.assertEqual(
				devices,
				[ListedDevice(device.serial, device.name, device.location) for device in self.world.devices],
			)
			before = len(connector.requests)
			for device in self.world.devices:
				self.assertEqual(
					connector.last_ping(device.serial),
					self.world.last_ping(device.serial).replace(microsecond=0),
				)
			self.assertIsNone(connector.last_ping("NOBODY"))
			self.assertEqual(len(connector.requests), before, "one list for all of them")

	def test_activity_of_a_server_in_another_zone_proves_nothing(self) -> None:
		serial = self.world.devices[0].serial
		with self.serve(self.world) as server:
			config = self.config(server.url, time_zone="Europe/London")
			self.assertIsNone(self.connector(config).last_ping(serial))
			for device in self.world.devices:
				self.world.set_last_ping(device.serial, self.world.now - timedelta(hours=6))
			self.assertIsNone(self.connector(config).last_ping(serial), "it was ahead before")
			list(self.connector(config).test())
			self.assertIsNotNone(self.connector(config).last_ping(serial))

	def test_a_user_who_sees_one_terminal_reads_that_one(self) -> None:
		only = self.world.devices[0].serial
		with self.serve(self.world, sees=[only]) as server:
			connector = self.connector(self.config(server.url))
			self.assertEqual([device.serial for device in connector.list_devices()], [only])
			self.assertEqual({row.serial for row in self.read_all(connector, self.world)}, {only})

	def test_only_a_login_is_posted(self) -> None:
		with self.served() as (server, connector):
			connector.list_devices()
			self.read_all(connector, self.world)
			list(connector.test())
			self.assertEqual(server.changes, [])
			self.assertNotIn("employees", {request.operation for request in server.requests})

	def test_a_feed_by_position_is_not_there(self) -> None:
		with self.assertRaises(NotImplementedError):
			self.connector(self.config("http://x")).read_after("", 1, 10)


class RowTest(unittest.TestCase):
	def row(self, **values: Any) -> dict[str, Any]:
		return {
			"id": 7,
			"emp_code": "0031",
			"punch_time": str(MOMENT),
			"punch_state": "0",
			"verify_type": 15,
			"terminal_sn": "S1",
			"first_name": "Nobody",
			**values,
		}

	def test_each_state_has_its_direction(self) -> None:
		for state, direction in (
			*((state, Direction.IN) for state in ("0", "3", "4", 0, 3, 4)),
			*((state, Direction.OUT) for state in ("1", "2", "5", 1, 2, 5)),
			*((state, Direction.NONE) for state in ("255", 255, None, "", "x", True, [1])),
		):
			read = parse_row(self.row(punch_state=state))
			self.assertEqual(read.direction, direction, state)

	def test_numbers_and_texts_are_taken_for_each_other(self) -> None:
		one = parse_row(self.row(id="7", emp_code=31, verify_type="15", terminal_sn=4711))
		self.assertEqual((one.log_id, one.user_id, one.verify_mode, one.serial), (7, "31", "Face", "4711"))
		self.assertEqual(parse_row(self.row(verify_type=99)).verify_mode, "99")

	def test_an_employee_code_keeps_its_zeros(self) -> None:
		self.assertEqual(parse_row(self.row(emp_code=" 00031 ")).user_id, "00031")

	def test_what_cannot_be_read_is_kept_without_what_is_personal(self) -> None:
		for values in (
			{"emp_code": None},
			{"emp_code": ""},
			{"emp_code": 1.5},
			{"punch_time": None},
			{"punch_time": "yesterday"},
			{"punch_time": "2025-04-07 09:02:11+05:30"},
			{"emp_code": "x\ufffd"},
		):
			with self.subTest(**values):
				read = parse_row(self.row(**values))
				self.assertIsInstance(read, Unreadable)
				self.assertEqual(read.log_id, 7)
				self.assertNotIn("Nobody", read.raw)
		for row in (None, [1], "text", 4):
			self.assertIsInstance(parse_row(row), Unreadable)

	def test_an_id_that_is_none_harms_no_row(self) -> None:
		for number in (None, "", -1, 10**30, "x", True, 1.5):
			self.assertIsNone(parse_row(self.row(id=number)).log_id)

	def test_a_terminal_is_named_by_what_there_is(self) -> None:
		listed = parse_terminal({"sn": "S1", "alias": None, "terminal_name": "", "area": 3})
		self.assertEqual(listed, ListedDevice("S1", "S1", ""))
		self.assertEqual(
			parse_terminal({"sn": 5, "alias": "Gate", "area": {"area_name": "BLR"}}),
			ListedDevice("5", "Gate", "BLR"),
		)
		self.assertIsNone(parse_terminal({"alias": "Gate"}))

	@settings(deadline=None)
	@given(
		st.recursive(
			st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
			lambda inner: (
				st.lists(inner, max_size=3)
				| st.dictionaries(st.sampled_from([*KEPT, "first_name"]), inner, max_size=9)
			),
			max_leaves=12,
		)
	)
	def test_any_row_is_a_record_or_unreadable(self, row: Any) -> None:
		self.assertIsInstance(parse_row(row), (Record, Unreadable))

	@settings(deadline=None)
	@given(
		st.text(st.characters(exclude_characters="\ufffd", exclude_categories=["Cs"]), min_size=1).filter(
			lambda text: text.strip() == text
		),
		st.datetimes(datetime(1000, 1, 1)).map(lambda moment: moment.replace(microsecond=0)),
	)
	def test_what_was_written_is_read(self, code: str, moment: datetime) -> None:
		read = parse_row(json.loads(json.dumps(self.row(emp_code=code, punch_time=moment.isoformat(" ")))))
		self.assertEqual((read.user_id, read.source_time, read.kind), (code, moment, Kind.PUNCH))


class Secrets(unittest.TestCase):
	"""Answers to a login that are no usable answer, over the real transport."""

	def test_an_answer_that_holds_a_token_shows_nowhere(self) -> None:
		world = World.sample(first_day=FIRST_DAY)
		for how in ("cut", "other field", "not text", "too long"):
			with self.subTest(how), _Odd(world, how) as server:
				config = ServerConfig("main", "BioTime", server.url, "api", PASSWORD, timeout=1)
				transport = Transport(config, sleep=lambda _: None)
				connector = BioTime(config, lambda: world.utc_now, transport)
				with self.assertRaises(SyncError) as caught:
					connector.read_window("", DAY)
				error = caught.exception
				shown = [error.message, error.detail, repr(connector.requests), repr(vars(transport))]
				shown += traceback.TracebackException.from_exception(error, capture_locals=True).format()
				for token in server.gate.tokens:
					self.assertNotIn(token, "\n".join(shown))
				connector.close()


class _Uncounted(FakeBioTime):
	def _wrapped(self, rows: list[Any], count: int, *rest: Any) -> dict[str, Any]:
		return {
			name: value for name, value in super()._wrapped(rows, count, *rest).items() if name != "count"
		}


class _Ahead(FakeBioTime):
	"""Its clock was once years ahead, when the rows of 8888 came."""

	def __init__(self, world: World, most_rows: int | None) -> None:
		super().__init__(world, user="api", password=PASSWORD, most_rows=most_rows)

	def _ordered(self, rows: list[Any], ordering: str) -> list[Any]:
		return sorted(super()._ordered(rows, ordering), key=lambda row: row.code != "8888")

	def _wrapped(self, rows: list[Any], *rest: Any) -> dict[str, Any]:
		ahead = {"upload_time": "2030-01-01 00:00:00"}
		return super()._wrapped(
			[{**row, **ahead} if row.get("emp_code") == "8888" else row for row in rows], *rest
		)


class _Wordless(FakeBioTime):
	def __init__(self, world: World, status: int, body: str) -> None:
		super().__init__(world, user="api", password=PASSWORD, takes_basic=False)
		self.answer = Answer(body.encode(), status, "text/html" if body.startswith("<") else "text/plain")

	def _login(self, call: Any) -> Any:
		return self.answer


class _Odd(FakeBioTime):
	def __init__(self, world: World, how: str) -> None:
		super().__init__(world, user="api", password=PASSWORD)
		self.how = how

	def _login(self, call: Any) -> Any:
		answer = super()._login(call)
		text = answer.body.decode()
		body = {
			"cut": text[:-1],
			"other field": text.replace("token", "access"),
			"not text": text.replace(":", ":[").replace("}", "]}"),
			"too long": text.replace('"}', "x" * 20000 + '"}'),
		}[self.how]
		return replace(answer, body=body.encode())
