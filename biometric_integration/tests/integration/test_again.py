"""Reading again, deciding again, and tidying up."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timedelta
from unittest.mock import patch

import frappe
from frappe.utils.background_jobs import is_job_enqueued

from biometric_integration import api
from biometric_integration.core.runs import Trigger
from biometric_integration.core.stream import Stream
from biometric_integration.simulator import Fault, FaultKind, World
from biometric_integration.sync import jobs, retention
from biometric_integration.sync.desk import period
from biometric_integration.sync.records import periods, servers
from biometric_integration.sync.store import PullStore
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import (
	FIRST_DAY,
	SERVER_TYPES,
	SiteTestCase,
	checkins,
	events,
	logs,
	sync,
)

NOON = datetime(2025, 4, 10, 12)
DAY = timedelta(days=1)


@contextmanager
def reading_elsewhere(stream: Stream):
	"""Another connection has taken the stream."""
	mine = frappe.local.db
	frappe.connect(set_admin_as_user=False)
	theirs = frappe.local.db
	try:
		PullStore().claim(stream, Trigger.MANUAL)
		frappe.local.db = mine
		yield
	finally:
		frappe.local.db = mine
		theirs.close()


class TestAgain(SiteTestCase):
	def office(self, server_type: str = "eTimeTrackLite", **options):
		world = World(now=NOON, zone="Asia/Kolkata")
		world.add_device("SN1", "Gate")
		factories.employees(["1", "2"])
		return world, self.start(server_type, world, **options)

	def test_retry_reads_exactly_the_window_of_a_run_and_names_it(self):
		world, server = self.office()
		world.punch("SN1", "1", NOON - 2 * DAY)
		server.faults.add(Fault(FaultKind.HTTP_500_FAULT, times=None))
		sync()
		failed = logs()[0]
		self.assertEqual(failed.status, "Failed")
		server.faults.clear()
		jobs.retry(failed.name)
		repeated = logs(retried_from=failed.name)[0]
		self.assertEqual((repeated.status, repeated.trigger, repeated.new), ("Success", "Retry", 1))
		self.assertEqual((repeated.window_from, repeated.window_to), (failed.window_from, failed.window_to))
		self.assertEqual(checkins(), [("1", NOON - 2 * DAY)])

	def test_only_a_run_that_has_ended_is_repeated(self):
		self.office()
		sync()
		log = logs()[0].name
		frappe.db.set_value("Biometric Sync Log", log, "status", "Running")
		with self.assertRaises(frappe.ValidationError):
			api.retry(log)

	def stopped_period(self, first, moment: datetime) -> str:
		"""The log of a run of a period that was stopped before the request that begins then."""
		name = api.sync_period(str(first), str(NOON.date()), server="main")["name"]
		note = periods.note

		def stop(its, part, status, read_to, *rest, **values):
			if read_to and read_to >= moment:
				periods.stop(name)
			return note(its, part, status, read_to, *rest, **values)

		with patch.object(periods, "note", stop):
			period.read(name)
		return logs(trigger="Period")[0].name

	def test_a_period_counted_first_keeps_nothing_and_then_finds_as_much(self):
		for server_type in SERVER_TYPES:
			with self.subTest(server_type):
				self.setUp()
				world, server = self.office(server_type)
				self.settings(server_type, server, start_date=NOON.date())
				sync()
				world.punch("SN1", "1", NOON - 2 * DAY, received=NOON)
				world.punch("SN1", "2", NOON - 9 * DAY, received=NOON)
				before = len(events())
				days = {
					"from_date": str((NOON - 3 * DAY).date()),
					"to_date": str(NOON.date()),
					"server": "main",
				}
				counted = api.sync_period(**days, dry_run=1)["name"]
				period.read(counted)
				self.assertEqual(api.period_state(counted)["counts"]["new"], 1)
				self.assertEqual(len(events()), before)
				self.settings(server_type, server, start_date=FIRST_DAY)
				read = api.sync_period(**days)["name"]
				period.read(read)
				state = api.period_state(read)
				self.assertEqual((state["running"], state["counts"]["new"]), (False, 1), state)
				self.assertEqual(checkins(), [("1", NOON - 2 * DAY)])

	def test_a_retry_reads_the_rest_of_a_stopped_period(self):
		for server_type in SERVER_TYPES:
			with self.subTest(server_type):
				self.setUp()
				world, server = self.office(server_type)
				for number in range(7):
					world.punch("SN1", "1", NOON - number * 10 * DAY)
				first = (NOON - 65 * DAY).date()
				self.settings(server_type, server, start_date=first)
				stopped_at = (NOON - 40 * DAY).replace(hour=0)
				log = self.stopped_period(first, stopped_at)
				of = frappe.get_doc("Biometric Sync Log", log)
				self.assertEqual((of.status, of.window_to.date()), ("Partial", NOON.date() + DAY))
				self.assertIn("Administrator", of.error)
				before, left = len(checkins()), of.read_to
				self.assertTrue(before < 7 and left < of.window_to, of.as_dict())
				jobs.retry(log)
				(again,) = logs(retried_from=log)
				self.assertEqual((again.window_from, again.status), (left, "Success"))
				self.assertEqual(len(checkins()), 7, "from where it stopped, to the last day")
				frappe.db.set_value(
					"Biometric Sync Log", again.name, {"read_to": left + 3 * DAY, "status": "Partial"}
				)
				jobs.retry(again.name)
				(third,) = logs(retried_from=again.name)
				self.assertEqual(third.window_from, left + 3 * DAY, "so does the retry of a retry")

	def test_a_retry_waits_behind_whoever_reads_its_stream_and_then_reads_its_own_window(self):
		world, server = self.office()
		server.faults.add(Fault(FaultKind.HTTP_500_FAULT, times=None))
		sync()
		failed = logs()[0]
		server.faults.clear()
		world.punch("SN1", "1", NOON - 2 * DAY)
		with reading_elsewhere(Stream("main", "eTimeTrackLite", "SN1", "punches")):
			self.assertIn("waits", api.retry(failed.name)["message"])
			with patch.object(jobs, "BUSY_TRIES", 1), patch.object(jobs, "BUSY_PAUSE", 0):
				jobs.retry(failed.name)
		self.assertFalse(logs(retried_from=failed.name))
		self.assertTrue(is_job_enqueued(f"biometric-retry-{failed.name}-1"))
		jobs.retry(failed.name, 1)
		(repeated,) = logs(retried_from=failed.name)
		self.assertEqual((repeated.window_from, repeated.window_to), (failed.window_from, failed.window_to))
		self.assertEqual(checkins(), [("1", NOON - 2 * DAY)])

	def test_a_retry_that_there_was_no_time_for_is_asked_for_again(self):
		world, _server = self.office("eBioServer")
		for number in range(3):
			world.punch("SN1", "1", NOON - number * DAY)
		log = self.stopped_period(FIRST_DAY, datetime.min)
		with patch.object(jobs, "BUDGET", 0):
			jobs.retry(log)
		(cut,) = logs(retried_from=log)
		self.assertEqual((cut.status, cut.fetched), ("Partial", 0))
		self.assertFalse(is_job_enqueued(f"biometric-retry-{cut.name}-0"), "nothing was read: not for ever")
		reading = iter([True, True])
		with patch.object(jobs, "budget", lambda: lambda: next(reading, False)):
			jobs.retry(log)
		cut = logs(retried_from=log)[-1]
		self.assertTrue(cut.window_from < cut.read_to < cut.window_to, cut)
		self.assertTrue(is_job_enqueued(f"biometric-retry-{cut.name}-0"))
		jobs.retry(cut.name)
		self.assertEqual(len(checkins()), 3)

	def test_a_quarantined_punch_is_used_with_the_time_a_person_gives_and_says_who(self):
		world, _server = self.office("eBioServer")
		ahead = datetime(2099, 1, 1, 9)
		world.punch("SN1", "1", ahead, received=NOON)
		sync()
		event = events(device_user_id="1")[0]
		frappe.db.set_value("Biometric Staging Event", event.name, "creation", NOON)
		self.assertEqual((event.status, event.reason_code), ("Quarantined", "Future Time"))
		with self.assertRaises(frappe.ValidationError):
			api.release(event.name, "2098-01-01 09:00:00")
		api.release(event.name, "2025-04-10 09:00:00")
		jobs.process()
		self.assertEqual(checkins(), [("1", datetime(2025, 4, 10, 9))])
		kept = frappe.get_doc("Biometric Staging Event", event.name)
		self.assertEqual((kept.source_time, kept.released_by), (ahead, "Administrator"))
		with self.assertRaises(frappe.ValidationError):
			api.release(event.name, "2025-04-10 10:00:00")

	def test_reprocess_looks_again_at_everything_but_what_is_done(self):
		world, _server = self.office()
		world.punch("SN1", "1", NOON - DAY)
		world.punch("SN1", "2", NOON - DAY)
		sync()
		done, deleted = events()
		frappe.delete_doc("Employee Checkin", deleted.employee_checkin)
		self.assertEqual(api.reprocess(frappe.as_json([done.name, deleted.name])), {"count": 1})
		jobs.process()
		self.assertEqual(len(checkins()), 2)
		self.assertEqual({event.status for event in events()}, {"Processed"})

	def test_a_server_that_says_nothing_but_error_for_half_an_hour_refuses_the_login(self):
		_world, server = self.office("eBioServer")
		server.user = "somebody else"
		classes = []
		for _ in range(3):
			sync()
			classes.append(servers.state("main").error_class)
			long_ago = frappe.utils.now_datetime() - timedelta(minutes=31)
			frappe.db.set_value("Biometric Server State", "main", "first_failure", long_ago)
		self.assertEqual(classes, ["Transient", "Transient", "Authentication"])
		self.assertGreater(
			servers.state("main").next_attempt, frappe.utils.now_datetime() + timedelta(minutes=55)
		)
		server.user = "api"
		sync()
		self.assertEqual((servers.state("main").failures, servers.state("main").next_attempt), (0, None))

	def test_one_device_that_fails_waits_alone(self):
		world, _server = self.office(unknown_serial_text="Invalid serial number")
		factories.device("SN2", "Back door")
		world.punch("SN1", "1", NOON - DAY)
		sync()
		self.assertEqual(
			{log.unit: log.status for log in logs()},
			{"SN1": "Success", "SN2": "Failed"},
			[log.error for log in logs()],
		)
		later = frappe.utils.now_datetime() + timedelta(minutes=5)
		self.assertEqual([set(units) for _server, units in servers.due(later)], [{"SN1", "SN2"}])
		half_an_hour = timedelta(minutes=30)
		frappe.db.set_value("Biometric Sync Cursor", {"unit": "SN2"}, "next_attempt", later + half_an_hour)
		self.assertEqual([units for _server, units in servers.due(later)], [["SN1"]])

	def test_stamps_of_a_clock_that_was_ahead_keep_nothing_from_being_read(self):
		world, _server = self.office()
		world.punch("SN1", "1", NOON - DAY)
		sync()
		now = frappe.utils.now_datetime()
		for ahead in (timedelta(hours=1), DAY, 400 * DAY):
			stamps = {"last_run": now + ahead, "next_attempt": now + 2 * ahead}
			frappe.db.set_value("Biometric Sync Cursor", {"unit": "SN1"}, stamps)
			frappe.db.set_value("Biometric Server State", "main", "next_attempt", now + 2 * ahead)
			self.assertEqual([units for _server, units in servers.due(now)], [["SN1"]])


class TestRetention(SiteTestCase):
	def used_and_waiting(self) -> None:
		"""Two punches of seven days ago: one used, one of nobody."""
		world = World(now=NOON, zone="Asia/Kolkata")
		world.add_device("SN1", "Gate")
		factories.employees(["1"])
		self.server = self.start("eTimeTrackLite", world)
		world.punch("SN1", "1", NOON - DAY)
		world.punch("SN1", "nobody", NOON - DAY)
		sync()

	def test_payloads_of_final_events_are_emptied_and_the_row_stays(self):
		self.used_and_waiting()
		retention.empty_payloads(frappe.utils.now_datetime() + DAY)
		payloads = frappe.get_all("Biometric Staging Event", ["device_user_id", "raw_payload"], as_list=True)
		self.assertEqual(dict(payloads)["1"], "")
		self.assertIn("nobody", dict(payloads)["nobody"])
		sync()
		self.assertEqual(len(checkins()), 1, "the tombstone keeps it from coming twice")

	def test_an_id_that_nobody_enters_is_given_up_with_a_reason_and_can_be_brought_back(self):
		self.used_and_waiting()
		retention.expire_unmapped(frappe.utils.now_datetime() + DAY, 180)
		event = events(device_user_id="nobody")[0]
		self.assertEqual((event.status, event.reason_code), ("Ignored", "Expired"))
		self.assertIn("180 days", event.reason)
		api.reprocess(frappe.as_json([event.name]))
		jobs.process()
		self.assertEqual(events(device_user_id="nobody")[0].status, "Unmapped")

	def test_real_deletion_moves_the_import_floor_and_never_touches_what_waits(self):
		self.used_and_waiting()
		retention.delete_events(NOON.date())
		self.assertEqual([event.device_user_id for event in events()], ["nobody"])
		frappe.db.delete("Biometric Sync Cursor")
		sync()
		self.assertEqual(len(checkins()), 1)
		self.assertEqual([event.device_user_id for event in events()], ["nobody"], "not asked for again")

	def test_idle_scheduled_runs_are_kept_for_a_short_time_only(self):
		self.used_and_waiting()
		jobs.pull_server("main")
		self.assertEqual([log.trigger for log in logs()], ["Console", "Scheduled"])
		retention.delete_idle_logs(frappe.utils.now_datetime() + DAY)
		self.assertEqual([log.trigger for log in logs()], ["Console"])

	def test_old_logs_go_and_their_punches_stay(self):
		self.used_and_waiting()
		frappe.db.set_value("Biometric Sync Log", logs()[0].name, "started_at", "2020-01-01")
		frappe.get_meta("Biometric Sync Log")
		frappe.get_doc("Biometric Sync Log", logs()[0].name).clear_old_logs(90)
		self.assertEqual((logs(), len(events())), ([], 2))
		jobs.process()
		self.assertEqual(len(checkins()), 1)
