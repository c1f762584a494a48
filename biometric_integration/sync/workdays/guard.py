"""The fine guard (design §4): HRMS's auto attendance writes nothing of a day that is not free. `core/guard.py` says which are.

Its Shift Type (`shift_type.py`) does not see the others. What gets through all the same, in a race or where another app owns that class, is refused here, and
HRMS's traces are taken away before it commits: it skips check-ins of which an attendance was refused, for good.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

import frappe
from frappe import _
from frappe.utils import cint, getdate

from biometric_integration.core import guard
from biometric_integration.core.guard import Row
from biometric_integration.core.judgement import State, Why
from biometric_integration.core.workday import told
from biometric_integration.sync.db import fresh, locks, transaction
from biometric_integration.sync.hrms import auto_attendance
from biometric_integration.sync.records import servers
from biometric_integration.sync.workdays import judging, marks, rows
from biometric_integration.sync.workdays.marks import Scope

ATTENDANCE, CHECKIN, COMMENT = "Attendance", "Employee Checkin", "Comment"
WIDE = ", ".join(f"'{scope.value}'" for scope in Scope if scope is not Scope.EMPLOYEE)
IS_STALE = f"""EXISTS(SELECT 1 FROM `tab{marks.DOCTYPE}` m WHERE m.`whose`=w.`employee` AND m.`scope`='{Scope.EMPLOYEE.value}'
		AND w.`date` BETWEEN m.`from_date` AND m.`to_date`)
	OR EXISTS(SELECT 1 FROM `tab{marks.DOCTYPE}` m WHERE m.`scope` IN ({WIDE}) AND w.`date` BETWEEN m.`from_date` AND m.`to_date`)"""
"""A wide mark counts for everybody: within a minute the lane finds out whose it is."""
OF_DAYS = f"""SELECT w.`employee`, w.`date`, COALESCE(w.`shift`, ''), w.`shift_start`, w.`state`, COALESCE(w.`reason`, ''), w.`checkins`,
	COALESCE(w.`would_status`, ''), {IS_STALE}, w.`outside`
	FROM `tab{rows.DOCTYPE}` w WHERE w.`employee` IN %s AND w.`date` IN %s"""
READY = f"""{OF_DAYS} AND (w.`state`='{State.COMPLETE.value}' OR w.`reason`='{Why.HRMS_SILENT.value}')"""
"""HRMS asks for check-ins of all people and days at once: most of those rows are of no interest."""
HALF_DAY_FIELDS = (
	"modify_half_day_status",
	"half_day_status",
	"shift",
	"modified",
	"modified_by",
	"_comments",
)
IS_OPEN = 0
"""Where the first of them is."""
HALF_DAYS = f"""SELECT `name`, `attendance_date`, {", ".join(f"`{field}`" for field in HALF_DAY_FIELDS)}
	FROM `tab{ATTENDANCE}` WHERE `employee`=%s AND `status`='Half Day'"""
COMMENTS = (
	f"SELECT `name` FROM `tab{COMMENT}` WHERE `reference_doctype`='{ATTENDANCE}' AND `reference_name` IN %s"
)
WRITTEN = f"""SELECT 'written', `name` FROM `tab{ATTENDANCE}`
	WHERE `employee`=%s AND `attendance_date`=%s AND `docstatus`<2 AND COALESCE(`shift`, '') IN ('', %s)"""
USABLE = f"""SELECT 'usable', `name` FROM `tab{CHECKIN}`
	WHERE `name` IN %s AND COALESCE(`attendance`, '')='' AND `skip_auto_attendance`=0 AND `shift`=%s"""

Read = Callable[[str, Sequence], Sequence[tuple]]


# --- what HRMS is to see


def free_checkins(shift: str, logs: list[Any]) -> list[Any]:
	"""Without those of occurrences that are not free. On a defect all of them: what would be bad is refused when it is written."""
	return _or_else(logs, _free_checkins, shift, logs)


def free_dates(shift: str, employee: str, dates: list[date]) -> list[date]:
	"""Those on which it may be said that the person did not come."""
	return _or_else([], _free_dates, shift, employee, dates) if dates else dates


def fill_half_days(shift: str, employee: str, fill: Callable[[], None]) -> None:
	"""Let HRMS take the open halves of half-day leaves for absences, and put those back that are not free. Most people have none: that costs nothing.

	On a defect all goes back that HRMS has not committed: absences of some people, which it finds again in an hour.
	"""
	writes = frappe.db.transaction_writes
	fill()
	if frappe.db.transaction_writes != writes and not _or_else(False, _put_half_days_back, shift, employee):
		transaction.roll_back()


def _free_checkins(shift: str, logs: list[Any]) -> list[Any]:
	since = _since()
	guarded = [log for log in logs if log.shift_start and log.shift_start.date() >= since]
	if not guarded:
		return logs
	people = {log.employee for log in guarded}
	days = _days(people, {log.shift_start.date() for log in guarded}, of_days=READY)
	counts = Counter(_occurrence(log) for log in logs)
	return _told([log for log in logs if _is_free(log, shift, since, days, counts)], since)


def _occurrence(log: Any) -> tuple:
	return log.employee, log.shift_start


def _told(logs: list[Any], since: date) -> list[Any]:
	"""Without further check-ins of a tap, of which HRMS would take each for another IN or OUT."""
	occurrences: dict[tuple, list[Any]] = {}
	for log in logs:
		occurrences.setdefault(_occurrence(log), []).append(log)
	return [
		log
		for (_employee, start), found in occurrences.items()
		for log in (found if start.date() < since else told(found))
	]


def _is_free(log: Any, shift: str, since: date, days: guard.Days, counts: Mapping[tuple, int]) -> bool:
	if not log.shift_start:
		return False  # HRMS's job would end over it
	day = log.shift_start.date()
	rows_of_day = days.get((log.employee, day), ())
	return day < since or guard.may_use(rows_of_day, shift, log.shift_start, counts[_occurrence(log)])


def _free_dates(shift: str, employee: str, dates: list[date]) -> list[date]:
	since = _since()
	if max(dates) < since:
		return dates
	days = _days([employee], dates)
	return [day for day in dates if day < since or guard.may_miss(days.get((employee, day), ()), shift)]


def _put_half_days_back(shift: str, employee: str) -> bool:
	"""As they are committed, also by somebody who was faster."""
	before, now = (
		{row[0]: row[1:] for row in read(HALF_DAYS, (employee,))} for read in (fresh.read, frappe.db.sql)
	)
	filled = {name: before[name] for name in before if now.get(name) != before[name]}
	since, dates = _since(), {values[0] for values in filled.values()}
	days = _days([employee], dates, fresh.read) if dates else {}
	held = {
		name: values
		for name, (day, *values) in filled.items()
		if day >= since
		and not (values[IS_OPEN] and guard.may_miss_half(days.get((employee, day), ()), shift))
	}
	if len(held) < len(filled) and not _hold(employee):
		held = {name: values for name, (_day, *values) in filled.items()}
	if held:
		spoken = {name for (name,) in fresh.read(COMMENTS, (list(held),))}
		for name, values in held.items():
			fields = dict(zip(HALF_DAY_FIELDS, values, strict=True))
			frappe.db.set_value(ATTENDANCE, name, fields, update_modified=False)
		_delete_comments({name for (name,) in frappe.db.sql(COMMENTS, (list(held),))} - spoken)
	return True


# --- what HRMS is to write


def before_validate(attendance, method: str | None = None) -> None:
	"""A repair of the same person's days that goes on, or has just been done, wins."""
	_refuse_if(_is_overtaken, attendance)


def validate(attendance, method: str | None = None) -> None:
	"""Bad things about a day that is not free. By now HRMS has looked at leave as well."""
	_refuse_if(_is_held, attendance)


def _refuse_if(asks: Callable[[Any, list[str]], bool], attendance) -> None:
	"""What a person, a leave, a request or an app writes passes. A defect of ours refuses what is bad, and stops nothing else."""
	if not attendance.is_new():
		return
	checkins = auto_attendance.checkins_at_work()
	if checkins is None or not _or_else(attendance.status in guard.BAD, asks, attendance, checkins):
		return
	mark = frappe.generate_hash(length=12)
	if checkins:
		kept = _or_else({}, _unskipped, checkins)
		frappe.db.before_commit.add(partial(_or_else, None, _give_back, kept, mark))
	raise auto_attendance.NotYet(f"The day is not decided yet ({mark}).")


def _is_held(attendance, checkins: list[str]) -> bool:
	day = getdate(attendance.attendance_date)
	if attendance.status not in guard.BAD or day < _since():
		return False
	found = _days([attendance.employee], [day], fresh.read).get((attendance.employee, day), ())
	return not guard.may_say(found, attendance.shift or "", attendance.status, bool(checkins))


def _is_overtaken(attendance, checkins: list[str]) -> bool:
	"""Is somebody at it, or is there an attendance by now that was not when this transaction began, or are the check-ins used, skipped or of another shift?"""
	if not _hold(attendance.employee):
		return True
	about = (attendance.employee, attendance.attendance_date, attendance.shift or "")
	statement, values = f"({WRITTEN} FOR UPDATE)", about
	if checkins:  # HRMS locks the same rows a moment later
		statement, values = (
			f"{statement} UNION ALL ({USABLE} FOR UPDATE)",
			(*about, checkins, attendance.shift),
		)
	found = frappe.db.sql(statement, values)
	written = {name for what, name in found if what == "written"}
	usable = {name for what, name in found if what == "usable"}
	if usable != set(checkins):
		return True
	return bool(written) and not written <= {name for _what, name in frappe.db.sql(WRITTEN, about)}


def _hold(employee: str) -> bool:
	return locks.hold(locks.of_attendance(employee))


def _unskipped(checkins: list[str]) -> dict[str, str | None]:
	"""Check-in → who has commented on it; of those that nobody has skipped."""
	statement = f"SELECT `name`, `_comments` FROM `tab{CHECKIN}` WHERE `name` IN %s AND `skip_auto_attendance`=0 FOR UPDATE"
	return dict(frappe.db.sql(statement, (checkins,)))


def _give_back(checkins: dict[str, str | None], mark: str) -> None:
	for name, comments in checkins.items():
		before = {"skip_auto_attendance": 0, "_comments": comments}
		frappe.db.set_value(CHECKIN, name, before, update_modified=False)
	about = {"reference_doctype": CHECKIN, "reference_name": ("in", list(checkins))}
	_delete_comments(
		frappe.get_all(COMMENT, {**about, "content": ("like", f"%{mark}%")}, pluck="name", limit=0)
	)


def _delete_comments(names: Collection[str]) -> None:
	if names:
		frappe.db.delete(COMMENT, {"name": ("in", list(names))})


# --- gathering


def _since() -> date:
	"""The first day that is guarded; where nothing is, the last one that there is."""
	is_on = cint(frappe.get_cached_doc(servers.SETTINGS).guard) and servers.is_in_use()
	return judging.policy().earliest if is_on else date.max


def _days(
	people: Collection[str], dates: Collection[date], read: Read | None = None, of_days: str = OF_DAYS
) -> guard.Days:
	"""One query, whatever there is of them."""
	read = read or frappe.db.sql
	found = read(of_days, (list(people), list(dates)))
	return guard.by_day(Row(*values[:-2], bool(values[-2]), values[-1]) for values in found)


def _or_else(otherwise: Any, ask: Callable, *about: Any) -> Any:
	"""Whatever goes wrong in here must not end HRMS's job, which goes on to other people and shifts."""
	try:
		return ask(*about)
	except transaction.OF_NO_ROW:
		raise
	except Exception:
		frappe.log_error(_("The guard on auto attendance failed"), frappe.get_traceback(), defer_insert=True)
		return otherwise
