"""Finding the newest log id by asking "is there anything after this?"."""

from __future__ import annotations

import math
import unittest

from hypothesis import given
from hypothesis import strategies as st

from biometric_integration.core.by_position import HIGHEST_ID, find_head


class Server:
	"""Ids as a server holds them; counts what it is asked."""

	def __init__(self, ids):
		self.newest = max(ids, default=0)
		self.asked: list[int] = []

	def any_after(self, log_id: int) -> bool:
		self.asked.append(log_id)
		return self.newest > log_id


class FindHead(unittest.TestCase):
	@given(st.sets(st.integers(1, 10**12), min_size=1, max_size=50))
	def test_it_is_the_newest_id_whatever_gaps_there_are(self, ids):
		server = Server(ids)
		self.assertEqual(find_head(server.any_after), max(ids))

	@given(st.integers(1, 10**15))
	def test_it_takes_few_questions_and_asks_for_nothing_far_beyond(self, newest):
		server = Server({newest})
		find_head(server.any_after)
		self.assertLessEqual(len(server.asked), 2 * math.ceil(math.log2(newest + 1)) + 2)
		self.assertLess(max(server.asked), 2 * newest + 1, "an id of 32 bits must not be asked for one of 33")

	def test_an_empty_server_is_asked_once(self):
		server = Server(())
		self.assertIsNone(find_head(server.any_after))
		self.assertEqual(server.asked, [0])

	def test_the_very_first_id_is_found(self):
		self.assertEqual(find_head(Server({1}).any_after), 1)

	def test_a_server_that_always_says_yes_does_not_keep_us_for_ever(self):
		asked = []
		self.assertLessEqual(find_head(lambda log_id: not asked.append(log_id)), HIGHEST_ID)
		self.assertLess(len(asked), 200)


if __name__ == "__main__":
	unittest.main()
