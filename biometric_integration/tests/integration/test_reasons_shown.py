"""Why a punch stands where it stands, as a person sees it; and what becomes of sentences that were stored."""

from __future__ import annotations

from datetime import date, datetime
from unittest.mock import patch

import frappe
from frappe.utils import now_datetime

from biometric_integration.biometric_integration.report.unmapped_punches import unmapped_punches
from biometric_integration.core.reasons import SENTENCES, Reason
from biometric_integration.patches import keep_reasons_as_values
from biometric_integration.sync.db import sql
from biometric_integration.sync.process import sweep
from biometric_integration.sync.records import staging, words
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import SiteTestCase, events

NAME = "20250407083000-{:020}"
MOMENT = datetime(2025, 4, 7, 8, 30)
COUNTED_ONCE = "Einmal gezählt: {time}, innerhalb von {seconds} Sekunden."


def put(number: int, code: str, **values) -> str:
	row = {
		"name": NAME.format(number),
		"creation": MOMENT,
		"modified": MOMENT,
		"kind": "Punch",
		"status": "Unmapped",
		"reason_code": code,
		"device_user_id": "7",
		"source_time": MOMENT,
		"punch_time": MOMENT,
		"server": "main",
		**values,
	}
	sql.insert(staging.DOCTYPE, list(row), [tuple(row.values())])
	frappe.db.commit()  # nosemgrep -- as a job that decided it
	return row["name"]


class TestReasonsShown(SiteTestCase):
	def in_german(self) -> None:
		"""As somebody sees it whose language is German, on a site that writes 07.04.2025."""
		frappe.get_doc(
			{
				"doctype": "Translation",
				"language": "de",
				"source_text": SENTENCES[Reason.REPEAT],
				"translated_text": COUNTED_ONCE,
			}
		).insert()
		self.addCleanup(frappe.db.delete, "Translation", {"language": "de"})
		former = frappe.local.lang
		self.addCleanup(setattr, frappe.local, "lang", former)
		frappe.local.lang = "de"
		self.addCleanup(frappe.clear_cache)
		frappe.clear_cache()
		for key, value in (("date_format", "dd.mm.yyyy"), ("time_format", "HH:mm")):
			self.addCleanup(frappe.db.set_default, key, frappe.db.get_default(key))
			self.addCleanup(setattr, frappe.local, f"user_{key}", None)
			setattr(frappe.local, f"user_{key}", value)

	def test_a_sentence_is_said_in_the_language_of_whoever_looks_and_with_the_dates_of_the_site(self):
		values = words.stored({"seconds": "60", "time": "2025-04-07 08:29:30"})
		document = frappe.get_doc(staging.DOCTYPE, put(1, "Repeat", reason_values=values))
		document.run_method("onload")
		self.assertIn("counted once", document.get_onload("sentence"))
		self.in_german()
		document.run_method("onload")
		self.assertEqual(
			document.get_onload("sentence"), "Einmal gezählt: 07.04.2025 08:29, innerhalb von 60 Sekunden."
		)

	def test_a_pattern_in_a_value_and_markup_stay_harmless(self):
		put(1, "No Employee", reason_values=words.stored({"user_id": "<b>{0}%s\ud800"}))
		self.assertIn("‹b›{0}%s", events()[0].reason)

	def test_who_has_no_button_for_the_fix_is_told_who_has(self):
		values = words.stored({"user_id": "7"})
		put(1, "No Employee", reason_values=values)
		put(2, "Implausible Time", reason_values=words.stored({"year": "2000"}))
		self.assertIn("make a mapping rule", events()[0].reason)
		self.as_user("HR User")
		first, second = (event.reason for event in events())
		self.assertNotIn("rule", first)
		self.assertIn("An HR Manager can release", second)
		for said in (first, second):
			self.assertNotIn("None", said)

	def test_the_report_says_it_too(self):
		values = words.stored({"employee": "HR-EMP-1", "day": "2025-04-06"})
		put(1, "Left", reason_values=values)
		self.in_german()
		(row,) = unmapped_punches.execute()[1]
		self.assertIn("06.04.2025", row["reason"])


class TestStoredSentences(SiteTestCase):
	"""The patch that makes values of them."""

	def setUp(self) -> None:
		super().setUp()
		table = f"ALTER TABLE `tab{staging.DOCTYPE}`"
		frappe.db.sql_ddl(f"{table} ADD COLUMN IF NOT EXISTS `reason` text")
		frappe.cache.delete_value("table_columns")
		self.addCleanup(frappe.cache.delete_value, "table_columns")
		self.addCleanup(frappe.db.sql_ddl, f"{table} DROP COLUMN IF EXISTS `reason`")

	def test_sentences_that_can_be_read_become_values(self):
		put(1, "no_employee", reason=self.said("no_employee", user_id="7 {x}"))
		put(2, "repeat", reason=self.said("repeat", seconds="60", time="2025-04-07 08:29:30"))
		put(3, "hrms_refused", reason=self.said("hrms_refused", words="Line 1\nLine {2}"))
		put(4, "junk", reason=self.said("junk"))
		barred = keep_reasons_as_values.FORMER["before_floor"][1].format(barred="2025-01-01")
		put(5, "before_floor", reason=barred)
		put(6, "", status="Processed", reason=keep_reasons_as_values.FORMER[""][0].format(attendance="ATT-1"))
		keep_reasons_as_values.execute()
		found = events()
		self.assertEqual(
			[event.reason_code for event in found],
			["No Employee", "Repeat", "Refused", "No Punch", "Before Start", "Written Before"],
		)
		self.assertEqual(
			[frappe.parse_json(event.reason_values or "{}") for event in found],
			[
				{"user_id": "7 {x}"},
				{"seconds": "60", "time": "2025-04-07 08:29:30"},
				{"words": "Line 1\nLine {2}"},
				{},
				{"barred": "2025-01-01"},
				{"attendance": "ATT-1"},
			],
		)
		for event, word in zip(
			found, ("7 {x}", "60 seconds", "Line {2}", "not a punch", "deleted here", "ATT-1"), strict=True
		):
			self.assertIn(word, event.reason)

	def test_one_that_cannot_be_read_is_shown_as_it_was(self):
		put(1, "left", reason="HR-EMP-1 ist am 6.4.2025 gegangen.")
		put(2, "late", status="Processed", reason="Late, by a former rule.")
		keep_reasons_as_values.execute()
		self.assertEqual(
			[(event.reason_code, event.reason) for event in events()],
			[("Left", "HR-EMP-1 ist am 6.4.2025 gegangen."), ("late", "Late, by a former rule.")],
		)

	def test_what_has_no_reason_or_has_values_already_is_left_alone(self):
		put(1, "", status="Processed")
		put(
			2,
			"Left",
			reason_values=words.stored({"employee": "E", "day": str(date(2025, 4, 6))}),
			reason="old",
		)
		before = frappe.get_all(staging.DOCTYPE, fields=["*"], order_by="name")
		keep_reasons_as_values.execute()
		for row in before:
			del row["reason"]
		self.assertEqual(frappe.get_all(staging.DOCTYPE, fields=["*"], order_by="name"), before)

	def test_what_a_worker_of_before_wrote_last_is_usable_too(self):
		device = factories.device("SN1")
		put(1, "left", device=device, reason_values="", reason="")
		put(2, "no_employee", reason_values="{}")
		for event in events():
			self.assertTrue(words.of_event(event))
		sweep.reopen(now_datetime())
		keep_reasons_as_values.execute()
		self.assertEqual([event.reason_code for event in events()], ["Left", "No Employee"])
		self.assertFalse(keep_reasons_as_values._has_sentences(), "and it can write nothing more")

	def test_it_goes_in_chunks_and_can_be_broken_off(self):
		for number in range(5):
			put(number, "junk", reason=self.said("junk"))
		written, update = [], sql.update_many

		def once(doctype, fields, rows):
			if written:
				raise KeyboardInterrupt
			written.extend(rows)
			update(doctype, fields, rows)

		with patch.object(keep_reasons_as_values, "CHUNK", 2):
			with patch.object(sql, "update_many", once), self.assertRaises(KeyboardInterrupt):
				keep_reasons_as_values.execute()
			frappe.db.rollback()
			self.assertEqual(len(events(reason_code="No Punch")), 2)
			keep_reasons_as_values.execute()
		self.assertEqual(len(events(reason_code="No Punch")), 5)

	def said(self, code: str, **values) -> str:
		return keep_reasons_as_values.FORMER[code][0].format(**values)
