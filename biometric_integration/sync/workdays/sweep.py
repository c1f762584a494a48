"""What fires no event, found by comparing values: check-ins with rows, attendance with rows, the roster with what was judged by (design §4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from datetime import date, datetime, timedelta

import frappe
from frappe.utils import now_datetime

from biometric_integration.core.window import DAY
from biometric_integration.sync.db import sql
from biometric_integration.sync.hrms import shift_notes
from biometric_integration.sync.records import servers
from biometric_integration.sync.workdays import gathering, marks, rows, stale
from biometric_integration.sync.workdays.marks import Mark, Scope

EVERY = timedelta(hours=1)
PERIOD = timedelta(days=45)
DIGEST = "Biometric Roster Digest"
META = ("name", "creation", "modified", "owner", "modified_by", "digest")

OF_EMPLOYEE = (
	"name",
	"employee_name",
	"company",
	"department",
	"default_shift",
	"status",
	"date_of_joining",
	"relieving_date",
	"holiday_list",
	"branch",
	"grade",
	"employment_type",
	"longest_workday",
	"attendance_by_devices",
)
OF_ROSTER: Mapping[str, tuple[str, ...]] = {
	"Shift Assignment": ("shift_type", "start_date", "end_date", "status", "docstatus"),
	"Leave Application": ("from_date", "to_date", "half_day", "half_day_date", "status", "docstatus"),
	"Salary Slip": ("start_date", "end_date", "docstatus", "modified"),
}
"""Doctypes with an employee, and what of them changes an answer."""
OF_DECISION = ("date", "shift", "what", "made_on")
OF_ALL: Mapping[str, tuple[str, ...]] = {
	"Shift Type": shift_notes.OF_SHIFT,
	"Holiday": ("parent", "holiday_date"),
	"Company": ("default_holiday_list",),
	"Holiday List Assignment": ("assigned_to", "from_date", "holiday_list", "docstatus"),
	"Department": ("longest_workday", "attendance_by_devices"),
	"Employment Type": ("longest_workday",),
	"Employee Grade": ("attendance_by_devices",),
	"Branch": ("attendance_by_devices",),
	"Biometric Device": (
		"server",
		"serial_number",
		"location",
		"enabled",
		"counts_for_attendance",
		"same_as",
		"replaced_by",
		"replaced_on",
	),
}
"""What concerns whoever has it: a change of any looks at everybody once more."""


def is_due(now: datetime) -> bool:
	swept = servers.stamp("swept_at")
	return not swept or not swept <= now < swept + EVERY


def sweep(earliest: date, now: datetime | None = None) -> int:
	"""Mark what differs; returns how many people that were. In one transaction of the caller, on one view of the data."""
	now = now or now_datetime()
	since = max(earliest, (now - PERIOD).date())
	until = now.date() + DAY
	people = set(frappe.get_all("Employee", pluck="name", limit=0))
	with_rows = set(frappe.get_all(rows.DOCTYPE, pluck="employee", distinct=True, limit=0))
	found = people.intersection((*_by_checkins(since, until), *_by_attendance(since, until)))
	found |= with_rows - people
	changed = dict(_by_roster(people, earliest if earliest == since else None))
	marks.add(Mark(Scope.EMPLOYEE, employee, since, until) for employee in sorted(found | set(changed)))
	_keep(changed, now)
	whole = str(_of_all())
	if frappe.db.get_single_value(servers.SETTINGS, "swept_digest") != whole:
		marks.add([Mark(Scope.EVERYBODY, "", since, until)])
		frappe.db.set_single_value(servers.SETTINGS, "swept_digest", whole, update_modified=False)
	servers.keep_stamp("swept_at", now)
	return len(found | set(changed))


# --- rows against what they were derived from


def _by_checkins(since: date, until: date) -> Iterator[str]:
	"""Employees of whom the check-ins since their first row are others than their rows say.

	A person's rows hold each of their check-ins once, so the sums are equal; where the first row begins is where the check-ins are counted from.
	"""
	of_rows = f"""SELECT `employee`, MIN(`first_in`) AS begin, SUM(`checkins_digest`) AS digest
		FROM `tab{rows.DOCTYPE}` WHERE `date`>=%(since)s AND `checkins_digest`>0 GROUP BY `employee`"""
	known = frappe.db.sql(
		f"""SELECT r.`employee` FROM ({of_rows}) r
		JOIN `tab{gathering.CHECKIN}` c ON c.`employee`=r.`employee` AND c.`time`>=r.begin AND c.`time`<%(end)s
		GROUP BY r.`employee`, r.digest HAVING SUM({gathering.CHECKIN_DIGEST})!=r.digest""",
		{"since": since, "end": until + DAY},
	)  # set-based: the query builder has no CRC32
	gone = frappe.db.sql(
		f"""SELECT r.`employee` FROM ({of_rows}) r WHERE NOT EXISTS
		(SELECT 1 FROM `tab{gathering.CHECKIN}` c WHERE c.`employee`=r.`employee` AND c.`time`>=r.begin)""",
		{"since": since},
	)
	before = frappe.db.sql(
		f"""SELECT c.`employee` FROM `tab{gathering.CHECKIN}` c LEFT JOIN ({of_rows}) r ON r.`employee`=c.`employee`
		WHERE c.`time`>=%(after)s AND c.`time`<%(end)s AND (r.begin IS NULL OR c.`time`<r.begin) GROUP BY c.`employee`""",
		{"since": since, "after": since + 2 * DAY, "end": until + DAY},
	)
	return (employee for (employee,) in (*known, *gone, *before))


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

	begin: the first day that is judged at all, where that is not long ago. Check-ins of its morning may be of a night before, which has no row, so they are
	compared with themselves as well.
	"""
	now: dict[str, int] = {}
	for employee, digest in _sums_at(begin) if begin else ():
		now[employee] = int(digest)
	for doctype, fields in {**OF_ROSTER, "Employee": OF_EMPLOYEE, "Biometric Decision": OF_DECISION}.items():
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


def _sums_at(begin: date) -> Iterable[tuple[str, int]]:
	return frappe.db.sql(
		f"""SELECT c.`employee`, SUM({gathering.CHECKIN_DIGEST}) FROM `tab{gathering.CHECKIN}` c
		WHERE c.`time`>=%s AND c.`time`<%s GROUP BY c.`employee`""",
		(begin, begin + 2 * DAY),
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


def _of_all() -> int:
	return (
		_of_settings()
		+ _of_trust()
		+ sum(
			int(
				frappe.db.sql(f"SELECT COALESCE(SUM({_digest(doctype, fields)}), 0) FROM `tab{doctype}`")[0][
					0
				]
			)
			for doctype, fields in OF_ALL.items()
			if frappe.db.exists("DocType", doctype)
		)
	)


def _of_trust() -> int:
	"""Decisions about devices; those about a person's day are that person's."""
	digest = _digest("Biometric Decision", ("what", "device", "date"))
	found = frappe.db.sql(
		f"SELECT COALESCE(SUM({digest}), 0) FROM `tabBiometric Decision` WHERE COALESCE(`employee`, '')=''"
	)
	return int(found[0][0])


def _of_settings() -> int:
	"""A value that was never saved is not there, and is taken for the default."""
	found = frappe.db.sql(
		"SELECT SUM(CRC32(CONCAT_WS('|', `field`, `value`))) FROM `tabSingles` WHERE `doctype`=%s AND `field` IN %s",
		(servers.SETTINGS, stale.OF_SETTINGS),
	)
	return int(found[0][0] or 0)
