"""What a run says about itself."""

from __future__ import annotations

import unittest
from dataclasses import fields

from biometric_integration.core.batches import batches
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
from biometric_integration.core.reasons import EventStatus, Reason
from biometric_integration.core.runs import (
	COUNTED_AS,
	EventCounts,
	Outcome,
	RunCounts,
	RunStatus,
	counted_as,
	worst,
)


class OutcomeOfARun(unittest.TestCase):
	def test_nothing_to_worry_about_is_a_success_without_words(self):
		outcome = Outcome()
		self.assertEqual((outcome.status, outcome.message, outcome.detail), (RunStatus.SUCCESS, "", ""))
		self.assertIsNone(outcome.error_class)

	def test_a_worry_makes_it_partial_and_is_said_once(self):
		outcome = Outcome()
		for sentence in ("One is missing.", "Check it.", "One is missing."):
			outcome.worry(sentence)
		self.assertEqual((outcome.status, outcome.message), (RunStatus.PARTIAL, "One is missing. Check it."))

	def test_an_error_stands_before_worries_and_a_takeover(self):
		outcome = Outcome(
			concerns=["One is missing."], skipped="Taken over.", error=TransientError("No answer.", "trace")
		)
		self.assertEqual(
			(outcome.status, outcome.message, outcome.detail), (RunStatus.FAILED, "No answer.", "trace")
		)
		self.assertIs(outcome.error_class, ErrorClass.TRANSIENT)

	def test_a_takeover_is_no_failure(self):
		outcome = Outcome(skipped="Taken over.", concerns=["One is missing."])
		self.assertEqual((outcome.status, outcome.message), (RunStatus.SKIPPED, "Taken over."))

	def test_two_runs_never_share_their_worries(self):
		Outcome().worry("One is missing.")
		self.assertEqual(Outcome().concerns, [])


class Worst(unittest.TestCase):
	def test_one_word_for_several_runs(self):
		failed, partial, success, skipped = (
			RunStatus.FAILED,
			RunStatus.PARTIAL,
			RunStatus.SUCCESS,
			RunStatus.SKIPPED,
		)
		for statuses, word in (
			([success, partial, failed, skipped], failed),
			([success, partial, skipped], partial),
			([skipped, success], success),
			([skipped, RunStatus.RUNNING], skipped),
			([], skipped),
		):
			with self.subTest(statuses=statuses):
				self.assertIs(worst(statuses), word)


class Counts(unittest.TestCase):
	def test_they_add_up_field_by_field(self):
		counts = RunCounts(10, 4, 3, 2, 1)
		counts.add(RunCounts(100, 40, 30, 20, 10))
		self.assertEqual(counts, RunCounts(110, 44, 33, 22, 11))

	def test_every_status_of_an_event_counts_in_a_field_that_exists(self):
		names = {field.name for field in fields(EventCounts)}
		for status in EventStatus:
			for reason in Reason:
				with self.subTest(status=status, reason=reason):
					self.assertIn(counted_as(status.value, reason.value), names - {"employees"})

	def test_a_check_in_that_was_there_is_not_counted_as_created(self):
		self.assertEqual(counted_as("Processed", ""), "created")
		self.assertEqual(counted_as("Processed", "Already There"), "already_there")

	def test_statuses_and_fields_stand_one_to_one(self):
		self.assertEqual(len(set(COUNTED_AS.values())), len(COUNTED_AS))
		self.assertEqual(set(COUNTED_AS), set(EventStatus) - {EventStatus.PROCESSED})


class Errors(unittest.TestCase):
	def test_each_class_of_failure_has_its_own_consequence(self):
		classes = (
			SyncError,
			ConfigurationError,
			AuthenticationError,
			TransientError,
			ProtocolError,
			InvalidRecord,
		)
		self.assertEqual({error.error_class for error in classes}, set(ErrorClass))

	def test_a_row_or_an_answer_that_is_not_understood_says_nothing_about_the_server(self):
		for error in (ProtocolError, InvalidRecord, TransientError, SyncError):
			with self.subTest(error=error):
				self.assertFalse(error.server_wide)

	def test_a_server_that_is_gone_or_refuses_the_login_is_not_asked_for_every_stream(self):
		for error in (UnreachableError, AmbiguousError, AuthenticationError, ConfigurationError):
			with self.subTest(error=error):
				self.assertTrue(error.server_wide)

	def test_the_text_of_an_error_is_the_sentence_without_the_detail(self):
		self.assertEqual(str(TransientError("No answer.", "trace")), "No answer.")


class Batches(unittest.TestCase):
	def test_all_items_come_in_order_in_lists_of_the_size(self):
		self.assertEqual(list(batches(iter(range(7)), 3)), [[0, 1, 2], [3, 4, 5], [6]])
		self.assertEqual(list(batches([], 3)), [])

	def test_no_more_is_taken_than_what_was_asked_for(self):
		source = iter(range(10))
		next(batches(source, 3))
		self.assertEqual(next(source), 3)


if __name__ == "__main__":
	unittest.main()
