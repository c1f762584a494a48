"""Biometric Sync Cursor: how far each stream has been read, and which run may move it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

import frappe
from frappe.utils import now_datetime

from biometric_integration.core.backoff import wait
from biometric_integration.core.errors import SyncError
from biometric_integration.core.runs import RunStatus
from biometric_integration.core.store import Fenced
from biometric_integration.core.stream import Cursor, Stream
from biometric_integration.core.stream import oldest_first as stream_order
from biometric_integration.sync.db import sql

DOCTYPE = "Biometric Sync Cursor"
FIELDS = ("position", "read_from", "read_until", "complete_until", "delivered", "scans")
FIRST_WRITTEN = (
	"name",
	"creation",
	"owner",
	"modified_by",
	"server",
	"server_type",
	"unit",
	"feed",
	"position",
)
"""Of one that is there already these stay."""


def read(stream: Stream) -> Cursor:
	row = frappe.db.get_value(DOCTYPE, stream.key, FIELDS, as_dict=True)
	return _cursor(row) if row else Cursor()


def of_server(server: str) -> dict[str, Cursor]:
	"""Stream key → cursor, for all streams of a server that have been read before."""
	rows = frappe.get_all(DOCTYPE, {"server": server}, ["name", *FIELDS], limit=0)
	return {row.name: _cursor(row) for row in rows}


def _cursor(row) -> Cursor:
	scans = {name: datetime.fromisoformat(moment) for name, moment in json.loads(row.scans or "{}").items()}
	return Cursor(
		position=int(row.position) if row.position else None,
		read_from=row.read_from,
		read_until=row.read_until,
		complete_until=row.complete_until,
		delivered=bool(row.delivered),
		scans=scans,
	)


def oldest_first(server: str, units: Sequence[str]) -> list[str]:
	rows = frappe.get_all(DOCTYPE, {"server": server}, ["unit", "last_run"], order_by="last_run asc", limit=0)
	last_runs = {row.unit or "": row.last_run for row in rows if row.last_run}
	return stream_order(units, last_runs, now_datetime())


def heard_until(server: str) -> datetime | None:
	"""Until when the server was read, by whichever of its streams was read furthest (its own clock)."""
	return frappe.db.get_value(DOCTYPE, {"server": server}, "read_until", order_by="read_until desc")


def holder(stream: Stream) -> str:
	"""The log of the run that holds, or last held, the stream."""
	return frappe.db.get_value(DOCTYPE, stream.key, "run") or ""


def lock(stream: Stream) -> tuple[Cursor, bool]:
	"""The cursor as it was last committed, and whether a run of the stream may never have ended; nobody else moves it before the commit.

	Only the cursor is locked: the log of its last run may have been cleared, and a lock on what is not there stops others from opening theirs.
	"""
	columns = ", ".join(f"c.`{field}`" for field in FIELDS)
	rows = frappe.db.sql(
		f"""SELECT {columns}, (SELECT log.`status` FROM `tabBiometric Sync Log` log WHERE log.`name`=c.`run`) AS run_status
		FROM `tab{DOCTYPE}` c WHERE c.`name`=%s FOR UPDATE""",
		stream.key,
		as_dict=True,
	)  # the query builder has no words for the lock on both versions
	if not rows:
		return Cursor(), True
	return _cursor(rows[0]), rows[0].run_status in (None, RunStatus.RUNNING.value)


def take(stream: Stream, run: str) -> None:
	"""From now on only `run` may move this cursor. Where there is none yet, it is made."""
	row = _row(stream, run)
	sql.upsert(DOCTYPE, tuple(row), [tuple(row.values())], ("run", "last_run"))


def keep_reported(found: Mapping[Stream, Cursor], reporter: str) -> None:
	"""What somebody else has read; a run of ours that holds one of these streams may not move it any more. A position stays as it was: ids mean something to their reader only."""
	rows = [
		{**_row(stream, reporter), "failures": 0, "next_attempt": None, **_values(cursor)}
		for stream, cursor in found.items()
	]
	if rows:
		changing = [field for field in rows[0] if field not in FIRST_WRITTEN]
		sql.upsert(DOCTYPE, tuple(rows[0]), [tuple(row.values()) for row in rows], changing)


def _row(stream: Stream, run: str) -> dict:
	now, user = now_datetime(), frappe.session.user
	return {
		"name": stream.key,
		"creation": now,
		"modified": now,
		"owner": user,
		"modified_by": user,
		"server": stream.server,
		"server_type": stream.server_type,
		"unit": stream.unit,
		"feed": stream.feed,
		"run": run,
		"last_run": now,
	}


def forget_completeness(server: str) -> None:
	"""Nothing of a server is known to be in, until it is said again."""
	frappe.db.set_value(DOCTYPE, {"server": server}, "complete_until", None, update_modified=False)


def move(stream: Stream, run: str, cursor: Cursor | None) -> None:
	"""Write the cursor, or only make sure that it is still ours; raises Fenced where it is not."""
	if not _written(stream, run, _values(cursor) if cursor else {}):
		raise Fenced()


def end(stream: Stream, run: str, error: SyncError | None, cursor: Cursor | None) -> None:
	"""Write the cursor where it has moved, and how long the scheduler leaves a stream alone that fails by itself.

	What concerns the server is noted there. Raises Fenced where a cursor is given that is not ours any more.
	"""
	own = error if error and not error.server_wide else None
	failures = (frappe.db.get_value(DOCTYPE, stream.key, "failures") or 0) + 1 if own else 0
	next_attempt = now_datetime() + wait(own.error_class, failures) if own else None
	values = {"failures": failures, "next_attempt": next_attempt, **(_values(cursor) if cursor else {})}
	if not _written(stream, run, values) and cursor:
		raise Fenced()


def _written(stream: Stream, run: str, values: dict) -> bool:
	"""Write these fields where the stream is still ours. `modified` changes each time, so that the affected rows tell."""
	values = {"modified": now_datetime(), **values}
	assignments = ", ".join(f"`{field}`=%s" for field in values)
	# one statement that checks and writes: the query builder does not give the number of affected rows
	frappe.db.sql(
		f"UPDATE `tab{DOCTYPE}` SET {assignments} WHERE `name`=%s AND `run`=%s",
		[*values.values(), stream.key, run],
	)
	return bool(frappe.db._cursor.rowcount)


def _values(cursor: Cursor) -> dict:
	scans = {name: moment.isoformat() for name, moment in cursor.scans.items()}
	return {
		"position": "" if cursor.position is None else str(cursor.position),
		"read_from": cursor.read_from,
		"read_until": cursor.read_until,
		"complete_until": cursor.complete_until,
		"delivered": int(cursor.delivered),
		"scans": json.dumps(scans, sort_keys=True),
	}
