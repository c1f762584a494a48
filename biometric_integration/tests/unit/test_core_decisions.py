"""Whose punch, which direction, which time: decisions as tables."""

from __future__ import annotations

import unittest
from datetime import date, datetime, timedelta

from biometric_integration.core.decide import Rules, decide
from biometric_integration.core.devices import Device
from biometric_integration.core.direction import DirectionPolicy
from biometric_integration.core.directory import Directory, Occurrence, Person, Recorded, WaitingEvent
from biometric_integration.core.mapping import MappingRule, Normaliser, Scope
from biometric_integration.core.punch import Direction
from biometric_integration.core.reasons import Reason
from biometric_integration.core.rounding import Rounding, RoundingMode

DAY = date(2025, 4, 7)
NINE = datetime(2025, 4, 7, 9)
NOW = datetime(2025, 5, 1)
GATE, DOOR, PLANT_GATE = "gate", "door", "plant-gate"
DEVICES = {
	GATE: Device(GATE, "Gate", "SN1", "HO"),
	DOOR: Device(DOOR, "Door", "SN2", "HO"),
	PLANT_GATE: Device(PLANT_GATE, "Gate", "SN3", "PLANT"),
}
SERVERS = {GATE: "main", DOOR: "main", PLANT_GATE: "plant"}
ANN, BOB, CAT = Person("ANN"), Person("BOB"), Person("CAT")
PERSONS = {person.name: person for person in (ANN, BOB, CAT)}
IGNORE = ""


def at(clock: str, day: date = DAY) -> datetime:
	return datetime.combine(
		day, datetime.strptime(clock, "%H:%M:%S" if clock.count(":") == 2 else "%H:%M").time()
	)


def event(
	user_id: str = "7", moment: datetime = NINE, device: str = GATE, direction: str = "", name: str = ""
) -> WaitingEvent:
	name = name or f"{moment:%Y%m%d%H%M%S}-{device}-{user_id}"
	return WaitingEvent(name, device, user_id, moment, moment, Direction(direction), server=SERVERS[device])


def rule(
	user_id: str, employee: str, scope: str = "Any", where: str = "", first=None, last=None
) -> MappingRule:
	name = f"{user_id}→{employee or 'ignore'}@{scope} {where} {first} {last}"
	return MappingRule(name, user_id, Scope(scope), where, employee, first, last)


def on(day: int) -> date:
	return date(2025, 4, day)


EVERYWHERE = rule("7", "ANN")
ON_MAIN = rule("7", "BOB", "Server", "main")
ON_PLANT = rule("7", "CAT", "Server", "plant")
AT_HO = rule("7", "CAT", "Location", "HO")
AT_GATE = rule("7", "ANN", "Device", GATE)
UNTIL_6 = rule("7", "ANN", last=on(6))
FROM_7 = rule("7", "BOB", first=on(7))
TESTERS = rule("T*", IGNORE)

# id, device, day of April, rules, who carries the id in Employee → employee, or a reason code
WHOSE = [
	("7", GATE, 7, [], {}, "No Employee"),
	("7", GATE, 7, [], {"7": [ANN]}, "ANN"),
	("7", GATE, 7, [], {"7": [ANN, BOB]}, "Several Employees"),
	("7", GATE, 7, [], {"07": [ANN]}, "No Employee"),
	("07", GATE, 7, [], {"7": [ANN]}, "No Employee"),
	("07", GATE, 7, [], {"7": [ANN], "07": [BOB]}, "BOB"),
	("a7", GATE, 7, [], {"A7": [ANN]}, "No Employee"),
	# a rule stands before the employee's own field
	("7", GATE, 7, [EVERYWHERE], {"7": [BOB]}, "ANN"),
	("7", GATE, 7, [EVERYWHERE], {}, "ANN"),
	("8", GATE, 7, [EVERYWHERE], {"8": [BOB]}, "BOB"),
	("07", GATE, 7, [EVERYWHERE], {}, "No Employee"),
	# by scope, the most specific first
	("7", GATE, 7, [ON_MAIN], {}, "BOB"),
	("7", PLANT_GATE, 7, [ON_MAIN], {}, "No Employee"),
	("7", PLANT_GATE, 7, [ON_MAIN], {"7": [CAT]}, "CAT"),
	("7", GATE, 7, [ON_MAIN, ON_PLANT], {}, "BOB"),
	("7", PLANT_GATE, 7, [ON_MAIN, ON_PLANT], {}, "CAT"),
	("7", GATE, 7, [EVERYWHERE, ON_MAIN], {}, "BOB"),
	("7", PLANT_GATE, 7, [EVERYWHERE, ON_MAIN], {}, "ANN"),
	("7", GATE, 7, [EVERYWHERE, ON_MAIN, AT_HO], {}, "CAT"),
	("7", PLANT_GATE, 7, [EVERYWHERE, ON_MAIN, AT_HO], {}, "ANN"),
	("7", GATE, 7, [EVERYWHERE, ON_MAIN, AT_HO, AT_GATE], {}, "ANN"),
	("7", DOOR, 7, [EVERYWHERE, ON_MAIN, AT_HO, AT_GATE], {}, "CAT"),
	("7", DOOR, 7, [AT_GATE], {}, "No Employee"),
	("7", GATE, 7, [AT_GATE, ON_MAIN], {"7": [CAT]}, "ANN"),
	("7", DOOR, 7, [AT_GATE, ON_MAIN], {"7": [CAT]}, "BOB"),
	("7", PLANT_GATE, 7, [AT_GATE, ON_MAIN], {"7": [CAT]}, "CAT"),
	# by date: an id that was given to somebody else
	("7", GATE, 6, [UNTIL_6, FROM_7], {}, "ANN"),
	("7", GATE, 7, [UNTIL_6, FROM_7], {}, "BOB"),
	("7", GATE, 30, [UNTIL_6, FROM_7], {}, "BOB"),
	("7", GATE, 7, [UNTIL_6], {}, "No Employee"),
	("7", GATE, 7, [UNTIL_6], {"7": [CAT]}, "CAT"),
	("7", GATE, 6, [FROM_7], {"7": [CAT]}, "CAT"),
	("7", GATE, 7, [rule("7", "ANN", first=on(7), last=on(7))], {}, "ANN"),
	("7", GATE, 8, [rule("7", "ANN", first=on(7), last=on(7))], {}, "No Employee"),
	("7", GATE, 6, [rule("7", "ANN", first=on(7), last=on(7))], {}, "No Employee"),
	("7", GATE, 7, [rule("7", "ANN", "Device", GATE, last=on(6)), ON_MAIN], {}, "BOB"),
	("7", GATE, 6, [rule("7", "ANN", "Device", GATE, last=on(6)), ON_MAIN], {}, "ANN"),
	# nobody guesses between two
	("7", GATE, 7, [EVERYWHERE, rule("7", "BOB")], {}, "Several Employees"),
	("7", GATE, 7, [EVERYWHERE, rule("7", "ANN")], {}, "ANN"),
	("7", GATE, 7, [EVERYWHERE, rule("7", IGNORE)], {}, "Several Employees"),
	("7", GATE, 7, [EVERYWHERE, rule("7", "BOB"), AT_GATE], {}, "ANN"),
	("7", GATE, 7, [ON_MAIN, rule("7", "ANN", "Server", "main")], {"7": [CAT]}, "Several Employees"),
	# ignored ids and patterns
	("7", GATE, 7, [rule("7", IGNORE)], {"7": [ANN]}, "Id Ignored"),
	("7", GATE, 7, [rule("7", IGNORE, "Device", DOOR)], {"7": [ANN]}, "ANN"),
	("7", DOOR, 7, [rule("7", IGNORE, "Device", DOOR)], {"7": [ANN]}, "Id Ignored"),
	("7", DOOR, 7, [rule("7", IGNORE), rule("7", "BOB", "Device", DOOR)], {}, "BOB"),
	("T100", GATE, 7, [TESTERS], {}, "Id Ignored"),
	("T100", GATE, 7, [TESTERS], {"T100": [ANN]}, "Id Ignored"),
	("T100", GATE, 7, [TESTERS, rule("T100", "ANN")], {}, "ANN"),
	("t100", GATE, 7, [TESTERS], {"t100": [ANN]}, "ANN"),
	("XT100", GATE, 7, [TESTERS], {}, "No Employee"),
	("12", GATE, 7, [rule("1?", "ANN")], {}, "ANN"),
	("123", GATE, 7, [rule("1?", "ANN")], {}, "No Employee"),
	("12", GATE, 7, [rule("1*", "ANN"), rule("?2", "BOB")], {}, "Several Employees"),
	("12", GATE, 7, [rule("1*", "ANN"), rule("12", "BOB")], {}, "BOB"),
	("12", GATE, 7, [rule("12", "BOB"), rule("1*", "ANN", "Server", "main")], {}, "ANN"),
	# a bracket is a character like any other
	("A[1]", GATE, 7, [rule("A[1]", "ANN")], {}, "ANN"),
	("A1", GATE, 7, [rule("A[1]", "ANN")], {}, "No Employee"),
	("A[1]9", GATE, 7, [rule("A[1]*", "ANN")], {}, "ANN"),
	# a rule for an employee who is not there any more
	("7", GATE, 7, [rule("7", "GONE")], {"7": [ANN]}, "No Employee"),
]

PLAIN, ZEROS, PREFIX = Normaliser(), Normaliser(zeros=True), Normaliser(prefix="EMP")
BOTH = Normaliser("EMP", True)
# id, what may be taken off, who carries which id → employee or reason code
FORMS = [
	("0031", PLAIN, {"31": [ANN]}, "No Employee"),
	("0031", ZEROS, {"31": [ANN]}, "ANN"),
	("0031", ZEROS, {"31": [ANN], "0031": [BOB]}, "BOB"),
	("31", ZEROS, {"0031": [BOB]}, "BOB"),
	("31", PLAIN, {"0031": [BOB]}, "No Employee"),
	("031", ZEROS, {"0031": [BOB]}, "BOB"),
	("31", ZEROS, {"0031": [BOB], "031": [ANN]}, "Several Employees"),
	("EMP31", BOTH, {"0031": [BOB]}, "BOB"),
	("31", ZEROS, {"31": [ANN], "0031": [BOB]}, "ANN"),
	("0000", ZEROS, {"0": [ANN]}, "No Employee"),
	("EMP31", PREFIX, {"31": [ANN]}, "ANN"),
	("EMP31", PREFIX, {"31": [ANN], "EMP31": [BOB]}, "BOB"),
	("EMP031", PREFIX, {"31": [ANN]}, "No Employee"),
	("EMP031", BOTH, {"31": [ANN]}, "ANN"),
	("EMP031", BOTH, {"031": [BOB], "31": [ANN]}, "BOB"),
	("emp31", PREFIX, {"31": [ANN]}, "No Employee"),
	("EMP", PREFIX, {"": [ANN]}, "No Employee"),
	("031", BOTH, {"31": [ANN, BOB]}, "Several Employees"),
]

# status, joined, left, day → reason code
JOINED, GONE = date(2025, 4, 3), date(2025, 4, 20)
EMPLOYED = [
	("Active", None, None, 7, ""),
	("Active", JOINED, None, 2, "Not Joined Yet"),
	("Active", JOINED, None, 3, ""),
	("Active", JOINED, GONE, 20, ""),
	("Active", JOINED, GONE, 21, "After Leaving"),
	("Suspended", JOINED, GONE, 21, "After Leaving"),
	("Left", JOINED, GONE, 7, ""),
	("Left", JOINED, GONE, 21, "Left"),
	("Left", JOINED, None, 7, "Inactive"),
	("Left", JOINED, GONE, 2, "Not Joined Yet"),
	("Inactive", JOINED, None, 7, "Inactive"),
	("Inactive", JOINED, GONE, 21, "Inactive"),
	("Suspended", JOINED, None, 7, ""),
]

AS_REPORTED, FIRST_IN = DirectionPolicy.AS_REPORTED, DirectionPolicy.FIRST_IN
ALWAYS_IN, ALWAYS_OUT, BLANK = DirectionPolicy.ALWAYS_IN, DirectionPolicy.ALWAYS_OUT, DirectionPolicy.BLANK
# window in seconds, policy, check-ins that are there (time, log type), punches (time, direction) → kept or repeat
REPEATS = [
	(0, AS_REPORTED, [], [("9:00:00", "IN"), ("9:00:04", "IN")], "kk"),
	(60, AS_REPORTED, [], [("9:00:00", "IN"), ("9:00:04", "IN")], "kr"),
	(60, AS_REPORTED, [], [("9:00:00", "IN"), ("9:01:00", "IN")], "kr"),
	(60, AS_REPORTED, [], [("9:00:00", "IN"), ("9:01:01", "IN")], "kk"),
	(60, AS_REPORTED, [], [("9:00:00", "IN"), ("9:00:50", "IN"), ("9:01:40", "IN")], "krk"),
	(60, AS_REPORTED, [], [("9:00:00", "IN"), ("9:00:04", "OUT")], "kk"),
	(60, AS_REPORTED, [], [("9:00:00", "IN"), ("9:00:04", "")], "kr"),
	(60, AS_REPORTED, [], [("9:00:00", ""), ("9:00:04", "OUT")], "kr"),
	(60, AS_REPORTED, [], [("9:00:00", "IN"), ("9:00:04", "OUT"), ("9:00:08", "IN")], "kkr"),
	(60, ALWAYS_IN, [], [("9:00:00", "IN"), ("9:00:04", "OUT")], "kr"),
	(60, BLANK, [], [("9:00:00", "IN"), ("9:00:04", "OUT")], "kr"),
	(60, FIRST_IN, [], [("9:00:00", "IN"), ("9:00:04", "OUT")], "kr"),
	(60, AS_REPORTED, [("9:00:30", "IN")], [("9:00:00", "IN")], "r"),
	(60, AS_REPORTED, [("8:59:30", "IN")], [("9:00:00", "IN")], "r"),
	(60, AS_REPORTED, [("9:01:01", "IN")], [("9:00:00", "IN")], "k"),
	(60, AS_REPORTED, [("8:59:30", "OUT")], [("9:00:00", "IN")], "k"),
	(60, AS_REPORTED, [("8:59:30", "")], [("9:00:00", "IN")], "r"),
	(60, AS_REPORTED, [("9:00:00", "OUT")], [("9:00:00", "IN")], "t"),
	(0, AS_REPORTED, [("9:00:00", "IN")], [("9:00:00", "IN")], "t"),
	(0, AS_REPORTED, [("9:00:00", "IN")], [("9:00:01", "IN")], "k"),
	(300, AS_REPORTED, [], [("23:59:00", "IN"), ("23:59:59", "IN")], "kr"),
	(60, AS_REPORTED, [("8:00:00", "IN"), ("10:00:00", "IN")], [("9:00:00", "IN")], "k"),
]

# policy of the device, of the settings, reported, shift start (or None), earlier check-ins → log type
LOG_TYPES = [
	("", AS_REPORTED, "IN", None, [], "IN"),
	("", AS_REPORTED, "OUT", None, [], "OUT"),
	("", AS_REPORTED, "", None, [], ""),
	("", ALWAYS_IN, "OUT", None, [], "IN"),
	("", ALWAYS_IN, "", None, [], "IN"),
	("", ALWAYS_OUT, "IN", None, [], "OUT"),
	("", BLANK, "IN", None, [], ""),
	("Always OUT", ALWAYS_IN, "IN", None, [], "OUT"),
	("Always IN", BLANK, "OUT", None, [], "IN"),
	("As Reported", ALWAYS_IN, "OUT", None, [], "OUT"),
	("Blank", ALWAYS_IN, "OUT", None, [], ""),
	("", FIRST_IN, "OUT", "8:00", [], "IN"),
	("", FIRST_IN, "IN", "8:00", ["8:30"], "OUT"),
	("", FIRST_IN, "IN", "8:00", ["8:00"], "OUT"),
	("", FIRST_IN, "", "8:00", ["7:59"], "IN"),
	("", FIRST_IN, "", "8:00", ["9:30"], "IN"),
	("", FIRST_IN, "", "8:00", ["8:10", "8:20"], "OUT"),
	("First IN, Later OUT", AS_REPORTED, "OUT", "8:00", [], "IN"),
	("As Reported", FIRST_IN, "OUT", "8:00", ["8:30"], "OUT"),
]

NEAREST, DOWN, UP = RoundingMode.NEAREST, RoundingMode.DOWN, RoundingMode.UP
# step in minutes, mode, neighbours (time they were punched), punched → written
ROUNDED = [
	(0, NEAREST, [], "9:07:31", "9:07:31"),
	(5, NEAREST, [], "9:07:29", "9:05:00"),
	(5, NEAREST, [], "9:07:30", "9:10:00"),
	(5, DOWN, [], "9:09:59", "9:05:00"),
	(5, UP, [], "9:05:01", "9:10:00"),
	(5, UP, [], "9:05:00", "9:05:00"),
	(15, NEAREST, [], "23:55:00", "00:00:00+1"),
	(15, DOWN, [], "0:04:00", "0:00:00"),
	(5, NEAREST, ["9:04:00"], "9:06:00", "9:05:00"),
	(5, NEAREST, ["9:05:00"], "9:06:00", "9:06:00"),
	(5, NEAREST, ["9:05:30"], "9:06:00", "9:06:00"),
	(5, NEAREST, ["9:10:00"], "9:08:00", "9:08:00"),
	(5, NEAREST, ["9:09:00"], "9:08:00", "9:08:00"),
	(5, NEAREST, ["9:12:00"], "9:08:00", "9:10:00"),
	(5, UP, ["9:04:00", "9:11:00"], "9:06:00", "9:10:00"),
	(5, UP, ["9:04:00", "9:10:00"], "9:06:00", "9:06:00"),
]


class Tables(unittest.TestCase):
	def decide_one(self, each: WaitingEvent, directory: Directory, **rules):
		(decision,) = decide([each], directory, Rules(NOW, **rules))
		return decision

	def test_whose_punch_it_is_by_rule_scope_date_and_field(self):
		for user_id, device, day, rules, people, expected in WHOSE:
			with self.subTest(
				id=user_id, device=device, day=day, rules=[r.name for r in rules], people=people
			):
				carriers = {key: tuple(found) for key, found in people.items()}
				directory = Directory(carriers, rules, PERSONS, devices=DEVICES)
				decision = self.decide_one(event(user_id, at("9:00", on(day)), device), directory)
				self.assertEqual(decision.employee or decision.reason.value, expected)
				if decision.reason is not Reason.NONE:
					self.assertIn(user_id, decision.sentence())

	def test_ids_are_looked_up_as_they_are_first_and_then_without_what_may_be_taken_off(self):
		for user_id, normaliser, people, expected in FORMS:
			with self.subTest(id=user_id, normaliser=normaliser, people=people):
				carriers = {key: tuple(found) for key, found in people.items()}
				bare: dict[str, tuple[Person, ...]] = {}
				for key in filter(lambda key: key.startswith("0"), carriers):
					bare[key.lstrip("0")] = (*bare.get(key.lstrip("0"), ()), *carriers[key])
				directory = Directory(
					carriers, normalisers={"main": normaliser}, devices=DEVICES, without_zeros=bare
				)
				decision = self.decide_one(event(user_id), directory)
				found = decision.employee if decision.reason is Reason.NONE else decision.reason.value
				self.assertEqual(found, expected)

	def test_another_servers_normaliser_says_nothing(self):
		directory = Directory({"31": (ANN,)}, normalisers={"plant": ZEROS}, devices=DEVICES)
		self.assertIs(self.decide_one(event("031"), directory).reason, Reason.NO_EMPLOYEE)
		self.assertEqual(self.decide_one(event("031", device=PLANT_GATE), directory).employee, "ANN")

	def test_employment_is_judged_at_the_day_of_the_punch(self):
		for status, joined, left, day, expected in EMPLOYED:
			with self.subTest(status=status, joined=joined, left=left, day=day):
				directory = Directory({"7": (Person("ANN", status, joined, left),)}, devices=DEVICES)
				decision = self.decide_one(event(moment=at("9:00", on(day))), directory)
				self.assertEqual(decision.reason.value, expected)
				by_rule = Directory(
					mapping=[EVERYWHERE],
					persons={"ANN": Person("ANN", status, joined, left)},
					devices=DEVICES,
				)
				self.assertIs(
					self.decide_one(event(moment=at("9:00", on(day))), by_rule).reason, decision.reason
				)

	def test_a_repeat_is_counted_once_and_the_first_processed_stands(self):
		letters = {Reason.NONE: "k", Reason.REPEAT: "r", Reason.ALREADY_THERE: "t"}
		for seconds, policy, there, punches, expected in REPEATS:
			with self.subTest(seconds=seconds, policy=policy, there=there, punches=punches):
				directory = Directory({"7": (ANN,)}, devices=DEVICES)
				for number, (clock, log_type) in enumerate(there):
					directory.add("ANN", Recorded(at(clock), log_type, f"C{number}"))
				events = [event(moment=at(clock), direction=direction) for clock, direction in punches]
				rules = Rules(NOW, timedelta(seconds=seconds), direction=policy)
				self.assertEqual(
					"".join(letters[d.reason] for d in decide(events, directory, rules)), expected
				)

	def test_a_device_that_flips_by_itself_counts_a_double_tap_once(self):
		for flips, expected in ((False, 2), (True, 1)):
			device = Device(GATE, "Gate", "SN1", "HO", flips=flips)
			directory = Directory({"7": (ANN,)}, devices={GATE: device})
			events = [
				event(moment=at("9:00:02"), direction="IN"),
				event(moment=at("9:00:05"), direction="OUT"),
			]
			found = decide(events, directory, Rules(NOW, timedelta(seconds=60)))
			self.assertEqual(sum(decision.creates for decision in found), expected)

	def test_a_rule_of_a_device_holds_for_its_duplicate_too(self):
		devices = {GATE: DEVICES[GATE], "twin": DEVICES[GATE]}
		twin = event()._replace(device="twin", server="main")
		for where, expected in ((GATE, "BOB"), ("twin", "BOB"), (DOOR, "ANN")):
			rules = [rule("7", "BOB", "Device", where)]
			directory = Directory({"7": (ANN,)}, rules, PERSONS, devices=devices)
			self.assertEqual(self.decide_one(twin, directory).employee, expected)

	def test_the_log_type_follows_the_policy_of_the_device_or_of_the_settings(self):
		for own, default, reported, start, earlier, expected in LOG_TYPES:
			with self.subTest(own=own, default=default, reported=reported, earlier=earlier):
				device = Device(GATE, "Gate", "SN1", "HO", direction_policy=own)
				each = event(direction=reported)
				shifts = {("ANN", each.punch_time): Occurrence(at(start), at("9:00"))} if start else {}
				directory = Directory({"7": (ANN,)}, devices={GATE: device}, shifts=shifts)
				for number, clock in enumerate(earlier):
					directory.add("ANN", Recorded(at(clock), "IN", f"C{number}"))
				decision = self.decide_one(each, directory, direction=default)
				self.assertEqual((decision.reason, decision.log_type), (Reason.NONE, expected))

	def test_first_in_later_out_holds_within_a_batch_and_over_midnight(self):
		evening, morning = at("21:55"), at("6:05", on(8))
		events = [event(moment=evening), event(moment=at("2:00", on(8))), event(moment=morning)]
		directory = Directory(
			{"7": (ANN,)},
			devices=DEVICES,
			shifts={("ANN", each.punch_time): Occurrence(at("21:00"), at("22:00")) for each in events},
		)
		found = decide(events, directory, Rules(NOW, direction=FIRST_IN))
		self.assertEqual([decision.log_type for decision in found], ["IN", "OUT", "OUT"])

	def test_the_written_time_is_rounded_unless_it_would_meet_or_cross_a_neighbour(self):
		for minutes, mode, neighbours, punched, expected in ROUNDED:
			with self.subTest(minutes=minutes, mode=mode, neighbours=neighbours, punched=punched):
				directory = Directory({"7": (ANN,)}, devices=DEVICES)
				for number, clock in enumerate(neighbours):
					directory.add("ANN", Recorded(at(clock), "", f"C{number}"))
				rounding = Rounding(timedelta(minutes=minutes), mode)
				decision = self.decide_one(event(moment=at(punched)), directory, rounding=rounding)
				clock, _, next_day = expected.partition("+")
				self.assertEqual(decision.time, at(clock) + timedelta(days=int(next_day or 0)))
				self.assertEqual(decision.event.punch_time, at(punched), "what was punched stays")

	def test_rounding_looks_at_the_written_time_of_a_neighbour_and_already_there_at_the_punched_one(self):
		rounding = Rounding(timedelta(minutes=5))
		directory = Directory({"7": (ANN,)}, devices=DEVICES)
		directory.add("ANN", Recorded(at("9:04:00"), "", "C1", "E1", written=at("9:05:00")))
		self.assertEqual(
			self.decide_one(event(moment=at("9:06")), directory, rounding=rounding).time, at("9:06")
		)
		again = self.decide_one(event(moment=at("9:04"), device=DOOR), directory, rounding=rounding)
		self.assertEqual((again.reason, again.record), (Reason.ALREADY_THERE, "C1"))
		self.assertIs(
			self.decide_one(event(moment=at("9:05")), directory, rounding=rounding).reason, Reason.NONE
		)

	def test_there_are_at_least_120_decisions_in_these_tables(self):
		tables = (WHOSE, FORMS, EMPLOYED, REPEATS, LOG_TYPES, ROUNDED)
		self.assertGreaterEqual(sum(map(len, tables)), 120)


class Overlaps(unittest.TestCase):
	def test_two_rules_overlap_when_nothing_chooses_between_them(self):
		self.assertTrue(EVERYWHERE.overlaps(rule("7", "BOB")))
		self.assertTrue(UNTIL_6.overlaps(rule("7", "BOB", first=on(6))))
		self.assertFalse(UNTIL_6.overlaps(FROM_7))
		self.assertFalse(EVERYWHERE.overlaps(ON_MAIN))
		self.assertFalse(ON_MAIN.overlaps(ON_PLANT))
		self.assertFalse(EVERYWHERE.overlaps(rule("8", "BOB")))
