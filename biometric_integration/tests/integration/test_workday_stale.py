"""What makes a workday stale (docs/architecture.md): each line of that table is a test here. Whose days are judged again, and nobody else's?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from unittest.mock import patch

import pymysql

import frappe
from frappe.utils import getdate

from hrms.hr.doctype.employee_checkin.employee_checkin import mark_attendance_and_link_log

from biometric_integration.core.judgement import Why
from biometric_integration.sync.db import transaction
from biometric_integration.sync.records import servers
from biometric_integration.sync.workdays import judging, marks, rows, stale
from biometric_integration.sync.workdays.evidence import TRUST
from biometric_integration.tests import factories
from biometric_integration.tests.integration.workdays import (
	ASSIGNMENT,
	ATTENDANCE,
	CHECKIN,
	DAY,
	DECISION,
	HOLIDAYS,
	HOUR,
	LEAVE,
	SHIFT,
	SLIP,
	WorkdaysTestCase,
	differences,
)

Judged = dict[str, tuple[date, date]]


class StaleTestCase(WorkdaysTestCase):
	"""Anna and Bob work by day, Carla has no shift."""

	def setUp(self) -> None:
		super().setUp()
		self.shift = factories.shift_type("09:00:00", "18:00:00")
		self.night = factories.shift_type("22:00:00", "06:00:00")
		self.anna = factories.employee("7000", default_shift=self.shift)
		self.bob = factories.employee("7001", default_shift=self.shift)
		self.carla = factories.employee("7002")
		self.people = [self.anna, self.bob, self.carla]
		for employee in self.people:
			for at in ("09:00", "18:00"):
				self.checkin(employee, self.moment(5, at))
		self.whole = (self.first, getdate() + DAY)
		self.settle()

	def settle(self) -> None:
		self.sweep()
		self.judge()
		self.sweep()
		self.assertFalse(self.marks(), "nothing is left to do")

	def punch_at(self, device: str) -> None:
		"""Anna does, and all is judged."""
		self.stage(device, "7000", [self.moment(6, "09:00"), self.moment(6, "18:00")])
		self.use()
		self.settle()

	def day(self, number: int) -> date:
		return self.first + number * DAY

	def days(self, first: int, last: int | None = None) -> tuple[date, date]:
		"""As far as days are judged at all."""
		latest = getdate() + DAY
		return max(self.day(first), self.first), latest if last is None else min(self.day(last), latest)

	def judged(self) -> Judged:
		"""Whose days are judged now, from when to when."""
		found: Judged = {}
		judge = judging.Lane.judge

		def noting(lane, days):
			found.update(lane._within(days))
			return judge(lane, days)

		with patch.object(judging.Lane, "judge", noting):
			self.judge()
		return found

	@contextmanager
	def by_event(self, judged: Judged) -> Iterator[None]:
		"""What is done inside makes these days stale by itself, and they come right."""
		yield
		transaction.commit()
		self.assertEqual(self.judged(), judged)
		self.assert_right()

	@contextmanager
	def by_sweep(self, *people: str) -> Iterator[None]:
		"""What is done inside fires no event; the sweep finds these people."""
		yield
		transaction.commit()
		self.assertEqual(self.judged(), {}, "an event told of it")
		self.sweep()
		self.assertEqual(self.judged(), {employee: self.whole for employee in people})
		self.assert_right()

	@contextmanager
	def everybody_by_sweep(self) -> Iterator[None]:
		yield
		transaction.commit()
		self.assertEqual(self.judged(), {}, "an event told of it")
		self.sweep()
		self.assertLessEqual(set(self.people), set(self.judged()))
		self.assert_right()

	def assert_right(self) -> None:
		self.assertFalse(differences(self.rows(self.people), self.rebuild(self.people)))
		self.assertFalse(self.sweep() and self.judge(), "and the sweep finds nothing that is not known")


class TestFoundByTheirEvent(StaleTestCase):
	def test_a_check_in_that_is_made(self):
		with self.by_event({self.anna: self.days(5, 37)}):
			self.checkin(self.anna, self.moment(7, "09:10"))

	def test_a_check_in_that_is_moved_to_another_day(self):
		made = self.checkin(self.anna, self.moment(7, "09:10"))
		self.settle()
		with self.by_event({self.anna: self.days(5, 39)}):
			made.time = self.moment(9, "09:10")
			made.save()

	def test_a_check_in_that_goes_to_somebody_else(self):
		made = self.checkin(self.anna, self.moment(7, "09:10"))
		self.settle()
		with self.by_event({self.anna: self.days(5, 37), self.bob: self.days(5, 37)}):
			made.employee = self.bob
			made.save()

	def test_a_check_in_that_is_deleted(self):
		name = frappe.db.get_value(CHECKIN, {"employee": self.anna})
		with self.by_event({self.anna: self.days(3, 35)}):
			frappe.delete_doc(CHECKIN, name)

	def test_punches_that_are_used(self):
		with self.by_event({self.bob: self.days(6, 38)}):
			self.stage(self.devices[0], "7001", [self.moment(8, "09:00"), self.moment(8, "18:01")])
			self.use()

	def test_the_first_check_in_of_somebody(self):
		dora = factories.employee("7003", default_shift=self.shift)
		self.people.append(dora)
		self.settle()
		self.assertEqual({row["reason"] for row in self.rows([dora]).values()}, {Why.NO_ID.value})
		with self.by_event({dora: self.days(10, 42)}):
			self.checkin(dora, self.moment(12, "09:00"))
		reasons = {row["reason"] for row in self.rows([dora]).values()}
		self.assertNotIn(Why.NO_ID.value, reasons, "the days before it as well")

	def test_attendance_that_is_marked(self):
		with self.by_event({self.anna: self.days(6, 8)}):
			self.attendance(self.anna, self.day(7))

	def test_attendance_that_is_cancelled(self):
		made = self.attendance(self.anna, self.day(7))
		self.settle()
		with self.by_event({self.anna: self.days(6, 8)}):
			made.cancel()

	def test_a_draft_that_is_deleted(self):
		made = self.attendance(self.anna, self.day(7), submit=False)
		self.settle()
		with self.by_event({self.anna: self.days(6, 8)}):
			frappe.delete_doc(ATTENDANCE, made.name)

	def test_attendance_that_hrms_writes(self):
		fields = ["name", "employee", "time", "shift", "shift_start"]
		logs = frappe.get_all(CHECKIN, {"employee": self.anna}, fields, order_by="time asc")
		with self.by_event({self.anna: self.days(4, 6)}):
			mark_attendance_and_link_log(logs, "Present", self.day(5), 9.0, shift=self.shift)

	def test_leave_that_is_approved(self):
		with self.by_event({self.anna: self.days(6, 9)}):
			self.leave(self.anna, self.day(7), self.day(8))

	def test_leave_that_is_cancelled(self):
		made = self.leave(self.anna, self.day(7), self.day(8))
		self.settle()
		with self.by_event({self.anna: self.days(7, 8)}):
			frappe.get_doc(LEAVE, made.name).cancel()
		self.assertFalse(frappe.db.count(ATTENDANCE, {"employee": self.anna, "docstatus": 1}))

	def test_an_assignment_that_is_submitted(self):
		with self.by_event({self.carla: self.days(6, 10)}):
			factories.shift_assignment(self.carla, self.night, self.day(7), self.day(9))

	def test_an_assignment_that_is_ended(self):
		name = factories.shift_assignment(self.carla, self.night, self.day(7))
		self.settle()
		with self.by_event({self.carla: self.days(6)}):
			assignment = frappe.get_doc(ASSIGNMENT, name)
			assignment.end_date = self.day(9)
			assignment.save()

	def test_an_assignment_that_is_cancelled(self):
		name = factories.shift_assignment(self.carla, self.night, self.day(7), self.day(9))
		self.settle()
		with self.by_event({self.carla: self.days(6, 10)}):
			frappe.get_doc(ASSIGNMENT, name).cancel()

	def test_a_shift_type_that_is_changed(self):
		with self.by_event({self.anna: self.days(0), self.bob: self.days(0)}):
			self.save(SHIFT, self.shift, working_hours_threshold_for_half_day=9.5)

	def test_a_shift_type_whose_workdays_are_all_that_is_left_of_it(self):
		frappe.db.set_value("Employee", self.anna, "default_shift", "")
		frappe.db.set_value("Employee", self.bob, "default_shift", "")
		for employee in (self.anna, self.bob):
			logs = frappe.get_all(
				CHECKIN, {"employee": employee}, ["name", "employee", "shift"], order_by="time asc"
			)
			mark_attendance_and_link_log(logs, "Present", self.day(5), 9.0, shift=self.shift)
		self.settle()
		with self.by_event({self.anna: self.days(0), self.bob: self.days(0)}):
			self.save(SHIFT, self.shift, working_hours_threshold_for_half_day=9.5)

	def test_the_watermark_of_a_shift_type_says_nothing_of_anybody(self):
		with self.by_event({}):
			self.save(SHIFT, self.shift, last_sync_of_checkin=self.moment(9, "00:00"))

	def test_a_holiday(self):
		holidays = frappe.get_doc(HOLIDAYS, factories.holiday_list())
		self.addCleanup(self.without_holiday, self.day(5))
		holidays.append("holidays", {"holiday_date": self.day(5), "description": "Feast"})
		holidays.save()
		transaction.commit()
		judged = self.judged()
		self.assertEqual({judged[employee] for employee in self.people}, {self.days(0, 5)})
		self.assert_right()

	def without_holiday(self, day: date) -> None:
		frappe.db.delete("Holiday", {"parent": factories.holiday_list(), "holiday_date": day})
		transaction.commit()

	def test_an_employee_who_is_changed(self):
		with self.by_event({self.bob: self.days(0)}):
			self.save("Employee", self.bob, default_shift=self.night)

	def test_an_employee_of_whom_something_else_is_changed(self):
		with self.by_event({}):
			self.save("Employee", self.bob, cell_number="1")

	def test_an_employee_who_is_deleted(self):
		eva = factories.employee("7004", default_shift=self.shift)
		self.people.append(eva)
		self.settle()
		self.assertTrue(self.rows([eva]))
		with self.by_event({eva: self.days(0)}):
			frappe.delete_doc("Employee", eva)
		self.assertFalse(self.rows([eva]))

	def test_a_decision_that_is_made_and_taken_back(self):
		with self.by_event({self.anna: self.days(5, 5)}):
			made = self.decide(employee=self.anna, date=self.day(5), shift=self.shift, what="Leave It")
		with self.by_event({self.anna: self.days(5, 5)}):
			frappe.delete_doc(DECISION, made)

	def test_a_person_who_is_said_to_be_still_here(self):
		with self.by_event({self.anna: self.days(5)}):
			made = self.decide(employee=self.anna, date=self.day(5), what="Still Here")
		with self.by_event({self.anna: self.days(5)}):
			frappe.delete_doc(DECISION, made)

	def test_a_device_that_somebody_trusts(self):
		self.punch_at(self.devices[1])
		with self.by_event({self.anna: self.days(0)}):
			self.decide(device=self.devices[1], date=self.day(20), what=TRUST)

	def test_a_device_that_counts_no_longer_and_then_again(self):
		self.punch_at(self.devices[1])
		for counts in (0, 1):
			with self.by_event({self.anna: self.days(0)}):
				self.save("Biometric Device", self.devices[1], counts_for_attendance=counts)

	def test_a_setting(self):
		settings = frappe.get_single(servers.SETTINGS)
		settings.missing_punch = "Present"
		settings.save()
		transaction.commit()
		judged = self.judged()
		self.assertEqual({judged[employee] for employee in self.people}, {self.days(0)})
		self.assert_right()

	def test_a_salary_slip(self):
		with self.by_event({self.anna: self.days(3, 9)}):
			slip = frappe.new_doc(SLIP)
			slip.update({"employee": self.anna, "start_date": self.day(3), "end_date": self.day(9)})
			stale.slip_changed(slip, "on_submit")

	def decide(self, **values) -> str:
		return frappe.get_doc({"doctype": DECISION, "reason": "so", **values}).insert().name

	def save(self, doctype: str, name: str, **values) -> None:
		document = frappe.get_doc(doctype, name)
		document.update(values)
		document.save()


class TestFoundByTheirTime(StaleTestCase):
	def test_a_shift_that_has_closed(self):
		servers.keep_stamp("closed_until", self.now - DAY)
		with self.by_event({self.anna: (getdate() - DAY,) * 2, self.bob: (getdate() - DAY,) * 2}):
			pass

	def test_a_row_that_is_to_be_looked_at_again(self):
		name = next(iter(self.rows([self.anna])))
		frappe.db.set_value(rows.DOCTYPE, name, "look_again_at", self.now - HOUR, update_modified=False)
		day = frappe.db.get_value(rows.DOCTYPE, name, "date")
		with self.by_event({self.anna: (day, day)}):
			pass


class TestFoundByTheSweep(StaleTestCase):
	def test_where_nothing_was_changed_nobody_is_looked_at(self):
		self.leave(self.anna, getdate() + 5 * DAY, getdate() + 6 * DAY)
		self.checkin(self.bob, datetime.combine(getdate() + 7 * DAY, time(9)))
		self.settle()
		self.assertEqual(self.sweep(), 0, "what lies ahead is in no row yet")

	def test_a_check_in_that_is_moved_by_query(self):
		name = frappe.db.get_value(CHECKIN, {"employee": self.anna, "time": self.moment(5, "18:00")})
		with self.by_sweep(self.anna):
			frappe.db.set_value(CHECKIN, name, "time", self.moment(5, "17:00"), update_modified=False)

	def test_check_ins_that_are_skipped_by_hrms(self):
		logs = frappe.get_all(CHECKIN, {"employee": self.anna}, ["name", "employee"])
		with self.by_sweep(self.anna):
			mark_attendance_and_link_log(logs, "Skip", self.day(5))

	def test_check_ins_that_are_put_in_by_query(self):
		with self.by_sweep(self.anna, self.bob):
			self.put_in(self.anna, self.moment(2, "09:00"))
			self.put_in(self.bob, self.moment(7, "09:00"))

	def test_a_check_in_of_the_first_morning_that_is_put_in_by_query(self):
		with self.by_sweep(self.anna):
			self.put_in(self.anna, self.moment(0, "09:00"))

	def test_check_ins_that_are_deleted_by_query(self):
		with self.by_sweep(self.anna):
			frappe.db.delete(CHECKIN, {"employee": self.anna})

	def test_attendance_that_is_changed_by_query(self):
		made = self.attendance(self.anna, self.day(7))
		self.settle()
		with self.by_sweep(self.anna):
			frappe.db.set_value(ATTENDANCE, made.name, "status", "Absent", update_modified=False)
		with self.by_sweep(self.anna):
			frappe.db.set_value(ATTENDANCE, made.name, "docstatus", 2, update_modified=False)

	def test_attendance_that_is_deleted_by_query(self):
		made = self.attendance(self.anna, self.day(7))
		self.settle()
		with self.by_sweep(self.anna):
			frappe.db.delete(ATTENDANCE, {"name": made.name})

	def test_the_other_half_that_hrms_writes_ahead(self):
		if not frappe.get_meta(ATTENDANCE).has_field("half_day_status"):
			self.skipTest("this HRMS does not say what the other half is")
		self.leave(self.anna, self.day(7), self.day(7), half_day=self.day(7))
		self.settle()
		name = frappe.db.get_value(ATTENDANCE, {"employee": self.anna, "docstatus": 1})
		with self.by_sweep(self.anna):
			values = {"half_day_status": "Absent", "modify_half_day_status": 0}
			frappe.db.set_value(ATTENDANCE, name, values, update_modified=False)

	def test_leave_that_is_changed_by_query(self):
		made = self.leave(self.anna, self.day(7), self.day(8))
		self.settle()
		with self.by_sweep(self.anna):
			frappe.db.set_value(LEAVE, made.name, "to_date", self.day(9), update_modified=False)

	def test_an_assignment_that_is_changed_by_query(self):
		name = factories.shift_assignment(self.carla, self.night, self.day(7))
		self.settle()
		with self.by_sweep(self.carla):
			frappe.db.set_value(ASSIGNMENT, name, "end_date", self.day(9), update_modified=False)
		with self.by_sweep(self.carla):
			assignment = frappe.qb.DocType(ASSIGNMENT)
			frappe.qb.update(assignment).set("status", "Inactive").where(assignment.name == name).run()

	def test_an_employee_who_is_changed_by_query(self):
		with self.by_sweep(self.bob):
			frappe.db.set_value("Employee", self.bob, "default_shift", self.night, update_modified=False)
		with self.by_sweep(self.bob):
			frappe.db.set_value("Employee", self.bob, "relieving_date", self.day(9), update_modified=False)

	def test_a_decision_that_is_deleted_by_query(self):
		values = {"employee": self.anna, "date": self.day(5), "shift": self.shift, "what": "Leave It"}
		made = frappe.get_doc({"doctype": DECISION, "reason": "so", **values}).insert()
		self.settle()
		with self.by_sweep(self.anna):
			frappe.db.delete(DECISION, {"name": made.name})

	def test_a_salary_slip_that_is_put_in_by_query(self):
		with self.by_sweep(self.anna):
			fields = ("name", "modified", "docstatus", "employee", "start_date", "end_date")
			at = self.moment(10, "00:00")
			values = (factories.unique("Slip"), at, 1, self.anna, self.day(3), self.day(9))
			frappe.db.bulk_insert(SLIP, fields, [values])

	def test_a_shift_type_that_is_changed_by_query(self):
		with self.by_sweep(self.anna, self.bob):
			values = {"working_hours_threshold_for_half_day": 9.5}
			frappe.db.set_value(SHIFT, self.shift, values, update_modified=False)

	def test_a_holiday_that_is_put_in_by_query(self):
		fields = ("name", "parent", "parenttype", "parentfield", "holiday_date", "description")
		name = factories.unique("Holiday")
		self.addCleanup(transaction.commit)
		self.addCleanup(frappe.db.delete, "Holiday", {"name": name})
		with self.everybody_by_sweep():
			values = (name, factories.holiday_list(), HOLIDAYS, "holidays", self.day(5), "Feast")
			frappe.db.bulk_insert("Holiday", fields, [values])

	def test_the_holiday_list_of_a_company(self):
		company = factories.company()
		self.addCleanup(transaction.commit)
		self.addCleanup(
			frappe.db.set_value, "Company", company, "default_holiday_list", factories.holiday_list()
		)
		with self.everybody_by_sweep():
			frappe.db.set_value("Company", company, "default_holiday_list", None)

	def test_the_longest_workday_of_a_department(self):
		department = frappe.get_doc(
			{
				"doctype": "Department",
				"department_name": factories.unique("Dept"),
				"company": factories.company(),
			}
		).insert()
		self.settle()
		with self.everybody_by_sweep():
			frappe.db.set_value("Department", department.name, "longest_workday", 26)

	def test_a_setting_that_is_changed_by_query(self):
		with self.everybody_by_sweep():
			frappe.db.set_single_value(servers.SETTINGS, "missing_punch", "Present", update_modified=False)

	def test_a_device_that_is_changed_by_query(self):
		self.punch_at(self.devices[1])
		with self.by_sweep(self.anna):
			frappe.db.set_value("Biometric Device", self.devices[1], "counts_for_attendance", 0)

	def test_trust_in_a_device_that_is_deleted_by_query(self):
		self.punch_at(self.devices[1])
		values = {"device": self.devices[1], "date": self.day(20), "what": TRUST}
		made = frappe.get_doc({"doctype": DECISION, "reason": "so", **values}).insert()
		self.settle()
		with self.by_sweep(self.anna):
			frappe.db.delete(DECISION, {"name": made.name})

	def put_in(self, employee: str, at: datetime) -> None:
		fields = ("name", "creation", "modified", "employee", "time", "log_type")
		frappe.db.bulk_insert(CHECKIN, fields, [(factories.unique("CKIN"), at, at, employee, at, "")])


class TestSideBySide(StaleTestCase):
	def test_a_mark_that_is_not_committed_keeps_nobody_waiting(self):
		other = pymysql.connect(
			host=frappe.conf.db_host or "127.0.0.1",
			port=int(frappe.conf.db_port or 3306),
			user=frappe.conf.db_name,
			password=frappe.conf.db_password,
			database=frappe.conf.db_name,
		)
		self.addCleanup(other.close)
		mark = "INSERT INTO `tabBiometric Stale Mark` (`name`, `creation`, `scope`, `whose`, `from_date`, `to_date`) VALUES (%s, NOW(), 'Employee', %s, %s, %s)"
		names = sorted(frappe.generate_hash(length=20) for _number in range(9))
		with other.cursor() as cursor:
			cursor.execute("SET innodb_lock_wait_timeout=1")
			cursor.execute(mark, (names[4], self.bob, self.day(5), self.day(5)))
			for name in (*names[:4], *names[5:]):
				frappe.db.sql(mark, (name, self.anna, self.day(5), self.day(5)))
			transaction.commit()
			frappe.db.sql("SET innodb_lock_wait_timeout=1")
			self.addCleanup(frappe.db.sql, "SET innodb_lock_wait_timeout=50")
			marks.delete([*names[:4], *names[5:]])
			cursor.execute(
				mark, (names[4] + "x", self.bob, self.day(6), self.day(6))
			)  # nor does a save wait for the lane
			frappe.db.rollback()

	def test_a_default_shift_that_changes_while_a_job_goes_on_is_seen(self):
		lane = judging.Lane(judging.policy(self.now))
		lane.derived({self.anna: self.whole})
		frappe.db.sql("UPDATE `tabEmployee` SET `default_shift`=%s WHERE `name`=%s", (self.night, self.anna))
		found = lane.derived({self.anna: self.days(8, 9)})
		self.assertEqual({row["shift"] for row in found.values()}, {self.night})

	def test_a_shift_type_that_changes_while_a_job_goes_on_is_seen(self):
		lane = judging.Lane(judging.policy(self.now))
		lane.derived({self.anna: self.whole})
		frappe.db.sql(f"UPDATE `tab{SHIFT}` SET `end_time`='17:00:00' WHERE `name`=%s", self.shift)
		found = lane.derived({self.anna: self.days(8, 8)})
		self.assertEqual([row["shift_end"] for row in found.values()], [self.moment(8, "17:00")])
