"""How long what fails is left alone, and how often it is tried."""

from __future__ import annotations

from datetime import datetime, timedelta

from biometric_integration.core.errors import AmbiguousError, ErrorClass, SyncError

PROBE = timedelta(hours=1)
FIRST = timedelta(minutes=1)
LONGEST = timedelta(minutes=30)
PATIENCE = timedelta(minutes=30)
TIMES = 3
REFUSALS = 5
REFUSAL_PAUSE = timedelta(days=1)
"""A check-in that the site refuses is tried so often, and no sooner than so long after the last time."""


def wait(error_class: ErrorClass, failures: int) -> timedelta:
	"""After `failures` failures in a row: doubling for what passes by itself, hourly for what a person has to mend."""
	if error_class in (ErrorClass.AUTHENTICATION, ErrorClass.CONFIGURATION):
		return PROBE
	return min(FIRST * 2.0 ** min(failures - 1, 10), LONGEST)


def rests(next_attempt: datetime | None, now: datetime) -> bool:
	"""Is it left alone until `next_attempt`? No wait is longer than the probe: what is said to end later was written by a wrong clock."""
	return next_attempt is not None and now < next_attempt <= now + PROBE


def judged(error: SyncError, failures: int, first_failure: datetime, now: datetime) -> ErrorClass:
	"""The class of a failure in the light of those before it.

	A server that says nothing but `error`, three times and for half an hour, refuses the login (design §5.6).
	"""
	if isinstance(error, AmbiguousError) and failures >= TIMES and now - first_failure >= PATIENCE:
		return ErrorClass.AUTHENTICATION
	return error.error_class
