"""When the scheduler, which looks once a minute, reads a server."""

from __future__ import annotations

import unittest
from datetime import datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from biometric_integration.core.schedule import TICK, Schedule

NINE = datetime(2025, 4, 7, 9)
DAY, HOUR, MINUTE, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
EVERY_FIVE = Schedule(5 * MINUTE)
AT_NINE = Schedule(timedelta(0), time(9))
TIMES = st.datetimes(datetime(2025, 1, 1), datetime(2025, 12, 31)).map(
	lambda moment: moment.replace(microsecond=0)
)


def ticks(schedule: Schedule, first: datetime, until: datetime, takes: timedelta) -> list[datetime]:
	"""When runs begin, for a scheduler that looks each minute and a run that is stamped so long after its tick."""
	runs, last, now = [], None, first
	while now < until:
		if schedule.due(last, now):
			runs.append(now)
			last = now + takes
		now += TICK
	return runs


class EachInterval(unittest.TestCase):
	def test_what_was_never_read_is_read_at_once(self):
		self.assertTrue(EVERY_FIVE.due(None, NINE))

	def test_it_is_read_again_when_the_interval_is_over_and_not_before(self):
		self.assertFalse(EVERY_FIVE.due(NINE, NINE + 4 * MINUTE))
		self.assertTrue(EVERY_FIVE.due(NINE, NINE + 5 * MINUTE))

	def test_half_a_tick_too_early_is_on_time(self):
		for early, due in ((30 * SECOND, True), (31 * SECOND, False)):
			with self.subTest(early=early):
				self.assertIs(EVERY_FIVE.due(NINE, NINE + 5 * MINUTE - early), due)

	def test_a_run_stamped_a_little_after_its_tick_does_not_push_the_next_one_back_by_a_tick(self):
		for late in (timedelta(0), SECOND, 29 * SECOND):
			with self.subTest(late=late):
				runs = ticks(EVERY_FIVE, NINE, NINE + HOUR, late)
				self.assertEqual(runs, [NINE + number * 5 * MINUTE for number in range(12)])

	def test_with_an_interval_of_one_tick_each_tick_is_a_run(self):
		runs = ticks(Schedule(MINUTE), NINE, NINE + HOUR, 5 * SECOND)
		self.assertEqual(len(runs), 60)

	def test_the_hour_of_a_daily_run_says_nothing_beside_an_interval(self):
		self.assertTrue(Schedule(5 * MINUTE, time(23)).due(None, NINE))
		self.assertTrue(Schedule(5 * MINUTE, time(23)).due(NINE, NINE + 5 * MINUTE))

	@given(TIMES, st.integers(1, 24 * 60), st.timedeltas(timedelta(0), 3 * DAY))
	def test_what_is_due_stays_due_until_it_is_read(self, last, minutes, later):
		schedule = Schedule(minutes * MINUTE)
		self.assertTrue(schedule.due(last, last + minutes * MINUTE + later))


class OnceADay(unittest.TestCase):
	def test_what_was_never_read_waits_for_its_time(self):
		self.assertFalse(AT_NINE.due(None, NINE - SECOND))
		self.assertTrue(AT_NINE.due(None, NINE))
		self.assertTrue(AT_NINE.due(None, NINE + 8 * HOUR))

	def test_it_is_read_at_its_time_and_once_only(self):
		self.assertFalse(AT_NINE.due(NINE - DAY, NINE - SECOND))
		self.assertTrue(AT_NINE.due(NINE - DAY, NINE))
		self.assertFalse(AT_NINE.due(NINE, NINE + MINUTE))
		self.assertFalse(AT_NINE.due(NINE, NINE + DAY - SECOND))

	def test_a_run_that_was_asked_for_earlier_in_the_day_does_not_take_its_place(self):
		self.assertTrue(AT_NINE.due(NINE - 2 * HOUR, NINE))

	def test_a_time_that_was_missed_is_made_up_for_the_same_day(self):
		self.assertTrue(AT_NINE.due(NINE - DAY, NINE + 8 * HOUR))

	def test_without_a_time_it_is_read_at_midnight(self):
		midnight = datetime(2025, 4, 8)
		self.assertFalse(Schedule(timedelta(0)).due(midnight - DAY, midnight - SECOND))
		self.assertTrue(Schedule(timedelta(0)).due(midnight - DAY, midnight))

	@given(st.times().map(lambda at: at.replace(second=0, microsecond=0)), st.integers(0, 59))
	def test_a_week_of_ticks_is_one_run_a_day_at_the_first_tick_from_its_time_on(self, at, seconds):
		begin = datetime(2025, 4, 7) + seconds * SECOND
		runs = ticks(Schedule(timedelta(0), at), begin, begin + 7 * DAY, 20 * SECOND)
		self.assertEqual(len(runs), 7)
		for run in runs:
			self.assertTrue(timedelta(0) <= run - datetime.combine(run.date(), at) < TICK, run)


if __name__ == "__main__":
	unittest.main()
