"""Set-based reading and writing, where the query builder has no words for it or takes too long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import frappe
from frappe.query_builder import CustomFunction

TO_THE_LETTER = CustomFunction("BINARY", ["text"])
"""Text from outside is compared letter by letter; the database folds case, accents and blanks at the end."""

LETTERS = "utf8mb4_nopad_bin"
"""The collation of columns that are compared like that by themselves."""


def is_to_the_letter(doctype: str, field: str) -> bool:
	"""Does the column compare like that by itself, and with it its indexes? A tool that converts tables may have taken that away."""
	return _column(doctype, field)[1] == LETTERS


def keep_to_the_letter(doctype: str, field: str) -> None:
	column_type, collation = _column(doctype, field)
	if collation != LETTERS:
		frappe.db.sql_ddl(f"ALTER TABLE `tab{doctype}` MODIFY `{field}` {column_type} COLLATE {LETTERS}")


def keep_indexes(doctype: str, indexes: Mapping[str, Sequence[str]]) -> None:
	"""Name → fields: each is there as it is said here. Frappe asks for the name alone, and would leave one that had other fields before."""
	there = frappe.db.sql(
		"""SELECT index_name, GROUP_CONCAT(column_name ORDER BY seq_in_index) FROM information_schema.statistics
		WHERE table_schema=DATABASE() AND table_name=%s GROUP BY index_name""",
		f"tab{doctype}",
	)
	missing = {name: fields for name, fields in indexes.items() if (name, ",".join(fields)) not in there}
	if missing:
		changes = (
			f"DROP INDEX IF EXISTS `{name}`, ADD INDEX `{name}` (`{'`, `'.join(fields)}`)"
			for name, fields in missing.items()
		)
		frappe.db.sql_ddl(f"ALTER TABLE `tab{doctype}` {', '.join(changes)}")


def _column(doctype: str, field: str) -> tuple[str, str]:
	return frappe.db.sql(
		"""SELECT column_type, collation_name FROM information_schema.columns
		WHERE table_schema=DATABASE() AND table_name=%s AND column_name=%s""",
		(f"tab{doctype}", field),
	)[0]


def select_in(doctype: str, fields: Sequence[str], key: str, values: Sequence) -> Sequence[tuple]:
	"""These fields of the documents with one of the values in `key`. For thousands of values: the query builder takes ten times as long."""
	if not values:
		return ()
	columns = ", ".join(f"`{field}`" for field in fields)
	return frappe.db.sql(f"SELECT {columns} FROM `tab{doctype}` WHERE `{key}` IN %s", (values,))


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


def upsert(doctype: str, fields: Sequence[str], rows: Sequence[Sequence], changing: Sequence[str]) -> None:
	"""Insert the rows, or write only the `changing` fields where a name is there already."""
	if rows:
		values = ", ".join(f"`{field}`=VALUES(`{field}`)" for field in changing)
		_insert(doctype, fields, rows, f"ON DUPLICATE KEY UPDATE {values}")


def merge(doctype: str, fields: Sequence[str], rows: Sequence[Sequence], merging: Mapping[str, str]) -> None:
	"""Insert the rows. Where a name is there already, its fields become what `merging` says: ADDED, EARLIEST, LATEST or REPLACED, one of ours each."""
	if rows:
		values = ", ".join(f"`{field}`={how.format(f'`{field}`')}" for field, how in merging.items())
		_insert(doctype, fields, rows, f"ON DUPLICATE KEY UPDATE {values}")


ADDED = "{0}+VALUES({0})"
EARLIEST = "LEAST(IFNULL({0}, VALUES({0})), IFNULL(VALUES({0}), {0}))"
LATEST = "GREATEST(IFNULL({0}, VALUES({0})), IFNULL(VALUES({0}), {0}))"
"""A field without a value is neither."""
REPLACED = "VALUES({0})"


def update_many(doctype: str, fields: Sequence[str], rows: Sequence[Sequence]) -> None:
	"""Write `fields` of existing documents; each row begins with the name."""
	upsert(doctype, ("name", *fields), rows, fields)


def _insert(doctype: str, fields: Sequence[str], rows: Sequence[Sequence], ending: str = "") -> None:
	"""One statement. A value that comes again is escaped once: that is what takes the time."""
	columns = ", ".join(f"`{field}`" for field in fields)
	placeholders = _Placeholders()
	cells = [_cells(column, placeholders) for column in zip(*rows, strict=True)]
	values = ["(" + ", ".join(row) + ")" for row in zip(*cells, strict=True)]
	statement = f"INSERT INTO `tab{doctype}` ({columns}) VALUES {', '.join(values)} {ending}"
	frappe.db.sql(statement, placeholders.values)


def _cells(column: Sequence, placeholders: _Placeholders) -> list[str]:
	first = column[0]
	if column.count(first) == len(column):
		return [placeholders[type(first), first]] * len(column)
	return [placeholders[type(value), value] for value in column]


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
