"""From what the source says to what is written as Log Type (design §6 step 4)."""

from __future__ import annotations

from enum import Enum

from biometric_integration.core.punch import Direction


class DirectionPolicy(str, Enum):
	"""How a device's punches get their Log Type."""

	AS_REPORTED = "As Reported"
	ALWAYS_IN = "Always IN"
	ALWAYS_OUT = "Always OUT"
	BLANK = "Blank"
	FIRST_IN = "First IN, Later OUT"


FIXED = {
	DirectionPolicy.ALWAYS_IN: Direction.IN,
	DirectionPolicy.ALWAYS_OUT: Direction.OUT,
	DirectionPolicy.BLANK: Direction.NONE,
}


def log_type(policy: DirectionPolicy, reported: Direction, is_first: bool) -> Direction:
	"""`is_first`: nothing else of the person is recorded in this shift before."""
	if policy is DirectionPolicy.AS_REPORTED:
		return reported
	if policy is DirectionPolicy.FIRST_IN:
		return Direction.IN if is_first else Direction.OUT
	return FIXED[policy]
