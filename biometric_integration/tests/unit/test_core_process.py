"""The process lane, batches that the database takes back, and the same second on two devices."""

from __future__ import annotations

import unittest
from contextlib import contextmanager
from itertools import chain, repeat

from biometric_integration.core.store import BatchLost
from biometric_integration.tests.memory_store import MemoryStore
from biometric_integration.tests.unit.office import HOUR, NOW, PUNCHES, Losing, Office


class LostBatches(unittest.TestCase):
	def test_a_batch_the_database_rolled_back_is_done_again_up_to_three_times(self):
		for what in ("mark_decided", "create"):
			with self.subTest(what=what):
				office = Office(Losing(**{what: 2}), *PUNCHES)
				office.pull()
				self.assertEqual(office.process(), 5)
				self.assertEqual(office.statuses(), ["Processed"] * 5)
				self.assertEqual(sorted(c.time for c in office.store.checkins.values()), sorted(PUNCHES))

	def test_after_the_third_time_each_row_is_done_by_itself(self):
		for what in ("mark_decided", "create"):
			with self.subTest(what=what):
				office = Office(Losing(**{what: 3}), *PUNCHES)
				office.pull()
				self.assertEqual(office.process(), 5)
				self.assertEqual(office.statuses(), ["Processed"] * 5)
				self.assertEqual(len(office.store.checkins), 5)

	def test_a_row_that_is_taken_back_each_time_waits_for_the_next_job_and_stops_nobody_elses(self):
		class Cursed(MemoryStore):
			curse = PUNCHES[2]

			def create(self, decision):
				if decision.time == self.curse:
					raise BatchLost()
				return super().create(decision)

		office = Office(Cursed(), *PUNCHES)
		office.pull()
		self.assertEqual(office.process(), 4)
		self.assertEqual(sorted(office.statuses()), ["Pending", *["Processed"] * 4])
		self.assertFalse(office.store.lane_taken)
		office.store.curse = None
		self.assertEqual(office.process(), 1)
		self.assertEqual(len(office.store.checkins), 5)

	def test_a_reason_that_the_database_takes_back_is_written_again(self):
		for losses, failed in ((1, 1), (3, 0)):

			class Refusing(Losing):
				def create(self, decision):
					raise BatchLost("Not on a Monday")

				def mark_decided(self, decisions, now):
					self._maybe_lose("reason")
					super().mark_decided(decisions, now)

			office = Office(Refusing(reason=losses), PUNCHES[0])
			office.pull()
			with self.subTest(losses=losses):
				self.assertEqual(office.process(), failed)
				self.assertEqual(office.statuses(), ["Failed" if failed else "Pending"])

	def test_a_refusal_that_leaves_no_way_back_keeps_its_words(self):
		class Committing(MemoryStore):
			def create(self, decision):
				if decision.time == PUNCHES[2]:
					raise BatchLost("Not on a Monday")
				return super().create(decision)

		office = Office(Committing(), *PUNCHES)
		office.pull()
		self.assertEqual(office.process(), 5)
		(refused,) = [event for event in office.store.events.values() if event.status == "Failed"]
		self.assertIn("Not on a Monday", refused.reason)
		self.assertEqual(len(office.store.checkins), 4)


class ProcessLane(unittest.TestCase):
	def test_whoever_finds_it_taken_leaves(self):
		office = Office(None, *PUNCHES)
		office.pull()
		with office.store.lane() as mine:
			self.assertTrue(mine)
			self.assertEqual(office.process(), 0)
		self.assertEqual(office.statuses(), ["Pending"] * 5)
		self.assertEqual(office.process(), 5)

	def test_its_holder_looks_once_more_after_giving_it_back(self):
		class Busy(MemoryStore):
			"""Somebody stages a punch while the lane is still taken, and leaves it to its holder."""

			late = ()

			@contextmanager
			def lane(self):
				with super().lane() as mine:
					yield mine
					waiting, self.late = self.late, ()
					for stage in waiting:
						stage()

		office = Office(Busy(), *PUNCHES[1:])
		office.pull()
		office.connector.punches["S1"].append((PUNCHES[0], PUNCHES[0]))
		office.store.late = (office.pull,)
		self.assertEqual(office.process(), 5)
		self.assertEqual(office.statuses(), ["Processed"] * 5)

	def test_what_is_left_to_its_holder_after_the_last_look_is_used(self):
		class Late(MemoryStore):
			"""Somebody comes when the holder has found nothing more, and has not given the lane back yet."""

			passes = 0

			@contextmanager
			def lane(self):
				with super().lane() as mine:
					yield mine
					self.passes += 1
					if self.passes == 2:
						self.stage_late()

		office = Office(Late(), *PUNCHES[1:])
		office.pull()
		office.connector.punches["S1"].append((PUNCHES[0], PUNCHES[0]))
		office.store.stage_late = office.pull
		self.assertEqual(office.process(), 5)
		self.assertEqual(office.statuses(), ["Processed"] * 5)

	def test_a_row_that_breaks_something_says_so_and_stops_nobody_elses(self):
		class Broken(MemoryStore):
			def directory(self, events, reach):
				if any(event.punch_time == PUNCHES[2] for event in events):
					raise ZeroDivisionError("by zero")
				return super().directory(events, reach)

		office, told = Office(Broken(), *PUNCHES), []
		office.pull()
		self.assertEqual(office.process(note=told.append), 5)
		self.assertEqual(sorted(office.statuses()), ["Failed", *["Processed"] * 4])
		(failed,) = [event for event in office.store.events.values() if event.status == "Failed"]
		self.assertIn("ZeroDivisionError: by zero", failed.reason)
		self.assertTrue(all(isinstance(error, ZeroDivisionError) for error in told))
		self.assertFalse(office.store.lane_taken)

	def test_it_is_given_back_when_the_store_itself_is_broken(self):
		class Dead(MemoryStore):
			def mark_decided(self, decisions, now):
				raise ConnectionError

		office = Office(Dead(), *PUNCHES)
		office.pull()
		with self.assertRaises(ConnectionError):
			office.process()
		self.assertFalse(office.store.lane_taken)

	def test_it_stops_between_batches_when_it_is_told_to(self):
		office = Office(None, *PUNCHES)
		office.batch = 2
		office.pull()
		answers = chain([True, True], repeat(False))
		self.assertEqual(office.process(go_on=lambda: next(answers)), 2)
		self.assertEqual(office.statuses(), ["Processed"] * 2 + ["Pending"] * 3)
		self.assertEqual(office.process(), 3)
		self.assertEqual(office.process(go_on=lambda: False), 0)

	def test_batches_of_any_size_give_the_same(self):
		for batch in (1, 2, 5, 100):
			with self.subTest(batch=batch):
				office = Office(None, *PUNCHES)
				office.batch = batch
				office.pull()
				self.assertEqual(office.process(), 5)
				self.assertEqual(sorted(c.time for c in office.store.checkins.values()), sorted(PUNCHES))

	def test_what_is_written_but_not_marked_is_linked_not_written_again(self):
		office = Office(None, *PUNCHES)
		office.pull()
		mark, office.store.mark_decided = office.store.mark_decided, lambda decisions, now: 1 / 0
		with self.assertRaises(ZeroDivisionError):
			office.process()
		self.assertEqual(len(office.store.checkins), 5)
		office.store.mark_decided = mark
		office.process()
		self.assertEqual((len(office.store.checkins), office.statuses()), (5, ["Processed"] * 5))


class Fussy(MemoryStore):
	"""A host that refuses the check-in of one event, whatever its reasons are."""

	refused: str = ""

	def create(self, decision):
		if decision.event.name == self.refused:
			raise PermissionError
		return super().create(decision)


class Twins(unittest.TestCase):
	"""The same second on two devices."""

	def test_one_whose_first_was_refused_is_tried_itself(self):
		office = Office(Fussy(), NOW - HOUR, devices=2)
		office.pull()
		office.store.refused, second = sorted(office.store.events)
		office.process()
		self.assertEqual(office.statuses(), ["Failed", "Processed"])
		self.assertEqual([checkin.event for checkin in office.store.checkins.values()], [second])
		self.assertIn("PermissionError", office.store.events[office.store.refused].reason)

	def test_where_both_are_refused_both_have_failed(self):
		office = Office(None, NOW - HOUR, devices=3)
		office.store.refuse.add("EMP-1")
		office.pull()
		self.assertEqual(office.process(), 3)
		self.assertEqual(office.statuses(), ["Failed"] * 3)

	def test_the_next_batch_finds_the_check_in_of_the_one_before(self):
		office = Office(None, NOW - HOUR, devices=2)
		office.batch = 1
		office.pull()
		office.process()
		self.assertEqual(len(office.store.checkins), 1)
		self.assertEqual(
			{event.checkin for event in office.store.events.values()}, set(office.store.checkins)
		)


if __name__ == "__main__":
	unittest.main()
