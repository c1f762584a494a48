"""What devices report, in tables that people open with a spreadsheet program: text, and never a formula."""

from __future__ import annotations

import csv
import io
import json
import unittest
from datetime import datetime, timedelta
from urllib.parse import urlencode
from zipfile import ZipFile

import openpyxl

import frappe

from biometric_integration.biometric_integration.report.unmapped_punches import unmapped_punches
from biometric_integration.sync import jobs
from biometric_integration.sync.desk import exports
from biometric_integration.tests import factories
from biometric_integration.tests.integration.test_ingest import IngestCase
from biometric_integration.tests.integration.test_mapping import stage

NINE = datetime(2025, 4, 7, 9)
MINUTE = timedelta(minutes=1)
EVENT, DEVICE = "Biometric Staging Event", "Biometric Device"
FORMULAS = (
	"=cmd|' /C calc'!A0",
	"+1+cmd|'x'!A0",
	"-2+3",
	"@SUM(1)",
	"\t=1+1",
	"\r=1+1",
	" =1+1",
	'=HYPERLINK("http://x")',
)
SIGNS = ("=", "+", "-", "@")


class TestWorkbooks(unittest.TestCase):
	def test_formulas_as_each_writer_of_workbooks_writes_them(self):
		"""openpyxl, and xlsxwriter of newer versions of frappe."""
		sheet = (
			b'<row r="1"><c r="A1"><f>1+1</f><v></v></c><c r="B1" s="2"><f>1&amp;2</f><v>0</v></c>'
			b'<c r="C1" s="1" t="str"><f t="array" ref="C1">SUM(1)</f><v>0</v></c><c r="D1" t="n"><v>5</v></c>'
			b'<c r="E1" t="s"><v>0</v></c><c r="F1"><f>2</f></c></row>'
		)
		content = io.BytesIO()
		with ZipFile(content, "w") as book:
			book.writestr("xl/worksheets/sheet1.xml", sheet)
			book.writestr("xl/styles.xml", b"<f>untouched</f>")
		with ZipFile(io.BytesIO(exports.harmless_xlsx(content.getvalue(), {}))) as book:
			written = book.read("xl/worksheets/sheet1.xml").decode()
			self.assertEqual(book.read("xl/styles.xml"), b"<f>untouched</f>")
		self.assertNotIn("<f", written)
		texts = [f'<t xml:space="preserve">={text}</t>' for text in ("1+1", "1&amp;2", "SUM(1)", "2")]
		self.assertEqual([text for text in texts if text not in written], [])
		self.assertIn('<c r="B1" s="2" t="inlineStr">', written)
		self.assertIn('<c r="C1" s="1" t="inlineStr">', written)
		self.assertIn('<c r="D1" t="n"><v>5</v></c><c r="E1" t="s"><v>0</v></c>', written)


class TestExports(IngestCase):
	"""As HR exports them: over HTTP."""

	@classmethod
	def setUpClass(cls):
		super().setUpClass()
		cls.key = cls.new_key("HR Manager")

	def setUp(self):
		super().setUp()
		device = factories.device("SN2", "=1+1+cmd|'x'!A0")
		stage(*((user_id, NINE + number * MINUTE) for number, user_id in enumerate(FORMULAS)), device=device)
		jobs.process()
		frappe.db.commit()  # nosemgrep -- another connection exports it

	def exported(self, method: str, **question) -> bytes:
		body = urlencode(question).encode()
		headers = {
			"Authorization": f"token {self.key}",
			"Content-Type": "application/x-www-form-urlencoded",
			"Host": frappe.local.site,
		}
		answer = self.site.ask("POST", f"/api/method/{method}", body, headers)
		self.assertEqual(answer.status, 200, answer.body[:500])
		return answer.body

	def of_list(
		self, kind: str, doctype: str = EVENT, fields=("device_user_id", "punch_time"), **more
	) -> bytes:
		columns = json.dumps([f"`tab{doctype}`.`{field}`" for field in fields])
		return self.exported(
			"frappe.desk.reportview.export_query",
			doctype=doctype,
			fields=columns,
			filters="[]",
			file_format_type=kind,
			order_by=f"`tab{doctype}`.`name` asc",
			**more,
		)

	def of_report(self, kind: str, report: str) -> bytes:
		return self.exported(
			"frappe.desk.query_report.export_query",
			report_name=report,
			file_format_type=kind,
			filters="{}",
			visible_idx="[]",
			custom_columns="[]",
			include_filters=0,
		)

	def no_formula_in_csv(self, content: bytes, delimiter: str = ",") -> list[list[str]]:
		rows = list(csv.reader(io.StringIO(content.decode(), newline=""), delimiter=delimiter))
		for cell in (cell for row in rows for cell in row):
			self.assertFalse(cell.lstrip().startswith(SIGNS), cell)
		return rows

	def no_formula_in_xlsx(self, content: bytes) -> list[tuple]:
		sheet = openpyxl.load_workbook(io.BytesIO(content)).active
		cells = [cell for row in sheet.iter_rows() for cell in row]
		self.assertEqual([cell.value for cell in cells if cell.data_type == "f"], [])
		return [tuple(cell.value for cell in row) for row in sheet.iter_rows()]

	def test_a_list_as_csv(self):
		for more in ({}, {"csv_delimiter": ";", "csv_quoting": csv.QUOTE_ALL}, {"export_in_background": 1}):
			with self.subTest(more):
				rows = self.no_formula_in_csv(self.of_list("CSV", **more), more.get("csv_delimiter", ","))
				ids = [row[1] for row in rows[1:]]
				self.assertEqual(
					{user_id.lstrip("'").strip() for user_id in ids}, {each.strip() for each in FORMULAS}
				)
				self.assertEqual(rows[1][2], str(NINE))

	def test_a_list_as_a_workbook_has_the_very_text(self):
		rows = self.no_formula_in_xlsx(self.of_list("Excel"))
		self.assertEqual(rows[1][1], FORMULAS[0])
		self.assertEqual(rows[8][1], FORMULAS[7])
		self.assertEqual(rows[3][1], "-2+3")

	def test_names_of_devices_and_of_check_ins_too_and_numbers_stay_numbers(self):
		frappe.db.set_value(DEVICE, {"serial_number": "SN2"}, {"latitude": -12.5, "longitude": 7})
		factories.employee("7")
		stage(("7", NINE), device=frappe.db.get_value(DEVICE, {"serial_number": "SN2"}))
		jobs.process()
		frappe.db.commit()  # nosemgrep -- another connection exports it
		rows = list(
			csv.reader(io.StringIO(self.of_list("CSV", DEVICE, ("device_name", "latitude")).decode()))
		)
		self.assertIn(["'=1+1+cmd|'x'!A0", "-12.5"], [row[1:3] for row in rows])
		rows = self.no_formula_in_csv(self.of_list("CSV", "Employee Checkin", ("device_id", "time")))
		self.assertIn("'=1+1+cmd|'x'!A0", [row[1] for row in rows])
		self.no_formula_in_xlsx(self.of_list("Excel", "Employee Checkin", ("device_id", "time")))

	def test_lists_of_others_are_left_alone(self):
		person = factories.employee(cell_number="+91 98450")
		frappe.db.commit()  # nosemgrep -- another connection exports it
		content = self.of_list("CSV", "Employee", ("name", "cell_number")).decode()
		self.assertIn("+91 98450", [row[2] for row in csv.reader(io.StringIO(content)) if row[1] == person])

	def test_reports_in_both_formats(self):
		for report in ("Unmapped Punches", "Biometric Coverage"):
			with self.subTest(report):
				rows = self.no_formula_in_csv(self.of_report("CSV", report))
				self.assertIn("'@SUM(1)", [cell for row in rows for cell in row])
				self.no_formula_in_xlsx(self.of_report("Excel", report))

	def test_what_is_done_with_a_row_of_the_report_is_done_with_the_id_itself(self):
		_columns, rows = unmapped_punches.execute({})
		shown = {row["user_id"]: row["device_user_id"] for row in rows}
		self.assertEqual(shown["@SUM(1)"], "'@SUM(1)")
		self.assertEqual(set(shown), set(FORMULAS))
