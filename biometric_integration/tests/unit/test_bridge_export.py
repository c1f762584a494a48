"""The check-ins that the standalone host writes for people who open them with a spreadsheet program first."""

from __future__ import annotations

import csv
import io
import tempfile
import unittest
from pathlib import Path

from biometric_integration.bridge.database import Database
from biometric_integration.bridge.export import write_checkins

NAMES = ("=cmd|' /C calc'!A0", "\t=1+1", "@SUM(1)", "Main Gate")


class TestExport(unittest.TestCase):
	def test_the_name_of_a_device_is_no_formula(self) -> None:
		with tempfile.TemporaryDirectory() as folder:
			database = Database(Path(folder) / "punches.db")
			for number, name in enumerate(NAMES):
				values = ("E1", f"2026-06-01 09:00:0{number}", "IN", name)
				database.write(
					"INSERT INTO checkin (employee, time, log_type, device_id) VALUES (?, ?, ?, ?)", values
				)
			out = io.StringIO()
			self.assertEqual(write_checkins(database, out, None, None), len(NAMES))
			database.close()
		_labels, *rows = csv.reader(io.StringIO(out.getvalue(), newline=""))
		self.assertEqual([row[3] for row in rows], [f"'{name}" for name in NAMES[:3]] + ["Main Gate"])
