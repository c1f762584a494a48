"""Fingerprints and direction words."""

from __future__ import annotations

import re
import unittest
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from biometric_integration.core.punch import (
	UNREADABLE_PREFIX,
	Direction,
	direction_of,
	fingerprint,
	unreadable_fingerprint,
)

TEXT = st.text(max_size=20)
"""Any unicode, lone surrogates and digits that imitate a length included."""
ANY_TEXT = st.one_of(
	TEXT, st.text(alphabet="0123456789:-", max_size=8), st.text(alphabet=st.characters(), max_size=5)
)
TIMES = st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31)).map(
	lambda moment: moment.replace(microsecond=0)
)
PARTS = st.tuples(ANY_TEXT, ANY_TEXT, ANY_TEXT, TIMES)
MORNING = datetime(2025, 4, 7, 9, 2, 11)


class Fingerprint(unittest.TestCase):
	def test_it_never_changes_between_versions(self):
		"""Stored names must be found again: this literal may never be edited."""
		self.assertEqual(fingerprint("main", "dev-1", "0031", MORNING), "20250407090211-8654d165a49592b981e9")

	def test_odd_parts_keep_their_names_between_versions_too(self):
		"""Asked for twice and in turns: what is kept of one server or device must not get into the name of another."""
		names = {
			("main", "", "1", MORNING): "20250407090211-4534bdc2fbd058350eaa",
			("main", "dev-1", "", MORNING): "20250407090211-d96956661fad6c5566a5",
			("m:1", "d", "2", MORNING): "20250407090211-c3f27b8f813bc3141cb0",
			("main", "Tür", "कर्म", MORNING): "20250407090211-31e1a678601f3275e713",
			("main", "d", "\ud800", MORNING): "20250407090211-a95bde1baad08701871d",
			("main", "d", "1", datetime(999, 12, 31, 23, 59, 59)): "00000000000000-222a56681f8bccc89f65",
			("main", "d", "1", datetime(1000, 1, 1)): "10000101000000-6d0d5869bb9c9a0644af",
			("main", "d", "1", datetime(9999, 12, 31, 23, 59, 59)): "99991231235959-4f4e8d5260b704141228",
		}
		for parts, name in [*names.items()] * 2:
			with self.subTest(parts=parts):
				self.assertEqual(fingerprint(*parts), name)

	def test_that_of_an_unreadable_row_never_changes_between_versions(self):
		self.assertEqual(unreadable_fingerprint("main", "HO", "x,y;"), "00000000000000-d4e531b0d56ada7a9d39")

	@given(PARTS, PARTS)
	def test_different_parts_have_different_names(self, one, other):
		self.assertEqual(fingerprint(*one) == fingerprint(*other), one == other)

	@given(ANY_TEXT, ANY_TEXT, st.integers(0, 20), TIMES)
	def test_a_character_moved_from_one_part_to_the_next_makes_another_name(
		self, device, user_id, cut, moment
	):
		text = f"{device}-{user_id}"
		cut = cut % len(text)
		names = {fingerprint("main", text[:place], text[place:], moment) for place in (cut, cut + 1)}
		self.assertEqual(len(names), 2)

	@given(PARTS)
	def test_it_is_fifteen_characters_of_time_and_twenty_of_hash(self, parts):
		self.assertRegex(fingerprint(*parts), re.compile(r"\A[0-9]{14}-[0-9a-f]{20}\Z"))

	@given(PARTS, PARTS)
	def test_names_sort_by_source_time(self, one, other):
		one, other = (parts if parts[3].year >= 1000 else (*parts[:3], MORNING) for parts in (one, other))
		if one[3] != other[3]:
			self.assertEqual(fingerprint(*one) < fingerprint(*other), one[3] < other[3])

	@given(st.tuples(ANY_TEXT, ANY_TEXT, ANY_TEXT), st.tuples(ANY_TEXT, ANY_TEXT, ANY_TEXT))
	def test_unreadable_rows_stand_before_all_others_and_differ_by_their_text(self, one, other):
		name = unreadable_fingerprint(*one)
		self.assertTrue(name.startswith(UNREADABLE_PREFIX + "-"))
		self.assertEqual(len(name), 35)
		self.assertEqual(name == unreadable_fingerprint(*other), one == other)

	def test_leading_zeros_make_another_person(self):
		self.assertNotEqual(
			fingerprint("main", "d", "0111", MORNING), fingerprint("main", "d", "111", MORNING)
		)

	def test_four_seconds_make_another_punch(self):
		later = MORNING + timedelta(seconds=4)
		self.assertNotEqual(fingerprint("main", "d", "1", MORNING), fingerprint("main", "d", "1", later))

	def test_a_clock_before_the_year_1000_has_no_prefix_of_its_own(self):
		self.assertTrue(fingerprint("main", "d", "1", datetime(999, 1, 1)).startswith(UNREADABLE_PREFIX))


class Directions(unittest.TestCase):
	def test_words_are_understood_in_any_case_and_with_blanks_around(self):
		for word, direction in (
			("in", Direction.IN),
			("IN", Direction.IN),
			(" Out ", Direction.OUT),
			("INOUT", Direction.NONE),
			("", Direction.NONE),
			("  ", Direction.NONE),
		):
			with self.subTest(word=word):
				self.assertIs(direction_of(word), direction)

	def test_a_word_nobody_has_seen_is_not_taken_for_blank(self):
		self.assertIsNone(direction_of("sideways"))


if __name__ == "__main__":
	unittest.main()
