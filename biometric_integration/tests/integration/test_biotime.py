"""BioTime on a site: from its list to check-ins, and what a person is told of it."""

from __future__ import annotations

from datetime import timedelta

import frappe
from frappe.utils import get_system_timezone, now_datetime

from biometric_integration import api
from biometric_integration.connectors.biotime import MANUAL
from biometric_integration.simulator import World
from biometric_integration.simulator.biotime_rows import PERSONAL
from biometric_integration.sync.workdays.evidence import Evidence
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import (
	PASSWORD,
	SiteTestCase,
	checkins,
	events,
	logs,
	sync,
)

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


class TestBioTime(SiteTestCase):
	def office(self, *codes: str, **options) -> tuple[World, object]:
		"""Of today, so that the stretch to be read is short."""
		world = World(self.now, get_system_timezone())
		world.add_device("SN1", "Main Gate", "BLR")
		world.add_device("SN2", "Back Gate", "HYD")
		factories.employees(codes or ("0031", "31"))
		return world, self.serve(world, **options)

	def serve(self, world: World, **options):
		server = self.start("BioTime", world, **options)
		self.settings("BioTime", server, time_zone="", start_date=self.now.date() - 10 * DAY)
		return server

	def kept(self) -> str:
		"""Everything that a site keeps of a server."""
		tables = (
			"Biometric Staging Event",
			"Biometric Sync Log",
			"Biometric Sync Request",
			"Biometric Server State",
			"Biometric Device",
			"Biometric Sync Cursor",
			"Error Log",
		)
		since = {"creation": (">=", self.began)}
		return repr([frappe.get_all(table, since, ["*"], limit=0) for table in tables])

	def setUp(self) -> None:
		super().setUp()
		self.began = now_datetime()
		self.now = self.began.replace(microsecond=0)

	def test_a_week_comes_once_while_the_token_dies_between_pages(self):
		first_day = self.now.date() - 9 * DAY
		world = World.sample(first_day=first_day, days=7, zone=get_system_timezone())
		factories.employees(world.employees)
		server = self.serve(
			world, most_rows=50, token_requests=3, host="http://internal.invalid", numbers="text"
		)
		self.assertEqual(sync()["status"], "Success")
		self.assertEqual(checkins(), sorted(world.truth()))
		self.assertGreater(len(server.gate.tokens), 3)
		before = frappe.get_all("Employee Checkin", factories.of_people(), ["name", "modified"], limit=0)
		self.assertEqual(sync()["status"], "Success")
		after = frappe.get_all("Employee Checkin", factories.of_people(), ["name", "modified"], limit=0)
		self.assertEqual(sorted(map(str, before)), sorted(map(str, after)))
		self.assertEqual([log.new for log in logs()], [len(world.truth()), 0])
		self.assertEqual({log.stream for log in logs()}, {"main/BioTime/*/punches"})
		self.assertEqual(server.changes, [])
		kept = self.kept()
		for secret in (*server.gate.tokens, PASSWORD, *map(str, PERSONAL.values())):
			self.assertNotIn(secret, kept)

	def test_a_device_that_was_offline_uploads_late(self):
		world, _server = self.office("0031")
		world.punch("SN1", "0031", self.now - 2 * MINUTE)
		world.punch("SN2", "0031", self.now - DAY, received=self.now + 5 * MINUTE)
		sync()
		self.assertEqual(len(checkins()), 1)
		world.now += 10 * MINUTE
		world.punch("SN2", "0031", world.now - MINUTE)
		sync()
		self.assertEqual(checkins(), sorted(world.truth()))

	def test_devices_are_listed_and_heard_of(self):
		world, server = self.office()
		world.punch("SN1", "0031", self.now - MINUTE)
		world.punch("SN2", "31", self.now - MINUTE, "out")
		sync()
		fields = ["serial_number", "device_name", "location", "last_ping"]
		rows = frappe.get_all("Biometric Device", fields=fields, order_by="serial_number")
		self.assertEqual(
			[(row.serial_number, row.device_name, row.location, row.last_ping) for row in rows],
			[
				("SN1", "Main Gate", "BLR", world.last_ping("SN1").replace(microsecond=0)),
				("SN2", "Back Gate", "HYD", world.last_ping("SN2").replace(microsecond=0)),
			],
		)
		asked = [request.operation for request in server.requests]
		self.assertEqual(asked.count("terminals"), 1)
		self.assertEqual(checkins(), sorted(world.truth()), "0031 is not 31")

	def test_one_stream_stands_for_all_devices(self):
		world, _server = self.office()
		world.punch("SN1", "0031", self.now - MINUTE)
		sync()
		(device,) = frappe.get_all("Biometric Device", {"serial_number": "SN2"}, pluck="name")
		self.assertEqual(
			api.device_state(device)[device]["state"], "never", "its server was read, it gave nothing"
		)
		sync(device=device)
		self.assertEqual([log.stream for log in logs()], ["main/BioTime/*/punches"] * 2)
		cursors = frappe.get_all("Biometric Sync Cursor", fields=["unit", "complete_until"])
		self.assertEqual([cursor.unit or "" for cursor in cursors], [""])
		self.assertEqual(Evidence(now_datetime()).read_until([device]), self.now)

	def test_a_terminal_that_another_server_has_is_one_device_with_one_punch(self):
		world, _server = self.office("0031", most_rows=2)
		theirs = factories.device("SN2", "Back Gate there", server="other")
		frappe.db.commit()  # nosemgrep -- as a person who saved it
		for minute in range(6):
			world.punch("SN2", "0031", self.now - (10 - minute) * MINUTE)
		for _ in range(3):
			sync()
		self.assertEqual(len(checkins()), 6)
		self.assertEqual({event.device for event in events()}, {theirs})
		ours = frappe.get_all("Biometric Device", {"server": ("in", ("", "main"))}, pluck="device_name")
		self.assertEqual(ours, ["Main Gate"])

	def test_a_serial_that_was_entered_in_other_letters_is_that_device(self):
		world, _server = self.office("0031")
		entered = factories.device("sn1", "Entered by hand")
		frappe.db.commit()  # nosemgrep -- as a person who saved it
		world.punch("SN1", "0031", self.now - 10 * MINUTE)
		for _ in range(2):
			sync()
		self.assertEqual([event.device for event in events()], [entered])
		self.assertEqual(frappe.db.count("Biometric Device", {"device_name": ("like", "Main Gate%")}), 0)

	def test_punches_of_no_terminal_are_used_until_somebody_turns_their_device_off(self):
		world, _server = self.office("0031")
		world.manual_punch("0031", self.now - 30 * MINUTE)
		sync()
		self.assertEqual(checkins(), [("0031", self.now - 30 * MINUTE)])
		(device,) = frappe.get_all("Biometric Device", {"device_name": MANUAL}, pluck="name")
		row = frappe.get_doc("Biometric Device", device)
		self.assertEqual((row.serial_number, row.needs_review), ("manual-and-app@main", 0))
		frappe.get_doc("Biometric Device", device).update({"counts_for_attendance": 0}).save()
		frappe.db.commit()  # nosemgrep -- as a person who saved it
		world.manual_punch("0031", self.now - 20 * MINUTE)
		sync()
		self.assertEqual(len(checkins()), 1)
		self.assertEqual(events(status="Ignored")[0].device, device)

	def test_the_connection_test_goes_through_six_steps_and_changes_nothing(self):
		world, server = self.office()
		world.punch("SN1", "0031", self.now - MINUTE)
		answer = api.test_connection()
		self.assertTrue(answer["ok"], answer)
		self.assertEqual(len(answer["steps"]), 6)
		self.assertIn("login (JWT)", str(answer))
		self.assertIn("Nothing of it was read before", answer["steps"][-1]["message"])
		self.assertEqual(server.changes, [])
		memory = frappe.get_all("Biometric Server State", {"name": "main"}, ["*"])
		self.assertIn("JWT", str(memory))
		for token in server.gate.tokens:
			self.assertNotIn(token, str(memory))

	def test_what_is_wrong_is_said_in_words(self):
		for options, step, words in (
			({"licensed": False}, "Operation", "licence does not include the API"),
			({"closed_login": 403}, "Login", "enter JWT as API User"),
			({"company": "acme"}, "Login", "company\\user"),
			({"user": "somebody"}, "Login", "It was tried once only"),
		):
			with self.subTest(step), self.subTest(words):
				self.setUp()
				_world, server = self.office(**options)
				failed = next(each for each in api.test_connection()["steps"] if not each["ok"])
				self.assertEqual(failed["step"], step)
				self.assertIn(words, failed["message"])
				self.assertEqual(sync()["status"], "Failed")
				self.assertIn(words, logs()[-1].error)
				self.assertLessEqual(server.gate.bad_logins, 2)
