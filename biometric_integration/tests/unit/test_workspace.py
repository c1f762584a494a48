"""What the workspace and its cards say to frappe, of whichever version."""

from __future__ import annotations

import json
import unittest
from collections.abc import Iterator
from pathlib import Path

APP = Path(__file__).parents[2]
FILTERS = ("stats_filter", "filters_json", "dynamic_filters_json", "quick_list_filter")


def filters(value: object) -> Iterator[list]:
	"""All lists of filters, wherever they stand in a document."""
	if isinstance(value, dict):
		for key, inner in value.items():
			if key in FILTERS and inner:
				found = json.loads(inner)
				yield found if isinstance(found, list) else []
			yield from filters(inner)
	elif isinstance(value, list):
		for inner in value:
			yield from filters(inner)


class TestFilters(unittest.TestCase):
	def test_each_has_four_elements(self):
		"""Newer versions of frappe drop the last filter of a list whose first has five, and say nothing."""
		found = []
		for path in APP.rglob("*.json"):
			if "node_modules" not in path.parts and "dist" not in path.parts:
				document = json.loads(path.read_text("utf-8"))
				found += [(path.name, each) for several in filters(document) for each in several]
		self.assertGreaterEqual(len(found), 5)
		self.assertEqual([each for each in found if len(each[1]) != 4], [])
