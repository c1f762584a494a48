"""*Re-derive Times*: after the time zone of a server was corrected, the punches that are kept, and their check-ins, get the right times.

Chunk by chunk, each a transaction in the process lane: the check-ins of a chunk go, and its punches are looked at again with the right time.
A job that stops has left nothing half done; whoever starts again finds what is left. Days with an attendance or a pay slip are left alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from statistics import median

import frappe
from frappe import _
from frappe.query_builder import DocType
from frappe.utils import format_duration, get_system_timezone
from frappe.utils.background_jobs import is_job_enqueued

from biometric_integration.core.clock import to_site
from biometric_integration.core.punch import Kind
from biometric_integration.core.reasons import EventStatus, Reason
from biometric_integration.sync import jobs
from biometric_integration.sync.db import locks, transaction
from biometric_integration.sync.desk import correction
from biometric_integration.sync.records import devices, servers, staging, times

CHUNK = 500
LISTED = 50
SAMPLE = 5
LOOKING = 20
"""Seconds that a person waits for a count."""
KEPT = 24 * 3600
PAUSE = 2
"""Seconds between two looks whether the lane is free."""
STAYS = {Reason.DELETED.value, Reason.CANCELLED.value, Reason.EXPIRED.value, Reason.IMPLAUSIBLE.value}
"""What a person decided, or what is not about the time: only the time is put right."""
RUNS, AT_ONCE = 20, 2000
"""Newest runs, and their punches, that tell whether a time zone can be right."""
AHEAD, BEHIND = timedelta(minutes=25), timedelta(minutes=90)
"""Time zones differ by half an hour at least; and the newest punches of a server do not wait for their run longer than that."""
FIELDS = (
	*times.FIELDS,
	"status",
	"reason_code",
	"device",
	"device_user_id",
	"employee",
	"attendance",
	"direction",
)


# --- looking


def preview(server: str) -> dict:
	"""What would be done to the punches of a server."""
	target, end = servers.get(server), time.monotonic() + LOOKING
	answer: dict = {"events": 0, "check_ins": 0, "left": 0, "days_left": [], "sample": [], "complete": True}
	for rows in _chunks(target.id):
		if time.monotonic() > end:
			answer["complete"] = False
			break
		go, left = _judged(rows)
		answer["events"] += len(go)
		answer["check_ins"] += sum(bool(row.checkin) for row, _right in go)
		answer["left"] += len(left)
		answer["days_left"] += [_day_left(row, why) for row, why in left][: LISTED - len(answer["days_left"])]
		answer["sample"] += [_sample(row, right) for row, right in go][: SAMPLE - len(answer["sample"])]
	return {**answer, "server": target.id, "time_zone": target.config.time_zone}


def _sample(row, right: datetime) -> dict:
	who = row.employee or row.device_user_id
	return {"who": who, "source_time": row.source_time, "before": row.punch_time, "after": right}


def _day_left(row, why: str) -> dict:
	return {"employee": row.employee, "date": row.punch_time.date(), "why": why}


def _chunks(server: str, after: str = "") -> Iterator[list]:
	while rows := _rows(server, after):
		yield rows
		after = rows[-1].name


def _rows(server: str, after: str, lock: bool = False) -> list:
	event, checkin = DocType(staging.DOCTYPE), DocType(correction.CHECKIN)
	query = (
		frappe.qb.from_(event)
		.left_join(checkin)
		.on(checkin.biometric_event == event.name)
		.select(
			*(event[field] for field in FIELDS),
			checkin.name.as_("checkin"),
			checkin.time,
			checkin.shift_start,
			checkin.attendance.as_("counted_in"),
		)
		.where((event.server == server) & (event.name > after))
		.orderby(event.name)
		.limit(CHUNK)
	)
	query = times.may_be_derived(query, event)
	return (query.for_update() if lock else query).run(as_dict=True)


def _judged(rows: Sequence) -> tuple[list[tuple], list[tuple]]:
	"""(row, right time) of those that go, and (row, why) of those that are left alone."""
	found = times.differing(rows, times.derive())
	employees = sorted({row.employee for row, _right in found if row.employee})
	attended = _attended([row for row, _right in found])
	marked, paid = _marked(employees, found), _paid(employees, found)
	go, left = [], []
	for row, right in found:
		days = {correction._day(row), (row.employee or "", right.date())} if row.employee else set()
		record = next((attended[day] for day in days if day in attended), "") or marked.get(
			(row.employee or "", right.date()), ""
		)
		slip = next((paid[day] for day in days if day in paid), "")
		if not _is_used(row):
			record = slip = ""
		if slip:
			left.append((row, _("the pay slip {0} is submitted").format(slip)))
		elif record:
			left.append((row, _("the attendance {0} is there").format(record)))
		else:
			go.append((row, right))
	return go, left


def _is_used(row) -> bool:
	"""Has anything been made of it?"""
	return row.status == EventStatus.PROCESSED.value or bool(row.checkin)


def _attended(rows: Sequence) -> dict:
	return correction._attended(rows) if rows else {}


def _marked(employees: Sequence[str], found: Sequence[tuple]) -> dict:
	"""(employee, day) → the attendance of a day that a punch would move to."""
	if not employees:
		return {}
	days = [right.date() for _row, right in found]
	filters = {
		"employee": ("in", employees),
		"attendance_date": ("between", (min(days), max(days))),
		"docstatus": 1,
	}
	fields = ["employee", "attendance_date", "name"]
	return {
		(row.employee, row.attendance_date): row.name
		for row in frappe.get_all("Attendance", filters, fields, limit=0)
	}


def _paid(employees: Sequence[str], found: Sequence[tuple]) -> dict:
	"""(employee, day) → the submitted pay slip that covers it."""
	if not employees:
		return {}
	days = sorted({day for row, right in found for day in (correction._day(row)[1], right.date())})
	filters = {
		"employee": ("in", employees),
		"docstatus": 1,
		"start_date": ("<=", days[-1]),
		"end_date": (">=", days[0]),
	}
	slips = frappe.get_all("Salary Slip", filters, ["name", "employee", "start_date", "end_date"], limit=0)
	return {
		(slip.employee, day): slip.name
		for slip in slips
		for day in days
		if slip.start_date <= day <= slip.end_date
	}


# --- doing it


def start(server: str) -> str:
	"""Queue the job; returns the key under which its progress is found."""
	target = servers.get(server)
	if is_job_enqueued(_job(target.id)):
		return target.id
	_write(target.id, running=True, part=0, message=_("Waiting for a worker"))
	_enqueue(target.id)
	return target.id


def _enqueue(server: str, after: str = "", part: int = 0) -> None:
	frappe.enqueue(
		"biometric_integration.sync.desk.rederive.run",
		queue="long",
		job_id=_job(server, part),
		server=server,
		after=after,
		part=part,
	)


def run(server: str, after: str = "", part: int = 0) -> None:
	"""Chunk by chunk; what there is no time for is left to another job."""
	in_time = jobs.budget()
	if not part:
		_write(server, running=True, part=0, moved=0, check_ins=0, left=0)
	try:
		while True:
			if not in_time():
				_write(server, part=part + 1)
				_enqueue(server, after, part + 1)
				return
			rows = _chunk_done(server, after)
			if not rows:
				break
			after = rows[-1].name
			jobs.process(in_time)
	except Exception:
		_write(
			server,
			running=False,
			message=_("It broke off. Start again: what is done stays done. The Error Log has the reason."),
		)
		raise
	jobs.process(in_time)
	_record(server)


def _chunk_done(server: str, after: str) -> list:
	"""In the lane: whoever decides about a punch must not have its former time in hand."""
	transaction.commit()
	while not locks.take(locks.LANE):
		time.sleep(PAUSE)
		transaction.commit()
	try:
		rows, moved, made, left = transaction.in_one(lambda: _move(server, after))
	finally:
		locks.release(locks.LANE)
	before = state(server)
	_write(
		server,
		moved=before.get("moved", 0) + moved,
		check_ins=before.get("check_ins", 0) + made,
		left=before.get("left", 0) + left,
		message=_("{0} punches so far").format(before.get("moved", 0) + moved),
	)
	return rows


def _move(server: str, after: str) -> tuple[list, int, int, int]:
	rows = _rows(server, after, lock=True)
	go, left = _judged(rows)
	if go:
		again = [row for row, _right in go if row.reason_code not in STAYS]
		correction.take_back(again)
		times.put_right(go)
		devices.clock_is_unknown({row.device for row, _right in go})
	return rows, len(go), sum(bool(row.checkin) for row, _right in go), len(left)


def _record(server: str) -> None:
	done = state(server)
	words = _("{0} punches have the right time, {1} check-ins were written anew.").format(
		done.get("moved", 0), done.get("check_ins", 0)
	)
	if done.get("left"):
		words += " " + _("{0} were left alone, as their days have an attendance or a pay slip.").format(
			done["left"]
		)
	frappe.get_doc(servers.SETTINGS).add_comment(
		"Info", _("Times of {0} re-derived. {1}").format(server, words)
	)
	transaction.commit()
	_write(server, running=False, message=words)


def state(server: str) -> dict:
	return frappe.cache.get_value(_key(server), expires=True) or {"running": False, "message": ""}


def shown_state(server: str) -> dict:
	"""The same for a person; a worker that is gone does not run."""
	found = state(server)
	if found["running"] and not is_job_enqueued(_job(server, found.get("part", 0))):
		return {
			**found,
			"running": False,
			"message": _("The worker stopped. Start again: what is done stays done."),
		}
	return found


def _write(server: str, **changes) -> None:
	frappe.cache.set_value(_key(server), {**state(server), **changes}, expires_in_sec=KEPT)


def _key(server: str) -> str:
	return f"biometric_times:{server}"


def _job(server: str, part: int = 0) -> str:
	return f"biometric-times-{server}-{part}"


# --- whether a time zone can be right


def doubts(zones: dict[str, str]) -> list[str]:
	"""Sentences about time zones (server id → zone) that what came in the last runs speaks against; only of those that differ from what is set."""
	found = []
	for target in servers.all_servers():
		zone = zones.get(target.id)
		zone = get_system_timezone() if zone == "" else zone
		if zone and zone != target.config.time_zone:
			found.append(doubt(target, zone))
	return list(filter(None, found))


def doubt(target: servers.Server, other: str = "") -> str:
	"""Why the time zone of a server, or another one for it, is wrong; empty where nothing says so.

	That punches came long after they were made speaks against another zone only where one that is known does better: they may be late.
	"""
	zone, site, newest = other or target.config.time_zone, get_system_timezone(), _newest(target.id)
	lead = _usual(newest, zone, site)
	if lead is None or _fits(lead):
		return ""
	better = next(
		(known for known in (target.config.time_zone, site) if _fits(_usual(newest, known, site))), ""
	)
	if lead > AHEAD:
		pattern = _("{0}: by the time zone {1}, its newest punches came {2} before they were made.")
	elif other and better:
		pattern = _(
			"{0}: by the time zone {1}, its newest punches came no sooner than {2} after they were made."
		)
	else:
		return ""
	words = pattern.format(target.label, zone, format_duration(int(abs(lead).total_seconds())))
	return f"{words} {_('By {0} they fit.').format(better)}" if better else words


def _fits(lead: timedelta | None) -> bool:
	return lead is not None and -BEHIND <= lead <= AHEAD


def is_due(server: str, zone: str) -> bool:
	"""Have the newest punches of a server other times than this zone gives?"""
	site = get_system_timezone()
	return any(
		to_site(row.source_time, zone, site) != row.punch_time
		for row in _newest(server)
		if not row.released_by
	)


def _newest(server: str) -> list:
	filters = {"server": server, "new": (">", 0)}
	runs = frappe.get_all("Biometric Sync Log", filters, pluck="name", order_by="started_at desc", limit=RUNS)
	filters = {"sync_log": ("in", runs), "kind": Kind.PUNCH.value, "source_time": ("is", "set")}
	fields = ["sync_log", "source_time", "punch_time", "creation", "released_by"]
	return (
		frappe.get_all(staging.DOCTYPE, filters, fields, order_by="name desc", limit=AT_ONCE) if runs else []
	)


def _usual(newest: Sequence, zone: str, site: str) -> timedelta | None:
	"""How far the freshest punch of a run lies after its arrival: of most of these runs."""
	freshest: dict[str, timedelta] = {}
	for row in newest:
		lead = to_site(row.source_time, zone, site) - row.creation
		freshest[row.sync_log] = max(freshest.get(row.sync_log, lead), lead)
	return median(freshest.values()) if freshest else None
