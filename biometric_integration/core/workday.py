"""Which check-ins of a person belong together (design §4). The same check-ins give the same workdays, in whatever order they came.

All times are naive wall clock of the site.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from hashlib import blake2b
from itertools import pairwise
from typing import NamedTuple

from biometric_integration.core.punch import Direction
from biometric_integration.core.window import DAY, shifted

LONGEST = timedelta(hours=16)
"""From the first to the last check-in of a workday, where nothing else is set."""

APART = timedelta(hours=6)
"""A shorter pause is a pause, not the end of a workday."""

TAP = timedelta(seconds=60)
"""Check-ins as close as this are one tap at the device: no IN and OUT."""

HOUR = timedelta(hours=1)


class Shift(NamedTuple):
	"""One occurrence of a shift. Check-ins from `opens` to `closes` belong to it, as HRMS cuts its window where another shift begins; `reach` is
	where the window ends if nothing cuts it."""

	start: datetime
	name: str
	end: datetime
	opens: datetime
	closes: datetime
	reach: datetime

	@property
	def key(self) -> Key:
		return self.start, self.name

	@property
	def length(self) -> timedelta:
		return self.end - self.start

	def is_near(self, moment: datetime) -> bool:
		"""Within a day of its window: what lies further away was moved since the shift was noted."""
		return shifted(self.opens, -DAY) <= moment <= shifted(max(self.closes, self.end), DAY)


Key = tuple[datetime, str]
"""Start and name of a shift: which occurrence it is."""


@dataclass(frozen=True)
class CheckIn:
	"""A check-in, by whoever made it.

	noted: the shift that it says. answered: the one that the roster says today; as noted, where the roster has no other. device: the Biometric Device it
	was made at, empty for others. attendance: the record it is part of, which fixes it. skipped: *Skip Auto Attendance*. arrived: when it was written.
	"""

	time: datetime
	name: str
	log_type: str = ""
	noted: Shift | None = None
	answered: Shift | None = None
	device: str = ""
	attendance: str = ""
	skipped: bool = False
	arrived: datetime = datetime.min

	@property
	def shift(self) -> Shift | None:
		shift = self.noted if self.attendance else self.answered
		return shift if shift and shift.is_near(self.time) else None

	@property
	def is_noted_otherwise(self) -> bool:
		"""Does the roster say another shift than the check-in does? Of one that is part of an attendance, only another shift type counts."""
		if self.answered is None or self.noted is None:
			return self.answered is not None
		return self.noted.name != self.answered.name or (
			not self.attendance and self.noted.key != self.answered.key
		)


Piece = tuple[CheckIn, ...]


@dataclass(frozen=True)
class Workday:
	"""What the check-ins of a person say about one occurrence of a shift, or about the stretches without a shift that begin on one date.

	pieces: what was worked in one go, oldest first; one for a shift. outside: names of check-ins that lie outside of the shift they are taken for.
	is_unclear: another cut would have been as good. expected: the roster says so.
	"""

	date: date
	shift: Shift | None = None
	pieces: tuple[Piece, ...] = ()
	outside: frozenset[str] = field(default_factory=frozenset)
	is_unclear: bool = False
	expected: bool = False
	longest: timedelta = LONGEST

	@property
	def checkins(self) -> Piece:
		return tuple(checkin for piece in self.pieces for checkin in piece)

	@property
	def counted(self) -> Piece:
		"""Without those outside of the shift."""
		return tuple(checkin for checkin in self.checkins if checkin.name not in self.outside)

	@property
	def told(self) -> Piece:
		"""Without the further check-ins of a tap: those by which hours are counted."""
		return tuple(checkin for piece in self.pieces for checkin in told(piece))

	@property
	def closes(self) -> datetime:
		"""Until then a check-in may still belong to it."""
		if self.shift and not self.outside:
			return max(self.shift.closes, self.shift.end)
		begins = [piece[0].time for piece in self.pieces]
		return shifted(max(begins), self.longest) if begins else datetime.combine(self.date, time()) + DAY

	def closes_later_than(self, moment: datetime) -> bool:
		return self.closes > moment

	@property
	def hours(self) -> float:
		"""The sum of its pairs, outside ones included."""
		return hours(self.pieces)

	@property
	def overtime(self) -> float:
		"""Hours beyond the length of the shift; 0 without a shift."""
		return max(0.0, round(self.hours - self.shift.length / HOUR, 2)) if self.shift else 0.0

	@property
	def lacks_a_punch(self) -> bool:
		return any(not is_paired(piece) for piece in self.pieces)

	def name_for(self, employee: str) -> str:
		"""Names the row: date and a hash of employee, shift and start."""
		start = self.shift.start.isoformat() if self.shift else ""
		text = "\x1f".join((employee, self.shift.name if self.shift else "", start))
		return f"{self.date:%Y%m%d}-{blake2b(text.encode(), digest_size=10).hexdigest()}"


# --- pairs


def taps(piece: Sequence[CheckIn]) -> list[Piece]:
	"""Check-ins that are one tap at the device, each with those within a minute of its first one. OUT and then IN are two: one ends, one begins."""
	found: list[list[CheckIn]] = []
	for checkin in piece:
		if found and checkin.time - found[-1][0].time <= TAP and not _is_turn(found[-1][-1], checkin):
			found[-1].append(checkin)
		else:
			found.append([checkin])
	return [tuple(group) for group in found]


def told(piece: Sequence[CheckIn]) -> list[CheckIn]:
	"""The check-in of each tap that says when somebody came or went: the first one, of the last tap the last one."""
	groups = taps(piece)
	return [group[0] for group in groups[:-1]] + [group[-1] for group in groups[-1:]]


def _is_turn(before: CheckIn, after: CheckIn) -> bool:
	return before.log_type == Direction.OUT.value and after.log_type == Direction.IN.value


def pairs(piece: Sequence[CheckIn]) -> Iterator[tuple[datetime, datetime]]:
	"""From each IN to the next OUT, or in turns where a tap has no Log Type. What is left open is left out."""
	groups = taps(piece)
	typed = _is_typed(groups)
	begin: datetime | None = None
	for group in groups:
		if begin is None:
			begin = group[0].time if not typed or group[0].log_type == Direction.IN.value else None
		elif not typed or group[-1].log_type == Direction.OUT.value:
			yield begin, group[-1].time
			begin = None


def is_paired(piece: Sequence[CheckIn]) -> bool:
	return 2 * sum(1 for _pair in pairs(piece)) == len(taps(piece))


def lacks_its_end(piece: Sequence[CheckIn]) -> bool:
	groups = taps(piece)
	if _is_typed(groups):
		return groups[-1][-1].log_type == Direction.IN.value
	return len(groups) % 2 == 1


def _is_typed(groups: Sequence[Piece]) -> bool:
	return all(group[0].log_type and group[-1].log_type for group in groups)


def hours(pieces: Iterable[Sequence[CheckIn]]) -> float:
	seconds = sum((end - begin).total_seconds() for piece in pieces for begin, end in pairs(piece))
	return round(seconds / 3600, 2)


# --- the cut


def cut(
	checkins: Iterable[CheckIn], expected: Iterable[Shift] = (), longest: timedelta = LONGEST
) -> list[Workday]:
	"""The workdays of one person, by date and start; those of `expected` that nobody checked in for included."""
	roster = {shift.key: shift for shift in expected}
	groups: dict[Key, list[CheckIn]] = {}
	shifts: dict[Key, Shift] = dict(roster)
	loose: list[CheckIn] = []
	for checkin in sorted(checkins, key=lambda checkin: (checkin.time, checkin.name)):
		if shift := checkin.shift:
			groups.setdefault(shift.key, []).append(checkin)
			shifts[shift.key] = _widest(shifts.get(shift.key, shift), shift)
		else:
			loose.append(checkin)
	_keep_together(groups, loose)
	outside = _settle_borders(groups, shifts, set(roster), longest)
	outside |= _take_in(groups, shifts, loose, longest)
	found = [
		Workday(
			shifts[key].start.date(),
			shifts[key],
			(tuple(groups[key]),) if groups.get(key) else (),
			frozenset(checkin.name for checkin in groups.get(key, ()) if checkin.name in outside),
			expected=key in roster,
			longest=longest,
		)
		for key in {*roster, *(key for key, group in groups.items() if group)}
	]
	found += _without_a_shift(loose, longest)
	return sorted(
		found, key=lambda workday: (workday.date, workday.shift.key if workday.shift else (datetime.min, ""))
	)


def _keep_together(groups: dict[Key, list[CheckIn]], loose: list[CheckIn]) -> None:
	"""Check-ins of one attendance are of one workday, also where the shift of one of them was taken away. Takes them out of `loose`."""
	places = {one.attendance: key for key, group in groups.items() for one in group if one.attendance}
	for checkin in [one for one in loose if one.attendance in places]:
		group = groups[places[checkin.attendance]]
		loose.remove(checkin)
		group.append(checkin)
		group.sort(key=lambda other: (other.time, other.name))


def _widest(one: Shift, other: Shift) -> Shift:
	"""HRMS may cut the window of an occurrence differently for each check-in."""
	return one._replace(
		opens=min(one.opens, other.opens),
		closes=max(one.closes, other.closes),
		reach=max(one.reach, other.reach),
	)


def _settle_borders(
	groups: dict[Key, list[CheckIn]], shifts: dict[Key, Shift], roster: Collection[Key], longest: timedelta
) -> set[str]:
	"""A check-in at the border of two shifts goes to the one that lacks its OUT. Returns the names of those that lie outside of it."""
	outside: set[str] = set()
	for before, after in pairwise(sorted(groups)):
		earlier, later = groups[before], groups[after]
		while earlier and later and lacks_its_end(earlier) and _may_move(later[0], Direction.OUT):
			first = later[0]
			at_border = first.time <= shifts[before].reach and _can_spare(later)
			unexpected = before in roster and after not in roster and first.time - earlier[0].time <= longest
			if not at_border and not (unexpected and not is_paired(later)):
				break
			if not at_border:
				outside.add(first.name)
			earlier.append(later.pop(0))
		if before not in roster and after in roster:
			outside |= _begun_before(earlier, later, shifts[after], longest)
	return outside


def _begun_before(earlier: list[CheckIn], later: list[CheckIn], shift: Shift, longest: timedelta) -> set[str]:
	"""The beginning that `later` lacks was noted for a shift that the roster does not have. Returns the names of those outside of its window."""
	if not earlier or not later or is_paired(earlier) or is_paired(later):
		return set()
	last = earlier[-1]
	if not _may_move(last, Direction.IN) or later[-1].time - last.time > longest:
		return set()
	later.insert(0, earlier.pop())
	return set() if last.time >= shift.opens else {last.name}


def _may_move(checkin: CheckIn, turn: Direction) -> bool:
	"""An attendance fixes a check-in, and what was reported as IN ends nothing, nor does an OUT begin anything."""
	return not checkin.attendance and checkin.log_type in ("", turn.value)


def _can_spare(piece: Sequence[CheckIn]) -> bool:
	"""Is its first check-in no beginning of its own, or one of two of a tap?"""
	groups = taps(piece)
	return len(groups[0]) > 1 or not is_paired(piece)


def _take_in(
	groups: dict[Key, list[CheckIn]], shifts: dict[Key, Shift], loose: list[CheckIn], longest: timedelta
) -> set[str]:
	"""Check-ins outside of all shifts go to one that lacks its end, or its beginning. Takes them out of `loose`, and returns their names."""
	taken: set[str] = set()
	for key in sorted(key for key, group in groups.items() if group):
		group = groups[key]
		if is_paired(group):
			continue
		if lacks_its_end(group):
			after = next((other for other in loose if other.time > group[-1].time), None)
			if (
				after
				and _may_move(after, Direction.OUT)
				and after.time - group[0].time <= longest
				and not _lies_between(groups, key, group[-1].time, after.time)
				and not _is_early(after, shifts, groups, key)
				and not _stands_alone(after, shifts[key], loose, longest)
			):
				_move(after, loose, group, taken)
				continue
		before = next((other for other in reversed(loose) if other.time < group[0].time), None)
		if (
			before
			and _may_move(before, Direction.IN)
			and group[-1].time - before.time <= longest
			and shifts[key].opens - before.time <= APART
			and not _lies_between(groups, key, before.time, group[0].time)
		):
			_move(before, loose, group, taken)
	return taken


def _is_early(checkin: CheckIn, shifts: dict[Key, Shift], groups: dict[Key, list[CheckIn]], key: Key) -> bool:
	"""Does a later shift that is not paired open sooner after it than this one closed before it?"""
	since = checkin.time - shifts[key].closes
	return any(
		timedelta(0) < shift.opens - checkin.time < since
		for other, shift in shifts.items()
		if other > key and not (groups.get(other) and is_paired(groups[other]))
	)


def _stands_alone(checkin: CheckIn, shift: Shift, loose: Sequence[CheckIn], longest: timedelta) -> bool:
	"""After a pause that may divide workdays: does it begin a stretch of its own that lacks nothing?"""
	if checkin.time - shift.closes < APART:
		return False
	later = [other for other in loose if other.time >= checkin.time]
	run = next(runs(later, longest))
	return is_paired(next(_stretches(taps(run), longest))[0])


def _lies_between(groups: dict[Key, list[CheckIn]], key: Key, begin: datetime, end: datetime) -> bool:
	"""Is there a check-in of another shift?"""
	return any(
		begin <= checkin.time <= end for other, group in groups.items() if other != key for checkin in group
	)


def _move(checkin: CheckIn, loose: list[CheckIn], group: list[CheckIn], taken: set[str]) -> None:
	loose.remove(checkin)
	group.append(checkin)
	group.sort(key=lambda other: (other.time, other.name))
	taken.add(checkin.name)


# --- without a shift


def _without_a_shift(loose: Sequence[CheckIn], longest: timedelta) -> Iterator[Workday]:
	by_date: dict[date, list[tuple[Piece, bool]]] = {}
	for run in runs(loose, longest):
		for day, found in _divided(run, longest).items():
			by_date.setdefault(day, []).extend(found)
	for day, found in by_date.items():
		pieces = tuple(sorted((piece for piece, _unclear in found), key=lambda piece: piece[0].time))
		yield Workday(
			day, None, pieces, is_unclear=any(unclear for _piece, unclear in found), longest=longest
		)


def _divided(run: Sequence[CheckIn], longest: timedelta) -> dict[date, list[tuple[Piece, bool]]]:
	"""Pieces of a run by date, and whether each is unclear. Attendance that is there has divided what is part of it."""
	found = _by_date(run, longest)
	if _respects_attendance(found):
		return found
	written: dict[str, list[CheckIn]] = {}
	for checkin in run:
		written.setdefault(checkin.attendance, []).append(checkin)
	found = {}
	for attendance, checkins in written.items():
		for part in runs(checkins, longest):
			for day, pieces in _by_date(part, longest).items():
				found.setdefault(checkins[0].time.date() if attendance else day, []).extend(pieces)
	return found


def _by_date(run: Sequence[CheckIn], longest: timedelta) -> dict[date, list[tuple[Piece, bool]]]:
	found: dict[date, list[tuple[Piece, bool]]] = {}
	for piece, is_unclear in _stretches(taps(run), longest):
		found.setdefault(piece[0].time.date(), []).append((piece, is_unclear))
	return found


def _respects_attendance(found: dict[date, list[tuple[Piece, bool]]]) -> bool:
	"""Is each date of one attendance at most, and each attendance of one date?"""
	of_dates = [
		{checkin.attendance for piece, _unclear in pieces for checkin in piece} - {""}
		for pieces in found.values()
	]
	together = [attendance for of_date in of_dates for attendance in of_date]
	return all(len(of_date) <= 1 for of_date in of_dates) and len(together) == len(set(together))


def runs(checkins: Iterable[CheckIn], longest: timedelta) -> Iterator[list[CheckIn]]:
	"""What hangs together, of check-ins oldest first: longer gaps always cut."""
	run: list[CheckIn] = []
	for checkin in checkins:
		if run and checkin.time - run[-1].time > longest:
			yield run
			run = []
		run.append(checkin)
	if run:
		yield run


Days = tuple[date, date]
"""First and last day, both included."""

CONTEXT = 2 * DAY
"""Check-ins that far before and after the day of a shift can have a say in it; a run of those outside of all shifts has one as a whole."""


def judged_together(checkins: Sequence[CheckIn], days: Days, read: Days, longest: timedelta) -> Days | None:
	"""The days, grown by those that share a run of check-ins outside of all shifts with them. None where more has to be read to tell.

	Where there are shifts, one of them may take an end of a run, which decides how the rest is divided: they grow by those as well. checkins: all that there are of
	the days that were read.
	"""
	loose = sorted(
		(one for one in checkins if not one.shift), key=lambda checkin: (checkin.time, checkin.name)
	)
	reach, context = (longest, CONTEXT) if len(loose) < len(checkins) else (timedelta(0), timedelta(0))
	spans = [(run[0].time, run[-1].time) for run in runs(loose, longest)]
	first, last = days
	for begin, end in spans:
		if begin.date() - DAY <= days[1] and days[0] <= end.date() + DAY:
			first = min(first, shifted(begin, -reach).date())
			last = max(last, shifted(end, reach).date())
	known_from = datetime.combine(read[0], time()) + longest
	known_to = datetime.combine(read[1], time()) + DAY - longest
	is_read = read[0] <= first - context and last + context <= read[1]
	is_whole = all(
		known_from < begin and end < known_to
		for begin, end in spans
		if begin.date() - context <= last and first <= end.date() + context
	)
	return (first, last) if is_read and is_whole else None


class Cost(NamedTuple):
	"""Of a cut, the first that differs decides: pauses that are too short, taps against what the device reported, odd stretches, hours inside.

	Each pair counts in whole hours: a few minutes say nothing about which of two ways to divide a week of guards on 12 or 24 hours is the right one.
	"""

	short: int = 0
	against: int = 0
	odd: int = 0
	inside: int = 0

	def plus(self, other: Cost) -> Cost:
		return Cost(
			self.short + other.short,
			self.against + other.against,
			self.odd + other.odd,
			self.inside + other.inside,
		)


TURNS = (Direction.IN.value, Direction.OUT.value)


def _stretches(groups: Sequence[Piece], longest: timedelta) -> Iterator[tuple[Piece, bool]]:
	"""The best cut of a run of taps, and for each stretch whether another one that is as good says anything else of it."""
	count = len(groups)
	costs = [_costs(groups, first, longest) for first in range(count)]
	"""Of what begins with each tap: by its last one."""
	ahead: list[Cost] = [Cost()] * (count + 1)
	"""The best cost from each tap on."""
	for first in reversed(range(count)):
		ahead[first] = min(cost.plus(ahead[last + 1]) for last, cost in costs[first].items())
	behind: dict[int, Cost] = {0: Cost()}
	best: dict[int, list[int]] = {}
	for first in range(count):
		if first not in behind:
			continue
		for last, own in costs[first].items():
			cost = behind[first].plus(own)
			if cost.plus(ahead[last + 1]) == ahead[0]:
				behind[last + 1] = cost
				best.setdefault(first, []).append(last)
	unclear = _unclear(groups, best)
	first = 0
	while first < count:
		last = min(best[first])
		piece = tuple(checkin for group in groups[first : last + 1] for checkin in group)
		yield piece, not unclear.isdisjoint(range(first, last + 1))
		first = last + 1


def _costs(groups: Sequence[Piece], first: int, longest: timedelta) -> dict[int, Cost]:
	"""Each from the one before it: of somebody who taps all day long there are many."""
	found = {}
	against = inside = 0
	for last in range(first, len(groups)):
		if last > first and groups[last][-1].time - groups[first][0].time > longest:
			break
		place = last - first
		against += groups[last][0].log_type not in ("", TURNS[place % 2])
		if place % 2:
			inside += _whole_hours(groups[last][-1].time - groups[last - 1][0].time)
		is_short = last + 1 < len(groups) and groups[last + 1][0].time - groups[last][-1].time < APART
		found[last] = Cost(int(is_short), against, (place + 1) % 2, inside)
	return found


def _unclear(groups: Sequence[Piece], best: dict[int, list[int]]) -> set[int]:
	"""Taps of which the best cuts say different things: another date, or another partner."""
	said: dict[int, set[tuple[date, int]]] = {}
	for first, ends in best.items():
		for last in ends:
			for tap in range(first, last + 1):
				partner = tap + 1 if (tap - first) % 2 == 0 else tap - 1
				is_alone = partner > last
				answer = groups[first][0].time.date(), -1 if is_alone else partner
				said.setdefault(tap, set()).add(answer)
	return {tap for tap, answers in said.items() if len(answers) > 1}


def _whole_hours(length: timedelta) -> int:
	return int(length / HOUR + 0.5)


# --- what a person decided


def with_outside_counted(workday: Workday) -> Workday:
	shift = workday.shift
	counted = _with_outside(workday, lambda checkin: replace(checkin, noted=shift, answered=shift))
	return replace(counted, outside=frozenset())


def with_outside_answered(workday: Workday) -> Workday:
	"""The shift that they are taken for is what its check-ins outside of it ought to say."""
	return _with_outside(workday, lambda checkin: replace(checkin, answered=workday.shift))


def _with_outside(workday: Workday, changed: Callable[[CheckIn], CheckIn]) -> Workday:
	pieces = tuple(
		tuple(changed(checkin) if checkin.name in workday.outside else checkin for checkin in piece)
		for piece in workday.pieces
	)
	return replace(workday, pieces=pieces)


def input_hash(workday: Workday) -> str:
	"""Of what a decision was made on: another check-in, or another shift, and the decision is asked for again."""
	lines = [f"{checkin.time.isoformat()} {checkin.log_type}" for checkin in workday.checkins]
	key = workday.shift.key if workday.shift else ("", "")
	return blake2b("\x1f".join([str(key), *lines]).encode(), digest_size=10).hexdigest()
