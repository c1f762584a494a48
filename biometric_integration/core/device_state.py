"""How a device stands, for people: only one that is known to deliver is shown as good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from biometric_integration.core.evidence import Standing
from biometric_integration.core.window import DAY

SILENT_DAYS = 3
"""Days on which other devices of its server delivered and it did not."""

QUIET_DAYS = 7
"""Days without a punch after which a device is called silent also where nobody else delivered."""


class DeviceState(str, Enum):
	"""In one word."""

	DISABLED = "disabled"
	SAME_AS = "same_as"
	ORPHANED = "orphaned"
	FAILING = "failing"
	UNREAD = "unread"
	NEVER = "never"
	SILENT = "silent"
	REVIEW = "review"
	LATE = "late"
	ACTIVE = "active"


TO_LOOK_AT = frozenset({DeviceState.ORPHANED, DeviceState.NEVER, DeviceState.SILENT})
"""States of a device of which nothing will come until a person does something, though no run fails."""


@dataclass(frozen=True)
class DeviceFacts:
	"""What is known about a device, the server's clock and ours taken for one.

	has_server: the server that it names is configured. is_read: that one was read well since the device is known, and is so now.
	last_punch: None = never. days_of_others: on how many days since then other devices of the server delivered. standing: how it stands by its own
	rhythm.
	"""

	enabled: bool = True
	is_another: bool = False
	has_server: bool = True
	is_failing: bool = False
	is_read: bool = True
	needs_review: bool = False
	last_punch: datetime | None = None
	days_of_others: int = 0
	standing: Standing = Standing.NEVER


def is_quiet(last_punch: datetime | None, now: datetime) -> bool:
	"""Long enough for the question how many days the others delivered meanwhile."""
	return last_punch is not None and now - last_punch > SILENT_DAYS * DAY


def device_state(facts: DeviceFacts, now: datetime) -> DeviceState:
	"""The first that is so, from what explains most to what explains least."""
	last = facts.last_punch
	is_in_the_future = last is not None and last > now
	silent = facts.days_of_others >= SILENT_DAYS or (last is not None and now - last > QUIET_DAYS * DAY)
	silent = silent or facts.standing is Standing.SILENT
	states = (
		(not facts.enabled, DeviceState.DISABLED),
		(facts.is_another, DeviceState.SAME_AS),
		(not facts.has_server, DeviceState.ORPHANED),
		(facts.is_failing, DeviceState.FAILING),
		(not facts.is_read or is_in_the_future, DeviceState.UNREAD),
		(last is None, DeviceState.NEVER),
		(silent, DeviceState.SILENT),
		(facts.needs_review, DeviceState.REVIEW),
		(facts.standing is Standing.LATE, DeviceState.LATE),
	)
	return next((state for holds, state in states if holds), DeviceState.ACTIVE)
