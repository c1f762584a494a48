"""The workspace, the sidebar and the icon in Desk lead to what is there."""

from __future__ import annotations

import json
import unittest
from pathlib import Path

import biometric_integration

APP = "biometric_integration"
TITLE = "Biometric Integration"
ROOT = Path(biometric_integration.__file__).parent
OF_OTHERS = {"Attendance", "Employee", "Employee Checkin", "Shift Assignment", "Shift Type"}


def shipped(folder: str) -> dict:
	return json.loads((ROOT / folder / f"{APP}.json").read_text())


def ours(kind: str) -> set[str]:
	return {json.loads(path.read_text())["name"] for path in (ROOT / APP / kind.lower()).glob("*/*.json")}


class TestNavigation(unittest.TestCase):
	def setUp(self):
		self.workspace = shipped(f"{APP}/workspace/{APP}")
		self.sidebar = shipped("workspace_sidebar")
		self.icon = shipped("desktop_icon")

	def test_every_link_leads_to_what_is_there(self):
		there = {
			"DocType": ours("DocType") | OF_OTHERS,
			"Report": ours("Report"),
			"Workspace": {self.workspace["name"]},
		}
		links = [link for link in self.workspace["links"] + self.sidebar["items"] if link["type"] == "Link"]
		for link in [*links, *({**each, "link_type": each["type"]} for each in self.workspace["shortcuts"])]:
			with self.subTest(link["label"]):
				self.assertIn(link["link_to"], there[link["link_type"]])

	def test_the_sidebar_has_whatever_of_ours_the_workspace_has(self):
		of_ours = {("DocType", name) for name in ours("DocType")} | {
			("Report", name) for name in ours("Report")
		}
		shown = {(link["link_type"], link.get("link_to")) for link in self.sidebar["items"]}
		listed = {(link["link_type"], link.get("link_to")) for link in self.workspace["links"]}
		self.assertEqual((listed & of_ours) - shown, set())

	def test_frappe_knows_them_as_those_of_the_app(self):
		"""By the name of the file, and of the app: otherwise it takes them for left over, or makes others beside them."""
		for document in (self.sidebar, self.icon):
			self.assertEqual((document["name"], document["app"], document["standard"]), (TITLE, APP, 1))
		self.assertEqual(self.icon["icon_type"], "App")
		self.assertTrue((ROOT / "public/images" / Path(self.icon["logo_url"]).name).is_file())


if __name__ == "__main__":
	unittest.main()
