"""Commits, and what the database takes back by itself."""

from __future__ import annotations

import re
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


VALUE = re.compile(r"(value:?|entry) '.*'(?= for )", re.DOTALL)
"""Where the database repeats what it was given."""


def commit() -> None:
	"""The one commit of the app: the engine decides through the store what becomes durable together (design §5.1)."""
	frappe.db.commit()  # nosemgrep -- a sync is a series of batches, each complete in itself


def roll_back() -> bool:
	"""Where the connection is gone, the database has done so; what comes next gets a new one. Whether that was so: named locks went with the old one."""
	try:
		frappe.db.rollback()
	except Exception as error:
		if not is_of_the_database(error):
			raise
		frappe.db.connect()
		return True
	return False


def roll_back_or_end() -> None:
	"""For whoever holds a named lock: what it keeps apart may be somebody else's by now. Raises Interrupted where the connection was lost."""
	if roll_back():
		raise Interrupted(_("The connection to the database was lost; the next job goes on."))


@contextmanager
def batch() -> Iterator[None]:
	"""A deadlock or lock time-out rolls back the whole transaction: say so, once it really is gone. The end of the job is Interrupted."""
	try:
		yield
	except LOST as error:
		roll_back()
		raise BatchLost(why=words(error)) from error
	except JobTimeoutException as error:
		raise Interrupted(str(error)) from error
	except Exception as error:
		if not is_of_the_database(error):
			raise
		raise SyncError(_("The database of this site failed: {0}").format(words(error))) from error


def is_of_the_database(error: BaseException) -> bool:
	"""Did the database fail, or refuse what it was given? A key that is there already, or a statement that is wrong, says something else."""
	failures = (frappe.db.OperationalError, frappe.db.InternalError, frappe.db.DataError)
	return isinstance(error, failures) or type(error).__name__ == "InterfaceError"


def words(error: BaseException) -> str:
	"""What the database says, without the values that it was given."""
	while isinstance(error, LOST) and error.args and isinstance(error.args[0], BaseException):
		error = error.args[0]
	said = str(error.args[1] if len(error.args) > 1 else error) or _("The connection was lost.")
	return VALUE.sub(r"\1 …", said)


def in_one(action: Callable[[], Answer]) -> Answer:
	"""Do it and commit; what a deadlock takes back is done again, up to three times in all. Nothing else may be uncommitted."""
	return repeated(lambda: _done(action))


def _done(action: Callable[[], Answer]) -> Answer:
	with batch():
		answer = action()
		commit()
	return answer
