"""Two runs of one stream at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from biometric_integration.core.connector import Connector
from biometric_integration.core.runs import RunStatus
from biometric_integration.tests.scenarios.base import Scenarios, on_both
from biometric_integration.tests.scenarios.place import HOUR, NOON


class Interrupted:
	"""A connector during whose next read by window something else happens."""

	def __init__(self, connector: Connector, happens: Callable[[], object]):
		self._connector = connector
		self._happens = happens

	def __getattr__(self, name: str) -> Any:
		return getattr(self._connector, name)

	def read_window(self, *arguments: Any) -> Any:
		page = self._connector.read_window(*arguments)
		self._happens()
		return page


class TwoRuns(Scenarios):
	@on_both
	def test_a_stream_that_is_being_read_reports_the_log_of_that_run(self, server_type):
		with self.office(server_type) as place:
			place.punch("0031", NOON - HOUR)
			claims = [self.host.hold(stream) for stream in place.streams()]
			reports = place.run()
			self.assertEqual(
				[(r.status, r.log) for r in reports], [(RunStatus.RUNNING, claim.log) for claim in claims]
			)
			self.assertEqual((place.events(), len(place.logs())), ([], len(claims)))
			for claim in claims:
				self.host.let_go(claim)
			self.assert_success(place.run())
			self.assert_all_written(place)

	@on_both
	def test_a_run_whose_stream_was_taken_over_writes_nothing_more(self, server_type):
		with self.office(server_type) as place:
			place.punch("0031", NOON - HOUR)
			place.run()
			before = place.marks()
			place.later(26 * HOUR)
			place.punch("0031", place.world.now - HOUR)
			stream, claims = place.stream(), []
			place.wrap = lambda connector: Interrupted(
				connector, lambda: claims or claims.append(self.host.steal(stream))
			)
			report = place.pull()[-1]
			self.assertEqual(report.status, RunStatus.SKIPPED)
			self.assertIn("taken over", report.message)
			self.assertEqual(place.marks()[stream.key], before[stream.key])
			self.assertEqual(report.counts.new, 0)
			self.host.let_go(claims[0])
			place.wrap = lambda connector: connector
			self.assert_success(place.run())
			self.assert_all_written(place)
