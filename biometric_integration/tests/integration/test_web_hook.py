"""eBioServerNew's web hook, and what a stranger can do to it."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import datetime, timedelta
from unittest.mock import patch

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

import frappe

from biometric_integration import api
from biometric_integration.simulator import World
from biometric_integration.sync import jobs
from biometric_integration.sync.db import pace
from biometric_integration.sync.receiving import web_hook
from biometric_integration.sync.records import servers
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import FIRST_DAY, SiteTestCase, checkins, events, logs, sync
from biometric_integration.tests.integration.http import API, Answer, serving

PATH = f"{API}ebioserver_hook"
SECRET, OTHER = "s3cret-of-the-main-server", "s3cret-of-the-branch-server"
COUNTED = ("Staging Event", "Sync Log", "Device", "Device Hour", "Server State")
NINE = datetime(2025, 4, 7, 9)
MINUTE = timedelta(minutes=1)


def row(number: int = 1, **values) -> dict:
	return {
		"EmployeeCode": str(number),
		"DownloadDate": "2025-04-07 12:00:00",
		"LogDate": str(NINE + number * MINUTE),
		"DeviceName": "Main Gate",
		"SerialNumber": "SN1",
		"Direction": "IN",
		"DeviceDirection": "Device",
		"WorkCode": "0",
		"VerificationType": "Finger",
		"GPS": "0,0",
		**values,
	}


def encrypted(rows: object, password: str) -> dict:
	padder = PKCS7(128).padder()
	padded = padder.update(json.dumps(rows).encode()) + padder.finalize()
	key = (password + 32 * "1")[:32].encode()
	encryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).encryptor()
	return {"data": b64encode(encryptor.update(padded) + encryptor.finalize()).decode()}


class HookCase(SiteTestCase):
	@classmethod
	def setUpClass(cls):
		super().setUpClass()
		context = serving()
		cls.site = context.__enter__()
		cls.addClassCleanup(context.__exit__, None, None, None)

	def setUp(self):
		super().setUp()
		self.configure()
		self.addCleanup(self.configure, hook_secret="", hook_password="")
		frappe.cache.delete_keys(pace.PREFIX)

	def configure(self, hook_secret: str = SECRET, hook_password: str = "", **values):
		branch = {
			"server_id": "branch",
			"server_type": "eBioServer",
			"label": "Branch",
			"time_zone": "Asia/Dubai",
			"enabled": 0,
			"hook_secret": hook_secret and OTHER,
		}
		factories.settings(
			server_type="eBioServer",
			endpoint_url="http://127.0.0.1:9",
			api_user="api",
			api_password="x",
			start_date=FIRST_DAY,
			more_servers=[branch],
			hook_secret=hook_secret,
			hook_password=hook_password,
			**values,
		)

	def deliver(self, posted: object, secret: str = SECRET, kind: str = "application/json") -> Answer:
		body = posted if isinstance(posted, bytes) else json.dumps(posted).encode()
		frappe.db.commit()  # nosemgrep -- what was prepared is seen
		answer = self.site.post(f"{PATH}?secret={secret}", body, kind)
		frappe.db.rollback()  # a fresh view
		return answer

	def assert_accepted(self, answer: Answer):
		self.assertEqual((answer.status, answer.body), (200, b"Success"), answer)
		self.assertTrue(answer.kind.startswith("text/plain"), answer.kind)

	def counted(self) -> list[int]:
		return [frappe.db.count(f"Biometric {doctype}") for doctype in COUNTED]


class Delivered(HookCase):
	def test_an_object_and_an_array_are_kept_before_they_are_answered(self):
		for posted in (row(1), [row(2), row(3)]):
			for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
				self.assert_accepted(self.deliver(posted, kind=kind))
		self.assertEqual([event.device_user_id for event in events()], ["1", "2", "3"])
		kept = frappe.get_all("Biometric Staging Event", fields=["owner", "feed", "raw_payload", "direction"])
		self.assertEqual({(one.owner, one.feed, one.direction) for one in kept}, {("Guest", "webhook", "IN")})
		self.assertNotIn("GPS", kept[0].raw_payload)
		self.assertEqual(sum(log.fetched for log in logs()), 9)

	def test_encrypted_with_a_short_password_and_with_a_whole_one(self):
		for password in ("short", "x" * 32):
			with self.subTest(password=password):
				self.configure(hook_password=password)
				self.assert_accepted(self.deliver(encrypted([row(1)], password)))
				self.assertEqual(self.deliver(row(2)).status, 400, "nothing in plain text")
				self.assertEqual(self.deliver(encrypted([row(2)], "another")).status, 400)
				self.assertEqual(self.deliver({"data": "no base64!"}).status, 400)
		self.assertEqual(len(events()), 1)
		self.configure()
		self.assertEqual(self.deliver(encrypted([row(2)], "short")).status, 400, "nothing that is encrypted")
		self.assertEqual(len(events()), 1)

	def test_what_the_server_lists_and_what_it_delivers_is_one_punch(self):
		world = World(NINE + timedelta(hours=3))
		world.add_device("SN1", "Main Gate")
		for number in range(1, 4):
			world.punch("SN1", str(number), NINE + number * MINUTE, "in")
		self.assert_accepted(self.deliver([row(1), row(2)]))
		server = self.start("eBioServer", world)
		self.configure_reading(server)
		for _run in range(2):
			self.assertEqual(sync()["status"], "Success")
		self.assert_accepted(self.deliver([row(3)]))
		self.assertEqual((len(events()), frappe.db.count("Biometric Device")), (3, 1))

	def configure_reading(self, server):
		settings = frappe.get_single(servers.SETTINGS)
		settings.hook_secret = SECRET
		settings.save()
		frappe.db.commit()  # nosemgrep -- as a person who saved it

	def test_a_device_is_found_by_its_serial_then_by_its_name(self):
		self.assert_accepted(self.deliver([row(1), row(2, SerialNumber="", DeviceName="Back Door")]))
		self.assert_accepted(
			self.deliver([row(3, DeviceName="New Name"), row(4, SerialNumber=None, DeviceName="Back Door")])
		)
		devices = frappe.get_all("Biometric Device", fields=["device_name", "serial_number", "server"])
		found = sorted((one.device_name, one.serial_number, one.server) for one in devices)
		self.assertEqual(found, [("Back Door", None, "main"), ("Main Gate", "SN1", "main")])
		self.assertEqual(len(events()), 4)

	def test_the_secret_says_whose_rows_they_are(self):
		self.assert_accepted(self.deliver(row(1, SerialNumber="SN2"), OTHER))
		(event,) = frappe.get_all("Biometric Staging Event", fields=["server", "punch_time"])
		self.assertEqual((event.server, event.punch_time), ("branch", NINE + 91 * MINUTE))

	def test_junk_and_what_cannot_be_read_is_kept_and_stops_nothing(self):
		rows = [
			row(1),
			row(2, EmployeeCode="OPLOG 4"),
			row(3, LogDate="yesterday"),
			{"LogDate": 1, "EmployeeCode": "7"},
			7,
			row(4, EmployeeCode="\ud800<script>"),
		]
		for _time in range(2):  # as text: newer frappe itself takes half a character for no JSON
			self.assert_accepted(self.deliver(rows, kind="text/plain"))
		found = sorted(event.status for event in events())
		self.assertEqual(found, ["Failed", "Failed", "Failed", "Ignored", "Pending", "Pending"])
		self.assertEqual(sum(log.new + log.junk + log.invalid for log in logs()), 6)
		for log in logs():
			self.assertEqual(log.fetched, log.new + log.known + log.junk + log.invalid)

	def test_what_frappe_takes_for_no_json_is_kept_or_not_acknowledged(self):
		for number, odd in enumerate((row(4, EmployeeCode="\ud800"), row(5, GPS=float("nan")))):
			with self.subTest(odd=odd):
				answer = self.deliver([row(6 + number), odd])
				if answer.status == 200:
					self.assert_accepted(answer)
				else:
					self.assertNotIn(b"Success", answer.body)
				self.assertEqual(len(events()) % 2, 0, "half of a delivery was kept")
				self.assertEqual(answer.status == 200, bool(events(device_user_id=str(6 + number))))

	def test_check_ins_come_of_it(self):
		factories.employee("1")
		self.deliver(row(1))
		jobs.process()
		self.assertEqual(checkins(), [("1", NINE + MINUTE)])

	def test_what_could_not_be_kept_is_not_acknowledged(self):
		with patch.object(web_hook, "receive", side_effect=frappe.db.OperationalError(2006, "gone away")):
			self.assertEqual(web_hook.answer(SECRET, json.dumps(row()).encode()), (503, ""))

	def test_a_defect_says_nothing_and_keeps_no_secret(self):
		with (
			patch.object(web_hook, "receive", side_effect=ValueError(SECRET)),
			patch.object(frappe, "log_error") as noted,
		):
			self.assertEqual(web_hook.answer(SECRET, json.dumps(row()).encode()), (500, ""))
		self.assertNotIn(SECRET, repr(noted.call_args))
		self.assertIn("ValueError", repr(noted.call_args))


class Strangers(HookCase):
	def test_a_wrong_secret_changes_nothing_and_is_counted(self):
		before = self.counted()
		for secret in ("", "x", SECRET[:-1], SECRET.upper(), SECRET + "x", "%ff%00", "x" * 5000):
			answer = self.deliver(row(), secret)
			self.assertEqual((answer.status, answer.body), (403, b""), secret[:30])
		self.assertEqual(self.counted(), before)

	def test_too_many_wrong_ones_are_told_so_and_the_right_one_still_works(self):
		with patch.object(web_hook, "MOST_WRONG", 3):
			found = [self.deliver(row(), "x").status for _ in range(5)]
			self.assertEqual(found, [403, 403, 403, 429, 429])
			self.assert_accepted(self.deliver(row()))

	def test_what_is_no_delivery_changes_nothing(self):
		before = self.counted()
		for status, body in (
			(400, b""),
			(400, b"{"),
			(400, b"\xff\xfe"),
			(400, b"[]"),
			(400, b'{"punches": []}'),
			(400, b"[" * 100_000),
			(413, json.dumps([row()] * 5001).encode()),
			(413, b" " * (5 * 1024 * 1024)),
		):
			with self.subTest(body=body[:20]):
				answer = self.deliver(body, kind="text/plain")
				self.assertEqual((answer.status, answer.body), (status, b""))
		self.assertEqual(self.counted(), before)

	def test_a_replayed_delivery_changes_nothing(self):
		self.deliver([row(1), row(2)])
		before = self.counted()
		self.assert_accepted(self.deliver([row(1), row(2)]))
		self.assertEqual(self.counted(), before)

	def test_without_a_secret_nothing_is_accepted(self):
		self.configure(hook_secret="")
		for secret in ("", SECRET, "None", "%2A%2A%2A"):
			self.assertEqual(self.deliver(row(), secret).status, 403)
		self.assertEqual(events(), [])

	def test_only_by_post(self):
		self.assertEqual(self.site.ask("GET", f"{PATH}?secret={SECRET}").status, 403)

	def test_who_may_see_the_address(self):
		self.addCleanup(frappe.set_user, "Administrator")
		frappe.set_user(factories.user("HR Manager"))
		with patch.dict(frappe.flags, in_test=False), self.assertRaises(frappe.PermissionError):
			api.web_hook_address()
		frappe.set_user("Administrator")
		self.assertIn(f"secret={SECRET}", api.web_hook_address())
		self.assertIn(f"secret={OTHER}", api.web_hook_address("branch"))
		self.configure(hook_secret="")
		made = api.web_hook_address()
		self.assertEqual(api.web_hook_address(), made)
		self.assertGreater(len(made.partition("secret=")[2]), 40)
		with self.assertRaises(frappe.ValidationError):
			api.web_hook_address("nobody")

	def test_only_a_server_of_this_type_has_a_web_hook(self):
		frappe.db.set_single_value("Biometric Sync Settings", "server_type", "eTimeTrackLite")
		frappe.clear_document_cache("Biometric Sync Settings", "Biometric Sync Settings")
		self.assertEqual([hook.server for hook in servers.hooks()], ["branch"])
		self.assertEqual(self.deliver([], SECRET).status, 403)
		self.assertRaises(frappe.ValidationError, api.web_hook_address)

	def test_no_secret_is_shown_or_kept_in_the_history(self):
		settings = frappe.get_single(servers.SETTINGS)
		settings.hook_secret, settings.hook_password = "another-secret-of-the-server", "s3cret-aes"
		settings.save()
		said = json.dumps(frappe.get_all("Version", {"ref_doctype": servers.SETTINGS}, ["data"]))
		said += json.dumps(frappe.get_single(servers.SETTINGS).as_dict(), default=str) + repr(servers.hooks())
		for secret in ("another-secret-of-the-server", "s3cret-aes"):
			self.assertNotIn(secret, said)

	def test_secrets_that_are_none(self):
		for values in (
			{"hook_secret": "short"},
			{"hook_secret": "with blanks in the secret"},
			{"hook_password": "ü" * 17},
		):
			with self.subTest(values), self.assertRaises(frappe.ValidationError):
				self.configure(**values)
			frappe.db.rollback()
