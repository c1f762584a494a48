"""Everything that is done to what workdays are made of, each done the way it is really done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from enum import Enum
from random import Random
from typing import NamedTuple

import frappe
from frappe.utils import add_days, getdate

from hrms.hr.doctype.employee_checkin.employee_checkin import (
	bulk_fetch_shift,
	mark_attendance_and_link_log,
	skip_attendance_in_checkins,
)

from biometric_integration.core.judgement import MissingPunch, OnHolidays, What
from biometric_integration.sync.records import servers
from biometric_integration.tests import factories
from biometric_integration.tests.integration.workdays import (
	ASSIGNMENT,
	ATTENDANCE,
	CHECKIN,
	DAY,
	DAYS,
	DECISION,
	HOLIDAYS,
	LEAVE,
	MINUTE,
	SHIFT,
	SLIP,
	WorkdaysTestCase,
)


class Told(str, Enum):
	"""How the change of an edit is to be found."""

	BY_EVENT = "by its event"
	BY_NOBODY = "by the sweep alone"
	IN_PART = "in part by its event"


class NothingThere(Exception):
	"""Nothing that could be edited like this."""


class Edit(NamedTuple):
	name: str
	told: Told
	make: Callable
	commits: bool = False
	is_wide: bool = False
	"""Does it concern many people? They are looked at again, whatever else has been done to them."""


EDITS: list[Edit] = []


def edit(told: Told, commits: bool = False, is_wide: bool = False, weight: int = 1) -> Callable:
	def keep(make: Callable) -> Callable:
		EDITS.extend([Edit(make.__name__.replace("_", " "), told, make, commits, is_wide)] * weight)
		return make

	return keep


def by_event(**values) -> Callable:
	return edit(Told.BY_EVENT, **values)


def by_nobody(**values) -> Callable:
	return edit(Told.BY_NOBODY, **values)


def in_part(**values) -> Callable:
	return edit(Told.IN_PART, **values)


class Office:
	"""Twelve people and their shifts. Whatever is chosen is chosen by the seed, so things are listed in an order that no name decides."""

	def __init__(self, case: WorkdaysTestCase, random: Random):
		self.case, self.random = case, random
		self.first, self.last, self.moment = case.first, case.last, case.moment
		frappe.db.set_single_value("HR Settings", "send_leave_notification", 0)
		self.holidays = self._holiday_list()
		self.shifts = self._shifts()
		self.people = self._people()
		self._assign()
		for employee in self.people:
			for day in range(-1, DAYS):
				if random.random() < 0.75:
					self._ordinary_day(employee, day)
		case.use()

	def _holiday_list(self) -> str:
		document = frappe.get_doc(
			{
				"doctype": HOLIDAYS,
				"holiday_list_name": factories.unique("Holidays"),
				"from_date": self.first - 60 * DAY,
				"to_date": self.last + 60 * DAY,
				"holidays": [
					{"holiday_date": self.first + number * DAY, "description": "Rest"} for number in (6, 13)
				],
			}
		)
		return document.insert().name

	def _shifts(self) -> dict[str, str]:
		auto = {
			"enable_auto_attendance": 1,
			"process_attendance_after": self.first - DAY,
			"last_sync_of_checkin": self.moment(0, "00:00"),
			"working_hours_threshold_for_absent": 2,
			"working_hours_threshold_for_half_day": 5,
		}
		by_log_type = {
			"determine_check_in_and_check_out": "Strictly based on Log Type in Employee Checkin",
			"working_hours_calculation_based_on": "Every Valid Check-in and Check-out",
		}
		make = factories.shift_type
		return {
			"Day": make("09:00:00", "18:00:00", holiday_list=self.holidays, **auto),
			"Night": make("22:00:00", "06:00:00", **auto),
			"Early": make("06:00:00", "14:00:00", **auto),
			"Late": make("14:00:00", "22:00:00", **auto),
			"Strict": make("10:00:00", "19:00:00", **by_log_type, **auto),
		}

	def _people(self) -> list[str]:
		shift = self.shifts
		defaults = ["Day", "Day", "Night", "", "Day", "", "", "", "", "", "Day", "Late"]
		found = []
		for number, default in enumerate(defaults):
			values = {"default_shift": shift.get(default), "longest_workday": 26 if number == 9 else 0}
			holidays = self.holidays if number % 3 else factories.holiday_list()
			found.append(factories.employee(f"{7000 + number}", holiday_list=holidays, **values))
		return found

	def _assign(self) -> None:
		def assign(person: int, shift: str, begin: int, end: int | None) -> None:
			until = None if end is None else self.first + end * DAY
			factories.shift_assignment(
				self.people[person], self.shifts[shift], self.first + begin * DAY, until
			)

		assign(3, "Day", -10, None)
		assign(4, "Night", 5, 11)
		assign(5, "Early", -5, None)
		assign(5, "Late", -5, 30)
		assign(6, "Early", -3, 6)
		assign(6, "Late", 7, 13)
		assign(6, "Night", 14, 20)
		assign(10, "Strict", 3, 9)

	def _ordinary_day(self, employee: str, day: int) -> None:
		"""Come and go at the begin and end of what is worked, as a rule."""
		number = self.people.index(employee)
		begin = {2: 22, 4: 22 if 5 <= day <= 11 else 9, 8: 20, 9: 8, 11: 14}.get(number, 9)
		if number == 6:
			begin = 6 if day <= 6 else 14 if day <= 13 else 22
		spans = [(6, 8), (14, 8)] if number == 5 else [(begin, 24 if number == 9 else 9 if begin == 9 else 8)]
		for start, hours in spans:
			come = self.moment(day, "00:00") + timedelta(hours=start, minutes=self.random.randint(-15, 20))
			device = self.case.devices[self.random.random() < 0.3]
			for at, direction in ((come, "IN"), (come + timedelta(hours=hours, minutes=10), "OUT")):
				if self.random.random() < 0.95:
					self.case.stage(device, f"{7000 + number}", [at], direction if number in (5, 10) else "")

	# --- choosing

	def person(self) -> str:
		return self.random.choice(self.people)

	def day(self) -> date:
		return self.first + self.random.randrange(DAYS) * DAY

	def time(self) -> datetime:
		"""Mostly when people come and go."""
		hour = self.random.choice([6, 9, 14, 18, 22, 5, self.random.randrange(24)])
		at = self.moment(self.random.randrange(-1, DAYS), "00:00")
		return at + timedelta(hours=hour, minutes=self.random.randint(-50, 70))

	def log_type(self) -> str:
		return self.random.choice(["", "", "IN", "OUT"])

	def one(self, doctype: str, order: str, **filters) -> str:
		"""The name of one of these; raises NothingThere."""
		found = frappe.get_all(doctype, factories.of_people(**filters), pluck="name", order_by=order, limit=0)
		if not found:
			raise NothingThere
		return self.random.choice(found)

	def a_checkin(self, **filters) -> str:
		return self.one(CHECKIN, "time asc, name asc", **filters)

	def an_attendance(self, **filters) -> str:
		return self.one(ATTENDANCE, "attendance_date asc, name asc", **filters)

	def an_assignment(self, **filters) -> str:
		return self.one(ASSIGNMENT, "start_date asc, creation asc", docstatus=1, **filters)

	def a_shift(self) -> str:
		return self.shifts[self.random.choice(sorted(self.shifts))]

	def shift_or_none(self) -> str:
		return self.shifts.get(self.random.choice(["", *sorted(self.shifts)])) or ""

	def of_one_day(self) -> list:
		"""Check-ins of one occurrence that HRMS has not used, as HRMS lists them."""
		name = self.a_checkin(attendance=("is", "not set"), shift=("is", "set"))
		employee, shift, start = frappe.db.get_value(CHECKIN, name, ["employee", "shift", "shift_start"])
		same = {"employee": employee, "shift": shift, "shift_start": start, "attendance": ("is", "not set")}
		fields = [
			"name",
			"employee",
			"log_type",
			"time",
			"shift",
			"shift_start",
			"shift_end",
			"shift_actual_end",
		]
		return frappe.get_all(CHECKIN, same, fields, order_by="time asc")

	def used_until(self, day: date) -> str:
		"""HRMS has been told that all check-ins of a shift until then are here."""
		shift = self.a_shift()
		frappe.db.set_value(
			SHIFT,
			shift,
			"last_sync_of_checkin",
			datetime.combine(day, datetime.min.time()),
			update_modified=False,
		)
		return shift


# --- check-ins


@by_event(weight=4)
def a_check_in_is_made_by_hand(office: Office) -> None:
	office.case.checkin(office.person(), office.time(), office.log_type())


@by_event(weight=3)
def a_check_in_is_moved(office: Office) -> None:
	checkin = frappe.get_doc(CHECKIN, office.a_checkin())
	checkin.time += timedelta(minutes=office.random.choice([-1500, -300, -45, -1, 1, 45, 300, 1500]))
	checkin.save()


@by_event(weight=2)
def a_check_in_is_turned(office: Office) -> None:
	checkin = frappe.get_doc(CHECKIN, office.a_checkin())
	checkin.log_type = office.log_type()
	checkin.save()


@by_event()
def a_check_in_goes_to_somebody_else(office: Office) -> None:
	checkin = frappe.get_doc(CHECKIN, office.a_checkin(attendance=("is", "not set")))
	checkin.employee = office.person()
	checkin.save()


@by_event(weight=4)
def a_check_in_is_deleted(office: Office) -> None:
	frappe.delete_doc(CHECKIN, office.a_checkin())


@by_event()
def shifts_are_fetched_again(office: Office) -> None:
	employee = office.person()
	found = frappe.get_all(CHECKIN, {"employee": employee}, pluck="name", order_by="time asc", limit=0)
	bulk_fetch_shift(office.random.sample(found, min(len(found), 6)))


@by_event(commits=True, weight=4)
def punches_are_used(office: Office) -> None:
	number, at = office.random.randrange(len(office.people)), office.time()
	device = office.random.choice(office.case.devices)
	office.case.stage(device, f"{7000 + number}", [at, at + office.random.randint(1, 600) * MINUTE])
	office.case.use()


@by_nobody(weight=2)
def a_check_in_is_moved_by_set_value(office: Office) -> None:
	name = office.a_checkin()
	at = frappe.db.get_value(CHECKIN, name, "time") + office.random.choice([-400, -20, 20, 400]) * MINUTE
	frappe.db.set_value(CHECKIN, name, "time", at, update_modified=False)


@by_nobody(weight=2)
def a_check_in_is_put_in_by_another_app(office: Office) -> None:
	employee, at = office.person(), office.time()
	fields = ("name", "creation", "modified", "employee", "time", "log_type")
	values = (factories.unique("CKIN"), office.case.now, office.case.now, employee, at, office.log_type())
	frappe.db.bulk_insert(CHECKIN, fields, [values])


@by_nobody(weight=2)
def a_check_in_is_deleted_by_query(office: Office) -> None:
	frappe.db.delete(CHECKIN, {"name": office.a_checkin()})


@by_nobody()
def a_check_in_is_skipped_by_hrms(office: Office) -> None:
	skip_attendance_in_checkins([office.a_checkin()])


@by_nobody()
def a_check_in_is_noted_at_another_shift_by_query(office: Office) -> None:
	name, other = office.a_checkin(shift=("is", "set")), office.a_checkin(shift=("is", "set"))
	fields = ["shift", "shift_start", "shift_end", "shift_actual_start", "shift_actual_end"]
	values = frappe.db.get_value(CHECKIN, other, fields, as_dict=True)
	frappe.db.set_value(CHECKIN, name, values, update_modified=False)


@by_nobody()
def check_ins_are_unlinked_by_query(office: Office) -> None:
	attendance = frappe.db.get_value(CHECKIN, office.a_checkin(attendance=("is", "set")), "attendance")
	checkin = frappe.qb.DocType(CHECKIN)
	frappe.qb.update(checkin).set("attendance", "").where(checkin.attendance == attendance).run()


# --- attendance


@by_event(weight=2)
def attendance_is_marked_by_hand(office: Office) -> None:
	status = office.random.choice(["Present", "Absent", "Half Day", "Work From Home"])
	is_draft = office.random.random() < 0.4
	values = {"shift": office.shift_or_none() or None} if office.random.random() < 0.3 else {}
	office.case.attendance(office.person(), office.day(), status, submit=not is_draft, **values)


@by_event()
def a_draft_is_submitted(office: Office) -> None:
	frappe.get_doc(ATTENDANCE, office.an_attendance(docstatus=0)).submit()


@by_event(weight=3)
def attendance_is_cancelled(office: Office) -> None:
	frappe.get_doc(ATTENDANCE, office.an_attendance(docstatus=1)).cancel()


@by_event()
def a_draft_is_deleted(office: Office) -> None:
	frappe.delete_doc(ATTENDANCE, office.an_attendance(docstatus=0))


@by_event(weight=3)
def hrms_marks_a_day(office: Office) -> None:
	"""What HRMS does for each day in its hourly job: the record fires an event, the link to it is written by query."""
	logs = office.of_one_day()
	if _were_moved(logs) or not _marked(office, logs) or _is_half_day_leave(logs):
		raise NothingThere  # that HRMS skips them, or changes what is there by `set_value`, are other edits


@edit(Told.IN_PART)
def hrms_marks_check_ins_that_were_moved_by_query(office: Office) -> None:
	"""They belong to the days around their own time, which the record says nothing of."""
	logs = office.of_one_day()
	if not _were_moved(logs) or not _marked(office, logs):
		raise NothingThere


def _were_moved(logs: list) -> bool:
	"""Days away from the shift that they say."""
	return any(abs(log.time - log.shift_start) > DAY for log in logs)


@by_nobody()
def hrms_counts_the_other_half_of_a_leave(office: Office) -> None:
	"""It changes the record of the leave by `set_value`, and links by query."""
	needs_half_days()
	logs = office.of_one_day()
	day = logs[0].shift_start.date()
	open_half = {
		"employee": logs[0].employee,
		"attendance_date": day,
		"status": "Half Day",
		"modify_half_day_status": 1,
	}
	if not frappe.db.exists(ATTENDANCE, {**open_half, "leave_type": ("is", "set")}) or not _marked(
		office, logs
	):
		raise NothingThere
	if not _is_half_day_leave(logs):
		raise NothingThere


def needs_half_days() -> None:
	"""Older versions of HRMS do not say what the other half is."""
	if not frappe.get_meta(ATTENDANCE).has_field("half_day_status"):
		raise NothingThere


def _marked(office: Office, logs: list):
	status = office.random.choice(["Present", "Present", "Half Day"])
	times = {"in_time": logs[0].time, "out_time": logs[-1].time}
	return mark_attendance_and_link_log(
		logs, status, logs[0].shift_start.date(), 8.0, shift=logs[0].shift, **times
	)


def _is_half_day_leave(logs: list) -> bool:
	"""Has the record that they are part of now been there before, for a leave?"""
	attendance = frappe.db.get_value(CHECKIN, logs[0].name, "attendance")
	return bool(attendance and frappe.db.get_value(ATTENDANCE, attendance, "leave_application"))


@in_part(commits=True, weight=3)
def hrms_does_its_hourly_job(office: Office) -> None:
	shift = office.used_until(office.day() + DAY)
	frappe.get_doc(SHIFT, shift).process_auto_attendance()


@by_nobody()
def hrms_skips_a_day_that_is_marked(office: Office) -> None:
	logs = office.of_one_day()
	if mark_attendance_and_link_log(logs, "Skip", logs[0].shift_start.date()):
		raise NothingThere


@by_nobody()
def attendance_is_changed_by_set_value(office: Office) -> None:
	values = {
		"status": office.random.choice(["Present", "Absent"]),
		"working_hours": office.random.randint(0, 9),
	}
	frappe.db.set_value(ATTENDANCE, office.an_attendance(docstatus=1), values, update_modified=False)


@by_nobody()
def attendance_is_cancelled_by_set_value(office: Office) -> None:
	frappe.db.set_value(ATTENDANCE, office.an_attendance(docstatus=1), "docstatus", 2, update_modified=False)


@by_nobody()
def attendance_is_deleted_by_query(office: Office) -> None:
	frappe.db.delete(ATTENDANCE, {"name": office.an_attendance()})


@by_nobody()
def the_other_half_is_written_by_hrms(office: Office) -> None:
	needs_half_days()
	name = office.an_attendance(status="Half Day")
	values = {"half_day_status": office.random.choice(["Absent", "Present"]), "modify_half_day_status": 0}
	frappe.db.set_value(ATTENDANCE, name, values)


# --- leave and requests


@by_event(weight=3)
def leave_is_approved(office: Office) -> None:
	first = office.day()
	last = first + office.random.randrange(3) * DAY
	office.case.leave(office.person(), first, last, first if office.random.random() < 0.4 else None)


@by_event(weight=2)
def leave_is_cancelled(office: Office) -> None:
	"""HRMS cancels its attendance by `set_value`."""
	frappe.get_doc(LEAVE, office.one(LEAVE, "from_date asc, creation asc", docstatus=1)).cancel()


@by_nobody()
def leave_is_changed_by_set_value(office: Office) -> None:
	name = office.one(LEAVE, "from_date asc, creation asc", docstatus=1)
	last = frappe.db.get_value(LEAVE, name, "to_date")
	values = office.random.choice([{"to_date": last + DAY}, {"status": "Rejected"}])
	frappe.db.set_value(LEAVE, name, values, update_modified=False)


@in_part()
def a_request_is_submitted(office: Office) -> None:
	"""What is there is changed by `db_set`, what is not is made."""
	first = office.day()
	request = frappe.get_doc(
		{
			"doctype": "Attendance Request",
			"employee": office.person(),
			"company": factories.company(),
			"from_date": first,
			"to_date": first + office.random.randrange(2) * DAY,
			"reason": office.random.choice(["On Duty", "Work From Home"]),
		}
	)
	request.insert().submit()


@in_part()
def a_request_is_cancelled(office: Office) -> None:
	name = office.one("Attendance Request", "from_date asc, creation asc", docstatus=1)
	frappe.get_doc("Attendance Request", name).cancel()


# --- the roster


@by_event(weight=3)
def a_shift_is_assigned(office: Office) -> None:
	first = office.day()
	last = office.random.choice([first, first + 3 * DAY, first + 6 * DAY, None])
	factories.shift_assignment(office.person(), office.a_shift(), first, last)


@by_event(weight=3)
def an_assignment_is_cancelled(office: Office) -> None:
	frappe.get_doc(ASSIGNMENT, office.an_assignment()).cancel()


@by_event(weight=2)
def an_assignment_is_ended(office: Office) -> None:
	assignment = frappe.get_doc(ASSIGNMENT, office.an_assignment())
	assignment.end_date = max(getdate(assignment.start_date), office.day())
	assignment.save()


@by_nobody(weight=2)
def an_assignment_is_ended_by_set_value(office: Office) -> None:
	name = office.an_assignment()
	begin = frappe.db.get_value(ASSIGNMENT, name, "start_date")
	frappe.db.set_value(ASSIGNMENT, name, "end_date", max(begin, office.day()), update_modified=False)


@by_nobody(weight=2)
def an_assignment_is_set_inactive_by_query(office: Office) -> None:
	"""And active again, another time."""
	name = office.an_assignment()
	was = frappe.db.get_value(ASSIGNMENT, name, "status")
	assignment = frappe.qb.DocType(ASSIGNMENT)
	status = "Active" if was == "Inactive" else "Inactive"
	frappe.qb.update(assignment).set("status", status).where(assignment.name == name).run()


@by_event(is_wide=True, weight=2)
def a_shift_type_is_changed(office: Office) -> None:
	shift = frappe.get_doc(SHIFT, office.a_shift())
	shift.update(_changed_shift(office))
	shift.save()


@by_nobody(is_wide=True)
def a_shift_type_is_changed_by_set_value(office: Office) -> None:
	frappe.db.set_value(SHIFT, office.a_shift(), _changed_shift(office), update_modified=False)


@by_nobody(is_wide=True)
def a_shift_type_is_changed_by_query(office: Office) -> None:
	shift = frappe.qb.DocType(SHIFT)
	query = frappe.qb.update(shift).where(shift.name == office.a_shift())
	for field, value in _changed_shift(office).items():
		query = query.set(field, value)
	query.run()


def _changed_shift(office: Office) -> dict:
	return office.random.choice(
		[
			{"begin_check_in_before_shift_start_time": office.random.choice([15, 60, 120])},
			{"allow_check_out_after_shift_end_time": office.random.choice([15, 60, 180])},
			{"working_hours_threshold_for_half_day": office.random.choice([0, 4, 8.5])},
			{"working_hours_threshold_for_absent": office.random.choice([0, 2, 3])},
			{"enable_late_entry_marking": office.random.choice([0, 1]), "late_entry_grace_period": 5},
			{"mark_auto_attendance_on_holidays": office.random.choice([0, 1])},
			{"holiday_list": office.random.choice([office.holidays, None])},
		]
	)


@by_event(is_wide=True)
def a_holiday_is_changed(office: Office) -> None:
	holidays, day = frappe.get_doc(HOLIDAYS, office.holidays), office.day()
	there = [row for row in holidays.holidays if getdate(row.holiday_date) == day]
	for row in there:
		holidays.remove(row)
	if not there:
		holidays.append("holidays", {"holiday_date": day, "description": "Feast"})
	holidays.save()


@by_nobody(is_wide=True)
def a_holiday_is_changed_by_query(office: Office) -> None:
	day = office.day()
	of_day = {"parent": office.holidays, "holiday_date": day}
	if frappe.db.exists("Holiday", of_day):
		frappe.db.delete("Holiday", of_day)
		return
	fields = ("name", "parent", "parenttype", "parentfield", "holiday_date", "description")
	values = (factories.unique("Holiday"), office.holidays, HOLIDAYS, "holidays", day, "Feast")
	frappe.db.bulk_insert("Holiday", fields, [values])


@by_nobody(is_wide=True)
def a_company_gets_another_holiday_list(office: Office) -> None:
	company = factories.company()
	was = frappe.db.get_value("Company", company, "default_holiday_list")
	other = factories.holiday_list() if was == office.holidays else office.holidays
	frappe.db.set_value("Company", company, "default_holiday_list", other)


# --- people


@by_event(weight=2)
def an_employee_is_changed(office: Office) -> None:
	employee = frappe.get_doc("Employee", office.person())
	employee.update(_changed_employee(office))
	employee.save()


@by_nobody(weight=2)
def an_employee_is_changed_by_set_value(office: Office) -> None:
	frappe.db.set_value("Employee", office.person(), _changed_employee(office), update_modified=False)


def _changed_employee(office: Office) -> dict:
	left = office.day() if office.random.random() < 0.4 else None
	return office.random.choice(
		[
			{"default_shift": office.shift_or_none()},
			{"default_shift": office.shift_or_none()},
			{"relieving_date": left, "status": "Left" if left else "Active"},
			{"longest_workday": office.random.choice([0, 12, 20, 26])},
			{"attendance_by_devices": office.random.choice(["", "Yes", "No"])},
			{"date_of_joining": office.random.choice([factories.JOINED, office.first + 2 * DAY])},
			{"holiday_list": office.random.choice([office.holidays, factories.holiday_list(), None])},
		]
	)


@by_nobody(is_wide=True)
def a_department_works_longer(office: Office) -> None:
	name = "Biometric Test Department"
	found = frappe.db.get_value("Department", {"department_name": name})
	if not found:
		values = {"doctype": "Department", "department_name": name, "company": factories.company()}
		found = frappe.get_doc(values).insert().name
	frappe.db.set_value("Employee", office.person(), "department", found, update_modified=False)
	frappe.db.set_value("Department", found, "longest_workday", office.random.choice([0, 14, 20]))


# --- decisions, settings, pay


@by_event(weight=2)
def a_person_decides(office: Office) -> None:
	workdays = frappe.get_all(
		"Biometric Workday",
		factories.of_people(checkins=(">", 0)),
		["employee", "date", "shift"],
		order_by="date asc, employee asc, shift asc",
		limit=0,
	)
	if not workdays:
		raise NothingThere
	workday = office.random.choice(workdays)
	what = office.random.choice(list(What)).value
	frappe.get_doc({"doctype": DECISION, "what": what, "reason": "so", **workday}).insert()


@by_event()
def a_decision_is_taken_back(office: Office) -> None:
	frappe.delete_doc(DECISION, office.one(DECISION, "date asc, creation asc"))


@by_nobody()
def a_decision_is_deleted_by_query(office: Office) -> None:
	frappe.db.delete(DECISION, {"name": office.one(DECISION, "date asc, creation asc")})


@by_event(is_wide=True)
def the_settings_are_changed(office: Office) -> None:
	settings = frappe.get_single(servers.SETTINGS)
	settings.update(_changed_settings(office))
	settings.save()


@by_nobody(is_wide=True)
def the_settings_are_changed_by_set_value(office: Office) -> None:
	for field, value in _changed_settings(office).items():
		frappe.db.set_single_value(servers.SETTINGS, field, value, update_modified=False)


def _changed_settings(office: Office) -> dict:
	return office.random.choice(
		[
			{"missing_punch": office.random.choice(list(MissingPunch)).value},
			{"longest_workday": office.random.choice([14, 16, 20])},
			{"half_day_hours": office.random.choice([0, 4])},
			{"on_holidays": office.random.choice(list(OnHolidays)).value},
			{"hold_days": office.random.choice([1, 3, 40])},
		]
	)


@by_nobody()
def a_salary_slip_is_there(office: Office) -> None:
	"""Submitted in the middle of the period. Making one as payroll does takes a salary structure, and minutes."""
	begin = office.day()
	at = datetime.combine(add_days(begin, 5), datetime.min.time())
	fields = ("name", "creation", "modified", "docstatus", "employee", "start_date", "end_date")
	values = (factories.unique("Slip"), at, at, 1, office.person(), begin, begin + 4 * DAY)
	frappe.db.bulk_insert(SLIP, fields, [values])


@by_nobody()
def a_salary_slip_is_cancelled_by_set_value(office: Office) -> None:
	frappe.db.set_value(SLIP, office.one(SLIP, "start_date asc, creation asc", docstatus=1), "docstatus", 2)
