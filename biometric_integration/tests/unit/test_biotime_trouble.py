"""What a BioTime does to those who read it, through the real engine: nothing is lost, nothing is doubled, each with its sentence."""

from __future__ import annotations

import unittest
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from biometric_integration.core.runs import RunReport, RunStatus
from biometric_integration.simulator import FakeBioTime, FaultKind, World
from biometric_integration.simulator.biotime_rows import PERSONAL
from biometric_integration.simulator.server import Request
from biometric_integration.tests.scenarios.base import Scenarios
from biometric_integration.tests.scenarios.place import BIOTIME, DAY, HOUR, MINUTE, NOON, Place, company_world
from biometric_integration.tests.unit.test_memory_scenarios import MemoryHost

TEN = 10
"""Rows of a page, so that there are many of them."""
QUIET_DAYS = 9
"""Runs in these find all that a server still has: each look back is due at least once in them."""


class Trouble(Scenarios, unittest.TestCase):
	def new_host(self) -> MemoryHost:
		return MemoryHost()

	@contextmanager
	def place(self, *arguments: Any, **options: Any) -> Iterator[Place]:
		with super().place(*arguments, **options) as place:
			yield place
			self.assertEqual(place.fake.changes, [], "all is GET but the login")

	@contextmanager
	def company(self, server_type: str, **options: Any) -> Iterator[Place]:
		"""As everywhere, but smaller: 10 people, 4 devices, 4 days."""
		mark = uuid4().hex[:6]
		with self.place(server_type, company_world(mark, employees=10, days=4), mark, **options) as place:
			place.employ_all()
			yield place

	# -- help

	def assert_none_doubled(self, place: Place) -> None:
		written = Counter(place.written())
		self.assertEqual([punch for punch, times in written.items() if times > 1], [])
		staged = Counter((event.user_id, event.source_time, event.device) for event in place.events())
		self.assertEqual([punch for punch, times in staged.items() if times > 1], [])

	def assert_whole_in_the_end(self, place: Place) -> None:
		for _ in range(QUIET_DAYS):
			place.later(DAY)
			place.run()
			if place.written() == place.truth():
				break
		self.assert_all_written(place)
		self.assert_none_doubled(place)

	def at_transactions(self, place: Place, *happens: Callable[[], object]) -> None:
		"""One of these happens after each page of punches that was sent, in this order."""
		waiting = list(happens)

		def after(request: Request) -> None:
			if request.operation == "transactions" and waiting:
				waiting.pop(0)()

		place.fake.after_each = after

	def sentences(self, reports: list[RunReport]) -> str:
		return " ".join(report.message for report in reports)


class Logins(Trouble):
	def test_a_token_that_dies_while_paging_is_got_over_within_the_run(self) -> None:
		for life in (2, 3, 7):
			with self.subTest(life=life), self.company(BIOTIME, most_rows=TEN, token_requests=life) as place:
				self.assert_success(place.run())
				self.assert_all_written(place)
				self.assert_none_doubled(place)
				self.assertGreater(len(place.fake.gate.tokens), 1)
				self.assertEqual(place.fake.gate.bad_logins, 0)
				for token in place.fake.gate.tokens:
					self.assertNotIn(token, repr([place.logs(), place.events(), place.config]))

	def test_a_password_that_is_changed_while_paging_is_said_and_costs_one_bad_login_a_run(self) -> None:
		with self.company(BIOTIME, most_rows=TEN) as place:
			gate = place.fake.gate
			self.at_transactions(place, *[lambda: None] * 3, lambda: (gate.forget(), gate.change("other")))
			before = place.marks()
			self.assert_alarmed(place, place.run(), "API Password")
			self.assertEqual((gate.bad_logins, place.marks()), (1, before))
			gate.change(place.config.password)
			self.assert_success(place.run())
			self.assert_all_written(place)
			self.assert_none_doubled(place)

	def test_a_licence_without_the_api_is_said_in_words_and_read_when_it_is_bought(self) -> None:
		with self.company(BIOTIME, licensed=False) as place:
			self.assert_alarmed(place, place.run(), "licence", "API")
			self.assertEqual(set(place.marks().values()), {(None, None, None)})
			self.assertEqual((place.events(), place.fake.gate.bad_logins), ([], 0))
			place.fake.licensed = True
			self.assert_success(place.run())
			self.assert_all_written(place)

	def test_a_licence_that_ends_moves_no_cursor(self) -> None:
		with self.company(BIOTIME) as place:
			place.run()
			place.later(26 * HOUR)
			place.punch("31", place.world.now - HOUR)
			before = place.marks()
			place.fake.licensed = False
			self.assert_alarmed(place, place.run(), "licence")
			self.assertEqual(place.marks(), before)
			place.fake.licensed = True
			place.run()
			self.assert_all_written(place)

	def test_a_locked_account_is_left_alone_and_read_when_it_is_free(self) -> None:
		with self.company(BIOTIME, lock_after=3, lock_time=HOUR) as place:
			wrong = replace(place.config, password="wrong")
			for _ in range(3):
				self.assert_alarmed(place, place.run(wrong), "API Password")
			self.assert_alarmed(place, place.run(), "API Password")
			place.later(HOUR)
			self.assert_success(place.run())
			self.assert_all_written(place)


class Pages(Trouble):
	def test_a_page_for_people_while_paging_is_said_and_nothing_is_lost(self) -> None:
		for after in (0, 1, 4):
			with self.subTest(after=after), self.company(BIOTIME, most_rows=TEN) as place:
				place.fault(FaultKind.HTML_200, operation="transactions", after=after)
				self.assert_alarmed(place, place.run(), "web page")
				self.assertEqual(set(place.marks().values()), {(None, None, None)})
				place.fake.faults.clear()
				self.assert_success(place.run())
				self.assert_all_written(place)
				self.assert_none_doubled(place)

	def test_an_error_with_http_200_is_said_in_the_words_of_the_server(self) -> None:
		with self.company(BIOTIME, most_rows=TEN) as place:
			place.fault(FaultKind.ERROR_TEXT, operation="transactions", after=3)
			self.assert_alarmed(place, place.run(), place.fake.error_text)
			place.fake.faults.clear()
			self.assert_success(place.run())
			self.assert_all_written(place)
			self.assert_none_doubled(place)

	def test_next_is_never_followed_to_another_host(self) -> None:
		with FakeBioTime(World(NOON), user="api", password="x") as stranger:
			with self.company(BIOTIME, most_rows=TEN, host=stranger.url) as place:
				self.assert_success(place.run())
				self.assert_all_written(place)
				self.assertGreater(len(place.fake.requests), 8)
			self.assertEqual(stranger.requests, [])

	def test_a_page_that_is_repeated_for_ever_is_got_around_by_shorter_windows(self) -> None:
		for page in (1, 3):
			with self.subTest(page=page), self.company(BIOTIME, most_rows=TEN) as place:
				place.fake.stuck_at = page
				self.assert_success(place.run())
				self.assert_all_written(place)
				self.assert_none_doubled(place)
				self.assertLess(len(place.fake.requests), 300)

	def test_a_page_that_is_repeated_for_ever_and_hides_punches_ends_and_is_said(self) -> None:
		"""A crowd within a minute: no window is short enough for a page of ten."""
		crowd = [f"{number:04}" for number in range(25)]
		for options, stuck_at in (({}, 1), ({}, 2), ({"ignores": ("page",)}, None)):
			with self.subTest(stuck_at=stuck_at, **options):
				with self.office(BIOTIME, *crowd, most_rows=TEN, **options) as place:
					for code in crowd:
						place.punch(code, NOON - HOUR)
					place.fake.stuck_at = stuck_at
					self.assert_alarmed(place, place.run(), "25 punches", f"sent {TEN * (stuck_at or 1)}")
					self.assertLess(len(place.fake.requests), 1000)
					self.assertEqual(len(place.written()), TEN * (stuck_at or 1))
					self.assertLess(place.cursor().complete_until or datetime.min, place.world.now)
					if stuck_at:
						place.fake.stuck_at = None
						self.assert_whole_in_the_end(place)

	def test_parameters_that_are_ignored_cost_rows_but_no_punches(self) -> None:
		for ignored in (
			("start_time", "end_time"),
			("end_time",),
			("page_size",),
			("start_time", "end_time", "page_size", "ordering"),
		):
			with self.subTest(ignored=ignored), self.company(BIOTIME, ignores=ignored) as place:
				place.run()
				place.later(MINUTE)
				place.run()
				self.assert_all_written(place)
				self.assert_none_doubled(place)

	def test_rows_that_come_while_paging_are_read(self) -> None:
		with self.company(BIOTIME, most_rows=TEN) as place:
			arrivals = [
				lambda n=n: place.world.punch(
					place.serial(1), place.code("31"), NOON + n * MINUTE, "in", place.world.now
				)
				for n in range(12)
			]
			self.at_transactions(place, *arrivals)
			place.run()
			self.assert_none_doubled(place)
			self.assert_whole_in_the_end(place)

	def test_rows_that_are_deleted_while_paging_hide_no_others(self) -> None:
		"""Each moves a row that was not read yet to a page that was, and the count of the last page tells nothing of it."""
		for deleted in (1, 4):
			with self.subTest(deleted=deleted), self.company(BIOTIME, most_rows=TEN) as place:
				first = [row.log_id for row in place.world.visible()]
				self.at_transactions(
					place, *[lambda log_id=log_id: place.world.delete(log_id) for log_id in first[:deleted]]
				)
				place.run()
				self.assertEqual(set(place.truth()) - set(place.written()), set())
				self.assert_none_doubled(place)

	def test_rows_that_are_deleted_at_the_server_stay_here_and_alarm_nobody_for_ever(self) -> None:
		with self.company(BIOTIME) as place:
			place.run()
			before = place.written()
			place.world.delete(*[row.log_id for row in place.world.visible()][40:43])
			for _ in range(QUIET_DAYS):
				place.later(DAY)
				reports = place.run()
			self.assertEqual(place.written(), before)
			self.assert_success(reports)


class Rows(Trouble):
	def test_a_late_row_with_an_old_time_comes_with_the_next_run_where_the_server_orders(self) -> None:
		for days in (3, 20, 70):
			with self.subTest(days=days), self.office(BIOTIME) as place:
				self.upload_late(place, days)
				self.assert_success(place.run())
				self.assert_all_written(place)
				self.assert_none_doubled(place)

	def test_a_late_row_comes_within_a_week_where_it_does_not(self) -> None:
		for options, days in (
			({"version": "8.5"}, 3),
			({"orders": False}, 20),
			({"ignores": ("ordering",)}, 40),
			({"uploads_shifted": -330 * MINUTE, "version": "8.5"}, 40),
		):
			with self.subTest(days=days, **options), self.office(BIOTIME, **options) as place:
				self.upload_late(place, days)
				place.run()
				self.assert_whole_in_the_end(place)
				ordered = [request for request in place.fake.requests if request.arguments.get("ordering")]
				self.assertEqual(len(ordered), 1, "it is not asked again for an order that it does not know")

	def upload_late(
		self, place: Place, days: int, meanwhile: Callable[[], object] = lambda: None, known: int = 5
	) -> None:
		"""Somebody punched `days` ago on a device that was offline, while people went on punching on another; it is back now."""
		place.options = replace(place.options, start_date=(NOON - (days + 5) * DAY).date())
		place.world.add_device(place.serial(2), "Back Gate")
		place.punch("0031", NOON - (days + 4) * DAY)
		place.world.now = NOON
		back = NOON + 90 * MINUTE
		place.punch("0031", NOON - days * DAY, device=2, received=back)
		place.punch("0031", NOON - days * DAY + HOUR, device=2, received=back)
		for hours in range(0, 24, 6):
			place.punch("0031", NOON - hours * HOUR - MINUTE)
		place.run()
		place.later(HOUR)
		place.run()
		self.assertEqual(len(place.written()), known)
		meanwhile()
		place.later(HOUR)

	def test_a_late_row_of_a_day_of_which_another_was_deleted_comes_within_a_week(self) -> None:
		"""Counting tells nothing of it."""
		for options in ({}, {"version": "8.5"}):
			with self.subTest(**options), self.office(BIOTIME, **options) as place:
				place.punch("0031", NOON - 20 * DAY + 3 * HOUR)
				self.upload_late(place, 20, lambda: place.world.delete(1), known=6)
				place.run()
				place.later(DAY)
				for _ in range(QUIET_DAYS):
					place.run()
					place.later(DAY)
				self.assertEqual(set(place.truth()) - set(place.written()), set())
				self.assertEqual(len(place.written()), 8)

	def test_a_late_row_comes_where_the_times_of_arrival_are_in_another_zone(self) -> None:
		"""`upload_time` is the server's clock, `punch_time` the terminal's (sources-protocols §1.6)."""
		for hours in (-5.5, -8, 8):
			with (
				self.subTest(hours=hours),
				self.office(BIOTIME, uploads_shifted=hours * HOUR) as place,
			):
				self.upload_late(place, 40)
				self.assert_success(place.run())
				self.assert_whole_in_the_end(place)

	def test_a_day_of_which_the_server_counts_a_row_twice_is_read_again_once(self) -> None:
		with self.office(BIOTIME) as place:
			place.options = replace(place.options, start_date=(NOON - 30 * DAY).date())
			for _ in range(2):
				place.punch("0031", NOON - 20 * DAY)
			place.run()
			read = []
			for _ in range(4):
				place.later(DAY)
				before = len(place.fake.requests)
				self.assert_success(place.run())
				read.append(self.readings_of(place, NOON - 20 * DAY, before))
			self.assertEqual(sum(read), 1, "nothing was new")
			place.punch("0031", NOON - 20 * DAY + HOUR, received=place.world.now)
			place.fake._orders = False
			place.later(DAY)
			place.run()
			self.assert_none_doubled(place)
			self.assertEqual(place.written(), place.truth())

	def readings_of(self, place: Place, moment: datetime, before: int) -> int:
		"""How many times its day was asked for, counts apart."""
		asked = place.fake.requests[before:]
		return sum(
			request.arguments.get("page_size") != "1"
			and request.arguments.get("start_time", "")
			<= str(moment)
			<= request.arguments.get("end_time", "")
			for request in asked
		)

	def test_days_are_not_counted_with_each_run_that_leaves_a_hole(self) -> None:
		crowd = [f"{number:04}" for number in range(25)]
		with self.office(BIOTIME, *crowd, most_rows=TEN) as place:
			place.options = replace(place.options, start_date=(NOON - 30 * DAY).date())
			place.punch("0001", NOON - HOUR)
			place.run()
			for code in crowd:
				place.punch(code, place.world.now)
			place.fake.stuck_at = 1
			for _ in range(2):
				place.later(DAY)
				before = len(place.fake.requests)
				self.assert_alarmed(place, place.run(), "25 punches")
				self.assertEqual(self.counted(place, before), 0, "the looks back are not done")
			place.fake.stuck_at = None
			place.later(DAY)
			before = len(place.fake.requests)
			self.assert_success(place.run())
			self.assertGreater(self.counted(place, before), 10)

	def counted(self, place: Place, before: int) -> int:
		"""How many days the server was asked to count."""
		asked = (request.arguments for request in place.fake.requests[before:])
		return sum(one.get("page_size") == "1" and "start_time" in one for one in asked)

	def test_counting_that_is_stopped_leaves_the_looks_back_done(self) -> None:
		with self.office(BIOTIME) as place:
			place.options = replace(place.options, start_date=(NOON - 30 * DAY).date())
			place.punch("0031", NOON - HOUR)
			place.run()
			place.later(DAY)

			def watch(log: str, piece: Any, counts: Any) -> str:
				return "Stopped." if piece and piece.end < NOON - 15 * DAY else ""

			place.options = replace(place.options, watch=watch)
			self.assertIn("Stopped.", self.sentences(place.run()))
			self.assertEqual(place.cursor().scans["nightly"], place.world.now)

	def test_a_page_of_arrivals_that_is_repeated_for_ever_ends(self) -> None:
		with self.office(BIOTIME, most_rows=TEN) as place:
			place.punch("0031", NOON - HOUR)
			place.run()
			place.later(HOUR)
			for number in range(25):
				place.punch(
					"0031", NOON - 5 * HOUR - number * MINUTE, received=place.world.now - number * MINUTE
				)
			place.later(MINUTE)
			place.fake.stuck_at = 1
			asked = len(place.fake.requests)
			place.run()
			self.assertLess(len(place.fake.requests) - asked, 300)
			place.fake.stuck_at = None
			self.assert_whole_in_the_end(place)

	def test_rows_of_a_terminal_that_this_user_gets_to_see_later_come_as_well(self) -> None:
		for options in ({}, {"version": "8.5"}):
			with self.subTest(**options), self.office(BIOTIME, sees=(), **options) as place:
				place.options = replace(place.options, start_date=(NOON - 50 * DAY).date())
				place.world.add_device(place.serial(2), "Back Gate")
				place.fake.sees = [place.serial(1)]
				for days in reversed(range(50)):
					place.punch("0031", NOON - days * DAY)
					place.punch("0031", NOON - days * DAY - HOUR, device=2)
				place.run()
				place.later(DAY)
				place.run()
				place.fake.sees = None
				self.assert_whole_in_the_end(place)

	def test_a_server_whose_clock_was_ahead_for_a_while_hides_no_late_row(self) -> None:
		for ahead in (2 * HOUR, 3 * DAY, 400 * DAY):
			with self.subTest(ahead=ahead), self.office(BIOTIME) as place:
				place.punch("0031", NOON - HOUR)
				place.run()
				place.later(ahead)
				place.skew = -ahead
				place.run()
				place.world.now -= ahead
				place.skew = timedelta(0)
				place.later(HOUR)
				place.run()
				place.punch("0031", NOON - 30 * MINUTE, received=place.world.now)
				place.later(MINUTE)
				self.assert_success(place.run())
				self.assert_all_written(place)

	def test_ids_that_start_again_lose_and_double_nothing(self) -> None:
		for keep_rows in (True, False):
			with self.subTest(keep_rows=keep_rows), self.company(BIOTIME, most_rows=TEN) as place:
				place.run()
				before = set(place.written())
				place.world.reset_ids(keep_rows=keep_rows)
				for _ in range(5):
					place.later(7 * HOUR)
					place.punch("31", place.world.now - HOUR)
					place.punch("0031", place.world.now - 5 * DAY, received=place.world.now)
					place.run()
				for _ in range(QUIET_DAYS):
					place.later(DAY)
					place.run()
				self.assertEqual(set(place.written()), before | set(place.truth()))
				self.assertEqual(len(before | set(place.truth())) - len(before), 10)
				self.assert_none_doubled(place)

	def test_a_database_that_was_restored_gives_the_same_ids_to_others_and_loses_nothing(self) -> None:
		with self.company(BIOTIME, most_rows=TEN) as place:
			place.run()
			before = set(place.written())
			place.world.lose_newest(30)
			for number in range(35):
				place.punch("31", place.world.now + number * MINUTE, device=1 + number % 4)
			place.later(3 * HOUR)
			place.run()
			self.assertEqual(set(place.written()), before | set(place.truth()))
			self.assertGreater(len(place.written()), len(before) + 30)
			self.assert_none_doubled(place)

	def test_an_id_that_starts_again_while_paging_hides_nothing(self) -> None:
		with self.company(BIOTIME, most_rows=TEN) as place:
			self.at_transactions(place, *[lambda: None] * 3, place.world.reset_ids)
			place.run()
			self.assert_none_doubled(place)
			self.assert_whole_in_the_end(place)

	def test_a_first_answer_that_takes_long_is_waited_for_or_said(self) -> None:
		with self.company(BIOTIME, first_answer_after=1.0) as place:
			self.assert_success(place.run())
			self.assert_all_written(place)
		with self.company(BIOTIME, first_answer_after=1.0) as place:
			place.fault(FaultKind.HANG, seconds=1.0)
			self.assert_alarmed(place, place.run(replace(place.config, timeout=0.3)), "Timeout")
			self.assertEqual(set(place.marks().values()), {(None, None, None)})
			place.fake.faults.clear()
			self.assert_success(place.run())
			self.assert_all_written(place)

	def test_a_terminal_that_stamps_a_former_year_is_seen_and_no_check_in_is_made_of_it(self) -> None:
		with self.office(BIOTIME) as place:
			place.options = replace(place.options, start_date=(NOON - 3 * DAY).date())
			for _day in range(12):
				place.punch("0031", place.world.now - HOUR)
				place.run()
				place.later(DAY)
			wrong = datetime(2023, 1, 1, 0, 4)
			place.punch("0031", wrong, received=place.world.now)
			for _ in range(QUIET_DAYS):
				place.run()
				place.later(DAY)
			self.assertNotIn(wrong, [time for _, time in place.written()])
			self.assertEqual(len(place.written()), 12)
			self.assertEqual([event.status for event in place.events(source_time=wrong)], ["Quarantined"])

	def test_types_editions_and_rows_of_no_terminal_are_all_the_same_punches(self) -> None:
		for options in (
			{"version": "8.0", "numbers": "text", "envelope": "results"},
			{"version": "9.0", "numbers": "integers", "envelope": "both", "prefixes": ("/api",)},
			{"version": "9.5", "logins": ("Token",), "zone_in": "hours"},
		):
			with self.subTest(**options), self.company(BIOTIME, **options) as place:
				self.assert_success(place.run())
				self.assert_all_written(place)
				self.assert_success(again := place.run())
				self.assertEqual(sum(report.counts.new for report in again), 0)

	def test_nothing_that_is_nobodys_business_is_kept(self) -> None:
		with self.company(BIOTIME, most_rows=TEN) as place:
			place.world.raw_row(place.serial(1), '{"emp_code": "31", "temperature": "38.9"}', NOON)
			place.fault(FaultKind.TRUNCATED, times=2, operation="transactions")
			reports = place.run()
			kept = repr([reports, place.logs(), place.events(), place.config, place.devices()])
			for name in set(PERSONAL) - {"department", "position"}:
				self.assertNotIn(str(PERSONAL[name]), kept, name)
			self.assertNotIn("employees", {request.operation for request in place.fake.requests})

	def test_a_user_who_may_see_nothing_is_no_success(self) -> None:
		with self.company(BIOTIME, sees=()) as place:
			reports = place.run()
			self.assertNotIn(RunStatus.SUCCESS, {report.status for report in reports})
			self.assertTrue(self.sentences(reports))


if __name__ == "__main__":
	unittest.main()
