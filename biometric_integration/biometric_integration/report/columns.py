"""Columns of the reports."""

from __future__ import annotations

import frappe


def column(fieldname: str, label: str, width: int, fieldtype: str = "Data") -> dict:
	found = {"fieldname": fieldname, "label": label, "fieldtype": fieldtype, "width": width}
	return {**found, "align": "left"} if fieldtype == "Data" else found


def link(fieldname: str, label: str, width: int, doctype: str) -> dict:
	"""A link for those who may read the doctype, and nothing but its name for others: frappe would refuse them the whole report."""
	if not frappe.has_permission(doctype, "read"):
		return column(fieldname, label, width)
	return {**column(fieldname, label, width), "fieldtype": "Link", "options": doctype}
