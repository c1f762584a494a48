"""A simulated month against Frappe HR: is every wrong record listed by name and day, with the right cause, and hardly a right one?"""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta

import frappe

from biometric_integration.sync.records import servers
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import SiteTestCase
from biometric_integration.tests.workdays import hr, payroll
from biometric_integration.tests.workdays import month as months
from biometric_integration.tests.workdays.clock import Clock
from biometric_integration.tests.workdays.month import Cause
from biometric_integration.tests.workdays.replay import SERVER_TYPE, Replay, Way
from biometric_integration.tests.workdays.verdict import Verdict, verdict

SEED = int(os.environ.get("BIOMETRIC_MONTH", "20260601"))
ABOUT_DAYS = (
	"Biometric Workday",
	"Biometric Decision",
	"Biometric Stale Mark",
	"Biometric Roster Digest",
)
FOR_A_PERSON = {Cause.DEAD, Cause.FORGOTTEN, Cause.LEFT, Cause.NO_ID, Cause.ON_HOLIDAY, Cause.OUTSIDE}
"""What no machine can know."""
STAMPS = ("closed_until", "swept_at")


class TestAMonthOfWorkdays(SiteTestCase):
	maxDiff = None

	def setUp(self) -> None:
		super().setUp()
		self.forget()
		self.addCleanup(self.forget)
		begin = frappe.db.get_single_value(servers.SETTINGS, "workdays_from")
		self.addCleanup(frappe.db.set_single_value, servers.SETTINGS, "workdays_from", begin)

	def forget(self) -> None:
		for doctype in ABOUT_DAYS:
			frappe.db.delete(doctype)
		for name in STAMPS:
			servers.keep_stamp(name, None)
		factories.forget_people()
		frappe.db.commit()  # nosemgrep -- the next test begins with an empty table

	def played(self, way: Way) -> tuple[Replay, Verdict]:
		if not frappe.get_meta("Shift Type").has_field("auto_update_last_sync"):
			self.skipTest("this HRMS does not move its mark by the clock")
		print(f"\nseed {SEED} (BIOMETRIC_MONTH), {way}")
		month, clock = months.made(SEED), Clock(datetime.combine(months.BEGIN, datetime.min.time()))
		began = time.monotonic()
		with clock.stopped():
			replay = Replay(month, clock, way)
			self.start(SERVER_TYPE, replay.world)
			settings = frappe.get_single(servers.SETTINGS)
			settings.update({"start_date": months.BEGIN, "workdays_from": months.FIRST})
			settings.update({"output": way.output, "guard": int(way.guarded), "write_absences": 1})
			settings.save()
			replay.set_up()
			self.addCleanup(self.forget_shifts, list(replay.shifts.values()))
			frappe.db.commit()  # nosemgrep -- the lanes read what is committed
			replay.play()
			found = verdict(month, replay.recorded(), replay.said())
		print(found)
		print(timedelta(seconds=round(time.monotonic() - began)))
		self.assertGreater(len(month.truth), 1300)
		return replay, found

	def test_what_hrms_writes_wrongly_by_itself_is_listed_and_what_is_right_is_not(self):
		replay, found = self.played(Way(guarded=False))
		self.assertEqual([str(day) for day in found.missed], [])
		self.assertLessEqual(len(found.listed_though_right), len(found.right) * 0.01)
		with replay.clock.stopped():
			changed = replay.judge_again()
			again = verdict(replay.month, replay.recorded(), replay.said())
		print(f"{changed} rows were others when made again")
		self.assertEqual([str(day) for day in again.missed], [])
		self.assertLessEqual(len(again.listed_though_right), len(again.right) * 0.01)

	def test_with_check_ins_nothing_wrong_is_written(self):
		self.nothing_is_wrong(Way())

	def test_with_attendance_nothing_wrong_is_written(self):
		self.nothing_is_wrong(Way("Attendance", automatic=False, by_clock=False))

	def nothing_is_wrong(self, way: Way) -> None:
		replay, found = self.played(way)
		by_nobody = Cause.NO_SHIFT if way.automatic else None  # HRMS marks nobody who has no shift
		wrong = [day for day in found.wrong if by_nobody not in day.truth.causes]
		self.assertEqual([str(day) for day in wrong if not day.listed], [])
		listed = [day for day in found.days if day.listed and not day.truth.causes & FOR_A_PERSON]
		self.assertLessEqual(len(listed), len(found.days) * 0.01, [str(day) for day in listed])
		with replay.clock.stopped():
			print(hr.settle(replay, [day for day in found.days if day.listed]))
			replay.write()
			self.everybody_is_paid_rightly(replay)

	def everybody_is_paid_rightly(self, replay: Replay) -> None:
		before = frappe.db.get_single_value("Payroll Settings", "payroll_based_on")
		self.addCleanup(frappe.db.set_single_value, "Payroll Settings", "payroll_based_on", before)
		frappe.db.set_single_value("Payroll Settings", "payroll_based_on", "Attendance")
		paid = {
			person.name: payroll.paid_days(replay.employees[person.number]) for person in replay.month.people
		}
		earned = {person.name: payroll.earned_days(replay.month, person) for person in replay.month.people}
		self.assertEqual(
			{name: (days, earned[name]) for name, days in paid.items() if days != earned[name]}, {}
		)

	def forget_shifts(self, names: list[str]) -> None:
		"""HRMS marks nobody by them any more."""
		frappe.db.rollback()
		frappe.db.set_value("Shift Type", {"name": ("in", names)}, "enable_auto_attendance", 0)
