"""Stale marks: which days have to be judged again. Only ever inserted, in the transaction of what changed, and deleted by name once looked at."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, time
from enum import Enum
from itertools import islice
from typing import NamedTuple

import frappe
from frappe.query_builder import DocType
from frappe.utils import now_datetime

from biometric_integration.core.evidence import STATISTICS
from biometric_integration.core.punch import name_from
from biometric_integration.core.window import DAY
from biometric_integration.sync.db import sql

DOCTYPE = "Biometric Stale Mark"
FIELDS = (
	"name",
	"creation",
	"modified",
	"owner",
	"modified_by",
	"scope",
	"whose",
	"from_date",
	"to_date",
	"put_off_until",
)
AT_ONCE = 2000
FIRST = date(2000, 1, 1)
"""Before any punch."""
AROUND = 2 * DAY
"""A check-in is part of a workday that began so long before at most, and what that leaves over may be part of the next one."""


class Scope(str, Enum):
	"""Whose days: the name of the document; empty for everybody. Of a device: those of whose days it was asked, or who punched at it."""

	EMPLOYEE = "Employee"
	SHIFT_TYPE = "Shift Type"
	COMPANY = "Company"
	DEVICE = "Device"
	EVERYBODY = "Everybody"


class Mark(NamedTuple):
	"""Days from `first` to `last`, both included."""

	scope: Scope
	whose: str
	first: date
	last: date


class Found(NamedTuple):
	"""(name, employee) of each mark, and employee → first and last day."""

	marks: tuple[tuple[str, str], ...]
	days: dict[str, tuple[date, date]]

	@property
	def names(self) -> list[str]:
		return [name for name, _employee in self.marks]

	def each(self) -> Iterator[Found]:
		"""The same, of one employee after the other."""
		for employee, between in self.days.items():
			yield Found(tuple(mark for mark in self.marks if mark[1] == employee), {employee: between})


def add(marks: Iterable[Mark], put_off_until: datetime | None = None) -> None:
	"""No unique key, so nobody waits for anybody."""
	now, user = now_datetime(), frappe.session.user
	common = (now, now, user, user)
	rows = (
		(
			frappe.generate_hash(length=20),
			*common,
			mark.scope.value,
			mark.whose,
			mark.first,
			mark.last,
			put_off_until,
		)
		for mark in marks
	)
	while some := list(islice(rows, AT_ONCE)):
		sql.insert(DOCTYPE, FIELDS, some)


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
	"""Wide marks become one for each of their people; returns how many there were. In one transaction of the caller."""
	rows = frappe.get_all(
		DOCTYPE,
		{"scope": ("!=", Scope.EMPLOYEE.value)},
		["name", "scope", "whose", "from_date", "to_date"],
		limit=100,
	)
	days = _merged(
		(employee, row.from_date, row.to_date)
		for row in rows
		for employee in _people(Scope(row.scope), row.whose or "", row.from_date, row.to_date)
	)
	add(Mark(Scope.EMPLOYEE, employee, first, last) for employee, (first, last) in days.items())
	delete([row.name for row in rows])
	return len(rows)


def read(people: int, now: datetime) -> Found:
	"""Of those who have waited longest, at most so many people; each with all that waits of them. Those that were put off come when their time has come."""
	mark = DocType(DOCTYPE)
	is_due = (mark.scope == Scope.EMPLOYEE.value) & (
		mark.put_off_until.isnull() | (mark.put_off_until <= now)
	)
	oldest = frappe.qb.from_(mark).select(mark.whose).where(is_due).orderby(mark.creation).limit(AT_ONCE)
	chosen = list(dict.fromkeys(oldest.run(pluck=True)))[:people]
	if not chosen:
		return Found((), {})
	columns = (mark.name, mark.whose, mark.from_date, mark.to_date)
	rows = frappe.qb.from_(mark).select(*columns).where(is_due & mark.whose.isin(chosen)).run()
	return Found(
		tuple((name, employee) for name, employee, _first, _last in rows),
		_merged((employee, first, last) for _name, employee, first, last in rows),
	)


def _merged(days: Iterable[tuple[str, date, date]]) -> dict[str, tuple[date, date]]:
	found: dict[str, tuple[date, date]] = {}
	for employee, first, last in days:
		before = found.get(employee, (first, last))
		found[employee] = min(first, before[0]), max(last, before[1])
	return found


def people_waiting() -> int:
	"""How many people have a day that waits; a wide mark counts all of its people."""
	rows = frappe.get_all(DOCTYPE, fields=["scope", "whose"], distinct=True, order_by=None, limit=0)
	wide = {(row.scope, row.whose or "") for row in rows if row.scope != Scope.EMPLOYEE.value}
	people = {row.whose for row in rows if row.scope == Scope.EMPLOYEE.value}
	return len(people.union(*(_people(Scope(scope), whose, date.min, date.max) for scope, whose in wide)))


def put_off(names: Collection[str], until: datetime) -> None:
	if names:
		frappe.db.sql(
			f"UPDATE {_by_name(names)} SET mark.`put_off_until`=%s", [*names, until]
		)  # the order in which tables are read is not for the query builder to say


def delete(names: Collection[str]) -> None:
	if names:
		frappe.db.sql(f"DELETE mark FROM {_by_name(names)}", list(names))  # as in `put_off`


def _by_name(names: Collection[str]) -> str:
	"""One by one by the primary key: reading a small table from end to end would wait for marks of others that are not committed, and keep theirs waiting."""
	them = " UNION ALL ".join(["SELECT %s AS `name`"] * len(names))
	return f"({them}) them STRAIGHT_JOIN `tab{DOCTYPE}` mark ON mark.`name`=them.`name`"


def _people(scope: Scope, whose: str, first: date, last: date) -> list[str]:
	if scope is Scope.DEVICE:
		asked = {"own_devices": ("like", f"%{whose}%")}
		used = {"device": whose, "name": (">=", name_from(datetime.combine(max(first, FIRST), time())))}
		return sorted(
			{
				*frappe.get_all("Biometric Workday", asked, pluck="employee", distinct=True, limit=0),
				*frappe.get_all("Biometric Staging Event", used, pluck="employee", distinct=True, limit=0),
			}
			- {None, ""}
		)
	if scope is not Scope.SHIFT_TYPE:
		filters = {"company": whose} if scope is Scope.COMPANY else {}
		return frappe.get_all("Employee", filters, pluck="name", limit=0)
	assignment = DocType("Shift Assignment")
	is_theirs = (assignment.shift_type == whose) & (assignment.docstatus == 1)
	in_force = (assignment.start_date <= last) & (
		assignment.end_date.isnull() | (assignment.end_date >= first)
	)
	query = frappe.qb.from_(assignment).select(assignment.employee).distinct().where(is_theirs & in_force)
	judged_by_it = {"shift": whose, "date": ("between", (first, last))}
	people = {
		*query.run(pluck=True),
		*frappe.get_all("Biometric Workday", judged_by_it, pluck="employee", distinct=True, limit=0),
		*frappe.get_all("Employee", {"default_shift": whose}, pluck="name", limit=0),
	}
	return sorted(people)
