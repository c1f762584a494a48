"""A start date that is moved back: what is here already is used, and only what was never read is read."""

from __future__ import annotations

from datetime import datetime, timedelta

import frappe

from biometric_integration.core.reasons import Reason
from biometric_integration.simulator import World
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import SiteTestCase, checkins, events, logs, sync

NOON = datetime(2025, 4, 10, 12)
DAY = timedelta(days=1)
BEGAN = NOON.date() - 4 * DAY


class TestMovedBack(SiteTestCase):
	def office(self, server_type: str):
		"""404 punches, one every 90 minutes; the id feed begins with the newest 300."""
		world = World(now=NOON, zone="Asia/Kolkata")
		world.add_device("SN1", "Gate")
		self.moments = [NOON - number * timedelta(minutes=90) for number in range(404)]
		for moment in reversed(self.moments):
			world.punch("SN1", "1", moment)
		factories.employees(["1"])
		return self.start(server_type, world)

	def since(self, day) -> list[tuple[str, datetime]]:
		return sorted(("1", moment) for moment in self.moments if moment.date() >= day)

	def test_what_is_here_is_used_by_itself_and_no_reason_names_the_former_date(self):
		for server_type in ("eBioServer", "eTimeTrackLite", "BioTime"):
			with self.subTest(server_type):
				self.setUp()
				server = self.office(server_type)
				self.settings(server_type, server, start_date=BEGAN)
				sync()
				self.assertEqual(checkins(), self.since(BEGAN))
				earlier = BEGAN - 8 * DAY
				self.settings(server_type, server, start_date=earlier)
				before = logs()
				sync()
				self.assertEqual(checkins(), self.since(earlier))
				new = [log for log in logs() if log.name not in {old.name for old in before}]
				self.assertEqual({log.status for log in new}, {"Success"}, [log.error for log in new])
				barred = events(reason_code=Reason.BEFORE_FLOOR.value)
				self.assertEqual(
					bool(barred), server_type == "eBioServer", "its id feed begins before the date"
				)
				for event in barred:
					self.assertNotRegex(event.reason, r"\d", "a date would be the former one")
				began = frappe.db.get_value("Biometric Sync Cursor", {"feed": ("!=", "live")}, "read_from")
				self.assertEqual(began.date(), earlier, "and is not read once more")
