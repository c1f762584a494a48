"""Biometric Bridge: who may report for one, and what it reported last."""

from __future__ import annotations

import frappe
from frappe.utils import cint

DOCTYPE = "Biometric Bridge"
REPORTED = (
	"last_report",
	"version",
	"waiting",
	"oldest_waiting",
	"aside",
	"why_aside",
	"spool_used",
	"spool_limit",
	"is_full",
	"clock_ahead",
	"problem",
	"server_runs",
	"spool",
	"newest_now",
	"odd_now",
	"odd_times",
	"told",
)
"""What its reports write, and no form does."""
FIELDS = ("name", "user", "enabled", "spool_replaced", *REPORTED)


def get(name: str) -> frappe._dict | None:
	"""By its name, letter by letter."""
	found = frappe.db.get_value(DOCTYPE, name, FIELDS, as_dict=True)
	return found if found and found.name == name else None


def lock(name: str) -> frappe._dict | None:
	"""The same, as it was last committed; nobody else writes it before the commit."""
	return frappe.db.get_value(DOCTYPE, name, FIELDS, as_dict=True, for_update=True)


def reported(name: str) -> dict:
	return frappe.db.get_value(DOCTYPE, name, REPORTED, as_dict=True) or {}


def keep(name: str, values: dict) -> None:
	frappe.db.set_value(DOCTYPE, name, values, update_modified=False)


def note_replaced(name: str) -> None:
	"""Its store is another one. A form that is open is too old by that: it would take this back."""
	frappe.db.set_value(DOCTYPE, name, "spool_replaced", 1)


def rows(**filters: object) -> dict[str, frappe._dict]:
	"""By name, whoever asks."""
	return {row.name: row for row in frappe.get_all(DOCTYPE, filters, FIELDS, order_by="name asc", limit=0)}


def is_any() -> bool:
	return bool(frappe.db.exists(DOCTYPE, {"enabled": 1}))


def is_on(name: str) -> bool:
	return bool(cint(frappe.db.get_value(DOCTYPE, name, "enabled")))
