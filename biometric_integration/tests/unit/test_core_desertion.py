from __future__ import annotations

import unittest
from datetime import date, timedelta

from biometric_integration.core.desertion import deserted_since

SIGN = date(2025, 4, 7)
DAYS = {date(2025, 4, day) for day in (8, 9, 10)}


class Deserted(unittest.TestCase):
	def test_when_all_of_its_people_do_without_it_from_the_day_when_the_last_of_them_does(self):
		later = {day + timedelta(days=2) for day in DAYS}
		self.assertEqual(deserted_since(SIGN, {"A"}, {"A": DAYS}), min(DAYS))
		self.assertEqual(deserted_since(SIGN, {"A", "B"}, {"A": DAYS, "B": later}), min(later))

	def test_not_while_one_of_them_does_not(self):
		self.assertIsNone(deserted_since(SIGN, {"A", "B"}, {"A": DAYS}))
		self.assertIsNone(deserted_since(SIGN, {"A"}, {"A": set(sorted(DAYS)[:2])}))

	def test_days_before_it_fell_silent_do_not_count(self):
		self.assertIsNone(deserted_since(date(2025, 4, 8), {"A"}, {"A": DAYS}))

	def test_nothing_is_said_of_one_that_nobody_used(self):
		self.assertIsNone(deserted_since(SIGN, set(), {}))
