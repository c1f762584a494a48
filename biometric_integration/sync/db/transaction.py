"""Commits, and what the database takes back by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rq.timeouts import JobTimeoutException

import frappe
from frappe import _

from biometric_integration.core.errors import SyncError
from biometric_integration.core.store import BatchLost, Interrupted, repeated

Answer = TypeVar("Answer")

LOST = (frappe.QueryDeadlockError, frappe.QueryTimeoutError)
OF_NO_ROW = (*LOST, JobTimeoutException)
"""Whoever asks about one row lets these pass: they say nothing about it. `batch` says what they mean."""


def commit() -> None:
	"""The one commit of the app: the engine decides through the store what becomes durable together (design §5.1)."""
	frappe.db.commit()  # nosemgrep -- a sync is a series of batches, each complete in itself


def roll_back() -> None:
	frappe.db.rollback()


@contextmanager
def batch() -> Iterator[None]:
	"""A deadlock or lock time-out rolls back the whole transaction: say so, once it really is gone. The end of the job is Interrupted."""
	try:
		yield
	except LOST as error:
		roll_back()
		raise BatchLost() from error
	except JobTimeoutException as error:
		raise Interrupted(str(error)) from error
	except (frappe.db.OperationalError, frappe.db.InternalError) as error:
		raise SyncError(_("The database of this site failed: {0}").format(_words(error))) from error


def _words(error: Exception) -> str:
	"""What the database says; errors of these classes name tables and limits, no values."""
	return str(error.args[1] if len(error.args) > 1 else error)


def in_one(action: Callable[[], Answer]) -> Answer:
	"""Do it and commit; what a deadlock takes back is done again, up to three times in all. Nothing else may be uncommitted."""
	return repeated(lambda: _done(action))


def _done(action: Callable[[], Answer]) -> Answer:
	with batch():
		answer = action()
		commit()
	return answer
