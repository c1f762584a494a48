from __future__ import annotations

import unittest
from datetime import datetime, timedelta

from biometric_integration.core.attendance import (
	AttendanceStatus,
	Day,
	DayPunch,
	Mark,
	Marked,
	Setup,
	Span,
	Worked,
	before_writing,
	by_hours,
	calendar_day,
	complete_until,
	days,
	horizon,
	pairs,
	standing,
	uncounted,
)
from biometric_integration.core.reasons import Reason

MONDAY = datetime(2025, 4, 7)
HOUR = timedelta(hours=1)
NIGHT = Span(MONDAY + 22 * HOUR, MONDAY + 30 * HOUR, MONDAY + 31 * HOUR, "Night")
DAY_SHIFT = Span(MONDAY + 9 * HOUR, MONDAY + 18 * HOUR, MONDAY + 19 * HOUR, "Day")


def punch(hour: float, log_type: str = "", employee: str = "EMP-1", event: str = "") -> DayPunch:
	return DayPunch(MONDAY + hour * HOUR, event or f"{employee}@{hour}", employee, log_type)


def day(*punches: DayPunch, span: Span = DAY_SHIFT) -> Day:
	return Day("EMP-1", span, tuple(punches))


class Days(unittest.TestCase):
	def test_a_night_shift_is_one_day_dated_when_it_begins(self):
		(found,) = days([(punch(30), NIGHT), (punch(22), NIGHT)])
		self.assertEqual([one.time.hour for one in found.punches], [22, 6])
		self.assertEqual((found.date, found.shift), (MONDAY.date(), "Night"))

	def test_people_shifts_and_dates_are_kept_apart(self):
		second = calendar_day(MONDAY + 25 * HOUR)
		rows = [
			(punch(9), DAY_SHIFT),
			(punch(9, employee="EMP-2"), DAY_SHIFT),
			(punch(22), NIGHT),
			(punch(25), second),
		]
		found = days(rows)
		self.assertEqual(len(found), 4)
		self.assertEqual(len({one.key for one in found}), 4)

	def test_a_day_closes_with_the_latest_end_that_any_of_its_punches_saw(self):
		earlier = Span(DAY_SHIFT.start, DAY_SHIFT.end, DAY_SHIFT.end, "Day")
		(found,) = days([(punch(9), DAY_SHIFT), (punch(18), earlier)])
		self.assertFalse(found.closed(DAY_SHIFT.closes - timedelta(seconds=1)))
		self.assertTrue(found.closed(DAY_SHIFT.closes))

	def test_without_a_shift_it_is_the_calendar_day_to_the_last_second(self):
		span = calendar_day(MONDAY + 23 * HOUR)
		self.assertEqual(span, calendar_day(MONDAY))
		self.assertEqual(span.closes, MONDAY + 24 * HOUR)
		self.assertNotEqual(span, calendar_day(MONDAY + 24 * HOUR))

	def test_the_key_is_the_same_for_any_punches_of_the_day(self):
		self.assertEqual(day(punch(9)).key, day(punch(10), punch(11)).key)
		self.assertTrue(day(punch(9)).key.startswith("20250407-"))


class Completeness(unittest.TestCase):
	def test_a_unit_is_as_complete_as_its_feed_that_is_ahead(self):
		live, by_day = MONDAY + 10 * HOUR, MONDAY
		self.assertEqual(complete_until({"day": by_day}, [live]), live)
		self.assertEqual(complete_until({"day": by_day}, [None]), by_day)
		self.assertEqual(complete_until({"punches": by_day}, []), by_day)

	def test_a_unit_whose_past_was_never_read_through_is_not_complete_at_all(self):
		self.assertEqual(complete_until({"day": None}, [MONDAY]), datetime.min)
		self.assertEqual(complete_until({"punches": None}, []), datetime.min)

	def test_the_slowest_unit_holds_the_rest_back_and_is_named(self):
		marks = [Mark(MONDAY, "main: SN2"), Mark(MONDAY + HOUR, "main: SN1")]
		self.assertEqual(horizon(MONDAY + 9 * HOUR, marks), (MONDAY, "main: SN2"))

	def test_nothing_is_complete_past_now_or_past_an_undecided_punch(self):
		marks = [Mark(MONDAY + 9 * HOUR, "SN1")]
		self.assertEqual(horizon(MONDAY, marks).until, MONDAY)
		self.assertEqual(horizon(MONDAY + 9 * HOUR, marks, MONDAY + HOUR).until, MONDAY + HOUR)
		self.assertEqual(horizon(MONDAY, []).until, MONDAY)


class Standing(unittest.TestCase):
	"""As HRMS sees duplicates."""

	def test_attendance_of_the_same_shift_or_of_no_shift_takes_the_place(self):
		for shift in ("Day", ""):
			self.assertEqual(standing(day(punch(9)), [Marked("A", shift)]), Marked("A", shift))

	def test_another_shift_of_the_date_does_not(self):
		self.assertIsNone(standing(day(punch(9)), [Marked("A", "Night")]))

	def test_for_a_day_without_a_shift_any_attendance_does(self):
		free = day(punch(9), span=calendar_day(MONDAY))
		self.assertEqual(standing(free, [Marked("A", "Night")]).name, "A")

	def test_ours_comes_first(self):
		found = standing(day(punch(9)), [Marked("A", ""), Marked("B", "Day", ours=True)])
		self.assertEqual(found.name, "B")


class BeforeWriting(unittest.TestCase):
	CASES = (
		("a free day", None, Setup(), None),
		("made by a person", Marked("A"), Setup(), Reason.ALREADY_MARKED),
		("made here", Marked("A", ours=True, used=True), Setup(), Reason.LATE),
		("made here, but never linked", Marked("A", ours=True), Setup(), Reason.NONE),
		("half-day leave that waits for the other half", Marked("A", half_day_open=True), Setup(), None),
		("auto attendance", None, Setup(auto_attendance=True), Reason.AUTO_ATTENDANCE),
		(
			"auto attendance, made by a person",
			Marked("A"),
			Setup(auto_attendance=True),
			Reason.ALREADY_MARKED,
		),
		("holiday", None, Setup(holiday=True), Reason.HOLIDAY),
		("holiday, made by a person", Marked("A"), Setup(holiday=True), Reason.ALREADY_MARKED),
	)

	def test_what_stands_in_the_way(self):
		for label, mark, setup, reason in self.CASES:
			with self.subTest(label):
				self.assertIs(before_writing(day(punch(9)), mark, setup), reason)

	def test_a_punch_outside_the_shift_is_part_of_no_attendance(self):
		off = day(punch(3), span=calendar_day(MONDAY, off_shift=True))
		self.assertIs(before_writing(off, Marked("A", ours=True), Setup()), Reason.OFF_SHIFT)


class Hours(unittest.TestCase):
	def test_from_the_first_to_the_last_punch(self):
		worked = by_hours(day(punch(9), punch(12), punch(17.5)), 4)
		expected = Worked(AttendanceStatus.PRESENT, 8.5, MONDAY + 9 * HOUR, MONDAY + 17.5 * HOUR)
		self.assertEqual(worked, expected)

	def test_below_the_threshold_it_is_half_a_day_and_never_absent(self):
		self.assertIs(by_hours(day(punch(9), punch(12.99)), 4).status, AttendanceStatus.HALF_DAY)
		self.assertIs(by_hours(day(punch(9), punch(13)), 4).status, AttendanceStatus.PRESENT)
		alone = by_hours(day(punch(9)), 4)
		self.assertEqual((alone.status, alone.hours, alone.out_time), (AttendanceStatus.HALF_DAY, 0, None))
		self.assertIs(by_hours(day(punch(9)), 0).status, AttendanceStatus.PRESENT)

	def test_no_hours_for_want_of_a_log_type_are_a_mistake_in_the_setup(self):
		none = Worked(AttendanceStatus.PRESENT, 0, None, None)
		strict = Setup(by_log_type=True)
		self.assertTrue(uncounted(day(punch(9, "IN"), punch(18)), none, strict))
		self.assertFalse(uncounted(day(punch(9, "IN")), none, strict))
		self.assertFalse(uncounted(day(punch(9), punch(18)), none, Setup()))
		some = Worked(AttendanceStatus.PRESENT, 3, None, None)
		self.assertFalse(uncounted(day(punch(9, "IN"), punch(11), punch(12, "OUT")), some, strict))


class Pairs(unittest.TestCase):
	CASES = (
		("in turns", [(9, ""), (12, ""), (13, ""), (18, "")], [(9, 12), (13, 18)]),
		("in turns, one left open", [(9, ""), (12, ""), (13, "")], [(9, 12)]),
		("one blank makes it turns", [(9, "IN"), (12, ""), (13, "IN"), (18, "OUT")], [(9, 12), (13, 18)]),
		("IN to OUT", [(9, "IN"), (12, "OUT"), (13, "IN"), (18, "OUT")], [(9, 12), (13, 18)]),
		(
			"a second IN and a second OUT change nothing",
			[(9, "IN"), (10, "IN"), (12, "OUT"), (13, "OUT")],
			[(9, 12)],
		),
		("an OUT at the start has no IN", [(8, "OUT"), (9, "IN"), (18, "OUT")], [(9, 18)]),
		("no length, no work", [(9, "IN"), (9, "OUT")], []),
		("alone", [(9, "IN")], []),
		("over midnight", [(22, "IN"), (30, "OUT")], [(22, 30)]),
	)

	def test_stretches_of_work(self):
		for label, punches, expected in self.CASES:
			with self.subTest(label):
				found = pairs([punch(hour, log_type) for hour, log_type in punches])
				self.assertEqual(list(found), [(MONDAY + a * HOUR, MONDAY + b * HOUR) for a, b in expected])


if __name__ == "__main__":
	unittest.main()
