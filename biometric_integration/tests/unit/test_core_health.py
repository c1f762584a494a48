"""How a server stands."""

from __future__ import annotations

import unittest
from datetime import datetime, timedelta

from biometric_integration.core.health import Health, health

NOW = datetime(2025, 4, 7, 12)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def state(
	last_success=None, *, enabled=True, failing=False, since=NOW - 30 * DAY, interval=MINUTE, now=NOW
) -> Health:
	return health(enabled, failing, last_success, since, interval, now)


class OneWord(unittest.TestCase):
	def test_it_is_well_as_long_as_it_is_read(self):
		self.assertIs(state(NOW - MINUTE), Health.OK)
		self.assertIs(state(NOW - 20 * MINUTE, interval=10 * MINUTE), Health.OK)
		self.assertIs(state(NOW - 2 * DAY, interval=timedelta(0)), Health.OK)

	def test_three_intervals_of_silence_are_never_shown_as_good(self):
		self.assertIs(state(NOW - 6 * MINUTE), Health.STALLED)
		self.assertIs(state(NOW - 31 * MINUTE, interval=10 * MINUTE), Health.STALLED)
		self.assertIs(state(NOW - 4 * DAY, interval=timedelta(0)), Health.STALLED)
		self.assertIs(state(None), Health.STALLED)

	def test_what_was_just_set_up_is_new(self):
		self.assertIs(state(None, since=NOW - MINUTE), Health.NEW)
		self.assertIs(state(NOW - 3 * DAY, since=NOW - MINUTE), Health.OK)

	def test_a_success_in_the_future_counts_as_never(self):
		self.assertIs(state(NOW + 400 * DAY), Health.STALLED)
		self.assertIs(state(NOW + 400 * DAY, since=NOW), Health.NEW)

	def test_failing_comes_first_and_what_is_off_is_neither_good_nor_bad(self):
		self.assertIs(state(NOW, failing=True), Health.FAILING)
		self.assertIs(state(NOW, failing=True, enabled=False), Health.FAILING)
		self.assertIs(state(NOW - 3 * DAY, enabled=False), Health.OFF)
