"""Commits, and what the database takes back by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import frappe

from biometric_integration.core.store import BatchLost

TRIES = 3
Answer = TypeVar("Answer")


def commit() -> None:
	"""The one commit of the app: the engine decides through the store what becomes durable together (design §5.1)."""
	frappe.db.commit()  # nosemgrep -- a sync is a series of batches, each complete in itself


def roll_back() -> None:
	frappe.db.rollback()


@contextmanager
def batch() -> Iterator[None]:
	"""A deadlock or lock time-out rolls back the whole transaction: say so, once it really is gone."""
	try:
		yield
	except (frappe.QueryDeadlockError, frappe.QueryTimeoutError) as error:
		roll_back()
		raise BatchLost() from error


def in_one(action: Callable[[], Answer]) -> Answer:
	"""Do it and commit; what a deadlock takes back is done again, up to three times in all. Nothing else may be uncommitted."""
	for _ in range(TRIES - 1):
		try:
			return _done(action)
		except BatchLost:
			continue
	return _done(action)


def _done(action: Callable[[], Answer]) -> Answer:
	with batch():
		answer = action()
		commit()
	return answer
