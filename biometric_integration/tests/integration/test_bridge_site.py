"""A bridge in a LAN, as its site sees it: who may report, what of a report is believed, and what nobody here does in its place."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from unittest.mock import patch

import frappe
from frappe.utils import get_system_timezone, now_datetime

from biometric_integration import api, tasks
from biometric_integration.core.clock import to_site, wall_clock
from biometric_integration.core.runs import Trigger
from biometric_integration.core.store import Fenced
from biometric_integration.core.stream import Cursor, Stream
from biometric_integration.permissions import BRIDGE_ROLE
from biometric_integration.receivers.bridge_report import MOST_BYTES
from biometric_integration.simulator import World
from biometric_integration.sync import jobs
from biometric_integration.sync.bridges import notices, report
from biometric_integration.sync.db import pace, transaction
from biometric_integration.sync.push import strangers
from biometric_integration.sync.push.host import ONLY_PUSHES
from biometric_integration.sync.records import bridges, cursors, servers
from biometric_integration.sync.workdays import judging, marks
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import FIRST_DAY, SiteTestCase, logs
from biometric_integration.tests.integration.bridges import MINUTE, Reporting, z
from biometric_integration.tests.integration.http import API
from biometric_integration.tests.integration.test_workdays import DevicesTestCase as _DevicesTestCase
from biometric_integration.tests.integration.workdays import DAYS
from biometric_integration.tests.queries import queries

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SECRETS = {"api_password": "pass-word-of-lan", "hook_secret": "hook-secret-of-lan-0123456789"}
CONNECTION = {"endpoint_url": "http://192.168.1.20:85", "api_user": "api", "start_date": FIRST_DAY}
STRANGER = {"serial": "SN9", "address": "10.0.0.9", "times": 3, "last": "2026-11-26T10:10:00Z"}


def server(server_id: str, server_type: str = "eTimeTrackLite", **values) -> dict:
	return {
		"server_id": server_id,
		"label": server_id,
		"server_type": server_type,
		"endpoint_url": "http://192.168.1.21:85",
		"api_user": "lan",
		"enabled": 1,
		**values,
	}


def says_of(device: str) -> dict:
	return api.device_state(device)[device]


class BridgeCase(Reporting, SiteTestCase):
	def setUp(self) -> None:
		super().setUp()
		self.configure()

	def configure(self, **values) -> None:
		factories.settings(
			**{"server_type": "eTimeTrackLite", "read_by": self.bridge, **CONNECTION, **SECRETS, **values}
		)

	def stream(self, unit: str = "SN1", **values) -> dict:
		"""As if a server in the zone of the settings had been read a minute ago."""
		now = wall_clock(datetime.now(timezone.utc), "Asia/Kolkata") - MINUTE
		marks = {"read_from": f"{FIRST_DAY} 00:00:00", "read_until": f"{now}", "complete_until": f"{now}"}
		about = {"server": "main", "server_type": "eTimeTrackLite", "unit": unit, "feed": "punches"}
		return {**about, **marks, **values}

	def cursor(self, unit: str = "SN1", server_type: str = "eTimeTrackLite", feed: str = "punches") -> Cursor:
		return cursors.read(Stream("main", server_type, unit, feed))


class Reports(BridgeCase):
	def test_what_it_says_of_itself_stands_on_it(self):
		backlog = {"waiting": 12, "oldest": z(self.utc - 2 * HOUR), "aside": 3, "why_aside": "no <device>"}
		backlog |= {"bytes": 5 * 1024**3, "limit": 2 * 1024**3, "is_full": True}
		before = self.row().modified
		self.report(version="1.2.3", backlog=backlog, problem="The disk is full.")
		row = self.row()
		self.assertEqual((row.version, row.waiting, row.aside, row.is_full), ("1.2.3", 12, 3, 1))
		self.assertEqual((row.spool_used, row.spool_limit), (5120, 2048))
		self.assertEqual(row.why_aside, "no \u2039device\u203a")
		self.assertEqual(row.problem, "The disk is full.")
		self.assertEqual(
			row.oldest_waiting, wall_clock(self.utc - timedelta(seconds=1) - 2 * HOUR, get_system_timezone())
		)
		self.assertLess(now_datetime() - row.last_report, MINUTE)
		self.assertEqual(row.modified, before, "a form that is open stays savable")
		found = api.bridge_state(self.bridge)[self.bridge]
		self.assertEqual(found["state"], "trouble")
		for words in ("The disk is full.", "3 of its punches", "store is full", "12 punches wait"):
			self.assertIn(words, " ".join(found["words"]))

	def test_it_is_told_what_to_read_and_no_password(self):
		more = [
			server(
				"west", "BioTime", read_by=self.bridge, time_zone="Asia/Dubai", sync_interval=7, **SECRETS
			),
			server("ours", "BioTime"),
			server("off", "BioTime", read_by=self.bridge, enabled=0),
			server("others", "BioTime", read_by=self.new_bridge()),
		]
		self.configure(
			more_servers=more, sync_interval=10, overlap_hours=3, rescan_days=9, requests_at_once=4
		)
		factories.device("SN1", "Gate", start_date="2025-05-01")
		factories.device("SN2", enabled=0)
		factories.device("SN3", server="west", location="Hall", pushes_to=self.bridge)
		factories.device("SN4", server=ONLY_PUSHES, pushes_to=self.bridge)
		answer = self.send(self.body())
		for secret in SECRETS.values():
			self.assertNotIn(secret, answer.body.decode())
		self.assertLess(abs(datetime.fromisoformat(answer.message["now"][:-1]) - datetime.utcnow()), MINUTE)
		told = answer.message["settings"]
		self.assertEqual(told["time_zone"], get_system_timezone())
		main, west = told["servers"]
		self.assertEqual(
			main,
			{
				"id": "main",
				"label": "http://192.168.1.20:85",
				"type": "eTimeTrackLite",
				"url": "http://192.168.1.20:85",
				"user": "api",
				"location": "",
				"time_zone": "Asia/Kolkata",
				"verify_tls": True,
				"ca_certificate": "",
				"timeout": 30,
				"overlap_hours": 3,
				"rescan_days": 9,
				"requests_at_once": 4,
				"sync_interval": 10,
				"start_date": f"{FIRST_DAY}",
				"devices": [{"serial": "SN1", "name": "Gate", "location": "", "start_date": "2025-05-01"}],
			},
		)
		self.assertEqual((west["id"], west["time_zone"], west["sync_interval"]), ("west", "Asia/Dubai", 7))
		self.assertEqual([one["serial"] for one in west["devices"]], ["SN3"])
		zones = {one["serial"]: one["time_zone"] for one in told["push"]}
		self.assertEqual(zones, {"SN3": "Asia/Dubai", "SN4": get_system_timezone()})
		frappe.db.set_single_value(servers.SETTINGS, "enabled", 0)
		frappe.clear_document_cache(servers.SETTINGS, servers.SETTINGS)
		self.assertEqual(self.report()["settings"]["servers"], [], "what is off is read by nobody")

	def test_how_its_servers_go_is_red_where_all_are(self):
		run = {"server": "main", "status": "Failed", "message": "The login was refused.", "at": z(self.utc)}
		other = {**run, "server": "ours", "message": "not its own"}
		self.configure(more_servers=[server("ours")])
		self.report(servers=[run, other, {**run, "server": "gone"}])
		found = {one["server"]: one for one in api.status()["servers"]}
		self.assertEqual(found["main"]["state"], "failing")
		self.assertEqual(found["main"]["message"], "The login was refused.")
		self.assertEqual(found["ours"]["message"], "")
		self.assertEqual(servers.state("gone"), {})
		bridge = api.bridge_state(self.bridge)[self.bridge]
		self.assertEqual(bridge["state"], "trouble")
		self.assertIn("main: The login was refused.", " ".join(bridge["words"]))
		self.report(servers=[{**run, "status": "Partial Success", "message": "some", "at": z(self.utc)}])
		found = {one["server"]: one for one in api.status()["servers"]}
		self.assertEqual((found["main"]["state"], found["main"]["read_by"]), ("ok", self.bridge))
		self.assertEqual(api.bridge_state()[self.bridge]["state"], "well")

	def test_a_form_that_is_saved_later_writes_nothing_over_it(self):
		form = frappe.get_doc(bridges.DOCTYPE, self.bridge)
		self.report(problem="The disk is full.")
		form.update({"company": factories.company(), "problem": "", "waiting": 99}).save()
		row = self.row()
		self.assertEqual((row.problem, row.waiting, row.version), ("The disk is full.", 0, "1"))
		self.assertIsNotNone(row.newest_now)

	def test_its_user_has_the_role(self):
		with self.assertRaisesRegex(frappe.ValidationError, "needs the role"):
			self.new_bridge("Guest")
		with self.assertRaisesRegex(frappe.ValidationError, "letters"):
			frappe.get_doc({"doctype": bridges.DOCTYPE, "bridge_name": 'a"b', "user": self.user}).insert()

	def test_what_its_file_begins_with(self):
		factories.device("SN4", server=ONLY_PUSHES, pushes_to=self.bridge)
		text = api.bridge_file(self.bridge)["text"]
		for line in (
			f'bridge = "{self.bridge}"',
			'key_file = "bridge.key"',
			"[server.main]",
			"[push]",
			'url = "http://192.168.1.20:85"',
		):
			self.assertIn(line, text)
		self.assertNotIn(SECRETS["api_password"], text)


class Strangers(BridgeCase):
	def setUp(self) -> None:
		super().setUp()
		factories.device("SN1")
		self.stage = {"streams": [self.stream()], "strangers": [STRANGER], "problem": "Hello!"}
		self.report(problem="known")

	def known(self) -> tuple:
		"""All that a report may change, but for the counter of those that were not taken."""
		row = {key: value for key, value in self.row().items() if not key.startswith("odd")}
		tables = (cursors.DOCTYPE, servers.STATE, strangers.DOCTYPE, "Biometric Device Hour")
		counts = [frappe.db.count(doctype) for doctype in tables]
		return row, counts, self.cursor(), frappe.db.count("Biometric Staging Event")

	def test_whoever_has_no_right_changes_nothing(self):
		made = [self.new_key(role) for role in (BRIDGE_ROLE, None, "System Manager")]
		for user, _key in made:
			self.addCleanup(factories.forget_user, user)
		(other, other_key), *others = made
		keys = ["", "x:y", self.key[:-1] + "?", *(key for _user, key in others)]
		before = self.known()
		for key in keys:
			self.assertIn(self.send(self.body(**self.stage), key).status, (401, 403))
		self.assertEqual(self.send(self.body(**self.stage), other_key).status, 403, "of another bridge")
		self.assertEqual(self.known(), before)
		theirs = self.new_bridge(other)
		self.assertEqual(self.send(self.body(**{**self.stage, "bridge": theirs})).status, 403)
		self.assertEqual(self.known(), before)
		self.assertIsNone(self.row(theirs).last_report)

	def test_what_is_no_report_changes_nothing(self):
		before = self.known()
		for status, body in (
			(400, b"[]"),
			(400, self.body(bridge=self.bridge.upper(), **self.stage)),
			(400, self.body(bridge="nobody", **self.stage)),
			(400, self.body(now="yesterday")),
			(413, self.body(problem="x" * MOST_BYTES)),
		):
			answer = self.send(body)
			self.assertEqual(answer.status, status, body[:60])
			self.assertLess(len(answer.body), 2000)
			self.assertIn("error", answer.message)
		self.assertGreaterEqual(self.send(b"{").status, 400)
		frappe.db.set_value(bridges.DOCTYPE, self.bridge, "enabled", 0)
		before[0]["enabled"], before[0]["modified"] = 0, self.row().modified
		self.assertEqual(self.send(self.body(**self.stage)).status, 400)
		self.assertEqual(self.known(), before)

	def test_an_old_report_only_counts(self):
		old = self.body(**self.stage)
		self.report(problem="newer")
		before = self.known()
		for _again in range(5):
			self.assertEqual(self.send(old).message["settings"]["time_zone"], get_system_timezone())
		self.assertEqual(self.known(), before)
		self.assertEqual(self.row().odd_times, 1)

	def test_there_are_no_more_of_them_than_a_program_sends(self):
		pace.forget(f"reports of {self.bridge}")
		with patch.object(report, "REPORTS_A_MINUTE", 1):
			self.assertEqual([self.send(self.body()).status for _ in range(3)], [200, 429, 429])

	def test_what_nobody_foresaw_leaves_no_trace_of_what_was_sent(self):
		frappe.set_user(self.user)
		body = self.body(problem="what-was-sent")
		for error, status in (
			(frappe.db.OperationalError(2006, "gone"), 503),
			(ValueError("what-was-sent"), 500),
		):
			with (
				patch.object(report.told, "settings", side_effect=error),
				patch.object(frappe, "log_error") as noted,
			):
				found, answer = report.answer(body)
			self.assertEqual((found, list(answer)), (status, ["error"]))
			self.assertNotIn("what-was-sent", repr((answer, noted.call_args)))

	def test_the_role_can_do_nothing_else(self):
		token = {"Authorization": f"token {self.key}"}
		path = "/api/resource/Biometric%20Bridge"
		for where in (path, f"{path}/{self.bridge}"):
			self.assertEqual(self.site.ask("GET", where, b"", token).status, 403)
		for method in ("bridge_state", "bridge_file", "status"):
			path, body = f"{API}{method}", json.dumps({"bridge": self.bridge}).encode()
			answer = self.site.post(path, body, **token)
			self.assertEqual(answer.status, 403, method)

	def test_devices_that_knocked_at_it_are_listed_and_claimed_for_it(self):
		def reported(times: int) -> None:
			pace.forget("turn of SN9")
			self.report(strangers=[{**STRANGER, "times": times}, {"serial": "<b>"}])

		for times in (3, 3, 5):
			reported(times)
		(row,) = frappe.get_all(strangers.DOCTYPE, fields=["*"])
		self.assertEqual((row.name, row.requests, row.address), ("SN9", 5, "10.0.0.9"))
		self.assertEqual(row.bridge, self.bridge)
		device = frappe.get_doc("Biometric Device", api.claim_device("SN9", home=ONLY_PUSHES)["device"])
		self.assertEqual((device.pushes_to, device.push, device.enabled), (self.bridge, 0, 1))
		self.assertEqual(frappe.db.count(strangers.DOCTYPE), 0)
		self.assertEqual([one["serial"] for one in self.report()["settings"]["push"]], ["SN9"])
		reported(6)
		self.assertEqual(frappe.db.count(strangers.DOCTYPE), 0, "it had not been told yet")

	def test_one_that_is_used_stays_and_another_can_be_deleted(self):
		pace.forget("turn of SN9")
		self.report(strangers=[STRANGER])
		with self.assertRaises(frappe.LinkExistsError):
			frappe.delete_doc(bridges.DOCTYPE, self.bridge)
		self.configure(read_by=None)
		frappe.delete_doc(bridges.DOCTYPE, self.bridge)
		self.assertEqual(strangers.heard_by("SN9"), "")


class LeftToIt(BridgeCase):
	"""What this site does not do to a server that a bridge reads."""

	def setUp(self) -> None:
		super().setUp()
		self.fake = self.start("eTimeTrackLite", World.sample(days=2, first_day=FIRST_DAY))
		self.device = frappe.get_all("Biometric Device", pluck="name")[0]
		self.settings("eTimeTrackLite", self.fake, read_by=self.bridge)

	def assert_refused(self, ask) -> None:
		with self.assertRaisesRegex(frappe.ValidationError, f"read by the bridge {self.bridge}"):
			ask()

	def test_it_is_never_asked_anything(self):
		day = f"{FIRST_DAY}"
		self.assertEqual(list(servers.due(now_datetime() + DAY)), [])
		for ask in (
			lambda: api.sync_now("main"),
			lambda: api.sync_now(device=self.device),
			lambda: api.sync_now(),
			lambda: api.sync_now(wait=1),
			lambda: api.sync_period(day, day, device=self.device),
			lambda: api.sync_period(day, day, server="main", dry_run=1),
		):
			self.assert_refused(ask)
		answer = api.test_connection("main")
		self.assertIsNone(answer["ok"])
		self.assertEqual([step["ok"] for step in answer["steps"]], [None])
		self.assertIn(self.bridge, answer["steps"][0]["message"])
		api.locations("main")
		self.assertEqual(jobs.pull_server("main", Trigger.MANUAL.value), [], "asked for before")
		self.assertEqual((self.fake.requests, logs()), ([], []))
		state = servers.state("main")
		self.assertFalse(state.failures, "and nothing is red because of it")

	def test_a_run_of_before_is_not_repeated(self):
		self.settings("eTimeTrackLite", self.fake, read_by=None)
		jobs.pull_server("main", Trigger.MANUAL.value, ["SN-nobody"])
		jobs.pull_server("main")
		log = logs()[0].name
		self.settings("eTimeTrackLite", self.fake, read_by=self.bridge)
		asked = len(self.fake.requests)
		self.assert_refused(lambda: api.retry(log))
		self.assertEqual(jobs.retry(log), [])
		self.assertEqual(len(self.fake.requests), asked)

	def test_the_others_are_read_as_ever(self):
		more = [server("ours", endpoint_url=self.fake.url)]
		self.settings("eTimeTrackLite", self.fake, read_by=self.bridge, more_servers=more)
		self.assertEqual([target.id for target, _units in servers.due(now_datetime())], ["ours"])
		self.assertEqual([target.id for target, _units in api.ask.chosen(None, None)], ["ours"])

	def test_a_run_that_still_goes_on_moves_nothing_back(self):
		stream = Stream("main", "eTimeTrackLite", "SN1", "punches")
		factories.device("SN1")
		cursors.take(stream, "run")
		self.report(streams=[self.stream()])
		with self.assertRaises(Fenced):
			cursors.move(stream, "run", Cursor(complete_until=datetime(2025, 1, 1)))


class Evidence(BridgeCase):
	def setUp(self) -> None:
		super().setUp()
		self.device = factories.device("SN1")

	def assert_not_believed(self, **values) -> None:
		self.report(**values)
		self.assertEqual(self.cursor(), Cursor(), values)
		self.assertEqual(frappe.db.count(cursors.DOCTYPE), 0, values)

	def test_a_stream_is_as_if_this_site_had_read_it(self):
		told = self.stream(scans={"each": self.stream()["read_until"]}, delivered=True)
		self.report(streams=[told])
		found = self.cursor()
		self.assertEqual(f"{found.complete_until}", told["complete_until"])
		self.assertEqual((found.delivered, list(found.scans)), (True, ["each"]))
		(row,) = frappe.get_all(cursors.DOCTYPE, fields=["*"])
		self.assertEqual(row.name, "main/eTimeTrackLite/SN1/punches")
		self.report(streams=[self.stream(complete_until=f"{found.complete_until - DAY}", read_until=None)])
		self.assertEqual(self.cursor().complete_until, found.complete_until, "never backwards")

	def test_a_mark_in_the_future_is_not_kept(self):
		ahead = wall_clock(datetime.now(timezone.utc), "Asia/Kolkata") + DAY
		stream = Stream("main", "eTimeTrackLite", "SN1", "punches")
		cursors.keep_reported(
			{stream: Cursor(read_from=FIRST_DAY, read_until=ahead, complete_until=ahead)}, "x"
		)
		self.report(streams=[self.stream()])
		self.assertLess(self.cursor().complete_until, ahead - 23 * HOUR)

	def test_what_proves_nothing(self):
		ahead = f"{wall_clock(datetime.now(timezone.utc), 'Asia/Kolkata') + HOUR}"
		for told in (
			self.stream("SN2"),
			self.stream("sn1"),
			self.stream(""),
			self.stream(server="ours"),
			self.stream(server_type="BioTime"),
			self.stream(feed="live"),
			self.stream(complete_until=ahead),
		):
			self.assert_not_believed(streams=[told])
		frappe.db.set_value("Biometric Device", self.device, "enabled", 0)
		self.assert_not_believed(streams=[self.stream()])
		frappe.db.set_value("Biometric Device", self.device, "enabled", 1)
		self.configure(read_by=None)
		self.assert_not_believed(streams=[self.stream()])
		self.configure(read_by=self.new_bridge())
		self.assert_not_believed(streams=[self.stream()])
		self.configure()
		self.report(streams=[self.stream()])
		self.assertNotEqual(self.cursor(), Cursor())

	def test_a_clock_that_is_wrong_proves_nothing_and_is_said(self):
		for apart, words in ((2 * HOUR, "2h ahead"), (-2 * HOUR, "behind")):
			self.assert_not_believed(streams=[self.stream()], now=z(datetime.now(timezone.utc) + apart))
			frappe.db.set_value(bridges.DOCTYPE, self.bridge, "newest_now", None)
			found = api.bridge_state(self.bridge)[self.bridge]
			self.assertEqual(found["state"], "trouble")
			self.assertIn(words, found["words"][0])

	def test_marks_are_less_what_its_clock_is_ahead(self):
		told = self.stream()
		self.report(streams=[told], now=z(datetime.now(timezone.utc) + 4 * MINUTE))
		back = datetime.fromisoformat(told["complete_until"]) - self.cursor().complete_until
		self.assertGreater(back, 3 * MINUTE)

	def test_over_a_hole_nothing_is_complete(self):
		self.report(streams=[self.stream()])
		known = self.cursor().complete_until - 3 * DAY
		stream = Stream("main", "eTimeTrackLite", "SN1", "punches")
		begin = datetime.combine(FIRST_DAY, datetime.min.time())
		cursors.keep_reported({stream: Cursor(read_from=begin, complete_until=known)}, "x")
		for read_from in (None, f"{known + HOUR}"):
			self.report(streams=[self.stream(read_from=read_from)])
			self.assertEqual(self.cursor().complete_until, known)
		self.report(streams=[self.stream(read_from=f"{known - HOUR}")])
		self.assertGreater(self.cursor().complete_until, known)

	def test_a_device_that_begins_later_leaves_no_hole(self):
		self.report(streams=[self.stream()])
		known = self.cursor().complete_until - 3 * DAY
		stream = Stream("main", "eTimeTrackLite", "SN1", "punches")
		cursors.keep_reported({stream: Cursor(read_from=known - DAY, complete_until=known)}, "x")
		begin = datetime.combine(known.date() + DAY, datetime.min.time())
		late = self.stream(read_from=f"{begin}")
		self.report(streams=[late])
		self.assertEqual(self.cursor().complete_until, known)
		device = frappe.db.get_value("Biometric Device", {"serial_number": "SN1"})
		frappe.db.set_value("Biometric Device", device, "start_date", begin.date())
		self.report(streams=[late])
		self.assertGreater(self.cursor().complete_until, known)
		self.assertEqual(self.cursor().read_from, begin)

	def test_of_a_whole_server_only_where_all_of_it_may_come(self):
		self.configure(server_type="BioTime")
		other = factories.device("SN2")
		told = self.stream("", server_type="BioTime", feed="transactions")
		(feed,) = {feed.name for feed in report.streams.CONNECTORS["BioTime"].feeds}
		told["feed"] = feed

		def complete() -> datetime | None:
			return self.cursor("", "BioTime", feed).complete_until

		with patch.object(report.streams.ingest, "writable", lambda serials: {*serials} - {"SN2"}):
			for _turn in range(2):
				self.send_here(streams=[told])
		self.assertIsNone(complete(), "a device of another company is read with it, and refused here")
		self.report()
		self.report(streams=[told])
		self.assertIsNotNone(complete())
		document = frappe.get_doc("Biometric Device", other)
		document.update({"enabled": 0}).save()
		self.assertIsNotNone(complete())
		self.report()
		document.update({"enabled": 1}).save()
		self.assertIsNone(complete(), "what was refused while it was off may still lie in the bridge")
		self.report(streams=[told])
		self.assertIsNone(complete(), "when that was told the bridge did not know that somebody waits for it")
		self.report(streams=[told])
		self.assertIsNotNone(complete())
		factories.device("SN3")
		self.assertIsNone(complete())

	def send_here(self, **values) -> None:
		"""In this process."""
		frappe.set_user(self.user)
		status, found = report.answer(self.body(**values))
		frappe.set_user("Administrator")
		self.assertEqual(status, 200)
		self.edition = found["settings"]["edition"]

	def test_a_feed_by_position_counts_with_the_others_of_its_unit(self):
		self.configure(server_type="eBioServer")
		of = {"unit": "", "server_type": "eBioServer"}
		live, day = self.stream(**of, feed="live", read_from=None), self.stream(**of, feed="day")
		self.report(streams=[live])
		self.assertEqual(self.cursor("", "eBioServer", "live"), Cursor())
		self.report(streams=[live, day])
		self.assertIsNotNone(self.cursor("", "eBioServer", "live").complete_until)

	def test_many_streams_take_a_fixed_number_of_queries(self):
		def asked(count: int) -> int:
			serials = [f"Q{number}" for number in range(count)]
			for serial in serials:
				if not frappe.db.exists("Biometric Device", {"serial_number": serial}):
					factories.device(serial, pushes_to=self.bridge)
			frappe.db.delete(cursors.DOCTYPE)
			spoken = [
				{"serial": serial, "heard": z(self.utc), "since": z(self.utc - HOUR)} for serial in serials
			]
			before = queries()
			self.send_here(streams=[self.stream(serial) for serial in serials], devices=spoken)
			return queries() - before

		asked(3)
		few = asked(3)
		self.assertLessEqual(asked(60), few + 3)
		self.assertEqual(frappe.db.count(cursors.DOCTYPE), 60)


class Contacts(BridgeCase):
	def setUp(self) -> None:
		super().setUp()
		self.device = factories.device("SN1", server=ONLY_PUSHES, pushes_to=self.bridge)

	def spoken(self, **values) -> dict:
		found = {
			"serial": "SN1",
			"heard": z(self.utc),
			"since": z(self.utc - 2 * HOUR),
			"complete": z(self.utc),
		}
		return {**found, **values}

	def contact(self) -> tuple:
		fields = ["last_contact", "contact_since", "pushed_until"]
		return frappe.db.get_value("Biometric Device", self.device, fields)

	def at_site(self, moment: datetime) -> datetime:
		return wall_clock(moment, get_system_timezone())

	def test_contact_is_as_if_it_had_spoken_here(self):
		told, at = self.spoken(), self.utc
		self.report(devices=[told])
		expected = (self.at_site(at), self.at_site(at - 2 * HOUR), self.at_site(at))
		self.assertEqual(self.contact(), expected)
		(sign,) = frappe.get_all("Biometric Device Hour", {"device": self.device}, pluck="ping_sign")
		self.assertEqual(sign, self.at_site(at))
		self.assertEqual(says_of(self.device)["state"], "never")
		self.report(devices=[self.spoken(heard=z(at + MINUTE / 2), complete=None)])
		self.assertEqual(self.contact()[2], expected[2], "what was complete stays so")
		self.report(devices=[self.spoken(heard=z(at - HOUR), complete=z(at - HOUR))])
		self.assertEqual(self.contact()[0], self.at_site(at + MINUTE / 2), "never backwards")

	def test_what_proves_nothing(self):
		now = datetime.now(timezone.utc)
		for values in (
			{"devices": [self.spoken(serial="sn1")]},
			{"devices": [self.spoken(heard=z(now + HOUR))]},
			{"devices": [self.spoken()], "now": z(now + HOUR)},
		):
			self.report(**values)
			self.assertEqual(self.contact(), (None, None, None), values)
		frappe.db.set_value(bridges.DOCTYPE, self.bridge, "newest_now", None)
		for values in ({"pushes_to": None}, {"pushes_to": self.new_bridge()}, {"enabled": 0}):
			wanted = {"pushes_to": self.bridge, "enabled": 1, **values}
			frappe.db.set_value("Biometric Device", self.device, wanted)
			self.report(devices=[self.spoken()])
			self.assertEqual(self.contact(), (None, None, None), values)

	def test_after_another_store_nothing_is_believed_until_a_person_says_so(self):
		"""What devices had sent into the one that died is on no other disk."""
		self.report(spool="first", devices=[self.spoken()])
		before, form = self.contact(), frappe.get_doc(bridges.DOCTYPE, self.bridge)
		for spool in ("first", "", "second", "second"):
			self.report(spool=spool)
		self.report(spool="second", devices=[self.spoken()])
		self.assertEqual(self.contact(), before)
		found = api.bridge_state(self.bridge)[self.bridge]
		self.assertEqual(found["state"], "trouble")
		self.assertIn("another one than before", " ".join(found["words"]))
		self.assertRaises(frappe.TimestampMismatchError, form.save)
		frappe.db.rollback()
		form = frappe.get_doc(bridges.DOCTYPE, self.bridge)
		form.update({"spool_replaced": 0}).save()
		self.report(spool="second", devices=[self.spoken()])
		self.assertGreater(self.contact()[2], before[2])
		self.assertEqual(api.bridge_state(self.bridge)[self.bridge]["state"], "well")

	def test_of_a_bridge_that_only_reads_servers_the_store_may_be_another_one(self):
		frappe.db.set_value("Biometric Device", self.device, "pushes_to", None)
		for spool in ("first", "second"):
			self.report(spool=spool)
		self.assertEqual(self.row().spool_replaced, 0)

	def test_who_takes_a_device_from_a_bridge_is_told_what_may_still_be_in_it(self):
		for waiting, told in ((0, 0), (3, 1)):
			self.report(backlog={"waiting": waiting})
			frappe.clear_messages()
			frappe.get_doc("Biometric Device", self.device).update({"pushes_to": None}).save()
			found = [each for each in frappe.get_message_log() if "may still keep" in str(each)]
			self.assertEqual(len(found), told, waiting)
			frappe.get_doc("Biometric Device", self.device).update({"pushes_to": self.bridge}).save()

	def test_a_complete_mark_of_the_future_is_cut(self):
		self.report(devices=[self.spoken(complete=z(datetime.now(timezone.utc) + DAY))])
		self.assertLessEqual(self.contact()[2], now_datetime())


class Health(BridgeCase):
	def setUp(self) -> None:
		super().setUp()
		self.read = factories.device("SN1")
		self.pushed = factories.device("SN2", server=ONLY_PUSHES, pushes_to=self.bridge)

	def be_silent(self, since: timedelta) -> None:
		frappe.db.set_value(
			bridges.DOCTYPE, self.bridge, "last_report", now_datetime() - since, update_modified=False
		)

	def notices(self) -> list:
		about = {"document_type": bridges.DOCTYPE, "document_name": self.bridge}
		return frappe.get_all("Notification Log", about, ["for_user", "subject"], order_by="creation asc")

	def tell(self) -> int:
		frappe.db.commit()  # nosemgrep -- as a job finds it
		return notices.tell(now_datetime())

	def test_how_it_stands_is_said_to_the_console_and_the_settings(self):
		(found,) = api.status()["bridges"]
		self.assertEqual((found["bridge"], found["state"]), (self.bridge, "never"))
		self.report()
		(found,) = api.status()["bridges"]
		self.assertEqual((found["state"], found["message"]), ("well", "Nothing waits in it."))
		self.report(backlog={"waiting": 5, "oldest": z(self.utc - 3 * HOUR)})
		self.assertEqual(api.status()["bridges"][0]["state"], "behind")
		self.be_silent(11 * MINUTE)
		(found,) = api.status()["bridges"]
		self.assertEqual(found["state"], "silent")
		self.assertIn("has not been heard of since", found["message"])

	def test_devices_of_a_silent_bridge_say_so(self):
		run = {"server": "main", "status": "Success", "message": "", "at": z(self.utc)}
		spoken = {"serial": "SN2", "heard": z(self.utc), "since": z(self.utc - HOUR)}
		frappe.db.set_value("Biometric Device", self.read, "creation", now_datetime() - HOUR)
		self.report(servers=[run], streams=[self.stream()], devices=[spoken])
		for device in (self.read, self.pushed):
			self.assertEqual(says_of(device)["state"], "never", "it is heard, and nothing came yet")
		self.be_silent(11 * MINUTE)
		for device in (self.read, self.pushed):
			found = says_of(device)
			self.assertEqual(found["state"], "unread")
			self.assertIn(f"The bridge {self.bridge} has not been heard of since", found["message"])
		frappe.db.set_value(bridges.DOCTYPE, self.bridge, "enabled", 0)
		self.assertIn("is turned off", says_of(self.read)["message"])

	def test_a_silent_bridge_is_one_trouble_on_the_card(self):
		self.report()
		frappe.db.set_single_value(servers.SETTINGS, "modified", now_datetime() - 9 * DAY)
		before = api.failed_runs()["value"]
		self.be_silent(DAY)
		self.assertEqual(api.failed_runs()["value"], before + 1, "and its servers are none besides")

	def test_system_managers_are_told_once(self):
		factories.user("System Manager")
		self.report()
		self.assertEqual((self.tell(), self.notices()), (0, []))
		self.be_silent(62 * MINUTE)
		self.assertEqual(self.tell(), 0)
		self.be_silent(76 * MINUTE)
		self.assertEqual((self.tell(), self.tell()), (1, 0))
		told = len(self.notices())
		self.assertGreater(told, 0)
		self.assertIn("has not been heard of since", self.notices()[0].subject)
		self.report(backlog={"waiting": 9, "oldest": z(self.utc - 3 * DAY)})
		self.assertEqual(self.tell(), 0, "of what waited meanwhile nobody is told again")
		self.report()
		self.assertEqual(self.tell(), 0)
		self.assertEqual(len(self.notices()), told, "and when it is well again nothing more")
		self.report(backlog={"waiting": 9, "oldest": z(self.utc - 25 * HOUR)})
		frappe.db.commit()  # nosemgrep -- as a job finds it
		with patch.object(jobs, "enqueue_pull"), patch.object(jobs, "enqueue_process"):
			tasks.sync_due()
		self.assertEqual(len(self.notices()), 2 * told)
		self.assertIn("9 punches wait", self.notices()[-1].subject)

	def test_administrator_is_told_where_nobody_else_manages_the_system(self):
		self.report()
		self.be_silent(76 * MINUTE)
		with patch("biometric_integration.sync.records.users.get_users_with_role", lambda role: []):
			self.assertEqual(self.tell(), 1)
		self.assertEqual([notice.for_user for notice in self.notices()], ["Administrator"])

	def test_who_is_limited_to_a_company_sees_the_bridges_of_it(self):
		user = factories.user("HR Manager")
		other = factories.unique("Other")
		frappe.get_doc(
			doctype="Company",
			company_name=other,
			abbr=frappe.generate_hash(length=5),
			default_currency="INR",
			country="India",
		).db_insert()
		self.addCleanup(frappe.db.commit)
		self.addCleanup(frappe.db.delete, "Company", {"name": other})
		self.addCleanup(frappe.db.delete, "User Permission", {"user": user})
		frappe.get_doc(doctype="User Permission", user=user, allow="Company", for_value=other).insert()
		frappe.db.set_value(bridges.DOCTYPE, self.bridge, "company", factories.company())
		mine = self.new_bridge(company=other)
		frappe.set_user(user)
		self.assertEqual(list(api.bridge_state()), [mine])
		self.assertEqual([one["bridge"] for one in api.status()["bridges"]], [mine])
		self.report()
		before = api.failed_runs()["value"]
		self.be_silent(DAY)
		self.assertEqual(api.failed_runs()["value"], before)


class Judged(Reporting, _DevicesTestCase):
	"""SN-B was read by its bridge for the first half of the three weeks."""

	def setUp(self) -> None:
		super().setUp()
		self.late = DAYS // 2 + 3
		settings = frappe.get_single(servers.SETTINGS)
		settings.update({"read_by": self.bridge, "hold_days": 60}).save()
		transaction.commit()

	def judged(self) -> tuple:
		"""Of the day of B that nobody knows about."""
		transaction.commit()
		marks.add([marks.of_employee(self.of_b, self.first)])
		transaction.commit()
		judging.run(now=now_datetime())
		return self.says(self.of_b, self.late)

	def stream(self, **values) -> dict:
		zone = servers.time_zone("main")
		now = wall_clock(datetime.now(timezone.utc), zone) - MINUTE
		begin = to_site(self.moment(0, "00:00"), get_system_timezone(), zone)
		marks = {"read_from": f"{begin}", "read_until": f"{now}", "complete_until": f"{now}"}
		about = {"server": "main", "server_type": "eTimeTrackLite", "unit": "SN-B", "feed": "punches"}
		return {**about, **marks, **values}

	def test_a_day_is_held_until_the_bridge_has_delivered_and_said_so(self):
		held = ("Held", "Device Missing", self.devices[1])
		self.assertEqual(self.judged(), held, "silent")
		backlog = {"waiting": 100, "oldest": z(self.utc - 2 * HOUR)}
		self.report(backlog=backlog)
		self.assertEqual(self.judged(), held, "behind: it says nothing of the stream")
		self.report(streams=[self.stream()], now=z(datetime.now(timezone.utc) + HOUR))
		frappe.db.set_value(bridges.DOCTYPE, self.bridge, "newest_now", None)
		self.assertEqual(self.judged(), held, "a wrong clock")
		other = self.new_bridge()
		self.report(bridge=other, streams=[self.stream()])
		self.assertEqual(self.judged(), held, "another bridge")
		self.report(streams=[self.stream(unit="SN-A")])
		self.assertEqual(self.judged(), held, "another device")
		self.send(self.body(streams=[self.stream()]), "")
		self.assertEqual(self.judged(), held, "a stranger")
		self.report(streams=[self.stream()])
		self.assertEqual(self.judged(), ("Complete", "No Punch", None))

	def test_what_came_is_used_and_what_did_not_is_missing(self):
		self.assertEqual(self.judged()[0], "Held")
		times = [self.moment(self.late, at) for at in ("09:00", "18:00")]
		rows = [{"serial": "SN-B", "user_id": "B1", "time": f"{at}"} for at in times]
		body = json.dumps({"punches": rows}).encode()
		token = {"Authorization": f"token {self.key}"}
		answer = self.site.post(f"{API}ingest", body, **token)
		self.assertEqual(answer.message["new"], 2)
		frappe.db.rollback()
		self.report(streams=[self.stream()])
		self.use()
		self.assertEqual(self.judged()[0], "Complete")
		self.assertEqual(self.says(self.of_b, self.late + 1), ("Complete", "No Punch", None))

	def test_a_device_that_pushes_to_it(self):
		frappe.db.set_value(
			"Biometric Device", self.devices[1], {"server": ONLY_PUSHES, "pushes_to": self.bridge}
		)
		spoken = {"serial": "SN-B", "heard": z(self.utc), "since": z(self.utc - 2 * HOUR), "complete": None}
		self.report(devices=[spoken])
		self.assertEqual(self.judged(), ("Held", "Device Missing", self.devices[1]))
		self.report(devices=[{**spoken, "complete": z(self.utc)}])
		self.assertEqual(self.judged(), ("Complete", "No Punch", None))
