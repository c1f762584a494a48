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
WORDS = re.compile(r"""\b_{1,2}\(\s*(?:"([^"]+)"|'([^']+)')""")
PROMISE = re.compile(r"`((?:\w+\.)+test_\w+)`")

FILLED_IN = (
	"Biometric Bridge",
	"Biometric Device",
	"Biometric Employee Field",
	"Biometric File Format",
	"Biometric File Import",
	"Biometric Mapping Rule",
	"Biometric Server",
	"Biometric Sync Settings",
)
"""Doctypes whose fields people fill in, or look at to find out what is wrong: each field is named on some page."""

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

	def test_each_field_that_is_filled_in_is_named(self):
		for doctype in FILLED_IN:
			fields = definitions("doctype")[doctype]["fields"]
			shown = (
				field for field in fields if field["fieldtype"] not in LAYOUT and not field.get("hidden")
			)
			labels = [field["label"] for field in shown if field.get("label")]
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
