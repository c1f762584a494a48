"""Named locks of the database server: freed with the connection, and not by a commit (design §5)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import blake2b

import frappe

from biometric_integration.sync.db import transaction

LANE = "process"
"""Name of the one process lane of a site."""


def take(name: str) -> bool:
	"""Take a lock of this site without waiting."""
	return bool(frappe.db.sql("SELECT GET_LOCK(%s, 0)", _full(name))[0][0])


@contextmanager
def held(name: str, seconds: int = 10) -> Iterator[None]:
	"""Hold a lock of this site, for what is over in a moment. Whoever waits longer goes on without: unique keys still hold."""
	mine = bool(frappe.db.sql("SELECT GET_LOCK(%s, %s)", (_full(name), seconds))[0][0])
	try:
		yield
	finally:
		if mine:
			release(name)


def hold(name: str) -> bool:
	"""Take a lock of this site without waiting, until the transaction of the caller ends; a savepoint does not end it."""
	if not take(name):
		return False
	for end in (frappe.db.after_commit, frappe.db.after_rollback):
		end.add(partial(release, name))
	return True


def of_attendance(employee: str) -> str:
	"""The lock of whoever writes attendance of this person: HRMS's auto attendance, or a repair."""
	return f"attendance {employee}"


@contextmanager
def attendance(employee: str, seconds: int = 10) -> Iterator[bool]:
	"""Wait until nobody else writes attendance of this person, and keep others from it; says whether that was so in time.

	Commits when it begins, so that what the other one wrote is seen; whoever holds it commits before it ends.
	"""
	name = of_attendance(employee)
	mine = bool(frappe.db.sql("SELECT GET_LOCK(%s, %s)", (_full(name), seconds))[0][0])
	transaction.commit()
	try:
		yield mine
	finally:
		if mine:
			release(name)


def release(name: str) -> None:
	frappe.db.sql("SELECT RELEASE_LOCK(%s)", _full(name))


def taken(name: str) -> bool:
	"""Does any connection hold this lock?"""
	return frappe.db.sql("SELECT IS_USED_LOCK(%s)", _full(name))[0][0] is not None


def _full(name: str) -> str:
	"""Lock names are shared by all databases of the server and at most 64 characters long."""
	return "biometric:" + blake2b(f"{frappe.conf.db_name}:{name}".encode(), digest_size=20).hexdigest()
