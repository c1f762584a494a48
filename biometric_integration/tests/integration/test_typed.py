"""What people type: accepted, trimmed, or asked about at save. Never kept silently to fail silently."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import ClassVar
from urllib.parse import quote

import frappe
from frappe.utils import cstr, get_datetime, getdate, nowdate
from frappe.utils.html_utils import sanitize_html

from biometric_integration import api
from biometric_integration.core.connector import ListedDevice
from biometric_integration.core.devices import DeviceChange, changes
from biometric_integration.core.runs import RunStatus
from biometric_integration.permissions import BRIDGE_ROLE
from biometric_integration.simulator import World
from biometric_integration.sync import jobs
from biometric_integration.sync.records import devices, servers
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import SiteTestCase, events
from biometric_integration.tests.integration.test_ingest import IngestCase

DAY = timedelta(days=1)
SETTINGS, DEVICE, RULE = "Biometric Sync Settings", "Biometric Device", "Biometric Mapping Rule"
CONNECTION = {
	"server_type": "eTimeTrackLite",
	"endpoint_url": "http://127.0.0.1:9",
	"api_user": "api",
	"api_password": "secret",
}
BRANCH = {**CONNECTION, "server_id": "branch-2", "label": "Branch", "enabled": 1}

TEXTS = ("Data", "Small Text", "Long Text", "Autocomplete", "Select", "Password", "Code")
NUMBERS = ("Int", "Float")
ABSURD_TEXTS = (
	None,
	"\u200b\t",
	"x" * 10_000,
	"a\x00b",
	"\x1b[0m",
	"😀",
	"<script>alert(1)</script>",
	"=cmd|' /C calc'!A0",
	"-1",
)
ABSURD_NUMBERS = (None, " ", 0, -1, -0.5, 10**12, 10**40, "abc", "nan", "inf", "9" * 10_000)
ABSURD_DAYS = (
	None,
	"abc",
	"1900-01-01",
	"0000-00-00",
	"9999-12-31",
	"12345-01-01",
	"2026-13-45",
	"x" * 10_000,
	-1,
)
ABSURD_TIMES = ("25:99:99", "abc", "-01:00:00", "x" * 10_000, 10**12)


BESIDE = {
	"server": {"scope": "Server"},
	"location": {"scope": "Location"},
	"in_words": {"direction_column": "Way"},
	"out_words": {"direction_column": "Way"},
}
"""What a field needs that is of no use, and emptied, without it."""


def said() -> str:
	"""What was told besides."""
	words = " ".join(frappe.as_json(message) for message in frappe.get_message_log())
	frappe.clear_messages()
	return words


class Typed(SiteTestCase):
	def setUp(self) -> None:
		super().setUp()
		self.addCleanup(factories.settings, enabled=0)
		frappe.clear_messages()

	def refused(self, words: str, save, *arguments, **values) -> None:
		frappe.db.savepoint("refused")
		with self.assertRaisesRegex(frappe.ValidationError, words):
			save(*arguments, **values)
		frappe.db.rollback(save_point="refused")
		frappe.clear_messages()


class TestSettings(Typed):
	def test_an_address_as_people_copy_it_is_found(self):
		for typed, right in (
			("https//host/iclock", "https://host/iclock"),
			(
				" http://host:85/WebAPIService.asmx?op=GetTransactionsLog ",
				"http://host:85/WebAPIService.asmx",
			),
			("\u200bhost:85\u00a0", "http://host:85"),
			("http://host/my app/iclock", "http://host/my%20app/iclock"),
			("http://１０．０．０．５：８５", "http://10.0.0.5:85"),
			("fe80::1", "http://[fe80::1]"),
		):
			with self.subTest(typed):
				more = [{**BRANCH, "endpoint_url": typed}]
				saved = factories.settings(**{**CONNECTION, "endpoint_url": typed}, more_servers=more)
				self.assertEqual(saved.endpoint_url, right)
				self.assertEqual(saved.more_servers[0].endpoint_url, right)

	def test_what_is_no_address_is_refused(self):
		for typed in (
			"http://me:secret@host",
			"http://host:70000",
			"http://ho st",
			"ftp://host",
			"http://192.168.1.300",
		):
			with self.subTest(typed):
				self.refused("Endpoint URL", factories.settings, **{**CONNECTION, "endpoint_url": typed})
				more = [{**BRANCH, "endpoint_url": typed}]
				self.refused("branch-2.*Endpoint URL", factories.settings, **CONNECTION, more_servers=more)

	def test_what_nobody_sees_is_taken_off_what_is_pasted(self):
		row = {**BRANCH, "server_id": " branch-2\u200b", "api_user": "api\r\n", "time_zone": "Asia/Kolkata "}
		values = {**CONNECTION, "api_user": "\ufeffapi ", "location": "BLR\t", "time_zone": " Asia/Kolkata"}
		saved = factories.settings(**{**values, "api_password": "se cret\r\n"}, more_servers=[row])
		self.assertEqual((saved.api_user, saved.location, saved.time_zone), ("api", "BLR", "Asia/Kolkata"))
		self.assertEqual(servers.get("main").config.password, "se cret")
		branch = saved.more_servers[0]
		self.assertEqual(
			(branch.server_id, branch.api_user, branch.time_zone), ("branch-2", "api", "Asia/Kolkata")
		)

	def test_a_password_that_cannot_be_sent_is_refused_and_a_blank_at_its_end_asked_about(self):
		self.refused(
			"API Password.*Enter it again", factories.settings, **{**CONNECTION, "api_password": "a\x00b"}
		)
		factories.settings(**{**CONNECTION, "api_password": "secret "})
		self.assertIn("begins or ends with a blank", said())
		self.assertEqual(servers.get("main").config.password, "secret ")

	def test_enabled_without_a_password_is_refused_but_for_what_a_bridge_reads(self):
		nothing = {**CONNECTION, "api_password": ""}
		self.refused("API Password.*or turn off Enabled", factories.settings, **nothing)
		row = {**BRANCH, "api_password": ""}
		self.refused("branch-2: fill in.*API Password", factories.settings, **CONNECTION, more_servers=[row])
		user = factories.user(BRIDGE_ROLE)
		bridge = frappe.get_doc(
			{"doctype": "Biometric Bridge", "bridge_name": factories.unique("Plant"), "user": user}
		).insert()
		factories.settings(**{**nothing, "read_by": bridge.name})
		factories.settings(read_by=None, enabled=0)

	def test_each_number_has_its_limits(self):
		for fieldname, bad in {
			"timeout": (0, 99_999, -1, "soon", 2.5),
			"requests_at_once": (5, "many"),
			"sync_interval": (-1, 10**6),
			"rescan_days": (4000, -1),
			"overlap_hours": (10**6,),
			"repeat_window": (10**6,),
			"allowed_drift": (10**6,),
			"round_to": (61,),
			"half_day_hours": (25, "nan"),
			"longest_workday": (0, 1000, "inf"),
			"hold_days": (-3, 1000),
			"decide_by": (32,),
			"delete_after_days": (10**9,),
		}.items():
			label = frappe.get_meta(SETTINGS).get_label(fieldname).partition(" (")[0]
			for value in bad:
				with self.subTest(fieldname, value=value):
					self.refused(
						f"{label}.*from .* to", factories.settings, **CONNECTION, **{fieldname: value}
					)
		row = {**BRANCH, "timeout": 0}
		self.refused(
			"branch-2, .*Timeout.*from 1 to 300", factories.settings, **CONNECTION, more_servers=[row]
		)

	def test_an_empty_number_is_what_it_stands_for(self):
		saved = factories.settings(
			**CONNECTION, timeout="", requests_at_once=None, longest_workday=None, hold_days=""
		)
		shown = (saved.timeout, saved.requests_at_once, saved.longest_workday, saved.hold_days)
		self.assertEqual(shown, (30, 2, 16, 0))

	def test_a_start_date_of_another_century_or_year_is_refused_and_one_to_come_asked_about(self):
		today = getdate(nowdate())
		for day in ("1900-01-01", today + 40 * DAY, today.replace(year=today.year + 2), "abc", "0000-00-00"):
			with self.subTest(day):
				self.refused("Start Date.*enter a day from", factories.settings, **CONNECTION, start_date=day)
		factories.settings(**CONNECTION, start_date=today + 5 * DAY)
		self.assertIn("still to come", said())
		factories.settings(**CONNECTION, start_date=today + 5 * DAY)
		self.assertNotIn("still to come", said(), "told once")
		asked = api.settings_doubts({}, {"main": "eTimeTrackLite"}, str(today + 6 * DAY))
		self.assertIn("still to come", asked[0])

	def test_a_server_that_is_removed_and_one_that_becomes_another_are_asked_about(self):
		factories.settings(**CONNECTION, more_servers=[BRANCH])
		factories.device("SNB", server="branch-2")
		for server in ("main", "branch-2"):
			event = {"doctype": "Biometric Staging Event", "name": factories.unique("ev"), "server": server}
			frappe.get_doc({**event, "kind": "Punch", "status": "Unmapped"}).insert()
		gone, other = api.settings_doubts({}, json.dumps({"main": "eBioServer"}), None)
		self.assertIn("main was read as eTimeTrackLite", gone + other)
		self.assertIn("branch-2 is removed: its 1 devices", gone + other)
		self.assertEqual(
			api.settings_doubts({}, {"main": "eTimeTrackLite", "branch-2": "eTimeTrackLite"}), []
		)
		factories.settings(**{**CONNECTION, "server_type": "eBioServer"})
		words = said()
		self.assertIn("branch-2 is removed", words)
		self.assertIn("main was read as eTimeTrackLite", words)

	def test_who_may_not_set_up_is_told_no_doubts(self):
		self.as_user("HR User")
		with self.assertRaises(frappe.PermissionError):
			api.settings_doubts({}, {"main": ""})

	def test_the_address_of_another_server_type_is_told_with_a_way_to_switch(self):
		for server_type, url, other in (
			("eTimeTrackLite", "http://host/iclock/webservice.asmx", "eBioServer"),
			("eBioServer", "http://host/WebAPIService.asmx", "eTimeTrackLite"),
			("BioTime", "http://host/webapiservice.asmx/", "eTimeTrackLite"),
		):
			with self.subTest(url):
				factories.settings(**{**CONNECTION, "server_type": server_type, "endpoint_url": url})
				words = said()
				self.assertIn(f"Switch to {other}", words)
				self.assertIn("biometric_integration.switch_server_type", words)
				factories.settings(**{**CONNECTION, "server_type": other, "endpoint_url": url})
				self.assertNotIn("Switch to", said())
		factories.settings(**{**CONNECTION, "endpoint_url": "http://host/own/punches.asmx"})
		self.assertNotIn("Switch to", said())

	def test_the_connection_test_finds_who_answers_and_offers_to_switch(self):
		for real, chosen, path in (
			("eBioServer", "eTimeTrackLite", ""),
			("eTimeTrackLite", "eBioServer", ""),
			("eBioServer", "eTimeTrackLite", "/webservice.asmx"),
			("eTimeTrackLite", "eBioServer", "/iclock/WebAPIService.asmx"),
			("BioTime", "eTimeTrackLite", ""),
			("eBioServer", "BioTime", ""),
		):
			with self.subTest(real=real, chosen=chosen, path=path):
				self.setUp()
				world = World(None, frappe.utils.get_system_timezone())
				world.add_device("SN1", "Gate", "BLR")
				server = self.start(real, world)
				address = {"start_date": nowdate(), "api_password": server.password}
				factories.settings(
					server_type=chosen, endpoint_url=server.url + path, api_user="api", timeout=2, **address
				)
				answer = api.test_connection()
				self.assertEqual(answer.get("switch"), {"server": "main", "server_type": real})
				(failed,) = (step for step in answer["steps"] if step["ok"] is False)
				self.assertIn(f"{real} answers at this address", failed["fix"])
				server.stop()


class TestDevices(Typed):
	def typed(self, **values):
		device = {"doctype": DEVICE, "device_name": factories.unique("Device"), **values}
		return frappe.get_doc(device).insert()

	def test_a_serial_number_is_what_is_printed_on_the_device(self):
		for typed in (" CEXJ1 ", "CEXJ1\u200b", "ＣＥＸＪ１", "CEXJ1\r\n", "CEXJ\u20601"):
			with self.subTest(typed):
				name = self.typed(serial_number=typed).name
				self.assertEqual(frappe.db.get_value(DEVICE, name, "serial_number"), "CEXJ1")
				self.assertNotIn("letter by letter", said())
				frappe.delete_doc(DEVICE, name)

	def test_a_serial_number_that_no_device_has_is_asked_about(self):
		for typed in ("cexj1", "CEXJ 1", "CEXJ1?"):
			with self.subTest(typed):
				name = factories.device(typed)
				self.assertIn("letter by letter", said())
				frappe.get_doc(DEVICE, name).save()
				self.assertNotIn("letter by letter", said(), "told once")
				frappe.delete_doc(DEVICE, name)

	def test_a_server_that_there_is_none_of_is_refused(self):
		factories.settings(**CONNECTION, more_servers=[BRANCH])
		self.refused(
			"no attendance server with the id.*Choose one of: main, branch-2",
			self.typed,
			server="branch2",
		)
		for server in ("", "main", "branch-2", " Branch-2 ", "(push)"):
			self.typed(server=server)
		of_branch = frappe.get_last_doc(DEVICE, {"server": "branch-2"})
		factories.settings(**CONNECTION)
		of_branch.reload()
		of_branch.update({"enabled": 0}).save()

	def test_numbers_and_days_that_cannot_be(self):
		for values in (
			{"sync_interval": 10**6},
			{"sync_interval": "often"},
			{"latitude": 91},
			{"longitude": -181},
			{"start_date": "1900-01-01"},
			{"start_date": "soon"},
			{"replaced_on": "2199-01-01"},
		):
			with self.subTest(values):
				self.refused("from .* to", factories.device, None, **values)


class TestStoredBefore(Typed):
	"""A site keeps values from before there were these limits: only what is changed is looked at."""

	SETTINGS_BEFORE: ClassVar = {
		"rescan_days": 90,
		"overlap_hours": 100,
		"timeout": 600,
		"start_date": "1990-01-01",
		"sync_interval": 0,
		"sync_time": "",
		"endpoint_url": "http://127.0.0.1:9/my app/iclock",
		"api_password": "",
	}
	DEVICE_BEFORE: ClassVar = {
		"latitude": 121.5,
		"longitude": 1000.0,
		"sync_interval": 2880,
		"start_date": "1990-01-01",
	}

	def setUp(self) -> None:
		super().setUp()
		self.addCleanup(factories.settings, enabled=0, start_date=nowdate())

	def store(self, **more) -> None:
		"""As an older version left the settings."""
		factories.settings(**CONNECTION, more_servers=[BRANCH], **more)
		self.store_values(**self.SETTINGS_BEFORE)
		(row,) = frappe.get_single(SETTINGS).more_servers
		old = {"timeout": 0, "sync_interval": 2880, "endpoint_url": "http://host/my app", "api_password": ""}
		frappe.db.set_value("Biometric Server", row.name, old)
		frappe.clear_document_cache(SETTINGS, SETTINGS)

	def store_values(self, **values) -> None:
		frappe.db.set_single_value(SETTINGS, values)
		frappe.clear_document_cache(SETTINGS, SETTINGS)

	def test_other_fields_of_the_settings_are_saved(self):
		self.store()
		frappe.get_single(SETTINGS).update({"hold_days": 3}).save()
		saved = frappe.get_single(SETTINGS)
		kept = {fieldname: cstr(saved.get(fieldname)) for fieldname in self.SETTINGS_BEFORE}
		self.assertEqual(kept, {name: cstr(value) for name, value in self.SETTINGS_BEFORE.items()})
		self.assertEqual((saved.hold_days, saved.more_servers[0].timeout), (3, 0))

	def test_as_the_form_sends_it(self):
		self.store()
		sent = json.loads(frappe.as_json(frappe.get_single(SETTINGS)))
		frappe.get_doc({**sent, "enabled": 0}).save()
		self.assertEqual(frappe.get_single(SETTINGS).enabled, 0)

	def test_a_server_is_turned_off(self):
		self.store()
		settings = frappe.get_single(SETTINGS)
		settings.more_servers[0].enabled = 0
		settings.save()
		settings.update({"enabled": 0}).save()
		saved = frappe.get_single(SETTINGS)
		self.assertEqual((saved.enabled, saved.more_servers[0].enabled), (0, 0))
		self.refused("API Password", saved.update({"enabled": 1}).save)

	def test_a_web_hook_gets_its_address(self):
		self.store()
		self.store_values(server_type="eBioServer")
		self.assertIn("secret=", api.web_hook_address())

	def test_what_is_changed_is_looked_at(self):
		self.store()
		for values, words in (
			({"rescan_days": 91}, "from 0 to 60"),
			({"timeout": 601}, "from 1 to 300"),
			({"start_date": "1991-01-01"}, "enter a day from"),
			({"sync_interval": 2881}, "from 0 to 1440"),
			({"endpoint_url": "http://ho st/iclock", "api_password": "secret"}, "Endpoint URL"),
			({"api_user": "other"}, "API Password"),
		):
			with self.subTest(values):
				self.refused(words, frappe.get_single(SETTINGS).update(values).save)
				settings = frappe.get_single(SETTINGS)
				if settings.more_servers[0].meta.has_field(next(iter(values))):
					settings.more_servers[0].update(values)
					self.refused(f"branch-2.*{words}", settings.save)
		settings = frappe.get_single(SETTINGS)
		settings.append("more_servers", {**BRANCH, "server_id": "branch-3", "timeout": 0})
		self.refused("branch-3, .*Timeout", settings.save)

	def test_an_empty_number_is_what_it_stands_for_whatever_was_stored(self):
		self.store()
		settings = frappe.get_single(SETTINGS)
		settings.more_servers[0].timeout = None
		settings.save()
		self.assertEqual(settings.more_servers[0].timeout, 30)

	def test_a_device_is_saved_and_what_is_changed_of_it_looked_at(self):
		name = factories.device("SN1")
		frappe.db.set_value(DEVICE, name, {**self.DEVICE_BEFORE})
		sent = json.loads(frappe.as_json(frappe.get_doc(DEVICE, name)))
		frappe.get_doc({**sent, "enabled": 0}).save()
		saved = frappe.db.get_value(DEVICE, name, ["enabled", *self.DEVICE_BEFORE], as_dict=True)
		self.assertEqual({**saved, "start_date": str(saved.start_date)}, {"enabled": 0, **self.DEVICE_BEFORE})
		for values in ({"latitude": 122}, {"sync_interval": 2881}, {"start_date": "1991-01-01"}):
			with self.subTest(values):
				self.refused("from .* to", frappe.get_doc(DEVICE, name).update(values).save)

	def test_the_schedule_reads_a_server_that_has_given_such_a_device_another_name(self):
		world = World(None, frappe.utils.get_system_timezone())
		world.add_device("SN1", "New Gate", "BLR")
		world.punch("SN1", "31", get_datetime(nowdate()))
		self.settings("eBioServer", self.start("eBioServer", world), start_date=nowdate())
		self.store_values(overlap_hours=100, timeout=600, rescan_days=90)
		name = factories.device("SN1", "Gate", location="BLR")
		frappe.db.set_value(DEVICE, name, {**self.DEVICE_BEFORE})
		frappe.db.commit()  # nosemgrep -- the job reads it
		self.assertEqual({report.status for report in jobs.pull_server("main")}, {RunStatus.SUCCESS})
		(alias,) = frappe.get_doc(DEVICE, name).aliases
		self.assertEqual(alias.device_name, "New Gate")
		self.assertEqual([event.device for event in events()], [name])


class TestAsTheServerSaysIt(Typed):
	"""A device is known by what its server says, to the letter: only what a person types is tidied."""

	def test_a_serial_number_stays_and_makes_no_second_device(self):
		for serial in ("CQUH\u200b212160001", "ＣＱＵＨ２", "CQ\u200dUH3"):
			with self.subTest(serial):
				self.setUp()
				listed = [ListedDevice(serial, "Gate\u200b", "HQ\u200b")]
				for _pull in range(3):
					known = devices.known_to("main")
					devices.change("main", changes(known, listed, "main"))
				(device,) = devices.known_to("main")
				frappe.get_doc(DEVICE, device.key).update({"needs_review": 1}).save()
				(kept,) = devices.known_to("main")
				for found in (device, kept):
					self.assertEqual(
						(found.serial, found.label, found.location), (serial, "Gate\u200b", "HQ\u200b")
					)

	def test_a_name_of_signs_that_nobody_sees_stops_no_pull(self):
		devices.change("main", [DeviceChange(("\u200b", ""), serial="SN1")])
		devices.change("main", [DeviceChange(("Gate", "HQ"), key=devices.with_serial("SN1"), serial="SN1")])
		(device,) = devices.known_to("main")
		self.assertEqual((device.serial, device.location), ("SN1", "HQ"))

	def test_what_a_person_changes_of_it_is_tidied(self):
		devices.change("main", [DeviceChange(("Gate\u200b", ""), serial="SN\u200b1")])
		document = frappe.get_last_doc(DEVICE)
		document.update(
			{"device_name": " Front\u200b ", "location": "ＨＱ\ufeff", "serial_number": "ＳＮ２"}
		).save()
		self.assertEqual(
			(document.device_name, document.location, document.serial_number), ("Front", "ＨＱ", "SN2")
		)


class TestIds(Typed):
	def test_ids_as_people_paste_them(self):
		for typed in (" 0031 ", "0031\u200b", "００３１", "٠٠٣١", "0031\t\r\n"):
			with self.subTest(typed):
				person = frappe.get_doc("Employee", factories.employee())
				person.update({"attendance_device_id": typed}).save()
				self.assertEqual(person.attendance_device_id, "0031")
				frappe.db.set_value("Employee", person.name, "attendance_device_id", None)
				rule = self.rule(typed, person.name)
				self.assertEqual(rule.device_user_id, "0031")
				rule.delete()

	def test_an_id_that_punches_carry_to_the_letter_is_as_it_is(self):
		odd = "31\u200b"
		event = {"doctype": "Biometric Staging Event", "name": factories.unique("ev"), "device_user_id": odd}
		frappe.get_doc({**event, "kind": "Punch", "status": "Unmapped"}).insert()
		person = frappe.get_doc("Employee", factories.employee())
		person.update({"attendance_device_id": odd}).save()
		self.assertEqual(person.attendance_device_id, odd)
		self.assertEqual(self.rule(odd, person.name).device_user_id, odd)

	def rule(self, user_id: str, employee: str):
		return frappe.get_doc({"doctype": RULE, "device_user_id": user_id, "employee": employee}).insert()

	def test_the_longest_workday_of_people_has_its_limits(self):
		person = frappe.get_doc("Employee", factories.employee())
		department = frappe.get_doc(
			{
				"doctype": "Department",
				"department_name": factories.unique("Dept"),
				"company": factories.company(),
			}
		).insert()
		for document in (person, department):
			for hours in (10**9, -1, "long"):
				with self.subTest(document.doctype, hours=hours):
					document.reload()
					self.refused(
						"Longest Workday.*from 0 to 48", document.update({"longest_workday": hours}).save
					)
			document.reload()
			document.update({"longest_workday": 26}).save()
			document.update({"longest_workday": None}).save()
			self.assertEqual(document.longest_workday, 0)

	def test_a_decision_about_nobody_is_refused(self):
		for values in (
			{"what": "Leave It"},
			{"what": "Trust This Device Until", "employee": factories.employee()},
		):
			decision = {"doctype": "Biometric Decision", "date": nowdate(), "reason": "asked", **values}
			self.refused("is about one", frappe.get_doc(decision).insert)
		blank = {"doctype": "Biometric Decision", "what": "Leave It", "date": nowdate(), "reason": "\u200b\t"}
		self.refused("Say why", frappe.get_doc({**blank, "employee": factories.employee()}).insert)


class TestEveryField(Typed):
	"""Walks through the meta of all that people may fill in: a new field is asked about as well."""

	def good(self) -> Iterator[dict]:
		"""A document of each doctype that is as it should be."""
		employee = factories.employee()
		user = factories.user(BRIDGE_ROLE)
		yield {"doctype": DEVICE, "device_name": factories.unique("Device")}
		yield {"doctype": "Biometric Bridge", "bridge_name": factories.unique("Plant"), "user": user}
		yield {"doctype": RULE, "device_user_id": factories.unique("id"), "employee": employee}
		yield {
			"doctype": "Biometric File Format",
			"format_name": factories.unique("Format"),
			"user_id_column": "Code",
			"time_column": "Time",
		}
		yield {
			"doctype": "Biometric Decision",
			"what": "Leave It",
			"employee": employee,
			"date": nowdate(),
			"reason": "asked",
		}

	def test_each_doctype_that_people_make_is_walked_through(self):
		filled = {document["doctype"] for document in self.good()}
		made = set()
		for name in frappe.get_all(
			"DocType", {"module": "Biometric Integration", "istable": 0, "issingle": 0}, pluck="name"
		):
			permissions = frappe.get_meta(name).permissions
			if any(row.create for row in permissions):
				made.add(name)
		self.assertEqual(made - filled, {"Biometric File Import"}, "a file is what it is about")

	def test_documents(self):
		for document in self.good():
			for field in frappe.get_meta(document["doctype"]).fields:
				for value in absurd(field):
					with self.subTest(document["doctype"], field=field.fieldname, value=str(value)[:20]):
						values = {**document, **BESIDE.get(field.fieldname, {}), field.fieldname: value}
						self.kept_or_refused(frappe.get_doc(values), "insert", field, value)

	def test_settings_and_rows_of_more_servers(self):
		factories.settings(**CONNECTION, more_servers=[BRANCH])
		for field in frappe.get_meta(SETTINGS).fields:
			for value in absurd(field):
				with self.subTest(field.fieldname, value=str(value)[:20]):
					document = frappe.get_single(SETTINGS)
					document.set(field.fieldname, value)
					self.kept_or_refused(document, "save", field, value)
		for field in frappe.get_meta("Biometric Server").fields:
			for value in absurd(field):
				with self.subTest("a row", field=field.fieldname, value=str(value)[:20]):
					document = frappe.get_single(SETTINGS)
					row = document.more_servers[0]
					row.set(field.fieldname, value)
					self.kept_or_refused(document, "save", field, value, row)

	def kept_or_refused(self, document, method: str, field, value, row=None) -> None:
		frappe.db.savepoint("absurd")
		try:
			getattr(document, method)()
		except (frappe.ValidationError, frappe.NameError) as error:
			self.assertTrue(str(error).strip(), "a refusal is a sentence")
		else:
			kept = (row or document).get(field.fieldname)
			self.assertTrue(is_true_to(field, value, kept), f"{value!r:.40} became {kept!r:.40}")
			again = frappe.get_doc(document.doctype, document.name)
			shown = again.more_servers[0] if row else again
			if field.fieldtype in TEXTS and field.fieldtype != "Password":
				self.assertEqual(shown.get(field.fieldname) or "", kept or "", "as it is read again")
		finally:
			frappe.db.rollback(save_point="absurd")
			frappe.clear_messages()
			frappe.clear_document_cache(document.doctype, document.name)


def absurd(field) -> tuple:
	if field.read_only or field.fieldtype in ("Link", "Attach"):
		return ()
	if field.fieldtype in TEXTS:
		return ABSURD_TEXTS
	if field.fieldtype in NUMBERS:
		return ABSURD_NUMBERS
	return {"Date": ABSURD_DAYS, "Time": ABSURD_TIMES}.get(field.fieldtype, ())


def visible(value) -> str:
	return "" if value is None else re.sub("[\x00-\x20\u200b]+", " ", str(value)).strip()


def is_true_to(field, value, kept) -> bool:
	"""Is what was kept what was meant? Signs that nobody sees are blanks; an empty number is what the field shows in place of it; frappe writes markup as text, or leaves it out."""
	seen = visible(value)
	if seen == "":
		return True
	if field.fieldtype in NUMBERS:
		return float(kept) == float(value) or (field.fieldname, value) == ("requests_at_once", 0)
	if field.fieldtype == "Date":
		return str(kept) == seen
	if field.fieldtype == "Password":
		return bool(kept)
	shown = unescape(visible(kept)).translate({ord("‹"): "<", ord("›"): ">"})
	by_frappe = unescape(visible(sanitize_html(str(value))))
	return seen in (shown, shown.removeprefix("http://")) or shown == by_frappe


class TestByRest(IngestCase):
	"""As other programs write: the same sentences, and no page is needed for them."""

	def write(self, doctype: str, name: str, **values):
		headers = {"Authorization": f"token {self.key}", "Host": frappe.local.site}
		path = quote(f"/api/resource/{doctype}" + (f"/{name}" if name else ""))
		return self.site.ask(
			"PUT" if name else "POST",
			path,
			json.dumps(values).encode(),
			{**headers, "Content-Type": "application/json"},
		)

	def test_what_cannot_be_is_refused_with_a_sentence(self):
		self.key = self.new_key("System Manager")
		for doctype, name, values, words in (
			(SETTINGS, SETTINGS, {"timeout": 99_999}, "from 1 to 300"),
			(SETTINGS, SETTINGS, {"rescan_days": 4000}, "from 0 to 60"),
			(SETTINGS, SETTINGS, {"start_date": "1900-01-01"}, "enter a day from"),
			(SETTINGS, SETTINGS, {"endpoint_url": "http://me:secret@host"}, "without a login"),
			(DEVICE, "", {"device_name": "Gate", "server": "nowhere"}, "no attendance server"),
			(RULE, "", {"device_user_id": "7", "scope": "Everywhere"}, "choose one of"),
			(RULE, "", {"device_user_id": "7", "from_date": "soon"}, "enter a day from"),
		):
			with self.subTest(values):
				answer = self.write(doctype, name, **values)
				self.assertEqual(answer.status, 417, answer.body[:300])
				self.assertIn(words, answer.body.decode())

	def test_what_is_pasted_is_tidied(self):
		self.key = self.new_key("System Manager")
		answer = self.write(
			DEVICE, "", device_name=" Gate\u200b ", serial_number="ＣＥＸＪ７\n", server=" MAIN "
		)
		self.assertEqual(answer.status, 200, answer.body[:300])
		data = json.loads(answer.body)["data"]
		self.assertEqual(
			(data["device_name"], data["serial_number"], data["server"]), ("Gate", "CEXJ7", "main")
		)
