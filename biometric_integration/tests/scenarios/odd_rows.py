"""Rows that are no plain punches."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from biometric_integration.core.pull import PullOptions
from biometric_integration.core.runs import RunStatus
from biometric_integration.simulator import World
from biometric_integration.tests.scenarios.base import Scenarios, on_both
from biometric_integration.tests.scenarios.place import DAY, EBIO, ETIME, HOUR, MINUTE, NOON


class OddRows(Scenarios):
	def test_junk_is_kept_counted_and_ignored(self):
		with self.office(EBIO) as place:
			place.punch("0031", NOON - HOUR)
			for text in ("OPLOG 4", "USER PIN=7", "FP PIN=7", "NEW USER"):
				place.world.junk(place.serial(), text, NOON - HOUR, NOON - MINUTE)
			place.world.junk(
				place.serial(), place.code("0031"), datetime(1998, 12, 31, 23, 59), NOON - MINUTE
			)
			self.assert_success(place.run())
			self.assert_all_written(place)
			junk = place.events(reason_code="No Punch")
			self.assertEqual([event.status for event in junk], ["Ignored"] * 5)
			self.assertEqual(sum(log.junk for log in place.logs()), 5)
			self.assert_success(reports := place.run())
			self.assertEqual(sum(report.counts.junk for report in reports), 0, "counted where first seen")

	@on_both
	def test_a_punch_from_the_future_is_kept_aside(self, server_type):
		with self.office(server_type) as place:
			place.punch("0031", NOON - HOUR)
			place.punch("0031", NOON + 3 * DAY, received=NOON)
			self.assert_success(place.run())
			event = place.event(source_time=NOON + 3 * DAY)
			self.assertEqual((event.status, event.reason_code), ("Quarantined", "Future Time"))
			self.assertIn("Release", event.reason)
			self.assertEqual(place.written(), [("0031", NOON - HOUR)])
			self.assert_counts(place)
			for stream in place.streams():
				self.assertEqual(place.cursor(stream).read_until, NOON, "no punch moves a cursor")
			place.later(4 * DAY)
			place.run()
			self.assertEqual(len(place.written()), 1, "it waits for a person, not for its day")

	def test_a_punch_of_a_dead_clock_is_kept_aside(self):
		with self.office(ETIME) as place:
			dead = datetime(1999, 12, 31, 23, 59, 59)
			place.options = PullOptions(start_date=dead.date())
			place.world.now = datetime(2000, 1, 3, 12)
			place.punch("0031", dead, received=datetime(2000, 1, 3))
			place.punch("0031", datetime(2000, 1, 3, 9))
			self.assert_success(place.run())
			self.assertEqual(place.event(source_time=dead).reason_code, "Implausible Time")
			self.assertEqual(place.event(source_time=dead).status, "Quarantined")
			self.assertEqual(len(place.written()), 1)

	@on_both
	def test_an_unreadable_row_is_kept_as_it_came_and_stops_nothing(self, server_type):
		with self.office(server_type) as place:
			garbled = place.fake.broken_row
			place.world.raw_row(place.serial(), garbled, NOON - HOUR)
			place.punch("0031", NOON - HOUR)
			reports = place.run()
			self.assert_alarmed(place, reports, "could not be read")
			self.assertEqual({report.status for report in reports} - {RunStatus.SUCCESS}, {RunStatus.PARTIAL})
			self.assert_all_written(place)
			for event in place.events(reason_code="Not Readable"):
				self.assertEqual((event.status, event.source_time), ("Failed", None))
				self.assertIn(garbled, event.raw)
				self.assertIn("Raw Payload", event.reason)
			self.assertTrue(place.events(reason_code="Not Readable"))
			place.later(MINUTE)
			self.assert_success(place.run())

	def test_an_unreadable_row_is_one_event_whichever_feed_it_came_by(self):
		with self.office(EBIO) as place:
			place.world.raw_row(place.serial(), "what is this,2025-04-07,x", NOON - HOUR)
			place.punch("0031", NOON - HOUR)
			place.run()
			self.assertEqual(len(place.events(reason_code="Not Readable")), 1)

	@on_both
	def test_a_code_that_no_host_can_keep_is_no_punch_and_stops_nothing(self, server_type):
		with self.office(server_type) as place:
			place.punch("l" * 141, NOON - HOUR)
			place.punch("0031", NOON - HOUR)
			self.assert_alarmed(place, place.run(), "could not be read")
			self.assert_all_written(place)
			event = place.events(reason_code="Not Readable")[0]
			self.assertEqual((event.status, event.source_time), ("Failed", None))
			self.assertIn("l" * 141, event.raw)
			place.later(MINUTE)
			self.assert_success(place.run())

	def test_junk_and_names_that_no_host_can_keep_stop_nothing(self):
		mark = uuid4().hex[:6]
		world = World(NOON)
		world.add_device(f"S1-{mark}", "Main Gate " * 20, "HEAD OFFICE " * 20)
		with self.place(EBIO, world, mark) as place:
			place.employ("0031")
			place.world.junk(place.serial(), "USER PIN=7 Name=" + "x" * 200, NOON - HOUR)
			place.punch("0031", NOON - HOUR)
			self.assert_success(place.run())
			self.assert_all_written(place)
			self.assertEqual([len(device.label) for device in place.devices()], [140])
			self.assertEqual(sum(log.junk for log in place.logs()), 1)
			place.later(25 * HOUR)
			self.assert_success(place.run())
			self.assertEqual((len(place.devices()), len(place.events())), (1, 2))
