from __future__ import annotations

import unittest
from datetime import datetime, timedelta

from biometric_integration.core.arrivals import Arrival, arrivals
from biometric_integration.core.punch import Direction, Kind, Punch

TEN = datetime(2025, 4, 7, 10, 5)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
DRIFT = 10 * MINUTE


def punch(time: datetime | None, arrived: datetime | None = TEN, device: str = "GATE") -> Punch:
	return Punch("name", Kind.PUNCH, device, "7", time, time, Direction.IN, "", arrived=arrived)


def only(*punches: Punch) -> Arrival:
	(found,) = arrivals(punches, TEN, DRIFT)
	return found


class Arrivals(unittest.TestCase):
	def test_fresh_punches_and_a_backlog_are_told_apart(self):
		found = only(
			punch(TEN - HOUR), punch(TEN - MINUTE), punch(TEN - HOUR - MINUTE), punch(TEN - 9 * HOUR)
		)
		self.assertEqual((found.punches, found.backlog), (2, 2))
		self.assertEqual((found.hour, found.at, found.sign), (TEN.replace(minute=0), TEN, TEN - MINUTE))

	def test_a_sign_of_life_is_never_later_than_the_arrival(self):
		self.assertEqual(only(punch(TEN + DRIFT)).sign, TEN)

	def test_a_clock_that_is_ahead_or_has_lost_its_time_gives_no_sign(self):
		for time in (TEN + DRIFT + MINUTE, datetime(2099, 1, 1), datetime(2000, 1, 1)):
			with self.subTest(time):
				self.assertIsNone(only(punch(time)).sign)
				self.assertEqual(only(punch(time), punch(TEN - HOUR)).sign, TEN - HOUR)

	def test_each_device_and_each_time_of_arrival_is_counted_apart(self):
		found = arrivals(
			[punch(TEN), punch(TEN, device="DOOR"), punch(TEN, TEN + HOUR), punch(TEN, None)], TEN, DRIFT
		)
		self.assertEqual(
			[(one.device, one.at, one.punches) for one in found],
			[("DOOR", TEN, 1), ("GATE", TEN, 2), ("GATE", TEN + HOUR, 1)],
		)

	def test_a_punch_of_nobody_knows_which_device_says_nothing(self):
		self.assertEqual(arrivals([punch(TEN, device=""), punch(None)], TEN, DRIFT), [])
