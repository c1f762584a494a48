"""The watermark of each shift type: moved past what is over and judged, so that HRMS marks it (design §4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from functools import partial

import frappe
from frappe.utils import cint

from biometric_integration.core.evidence import hold_until
from biometric_integration.core.judgement import State
from biometric_integration.core.watermark import AFTER, AutoAttendance, Occurrence, Wait, furthest
from biometric_integration.core.window import DAY
from biometric_integration.sync.db import transaction
from biometric_integration.sync.hrms import auto_attendance
from biometric_integration.sync.hrms.holidays import Holidays
from biometric_integration.sync.hrms.roster import Roster
from biometric_integration.sync.records import servers
from biometric_integration.sync.workdays import evidence, gathering, marks, rows
from biometric_integration.sync.workdays.judging import Policy
from biometric_integration.sync.workdays.marks import Scope

ALL = ""
"""Of waits: whatever the shift type."""


def is_moved() -> bool:
	"""By the settings, and while something is read at all."""
	settings = frappe.get_cached_doc(servers.SETTINGS)
	return bool(cint(settings.move_watermark)) and servers.is_in_use()


def is_guarded() -> bool:
	"""Does HRMS leave out each day that is not proven by itself? Then one dead device need not delay the others."""
	settings = frappe.get_cached_doc(servers.SETTINGS)
	return bool(cint(settings.guard)) and auto_attendance.leaves_out_days()


def move(policy: Policy) -> list[str]:
	"""Each as far as it may go, one transaction each; returns the shift types that were moved."""
	transaction.commit()
	return [
		shift
		for shift, to in targets(policy).items()
		if transaction.in_one(partial(auto_attendance.move_mark, shift, to))
	]


def targets(policy: Policy) -> dict[str, datetime]:
	"""Shift type → how far its mark may go. Without those that nobody set up, and those that HRMS moves by the clock."""
	shifts = auto_attendance.of_shifts(enable_auto_attendance=1)
	mine = {name: one for name, one in shifts.items() if one.is_set_up and not one.by_clock}
	closed_until = servers.stamp("closed_until")
	if not mine or not closed_until or not is_moved():
		return {}
	roster = Roster()
	over = {
		name: list(_over(roster, one, min(closed_until, policy.now - AFTER))) for name, one in mine.items()
	}
	if not any(over.values()):
		return {}
	since = min(one.day for ones in over.values() for one in ones) - DAY
	waits, hold_of = _waits(policy, since), _holds(policy, since)
	found = {}
	for name, one in mine.items():
		stops = (*waits.get(ALL, ()), *waits.get(name, ()))
		to = furthest(one.mark, over[name], closed_until, stops, hold_of(one), policy.now)
		if to > one.mark:
			found[name] = to
	return found


def _over(roster: Roster, of: AutoAttendance, until: datetime) -> Iterator[Occurrence]:
	"""Those that closed by then and that the mark has not passed, from the first day that HRMS marks."""
	day = max(of.mark.date() - 2 * DAY, of.begins)
	while day <= until.date():
		shift = roster.occurrence(of.shift, day)
		if shift and of.mark < shift.closes + AFTER <= until + AFTER:
			yield Occurrence(day, shift.closes)
		day += DAY


def _holds(policy: Policy, since: date) -> Callable[[AutoAttendance], Callable[[datetime], datetime]]:
	"""Shift type → close → *Hold at Most* after it, by the holiday list of the shift, or else of the companies: a day on which any of them works counts."""
	companies = {name: (name, "") for name in frappe.get_all("Company", pluck="name", limit=0)}
	holidays = Holidays(companies, since, policy.latest + gathering.WAITED_FOR)

	def of_shift(of: AutoAttendance) -> Callable[[datetime], datetime]:
		def is_expected(day: date) -> bool:
			return not all(holidays.is_one(company, day, of.holiday_list) for company in companies)

		return lambda close: hold_until(close, policy.hold_days, is_expected, policy.decide_by)

	return of_shift


# --- what is waited for


def _waits(policy: Policy, since: date) -> dict[str, list[Wait]]:
	"""Shift type → waits. Where HRMS leaves out each day that is not proven, only what has not been looked at yet."""
	is_guarded_here = is_guarded()
	found: dict[str, list[Wait]] = {ALL: [Wait(date.min, policy.earliest - DAY)]}
	for shift, first, last, is_put_off in (*_wide_marks(), *_marks(since, policy.latest)):
		if not (is_put_off and is_guarded_here):
			found.setdefault(shift, []).append(Wait(first, last, bool(is_put_off)))
	if not is_guarded_here:
		for shift, day, state in _unproven(policy.now, since):
			found.setdefault(shift, []).append(Wait(day, day, state != State.HELD.value))
		found[ALL].extend(
			Wait(oldest.date() - DAY, date.max, True) for oldest in evidence.undecided().values()
		)
	return found


def _wide_marks() -> Iterable[tuple[str, date, date, bool]]:
	filters = {"scope": ("!=", Scope.EMPLOYEE.value)}
	for row in frappe.get_all(marks.DOCTYPE, filters, ["scope", "whose", "from_date", "to_date"], limit=0):
		shift = row.whose if row.scope == Scope.SHIFT_TYPE.value else ALL
		yield shift, row.from_date, row.to_date, False


def _marks(since: date, until: date) -> Iterable[tuple[str, date, date, bool]]:
	"""Days of people that wait to be judged, by the shift types that they have or had there."""
	return frappe.db.sql(
		f"""SELECT DISTINCT e.`default_shift`, m.`from_date`, m.`to_date`, m.`put_off_until` IS NOT NULL
		FROM `tab{marks.DOCTYPE}` m JOIN `tabEmployee` e ON e.`name`=m.`whose`
		WHERE m.`scope`=%(scope)s AND m.`to_date`>=%(since)s AND COALESCE(e.`default_shift`, '')!=''
		UNION SELECT DISTINCT a.`shift_type`, m.`from_date`, m.`to_date`, m.`put_off_until` IS NOT NULL
		FROM `tab{marks.DOCTYPE}` m JOIN `tabShift Assignment` a ON a.`employee`=m.`whose` AND a.`docstatus`=1
			AND a.`start_date`<=m.`to_date` AND (a.`end_date` IS NULL OR a.`end_date`>=m.`from_date`)
		WHERE m.`scope`=%(scope)s AND m.`to_date`>=%(since)s
		UNION SELECT DISTINCT w.`shift`, m.`from_date`, m.`to_date`, m.`put_off_until` IS NOT NULL
		FROM `tab{marks.DOCTYPE}` m JOIN `tab{rows.DOCTYPE}` w ON w.`employee`=m.`whose`
			AND w.`date` BETWEEN GREATEST(m.`from_date`, %(since)s) AND LEAST(m.`to_date`, %(until)s)
		WHERE m.`scope`=%(scope)s AND m.`to_date`>=%(since)s AND COALESCE(w.`shift`, '')!=''""",
		{"scope": Scope.EMPLOYEE.value, "since": since, "until": until},
	)  # one statement on one view of the marks; the query builder has no words for the union of these on both versions


def _unproven(now: datetime, since: date) -> Iterable[tuple[str, date, str]]:
	"""Days that are over, and held, or not read to their end."""
	return frappe.db.sql(
		f"""SELECT `shift`, `date`, `state` FROM `tab{rows.DOCTYPE}`
		WHERE `state` IN %s AND `date`>=%s AND `closes`<=%s AND COALESCE(`shift`, '')!='' GROUP BY 1, 2, 3""",
		((State.HELD.value, State.OPEN.value), since, now),
	)


def first_unjudged(of: AutoAttendance, policy: Policy) -> date | None:
	"""The next day to be marked, where that is one that is not judged here: the mark is not moved over it. None where it is judged."""
	if not of.is_set_up:
		return None
	one = next(_over(Roster(), of, policy.now), None)
	return one.day if one and one.day < policy.earliest else None
