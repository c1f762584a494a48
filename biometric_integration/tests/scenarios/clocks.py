"""Zones, and servers whose clock is wrong."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from biometric_integration.tests.scenarios.base import Scenarios, on_both
from biometric_integration.tests.scenarios.place import HOUR, MINUTE, NOON, small_world

DUBAI = "Asia/Dubai"


class Clocks(Scenarios):
	@on_both
	def test_a_server_in_another_zone_is_written_in_the_sites(self, server_type):
		mark = uuid4().hex[:6]
		with self.place(server_type, small_world(mark, DUBAI), mark) as place:
			place.enter_devices()
			place.employ("0031")
			place.punch("0031", NOON - HOUR)
			place.punch("0031", NOON - MINUTE)
			self.assert_success(place.run())
			self.assert_all_written(place)
			shift = timedelta(hours=1, minutes=30)
			self.assertEqual(
				[time for _, time in place.written()], [NOON - HOUR + shift, NOON - MINUTE + shift]
			)
			self.assertEqual({event.source_time for event in place.events()}, {NOON - HOUR, NOON - MINUTE})
			self.assertEqual(place.cursor().read_until, NOON, "cursors are in the server's zone")

	@on_both
	def test_a_server_whose_clock_is_behind_keeps_the_cursor_at_its_own_time(self, server_type):
		with self.office(server_type) as place:
			place.skew = 5 * HOUR
			place.punch("0031", NOON - HOUR)
			self.assert_success(place.run())
			for stream in place.streams():
				self.assertEqual(
					(place.cursor(stream).read_until, place.cursor(stream).complete_until), (NOON, NOON)
				)
			place.later(MINUTE)
			place.punch("0031", place.world.now)
			place.later(MINUTE)
			place.run()
			self.assert_all_written(place)

	@on_both
	def test_a_server_whose_clock_is_ahead_does_not_push_the_cursor(self, server_type):
		with self.office(server_type) as place:
			place.punch("0031", NOON - HOUR)
			place.skew = -HOUR - MINUTE
			place.run()
			for stream in place.streams():
				self.assertIn(place.cursor(stream).read_until, (None, NOON - HOUR - MINUTE))
			place.skew = timedelta(0)
			place.run()
			self.assert_all_written(place)
