"""Rules are found by the ids that they are about, however many there are."""

from __future__ import annotations

import unittest
from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st

from biometric_integration.core.mapping import WILDCARDS, MappingRule, RuleBook

LETTERS = "01aA[]!-^.\\"
IDS = st.text(LETTERS, max_size=6)
PATTERNS = st.lists(st.text(LETTERS + WILDCARDS, max_size=6), max_size=12)


class Asked(MappingRule):
	"""Counts how often it is compared with an id."""

	def matches(self, user_id: str) -> bool:
		asked.append(self.user_id)
		return super().matches(user_id)


asked: list[str] = []


class TestRuleBook(unittest.TestCase):
	@given(PATTERNS, IDS)
	def test_finds_what_a_look_at_each_rule_would_find(self, patterns: list[str], user_id: str):
		rules = [MappingRule(str(number), pattern) for number, pattern in enumerate(patterns)]
		expected = sorted(
			rule.name for rule in rules if fnmatchcase(user_id, rule.user_id.replace("[", "[[]"))
		)
		book = RuleBook(rules)
		for _ in range(2):
			self.assertEqual(sorted(rule.name for rule in book.about(user_id)), expected)
		self.assertEqual(sorted(rule.name for rule in rules if rule.matches(user_id)), expected)

	def test_looks_at_no_rule_that_begins_otherwise_and_at_none_twice(self):
		patterns = [f"{number}{rest}" for number in range(1000, 2000) for rest in ("", "*", "?7")]
		book = RuleBook(Asked(pattern, pattern) for pattern in patterns)
		asked.clear()
		for _ in range(10):
			self.assertEqual([rule.name for rule in book.about("1234")], ["1234", "1234*"])
		self.assertEqual(sorted(asked), ["1234*", "1234?7"])
		asked.clear()
		self.assertEqual([rule.name for rule in book.about("123")], [])
		self.assertEqual(asked, [], "shorter than each beginning")
