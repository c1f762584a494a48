"""What the standalone host exports, imported by Data Import, is what a sync would have written."""

from __future__ import annotations

import io
import os
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

import frappe

from biometric_integration.bridge.cli import main
from biometric_integration.simulator import World
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import FIRST_DAY, PASSWORD, SiteTestCase, sync

CONFIG = """
[site]
time_zone = Asia/Kolkata
employees = employees.csv
database = punches.sqlite
start_date = {start}

[server main]
type = eBioServer
url = {url}
user = api
password_env = BIOMETRIC_TEST_PASSWORD
"""


class TestCsvImport(SiteTestCase):
	def test_the_exported_file_makes_the_same_check_ins_as_a_sync(self):
		world = World.sample(first_day=FIRST_DAY, days=2, employees=12)
		factories.employees(world.employees)
		server = self.start("eBioServer", world)
		exported = self.exported(server.url)
		self.assertEqual(sync()["status"], "Success")
		by_sync = self.rows()
		self.assertEqual(len(by_sync), len(world.truth()))
		frappe.db.delete("Employee Checkin", factories.of_people())
		self.imported(exported)
		self.assertEqual(self.rows(), by_sync)

	def exported(self, url: str) -> str:
		"""The CSV text of a sync by the standalone host with this site's own employee list."""
		with tempfile.TemporaryDirectory() as folder:
			config, out = Path(folder, "bridge.ini"), Path(folder, "check-ins.csv")
			config.write_text(CONFIG.format(start=FIRST_DAY, url=url), encoding="utf-8")
			Path(folder, "employees.csv").write_text(self.employee_list(), encoding="utf-8")
			with (
				patch.dict(os.environ, BIOMETRIC_TEST_PASSWORD=PASSWORD),
				redirect_stdout(io.StringIO()),
				redirect_stderr(io.StringIO()) as said,
			):
				self.assertEqual(main(["sync", "--config", str(config)]), 0, said.getvalue())
				self.assertEqual(
					main(["export", "--config", str(config), "--output", str(out)]), 0, said.getvalue()
				)
			return out.read_text(encoding="utf-8")

	def employee_list(self) -> str:
		filters = {"name": ("in", factories.everybody())}
		rows = frappe.get_all("Employee", filters, ["name", "attendance_device_id"], as_list=True, limit=0)
		return "\n".join(["ID,Attendance Device ID", *(",".join(row) for row in rows)])

	def imported(self, text: str) -> None:
		file = frappe.get_doc(
			doctype="File", file_name=f"{factories.unique('check-ins')}.csv", content=text
		).insert()
		task = frappe.get_doc(
			doctype="Data Import",
			reference_doctype="Employee Checkin",
			import_type="Insert New Records",
			import_file=file.file_url,
		).insert()
		task.get_importer().import_data()
		task.reload()
		self.assertEqual(task.status, "Success")

	def rows(self) -> list[tuple]:
		fields = ["employee", "time", "log_type", "device_id"]
		rows = frappe.get_all("Employee Checkin", factories.of_people(), fields, as_list=True, limit=0)
		return sorted(
			(employee, time, log_type or "", device or "") for employee, time, log_type, device in rows
		)
