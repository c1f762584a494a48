"""Set-based writing, where the query builder has no words for it."""

from __future__ import annotations

from collections.abc import Sequence

import frappe


def insert_new(doctype: str, fields: Sequence[str], rows: Sequence[Sequence]) -> int:
	"""Insert the rows whose name is not there yet; returns how many were new.

	`ON DUPLICATE KEY UPDATE name=name` leaves what is there alone, tells new from known by the affected rows, and hides no other error.
	"""
	if not rows:
		return 0
	frappe.db.sql(f"{_insert(doctype, fields, len(rows))} ON DUPLICATE KEY UPDATE `name`=`name`", _flat(rows))
	return frappe.db._cursor.rowcount


def insert(doctype: str, fields: Sequence[str], rows: Sequence[Sequence]) -> None:
	"""Insert rows that are not there yet; one that is there is an IntegrityError, and then none is inserted."""
	frappe.db.sql(_insert(doctype, fields, len(rows)), _flat(rows))


def update_many(doctype: str, fields: Sequence[str], rows: Sequence[Sequence]) -> None:
	"""Write `fields` of existing documents; each row begins with the name."""
	if rows:
		values = ", ".join(f"`{field}`=VALUES(`{field}`)" for field in fields)
		statement = f"{_insert(doctype, ('name', *fields), len(rows))} ON DUPLICATE KEY UPDATE {values}"
		frappe.db.sql(statement, _flat(rows))


def _insert(doctype: str, fields: Sequence[str], count: int) -> str:
	columns = ", ".join(f"`{field}`" for field in fields)
	row = f"({', '.join(['%s'] * len(fields))})"
	return f"INSERT INTO `tab{doctype}` ({columns}) VALUES {', '.join([row] * count)}"


def _flat(rows: Sequence[Sequence]) -> list:
	return [value for row in rows for value in row]
