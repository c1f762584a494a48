"""What every connector promises, tried on a fake server that speaks the real protocol over HTTP."""

from __future__ import annotations

import html
import json
import time
import traceback
from base64 import b64encode
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

from biometric_integration.connectors.registry import CONNECTORS
from biometric_integration.connectors.steps import FIXES
from biometric_integration.connectors.transport import Transport
from biometric_integration.core.connector import Connector, Page, ReadsSideBySide, ServerConfig
from biometric_integration.core.errors import (
	AuthenticationError,
	ConfigurationError,
	ProtocolError,
	SyncError,
	TransientError,
)
from biometric_integration.core.punch import Kind, Record, Unreadable
from biometric_integration.core.window import Window
from biometric_integration.simulator import Fault, FaultKind, World

CANARY = "Kanarienvogel"
PASSWORD = f"p&{CANARY}<{CANARY}>{CANARY} \"{CANARY}'{CANARY}; é;+%41,{CANARY}"
FORMS = {
	CANARY,
	PASSWORD,
	escape(PASSWORD),
	html.escape(PASSWORD),
	quote(PASSWORD),
	quote_plus(PASSWORD),
	json.dumps(PASSWORD)[1:-1],
	b64encode(f"api:{PASSWORD}".encode()).decode(),
	repr(PASSWORD)[1:-1],
	repr(PASSWORD.encode())[2:-1],
}
"""How the password might be written where it must not be. Any piece of it would show the canary."""
FIRST_DAY = date(2025, 3, 28)
"""The seven days that follow cross the end of a month."""
TIMEOUT = 0.25
LONG = 20.0
ALWAYS = None

FAILURES: dict[FaultKind, tuple[type[SyncError], dict[str, Any]]] = {
	FaultKind.REFUSE: (TransientError, {}),
	FaultKind.RESET: (TransientError, {}),
	FaultKind.HANG: (TransientError, {"seconds": 3.0}),
	FaultKind.SLOW_DRIP: (TransientError, {"chunk": 4, "pause": 0.1}),
	FaultKind.HTTP_500_FAULT: (TransientError, {}),
	FaultKind.HTTP_500_HTML: (TransientError, {}),
	FaultKind.HTML_200: (ProtocolError, {}),
	FaultKind.REDIRECT: (ConfigurationError, {"location": "http://elsewhere.example/login?token=1"}),
	FaultKind.EMPTY_BODY: (ProtocolError, {}),
	FaultKind.CUT_BODY: (TransientError, {}),
	FaultKind.GARBAGE_BYTES: (ProtocolError, {}),
	FaultKind.WRONG_ENCODING: (ProtocolError, {}),
	FaultKind.ENTITY_BOMB: (ProtocolError, {}),
}


class ConnectorContract:
	"""Mix in before TestCase and say `server_type`, `error_text_class`, `serve`, `read_all` and `some_page`.

	What a protocol may do in its own way has a name here. `SoapContract` says it for services in an .asmx file.
	"""

	server_type: str
	error_text_class: type[SyncError]
	failures: Mapping[FaultKind, tuple[type[SyncError], dict[str, Any]]] = FAILURES
	echoes: tuple[str, ...] = ("html", "fault", "text")
	"""The forms in which a server of this type may give a request back."""
	broken_row = "no,sense\x7f at all"
	"""A row that nobody can read."""
	requests_for_a_page = 1
	"""How many requests a connector makes for its first page when it knows all that can be known from former runs."""
	stale_memory: Mapping[str, Any]
	"""What a connector might have remembered of a place where the service is no more."""

	def serve(self, world: World, **options: Any) -> Any:
		"""A fake server of this type with the login api / PASSWORD, not started."""
		raise NotImplementedError

	def read_all(self, connector: Connector, world: World) -> list[Record | Unreadable]:
		"""All rows of the sample week."""
		raise NotImplementedError

	def some_page(self, connector: Connector) -> Page:
		"""The page of a time with punches."""
		raise NotImplementedError

	def places(self) -> Mapping[str, dict[str, Any]]:
		"""What a person may type behind the host, and the options of `serve` with which the service is to be found there."""
		raise NotImplementedError

	def assert_place_remembered(self, config: ServerConfig, server: Any) -> None:
		"""What was found out about `server` is in the memory of the config, and no secret is."""
		raise NotImplementedError

	def secrets(self) -> set[str]:
		"""What must show as little as the password, such as tokens that were given."""
		return set()

	# -- help ----------------------------------------------------------------------------------------------

	def setUp(self) -> None:
		self.world = World.sample(first_day=FIRST_DAY)
		self.week = Window(datetime(2025, 3, 28), datetime(2025, 4, 5))

	def config(self, url: str, **changes: Any) -> ServerConfig:
		config = ServerConfig(
			"main", self.server_type, url, "api", PASSWORD, time_zone="Asia/Kolkata", timeout=TIMEOUT
		)
		return replace(config, **changes)

	def connector(self, config: ServerConfig) -> Connector:
		"""A connector that does not sleep between tries."""
		transport = Transport(config, sleep=lambda _: None)
		connector = CONNECTORS[self.server_type](config, self.clock, transport)
		self.addCleanup(connector.close)
		return connector

	def clock(self) -> datetime:
		return self.world.utc_now

	@contextmanager
	def served(self, **options: Any) -> Iterator[tuple[Any, Connector]]:
		"""A fake server and a connector that was given the full URL of its service."""
		with self.serve(self.world, **options) as server:
			yield server, self.connector(self.config(server.endpoint))

	def failure(self, connector: Connector) -> SyncError:
		with self.assertRaises(SyncError) as caught:
			list(self.some_page(connector))
		return caught.exception

	def assert_no_password(self, connector: Connector, error: SyncError | None = None) -> None:
		shown = [str(asdict(trace)) for trace in connector.requests]
		if error is not None:
			shown += [error.message, error.detail, repr(error), *traceback.format_exception(error)]
			shown += traceback.TracebackException.from_exception(error, capture_locals=True).format()
		for text in shown:
			self.assert_harmless(text)

	def assert_broken_row(self, raws: list[str]) -> None:
		self.assertEqual(raws, [self.broken_row])

	def assert_harmless(self, text: str) -> None:
		for form in FORMS | self.secrets():
			self.assertNotIn(form, text)

	# -- the contract --------------------------------------------------------------------------------------

	def test_rows_equal_the_truth_of_the_server(self) -> None:
		with self.served() as (_, connector):
			rows = self.read_all(connector, self.world)
		self.assertEqual({(row.user_id, row.source_time) for row in rows}, self.world.truth())
		self.assertEqual(len(rows), sum(trace.rows for trace in connector.requests if trace.window))

	def test_rows_and_lists_come_out_once_and_carry_their_raw_text(self) -> None:
		with self.served() as (_, connector):
			page = self.some_page(connector)
			rows = list(page)
			self.assertTrue(rows)
			self.assertEqual(list(page), [])
		self.assertTrue(all(row.user_id in row.raw for row in rows))
		self.assertTrue(all(row.source_time.isoformat(" ") in row.raw for row in rows))

	def test_a_row_that_cannot_be_read_stops_nothing(self) -> None:
		noon = datetime(2025, 3, 29, 12)
		self.world.raw_row(self.world.devices[0].serial, self.broken_row, noon)
		with self.served() as (_, connector):
			rows = self.read_all(connector, self.world)
		broken = [row for row in rows if isinstance(row, Unreadable)]
		self.assert_broken_row([row.raw for row in broken])
		punches = {(row.user_id, row.source_time) for row in rows if isinstance(row, Record)}
		self.assertEqual(punches, self.world.truth())

	def test_the_page_has_the_clock_of_the_server(self) -> None:
		with self.served() as (_, connector):
			page = self.some_page(connector)
		self.assertEqual(page.server_time, self.world.utc_now.astimezone(timezone.utc))

	def test_each_fault_is_of_the_documented_class_and_leaks_no_password(self) -> None:
		for kind, (expected, details) in self.failures.items():
			with self.subTest(fault=kind), self.served() as (server, connector):
				server.faults.add(Fault(kind, ALWAYS, **details))
				error = self.failure(connector)
				self.assertIs(type(error).error_class, expected.error_class, error.message)
				self.assert_no_password(connector, error)
				self.assertIn("127.0.0.1", error.message)
				self.assertTrue(connector.requests)

	def test_an_error_text_is_a_failure_with_the_words_of_the_server(self) -> None:
		with self.served() as (server, connector):
			server.faults.add(Fault(FaultKind.ERROR_TEXT, ALWAYS))
			error = self.failure(connector)
		self.assertIs(type(error), self.error_text_class)
		self.assertIn(server.error_text, error.message)
		self.assertIn(server.error_text, connector.requests[-1].server_message)

	def test_an_echoed_password_is_masked(self) -> None:
		for form in self.echoes:
			with self.subTest(form=form), self.served() as (server, connector):
				server.faults.add(Fault(FaultKind.ECHO_PASSWORD, ALWAYS, form=form))
				error = self.failure(connector)
				self.assert_no_password(connector, error)

	def test_a_refused_login_leaks_no_password(self) -> None:
		with self.serve(self.world) as server:
			connector = self.connector(self.config(server.endpoint, user="nobody"))
			error = self.failure(connector)
		self.assertIsInstance(error, (AuthenticationError, TransientError))
		self.assertIn("API User", error.message)
		self.assert_no_password(connector, error)

	def test_the_next_read_after_a_fault_is_complete(self) -> None:
		kinds = self.failures.keys() - {FaultKind.REFUSE, FaultKind.SLOW_DRIP}
		for kind in sorted(kinds, key=lambda kind: kind.value):
			with self.subTest(fault=kind), self.served() as (server, connector):
				server.faults.add(Fault(kind, ALWAYS, **self.failures[kind][1]))
				self.failure(connector)
				server.faults.clear()
				rows = self.read_all(connector, self.world)
				self.assertEqual({(row.user_id, row.source_time) for row in rows}, self.world.truth())

	def test_a_single_dropped_connection_is_tried_again(self) -> None:
		for kind in (FaultKind.RESET, FaultKind.CUT_BODY, FaultKind.HANG):
			with self.subTest(fault=kind), self.serve(self.world) as server:
				config = self.config(server.endpoint)
				self.assertTrue(list(self.some_page(self.connector(config))))
				server.faults.add(Fault(kind, 1, **self.failures[kind][1]))
				connector = self.connector(config)
				self.assertTrue(list(self.some_page(connector)))
				self.assertEqual(len(connector.requests), self.requests_for_a_page + 1)

	def test_another_one_can_be_asked_at_the_same_time(self) -> None:
		with self.served() as (server, connector), ThreadPoolExecutor(2) as threads:
			if not isinstance(connector, ReadsSideBySide):
				return
			other = connector.another()
			self.addCleanup(other.close)
			both = [threads.submit(self.read_all, each, self.world) for each in (connector, other)]
			rows = [sorted(row.raw for row in each.result(LONG)) for each in both]
			self.assertEqual(rows[0], rows[1])
			self.assertTrue(rows[0])
			self.assertEqual(len(connector.requests) + len(other.requests), len(server.requests))
			self.assertTrue(connector.requests and other.requests)
			self.some_page(connector.another())
			before = len(server.requests)
			self.some_page(connector.another())
			self.assertEqual(len(server.requests), before + 1, "what was found out is known to all")

	def test_a_request_that_is_under_way_ends_where_somebody_else_closes(self) -> None:
		with self.served() as (server, _), ThreadPoolExecutor(1) as threads:
			connector = self.connector(self.config(server.endpoint, timeout=LONG))
			if not isinstance(connector, ReadsSideBySide):
				return
			server.faults.add(Fault(FaultKind.HANG, times=ALWAYS, seconds=LONG))
			asked = threads.submit(self.some_page, connector)
			while not server.requests:
				time.sleep(0.01)
			while not asked.done():  # until the connection has shown its socket
				connector.close()
				time.sleep(0.01)
			with self.assertRaises(TransientError) as caught:
				asked.result(0)
			self.assertIn("not waited for", caught.exception.message)
			self.assertEqual(len(server.requests), 1, "it is not tried again")

	def test_the_service_is_found_below_a_base_url_and_remembered(self) -> None:
		with self.serve(self.world) as server:
			config = self.config(server.url)
			self.assertTrue(list(self.some_page(self.connector(config))))
			self.assert_place_remembered(config, server)
			self.assert_harmless(json.dumps(config.memory))
			connector = self.connector(config)
			self.assertTrue(list(self.some_page(connector)))
			self.assertEqual(len(connector.requests), self.requests_for_a_page)

	def test_the_service_is_found_wherever_it_may_be(self) -> None:
		for url, options in self.places().items():
			with self.subTest(url=url), self.serve(self.world, **options) as server:
				connector = self.connector(self.config(server.url + url))
				self.assertTrue(list(self.some_page(connector)))

	def test_a_remembered_path_is_found_again_when_it_is_gone(self) -> None:
		with self.serve(self.world) as server:
			config = self.config(server.url)
			config.memory.update(self.stale_memory, endpoint_url=server.url)
			self.assertTrue(list(self.some_page(self.connector(config))))

	def test_what_was_remembered_is_void_for_another_url(self) -> None:
		with self.serve(self.world) as server:
			config = self.config(server.url)
			config.memory.update(self.stale_memory, endpoint_url="http://old.example", nonsense="old")
			self.assertTrue(list(self.some_page(self.connector(config))))
			self.assertEqual(config.memory["endpoint_url"], server.url)
			self.assertNotIn("nonsense", config.memory)
			for fact, value in self.stale_memory.items():
				self.assertNotEqual(config.memory.get(fact), value)

	def test_a_wrong_path_is_a_configuration_error_that_names_what_was_tried(self) -> None:
		with self.serve(self.world) as server:
			error = self.failure(self.connector(self.config(f"{server.url}/nothing/here")))
		self.assertIsInstance(error, ConfigurationError)
		self.assertIn("/nothing/here/", error.message)

	def test_a_name_that_does_not_exist_is_a_configuration_error(self) -> None:
		error = self.failure(self.connector(self.config("http://no-such-host.invalid")))
		self.assertIsInstance(error, ConfigurationError)
		self.assertIn("no-such-host.invalid", error.message)

	def test_a_url_that_is_none_is_a_configuration_error(self) -> None:
		for url in ("", "192.168.1.10:81", "ftp://host", "http://", "http://h:port", "http://me:pw@host"):
			with self.subTest(url=url):
				self.assertIsInstance(self.failure(self.connector(self.config(url))), ConfigurationError)

	def test_the_test_goes_green_step_by_step(self) -> None:
		with self.serve(self.world) as server:
			steps = list(self.connector(self.config(server.url)).test())
		self.assertEqual(
			[step.step for step in steps], ["Name", "TCP", "HTTP", "Login", "Operation", "Parse"]
		)
		self.assertTrue(all(step.ok for step in steps), steps)

	def test_the_test_stops_at_the_step_that_failed(self) -> None:
		cases = {
			"TCP": Fault(FaultKind.REFUSE, ALWAYS),
			"HTTP": Fault(FaultKind.HTML_200, ALWAYS),
			"Login": None,
		}
		for failing, fault in cases.items():
			with self.subTest(step=failing), self.serve(self.world) as server:
				user = "api" if fault else "nobody"
				if fault:
					server.faults.add(fault)
				connector = self.connector(self.config(server.endpoint, user=user))
				steps = list(connector.test(self.world.devices[0].serial))
				self.assertEqual(next(step.step for step in steps if step.ok is False), failing)
				(fix,) = (step.fix for step in steps if step.ok is False)
				self.assertEqual(fix, FIXES[failing])
				after = steps[[step.step for step in steps].index(failing) + 1 :]
				self.assertTrue(all(step.ok is None for step in after))
				self.assertEqual(len(steps), 6)
				self.assert_harmless(str(steps))
				self.assert_no_password(connector)

	def test_a_fault_of_the_server_is_not_the_fault_of_the_login(self) -> None:
		for kind in (FaultKind.HTTP_500_HTML, FaultKind.HTTP_500_FAULT):
			fault = Fault(kind, ALWAYS)
			with self.subTest(kind), self.serve(self.world) as server:
				server.faults.add(fault)
				connector = self.connector(self.config(server.endpoint))
				(failed,) = (
					step for step in connector.test(self.world.devices[0].serial) if step.ok is False
				)
				self.assertNotRegex(
					f"{failed.message} {failed.fix}", "(?i)password|login|next run|tries again"
				)

	def test_the_test_of_a_url_that_is_none_fails_at_the_name(self) -> None:
		for url in ("nonsense", "http://no-such-host.invalid:81"):
			steps = list(self.connector(self.config(url)).test())
			self.assertEqual([step.ok for step in steps], [False, None, None, None, None, None])

	def test_junk_and_odd_words_are_no_failures(self) -> None:
		serial = self.world.devices[0].serial
		self.world.junk(serial, "OPLOG 3\t0 é <&>", datetime(2025, 3, 29, 11))
		self.world.punch(serial, "0044 é", datetime(2025, 3, 29, 11, 5), "inout")
		with self.served() as (_, connector):
			rows = self.read_all(connector, self.world)
		punches = {(row.user_id, row.source_time) for row in rows if row.kind is Kind.PUNCH}
		self.assertEqual(punches, self.world.truth())

	def test_slices_cover_the_window_without_a_gap_each_going_further_than_the_one_before(self) -> None:
		window = Window(datetime(2025, 1, 30, 22, 15), datetime(2025, 3, 2, 0, 0, 1))
		slices = list(self.connector(self.config("http://x")).slices(window))
		self.assertEqual((slices[0].start, slices[-1].end), (window.start, window.end))
		for before, after in pairwise(slices):
			self.assertLessEqual(after.start, before.end)
			self.assertLessEqual(before.end, after.end)
		self.assertTrue(all(piece.length <= timedelta(days=7) for piece in slices))


class SoapContract(ConnectorContract):
	"""A service in a file of ASP.NET, called `service_file`, in the root of its site or in /iclock."""

	service_file: str
	stale_memory: Mapping[str, Any] = {"path": "/old/place.asmx", "dialect": "FromDate"}

	def places(self) -> Mapping[str, dict[str, Any]]:
		urls = ("/iclock", "/iClock/", "/tenant/ICLOCK")
		return {url: {"path": f"{url.rstrip('/')}/{self.service_file}"} for url in urls}

	def assert_place_remembered(self, config: ServerConfig, server: Any) -> None:
		self.assertEqual(config.memory["path"].lower(), server.path.lower())

	def test_only_operations_that_read_are_called(self) -> None:
		with self.served() as (server, connector):
			list(connector.test())
			self.read_all(connector, self.world)
			list(self.some_page(connector))
		called = {request.operation for request in server.requests}
		self.assertTrue(called)
		self.assertEqual({one for one in called if not one.startswith(("Get", "GET "))}, set())
