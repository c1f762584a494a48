"""An HR Manager of one company among several: people as Frappe shows them, punches of nobody by their device."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timedelta
from unittest.mock import patch

import frappe
from frappe.desk import query_report, reportview
from frappe.desk.form import load
from frappe.permissions import add_user_permission
from frappe.utils import now_datetime

from biometric_integration import api
from biometric_integration.biometric_integration.dashboard_chart_source.punches_per_day import punches_per_day
from biometric_integration.biometric_integration.report.biometric_coverage import biometric_coverage
from biometric_integration.biometric_integration.report.unmapped_punches import unmapped_punches
from biometric_integration.biometric_integration.report.workdays import workdays
from biometric_integration.core.devices import DeviceChange
from biometric_integration.sync import jobs
from biometric_integration.sync.process.mapping_rules import Action
from biometric_integration.sync.records import devices, servers, sight
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import checkins, events
from biometric_integration.tests.integration.test_mapping import NINE, RULE, MappingTestCase, rule, stage

OTHER = "Biometric Other Company"
WORKDAY, DECISION = "Biometric Workday", "Biometric Decision"
EVENT, DEVICE, LOG = "Biometric Staging Event", "Biometric Device", "Biometric Sync Log"
FROM, TO = "2025-04-01", "2025-04-30"


def other_company() -> str:
	factories.company()
	if not frappe.db.exists("Company", OTHER):
		values = {"company_name": OTHER, "abbr": "BOC", "default_currency": "INR", "country": "India"}
		holidays = factories.holiday_list()
		frappe.get_doc({"doctype": "Company", "default_holiday_list": holidays, **values}).insert()
	return OTHER


def limited(role: str, company: str) -> str:
	"""The user of this role and company; made once, as frappe refuses more than some users an hour."""
	found = frappe.get_all(
		"User Permission",
		{"allow": "Company", "for_value": company, "user": ("like", "user-%")},
		pluck="user",
	)
	for user in found:
		if role in frappe.get_roles(user):
			return user
	user = factories.user(role)
	add_user_permission("Company", company, user, ignore_permissions=True)
	return user


class OfOneCompany(MappingTestCase):
	"""Id 1 is ours, 2 the others'; 7 waits at our gate, 8 at their dock, 9 in the hall, which is nobody's."""

	def setUp(self) -> None:
		super().setUp()
		other_company()
		self.forget_others()
		self.addCleanup(self.forget_others)
		self.ours = factories.employee("1")
		self.theirs = factories.employee("2", company=OTHER)
		self.gate = factories.device("SN1", "Gate", company=factories.company(), location="N")
		self.dock = factories.device("SN2", "Dock", company=OTHER, location="S")
		self.hall = factories.device("SN3", "Hall", company="", location="N")
		stage(("1", NINE), ("7", NINE), device=self.gate)
		stage(("2", NINE), ("8", NINE), device=self.dock)
		stage(("9", NINE), device=self.hall)
		jobs.process()

	def forget_others(self) -> None:
		people = frappe.get_all("Employee", {"company": OTHER}, pluck="name")
		frappe.db.delete("Employee Checkin", {"employee": ("in", people)})
		frappe.db.delete("Employee", {"company": OTHER})
		frappe.db.commit()  # nosemgrep -- what our code wrote was committed as well

	@contextmanager
	def as_hr(self, company: str | None = None, role: str = "HR Manager"):
		"""Of our company. `frappe.only_for` lets everybody pass while `in_test` is set: take that away."""
		user = limited(role, company or factories.company())
		frappe.set_user(user)
		try:
			with patch.dict(frappe.flags, in_test=False):
				yield user
		finally:
			frappe.set_user("Administrator")

	def event(self, user_id: str) -> str:
		(found,) = events(device_user_id=user_id)
		return found.name

	@contextmanager
	def refused(self):
		with self.assertRaises(frappe.PermissionError):
			yield


class TestWhatIsShown(OfOneCompany):
	def test_punches_of_our_people_and_of_nobody_at_devices_that_are_not_the_others(self):
		names = {user_id: self.event(user_id) for user_id in "12789"}
		with self.as_hr():
			self.assertEqual(sorted(frappe.get_list(EVENT, pluck="device_user_id", limit=0)), ["1", "7", "9"])
			seen = {user_id for user_id, name in names.items() if frappe.has_permission(EVENT, "read", name)}
			self.assertEqual(seen, {"1", "7", "9"})

	def test_a_punch_of_our_person_at_their_device_is_ours(self):
		stage(("1", NINE + timedelta(hours=9)), device=self.dock)
		jobs.process()
		with self.as_hr():
			self.assertEqual(len(frappe.get_list(EVENT, {"device_user_id": "1"})), 2)
		with self.as_hr(OTHER):
			self.assertEqual(frappe.get_list(EVENT, {"device_user_id": "1"}), [])

	def test_strict_user_permissions_hide_what_has_no_company(self):
		self.addCleanup(self.be_strict, 0)
		self.be_strict(1)
		with self.as_hr():
			self.assertEqual(sorted(frappe.get_list(EVENT, pluck="device_user_id", limit=0)), ["1", "7"])

	def be_strict(self, strict: int) -> None:
		frappe.db.set_single_value("System Settings", "apply_strict_user_permissions", strict)
		frappe.local.system_settings = frappe.get_cached_doc("System Settings")

	def test_who_is_not_limited_pays_nothing(self):
		for role in ("HR Manager", "System Manager"):
			frappe.set_user(factories.user(role))
			self.addCleanup(frappe.set_user, "Administrator")
			limits = [
				limit()
				for limit in (
					sight.events,
					sight.rules,
					sight.logs,
					sight.corrections,
					sight.workdays,
					sight.decisions,
				)
			]
			self.assertEqual(limits, [""] * 6)
			self.assertEqual(len(frappe.get_list(EVENT, limit=0)), 5)

	def test_the_chart_counts_what_is_seen(self):
		args = {
			"from_date": NINE.date(),
			"to_date": NINE.date(),
			"time_interval": "Daily",
			"chart": "{}",
			"no_cache": 1,
		}
		with self.as_hr():
			self.assertEqual(punches_per_day.get_data(**args)["datasets"][0]["values"], [3])

	def test_numbers_are_those_of_the_lists(self):
		with self.as_hr():
			self.assertEqual(api.status()["waiting"]["Unmapped"], 2)
		self.assertEqual(api.status()["waiting"]["Unmapped"], 3)

	def test_reports(self):
		ours, theirs = factories.employee(), factories.employee(company=OTHER)
		with self.as_hr():
			shown = unmapped_punches.execute()[1]
			self.assertEqual({row["device_user_id"] for row in shown}, {"7", "9"})
			found = biometric_coverage.execute()[1]
			self.assertEqual(
				{row["device_user_id"] for row in found if row.get("device_user_id")}, {"7", "9"}
			)
			people = {row["employee"] for row in found if row.get("employee")}
			self.assertIn(ours, people)
			self.assertNotIn(theirs, people)

	def test_nobody_is_suggested_whom_the_user_does_not_see(self):
		stage(("31", NINE), device=self.gate)
		jobs.process()
		frappe.db.set_value("Employee", self.theirs, "attendance_device_id", "0031")
		with self.as_hr():
			(row,) = [row for row in unmapped_punches.execute()[1] if row["device_user_id"] == "31"]
		self.assertIsNone(row.get("employee"))

	def test_devices_and_runs(self):
		for device in (self.gate, self.dock, None):
			frappe.get_doc({"doctype": LOG, "status": "Failed", "device": device, "server": "main"}).insert()
		logs = {log.device: log.name for log in frappe.get_all(LOG, fields=["name", "device"])}
		for device in (self.gate, self.dock):
			values = {"server": "main", "unit": device, "run": logs[device]}
			frappe.get_doc({"doctype": servers.CURSOR, "name": device, **values}).insert()
			frappe.db.set_value(LOG, logs[device], "started_at", frappe.utils.now_datetime())
		with self.as_hr():
			self.assertEqual(set(api.device_state()), {self.gate, self.hall})
			self.assertEqual(set(frappe.get_list(LOG, pluck="device")), {self.gate, None})
			self.assertEqual({run["name"] for run in api.sync_state()["runs"]}, {logs[self.gate], logs[None]})
			self.assertEqual(api.failed_runs()["route_options"], {"name": ["in", [logs[self.gate]]]})
			for act in (
				lambda: api.sync_now(device=self.dock),
				lambda: api.sync_period(FROM, TO, device="SN2"),
				lambda: api.retry(logs[self.dock]),
			):
				with self.refused():
					act()

	def test_a_period_of_a_whole_server_is_shown_to_who_asked_for_it(self):
		doctype = "Biometric Sync Period"
		made = {
			device: frappe.get_doc(
				{
					"doctype": doctype,
					"server": "main",
					"device": device,
					"from_date": FROM,
					"to_date": TO,
					"requested_by": "Administrator",
				}
			)
			.insert()
			.name
			for device in (self.gate, self.dock, None)
		}
		with self.as_hr():
			self.assertEqual(frappe.get_list(doctype, pluck="name"), [made[self.gate]])
			for device in (self.dock, None):
				self.assertFalse(frappe.has_permission(doctype, "read", made[device]))
				for act in (api.period_state, api.stop_period, api.resume_period):
					with self.refused():
						act(made[device])
			frappe.db.set_value(doctype, made[None], "requested_by", frappe.session.user)
			self.assertTrue(frappe.has_permission(doctype, "read", made[None]))

	def test_who_asks_for_the_days_of_a_period_that_is_not_shown_to_them_gets_one_of_their_own(self):
		theirs = api.sync_period(FROM, TO, server="main")["name"]
		with self.as_hr():
			with self.assertRaisesRegex(frappe.ValidationError, "being read already"):
				api.sync_period(FROM, TO, server="main")
		api.stop_period(theirs)
		with self.as_hr():
			mine = api.sync_period(FROM, TO, server="main")["name"]
			self.assertNotEqual(mine, theirs)
			self.assertEqual(api.period_state(mine)["status"], "Reading")
		self.assertEqual(api.period_state(theirs)["status"], "Stopped")

	def test_a_record_of_a_correction_is_shown_to_who_made_it(self):
		theirs = api.correct_mapping("2", FROM, TO, dry_run=0)["correction"]
		with self.as_hr():
			mine = api.correct_mapping("1", FROM, TO, dry_run=0)["correction"]
			self.assertEqual(frappe.get_list("Biometric Mapping Correction", pluck="name"), [mine])
			self.assertFalse(frappe.has_permission("Biometric Mapping Correction", "read", theirs))


class TestWorkdays(OfOneCompany):
	"""One day of ours and one of theirs, each with a decision, and decisions about the devices."""

	def setUp(self) -> None:
		super().setUp()
		for doctype in (WORKDAY, DECISION):
			frappe.db.delete(doctype)
		self.day = now_datetime().date()
		self.our_day = factories.workday(self.ours, self.day)
		# of the time when they were with us: it is the person who counts
		self.their_day = factories.workday(
			self.theirs, self.day, held_by=self.gate, company=factories.company()
		)
		self.decisions = {
			who: self.decide(what="Leave It", employee=who).name for who in (self.ours, self.theirs)
		}
		for device in (self.gate, self.dock, self.hall):
			self.decisions[device] = self.decide(what="Trust This Device Until", device=device).name
		frappe.db.commit()  # nosemgrep -- as a person who saved it

	def decide(self, **values):
		return frappe.get_doc({"doctype": DECISION, "date": self.day, "reason": "Asked", **values}).insert()

	def test_a_day_is_shown_to_whoever_sees_the_person(self):
		for role in ("HR User", "HR Manager"):
			with self.subTest(role), self.as_hr(role=role):
				self.assertEqual(frappe.get_list(WORKDAY, pluck="name"), [self.our_day])
				seen = {
					name
					for name in (self.our_day, self.their_day)
					if frappe.has_permission(WORKDAY, "read", name)
				}
				self.assertEqual(seen, {self.our_day})

	def test_a_day_of_before_a_transfer_goes_with_the_person(self):
		before = factories.workday(self.ours, self.day, company=OTHER, held_by=self.dock)
		with self.as_hr():
			self.assertEqual(set(frappe.get_list(WORKDAY, pluck="name")), {self.our_day, before})
			load.getdoc(WORKDAY, before)

	def test_forms(self):
		with self.as_hr():
			load.getdoc(WORKDAY, self.our_day)
			with self.refused():
				load.getdoc(WORKDAY, self.their_day)

	def test_the_report_and_its_export(self):
		filters = {"from_date": str(self.day), "to_date": str(self.day)}
		with self.as_hr():
			self.assertEqual([row["name"] for row in workdays.execute(filters)[1]], [self.our_day])
			self.assertEqual(workdays.execute({**filters, "employee": self.theirs})[1], [])
			self.assertEqual(workdays.execute(filters)[4][0]["value"], 1)
			found = query_report.run("Workdays", filters=filters)
			self.assertEqual([row["name"] for row in found["result"]], [self.our_day])

	def test_the_export_of_the_list(self):
		with self.as_hr():
			frappe.local.form_dict = frappe._dict(
				doctype=WORKDAY, fields='["name"]', file_format_type="CSV", title=WORKDAY
			)
			self.addCleanup(setattr, frappe.local, "form_dict", frappe._dict())
			reportview.export_query()
			written = frappe.response["filecontent"]
		written = written.decode() if isinstance(written, bytes) else written
		self.assertIn(self.our_day, written)
		self.assertNotIn(self.their_day, written)

	def test_numbers_are_those_of_the_list(self):
		factories.workday(self.theirs, self.day, "Held", company=factories.company())
		with self.as_hr(role="HR User"):
			self.assertEqual(api.workdays_to_settle()["value"], 1)
			self.assertEqual(api.workdays_held()["value"], 0)
		self.assertEqual(api.workdays_to_settle()["value"], 2)
		self.assertEqual(api.workdays_held()["value"], 1)

	def test_a_decision_is_shown_to_whoever_sees_the_person_or_the_device(self):
		ours = {self.decisions[about] for about in (self.ours, self.gate, self.hall)}
		with self.as_hr():
			self.assertEqual(set(frappe.get_list(DECISION, pluck="name")), ours)
			seen = {name for name in self.decisions.values() if frappe.has_permission(DECISION, "read", name)}
			self.assertEqual(seen, ours)

	def test_nothing_is_decided_about_people_or_devices_of_others(self):
		with self.as_hr():
			self.assertTrue(self.decide(what="Leave It", employee=self.ours).name)
			for about in (
				{"what": "Leave It", "employee": self.theirs},
				{"what": "Trust This Device Until", "device": self.dock},
			):
				with self.refused():
					self.decide(**about)
			with self.refused():
				frappe.delete_doc(DECISION, self.decisions[self.theirs])

	def test_outsiders_see_none_of_it(self):
		frappe.set_user(factories.user("Employee"))
		self.addCleanup(frappe.set_user, "Administrator")
		filters = {"from_date": str(self.day), "to_date": str(self.day)}
		with patch.dict(frappe.flags, in_test=False):
			for look in (
				lambda: frappe.get_list(WORKDAY),
				lambda: frappe.get_list(DECISION),
				lambda: load.getdoc(WORKDAY, self.our_day),
				lambda: query_report.run("Workdays", filters=filters),
				api.workdays_to_settle,
				api.workdays_held,
			):
				with self.refused():
					look()

	def test_an_hr_user_decides_nothing(self):
		with self.as_hr(role="HR User"), self.refused():
			self.decide(what="Leave It", employee=self.ours)


class TestWhatMayBeDone(OfOneCompany):
	def test_nobody_is_mapped_to_people_of_another_company(self):
		device = {"scope": "Device", "device": self.gate}
		with self.as_hr():
			for as_rule, place in ((1, device), (0, {})):
				with self.refused():
					api.map_id("7", self.theirs, as_rule=as_rule, **place)
			with self.refused():
				api.id_entry(self.theirs)
			self.assertFalse(api.id_entry(self.ours)["everywhere"])
			self.assertEqual(api.map_id("7", self.ours, **device)["punches"], 1)
		self.assertEqual(frappe.db.get_value("Employee", self.theirs, "attendance_device_id"), "2")

	def test_a_rule_that_holds_at_their_devices_as_well_is_theirs_to_make(self):
		with self.as_hr():
			for place in (
				{"scope": "Any"},
				{"scope": "Server", "server": "main"},
				{"scope": "Location", "location": "S"},
			):
				with self.refused():
					rule("8", self.ours, **place)
				with self.refused():
					rule("8", **place)
			self.assertTrue(rule("7", self.ours, scope="Location", location="N"))

	def test_a_rule_of_theirs_is_neither_seen_nor_changed_nor_deleted(self):
		theirs = rule("8", self.theirs, scope="Device", device=self.dock)
		everywhere = rule("x*")
		with self.as_hr():
			self.assertEqual(frappe.get_list(RULE, pluck="name"), [everywhere])
			for name in (theirs, everywhere):
				document = frappe.get_doc(RULE, name)
				document.update(
					{
						"action": Action.MAP.value,
						"employee": self.ours,
						"scope": "Device",
						"device": self.gate,
					}
				)
				with self.refused():
					document.save()
				with self.refused():
					frappe.delete_doc(RULE, name)

	def test_correct_mapping_takes_back_what_is_ours_only(self):
		before = checkins()
		with self.as_hr(OTHER):
			for dry_run in (1, 0):
				found = api.correct_mapping("1", FROM, TO, dry_run=dry_run)
				self.assertEqual((found["events"], found["employees"]), (0, []))
		self.assertEqual(checkins(), before)

	def test_a_job_sees_all_whoever_started_it(self):
		stage(("2", NINE + timedelta(hours=9)), device=self.dock)
		with self.as_hr():
			jobs.process()
		self.assertEqual({event.status for event in events(device_user_id="2")}, {"Processed"})

	def test_clocks_and_times_of_others_are_not_put_right(self):
		frappe.db.set_value("Biometric Device", self.dock, "clock_ahead", 900)
		with self.as_hr():
			self.assertEqual(api.status()["clocks"], [])
			for dry_run in (1, 0):
				with self.refused():
					api.release_ahead(self.dock, dry_run=dry_run)
				with self.refused():
					api.rederive_times("main", dry_run=dry_run)
			self.assertEqual(api.release_ahead(self.gate, dry_run=1)["events"], 0)

	def test_an_id_that_waits_at_their_device_as_well_answers_for_ours_only(self):
		long_ago = now_datetime().replace(microsecond=0) - timedelta(days=40)
		stage(("5", long_ago), device=self.gate)
		stage(("5", long_ago + timedelta(hours=1)), device=self.dock)
		jobs.process()
		new = factories.employee()
		with self.as_hr(role="HR User"):
			self.assertEqual(api.map_id("5", new, as_rule=0)["punches"], 1)
		jobs.process()
		self.assertEqual(
			[(row.device, row.reason_code) for row in events(device_user_id="5")],
			[(self.gate, ""), (self.dock, "Since When")],
		)

	def test_reprocess_and_release(self):
		names = [self.event("8"), self.event("7")]
		stage(("2", datetime(1999, 12, 31, 23, 58)), device=self.dock)
		jobs.process()
		(wrong,) = events(status="Quarantined")
		with self.as_hr():
			self.assertEqual(api.reprocess(names), {"count": 1})
			with self.refused():
				api.release(wrong.name, str(frappe.utils.now_datetime() - timedelta(hours=1)))
		self.assertEqual(events(device_user_id="8")[0].status, "Unmapped")
		self.assertEqual(events(status="Quarantined"), [wrong])


class TestCompanyOfADevice(OfOneCompany):
	def test_it_is_never_the_default_one_by_silence(self):
		default = frappe.db.get_default("company")
		frappe.db.set_default("company", factories.company())
		self.addCleanup(frappe.db.set_default, "company", default)
		frappe.local.new_doc_templates.clear()
		devices.change("main", [DeviceChange(("Found", "N"), serial="SN9")])
		self.assertFalse(frappe.db.get_value(DEVICE, {"serial_number": "SN9"}, "company"))
