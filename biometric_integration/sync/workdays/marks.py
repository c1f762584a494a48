"""Stale marks: which days have to be judged again. Only ever inserted, in the transaction of what changed, and deleted by name once looked at."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from enum import Enum
from typing import NamedTuple

import frappe
from frappe.utils import now_datetime

from biometric_integration.core.evidence import STATISTICS
from biometric_integration.core.window import DAY
from biometric_integration.sync.db import sql

DOCTYPE = "Biometric Stale Mark"
FIELDS = ("name", "creation", "modified", "owner", "modified_by", "scope", "whose", "from_date", "to_date")
AT_ONCE = 2000


class Scope(str, Enum):
	"""Whose days: the name of the document; empty for everybody."""

	EMPLOYEE = "Employee"
	SHIFT_TYPE = "Shift Type"
	COMPANY = "Company"
	EVERYBODY = "Everybody"


class Mark(NamedTuple):
	"""Days from `first` to `last`, both included."""

	scope: Scope
	whose: str
	first: date
	last: date


class Found(NamedTuple):
	"""Names of marks, and employee → first and last day."""

	names: list[str]
	days: dict[str, tuple[date, date]]


def add(marks: Iterable[Mark]) -> None:
	"""One statement. No unique key, so nobody waits for anybody."""
	now, user = now_datetime(), frappe.session.user
	common = (now, now, user, user)
	sql.insert(
		DOCTYPE,
		FIELDS,
		[
			(frappe.generate_hash(length=20), *common, mark.scope.value, mark.whose, mark.first, mark.last)
			for mark in marks
		],
	)


AROUND = 2 * DAY
"""A check-in is part of a workday that began so long before at most, and what that leaves over may be part of the next one."""


def of_moments(moments: Mapping[str, Collection[datetime]]) -> list[Mark]:
	"""Employee → times of their check-ins. Where somebody punches says for a while after it which devices are asked about them."""
	return [
		Mark(Scope.EMPLOYEE, employee, min(times).date() - AROUND, max(times).date() + STATISTICS)
		for employee, times in sorted(moments.items())
		if times
	]


def of_employee(employee: str, first: date, last: date | None = None) -> Mark:
	"""`last`: None = without end."""
	return Mark(Scope.EMPLOYEE, employee, first, last or date.max)


def expand() -> int:
	"""Wide marks become those of their people; returns how many there were. In one transaction of the caller."""
	rows = frappe.get_all(
		DOCTYPE,
		{"scope": ("!=", Scope.EMPLOYEE.value)},
		["name", "scope", "whose", "from_date", "to_date"],
		limit=100,
	)
	for row in rows:
		people = _people(Scope(row.scope), row.whose or "")
		add(Mark(Scope.EMPLOYEE, employee, row.from_date, row.to_date) for employee in people)
	delete([row.name for row in rows])
	return len(rows)


def read(people: int) -> Found:
	"""The oldest, of at most so many people; each with all that was read of them."""
	rows = frappe.get_all(
		DOCTYPE,
		{"scope": Scope.EMPLOYEE.value},
		["name", "whose", "from_date", "to_date"],
		order_by="creation asc",
		limit=AT_ONCE,
	)
	names: list[str] = []
	days: dict[str, tuple[date, date]] = {}
	for row in rows:
		if row.whose in days:
			first, last = days[row.whose]
			days[row.whose] = min(first, row.from_date), max(last, row.to_date)
		elif len(days) < people:
			days[row.whose] = row.from_date, row.to_date
		else:
			continue
		names.append(row.name)
	return Found(names, days)


def delete(names: Collection[str]) -> None:
	"""One by one by the primary key: reading a small table from end to end would wait for marks of others that are not committed, and keep theirs waiting."""
	if names:
		them = " UNION ALL ".join(["SELECT %s AS `name`"] * len(names))
		frappe.db.sql(
			f"DELETE mark FROM ({them}) them STRAIGHT_JOIN `tab{DOCTYPE}` mark ON mark.`name`=them.`name`",
			list(names),
		)  # the order in which tables are read is not for the query builder to say


def _people(scope: Scope, whose: str) -> list[str]:
	if scope is not Scope.SHIFT_TYPE:
		filters = {"company": whose} if scope is Scope.COMPANY else {}
		return frappe.get_all("Employee", filters, pluck="name", limit=0)
	assigned = {"shift_type": whose, "docstatus": 1}
	judged_by_it = {"shift": whose}
	people = {
		*frappe.get_all("Biometric Workday", judged_by_it, pluck="employee", distinct=True, limit=0),
		*frappe.get_all("Shift Assignment", assigned, pluck="employee", distinct=True, limit=0),
		*frappe.get_all("Employee", {"default_shift": whose}, pluck="name", limit=0),
	}
	return sorted(people)
