"""What HRMS's auto attendance may write of a day, by what was judged of it."""

from __future__ import annotations

import unittest
from datetime import date, datetime

from biometric_integration.core.guard import BAD, Row, by_day, may_miss, may_miss_half, may_say, may_use
from biometric_integration.core.judgement import State

DAY, START = date(2025, 5, 5), datetime(2025, 5, 5, 9)
NOT_READY = tuple(state.value for state in State if state is not State.COMPLETE)


def row(**values) -> Row:
	of_day = {"employee": "E", "date": DAY, "shift": "Day", "start": START, "state": "Complete", "reason": ""}
	return Row(**{**of_day, "checkins": 2, "would": "Present", "is_stale": False, **values})


def missed(would: str = "Absent", **values) -> Row:
	return row(**{"checkins": 0, "would": would, "reason": "No Punch", **values})


class TestCheckIns(unittest.TestCase):
	def test_those_of_a_complete_day_are_free(self):
		self.assertTrue(may_use([row()], "Day", START, 2))

	def test_those_of_any_other_state_are_not(self):
		for state in NOT_READY:
			with self.subTest(state):
				self.assertFalse(may_use([row(state=state)], "Day", START, 2))

	def test_nor_are_those_of_a_day_that_was_not_judged_or_has_changed_since(self):
		self.assertFalse(may_use([], "Day", START, 2))
		self.assertFalse(may_use([row(is_stale=True)], "Day", START, 2))

	def test_nor_those_of_which_another_occurrence_was_judged(self):
		self.assertFalse(may_use([row(shift="Night")], "Day", START, 2))
		self.assertFalse(may_use([row(start=START.replace(hour=10))], "Day", START, 2))

	def test_nor_those_of_which_fewer_or_more_were_judged(self):
		self.assertFalse(may_use([row()], "Day", START, 1))
		self.assertFalse(may_use([row()], "Day", START, 3))
		self.assertTrue(may_use([row(checkins=3, outside=1)], "Day", START, 2))

	def test_an_occurrence_is_free_whatever_the_other_one_of_the_date_is(self):
		other = row(shift="Night", start=START.replace(hour=22), state="Held")
		self.assertTrue(may_use([row(), other], "Day", START, 2))

	def test_of_what_hrms_was_silent_about_it_may_still_write(self):
		self.assertTrue(may_use([row(state="To Settle", reason="HRMS Silent")], "Day", START, 2))
		self.assertFalse(may_use([row(state="To Settle", reason="Missing Punch")], "Day", START, 2))
		self.assertFalse(may_use([row(state="Held", reason="HRMS Silent")], "Day", START, 2))


class TestAbsence(unittest.TestCase):
	def test_it_may_be_said_where_it_was_judged_to_be_one(self):
		self.assertTrue(may_miss([missed()], "Day"))

	def test_not_otherwise(self):
		for name, found in {
			"not judged": [],
			"stale": [missed(is_stale=True)],
			"punched": [missed(checkins=1)],
			"would be a half day": [missed("Half Day")],
			"nothing would be right": [missed("")],
			"of another shift": [missed(shift="Night")],
			"two rows of the shift, one of them held": [missed(), missed(start=None, state="Held")],
			**{state: [missed(state=state)] for state in NOT_READY},
		}.items():
			with self.subTest(name):
				self.assertFalse(may_miss(found, "Day"))

	def test_not_while_punches_outside_of_all_shifts_are_undecided(self):
		for state, may in (
			("Complete", False),
			("To Settle", False),
			("Held", False),
			("Open", False),
			("Marked", True),
			("No Attendance", True),
		):
			with self.subTest(state):
				self.assertIs(may_miss([missed(), row(shift="", state=state)], "Day"), may)

	def test_punches_of_another_shift_say_nothing_of_it(self):
		self.assertTrue(may_miss([missed(), row(shift="Night", state="To Settle")], "Day"))

	def test_the_other_half_of_a_leave_is_a_half_day(self):
		self.assertTrue(may_miss_half([missed("Half Day")], "Day"))
		self.assertFalse(may_miss_half([missed("Absent")], "Day"))
		self.assertFalse(may_miss_half([missed("Half Day", state="Open")], "Day"))
		self.assertFalse(may_miss_half([row(would="Half Day")], "Day"))


class TestStatus(unittest.TestCase):
	def test_what_is_not_bad_is_never_refused(self):
		for status in ("Present", "On Leave", "Work From Home"):
			self.assertTrue(may_say([], "Day", status, True))

	def test_from_check_ins_nothing_worse_may_be_said_than_was_judged(self):
		for would, status, may in (
			("Present", "Half Day", False),
			("Present", "Absent", False),
			("Half Day", "Half Day", True),
			("Half Day", "Absent", False),
			("Absent", "Half Day", True),
			("Absent", "Absent", True),
			("", "Absent", False),
		):
			with self.subTest(would=would, status=status):
				self.assertIs(may_say([row(would=would)], "Day", status, True), may)

	def test_nor_of_a_day_that_is_not_ready(self):
		for status in BAD:
			for found in (
				[],
				[row(would=status, is_stale=True)],
				[row(would=status, state="Held")],
				[row(would=status, shift="Night")],
			):
				with self.subTest(status=status, found=found):
					self.assertFalse(may_say(found, "Day", status, True))

	def test_without_check_ins_it_is_an_absence_or_the_half_of_one(self):
		self.assertTrue(may_say([missed()], "Day", "Absent", False))
		self.assertFalse(may_say([row(would="Absent")], "Day", "Absent", False))
		self.assertTrue(may_say([missed("Half Day")], "Day", "Half Day", False))
		self.assertFalse(may_say([missed("Absent")], "Day", "Half Day", False))


class TestRows(unittest.TestCase):
	def test_they_come_by_person_and_date(self):
		other = row(employee="F")
		self.assertEqual(
			by_day([row(), other, missed()]), {("E", DAY): [row(), missed()], ("F", DAY): [other]}
		)


if __name__ == "__main__":
	unittest.main()
