"""The watermark of shift types: how far it is moved, what holds it back, who is told, and days about which HRMS is silent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from unittest.mock import patch

import frappe
from frappe.model.base_document import get_controller
from frappe.permissions import add_user_permission
from frappe.utils import get_datetime, getdate, now_datetime

from biometric_integration import api
from biometric_integration.core.watermark import AFTER
from biometric_integration.sync import jobs
from biometric_integration.sync.db import sql, transaction
from biometric_integration.sync.hrms import auto_attendance
from biometric_integration.sync.records import servers, staging
from biometric_integration.sync.workdays import held_back, judging, marks, notices, rows, silent, watermark
from biometric_integration.sync.workdays.marks import Mark, Scope
from biometric_integration.tests import factories
from biometric_integration.tests.integration.test_sight import other_company
from biometric_integration.tests.integration.test_workdays import FIRST, NOW, WorkdayTestCase, at, day

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
SHIFT, MARK, BY_CLOCK = auto_attendance.SHIFT, auto_attendance.MARK, auto_attendance.BY_CLOCK
START = datetime(2025, 5, 5)
CLOSES = datetime(2025, 5, 19, 19) + AFTER
"""Behind the last shift that is over."""
NOTICE = "Notification Log"


def user_of(role: str | None, company: str = "") -> str:
	"""Made once, as frappe refuses more than some users an hour."""
	email = f"watermark {role or 'nobody'} {company}@example.com".strip().replace(" ", "-").lower()
	if not frappe.db.exists("User", email):
		roles = [{"role": role}] if role else []
		values = {"email": email, "first_name": "Watermark", "send_welcome_email": 0, "roles": roles}
		frappe.get_doc({"doctype": "User", **values}).insert(ignore_permissions=True)
		if company:
			add_user_permission("Company", company, email, ignore_permissions=True)
	return email


class WatermarkTestCase(WorkdayTestCase):
	"""Layer A of the guard is in force, but where a test says otherwise. Shift types of other tests are nobody's."""

	def setUp(self) -> None:
		super().setUp()
		frappe.db.set_value(SHIFT, {"enable_auto_attendance": 1}, {"enable_auto_attendance": 0, MARK: None})
		for field in ("held_back_told", "hrms_runs"):
			frappe.db.set_single_value(servers.SETTINGS, field, "")
		frappe.db.delete(NOTICE, {"for_user": ("like", "watermark-%")})
		self.guard(True)
		self.addCleanup(patch.stopall)
		self.day = self.shift(last_sync_of_checkin=START)
		transaction.commit()

	def guard(self, is_in_force: bool) -> None:
		frappe.db.set_single_value(servers.SETTINGS, "guard", 1)
		patch.object(get_controller(SHIFT), "biometric_guard", is_in_force, create=True).start()

	def mark_of(self, shift: str) -> datetime:
		return get_datetime(frappe.db.get_value(SHIFT, shift, MARK))

	def move(self, now: datetime = NOW) -> datetime:
		watermark.move(judging.policy(now))
		return self.mark_of(self.day)

	@contextmanager
	def somebody(self, role: str | None) -> Iterator[None]:
		"""`frappe.only_for` lets everybody pass while `in_test` is set: take that away."""
		frappe.set_user(user_of(role))
		try:
			with patch.dict(frappe.flags, in_test=False):
				yield
		finally:
			frappe.set_user("Administrator")

	def held(self, device: str | None = None, number: int = 12, **values) -> str:
		"""Somebody's day of the shift that waits for a device."""
		employee = factories.employee(default_shift=self.day)
		closes = datetime.combine(day(number), datetime.min.time()) + 19 * HOUR
		usual = {"reason": "Device Missing", "held_by": device, "held_since": closes - 8 * HOUR}
		usual |= {"shift": self.day, "closes": closes}
		factories.workday(employee, day(number), **{"state": "Held", **usual, **values})
		transaction.commit()
		return employee


class TestMoving(WatermarkTestCase):
	def test_past_what_is_over_and_so_that_hrms_reads_it(self):
		frappe.get_cached_doc(SHIFT, self.day)
		modified = frappe.db.get_value(SHIFT, self.day, "modified")
		self.assertEqual(self.move(), CLOSES)
		self.assertEqual(frappe.db.get_value(SHIFT, self.day, "modified"), modified)
		self.assertEqual(frappe.get_cached_doc(SHIFT, self.day).get(MARK), CLOSES)
		self.assertEqual(watermark.targets(judging.policy(NOW)), {}, "and nothing is left to be moved")

	def test_hrms_marks_the_last_day_that_is_over(self):
		employee = factories.employee(default_shift=self.day)
		self.checkin(employee, at(19, 9))
		self.checkin(employee, at(19, 18))
		self.judge()
		self.assertEqual(self.move(), CLOSES)
		self.mark_by_hrms(self.day)
		written = frappe.get_all(
			"Attendance", {"employee": employee, "attendance_date": day(19)}, pluck="status"
		)
		self.assertEqual(written, ["Present"])

	def test_a_night_shift_as_far_as_hrms_itself_would(self):
		night = self.shift("22:00:00", "06:00:00", last_sync_of_checkin=START)
		watermark.move(judging.policy(NOW))
		self.assertEqual(self.mark_of(night), datetime(2025, 5, 20, 7) + AFTER)

	def test_forward_only(self):
		for mark in (NOW - HOUR, NOW + 3 * DAY):
			frappe.db.set_value(SHIFT, self.day, MARK, mark)
			self.assertEqual(self.move(), mark)
		self.assertFalse(auto_attendance.move_mark(self.day, NOW), "somebody was faster")
		self.assertEqual(self.mark_of(self.day), NOW + 3 * DAY)

	def test_never_where_nobody_set_a_start(self):
		for field in (MARK, "process_attendance_after"):
			frappe.db.set_value(
				SHIFT, self.day, {MARK: START, "process_attendance_after": FIRST, field: None}
			)
			self.assertEqual(watermark.targets(judging.policy(NOW)), {})
		frappe.db.set_value(SHIFT, self.day, {"process_attendance_after": FIRST, "enable_auto_attendance": 0})
		self.assertEqual(watermark.targets(judging.policy(NOW)), {})

	def test_not_where_hrms_moves_it_by_the_clock(self):
		if not frappe.get_meta(SHIFT).has_field(BY_CLOCK):
			self.skipTest("this HRMS has no such option")
		frappe.db.set_value(SHIFT, self.day, BY_CLOCK, 1)
		self.assertEqual(self.move(), START)

	def test_not_where_the_setting_is_off_or_nothing_is_read(self):
		frappe.db.set_single_value(servers.SETTINGS, "move_watermark", 0)
		self.assertEqual(self.move(), START)
		frappe.db.set_single_value(servers.SETTINGS, {"move_watermark": 1, "enabled": 0})
		self.assertEqual(self.move(), START)
		frappe.db.set_single_value(servers.SETTINGS, "enabled", 1)
		self.assertEqual(self.move(), CLOSES)

	def test_not_over_days_before_those_that_are_judged(self):
		frappe.db.set_value(SHIFT, self.day, {MARK: START - 4 * DAY, "process_attendance_after": day(2)})
		self.assertEqual(self.move(), START - 4 * DAY)
		self.assertIn("not judged", api.shift_type_state(self.day)["mark"])
		frappe.db.set_value(SHIFT, self.day, "process_attendance_after", FIRST)
		self.assertEqual(self.move(), CLOSES, "what HRMS does not mark is nobody's matter")

	def test_not_past_shifts_that_the_lane_has_not_closed(self):
		servers.keep_stamp("closed_until", at(8, 12))
		self.assertEqual(self.move(), at(7, 19) + AFTER)

	def test_not_past_days_that_wait_to_be_judged(self):
		"""Of those who have the shift by default, by the roster, or by a day that was judged; of many at once as well."""
		assigned, other = factories.employee(), factories.employee(default_shift=self.shift())
		factories.shift_assignment(assigned, self.day, day(5))
		had_it = factories.employee()
		factories.workday(had_it, day(9), "Marked", shift=self.day)
		for whose, reach in (
			(factories.employee(default_shift=self.day), at(7, 19)),
			(assigned, at(7, 19)),
			(had_it, at(7, 19)),
			(other, CLOSES - AFTER),
		):
			self.assert_reaches(Mark(Scope.EMPLOYEE, whose, day(8), day(10)), reach)
		self.assert_reaches(Mark(Scope.EMPLOYEE, assigned, day(1), day(4)), CLOSES - AFTER)
		for scope, whose in ((Scope.SHIFT_TYPE, self.day), (Scope.EVERYBODY, ""), (Scope.DEVICE, "x")):
			self.assert_reaches(Mark(scope, whose, day(8), date.max), at(7, 19))
		self.assert_reaches(Mark(Scope.SHIFT_TYPE, self.shift(), day(8), date.max), CLOSES - AFTER)

	def assert_reaches(self, mark: Mark, closes: datetime) -> None:
		frappe.db.delete(marks.DOCTYPE)
		frappe.db.set_value(SHIFT, self.day, MARK, START)
		marks.add([mark])
		self.assertEqual(self.move(), closes + AFTER, mark)

	def test_somebody_whose_days_cannot_be_judged_delays_nobody_for_ever(self):
		employee = factories.employee(default_shift=self.day)
		marks.add([Mark(Scope.EMPLOYEE, employee, day(12), day(30))])
		marks.put_off(frappe.get_all(marks.DOCTYPE, pluck="name"), NOW + HOUR)
		self.guard(False)
		self.assertEqual(self.move(), at(16, 19) + AFTER, "the day after is waited for until midnight")
		self.guard(True)
		self.assertEqual(self.move(), CLOSES)

	def test_by_the_job_after_each_judging(self):
		today = getdate()
		factories.settings(
			server_type="eTimeTrackLite",
			endpoint_url="http://127.0.0.1:9",
			api_user="api",
			start_date=FIRST,
			workdays_from=today - 3 * DAY,
			closed_until=now_datetime(),
			swept_at=now_datetime(),
		)
		start = datetime.combine(today - 2 * DAY, datetime.min.time())
		frappe.db.set_value(SHIFT, self.day, {MARK: start, "process_attendance_after": today - 2 * DAY})
		jobs.workdays()
		self.assertGreater(self.mark_of(self.day), start + DAY)


class TestHoldingBack(WatermarkTestCase):
	def test_a_dead_device_delays_nobody_else_where_hrms_leaves_its_days_out(self):
		self.held(factories.device("SN-DEAD"), 12)
		self.assertEqual(self.move(), CLOSES)

	def test_where_it_does_not_a_day_is_waited_for_as_long_as_it_is_held(self):
		self.guard(False)
		self.held(factories.device("SN-DEAD"), 12)
		self.assertEqual(self.move(), at(9 + 2, 19) + AFTER)
		frappe.db.set_value(
			rows.DOCTYPE, {"shift": self.day}, {"state": "To Settle", "reason": "Device Silent"}
		)
		self.assertEqual(self.move(), CLOSES, "for To Settle it is never waited")

	def test_so_it_is_where_the_guard_is_off(self):
		self.held(factories.device("SN-DEAD"), 12)
		frappe.db.set_single_value(servers.SETTINGS, "guard", 0)
		self.addCleanup(frappe.db.set_single_value, servers.SETTINGS, "guard", 1)
		self.assertEqual(self.move(), at(11, 19) + AFTER)

	def test_what_was_not_read_is_waited_for_at_most_as_long_as_the_settings_say(self):
		self.guard(False)
		self.held(None, 18, state="Open", reason="Not Read Yet")
		self.assertEqual(self.move(), at(17, 19) + AFTER)
		servers.keep_stamp("closed_until", at(22, 12))
		self.assertEqual(self.move(at(21, 12)), at(17, 19) + AFTER)
		self.assertEqual(self.move(at(22, 12)), at(21, 19) + AFTER, "three days are over")

	def test_holidays_do_not_count(self):
		self.guard(False)
		servers.keep_stamp("closed_until", at(22, 12))
		frappe.db.set_value(SHIFT, self.day, "holiday_list", factories.holidays(day(19), day(20)))
		self.held(None, 18, state="Open", reason="Not Read Yet")
		self.assertEqual(self.move(at(22, 12)), at(17, 19) + AFTER)

	def test_punches_that_nobody_has_decided_about(self):
		device = factories.device("SN-A")
		values = {
			"device": device,
			"kind": "Punch",
			"status": "Pending",
			"reason_code": "",
			"punch_time": at(19, 18),
		}
		name = f"{at(19, 18):%Y%m%d%H%M%S}-{frappe.generate_hash(length=20)}"
		row = {"name": name, "creation": NOW, **values}
		sql.insert(staging.DOCTYPE, tuple(row), [tuple(row.values())])
		self.guard(False)
		self.assertEqual(self.move(), at(17, 19) + AFTER, "the one before may be a night that ends with it")
		for status in ("Unmapped", "Ignored", "Quarantined"):
			frappe.db.set_value(SHIFT, self.day, MARK, START)
			frappe.db.set_value(staging.DOCTYPE, name, "status", status)
			self.assertEqual(self.move(), CLOSES, status)

	def test_a_day_of_another_shift_holds_nothing_back(self):
		self.guard(False)
		self.held(None, 12, shift=self.shift())
		self.assertEqual(self.move(), CLOSES)


class TestHeldBackBy(WatermarkTestCase):
	def setUp(self) -> None:
		super().setUp()
		self.now = now_datetime().replace(microsecond=0)
		self.gate = factories.device("SN-GATE", "Gate")

	def waits(self, days: float = 2, device: str | None = None, **values) -> str:
		"""Somebody's day that closed so long ago."""
		closes = self.now - days * DAY
		employee = factories.employee(default_shift=self.day)
		usual = {"reason": "Device Missing", "held_by": device or self.gate, "held_since": closes - HOUR}
		values = {"state": "Held", **usual, "shift": self.day, "closes": closes, **values}
		factories.workday(employee, closes.date(), **values)
		transaction.commit()
		return employee

	def test_the_shift_type_names_the_device_the_people_and_since_when(self):
		for days in (1, 2, 2):
			self.waits(days)
		self.waits(shift=self.shift())
		(found,) = api.shift_type_state(self.day)["held_back"]
		self.assertEqual((found["label"], found["people"], found["doctype"]), ("Gate", 3, "Biometric Device"))
		self.assertEqual(found["since"], self.now - 2 * DAY)
		self.assertEqual(found["heard"], self.now - 2 * DAY - HOUR)
		self.assertEqual(len(frappe.get_all(rows.DOCTYPE, found["filters"])), 3)
		for words in ("3 people", "Not heard from since"):
			self.assertIn(words, found["message"])
		self.assertEqual([one["people"] for one in api.status()["held_back"]], [4])

	def test_days_that_are_not_waited_for_any_longer_count_in_the_same_silence(self):
		self.waits(1, held_since=self.now - 9 * DAY)
		self.waits(6, state="To Settle", reason="Device Silent", held_since=self.now - 9 * DAY)
		self.waits(20, state="To Settle", reason="Device Silent")
		(found,) = held_back.causes(self.now)
		self.assertEqual((found.people, found.since), (2, self.now - 6 * DAY))

	def test_a_server_that_cannot_be_read_is_named_in_place_of_its_devices(self):
		self.waits()
		self.waits(device=factories.device("SN-DOCK"))
		state = {"doctype": servers.STATE, "name": "main", "failures": 3, "error": "No answer."}
		frappe.get_doc(state).insert(ignore_permissions=True)
		(found,) = api.shift_type_state(self.day)["held_back"]
		self.assertEqual((found["doctype"], found["name"], found["people"]), (servers.STATE, "main", 2))
		self.assertIn("No answer.", found["message"])

	def test_devices_that_were_not_read_past_the_end_of_a_day(self):
		employee = self.waits(state="Open", reason="Not Read Yet", held_by=None, held_since=None)
		row = frappe.get_last_doc(rows.DOCTYPE, {"employee": employee})
		begin = get_datetime(row.closes) - 9 * HOUR
		frappe.db.set_value(rows.DOCTYPE, row.name, "first_in", begin)
		values = {"employee": employee, "device": self.gate, "punch_time": begin, "status": "Processed"}
		name = f"{begin:%Y%m%d%H%M%S}-{frappe.generate_hash(length=20)}"
		row = {"name": name, "creation": NOW, "kind": "Punch", **values}
		sql.insert(staging.DOCTYPE, tuple(row), [tuple(row.values())])
		transaction.commit()
		(found,) = api.shift_type_state(self.day)["held_back"]
		self.assertEqual((found["label"], found["people"], found["heard"]), ("Gate", 1, None))
		self.assertEqual(len(frappe.get_all(rows.DOCTYPE, found["filters"])), 1)

	def test_whom_the_user_does_not_see_is_not_counted(self):
		self.waits()
		self.waits()
		theirs = self.waits()
		frappe.db.set_value("Employee", theirs, "company", other_company())
		user = user_of("HR Manager", other_company())
		frappe.set_user(user)
		self.assertEqual([one["people"] for one in api.status()["held_back"]], [1])
		frappe.set_user("Administrator")

	def test_only_who_may_read_shift_types_is_told(self):
		with self.somebody(None):
			for method in (api.shift_type_state, api.leave_the_clock):
				self.assertRaises(frappe.PermissionError, method, self.day)

	# --- notices

	def told(self, user: str) -> list[str]:
		return frappe.get_all(NOTICE, {"for_user": user}, pluck="subject", order_by="creation asc")

	def tell(self, now: datetime | None = None) -> None:
		transaction.in_one(lambda: notices.tell(now or self.now))

	def test_hr_is_told_after_a_day_and_who_runs_the_site_after_three(self):
		manager, admin = user_of("HR Manager"), user_of("System Manager")
		self.waits(0.2)
		self.tell()
		self.assertEqual((self.told(manager), self.told(admin)), ([], []))
		self.tell(self.now + 2 * DAY)
		(subject,) = self.told(manager)
		self.assertIn("Gate", subject)
		self.assertIn("one person", subject)
		self.assertEqual(self.told(admin), [])
		self.tell(self.now + 5 * DAY)
		self.assertEqual((len(self.told(manager)), len(self.told(admin))), (2, 1))

	def test_once_until_it_is_over_and_comes_again(self):
		manager = user_of("HR Manager")
		self.waits(2)
		for _hour in range(3):
			self.waits(1.9)
			self.tell()
		self.assertEqual(len(self.told(manager)), 1)
		frappe.db.delete(rows.DOCTYPE)
		self.tell()
		self.waits(2)
		self.tell()
		self.assertEqual(len(self.told(manager)), 2)

	def test_a_server_that_fails_is_no_news_of_a_device_that_was_told_of(self):
		manager = user_of("HR Manager")
		self.waits(2)
		self.tell()
		state = {"doctype": servers.STATE, "name": "main", "failures": 3, "error": "No answer."}
		frappe.get_doc(state).insert(ignore_permissions=True)
		self.tell()
		self.assertEqual(len(self.told(manager)), 1)

	def test_a_factory_that_is_shut_asks_nobody(self):
		if frappe.db.exists("DocType", "Holiday List Assignment"):
			self.skipTest("this HRMS takes holidays from assignments")
		manager, shut = user_of("HR Manager"), [getdate() - number * DAY for number in range(-5, 5)]
		employee = self.waits(3.5)
		frappe.db.set_value("Employee", employee, "holiday_list", factories.holidays(*shut))
		self.tell()
		self.assertEqual(self.told(manager), [])

	def test_each_is_told_the_number_of_those_whom_they_see(self):
		theirs, ours = (user_of("HR Manager", one) for one in (other_company(), factories.company()))
		nobodys = user_of("HR Manager", self.empty_company())
		frappe.db.set_value("Employee", self.waits(2), "company", other_company())
		self.waits(2)
		self.waits(2)
		self.tell()
		self.assertIn("one person", self.told(theirs)[0])
		self.assertIn("2 people", self.told(ours)[0])
		self.assertEqual(self.told(nobodys), [])

	def empty_company(self) -> str:
		name = "Biometric Empty Company"
		if not frappe.db.exists("Company", name):
			values = {"company_name": name, "abbr": "BEC", "default_currency": "INR", "country": "India"}
			holidays = factories.holiday_list()
			frappe.get_doc({"doctype": "Company", "default_holiday_list": holidays, **values}).insert()
		return name

	def test_the_scheduler_tells(self):
		manager = user_of("HR Manager")
		self.waits(2)
		jobs.tell_of_held_back()
		self.assertEqual(len(self.told(manager)), 1)


class TestTheClock(WatermarkTestCase):
	def setUp(self) -> None:
		super().setUp()
		if not frappe.get_meta(SHIFT).has_field(BY_CLOCK):
			self.skipTest("this HRMS has no such option")
		frappe.db.set_value(SHIFT, self.day, BY_CLOCK, 1)

	def test_it_is_told_of_and_turned_off_by_a_button(self):
		self.assertTrue(api.shift_type_state(self.day)["by_clock"])
		self.assertEqual(api.status()["by_clock"], [self.day])
		with self.somebody("HR Manager"):
			self.assertIn("read and judged", api.leave_the_clock(self.day)["message"])
		self.assertFalse(frappe.db.get_value(SHIFT, self.day, BY_CLOCK))
		self.assertEqual(self.mark_of(self.day), START)
		self.assertEqual(api.status()["by_clock"], [])
		self.assertEqual(api.shift_type_state(self.day)["by_clock"], "")

	def test_where_hrms_had_not_begun_nothing_counts_as_marked(self):
		frappe.db.set_value(SHIFT, self.day, MARK, None)
		api.leave_the_clock(self.day)
		self.assertEqual(self.mark_of(self.day), datetime.combine(FIRST, datetime.min.time()))

	def test_not_by_who_may_not_write_shift_types(self):
		for role in ("HR User", "System Manager"):
			with self.somebody(role):
				self.assertRaises(frappe.PermissionError, api.leave_the_clock, self.day)
		self.assertTrue(frappe.db.get_value(SHIFT, self.day, BY_CLOCK))


class TestSilence(WatermarkTestCase):
	"""HRMS's job runs as the scheduler runs it, and cannot write."""

	def setUp(self) -> None:
		super().setUp()
		job = frappe.get_doc("Scheduled Job Type", {"method": auto_attendance.JOB})
		self.job = job
		frappe.db.set_value(SHIFT, self.day, MARK, CLOSES)
		self.employee = factories.employee(default_shift=self.day)
		self.checkin(self.employee, at(12, 9))
		self.checkin(self.employee, at(12, 18))
		self.judge()
		self.assertEqual(self.says(self.employee, 12), ("Complete", ""))
		self.is_older(HOUR)

	def is_older(self, age: timedelta) -> None:
		since = now_datetime() - age
		frappe.db.set_value(
			rows.DOCTYPE, {"employee": self.employee}, "modified", since, update_modified=False
		)
		transaction.commit()

	def run_hrms(self, at_time: datetime | None = None) -> None:
		self.job.reload()
		self.job.execute()
		if at_time:
			frappe.db.set_value("Scheduled Job Type", self.job.name, "last_execution", at_time)
		transaction.in_one(silent.note_run)

	def find(self, after: timedelta = HOUR) -> int:
		return transaction.in_one(lambda: silent.find(now_datetime() + after))

	def ran_twice(self) -> bool:
		"""Is HRMS silent about the day then?"""
		with patch.object(get_controller(SHIFT), "process_auto_attendance"):
			self.run_hrms(now_datetime() - 30 * MINUTE)
			self.run_hrms(now_datetime() - 20 * MINUTE)
		self.find()
		return self.says(self.employee, 12) == ("To Settle", "HRMS Silent")

	def test_a_day_that_hrms_leaves_out_twice_is_for_a_person(self):
		refused = frappe.ValidationError("as a rule of the site may say")
		with patch.object(get_controller("Attendance"), "insert", side_effect=refused):
			for _run in range(2):
				frappe.db.set_value(
					"Employee Checkin", {"employee": self.employee}, "skip_auto_attendance", 0
				)
				self.assertEqual(self.find(), 0)
				self.run_hrms()
		self.assertEqual(self.find(timedelta(0)), 0, "the second run may not be over")
		self.assertGreater(self.find(), 0)
		self.assertEqual(self.says(self.employee, 12), ("To Settle", "HRMS Silent"))
		shown = frappe.get_doc(rows.DOCTYPE, {"employee": self.employee, "date": day(12)})
		shown.onload()
		self.assertIn("run twice", shown.get_onload("sentence"))
		self.assertEqual(self.find(), 0)

	def test_it_is_complete_when_judged_again_and_stays_with_the_person(self):
		self.assertTrue(self.ran_twice())
		self.look(self.employee)
		self.assertEqual(self.says(self.employee, 12), ("To Settle", "HRMS Silent"), "nothing has changed")
		lane = judging.Lane(judging.policy(NOW))
		(row,) = lane.derived({self.employee: (day(12), day(12))}).values()
		self.assertEqual((row["state"], row["reason"]), ("Complete", ""))
		self.checkin(self.employee, at(12, 18, 30))
		self.judge()
		self.assertEqual(self.says(self.employee, 12), ("Complete", ""), "it begins anew")

	def test_what_hrms_writes_later_is_marked(self):
		self.assertTrue(self.ran_twice())
		self.mark_by_hrms(self.day)
		self.judge()
		self.assertEqual(self.says(self.employee, 12), ("Marked", ""))

	def test_not_where_the_day_is_complete_since_a_moment_ago(self):
		self.is_older(timedelta(0))
		self.assertFalse(self.ran_twice())

	def test_not_where_the_mark_has_not_passed_its_close(self):
		frappe.db.set_value(SHIFT, self.day, MARK, at(12, 19))
		self.assertFalse(self.ran_twice())
		frappe.db.set_value(SHIFT, self.day, MARK, CLOSES)
		self.assertEqual(self.find(), 0, "it had not when the runs began")

	def test_not_while_its_person_waits_to_be_judged(self):
		marks.add([marks.of_employee(self.employee, FIRST)])
		self.assertFalse(self.ran_twice())

	def test_what_can_be_told_of_it(self):
		for values, words in (
			({"enable_auto_attendance": 0}, "Auto Attendance is off"),
			(
				{"process_attendance_after": day(13)},
				f"Process Attendance After is {frappe.format(day(13), 'Date')}",
			),
			({MARK: None}, "Nobody has set Last Sync of Checkin"),
			({}, "Inactive"),
		):
			with self.subTest(words):
				usual = {"enable_auto_attendance": 1, "process_attendance_after": FIRST, MARK: CLOSES}
				frappe.db.set_value(SHIFT, self.day, {**usual, **values})
				status = "Active" if values else "Inactive"
				frappe.db.set_value("Employee", self.employee, "status", status)
				used = self.shift()
				frappe.db.set_value(
					rows.DOCTYPE, {"employee": self.employee}, {"state": "Complete", "reason": ""}
				)
				frappe.db.set_single_value(servers.SETTINGS, "hrms_runs", "")
				self.is_older(HOUR)
				self.assertTrue(self.ran_twice())
				shown = frappe.get_doc(rows.DOCTYPE, {"employee": self.employee, "date": day(12)})
				shown.onload()
				self.assertIn(words, shown.get_onload("sentence"))
				frappe.db.set_value(SHIFT, used, "enable_auto_attendance", 0)

	def test_who_does_not_leave_it_to_hrms_is_not_bothered(self):
		frappe.db.set_value(SHIFT, self.day, "enable_auto_attendance", 0)
		self.assertFalse(self.ran_twice(), "nobody does")
		self.shift()
		frappe.db.set_value(SHIFT, self.day, MARK, None)
		self.assertFalse(self.ran_twice(), "others do, of this shift nobody ever did")

	def test_where_the_app_writes_it_only_what_stays_with_hrms(self):
		self.shift()
		frappe.db.set_value(SHIFT, self.day, "enable_auto_attendance", 0)
		frappe.db.set_single_value(servers.SETTINGS, "output", "Attendance")
		self.assertFalse(self.ran_twice())

	def test_hrms_that_never_runs_is_no_silence(self):
		frappe.db.set_value("Scheduled Job Type", self.job.name, "last_execution", None)
		transaction.in_one(silent.note_run)
		self.assertEqual(self.find(), 0)
