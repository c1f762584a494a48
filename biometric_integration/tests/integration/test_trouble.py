"""One thing that is wrong, and everything else that goes on all the same."""

from __future__ import annotations

from datetime import datetime, timedelta
from unittest.mock import patch

from redis.exceptions import ConnectionError as QueueDown
from rq.timeouts import JobTimeoutException

import frappe

from biometric_integration import api
from biometric_integration.core.runs import Outcome, Trigger
from biometric_integration.core.store import Interrupted
from biometric_integration.core.stream import Stream
from biometric_integration.simulator import World
from biometric_integration.sync import jobs, retention
from biometric_integration.sync.db import locks
from biometric_integration.sync.desk import review
from biometric_integration.sync.records import servers, staging, sync_log
from biometric_integration.sync.store import PullStore
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import (
	PASSWORD,
	SiteTestCase,
	checkins,
	events,
	logs,
	sync,
)

NOON = datetime(2025, 4, 10, 12)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
CHECKIN = "Employee Checkin"
COMMITTED: list[str] = []


def commit_and_refuse(checkin, method=None):
	"""A rule of a site that ends the transaction, and then says no to one person."""
	frappe.db.commit()  # nosemgrep -- that is the trouble
	if checkin.employee in COMMITTED:
		frappe.throw("Lock wait timeout is what this person is refused for")


def fails(*statements: str):
	def fail(*_arguments):
		for statement in statements:
			frappe.db.sql(statement)

	return fail


def strictly(value: str) -> str:
	return f"SET STATEMENT sql_mode='STRICT_ALL_TABLES' FOR INSERT INTO `tabSingles` (`doctype`) VALUES ({value})"


def lose_the_connection(*_arguments):
	mine = frappe.local.db
	((number,),) = mine.sql("SELECT CONNECTION_ID()")
	frappe.connect(set_admin_as_user=False)
	theirs, frappe.local.db = frappe.local.db, mine
	theirs.sql(f"KILL {number}")
	theirs.close()
	frappe.db.sql("SELECT 'secret'")


def refuse_by_the_database(checkin, method=None):
	"""A rule of a site that writes what the database does not take."""
	FAULTS["Incorrect string value: …"]()


FAULTS = {
	"is full": fails(
		"SET STATEMENT max_heap_table_size=16384 FOR CREATE TEMPORARY TABLE `full` (`a` CHAR(255)) ENGINE=MEMORY",
		"INSERT INTO `full` SELECT 'secret' FROM information_schema.columns",
	),
	"Data too long for column 'doctype'": fails(strictly("REPEAT('secret', 100)")),
	"Incorrect string value: …": fails(strictly("CONCAT(x'FF', 'secret')")),
	"Lock wait timeout": fails(
		"SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO=1205, MESSAGE_TEXT='Lock wait timeout'"
	),
	"Deadlock found": fails("SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO=1213, MESSAGE_TEXT='Deadlock found'"),
	"server": lose_the_connection,
}
"""What the database says → a real failure of the kind."""


class Trouble(SiteTestCase):
	def office(self, *codes: str, server_type: str = "eTimeTrackLite", **settings):
		world = World(now=NOON, zone="Asia/Kolkata")
		world.add_device("SN1", "Gate")
		for code in codes:
			factories.employee(code)
		server = self.start(server_type, world)
		self.settings(server_type, server, **settings)
		return world, server

	def person(self, code: str) -> str:
		return frappe.db.get_value("Employee", {"attendance_device_id": code})


class TestOthersGoOn(Trouble):
	def test_a_password_that_cannot_be_read_is_the_fault_of_its_server(self):
		world, server = self.office("1")
		row = {
			"server_id": "branch-2",
			"label": "Branch",
			"enabled": 1,
			"server_type": "eTimeTrackLite",
			"endpoint_url": server.url,
			"api_user": "api",
			"api_password": PASSWORD,
		}
		self.settings("eTimeTrackLite", server, more_servers=[row])
		name = frappe.get_single(servers.SETTINGS).more_servers[0].name
		frappe.db.sql("UPDATE `__Auth` SET `password`='gAAAAA-of-another-key' WHERE `name`=%s", name)
		frappe.clear_document_cache(servers.SETTINGS, servers.SETTINGS)
		world.punch("SN1", "1", NOON - HOUR)
		result = sync()
		self.assertEqual(checkins(), [("1", NOON - HOUR)])
		self.assertEqual(result["status"], "Failed")
		state = servers.state("branch-2")
		self.assertEqual(state.error_class, "Configuration")
		self.assertIn("Enter it again", state.error)
		self.assertFalse(servers.state("main").error)
		self.assertEqual(api.status()["servers"][0]["state"], "ok")

	def test_a_server_that_cannot_be_asked_says_why_to_whoever_asks(self):
		self.office("1")
		frappe.db.sql(
			"UPDATE `__Auth` SET `password`='gAAAAA-of-another-key' WHERE `doctype`=%s", servers.SETTINGS
		)
		frappe.clear_document_cache(servers.SETTINGS, servers.SETTINGS)
		tested = api.test_connection()
		self.assertFalse(tested["ok"])
		self.assertIn("Enter it again", tested["steps"][0]["message"])
		with self.assertRaisesRegex(frappe.ValidationError, "Enter it again"):
			api.sync_period(str(NOON.date()), str(NOON.date()))

	def test_an_app_that_cannot_be_asked_what_it_adds_is_let_have_its_say(self):
		world, _server = self.office("1")
		world.punch("SN1", "1", NOON - HOUR)
		with patch("biometric_integration.sync.store.site_rules.additions", side_effect=ImportError("gone")):
			sync()
		self.assertEqual(checkins(), [("1", NOON - HOUR)])
		self.assertIn("gone", logs()[0].written)

	def test_a_year_that_no_calendar_holds_stops_nobody_elses_punches(self):
		world, _server = self.office("1", server_type="eBioServer", repeat_window=60, round_to=15)
		for number in range(40):
			world.punch("SN1", "1", NOON - (number + 1) * HOUR)
		for odd in (datetime(9999, 12, 31, 23, 59, 59), datetime(2000, 1, 1, 0, 4)):
			world.punch("SN1", "1", odd, received=NOON)
		sync()
		self.assertEqual(len(checkins()), 40)
		self.assertEqual([event.status for event in events(status=("!=", "Processed"))], ["Quarantined"] * 2)

	def test_a_shift_type_that_is_gone_stops_its_own_people_only(self):
		world, _server = self.office("1", "2", direction_policy="First IN, Later OUT")
		shift = factories.shift_type()
		frappe.db.set_value("Employee", self.person("1"), "default_shift", shift)
		frappe.db.delete("Shift Type", {"name": shift})
		frappe.clear_cache(doctype="Shift Type")
		frappe.db.commit()  # nosemgrep -- as a person who did it
		for code in ("1", "2"):
			world.punch("SN1", code, NOON - HOUR)
		sync()
		self.assertEqual(checkins(), [("2", NOON - HOUR)])
		(failed,) = events(status="Failed")
		self.assertIn(shift, failed.reason)

	def test_the_end_of_a_job_is_the_fault_of_no_punch(self):
		world, _server = self.office("1", direction_policy="First IN, Later OUT")
		frappe.db.set_value("Employee", self.person("1"), "default_shift", factories.shift_type())
		frappe.db.commit()  # nosemgrep -- as a person who did it
		world.punch("SN1", "1", NOON - HOUR)
		of_hrms = (
			"hrms.hr.doctype.employee_checkin.employee_checkin.get_actual_start_end_datetime_of_shift",
			"hrms.hr.doctype.shift_assignment.shift_assignment.get_shift_details",
		)
		for path in of_hrms:
			with self.subTest(path), patch(path, side_effect=JobTimeoutException("it took too long")):
				self.assertRaisesRegex(Interrupted, "it took too long", sync)
			(event,) = events()
			self.assertEqual((event.status, event.reason_code), ("Pending", ""))
		sync()
		self.assertEqual(checkins(), [("1", NOON - HOUR)])

	def test_a_hook_that_commits_doubles_nothing_and_stops_no_lane(self):
		world, _server = self.office("1", "2")
		COMMITTED[:] = [self.person("1")]
		self.addCleanup(COMMITTED.clear)
		for code in ("1", "2"):
			for number in range(3):
				world.punch("SN1", code, NOON - (number + 1) * HOUR)
		path = f"{__name__}.commit_and_refuse"
		hooks = frappe.get_doc_hooks()
		events_of = {**hooks.get(CHECKIN, {}), "validate": [path]}
		with patch("frappe.get_doc_hooks", return_value={**hooks, CHECKIN: events_of}):
			sync()
			sync()
		self.assertEqual([code for code, _time in checkins() if code == "2"], ["2"] * 3)
		self.assertLessEqual(len(checkins()), 6, "nothing is doubled")
		for event in events(status=("!=", "Processed")):
			self.assertEqual((event.status, event.reason_code), ("Failed", "Refused"))
			self.assertIn("this person is refused for", event.reason)

	def test_a_queue_that_is_down_fails_nobodys_save_and_says_so_to_who_asks(self):
		self.office("1")
		employee = frappe.get_doc("Employee", self.person("1"))
		with patch("frappe.enqueue", side_effect=QueueDown()):
			employee.attendance_device_id = "17"
			employee.save()
			frappe.db.commit()  # nosemgrep -- the hint goes out with the commit
			with self.assertRaisesRegex(frappe.ValidationError, "Redis"):
				api.sync_now()
			with self.assertRaisesRegex(frappe.ValidationError, "Redis"):
				api.sync_period(str(NOON.date()), str(NOON.date()))
			with self.assertRaisesRegex(frappe.ValidationError, "Redis"):
				api.rederive_times("main", dry_run=0)
			self.assertFalse(api.rederive_state("main")["running"])
		with patch("frappe.enqueue", side_effect=frappe.ValidationError("Too many queued jobs")):
			employee.attendance_device_id = "18"
			employee.save()
			frappe.db.commit()  # nosemgrep -- as above
		self.assertEqual(frappe.db.get_value("Employee", employee.name, "attendance_device_id"), "18")

	def test_a_retry_that_succeeds_shows_the_server_as_well_again(self):
		world, server = self.office("1")
		server.stop()
		sync()
		self.assertTrue(servers.state("main").next_attempt)
		failed = logs(status="Failed")[0].name
		with type(server)(world, password=PASSWORD, port=server.port):
			jobs.retry(failed)
		self.assertFalse(servers.state("main").next_attempt)
		self.assertEqual(api.status()["servers"][0]["state"], "ok")


class TestWaitingStaysUsable(Trouble):
	def test_deleting_old_punches_hurts_none_that_wait(self):
		world, _server = self.office("1")
		for number in range(5):
			world.punch("SN1", "1", NOON - number * HOUR)
			world.punch("SN1", "99", NOON - number * HOUR)
		sync()
		frappe.db.set_single_value(servers.SETTINGS, "delete_after_days", 60)
		retention.tidy()
		self.assertEqual(len(events(device_user_id="1")), 0)
		self.assertEqual(len(events(device_user_id="99", status="Unmapped")), 5)
		employee = frappe.get_doc("Employee", factories.employee())
		employee.attendance_device_id = "99"
		employee.save()
		jobs.process()
		self.assertEqual(sum(code == "99" for code, _time in checkins()), 5)
		world.now += HOUR
		sync()
		self.assertEqual(len(checkins()), 10, "what was deleted and is read again makes no second check-in")

	def test_what_is_reopened_while_old_punches_are_deleted_stays(self):
		world, _server = self.office("1")
		world.punch("SN1", "1", NOON - HOUR)
		sync()

		def meanwhile(find, act):
			names = find()
			frappe.db.set_value(staging.DOCTYPE, {"name": ("in", names)}, "status", "Pending")
			act(names)

		with patch("biometric_integration.sync.retention._in_chunks", meanwhile):
			retention.delete_events(NOON.date() + DAY)
		self.assertEqual([event.status for event in events()], ["Pending"])

	def test_punches_from_before_a_start_date_that_is_moved_back_are_used(self):
		world, server = self.office("1", server_type="eBioServer", start_date=NOON.date())
		for number in range(8):
			world.punch("SN1", "1", NOON - number * DAY)
		world.punch("SN1", "1", NOON - 3 * DAY - HOUR, received=NOON)
		sync()
		early = NOON.date() - 9 * DAY
		self.settings("eBioServer", server, start_date=early)
		result = sync()
		self.assertEqual(len(checkins()), 9)
		self.assertEqual({run["status"] for run in result["runs"]}, {"Success"})

	def test_ids_that_the_database_takes_for_one_are_each_their_own(self):
		pairs = (("A1", "a1"), ("Jos\u00e97", "Jose7"))
		world, _server = self.office()
		for pair in pairs:
			for code in pair:
				world.punch("SN1", code, NOON - HOUR)
		sync()
		for _loose, code in pairs:
			employee = frappe.get_doc("Employee", factories.employee())
			employee.attendance_device_id = code
			employee.save()
		jobs.process()
		self.assertEqual(sorted(code for code, _time in checkins()), sorted(code for _loose, code in pairs))

	def test_zeros_in_front_are_overlooked_on_either_side_where_they_may_be(self):
		world, _server = self.office("0031", strip_zeros=1)
		for code in ("31", "044"):
			world.punch("SN1", code, NOON - HOUR)
		sync()
		self.assertEqual(checkins(), [("0031", NOON - HOUR)])
		factories.employee("00044")
		frappe.db.commit()  # nosemgrep -- as an import that fires no event
		jobs.process()
		self.assertEqual(len(checkins()), 2)

	def test_blanks_around_an_id_are_taken_off_when_an_employee_is_saved(self):
		self.office()
		for blank in (" ", "\t", "\u00a0"):
			employee = frappe.get_doc("Employee", factories.employee())
			employee.attendance_device_id = f"{blank}T{ord(blank)}{blank}"
			employee.save()
			self.assertEqual(employee.attendance_device_id, f"T{ord(blank)}")

	def test_a_check_in_with_fractions_of_an_older_tool_is_linked(self):
		world, _server = self.office("1")
		values = {"doctype": CHECKIN, "employee": self.person("1"), "time": NOON - HOUR}
		there = frappe.get_doc(values).insert().name
		moment = (NOON - HOUR).replace(microsecond=412000)
		frappe.db.set_value(CHECKIN, there, "time", moment)
		world.punch("SN1", "1", NOON - HOUR)
		sync()
		(event,) = events()
		self.assertEqual((event.reason_code, event.employee_checkin), ("Already There", there))


class TestWhatIsShown(Trouble):
	def settings_of(self, then: timedelta) -> None:
		"""As if they had been saved so long ago."""
		frappe.db.sql(
			"UPDATE `tabSingles` SET `value`=%s WHERE `doctype`=%s AND `field`='modified'",
			(str(frappe.utils.now_datetime() - then), servers.SETTINGS),
		)
		frappe.clear_document_cache(servers.SETTINGS, servers.SETTINGS)

	def shown(self) -> dict:
		return api.status()["servers"][0]

	def test_a_server_that_is_not_read_is_never_green_and_the_cause_is_named(self):
		self.office("1")
		sync()
		self.assertEqual(self.shown()["state"], "ok")
		hour_ago = frappe.utils.now_datetime() - HOUR
		for last_success in (hour_ago, frappe.utils.now_datetime() + 400 * DAY):
			frappe.db.set_value(servers.STATE, "main", "last_success", last_success)
			self.settings_of(2 * HOUR)
			with patch("biometric_integration.sync.desk.status.is_scheduler_inactive", return_value=True):
				shown = self.shown()
			self.assertEqual(shown["state"], "stalled")
			self.assertIn("enable-scheduler", shown["message"])
			self.assertEqual(api.failed_runs()["value"], 1)

	def test_a_device_that_failed_and_was_turned_off_is_no_trouble_for_ever(self):
		self.office("1")
		sync()
		frappe.db.set_value(servers.CURSOR, {"unit": "SN1"}, "failures", 3)
		self.assertEqual((self.shown()["state"], api.failed_runs()["value"]), ("failing", 1))
		frappe.db.set_value("Biometric Device", {"serial_number": "SN1"}, "enabled", 0)
		self.assertEqual((self.shown()["state"], api.failed_runs()["value"]), ("ok", 0))

	def test_a_run_that_failed_counts_until_a_later_one_is_well(self):
		world, server = self.office("1")
		self.assertEqual(api.failed_runs()["value"], 0)
		server.stop()
		sync()
		told = api.failed_runs()
		self.assertEqual(told["value"], 1)
		self.assertEqual(told["route_options"], {"name": ["in", [logs(status="Failed")[0].name]]})
		with type(server)(world, password=PASSWORD, port=server.port):
			sync()
		self.assertEqual(api.failed_runs()["value"], 0)


class TestRunsEnd(Trouble):
	def test_a_run_whose_worker_is_gone_ends_also_where_its_device_is_read_no_more(self):
		world, _server = self.office("1")
		world.punch("SN1", "1", NOON - HOUR)
		sync()
		log = logs()[0].name
		frappe.db.set_value("Biometric Sync Log", log, "status", "Running")
		frappe.db.set_value("Biometric Device", {"serial_number": "SN1"}, "enabled", 0)
		jobs.close_abandoned()
		self.assertEqual(frappe.db.get_value("Biometric Sync Log", log, "status"), "Failed")

	def test_a_run_that_began_after_the_look_for_dead_ones_goes_on(self):
		world, _server = self.office("1")
		world.punch("SN1", "1", NOON - HOUR)
		sync()
		dead = logs()[0]
		frappe.db.set_value("Biometric Sync Log", dead.name, "status", "Running")
		found = sync_log.abandoned()
		self.assertEqual(found, [dead.name])
		store = PullStore()
		claim = store.claim(Stream("main", "eTimeTrackLite", "SN1", dead.feed), Trigger.MANUAL)
		sync_log.close_logs(found)
		self.assertEqual(frappe.db.get_value("Biometric Sync Log", claim.log, "status"), "Running")
		store.finish(claim, Outcome())

	def test_what_was_counted_is_counted_again_after_an_hour_also_where_nothing_happens(self):
		factories.device("SN1", "Gate", enabled=0)
		world, _server = self.office("1", server_type="eBioServer")
		world.punch("SN1", "1", NOON - HOUR)
		sync()
		self.assertEqual(logs(pending=1)[0].new, 1)
		key = frappe.cache.make_key(sync_log.COUNTED)
		frappe.cache.expire(key, 60)
		jobs.process()
		self.assertLessEqual(frappe.cache.ttl(key), 60)
		frappe.cache.delete_value(sync_log.COUNTED)  # expired, as the job of an hour later finds it
		jobs.process()
		self.assertGreater(frappe.cache.ttl(key), 60)

	def test_the_words_of_the_database_are_on_the_log_without_values(self):
		world, _server = self.office("1")
		world.punch("SN1", "1", NOON - HOUR)
		for number, fault in enumerate(FAULTS):
			with self.subTest(fault), patch.object(staging.sql, "insert_new", side_effect=FAULTS[fault]):
				sync()
				log = logs()[number]
				self.assertEqual((log.status, log.error_class), ("Failed", "Internal"))
				self.assertIn(fault, log.error)
				self.assertNotIn("secret", f"{log.error} {log.error_detail}")
		sync()
		self.assertEqual(checkins(), [("1", NOON - HOUR)])

	def test_a_refusal_by_the_database_is_in_its_own_words(self):
		world, _server = self.office("1")
		world.punch("SN1", "1", NOON - HOUR)

		hooks = frappe.get_doc_hooks()
		events_of = {**hooks.get(CHECKIN, {}), "validate": [f"{__name__}.refuse_by_the_database"]}
		with patch("frappe.get_doc_hooks", return_value={**hooks, CHECKIN: events_of}):
			sync()
		self.assertIn("Incorrect string value: …", events()[0].reason)
		self.assertNotIn("1366", events()[0].reason)

	def test_a_lane_whose_connection_is_lost_ends_as_its_lock_went_with_it(self):
		world, _server = self.office("1")
		world.punch("SN1", "1", NOON - HOUR)
		hooks = frappe.get_doc_hooks()
		events_of = {**hooks.get(CHECKIN, {}), "validate": [f"{__name__}.lose_the_connection"]}
		with patch("frappe.get_doc_hooks", return_value={**hooks, CHECKIN: events_of}):
			with self.assertRaises(Interrupted):
				sync()
		self.assertFalse(locks.taken(locks.LANE))
		self.assertEqual(events()[0].status, "Pending")
		jobs.process()
		self.assertEqual(checkins(), [("1", NOON - HOUR)])


class TestTwoThingsAtOnce(Trouble):
	def test_reprocess_leaves_alone_what_the_lane_has_used_meanwhile(self):
		world, _server = self.office("1")
		world.punch("SN1", "1", NOON - HOUR)
		world.punch("SN1", "99", NOON - HOUR)
		sync()
		names = [event.name for event in events()]
		self.assertEqual(review.reprocess(names), 1)
		self.assertEqual([event.status for event in events(device_user_id="1")], ["Processed"])
		self.assertEqual(staging.reopen(names), 1)

	def test_a_retry_never_stamps_a_run_of_somebody_else(self):
		world, _server = self.office("1")
		world.punch("SN1", "1", NOON - HOUR)
		sync()
		first = logs()[0].name
		mine = frappe.local.db
		frappe.connect(set_admin_as_user=False)
		try:
			claim = PullStore().claim(Stream("main", "eTimeTrackLite", "SN1", "punches"), Trigger.MANUAL)
			theirs, frappe.local.db = frappe.local.db, mine
			with patch.object(jobs, "BUSY_TRIES", 1), patch.object(jobs, "BUSY_PAUSE", 0):
				jobs.retry(first)
		finally:
			frappe.local.db = mine
			theirs.close()
		self.assertFalse(frappe.db.get_value("Biometric Sync Log", claim.log, "retried_from"))

	def test_a_release_is_near_the_arrival_and_can_be_done_again(self):
		world, _server = self.office("1", server_type="eBioServer")
		world.punch("SN1", "1", datetime(2099, 1, 1, 9), received=NOON)
		sync()
		(event,) = events()
		arrived = frappe.db.get_value("Biometric Staging Event", event.name, "creation")
		for wrong in ("1999-01-01 09:00:00", str(arrived - 14 * DAY)):
			with self.assertRaises(frappe.ValidationError):
				api.release(event.name, wrong)
		frappe.db.set_value("Employee", self.person("1"), "status", "Inactive")
		api.release(event.name, str((arrived - 2 * DAY).replace(microsecond=0)))
		jobs.process()
		self.assertEqual(events()[0].status, "Unmapped")
		frappe.db.set_value("Employee", self.person("1"), "status", "Active")
		right = (arrived - DAY).replace(microsecond=0)
		api.release(event.name, str(right))
		jobs.process()
		self.assertEqual(checkins(), [("1", right)])
		with self.assertRaises(frappe.ValidationError):
			api.release(event.name, str(right))


class TestSettings(Trouble):
	def test_a_field_that_holds_no_text_is_refused_and_one_that_goes_away_stops_nothing(self):
		world, server = self.office("1")
		for fieldname in ("ctc", "nowhere", "unsubscribed"):
			with self.assertRaisesRegex(frappe.ValidationError, "Employee Fields, row 1"):
				self.settings("eTimeTrackLite", server, employee_fields=[{"fieldname": fieldname}])
		frappe.db.rollback()
		fields = [{"fieldname": "attendance_device_id"}]
		settings = self.settings("eTimeTrackLite", server, employee_fields=fields)
		frappe.db.set_value("Biometric Employee Field", settings.employee_fields[0].name, "fieldname", "ctc")
		frappe.clear_document_cache(servers.SETTINGS, servers.SETTINGS)
		world.punch("SN1", "1", NOON - HOUR)
		sync()
		self.assertEqual(checkins(), [("1", NOON - HOUR)])
		self.settings("eTimeTrackLite", server, employee_fields=[])

	def test_blanks_go_and_a_scheme_that_is_missing_is_put_in_front(self):
		_world, server = self.office()
		address = server.url.removeprefix("http://")
		settings = factories.settings(
			server_type="eTimeTrackLite", endpoint_url=f" {address} ", api_user=" api ", api_password=PASSWORD
		)
		self.assertEqual((settings.endpoint_url, settings.api_user), (server.url, "api"))
