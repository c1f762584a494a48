"""Some days of a person, judged by themselves, say what all days together say of them."""

from __future__ import annotations

import unittest
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from biometric_integration.core.workday import CheckIn, Days, Shift, Workday, cut, judged_together

HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
FIRST = datetime(2025, 4, 1)
CASES = 2500


@dataclass
class Person:
	"""Some weeks of somebody who is on shifts now and then, and punches at about the same hours."""

	longest: timedelta
	checkins: list[CheckIn]
	roster: list[Shift]
	days: int

	def cut(self, between: Days | None = None) -> list[Workday]:
		"""By what is known of these days alone."""
		first, last = between or (date.min, date.max)
		checkins = [one for one in self.checkins if first <= one.time.date() <= last]
		return cut(
			checkins, [each for each in self.roster if first <= each.start.date() <= last], self.longest
		)

	def judged(self, days: Days) -> tuple[Days, list[Workday]]:
		"""As the lane does it: more is read until it says that this is enough."""
		reach = 3 * DAY
		while True:
			read = days[0] - reach, days[1] + reach
			checkins = [one for one in self.checkins if read[0] <= one.time.date() <= read[1]]
			if whole := judged_together(checkins, days, read, self.longest):
				return whole, self.cut(read)
			reach += 30 * DAY


def somebody(random: Random) -> Person:
	days = random.randint(6, 20)
	starts = random.choice([(), (22,), (9,), (6, 14), (14,), (8,)])
	density = random.choice([0.1, 0.3, 0.7, 1])
	shifts = [_shift(day, hour) for day in range(days) for hour in starts if random.random() < density]
	hours = random.choice([(8, 20), (8,), (6, 14, 22), (9, 18), (2, 8, 20)])
	moments = {
		FIRST + day * DAY + hour * HOUR + random.randint(-70, 70) * MINUTE
		for day in range(days)
		for hour in (*hours, random.randrange(24))
		if random.random() < 0.7
	}
	types = random.choice([("",), ("",), ("", "IN", "OUT")])
	checkins = [
		_checkin(number, moment, random.choice(types), shifts)
		for number, moment in enumerate(sorted(moments))
	]
	roster = [each for each in shifts if random.random() < 0.8]
	return Person(random.choice([12, 16, 16, 20, 26]) * HOUR, checkins, roster, days)


def _shift(day: int, hour: int) -> Shift:
	start = FIRST + day * DAY + hour * HOUR
	end = start + 8 * HOUR
	return Shift(start, f"{hour}", end, start - HOUR, end + HOUR, end + HOUR)


def _checkin(number: int, moment: datetime, log_type: str, shifts: Sequence[Shift]) -> CheckIn:
	of = next((each for each in shifts if each.opens <= moment <= each.closes), None)
	return CheckIn(moment, f"C{number:03}", log_type, of, of)


def shown(workdays: Iterable[Workday], days: Days) -> dict:
	return {
		(each.date, each.shift): (each.pieces, each.outside, each.is_unclear)
		for each in workdays
		if days[0] <= each.date <= days[1]
	}


class ByThemselves(unittest.TestCase):
	def test_days_say_what_all_days_together_say_of_them(self):
		for seed in range(CASES):
			random = Random(seed)
			person = somebody(random)
			first = FIRST.date() + random.randrange(person.days) * DAY
			days = first, first + random.choice([0, 0, 1, 2, 5, 10]) * DAY
			final, workdays = person.judged(days)
			self.assertLessEqual(final[0], days[0])
			self.assertGreaterEqual(final[1], days[1])
			self.assertEqual(shown(workdays, final), shown(person.cut(), final), (seed, days))

	def test_more_is_asked_for_as_long_as_a_run_may_go_on(self):
		moments = [FIRST + number * 12 * HOUR for number in range(20)]
		checkins = [CheckIn(moment, f"C{moment}") for moment in moments]
		monday = FIRST.date() + 4 * DAY
		self.assertIsNone(
			judged_together(checkins, (monday, monday), (monday - 3 * DAY, monday + 3 * DAY), 16 * HOUR)
		)
		all_days = FIRST.date() - 4 * DAY, FIRST.date() + 14 * DAY
		self.assertEqual(
			judged_together(checkins, (monday, monday), all_days, 16 * HOUR),
			(FIRST.date(), FIRST.date() + 9 * DAY),
		)

	def test_a_week_without_a_shift_is_told_from_what_is_read_at_first(self):
		"""Most people of a site without shifts: their days hang together from Monday to Friday."""
		moments = [
			FIRST + day * DAY + hour * HOUR for day in range(-5, 12) if day % 7 < 5 for hour in (9, 18)
		]
		checkins = [CheckIn(moment, f"C{moment}") for moment in moments]
		monday = FIRST.date()
		day, read = monday + 2 * DAY, (monday - DAY, monday + 5 * DAY)
		within = [one for one in checkins if read[0] <= one.time.date() <= read[1]]
		self.assertEqual(judged_together(within, (day, day), read, 16 * HOUR), (monday, monday + 4 * DAY))

	def test_a_run_that_begins_where_a_long_night_may_end_is_read_to_its_end(self):
		"""Whether its first check-in ends that night hangs on all of it."""
		monday = FIRST.date()
		moments = [FIRST + hours * HOUR for hours in (22, 48, 68, 88)]
		checkins = [_checkin(*each, "", [_shift(0, 22)]) for each in enumerate(moments)]
		read = monday - 3 * DAY, monday + 3 * DAY
		self.assertIsNone(judged_together(checkins, (monday, monday), read, 26 * HOUR))
		read = monday - 3 * DAY, monday + 6 * DAY
		self.assertEqual(judged_together(checkins, (monday, monday), read, 26 * HOUR), (monday, monday))

	def test_days_that_hang_together_with_no_others_stay_alone(self):
		monday = FIRST.date()
		checkins = [_checkin(0, FIRST + 9 * HOUR, "", [_shift(0, 9)])]
		read = monday - 3 * DAY, monday + 3 * DAY
		self.assertEqual(judged_together(checkins, (monday, monday), read, 16 * HOUR), (monday, monday))
