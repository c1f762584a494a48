"""HRMS is silent: days that it should have written, and has not, though its job has run twice since (design §4)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple

import frappe
from frappe.utils import get_datetime, now_datetime

from biometric_integration.core.judgement import State, Why
from biometric_integration.core.watermark import AutoAttendance, Silence, silence
from biometric_integration.sync.hrms import auto_attendance
from biometric_integration.sync.records import servers
from biometric_integration.sync.workdays import marks, rows

RUNS = "hrms_runs"
A_WHILE = timedelta(minutes=15)
"""So long after the second run began it counts as over. The first one was when it began."""
AT_ONCE = 500


class Run(NamedTuple):
	"""HRMS's job began, and so far the shift types were to be marked then."""

	at: datetime
	marks: dict[str, datetime]


def note_run() -> bool:
	"""Remember the last two runs of HRMS's job; is there a new one? Called before marks are moved: what was moved a moment ago, the run did not see."""
	last = auto_attendance.last_run()
	known, _looked = _remembered()
	if last is None or (known and known[-1].at >= last):
		return False
	reached = {name: one.mark for name, one in auto_attendance.of_shifts().items() if one.mark}
	_remember([*known, Run(last, reached)][-2:], None)
	return True


def find(now: datetime) -> int:
	"""Once per run of HRMS: say of the days that it has left out that it is silent; returns how many. In one transaction of the caller."""
	known, looked = _remembered()
	if len(known) < 2 or known[1].at == looked or not known[1].at + A_WHILE <= now:
		return 0
	_remember(known, known[1].at)
	return sum(_say(of, why, names, known[0].at) for of in _used() for why, names in _silent(of, known[0]))


def _used() -> list[AutoAttendance]:
	"""Shift types, where anybody leaves attendance to HRMS. Where the app writes it, only those that stay HRMS's."""
	shifts = list(auto_attendance.of_shifts().values())
	automatic = [one for one in shifts if one.enabled]
	return automatic if servers.to_attendance() or not automatic else shifts


def _silent(of: AutoAttendance, first: Run) -> Iterator[tuple[Silence, list[str]]]:
	found: dict[Silence, list[str]] = {}
	passed = first.marks.get(of.shift)
	for name, day, closes, checkins, status in _complete(of.shift, first.at) if of.enabled or of.mark else ():
		why = silence(of, day, closes, bool(checkins), status == "Inactive", passed)
		if why:
			found.setdefault(why, []).append(name)
	yield from found.items()


def _complete(shift: str, since: datetime) -> Iterable[tuple[str, date, datetime, int, str]]:
	"""Rows that have been so all the time: they are written only where they change. Without those of people whose days could not be judged of late."""
	return frappe.db.sql(
		f"""SELECT w.`name`, w.`date`, w.`closes`, w.`checkins`, e.`status` FROM `tab{rows.DOCTYPE}` w
		JOIN `tabEmployee` e ON e.`name`=w.`employee`
		WHERE w.`state`=%s AND w.`shift`=%s AND w.`closes`<%s AND w.`modified`<%s
		AND NOT EXISTS (SELECT 1 FROM `tab{marks.DOCTYPE}` m WHERE m.`whose`=w.`employee`)""",
		(State.COMPLETE.value, shift, since, since),
	)  # a plain read: nobody's save waits for it


def _say(of: AutoAttendance, why: Silence, names: list[str], since: datetime) -> int:
	begins = of.begins.isoformat() if of.begins else ""
	count = 0
	for start in range(0, len(names), AT_ONCE):
		frappe.db.sql(
			f"""UPDATE `tab{rows.DOCTYPE}` SET `state`=%s, `reason`=%s, `modified`=%s,
				`reason_values`=JSON_SET(COALESCE(NULLIF(`reason_values`, ''), '{{}}'), '$.silence', %s, '$.begins', %s, '$.shift', %s)
			WHERE `name` IN %s AND `state`=%s AND `modified`<%s""",
			(
				State.TO_SETTLE.value,
				Why.HRMS_SILENT.value,
				now_datetime(),
				why.value,
				begins,
				of.shift,
				names[start : start + AT_ONCE],
				State.COMPLETE.value,
				since,
			),
		)  # what they were judged by stays as it is
		count += frappe.db._cursor.rowcount
	return count


# --- what is remembered


def _remembered() -> tuple[list[Run], datetime | None]:
	kept = json.loads(frappe.db.get_single_value(servers.SETTINGS, RUNS) or "{}")
	found = [
		Run(get_datetime(at), {name: get_datetime(mark) for name, mark in reached.items()})
		for at, reached in kept.get("runs", ())
	]
	return found, get_datetime(kept["looked"]) if kept.get("looked") else None


def _remember(known: list[Run], looked: datetime | None) -> None:
	kept = [[str(run.at), {name: str(mark) for name, mark in run.marks.items()}] for run in known]
	value = json.dumps({"runs": kept, "looked": str(looked) if looked else ""}, sort_keys=True)
	frappe.db.set_single_value(servers.SETTINGS, RUNS, value, update_modified=False)
