"""What the bridge is told: the file, what the site adds, and `bridge check`, which says what is wrong with either."""

from __future__ import annotations

import io
import json
import re
import unittest
from contextlib import redirect_stdout
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

from biometric_integration.bridge.agent import command, settings
from biometric_integration.bridge.agent.settings import Settings, expected, load, plans
from biometric_integration.bridge.agent.site import pause_of
from biometric_integration.bridge.exits import Exit
from biometric_integration.core.errors import ConfigurationError
from biometric_integration.simulator import Fault, FaultKind
from biometric_integration.tests.unit.plant import EBIO, ETIME, HOUR, PASSWORD, Plant

FILE = """
[site]
url = "https://erp.example.com/"
bridge = "Plant 1"
key_file = "bridge.key"
[spool]
file = "spool.sqlite"
"""
KEY = "0123456789abcde:fedcba987654321"
NAMED = {
	"time_zone": "Asia/Kolkata",
	"servers": [
		{
			"id": "main",
			"label": "Head Office",
			"type": "eTimeTrackLite",
			"url": "http://10.0.0.1",
			"user": "api",
			"location": "",
			"time_zone": "",
			"verify_tls": True,
			"ca_certificate": "",
			"timeout": 30,
			"overlap_hours": 3,
			"rescan_days": 12,
			"requests_at_once": 3,
			"sync_interval": 0,
			"start_date": "2026-01-02",
			"devices": [{"serial": "S1", "name": "Gate", "location": "HO", "start_date": "2026-02-03"}],
			"something_new": {"a": 1},
			"password_file": "/etc/passwd",
		}
	],
	"push": [{"serial": "P1", "time_zone": "Asia/Dubai"}, {"serial": "P2"}, {"serial": 7}, "x"],
}


class SettingsTest(unittest.TestCase):
	def setUp(self):
		folder = TemporaryDirectory()
		self.addCleanup(folder.cleanup)
		self.path = Path(folder.name) / "bridge.toml"
		self.path.with_name("bridge.key").write_text(KEY)

	def load(self, text: str) -> Settings:
		self.path.write_text(text)
		return load(self.path)

	def refused(self, text: str) -> str:
		with self.assertRaises(ConfigurationError) as caught:
			self.load(text)
		return caught.exception.message


class File(SettingsTest):
	def test_the_least_there_has_to_be(self):
		settings = self.load(FILE)
		self.assertEqual(settings.site.url, "https://erp.example.com")
		self.assertEqual(settings.site.key.read(), KEY)
		self.assertEqual(settings.spool.file, self.path.with_name("spool.sqlite"))
		self.assertEqual((settings.spool.limit, settings.spool.keep), (2000 * 1024**2, timedelta(days=60)))
		self.assertIsNone(settings.push)

	def test_what_is_wrong_is_named(self):
		for change, words in {
			('url = "https://erp.example.com/"', ""): "url is missing",
			("https://erp.example.com/", "http://erp.example.com/"): "allow_http",
			("https://erp.example.com/", "https://me:secret@erp.example.com/"): "must not hold a login",
			('key_file = "bridge.key"', ""): "key_file (or key_env) is missing",
			('key_file = "bridge.key"', 'key = "abc"'): "the key key is not known",
			('file = "spool.sqlite"', ""): "file is missing",
			("[spool]", "[spol]"): "[spol] is not known",
			('bridge = "Plant 1"', "bridge = Plant 1"): "at line 4",
		}.items():
			with self.subTest(words=words):
				said = self.refused(FILE.replace(*change))
				self.assertIn(words, said)
				self.assertNotIn("secret", said)
		for more, words in {
			'[push]\nlisten = "8088"': "write address and port",
			'[push]\nlisten = "127.0.0.1:8088"\nnetworks = ["x"]': "networks",
			"[spool.x]\ny = 1": "spool",
			"[server.main]\ntimeout = 0": "1 or more",
			"[server.main]\npassword = 'x'": "does not belong here",
			"[server.main]\nurl = { a = 1 }": "has to be a text",
			"[[server.main.names]]\nname = 'x'": "name, serial",
		}.items():
			with self.subTest(words=words):
				self.assertIn(words, self.refused(FILE + more))

	def test_http_is_for_this_computer_or_where_it_is_allowed(self):
		for url in ("http://127.0.0.1:8000", "http://localhost", "http://[::1]:8000"):
			self.load(FILE.replace("https://erp.example.com/", url))
		self.load(FILE.replace('bridge = "', 'allow_http = true\nbridge = "').replace("https:", "http:"))

	def test_a_key_that_is_none(self):
		for text in ("", "no-colon-here-at-all", "a:b", "key:secret with blanks"):
			with self.subTest(text=text):
				self.path.with_name("bridge.key").write_text(text)
				with self.assertRaises(ConfigurationError) as caught:
					self.load(FILE).site.key.read()
				self.assertNotIn(text or "#", caught.exception.message)

	def test_whose_contact_proves(self):
		for listen, more, is_guarded in (
			("192.168.1.5:8088", "", True),
			("127.0.0.1:0", "", True),
			("0.0.0.0:8088", "", False),
			("[::]:8088", "", False),
			("8.8.8.8:80", "", False),
			("0.0.0.0:8088", 'networks = ["192.168.0.0/16"]', True),
		):
			with self.subTest(listen=listen, more=more):
				self.assertIs(
					self.load(f'{FILE}[push]\nlisten = "{listen}"\n{more}').push.is_guarded, is_guarded
				)


class Written(SettingsTest):
	"""What `bridge init` writes."""

	def test_it_works_with_the_address_of_the_site_and_the_name_of_the_bridge(self):
		text = command.EXAMPLE.replace('url = ""', 'url = "https://erp.example.com/"', 1)
		self.assertEqual(self.load(text.replace('bridge = ""', 'bridge = "Plant 1"')), self.load(FILE))

	def test_it_names_every_key_and_each_can_be_used(self):
		self.path.with_name("site.pem").write_text("-----BEGIN CERTIFICATE-----")
		self.path.with_name("server.pem").write_text("-----BEGIN CERTIFICATE-----")
		text = re.sub(r"(?m)^#(?! )", "", command.EXAMPLE)
		text = text.replace('url = ""', 'url = "https://erp.example.com/"', 1)
		found = self.load(text.replace('bridge = ""', 'bridge = "Plant 1"'))
		(plan,) = plans(found, {})
		self.assertEqual((plan.fault, plan.units), ("", ("CQUH212160001", "CQUH212160002")))
		self.assertEqual(found.names, {("main", "Canteen", "HO"): "CQUH212160002"})
		for section, readers in (
			("site", settings.SITE),
			("spool", settings.SPOOL),
			("push", settings.PUSH),
			("server.main", settings.OF_A_SERVER),
		):
			keys = re.split(r"(?m)^\[", text.partition(f"[{section}]")[2])[0]
			self.assertEqual(set(re.findall(r"(?m)^(\w+) =", keys)), set(readers), section)


class WithTheSite(SettingsTest):
	def test_a_server_that_the_site_names(self):
		settings = self.load(FILE + "[server.main]\npassword_file = 'main.password'\nurl = 'http://10.0.0.9'")
		(plan,) = plans(settings, NAMED)
		self.assertEqual(plan.fault, "")
		self.assertEqual(plan.config.endpoint_url, "http://10.0.0.9", "what the file says goes before")
		self.assertEqual(plan.config.time_zone, "Asia/Kolkata")
		self.assertEqual((plan.overlap, plan.rescan, plan.at_once), (3 * HOUR, timedelta(days=12), 3))
		self.assertEqual(plan.interval, timedelta(days=1))
		self.assertEqual(plan.start_date, date(2026, 1, 2))
		self.assertEqual(plan.start_dates, {"S1": date(2026, 2, 3)})
		self.assertEqual(plan.units, ("S1",))
		self.assertEqual(plan.password.file, self.path.with_name("main.password"), "the site names no files")

	def test_it_is_read_as_far_back_as_the_site_believes(self):
		for hours, days, overlap, rescan in ((1, 20, 3, 20), (9, 1, 9, 12)):
			settings = self.load(FILE + f"[server.main]\noverlap_hours = {hours}\nrescan_days = {days}\n")
			(plan,) = plans(settings, NAMED)
			self.assertEqual((plan.overlap, plan.rescan), (overlap * HOUR, timedelta(days=rescan)))

	def test_a_server_that_only_the_file_knows(self):
		server = "[server.x]\ntype='eBioServer'\nurl='http://10.0.0.1'\nuser='api'\ntime_zone='Asia/Dubai'\n"
		settings = self.load(FILE + server + "[server.main]\npassword_env='X'\n")
		self.assertEqual([plan.id for plan in plans(settings, {})], ["x"])
		self.assertEqual([plan.id for plan in plans(settings, NAMED)], ["main", "x"])
		off = self.load(FILE + server + "enabled = false\n")
		self.assertEqual(plans(off, {}), [])

	def test_what_is_wrong_with_one_is_its_own(self):
		good = NAMED["servers"][0]
		for wrong in (
			{"id": "../x"},
			{"type": "Nobody's"},
			{"url": None},
			{"timeout": "soon"},
			{"time_zone": "Mars/Olympus"},
			{"start_date": "yesterday"},
			{"url": ["x"]},
			{"overlap_hours": {}},
		):
			with self.subTest(wrong=wrong):
				servers = [{**good, "id": "bad", **wrong}, good]
				found = {
					plan.id: plan.fault for plan in plans(self.load(FILE), {**NAMED, "servers": servers})
				}
				self.assertEqual(found["main"], "")
				self.assertTrue(next(fault for server, fault in found.items() if server != "main"))

	def test_an_answer_of_any_shape_is_survived(self):
		settings = self.load(FILE + "[push]\nlisten='127.0.0.1:1'\ndevices=['F1']")
		for answer in ({}, {"servers": 7, "push": "x"}, {"servers": [7, None, {"id": 3}], "time_zone": 7}):
			with self.subTest(answer=answer):
				self.assertEqual(plans(settings, answer), [])
				self.assertEqual(expected(settings, answer), {"F1": "UTC"})

	def test_who_may_push(self):
		settings = self.load(FILE + "[push]\nlisten='127.0.0.1:1'\ndevices=['F1']")
		zones = {"F1": "Asia/Kolkata", "P1": "Asia/Dubai", "P2": "Asia/Kolkata"}
		self.assertEqual(expected(settings, NAMED), zones)
		self.assertEqual(expected(self.load(FILE), NAMED), {})


class Pauses(unittest.TestCase):
	def test_of_a_header(self):
		now = datetime(2026, 6, 1, tzinfo=timezone.utc)
		for text, seconds in {
			"": 0,
			"120": 120,
			"-5": 0,
			"9" * 30: 3600,
			"Mon, 01 Jun 2026 00:01:00 GMT": 60,
			"Mon, 01 Jun 2020 00:01:00 GMT": 0,
			"soon": 0,
		}.items():
			with self.subTest(text=text):
				self.assertEqual(pause_of(text, now), timedelta(seconds=seconds))


class Checks(unittest.TestCase):
	def setUp(self):
		self.plant = Plant(EBIO, ETIME)
		self.addCleanup(self.plant.close)
		self.plant.world.add_device("S1", "Gate", "HO")
		self.plant.write()
		self.plant.site.clock = lambda: datetime.now(timezone.utc)

	def check(self) -> tuple[int, list[dict]]:
		out = io.StringIO()
		with redirect_stdout(out):
			code = command.check(self.plant.config, as_json=True)
		self.said = out.getvalue()
		for secret in (self.plant.site.key, PASSWORD, "secret-without-colon", "in-the-file"):
			self.assertNotIn(secret, self.said)
		return code, json.loads(self.said)["steps"]

	def wrong(self) -> tuple[int, list[str]]:
		code, steps = self.check()
		wrong = [step for step in steps if step["ok"] is False]
		for step in wrong:
			self.assertTrue(step["fix"], step)
		return code, [step["step"] for step in wrong]

	def test_all_is_well(self):
		code, steps = self.check()
		self.assertEqual(code, Exit.SUCCESS, self.said)
		names = [step["step"] for step in steps]
		self.assertEqual(names[:5], ["Configuration", "Spool", "Disk", "Key", "Name"])
		self.assertIn("ebioserver: Login", names)
		self.assertEqual(names[-1], "Push")

	def test_what_is_wrong_is_named_with_a_fix(self):
		site = self.plant.site
		for step, code, change in (
			("Login", Exit.AUTHENTICATION, lambda: site.say(401, times=None)),
			("Login", Exit.AUTHENTICATION, lambda: site.faults.add(Fault(FaultKind.HTML_200, times=None))),
			("TCP", Exit.FAILED, site.down),
			("Bridge", Exit.FAILED, lambda: setattr(site, "bridge", "Another")),
			("Clock", Exit.FAILED, lambda: setattr(site, "clock", lambda: self.plant.world.utc_now)),
			(
				"ebioserver: TCP",
				Exit.FAILED,
				lambda: self.plant.fakes[EBIO].faults.add(Fault(FaultKind.REFUSE)),
			),
		):
			with self.subTest(step=step):
				kept = (site.bridge, site.clock)
				change()
				self.assertEqual(self.wrong(), (code, [step]))
				site.up()
				self.plant.fakes[EBIO].faults.clear()
				site.bridge, site.clock = kept

	def test_files_that_are_wrong(self):
		key = self.plant.folder / "bridge.key"
		key.chmod(0o644)
		self.assertEqual(self.wrong(), (Exit.CONFIGURATION, ["Key"]))
		key.chmod(0o600)
		key.write_text("secret-without-colon")
		self.assertEqual(self.wrong(), (Exit.CONFIGURATION, ["Key"]))
		self.plant.config.write_text('[site]\nkey = "in-the-file"')
		self.assertEqual(self.wrong(), (Exit.CONFIGURATION, ["Configuration"]))

	def test_a_bridge_that_runs_learns_what_a_check_was_told_first(self):
		agent = self.plant.start()
		self.plant.site.settings = {"push": [{"serial": "NEW"}], "servers": []}
		self.check()
		self.plant.round()
		self.assertIsNotNone(agent.door.zone_of("NEW"))

	def test_status_before_and_after_a_run(self):
		out = io.StringIO()
		with self.assertRaisesRegex(ConfigurationError, "no spool"):
			command.status(self.plant.config)
		self.plant.start()
		self.plant.world.punch("S1", "1", self.plant.world.now)
		self.plant.site.serials = set()
		self.plant.round()
		with redirect_stdout(out):
			command.status(self.plant.config)
		for words in (
			"runs.",
			"server ebioserver (eBioServer): Success",
			"1 punches lie aside",
			"no enabled device",
		):
			self.assertIn(words, out.getvalue())


if __name__ == "__main__":
	unittest.main()
