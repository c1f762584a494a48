"""Clocks that are wrong, and how they are put right in Desk."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

import frappe

from biometric_integration import api
from biometric_integration.simulator import World
from biometric_integration.sync import jobs
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import SERVER_TYPES, SiteTestCase, checkins, events, sync

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
KOLKATA = "Asia/Kolkata"


def now():
	"""The clock of the site, whose zone is that of the server here."""
	return frappe.utils.now_datetime().replace(microsecond=0)


class Clocks(SiteTestCase):
	def office(self, server_type: str, *ids: str, zone: str = KOLKATA):
		"""A server whose clock is right; the punches are of just now."""
		world = World(None, frappe.utils.get_system_timezone())
		world.add_device("SN1", "Gate")
		factories.employees(ids or ["1"])
		server = self.start(server_type, world)
		self.settings(server_type, server, time_zone="", start_date=(now() - 40 * DAY).date())
		return world, server

	@contextmanager
	def as_user(self, role: str):
		"""`frappe.only_for` lets everybody pass while `in_test` is set: take that away."""
		frappe.set_user(factories.user(role))
		try:
			with patch.dict(frappe.flags, in_test=False):
				yield
		finally:
			frappe.set_user("Administrator")

	def device(self):
		return frappe.get_doc("Biometric Device", {"serial_number": "SN1"})


class TestAheadClock(Clocks):
	def ahead(self, server_type: str):
		"""Three punches of two people, 15 minutes later than they arrive."""
		world, _server = self.office(server_type, "1", "2")
		sync()
		self.asked_at = frappe.utils.now_datetime()
		moments = [now() - seconds * timedelta(seconds=1) for seconds in (90, 60, 5)]
		for user_id, moment in zip("121", moments, strict=True):
			world.punch("SN1", user_id, moment + 15 * MINUTE, received=moment)
		sync()
		return world, moments

	def test_both_server_types_find_it_at_once_and_tell_it_once_on_the_device(self):
		for server_type in SERVER_TYPES:
			with self.subTest(server_type):
				self.setUp()
				self.ahead(server_type)
				self.assertEqual([event.reason_code for event in events()], ["future"] * 3)
				device = self.device()
				self.assertAlmostEqual(device.clock_ahead, 15 * 60, delta=30)
				(told,) = api.status()["clocks"]
				self.assertEqual((told.name, told.clock_ahead), (device.name, device.clock_ahead))
				sync()
				runs = api.sync_state(str(self.asked_at))["runs"]
				self.assertFalse([run.error for run in runs if run.error], "not on each run")
				self.assertEqual(checkins(), [])

	def test_all_of_its_punches_are_released_in_one_step(self):
		for server_type in SERVER_TYPES:
			with self.subTest(server_type):
				self.setUp()
				_world, moments = self.ahead(server_type)
				device = self.device().name
				preview = api.release_ahead(device)
				self.assertEqual((preview["events"], preview["people"], preview["left"]), (3, 2, 0))
				self.assertAlmostEqual(preview["ahead"], 15 * 60, delta=30)
				self.assertEqual([event.status for event in events()], ["Quarantined"] * 3, "only looked")
				done = api.release_ahead(device, 15 * 60, dry_run=0)
				self.assertEqual(done["events"], 3)
				jobs.process()
				self.assertEqual(sorted(time for _, time in checkins()), moments)
				names = {"name": ("in", [event.name for event in events()])}
				by = frappe.get_all("Biometric Staging Event", names, pluck="released_by")
				self.assertEqual(by, ["Administrator"] * 3)
				comment = {"reference_doctype": "Biometric Device", "reference_name": device}
				words = frappe.get_all("Comment", comment, pluck="content", order_by="creation desc", limit=1)
				self.assertIn("released 3 punches", words[0])
				self.assertEqual(api.release_ahead(device, 15 * 60, dry_run=0)["events"], 0, "once")

	def test_no_punch_is_made_after_it_arrived_nor_long_before(self):
		self.ahead("eBioServer")
		device = self.device().name
		for ahead in (5 * 60, 12 * 24 * 3600, 0, -900):
			done = api.release_ahead(device, ahead, dry_run=0)
			self.assertEqual((done["events"], done["left"]), (0, 3), ahead)

	def test_reprocess_does_not_make_a_wrong_time_right(self):
		self.ahead("eTimeTrackLite")
		fields = ["source_time", "punch_time", "creation"]
		for event in events():
			times = frappe.db.get_value("Biometric Staging Event", event.name, fields, as_dict=True)
			a_day_ago = {field: moment - DAY for field, moment in times.items()}
			frappe.db.set_value("Biometric Staging Event", event.name, a_day_ago)
		api.reprocess([event.name for event in events()])
		jobs.process()
		self.assertEqual([event.reason_code for event in events()], ["future"] * 3)

	def test_a_device_whose_punches_come_right_for_a_day_is_told_no_more(self):
		world, _moments = self.ahead("eTimeTrackLite")
		frappe.db.set_value("Biometric Device", self.device().name, "clock_found_at", now() - DAY - MINUTE)
		world.punch("SN1", "1", now())
		sync()
		self.assertEqual((self.device().clock_ahead, api.status()["clocks"]), (0, []))

	def test_who_may_not_set_up_may_not_release(self):
		self.ahead("eBioServer")
		device = self.device().name
		with self.as_user("HR User"), self.assertRaises(frappe.PermissionError):
			api.release_ahead(device)
