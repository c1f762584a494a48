"""Which days are holidays of whom, as Frappe HR answers it: read for many people at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import date

import frappe

ASSIGNMENT = "Holiday List Assignment"
"""Newer versions of HRMS take holiday lists from it alone."""


class Holidays:
	"""Of these employees (employee → company, and the list of the employee's own record), from the first to the last day."""

	def __init__(self, people: Mapping[str, tuple[str, str]], first: date, last: date):
		self._people = people
		self._days = _days(first, last)
		self._assigned = _assigned({*people, *(company for company, _list in people.values())})
		self._defaults = (
			{} if self._assigned is not None else _defaults({company for company, _list in people.values()})
		)

	def is_one(self, employee: str, day: date, own_list: str = "") -> bool:
		"""`own_list`: that of the shift, which goes before."""
		name = own_list or self._list(employee, day)
		return day in self._days.get(name, ())

	def _list(self, employee: str, day: date) -> str:
		company, own = self._people[employee]
		if self._assigned is None:
			return own or self._defaults.get(company, "")
		return self._assigned_on(employee, day) or self._assigned_on(company, day)

	def _assigned_on(self, of: str, day: date) -> str:
		rows = (self._assigned or {}).get(of, [])
		place = bisect_right(rows, (day, "\U0010ffff"))
		return rows[place - 1][1] if place else ""


def has_assignments() -> bool:
	return bool(frappe.db.exists("DocType", ASSIGNMENT))


def _days(first: date, last: date) -> dict[str, set[date]]:
	filters = {"parenttype": "Holiday List", "holiday_date": ("between", (first, last))}
	found: dict[str, set[date]] = {}
	for name, day in frappe.get_all("Holiday", filters, ["parent", "holiday_date"], as_list=True, limit=0):
		found.setdefault(name, set()).add(day)
	return found


def _assigned(whom: set[str]) -> dict[str, list[tuple[date, str]]] | None:
	"""Employee or company → lists and from when on, oldest first; None where this HRMS knows no such thing."""
	if not has_assignments():
		return None
	fields = ["assigned_to", "from_date", "holiday_list"]
	rows = frappe.get_all(
		ASSIGNMENT, {"assigned_to": ("in", sorted(whom)), "docstatus": 1}, fields, as_list=True, limit=0
	)
	found: dict[str, list[tuple[date, str]]] = {}
	for of, since, name in sorted(rows):
		found.setdefault(of, []).append((since, name))
	return found


def _defaults(companies: set[str]) -> dict[str, str]:
	rows = frappe.get_all(
		"Company",
		{"name": ("in", sorted(companies)), "default_holiday_list": ("is", "set")},
		["name", "default_holiday_list"],
		as_list=True,
	)
	return dict(rows)
