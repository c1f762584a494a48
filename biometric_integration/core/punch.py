"""A punch: one event as the source reported it, normalised."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from hashlib import blake2b

from biometric_integration.core.text import LONGEST, fitting

UNREADABLE_PREFIX = "0" * 14
"""Takes the place of the source time in the fingerprint of a row that could not be read."""


class Direction(str, Enum):
	"""What the source says about the way through the door, and what an Employee Checkin calls Log Type."""

	IN = "IN"
	OUT = "OUT"
	NONE = ""


class Kind(str, Enum):
	"""What a row turned out to be."""

	PUNCH = "Punch"
	JUNK = "Junk"
	INVALID = "Invalid"


DIRECTION_WORDS = {
	"in": Direction.IN,
	"out": Direction.OUT,
	"inout": Direction.NONE,
	"": Direction.NONE,
}
"""eTimeTrackLite sends lower case or nothing, eBioServer IN, OUT or INOUT (essl-protocol §2.1, §3.1)."""


@dataclass(frozen=True)
class Record:
	"""A row as a connector read it.

	Either `serial` or the pair (`device_name`, `location`) says which device it is from. `source_time` is the naive wall
	clock of the source, to the second. `raw` is the row as it came.
	"""

	user_id: str
	source_time: datetime
	direction: Direction
	raw: str
	serial: str = ""
	device_name: str = ""
	location: str = ""
	log_id: int | None = None
	verify_mode: str = ""
	kind: Kind = Kind.PUNCH


@dataclass(frozen=True)
class Unreadable:
	"""A row that could not be read, with the reason in a sentence. `log_id` where at least that could be read."""

	raw: str
	problem: str
	log_id: int | None = None


@dataclass(frozen=True)
class Punch:
	"""A row ready to be staged; `name` is its fingerprint.

	`source_time` is the wall clock of the server's zone, `punch_time` that of the site's; both are naive and None for a row
	that could not be read. `device` is the key of the Biometric Device ("" where it could not be told).
	"""

	name: str
	kind: Kind
	device: str
	user_id: str
	source_time: datetime | None
	punch_time: datetime | None
	direction: Direction
	raw: str
	log_id: int | None = None
	verify_mode: str = ""
	problem: str = ""


def shown(record: Record) -> Record | Unreadable:
	"""The record with an id and names that may stand on a page and that a host can keep; `raw` stays as it came.

	What is too long is cut. The id of a punch is not: what is left of it might be somebody else.
	"""
	if len(record.raw) <= LONGEST and "<" not in record.raw and ">" not in record.raw:
		return record
	if len(record.user_id) > LONGEST and record.kind is Kind.PUNCH:
		problem = f"The employee code is longer than {LONGEST} characters."
		body = record.raw.removeprefix(f"{record.log_id},")  # the same row by day has no id in front
		return Unreadable(body, problem, record.log_id)
	return replace(
		record,
		user_id=fitting(record.user_id),
		device_name=fitting(record.device_name),
		location=fitting(record.location),
		verify_mode=fitting(record.verify_mode),
	)


def fingerprint(server: str, device: str, user_id: str, source_time: datetime) -> str:
	"""Name of the Staging Event of a punch: `YYYYMMDDhhmmss-` and 20 hex characters over what makes it that punch.

	The time in front keeps inserts in key order. Direction, log id and verify mode stay outside: servers correct them later.
	"""
	stamp = source_time.strftime("%Y%m%d%H%M%S") if source_time.year >= 1000 else UNREADABLE_PREFIX
	return f"{stamp}-{_digest(server, device, user_id, source_time.isoformat())}"


def unreadable_fingerprint(server: str, unit: str, raw: str) -> str:
	"""Name of the Staging Event of a row that could not be read: over where it came from and its text."""
	return f"{UNREADABLE_PREFIX}-{_digest(server, unit, raw)}"


def _digest(*parts: str) -> str:
	"""20 hex characters; each part goes in with its length, so that no two lists of parts look alike."""
	text = "".join(f"{len(part)}:{part}" for part in parts)
	return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=10).hexdigest()


def direction_of(word: str) -> Direction | None:
	"""The direction a source's word stands for; None for a word nobody has seen before."""
	return DIRECTION_WORDS.get(word.strip().lower())
