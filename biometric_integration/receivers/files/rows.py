"""A line of a file, before its time is understood."""

from __future__ import annotations

from typing import NamedTuple

from biometric_integration.core.punch import Direction


class Cells(NamedTuple):
	"""A line that looks like a punch. `device`: what it says of its device (a serial number or a name); empty where it says nothing.

	raw: what of it is kept: names, temperatures, places and the like are not.
	"""

	line: int
	user_id: str
	when: str
	raw: str
	device: str = ""
	direction: Direction = Direction.NONE


class Odd(NamedTuple):
	"""A line that is none, with the reason in a sentence."""

	line: int
	problem: str
	raw: str


Row = Cells | Odd
