"""What a number or a day that a person fills in may be. Frappe refuses numbers below zero, and takes any other text for a number.

Only what is changed is looked at: what was stored before there was a limit is nothing that whoever saves another field could mend.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from math import isfinite
from typing import NamedTuple

import frappe
from frappe import _
from frappe.utils import cstr, format_date, getdate

from biometric_integration.core.in_flight import AT_ONCE, MOST_AT_ONCE


class Limit(NamedTuple):
	"""The least and the most; `empty`: what an empty field stands for."""

	least: float
	most: float
	empty: float = 0


Limits = Mapping[str, Limit]
"""By fieldname."""

MINUTES_A_DAY, CENTURY = 24 * 60, 36_500
OF_SERVER: Limits = {
	"timeout": Limit(1, 300, empty=30),
	"requests_at_once": Limit(1, MOST_AT_ONCE, empty=AT_ONCE),
	"sync_interval": Limit(0, MINUTES_A_DAY),
}
OF_SETTINGS: Limits = {
	"overlap_hours": Limit(0, 72),
	"rescan_days": Limit(0, 60),
	"repeat_window": Limit(0, 3600),
	"allowed_drift": Limit(0, MINUTES_A_DAY),
	"round_to": Limit(0, 60),
	"half_day_hours": Limit(0, 24),
	"longest_workday": Limit(1, 48, empty=16),
	"hold_days": Limit(0, 60),
	"decide_by": Limit(0, 31),
	"payload_days": Limit(0, CENTURY),
	"unmapped_days": Limit(0, CENTURY),
	"delete_after_days": Limit(0, CENTURY),
}
OF_DEVICE: Limits = {
	"sync_interval": Limit(0, MINUTES_A_DAY),
	"latitude": Limit(-90, 90),
	"longitude": Limit(-180, 180),
}
OF_PERSON: Limits = {"longest_workday": Limit(0, 48)}

FIRST, LAST = date(2000, 1, 1), date(2099, 12, 31)


def check_numbers(document, limits: Limits, where: str = "") -> None:
	"""Throws a sentence for what is no number, or none that can be meant. `where`: the row of a table."""
	for fieldname, (least, most, empty) in limits.items():
		field, value = document.meta.get_field(fieldname), document.get(fieldname)
		if value in (None, ""):
			document.set(fieldname, empty)
			continue
		number = _number(value)
		if number is not None and number == _number(stored(document, fieldname)):
			continue
		is_whole = field.fieldtype != "Int" or (number is not None and number == int(number))
		if number is None or not is_whole or not least <= number <= most:
			sentence = (
				_("{0}: enter a whole number from {1} to {2}.")
				if field.fieldtype == "Int"
				else _("{0}: enter a number from {1} to {2}.")
			)
			frappe.throw(sentence.format(_place(document, fieldname, where), f"{least:g}", f"{most:g}"))


def _number(value) -> float | None:
	try:
		number = float(value)
	except (TypeError, ValueError, OverflowError):
		return None
	return number if isfinite(number) else None


def check_days(document, *fieldnames: str, first: date = FIRST, last: date = LAST) -> None:
	"""The same for days."""
	for fieldname in fieldnames:
		value = document.get(fieldname)
		if not value or not is_changed(document, fieldname):
			continue
		day = _day(value)
		if day is None or not first <= day <= last:
			sentence = _("{0}: enter a day from {1} to {2}.")
			frappe.throw(sentence.format(_place(document, fieldname), format_date(first), format_date(last)))


def is_changed(document, fieldname: str) -> bool:
	"""Of a document or of a row in it, for which frappe cannot tell."""
	return cstr(document.get(fieldname)) != cstr(stored(document, fieldname))


def stored(document, fieldname: str):
	"""The value before this save; None where there was no document or no row."""
	table = document.get("parentfield")
	before = (document.parent_doc if table else document).get_doc_before_save()
	if before and table:
		before = next((row for row in before.get(table) if row.name == document.name), None)
	return before.get(fieldname) if before else None


def _day(value) -> date | None:
	try:
		return getdate(value)
	except (frappe.ValidationError, TypeError, ValueError, OverflowError):
		return None


def _place(document, fieldname: str, where: str = "") -> str:
	label = frappe.bold(_(document.meta.get_label(fieldname)))
	return f"{where}, {label}" if where else label
