"""*Repair*: what was written wrongly goes, what is right is written, and what stands over a day keeps it as it is."""

from __future__ import annotations

from datetime import date, datetime
from unittest.mock import patch

import pymysql

import frappe

from biometric_integration import api
from biometric_integration.sync.db import locks
from biometric_integration.sync.desk import settle
from biometric_integration.sync.workdays import repair, sweep
from biometric_integration.tests import factories
from biometric_integration.tests.integration.test_workdays import FIRST, NOW, WorkdayTestCase, at, day

ABSENT, PRESENT = "Absent", "Present"


class RepairTestCase(WorkdayTestCase):
	def stands(self, doctype: str, employee: str, number: int, **values) -> str:
		"""A submitted leave or request over the day, without what HRMS does at it."""
		about = {"employee": employee, "from_date": day(number), "to_date": day(number), "docstatus": 1}
		document = frappe.get_doc({"doctype": doctype, "name": factories.unique("OVER"), **about, **values})
		document.db_insert()
		self.addCleanup(frappe.db.delete, doctype, {"name": document.name})
		return document.name

	def late(self) -> tuple[str, str]:
		"""Marked Absent for one punch; the other one came later."""
		employee, shift = self.punched_late()
		self.mark_by_hrms(shift)  # which sets the late one aside
		sweep.sweep(FIRST, NOW)
		self.judge()
		return employee, shift

	def names(self, employee: str, *numbers: int) -> list[str]:
		of = {"employee": employee}
		if numbers:
			of["date"] = ("in", [day(number) for number in numbers])
		return frappe.get_all("Biometric Workday", of, pluck="name")

	def ask(self, names, dry_run: bool = True, what: str = "Repair", now: datetime = NOW, **values) -> dict:
		frappe.db.commit()  # nosemgrep -- as a request begins
		return settle.ask(names, what, "" if dry_run else "was wrong", values, dry_run, now)

	def repair(self, employee: str, *numbers: int) -> list[dict]:
		return self.ask(self.names(employee, *numbers), dry_run=False)["days"]

	def attendance(self, employee: str, number: int | None = None) -> list[tuple]:
		of = {"employee": employee, "docstatus": 1}
		if number:
			of["attendance_date"] = day(number)
		rows = frappe.get_all(
			"Attendance", of, ["attendance_date", "status", "working_hours", "shift"], order_by="creation asc"
		)
		return [(row.status, row.working_hours, row.shift) for row in rows]

	def absent(self, employee: str, number: int, shift: str) -> str:
		"""As HRMS's job writes one for lack of check-ins."""
		absent = self.by_hand(employee, number, shift=shift)
		absent.add_comment(text="Employee was marked Absent due to missing Employee Checkins.")
		return absent.name

	def by_hand(self, employee: str, number: int, status: str = ABSENT, **values):
		record = frappe.get_doc(
			{
				"doctype": "Attendance",
				"employee": employee,
				"attendance_date": day(number),
				"status": status,
				"company": factories.company(),
				**values,
			}
		)
		record.submit()
		return record

	def slip(self, employee: str) -> str:
		name = factories.unique("SLIP")
		frappe.db.sql(
			"""INSERT INTO `tabSalary Slip` (`name`, `employee`, `start_date`, `end_date`, `docstatus`, `creation`, `modified`)
			VALUES (%s, %s, %s, %s, 1, %s, %s)""",
			(name, employee, day(1), day(31), at(18, 9), at(18, 9)),
		)
		return name

	def everything(self) -> list:
		"""All that a repair may change."""
		return [
			frappe.db.sql(f"SELECT * FROM `tab{doctype}` ORDER BY `name`")
			for doctype in ("Attendance", "Employee Checkin", "Biometric Workday", "Biometric Decision")
		]


class TestRepair(RepairTestCase):
	def test_an_absent_for_a_punch_that_came_late_becomes_a_full_day_and_hrms_agrees(self):
		for output in ("Employee Checkin", "Attendance"):
			with self.subTest(output):
				frappe.db.set_single_value("Biometric Sync Settings", "output", output)
				frappe.clear_document_cache("Biometric Sync Settings")
				employee, shift = self.late()
				self.assertEqual(self.says(employee, 6), ("To Settle", "Late Punch"))
				(done,) = self.repair(employee, 6)
				self.assertEqual((done["does"], done["state"]), ("written", "Complete"))
				self.assertEqual(self.attendance(employee, 6), [(PRESENT, 9.0, shift)])
				self.assertEqual(self.says(employee, 6), ("Marked", ""))
				checkins = frappe.get_all(
					"Employee Checkin", {"employee": employee}, ["attendance", "skip_auto_attendance"]
				)
				self.assertEqual(
					{(row.attendance, row.skip_auto_attendance) for row in checkins}, {(done["record"], 0)}
				)
				self.mark_by_hrms(shift)
				sweep.sweep(FIRST, NOW)
				self.judge()
				self.assertEqual(self.attendance(employee, 6), [(PRESENT, 9.0, shift)])
				self.assertEqual(self.says(employee, 6), ("Marked", ""))

	def test_looking_changes_nothing_and_says_what_will_be(self):
		employee, _shift = self.late()
		before = self.everything()
		(shown,) = self.ask(self.names(employee, 6))["days"]
		self.assertEqual(self.everything(), before)
		self.assertEqual(
			[(one["status"], one["hours"]) for one in shown["written"]], [(ABSENT, 0.0)], "what is written"
		)
		self.assertEqual((shown["does"], shown["right"]), ("written", {"status": PRESENT, "hours": 9.0}))
		(done,) = self.repair(employee, 6)
		for key in ("workday", "right", "state", "does", "why"):
			self.assertEqual(shown[key], done[key], key)

	def test_the_reason_stays_with_what_was_cancelled(self):
		employee, _shift = self.late()
		(cancelled,) = frappe.get_all(
			"Attendance", {"employee": employee, "attendance_date": day(6)}, pluck="name"
		)
		with self.assertRaises(frappe.ValidationError):
			settle.ask(self.names(employee, 6), "Repair", " ", None, False, NOW)
		self.repair(employee, 6)
		self.assertEqual(frappe.db.get_value("Attendance", cancelled, "docstatus"), 2)
		comments = frappe.get_all(
			"Comment", {"reference_name": cancelled, "comment_type": "Info"}, pluck="content"
		)
		self.assertTrue(any("was wrong" in words for words in comments), comments)

	def test_a_day_that_is_not_complete_after_it_is_not_written_and_the_answer_says_why(self):
		shift = self.shift(working_hours_threshold_for_absent=2)
		employee = factories.employee(default_shift=shift)
		self.checkin(employee, at(6, 9))
		self.mark_by_hrms(shift)
		self.judge()
		self.assertEqual(self.attendance(employee, 6), [(ABSENT, 0.0, shift)])
		(done,) = self.repair(employee, 6)
		self.assertEqual((done["does"], done["state"], done["right"]), ("taken_back", "To Settle", None))
		self.assertIn("09:00", done["sentence"])
		self.assertEqual(self.attendance(employee, 6), [])
		self.assertEqual(self.says(employee, 6), ("To Settle", "Missing Punch"))

	def test_two_absents_on_one_date_become_one_right_record(self):
		dayshift, night = self.shift("08:00:00", "17:00:00"), self.shift("20:00:00", "05:00:00")
		employee = factories.employee(default_shift=dayshift)
		factories.shift_assignment(employee, night, day(6), day(6))
		for shift in (dayshift, night):
			self.absent(employee, 6, shift)
		self.checkin(employee, at(6, 20))
		self.checkin(employee, at(7, 5))
		self.judge()
		self.assertEqual(sorted(status for status, *_rest in self.attendance(employee, 6)), [ABSENT, ABSENT])
		shown = self.ask(self.names(employee, 6))["days"]
		done = self.repair(employee, 6)
		self.assertEqual([row["does"] for row in shown], [row["does"] for row in done])
		self.assertEqual(self.attendance(employee, 6), [(PRESENT, 9.0, night)])
		self.assertEqual(
			[(row.state, row.shift) for row in self.rows(employee, date=day(6))], [("Marked", night)]
		)

	def test_a_night_of_an_inactive_assignment_counts_after_it(self):
		night = self.shift("22:00:00", "06:00:00")
		employee = factories.employee()
		assignment = factories.shift_assignment(employee, night, day(7), day(13))
		frappe.db.set_value("Shift Assignment", assignment, "status", "Inactive")
		self.checkin(employee, at(13, 21, 55))
		self.checkin(employee, at(14, 6, 5))
		self.judge()
		self.assertEqual(self.says(employee, 13), ("To Settle", "Roster Changed"), "not by itself")
		(shown,) = self.ask(self.names(employee, 13))["days"]
		(done,) = self.repair(employee, 13)
		self.assertEqual(shown["right"], done["right"])
		self.assertEqual(self.attendance(employee, 13), [(PRESENT, 8.17, night)])
		self.assertEqual(self.says(employee, 13), ("Marked", ""))
		noted = frappe.get_all("Employee Checkin", {"employee": employee}, ["shift", "shift_start"])
		self.assertEqual({(row.shift, row.shift_start) for row in noted}, {(night, at(13, 22))})

	def test_the_day_after_goes_with_a_night_of_which_it_holds_the_end(self):
		dayshift, night = self.shift("06:30:00", "15:00:00"), self.shift("22:00:00", "06:00:00")
		employee = factories.employee(default_shift=dayshift)
		self.checkin(employee, at(6, 22))
		self.checkin(employee, at(7, 6))
		self.mark_by_hrms(dayshift)
		self.assertEqual(len(self.attendance(employee, 7)), 1, "HRMS took the end of the night for a day")
		factories.shift_assignment(employee, night, day(6), day(7))
		self.judge()
		shown = self.ask(self.names(employee, 6))["days"]
		done = self.repair(employee, 6)
		self.assertEqual([row["does"] for row in shown], [row["does"] for row in done])
		self.assertEqual(self.attendance(employee, 6), [(PRESENT, 8.0, night)])
		self.assertNotIn((night, PRESENT), self.attendance(employee, 7))
		(second,) = [row for row in done if row["date"] == day(7)]
		self.assertEqual(second["written"][0]["status"], PRESENT)
		self.assertNotEqual(second["does"], "refused")

	def test_a_half_day_leave_whose_other_half_was_written_ahead_is_opened_again_and_written_when_it_is_over(
		self,
	):
		if not frappe.get_meta("Attendance").has_field("modify_half_day_status"):
			self.skipTest("this HRMS does not say what the other half is")
		shift = self.shift()
		employee = factories.employee(default_shift=shift)
		for number in (5, 6):
			self.checkin(employee, at(number, 9))
			self.checkin(employee, at(number, 18))
		factories.leave(employee, day(21), day(21), half_day=1, half_day_date=day(21))
		(record,) = frappe.get_all(
			"Attendance", {"employee": employee, "attendance_date": day(21)}, pluck="name"
		)
		fields = ["half_day_status", "modify_half_day_status", "docstatus"]
		opened = frappe.db.get_value("Attendance", record, fields)
		frappe.get_doc("Shift Type", shift).mark_absent_for_half_day_dates(employee)
		if frappe.db.get_value("Attendance", record, fields) == opened:
			self.skipTest("this HRMS waits until the day is over")
		self.assertEqual(frappe.db.get_value("Attendance", record, fields), (ABSENT, 0, 1))
		self.look(employee)
		self.assertEqual(self.says(employee, 21), ("To Settle", "Marked Ahead of Time"))
		(done,) = self.repair(employee, 21)
		self.assertEqual(done["does"], "taken_back")
		self.assertEqual(frappe.db.get_value("Attendance", record, fields), opened)
		self.checkin(employee, at(21, 9))
		self.checkin(employee, at(21, 18))
		later = at(22, 12)
		self.judge(later)
		(shown,) = self.ask(self.names(employee, 21), now=later)["days"]
		self.assertEqual(shown["does"], "written")
		self.ask(self.names(employee, 21), dry_run=False, now=later)
		self.assertEqual(frappe.db.get_value("Attendance", record, fields), (PRESENT, 0, 1))
		self.assertEqual(frappe.db.count("Attendance", {"employee": employee, "attendance_date": day(21)}), 1)

	def test_sixteen_hours_over_two_shifts_are_repaired_as_one_day_that_counts_them(self):
		shift = self.shift("06:00:00", "14:00:00")
		employee = factories.employee(default_shift=shift)
		self.checkin(employee, at(8, 6))
		self.checkin(employee, at(8, 22))
		self.mark_by_hrms(shift)
		self.judge()
		name = self.names(employee, 8)
		self.ask(name, False, "Count Outside Punch")
		self.assertEqual(self.attendance(employee, 8), [(PRESENT, 16.0, shift)])
		self.assertEqual(self.row(employee, 8).overtime, 8.0)

	def test_many_days_of_many_people_by_jobs_that_can_be_stopped(self):
		people = [self.late()[0] for _each in range(2)]
		names = [name for employee in people for name in self.names(employee, 6)]
		frappe.db.commit()  # nosemgrep -- as a request begins
		arguments = {"what": "Repair", "reason": "was wrong", "values": {}, "names": names}
		with patch.object(settle, "CHUNK", 1), patch.object(frappe, "enqueue") as asked:
			with patch.object(settle, "FEW", 0):
				key = settle.ask(names, "Repair", "was wrong", None, False)["key"]
			settle.run(key, **arguments)
			(later,) = [call for call in asked.call_args_list if call.kwargs.get("part") == 1]
			self.assertEqual(sum(bool(self.attendance(who, 6)[0][0] == PRESENT) for who in people), 1)
			settle.stop(key)
			settle.run(key, **{**arguments, "names": later.kwargs["names"]}, part=1)
		self.assertIn("Stopped by", settle.state(key)["message"])
		self.assertEqual(sum(bool(self.attendance(who, 6)[0][0] == PRESENT) for who in people), 1)
		frappe.cache.delete_value(settle._stopped(key))
		settle.run(key, **{**arguments, "names": later.kwargs["names"]}, part=1)
		self.assertEqual([self.attendance(who, 6)[0][0] for who in people], [PRESENT, PRESENT])
		self.assertEqual(settle.state(key)["counts"]["written"], 2)


class TestWhatStandsOverADay(RepairTestCase):
	def refused(self, employee: str, *words: str) -> None:
		before = self.everything()
		(shown,) = self.ask(self.names(employee, 6))["days"]
		(done,) = self.repair(employee, 6)
		self.assertEqual(self.everything(), before)
		for answer in (shown, done):
			self.assertEqual(answer["does"], "refused")
			for word in words:
				self.assertIn(word, answer["why"])

	def test_a_submitted_pay_slip(self):
		employee, _shift = self.late()
		slip = self.slip(employee)
		self.judge()
		self.refused(employee, slip)
		self.assertEqual(self.attendance(employee, 6)[0][0], ABSENT)

	def test_a_punch_that_came_after_the_pay_slip_has_a_check_in_and_no_record(self):
		shift = self.shift()
		employee = factories.employee(default_shift=shift)
		slip = self.slip(employee)
		self.checkin(employee, at(6, 9))
		self.checkin(employee, at(6, 18))
		self.judge()
		self.assertEqual(self.says(employee, 6), ("To Settle", "After the Pay Slip"))
		self.refused(employee, slip)
		self.assertEqual(self.attendance(employee, 6), [])

	def test_a_leave_application(self):
		employee, _shift = self.late()
		leave = self.stands("Leave Application", employee, 6, status="Approved")
		self.judge()
		self.refused(employee, leave)

	def test_an_attendance_request(self):
		employee, _shift = self.late()
		self.refused(employee, self.stands("Attendance Request", employee, 6))

	def test_a_record_that_a_person_made(self):
		shift = self.shift()
		employee = factories.employee(default_shift=shift)
		record = self.by_hand(employee, 6)
		self.checkin(employee, at(6, 9))
		self.checkin(employee, at(6, 18))
		self.judge()
		self.assertEqual(self.says(employee, 6), ("To Settle", "Attendance Differs"))
		self.refused(employee, record.name)

	def test_one_refused_day_keeps_no_other_from_being_repaired(self):
		shift = self.shift()
		employee = factories.employee(default_shift=shift)
		self.absent(employee, 6, shift)
		self.by_hand(employee, 8)
		for number in (6, 8):
			self.checkin(employee, at(number, 9))
			self.checkin(employee, at(number, 18))
		self.judge()
		done = {row["date"]: row["does"] for row in self.repair(employee, 6, 8)}
		self.assertEqual(done, {day(6): "written", day(8): "refused"})
		self.assertEqual(self.attendance(employee, 8), [(ABSENT, 0.0, None)])

	def test_what_hrms_does_not_take_leaves_the_day_as_it_was_and_says_its_words(self):
		employee, _shift = self.late()
		self.checkin(employee, at(8, 9))
		self.checkin(employee, at(8, 18))
		self.judge()
		before = self.attendance(employee, 6)
		with patch.object(repair.writing, "_create", side_effect=_refusing(repair.writing._create, day(6))):
			done = {row["date"]: row for row in self.repair(employee, 6, 8)}
		self.assertEqual((done[day(6)]["does"], done[day(6)]["why"]), ("refused", "not in May"))
		self.assertEqual(done[day(8)]["does"], "written")
		self.assertEqual(self.attendance(employee, 6), before)
		self.assertEqual(self.says(employee, 6), ("To Settle", "Late Punch"))

	def test_another_who_writes_about_the_person_is_waited_for_and_then_told_of(self):
		employee, _shift = self.late()
		other = self.other_connection()
		with other.cursor() as cursor:
			cursor.execute("SELECT GET_LOCK(%s, 0)", (locks._full(locks.of_attendance(employee)),))
		with patch.object(repair, "WAIT", 1):
			(done,) = self.repair(employee, 6)
		self.assertEqual(done["does"], "refused")
		self.assertIn("Frappe HR", done["why"])
		self.assertEqual(self.attendance(employee, 6)[0][0], ABSENT)
		with other.cursor() as cursor:
			cursor.execute("SELECT RELEASE_LOCK(%s)", (locks._full(locks.of_attendance(employee)),))
		(done,) = self.repair(employee, 6)
		self.assertEqual(done["does"], "written")

	def other_connection(self):
		conf = frappe.conf
		other = pymysql.connect(
			host=conf.db_host or "127.0.0.1",
			port=int(conf.db_port or 3306),
			user=conf.db_name,
			password=conf.db_password,
			database=conf.db_name,
		)
		self.addCleanup(other.close)
		return other


def _refusing(create, of: date):
	def refusing(judged, would):
		if judged.workday.date == of:
			frappe.throw("not in May")
		return create(judged, would)

	return refusing


class TestLinks(RepairTestCase):
	def test_links_to_a_cancelled_record_are_cleared_by_themselves(self):
		shift = self.shift()
		employee = factories.employee(default_shift=shift)
		self.checkin(employee, at(6, 9))
		self.checkin(employee, at(6, 18))
		self.mark_by_hrms(shift)
		(record,) = frappe.get_all(
			"Attendance", {"employee": employee, "attendance_date": day(6)}, pluck="name"
		)
		self.judge()
		self.assertEqual(self.says(employee, 6), ("Marked", ""))
		frappe.db.set_value("Attendance", record, "docstatus", 2)  # as HRMS does when leave is cancelled
		sweep.sweep(FIRST, NOW)
		self.judge()
		links = frappe.get_all("Employee Checkin", {"employee": employee}, pluck="attendance")
		self.assertEqual({link or "" for link in links}, {""})
		self.assertEqual(self.says(employee, 6), ("Complete", ""))
		self.mark_by_hrms(shift)
		self.assertEqual(self.attendance(employee, 6), [(PRESENT, 9.0, shift)])

	def test_a_draft_that_is_deleted_frees_the_day(self):
		shift = self.shift()
		employee = factories.employee(default_shift=shift)
		self.checkin(employee, at(6, 9))
		self.checkin(employee, at(6, 18))
		draft = frappe.get_doc(
			{
				"doctype": "Attendance",
				"employee": employee,
				"attendance_date": day(6),
				"status": "Half Day",
				"company": factories.company(),
			}
		).insert()
		self.judge()
		self.assertEqual(self.says(employee, 6), ("Marked", "By Hand"))
		draft.delete()
		self.judge()
		self.assertEqual(self.says(employee, 6), ("Complete", ""))
		(done,) = self.repair(employee, 6)
		self.assertEqual(done["does"], "written")


class TestWhoMayRepair(RepairTestCase):
	def test_another_companys_workday_is_refused_and_nothing_is_told_of_it(self):
		employee, _shift = self.late()
		(name,) = self.names(employee, 6)
		user = factories.user("HR Manager")
		frappe.get_doc(
			{
				"doctype": "User Permission",
				"user": user,
				"allow": "Company",
				"for_value": self.other_company(),
			}
		).insert()
		before = self.everything()
		for dry_run in (1, 0):
			frappe.set_user(user)
			self.addCleanup(frappe.set_user, "Administrator")
			with self.assertRaises(frappe.PermissionError):
				api.repair([name], "was wrong", dry_run=dry_run)
			with self.assertRaises(frappe.PermissionError):
				api.decide([name], "Leave It", "was wrong", dry_run=dry_run)
		frappe.set_user("Administrator")
		self.assertEqual(self.everything(), before)

	def other_company(self) -> str:
		name = "Biometric Other Company"
		if not frappe.db.exists("Company", name):
			frappe.get_doc(
				{
					"doctype": "Company",
					"company_name": name,
					"abbr": "BOC",
					"default_currency": "INR",
					"country": "India",
				}
			).insert()
		return name

	def test_who_has_no_role_of_hr_may_not_even_look(self):
		employee, _shift = self.late()
		(name,) = self.names(employee, 6)
		frappe.set_user(factories.user("Employee"))
		self.addCleanup(frappe.set_user, "Administrator")
		with patch.dict(frappe.flags, in_test=False):
			of_many = (api.repair, api.decisions_offered, lambda names: api.decide(names, "Leave It"))
			of_one = (api.decide_state, api.stop_deciding, api.take_decision_back)
			for endpoint, given in (
				*((each, [name]) for each in of_many),
				*((each, name) for each in of_one),
			):
				with self.subTest(endpoint=endpoint), self.assertRaises(frappe.PermissionError):
					endpoint(given)
