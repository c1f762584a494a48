"""Batches of the ingest API, as they are read."""

from __future__ import annotations

import json
import unittest
from datetime import datetime

from biometric_integration.core.punch import Direction, Record, Unreadable
from biometric_integration.receivers.ingest import MOST_BYTES, MOST_ROWS, read
from biometric_integration.receivers.texts import Refusal, short_text, wall_time

NINE = datetime(2025, 4, 7, 9, 2, 11)
PUNCH = {"serial": "SN1", "user_id": "0031", "time": "2025-04-07 09:02:11"}


def batch(*punches: object) -> bytes:
	return json.dumps({"punches": list(punches)}).encode()


class Batches(unittest.TestCase):
	def test_what_a_punch_needs(self):
		(row,) = read(batch(PUNCH))
		self.assertEqual(row, Record("0031", NINE, Direction.NONE, "0031\t2025-04-07 09:02:11\t\t", "SN1"))

	def test_what_it_may_have_and_nothing_else_is_kept(self):
		more = {"direction": "out", "verify_mode": "Finger", "raw": "a row", "gps": "1,2", "temperature": 37}
		(row,) = read(batch({**PUNCH, **more}))
		self.assertEqual(row, Record("0031", NINE, Direction.OUT, "a row", "SN1", verify_mode="Finger"))
		self.assertNotIn("37", repr(read(batch({**PUNCH, "temperature": 37}))))

	def test_a_row_that_cannot_be_taken_says_why_and_is_alone_with_it(self):
		for field, values in {
			"serial": (None, "", " ", "x" * 141, 1.5, True, [], "x" * 10_000),
			"user_id": (None, "", {"a": 1}, "9" * 141),
			"time": (
				None,
				1744016531,
				"2025-04-07",
				"2025-04-07T09:02:11Z",
				"2025-04-07 09:02:11+05:30",
				"2025-02-30 09:00:00",
				"٢٠٢٥-04-07 09:02:11",
			),
			"direction": ("sideways", 1, "in" * 5000),
			"verify_mode": ([1], "x" * 141),
			"raw": (1, "x" * 2001),
		}.items():
			for value in values:
				with self.subTest(field=field, value=repr(value)[:30]):
					good, bad, other = read(batch(PUNCH, {**PUNCH, field: value}, PUNCH))
					self.assertIsInstance(bad, Unreadable)
					self.assertIn(field, bad.problem)
					self.assertTrue(isinstance(good, Record) and isinstance(other, Record))
					self.assertNotIn(str(value)[:20] if len(str(value)) > 6 else "?", bad.problem + bad.raw)

	def test_whatever_year_a_clock_shows_is_taken(self):
		"""What a bridge has acknowledged to a device would lie aside for ever."""
		for text in ("0001-01-01 00:00:00", "1969-12-31 23:59:59", "9999-12-31 23:59:59"):
			self.assertEqual(
				read(batch({**PUNCH, "time": text}))[0].source_time, datetime.fromisoformat(text)
			)

	def test_what_is_no_object(self):
		for value in (None, 1, "x", []):
			self.assertIsInstance(read(batch(value))[0], Unreadable)

	def test_a_number_may_be_an_id(self):
		self.assertEqual(read(batch({**PUNCH, "user_id": 31}))[0].user_id, "31")

	def test_a_batch_that_is_none(self):
		for status, body in (
			(400, b""),
			(400, b"{"),
			(400, b"\xff\xfe"),
			(400, b"[]"),
			(400, b'{"punches": {}}'),
			(400, b"[" * 200_000),
			(413, b" " * (MOST_BYTES + 1)),
			(413, batch(*[1] * (MOST_ROWS + 1))),
		):
			with self.subTest(body=body[:20]), self.assertRaises(Refusal) as caught:
				read(body)
			self.assertEqual(caught.exception.status, status)
		self.assertEqual(len(read(batch(*[PUNCH] * MOST_ROWS))), MOST_ROWS)
		self.assertEqual(read(batch()), [])


class Values(unittest.TestCase):
	def test_times(self):
		for text in ("2025-04-07 09:02:11", "2025-04-07T09:02:11", " 2025-04-07 09:02:11.999 "):
			self.assertEqual(wall_time(text), NINE)

	def test_texts(self):
		self.assertEqual(
			[short_text(value) for value in (" 1 ", 7, 0, True, None, 2**70)],
			["1", "7", "0", None, None, None],
		)


if __name__ == "__main__":
	unittest.main()
