"""What Test Connection says, and that it is true."""

from __future__ import annotations

from datetime import timedelta

import frappe

from biometric_integration import api
from biometric_integration.simulator import World
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import SERVER_TYPES, SiteTestCase, events, sync

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


class TestConnection(SiteTestCase):
	def branches(self, server_type: str = "eBioServer", **options):
		"""Of today: that is the day that is asked for."""
		world = self.world()
		world.add_device("SN1", "Gate", "BLR")
		world.add_device("SN2", "Door", "PUN")
		server = self.start(server_type, world, **options)
		self.enter(server_type, server)
		return world, server

	def world(self) -> World:
		return World(None, frappe.utils.get_system_timezone())

	def enter(self, server_type: str, server, **values) -> None:
		start = (frappe.utils.now_datetime() - 10 * DAY).date()
		self.settings(server_type, server, time_zone="", start_date=start, **values)

	def steps(self) -> dict:
		answer = api.test_connection()
		steps = {step["step"]: step for step in answer["steps"]}
		self.assertEqual(answer["ok"], all(step["ok"] for step in steps.values()))
		return steps

	def test_a_location_where_no_device_stands_is_told_with_those_that_there_are(self):
		world, server = self.branches()
		world.punch("SN1", "1", world.now - SECOND)
		for location in ("BANGALORE", "blr", "Bangalore, BLR"):
			with self.subTest(location):
				self.enter("eBioServer", server, location=location)
				step = self.steps()["Operation"]
				self.assertFalse(step["ok"])
				for words in (location, "BLR, PUN", "nothing can come"):
					self.assertIn(words, step["message"])
				self.assertEqual("written BLR" in step["message"], location == "blr")
				self.assertIn("location", step["fix"])

	def test_blanks_around_a_location_are_nobodys_intention(self):
		world, server = self.branches()
		world.punch("SN1", "1", world.now - SECOND)
		world.punch("SN2", "1", world.now - SECOND)
		for location, rows in (("BLR ", 1), (" PUN", 1), ("  ", 2)):
			with self.subTest(location):
				self.enter("eBioServer", server, location=location)
				self.assertEqual(frappe.get_single("Biometric Sync Settings").location, location.strip())
				self.assertIn(f"{rows} rows read", self.steps()["Parse"]["message"])

	def test_a_device_that_was_quiet_today_was_read_before(self):
		for server_type in SERVER_TYPES:
			with self.subTest(server_type):
				self.setUp()
				world, _server = self.branches(server_type)
				for number in range(1, 8):
					world.punch("SN1", "1", world.now - number * DAY)
				said = self.steps()["Parse"]["message"]
				self.assertIn("No punches", said)
				self.assertIn("Nothing of it was read before", said)
				sync()
				self.assertEqual(len(events()), 7)
				parse = self.steps()["Parse"]
				self.assertTrue(parse["ok"])
				self.assertIn("No punches", parse["message"])
				self.assertIn("Read before: 7 of its punches", parse["message"])
				self.assertNotIn("yet", parse["message"])

	def test_a_serial_number_that_never_gave_anything_is_named(self):
		world, _server = self.branches("eTimeTrackLite")
		factories.device("SN1O", "A letter in place of a zero")
		world.punch("SN1", "1", world.now - SECOND)
		sync()
		said = self.steps()["Parse"]["message"]
		self.assertIn("1 rows read", said, "the device that is heard of is asked")
		self.assertIn("SN1O, SN2", said)
		for serial in ("SN1", "SN2"):
			frappe.db.set_value("Biometric Device", {"serial_number": serial}, "enabled", 0)
		said = self.steps()["Parse"]["message"]
		self.assertIn("No punches of the serial number SN1O today", said)
		self.assertIn("does not know", said)
		self.assertIn("Nothing of it was read before", said)

	def test_no_device_at_all(self):
		self.start("eTimeTrackLite", self.world())
		parse = self.steps()["Parse"]
		self.assertFalse(parse["ok"])
		self.assertIn("no device", parse["message"])
		self.assertIn("Biometric Device", parse["fix"])
		self.start("eBioServer", self.world())
		login = self.steps()["Login"]
		self.assertFalse(login["ok"])
		self.assertIn("lists no device", login["message"])
