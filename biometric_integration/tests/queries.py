"""How many statements the database has been asked."""

from __future__ import annotations

import frappe


def queries() -> int:
	"""Statements of this connection so far, commits included; frappe begins a transaction by itself after each."""
	rows = frappe.db.sql(
		"SHOW SESSION STATUS WHERE `Variable_name` IN ('Questions', 'Com_begin')"
	)  # Com_begin counts START TRANSACTION
	counts = {name: int(value) for name, value in rows}
	return counts["Questions"] - counts["Com_begin"]
