"""The web hook of eBioServerNew: one JSON object, or an array of them, for each delivery (essl-protocol §3.6)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from biometric_integration.core.junk import is_junk
from biometric_integration.core.punch import Direction, Kind, Record, Unreadable, direction_of
from biometric_integration.receivers.texts import Refusal, decoded, short_text, wall_time

MOST_ROWS = 5000
MOST_BYTES = 4 * 1024 * 1024
KEPT = (
	"EmployeeCode",
	"LogDate",
	"DownloadDate",
	"DeviceName",
	"SerialNumber",
	"Direction",
	"VerificationType",
)
"""Of a delivered row; where the person was (GPS), and whatever else it may hold, is dropped."""
LONGEST_VALUE = 200


class Delivered(NamedTuple):
	"""A row, with the serial number and the name that it gives its device; the row itself may be Unreadable."""

	serial: str
	device_name: str
	row: Record | Unreadable


def envelope(body: bytes) -> object:
	"""What was posted; raises Refusal."""
	if len(body) > MOST_BYTES:
		raise Refusal(413, "The body is too large.")
	return decoded(body)


def encrypted(posted: object) -> str | None:
	"""The base64 text of an encrypted delivery, `{"data": "…"}`; None for one that is not."""
	data = posted.get("data") if isinstance(posted, dict) and len(posted) == 1 else None
	return data if isinstance(data, str) else None


def read(posted: object) -> list[Delivered]:
	"""The rows of a delivery, in order; raises Refusal for what is none."""
	rows = posted if isinstance(posted, list) else [posted]
	if len(rows) > MOST_ROWS:
		raise Refusal(413, "The body has too many rows.")
	if not any(isinstance(row, dict) and "LogDate" in row for row in rows):
		raise Refusal(400, "The body holds no rows.")
	return [read_row(row) for row in rows]


def read_row(row: object) -> Delivered:
	"""Rows that are no punches are told as by the connector: device operation and enrolment records, clocks that were never set."""
	if not isinstance(row, dict):
		return Delivered("", "", Unreadable(_raw({}), "The row is not an object."))
	serial, name = short_text(row.get("SerialNumber")) or "", short_text(row.get("DeviceName")) or ""
	return Delivered(serial, name, _read(row, serial, name))


def _read(row: Mapping[str, object], serial: str, name: str) -> Record | Unreadable:
	raw, code, moment = _raw(row), _code(row), wall_time(row.get("LogDate"))
	if moment is None:
		return Unreadable(raw, "The time of the row cannot be read.")
	if not code:
		return Unreadable(raw, "The row has no employee code.")
	kind = Kind.JUNK if is_junk(code, moment) else Kind.PUNCH
	verify_mode = short_text(row.get("VerificationType")) or ""
	return Record(code, moment, _direction(row), raw, serial, name, "", None, verify_mode, kind)


def _code(row: Mapping[str, object]) -> str:
	"""An operation record in its place may be long: its beginning tells what it is."""
	value = row.get("EmployeeCode")
	return value.strip()[:LONGEST_VALUE] if isinstance(value, str) else short_text(value) or ""


def _direction(row: Mapping[str, object]) -> Direction:
	word = row.get("Direction")
	return (direction_of(word[:20]) if isinstance(word, str) else None) or Direction.NONE


def _raw(row: Mapping[str, object]) -> str:
	kept = {name: row[name] for name in KEPT if isinstance(row.get(name), (str, int))}
	short = {name: value[:LONGEST_VALUE] if isinstance(value, str) else value for name, value in kept.items()}
	return json.dumps(short, ensure_ascii=False)
