"""Batches of punches in our own form: `{"punches": [{"serial", "user_id", "time", "direction"?, "verify_mode"?, "raw"?}, …]}` (docs/ingest-api.md)."""

from __future__ import annotations

from collections.abc import Mapping

from biometric_integration.core.punch import Direction, Record, Unreadable, direction_of
from biometric_integration.receivers.texts import Refusal, decoded, short_text, wall_time

MOST_ROWS = 1000
MOST_BYTES = 1024 * 1024
LONGEST_RAW = 2000


def read(body: bytes) -> list[Record | Unreadable]:
	"""One row for each punch of a batch, in order; one that cannot be taken is Unreadable, and says why. Raises Refusal for a batch that is none."""
	if len(body) > MOST_BYTES:
		raise Refusal(413, f"The body is larger than {MOST_BYTES} bytes. Send less at once.")
	batch = decoded(body)
	rows = batch.get("punches") if isinstance(batch, dict) else None
	if not isinstance(rows, list):
		raise Refusal(400, 'The body has to be {"punches": [...]}.')
	if len(rows) > MOST_ROWS:
		raise Refusal(413, f"The batch has more than {MOST_ROWS} punches. Send less at once.")
	return [read_row(row) for row in rows]


def read_row(row: object) -> Record | Unreadable:
	"""Whatever else a row holds is dropped. `raw`: what the device said, where the sender has it."""
	if not isinstance(row, dict):
		return Unreadable("", "The punch is not an object.")
	serial, user_id = short_text(row.get("serial")), short_text(row.get("user_id"))
	if not serial:
		return _without("serial", "the serial number of the device")
	if not user_id:
		return _without("user_id", "the id of the person on the device")
	moment = wall_time(row.get("time"), any_year=True)
	if moment is None:
		return Unreadable("", "time has to be YYYY-MM-DD HH:MM:SS, the wall clock of the device.")
	direction = _direction(row)
	if direction is None:
		return Unreadable("", "direction has to be IN, OUT or nothing.")
	verify_mode = short_text(row.get("verify_mode") or "")
	if verify_mode is None:
		return Unreadable("", "verify_mode has to be a short text.")
	raw = row.get("raw")
	if raw is not None and not (isinstance(raw, str) and len(raw) <= LONGEST_RAW):
		return Unreadable("", f"raw has to be a text of at most {LONGEST_RAW} characters.")
	raw = raw or "\t".join((user_id, f"{moment}", direction.value, verify_mode))
	return Record(user_id, moment, direction, raw, serial, verify_mode=verify_mode)


def _without(field: str, what: str) -> Unreadable:
	return Unreadable("", f"{field} has to be {what}, a text of 1 to 140 characters.")


def _direction(row: Mapping[str, object]) -> Direction | None:
	word = row.get("direction")
	if word is None:
		return Direction.NONE
	return direction_of(word) if isinstance(word, str) and len(word) <= 20 else None
