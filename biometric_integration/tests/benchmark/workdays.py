"""What judging costs: a day of many people, the sweep over weeks of them, and what others pay for it: saves, and HRMS's own job."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import islice
from statistics import median

import frappe
from frappe.utils import get_system_timezone, getdate

from biometric_integration.core.window import DAY
from biometric_integration.sync.db import sql
from biometric_integration.sync.records import device_hours
from biometric_integration.sync.workdays import attendance, judging, marks, rows, sweep
from biometric_integration.sync.workdays.marks import Mark, Scope
from biometric_integration.sync.workdays.shift_type import ShiftTypeGuard
from biometric_integration.tests import factories
from biometric_integration.tests.attack.rig import CHECKIN, EVENT
from biometric_integration.tests.benchmark import place
from biometric_integration.tests.benchmark.table import Line, Table, tell

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
STARTS, LENGTH = (6, 8, 9, 13, 21), 9 * HOUR
"""When the shifts begin, an hour of the day; the last one is a night."""
DEVICES = 20
TURNS = 15
"""How often the two ways that are compared take turns."""
OF_HRMS, MANY = 100, 1000
"""People whom HRMS marks in one turn, and whom it looks at."""
WRITTEN = 1000
"""People whose attendance of a day is written here."""
CHUNK = 5000
HANDLERS = ("biometric_integration.sync.workdays.stale.", "biometric_integration.sync.workdays.guard.")
GUARDED = ("get_employee_checkins", "get_dates_for_attendance", "mark_absent_for_half_day_dates")
ATTENDANCE = "Attendance"

META = ("creation", "modified", "owner", "modified_by")
EVENT_FIELDS = (
	"name",
	*META,
	"kind",
	"status",
	"reason_code",
	"employee",
	"device",
	"device_user_id",
	"source_time",
	"punch_time",
	"server",
	"employee_checkin",
)
CHECKIN_FIELDS = (
	"name",
	*META,
	"employee",
	"employee_name",
	"time",
	"log_type",
	"shift",
	"shift_start",
	"shift_end",
	"shift_actual_start",
	"shift_actual_end",
	"skip_auto_attendance",
	"biometric_event",
)


def measure(table: Table, people: int, days: int) -> None:
	place.clear()
	_forget()
	last = getdate() - DAY
	first, now = last - (days - 1) * DAY, datetime.combine(getdate(), time(2))
	shifts = [_shift(hour) for hour in STARTS]
	employees = _hire(people, shifts, first)
	_fill(employees, shifts, first, days, now)
	table.add(Line(f"workdays, {people:,} people, {days} days, {frappe.db.count(CHECKIN):,} check-ins", 0))
	_judging(table, employees, first, last, now)
	_sweeping(table, employees, first, last, now)
	_saves(table, employees[0], shifts[0])
	rate = _writing(table, employees[:WRITTEN], last, now)
	_hrms(table, employees, shifts, last, rate)
	_forget()
	place.clear()


# --- judging and sweeping


def _judging(table: Table, employees: Sequence[str], first: date, last: date, now: datetime) -> None:
	queries: list[int] = []
	for name in ("a day is judged, and its rows are written", "the same once more, without a change"):
		_mark(employees, last, last)
		before = _queries()
		seconds, _changed = place.timed(lambda: judging.run(now=now))
		queries.append(_queries() - before)
		table.add(
			Line(f"  {name}", len(employees), seconds, note=f"{seconds:.1f} s, {queries[-1]:,} queries")
		)
	_mark(employees, first, last)
	seconds, changed = place.timed(lambda: judging.run(now=now))
	table.add(Line("  all days are judged", int(str(changed)), seconds, note=f"{seconds:.0f} s"))
	states = frappe.get_all(rows.DOCTYPE, fields=["state", "reason"], limit=0)
	tell(str({(row.state, row.reason) for row in states}))


def _sweeping(table: Table, employees: Sequence[str], first: date, last: date, now: datetime) -> None:
	sweep.sweep(first, now)  # the first one learns the roster
	judging.run(now=now)
	seconds, found = place.timed(lambda: sweep.sweep(first, now))
	table.expect("people found by a sweep after nothing changed", found, 0)
	table.add(
		Line("  the sweep", frappe.db.count(rows.DOCTYPE), seconds, note=f"{seconds:.1f} s, nothing changed")
	)
	frappe.db.sql(
		f"UPDATE `tab{CHECKIN}` SET `skip_auto_attendance`=1 WHERE `employee`=%s LIMIT 1", employees[0]
	)
	table.expect("people found by a sweep after one change", sweep.sweep(first, now), 1)
	frappe.db.rollback()


def _mark(employees: Sequence[str], first: date, last: date) -> None:
	frappe.db.delete(marks.DOCTYPE)
	marks.add(Mark(Scope.EMPLOYEE, employee, first, last) for employee in employees)
	frappe.db.commit()  # nosemgrep -- the lane sees it


def _queries() -> int:
	return int(frappe.db.sql("SHOW SESSION STATUS LIKE 'Questions'")[0][1])


# --- what others pay


def _saves(table: Table, employee: str, shift: str) -> None:
	"""The handlers by themselves: what they add to a save."""
	person = frappe.get_doc("Employee", employee)
	shift_type = frappe.get_doc("Shift Type", shift)
	checkin = frappe.get_doc("Employee Checkin", frappe.db.get_value(CHECKIN, {"employee": employee}))
	for document, field, values in (
		(person, "holiday_list", (factories.holiday_list(), None)),
		(shift_type, "late_entry_grace_period", (10, 5)),
		(checkin, "log_type", ("IN", "OUT")),
	):
		added = _added(partial(_save, document, field, values))
		table.add(
			Line(
				f"  a save of {document.doctype}",
				0,
				note=f"{added * 1000:+.1f} ms for its mark (median of {TURNS})",
			)
		)


def _save(document, field: str, values: tuple) -> None:
	document.set(field, values[document.get(field) == values[0]])
	document.save(ignore_permissions=True)


def _added(action: Callable[[], object]) -> float:
	"""Seconds, in the median of turns with and without the handlers."""
	with_them, without = [], []
	action()
	for _turn in range(TURNS):
		with_them.append(place.timed(action)[0])
		with _without_handlers():
			without.append(place.timed(action)[0])
	frappe.db.rollback()
	return median(one - other for one, other in zip(with_them, without, strict=True))


def _writing(table: Table, employees: Sequence[str], last: date, now: datetime) -> float:
	"""Attendance of one day, with the rows brought up to date; returns how many a second."""
	_mark(employees, last, last)
	judging.run(now=now)
	frappe.db.set_single_value("Biometric Sync Settings", {"output": "Attendance", "attendance_from": last})
	frappe.db.commit()  # nosemgrep -- the lane sees it
	others = {"name": ("not in", employees)}
	marks.add(
		Mark(Scope.EMPLOYEE, name, last, last)
		for name in frappe.get_all("Employee", others, pluck="name", limit=0)
	)
	before = _queries()
	seconds, written = place.timed(lambda: attendance.run(now=now))
	each = (_queries() - before) / max(int(str(written)), 1)
	table.add(Line("  attendance is written", int(str(written)), seconds, note=f"{each:.1f} queries each"))
	frappe.db.set_single_value("Biometric Sync Settings", "output", "Employee Checkin")
	_forget_attendance()
	frappe.db.delete(marks.DOCTYPE)
	return int(str(written)) / seconds


def _hrms(table: Table, employees: Sequence[str], shifts: Sequence[str], last: date, rate: float) -> None:
	"""HRMS's own job over one shift, with this app beside it and without: days that it writes, and an hour in which there is nothing to write.

	rate: attendance written here in a second.
	"""
	shift, first = shifts[0], last - 2 * DAY
	values = {
		"enable_auto_attendance": 1,
		"process_attendance_after": first,
		"last_sync_of_checkin": datetime.combine(last, time(23)),
	}
	frappe.db.set_value("Shift Type", shift, values)
	writing = [employee for employee in employees if _default(employee) == shift][:OF_HRMS]
	_only(writing, shift, shifts[1])
	took, share = _in_turn(shift, _nothing_written, 3)
	written = frappe.db.count(ATTENDANCE, {"shift": shift})
	note = f"{share:.2f} times as long as without this app; {rate * took / written:.2f} times as fast is written here"
	table.add(Line("  HRMS's own job", written, took, note=note))
	_nothing_written()
	many = list(employees[:MANY])
	_only(many, shift, shifts[1])
	_all_written(many, shift, first)
	idle, share = _in_turn(shift, lambda: None, 3)
	note = f"{share:.2f} times as long as without this app"
	table.add(Line("  the same, an hour in which all is written", len(many), idle, note=note))
	_nothing_written()
	_hold(many, shift, first)
	held = frappe.db.count(rows.DOCTYPE, {"employee": ("in", many), "shift": shift, "state": "Held"})
	seconds = median(_job(shift) for _turn in range(3))
	table.expect("attendance written of days that are held", frappe.db.count(ATTENDANCE, {"shift": shift}), 0)
	note = f"{seconds - idle:+.1f} s an hour; 20,000 held: {(seconds - idle) / held * 20_000:+.0f} s"
	table.add(Line("  the same, all of it held", held, seconds, note=note))
	_forget_attendance()


def _in_turn(shift: str, prepare: Callable[[], object], pairs: int) -> tuple[float, float]:
	"""Seconds with this app in the median, and how many times as long as without it."""
	took: dict[bool, list[float]] = {True: [], False: []}
	for turn in range(2 * pairs + 1):
		prepare()
		is_with = bool(turn % 2)
		with ExitStack() as stack:
			if not is_with:
				stack.enter_context(_without_handlers())
				stack.enter_context(_without_guard())
			seconds = _job(shift)
		if turn:  # the first one warms up
			took[is_with].append(seconds)
	pairs_of = zip(took[True], took[False], strict=True)
	return median(took[True]), median(one / other for one, other in pairs_of)


def _job(shift: str) -> float:
	frappe.db.commit()  # nosemgrep -- HRMS commits as well
	return place.timed(frappe.get_doc("Shift Type", shift).process_auto_attendance)[0]


def _only(people: Sequence[str], shift: str, other: str) -> None:
	"""Nobody else has this shift, or check-ins that HRMS would take for it."""
	frappe.db.set_value("Employee", {"default_shift": shift}, "default_shift", other)
	frappe.db.set_value("Employee", {"name": ("in", people)}, "default_shift", shift)
	frappe.db.sql(
		f"UPDATE `tab{CHECKIN}` SET `skip_auto_attendance`=(`employee` NOT IN %s) WHERE `shift`=%s",
		(people, shift),
	)


def _nothing_written() -> None:
	"""And nothing waits to be judged: what HRMS writes leaves marks."""
	_forget_attendance()
	frappe.db.delete(marks.DOCTYPE)


def _all_written(people: Sequence[str], shift: str, first: date) -> None:
	meta = (first, first, "Administrator", "Administrator")
	fields = ("name", *META, "employee", "attendance_date", "status", "shift", "docstatus")
	records = [
		(f"WORKDAYS-{employee}-{day}", *meta, employee, first + day * DAY, "Present", shift, 1)
		for employee in people
		for day in range(3)
	]
	sql.insert(ATTENDANCE, fields, records)
	frappe.db.sql(f"UPDATE `tab{CHECKIN}` SET `skip_auto_attendance`=1 WHERE `shift`=%s", shift)


def _hold(people: Sequence[str], shift: str, first: date) -> None:
	"""Each has a check-in a day, and a device that is not heard from."""
	frappe.db.delete(rows.DOCTYPE, {"employee": ("in", people), "date": (">=", first)})
	frappe.db.delete(CHECKIN, {"employee": ("in", people), "time": (">=", first)})
	meta = (first, first, "Administrator", "Administrator")
	held, checkins = [], []
	for employee in people:
		for day in range(3):
			start = datetime.combine(first + day * DAY, time(STARTS[0]))
			name = f"WORKDAYS-{employee}-{day}"
			held.append((name, *meta, employee, start.date(), "Held", shift, start, 1))
			of_shift = (shift, start, start + LENGTH, start - HOUR, start + LENGTH + HOUR)
			checkins.append((name, *meta, employee, employee, start, "", *of_shift, 0, None))
	fields = ("name", *META, "employee", "date", "state", "shift", "shift_start", "checkins")
	sql.insert(rows.DOCTYPE, fields, held)
	sql.insert(CHECKIN, CHECKIN_FIELDS, checkins)


@contextmanager
def _without_guard() -> Iterator[None]:
	"""As if HRMS's class were the only one."""
	own = {name: vars(ShiftTypeGuard)[name] for name in GUARDED}
	for name in own:
		delattr(ShiftTypeGuard, name)
	try:
		yield
	finally:
		for name, method in own.items():
			setattr(ShiftTypeGuard, name, method)


def _default(employee: str) -> str:
	return frappe.db.get_value("Employee", employee, "default_shift") or ""


def _forget_attendance() -> None:
	about = {"employee": ("in", factories.everybody())}
	frappe.db.delete(ATTENDANCE, about)
	frappe.db.set_value(
		CHECKIN, {**about, "attendance": ("is", "set")}, "attendance", None, update_modified=False
	)
	frappe.db.delete("Comment", {"reference_doctype": ATTENDANCE})
	frappe.db.commit()  # nosemgrep -- HRMS commits as well


@contextmanager
def _without_handlers() -> Iterator[None]:
	"""As if nothing left a mark, and nobody were asked."""
	hooks = frappe.get_doc_hooks()
	before = {
		(doctype, event): list(paths)
		for doctype, events in hooks.items()
		for event, paths in events.items()
		if any(path.startswith(HANDLERS) for path in paths)
	}
	for (doctype, event), paths in before.items():
		hooks[doctype][event] = [path for path in paths if not path.startswith(HANDLERS)]
	try:
		yield
	finally:
		for (doctype, event), paths in before.items():
			hooks[doctype][event] = paths


# --- the weeks before


def _shift(hour: int) -> str:
	end = f"{(hour + 9) % 24:02d}:00:00"
	margins = {"begin_check_in_before_shift_start_time": 60, "allow_check_out_after_shift_end_time": 60}
	return factories.shift_type(f"{hour:02d}:00:00", end, working_hours_threshold_for_half_day=5, **margins)


def _hire(people: int, shifts: Sequence[str], first: date) -> list[str]:
	found = factories.employees([f"W{number}" for number in range(people)], date_of_joining=first)
	for number, shift in enumerate(shifts):
		own = [name for place, name in enumerate(found.values()) if place % len(shifts) == number]
		frappe.db.set_value("Employee", {"name": ("in", own)}, "default_shift", shift)
	return list(found.values())


def _fill(employees: Sequence[str], shifts: Sequence[str], first: date, days: int, now: datetime) -> None:
	factories.settings(
		server_type="eTimeTrackLite",
		endpoint_url="http://127.0.0.1:9",
		api_user="api",
		api_password="x",
		time_zone=get_system_timezone(),
		start_date=first,
		workdays_from=first,
		closed_until=now,
		swept_at=now,
	)
	devices = [factories.device(f"WORKDAYS{number}", location="W") for number in range(DEVICES)]
	punches = _punches(employees, shifts, devices, first, days)
	while chunk := list(islice(punches, CHUNK)):
		sql.insert(EVENT, EVENT_FIELDS, [event for event, _checkin in chunk])
		sql.insert(CHECKIN, CHECKIN_FIELDS, [checkin for _event, checkin in chunk])
		frappe.db.commit()  # nosemgrep -- a chunk of made-up history
	for number, device in enumerate(devices):
		_read(number, device, first, days, now)
	frappe.db.commit()  # nosemgrep -- made-up history
	for doctype in (EVENT, CHECKIN):
		frappe.db.sql_ddl(f"ANALYZE TABLE `tab{doctype}`")


def _punches(
	employees: Sequence[str], shifts: Sequence[str], devices: Sequence[str], first: date, days: int
) -> Iterator[tuple[tuple, tuple]]:
	"""Three people of a hundred do not come on a day, and three punches of two hundred are forgotten."""
	count = 0
	for day in range(days):
		for number, employee in enumerate(employees):
			if (number * 31 + day * 17) % 100 < 3:
				continue
			hour = STARTS[number % len(STARTS)]
			start = datetime.combine(first + day * DAY, time(hour))
			for is_out in (False, True):
				if is_out and (number * 37 + day * 11) % 200 < 3:
					continue
				count += 1
				at = start + is_out * LENGTH + ((number * 7 + day * 13) % 40 - 20 + 20 * is_out) * MINUTE
				meta = (at, at, "Administrator", "Administrator")
				event, checkin = f"{at:%Y%m%d%H%M%S}-{count:020x}", f"WORKDAYS-{count}"
				shift = (
					shifts[number % len(shifts)],
					start,
					start + LENGTH,
					start - HOUR,
					start + LENGTH + HOUR,
				)
				device = devices[number % len(devices)]
				used = ("Punch", "Processed", "", employee, device, f"W{number}", at, at, "main", checkin)
				yield (event, *meta, *used), (checkin, *meta, employee, employee, at, "", *shift, 0, event)


def _read(number: int, device: str, first: date, days: int, now: datetime) -> None:
	"""The device gave a sign of life in each hour, and was read until now."""
	hours = (datetime.combine(first, time()) + hour * HOUR for hour in range(24 * (days + 1)))
	meta = (now, now, "Administrator", "Administrator")
	sql.insert(
		device_hours.DOCTYPE,
		device_hours.FIELDS,
		[
			(
				f"{hour:%Y%m%d%H}-{device}",
				*meta,
				device,
				hour,
				10,
				0,
				hour,
				hour + 55 * MINUTE,
				hour + 55 * MINUTE,
				None,
			)
			for hour in hours
			if hour + HOUR < now
		],
	)
	serial = f"WORKDAYS{number}"
	stream = f"main/eTimeTrackLite/{serial}/punches"
	fields = (
		"name",
		*META,
		"server",
		"server_type",
		"unit",
		"feed",
		"last_run",
		"read_until",
		"complete_until",
		"scans",
	)
	of_stream = ("main", "eTimeTrackLite", serial, "punches", now, now, now, "{}")
	sql.insert("Biometric Sync Cursor", fields, [(stream, *meta, *of_stream)])


def _forget() -> None:
	for doctype in (rows.DOCTYPE, marks.DOCTYPE, sweep.DIGEST, device_hours.DOCTYPE):
		frappe.db.delete(doctype)
	frappe.db.commit()  # nosemgrep -- the next part begins without them
