"""A first read of many days is shown while it takes long, and can be stopped without stopping the days from now on."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import patch

import frappe
from frappe.utils import now_datetime

from biometric_integration import api, tasks
from biometric_integration.core.runs import Trigger
from biometric_integration.simulator import World
from biometric_integration.sync import jobs
from biometric_integration.sync.records import periods, servers
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import SiteTestCase, checkins, logs

DAY = timedelta(days=1)
BACK = 120


class TestFirstRead(SiteTestCase):
	def office(self, server_type: str = "eTimeTrackLite", days: int = BACK, devices: int = 2, **values):
		"""A punch a week of each device, until just now."""
		now = now_datetime().replace(microsecond=0)
		self.world = World(now=now, zone="Asia/Kolkata")
		self.serials = [f"SN{number}" for number in range(1, devices + 1)]
		for serial in self.serials:
			self.world.add_device(serial, serial)
			for week in range(BACK // 7):
				self.world.punch(serial, serial[2:], now - week * 7 * DAY - timedelta(hours=1))
		factories.employees([serial[2:] for serial in self.serials])
		server = self.start(server_type, self.world)
		self.configure(server, days, server_type=server_type, **values)
		return server

	def configure(self, server, days: int, server_type: str = "eTimeTrackLite", **values) -> None:
		frappe.clear_messages()
		start = now_datetime().date() - days * DAY
		self.settings(server_type, server, start_date=start, requests_at_once=1, **values)

	def tick(self) -> list[str]:
		"""Servers and units that are asked for."""
		with patch("frappe.enqueue") as enqueue:
			tasks.sync_due()
		calls = [call.kwargs for call in enqueue.call_args_list if "server" in call.kwargs]
		return [(call["server"], call["units"]) for call in calls]

	def pull(self, units: list[str] | None = None, requests: int | None = None) -> None:
		"""A job that has time for so many requests; None = for all."""
		if requests is None:
			jobs.pull_server("main", Trigger.SCHEDULED.value, units)
			return
		left = iter([True] * requests)
		with patch.object(jobs, "budget", lambda seconds=None: lambda: next(left, False)):
			jobs.pull_server("main", Trigger.SCHEDULED.value, units)

	def shown(self) -> frappe._dict:
		(name,) = frappe.get_all(periods.DOCTYPE, {"purpose": "Start Date"}, pluck="name")
		return frappe._dict(api.period_state(name))

	def left(self) -> dict[str, int]:
		return {part.unit: part.days_left for part in periods.get(self.shown().name).parts}

	def test_saving_a_start_date_far_back_says_what_it_costs(self):
		server = self.office(days=1)
		self.assertFalse(frappe.get_message_log())
		self.configure(server, BACK)
		(message,) = frappe.get_message_log()
		self.assertIn("242 days of 2 devices", message["message"])
		self.assertIn("Stop", message["message"])

	def test_what_is_left_is_shown_goes_on_and_comes_to_an_end(self):
		self.office(sync_interval=0)
		self.tick()
		state = self.shown()
		self.assertEqual((state.status, state.days_left, state.streams), ("Reading", 242, 2))
		self.pull(requests=8)
		asked = self.tick()
		left = self.left()
		self.assertEqual(left["SN2"], 121, left)
		self.assertTrue(60 < left["SN1"] < 115, left)
		self.assertIn(("main", ["SN1"]), asked, "at once, although the server is read once a day")
		self.assertEqual(api.status()["servers"][0]["first_read"].days_left, sum(left.values()))
		self.pull()
		self.tick()
		state = self.shown()
		self.assertEqual((state.status, state.days_left), ("Finished", 0))
		self.assertEqual(len(checkins()), 2 * (BACK // 7))
		self.assertIsNone(api.status()["servers"][0]["first_read"])
		self.tick()
		self.assertEqual(self.shown().status, "Finished", "there is no other one")

	def test_stop_ends_it_at_the_next_request_and_resume_goes_on(self):
		server = self.office()
		self.tick()
		name = self.shown().name
		keep = periods.set_aside
		asked = []

		def stop_at_the_fifth(server_id):
			asked.append(server_id)
			if len(asked) == 5:
				api.stop_period(name)
			return keep(server_id)

		with patch.object(periods, "set_aside", stop_at_the_fifth):
			self.pull(["SN1", "SN2"])
		self.assertIn("Stopped by Administrator", logs()[0].error)
		self.assertLess(len(server.requests), 12)
		self.assertEqual(self.tick(), [], "neither is asked for")
		state = self.shown()
		self.assertEqual((state.status, state.stopped_by), ("Stopped", "Administrator"))
		self.assertTrue(150 < state.days_left < 242, state)
		api.resume_period(name)
		self.assertTrue(self.tick())
		self.pull()
		self.tick()
		self.assertEqual((self.shown().status, len(checkins())), ("Finished", 2 * (BACK // 7)))

	def test_stopped_behind_a_start_date_that_was_moved_back_the_days_from_now_on_are_read_all_the_same(self):
		server = self.office(days=1, devices=1)
		self.pull()
		self.assertEqual(len(checkins()), 1)
		self.configure(server, BACK)
		self.tick()
		self.assertEqual(self.left(), {"SN1": BACK - 1})
		api.stop_period(self.shown().name)
		frappe.db.set_value(servers.CURSOR, {"unit": "SN1"}, "last_run", now_datetime() - DAY)
		self.assertIn(("main", ["SN1"]), self.tick(), "it is due as ever")
		self.world.punch("SN1", "1", now_datetime().replace(microsecond=0) - timedelta(minutes=5))
		self.world.now = now_datetime()
		self.pull()
		self.assertEqual((len(checkins()), logs()[-1].status), (2, "Success"), logs()[-1].error)
		api.resume_period(self.shown().name)
		self.pull()
		self.tick()
		self.assertEqual((self.shown().status, len(checkins())), ("Finished", BACK // 7 + 1))

	def test_a_device_that_never_had_a_punch_is_named_and_does_not_keep_it_from_ending(self):
		self.office(devices=1)
		factories.device("EMPTY", "Back Door")
		self.tick()
		self.pull()
		self.tick()
		state = self.shown()
		self.assertEqual((state.status, state.days_left, state.troubled), ("Incomplete", 0, 1))
		self.assertIn("never had a punch", state.troubles[0]["error"])

	def test_what_is_short_is_not_shown(self):
		self.office(days=20)
		self.tick()
		self.assertFalse(frappe.get_all(periods.DOCTYPE))
