"""What troubleshooting tells people to look at is something that HR can open."""

from __future__ import annotations

import json
import unittest
from collections.abc import Iterator
from pathlib import Path

import biometric_integration

APP = Path(biometric_integration.__file__).parent
PAGE = APP.parent / "docs" / "troubleshooting.md"
HR = {"HR Manager", "HR User"}


def named(kind: str, page: str) -> Iterator[tuple[str, dict]]:
	"""Name and definition of each DocType or Report of the app that the page names."""
	for path in sorted(APP.glob(f"biometric_integration/{kind}/*/*.json")):
		definition = json.loads(path.read_text())
		if definition["name"] in page:
			yield definition["name"], definition


@unittest.skipUnless(PAGE.exists(), "an installed app has no docs")
class TestSeenByHR(unittest.TestCase):
	def setUp(self) -> None:
		self.page = PAGE.read_text()

	def test_every_doctype_that_it_names_can_be_read(self) -> None:
		found = dict(named("doctype", self.page))
		self.assertIn("Biometric Sync Cursor", found)
		for name, definition in found.items():
			readers = {each["role"] for each in definition["permissions"] if each.get("read")}
			self.assertLessEqual(HR, readers, name)

	def test_every_report_that_it_names_can_be_run(self) -> None:
		found = dict(named("report", self.page))
		self.assertIn("Workdays", found)
		for name, definition in found.items():
			self.assertLessEqual(HR, {each["role"] for each in definition["roles"]}, name)

	def test_the_cards_that_it_names_count_what_hr_can_read(self) -> None:
		found = dict(named("number_card", self.page))
		self.assertIn("Devices to Look At", found)
		doctypes = dict(
			named("doctype", " ".join(card.get("document_type") or "" for card in found.values()))
		)
		for name, definition in doctypes.items():
			readers = {each["role"] for each in definition["permissions"] if each.get("read")}
			self.assertLessEqual(HR, readers, name)
