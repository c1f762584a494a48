from __future__ import annotations

import unittest
from datetime import datetime, timedelta

from biometric_integration.core.pings import MOST, PAUSE, Pinged, due

NOW = datetime(2025, 4, 7, 10)
SECOND = timedelta(seconds=1)


def names(*devices: Pinged) -> list[str]:
	return [each.device for each in due(devices, NOW)]


class Due(unittest.TestCase):
	def test_who_was_asked_about_longest_ago_is_first(self):
		late = Pinged("LATE", "S1", NOW - PAUSE)
		self.assertEqual(
			names(late, Pinged("OLD", "S2", NOW - 2 * PAUSE), Pinged("NEW", "S3")), ["NEW", "OLD", "LATE"]
		)

	def test_nobody_is_asked_about_again_too_soon(self):
		self.assertEqual(names(Pinged("A", "S1", NOW - PAUSE + SECOND), Pinged("B", "S2", NOW)), [])

	def test_a_time_in_the_future_is_of_a_wrong_clock(self):
		self.assertEqual(names(Pinged("A", "S1", NOW + SECOND)), ["A"])

	def test_a_run_has_a_budget(self):
		self.assertEqual(len(due([Pinged(str(number), "S") for number in range(50)], NOW)), MOST)
		self.assertEqual(len(due([Pinged(str(number), "S") for number in range(50)], NOW, None)), 50)
