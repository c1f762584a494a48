"""Columns of the reports."""

from __future__ import annotations

from collections.abc import Sequence

import frappe

from biometric_integration.core.text import harmless_cell


def column(fieldname: str, label: str, width: int, fieldtype: str = "Data") -> dict:
	found = {"fieldname": fieldname, "label": label, "fieldtype": fieldtype, "width": width}
	return {**found, "align": "left"} if fieldtype == "Data" else found


def link(fieldname: str, label: str, width: int, doctype: str) -> dict:
	"""A link for those who may read the doctype, and nothing but its name for others: frappe would refuse them the whole report."""
	if not frappe.has_permission(doctype, "read"):
		return column(fieldname, label, width)
	return {**column(fieldname, label, width), "fieldtype": "Link", "options": doctype}


def cells(columns: Sequence[dict], rows: Sequence[dict]) -> list[dict]:
	"""The rows as they are shown and exported: no text of a device is a formula of whoever opens the table."""
	texts = [each["fieldname"] for each in columns if each["fieldtype"] == "Data"]
	return [{**row, **{name: harmless_cell(row[name]) for name in texts if name in row}} for row in rows]
