"""Where the calendar is not enough: nights around a first or last day, shifts that meet, clocks that were reset, an app installed anew."""

from __future__ import annotations

import unittest
from datetime import date, datetime, timedelta
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from biometric_integration.core.decide import Rules, border_questions, decide, shift_questions
from biometric_integration.core.devices import Device
from biometric_integration.core.directory import Directory, Occurrence, Person, Recorded, WaitingEvent, meet
from biometric_integration.core.first_use import DAYS_OF_USE, first_used, is_long_before
from biometric_integration.core.mapping import MappingRule
from biometric_integration.core.punch import Direction
from biometric_integration.core.reasons import Reason
from biometric_integration.core.rounding import Rounding

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
GATE = Device("gate", "Gate", "SN1")
OTHER = Device("door", "Door", "SN2")
NOW = datetime(2025, 12, 1)
NIGHT, MIDNIGHT, DAYTIME, NONE = (22, 8), (0, 8), (9, 9), None
"""Hour at which a shift begins, and hours that it lasts; check-ins may be an hour early or late."""


def at(text: str) -> datetime:
	return datetime.strptime(
		f"2025 {text}", "%Y %d %b %H:%M:%S" if text.count(":") == 2 else "%Y %d %b %H:%M"
	)


def on(text: str) -> date:
	return at(f"{text} 00:00").date()


def event(moment: datetime, direction: str = "", device: str = "gate", user_id: str = "7") -> WaitingEvent:
	name = f"{moment:%Y%m%d%H%M%S}-{device}-{user_id}"
	return WaitingEvent(name, device, user_id, moment, moment, Direction(direction))


def occurrence(shift: tuple[int, int] | None, moment: datetime) -> Occurrence | None:
	"""As Frappe HR would answer for somebody who has this shift every day."""
	if not shift:
		return None
	begin, hours = shift
	for day in (moment.date() - DAY, moment.date(), moment.date() + DAY):
		start = datetime.combine(day, datetime.min.time()) + begin * HOUR
		if start - HOUR <= moment <= start + (hours + 1) * HOUR:
			return Occurrence(start - HOUR, start)
	return None


def decided(events, directory: Directory, rules: Rules, shifts: dict[str, tuple[int, int] | None]):
	"""As the lane does it; only what is asked for is known."""
	asked = shift_questions(events, directory, rules)
	directory.shifts = {key: found for key in asked if (found := occurrence(shifts.get(key[0]), key[1]))}
	return decide(events, directory, rules)


def rule(employee: str, first: str = "", last: str = "") -> MappingRule:
	return MappingRule(
		f"{employee} {first}-{last}",
		"7",
		employee=employee,
		first=(first and on(first)) or None,
		last=(last and on(last)) or None,
	)


ANN, BOB = Person("ANN"), Person("BOB")
LEAVER = Person("ANN", "Left", left=on("23 Oct"))
JOINER = Person("ANN", joined=on("21 Oct"))

# who carries the id, rules, shifts, first day that counts, punch → employee or reason code
TURNS = [
	# somebody's last night
	(LEAVER, [], {"ANN": NIGHT}, "", "23 Oct 21:50", "ANN"),
	(LEAVER, [], {"ANN": NIGHT}, "", "24 Oct 06:05", "ANN"),
	(LEAVER, [], {"ANN": NIGHT}, "", "24 Oct 21:50", "Left"),
	(LEAVER, [], {"ANN": NIGHT}, "", "25 Oct 06:05", "Left"),
	(LEAVER, [], {"ANN": DAYTIME}, "", "24 Oct 06:05", "Left"),
	(LEAVER, [], {"ANN": NONE}, "", "24 Oct 06:05", "Left"),
	(LEAVER, [], {"ANN": MIDNIGHT}, "", "23 Oct 08:05", "ANN"),
	(LEAVER, [], {"ANN": MIDNIGHT}, "", "23 Oct 23:50", "Left"),
	# somebody's first night
	(JOINER, [], {"ANN": MIDNIGHT}, "", "20 Oct 23:50", "ANN"),
	(JOINER, [], {"ANN": MIDNIGHT}, "", "19 Oct 23:50", "Not Joined Yet"),
	(JOINER, [], {"ANN": NIGHT}, "", "20 Oct 23:50", "Not Joined Yet"),
	(JOINER, [], {"ANN": NIGHT}, "", "21 Oct 05:50", "Not Joined Yet"),
	(JOINER, [], {"ANN": NIGHT}, "", "21 Oct 21:50", "ANN"),
	(JOINER, [], {"ANN": NONE}, "", "20 Oct 23:50", "Not Joined Yet"),
	# an id that goes from one person to another
	(ANN, [rule("BOB", "15 Oct")], {"ANN": NIGHT, "BOB": NIGHT}, "", "14 Oct 21:50", "ANN"),
	(ANN, [rule("BOB", "15 Oct")], {"ANN": NIGHT, "BOB": NIGHT}, "", "15 Oct 06:05", "ANN"),
	(ANN, [rule("BOB", "15 Oct")], {"ANN": NIGHT, "BOB": NIGHT}, "", "15 Oct 21:50", "BOB"),
	(ANN, [rule("BOB", "15 Oct")], {"ANN": NIGHT, "BOB": NIGHT}, "", "16 Oct 06:05", "BOB"),
	(ANN, [rule("BOB", "15 Oct")], {"ANN": NIGHT, "BOB": DAYTIME}, "", "15 Oct 06:05", "ANN"),
	(ANN, [rule("BOB", "15 Oct")], {"ANN": NIGHT}, "", "15 Oct 06:05", "ANN"),
	(ANN, [rule("BOB", "15 Oct")], {"BOB": NIGHT}, "", "15 Oct 06:05", "ANN"),
	(ANN, [rule("BOB", "15 Oct")], {"ANN": DAYTIME, "BOB": MIDNIGHT}, "", "14 Oct 23:50", "BOB"),
	(ANN, [rule("BOB", "15 Oct")], {}, "", "14 Oct 23:50", "ANN"),
	(ANN, [rule("BOB", "15 Oct")], {}, "", "15 Oct 06:05", "BOB"),
	(ANN, [rule("BOB", last="14 Oct")], {"BOB": NIGHT}, "", "15 Oct 06:05", "BOB"),
	(None, [rule("BOB", "15 Oct")], {"BOB": NIGHT}, "", "15 Oct 06:05", "No Employee"),
	(None, [rule("ANN", last="14 Oct"), rule("BOB", "15 Oct")], {"ANN": NIGHT}, "", "15 Oct 06:05", "ANN"),
	# both work at that hour: the calendar
	(ANN, [rule("BOB", "15 Oct")], {"ANN": NIGHT, "BOB": (6, 8)}, "", "15 Oct 06:05", "BOB"),
	(ANN, [rule("BOB", "15 Oct")], {"ANN": NIGHT, "BOB": MIDNIGHT}, "", "14 Oct 23:50", "ANN"),
	# the first day that counts
	(ANN, [], {"ANN": NIGHT}, "1 Oct", "1 Oct 06:05", "Before Start"),
	(ANN, [], {"ANN": NIGHT}, "1 Oct", "1 Oct 21:50", "ANN"),
	(ANN, [], {"ANN": MIDNIGHT}, "1 Oct", "30 Sep 23:50", "ANN"),
	(ANN, [], {"ANN": NIGHT}, "1 Oct", "30 Sep 23:50", "Before Start"),
	(ANN, [], {}, "1 Oct", "1 Oct 06:05", "ANN"),
	(ANN, [], {}, "1 Oct", "30 Sep 23:50", "Before Start"),
	(None, [], {}, "1 Oct", "30 Sep 23:50", "Before Start"),
	(None, [], {}, "1 Oct", "1 Oct 06:05", "No Employee"),
]


def directory(carrier: Person | None = ANN, rules=(), **values) -> Directory:
	people = {"7": (carrier,)} if carrier else {}
	known = {"gate": GATE, "door": OTHER}
	return Directory(people, tuple(rules), {"ANN": ANN, "BOB": BOB}, devices=known, **values)


class Turns(unittest.TestCase):
	def test_the_day_that_decides_is_that_of_the_shift(self):
		for carrier, rules, shifts, floor, moment, expected in TURNS:
			with self.subTest(rules=[each.name for each in rules], shifts=shifts, floor=floor, punch=moment):
				found = decided(
					[event(at(moment))],
					directory(carrier, rules),
					Rules(NOW, floor=on(floor) if floor else None),
					shifts,
				)
				got = found[0].employee if found[0].creates else found[0].reason.value
				self.assertEqual(got, expected)

	@given(st.integers(-60, 60), st.integers(0, 23))
	def test_shifts_are_asked_only_for_punches_within_a_day_of_a_turn(self, days, hour):
		people = Person("ANN", joined=on("21 Aug"), left=on("23 Oct"))
		rules = Rules(NOW, floor=on("15 Sep"))
		moment = datetime.combine(on("15 Sep") + days * DAY, datetime.min.time()) + hour * HOUR
		asked = shift_questions([event(moment)], directory(people), rules)
		turns = (on("21 Aug"), on("24 Oct"), on("15 Sep"))
		near = any(abs(moment - datetime.combine(day, datetime.min.time())) <= DAY for day in turns)
		self.assertLessEqual(bool(asked), near)

	def test_a_date_at_the_end_of_the_calendar_stops_nothing(self):
		people = Person("ANN", joined=date.min, left=date.max)
		endless = MappingRule("r", "7", employee="BOB", first=date.min, last=date.max)
		for moment in (datetime.min, datetime.max.replace(microsecond=0), at("1 Oct 06:05")):
			for rules in ((), (endless,)):
				known = directory(people, rules)
				for floor in (date.min, date.max):
					self.assertEqual(len(decided([event(moment)], known, Rules(NOW, floor=floor), {})), 1)


MORNING, LATE = (6, 8), (14, 8)


class Borders(unittest.TestCase):
	def decided(self, *clocks: str, shifts=(MORNING, LATE), directions="", window: int = 60):
		"""How many check-ins, as the lane finds it out: who has both shifts works both."""
		events = [
			event(at(f"7 Oct {clock}"), direction)
			for clock, direction in zip(clocks, directions or [""] * 9, strict=False)
		]
		rules = Rules(NOW, timedelta(seconds=window))
		asked = border_questions(decide(events, directory(), rules))
		borders = {key for key in asked if meet(*self.around(key[1], rules.repeat_window, shifts))}
		return sum(each.creates for each in decide(events, directory(borders=borders), rules))

	@staticmethod
	def around(moment: datetime, reach: timedelta, shifts):
		def of(when: datetime) -> Occurrence | None:
			starts = [when.replace(hour=begin, minute=0, second=0) for begin, _hours in shifts]
			found = [start for start in starts if start <= when]
			return Occurrence(found[-1], found[-1]) if found else None

		return of(moment - reach), of(moment + reach)

	def test_where_two_shifts_meet_two_punches_stand_and_no_third(self):
		self.assertEqual(self.decided("14:00:05", "14:00:40"), 2)
		self.assertEqual(self.decided("13:59:40", "14:00:20"), 2)
		self.assertEqual(self.decided("14:00:05", "14:00:10", "14:00:40"), 2)
		self.assertEqual(self.decided("14:00:05", "14:00:40", window=120), 2)

	def test_elsewhere_and_for_who_has_one_shift_it_is_a_repeat(self):
		self.assertEqual(self.decided("14:02:05", "14:02:40"), 1)
		self.assertEqual(self.decided("11:00:05", "11:00:40"), 1)
		self.assertEqual(self.decided("14:00:05", "14:00:40", shifts=(MORNING,)), 1)

	def test_nothing_is_asked_where_nothing_would_be_a_repeat(self):
		events = [event(at("7 Oct 14:00:05")), event(at("7 Oct 14:02:00"))]
		self.assertEqual(
			border_questions(decide(events, directory(), Rules(NOW, timedelta(seconds=60)))), set()
		)


QUARTER = Rounding(timedelta(minutes=15))


class InstalledAnew(unittest.TestCase):
	"""Check-ins are there from before, and nothing says which punch they stand for."""

	PUNCHED = ("9:04", "9:05", "9:07", "9:14", "9:22", "9:23", "17:58")

	def written(self, order) -> list[Recorded]:
		known = directory()
		found = decide([event(at(f"7 Oct {clock}")) for clock in order], known, Rules(NOW, rounding=QUARTER))
		return [Recorded(each.time, "", f"C{number}", device="Gate") for number, each in enumerate(found)]

	def test_every_punch_finds_the_rounded_check_in_that_was_made_of_it(self):
		for order in permutations(self.PUNCHED[:5]):
			there = self.written(order)
			known = directory(recorded={"ANN": sorted(there)})
			again = decide(
				[event(at(f"7 Oct {clock}")) for clock in self.PUNCHED[:5]],
				known,
				Rules(NOW, rounding=QUARTER),
			)
			with self.subTest(order=order):
				self.assertEqual({each.reason for each in again}, {Reason.ALREADY_THERE})
				self.assertEqual({each.record for each in again}, {each.record for each in there})

	def test_a_punch_is_not_taken_for_a_check_in_of_something_else(self):
		rules = Rules(NOW, rounding=QUARTER)
		for entry, linked in (
			(Recorded(at("7 Oct 9:00"), "", "C1"), ()),
			(Recorded(at("7 Oct 9:00"), "", "C1", device="Door"), ()),
			(Recorded(at("7 Oct 9:00"), "", "C1", "some event", device="Gate"), ()),
			(Recorded(at("7 Oct 9:00"), "", "C1", device="Gate"), ("C1",)),
			(Recorded(at("7 Oct 9:15"), "", "C1", device="Gate"), ()),
		):
			with self.subTest(entry=entry, linked=linked):
				known = directory(recorded={"ANN": [entry]}, linked=set(linked))
				self.assertTrue(decide([event(at("7 Oct 9:07"))], known, rules)[0].creates)
		known = directory(recorded={"ANN": [Recorded(at("7 Oct 9:00"), "", "C1", device="Gate")]})
		self.assertTrue(decide([event(at("7 Oct 9:07"))], known, Rules(NOW))[0].creates, "nothing is rounded")

	def test_a_punch_of_that_very_second_comes_first(self):
		known = directory(recorded={"ANN": [Recorded(at("7 Oct 9:00"), "", "C1", device="Gate")]})
		found = decide(
			[event(at("7 Oct 9:00")), event(at("7 Oct 9:07"))], known, Rules(NOW, rounding=QUARTER)
		)
		self.assertEqual([each.reason for each in found], [Reason.ALREADY_THERE, Reason.NONE])


def punches(*days: str) -> list[datetime]:
	"""One at nine on each of these days; `2025-04-07+20` stands for that one and the nineteen after it."""
	found = []
	for text in days:
		first, _, count = text.partition("+")
		found += [
			datetime.fromisoformat(f"{first} 09:00") + number * DAY for number in range(int(count or 1))
		]
	return sorted(found)


class FirstUse(unittest.TestCase):
	CASES = (
		("in use since April", punches("2025-04-07+60"), "2025-04-07"),
		("a day of a wrong clock before it", punches("2024-01-01", "2025-04-07+60"), "2025-04-07"),
		(
			"several of them",
			punches("2010-01-01", "2021-01-01+3", "2023-01-01", "2025-04-07+60"),
			"2025-04-07",
		),
		("new", punches("2025-04-07+6"), None),
		("never delivered", [], None),
		("silent for forty days", punches("2025-01-01+20", "2025-03-01+20"), "2025-01-01"),
		("stored for two years", punches("2021-01-01+20", "2023-06-01+20"), "2021-01-01"),
		("seldom used", punches(*(f"2024-{month:02}-01" for month in range(1, 8))), "2024-01-01"),
	)

	def test_it_is_where_the_first_stretch_of_use_begins(self):
		for label, used, expected in self.CASES:
			with self.subTest(label):
				asked = []

				def next_used(moment: datetime, used=used, asked=asked) -> datetime | None:
					asked.append(moment)
					return next((each for each in used if each >= moment), None)

				found = first_used(next_used)
				self.assertEqual(found, datetime.fromisoformat(f"{expected} 09:00") if expected else None)
				self.assertLessEqual(len(asked), 3 * DAYS_OF_USE, "however much it has been used")

	def test_a_punch_from_more_than_a_year_before_is_quarantined_and_can_be_released(self):
		first = datetime(2025, 4, 7, 9)
		for moment, expected in (
			(datetime(2024, 1, 1, 8, 55), Reason.IMPLAUSIBLE),
			(datetime(2024, 4, 7, 8, 59), Reason.IMPLAUSIBLE),
			(datetime(2024, 4, 7, 9), Reason.NONE),
			(datetime(2025, 2, 1), Reason.NONE),
			(datetime(1999, 12, 31, 23, 58), Reason.IMPLAUSIBLE),
			(datetime(2000, 1, 1, 0, 4), Reason.IMPLAUSIBLE),
		):
			with self.subTest(moment=moment):
				known = directory(first_used={"gate": first})
				(found,) = decide([event(moment)], known, Rules(NOW))
				self.assertIs(found.reason, expected)
				if expected is Reason.IMPLAUSIBLE:
					self.assertIn(str(moment.year), found.sentence())
				released = event(moment)._replace(released=True)
				known = directory(first_used={"gate": first})
				self.assertIs(decide([released], known, Rules(NOW))[0].reason, Reason.NONE)
		self.assertFalse(
			is_long_before(datetime(2024, 1, 1), None), "a device that says nothing about itself"
		)

	def test_the_wrong_clock_comes_before_the_start_date(self):
		known = directory(first_used={"gate": datetime(2025, 4, 7)})
		rules = Rules(NOW, floor=date(2025, 4, 7))
		found = decide([event(datetime(2024, 1, 1)), event(datetime(2025, 1, 1))], known, rules)
		self.assertEqual([each.reason for each in found], [Reason.IMPLAUSIBLE, Reason.BEFORE_FLOOR])
