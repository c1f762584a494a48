"""What people see of a workday: one sentence, its check-ins and devices, the report and the numbers."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from unittest.mock import patch

import frappe
from frappe.utils import add_months, get_first_day, getdate, nowdate

from biometric_integration import api
from biometric_integration.biometric_integration.report.workdays import workdays as report
from biometric_integration.sync import jobs
from biometric_integration.tests import factories
from biometric_integration.tests.integration.test_mapping import NINE, MappingTestCase, stage

WORKDAY = "Biometric Workday"
DAY = NINE.date()
FROM, TO = "2025-04-01", "2025-04-30"


class ShownTestCase(MappingTestCase):
	def setUp(self) -> None:
		super().setUp()
		frappe.db.delete(WORKDAY)
		self.person = factories.employee("1")

	def loaded(self, **values) -> dict:
		"""What the form gets."""
		row = frappe.get_doc(WORKDAY, factories.workday(self.person, DAY, **values))
		row.onload()
		return row.get_onload()

	def add(self, time: datetime, **values) -> str:
		values = {"doctype": "Employee Checkin", "employee": self.person, "time": time, **values}
		return frappe.get_doc(values).insert().name


class TestTheSentence(ShownTestCase):
	def test_times_are_written_as_the_site_writes_them(self):
		values = {"label": "Gate", "since": "2025-04-07 18:05", "until": "2025-04-11 00:00"}
		self.addCleanup(setattr, frappe.local, "user_date_format", None)
		frappe.local.user_date_format = "dd.mm.yyyy"
		said = self.loaded(state="Held", reason="Device Missing", reason_values=json.dumps(values))
		for shown in ("Gate", "07.04.2025 18:05", "11.04.2025"):
			self.assertIn(shown, said["sentence"])
		self.assertNotIn("00:00", said["sentence"])

	def test_a_day_that_needs_no_reason_says_something_as_well(self):
		for state in ("Complete", "Marked", "No Attendance"):
			self.assertTrue(self.loaded(state=state)["sentence"], state)


class TestCheckins(ShownTestCase):
	def test_those_of_the_day_with_their_devices(self):
		gate = factories.device("SN1", "Gate")
		stage(("1", NINE), device=gate)
		jobs.process()
		self.add(NINE + timedelta(hours=12), device_id="Mobile", skip_auto_attendance=1)
		self.add(NINE + timedelta(days=1))
		found = self.loaded(
			first_in=NINE,
			last_out=NINE + timedelta(hours=12),
			checkins=2,
			reason_values=json.dumps({"outside": f"{NINE + timedelta(hours=12):%H:%M}"}),
		)["checkins"]
		shown = [(row["device_name"], row["may_open"], row["outside"], bool(row["skipped"])) for row in found]
		self.assertEqual(shown, [("Gate", True, False, False), ("Mobile", False, True, True)])

	def test_another_workday_that_reaches_into_it_keeps_its_own(self):
		starts = NINE.replace(hour=8), NINE.replace(hour=20)
		for hours, start in ((0, starts[0]), (8, starts[1]), (9, starts[0])):
			name = self.add(NINE + timedelta(hours=hours))
			frappe.db.set_value("Employee Checkin", name, "shift_start", start)
		found = self.loaded(
			first_in=NINE, last_out=NINE + timedelta(hours=9), shift_start=starts[0], checkins=2
		)["checkins"]
		self.assertEqual([row["time"] for row in found], [NINE, NINE + timedelta(hours=9)])

	def test_a_day_without_any(self):
		self.assertEqual(self.loaded()["checkins"], [])

	def test_the_form_asks_little(self):
		gate = factories.device("SN1", "Gate")
		stage(("1", NINE), ("1", NINE + timedelta(hours=9)), device=gate)
		jobs.process()
		name = factories.workday(
			self.person, DAY, first_in=NINE, last_out=NINE + timedelta(hours=9), checkins=2, own_devices=gate
		)
		frappe.get_doc(WORKDAY, name).run_method("onload")  # what frappe knows of doctypes is read once
		with self.assertQueryCount(30):
			frappe.get_doc(WORKDAY, name).run_method("onload")


class TestDevices(ShownTestCase):
	def test_those_that_were_asked_and_else_those_of_the_check_ins(self):
		gate, dock = factories.device("SN1", "Gate"), factories.device("SN2", "Dock")
		stage(("1", NINE), device=gate)
		jobs.process()
		(found,) = self.loaded(first_in=NINE, checkins=1)["devices"]
		self.assertEqual((found["label"], found["proves"], found["may_open"]), ("Gate", False, True))
		asked = self.loaded(first_in=NINE, checkins=1, own_devices=f"{gate}\n{dock}")["devices"]
		self.assertEqual([row["label"] for row in asked], ["Dock", "Gate"])


class TestTheReport(ShownTestCase):
	def rows(self, **filters) -> list[str]:
		return [row.get("name") for row in report.execute({"from_date": FROM, "to_date": TO, **filters})[1]]

	def test_what_waits_for_somebody_newest_first(self):
		held = factories.workday(self.person, DAY, "Held")
		settle = factories.workday(self.person, DAY + timedelta(days=1), "To Settle")
		factories.workday(self.person, DAY, "Marked")
		factories.workday(self.person, date(2025, 5, 1), "Held")
		self.assertEqual(self.rows(state="Held and To Settle"), [settle, held])
		self.assertEqual(len(self.rows(state="All")), 3)
		self.assertEqual(self.rows(state="Held"), [held])
		counts = {one["label"]: one["value"] for one in report.execute({"from_date": FROM, "to_date": TO})[4]}
		self.assertEqual(counts, {"To Settle": 1, "Held": 1, "Marked": 1})

	def test_each_filter(self):
		gate, shift = factories.device("SN1"), factories.shift_type()
		wanted = {"shift": shift, "held_by": gate, "reason": "Device Missing"}
		found = factories.workday(self.person, DAY, "Held", **wanted)
		factories.workday(factories.employee(), DAY, "Held")
		for field, value in {**wanted, "employee": self.person}.items():
			self.assertEqual(self.rows(**{field: value}), [found], field)
		self.assertEqual(self.rows(company="Nobody's"), [])
		with self.assertRaises(frappe.ValidationError):
			report.execute({})

	def test_a_department_with_those_below_it(self):
		above = self.department(is_group=1)
		below = self.department(parent_department=above)
		found = factories.workday(self.person, DAY, department=below)
		factories.workday(factories.employee(), DAY, department=self.department())
		for department in (above, below):
			self.assertEqual(self.rows(department=department), [found])

	def department(self, **values) -> str:
		name = factories.unique("Department")
		values = {"department_name": name, "company": factories.company(), **values}
		return frappe.get_doc({"doctype": "Department", **values}).insert().name

	def test_check_ins_in_no_attendance_of_days_that_are_over(self):
		found = factories.workday(self.person, DAY, "Complete", unlinked=2)
		factories.workday(self.person, DAY, "Open", unlinked=2)
		factories.workday(self.person, DAY, "Marked")
		self.assertEqual(self.rows(state="All", unlinked=1), [found])

	def test_what_is_too_much_says_so_in_its_last_row(self):
		for number in range(3):
			factories.workday(self.person, DAY + timedelta(days=number))
		with patch.object(report, "LIMIT", 2):
			_columns, rows, _message, _chart, summary = report.execute({"from_date": FROM, "to_date": TO})
		self.assertEqual([bool(row.get("name")) for row in rows], [True, True, False])
		self.assertIn("2", rows[-1]["sentence"])
		self.assertEqual(summary[0]["value"], 2)

	def test_every_column_has_its_value_and_no_value_is_html(self):
		factories.workday(self.person, DAY, reason="Missing Punch", reason_values='{"times": "09:00"}')
		columns, (row,), *_rest = report.execute({"from_date": FROM, "to_date": TO})
		self.assertEqual({column["fieldname"] for column in columns}, set(row))
		self.assertNotIn("<", row["sentence"])


class TestTheNumbers(ShownTestCase):
	def test_they_count_since_the_first_of_last_month_and_open_exactly_those(self):
		since = getdate(add_months(get_first_day(nowdate()), -1))
		for day in (since - timedelta(days=1), since, getdate()):
			for state in ("To Settle", "Held"):
				factories.workday(self.person, day, state)
		for number in (api.workdays_to_settle(), api.workdays_held()):
			self.assertEqual(number["value"], 2)
			self.assertEqual(number["route"], ["List", WORKDAY])
			self.assertEqual(frappe.db.count(WORKDAY, number["route_options"]), 2)
