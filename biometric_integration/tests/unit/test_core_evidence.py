"""What a device that was heard of proves about the time before, and what its silence means by its own rhythm."""

from __future__ import annotations

import unittest
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from biometric_integration.core.evidence import (
	DeviceHour,
	Heard,
	LookBack,
	Proof,
	Rhythm,
	Silence,
	Standing,
	Today,
	Use,
	complete_until,
	hold_until,
	own_devices,
	proof,
	rhythm,
	silences,
	today,
)

few = settings(max_examples=50)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
NOW = datetime(2025, 5, 5)
"""A Monday, as is the 7th of April, four weeks before."""

OFFICE = ("08:40-08:58 20", "09:00-09:10 10", "18:00-18:10 30")
"""When 30 people come and go: what comes of a device on one day."""


def at(text: str) -> datetime:
	return datetime.strptime(f"2025 {text}", "%Y %d %b %H:%M")


def on(text: str) -> date:
	return at(f"{text} 00:00").date()


def came(day: date, *parts: str) -> list[DeviceHour]:
	"""`08:40-08:58 20`: from then until then, so many punches."""
	rows = []
	for part in parts:
		stretch, _, count = part.partition(" ")
		first, last = (datetime.combine(day, time.fromisoformat(each)) for each in stretch.split("-"))
		rows.append(DeviceHour(first.replace(minute=0), int(count), first, last, punch=last))
	return rows


def days(first: str, count: int) -> list[date]:
	return [on(first) + number * DAY for number in range(count)]


def workdays(first: str, count: int) -> list[date]:
	return [day for day in days(first, count) if day.weekday() < 5]


def office(*dates: date) -> list[DeviceHour]:
	return [row for day in dates for row in came(day, *OFFICE)]


WEEKS = office(*workdays("7 Apr", 28))
USUAL = rhythm(WEEKS, NOW)


def heard(device: str = "exit", **values) -> Heard:
	values.setdefault("read_until", datetime.max)
	return Heard(device, device.title(), **values)


class WhatIsUsual(unittest.TestCase):
	def usual(self, counts: dict[str, int], now: datetime = NOW, quiet=frozenset()) -> Rhythm:
		rows = [row for day, count in counts.items() for row in came(on(day), f"09:00-09:10 {count}")]
		return rhythm(sorted(rows), now, quiet)

	def test_it_is_the_median_of_that_weekday_and_hour_over_four_weeks(self):
		found = self.usual({"7 Apr": 90, "14 Apr": 10, "21 Apr": 12, "28 Apr": 11, "29 Apr": 3})
		self.assertEqual(found.usual, {(0, 9): 11, (1, 9): 3})

	def test_what_came_before_the_four_weeks_or_today_is_left_out(self):
		self.assertEqual(self.usual({"6 Apr": 90, "5 May": 90}, at("5 May 12:00")).usual, {})

	def test_the_day_four_weeks_ago_counts_as_a_whole_at_any_hour_of_today(self):
		for hour in range(24):
			found = self.usual({"7 Apr": 30, "28 Apr": 30}, NOW + hour * HOUR)
			self.assertEqual(found.usual, {(0, 9): 30}, f"at {hour}:00")

	def test_a_day_on_which_nothing_came_says_nothing(self):
		self.assertEqual(self.usual({"7 Apr": 30}).usual, {(0, 9): 30})

	def test_a_day_on_which_only_another_hour_came_says_that_nothing_did(self):
		rows = came(on("7 Apr"), *OFFICE) + [
			row for day in ("14 Apr", "21 Apr", "28 Apr") for row in came(on(day), "18:00-18:10 4")
		]
		self.assertEqual(rhythm(rows, NOW).usual, {(0, 18): 4})

	def test_a_ping_is_no_punch(self):
		self.assertEqual(self.usual({"7 Apr": 0, "14 Apr": 0, "21 Apr": 5}).usual, {(0, 9): 5})

	def test_on_quiet_days_nothing_is_usual(self):
		usual = replace(USUAL, quiet=frozenset({on("6 May")}))
		self.assertEqual(USUAL.between(at("6 May 00:00"), at("7 May 00:00")), 60)
		self.assertEqual(usual.between(at("6 May 00:00"), at("7 May 00:00")), 0)
		self.assertEqual(usual.between(at("6 May 00:00"), at("8 May 00:00")), 60)

	def test_the_watchman_on_quiet_days_makes_nothing_less_usual(self):
		quiet = frozenset({on("14 Apr"), on("21 Apr")})
		counts = {"7 Apr": 30, "14 Apr": 1, "21 Apr": 1, "28 Apr": 30}
		self.assertEqual(self.usual(counts, quiet=quiet).usual, {(0, 9): 30})

	@given(st.lists(st.integers(0, 14 * 24 * 60), min_size=3, max_size=3))
	def test_no_punch_is_expected_twice(self, minutes):
		first, middle, last = (NOW + minute * MINUTE for minute in sorted(minutes))
		parts = USUAL.between(first, middle) + USUAL.between(middle, last)
		self.assertLessEqual(parts, USUAL.between(first, last))
		self.assertLessEqual(USUAL.between(first, last), 60 * 10)


class Silences(unittest.TestCase):
	def test_nights_and_weekends_are_none(self):
		self.assertEqual(silences(WEEKS, USUAL), ())

	def test_a_working_day_is_one_from_the_last_sign_to_the_next(self):
		rows = office(on("5 May"), on("7 May"))
		self.assertEqual(silences(rows, USUAL), (Silence(at("5 May 18:10"), at("7 May 08:40")),))

	def test_an_evening_on_which_all_but_one_are_missing_is_one(self):
		rows = came(on("5 May"), *OFFICE[:2], "18:00-18:01 1") + office(on("6 May"))
		self.assertEqual(silences(rows, USUAL), (Silence(at("5 May 18:01"), at("6 May 08:40")),))

	def test_people_who_leave_a_little_earlier_than_usual_are_none(self):
		rows = came(on("5 May"), *OFFICE[:2], "18:00-18:05 20") + office(on("6 May"))
		self.assertEqual(silences(rows, USUAL), ())

	def test_pings_break_it(self):
		rows = came(on("5 May"), *OFFICE)
		rows += came(on("6 May"), *(f"{hour:02}:05-{hour:02}:55 0" for hour in range(24)))
		rows += office(on("7 May"))
		self.assertEqual(silences(rows, USUAL), ())

	def test_a_holiday_is_none(self):
		rows = office(on("5 May"), on("7 May"))
		self.assertEqual(silences(rows, replace(USUAL, quiet=frozenset({on("6 May")}))), ())

	def test_a_device_that_few_people_use_is_silent_after_days_not_hours(self):
		few = [row for day in workdays("7 Apr", 28) for row in came(day, "09:00-09:10 2")]
		usual = rhythm(few, NOW)
		rows = [row for day in ("5 May", "8 May") for row in came(on(day), "09:00-09:10 2")]
		self.assertEqual(silences(rows, usual), ())
		rows[-1:] = came(on("9 May"), "09:00-09:10 2")
		self.assertEqual(len(silences(rows, usual)), 1)

	@few
	@given(st.sets(st.integers(0, 20)))
	def test_they_are_apart_and_in_order_whatever_days_came(self, numbers):
		rows = office(*(on("5 May") + number * DAY for number in sorted(numbers)))
		found = silences(rows, USUAL)
		ends = [moment for silence in found for moment in silence]
		self.assertEqual(ends, sorted(ends))
		missed = {day for day in workdays("5 May", 21) if (day - on("5 May")).days not in numbers}
		between = {day for day in missed if rows and rows[0].hour.date() < day < rows[-1].hour.date()}
		covered = {
			day for day in between if any(one.begin.date() < day < one.contact.date() for one in found)
		}
		self.assertEqual(covered, between)


class HowItStands(unittest.TestCase):
	BUSY = rhythm(
		[row for day in workdays("7 Apr", 28) for row in came(day, "08:10-08:59 60", "09:00-09:40 80")], NOW
	)

	def test_never_heard_of(self):
		self.assertEqual(today([], USUAL, NOW), Today(Standing.NEVER, 0, 0))

	def test_silent_since_its_last_sign(self):
		rows = office(on("5 May"))
		self.assertEqual(
			today(rows, USUAL, at("6 May 10:00")), Today(Standing.SILENT, 30, 0, at("5 May 18:10"))
		)

	def test_late_where_usually_140_have_come_by_ten_and_three_have(self):
		rows = came(on("5 May"), "08:10-08:50 1", "09:05-09:55 2")
		self.assertEqual(today(rows, self.BUSY, at("5 May 10:00")), Today(Standing.LATE, 140, 3))

	def test_online_with_a_quarter_of_what_is_usual(self):
		rows = came(on("5 May"), "08:10-08:50 20", "09:05-09:55 15")
		self.assertEqual(today(rows, self.BUSY, at("5 May 10:00")), Today(Standing.ONLINE, 140, 35))

	def test_a_usual_day_is_online_at_every_minute_of_it(self):
		rows = office(on("2 May"), on("5 May"), on("6 May"))
		for minute in range(0, 24 * 60, 3):
			now = at("6 May 00:00") + minute * MINUTE
			so_far = [row._replace(last=min(row.last, now)) for row in rows if row.first <= now]
			self.assertIs(today(so_far, USUAL, now).standing, Standing.ONLINE, f"{now:%H:%M}")

	def test_where_little_is_usual_nothing_is_late(self):
		rows = came(on("5 May"), "09:55-09:55 0")
		for count, expected in ((19, Standing.ONLINE), (20, Standing.LATE)):
			self.assertIs(today(rows, Rhythm({(0, 9): count}), at("5 May 10:30")).standing, expected)

	def test_on_a_quiet_day_nothing_is_missed(self):
		usual = replace(USUAL, quiet=frozenset({on("6 May")}))
		found = today(office(on("5 May")), usual, at("6 May 20:00"))
		self.assertEqual(found, Today(Standing.ONLINE, 0, 0))


CLOSE = at("5 May 19:00")


class WhatItProves(unittest.TestCase):
	def test_a_close_needs_reading_beyond_it_and_a_sign_after_it(self):
		later = CLOSE + HOUR
		for label, expected, values in (
			("both", True, {"read_until": later, "punch": later}),
			("read just to the close", True, {"read_until": CLOSE, "punch": later}),
			("not read so far", False, {"read_until": CLOSE - MINUTE, "punch": later}),
			("no sign at all", False, {"read_until": later}),
			("the last sign before", False, {"read_until": later, "punch": CLOSE - MINUTE}),
			("the last sign at the close", False, {"read_until": later, "punch": CLOSE}),
			("read since before the close", True, {"read_from": CLOSE - MINUTE, "punch": later}),
			("what is older is not read so far", False, {"read_from": CLOSE, "punch": later}),
		):
			with self.subTest(label):
				self.assertIs(heard(**values).proves(CLOSE), expected)

	def test_a_day_from_before_what_was_read_says_so_unless_a_person_trusts_the_device(self):
		for label, expected, values in (
			("not read so far", True, {"read_from": CLOSE}),
			("silent", False, {"punch": CLOSE - MINUTE}),
			("trusted", False, {"read_from": CLOSE, "trusted_until": CLOSE.date()}),
		):
			with self.subTest(label):
				found = proof(CLOSE, [heard(**{"punch": CLOSE + HOUR, **values})])
				self.assertEqual((found.proven, found.unread), (label == "trusted", expected))

	def test_a_ping_counts_only_where_it_was_read_after_it(self):
		ping = CLOSE + HOUR
		for label, expected, looks in (
			("never read", False, ()),
			("read before", False, (LookBack(ping - MINUTE, CLOSE - DAY),)),
			("read after", True, (LookBack(ping + MINUTE, CLOSE - HOUR),)),
		):
			with self.subTest(label):
				self.assertIs(heard(ping=ping, looks=looks).proves(CLOSE), expected)
		self.assertFalse(heard(ping=CLOSE, looks=(LookBack(ping, CLOSE),)).proves(CLOSE))

	def test_after_a_silence_a_look_back_to_its_begin_is_awaited_for_an_hour_from_contact(self):
		silence = Silence(at("5 May 12:00"), at("6 May 09:00"))
		for label, expected, look in (
			("too early", False, LookBack(at("6 May 09:59"), at("5 May 12:00"))),
			("not far enough", False, LookBack(at("6 May 11:00"), at("5 May 12:01"))),
			("both", True, LookBack(at("6 May 10:00"), at("5 May 12:00"))),
		):
			with self.subTest(label):
				found = heard(punch=at("6 May 11:00"), silences=(silence,), looks=(look,))
				self.assertIs(found.proves(CLOSE), expected)
				self.assertIs(found.proves(silence.begin), expected)
				self.assertTrue(found.proves(silence.begin - MINUTE), "before it nothing was missed")

	def test_two_halves_of_a_look_back_are_none(self):
		silence = Silence(at("5 May 12:00"), at("6 May 09:00"))
		looks = (
			LookBack(at("6 May 09:30"), at("1 May 00:00")),
			LookBack(at("6 May 11:00"), at("6 May 08:00")),
		)
		self.assertFalse(heard(punch=at("6 May 11:00"), silences=(silence,), looks=looks).proves(CLOSE))

	def test_who_trusts_it_until_a_day_trusts_that_day_too(self):
		found = heard(read_until=datetime.min, trusted_until=on("5 May"))
		self.assertTrue(found.proves(at("5 May 23:59")))
		self.assertFalse(found.proves(at("6 May 00:00")))

	moments = st.integers(0, 14 * 24).map(lambda hours: NOW + hours * HOUR)
	stretches = st.tuples(moments, moments).map(sorted)
	devices = st.builds(
		heard,
		read_until=moments,
		looks=st.lists(stretches.map(lambda pair: LookBack(pair[1], pair[0])), max_size=3).map(tuple),
		punch=st.none() | moments,
		ping=st.none() | moments,
		silences=st.lists(stretches.map(lambda pair: Silence(*pair)), max_size=2).map(tuple),
		trusted_until=st.none() | moments.map(datetime.date),
	)

	@few
	@given(devices, moments, moments)
	def test_who_proves_a_close_proves_all_earlier_ones(self, device, one, other):
		earlier, later = sorted((one, other))
		self.assertLessEqual(device.proves(later), device.proves(earlier))

	@few
	@given(devices, moments, stretches, moments)
	def test_reading_and_hearing_more_never_takes_a_proof_away(self, device, close, look, sign):
		more = replace(
			device,
			read_until=max(device.read_until, look[1]),
			looks=(*device.looks, LookBack(look[1], look[0])),
			punch=max(sign, device.punch or sign),
		)
		self.assertLessEqual(device.proves(close), more.proves(close))


class Stories(unittest.TestCase):
	def test_an_exit_reader_that_was_away_proves_nothing_until_its_backlog_was_read(self):
		"""Offline from Tuesday to Friday; it pings at 9:00 and sends until 11:30, newest first."""
		rows = office(on("5 May")) + came(on("9 May"), "09:00-09:55 0", "10:00-10:55 0", "11:00-11:30 2")
		away = silences(rows, USUAL)
		self.assertEqual(away, (Silence(at("5 May 18:10"), at("9 May 09:00")),))
		entry = heard(
			"entry", punch=at("9 May 11:25"), looks=(LookBack(at("9 May 11:25"), at("9 May 08:00")),)
		)
		closes = [at(f"{day} May 19:00") for day in (6, 7, 8)] + [at("9 May 07:00"), at("9 May 08:59")]

		def held(now: str, *looks: LookBack) -> list[bool]:
			there = heard(
				read_until=at(now),
				punch=at("9 May 08:58"),
				ping=at("9 May 09:00"),
				silences=away,
				looks=looks,
			)
			asked = [proof(close, [entry, there]) for close in closes]
			self.assertLessEqual({one.held_by for one in asked}, {"", "exit"})
			return [not one.proven for one in asked]

		early = LookBack(at("9 May 09:40"), at("1 May 00:00"))
		short = LookBack(at("9 May 10:20"), at("6 May 09:00"))
		self.assertEqual(held("9 May 09:30"), [True] * 5)
		self.assertEqual(held("9 May 09:40", early), [True] * 5)
		self.assertEqual(held("9 May 10:20", early, short), [True] * 5)
		whole = LookBack(at("9 May 11:35"), at("5 May 00:00"))
		self.assertEqual(held("9 May 11:35", early, short, whole), [False] * 5)
		gone = heard(punch=at("5 May 18:10"))
		self.assertEqual(
			proof(closes[0], [entry, gone]),
			Proof(False, "exit", "Exit", at("5 May 18:10"), devices=("entry", "exit")),
		)

	def test_a_factory_that_was_shut_asks_nothing_of_anybody(self):
		"""A server without pings, shut from Saturday the 10th; the first punch is on Monday the 26th."""
		shut = frozenset(days("10 May", 16))
		usual = replace(USUAL, quiet=shut)
		before = office(*workdays("5 May", 5))
		for day in sorted(shut):
			found = today(before, usual, datetime.combine(day, time(15)))
			self.assertIs(found.standing, Standing.ONLINE, f"on {day}")
		friday = at("9 May 19:00")
		away = silences(before, usual)
		self.assertFalse(heard(punch=at("9 May 18:10"), silences=away).proves(friday))
		back = silences(before + office(on("26 May")), usual)
		self.assertEqual(back, ())
		self.assertTrue(heard(punch=at("26 May 08:40"), silences=back).proves(friday))

	def test_nobody_is_held_by_what_is_dead_or_was_replaced(self):
		"""The person's last use of it is 31 days back, so the host counts nothing of it; another one was never heard of."""
		uses = [Use("new", 50, at("4 May 18:00")), Use("", 2, at("4 May 12:00"))]
		self.assertEqual(own_devices(uses, on("5 May")), {"new"})
		asked = [heard("new", punch=CLOSE + HOUR), heard("unseen", read_until=datetime.min)]
		self.assertTrue(proof(CLOSE, asked).proven)


class OwnDevices(unittest.TestCase):
	def test_a_device_with_one_in_twenty_check_ins_is_theirs(self):
		long_ago = at("10 Apr 09:00")
		uses = [Use("gate", 57, long_ago), Use("yard", 3, long_ago)]
		self.assertEqual(own_devices(uses, on("5 May")), {"gate", "yard"})
		uses[0] = Use("gate", 58, long_ago)
		self.assertEqual(own_devices(uses, on("5 May")), {"gate"})

	def test_a_device_used_within_a_week_is_theirs(self):
		many = Use("gate", 99, at("4 May 09:00"))
		self.assertEqual(
			own_devices([many, Use("yard", 1, at("28 Apr 00:00"))], on("5 May")), {"gate", "yard"}
		)
		self.assertEqual(own_devices([many, Use("yard", 1, at("27 Apr 23:59"))], on("5 May")), {"gate"})

	def test_check_ins_without_a_device_count_and_are_none(self):
		long_ago = at("10 Apr 09:00")
		self.assertEqual(own_devices([Use("", 58, long_ago), Use("gate", 2, long_ago)], on("5 May")), set())
		self.assertEqual(own_devices([Use("", 58, NOW)], on("5 May")), set())
		self.assertEqual(own_devices([], on("5 May")), set())

	@given(st.integers(1, 300), st.integers(0, 6000))
	def test_the_share_is_exact(self, own, others):
		long_ago = at("10 Apr 09:00")
		found = own_devices([Use("yard", own, long_ago), Use("", others, long_ago)], on("5 May"))
		self.assertEqual("yard" in found, own * 20 >= own + others)


class ProofOfAll(unittest.TestCase):
	def test_it_names_the_device_that_has_been_silent_for_longest(self):
		asked = [
			heard("a", punch=CLOSE - HOUR),
			heard("b", punch=CLOSE - DAY),
			heard("c", punch=CLOSE + HOUR),
			heard("d"),
		]
		expected = Proof(False, "b", "B", CLOSE - DAY, CLOSE + 3 * DAY, devices=("a", "b", "c"))
		self.assertEqual(proof(CLOSE, asked, CLOSE + 3 * DAY), expected)
		self.assertEqual(proof(CLOSE, reversed(asked), CLOSE + 3 * DAY), expected)

	def test_a_device_never_heard_of_holds_nobody_not_even_where_it_was_trusted_once(self):
		for device in (heard(), heard(trusted_until=on("1 May"))):
			self.assertTrue(proof(CLOSE, [device]).proven)

	def test_without_a_device_nothing_is_waited_for(self):
		self.assertEqual(proof(CLOSE, []), Proof(True))

	@few
	@given(st.lists(WhatItProves.devices, max_size=4), WhatItProves.moments)
	def test_it_is_proven_where_each_that_ever_spoke_proves_it(self, devices, close):
		devices = [replace(device, device=f"d{number}") for number, device in enumerate(devices)]
		found = proof(close, devices)
		missing = {one.device for one in devices if one.sign_of_life and not one.proves(close)}
		self.assertEqual(found.proven, not missing)
		self.assertEqual(bool(found.held_by), bool(missing))
		self.assertTrue(found.proven or found.since, "who is held learns since when")


class HowLongItIsWaited(unittest.TestCase):
	@staticmethod
	def weekday(day: date) -> bool:
		return day.weekday() < 5

	def test_three_expected_days_weekends_and_holidays_left_out(self):
		for close, expected in (
			("5 May 19:00", "9 May 00:00"),
			("6 May 07:00", "10 May 00:00"),
			("9 May 19:00", "15 May 00:00"),
		):
			self.assertEqual(hold_until(at(close), 3, self.weekday), at(expected))
		holidays = {on("6 May"), on("7 May")}
		found = hold_until(at("5 May 19:00"), 3, lambda day: self.weekday(day) and day not in holidays)
		self.assertEqual(found, at("13 May 00:00"))

	def test_it_goes_on_until_the_day_of_the_month_on_which_it_is_decided(self):
		for close, decide_by, expected in (
			("5 May 19:00", 20, "21 May 00:00"),
			("20 May 19:00", 20, "24 May 00:00"),
			("21 May 19:00", 20, "21 Jun 00:00"),
			("19 May 19:00", 20, "23 May 00:00"),
			("30 Jan 19:00", 30, "5 Feb 00:00"),
			("31 Jan 19:00", 30, "1 Mar 00:00"),
			("5 Apr 19:00", 31, "1 May 00:00"),
			("5 May 19:00", 31, "1 Jun 00:00"),
		):
			with self.subTest(close=close, decide_by=decide_by):
				self.assertEqual(hold_until(at(close), 3, self.weekday, decide_by), at(expected))

	def test_where_nobody_is_expected_any_more_it_ends_all_the_same(self):
		self.assertEqual(hold_until(at("5 May 19:00"), 3, lambda _day: False), at("5 Jul 00:00"))

	@given(st.integers(0, 400), st.integers(0, 5), st.integers(0, 31), st.sets(st.integers(0, 6), max_size=6))
	def test_it_lasts_at_least_as_many_expected_days_and_at_most_a_month_more(self, days, count, by, off):
		close = CLOSE + days * DAY
		until = hold_until(close, count, lambda day: day.weekday() not in off, by)
		self.assertEqual(until.time(), time())
		whole = [close.date() + number * DAY for number in range(1, (until.date() - close.date()).days)]
		self.assertGreaterEqual(sum(day.weekday() not in off for day in whole), count)
		self.assertLessEqual(until - close, 40 * DAY)


class Completeness(unittest.TestCase):
	def test_a_unit_is_as_complete_as_its_feed_that_is_ahead(self):
		live, by_day = NOW + 10 * HOUR, NOW
		self.assertEqual(complete_until({"day": by_day}, [live]), live)
		self.assertEqual(complete_until({"day": by_day}, [None]), by_day)
		self.assertEqual(complete_until({"punches": by_day}, []), by_day)

	def test_a_unit_whose_past_was_never_read_through_is_not_complete_at_all(self):
		self.assertEqual(complete_until({"day": None}, [NOW]), datetime.min)
		self.assertEqual(complete_until({"punches": None}, []), datetime.min)
