"""What fires no event, found by comparing values: check-ins with rows, attendance with rows, the roster with what was judged by (design §4)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Set
from datetime import date, datetime, timedelta

import frappe
from frappe.utils import get_datetime, now_datetime

from biometric_integration.core.window import DAY
from biometric_integration.sync.db import sql
from biometric_integration.sync.hrms import shift_notes
from biometric_integration.sync.records import servers
from biometric_integration.sync.workdays import gathering, marks, rows, stale
from biometric_integration.sync.workdays.marks import Mark, Scope

EVERY = timedelta(hours=1)
DIGEST = "Biometric Roster Digest"
META = ("name", "creation", "modified", "owner", "modified_by", "digest")

OF_ROSTER: Mapping[str, tuple[str, ...]] = {
	"Shift Assignment": ("shift_type", "start_date", "end_date", "status", "docstatus"),
	"Leave Application": ("from_date", "to_date", "half_day", "half_day_date", "status", "docstatus"),
	"Salary Slip": ("start_date", "end_date", "docstatus", "modified"),
}
"""Doctypes with an employee, and what of them changes an answer."""
OF_DECISION = ("date", "shift", "what", "made_on")
OF_MANY: Mapping[str, tuple[str, ...]] = {
	"Shift Type": shift_notes.OF_SHIFT,
	"Holiday": ("holiday_date",),
	"Company": ("default_holiday_list",),
	"Holiday List Assignment": ("assigned_to", "from_date", "holiday_list", "docstatus"),
	"Department": ("longest_workday", "attendance_by_devices"),
	"Employment Type": ("longest_workday",),
	"Employee Grade": ("attendance_by_devices",),
	"Branch": ("attendance_by_devices",),
	"Biometric Device": stale.OF_DEVICE,
	"Biometric Decision": ("what", "date"),
}
"""What concerns whoever has it."""
GROUPED_BY = {"Biometric Decision": "device", "Holiday": "parent", "Holiday List Assignment": "assigned_to"}
SCOPES = {
	"Shift Type": Scope.SHIFT_TYPE,
	"Company": Scope.COMPANY,
	"Biometric Device": Scope.DEVICE,
	"Biometric Decision": Scope.DEVICE,
}
"""Whose days a change of one concerns; of others, everybody's."""


def is_due(now: datetime) -> bool:
	swept = servers.stamp("swept_at")
	return not swept or not swept <= now < swept + EVERY


def sweep(earliest: date, now: datetime | None = None) -> int:
	"""Mark what differs; returns how many people that were. In one transaction of the caller, on one view of the data."""
	now = now or now_datetime()
	since = max(earliest, (now - stale.PERIOD).date())
	until = now.date() + DAY
	people = set(frappe.get_all("Employee", pluck="name", limit=0))
	with_rows = set(frappe.get_all(rows.DOCTYPE, pluck="employee", distinct=True, limit=0))
	found = people.intersection((*_by_checkins(since, until), *_by_attendance(since, until)))
	found |= with_rows - people
	changed = dict(_by_roster(people, earliest if earliest == since else None))
	marks.add(Mark(Scope.EMPLOYEE, employee, since, until) for employee in sorted(found | set(changed)))
	_keep(changed, now)
	marks.add(Mark(scope, whose, since, until) for scope, whose in _by_what_many_have())
	servers.keep_stamp("swept_at", now)
	return len(found | set(changed))


# --- rows against what they were derived from


def _by_checkins(since: date, until: date) -> Iterator[str]:
	"""Employees of whom the check-ins since their first row are others than their rows say.

	A person's rows hold each of their check-ins once, so the sums are equal; where the first row begins is where the check-ins are counted from.
	That may be within the first day (and the night before), whose check-ins come one by one. Each is read once: that is what takes the time.
	"""
	of_rows = _digests_of_rows(since)
	border = since + DAY
	found = frappe.db.sql(
		f"""SELECT c.`employee`, SUM(IF(c.`time`>=%(border)s, {gathering.CHECKIN_DIGEST}, 0)),
			GROUP_CONCAT(IF(c.`time`<%(border)s, CONCAT(c.`time`, '=', {gathering.CHECKIN_DIGEST}), NULL))
		FROM `tab{gathering.CHECKIN}` c WHERE c.`time`>=%(before)s AND c.`time`<%(end)s GROUP BY c.`employee`""",
		{"border": border, "before": since - DAY, "end": until + DAY},
	)  # set-based: the query builder has no CRC32
	for employee, digest, at_the_border in found:
		begin, of_mine = of_rows.pop(employee, (None, 0))
		if int(digest) + _since(begin, at_the_border) != of_mine:
			yield employee
	yield from of_rows


def _since(begin: datetime | None, times: str | None) -> int:
	"""The sum of those `time=digest` that lie after the first row begins."""
	found = (each.split("=") for each in times.split(",")) if begin and times else ()
	return sum(int(digest) for moment, digest in found if get_datetime(moment) >= begin)


def _digests_of_rows(since: date) -> dict[str, tuple[datetime, int]]:
	found = frappe.db.sql(
		f"""SELECT `employee`, MIN(`first_in`), SUM(`checkins_digest`) FROM `tab{rows.DOCTYPE}`
		WHERE `date`>=%s AND `checkins_digest`>0 GROUP BY `employee`""",
		since,
	)
	return {employee: (begin, int(digest)) for employee, begin, digest in found}


def _by_attendance(since: date, until: date) -> Iterator[str]:
	"""Each attendance stands in one row of its date. That of a leave ahead has none yet."""
	found = frappe.db.sql(
		f"""SELECT `employee` FROM (
			SELECT a.`employee`, {gathering.attendance_digest()} AS digest FROM `tab{gathering.ATTENDANCE}` a
			WHERE a.`attendance_date` BETWEEN %(since)s AND %(until)s AND a.`docstatus`<2
			UNION ALL
			SELECT `employee`, -CAST(`attendance_digest` AS SIGNED) FROM `tab{rows.DOCTYPE}`
			WHERE `date` BETWEEN %(since)s AND %(until)s AND `attendance_digest`!=0
		) both_sides GROUP BY `employee` HAVING SUM(digest)!=0""",
		{"since": since, "until": until},
	)
	return (employee for (employee,) in found)


# --- the roster


def _by_roster(people: Set[str], begin: date | None) -> Iterator[tuple[str, int]]:
	"""Employees whose roster, leave, slips or decisions are others than at the last sweep, with the digest of what they are now.

	begin: the first day that is judged at all, where that is not long ago. Check-ins of its morning, and of the days before, have a say in it and may be in
	no row, so they are compared with themselves as well.
	"""
	now: dict[str, int] = {}
	for employee, digest in _around_the_first_day(begin) if begin else ():
		now[employee] = int(digest)
	for doctype, fields in {
		**OF_ROSTER,
		"Employee": stale.OF_EMPLOYEE,
		"Biometric Decision": OF_DECISION,
	}.items():
		of = "name" if doctype == "Employee" else "employee"
		for employee, digest in _sums(doctype, fields, of):
			now[employee] = now.get(employee, 0) + int(digest)
	before = dict(frappe.get_all(DIGEST, fields=["name", "digest"], as_list=True, limit=0))
	return (
		(employee, digest)
		for employee, digest in now.items()
		if employee in people and before.get(employee) != digest
	)


def _sums(doctype: str, fields: Iterable[str], of: str) -> Iterator[tuple[str, int]]:
	yield from frappe.db.sql(
		f"""SELECT `{of}`, SUM({_digest(doctype, fields)}) FROM `tab{doctype}`
		WHERE COALESCE(`{of}`, '')!='' GROUP BY `{of}`"""
	)


def _around_the_first_day(begin: date) -> Iterable[tuple[str, int]]:
	return frappe.db.sql(
		f"""SELECT c.`employee`, SUM({gathering.CHECKIN_DIGEST}) FROM `tab{gathering.CHECKIN}` c
		WHERE c.`time`>=%s AND c.`time`<%s GROUP BY c.`employee`""",
		(begin - 3 * DAY, begin + DAY),
	)


def _digest(doctype: str, fields: Iterable[str]) -> str:
	known = ["name", *filter(frappe.get_meta(doctype).get_valid_columns().__contains__, fields)]
	return "CRC32(CONCAT_WS('|', " + ", ".join(f"COALESCE(`{field}`, '')" for field in known) + "))"


def _keep(digests: Mapping[str, int], now: datetime) -> None:
	user = frappe.session.user
	sql.upsert(
		DIGEST,
		META,
		[(employee, now, now, user, user, digest) for employee, digest in sorted(digests.items())],
		("modified", "modified_by", "digest"),
	)


# --- what many have


def _by_what_many_have() -> set[tuple[Scope, str]]:
	"""What is another than at the last sweep; nothing at the first one, which marks each person. What was found is remembered on the settings."""
	before = json.loads(frappe.db.get_single_value(servers.SETTINGS, "swept_digest") or "{}")
	now = {doctype: _of_each(doctype) for doctype in OF_MANY if frappe.db.exists("DocType", doctype)}
	now[servers.SETTINGS] = {"": _of_settings()}
	if now != before:
		value = json.dumps(now, sort_keys=True)
		frappe.db.set_single_value(servers.SETTINGS, "swept_digest", value, update_modified=False)
	if not before:
		return set()
	return {
		(scope, name if scope is not Scope.EVERYBODY else "")
		for doctype, found in now.items()
		for scope in (SCOPES.get(doctype, Scope.EVERYBODY),)
		for name in {*found, *before.get(doctype, {})}
		if found.get(name) != before.get(doctype, {}).get(name)
	}


def _of_each(doctype: str) -> dict[str, int]:
	return {
		name: int(digest)
		for name, digest in _sums(doctype, OF_MANY[doctype], GROUPED_BY.get(doctype, "name"))
	}


def _of_settings() -> int:
	found = frappe.db.sql(
		"SELECT SUM(CRC32(CONCAT_WS('|', `field`, `value`))) FROM `tabSingles` WHERE `doctype`=%s AND `field` IN %s",
		(servers.SETTINGS, stale.OF_SETTINGS),
	)
	return int(found[0][0] or 0)
