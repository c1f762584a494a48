"""The way back from a wrong mapping: what the app made of an id's punches is taken away, and they are looked at again.

Days whose check-ins went into an attendance are left alone and listed: they are HR's to decide (design §5.5).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

import frappe
from frappe import _
from frappe.query_builder import DocType

from biometric_integration.core.decide import owner, shift_questions
from biometric_integration.core.directory import WaitingEvent
from biometric_integration.core.punch import Direction
from biometric_integration.core.reasons import EventStatus, Reason
from biometric_integration.core.window import DAY
from biometric_integration.sync import jobs
from biometric_integration.sync.db import transaction
from biometric_integration.sync.hrms.shift_notes import ShiftNotes
from biometric_integration.sync.process import directory
from biometric_integration.sync.records import servers, sight, staging
from biometric_integration.sync.records.times import put_right_names

CHECKIN = "Employee Checkin"
RECORD = "Biometric Mapping Correction"
AT_ONCE = 10000
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
	"""What a correction would do: `go` are rows of events to reopen, `left` the attendance of each day that stays."""

	go: list
	left: dict[EmployeeDay, str]

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
	return _answer(_find(stretch)) if dry_run else transaction.in_one(lambda: correct(stretch))


def correct(stretch: Stretch) -> dict:
	"""Do it, record who did, and ask for the process lane. One transaction, which the caller commits; a deadlock does it again."""
	finding = _find(stretch, lock=True)
	answer = _answer(finding)
	if finding.go:
		_take_back(finding)
		answer["correction"] = _record(stretch, finding)
		jobs.enqueue_process()
	return answer


def _answer(finding: Finding) -> dict:
	days = [
		{"employee": employee, "date": day, "attendance": attendance}
		for (employee, day), attendance in sorted(finding.left.items())
	]
	return {
		"check_ins": len(finding.check_ins),
		"events": len(finding.go),
		"employees": finding.employees,
		"days_with_attendance": days,
		"still_theirs": _still_theirs(finding.go),
	}


# --- what it is about


def _find(stretch: Stretch, lock: bool = False) -> Finding:
	rows = _decided(stretch, lock)
	attended = attended_days(rows)
	touched = {day_of(row) for row in rows} & set(attended)
	return Finding(
		[row for row in rows if day_of(row) not in attended], {day: attended[day] for day in touched}
	)


def _decided(stretch: Stretch, lock: bool) -> list:
	event, checkin = DocType(staging.DOCTYPE), DocType(CHECKIN)
	states = [
		(event.status == status.value) & (event.reason_code == reason.value if reason else event.name != "")
		for status, reason in DECIDED
	]
	query = (
		frappe.qb.from_(event)
		.left_join(checkin)
		.on(checkin.biometric_event == event.name)
		.select(
			event.name,
			event.device_user_id,
			event.server,
			event.device,
			event.source_time,
			event.punch_time,
			event.direction,
			event.employee,
			event.attendance,
			checkin.name.as_("checkin"),
			checkin.time,
			checkin.shift_start,
			checkin.attendance.as_("counted_in"),
		)
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


def _still_theirs(rows: Sequence) -> list[dict]:
	"""Employees to whom the mapping as it is now would give the punches back: it has to be changed first."""
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
	known = directory.gather(events, timedelta(0))
	only_whose = replace(servers.rules(), asks_for_shifts=False, floor=None)
	known.shifts = ShiftNotes().occurrences(shift_questions(events, known, only_whose))
	counts: dict[str, int] = {}
	for row, event in zip(rows, events, strict=True):
		if row.employee and owner(event, known) == row.employee:
			counts[row.employee] = counts.get(row.employee, 0) + 1
	return [{"employee": employee, "events": count} for employee, count in sorted(counts.items())]


# --- doing it


def take_back(rows: Sequence) -> None:
	"""What was made of these punches (rows as of `_decided`) goes, and they are looked at again."""
	if rows:
		_take_back(Finding(list(rows), {}))


def _take_back(finding: Finding) -> None:
	"""The links go first: a check-in that is nobody's punch any more is not *deleted by a person*, and keeps nothing from going."""
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
				f"{employee} {day} {attendance}"
				for (employee, day), attendance in sorted(finding.left.items())
			),
		}
	)
	return record.insert(ignore_permissions=True).name
