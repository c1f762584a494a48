"""A site with months of output *Attendance* as it was is migrated: nothing doubled, nothing lost, nothing that a person cancelled comes back."""

from __future__ import annotations

import io
import random
from collections import Counter
from contextlib import redirect_stdout
from datetime import date
from unittest import mock

import frappe

from biometric_integration.biometric_integration.doctype.biometric_sync_settings import (
	biometric_sync_settings,
)
from biometric_integration.patches import give_punches_their_check_ins as patch
from biometric_integration.sync.records import servers, words
from biometric_integration.sync.workdays import attendance
from biometric_integration.tests import factories
from biometric_integration.tests.integration.former_mode import DAY, FormerSite
from biometric_integration.tests.integration.workdays import WorkdaysTestCase

KEPT = (
	"Attendance",
	"Timesheet",
	"Biometric Staging Event",
	"Employee Checkin",
	"Biometric Decision",
	"Biometric Workday",
)


class Killed(BaseException):
	"""Ends the migration wherever it stands."""


class FormerModeTestCase(WorkdaysTestCase):
	def setUp(self) -> None:
		super().setUp()
		frappe.db.delete("Salary Slip")
		self.site = FormerSite(self.devices[0])
		self.configure()
		frappe.db.set_single_value(servers.SETTINGS, "attendance_from", None)
		biometric_sync_settings.on_doctype_update()  # as the migration does before it comes to patches
		for field, value in (("mark_on_holidays", 1), ("attendance_buffer", 60)):
			frappe.db.sql(
				"INSERT INTO tabSingles (doctype, field, value) VALUES (%s, %s, %s)",
				(servers.SETTINGS, field, value),
			)
		frappe.clear_document_cache(servers.SETTINGS, servers.SETTINGS)
		frappe.db.commit()  # nosemgrep -- the site as it was

	def configure(self) -> None:
		connection = {"endpoint_url": "http://127.0.0.1:9", "api_user": "api", "start_date": date(2020, 1, 1)}
		if not frappe.db.exists("Activity Type", "Attendance"):
			frappe.get_doc({"doctype": "Activity Type", "activity_type": "Attendance"}).insert()
		factories.settings(
			server_type="eTimeTrackLite",
			workdays_from=self.site.first,
			output="Attendance",
			make_timesheets=1,
			activity_type="Attendance",
			**connection,
		)

	def migrated(self) -> dict:
		"""What came of it, without names that are new in each run."""
		events = frappe.get_all(
			"Biometric Staging Event",
			fields=["name", "status", "reason_code", "reason_values", "attendance", "employee_checkin"],
			limit=0,
		)
		checkins = frappe.get_all(
			"Employee Checkin",
			factories.of_people(),
			[
				"name",
				"employee",
				"time",
				"log_type",
				"attendance",
				"skip_auto_attendance",
				"shift",
				"shift_start",
				"shift_actual_end",
				"biometric_event",
				"device_id",
			],
			limit=0,
		)
		of_event = {row.name: row.biometric_event for row in checkins}
		return {
			"events": sorted(
				tuple({**row, "employee_checkin": of_event.get(row.employee_checkin, "")}.values())
				for row in events
			),
			"checkins": sorted(str(list(row.values())[1:]) for row in checkins),
			"decisions": sorted(
				map(
					str,
					frappe.get_all(
						"Biometric Decision",
						fields=["what", "employee", "date", "shift", "reason", "made_on"],
					),
				)
			),
			"days": sorted(
				map(
					str,
					frappe.get_all(
						"Attendance",
						factories.of_people(),
						["name", "biometric_day", "docstatus", "working_hours"],
						limit=0,
					),
				)
			),
			"timesheets": sorted(
				map(
					str,
					frappe.get_all("Timesheet", factories.of_people(), ["name", "biometric_day"], limit=0),
				)
			),
			"settings": [
				frappe.db.get_single_value(servers.SETTINGS, field)
				for field in ("attendance_from", "workdays_from", "on_holidays")
			],
		}


class TestMigration(FormerModeTestCase):
	def test_every_punch_has_its_check_in_and_nothing_is_doubled(self):
		site, records = self.site, snapshot()
		printed = io.StringIO()
		with redirect_stdout(printed):
			patch.dry_run()
		patch.execute()
		self.assertIn(f"Cut-over: {site.cut_over.isoformat()}", printed.getvalue())
		self.assertEqual(frappe.db.get_single_value(servers.SETTINGS, "attendance_from"), site.cut_over)
		self.assertEqual(frappe.db.get_single_value(servers.SETTINGS, "workdays_from"), site.cut_over)
		self.assertEqual(frappe.db.get_single_value(servers.SETTINGS, "on_holidays"), "Attendance")
		self.assertEqual(
			frappe.db.count("Singles", {"doctype": servers.SETTINGS, "field": ("in", patch.GONE)}), 0
		)
		self.assertEqual(frappe.db.count("Biometric Staging Event", {"reason_code": ("in", patch.FORMER)}), 0)
		self.punches_are_used()
		self.assertEqual(snapshot(), records, "what was written stays as it is")
		self.lane()
		self.punches_are_used()
		self.days_are_whole(records)
		self.assertEqual(len(frappe.get_all("Biometric Decision")), 1)
		self.day_that_is_written_anew()

	def lane(self) -> None:
		"""As the next minutes do it."""
		frappe.db.commit()  # nosemgrep -- a job begins with a fresh view
		people = self.site.people
		for employee in people.values():
			frappe.db.set_value("Employee", employee, "attendance_device_id", employee)
		frappe.db.commit()  # nosemgrep -- as a person who saved it
		self.use()
		self.judge()
		attendance.run(now=self.now)

	def day_that_is_written_anew(self) -> None:
		"""It gets no second timesheet."""
		plain, timesheets = self.site.people["plain"], frappe.db.count("Timesheet", factories.of_people())
		of_day = {"employee": plain, "attendance_date": self.site.cut_over, "docstatus": 1}
		frappe.get_doc("Attendance", frappe.db.get_value("Attendance", of_day)).cancel()
		frappe.db.delete("Biometric Decision")
		self.lane()
		self.assertEqual(frappe.db.get_value("Attendance", of_day, "working_hours"), 8)
		self.assertEqual(frappe.db.count("Timesheet", factories.of_people()), timesheets)

	def punches_are_used(self) -> None:
		"""Those since the cut-over have one check-in each, older ones say that they have none; late ones are skipped."""
		events = frappe.get_all("Biometric Staging Event", {"status": "Processed"}, ["*"], limit=0)
		self.assertGreater(len(events), 200)  # fewer at the begin of a month
		checkins = {
			row.name: row for row in frappe.get_all("Employee Checkin", factories.of_people(), ["*"], limit=0)
		}
		self.assertEqual(len({(row.employee, row.time) for row in checkins.values()}), len(checkins))
		for event in events:
			checkin = checkins.get(event.employee_checkin)
			if checkin is None:
				day = frappe.db.get_value("Attendance", event.attendance, "attendance_date")
				self.assertLess(day, self.site.cut_over)
				self.assertIn(event.attendance, words.of_event(event))
			else:
				self.assertEqual(
					(checkin.employee, checkin.time, checkin.biometric_event),
					(event.employee, event.resolved_time, event.name),
				)
		skipped = [row for row in checkins.values() if row.skip_auto_attendance]
		self.assertEqual(len(skipped), 1 + 1 + 1 + 2 + 4)
		self.assertFalse([row for row in skipped if row.attendance])

	def days_are_whole(self, records: list) -> None:
		site, after = self.site, snapshot()
		self.assertEqual([row for row in after if row in records], records)
		self.assertEqual(
			max(Counter((row.employee, row.attendance_date) for row in after if row.docstatus < 2).values()),
			1,
		)
		new = {(row.employee, row.attendance_date) for row in after if row not in records}
		self.assertTrue(new)
		self.assertGreaterEqual(min(day for _who, day in new), site.open_from)
		for who in ("day", "plain", "night"):
			for number in range(2):  # the night of yesterday is not over
				self.assertIn((site.people[who], site.open_from + number * DAY), new)
		keys = frappe.get_all("Timesheet", factories.of_people(), pluck="biometric_day", limit=0)
		written = {
			row.biometric_day
			for row in frappe.get_all(
				"Attendance", factories.of_people(docstatus=1), ["biometric_day"], limit=0
			)
		}
		self.assertEqual(len(keys), len(set(keys)))
		self.assertLessEqual(set(keys), written, "each timesheet is of the day of a record")
		rows = self.rows(site.people.values())
		of_day = dict(
			frappe.get_all(
				"Attendance", {"biometric_day": ("is", "set")}, ["name", "biometric_day"], as_list=True
			)
		)
		found = {row["attendance"]: name for name, row in rows.items() if row["attendance"] in of_day}
		self.assertGreater(len(found), 50)
		self.assertEqual(found, {name: of_day[name] for name in found}, "the key is that of the workday")
		first = min(row["date"] for row in rows.values())
		self.assertEqual(first, site.cut_over)
		states = {(row["employee"], row["date"]): (row["state"], row["reason"]) for row in rows.values()}
		self.assertEqual(
			states[site.people["plain"], site.cancelled], ("No Attendance", "Cancelled by a Person")
		)
		odd = {
			(site.people["plain"], site.odd),
			(site.people["day"], site.odd),
			(site.people["plain"], site.cancelled),
		}
		with_a_pause = ("To Settle", "Attendance Differs")  # counted from first to last then
		for (employee, day), said in states.items():
			if (employee, day) in {(row.employee, row.attendance_date) for row in records} - odd:
				self.assertEqual(said, with_a_pause if employee == site.people["plain"] else ("Marked", ""))

	def test_killed_anywhere_and_run_again_gives_the_same(self):
		before = {doctype: frappe.db.sql(f"SELECT * FROM `tab{doctype}`", as_dict=True) for doctype in KEPT}
		settings = frappe.db.sql(
			"SELECT `doctype`, `field`, `value` FROM `tabSingles` WHERE `doctype`=%s", servers.SETTINGS
		)
		with mock.patch.object(patch, "CHUNK", 80):
			with counted() as statements:
				patch.execute()
			right = self.migrated()
			self.put_back(before, settings)
			chance, kills = random.Random(13), 0
			while kills < 20:
				try:
					with killed_at(chance.randrange(1, statements[0])):
						patch.execute()
				except Killed:
					kills += 1
					frappe.db.rollback()
			patch.execute()
		self.assertEqual(self.migrated(), right)

	def put_back(self, before: dict, settings: tuple) -> None:
		for doctype, found in before.items():
			frappe.db.sql(f"DELETE FROM `tab{doctype}`")
			if found:
				frappe.db.bulk_insert(
					doctype, list(found[0]), [tuple(row.values()) for row in found], chunk_size=500
				)
		frappe.db.delete("Biometric Stale Mark")
		frappe.db.delete("Singles", {"doctype": servers.SETTINGS})
		for row in settings:
			frappe.db.sql("INSERT INTO `tabSingles` (`doctype`, `field`, `value`) VALUES (%s, %s, %s)", row)
		frappe.clear_document_cache(servers.SETTINGS, servers.SETTINGS)
		frappe.db.value_cache.clear()
		frappe.db.commit()  # nosemgrep -- the site as it was


class TestOfAnotherSite(WorkdaysTestCase):
	def test_that_never_wrote_attendance_nothing_is_done(self):
		frappe.db.set_single_value(servers.SETTINGS, "attendance_from", None)
		begins = frappe.db.get_single_value(servers.SETTINGS, "workdays_from")
		patch.execute()
		self.assertIsNone(servers.stamp("attendance_from"))
		self.assertEqual(frappe.db.get_single_value(servers.SETTINGS, "workdays_from"), begins)
		self.assertEqual(self.marks(), 0)


def snapshot() -> list:
	"""What was written, but for its key."""
	fields = [
		"name",
		"employee",
		"attendance_date",
		"status",
		"docstatus",
		"working_hours",
		"shift",
		"in_time",
		"out_time",
	]
	rows = frappe.get_all("Attendance", factories.of_people(), fields, order_by="name asc", limit=0)
	return rows


class counted:
	"""Counts the statements inside; with `at`, ends at that one."""

	def __init__(self, at: int = 0):
		self._at, self._count = at, [0]

	def __enter__(self) -> list[int]:
		sql = frappe.db.sql

		def counting(*arguments, **values):
			self._count[0] += 1
			if self._count[0] == self._at:
				raise Killed()
			return sql(*arguments, **values)

		self._patch = mock.patch.object(frappe.db, "sql", counting)
		self._patch.start()
		return self._count

	def __exit__(self, *error) -> None:
		self._patch.stop()


killed_at = counted
