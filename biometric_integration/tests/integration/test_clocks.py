"""Clocks that are wrong, and how they are put right in Desk."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from unittest.mock import patch

import frappe
from frappe.utils.background_jobs import is_job_enqueued

from biometric_integration import api
from biometric_integration.simulator import World
from biometric_integration.sync import jobs
from biometric_integration.sync.db import locks
from biometric_integration.sync.desk import rederive
from biometric_integration.sync.records import times
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import SERVER_TYPES, SiteTestCase, checkins, events, sync

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
KOLKATA = "Asia/Kolkata"


def now():
	"""The clock of the site, whose zone is that of the server here."""
	return frappe.utils.now_datetime().replace(microsecond=0)


class Clocks(SiteTestCase):
	def office(self, server_type: str, *ids: str, zone: str = KOLKATA):
		"""A server whose clock is right; the punches are of just now."""
		world = World(None, frappe.utils.get_system_timezone())
		world.add_device("SN1", "Gate")
		factories.employees(ids or ["1"])
		server = self.start(server_type, world)
		self.settings(server_type, server, time_zone="", start_date=(now() - 40 * DAY).date())
		return world, server

	@contextmanager
	def as_user(self, role: str):
		"""`frappe.only_for` lets everybody pass while `in_test` is set: take that away."""
		frappe.set_user(factories.user(role))
		try:
			with patch.dict(frappe.flags, in_test=False):
				yield
		finally:
			frappe.set_user("Administrator")

	def device(self):
		return frappe.get_doc("Biometric Device", {"serial_number": "SN1"})


class TestAheadClock(Clocks):
	def ahead(self, server_type: str):
		"""Three punches of two people, 15 minutes later than they arrive."""
		world, _server = self.office(server_type, "1", "2")
		sync()
		self.asked_at = frappe.utils.now_datetime()
		moments = [now() - seconds * timedelta(seconds=1) for seconds in (90, 60, 5)]
		for user_id, moment in zip("121", moments, strict=True):
			world.punch("SN1", user_id, moment + 15 * MINUTE, received=moment)
		sync()
		return world, moments

	def test_both_server_types_find_it_at_once_and_tell_it_once_on_the_device(self):
		for server_type in SERVER_TYPES:
			with self.subTest(server_type):
				self.setUp()
				self.ahead(server_type)
				self.assertEqual([event.reason_code for event in events()], ["Future Time"] * 3)
				device = self.device()
				self.assertAlmostEqual(device.clock_ahead, 15 * 60, delta=30)
				(told,) = api.status()["clocks"]
				self.assertEqual((told.name, told.clock_ahead), (device.name, device.clock_ahead))
				sync()
				runs = api.sync_state(str(self.asked_at))["runs"]
				self.assertFalse([run.error for run in runs if run.error], "not on each run")
				self.assertEqual(checkins(), [])

	def test_all_of_its_punches_are_released_in_one_step(self):
		for server_type in SERVER_TYPES:
			with self.subTest(server_type):
				self.setUp()
				_world, moments = self.ahead(server_type)
				device = self.device().name
				preview = api.release_ahead(device)
				self.assertEqual((preview["events"], preview["people"], preview["left"]), (3, 2, 0))
				self.assertEqual(preview["doubt"], "")
				self.assertAlmostEqual(preview["ahead"], 15 * 60, delta=30)
				self.assertEqual([event.status for event in events()], ["Quarantined"] * 3, "only looked")
				done = api.release_ahead(device, 15 * 60, dry_run=0)
				self.assertEqual(done["events"], 3)
				jobs.process()
				self.assertEqual(sorted(time for _, time in checkins()), moments)
				names = {"name": ("in", [event.name for event in events()])}
				by = frappe.get_all("Biometric Staging Event", names, pluck="released_by")
				self.assertEqual(by, ["Administrator"] * 3)
				comment = {"reference_doctype": "Biometric Device", "reference_name": device}
				words = frappe.get_all("Comment", comment, pluck="content", order_by="creation desc", limit=1)
				self.assertIn("released 3 punches", words[0])
				self.assertEqual(api.release_ahead(device, 15 * 60, dry_run=0)["events"], 0, "once")

	def test_no_punch_is_made_after_it_arrived_nor_long_before(self):
		self.ahead("eBioServer")
		device = self.device().name
		for ahead in (5 * 60, 12 * 24 * 3600, 0, -900):
			done = api.release_ahead(device, ahead, dry_run=0)
			self.assertEqual((done["events"], done["left"]), (0, 3), ahead)

	def test_reprocess_does_not_make_a_wrong_time_right(self):
		self.ahead("eTimeTrackLite")
		fields = ["source_time", "punch_time", "creation"]
		for event in events():
			times = frappe.db.get_value("Biometric Staging Event", event.name, fields, as_dict=True)
			a_day_ago = {field: moment - DAY for field, moment in times.items()}
			frappe.db.set_value("Biometric Staging Event", event.name, a_day_ago)
		api.reprocess([event.name for event in events()])
		jobs.process()
		self.assertEqual([event.reason_code for event in events()], ["Future Time"] * 3)

	def test_a_device_whose_punches_come_right_for_a_day_is_told_no_more(self):
		world, _moments = self.ahead("eTimeTrackLite")
		frappe.db.set_value("Biometric Device", self.device().name, "clock_found_at", now() - DAY - MINUTE)
		world.punch("SN1", "1", now())
		sync()
		self.assertEqual((self.device().clock_ahead, api.status()["clocks"]), (0, []))

	def test_who_may_not_set_up_may_not_release(self):
		self.ahead("eBioServer")
		device = self.device().name
		with self.as_user("HR User"), self.assertRaises(frappe.PermissionError):
			api.release_ahead(device)


LONDON = "Europe/London"


class TestTimeZone(Clocks):
	"""The clock of the server is that of the site, *Time Zone* said London."""

	def wrong(self, server_type: str = "eTimeTrackLite", *others: str):
		"""Punches of two hours ago that were read by the time zone of London."""
		world, server = self.office(server_type, "1", "2", "3")
		self.settings(server_type, server, time_zone=LONDON, start_date=(now() - 40 * DAY).date())
		self.moments = [now() - 26 * HOUR, now() - 12 * HOUR]
		for moment in self.moments:
			world.punch("SN1", "1", moment)
		for user_id in others:
			world.punch("SN1", user_id, self.moments[1])
		sync()
		return world, server

	def corrected(self, server_type: str, server):
		self.settings(server_type, server, time_zone="", start_date=(now() - 40 * DAY).date())

	def rederive(self):
		preview = api.rederive_times("main")
		rederive.start("main")
		rederive.run("main")
		state = api.rederive_state("main")
		self.assertFalse(state["running"])
		return preview, state

	def test_kept_punches_and_their_check_ins_get_the_right_times(self):
		for server_type in SERVER_TYPES:
			with self.subTest(server_type):
				self.setUp()
				_world, server = self.wrong(server_type)
				wrong = sorted(time for _, time in checkins())
				self.assertEqual(len(wrong), 2)
				self.assertNotEqual(wrong, self.moments)
				self.corrected(server_type, server)
				preview, state = self.rederive()
				self.assertEqual((preview["events"], preview["check_ins"], preview["left"]), (2, 2, 0))
				self.assertEqual([row["after"] for row in preview["sample"]], self.moments)
				self.assertEqual(sorted(time for _, time in checkins()), self.moments)
				self.assertEqual((state["moved"], state["check_ins"]), (2, 2))
				again, state = self.rederive()
				self.assertEqual((again["events"], state["moved"]), (0, 0), "once")
				self.assertEqual(sorted(time for _, time in checkins()), self.moments)

	def test_the_shift_of_a_check_in_is_that_of_its_right_time(self):
		_world, server = self.wrong()
		first = self.moments[0]
		shift = factories.shift_type(
			(first - HOUR).strftime("%H:00:00"), (first + 2 * HOUR).strftime("%H:00:00")
		)
		employee = frappe.db.get_value("Employee", {"attendance_device_id": "1"})
		factories.shift_assignment(employee, shift, (first - 3 * DAY).date())
		self.corrected("eTimeTrackLite", server)
		self.rederive()
		filters = {"employee": employee, "time": first}
		self.assertEqual(frappe.db.get_value("Employee Checkin", filters, "shift"), shift)

	def test_nothing_is_used_while_times_move_where_the_first_punch_of_a_shift_is_in(self):
		world, server = self.office("eTimeTrackLite", "1")
		self.settings("eTimeTrackLite", server, time_zone="", direction_policy="First IN, Later OUT")
		times.note_moving("main", True)
		self.addCleanup(times.note_moving, "main", False)
		world.punch("SN1", "1", now() - HOUR)
		sync()
		self.assertEqual([event.status for event in events()], ["Pending"])
		times.note_moving("main", False)
		jobs.process()
		self.assertEqual([event.status for event in events()], ["Processed"])

	def test_times_move_until_those_of_each_server_are_right(self):
		_world, server = self.office("eTimeTrackLite")
		row = {
			"server_id": "branch-2",
			"server_type": "eTimeTrackLite",
			"endpoint_url": server.url,
			"api_user": "api",
		}
		self.settings("eTimeTrackLite", server, more_servers=[row])
		for name in ("main", "branch-2"):
			times.note_moving(name, True)
			self.addCleanup(times.note_moving, name, False)
		times.note_moving("main", False)
		self.assertTrue(times.are_moving())
		times.note_moving("branch-2", False)
		self.assertFalse(times.are_moving())

	def test_what_the_wrong_time_kept_from_being_used_is_decided_again(self):
		world, server = self.wrong()
		world.punch("SN1", "2", now() - MINUTE)
		sync()
		(event,) = events(device_user_id="2")
		self.assertEqual(event.reason_code, "Future Time")
		self.assertIn("before they were made", api.release_ahead(event.device)["doubt"])
		self.corrected("eTimeTrackLite", server)
		self.rederive()
		self.assertEqual(events(device_user_id="2")[0].status, "Processed")
		self.assertFalse(api.status()["clocks"], "the clock was right")

	def test_days_with_attendance_or_a_pay_slip_and_released_times_are_left_alone(self):
		_world, server = self.wrong("eTimeTrackLite", "2", "3")
		of = {event.device_user_id: event for event in events() if event.device_user_id != "1"}
		attendance = self.attend(of["2"])
		frappe.db.set_value(
			"Biometric Staging Event", of["3"].name, {"released_by": "Administrator", "released_at": now()}
		)
		before = checkins()
		self.corrected("eTimeTrackLite", server)
		preview, state = self.rederive()
		self.assertEqual((preview["events"], preview["left"]), (2, 1))
		(left,) = preview["days_left"]
		self.assertEqual(left["employee"], of["2"].employee)
		self.assertIn(attendance, left["why"])
		after = checkins()
		for user_id in ("2", "3"):
			self.assertEqual(
				[row for row in before if row[0] == user_id], [row for row in after if row[0] == user_id]
			)
		self.assertEqual(state["left"], 1)
		frappe.db.set_value("Employee Checkin", of["2"].employee_checkin, "attendance", None)
		frappe.db.delete("Attendance", {"name": attendance})
		self.pay(of["2"].employee)
		preview, _state = self.rederive()
		self.assertEqual((preview["events"], preview["left"]), (0, 1))
		self.assertIn("pay slip", preview["days_left"][0]["why"])

	def attend(self, event) -> str:
		"""An attendance that rests on the check-in of a punch."""
		made_at = frappe.db.get_value("Employee Checkin", event.employee_checkin, "time")
		attendance = self.mark(event.employee, made_at.date())
		frappe.db.set_value("Employee Checkin", event.employee_checkin, "attendance", attendance)
		return attendance

	def mark(self, employee: str, day: date) -> str:
		values = {"employee": employee, "attendance_date": day, "status": "Present", "docstatus": 1}
		document = frappe.get_doc({"doctype": "Attendance", "company": factories.company(), **values})
		document.name = factories.unique("ATT")
		document.db_insert()
		return document.name

	def at_night(self, *ids: str) -> date:
		"""Punches at 03:00 that are read as those of the morning after; returns the day on which their night begins."""
		world, server = self.office("eTimeTrackLite", *ids)
		self.settings("eTimeTrackLite", server, time_zone=LONDON, start_date=(now() - 40 * DAY).date())
		day = (now() - 3 * DAY).date()
		shift = factories.shift_type("22:00:00", "06:00:00")
		for user_id in ids:
			factories.shift_assignment(self.person(user_id), shift, day - 2 * DAY)
			world.punch("SN1", user_id, datetime.combine(day + DAY, time(3)))
		sync()
		self.corrected("eTimeTrackLite", server)
		return day

	def person(self, user_id: str) -> str:
		return frappe.db.get_value("Employee", {"attendance_device_id": user_id})

	def test_a_punch_that_comes_to_a_night_with_an_attendance_is_left_alone(self):
		day = self.at_night("1", "2")
		attendance = self.mark(self.person("1"), day)
		preview, state = self.rederive()
		self.assertEqual((preview["events"], preview["left"]), (1, 1))
		(left,) = preview["days_left"]
		self.assertEqual(left["employee"], self.person("1"))
		self.assertIn(attendance, left["why"])
		self.assertEqual((state["moved"], state["left"]), (1, 1))

	def test_a_shift_type_that_is_gone_keeps_nobody_from_the_right_times(self):
		day = self.at_night("1", "2")
		attendance = self.mark(self.person("1"), day)
		gone = factories.shift_type()
		frappe.db.set_value("Employee", self.person("2"), "default_shift", gone)
		frappe.db.delete("Shift Assignment", {"employee": self.person("2")})
		frappe.db.delete("Shift Type", {"name": gone})
		frappe.clear_cache(doctype="Shift Type")
		frappe.db.commit()  # nosemgrep -- as a person who did it
		preview, state = self.rederive()
		self.assertEqual((preview["events"], preview["left"]), (1, 1))
		self.assertIn(attendance, preview["days_left"][0]["why"])
		self.assertEqual((state["moved"], state["left"]), (1, 1))

	def pay(self, employee: str) -> None:
		days = {"start_date": (now() - 30 * DAY).date(), "end_date": (now() + 30 * DAY).date()}
		slip = frappe.get_doc({"doctype": "Salary Slip", "employee": employee, "docstatus": 1, **days})
		slip.name = factories.unique("SLIP")
		slip.db_insert()
		self.addCleanup(frappe.db.delete, "Salary Slip", {"name": slip.name})

	def test_reprocess_and_correct_mapping_do_not_use_a_wrong_time_once_more(self):
		_world, server = self.wrong()
		self.corrected("eTimeTrackLite", server)
		first, _second = events()
		frappe.delete_doc("Employee Checkin", first.employee_checkin)
		api.reprocess([first.name])
		jobs.process()
		self.assertIn(("1", self.moments[0]), checkins())
		days = (str((now() - 5 * DAY).date()), str((now() + DAY).date()))
		api.correct_mapping("1", *days, dry_run=0)
		jobs.process()
		self.assertEqual(sorted(time for _, time in checkins()), self.moments)

	def test_a_job_that_stops_goes_on_where_it_stopped(self):
		_world, server = self.wrong()
		self.corrected("eTimeTrackLite", server)
		with (
			patch.object(rederive, "CHUNK", 1),
			patch.object(jobs, "budget", lambda: in_turn(True, True, False)),
		):
			rederive.start("main")
			rederive.run("main")
		self.assertTrue(is_job_enqueued("biometric-times-main-1"))
		self.assertEqual(rederive.state("main")["moved"], 1)
		rederive.run("main", events()[0].name, 1)
		self.assertEqual(rederive.state("main")["moved"], 2)
		self.assertEqual(sorted(time for _, time in checkins()), self.moments)

	@contextmanager
	def lane_elsewhere(self):
		"""Another connection is deciding."""
		mine = frappe.local.db
		frappe.connect(set_admin_as_user=False)
		theirs, frappe.local.db = frappe.local.db, mine
		try:
			theirs.sql("SELECT GET_LOCK(%s, 0)", locks._full(locks.LANE))
			yield theirs
		finally:
			frappe.local.db = mine
			theirs.close()

	def test_what_a_sync_still_brings_by_the_former_zone_is_told_also_where_days_were_left_alone(self):
		world, server = self.wrong("eTimeTrackLite", "2")
		self.attend(events(device_user_id="2")[0])
		for event in events():
			frappe.db.set_value("Biometric Staging Event", event.name, "creation", now() - MINUTE)
		self.corrected("eTimeTrackLite", server)
		_preview, state = self.rederive()
		self.assertEqual(state["left"], 1)
		self.assertNotIn("former time zone", state["message"], "what was left alone was brought by no sync")
		with patch.object(jobs, "budget", lambda: in_turn(True, False)):
			rederive.run("main")
		world.punch("SN1", "1", now() - HOUR)
		self.settings("eTimeTrackLite", server, time_zone=LONDON)
		sync()
		self.corrected("eTimeTrackLite", server)
		rederive.run("main", events()[-1].name, 1)
		state = rederive.state("main")
		self.assertEqual(state["left"], 1)
		self.assertIn("former time zone", state["message"])

	def test_where_times_are_right_the_lane_is_asked_once_for_all_chunks(self):
		self.wrong()
		with (
			patch.object(rederive, "CHUNK", 1),
			patch.object(jobs, "process", wraps=jobs.process) as process,
		):
			rederive.run("main")
		self.assertEqual((process.call_count, rederive.state("main")["moved"]), (1, 0))

	def test_nothing_is_moved_while_the_lane_decides(self):
		_world, server = self.wrong()
		self.corrected("eTimeTrackLite", server)
		waited = []
		with self.lane_elsewhere() as theirs:

			def sleep(seconds):
				waited.append(seconds)
				theirs.sql(
					"SELECT RELEASE_ALL_LOCKS()"
				)  # at once: the end of a connection is noticed a while after

			with patch.object(rederive.time, "sleep", sleep):
				rederive.run("main")
		self.assertEqual(waited.count(rederive.PAUSE), 1)
		self.assertEqual(sorted(time for _, time in checkins()), self.moments)

	def test_a_job_that_finds_the_lane_taken_until_its_time_is_over_leaves_all_to_the_next_one(self):
		_world, server = self.wrong()
		self.corrected("eTimeTrackLite", server)
		before = checkins()
		with (
			self.lane_elsewhere(),
			patch.object(rederive.time, "sleep"),
			patch.object(jobs, "budget", lambda: in_turn(True, True, False)),
		):
			rederive.run("main")
		state = rederive.state("main")
		self.assertEqual((state["running"], state["part"], state["moved"]), (True, 1, 0))
		self.assertEqual(checkins(), before)
		rederive.run("main", "", 1)
		self.assertEqual(sorted(time for _, time in checkins()), self.moments)

	def test_a_time_zone_that_the_newest_punches_speak_against_is_asked_about(self):
		world, server = self.office("eTimeTrackLite", "1")
		world.punch("SN1", "1", now() - MINUTE)
		sync()
		site = frappe.utils.get_system_timezone()
		self.assertEqual(api.settings_doubts({"main": site}), [])
		self.assertEqual(api.settings_doubts({"main": ""}), [], "the zone of the site")
		(sentence,) = api.settings_doubts({"main": LONDON})
		self.assertIn("before they were made", sentence)
		self.assertIn(site, sentence)
		(sentence,) = api.settings_doubts(frappe.as_json({"main": "Asia/Tokyo"}))
		self.assertIn("after they were made", sentence)
		self.assertFalse(api.status()["servers"][0]["doubt"])
		self.settings("eTimeTrackLite", server, time_zone=LONDON)
		self.assertIn("before they were made", api.status()["servers"][0]["doubt"])

	def test_a_corrected_time_zone_says_that_kept_punches_wait_for_it(self):
		_world, server = self.wrong()
		frappe.clear_messages()
		self.corrected("eTimeTrackLite", server)
		said = " ".join(str(message) for message in frappe.get_message_log())
		self.assertIn("Re-derive Times", said)
		frappe.clear_messages()
		self.corrected("eTimeTrackLite", server)
		self.assertFalse(frappe.get_message_log())

	def test_who_may_not_set_up_may_not_move_times(self):
		self.wrong()
		calls = (
			lambda: api.rederive_times("main"),
			lambda: api.rederive_state("main"),
			lambda: api.settings_doubts({}),
		)
		with self.as_user("HR User"):
			for call in calls:
				with self.assertRaises(frappe.PermissionError):
					call()


def in_turn(*answers: bool):
	left = list(answers)
	return lambda: left.pop(0) if left else False
