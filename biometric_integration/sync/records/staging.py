"""Biometric Staging Event: punches as they came, each exactly once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime, timedelta

import frappe
from frappe.utils import now_datetime

from biometric_integration.core.batches import batches
from biometric_integration.core.decide import Decision
from biometric_integration.core.directory import WaitingEvent
from biometric_integration.core.punch import Direction, Kind, Punch, name_from, name_stamp
from biometric_integration.core.reasons import EventStatus, Reason, at_staging
from biometric_integration.core.runs import FIRST_SEEN, Channel, RunCounts
from biometric_integration.core.store import Claim
from biometric_integration.core.stream import Stream
from biometric_integration.core.typed import code
from biometric_integration.core.window import Window
from biometric_integration.sync.db import sql
from biometric_integration.sync.records import device_hours, sight, words

DOCTYPE = "Biometric Staging Event"
FIELDS = (
	"name",
	"creation",
	"modified",
	"owner",
	"modified_by",
	"kind",
	"status",
	"reason_code",
	"reason_values",
	"device",
	"device_user_id",
	"source_time",
	"punch_time",
	"direction",
	"verify_mode",
	"log_id",
	"feed",
	"server",
	"unit",
	"raw_payload",
	"sync_log",
	"resolved_at",
)
DECIDED_FIELDS = (
	"status",
	"reason_code",
	"reason_values",
	"employee",
	"log_type",
	"resolved_time",
	"employee_checkin",
	"attempts",
	"resolved_at",
	"modified",
)
WAITING_FIELDS = (
	"name",
	"device",
	"device_user_id",
	"source_time",
	"punch_time",
	"direction",
	"sync_log",
	"released_by",
	"server",
	"creation",
)
DIRECTIONS = {direction.value: direction for direction in Direction}
REOPENED = {"status": EventStatus.PENDING.value, "reason_code": "", "reason_values": ""}
SEEN_AT_ONCE = 500
"""Times that are looked for in one statement."""
UNDECIDED = {
	**REOPENED,
	"employee": None,
	"log_type": "",
	"employee_checkin": None,
	"attempts": 0,
	"resolved_at": None,
}
"""Reopened as if nothing had been decided before."""


def as_typed(user_id: str | None) -> str:
	"""An id as the person meant it who typed it: without blanks around it and signs that nobody sees. One that punches carry to the letter is as it is."""
	stripped, meant = (user_id or "").strip(), code(user_id)
	is_odd = stripped != meant and stripped
	return stripped if is_odd and frappe.db.exists(DOCTYPE, {"device_user_id": stripped}) else meant


def stage(claim: Claim, punches: Sequence[Punch]) -> RunCounts:
	"""Insert what is not known yet. One statement per kind, since only the number of new rows comes back, not which.

	Of which devices the new punches came is noted with them.
	"""
	counts = RunCounts(fetched=len(punches))
	now = now_datetime()
	for kind, field in FIRST_SEEN.items():
		rows = [_row(claim, punch, now) for punch in punches if punch.kind is kind]
		setattr(counts, field, sql.insert_new(DOCTYPE, FIELDS, sorted(rows)))
	counts.known = counts.fetched - counts.new - counts.junk - counts.invalid
	if counts.new:
		device_hours.note(_new(claim, punches, counts.new, now), now)
	return counts


def stage_received(received: Sequence[tuple[Claim, Punch]]) -> set[str]:
	"""Insert what is not known yet, each under a claim of its own; returns the names of what was not known, of whichever kind.

	A fixed number of statements for however many devices. Of which devices the new punches came is noted with them.
	"""
	now, names = now_datetime(), {punch.name for _claim, punch in received}
	rows = [_row(claim, punch, now) for claim, punch in received]
	inserted = sql.insert_new(DOCTYPE, FIELDS, sorted(rows, key=lambda row: row[0]))
	if inserted == len(names):
		new = names
	else:
		logs = {claim.log for claim, _punch in received}
		new = _inserted(names, logs, now) if inserted else set()
	came = {punch.name: punch for _claim, punch in received if punch.kind is Kind.PUNCH}
	device_hours.note([punch for name, punch in came.items() if name in new], now)
	return new


def take_over(claims: Mapping[str, Claim]) -> Counter[tuple[str, str, str]]:
	"""What a file brought and another channel, which met it again, answers for from now on; in the transaction in which it was met.

	claims: by the names of what was met. Returns (log of the file, log of the claim, kind) → how many. *Undo* of the file leaves these: who
	has been told that they are here does not send them again.
	"""
	later = {name: claim for name, claim in claims.items() if claim.stream.feed != Channel.FILE.value}
	moved: Counter[tuple[str, str, str]] = Counter()
	if not later or not frappe.db.exists(sight.FILE_IMPORT, {"sync_logs": ("is", "set")}):
		return moved
	rows = frappe.db.sql(
		f"SELECT `name`, `sync_log`, `kind` FROM `tab{DOCTYPE}` WHERE `name` IN %s AND `feed`=%s FOR UPDATE",
		(sorted(later), Channel.FILE.value),
	)  # for a thousand names the query builder takes ten times as long
	owners = [(name, later[name].stream.feed, later[name].log) for name, _log, _kind in rows]
	sql.update_many(DOCTYPE, ("feed", "sync_log"), sorted(owners))
	for name, log, kind in rows:
		moved[log or "", later[name].log, kind] += 1
	return moved


def _inserted(names: Set[str], logs: Set[str], now: datetime) -> set[str]:
	rows = frappe.db.sql(
		f"SELECT `name` FROM `tab{DOCTYPE}` WHERE `name` IN %s AND `modified`=%s AND `sync_log` IN %s",
		(sorted(names), now, sorted(logs)),
	)  # for a thousand names the query builder takes ten times as long
	return {name for (name,) in rows}


def _new(claim: Claim, punches: Sequence[Punch], count: int, now: datetime) -> Sequence[Punch]:
	"""Those that were inserted just now. Most often that is none or all, and needs no question."""
	punches = [punch for punch in punches if punch.kind is Kind.PUNCH]
	if count == len(punches):
		return punches
	by_name = {punch.name: punch for punch in punches}
	few = 2 * count <= len(by_name)  # whichever are fewer are asked for
	rows = frappe.db.sql(
		f"""SELECT `name` FROM `tab{DOCTYPE}` WHERE `name` IN %s
		AND {"" if few else "NOT"} (`modified`<=>%s AND `sync_log`<=>%s)""",
		(list(by_name), now, claim.log),
	)  # for a thousand names the query builder takes ten times as long
	found = {name for (name,) in rows}
	return [punch for name, punch in by_name.items() if (name in found) is few]


def _row(claim: Claim, punch: Punch, now: datetime) -> tuple:
	status, reason, values = at_staging(punch)
	user = frappe.session.user
	return (
		punch.name,
		punch.arrived or now,
		now,
		user,
		user,
		punch.kind.value,
		status.value,
		reason.value,
		words.stored(values),
		punch.device,
		punch.user_id,
		punch.source_time,
		punch.punch_time,
		punch.direction.value,
		punch.verify_mode,
		"" if punch.log_id is None else str(punch.log_id),
		claim.stream.feed,
		claim.stream.server,
		claim.stream.unit,
		punch.raw,
		claim.log,
		None if status is EventStatus.PENDING else now,
	)


def staged(stream: Stream, window: Window) -> int:
	found = frappe.db.sql(
		f"""SELECT COUNT(DISTINCT `device_user_id`, `source_time`) FROM `tab{DOCTYPE}`
		WHERE `server`=%s AND `unit`=%s AND `source_time`>=%s AND `source_time`<%s""",
		(stream.server, stream.unit, window.start, window.end),
	)  # the query builder has no COUNT(DISTINCT a, b)
	return found[0][0]


def seen(punches: Set[tuple[str, datetime]]) -> int:
	"""By the names, which begin with the source time: one short range of the primary key each."""
	moments = sorted({moment for _user_id, moment in punches})
	found: set[tuple[str, datetime]] = set()
	for some in batches(moments, SEEN_AT_ONCE):
		ranges = " OR ".join(["`name` LIKE %s"] * len(some))
		rows = frappe.db.sql(
			f"SELECT `device_user_id`, `source_time` FROM `tab{DOCTYPE}` WHERE {ranges}",
			[f"{name_stamp(moment)}-%" for moment in some],
		)
		found.update(rows)
	return len(punches & found)


def newest_before(stream: Stream, moment: datetime) -> datetime | None:
	filters = {"server": stream.server, "unit": stream.unit, "source_time": ("<", moment)}
	return frappe.db.get_value(DOCTYPE, filters, "source_time", order_by="source_time desc")


def next_used(device: str, moment: datetime) -> datetime | None:
	"""The first source time at or after `moment` of a punch that shows the device in use: one that is decided, and was never quarantined.

	By the index of the device, which ends in the name: that begins with the source time.
	"""
	event = frappe.qb.DocType(DOCTYPE)
	undecided = (EventStatus.PENDING.value, EventStatus.QUARANTINED.value)
	by_its_clock = event.released_by.isnull() | (event.released_by == "")
	query = (
		frappe.qb.from_(event)
		.select(event.source_time)
		.where((event.device == device) & (event.name >= name_from(moment)))
		.where((event.kind == Kind.PUNCH.value) & event.status.notin(undecided) & by_its_clock)
		.orderby(event.name)
		.limit(1)
	)
	return next(iter(query.run(pluck=True)), None)


def waiting(after: str, limit: int) -> list[WaitingEvent]:
	event = frappe.qb.DocType(DOCTYPE)
	query = (
		frappe.qb.from_(event)
		.select(*(event[field] for field in WAITING_FIELDS))
		.where((event.status == EventStatus.PENDING.value) & (event.reason_code == "") & (event.name > after))
		.orderby(event.name)
		.limit(limit)
	)
	return [
		WaitingEvent(
			name,
			device or "",
			user_id,
			source_time,
			punch_time,
			DIRECTIONS[direction or ""],
			sync_log or "",
			bool(released_by),
			server or "",
			arrived,
		)
		for name, device, user_id, source_time, punch_time, direction, sync_log, released_by, server, arrived in query.run()
	]


def next_in_line() -> datetime | None:
	"""Since when the event has waited that the process lane takes first; None where none waits for it."""
	filters = {"status": EventStatus.PENDING.value, "reason_code": ""}
	return frappe.db.get_value(DOCTYPE, filters, "modified", order_by="name asc")


def mark_decided(decisions: Sequence[Decision], now: datetime) -> None:
	"""Write what was decided. `attempts` counts refusals: it starts again as soon as something else is decided."""
	attempts, modified = _attempts(decisions), now_datetime()
	rows = [
		(
			decision.event.name,
			decision.status.value,
			decision.reason.value,
			words.stored(decision.values) if decision.reason is not Reason.NONE else "",
			decision.employee,
			decision.log_type,
			decision.time,
			decision.record,
			attempts.get(decision.event.name, -1) + 1,
			now,
			modified,
		)
		for decision in decisions
	]
	sql.update_many(DOCTYPE, DECIDED_FIELDS, sorted(rows))


def mark_created(names: Sequence[str], now: datetime) -> int:
	"""The same for events whose check-in has been created: what is to be said about them stands there. Returns how many have one."""
	if not names:
		return 0
	frappe.db.sql(
		f"""UPDATE `tab{DOCTYPE}` e JOIN `tabEmployee Checkin` c ON c.`biometric_event`=e.`name`
		SET e.`status`=%(status)s, e.`reason_code`='', e.`reason_values`='', e.`attempts`=0, e.`employee`=c.`employee`,
			e.`log_type`=c.`log_type`, e.`resolved_time`=c.`time`, e.`employee_checkin`=c.`name`,
			e.`resolved_at`=%(now)s, e.`modified`=%(modified)s
		WHERE e.`name` IN %(names)s""",
		{
			"status": EventStatus.PROCESSED.value,
			"now": now,
			"modified": now_datetime(),
			"names": tuple(names),
		},
	)  # the query builder does not say whose column is set
	return frappe.db._cursor.rowcount


def _attempts(decisions: Iterable[Decision]) -> dict[str, int]:
	refused = [decision.event.name for decision in decisions if decision.reason is Reason.HRMS_REFUSED]
	if not refused:
		return {}
	rows = frappe.get_all(DOCTYPE, {"name": ("in", refused)}, ["name", "attempts"], as_list=True)
	return {name: attempts or 0 for name, attempts in rows}


def reopen(names: Sequence[str], answered: bool = False) -> int:
	"""Set these events back to Pending, but for those that are Processed by now; returns how many.

	Those of which a person has to say since when the id is somebody's stay, until that is `answered`.
	"""
	if not names:
		return 0
	condition, values = "`name` IN %s AND `status`!=%s", [tuple(names), EventStatus.PROCESSED.value]
	if not answered:
		condition, values = f"{condition} AND `reason_code`!=%s", [*values, Reason.SINCE_WHEN.value]
	return _changed(REOPENED, condition, *values)


def leave(
	names: Sequence[str], reason: Reason, reason_values: Mapping[str, str], employee: str | None
) -> None:
	"""Let these Unmapped events wait for another reason."""
	values = {
		"reason_code": reason.value,
		"reason_values": words.stored(reason_values),
		"employee": employee,
	}
	_changed(values, "`name` IN %s AND `status`=%s", tuple(names), EventStatus.UNMAPPED.value)


def release(name: str, values: dict) -> bool:
	"""Set a quarantined event, or one that was released before and is not Processed, back to Pending with `values`; False where it is neither."""
	condition = "`name`=%s AND (`status`=%s OR (`status`!=%s AND `released_by`!=''))"
	states = (EventStatus.QUARANTINED.value, EventStatus.PROCESSED.value)
	return bool(_changed({**REOPENED, **values}, condition, name, *states))


def release_earlier(names: Sequence[str], by: timedelta, user: str, now: datetime) -> int:
	"""Set these back to Pending, each with a time so much earlier, as far as they still are what came with a time in the future; returns how many."""
	frappe.db.sql(
		f"""UPDATE `tab{DOCTYPE}` SET `punch_time`=`punch_time` - INTERVAL %(by)s SECOND, `status`=%(pending)s, `reason_code`='',
			`reason_values`='', `released_by`=%(user)s, `released_at`=%(now)s, `modified`=%(now)s
		WHERE `name` IN %(names)s AND `status`=%(quarantined)s AND `reason_code`=%(future)s""",
		{
			"by": int(by.total_seconds()),
			"pending": EventStatus.PENDING.value,
			"quarantined": EventStatus.QUARANTINED.value,
			"future": Reason.FUTURE.value,
			"user": user,
			"now": now,
			"names": tuple(names),
		},
	)  # each from its own time, which the query builder cannot say for an interval in a parameter
	return frappe.db._cursor.rowcount


def derive_again(names: Sequence[str], shift: timedelta) -> int:
	"""Give these the time that lies so far from their source time, but for those that a person has released; returns how many."""
	frappe.db.sql(
		f"""UPDATE `tab{DOCTYPE}` SET `punch_time`=`source_time` + INTERVAL %(shift)s SECOND, `modified`=%(now)s
		WHERE `name` IN %(names)s AND IFNULL(`released_by`, '')='' AND `status`!=%(processed)s""",
		{
			"shift": int(shift.total_seconds()),
			"now": now_datetime(),
			"names": tuple(names),
			"processed": EventStatus.PROCESSED.value,
		},
	)
	return frappe.db._cursor.rowcount


def _changed(values: dict, condition: str, *parameters: object) -> int:
	"""One statement that looks and writes, and says how many rows; the query builder does not. `modified` always changes, so that each row counts."""
	values = {"modified": now_datetime(), **values}
	assignments = ", ".join(f"`{field}`=%s" for field in values)
	frappe.db.sql(
		f"UPDATE `tab{DOCTYPE}` SET {assignments} WHERE {condition}", (*values.values(), *parameters)
	)
	return frappe.db._cursor.rowcount
