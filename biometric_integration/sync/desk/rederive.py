"""*Re-derive Times*: after the time zone of a server was corrected, the punches that are kept, and their check-ins, get the right times.

Chunk by chunk, each a transaction in the process lane: the check-ins of a chunk go, and its punches are looked at again with the right time.
A job that stops has left nothing half done; whoever starts again finds what is left. Days with an attendance or a pay slip are left alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence, Set
from contextlib import suppress
from datetime import date, datetime
from itertools import groupby, islice
from operator import itemgetter
from typing import NamedTuple

import frappe
from frappe import _
from frappe.query_builder import DocType
from frappe.utils import getdate, now_datetime

from biometric_integration.core.directory import Moment
from biometric_integration.core.errors import ConfigurationError
from biometric_integration.core.reasons import EventStatus, Reason
from biometric_integration.sync import jobs
from biometric_integration.sync.db import locks, transaction
from biometric_integration.sync.desk import ask, correction, zones
from biometric_integration.sync.desk.correction import EmployeeDay
from biometric_integration.sync.desk.progress import Progress
from biometric_integration.sync.hrms.shift_notes import ShiftNotes
from biometric_integration.sync.records import devices, servers, sight, staging, times

RUN = "biometric_integration.sync.desk.rederive.run"
CHUNK = 500
LISTED = 50
SAMPLE = 5
LOOKING = 20
"""Seconds that a person waits for a count."""
PAUSE = 2
"""Seconds between two looks whether the lane is free."""
STAYS = {
	Reason.DELETED.value,
	Reason.EXPIRED.value,
	Reason.IMPLAUSIBLE.value,
	Reason.SINCE_WHEN.value,
}
"""What a person decided, or what is not about the time: only the time is put right."""
FIELDS = (
	*times.FIELDS,
	"status",
	"reason_code",
	"device_user_id",
	"employee",
	"attendance",
	"direction",
)


# --- looking


def _refuse_who_sees_some_only() -> None:
	if sight.of_user() != sight.Sight():
		frappe.throw(
			_("This is about everybody on the server, and you may see some of them only."),
			frappe.PermissionError,
		)


def preview(server: str) -> dict:
	"""What would be done to the punches of a server."""
	_refuse_who_sees_some_only()
	target, end = servers.get(server), time.monotonic() + LOOKING
	counts = {"events": 0, "check_ins": 0, "left": 0}
	sample: list[dict] = []
	days: dict[EmployeeDay, str] = {}
	complete = True
	for rows in _chunks(target.id):
		if time.monotonic() > end:
			complete = False
			break
		go, left = _judged(rows)
		counts["events"] += len(go)
		counts["check_ins"] += sum(bool(row.checkin) for row, _right in go)
		counts["left"] += len(left)
		days.update({correction.day_of(row): why for row, why in left})
		sample += [_sample(row, right) for row, right in go[: SAMPLE - len(sample)]]
	return {
		**counts,
		"sample": sample,
		"days_left": [
			{"employee": employee, "date": day, "why": why}
			for (employee, day), why in islice(sorted(days.items()), LISTED)
		],
		"complete": complete,
		"server": target.id,
		"time_zone": target.config.time_zone,
	}


def _sample(row, right: datetime) -> dict:
	who = row.employee or row.device_user_id
	return {"who": who, "source_time": row.source_time, "before": row.punch_time, "after": right}


def _chunks(server: str, after: str = "") -> Iterator[list]:
	while rows := _rows(server, after):
		yield rows
		after = rows[-1].name


def _rows(server: str, after: str, lock: bool = False) -> list:
	event = DocType(staging.DOCTYPE)
	query = (
		correction.with_check_ins(FIELDS)
		.where((event.server == server) & (event.name > after))
		.orderby(event.name)
		.limit(CHUNK)
	)
	query = times.may_be_derived(query, event)
	return (query.for_update() if lock else query).run(as_dict=True)


def _judged(rows: Sequence) -> tuple[list[tuple], list[tuple]]:
	"""(row, right time) of those that go, and (row, why) of those that are left alone."""
	found = times.differing(rows, times.derive())
	used = [(row, right) for row, right in found if _is_used(row)]
	days = _days(used)
	settled = settled_days([row for row, _right in used], {day for both in days.values() for day in both})
	go, left = [], []
	for row, right in found:
		why = next((settled[day] for day in days.get(row.name, ()) if day in settled), "")
		if why:
			left.append((row, why))
		else:
			go.append((row, right))
	return go, left


def _is_used(row) -> bool:
	"""Has anything been made of it?"""
	return bool(row.employee) and (row.status == EventStatus.PROCESSED.value or bool(row.checkin))


def _days(found: Sequence[tuple]) -> dict[str, tuple[EmployeeDay, EmployeeDay]]:
	"""By punch, of (row, right time): the workday that it leaves, and the one that it comes to."""
	workdays = _workdays({(row.employee, right) for row, right in found})
	return {
		row.name: (
			correction.day_of(row),
			(row.employee, workdays.get((row.employee, right)) or right.date()),
		)
		for row, right in found
	}


def _workdays(moments: Set[Moment]) -> dict[Moment, date]:
	"""Of each moment that falls into a shift. Whoever has a shift type that is gone has none, and keeps nobody else from theirs."""
	notes = ShiftNotes()
	try:
		found = notes.occurrences(moments)
	except ConfigurationError:
		found = {}
		for _employee, own in groupby(sorted(moments), itemgetter(0)):
			with suppress(ConfigurationError):
				found.update(notes.occurrences(set(own)))
	return {moment: occurrence.start.date() for moment, occurrence in found.items()}


def settled_days(rows: Sequence, about: Set[EmployeeDay]) -> dict[EmployeeDay, str]:
	"""Which of these days of these punches (rows with their check-ins) are HR's to decide about, with the reason."""
	if not rows:
		return {}
	days = sorted({day for _employee, day in about})
	employees = sorted({row.employee for row in rows})
	sentence = _("the attendance {0} is there")
	attended = {**_marked(employees, days), **correction.attended_days(rows)}
	settled = {day: sentence.format(record) for day, record in attended.items()}
	sentence = _("the pay slip {0} is submitted")
	for slip in _pay_slips(employees, days):
		covered = (day for day in days if slip.start_date <= day <= slip.end_date)
		settled.update({(slip.employee, day): sentence.format(slip.name) for day in covered})
	return settled


def _marked(employees: Sequence[str], days: Sequence[date]) -> dict[EmployeeDay, str]:
	filters = {
		"employee": ("in", employees),
		"attendance_date": ("between", (days[0], days[-1])),
		"docstatus": 1,
	}
	rows = frappe.get_all("Attendance", filters, ["employee", "attendance_date", "name"], limit=0)
	return {(row.employee, row.attendance_date): row.name for row in rows}


def _pay_slips(employees: Sequence[str], days: Sequence[date]) -> list:
	filters = {
		"employee": ("in", employees),
		"docstatus": 1,
		"start_date": ("<=", days[-1]),
		"end_date": (">=", days[0]),
	}
	return frappe.get_all("Salary Slip", filters, ["name", "employee", "start_date", "end_date"], limit=0)


# --- doing it


def start(server: str) -> str:
	"""Queue the job; returns the key under which its progress is found."""
	_refuse_who_sees_some_only()
	target = servers.get(server)
	if not _is_running(target.id):
		waiting = _("Waiting for a worker")
		_progress(target.id).begin(RUN, {"server": target.id}, part=0, message=waiting)
	return target.id


def _is_running(server: str) -> bool:
	try:
		return shown_state(server)["running"]
	except jobs.RedisError:
		ask.no_queue()


def _progress(server: str) -> Progress:
	return Progress("times", server)


def run(server: str, after: str = "", part: int = 0) -> None:
	"""Chunk by chunk; what there is no time for is left to another job."""
	in_time = jobs.budget()
	if not part:
		_progress(server).write(running=True, part=0, moved=0, check_ins=0, left=0, began=now_datetime())
	try:
		times.note_moving(server, True)
		while (done := _chunk_done(server, after, in_time)) and done.last:
			after = done.last
			if done.moved:
				jobs.process(in_time)
			times.note_moving(server, True)
		if not done:
			_progress(server).go_on(RUN, part + 1, {"server": server, "after": after})
			return
	except Exception:
		_progress(server).write(
			running=False,
			message=_(
				"It broke off. Start again: what is done stays done. An administrator finds the reason in the Error Log."
			),
		)
		raise
	times.note_moving(server, False)
	jobs.process(in_time)
	_record(server)


class Done(NamedTuple):
	"""A chunk: the name of its last punch (empty: there is no further one), and how many of them got another time."""

	last: str
	moved: int


def _chunk_done(server: str, after: str, in_time: jobs.InTime) -> Done | None:
	"""In the lane: whoever decides about a punch must not have its former time in hand. None where there is no time for it."""
	if not has_lane(in_time):
		return None
	try:
		rows, moved, made, left = transaction.in_one(lambda: _move(server, after))
	finally:
		locks.release(locks.LANE)
	before = state(server)
	_progress(server).write(
		moved=before.get("moved", 0) + moved,
		check_ins=before.get("check_ins", 0) + made,
		left=before.get("left", 0) + left,
		message=_("{0} punches so far").format(before.get("moved", 0) + moved),
	)
	return Done(rows[-1].name if rows else "", moved)


def has_lane(in_time: jobs.InTime) -> bool:
	"""Takes the process lane; whoever holds it is waited for."""
	while in_time():
		transaction.commit()
		if locks.take(locks.LANE):
			return True
		time.sleep(PAUSE)
	return False


def _move(server: str, after: str) -> tuple[list, int, int, int]:
	rows = _rows(server, after, lock=True)
	go, left = _judged(rows)
	if go:
		again = [row for row, _right in go if not _stays(row)]
		correction.take_back(again)
		times.put_right(go)
		devices.clock_is_unknown({row.device for row, _right in go})
	return rows, len(go), sum(bool(row.checkin) for row, _right in go), len(left)


def _stays(row) -> bool:
	floor = frappe.get_cached_doc(servers.SETTINGS).import_floor
	is_barred = row.reason_code == Reason.BEFORE_FLOOR.value and floor
	return row.reason_code in STAYS or bool(is_barred and row.source_time.date() < getdate(floor))


def _record(server: str) -> None:
	done = state(server)
	words = _("{0} punches have the right time. Check-ins that were written anew: {1}.").format(
		done.get("moved", 0), done.get("check_ins", 0)
	)
	if done.get("left"):
		words += " " + _("{0} were left alone, as their days have an attendance or a pay slip.").format(
			done["left"]
		)
	if zones.is_due(server, servers.get(server).config.time_zone, done.get("began") or now_datetime()):
		words += " " + _(
			"A sync that began before still brings punches by the former time zone: choose it again when it has ended."
		)
	frappe.get_doc(servers.SETTINGS).add_comment(
		"Info", _("Times of {0} re-derived. {1}").format(server, words)
	)
	transaction.commit()
	_progress(server).write(running=False, message=words)


def state(server: str) -> dict:
	return _progress(server).state()


def shown_state(server: str) -> dict:
	"""The same for a person; a worker that is gone does not run."""
	return _progress(server).shown(_("The worker stopped. Start again: what is done stays done."))
