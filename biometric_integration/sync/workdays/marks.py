"""Stale marks: which days have to be judged again. Only ever inserted, in the transaction of what changed, and deleted by name once looked at."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime
from enum import Enum
from typing import NamedTuple

import frappe
from frappe.query_builder import DocType
from frappe.utils import now_datetime

from biometric_integration.core.window import DAY
from biometric_integration.sync.db import sql

DOCTYPE = "Biometric Stale Mark"
FIELDS = ("name", "creation", "modified", "owner", "modified_by", "scope", "whose", "from_date", "to_date")
AT_ONCE = 2000


class Scope(str, Enum):
	"""Whose days: the name of the document; empty for everybody. Of a device: those of whose days it was asked."""

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


def of_moments(moments: Mapping[str, Collection[datetime]]) -> list[Mark]:
	"""Employee → times of their check-ins. A night's end belongs to the day before, so the days around are looked at as well."""
	return [
		Mark(Scope.EMPLOYEE, employee, min(times).date() - DAY, max(times).date() + DAY)
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
		people = _people(Scope(row.scope), row.whose or "", row.from_date, row.to_date)
		add(Mark(Scope.EMPLOYEE, employee, row.from_date, row.to_date) for employee in people)
	delete([row.name for row in rows])
	return len(rows)


def read(people: int, now: datetime) -> Found:
	"""The oldest, of at most so many people; each with all that was read of them. Those that were put off come when their time has come."""
	mark = DocType(DOCTYPE)
	is_due = mark.put_off_until.isnull() | (mark.put_off_until <= now)
	rows = (
		frappe.qb.from_(mark)
		.select(mark.name, mark.whose, mark.from_date, mark.to_date)
		.where((mark.scope == Scope.EMPLOYEE.value) & is_due)
		.orderby(mark.creation)
		.limit(AT_ONCE)
	).run()
	found: list[tuple[str, str]] = []
	days: dict[str, tuple[date, date]] = {}
	for name, employee, first, last in rows:
		if employee in days:
			days[employee] = min(first, days[employee][0]), max(last, days[employee][1])
		elif len(days) < people:
			days[employee] = first, last
		else:
			continue
		found.append((name, employee))
	return Found(tuple(found), days)


def people_waiting() -> int:
	"""How many people have a day that waits; a wide mark counts all of its people."""
	rows = frappe.get_all(DOCTYPE, fields=["scope", "whose"], distinct=True, order_by=None, limit=0)
	wide = {(row.scope, row.whose or "") for row in rows if row.scope != Scope.EMPLOYEE.value}
	people = {row.whose for row in rows if row.scope == Scope.EMPLOYEE.value}
	return len(people.union(*(_people(Scope(scope), whose, date.min, date.max) for scope, whose in wide)))


def put_off(names: Collection[str], until: datetime) -> None:
	frappe.db.set_value(DOCTYPE, {"name": ("in", list(names))}, "put_off_until", until, update_modified=False)


def delete(names: Collection[str]) -> None:
	"""One by one by the primary key: reading a small table from end to end would wait for marks of others that are not committed, and keep theirs waiting."""
	if names:
		them = " UNION ALL ".join(["SELECT %s AS `name`"] * len(names))
		frappe.db.sql(
			f"DELETE mark FROM ({them}) them STRAIGHT_JOIN `tab{DOCTYPE}` mark ON mark.`name`=them.`name`",
			list(names),
		)  # the order in which tables are read is not for the query builder to say


def _people(scope: Scope, whose: str, first: date, last: date) -> list[str]:
	if scope is Scope.DEVICE:
		asked = {"own_devices": ("like", f"%{whose}%")}
		return frappe.get_all("Biometric Workday", asked, pluck="employee", distinct=True, limit=0)
	if scope is not Scope.SHIFT_TYPE:
		filters = {"company": whose} if scope is Scope.COMPANY else {}
		return frappe.get_all("Employee", filters, pluck="name", limit=0)
	assignment = DocType("Shift Assignment")
	is_theirs = (assignment.shift_type == whose) & (assignment.docstatus == 1)
	in_force = (assignment.start_date <= last) & (
		assignment.end_date.isnull() | (assignment.end_date >= first)
	)
	query = frappe.qb.from_(assignment).select(assignment.employee).distinct().where(is_theirs & in_force)
	people = {
		*query.run(pluck=True),
		*frappe.get_all("Employee", {"default_shift": whose}, pluck="name", limit=0),
	}
	return sorted(people)
