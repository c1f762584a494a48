"""Documents of other apps: whatever refuses one takes back this one only, and is kept in its own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rq.timeouts import JobTimeoutException

import frappe
from frappe.utils import strip_html

from biometric_integration.core.store import BatchLost, Interrupted
from biometric_integration.sync.db import transaction


class Refused(Exception):
	"""HRMS, ERPNext, or something the site added to them, does not take a document; the text is its own words."""


@contextmanager
def savepoint(name: str) -> Iterator[None]:
	"""Undo what is inside on any failure, and raise Refused, with the failure as its cause.

	What concerns more than this document passes through: deadlocks and lock time-outs as they are, the end of the job as Interrupted,
	and BatchLost, with the words, where a hook has ended the transaction, so that there is no way back but to do the batch again.
	"""
	frappe.db.savepoint(name)
	messages = len(frappe.local.message_log)
	try:
		yield
	except (frappe.QueryDeadlockError, frappe.QueryTimeoutError):
		raise
	except JobTimeoutException as error:
		raise Interrupted() from error
	except Exception as error:
		words = strip_html(str(error)).strip() or type(error).__name__
		_go_back(name, words)
		raise Refused(words) from error
	finally:
		del frappe.local.message_log[messages:]


def _go_back(name: str, words: str) -> None:
	try:
		frappe.db.rollback(save_point=name)
	except frappe.db.OperationalError as error:
		transaction.roll_back()
		raise BatchLost(words) from error
