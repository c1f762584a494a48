"""What is known of the days of a batch of people: read in a fixed number of queries, whatever the batch holds. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import frappe
from frappe.utils import flt, now_datetime

from biometric_integration.core.judgement import Decision, What, Written
from biometric_integration.core.window import DAY
from biometric_integration.core.workday import CheckIn, Shift, Workday
from biometric_integration.sync.hrms.holidays import Holidays
from biometric_integration.sync.hrms.roster import Roster
from biometric_integration.sync.workdays import decisions

CHECKIN, ATTENDANCE = "Employee Checkin", "Attendance"
CHECKIN_DIGEST = """CRC32(CONCAT_WS('|', c.`name`, c.`time`, c.`log_type`, c.`shift`, c.`shift_start`, c.`shift_end`, c.`shift_actual_end`, c.`attendance`, c.`skip_auto_attendance`))"""
ATTENDANCE_DIGEST = "CRC32(CONCAT_WS('|', a.`name`, a.`docstatus`, a.`status`, a.`working_hours`, a.`shift`, a.`leave_type`, a.`leave_application`, a.`attendance_request`, a.`in_time`{half}))"
WAITED_FOR = 100 * DAY
"""So long after a day holidays may put off until when its devices are waited for."""
HALF_DAY_FIELDS = ("half_day_status", "modify_half_day_status")
BAD = ("Absent", "Half Day")
SAME_MOMENT = 60
SUPPOSED = "supposed"
"""Begins the name of a check-in that is not there."""

Days = Mapping[str, tuple[date, date]]
"""Employee → first and last day, both included."""


@dataclass(frozen=True)
class Supposing:
	"""What would be gathered if some things had been done: for a preview.

	records: attendance that is cancelled; reopened: of half-day leave whose other half is open again. refetched: check-ins that are part of none, are not skipped, and say the
	shift of the roster, the inactive assignments included; everyone's that the records leave over are. gone: check-ins that are deleted. added: employee → (time, log type).
	decisions: as they would be read.
	"""

	records: frozenset[str] = frozenset()
	reopened: frozenset[str] = frozenset()
	refetched: frozenset[str] = frozenset()
	gone: frozenset[str] = frozenset()
	added: Mapping[str, Sequence[tuple[datetime, str]]] = field(default_factory=dict)
	decisions: Mapping[tuple[str, date, str], Decision] = field(default_factory=dict)
	still_here: Mapping[str, date] = field(default_factory=dict)


NOTHING = Supposing()


@dataclass(frozen=True)
class Person:
	"""An employee, as far as workdays are concerned. longest: empty where nothing is set for them."""

	name: str
	shown: str = ""
	company: str = ""
	department: str = ""
	default_shift: str = ""
	status: str = ""
	joined: date | None = None
	left: date | None = None
	holiday_list: str = ""
	longest: timedelta | None = None
	by_devices: bool = True

	def employed(self, day: date) -> bool:
		return (not self.joined or self.joined <= day) and (not self.left or day <= self.left)


@dataclass(frozen=True)
class Leave:
	"""An approved leave application; half_day: the one day of which it covers half."""

	name: str
	first: date
	last: date
	half_day: date | None = None


@dataclass(frozen=True)
class Slip:
	"""A submitted salary slip."""

	name: str
	first: date
	last: date
	submitted: datetime

	def covers(self, day: date) -> bool:
		return self.first <= day <= self.last


@dataclass
class Batch:
	"""Of a batch of people, from the first to the last day that is read; by employee where nothing else is said."""

	first: date
	last: date
	people: dict[str, Person]
	checkins: dict[str, list[CheckIn]] = field(default_factory=dict)
	digests: dict[str, int] = field(default_factory=dict)
	"""Check-in → its digest, and attendance → its."""
	inactive: dict[str, str] = field(default_factory=dict)
	"""Check-in → the inactive assignment that it belongs to."""
	dead_links: set[str] = field(default_factory=set)
	"""Check-ins that are linked to a record that is cancelled, or gone: they count as part of none."""
	written: dict[str, list[tuple[date, Written]]] = field(default_factory=dict)
	leaves: dict[str, list[Leave]] = field(default_factory=dict)
	slips: dict[str, list[Slip]] = field(default_factory=dict)
	decisions: dict[tuple[str, date, str], Decision] = field(default_factory=dict)
	kept_away: dict[tuple[str, date], dict[str, Decision]] = field(default_factory=dict)
	"""Of the decisions, by employee and date those about a record that was cancelled."""
	still_here: dict[str, date] = field(default_factory=dict)
	"""The relieving date says nothing from that day on."""
	holidays: Holidays | None = None

	def leave_on(self, employee: str, day: date) -> Leave | None:
		return next(
			(leave for leave in self.leaves.get(employee, ()) if leave.first <= day <= leave.last), None
		)

	def paid_by(self, employee: str, workday: Workday) -> str:
		"""The slip over the day that was submitted when it was over."""
		return next(
			(
				slip.name
				for slip in self.slips.get(employee, ())
				if slip.covers(workday.date) and workday.closes < slip.submitted
			),
			"",
		)

	def slip_before(self, employee: str, workday: Workday) -> str:
		"""One that was submitted when the day was over, and some of its check-ins had not come yet."""
		return next(
			(
				slip.name
				for slip in self.slips.get(employee, ())
				if slip.covers(workday.date)
				and workday.closes < slip.submitted
				and any(slip.submitted < checkin.arrived for checkin in workday.checkins)
			),
			"",
		)


def gather(
	employees: Sequence[str], first: date, last: date, roster: Roster, supposing: Supposing = NOTHING
) -> Batch:
	batch = Batch(first, last, _persons(employees))
	people = list(batch.people)
	if not people:
		return batch
	roster.prepare({person.name: person.default_shift for person in batch.people.values()}, first, last)
	_read_checkins(batch, people, first, last, roster, supposing)
	_with_their_fellows(batch)
	_add_supposed(batch, roster, supposing)
	_read_attendance(batch, people, first, last, supposing)
	read_leaves(batch, people, first, last)
	read_slips(batch, people, first, last)
	batch.decisions = {**decisions.of(people, first, last), **supposing.decisions}
	for (who, day, shift), decision in batch.decisions.items():
		if decision.what is What.KEEP_AWAY:
			batch.kept_away.setdefault((who, day), {})[shift] = decision
	batch.still_here = {**decisions.still_here(people), **supposing.still_here}
	lists = {person.name: (person.company, person.holiday_list) for person in batch.people.values()}
	batch.holidays = Holidays(lists, first, last + WAITED_FOR)
	return batch


# --- people


def _persons(names: Sequence[str]) -> dict[str, Person]:
	fields = [
		"name",
		"employee_name",
		"company",
		"department",
		"default_shift",
		"status",
		"date_of_joining",
		"creation",
		"relieving_date",
		"holiday_list",
		"branch",
		"grade",
		"employment_type",
		"longest_workday",
		"attendance_by_devices",
	]
	rows = frappe.get_all("Employee", {"name": ("in", names)}, fields, limit=0)
	longest, by_devices = _longest_of(), _by_devices_of()
	return {row.name: _person(row, longest, by_devices) for row in rows}


def _person(
	row, longest: Mapping[tuple[str, str], float], by_devices: Mapping[tuple[str, str], str]
) -> Person:
	hours = (
		row.longest_workday
		or longest.get(("Department", row.department))
		or longest.get(("Employment Type", row.employment_type))
	)
	groups = (("Employee Grade", row.grade), ("Department", row.department), ("Branch", row.branch))
	said = (row.attendance_by_devices, *(by_devices.get(group) for group in groups))
	return Person(
		row.name,
		row.employee_name or "",
		row.company or "",
		row.department or "",
		row.default_shift or "",
		row.status or "",
		row.date_of_joining or row.creation.date(),
		row.relieving_date,
		row.holiday_list or "",
		timedelta(hours=hours) if hours else None,
		next(filter(None, said), "Yes") != "No",
	)


def _longest_of() -> dict[tuple[str, str], float]:
	return {
		(doctype, name): hours
		for doctype in ("Department", "Employment Type")
		for name, hours in frappe.get_all(
			doctype, {"longest_workday": (">", 0)}, ["name", "longest_workday"], as_list=True, limit=0
		)
	}


def _by_devices_of() -> dict[tuple[str, str], str]:
	return {
		(doctype, name): said
		for doctype in ("Employee Grade", "Department", "Branch")
		for name, said in frappe.get_all(
			doctype,
			{"attendance_by_devices": ("is", "set")},
			["name", "attendance_by_devices"],
			as_list=True,
			limit=0,
		)
	}


# --- check-ins


def _read_checkins(
	batch: Batch, people: Sequence[str], first: date, last: date, roster: Roster, supposing: Supposing
) -> None:
	"""What a check-in says of its shift comes as one text: most say the same, and taking each apart is what takes the time."""
	rows = frappe.db.sql(
		f"""SELECT c.`employee`, c.`time`, c.`name`, c.`log_type`, CONCAT_WS('|', COALESCE(c.`shift_start`, ''),
			COALESCE(c.`shift_end`, ''), COALESCE(c.`shift_actual_start`, ''), COALESCE(c.`shift_actual_end`, ''), COALESCE(c.`shift`, '')), c.`attendance`, c.`skip_auto_attendance`, c.`creation`, e.`device`, {CHECKIN_DIGEST}
		FROM `tab{CHECKIN}` c LEFT JOIN `tabBiometric Staging Event` e ON e.`name`=c.`biometric_event`
		WHERE c.`employee` IN %s AND c.`time`>=%s AND c.`time`<%s""",
		(people, first, last + DAY),
	)  # the query builder has no CRC32 or CONCAT_WS
	dead = _dead({row[5] for row in rows if row[5]})
	said: dict[str, Shift | None] = {}
	for employee, time, name, log_type, shift, attendance, skipped, arrived, device, digest in rows:
		if name in supposing.gone:
			continue
		batch.digests[name] = digest
		if attendance in dead:
			batch.dead_links.add(name)
			attendance = ""
		is_again = name in supposing.refetched or (attendance and attendance in supposing.records)
		if is_again:
			attendance, skipped = "", 0
		if shift not in said:
			said[shift] = _noted(shift, roster)
		noted, log_type = said[shift], log_type or ""
		time = time.replace(microsecond=0) if time.microsecond else time
		answered = roster.answered(employee, time, log_type, bool(attendance)) or noted
		if answered is None and (found := roster.inactive(employee, time)):
			answered, batch.inactive[name] = found
		if is_again:
			noted = answered
		checkin = CheckIn(
			time, name, log_type, noted, answered, device or "", attendance or "", bool(skipped), arrived
		)
		batch.checkins.setdefault(employee, []).append(checkin)


def _dead(records: Set[str]) -> set[str]:
	"""Those of these attendance records that are cancelled, or are not there any more."""
	if not records:
		return set()
	alive = frappe.db.sql(
		f"SELECT `name` FROM `tab{ATTENDANCE}` WHERE `name` IN %s AND `docstatus`<2", (sorted(records),)
	)  # thousands of names: the query builder takes ten times as long
	return {*records} - {name for (name,) in alive}


def _add_supposed(batch: Batch, roster: Roster, supposing: Supposing) -> None:
	for employee, moments in supposing.added.items():
		for time, log_type in moments if employee in batch.people else ():
			answered = roster.answered(employee, time, log_type, False)
			name = f"{SUPPOSED} {time}"
			arrived = now_datetime()
			checkin = CheckIn(time, name, log_type, answered, answered, arrived=arrived)
			batch.checkins.setdefault(employee, []).append(checkin)


def _noted(said: str, roster: Roster) -> Shift | None:
	"""Start, end, window and name; None where it says no shift."""
	*moments, name = said.split("|", 4)
	start, end, opens, closes = (datetime.fromisoformat(moment) if moment else None for moment in moments)
	fields = {"shift_start": start, "shift_end": end, "shift_actual_start": opens, "shift_actual_end": closes}
	return roster.from_fields({"shift": name, **fields})


# --- what is written, and what excuses


def attendance_digest() -> str:
	"""The expression over `tabAttendance` a; newer versions of HRMS say more about half days."""
	meta = frappe.get_meta(ATTENDANCE)
	half = "".join(f", a.`{name}`" for name in HALF_DAY_FIELDS if meta.has_field(name))
	return ATTENDANCE_DIGEST.format(half=half)


def _with_their_fellows(batch: Batch) -> None:
	"""A check-in that lost its shift, as HRMS's *Fetch Shifts* takes it, stays with those of the same attendance."""
	for employee, checkins in batch.checkins.items():
		said = {one.attendance: one.noted for one in checkins if one.attendance and one.noted}
		if any(one.attendance in said and not one.noted for one in checkins):
			batch.checkins[employee] = [
				replace(one, noted=said[one.attendance], answered=said[one.attendance])
				if one.attendance in said and not one.noted
				else one
				for one in checkins
			]


def _read_attendance(
	batch: Batch, people: Sequence[str], first: date, last: date, supposing: Supposing
) -> None:
	meta = frappe.get_meta(ATTENDANCE)
	half_day = [name for name in HALF_DAY_FIELDS if meta.has_field(name)]
	more = "".join(f", a.`{name}`" for name in half_day)
	rows = frappe.db.sql(
		f"""SELECT a.`name`, a.`employee`, a.`attendance_date`, a.`status`, a.`working_hours`, a.`shift`, a.`leave_type`,
			a.`leave_application`, a.`attendance_request`, a.`biometric_day`, a.`in_time`, {attendance_digest()} AS digest{more}
		FROM `tab{ATTENDANCE}` a
		WHERE a.`employee` IN %s AND a.`attendance_date` BETWEEN %s AND %s AND a.`docstatus`<2 ORDER BY a.`name`""",
		(people, first, last),
		as_dict=True,
	)
	linked: dict[str, set[str]] = {}
	for checkin in (one for found in batch.checkins.values() for one in found):
		if checkin.attendance:
			linked.setdefault(checkin.attendance, set()).add(checkin.name)
	unlinked = [row.name for row in rows if row.name not in linked and row.status in BAD and row.shift]
	commented = _commented(unlinked)
	for row in rows:
		if row.name in supposing.records:
			continue
		batch.digests[row.name] = row.digest
		if row.name in supposing.reopened:
			row.update({"half_day_status": "Present", "modify_half_day_status": 1})
		mine = linked.get(row.name, set())
		by_machine = bool(mine or row.biometric_day or row.in_time or row.name in commented)
		half_leave = row.status == "Half Day" and bool(row.leave_type)
		is_open = half_leave and bool(row.get("modify_half_day_status"))
		other_half = (row.get("half_day_status") or "") if half_leave and not is_open else ""
		excused = (row.leave_type or row.leave_application) and not (half_leave and (by_machine or is_open))
		written = Written(
			row.name,
			row.status,
			flt(row.working_hours),
			row.shift or "",
			bool(excused or row.attendance_request or not (by_machine or is_open)),
			row.leave_type or "" if half_leave else "",
			other_half,
			is_open,
			frozenset(mine),
		)
		batch.written.setdefault(row.employee, []).append((row.attendance_date, written))


def _commented(records: Sequence[str]) -> set[str]:
	"""Those of which HRMS said why it wrote them, for lack of check-ins: in the same moment, or later of the other half of a leave. What a person says of
	a record comes when they look at it.
	"""
	if not records:
		return set()
	found = frappe.db.sql(
		f"""SELECT DISTINCT a.`name` FROM `tab{ATTENDANCE}` a
		JOIN `tabComment` c ON c.`reference_doctype`=%s AND c.`reference_name`=a.`name` AND c.`comment_type`='Comment'
		WHERE a.`name` IN %s AND (COALESCE(a.`leave_type`, '')!='' OR c.`creation`<=a.`creation` + INTERVAL %s SECOND)""",
		(ATTENDANCE, records, SAME_MOMENT),
	)  # the query builder has no words for the interval on both versions
	return {name for (name,) in found}


def read_leaves(batch: Batch, people: Sequence[str], first: date, last: date) -> None:
	filters = {
		"employee": ("in", people),
		"docstatus": 1,
		"status": "Approved",
		"from_date": ("<=", last),
		"to_date": (">=", first),
	}
	fields = ["name", "employee", "from_date", "to_date", "half_day", "half_day_date"]
	for row in frappe.get_all("Leave Application", filters, fields, order_by="from_date asc", limit=0):
		half_day = (row.half_day_date or row.from_date) if row.half_day else None
		leave = Leave(row.name, row.from_date, row.to_date, half_day)
		batch.leaves.setdefault(row.employee, []).append(leave)


def read_slips(batch: Batch, people: Sequence[str], first: date, last: date) -> None:
	batch.slips = slips_of(people, first, last)


def slips_of(people: Sequence[str], first: date = date.min, last: date = date.max) -> dict[str, list[Slip]]:
	"""By employee, those that cover some day of these."""
	filters = {
		"employee": ("in", people),
		"docstatus": 1,
		"start_date": ("<=", last),
		"end_date": (">=", first),
	}
	fields = ["employee", "start_date", "end_date", "name", "modified"]
	found: dict[str, list[Slip]] = {}
	for row in frappe.get_all("Salary Slip", filters, fields, limit=0):
		slip = Slip(row.name, row.start_date, row.end_date, row.modified)
		found.setdefault(row.employee, []).append(slip)
	return found


# --- of those about whom something bad would be said


def last_checkins(people: Collection[str]) -> dict[str, str]:
	"""Employee → the device of their newest check-in, empty where it was made without one; of those who have any."""
	if not people:
		return {}
	rows = frappe.db.sql(
		f"""SELECT c.`employee`, e.`device` FROM `tab{CHECKIN}` c
		JOIN (SELECT `employee`, MAX(`time`) AS `time` FROM `tab{CHECKIN}` WHERE `employee` IN %s GROUP BY `employee`) newest
			ON newest.`employee`=c.`employee` AND newest.`time`=c.`time`
		LEFT JOIN `tabBiometric Staging Event` e ON e.`name`=c.`biometric_event`""",
		(list(people),),
	)  # the newest of each, by the index on (employee, time)
	return {employee: device or "" for employee, device in rows}
