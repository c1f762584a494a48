from __future__ import annotations

import unittest
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from biometric_integration.connectors.etimetracklite import DATE_FORMATS, WORDINGS, Wording, parse_row
from biometric_integration.core.connector import Connector, Page
from biometric_integration.core.errors import AuthenticationError, ProtocolError, TransientError
from biometric_integration.core.punch import Direction, Record, Unreadable
from biometric_integration.core.window import Window
from biometric_integration.simulator import FakeETimeTrackLite, Fault, FaultKind, World
from biometric_integration.tests.unit.connector_contract import ALWAYS, PASSWORD, SoapContract

SERIAL = "SIMD000000001"
SILENT_TIME = Window(datetime(2024, 5, 1), datetime(2024, 5, 2))


class ETimeTrackLiteTest(SoapContract, unittest.TestCase):
	server_type = "eTimeTrackLite"
	service_file = "WebAPIService.asmx"
	error_text_class = ProtocolError

	def serve(self, world: World, **options: Any) -> FakeETimeTrackLite:
		return FakeETimeTrackLite(world, **{"user": "api", "password": PASSWORD, **options})

	def some_page(self, connector: Connector) -> Page:
		return connector.read_window(SERIAL, Window(datetime(2025, 3, 28), datetime(2025, 3, 30)))

	def read_all(self, connector: Connector, world: World) -> list[Record | Unreadable]:
		pages = (
			connector.read_window(device.serial, piece)
			for device in world.devices
			for piece in connector.slices(self.week)
		)
		return [row for page in pages for row in page]

	def test_a_look_across_months_that_the_server_refuses_finds_nothing_and_a_month_that_it_refuses_is_a_failure(
		self,
	) -> None:
		with self.served() as (server, connector):
			server.faults.add(Fault(FaultKind.ERROR_TEXT, times=None))
			across = Window(datetime(2025, 3, 28), datetime(2100, 1, 1))
			self.assertEqual(list(connector.read_window(SERIAL, across)), [])
			with self.assertRaises(ProtocolError):
				list(self.some_page(connector))

	def test_every_dialect_date_format_and_way_to_write_a_list_is_read(self) -> None:
		for dialect in ("new", "old"):
			for date_format in (
				"yyyy-MM-dd HH:mm:ss",
				"yyyy-MM-dd HH:mm",
				"yyyy/MM/dd HH:mm",
				"dd-MM-yyyy HH:mm:ss",
			):
				for says_count in (True, False):
					options = {"dialect": dialect, "date_formats": [date_format], "says_count": says_count}
					with self.subTest(**options), self.served(**options) as (_, connector):
						rows = self.read_all(connector, self.world)
						self.assertEqual({(row.user_id, row.source_time) for row in rows}, self.world.truth())
		for list_form in ("crlf", "lf", "references", "cdata"):
			with self.subTest(list_form=list_form), self.served(list_form=list_form) as (_, connector):
				rows = self.read_all(connector, self.world)
				self.assertEqual({(row.user_id, row.source_time) for row in rows}, self.world.truth())
				self.assertFalse(any("\r" in row.raw for row in rows))

	def test_rows_are_understood_from_the_left_whatever_the_time_looks_like(self) -> None:
		for options in (
			{"more_columns": ["Face", "7"]},
			{"says_direction": False},
			{"row_time": "dd-MM-yyyy HH:mm:ss"},
			{"row_time": "MM/dd/yyyy HH:mm:ss", "more_columns": ["x"]},
			{"row_time": "dd.MM.yyyy HH:mm:ss", "says_direction": False},
		):
			with self.subTest(**options), self.served(**options) as (_, connector):
				rows = self.read_all(connector, self.world)
				self.assertEqual({(row.user_id, row.source_time) for row in rows}, self.world.truth())

	def test_whether_the_day_comes_first_is_found_once_and_never_guessed(self) -> None:
		moment, april = datetime(2025, 4, 3, 9, 1), Window(datetime(2025, 4, 3), datetime(2025, 4, 5))
		across = Window(datetime(2025, 1, 1), datetime(2025, 12, 31))
		self.world.add_device("NEW", "Door")
		self.world.now = datetime(2025, 4, 10)
		self.world.punch("NEW", "77", moment)
		with self.serve(self.world, row_time="dd-MM-yyyy HH:mm:ss") as server:
			config = self.config(server.endpoint)
			(row,) = self.connector(config).read_window("NEW", across)
			self.assertIsInstance(row, Unreadable, "it could be the fourth of March as well")
			(row,) = self.connector(config).read_window("NEW", april)
			self.assertEqual(row.source_time, moment)
			self.assertIs(config.memory["day_first"], True)
			(row,) = self.connector(config).read_window("NEW", across)
			self.assertEqual(row.source_time, moment)

	def test_every_meaning_of_the_limits_gives_all_punches_of_the_window(self) -> None:
		start, end = datetime(2025, 3, 29, 8), datetime(2025, 3, 29, 9)
		self.world.punch(SERIAL, "77", start)
		self.world.punch(SERIAL, "77", end - timedelta(seconds=1))
		expected = {(row.code, row.time) for row in self.world.visible() if row.serial == SERIAL}
		expected = {(code, time) for code, time in expected if start <= time < end}
		for limits in ("inclusive", "half-open", "exclusive"):
			for date_format in ("yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd HH:mm"):
				options = {"limits": limits, "date_formats": [date_format]}
				with self.subTest(**options), self.served(**options) as (_, connector):
					rows = connector.read_window(SERIAL, Window(start, end))
					self.assertLessEqual(expected, {(row.user_id, row.source_time) for row in rows})

	def test_what_worked_is_remembered_and_not_looked_for_again(self) -> None:
		with self.serve(self.world, dialect="old", date_formats=["yyyy/MM/dd HH:mm"]) as server:
			config = self.config(server.endpoint)
			list(self.some_page(self.connector(config)))
			remembered = {name: config.memory[name] for name in ("dialect", "date_format", "says_count")}
			self.assertEqual(
				remembered, {"dialect": "FromDate", "date_format": "%Y/%m/%d %H:%M", "says_count": True}
			)
			connector = self.connector(config)
			list(self.some_page(connector))
			self.assertEqual(len(connector.requests), 1)

	def test_a_changed_dialect_is_found_again(self) -> None:
		with self.serve(self.world) as server:
			config = self.config(server.endpoint)
			list(self.some_page(self.connector(config)))
		with self.serve(self.world, dialect="old", port=server.port):
			self.assertTrue(list(self.some_page(self.connector(config))))
		self.assertEqual(config.memory["dialect"], "FromDate")

	def test_a_truncated_list_declares_more_rows_than_it_holds(self) -> None:
		with self.served() as (server, connector):
			server.faults.add(Fault(FaultKind.TRUNCATED, ALWAYS))
			page = self.some_page(connector)
			rows = list(page)
		self.assertGreater(page.declared, len(rows))
		self.assertTrue(page.confirmed)

	def test_a_count_of_zero_is_believed(self) -> None:
		for options in ({}, {"omits_empty_list": True}):
			with self.served(**options) as (_, connector):
				page = connector.read_window(SERIAL, SILENT_TIME)
				self.assertEqual((list(page), page.declared, page.confirmed), ([], 0, True))

	def test_silence_is_believed_only_of_a_server_that_never_counts_and_has_delivered(self) -> None:
		with self.served(says_count=False) as (_, connector):
			page = connector.read_window(SERIAL, SILENT_TIME)
			self.assertEqual((list(page), page.declared, page.confirmed), ([], None, False))
			self.assertTrue(list(self.some_page(connector)))
			page = connector.read_window(SERIAL, SILENT_TIME)
			self.assertEqual((list(page), page.confirmed), ([], True))

	def test_sudden_silence_of_a_server_that_counts_is_not_believed(self) -> None:
		with self.served() as (server, connector):
			list(self.some_page(connector))
			server.faults.add(Fault(FaultKind.EMPTY_RESULT, ALWAYS))
			page = self.some_page(connector)
			self.assertEqual((list(page), page.confirmed), ([], False))

	def test_a_silent_device_is_not_asked_in_all_ways_each_time(self) -> None:
		with self.served(says_count=False) as (_, connector):
			connector.read_window("UNKNOWN", SILENT_TIME)
			first = len(connector.requests)
			connector.read_window("UNKNOWN", SILENT_TIME)
		self.assertEqual((first, len(connector.requests) - first), (len(WORDINGS), 2))

	def test_a_refused_login_is_an_authentication_error_in_any_spelling(self) -> None:
		for text in (
			"Unathorised User",
			"Unauthorized user",
			"User authentication failure",
			"Invalid Password",
		):
			with self.subTest(text=text), self.serve(self.world, bad_login_text=text) as server:
				connector = self.connector(self.config(server.endpoint, user="nobody"))
				error = self.failure(connector)
				self.assertIsInstance(error, AuthenticationError)
				self.assertIn("Web API permission", error.message)
				self.assertEqual(len(connector.requests), 1)

	def test_words_about_the_serial_number_name_it(self) -> None:
		with self.served(unknown_serial_text="Invalid Serial Number") as (_, connector):
			with self.assertRaises(ProtocolError) as caught:
				connector.read_window("TYPO", SILENT_TIME)
		self.assertIn("TYPO", caught.exception.message)
		self.assertEqual(len(connector.requests), 1)

	def test_words_about_its_own_database_are_a_fault_of_the_server(self) -> None:
		for text in (
			"Invalid object name 'dbo.DeviceLogs_4_2025'.",
			"The SELECT permission was denied on the object 'DeviceLogs', database 'etimetracklite1', schema 'dbo'.",
			'Cannot open database "etimetracklite1" requested by the login. The login failed.',
		):
			with self.subTest(text), self.served() as (server, connector):
				server.faults.add(Fault(FaultKind.ERROR_TEXT, ALWAYS, text=text))
				error = self.failure(connector)
				self.assertIsInstance(error, TransientError)
				self.assertIn(text[:20], error.message)
				failed = next(step for step in connector.test("SN1") if step.ok is False)
				self.assertNotRegex(f"{failed.message} {failed.fix}", "API User|serial number|next run")

	def test_words_about_a_busy_server_are_transient(self) -> None:
		with self.served() as (server, connector):
			server.faults.add(Fault(FaultKind.ERROR_TEXT, ALWAYS, text="Timeout expired"))
			self.assertIsInstance(self.failure(connector), TransientError)

	def test_a_server_that_knows_no_date_format_of_ours_says_so(self) -> None:
		with self.served(date_formats=["MM.dd.yyyy"]) as (_, connector):
			error = self.failure(connector)
		self.assertIsInstance(error, ProtocolError)
		self.assertIn("not valid date format", error.message)
		self.assertEqual(len(connector.requests), len(WORDINGS))

	def test_a_server_that_swaps_day_and_month_is_not_taken_at_its_word(self) -> None:
		self.world.punch(SERIAL, "77", datetime(2025, 1, 4, 9))
		with (
			self.served(date_formats=["MM-dd-yyyy HH:mm:ss"]) as (_, connector),
			self.assertRaises(ProtocolError),
		):
			connector.read_window(SERIAL, Window(datetime(2025, 4, 1), datetime(2025, 4, 2)))
		self.assertNotIn("date_format", connector._config.memory)

	def test_a_request_stays_within_the_month_of_its_window(self) -> None:
		window = Window(datetime(2025, 4, 1), datetime(2025, 5, 1))
		for wording in WORDINGS:
			first, last = wording.limits(window).values()
			self.assertEqual(datetime.strptime(first, wording.date_format), window.start)
			expected = datetime(2025, 4, 30, 23, 59, 59) if "%S" in wording.date_format else window.end
			self.assertEqual(datetime.strptime(last, wording.date_format), expected)


class LimitsTest(unittest.TestCase):
	@settings(deadline=None)
	@given(
		st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)),
		st.timedeltas(timedelta(seconds=1), timedelta(days=7)),
		st.sampled_from(DATE_FORMATS),
	)
	def test_the_limits_enclose_the_window(
		self, start: datetime, length: timedelta, date_format: str
	) -> None:
		start = start.replace(microsecond=0)
		window = Window(start, start + timedelta(seconds=int(length.total_seconds())))
		texts = Wording("FromDate", date_format).limits(window)
		first, last = (datetime.strptime(texts[name], date_format) for name in ("FromDate", "ToDate"))
		self.assertLessEqual(first, window.start)
		self.assertGreaterEqual(last, window.end - timedelta(seconds=1))
		self.assertLessEqual(window.start - first, timedelta(minutes=2))


class RowTest(unittest.TestCase):
	@settings(deadline=None)
	@given(st.text() | st.text("0\t:- 12345678in"))
	def test_any_text_is_a_record_or_unreadable(self, raw: str) -> None:
		row = parse_row(raw, SERIAL)
		self.assertIsInstance(row, (Record, Unreadable))
		self.assertEqual(row.raw, raw)

	@settings(deadline=None)
	@given(
		st.text(
			st.characters(blacklist_characters="\t\r\n\ufffd", blacklist_categories=["Cs"]), min_size=1
		).filter(lambda text: text.strip() == text),
		st.datetimes(datetime(1000, 1, 1)).map(lambda moment: moment.replace(microsecond=0)),
		st.sampled_from(
			[("in", Direction.IN), ("out", Direction.OUT), ("", Direction.NONE), ("Hof", Direction.NONE)]
		),
	)
	def test_what_was_written_is_read(
		self, code: str, moment: datetime, direction: tuple[str, Direction]
	) -> None:
		raw = f"{code}\t{moment.isoformat(' ')}\t{direction[0]}"
		self.assertEqual(parse_row(raw, SERIAL), Record(code, moment, direction[1], raw, SERIAL))

	def test_columns_that_nobody_knows_are_kept_with_the_raw_row(self) -> None:
		raw = "31\t2025-04-07 09:02:11\tin\tFace\t7"
		expected = Record("31", datetime(2025, 4, 7, 9, 2, 11), Direction.IN, raw, SERIAL)
		self.assertEqual(parse_row(raw, SERIAL), expected)

	def test_codes_stay_as_they_are(self) -> None:
		for code in ("0031", "012", "ABC-107", "a b", "1,5"):
			self.assertEqual(parse_row(f"{code}\t2025-04-07 09:02:11\tin", SERIAL).user_id, code)

	def test_a_missing_direction_is_none(self) -> None:
		for raw in (
			"1\t2025-04-07 09:02:11\t",
			"1\t2025-04-07 09:02:11",
			"1\t2025-04-07 09:02:11.500\tinout",
		):
			row = parse_row(raw, SERIAL)
			self.assertEqual(
				(row.direction, row.source_time), (Direction.NONE, datetime(2025, 4, 7, 9, 2, 11))
			)

	def test_broken_rows_are_kept_with_their_problem(self) -> None:
		cases = {
			"\t2025-04-07 09:02:11\tin": "employee code",
			"31\t2025-02-30 09:02:11\tin": "time",
			"31\t07-04-2025 09:02:11\tin": "time",
			"31\t2025-04-07 09:02\tin": "time",
			"31\t2025-04-07 09:02+01\tin": "time",
			"31\t2025-W15-1 09:02:11\tin": "time",
			"31\t2025-W15-1T09:02:11\tin": "time",
			"31\t20250407T090211.123\tin": "time",
			"31\t2025-04-07x09:02:11\tin": "time",
			"31\t2025-04-07 09:02:11+05:30\tin": "time",
			"31\t2025-04-07 09:02:11.5+05:30\tin": "time",
			"31\t\tin": "time",
			"31 2025-04-07 09:02:11 in": "one field",
			"31\t2025-04-07 09:02:11\tin\ufffd": "character",
			"3" * 20_000 + "\t2025-04-07 09:02:11\tin": "longer",
		}
		for raw, problem in cases.items():
			with self.subTest(problem=problem):
				self.assertIn(problem, parse_row(raw, SERIAL).problem)
