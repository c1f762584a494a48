"""Output *Attendance*: workdays that are complete become attendance, some people in each transaction (design §4)."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from itertools import islice

import frappe
from frappe import _

from biometric_integration.core.errors import SyncError
from biometric_integration.core.judgement import State, What, Why
from biometric_integration.core.store import BatchLost, Interrupted
from biometric_integration.core.text import harmless
from biometric_integration.sync.db import locks, transaction
from biometric_integration.sync.db.savepoint import Refused
from biometric_integration.sync.hrms import shifts
from biometric_integration.sync.records import servers, staging, times
from biometric_integration.sync.workdays import (
	decisions,
	gathering,
	judging,
	marks,
	rows,
	timesheets,
	writing,
)
from biometric_integration.sync.workdays.gathering import Days, Slip
from biometric_integration.sync.workdays.judging import Lane
from biometric_integration.sync.workdays.rows import Judged

PEOPLE, AT_ONCE = 50, 200
"""People, and records, of one transaction: whoever marks one of these people meanwhile waits for it."""


@dataclass
class Done:
	"""How many records were written, and how many HRMS refused."""

	written: int = 0
	refused: int = 0

	@property
	def tried(self) -> int:
		return self.written + self.refused

	def __iadd__(self, other: Done) -> Done:
		self.written += other.written
		self.refused += other.refused
		return self


def activity_type() -> str:
	"""Of the timesheets that are made; empty where none are."""
	settings = frappe.get_cached_doc(servers.SETTINGS)
	return settings.activity_type if settings.make_timesheets and settings.activity_type else ""


def run(go_on: Callable[[], bool] = lambda: True, now: datetime | None = None) -> int:
	"""Write all that is due; returns how many records were written. Whoever finds the lane taken leaves it to the next tick.

	None while times are put right: no day is whole then.
	"""
	transaction.commit()
	if not servers.to_attendance() or times.are_moving() or not locks.take(judging.LANE):
		return 0
	try:
		writer = Writer(judging.policy(now), rows.refused())
		return writer.run(writer.due(), go_on).written
	finally:
		locks.release(judging.LANE)


class Writer:
	"""One run. Each batch of people is judged once more, written, and has its rows brought up to date in one transaction.

	refused: rows that are not tried again.
	"""

	def __init__(self, policy: judging.Policy, refused: Collection[str] = ()):
		self._lane = Lane(policy)
		self._policy = policy
		self._activity_type = activity_type()
		self._automatic: dict[str, bool] = {}
		self._refused = set(refused)

	def due(self) -> Iterator[Days]:
		"""Days with a row that may be written, of some people after the other. Of whom something is stale, that is judged first; what is paid stays."""
		after = ""
		while found := frappe.db.sql(
			f"""SELECT w.`employee`, MIN(w.`date`), MAX(w.`date`)
			FROM `tab{rows.DOCTYPE}` w LEFT JOIN `tab{shifts.SHIFT}` s ON s.`name`=w.`shift`
			WHERE (w.`state`=%(complete)s OR (w.`state`=%(settle)s
				AND (w.`reason`=%(silent)s OR (w.`reason`=%(refused)s AND w.`refused_at` IS NULL))))
			AND w.`date`>=%(since)s AND w.`employee`>%(after)s AND COALESCE(s.`enable_auto_attendance`, 0)=0
			AND (w.`checkins`>0 OR %(absences)s)
			AND NOT EXISTS (SELECT 1 FROM `tab{marks.DOCTYPE}` m WHERE m.`scope`=%(of_one)s AND m.`whose`=w.`employee`)
			AND NOT EXISTS (SELECT 1 FROM `tabSalary Slip` p WHERE p.`employee`=w.`employee` AND p.`docstatus`=1
				AND w.`date` BETWEEN p.`start_date` AND p.`end_date`)
			GROUP BY w.`employee` ORDER BY w.`employee` LIMIT %(people)s""",
			{
				"complete": State.COMPLETE.value,
				"settle": State.TO_SETTLE.value,
				"silent": Why.HRMS_SILENT.value,
				"refused": Why.REFUSED.value,
				"since": max(self._policy.writes_from, self._policy.earliest),
				"after": after,
				"absences": self._policy.absences,
				"of_one": marks.Scope.EMPLOYEE.value,
				"people": PEOPLE,
			},
		):  # the query builder has no NOT EXISTS
			yield {employee: (first, last) for employee, first, last in found}
			after = found[-1][0]

	def run(self, parts: Iterator[Days], go_on: Callable[[], bool] = lambda: True) -> Done:
		done = Done()
		for days in parts:
			if not go_on():
				break
			try:
				done += self._write_all(days, go_on)
			except BatchLost:  # its rows are as they were: the next tick does it
				continue
			except (Interrupted, SyncError):
				raise
			except Exception:  # whatever one day leads to: the others' are written all the same
				transaction.roll_back()
				done += self._one_by_one(days, go_on)
		return done

	def _one_by_one(self, days: Days, go_on: Callable[[], bool]) -> Done:
		done = Done()
		for employee, between in days.items():
			if not go_on():
				break
			try:
				done += self._write_all({employee: between}, go_on)
			except BatchLost:
				continue
			except (Interrupted, SyncError):
				raise
			except Exception as error:
				transaction.roll_back()
				transaction.in_one(partial(self._put_off, employee, between, error))
		return done

	def _put_off(self, employee: str, between: tuple[date, date], error: Exception) -> None:
		"""Whose days cannot be written waits for an hour, and says why in the Error Log."""
		marks.add([marks.of_employee(employee, *between)], put_off_until=self._policy.now + judging.LATEST)
		frames = "".join(traceback.format_tb(error.__traceback__))
		title = _("The attendance of {0} could not be written").format(employee)
		frappe.log_error(title, f"{harmless(str(error))}\n{frames}", defer_insert=True)

	def _write_all(self, days: Days, go_on: Callable[[], bool]) -> Done:
		done = Done()
		while True:
			part = self._write(days)
			done += part
			if part.tried < AT_ONCE or not go_on():
				return done

	def _write(self, days: Days) -> Done:
		with transaction.batch():
			written, refusals, paid = 0, {}, gathering.slips_of(list(days))
			found = (one for one in self._lane.judged(days) if self._may_be_written(one, days, paid))
			for judged in islice(found, AT_ONCE):
				try:
					record = writing.write(judged)
				except Refused as refused:
					refusals[judged.name] = str(refused)
				else:
					timesheets.make(judged, record, self._activity_type)
					written += 1
			self._lane.judge(days)
			rows.note_refusals(refusals, self._policy.now)
			self._refused.update(refusals)
			transaction.commit()
		return Done(written, len(refusals))

	def _may_be_written(self, judged: Judged, days: Days, paid: Mapping[str, Sequence[Slip]]) -> bool:
		"""Without a shift more days may have been judged than were asked for."""
		workday = judged.workday
		first, last = days.get(judged.person.name, (date.max, date.min))
		return (
			judged.judgement.state is State.COMPLETE
			and judged.name not in self._refused
			and max(first, self._policy.writes_from) <= workday.date <= last
			and (bool(workday.checkins) or self._policy.absences)
			and not any(slip.covers(workday.date) for slip in paid.get(judged.person.name, ()))
			and not (workday.shift and self._is_automatic(workday.shift.name))
		)

	def _is_automatic(self, shift: str) -> bool:
		"""HRMS writes the attendance of such a shift."""
		if shift not in self._automatic:
			self._automatic[shift] = bool(frappe.db.get_value(shifts.SHIFT, shift, "enable_auto_attendance"))
		return self._automatic[shift]


def cancelled(record, method: str | None = None) -> None:
	"""What was written here and a person cancels stays cancelled, until they delete the decision that says so."""
	if record.get("biometric_day"):  # punches of former days have no check-in
		frappe.db.set_value(staging.DOCTYPE, {"attendance": record.name}, "attendance", "")
	if record.flags.get(writing.OURS) or not record.get("biometric_day") or not servers.to_attendance():
		return
	about = frappe.db.get_value(
		rows.DOCTYPE, {"attendance": record.name}, ["employee", "date", "shift"], as_dict=True
	)
	if not about:  # rows are kept for a while only; who decides about one that is made anew is asked again
		about = {"employee": record.employee, "date": record.attendance_date, "shift": record.shift}
	decision = frappe.new_doc(decisions.DOCTYPE)
	reason = _("{0} was cancelled.").format(record.name)
	decision.update({**about, "what": What.KEEP_AWAY.value, "reason": reason})
	decision.insert(ignore_permissions=True)
