"""Good is believed at once, bad needs proof, and a person's word stands: each state and each reason, and what holds of all of them."""

from __future__ import annotations

import re
import unittest
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from biometric_integration.core.attendance import AttendanceStatus, Worked
from biometric_integration.core.evidence import Proof
from biometric_integration.core.judgement import (
	ABSENT,
	SENTENCES,
	Circumstances,
	Decision,
	Judgement,
	MissingPunch,
	OnHolidays,
	State,
	What,
	Why,
	Written,
	judge,
	needs_proof,
)
from biometric_integration.core.workday import CheckIn, Shift, Workday, cut, input_hash, with_outside_counted

PAGE = Path(__file__).parents[3] / "docs" / "workdays.md"
MONDAY = datetime(2025, 5, 5)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
NOON_AFTER = MONDAY + 36 * HOUR
OFFICE = Shift(
	MONDAY + 9 * HOUR, "Day", MONDAY + 18 * HOUR, MONDAY + 8 * HOUR, MONDAY + 19 * HOUR, MONDAY + 19 * HOUR
)
NIGHT = OFFICE._replace(name="Night")
PRESENT, HALF_DAY = AttendanceStatus.PRESENT, AttendanceStatus.HALF_DAY

PROVEN = Proof(True)
MISSING = Proof(False, "exit", "Exit", MONDAY + 8 * HOUR, MONDAY + 4 * DAY)
OVERDUE = replace(MISSING, until=MONDAY + DAY)
NOBODYS = Proof(True, no_id=True)
EARLY = Proof(False, until=datetime.max, too_early=True)
EARLY_AND_OVER = Proof(False, until=datetime.min, too_early=True)


def on(hours: float) -> datetime:
	return MONDAY + hours * HOUR


def checkin(clock: str, log_type: str = "", shift: Shift | None = OFFICE, **values) -> CheckIn:
	"""`clock` of the Monday, `1+06:00` of the day after."""
	days, _, text = clock.rpartition("+")
	found = datetime.strptime(text, "%H:%M:%S" if text.count(":") == 2 else "%H:%M")
	moment = MONDAY + int(days or 0) * DAY + (found - datetime(1900, 1, 1))
	values = {"noted": shift, "answered": shift, "device": "entry", **values}
	return CheckIn(moment, f"C{clock}", log_type, **values)


def in_shift(*clocks: str, outside=(), **values) -> Workday:
	checkins = tuple(checkin(clock) for clock in clocks)
	names = frozenset(f"C{clock}" for clock in outside)
	pieces = (checkins,) if checkins else ()
	return Workday(MONDAY.date(), OFFICE, pieces, names, **{"expected": True, **values})


NOTHING, WHOLE, HALF = in_shift(), in_shift("09:00", "18:00"), in_shift("09:00", "12:00")
ONE = in_shift("09:00")
NOT_ROSTERED = in_shift(expected=False)
UNCLEAR = replace(WHOLE, is_unclear=True)
STRAY = in_shift("09:00", "20:30", outside=["20:30"])
SKIPPED = replace(WHOLE, pieces=((checkin("09:00", skipped=True), checkin("18:00", skipped=True)),))
MOVED = replace(WHOLE, pieces=((checkin("09:00", noted=NIGHT), checkin("18:00")),))


def names(workday: Workday) -> frozenset[str]:
	return frozenset(one.name for one in workday.checkins)


def worked(status: AttendanceStatus = PRESENT, hours: float = 9) -> Worked:
	return Worked(status, hours, on(9), on(9 + hours))


def known(workday: Workday | None = None, **values) -> Circumstances:
	"""At noon of the day after; what HRMS would count is nine hours where there are check-ins."""
	default = worked() if workday and workday.checkins else None
	return Circumstances(**{"now": NOON_AFTER, "worked": default, **values})


def written(status: str = "Present", hours: float = 9, workday: Workday | None = None, **values) -> Written:
	linked = names(workday) if workday else frozenset()
	return Written("ATT-1", status, hours, **{"shift": "Day", "linked": linked, **values})


def decided(workday: Workday, what: What) -> Decision:
	return Decision("DEC-1", what, input_hash(workday))


SHORT = worked(HALF_DAY, 3)
BY_HAND = written(by_hand=True)
WRITTEN = written(workday=WHOLE)
OUTDATED = Decision("DEC-1", What.MARK, "of other check-ins")

# what is there, what is known beside it, the proof if one is asked for, what is said
CASES: tuple[tuple[str, Workday, dict, Proof | None, State, Why], ...] = (
	# not over
	("before its end", WHOLE, {"now": on(18)}, None, State.OPEN, Why.NOT_OVER),
	("in its margin", NOTHING, {"now": on(18.5)}, None, State.OPEN, Why.NOT_OVER),
	("not read", WHOLE, {"read_until": on(18)}, None, State.OPEN, Why.NOT_READ),
	("not read, nothing there", NOTHING, {"read_until": on(18)}, None, State.OPEN, Why.NOT_READ),
	# good
	("a whole day", WHOLE, {}, None, State.COMPLETE, Why.NONE),
	("at the very close", WHOLE, {"now": on(19), "read_until": on(19)}, None, State.COMPLETE, Why.NONE),
	("written", WHOLE, {"written": WRITTEN}, None, State.MARKED, Why.NONE),
	("rounded", WHOLE, {"written": replace(WRITTEN, hours=8.99)}, None, State.MARKED, Why.NONE),
	# bad
	("few hours", HALF, {"worked": SHORT}, PROVEN, State.COMPLETE, Why.SHORT_HOURS),
	("few hours, held", HALF, {"worked": SHORT}, MISSING, State.HELD, Why.DEVICE_MISSING),
	("few hours, too long", HALF, {"worked": SHORT}, OVERDUE, State.TO_SETTLE, Why.DEVICE_SILENT),
	(
		"few hours, written",
		HALF,
		{"worked": SHORT, "written": written("Half Day", 3, HALF)},
		PROVEN,
		State.MARKED,
		Why.SHORT_HOURS,
	),
	("one punch", ONE, {}, PROVEN, State.TO_SETTLE, Why.MISSING_PUNCH),
	("one punch, held", ONE, {}, MISSING, State.HELD, Why.DEVICE_MISSING),
	("one punch, too long", ONE, {}, OVERDUE, State.TO_SETTLE, Why.DEVICE_SILENT),
	("one punch, too early", ONE, {}, EARLY, State.HELD, Why.TOO_EARLY),
	("one punch, too early, waited long enough", ONE, {}, EARLY_AND_OVER, State.TO_SETTLE, Why.TOO_EARLY),
	("one punch, no id", ONE, {}, NOBODYS, State.TO_SETTLE, Why.NO_ID),
	("one punch is enough", ONE, {"missing": MissingPunch.PRESENT}, None, State.COMPLETE, Why.NONE),
	("one punch is half", ONE, {"missing": MissingPunch.HALF_DAY}, PROVEN, State.COMPLETE, Why.SHORT_HOURS),
	("one is half, held", ONE, {"missing": MissingPunch.HALF_DAY}, MISSING, State.HELD, Why.DEVICE_MISSING),
	# nothing
	("nothing", NOTHING, {}, PROVEN, State.COMPLETE, Why.NO_PUNCH),
	("nothing, held", NOTHING, {}, MISSING, State.HELD, Why.DEVICE_MISSING),
	("nothing, too long", NOTHING, {}, OVERDUE, State.TO_SETTLE, Why.DEVICE_SILENT),
	("nothing, no id", NOTHING, {}, NOBODYS, State.TO_SETTLE, Why.NO_ID),
	("nothing, Absent", NOTHING, {"written": written("Absent", 0)}, PROVEN, State.MARKED, Why.NO_PUNCH),
	(
		"nothing, Absent, held",
		NOTHING,
		{"written": written("Absent", 0)},
		MISSING,
		State.HELD,
		Why.DEVICE_MISSING,
	),
	("nothing, Half Day", NOTHING, {"written": written("Half Day", 3)}, PROVEN, State.TO_SETTLE, Why.DIFFERS),
	("nothing, on leave", NOTHING, {"leave": "L-1"}, None, State.NO_ATTENDANCE, Why.ON_LEAVE),
	("nothing, a holiday", NOTHING, {"holiday": True}, None, State.NO_ATTENDANCE, Why.HOLIDAY),
	("nothing, no devices", NOTHING, {"by_devices": False}, None, State.NO_ATTENDANCE, Why.NOT_BY_DEVICES),
	("nothing, not expected", NOT_ROSTERED, {}, None, State.NO_ATTENDANCE, Why.NONE),
	(
		"Absent on a leave",
		NOTHING,
		{"leave": "L-1", "written": written("Absent", 0)},
		None,
		State.TO_SETTLE,
		Why.ON_LEAVE,
	),
	(
		"Absent on a holiday",
		NOTHING,
		{"holiday": True, "written": written("Absent", 0)},
		None,
		State.TO_SETTLE,
		Why.HOLIDAY,
	),
	(
		"Absent, no devices",
		NOTHING,
		{"by_devices": False, "written": written("Absent", 0)},
		None,
		State.TO_SETTLE,
		Why.NOT_BY_DEVICES,
	),
	(
		"Absent, not expected",
		NOT_ROSTERED,
		{"written": written("Absent", 0, shift="Night")},
		None,
		State.TO_SETTLE,
		Why.ROSTER_CHANGED,
	),
	(
		"the other half ahead of time",
		NOTHING,
		{
			"now": on(7),
			"half_leave": "L-1",
			"written": written("Half Day", 0, leave="L-1", other_half="Absent"),
		},
		None,
		State.TO_SETTLE,
		Why.AHEAD,
	),
	# for a person to settle
	("after leaving", WHOLE, {"left": date(2025, 5, 2)}, None, State.TO_SETTLE, Why.AFTER_LEAVING),
	("noted otherwise", MOVED, {}, None, State.TO_SETTLE, Why.ROSTER_CHANGED),
	(
		"written otherwise",
		WHOLE,
		{"written": replace(WRITTEN, shift="Night")},
		None,
		State.TO_SETTLE,
		Why.ROSTER_CHANGED,
	),
	("outside", STRAY, {}, None, State.TO_SETTLE, Why.OUTSIDE),
	("unclear", UNCLEAR, {}, None, State.TO_SETTLE, Why.UNCLEAR),
	("worked on leave", WHOLE, {"leave": "L-1"}, None, State.TO_SETTLE, Why.ON_LEAVE),
	("worked on a holiday", WHOLE, {"holiday": True}, None, State.TO_SETTLE, Why.ON_HOLIDAY),
	(
		"holidays count",
		WHOLE,
		{"holiday": True, "on_holidays": OnHolidays.ATTENDANCE},
		None,
		State.COMPLETE,
		Why.NONE,
	),
	(
		"holidays are overtime",
		WHOLE,
		{"holiday": True, "on_holidays": OnHolidays.OVERTIME_ONLY},
		None,
		State.NO_ATTENDANCE,
		Why.ON_HOLIDAY,
	),
	(
		"holidays are overtime, one punch",
		ONE,
		{"holiday": True, "on_holidays": OnHolidays.OVERTIME_ONLY},
		PROVEN,
		State.TO_SETTLE,
		Why.MISSING_PUNCH,
	),
	(
		"holidays are overtime, written",
		WHOLE,
		{"holiday": True, "on_holidays": OnHolidays.OVERTIME_ONLY, "written": WRITTEN},
		None,
		State.TO_SETTLE,
		Why.ON_HOLIDAY,
	),
	("by Log Type", WHOLE, {"by_log_type": True}, None, State.TO_SETTLE, Why.NO_LOG_TYPE),
	(
		"by Log Type, first and last",
		WHOLE,
		{"by_log_type": True, "first_last": True},
		None,
		State.COMPLETE,
		Why.NONE,
	),
	(
		"by Log Type, first and last, none of them",
		WHOLE,
		{"by_log_type": True, "first_last": True, "worked": replace(ABSENT, hours=0)},
		None,
		State.TO_SETTLE,
		Why.NO_LOG_TYPE,
	),
	("skipped", SKIPPED, {}, None, State.TO_SETTLE, Why.SKIPPED),
	("skipped and written", SKIPPED, {"written": WRITTEN}, None, State.MARKED, Why.NONE),
	("late", WHOLE, {"written": written("Half Day", 3, ONE)}, None, State.TO_SETTLE, Why.LATE_PUNCH),
	(
		"late, paid",
		WHOLE,
		{"written": written("Half Day", 3, ONE), "slip": "S-1"},
		None,
		State.TO_SETTLE,
		Why.AFTER_PAY_SLIP,
	),
	("other hours", WHOLE, {"written": replace(WRITTEN, hours=8)}, None, State.TO_SETTLE, Why.DIFFERS),
	("paid, nothing late", WHOLE, {"written": WRITTEN, "slip": "S-1"}, None, State.MARKED, Why.NONE),
	# a person's word
	("by hand", WHOLE, {"written": BY_HAND}, None, State.MARKED, Why.BY_HAND),
	(
		"by hand, one punch",
		ONE,
		{"written": replace(BY_HAND, status="Absent")},
		None,
		State.MARKED,
		Why.BY_HAND,
	),
	(
		"by hand, nothing",
		NOTHING,
		{"written": replace(BY_HAND, status="Absent")},
		None,
		State.MARKED,
		Why.BY_HAND,
	),
	(
		"Absent by hand",
		WHOLE,
		{"written": replace(BY_HAND, status="Absent")},
		None,
		State.TO_SETTLE,
		Why.DIFFERS,
	),
	(
		"Absent by hand, hardly there",
		HALF,
		{"written": replace(BY_HAND, status="Absent"), "worked": replace(ABSENT, hours=1)},
		None,
		State.MARKED,
		Why.BY_HAND,
	),
	("as it is", ONE, {"decision": decided(ONE, What.MARK)}, None, State.COMPLETE, Why.NONE),
	(
		"as it is, bad",
		HALF,
		{"decision": decided(HALF, What.MARK), "worked": SHORT},
		None,
		State.COMPLETE,
		Why.NONE,
	),
	("left", ONE, {"decision": decided(ONE, What.LEAVE)}, None, State.NO_ATTENDANCE, Why.LEFT_AS_IT_IS),
	(
		"left, written",
		WHOLE,
		{"decision": decided(WHOLE, What.LEAVE), "written": written("Half Day", 3, ONE)},
		None,
		State.MARKED,
		Why.LEFT_AS_IT_IS,
	),
	(
		"cancelled",
		WHOLE,
		{"decision": decided(WHOLE, What.KEEP_AWAY)},
		None,
		State.NO_ATTENDANCE,
		Why.KEPT_AWAY,
	),
	(
		"cancelled, nothing there",
		NOTHING,
		{"decision": decided(NOTHING, What.KEEP_AWAY)},
		None,
		State.NO_ATTENDANCE,
		Why.KEPT_AWAY,
	),
	(
		"cancelled, and more since",
		WHOLE,
		{"decision": decided(ONE, What.KEEP_AWAY)},
		None,
		State.TO_SETTLE,
		Why.DECISION_OUTDATED,
	),
	(
		"cancelled, and written by a person since",
		WHOLE,
		{"decision": decided(WHOLE, What.KEEP_AWAY), "written": BY_HAND},
		None,
		State.MARKED,
		Why.BY_HAND,
	),
	("decided before", WHOLE, {"decision": OUTDATED}, None, State.TO_SETTLE, Why.DECISION_OUTDATED),
	(
		"nothing, left",
		NOTHING,
		{"decision": decided(NOTHING, What.LEAVE)},
		None,
		State.NO_ATTENDANCE,
		Why.LEFT_AS_IT_IS,
	),
	(
		"nothing, as it is",
		NOTHING,
		{"decision": decided(NOTHING, What.MARK)},
		None,
		State.COMPLETE,
		Why.NO_PUNCH,
	),
	(
		"nothing is left",
		NOTHING,
		{"decision": decided(ONE, What.MARK)},
		None,
		State.TO_SETTLE,
		Why.DECISION_OUTDATED,
	),
)


class EachReason(unittest.TestCase):
	def test_what_is_said_and_what_has_to_be_proven_first(self):
		for label, workday, values, proof, state, why in CASES:
			with self.subTest(label):
				circumstances = known(workday, **values)
				self.assertIs(needs_proof(workday, circumstances), proof is not None)
				found = judge(workday, circumstances, proof)
				self.assertEqual((found.state.value, found.why.value), (state.value, why.value))

	def test_every_state_and_reason_is_among_them_and_has_a_sentence(self):
		of_writing = {Why.REFUSED, Why.HRMS_SILENT}
		self.assertEqual({case[-1] for case in CASES}, set(Why) - of_writing)
		self.assertEqual({case[-2] for case in CASES}, set(State))
		self.assertEqual(set(SENTENCES), set(Why) - {Why.NONE})

	def test_the_values_fill_the_sentence(self):
		for label, workday, values, proof, _state, why in CASES:
			with self.subTest(label):
				found = judge(workday, known(workday, **values), proof)
				asked = set(re.findall(r"{(\w+)}", found.sentence))
				self.assertLessEqual(asked, set(found.values))
				self.assertEqual(bool(found.sentence), why is not Why.NONE)

	def test_a_device_is_named_with_its_last_sign_and_how_long_it_is_waited_for(self):
		found = judge(NOTHING, known(), MISSING)
		self.assertEqual(
			found.sentence.format(**found.values),
			"Exit has not been heard from since 2025-05-05 08:00. "
			"Nothing bad is said of the day because of it until it has delivered, or until 2025-05-09 00:00.",
		)

	def test_what_would_be_written(self):
		for label, workday, values, proof, expected in (
			("nothing there", NOTHING, {}, PROVEN, ABSENT),
			("half a leave", NOTHING, {"half_leave": "L-1"}, PROVEN, replace(ABSENT, status=HALF_DAY)),
			("a missing punch", ONE, {}, PROVEN, None),
			(
				"taken for Present",
				ONE,
				{"missing": MissingPunch.PRESENT, "worked": SHORT},
				None,
				worked(PRESENT, 3),
			),
			("taken for half", ONE, {"missing": MissingPunch.HALF_DAY}, PROVEN, worked(HALF_DAY)),
			("held", HALF, {"worked": SHORT}, MISSING, None),
			("on a holiday", WHOLE, {"holiday": True}, None, worked()),
			("left", WHOLE, {"decision": decided(WHOLE, What.LEAVE)}, None, None),
		):
			with self.subTest(label):
				self.assertEqual(judge(workday, known(workday, **values), proof).would, expected)


class Halves(unittest.TestCase):
	"""A half-day leave, whose other half was written."""

	def judged(self, other_half: str, *clocks: str, **values) -> Judgement:
		workday = in_shift(*clocks)
		record = written("Half Day", 0, workday, leave="L-1", other_half=other_half)
		circumstances = known(workday, half_leave="L-1", written=record, **values)
		return judge(workday, circumstances, PROVEN if needs_proof(workday, circumstances) else None)

	def test_absent_ahead_of_time_is_wrong_until_the_day_is_over(self):
		self.assertIs(self.judged("Absent", now=on(7)).why, Why.AHEAD)
		self.assertIs(self.judged("Absent", now=on(19)).state, State.MARKED)

	def test_who_came_for_the_other_half_was_not_absent(self):
		self.assertIs(self.judged("Absent", "09:00", "13:30").why, Why.DIFFERS)
		self.assertIs(self.judged("Present", "09:00", "13:30").state, State.MARKED)
		self.assertIs(self.judged("", "09:00", "13:30").state, State.MARKED)


def without_a_shift(*clocks: str) -> list[Workday]:
	return cut(checkin(clock, shift=None) for clock in clocks)


class Stories(unittest.TestCase):
	def test_a_forgotten_in_is_a_matter_of_its_own_day(self):
		days = without_a_shift("18:00", "1+09:00", "1+18:00", "2+09:00", "2+18:00")
		found = [
			judge(
				day,
				known(day, now=on(96), worked=worked(hours=day.hours)),
				PROVEN if day.lacks_a_punch else None,
			)
			for day in days
		]
		self.assertEqual([one.why for one in found], [Why.MISSING_PUNCH, Why.NONE, Why.NONE])
		self.assertEqual([one.would and one.would.hours for one in found], [None, 9, 9])

	def test_an_out_long_after_the_shift_counts_where_a_person_says_so(self):
		(workday,) = cut([checkin("09:00"), checkin("20:30", shift=None)], [OFFICE])
		found = judge(workday, known(workday))
		self.assertEqual((found.state, found.why), (State.TO_SETTLE, Why.OUTSIDE))
		self.assertEqual(found.values["outside"], "20:30")
		decision = decided(workday, What.COUNT_OUTSIDE)
		workday = with_outside_counted(workday)
		found = judge(workday, known(workday, decision=decision, worked=worked(hours=workday.hours)))
		self.assertEqual((found.state, found.would), (State.COMPLETE, worked(hours=11.5)))
		# HRMS's Fetch Shifts, or a save of the check-in, says the same shift again
		again = replace(workday, pieces=(tuple(replace(one, noted=OFFICE) for one in workday.checkins),))
		self.assertIs(judge(again, known(again, decision=decision)).state, State.COMPLETE)

	def test_an_out_in_the_margin_of_another_shift_belongs_to_the_assigned_one_and_is_asked_about(self):
		late = Shift(on(14), "Late", on(22), on(13), on(23), on(23))
		(workday,) = cut([checkin("09:00"), checkin("22:30", shift=late)], [OFFICE])
		self.assertEqual((workday.shift, workday.outside), (OFFICE, {"C22:30"}))
		self.assertIs(judge(workday, known(workday, now=on(48))).why, Why.OUTSIDE)

	def test_an_out_added_by_hand_makes_it_a_good_day(self):
		self.assertIs(judge(ONE, known(ONE), MISSING).state, State.HELD)
		added = replace(ONE, pieces=((checkin("09:00"), checkin("18:00", device="")),))
		circumstances = known(added)
		self.assertFalse(needs_proof(added, circumstances))
		self.assertIs(judge(added, circumstances).state, State.COMPLETE)
		done = replace(circumstances, written=written(workday=added))
		self.assertIs(judge(added, done).state, State.MARKED)

	def test_a_draft_that_was_deleted_frees_the_day(self):
		draft = known(WHOLE, written=replace(BY_HAND, status="Absent"))
		self.assertIs(judge(WHOLE, draft).state, State.TO_SETTLE)
		self.assertIs(judge(WHOLE, replace(draft, written=None)).state, State.COMPLETE)

	def test_a_punch_after_the_pay_slip_says_so_and_names_it(self):
		workday = in_shift("09:00", "13:00", "14:00", "18:00")
		record = written(hours=4, workday=in_shift("09:00", "13:00"))
		found = judge(workday, known(workday, written=record, slip="SLIP-7"))
		self.assertEqual(
			found.sentence.format(**found.values),
			"The salary slip SLIP-7 was submitted before this was known.",
		)

	def test_nothing_is_written_any_more_of_a_day_that_was_paid_without_it(self):
		for workday in (WHOLE, in_shift()):
			with self.subTest(workday):
				found = judge(workday, known(workday, slip="SLIP-7"), PROVEN)
				self.assertEqual((found.state, found.why), (State.TO_SETTLE, Why.AFTER_PAY_SLIP))

	def test_two_taps_three_seconds_apart_are_no_in_and_out(self):
		good = in_shift("09:00:02", "09:00:05", "18:00")
		self.assertIs(judge(good, known(good)).state, State.COMPLETE)
		lacking = in_shift("09:00:02", "09:00:05")
		self.assertIs(judge(lacking, known(lacking), PROVEN).why, Why.MISSING_PUNCH)

	def test_from_first_to_last_a_forgotten_punch_in_between_is_none(self):
		workday = in_shift("09:00", "13:00", "17:30")
		self.assertIs(judge(workday, known(workday, first_last=True)).state, State.COMPLETE)
		self.assertIs(judge(workday, known(workday), PROVEN).why, Why.MISSING_PUNCH)
		for times in (("09:00", "13:00", "14:00"), ("13:00", "14:00", "18:00")):
			workday = in_shift(*times)
			with self.subTest("the first or the last one may be missing", times=times):
				found = judge(workday, known(workday, first_last=True), PROVEN)
				self.assertIs(found.why, Why.MISSING_PUNCH)

	def test_three_taps_at_the_end_of_the_shift_are_one(self):
		workday = in_shift("17:58:00", "17:58:20", "17:58:40")
		found = judge(workday, known(workday, first_last=True, worked=worked(hours=0.01)), PROVEN)
		self.assertIs(found.why, Why.MISSING_PUNCH)

	def test_a_cancelled_attendance_is_not_there(self):
		linked = replace(WHOLE, pieces=(tuple(replace(one, attendance="ATT-1") for one in WHOLE.checkins),))
		self.assertIs(judge(linked, known(linked, written=WRITTEN)).state, State.MARKED)
		self.assertIs(judge(WHOLE, known(WHOLE)).state, State.COMPLETE)
		self.assertIs(judge(WHOLE, known(WHOLE, leave="L-1")).why, Why.ON_LEAVE)

	def test_nobody_without_an_id_or_a_device_is_taken_for_absent(self):
		joiner = judge(NOTHING, known(), NOBODYS)
		director = judge(NOTHING, known(by_devices=False))
		self.assertEqual((joiner.why, joiner.would), (Why.NO_ID, None))
		self.assertEqual((director.state, director.would), (State.NO_ATTENDANCE, None))
		mobile = replace(WHOLE, pieces=((checkin("09:00", device=""), checkin("18:00", device="")),))
		self.assertIs(judge(mobile, known(mobile)).state, State.COMPLETE)

	def test_a_short_day_on_a_holiday_is_shown_as_worked_not_as_half_a_day(self):
		found = judge(HALF, known(HALF, worked=SHORT, holiday=True))
		self.assertEqual((found.state, found.why), (State.TO_SETTLE, Why.ON_HOLIDAY))
		self.assertEqual(found.values["times"], "09:00, 12:00")

	def test_a_punch_for_a_day_that_was_marked_absent_already_is_shown(self):
		absent = written("Absent", 0)
		self.assertIs(judge(NOTHING, known(written=absent), PROVEN).state, State.MARKED)
		found = judge(WHOLE, known(WHOLE, written=absent))
		self.assertEqual((found.state, found.why, found.would), (State.TO_SETTLE, Why.LATE_PUNCH, worked()))
		self.assertEqual(found.values["late"], "09:00, 18:00")

	def test_a_decision_is_asked_for_again_when_another_punch_comes(self):
		decision = decided(ONE, What.LEAVE)
		self.assertIs(judge(WHOLE, known(WHOLE, decision=decision)).why, Why.DECISION_OUTDATED)
		moved = replace(ONE, shift=NIGHT)
		self.assertIs(judge(moved, known(moved, decision=decision)).why, Why.DECISION_OUTDATED)


# --- what holds of all

CLOCKS = ("09:00", "09:00:30", "12:00", "13:00", "17:30", "18:00", "18:00:20", "20:30")
STATUSES = ("Present", "Half Day", "Absent")


@st.composite
def workdays(draw) -> Workday:
	clocks = sorted(draw(st.sets(st.sampled_from(CLOCKS), max_size=5)))
	shift = draw(st.sampled_from((OFFICE, OFFICE, OFFICE, None)))
	noted = draw(st.sampled_from((shift, shift, shift, NIGHT)))
	types = st.sampled_from(("", "", "IN", "OUT"))
	piece = tuple(
		checkin(clock, draw(types), shift, noted=noted, skipped=draw(st.booleans())) for clock in clocks
	)
	outside = frozenset(one.name for one in piece if one.time > on(19) and shift and draw(st.booleans()))
	return Workday(
		MONDAY.date(), shift, (piece,) if piece else (), outside, draw(rarely), draw(st.booleans())
	)


rarely = st.sampled_from((False, False, False, True))
results = st.builds(worked, st.sampled_from(AttendanceStatus), st.sampled_from((0, 3, 9)))


@st.composite
def cases(draw) -> tuple[Workday, Circumstances]:
	workday = draw(workdays())
	record = None
	if draw(st.booleans()):
		linked = draw(st.sets(st.sampled_from(sorted(names(workday))))) if workday.checkins else ()
		record = Written(
			"ATT-1",
			draw(st.sampled_from((*STATUSES, "On Leave", "Work From Home"))),
			draw(st.sampled_from((0, 3, 9))),
			draw(st.sampled_from(("", "Day", "Night"))),
			by_hand=draw(rarely),
			leave=draw(st.sampled_from(("", "", "L-1"))),
			other_half=draw(st.sampled_from(("", *STATUSES))),
			linked=frozenset(linked),
		)
	decision = None
	if draw(rarely):
		decision = draw(st.sampled_from((OUTDATED, *(decided(workday, what) for what in What))))
	return workday, Circumstances(
		now=draw(st.sampled_from((on(12), NOON_AFTER, NOON_AFTER, NOON_AFTER))),
		read_until=draw(st.sampled_from((on(12), datetime.max, datetime.max))),
		worked=draw(results) if workday.checkins else None,
		written=record,
		leave=draw(st.sampled_from(("", "", "L-2"))),
		half_leave=draw(st.sampled_from(("", "", "L-3"))),
		holiday=draw(rarely),
		on_holidays=draw(st.sampled_from(OnHolidays)),
		by_log_type=draw(st.booleans()),
		slip=draw(st.sampled_from(("", "S-1"))),
		left=draw(st.sampled_from((None, None, None, date(2025, 5, 2)))),
		by_devices=not draw(rarely),
		first_last=draw(st.booleans()),
		decision=decision,
		missing=draw(st.sampled_from(MissingPunch)),
	)


proofs = st.sampled_from((PROVEN, MISSING, OVERDUE, NOBODYS))
few = settings(max_examples=50)
BAD = (HALF_DAY, AttendanceStatus.ABSENT)


class OfAll(unittest.TestCase):
	@given(cases())
	@example((NOT_ROSTERED, known()))
	@example((STRAY, known(STRAY, worked=SHORT)))
	@example((HALF, known(HALF, worked=SHORT, decision=decided(HALF, What.LEAVE))))
	def test_proof_is_needed_exactly_where_nothing_can_be_said_without(self, case):
		if needs_proof(*case):
			self.assertRaises(ValueError, judge, *case)
		else:
			judge(*case)

	@given(cases(), proofs)
	def test_nothing_bad_is_written_without_proof_or_a_persons_word(self, case, proof):
		workday, circumstances = case
		found = judge(workday, circumstances, proof)
		is_bad = found.would is not None and found.would.status in BAD
		if is_bad and found.state in (State.COMPLETE, State.MARKED):
			is_by_hand = circumstances.written and circumstances.written.by_hand
			self.assertTrue(proof.proven or is_by_hand or circumstances.decision)
		if found.state is State.HELD:
			self.assertIsNone(found.would)

	@few
	@given(cases(), proofs)
	def test_proof_changes_nothing_where_none_is_needed(self, case, proof):
		if not needs_proof(*case):
			alone, beside = judge(*case), judge(*case, proof)
			self.assertEqual((alone.state, alone.why, alone.would), (beside.state, beside.why, beside.would))

	@given(cases(), st.sampled_from((MISSING, OVERDUE)))
	def test_more_proof_never_makes_a_good_day_bad(self, case, proof):
		before, after = judge(*case, proof), judge(*case, PROVEN)
		if before.would and before.would.status is PRESENT:
			self.assertEqual((before.state, before.why, before.would), (after.state, after.why, after.would))

	@few
	@given(cases(), proofs)
	def test_what_a_person_wrote_is_never_held(self, case, proof):
		workday, circumstances = case
		record = circumstances.written or written()
		circumstances = replace(circumstances, written=replace(record, by_hand=True))
		self.assertFalse(needs_proof(workday, circumstances))
		self.assertIsNot(judge(workday, circumstances, proof).state, State.HELD)

	@given(cases(), proofs)
	def test_marked_is_what_is_written_and_complete_what_is_not(self, case, proof):
		record = case[1].written
		found = judge(*case, proof)
		if found.state is State.COMPLETE:
			self.assertIsNone(record)
			self.assertIsNotNone(found.would)
		if found.state is State.MARKED:
			self.assertIsNotNone(record)
			if found.would and not record.by_hand and not record.leave:
				self.assertEqual(record.status, found.would.status.value)

	@given(cases(), proofs)
	def test_nobody_is_absent_for_one_punch_that_the_policy_leaves_to_hr(self, case, proof):
		workday, circumstances = case
		is_one = len(workday.checkins) == 1
		if is_one and circumstances.missing is MissingPunch.LEAVE_TO_HR and not circumstances.decision:
			found = judge(workday, circumstances, proof)
			self.assertIsNot(found.state, State.COMPLETE)

	@few
	@given(cases(), proofs)
	def test_all_that_was_not_read_beyond_its_close_is_open_or_a_persons(self, case, proof):
		workday, circumstances = case
		found = judge(workday, replace(circumstances, read_until=on(12)), proof)
		if not circumstances.written:
			self.assertIs(found.state, State.OPEN)
		self.assertNotIn(found.state, (State.HELD, State.COMPLETE))


@unittest.skipUnless(PAGE.exists(), "this is no checkout")
class ThePageForHR(unittest.TestCase):
	def test_each_reason_has_a_row_with_its_state_and_a_way_out(self):
		_before, table = PAGE.read_text(encoding="utf-8").split("## Reasons, and the way out of each\n", 1)
		rows = [
			line.strip("| ").split(" | ") for line in table.split("\n## ", 1)[0].splitlines() if "|" in line
		]
		described = {reason.strip(): row for row in rows for reason in row[0].split(",")}
		self.assertEqual({why.value for why in Why} - set(described), {""})
		for why in set(Why) - {Why.NONE}:
			_reasons, state, meaning, way_out = described[why.value]
			self.assertTrue(state and meaning and way_out, why)
