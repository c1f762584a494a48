"""A person says whose an id is: where it is entered, what becomes of the punches, and what a pattern covers."""

from __future__ import annotations

from unittest.mock import patch

import frappe
from frappe.custom.doctype.property_setter.property_setter import make_property_setter

from biometric_integration import api
from biometric_integration.sync import jobs
from biometric_integration.tests import factories
from biometric_integration.tests.integration.test_mapping import (
	DAY,
	NINE,
	MappingTestCase,
	rule,
	stage,
	states,
	times_of,
)

NUMBER, DEVICE_ID = "employee_number", "attendance_device_id"


class TestWhereItIsEntered(MappingTestCase):
	def look_up_in(self, *fieldnames: str) -> None:
		self.configure(employee_fields=[{"fieldname": fieldname} for fieldname in fieldnames])
		self.addCleanup(self.configure, employee_fields=[])

	def closed(self, fieldname: str) -> None:
		"""Nobody may write it in Desk."""
		setter = make_property_setter("Employee", fieldname, "read_only", 1, "Check")
		self.addCleanup(frappe.clear_cache, doctype="Employee")
		self.addCleanup(setter.delete)
		frappe.clear_cache(doctype="Employee")

	def ids_of(self, employee: str) -> tuple:
		return frappe.db.get_value("Employee", employee, [NUMBER, DEVICE_ID])

	def waiting(self, user_id: str = "9") -> None:
		stage((user_id, NINE))
		jobs.process()
		self.assertEqual(states(user_id), {("Unmapped", "No Employee")})

	def test_where_it_is_looked_up(self):
		self.look_up_in(NUMBER)
		person = factories.employee()
		self.waiting()
		self.assertEqual(
			api.id_entry(person), {"label": "Employee Number", "entered": "", "everywhere": True}
		)
		self.assertEqual(api.map_id("9", person, as_rule=0), {"rule": None, "punches": 1})
		self.assertEqual(self.ids_of(person), ("9", None))
		jobs.process()
		self.assertEqual(times_of(person), [NINE])

	def test_in_the_first_of_the_fields_that_may_be_written(self):
		self.look_up_in(NUMBER, DEVICE_ID)
		self.closed(NUMBER)
		person = factories.employee()
		api.map_id("9", person, as_rule=0)
		self.assertEqual(self.ids_of(person), (None, "9"))

	def test_where_none_may_be_written_a_rule_is_offered(self):
		self.look_up_in("name", NUMBER)
		self.closed(NUMBER)
		person = factories.employee()
		self.waiting()
		self.assertEqual(api.id_entry(person)["label"], "")
		with self.assertRaisesRegex(frappe.ValidationError, "mapping rule"):
			api.map_id("9", person, as_rule=0)
		self.assertEqual(api.map_id("9", person)["punches"], 1)
		jobs.process()
		self.assertEqual(times_of(person), [NINE])

	def test_who_has_an_id_already_gets_one_more_by_a_rule(self):
		person = factories.employee("1")
		self.waiting()
		self.assertEqual(api.id_entry(person)["entered"], "1")
		self.assertEqual(api.map_id("9", person, from_date=str(DAY))["punches"], 1)
		jobs.process()
		self.assertEqual(times_of(person), [NINE])
		self.assertEqual(self.ids_of(person)[1], "1")

	def test_an_id_that_the_unique_field_takes_for_anothers_says_what_to_do(self):
		factories.employee("A9")
		person = factories.employee()
		with self.assertRaisesRegex(frappe.ValidationError, "capital letters"):
			api.map_id("a9", person, as_rule=0)

	def test_an_hr_user_may_enter_an_id_but_make_no_rule(self):
		person = factories.employee()
		frappe.set_user(factories.user("HR User"))
		self.addCleanup(frappe.set_user, "Administrator")
		with patch.dict(frappe.flags, in_test=False):
			with self.assertRaises(frappe.PermissionError):
				api.map_id("9", person)
			api.map_id("9", person, as_rule=0)
		self.assertEqual(self.ids_of(person)[1], "9")

	def test_it_is_not_said_that_punches_are_used_where_none_is(self):
		person = factories.employee()
		self.waiting()
		self.assertEqual(api.map_id("9", person, from_date="2025-04-08")["punches"], 0)
		self.assertEqual(api.ignore_id("9", scope="Server", server="main")["punches"], 1)


class TestPatterns(MappingTestCase):
	def setUp(self) -> None:
		super().setUp()
		self.asha = factories.employee("101")
		stage(*((user_id, NINE) for user_id in ("100", "102", "1o3", "10", "1000", "10_")))
		self.addCleanup(frappe.clear_messages)
		frappe.clear_messages()

	def told(self) -> str:
		return " ".join(message["message"] for message in map(frappe._dict, frappe.message_log))

	def test_the_ids_it_covers_are_told_and_nothing_is_refused(self):
		found = api.ids_covered("10?")
		self.assertEqual(found["count"], 4)
		rule("10?", self.asha)
		name = frappe.db.get_value("Employee", self.asha, "employee_name")
		for words in (found["message"], f"101 ({name})", "100", "102", "10_"):
			self.assertIn(words, self.told())
		self.assertNotIn("1000", self.told())

	def test_of_many_the_first_few_are_named(self):
		stage(*((f"5{number:02}", NINE) for number in range(20)))
		found = api.ids_covered("5*")
		self.assertEqual(found["count"], 20)
		self.assertIn("500, 501, 502, 503, 504, and 15 more", found["message"])

	def test_it_is_told_once_and_not_again_where_the_form_has_asked(self):
		name = rule("10?", self.asha)
		frappe.clear_messages()
		document = frappe.get_doc("Biometric Mapping Rule", name)
		document.save()
		document.update({"device_user_id": "10*", "__ids_told": "10*"})
		document.save()
		self.assertEqual(self.told(), "")
		document.update({"device_user_id": "1*"})
		document.save()
		self.assertIn("fits 7 ids", self.told())

	def test_an_id_is_no_pattern_and_what_fits_nothing_says_so(self):
		rule("100", self.asha)
		self.assertEqual(self.told(), "")
		rule("7*", self.asha)
		self.assertIn("No id", self.told())
