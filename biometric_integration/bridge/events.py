"""Staged punches in SQLite: each exactly once."""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import datetime

from biometric_integration.bridge.database import Database, storable, to_text, to_time
from biometric_integration.core.backoff import REFUSAL_PAUSE, REFUSALS
from biometric_integration.core.decide import Decision
from biometric_integration.core.directory import WaitingEvent
from biometric_integration.core.punch import Direction, Kind, Punch
from biometric_integration.core.reasons import EventStatus, Reason, at_staging
from biometric_integration.core.runs import RunCounts
from biometric_integration.core.store import Claim
from biometric_integration.core.stream import Stream
from biometric_integration.core.window import Window

FIELDS = (
	"name",
	"kind",
	"status",
	"reason_code",
	"reason",
	"device",
	"user_id",
	"source_time",
	"punch_time",
	"direction",
	"verify_mode",
	"log_id",
	"channel",
	"server",
	"unit",
	"raw",
	"log",
	"staged_at",
	"resolved_at",
)
INSERT = (
	f"INSERT INTO event ({','.join(FIELDS)}) VALUES ({','.join('?' * len(FIELDS))}) ON CONFLICT DO NOTHING"
)
COUNTED = ((Kind.PUNCH, "new"), (Kind.JUNK, "junk"), (Kind.INVALID, "invalid"))
REOPENED = "UPDATE event SET status='Pending', reason_code='', reason=''"


def stage(database: Database, claim: Claim, punches: Sequence[Punch], now: datetime) -> RunCounts:
	"""Insert what is not known yet: one statement per kind, since only the number of new rows comes back, not which."""
	counts = RunCounts(fetched=len(punches))
	for kind, field in COUNTED:
		rows = [_row(claim, punch, now) for punch in punches if punch.kind is kind]
		setattr(
			counts, field, database.write_many(INSERT, sorted(rows, key=lambda row: row[0])) if rows else 0
		)
	counts.known = counts.fetched - counts.new - counts.junk - counts.invalid
	return counts


def _row(claim: Claim, punch: Punch, now: datetime) -> tuple:
	status, reason, pattern = at_staging(punch)
	return (
		punch.name,
		punch.kind.value,
		status.value,
		reason.value,
		storable(pattern.format(problem=punch.problem)),
		punch.device,
		storable(punch.user_id),
		to_text(punch.source_time),
		to_text(punch.punch_time),
		punch.direction.value,
		storable(punch.verify_mode),
		None if punch.log_id is None else str(punch.log_id),
		claim.stream.feed,
		claim.stream.server,
		claim.stream.unit,
		storable(punch.raw),
		int(claim.log),
		to_text(now),
		None if status is EventStatus.PENDING else to_text(now),
	)


def staged(database: Database, stream: Stream, window: Window) -> int:
	"""How many different (user id, source time) are kept of this server and unit in the window."""
	return database.value(
		"""SELECT COUNT(*) FROM (
			SELECT DISTINCT user_id, source_time FROM event WHERE server=? AND unit=? AND source_time>=? AND source_time<?
		)""",
		(stream.server, stream.unit, to_text(window.start), to_text(window.end)),
	)


def seen(database: Database, stream: Stream, punches: Set[tuple[str, datetime]]) -> int:
	"""How many of these (user id, source time) are kept of this server and unit."""
	wanted = {(storable(user_id), to_text(moment)) for user_id, moment in punches}
	query = "SELECT user_id, source_time FROM event WHERE server=? AND unit=? AND source_time IN ({marks})"
	rows = database.rows_in(query, sorted({moment for _, moment in wanted}), stream.server, stream.unit)
	return len(wanted & {(row["user_id"], row["source_time"]) for row in rows})


def newest_before(database: Database, stream: Stream, moment: datetime) -> datetime | None:
	"""The newest source time before `moment` that is kept of this server and unit."""
	query = "SELECT MAX(source_time) FROM event WHERE server=? AND unit=? AND source_time<?"
	return to_time(database.value(query, (stream.server, stream.unit, to_text(moment))))


def waiting(database: Database, after: str, limit: int) -> list[WaitingEvent]:
	rows = database.rows(
		"""SELECT name, device, user_id, source_time, punch_time, direction, log FROM event
		WHERE status='Pending' AND reason_code='' AND name>? ORDER BY name LIMIT ?""",
		(after, limit),
	)
	return [
		WaitingEvent(
			row["name"],
			row["device"],
			row["user_id"],
			to_time(row["source_time"]),
			to_time(row["punch_time"]),
			Direction(row["direction"]),
			str(row["log"]),
		)
		for row in rows
	]


def mark_decided(database: Database, decisions: Sequence[Decision], now: datetime, revision: int) -> None:
	"""Write what was decided on the employee list as of `revision`. `attempts` counts refusals in a row."""
	rows = [
		(
			decision.status.value,
			decision.reason.value,
			storable(decision.sentence()),
			decision.employee,
			decision.log_type,
			int(decision.record) if decision.record else None,
			decision.reason is Reason.HRMS_REFUSED,
			to_text(now),
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
	refused = (Reason.HRMS_REFUSED.value, REFUSALS, to_text(now - REFUSAL_PAUSE))
	return sum(
		database.write(f"{REOPENED} WHERE {condition}", parameters).rowcount
		for condition, parameters in (
			(EMPLOYEE_CHANGED, ()),
			(DEVICE_ENABLED, (Reason.DEVICE_OFF.value,)),
			(DEVICE_COUNTS, (Reason.NOT_FOR_ATTENDANCE.value,)),
			(REFUSED_YESTERDAY, refused),
		)
	)


EMPLOYEE_CHANGED = """status='Unmapped' AND EXISTS (
	SELECT 1 FROM user_id_change c WHERE c.user_id = event.user_id AND c.revision > event.revision
)"""
SWITCHED_ON = """device IN (
	SELECT d.key FROM device d LEFT JOIN device o ON o.key = d.same_as WHERE COALESCE(o.{switch}, d.{switch})
)"""
DEVICE_ENABLED = "status='Pending' AND reason_code=? AND " + SWITCHED_ON.format(switch="enabled")
DEVICE_COUNTS = "status='Ignored' AND reason_code=? AND " + SWITCHED_ON.format(switch="counts_for_attendance")
REFUSED_YESTERDAY = "status='Failed' AND reason_code=? AND attempts<? AND resolved_at<?"
