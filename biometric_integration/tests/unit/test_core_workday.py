"""Which check-ins of a person belong together: hours, overtime, what is missing, outside or unclear."""

from __future__ import annotations

import unittest
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import combinations, pairwise
from unittest.mock import patch

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from biometric_integration.core import workday as of_core
from biometric_integration.core.workday import (
	APART,
	LONGEST,
	TAP,
	CheckIn,
	Cost,
	Piece,
	Shift,
	Workday,
	cut,
	hours,
	input_hash,
	taps,
	with_outside_counted,
)

SECOND, MINUTE, HOUR, DAY = (
	timedelta(seconds=1),
	timedelta(minutes=1),
	timedelta(hours=1),
	timedelta(days=1),
)
MONDAY = datetime(2025, 5, 5)
WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def at(text: str) -> datetime:
	"""`Tue 09:00` or `Tue 09:00:05`."""
	day, clock = text.split()
	hour, minute, *second = map(int, clock.split(":"))
	return MONDAY + WEEK.index(day) * DAY + timedelta(hours=hour, minutes=minute, seconds=sum(second))


def shift(name: str, begin: str, length: float, opens: str = "", closes: str = "", margin=HOUR) -> Shift:
	"""Check-ins may be an hour early or late, but for where the window is cut."""
	start, end = at(begin), at(begin) + length * HOUR
	opening, closing = start - margin, end + margin
	return Shift(
		start, name, end, at(opens) if opens else opening, at(closes) if closes else closing, closing
	)


def tap(text: str, of: Shift | None = None, **values) -> CheckIn:
	"""`Mon 09:00`, or `Mon 09:00 IN` where the device says so."""
	day, clock, *log_type = text.split()
	moment = at(f"{day} {clock}")
	return CheckIn(moment, text, "".join(log_type), noted=of, answered=of, **values)


def day_of(of: Shift | None, *texts: str, **values) -> list[CheckIn]:
	return [tap(text, of, **values) for text in texts]


def loose(*texts: str, **values) -> list[CheckIn]:
	return day_of(None, *texts, **values)


def told(workday: Workday) -> str:
	"""`Mon Day: 09:00 (20:30) = 11.5 h, 2.5 over`: outside in brackets, `|` between two pieces, `+` for the day after."""

	def clock(checkin: CheckIn) -> str:
		text = f"{checkin.time:%H:%M:%S}" if checkin.time.second else f"{checkin.time:%H:%M}"
		text = "+" * (checkin.time.date() - workday.date).days + text
		return f"({text})" if checkin.name in workday.outside else text

	day = WEEK[(workday.date - MONDAY.date()).days]
	name = f" {workday.shift.name}" if workday.shift else ""
	pieces = " | ".join(" ".join(map(clock, piece)) for piece in workday.pieces)
	flags = [
		f"{workday.overtime:g} over" if workday.overtime else "",
		"lacks a punch" if workday.lacks_a_punch else "",
		"unclear" if workday.is_unclear else "",
	]
	said = f"{pieces} = {workday.hours:g} h" if pieces else "nobody"
	return ", ".join([f"{day}{name}: {said}", *filter(None, flags)])


DAYS = [shift("Day", f"{day} 09:00", 9) for day in WEEK]
MON, TUE, WED, THU, FRI = DAYS[:5]
EARLY = shift("Early", "Mon 06:00", 8, closes="Mon 14:00")
LATE = shift("Late", "Mon 14:00", 8, opens="Mon 14:00")
NIGHT = shift("Night", "Mon 22:00", 8)


class Cuts(unittest.TestCase):
	maxDiff = None

	def assert_cut(self, checkins: Iterable[CheckIn], *lines: str, roster: Iterable[Shift] = (), **values):
		checkins = list(checkins)
		found = cut(checkins, roster, **values)
		self.assertEqual([told(workday) for workday in found], list(lines))
		self.assertEqual(cut(checkins[::-1], roster, **values), found, "the other way round")
		return found


class WithoutAShift(Cuts):
	def test_a_guard_works_nights_across_midnight(self):
		self.assert_cut(
			loose("Mon 19:55", "Tue 06:05", "Tue 19:58", "Wed 06:02"),
			"Mon: 19:55 +06:05 = 10.17 h",
			"Tue: 19:58 +06:02 = 10.07 h",
		)
		self.assert_cut(
			loose("Mon 21:30", "Tue 05:00", "Tue 21:30", "Wed 05:15", "Wed 21:45", "Thu 05:00"),
			"Mon: 21:30 +05:00 = 7.5 h",
			"Tue: 21:30 +05:15 = 7.75 h",
			"Wed: 21:45 +05:00 = 7.25 h",
		)

	def test_a_forgotten_punch_is_missing_on_its_day_and_nowhere_else(self):
		self.assert_cut(
			loose("Mon 18:00", "Tue 09:00", "Tue 18:00", "Wed 09:00", "Wed 18:00"),
			"Mon: 18:00 = 0 h, lacks a punch",
			"Tue: 09:00 18:00 = 9 h",
			"Wed: 09:00 18:00 = 9 h",
		)
		self.assert_cut(
			loose("Mon 08:00", "Mon 16:30", "Tue 08:15", "Wed 07:45", "Wed 16:15"),
			"Mon: 08:00 16:30 = 8.5 h",
			"Tue: 08:15 = 0 h, lacks a punch",
			"Wed: 07:45 16:15 = 8.5 h",
		)
		self.assert_cut(
			loose("Mon 20:00", "Tue 20:10", "Wed 06:00", "Wed 20:00", "Thu 06:00"),
			"Mon: 20:00 = 0 h, lacks a punch",
			"Tue: 20:10 +06:00 = 9.83 h",
			"Wed: 20:00 +06:00 = 10 h",
		)

	def test_a_break_is_part_of_the_day_and_no_hours(self):
		self.assert_cut(
			loose("Mon 09:00", "Mon 13:00", "Mon 13:45", "Mon 18:00"),
			"Mon: 09:00 13:00 13:45 18:00 = 8.25 h",
		)
		self.assert_cut(
			loose("Mon 09:00", "Mon 13:00", "Mon 13:45", "Tue 09:00", "Tue 13:00", "Tue 14:00", "Tue 17:00"),
			"Mon: 09:00 13:00 13:45 = 4 h, lacks a punch",
			"Tue: 09:00 13:00 14:00 17:00 = 7 h",
		)

	def test_what_begins_on_one_date_is_one_workday(self):
		self.assert_cut(
			loose("Mon 08:00", "Mon 14:00", "Mon 23:00", "Tue 01:00"),
			"Mon: 08:00 14:00 | 23:00 +01:00 = 8 h",
		)
		self.assert_cut(
			loose("Mon 10:00", "Mon 14:00", "Mon 18:00", "Mon 22:00"), "Mon: 10:00 14:00 18:00 22:00 = 8 h"
		)
		self.assert_cut(
			loose("Mon 00:10", "Mon 04:40", "Mon 21:00", "Tue 01:30", "Tue 21:00", "Tue 23:00"),
			"Mon: 00:10 04:40 | 21:00 +01:30 = 9 h",
			"Tue: 21:00 23:00 = 2 h",
		)

	def test_a_double_tap_is_one_tap(self):
		self.assert_cut(
			loose("Mon 09:00:02", "Mon 09:00:05", "Mon 18:00:02"), "Mon: 09:00:02 09:00:05 18:00:02 = 9 h"
		)
		self.assert_cut(
			loose("Mon 09:00", "Mon 18:00:10", "Mon 18:00:40", "Mon 18:01:10"),
			"Mon: 09:00 18:00:10 18:00:40 18:01:10 = 9.02 h",
		)
		self.assert_cut(loose("Mon 09:00:02", "Mon 09:00:05"), "Mon: 09:00:02 09:00:05 = 0 h, lacks a punch")
		self.assert_cut(
			loose("Mon 09:00:02 IN", "Mon 09:00:05 OUT"),
			"Mon: 09:00:02 09:00:05 = 0 h, lacks a punch",
		)
		self.assert_cut(
			loose("Mon 09:00", "Mon 09:01:01"),
			"Mon: 09:00 09:01:01 = 0.02 h",
		)

	def test_who_leaves_and_comes_within_a_minute_has_done_both(self):
		self.assert_cut(
			loose("Mon 06:00 IN", "Mon 14:00:05 OUT", "Mon 14:00:40 IN", "Mon 21:00 OUT"),
			"Mon: 06:00 14:00:05 14:00:40 21:00 = 14.99 h",
		)
		self.assert_cut(
			loose("Mon 07:30 IN", "Mon 12:00 OUT", "Mon 12:00:30 IN", "Mon 16:00 OUT"),
			"Mon: 07:30 12:00 12:00:30 16:00 = 8.49 h",
		)

	def test_a_chain_of_twelve_hours_says_that_it_might_be_cut_otherwise(self):
		chain = loose("Mon 08:00", "Mon 20:00", "Tue 08:00")
		found = cut(chain)
		self.assertTrue(all(workday.is_unclear for workday in found))
		self.assertEqual(cut(chain[::-1]), found)
		five = loose("Mon 08:00", "Mon 20:00", "Tue 08:00", "Tue 20:00", "Wed 08:00")
		self.assertTrue(all(workday.is_unclear for workday in cut(five)))

	def test_an_even_chain_of_twelve_hours_is_clear(self):
		self.assert_cut(
			loose("Mon 08:00", "Mon 20:00", "Tue 08:00", "Tue 20:00"),
			"Mon: 08:00 20:00 = 12 h",
			"Tue: 08:00 20:00 = 12 h",
		)

	def test_minutes_do_not_make_a_chain_clear_hours_do(self):
		found = cut(loose("Mon 08:00", "Mon 19:50", "Tue 08:00"))
		self.assertTrue(all(workday.is_unclear for workday in found))
		self.assert_cut(
			loose("Mon 08:00", "Mon 19:00", "Tue 08:00"),
			"Mon: 08:00 19:00 = 11 h",
			"Tue: 08:00 = 0 h, lacks a punch",
		)

	def test_guards_on_every_other_day_of_whom_a_punch_is_forgotten_are_asked_about(self):
		days = ("Mon 08:10", "Tue 08:00", "Wed 08:10", "Thu 08:00", "Fri 08:10", "Sat 08:00")
		whole = cut(loose(*days), longest=26 * HOUR)
		self.assertEqual([(workday.hours, workday.is_unclear) for workday in whole], [(23.83, False)] * 3)
		self.assertTrue(all(workday.is_unclear for workday in cut(loose(*days[1:]), longest=26 * HOUR)))

	def test_what_the_device_reported_decides_a_chain(self):
		self.assert_cut(
			loose("Mon 20:00 IN", "Tue 08:00 OUT", "Tue 20:00 IN"),
			"Mon: 20:00 +08:00 = 12 h",
			"Tue: 20:00 = 0 h, lacks a punch",
		)
		self.assert_cut(
			loose("Mon 08:00 OUT", "Mon 20:00 IN", "Tue 08:00 OUT"),
			"Mon: 08:00 | 20:00 +08:00 = 12 h, lacks a punch",
		)
		self.assert_cut(
			loose("Mon 09:00 IN", "Mon 18:00 IN", "Tue 07:00 OUT"),
			"Mon: 09:00 | 18:00 +07:00 = 13 h, lacks a punch",
		)
		self.assert_cut(
			loose("Mon 08:00", "Mon 20:00", "Tue 08:00 OUT"),
			"Mon: 08:00 | 20:00 +08:00 = 12 h, lacks a punch",
		)

	def test_reported_breaks_leave_out_the_hours_of_a_forgotten_punch(self):
		self.assert_cut(
			loose("Mon 09:00 IN", "Mon 13:00 OUT", "Mon 18:00 OUT"),
			"Mon: 09:00 13:00 18:00 = 4 h, lacks a punch",
		)
		self.assert_cut(
			loose("Mon 09:00 IN", "Mon 14:00 IN", "Mon 18:00 OUT"),
			"Mon: 09:00 14:00 18:00 = 9 h, lacks a punch",
		)

	def test_longer_than_sixteen_hours_without_a_pause_is_divided_once(self):
		self.assert_cut(
			loose("Mon 05:00", "Mon 10:30", "Mon 15:30", "Mon 21:10"),
			"Mon: 05:00 10:30 | 15:30 21:10 = 11.17 h",
		)
		self.assert_cut(
			loose("Mon 14:00", "Mon 19:45", "Tue 00:40", "Tue 06:20"),
			"Mon: 14:00 19:45 = 5.75 h",
			"Tue: 00:40 06:20 = 5.67 h",
		)
		self.assert_cut(
			loose("Mon 08:00", "Mon 13:30", "Mon 18:00", "Mon 23:00", "Tue 04:00", "Tue 09:30"),
			"Mon: 08:00 13:30 | 18:00 23:00 +04:00 +09:30 = 16 h, unclear",
		)

	def test_exactly_the_longest_is_one_workday(self):
		self.assert_cut(loose("Mon 06:00", "Mon 22:00"), "Mon: 06:00 22:00 = 16 h")
		self.assert_cut(loose("Mon 06:00", "Mon 22:00:01"), "Mon: 06:00 | 22:00:01 = 0 h, lacks a punch")

	def test_a_guard_of_24_hours_has_a_longer_workday(self):
		longest = 26 * HOUR
		self.assert_cut(
			loose("Mon 08:00", "Tue 08:10", "Thu 07:50", "Fri 08:05"),
			"Mon: 08:00 +08:10 = 24.17 h",
			"Thu: 07:50 +08:05 = 24.25 h",
			longest=longest,
		)
		self.assert_cut(
			loose("Mon 08:00", "Tue 08:00"),
			"Mon: 08:00 = 0 h, lacks a punch",
			"Tue: 08:00 = 0 h, lacks a punch",
		)
		self.assertTrue(
			all(
				each.is_unclear for each in cut(loose("Mon 08:00", "Tue 08:00", "Wed 08:00"), longest=longest)
			)
		)

	def test_the_ends_of_the_calendar_stop_nothing(self):
		moments = (datetime.min, datetime.max.replace(microsecond=0))
		found = cut(CheckIn(moment, str(moment)) for moment in moments)
		self.assertEqual(
			[workday.closes for workday in found], [datetime.min + LONGEST, datetime.max.replace()]
		)


class ManyTaps(unittest.TestCase):
	def test_work_grows_with_the_taps_and_not_with_the_pairs_that_they_could_be(self):
		"""An id that many share, or a door, is there all day long."""
		times = [datetime(2025, 4, 1) + number * timedelta(minutes=15) for number in range(1000)]
		within = LONGEST // timedelta(minutes=15) + 1
		with patch.object(of_core, "_whole_hours", wraps=of_core._whole_hours) as looked:
			cut([CheckIn(time, f"{time}") for time in times])
		self.assertLess(looked.call_count, len(times) * within)


class WithAShift(Cuts):
	def test_a_day_of_a_shift_is_its_pairs(self):
		self.assert_cut(
			day_of(MON, "Mon 08:55", "Mon 13:00", "Mon 13:30", "Mon 18:25"),
			"Mon Day: 08:55 13:00 13:30 18:25 = 9 h",
			"Tue Day: nobody",
			roster=[MON, TUE],
		)
		self.assert_cut(
			day_of(NIGHT, "Mon 21:55", "Tue 06:40"), "Mon Night: 21:55 +06:40 = 8.75 h, 0.75 over"
		)

	def test_an_out_after_the_window_is_outside_and_can_be_counted(self):
		(workday,) = self.assert_cut(
			[*day_of(MON, "Mon 09:00"), *loose("Mon 20:30")], "Mon Day: 09:00 (20:30) = 11.5 h, 2.5 over"
		)
		self.assertEqual([checkin.name for checkin in workday.counted], ["Mon 09:00"])
		counted = with_outside_counted(workday)
		self.assertEqual((counted.hours, counted.counted), (11.5, counted.checkins))
		self.assertEqual(input_hash(counted), input_hash(workday))
		self.assert_cut(
			[*day_of(NIGHT, "Mon 22:10"), *loose("Tue 09:25")],
			"Mon Night: 22:10 (+09:25) = 11.25 h, 3.25 over",
		)

	def test_it_is_the_same_input_whatever_a_check_in_says_of_its_shift(self):
		(workday,) = cut([*day_of(MON, "Mon 09:00"), *loose("Mon 20:30")], [MON])
		fetched = [replace(tap("Mon 09:00", MON), skipped=True), replace(tap("Mon 20:30"), noted=TUE)]
		(again,) = cut(fetched, [MON])
		self.assertEqual((again.hours, again.outside), (11.5, {"Mon 20:30"}))
		self.assertEqual(input_hash(again), input_hash(workday))
		(another,) = cut([*day_of(MON, "Mon 09:01"), *loose("Mon 20:30")], [MON])
		self.assertNotEqual(input_hash(another), input_hash(workday))

	def test_an_in_before_the_window_is_outside_too(self):
		self.assert_cut(
			[*loose("Mon 06:30"), *day_of(MON, "Mon 18:00")], "Mon Day: (06:30) 18:00 = 11.5 h, 2.5 over"
		)
		self.assert_cut(
			[*loose("Mon 01:30"), *day_of(MON, "Mon 18:00")],
			"Mon: 01:30 = 0 h, lacks a punch",
			"Mon Day: 18:00 = 0 h, lacks a punch",
		)

	def test_who_comes_too_early_every_day_ends_no_day_before(self):
		self.assert_cut(
			[*loose("Mon 07:30", "Tue 07:40"), tap("Mon 18:05", MON), tap("Tue 18:10", TUE)],
			"Mon Day: (07:30) 18:05 = 10.58 h, 1.58 over",
			"Tue Day: (07:40) 18:10 = 10.5 h, 1.5 over",
		)
		self.assert_cut(
			[*loose("Tue 07:30"), tap("Mon 18:05", MON), tap("Tue 18:05", TUE)],
			"Mon Day: 18:05 = 0 h, lacks a punch",
			"Tue Day: (07:30) 18:05 = 10.58 h, 1.58 over",
		)
		self.assert_cut(
			[*loose("Mon 07:30", "Tue 07:30"), tap("Mon 18:05", MON)],
			"Mon Day: (07:30) 18:05 = 10.58 h, 1.58 over",
			"Tue: 07:30 = 0 h, lacks a punch",
			"Tue Day: nobody",
			roster=[MON, TUE],
		)

	def test_a_paired_shift_takes_nothing_more(self):
		self.assert_cut(
			[*day_of(MON, "Mon 09:00", "Mon 18:00"), *loose("Mon 20:00", "Mon 22:00")],
			"Mon: 20:00 22:00 = 2 h",
			"Mon Day: 09:00 18:00 = 9 h",
		)

	def test_what_lies_beyond_the_longest_workday_or_another_shift_is_not_taken(self):
		self.assert_cut(
			[tap("Mon 09:00", MON), *loose("Tue 01:01")],
			"Mon Day: 09:00 = 0 h, lacks a punch",
			"Tue: 01:01 = 0 h, lacks a punch",
		)
		first, second = shift("First", "Mon 08:00", 4), shift("Second", "Mon 13:00", 4)
		self.assert_cut(
			[*loose("Mon 06:30"), *day_of(first, "Mon 08:00", "Mon 12:00"), tap("Mon 17:00", second)],
			"Mon: 06:30 = 0 h, lacks a punch",
			"Mon First: 08:00 12:00 = 4 h",
			"Mon Second: 17:00 = 0 h, lacks a punch",
		)
		self.assert_cut(
			[tap("Mon 08:00", first), *day_of(second, "Mon 13:00", "Mon 17:00"), *loose("Mon 19:00")],
			"Mon: 19:00 = 0 h, lacks a punch",
			"Mon First: 08:00 = 0 h, lacks a punch",
			"Mon Second: 13:00 17:00 = 4 h",
		)

	def test_what_was_reported_as_in_ends_no_shift_and_an_out_begins_none(self):
		self.assert_cut(
			[tap("Mon 09:00 IN", MON), *loose("Mon 21:00 IN", "Mon 23:00 OUT")],
			"Mon: 21:00 23:00 = 2 h",
			"Mon Day: 09:00 = 0 h, lacks a punch",
		)
		self.assert_cut(
			[*loose("Mon 05:00 IN", "Mon 07:00 OUT"), tap("Mon 18:00 OUT", MON)],
			"Mon: 05:00 07:00 = 2 h",
			"Mon Day: 18:00 = 0 h, lacks a punch",
		)
		self.assert_cut(
			[tap("Mon 09:00 IN", MON), *loose("Mon 21:15 OUT")],
			"Mon Day: 09:00 (21:15) = 12.25 h, 3.25 over",
		)

	def test_an_assigned_shift_takes_what_lies_in_the_margin_of_another(self):
		early, general = shift("Early", "Mon 06:00", 8), MON
		self.assert_cut(
			[tap("Mon 05:55", early), tap("Mon 18:30", general)],
			"Mon Early: 05:55 (18:30) = 12.58 h, 4.58 over",
			roster=[early],
		)
		self.assert_cut(
			[tap("Mon 05:55", early), tap("Mon 18:30", general)],
			"Mon Early: 05:55 = 0 h, lacks a punch",
			"Mon Day: 18:30 = 0 h, lacks a punch",
			roster=[early, general],
		)
		self.assert_cut(
			[*day_of(early, "Mon 05:55"), *day_of(general, "Mon 15:10", "Mon 18:30")],
			"Mon Early: 05:55 = 0 h, lacks a punch",
			"Mon Day: 15:10 18:30 = 3.33 h",
			roster=[early],
		)

	def test_the_shift_that_the_roster_says_today_counts(self):
		noted_late = [replace(tap(text), answered=NIGHT) for text in ("Mon 21:55", "Tue 06:05")]
		self.assert_cut(noted_late, "Mon Night: 21:55 +06:05 = 8.17 h, 0.17 over")
		self.assertTrue(all(checkin.is_noted_otherwise for checkin in noted_late))
		moved = [replace(checkin, noted=LATE) for checkin in noted_late]
		self.assert_cut(moved, "Mon Night: 21:55 +06:05 = 8.17 h, 0.17 over")
		self.assertFalse(tap("Mon 21:55", NIGHT).is_noted_otherwise)

	def test_sixteen_hours_over_two_shifts_of_which_one_is_rostered(self):
		self.assert_cut(
			[tap("Mon 06:00", EARLY), tap("Mon 22:00", LATE)],
			"Mon Early: 06:00 (22:00) = 16 h, 8 over",
			roster=[EARLY],
		)
		self.assert_cut(
			[tap("Mon 06:00", EARLY), *loose("Mon 21:45")],
			"Mon Early: 06:00 (21:45) = 15.75 h, 7.75 over",
			roster=[EARLY],
		)

	def test_a_double_tap_is_one_tap(self):
		self.assert_cut(
			day_of(MON, "Mon 09:00:02", "Mon 09:00:05", "Mon 18:00"),
			"Mon Day: 09:00:02 09:00:05 18:00 = 9 h",
		)
		self.assert_cut(
			day_of(MON, "Mon 09:00:02", "Mon 09:00:05"),
			"Mon Day: 09:00:02 09:00:05 = 0 h, lacks a punch",
		)
		self.assert_cut(
			[*day_of(MON, "Mon 09:00:02", "Mon 09:00:58"), *loose("Mon 19:30:02")],
			"Mon Day: 09:00:02 09:00:58 (19:30:02) = 10.5 h, 1.5 over",
		)

	def test_a_guard_of_24_hours_has_one_workday(self):
		guard = shift("Guard", "Mon 08:00", 24)
		self.assert_cut(
			day_of(guard, "Mon 08:00", "Tue 08:00"), "Mon Guard: 08:00 +08:00 = 24 h", longest=26 * HOUR
		)
		self.assert_cut(
			[tap("Mon 07:45", guard), *loose("Tue 09:30")],
			"Mon Guard: 07:45 (+09:30) = 25.75 h, 1.75 over",
			longest=26 * HOUR,
		)
		self.assert_cut(
			[tap("Mon 07:45", guard), *loose("Tue 09:30")],
			"Mon Guard: 07:45 = 0 h, lacks a punch",
			"Tue: 09:30 = 0 h, lacks a punch",
		)

	def test_a_workday_may_get_check_ins_until_its_window_closes(self):
		(inside,) = cut(day_of(MON, "Mon 09:00", "Mon 18:00"))
		self.assertEqual(inside.closes, at("Mon 19:00"))
		(outside,) = cut([tap("Mon 09:00", MON), tap("Mon 20:30")])
		self.assertEqual(outside.closes, at("Tue 01:00"))
		(free,) = cut(loose("Mon 08:00", "Mon 14:00", "Mon 23:00", "Tue 01:00"))
		self.assertEqual(free.closes, at("Tue 15:00"))
		(nobody,) = cut([], [MON])
		self.assertEqual((nobody.closes, nobody.expected, nobody.hours), (at("Mon 19:00"), True, 0))

	def test_the_name_of_a_row_says_person_shift_and_start(self):
		workdays = cut(
			[*day_of(MON, "Mon 09:00", "Mon 18:00"), *loose("Mon 20:00", "Mon 22:00")], [TUE, LATE]
		)
		names = [workday.name_for(person) for workday in workdays for person in ("HR-1", "HR-2")]
		self.assertEqual(len(set(names)), 8)
		again = cut(day_of(MON, "Mon 08:50"))[0]
		self.assertIn(again.name_for("HR-1"), names)


class Borders(Cuts):
	def test_the_beginning_of_the_assigned_night_was_noted_for_the_default_shift(self):
		default = shift("Late", "Mon 14:00", 8)
		self.assert_cut(
			[*day_of(default, "Mon 21:50"), *day_of(NIGHT, "Tue 06:05")],
			"Mon Night: 21:50 +06:05 = 8.25 h, 0.25 over",
			roster=[NIGHT],
		)

	BOTH = (EARLY, LATE)

	def test_two_shifts_a_day_are_two_workdays(self):
		self.assert_cut(
			[*day_of(EARLY, "Mon 06:00", "Mon 13:59"), *day_of(LATE, "Mon 14:01", "Mon 22:00")],
			"Mon Early: 06:00 13:59 = 7.98 h",
			"Mon Late: 14:01 22:00 = 7.98 h",
			roster=self.BOTH,
		)
		first, second = shift("First", "Mon 08:00", 4), shift("Second", "Mon 17:00", 4)
		self.assert_cut(
			[*day_of(first, "Mon 08:05", "Mon 12:20"), *day_of(second, "Mon 16:50", "Mon 21:05")],
			"Mon First: 08:05 12:20 = 4.25 h, 0.25 over",
			"Mon Second: 16:50 21:05 = 4.25 h, 0.25 over",
			roster=[first, second],
		)

	def test_of_two_taps_at_the_border_the_first_ends_the_first_shift(self):
		for first, second in (("14:00:05", "14:00:40"), ("14:10", "14:10:59")):
			self.assert_cut(
				[tap("Mon 06:00", EARLY), *day_of(LATE, f"Mon {first}", f"Mon {second}", "Mon 22:00")],
				f"Mon Early: 06:00 {first} = {hours([loose('Mon 06:00', f'Mon {first}')]):g} h"
				+ (", 0.17 over" if first == "14:10" else ""),
				f"Mon Late: {second} 22:00 = {hours([loose(f'Mon {second}', 'Mon 22:00')]):g} h",
				roster=self.BOTH,
			)
		self.assert_cut(
			[
				tap("Mon 06:00 IN", EARLY),
				*day_of(LATE, "Mon 14:00:05 OUT", "Mon 14:00:40 IN", "Mon 22:00 OUT"),
			],
			"Mon Early: 06:00 14:00:05 = 8 h",
			"Mon Late: 14:00:40 22:00 = 7.99 h",
			roster=self.BOTH,
		)

	def test_a_late_out_goes_to_the_shift_that_lacks_it(self):
		self.assert_cut(
			[tap("Mon 06:00", EARLY), tap("Mon 14:20", LATE)],
			"Mon Early: 06:00 14:20 = 8.33 h, 0.33 over",
			"Mon Late: nobody",
			roster=self.BOTH,
		)
		self.assert_cut(
			[tap("Mon 06:00", EARLY), *day_of(LATE, "Mon 14:20", "Mon 14:30", "Mon 22:00")],
			"Mon Early: 06:00 14:20 = 8.33 h, 0.33 over",
			"Mon Late: 14:30 22:00 = 7.5 h",
			roster=self.BOTH,
		)
		self.assert_cut(
			[tap("Mon 06:00", EARLY), tap("Mon 14:20", LATE)],
			"Mon Early: 06:00 14:20 = 8.33 h, 0.33 over",
		)

	def test_a_shift_that_is_paired_keeps_its_beginning_and_one_that_is_ended_wants_nothing(self):
		self.assert_cut(
			[tap("Mon 06:00", EARLY), *day_of(LATE, "Mon 14:02", "Mon 22:00")],
			"Mon Early: 06:00 = 0 h, lacks a punch",
			"Mon Late: 14:02 22:00 = 7.97 h",
			roster=self.BOTH,
		)
		self.assert_cut(
			[*day_of(EARLY, "Mon 06:00", "Mon 13:50"), *day_of(LATE, "Mon 14:00:05", "Mon 14:00:40")],
			"Mon Early: 06:00 13:50 = 7.83 h",
			"Mon Late: 14:00:05 14:00:40 = 0 h, lacks a punch",
			roster=self.BOTH,
		)

	def test_beyond_the_window_as_it_would_be_uncut_nothing_is_taken(self):
		self.assert_cut(
			[tap("Mon 06:00", EARLY), tap("Mon 15:01", LATE)],
			"Mon Early: 06:00 = 0 h, lacks a punch",
			"Mon Late: 15:01 = 0 h, lacks a punch",
			roster=self.BOTH,
		)

	def test_what_was_reported_as_in_begins_the_second_shift(self):
		self.assert_cut(
			[tap("Mon 06:00 IN", EARLY), tap("Mon 14:03 IN", LATE)],
			"Mon Early: 06:00 = 0 h, lacks a punch",
			"Mon Late: 14:03 = 0 h, lacks a punch",
			roster=self.BOTH,
		)
		self.assert_cut(
			[tap("Mon 06:00 IN", EARLY), *day_of(LATE, "Mon 14:03 IN", "Mon 18:00 OUT", "Mon 18:30 IN")],
			"Mon Early: 06:00 = 0 h, lacks a punch",
			"Mon Late: 14:03 18:00 18:30 = 3.95 h, lacks a punch",
			roster=self.BOTH,
		)
		self.assert_cut(
			[tap("Mon 06:00 IN", EARLY), *day_of(LATE, "Mon 14:03 OUT", "Mon 14:30 IN", "Mon 22:00 OUT")],
			"Mon Early: 06:00 14:03 = 8.05 h, 0.05 over",
			"Mon Late: 14:30 22:00 = 7.5 h",
			roster=self.BOTH,
		)


class Fixed(Cuts):
	"""A check-in that is part of an attendance."""

	def test_it_stays_in_the_shift_that_it_says(self):
		fixed = [replace(checkin, answered=NIGHT) for checkin in day_of(MON, "Mon 09:00", attendance="A")]
		self.assert_cut(
			[*fixed, *day_of(MON, "Mon 18:00")],
			"Mon Day: 09:00 18:00 = 9 h",
			"Mon Night: nobody",
			roster=[NIGHT],
		)
		self.assertTrue(fixed[0].is_noted_otherwise)

	def test_it_ends_no_other_shift(self):
		self.assert_cut(
			[tap("Mon 06:00", EARLY), tap("Mon 14:20", LATE, attendance="A")],
			"Mon Early: 06:00 = 0 h, lacks a punch",
			"Mon Late: 14:20 = 0 h, lacks a punch",
			roster=[EARLY, LATE],
		)
		self.assert_cut(
			[tap("Mon 06:00", EARLY), tap("Mon 20:00", LATE, attendance="A")],
			"Mon Early: 06:00 = 0 h, lacks a punch",
			"Mon Late: 20:00 = 0 h, lacks a punch",
			roster=[EARLY],
		)

	def test_off_shift_it_goes_to_no_shift(self):
		self.assert_cut(
			[tap("Mon 09:00", MON), *loose("Mon 20:00", "Mon 22:30", attendance="A")],
			"Mon: 20:00 22:30 = 2.5 h",
			"Mon Day: 09:00 = 0 h, lacks a punch",
		)
		self.assert_cut(
			[tap("Mon 18:00", MON), *loose("Mon 05:00", "Mon 07:30", attendance="A")],
			"Mon: 05:00 07:30 = 2.5 h",
			"Mon Day: 18:00 = 0 h, lacks a punch",
		)

	def test_it_is_of_the_shift_that_others_of_its_attendance_are_of(self):
		self.assert_cut(
			[tap("Mon 09:00", MON, attendance="A"), *loose("Mon 20:30", attendance="A")],
			"Mon Day: 09:00 20:30 = 11.5 h, 2.5 over",
		)

	def test_without_a_shift_attendance_of_calendar_days_divides_nights(self):
		written = [
			*loose("Mon 19:55", attendance="Mon"),
			*loose("Tue 06:05", "Tue 19:58", attendance="Tue"),
		]
		self.assert_cut(
			[*written, *loose("Wed 06:02", "Wed 19:57", "Thu 06:01")],
			"Mon: 19:55 = 0 h, lacks a punch",
			"Tue: 06:05 19:58 = 13.88 h",
			"Wed: 06:02 | 19:57 +06:01 = 10.07 h, lacks a punch",
		)

	def test_without_a_shift_a_late_punch_is_of_the_day_that_is_written(self):
		self.assert_cut([*loose("Mon 09:00", attendance="A"), *loose("Mon 18:00")], "Mon: 09:00 18:00 = 9 h")

	def test_the_end_of_a_shift_that_has_an_attendance_is_found_outside_all_the_same(self):
		self.assert_cut(
			[tap("Mon 09:00", MON, attendance="A"), *loose("Mon 20:30")],
			"Mon Day: 09:00 (20:30) = 11.5 h, 2.5 over",
		)

	def test_a_start_on_a_free_day_is_not_the_end_of_the_shift_before(self):
		self.assert_cut(
			[tap("Mon 18:05", MON), *loose("Tue 08:00", "Tue 13:00")],
			"Mon Day: 18:05 = 0 h, lacks a punch",
			"Tue: 08:00 13:00 = 5 h",
		)

	def test_a_split_duty_is_clear_where_both_cuts_say_the_same(self):
		self.assert_cut(
			loose("Mon 08:00", "Mon 12:00", "Mon 19:00", "Mon 21:00"), "Mon: 08:00 12:00 | 19:00 21:00 = 6 h"
		)


# --- properties

TYPES = ("", "IN", "OUT")
GAPS = st.one_of(
	st.sampled_from([0, 20, 60, 61, 1800, 3600, 4 * 3600, 6 * 3600 - 1, 6 * 3600, 8 * 3600, 12 * 3600]),
	st.sampled_from([16 * 3600, 16 * 3600 + 1, 20 * 3600, 30 * 3600]),
	st.integers(1, 17 * 3600),
)
LENGTHS = st.sampled_from([LONGEST, LONGEST, 26 * HOUR, 10 * HOUR])


def numbered(moments: Iterable[datetime], log_types: Sequence[str] = ()) -> list[CheckIn]:
	types = [*log_types, *[""] * 200]
	return [CheckIn(moment, f"C{number}", types[number]) for number, moment in enumerate(moments)]


def after(gaps: Iterable[float]) -> list[datetime]:
	"""The seconds between them, the first after Monday midnight."""
	found, moment = [], MONDAY
	for gap in gaps:
		moment += timedelta(seconds=gap)
		found.append(moment)
	return found


@st.composite
def taps_of_a_run(draw, most: int = 14, gaps=GAPS) -> list[CheckIn]:
	moments = after(draw(st.lists(gaps, min_size=1, max_size=most)))
	count = len(moments)
	some = st.lists(st.sampled_from(TYPES), min_size=count, max_size=count)
	return numbered(moments, draw(st.one_of(st.just([""] * count), some)))


def occurrences(pattern: str) -> list[Shift]:
	"""Of five days. Where two meet, the window of the first is cut."""
	found = []
	for day in WEEK[:5]:
		if "D" in pattern:
			found.append(shift("Day", f"{day} 09:00", 9))
		if "E" in pattern:
			found.append(shift("Early", f"{day} 06:00", 8, closes=f"{day} 14:00"))
		if "L" in pattern:
			found.append(shift("Late", f"{day} 14:00", 8, opens=f"{day} 14:00"))
		if "N" in pattern:
			found.append(shift("Night", f"{day} 22:00", 8))
	return found


PATTERNS = st.sampled_from(["D", "EL", "N", "DN", "EN"])


def in_its_window(moment: datetime, shifts: Sequence[Shift]) -> Shift | None:
	return next((each for each in reversed(shifts) if each.opens <= moment <= each.closes), None)


@st.composite
def a_week(draw) -> tuple[list[CheckIn], list[Shift]]:
	"""Check-ins with and without a shift, noted, answered or fixed, and a roster."""
	shifts = occurrences(draw(PATTERNS))
	roster = [each for each in shifts if draw(st.booleans())]
	found = []
	for number, moment in enumerate(after(draw(st.lists(GAPS, max_size=14)))):
		answered = in_its_window(moment, shifts) if draw(st.integers(0, 5)) else None
		noted = answered if draw(st.integers(0, 5)) else None
		attendance = "" if draw(st.integers(0, 5)) else "A"
		log_type = draw(st.sampled_from(TYPES))
		found.append(CheckIn(moment, f"C{number}", log_type, noted, answered, attendance=attendance))
	return found, roster


CHANGES = st.tuples(
	st.sampled_from(["add", "remove", "move"]), st.integers(0, 99), st.integers(-3600, 5 * 86400)
)


def changed(
	checkins: Sequence[CheckIn], change: tuple[str, int, int], log_type: str = ""
) -> tuple[list[CheckIn], CheckIn | None, CheckIn | None]:
	"""What comes of it, the check-in that goes and the one that comes."""
	what, place, seconds = change
	gone = checkins[place % len(checkins)] if what != "add" else None
	left = [checkin for checkin in checkins if checkin is not gone]
	moment = MONDAY + timedelta(seconds=seconds)
	come = CheckIn(moment, "new", gone.log_type if gone else log_type) if what != "remove" else None
	return left + [come] * bool(come), gone, come


def runs(checkins: Iterable[CheckIn], longest: timedelta) -> list[list[CheckIn]]:
	found: list[list[CheckIn]] = []
	for checkin in sorted(checkins, key=lambda checkin: (checkin.time, checkin.name)):
		if found and checkin.time - found[-1][-1].time <= longest:
			found[-1].append(checkin)
		else:
			found.append([checkin])
	return found


def names(checkins: Iterable[CheckIn]) -> set[str]:
	return {checkin.name for checkin in checkins}


def pieces_of(workdays: Iterable[Workday]) -> list[Piece]:
	return sorted(
		(piece for workday in workdays for piece in workday.pieces), key=lambda piece: piece[0].time
	)


def divisions(count: int) -> Iterator[list[tuple[int, int]]]:
	for size in range(count):
		for borders in combinations(range(1, count), size):
			yield [(first, last - 1) for first, last in pairwise([0, *borders, count])]


def cost_of(groups: Sequence[Piece], division: Sequence[tuple[int, int]]) -> Cost:
	"""As design §4 says it, written down once more."""
	short = sum(groups[first][0].time - groups[first - 1][-1].time < APART for first, _last in division[1:])
	against, odd, inside = 0, 0, 0
	for first, last in division:
		for place, group in enumerate(groups[first : last + 1]):
			against += group[0].log_type == ("OUT" if place % 2 == 0 else "IN")
		odd += (last - first + 1) % 2
		for place in range(first, last, 2):
			inside += int((groups[place + 1][-1].time - groups[place][0].time) / HOUR + 0.5)
	return Cost(short, against, odd, inside)


def told_by(groups: Sequence[Piece], division: Sequence[tuple[int, int]]) -> list[tuple[date, int | None]]:
	"""Of each tap: the date of its stretch, and its partner."""
	told: list[tuple[date, int | None]] = []
	for first, last in division:
		for tap in range(first, last + 1):
			partner = tap + 1 if (tap - first) % 2 == 0 else tap - 1
			told.append((groups[first][0].time.date(), partner if partner <= last else None))
	return told


class Properties(unittest.TestCase):
	@given(a_week(), st.randoms(use_true_random=False))
	def test_the_order_in_which_check_ins_came_is_of_no_matter(self, week, chance):
		checkins, roster = week
		shuffled, rostered = list(checkins), list(roster)
		chance.shuffle(shuffled)
		chance.shuffle(rostered)
		self.assertEqual(cut(shuffled, rostered), cut(checkins, roster))

	@given(a_week(), LENGTHS)
	def test_every_check_in_is_in_one_workday_and_every_expected_shift_has_one(self, week, longest):
		checkins, roster = week
		found = cut(checkins, roster, longest)
		counted = Counter(checkin.name for workday in found for checkin in workday.checkins)
		self.assertEqual(counted, Counter(checkin.name for checkin in checkins))
		self.assertEqual({each.shift for each in found if each.expected}, set(roster))
		self.assertEqual(len({workday.name_for("HR-1") for workday in found}), len(found))
		for workday in found:
			self.assertTrue(workday.expected or workday.checkins)
			self.assertLessEqual(workday.outside, names(workday.checkins))

	@given(a_week(), LENGTHS)
	def test_what_an_attendance_fixes_stays_where_it_is(self, week, longest):
		checkins, roster = week
		for workday in cut(checkins, roster, longest):
			for checkin in workday.checkins:
				with_others = {one.attendance for one in workday.checkins if one.shift}
				if checkin.attendance and (checkin.shift or checkin.attendance not in with_others):
					self.assertEqual(checkin.shift and checkin.shift.key, workday.shift and workday.shift.key)
					self.assertNotIn(checkin.name, workday.outside)

	@given(a_week(), LENGTHS)
	def test_what_is_taken_from_outside_makes_no_workday_longer_than_the_longest(self, week, longest):
		checkins, roster = week
		for workday in cut(checkins, roster, longest):
			if workday.outside:
				self.assertLessEqual(workday.checkins[-1].time - workday.checkins[0].time, longest)

	@given(taps_of_a_run(), CHANGES, st.sampled_from(TYPES), LENGTHS)
	def test_without_a_shift_a_change_stays_in_its_run(self, checkins, change, log_type, longest):
		after_it, gone, come = changed(checkins, change, log_type)
		whole, made = cut(checkins, (), longest), cut(after_it, (), longest)
		touched: set[str] = set()
		for these, concerned in ((checkins, gone), (after_it, come)):
			for run in runs(these, longest):
				if concerned in run:
					touched |= names(run)
		# stretches of two runs may begin on one date
		dates = {workday.date for workday in whole + made if names(workday.checkins) & touched}
		self.assertEqual(
			[workday for workday in whole if workday.date not in dates],
			[workday for workday in made if workday.date not in dates],
		)
		self.assertEqual(
			[piece for piece in pieces_of(whole) if not names(piece) & touched],
			[piece for piece in pieces_of(made) if not names(piece) & touched],
		)

	@given(
		PATTERNS,
		st.lists(st.integers(5 * 3600, 5 * 86400), min_size=1, max_size=16),
		st.lists(st.sampled_from(TYPES), min_size=16, max_size=16),
		st.sets(st.integers(0, 9)),
		CHANGES,
	)
	@example("EN", [18000, 75600, 104400], [""] * 16, {0}, ("remove", 0, 0))
	def test_with_shifts_a_change_reaches_two_days_at_most(
		self, pattern, seconds, log_types, rostered, change
	):
		shifts = occurrences(pattern)
		roster = [each for number, each in enumerate(shifts) if number in rostered]

		def noted(checkins: Iterable[CheckIn]) -> list[CheckIn]:
			found = ((checkin, in_its_window(checkin.time, shifts)) for checkin in checkins)
			return [replace(checkin, noted=of, answered=of) for checkin, of in found if of]

		before = noted(numbered((MONDAY + timedelta(seconds=each) for each in seconds), log_types))
		assume(before)
		made, gone, come = changed(before, change)
		changed_ones = noted([each for each in (gone, come) if each])
		assume(len(changed_ones) == (change[0] == "move") + 1)
		made = noted(made)

		def far(workday: Workday) -> bool:
			return all(abs(workday.date - each.time.date()) > 2 * DAY for each in changed_ones)

		self.assertEqual(
			[each for each in cut(before, roster) if far(each)],
			[each for each in cut(made, roster) if far(each)],
		)

	@given(taps_of_a_run(), LENGTHS)
	def test_no_stretch_is_too_long_and_no_tap_is_divided(self, checkins, longest):
		found = pieces_of(cut(checkins, (), longest))
		for piece in found:
			if len(taps(piece)) > 1:
				self.assertLessEqual(piece[-1].time - piece[0].time, longest)
		whole = [group for run in runs(checkins, longest) for group in taps(run)]
		self.assertEqual([group for piece in found for group in taps(piece)], whole)

	@given(taps_of_a_run(20, st.integers(60, 7 * 3600)), LENGTHS)
	def test_a_pause_shorter_than_six_hours_divides_only_where_there_is_no_other_way(self, checkins, longest):
		needed = 0
		begin: datetime | None = None
		groups = taps(checkins)
		for before, group in zip([None, *groups], groups, strict=False):
			if begin is None or (before and group[0].time - before[-1].time >= APART):
				begin = group[0].time
			elif group[-1].time - begin > longest:
				needed, begin = needed + 1, group[0].time
		found = pieces_of(cut(checkins, (), longest))
		self.assertEqual(sum(b[0].time - a[-1].time < APART for a, b in pairwise(found)), needed)

	@settings(max_examples=150)
	@given(taps_of_a_run(9), LENGTHS)
	def test_no_other_cut_is_better_and_one_as_good_that_says_something_else_makes_it_unclear(
		self, checkins, longest
	):
		expected: list[tuple[Piece, bool]] = []
		for run in runs(checkins, longest):
			groups = taps(run)
			allowed = [
				division
				for division in divisions(len(groups))
				if all(a == b or groups[b][-1].time - groups[a][0].time <= longest for a, b in division)
			]
			costs = [cost_of(groups, division) for division in allowed]
			best = [each for each, cost in zip(allowed, costs, strict=True) if cost == min(costs)]
			says = [told_by(groups, division) for division in best]
			for first, last in min(best):
				piece = sum(groups[first : last + 1], ())
				is_unclear = any(len({said[tap] for said in says}) > 1 for tap in range(first, last + 1))
				expected.append((piece, is_unclear))
		found = cut(checkins, (), longest)
		self.assertEqual(pieces_of(found), [piece for piece, _unclear in expected])
		for workday in found:
			unclear = any(unclear for piece, unclear in expected if piece in workday.pieces)
			self.assertEqual(workday.is_unclear, unclear)

	@given(st.lists(st.integers(-40, 40), min_size=6, max_size=24), st.integers(0, 99), st.booleans())
	def test_a_punch_forgotten_by_day_changes_no_other_day(self, jitter, place, is_typed):
		self.assert_only_its_own(9, 18, jitter, place, is_typed, by_date=True)

	@given(st.lists(st.integers(-40, 40), min_size=6, max_size=24), st.integers(0, 99), st.booleans())
	def test_a_punch_forgotten_by_night_changes_no_other_night(self, jitter, place, is_typed):
		self.assert_only_its_own(20, 30, jitter, place, is_typed, by_date=False)

	def assert_only_its_own(self, begin, end, jitter, place, is_typed, *, by_date):
		"""by_date: also the workday of the date. The OUT of a night whose IN is forgotten lies on the date of the next one."""
		moments = [
			MONDAY + number // 2 * DAY + (end if number % 2 else begin) * HOUR + minutes * MINUTE
			for number, minutes in enumerate(jitter[: len(jitter) // 2 * 2])
		]
		checkins = numbered(moments, ["IN", "OUT"] * 12 if is_typed else ())
		forgotten = checkins[place % len(checkins)]
		whole, left = cut(checkins), cut([each for each in checkins if each is not forgotten])
		self.assertEqual([len(workday.checkins) for workday in whole], [2] * (len(moments) // 2))
		(own,) = [workday for workday in whole if forgotten in workday.checkins]
		others = [workday for workday in whole if workday is not own]
		if by_date:
			self.assertEqual([workday for workday in left if workday.date != own.date], others)
		rest = tuple(each for each in own.checkins if each is not forgotten)
		self.assertEqual(
			Counter(pieces_of(left)), Counter([rest, *(piece for each in others for piece in each.pieces)])
		)
		self.assertFalse(any(workday.is_unclear for workday in left))
		self.assertAlmostEqual(
			sum(workday.hours for workday in left), sum(workday.hours for workday in others)
		)

	@given(taps_of_a_run())
	def test_a_tap_is_what_lies_within_a_minute(self, checkins):
		groups = taps(checkins)
		self.assertEqual([checkin for group in groups for checkin in group], checkins)
		for group in groups:
			self.assertLessEqual(group[-1].time - group[0].time, TAP)
			self.assertNotIn(("OUT", "IN"), list(pairwise(checkin.log_type for checkin in group)))


if __name__ == "__main__":
	unittest.main()
