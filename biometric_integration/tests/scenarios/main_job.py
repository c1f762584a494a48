"""Punches become check-ins, each once, with or without somebody who has the id."""

from __future__ import annotations

from datetime import datetime

from biometric_integration.tests.scenarios.base import Scenarios, on_both
from biometric_integration.tests.scenarios.place import DAY, ETIME, FIRST_DAY, HOUR, MINUTE, NOON, SECOND


class MainJob(Scenarios):
	"""The main job."""

	@on_both
	def test_a_week_of_a_company_arrives_whole_and_once(self, server_type):
		with self.company(server_type) as place:
			self.assert_success(place.run())
			self.assert_all_written(place)
			self.assertGreater(len(place.truth()), 600)
			self.assertEqual(len({device.serial for device in place.devices()}), 4)
			types = {
				(row.code.removesuffix(f"-{place.mark}"), row.time): row.direction
				for row in place.world.visible()
			}
			codes = {employee: code for code, employee in place.employees.items()}
			for row in place.checkins():
				direction = types[codes[row.employee], row.time].upper().replace("INOUT", "")
				self.assertEqual(row.log_type, direction)
			self.assertEqual(sum(log.created for log in place.logs()), len(place.truth()))

	@on_both
	def test_a_second_run_finds_nothing_new(self, server_type):
		with self.company(server_type) as place:
			place.run()
			before = place.checkins(), place.events(), place.marks()
			self.assert_success(reports := place.run())
			self.assertEqual([report.counts.new for report in reports], [0] * len(reports))
			self.assertEqual((place.checkins(), place.events(), place.marks()), before)
			self.assert_counts(place)

	@on_both
	def test_day_by_day_is_the_same_as_all_at_once(self, server_type):
		with self.company(server_type) as place:
			end = place.world.now
			place.world.now = datetime.combine(FIRST_DAY, datetime.min.time())
			while place.world.now < end:
				place.later(7 * HOUR)
				place.run()
			place.world.now = end + DAY
			place.run()
			self.assert_all_written(place)

	@on_both
	def test_each_event_is_linked_to_its_check_in_and_its_log(self, server_type):
		with self.office(server_type) as place:
			place.punch("0031", NOON - HOUR)
			(report,) = (report for report in place.run() if report.counts.new)
			event, (checkin,) = place.event(), place.checkins()
			self.assertEqual((event.status, event.reason), ("Processed", ""))
			self.assertEqual((event.checkin, event.employee), (checkin.name, place.employees["0031"]))
			self.assertEqual((event.log, event.user_id), (report.log, place.code("0031")))
			self.assertIn(event.device, {device.key for device in place.devices()})

	def test_an_old_build_of_etimetracklite_is_understood(self):
		for options in (
			{"dialect": "old", "date_formats": ("yyyy/MM/dd HH:mm",)},
			{"says_count": False, "list_form": "references", "omits_empty_list": True},
			{"limits": "half-open", "list_form": "cdata"},
		):
			with self.subTest(options=options), self.company(ETIME, **options) as place:
				place.run()
				self.assert_all_written(place)
				place.later(HOUR)
				self.assert_success(place.run())

	def test_punches_on_the_borders_of_requests_are_read_whatever_the_limits_mean(self):
		days = [datetime(2025, 4, day) for day in (8, 14, 21)]
		months = [datetime(2025, 5, 1)]
		for limits in ("inclusive", "half-open", "exclusive"):
			with self.subTest(limits=limits), self.office(ETIME, limits=limits) as place:
				for border in days + months:
					place.punch("0031", border)
					place.punch("0031", border - SECOND)
				place.later(30 * DAY)
				place.run()
				self.assert_all_written(place)


class NobodyHasTheId(Scenarios):
	"""Punches of nobody wait for somebody."""

	@on_both
	def test_a_punch_of_nobody_waits_with_a_reason_and_is_used_when_somebody_has_the_id(self, server_type):
		with self.office(server_type, "111") as place:
			place.punch("0111", NOON - HOUR)
			self.assert_success(place.run())
			event = place.event()
			self.assertEqual((event.status, event.reason_code), ("Unmapped", "No Employee"))
			self.assertIn(place.code("0111"), event.reason)
			self.assertEqual(place.checkins(), [])
			self.assert_counts(place)
			place.employ("0111")
			self.assert_success(place.run())
			self.assert_all_written(place)
			self.assertEqual((place.event().status, place.event().reason), ("Processed", ""))

	@on_both
	def test_a_relieving_date_bars_only_who_has_left(self, server_type):
		with self.office(server_type, "other") as place:
			employee = place.employ("0031", left=FIRST_DAY - DAY)
			place.punch("0031", NOON - HOUR)
			place.run()
			self.assert_all_written(place)
			event = place.event()
			self.assertEqual((event.status, event.reason_code), ("Processed", "After Leaving"))
			self.assertIn(self.host.written(FIRST_DAY - DAY), event.reason)
			self.assert_counts(place)
			self.host.change_employee(employee, status="Left")
			place.punch("0031", NOON - MINUTE)
			place.later(MINUTE)
			place.run()
			self.assertEqual(place.event(status="Unmapped").reason_code, "Left")
			self.host.change_employee(employee, status="Active")
			place.later(MINUTE)
			place.run()
			self.assert_all_written(place)

	@on_both
	def test_a_punch_from_before_the_first_day_is_used_when_the_date_is_corrected(self, server_type):
		with self.office(server_type, "other") as place:
			employee = place.employ("0031", joined=FIRST_DAY + DAY)
			place.punch("0031", NOON - HOUR)
			place.run()
			self.assertEqual(
				(place.event().status, place.event().reason_code), ("Unmapped", "Not Joined Yet")
			)
			self.assertIn(self.host.written(FIRST_DAY + DAY), place.event().reason)
			self.host.change_employee(employee, joined=FIRST_DAY)
			place.run()
			self.assert_all_written(place)
