"""Whose punch it is on a site: rules, reports, and the way back from a wrong mapping."""

from __future__ import annotations

import csv
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import frappe

from biometric_integration import api
from biometric_integration.biometric_integration.report.biometric_coverage import biometric_coverage
from biometric_integration.biometric_integration.report.unmapped_punches import unmapped_punches
from biometric_integration.core.mapping import Scope
from biometric_integration.sync import jobs
from biometric_integration.sync.process import mapping_rules
from biometric_integration.sync.process.mapping_rules import Action
from biometric_integration.sync.records import staging
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import SiteTestCase, events

RULE = "Biometric Mapping Rule"
DAY = date(2025, 4, 7)
NINE = datetime(2025, 4, 7, 9)
MINUTE = timedelta(minutes=1)
CHECKIN_FIELDS = ["name", "employee", "time", "log_type", "biometric_event", "modified"]
ENDPOINTS = {
	api.map_id: {"user_id": "7", "employee": "x"},
	api.ignore_id: {"user_id": "7"},
	api.correct_mapping: {"user_id": "7", "from_date": "2025-04-01", "to_date": "2025-04-02"},
}


def rule(user_id: str, employee: str | None = None, **values) -> str:
	action = Action.MAP if employee else Action.IGNORE
	return (
		frappe.get_doc(
			{
				"doctype": RULE,
				"device_user_id": user_id,
				"action": action.value,
				"employee": employee,
				"scope": "Any",
				**values,
			}
		)
		.insert()
		.name
	)


def stage(*punches: tuple, server: str = "main", device: str = "") -> None:
	"""(user id, time[, direction]) as a sync would have left them, not yet decided."""
	rows = []
	for user_id, time, *direction in punches:
		name = f"{time:%Y%m%d%H%M%S}-{frappe.generate_hash(length=20)}"
		reported = direction[0] if direction else ""
		rows.append(
			(name, "Punch", "Pending", "", device, user_id, time, time, reported, server, frappe.utils.now())
		)
	fields = (
		"name",
		"kind",
		"status",
		"reason_code",
		"device",
		"device_user_id",
		"source_time",
		"punch_time",
	)
	staging.sql.insert_new(staging.DOCTYPE, (*fields, "direction", "server", "creation"), rows)


def made() -> list:
	about = factories.of_people()
	return frappe.get_all("Employee Checkin", about, CHECKIN_FIELDS, order_by="time, name", limit=0)


def times_of(employee: str) -> list[datetime]:
	return [row.time for row in made() if row.employee == employee]


def states(user_id: str) -> set[tuple[str, str]]:
	"""Of an id to the letter; the database would compare loosely."""
	found = events(device_user_id=user_id)
	return {(event.status, event.reason_code) for event in found if event.device_user_id == user_id}


class MappingTestCase(SiteTestCase):
	def setUp(self) -> None:
		super().setUp()
		self.configure()
		# A worker that happens to run would hold the lane while a test wants it.
		asked = patch.object(jobs, "enqueue_process")
		self.asked = asked.start()
		self.addCleanup(asked.stop)

	def configure(self, **values) -> None:
		"""A server that nobody asks; punches are staged by hand."""
		connection = {"server_type": "eBioServer", "endpoint_url": "http://192.0.2.1", "api_user": "api"}
		factories.settings(**connection, start_date="2025-01-01", **values)

	def plants(self) -> None:
		"""The server `main`, and a second one that uses the same ids."""
		row = {
			"server_id": "south",
			"label": "South",
			"server_type": "eTimeTrackLite",
			"endpoint_url": "http://192.0.2.1:85",
			"api_user": "api",
			"enabled": 0,
		}
		self.configure(more_servers=[row])


class TestWhosePunch(MappingTestCase):
	def test_sixty_people_of_two_plants_that_use_the_same_ids(self):
		self.plants()
		ids = [f"{number:03}" for number in range(1, 31)]
		names = [factories.employee() for _number in range(60)]
		here = dict(zip(ids, names[:30], strict=True))
		there = dict(zip(ids, names[30:], strict=True))
		gate = factories.device("SN-N", location="NORTH")
		hall = factories.device("SN-H", location="NORTH")
		door = factories.device("SN-S", server="south", location="SOUTH")
		for number, user_id in enumerate(ids):
			if number % 3 == 0:
				rule(user_id, here[user_id], scope="Server", server="main")
				rule(user_id, there[user_id], scope="Server", server="south")
			elif number % 3 == 1:
				rule(user_id, here[user_id], scope="Location", location="NORTH")
				rule(user_id, there[user_id], scope="Location", location="SOUTH")
			else:
				rule(user_id, there[user_id])
				rule(user_id, here[user_id], scope="Device", device=gate)
				rule(user_id, here[user_id], scope="Device", device=hall)
		times = {user_id: NINE + number * MINUTE for number, user_id in enumerate(ids)}
		stage(*times.items(), device=gate)
		stage(*((user_id, time + timedelta(hours=9)) for user_id, time in times.items()), device=hall)
		stage(
			*((user_id, time + timedelta(hours=1)) for user_id, time in times.items()),
			server="south",
			device=door,
		)
		jobs.process()
		self.assertEqual({event.status for event in events()}, {"Processed"})
		for user_id, time in times.items():
			self.assertEqual(times_of(here[user_id]), [time, time + timedelta(hours=9)], user_id)
			self.assertEqual(times_of(there[user_id]), [time + timedelta(hours=1)], user_id)

		before = made()
		frappe.db.set_value(
			staging.DOCTYPE, {"status": "Processed"}, {"status": "Pending", "reason_code": ""}
		)
		jobs.process()
		self.assertEqual(made(), before, "running it again changes nothing")

	def test_an_id_that_went_to_a_new_person_on_a_day(self):
		old = factories.employee(status="Left", relieving_date="2025-04-08")
		new = factories.employee(joined=date(2025, 4, 10))
		rule("7", old, to_date="2025-04-08")
		rule("7", new, from_date="2025-04-09")
		stage(*(("7", NINE + timedelta(days=day)) for day in range(5)))
		jobs.process()
		self.assertEqual(times_of(old), [NINE, NINE + timedelta(days=1)])
		self.assertEqual(times_of(new), [NINE + timedelta(days=3), NINE + timedelta(days=4)])
		(waiting,) = events(status="Unmapped")
		self.assertEqual(waiting.reason_code, "not_joined")

	def test_leading_zeros_make_another_id(self):
		twin, other = factories.employee("111"), factories.employee("0111")
		stage(("111", NINE), ("0111", NINE + MINUTE), ("00111", NINE + 2 * MINUTE))
		jobs.process()
		self.assertEqual((times_of(twin), times_of(other)), ([NINE], [NINE + MINUTE]))
		self.assertEqual(states("00111"), {("Unmapped", "no_employee")})

	def test_a_rule_uses_its_waiting_punches_and_touches_no_other(self):
		gate, door = factories.device("SN1"), factories.device("SN2")
		stage(*(("7", NINE + number * MINUTE) for number in range(500)), device=gate)
		stage(("07", NINE), ("8", NINE), ("7", datetime(2025, 4, 6, 9)), device=gate)
		stage(("7", NINE + timedelta(seconds=30)), device=door)
		jobs.process()
		self.assertEqual(len(events(status="Unmapped")), 504)
		untouched = self.not_of(gate)
		person = factories.employee()
		rule("7", person, scope="Device", device=gate, from_date=DAY)
		self.assertEqual(len(events(status="Pending")), 500)
		self.asked.assert_called()
		jobs.process()
		self.assertEqual(times_of(person), [NINE + number * MINUTE for number in range(500)])
		self.assertEqual(self.not_of(gate), untouched)
		self.assertEqual(len(made()), 500)

	def not_of(self, gate: str) -> list:
		"""Every event that the rule is not about, as it is stored."""
		rows = frappe.get_all(staging.DOCTYPE, fields=["*"], order_by="name", limit=0)
		return [
			row for row in rows if (row.device_user_id, row.device) != ("7", gate) or row.punch_time < NINE
		]

	def test_a_rule_that_is_changed_or_deleted_opens_what_it_held_and_what_it_holds_now(self):
		stage(("71", NINE), ("72", NINE), ("81", NINE))
		jobs.process()
		name = rule("7*")
		jobs.process()
		self.assertEqual(states("71") | states("72"), {("Ignored", "id_ignored")})
		person = factories.employee()
		document = frappe.get_doc(RULE, name)
		document.update({"device_user_id": "8?", "action": "Map to Employee", "employee": person})
		document.save()
		jobs.process()
		self.assertEqual(states("71") | states("72"), {("Unmapped", "no_employee")})
		self.assertEqual(times_of(person), [NINE])
		ignored = rule("72")
		jobs.process()
		frappe.delete_doc(RULE, ignored)
		self.assertEqual(states("72"), {("Pending", "")})

	def test_an_unchanged_rule_opens_nothing(self):
		name = rule("7")
		stage(("7", NINE))
		jobs.process()
		frappe.get_doc(RULE, name).save()
		self.assertEqual(states("7"), {("Ignored", "id_ignored")})

	def test_ids_are_compared_to_the_letter(self):
		rule("a1", factories.employee())
		stage(("A1", NINE), ("a1 ", NINE))
		jobs.process()
		self.assertEqual(made(), [])


class TestBadRules(MappingTestCase):
	@contextmanager
	def refused(self, *words: str):
		"""Nothing is stored, and the message has the words."""
		count = frappe.db.count(RULE)
		with self.assertRaises(frappe.ValidationError) as caught:
			yield
		for word in words:
			self.assertIn(word, str(caught.exception))
		self.assertEqual(frappe.db.count(RULE), count)

	def test_patterns_that_match_everything(self):
		for pattern in ("*", "?*", "**"):
			with self.subTest(pattern), self.refused("would match every id"):
				rule(pattern)

	def test_people_who_are_not_there_in_the_days_of_the_rule(self):
		left = factories.employee(status="Left", relieving_date="2025-03-31")
		coming = factories.employee(joined=date(2025, 6, 1))
		with self.refused("left on", "To Date"):
			rule("7", left)
		with self.refused("left on", "before this rule begins"):
			rule("7", left, from_date="2025-04-01", to_date="2025-04-30")
		with self.refused("joined on"):
			rule("7", coming, to_date="2025-05-31")
		with self.refused("HR-EMP-NOBODY"):
			rule("7", "HR-EMP-NOBODY")
		self.assertTrue(rule("7", left, to_date="2025-03-31"))

	def test_rules_that_overlap(self):
		first = rule("7", factories.employee(), from_date="2025-04-01", to_date="2025-04-30")
		other = factories.employee()
		with self.refused(first, "04"):
			rule("7", other, from_date="2025-04-30")
		self.assertTrue(rule("7", other, from_date="2025-05-01"))
		self.assertTrue(rule("7", other, scope="Server", server="main", from_date="2025-04-30"))

	def test_dates_the_wrong_way_round_and_places_that_do_not_exist(self):
		person = factories.employee()
		with self.refused("From Date is after To Date"):
			rule("7", person, from_date="2025-04-02", to_date="2025-04-01")
		with self.refused("no attendance server", "main"):
			rule("7", person, scope="Server", server="elsewhere")
		with self.refused("Server"):
			rule("7", person, scope="Server")
		with self.refused():
			rule("7", person, scope="Device", device="no-such-device")

	def test_fields_of_another_scope_are_cleared(self):
		name = rule("7", factories.employee(), scope="Any", server="main", location="X")
		stored = frappe.get_doc(RULE, name)
		self.assertEqual((stored.server, stored.location, stored.device), (None, None, None))

	def test_somebody_else_who_carries_the_id_is_named_and_nothing_is_refused(self):
		other = factories.employee("7")
		frappe.clear_messages()
		rule("7", factories.employee(), scope="Server", server="main")
		self.assertIn(other, str(frappe.get_message_log()))

	def test_the_choices_of_the_form_are_those_of_the_code(self):
		meta = frappe.get_meta(RULE)
		self.assertEqual(meta.get_options("scope").split("\n"), [scope.value for scope in Scope])
		self.assertEqual(meta.get_options("action").split("\n"), [action.value for action in Action])

	def test_a_csv_with_an_unknown_employee_imports_nothing(self):
		person = factories.employee()
		self.import_csv([("7", "Map to Employee", person), ("8", "Map to Employee", "HR-EMP-NOBODY")])
		self.assertEqual(frappe.get_all(RULE), [])
		self.assertIn("HR-EMP-NOBODY", self.imported.reload().template_warnings)
		self.import_csv([("7", "Map to Employee", person), ("8", "Ignore", "")])
		self.assertEqual(sorted(frappe.get_all(RULE, pluck="device_user_id")), ["7", "8"])
		self.assertEqual(self.imported.reload().status, "Success")

	def test_a_csv_with_a_rule_that_is_refused_says_which_and_keeps_the_others(self):
		person = factories.employee()
		self.import_csv([("7", "Map to Employee", person), ("*", "Ignore", "")])
		self.assertEqual(frappe.get_all(RULE, pluck="device_user_id"), ["7"])
		failed = frappe.get_all(
			"Data Import Log", {"data_import": self.imported.name, "success": 0}, pluck="messages"
		)
		self.assertIn("would match every id", failed[0])

	def import_csv(self, rows: list[tuple]) -> None:
		with TemporaryDirectory() as folder:
			path = Path(folder) / "rules.csv"
			with path.open("w", newline="") as file:
				csv.writer(file).writerows([("Device User ID", "Action", "Employee"), *rows])
			attached = frappe.get_doc(
				doctype="File",
				file_name=f"{factories.unique('rules')}.csv",
				content=path.read_bytes(),
				is_private=1,
			).insert()
		self.imported = frappe.get_doc(
			doctype="Data Import",
			reference_doctype=RULE,
			import_type="Insert New Records",
			import_file=attached.file_url,
			submit_after_import=0,
			mute_emails=1,
		).insert()
		self.imported.get_importer().import_data()


class TestCorrectMapping(MappingTestCase):
	def wrongly_mapped(self, count: int = 500) -> tuple[str, str]:
		"""(employee, rule): punches of id 7 that went to the wrong person, and one of their own."""
		person = factories.employee("1")
		wrong = rule("7", person)
		stage(*(("7", NINE + number * MINUTE) for number in range(count)))
		stage(("1", NINE - MINUTE))
		jobs.process()
		self.assertEqual(len(times_of(person)), count + 1)
		return person, wrong

	def correct(self, **arguments) -> dict:
		values = {
			"user_id": "7",
			"from_date": "2025-04-01",
			"to_date": "2025-04-30",
			"dry_run": 0,
			**arguments,
		}
		return api.correct_mapping(**values)

	def test_what_a_wrong_mapping_made_is_gone_but_for_the_record_of_who_took_it_back(self):
		person, wrong = self.wrongly_mapped()
		frappe.delete_doc(RULE, wrong)
		before = {row.name: row for row in made() if row.biometric_event and row.time < NINE}
		preview = self.correct(dry_run=1)
		self.assertEqual((preview["check_ins"], preview["events"]), (500, 500))
		self.assertEqual(len(made()), 501, "looking changes nothing")
		gone = [row.name for row in made() if row.name not in before]
		done = self.correct()
		self.assertEqual({row.name: row for row in made()}, before)
		self.assertEqual(states("7"), {("Pending", "")})
		jobs.process()
		self.assertEqual(states("7"), {("Unmapped", "no_employee")})
		self.assertEqual({event.employee or "" for event in events(device_user_id="7")}, {""})
		record = frappe.get_doc("Biometric Mapping Correction", done["correction"])
		self.assertEqual((record.corrected_by, record.check_ins), ("Administrator", 500))
		self.assertEqual(record.employees, person)
		self.assertFalse(frappe.db.exists("Deleted Document", {"deleted_name": ("in", gone)}))

	def test_the_right_person_gets_the_punches(self):
		_person, wrong = self.wrongly_mapped(3)
		right = factories.employee()
		document = frappe.get_doc(RULE, wrong)
		document.employee = right
		document.save()
		self.assertEqual(times_of(right), [], "what is processed stays until somebody corrects it")
		self.correct()
		jobs.process()
		self.assertEqual(len(times_of(right)), 3)

	def test_it_is_said_where_the_mapping_still_leads_to_the_same_person(self):
		person, _wrong = self.wrongly_mapped(3)
		self.assertEqual(self.correct(dry_run=1)["still_theirs"], [{"employee": person, "events": 3}])

	def test_days_with_attendance_that_are_not_judged_are_left_alone_and_listed(self):
		person, wrong = self.wrongly_mapped(2)
		stage(("7", NINE + timedelta(days=1)), ("7", NINE + timedelta(days=1, hours=8)))
		jobs.process()
		attendance = frappe.get_doc(
			doctype="Attendance",
			employee=person,
			attendance_date=DAY,
			status="Present",
			company=factories.company(),
		).insert()
		attendance.submit()
		frappe.db.set_value("Employee Checkin", made()[1].name, "attendance", attendance.name)
		left = [row for row in made() if row.time.date() == DAY]
		frappe.delete_doc(RULE, wrong)
		answer = self.correct()
		self.assertEqual(answer["check_ins"], 2)
		(listed,) = answer["days_with_attendance"]
		about = (listed["employee"], listed["date"], listed["attendance"])
		self.assertEqual(about, (person, DAY, attendance.name))
		self.assertIn("are not judged", listed["why"])
		self.assertEqual(made(), left)
		record = frappe.get_doc("Biometric Mapping Correction", answer["correction"])
		self.assertIn(attendance.name, record.days_left)

	def test_only_the_place_and_the_days_in_question(self):
		gate, door = factories.device("SN1"), factories.device("SN2")
		rule("7", factories.employee())
		stage(("7", NINE), ("7", NINE + timedelta(days=1)), device=gate)
		stage(("7", NINE + MINUTE), device=door)
		stage(("7", NINE + 2 * MINUTE), device=door, server="south")
		jobs.process()
		self.assertEqual(self.correct(dry_run=1)["check_ins"], 4)
		self.assertEqual(self.correct(dry_run=1, device=gate, to_date="2025-04-07")["check_ins"], 1)
		self.assertEqual(self.correct(dry_run=1, server="south")["check_ins"], 1)
		self.assertEqual(self.correct(dry_run=1, user_id="07")["events"], 0)

	def test_check_ins_made_by_hand_stay_and_punches_taken_for_repeats_are_looked_at_again(self):
		self.configure(repeat_window=120)
		person = factories.employee("1")
		by_hand = frappe.get_doc(
			doctype="Employee Checkin", employee=person, time=NINE - timedelta(hours=1), log_type="IN"
		).insert()
		before = by_hand.reload().as_dict()
		wrong = rule("7", person)
		stage(("7", NINE))
		jobs.process()
		stage(("1", NINE + MINUTE))
		jobs.process()
		self.assertEqual(states("1"), {("Ignored", "repeat")})
		frappe.delete_doc(RULE, wrong)
		self.correct()
		jobs.process()
		self.assertEqual(states("1"), {("Processed", "")}, "nothing is there any more that it repeats")
		self.assertEqual(frappe.get_doc("Employee Checkin", by_hand.name).as_dict(), before)

	def test_a_number_of_queries_that_does_not_grow_with_the_punches_but_for_the_deletion_hooks(self):
		self.wrongly_mapped(60)
		for doctype in ("Employee Checkin", "Comment", "Version", "Biometric Mapping Correction"):
			frappe.get_meta(doctype)  # what an empty cache costs is not what is counted
		with self.assertQueryCount(60 * 2 + 70):  # of a deletion: HRMS's, and the mark of its workday
			self.correct()

	def test_bad_input(self):
		with self.assertRaises(frappe.ValidationError):
			self.correct(from_date="2025-05-01")
		self.assertEqual(self.correct(user_id="nobody")["events"], 0)
		self.assertEqual(frappe.db.count("Biometric Mapping Correction"), 0)


class TestReports(MappingTestCase):
	def test_unmapped_ids_are_listed_once_per_server_with_a_guess_and_both_ways_out(self):
		gate = factories.device("SN1", "Gate", company=factories.company())
		hall = factories.device("SN2", "Hall", company=factories.company())
		person = factories.employee("0042")
		stage(("42", NINE), ("42", NINE + MINUTE), ("B7", NINE), device=gate)
		stage(("42", NINE + 2 * MINUTE), ("b7", NINE), device=hall)
		stage(("42", NINE), server="south")
		jobs.process()
		_columns, rows = unmapped_punches.execute({"server": "main"})
		first = rows[0]
		self.assertEqual(
			[(row["device_user_id"], row["punches"]) for row in rows], [("42", 3), ("B7", 1), ("b7", 1)]
		)
		self.assertEqual((first["first"], first["last"]), (NINE, NINE + 2 * MINUTE))
		self.assertEqual((first["devices"], first["company"]), ("Gate, Hall", factories.company()))
		self.assertEqual(first["employee"], person)
		self.assertIn("leading zeros", first["why"])
		self.assertEqual(len(unmapped_punches.execute({})[1]), 4)
		self.assertEqual(unmapped_punches.execute({"company": "Nowhere"})[1], [])

		api.map_id("42", person, scope="Server", server="main", from_date="2025-04-07")
		api.ignore_id("B7")
		jobs.process()
		left = [(row["device_user_id"], row["server"]) for row in unmapped_punches.execute({})[1]]
		self.assertEqual(left, [("42", "south"), ("b7", "main")])
		self.assertEqual(states("B7"), {("Ignored", "id_ignored")})

	def test_an_id_may_go_into_the_record_of_the_employee_where_none_is(self):
		person = factories.employee()
		stage(("9", NINE))
		jobs.process()
		self.assertEqual(api.map_id("9", person, as_rule=0), {"rule": None, "punches": 1})
		jobs.process()
		self.assertEqual(times_of(person), [NINE])
		with self.assertRaisesRegex(frappe.ValidationError, "mapping rule"):
			api.map_id("10", person, as_rule=0)

	def test_coverage_names_people_without_an_id_ids_without_people_and_contradictions(self):
		carrier = factories.employee("5")
		without, mapped = factories.employee(), factories.employee()
		ruled = rule("5", mapped, scope="Server", server="main")
		stage(("77", NINE))
		jobs.process()
		frappe.get_doc(RULE, ruled).db_set("scope", "Server")
		twin = frappe.copy_doc(frappe.get_doc(RULE, ruled))
		twin.update({"employee": without, "name": "contradiction"})
		twin.db_insert()
		rows = biometric_coverage.execute({})[1]
		seen = {(row["finding"], row.get("device_user_id"), row.get("employee")) for row in rows}
		self.assertIn(("Id without an employee", "77", None), seen)
		self.assertIn(("One id, several people", "5", carrier), seen)
		self.assertTrue({("Rules that contradict", "5", person) for person in (mapped, without)} & seen)
		nobody = {employee for finding, _id, employee in seen if finding == "Employee without an id"}
		self.assertNotIn(mapped, nobody)
		self.assertNotIn(carrier, nobody)
		frappe.delete_doc(RULE, "contradiction")
		self.assertIn(
			without, [row["employee"] for row in biometric_coverage.execute({})[1] if row.get("employee")]
		)
		only = biometric_coverage.execute({"finding": "Id without an employee"})[1]
		self.assertEqual({row["finding"] for row in only}, {"Id without an employee"})


class TestWhoMayMap(MappingTestCase):
	@contextmanager
	def as_user(self, role: str):
		"""`frappe.only_for` lets everybody pass while `in_test` is set: take that away."""
		frappe.set_user(factories.user(role))
		try:
			with patch.dict(frappe.flags, in_test=False):
				yield
		finally:
			frappe.set_user("Administrator")

	def test_outsiders_and_hr_users_may_not_map_ignore_or_correct(self):
		for role in ("Employee", "HR User"):
			with self.subTest(role), self.as_user(role):
				for endpoint, arguments in ENDPOINTS.items():
					with self.assertRaises(frappe.PermissionError):
						endpoint(**arguments)

	def test_hr_managers_may(self):
		employee = factories.employee()
		with self.as_user("HR Manager"):
			self.assertTrue(api.map_id("7", employee)["rule"])
			self.assertTrue(api.ignore_id("8")["rule"])
			self.assertEqual(api.correct_mapping("7", "2025-04-01", "2025-04-02")["events"], 0)

	def test_what_changes_something_takes_no_get(self):
		for endpoint in ENDPOINTS:
			self.assertEqual(frappe.allowed_http_methods_for_whitelisted_func[endpoint], ["POST"])
			self.assertNotIn(endpoint, frappe.guest_methods)

	def test_reports_are_for_hr_and_for_nobody_else(self):
		for role, allowed in {
			"HR User": True,
			"HR Manager": True,
			"System Manager": True,
			"Employee": False,
		}.items():
			with self.as_user(role):
				for report in ("Unmapped Punches", "Biometric Coverage", "Workdays"):
					with self.subTest(f"{role}: {report}"):
						self.assertEqual(self.can_run(report), allowed)

	def can_run(self, report: str) -> bool:
		from frappe.desk.query_report import run

		try:
			run(report, filters={"from_date": "2025-04-01", "to_date": "2025-04-02"})
		except frappe.PermissionError:
			return False
		return True


class TestForIds(MappingTestCase):
	def test_rules_of_the_ids_and_every_pattern_in_one_query(self):
		person = factories.employee()
		gate = factories.device("SN1")
		rule("7", person, scope="Device", device=gate)
		rule("8", person)
		rule("9*", person, scope="Server", server="main")
		with self.assertQueryCount(1):
			found = mapping_rules.for_ids({"7", "x"})
		self.assertEqual({(each.user_id, each.where) for each in found}, {("7", gate), ("9*", "main")})

	def test_a_rule_whose_employee_is_gone_decides_nothing(self):
		name = rule("7", factories.employee())
		frappe.db.set_value(RULE, name, "employee", None)
		self.assertEqual(mapping_rules.for_ids({"7"}), [])
