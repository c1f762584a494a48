"""The way back from a wrong mapping: what the app made of an id's punches is taken away, and they are looked at again.

Attendance that these check-ins are part of is cancelled, and the days of both people are repaired in the same go. Days over which a pay slip, a leave, a request, or
what a person wrote stands are left alone and listed: they are HR's to decide (design §5.5).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from time import monotonic as time_now
from time import sleep
from typing import NamedTuple

import frappe
from frappe import _
from frappe.query_builder import DocType
from frappe.utils import formatdate

from biometric_integration.core.decide import owner, shift_questions
from biometric_integration.core.directory import WaitingEvent
from biometric_integration.core.judgement import Written
from biometric_integration.core.punch import Direction
from biometric_integration.core.reasons import EventStatus, Reason
from biometric_integration.core.repair import NONE, Refusal, Wrong, stays
from biometric_integration.core.window import DAY
from biometric_integration.sync import jobs
from biometric_integration.sync.db import locks, transaction
from biometric_integration.sync.db.savepoint import Refused
from biometric_integration.sync.desk import settle
from biometric_integration.sync.hrms.shift_notes import ShiftNotes
from biometric_integration.sync.process import directory
from biometric_integration.sync.records import servers, sight, staging
from biometric_integration.sync.records.times import put_right_names
from biometric_integration.sync.workdays import judging, repair, writing
from biometric_integration.sync.workdays.gathering import Supposing
from biometric_integration.sync.workdays.judging import Lane

CHECKIN = "Employee Checkin"
FIELDS = (
	"name",
	"device_user_id",
	"server",
	"device",
	"source_time",
	"punch_time",
	"direction",
	"employee",
	"attendance",
)
RECORD = "Biometric Mapping Correction"
AT_ONCE = 10000
PATIENCE, PAUSE = 20, 1
"""Seconds that a person waits until the punches are used again, and between two looks."""
DECIDED = (
	(EventStatus.PROCESSED, None),
	(EventStatus.IGNORED, Reason.REPEAT),
)
"""Punches that a mapping sent to somebody, by status and reason (None = any)."""
EmployeeDay = tuple[str, date]


@dataclass(frozen=True)
class Stretch:
	"""The punches in question: an id to the letter, days of the punch (site clock, both included), and where."""

	user_id: str
	first: date
	last: date
	server: str = ""
	device: str = ""


@dataclass(frozen=True)
class Finding:
	"""What a correction would do: `go` are rows of events to reopen, `left` the attendance of each day that stays, and why.

	wrong: what is taken back of the attendance that these check-ins are part of. attended: days on which an attendance rests.
	"""

	go: list
	left: dict[EmployeeDay, tuple[str, str]]
	wrong: Wrong = NONE
	attended: frozenset[EmployeeDay] = frozenset()

	@property
	def check_ins(self) -> list[str]:
		return [row.checkin for row in self.go if row.checkin]

	@property
	def employees(self) -> list[str]:
		return sorted({row.employee for row in self.go if row.checkin})


def run(user_id: str, first: date, last: date, server: str | None, device: str | None, dry_run: bool) -> dict:
	if first > last:
		frappe.throw(_("From Date is after To Date. Correct one of them."))
	stretch = Stretch(user_id.strip(), first, last, server or "", device or "")
	if not dry_run:
		return _corrected(stretch)
	finding = _find(stretch)
	moves = _moves(finding.go)
	days = _planned(finding, moves)
	return {**_answer(finding, moves), **settle.answer(days)}


def _corrected(stretch: Stretch) -> dict:
	"""The check-ins go, the punches are used again, and then the days of both people are repaired, where an attendance rests on any of them."""
	finding = _find(stretch)
	moves = _moves(finding.go)
	with ExitStack() as stack:
		for employee in finding.employees if finding.wrong else ():
			if not stack.enter_context(locks.attendance(employee)):
				frappe.throw(_("Frappe HR is writing attendance at this moment. Try again in a minute."))
		try:
			answer = transaction.in_one(lambda: correct(stretch))
		except Refused as refused:
			transaction.roll_back()
			frappe.throw(
				_("Nothing was changed, as an attendance could not be cancelled: {0}").format(refused)
			)
	wanted = _wanted(finding, moves)
	if not wanted:
		return {**answer, **settle.answer([])}
	return {**answer, **_repaired(stretch, finding, wanted)}


def correct(stretch: Stretch) -> dict:
	"""Take it back, record who did, and ask for the process lane. One transaction, which the caller commits; a deadlock does it again."""
	finding = _find(stretch, lock=True)
	answer = _answer(finding, _moves(finding.go))
	if finding.go:
		_take_back(finding)
		answer["correction"] = _record(stretch, finding)
		jobs.enqueue_process()
	return answer


def _answer(finding: Finding, moves: Sequence[Move]) -> dict:
	days = [
		{"employee": employee, "date": day, "attendance": attendance, "why": why}
		for (employee, day), (attendance, why) in sorted(finding.left.items())
	]
	return {
		"check_ins": len(finding.check_ins),
		"events": len(finding.go),
		"employees": finding.employees,
		"days_with_attendance": days,
		"still_theirs": _still_theirs(moves),
	}


# --- what it is about


def _find(stretch: Stretch, lock: bool = False) -> Finding:
	rows = _decided(stretch, lock)
	attended = attended_days(rows)
	touched = {day for day in map(day_of, rows) if day in attended}
	parts: dict[EmployeeDay, set[str]] = {day: set() for day in touched}
	for row in rows:
		if record := row.attendance or row.counted_in:
			parts[day_of(row)].add(record)
	left, wrong = _of_attended(parts, attended)
	return Finding([row for row in rows if day_of(row) not in left], left, wrong, frozenset(touched))


def _of_attended(
	parts: Mapping[EmployeeDay, set[str]], attended: Mapping[EmployeeDay, str]
) -> tuple[dict[EmployeeDay, tuple[str, str]], Wrong]:
	"""Of days and the attendance that check-ins in question are part of: what stays, with the reason, and what is taken back."""
	if not parts:
		return {}, NONE
	lane = Lane(judging.policy())
	days = _spans(parts)
	known = {one.name: one for judged in lane.judged(days) for one in judged.written}
	standing = repair.Standings(days)
	left: dict[EmployeeDay, tuple[str, str]] = {}
	wrong: list[Written] = []
	for (employee, day), records in parts.items():
		written = [known[name] for name in sorted(records) if name in known]
		found = stays(written, standing.on(employee, day))
		if len(written) < len(records) or day < lane.policy.earliest:
			found = Refusal.NOT_JUDGED, attended[employee, day]
		if found:
			refusal, what = found
			since = formatdate(lane.policy.earliest)
			left[employee, day] = attended[employee, day], _(refusal.value).format(what=what, since=since)
		else:
			wrong += written
	return left, Wrong(
		tuple(sorted({one.name for one in wrong if not one.leave})),
		tuple(sorted({one.name for one in wrong if one.leave and repair.can_reopen()})),
	)


def _spans(days: Iterable[EmployeeDay]) -> dict[str, tuple[date, date]]:
	found: dict[str, list[date]] = {}
	for employee, day in days:
		found.setdefault(employee, []).append(day)
	return {employee: (min(dates) - DAY, max(dates) + DAY) for employee, dates in found.items()}


def with_check_ins(fields: Iterable[str]):
	"""A query for these fields of punches and, where there is one, for the check-in of each: its name as `checkin`, its time and shift, and the
	attendance that it is `counted_in`."""
	event, checkin = DocType(staging.DOCTYPE), DocType(CHECKIN)
	return (
		frappe.qb.from_(event)
		.left_join(checkin)
		.on(checkin.biometric_event == event.name)
		.select(
			*(event[field] for field in fields),
			checkin.name.as_("checkin"),
			checkin.time,
			checkin.shift_start,
			checkin.attendance.as_("counted_in"),
		)
	)


def _decided(stretch: Stretch, lock: bool) -> list:
	event = DocType(staging.DOCTYPE)
	states = [
		(event.status == status.value) & (event.reason_code == reason.value if reason else event.name != "")
		for status, reason in DECIDED
	]
	query = (
		with_check_ins(FIELDS)
		.where((event.device_user_id == stretch.user_id) & (states[0] | states[1]))
		.where(event.punch_time >= datetime.combine(stretch.first, time()))
		.where(event.punch_time < datetime.combine(stretch.last, time()) + DAY)
		.limit(AT_ONCE + 1)
	)
	if stretch.server:
		query = query.where(event.server == stretch.server)
	if stretch.device:
		query = query.where(event.device == stretch.device)
	rows = (query.for_update() if lock else query).run(as_dict=True)
	if len(rows) > AT_ONCE:
		frappe.throw(_("These are more than {0} punches. Please take a shorter period.").format(AT_ONCE))
	seen = sight.of_user()
	# the database compares loosely
	return [
		row for row in rows if row.device_user_id == stretch.user_id and seen.shows(row.employee, row.device)
	]


def day_of(row) -> EmployeeDay:
	return row.employee or "", (row.shift_start or row.time or row.punch_time).date()


def attended_days(rows: Sequence) -> dict[EmployeeDay, str]:
	"""Days of these people with an attendance that rests on check-ins or on these punches themselves."""
	found = {
		day_of(row): row.attendance or row.counted_in for row in rows if row.attendance or row.counted_in
	}
	employees = sorted({row.employee for row in rows if row.employee})
	if employees:
		times = [row.punch_time for row in rows]
		filters = {
			"employee": ("in", employees),
			"time": ("between", (min(times) - 2 * DAY, max(times) + 2 * DAY)),
			"attendance": ("is", "set"),
		}
		fields = ["employee", "time", "shift_start", "attendance"]
		found.update(
			{day_of(row): row.attendance for row in frappe.get_all(CHECKIN, filters, fields, limit=0)}
		)
	return found


class Move(NamedTuple):
	"""A punch, and whose it is by the mapping as it is now; empty for nobody's."""

	row: frappe._dict
	owner: str


def _moves(rows: Sequence) -> list[Move]:
	if not rows:
		return []
	events = [
		WaitingEvent(
			row.name,
			row.device or "",
			row.device_user_id,
			row.source_time,
			row.punch_time,
			Direction(row.direction or ""),
			server=row.server or "",
		)
		for row in rows
	]
	return [Move(row, who) for row, who in zip(rows, owners(events), strict=True)]


def owners(events: Sequence[WaitingEvent]) -> list[str]:
	"""Whose each of these punches is by the mapping as it is now; empty for nobody's."""
	known = directory.gather(events, timedelta(0))
	only_whose = replace(servers.rules(), asks_for_shifts=False, floor=None)
	known.shifts = ShiftNotes().occurrences(shift_questions(events, known, only_whose))
	return [owner(event, known) or "" for event in events]


def _still_theirs(moves: Sequence[Move]) -> list[dict]:
	"""Employees to whom the mapping as it is now would give the punches back: it has to be changed first."""
	counts = Counter(move.owner for move in moves if move.owner and move.owner == move.row.employee)
	return [{"employee": employee, "events": count} for employee, count in sorted(counts.items())]


# --- the days of both people


def _wanted(finding: Finding, moves: Sequence[Move]) -> dict[str, set[date]]:
	"""Employee → dates that are repaired: on which an attendance rests, and those to which their check-ins come. Of people whom the user sees."""
	wanted: dict[str, set[date]] = {}
	for employee, day in finding.attended - finding.left.keys():
		wanted.setdefault(employee, set()).add(day)
	comes = {
		(move.owner, _comes_to(move)): day_of(move.row) in finding.attended for move in moves if _moved(move)
	}
	marked = _marked(comes)
	for (employee, day), was_attended in comes.items():
		if was_attended or (employee, day) in marked:
			wanted.setdefault(employee, set()).add(day)
	seen = sight.of_user()
	return {employee: dates for employee, dates in wanted.items() if seen.shows_employee(employee)}


def _moved(move: Move) -> bool:
	return bool(move.owner) and move.owner != move.row.employee


def _comes_to(move: Move) -> date:
	"""About: its days around are looked at as well."""
	return (move.row.time or move.row.punch_time).date()


def _marked(days: Iterable[EmployeeDay]) -> set[EmployeeDay]:
	spans = _spans(days)
	if not spans:
		return set()
	first, last = min(first for first, _last in spans.values()), max(last for _first, last in spans.values())
	about = {
		"employee": ("in", list(spans)),
		"attendance_date": ("between", (first, last)),
		"docstatus": ("<", 2),
	}
	found = frappe.get_all("Attendance", about, ["employee", "attendance_date"], limit=0)
	marked = {(row.employee, row.attendance_date) for row in found}
	return {
		(who, day)
		for who, day in days
		if not marked.isdisjoint({(who, day - DAY), (who, day), (who, day + DAY)})
	}


def _planned(finding: Finding, moves: Sequence[Move]) -> list[dict]:
	wanted = _wanted(finding, moves)
	if not wanted:
		return []
	added: dict[str, list[tuple[datetime, str]]] = {}
	for move in moves:
		if move.owner:
			added.setdefault(move.owner, []).append(
				(move.row.time or move.row.punch_time, move.row.direction or "")
			)
	supposing = Supposing(
		records=frozenset(finding.wrong.records),
		reopened=frozenset(finding.wrong.reopened),
		gone=frozenset(finding.check_ins),
		added=added,
	)
	return [settle.shown(one) for one in repair.plan(Lane(judging.policy()), wanted, supposing)]


def _repaired(stretch: Stretch, finding: Finding, wanted: Mapping[str, set[date]]) -> dict:
	if not _are_used([row.name for row in finding.go]):
		return {**settle.answer([]), "waits": True}
	reason = _("The id {0} was mapped to somebody else.").format(stretch.user_id)
	return settle.repair_days(wanted, reason)


def _are_used(events: Sequence[str]) -> bool:
	"""Have the punches been used again? Where another worker has the lane, it is waited for."""
	end = time_now() + PATIENCE
	waiting = {"name": ("in", events), "status": EventStatus.PENDING.value}
	while time_now() < end:
		jobs.process(jobs.budget(PATIENCE))
		transaction.commit()
		if not frappe.db.exists(staging.DOCTYPE, waiting):
			return True
		sleep(PAUSE)
	return False


# --- doing it


def take_back(rows: Sequence) -> None:
	"""What was made of these punches (rows as of `_decided`) goes, and they are looked at again."""
	if rows:
		_take_back(Finding(list(rows), {}))


def _take_back(finding: Finding) -> None:
	"""The links go first: a check-in that is nobody's punch any more is not *deleted by a person*, and keeps nothing from going."""
	writing.take_back(finding.wrong.records)
	writing.reopen(finding.wrong.reopened)
	made = finding.check_ins
	again = {row.name for row in finding.go} | set(_linked(made)) | set(_repeats(finding.go))
	frappe.db.set_value(
		staging.DOCTYPE, {"name": ("in", sorted(again))}, staging.UNDECIDED, update_modified=False
	)
	put_right_names(sorted(again))
	if made:
		_delete(made)


def _linked(check_ins: Collection[str]) -> list[str]:
	"""Events of other ids for which one of these check-ins was there already."""
	if not check_ins:
		return []
	return frappe.get_all(staging.DOCTYPE, {"employee_checkin": ("in", check_ins)}, pluck="name", limit=0)


def _repeats(rows: Iterable) -> list[str]:
	"""Punches that were taken for repeats of one that goes."""
	window = servers.rules().repeat_window
	gone: dict[str, list[datetime]] = {}
	for row in rows:
		if row.checkin:
			gone.setdefault(row.employee, []).append(row.punch_time)
	if not gone or not window:
		return []
	for times in gone.values():
		times.sort()
	filters = {
		"employee": ("in", sorted(gone)),
		"status": EventStatus.IGNORED.value,
		"reason_code": Reason.REPEAT.value,
		"punch_time": (
			"between",
			(
				min(times[0] for times in gone.values()) - window,
				max(times[-1] for times in gone.values()) + window,
			),
		),
	}
	found = frappe.get_all(staging.DOCTYPE, filters, ["name", "employee", "punch_time"], limit=0)
	return [row.name for row in found if _is_near(gone[row.employee], row.punch_time, window)]


def _is_near(times: Sequence[datetime], moment: datetime, window: timedelta) -> bool:
	position = bisect_left(times, moment - window)
	return position < len(times) and times[position] <= moment + window


def _delete(names: Sequence[str]) -> None:
	"""Whatever the site added to the deletion of a check-in has its say; frappe's own would queue a job per document."""
	frappe.db.set_value(CHECKIN, {"name": ("in", names)}, "biometric_event", None, update_modified=False)
	documents = [
		frappe.get_doc({"doctype": CHECKIN, **row})
		for row in frappe.get_all(CHECKIN, {"name": ("in", names)}, ["*"], limit=0)
	]
	for document in documents:
		document.run_method("on_trash")
	frappe.db.delete(CHECKIN, {"name": ("in", names)})
	frappe.db.delete("Comment", {"reference_doctype": CHECKIN, "reference_name": ("in", names)})
	frappe.db.delete("Version", {"ref_doctype": CHECKIN, "docname": ("in", names)})
	for document in documents:
		document.run_method("after_delete")


def _record(stretch: Stretch, finding: Finding) -> str:
	record = frappe.new_doc(RECORD)
	record.update(
		{
			"device_user_id": stretch.user_id,
			"from_date": stretch.first,
			"to_date": stretch.last,
			"server": stretch.server,
			"device": stretch.device,
			"corrected_by": frappe.session.user,
			"check_ins": len(finding.check_ins),
			"events": len(finding.go),
			"employees": "\n".join(finding.employees),
			"days_left": "\n".join(
				f"{employee} {day} {attendance}: {why}"
				for (employee, day), (attendance, why) in sorted(finding.left.items())
			),
			"cancelled": "\n".join((*finding.wrong.records, *finding.wrong.reopened)),
		}
	)
	return record.insert(ignore_permissions=True).name
