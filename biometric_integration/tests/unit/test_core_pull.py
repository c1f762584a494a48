"""Reading, whatever goes wrong on the way: what only a store, or a script of faults, can show that the scenarios do not."""

from __future__ import annotations

import unittest
from dataclasses import replace
from datetime import date, datetime

from hypothesis import example, given, settings
from hypothesis import strategies as st

from biometric_integration.core.errors import ErrorClass
from biometric_integration.core.pull import PullOptions
from biometric_integration.core.runs import RunStatus
from biometric_integration.core.store import Fenced
from biometric_integration.core.window import DAY, SECOND, Window
from biometric_integration.tests.unit.office import ALL_FAULTS, HOUR, NOW, PUNCHES, Losing, Office


class NothingIsLost(unittest.TestCase):
	RUNS = st.lists(
		st.tuples(st.integers(1, 100), st.lists(st.sampled_from(["well", *ALL_FAULTS]), max_size=12)),
		max_size=6,
	)
	OFFSETS = st.lists(st.integers(-7 * 24 * 3600, 30 * 24 * 3600), min_size=1, max_size=20)

	@settings(deadline=None, max_examples=150)
	@given(RUNS, OFFSETS, st.booleans())
	@example([], [3600], False)  # in the very second of the last run
	def test_whatever_happens_one_good_run_has_all_that_the_server_has(self, runs, offsets, has_start):
		office = Office(None, *(NOW + offset * SECOND for offset in offsets))
		office.options = replace(office.options, start_date=date(2025, 4, 1) if has_start else None)
		began = datetime(2025, 4, 1) if has_start else NOW.replace(hour=0)
		for hours, script in [(0, ["dead"]), *runs, (1, [])]:
			office.connector.now += hours * HOUR
			office.pull(*script)
			complete, now = office.cursor().complete_until, office.connector.now
			here = {time for time, _ in office.connector.punches["S1"] if began <= time <= now}
			self.assertLessEqual({time for time in here if complete and time < complete}, office.staged())
		self.assertEqual(office.staged(), here)
		self.assertEqual(len(office.store.events), len(here))

	@settings(deadline=None)
	@given(st.lists(st.sampled_from(["well", *ALL_FAULTS]), max_size=30))
	def test_counts_always_add_up(self, script):
		office = Office(None, *PUNCHES)
		for report in office.pull(*script) + office.pull():
			counts = report.counts
			self.assertEqual(counts.fetched, counts.new + counts.known + counts.junk + counts.invalid)

	def test_an_answer_that_breaks_off_keeps_what_came_but_not_the_cursor(self):
		office = Office(None, *PUNCHES)
		office.batch = 1
		office.options = replace(office.options, start_date=NOW.date())
		(report,) = office.pull("breaks off")
		self.assertEqual((report.status, report.counts.new), (RunStatus.FAILED, 2))
		self.assertIsNone(office.cursor().read_until)
		(report,) = office.pull()
		self.assertEqual((report.counts.new, report.counts.known), (3, 2))

	def test_days_read_before_a_failure_are_not_read_again(self):
		office = Office(None, *(NOW - number * DAY for number in range(1, 6)))
		office.pull("well", "well", "well", "dead")
		self.assertEqual(office.cursor().complete_until, datetime(2025, 4, 4))


class StartDateMovedBack(unittest.TestCase):
	"""Read since 4 April; from 25 March on it is to be read now. One request a day."""

	def setUp(self):
		self.office = Office(None, *(NOW - number * DAY for number in range(1, 31)))
		self.office.options = replace(self.office.options, start_date=date(2025, 4, 4))
		self.office.pull()
		self.office.options = replace(self.office.options, start_date=date(2025, 3, 25))
		self.office.connector.asked.clear()

	def days_asked(self) -> list[date]:
		asked = [window.start.date() for _unit, window in self.office.connector.asked]
		self.office.connector.asked.clear()
		return [day for day in asked if day < date(2025, 4, 4)]

	def past(self, first: date) -> list[date]:
		return [first + number * DAY for number in range((date(2025, 4, 4) - first).days)]

	def test_what_is_new_comes_first_and_what_was_read_is_not_read_again(self):
		self.office.pull()
		newest, *_rest = self.office.connector.asked
		self.assertGreaterEqual(newest[1].start.date(), date(2025, 4, 4))
		self.assertEqual(self.days_asked(), self.past(date(2025, 3, 25)))
		self.assertEqual(min(self.office.staged()).date(), date(2025, 3, 25))
		self.office.pull()
		self.assertEqual(self.days_asked(), [])

	def test_it_goes_on_where_a_job_was_over(self):
		last = datetime(2025, 3, 30)
		watch = self.office.options.watch
		self.office.options = replace(
			self.office.options,
			watch=lambda log, piece, counts: "Over." if piece and piece.start == last else "",
		)
		self.office.pull()
		self.days_asked()
		self.office.options = replace(self.office.options, watch=watch)
		self.office.pull()
		self.assertEqual(self.days_asked(), self.past(last.date()))
		self.assertEqual(self.office.cursor().read_from, datetime(2025, 3, 25))

	def test_a_hole_keeps_nothing_behind_it_from_being_read_and_is_asked_for_again_the_next_day(self):
		(report,) = self.office.pull("well", "well", "well", "silent")
		self.assertEqual(report.status, RunStatus.PARTIAL)
		self.assertEqual(self.days_asked(), self.past(date(2025, 3, 25)))
		(hole,) = {day for day in self.past(date(2025, 3, 25))} - {
			time.date() for time in self.office.staged()
		}
		self.assertEqual(self.office.cursor().read_from.date(), hole + DAY, "nobody was absent before")
		self.office.pull()
		self.assertEqual(self.days_asked(), [])
		self.office.connector.now += DAY
		self.office.pull()
		self.assertEqual(self.days_asked()[-1:], [hole])
		self.assertEqual(self.office.cursor().read_from, datetime(2025, 3, 25))

	def test_a_day_that_is_always_short_stops_nothing_for_ever(self):
		short = datetime(2025, 3, 26)
		read_window = self.office.connector.read_window

		def counted(unit, window):
			answer = read_window(unit, window)
			is_short = window.start < short + DAY and window.end > short
			return replace(answer, declared=len(answer.rows) + 5) if is_short else answer

		self.office.connector.read_window = counted
		for _run in range(2):
			self.office.pull()
		self.assertEqual({*self.past(date(2025, 3, 25))} - {t.date() for t in self.office.staged()}, set())
		self.assertEqual(self.office.cursor().read_from, short + DAY)

	def test_what_a_period_has_read_is_not_read_again(self):
		first = datetime(2025, 3, 29)
		options = self.office.options
		self.office.options = replace(options, window=Window(first, datetime(2025, 4, 5)))
		self.office.pull()
		self.days_asked()
		self.office.options = options
		self.office.pull()
		self.assertEqual(self.days_asked(), [date(2025, 3, 25) + number * DAY for number in range(4)])
		self.assertEqual(len(self.office.staged()), 13)

	def test_marks_of_what_is_new_do_not_move_with_it(self):
		before = self.office.cursor()
		self.office.pull()
		after = self.office.cursor()
		self.assertEqual((after.read_until, after.complete_until), (before.read_until, before.complete_until))


class OneJob(unittest.TestCase):
	def test_a_failure_of_one_stream_leaves_the_others_alone(self):
		for fault, error_class in (("nonsense", "Protocol"), ("bug", "Internal")):
			with self.subTest(fault=fault):
				office = Office(None, *PUNCHES, devices=3)
				office.options = replace(office.options, start_date=NOW.date())
				reports = office.pull("well", "well", "well", "well", fault)
				self.assertEqual(
					[r.status for r in reports], [RunStatus.SUCCESS, RunStatus.FAILED, RunStatus.SUCCESS]
				)
				self.assertEqual(office.store.logs[reports[1].log].outcome.error_class.value, error_class)

	def test_a_failure_of_the_server_ends_the_job(self):
		office = Office(None, *PUNCHES, devices=3)
		office.options = replace(office.options, start_date=NOW.date())
		reports = office.pull("well", "well", "well", "well", "dead")
		self.assertEqual([report.status for report in reports], [RunStatus.SUCCESS, RunStatus.FAILED])
		self.assertEqual({unit for unit, _ in office.connector.asked}, {"S1", "S2"})

	def test_a_defect_of_ours_is_told_without_the_values_of_variables(self):
		office = Office(None, *PUNCHES)
		office.pull("bug")
		(log,) = office.store.logs.values()
		self.assertIn("ZeroDivisionError", log.outcome.message)
		self.assertIn("in fail", log.outcome.detail)
		self.assertIs(log.outcome.error_class, ErrorClass.INTERNAL)

	def test_reports_come_as_the_runs_end(self):
		office = Office(None, *PUNCHES, devices=2)
		next(office.puller().pull(office.connector, office.config, office.options))
		self.assertEqual({unit for unit, _ in office.connector.asked}, {"S1"})

	def test_one_unit_alone_can_be_asked_for(self):
		office = Office(None, *PUNCHES, devices=3)
		office.options = replace(office.options, units=("S2",))
		self.assertEqual(len(office.pull()), 1)
		self.assertEqual({unit for unit, _ in office.connector.asked}, {"S2"})

	def test_a_period_alone_can_be_asked_for_and_moves_no_mark_over_what_is_between(self):
		office = Office(None, *(NOW - number * DAY for number in range(1, 31)))
		office.options = replace(office.options, start_date=NOW.date())
		office.pull()
		office.connector.punches["S1"].append((NOW - HOUR, NOW - HOUR))
		office.pull()
		before = office.cursor()
		period = Window(datetime(2025, 3, 20), datetime(2025, 3, 22))
		office.options = replace(office.options, window=period)
		(report,) = office.pull()
		self.assertEqual((report.status, report.counts.new), (RunStatus.SUCCESS, 2))
		after = office.cursor()
		self.assertEqual((after.read_until, after.complete_until), (before.read_until, before.complete_until))

	def test_each_unit_of_a_period_goes_on_where_it_was_read_to(self):
		office = Office(None, *PUNCHES, devices=2)
		period, half = Window(datetime(2025, 3, 20), datetime(2025, 3, 22)), datetime(2025, 3, 21)
		office.options = replace(office.options, window=period, read_to={"S2": half})
		office.pull()
		begun = {unit: window.start for unit, window in reversed(office.connector.asked)}
		self.assertEqual(begun, {"S1": period.start, "S2": half})

	def test_a_run_can_be_told_to_stop_and_keeps_what_it_has(self):
		office = Office(None, *(NOW - number * DAY for number in range(1, 6)))
		last = datetime(2025, 4, 4)
		office.options = replace(
			office.options,
			watch=lambda log, piece, counts: "Enough." if piece and piece.start >= last else "",
		)
		(report,) = office.pull()
		self.assertEqual((report.status, report.message), (RunStatus.PARTIAL, "Enough."))
		self.assertEqual((office.cursor().complete_until, report.counts.new), (last, 2))
		office.options = replace(office.options, watch=PullOptions().watch)
		office.pull()
		self.assertEqual(len(office.staged()), 5)

	def test_each_log_has_the_requests_of_its_own_run(self):
		office = Office(None, *PUNCHES, devices=2)
		office.pull()
		self.assertEqual([len(log.outcome.requests) for log in office.store.logs.values()], [10, 10])
		self.assertEqual(office.connector.requests, [])

	def test_halving_comes_to_an_end(self):
		office = Office(None, *(NOW - number * SECOND for number in range(1, 1000)))
		(report,) = office.pull(*["short"] * 500)
		self.assertIs(report.status, RunStatus.PARTIAL)
		self.assertLess(len(office.connector.asked), 60)


class LostBatches(unittest.TestCase):
	def test_staging_is_done_again_too(self):
		office = Office(Losing(stage=2), *PUNCHES)
		(report,) = office.pull()
		self.assertEqual((report.status, report.counts.new, report.counts.fetched), (RunStatus.SUCCESS, 5, 5))

	def test_staging_that_fails_three_times_fails_the_run_and_keeps_the_cursor(self):
		office = Office(Losing(stage=3), *PUNCHES)
		(report,) = office.pull()
		self.assertIs(report.status, RunStatus.FAILED)
		self.assertNotEqual(office.cursor().complete_until, NOW)
		office.pull()
		self.assertEqual((office.statuses(), office.cursor().complete_until), (["Pending"] * 5, NOW))

	def test_what_a_fenced_run_has_not_committed_is_forgotten(self):
		class Stolen(Losing):
			def stage(self, claim, punches, cursor=None):
				raise Fenced()

		office = Office(Stolen(), *PUNCHES)
		(report,) = office.pull()
		self.assertIs(report.status, RunStatus.SKIPPED)
		self.assertEqual(office.store.times_rolled_back, 1)


if __name__ == "__main__":
	unittest.main()
