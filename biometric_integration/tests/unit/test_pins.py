"""What is pinned in two places is the same in both, and what others can move is pinned at all."""

from __future__ import annotations

import re
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
CONFIGURATION, HOOKS = REPOSITORY / "pyproject.toml", REPOSITORY / ".pre-commit-config.yaml"
APP_HOOKS = REPOSITORY / "biometric_integration" / "hooks.py"
WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
PINNED_ACTION = re.compile(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


@unittest.skipUnless(CONFIGURATION.exists() and HOOKS.exists(), "this is no checkout")
class Pins(unittest.TestCase):
	def test_a_commit_is_checked_by_the_same_ruff_as_make_lint(self):
		installed = re.findall(r'"ruff==([\d.]+)"', CONFIGURATION.read_text(encoding="utf-8"))
		hook = re.search(
			r"ruff-pre-commit\n(?:\s*#.*\n)*\s*rev: v([\d.]+)\n", HOOKS.read_text(encoding="utf-8")
		)
		self.assertEqual(installed, [hook[1] if hook else None])

	def test_frappe_installs_first_what_bench_asks_for(self):
		required = re.search(
			r"^required_apps = \[(.*)\]$", APP_HOOKS.read_text(encoding="utf-8"), re.MULTILINE
		)
		asked = re.search(
			r"^\[tool\.bench\.frappe-dependencies\]\nfrappe = .*\n((?:\w+ = .*\n)+)",
			CONFIGURATION.read_text(encoding="utf-8"),
			re.MULTILINE,
		)
		self.assertEqual(
			re.findall(r'"frappe/(\w+)"', required[1] if required else ""),
			re.findall(r"(?m)^(\w+) =", asked[1] if asked else ""),
		)
		self.assertTrue(required)

	def test_actions_are_pinned_by_a_commit_that_nobody_can_move(self):
		used = [
			(workflow.name, action)
			for workflow in WORKFLOWS
			for action in re.findall(r"uses: (.+)", workflow.read_text(encoding="utf-8"))
		]
		self.assertTrue(used)
		for name, action in used:
			with self.subTest(workflow=name, action=action):
				self.assertRegex(action, rf"^{PINNED_ACTION.pattern}$")
				others = {other for _name, other in used if other.split("@")[0] == action.split("@")[0]}
				self.assertEqual(len(others), 1, "one version of an action in all workflows")
