"""Text from outside that stands in a table."""

from __future__ import annotations

import unittest

from biometric_integration.core.text import harmless_cell


class TestCells(unittest.TestCase):
	def test_cells_that_a_spreadsheet_program_would_calculate(self):
		for text in ("=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r=1", "\n@x"):
			self.assertEqual(harmless_cell(text), f"'{text}")
		for value in ("0031\t2025", "", "  ", "a=1", -1, None, -2.5):
			self.assertEqual(harmless_cell(value), value)
