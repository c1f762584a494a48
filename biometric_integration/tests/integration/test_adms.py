"""Devices that push to the site, over real HTTP: exactly once, and acknowledged only once it is kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from http.client import HTTPConnection
from unittest.mock import patch

from redis.exceptions import RedisError

import frappe
from frappe.client import get_single_value
from frappe.utils import now_datetime

from biometric_integration import api
from biometric_integration.core.errors import SyncError
from biometric_integration.receivers.adms.conversation import Asked
from biometric_integration.simulator import FakeAccessPanel, FakeTerminal, World
from biometric_integration.sync import jobs, retention
from biometric_integration.sync.db import pace, transaction
from biometric_integration.sync.push import door, host, questions, strangers
from biometric_integration.sync.push.host import ONLY_PUSHES
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import SiteTestCase, checkins, events, sync
from biometric_integration.tests.integration.served import served
from biometric_integration.tests.integration.test_sight import limited, other_company

SERIAL = "PUSH000000001"
MORNING = datetime(2025, 4, 7, 9, 2, 11)
SECRET = "a-secret-path-1"
PUSH = {
	"accept_push": 1,
	"push_secret": "",
	"push_networks": "",
	"start_date": "2025-04-01",
	"import_floor": None,
}
"""The first day too, as others may have left a later one: punches from before it are not used."""
UNKNOWN = strangers.DOCTYPE


class PushTestCase(SiteTestCase):
	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		running = served()
		cls.url = running.__enter__()
		cls.addClassCleanup(running.__exit__, None, None, None)

	def setUp(self) -> None:
		super().setUp()
		for doctype in (UNKNOWN, questions.DOCTYPE):
			frappe.db.delete(doctype)
		for key in frappe.cache.get_keys(pace.PREFIX):
			frappe.cache.delete(key)
		self.push_settings()
		self.addCleanup(self.push_settings, accept_push=0)

	def push_settings(self, **values) -> None:
		settings = frappe.get_single("Biometric Sync Settings")
		settings.update({"start_date": MORNING.date(), **PUSH, **values})
		settings.save(ignore_permissions=True)
		frappe.db.commit()  # nosemgrep -- the site is another connection

	def device(self, serial: str = SERIAL, **values) -> str:
		values = {"push": 1, "server": ONLY_PUSHES, "direction_policy": "Blank", **values}
		name = factories.device(serial, **values)
		frappe.db.commit()  # nosemgrep -- the site is another connection
		return name

	def terminal(self, serial: str = SERIAL, path: str = "", kind=FakeTerminal, **options) -> FakeTerminal:
		return kind(f"{self.url}{path}", serial, site=frappe.local.site, **options)

	def fresh(self) -> None:
		"""What others have committed is seen."""
		frappe.db.rollback()


class Pushed(PushTestCase):
	def test_a_punch_becomes_a_check_in(self):
		factories.employee("0031")
		self.device()
		terminal = self.terminal()
		terminal.hello()
		terminal.punch("0031", MORNING)
		self.assertTrue(terminal.send())
		self.fresh()
		jobs.process()
		self.assertEqual(checkins(), [("0031", MORNING)], events())

	def test_the_device_is_told_its_zone_and_to_keep_people_to_itself(self):
		self.device(server="")
		terminal = self.terminal()
		reply = terminal.hello()
		self.assertEqual(terminal.options["TimeZone"], "330")
		self.assertEqual(terminal.options["TransFlag"], "TransData AttLog")
		self.assertIsNone(reply.header("Set-Cookie"))
		self.assertTrue(reply.header("Content-Type").startswith("text/plain"))
		self.assertTrue(reply.header("Date").endswith("GMT"))
		self.assertEqual(reply.header("Content-Length"), str(len(reply.text)))

	def test_a_device_that_never_shakes_hands_is_heard_with_every_habit_of_the_firmware(self):
		self.device()
		terminal = self.terminal(suffix=".aspx", line_end="\r\n", batch=50)
		for number in range(120):
			terminal.punch(f"{number % 7:04}", MORNING + timedelta(seconds=number))
		self.assertTrue(terminal.send_all())
		self.assertEqual(terminal.poll(), [])
		self.fresh()
		self.assertEqual(len(events(kind="Punch")), 120)

	def test_what_is_sent_again_is_there_once(self):
		self.device()
		terminal = self.terminal()
		rows = [terminal.punch("0031", MORNING + timedelta(minutes=number)) for number in range(10)]
		self.assertTrue(terminal.send())
		for _again in range(3):
			for row in rows:
				terminal.row(row)
			self.assertTrue(terminal.send())
		self.fresh()
		self.assertEqual(len(events()), 10)

	def test_one_bad_row_is_kept_as_such_and_stops_nothing(self):
		self.device()
		terminal = self.terminal()
		terminal.punch("0031", MORNING)
		terminal.row("0032\tnot a time\t0\t1")
		terminal.row("00\x0033\t2025-04-07 09:02:11\t0\t1")
		terminal.punch("0034", MORNING)
		self.assertTrue(terminal.send())
		self.fresh()
		self.assertEqual(len(events(kind="Punch")), 2)
		self.assertEqual(len(events(kind="Invalid")), 2)

	def test_people_templates_and_pictures_are_acknowledged_and_nothing_is_kept(self):
		self.device()
		terminal = self.terminal()
		self.assertEqual(terminal.tell_of_people(["1", "2"]).text, "OK: 4")
		for table in ("BIODATA", "ATTPHOTO"):
			self.assertEqual(terminal.ask("POST", "cdata", {"table": table}, b"PIN=1\tTmp=AA\n").text, "OK")
		self.fresh()
		self.assertEqual(events(), [])

	def test_what_is_personal_in_a_row_is_not_kept(self):
		self.device()
		terminal = self.terminal()
		terminal.punch(
			"0031", MORNING, more=["0", "0", "0", "1", "36.5", "36.5", "+19800", "eyJsYXQiOjE5fQ=="]
		)
		self.assertTrue(terminal.send())
		self.fresh()
		(raw,) = frappe.get_all("Biometric Staging Event", pluck="raw_payload")
		self.assertEqual(raw, "0031\t2025-04-07 09:02:11\t0\t1\t0")

	def test_the_clock_that_was_reset_is_quarantined_and_acknowledged(self):
		self.device()
		terminal = self.terminal()
		terminal.punch("0031", datetime(2000, 1, 1, 0, 4))
		self.assertTrue(terminal.send())
		self.fresh()
		jobs.process()
		self.assertEqual([event.status for event in events()], ["Quarantined"])

	def test_access_devices_register_and_whoever_was_refused_did_not_punch(self):
		self.device()
		panel = self.terminal(kind=FakeAccessPanel)
		panel.hello()
		self.assertIn("RegistryCode=", panel.replies[1].text)
		self.assertIn("TransTables=Transaction", panel.replies[2].text)
		panel.event("0031", MORNING)
		panel.event("0032", MORNING, event=23)
		panel.event("0033", MORNING, event=27)
		panel.event("0", MORNING, event=200)
		panel.event("0034", MORNING, event=14, inout=1)
		self.assertTrue(panel.send())
		self.fresh()
		self.assertEqual(sorted(event.device_user_id for event in events()), ["0031", "0034"])

	def test_a_body_of_two_megabytes_is_taken(self):
		"""A device could never get past a batch that is refused."""
		self.device()
		terminal = self.terminal(batch=100_000)
		for number in range(3000):
			terminal.punch("0031", MORNING + timedelta(seconds=number), more=["0"] * 350)
		self.assertTrue(terminal.send())
		self.fresh()
		self.assertEqual(len(events()), 3000)

	def test_pull_and_push_of_a_device_are_one_event(self):
		factories.employee("0031")
		world = World(datetime(2025, 4, 7, 12))
		world.add_device(SERIAL, "Gate")
		world.punch(SERIAL, "0031", MORNING)
		world.punch(SERIAL, "0031", MORNING + timedelta(hours=1))
		self.start("eTimeTrackLite", world)
		self.push_settings()
		frappe.db.set_value("Biometric Device", {"serial_number": SERIAL}, "push", 1)
		frappe.db.commit()  # nosemgrep -- the site is another connection
		terminal = self.terminal()
		terminal.punch("0031", MORNING)
		self.assertTrue(terminal.send())
		self.fresh()
		sync()
		terminal.punch("0031", MORNING + timedelta(hours=1), status=1)
		self.assertTrue(terminal.send())
		self.fresh()
		jobs.process()
		self.assertEqual(len(events()), 2)
		self.assertEqual(checkins(), [("0031", MORNING), ("0031", MORNING + timedelta(hours=1))])

	def test_punches_of_a_device_that_is_turned_off_are_kept_and_wait(self):
		factories.employee("0031")
		self.device(enabled=0)
		terminal = self.terminal()
		terminal.punch("0031", MORNING)
		self.assertTrue(terminal.send())
		self.fresh()
		jobs.process()
		self.assertEqual((len(events()), checkins()), (1, []))

	def test_it_is_seen_whether_a_device_is_in_contact(self):
		name = self.device()
		self.assertEqual(api.device_state(name)[name]["state"], "unread")
		terminal = self.terminal()
		terminal.poll()
		self.fresh()
		self.assertEqual(api.device_state(name)[name]["state"], "never")
		terminal.punch("0031", now_datetime() - timedelta(minutes=5))
		self.assertTrue(terminal.send())
		self.fresh()
		self.assertEqual(api.device_state(name)[name]["state"], "active")
		frappe.db.set_value("Biometric Device", name, "last_contact", now_datetime() - timedelta(hours=1))
		found = api.device_state(name)[name]
		self.assertEqual(found["state"], "unread")
		self.assertIn("last in contact", found["message"])


class NotAcknowledged(PushTestCase):
	def test_no_yes_before_the_commit(self):
		self.device()
		terminal = self.terminal()
		terminal.poll()
		terminal.punch("0031", MORNING)
		gone = frappe.db.OperationalError(2006, "gone away")
		with patch.object(transaction, "commit", side_effect=gone):
			self.assertFalse(terminal.send())
		self.assertEqual(terminal.replies[-1].status, 503)
		self.assertNotIn("OK", terminal.replies[-1].text)
		self.fresh()
		self.assertEqual(events(), [])
		self.assertTrue(terminal.send())
		self.fresh()
		self.assertEqual(len(events()), 1)

	def test_what_is_not_acknowledged_proves_nothing(self):
		name, now = self.device(), now_datetime().replace(microsecond=0)
		began, before = now - timedelta(hours=2), now - timedelta(minutes=5)
		values = {"last_contact": before, "contact_since": began, "pushed_until": before}
		frappe.db.set_value("Biometric Device", name, values)
		frappe.db.commit()  # nosemgrep -- the site is another connection
		terminal = self.terminal()
		terminal.punch("0031", MORNING)
		with patch.object(host, "receive", side_effect=SyncError("The database of this site failed")):
			self.assertFalse(terminal.send())
		terminal.poll()
		self.fresh()
		since, until = frappe.db.get_value("Biometric Device", name, ["contact_since", "pushed_until"])
		self.assertGreaterEqual(since, now)
		self.assertEqual(until, before)

	def in_contact_for_hours(self, serial: str = SERIAL) -> tuple[str, datetime]:
		name, before = self.device(serial), now_datetime().replace(microsecond=0) - timedelta(minutes=5)
		values = {
			"last_contact": before,
			"contact_since": before - timedelta(hours=2),
			"pushed_until": before,
		}
		frappe.db.set_value("Biometric Device", name, values)
		frappe.db.commit()  # nosemgrep -- the site is another connection
		return name, before

	def pushed_until(self, name: str) -> datetime:
		self.fresh()
		return frappe.db.get_value("Biometric Device", name, "pushed_until")

	def test_contact_proves_something_only_where_not_everybody_can_pretend(self):
		name, before = self.in_contact_for_hours()
		self.terminal().poll()
		self.assertEqual(self.pushed_until(name), before)
		self.assertGreater(frappe.db.get_value("Biometric Device", name, "last_contact"), before)
		name, before = self.in_contact_for_hours("PUSH000000002")
		self.push_settings(push_networks="127.0.0.0/8")
		self.terminal("PUSH000000002").poll()
		self.assertGreater(self.pushed_until(name), before)

	def test_whatever_goes_wrong_interrupts_the_contact(self):
		name, before = self.in_contact_for_hours()
		self.push_settings(push_networks="127.0.0.0/8")
		terminal = self.terminal()
		terminal.punch("0031", MORNING)
		with patch.object(host, "receive", side_effect=KeyError("x")):
			self.assertFalse(terminal.send())
		terminal.poll()
		self.assertEqual(self.pushed_until(name), before)

	def test_a_stamp_that_somebody_claims_moves_nothing(self):
		self.device()
		terminal = self.terminal()
		terminal.ask("POST", "cdata", {"table": "ATTLOG", "Stamp": "9999999999"}, b"1\t2025-04-07 09:02:11\n")
		self.assertIn("ATTLOGStamp=None", terminal.hello().text)

	def test_who_asks_too_often_is_told_to_wait(self):
		name, before = self.in_contact_for_hours()
		self.push_settings(push_networks="127.0.0.0/8")
		terminal = self.terminal()
		with patch.object(host, "REQUESTS_A_MINUTE", 3):
			for _request in range(6):
				terminal.ask("GET", "getrequest", {})
		self.assertEqual([reply.status for reply in terminal.replies], [200] * 3 + [503] * 3)
		self.fresh()
		self.assertGreater(frappe.db.get_value("Biometric Device", name, "contact_since"), before)

	def test_rows_of_which_nothing_is_kept_take_time_as_well(self):
		self.device()
		body = b"OPLOG 4\t2025-04-07 09:02:11\n" * 500
		with patch.object(host, "BUDGET", -1), patch.object(host, "LOOKED_AT", 100):
			self.assertEqual(self.terminal().ask("POST", "cdata", {"table": "ATTLOG"}, body).status, 503)

	def test_what_there_is_no_time_for_is_sent_again(self):
		self.device()
		terminal = self.terminal(batch=250)
		for number in range(250):
			terminal.punch("0031", MORNING + timedelta(seconds=number))
		with patch.object(host, "BUDGET", -1), patch.object(host, "BATCH", 100):
			self.assertFalse(terminal.send())
		self.fresh()
		self.assertEqual(len(events()), 100)
		self.assertTrue(terminal.send())
		self.fresh()
		self.assertEqual(len(events()), 250)

	def test_while_the_database_is_down_nothing_is_acknowledged_and_nothing_is_lost(self):
		self.device()
		terminal = self.terminal(batch=5)
		for number in range(20):
			terminal.punch("0031", MORNING + timedelta(minutes=number))
		down = patch("frappe.connect", side_effect=frappe.db.OperationalError(2003, "Can't connect"))
		with down:
			self.assertFalse(terminal.send_all())
			self.assertGreaterEqual(terminal.replies[-1].status, 500)
		self.assertTrue(terminal.send_all())
		self.fresh()
		self.assertEqual(len(events()), 20)

	def test_the_site_that_is_down_loses_nothing(self):
		self.device()
		terminal = FakeTerminal("http://127.0.0.1:9", SERIAL, site=frappe.local.site, timeout=2)
		terminal.punch("0031", MORNING)
		self.assertFalse(terminal.send())
		terminal.url = self.url
		self.assertTrue(terminal.send())


class Strangers(PushTestCase):
	def assert_nothing_is_kept(self) -> None:
		self.fresh()
		self.assertEqual(events(), [])
		self.assertEqual(frappe.get_all("Biometric Device", {"serial_number": ("!=", SERIAL)}), [])

	def test_an_unknown_serial_number_is_listed_and_gets_nothing(self):
		terminal = self.terminal("STRANGER1")
		terminal.punch("0031", MORNING)
		self.assertEqual(terminal.hello().status, 503)
		self.assertFalse(terminal.send())
		terminal.poll()
		self.assertEqual({reply.status for reply in terminal.replies}, {503})
		self.assert_nothing_is_kept()
		(found,) = frappe.get_all(UNKNOWN, fields=["*"])
		self.assertEqual((found.serial_number, found.requests, found.push_version), ("STRANGER1", 1, "2.4.1"))
		self.assertEqual(found.address, "127.0.0.1")

	def test_a_device_whose_push_nobody_accepted_is_a_stranger(self):
		self.device(push=0)
		terminal = self.terminal()
		terminal.punch("0031", MORNING)
		self.assertFalse(terminal.send())
		self.assert_nothing_is_kept()
		self.assertEqual(frappe.get_all(UNKNOWN, pluck="name"), [SERIAL])

	def test_another_spelling_of_a_serial_number_is_another_device(self):
		self.device()
		terminal = self.terminal(SERIAL.lower())
		terminal.punch("0031", MORNING)
		self.assertFalse(terminal.send())
		self.assert_nothing_is_kept()

	def test_a_claimed_device_delivers_what_it_kept(self):
		terminal = self.terminal("NEW0000001")
		terminal.punch("0031", MORNING)
		self.assertFalse(terminal.send())
		self.fresh()
		company = factories.company()
		answer = api.claim_device("NEW0000001", "Front Gate", ONLY_PUSHES, company)
		frappe.db.commit()  # nosemgrep -- as the end of a request
		device = frappe.get_doc("Biometric Device", answer["device"])
		self.assertEqual(
			(device.device_name, device.push, device.direction_policy, device.server),
			("Front Gate", 1, "Blank", ONLY_PUSHES),
		)
		self.assertEqual(frappe.get_all(UNKNOWN), [])
		self.assertTrue(terminal.send())
		self.fresh()
		self.assertEqual([event.device for event in events()], [device.name])

	def test_a_device_that_is_entered_already_keeps_what_stands_on_it(self):
		name = self.device(push=0, server="", direction_policy="Always IN", name="Old Name")
		api.claim_device(SERIAL, "New Name", ONLY_PUSHES)
		device = frappe.get_doc("Biometric Device", name)
		self.assertEqual(
			(device.push, device.device_name, device.direction_policy, device.server),
			(1, "Old Name", "Always IN", ""),
		)

	def test_a_serial_number_that_is_entered_with_other_letters_is_not_claimed(self):
		name = self.device(SERIAL.lower(), push=0)
		self.assertRaises(frappe.ValidationError, api.claim_device, SERIAL)
		self.assertEqual(frappe.db.get_value("Biometric Device", name, "push"), 0)

	def test_who_may_not_enter_devices_claims_none(self):
		for role in ("HR Manager", "HR User", "Employee", None):
			with self.subTest(role=role):
				frappe.set_user(factories.user(role))
				self.assertRaises(frappe.PermissionError, api.claim_device, SERIAL)
				frappe.set_user("Administrator")

	def test_the_list_stays_short_and_is_written_seldom(self):
		with patch.object(strangers, "MOST", 5), patch.object(strangers, "NEW_A_MINUTE", 8):
			for number in range(12):
				self.terminal(f"FLOOD{number:03}").hello()
		self.fresh()
		found = sorted(frappe.get_all(UNKNOWN, pluck="name"))
		self.assertEqual(found, [f"FLOOD{number:03}" for number in range(3, 8)])

	def test_behind_a_secret_path_nobody_else_is_heard(self):
		self.device()
		self.push_settings(push_secret=SECRET)
		for path in ("", f"/{SECRET.upper()}"):
			terminal = self.terminal(path=path)
			terminal.punch("0031", MORNING)
			with self.subTest(path=path):
				self.assertFalse(terminal.send())
				self.assertEqual(terminal.replies[-1].status, 404)
		self.assert_nothing_is_kept()
		self.assertEqual(frappe.get_all(UNKNOWN), [])
		terminal = self.terminal(path=f"/{SECRET}", suffix=".aspx")
		terminal.punch("0031", MORNING)
		self.assertTrue(terminal.send())

	def test_where_push_is_off_there_is_no_such_page_and_later_there_is(self):
		self.device()
		self.push_settings(accept_push=0)
		terminal = self.terminal()
		self.assertEqual(terminal.ask("GET", "getrequest", {}).status, 404)
		self.push_settings()
		self.assertEqual(terminal.ask("GET", "getrequest", {}).text, "OK")

	def test_from_other_networks_nobody_is_heard(self):
		self.device()
		self.push_settings(push_networks="10.0.0.0/8, 203.0.113.7")
		terminal = self.terminal()
		self.assertEqual(terminal.hello().status, 404)
		self.push_settings(push_networks="10.0.0.0/8, 127.0.0.0/8")
		self.assertEqual(terminal.hello().status, 200)

	def test_a_stranger_who_asks_first_closes_the_door_to_nobody(self):
		"""Frappe remembers which addresses it had no page for."""
		self.device()
		self.push_settings(push_networks="127.0.0.0/8")
		terminal = self.terminal()
		target = f"/iclock/getrequest?SN={SERIAL}"
		for _time in range(2):
			self.assertEqual(self.asked(target, forwarded="8.8.8.8"), 404)
		self.assertEqual(terminal.ask("GET", "getrequest", {}).text, "OK")

	def test_an_address_that_a_request_brings_along_opens_nothing(self):
		"""As bench's own proxy appends the address that it sees."""
		self.device()
		self.push_settings(push_networks="203.0.113.0/24")
		target = f"/iclock/getrequest?SN={SERIAL}"
		self.assertEqual(self.asked(target, forwarded="203.0.113.7, 8.8.8.8"), 404)
		self.assertEqual(self.asked(target, forwarded="8.8.8.8, 203.0.113.7"), 200)

	def asked(self, target: str, forwarded: str) -> int:
		connection = HTTPConnection(self.url.removeprefix("http://"))
		self.addCleanup(connection.close)
		connection.request("GET", target, headers={"Host": frappe.local.site, "X-Forwarded-For": forwarded})
		return connection.getresponse().status

	def test_malformed_requests_change_nothing(self):
		self.device()
		terminal = self.terminal("..%2f<script>")
		terminal.punch("0031", MORNING)
		self.assertFalse(terminal.send())
		for endpoint, table in (
			("cdata", "ATTLOG"),
			("cdata", "rtlog"),
			("devicecmd", ""),
			("querydata", "tabledata"),
		):
			for body in (b"\xff" * 1000, b"\0" * 1000, b"ID=1&Return=" * 1000, b""):
				reply = self.terminal().ask("POST", endpoint, {"table": table}, body)
				self.assertEqual(reply.status, 200, (endpoint, body[:3], reply))
		self.fresh()
		self.assertEqual(events(kind="Punch"), [])
		self.assertEqual(frappe.get_all(UNKNOWN), [])

	def test_what_is_no_address_is_not_shown(self):
		for address, shown in (
			("<img src=x onerror=a()>", ""),
			("203.0.113.7", "203.0.113.7"),
			("::1", "::1"),
		):
			strangers.note(Asked("GET", "ping", {"SN": SERIAL}), address)
			self.assertEqual(frappe.db.get_value(UNKNOWN, SERIAL, "address"), shown)
			frappe.db.delete(UNKNOWN)
			for key in frappe.cache.get_keys(pace.PREFIX):
				frappe.cache.delete(key)

	def test_no_counter_stays_for_ever(self):
		pace.times("something")
		(key,) = frappe.cache.get_keys(f"{pace.PREFIX}something")
		self.assertGreater(frappe.cache.ttl(key), 0)
		frappe.cache.delete(key)
		with patch.object(frappe.cache, "incr", side_effect=RedisError):
			self.assertEqual(pace.times("something"), 0)
		self.assertGreater(frappe.cache.ttl(key), 0)

	def test_letters_that_only_look_like_some_are_none(self):
		self.assertFalse(door.is_there("iclocK/ping".replace("K", "\u212a")))

	def test_a_flood_of_rows_that_cannot_be_read_leaves_few(self):
		self.device()
		reply = self.terminal().ask(
			"POST", "cdata", {"table": "ATTLOG"}, b"".join(b"row %d\n" % number for number in range(50_000))
		)
		self.assertEqual(reply.text, "OK: 50000")
		self.fresh()
		self.assertEqual(len(events()), 100)

	def test_nobody_is_an_administrator_here(self):
		self.device()
		terminal = self.terminal()
		terminal.punch("0031", MORNING)
		terminal.send()
		self.fresh()
		self.assertEqual(frappe.get_all("Biometric Staging Event", pluck="owner"), ["Guest"])


class Questions(PushTestCase):
	def asked(self, what: str, terminal: FakeTerminal, device: str):
		"""The document of a question about the first day, after the device has looked for commands."""
		api.ask_device(device, what, "2025-04-07 00:00:00", "2025-04-07 23:59:59")
		frappe.db.commit()  # nosemgrep -- the site is another connection
		self.commands = terminal.poll()
		self.fresh()
		return frappe.get_last_doc(questions.DOCTYPE)

	def used_before(self) -> tuple[FakeTerminal, str]:
		"""A terminal whose memory holds 5 punches that this site never got, and 2 of another day."""
		terminal, device = self.terminal(), self.device()
		for number in range(5):
			terminal.punch("0031", MORNING + timedelta(minutes=number))
		for number in range(2):
			terminal.punch("0031", MORNING + timedelta(days=1, minutes=number))
		terminal.waiting.clear()
		return terminal, device

	def test_punches_of_a_stretch_are_sent_again(self):
		terminal, device = self.used_before()
		found = self.asked("Ask for Punches", terminal, device)
		self.assertEqual(found.status, "Answered")
		self.assertTrue(terminal.send_all())
		self.assertEqual(terminal.poll(), [])
		self.fresh()
		self.assertEqual(len(events()), 5)

	def test_the_numbers_are_compared(self):
		terminal, device = self.used_before()
		self.assertIn(
			"has 5 punches of this time, this site 0", self.asked("Compare Counts", terminal, device).answer
		)
		self.asked("Ask for Punches", terminal, device)
		terminal.send_all()
		self.fresh()
		self.assertIn("none is missing", self.asked("Compare Counts", terminal, device).answer)

	def test_a_device_that_has_nothing_says_so(self):
		found = self.asked("Ask for Punches", self.terminal(), self.device())
		self.assertEqual(found.status, "Refused")
		self.assertIn("nothing there", found.answer)

	def test_a_device_that_went_silent_is_asked_again_but_not_for_ever(self):
		terminal, device = self.terminal(), self.device()
		name = questions.ask(device, "Compare Counts", MORNING, MORNING)
		long_ago = datetime(2025, 1, 1)
		sent = []
		for _poll in range(5):
			sent.append(len(questions.waiting(device)))
			sent.append(len(questions.waiting(device)))
			frappe.db.set_value(questions.DOCTYPE, name, "sent_at", long_ago)
		self.assertEqual(sent, [1, 0] * 3 + [0, 0] * 2)
		self.assertEqual(terminal.replies, [])

	def test_only_the_device_that_was_asked_answers(self):
		name = questions.ask(self.device(), "Compare Counts", MORNING, MORNING)
		other = self.device("OTHER00001")
		questions.waiting(other)
		answer = f"ID={name}&Return=0&CMD=VERIFY SUM&AttlogCount=3".encode()
		self.assertEqual(self.terminal("OTHER00001").ask("POST", "devicecmd", {}, answer).text, "OK")
		self.fresh()
		self.assertEqual(frappe.db.get_value(questions.DOCTYPE, name, "status"), "Waiting")

	def test_the_night_deletes_questions_of_more_than_60_days_ago(self):
		device = self.device()
		old, young = (questions.ask(device, "Compare Counts", MORNING, MORNING) for _each in range(2))
		for name, days in ((old, 61), (young, 59)):
			frappe.db.set_value(questions.DOCTYPE, name, "creation", now_datetime() - timedelta(days=days))
		retention.tidy()
		self.assertEqual(frappe.get_all(questions.DOCTYPE, pluck="name"), [young])

	def test_nothing_else_can_be_asked_and_not_by_everybody(self):
		device = self.device()
		times = ("2025-04-07 00:00:00", "2025-04-07 23:59:59")
		for what in ("CLEAR LOG", "DATA DELETE USERINFO", ""):
			self.assertRaises(frappe.ValidationError, api.ask_device, device, what, *times)
		frappe.set_user(factories.user("HR User"))
		with patch.dict(frappe.flags, in_test=False):  # it lets everybody pass
			self.assertRaises(frappe.PermissionError, api.ask_device, device, "Compare Counts", *times)

	def test_who_is_limited_to_a_company_asks_its_devices_only(self):
		other = self.device("OTHER00001", company=other_company())
		own = self.device(company=factories.company())
		theirs = questions.ask(other, "Compare Counts", MORNING, MORNING)
		frappe.set_user(limited("HR Manager", factories.company()))
		self.addCleanup(frappe.set_user, "Administrator")
		times = ("2025-04-07 00:00:00", "2025-04-07 23:59:59")
		self.assertRaises(frappe.PermissionError, api.ask_device, other, "Compare Counts", *times)
		api.ask_device(own, "Compare Counts", *times)
		(mine,) = frappe.get_all(questions.DOCTYPE, {"device": own}, pluck="name")
		self.assertEqual(frappe.get_list(questions.DOCTYPE, pluck="name"), [mine])
		self.assertTrue(frappe.has_permission(questions.DOCTYPE, doc=mine))
		self.assertFalse(frappe.has_permission(questions.DOCTYPE, doc=theirs))

	def test_questions_do_not_pile_up(self):
		device = self.device()
		for _question in range(questions.MOST_OPEN):
			name = questions.ask(device, "Compare Counts", MORNING, MORNING)
		self.assertRaises(frappe.ValidationError, questions.ask, device, "Compare Counts", MORNING, MORNING)
		frappe.db.set_value(questions.DOCTYPE, name, {"status": "Sent", "sends": questions.MOST_SENDS})
		questions.ask(device, "Compare Counts", MORNING, MORNING)


class TheSettings(PushTestCase):
	def test_a_secret_path_that_no_address_can_hold_is_refused(self):
		for secret in ("short", "with blank in it", "a/b/c/d/e", "ü" * 9):
			with self.subTest(secret=secret):
				self.assertRaises(frappe.ValidationError, self.push_settings, push_secret=secret)

	def test_networks_that_are_none_are_refused(self):
		self.assertRaises(frappe.ValidationError, self.push_settings, push_networks="192.168.1.0/24, home")

	def test_the_secret_path_is_not_in_the_history(self):
		self.push_settings(push_secret=SECRET)
		history = frappe.get_all("Version", {"ref_doctype": "Biometric Sync Settings"}, pluck="data")
		self.assertNotIn(SECRET, "".join(history))

	def test_the_secret_path_is_shown_to_whoever_sets_devices_up_and_to_nobody_else(self):
		self.push_settings(push_secret=SECRET)
		settings = frappe.get_single("Biometric Sync Settings")
		self.assertNotIn(SECRET, frappe.as_json(settings.as_dict()))
		settings.save()
		self.assertEqual(api.push_path(), SECRET)
		flags = patch.dict(frappe.flags, in_test=False)  # it lets everybody pass
		for role, sees in (("HR Manager", True), ("HR User", False), ("Employee", False)):
			frappe.set_user(factories.user(role))
			with self.subTest(role=role), flags:
				if sees:
					self.assertEqual(api.push_path(), SECRET)
				else:
					self.assertRaises(frappe.PermissionError, api.push_path)
			if role == "HR User":
				shown = get_single_value("Biometric Sync Settings", "push_secret")
				self.assertNotIn(SECRET, shown or "")
			frappe.set_user("Administrator")

	def test_addresses_and_networks(self):
		networks = door.networks("192.168.1.0/24\n203.0.113.7, ::1")
		for address, is_inside in {
			"192.168.1.9": True,
			"::ffff:192.168.1.9": True,
			"203.0.113.7": True,
			"::1": True,
			"203.0.113.8": False,
			"unknown": False,
			"": False,
		}.items():
			with self.subTest(address=address):
				self.assertEqual(door.is_from(address, networks), is_inside)
