"""How far a clock is ahead, as far as it can be proven."""

from __future__ import annotations

import unittest
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from biometric_integration.core.drift import Clock, clocks, usual_lead

NOON = datetime(2025, 4, 7, 12)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
ALLOWED = 10 * MINUTE


class Drift(unittest.TestCase):
	def test_what_is_allowed_proves_nothing(self):
		self.assertEqual(clocks([("gate", NOON, ALLOWED), ("gate", NOON, -DAY)], {}, ALLOWED), {})

	@given(st.lists(st.integers(-60, 60), min_size=1))
	def test_a_clock_is_ahead_by_its_largest_lead(self, minutes):
		found = clocks([("gate", NOON, number * MINUTE) for number in minutes], {}, ALLOWED)
		largest = max(minutes) * MINUTE
		self.assertEqual(found, {"gate": Clock(largest, NOON)} if largest > ALLOWED else {})

	def test_one_device_says_nothing_about_another(self):
		found = clocks([("gate", NOON, 15 * MINUTE), ("door", NOON, MINUTE)], {}, ALLOWED)
		self.assertEqual(set(found), {"gate"})

	def test_a_proof_counts_for_a_day(self):
		known = {"gate": Clock(30 * MINUTE, NOON)}
		for arrived, expected in ((NOON + DAY, 30), (NOON + DAY + MINUTE, 15)):
			found = clocks([("gate", arrived, 15 * MINUTE)], known, ALLOWED)
			self.assertEqual(found["gate"], Clock(expected * MINUTE, arrived))
		self.assertFalse(known["gate"].shows_in(20 * MINUTE, NOON + DAY + MINUTE))

	def test_what_arrived_long_before_changes_nothing(self):
		known = {"gate": Clock(15 * MINUTE, NOON)}
		self.assertEqual(clocks([("gate", NOON - 3 * DAY, DAY)], known, ALLOWED), known)

	def test_what_is_allowed_by_now_is_no_proof_any_more(self):
		known = {"gate": Clock(12 * MINUTE, NOON), "door": Clock(20 * MINUTE, NOON)}
		self.assertEqual(clocks([("gate", NOON, 12 * MINUTE)], known, 15 * MINUTE), {"door": known["door"]})

	def test_a_smaller_lead_shows_the_same_clock_down_to_half_of_it(self):
		clock = Clock(15 * MINUTE, NOON)
		self.assertTrue(clock.shows_in(9 * MINUTE, NOON))
		self.assertFalse(clock.shows_in(2 * MINUTE, NOON))

	def test_the_usual_lead_is_the_largest_of_those_that_are_alike(self):
		fifteen = [number * MINUTE for number in (9, 12, 15, 14)]
		self.assertEqual(usual_lead(fifteen), 15 * MINUTE)
		self.assertEqual(usual_lead([*fifteen, 5 * DAY, 20_000 * DAY]), 15 * MINUTE)
		self.assertEqual(usual_lead([timedelta(seconds=90, microseconds=1)]), timedelta(seconds=91))
		self.assertEqual(usual_lead([]), timedelta(0))
