"""Attendance mode: one submitted Attendance per employee and shift-day, once all punches of the day are in (design §6 step 7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import frappe
from frappe import _
from frappe.query_builder import DocType
from frappe.query_builder.functions import Min
from frappe.utils import now_datetime

from biometric_integration.core import attendance as core
from biometric_integration.core.attendance import AttendanceStatus, Day, DayPunch, Mark, Marked, Span, Worked
from biometric_integration.core.reasons import SENTENCES, STATUS_OF, EventStatus, Reason
from biometric_integration.core.store import BatchLost
from biometric_integration.core.text import harmless
from biometric_integration.sync.db import locks, sql, transaction
from biometric_integration.sync.db.savepoint import Refused, savepoint
from biometric_integration.sync.hrms import shifts
from biometric_integration.sync.records import completeness, servers, staging, sync_log
from biometric_integration.sync.workdays import timesheets, writing

DOCTYPE = "Attendance"
PEOPLE = 50
AT_ONCE = 5000
BLOCKED = (Reason.AUTO_ATTENDANCE.value, Reason.NO_DIRECTION.value)
"""A mistake in the setup: looked at again every hour."""
BLOCKED_PAUSE = timedelta(hours=1)
DECIDED_FIELDS = (
	"status",
	"reason_code",
	"reason",
	"attendance",
	"attempts",
	"day_ends",
	"resolved_at",
	"modified",
)
HALF_DAY_FIELDS = ("half_day_status", "modify_half_day_status")


@dataclass(frozen=True)
class Policy:
	"""What the settings say, and `limit`: a day that closes before it is complete."""

	now: datetime
	limit: datetime
	half_day_hours: float = 0.0
	on_holidays: bool = False
	activity_type: str = ""


@dataclass(frozen=True)
class Verdict:
	"""What became of a day; without a reason it is left open."""

	day: Day
	reason: Reason | None = None
	sentence: str = ""
	record: str = ""

	@property
	def is_refusal(self) -> bool:
		return self.reason is Reason.HRMS_REFUSED


def mark_due(now: datetime, go_on: Callable[[], bool] = lambda: True) -> int:
	"""Write the attendance of all days that are complete; returns how many punches were decided with that.

	In the process lane: whoever finds it taken leaves the days to the next tick.
	"""
	transaction.commit()
	if not locks.take(locks.LANE):
		return 0
	try:
		return _mark_due(_policy(now), go_on)
	finally:
		locks.release(locks.LANE)


def _mark_due(policy: Policy, go_on: Callable[[], bool]) -> int:
	decided, logs, last = 0, set(), ""
	while go_on() and (people := _people(policy, last)):
		last = people[-1]
		try:
			with transaction.batch():
				verdicts = list(_verdicts(people, policy))
				sync_log.forget_counted()
				_keep(verdicts, policy.now)
				transaction.commit()
		except BatchLost:  # the next tick does it again
			continue
		done = [punch for verdict in verdicts if verdict.reason is not None for punch in verdict.day.punches]
		decided += len(done)
		logs.update(punch.sync_log for punch in done)
	if logs:
		sync_log.recount(logs)
		transaction.commit()
	return decided


def let_go() -> int:
	"""After the settings went back to check-ins: what still waits for its day becomes a check-in. Commits."""
	filters = {"status": EventStatus.PENDING.value, "reason_code": ("in", [Reason.DAY_OPEN.value, *BLOCKED])}
	names = frappe.get_all(staging.DOCTYPE, filters, pluck="name", limit=AT_ONCE)
	if names:
		staging.reopen(names)
		transaction.commit()
	return len(names)


# --- what is known


def _policy(now: datetime) -> Policy:
	settings = frappe.get_cached_doc(servers.SETTINGS)
	buffer = timedelta(minutes=settings.attendance_buffer or 0)
	return Policy(
		now,
		max(horizon(now).until, datetime.min + buffer) - buffer,
		settings.half_day_hours or 0.0,
		bool(settings.mark_on_holidays),
		settings.activity_type if settings.make_timesheets and settings.activity_type else "",
	)


def horizon(now: datetime) -> Mark:
	"""Before this time every server was read to its end and every punch decided; with the unit that holds it back, if one does."""
	return core.horizon(now, completeness.marks(), _oldest_waiting())


def _oldest_waiting() -> datetime | None:
	event = DocType(staging.DOCTYPE)
	waits = (event.status == EventStatus.PENDING.value) & (event.reason_code == "")
	return frappe.qb.from_(event).select(Min(event.punch_time)).where(waits).run()[0][0]


def _people(policy: Policy, after: str) -> list[str]:
	"""Employees with a punch whose day may be complete, by name, after the name `after`."""
	event = DocType(staging.DOCTYPE)
	is_open = (event.reason_code == Reason.DAY_OPEN.value) & (
		event.day_ends.isnull() | (event.day_ends <= policy.limit)
	)
	is_blocked = event.reason_code.isin(BLOCKED) & (event.resolved_at < policy.now - BLOCKED_PAUSE)
	query = (
		frappe.qb.from_(event)
		.select(event.employee)
		.distinct()
		.where((event.status == EventStatus.PENDING.value) & (is_open | is_blocked))
		.where((event.punch_time <= policy.limit) & (event.employee > after))
		.orderby(event.employee)
		.limit(PEOPLE)
	)
	return query.run(pluck=True)


def _punches(people: Sequence[str]) -> list[DayPunch]:
	filters = {
		"status": EventStatus.PENDING.value,
		"reason_code": ("in", [Reason.DAY_OPEN.value, *BLOCKED]),
		"employee": ("in", people),
	}
	fields = ["name", "employee", "punch_time", "resolved_time", "log_type", "sync_log", "attempts"]
	return [
		DayPunch(
			row.resolved_time or row.punch_time,
			row.name,
			row.employee,
			row.log_type or "",
			row.sync_log or "",
			row.attempts or 0,
		)
		for row in frappe.get_all(staging.DOCTYPE, filters, fields, limit=0)
	]


def _spans(people: Sequence[str]) -> Iterator[tuple[DayPunch, Span | Refused]]:
	"""Each punch with its shift-day, or with why HRMS cannot tell."""
	has_shift = shifts.with_a_shift(people)
	for punch in _punches(people):
		try:
			with savepoint("biometric_shift"):
				span = shifts.span_of(punch.employee, punch.time)
		except Refused as refused:
			yield punch, refused
		else:
			off_shift = has_shift(punch.employee, punch.time.date())
			yield punch, span or core.calendar_day(punch.time, off_shift)


def _marked(days: Sequence[Day]) -> dict[tuple[str, date], list[Marked]]:
	"""The attendance that is there, by employee and date."""
	if not days:
		return {}
	meta = frappe.get_meta(DOCTYPE)
	half_day = [field for field in HALF_DAY_FIELDS if meta.has_field(field)]
	filters = {
		"employee": ("in", sorted({day.employee for day in days})),
		"attendance_date": ("in", sorted({day.date for day in days})),
		"docstatus": ("<", 2),
	}
	fields = [
		"name",
		"employee",
		"attendance_date",
		"shift",
		"status",
		"leave_type",
		"biometric_day",
		*half_day,
	]
	rows = frappe.get_all(DOCTYPE, filters, fields, limit=0)
	used = _used([row.name for row in rows if row.biometric_day])
	found: dict[tuple[str, date], list[Marked]] = {}
	for row in rows:
		is_open = (
			row.status == AttendanceStatus.HALF_DAY.value and row.leave_type and row.modify_half_day_status
		)
		mark = Marked(row.name, row.shift or "", bool(row.biometric_day), row.name in used, bool(is_open))
		found.setdefault((row.employee, row.attendance_date), []).append(mark)
	return found


def _used(records: Sequence[str]) -> set[str]:
	if not records:
		return set()
	filters = {"attendance": ("in", records), "status": EventStatus.PROCESSED.value}
	return set(frappe.get_all(staging.DOCTYPE, filters, pluck="attendance", distinct=True, limit=0))


# --- what is done


def _verdicts(people: Sequence[str], policy: Policy) -> Iterator[Verdict]:
	spans = list(_spans(people))
	for punch, refused in spans:
		if isinstance(refused, Refused):
			yield _refused(Day(punch.employee, core.calendar_day(punch.time), (punch,)), refused)
	days = core.days((punch, span) for punch, span in spans if isinstance(span, Span))
	closed = [day for day in days if day.closed(policy.limit)]
	_free_keys([day.key for day in closed])
	marked = _marked(closed)
	for day in days:
		if not day.closed(policy.limit):
			yield Verdict(day)
			continue
		marks = marked.setdefault((day.employee, day.date), [])
		verdict = _verdict(day, core.standing(day, marks), policy)
		if verdict.reason is Reason.NONE:
			marks.append(Marked(verdict.record, day.shift, ours=True, used=True))
		yield verdict


def _verdict(day: Day, mark: Marked | None, policy: Policy) -> Verdict:
	try:
		with savepoint("biometric_attendance"):
			setup = shifts.setup_of(day, policy.on_holidays)
			reason = core.before_writing(day, mark, setup)
			if reason is not None:
				return _without_writing(day, reason, mark)
			worked = shifts.worked(day) if day.shift else core.by_hours(day, policy.half_day_hours)
			if core.uncounted(day, worked, setup):
				return _without_writing(day, Reason.NO_DIRECTION, None)
			record = _complete(mark.name, day, worked) if mark else _create(day, worked)
	except Refused as refused:
		return _refused(day, refused)
	if policy.activity_type:
		timesheets.make(day, record, policy.activity_type)
	return Verdict(day, Reason.NONE, record=record)


def _refused(day: Day, refused: Refused) -> Verdict:
	return Verdict(day, Reason.HRMS_REFUSED, _(core.REFUSED).format(day=day.date, words=refused))


def _without_writing(day: Day, reason: Reason, mark: Marked | None) -> Verdict:
	record = mark.name if mark and STATUS_OF[reason] is EventStatus.PROCESSED else ""
	values = {"employee": day.employee, "day": day.date.isoformat(), "shift": day.shift, "attendance": record}
	return Verdict(day, reason, _(SENTENCES[reason]).format(**values), record)


def _create(day: Day, worked: Worked) -> str:
	record = frappe.new_doc(DOCTYPE)
	record.update(
		{
			"employee": day.employee,
			"attendance_date": day.date,
			"status": worked.status.value,
			**_times(day, worked),
			**_half_day(worked),
			**_overtime(day, worked),
		}
	)
	record.flags.ignore_permissions = True
	record.submit()
	if worked.status is AttendanceStatus.ABSENT:
		record.add_comment(text=_("Employee was marked Absent for not meeting the working hours threshold."))
	return record.name


def _complete(name: str, day: Day, worked: Worked) -> str:
	"""The other half of a half-day leave, as HRMS's own auto attendance fills it in."""
	other_half = "Absent" if worked.status is AttendanceStatus.ABSENT else "Present"
	values = {**_times(day, worked), "half_day_status": other_half, "modify_half_day_status": 0}
	frappe.db.set_value(DOCTYPE, name, values)
	return name


def _times(day: Day, worked: Worked) -> dict:
	return {
		"working_hours": worked.hours,
		"shift": day.shift or None,
		"late_entry": int(worked.late_entry),
		"early_exit": int(worked.early_exit),
		"in_time": worked.in_time,
		"out_time": worked.out_time,
		"biometric_day": day.key,
	}


def _half_day(worked: Worked) -> dict:
	"""Payroll counts the half that was not worked where HRMS can say so."""
	if not frappe.get_meta(DOCTYPE).has_field("half_day_status"):
		return {}
	return {"half_day_status": "Absent" if worked.status is AttendanceStatus.HALF_DAY else None}


def _overtime(day: Day, worked: Worked) -> dict:
	return shifts.overtime(day, worked.hours) if worked.status is AttendanceStatus.PRESENT else {}


def _free_keys(keys: Sequence[str]) -> None:
	"""A cancelled attendance gives its day back."""
	if keys:
		filters = {"biometric_day": ("in", keys), "docstatus": 2}
		frappe.db.set_value(DOCTYPE, filters, "biometric_day", None, update_modified=False)


def _keep(verdicts: Iterable[Verdict], now: datetime) -> None:
	"""Mark the punches. Of a day that stays open only its end is noted, so that it is not asked for again before."""
	open_days, decided = [], []
	for verdict in verdicts:
		(open_days if verdict.reason is None else decided).append(verdict)
	ends = [
		(punch.event, verdict.day.span.closes, now_datetime())
		for verdict in open_days
		for punch in verdict.day.punches
	]
	sql.update_many(staging.DOCTYPE, ("day_ends", "modified"), sorted(ends))
	rows = [row for verdict in decided for row in _rows(verdict, now)]
	sql.update_many(staging.DOCTYPE, DECIDED_FIELDS, sorted(rows, key=lambda row: row[0]))


def _rows(verdict: Verdict, now: datetime) -> Iterator[tuple]:
	for punch in verdict.day.punches:
		yield (
			punch.event,
			STATUS_OF[verdict.reason].value,
			verdict.reason.value,
			harmless(verdict.sentence),
			verdict.record,
			punch.attempts + 1 if verdict.is_refusal else 0,
			verdict.day.span.closes,
			now,
			now_datetime(),
		)


# --- what people do to an attendance


def cancelled(record, method: str | None = None) -> None:
	"""What a person cancels stays cancelled; its punches say so, and can be used again by Reprocess."""
	if record.flags.get(writing.OURS):
		return
	values = {
		"user": frappe.session.user,
		"attendance": record.name,
		"time": now_datetime().replace(microsecond=0),
	}
	changes = {
		"status": STATUS_OF[Reason.CANCELLED].value,
		"reason_code": Reason.CANCELLED.value,
		"reason": _(SENTENCES[Reason.CANCELLED]).format(**values),
		"attendance": "",
	}
	frappe.db.set_value(staging.DOCTYPE, {"attendance": record.name}, changes)
