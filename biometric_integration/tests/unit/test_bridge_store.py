"""What only a store on a file that several processes share has to prove; the rest is in test_bridge_scenarios."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import unittest
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from textwrap import dedent

from biometric_integration.bridge.agent.spool import Spool
from biometric_integration.bridge.config import load
from biometric_integration.bridge.database import SCHEMA_VERSION, Database
from biometric_integration.bridge.locks import Locks
from biometric_integration.bridge.logs import STOPPED
from biometric_integration.bridge.people import Employee
from biometric_integration.bridge.site import Site
from biometric_integration.bridge.store import SqliteStore
from biometric_integration.core.decide import Rules, decide
from biometric_integration.core.devices import DeviceChange
from biometric_integration.core.errors import ConfigurationError
from biometric_integration.core.punch import Direction, Kind, Punch, fingerprint
from biometric_integration.core.runs import Outcome, RunCounts, Trigger
from biometric_integration.core.store import BatchLost, Fenced, StreamBusy
from biometric_integration.core.stream import Cursor, Stream
from biometric_integration.core.window import Window

NOON = datetime(2026, 6, 1, 12)
STREAM = Stream("main", "eBioServer", "HO", "live")
ROOT = Path(__file__).parents[3]
WITHOUT_SPOOL = (
	"DROP INDEX event_waiting",
	"DROP INDEX event_undone",
	"DROP INDEX event_done",
	"ALTER TABLE event DROP COLUMN done_at",
	"ALTER TABLE event DROP COLUMN aside",
	"DROP TABLE contact",
	"DROP TABLE fact",
)
"""What makes a file one of version 2."""


def punch(user_id: str = "0031", minute: int = 0, raw: str = "as it came") -> Punch:
	time = NOON + timedelta(minutes=minute)
	name = fingerprint("main", "gate", user_id, time)
	return Punch(name, Kind.PUNCH, "gate", user_id, time, time, Direction.IN, raw)


class BridgeTest(unittest.TestCase):
	def setUp(self):
		folder = tempfile.TemporaryDirectory()
		self.addCleanup(folder.cleanup)
		self.path = Path(folder.name) / "site.sqlite"
		self.now = datetime(2026, 6, 2, tzinfo=timezone.utc)
		self.store = self.another()

	def another(self, busy_seconds: float = 0.05) -> SqliteStore:
		store = SqliteStore(self.path, lambda: self.now, "UTC", busy_seconds)
		self.addCleanup(store.close)
		return store

	def process(self, store: SqliteStore | None = None) -> list[str]:
		"""What the engine does with everything that waits; returns the reasons."""
		store = store or self.store
		store.reopen(self.now.replace(tzinfo=None))
		events = store.waiting("", 1000)
		decisions = decide(
			events, store.directory(events, timedelta(0)), Rules(self.now.replace(tzinfo=None))
		)
		decisions = [
			decision.done(store.create(decision)) if decision.creates else decision for decision in decisions
		]
		store.mark_decided(decisions, self.now.replace(tzinfo=None))
		return [decision.reason.value for decision in decisions]

	def value(self, sql: str, *parameters):
		return self.store.database.value(sql, parameters)


class Homes(BridgeTest):
	SITE = """
		[site]
		time_zone = Asia/Kolkata
		employees = employees.csv
		database = site.sqlite

		[server main]
		type = eBioServer
		url = http://192.0.2.1
		user = api

		[server there]
		type = eBioServer
		url = http://192.0.2.2
		user = api
		time_zone = Asia/Dubai
	"""

	def test_a_device_of_another_server_has_the_zone_of_its_home(self):
		file = self.path.with_name("site.ini")
		file.write_text(dedent(self.SITE))
		with Site(load(file)) as site:
			for serial, home in (("S1", "there"), ("S2", "main"), ("S3", "gone")):
				site.store.change_devices(home, [DeviceChange((serial, "HO"), serial=serial)])
			zones = {device.serial: device.zone for device in site.store.devices("main")}
			self.assertEqual(zones, {"S1": "Asia/Dubai", "S2": "", "S3": "Asia/Kolkata"})
			zones = {device.serial: device.zone for device in site.store.devices("there")}
			self.assertEqual(zones, {"S1": "", "S2": "Asia/Kolkata", "S3": "Asia/Kolkata"})


class Files(BridgeTest):
	def test_only_the_owner_can_read_the_file(self):
		self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)

	def test_every_commit_is_on_the_disk(self):
		self.assertEqual(self.value("PRAGMA journal_mode"), "wal")
		self.assertEqual(self.value("PRAGMA synchronous"), 2)
		self.assertEqual(self.value("PRAGMA foreign_keys"), 1)

	def test_a_file_that_is_no_database_is_left_alone(self):
		other = self.path.with_name("letter.txt")
		other.write_text("Dear Sir or Madam, " * 100)
		with self.assertRaisesRegex(ConfigurationError, "letter.txt"):
			Database(other)
		self.assertTrue(other.read_text().startswith("Dear"))

	def test_the_database_of_another_program_is_left_alone(self):
		other = self.path.with_name("other.sqlite")
		connection = sqlite3.connect(other)
		connection.execute("CREATE TABLE theirs (x)")
		connection.close()
		with self.assertRaisesRegex(ConfigurationError, "another program"):
			Database(other)

	def test_a_file_of_a_newer_version_is_left_alone(self):
		self.store.close()
		connection = sqlite3.connect(self.path)
		connection.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
		connection.close()
		with self.assertRaisesRegex(ConfigurationError, "newer version"):
			Database(self.path)

	def test_a_file_of_an_older_version_gets_what_it_lacks(self):
		self.store.close()
		connection = sqlite3.connect(self.path)
		for statement in WITHOUT_SPOOL:
			connection.execute(statement)
		connection.execute("DROP TABLE clock")
		connection.execute("DROP INDEX event_of_device")
		connection.execute("PRAGMA user_version=1")
		connection.close()
		for _ in range(2):
			database = Database(self.path)
			self.assertEqual(database.rows("SELECT * FROM clock"), [])
			self.assertEqual(database.value("PRAGMA user_version"), SCHEMA_VERSION)
			indexes = database.value("SELECT COUNT(*) FROM sqlite_master WHERE name='event_of_device'")
			self.assertEqual(indexes, 1)
			database.close()

	def test_reasons_of_an_older_file_get_their_labels(self):
		self.store.stage(self.store.claim(STREAM, Trigger.CONSOLE), [punch()])
		self.store.close()
		connection = sqlite3.connect(self.path)
		with connection:
			connection.execute("UPDATE event SET status='Unmapped', reason_code='no_employee'")
			connection.execute("PRAGMA user_version=3")
		connection.close()
		database = Database(self.path)
		self.addCleanup(database.close)
		self.assertEqual(database.value("SELECT reason_code FROM event"), "No Employee")

	def test_what_a_standalone_file_has_waits_for_the_site_once_it_is_a_spool(self):
		stream = Stream("main", "eBioServer", "HO", "live")
		claim = self.store.claim(stream, Trigger.CONSOLE)
		self.store.stage(claim, [punch()])
		self.store.close()
		connection = sqlite3.connect(self.path)
		for statement in (*WITHOUT_SPOOL, "PRAGMA user_version=2"):
			connection.execute(statement)
		connection.close()
		with Spool(self.path) as spool:
			self.assertEqual([row.user_id for row in spool.waiting_rows("", 10)], ["0031"])
			self.assertEqual(spool.database.value("PRAGMA user_version"), SCHEMA_VERSION)

	def test_a_folder_that_is_not_there_is_named(self):
		with self.assertRaisesRegex(ConfigurationError, "nowhere"):
			Database(self.path.parent / "nowhere" / "site.sqlite")

	def test_processes_that_create_the_file_at_the_same_time_share_it(self):
		fresh = self.path.with_name("fresh.sqlite")
		code = f"from pathlib import Path; from biometric_integration.bridge.database import Database; Database(Path({str(fresh)!r}))"
		runs = [
			subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE) for _ in range(6)
		]
		errors = [run.communicate()[1].decode() for run in runs]
		self.assertEqual([run.returncode for run in runs], [0] * 6, errors)


class LocksBetweenProcesses(BridgeTest):
	HOLD = (
		"import sys, time; from pathlib import Path; from biometric_integration.bridge.locks import Locks; "
		"locks = Locks(Path(sys.argv[1])); print(locks.take('a'), flush=True); time.sleep(60)"
	)

	def holder(self, folder: Path) -> subprocess.Popen:
		run = subprocess.Popen(
			[sys.executable, "-c", self.HOLD, str(folder)], cwd=ROOT, stdout=subprocess.PIPE
		)
		self.addCleanup(run.communicate)
		self.addCleanup(run.kill)
		self.assertEqual(run.stdout.readline().strip(), b"True")
		return run

	def test_a_lock_dies_with_its_holder(self):
		folder = self.path.with_name("locks")
		locks = Locks(folder)
		self.addCleanup(locks.close)
		run = self.holder(folder)
		self.assertFalse(locks.take("a"))
		self.assertTrue(locks.take("b"), "another lock")
		os.kill(run.pid, signal.SIGKILL)
		run.wait()
		self.assertTrue(locks.take("a"))

	def test_one_process_cannot_take_a_lock_twice(self):
		folder = self.path.with_name("locks")
		one, other = Locks(folder), Locks(folder)
		self.addCleanup(one.close)
		self.addCleanup(other.close)
		self.assertTrue(one.take("a"))
		self.assertFalse(one.take("a"))
		self.assertFalse(other.take("a"))
		one.release("a")
		self.assertTrue(other.take("a"))


class Streams(BridgeTest):
	def test_a_stream_is_read_by_one_at_a_time(self):
		claim = self.store.claim(STREAM, Trigger.CONSOLE)
		with self.assertRaises(StreamBusy) as busy:
			self.another().claim(STREAM, Trigger.CONSOLE)
		self.assertEqual(busy.exception.log, claim.log)
		self.store.finish(claim, Outcome())
		self.another().claim(STREAM, Trigger.CONSOLE)

	def test_a_claim_that_fails_leaves_no_lock_behind(self):
		other = self.another()
		with other.database.transaction():
			other.database.write("DELETE FROM request")
			with self.assertRaises(BatchLost):
				self.store.claim(STREAM, Trigger.CONSOLE)
		other.claim(STREAM, Trigger.CONSOLE)

	def test_a_run_that_was_overtaken_writes_nothing(self):
		claim = self.store.claim(STREAM, Trigger.CONSOLE)
		self.store.locks.close()
		self.another().claim(STREAM, Trigger.CONSOLE)
		with self.assertRaises(Fenced):
			self.store.stage(claim, [punch()], Cursor(position=7))
		self.assertEqual(self.value("SELECT COUNT(*) FROM event"), 0)
		self.assertIsNone(self.store.cursor(STREAM).position)

	def test_rows_and_cursor_are_kept_together_or_not_at_all(self):
		claim = self.store.claim(STREAM, Trigger.CONSOLE)
		broken = Punch("x", Kind.PUNCH, "gate", "1", NOON, NOON, Direction.IN, raw=None)
		with self.assertRaises(AttributeError):
			self.store.stage(claim, [punch(), broken], Cursor(position=7))
		self.assertEqual(self.value("SELECT COUNT(*) FROM event"), 0)
		self.assertIsNone(self.store.cursor(STREAM).position)
		self.assertEqual(self.value("SELECT fetched FROM log"), 0)

	def test_a_cursor_comes_back_as_it_was(self):
		cursor = Cursor(2**70, NOON, NOON, NOON, True, {"nightly": NOON})
		self.store.stage(self.store.claim(STREAM, Trigger.CONSOLE), [], cursor)
		self.assertEqual(self.another().cursor(STREAM), cursor)

	def test_a_run_that_never_ended_is_closed_by_the_next(self):
		claim = self.store.claim(STREAM, Trigger.CONSOLE)
		self.store.close()
		self.store = self.another()
		self.store.claim(STREAM, Trigger.CONSOLE)
		row = self.store.database.rows("SELECT status, error FROM log WHERE id=?", (int(claim.log),))[0]
		self.assertEqual(tuple(row), ("Failed", STOPPED))

	def test_a_database_that_is_kept_busy_loses_the_batch_only(self):
		claim = self.store.claim(STREAM, Trigger.CONSOLE)
		other = self.another()
		with other.database.transaction():
			other.database.write("DELETE FROM request")
			with self.assertRaises(BatchLost):
				self.store.stage(claim, [punch()])
		self.assertEqual(self.store.stage(claim, [punch()]).new, 1)

	def test_a_batch_is_counted_by_what_was_new(self):
		claim = self.store.claim(STREAM, Trigger.CONSOLE)
		self.store.stage(claim, [punch(minute=number) for number in range(3)])
		junk = Punch("j", Kind.JUNK, "gate", "OPLOG", NOON, NOON, Direction.NONE, "row")
		invalid = Punch("i", Kind.INVALID, "", "", None, None, Direction.NONE, "row", problem="three fields")
		counts = self.store.stage(
			claim, [*(punch(minute=number) for number in range(2, 5)), punch(minute=4), junk, invalid]
		)
		self.assertEqual(counts, RunCounts(fetched=6, new=2, known=2, junk=1, invalid=1))
		row = self.store.database.rows("SELECT fetched, new, known, junk, invalid, pending FROM log")[0]
		self.assertEqual(tuple(row), (9, 5, 2, 1, 1, 5))

	def test_text_without_utf8_is_kept(self):
		claim = self.store.claim(STREAM, Trigger.CONSOLE)
		self.store.stage(claim, [punch(raw="half \ud800 of a pair"), punch("\udcff", 1)])
		self.assertEqual(self.value("SELECT raw FROM event WHERE user_id='0031'"), "half \\ud800 of a pair")
		self.assertEqual(self.store.seen({("\udcff", NOON + timedelta(minutes=1))}), 1)

	def test_a_window_counts_different_punches_of_its_unit(self):
		claim = self.store.claim(STREAM, Trigger.CONSOLE)
		self.store.stage(claim, [punch(minute=0), punch(minute=1), punch("7", 1), punch(minute=2)])
		window = Window(NOON, NOON + timedelta(minutes=2))
		self.assertEqual(self.store.staged(STREAM, window), 3)
		self.assertEqual(self.store.staged(Stream("main", "eBioServer", "PLANT", "live"), window), 0)

	def test_logs_of_idle_runs_are_kept_for_a_week(self):
		for days in range(10):
			self.now = datetime(2026, 6, 1 + days, tzinfo=timezone.utc)
			claim = self.store.claim(STREAM, Trigger.CONSOLE)
			self.store.stage(claim, [punch()])
			self.store.finish(claim, Outcome())
		kept = [row[0] for row in self.store.database.rows("SELECT id FROM log ORDER BY id")]
		self.assertEqual(kept, [1, 3, 4, 5, 6, 7, 8, 9, 10], "the first brought a punch")

	def test_one_lane_for_all(self):
		other = self.another()
		with self.store.lane() as mine, other.lane() as theirs:
			self.assertEqual((mine, theirs), (True, False))
		with other.lane() as theirs:
			self.assertTrue(theirs)

	def test_a_lane_that_breaks_leaves_nothing_half_written(self):
		claim = self.store.claim(STREAM, Trigger.CONSOLE)
		self.store.stage(claim, [punch()])
		self.store.employ([Employee("E1", user_id="0031")])
		events = self.store.waiting("", 10)
		decision = decide(
			events, self.store.directory(events, timedelta(0)), Rules(NOON + timedelta(days=1))
		)[0]
		with self.assertRaises(KeyError), self.store.lane():
			self.store.create(decision)
			raise KeyError
		self.assertEqual(self.value("SELECT COUNT(*) FROM checkin"), 0)


class Devices(BridgeTest):
	def test_two_processes_that_meet_the_same_device_make_one(self):
		listed, nameless = DeviceChange(("Gate", "HO"), serial="S1"), DeviceChange(("Door", "HO"), note="?")
		for store in (self.store, self.another()):
			store.change_devices("main", [listed, nameless])
		found = [(device.label, device.serial) for device in self.store.devices("main")]
		self.assertEqual(found, [("Gate", "S1"), ("Door", "")])

	def test_a_placeholder_gets_its_serial(self):
		self.store.change_devices("main", [DeviceChange(("Gate", "HO"), note="?")])
		key = self.store.devices("main")[0].key
		self.store.change_devices("main", [DeviceChange(("Gate 1", "PLANT"), key=key, serial="S1")])
		(device,) = self.store.devices("main")
		self.assertEqual((device.key, device.serial, device.location), (key, "S1", "PLANT"))
		self.assertEqual(device.aliases, (("Gate", "HO"), ("Gate 1", "PLANT")))
		self.assertEqual(self.value("SELECT note FROM device"), "")


class EmployeeList(BridgeTest):
	"""Punches wait until the list has an answer, and no longer."""

	def setUp(self):
		super().setUp()
		self.claim = self.store.claim(STREAM, Trigger.CONSOLE)
		self.store.stage(self.claim, [punch("0031"), punch("7")])

	def reasons_with(self, *employees: Employee) -> list[str]:
		self.store.employ(employees)
		return self.process()

	def test_an_id_that_is_entered_brings_its_punches_back_and_no_others(self):
		self.assertEqual(self.reasons_with(), ["No Employee", "No Employee"])
		self.assertEqual(self.reasons_with(Employee("E1", user_id="0031")), [""])
		self.assertEqual(self.value("SELECT unmapped FROM log"), 1)

	def test_an_id_is_compared_to_the_letter(self):
		self.assertEqual(self.reasons_with(Employee("E1", user_id="31")), ["No Employee", "No Employee"])

	def test_an_id_of_two_people_waits_until_one_has_lost_it(self):
		one, other = Employee("E1", user_id="7"), Employee("E2", user_id="7")
		self.assertIn("Several Employees", self.reasons_with(one, other))
		self.assertEqual(self.reasons_with(one, Employee("E2", user_id="8")), [""])

	def test_a_corrected_date_brings_punches_back(self):
		late = Employee("E1", user_id="7", joined=date(2026, 7, 1))
		self.assertIn("Not Joined Yet", self.reasons_with(late))
		self.assertEqual(self.reasons_with(Employee("E1", user_id="7", joined=date(2026, 1, 1))), [""])

	def test_an_employee_who_is_taken_off_the_list_is_looked_at_again(self):
		left = Employee("E1", user_id="7", status="Left", relieved=date(2026, 1, 1))
		self.assertIn("Left", self.reasons_with(left))
		self.assertEqual(self.reasons_with(), ["No Employee"])

	def test_the_same_list_again_changes_nothing(self):
		employees = [Employee("E1", "Asha", "99", joined=date(2026, 1, 1)), Employee("E2")]
		self.assertEqual(self.store.employ(employees), 2)
		self.process()
		self.assertEqual(self.store.employ(employees), 0)
		self.assertEqual(self.process(), [])

	def test_a_change_while_a_batch_is_decided_is_not_missed(self):
		events = self.store.waiting("", 10)
		directory = self.store.directory(events, timedelta(0))
		self.another().employ([Employee("E1", user_id="7")])
		self.store.mark_decided(decide(events, directory, Rules(NOON + timedelta(days=1))), NOON)
		self.assertEqual(self.process(), [""])

	def test_an_event_has_one_check_in_however_often_it_is_asked_for(self):
		self.store.employ([Employee("E1", user_id="7")])
		events = self.store.waiting("", 10)
		decisions = decide(
			events, self.store.directory(events, timedelta(0)), Rules(NOON + timedelta(days=1))
		)
		decision = next(each for each in decisions if each.creates)
		self.assertEqual(self.store.create(decision), self.store.create(decision))
		self.store.mark_decided([decision], NOON)
		with self.assertRaises(sqlite3.IntegrityError):
			self.store.database.write(
				"INSERT INTO checkin SELECT id + 1, employee, time, log_type, device_id, biometric_event FROM checkin"
			)

	def test_a_batch_of_thousands_is_within_the_limits_of_sqlite(self):
		self.store.stage(self.claim, [punch(str(number), 1) for number in range(3000)])
		self.store.employ([Employee(f"E{number}", user_id=str(number)) for number in range(3000)])
		events = self.store.waiting("", 5000)
		directory = self.store.directory(events, timedelta(hours=1))
		self.assertEqual(sum(map(len, directory.people.values())), 3000)


if __name__ == "__main__":
	unittest.main()
