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
	_insert(doctype, fields, rows, "ON DUPLICATE KEY UPDATE `name`=`name`")
	return frappe.db._cursor.rowcount


def insert(doctype: str, fields: Sequence[str], rows: Sequence[Sequence]) -> None:
	"""Insert rows that are not there yet; one that is there is an IntegrityError, and then none is inserted."""
	if rows:
		_insert(doctype, fields, rows)


def update_many(doctype: str, fields: Sequence[str], rows: Sequence[Sequence]) -> None:
	"""Write `fields` of existing documents; each row begins with the name."""
	if rows:
		values = ", ".join(f"`{field}`=VALUES(`{field}`)" for field in fields)
		_insert(doctype, ("name", *fields), rows, f"ON DUPLICATE KEY UPDATE {values}")


def _insert(doctype: str, fields: Sequence[str], rows: Sequence[Sequence], ending: str = "") -> None:
	"""One statement. A value that comes again is escaped once: that is what takes the time."""
	columns = ", ".join(f"`{field}`" for field in fields)
	placeholders, values = _Placeholders(), []
	for row in rows:
		values.append("(" + ", ".join([placeholders[type(value), value] for value in row]) + ")")
	statement = f"INSERT INTO `tab{doctype}` ({columns}) VALUES {', '.join(values)} {ending}"
	frappe.db.sql(statement, placeholders.values)


class _Placeholders(dict):
	"""(type, value) → its placeholder; `values` is what stands for them."""

	def __init__(self):
		super().__init__()
		self.values: dict[str, object] = {}

	def __missing__(self, of: tuple[type, object]) -> str:
		key = f"v{len(self.values)}"
		self.values[key] = of[1]
		self[of] = placeholder = f"%({key})s"
		return placeholder
