"""What others send: each punch once, whichever way it comes."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Barrier, Event, Thread
from types import SimpleNamespace
from unittest.mock import patch

import frappe
from frappe.utils import now_datetime
from frappe.utils.background_jobs import create_job_id

from biometric_integration import tasks
from biometric_integration.core.punch import Direction, Kind, Record, Unreadable, fingerprint
from biometric_integration.core.runs import Channel, Trigger
from biometric_integration.core.stream import Stream
from biometric_integration.simulator import World
from biometric_integration.sync import jobs
from biometric_integration.sync.db import locks, sql
from biometric_integration.sync.desk import ask, device_states
from biometric_integration.sync.receiving.contact import note_contact, note_interruption
from biometric_integration.sync.receiving.receive import LONGEST_RAW, receive
from biometric_integration.sync.records import devices, servers, sync_log, times
from biometric_integration.sync.workdays.evidence import Evidence
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import (
	FIRST_DAY,
	PASSWORD,
	SERVER_TYPES,
	SiteTestCase,
	checkins,
	events,
	logs,
	sync,
)
from biometric_integration.tests.queries import queries

NINE = datetime(2025, 4, 7, 9)
MINUTE = timedelta(minutes=1)
BRANCH = {
	"server_id": "branch",
	"server_type": "eTimeTrackLite",
	"label": "Branch",
	"time_zone": "Asia/Dubai",
	"enabled": 0,
}


def record(user_id: str = "1", moment: datetime = NINE, serial: str = "SN1", **values) -> Record:
	return Record(
		user_id, moment, values.pop("direction", Direction.NONE), f"{user_id} {moment}", serial, **values
	)


def statuses(receipt) -> list[str]:
	return [result.status.value for result in receipt.results]


class ReceiveCase(SiteTestCase):
	def setUp(self):
		super().setUp()
		frappe.cache.delete_value("biometric_live")
		factories.settings(server_type="", enabled=0, start_date=FIRST_DAY, more_servers=[])
		self.device = factories.device("SN1", "Main Gate")
		frappe.db.commit()  # nosemgrep -- as a person who saved it

	def assert_logs_add_up(self):
		for log in logs():
			self.assertEqual(log.fetched, log.new + log.known + log.junk + log.invalid, log.name)
			self.assertNotEqual(log.status, "Running")


class Received(ReceiveCase):
	def test_a_punch_is_kept_once_whichever_way_it_comes(self):
		for channel, expected in zip(Channel, ("new", "known", "known", "known"), strict=True):
			self.assertEqual(statuses(receive(channel, [record()])), [expected])
		self.assertEqual([event.name for event in events()], [fingerprint("main", self.device, "1", NINE)])
		self.assert_logs_add_up()

	def test_what_was_received_is_known_to_the_server_that_lists_it_and_the_other_way_round(self):
		world = World(NINE + timedelta(hours=3))
		world.add_device("SN1", "Main Gate")
		for number in range(1, 5):
			world.punch("SN1", str(number), NINE + number * MINUTE, "in")
		for server_type in ("eBioServer", "eTimeTrackLite"):
			with self.subTest(server_type=server_type):
				for doctype in ("Staging Event", "Sync Cursor", "Sync Log", "Device"):
					frappe.db.delete(f"Biometric {doctype}")
				self.device = factories.device("SN1", "Main Gate")
				server = self.start_only(server_type, world)
				rows = [record(str(number), NINE + number * MINUTE) for number in range(1, 4)]
				receive(Channel.PUSH, rows)
				receive(Channel.PUSH, [record("5")])  # on its way to the server still
				for _run in range(2):  # the second one asks whether the ids began again
					self.assertEqual(sync()["status"], "Success")
				self.assertFalse(any(log.error for log in logs()))
				self.assertEqual(len(events()), 5)
				self.assertEqual(len(frappe.get_all("Biometric Device")), 1)
				self.assertEqual(statuses(receive(Channel.API, [record("4", NINE + 4 * MINUTE)])), ["known"])
				server.stop()

	def start_only(self, server_type: str, world: World):
		server = SERVER_TYPES[server_type](world, password=PASSWORD)
		server.start()
		self.addCleanup(server.stop)
		self.settings(server_type, server)
		frappe.db.commit()  # nosemgrep -- as a person who saved it
		return server

	def test_of_rows_that_come_at_once_each_is_kept_once(self):
		rows = [record(str(number), NINE + number * MINUTE) for number in range(50)]
		barrier, site, found, failed = Barrier(4), frappe.local.site, [], []

		def another_worker():
			frappe.init(site=site, force=True)
			frappe.connect()
			try:
				barrier.wait()
				for start in (0, 10, 20):
					found.append(receive(Channel.PUSH, rows[start : start + 30]))
			except Exception as error:
				failed.append(error)
			finally:
				frappe.destroy()

		threads = [Thread(target=another_worker) for _ in range(4)]
		for thread in threads:
			thread.start()
		for thread in threads:
			thread.join()
		frappe.db.rollback()
		self.assertEqual(failed, [])
		self.assertEqual(len(events()), 50)
		self.assertEqual(sum(receipt.counts.new for receipt in found), 50)
		self.assertEqual(sum(status == "new" for receipt in found for status in statuses(receipt)), 50)
		self.assertEqual(sum(log.new for log in logs()), 50)
		self.assertEqual(sum(log.fetched for log in logs()), 4 * 90)
		self.assertLessEqual(len(logs()), 2)  # an hour may just have begun
		self.assert_logs_add_up()

	def test_what_the_database_takes_back_is_done_again(self):
		real, tries = sql.insert_new, []

		def taken_back_once(*arguments):
			if arguments[0] == "Biometric Staging Event" and not tries:
				tries.append(1)
				raise frappe.QueryDeadlockError("Deadlock found")
			return real(*arguments)

		with patch.object(sql, "insert_new", taken_back_once):
			self.assertEqual(statuses(receive(Channel.PUSH, [record(), record("2")])), ["new", "new"])
		self.assertEqual((len(events()), [log.new for log in logs()]), (2, [2]))

	def test_one_row_that_the_database_does_not_take_is_refused_and_the_others_are_kept(self):
		real = sql.insert_new

		def refuses(doctype, fields, rows):
			if any("<bad>" in str(row) or "‹bad›" in str(row) for row in rows):
				raise frappe.db.DataError(1406, "Data too long for column")
			return real(doctype, fields, rows)

		with patch.object(sql, "insert_new", refuses):
			receipt = receive(Channel.PUSH, [record("1"), record("<bad>"), record("2")])
		self.assertEqual(statuses(receipt), ["new", "refused", "new"])
		self.assertEqual({event.device_user_id for event in events()}, {"1", "2"})
		self.assertEqual((receipt.counts.fetched, receipt.counts.new), (2, 2))
		self.assert_logs_add_up()

	def test_what_is_no_fault_of_a_row_is_raised_and_nothing_is_kept(self):
		for error in (
			frappe.ValidationError("of another app"),
			KeyError("x"),
			frappe.db.ProgrammingError(1146),
		):
			with self.subTest(error=error), patch.object(sql, "insert_new", side_effect=error):
				self.assertRaises(type(error), receive, Channel.PUSH, [record(), record("44")])
		self.assertEqual(events(), [])

	def test_rows_of_no_known_device_are_refused_and_make_none(self):
		receipt = receive(
			Channel.API, [record(serial="SN2"), record(serial="sn1"), Unreadable("x", "No time."), record()]
		)
		self.assertEqual(statuses(receipt), ["refused", "refused", "refused", "new"])
		self.assertIn("SN2", receipt.results[0].reason)
		self.assertEqual((len(frappe.get_all("Biometric Device")), len(events())), (1, 1))

	def test_junk_and_unreadable_rows_of_a_device_are_kept_and_counted(self):
		rows = [record("OPLOG 4", kind=Kind.JUNK), Unreadable("0031\tgarbage", "The time cannot be read.")]
		for expected in ("new", "known"):
			self.assertEqual(statuses(receive(Channel.PUSH, [*rows, record()], self.device)), [expected] * 3)
		self.assertEqual(
			sorted((event.status, event.device) for event in events()),
			sorted((status, self.device) for status in ("Ignored", "Failed", "Pending")),
		)
		(log,) = logs()
		counts = (log.fetched, log.new, log.known, log.junk, log.invalid, log.status)
		self.assertEqual(counts, (6, 1, 3, 1, 1, "Partial"))

	def test_the_same_row_twice_in_a_batch_is_new_once(self):
		receipt = receive(Channel.FILE, [record(), record()])
		self.assertEqual(statuses(receipt), ["new", "known"])
		self.assertEqual((receipt.counts.new, receipt.counts.known), (1, 1))

	def test_texts_from_outside_have_bounds_and_can_be_kept(self):
		long = record("9" * 5000)
		odd = record("1\ud800", NINE + MINUTE)._replace(
			raw="<b>\ud800" + "x" * 100_000, verify_mode="v" * 999
		)
		receipt = receive(Channel.API, [long, odd])
		self.assertEqual(statuses(receipt), ["new", "new"])
		kept = frappe.get_all(
			"Biometric Staging Event", fields=["kind", "device_user_id", "raw_payload", "verify_mode"]
		)
		self.assertEqual(sorted(row.kind for row in kept), ["Invalid", "Punch"])
		self.assertLessEqual(max(len(row.raw_payload) for row in kept), LONGEST_RAW + 10)
		self.assertIn("1\\ud800", {row.device_user_id for row in kept})

	def test_more_than_a_batch_is_kept_in_several_transactions(self):
		rows = (record(str(number), NINE + timedelta(seconds=number)) for number in range(2500))
		with patch.object(jobs.transaction, "commit", wraps=jobs.transaction.commit) as commit:
			receipt = receive(Channel.FILE, rows)
		self.assertEqual((receipt.counts.new, commit.call_count), (2500, 3))

	def test_the_caller_may_have_a_log_of_its_own(self):
		stream = Stream("main", "", "import", "file")
		log = sync_log.open_log(stream, Trigger.RECEIVED)
		self.assertEqual(receive(Channel.FILE, [record()], log=log).logs, {log})
		self.assertEqual(
			{event.sync_log for event in frappe.get_all("Biometric Staging Event", ["sync_log"])}, {log}
		)
		self.assertEqual(frappe.db.get_value("Biometric Sync Log", log, ["fetched", "new"]), (1, 1))

	def test_a_log_is_never_given_up_as_abandoned(self):
		receive(Channel.PUSH, [record()])
		jobs.close_abandoned()
		self.assertEqual([log.status for log in logs()], ["Success"])

	def test_what_was_sent_is_not_asked_for_again(self):
		receive(Channel.PUSH, [record()])
		with self.assertRaisesRegex(frappe.ValidationError, "nobody to ask"):
			ask.retry(logs()[0].name)

	def test_the_punches_of_a_disabled_device_wait(self):
		factories.employee("1")
		frappe.db.set_value("Biometric Device", self.device, "enabled", 0)
		self.assertEqual(statuses(receive(Channel.PUSH, [record()])), ["new"])
		jobs.process()
		self.assertEqual([event.reason_code for event in events()], ["Device Disabled"])

	def test_what_was_deleted_as_old_is_not_used_again(self):
		frappe.db.set_single_value("Biometric Sync Settings", "import_floor", "2025-05-01")
		self.addCleanup(frappe.db.set_single_value, "Biometric Sync Settings", "import_floor", None)
		frappe.clear_document_cache("Biometric Sync Settings", "Biometric Sync Settings")
		receive(Channel.FILE, [record()])
		self.assertNotIn("Pending", {event.status for event in events()})

	def test_last_punch_and_the_check_in(self):
		factories.employee("1")
		ahead = now_datetime().replace(microsecond=0) + timedelta(days=1)
		receive(Channel.PUSH, [record(), record(moment=NINE - MINUTE), record(moment=ahead)])
		self.assertEqual(frappe.db.get_value("Biometric Device", self.device, "last_punch"), NINE)
		jobs.process()
		self.assertEqual(checkins(), [("1", NINE - MINUTE), ("1", NINE)])
		self.assertEqual(sum(log.created for log in logs()), 2)


class Homes(ReceiveCase):
	def test_the_time_of_a_punch_is_that_of_the_home_of_its_device(self):
		factories.settings(server_type="", enabled=0, time_zone="", more_servers=[BRANCH])
		key = factories.device("SN2", "Far Gate", server="branch")
		receive(Channel.PUSH, [record(serial="SN2")])
		self.assertEqual(servers.time_zone(devices.homes([key])[key]), "Asia/Dubai")
		(event,) = frappe.get_all("Biometric Staging Event", ["name", "punch_time", "server"])
		self.assertEqual(event.name, fingerprint("branch", key, "1", NINE))
		self.assertEqual((event.punch_time, event.server), (NINE + 90 * MINUTE, "branch"))

	def test_times_are_put_right_by_the_home_of_the_device_whichever_server_reported_it(self):
		factories.settings(
			server_type="eTimeTrackLite", endpoint_url="http://a", api_user="a", more_servers=[BRANCH]
		)
		factories.device("SN2", "Far Gate", server="branch")
		receive(Channel.PUSH, [record(serial="SN2")])
		(name,) = frappe.get_all("Biometric Staging Event", pluck="name")
		frappe.db.set_value("Biometric Staging Event", name, "server", "main")  # read of another server
		self.assertEqual(times.differing(times.of_names([name]), times.derive()), [])

	def test_the_home_of_a_device_with_punches_stays(self):
		factories.settings(server_type="", enabled=0, more_servers=[BRANCH])
		device = frappe.get_doc("Biometric Device", self.device)
		device.server = "branch"
		device.save()  # no punches yet
		device.server = ""
		device.save()
		receive(Channel.PUSH, [record()])
		device.reload()
		device.server = "main"  # the same home, written out
		device.save()
		device.server = "branch"
		with self.assertRaisesRegex(frappe.ValidationError, "known by its server"):
			device.save()

	def test_who_wants_it_read_through_another_server_is_told_what_works(self):
		receive(Channel.PUSH, [record()])
		for server_type, way in (
			("BioTime", "may report it as well"),
			("eTimeTrackLite", "enter a new device with the serial number"),
		):
			with self.subTest(server_type=server_type):
				row = {"server_id": "branch", "server_type": server_type, "enabled": 0}
				factories.settings(server_type="", enabled=0, more_servers=[row])
				device = frappe.get_doc("Biometric Device", self.device)
				device.server = "branch"
				with self.assertRaisesRegex(frappe.ValidationError, way):
					device.save()
		old = frappe.get_doc("Biometric Device", self.device)
		old.update({"serial_number": "", "enabled": 0})
		old.save()
		self.assertEqual(servers.get("branch").unit.value, "device")
		new = factories.device("SN1", "Main Gate there", server="branch")
		self.assertEqual([each.key for each in devices.known_to("branch") if each.serial == "SN1"], [new])

	def test_a_home_that_a_person_wrote_in_another_way_is_the_same(self):
		for written, server in (("Branch", "branch"), (" branch ", "branch"), ("Main", "main"), ("", "main")):
			with self.subTest(written=written):
				frappe.db.set_value("Biometric Device", self.device, "server", written)
				(device,) = devices.known_to(server)
				self.assertTrue(device.is_at_home(server))
				self.assertEqual(device.server, server)  # what the names of its punches were made of
				self.assertEqual(devices.homes([self.device]), {self.device: server})
		receive(Channel.PUSH, [record()])
		frappe.db.set_value("Biometric Device", self.device, "server", "Main")
		device = frappe.get_doc("Biometric Device", self.device)
		device.server = "main"
		device.save()
		self.assertEqual(device.server, "main")


class Live(ReceiveCase):
	@contextmanager
	def queue(self, *there: str):
		"""The names of the jobs that are asked for, where these are queued or running already."""
		asked: list[str] = []

		def enqueue(method, job_id, **options):
			if job_id in there:
				return None
			asked.append(job_id)
			return object()

		with patch.object(jobs.frappe, "enqueue", enqueue):
			yield asked

	def test_new_punches_are_used_at_once(self):
		with self.queue() as asked:
			receive(Channel.PUSH, [record()])
			self.assertEqual(asked, [jobs.PROCESS])
			receive(Channel.PUSH, [record()])  # nothing new
		self.assertEqual(asked, [jobs.PROCESS])

	def test_a_job_that_has_given_the_lane_back_has_another_one_behind_it(self):
		with self.queue(jobs.PROCESS) as asked:
			receive(Channel.PUSH, [record()])
		self.assertEqual(asked, [f"{jobs.PROCESS}-behind"])

	def test_one_that_holds_the_lane_looks_once_more_itself(self):
		site = frappe.local.site
		taken, done = Barrier(2), Barrier(2)

		def holder():
			frappe.init(site=site, force=True)
			frappe.connect()
			locks.take(locks.LANE)
			taken.wait()
			done.wait()
			frappe.destroy()

		thread = Thread(target=holder)
		thread.start()
		taken.wait()
		with self.queue(jobs.PROCESS) as asked:
			receive(Channel.PUSH, [record()])
		done.wait()
		thread.join()
		self.assertEqual(asked, [])

	@contextmanager
	def used_meanwhile(self, needed: Event):
		"""A worker with the job of the hint; `needed`: another job waits for it. Yields what it has said."""
		site, told = frappe.local.site, []

		def work():
			frappe.init(site=site, force=True)
			frappe.connect()
			try:
				told.append(jobs.use())
			except Exception as error:
				told.append(repr(error))
			finally:
				frappe.destroy()

		self.addCleanup(frappe.cache.delete_value, "biometric_live")
		thread = Thread(target=work)
		with patch.object(jobs, "_is_needed", needed.is_set):
			thread.start()
			try:
				yield told
			finally:
				needed.set()
				thread.join(20)

	def until(self, holds) -> None:
		for _look in range(200):
			frappe.db.rollback()  # a fresh view
			if holds():
				return
			time.sleep(0.05)
		self.fail("not in 10 seconds")

	def test_what_comes_next_is_used_by_the_job_that_is_at_it(self):
		factories.employees(["1", "2"])
		frappe.db.commit()  # nosemgrep -- the worker is another connection
		with self.queue(jobs.PROCESS) as asked:
			receive(Channel.PUSH, [record()])
			asked.clear()
			with self.used_meanwhile(Event()) as told:
				self.until(lambda: len(checkins()) == 1)
				for number in (1, 2):
					receive(Channel.PUSH, [record("2", NINE + number * MINUTE)])
					self.until(lambda number=number: len(checkins()) == 1 + number)
			self.assertEqual((asked, told), ([], [3]))

	def test_nobody_waits_for_a_job_that_waits_for_punches(self):
		needed = Event()
		needed.set()
		with self.queue():
			receive(Channel.PUSH, [record()])
		with self.used_meanwhile(needed) as told:
			self.until(lambda: told)
		self.assertEqual(told, [1])
		self.assertFalse(locks.taken(jobs.LIVE))

	def test_a_job_of_a_file_or_a_pull_waits_for_nothing(self):
		with self.queue():
			receive(Channel.FILE, [record()])
		with self.used_meanwhile(Event()) as told:
			self.until(lambda: told)
		self.assertEqual(told, [1])

	def test_what_is_left_to_it_at_its_very_end_is_used(self):
		with self.queue():
			receive(Channel.PUSH, [record()])

		def come_meanwhile(_in_time):
			receive(Channel.PUSH, [record("2")])
			return 0

		with self.queue(jobs.PROCESS) as asked, patch.object(jobs, "_use_what_comes", come_meanwhile):
			self.assertEqual(jobs.use(), 2)
		self.assertEqual(asked, [])
		frappe.cache.delete_value("biometric_live")

	def test_all_of_it_has_the_time_of_one_job(self):
		asked: list[object] = []

		def process(in_time=None):
			asked.append(in_time)
			return 0

		always = {
			"_is_live": lambda: True,
			"anything_waits": lambda: True,
			"_use_what_comes": lambda _time: 0,
		}
		with patch.multiple(jobs, process=process, **always):
			jobs.use()
		before, after = asked
		self.assertIsNotNone(before)
		self.assertIs(before, after)

	def test_jobs_that_do_the_same_are_not_waited_for(self):
		found = {
			"short": [],
			"default": [],
			"long": [create_job_id(jobs.BEHIND), create_job_id(jobs.PROCESS)],
		}
		with patch.object(jobs, "get_queue", lambda name: SimpleNamespace(job_ids=found.get(name, []))):
			self.assertFalse(jobs._is_needed())
			found["short"].append("another.localhost::biometric-process")
			self.assertTrue(jobs._is_needed())


class Contacts(ReceiveCase):
	CLOSE = datetime(2025, 4, 7, 19)

	def heard_of(self, start: datetime, minutes: int, every: int = 5):
		for minute in range(0, minutes + 1, every):
			note_contact(self.device, start + minute * MINUTE)

	def proves(self, now: datetime) -> bool:
		(heard,) = Evidence(now).heard({self.device}, self.CLOSE.date())
		return heard.proves(self.CLOSE)

	def test_contact_after_the_close_proves_what_came_before_it(self):
		self.heard_of(self.CLOSE - 65 * MINUTE, 65)
		self.assertFalse(self.proves(self.CLOSE + MINUTE))
		note_contact(self.device, self.CLOSE + MINUTE)
		self.assertTrue(self.proves(self.CLOSE + 2 * MINUTE))
		evidence = Evidence(self.CLOSE + 2 * MINUTE)
		self.assertEqual(evidence.read_until({self.device}), self.CLOSE + MINUTE)

	def test_contact_that_began_after_the_close_has_to_last(self):
		begin = self.CLOSE + 30 * MINUTE
		self.heard_of(begin, 55)
		self.assertFalse(self.proves(begin + 56 * MINUTE))
		note_contact(self.device, begin + 60 * MINUTE)
		self.assertTrue(self.proves(begin + 61 * MINUTE))

	def test_what_was_not_acknowledged_is_waited_for(self):
		self.heard_of(self.CLOSE - 65 * MINUTE, 60)
		note_interruption(self.device, self.CLOSE - MINUTE)
		self.heard_of(self.CLOSE, 55)
		self.assertFalse(self.proves(self.CLOSE + 56 * MINUTE))
		self.heard_of(self.CLOSE + 55 * MINUTE, 10)
		self.assertTrue(self.proves(self.CLOSE + 66 * MINUTE))

	def test_one_that_has_fallen_silent_is_waited_for_a_day_and_proves_nothing(self):
		self.heard_of(self.CLOSE - 90 * MINUTE, 70)
		later = self.CLOSE + timedelta(days=2)
		self.assertLess(Evidence(self.CLOSE + 60 * MINUTE).read_until({self.device}), self.CLOSE)
		self.assertEqual(Evidence(later).read_until({self.device}), later - timedelta(days=1))
		self.assertFalse(self.proves(later))

	def test_a_device_is_written_once_a_minute(self):
		note_contact(self.device, NINE)
		before = queries()
		for second in range(1, 60):
			note_contact(self.device, NINE + timedelta(seconds=second))
		self.assertLessEqual(queries() - before, 59 + 1, "and the counting itself")
		fields = ["last_contact", "contact_since"]
		self.assertEqual(frappe.db.get_value("Biometric Device", self.device, fields), (NINE, NINE))
		note_contact(self.device, NINE + MINUTE)
		self.assertEqual(frappe.db.get_value("Biometric Device", self.device, "last_contact"), NINE + MINUTE)
		note_contact("nobody", NINE)

	def test_a_device_that_pushes_is_in_use_without_any_server(self):
		self.assertFalse(servers.is_in_use())
		note_contact(self.device)
		self.assertTrue(servers.is_in_use())
		self.assertEqual(device_states.states(self.device)[self.device]["state"], "never")
		receive(Channel.PUSH, [record(moment=now_datetime().replace(microsecond=0) - MINUTE)])
		self.assertEqual(device_states.states(self.device)[self.device]["state"], "active")

	def test_the_minute_is_for_sites_without_a_server_as_well(self):
		with patch.object(jobs, "enqueue_process") as process, patch.object(jobs, "enqueue_workdays"):
			tasks.sync_due()
		process.assert_called_once()
