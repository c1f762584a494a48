"""How a bridge stands, which of its reports are taken, and what of its marks is believed."""

from __future__ import annotations

import unittest
from datetime import datetime, timedelta

from biometric_integration.core.bridges import (
	TRUSTED,
	BridgeFacts,
	BridgeState,
	Order,
	bridge_state,
	is_trusted,
	is_worth_a_notice,
	joined,
	leaves_no_hole,
	less,
)
from biometric_integration.core.stream import Cursor

NOW = datetime(2026, 11, 26, 12)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WELL = {"last_report": NOW - MINUTE}


class Standing(unittest.TestCase):
	def assert_is(self, state: BridgeState, **facts) -> None:
		self.assertIs(bridge_state(BridgeFacts(**{**WELL, **facts}), NOW), state)

	def test_what_explains_most_is_said(self):
		self.assert_is(BridgeState.WELL)
		self.assert_is(BridgeState.WELL, oldest=NOW - HOUR)
		self.assert_is(BridgeState.BEHIND, oldest=NOW - HOUR - MINUTE)
		self.assert_is(BridgeState.TROUBLE, oldest=NOW - DAY, is_troubled=True)
		self.assert_is(BridgeState.TROUBLE, aside=1)
		for apart in (TRUSTED + MINUTE, -TRUSTED - MINUTE):
			self.assert_is(BridgeState.TROUBLE, ahead=apart)
			self.assertFalse(is_trusted(apart))
		self.assert_is(BridgeState.WELL, ahead=-TRUSTED)
		self.assert_is(BridgeState.SILENT, last_report=NOW - 11 * MINUTE, is_troubled=True)
		self.assert_is(BridgeState.NEVER, last_report=None, aside=1)
		self.assert_is(BridgeState.OFF, enabled=False, last_report=None)

	def test_somebody_is_told_of_what_lasts(self):
		for is_told, facts in (
			(False, {}),
			(False, {"last_report": NOW - HOUR - 2 * MINUTE}),
			(False, {"last_report": NOW - 75 * MINUTE}),
			(True, {"last_report": NOW - 76 * MINUTE}),
			(False, {"last_report": NOW - 9 * DAY, "enabled": False}),
			(False, {"last_report": None}),
			(False, {"oldest": NOW - DAY}),
			(True, {"oldest": NOW - DAY - MINUTE}),
		):
			with self.subTest(facts=facts):
				self.assertEqual(is_worth_a_notice(BridgeFacts(**{**WELL, **facts}), NOW), is_told)


class Orders(unittest.TestCase):
	def take(self, order: Order, at: datetime, is_taken: bool) -> Order:
		after, taken = order.after(at, NOW)
		self.assertEqual(taken, is_taken, at)
		return after

	def test_one_that_comes_late_or_again_is_not_taken(self):
		order = self.take(Order(), NOW - 2 * MINUTE, True)
		order = self.take(order, NOW - MINUTE, True)
		for _again in range(20):
			order = self.take(order, NOW - MINUTE, False)
		order = self.take(order, NOW - 2 * MINUTE, False)
		self.assertEqual(order.last, NOW - MINUTE)
		self.assertEqual(self.take(order, NOW, True), Order(NOW))

	def test_a_clock_that_was_set_back_is_believed_after_a_while(self):
		order = self.take(Order(), NOW, True)
		then = NOW - 3 * HOUR
		order = self.take(order, then, False)
		order = self.take(order, then + MINUTE, False)
		order = self.take(order, then + 2 * MINUTE, True)
		self.take(order, then + 3 * MINUTE, True)

	def test_a_clock_that_was_ahead_and_was_set_right_at_once(self):
		order = self.take(Order(), NOW + HOUR, True)
		self.take(order, NOW, True)


class Marks(unittest.TestCase):
	def test_they_are_less_what_the_clock_is_ahead(self):
		told = Cursor(read_from=NOW - DAY, read_until=NOW, complete_until=NOW - HOUR, scans={"each": NOW})
		found = less(told, 3 * MINUTE, NOW)
		self.assertEqual(found.read_from, NOW - DAY)
		self.assertEqual((found.read_until, found.scans["each"]), (NOW - 3 * MINUTE, NOW - 3 * MINUTE))
		self.assertEqual(found.complete_until, NOW - HOUR - 3 * MINUTE)
		self.assertEqual(less(told, -3 * MINUTE, NOW), told, "behind: it read what it read")

	def test_none_lies_in_the_future(self):
		self.assertEqual(less(Cursor(read_until=NOW + MINUTE), timedelta(0), NOW).read_until, NOW)
		for field in ("read_from", "read_until", "complete_until"):
			self.assertIsNone(less(Cursor(**{field: NOW + 6 * MINUTE}), timedelta(0), NOW), field)
		self.assertIsNone(less(Cursor(scans={"each": NOW + 6 * MINUTE}), timedelta(0), NOW))

	def test_a_hole_is_no_way_on(self):
		known = Cursor(complete_until=NOW - 2 * DAY)
		self.assertTrue(leaves_no_hole(Cursor(), Cursor(complete_until=NOW)))
		self.assertTrue(leaves_no_hole(known, Cursor(read_from=NOW - 2 * DAY, complete_until=NOW)))
		self.assertFalse(leaves_no_hole(known, Cursor(read_from=NOW - DAY, complete_until=NOW)))
		self.assertFalse(leaves_no_hole(known, Cursor(complete_until=NOW)), "nobody knows from where")

	def test_what_is_not_wanted_any_more_is_no_hole(self):
		"""A device was off for months, and is read from a later day on."""
		known = Cursor(read_from=NOW - 99 * DAY, read_until=NOW - 90 * DAY, complete_until=NOW - 90 * DAY)
		told = Cursor(read_from=NOW - DAY, read_until=NOW, complete_until=NOW)
		self.assertTrue(leaves_no_hole(known, told, NOW - DAY))
		self.assertFalse(leaves_no_hole(known, told, NOW - 2 * DAY))
		self.assertFalse(leaves_no_hole(known, Cursor(complete_until=NOW), NOW - DAY))
		after = joined(known, told)
		self.assertEqual((after.read_from, after.complete_until), (NOW - DAY, NOW))

	def test_they_only_go_forward(self):
		known = Cursor(
			7, NOW - 9 * DAY, NOW - DAY, NOW - DAY, True, {"each": NOW - DAY, "weekly": NOW - HOUR}
		)
		told = Cursor(None, NOW - 5 * DAY, NOW - 2 * DAY, NOW, False, {"each": NOW, "weekly": NOW - 2 * DAY})
		after = joined(known, told)
		self.assertEqual((after.position, after.read_from, after.delivered), (7, NOW - 9 * DAY, True))
		self.assertEqual((after.read_until, after.complete_until), (NOW - DAY, NOW))
		self.assertEqual(after.scans, {"each": NOW, "weekly": NOW - HOUR})
		self.assertEqual(joined(known, Cursor()), known)


if __name__ == "__main__":
	unittest.main()
