"""A first read of many days is shown while it takes long, and can be stopped without stopping the days from now on."""

from __future__ import annotations

import json
from datetime import timedelta
from unittest.mock import patch

import frappe
from frappe.utils import now_datetime

from biometric_integration import api, tasks
from biometric_integration.core.runs import Trigger
from biometric_integration.core.stream import PAST_TRIED
from biometric_integration.simulator import Fault, FaultKind, World
from biometric_integration.sync import jobs, retention
from biometric_integration.sync.records import cursors, periods, servers
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import SiteTestCase, checkins, logs

DAY = timedelta(days=1)
BACK = 120


class FirstReadTestCase(SiteTestCase):
	def office(self, server_type: str = "eTimeTrackLite", days: int = BACK, devices: int = 2, **values):
		"""A punch a week of each device, until just now."""
		now = now_datetime().replace(microsecond=0)
		self.world = World(now=now, zone="Asia/Kolkata")
		self.serials = [f"SN{number}" for number in range(1, devices + 1)]
		for serial in self.serials:
			self.world.add_device(serial, serial)
			for week in range(BACK // 7):
				self.world.punch(serial, serial[2:], now - week * 7 * DAY - timedelta(hours=1))
		factories.employees([serial[2:] for serial in self.serials])
		server = self.start(server_type, self.world)
		self.configure(server, days, server_type=server_type, **values)
		return server

	def configure(self, server, days: int, server_type: str = "eTimeTrackLite", **values) -> None:
		frappe.clear_messages()
		start = now_datetime().date() - days * DAY
		self.settings(server_type, server, start_date=start, requests_at_once=1, **values)

	def tick(self) -> list[str]:
		"""Servers and units that are asked for."""
		with patch("frappe.enqueue") as enqueue:
			tasks.sync_due()
		calls = [call.kwargs for call in enqueue.call_args_list if "server" in call.kwargs]
		return [(call["server"], call["units"]) for call in calls]

	def pull(self, units: list[str] | None = None, requests: int | None = None) -> None:
		"""A job that has time for so many requests; None = for all."""
		if requests is None:
			jobs.pull_server("main", Trigger.SCHEDULED.value, units)
			return
		left = iter([True] * requests)
		with patch.object(jobs, "budget", lambda seconds=None: lambda: next(left, False)):
			jobs.pull_server("main", Trigger.SCHEDULED.value, units)

	def shown(self) -> frappe._dict:
		(name,) = frappe.get_all(periods.DOCTYPE, {"purpose": "Start Date"}, pluck="name")
		return frappe._dict(api.period_state(name))

	def left(self) -> dict[str, int]:
		return {part.unit: part.days_left for part in periods.get(self.shown().name).parts}


class TestFirstRead(FirstReadTestCase):
	def test_saving_a_start_date_far_back_says_what_it_costs(self):
		server = self.office(days=1)
		self.assertFalse(frappe.get_message_log())
		self.configure(server, BACK)
		(message,) = frappe.get_message_log()
		self.assertIn("242 days of 2 devices", message["message"])
		self.assertIn("the others are not read by schedule until Resume", message["message"])

	def test_what_is_left_is_shown_goes_on_and_comes_to_an_end(self):
		self.office(sync_interval=0)
		self.tick()
		state = self.shown()
		self.assertEqual((state.status, state.days_left, state.streams), ("Reading", 242, 2))
		self.pull(requests=8)
		asked = self.tick()
		left = self.left()
		self.assertEqual(left["SN2"], 121, left)
		self.assertTrue(60 < left["SN1"] < 115, left)
		self.assertIn(("main", ["SN1"]), asked, "at once, although the server is read once a day")
		self.assertEqual(api.status()["servers"][0]["first_read"].days_left, sum(left.values()))
		self.pull()
		self.tick()
		state = self.shown()
		self.assertEqual((state.status, state.days_left), ("Finished", 0))
		self.assertEqual(len(checkins()), 2 * (BACK // 7))
		self.assertIsNone(api.status()["servers"][0]["first_read"])
		self.tick()
		self.assertEqual(self.shown().status, "Finished", "there is no other one")

	def test_stop_ends_it_at_the_next_request_and_resume_goes_on(self):
		server = self.office()
		self.tick()
		name = self.shown().name
		keep = periods.set_aside
		asked = []

		def stop_at_the_fifth(server_id):
			asked.append(server_id)
			if len(asked) == 5:
				api.stop_period(name)
			return keep(server_id)

		with patch.object(periods, "set_aside", stop_at_the_fifth):
			self.pull(["SN1", "SN2"])
		self.assertIn("Stopped by Administrator", logs()[0].error)
		self.assertLess(len(server.requests), 12)
		self.assertEqual(self.tick(), [], "neither is asked for")
		state = self.shown()
		self.assertEqual((state.status, state.stopped_by), ("Stopped", "Administrator"))
		self.assertTrue(150 < state.days_left < 242, state)
		api.resume_period(name)
		self.assertTrue(self.tick())
		self.pull()
		self.tick()
		self.assertEqual((self.shown().status, len(checkins())), ("Finished", 2 * (BACK // 7)))

	def test_stopped_behind_a_start_date_that_was_moved_back_the_days_from_now_on_are_read_all_the_same(self):
		server = self.office(days=1, devices=1)
		self.pull()
		self.assertEqual(len(checkins()), 1)
		self.configure(server, BACK)
		self.tick()
		self.assertEqual(self.left(), {"SN1": BACK - 1})
		api.stop_period(self.shown().name)
		frappe.db.set_value(servers.CURSOR, {"unit": "SN1"}, "last_run", now_datetime() - DAY)
		self.assertIn(("main", ["SN1"]), self.tick(), "it is due as ever")
		self.world.punch("SN1", "1", now_datetime().replace(microsecond=0) - timedelta(minutes=5))
		self.world.now = now_datetime()
		self.pull()
		self.assertEqual((len(checkins()), logs()[-1].status), (2, "Success"), logs()[-1].error)
		api.resume_period(self.shown().name)
		self.pull()
		self.tick()
		self.assertEqual((self.shown().status, len(checkins())), ("Finished", BACK // 7 + 1))

	def test_an_old_hole_of_a_device_that_goes_on_is_read_after_stop_too_and_what_is_new_with_it(self):
		server = self.office(days=1, devices=1)
		self.pull()
		self.configure(server, BACK)
		self.tick()
		api.stop_period(self.shown().name)
		now = now_datetime().replace(microsecond=0)
		holed = {"read_from": now - 100 * DAY, "complete_until": now - 90 * DAY, "scans": "{}"}
		frappe.db.set_value(servers.CURSOR, {"unit": "SN1"}, holed)
		new = now - timedelta(minutes=5)
		self.world.punch("SN1", "1", new)
		self.world.now = now_datetime()
		self.pull()
		self.assertEqual(logs()[-1].status, "Success", logs()[-1].error)
		self.assertIn(("1", new), checkins())

	def test_one_that_is_stopped_cannot_be_deleted_which_would_resume_it(self):
		self.office()
		self.tick()
		name = self.shown().name
		api.stop_period(name)
		with self.assertRaisesRegex(frappe.ValidationError, "would be read again"):
			frappe.delete_doc(periods.DOCTYPE, name)

	def test_a_device_that_never_had_a_punch_is_named_and_does_not_keep_it_from_ending(self):
		self.office(devices=1)
		factories.device("EMPTY", "Back Door")
		self.tick()
		self.pull()
		self.tick()
		state = self.shown()
		self.assertEqual((state.status, state.days_left, state.troubled), ("Incomplete", 0, 1))
		self.assertIn("never had a punch", state.troubles[0]["error"])

	def test_what_is_short_is_not_shown(self):
		self.office(days=20)
		self.tick()
		self.assertFalse(frappe.get_all(periods.DOCTYPE))

	def test_what_ended_with_a_hole_is_not_asked_for_each_minute(self):
		server = self.office(devices=1)
		self.tick()
		server.faults.add(Fault(FaultKind.TRUNCATED, times=None))
		self.pull()
		self.assertEqual(logs()[0].status, "Partial")
		self.assertEqual(self.tick(), [])
		state = self.shown()
		self.assertEqual((state.status, state.days_left), ("Incomplete", 0))
		self.tick()
		self.assertEqual(len(frappe.get_all(periods.DOCTYPE)), 1, "it is not begun again each minute")

	def test_holes_behind_a_start_date_that_was_moved_back_are_asked_for_once_a_day(self):
		server = self.office(days=1, devices=1)
		self.pull()
		self.configure(server, BACK)
		self.tick()
		fault = Fault(FaultKind.TRUNCATED, times=None)
		server.faults.add(fault)
		jobs.read(servers.get("main"), servers.get("main").options(Trigger.SCHEDULED))
		server.faults.clear()
		self.assertEqual(self.tick(), [])
		state = self.shown()
		self.assertEqual((state.status, state.days_left, state.troubled), ("Incomplete", 0, 1))
		before = len(server.requests)
		self.pull()
		self.assertLess(len(server.requests) - before, 10)
		cursor = cursors_of_main()["SN1"]
		scans = {**cursor.scans, PAST_TRIED: cursor.scans[PAST_TRIED] - DAY}
		kept = json.dumps({name: moment.isoformat() for name, moment in scans.items()})
		frappe.db.set_value(servers.CURSOR, {"unit": "SN1"}, "scans", kept)
		self.pull()
		self.assertEqual(len(checkins()), BACK // 7)
		self.assertNotIn(PAST_TRIED, cursors_of_main()["SN1"].scans)

	def test_before_stop_it_says_what_would_be_left_alone(self):
		server = self.office()
		self.tick()
		state = self.shown()
		self.assertEqual(state.left_alone, 2)
		self.assertIn("the others are not read by schedule until Resume", state.headline)
		self.pull(["SN1"])
		self.assertEqual(self.shown().left_alone, 1)
		api.stop_period(state.name)
		self.assertEqual(self.shown().left_alone, 0, "it is stopped")
		self.assertTrue(server.requests)

	def test_new_punches_that_come_by_log_id_go_on_after_stop(self):
		server = self.office("eBioServer", devices=1)
		self.tick()
		self.assertEqual(self.shown().left_alone, 0)
		api.stop_period(self.shown().name)
		self.assertIn(("main", None), self.tick())
		self.pull()
		self.world.punch("SN1", "1", now_datetime().replace(microsecond=0) - timedelta(minutes=5))
		self.world.now = now_datetime()
		before = len(checkins())
		self.pull()
		self.assertEqual(len(checkins()), before + 1)
		self.assertEqual({log.feed for log in logs()}, {"live"}, "nothing is asked for by day")
		self.assertEqual({log.status for log in logs()}, {"Success"})
		api.resume_period(self.shown().name)
		self.pull()
		self.tick()
		self.assertEqual(self.shown().status, "Finished")
		self.assertTrue(server.requests)

	def test_a_stopped_one_is_kept_and_not_written_each_minute(self):
		self.office(devices=1)
		self.tick()
		name = self.shown().name
		api.stop_period(name)
		long_ago = now_datetime() - 100 * DAY
		frappe.db.set_value(periods.DOCTYPE, name, "modified", long_ago, update_modified=False)
		self.tick()
		self.assertEqual(frappe.db.get_value(periods.DOCTYPE, name, "modified"), long_ago)
		retention.delete_periods(now_datetime())
		self.assertEqual(self.shown().status, "Stopped")
		self.assertEqual(self.tick(), [], "nobody chose Resume")

	def test_an_older_one_is_not_resumed_beside_one_that_is_open(self):
		self.office(devices=1)
		self.tick()
		older = self.shown().name
		frappe.db.set_value(periods.DOCTYPE, older, "status", "Incomplete")
		self.tick()
		self.assertEqual(len(frappe.get_all(periods.DOCTYPE, {"purpose": "Start Date"})), 2)
		with self.assertRaisesRegex(frappe.ValidationError, "Another Sync Period"):
			api.resume_period(older)

	def test_an_idle_minute_does_not_grow_with_periods_that_ended(self):
		self.office(devices=1)
		self.pull()
		self.tick()
		finished = frappe.get_doc(periods.DOCTYPE, self.period_of("Finished"))
		few = rows_read(self.tick)
		for _number in range(200):
			frappe.copy_doc(finished).insert()
		self.assertLess(rows_read(self.tick), few + 50)

	def period_of(self, status: str) -> str:
		values = {
			"server": "main",
			"purpose": "Start Date",
			"from_date": "2020-01-01",
			"to_date": "2020-02-01",
		}
		return frappe.get_doc({"doctype": periods.DOCTYPE, "status": status, **values}).insert().name


class TestNotReadAnyMore(FirstReadTestCase):
	def set(self, values: dict) -> None:
		frappe.db.set_single_value(servers.SETTINGS, values)
		frappe.db.commit()  # nosemgrep -- as a saved form
		frappe.clear_document_cache(servers.SETTINGS, servers.SETTINGS)

	def closed(self) -> frappe._dict:
		self.tick()
		state = self.shown()
		self.assertEqual(state.status, "Incomplete", state)
		return state

	def test_of_another_type_it_fails_and_is_never_called_read(self):
		server = self.office(devices=1)
		self.tick()
		self.configure(server, 1, server_type="BioTime")
		state = self.closed()
		self.assertEqual(
			(state.troubles[0]["status"], state.troubles[0]["error"]), ("Failed", "It is not read any more.")
		)
		self.assertTrue(state.days_left == BACK + 1 or state.streams_left == 0)

	def test_a_device_that_was_turned_off_halfway_fails_alone(self):
		self.office()
		self.tick()
		frappe.db.set_value("Biometric Device", {"serial_number": "SN2"}, "enabled", 0)
		self.pull()
		state = self.closed()
		self.assertEqual(
			[trouble["stream"] for trouble in state.troubles], ["main/eTimeTrackLite/SN2/punches"]
		)

	def test_left_to_a_bridge_without_a_start_date_or_taken_out_it_says_so(self):
		for values, said in (
			({"read_by": "The Bridge"}, "read by the bridge The Bridge"),
			({"start_date": None}, "no Start Date"),
			({"server_type": ""}, "not in the settings any more"),
		):
			with self.subTest(said):
				self.set({"read_by": None})
				self.setUp()
				self.office(devices=1)
				self.tick()
				self.addCleanup(self.set, {"read_by": None})
				self.set(values)
				state = self.closed()
				self.assertIn(said, state.headline)
				self.assertIn(said, state.troubles[0]["error"])

	def test_of_a_server_that_is_turned_off_it_stays_open_and_says_why(self):
		self.office(devices=1)
		self.tick()
		self.set({"enabled": 0})
		self.tick()
		state = self.shown()
		self.assertEqual(state.status, "Reading")
		self.assertIn("Enabled", state.waits)

	def test_what_was_stopped_stays_stopped(self):
		self.office(devices=1)
		self.tick()
		api.stop_period(self.shown().name)
		frappe.db.set_value("Biometric Device", {"serial_number": "SN1"}, "enabled", 0)
		self.tick()
		frappe.db.set_value("Biometric Device", {"serial_number": "SN1"}, "enabled", 1)
		self.assertEqual((self.tick(), self.shown().status), ([], "Stopped"))


def cursors_of_main() -> dict:
	return {key.split("/")[2]: cursor for key, cursor in cursors.of_server("main").items()}


def rows_read(act) -> int:
	before = _handler_reads()
	act()
	return _handler_reads() - before


def _handler_reads() -> int:
	return sum(int(value) for _name, value in frappe.db.sql("SHOW SESSION STATUS LIKE 'Handler_read%'"))
