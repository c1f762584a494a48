"""Plays a month on a site: devices and their server, the app's lanes, Frappe HR's own hourly job, and what people enter, each at its time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple

import frappe
from frappe.utils import get_system_timezone

from hrms.hr.doctype.shift_type import shift_type as hrms_shifts

from biometric_integration.core import punch as core_punch
from biometric_integration.core.runs import Trigger
from biometric_integration.core.store import Claim
from biometric_integration.core.stream import Cursor, Stream
from biometric_integration.simulator import World
from biometric_integration.sync import jobs
from biometric_integration.sync.records import servers, staging
from biometric_integration.sync.workdays import judging, marks
from biometric_integration.sync.workdays.marks import Mark, Scope
from biometric_integration.tests import factories
from biometric_integration.tests.workdays import month as months
from biometric_integration.tests.workdays.clock import Clock
from biometric_integration.tests.workdays.month import Change, Contact, Happening, Leave, Month, Punch, Roster

TICK = timedelta(hours=1)
MINUTES = timedelta(minutes=35)
"""Past the hour the server is read."""
USED_EVERY = timedelta(days=4)
"""Before the month, when nobody looks."""
HOURS = (7, 19)
"""After which Frappe HR writes, and workdays are judged; what came until then is used before, and before people enter something."""
SERVER_TYPE = "eBioServer"
GUARDS = ("guard", "depot")
LONGEST_WORKDAY = 26.0


class Way(NamedTuple):
	"""Who writes attendance. automatic: HRMS, by its shift types; by_clock: it moves its own mark; guarded: absences need proof."""

	output: str = "Employee Checkin"
	automatic: bool = True
	by_clock: bool = True
	guarded: bool = True


class Recorded(NamedTuple):
	"""An attendance."""

	status: str
	hours: float
	other_half: str


class Said(NamedTuple):
	"""A workday's row."""

	state: str
	reason: str
	would: str


class Replay:
	"""The site as the month sees it. `employees`: number of the person → employee."""

	def __init__(self, month: Month, clock: Clock, way: Way):
		self.month, self.clock, self.way = month, clock, way
		self.world = World(clock.now, get_system_timezone())
		self._used_at = datetime.min
		for device in months.DEVICES:
			self.world.add_device(device.serial, device.name, device.location, device.direction)
		for happening in month.happenings:
			punch = happening.what
			if isinstance(punch, Punch) and punch.device and punch.received:
				code, way = punch.person.code, punch.device.direction
				self.world.punch(punch.device.serial, code, punch.time, way, punch.received)

	def set_up(self) -> None:
		"""Shifts with HRMS's auto attendance by the clock, holidays, and people."""
		days = [day for day in _days(months.BEGIN, months.END) if months.is_holiday(day)]
		self.holiday_list = factories.holidays(*days)
		self.shifts = {shift.label: self._shift_type(shift) for shift in months.SHIFTS}
		self.employees = {person.number: self._employee(person) for person in self.month.people}

	def _shift_type(self, shift: months.Shift) -> str:
		margin = int(months.MARGIN.total_seconds() / 60)
		way = (
			"First Check-in and Last Check-out" if shift.first_last else "Every Valid Check-in and Check-out"
		)
		values = {
			"enable_auto_attendance": int(self.way.automatic),
			"auto_update_last_sync": int(self.way.by_clock),
			"process_attendance_after": months.FIRST,
			"last_sync_of_checkin": datetime.combine(months.FIRST, datetime.min.time()),
			"determine_check_in_and_check_out": "Alternating entries as IN and OUT during the same shift",
			"working_hours_calculation_based_on": way,
			"working_hours_threshold_for_half_day": shift.half,
			"working_hours_threshold_for_absent": shift.absent,
			"begin_check_in_before_shift_start_time": margin,
			"allow_check_out_after_shift_end_time": margin,
			"holiday_list": self.holiday_list,
		}
		return factories.shift_type(f"{shift.start}", f"{shift.end}", **values)

	def _employee(self, person: months.Person) -> str:
		default = months.default_shift(person)
		has_id = person.group != "mobile" and not person.id_entered
		return factories.employee(
			person.code if has_id else None,
			person.joined,
			default_shift=self.shifts[default.label] if default else None,
			holiday_list=self.holiday_list,
			longest_workday=LONGEST_WORKDAY if person.group in GUARDS else 0,
		)

	# --- as time goes by

	def play(self) -> None:
		"""What came before the month is staged day by day; from then on the server is read."""
		jobs.pull_server("main")  # the devices are known from now on
		waiting = iter([*self._entered(), None])
		coming = next(waiting)
		rows = frappe.get_all("Biometric Device", fields=["serial_number", "name"], as_list=True)
		self.devices = dict(rows)
		for moment, came in self._ticks():
			while coming and coming.at <= moment:
				self.clock.now = coming.at
				self._happens(coming)
				coming = next(waiting)
			self.clock.now = self.world.now = moment
			if moment.date() < months.FIRST:
				self._stage(came, moment)
			else:
				self._tick(moment)

	def _entered(self) -> list[Happening]:
		"""All but punches at devices: the server has those."""
		return [one for one in self.month.happenings if not (isinstance(one.what, Punch) and one.what.device)]

	def _ticks(self) -> Iterator[tuple[datetime, list[Punch]]]:
		"""Each hour in which punches came, and those when the others work."""
		punches = (one.what for one in self.month.happenings if isinstance(one.what, Punch))
		waiting = deque(sorted((one for one in punches if one.received), key=lambda one: one.received))
		moment = datetime.combine(months.BEGIN, datetime.min.time()) + MINUTES
		while moment.date() <= months.END:
			came = []
			while waiting and waiting[0].received <= moment:
				came.append(waiting.popleft())
			if came or moment.hour in HOURS:
				yield moment, came
			moment += TICK

	def _stage(self, came: list[Punch], now: datetime) -> None:
		"""As a run stages them that reads the server now."""
		punches = [self._staged(one, now) for one in came if one.device]
		staging.stage(Claim(Stream("main", SERVER_TYPE, "", "lead-in"), Cursor(), "lead-in"), punches)
		frappe.db.commit()  # nosemgrep -- as a run does
		if now - self._used_at >= USED_EVERY:
			self._used_at = now
			jobs.process()

	def _staged(self, one: Punch, now: datetime) -> core_punch.Punch:
		device = self.devices[one.device.serial]
		way = core_punch.Direction(one.device.direction.upper())
		name = core_punch.fingerprint("main", device, one.person.code, one.time)
		return core_punch.Punch(
			name, core_punch.Kind.PUNCH, device, one.person.code, one.time, one.time, way, "", arrived=now
		)

	def _tick(self, now: datetime) -> None:
		server = servers.get("main")
		jobs.read(server, server.options(Trigger.SCHEDULED))
		if now.hour in HOURS:
			jobs.process()
			self._auto_attendance()
			jobs.workdays()

	def _auto_attendance(self) -> None:
		"""As `process_auto_attendance_for_all_shifts`, of our shifts."""
		hrms_shifts.update_last_sync_of_checkin()
		for name in self.shifts.values():
			frappe.get_cached_doc("Shift Type", name).process_auto_attendance()
		frappe.db.commit()  # nosemgrep -- as the scheduler does

	# --- what people do beside punching at a device

	def _happens(self, happening: Happening) -> None:
		does: dict[type, Callable] = {
			Punch: self._check_in,
			Roster: self._assign,
			Leave: self._approve,
			Change: self._change,
			Contact: self._contact,
		}
		if isinstance(happening.what, (Roster, Change)) and happening.at.date() >= months.FIRST:
			jobs.process()
		does[type(happening.what)](happening.what)
		frappe.db.commit()  # nosemgrep -- as a person who saved it

	def _check_in(self, punch: Punch) -> None:
		employee = self.employees[punch.person.number]
		values = {"doctype": "Employee Checkin", "employee": employee, "time": punch.time}
		frappe.get_doc(values).insert()

	def _assign(self, roster: Roster) -> None:
		employee = self.employees[roster.person.number]
		factories.shift_assignment(employee, self.shifts[roster.shift.label], roster.first, roster.last)

	def _approve(self, leave: Leave) -> None:
		half = {"half_day": 1, "half_day_date": leave.first} if leave.is_half else {}
		factories.leave(self.employees[leave.person.number], leave.first, leave.last, **half)

	def _change(self, change: Change) -> None:
		employee = frappe.get_doc("Employee", self.employees[change.person.number])
		employee.update(change.values)
		employee.save()

	def _contact(self, contact: Contact) -> None:
		self.world.set_last_ping(contact.device.serial, None if contact.is_on else self.clock.now)

	# --- what came of it

	def judge_again(self) -> int:
		"""All rows are made once more; returns how many are others then."""
		marks.add([Mark(Scope.EVERYBODY, "", months.FIRST, months.LAST)])
		frappe.db.commit()  # nosemgrep -- the lane reads what is committed
		return judging.run()

	def recorded(self) -> dict[tuple[int, date], list[Recorded]]:
		fields = ["employee", "attendance_date", "status", "working_hours", "half_day_status", "leave_type"]
		rows = self._rows("Attendance", "attendance_date", fields, docstatus=1)
		return {
			key: [
				Recorded(
					row.status, row.working_hours or 0.0, row.half_day_status or "" if row.leave_type else ""
				)
				for row in found
			]
			for key, found in rows.items()
		}

	def said(self) -> dict[tuple[int, date], list[Said]]:
		rows = self._rows(
			"Biometric Workday", "date", ["employee", "date", "state", "reason", "would_status"]
		)
		return {
			key: [Said(row.state, row.reason or "", row.would_status or "") for row in found]
			for key, found in rows.items()
		}

	def _rows(self, doctype: str, day: str, fields: list[str], **filters) -> dict[tuple[int, date], list]:
		numbers = {employee: number for number, employee in self.employees.items()}
		filters = {
			"employee": ("in", list(numbers)),
			day: ("between", (months.FIRST, months.LAST)),
			**filters,
		}
		found: dict[tuple[int, date], list] = {}
		for row in frappe.get_all(doctype, filters, fields, order_by="name asc", limit=0):
			found.setdefault((numbers[row.employee], row[day]), []).append(row)
		return found


def _days(first: date, last: date) -> Iterator[date]:
	while first <= last:
		yield first
		first += timedelta(days=1)
