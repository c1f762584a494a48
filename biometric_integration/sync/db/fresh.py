"""What is committed at this moment, whatever view of the database the own transaction has."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import frappe


def read(statement: str, values: Sequence) -> list[tuple]:
	"""Over a connection of its own (1 ms): a read for update would see it too, and keep others waiting."""
	with closing(frappe.db.get_connection()) as connection, closing(connection.cursor()) as cursor:
		cursor.execute(statement, values)
		return list(cursor.fetchall())
