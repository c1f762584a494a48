"""How far back a run reads, and how the marks of a stream move."""

from __future__ import annotations

import unittest
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from biometric_integration.core.stream import Cursor, Plan, Stream, looks, oldest_first, plan
from biometric_integration.core.window import DAY, SECOND, Window, by_day, midnight

NOW = datetime(2025, 4, 17, 12, 30)
HOUR = timedelta(hours=1)
LOOKS = looks(overlap=2 * HOUR, rescan=10 * DAY)
NIGHTLY = tuple(look for look in LOOKS if look.name == "nightly")
ALL = ("weekly", "nightly", "hourly", "each")
READ = NOW - timedelta(minutes=10)
JUST = NOW - timedelta(minutes=10)
LONG_AGO = datetime(2024, 1, 1)


def cursor(**values) -> Cursor:
	"""A stream that is up to date, all looks back just finished."""
	fresh = {
		"read_from": LONG_AGO,
		"read_until": READ,
		"complete_until": READ,
		"scans": dict.fromkeys(ALL, JUST),
	}
	return Cursor(delivered=True, **{**fresh, **values})


def scans(**finished) -> dict[str, datetime]:
	return {**dict.fromkeys(ALL, JUST), **finished}


class Streams(unittest.TestCase):
	def test_an_empty_unit_has_a_key_of_its_own(self):
		self.assertEqual(Stream("main", "eBioServer", "", "ids").key, "main/eBioServer/*/ids")
		self.assertEqual(Stream("main", "eTimeTrackLite", "S1", "days").key, "main/eTimeTrackLite/S1/days")


class FirstRun(unittest.TestCase):
	def test_it_begins_at_the_start_date_and_counts_as_every_look_back(self):
		todo = plan(Cursor(), NOW, date(2025, 3, 1), LOOKS)
		self.assertEqual(todo, Plan(Window(datetime(2025, 3, 1), NOW), ALL))

	def test_without_a_start_date_it_begins_today(self):
		self.assertEqual(plan(Cursor(), NOW, None, LOOKS).window, Window(midnight(NOW), NOW))

	def test_a_start_date_ahead_gives_an_empty_window_not_one_that_ends_before_it_starts(self):
		self.assertEqual(plan(Cursor(), NOW, date(2025, 5, 1), LOOKS).window, Window(NOW, NOW))
		self.assertEqual(plan(cursor(), NOW, date(2025, 5, 1), LOOKS).window, Window(NOW, NOW))

	def test_one_that_failed_is_begun_again_at_the_same_place_days_later(self):
		first = plan(Cursor(), NOW, None, LOOKS)
		later = plan(first.begun(Cursor()), NOW + 3 * DAY, None, LOOKS)
		self.assertEqual(later.window, Window(midnight(NOW), NOW + 3 * DAY))

	def test_one_that_left_a_hole_from_the_beginning_is_read_from_there_days_later(self):
		first = plan(Cursor(), NOW, None, LOOKS)
		left = first.begun(Cursor()).moved(NOW, complete=False)
		self.assertEqual(plan(left, NOW + 3 * DAY, None, LOOKS).window.start, midnight(NOW))

	def test_what_was_read_before_keeps_the_place_where_it_began(self):
		kept = cursor()
		self.assertEqual(Plan(Window(NOW, NOW)).begun(kept), kept)

	def test_a_start_date_moved_forward_before_anything_was_read_is_where_the_stream_begins(self):
		tried = plan(Cursor(), NOW, date(2025, 1, 1), LOOKS).begun(Cursor())
		again = plan(tried, NOW, date(2025, 4, 1), LOOKS)
		read = again.finished(again.begun(tried).moved(NOW, complete=True), NOW)
		self.assertEqual(read.read_from, datetime(2025, 4, 1))
		back = plan(read, NOW, date(2025, 1, 1), LOOKS)
		self.assertEqual(back.past, Window(datetime(2025, 1, 1), datetime(2025, 4, 1)))


class MarksBehindTheFloor(unittest.TestCase):
	def test_a_mark_that_a_wrong_clock_set_back_behind_the_start_date_moves_again(self):
		start = date(2025, 4, 5)
		ahead = cursor(read_from=datetime(2025, 4, 5), read_until=NOW + HOUR, complete_until=NOW + HOUR)
		believed = ahead.believed(NOW)
		self.assertLess(believed.complete_until, datetime(2025, 4, 5))
		todo = plan(believed, NOW, start, LOOKS)
		read = todo.begun(believed).moved(NOW, complete=True, start=todo.window.start)
		read = todo.finished(read, NOW)
		self.assertEqual(read.complete_until, NOW)
		self.assertEqual(plan(read, NOW + HOUR / 12, start, LOOKS).window.start, NOW - 2 * HOUR)

	def test_a_hole_before_a_start_date_that_was_moved_forward_is_read_when_it_is_moved_back(self):
		hole = cursor(read_from=datetime(2025, 4, 1), complete_until=datetime(2025, 4, 5))
		todo = plan(hole, NOW, date(2025, 4, 10), LOOKS)
		read = todo.begun(hole).moved(NOW, complete=True, start=todo.window.start)
		self.assertEqual(read.complete_until, NOW)
		again = plan(todo.finished(read, NOW), NOW, date(2025, 4, 1), LOOKS)
		self.assertEqual(again.past, Window(datetime(2025, 4, 1), datetime(2025, 4, 10)))


class Order(unittest.TestCase):
	def test_the_one_read_longest_ago_comes_first_and_the_future_is_never(self):
		runs = {"S1": JUST, "S2": LONG_AGO, "S3": NOW + 400 * DAY}
		self.assertEqual(oldest_first(["S1", "S2", "S3", "S4"], runs, NOW), ["S3", "S4", "S2", "S1"])


class LooksBack(unittest.TestCase):
	def assert_plan(
		self, kept: Cursor, start: datetime, finishes: tuple[str, ...], start_date=None, due=LOOKS
	):
		self.assertEqual(plan(kept, NOW, start_date, due), Plan(Window(start, NOW), finishes))

	def test_each_run_reads_the_overlap(self):
		self.assert_plan(cursor(), READ - 2 * HOUR, ("each",))

	def test_the_hourly_look_reads_a_day(self):
		self.assert_plan(cursor(scans=scans(hourly=NOW - HOUR)), READ - DAY, ALL[2:])

	def test_the_nightly_look_reads_the_days_of_the_settings(self):
		self.assert_plan(cursor(scans=scans(nightly=NOW - DAY)), READ - 10 * DAY, ALL[1:])

	def test_the_weekly_look_reads_the_month_and_the_one_before(self):
		self.assert_plan(cursor(scans=scans(weekly=NOW - 7 * DAY)), datetime(2025, 3, 1), ALL)

	def test_a_look_is_not_due_a_second_too_early(self):
		self.assert_plan(
			cursor(
				scans=scans(
					weekly=NOW - 7 * DAY + SECOND, nightly=NOW - DAY + SECOND, hourly=NOW - HOUR + SECOND
				)
			),
			READ - 2 * HOUR,
			("each",),
		)

	def test_the_deepest_that_is_due_takes_the_others_with_it(self):
		self.assert_plan(cursor(scans={}), datetime(2025, 3, 1), ALL)

	def test_january_looks_into_december(self):
		january = datetime(2025, 1, 3, 8)
		kept = cursor(read_until=january, complete_until=january, scans={})
		self.assertEqual(plan(kept, january, None, LOOKS).window.start, datetime(2024, 12, 1))

	def test_a_long_pause_is_read_from_where_it_began(self):
		stopped = NOW - 60 * DAY
		kept = cursor(read_until=stopped, complete_until=stopped, scans=dict.fromkeys(ALL, stopped))
		self.assertLessEqual(plan(kept, NOW, None, LOOKS).window.start, stopped)

	def test_a_hole_left_open_is_read_again_at_the_next_run(self):
		hole = NOW - 5 * DAY
		self.assert_plan(cursor(complete_until=hole), hole, ("each",))

	def test_nothing_before_the_start_date_is_asked_for(self):
		kept = cursor(read_from=datetime(2025, 4, 12), scans=scans(nightly=NOW - DAY))
		self.assert_plan(kept, datetime(2025, 4, 12), ALL[1:], start_date=date(2025, 4, 12))

	def test_nor_before_the_day_of_the_first_run_where_there_is_none(self):
		kept = cursor(read_from=datetime(2025, 4, 15), scans={})
		self.assert_plan(kept, datetime(2025, 4, 15), ALL)

	def test_a_start_date_moved_back_is_read_from_there_to_where_the_stream_began_once(self):
		kept = cursor(read_from=datetime(2025, 4, 1))
		todo = plan(kept, NOW, date(2025, 2, 1), LOOKS)
		past = Window(datetime(2025, 2, 1), datetime(2025, 4, 1))
		self.assertEqual(todo, Plan(Window(READ - 2 * HOUR, NOW), ("each",), past))
		read = kept.read_back(past, NOW)
		self.assertEqual(read, replace(kept, read_from=past.start))
		self.assert_plan(read, READ - 2 * HOUR, ("each",), start_date=date(2025, 2, 1))

	def test_the_past_goes_on_where_it_was_left_and_a_start_date_further_back_begins_it_anew(self):
		kept = cursor(read_from=datetime(2025, 4, 1))
		past = Window(datetime(2025, 2, 1), datetime(2025, 4, 1))
		left = kept.read_back(Window(past.start, datetime(2025, 2, 8)), NOW)
		rest = Window(datetime(2025, 2, 8), datetime(2025, 4, 1))
		self.assertEqual(plan(left, NOW, date(2025, 2, 1), LOOKS).past, rest)
		further = left.read_back(Window(datetime(2025, 2, 7), datetime(2025, 2, 15)), NOW)
		self.assertEqual(plan(further, NOW, date(2025, 2, 3), LOOKS).past.start, datetime(2025, 2, 15))
		self.assertEqual(plan(further, NOW, date(2025, 1, 1), LOOKS).past.start, datetime(2025, 1, 1))
		self.assertEqual(plan(further, NOW, date(2025, 3, 1), LOOKS).past.start, datetime(2025, 3, 1))
		self.assertEqual(
			further.read_back(Window(datetime(2025, 2, 15), rest.end), NOW),
			replace(kept, read_from=past.start),
		)

	def test_a_window_that_reaches_to_where_the_stream_began_belongs_to_it(self):
		kept, began = cursor(read_from=datetime(2025, 4, 1)), datetime(2025, 3, 1)
		self.assertEqual(kept.joined(Window(began, datetime(2025, 4, 1))).read_from, began)
		self.assertEqual(kept.joined(Window(began, datetime(2025, 3, 31))), kept, "a day lies between")
		self.assertEqual(kept.joined(Window(datetime(2025, 4, 2), NOW)), kept)
		half_read = kept.read_back(Window(datetime(2025, 2, 1), datetime(2025, 3, 8)), NOW)
		self.assertEqual(half_read.joined(Window(began, NOW)), replace(kept, read_from=datetime(2025, 2, 1)))

	def test_a_look_back_that_reaches_into_the_past_ends_it_there_and_where_it_began_moves_no_more(self):
		kept, start_date = (
			cursor(read_from=datetime(2025, 4, 15), scans=scans(nightly=LONG_AGO)),
			date(2025, 1, 1),
		)
		todo = plan(kept, NOW, start_date, LOOKS)
		looked = todo.finished(kept.moved(NOW, complete=True), NOW)
		self.assertLess(looked.read_from, todo.past.end)
		for piece in by_day(todo.past):
			looked = looked.read_back(piece, NOW)
			self.assertLessEqual(looked.read_from, datetime(2025, 4, 8))
		half = kept.read_back(Window(datetime(2025, 1, 1), datetime(2025, 4, 9)), NOW)
		done = todo.finished(half.moved(NOW, complete=True), NOW)
		self.assertEqual((done.read_from, done.past(datetime(2025, 1, 1))), (datetime(2025, 1, 1), None))

	def test_a_hole_in_the_past_is_asked_for_once_a_day_and_only_what_lies_between_holes(self):
		kept, first = cursor(read_from=datetime(2025, 4, 1)), datetime(2025, 3, 1)
		for piece in by_day(Window(first, datetime(2025, 4, 1))):
			kept = kept.read_back(piece, NOW, hole=piece.start.day in (5, 7))
		self.assertEqual(kept.read_from, datetime(2025, 3, 8), "what follows the last one is read")
		self.assertIsNone(plan(kept, NOW + HOUR, first.date(), LOOKS).past)
		again = plan(kept, NOW + DAY, first.date(), LOOKS).past
		self.assertEqual(again, Window(datetime(2025, 3, 5), datetime(2025, 3, 8)))
		further = plan(kept, NOW, date(2025, 2, 1), LOOKS).past
		self.assertEqual(further, Window(datetime(2025, 2, 1), datetime(2025, 3, 8)), "which was never read")
		for piece in by_day(again):
			kept = kept.read_back(piece, NOW + DAY)
		self.assertEqual(kept, cursor(read_from=first))

	def test_the_past_is_read_also_where_no_look_is_due(self):
		kept = cursor(read_from=datetime(2025, 4, 1))
		past = Window(datetime(2025, 3, 1), datetime(2025, 4, 1))
		self.assertEqual(plan(kept, NOW, date(2025, 3, 1), NIGHTLY), Plan(Window(NOW, NOW), past=past))

	def test_a_start_date_moved_forward_reads_nothing_again(self):
		self.assert_plan(cursor(), READ - 2 * HOUR, ("each",), start_date=date(2025, 4, 10))

	def test_where_no_look_is_due_nothing_is_read(self):
		self.assertIsNone(plan(cursor(), NOW, None, NIGHTLY))

	def test_a_look_is_done_only_when_all_of_it_was_read(self):
		kept = cursor(scans={})
		self.assertEqual(plan(kept, NOW, None, LOOKS).finished(kept, NOW).scans, dict.fromkeys(ALL, NOW))
		self.assertEqual(plan(kept.moved(NOW, complete=True), NOW + HOUR, None, LOOKS).finishes, ALL)


class Moved(unittest.TestCase):
	def test_both_marks_go_forward_where_nothing_is_missing(self):
		moved = cursor().moved(NOW, complete=True)
		self.assertEqual((moved.read_until, moved.complete_until), (NOW, NOW))

	def test_a_hole_keeps_complete_until(self):
		moved = cursor().moved(NOW, complete=False)
		self.assertEqual((moved.read_until, moved.complete_until), (NOW, READ))

	def test_a_hole_at_the_very_beginning_leaves_complete_until_open(self):
		moved = Cursor().moved(NOW, complete=False)
		self.assertEqual((moved.read_until, moved.complete_until), (NOW, None))

	def test_a_stretch_that_begins_where_the_marks_are_moves_them(self):
		for start in (READ, READ - HOUR):
			with self.subTest(start=start):
				moved = cursor().moved(NOW, complete=True, start=start)
				self.assertEqual((moved.read_until, moved.complete_until), (NOW, NOW))

	def test_no_mark_jumps_over_a_stretch_that_was_not_read(self):
		self.assertEqual(cursor().moved(NOW, complete=True, start=READ + SECOND), cursor())

	def test_complete_until_does_not_jump_over_a_hole_that_read_until_has_passed(self):
		left = cursor(complete_until=READ - DAY)
		moved = left.moved(NOW, complete=True, start=READ)
		self.assertEqual((moved.read_until, moved.complete_until), (NOW, READ - DAY))

	def test_a_stream_never_read_begins_wherever_it_is_read(self):
		moved = Cursor().moved(NOW, complete=True, start=READ)
		self.assertEqual((moved.read_until, moved.complete_until), (NOW, NOW))

	def test_reading_the_past_again_moves_nothing_back(self):
		for complete in (True, False):
			with self.subTest(complete=complete):
				self.assertEqual(cursor().moved(LONG_AGO, complete), cursor())


@dataclass(frozen=True)
class Run:
	"""What a run meets: how long after the one before, and the pieces (counted from the oldest) that go wrong."""

	later: timedelta
	fails_at: int | None
	holes_at: frozenset[int]


RUNS = st.lists(
	st.builds(
		Run,
		st.integers(60, 12 * 86400).map(lambda seconds: timedelta(seconds=seconds)),
		st.none() | st.integers(0, 20),
		st.frozensets(st.integers(0, 20), max_size=3),
	),
	min_size=1,
	max_size=12,
)
GOOD = Run(timedelta(hours=1), None, frozenset())


@dataclass
class Reader:
	"""Reads by the book: piece by piece, each commit surviving a failure of the next one."""

	start_date: date | None
	kept: Cursor = field(default_factory=Cursor)
	read: list[Window] = field(default_factory=list)

	def run(self, now: datetime, run: Run) -> None:
		todo = plan(self.kept, now, self.start_date, LOOKS)
		self.kept = todo.begun(self.kept)
		hole = False
		for number, piece in enumerate(by_day(todo.window)):
			if number == run.fails_at:
				return
			hole = hole or number in run.holes_at
			if number not in run.holes_at:
				self.read.append(piece)
			self.kept = replace(self.kept.moved(piece.end, not hole, piece.start), delivered=True)
		if not hole:
			self.kept = todo.finished(self.kept, now)

	def unread(self, start: datetime, end: datetime) -> list[Window]:
		"""What of a stretch was never read to its end."""
		reached, holes = start, []
		for piece in sorted(self.read, key=lambda piece: piece.start):
			if piece.start >= end:
				break
			if piece.start > reached:
				holes.append(Window(reached, piece.start))
			reached = max(reached, piece.end)
		return holes if reached >= end else [*holes, Window(reached, end)]


class NothingIsLeftOut(unittest.TestCase):
	@settings(deadline=None)
	@given(RUNS, st.none() | st.dates(date(2025, 3, 1), date(2025, 4, 17)))
	def test_whatever_fails_before_one_good_run_reads_all_that_was_missed(self, runs, start_date):
		reader, now = Reader(start_date), NOW
		for run in [*runs, GOOD]:
			now += run.later
			reader.run(now, run)
		began = (
			datetime.combine(start_date, datetime.min.time()) if start_date else midnight(NOW + runs[0].later)
		)
		self.assertEqual(reader.unread(began, now), [])
		self.assertEqual((reader.kept.read_until, reader.kept.complete_until), (now, now))

	@settings(deadline=None)
	@given(RUNS)
	def test_complete_until_never_passes_anything_unread(self, runs):
		reader, now = Reader(date(2025, 4, 1)), NOW
		for run in runs:
			now += run.later
			reader.run(now, run)
			if complete := reader.kept.complete_until:
				self.assertEqual(reader.unread(datetime(2025, 4, 1), complete), [])

	@settings(deadline=None)
	@given(RUNS)
	def test_no_mark_ever_goes_back_or_past_the_clock(self, runs):
		reader, now, marks = Reader(date(2025, 4, 1)), NOW, (datetime.min, datetime.min)
		for run in runs:
			now += run.later
			reader.run(now, run)
			new = (reader.kept.read_until or datetime.min, reader.kept.complete_until or datetime.min)
			self.assertTrue(marks[0] <= new[0] <= now and marks[1] <= new[1] <= new[0])
			marks = new


if __name__ == "__main__":
	unittest.main()
