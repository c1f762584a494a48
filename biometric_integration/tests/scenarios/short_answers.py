"""Lists that are shorter than they say, and answers with nothing in them."""

from __future__ import annotations

from dataclasses import replace

from biometric_integration.core.pull import PullOptions
from biometric_integration.core.runs import RunStatus
from biometric_integration.simulator import FaultKind
from biometric_integration.tests.scenarios.base import Scenarios, on_both
from biometric_integration.tests.scenarios.place import DAY, DAY_FEED, EBIO, ETIME, HOUR, MINUTE, NOON


class ShortLists(Scenarios):
	"""Lists that are shorter than they say."""

	def test_a_truncated_list_is_asked_for_in_halves(self):
		with self.company(ETIME) as place:
			place.fault(FaultKind.TRUNCATED, times=2)
			self.assert_success(place.run())
			self.assert_all_written(place)

	def test_a_list_truncated_for_ever_is_partial_and_keeps_complete_until(self):
		with self.office(ETIME) as place:
			place.punch("0031", NOON - HOUR)
			place.run()
			complete = place.cursor().complete_until
			place.later(DAY)
			for minutes in range(9):
				place.punch("0031", place.world.now - minutes * MINUTE)
			place.fault(FaultKind.TRUNCATED)
			self.assert_alarmed(place, place.run(), "9 punches", "sent 4")
			self.assertEqual(place.cursor().complete_until, complete)
			place.fake.faults.clear()
			place.later(DAY)
			self.assert_success(place.run())
			self.assert_all_written(place)
			self.assertEqual(place.cursor().complete_until, place.world.now)

	def test_a_list_truncated_from_the_first_run_on_loses_nothing_days_later(self):
		"""Without a start date the stream begins today, and today stays the beginning."""
		with self.office(ETIME) as place:
			place.options = PullOptions(start_date=None)
			for minutes in range(9):
				place.punch("0031", NOON - minutes * MINUTE)
			place.fault(FaultKind.TRUNCATED)
			self.assert_alarmed(place, place.run())
			self.assertLess(place.cursor().complete_until, place.cursor().read_until)
			place.fake.faults.clear()
			place.later(3 * DAY)
			place.run()
			self.assert_all_written(place)

	def test_a_day_of_ebioserver_with_fewer_rows_than_are_kept_is_partial(self):
		with self.company(EBIO) as place:
			place.run()
			complete = place.cursor().complete_until
			place.later(25 * HOUR)
			place.fault(FaultKind.TRUNCATED, operation=DAY_FEED)
			self.assert_alarmed(place, place.run(), "no longer shows")
			self.assertEqual(place.cursor().complete_until, complete)
			place.fake.faults.clear()
			self.assert_success(place.run())
			self.assert_all_written(place)


class NothingToRead(Scenarios):
	"""Answers with nothing in them."""

	def test_a_serial_the_server_does_not_know_is_named(self):
		for text in (None, "Invalid serial number"):
			with self.subTest(text=text), self.office(ETIME, unknown_serial_text=text) as place:
				place.punch("0031", NOON - HOUR)
				key = self.host.add_device(place.serial(7), "Back Door", "", place.config.server_id)
				reports = place.run()
				self.assert_alarmed(place, reports, place.serial(7))
				self.assertEqual(sum(report.status is RunStatus.SUCCESS for report in reports), 1)
				self.assert_all_written(place)
				wrong = replace(place.stream(), unit=place.serial(7))
				self.assertEqual(place.cursor(wrong).read_until, None)
				place.world.add_device(place.serial(7), "Back Door")
				place.punch("0031", NOON - 2 * HOUR, device=7)
				self.assert_success(place.run())
				self.assert_all_written(place)
				self.assertEqual({event.device for event in place.events(source_time=NOON - 2 * HOUR)}, {key})

	def test_a_first_day_of_silence_is_read_again_days_later(self):
		"""Neither rows nor a count: that is no answer, so the day it came on stays the beginning."""
		with self.office(ETIME) as place:
			place.options = PullOptions(start_date=None)
			place.punch("0031", NOON - HOUR)
			place.fault(FaultKind.EMPTY_RESULT)
			self.assert_alarmed(place, place.run(), "may be a failure")
			place.fake.faults.clear()
			place.later(3 * DAY)
			self.assert_success(place.run())
			self.assert_all_written(place)

	def test_a_device_that_brings_its_first_punch_days_later_is_read_from_where_it_began(self):
		with self.office(ETIME) as place:
			place.options = PullOptions(start_date=None)
			place.punch("0031", NOON - HOUR, received=NOON + 2 * DAY)
			for _ in range(3):
				place.run()
				place.later(DAY)
			self.assert_all_written(place)

	@on_both
	def test_a_server_without_any_punch_is_no_success(self, server_type):
		with self.office(server_type) as place:
			self.assert_alarmed(place, place.run(), "never had a punch")
			self.assertEqual(set(place.marks().values()), {(None, None, None)})
			place.punch("0031", NOON - HOUR)
			self.assert_success(place.run())
			self.assert_all_written(place)

	@on_both
	def test_no_device_at_all_is_said(self, server_type):
		with self.place(server_type) as place:
			place.world.remove_device(place.serial())
			said = "devices" if place.can.lists_devices else "add a Biometric Device"
			self.assert_alarmed(place, place.run(), said)

	def test_a_day_without_a_punch_is_a_success_where_the_id_feed_speaks(self):
		with self.office(EBIO) as place:
			place.options = PullOptions(start_date=None)
			place.punch("0031", NOON - HOUR)
			place.later(DAY)
			self.assert_success(place.run())

	@on_both
	def test_a_quiet_day_after_a_loud_one_is_a_success(self, server_type):
		with self.office(server_type) as place:
			place.punch("0031", NOON - HOUR)
			place.run()
			for _ in range(3):
				place.later(DAY)
				self.assert_success(place.run())
			self.assertEqual(place.cursor(place.stream(place.has_positions)).read_until, place.world.now)
