"""The guard on HRMS's auto attendance: each test tries to get something past it, or looks whether it keeps anything from its place."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import date, datetime, time
from types import SimpleNamespace
from unittest.mock import patch

import frappe
from frappe.handler import run_doc_method
from frappe.model.base_document import get_controller

from hrms.hr.doctype.attendance.attendance import mark_bulk_attendance
from hrms.hr.doctype.shift_type import shift_type as hrms_shifts
from hrms.hr.doctype.shift_type.shift_type import ShiftType

from biometric_integration import hooks, install
from biometric_integration.core.stream import Cursor, Stream
from biometric_integration.sync.db import fresh, locks, transaction
from biometric_integration.sync.records import cursors, servers
from biometric_integration.sync.workdays import guard, judging, marks, rows, shift_type
from biometric_integration.sync.workdays.marks import Mark, Scope
from biometric_integration.tests import factories
from biometric_integration.tests.integration.workdays import (
	ATTENDANCE,
	CHECKIN,
	DAY,
	DAYS,
	HOUR,
	SHIFT,
	SLIP,
	WorkdaysTestCase,
)

COMMENT = "Comment"
GUARD = shift_type.ShiftTypeGuard
METHODS = ("get_employee_checkins", "get_dates_for_attendance", "mark_absent_for_half_day_dates")
HAS_HALF_DAYS = hasattr(ShiftType, "mark_absent_for_half_day_dates")


class GuardTestCase(WorkdaysTestCase):
	"""Anna and Bob work by day, in a shift with thresholds that HRMS marks by itself, up to the end of the three weeks."""

	def setUp(self) -> None:
		super().setUp()
		frappe.db.set_value(SHIFT, {"enable_auto_attendance": 1}, "enable_auto_attendance", 0)
		self.settings_are(hold_days=60)
		self.shift = self.a_shift()
		self.anna = factories.employee("7000", default_shift=self.shift)
		self.bob = factories.employee("7001", default_shift=self.shift)
		self.people = [self.anna, self.bob]
		transaction.commit()

	def a_shift(self, start: str = "09:00:00", end: str = "18:00:00", **values) -> str:
		automatic = {
			"enable_auto_attendance": 1,
			"process_attendance_after": self.first + 14 * DAY,
			"last_sync_of_checkin": self.moment(DAYS, "12:00"),
			"begin_check_in_before_shift_start_time": 60,
			"allow_check_out_after_shift_end_time": 60,
			"working_hours_threshold_for_half_day": 6,
			"working_hours_threshold_for_absent": 3,
		}
		return factories.shift_type(start, end, **{**automatic, **values})

	def settings_are(self, **values) -> None:
		for field, value in values.items():
			frappe.db.set_single_value(servers.SETTINGS, field, value)
		frappe.clear_document_cache(servers.SETTINGS, servers.SETTINGS)

	def worked(self, employee: str, day: int, *times: str) -> list[str]:
		"""By hand: such check-ins are their own evidence."""
		return [self.checkin(employee, self.moment(day, at)).name for at in times]

	def whole_days(self, employee: str, *days: int) -> None:
		for day in days:
			self.worked(employee, day, "09:00", "18:00")

	def judge_all(self) -> None:
		"""Afterwards nothing waits."""
		transaction.commit()
		marks.add(marks.of_employee(employee, self.first) for employee in self.people)
		self.judge()
		self.assertEqual(self.marks(), 0)

	def judged_without(self, *missed: int) -> None:
		"""The last week as HRMS marks it: everybody was there, but Anna on these days."""
		for employee in self.people:
			absent = missed if employee == self.anna else ()
			self.whole_days(employee, *(day for day in range(14, DAYS) if day not in absent))
		self.judge_all()

	def hrms(self) -> None:
		"""The hourly job."""
		transaction.commit()
		hrms_shifts.process_auto_attendance_for_all_shifts()
		transaction.commit()

	def hours_pass(self) -> None:
		"""What is written makes the days around it stale, so what is said of those comes an hour later."""
		for _hour in range(2):
			self.hrms()
			self.judge()

	def cannot_be_judged(self, employee: str, day: int) -> None:
		"""Its mark is put off for an hour."""
		marks.add([Mark(Scope.EMPLOYEE, employee, self.first + day * DAY, self.first + day * DAY)])
		marks.put_off(frappe.get_all(marks.DOCTYPE, {"whose": employee}, pluck="name"), self.now + HOUR)

	def row(self, employee: str, day: int) -> dict:
		(row,) = [row for row in self.rows([employee]).values() if row["date"] == self.first + day * DAY]
		return row

	def written(self, employee: str) -> dict[int, str]:
		found = frappe.get_all(
			ATTENDANCE,
			{"employee": employee, "docstatus": 1},
			["attendance_date", "status"],
			order_by="attendance_date asc",
		)
		return {(row.attendance_date - self.first).days: row.status for row in found}

	def bad(self) -> list[tuple]:
		"""What HRMS wrote against anybody."""
		about = factories.of_people(status=("in", ("Absent", "Half Day")))
		return [*frappe.get_all(ATTENDANCE, about, ["employee", "attendance_date", "status"], as_list=True)]

	def traces(self) -> list[tuple]:
		"""What HRMS left at check-ins of which no attendance was made: skipped, or spoken about."""
		checkins = frappe.get_all(
			CHECKIN, factories.of_people(), ["name", "skip_auto_attendance", "_comments"], limit=0
		)
		names = [row.name for row in checkins]
		about = {"reference_doctype": CHECKIN, "reference_name": ("in", names)}
		return [
			*[
				tuple(row.values())
				for row in checkins
				if row.skip_auto_attendance or json.loads(row._comments or "[]")
			],
			*frappe.get_all(COMMENT, about, ["reference_name", "content"], as_list=True),
		]

	@contextmanager
	def backstop_only(self) -> Iterator[None]:
		"""As where another app owns the Shift Type: HRMS sees all of it."""
		with ExitStack() as stack:
			for name in METHODS:
				stack.enter_context(patch.object(GUARD, name, _passing(name)))
			yield

	@contextmanager
	def somebody_else(self) -> Iterator[Callable]:
		"""Another connection; the callable runs a statement on it and commits."""
		with closing(frappe.db.get_connection()) as other:

			def run(statement: str, *values: object) -> list:
				with closing(other.cursor()) as cursor:
					cursor.execute(statement, values)
					found = list(cursor.fetchall())
				other.commit()
				return found

			try:
				yield run
			finally:
				run("SELECT RELEASE_ALL_LOCKS()")  # a connection that is closed keeps them for a moment


def _passing(name: str) -> Callable:
	return lambda self, *values: getattr(super(GUARD, self), name)(*values)


def a_mark(run: Callable, employee: str, first: date, last: date) -> None:
	"""As the save of somebody else leaves it."""
	run(
		f"INSERT INTO `tab{marks.DOCTYPE}` (`name`, `creation`, `scope`, `whose`, `from_date`, `to_date`) VALUES (%s, NOW(), 'Employee', %s, %s, %s)",
		frappe.generate_hash(length=20),
		employee,
		first,
		last,
	)


class TestDeviceMissing(GuardTestCase):
	"""W1: people come in at one device and leave at another, which is offline from the 15th day on."""

	OFF = range(15, 19)

	def setUp(self) -> None:
		super().setUp()
		self.codes = [f"W{number}" for number in range(6)]
		hired = factories.employees(self.codes, default_shift=self.shift)
		self.people = [*hired.values()]
		frappe.db.delete("Employee", {"name": ("in", (self.anna, self.bob))})
		frappe.db.delete("Biometric Sync Cursor")
		frappe.db.delete("Biometric Device Hour")
		self.entry = self.device("SN-IN", self.now)
		self.exit = self.device("SN-OUT", self.moment(15, "00:00"))
		frappe.db.delete("Biometric Device Hour", {"device": self.exit})
		self._heard(self.exit, self.now - 60 * DAY)
		self._heard(self.exit, self.moment(14, "20:00"))
		for code in self.codes:
			self.stage(self.entry, code, [self.moment(day, "09:00") for day in range(19)])
			self.stage(self.exit, code, [self.moment(day, "18:00") for day in range(15)])
		self.use()

	def upload(self) -> None:
		"""Newest first."""
		for day in reversed(self.OFF):
			for code in self.codes:
				self.stage(self.exit, code, [self.moment(day, "18:00")])
		stream = Stream("main", "eTimeTrackLite", "SN-OUT", "punches")
		cursors.take(stream, "run")
		cursors.move(stream, "run", Cursor(read_until=self.now, complete_until=self.now))
		self._heard(self.exit, self.now - HOUR)
		self.use()

	def hours_go_by(self, marks_by_the_clock: bool) -> None:
		for _hour in range(2):
			if marks_by_the_clock:
				night = datetime.combine(self.now - DAY, time(23, 30))
				with patch.dict(frappe.flags, current_datetime=night):
					hrms_shifts.update_last_sync_of_checkin()
			self.hrms()

	def goes_well(self, marks_by_the_clock: bool) -> None:
		until = {"relieving_date": self.first + 18 * DAY}
		frappe.db.set_value("Employee", {"name": ("in", self.people)}, until)
		self.judge_all()
		self.assertEqual(self.row(self.people[0], 16)["state"], "Held")
		self.assertEqual(self.row(self.people[0], 16)["held_by"], self.exit)
		self.hours_go_by(marks_by_the_clock)
		self.assertEqual(self.bad(), [])
		self.assertEqual(self.written(self.people[0]), {14: "Present"})
		self.upload()
		self.hours_go_by(marks_by_the_clock)
		self.assertEqual(self.bad(), [])
		self.judge_all()
		self.hours_go_by(marks_by_the_clock)
		for employee in self.people:
			self.assertEqual(self.written(employee), dict.fromkeys(range(14, 19), "Present"))
		hours = frappe.get_all(ATTENDANCE, factories.of_people(), pluck="working_hours", limit=0)
		self.assertEqual(set(hours), {9.0})
		self.assertEqual(self.traces(), [])

	def test_nobody_is_absent_while_the_exit_reader_is_offline_and_all_are_present_after_its_upload(self):
		self.goes_well(marks_by_the_clock=False)

	def test_nor_where_hrms_moves_its_mark_by_the_clock(self):
		if not hasattr(hrms_shifts, "update_last_sync_of_checkin"):
			self.skipTest("this HRMS does not move its mark")
		frappe.db.set_value(SHIFT, self.shift, "auto_update_last_sync", 1)
		self.goes_well(marks_by_the_clock=True)
		moved = frappe.db.get_value(SHIFT, self.shift, "last_sync_of_checkin")
		self.assertGreater(moved, self.moment(DAYS, "12:00"))

	def test_nor_where_another_app_owns_the_shift_type(self):
		with self.backstop_only():
			self.goes_well(marks_by_the_clock=False)


class TestWhatIsFree(GuardTestCase):
	def test_an_absence_that_is_proven_is_written(self):
		self.judged_without(16)
		self.assertEqual(
			(self.row(self.anna, 16)["state"], self.row(self.anna, 16)["would_status"]),
			("Complete", "Absent"),
		)
		self.hours_pass()
		self.assertEqual(self.written(self.anna)[16], "Absent")
		self.assertNotIn("Absent", self.written(self.bob).values())

	def test_short_hours_that_are_proven_are_written(self):
		self.judged_without(16, 17)
		self.worked(self.anna, 16, "09:00", "13:00")
		self.worked(self.anna, 17, "09:00", "10:00")
		self.judge_all()
		self.hrms()
		self.assertEqual((self.written(self.anna)[16], self.written(self.anna)[17]), ("Half Day", "Absent"))

	def test_the_shift_type_by_itself_keeps_hrms_from_trying(self):
		self.judged_without(16)
		self.cannot_be_judged(self.anna, 16)
		with patch.object(guard, "before_validate"), patch.object(guard, "validate"):
			self.hours_pass()
		self.assertEqual(sorted(self.written(self.anna)), [14, 15, 17, 18, 19, 20])

	def test_a_day_without_a_row_is_left_out(self):
		self.judged_without(16)
		self.worked(self.anna, 17, "10:00")
		self.forget()
		self.hrms()
		self.assertEqual((self.written(self.anna), self.written(self.bob), self.traces()), ({}, {}, []))

	def test_a_row_of_another_shift_frees_nothing(self):
		self.judged_without(16)
		other = self.a_shift("08:00:00", "17:00:00", enable_auto_attendance=0)
		frappe.db.delete(marks.DOCTYPE)
		frappe.db.set_value(rows.DOCTYPE, {"employee": self.anna}, "shift", other)
		self.hrms()
		self.assertEqual(self.written(self.anna), {})
		self.assertEqual(len(self.written(self.bob)), 7)

	def test_a_missing_punch_is_for_a_person_to_settle_and_stays_unwritten(self):
		self.judged_without(16)
		self.worked(self.anna, 16, "09:00")
		self.judge_all()
		self.assertEqual(self.row(self.anna, 16)["state"], "To Settle")
		self.hrms()
		self.assertNotIn(16, self.written(self.anna))
		self.assertEqual(len(self.written(self.anna)), 6)
		self.assertEqual(self.traces(), [])

	def test_a_day_that_waits_to_be_judged_is_left_out_and_no_other(self):
		self.judged_without(16)
		marks.add([Mark(Scope.EMPLOYEE, self.anna, self.first + 16 * DAY, self.first + 17 * DAY)])
		self.hrms()
		self.assertEqual(sorted(self.written(self.anna)), [14, 15, 18, 19, 20])
		self.assertEqual(len(self.written(self.bob)), 7)

	def test_so_is_one_that_was_put_off_because_it_could_not_be_judged(self):
		self.judged_without(16)
		self.cannot_be_judged(self.anna, 16)
		self.hrms()
		self.assertNotIn(16, self.written(self.anna))

	def test_a_wide_mark_counts_for_everybody(self):
		self.judged_without(16)
		for scope, whose in (
			(Scope.EVERYBODY, ""),
			(Scope.SHIFT_TYPE, self.shift),
			(Scope.DEVICE, self.devices[0]),
		):
			with self.subTest(scope=scope):
				frappe.db.delete(marks.DOCTYPE)
				marks.add([Mark(scope, whose, self.first, date.max)])
				self.hrms()
				self.assertEqual((self.written(self.anna), self.written(self.bob)), ({}, {}))
		frappe.db.delete(marks.DOCTYPE)
		self.hours_pass()
		self.assertEqual(self.written(self.anna)[16], "Absent")

	def test_who_punched_outside_of_the_shift_is_not_absent_before_somebody_has_decided(self):
		self.judged_without(16)
		self.worked(self.anna, 16, "20:00", "23:30")
		self.judge_all()
		states = {
			(row["shift"], row["state"])
			for row in self.rows([self.anna]).values()
			if row["date"] == self.first + 16 * DAY
		}
		self.assertIn((self.shift, "To Settle"), states)
		self.hours_pass()
		self.assertNotIn(16, self.written(self.anna))

	def test_a_double_tap_counts_once_and_all_of_it_is_part_of_the_record(self):
		names = self.worked(self.anna, 16, "09:00:02", "09:00:05", "18:00")
		self.judge_all()
		self.hours_pass()
		self.assertEqual(self.written(self.anna)[16], "Present")
		linked = frappe.get_all(CHECKIN, {"name": ("in", names)}, pluck="attendance", distinct=True)
		self.assertEqual(
			linked, frappe.get_all(ATTENDANCE, {"employee": self.anna, "status": "Present"}, pluck="name")
		)
		self.assertEqual(self.row(self.anna, 16)["unlinked"], 0)

	def test_hrms_is_shown_no_other_check_ins_than_those_that_were_judged(self):
		names = self.worked(self.anna, 16, "09:00", "18:00")
		self.judge_all()
		frappe.db.set_value(CHECKIN, names[1], "skip_auto_attendance", 1, update_modified=False)
		self.hrms()
		self.assertNotIn(16, self.written(self.anna))

	def test_a_day_that_was_paid_without_it_is_written_no_more(self):
		self.judged_without(16)
		first, last = self.first, self.first + DAYS * DAY
		slip = frappe.get_doc(
			{"doctype": SLIP, "employee": self.anna, "docstatus": 1, "start_date": first, "end_date": last}
		)
		slip.name = factories.unique("SLIP")
		slip.db_insert()
		self.judge_all()
		self.hours_pass()
		self.assertEqual(self.written(self.anna), {})
		self.assertEqual(self.row(self.anna, 16)["reason"], "After the Pay Slip")

	def test_what_hrms_was_silent_about_may_still_be_written(self):
		self.judged_without(16)
		silent = {"state": "To Settle", "reason": "HRMS Silent"}
		frappe.db.set_value(rows.DOCTYPE, {"employee": self.anna}, silent)
		self.hours_pass()
		self.assertEqual(len(self.written(self.anna)), 7)

	def test_days_before_the_first_one_that_is_judged_are_hrmss_own(self):
		frappe.db.delete(marks.DOCTYPE)
		self.settings_are(workdays_from=self.first + 18 * DAY)
		for employee in self.people:
			self.worked(employee, 17, "09:00", "10:00")
			self.worked(employee, 19, "09:00", "10:00")
		frappe.db.delete(marks.DOCTYPE)
		self.hrms()
		self.assertEqual(self.written(self.anna), dict.fromkeys(range(14, 18), "Absent"))

	def test_where_it_is_turned_off_hrms_does_as_it_does(self):
		self.worked(self.anna, 16, "09:00", "10:00")
		self.settings_are(guard=0)
		self.hrms()
		self.assertEqual(set(self.written(self.anna).values()), {"Absent"})

	def test_where_no_server_is_in_use_hrms_does_as_it_does(self):
		self.settings_are(enabled=0)
		self.hrms()
		self.assertEqual(set(self.written(self.anna).values()), {"Absent"})

	def test_a_site_that_has_not_been_asked_yet_has_it_on(self):
		frappe.db.delete("Singles", {"doctype": servers.SETTINGS, "field": "guard"})
		self.settings_are(decide_by=7)
		install.complete()
		frappe.clear_document_cache(servers.SETTINGS, servers.SETTINGS)
		settings = frappe.get_cached_doc(servers.SETTINGS)
		self.assertEqual((int(settings.guard), settings.decide_by), (1, 7))

	def test_its_cost_does_not_grow_with_the_days(self):
		self.judged_without(16)
		document = frappe.get_doc(SHIFT, self.shift)

		def statements() -> int:
			before = int(frappe.db.sql("SHOW SESSION STATUS LIKE 'Questions'")[0][1])
			document.get_employee_checkins()
			return int(frappe.db.sql("SHOW SESSION STATUS LIKE 'Questions'")[0][1]) - before

		statements()
		many = statements()
		frappe.db.set_value(CHECKIN, {"employee": self.anna}, "skip_auto_attendance", 1)
		self.assertEqual(statements(), many)


class TestHalfDays(GuardTestCase):
	def setUp(self) -> None:
		super().setUp()
		if not HAS_HALF_DAYS:
			self.skipTest("this HRMS does not say what the other half is")

	def half_day(self, employee: str, day: date) -> str:
		self.leave(employee, day, day, half_day=day)
		about = {"employee": employee, "attendance_date": day}
		return frappe.db.get_value(ATTENDANCE, about, "name")

	def everything(self, name: str) -> dict:
		return frappe.db.get_value(ATTENDANCE, name, "*", as_dict=True)

	def test_the_other_half_of_a_leave_that_lies_ahead_stays_open(self):
		self.judged_without()
		name = self.half_day(self.anna, frappe.utils.getdate() + 5 * DAY)
		self.judge_all()
		before = self.everything(name)
		self.hrms()
		self.assertEqual(self.everything(name), before)
		self.assertEqual(frappe.get_all(COMMENT, {"reference_name": name}), [])

	def test_a_half_that_is_over_and_proven_is_filled_in_and_one_that_waits_is_not(self):
		self.judged_without(16, 18)
		proven, waiting = (self.half_day(self.anna, self.first + day * DAY) for day in (16, 18))
		frappe.get_doc(ATTENDANCE, waiting).add_comment(text="asked twice")
		self.judge_all()
		self.cannot_be_judged(self.anna, 18)
		before = self.everything(waiting)
		self.hours_pass()
		filled = self.everything(proven)
		self.assertEqual(
			(filled.half_day_status, filled.modify_half_day_status, filled.shift), ("Absent", 0, self.shift)
		)
		self.assertEqual(self.everything(waiting), before)
		comments = frappe.get_all(COMMENT, {"reference_name": waiting}, pluck="content")
		self.assertEqual([("asked twice" in comment) for comment in comments], [True])

	def test_check_ins_of_a_half_day_are_counted_once_the_day_is_free(self):
		self.judged_without(16)
		name = self.half_day(self.anna, self.first + 16 * DAY)
		self.worked(self.anna, 16, "09:00", "14:00")
		self.hrms()
		self.assertEqual(self.everything(name).modify_half_day_status, 1)
		self.judge_all()
		self.hrms()
		filled = self.everything(name)
		self.assertEqual((filled.half_day_status, filled.working_hours), ("Present", 5.0))

	def test_a_half_that_a_repair_is_at_is_left_to_it(self):
		self.judged_without(16)
		name = self.half_day(self.anna, self.first + 16 * DAY)
		self.judge_all()
		with self.somebody_else() as run:
			run("SELECT GET_LOCK(%s, 0)", locks._full(locks.of_attendance(self.anna)))
			self.hrms()
			self.assertEqual(self.everything(name).modify_half_day_status, 1)
		self.hours_pass()
		self.assertEqual(self.everything(name).modify_half_day_status, 0)


class TestRaces(GuardTestCase):
	"""Something happens while HRMS's job goes on, after it has asked what there is."""

	@contextmanager
	def meanwhile(self, function: str, does: Callable) -> Iterator[None]:
		"""Before HRMS calls this function of its own for the first time."""
		where = hrms_shifts if hasattr(hrms_shifts, function) else ShiftType
		real, left = getattr(where, function), [does]

		def after(*values, **named):
			while left:
				left.pop()()
			return real(*values, **named)

		with patch.object(where, function, after):
			yield

	def test_short_hours_of_a_day_that_becomes_stale_are_refused_without_a_trace(self):
		self.judged_without(16)
		(spoken, _other) = self.worked(self.anna, 16, "09:00", "13:00")
		frappe.get_doc(CHECKIN, spoken).add_comment(text="was it you?")
		before = frappe.db.get_value(CHECKIN, spoken, "_comments")
		self.judge_all()
		with self.somebody_else() as run:
			day = self.first + 16 * DAY
			with self.meanwhile("get_attendance", lambda: a_mark(run, self.anna, day, day)):
				self.hrms()
		self.assertEqual(sorted(self.written(self.anna)), [14, 15, 17, 18, 19, 20])
		self.assertEqual(len(self.written(self.bob)), 7)
		comments = frappe.get_all(
			COMMENT, {"reference_doctype": CHECKIN, "reference_name": spoken}, pluck="content"
		)
		self.assertEqual([("was it you?" in comment) for comment in comments], [True])
		self.assertEqual(frappe.db.get_value(CHECKIN, spoken, "_comments"), before)
		self.assertFalse(frappe.db.exists(CHECKIN, {"employee": self.anna, "skip_auto_attendance": 1}))
		self.judge_all()
		self.hrms()
		self.assertEqual(self.written(self.anna)[16], "Half Day")

	def test_an_absence_of_a_day_that_becomes_stale_is_refused(self):
		self.judged_without(16)
		with self.somebody_else() as run:
			day = self.first + 16 * DAY
			with self.meanwhile("mark_attendance", lambda: a_mark(run, self.anna, day, day)):
				self.hrms()
		self.assertEqual(len(self.written(self.anna)), 6)
		frappe.db.delete(marks.DOCTYPE)
		self.hrms()
		self.assertEqual(self.written(self.anna)[16], "Absent")

	def test_hours_that_hrms_counts_as_bad_are_refused_where_the_day_was_judged_good(self):
		self.judged_without(16)
		self.worked(self.anna, 16, "09:00", "18:00")
		self.judge_all()
		last = frappe.get_all(
			CHECKIN, {"employee": self.anna, "time": self.moment(16, "18:00")}, pluck="name"
		)[0]
		frappe.db.set_value(CHECKIN, last, "skip_auto_attendance", 1, update_modified=False)
		self.hrms()
		self.assertNotIn(16, self.written(self.anna))
		skipped = frappe.get_all(CHECKIN, {"employee": self.anna, "skip_auto_attendance": 1}, pluck="name")
		self.assertEqual(skipped, [last])

	def test_a_repair_that_goes_on_wins(self):
		self.judged_without(16)
		with self.somebody_else() as run:
			run("SELECT GET_LOCK(%s, 0)", locks._full(locks.of_attendance(self.anna)))
			self.hrms()
			self.assertEqual((self.written(self.anna), self.traces()), ({}, []))
			self.assertEqual(len(self.written(self.bob)), 7)
		self.hours_pass()
		self.assertEqual(len(self.written(self.anna)), 7)

	def test_a_repair_that_was_done_meanwhile_wins(self):
		self.judged_without()
		first, second = frappe.get_all(
			CHECKIN,
			{
				"employee": self.anna,
				"time": ("between", (self.moment(16, "00:00"), self.moment(16, "23:00"))),
			},
			pluck="name",
		)
		for name, does in {
			"it wrote the day": lambda run: self.repaired(run, [first, second], self.first + 16 * DAY),
			"it wrote another day": lambda run: self.repaired(run, [first, second], self.first + 2 * DAY),
		}.items():
			with self.subTest(name), self.somebody_else() as run:
				with self.meanwhile("get_attendance", lambda does=does, run=run: does(run)):
					self.hrms()
				found = frappe.get_all(
					CHECKIN,
					{"name": ("in", (first, second))},
					["attendance", "skip_auto_attendance"],
					as_list=True,
				)
				self.assertEqual(set(found), {("REPAIRED", 0)})
				on_the_day = {
					"employee": self.anna,
					"attendance_date": self.first + 16 * DAY,
					"name": ("!=", "REPAIRED"),
				}
				self.assertEqual(frappe.get_all(ATTENDANCE, on_the_day), [])
				self.assertEqual(self.traces(), [])
				self.assertGreaterEqual(len(self.written(self.bob)), 7)
				frappe.db.delete(ATTENDANCE, factories.of_people())
				frappe.db.set_value(CHECKIN, factories.of_people(), "attendance", None, update_modified=False)
				self.judge_all()

	def test_a_record_that_a_person_makes_meanwhile_stands_and_skips_nothing(self):
		self.judged_without()
		with self.somebody_else() as run:
			with self.meanwhile("get_attendance", lambda: self.repaired(run, [], self.first + 16 * DAY)):
				self.hrms()
		on_the_day = {"employee": self.anna, "attendance_date": self.first + 16 * DAY}
		self.assertEqual(frappe.get_all(ATTENDANCE, on_the_day, pluck="name"), ["REPAIRED"])
		self.assertEqual(self.traces(), [])
		self.assertEqual(len(self.written(self.anna)), 7)

	def test_a_check_in_that_a_person_skips_meanwhile_stays_skipped(self):
		self.judged_without(16)
		first, second = self.worked(self.anna, 16, "09:00", "18:00")
		self.judge_all()
		skip = "UPDATE `tabEmployee Checkin` SET `skip_auto_attendance`=1 WHERE `name`=%s"
		with self.somebody_else() as run:
			with self.meanwhile("get_attendance", lambda: run(skip, second)):
				self.hrms()
		self.assertNotIn(16, self.written(self.anna))
		skipped = {
			name: frappe.db.get_value(CHECKIN, name, "skip_auto_attendance") for name in (first, second)
		}
		self.assertEqual(skipped, {first: 0, second: 1})

	def repaired(self, run: Callable, checkins: list[str], day: date) -> None:
		run(
			"INSERT INTO `tabAttendance` (`name`, `creation`, `modified`, `employee`, `attendance_date`, `status`, `shift`, `docstatus`) VALUES ('REPAIRED', NOW(), NOW(), %s, %s, 'Present', %s, 1)",
			self.anna,
			day,
			self.shift,
		)
		for name in checkins:
			run("UPDATE `tabEmployee Checkin` SET `attendance`='REPAIRED' WHERE `name`=%s", name)

	def test_a_half_that_was_filled_in_meanwhile_stays_as_it_is(self):
		if not HAS_HALF_DAYS:
			self.skipTest("this HRMS does not say what the other half is")
		self.judged_without(16)
		self.hrms()
		day = self.first + 16 * DAY
		self.leave(self.anna, day, day, half_day=day)
		self.judge_all()
		name = frappe.db.get_value(ATTENDANCE, {"employee": self.anna, "attendance_date": day}, "name")
		fill = f"UPDATE `tab{ATTENDANCE}` SET `modify_half_day_status`=0, `half_day_status`='Present', `working_hours`=5 WHERE `name`=%s"
		with self.somebody_else() as run:
			with self.meanwhile("get_employee_shift", lambda: run(fill, name)):
				self.hrms()
		fields = ["half_day_status", "working_hours", "shift"]
		self.assertEqual(frappe.db.get_value(ATTENDANCE, name, fields), ("Present", 5.0, None))
		self.assertEqual(frappe.get_all(COMMENT, {"reference_name": name}), [])

	def test_a_repair_waits_for_what_hrms_is_writing(self):
		self.judged_without()
		name = locks._full(locks.of_attendance(self.anna))
		got: list[int] = []
		with self.somebody_else() as run:
			with self.meanwhile("get_assigned_employees", lambda: None):
				real = frappe.db.commit

				def before_it_commits():
					got.append(run("SELECT IS_FREE_LOCK(%s)", name)[0][0])
					real()

				transaction.commit()
				with patch.object(frappe.db, "commit", before_it_commits):
					frappe.get_doc(SHIFT, self.shift).process_auto_attendance()
					frappe.db.commit()
		transaction.commit()
		self.assertEqual(got[0], 0)
		self.assertFalse(locks.taken(locks.of_attendance(self.anna)))

	def test_the_lock_of_a_repair_is_waited_for_and_let_go(self):
		name = locks.of_attendance(self.anna)
		with locks.attendance(self.anna) as mine:
			self.assertTrue(mine)
			with self.somebody_else() as run:
				self.assertEqual(run("SELECT GET_LOCK(%s, 0)", locks._full(name))[0][0], 0)
		self.assertFalse(locks.taken(name))
		with self.somebody_else() as run:
			run("SELECT GET_LOCK(%s, 0)", locks._full(name))
			with locks.attendance(self.anna, 0) as mine:
				self.assertFalse(mine)
			self.assertTrue(locks.taken(name))

	def test_a_lock_is_held_to_the_end_of_the_transaction(self):
		name = locks.of_attendance(self.anna)
		for end in (frappe.db.commit, frappe.db.rollback):
			frappe.db.savepoint("inside")
			self.assertTrue(locks.hold(name) and locks.hold(name))
			frappe.db.rollback(save_point="inside")
			self.assertTrue(locks.taken(name))
			end()
			self.assertFalse(locks.taken(name))


class TestWhoPasses(GuardTestCase):
	"""Nothing was judged, so nothing of HRMS's would pass."""

	def test_what_a_person_writes(self):
		day = self.first + 15 * DAY
		self.attendance(self.anna, day, "Absent", shift=self.shift)
		self.attendance(self.bob, day, "Half Day")
		self.assertEqual(
			(self.written(self.anna), self.written(self.bob)), ({15: "Absent"}, {15: "Half Day"})
		)

	def test_bulk_attendance(self):
		unmarked = [str(self.first + day * DAY) for day in (15, 16)]
		mark_bulk_attendance({"employee": self.anna, "unmarked_days": unmarked, "status": "Absent"})
		self.assertEqual(self.written(self.anna), {15: "Absent", 16: "Absent"})

	def test_leave_and_requests(self):
		day = self.first + 15 * DAY
		self.leave(self.anna, day, day, half_day=day)
		request = {
			"employee": self.bob,
			"from_date": day,
			"to_date": day,
			"half_day": 1,
			"half_day_date": day,
			"reason": "On Duty",
		}
		frappe.get_doc({"doctype": "Attendance Request", "company": factories.company(), **request}).submit()
		self.assertEqual(
			(self.written(self.anna), self.written(self.bob)), ({15: "Half Day"}, {15: "Half Day"})
		)

	def test_the_button_is_guarded_and_says_nothing_of_it(self):
		self.judged_without(16)
		self.worked(self.anna, 16, "09:00", "13:00")
		frappe.db.delete(rows.DOCTYPE, {"employee": self.anna})
		transaction.commit()
		for backstop in (True, False):
			with self.subTest(backstop=backstop), ExitStack() as stack:
				if backstop:
					stack.enter_context(self.backstop_only())
				self.click()
				self.assertEqual(self.bad(), [])
				self.assertEqual(self.traces(), [])
		self.assertEqual(len(self.written(self.bob)), 7)

	def click(self) -> None:
		document = frappe.get_doc(SHIFT, self.shift)
		manually = {"is_manually_triggered": True} if hasattr(document, "_process") else None
		frappe.local.message_log = []
		frappe.local.request, request = SimpleNamespace(method="POST"), getattr(frappe.local, "request", None)
		try:
			run_doc_method(
				"process_auto_attendance",
				docs=document.as_json(),
				args=json.dumps(manually) if manually else None,
			)
		finally:
			frappe.local.request = request
		transaction.commit()
		self.assertEqual([message for message in frappe.local.message_log if "decided" in str(message)], [])


class TestDefects(GuardTestCase):
	"""Whatever goes wrong in the guard, HRMS's job goes on; what is good is written, what is bad is not."""

	def test_with_a_defect_only_what_is_good_is_written(self):
		self.judged_without(16)
		self.worked(self.anna, 16, "09:00", "13:00")
		self.judge_all()
		self.whole_days(self.anna, 13)
		with (
			patch.object(judging, "policy", side_effect=RuntimeError("a defect")),
			patch.object(frappe, "log_error") as told,
		):
			self.hrms()
		self.assertEqual(self.bad(), [])
		self.assertEqual((len(self.written(self.anna)), len(self.written(self.bob))), (6, 7))
		self.assertEqual(self.traces(), [])
		self.assertTrue(told.called)

	def test_nor_does_one_leave_a_half_filled_in(self):
		if not HAS_HALF_DAYS:
			self.skipTest("this HRMS does not say what the other half is")
		self.judged_without(16)
		day = self.first + 16 * DAY
		self.leave(self.anna, day, day, half_day=day)
		with (
			patch.object(fresh, "read", side_effect=RuntimeError("a defect")),
			patch.object(frappe, "log_error") as told,
		):
			self.hrms()
		self.assertTrue(told.called)
		self.assertEqual(self.written(self.anna)[16], "Half Day")
		half_day = {"employee": self.anna, "status": "Half Day", "modify_half_day_status": 1}
		self.assertTrue(frappe.db.exists(ATTENDANCE, half_day))

	def test_a_check_in_that_says_a_shift_and_no_start_ends_nothing(self):
		self.judged_without(16)
		name = self.worked(self.anna, 16, "09:00")[0]
		self.judge_all()
		frappe.db.set_value(CHECKIN, name, "shift_start", None)
		self.hrms()
		self.assertEqual((len(self.written(self.anna)), len(self.written(self.bob))), (6, 7))


class OfAnotherApp(ShiftType):
	"""What a site has made of the Shift Type."""

	def get_employee_checkins(self):
		return [log for log in super().get_employee_checkins() if log.employee != self.flags.left_out]


class TestClass(GuardTestCase):
	def test_the_guard_is_in_force_and_says_so(self):
		self.assertTrue(get_controller(SHIFT).biometric_guard)
		self.assertIsInstance(frappe.get_doc(SHIFT, self.shift), ShiftType)

	def test_it_takes_the_one_way_that_frappe_has(self):
		ways = [name for name in ("extend_doctype_class", "override_doctype_class") if hasattr(hooks, name)]
		self.assertEqual(len(ways), 1)

	def test_the_class_of_another_app_stays_in_force_below_it(self):
		if not hasattr(hooks, "override_doctype_class"):
			self.skipTest("frappe puts the classes together itself")
		other = f"{__name__}.{OfAnotherApp.__name__}"
		mine = hooks.override_doctype_class[SHIFT]
		self.judged_without()
		with patch.object(frappe, "get_hooks", self.hooks_with([other, mine])):
			together = shift_type.GuardedShiftType
			self.assertIs(shift_type.GuardedShiftType, together)
			document = together({**frappe.get_doc(SHIFT, self.shift).as_dict()})
			document.flags.left_out = self.bob
			self.assertEqual({log.employee for log in document.get_employee_checkins()}, {self.anna})
			marks.add([marks.of_employee(self.anna, self.first)])
			self.assertEqual(document.get_employee_checkins(), [])
			self.assertIs(type(pickle.loads(pickle.dumps(document))), together)
		self.assertIsNot(shift_type.GuardedShiftType, together)
		self.assertIs(type(pickle.loads(pickle.dumps(document))), together)
		self.assertEqual(pickle.loads(pickle.dumps(document)).as_dict(), document.as_dict())

	def hooks_with(self, classes: list[str]) -> Callable:
		real = frappe.get_hooks
		return lambda hook=None, *more, **named: (
			{SHIFT: classes} if hook == "override_doctype_class" else real(hook, *more, **named)
		)

	def test_a_shift_type_from_the_cache_is_guarded(self):
		frappe.clear_document_cache(SHIFT, self.shift)
		frappe.get_cached_doc(SHIFT, self.shift)
		frappe.local.document_cache = {}
		self.assertTrue(frappe.get_cached_doc(SHIFT, self.shift).biometric_guard)
