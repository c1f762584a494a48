"""The fine guard (design §4): HRMS's auto attendance writes nothing of a day that is not free. `core/guard.py` says which are.

Its Shift Type (`shift_type.py`) does not see the others. What gets through all the same, in a race or where another app owns that class, is refused here, and
HRMS's traces are taken away before it commits: it skips check-ins of which an attendance was refused, for good.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date
from functools import partial
from typing import Any

import frappe
from frappe import _
from frappe.utils import cint, getdate

from biometric_integration.core import guard
from biometric_integration.core.guard import Row
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
	COALESCE(w.`would_status`, ''), {IS_STALE}
	FROM `tab{rows.DOCTYPE}` w WHERE w.`employee` IN %s AND w.`date` IN %s"""
HALF_DAY_FIELDS = (
	"shift",
	"half_day_status",
	"modify_half_day_status",
	"modified",
	"modified_by",
	"_comments",
)

Read = Callable[[str, Sequence], Sequence[tuple]]


# --- what HRMS is to see


def free_checkins(shift: str, logs: list[Any]) -> list[Any]:
	"""Without those of occurrences that are not free. On a defect all of them: what would be bad is refused when it is written."""
	return _or_else(logs, _free_checkins, shift, logs)


def free_dates(shift: str, employee: str, dates: list[date]) -> list[date]:
	"""Those on which it may be said that the person did not come."""
	return _or_else([], _free_dates, shift, employee, dates) if dates else dates


def fill_half_days(shift: str, employee: str, fill: Callable[[], None]) -> None:
	"""Let HRMS take the open halves of half-day leaves for absences, and open those again that are not free."""
	held = _or_else(None, _held_half_days, shift, employee)
	if held is None:
		return
	if not held:
		fill()
		return
	spoken = _comments(ATTENDANCE, held)
	frappe.db.savepoint("biometric_half_days")
	fill()
	if not _or_else(False, _open_again, held, spoken):
		frappe.db.rollback(save_point="biometric_half_days")


def _free_checkins(shift: str, logs: list[Any]) -> list[Any]:
	since = _since()
	guarded = [log for log in logs if log.shift_start and log.shift_start.date() >= since]
	if not guarded:
		return logs
	people = {log.employee for log in guarded}
	days = _days(people, {log.shift_start.date() for log in guarded})
	return [log for log in logs if _is_free(log, shift, since, days)]


def _is_free(log: Any, shift: str, since: date, days: guard.Days) -> bool:
	if not log.shift_start:
		return False  # HRMS's job would end over it
	day = log.shift_start.date()
	return day < since or guard.may_use(days.get((log.employee, day), ()), shift, log.shift_start)


def _free_dates(shift: str, employee: str, dates: list[date]) -> list[date]:
	since = _since()
	if max(dates) < since:
		return dates
	days = _days([employee], dates)
	return [day for day in dates if day < since or guard.may_miss(days.get((employee, day), ()), shift)]


def _held_half_days(shift: str, employee: str) -> dict[str, dict]:
	"""Those that are open and not free: name → its fields."""
	columns = ", ".join(f"`{field}`" for field in ("name", "attendance_date", *HALF_DAY_FIELDS))
	found = frappe.db.sql(
		f"SELECT {columns} FROM `tab{ATTENDANCE}` WHERE `employee`=%s AND `status`='Half Day' AND `modify_half_day_status`=1",
		(employee,),
		as_dict=True,
	)  # for each person of the site, every hour
	if not found:
		return {}
	since = _since()
	days = _days([employee], [row.attendance_date for row in found])
	free = {
		row.name
		for row in found
		if row.attendance_date < since
		or guard.may_miss_half(days.get((employee, row.attendance_date), ()), shift)
	}
	if free and not (_hold(employee) and _are_open(free)):
		free = set()
	return {
		row.name: {field: row[field] for field in HALF_DAY_FIELDS} for row in found if row.name not in free
	}


def _are_open(names: Collection[str]) -> bool:
	"""Also as of now: somebody may have filled them in since this transaction began."""
	still = frappe.db.sql(
		f"SELECT `name` FROM `tab{ATTENDANCE}` WHERE `name` IN %s AND `modify_half_day_status`=1 FOR UPDATE",
		(list(names),),
	)
	return len(still) == len(names)


def _open_again(held: dict[str, dict], spoken: Collection[str]) -> bool:
	for name, before in held.items():
		if not frappe.db.get_value(ATTENDANCE, name, "modify_half_day_status"):
			frappe.db.set_value(ATTENDANCE, name, before, update_modified=False)
	_delete_comments(set(_comments(ATTENDANCE, held)) - set(spoken))
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
	if not _hold(attendance.employee):
		return True
	return bool(_written_meanwhile(attendance) or (checkins and _changed_meanwhile(attendance, checkins)))


def _hold(employee: str) -> bool:
	return locks.hold(locks.of_attendance(employee))


def _written_meanwhile(attendance) -> set[str]:
	"""Attendance that is there by now, and was not when this transaction began. HRMS locks the same rows a moment later."""
	statement = f"""SELECT `name` FROM `tab{ATTENDANCE}` WHERE `employee`=%s AND `attendance_date`=%s AND `docstatus`<2
		AND COALESCE(`shift`, '') IN ('', %s)"""
	values = (attendance.employee, attendance.attendance_date, attendance.shift or "")
	by_now = frappe.db.sql(f"{statement} FOR UPDATE", values, pluck=True)
	return set(by_now) - set(frappe.db.sql(statement, values, pluck=True)) if by_now else set()


def _changed_meanwhile(attendance, checkins: list[str]) -> bool:
	"""Check-ins that are part of another attendance, skipped, or of another shift by now."""
	same = frappe.db.sql(
		f"""SELECT `name` FROM `tab{CHECKIN}` WHERE `name` IN %s AND COALESCE(`attendance`, '')='' AND `skip_auto_attendance`=0
		AND `shift`=%s FOR UPDATE""",
		(checkins, attendance.shift),
	)
	return len(same) < len(set(checkins))


def _unskipped(checkins: list[str]) -> dict[str, str | None]:
	"""Check-in → who has commented on it; of those that nobody has skipped."""
	statement = f"SELECT `name`, `_comments` FROM `tab{CHECKIN}` WHERE `name` IN %s AND `skip_auto_attendance`=0 FOR UPDATE"
	return dict(frappe.db.sql(statement, (checkins,)))


def _give_back(checkins: dict[str, str | None], mark: str) -> None:
	for name, comments in checkins.items():
		before = {"skip_auto_attendance": 0, "_comments": comments}
		frappe.db.set_value(CHECKIN, name, before, update_modified=False)
	_delete_comments(_comments(CHECKIN, checkins, content=("like", f"%{mark}%")))


def _comments(doctype: str, names: Collection[str], **filters) -> list[str]:
	about = {"reference_doctype": doctype, "reference_name": ("in", list(names)), **filters}
	return frappe.get_all(COMMENT, about, pluck="name", limit=0) if names else []


def _delete_comments(names: Collection[str]) -> None:
	if names:
		frappe.db.delete(COMMENT, {"name": ("in", list(names))})


# --- gathering


def _since() -> date:
	"""The first day that is guarded; where nothing is, the last one that there is."""
	is_on = cint(frappe.get_cached_doc(servers.SETTINGS).get("guard", 1)) and servers.is_in_use()
	return judging.policy().earliest if is_on else date.max


def _days(people: Collection[str], dates: Collection[date], read: Read | None = None) -> guard.Days:
	"""One query, whatever there is of them."""
	read = read or frappe.db.sql
	found = read(OF_DAYS, (list(people), list(dates)))
	return guard.by_day(Row(*values[:-1], bool(values[-1])) for values in found)


def _or_else(otherwise: Any, ask: Callable, *about: Any) -> Any:
	"""Whatever goes wrong in here must not end HRMS's job, which goes on to other people and shifts."""
	try:
		return ask(*about)
	except transaction.OF_NO_ROW:
		raise
	except Exception:
		frappe.log_error(_("The guard on auto attendance failed"), frappe.get_traceback(), defer_insert=True)
		return otherwise
