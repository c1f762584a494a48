"""Biometric Sync Cursor: how far each stream has been read, and which run may move it."""

from __future__ import annotations

import json
from datetime import datetime

import frappe
from frappe.utils import now_datetime

from biometric_integration.core.backoff import wait
from biometric_integration.core.errors import SyncError
from biometric_integration.core.store import Fenced
from biometric_integration.core.stream import Cursor, Stream
from biometric_integration.sync import sql

DOCTYPE = "Biometric Sync Cursor"
FIELDS = ("position", "read_from", "read_until", "complete_until", "delivered", "scans")


def read(stream: Stream) -> Cursor:
	row = frappe.db.get_value(DOCTYPE, stream.key, FIELDS, as_dict=True)
	if not row:
		return Cursor()
	scans = {name: datetime.fromisoformat(moment) for name, moment in json.loads(row.scans or "{}").items()}
	return Cursor(
		position=int(row.position) if row.position else None,
		read_from=row.read_from,
		read_until=row.read_until,
		complete_until=row.complete_until,
		delivered=bool(row.delivered),
		scans=scans,
	)


def holder(stream: Stream) -> str:
	"""The log of the run that holds, or last held, the stream."""
	return frappe.db.get_value(DOCTYPE, stream.key, "run") or ""


def take(stream: Stream, run: str) -> None:
	"""From now on only `run` may move this cursor."""
	now = now_datetime()
	fields = ("name", "creation", "modified", "owner", "modified_by", "server", "server_type", "unit", "feed")
	user = frappe.session.user
	row = (stream.key, now, now, user, user, stream.server, stream.server_type, stream.unit, stream.feed)
	sql.insert_new(DOCTYPE, fields, [row])
	frappe.db.set_value(DOCTYPE, stream.key, {"run": run, "last_run": now}, update_modified=False)


def move(stream: Stream, run: str, cursor: Cursor | None) -> None:
	"""Write the cursor, or only make sure that it is still ours; raises Fenced where it is not.

	`modified` changes each time, so that the number of affected rows tells.
	"""
	values = {"modified": now_datetime(), **(_values(cursor) if cursor else {})}
	assignments = ", ".join(f"`{field}`=%s" for field in values)
	# one statement that checks and writes: the query builder does not give the number of affected rows
	frappe.db.sql(
		f"UPDATE `tab{DOCTYPE}` SET {assignments} WHERE `name`=%s AND `run`=%s",
		[*values.values(), stream.key, run],
	)
	if not frappe.db._cursor.rowcount:
		raise Fenced()


def note_result(stream: Stream, run: str, error: SyncError | None) -> None:
	"""Keep how long the scheduler leaves a stream alone that fails by itself; what concerns the server is noted there."""
	own = error if error and not error.server_wide else None
	failures = (frappe.db.get_value(DOCTYPE, stream.key, "failures") or 0) + 1 if own else 0
	next_attempt = now_datetime() + wait(own.error_class, failures) if own else None
	values = {"failures": failures, "next_attempt": next_attempt}
	frappe.db.set_value(DOCTYPE, {"name": stream.key, "run": run}, values, update_modified=False)


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
