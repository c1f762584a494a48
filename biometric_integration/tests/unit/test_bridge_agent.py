"""The bridge, whole and in one process: servers and terminals on one side, a site on the other, and a clock that is told what time it is."""

from __future__ import annotations

import random
import shutil
import socket
import sqlite3
import ssl
import subprocess
import unittest
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

from biometric_integration.bridge import logs
from biometric_integration.bridge.agent.agent import Agent, Busy
from biometric_integration.bridge.agent.check import Check
from biometric_integration.bridge.agent.journal import Journal
from biometric_integration.bridge.database import Database
from biometric_integration.core.contact import Contact
from biometric_integration.core.runs import Trigger
from biometric_integration.core.store import Fenced
from biometric_integration.core.stream import Cursor, Stream
from biometric_integration.simulator import FakeSite, Fault, FaultKind, World
from biometric_integration.tests.unit.plant import (
	DAY,
	EBIO,
	ETIME,
	FIRST,
	HOUR,
	MINUTE,
	MORNING,
	NOTHING_WRONG,
	Plant,
	sent_twice,
)

OPENSSL = shutil.which("openssl")


class PlantTest(unittest.TestCase):
	def plant(self, *types: str, **values) -> Plant:
		plant = Plant(*types, **values)
		self.addCleanup(plant.close)
		return plant


class Weeks(PlantTest):
	"""Three weeks without internet."""

	WEEKS = 3

	def test_after_weeks_without_internet_each_punch_is_at_the_site_once(self):
		dice = random.Random(11)
		world = World.sample(
			seed=5, employees=12, devices=3, first_day=FIRST, days=7 * self.WEEKS, zone="Asia/Kolkata"
		)
		end = world.now
		world.now = MORNING - 9 * HOUR
		plant = self.plant(EBIO, ETIME, world=world, pushing=("P1", "P2"))
		world.add_device("LATE", "Yard", "HO")
		plant.write()
		agent = plant.start()
		plant.site.down()
		terminals = [plant.terminal(serial) for serial in plant.pushing]
		offline_until = dict.fromkeys(plant.pushing, world.now)
		while world.now < end:
			plant.later(12 * HOUR)
			for terminal in terminals:
				for _punch in range(dice.randrange(4)):
					moment = world.now - timedelta(seconds=dice.randrange(12 * 3600))
					plant.push(terminal, f"{dice.randrange(20):04}", moment)
				if dice.random() < 0.1:
					offline_until[terminal.serial] = world.now + dice.randrange(1, 100) * HOUR
				if world.now >= offline_until[terminal.serial]:
					terminal.hello()
					self.assertTrue(terminal.send_all())
			if dice.random() < 0.3:
				received = world.now + dice.randrange(1, 8 * 24) * HOUR
				world.punch("LATE", f"{dice.randrange(20):04}", world.now, received=received)
			agent.read()
			agent.speak()
		plant.later(9 * DAY)
		for terminal in terminals:
			self.assertTrue(terminal.send_all())
		self.assertEqual(plant.site.punches, {})
		agent.read()
		waiting = agent.spool.backlog().waiting
		self.assertEqual(waiting, len(plant.truth()))
		plant.site.up()
		plant.drain()
		self.assertEqual(plant.findings(), NOTHING_WRONG)
		self.assertEqual(sent_twice(plant.site.sent), 0)
		times = [time for _serial, _user_id, time in plant.site.order]
		self.assertEqual(times[:waiting], sorted(times[:waiting]), "oldest first")
		self.assertGreater(waiting, 600)
		said = [line for line in plant.said if "Nothing can be sent" in line]
		self.assertEqual(len(said), 1, "trouble is said once")
		self.assertTrue(any("takes punches again" in line for line in plant.said))

	def test_a_restart_without_internet_knows_what_the_site_said(self):
		plant = self.plant(EBIO, in_file=False, pushing=())
		plant.world.add_device("S1", "Gate", "HO")
		plant.site.settings = {
			"time_zone": "Asia/Kolkata",
			"servers": [plant.server(EBIO)],
			"push": [{"serial": "P9", "time_zone": "Asia/Dubai"}],
		}
		plant.start()
		plant.round()
		plant.stop()
		plant.site.down()
		plant.world.punch("S1", "0031", plant.world.now)
		plant.start()
		terminal = plant.terminal("P9")
		self.assertIn("TimeZone=4", terminal.hello().text)
		plant.push(terminal, "7", plant.world.now)
		self.assertTrue(terminal.send())
		plant.round()
		self.assertEqual(plant.agent.spool.backlog().waiting, 2)
		plant.site.up()
		plant.drain()
		self.assertEqual(plant.findings(), NOTHING_WRONG)

	def test_a_server_that_is_dead_delays_no_other(self):
		plant = self.plant(EBIO, ETIME, pushing=())
		plant.world.add_device("S1", "Gate", "HO")
		plant.write()
		plant.fakes[EBIO].faults.add(Fault(FaultKind.REFUSE))
		plant.start()
		plant.world.punch("S1", "0031", plant.world.now)
		plant.round()
		self.assertEqual(plant.findings(), NOTHING_WRONG)
		statuses = {each["server"]: each["status"] for each in plant.site.reports[-1]["servers"]}
		self.assertEqual(statuses, {"ebioserver": "Failed", "etimetracklite": "Success"})
		self.assertEqual(plant.site.reports[-1]["problem"], "")
		self.assertEqual(sum("cannot be read" in line for line in plant.said), 1)

	def test_a_server_without_a_password_is_its_own_trouble(self):
		plant = self.plant(EBIO, pushing=(), in_file=False)
		plant.site.settings = {
			"time_zone": "Asia/Kolkata",
			"servers": [{**plant.server(EBIO), "id": "other"}],
		}
		plant.start()
		plant.round()
		plant.round()
		server = plant.site.reports[-1]["servers"][0]
		self.assertEqual((server["server"], server["status"]), ("other", "Failed"))
		self.assertIn("[server.other]", server["message"])

	def test_what_the_site_takes_away_is_not_read_any_more(self):
		plant = self.plant(EBIO, pushing=(), in_file=False)
		plant.site.settings = {"time_zone": "Asia/Kolkata", "servers": [plant.server(EBIO)], "push": []}
		agent = plant.start()
		plant.round()
		self.assertEqual(list(agent.readers), ["ebioserver"])
		plant.site.settings = {"time_zone": "Asia/Kolkata", "servers": [], "push": []}
		plant.round()
		self.assertEqual(list(agent.readers), [])


class TheSite(PlantTest):
	"""What a site may do to a bridge."""

	def setUp(self):
		self.it = self.plant()
		self.agent = self.it.start()
		self.terminal = self.it.terminal()

	def punch(self, *user_ids: str) -> None:
		for user_id in user_ids:
			self.it.later(MINUTE)
			self.it.push(self.terminal, user_id, self.it.world.now)
		self.assertTrue(self.terminal.send_all())

	def assert_recovers(self) -> None:
		self.it.site.up()
		self.it.drain()
		self.assertEqual(self.it.findings(), NOTHING_WRONG)

	def test_whatever_it_answers_all_is_there_once_in_the_end(self):
		faults = [FaultKind.CUT_BODY, FaultKind.RESET, FaultKind.HTTP_500_HTML, FaultKind.HTML_200]
		faults += [FaultKind.EMPTY_BODY, FaultKind.GARBAGE_BYTES, FaultKind.REDIRECT]
		for kind in faults:
			with self.subTest(kind=kind):
				self.it.site.faults.add(Fault(kind, times=None))
				self.punch("1", "2")
				self.it.round()
				self.assertEqual(self.agent.spool.backlog().waiting, 2)
				self.assertTrue(self.agent.forwarder.rests)
				self.assert_recovers()
		for status in (401, 403, 404, 429, 500, 502, 503, 204, 304):
			with self.subTest(status=status):
				self.it.site.say(status, times=None)
				self.punch("1", "2")
				self.it.round()
				self.assertEqual(self.agent.spool.backlog().waiting, 2)
				self.assert_recovers()

	def test_an_answer_that_does_not_tell_of_each_punch_is_none(self):
		self.it.site.drops_results = 1
		self.punch("1", "2", "3")
		self.it.round()
		self.assertEqual(self.agent.spool.backlog().waiting, 3)
		self.assertTrue(self.agent.forwarder.rests)
		self.it.site.drops_results = 0
		self.assert_recovers()

	def test_it_waits_for_as_long_as_the_site_says(self):
		self.punch("1")
		self.it.site.say(429, times=1, Retry_After="1800")
		self.agent.forwarder.forward()
		asked = len(self.it.site.requests)
		self.it.later(29 * MINUTE)
		self.agent.forwarder.forward()
		self.assertEqual(len(self.it.site.requests), asked)
		self.it.later(2 * MINUTE)
		self.assertTrue(self.agent.forwarder.forward())

	def test_pauses_double_up_to_five_minutes(self):
		self.punch("1")
		self.it.site.down()
		pauses = []
		for _failure in range(9):
			self.agent.forwarder.forward()
			pauses.append(self.agent.forwarder._not_before - self.it.monotonic())
			self.it.ticks += pauses[-1]
		self.assertLess(pauses[0], 6)
		self.assertGreater(pauses[1], 8)
		self.assertAlmostEqual(pauses[-1], 300, delta=31)

	def test_nothing_is_sent_where_a_redirect_leads(self):
		with FakeSite() as stranger:
			self.it.site.say(
				307, times=None, Location=stranger.url + "/api/method/biometric_integration.api.ingest"
			)
			self.punch("1")
			self.it.round()
			self.assertEqual(stranger.requests, [])
		self.assertTrue(any("That is not followed" in line for line in self.it.said))
		self.assert_recovers()

	def test_a_batch_that_is_too_large_or_odd_is_halved_down_to_the_one_that_is(self):
		self.it.site.most_rows = 3
		self.it.site.poison = {"66"}
		self.punch(*(f"{number}" for number in range(60, 75)))
		self.it.round()
		backlog = self.agent.spool.backlog()
		self.assertEqual((backlog.waiting, backlog.aside), (0, 1))
		self.assertEqual(self.it.findings(), {"lost": 1, "double": 0, "strange": 0})
		self.assertIn("not JSON", backlog.why_aside)
		self.it.site.poison = set()
		self.it.later(2 * HOUR)
		self.assert_recovers()

	def test_a_site_that_takes_nothing_at_all_leaves_all_waiting(self):
		self.it.site.say(400, times=None)
		self.punch(*(f"{number}" for number in range(60)))
		self.it.round()
		self.assertGreater(self.agent.spool.backlog().waiting, 35)
		self.it.later(2 * HOUR)
		self.assert_recovers()

	def test_a_device_that_is_entered_later_brings_all_it_had(self):
		self.it.site.serials = set()
		self.punch("1", "2", "3")
		self.it.round()
		backlog = self.agent.spool.backlog()
		self.assertEqual((backlog.waiting, backlog.aside), (0, 3))
		self.it.round()
		report = self.it.site.reports[-1]
		self.assertEqual(report["backlog"]["aside"], 3)
		self.assertIn("P1", report["backlog"]["why_aside"])
		self.assertEqual(report["devices"], [], "what it had is not at the site")
		self.it.site.serials = {"P1"}
		self.it.round()
		self.assertEqual(self.agent.spool.backlog().aside, 3, "not before an hour has gone by")
		self.it.later(HOUR)
		self.assert_recovers()
		self.it.round()
		self.assertEqual([each["serial"] for each in self.it.site.reports[-1]["devices"]], ["P1"])

	def test_what_lies_aside_is_asked_about_by_one_of_each_kind(self):
		self.it.site.serials = set()
		self.punch(*(f"{number}" for number in range(40)))
		self.it.round()
		sent = len(self.it.site.requests)
		self.it.later(HOUR)
		self.it.round()
		ingests = [target for target in self.it.site.requests[sent:] if target.endswith("ingest")]
		self.assertEqual(len(ingests), 1)
		self.assertEqual(self.agent.spool.backlog().aside, 40)

	def test_a_new_key_in_the_file_needs_no_restart(self):
		self.it.site.key = "0123456789abcde:another-secret-01"
		self.punch("1")
		self.it.round()
		self.assertTrue(any("refuses the key (HTTP 401)" in line for line in self.it.said))
		(self.it.folder / "bridge.key").write_text(self.it.site.key)
		self.assert_recovers()

	def test_a_site_without_reports_gets_its_punches(self):
		self.it.site.knows_reports = False
		self.punch("1")
		self.it.drain()
		self.assertEqual(self.it.findings(), NOTHING_WRONG)
		self.assertTrue(any("update the app" in line for line in self.it.said))

	def test_the_key_shows_nowhere(self):
		key = self.it.site.key
		for times, status in enumerate((200, 400, 401, 403, 413, 500, 503)):
			self.it.site.say(status, times=None, echoes=True)
			self.punch(f"{times}")
			self.it.later(HOUR)
			self.agent.forwarder.forward()
			self.agent.reporter.report()
			self.it.site.up()
		self.it.site.serials, self.it.site.refusal = set(), f"The key {key} may not write for {{serial}}."
		self.punch("99")
		self.it.later(HOUR)
		self.agent.forwarder.forward()
		self.assertGreater(self.agent.spool.backlog().aside, 0)
		(self.it.folder / "bridge.key").write_text(f"{key} {key}")
		self.agent.forwarder.forget_pauses()
		self.agent.forwarder.forward()
		self.agent.reporter.report()
		with self.agent.open_spool() as spool:
			kept = [tuple(row) for row in spool.database.rows("SELECT * FROM fact")]
			kept += [tuple(row) for row in spool.database.rows("SELECT aside FROM event")]
			kept += [tuple(row) for row in spool.database.rows("SELECT error, error_detail FROM log")]
		everything = "".join(self.it.said) + f"{kept} {self.it.site.reports}"
		self.assertGreater(len(self.it.said), 4)
		for secret in (key, key.partition(":")[2]):
			self.assertNotIn(secret, everything)


class AnotherSite(PlantTest):
	"""What a site has had, another one has not, and one that was restored has no more."""

	def setUp(self):
		self.it = self.plant(EBIO, ETIME)
		self.it.world.add_device("S1", "Gate", "HO")
		self.it.write()
		self.it.start()
		self.terminal = self.it.terminal()
		self.punches(1)

	def punches(self, number: int) -> None:
		for _punch in range(number):
			user_id = f"{len(self.it.pushed)}"
			self.it.world.punch("S1", user_id, self.it.world.now)
			self.it.push(self.terminal, user_id, self.it.world.now)
			self.assertTrue(self.terminal.send_all())
			self.it.round(HOUR)
			self.it.round()

	def test_a_spool_has_a_name_by_which_the_site_knows_another_one(self):
		def name() -> str:
			self.it.round()
			return str(self.it.site.reports[-1]["spool"])

		first = name()
		self.it.stop()
		self.it.start()
		self.assertEqual(name(), first)
		self.it.stop()
		for file in self.it.folder.glob("spool.sqlite*"):
			if file.is_file():
				file.unlink()
		self.it.start()
		self.assertNotIn(name(), (first, ""))

	def test_another_site_gets_all_and_is_told_of_nothing_before(self):
		self.it.stop()
		before = self.it.site
		self.it.site = self.it.stack.enter_context(FakeSite(clock=lambda: self.it.world.utc_now))
		self.it.write()
		steps = {step.step: step.ok for step in Check(self.it.config, self.it.clock).steps()}
		self.assertTrue(steps["Bridge"])
		self.assertEqual((self.it.site.reports[-1]["streams"], self.it.site.reports[-1]["devices"]), ([], []))
		agent = self.it.start()
		self.assertEqual(agent.reporter.built()["streams"], [], "nothing of it is there yet")
		self.it.drain()
		self.assertEqual(set(self.it.site.punches), set(before.punches))
		self.it.round()
		self.assertEqual(len(self.it.site.reports[-1]["streams"]), 3)
		self.it.stop()
		sent = sum(self.it.site.sent.values())
		self.it.start()
		self.it.round()
		self.assertEqual(sum(self.it.site.sent.values()), sent, "once only")

	def test_a_site_that_was_restored_gets_what_it_had_since_the_backup(self):
		self.punches(2)
		backup = self.it.site.punches.copy(), list(self.it.site.reports)
		self.punches(3)
		self.it.site.punches, self.it.site.reports = backup
		lost = self.it.findings()["lost"]
		self.assertGreater(lost, 0)
		sent = self.it.site.sent.copy()
		self.it.round()
		report = self.it.site.reports[-1]
		self.assertGreater(report["last"], backup[1][-2]["now"], "so that the site believes nothing of it")
		self.it.drain()
		self.assertEqual(self.it.findings(), NOTHING_WRONG)
		again = sum((self.it.site.sent - sent).values())
		self.assertLess(again, len(self.it.site.punches), "and no more than that")
		self.it.round()
		self.assertEqual(len(self.it.site.reports[-1]["streams"]), 3)
		self.assertEqual(len([line for line in self.it.said if "was restored" in line]), 1)

	def test_what_was_deleted_here_is_read_again_for_a_site_that_was_restored(self):
		backup = self.it.site.punches.copy(), list(self.it.site.reports)
		for number in range(3):
			self.it.world.punch("S1", f"1{number}", self.it.world.now)
			self.it.round(HOUR)
			self.it.round()
		while self.it.agent.spool.prune(None):
			pass
		self.it.site.punches, self.it.site.reports = backup
		self.it.round()
		self.it.drain()
		self.assertEqual(self.it.findings(), NOTHING_WRONG)

	def test_it_is_done_to_the_end_also_where_it_was_killed_in_the_middle(self):
		spool = self.it.agent.spool
		with mock.patch.object(spool, "_waits_again", side_effect=KeyboardInterrupt):
			with self.assertRaises(KeyboardInterrupt):
				spool.send_again(None)
		self.it.stop()
		agent = self.it.start()
		self.assertEqual(
			agent.spool.backlog().waiting, agent.spool.database.value("SELECT COUNT(*) FROM event")
		)

	def test_a_run_that_is_under_way_does_not_write_its_marks_over_that(self):
		spool, stream = self.it.agent.spool, Stream("etimetracklite", ETIME, "S1", "punches")
		claim = spool.claim(stream, Trigger.SCHEDULED)
		with self.it.agent.open_spool() as other:
			other.send_again(None)
		with self.assertRaises(Fenced):
			spool.stage(claim, [], claim.cursor)


class Journals(unittest.TestCase):
	def setUp(self):
		self.said: list[str] = []
		self.journal = Journal(self.said.append, lambda: datetime(2026, 6, 1, tzinfo=timezone.utc))

	def test_a_secret_is_not_said(self):
		self.journal.keep_secret("fedcba987654321")
		self.journal.say("It is fedcba987654321.")
		self.journal.trouble("room", "It was fedcba987654321.")
		self.assertNotIn("fedcba", "".join(self.said) + self.journal.problem("room"))

	def test_what_lasts_is_said_when_it_begins_changes_and_ends(self):
		for sentence in ("3 lie aside.", "4 lie aside.", "All lie aside."):
			self.journal.trouble("x", sentence)
		self.journal.well("x", "None lies aside.")
		self.journal.well("x", "None lies aside.")
		self.assertEqual(
			[line[21:-1] for line in self.said], ["3 lie aside.", "All lie aside.", "None lies aside."]
		)

	def test_it_goes_on_though_nobody_listens(self):
		def gone(line: str) -> None:
			raise BrokenPipeError

		Journal(gone, lambda: datetime.now(timezone.utc)).say("Hello.")


class Evidence(PlantTest):
	"""What the site is told of streams and devices."""

	def test_a_stream_is_told_of_once_all_that_it_brought_is_at_the_site(self):
		plant = self.plant(ETIME, pushing=())
		for serial in ("S1", "S2"):
			plant.world.add_device(serial, f"Gate {serial}", "HO")
		plant.write()
		plant.site.serials = {"S1"}
		plant.start()
		for serial in ("S1", "S2"):
			plant.world.punch(serial, "1", plant.world.now)
		plant.round()
		plant.round()
		streams = plant.site.reports[-1]["streams"]
		self.assertEqual([stream["unit"] for stream in streams], ["S1"])
		self.assertEqual(streams[0]["read_until"], f"{plant.world.now}")
		self.assertEqual(streams[0]["complete_until"], f"{plant.world.now}")
		plant.site.serials = {"S1", "S2"}
		plant.later(HOUR)
		plant.drain()
		plant.round()
		self.assertEqual([stream["unit"] for stream in plant.site.reports[-1]["streams"]], ["S1", "S2"])

	def test_a_stream_of_a_whole_server_waits_for_all(self):
		plant = self.plant(EBIO, pushing=("P1",))
		plant.world.add_device("S1", "Gate", "HO")
		plant.world.punch("S1", "1", plant.world.now)
		agent = plant.start()
		plant.round()
		plant.round()
		self.assertEqual({stream["feed"] for stream in plant.site.reports[-1]["streams"]}, {"live", "day"})
		terminal = plant.terminal()
		plant.push(terminal, "1", plant.world.now)
		terminal.send()
		self.assertEqual(agent.reporter.built()["streams"], [])

	def test_a_device_that_the_site_does_not_know_holds_back_no_whole_server(self):
		plant = self.plant(EBIO, pushing=(), in_file=False)
		for serial in ("S1", "S2"):
			plant.world.add_device(serial, f"Gate {serial}", "HO")
			plant.world.punch(serial, "1", plant.world.now)
		server = plant.server(EBIO)
		known = {**server, "devices": server["devices"][:1]}
		plant.site.settings = {"time_zone": "Asia/Kolkata", "servers": [known], "push": []}
		plant.site.serials = {"S1"}
		plant.start()
		for _round in range(3):
			plant.round()
		self.assertEqual(plant.site.reports[-1]["backlog"]["aside"], 1)
		self.assertEqual(len(plant.site.reports[-1]["streams"]), 2)
		plant.site.settings = {**plant.site.settings, "servers": [server]}
		plant.round()
		plant.round()
		self.assertEqual(plant.site.reports[-1]["streams"], [], "refused, though it is named")
		plant.site.serials = {"S1", "S2"}
		plant.site.settings = {**plant.site.settings, "push": [{"serial": "X"}]}
		plant.round()
		plant.round()
		self.assertEqual(plant.findings(), NOTHING_WRONG, "as soon as settings change")
		self.assertEqual(len(plant.site.reports[-1]["streams"]), 2)

	def test_contact_proves_once_it_has_lasted(self):
		plant = self.plant()
		plant.start()
		terminal = plant.terminal()
		for _minute in range(7):
			plant.later(10 * MINUTE)
			terminal.poll()
		plant.round()
		device = plant.site.reports[-1]["devices"][0]
		heard = plant.world.utc_now - 10 * MINUTE
		self.assertEqual(device["heard"], f"{heard:%Y-%m-%dT%H:%M:%SZ}")
		self.assertEqual(device["complete"], device["heard"])

	def test_contact_of_whom_anybody_could_pretend_to_be_proves_nothing(self):
		plant = self.plant()
		plant.config.write_text(plant.config.read_text().replace("127.0.0.1:0", "0.0.0.0:0"))
		plant.start()
		terminal = plant.terminal()
		for _minute in range(7):
			plant.later(10 * MINUTE)
			terminal.poll()
		plant.round()
		self.assertIsNone(plant.site.reports[-1]["devices"][0]["complete"])

	def test_a_device_without_a_serial_number_lies_aside_until_a_person_says_which(self):
		plant = self.plant(EBIO, pushing=())
		plant.world.add_device("S1", "Gate", "HO")
		plant.world.punch("S1", "1", plant.world.now)
		plant.world.remove_device("S1")
		plant.start()
		plant.round()
		backlog = plant.agent.spool.backlog()
		self.assertEqual((backlog.waiting, backlog.aside), (0, 1))
		self.assertIn("[[server.ebioserver.names]]", backlog.why_aside)
		self.assertIn("Gate (HO)", backlog.why_aside)
		plant.stop()
		with plant.config.open("a") as file:
			file.write('[[server.ebioserver.names]]\nname = "Gate"\nlocation = "HO"\nserial = "S1"\n')
		plant.start()
		plant.drain()
		self.assertEqual(plant.findings(), NOTHING_WRONG)

	def test_a_report_stays_within_its_bounds(self):
		plant = self.plant(pushing=[f"P{number:05}" for number in range(700)])
		agent = plant.start()
		now = plant.world.utc_now.replace(tzinfo=None)
		for number in range(700):
			agent.spool.note_contact(f"P{number:05}", Contact().heard(now))
		first, second = agent.reporter.built(), agent.reporter.built()
		self.assertEqual((len(first["devices"]), len(second["devices"])), (500, 500))
		seen = {device["serial"] for device in first["devices"] + second["devices"]}
		self.assertEqual(len(seen), 700, "each has its turn")

	def test_what_a_report_has_no_room_for_has_its_turn_in_the_next(self):
		plant = self.plant(ETIME, pushing=[f"P{number:05}" for number in range(500)])
		for number in range(500):
			plant.world.add_device(f"SERIAL{number:05}", "Gate", "HO")
		plant.write()
		agent = plant.start()
		now = plant.world.now
		scans = dict.fromkeys(("each", "hourly", "nightly", "weekly"), now)
		cursor = Cursor(None, now, now, now, True, scans)
		found = [
			(Stream("etimetracklite", ETIME, f"SERIAL{number:05}", "punches"), cursor)
			for number in range(500)
		]
		for number in range(500):
			agent.spool.note_contact(
				f"P{number:05}", Contact(*[plant.world.utc_now.replace(tzinfo=None)] * 3)
			)
		with mock.patch.object(agent.spool, "streams_at_site", lambda *_values: found):
			reports = [agent.reporter.built() for _report in range(3)]
		self.assertLess(len(reports[0]["streams"]), 500)
		seen = {stream["unit"] for report in reports for stream in report["streams"]}
		self.assertEqual(len(seen), 500)


class Clocks(PlantTest):
	"""The clock of the bridge's computer jumps."""

	def test_devices_are_told_the_time_also_where_the_clock_is_set_right_while_the_site_is_away(self):
		plant = self.plant()
		plant.skew = 2 * HOUR
		agent = plant.start()
		plant.round()
		self.assertEqual(agent.door.now(), plant.world.utc_now)
		plant.site.down()
		plant.later(DAY)
		self.assertEqual(agent.door.now(), plant.world.utc_now)
		plant.skew = timedelta()
		plant.round(DAY)
		self.assertEqual(agent.door.now(), plant.world.utc_now)

	def test_a_clock_that_was_wrong_loses_nothing(self):
		for skew, with_servers in ((3 * DAY, False), (-3 * DAY, False), (3 * DAY, True), (-400 * DAY, True)):
			with self.subTest(skew=skew, with_servers=with_servers):
				plant = self.plant(EBIO, ETIME)
				plant.world.add_device("S1", "Gate", "HO")
				plant.write()
				plant.start()
				terminal = plant.terminal()
				for turn in range(9):
					plant.skew = skew if 3 <= turn < 6 else timedelta()
					for fake in plant.fakes.values():
						fake.faults.clear()
						if with_servers:  # they are on the same computer
							seconds = int(plant.skew.total_seconds())
							fake.faults.add(Fault(FaultKind.CLOCK, times=None, seconds=seconds))
					plant.world.punch("S1", f"{turn}", plant.world.now + 5 * MINUTE)
					plant.push(terminal, f"{turn}", plant.world.now + 6 * MINUTE)
					plant.later(HOUR)
					terminal.send_all()
					plant.round()
				plant.later(DAY)
				plant.drain()
				self.assertEqual(plant.findings(), NOTHING_WRONG)
				self.assertEqual(sum("The clock of this computer is" in line for line in plant.said), 2)
				for stream in plant.site.reports[-1]["streams"]:
					self.assertLessEqual(stream["read_until"], f"{plant.world.now}")

	def test_no_stream_is_told_of_as_read_beyond_now(self):
		"""Even where its server died while the clock was wrong."""
		plant = self.plant(ETIME, pushing=())
		plant.world.add_device("S1", "Gate", "HO")
		plant.write()
		plant.fakes[ETIME].software = "old"
		agent = plant.start()
		plant.world.punch("S1", "1", plant.world.now)
		plant.round()
		cursor = agent.spool.database
		with cursor.transaction():
			cursor.write(
				"UPDATE cursor SET read_until='2026-06-09 00:00:00', complete_until='2026-06-09 00:00:00'"
			)
		report = agent.reporter.built()
		self.assertEqual(report["streams"][0]["read_until"], f"{plant.world.now}")
		self.assertLessEqual(report["streams"][0]["complete_until"], f"{plant.world.now}")

	def test_devices_are_told_the_right_time_by_a_wrong_clock(self):
		plant = self.plant()
		plant.skew = 3 * DAY
		plant.start()
		plant.round()
		terminal = plant.terminal()
		reply = terminal.hello()
		self.assertEqual(parsedate_to_datetime(reply.header("Date")), plant.world.utc_now)

	def test_nothing_is_deleted_by_a_clock_that_is_not_certain(self):
		plant = self.plant()
		agent = plant.start()
		terminal = plant.terminal()
		plant.push(terminal, "1", plant.world.now)
		terminal.send()
		plant.drain()
		plant.skew = 100 * DAY
		plant.round()
		agent.tidy()
		kept = "SELECT COUNT(*) FROM event"
		self.assertEqual(agent.spool.database.value(kept), 1)
		plant.skew = timedelta()
		plant.later(61 * DAY)
		plant.round()
		agent.tidy()
		self.assertEqual(agent.spool.database.value(kept), 0)


class NoAddress(PlantTest):
	def test_an_address_that_is_not_there_keeps_no_server_from_being_read(self):
		plant = self.plant(EBIO)
		plant.world.add_device("S1", "Gate", "HO")
		plant.world.punch("S1", "1", plant.world.now)
		text = plant.config.read_text()
		with socket.socket() as other:
			other.bind(("127.0.0.1", 0))
			other.listen()
			port = other.getsockname()[1]
			plant.config.write_text(text.replace("127.0.0.1:0", f"127.0.0.1:{port}"))
			agent = plant.start()
			self.assertIsNone(agent.terminals)
			plant.drain()
			plant.round()
			self.assertEqual(plant.findings(), NOTHING_WRONG)
			self.assertIn(f"127.0.0.1:{port}", plant.site.reports[-1]["problem"])
		agent._is_started = True
		plant.later(MINUTE)
		agent._once()
		plant.port = port
		terminal = plant.terminal()
		plant.push(terminal, "1", plant.world.now)
		self.assertTrue(terminal.send())
		plant.drain()
		self.assertEqual(plant.site.reports[-1]["problem"], "")


class NoRoom(PlantTest):
	def test_a_full_disk_keeps_what_lies_aside_and_sends_and_reports_all_the_same(self):
		plant = self.plant()
		plant.site.serials = set()
		agent = plant.start()
		terminal = plant.terminal()
		for user_id in ("1", "2"):
			plant.push(terminal, user_id, plant.world.now)
		terminal.send()
		plant.round()
		plant.site.serials = None
		plant.later(2 * HOUR)
		reports = len(plant.site.reports)
		full = sqlite3.OperationalError("database or disk is full")
		with mock.patch.object(Database, "transaction", side_effect=full):
			for _look in range(3):
				plant.later(2 * MINUTE)
				agent._once()
		self.assertEqual(len(plant.site.reports), reports + 3)
		plant.later(2 * HOUR)
		plant.drain()
		self.assertEqual(plant.findings(), NOTHING_WRONG)

	"""The spool, or its disk, is full."""

	def test_a_full_spool_leaves_punches_where_they_are_and_goes_on_by_itself(self):
		plant = self.plant(ETIME, spool="limit_mb = 1")
		plant.world.add_device("S1", "Gate", "HO")
		plant.write(spool="limit_mb = 1")
		agent = plant.start()
		plant.site.down()
		terminal = plant.terminal()
		for turn in range(6):
			for number in range(700):
				plant.world.punch("S1", f"{number:06}" * 8, plant.world.now + timedelta(minutes=number))
			for number in range(40):
				plant.push(terminal, f"{turn:04}{number:04}", plant.world.now + timedelta(seconds=number))
			plant.later(DAY)
			agent.read()
			terminal.send_all()
		self.assertLess(agent.spool.backlog().waiting, 3000)
		self.assertFalse(terminal.send(), "nothing is acknowledged")
		self.assertTrue(agent.reporter.built()["backlog"]["is_full"])
		self.assertLess(agent.spool.used(), 3 * 1024**2)
		self.assertEqual(sum("The spool is full" in line for line in plant.said), 1)
		plant.site.up()
		for _turn in range(60):
			plant.later(10 * MINUTE)
			agent.read()
			agent.speak()
			agent.speak()
			terminal.send_all()
			if not terminal.waiting and plant.findings() == NOTHING_WRONG:
				break
		self.assertEqual(plant.findings(), NOTHING_WRONG)
		self.assertTrue(any("There is room in the spool again" in line for line in plant.said))

	def test_a_run_ends_between_two_requests_where_the_spool_is_full(self):
		plant = self.plant(ETIME)
		plant.world.add_device("S1", "Gate", "HO")
		plant.write(spool="limit_mb = 1")
		agent = plant.start()
		for number in range(4000):
			plant.world.punch("S1", f"{number:05}" * 8, plant.world.now + timedelta(minutes=20 * number))
		plant.later(60 * DAY)
		agent.read()
		waiting = agent.spool.backlog().waiting
		self.assertGreater(waiting, 0)
		self.assertLess(waiting, 4000)
		self.assertEqual(agent.readers["etimetracklite"].read(), MINUTE, "it looks again soon")
		self.assertEqual(agent.spool.backlog().waiting, waiting)

	def test_an_answer_without_an_end_is_not_finished(self):
		plant = self.plant(ETIME)
		plant.world.add_device("S1", "Gate", "HO")
		plant.write()
		agent = plant.start()
		for number in range(3000):
			plant.world.punch("S1", f"{number:05}", plant.world.now + timedelta(seconds=number))
		plant.later(2 * HOUR)
		agent.room._free = lambda folder: 1000 if plant.fakes[ETIME].requests else 10**12
		agent.read()
		self.assertEqual(agent.spool.backlog().waiting, 0)
		agent.room._free = lambda folder: 10**12
		plant.drain()
		self.assertEqual(plant.findings(), NOTHING_WRONG)

	def test_a_disk_that_is_full_is_survived_and_told(self):
		plant = self.plant(ETIME)
		plant.world.add_device("S1", "Gate", "HO")
		plant.write()
		agent = plant.start()
		terminal = plant.terminal(batch=500)
		for number in range(3000):
			plant.world.punch("S1", f"{number:05}", plant.world.now + timedelta(seconds=number))
		for number in range(500):
			plant.push(terminal, f"{number}", plant.world.now + timedelta(seconds=number))
		plant.later(2 * HOUR)
		plant.site.say(503, times=None)
		with full_disk(agent):
			for _turn in range(3):
				agent.read()
				self.assertFalse(terminal.send(), "not acknowledged")
				agent.speak()
				plant.later(HOUR)
			plant.site.up()
			agent.spool.note = refused
			self.assertTrue(agent.reporter.report())
			self.assertIn("cannot be written", plant.site.reports[-1]["problem"])
			del agent.spool.note
			self.assertLess(agent.spool.backlog().waiting, 3000)
		self.assertTrue(any("The spool cannot be written" in line for line in plant.said), plant.said)
		for _turn in range(10):
			plant.round()
			terminal.send_all()
		plant.drain()
		self.assertEqual(plant.findings(), NOTHING_WRONG)

	def test_what_cannot_be_marked_as_sent_is_sent_no_further_harm(self):
		plant = self.plant()
		agent = plant.start()
		terminal = plant.terminal(batch=500)
		for number in range(1200):
			plant.push(terminal, f"{number:05}", plant.world.now - timedelta(seconds=number))
		self.assertTrue(terminal.send_all())

		mark, agent.spool.mark = agent.spool.mark, refused
		for _turn in range(4):
			agent.forwarder.step()
		self.assertEqual(plant.findings(), NOTHING_WRONG, "forwarding goes on")
		self.assertEqual(agent.spool.backlog().waiting, 1200)
		self.assertIn("cannot be written", agent.reporter.built()["problem"])
		agent.spool.mark = mark
		self.assertTrue(agent.forwarder.forward())
		self.assertEqual(agent.reporter.built()["problem"], "")
		self.assertEqual(agent.spool.backlog().waiting, 0)
		self.assertEqual(sent_twice(plant.site.sent), 0)

	def test_too_little_left_on_the_disk_is_as_a_full_spool(self):
		plant = self.plant()
		agent = plant.start()
		terminal = plant.terminal()
		agent.room._free = lambda folder: 1000
		plant.later(MINUTE)
		plant.push(terminal, "1", plant.world.now)
		self.assertFalse(terminal.send())
		self.assertIn("has only 0 MB left", agent.reporter.built()["problem"])
		agent.room._free = lambda folder: 10**12
		plant.later(MINUTE)
		self.assertTrue(terminal.send())


def refused(*_values):
	raise sqlite3.OperationalError("database or disk is full")


@contextmanager
def full_disk(agent: Agent):
	"""Each connection to the spool that is opened meanwhile lets it grow no more."""
	opened = Database.__init__

	def limited(self, *values, **named):
		opened(self, *values, **named)
		self._connection.execute("PRAGMA max_page_count=1")
		made.append(self)

	made = [agent.spool.database]
	with mock.patch.object(Database, "__init__", limited):
		agent.spool.database._connection.execute("PRAGMA max_page_count=1")
		yield
	agent.spool.database._connection.execute("PRAGMA max_page_count=1000000")


class Kept(PlantTest):
	"""What the site has is kept for a while, then deleted."""

	def test_a_server_that_was_quiet_for_longer_is_not_taken_for_one_that_begins_anew(self):
		plant = self.plant(EBIO, pushing=())
		plant.world.add_device("S1", "Gate", "HO")
		for number in range(30):
			plant.world.punch("S1", f"{number}", plant.world.now)
		agent = plant.start()
		plant.drain()
		plant.later(61 * DAY)
		plant.round()
		agent.tidy()
		self.assertEqual(agent.spool.database.value("SELECT COUNT(*) FROM event"), 0)
		plant.later(DAY)
		plant.round()
		server = plant.site.reports[-1]["servers"][0]
		self.assertEqual((server["status"], server["message"]), ("Success", ""))
		plant.world.punch("S1", "new", plant.world.now)
		plant.drain()
		self.assertEqual(plant.findings(), NOTHING_WRONG, "what is read and sent again is known there")

	def test_a_punch_from_the_future_does_not_say_what_was_deleted(self):
		plant = self.plant(ETIME)
		plant.world.add_device("S1", "Gate", "HO")
		plant.write()
		agent = plant.start()
		terminal = plant.terminal()
		plant.push(terminal, "1", datetime(9999, 12, 31, 9))
		terminal.send()
		plant.drain()
		self.assertEqual(agent.spool.prune(None), 1)
		self.assertIsNone(agent.spool.pruned_until())

	def test_where_it_is_tight_logs_go_as_well(self):
		plant = self.plant(spool="limit_mb = 1")
		agent = plant.start()
		with agent.spool.database.transaction():
			for number in range(9000):
				stream = Stream("main", ETIME, f"SERIAL{number}", "punches")
				logs.open_log(
					agent.spool.database, stream, Trigger.SCHEDULED, plant.clock().replace(tzinfo=None)
				)
			agent.spool.database.write("UPDATE log SET status='Success'")
		self.assertTrue(agent.room.why_full(agent.spool))
		plant.later(2 * DAY)
		for _look in range(20):
			agent.speak()
		self.assertFalse(agent.room.why_full(agent.spool))

	def test_what_waits_or_lies_aside_is_never_deleted(self):
		plant = self.plant()
		plant.site.serials = set()
		agent = plant.start()
		terminal = plant.terminal()
		plant.push(terminal, "1", plant.world.now)
		terminal.send()
		plant.round()
		plant.later(400 * DAY)
		plant.round()
		agent.tidy()
		agent.spool.prune(None)
		self.assertEqual(agent.spool.backlog().aside, 1)


@unittest.skipUnless(OPENSSL, "needs openssl to make a certificate")
class Encrypted(PlantTest):
	def test_a_certificate_that_cannot_be_trusted_gets_neither_key_nor_punches(self):
		with TemporaryDirectory() as folder:
			certificate, key = (str(Path(folder) / name) for name in ("site.pem", "site.key"))
			subject = ["-subj", "/CN=site", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2", "-nodes"]
			new = [
				OPENSSL,
				"req",
				"-x509",
				"-newkey",
				"rsa:2048",
				"-keyout",
				key,
				"-out",
				certificate,
				*subject,
			]
			subprocess.run(new, check=True, capture_output=True)
			tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
			tls.load_cert_chain(certificate, key)
			plant = self.plant(site={"tls": tls})
			plant.start()
			terminal = plant.terminal()
			plant.push(terminal, "1", plant.world.now)
			terminal.send()
			plant.round()
			self.assertEqual(plant.site.requests, [])
			self.assertTrue(any("cannot be trusted" in line for line in plant.said), plant.said)
			plant.stop()
			text = plant.config.read_text().replace("[site]", f'[site]\nca_certificate = "{certificate}"')
			plant.config.write_text(text)
			plant.start()
			plant.drain()
			self.assertEqual(plant.findings(), NOTHING_WRONG)


class Locked(PlantTest):
	def test_one_bridge_a_spool(self):
		plant = self.plant()
		plant.start()
		with self.assertRaises(Busy):
			plant.start()
		plant.stop()
		plant.start()


if __name__ == "__main__":
	unittest.main()
