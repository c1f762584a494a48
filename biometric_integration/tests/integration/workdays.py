"""What tests of the workdays lane share: a fixed moment, days before it that are all over, and two devices."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from unittest.mock import patch

import frappe
from frappe.utils import getdate

from biometric_integration.core.punch import Direction, Kind, Punch, fingerprint
from biometric_integration.core.store import Claim
from biometric_integration.core.stream import Cursor, Stream
from biometric_integration.sync import jobs
from biometric_integration.sync.db import sql, transaction
from biometric_integration.sync.hrms import shift_notes
from biometric_integration.sync.records import cursors, device_hours, servers, staging
from biometric_integration.sync.workdays import judging, marks, rows, sweep
from biometric_integration.sync.workdays.rows import Row
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import SiteTestCase

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
DAYS = 21
CHECKIN, ATTENDANCE, ASSIGNMENT, LEAVE = (
	"Employee Checkin",
	"Attendance",
	"Shift Assignment",
	"Leave Application",
)
DECISION, HOLIDAYS, SHIFT, SLIP = "Biometric Decision", "Holiday List", "Shift Type", "Salary Slip"
OF_HOURS = (
	"start_time",
	"end_time",
	"begin_check_in_before_shift_start_time",
	"allow_check_out_after_shift_end_time",
	"determine_check_in_and_check_out",
)
DERIVED = (rows.DOCTYPE, marks.DOCTYPE, DECISION, sweep.DIGEST)
COMPARED = tuple(field for field in rows.FIELDS if field != "look_again_at")
"""When a row is looked at again depends on when it was judged."""


class WorkdaysTestCase(SiteTestCase):
	"""Three weeks that ended nine days ago: what people are, and what the settings say, is looked at for 45 days of the real calendar."""

	def setUp(self) -> None:
		super().setUp()
		self.last = getdate() - 9 * DAY
		self.first = self.last - (DAYS - 1) * DAY
		self.now = datetime.combine(getdate(), time(12))
		frappe.db.delete(SLIP, factories.of_people())
		frappe.db.delete("Attendance Request", factories.of_people())
		connection = {"endpoint_url": "http://127.0.0.1:9", "api_user": "api", "start_date": date(2020, 1, 1)}
		factories.settings(server_type="eTimeTrackLite", workdays_from=self.first, **connection)
		servers.keep_stamp("closed_until", self.now)
		self.devices = [self.device("SN-A", self.now), self.device("SN-B", self.moment(DAYS // 2, "00:00"))]
		frappe.db.set_single_value("HR Settings", "allow_multiple_shift_assignments", 1)
		self.forget()

	def forget(self) -> None:
		"""Nothing has been judged, or swept, yet."""
		for doctype in DERIVED:
			frappe.db.delete(doctype)
		frappe.db.set_single_value(servers.SETTINGS, "swept_digest", "")
		transaction.commit()

	def moment(self, day: int, at: str) -> datetime:
		"""On the so-manieth day."""
		return datetime.combine(self.first + day * DAY, time.fromisoformat(at))

	# --- what there is

	def device(self, serial: str, read_until: datetime) -> str:
		"""A device that was read up to then, and heard of just now."""
		name = factories.device(serial)
		stream = Stream("main", "eTimeTrackLite", serial, "punches")
		cursors.take(stream, "run")
		cursors.move(stream, "run", Cursor(read_until=read_until, complete_until=read_until))
		for hour in (self.now - 60 * DAY, self.now - HOUR):
			self._heard(name, hour)
		return name

	def _heard(self, device: str, at: datetime) -> None:
		values = (
			f"{at:%Y%m%d%H}-{device}",
			at,
			at,
			"Administrator",
			"Administrator",
			device,
			at,
			1,
			0,
			at,
			at,
			at,
			None,
		)
		sql.insert(device_hours.DOCTYPE, device_hours.FIELDS, [values])

	def stage(self, device: str, user_id: str, times: Iterable[datetime], direction: str = "") -> None:
		"""As a run stages them. What is known of the device stays as it is."""
		kept = frappe.get_all(device_hours.DOCTYPE, pluck="name", limit=0)
		punches = [
			Punch(
				fingerprint("main", device, user_id, at),
				Kind.PUNCH,
				device,
				user_id,
				at,
				at,
				Direction(direction or Direction.NONE),
				"row",
				arrived=at + MINUTE,
			)
			for at in times
		]
		staging.stage(Claim(Stream("main", "eTimeTrackLite", "SN-A", "punches"), Cursor(), "run"), punches)
		frappe.db.delete(device_hours.DOCTYPE, {"name": ("not in", kept)})

	def use(self) -> int:
		transaction.commit()
		return jobs.process()

	def checkin(self, employee: str, at: datetime, log_type: str = "", **values):
		document = frappe.get_doc(
			{"doctype": CHECKIN, "employee": employee, "time": at, "log_type": log_type, **values}
		)
		return document.insert(ignore_permissions=True)

	def attendance(self, employee: str, day: date, status: str = "Present", submit: bool = True, **values):
		document = frappe.get_doc(
			{
				"doctype": ATTENDANCE,
				"employee": employee,
				"attendance_date": day,
				"status": status,
				"company": factories.company(),
				**values,
			}
		)
		document.insert(ignore_permissions=True)
		if submit:
			document.submit()
		return document

	def leave(self, employee: str, first: date, last: date, half_day: date | None = None):
		document = frappe.get_doc(
			{
				"doctype": LEAVE,
				"employee": employee,
				"leave_type": leave_type(),
				"from_date": first,
				"to_date": last,
				"half_day": int(bool(half_day)),
				"half_day_date": half_day,
				"company": factories.company(),
				"status": "Approved",
			}
		)
		document.insert(ignore_permissions=True)
		document.submit()
		return document

	# --- what comes of it

	def judge(self) -> int:
		return judging.run(now=self.now)

	def sweep(self) -> int:
		transaction.commit()
		return transaction.in_one(lambda: sweep.sweep(self.first, self.now))

	def rebuild(self, people: Iterable[str]) -> dict[str, Row]:
		"""What rows there would be if none had ever been."""
		transaction.commit()
		return judging.Lane(judging.policy(self.now)).derived(
			{who: (self.first, getdate()) for who in people}
		)

	def rows(self, people: Iterable[str]) -> dict[str, Row]:
		return rows.existing({who: (date.min, date.max) for who in people})

	def marks(self) -> int:
		return frappe.db.count(marks.DOCTYPE)


class Remembered:
	"""Answers of HRMS about shifts, asked again only where what they depend on is other than before: it takes 20 ms over each.

	What an answer depends on is read beside it, on the same view of the data.
	"""

	def __init__(self) -> None:
		self._answers: dict[tuple, shift_notes.Fields] = {}
		self._state: dict[str, tuple] = {}
		self._prepare, self._ask = shift_notes.ShiftNotes.prepare, shift_notes._asked

	def patches(self):
		"""To be entered by a test."""
		remembered = self

		def prepare(notes, defaults, first, last):
			remembered._prepare(notes, defaults, first, last)
			remembered._read(defaults)

		yield patch.object(shift_notes.ShiftNotes, "prepare", prepare)
		yield patch.object(shift_notes, "_asked", self._asked)

	def _read(self, people: Iterable[str]) -> None:
		of = (sorted(people) or [""],)
		shifts = {
			row[0]: row for row in frappe.get_all(SHIFT, fields=["name", *OF_HOURS], as_list=True, limit=0)
		}
		fields = "`employee`, `shift_type`, `name`, `start_date`, `end_date`, `status`, `docstatus`"
		rows = frappe.db.sql(
			f"SELECT {fields} FROM `tab{ASSIGNMENT}` WHERE `employee` IN %s ORDER BY `name`", of
		)
		defaults = frappe.db.sql("SELECT `name`, `default_shift` FROM `tabEmployee` WHERE `name` IN %s", of)
		self._state = {}
		for who, default in defaults:
			mine = tuple(row for row in rows if row[0] == who)
			types = {default, *(row[1] for row in mine)} - {None, ""}
			self._state[who] = (default, mine, *(shifts.get(name) for name in sorted(types)))

	def _asked(self, employee: str, time: datetime, log_type: str) -> shift_notes.Fields:
		key = (employee, time, log_type, self._state.get(employee))
		if key not in self._answers:
			self._answers[key] = self._ask(employee, time, log_type)
		return self._answers[key]


def leave_type() -> str:
	name = "Biometric Test Leave"
	if not frappe.db.exists("Leave Type", name):
		frappe.get_doc({"doctype": "Leave Type", "leave_type_name": name, "is_lwp": 1}).insert()
	return name


def differences(old: dict[str, Row], new: dict[str, Row]) -> list[str]:
	"""Of rows that are there and rows as they ought to be, in words."""
	found = []
	for name in sorted({*old, *new}):
		before, after = old.get(name), new.get(name)
		if before and after and rows._is_silent_still(before, after):
			before = {**before, **{field: after[field] for field in rows.SAID_LATER}}
		if before is None or after is None:
			row = before or after
			what = "too much" if after is None else "missing"
			found.append(
				f"{row['employee']} {row['date']} {row['shift']}: {what}, {row['state']} {row['reason']}"
			)
			continue
		for field in COMPARED:
			if rows._shown(before[field]) != rows._shown(after[field]):
				was, is_now = before[field], after[field]
				if field == "reason_values":
					was, is_now = (
						dict(json.loads(one).items() - json.loads(other).items())
						for one, other in ((was, is_now), (is_now, was))
					)
				found.append(
					f"{after['employee']} {after['date']} {after['shift']}: {field} {was!r} ≠ {is_now!r}"
				)
	return found
