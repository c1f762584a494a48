"""A simulated month against Frappe HR: is every wrong record listed by name and day, with the right cause, and hardly a right one?"""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta

import frappe

from biometric_integration.sync.records import servers
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import SiteTestCase
from biometric_integration.tests.workdays import month as months
from biometric_integration.tests.workdays.clock import Clock
from biometric_integration.tests.workdays.replay import SERVER_TYPE, Replay
from biometric_integration.tests.workdays.verdict import verdict

SEED = int(os.environ.get("BIOMETRIC_MONTH", "20260601"))
ABOUT_DAYS = (
	"Biometric Workday",
	"Biometric Decision",
	"Biometric Stale Mark",
	"Biometric Roster Digest",
)
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

	def test_wrong_records_are_listed_and_right_ones_are_not(self):
		if not frappe.get_meta("Shift Type").has_field("auto_update_last_sync"):
			self.skipTest("this HRMS does not move its mark by the clock")
		print(f"\nseed {SEED} (BIOMETRIC_MONTH)")
		month, clock = months.made(SEED), Clock(datetime.combine(months.BEGIN, datetime.min.time()))
		began = time.monotonic()
		with clock.stopped():
			replay = Replay(month, clock)
			self.start(SERVER_TYPE, replay.world)
			settings = frappe.get_single(servers.SETTINGS)
			settings.update({"start_date": months.BEGIN, "workdays_from": months.FIRST})
			settings.save()
			replay.set_up()
			self.addCleanup(self.forget_shifts, list(replay.shifts.values()))
			frappe.db.commit()  # nosemgrep -- the lanes read what is committed
			replay.play()
			found = verdict(month, replay.recorded(), replay.said())
			changed = replay.judge_again()
			again = verdict(month, replay.recorded(), replay.said())
		print(found)
		print(
			f"{timedelta(seconds=round(time.monotonic() - began))}; {changed} rows were others when made again"
		)
		self.assertGreater(len(month.truth), 1300)
		self.assertEqual([str(day) for day in found.missed], [])
		self.assertLessEqual(len(found.listed_though_right), len(found.right) * 0.01)
		self.assertEqual([str(day) for day in again.missed], [])
		self.assertLessEqual(len(again.listed_though_right), len(again.right) * 0.01)

	def forget_shifts(self, names: list[str]) -> None:
		"""HRMS marks nobody by them any more."""
		frappe.db.rollback()
		frappe.db.set_value("Shift Type", {"name": ("in", names)}, "enable_auto_attendance", 0)
