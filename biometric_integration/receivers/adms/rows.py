"""The rows of the two tables that hold punches: `ATTLOG` of attendance devices, `rtlog` of access devices.

Whatever else a newer firmware adds to a row (mask, temperature, place, card) is dropped here, before anything is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from biometric_integration.core.punch import Direction, Record, Unreadable
from biometric_integration.core.text import LONGEST
from biometric_integration.receivers.adms.words import (
	GRANTED,
	IN_OR_OUT,
	NOBODY,
	RECORDS_OF_THE_DEVICE,
	STATUS,
	VERIFIED_BY,
)

KEPT_FIELDS = 5
"""PIN, time, status, verify mode, work code. The further ones of a row are mask, temperature and place (sources-protocols §2.2)."""
KEPT_KEYS = ("time", "pin", "event", "eventaddr", "inoutstatus", "verifytype", "index")
LONGEST_FIELD = 40
"""Characters of each field of a row that is kept as it came: a template or a picture in the wrong place stays out."""
LONGEST_ROW = 4096
"""Bytes. A row with a place in it has some hundred."""

CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
TIME = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})[ T]([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})")


@dataclass(frozen=True)
class Dropped:
	"""A row that is no punch and of which nothing is kept."""

	why: str


DENIED = Dropped("denied")
OF_THE_DEVICE = Dropped("device")

Row = Record | Unreadable | Dropped


def attlog(body: bytes, serial: str) -> Iterator[Row]:
	"""`PIN→time→status→verify→work code→…`, two fields or more, one row a line (essl-protocol §6.4)."""
	for line in _lines(body):
		yield _attlog_row(line, serial)


def rtlog(body: bytes, serial: str) -> Iterator[Row]:
	"""Tab separated `key=value` in any order, one event a line (sources-protocols §2.3)."""
	for line in _lines(body):
		yield _rtlog_row(line, serial)


def count(body: bytes) -> int:
	"""How many rows there are."""
	return sum(1 for _line in _lines(body))


def _lines(body: bytes) -> Iterator[bytes]:
	"""Lines with something in them. Firmware ends its buffers with NUL bytes."""
	start, end = 0, len(body)
	while start < end:
		stop = body.find(b"\n", start)
		stop = end if stop < 0 else stop
		line = body[start:stop].strip(b"\r\0 ")
		start = stop + 1
		if line.strip():
			yield line


def _attlog_row(line: bytes, serial: str) -> Row:
	text = _text(line)
	if _is_of_the_device(text):
		return OF_THE_DEVICE
	fields = text.split("\t", KEPT_FIELDS)[:KEPT_FIELDS]
	raw = "\t".join(_excerpt(field) for field in fields)
	if problem := _misshapen(line, text):
		return Unreadable(raw, problem)
	if len(fields) < 2:
		return Unreadable(raw, "The row has one field only.")
	pin, moment = fields[0].strip(), source_time(fields[1].strip())
	status, verified = (*(field.strip() for field in fields[2:4]), "", "")[:2]
	return _punch(pin, moment, STATUS.get(status, Direction.NONE), raw, serial, verified)


def _rtlog_row(line: bytes, serial: str) -> Row:
	text = _text(line)
	if _is_of_the_device(text):
		return OF_THE_DEVICE
	values = _values(text)
	raw = "\t".join(f"{key}={_excerpt(values[key])}" for key in KEPT_KEYS if key in values)
	if problem := _misshapen(line, text):
		return Unreadable(raw, problem)
	event = values.get("event", "")
	if not event.isascii() or not event.isdigit() or "time" not in values:
		return Unreadable(raw, "The row does not say what happened, or when.")
	pin = values.get("pin", "")
	if pin in NOBODY:
		return OF_THE_DEVICE
	if int(event[:9]) not in GRANTED:
		return DENIED
	direction = IN_OR_OUT.get(values.get("inoutstatus", ""), Direction.NONE)
	return _punch(pin, source_time(values["time"]), direction, raw, serial, values.get("verifytype", ""))


def _punch(
	pin: str, moment: datetime | None, direction: Direction, raw: str, serial: str, verified: str
) -> Row:
	if not pin:
		return Unreadable(raw, "The row has no user id.")
	if len(pin) > LONGEST:
		return Unreadable(raw, f"The user id is longer than {LONGEST} characters.")
	if moment is None:
		return Unreadable(raw, "The time of the row cannot be read.")
	return Record(pin, moment, direction, raw, serial=serial, verify_mode=VERIFIED_BY.get(verified, ""))


def source_time(text: str) -> datetime | None:
	"""The naive wall clock of the device, to the second; None for what is none, such as the month 0 of a clock without battery."""
	found = TIME.fullmatch(text)
	if not found:
		return None
	try:
		year, month, day, hour, minute, second = map(int, found.groups())
		return datetime(year, month, day, hour, minute, second)
	except ValueError:
		return None


def _values(text: str) -> dict[str, str]:
	"""Keys in lower case; of two values of a key the first counts."""
	found: dict[str, str] = {}
	for part in text[:LONGEST_ROW].split("\t"):
		key, equals, value = part.partition("=")
		if equals:
			found.setdefault(key.strip().lower(), value.strip())
	return found


def _text(line: bytes) -> str:
	"""Bytes that are no UTF-8 stay apart from each other; what holds punches is ASCII on all firmware."""
	return line[: LONGEST_ROW + 1].decode("utf-8", "backslashreplace")


def _is_of_the_device(text: str) -> bool:
	return text[:20].lstrip().upper().startswith(RECORDS_OF_THE_DEVICE)


def _misshapen(line: bytes, text: str) -> str:
	if len(line) > LONGEST_ROW:
		return f"The row is longer than {LONGEST_ROW} bytes."
	if CONTROLS.search(text):
		return "The row holds a character that no device writes."
	return ""


def _excerpt(field: str) -> str:
	return CONTROLS.sub("", field)[:LONGEST_FIELD]
