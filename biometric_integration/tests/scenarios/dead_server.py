"""A server that is dead, and one that is for some of its streams."""

from __future__ import annotations

from dataclasses import replace

from biometric_integration.core.errors import ErrorClass
from biometric_integration.core.runs import RunStatus
from biometric_integration.simulator import FaultKind
from biometric_integration.tests.scenarios.base import Scenarios, on_both
from biometric_integration.tests.scenarios.place import DAY, ETIME, HOUR, MINUTE, NOON


class DeadServer(Scenarios):
	@on_both
	def test_a_dead_server_ends_its_job_after_one_failure(self, server_type):
		with self.place(server_type) as place:
			for number in (2, 3):
				place.world.add_device(place.serial(number), f"Door {number}")
			place.enter_devices()
			place.fake.stop()
			(report,) = place.pull()
			self.assertEqual(report.status, RunStatus.FAILED)
			(log,) = place.logs()
			self.assertEqual((log.error_class, log.error), (ErrorClass.TRANSIENT.value, report.message))

	def test_one_bad_stream_does_not_keep_the_others_from_being_read(self):
		with self.place(ETIME) as place:
			place.world.add_device(place.serial(2), "Side Door")
			place.enter_devices()
			place.employ("0031")
			for device in (1, 2):
				place.punch("0031", NOON - device * HOUR, device=device)
			place.run()
			place.later(DAY)
			for device in (1, 2):
				place.punch("0031", place.world.now - device * HOUR, device=device)
			place.fault(FaultKind.HTML_200, times=1)
			reports = place.run()
			self.assertEqual([report.status for report in reports], [RunStatus.FAILED, RunStatus.SUCCESS])
			self.assertEqual(len(place.written()), 3)
			self.assert_success(place.run())
			self.assert_all_written(place)

	def test_one_slow_device_delays_nobody_elses_punches(self):
		with self.place(ETIME) as place:
			for number in range(2, 7):
				place.world.add_device(place.serial(number), f"Door {number}")
			place.enter_devices()
			place.employ("0031")
			place.config = replace(place.config, timeout=0.3)
			slow = {"SerialNumber": place.serial(1)}
			place.fault(FaultKind.HANG, seconds=5, where=slow)
			for _ in range(5):
				place.later(HOUR)
				for device in range(2, 7):
					place.punch("0031", place.world.now - device * MINUTE, device=device)
				reports = place.run()
				failed = [report.stream for report in reports if report.status is RunStatus.FAILED]
				self.assertEqual(len(failed), 1)
				self.assertIn(place.serial(1), failed[0])
				self.assert_all_written(place)

	def test_a_server_that_answers_nobody_costs_three_time_outs(self):
		with self.place(ETIME) as place:
			for number in range(2, 7):
				place.world.add_device(place.serial(number), f"Door {number}")
			place.enter_devices()
			place.config = replace(place.config, timeout=0.3)
			place.fault(FaultKind.HANG, seconds=5)
			reports = place.pull()
			self.assertEqual([report.status for report in reports], [RunStatus.FAILED] * 3)
			self.assertTrue(reports[-1].error.server_wide)
			self.assertFalse(any(report.error.server_wide for report in reports[:-1]))

	def test_what_there_is_no_time_for_is_left_alone_and_comes_first_in_the_next_job(self):
		with self.place(ETIME) as place:
			for number in range(2, 7):
				place.world.add_device(place.serial(number), f"Door {number}")
			place.enter_devices()
			read = []
			for _ in range(3):
				begun = iter([True, True])
				place.options = replace(place.options, in_time=lambda begun=begun: next(begun, False))
				*reports, last = place.pull()
				read += [report.stream for report in reports]
				self.assertEqual((last.log, last.status), ("", RunStatus.SKIPPED))
				self.assertIn("4 of 6", last.message)
				place.later(HOUR)
			self.assertEqual(len(set(read)), 6)
			self.assertEqual(len(place.logs()), 6)
