"""A server that is dead, and one that is for some of its streams."""

from __future__ import annotations

from biometric_integration.core.errors import ErrorClass
from biometric_integration.core.runs import RunStatus
from biometric_integration.simulator import FaultKind
from biometric_integration.tests.scenarios.base import Scenarios, on_both
from biometric_integration.tests.scenarios.place import DAY, ETIME, HOUR, NOON


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
