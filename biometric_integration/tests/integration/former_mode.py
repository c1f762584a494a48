"""What output *Attendance* left behind when it did without check-ins: punches that wait for their day, or are part of a record themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from hashlib import blake2b

import frappe
from frappe.utils import add_months, get_first_day, getdate, now_datetime

from biometric_integration.core.punch import fingerprint
from biometric_integration.sync.db import sql
from biometric_integration.sync.records import words
from biometric_integration.tests import factories

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ATTENDANCE, EVENT, TIMESHEET = "Attendance", "Biometric Staging Event", "Timesheet"


def key(employee: str, start: datetime, shift: str = "") -> str:
	text = "\x1f".join((employee, shift, start.isoformat()))
	return f"{start:%Y%m%d}-{blake2b(text.encode(), digest_size=10).hexdigest()}"


class FormerSite:
	"""Four people over three calendar months until yesterday: by day and by night, with a shift and without. Of the first month a slip is submitted."""

	def __init__(self, device: str):
		self.device = device
		self.today = getdate()
		self.first = getdate(add_months(get_first_day(self.today), -2))
		self.cut_over = getdate(add_months(self.first, 1))
		self.open_from = self.today - 3 * DAY
		margins = {"begin_check_in_before_shift_start_time": 60, "allow_check_out_after_shift_end_time": 60}
		self.shifts = {
			"day": factories.shift_type("09:00:00", "18:00:00", **margins),
			"night": factories.shift_type("22:00:00", "06:00:00", **margins),
		}
		self.people = {
			"day": factories.employee(default_shift=self.shifts["day"]),
			"night": factories.employee(default_shift=self.shifts["night"]),
			"plain": factories.employee(),
			"guard": factories.employee(),
		}
		self.records: list[tuple] = []
		self.events: list[dict] = []
		self.timesheets: list[tuple] = []
		self._attendance = self._template()
		for day in self._days():
			self._day(day)
		self._odd_ones()
		self._write()

	def _days(self) -> Iterator[date]:
		"""Some of the first month, every other one since then, and all of the last week."""
		for number in range((self.today - self.first).days):
			day = self.first + number * DAY
			every = 4 if day < self.cut_over else 2 if day < self.today - 7 * DAY else 1
			if (day - self.cut_over).days % every == 0:
				yield day

	def _template(self) -> dict:
		record = frappe.get_doc(
			{
				"doctype": ATTENDANCE,
				"employee": self.people["plain"],
				"attendance_date": self.first - DAY,
				"status": "Present",
				"company": factories.company(),
			}
		).insert()
		record.submit()
		row = frappe.db.get_value(ATTENDANCE, record.name, "*", as_dict=True)
		frappe.db.delete(ATTENDANCE, {"name": record.name})
		return row

	def _day(self, day: date) -> None:
		start = datetime.combine(day, time())
		self._worked("day", day, start + 9 * HOUR, (9, 18))
		self._worked("night", day, start + 22 * HOUR, (22, 30))
		self._worked("plain", day, start, (8, 12, 13, 17))
		self._worked("guard", day, start, (6, 20))

	def _worked(self, who: str, day: date, start: datetime, hours: Sequence[float]) -> None:
		employee, shift = self.people[who], self.shifts.get(who, "")
		times = [datetime.combine(day, time()) + hour * HOUR for hour in hours]
		if day >= self.open_from:
			reasons = {"day": "auto_attendance", "night": "no_direction"}
			self.punches(employee, times, "Pending", reasons.get(who, "day_open"))
			return
		record = self.record(employee, day, times, shift, key(employee, start, shift))
		self.punches(employee, times, "Processed", "", record)
		if who in ("plain", "night"):
			self.timesheets.append((factories.unique("TS"), employee, key(employee, start, shift)))

	def record(
		self, employee: str, day: date, times: Sequence[datetime], shift: str, of_day: str | None, **values
	) -> str:
		name, total = factories.unique("HR-ATT"), (times[-1] - times[0]) / HOUR
		own = {
			"name": name,
			"employee": employee,
			"attendance_date": day,
			"shift": shift or None,
			"working_hours": total,
			"in_time": times[0],
			"out_time": times[-1],
			"biometric_day": of_day,
		}
		self.records.append({**self._attendance, **own, **values})
		return name

	def punches(
		self, employee: str, times: Iterable[datetime], status: str, code: str, record: str = "", **values
	) -> None:
		for moment in times:
			self.events.append(
				{
					"name": fingerprint("main", self.device, employee, moment),
					"creation": moment,
					"modified": moment,
					"kind": "Punch",
					"status": status,
					"reason_code": code,
					"reason_values": "",
					"device": self.device,
					"device_user_id": employee,
					"source_time": moment,
					"punch_time": moment,
					"resolved_time": moment,
					"server": "main",
					"unit": "SN-A",
					"employee": employee,
					"attendance": record,
					"sync_log": "",
					**values,
				}
			)

	def _odd_ones(self) -> None:
		"""A punch that came late, one of a day that was marked by hand, one outside, one on a holiday, a day that was cancelled, and somebody who is gone."""
		day, plain = self.people["day"], self.people["plain"]
		self.odd = self.cut_over + 4 * DAY
		at = datetime.combine(self.odd, time())
		written = next(
			row["name"]
			for row in self.records
			if row["employee"] == day and row["attendance_date"] == self.odd
		)
		self.punches(day, [at + 12 * HOUR], "Processed", "late", written)
		self.punches(day, [at + 3 * HOUR], "Ignored", "off_shift")
		self.punches(day, [datetime.combine(self.first, time()) + 3 * HOUR], "Ignored", "holiday")
		self.punches("HR-EMP-GONE", [at + 9 * HOUR], "Processed", "late", "HR-ATT-GONE")
		self._again(plain, self.odd)
		by_hand = self.record(
			plain, self.odd, [at + 8 * HOUR, at + 17 * HOUR], "", None, in_time=None, out_time=None
		)
		self.punches(plain, [at + hour * HOUR for hour in (8, 17)], "Processed", "already_marked", by_hand)
		self.cancelled = self.odd + 2 * DAY
		at += 2 * DAY
		self._again(plain, self.cancelled)
		self.record(plain, self.cancelled, [at + 8 * HOUR, at + 17 * HOUR], "", None, docstatus=2)
		said = {
			"reason_values": words.stored(
				{words.SAID: "hr@example.com cancelled the attendance HR-ATT-1 at 2025-05-05 09:00:00."}
			)
		}
		self.punches(plain, [at + hour * HOUR for hour in (8, 12, 13, 17)], "Ignored", "cancelled", **said)

	def _again(self, employee: str, day: date) -> None:
		"""Forget what was made up for this day."""
		self.records = [r for r in self.records if (r["employee"], r["attendance_date"]) != (employee, day)]
		self.events = [e for e in self.events if (e["employee"], e["punch_time"].date()) != (employee, day)]
		self.timesheets = [t for t in self.timesheets if (t[1], t[2][:8]) != (employee, f"{day:%Y%m%d}")]

	def _write(self) -> None:
		for doctype, found in ((ATTENDANCE, self.records), (EVENT, self.events)):
			sql.insert(doctype, list(found[0]), [tuple(row.values()) for row in found])
		now = now_datetime()
		fields = ("name", "employee", "biometric_day", "creation", "modified", "company")
		sql.insert(TIMESHEET, fields, [(*row, now, now, factories.company()) for row in self.timesheets])
		slip = ("name", "creation", "modified", "docstatus", "employee", "start_date", "end_date")
		last = self.cut_over - DAY
		sql.insert(
			"Salary Slip",
			slip,
			[(factories.unique("SLIP"), now, now, 1, self.people["day"], self.first, last)],
		)
