"""Biometric Staging Event: a punch is used when its check-in is there. Output *Attendance* did without, and kept punches waiting for their day.

From a cut-over date on, punches of written days get check-ins that are part of what was written then; older ones stay as they are, and say so. Every step goes in chunks, each
in a transaction of its own, and finds what is left to do in the tables: whoever stops it begins again. `bench execute …dry_run` prints what there is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from hashlib import blake2b
from itertools import islice

import frappe
from frappe import _
from frappe.utils import add_months, cint, get_first_day, get_last_day, getdate, now_datetime

from biometric_integration.core.decide import Decision
from biometric_integration.core.directory import Directory, WaitingEvent
from biometric_integration.core.judgement import State, What
from biometric_integration.core.punch import Direction
from biometric_integration.core.reasons import EventStatus, Reason
from biometric_integration.core.window import DAY
from biometric_integration.core.workday import Workday, input_hash
from biometric_integration.sync.db import sql, transaction
from biometric_integration.sync.hrms import site_rules
from biometric_integration.sync.hrms.roster import Roster
from biometric_integration.sync.process import series
from biometric_integration.sync.process.bulk_checkins import BulkWriter, empty_row, templates_of
from biometric_integration.sync.records import devices, servers, staging, sync_log, words
from biometric_integration.sync.workdays import judging, marks, rows
from biometric_integration.sync.workdays.marks import Mark, Scope

ATTENDANCE, CHECKIN, DECISION, TIMESHEET = "Attendance", "Employee Checkin", "Biometric Decision", "Timesheet"
OPEN = ("day_open", "auto_attendance", "no_direction")
SKIPPED = ("late", "already_marked", "holiday", "off_shift")
CANCELLED = "cancelled"
FORMER = (*OPEN, *SKIPPED, CANCELLED)
GONE = ("mark_on_holidays", "attendance_buffer")
CHUNK, PEOPLE = 1000, 50
REASON = ("reason_code", "reason_values")
FIELDS = """e.`name`, e.`employee`, COALESCE(e.`resolved_time`, e.`punch_time`) AS `time`, e.`log_type`, e.`device`, e.`sync_log`, e.`source_time`,
	e.`punch_time`, e.`device_user_id`, e.`server`, e.`reason_values`, e.`attendance`"""
WITHOUT = "e.`attendance`>'' AND COALESCE(e.`employee_checkin`, '')='' AND e.`status`='Processed' AND e.`reason_code`=''"
"""Used without a check-in."""


def execute() -> None:
	_carry_settings_over()
	if not _was_used():
		return
	first = cut_over()
	_begin_with(first)
	for doctype in (ATTENDANCE, TIMESHEET):
		_rename_days(doctype)
	_reopen()
	_link(first)
	_skip()
	_keep_away()
	_tell_of_older_ones()
	_mark(first)


def dry_run() -> None:
	"""Print what the migration would do. Changes nothing."""
	first = cut_over()
	since = _before(first)
	written = f"SELECT COUNT(*) FROM `tab{staging.DOCTYPE}` e LEFT JOIN `tab{ATTENDANCE}` a ON a.`name`=e.`attendance` WHERE {WITHOUT}"
	linked = _number(
		f"{written} AND (a.`attendance_date`>=%s OR (a.`name` IS NULL AND e.`punch_time`>=%s))", first, since
	)
	found = {
		"Cut-over": first.isoformat(),
		"Punches that waited for their day: to be used": _of_reasons(OPEN),
		"Punches of written days since the cut-over: a check-in each, part of that attendance": linked,
		"Older ones that stay as they are": _number(written) - linked,
		"Late, on a marked day, on a holiday, off shift: a check-in each, skipped": _of_reasons(SKIPPED),
		"Of a day that a person cancelled: a check-in each, skipped, and a decision for the day": _of_reasons(
			[CANCELLED]
		),
		"Attendance that gets a new key": sum(1 for _name in _renamed(ATTENDANCE)),
		"Timesheets that get a new key": sum(1 for _name in _renamed(TIMESHEET)),
	}
	for what, count in found.items():
		print(f"{what}: {count}")


def _number(query: str, *values: object) -> int:
	return frappe.db.sql(query, values)[0][0]


def _of_reasons(reasons: Sequence[str]) -> int:
	return frappe.db.count(staging.DOCTYPE, {"reason_code": ("in", reasons)})


def _was_used() -> bool:
	if servers.to_attendance() or frappe.db.exists(staging.DOCTYPE, {"reason_code": ("in", FORMER)}):
		return True
	return bool(
		frappe.db.sql(f"SELECT 1 FROM `tab{staging.DOCTYPE}` WHERE `attendance`>'' LIMIT 1")
	)  # by its index


# --- settings


def _carry_settings_over() -> None:
	of_settings = "FROM `tabSingles` WHERE `doctype`=%s AND `field`"
	former = dict(frappe.db.sql(f"SELECT `field`, `value` {of_settings} IN %s", (servers.SETTINGS, GONE)))
	if cint(former.get("mark_on_holidays")):
		frappe.db.set_single_value(servers.SETTINGS, "on_holidays", "Attendance", update_modified=False)
	frappe.db.sql(f"DELETE {of_settings} IN %s", (servers.SETTINGS, GONE))
	frappe.clear_document_cache(servers.SETTINGS, servers.SETTINGS)
	transaction.commit()


def cut_over() -> date:
	"""The first day of the months up to now of which no salary slip is submitted; no later than this month. Where there are no slips at all, the month before: payroll is none of
	this site's business then, and nobody looks back further."""
	if noted := servers.stamp("attendance_from"):
		return noted.date()
	month = getdate(get_first_day(now_datetime()))
	if not frappe.db.exists("Salary Slip", {"docstatus": 1}):
		return getdate(add_months(month, -1))
	oldest = frappe.db.sql(f"SELECT MIN(`attendance_date`) FROM `tab{ATTENDANCE}` WHERE `biometric_day`>''")[
		0
	][0]
	while oldest and month > oldest and not _is_paid(before := getdate(add_months(month, -1))):
		month = before
	return month


def _is_paid(month: date) -> bool:
	over_it = {"docstatus": 1, "start_date": ("<=", get_last_day(month)), "end_date": (">=", month)}
	return bool(frappe.db.exists("Salary Slip", over_it))


def _begin_with(first: date) -> None:
	"""What is older is neither judged nor written again."""
	judged = servers.stamp("workdays_from")
	values = {"attendance_from": first, "workdays_from": max(first, judged.date()) if judged else first}
	for field, value in values.items():
		frappe.db.set_single_value(servers.SETTINGS, field, value, update_modified=False)
	frappe.clear_document_cache(servers.SETTINGS, servers.SETTINGS)
	transaction.commit()


# --- keys


def former_key(employee: str, day: date) -> str:
	"""The key of a day without a shift as it was: by the midnight at which it begins. With a shift nothing has changed."""
	text = "\x1f".join((employee, "", datetime.combine(day, time()).isoformat()))
	return f"{day:%Y%m%d}-{blake2b(text.encode(), digest_size=10).hexdigest()}"


def _renamed(doctype: str) -> Iterable[tuple[str, str, str]]:
	"""(name, key, new key) of the records whose key is another one now."""
	after = ""
	while found := frappe.db.sql(
		f"""SELECT `name`, `employee`, `biometric_day` FROM `tab{doctype}`
		WHERE `biometric_day`>'' AND `name`>%s ORDER BY `name` LIMIT %s""",
		(after, CHUNK),
	):
		after = found[-1][0]
		for name, employee, key in found:
			day = datetime.strptime(key[:8], "%Y%m%d").date()
			if key == former_key(employee or "", day):
				yield name, key, Workday(day).name_for(employee)


def _rename_days(doctype: str) -> None:
	for count, (name, key, new) in enumerate(_renamed(doctype), 1):
		frappe.db.sql(
			f"UPDATE `tab{doctype}` SET `biometric_day`=%s WHERE `name`=%s AND `biometric_day`=%s",
			(new, name, key),
		)
		if count % CHUNK == 0:
			transaction.commit()
	transaction.commit()


# --- punches


def _reopen() -> None:
	waits = {"reason_code": ("in", OPEN), "status": ("!=", EventStatus.PROCESSED.value)}
	while names := frappe.get_all(staging.DOCTYPE, waits, pluck="name", limit=CHUNK):
		transaction.in_one(lambda names=names: staging.reopen(names))


def _link(first: date) -> None:
	"""A check-in for each punch of a written day, part of that attendance; of a record that is gone, skipped.

	A name begins with the time that the source said, which is another one where a person released the punch.
	"""
	after, since = "", _before(first)
	while found := frappe.db.sql(
		f"""SELECT {FIELDS}, a.`name` AS record, a.`attendance_date`, a.`shift`, a.`docstatus`
		FROM `tab{staging.DOCTYPE}` e LEFT JOIN `tab{ATTENDANCE}` a ON a.`name`=e.`attendance`
		WHERE e.`name`>%s AND {WITHOUT} AND (a.`attendance_date`>=%s OR (a.`name` IS NULL AND e.`punch_time`>=%s))
		ORDER BY e.`name` LIMIT %s""",
		(after, first, since, CHUNK),
		as_dict=True,
	):
		after = found[-1].name
		transaction.in_one(lambda found=found: _linked(found))


def _linked(found: Sequence) -> None:
	made = _check_ins(found)
	by_event = {row.name: row for row in found}
	written = {name: by_event[event] for event, name in made.items() if (by_event[event].docstatus or 0) < 2}
	fields = ("name", "shift", "shift_start", "attendance")
	roster = Roster()
	gone, plain, otherwise = [], [], []
	for name, shift, start, attendance in sql.select_in(CHECKIN, fields, "name", list(written)):
		row = written[name]
		if attendance:
			continue
		if not row.record:
			gone.append((name, 1))
		elif (shift or "") == (row.shift or "") and (not start or start.date() == row.attendance_date):
			plain.append((name, row.record))
		else:
			otherwise.append(
				(name, {"attendance": row.record, **_of_shift(roster, row.shift, row.attendance_date)})
			)
	sql.update_many(CHECKIN, ("skip_auto_attendance",), gone)
	sql.update_many(CHECKIN, ("attendance",), plain)
	for name, values in otherwise:
		frappe.db.set_value(CHECKIN, name, values, update_modified=False)


def _of_shift(roster: Roster, shift_type: str | None, day: date) -> dict:
	"""What a check-in says of the shift that its attendance was written for."""
	shift = roster.occurrence(shift_type, day) if shift_type else None
	values = {
		"shift": shift_type or None,
		"shift_start": shift.start if shift else None,
		"shift_end": shift.end if shift else None,
		"shift_actual_start": shift.opens if shift else None,
		"shift_actual_end": shift.closes if shift else None,
		"offshift": int(not shift),
	}
	meta = frappe.get_meta(CHECKIN)
	return {field: value for field, value in values.items() if meta.has_field(field)}


def _skip() -> None:
	of_reasons = f"SELECT {FIELDS} FROM `tab{staging.DOCTYPE}` e WHERE e.`reason_code` IN %s ORDER BY e.`name` LIMIT %s"
	while found := frappe.db.sql(of_reasons, (SKIPPED, CHUNK), as_dict=True):
		transaction.in_one(lambda found=found: _skipped(found))


def _skipped(found: Sequence) -> list[str]:
	"""Check-ins that belong to no attendance. Punches of nobody that is there any more are decided about once more."""
	made = _check_ins(found)
	ours = sql.select_in(CHECKIN, ("name", "biometric_event"), "name", list(made.values()))
	names = [name for name, event in ours if event in made]
	if names:
		frappe.db.set_value(
			CHECKIN, {"name": ("in", names)}, "skip_auto_attendance", 1, update_modified=False
		)
	nobodys = [row.name for row in found if row.name not in made]
	if nobodys:
		values = {**staging.REOPENED, "modified": now_datetime()}
		frappe.db.set_value(staging.DOCTYPE, {"name": ("in", nobodys)}, values, update_modified=False)
	sync_log.recount({row.sync_log for row in found if row.sync_log})
	return list(made.values())


def _keep_away() -> None:
	"""What a person cancelled stays so: by a decision about the workday, as it is cut now."""
	cancelled = f"FROM `tab{staging.DOCTYPE}` e WHERE e.`reason_code`=%s"
	while people := frappe.db.sql(
		f"SELECT DISTINCT e.`employee` {cancelled} ORDER BY e.`employee` LIMIT %s", (CANCELLED, PEOPLE)
	):
		known = [employee or "" for (employee,) in people]
		found = frappe.db.sql(
			f"SELECT {FIELDS} {cancelled} AND COALESCE(e.`employee`, '') IN %s",
			(CANCELLED, known),
			as_dict=True,
		)
		transaction.in_one(lambda found=found: _kept_away(found))


def _kept_away(found: Sequence) -> None:
	names = set(_skipped(found))
	lane = judging.Lane(replace(judging.policy(), earliest=date.min))
	for employee in sorted({row.employee for row in found if row.employee}):
		theirs = [row for row in found if row.employee == employee]
		days = [row.time.date() for row in theirs]
		for judged in lane.judged({employee: (min(days) - DAY, max(days) + DAY)}):
			if names.isdisjoint(checkin.name for checkin in judged.workday.checkins):
				continue
			_decide(employee, judged.workday, _words(theirs, judged.workday))


def _words(theirs: Sequence, workday: Workday) -> str:
	"""Who cancelled what, and when, as it was noted on a punch of the day."""
	moments = {checkin.time for checkin in workday.checkins}
	values = (json.loads(row.reason_values or "{}") for row in theirs if row.time in moments)
	return next((each[words.SAID] for each in values if each.get(words.SAID)), _("Cancelled."))


def _decide(employee: str, workday: Workday, reason: str) -> None:
	shift = workday.shift.name if workday.shift else None
	about = {"employee": employee, "date": workday.date, "what": What.KEEP_AWAY.value}
	if frappe.db.exists(DECISION, {**about, "shift": shift or ("is", "not set")}):
		return
	decision = frappe.new_doc(DECISION)
	decision.update({**about, "shift": shift, "reason": reason})
	decision.insert(ignore_permissions=True)
	decision.db_set("made_on", input_hash(workday), update_modified=False)


def _tell_of_older_ones() -> None:
	after = ""
	while found := frappe.db.sql(
		f"""SELECT e.`name`, e.`attendance` FROM `tab{staging.DOCTYPE}` e
		WHERE e.`name`>%s AND {WITHOUT} ORDER BY e.`name` LIMIT %s""",
		(after, CHUNK),
	):
		after = found[-1][0]
		told = [
			(name, Reason.WRITTEN_BEFORE.value, words.stored({"attendance": attendance}))
			for name, attendance in found
		]
		transaction.in_one(lambda told=told: sql.update_many(staging.DOCTYPE, REASON, told))


def _mark(first: date) -> None:
	"""Workdays of before that were written here stay marked; those since then are judged with their check-ins."""
	frappe.db.sql(
		f"""UPDATE `tab{rows.DOCTYPE}` w JOIN `tab{ATTENDANCE}` a ON a.`name`=w.`attendance`
		SET w.`state`=%s, w.`reason`='', w.`look_again_at`=NULL
		WHERE w.`date`<%s AND a.`biometric_day`>'' AND a.`docstatus`=1""",
		(State.MARKED.value, first),
	)
	marks.add([Mark(Scope.EVERYBODY, "", first, date.max)])
	transaction.commit()


def _before(first: date) -> datetime:
	"""Punches of a day that begins then have no earlier source time, in whatever time zone."""
	return datetime.combine(first, time()) - timedelta(days=3)


# --- check-ins


def _check_ins(found: Sequence) -> dict[str, str]:
	"""Event → its check-in: the one that is there, or a new one; the events are marked with it. Of nobody that is there any more, none.

	Commits before anything is written: the numbers of the names.
	"""
	names = [row.name for row in found]
	made = dict(sql.select_in(CHECKIN, ("biometric_event", "name"), "biometric_event", names))
	there = _there(found)
	missing = [row for row in found if row.name not in made and (row.employee, row.time) not in there]
	made.update(_written(missing))
	there.update({(row.employee, row.time): made[row.name] for row in missing if row.name in made})
	others = {
		row.name: there[row.employee, row.time]
		for row in found
		if row.name not in made and (row.employee, row.time) in there
	}
	_note(made, Reason.NONE)
	_note(others, Reason.ALREADY_THERE)
	return {**made, **others}


def _note(made: Mapping[str, str], reason: Reason) -> None:
	"""The check-in says from now on which attendance it is part of."""
	fields = ("status", "reason_code", "reason_values", "attendance", "employee_checkin", "modified")
	said = (EventStatus.PROCESSED.value, reason.value, "", "")
	now = now_datetime()
	sql.update_many(
		staging.DOCTYPE, fields, [(event, *said, name, now) for event, name in sorted(made.items())]
	)


def _there(found: Sequence) -> dict[tuple[str, datetime], str]:
	"""(employee, time) → the check-in that is there."""
	people = sorted({row.employee for row in found if row.employee}) or [""]
	times = [row.time for row in found]
	rows = frappe.db.sql(
		f"SELECT `employee`, `time`, `name` FROM `tab{CHECKIN}` WHERE `employee` IN %s AND `time` BETWEEN %s AND %s",
		(people, min(times), max(times)),
	)
	return {(employee, moment): name for employee, moment, name in rows}


def _written(missing: Sequence) -> dict[str, str]:
	"""Those that HRMS has no word about are written without a shift."""
	directory = Directory(devices=devices.by_key({row.device for row in missing if row.device}))
	names = iter(_names(len(missing)))
	made = BulkWriter(lambda count: list(islice(names, count))).write(
		[_decision(row) for row in missing if row.employee], directory
	)
	taken = {(row.employee, row.time) for row in missing if row.name in made}
	rest = {(row.employee, row.time): row for row in missing if (row.employee, row.time) not in taken}
	templates = templates_of({employee for employee, _time in rest})
	empty = empty_row()
	plain = [
		{
			**empty,
			**templates[employee].fetched,
			"device_id": directory.devices[row.device].label if row.device in directory.devices else "",
			"employee": employee,
			"time": moment,
			"log_type": row.log_type or "",
			"biometric_event": row.name,
		}
		for (employee, moment), row in rest.items()
		if employee in templates
	]
	for row in plain:
		row["name"] = made[row["biometric_event"]] = next(names)
		sql.insert(CHECKIN, list(row), [tuple(row.values())])
	return made


def _names(count: int) -> list[str]:
	"""Reserved by a commit of its own."""
	if any(site_rules.naming()):
		return [frappe.generate_hash(length=12) for _number in range(count)]
	return series.reserved_names(count) if count else []


def _decision(row) -> Decision:
	event = WaitingEvent(
		row.name, row.device or "", row.device_user_id, row.source_time, row.punch_time, Direction.NONE
	)
	return Decision(event, employee=row.employee, time=row.time, log_type=row.log_type or "")
