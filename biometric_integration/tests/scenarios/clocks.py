"""Zones, and servers whose clock is wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from biometric_integration.core.runs import Outcome, RunStatus, Trigger
from biometric_integration.simulator import FaultKind
from biometric_integration.tests.scenarios.base import Scenarios, on_both
from biometric_integration.tests.scenarios.place import (
	DAY,
	EBIO,
	ETIME,
	FIRST_DAY,
	HOUR,
	MINUTE,
	NOON,
	Place,
	small_world,
)

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

	@on_both
	def test_a_device_that_is_ahead_is_one_finding_whatever_the_minute_of_the_run(self, server_type):
		"""Punches of each minute, a run every seven, the clock 15 minutes fast: some arrive here with less than the 10 that are allowed."""
		with self.office(server_type) as place:
			place.punch("0031", NOON - HOUR)
			place.run()
			for minute in range(1, 30):
				place.later(MINUTE)
				place.punch("0031", place.world.now + 15 * MINUTE, received=place.world.now)
				if minute % 7 == 1:
					self.assert_success(place.run())
			ahead = place.events(reason_code="Future Time")
			self.assertEqual(len(ahead), 29, [event.status for event in place.events()])
			self.assertEqual(len(place.written()), 1)
			for stream in place.streams():
				self.assertLessEqual(place.cursor(stream).read_until, place.world.now)
				self.assertLessEqual(place.cursor(stream).complete_until, place.world.now)

	@on_both
	def test_a_clock_that_was_put_right_is_believed_again_at_once(self, server_type):
		with self.office(server_type) as place:
			place.run()
			place.punch("0031", NOON + 15 * MINUTE, received=NOON)
			place.run()
			place.later(5 * MINUTE)
			place.punch("0031", place.world.now)
			place.later(5 * MINUTE)
			place.punch("0031", place.world.now + 2 * MINUTE, received=place.world.now)
			place.run()
			self.assertEqual(len(place.written()), 2)
			self.assertEqual(len(place.events(reason_code="Future Time")), 1)

	@on_both
	def test_a_punch_that_waited_is_judged_by_when_it_arrived(self, server_type):
		with self.office(server_type) as place:
			place.run()
			place.punch("0031", NOON + 3 * HOUR, received=NOON)
			place.pull()
			place.later(4 * HOUR)
			place.process()
			self.assertEqual(place.event().reason_code, "Future Time")
			self.assertEqual(place.written(), [])

	@on_both
	def test_a_clock_that_is_ahead_is_seen_at_the_end_of_a_month_as_well(self, server_type):
		with self.office(server_type) as place:
			place.punch("0031", NOON - HOUR)
			place.run()
			place.world.now = datetime(2025, 4, 30, 23, 55)
			place.run()
			place.punch("0031", datetime(2025, 5, 1, 0, 11), received=datetime(2025, 4, 30, 23, 56))
			place.later(2 * MINUTE)
			place.run()
			self.assertTrue(place.event(reason_code="Future Time"))

	@on_both
	def test_marks_in_the_future_count_as_never(self, server_type):
		for ahead in (HOUR, 26 * HOUR, 400 * DAY):
			with self.subTest(ahead=ahead), self.office(server_type) as place:
				place.punch("0031", NOON - 2 * HOUR)
				place.run()
				claims = [place.host.store.claim(stream, Trigger.MANUAL) for stream in place.streams()]
				for claim in claims:
					marks = replace(
						claim.cursor,
						read_until=NOON + ahead,
						complete_until=NOON + ahead,
						scans={name: moment + ahead for name, moment in claim.cursor.scans.items()},
					)
					place.host.store.finish(claim, Outcome(), marks)
				place.later(5 * MINUTE)
				place.punch("0031", place.world.now - MINUTE)
				place.punch("0031", place.world.now - 3 * HOUR)
				self.assertTrue(place.run())
				self.assert_all_written(place)
				for stream in place.streams():
					cursor = place.cursor(stream)
					self.assertLessEqual(max(cursor.read_until, cursor.complete_until), place.world.now)

	@on_both
	def test_a_device_whose_clock_was_reset_is_found_and_its_punches_are_quarantined(self, server_type):
		with self.office(server_type) as place:
			place.punch("0031", NOON - HOUR)
			place.run()
			place.later(25 * HOUR)
			times = [datetime(1999, 12, 31, 23, 58), datetime(2000, 1, 1, 0, 4)]
			for moment in times:
				place.punch("0031", moment, received=place.world.now)
			place.punch("0031", place.world.now - HOUR)
			place.run()
			found = place.events(status="Quarantined", reason_code="Implausible Time")
			self.assertEqual(sorted(event.source_time for event in found), times)
			self.assertEqual(len(place.written()), 2)

	@on_both
	def test_the_deletion_of_old_punches_hides_no_clock_that_was_reset(self, server_type):
		with self.office(server_type) as place:
			place.punch("0031", NOON - HOUR)
			place.run()
			place.forget_staged(FIRST_DAY - DAY)
			place.later(25 * HOUR)
			place.punch("0031", datetime(2000, 1, 1, 0, 4), received=place.world.now)
			place.run()
			self.assertEqual(place.event(status="Quarantined").reason_code, "Implausible Time")

	def test_it_hides_no_clock_that_fell_back_by_years_either(self):
		with self.office(EBIO) as place:
			self.work_on(place, 10)
			place.forget_staged(FIRST_DAY + 2 * DAY)
			place.later(HOUR)
			place.punch("0031", datetime(2024, 1, 1, 8, 55), received=place.world.now)
			place.run()
			self.assertEqual(place.event(status="Quarantined").reason_code, "Implausible Time")

	def test_a_clock_that_fell_back_by_years_is_quarantined_where_the_device_was_not_in_use_yet(self):
		with self.office(EBIO) as place:
			self.work_on(place, 10)
			fallen, late = datetime(2024, 1, 1, 8, 55), NOON - 40 * DAY
			for moment in (fallen, late):
				place.punch("0031", moment, received=place.world.now)
			place.run()
			wrong = place.event(status="Quarantined", reason_code="Implausible Time")
			self.assertEqual(wrong.source_time, fallen)
			self.assertIn(late, [time for _code, time in place.written()])

	@on_both
	def test_a_new_device_with_a_history_of_years_is_believed(self, server_type):
		with self.office(server_type) as place:
			place.options = replace(place.options, start_date=FIRST_DAY - 900 * DAY)
			for number in range(0, 900, 50):
				place.punch("0031", NOON - number * DAY - HOUR)
			place.run()
			self.work_on(place, 9)
			self.assert_all_written(place)

	def test_a_history_of_years_that_is_read_later_is_used_in_the_end(self):
		with self.office(ETIME) as place:
			for number in range(50, 900, 50):
				place.punch("0031", NOON - number * DAY - HOUR)
			self.work_on(place, 9)
			self.assertEqual(len(place.written()), 10)
			place.options = replace(place.options, start_date=FIRST_DAY - 900 * DAY)
			place.later(25 * HOUR)
			for _tick in range(4):
				place.run()
				place.later(HOUR)
			self.assert_all_written(place)

	@staticmethod
	def work_on(place: Place, days: int) -> None:
		"""A punch on each of the days that follow, read on the same day."""
		place.punch("0031", place.world.now - MINUTE)
		place.run()
		for _day in range(days):
			place.punch("0031", place.later(DAY) - MINUTE)
			place.run()

	def test_a_look_ahead_that_the_server_refuses_is_no_failure(self):
		with self.office(ETIME) as place:
			place.punch("0031", NOON - HOUR)
			place.fault(FaultKind.HTTP_500_FAULT, after=1)
			for report in place.run():
				self.assertEqual((report.status, report.message), (RunStatus.SUCCESS, ""))
			self.assertIn("nightly", place.cursor().scans)
			self.assert_all_written(place)
