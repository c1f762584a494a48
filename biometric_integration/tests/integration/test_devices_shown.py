"""Devices that are not fine are never shown as such."""

from __future__ import annotations

from datetime import datetime, timedelta
from unittest.mock import patch

import frappe
from frappe.utils import now_datetime

from biometric_integration import api
from biometric_integration.sync.db import sql
from biometric_integration.sync.records import servers
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import SiteTestCase
from biometric_integration.tests.integration.test_mapping import stage
from biometric_integration.tests.queries import queries

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
HOURS = "Biometric Device Hour"
CARD = "Devices to Look At"


class DevicesShownTestCase(SiteTestCase):
	def setUp(self) -> None:
		super().setUp()
		self.now = now_datetime().replace(microsecond=0)
		self.configure()
		self.is_read("main")

	def configure(self, **values) -> None:
		connection = {"server_type": "eTimeTrackLite", "endpoint_url": "http://192.0.2.1", "api_user": "api"}
		factories.settings(**connection, **values)

	def is_read(self, server: str) -> None:
		servers._write_state(server, {"last_success": now_datetime() + timedelta(seconds=-1)})

	def device(self, serial: str, last_punch=None, **values) -> str:
		"""Entered a year ago."""
		name = factories.device(serial, last_punch=last_punch, **values)
		frappe.db.set_value("Biometric Device", name, "creation", self.now - 365 * DAY)
		return name

	def state(self, device: str) -> str:
		return api.device_state(device)[device]["state"]

	def delivered(self, device: str, *days_ago: int) -> None:
		stage(*(("1", self.now - days * DAY) for days in days_ago), device=device)
		frappe.db.set_value("Biometric Device", device, "last_punch", self.now - min(days_ago) * DAY)


class TestDevicesShown(DevicesShownTestCase):
	def test_each_is_told_apart_with_its_way_out(self):
		row = {
			"server_id": "branch-2",
			"server_type": "eTimeTrackLite",
			"endpoint_url": "http://192.0.2.2",
			"api_user": "api",
		}
		self.configure(more_servers=[row])
		gone = self.device("SN4", self.now, server="branch-2")
		self.configure()
		expected = {
			self.device("SN1", self.now - timedelta(hours=1)): ("active", ""),
			self.device("SN2"): ("never", "Compare the serial number"),
			self.device("SN3", self.now - 30 * DAY): ("silent", "No punch since"),
			gone: ("orphaned", "branch-2"),
			self.device(None): ("never", "no serial number"),
			self.device("SN5", enabled=0): ("disabled", ""),
		}
		shown = api.device_state()
		for device, (state, words) in expected.items():
			with self.subTest(state):
				self.assertEqual(shown[device]["state"], state)
				self.assertIn(words, shown[device]["message"])
		wanted = {
			device for device, (state, _words) in expected.items() if state in ("never", "silent", "orphaned")
		}
		card = api.devices_to_look_at()
		self.assertEqual(card["value"], 4)
		self.assertEqual(set(card["route_options"]["name"][1]), wanted)

	def test_a_server_that_is_not_read_says_nothing_about_its_devices(self):
		device = self.device("SN1", self.now)
		self.assertEqual(self.state(device), "active")
		for values in ({"last_success": self.now - 400 * DAY}, {"last_success": self.now, "failures": 3}):
			frappe.db.set_value(servers.STATE, "main", values)
			frappe.db.set_single_value(servers.SETTINGS, "modified", str(self.now - 2 * DAY))
			frappe.clear_document_cache(servers.SETTINGS, servers.SETTINGS)
			self.assertEqual(self.state(device), "unread")
		self.assertEqual(api.devices_to_look_at()["value"], 0)

	def test_a_device_that_is_new_to_a_server_was_not_read_yet(self):
		device = factories.device("SN1")
		self.assertEqual(self.state(device), "unread")

	def test_a_device_that_a_long_pull_has_read_is_known_before_the_pull_ends(self):
		device, other = factories.device("SN1"), factories.device("SN2")
		self.run_of("SN1", last_run=now_datetime() + timedelta(seconds=1))
		for last_success in (self.now - timedelta(minutes=5), None):
			with self.subTest(last_success):
				frappe.db.set_value(servers.STATE, "main", "last_success", last_success)
				self.assertEqual((self.state(device), self.state(other)), ("never", "unread"))
		frappe.db.set_value(servers.STATE, "main", "failures", 3)
		self.assertEqual(self.state(device), "unread", "not where the server fails")

	def run_of(self, unit: str, **values) -> None:
		key = {"doctype": servers.CURSOR, "name": unit, "server": "main", "server_type": "eTimeTrackLite"}
		frappe.get_doc({**key, "unit": unit, **values}).insert()

	def test_a_device_whose_own_stream_fails_is_not_green(self):
		device, other = self.device("SN1", self.now), self.device("SN2", self.now)
		self.run_of("SN1", failures=1)
		self.assertEqual((self.state(device), self.state(other)), ("failing", "active"))

	def test_a_plant_that_was_shut_makes_nobody_silent_before_the_others_have_worked_for_days(self):
		late, early = self.device("SN1"), self.device("SN2")
		self.delivered(late, 6)
		self.delivered(early, 0, 6)
		self.assertEqual(self.state(late), "active")
		self.delivered(early, 1)
		self.assertEqual(self.state(late), "active")
		self.delivered(early, 2)
		frappe.db.set_value("Biometric Device", early, "last_punch", self.now)
		shown = api.device_state(late)[late]
		self.assertEqual(shown["state"], "silent")
		self.assertIn("3 days", shown["message"])

	def test_punches_of_a_run_that_was_killed_are_no_silence_since_ever(self):
		device = self.device("SN1")
		stage(("1", self.now - timedelta(hours=1)), device=device)
		self.assertEqual(self.state(device), "active")

	def test_nothing_that_is_set_up_is_nothing_to_look_at(self):
		self.assertEqual(
			api.devices_to_look_at(),
			{"value": 0, "fieldtype": "Int", "route": ["List", "Biometric Device"], "route_options": {}},
		)

	def test_the_card_is_on_the_workspace(self):
		self.assertEqual(
			frappe.db.get_value("Number Card", CARD, "method"), "biometric_integration.api.devices_to_look_at"
		)
		self.assertIn(CARD, frappe.db.get_value("Workspace", "Biometric Integration", "content"))


class TestRhythmIsShown(DevicesShownTestCase):
	"""On the form and in the list, beside what is shown there without it."""

	def usual(self, *devices: str) -> None:
		"""140 punches came around ten on the same day of each of the last weeks."""
		for device in devices:
			for week in range(1, 4):
				self.came(device, 140, self.clock() - 7 * week * DAY)

	def came(self, device: str, punches: int, hour: datetime) -> None:
		row = {
			"name": f"{hour:%Y%m%d%H}-{device}",
			"device": device,
			"hour": hour,
			"punches": punches,
			"backlog": 0,
			"first_arrival": hour,
			"last_arrival": hour + 59 * MINUTE,
		}
		sql.insert(HOURS, tuple(row), [tuple(row.values())])

	def clock(self) -> datetime:
		return (self.now - DAY).replace(hour=10, minute=0, second=0)

	def shown(self, device: str) -> dict:
		"""At noon of yesterday: any time of the real day is fine for the test."""
		noon = self.clock().replace(hour=12)
		with patch("biometric_integration.sync.desk.device_states.now_datetime", return_value=noon):
			return api.device_state()[device]

	def delivering(self, serial: str, **values) -> str:
		return self.device(serial, self.clock(), **values)

	def test_a_device_that_has_less_than_usual_is_late(self):
		few, many, none = (self.delivering(serial) for serial in ("SN1", "SN2", "SN3"))
		self.usual(few, many, none)
		self.came(few, 3, self.clock() + HOUR)
		self.came(many, 133, self.clock() + HOUR)
		self.assertEqual(self.shown(few)["state"], "late")
		self.assertEqual(self.shown(few)["message"], "Usually 140 punches by 12:00, has 3 today.")
		self.assertEqual(self.shown(many)["state"], "active")
		self.assertIn("has 133 today", self.shown(many)["message"])
		self.assertEqual(self.shown(none)["state"], "silent")
		self.assertIn("No punch since", self.shown(none)["message"])

	def test_a_day_without_a_punch_anywhere_is_nobodys_silence(self):
		one = self.delivering("SN1", last_ping=self.clock())
		self.usual(one)
		self.assertEqual(self.shown(one)["state"], "active")
		self.assertNotIn("Usually", self.shown(one)["message"])
		self.assertIn("last heard of it", self.shown(one)["message"])

	def test_all_devices_are_told_of_in_a_fixed_number_of_queries(self):
		def asked() -> int:
			before = queries()
			api.device_state()
			return queries() - before

		self.usual(self.delivering("SN1"))
		asked()
		few = asked()
		for number in range(2, 12):
			self.usual(self.delivering(f"SN{number}"))
		self.assertEqual(asked(), few)
