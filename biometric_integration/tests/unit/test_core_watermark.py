"""How far a shift's mark may go, and what is told of HRMS's silence."""

from __future__ import annotations

import unittest
from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from biometric_integration.core.judgement import SENTENCES, Why
from biometric_integration.core.watermark import (
	AFTER,
	SILENCES,
	AutoAttendance,
	Occurrence,
	Silence,
	Wait,
	furthest,
	silence,
)

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MONDAY = date(2025, 5, 5)


def closes(number: int) -> datetime:
	"""Of the shift that begins on the so-manieth day from Monday on."""
	return datetime(2025, 5, 5, 19) + number * DAY


WEEK = [Occurrence(MONDAY + number * DAY, closes(number)) for number in range(7)]
START, NOON_OF_SATURDAY = datetime(2025, 5, 5), datetime(2025, 5, 10, 12)
PASSED = closes(1)


def day(number: int) -> date:
	return MONDAY + number * DAY


def reached(
	*waits: Wait, mark=START, closed_until=NOON_OF_SATURDAY, now=NOON_OF_SATURDAY, hold_days=3, week=WEEK
):
	return furthest(mark, week, closed_until, waits, lambda close: close + hold_days * DAY, now)


class TestHowFar(unittest.TestCase):
	def test_past_all_that_is_over_and_no_further(self):
		self.assertEqual(reached(), closes(4) + AFTER)

	def test_in_whatever_order_the_shifts_come(self):
		self.assertEqual(reached(week=WEEK[::-1]), closes(4) + AFTER)

	def test_never_back(self):
		ahead = NOON_OF_SATURDAY + DAY
		self.assertEqual(reached(mark=ahead), ahead)
		self.assertEqual(reached(Wait(day(0), day(0)), mark=closes(2)), closes(4) + AFTER)

	def test_not_in_the_minute_in_which_a_shift_closes(self):
		self.assertEqual(reached(now=closes(2)), closes(1) + AFTER)
		self.assertEqual(reached(now=closes(2) + AFTER), closes(2) + AFTER)

	def test_not_past_a_shift_whose_absentees_have_no_day_yet(self):
		self.assertEqual(reached(closed_until=closes(1)), closes(1) + AFTER)
		self.assertEqual(reached(closed_until=closes(1) - AFTER), closes(0) + AFTER)

	def test_days_that_are_waited_for_and_those_behind_them(self):
		self.assertEqual(reached(Wait(day(1), day(2))), closes(0) + AFTER)
		self.assertEqual(reached(Wait(date.min, day(0))), START)
		self.assertEqual(reached(Wait(day(5), date.max)), closes(4) + AFTER)

	def test_a_bounded_wait_ends_at_hold_at_most(self):
		wait = Wait(day(1), day(2), is_bounded=True)
		self.assertEqual(reached(wait, hold_days=2), closes(4) + AFTER)
		self.assertEqual(
			reached(wait), closes(1) + AFTER, "Tuesday closed more than three days ago, Wednesday did not"
		)
		self.assertEqual(reached(Wait(day(1), day(2)), hold_days=0), closes(0) + AFTER)

	@given(
		st.lists(st.tuples(st.integers(-2, 9), st.integers(0, 4), st.booleans()), max_size=4),
		st.integers(-48, 240),
		st.integers(-48, 240),
	)
	def test_forward_only_never_beyond_now_and_never_past_a_wait(self, spans, mark, now):
		waits = [Wait(day(first), day(first + more), bounded) for first, more, bounded in spans]
		began, moment = START + mark * HOUR, START + now * HOUR
		to = reached(*waits, mark=began, closed_until=moment, now=moment)
		self.assertGreaterEqual(to, began)
		if to > began:
			self.assertLessEqual(to, moment)
			passed = [one for one in WEEK if began < one.closes + AFTER <= to]
			hold = lambda close: close + 3 * DAY  # noqa: E731
			self.assertFalse([one for one in passed for wait in waits if wait.stops(one, hold, moment)])


class TestSilence(unittest.TestCase):
	def of(self, by_checkins: bool = True, passed=PASSED, is_inactive: bool = False, **values):
		setup = {"enabled": True, "begins": MONDAY, "mark": closes(3), **values}
		return silence(AutoAttendance("Day", **setup), MONDAY, closes(0), by_checkins, is_inactive, passed)

	def test_what_can_be_told_of_it(self):
		self.assertEqual(self.of(), Silence.UNKNOWN)
		self.assertEqual(self.of(is_inactive=True), Silence.INACTIVE)
		self.assertEqual(self.of(begins=day(1)), Silence.BEGINS_LATER)
		self.assertEqual(self.of(begins=None), Silence.BEGINS_LATER)
		self.assertEqual(self.of(mark=None, passed=None), Silence.NO_MARK)
		self.assertEqual(self.of(enabled=False), Silence.OFF)

	def test_a_shift_that_nobody_ever_left_to_hrms_is_not_silent(self):
		self.assertIsNone(self.of(enabled=False, mark=None, passed=None))

	def test_nor_is_a_day_that_the_mark_had_not_passed(self):
		self.assertIsNone(self.of(passed=closes(0)))
		self.assertEqual(self.of(passed=closes(0) + AFTER), Silence.UNKNOWN)
		self.assertIsNone(self.of(passed=None))

	def test_where_nobody_came_hrms_waits_for_a_day_more(self):
		self.assertIsNone(self.of(by_checkins=False, passed=closes(0) + AFTER))
		self.assertEqual(self.of(by_checkins=False, passed=closes(1) + AFTER), Silence.UNKNOWN)

	def test_each_has_a_sentence_with_values_that_are_known(self):
		for one in Silence:
			SILENCES[one].format(shift="Day", begins="05-05-2025")
		SENTENCES[Why.HRMS_SILENT].format(silence="…")
