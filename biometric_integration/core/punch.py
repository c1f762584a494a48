"""A punch: one event as the source reported it, normalised."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

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


RESET_END = datetime(2000, 1, 3)
"""A clock that lost its time starts before: in 1970, or around the first day of 2000 (essl-protocol §7)."""

DIRECTION_WORDS = {
	"in": Direction.IN,
	"out": Direction.OUT,
	"inout": Direction.NONE,
	"IN": Direction.IN,
	"OUT": Direction.OUT,
	"INOUT": Direction.NONE,
	"": Direction.NONE,
}
"""eTimeTrackLite sends lower case or nothing, eBioServer IN, OUT or INOUT (essl-protocol §2.1, §3.1)."""


class Record(NamedTuple):
	"""A row as a connector read it. A tuple, as is Punch: there are millions, and a frozen dataclass takes five times as long to make.

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


class Punch(NamedTuple):
	"""A row ready to be staged; `name` is its fingerprint.

	`source_time` is the wall clock of the server's zone, `punch_time` that of the site's; both are naive and None for a row
	that could not be read. `arrived`: when it came here, in the site's clock. `device` is the key of the Biometric Device ("" where it could not be told). barred: older than this day, from where
	on punches are kept; it may have been used and deleted, so it is not used again by itself.
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
	barred: date | None = None
	arrived: datetime | None = None


def shown(record: Record) -> Record | Unreadable:
	"""The record with an id and names that may stand on a page and that a host can keep; `raw` stays as it came.

	What is too long is cut. The id of a punch is not: what is left of it might be somebody else.
	"""
	raw = record.raw
	if len(raw) <= LONGEST and "<" not in raw and ">" not in raw:
		return record
	return fitted(record)


def fitted(record: Record) -> Record | Unreadable:
	"""The same for a record whose texts may be longer than its `raw`."""
	raw = record.raw
	if len(record.user_id) > LONGEST and record.kind is Kind.PUNCH:
		problem = f"The employee code is longer than {LONGEST} characters."
		body = raw.removeprefix(f"{record.log_id},")  # the same row by day has no id in front
		return Unreadable(body, problem, record.log_id)
	return record._replace(
		user_id=fitting(record.user_id),
		device_name=fitting(record.device_name),
		location=fitting(record.location),
		verify_mode=fitting(record.verify_mode),
	)


def shown_rows(rows: Iterable[Record | Unreadable]) -> list[Record | Unreadable]:
	return [shown(row) if isinstance(row, Record) else row for row in rows]


def evidence(rows: Iterable[Record | Unreadable]) -> Iterator[Record]:
	"""Rows that are kept as punches, with their ids as they are kept: only those can be found again here."""
	for row in shown_rows(rows):
		if isinstance(row, Record) and row.kind is Kind.PUNCH:
			yield row


def fingerprint(server: str, device: str, user_id: str, source_time: datetime) -> str:
	"""Name of the Staging Event of a punch: `YYYYMMDDhhmmss-` and 20 hex characters over what makes it that punch.

	The time in front keeps inserts in key order. Direction, log id and verify mode stay outside: servers correct them later.
	"""
	moment = source_time.isoformat()
	rest = f"{len(user_id)}:{user_id}{len(moment)}:{moment}"
	return f"{name_stamp(source_time)}-{_digest(server, device, rest)}"


def name_stamp(source_time: datetime) -> str:
	"""How the name of a punch of this source time begins, up to the dash."""
	if source_time.year < 1000:
		return UNREADABLE_PREFIX
	digits = (
		source_time.isoformat().replace("-", "").replace("T", "").replace(":", "")
	)  # strftime takes eight times as long
	return digits[: len(UNREADABLE_PREFIX)]


def name_from(moment: datetime) -> str:
	"""The least name that a punch of this source time may have; from the year 1000 on."""
	return f"{moment:%Y%m%d%H%M%S}"


def unreadable_fingerprint(server: str, unit: str, raw: str) -> str:
	"""Name of the Staging Event of a row that could not be read: over where it came from and its text."""
	return f"{UNREADABLE_PREFIX}-{_digest(server, unit, f'{len(raw)}:{raw}')}"


def _digest(server: str, place: str, rest: str) -> str:
	"""20 hex characters; each part goes in with its length, so that no two lists of parts look alike."""
	digest = _begun(server, place).copy()
	digest.update(rest.encode("utf-8", "surrogatepass"))
	return digest.hexdigest()


@lru_cache(maxsize=256)
def _begun(server: str, place: str) -> blake2b:
	"""The digest of what thousands of rows have in common. Only ever copied."""
	parts = f"{len(server)}:{server}{len(place)}:{place}"
	return blake2b(parts.encode("utf-8", "surrogatepass"), digest_size=10)


def direction_of(word: str) -> Direction | None:
	"""The direction a source's word stands for; None for a word nobody has seen before."""
	known = DIRECTION_WORDS.get(word)
	return DIRECTION_WORDS.get(word.strip().lower()) if known is None else known
