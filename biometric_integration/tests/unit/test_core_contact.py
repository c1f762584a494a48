"""Contact of a device that pushes, and what it proves."""

from __future__ import annotations

import unittest
from datetime import datetime, timedelta

from biometric_integration.core.contact import BREAK, Contact
from biometric_integration.core.evidence import UPLOAD_GRACE

NINE = datetime(2025, 4, 7, 9)
MINUTE = timedelta(minutes=1)


def kept_up(contact: Contact, start: datetime, minutes: int, every: int = 1) -> Contact:
	for minute in range(0, minutes + 1, every):
		contact = contact.heard(start + minute * MINUTE)
	return contact


class Contacts(unittest.TestCase):
	def test_contact_that_has_just_begun_proves_nothing(self):
		self.assertEqual(kept_up(Contact(), NINE, 59), Contact(NINE + 59 * MINUTE, NINE, None))

	def test_contact_that_has_lasted_proves_what_came_before_it(self):
		last = NINE + UPLOAD_GRACE
		self.assertEqual(kept_up(Contact(), NINE, 60), Contact(last, NINE, last))
		self.assertEqual(kept_up(Contact(), NINE, 90).complete, NINE + 90 * MINUTE)

	def test_after_a_break_it_begins_anew_and_what_was_proven_stays(self):
		before = kept_up(Contact(), NINE, 60)
		back = before.last + BREAK + MINUTE
		again = kept_up(before, back, 59)
		self.assertEqual((again.since, again.complete), (back, before.last))
		self.assertEqual(again.heard(back + UPLOAD_GRACE).complete, back + UPLOAD_GRACE)

	def test_words_a_quarter_of_an_hour_apart_are_one_contact(self):
		self.assertEqual(kept_up(Contact(), NINE, 60, every=15).complete, NINE + UPLOAD_GRACE)

	def test_what_was_not_acknowledged_begins_contact_anew(self):
		before = kept_up(Contact(), NINE, 90)
		at = before.last + MINUTE
		cut = before.interrupted(at)
		self.assertEqual((cut.last, cut.since, cut.complete), (at, at, before.complete))
		self.assertEqual(kept_up(cut, at, 59).complete, before.complete)
		self.assertEqual(kept_up(cut, at, 60).complete, at + UPLOAD_GRACE)

	def test_a_clock_that_went_back_proves_nothing(self):
		ahead = kept_up(Contact(), NINE + timedelta(days=9), 90)
		self.assertEqual(ahead.heard(NINE), Contact(NINE, NINE, None))


if __name__ == "__main__":
	unittest.main()
