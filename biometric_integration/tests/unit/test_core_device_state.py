"""How a device stands."""

from __future__ import annotations

import unittest
from datetime import datetime, timedelta

from biometric_integration.core.device_state import (
	TO_LOOK_AT,
	DeviceFacts,
	DeviceState,
	device_state,
	is_quiet,
)
from biometric_integration.core.evidence import Standing

NOW = datetime(2025, 4, 7, 12)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def state(last_punch: datetime | None = NOW - HOUR, **facts) -> DeviceState:
	return device_state(DeviceFacts(last_punch=last_punch, **facts), NOW)


class OneWord(unittest.TestCase):
	def test_only_one_that_delivers_from_a_server_that_is_read_is_active(self):
		self.assertIs(state(), DeviceState.ACTIVE)
		self.assertIs(state(is_read=False), DeviceState.UNREAD)
		self.assertIs(state(is_failing=True), DeviceState.FAILING)
		self.assertIs(state(has_server=False), DeviceState.ORPHANED)
		self.assertIs(state(needs_review=True), DeviceState.REVIEW)

	def test_what_never_came_is_said_only_where_the_server_was_read(self):
		self.assertIs(state(None), DeviceState.NEVER)
		self.assertIs(state(None, needs_review=True), DeviceState.NEVER)
		self.assertIs(state(None, is_read=False), DeviceState.UNREAD)

	def test_silence_is_counted_in_days_on_which_others_delivered(self):
		for days, expected in ((0, DeviceState.ACTIVE), (2, DeviceState.ACTIVE), (3, DeviceState.SILENT)):
			with self.subTest(days):
				self.assertIs(state(NOW - 5 * DAY, days_of_others=days), expected)

	def test_nobody_at_all_for_a_week_is_silence_too(self):
		self.assertIs(state(NOW - 7 * DAY), DeviceState.ACTIVE)
		self.assertIs(state(NOW - 7 * DAY - HOUR), DeviceState.SILENT)

	def test_its_own_rhythm_tells_sooner(self):
		self.assertIs(state(standing=Standing.SILENT), DeviceState.SILENT)
		self.assertIs(state(standing=Standing.LATE), DeviceState.LATE)
		self.assertIs(state(standing=Standing.LATE, needs_review=True), DeviceState.REVIEW)
		self.assertIs(state(standing=Standing.LATE, is_read=False), DeviceState.UNREAD)
		self.assertIs(state(standing=Standing.ONLINE), DeviceState.ACTIVE)

	def test_a_last_punch_in_the_future_tells_nothing(self):
		self.assertIs(state(NOW + HOUR), DeviceState.UNREAD)

	def test_what_a_person_has_turned_off_or_merged_is_nobodys_trouble(self):
		for facts, expected in (
			({"enabled": False}, DeviceState.DISABLED),
			({"is_another": True}, DeviceState.SAME_AS),
		):
			for last_punch in (None, NOW - 90 * DAY):
				self.assertIs(state(last_punch, has_server=False, is_failing=True, **facts), expected)
			self.assertNotIn(expected, TO_LOOK_AT)

	def test_the_others_are_asked_about_only_after_some_days(self):
		self.assertFalse(is_quiet(None, NOW))
		self.assertFalse(is_quiet(NOW - 3 * DAY, NOW))
		self.assertTrue(is_quiet(NOW - 3 * DAY - HOUR, NOW))
