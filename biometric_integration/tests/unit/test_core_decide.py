"""What becomes of each punch: every reason, and the order of the rules (design §6)."""

from __future__ import annotations

import unittest
from copy import deepcopy
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from biometric_integration.core.decide import Rules, decide, with_twins
from biometric_integration.core.devices import Device
from biometric_integration.core.directory import Directory, Person, Recorded, WaitingEvent
from biometric_integration.core.punch import Direction, Kind, Punch
from biometric_integration.core.reasons import (
	KEPT_AS,
	SENTENCES,
	STATUS_OF,
	WRITES,
	EventStatus,
	Reason,
	at_staging,
)

NINE = datetime(2025, 4, 7, 9)
NOW = datetime(2025, 4, 7, 23)
RULES = Rules(NOW)
GATE = Device("gate", "Main Gate", "S1")
OFF = Device("off", "Old Door", "S2", enabled=False)
CANTEEN = Device("canteen", "Canteen", "S3", counts_for_attendance=False)
OFF_CANTEEN = Device("off-canteen", "Kiosk", "S4", enabled=False, counts_for_attendance=False)
ASHA = Person("EMP-1")
SECONDS = timedelta(seconds=1)
DAY = timedelta(days=1)


def event(
	moment: datetime = NINE,
	user_id: str = "1",
	direction=Direction.IN,
	device="gate",
	name="",
	punch_time=None,
):
	name = name or f"{moment:%Y%m%d%H%M%S}-{device}-{user_id}"
	return WaitingEvent(name, device, user_id, moment, punch_time or moment, direction)


def directory(*people: Person, user_id: str = "1", recorded=(), by_event=()) -> Directory:
	return Directory(
		people={user_id: people or (ASHA,)},
		devices={device.key: device for device in (GATE, OFF, CANTEEN, OFF_CANTEEN)},
		by_event=dict(by_event),
		recorded={"EMP-1": sorted(recorded)} if recorded else {},
	)


def one(waiting: WaitingEvent, known: Directory | None = None, rules: Rules = RULES):
	"""The decision about a single event; `known` stays as it was."""
	return decide([waiting], deepcopy(known) if known else directory(), rules)[0]


class Reasons(unittest.TestCase):
	CASES = (
		("a plain punch", event(), directory(), RULES, Reason.NONE, EventStatus.PROCESSED, ()),
		(
			"nobody has the id",
			event(user_id="0111"),
			directory(user_id="111"),
			RULES,
			Reason.NO_EMPLOYEE,
			EventStatus.UNMAPPED,
			("0111", "employee's record", "mapping rule"),
		),
		(
			"two have it",
			event(),
			directory(Person("EMP-2"), ASHA),
			RULES,
			Reason.AMBIGUOUS,
			EventStatus.UNMAPPED,
			("EMP-1, EMP-2", "id 1"),
		),
		(
			"before the first day",
			event(),
			directory(replace(ASHA, joined=date(2025, 4, 8))),
			RULES,
			Reason.NOT_JOINED,
			EventStatus.UNMAPPED,
			("EMP-1", "2025-04-08"),
		),
		(
			"after the last day",
			event(),
			directory(replace(ASHA, status="Left", left=date(2025, 4, 6))),
			RULES,
			Reason.LEFT,
			EventStatus.UNMAPPED,
			("EMP-1", "2025-04-06"),
		),
		(
			"after the last day of somebody who has not left",
			event(),
			directory(replace(ASHA, left=date(2025, 4, 6))),
			RULES,
			Reason.AFTER_LEAVING,
			EventStatus.PROCESSED,
			("EMP-1", "2025-04-06", "is used"),
		),
		(
			"inactive",
			event(),
			directory(replace(ASHA, status="Inactive")),
			RULES,
			Reason.INACTIVE,
			EventStatus.UNMAPPED,
			("EMP-1", "Inactive"),
		),
		(
			"left, nobody knows when",
			event(),
			directory(replace(ASHA, status="Left")),
			RULES,
			Reason.INACTIVE,
			EventStatus.UNMAPPED,
			("EMP-1", "Left"),
		),
		(
			"a clock that lost its power",
			event(datetime(1999, 12, 31, 23, 59, 59)),
			directory(),
			RULES,
			Reason.IMPLAUSIBLE,
			EventStatus.QUARANTINED,
			("1999", "Release"),
		),
		(
			"a clock that is ahead",
			event(NOW + timedelta(minutes=10, seconds=1)),
			directory(),
			RULES,
			Reason.FUTURE,
			EventStatus.QUARANTINED,
			("future", "Release"),
		),
		(
			"a device that is off",
			event(device="off"),
			directory(),
			RULES,
			Reason.DEVICE_OFF,
			EventStatus.PENDING,
			("Old Door", "enabled"),
		),
		(
			"the canteen",
			event(device="canteen"),
			directory(),
			RULES,
			Reason.NOT_FOR_ATTENDANCE,
			EventStatus.IGNORED,
			("Canteen",),
		),
		(
			"before the start date",
			event(),
			directory(),
			Rules(NOW, floor=NINE.date() + DAY),
			Reason.BEFORE_FLOOR,
			EventStatus.IGNORED,
			("Start Date",),
		),
		(
			"there already",
			event(),
			directory(recorded=[Recorded(NINE, "IN", "CHK-1")]),
			RULES,
			Reason.ALREADY_THERE,
			EventStatus.PROCESSED,
			("already there",),
		),
		(
			"a repeat",
			event(),
			directory(recorded=[Recorded(NINE - 30 * SECONDS, "IN", "CHK-1")]),
			Rules(NOW, repeat_window=60 * SECONDS),
			Reason.REPEAT,
			EventStatus.IGNORED,
			("60", "2025-04-07 08:59:30"),
		),
	)

	def test_each_has_its_status_and_a_sentence_that_names_what_to_look_at(self):
		for label, waiting, known, rules, reason, status, words in self.CASES:
			with self.subTest(label):
				decision = one(waiting, known, rules)
				self.assertEqual((decision.reason, decision.status), (reason, status))
				for word in words:
					self.assertIn(word, decision.sentence())

	def test_the_table_above_and_the_stages_around_it_use_every_reason(self):
		of_other_tables = {
			Reason.SINCE_WHEN,
			Reason.ID_IGNORED,
			Reason.HRMS_REFUSED,
			Reason.DELETED,
			Reason.EXPIRED,
			Reason.WRITTEN_BEFORE,
		}
		elsewhere = {*of_other_tables, *KEPT_AS.values()}
		self.assertEqual({case[4] for case in self.CASES} | elsewhere, set(Reason))

	def test_every_reason_has_a_status_and_every_reason_but_none_a_sentence(self):
		self.assertEqual(set(STATUS_OF), set(Reason))
		self.assertEqual({reason for reason in Reason if SENTENCES[reason]}, set(Reason) - {Reason.NONE})

	def test_only_a_plain_punch_asks_for_a_check_in(self):
		for label, waiting, known, rules, reason, _, _ in self.CASES:
			with self.subTest(label):
				self.assertEqual(one(waiting, known, rules).creates, reason in WRITES)

	def test_what_looks_like_a_pattern_in_a_value_stays_as_it_is(self):
		self.assertIn("{0}", one(event(user_id="{0}")).sentence())

	def test_a_refusal_keeps_the_words_of_the_host(self):
		refused = one(event()).refused("Not {allowed} 100 %")
		self.assertEqual((refused.reason, refused.status), (Reason.HRMS_REFUSED, EventStatus.FAILED))
		self.assertIn("Not {allowed} 100 %", refused.sentence())
		self.assertEqual(refused.employee, "EMP-1")
		self.assertFalse(refused.creates)

	def test_a_check_in_has_the_employee_the_time_of_the_site_and_the_direction(self):
		decision = one(event(direction=Direction.OUT, punch_time=NINE + timedelta(hours=1)))
		self.assertEqual(
			(decision.employee, decision.time, decision.log_type), ("EMP-1", NINE + timedelta(hours=1), "OUT")
		)


class AtStaging(unittest.TestCase):
	def test_punches_wait_junk_is_ignored_unreadable_rows_have_failed(self):
		for kind, expected in (
			(Kind.PUNCH, (EventStatus.PENDING, Reason.NONE, {})),
			(Kind.JUNK, (EventStatus.IGNORED, Reason.JUNK, {})),
			(Kind.INVALID, (EventStatus.FAILED, Reason.INVALID, {"problem": "no time"})),
		):
			with self.subTest(kind=kind):
				row = Punch("n", kind, "", "1", NINE, NINE, Direction.NONE, "raw", problem="no time")
				self.assertEqual(at_staging(row), expected)


class Order(unittest.TestCase):
	"""Where two rules would say something, which one speaks."""

	UNKNOWN = directory(user_id="2")

	def test_a_device_that_is_off_speaks_before_everything_else(self):
		for waiting, known, rules in (
			(event(datetime(1999, 1, 1), device="off"), directory(), RULES),
			(event(NOW + timedelta(days=1), device="off"), directory(), RULES),
			(event(device="off"), directory(), Rules(NOW, floor=NOW.date() + DAY)),
			(event(device="off"), self.UNKNOWN, RULES),
			(event(device="off-canteen"), directory(), RULES),
		):
			with self.subTest(waiting=waiting):
				self.assertIs(one(waiting, known, rules).reason, Reason.DEVICE_OFF)

	def test_a_wrong_clock_speaks_before_the_start_date_the_device_and_the_employee(self):
		self.assertIs(
			one(event(datetime(1999, 1, 1)), rules=Rules(NOW, floor=NINE.date())).reason, Reason.IMPLAUSIBLE
		)
		self.assertIs(one(event(datetime(1999, 1, 1)), self.UNKNOWN).reason, Reason.IMPLAUSIBLE)
		self.assertIs(one(event(NOW + timedelta(days=1), device="canteen")).reason, Reason.FUTURE)

	def test_the_start_date_speaks_before_the_employee(self):
		self.assertIs(
			one(event(), self.UNKNOWN, Rules(NOW, floor=NOW.date() + DAY)).reason, Reason.BEFORE_FLOOR
		)

	def test_the_canteen_speaks_before_the_employee(self):
		self.assertIs(one(event(device="canteen"), self.UNKNOWN).reason, Reason.NOT_FOR_ATTENDANCE)

	def test_employment_speaks_before_what_is_already_there(self):
		known = directory(replace(ASHA, status="Inactive"), recorded=[Recorded(NINE, "IN", "CHK-1")])
		self.assertIs(one(event(), known).reason, Reason.INACTIVE)

	def test_already_there_speaks_before_repeat(self):
		known = directory(recorded=[Recorded(NINE - SECONDS, "IN", "CHK-0"), Recorded(NINE, "IN", "CHK-1")])
		decision = one(event(), known, Rules(NOW, repeat_window=60 * SECONDS))
		self.assertEqual((decision.reason, decision.record), (Reason.ALREADY_THERE, "CHK-1"))

	def test_a_punch_of_an_unknown_device_is_used(self):
		for key in ("", "nobody-knows"):
			with self.subTest(device=key):
				self.assertTrue(one(event(device=key)).creates)


class Employment(unittest.TestCase):
	def test_first_and_last_day_count(self):
		known = directory(replace(ASHA, status="Left", joined=NINE.date(), left=NINE.date()))
		for moment in (datetime(2025, 4, 7), datetime(2025, 4, 7, 22, 59, 59)):
			with self.subTest(moment=moment):
				self.assertTrue(one(event(moment), known).creates)

	def test_who_has_left_since_still_owns_the_punches_of_before(self):
		self.assertTrue(one(event(), directory(replace(ASHA, status="Left", left=date(2025, 4, 7)))).creates)

	def test_a_relieving_date_ahead_is_no_obstacle(self):
		self.assertTrue(one(event(), directory(replace(ASHA, left=date(2025, 4, 30)))).creates)

	def test_a_suspended_employee_still_punches(self):
		self.assertTrue(one(event(), directory(replace(ASHA, status="Suspended"))).creates)

	def test_the_day_is_the_sites_not_the_servers(self):
		late = event(datetime(2025, 4, 6, 23), punch_time=datetime(2025, 4, 7, 0, 30))
		self.assertTrue(one(late, directory(replace(ASHA, joined=date(2025, 4, 7)))).creates)


class Clocks(unittest.TestCase):
	def test_the_allowed_drift_itself_is_allowed(self):
		self.assertTrue(one(event(NOW + timedelta(minutes=10))).creates)
		self.assertIs(
			one(event(NOW + SECONDS), rules=Rules(NOW, allowed_drift=timedelta(0))).reason, Reason.FUTURE
		)

	def test_the_future_is_judged_in_the_sites_zone(self):
		self.assertTrue(one(event(NOW + timedelta(hours=5), punch_time=NOW)).creates)

	def test_a_time_that_a_person_has_released_is_not_doubted_again(self):
		for moment in (datetime(1999, 12, 31), NOW + timedelta(days=1)):
			with self.subTest(moment=moment):
				self.assertTrue(one(event(moment)._replace(released=True)).creates)

	def test_a_released_punch_is_judged_by_all_other_rules(self):
		released = event(NOW + timedelta(days=1), user_id="2")._replace(released=True)
		self.assertIs(one(released).reason, Reason.NO_EMPLOYEE)
		self.assertIs(one(released._replace(device="off")).reason, Reason.DEVICE_OFF)

	def test_the_first_days_of_2000_are_those_of_a_clock_that_was_reset(self):
		for moment in (
			datetime(1999, 12, 31, 23, 58),
			datetime(2000, 1, 1, 0, 4),
			datetime(2000, 1, 2, 23, 59),
		):
			self.assertEqual(one(event(moment)).reason, Reason.IMPLAUSIBLE)
		self.assertTrue(one(event(datetime(2000, 1, 3))).creates)

	def test_the_start_date_itself_is_used(self):
		self.assertTrue(one(event(), rules=Rules(NOW, floor=NINE.date())).creates)


class AlreadyThere(unittest.TestCase):
	def test_a_check_in_of_this_event_is_linked_wherever_its_time_is_now(self):
		decision = one(event(name="E1"), directory(by_event={"E1": "CHK-7"}))
		self.assertEqual((decision.record, decision.status), ("CHK-7", EventStatus.PROCESSED))
		self.assertFalse(decision.creates)

	def test_by_event_stands_before_by_time(self):
		known = directory(by_event={"E1": "CHK-7"}, recorded=[Recorded(NINE, "IN", "CHK-8")])
		self.assertEqual(one(event(name="E1"), known).record, "CHK-7")

	def test_the_direction_of_what_is_there_does_not_matter(self):
		decision = one(event(direction=Direction.OUT), directory(recorded=[Recorded(NINE, "IN", "CHK-1")]))
		self.assertEqual((decision.reason, decision.record), (Reason.ALREADY_THERE, "CHK-1"))

	def test_a_second_next_to_it_is_another_punch(self):
		known = directory(
			recorded=[Recorded(NINE - SECONDS, "IN", "CHK-0"), Recorded(NINE + SECONDS, "IN", "CHK-2")]
		)
		self.assertTrue(one(event(), known).creates)

	def test_the_check_in_of_somebody_else_is_not_ours(self):
		known = directory()
		known.add("EMP-2", Recorded(NINE, "IN", "CHK-1"))
		self.assertTrue(one(event(), known).creates)


class Repeats(unittest.TestCase):
	WINDOW = Rules(NOW, repeat_window=60 * SECONDS)

	def reasons(self, *events, rules=WINDOW, recorded=()):
		return [decision.reason for decision in decide(events, directory(recorded=recorded), rules)]

	def test_the_first_of_several_stands(self):
		moments = [event(NINE + seconds * SECONDS) for seconds in (0, 4, 59)]
		self.assertEqual(self.reasons(*moments), [Reason.NONE, Reason.REPEAT, Reason.REPEAT])

	def test_the_first_processed_stands_even_if_it_is_the_later_one(self):
		self.assertEqual(self.reasons(event(NINE + 4 * SECONDS), event(NINE)), [Reason.NONE, Reason.REPEAT])

	def test_a_check_in_after_it_makes_it_a_repeat_as_one_before_it_does(self):
		for seconds in (-60, -1, 1, 60):
			with self.subTest(seconds=seconds):
				recorded = [Recorded(NINE + seconds * SECONDS, "IN", "CHK-1")]
				self.assertEqual(self.reasons(event(), recorded=recorded), [Reason.REPEAT])

	def test_beyond_the_window_is_no_repeat(self):
		for seconds in (-61, 61):
			with self.subTest(seconds=seconds):
				recorded = [Recorded(NINE + seconds * SECONDS, "IN", "CHK-1")]
				self.assertEqual(self.reasons(event(), recorded=recorded), [Reason.NONE])

	def test_in_and_out_are_no_repeat(self):
		out = event(NINE + 4 * SECONDS, direction=Direction.OUT)
		self.assertEqual(self.reasons(event(), out), [Reason.NONE, Reason.NONE])

	def test_an_in_far_enough_away_hides_no_repeat_of_an_out_close_by(self):
		recorded = [
			Recorded(NINE - 10 * SECONDS, "OUT", "CHK-1"),
			Recorded(NINE + 5 * SECONDS, "IN", "CHK-2"),
		]
		self.assertEqual(self.reasons(event(), recorded=recorded), [Reason.REPEAT])

	def test_without_a_direction_either_may_be_the_same(self):
		for first, second in ((Direction.NONE, Direction.IN), (Direction.OUT, Direction.NONE)):
			with self.subTest(first=first, second=second):
				pair = event(direction=first), event(NINE + 4 * SECONDS, direction=second)
				self.assertEqual(self.reasons(*pair), [Reason.NONE, Reason.REPEAT])

	def test_a_repeat_is_counted_from_what_was_kept_not_from_another_repeat(self):
		moments = [event(NINE + seconds * SECONDS) for seconds in (0, 40, 80)]
		self.assertEqual(self.reasons(*moments), [Reason.NONE, Reason.REPEAT, Reason.NONE])

	def test_it_is_per_person_whatever_the_device(self):
		known = directory()
		known.people = {"1": (ASHA,), "2": (Person("EMP-2"),)}
		events = [event(), event(NINE + SECONDS, user_id="2"), event(NINE + 2 * SECONDS, device="other")]
		self.assertEqual(
			[decision.reason for decision in decide(events, known, self.WINDOW)],
			[Reason.NONE, Reason.NONE, Reason.REPEAT],
		)

	def test_with_a_window_of_nothing_four_seconds_are_two_punches(self):
		self.assertEqual(
			self.reasons(event(), event(NINE + 4 * SECONDS), rules=RULES), [Reason.NONE, Reason.NONE]
		)

	@given(st.lists(st.integers(0, 600), min_size=1, max_size=30), st.integers(1, 120))
	def test_kept_punches_of_one_direction_are_never_closer_than_the_window(self, offsets, seconds):
		events = [event(NINE + offset * SECONDS, name=f"{n}") for n, offset in enumerate(offsets)]
		window = seconds * SECONDS
		decisions = decide(events, directory(), Rules(NOW, repeat_window=window))
		kept = sorted(decision.time for decision in decisions if decision.creates)
		self.assertTrue(all(later - earlier > window for earlier, later in pairwise(kept)))
		for decision in decisions:
			self.assertTrue(
				any(abs(moment - decision.time) <= window for moment in kept), "none is dropped for nothing"
			)


class Twins(unittest.TestCase):
	"""The same person in the same second on two devices: two events, one check-in."""

	def setUp(self):
		self.first, self.second = event(device="gate"), event(device="canteen-side")
		self.decisions = decide([self.first, self.second], directory(), RULES)

	def test_the_second_waits_for_the_check_in_of_the_first(self):
		one_, two = self.decisions
		self.assertTrue(one_.creates)
		self.assertFalse(two.creates)
		self.assertEqual((two.reason, two.twin, two.record), (Reason.ALREADY_THERE, self.first.name, ""))

	def test_it_shares_the_check_in_that_was_made(self):
		one_, two = with_twins([self.decisions[0].done("CHK-1"), self.decisions[1]])
		self.assertEqual((one_.record, two.record, two.status), ("CHK-1", "CHK-1", EventStatus.PROCESSED))

	def test_it_keeps_waiting_where_the_first_was_refused(self):
		left = with_twins([self.decisions[0].refused("no"), self.decisions[1]])
		self.assertEqual([decision.event for decision in left], [self.first])

	def test_three_in_one_second_share_one(self):
		third = event(device="side-door")
		decisions = decide([self.first, self.second, third], directory(), RULES)
		self.assertEqual(sum(decision.creates for decision in decisions), 1)
		done = with_twins([decisions[0].done("CHK-1"), *decisions[1:]])
		self.assertEqual([decision.record for decision in done], ["CHK-1"] * 3)

	def test_decisions_without_twins_pass_as_they_are(self):
		alone = [one(event(user_id="9")), one(event()).done("CHK-1")]
		self.assertEqual(with_twins(alone), alone)


class Batches(unittest.TestCase):
	IDS = st.lists(st.sampled_from(("1", "2", "3", "nobody")), max_size=20)

	@given(IDS)
	def test_every_event_gets_one_decision_in_its_place(self, ids):
		events = [event(NINE + n * SECONDS, user_id) for n, user_id in enumerate(ids)]
		known = Directory(
			people={"1": (ASHA,), "2": (Person("EMP-2", status="Inactive"),), "3": (ASHA, Person("EMP-3"))}
		)
		self.assertEqual([decision.event for decision in decide(events, known, RULES)], events)


class Near(unittest.TestCase):
	TIMES = st.lists(st.integers(0, 100), max_size=20)

	@given(TIMES, st.integers(0, 100), st.integers(0, 30))
	def test_it_finds_exactly_what_is_that_close_oldest_first(self, offsets, middle, distance):
		known = Directory()
		for offset in offsets:
			known.add("EMP-1", Recorded(NINE + offset * SECONDS, record=f"{offset}"))
		found = [entry.time for entry in known.near("EMP-1", NINE + middle * SECONDS, distance * SECONDS)]
		expected = sorted(NINE + offset * SECONDS for offset in offsets if abs(offset - middle) <= distance)
		self.assertEqual(found, expected)

	def test_a_stranger_has_nothing(self):
		self.assertEqual(list(Directory().near("EMP-9", NINE, timedelta(days=1))), [])


if __name__ == "__main__":
	unittest.main()
