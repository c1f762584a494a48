"""Sync a Period: what is left to read stands in the database, so that it goes on whatever happens to the worker, and ends where a person says so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import date, datetime, timedelta
from unittest.mock import patch

import frappe
from frappe.utils.background_jobs import get_job, is_job_enqueued

from biometric_integration import api, tasks
from biometric_integration.core.stream import Stream
from biometric_integration.simulator import Fault, FaultKind, World
from biometric_integration.sync import jobs, retention
from biometric_integration.sync.desk import period
from biometric_integration.sync.records import periods, servers
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import (
	SERVER_TYPES,
	SiteTestCase,
	checkins,
	events,
	logs,
)
from biometric_integration.tests.integration.test_again import reading_elsewhere

NOON = datetime(2025, 4, 10, 12)
DAY = timedelta(days=1)
FIRST, LAST = date(2025, 1, 1), date(2025, 4, 9)
DAYS = 99
DOCTYPE, STREAM = "Biometric Sync Period", "Biometric Sync Period Stream"
WORKER = """
import frappe
frappe.init(site={site!r}, sites_path={sites!r})
frappe.connect()
from biometric_integration.sync.desk import period
period.read({name!r})
"""


class Killed(BaseException):
	"""A worker that is gone without a word."""


class PeriodTestCase(SiteTestCase):
	def office(self, devices: int = 3, server_type: str = "eTimeTrackLite", **options):
		"""Read since 10 April; each device has a punch a month that is older."""
		world = World(now=NOON, zone="Asia/Kolkata")
		for number in range(1, devices + 1):
			serial = f"SN{number}"
			world.add_device(serial, serial)
			for month in range(1, 5):
				world.punch(serial, str(number), datetime(2025, month, 5, 9))
		factories.employees([str(number) for number in range(1, devices + 1)])
		server = self.start(server_type, world, **options)
		self.settings(server_type, server, start_date=FIRST)
		return world, server

	def begin(self, **values) -> str:
		return api.sync_period(str(FIRST), str(LAST), **{"server": "main", **values})["name"]

	def of(self, name: str) -> dict[str, str]:
		return {part.unit: part.status for part in periods.get(name).parts}

	def killed_at(self, name: str, unit: str, moment: datetime) -> None:
		"""The worker is gone before the request of a unit that begins at this moment or later."""
		note = periods.note

		def kill(its, part, status, read_to, *rest, **values):
			if part.unit == unit and read_to and read_to >= moment:
				raise Killed()
			return note(its, part, status, read_to, *rest, **values)

		with patch.object(periods, "note", kill), self.assertRaises(Killed):
			period.read(name)
		frappe.db.rollback()
		frappe.db.sql("SELECT RELEASE_ALL_LOCKS()")  # as with its connection


class TestWhatIsLeft(PeriodTestCase):
	def test_it_is_read_to_the_end_and_what_came_is_used(self):
		for server_type in SERVER_TYPES:
			with self.subTest(server_type):
				self.setUp()
				self.office(server_type=server_type)
				name = self.begin()
				before = api.period_state(name)
				self.assertEqual(before["days_left"], before["days"])
				self.assertIn("Waits", before["waits"])
				period.read(name)
				state = api.period_state(name)
				self.assertEqual(
					(state["status"], state["days_left"], state["counts"]["new"]), ("Finished", 0, 12)
				)
				self.assertIn("12 new punches", state["headline"])
				self.assertEqual(len(checkins()), 12)
				self.assertEqual({log.sync_period for log in logs(trigger="Period")}, {name})

	def test_what_is_left_is_known_after_a_kill_without_the_cache_and_the_tick_goes_on(self):
		_world, server = self.office()
		self.settings("eTimeTrackLite", server, start_date=FIRST, requests_at_once=1)
		name = self.begin()
		self.killed_at(name, "SN2", datetime(2025, 3, 1))
		frappe.cache.flushdb()
		state = api.period_state(name)
		self.assertEqual((state["status"], state["running"]), ("Reading", True))
		left = {part.unit: part.days_left for part in periods.get(name).parts}
		self.assertEqual((left["SN1"], left["SN3"]), (0, DAYS))
		self.assertTrue(40 <= left["SN2"] <= 47, left)
		self.assertEqual(state["days_left"], sum(left.values()))
		requests = len(server.requests)
		with patch("frappe.enqueue") as enqueue:
			tasks.sync_due()
		(asked,) = [call.kwargs for call in enqueue.call_args_list if call.args[0] == period.READ]
		self.assertEqual(asked["name"], name)
		period.read(name)
		self.assertEqual(api.period_state(name)["status"], "Finished")
		self.assertEqual(len(checkins()), 12)
		self.assertEqual(set(self.of(name).values()), {"Read"})
		self.assertLess(len(server.requests) - requests, 1.6 * requests, "SN1 is not read again")

	def test_a_worker_that_is_killed_with_the_signal_loses_nothing(self):
		_world, server = self.office(devices=2)
		name = self.begin()
		server.faults.add(Fault(FaultKind.HANG, times=None, seconds=0.2))
		code = WORKER.format(
			site=frappe.local.site, sites=os.path.abspath(frappe.local.sites_path), name=name
		)
		worker = subprocess.Popen([sys.executable, "-c", code], cwd=os.path.abspath(frappe.local.sites_path))
		try:
			self.wait_for(lambda: frappe.db.exists(STREAM, {"parent": name, "read_to": (">", "2025-02-01")}))
		finally:
			worker.send_signal(signal.SIGKILL)
			worker.wait()
		server.faults.clear()
		self.wait_for(lambda: not locks_taken(name))
		self.assertEqual(api.period_state(name)["status"], "Reading")
		period.read(name)
		self.assertEqual(api.period_state(name)["status"], "Finished")
		self.assertEqual(len(checkins()), 8)
		self.assertEqual(api.period_state(name)["counts"]["new"], 8, "what the killed one brought is counted")

	def wait_for(self, happened) -> None:
		for _attempt in range(150):
			frappe.db.rollback()
			if happened():
				return
			time.sleep(0.2)
		self.fail("it did not happen")

	def test_a_job_that_only_seems_to_run_keeps_nobody_from_going_on(self):
		self.office(devices=1)
		name = self.begin()
		get_job(f"biometric-period-{name}-0").set_status(
			"started"
		)  # which a killed worker does not take back
		period.go_on()
		self.assertTrue(is_job_enqueued(f"biometric-period-{name}-1"))

	def test_only_the_stream_that_ended_is_counted_and_by_an_index(self):
		self.office()
		name = self.begin()
		with patch.object(frappe.db, "set_value", wraps=frappe.db.set_value) as written:
			period.read(name)
		counted = [
			call for call in written.call_args_list if call.args[0] == STREAM and "fetched" in call.args[2]
		]
		self.assertEqual(len(counted), 3)
		plan = frappe.db.sql(
			"EXPLAIN SELECT 1 FROM `tabBiometric Sync Log` WHERE sync_period=%s AND stream='x'",
			name,
			as_dict=True,
		)
		self.assertIn("sync_period_stream_index", plan[0].possible_keys or "")

	def test_a_job_has_its_time_and_the_next_one_goes_on(self):
		self.office()
		name = self.begin()
		with patch.object(period, "BUDGET", 0), patch("frappe.enqueue") as enqueue:
			period.read(name)
		self.assertEqual(enqueue.call_args.kwargs["turn"], 1, "behind whoever waits")
		self.assertEqual(api.period_state(name)["days_left"], 3 * DAYS)
		watched = iter([True] * 8)
		with patch.object(jobs, "budget", lambda seconds=None: lambda: next(watched, False)):
			period.read(name)
		state = api.period_state(name)
		self.assertEqual(state["status"], "Reading")
		self.assertTrue(0 < state["days_left"] < 3 * DAYS, state)
		period.read(name, 1)
		self.assertEqual((api.period_state(name)["status"], len(checkins())), ("Finished", 12))


class TestStop(PeriodTestCase):
	def test_stop_ends_it_before_the_next_request_and_resume_goes_on_from_there(self):
		_world, server = self.office()
		name = self.begin()
		note, asked = periods.note, []

		def stop_at_the_third(its, part, status, read_to, *rest, **values):
			asked.append(part.unit)
			if len(asked) == 3:
				api.stop_period(name)
			return note(its, part, status, read_to, *rest, **values)

		with patch.object(periods, "note", stop_at_the_third):
			period.read(name)
		requests = len(server.requests)
		self.assertLessEqual(requests, 3)
		state = api.period_state(name)
		self.assertEqual((state["status"], state["stopped_by"]), ("Stopped", "Administrator"))
		self.assertIn("Stopped by Administrator", state["headline"])
		period.read(name)
		with patch("frappe.enqueue") as enqueue:
			tasks.sync_due()
		self.assertNotIn(period.READ, [call.args[0] for call in enqueue.call_args_list])
		self.assertEqual(len(server.requests), requests, "nobody goes on with it")
		api.resume_period(name)
		period.read(name)
		self.assertEqual((api.period_state(name)["status"], len(checkins())), ("Finished", 12))

	def test_who_asks_for_the_same_again_is_shown_what_is_there(self):
		self.office()
		name = self.begin()
		self.assertEqual(self.begin(), name)
		self.assertNotEqual(self.begin(dry_run=1), name)
		self.assertNotEqual(self.begin(device="SN1", server=None), name)
		api.stop_period(name)
		self.assertEqual(self.begin(), name)
		self.assertEqual(api.period_state(name)["status"], "Reading", "it is resumed")
		period.read(name)
		self.assertNotEqual(self.begin(), name, "what is finished is read once more")


class TestTrouble(PeriodTestCase):
	def test_a_dead_device_among_many_is_named_and_tried_again_by_resume(self):
		world, server = self.office(unknown_serial_text="Invalid serial number")
		factories.device("GONE", "Back Door")
		name = self.begin()
		period.read(name)
		self.assertEqual(self.of(name), {"SN1": "Read", "SN2": "Read", "SN3": "Read", "GONE": "Failed"})
		state = api.period_state(name)
		self.assertEqual((state["status"], state["troubled"], len(checkins())), ("Incomplete", 1, 12))
		self.assertIn("1 of 4 had a problem", state["headline"])
		self.assertIn("GONE", state["troubles"][0]["stream"])
		self.assertTrue(state["troubles"][0]["error"])
		requests = len(server.requests)
		world.add_device("GONE", "Back Door")
		world.punch("GONE", "1", datetime(2025, 2, 7, 9))
		api.resume_period(name)
		period.read(name)
		self.assertEqual((api.period_state(name)["status"], len(checkins())), ("Finished", 13))
		self.assertLess(len(server.requests) - requests, 30, "the others are not read again")

	def test_a_server_that_is_down_is_waited_for(self):
		_world, server = self.office()
		name = self.begin()
		self.killed_at(name, "SN1", datetime(2025, 2, 1))
		port = server.port
		server.stop()
		period.read(name)
		state = api.period_state(name)
		self.assertEqual((state["status"], set(self.of(name).values())), ("Reading", {"Waiting"}))
		self.assertIn("next attempt", state["waits"])
		with patch("frappe.enqueue") as enqueue:
			period.go_on()
		self.assertFalse(enqueue.called, "as long as the server rests")
		frappe.db.set_value("Biometric Server State", "main", "next_attempt", None)
		with type(server)(server.world, password=servers.get("main").config.password, port=port):
			period.read(name)
		self.assertEqual((api.period_state(name)["status"], len(checkins())), ("Finished", 12))

	def test_a_stream_that_somebody_reads_waits_and_delays_no_other(self):
		self.office()
		name = self.begin()
		with reading_elsewhere(Stream("main", "eTimeTrackLite", "SN2", "punches")):
			period.read(name)
			self.assertEqual(self.of(name), {"SN1": "Read", "SN2": "Waiting", "SN3": "Read"})
		period.read(name)
		self.assertEqual(api.period_state(name)["status"], "Finished")

	def test_a_hole_that_a_cut_job_passed_is_not_forgotten(self):
		_world, server = self.office(devices=1)
		name = self.begin()
		server.faults.add(Fault(FaultKind.TRUNCATED, times=None))
		period.read(name)
		state = api.period_state(name)
		self.assertEqual(state["status"], "Incomplete", state)
		server.faults.clear()
		api.resume_period(name)
		period.read(name)
		self.assertEqual((api.period_state(name)["status"], len(checkins())), ("Finished", 4))

	def test_a_server_that_cannot_be_asked_says_so_at_once(self):
		self.office()
		frappe.db.sql(
			"UPDATE `__Auth` SET `password`='gAAAAA-of-another-key' WHERE `doctype`=%s", servers.SETTINGS
		)
		frappe.clear_document_cache(servers.SETTINGS, servers.SETTINGS)
		with self.assertRaisesRegex(frappe.ValidationError, "Enter it again"):
			self.begin()
		self.assertFalse(frappe.get_all(DOCTYPE))

	def test_a_server_that_is_not_in_the_settings_any_more_ends_it_with_a_sentence(self):
		_world, server = self.office(devices=1)
		name = self.begin()
		self.settings("eBioServer", server)
		period.read(name)
		state = api.period_state(name)
		self.assertEqual(state["status"], "Incomplete")
		self.assertIn("another type", state["troubles"][0]["error"])


class TestOnlyCount(PeriodTestCase):
	def test_nothing_is_kept_and_it_goes_on_where_it_was_killed(self):
		for server_type in SERVER_TYPES:
			with self.subTest(server_type):
				self.setUp()
				self.office(server_type=server_type)
				name = self.begin(dry_run=1)
				unit = periods.get(name).parts[-1].unit
				self.killed_at(name, unit, datetime(2025, 3, 1))
				self.assertLess(api.period_state(name)["counts"]["new"], 12)
				period.read(name)
				state = api.period_state(name)
				self.assertEqual((state["status"], state["counts"]["new"]), ("Finished", 12))
				self.assertIn("12 punches would be new", state["headline"])
				self.assertEqual((events(), logs()), ([], []))

	def test_a_server_that_refuses_the_login_is_not_asked_each_minute(self):
		_world, server = self.office(devices=1)
		name = self.begin(dry_run=1)
		right = server.password
		server.password = "changed meanwhile"
		for fault in ("the login is refused", "there is no password that can be read"):
			with self.subTest(fault):
				frappe.db.set_value("Biometric Server State", "main", "next_attempt", None)
				period.read(name)
				state = api.period_state(name)
				self.assertEqual((state["status"], state["running"]), ("Reading", True))
				self.assertIn("next attempt", state["waits"])
				with patch("frappe.enqueue") as enqueue:
					period.go_on()
				self.assertFalse(enqueue.called)
				server.password = right
				self.break_password()

	def break_password(self) -> None:
		frappe.db.sql(
			"UPDATE `__Auth` SET `password`='gAAAAA-of-another-key' WHERE `doctype`=%s", servers.SETTINGS
		)
		frappe.clear_document_cache(servers.SETTINGS, servers.SETTINGS)

	def test_a_dead_device_delays_no_other_and_stop_ends_it(self):
		self.office(unknown_serial_text="Invalid serial number")
		factories.device("A-GONE", "Back Door")
		name = self.begin(dry_run=1)
		period.read(name)
		state = api.period_state(name)
		self.assertEqual((state["status"], state["troubled"], state["counts"]["new"]), ("Incomplete", 1, 12))
		api.resume_period(name)
		api.stop_period(name)
		period.read(name)
		self.assertEqual(api.period_state(name)["status"], "Stopped")


class TestWhoMay(PeriodTestCase):
	def test_who_syncs_sees_it_and_who_sets_up_stops_it(self):
		self.office(devices=1)
		name = self.begin()
		self.as_user("HR User")
		self.assertEqual(api.period_state(name)["status"], "Reading")
		for act in (api.stop_period, api.resume_period):
			self.assertRaises(frappe.PermissionError, act, name)
		self.assertRaises(frappe.PermissionError, self.begin)
		self.as_user("HR Manager")
		api.stop_period(name)
		self.as_user(None)
		self.assertRaises(frappe.PermissionError, api.period_state, name)

	def test_the_statuses_are_those_of_the_core(self):
		for doctype, fieldname, values in (
			(DOCTYPE, "status", periods.PeriodStatus),
			(DOCTYPE, "purpose", periods.Purpose),
			(STREAM, "status", periods.StreamStatus),
		):
			options = frappe.get_meta(doctype).get_field(fieldname).options.split("\n")
			self.assertEqual(options, [value.value for value in values])

	def test_what_ended_long_ago_is_deleted_and_what_is_read_is_not(self):
		self.office(devices=1)
		done, going_on = self.begin(), self.begin(dry_run=1)
		period.read(done)
		retention.delete_periods(frappe.utils.now_datetime() + DAY)
		self.assertEqual(frappe.get_all(DOCTYPE, pluck="name"), [going_on])
		self.assertEqual(frappe.get_all(STREAM, pluck="parent"), [going_on])

	def test_a_part_that_was_queued_by_the_version_before_goes_on_as_a_period(self):
		self.office(devices=1)
		period.run("key", "main", None, str(FIRST), str(LAST), False, 2)
		(name,) = frappe.get_all(DOCTYPE, pluck="name")
		period.read(name)
		self.assertEqual(len(checkins()), 4)


def locks_taken(name: str) -> bool:
	return period.locks.taken(periods.lock_of(name))
