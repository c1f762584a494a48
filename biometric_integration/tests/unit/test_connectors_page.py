"""How the times of rows are read, whichever server they are from."""

from __future__ import annotations

import unittest
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from biometric_integration.connectors.page import source_time

MORNING = datetime(2025, 4, 7, 9, 2, 11)
MOMENTS = st.datetimes(min_value=datetime(1000, 1, 1)).map(lambda moment: moment.replace(microsecond=0))
OTHER_FORMS = (
	"{0:%Y}/{0:%m}/{0:%d} {0:%H:%M:%S}",
	"{0:%Y}.{0:%m}.{0:%d} {0:%H:%M:%S}.1234567",
	"{0.year:04}-{0.month}-{0.day} {0.hour}:{0:%M:%S}",
	"{0:%Y}-{0.month}-{0.day}  {0:%I:%M:%S %p}",
	"{0:%d}-{0:%b}-{0.year:04} {0:%H:%M:%S}",
	"{0.day} {0:%B} {0.year:04} {0:%I:%M:%S%p}",
)


class SourceTime(unittest.TestCase):
	@given(MOMENTS, st.sampled_from(OTHER_FORMS))
	def test_other_forms_that_leave_nothing_to_guess_are_read(self, moment: datetime, form: str) -> None:
		self.assertEqual(source_time(form.format(moment)), moment)

	@given(MOMENTS)
	def test_the_usual_form_is_read(self, moment: datetime) -> None:
		self.assertEqual(source_time(moment.isoformat(" ")), moment)
		self.assertEqual(source_time(moment.isoformat("T")), moment)

	def test_fractions_are_dropped_on_every_python(self) -> None:
		for fraction in (".5", ".50", ".500", ".999999", ".9999999"):
			self.assertEqual(source_time(f"2025-04-07 09:02:11{fraction}"), MORNING)

	def test_what_could_be_read_in_two_ways_is_not_read(self) -> None:
		for text in (
			"07-04-2025 09:02:11",
			"07/04/2025 09:02:11",
			"31/12/2025 09:02:11",
			"4/7/2025 9:02:11 AM",
			"07-04-25 09:02:11",
			"25-Apr-07 09:02:11",
		):
			with self.subTest(text=text):
				self.assertIsNone(source_time(text))

	def test_nothing_is_put_in_for_what_lacks(self) -> None:
		for text in (
			"",
			"09:02:11",
			"2025-04-07",
			"2025/04/07",
			"07-Apr-2025",
			"2025/04/07 09:02",
			"2025-04-07 9 PM",
			"April 2025 09:02:11",
			"1 Mon 2025 09:02:11",
			"1 hours 2025 09:02:11",
			"1 foo 2025 09:02:11",
			"7 Apr 09:02:11",
		):
			with self.subTest(text=text):
				self.assertIsNone(source_time(text))

	def test_what_is_no_time_is_not_turned_into_one(self) -> None:
		for text in (
			"2025/13/04 09:02:11",
			"2025/02/30 09:02:11",
			"2025/04/07 24:00:00",
			"2025/04/07 09:02:60",
			"2025/04/07 13:02:11 PM",
			"2025-04/07 09:02:11",
			"30-Feb-2025 09:02:11",
			"0000/04/07 09:02:11",
			"2025/04/07 09:02:11 UTC",
			"2025/04/07 09:02:11+05:30",
			"2025/04/07 09:02:11\n",
			"\u0662\u0660\u0662\u0665/04/07 09:02:11",
		):
			with self.subTest(text=text):
				self.assertIsNone(source_time(text))

	@given(
		st.text(alphabet="0123456789-/.:T apmAPMFebMonThu+Z")
		| st.from_regex(
			r"[0-9]{1,4}[-/. ][A-Za-z0-9]{1,9}[-/. ][0-9]{1,4} [0-9:]{5,8}( ?[AaPp][Mm])?", fullmatch=True
		)
	)
	def test_whatever_comes_is_a_whole_time_or_none(self, text: str) -> None:
		moment = source_time(text)
		if moment is not None:
			self.assertEqual((moment.tzinfo, moment.microsecond), (None, 0))
			self.assertIn(str(moment.year), text)
			self.assertIn(str(moment.second), text)
