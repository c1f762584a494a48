"""What the scripts of Desk call is there, and takes the verb that they call it by."""

from __future__ import annotations

import ast
import re
import unittest
from collections.abc import Iterator
from pathlib import Path

APP = Path(__file__).parents[2]
CALLS = {
	"GET": re.compile(r'\blook\(\s*"(\w+)"'),
	"POST": re.compile(r'\bask\(\s*"(\w+)"|xcall\(\s*"biometric_integration\.api\.(\w+)"'),
}
EVERY_VERB = frozenset({"GET", "POST", "PUT", "DELETE"})


def endpoints(source: str) -> dict[str, frozenset[str]]:
	"""Name → the verbs that it takes."""
	found = {}
	for node in ast.parse(source).body:
		for decorator in getattr(node, "decorator_list", ()):
			if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "frappe.whitelist":
				given = {word.arg: ast.literal_eval(word.value) for word in decorator.keywords}
				found[node.name] = frozenset(given.get("methods", EVERY_VERB))
	return found


def calls(script: str) -> Iterator[tuple[str, str]]:
	"""(verb, endpoint)."""
	for verb, pattern in CALLS.items():
		for names in pattern.finditer(script):
			yield verb, next(filter(None, names.groups()))


def faults(script: str, known: dict[str, frozenset[str]]) -> list[str]:
	return [f"{verb} {name}" for verb, name in calls(script) if verb not in known.get(name, ())]


class Scripts(unittest.TestCase):
	def test_each_call_is_taken(self):
		known = endpoints((APP / "api.py").read_text("utf-8"))
		scripts = [path for path in APP.rglob("*.js") if "node_modules" not in path.parts]
		self.assertGreater(sum(len(list(calls(path.read_text("utf-8")))) for path in scripts), 30)
		for path in scripts:
			self.assertEqual(faults(path.read_text("utf-8"), known), [], path.name)

	def test_planted_faults(self):
		known = endpoints(
			'@frappe.whitelist(methods=["POST"])\ndef write(): ...\n@frappe.whitelist()\ndef read(): ...'
		)
		script = 'look("read"); ask("write", {}); look(\n"write"); xcall("biometric_integration.api.gone")'
		self.assertEqual(faults(script, known), ["GET write", "POST gone"])
