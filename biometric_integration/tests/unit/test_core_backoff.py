"""How long what fails is left alone, and when a server that only says `error` is taken to refuse the login."""

from __future__ import annotations

import unittest
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from biometric_integration.core.backoff import judged, wait
from biometric_integration.core.errors import (
	AmbiguousError,
	AuthenticationError,
	ConfigurationError,
	ErrorClass,
	InvalidRecord,
	ProtocolError,
	SyncError,
	TransientError,
	UnreachableError,
)

FIRST_FAILURE = datetime(2025, 4, 7, 12)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
HOUR = timedelta(hours=1)
FOR_A_PERSON = (ErrorClass.AUTHENTICATION, ErrorClass.CONFIGURATION)
"""What nothing but a person can mend."""
BY_ITSELF = [error_class for error_class in ErrorClass if error_class not in FOR_A_PERSON]
FAILURES = st.integers(1, 1_000_000)


class Wait(unittest.TestCase):
	def test_what_passes_by_itself_is_waited_for_from_one_minute_doubling_to_half_an_hour(self):
		minutes = [wait(ErrorClass.TRANSIENT, failures) / MINUTE for failures in range(1, 9)]
		self.assertEqual(minutes, [1, 2, 4, 8, 16, 30, 30, 30])

	def test_whatever_else_a_person_need_not_mend_is_waited_for_as_long(self):
		for error_class in BY_ITSELF:
			with self.subTest(error_class):
				waits = [wait(error_class, failures) for failures in range(1, 9)]
				self.assertEqual(waits, [wait(ErrorClass.TRANSIENT, failures) for failures in range(1, 9)])

	@given(st.sampled_from(BY_ITSELF), FAILURES)
	def test_each_failure_is_followed_by_a_wait_twice_as_long_or_by_the_longest(self, error_class, failures):
		before, after = wait(error_class, failures), wait(error_class, failures + 1)
		self.assertEqual(after, min(2 * before, 30 * MINUTE))

	@given(st.sampled_from(FOR_A_PERSON), FAILURES)
	def test_what_a_person_has_to_mend_is_looked_at_once_an_hour(self, error_class, failures):
		self.assertEqual(wait(error_class, failures), HOUR)

	@given(st.sampled_from(ErrorClass), FAILURES)
	def test_nothing_is_left_alone_for_less_than_a_minute_or_for_more_than_an_hour(
		self, error_class, failures
	):
		self.assertTrue(MINUTE <= wait(error_class, failures) <= HOUR)


class Judged(unittest.TestCase):
	def judged(self, failures: int, after: timedelta) -> ErrorClass:
		"""Of a bare `error`, the last of so many, so long after the first."""
		return judged(AmbiguousError("It says: error."), failures, FIRST_FAILURE, FIRST_FAILURE + after)

	def test_a_bare_error_is_taken_for_a_refused_login_the_third_time_half_an_hour_after_the_first(self):
		self.assertIs(self.judged(3, 30 * MINUTE), ErrorClass.AUTHENTICATION)

	def test_until_then_it_is_taken_to_pass_by_itself(self):
		for failures, after in ((1, timedelta(0)), (2, 30 * MINUTE), (3, 30 * MINUTE - SECOND)):
			with self.subTest(failures=failures, after=after):
				self.assertIs(self.judged(failures, after), ErrorClass.TRANSIENT)

	@given(FAILURES, st.timedeltas(timedelta(0), timedelta(days=3000)))
	def test_neither_many_failures_nor_a_long_time_is_enough_alone(self, failures, after):
		enough = failures >= 3 and after >= 30 * MINUTE
		expected = ErrorClass.AUTHENTICATION if enough else ErrorClass.TRANSIENT
		self.assertIs(self.judged(failures, after), expected)

	@given(FAILURES, st.timedeltas(timedelta(0), timedelta(days=3000)))
	def test_every_other_failure_is_what_it_says_it_is_however_long_it_lasts(self, failures, after):
		for kind in (
			AuthenticationError,
			ConfigurationError,
			InvalidRecord,
			ProtocolError,
			SyncError,
			TransientError,
			UnreachableError,
		):
			found = judged(kind("No."), failures, FIRST_FAILURE, FIRST_FAILURE + after)
			self.assertIs(found, kind.error_class, kind)

	def test_the_waits_of_a_bare_error_lead_past_half_an_hour_and_then_to_one_look_an_hour(self):
		now, waits, failures = FIRST_FAILURE, [], 0
		while not waits or waits[-1] != HOUR:
			failures += 1
			waits.append(wait(self.judged(failures, now - FIRST_FAILURE), failures))
			now += waits[-1]
		self.assertEqual([each / MINUTE for each in waits], [1, 2, 4, 8, 16, 60])


if __name__ == "__main__":
	unittest.main()
