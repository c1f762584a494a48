"""What people see of the watermark: what keeps the attendance of a shift type, and which ones Frappe HR moves by its clock."""

from __future__ import annotations

import frappe
from frappe import _
from frappe.utils import formatdate, now_datetime

from biometric_integration.core.judgement import State, Why
from biometric_integration.core.watermark import AutoAttendance
from biometric_integration.core.window import DAY
from biometric_integration.sync.hrms import auto_attendance
from biometric_integration.sync.hrms.shift_notes import SHIFT
from biometric_integration.sync.records import sight
from biometric_integration.sync.workdays import held_back, judging, notices, watermark
from biometric_integration.sync.workdays.held_back import Cause


def of_shift(shift: str) -> dict:
	"""{"held_back": as in `held_back_by`, "by_clock": a warning or "", "mark": who moves the mark, and why it stands still}."""
	frappe.has_permission(SHIFT, "read", shift, throw=True)
	of = auto_attendance.of_shifts(name=shift)[shift]
	return {
		"held_back": held_back_by(shift),
		"by_clock": _by_clock() if of.enabled and of.by_clock else "",
		"mark": _mark(of),
	}


def held_back_by(shift: str | None = None) -> list[dict]:
	"""[{"doctype", "name", "label", "message", "people", "since", "is_long": for more than a day, "heard", "shifts", "filters": of its workdays}], of the people whom the user sees.

	doctype: *Biometric Device*, or *Biometric Server State* for a server that cannot be read.
	"""
	limit = sight.workdays()
	return [_shown(cause, shift) for cause in held_back.causes(now_datetime(), limit, shift)]


def _shown(cause: Cause, shift: str | None) -> dict:
	states = [State.HELD.value, State.TO_SETTLE.value]
	filters = {"held_by": ["in", list(cause.devices)], "state": ["in", states]}
	if not cause.heard:
		filters = {"reason": Why.NOT_READ.value}
	if shift:
		filters["shift"] = shift
	return {
		"doctype": cause.doctype,
		"name": cause.name,
		"label": cause.label,
		"message": notices.words(cause, cause.people),
		"people": cause.people,
		"since": cause.since,
		"is_long": now_datetime() - cause.since > DAY,
		"heard": cause.heard,
		"shifts": list(cause.shifts),
		"filters": filters,
	}


def by_clock() -> list[str]:
	"""Shift types whose mark Frappe HR moves by its clock, as far as the user may read them."""
	found = auto_attendance.of_shifts(enable_auto_attendance=1)
	names = sorted(name for name, one in found.items() if one.by_clock)
	return [name for name in names if frappe.has_permission(SHIFT, "read", name)]


def leave_the_clock(shift: str) -> str:
	auto_attendance.leave_the_clock(shift)
	if not watermark.is_moved():
		return _(
			"Frappe HR does not move it by its clock any more. Move Last Sync of Checkin is off in Biometric Sync Settings, so it is moved by hand."
		)
	return _("Last Sync of Checkin is moved by what was read and judged from now on.")


def _by_clock() -> str:
	return _(
		"Frappe HR moves Last Sync of Checkin by its clock here, also past punches that no device has delivered yet. What is not proven is not marked all the same, but it is better moved by what was read."
	)


def _mark(of: AutoAttendance) -> str:
	if not of.enabled or of.by_clock:
		return ""
	if not watermark.is_moved():
		return _(
			"It is not moved by Biometric Integration: see Move Last Sync of Checkin in Biometric Sync Settings."
		)
	if not of.is_set_up:
		return _(
			"It is moved by Biometric Integration once somebody has set it: to the time up to which attendance is right."
		)
	policy = judging.policy()
	if watermark.first_unjudged(of, policy):
		return _(
			"It stands still, as workdays before {0} are not judged. Set it to that day yourself once the attendance before is right."
		).format(formatdate(policy.earliest))
	return _("It is moved by Biometric Integration, past each shift that is over and judged.")
