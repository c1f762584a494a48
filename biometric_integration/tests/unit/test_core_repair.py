"""What a repair may take back, why a day stays, and what is offered about it."""

from __future__ import annotations

import unittest
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from biometric_integration.core.judgement import Judgement, State, Why, Written
from biometric_integration.core.punch import Direction
from biometric_integration.core.repair import NONE, Refusal, Standing, Wrong, refused, stays, wrong
from biometric_integration.core.settling import ABOUT_A_DEVICE, Action, missing_punch, offered

ABSENT = Written("A", "Absent", shift="Day")
BY_HAND = Written("H", "Present", by_hand=True)
HALF = Written("L", "Half Day", leave="Casual", other_half="Absent")
OPEN_HALF = Written("L", "Half Day", leave="Casual", half_open=True)
TO_SETTLE, MARKED = Judgement(State.TO_SETTLE, Why.LATE_PUNCH), Judgement(State.MARKED)
NINE, SIX = datetime(2025, 5, 6, 9), datetime(2025, 5, 6, 18)


class Wrongs(unittest.TestCase):
	def test_what_a_machine_wrote_goes_and_what_a_person_made_stays(self):
		self.assertEqual(wrong(TO_SETTLE, [ABSENT, BY_HAND], True), Wrong(("A",)))

	def test_one_record_may_agree_and_a_second_one_is_too_many(self):
		twin = Written("B", "Absent", shift="Day")
		self.assertEqual(wrong(MARKED, [ABSENT], True), NONE)
		self.assertEqual(wrong(MARKED, [ABSENT, twin], True), Wrong(("B",)))
		self.assertEqual(wrong(TO_SETTLE, [ABSENT, twin], True), Wrong(("A", "B")))

	def test_of_a_half_day_leave_the_other_half_is_opened_where_hrms_can_say_so(self):
		self.assertEqual(wrong(TO_SETTLE, [HALF], True), Wrong((), ("L",)))
		self.assertEqual(wrong(TO_SETTLE, [HALF], False), NONE)
		self.assertEqual(wrong(TO_SETTLE, [OPEN_HALF], True), NONE)

	def test_nothing_wrong_is_nothing(self):
		self.assertFalse(NONE)
		self.assertTrue(Wrong(("A",)))
		self.assertTrue(Wrong((), ("L",)))


class Refusals(unittest.TestCase):
	def test_each_says_what_stands_over_the_day(self):
		cases = (
			(Standing(slip="SLIP"), [], (Refusal.PAY_SLIP, "SLIP")),
			(Standing(leave="LEAVE"), [ABSENT], (Refusal.LEAVE, "LEAVE")),
			(Standing(request="REQUEST"), [], (Refusal.REQUEST, "REQUEST")),
			(Standing(), [ABSENT, BY_HAND], (Refusal.BY_HAND, "H")),
			(Standing(), [ABSENT], None),
		)
		for standing, written, expected in cases:
			with self.subTest(expected):
				self.assertEqual(stays(written, standing), expected)
				self.assertEqual(refused(TO_SETTLE, written, standing), expected)

	def test_what_a_person_left_as_it_is(self):
		left = Judgement(State.MARKED, Why.LEFT_AS_IT_IS)
		self.assertEqual(refused(left, [ABSENT], Standing()), (Refusal.LEFT, ""))


class Offers(unittest.TestCase):
	def test_the_likely_one_comes_first(self):
		likely = {
			Why.MISSING_PUNCH: Action.ADD,
			Why.OUTSIDE: Action.COUNT_OUTSIDE,
			Why.LATE_PUNCH: Action.REPAIR,
			Why.ROSTER_CHANGED: Action.REPAIR,
			Why.AFTER_LEAVING: Action.STILL_HERE,
			Why.DEVICE_SILENT: Action.REPLACED,
			Why.AFTER_PAY_SLIP: Action.LEAVE,
			Why.AHEAD: Action.REPAIR,
		}
		for why, action in likely.items():
			with self.subTest(why):
				self.assertEqual(offered(State.TO_SETTLE, why, True, True, True)[0], action)

	def test_nothing_is_offered_where_there_is_nothing_to_decide(self):
		for state in (State.OPEN, State.MARKED, State.NO_ATTENDANCE):
			self.assertEqual(offered(state, Why.NONE, True, True, True), ())

	def test_no_device_no_word_about_it_and_no_punch_outside_none_to_count(self):
		found = offered(State.HELD, Why.DEVICE_MISSING)
		self.assertTrue(set(ABOUT_A_DEVICE).isdisjoint(found))
		self.assertNotIn(Action.COUNT_OUTSIDE, offered(State.TO_SETTLE, Why.DECISION_OUTDATED))

	def test_a_day_that_payroll_has_paid_is_not_offered_for_repair(self):
		for why in (Why.AFTER_PAY_SLIP, Why.ON_LEAVE):
			self.assertNotIn(Action.REPAIR, offered(State.TO_SETTLE, why, True))

	@given(st.sampled_from(State), st.sampled_from(Why), st.booleans(), st.booleans(), st.booleans())
	def test_each_way_out_once_and_one_for_whatever_waits(
		self, state, why, is_written, is_outside, has_device
	):
		found = offered(state, why, is_written, is_outside, has_device)
		self.assertEqual(len(found), len(set(found)))
		if state is State.TO_SETTLE:
			self.assertIn(Action.LEAVE, found)
		if state is State.COMPLETE and why not in (Why.AFTER_PAY_SLIP, Why.ON_LEAVE):
			self.assertIn(Action.REPAIR, found)


class MissingPunches(unittest.TestCase):
	def test_the_one_of_which_the_other_lies_nearer(self):
		self.assertEqual(missing_punch([NINE], NINE, SIX), (SIX, Direction.OUT))
		self.assertEqual(missing_punch([SIX], NINE, SIX), (NINE, Direction.IN))
		self.assertEqual(missing_punch([], NINE, SIX), (NINE, Direction.IN))

	def test_without_a_shift_or_with_two_punches_nobody_can_tell(self):
		self.assertIsNone(missing_punch([NINE], None, None))
		self.assertIsNone(missing_punch([NINE, SIX], NINE, SIX))
