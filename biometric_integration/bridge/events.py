"""Staged punches in SQLite: each exactly once."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import asdict
from datetime import datetime
from functools import partial
from operator import attrgetter
from sqlite3 import Row
from typing import Any

from biometric_integration.bridge.database import Database, to_text, to_time
from biometric_integration.core.backoff import REFUSAL_PAUSE, REFUSALS
from biometric_integration.core.decide import Decision
from biometric_integration.core.directory import WaitingEvent
from biometric_integration.core.first_use import believed_from
from biometric_integration.core.punch import Direction, Kind, Punch, name_from, name_stamp
from biometric_integration.core.reasons import Reason, at_staging, pattern
from biometric_integration.core.runs import RunCounts
from biometric_integration.core.store import Claim
from biometric_integration.core.stream import Stream
from biometric_integration.core.text import storable
from biometric_integration.core.window import Window

INSERT = """INSERT INTO event (name, kind, status, reason_code, reason, device, user_id, source_time, punch_time, direction,
	verify_mode, log_id, feed, server, unit, raw, log, staged_at, resolved_at)
	VALUES (:name, :kind, :status, :reason_code, :reason, :device, :user_id, :source_time, :punch_time, :direction,
	:verify_mode, :log_id, :feed, :server, :unit, :raw, :log, COALESCE(:arrived, :now),
	CASE :status WHEN 'Pending' THEN NULL ELSE :now END) ON CONFLICT DO NOTHING"""
COUNTED = {"new": Kind.PUNCH, "junk": Kind.JUNK, "invalid": Kind.INVALID}


def stage(database: Database, claim: Claim, punches: Sequence[Punch], now: datetime) -> RunCounts:
	"""Insert what is not known yet: one statement per kind, since only the number of new rows comes back, not which."""
	run = {**asdict(claim.stream), "log": int(claim.log), "now": now}
	ordered = sorted(punches, key=attrgetter("name"))
	inserted = {
		count: database.write_many(INSERT, [_row(punch) | run for punch in ordered if punch.kind is kind])
		for count, kind in COUNTED.items()
	}
	return RunCounts(fetched=len(punches), known=len(punches) - sum(inserted.values()), **inserted)


def _row(punch: Punch) -> dict[str, Any]:
	status, reason, values = at_staging(punch)
	return punch._asdict() | {
		"status": status,
		"reason_code": reason,
		"reason": storable(pattern(reason, values).format(**values)),
		"user_id": storable(punch.user_id),
		"verify_mode": storable(punch.verify_mode),
		"raw": storable(punch.raw),
		"log_id": None if punch.log_id is None else str(punch.log_id),
	}


def staged(database: Database, stream: Stream, window: Window) -> int:
	"""How many different (user id, source time) are kept of this server and unit in the window."""
	query = """SELECT COUNT(*) FROM (
		SELECT DISTINCT user_id, source_time FROM event WHERE server=? AND unit=? AND source_time>=? AND source_time<?
	)"""
	return int(database.value(query, (stream.server, stream.unit, window.start, window.end)))


def seen(database: Database, punches: Set[tuple[str, datetime]]) -> int:
	"""How many of these (user id, source time) are kept, whichever way they came. By the names, which begin with the source time."""
	wanted = {(storable(user_id), to_text(moment)) for user_id, moment in punches}
	query = "SELECT user_id, source_time FROM event WHERE name>=? AND name<?"
	found: set[tuple[str, str]] = set()
	for stamp in sorted({name_stamp(moment) for _user_id, moment in punches}):
		rows = database.rows(query, (f"{stamp}-", f"{stamp}."))  # the character after the dash
		found.update((row["user_id"], row["source_time"]) for row in rows)
	return len(wanted & found)


def newest_before(database: Database, stream: Stream, moment: datetime) -> datetime | None:
	"""The newest source time before `moment` that is kept of this server and unit."""
	query = "SELECT MAX(source_time) FROM event WHERE server=? AND unit=? AND source_time<?"
	return to_time(database.value(query, (stream.server, stream.unit, moment)))


def next_used(database: Database, device: str, moment: datetime) -> datetime | None:
	"""The first source time at or after `moment` of a punch that shows the device in use: one that is decided, and not quarantined.

	By the index of the device, which ends in the name: that begins with the source time.
	"""
	query = """SELECT source_time FROM event WHERE name>=? AND device=? AND kind='Punch'
		AND status NOT IN ('Pending', 'Quarantined') ORDER BY name LIMIT 1"""
	return to_time(database.value(query, (name_from(moment), device)))


def waiting(database: Database, after: str, limit: int) -> list[WaitingEvent]:
	rows = database.rows(
		"""SELECT name, device, user_id, source_time, punch_time, direction, staged_at AS arrived, CAST(log AS TEXT) AS sync_log FROM event
		WHERE status='Pending' AND reason_code='' AND name>? ORDER BY name LIMIT ?""",
		(after, limit),
	)
	return [_waiting_event(row) for row in rows]


def _waiting_event(row: Row) -> WaitingEvent:
	moments = {name: datetime.fromisoformat(row[name]) for name in ("source_time", "punch_time", "arrived")}
	return WaitingEvent(**{**row, **moments, "direction": Direction(row["direction"])})


def mark_decided(database: Database, decisions: Sequence[Decision], now: datetime, revision: int) -> None:
	"""Write what was decided on the employee list as of `revision`. `attempts` counts refusals in a row."""
	rows = [
		(
			decision.status,
			decision.reason,
			storable(decision.sentence()),
			decision.employee,
			decision.log_type,
			int(decision.record) if decision.record else None,
			decision.reason is Reason.HRMS_REFUSED,
			now,
			revision,
			decision.event.name,
		)
		for decision in decisions
	]
	database.write_many(
		"""UPDATE event SET status=?, reason_code=?, reason=?, employee=?, log_type=?, checkin=?,
		attempts = CASE WHEN ? THEN attempts + 1 ELSE 0 END, resolved_at=?, revision=? WHERE name=?""",
		rows,
	)


def reopen(database: Database, now: datetime) -> int:
	"""Set back to Pending what waits for a reason that is gone: an employee, a device, and once a day a refusal."""
	limits = {"refusals": REFUSALS, "yesterday": now - REFUSAL_PAUSE}
	reopened = "UPDATE event SET status='Pending', reason_code='', reason='' WHERE"
	count = sum(database.write(f"{reopened} {gone}", limits).rowcount for gone in REASONS_GONE)
	doubted = database.rows("SELECT DISTINCT device FROM event WHERE reason_code=?", (Reason.IMPLAUSIBLE,))
	since = {row["device"]: believed_from(partial(next_used, database, row["device"])) for row in doubted}
	believed = [(Reason.IMPLAUSIBLE, device, moment) for device, moment in since.items()]
	return count + database.write_many(f"{reopened} reason_code=? AND device=? AND source_time>=?", believed)


REASONS_GONE = (
	"""status='Unmapped' AND EXISTS (
		SELECT 1 FROM user_id_change c WHERE c.user_id = event.user_id AND c.revision > event.revision
	)""",
	f"""status='Pending' AND reason_code='{Reason.DEVICE_OFF.value}'
	AND device IN (SELECT key FROM device WHERE enabled)""",
	f"""status='Ignored' AND reason_code='{Reason.NOT_FOR_ATTENDANCE.value}'
	AND device IN (SELECT key FROM device WHERE counts_for_attendance)""",
	f"""status='Failed' AND reason_code='{Reason.HRMS_REFUSED.value}'
	AND attempts < :refusals AND resolved_at < :yesterday""",
)
