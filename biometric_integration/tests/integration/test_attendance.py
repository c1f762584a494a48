"""Output *Attendance*: from complete workdays to records, beside HRMS, and what people do to them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import ClassVar
from unittest import mock

import frappe
from frappe.utils import getdate, now_datetime

from biometric_integration.simulator import World
from biometric_integration.sync import jobs
from biometric_integration.sync.desk import status
from biometric_integration.sync.hrms import shifts
from biometric_integration.sync.records import servers, times
from biometric_integration.sync.workdays import attendance, judging, marks, timesheets
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import FIRST_DAY, SiteTestCase, events, sync
from biometric_integration.tests.integration.test_workdays import FIRST, NOW, WorkdayTestCase, at, day

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FIELDS = ("status", "working_hours", "late_entry", "early_exit", "in_time", "out_time", "half_day_status")
STRICT = shifts.BY_LOG_TYPE
FIRST_LAST, EVERY = "First Check-in and Last Check-out", "Every Valid Check-in and Check-out"
MARKING = {
	"enable_late_entry_marking": 1,
	"late_entry_grace_period": 15,
	"enable_early_exit_marking": 1,
	"early_exit_grace_period": 10,
	"working_hours_threshold_for_half_day": 5,
	"working_hours_threshold_for_absent": 2,
}


class AttendanceTestCase(WorkdayTestCase):
	"""Check-ins are made without a device, so they are their own evidence."""

	def setUp(self) -> None:
		super().setUp()
		frappe.db.set_single_value("HR Settings", "allow_multiple_shift_assignments", 1)
		self.configure()

	def configure(self, **values) -> None:
		connection = {"endpoint_url": "http://127.0.0.1:9", "api_user": "api", "start_date": FIRST}
		stamps = {"closed_until": NOW, "swept_at": NOW, "swept_digest": ""}
		factories.settings(
			server_type="eTimeTrackLite",
			**{
				"workdays_from": FIRST,
				"output": "Attendance",
				"attendance_from": FIRST,
				"activity_type": None,
				"guard": 0,
				**stamps,
				**connection,
				**values,
			},
		)

	def shift(self, start: str = "09:00:00", end: str = "18:00:00", **values) -> str:
		return super().shift(start, end, **{"enable_auto_attendance": 0, **values})

	def person(self, **values) -> str:
		return factories.employee(**values)

	def worked(self, employee: str, *times: datetime) -> None:
		for time in times:
			self.checkin(employee, time)

	def pay_slip(self, employee: str, first: date, last: date) -> None:
		slip = frappe.get_doc(
			{
				"doctype": "Salary Slip",
				"employee": employee,
				"docstatus": 1,
				"start_date": first,
				"end_date": last,
			}
		)
		slip.name = factories.unique("SLIP")
		slip.db_insert()
		slip.db_set("modified", NOW, update_modified=False)
		self.addCleanup(frappe.db.delete, "Salary Slip", {"name": slip.name})

	def write(self, now: datetime = NOW) -> int:
		"""As the lane does it."""
		self.judge(now)
		return attendance.run(now=now)


def records(**filters) -> list:
	known = [field for field in FIELDS if frappe.get_meta("Attendance").has_field(field)]
	fields = ["name", "employee", "attendance_date", "shift", "docstatus", "biometric_day", *known]
	order = "employee asc, attendance_date asc, shift asc, creation asc"
	return frappe.get_all("Attendance", {**factories.of_people(), **filters}, fields, order_by=order, limit=0)


def snapshot(*doctypes: str) -> dict[str, list]:
	"""Every column of every row."""
	return {
		doctype: frappe.get_all(doctype, fields=["*"], order_by="name asc", limit=0) for doctype in doctypes
	}


class TestWriting(AttendanceTestCase):
	def test_a_complete_day_is_written_once_and_its_check_ins_are_part_of_it(self):
		employee = self.person(default_shift=self.shift())
		self.worked(employee, at(5, 9), at(5, 18, 5))
		self.assertEqual(self.write(), 1)
		(record,) = records()
		self.assertEqual((record.status, record.working_hours, record.docstatus), ("Present", 9.08, 1))
		self.assertEqual((record.in_time, record.out_time), (at(5, 9), at(5, 18, 5)))
		row = self.row(employee, 5)
		self.assertEqual((row["state"], row["attendance"], row["unlinked"]), ("Marked", record.name, 0))
		self.assertEqual(record.biometric_day, row["name"])
		linked = frappe.get_all("Employee Checkin", {"employee": employee}, pluck="attendance")
		self.assertEqual(linked, [record.name] * 2)
		self.assertEqual(frappe.db.count(marks.DOCTYPE), 0, "what is written here is not stale")
		before = snapshot("Attendance", "Employee Checkin", "Biometric Workday")
		self.look(employee)
		self.assertEqual(attendance.run(now=NOW), 0)
		self.assertEqual(snapshot("Attendance", "Employee Checkin", "Biometric Workday"), before)

	def test_without_a_shift_hours_are_the_sum_of_pairs_and_few_are_half_a_day(self):
		self.configure(half_day_hours=4)
		employee = self.person()
		self.worked(employee, at(5, 8), at(5, 14), at(5, 23), at(6, 1), at(7, 9), at(7, 12))
		self.write()
		self.assertEqual(
			[(r.attendance_date, r.status, r.working_hours, r.out_time) for r in records()],
			[(day(5), "Present", 8, at(6, 1)), (day(7), "Half Day", 3, at(7, 12))],
		)

	def test_two_shifts_of_a_day_are_two_records(self):
		employee = self.person()
		early, late = self.shift("06:00:00", "10:00:00"), self.shift("16:00:00", "20:00:00")
		for shift in (early, late):
			factories.shift_assignment(employee, shift, day(5), day(5))
		self.worked(employee, at(5, 6), at(5, 10), at(5, 16), at(5, 20))
		self.write()
		self.assertEqual({(r.shift, r.working_hours) for r in records()}, {(early, 4), (late, 4)})

	def test_nothing_older_is_written(self):
		self.configure(attendance_from=day(7))
		employee = self.person()
		self.worked(employee, at(5, 9), at(5, 18), at(6, 9), at(6, 18), at(7, 9), at(7, 18))
		self.write()
		self.assertEqual([r.attendance_date for r in records()], [day(7)])
		self.assertEqual(self.says(employee, 5), ("Complete", ""))

	def test_no_day_under_a_submitted_pay_slip_is_written(self):
		employee = self.person()
		self.worked(employee, at(5, 9), at(5, 18), at(6, 9), at(6, 18), at(7, 9), at(7, 18))
		self.pay_slip(employee, day(1), day(6))
		self.write()
		self.assertEqual([r.attendance_date for r in records()], [day(7)])
		states = {number: self.says(employee, number) for number in (5, 6)}
		self.assertEqual(states, dict.fromkeys((5, 6), ("To Settle", "After the Pay Slip")))

	def test_in_output_employee_checkin_nothing_is_written(self):
		self.configure(output="Employee Checkin")
		employee = self.person()
		self.worked(employee, at(5, 9), at(5, 18))
		self.assertEqual(self.write(), 0)
		self.assertEqual(records(), [])

	def test_a_shift_with_auto_attendance_is_left_to_hrms(self):
		shift = self.shift(enable_auto_attendance=1)
		employee = self.person(default_shift=shift)
		self.worked(employee, at(5, 9), at(5, 18))
		self.assertEqual(self.write(), 0)
		self.assertEqual(self.says(employee, 5), ("Complete", ""))
		self.mark_by_hrms(shift)
		self.write()
		(record,) = records(attendance_date=day(5))
		self.assertEqual((record.status, record.biometric_day), ("Present", None))
		self.assertEqual(self.says(employee, 5), ("Marked", ""))

	def test_what_hrms_was_silent_about_is_written_once_the_shift_is_ours(self):
		employee = self.person(default_shift=self.shift())
		self.worked(employee, at(5, 9), at(5, 18))
		self.judge()
		silent = {"state": "To Settle", "reason": "HRMS Silent"}
		frappe.db.set_value("Biometric Workday", {"employee": employee}, silent)
		self.assertEqual(self.write(), 1)
		self.assertEqual(self.says(employee, 5), ("Marked", ""))

	def test_who_did_not_come_has_a_record_only_where_the_settings_say_so(self):
		employee = self.person(default_shift=self.shift())
		self.worked(employee, at(5, 9), at(5, 18), at(7, 9), at(7, 18))
		marks.add([marks.of_employee(employee, day(5), day(7))])
		self.write()
		self.assertEqual(self.says(employee, 6), ("Complete", "No Punch"))
		self.assertEqual([r.attendance_date for r in records()], [day(5), day(7)])
		self.configure(write_absences=1)
		self.write()
		self.assertEqual(
			[(r.attendance_date, r.status) for r in records(status="Absent")][:1], [(day(6), "Absent")]
		)
		self.assertEqual(self.says(employee, 6), ("Marked", "No Punch"))

	def test_work_on_a_holiday_by_policy(self):
		holidays = factories.holidays(day(5))
		without_a_shift, own_switch, off = self.person(), self.person(), self.person()
		for person in (own_switch, off):
			switch = {"mark_auto_attendance_on_holidays": int(person == own_switch)}
			shift = self.shift(holiday_list=holidays, **switch)
			frappe.db.set_value("Employee", person, "default_shift", shift)
		take_holidays(without_a_shift, holidays)
		for person in (without_a_shift, own_switch, off):
			self.worked(person, at(5, 9), at(5, 18))
		self.write()
		self.assertEqual([r.employee for r in records()], [own_switch])
		for person in (without_a_shift, off):
			self.assertEqual(self.says(person, 5), ("To Settle", "Worked on a Holiday"))
		self.configure(on_holidays="Overtime Only")
		for person in (without_a_shift, off):
			self.look(person)
			self.assertEqual(self.says(person, 5), ("No Attendance", "Worked on a Holiday"))
			self.assertEqual(self.row(person, 5)["overtime"], 9)
		self.configure(on_holidays="Attendance")
		for person in (without_a_shift, off):
			self.look(person)
		attendance.run(now=NOW)
		self.assertEqual({r.employee for r in records()}, {own_switch, without_a_shift})
		self.assertEqual(self.says(off, 5), ("To Settle", "Worked on a Holiday"))

	def test_check_ins_that_hrms_would_not_count_are_told_never_silently_no_hours(self):
		shift = self.shift(determine_check_in_and_check_out=STRICT, working_hours_calculation_based_on=EVERY)
		employee = self.person(default_shift=shift)
		for time in (at(5, 9), at(5, 18)):
			checkin = self.checkin(employee, time, "IN" if time.hour == 9 else "OUT")
			frappe.db.set_value("Employee Checkin", checkin.name, "log_type", "")
		self.write()
		self.assertEqual(records(), [])
		self.assertEqual(self.says(employee, 5), ("To Settle", "Without Log Type"))

	def test_a_count_of_an_outside_punch_is_written_and_stays_after_a_save_of_the_check_in(self):
		shift = self.shift()
		employee = self.person(default_shift=shift)
		self.worked(employee, at(6, 9), at(6, 20, 30))
		self.write()
		self.assertEqual(records(), [])
		decide("Count Outside Punch", employee, day(6), shift)
		self.write()
		self.assertEqual([r.working_hours for r in records()], [11.5])
		self.assertEqual(self.says(employee, 6), ("Marked", ""))
		for name in frappe.get_all("Employee Checkin", {"employee": employee}, pluck="name"):
			checkin = frappe.get_doc("Employee Checkin", name)
			checkin.fetch_shift()
			checkin.save()
		self.look(employee)
		self.assertEqual(
			[(row["state"], row["hours"]) for row in self.rows(employee, date=day(6))], [("Marked", 11.5)]
		)

	def test_where_two_shifts_meet_each_record_keeps_its_punches(self):
		employee = self.person()
		early = self.shift("06:00:00", "14:00:00", allow_check_out_after_shift_end_time=30)
		late = self.shift("14:00:00", "22:00:00", begin_check_in_before_shift_start_time=0)
		for shift in (early, late):
			factories.shift_assignment(employee, shift, day(5), day(5))
		self.worked(employee, at(5, 6), at(5, 14, 0, 5), at(5, 14, 0, 40), at(5, 22))
		self.write()
		found = {(row["shift"], row["state"], row["checkins"]) for row in self.rows(employee)}
		self.assertEqual(found, {(early, "Marked", 2), (late, "Marked", 2)})
		self.look(employee)
		self.assertEqual(
			{(row["shift"], row["state"], row["checkins"]) for row in self.rows(employee)}, found
		)

	def test_a_draft_that_a_person_deletes_leaves_the_day_to_us(self):
		employee = self.person()
		draft = frappe.get_doc(
			{"doctype": "Attendance", "employee": employee, "attendance_date": day(5), "status": "Absent"}
		)
		draft.insert()
		self.worked(employee, at(5, 9), at(5, 18))
		self.assertEqual(self.write(), 0)
		draft.delete()
		self.assertEqual(self.write(), 1)
		self.assertEqual([r.status for r in records()], ["Present"])

	def test_a_missing_out_that_hr_adds_makes_the_day_whole(self):
		employee = self.person()
		self.worked(employee, at(5, 9))
		self.assertEqual(self.write(), 0)
		self.assertEqual(self.says(employee, 5), ("To Settle", "Missing Punch"))
		self.worked(employee, at(5, 18))
		self.assertEqual(self.write(), 1)
		self.assertEqual(self.says(employee, 5), ("Marked", ""))

	def test_what_a_person_wrote_stays_as_it_is(self):
		employee = self.person()
		by_hand = frappe.get_doc(
			{
				"doctype": "Attendance",
				"employee": employee,
				"attendance_date": day(5),
				"status": "Work From Home",
			}
		)
		by_hand.insert().submit()
		before = snapshot("Attendance")
		self.worked(employee, at(5, 9), at(5, 18))
		self.assertEqual(self.write(), 0)
		self.assertEqual(snapshot("Attendance"), before)
		self.assertEqual(self.says(employee, 5), ("Marked", "By Hand"))

	def test_the_database_refuses_a_second_record_of_a_workday(self):
		employee = self.person()
		self.worked(employee, at(5, 9), at(5, 18))
		self.write()
		(record,) = records()
		second = {
			"doctype": "Attendance",
			"employee": employee,
			"attendance_date": day(6),
			"status": "Present",
		}
		with self.assertRaises(frappe.UniqueValidationError):
			frappe.get_doc({**second, "biometric_day": record.biometric_day}).insert()
		frappe.db.rollback()

	def test_output_switched_at_noon_gives_one_record_each_person(self):
		employee, today = self.person(), getdate()
		since = {"workdays_from": today, "closed_until": now_datetime(), "attendance_from": None}
		self.configure(output="Employee Checkin", **since)
		morning, evening = (datetime.combine(today, datetime.min.time()) + hours * HOUR for hours in (9, 18))
		self.worked(employee, morning)
		self.judge(morning + 3 * HOUR)
		self.configure(output="Attendance", **since)
		self.assertEqual(frappe.db.get_single_value("Biometric Sync Settings", "attendance_from"), today)
		self.worked(employee, evening)
		self.write(evening + 2 * DAY)
		self.assertEqual([(r.attendance_date, r.working_hours) for r in records()], [(today, 9)])

	def test_not_while_times_are_put_right(self):
		employee = self.person()
		self.worked(employee, at(5, 9), at(5, 18))
		times.note_moving("main", True)
		self.addCleanup(times.note_moving, "main", False)
		self.assertEqual(self.write(), 0)
		times.note_moving("main", False)
		self.assertEqual(attendance.run(now=NOW), 1)

	def test_of_whom_something_is_stale_that_is_judged_first(self):
		employee = self.person()
		self.worked(employee, at(5, 9), at(5, 18))
		self.judge()
		marks.add([marks.of_employee(employee, day(5), day(5))])
		self.assertEqual(attendance.run(now=NOW), 0)
		self.assertEqual(self.write(), 1)

	def test_a_defect_concerns_whom_it_is_about_and_is_tried_again_after_an_hour(self):
		defect, other = self.person(), self.person()
		for person in (defect, other):
			self.worked(person, at(5, 9), at(5, 18))
		make = timesheets.make

		def fails(judged, *arguments):
			return 1 / 0 if judged.person.name == defect else make(judged, *arguments)

		with mock.patch.object(timesheets, "make", fails):
			self.assertEqual(self.write(), 1)
		self.assertEqual([r.employee for r in records()], [other])
		self.assertEqual(self.write(), 0, "an hour later")
		self.assertEqual(self.write(NOW + 2 * HOUR), 1)
		self.assertEqual({r.employee for r in records()}, {defect, other})

	def test_the_open_half_of_a_half_day_leave_is_filled_in(self):
		if not frappe.get_meta("Attendance").has_field("modify_half_day_status"):
			self.skipTest("this HRMS does not say what the other half of a half day is")
		employee = self.person()
		factories.leave(employee, day(5), day(5), half_day=1, half_day_date=day(5))
		self.worked(employee, at(5, 9), at(5, 13))
		self.write()
		(record,) = records()
		self.assertEqual((record.status, record.half_day_status), ("Half Day", "Present"))
		self.assertEqual((record.working_hours, self.says(employee, 5)), (4, ("Marked", "")))


def take_holidays(employee: str, name: str) -> None:
	frappe.db.set_value("Employee", employee, "holiday_list", name)
	if frappe.db.exists("DocType", "Holiday List Assignment"):
		about = {
			"applicable_for": "Employee",
			"assigned_to": employee,
			"holiday_list": name,
			"from_date": "2025-01-01",
		}
		frappe.get_doc({"doctype": "Holiday List Assignment", **about}).insert().submit()


def decide(what: str, employee: str, of: date, shift: str | None = None) -> None:
	about = {"what": what, "employee": employee, "date": of, "shift": shift, "reason": "so"}
	frappe.get_doc({"doctype": "Biometric Decision", **about}).insert()


class TestRefusals(AttendanceTestCase):
	def refused(self) -> tuple[str, str]:
		"""HRMS refuses the first of two."""
		refused, other = self.person(), self.person()
		for person in (refused, other):
			self.worked(person, at(5, 9), at(5, 18))
		self.judge()
		frappe.db.set_value("Employee", refused, "status", "Inactive")
		self.assertEqual(attendance.run(now=NOW), 1)
		return refused, other

	def test_it_is_told_in_the_words_of_hrms_and_stops_nobody_else(self):
		refused, other = self.refused()
		self.assertEqual([r.employee for r in records()], [other])
		row = self.row(refused, 5)
		self.assertEqual((row["state"], row["reason"]), ("To Settle", "Refused"))
		self.assertIn("nactive", row["reason_values"])

	def test_it_stays_told_and_is_tried_again_when_the_day_is_judged_again(self):
		refused, _other = self.refused()
		self.assertEqual(attendance.run(now=NOW), 0)
		before = frappe.get_all("Biometric Workday", {"employee": refused}, ["*"])
		judging.Lane(judging.policy(NOW)).judge({refused: (day(5), day(5))})
		self.assertEqual(frappe.get_all("Biometric Workday", {"employee": refused}, ["*"]), before)
		self.look(refused)
		self.assertEqual(self.says(refused, 5), ("To Settle", "Refused"))
		frappe.db.set_value("Employee", refused, "status", "Active")
		self.assertEqual(attendance.run(now=NOW), 1)
		self.assertEqual(self.says(refused, 5), ("Marked", ""))
		self.assertFalse(frappe.db.get_value("Biometric Workday", {"employee": refused}, "refused"))

	def test_it_is_tried_again_the_next_day(self):
		refused, _other = self.refused()
		frappe.db.set_value("Employee", refused, "status", "Active")
		self.assertEqual(self.write(NOW + DAY - HOUR), 0)
		self.assertEqual(self.write(NOW + DAY), 1)
		self.assertEqual(self.says(refused, 5), ("Marked", ""))

	def test_other_days_of_the_person_are_written_and_it_is_not_tried_with_them(self):
		refused, _other = self.refused()
		frappe.db.set_value("Employee", refused, "status", "Active")
		self.worked(refused, at(9, 9), at(9, 18))
		marks.add([marks.of_employee(refused, day(9), day(9))])
		frappe.db.delete(marks.DOCTYPE, {"from_date": ("<", day(9))})
		self.assertEqual(self.write(), 1)
		self.assertEqual(self.says(refused, 5), ("To Settle", "Refused"))

	def test_many_days_go_in_several_transactions(self):
		employee = self.person()
		for number in range(5, 12):
			self.worked(employee, at(number, 9), at(number, 18))
		self.judge()
		with (
			mock.patch.object(attendance, "AT_ONCE", 3),
			mock.patch.object(
				attendance.transaction, "commit", wraps=attendance.transaction.commit
			) as commit,
		):
			self.assertEqual(attendance.run(now=NOW), 7)
		self.assertEqual(commit.call_count, 1 + 3)

	def test_what_is_not_complete_any_more_is_not_refused_either(self):
		refused, _other = self.refused()
		frappe.db.set_value("Employee", refused, "status", "Active")
		self.worked(refused, at(5, 19))
		self.judge()
		self.assertEqual(self.says(refused, 5), ("To Settle", "Missing Punch"))


class TestCancelled(AttendanceTestCase):
	def cancelled(self) -> str:
		employee = self.person()
		self.worked(employee, at(5, 9), at(5, 18))
		self.write()
		frappe.get_doc("Attendance", records()[0].name).cancel()
		self.write()
		return employee

	def test_what_a_person_cancels_stays_so_and_who_and_when_is_kept(self):
		employee = self.cancelled()
		self.assertEqual([r.docstatus for r in records()], [2])
		self.assertEqual(self.says(employee, 5), ("No Attendance", "Cancelled by a Person"))
		(decision,) = frappe.get_all(
			"Biometric Decision", {"employee": employee}, ["what", "date", "owner", "reason"]
		)
		self.assertEqual(
			(decision.what, decision.date, decision.owner), ("Keep Away", day(5), "Administrator")
		)
		self.assertIn(records()[0].name, decision.reason)
		self.assertEqual(self.write(), 0)

	def test_another_check_in_asks_again(self):
		employee = self.cancelled()
		self.worked(employee, at(5, 12), at(5, 13))
		self.write()
		self.assertEqual(self.says(employee, 5), ("To Settle", "Decision Outdated"))
		self.assertEqual([r.docstatus for r in records()], [2])

	def test_so_does_a_roster_that_gives_the_day_another_shift(self):
		shift, other = self.shift(), self.shift("08:30:00", "18:30:00")
		employee = self.person(default_shift=shift)
		self.worked(employee, at(5, 9), at(5, 18))
		self.write()
		frappe.get_doc("Attendance", records()[0].name).cancel()
		factories.shift_assignment(employee, other, day(5), day(5))
		self.write()
		self.assertEqual(self.row(employee, 5).shift, other)
		self.assertEqual(self.says(employee, 5), ("To Settle", "Decision Outdated"))
		self.assertEqual([r.docstatus for r in records()], [2])

	def test_one_of_which_the_row_is_gone_is_not_written_again_either(self):
		employee = self.person()
		self.worked(employee, at(5, 9), at(5, 18))
		self.write()
		frappe.db.delete("Biometric Workday")
		frappe.get_doc("Attendance", records()[0].name).cancel()
		self.assertEqual(self.write(), 0)
		self.assertEqual(self.says(employee, 5), ("To Settle", "Decision Outdated"))

	def test_deleting_the_decision_frees_the_day(self):
		employee = self.cancelled()
		frappe.delete_doc(
			"Biometric Decision", frappe.db.get_value("Biometric Decision", {"employee": employee})
		)
		self.assertEqual(self.write(), 1)
		self.assertEqual([r.docstatus for r in records()], [2, 1])
		frappe.delete_doc("Attendance", records()[0].name)

	def test_a_record_of_hrms_and_one_in_the_other_output_are_not_ours(self):
		shift = self.shift(enable_auto_attendance=1)
		employee, other = self.person(default_shift=shift), self.person()
		for person in (employee, other):
			self.worked(person, at(5, 9), at(5, 18))
		self.write()
		self.mark_by_hrms(shift)
		self.configure(output="Employee Checkin")
		self.judge()
		for record in records(attendance_date=day(5)):
			frappe.get_doc("Attendance", record.name).cancel()
		self.configure()
		frappe.get_doc(
			{"doctype": "Attendance", "employee": other, "attendance_date": day(6), "status": "Present"}
		).insert().submit()
		frappe.get_doc("Attendance", records(attendance_date=day(6), employee=other)[0].name).cancel()
		self.assertEqual(frappe.db.count("Biometric Decision"), 0)


class TestTimesheets(AttendanceTestCase):
	def configure(self, **values) -> None:
		if not frappe.db.exists("Activity Type", "Attendance"):
			frappe.get_doc({"doctype": "Activity Type", "activity_type": "Attendance"}).insert()
		super().configure(**{"make_timesheets": 1, "activity_type": "Attendance", **values})

	def test_a_draft_from_the_pairs_made_once_and_never_changed(self):
		employee = self.person()
		self.worked(employee, at(5, 9), at(5, 12), at(5, 13), at(5, 18))
		self.write()
		(name,) = frappe.get_all("Timesheet", factories.of_people(), pluck="name")
		draft = frappe.get_doc("Timesheet", name)
		self.assertEqual((draft.employee, draft.docstatus, draft.total_hours), (employee, 0, 8))
		self.assertEqual(
			[(row.from_time, row.activity_type) for row in draft.time_logs],
			[(at(5, 9), "Attendance"), (at(5, 13), "Attendance")],
		)
		self.assertEqual(draft.biometric_day, self.row(employee, 5)["name"])
		self.assertIn(records()[0].name, draft.note)
		draft.submit()
		before = snapshot("Timesheet", "Timesheet Detail")
		frappe.get_doc("Attendance", records()[0].name).cancel()
		frappe.db.delete("Biometric Decision")
		self.look(employee)
		self.assertEqual(attendance.run(now=NOW), 1)
		self.assertEqual(snapshot("Timesheet", "Timesheet Detail"), before)

	def test_a_refused_one_leaves_the_attendance(self):
		employee = self.person()
		self.worked(employee, at(5, 9), at(5, 18))
		with mock.patch("erpnext.projects.doctype.timesheet.timesheet.Timesheet.validate", refuse):
			self.write()
		(record,) = records()
		self.assertEqual(frappe.db.count("Timesheet", factories.of_people()), 0)
		filters = {"reference_doctype": "Attendance", "reference_name": record.name}
		comments = frappe.get_all("Comment", filters, pluck="content")
		self.assertTrue(any("it overlaps" in comment for comment in comments), comments)


def refuse(timesheet) -> None:
	frappe.throw("it overlaps")


class TestBesideHRMS(AttendanceTestCase):
	"""Each person twice: with our shifts, and as a twin with HRMS's auto attendance on the same shift."""

	KINDS: ClassVar = {
		"day": ("09:00:00", "18:00:00", {"working_hours_calculation_based_on": FIRST_LAST}),
		"night": ("22:00:00", "06:00:00", {"working_hours_calculation_based_on": EVERY}),
		"strict": ("14:00:00", "22:00:00", {"determine_check_in_and_check_out": STRICT, "working_hours_calculation_based_on": EVERY}),
		"strict ends": ("08:00:00", "16:00:00", {"determine_check_in_and_check_out": STRICT}),
	}  # fmt: skip

	def test_record_by_record(self):
		twins = {}
		for kind, (start, end, values) in self.KINDS.items():
			ours = self.person(default_shift=self.shift(start, end, **MARKING, **values))
			shift = self.shift(start, end, **MARKING, **values, enable_auto_attendance=1)
			theirs = self.person(default_shift=shift)
			twins[kind] = (ours, theirs)
			for person in (ours, theirs):
				for time, log_type in self.times(start, end):
					self.checkin(person, time, log_type if kind.startswith("strict") else "")
			self.mark_by_hrms(shift)
		self.write()
		for kind, (ours, theirs) in twins.items():
			with self.subTest(kind):
				found, expected = (
					{
						r.attendance_date: [r.get(field) for field in FIELDS]
						for r in records(employee=who)
						if r.in_time
					}
					for who in (ours, theirs)
				)
				self.assertEqual(found, expected)
				self.assertEqual(len(found), 6)
				self.assertEqual({values[0] for values in found.values()}, {"Present", "Half Day", "Absent"})

	def times(self, start: str, end: str) -> Iterator[tuple[datetime, str]]:
		"""On time, late, early, with a break, half of it, hardly any."""
		for number, (late, early, pause) in enumerate(
			((0, 0, 0), (0.5, 0, 0), (0, 0.5, 0), (0, 0, 1), (0, 4.5, 0), (0, 7.5, 0))
		):
			begin = at(5 + number, int(start[:2])) + late * HOUR
			finish = at(5 + number, int(end[:2])) + (DAY if end < start else timedelta(0)) - early * HOUR
			if pause:
				yield begin + 3 * HOUR, "OUT"
				yield begin + 4 * HOUR, "IN"
			yield begin, "IN"
			yield finish, "OUT"


class TestPayroll(AttendanceTestCase):
	def test_that_absentees_are_paid_is_told_where_it_is_so(self):
		for based_on, unmarked, values, is_told in (
			("Attendance", "Present", {}, True),
			("Attendance", "", {}, True),
			("Attendance", "Absent", {}, False),
			("Leave", "Present", {}, False),
			("Attendance", "Present", {"write_absences": 1}, False),
			("Attendance", "Present", {"output": "Employee Checkin"}, False),
		):
			with self.subTest((based_on, unmarked, values)):
				payroll = {"payroll_based_on": based_on, "consider_unmarked_attendance_as": unmarked}
				before = {field: frappe.db.get_single_value("Payroll Settings", field) for field in payroll}
				self.addCleanup(frappe.db.set_single_value, "Payroll Settings", before)
				frappe.db.set_single_value("Payroll Settings", payroll)
				self.configure(**values)
				self.assertEqual(bool(status.overview()["absentees"]), is_told)


class TestThroughAServer(SiteTestCase):
	def test_a_punch_is_used_when_its_check_in_is_there_in_both_outputs(self):
		for output in ("Employee Checkin", "Attendance"):
			with self.subTest(output):
				self.setUp()
				now = datetime.combine(FIRST_DAY, datetime.min.time()) + 3 * DAY + 12 * HOUR
				world = World(now=now, zone="Asia/Kolkata")
				world.add_device("SN1", "Gate")
				factories.employees(["1"])
				server = self.start("eTimeTrackLite", world)
				self.settings(
					"eTimeTrackLite",
					server,
					output=output,
					workdays_from=FIRST_DAY,
					attendance_from=FIRST_DAY,
				)
				for hours, way in ((9, "in"), (18, "out"), (24 * 3 + 9, "in")):
					moment = datetime.combine(FIRST_DAY, datetime.min.time()) + hours * HOUR
					world.punch("SN1", "1", moment, way)
				sync()
				sync()
				self.assertEqual({(e.status, e.reason_code) for e in events()}, {("Processed", "")})
				self.assertEqual(frappe.db.count("Employee Checkin", factories.of_people()), 3)
				frappe.db.delete(marks.DOCTYPE, {"scope": ("!=", "Employee")})
				for stamp in ("swept_at", "closed_until"):
					servers.keep_stamp(stamp, now_datetime())
				jobs.workdays()
				written = [FIRST_DAY] if output == "Attendance" else []
				self.assertEqual([r.attendance_date for r in records()], written)
