"""*Repair*: what a machine wrote wrongly of a day is cancelled, and what is right is written (design §4). A person's days in one transaction.

A plan says what would be, from the judgement itself, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import frappe
from frappe import _

from biometric_integration.core.judgement import State
from biometric_integration.core.repair import NONE, Refusal, Standing, Wrong, refused, wrong
from biometric_integration.core.window import DAY
from biometric_integration.sync.db import locks, transaction
from biometric_integration.sync.db.savepoint import Refused, savepoint
from biometric_integration.sync.records import servers
from biometric_integration.sync.workdays import attendance, gathering, marks, timesheets, writing
from biometric_integration.sync.workdays.gathering import NOTHING, Days, Leave, Supposing
from biometric_integration.sync.workdays.judging import Lane
from biometric_integration.sync.workdays.rows import Judged

WAIT = 10
"""Seconds that HRMS's job, while it writes about the same person, is waited for."""
REQUEST = "Attendance Request"

Wanted = Mapping[str, Collection[date]]
"""Employee → the dates to repair."""


class Busy(Exception):
	"""Somebody else is writing the attendance of this person."""


@dataclass(frozen=True)
class Outcome:
	"""What becomes of a workday. before, after: None where there is no such workday then. refused: why it stays, in words; nothing is done then.

	record: the attendance that was written, once it is done.
	"""

	before: Judged | None
	after: Judged | None
	wrong: Wrong = NONE
	refused: str = ""
	record: str = ""

	@property
	def judged(self) -> Judged:
		found = self.after or self.before
		assert found is not None
		return found

	@property
	def is_written(self) -> bool:
		"""Or would be."""
		return not self.refused and self.after is not None and self.after.judgement.state is State.COMPLETE


# --- what would be


def plan(lane: Lane, wanted: Wanted, supposing: Supposing = NOTHING) -> list[Outcome]:
	"""Of all workdays of these dates, and those around that hang together with them: check-ins move from one to the other.

	supposing: what else is done before.
	"""
	around = _around(wanted)
	before = {one.name: one for one in lane.judged(around)}
	standing = Standings(around)
	stands = {
		name: _stands(one, standing.on(one.person.name, one.workday.date)) for name, one in before.items()
	}
	after = _supposed(lane, around, before, stands, before, supposing)
	part = _together(wanted, before, after)
	if any(found.wrong for name, found in stands.items() if name not in part):
		after = _supposed(lane, around, before, stands, part, supposing)
		part = _together(wanted, before, after)
	stands |= {
		name: _stands(one, standing.on(one.person.name, one.workday.date))
		for name, one in after.items()
		if name not in before
	}
	return [
		_outcome(
			before.get(name), after.get(name), _also(stands.get(name, Stands()), before.get(name), supposing)
		)
		for name in sorted(part)
		if name in before or name in after
	]


@dataclass(frozen=True)
class Stands:
	"""How a workday stands: what is wrong of it, or why it stays."""

	wrong: Wrong = NONE
	refused: str = ""


def _around(wanted: Wanted) -> Days:
	return {who: (min(dates) - DAY, max(dates) + DAY) for who, dates in wanted.items() if dates}


def _stands(one: Judged, standing: Standing) -> Stands:
	if found := refused(one.judgement, one.written, standing):
		refusal, what = found
		return Stands(refused=_(refusal.value).format(what=what))
	return Stands(wrong(one.judgement, one.written, can_reopen()))


def _also(stands: Stands, before: Judged | None, supposing: Supposing) -> Stands:
	"""What is taken back in any case."""
	written = {one.name for one in before.written} if before else set()
	records = tuple(sorted(written & supposing.records | {*stands.wrong.records}))
	reopened = tuple(sorted(written & supposing.reopened | {*stands.wrong.reopened}))
	return replace(stands, wrong=Wrong(records, reopened)) if not stands.refused else stands


def can_reopen() -> bool:
	return frappe.get_meta(writing.DOCTYPE).has_field("modify_half_day_status")


def _supposed(
	lane: Lane,
	around: Days,
	before: Mapping[str, Judged],
	stands: Mapping[str, Stands],
	part: Iterable[str],
	supposing: Supposing,
) -> dict[str, Judged]:
	go = [name for name in part if name in before and not stands[name].refused]
	supposed = replace(
		supposing,
		records=supposing.records.union(*(stands[name].wrong.records for name in go)),
		reopened=supposing.reopened.union(*(stands[name].wrong.reopened for name in go)),
		refetched=supposing.refetched.union(_free_ones(before[name] for name in go)),
	)
	return {one.name: one for one in lane.judged(around, supposed)}


def _free_ones(days: Iterable[Judged]) -> set[str]:
	"""Check-ins that are part of no attendance."""
	return {one.name for day in days for one in day.workday.checkins if not one.attendance}


def _together(wanted: Wanted, before: Mapping[str, Judged], after: Mapping[str, Judged]) -> set[str]:
	both = [*before.items(), *after.items()]
	part = {name for name, one in both if one.workday.date in wanted[one.person.name]}
	theirs = {checkin.name for name, one in both if name in part for checkin in one.workday.checkins}
	return part | {
		name for name, one in both if not theirs.isdisjoint(checkin.name for checkin in one.workday.checkins)
	}


def _outcome(before: Judged | None, after: Judged | None, stands: Stands) -> Outcome:
	outcome = Outcome(before, after, stands.wrong, stands.refused)
	if outcome.refused or outcome.wrong or outcome.is_written or _says(before) != _says(after):
		return outcome
	is_right = after is not None and after.judgement.state in (State.MARKED, State.NO_ATTENDANCE)
	refusal = Refusal.RIGHT if is_right else Refusal.NOTHING
	return replace(outcome, refused=_(refusal.value))


def _says(one: Judged | None) -> tuple | None:
	return one and (one.judgement.state, one.judgement.why)


# --- what stands over a day


class Standings:
	"""Of these people and days."""

	def __init__(self, days: Days):
		self._requests: dict[str, list[Leave]] = {}
		if not days:
			return
		first, last = (
			min(first for first, _last in days.values()),
			max(last for _first, last in days.values()),
		)
		people = list(days)
		self._batch = gathering.Batch(first, last, {})
		gathering.read_leaves(self._batch, people, first, last)
		gathering.read_slips(self._batch, people, first, last)
		self._requests = _requests(people, first, last)

	def on(self, employee: str, day: date) -> Standing:
		batch = self._batch
		leave = batch.leave_on(employee, day)
		slips = (slip.name for slip in batch.slips.get(employee, ()) if slip.covers(day))
		requests = (one.name for one in self._requests.get(employee, ()) if one.first <= day <= one.last)
		is_whole = leave and leave.half_day != day
		return Standing(next(slips, ""), leave.name if leave and is_whole else "", next(requests, ""))


def _requests(people: Sequence[str], first: date, last: date) -> dict[str, list[Leave]]:
	filters = {
		"employee": ("in", people),
		"docstatus": 1,
		"from_date": ("<=", last),
		"to_date": (">=", first),
	}
	found: dict[str, list[Leave]] = {}
	for row in frappe.get_all(REQUEST, filters, ["name", "employee", "from_date", "to_date"], limit=0):
		found.setdefault(row.employee, []).append(Leave(row.name, row.from_date, row.to_date))
	return found


# --- doing it


def person(
	employee: str,
	dates: Collection[date],
	lane_of: Callable[[], Lane],
	reason: str = "",
	before: Callable[[], object] = lambda: None,
) -> list[Outcome]:
	"""Repair these days of a person, and commit. `before`: what is done before, in the same transaction.

	Raises Busy where HRMS writes about the person all the while.
	"""
	with locks.attendance(employee, WAIT) as mine:
		if not mine:
			raise Busy(employee)
		return transaction.in_one(lambda: _person(lane_of(), employee, dates, reason, before))


def _person(
	lane: Lane, employee: str, dates: Collection[date], reason: str, before: Callable[[], object]
) -> list[Outcome]:
	before()
	try:
		return days(lane, employee, dates, reason)
	except Refused as error:
		if len(dates) == 1:
			return [_as_refused(outcome, str(error)) for outcome in plan(lane, {employee: dates})]
	return [
		outcome for day in sorted(dates) for outcome in _person(lane, employee, [day], reason, lambda: None)
	]


def _as_refused(outcome: Outcome, words: str) -> Outcome:
	return outcome if outcome.refused else replace(outcome, after=outcome.before, refused=words)


def days(lane: Lane, employee: str, dates: Collection[date], reason: str = "") -> list[Outcome]:
	"""Repair these days of a person, in the transaction of the caller. Raises Refused, with HRMS's words; then nothing is done."""
	planned = plan(lane, {employee: dates})
	go = [outcome for outcome in planned if not outcome.refused]
	if not go:
		return planned
	try:
		with savepoint("biometric_repair"):
			return [*_done(lane, employee, go, reason), *(one for one in planned if one.refused)]
	except Refused as error:
		if error.__cause__ and not isinstance(error.__cause__, Refused):
			raise error.__cause__ from None
		raise


def _done(lane: Lane, employee: str, go: Sequence[Outcome], reason: str) -> list[Outcome]:
	"""A mark is left: the lane may be judging these days at this moment, on a view from before."""
	records = {name for outcome in go for name in outcome.wrong.records}
	_note(records, reason)
	writing.take_back(records)
	writing.reopen({name for outcome in go for name in outcome.wrong.reopened})
	again = {one.name for outcome in go if outcome.before for one in outcome.before.workday.checkins}
	writing.free(_unlinked(again))
	around = _around({employee: [outcome.judged.workday.date for outcome in go]})
	lane.judge(around, again)
	part = {outcome.judged.name for outcome in go}
	after = {one.name: one for one in lane.judged(around) if one.name in part}
	written = {name: _write(one) for name, one in after.items() if one.judgement.state is State.COMPLETE}
	if written:
		lane.judge(around)
	marks.add(marks.of_employee(who, *between) for who, between in around.items())
	return [
		replace(outcome, after=after.get(outcome.judged.name), record=written.get(outcome.judged.name, ""))
		for outcome in go
	]


def _write(judged: Judged) -> str:
	record = writing.write(judged)
	if servers.to_attendance():
		timesheets.make(judged, record, attendance.activity_type())
	return record


def _unlinked(checkins: Collection[str]) -> list[str]:
	"""Of these, those that are part of no attendance that is there."""
	if not checkins:
		return []
	found = frappe.db.sql(
		f"""SELECT c.`name` FROM `tab{writing.CHECKIN}` c LEFT JOIN `tab{writing.DOCTYPE}` a ON a.`name`=c.`attendance` AND a.`docstatus`<2
		WHERE c.`name` IN %s AND a.`name` IS NULL""",
		(sorted(checkins),),
	)
	return [name for (name,) in found]


def _note(records: Iterable[str], reason: str) -> None:
	"""Who took it back, and why, stays with what was cancelled."""
	words = _("Cancelled by Repair. {0}").format(reason).strip()
	for name in sorted(records):
		frappe.get_doc(writing.DOCTYPE, name).add_comment("Info", words)
