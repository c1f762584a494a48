"""*Correct Mapping* where attendance was written already: the check-ins move, and the records of both people are repaired in one go."""

from __future__ import annotations

from unittest.mock import patch

import frappe

from hrms.hr.doctype.attendance.attendance import Attendance

from biometric_integration import api
from biometric_integration.sync import jobs
from biometric_integration.sync.desk import settle
from biometric_integration.sync.records.servers import SETTINGS
from biometric_integration.tests import factories
from biometric_integration.tests.integration.test_mapping import RULE, rule, stage, states
from biometric_integration.tests.integration.test_repair import ABSENT, PRESENT, RepairTestCase
from biometric_integration.tests.integration.test_workdays import at, day

DAYS = range(5, 10)
OUTPUTS = ("Employee Checkin", "Attendance")


class TestWrongMapping(RepairTestCase):
	def setUp(self) -> None:
		super().setUp()
		asked = patch.object(jobs, "enqueue_process")
		asked.start()
		self.addCleanup(asked.stop)

	def wrongly_mapped(self) -> None:
		"""For five days the punches of one went to another; HRMS has marked both."""
		for doctype in (RULE, "Biometric Staging Event"):
			frappe.db.delete(doctype)
		self.office = self.shift()
		self.wrong, self.right = (factories.employee(default_shift=self.office) for _each in range(2))
		self.rule = rule("7", self.wrong)
		stage(*(("7", at(number, hour)) for number in DAYS for hour in (9, 18)))
		jobs.process()
		self.mark_by_hrms(self.office)
		self.judge()
		self.assertEqual({self.attendance(self.wrong, number)[0][0] for number in DAYS}, {PRESENT})
		self.assertEqual({self.attendance(self.right, number)[0][0] for number in DAYS}, {ABSENT})

	def map_rightly(self) -> None:
		document = frappe.get_doc(RULE, self.rule)
		document.employee = self.right
		document.save()
		frappe.db.commit()  # nosemgrep -- as a person who saved it

	def correct(self, dry_run: int = 0) -> dict:
		return api.correct_mapping("7", "2025-05-05", "2025-05-09", dry_run=dry_run)

	def statuses(self, employee: str) -> list[list[str]]:
		return [[status for status, *_rest in self.attendance(employee, number)] for number in DAYS]

	def test_five_days_with_attendance_on_both_sides_are_corrected_in_one_go(self):
		for output in OUTPUTS:
			with self.subTest(output):
				self.wrongly_mapped()
				frappe.db.set_single_value(SETTINGS, "output", output)
				frappe.clear_document_cache(SETTINGS)
				self.map_rightly()
				before = self.everything()
				shown = self.correct(dry_run=1)
				self.assertEqual(self.everything(), before)
				self.assertEqual((shown["check_ins"], shown["days_with_attendance"]), (10, []))
				told = {
					(row["employee"], row["date"]): (
						row["written"][0]["status"],
						row["right"] and row["right"]["status"],
					)
					for row in shown["days"]
				}
				for number in DAYS:
					self.assertEqual(told[self.right, day(number)], (ABSENT, PRESENT))
					self.assertEqual(told[self.wrong, day(number)][0], PRESENT)
				done = self.correct()
				self.assertNotIn("waits", done)
				self.assertEqual(self.statuses(self.right), [[PRESENT]] * 5)
				self.assertTrue(all(PRESENT not in found for found in self.statuses(self.wrong)))
				self.assertEqual(states("7"), {("Processed", "")})
				record = frappe.get_doc("Biometric Mapping Correction", done["correction"])
				self.assertEqual(len(record.cancelled.split("\n")), 5)
				self.mark_by_hrms(self.office)
				self.judge()
				self.assertEqual({self.says(self.right, number) for number in DAYS}, {("Marked", "")})
				self.assertEqual(
					self.correct(dry_run=1)["still_theirs"], [{"employee": self.right, "events": 10}]
				)

	def test_days_over_which_something_stands_are_left_with_the_reason(self):
		self.wrongly_mapped()
		request = self.stands("Attendance Request", self.wrong, 7)
		self.map_rightly()
		for dry_run in (1, 0):
			answer = self.correct(dry_run)
			(left,) = answer["days_with_attendance"]
			self.assertEqual((left["employee"], left["date"]), (self.wrong, day(7)))
			self.assertIn(request, left["why"])
			self.assertEqual(answer["check_ins"], 8)
		self.assertEqual(self.statuses(self.wrong)[2], [PRESENT])
		self.assertEqual(self.statuses(self.right), [[PRESENT], [PRESENT], [ABSENT], [PRESENT], [PRESENT]])

	def test_what_hrms_does_not_cancel_is_told_in_its_words_and_nothing_is_changed(self):
		self.wrongly_mapped()
		self.map_rightly()
		before = self.statuses(self.wrong)
		refusal = frappe.ValidationError("it is part of a claim")
		with patch.object(Attendance, "on_cancel", side_effect=refusal):
			with self.assertRaisesRegex(frappe.ValidationError, "it is part of a claim"):
				self.correct(0)
		self.assertEqual(self.statuses(self.wrong), before)
		self.assertEqual(frappe.db.count("Employee Checkin", {"employee": self.wrong}), 10)

	def test_a_pay_slip_of_the_right_person_keeps_their_record_and_the_check_ins_come(self):
		self.wrongly_mapped()
		slip = self.slip(self.right)
		self.map_rightly()
		shown, done = self.correct(dry_run=1), self.correct()
		for answer in (shown, done):
			refused = [row for row in answer["days"] if row["employee"] == self.right]
			self.assertTrue(refused and all(slip in row["why"] for row in refused))
		self.assertEqual(self.statuses(self.right), [[ABSENT]] * 5)
		self.assertEqual(frappe.db.count("Employee Checkin", {"employee": self.right}), 10)

	def test_of_a_right_person_whom_the_user_may_not_see_nothing_is_told_and_nothing_cancelled(self):
		self.wrongly_mapped()
		self.map_rightly()
		user = factories.user("HR Manager")
		allowed = {"user": user, "allow": "Employee", "for_value": self.wrong}
		frappe.get_doc({"doctype": "User Permission", **allowed}).insert()
		frappe.db.commit()  # nosemgrep -- as a person who saved it
		frappe.set_user(user)
		self.addCleanup(frappe.set_user, "Administrator")
		for dry_run in (1, 0):
			answer = self.correct(dry_run)
			self.assertEqual({row["employee"] for row in answer["days"]}, {self.wrong})
		frappe.set_user("Administrator")
		self.assertEqual(self.statuses(self.right), [[ABSENT]] * 5)
		self.judge()
		self.assertEqual({self.says(self.right, number)[1] for number in DAYS}, {"Late Punch"})

	def test_many_days_are_repaired_by_a_job(self):
		self.wrongly_mapped()
		self.map_rightly()
		with patch.object(settle, "FEW", 0), patch.object(frappe, "enqueue") as asked:
			key = self.correct()["key"]
			(job,) = [call for call in asked.call_args_list if call.args[:1] == (settle.RUN,)]
			names = ("key", "what", "reason", "values", "names")
			settle.run(**{name: job.kwargs[name] for name in names})
		self.assertFalse(settle.state(key)["running"])
		self.assertEqual(self.statuses(self.right), [[PRESENT]] * 5)

	def test_where_another_worker_uses_punches_all_the_while_it_is_said_and_the_days_are_for_repair(self):
		self.wrongly_mapped()
		self.map_rightly()
		with (
			patch("biometric_integration.sync.desk.correction.PATIENCE", 1),
			patch.object(jobs, "process", return_value=0),
		):
			done = self.correct()
		self.assertTrue(done["waits"])
		jobs.process()
		self.judge()
		self.repair(self.right, *DAYS)
		self.assertEqual(self.statuses(self.right), [[PRESENT]] * 5)
