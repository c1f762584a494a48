"""What becomes of a workday (design §4): a state, a reason, and what attendance would be right. Good may be believed at once, bad needs proof.

All times are naive wall clock of the site. The sentences are patterns in English; the host translates and fills them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import Enum

from biometric_integration.core.attendance import AttendanceStatus, Worked
from biometric_integration.core.evidence import Proof
from biometric_integration.core.workday import CheckIn, Workday, input_hash, taps, told

SAME = 0.02
"""Hours that differ by less were rounded."""

NEAR = timedelta(hours=1)
"""So near to the begin or end of a shift a check-in tells when somebody came or went."""


class State(str, Enum):
	"""The options of *State*."""

	OPEN = "Open"
	HELD = "Held"
	TO_SETTLE = "To Settle"
	COMPLETE = "Complete"
	MARKED = "Marked"
	NO_ATTENDANCE = "No Attendance"


class Why(str, Enum):
	"""The options of *Reason*."""

	NONE = ""
	NOT_OVER = "Not Over"
	NOT_READ = "Not Read Yet"
	DEVICE_MISSING = "Device Missing"
	DEVICE_SILENT = "Device Silent"
	TOO_EARLY = "Too Early to Tell"
	NO_ID = "No Id"
	MISSING_PUNCH = "Missing Punch"
	OUTSIDE = "Outside the Shift"
	UNCLEAR = "Unclear Day"
	ROSTER_CHANGED = "Roster Changed"
	ON_HOLIDAY = "Worked on a Holiday"
	AFTER_LEAVING = "After Leaving"
	LATE_PUNCH = "Late Punch"
	AFTER_PAY_SLIP = "After the Pay Slip"
	DIFFERS = "Attendance Differs"
	AHEAD = "Marked Ahead of Time"
	ON_LEAVE = "On Leave"
	SKIPPED = "Skipped Check-ins"
	DECISION_OUTDATED = "Decision Outdated"
	NO_PUNCH = "No Punch"
	SHORT_HOURS = "Short Hours"
	BY_HAND = "By Hand"
	LEFT_AS_IT_IS = "Left As It Is"
	NOT_BY_DEVICES = "Not by Devices"
	HOLIDAY = "Holiday"
	HRMS_SILENT = "HRMS Silent"
	NO_LOG_TYPE = "Without Log Type"
	REFUSED = "Refused"
	KEPT_AWAY = "Cancelled by a Person"


SENTENCES: dict[Why, str] = {
	Why.NOT_OVER: "A punch may still belong to it until {closes}.",
	Why.NOT_READ: "The devices of its check-ins have not been read beyond {closes} yet.",
	Why.DEVICE_MISSING: "{label} has not been heard from since {since}. Nothing bad is said of the day because of it until it has delivered, or until {until}.",
	Why.DEVICE_SILENT: "{label} has not been heard from since {since}, so what is missing may still lie in it. It is not waited for any longer.",
	Why.TOO_EARLY: "The devices have been watched for less than 14 days, so nothing bad is said of anybody yet.",
	Why.NO_ID: "Punches of this person would be nobody's: no punch of them is known, or ids wait unmapped at their devices.",
	Why.MISSING_PUNCH: "A punch is missing. There are only: {times}.",
	Why.OUTSIDE: "Punched outside of the shift {shift}: {outside}.",
	Why.UNCLEAR: "The punches can be divided into workdays in more than one way: {times}.",
	Why.ROSTER_CHANGED: "The roster says {answered} now; it was noted as {noted}.",
	Why.ON_HOLIDAY: "Worked on a holiday: {times}.",
	Why.AFTER_LEAVING: "Punched after the relieving date {left}: {times}.",
	Why.LATE_PUNCH: "Punches came after the attendance was written: {late}.",
	Why.AFTER_PAY_SLIP: "The salary slip {slip} was submitted before this was known.",
	Why.DIFFERS: "The check-ins say otherwise than the attendance.",
	Why.AHEAD: "The other half of a half-day leave was written before the day was over.",
	Why.ON_LEAVE: "Leave {leave} covers the day.",
	Why.SKIPPED: "Its check-ins are marked to be skipped, so HRMS leaves them out.",
	Why.DECISION_OUTDATED: "A person decided about other check-ins than these: {decision}.",
	Why.NO_PUNCH: "Expected, and nothing was punched.",
	Why.SHORT_HOURS: "{hours} hours are below what the shift asks for.",
	Why.BY_HAND: "Written by a person, a leave or a request.",
	Why.LEFT_AS_IT_IS: "A person left it as it is.",
	Why.NOT_BY_DEVICES: "The attendance of this person does not depend on devices.",
	Why.HOLIDAY: "A holiday.",
	Why.HRMS_SILENT: "The day may be written as it is, and Frappe HR has not written it. {silence}",
	Why.NO_LOG_TYPE: "The shift {shift} counts by Log Type only, and some of its check-ins have none: {times}. Frappe HR would not count them.",
	Why.REFUSED: "The attendance was refused: {refusal}",
	Why.KEPT_AWAY: "A person has cancelled the attendance of this day. It stays so until that decision is deleted.",
}


class MissingPunch(str, Enum):
	"""What a missing punch is taken for."""

	LEAVE_TO_HR = "Leave to HR"
	PRESENT = "Present"
	HALF_DAY = "Half Day"


class OnHolidays(str, Enum):
	"""What becomes of work on a holiday."""

	LEAVE_TO_HR = "Leave to HR"
	ATTENDANCE = "Attendance"
	OVERTIME_ONLY = "Overtime Only"


class What(str, Enum):
	"""The options of *Decision*."""

	MARK = "Mark As It Is"
	COUNT_OUTSIDE = "Count Outside Punch"
	LEAVE = "Leave It"
	KEEP_AWAY = "Keep Away"


@dataclass(frozen=True)
class Decision:
	"""What a person decided about a workday; made_on: the hash of the check-ins it was made on."""

	name: str
	what: What
	made_on: str


@dataclass(frozen=True)
class Written:
	"""An attendance that is there, draft or submitted.

	by_hand: by a person, a leave or a request; else HRMS or this app wrote it from check-ins, or for lack of them. leave: a half-day leave is part of it;
	other_half: what the other half is taken for; half_open: that is not said yet. linked: names of its check-ins.
	"""

	name: str
	status: str
	hours: float = 0.0
	shift: str = ""
	by_hand: bool = False
	leave: str = ""
	other_half: str = ""
	half_open: bool = False
	linked: frozenset[str] = field(default_factory=frozenset)

	@property
	def is_bad(self) -> bool:
		return self.status in (AttendanceStatus.ABSENT.value, AttendanceStatus.HALF_DAY.value)


@dataclass(frozen=True)
class Circumstances:
	"""What the day depends on beside its check-ins.

	read_until: how far the devices of its check-ins were read. worked: what HRMS would count; None without check-ins. leave: the name of an approved one that
	covers all of the day, half_leave: half of it. slip: a salary slip over the day that was submitted before some of its check-ins came, or before its attendance could be written. left: a relieving date before the day.
	beside: of check-ins of the same date without a shift, MARKED where they are part of an attendance, else TO_SETTLE. first_last: hours count from the first to the last check-in, however many are between. by_log_type: check-ins without one do not count.
	"""

	now: datetime
	read_until: datetime = datetime.max
	worked: Worked | None = None
	written: Written | None = None
	leave: str = ""
	half_leave: str = ""
	holiday: bool = False
	on_holidays: OnHolidays = OnHolidays.LEAVE_TO_HR
	slip: str = ""
	left: date | None = None
	by_devices: bool = True
	first_last: bool = False
	by_log_type: bool = False
	beside: State | None = None
	decision: Decision | None = None
	missing: MissingPunch = MissingPunch.LEAVE_TO_HR


@dataclass(frozen=True)
class Judgement:
	"""`values` fill the sentence of `why`. would: what would be right to write, None for nothing (or: not known yet).

	is_bad: for the person; said only where it is proven.
	"""

	state: State
	why: Why = Why.NONE
	values: Mapping[str, str] = field(default_factory=dict)
	would: Worked | None = None
	is_bad: bool = False

	@property
	def sentence(self) -> str:
		"""In English, unfilled."""
		return SENTENCES.get(self.why, "")


ABSENT = Worked(AttendanceStatus.ABSENT, 0.0, None, None)


def needs_proof(workday: Workday, known: Circumstances) -> bool:
	"""Would anything bad be said of the person? Only then the devices are asked."""
	return _found(workday, _unwritten(known)).is_bad


def judge(workday: Workday, known: Circumstances, proof: Proof | None = None) -> Judgement:
	"""`proof` is looked at where `needs_proof` says so."""
	known = _unwritten(known)
	found = _found(workday, known)
	if found.is_bad:
		found = _proven(found, known, proof)
	return replace(found, values={**_values(workday, known, proof), **found.values})


def _unwritten(known: Circumstances) -> Circumstances:
	"""Of a half-day leave whose other half is open, the record says nothing of that half yet."""
	written = known.written
	if not (written and written.half_open):
		return known
	return replace(known, written=None, half_leave=known.half_leave or written.leave)


def _found(workday: Workday, known: Circumstances) -> Judgement:
	"""As if nothing more came."""
	return _of_checkins(workday, known) if workday.checkins else _of_none(workday, known)


def _proven(bad: Judgement, known: Circumstances, proof: Proof | None) -> Judgement:
	"""Or what is said instead."""
	if proof is None:
		raise ValueError("nothing bad is said of a person without asking the devices")
	if proof.no_id:
		return Judgement(State.TO_SETTLE, Why.NO_ID)
	if proof.proven:
		return bad
	if proof.unread:
		return Judgement(State.OPEN, Why.NOT_READ)
	is_over = known.now >= proof.until
	state = State.TO_SETTLE if is_over else State.HELD
	if proof.too_early:
		return Judgement(state, Why.TOO_EARLY)
	return Judgement(state, Why.DEVICE_SILENT if is_over else Why.DEVICE_MISSING)


# --- without check-ins


def _of_none(workday: Workday, known: Circumstances) -> Judgement:
	written = known.written
	if written and written.by_hand:
		return Judgement(State.MARKED, Why.BY_HAND)
	if written and not written.is_bad:
		return Judgement(State.TO_SETTLE, Why.DIFFERS)
	if written and written.leave and workday.closes_later_than(known.now):
		return Judgement(State.TO_SETTLE, Why.AHEAD)
	if _is_early(workday, known):
		return Judgement(State.OPEN, _early(workday, known))
	if (decided := _decided(workday, known)) is not None:
		return decided
	if known.leave:
		return _if(bool(written), Why.ON_LEAVE)
	if known.holiday:
		return _if(bool(written), Why.HOLIDAY)
	if not workday.expected:
		return _if(bool(written), Why.ROSTER_CHANGED if written else Why.NONE)
	if not known.by_devices:
		return _if(bool(written), Why.NOT_BY_DEVICES)
	if known.beside and not (written and known.beside is State.TO_SETTLE):
		return _if(bool(written) or known.beside is State.TO_SETTLE, Why.ROSTER_CHANGED)
	would = replace(ABSENT, status=AttendanceStatus.HALF_DAY) if known.half_leave else ABSENT
	if known.slip and not written:
		return Judgement(State.TO_SETTLE, Why.AFTER_PAY_SLIP, would=would)
	is_bad = known.decision is None or known.decision.what is not What.MARK
	if written and written.status != would.status.value:
		return Judgement(State.TO_SETTLE, Why.DIFFERS, would=would, is_bad=is_bad)
	return Judgement(State.MARKED if written else State.COMPLETE, Why.NO_PUNCH, would=would, is_bad=is_bad)


def _if(is_written: bool, why: Why) -> Judgement:
	"""Nothing is to be written; what is written all the same is for a person to settle."""
	return Judgement(State.TO_SETTLE if is_written else State.NO_ATTENDANCE, why)


# --- with check-ins


def _of_checkins(workday: Workday, known: Circumstances) -> Judgement:
	written, would = known.written, _would(workday, known)
	if _is_early(workday, known):
		return Judgement(State.OPEN, _early(workday, known))
	if (decided := _decided(workday, known)) is not None:
		return decided
	if written and written.by_hand:
		is_there = would and would.status is not AttendanceStatus.ABSENT and not _lacks(workday, known)
		differs = written.status == AttendanceStatus.ABSENT.value and is_there
		why = Why.DIFFERS if differs else Why.BY_HAND
		return Judgement(State.TO_SETTLE if differs else State.MARKED, why, would=would)
	if (problem := _problem(workday, known)) is not Why.NONE:
		if problem is Why.ON_HOLIDAY and known.on_holidays is OnHolidays.OVERTIME_ONLY:
			return _if(bool(written), Why.ON_HOLIDAY)
		is_unknown = problem in (Why.MISSING_PUNCH, Why.OUTSIDE, Why.UNCLEAR, Why.NO_LOG_TYPE)
		is_bad = problem is Why.MISSING_PUNCH
		return Judgement(State.TO_SETTLE, problem, would=None if is_unknown else would, is_bad=is_bad)
	assert would is not None
	found = _compared(workday, known, would)
	if would.status is AttendanceStatus.PRESENT:
		return found
	return replace(found, why=found.why if found.why is not Why.NONE else Why.SHORT_HOURS, is_bad=True)


def _decided(workday: Workday, known: Circumstances) -> Judgement | None:
	decision = known.decision
	if decision is None or (decision.what is What.KEEP_AWAY and known.written):
		return None
	if decision.made_on != input_hash(workday):
		return Judgement(State.TO_SETTLE, Why.DECISION_OUTDATED, {"decision": decision.what.value})
	if decision.what is What.KEEP_AWAY:
		return Judgement(State.NO_ATTENDANCE, Why.KEPT_AWAY)
	if decision.what is What.LEAVE:
		return Judgement(State.NO_ATTENDANCE if not known.written else State.MARKED, Why.LEFT_AS_IT_IS)
	if decision.what is What.MARK and known.worked:
		return _compared(workday, known, known.worked)
	return None


def _problem(workday: Workday, known: Circumstances) -> Why:
	"""The first that keeps the day from being written as it is."""
	written, counted = known.written, workday.counted
	is_moved = written and written.linked and workday.shift and written.shift not in ("", workday.shift.name)
	problems = (
		(known.left is not None, Why.AFTER_LEAVING),
		(is_moved or any(checkin.is_noted_otherwise for checkin in counted), Why.ROSTER_CHANGED),
		(bool(workday.outside), Why.OUTSIDE),
		(workday.is_unclear, Why.UNCLEAR),
		(_lacks_log_types(counted, known), Why.NO_LOG_TYPE),
		(_lacks(workday, known), Why.MISSING_PUNCH),
		(known.leave != "", Why.ON_LEAVE),
		(known.holiday and known.on_holidays is not OnHolidays.ATTENDANCE, Why.ON_HOLIDAY),
		(not written and all(checkin.skipped for checkin in counted), Why.SKIPPED),
	)
	return next((why for holds, why in problems if holds), Why.NONE)


def _lacks(workday: Workday, known: Circumstances) -> bool:
	"""Is a punch missing, and does the policy leave that to HR?"""
	if not workday.lacks_a_punch or known.missing is not MissingPunch.LEAVE_TO_HR:
		return False
	shift, first, last = workday.shift, workday.checkins[0].time, workday.checkins[-1].time
	count = sum(len(taps(piece)) for piece in workday.pieces)
	is_whole = shift and first <= shift.start + NEAR and last >= shift.end - NEAR
	return not (known.first_last and is_whole and count > 2)


def _lacks_log_types(counted: Iterable[CheckIn], known: Circumstances) -> bool:
	"""Would HRMS silently leave check-ins out?"""
	if not known.by_log_type or all(checkin.log_type for checkin in counted):
		return False
	return not (known.first_last and known.worked and known.worked.hours)


def _would(workday: Workday, known: Circumstances) -> Worked | None:
	worked = known.worked
	if worked is None or not workday.lacks_a_punch or known.missing is MissingPunch.LEAVE_TO_HR:
		return worked
	taken_for = AttendanceStatus(known.missing.value)
	return replace(worked, status=taken_for)


def _compared(workday: Workday, known: Circumstances, would: Worked) -> Judgement:
	written = known.written
	if written is None:
		if known.slip:
			return Judgement(State.TO_SETTLE, Why.AFTER_PAY_SLIP, would=would)
		return Judgement(State.COMPLETE, would=would)
	late = {checkin.name for checkin in told(workday.counted)} - written.linked
	if _agrees(written, would):
		return Judgement(State.MARKED, Why.LATE_PUNCH if late else Why.NONE, would=would)
	if not late:
		return Judgement(State.TO_SETTLE, Why.DIFFERS, would=would)
	return Judgement(State.TO_SETTLE, Why.AFTER_PAY_SLIP if known.slip else Why.LATE_PUNCH, would=would)


def _agrees(written: Written, would: Worked) -> bool:
	if written.leave:
		is_absent = would.status is AttendanceStatus.ABSENT
		return (written.other_half == AttendanceStatus.ABSENT.value) == is_absent or not written.other_half
	return written.status == would.status.value and abs(written.hours - would.hours) <= SAME


# --- shared


def _is_early(workday: Workday, known: Circumstances) -> bool:
	return workday.closes_later_than(min(known.now, known.read_until))


def _early(workday: Workday, known: Circumstances) -> Why:
	return Why.NOT_OVER if workday.closes_later_than(known.now) else Why.NOT_READ


def _values(workday: Workday, known: Circumstances, proof: Proof | None) -> dict[str, str]:
	shift = workday.shift
	written = known.written
	late = [one for one in told(workday.counted) if written is None or one.name not in written.linked]
	moved = next((one for one in workday.checkins if one.is_noted_otherwise), None)
	values = {
		"closes": _moment(workday.closes if workday.pieces or shift else None),
		"times": _times(workday.checkins),
		"outside": _times([one for one in workday.checkins if one.name in workday.outside]),
		"late": _times(late),
		"shift": shift.name if shift else "",
		"answered": moved.answered.name if moved and moved.answered else shift.name if shift else "",
		"noted": moved.noted.name if moved and moved.noted else (written.shift if written else "") or "–",
		"hours": f"{known.worked.hours:g}" if known.worked else "",
		"leave": known.leave or known.half_leave,
		"slip": known.slip,
		"left": known.left.isoformat() if known.left else "",
	}
	if proof:
		values.update(
			label=proof.label,
			since=_moment(proof.since),
			until=_moment(None if proof.until == datetime.max else proof.until),
		)
	return {key: value for key, value in values.items() if value}


def _moment(moment: datetime | None) -> str:
	return moment.isoformat(" ", "minutes") if moment else ""


def _times(checkins: Iterable[CheckIn]) -> str:
	return ", ".join(f"{one.time:%H:%M}" for one in checkins)
