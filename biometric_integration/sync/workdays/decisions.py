"""Biometric Decision: what people decided, as the judgement reads it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import frappe

from biometric_integration.core.judgement import Decision, What

DOCTYPE = "Biometric Decision"
OF_A_WORKDAY = tuple(what.value for what in What)
STILL_HERE = "Still Here"
"""From its date on: whatever the relieving date says, the person works here."""


def of(people: Collection[str], first: date, last: date) -> dict[tuple[str, date, str], Decision]:
	"""(employee, date, shift) → the newest one."""
	filters = {
		"employee": ("in", list(people)),
		"date": ("between", (first, last)),
		"what": ("in", OF_A_WORKDAY),
	}
	rows = frappe.get_all(
		DOCTYPE,
		filters,
		["name", "employee", "date", "shift", "what", "made_on"],
		order_by="creation asc",
		limit=0,
	)
	return {
		(row.employee, row.date, row.shift or ""): Decision(row.name, What(row.what), row.made_on or "")
		for row in rows
	}


def still_here(people: Collection[str]) -> dict[str, date]:
	"""Employee → since when."""
	filters = {"employee": ("in", list(people)), "what": STILL_HERE}
	rows = frappe.get_all(DOCTYPE, filters, ["employee", "date"], order_by="date desc", limit=0)
	return {row.employee: row.date for row in rows}


def made_on(decision) -> str:
	"""The hash of the check-ins that the workday has now; empty where there is no such workday."""
	of_day = {
		"employee": decision.employee,
		"date": decision.date,
		"shift": decision.shift or ("is", "not set"),
	}
	return frappe.db.get_value("Biometric Workday", of_day, "made_on") or "" if decision.employee else ""
