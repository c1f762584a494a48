"""Attendance mode: against HRMS's own auto attendance, and at every edge of a day."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from unittest import mock

import frappe
from frappe.utils import now_datetime

from biometric_integration.core.process import process
from biometric_integration.core.punch import fingerprint
from biometric_integration.core.stream import Stream
from biometric_integration.simulator import World
from biometric_integration.sync import jobs
from biometric_integration.sync.db import sql
from biometric_integration.sync.desk import review
from biometric_integration.sync.records import servers, staging
from biometric_integration.sync.store import ProcessStore
from biometric_integration.sync.workdays import attendance
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import SiteTestCase, events, sync

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONDAY = datetime(2025, 4, 7)
BUFFER = HOUR
SERIAL = "SN1"
STREAM = Stream("main", "eTimeTrackLite", SERIAL, "punches")
FIELDS = (
	"status",
	"working_hours",
	"late_entry",
	"early_exit",
	"in_time",
	"out_time",
	"leave_type",
	"docstatus",
	"half_day_status",
	"modify_half_day_status",
)


class AttendanceTestCase(SiteTestCase):
	def setUp(self) -> None:
		super().setUp()
		self.configure()
		self.device = factories.device(SERIAL)
		self.complete(MONDAY)

	def configure(self, **values) -> None:
		values = {
			"server_type": "eTimeTrackLite",
			"endpoint_url": "http://127.0.0.1:9",
			"api_user": "api",
			"start_date": date(2025, 1, 1),
			"output": "Attendance",
			"activity_type": None,
			**values,
		}
		factories.settings(**values)

	def complete(self, until: datetime, stream: Stream = STREAM) -> None:
		"""The stream was read to its end up to here."""
		fields = ("name", "creation", "server", "server_type", "unit", "feed")
		row = (stream.key, now_datetime(), stream.server, stream.server_type, stream.unit, stream.feed)
		sql.insert_new("Biometric Sync Cursor", fields, [row])
		frappe.db.set_value("Biometric Sync Cursor", stream.key, "complete_until", until)
		frappe.db.commit()  # nosemgrep: as a run would

	def stage(self, device_id: str, time: datetime, direction: str = "") -> str:
		name = fingerprint("main", self.device, device_id, time)
		values = {
			"name": name,
			"creation": now_datetime(),
			"kind": "Punch",
			"status": "Pending",
			"reason_code": "",
			"device": self.device,
			"device_user_id": device_id,
			"source_time": time,
			"punch_time": time,
			"direction": direction,
			"server": "main",
			"unit": SERIAL,
			"feed": "punches",
		}
		sql.insert_new(staging.DOCTYPE, tuple(values), [tuple(values.values())])
		frappe.db.commit()  # nosemgrep: as a run would
		return name

	def person(self, **values) -> tuple[str, str]:
		"""An employee and their device id."""
		device_id = factories.unique("9").replace("-", "")
		return factories.employee(device_id, **values), device_id

	def run_at(self, now: datetime, complete: bool = True) -> None:
		if complete:
			self.complete(now)
		process(ProcessStore(), servers.rules)
		attendance.mark_due(now)


def records(**filters) -> list:
	known = [
		field for field in FIELDS if frappe.get_meta("Attendance").has_field(field) or field == "docstatus"
	]
	fields = ["name", "employee", "attendance_date", "shift", *known]
	order = "employee asc, attendance_date asc, shift asc"
	return frappe.get_all("Attendance", {**factories.of_people(), **filters}, fields, order_by=order, limit=0)


def snapshot(*doctypes: str, **filters) -> dict[str, list]:
	"""Every column of every row."""
	return {
		doctype: frappe.get_all(doctype, filters, ["*"], order_by="name asc", limit=0) for doctype in doctypes
	}


class TestOneDay(AttendanceTestCase):
	"""What is written when, for people without a shift unless said otherwise."""

	def test_a_day_is_written_once_it_is_over_and_complete(self):
		employee, device_id = self.person()
		for hour in (9, 13, 18):
			self.stage(device_id, MONDAY + hour * HOUR)
		self.run_at(MONDAY + 20 * HOUR)
		self.run_at(MONDAY + DAY + HOUR - timedelta(seconds=1))
		self.assertEqual(records(), [])
		self.assertEqual({event.reason_code for event in events()}, {"day_open"})
		self.run_at(MONDAY + 2 * DAY, complete=False)
		self.assertEqual(records(), [], "its stream is not complete yet")
		self.complete(MONDAY + DAY + HOUR)
		self.run_at(MONDAY + 2 * DAY, complete=False)
		(record,) = records()
		self.assertEqual((record.employee, record.status, record.docstatus), (employee, "Present", 1))
		self.assertEqual((record.in_time, record.out_time), (MONDAY + 9 * HOUR, MONDAY + 18 * HOUR))
		self.assertEqual((record.working_hours, record.shift), (9, None))
		found = frappe.get_all(staging.DOCTYPE, fields=["status", "reason_code", "attendance", "employee"])
		self.assertEqual({tuple(row.values()) for row in found}, {("Processed", "", record.name, employee)})
		self.assertEqual(frappe.db.count("Employee Checkin", factories.of_people()), 0)

	def test_a_stream_that_was_never_read_holds_every_day_back_until_its_device_is_switched_off(self):
		_employee, device_id = self.person()
		self.stage(device_id, MONDAY + 9 * HOUR)
		second = factories.device("SN2")
		self.run_at(MONDAY + 9 * DAY)
		self.assertEqual(records(), [])
		self.assertIn("SN2", attendance.horizon(MONDAY + 9 * DAY).unit)
		frappe.db.set_value("Biometric Device", second, "counts_for_attendance", 0)
		self.run_at(MONDAY + 9 * DAY)
		self.assertEqual(len(records()), 1)

	def test_a_server_in_another_zone_is_complete_by_the_clock_of_the_site(self):
		self.configure(time_zone="Europe/Berlin")
		_employee, device_id = self.person()
		self.stage(device_id, MONDAY + 9 * HOUR)
		berlin_is_behind = 3.5 * HOUR
		self.complete(MONDAY + DAY + BUFFER - berlin_is_behind - timedelta(seconds=1))
		self.run_at(MONDAY + 9 * DAY, complete=False)
		self.assertEqual(records(), [])
		self.complete(MONDAY + DAY + BUFFER - berlin_is_behind)
		self.run_at(MONDAY + 9 * DAY, complete=False)
		self.assertEqual(len(records()), 1)

	def test_a_punch_that_nobody_has_decided_about_holds_its_day_open(self):
		_employee, device_id = self.person()
		self.stage(device_id, MONDAY + 9 * HOUR)
		self.run_at(MONDAY + 20 * HOUR)
		self.stage(device_id, MONDAY + 18 * HOUR)
		self.complete(MONDAY + 9 * DAY)
		attendance.mark_due(MONDAY + 9 * DAY)
		self.assertEqual(records(), [])
		self.run_at(MONDAY + 9 * DAY)
		self.assertEqual([record.working_hours for record in records()], [9])

	def test_hours_below_the_threshold_are_half_a_day(self):
		self.configure(half_day_hours=4)
		_employee, device_id = self.person()
		self.stage(device_id, MONDAY + 9 * HOUR)
		self.stage(device_id, MONDAY + 12 * HOUR)
		self.stage(device_id, MONDAY + DAY + 9 * HOUR)
		self.run_at(MONDAY + 9 * DAY)
		self.assertEqual([(r.status, r.working_hours, r.out_time) for r in records()], [
			("Half Day", 3, MONDAY + 12 * HOUR),
			("Half Day", 0, None),
		])  # fmt: skip

	def test_a_late_punch_is_kept_linked_and_changes_nothing(self):
		_employee, device_id = self.person()
		self.stage(device_id, MONDAY + 9 * HOUR)
		self.run_at(MONDAY + 9 * DAY)
		before = snapshot("Attendance", **factories.of_people())
		late = self.stage(device_id, MONDAY + 18 * HOUR)
		self.run_at(MONDAY + 10 * DAY)
		self.assertEqual(snapshot("Attendance", **factories.of_people()), before)
		(event,) = events(name=late)
		self.assertEqual((event.status, event.reason_code), ("Processed", "late"))
		record = before["Attendance"][0].name
		self.assertIn(record, event.reason)
		self.assertEqual(frappe.db.get_value(staging.DOCTYPE, late, "attendance"), record)

	def test_cancel_and_reprocess_count_the_late_punch(self):
		_employee, device_id = self.person()
		names = [self.stage(device_id, MONDAY + 9 * HOUR)]
		self.run_at(MONDAY + 9 * DAY)
		names.append(self.stage(device_id, MONDAY + 18 * HOUR))
		self.run_at(MONDAY + 9 * DAY)
		(record,) = records()
		frappe.get_doc("Attendance", record.name).cancel()
		self.assertEqual({(e.status, e.reason_code) for e in events()}, {("Ignored", "cancelled")})
		self.run_at(MONDAY + 10 * DAY)
		self.assertEqual([r.docstatus for r in records()], [2], "it stays cancelled")
		review.reprocess(names)
		self.run_at(MONDAY + 10 * DAY)
		self.assertEqual([r.working_hours for r in records(docstatus=1)], [9])
		frappe.delete_doc("Attendance", record.name)

	def test_attendance_of_a_person_stays_as_it_is(self):
		employee, device_id = self.person()
		by_hand = mark(employee, MONDAY.date(), "Work From Home")
		before = snapshot("Attendance")
		self.stage(device_id, MONDAY + 9 * HOUR)
		self.run_at(MONDAY + 9 * DAY)
		self.assertEqual(snapshot("Attendance"), before)
		(event,) = events()
		self.assertEqual((event.status, event.reason_code), ("Processed", "already_marked"))
		self.assertIn(by_hand, event.reason)

	def test_on_a_holiday_nothing_is_written_unless_the_settings_say_so(self):
		employee, device_id = self.person()
		frappe.db.set_value("Employee", employee, "holiday_list", factories.holidays(MONDAY.date()))
		frappe.clear_cache(doctype="Employee")
		name = self.stage(device_id, MONDAY + 9 * HOUR)
		self.run_at(MONDAY + 9 * DAY)
		self.assertEqual([(e.status, e.reason_code) for e in events()], [("Ignored", "holiday")])
		self.configure(mark_on_holidays=1)
		review.reprocess([name])
		self.run_at(MONDAY + 9 * DAY)
		self.assertEqual([r.status for r in records()], ["Present"])

	def test_a_shift_with_auto_attendance_is_a_mistake_that_is_named_and_can_be_corrected(self):
		shift = factories.shift_type(
			enable_auto_attendance=1,
			process_attendance_after="2025-01-01",
			last_sync_of_checkin="2025-01-02 00:00:00",
		)
		_employee, device_id = self.person(default_shift=shift)
		self.stage(device_id, MONDAY + 9 * HOUR)
		self.run_at(MONDAY + 9 * DAY)
		(event,) = events()
		self.assertEqual((event.status, event.reason_code), ("Pending", "auto_attendance"))
		self.assertIn(shift, event.reason)
		frappe.db.set_value("Shift Type", shift, "enable_auto_attendance", 0)
		self.run_at(MONDAY + 9 * DAY + HOUR / 2)
		self.assertEqual(records(), [], "looked at once an hour")
		self.run_at(MONDAY + 9 * DAY + 2 * HOUR)
		self.assertEqual([r.shift for r in records()], [shift])

	def test_a_shift_by_log_type_with_punches_that_have_none_is_named(self):
		shift = factories.shift_type(
			determine_check_in_and_check_out="Strictly based on Log Type in Employee Checkin",
			working_hours_calculation_based_on="First Check-in and Last Check-out",
		)
		_employee, device_id = self.person(default_shift=shift)
		self.stage(device_id, MONDAY + 9 * HOUR)
		self.stage(device_id, MONDAY + 18 * HOUR)
		self.run_at(MONDAY + 9 * DAY)
		self.assertEqual({e.reason_code for e in events()}, {"no_direction"})
		self.assertEqual(records(), [])

	def test_a_punch_outside_the_shift_belongs_to_no_attendance(self):
		_employee, device_id = self.person(default_shift=factories.shift_type())
		self.stage(device_id, MONDAY + 3 * HOUR)
		self.run_at(MONDAY + 9 * DAY)
		(event,) = events()
		self.assertEqual((event.status, event.reason_code), ("Ignored", "off_shift"))
		self.assertEqual(records(), [])

	def test_what_hrms_refuses_is_kept_in_its_words_and_stops_nobody_else(self):
		refused, device_id = self.person()
		other, other_id = self.person()
		for one in (device_id, other_id):
			self.stage(one, MONDAY + 9 * HOUR)
		self.run_at(MONDAY + 20 * HOUR)
		frappe.db.set_value("Employee", refused, "status", "Inactive")
		self.run_at(MONDAY + 9 * DAY)
		self.assertEqual([r.employee for r in records()], [other])
		(event,) = events(employee=refused)
		self.assertEqual((event.status, event.reason_code), ("Failed", "hrms_refused"))
		self.assertIn("nactive", event.reason)

	def test_a_shift_that_hrms_cannot_tell_stops_nobody_else(self):
		_broken, device_id = self.person(default_shift=factories.shift_type())
		other, other_id = self.person()
		for one in (device_id, other_id):
			self.stage(one, MONDAY + 9 * HOUR)
		span_of = attendance.shifts.span_of
		answers = lambda employee, moment: span_of(employee, moment) if employee == other else 1 / 0  # noqa: E731
		with mock.patch.object(attendance.shifts, "span_of", answers):
			self.run_at(MONDAY + 9 * DAY)
		self.assertEqual([r.employee for r in records()], [other])
		self.assertEqual(sorted((e.status, e.reason_code) for e in events()), [
			("Failed", "hrms_refused"), ("Processed", ""),
		])  # fmt: skip

	def test_the_rights_of_whoever_caused_the_job_do_not_matter(self):
		_employee, device_id = self.person()
		self.stage(device_id, MONDAY + 9 * HOUR)
		self.addCleanup(frappe.set_user, "Administrator")
		frappe.set_user(factories.user(None))
		self.run_at(MONDAY + 9 * DAY)
		self.assertEqual(len(records()), 1)

	def test_a_record_whose_link_was_lost_is_linked_not_made_again(self):
		_employee, device_id = self.person()
		self.stage(device_id, MONDAY + 9 * HOUR)
		with mock.patch.object(attendance, "_keep"):
			self.run_at(MONDAY + 9 * DAY)
		(record,) = records()
		self.assertEqual([e.reason_code for e in events()], ["day_open"])
		self.run_at(MONDAY + 9 * DAY)
		self.assertEqual(len(records()), 1)
		event = frappe.get_last_doc(staging.DOCTYPE)
		self.assertEqual((event.status, event.reason_code, event.attendance), ("Processed", "", record.name))

	def test_the_database_refuses_a_second_attendance_of_a_day(self):
		employee, device_id = self.person()
		self.stage(device_id, MONDAY + 9 * HOUR)
		self.run_at(MONDAY + 9 * DAY)
		key = frappe.db.get_value("Attendance", {"employee": employee}, "biometric_day")
		with self.assertRaises(frappe.UniqueValidationError):
			mark(employee, MONDAY.date() + DAY, "Present", biometric_day=key)
		frappe.db.rollback()

	def test_rounded_times_are_written(self):
		self.configure(round_to=15)
		_employee, device_id = self.person()
		self.stage(device_id, MONDAY + 9 * HOUR + timedelta(minutes=4))
		self.stage(device_id, MONDAY + 18 * HOUR - timedelta(minutes=4))
		self.run_at(MONDAY + 9 * DAY)
		(record,) = records()
		self.assertEqual((record.in_time, record.out_time), (MONDAY + 9 * HOUR, MONDAY + 18 * HOUR))

	def test_back_to_check_ins_nothing_stays_behind(self):
		_employee, device_id = self.person()
		self.stage(device_id, MONDAY + 9 * HOUR)
		self.run_at(MONDAY + 10 * HOUR)
		self.configure(output="Employee Checkin")
		jobs.process()
		self.assertEqual(frappe.db.count("Employee Checkin", factories.of_people()), 1)
		self.assertEqual([e.status for e in events()], ["Processed"])

	def test_days_that_are_not_over_are_not_asked_for_again(self):
		_employee, device_id = self.person(default_shift=factories.shift_type())
		self.stage(device_id, MONDAY + 9 * HOUR)
		self.run_at(MONDAY + 12 * HOUR)
		with mock.patch.object(attendance.shifts, "span_of", side_effect=AssertionError):
			self.run_at(MONDAY + 13 * HOUR)


class TestTimesheets(AttendanceTestCase):
	def configure(self, **values) -> None:
		if not frappe.db.exists("Activity Type", "Attendance"):
			frappe.get_doc({"doctype": "Activity Type", "activity_type": "Attendance"}).insert()
		super().configure(**{"make_timesheets": 1, "activity_type": "Attendance", **values})

	def test_a_draft_from_the_pairs_made_once_and_never_changed(self):
		employee, device_id = self.person()
		for hour in (9, 12, 13, 18):
			self.stage(device_id, MONDAY + hour * HOUR)
		self.run_at(MONDAY + 9 * DAY)
		(name,) = frappe.get_all("Timesheet", factories.of_people(), pluck="name")
		draft = frappe.get_doc("Timesheet", name)
		self.assertEqual((draft.employee, draft.docstatus, draft.total_hours), (employee, 0, 8))
		self.assertEqual([(r.from_time, r.activity_type) for r in draft.time_logs], [
			(MONDAY + 9 * HOUR, "Attendance"), (MONDAY + 13 * HOUR, "Attendance"),
		])  # fmt: skip
		self.assertIn(records()[0].name, draft.note)
		draft.submit()
		frappe.db.commit()  # nosemgrep: as a person who submitted it
		before = snapshot("Timesheet", "Timesheet Detail")
		frappe.get_doc("Attendance", records()[0].name).cancel()
		review.reprocess([event.name for event in events()])
		self.run_at(MONDAY + 10 * DAY)
		self.assertEqual(len(records(docstatus=1)), 1)
		self.assertEqual(snapshot("Timesheet", "Timesheet Detail"), before)

	def test_none_without_a_pair_and_a_refused_one_leaves_the_attendance(self):
		_employee, device_id = self.person()
		self.stage(device_id, MONDAY + 9 * HOUR)
		self.configure(activity_type="Attendance")
		for hour in (9, 18):
			self.stage(device_id, MONDAY + DAY + hour * HOUR)
		with mock.patch("erpnext.projects.doctype.timesheet.timesheet.Timesheet.validate", refuse):
			self.run_at(MONDAY + 9 * DAY)
		self.assertEqual(len(records()), 2)
		self.assertEqual(frappe.db.count("Timesheet", factories.of_people()), 0)
		filters = {"reference_doctype": "Attendance", "reference_name": records()[1].name}
		comments = frappe.get_all("Comment", filters, pluck="content")
		self.assertTrue(any("it overlaps" in comment for comment in comments), comments)


class TestThroughAServer(SiteTestCase):
	def test_read_and_written_in_one_go(self):
		for server_type in ("eTimeTrackLite", "eBioServer"):
			with self.subTest(server_type):
				self.setUp()
				now = MONDAY + 3 * DAY + 12 * HOUR
				world = World(now=now, zone="Asia/Kolkata")
				world.add_device("SN1", "Gate")
				factories.employees(["1"])
				server = self.start(server_type, world)
				self.settings(server_type, server, output="Attendance")
				for hours in (9, 18, 24 * 3 + 9):
					world.punch("SN1", "1", MONDAY + hours * HOUR)
				sync()
				sync()
				self.assertEqual([r.attendance_date for r in records()], [MONDAY.date()])
				self.assertEqual(
					sorted((e.status, e.reason_code) for e in events()),
					[("Pending", "day_open"), ("Processed", ""), ("Processed", "")],
				)
				log = frappe.get_all("Biometric Sync Log", {"new": (">", 0)}, ["new", "created", "pending"])
				self.assertEqual([tuple(row.values()) for row in log], [(3, 2, 1)])


# --- a month, against HRMS


FIRST, LAST = date(2025, 4, 1), date(2025, 4, 30)
HOLIDAYS = (date(2025, 4, 6), date(2025, 4, 10), date(2025, 4, 13), date(2025, 4, 14), date(2025, 4, 27))
OUTAGE = (date(2025, 4, 16), date(2025, 4, 17))
"""Nothing was read on these days."""

ALTERNATING = "Alternating entries as IN and OUT during the same shift"
STRICT = "Strictly based on Log Type in Employee Checkin"
FIRST_LAST = "First Check-in and Last Check-out"
EVERY = "Every Valid Check-in and Check-out"
MARKING = {
	"enable_late_entry_marking": 1,
	"late_entry_grace_period": 15,
	"enable_early_exit_marking": 1,
	"early_exit_grace_period": 10,
	"working_hours_threshold_for_half_day": 5,
	"working_hours_threshold_for_absent": 2,
	"begin_check_in_before_shift_start_time": 60,
	"allow_check_out_after_shift_end_time": 60,
}
SHIFTS = {
	"Day": ("09:00:00", "18:00:00", ALTERNATING, FIRST_LAST, {}),
	"Night": ("22:00:00", "06:00:00", ALTERNATING, EVERY, {}),
	"Strict": ("14:00:00", "22:00:00", STRICT, EVERY, {}),
	"StrictEnds": ("08:00:00", "16:00:00", STRICT, FIRST_LAST, {}),
	"Evening": ("15:00:00", "23:30:00", ALTERNATING, FIRST_LAST, {"allow_check_out_after_shift_end_time": 90}),
	"Holiday": ("07:00:00", "15:00:00", ALTERNATING, EVERY, {"mark_auto_attendance_on_holidays": 1}),
	"Early": ("06:00:00", "10:00:00", ALTERNATING, FIRST_LAST, {"working_hours_threshold_for_half_day": 2,
		"working_hours_threshold_for_absent": 0}),
	"Late": ("16:00:00", "20:00:00", ALTERNATING, FIRST_LAST, {"working_hours_threshold_for_half_day": 2,
		"working_hours_threshold_for_absent": 0}),
}  # fmt: skip
ROSTERS = {
	"day": [("Day", FIRST, LAST)],
	"night": [("Night", FIRST, LAST)],
	"strict": [("Strict", FIRST, LAST)],
	"strict ends": [("StrictEnds", FIRST, LAST)],
	"evening": [("Evening", FIRST, LAST)],
	"on holidays": [("Holiday", FIRST, LAST)],
	"two a day": [("Early", FIRST, LAST), ("Late", FIRST, LAST)],
	"changing": [
		("Night", FIRST, date(2025, 4, 8)),
		("Day", date(2025, 4, 9), date(2025, 4, 15)),
		("Evening", date(2025, 4, 16), date(2025, 4, 22)),
		("Night", date(2025, 4, 23), LAST),
	],
	"leave": [("Day", FIRST, LAST)],
}
EACH = 2
FULL_LEAVE, HALF_LEAVE = (date(2025, 4, 8), date(2025, 4, 9)), date(2025, 4, 22)
BY_HAND = {"day": (date(2025, 4, 3), "Work From Home"), "night": (date(2025, 4, 4), "Absent")}


@dataclass(frozen=True)
class Punched:
	time: datetime
	log_type: str
	received: datetime


class TestAMonthAgainstHRMS(AttendanceTestCase):
	"""Each person twice: with device ids and our shifts, and as a twin with check-ins and HRMS's auto attendance on the same shift."""

	def test_record_by_record(self):
		frappe.db.set_single_value("HR Settings", "allow_multiple_shift_assignments", 1)
		self.addCleanup(frappe.db.set_single_value, "HR Settings", "allow_multiple_shift_assignments", 0)
		shifts = {label: shift_pair(label) for label in SHIFTS}
		people = list(self.people(shifts))
		waiting = {number: list(punches(number, roster)) for number, (roster, *_rest) in enumerate(people)}
		total = sum(len(each) for each in waiting.values())
		by_hand = self.by_hand(people)
		checkin = self.checkin_by_hand(people[0][1])
		for offset in range((LAST - FIRST).days + 3):
			day = FIRST + offset * DAY
			now = datetime.combine(day, datetime.min.time()) + 12 * HOUR
			self.take_leave(people, day - DAY)
			for number, (_roster, device_id, _ours, twin) in enumerate(people):
				for punch in take(waiting[number], now):
					self.stage(device_id, punch.time, punch.log_type)
					check_in(twin, punch)
			self.run_at(now, complete=day not in OUTAGE)
			if day not in OUTAGE:
				auto_attendance(shifts.values(), now - BUFFER + timedelta(seconds=1))
		self.assertEqual(sum(len(each) for each in waiting.values()), 0)
		self.compare(people, shifts, total)
		self.assertEqual(snapshot("Attendance", name=("in", by_hand)), self.before_by_hand)
		self.assertEqual(snapshot("Employee Checkin", name=checkin), self.before_checkin)
		self.run_again(people)

	def people(self, shifts: dict) -> Iterator[tuple[str, str, str, str]]:
		"""Roster, device id, ours, twin."""
		list_name = factories.holidays(*HOLIDAYS)
		for roster, assignments in ROSTERS.items():
			for _number in range(EACH):
				ours, device_id = self.person()
				twin = factories.employee()
				for employee, of_pair in ((ours, 0), (twin, 1)):
					frappe.db.set_value("Employee", employee, "holiday_list", list_name)
					for label, first, last in assignments:
						assign(employee, shifts[label][of_pair], first, last)
				yield roster, device_id, ours, twin
		frappe.clear_cache(doctype="Employee")

	def by_hand(self, people) -> list[str]:
		names = []
		for roster, (day, status) in BY_HAND.items():
			_roster, _id, ours, twin = next(each for each in people if each[0] == roster)
			names.append(mark(ours, day, status))
			mark(twin, day, status)
		frappe.db.commit()  # nosemgrep: as a person who saved it
		self.before_by_hand = snapshot("Attendance", name=("in", names))
		return names

	def checkin_by_hand(self, device_id: str) -> str:
		employee = frappe.db.get_value("Employee", {"attendance_device_id": device_id})
		values = {"employee": employee, "time": datetime(2025, 3, 28, 9), "log_type": "IN"}
		name = frappe.get_doc({"doctype": "Employee Checkin", **values}).insert().name
		frappe.db.commit()  # nosemgrep: as a person who saved it
		self.before_checkin = snapshot("Employee Checkin", name=name)
		return name

	def take_leave(self, people, day: date) -> None:
		"""Approved the day after, while the punches of the day wait: HRMS 15.47 spoils a half day that is approved before."""
		for _roster, _id, ours, twin in [each for each in people if each[0] == "leave"]:
			for employee in (ours, twin):
				if day == FULL_LEAVE[0]:
					factories.leave(employee, *FULL_LEAVE)
				if day == HALF_LEAVE:
					factories.leave(employee, day, day, half_day=1, half_day_date=day)

	def compare(self, people, shifts: dict, total: int) -> None:
		label_of = {name: label for label, pair in shifts.items() for name in pair}
		ours, theirs, aside = {}, {}, {}
		for number, (roster, _id, one, twin) in enumerate(people):
			for row in records(employee=one):
				ours[(roster, number, row.attendance_date, label_of.get(row.shift))] = content(row)
			for row in records(employee=twin):
				key = (roster, number, row.attendance_date, label_of.get(row.shift))
				(aside if for_no_punch(roster, number, row) else theirs)[key] = content(row)
		late_after_absent = {key for key in ours if key in aside}
		for roster, number, day, _label in [key for key in aside if key[0] == "leave"]:
			ours.pop((roster, number, day, None), None)  # the half day that HRMS gave up, and we leave open
		differing = {
			key: (ours.get(key), theirs.get(key))
			for key in {*ours, *theirs} - late_after_absent
			if ours.get(key) != theirs.get(key)
		}
		statuses = sorted({(row["status"], row["late_entry"], row["early_exit"]) for row in ours.values()})
		late = frappe.db.count(staging.DOCTYPE, {"reason_code": "late"})
		skipped = frappe.db.count("Employee Checkin", factories.of_people(skip_auto_attendance=1))
		print(
			f"\n{total} punches, {len(ours)} attendances here, {len(theirs)} of HRMS, {len(differing)} different; aside: "
			f"{len(aside)} Absent for no punch, of which {len(late_after_absent)} had late punches. {late} late here, {skipped} check-ins "
			f"skipped by HRMS.\n{statuses}\n"
			f"{Counter((event.status, event.reason_code) for event in events())}"
		)
		for key, pair in sorted(differing.items(), key=str)[:20]:
			print(key, *pair, sep="\n\t")
		self.assertEqual(differing, {})
		self.compare_punches(people, {(number, day) for _roster, number, day, _label in aside})
		self.assertGreater(len(ours), 300)
		self.assertTrue(
			{"Present", "Half Day", "Absent", "On Leave"} <= {row["status"] for row in ours.values()}
		)

	def compare_punches(self, people, aside: set) -> None:
		"""What HRMS skips because the day is marked is late, or was there already; what it links is linked."""
		compared = 0
		for number, (_roster, _id, one, twin) in enumerate(people):

			def near(time: datetime, number: int = number) -> bool:
				return bool({(number, time.date()), (number, time.date() - DAY)} & aside)

			fields = ["punch_time", "reason_code", "attendance"]
			rows = frappe.get_all(staging.DOCTYPE, {"employee": one}, fields, limit=0)
			here = [row for row in rows if not near(row.punch_time)]
			fields = ["time", "skip_auto_attendance", "attendance"]
			rows = frappe.get_all("Employee Checkin", {"employee": twin}, fields, limit=0)
			there = [row for row in rows if not near(row.time)]
			skipped = {row.time for row in there if row.skip_auto_attendance}
			late = {row.punch_time for row in here if row.reason_code in ("late", "already_marked")}
			self.assertEqual(late, skipped)
			linked = {row.time for row in there if row.attendance}
			self.assertEqual(
				{row.punch_time for row in here if row.attendance and not row.reason_code}, linked
			)
			compared += len(here)
		print(f"{compared} punches have become the same as check-ins of HRMS: linked, skipped, or neither.")

	def run_again(self, people) -> None:
		doctypes = ("Attendance", "Employee Checkin", "Biometric Staging Event", "Comment")
		before = snapshot(*doctypes)
		for number, (roster, device_id, _ours, _twin) in enumerate(people):
			for punch in punches(number, roster):
				self.stage(device_id, punch.time, punch.log_type)
		for days in (0, 1):
			self.run_at(datetime(2025, 5, 3) + days * DAY)
		self.assertEqual(snapshot(*doctypes), before)


def content(row) -> dict:
	return {field: row.get(field) for field in FIELDS}


def for_no_punch(roster: str, number: int, row) -> bool:
	"""An Absent that HRMS wrote because there was no punch: a day, or the other half of a half-day leave."""
	by_hand = BY_HAND.get(roster, (None,))[0] == row.attendance_date and number % EACH == 0
	absent = row.status == "Absent" or (row.status == "Half Day" and row.get("half_day_status") == "Absent")
	return absent and not row.in_time and not by_hand


def punches(number: int, roster: str) -> Iterator[Punched]:
	"""A month of one person: ordinary days, and everything that goes wrong. The same for the same number."""
	chance = random.Random(number)
	for label, first, last in ROSTERS[roster]:
		start, end, determined, _based, _more = SHIFTS[label]
		for offset in range((last - first).days + 1):
			day = first + offset * DAY
			begin, finish = moment(day, start), moment(day, end)
			if finish < begin:
				finish += DAY
			yield from arriving(chance, day_of(chance, begin, finish, determined == STRICT))


def day_of(
	chance: random.Random, begin: datetime, finish: datetime, typed: bool
) -> list[tuple[datetime, str]]:
	def about(time: datetime, minutes: int) -> datetime:
		return time + timedelta(seconds=chance.randint(-minutes * 60, minutes * 60))

	middle = begin + (finish - begin) / 2
	kinds = {
		"ordinary": (40, [(about(begin, 25), "IN"), (about(finish, 25), "OUT")]),
		"with a break": (20, [(about(begin, 25), "IN"), (about(middle, 10), "OUT"),
			(about(middle, 10) + HOUR / 2, "IN"), (about(finish, 25), "OUT")]),
		"short": (10, [(about(begin, 20), "IN"), (about(middle, 60), "OUT")]),
		"very short": (6, [(about(begin, 20), "IN"), (about(begin, 20) + HOUR, "OUT")]),
		"one punch": (5, [(about(begin, 30), "IN")]),
		"only out": (3, [(about(finish, 30), "OUT")]),
		"three": (4, [(about(begin, 20), "IN"), (about(middle, 20), "IN"), (about(finish, 20), "OUT")]),
		"strays": (4, [(begin - 2 * HOUR, "IN"), (about(begin, 20), "IN"), (about(finish, 20), "OUT"),
			(finish + 3 * HOUR, "OUT")]),
		"none": (8, []),
	}  # fmt: skip
	(kind,) = chance.choices(list(kinds), [weight for weight, _punches in kinds.values()])
	return sorted((time, log_type if typed else "") for time, log_type in kinds[kind][1])


def arriving(chance: random.Random, made: Iterable[tuple[datetime, str]]) -> Iterator[Punched]:
	"""One in twenty is uploaded days late."""
	for time, log_type in made:
		late = chance.randint(1, 3) * DAY if chance.random() < 0.05 else timedelta(0)
		yield Punched(time, log_type, min(time + late, datetime(2025, 5, 2)))


def take(waiting: list[Punched], now: datetime) -> list[Punched]:
	arrived = [punch for punch in waiting if punch.received <= now]
	waiting[:] = [punch for punch in waiting if punch.received > now]
	return arrived


def moment(day: date, clock: str) -> datetime:
	return datetime.fromisoformat(f"{day}T{clock}")


def shift_pair(label: str) -> tuple[str, str]:
	"""Ours without auto attendance, and its twin with it."""
	start, end, determined, based, more = SHIFTS[label]
	values = {
		"determine_check_in_and_check_out": determined,
		"working_hours_calculation_based_on": based,
		**MARKING,
		**more,
	}
	auto = {
		"enable_auto_attendance": 1,
		"process_attendance_after": FIRST - DAY,
		"last_sync_of_checkin": datetime(2025, 3, 31),
	}
	return factories.shift_type(start, end, **values), factories.shift_type(start, end, **values, **auto)


def auto_attendance(pairs: Iterable[tuple[str, str]], watermark: datetime) -> None:
	for _ours, twin in pairs:
		frappe.db.set_value("Shift Type", twin, "last_sync_of_checkin", watermark)
		frappe.get_doc("Shift Type", twin).process_auto_attendance()


def assign(employee: str, shift: str, first: date, last: date) -> None:
	values = {"employee": employee, "shift_type": shift, "start_date": first, "end_date": last}
	values = {"company": factories.company(), "status": "Active", **values}
	frappe.get_doc({"doctype": "Shift Assignment", **values}).insert().submit()


def check_in(employee: str, punch: Punched) -> None:
	values = {"employee": employee, "time": punch.time, "log_type": punch.log_type}
	frappe.get_doc({"doctype": "Employee Checkin", **values}).insert()


def mark(employee: str, day: date, status: str, **values) -> str:
	values = {"employee": employee, "attendance_date": day, "status": status, **values}
	record = frappe.get_doc({"doctype": "Attendance", **values}).insert()
	record.submit()
	return record.name


def refuse(timesheet) -> None:
	frappe.throw("it overlaps")
