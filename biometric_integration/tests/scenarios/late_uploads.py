"""What a device brings days or weeks after it happened."""

from __future__ import annotations

from datetime import datetime

from biometric_integration.tests.scenarios.base import Scenarios, on_both
from biometric_integration.tests.scenarios.place import DAY, EBIO, ETIME, HOUR, MINUTE, NOON, Place


class LateUploads(Scenarios):
	def test_what_a_device_brings_after_nine_days_comes_with_the_next_run_by_log_id(self):
		with self.office(EBIO) as place:
			self.nine_days(place)
			place.later(HOUR)
			self.assert_success(place.run())
			self.assert_all_written(place)

	def test_what_a_device_brings_after_nine_days_comes_as_soon_as_one_punch_of_it_is_seen(self):
		with self.office(ETIME) as place:
			self.nine_days(place)
			place.later(HOUR)
			self.assert_success(place.run())
			self.assert_all_written(place)

	def test_what_a_device_brings_that_is_older_than_a_day_comes_with_the_nightly_look(self):
		with self.office(ETIME) as place:
			self.nine_days(place, punched=6)
			place.later(HOUR)
			place.run()
			self.assertEqual(len(place.written()), 1)
			place.later(DAY)
			self.assert_success(place.run())
			self.assert_all_written(place)

	@on_both
	def test_what_a_device_brings_after_forty_days_comes_with_the_next_run(self, server_type):
		with self.office(server_type) as place:
			self.offline(place, 40, punched=40)
			place.later(HOUR)
			self.assert_success(place.run())
			self.assert_all_written(place)
			self.assertEqual(len(place.written()), 41)

	def test_what_a_device_brings_that_is_older_than_the_nightly_look_comes_within_a_week(self):
		with self.office(ETIME) as place:
			self.offline(place, 40, punched=6)
			place.later(HOUR)
			place.run()
			self.assertEqual(len(place.written()), 1)
			for _ in range(7):
				place.later(DAY)
				place.run()
			self.assert_all_written(place)

	@on_both
	def test_a_device_clock_that_jumps_to_2099_and_back_skips_nothing(self, server_type):
		with self.office(server_type) as place:
			place.punch("0031", NOON - HOUR)
			place.run()
			now = place.later(HOUR)
			place.punch("0031", datetime(2099, 5, 1, 9), received=now)
			place.run()
			for _ in range(4):
				now = place.later(9 * HOUR)
				place.punch("0031", now - HOUR)
				self.assert_success(place.run())
				marks = [place.cursor(stream).read_until for stream in place.streams()]
				self.assertEqual(max(filter(None, marks)), now, "no punch moves a cursor")
			truth = [(code, time) for code, time in place.truth() if time.year < 2099]
			self.assertEqual((place.written(), len(truth)), (truth, 5))
			event = place.event(source_time=datetime(2099, 5, 1, 9))
			self.assertEqual((event.status, event.reason_code), ("Quarantined", "future"))

	def nine_days(self, place: Place, punched: int = 9):
		self.offline(place, 9, punched)

	def offline(self, place: Place, days: int, punched: int):
		"""A device is offline for days, in the first of which people punched, and is back after the run of the day after."""
		place.punch("0031", NOON - HOUR)
		back = NOON + days * DAY + 30 * MINUTE
		for day in range(punched):
			place.punch("0031", NOON + day * DAY + 6 * HOUR, received=back)
		for _ in range(days):
			place.run()
			place.later(DAY)
		place.run()
		self.assertEqual(len(place.written()), 1)
