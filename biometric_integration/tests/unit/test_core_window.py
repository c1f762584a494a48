"""Cutting stretches of time into requests."""

from __future__ import annotations

import unittest
from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from biometric_integration.core.window import (
	DAY,
	SECOND,
	SMALLEST_HALF,
	Window,
	by_day,
	midnight,
	month_start,
	next_month,
	within_months,
)

MOMENTS = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2090, 1, 1)).map(
	lambda moment: moment.replace(microsecond=0)
)
LENGTHS = st.integers(0, 120 * 86400).map(lambda seconds: timedelta(seconds=seconds))
WINDOWS = st.builds(lambda start, length: Window(start, start + length), MOMENTS, LENGTHS)
LONGEST = st.integers(3600, 40 * 86400).map(lambda seconds: timedelta(seconds=seconds))


class Slices(unittest.TestCase):
	def assert_covers(self, window: Window, slices: list[Window]):
		for earlier, later in pairwise(slices):
			self.assertEqual(earlier.end, later.start)
		if window.length:
			self.assertEqual((slices[0].start, slices[-1].end), (window.start, window.end))
		else:
			self.assertEqual(slices, [])

	@given(WINDOWS)
	def test_days_cover_the_window_exactly_and_never_cross_midnight(self, window):
		slices = list(by_day(window))
		self.assert_covers(window, slices)
		for piece in slices:
			self.assertGreater(piece.length, timedelta(0))
			self.assertLessEqual(piece.end, midnight(piece.start) + DAY)

	@given(WINDOWS, LONGEST)
	def test_months_cover_the_window_exactly_and_never_cross_a_first(self, window, longest):
		slices = list(within_months(window, longest))
		self.assert_covers(window, slices)
		for piece in slices:
			self.assertGreater(piece.length, timedelta(0))
			self.assertLessEqual(piece.length, longest)
			last = piece.end - SECOND
			self.assertEqual((piece.start.year, piece.start.month), (last.year, last.month))

	@given(WINDOWS)
	def test_halves_make_up_the_whole(self, window):
		if halves := window.halves():
			self.assert_covers(window, list(halves))
			for half in halves:
				self.assertGreaterEqual(half.length, SMALLEST_HALF)
		else:
			self.assertLess(window.length, 2 * SMALLEST_HALF)

	@given(WINDOWS)
	def test_halving_comes_to_an_end(self, window):
		depth = 0
		while halves := window.halves():
			window, depth = max(halves, key=lambda half: half.length), depth + 1
		self.assertLessEqual(depth, 14, "120 days are 14 halvings away from a quarter of an hour")

	@given(WINDOWS, MOMENTS)
	def test_clipping_keeps_what_is_before_the_end(self, window, end):
		clipped = window.clipped(end)
		self.assertEqual(clipped.start, window.start)
		self.assertEqual(clipped.end, window.end if end >= window.end else max(end, window.start))


class Examples(unittest.TestCase):
	def test_a_window_never_ends_before_it_starts(self):
		with self.assertRaises(ValueError):
			Window(datetime(2025, 4, 2), datetime(2025, 4, 1))

	def test_a_night_is_two_days(self):
		night = Window(datetime(2025, 4, 30, 22), datetime(2025, 5, 1, 6))
		first = datetime(2025, 5, 1)
		self.assertEqual(list(by_day(night)), [Window(night.start, first), Window(first, night.end)])
		self.assertEqual(
			list(within_months(night, 30 * DAY)), [Window(night.start, first), Window(first, night.end)]
		)

	def test_the_month_after_a_long_one_is_not_skipped(self):
		self.assertEqual(next_month(datetime(2025, 1, 31, 23, 59)), datetime(2025, 2, 1))
		self.assertEqual(next_month(datetime(2024, 12, 5)), datetime(2025, 1, 1))
		self.assertEqual(month_start(datetime(2024, 2, 29, 12)), datetime(2024, 2, 1))

	def test_less_than_half_an_hour_is_not_halved(self):
		start = datetime(2025, 4, 1)
		self.assertEqual(Window(start, start + timedelta(minutes=29, seconds=59)).halves(), ())
		self.assertEqual(len(Window(start, start + timedelta(minutes=30)).halves()), 2)


if __name__ == "__main__":
	unittest.main()
