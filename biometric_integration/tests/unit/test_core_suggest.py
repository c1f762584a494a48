"""Whose id could it be, and which patterns are none."""

from __future__ import annotations

import unittest

from biometric_integration.core.mapping import literal
from biometric_integration.core.suggest import Candidate, Likeness, Suggestion, Suggestions

PEOPLE = (
	Candidate("HR-EMP-00007", "E-9", ()),
	Candidate("HR-EMP-00008", "0111", ()),
	Candidate("HR-EMP-00009", "12", ("0042",)),
	Candidate("HR-EMP-00012", "", ("a1",)),
	Candidate("HR-EMP-00020", "500", ()),
	Candidate("HR-EMP-00021", "0500", ()),
)


class TestSuggest(unittest.TestCase):
	def test_each_likeness_names_what_is_alike(self):
		suggestions = Suggestions(PEOPLE)
		for user_id, expected in {
			"42": Suggestion("HR-EMP-00009", Likeness.CARRIED, "0042"),
			"111": Suggestion("HR-EMP-00008", Likeness.NUMBER, "0111"),
			"007": Suggestion("HR-EMP-00007", Likeness.NAME, "HR-EMP-00007"),
			"A1": Suggestion("HR-EMP-00012", Likeness.CARRIED, "a1"),
		}.items():
			with self.subTest(user_id):
				self.assertEqual(suggestions.of(user_id), expected)
		self.assertIn("0042", suggestions.of("42").sentence())

	def test_nobody_is_suggested_where_two_are_alike_or_none_is(self):
		suggestions = Suggestions(PEOPLE)
		for user_id in ("500", "999", "", "0", "000"):
			self.assertIsNone(suggestions.of(user_id), user_id)

	def test_who_has_an_id_is_not_suggested_for_another_one(self):
		self.assertIsNone(Suggestions(PEOPLE).of("12"))


class TestPattern(unittest.TestCase):
	def test_a_pattern_without_a_character_of_its_own_matches_everything(self):
		for pattern in ("*", "**", "?", "?*"):
			self.assertEqual(literal(pattern), "", pattern)
		for pattern in ("9*", "*7", "A?", "[0-9]*", "[0-9]1", "7", "[x"):
			self.assertTrue(literal(pattern), pattern)


if __name__ == "__main__":
	unittest.main()
