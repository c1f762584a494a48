"""What a site has: its schema, its rows, its files and what lies in its cache; and in what two pictures differ."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import frappe

VOLATILE = frozenset(
	{"creation", "modified", "modified_by", "owner", "idx", "last_execution", "migration_hash", "__islocal"}
)
"""Columns that say when something was written, not what."""
HASH = re.compile(r"[0-9a-z]{10}")
"""The name of a row that nobody names."""

Picture = Mapping[str, Counter]
"""What it is of → each thing there, and how often."""


def take(site: str) -> Picture:
	frappe.init(site=site)
	frappe.connect()
	try:
		return {
			"columns": Counter(_columns()),
			"indexes": Counter(_indexes()),
			"files": Counter(_files()),
			"cache": Counter(_keys()),
			**{
				f"rows of {table}": rows
				for table in frappe.db.get_tables(cached=False)
				if (rows := Counter(_rows(table)))
			},
		}
	finally:
		frappe.destroy()


def differences(before: Picture, after: Picture, but: Sequence[str] = ()) -> list[str]:
	"""One line for each thing that only one of them has; but for what begins with one of these words."""
	lines = []
	for of in sorted({*before, *after}):
		there, then = before.get(of, Counter()), after.get(of, Counter())
		lines += [f"- {of}: {thing}" for thing in sorted((there - then).elements())]
		lines += [f"+ {of}: {thing}" for thing in sorted((then - there).elements())]
	return [line for line in lines if not line[2:].startswith(tuple(but))]


def _columns() -> Iterator[str]:
	for row in frappe.db.sql(
		"""SELECT table_name, column_name, column_type, is_nullable, column_default, collation_name
		FROM information_schema.columns WHERE table_schema=DATABASE()"""
	):
		yield " ".join(map(str, row))


def _indexes() -> Iterator[str]:
	"""Without their names, and without those of `creation`: frappe makes them another way for a table that changes than for a new one."""
	for table, _name, not_unique, columns in frappe.db.sql(
		"""SELECT table_name, index_name, non_unique, GROUP_CONCAT(column_name ORDER BY seq_in_index)
		FROM information_schema.statistics WHERE table_schema=DATABASE() GROUP BY table_name, index_name, non_unique"""
	):
		if columns != "creation":
			yield f"{table} {'' if not_unique else 'unique '}{columns}"


def _files() -> Iterator[str]:
	for folder in ("private/files", "public/files"):
		yield from (str(path) for path in Path(frappe.get_site_path(folder)).rglob("*") if path.is_file())


def _keys() -> Iterator[str]:
	for key in frappe.cache.get_keys("biometric"):
		yield key.decode()


def _rows(table: str) -> Iterator[str]:
	for row in frappe.db.sql(f"SELECT * FROM `{table}`", as_dict=True):
		if table == "tabSingles":
			row = {} if row.field in VOLATILE else {f"{row.doctype}: {row.field}": row.value}
		shown = {column: str(value) for column, value in row.items() if value and column not in VOLATILE}
		if HASH.fullmatch(shown.get("name", "")):
			del shown["name"]
		if shown:
			yield json.dumps(shown, sort_keys=True, ensure_ascii=False)
