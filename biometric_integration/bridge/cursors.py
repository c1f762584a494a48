"""Cursors in SQLite: how far each stream has been read, and which run may move it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime
from typing import Any

from biometric_integration.bridge.database import Database, to_time
from biometric_integration.core.store import Fenced
from biometric_integration.core.stream import Cursor, Stream
from biometric_integration.core.stream import oldest_first as stream_order

FIELDS = ("position", "read_from", "read_until", "complete_until", "delivered", "scans")


def read(database: Database, stream: Stream) -> Cursor:
	rows = database.rows(f"SELECT {', '.join(FIELDS)} FROM cursor WHERE stream=?", (stream.key,))
	if not rows:
		return Cursor()
	row = rows[0]
	return Cursor(
		position=int(row["position"]) if row["position"] else None,
		read_from=to_time(row["read_from"]),
		read_until=to_time(row["read_until"]),
		complete_until=to_time(row["complete_until"]),
		delivered=bool(row["delivered"]),
		scans={name: datetime.fromisoformat(moment) for name, moment in json.loads(row["scans"]).items()},
	)


def oldest_first(database: Database, server: str, units: Sequence[str], now: datetime) -> list[str]:
	rows = database.rows("SELECT unit, MAX(last_run) FROM cursor WHERE server=? GROUP BY unit", (server,))
	last_runs = {unit: moment for unit, last_run in map(tuple, rows) if (moment := to_time(last_run))}
	return stream_order(units, last_runs, now)


def holder(database: Database, stream: Stream) -> str:
	"""The log of the run that holds, or last held, the stream."""
	return str(database.value("SELECT run FROM cursor WHERE stream=?", (stream.key,)) or "")


def take(database: Database, stream: Stream, run: str, now: datetime) -> None:
	"""From now on only `run` may move this cursor."""
	database.write(
		"INSERT INTO cursor (stream, server, server_type, unit, feed) VALUES (?,?,?,?,?) ON CONFLICT DO NOTHING",
		(stream.key, *astuple(stream)),
	)
	database.write("UPDATE cursor SET run=?, last_run=? WHERE stream=?", (int(run), now, stream.key))


def move(database: Database, stream: Stream, run: str, cursor: Cursor | None) -> None:
	"""Write the cursor, or only make sure that it is still ours; raises Fenced where it is not."""
	values = _values(cursor) if cursor else {"run": int(run)}
	assigned = ", ".join(f"{field}=?" for field in values)
	changed = database.write(
		f"UPDATE cursor SET {assigned} WHERE stream=? AND run=?", (*values.values(), stream.key, int(run))
	)
	if not changed.rowcount:
		raise Fenced()


def _values(cursor: Cursor) -> dict[str, Any]:
	scans = {name: moment.isoformat() for name, moment in cursor.scans.items()}
	return {
		"position": None if cursor.position is None else str(cursor.position),
		"read_from": cursor.read_from,
		"read_until": cursor.read_until,
		"complete_until": cursor.complete_until,
		"delivered": int(cursor.delivered),
		"scans": json.dumps(scans, sort_keys=True),
	}
