"""What a device brings days or weeks after it happened."""

from __future__ import annotations

from datetime import datetime

from biometric_integration.tests.scenarios.base import Scenarios, on_both
from biometric_integration.tests.scenarios.place import BIOTIME, DAY, EBIO, ETIME, HOUR, MINUTE, NOON, Place


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

	def test_what_comes_after_weeks_comes_with_the_next_run_where_the_server_tells_what_has_arrived(self):
		with self.office(BIOTIME, most_rows=7) as place:
			place.world.add_device(place.serial(2), "Back Gate")
			self.two_devices(place, 40)
			self.assert_success(place.run())
			self.assert_all_written(place)
			self.assertEqual(len(place.written()), 40 + 12 + 1)
			self.assertTrue(place.config.memory["tells_arrivals"])

	def test_what_comes_after_weeks_comes_with_the_next_night_where_the_server_counts(self):
		with self.office(BIOTIME, version="8.0") as place:
			place.world.add_device(place.serial(2), "Back Gate")
			self.two_devices(place, 40)
			self.assert_success(place.run())
			self.assertEqual(
				len(place.written()), 40 + 1, "the order that it was asked for is not known to it"
			)
			self.assertFalse(place.config.memory["tells_arrivals"])
			place.later(DAY)
			self.assert_success(place.run())
			self.assert_all_written(place)
			for _ in range(2):  # the first of them looks back to the begin of last month
				place.later(DAY)
				asked = len(place.fake.requests)
				self.assert_success(place.run())
			sizes = [request.arguments.get("page_size") for request in place.fake.requests[asked:]]
			self.assertGreater(
				sizes.count("1"), 20, "each day is counted each night, and read where that tells of more"
			)
			self.assertLess(len(sizes) - sizes.count("1"), 8)

	def two_devices(self, place: Place, days: int):
		"""One is used each day, the other is offline for all of them, though people punched on the first, and back for the run that follows."""
		back = NOON + days * DAY + 30 * MINUTE
		for day in range(12):
			place.punch("0031", NOON + day * DAY + 6 * HOUR, device=2, received=back)
		for day in range(days):
			place.punch("0031", NOON + day * DAY - HOUR)
		place.run()
		place.later(days * DAY)
		place.run()
		place.later(HOUR)
		place.punch("0031", place.world.now - MINUTE)

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
			self.assertEqual((event.status, event.reason_code), ("Quarantined", "Future Time"))

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
