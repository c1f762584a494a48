"""What people decide about workdays: first what would be, then, with a reason that is kept, what is; and back again."""

from __future__ import annotations

import frappe

from biometric_integration import api
from biometric_integration.sync.db import transaction
from biometric_integration.sync.desk import settle
from biometric_integration.sync.records.servers import SETTINGS
from biometric_integration.sync.workdays import decisions, marks, sweep
from biometric_integration.tests import factories
from biometric_integration.tests.integration.test_repair import ABSENT, PRESENT, RepairTestCase
from biometric_integration.tests.integration.test_workdays import FIRST, NOW, DevicesTestCase, at, day
from biometric_integration.tests.integration.workdays import DAY, DAYS, DECISION

OUTPUTS = ("Employee Checkin", "Attendance")


class DecideTestCase(RepairTestCase):
	def lacking_an_out(self, **shift) -> tuple[str, str]:
		shift = self.shift(**shift)
		employee = factories.employee(default_shift=shift)
		self.checkin(employee, at(6, 9))
		self.judge()
		return employee, shift

	def decide(self, employee: str, what: str, *numbers: int, **values) -> list[dict]:
		return self.ask(self.names(employee, *(numbers or (6,))), False, what, **values)["days"]

	def shown(self, employee: str, what: str, **values) -> dict:
		"""One day, of which nothing is changed."""
		before = self.everything()
		(found,) = self.ask(self.names(employee, 6), True, what, **values)["days"]
		self.assertEqual(self.everything(), before, "looking changes nothing")
		return found

	def actions(self, employee: str, number: int = 6) -> list[str]:
		return settle.actions(frappe.get_doc("Biometric Workday", self.row(employee, number).name))

	def kept(self, employee: str) -> list[tuple]:
		rows = frappe.get_all(decisions.DOCTYPE, {"employee": employee}, ["what", "date", "reason", "owner"])
		return [(row.what, row.date, row.reason, row.owner) for row in rows]

	def in_output(self, output: str) -> None:
		frappe.db.set_single_value(SETTINGS, "output", output)
		frappe.clear_document_cache(SETTINGS)


class TestDecisions(DecideTestCase):
	def test_the_missing_check_in_is_added_with_the_time_of_the_shift(self):
		employee, _shift = self.lacking_an_out()
		self.assertEqual(self.actions(employee)[0], "Add a Check-in")
		row = frappe.get_doc("Biometric Workday", self.row(employee, 6).name)
		self.assertEqual(settle.suggestion(row), {"time": at(6, 18), "log_type": "OUT"})
		shown = self.shown(employee, "Add a Check-in")
		(done,) = self.decide(employee, "Add a Check-in")
		self.assertEqual(shown["right"], {"status": PRESENT, "hours": 9.0})
		self.assertEqual((done["right"], done["state"]), (shown["right"], "Complete"))
		(added,) = frappe.get_all(
			"Employee Checkin", {"employee": employee, "time": at(6, 18)}, ["name", "log_type"]
		)
		self.assertEqual(added.log_type, "OUT")
		about = {"reference_name": added.name, "comment_type": "Comment"}
		self.assertEqual(frappe.get_all("Comment", about, pluck="content"), ["was wrong"])
		self.assertEqual(self.says(employee, 6), ("Complete", ""))

	def test_another_time_may_be_said_and_what_hrms_does_not_take_is_told_in_its_words(self):
		employee, _shift = self.lacking_an_out()
		(done,) = self.decide(employee, "Add a Check-in", time="2025-05-06 17:00:00", log_type="OUT")
		self.assertEqual(done["right"], {"status": PRESENT, "hours": 8.0})
		frappe.delete_doc("Employee Checkin", frappe.db.get_value("Employee Checkin", {"time": at(6, 17)}))
		self.judge()
		(done,) = self.decide(employee, "Add a Check-in", time="2025-05-06 09:00:00", log_type="")
		self.assertEqual(done["does"], "refused")
		self.assertIn("same timestamp", done["why"])
		self.assertEqual(self.says(employee, 6), ("To Settle", "Missing Punch"))

	def test_an_absent_for_the_missing_check_in_is_repaired_in_the_same_go(self):
		for output in OUTPUTS:
			with self.subTest(output):
				self.in_output(output)
				employee, shift = self.lacking_an_out(working_hours_threshold_for_absent=2)
				self.mark_by_hrms(shift)
				self.judge()
				self.assertEqual(self.attendance(employee, 6), [(ABSENT, 0.0, shift)])
				shown = self.shown(employee, "Add a Check-in")
				self.assertEqual((shown["does"], shown["right"]["status"]), ("written", PRESENT))
				self.decide(employee, "Add a Check-in")
				self.assertEqual(self.attendance(employee, 6), [(PRESENT, 9.0, shift)])
				self.assertEqual(self.says(employee, 6), ("Marked", ""))

	def test_a_day_that_counts_as_it_is(self):
		employee, shift = self.lacking_an_out()
		shown = self.shown(employee, "Mark As It Is")
		(done,) = self.decide(employee, "Mark As It Is")
		self.assertEqual((shown["state"], done["state"]), ("Complete", "Complete"))
		self.assertEqual(self.kept(employee), [("Mark As It Is", day(6), "was wrong", "Administrator")])
		self.mark_by_hrms(shift)
		self.judge()
		self.assertEqual(self.row(employee, 6).state, "Marked")

	def test_a_day_that_is_left_and_the_decision_taken_back(self):
		employee, _shift = self.lacking_an_out()
		self.assertEqual(self.shown(employee, "Leave It")["state"], "No Attendance")
		self.decide(employee, "Leave It")
		self.assertEqual(self.says(employee, 6), ("No Attendance", "Left As It Is"))
		(shown,) = settle.decided(frappe.get_doc("Biometric Workday", self.row(employee, 6).name))
		self.assertEqual((shown["what"], shown["may_take_back"]), ("Leave It", True))
		frappe.db.commit()  # nosemgrep -- what is refused is rolled back
		frappe.set_user(factories.user("HR User"))
		self.addCleanup(frappe.set_user, "Administrator")
		self.assertRaises(frappe.PermissionError, api.take_decision_back, shown["name"])
		frappe.set_user("Administrator")
		api.take_decision_back(shown["name"])
		self.assertEqual(self.says(employee, 6), ("To Settle", "Missing Punch"))

	def test_a_decision_that_does_not_fit_a_day_is_refused_for_it_and_kept_for_the_others(self):
		employee, _shift = self.lacking_an_out()
		self.checkin(employee, at(8, 9))
		self.checkin(employee, at(8, 20, 30))
		self.judge()
		done = {row["date"]: row["does"] for row in self.decide(employee, "Count Outside Punch", 6, 8)}
		self.assertEqual(done, {day(6): "refused", day(8): "changed"})
		self.assertEqual([row[1] for row in self.kept(employee)], [day(8)])

	def test_a_day_over_which_a_pay_slip_stands_keeps_its_record_and_no_decision(self):
		employee, shift = self.lacking_an_out(working_hours_threshold_for_absent=2)
		self.mark_by_hrms(shift)
		slip = self.slip(employee)
		self.judge()
		(done,) = self.decide(employee, "Mark As It Is")
		self.assertEqual(done["does"], "refused")
		self.assertIn(slip, done["why"])
		self.assertEqual(self.kept(employee), [])

	def test_in_bulk_each_gets_the_time_of_their_own_shift(self):
		first, _shift = self.lacking_an_out()
		second, _shift = self.lacking_an_out(start="06:00:00", end="14:00:00")
		late = self.shift("08:00:00", "16:00:00")
		frappe.db.set_value("Employee", second, "default_shift", late)
		frappe.db.delete("Employee Checkin", {"employee": second})
		self.checkin(second, at(6, 8))
		self.judge()
		names = [*self.names(first, 6), *self.names(second, 6)]
		done = self.ask(names, False, "Add a Check-in", time="2025-05-09 17:00:00")
		self.assertEqual(done["counts"]["changed"], 2, "one moment is not that of many")
		times = {
			row.employee: row.time
			for row in frappe.get_all("Employee Checkin", {"log_type": "OUT"}, ["employee", "time"])
		}
		self.assertEqual((times[first], times[second]), (at(6, 18), at(6, 16)))

	def test_who_works_on_after_leaving(self):
		shift = self.shift()
		employee = factories.employee(default_shift=shift, relieving_date=day(5))
		for number in (6, 8):
			self.checkin(employee, at(number, 9))
			self.checkin(employee, at(number, 18))
		self.judge()
		self.assertEqual(self.says(employee, 6), ("To Settle", "After Leaving"))
		self.assertEqual(self.actions(employee)[0], "Still Here")
		self.assertEqual(self.shown(employee, "Still Here")["state"], "Complete")
		self.decide(employee, "Still Here")
		self.assertEqual(self.kept(employee), [("Still Here", day(6), "was wrong", "Administrator")])
		self.judge()
		self.assertEqual([self.says(employee, number)[0] for number in (6, 8)], ["Complete", "Complete"])
		self.checkin(employee, at(9, 9))
		self.checkin(employee, at(9, 18))
		self.judge()
		self.assertEqual(self.says(employee, 9), ("Complete", ""), "from that day on")

	def test_nothing_is_decided_without_a_reason_and_nothing_that_is_no_decision(self):
		employee, _shift = self.lacking_an_out()
		names = self.names(employee, 6)
		for what, reason in (("Leave It", ""), ("Leave It", "  "), ("Dance", "why not")):
			with self.assertRaises(frappe.ValidationError):
				settle.ask(names, what, reason, None, False, NOW)
		self.assertEqual(self.kept(employee), [])

	def test_a_workday_that_is_gone_is_left_out(self):
		employee, _shift = self.lacking_an_out()
		self.assertEqual(api.decide(["20250506-gone"], "Leave It")["days"], [])
		self.assertEqual(api.decide(frappe.as_json(self.names(employee, 6)), "Leave It")["more"], 0)


class TestOutside(DecideTestCase):
	def outside(self) -> tuple[str, str]:
		shift = self.shift()
		employee = factories.employee(default_shift=shift)
		self.checkin(employee, at(6, 9))
		self.checkin(employee, at(6, 20, 30))
		self.judge()
		return employee, shift

	def fetch(self, employee: str) -> None:
		"""HRMS's *Fetch Shifts*, and a save of the check-in."""
		for name in frappe.get_all("Employee Checkin", {"employee": employee}, pluck="name"):
			checkin = frappe.get_doc("Employee Checkin", name)
			checkin.fetch_shift()
			checkin.save()

	def test_a_punch_outside_of_the_shift_counts_for_hrms_as_well_whatever_fetches_its_shift_again(self):
		for output in OUTPUTS:
			with self.subTest(output):
				self.in_output(output)
				employee, shift = self.outside()
				self.assertEqual(self.actions(employee)[0], "Count Outside Punch")
				self.assertEqual(self.shown(employee, "Count Outside Punch")["right"]["hours"], 11.5)
				self.decide(employee, "Count Outside Punch")
				self.assertEqual(self.says(employee, 6), ("Complete", ""))
				self.fetch(employee)
				self.judge()
				self.assertEqual(self.row(employee, 6).would_hours, 11.5)
				self.mark_by_hrms(shift)
				self.assertEqual(self.attendance(employee, 6), [(PRESENT, 11.5, shift)])
				self.judge()
				self.assertEqual(self.says(employee, 6), ("Marked", ""))
				self.fetch(employee)
				self.judge()
				row = self.row(employee, 6)
				self.assertEqual((row.state, row.checkins, row.would_hours), ("Marked", 2, 11.5))

	def test_out_in_the_margin_of_the_default_shift_counts_for_the_assigned_one(self):
		employee, assigned = self.out_in_the_margin_of_the_default()
		self.assertEqual(self.says(employee, 7), ("To Settle", "Outside the Shift"))
		self.decide(employee, "Count Outside Punch", 7)
		self.judge()
		self.fetch(employee)
		self.judge()
		self.mark_by_hrms(assigned)
		self.assertIn((PRESENT, 15.5, assigned), self.attendance(employee, 7))

	def test_taken_back_it_lies_outside_again(self):
		employee, shift = self.outside()
		self.decide(employee, "Count Outside Punch")
		noted = {"employee": employee, "time": at(6, 20, 30)}
		self.assertEqual(frappe.db.get_value("Employee Checkin", noted, "shift"), shift)
		(name,) = frappe.get_all(decisions.DOCTYPE, {"employee": employee}, pluck="name")
		frappe.delete_doc(decisions.DOCTYPE, name)
		self.assertFalse(frappe.db.get_value("Employee Checkin", noted, "shift"))
		self.judge()
		self.assertEqual(self.says(employee, 6), ("To Settle", "Outside the Shift"))


class TestRosterChanges(DecideTestCase):
	def test_check_ins_follow_the_roster_by_themselves_and_hrms_counts_them(self):
		dayshift, night = self.shift("08:00:00", "17:00:00"), self.shift("20:00:00", "05:00:00")
		employee = factories.employee(default_shift=dayshift)
		self.checkin(employee, at(6, 20))
		self.checkin(employee, at(7, 5))
		before = frappe.get_all("Employee Checkin", {"employee": employee}, ["name", "modified"])
		self.judge()
		factories.shift_assignment(employee, night, day(6), day(6))
		self.judge()
		self.assertEqual(self.says(employee, 6), ("Complete", ""))
		fields = ["shift", "shift_start", "shift_end", "shift_actual_start", "shift_actual_end"]
		noted = frappe.get_all("Employee Checkin", {"employee": employee}, fields, as_list=True)
		expected = (night, at(6, 20), at(7, 5), at(6, 19), at(7, 6))
		self.assertEqual(set(noted), {expected})
		if frappe.get_meta("Employee Checkin").has_field("offshift"):
			self.assertEqual(
				set(frappe.get_all("Employee Checkin", {"employee": employee}, pluck="offshift")), {0}
			)
		self.assertEqual(
			frappe.get_all("Employee Checkin", {"employee": employee}, ["name", "modified"]), before
		)
		self.mark_by_hrms(night)
		self.assertIn((PRESENT, 9.0, night), self.attendance(employee, 6))

	def test_check_ins_of_an_attendance_of_others_and_those_that_say_the_same_stay(self):
		dayshift, evening = self.shift("08:00:00", "17:00:00"), self.shift("08:30:00", "17:30:00")
		written, other = (factories.employee(default_shift=dayshift) for _each in range(2))
		for employee in (written, other):
			self.checkin(employee, at(6, 8, 30))
			self.checkin(employee, at(6, 17))
		self.mark_by_hrms(dayshift)
		factories.shift_assignment(written, evening, day(6), day(6))
		rows = self.everything()[1]
		self.judge()
		self.assertEqual(self.everything()[1], rows)

	def test_a_check_in_that_was_skipped_stays_skipped(self):
		dayshift, night = self.shift("08:00:00", "17:00:00"), self.shift("20:00:00", "05:00:00")
		employee = factories.employee(default_shift=dayshift)
		skipped = self.checkin(employee, at(6, 20))
		frappe.db.set_value("Employee Checkin", skipped.name, "skip_auto_attendance", 1)
		self.checkin(employee, at(7, 5))
		factories.shift_assignment(employee, night, day(6), day(6))
		self.judge()
		values = frappe.db.get_value("Employee Checkin", skipped.name, ["shift", "skip_auto_attendance"])
		self.assertEqual(values, (night, 1))

	def test_rows_are_as_a_rebuild_would_make_them(self):
		dayshift, night = self.shift("08:00:00", "17:00:00"), self.shift("20:00:00", "05:00:00")
		employee = factories.employee(default_shift=dayshift)
		for number in range(6, 10):
			self.checkin(employee, at(number, 20))
			self.checkin(employee, at(number + 1, 5))
		self.judge()
		factories.shift_assignment(employee, night, day(7), day(8))
		self.judge()
		made = {row.name: row for row in self.rows(employee)}
		sweep.sweep(FIRST, NOW)
		self.judge()
		again = {row.name: row for row in self.rows(employee)}
		self.assertEqual(again, made, "the sweep finds nothing that is different")


class TestAboutDevices(DevicesTestCase):
	"""Of SN-B nothing was read for the second half of the three weeks."""

	def setUp(self) -> None:
		super().setUp()
		marks.add([marks.of_employee(self.of_b, self.first)])
		self.judge()
		self.late = DAYS // 2 + 3
		held = {"employee": self.of_b, "state": "Held"}
		self.held = frappe.get_all("Biometric Workday", held, pluck="name", order_by="date asc")

	def ask(self, what: str, dry_run: bool, **values) -> dict:
		transaction.commit()
		return settle.ask(self.held, what, "" if dry_run else "was stolen", values, dry_run, self.now)

	def test_a_device_that_is_trusted_frees_its_days_and_looking_does_not(self):
		shown = self.ask("Trust This Device Until", True)
		self.assertEqual({day["state"] for day in shown["days"]}, {"Complete"})
		self.assertEqual(frappe.db.count(DECISION), 0)
		self.assertEqual(self.says(self.of_b, self.late)[0], "Held")
		self.ask("Trust This Device Until", False)
		newest = max(frappe.get_all("Biometric Workday", {"name": ("in", self.held)}, pluck="date"))
		(decision,) = frappe.get_all(DECISION, fields=["what", "device", "date", "reason"])
		kept = ("Trust This Device Until", self.devices[1], newest, "was stolen")
		self.assertEqual((decision.what, decision.device, decision.date, decision.reason), kept)
		self.assertEqual(self.says(self.of_b, self.late), ("Complete", "No Punch", None))

	def test_a_device_that_was_replaced(self):
		values = {"replaced_by": self.devices[0], "replaced_on": str(self.first + DAYS // 2 * DAY)}
		with self.assertRaises(frappe.ValidationError):
			self.ask("Replaced By", True)
		shown = self.ask("Replaced By", True, **values)
		self.assertEqual({day["state"] for day in shown["days"]}, {"Complete"})
		self.assertFalse(frappe.db.get_value("Biometric Device", self.devices[1], "replaced_by"))
		self.ask("Replaced By", False, **values)
		self.assertEqual(
			frappe.db.get_value("Biometric Device", self.devices[1], "replaced_by"), self.devices[0]
		)
		about = {"reference_name": self.devices[1], "comment_type": "Comment"}
		self.assertEqual(frappe.get_all("Comment", about, pluck="content"), ["was stolen"])
		self.assertEqual(self.says(self.of_b, self.late), ("Complete", "No Punch", None))

	def test_who_may_not_see_the_device_says_nothing_of_it(self):
		user = factories.user("HR Manager")
		allowed = {"user": user, "allow": "Biometric Device", "for_value": self.devices[0]}
		frappe.get_doc({"doctype": "User Permission", **allowed}).insert()
		transaction.commit()
		frappe.set_user(user)
		self.addCleanup(frappe.set_user, "Administrator")
		for dry_run in (True, False):
			with self.assertRaises(frappe.PermissionError):
				self.ask("Trust This Device Until", dry_run)


class TestWhoMayDecide(DecideTestCase):
	def test_an_hr_user_may_repair_and_add_a_check_in_and_decides_nothing(self):
		employee, _shift = self.lacking_an_out()
		names = self.names(employee, 6)
		frappe.db.commit()  # nosemgrep -- as a request begins
		frappe.set_user(factories.user("HR User"))
		self.addCleanup(frappe.set_user, "Administrator")
		self.assertEqual(self.actions(employee), ["Add a Check-in"])
		for what in ("Mark As It Is", "Leave It", "Still Here", "Trust This Device Until", "Replaced By"):
			for dry_run in (1, 0):
				with self.subTest(what), self.assertRaises(frappe.PermissionError):
					api.decide(names, what, "I say so", dry_run=dry_run)
		self.assertEqual(api.decide(names, "Add a Check-in")["days"][0]["does"], "changed")
		self.assertEqual(api.repair(names)["days"][0]["does"], "refused")

	def test_whoever_may_see_one_department_only_decides_about_no_other(self):
		employee, _shift = self.lacking_an_out()
		seen, _shift = self.lacking_an_out()
		user = factories.user("HR Manager")
		frappe.get_doc(
			{"doctype": "User Permission", "user": user, "allow": "Employee", "for_value": seen}
		).insert()
		names = [*self.names(employee, 6), *self.names(seen, 6)]
		frappe.db.commit()  # nosemgrep -- as a request begins
		frappe.set_user(user)
		self.addCleanup(frappe.set_user, "Administrator")
		for what in ("Leave It", "Add a Check-in", "Repair"):
			with self.assertRaises(frappe.PermissionError):
				api.decide(names, what, "I say so", dry_run=0)
		self.assertEqual(len(api.decide(names[1:], "Leave It", "I say so", dry_run=0)["days"]), 1)
		frappe.set_user("Administrator")
		self.assertEqual((self.kept(employee), len(self.kept(seen))), ([], 1))

	def test_what_changes_something_takes_no_get(self):
		changing = (api.decide, api.repair, api.stop_deciding, api.take_decision_back, api.leave_the_clock)
		for endpoint in changing:
			self.assertEqual(frappe.allowed_http_methods_for_whitelisted_func[endpoint], ["POST"])
			self.assertNotIn(endpoint, frappe.guest_methods)
