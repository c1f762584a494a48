from __future__ import annotations

import unittest
from datetime import date

from biometric_integration.core.desertion import is_deserted

SIGN = date(2025, 4, 7)
DAYS = {date(2025, 4, day) for day in (8, 9, 10)}


class Deserted(unittest.TestCase):
	def test_when_all_of_its_people_do_without_it(self):
		self.assertTrue(is_deserted(SIGN, {"A", "B"}, {"A": DAYS, "B": DAYS | {date(2025, 4, 11)}}))

	def test_not_while_one_of_them_does_not(self):
		self.assertFalse(is_deserted(SIGN, {"A", "B"}, {"A": DAYS}))
		self.assertFalse(is_deserted(SIGN, {"A"}, {"A": set(sorted(DAYS)[:2])}))

	def test_days_before_it_fell_silent_do_not_count(self):
		self.assertFalse(is_deserted(date(2025, 4, 8), {"A"}, {"A": DAYS}))

	def test_nothing_is_said_of_one_that_nobody_used(self):
		self.assertFalse(is_deserted(SIGN, set(), {}))
