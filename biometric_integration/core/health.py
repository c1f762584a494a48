"""How a server stands, for people: what is only unknown is never shown as good."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

from biometric_integration.core.window import DAY

INTERVALS = 3
LEAST = timedelta(minutes=5)
"""A server is expected to be read in each of its intervals. After three of them, and no sooner than this, the silence is ours."""


class Health(str, Enum):
	"""In one word."""

	OFF = "off"
	NEW = "new"
	OK = "ok"
	FAILING = "failing"
	STALLED = "stalled"


def health(
	enabled: bool,
	failing: bool,
	last_success: datetime | None,
	since: datetime,
	interval: timedelta,
	now: datetime,
) -> Health:
	"""`since`: when it was last set up. interval: the longest of its units; zero = once a day. All in the site's clock."""
	if failing:
		return Health.FAILING
	if not enabled:
		return Health.OFF
	read = last_success if last_success and last_success <= now else None
	quiet_since = max(read, since) if read else since
	if now - quiet_since > max(INTERVALS * (interval or DAY), LEAST):
		return Health.STALLED
	return Health.OK if read else Health.NEW
