"""The workdays lane: what happened on each person's day, and is it proven? Reads; writes nothing but its own rows (design §4)."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial

import frappe
from frappe import _
from frappe.query_builder import DocType
from frappe.utils import cint, getdate, now_datetime

from biometric_integration.core import evidence as core_evidence
from biometric_integration.core.attendance import AttendanceStatus, Worked
from biometric_integration.core.errors import SyncError
from biometric_integration.core.evidence import Proof, hold_until
from biometric_integration.core.judgement import (
	Circumstances,
	Decision,
	Judgement,
	MissingPunch,
	OnHolidays,
	State,
	What,
	Written,
	judge,
	needs_proof,
)
from biometric_integration.core.store import BatchLost, Interrupted
from biometric_integration.core.text import harmless
from biometric_integration.core.window import DAY
from biometric_integration.core.workday import (
	LONGEST,
	Shift,
	Workday,
	cut,
	hours,
	input_hash,
	judged_together,
	told,
	with_outside_answered,
	with_outside_counted,
)
from biometric_integration.sync.db import locks, transaction
from biometric_integration.sync.hrms import shifts
from biometric_integration.sync.hrms.roster import Roster
from biometric_integration.sync.records import servers
from biometric_integration.sync.workdays import gathering, marks, notes, rows
from biometric_integration.sync.workdays.evidence import Evidence
from biometric_integration.sync.workdays.gathering import NOTHING, Batch, Days, Person, Supposing
from biometric_integration.sync.workdays.marks import Mark, Scope
from biometric_integration.sync.workdays.rows import Judged, Row
from biometric_integration.sync.workdays.stale import PERIOD

LANE = "workdays"
PEOPLE = 500
LOOK_AGAIN = 2000
AROUND, FURTHER, FURTHEST = 3 * DAY, 30 * DAY, 400 * DAY
"""Check-ins so far before and after a day can have a say in it. Without a shift, those that hang together are followed further."""
SOONEST, LATEST = timedelta(minutes=2), timedelta(hours=1)
FIRST_LAST = "First Check-in and Last Check-out"


@dataclass(frozen=True)
class Policy:
	"""What the settings say. earliest: the first day that is judged; latest: the last one that may have begun. writes: attendance is written here, since `writes_from`; absences: also
	where nobody came."""

	now: datetime
	earliest: date
	longest: timedelta = LONGEST
	missing: MissingPunch = MissingPunch.LEAVE_TO_HR
	hold_days: int = 3
	decide_by: int = 0
	half_day_hours: float = 0.0
	on_holidays: OnHolidays = OnHolidays.LEAVE_TO_HR
	writes: bool = False
	writes_from: date = date.max
	absences: bool = False

	@property
	def latest(self) -> date:
		return self.now.date() + DAY


def policy(now: datetime | None = None) -> Policy:
	settings = frappe.get_cached_doc(servers.SETTINGS)
	now = (now or now_datetime()).replace(microsecond=0)
	return Policy(
		now,
		getdate(settings.workdays_from) if settings.workdays_from else now.date(),
		timedelta(hours=settings.longest_workday) if settings.longest_workday else LONGEST,
		MissingPunch(settings.missing_punch or MissingPunch.LEAVE_TO_HR.value),
		cint(settings.hold_days),
		cint(settings.decide_by),
		settings.half_day_hours or 0.0,
		OnHolidays(settings.on_holidays or OnHolidays.LEAVE_TO_HR.value),
		servers.to_attendance(),
		getdate(settings.attendance_from) if settings.attendance_from else date.max,
		bool(cint(settings.write_absences)),
	)


# --- the lane


def run(go_on: Callable[[], bool] = lambda: True, now: datetime | None = None) -> int:
	"""Judge all that waits; returns how many rows changed. Whoever finds the lane taken leaves it to the next tick."""
	transaction.commit()
	if not locks.take(LANE):
		return 0
	try:
		lane = Lane(policy(now))
		transaction.in_one(lambda: _close(lane.policy.now))
		transaction.in_one(lambda: _look_again(lane.policy.now))
		while go_on() and transaction.in_one(marks.expand):
			pass
		return lane.run(go_on)
	finally:
		locks.release(LANE)


def _close(now: datetime) -> None:
	"""Shifts that have closed since the last time: whoever was expected and did not come has a day now."""
	since = min(servers.stamp("closed_until") or now, now)
	roster = Roster()
	found = []
	for shift_type in frappe.get_all(shifts.SHIFT, pluck="name", limit=0):
		day = (since - 2 * DAY).date()
		while day <= now.date():
			shift = roster.occurrence(shift_type, day)
			if shift and since < shift.closes <= now:
				found.append(Mark(Scope.SHIFT_TYPE, shift_type, day, day))
			day += DAY
	marks.add(found)
	servers.keep_stamp("closed_until", now)


def _look_again(now: datetime) -> None:
	row = DocType(rows.DOCTYPE)
	waiting = frappe.qb.from_(row).select(row.name, row.employee, row.date).where(row.look_again_at <= now)
	due = (
		waiting.orderby(row.look_again_at).limit(LOOK_AGAIN).run()
	)  # `get_all` takes those without a time for due
	if due:
		marks.add(Mark(Scope.EMPLOYEE, employee, day, day) for _name, employee, day in due)
		names = ("in", [name for name, *_of in due])
		frappe.db.set_value(rows.DOCTYPE, {"name": names}, "look_again_at", None, update_modified=False)


class Lane:
	"""One run: what is read once for all of it."""

	def __init__(self, policy: Policy):
		self.policy = policy
		self._roster = Roster()
		self._evidence = Evidence(policy.now)
		self._by_newest: set[tuple[str, date]] = set()

	def run(self, go_on: Callable[[], bool]) -> int:
		changed = 0
		while go_on():
			try:
				with transaction.batch():
					found = marks.read(PEOPLE, self.policy.now)
				if not found.names:
					break
				changed += self._answer(found)
			except BatchLost:  # the marks are still there
				continue
			except (Interrupted, SyncError):
				raise
			except (
				Exception
			):  # whatever the data of one person lead to: the others' days are judged all the same
				transaction.roll_back()
				changed += self._one_by_one(found, go_on)
		return changed

	def _answer(self, found: marks.Found) -> int:
		with transaction.batch():
			changed = self.judge(found.days)
			if self.policy.writes:
				rows.try_again(found.days)
			marks.delete(found.names)
			transaction.commit()
		return changed

	def _one_by_one(self, found: marks.Found, go_on: Callable[[], bool]) -> int:
		"""Whose days cannot be judged waits for an hour, and says why in the Error Log."""
		changed = 0
		for one in found.each():
			if not go_on():
				break
			try:
				changed += self._answer(one)
			except (BatchLost, Interrupted, SyncError):
				raise
			except Exception as error:
				transaction.roll_back()
				transaction.in_one(partial(self._put_off, one, error))
		return changed

	def _put_off(self, one: marks.Found, error: Exception) -> None:
		marks.put_off(one.names, self.policy.now + LATEST)
		frames = "".join(traceback.format_tb(error.__traceback__))
		title = _("The workdays of {0} could not be judged").format(*one.days)
		frappe.log_error(title, f"{harmless(str(error))}\n{frames}", defer_insert=True)

	def judge(self, days: Days, of_inactive: Collection[str] = ()) -> int:
		"""Bring the rows of these people and days up to date, and what their check-ins say of shifts, in the transaction of the caller.

		of_inactive: check-ins for which an inactive assignment counts as well.
		"""
		days = _with_all(days, rows.by_newest(days, self.policy.now.date() - PERIOD)) if days else {}
		return sum(
			rows.replace(rows.existing(final), made, self.policy.writes)
			for final, made in self._made(days, partial(self._put_notes_right, of_inactive))
		)

	def judged(self, days: Days, supposing: Supposing = NOTHING) -> list[Judged]:
		"""What is to be said of these people and days now, or if some things had been done, whatever their rows say. Nothing is written."""
		days = self._within(days)
		return [
			one
			for batch, final, workdays in (self._batches(days, supposing) if days else ())
			for one in self._judged(batch, final, workdays)
		]

	def derived(self, days: Days) -> dict[str, Row]:
		"""The rows of these people and days as they ought to be, by name. Those that are there are not looked at."""
		return {name: row for _final, made in self._made(days) for name, row in made.items()}

	def _made(
		self, days: Days, put_right: Callable[[Batch, Days, dict[str, list[Workday]]], set[str]] | None = None
	) -> Iterator[tuple[Days, dict[str, Row]]]:
		"""Whose days they are in the end, and their rows. `put_right`: returns whose check-ins it has changed; they are read once more."""
		days = self._within(days)
		for batch, final, workdays in self._batches(days) if days else ():
			changed = put_right(batch, final, workdays) if put_right else set()
			yield from self._made({who: final[who] for who in changed})
			if as_read := {who: between for who, between in final.items() if who not in changed}:
				yield as_read, rows.of_batch(self._judged(batch, as_read, workdays), batch)

	def _put_notes_right(
		self, of_inactive: Collection[str], batch: Batch, days: Days, workdays: dict[str, list[Workday]]
	) -> set[str]:
		found = {who: list(self._as_they_should_say(batch, who, workdays[who], *days[who])) for who in days}
		return notes.put_right(found, batch, of_inactive)

	def _as_they_should_say(
		self, batch: Batch, employee: str, workdays: Sequence[Workday], first: date, last: date
	) -> Iterator[Workday]:
		for workday in workdays:
			if first <= workday.date <= last:
				counts = _counts_outside(workday, _decision(batch, employee, workday))
				yield with_outside_answered(workday) if counts else workday

	def _within(self, days: Days) -> dict[str, tuple[date, date]]:
		policy = self.policy
		found = {
			who: (max(first, policy.earliest), min(last, policy.latest))
			for who, (first, last) in days.items()
		}
		return {who: (first, last) for who, (first, last) in found.items() if first <= last}

	def _batches(
		self, days: Days, supposing: Supposing = NOTHING
	) -> Iterator[tuple[Batch, Days, dict[str, list[Workday]]]]:
		"""What was gathered, the days of each person that can be told from it, and their workdays.

		Days may grow, by what hangs together with them, and people of whom not enough was read come again.
		"""
		reach = AROUND
		while days:
			first = min(first for first, _last in days.values()) - reach
			last = max(last for _first, last in days.values()) + reach
			batch = gathering.gather(list(days), first, last, self._roster, supposing)
			done: dict[str, tuple[date, date]] = {}
			workdays: dict[str, list[Workday]] = {}
			for employee, between in days.items():
				if employee not in batch.people:  # who is gone has no days
					done[employee], workdays[employee] = between, []
					continue
				checkins = batch.checkins.get(employee, ())
				read, longest = (batch.first, batch.last), self._longest(batch.people[employee])
				whole = judged_together(checkins, between, read, longest)
				if whole or reach >= FURTHEST:
					done[employee], workdays[employee] = whole or between, self._cut(batch, employee)
			if done := self._within(done):
				yield batch, done, workdays
			days = {who: between for who, between in days.items() if who not in done}
			reach = min(max(reach + FURTHER, 2 * reach), FURTHEST)

	def _longest(self, person: Person) -> timedelta:
		return person.longest or self.policy.longest

	def _cut(self, batch: Batch, employee: str) -> list[Workday]:
		person = batch.people[employee]
		expected = list(self._expected(batch, person))
		return cut(batch.checkins.get(employee, ()), expected, self._longest(person))

	def _expected(self, batch: Batch, person: Person) -> Iterator[Shift]:
		day = batch.first
		while day <= min(batch.last, self.policy.latest):
			if person.employed(day) and person.status != "Inactive":
				yield from self._roster.expected(person.name, day)
			day += DAY

	# --- one day after the other

	def _judged(self, batch: Batch, days: Days, workdays: dict[str, list[Workday]]) -> Iterator[Judged]:
		known = [
			(batch.people[employee], workday, written, circumstances)
			for employee, (first, last) in days.items()
			if employee in batch.people
			for workday, written, circumstances in self._known(
				batch, batch.people[employee], workdays[employee], first, last
			)
			if self._has_a_row(workday, circumstances)
		]
		proofs = self._proofs(batch, [each for each in known if needs_proof(each[1], each[3])])
		for person, workday, written, circumstances in known:
			proof = proofs.get(_key(person, workday))
			judgement = judge(workday, circumstances, proof)
			look_again_at = self._look_again_at(workday, judgement, proof)
			by_newest = bool(proof) and (person.name, workday.date) in self._by_newest
			yield Judged(person, workday, written, judgement, proof, look_again_at, by_newest)

	def _known(
		self, batch: Batch, person: Person, workdays: Sequence[Workday], first: date, last: date
	) -> Iterator[tuple[Workday, tuple[Written, ...], Circumstances]]:
		found = list(self._with_written(batch, person.name, workdays))
		loose = {
			workday.date: State.MARKED if written else State.TO_SETTLE
			for workday, written in found
			if workday.checkins and not workday.shift
		}
		for workday, written in found:
			if not first <= workday.date <= last:
				continue
			decision = _decision(batch, person.name, workday) or _left_behind(
				batch, person.name, workday, workdays
			)
			if _counts_outside(workday, decision):
				workday = with_outside_counted(workday)
			known = self._circumstances(batch, person, workday, written, decision)
			yield workday, written, replace(known, beside=loose.get(workday.date))

	def _has_a_row(self, workday: Workday, known: Circumstances) -> bool:
		"""Of days without a check-in: only what is written, and what was expected, is over, and is not excused."""
		if workday.checkins or known.written:
			return True
		is_excused = known.leave or known.holiday or not known.by_devices
		return not is_excused and not workday.closes_later_than(self.policy.now)

	def _with_written(
		self, batch: Batch, employee: str, workdays: Sequence[Workday]
	) -> Iterator[tuple[Workday, tuple[Written, ...]]]:
		"""Each workday with the attendance that is there for it; attendance that there is no workday for gets one."""
		attached: dict[int, list[Written]] = {}
		more: list[tuple[Workday, tuple[Written, ...]]] = []
		for day, written in batch.written.get(employee, ()):
			place = _place_of(written, day, workdays)
			if place is None:
				shift = self._roster.occurrence(written.shift, day) if written.shift else None
				more.append((Workday(day, shift), (written,)))
			else:
				attached.setdefault(place, []).append(written)
		for place, workday in enumerate(workdays):
			yield workday, tuple(sorted(attached.get(place, ()), key=lambda one: (not one.linked, one.name)))
		yield from more

	def _circumstances(
		self,
		batch: Batch,
		person: Person,
		workday: Workday,
		written: Sequence[Written],
		decision: Decision | None,
	) -> Circumstances:
		policy, day = self.policy, workday.date
		leave = batch.leave_on(person.name, day)
		is_half = bool(leave and leave.half_day == day)
		shift = _shift_type(workday)
		return Circumstances(
			now=policy.now,
			read_until=self._evidence.read_until({one.device for one in workday.checkins if one.device}),
			worked=self._worked(person, workday) if workday.counted else None,
			written=written[0] if written else None,
			leave=leave.name if leave and not is_half else "",
			half_leave=leave.name if leave and is_half else "",
			holiday=batch.holidays.is_one(person.name, day, (shift.holiday_list or "") if shift else ""),
			on_holidays=_on_holidays(shift, policy.on_holidays),
			slip=batch.slip_before(person.name, workday)
			or (
				batch.paid_by(person.name, workday)
				if not written and self._is_to_be_written(workday, shift)
				else ""
			),
			left=_left(person, workday, batch.still_here.get(person.name, date.max)),
			by_devices=person.by_devices,
			first_last=bool(shift and shift.working_hours_calculation_based_on == FIRST_LAST),
			by_log_type=bool(shift and shift.determine_check_in_and_check_out == shifts.BY_LOG_TYPE),
			decision=decision,
			missing=policy.missing,
		)

	def _is_to_be_written(self, workday: Workday, shift) -> bool:
		"""By HRMS, or here. `shift`: its Shift Type, if there is one."""
		if shift and cint(shift.enable_auto_attendance):
			since = shift.process_attendance_after
			return bool(since) and getdate(since) <= workday.date
		policy = self.policy
		return (
			policy.writes and policy.writes_from <= workday.date and bool(workday.checkins or policy.absences)
		)

	def _worked(self, person: Person, workday: Workday) -> Worked:
		if workday.shift is None:
			return self._without_a_shift(workday)
		return shifts.worked(person.name, workday.shift, told(workday.counted))

	def _without_a_shift(self, workday: Workday) -> Worked:
		found, half_day = hours(workday.pieces), self.policy.half_day_hours
		status = AttendanceStatus.HALF_DAY if half_day and found < half_day else AttendanceStatus.PRESENT
		checkins = workday.checkins
		return Worked(status, found, checkins[0].time, checkins[-1].time if len(checkins) > 1 else None)

	# --- proof

	def _proofs(self, batch: Batch, bad: Sequence[tuple[Person, Workday, tuple, Circumstances]]) -> dict:
		if not bad:
			return {}
		people = sorted({person.name for person, *_rest in bad})
		dates = [workday.date for _person, workday, *_rest in bad]
		own = self._evidence.own(people, min(dates), max(dates))
		last = gathering.last_checkins(people)
		return {
			_key(person, workday): self._proof(
				batch, person, workday, own(person.name, workday.date), last.get(person.name)
			)
			for person, workday, *_rest in bad
		}

	def _proof(
		self, batch: Batch, person: Person, workday: Workday, own: Collection[str], last: str | None
	) -> Proof:
		"""`last`: the device of the person's newest check-in, empty for one without; None = there is none."""
		asked = {*own, *(one.device for one in workday.checkins if one.device)}
		if last is None or not asked:
			self._by_newest.add((person.name, workday.date))
		if last is None:
			return Proof(False, no_id=True)
		asked = asked or ({last} - {""})
		if not workday.lacks_a_punch or not workday.checkins:
			asked |= self._evidence.around(asked)
		policy = self.policy
		until = hold_until(
			workday.closes,
			policy.hold_days,
			lambda day: not batch.holidays.is_one(person.name, day, ""),
			policy.decide_by,
		)
		if asked and workday.closes < self._evidence.proves_from:
			return Proof(False, until=until, too_early=True, devices=tuple(sorted(asked)))
		return core_evidence.proof(workday.closes, self._evidence.heard(asked, workday.date), until)

	def _look_again_at(self, workday: Workday, judgement: Judgement, proof: Proof | None) -> datetime | None:
		now = self.policy.now
		pause = min(max((now - workday.closes) / 4, SOONEST), LATEST)
		if judgement.state is State.OPEN:
			return workday.closes if workday.closes > now else _to_the_second(now + pause)
		if judgement.state is State.HELD and proof:
			return min(proof.until, _to_the_second(now + pause))
		return None


def _with_all(days: Days, more: Days) -> Days:
	none = (date.max, date.min)
	return {
		who: (min(first, more.get(who, none)[0]), max(last, more.get(who, none)[1]))
		for who, (first, last) in days.items()
	}


def _decision(batch: Batch, employee: str, workday: Workday) -> Decision | None:
	return batch.decisions.get((employee, workday.date, workday.shift.name if workday.shift else ""))


def _left_behind(
	batch: Batch, employee: str, workday: Workday, workdays: Sequence[Workday]
) -> Decision | None:
	"""A record was cancelled, and its check-ins are of another shift by now: that is asked about, and not written again."""
	kept = batch.kept_away.get((employee, workday.date))
	if not kept or not workday.checkins:
		return None
	here = {
		one.shift.name if one.shift else "" for one in workdays if one.date == workday.date and one.checkins
	}
	return next((decision for shift, decision in kept.items() if shift not in here), None)


def _counts_outside(workday: Workday, decision: Decision | None) -> bool:
	return bool(decision and decision.what is What.COUNT_OUTSIDE and decision.made_on == input_hash(workday))


def _left(person: Person, workday: Workday, still_here: date) -> date | None:
	"""The relieving date, where the workday lies behind it and nobody has said since when it says nothing."""
	day = workday.date
	return person.left if person.left and workday.checkins and person.left < day < still_here else None


def _key(person: Person, workday: Workday) -> tuple:
	return person.name, workday.date, workday.shift.key if workday.shift else None


def _to_the_second(moment: datetime) -> datetime:
	return moment.replace(microsecond=0)


def _shift_type(workday: Workday):
	"""None without a shift, and for one whose type is gone."""
	if not workday.shift:
		return None
	try:
		return frappe.get_cached_doc(shifts.SHIFT, workday.shift.name)
	except frappe.DoesNotExistError:
		frappe.clear_last_message()
		return None


def _on_holidays(shift, policy: OnHolidays) -> OnHolidays:
	"""A shift type has a switch of its own; attendance without it is for days without a shift."""
	if not shift:
		return policy
	if cint(shift.mark_auto_attendance_on_holidays):
		return OnHolidays.ATTENDANCE
	return OnHolidays.LEAVE_TO_HR if policy is OnHolidays.ATTENDANCE else policy


def _place_of(written: Written, day: date, workdays: Sequence[Workday]) -> int | None:
	"""The workday that an attendance is of: that of its check-ins, else of its shift, else any of its date."""
	for place, workday in enumerate(workdays):
		if abs(workday.date - day) <= DAY and written.linked & {one.name for one in workday.checkins}:
			return place
	same_day = [(place, workday) for place, workday in enumerate(workdays) if workday.date == day]
	for place, workday in same_day:
		if written.shift and workday.shift and workday.shift.name == written.shift:
			return place
	if written.shift:
		return None
	return same_day[0][0] if same_day else None
