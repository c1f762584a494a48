"""Documents of other apps: whatever refuses one takes back this one only, and is kept in its own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import frappe
from frappe.utils import strip_html


class Refused(Exception):
	"""HRMS, ERPNext, or something the site added to them, does not take a document; the text is its own words."""


@contextmanager
def savepoint(name: str) -> Iterator[None]:
	"""Undo what is inside on any failure, and raise Refused; deadlocks and lock time-outs concern the whole batch and pass through."""
	frappe.db.savepoint(name)
	messages = len(frappe.local.message_log)
	try:
		yield
	except (frappe.QueryDeadlockError, frappe.QueryTimeoutError):
		raise
	except Exception as error:
		frappe.db.rollback(save_point=name)
		raise Refused(strip_html(str(error)).strip() or type(error).__name__) from error
	finally:
		del frappe.local.message_log[messages:]
