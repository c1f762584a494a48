"""Documents of other apps: whatever refuses one takes back this one only, and is kept in its own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import frappe
from frappe.utils import strip_html

from biometric_integration.core.store import BatchLost
from biometric_integration.sync.db import transaction


class Refused(Exception):
	"""HRMS, ERPNext, or something the site added to them, does not take a document; the text is its own words."""


@contextmanager
def savepoint(name: str) -> Iterator[None]:
	"""Undo what is inside on any failure, and raise Refused, with the failure as its cause.

	What concerns more than this document passes through: deadlocks, lock time-outs and the end of the job as they are, and BatchLost, with
	the words, where a hook has ended the transaction, so that there is no way back but to do the batch again.
	"""
	frappe.db.savepoint(name)
	messages = len(frappe.local.message_log)
	try:
		yield
	except transaction.OF_NO_ROW:
		raise
	except Exception as error:
		words = _words(error)
		_go_back(name, words)
		raise Refused(words) from error
	finally:
		del frappe.local.message_log[messages:]


def _words(error: Exception) -> str:
	said = transaction.words(error) if transaction.is_of_the_database(error) else str(error)
	return strip_html(said).strip() or type(error).__name__


def _go_back(name: str, words: str) -> None:
	try:
		frappe.db.rollback(save_point=name)
	except Exception as error:
		if not transaction.is_of_the_database(error):
			raise
		transaction.roll_back_or_end()
		raise BatchLost(words) from error
