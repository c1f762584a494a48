from __future__ import annotations

import unittest
from datetime import datetime
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from biometric_integration.connectors import ebioserver
from biometric_integration.connectors.ebioserver import (
	parse_device,
	parse_row,
	parse_row_with_id,
	ping_time,
)
from biometric_integration.connectors.endpoint import Memory
from biometric_integration.connectors.page import RowTimes
from biometric_integration.core.connector import Connector, ListedDevice, Page, ServerConfig, TellsPings
from biometric_integration.core.errors import (
	AmbiguousError,
	AuthenticationError,
	ConfigurationError,
	ProtocolError,
	TransientError,
)
from biometric_integration.core.punch import Direction, Kind, Record, Unreadable
from biometric_integration.core.window import Window
from biometric_integration.simulator import FakeEBioServer, Fault, FaultKind, World
from biometric_integration.tests.unit.connector_contract import ALWAYS, PASSWORD, SoapContract

SILENT_DAY = Window(datetime(2024, 5, 1), datetime(2024, 5, 2))
MOMENT = datetime(2025, 4, 7, 9, 2, 11)


class EBioServerTest(SoapContract, unittest.TestCase):
	server_type = "eBioServer"
	service_file = "webservice.asmx"
	error_text_class = AmbiguousError

	def serve(self, world: World, **options: Any) -> FakeEBioServer:
		return FakeEBioServer(world, **{"user": "api", "password": PASSWORD, **options})

	def some_page(self, connector: Connector) -> Page:
		return connector.read_window("", Window(datetime(2025, 3, 28), datetime(2025, 3, 29)))

	def read_all(self, connector: Connector, world: World) -> list[Record | Unreadable]:
		pages = (connector.read_window("", piece) for piece in connector.slices(self.week))
		return [row for page in pages for row in page]

	def read_by_id(self, connector: Connector, limit: int = 100) -> list[Record | Unreadable]:
		rows: list[Record | Unreadable] = []
		position = 0
		while page := [row for row in connector.read_after("", position, limit) if row.log_id > position]:
			rows += page
			position = page[-1].log_id
		return rows

	def test_the_id_feed_equals_the_truth_for_both_meanings_of_the_cursor(self) -> None:
		for cursor in ("exclusive", "inclusive"):
			for row_end in (";\n", ";"):
				with self.subTest(cursor=cursor, row_end=row_end):
					with self.served(cursor=cursor, row_end=row_end) as (_, connector):
						rows = self.read_by_id(connector)
					self.assertEqual({(row.user_id, row.source_time) for row in rows}, self.world.truth())
					self.assertEqual(
						[row.log_id for row in rows], [row.log_id for row in self.world.visible()]
					)

	def test_the_devices_are_listed_with_commas_in_their_names(self) -> None:
		with self.served() as (_, connector):
			devices = connector.list_devices()
		self.assertEqual(
			devices,
			[ListedDevice(device.serial, device.name, device.location) for device in self.world.devices],
		)
		self.assertEqual(connector.requests[0].rows, 4)

	def test_rows_name_a_device_of_the_list(self) -> None:
		self.world.add_device("SIMD9", "North, upper", "Hall B")
		self.world.punch("SIMD9", "77", datetime(2025, 3, 29, 9))
		with self.served() as (_, connector):
			pairs = {(device.device_name, device.location) for device in connector.list_devices()}
			rows = self.read_all(connector, self.world)
		self.assertIn(("North, upper", "Hall B"), pairs)
		self.assertEqual({(row.device_name, row.location) for row in rows}, pairs)

	def test_a_location_filters(self) -> None:
		with self.served() as (_, connector):
			page = connector.read_window("PLANT", Window(datetime(2025, 3, 28), datetime(2025, 3, 29)))
			self.assertEqual({row.location for row in page}, {"PLANT"})

	def test_the_test_names_the_locations_where_the_one_entered_is_none(self) -> None:
		with self.served() as (_, connector):
			for location, hint in (("BANGALORE", ""), ("plant", "It is written PLANT there.")):
				step = next(step for step in connector.test(location) if step.ok is False)
				self.assertEqual(step.step, "Operation")
				self.assertIn(f"location {location}, so nothing can come", step.message)
				self.assertIn("PLANT", step.message)
				self.assertIn(hint, step.message)
			self.assertTrue(all(step.ok for step in connector.test("PLANT")))

	def test_a_location_in_other_letters_is_well_where_the_server_takes_it(self) -> None:
		with self.served(folds_locations=True) as (_, connector):
			self.assertTrue(all(step.ok for step in connector.test("plant")))

	def test_silence_is_believed_only_after_a_device_list(self) -> None:
		with self.served() as (_, connector):
			page = connector.read_window("", SILENT_DAY)
			self.assertEqual((list(page), page.confirmed), ([], False))
			connector.list_devices()
			page = connector.read_window("", SILENT_DAY)
			self.assertEqual((list(page), page.confirmed), ([], True))
			page = connector.read_after("", 10**9, 100)
			self.assertEqual((list(page), page.confirmed), ([], True))

	def test_an_empty_device_list_proves_nothing(self) -> None:
		with self.served() as (server, connector):
			connector.list_devices()
			server.faults.add(Fault(FaultKind.EMPTY_RESULT, 1))
			self.assertEqual(connector.list_devices(), [])
			self.assertFalse(connector.read_window("", SILENT_DAY).confirmed)

	def test_every_answer_to_a_wrong_login_is_no_success(self) -> None:
		expected = {"error": AmbiguousError, "0": AmbiguousError, "Unauthorised": AuthenticationError}
		for text, kind in expected.items():
			with self.subTest(text=text), self.serve(self.world, bad_login_text=text) as server:
				connector = self.connector(self.config(server.endpoint, user="nobody"))
				self.assertIsInstance(self.failure(connector), kind)
				with self.assertRaises(kind):
					connector.list_devices()
		with self.serve(self.world, bad_login_text="") as server:
			connector = self.connector(self.config(server.endpoint, user="nobody"))
			connector.list_devices()
			self.assertFalse(self.some_page(connector).confirmed)
			steps = list(connector.test())
			self.assertEqual(next(step.step for step in steps if step.ok is False), "Login")

	def test_an_operation_that_is_missing_is_a_configuration_error(self) -> None:
		with self.served(missing_operations=["GetDeviceLogsByLogId"]) as (_, connector):
			with self.assertRaises(ConfigurationError) as caught:
				list(connector.read_after("", 0, 10))
		self.assertIn("GetDeviceLogsByLogId", caught.exception.message)

	def test_a_device_that_is_on_has_just_been_heard_of_and_one_that_is_off_long_ago(self) -> None:
		on, off = (device.serial for device in self.world.devices[:2])
		self.world.set_last_ping(off, MOMENT)
		with self.served() as (_, connector):
			self.assertIsInstance(connector, TellsPings)
			self.assertEqual(connector.last_ping(on), self.world.now)
			self.assertEqual(connector.last_ping(off), MOMENT)

	def test_a_server_that_does_not_know_is_not_taken_for_one_that_failed(self) -> None:
		serial = self.world.devices[0].serial
		with self.served() as (_, connector):
			self.assertIsNone(connector.last_ping("nobody"), "error")
		with self.served(ping_form="") as (_, connector):
			self.assertIsNone(connector.last_ping(serial))
		with self.served(ping_form="Last Ping: {:%d-%b-%Y %H:%M:%S}") as (_, connector):
			self.assertEqual(connector.last_ping(serial), self.world.now)

	def test_a_server_that_fails_says_nothing_of_a_device(self) -> None:
		serial = self.world.devices[0].serial
		with self.served(missing_operations=["GetDeviceLastPing"]) as (_, connector):
			with self.assertRaises(ConfigurationError):
				connector.last_ping(serial)
		with self.served() as (server, connector):
			server.faults.add(Fault(FaultKind.HTTP_500_FAULT, ALWAYS))
			with self.assertRaises(TransientError):
				connector.last_ping(serial)

	def test_junk_is_read_as_junk_in_both_feeds(self) -> None:
		serial = self.world.devices[1].serial
		self.world.junk(serial, "USER PIN=12\tName=A, B", datetime(2025, 3, 29, 11))
		self.world.junk(serial, "0031", datetime(1999, 1, 1), received=datetime(2025, 3, 29, 12))
		with self.served() as (_, connector):
			by_id = self.read_by_id(connector)
			junk = [row for row in by_id if row.kind is Kind.JUNK]
			self.assertEqual(len(junk), 2)
			by_day = connector.read_window("", Window(datetime(2025, 3, 29), datetime(2025, 3, 30)))
			self.assertEqual([row.kind for row in by_day].count(Kind.JUNK), 1)

	def test_a_late_punch_comes_with_a_new_id(self) -> None:
		with self.served() as (_, connector):
			last = self.read_by_id(connector)[-1].log_id
			late = self.world.punch("SIMD000000001", "31", datetime(2025, 3, 20, 9), received=self.world.now)
			rows = list(connector.read_after("", last, 10))
		self.assertEqual(
			[(row.user_id, row.source_time, row.log_id) for row in rows], [("31", late.time, late.log_id)]
		)

	def test_the_last_row_needs_no_separator(self) -> None:
		with self.served() as (server, connector):
			server.faults.add(Fault(FaultKind.ERROR_TEXT, 1, text="2025-03-28 09:02:11,0031,Gate,BLR,IN"))
			self.assertEqual([row.user_id for row in self.some_page(connector)], ["0031"])

	def test_a_line_feed_in_place_of_the_semicolon_ends_a_row(self) -> None:
		rows = [f"2025-03-28 09:{minute:02}:11,{minute},Gate,BLR,IN" for minute in range(60)]
		for ending in ("\n", "\r\n"):
			with self.subTest(ending=ending), self.served() as (server, connector):
				text = (ending.join(rows) + ending) * 20
				server.faults.add(Fault(FaultKind.ERROR_TEXT, 1, text=text))
				found = [row.user_id for row in self.some_page(connector)]
				self.assertEqual(found, [str(minute) for minute in range(60)] * 20)

	def test_a_device_that_is_new_since_the_list_was_read_is_asked_for_before_a_row_is_given_up(self) -> None:
		with self.served() as (_, connector):
			connector.list_devices()
			self.world.add_device("NEW", "Gate 9, East", "PLANT")
			self.world.punch("NEW", "31", datetime(2025, 3, 29, 7, 7))
			day = Window(datetime(2025, 3, 29), datetime(2025, 3, 30))
			found = [row for row in connector.read_window("", day) if row.device_name == "Gate 9, East"]
			self.assertEqual([(row.user_id, row.location) for row in found], [("31", "PLANT")])

	def test_a_broken_row_alone_is_a_row_and_words_are_not(self) -> None:
		for text in ("17,no,sense", "2025-04-07,x", "what,is,this,now", ",31,Gate,HO,IN"):
			with self.subTest(text=text), self.served() as (server, connector):
				server.faults.add(Fault(FaultKind.ERROR_TEXT, 2, text=text))
				self.assertIsInstance(next(iter(self.some_page(connector))), Unreadable)
				self.assertIsInstance(next(iter(connector.read_after("", 0, 10))), Unreadable)
		for text in ("Sorry", "Sorry, not today", "2 words", "No; really; not, at all"):
			with self.subTest(text=text), self.served() as (server, connector):
				server.faults.add(Fault(FaultKind.ERROR_TEXT, ALWAYS, text=text))
				error = self.failure(connector)
				self.assertIsInstance(error, ProtocolError)
				self.assertIn(text, error.message)

	def test_a_day_feed_is_asked_day_by_day(self) -> None:
		connector = self.connector(self.config("http://127.0.0.1:9"))
		with self.assertRaises(ValueError):
			connector.read_window("", self.week)

	def test_a_truncated_answer_has_no_count_to_tell_by(self) -> None:
		with self.served() as (server, connector):
			server.faults.add(Fault(FaultKind.TRUNCATED, ALWAYS))
			self.assertIsNone(self.some_page(connector).declared)


TEXTS = st.text(st.characters(blacklist_characters=",;", blacklist_categories=["Cs"]), min_size=1).filter(
	lambda text: text.strip() == text
)
NAMES = st.lists(TEXTS, min_size=1, max_size=3).map(",".join)


class RowTest(unittest.TestCase):
	@settings(deadline=None)
	@given(st.text() | st.text("0,:- 12345678IN"))
	def test_any_text_is_a_record_or_unreadable(self, raw: str) -> None:
		self.assertEqual(parse_row(raw).raw, raw)
		for parse in (parse_row, parse_row_with_id):
			row = parse(raw)
			self.assertIsInstance(row, (Record, Unreadable))
			self.assertTrue(raw.endswith(row.raw))

	@settings(deadline=None)
	@given(st.text())
	def test_any_text_is_a_device_or_nothing(self, raw: str) -> None:
		self.assertIsInstance(parse_device(raw), (ListedDevice, type(None)))

	@settings(deadline=None)
	@given(
		TEXTS.filter(lambda code: not code.upper().startswith(("OPLOG", "USER", "FP", "FACE", "NEW"))),
		st.datetimes(datetime(2000, 1, 1)).map(lambda moment: moment.replace(microsecond=0)),
		NAMES,
		NAMES,
		st.sampled_from(
			[("IN", Direction.IN), ("Out", Direction.OUT), ("INOUT", Direction.NONE), ("", Direction.NONE)]
		),
		st.integers(0, 2**63 - 1),
	)
	def test_what_was_written_is_read(
		self,
		code: str,
		moment: datetime,
		name: str,
		location: str,
		direction: tuple[str, Direction],
		log_id: int,
	) -> None:
		raw = f"{log_id},{moment.isoformat(' ')},{code},{name},{location},{direction[0]}"
		row = parse_row_with_id(raw, {(name, location)})
		self.assertEqual(row, Record(code, moment, direction[1], raw, "", name, location, log_id))

	@settings(deadline=None)
	@given(NAMES, TEXTS, TEXTS)
	def test_a_listed_device_is_read(self, name: str, serial: str, location: str) -> None:
		self.assertEqual(parse_device(f"{name},{serial},{location}"), ListedDevice(serial, name, location))

	def test_a_comma_goes_to_the_name_unless_the_list_says_otherwise(self) -> None:
		raw = "2025-04-07 09:02:11,31,Gate 2, North,HO,IN"
		for pairs, expected in (
			((), ("Gate 2, North", "HO")),
			({("Gate 2, North", "HO")}, ("Gate 2, North", "HO")),
			({("Gate 2", "North,HO")}, ("Gate 2", "North,HO")),
		):
			row = parse_row(raw, pairs)
			self.assertEqual((row.device_name, row.location), expected)

	def test_a_comma_that_no_known_device_explains_makes_nobody_elses_punch(self) -> None:
		known = {("Gate", "HO"), ("Gate 2, North", "HO")}
		for raw in (
			"2025-04-07 09:02:11,12,34,Gate,HO,IN",
			"2025-04-07 09:02:11,12,34,Gate 2, North,HO,IN",
			"2025-04-07 09:02:11,31,Door,Back,HO,IN",
			"2025-04-07 09:02:11,31,Gate,HO,Face,IN",
		):
			with self.subTest(raw=raw):
				row = parse_row(raw, known)
				self.assertIsInstance(row, Unreadable)
				self.assertIn("comma", row.problem)
		row = parse_row("2025-04-07 09:02:11,31,Gate 2, North,HO,IN", known)
		self.assertEqual((row.user_id, row.device_name, row.location), ("31", "Gate 2, North", "HO"))

	def test_a_known_device_at_its_place_wins_over_a_column_that_nobody_knows(self) -> None:
		row = parse_row_with_id("7,2025-04-07 09:02:11,31,Gate,HO,OUT,Face", {("Gate", "HO")})
		self.assertEqual(
			(row.user_id, row.device_name, row.location, row.direction), ("31", "Gate", "HO", Direction.OUT)
		)

	def test_a_row_of_commas_is_compared_with_each_device_once(self) -> None:
		pairs = {(f"Gate {number}", "HO") for number in range(20)}
		for commas in (40, 400):
			with patch.object(ebioserver, "_joined", wraps=ebioserver._joined) as joined:
				row = parse_row("2025-04-07 09:02:11,7,Gate 3,HO,IN" + "," * commas, pairs)
			self.assertEqual((row.device_name, row.location, row.direction), ("Gate 3", "HO", Direction.IN))
			self.assertLessEqual(joined.call_count, 2 * len(pairs), "however many commas there are")

	def test_junk_is_told_by_its_code_or_its_year(self) -> None:
		for code in ("OPLOG 4", "user pin=3\tName=x", "FP PIN=1", "Face PIN=1", "NEW USER", "USER PIN=1,2,3"):
			self.assertIs(parse_row(f"2025-04-07 09:02:11,{code},Gate,HO,IN").kind, Kind.JUNK)
		self.assertIs(parse_row("2025-04-07 09:02:11,OPLOG").kind, Kind.JUNK)
		self.assertIs(parse_row("1999-12-30 23:59:59,31,Gate,HO,IN").kind, Kind.JUNK)
		self.assertIs(parse_row("1999-12-31 23:58:00,31,Gate,HO,IN").kind, Kind.PUNCH)
		self.assertIs(parse_row("2000-01-01 00:00:00,31,Gate,HO,IN").kind, Kind.PUNCH)
		self.assertIs(parse_row("2025-04-07 09:02:11,FPX1,Gate,HO,IN").kind, Kind.PUNCH)

	def test_broken_rows_are_kept_with_their_problem_and_id(self) -> None:
		cases = {
			"7,2025-04-07 09:02:11,,Gate,HO,IN": ("employee code", 7),
			"7,2025-04-07 29:02:11,31,Gate,HO,IN": ("time", 7),
			"7,2025-04-07 09:02:11,31,HO,IN": ("4 fields", 7),
			"7,": ("one field", 7),
			"7": ("log id", None),
			"x,2025-04-07 09:02:11,31,Gate,HO,IN": ("log id", None),
			"-1,2025-04-07 09:02:11,31,Gate,HO,IN": ("log id", None),
			f"{2**63},2025-04-07 09:02:11,31,Gate,HO,IN": ("log id", None),
			"9" * 5000 + ",2025-04-07 09:02:11,31,Gate,HO,IN": ("log id", None),
		}
		for raw, (problem, log_id) in cases.items():
			with self.subTest(problem=problem):
				row = parse_row_with_id(raw)
				self.assertEqual(row.raw, raw if log_id is None else raw.partition(",")[2])
				self.assertIn(problem, row.problem)
				self.assertEqual(row.log_id, log_id)


class PingTimes(unittest.TestCase):
	def setUp(self) -> None:
		self.times = RowTimes(Memory(ServerConfig("main", "eBioServer", "http://a")))

	def assert_times(self, expected: dict[str, datetime | None]) -> None:
		for text, moment in expected.items():
			with self.subTest(text):
				self.assertEqual(ping_time(text, self.times), moment)

	def test_the_time_is_found_in_what_stands_around_it(self) -> None:
		self.assert_times(
			{
				"2025-04-07 09:02:11": MOMENT,
				"2025-04-07T09:02:11.123": MOMENT,
				" 2025/04/07  9:02:11\r\n": MOMENT,
				"LastPing=2025-04-07 09:02:11;": MOMENT,
				"Device X1 (10-20) was heard of on 07-Apr-2025 09:02:11.": MOMENT,
				"Last Ping: 7 April 2025 9:02:11 AM": MOMENT,
				"LastPing:7-Apr-2025 9:02:11 PM": MOMENT.replace(hour=21),
			}
		)

	def test_nothing_is_guessed(self) -> None:
		self.assert_times(
			dict.fromkeys(
				(
					"",
					"error",
					"0",
					"2025-04-07",
					"09:02:11",
					"07/04/2025 09:02:11",
					"2025-13-45 09:02:11",
					"2025-04-07 09:02:11Z",
					"2025-04-07T09:02:11+05:30",
					"Ping 2025-04-07 09:02:11, Now 2025-04-07 09:05:00",
					"1900-01-01 00:00:00",
					"0001-01-01 00:00:00",
					"1/1/1970 12:00:00 AM",
				)
			)
		)

	def test_a_date_that_can_be_read_in_one_way_only_tells_how_the_others_are_read(self) -> None:
		doubtful = "07/04/2025 09:02:11"
		self.assert_times({"05/05/2025 09:02:11": datetime(2025, 5, 5, 9, 2, 11), doubtful: None})
		self.assert_times({"28/04/2025 09:02:11 AM": datetime(2025, 4, 28, 9, 2, 11), doubtful: MOMENT})
		self.setUp()
		self.assert_times(
			{"04/28/2025 09:02:11": datetime(2025, 4, 28, 9, 2, 11), doubtful: datetime(2025, 7, 4, 9, 2, 11)}
		)
