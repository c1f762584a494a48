"""How long the scheduler leaves a failing server alone."""

from __future__ import annotations

from datetime import timedelta

from biometric_integration.core.errors import ErrorClass

PROBE = timedelta(hours=1)
FIRST = timedelta(minutes=1)
LONGEST = timedelta(minutes=30)


def wait(error_class: ErrorClass, failures: int) -> timedelta:
	"""After `failures` failures in a row: doubling for what passes by itself, hourly for what a person has to mend."""
	if error_class in (ErrorClass.AUTHENTICATION, ErrorClass.CONFIGURATION):
		return PROBE
	return min(FIRST * 2 ** min(failures - 1, 10), LONGEST)
