"""The documentation against what there is: links, the names of fields, reports and buttons, reason codes, and the tests that hold the promises."""

from __future__ import annotations

import ast
import json
import re
import unittest
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import biometric_integration
from biometric_integration.core.reasons import STATUS_OF

PACKAGE = Path(biometric_integration.__file__).parent
ROOT = PACKAGE.parent
DOCS = ROOT / "docs"
MODULE = PACKAGE / "biometric_integration"

LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LABEL = re.compile(r"(?<![*\w])\*([^*\n]+)\*(?!\*)")
BUTTON = re.compile(
	r'(?:add_custom_button|add_inner_button|add_actions_menu_item|add_menu_item)\(\s*__\("([^"]+)"'
)
QUOTED = re.compile(r'"([^"\n]+)"')
PROMISE = re.compile(r"`((?:\w+\.)+test_\w+)`")

OF_OTHERS = frozenset(
	name
	for names in (
		# Frappe and GitHub
		"API Access|Actions|Apply Strict User Permissions|Auto Email Report|Data Import|Error Log|Generate Keys|Insert New Records|Like|Log Settings",
		"Report a vulnerability|Security|System Settings|Unreleased|User Permissions",
		# ERPNext and Frappe HR
		"Allow Geolocation Tracking|Allow check-out after shift end time|Alternating entries as IN and OUT during the same shift",
		"Auto Attendance Settings|Begin check-in before shift start time|Consider Unmarked Attendance As|Default Shift",
		"Determine Check-in and Check-out|Enable Auto Attendance|Fetch Shifts|Last Sync of Checkin|Mark Attendance|Mark Auto Attendance on Holidays",
		"Off-shift|Process Attendance After|Skip Auto Attendance|Working Hours Calculation Based On",
		# devices, their servers, Windows
		"Attendance Data|Back from break|Cloud Server|Cloud Server Setting|Comm.|Conditions|Data Management|Download|Enable Domain Name",
		"If the task fails, restart every 1 minute|In|Menu|Out|Overtime in|Overtime out|Punch Records|Reset Transaction Stamp",
		"Stop the task if it runs longer than|System Info|To break|Transactions|USB Manager|Utilities|ZKBio CVSecurity",
	)
	for name in names.split("|")
)
"""What is in italics in the docs and stands on the screens of other products."""

LAYOUT = {"Section Break", "Column Break", "Tab Break"}

MOST_LINES_OF_THE_README = 250


def pages() -> list[Path]:
	return sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])


@cache
def text_of(page: Path) -> str:
	"""What stands in a page, without blocks of code."""
	return FENCE.sub("", page.read_text(encoding="utf-8"))


@cache
def all_text() -> str:
	"""One line, so that a name that is broken over two is found."""
	return " ".join("\n".join(map(text_of, pages())).split())


@cache
def anchors(page: Path) -> frozenset[str]:
	"""As GitHub makes them of headings."""
	plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(text_of(page)))
	return frozenset(words.replace(" ", "-") for words in plain)


@cache
def definitions(kind: str) -> dict[str, dict]:
	"""Documents of this app as it brings them along, by name."""
	found = (json.loads(file.read_text(encoding="utf-8")) for file in sorted(MODULE.glob(f"{kind}/*/*.json")))
	return {document["name"]: document for document in found}


def dead_links(page: Path) -> Iterator[str]:
	for target in LINK.findall(text_of(page)):
		if target.startswith(("http://", "https://", "mailto:")):
			continue
		path, _hash, anchor = target.partition("#")
		file = (page.parent / path).resolve() if path else page
		if not file.exists() or (anchor and anchor not in anchors(file)):
			yield f"{page.relative_to(ROOT)}: {target}"


def all_tests() -> set[str]:
	"""`module.Class.test_name`, those that a class has from another one of its file included."""
	return {
		f"{module}.{owner}.{test}"
		for file in (PACKAGE / "tests").rglob("*.py")
		for module in [".".join(file.relative_to(PACKAGE / "tests").with_suffix("").parts)]
		for owner, test in _tests_of(ast.parse(file.read_text(encoding="utf-8")))
	}


def _tests_of(tree: ast.Module) -> Iterator[tuple[str, str]]:
	for node in tree.body:
		if isinstance(node, ast.ClassDef):
			for member in node.body:
				if isinstance(member, ast.FunctionDef) and member.name.startswith("test_"):
					yield node.name, member.name


def _labels() -> set[str]:
	"""What the app writes on a screen, and whatever else its code says in quotes; of a label also what stands before its unit in brackets."""
	said = {text for document in MODULE.glob("*/*/*.json") for text in _texts(document)}
	scripts = (file for kind in ("*.js", "*.py") for file in PACKAGE.rglob(kind))
	code = [file for file in scripts if PACKAGE / "tests" not in file.parents]
	said |= {text for file in code for text in QUOTED.findall(file.read_text(encoding="utf-8"))}
	return said | {text.partition(" (")[0] for text in said}


def _texts(document: Path) -> Iterator[str]:
	for text in QUOTED.findall(document.read_text(encoding="utf-8")):
		yield from text.split("\\n")


@unittest.skipUnless(DOCS.exists(), "this is no checkout")
class Pages(unittest.TestCase):
	def test_each_link_leads_somewhere(self):
		dead = [line for page in pages() for line in dead_links(page)]
		self.assertEqual(dead, [], "\n" + "\n".join(dead))

	def test_the_readme_is_short_and_lists_every_page(self):
		readme = ROOT / "README.md"
		self.assertLessEqual(
			len(readme.read_text(encoding="utf-8").splitlines()), MOST_LINES_OF_THE_README, readme
		)
		linked = {target.partition("#")[0] for target in LINK.findall(text_of(readme))}
		self.assertEqual({f"docs/{page.name}" for page in DOCS.glob("*.md")} - linked, set())

	def test_each_picture_is_shown(self):
		shown = {Path(target).name for page in pages() for target in LINK.findall(text_of(page))}
		self.assertEqual({picture.name for picture in (DOCS / "images").iterdir()} - shown, set())


@unittest.skipUnless(DOCS.exists(), "this is no checkout")
class Names(unittest.TestCase):
	def missing(self, names) -> list[str]:
		return sorted(name for name in names if name not in all_text())

	def test_each_field_is_named(self):
		for doctype, definition in definitions("doctype").items():
			fields = (field for field in definition["fields"] if field["fieldtype"] not in LAYOUT)
			labels = [field["label"] for field in fields if field.get("label") and not field.get("hidden")]
			with self.subTest(doctype=doctype):
				self.assertEqual([label for label in labels if f"*{label}*" not in all_text()], [])

	def test_each_doctype_that_has_a_list_or_form_is_named(self):
		doctypes = definitions("doctype").values()
		self.assertEqual(self.missing(each["name"] for each in doctypes if not each.get("istable")), [])

	def test_each_report_number_and_chart_is_named(self):
		for kind in ("report", "number_card", "dashboard_chart"):
			with self.subTest(kind=kind):
				self.assertEqual(self.missing(definitions(kind)), [])

	def test_each_button_is_named(self):
		scripts = [*PACKAGE.glob("public/js/*.js"), *MODULE.glob("*/*/*.js")]
		buttons = {name for script in scripts for name in BUTTON.findall(script.read_text(encoding="utf-8"))}
		self.assertIn("Test Connection", buttons, "what is looked for is found")
		self.assertEqual(self.missing(buttons), [])

	def test_what_is_in_italics_stands_on_a_screen(self):
		italic = {
			name: page.name
			for page in pages()
			for label in LABEL.findall(text_of(page))
			for name in label.split(" → ")
			if name[:1].isupper()
		}
		there = _labels()
		self.assertEqual({name: italic[name] for name in italic.keys() - there - OF_OTHERS}, {})
		self.assertEqual(OF_OTHERS - italic.keys(), set(), "no page names it any more")

	def test_each_reason_code_stands_with_its_status(self):
		table = re.findall(r"^\| \*\*(\w+)\*\*(?:, `(\w+)`)? \|", text_of(DOCS / "punches.md"), re.MULTILINE)
		decided = {(status.value, reason.value) for reason, status in STATUS_OF.items()}
		self.assertEqual(set(table) - {("Pending", "")}, decided)


@unittest.skipUnless(DOCS.exists(), "this is no checkout")
class Promises(unittest.TestCase):
	def test_each_test_that_holds_a_promise_is_there(self):
		named = PROMISE.findall(text_of(DOCS / "promises.md"))
		self.assertTrue(named)
		self.assertEqual(sorted(set(named) - all_tests()), [])
