"""What happened on each person's day, as the rows say it: cases in which Frappe HR has a part."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import frappe
from frappe.deferred_insert import save_to_db
from frappe.utils import get_datetime, getdate

from biometric_integration import api
from biometric_integration.core.process import process as process_staged
from biometric_integration.sync import retention
from biometric_integration.sync.db import sql, transaction
from biometric_integration.sync.records import servers
from biometric_integration.sync.store import ProcessStore
from biometric_integration.sync.workdays import judging, marks, rows, sweep, words
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import SiteTestCase
from biometric_integration.tests.integration.workdays import DAY, DAYS, WorkdaysTestCase

FIRST = date(2025, 5, 5)
"""A Monday."""
NOW = datetime(2025, 5, 20, 12)


def at(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
	return datetime(2025, 5, day, hour, minute, second)


def day(number: int) -> date:
	return date(2025, 5, number)


class WorkdayTestCase(SiteTestCase):
	"""Check-ins are made without a device, so they are their own evidence."""

	def setUp(self) -> None:
		super().setUp()
		connection = {"endpoint_url": "http://127.0.0.1:9", "api_user": "api", "start_date": FIRST}
		factories.settings(
			server_type="eTimeTrackLite",
			workdays_from=FIRST,
			closed_until=NOW,
			swept_at=NOW,
			swept_digest="",
			guard=0,  # what HRMS does by itself is part of these tests
			**connection,
		)

	def shift(self, start: str = "09:00:00", end: str = "18:00:00", **values) -> str:
		automatic = {
			"enable_auto_attendance": 1,
			"process_attendance_after": FIRST,
			"last_sync_of_checkin": NOW,
			"begin_check_in_before_shift_start_time": 60,
			"allow_check_out_after_shift_end_time": 60,
		}
		return factories.shift_type(start, end, **{**automatic, **values})

	def checkin(self, employee: str, time: datetime, log_type: str = ""):
		return frappe.get_doc(
			{"doctype": "Employee Checkin", "employee": employee, "time": time, "log_type": log_type}
		).insert()

	def judge(self, now: datetime = NOW) -> int:
		frappe.db.commit()  # nosemgrep -- the lane begins with a fresh view
		return judging.run(now=now)

	def look(self, employee: str) -> None:
		"""Judge all of their days."""
		marks.add([marks.of_employee(employee, FIRST)])
		self.judge()

	def mark_by_hrms(self, *shifts: str) -> None:
		"""HRMS's hourly job."""
		for shift in shifts:
			frappe.get_doc("Shift Type", shift).process_auto_attendance()

	def punched_late(self) -> tuple[str, str]:
		"""Marked Absent for one punch; the other one comes later."""
		shift = self.shift(working_hours_threshold_for_absent=2)
		employee = factories.employee(default_shift=shift)
		self.checkin(employee, at(6, 9))
		self.mark_by_hrms(shift)
		self.checkin(employee, at(6, 18))
		return employee, shift

	def out_in_the_margin_of_the_default(self) -> tuple[str, str]:
		"""An employee and the assigned shift, in which the IN of the 7th lies."""
		default, assigned = self.shift("12:00:00", "21:00:00"), self.shift("06:00:00", "11:00:00")
		employee = factories.employee(default_shift=default)
		factories.shift_assignment(employee, assigned, day(7), day(7))
		self.checkin(employee, at(7, 6))
		self.checkin(employee, at(7, 21, 30))
		self.judge()
		return employee, assigned

	def rows(self, employee: str, **filters) -> list[dict]:
		fields = ["name", *rows.FIELDS]
		return frappe.get_all(
			rows.DOCTYPE,
			{"employee": employee, **filters},
			fields,
			order_by="date asc, shift_start asc",
			limit=0,
		)

	def row(self, employee: str, number: int, **filters) -> dict:
		(row,) = self.rows(employee, date=day(number), **filters)
		return row

	def says(self, employee: str, number: int) -> tuple[str, str]:
		row = self.row(employee, number)
		return row.state, row.reason


class TestDays(WorkdayTestCase):
	def test_a_full_day_is_complete_and_marked_once_its_attendance_is_there(self):
		shift = self.shift()
		employee = factories.employee(default_shift=shift)
		self.checkin(employee, at(5, 9))
		self.checkin(employee, at(5, 18, 5))
		self.judge()
		self.assertEqual(self.says(employee, 5), ("Complete", ""))
		self.mark_by_hrms(shift)
		self.judge()
		row = self.row(employee, 5)
		self.assertEqual((row.state, row.written_status, row.written_hours), ("Marked", "Present", 9.08))

	def test_an_out_long_after_the_shift_belongs_to_it_and_counts_once_a_person_says_so(self):
		shift = self.shift()
		employee = factories.employee(default_shift=shift)
		self.checkin(employee, at(6, 9))
		self.checkin(employee, at(6, 20, 30))
		self.judge()
		row = self.row(employee, 6)
		self.assertEqual((row.state, row.reason, row.hours), ("To Settle", "Outside the Shift", 11.5))
		frappe.get_doc(
			{
				"doctype": "Biometric Decision",
				"what": "Count Outside Punch",
				"employee": employee,
				"date": day(6),
				"shift": shift,
				"reason": "stayed",
			}
		).insert()
		self.judge()
		row = self.row(employee, 6)
		self.assertEqual((row.state, row.would_status, row.would_hours), ("Complete", "Present", 11.5))
		for name in frappe.get_all("Employee Checkin", {"employee": employee}, pluck="name"):
			checkin = frappe.get_doc("Employee Checkin", name)
			checkin.fetch_shift()
			checkin.save()
		self.judge()
		self.assertEqual(self.row(employee, 6).would_hours, 11.5)

	def test_a_decision_about_other_checkins_is_asked_for_again(self):
		shift = self.shift()
		employee = factories.employee(default_shift=shift)
		self.checkin(employee, at(6, 9))
		self.judge()
		decision = {
			"what": "Leave It",
			"employee": employee,
			"date": day(6),
			"shift": shift,
			"reason": "known",
		}
		frappe.get_doc({"doctype": "Biometric Decision", **decision}).insert()
		self.judge()
		self.assertEqual(self.says(employee, 6), ("No Attendance", "Left As It Is"))
		self.checkin(employee, at(6, 18))
		self.judge()
		self.assertEqual(self.says(employee, 6), ("To Settle", "Decision Outdated"))

	def test_a_decision_about_a_day_without_a_punch_holds_until_one_comes(self):
		shift = self.shift()
		employee = factories.employee(default_shift=shift)
		self.checkin(employee, at(5, 9))
		self.judge()
		self.assertEqual(self.row(employee, 6).checkins, 0)
		decision = {"what": "Leave It", "employee": employee, "date": day(6), "shift": shift}
		frappe.get_doc({"doctype": "Biometric Decision", "reason": "known", **decision}).insert()
		self.judge()
		self.assertEqual(self.says(employee, 6), ("No Attendance", "Left As It Is"))
		self.checkin(employee, at(6, 9))
		self.judge()
		self.assertEqual(self.says(employee, 6), ("To Settle", "Decision Outdated"))

	def test_an_out_in_the_margin_of_the_default_shift_belongs_to_the_assigned_one(self):
		employee, assigned = self.out_in_the_margin_of_the_default()
		row = self.row(employee, 7)
		self.assertEqual((row.shift, row.state, row.checkins), (assigned, "To Settle", 2))

	def test_two_shifts_that_meet_share_what_comes_at_their_border(self):
		early, late = self.shift("06:00:00", "14:00:00"), self.shift("14:00:00", "22:00:00")
		employee = factories.employee()
		self.with_two_shifts_a_day()
		for shift in (early, late):
			factories.shift_assignment(employee, shift, day(8), day(8))
		for moment in (at(8, 6), at(8, 14, 0, 5), at(8, 14, 0, 40), at(8, 22)):
			self.checkin(employee, moment)
		self.judge()
		found = [(row.shift, row.checkins, row.hours) for row in self.rows(employee, date=day(8))]
		self.assertEqual(found, [(early, 2, 8.0), (late, 2, 7.99)])

	def with_two_shifts_a_day(self) -> None:
		allowed = ("HR Settings", "allow_multiple_shift_assignments")
		self.addCleanup(frappe.db.set_single_value, *allowed, frappe.db.get_single_value(*allowed))
		frappe.db.set_single_value(*allowed, 1)

	def test_sixteen_hours_over_a_shift_that_was_rostered_for_eight_show_their_overtime(self):
		shift = self.shift("06:00:00", "14:00:00")
		employee = factories.employee(default_shift=shift)
		self.checkin(employee, at(8, 6))
		self.checkin(employee, at(8, 22))
		self.judge()
		row = self.row(employee, 8)
		self.assertEqual((row.hours, row.overtime, row.reason), (16.0, 8.0, "Outside the Shift"))

	def test_a_guard_without_a_shift_has_one_workday_of_24_hours(self):
		employee = factories.employee(longest_workday=26)
		for moment in (at(9, 8), at(10, 8)):
			self.checkin(employee, moment)
		self.judge()
		row = self.row(employee, 9)
		self.assertEqual((row.hours, row.state, row.would_status), (24.0, "Complete", "Present"))

	def test_the_missing_out_that_hr_adds_is_judged_by_itself(self):
		shift = self.shift()
		employee = factories.employee(default_shift=shift)
		self.checkin(employee, at(6, 9))
		self.judge()
		self.assertEqual(self.says(employee, 6), ("To Settle", "Missing Punch"))
		self.checkin(employee, at(6, 18))
		self.judge()
		self.assertEqual(self.says(employee, 6), ("Complete", ""))


class TestRoster(WorkdayTestCase):
	def test_a_night_of_an_assignment_that_was_set_inactive_belongs_to_it(self):
		night = self.shift("22:00:00", "06:00:00")
		employee = factories.employee()
		assignment = factories.shift_assignment(employee, night, day(7), day(13))
		frappe.db.set_value("Shift Assignment", assignment, "status", "Inactive")
		self.checkin(employee, at(13, 21, 55))
		self.checkin(employee, at(14, 6, 5))
		self.judge()
		row = self.row(employee, 13)
		self.assertEqual((row.shift, row.reason, row.checkins), (night, "Roster Changed", 2))
		self.assertIn(assignment, words.sentence(row.reason, frappe.parse_json(row.reason_values)))

	def test_a_roster_that_is_entered_after_the_punches_is_told_by_what_was_written_before(self):
		dayshift, night = self.shift("08:00:00", "17:00:00"), self.shift("20:00:00", "05:00:00")
		employee = factories.employee(default_shift=dayshift)
		self.checkin(employee, at(6, 20))
		self.checkin(employee, at(7, 5))
		self.mark_by_hrms(dayshift)
		factories.shift_assignment(employee, night, day(6), day(6))
		self.judge()
		row = self.row(employee, 6, shift=night)
		self.assertEqual((row.state, row.would_status, row.would_hours), ("Complete", "Present", 9.0))
		absent = self.row(employee, 6, shift=dayshift)
		self.assertEqual((absent.state, absent.written_status), ("To Settle", "Absent"))

	def test_nobody_is_missed_on_a_holiday_and_who_works_on_one_is_for_a_person_to_settle(self):
		shift = self.shift()
		holidays = frappe.get_doc("Holiday List", factories.holiday_list())
		holidays.append("holidays", {"holiday_date": day(8), "description": "Harvest"})
		holidays.save()
		self.addCleanup(self.without_holiday, day(8))
		worker, idle = (factories.employee(default_shift=shift) for _each in range(2))
		for moment in (at(8, 9), at(8, 18)):
			self.checkin(worker, moment)
		self.checkin(idle, at(7, 9))
		self.look(worker)
		self.look(idle)
		self.assertEqual(self.says(worker, 8), ("To Settle", "Worked on a Holiday"))
		self.assertEqual(self.rows(idle, date=day(8)), [])

	def without_holiday(self, of: date) -> None:
		frappe.db.delete("Holiday", {"holiday_date": of})
		frappe.db.commit()  # nosemgrep -- the next test begins without it

	def test_who_never_punched_is_missed_by_nobody(self):
		shift = self.shift()
		director = factories.employee(default_shift=shift)
		self.look(director)
		self.assertEqual({row.reason for row in self.rows(director)}, {"No Id"})
		frappe.db.set_value("Employee", director, "attendance_by_devices", "No")
		self.look(director)
		self.assertEqual(self.rows(director), [])

	def test_absent_is_proven_where_the_checkins_are_their_own_evidence(self):
		shift = self.shift()
		employee = factories.employee(default_shift=shift)
		self.checkin(employee, at(5, 9))
		self.checkin(employee, at(5, 18))
		self.look(employee)
		row = self.row(employee, 6)
		self.assertEqual((row.state, row.reason, row.would_status), ("Complete", "No Punch", "Absent"))

	def test_a_day_of_leave_has_no_row_and_half_a_day_marked_ahead_of_time_is_wrong(self):
		shift = self.shift()
		employee = factories.employee(default_shift=shift)
		self.checkin(employee, at(5, 9))
		self.checkin(employee, at(5, 18))
		self.leave(employee, day(6))
		self.look(employee)
		row = self.row(employee, 6)
		self.assertEqual((row.state, row.written_status), ("Marked", "On Leave"))

	def test_leave_that_is_cancelled_is_judged_anew(self):
		shift = self.shift()
		employee = factories.employee(default_shift=shift)
		self.checkin(employee, at(5, 9))
		self.checkin(employee, at(5, 18))
		leave = self.leave(employee, day(6))
		self.look(employee)
		leave.reload()
		leave.cancel()
		self.judge()
		row = self.row(employee, 6)
		self.assertEqual((row.state, row.reason, row.attendance), ("Complete", "No Punch", None))

	def test_half_a_day_of_leave_that_was_marked_ahead_of_time_is_wrong(self):
		if not frappe.get_meta("Attendance").has_field("modify_half_day_status"):
			self.skipTest("this HRMS does not say what the other half is")
		shift = self.shift()
		employee = factories.employee(default_shift=shift)
		self.checkin(employee, at(5, 9))
		self.leave(employee, day(21), half_day=1, half_day_date=day(21))
		self.mark_by_hrms(shift)
		ahead = frappe.db.get_value(
			"Attendance", {"employee": employee, "attendance_date": day(21)}, "half_day_status"
		)
		self.look(employee)
		expected = ("To Settle", "Marked Ahead of Time") if ahead == "Absent" else ("Open", "Not Over")
		self.assertEqual(self.says(employee, 21), expected)

	def leave(self, employee: str, of: date, **values):
		if not frappe.db.exists("Leave Type", "Biometric Test Leave"):
			frappe.get_doc(
				{"doctype": "Leave Type", "leave_type_name": "Biometric Test Leave", "is_lwp": 1}
			).insert()
		leave = frappe.get_doc(
			{
				"doctype": "Leave Application",
				"employee": employee,
				"leave_type": "Biometric Test Leave",
				"from_date": of,
				"to_date": of,
				"company": factories.company(),
				"status": "Approved",
				"posting_date": of,
				**values,
			}
		)
		leave.insert()
		leave.submit()
		return leave


class TestWhatHRMSWrote(WorkdayTestCase):
	def test_a_late_punch_that_changes_what_is_written_is_listed_with_before_and_after(self):
		employee, shift = self.punched_late()
		self.judge()
		row = self.row(employee, 6)
		self.assertEqual((row.state, row.reason), ("To Settle", "Late Punch"))
		self.assertEqual((row.written_status, row.would_status, row.would_hours), ("Absent", "Present", 9.0))
		self.assertEqual(row.unlinked, 1)
		self.mark_by_hrms(shift)  # which sets the late one aside
		sweep.sweep(FIRST, NOW)
		self.judge()
		self.assertEqual(self.says(employee, 6), ("To Settle", "Late Punch"))

	def test_a_punch_after_the_pay_slip_says_so(self):
		shift = self.shift()
		employee = factories.employee(default_shift=shift)
		frappe.db.sql(
			"""INSERT INTO `tabSalary Slip` (`name`, `employee`, `start_date`, `end_date`, `docstatus`, `creation`, `modified`)
			VALUES (%s, %s, %s, %s, 1, %s, %s)""",
			(factories.unique("SLIP"), employee, day(1), day(31), at(18, 9), at(18, 9)),
		)
		self.checkin(employee, at(6, 9))
		self.checkin(employee, at(6, 18))
		self.judge()
		self.assertEqual(self.says(employee, 6), ("To Settle", "After the Pay Slip"))

	def test_what_a_person_wrote_stands(self):
		shift = self.shift()
		employee = factories.employee(default_shift=shift)
		self.checkin(employee, at(6, 9))
		frappe.get_doc(
			{
				"doctype": "Attendance",
				"employee": employee,
				"attendance_date": day(6),
				"status": "Half Day",
				"company": factories.company(),
			}
		).submit()
		self.judge()
		self.assertEqual(self.says(employee, 6), ("Marked", "By Hand"))

	def test_an_absence_that_a_person_wrote_and_spoke_about_is_theirs(self):
		shift = self.shift()
		employee = factories.employee(default_shift=shift)
		self.checkin(employee, at(5, 9))
		absent = frappe.get_doc(
			{
				"doctype": "Attendance",
				"employee": employee,
				"attendance_date": day(6),
				"status": "Absent",
				"shift": shift,
				"company": factories.company(),
			}
		)
		absent.submit()
		comment = absent.add_comment(text="Called in sick, no leave left.")
		later = get_datetime(comment.creation) + timedelta(hours=1)
		frappe.db.set_value("Comment", comment.name, "creation", later, update_modified=False)
		self.judge()
		self.assertEqual(self.says(employee, 6), ("Marked", "By Hand"))

	def test_a_draft_that_is_deleted_frees_its_day(self):
		shift = self.shift()
		employee = factories.employee(default_shift=shift)
		for moment in (at(6, 9), at(6, 18)):
			self.checkin(employee, moment)
		draft = frappe.get_doc(
			{
				"doctype": "Attendance",
				"employee": employee,
				"attendance_date": day(6),
				"status": "Absent",
				"company": factories.company(),
			}
		).insert()
		self.judge()
		self.assertEqual(self.says(employee, 6), ("To Settle", "Attendance Differs"))
		draft.delete()
		self.judge()
		self.assertEqual(self.says(employee, 6), ("Complete", ""))

	def test_a_forgotten_punch_that_hrms_took_for_an_absence_is_listed(self):
		shift = self.shift(working_hours_threshold_for_absent=2)
		employee = factories.employee(default_shift=shift)
		self.checkin(employee, at(6, 9))
		self.mark_by_hrms(shift)
		self.judge()
		row = self.row(employee, 6)
		self.assertEqual(
			(row.state, row.reason, row.written_status), ("To Settle", "Missing Punch", "Absent")
		)


class TestLane(WorkdayTestCase):
	def test_days_appear_when_their_shift_has_closed(self):
		shift = self.shift()
		employee = factories.employee(default_shift=shift)
		self.checkin(employee, at(5, 9))
		self.checkin(employee, at(5, 18))
		self.settle(at(6, 18, 30))
		self.assertEqual(self.rows(employee, date=day(6)), [])
		self.settle(at(6, 19, 1))
		self.assertEqual(self.says(employee, 6), ("Complete", "No Punch"))

	def settle(self, now: datetime) -> None:
		frappe.db.set_single_value("Biometric Sync Settings", "closed_until", now - timedelta(minutes=10))
		self.judge(now)

	def test_a_day_that_is_not_over_is_looked_at_again_when_it_is(self):
		shift = self.shift()
		employee = factories.employee(default_shift=shift)
		self.checkin(employee, at(6, 9))
		self.judge(at(6, 12))
		self.assertEqual(self.says(employee, 6), ("Open", "Not Over"))
		self.judge(at(6, 19))
		self.assertEqual(self.says(employee, 6), ("To Settle", "Missing Punch"))

	def test_what_is_judged_again_without_a_change_writes_nothing(self):
		shift = self.shift()
		employee = factories.employee(default_shift=shift)
		self.checkin(employee, at(6, 9))
		self.look(employee)
		marks.add([marks.of_employee(employee, FIRST)])
		self.assertEqual(self.judge(), 0)
		self.assertEqual(frappe.db.count("Biometric Stale Mark"), 0)

	def test_days_judged_by_themselves_are_as_days_judged_with_those_around(self):
		"""A guard without a shift who is on a night shift once: what ends it hangs on the days after."""
		employee = factories.employee(longest_workday=26)
		factories.shift_assignment(employee, self.shift("22:00:00", "06:00:00"), day(10), day(10))
		around = [at(number, hour) for number in (8, 9, 12, 13, 14, 15) for hour in (8, 20)]
		for moment in (*around, at(10, 8), at(11, 4, 17), at(11, 19, 48)):
			self.checkin(employee, moment)
		self.look(employee)
		for last in range(7, 13):
			marks.add([marks.of_employee(employee, day(7), day(last))])
			self.assertEqual(self.judge(), 0, last)

	def test_a_period_that_is_rebuilt_is_as_it_was(self):
		shift = self.shift()
		people = [factories.employee(default_shift=shift) for _each in range(3)]
		for employee in people:
			self.checkin(employee, at(5, 9))
			self.checkin(employee, at(5, 18))
			self.look(employee)
		before = self.derived()
		frappe.db.delete(rows.DOCTYPE)
		self.assertEqual(
			api.rebuild_workdays(str(day(1)), str(day(31)), company=factories.company())["people"],
			frappe.db.count("Employee", {"company": factories.company()}),
		)
		self.judge()
		self.assertEqual(self.derived(), before)
		self.assertEqual(api.workdays_waiting()["people"], 0)

	def derived(self) -> list[dict]:
		fields = ["name", *(field for field in rows.FIELDS if field != "look_again_at")]
		return frappe.get_all(rows.DOCTYPE, fields=fields, order_by="name asc", limit=0)

	def test_days_before_the_first_one_are_not_asked_for(self):
		with self.assertRaisesRegex(frappe.ValidationError, "are not judged"):
			api.rebuild_workdays("2025-04-01", "2025-04-30")

	def test_punches_by_which_days_are_judged_are_not_deleted(self):
		for days in (70, 80):
			time = datetime.combine(getdate(), datetime.min.time()) - timedelta(days=days)
			row = {"name": f"{time:%Y%m%d%H%M%S}-{frappe.generate_hash(length=20)}", "punch_time": time}
			final = {"kind": "Punch", "status": "Processed", "reason_code": "", "attempts": 0}
			values = {**row, **final, "server": "main", "device_user_id": "1", "source_time": time}
			sql.insert("Biometric Staging Event", tuple(values), [tuple(values.values())])
		frappe.db.set_single_value(servers.SETTINGS, "delete_after_days", 30)
		frappe.clear_document_cache(servers.SETTINGS)
		retention.tidy()
		(kept,) = frappe.get_all("Biometric Staging Event", pluck="punch_time")
		self.assertEqual(getdate(kept), getdate() - timedelta(days=70))

	def test_the_night_deletes_days_of_more_than_400_days_ago(self):
		shift = self.shift()
		employee = factories.employee(default_shift=shift)
		for number in (6, 8):
			self.checkin(employee, at(number, 9))
		self.judge()
		self.assertEqual(len(self.rows(employee, checkins=1)), 2)
		retention.delete_workdays(day(7))
		self.assertEqual([row.date for row in self.rows(employee, checkins=1)], [day(8)])
		self.assertEqual(frappe.db.count("Employee Checkin", {"employee": employee}), 2)

	def test_one_person_whose_days_cannot_be_judged_keeps_nobody_else_waiting(self):
		shift = self.shift()
		broken, sound = (factories.employee(default_shift=shift) for _each in range(2))
		for employee in (broken, sound):
			self.checkin(employee, at(6, 9))
			self.checkin(employee, at(6, 18))
		name = frappe.db.get_value("Employee Checkin", {"employee": broken}, "name", order_by="time asc")
		written = frappe.get_doc(
			{
				"doctype": "Attendance",
				"employee": broken,
				"attendance_date": day(6),
				"status": "Present",
				"company": factories.company(),
			}
		).insert()
		frappe.db.set_value("Employee Checkin", name, {"shift": "Gone", "attendance": written.name})
		self.judge()
		self.assertEqual(self.says(sound, 6), ("Complete", ""))
		self.assertEqual(self.rows(broken), [])
		(mark,) = frappe.get_all("Biometric Stale Mark", {"whose": broken}, ["put_off_until"], limit=1)
		self.assertEqual(mark.put_off_until, NOW + timedelta(hours=1))
		save_to_db()
		why = frappe.get_all("Error Log", {"method": ("like", f"%{broken}%")}, pluck="error")
		self.assertTrue(why and "Gone" in why[0])
		frappe.db.set_value("Employee Checkin", name, {"shift": shift, "attendance": None})
		frappe.db.delete("Attendance", {"name": written.name})
		self.judge(NOW + timedelta(hours=2))
		self.assertEqual(self.says(broken, 6), ("Complete", ""))


class DevicesTestCase(WorkdaysTestCase):
	"""SN-A is read and heard of; of SN-B nothing was read for the second half of the three weeks."""

	def setUp(self) -> None:
		super().setUp()
		frappe.db.set_single_value("Biometric Sync Settings", "hold_days", 60)
		frappe.clear_document_cache("Biometric Sync Settings")
		shift = factories.shift_type(
			begin_check_in_before_shift_start_time=60, allow_check_out_after_shift_end_time=60
		)
		self.of_a, self.of_b = (factories.employee(code, default_shift=shift) for code in ("A1", "B1"))
		for device, code in ((0, "A1"), (1, "B1")):
			times = [self.moment(day, at) for day in range(DAYS // 2) for at in ("09:00", "18:00")]
			self.stage(self.devices[device], code, times)
		self.use()

	def says(self, employee: str, number: int) -> tuple[str, str, str | None]:
		day = self.first + number * DAY
		(row,) = [row for row in self.rows([employee]).values() if row["date"] == day]
		return row["state"], row["reason"], row["held_by"]


class TestDevices(DevicesTestCase):
	def test_only_who_hangs_on_the_device_that_is_missing_is_held_and_it_is_named(self):
		marks.add([marks.of_employee(employee, self.first) for employee in (self.of_a, self.of_b)])
		self.judge()
		late = DAYS // 2 + 3
		self.assertEqual(self.says(self.of_a, late), ("Complete", "No Punch", None))
		self.assertEqual(self.says(self.of_b, late), ("Held", "Device Missing", self.devices[1]))
		self.assertEqual(self.says(self.of_b, 3), ("Complete", "", None))

	def test_a_person_who_trusts_the_device_frees_its_days(self):
		marks.add([marks.of_employee(self.of_b, self.first)])
		self.judge()
		decision = {"what": "Trust This Device Until", "device": self.devices[1], "reason": "was stolen"}
		frappe.get_doc({"doctype": "Biometric Decision", "date": self.last, **decision}).insert()
		transaction.commit()
		self.judge()
		self.assertEqual(self.says(self.of_b, DAYS // 2 + 3), ("Complete", "No Punch", None))

	def test_a_used_punch_says_what_became_of_its_day(self):
		frappe.db.set_value("Employee", self.of_a, "relieving_date", self.first + 2 * DAY)
		marks.add([marks.of_employee(self.of_a, self.first)])
		self.judge()
		event = frappe.get_all(
			"Biometric Staging Event", {"employee": self.of_a}, pluck="name", order_by="name desc"
		)[0]
		document = frappe.get_doc("Biometric Staging Event", event)
		document.onload()
		self.assertEqual(document.get_onload("workday")["state"], "To Settle")
		self.assertIn("relieving date", document.get_onload("workday")["sentence"])

	def test_in_either_output_punches_and_check_ins_make_one_workday(self):
		frappe.db.set_single_value("Biometric Sync Settings", "output", "Attendance")
		frappe.clear_document_cache("Biometric Sync Settings")
		day = DAYS // 2 + 1
		self.checkin(self.of_a, self.moment(day, "09:00"))
		self.stage(self.devices[0], "A1", [self.moment(day, "18:00")])
		transaction.commit()
		process_staged(ProcessStore(), servers.rules)
		self.judge()
		(row,) = [row for row in self.rows([self.of_a]).values() if row["date"] == self.first + day * DAY]
		self.assertEqual((row["checkins"], row["hours"]), (2, 9.0))
