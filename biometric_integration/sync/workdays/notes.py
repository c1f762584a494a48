"""What a check-in says of its shift, where the roster, or a decision, says otherwise by now. Written by query, as HRMS would note it; HRMS's job finds it right then."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

import frappe
from frappe.utils import getdate

from biometric_integration.core.judgement import What
from biometric_integration.core.workday import CheckIn, Shift, Workday, taps
from biometric_integration.sync.hrms import shift_notes, shifts
from biometric_integration.sync.workdays.gathering import CHECKIN, Batch

NO_SHIFT = {
	"shift": None,
	"shift_start": None,
	"shift_end": None,
	"shift_actual_start": None,
	"shift_actual_end": None,
	"offshift": 1,
}


def put_right(
	workdays: Mapping[str, Iterable[Workday]], batch: Batch, of_inactive: Collection[str] = ()
) -> set[str]:
	"""Of the check-ins of these workdays, by employee. Returns of whom any was changed.

	Those that an attendance fixes stay; so do those of an inactive assignment, but for `of_inactive`, whose days a person repairs.
	"""
	waiting = batch.inactive.keys() - set(of_inactive)
	changed = set()
	for employee, workdays_of in workdays.items():
		found = list(workdays_of)
		checkins = [checkin for workday in found for checkin in workday.checkins]
		dead = [checkin.name for checkin in checkins if checkin.name in batch.dead_links]
		_unlink(dead)
		fellows = {name: record for workday in found for name, record in _fellows(workday)}
		for name, record in fellows.items():
			frappe.db.set_value(CHECKIN, name, "attendance", record, update_modified=False)
		otherwise = [
			checkin for checkin in checkins if _may_change(checkin, waiting) and checkin.name not in fellows
		]
		fetch(employee, otherwise)
		if dead or otherwise or fellows:
			changed.add(employee)
	return changed


def _fellows(workday: Workday) -> Iterator[tuple[str, str]]:
	"""(check-in, attendance): HRMS is shown one check-in of each tap; the others are part of the same record. It asks for those without one each hour."""
	for piece in workday.pieces:
		for group in taps(piece):
			records = {checkin.attendance for checkin in group} - {""}
			for checkin in group if len(records) == 1 else ():
				if not checkin.attendance:
					yield checkin.name, next(iter(records))


def let_go(decision) -> None:
	"""A decision to count what lies outside of the shift is taken back: its check-ins say what HRMS would note."""
	if decision.what != What.COUNT_OUTSIDE.value:
		return
	noted = {
		"employee": decision.employee,
		"shift": decision.shift,
		"shift_start": ("between", (getdate(decision.date), getdate(decision.date))),
		"attendance": ("is", "not set"),
	}
	for row in frappe.get_all(CHECKIN, noted, ["name", "time", "log_type"], limit=0):
		fields = {**NO_SHIFT, **shift_notes.of_checkin(decision.employee, row.time, row.log_type or "")}
		known = {name: value for name, value in fields.items() if frappe.get_meta(CHECKIN).has_field(name)}
		frappe.db.set_value(CHECKIN, row.name, known, update_modified=False)


def _may_change(checkin: CheckIn, waiting: Collection[str]) -> bool:
	return checkin.is_noted_otherwise and not checkin.attendance and checkin.name not in waiting


def _unlink(names: Collection[str]) -> None:
	"""From records that are cancelled, or gone."""
	if names:
		frappe.db.set_value(CHECKIN, {"name": ("in", names)}, "attendance", None, update_modified=False)


def fetch(employee: str, checkins: Iterable[CheckIn]) -> None:
	"""Each says the shift that was answered for it."""
	of_shift: dict[Shift, list[str]] = {}
	for checkin in checkins:
		if checkin.answered:
			of_shift.setdefault(checkin.answered, []).append(checkin.name)
	for shift, names in of_shift.items():
		frappe.db.set_value(
			CHECKIN, {"name": ("in", names)}, fields_of(employee, shift), update_modified=False
		)


def fields_of(employee: str, shift: Shift) -> dict:
	"""What a check-in of this occurrence says of it, as far as this HRMS has the fields."""
	meta = frappe.get_meta(CHECKIN)
	more = {"offshift": 0} if meta.has_field("offshift") else {}
	if meta.has_field("overtime_type"):
		more["overtime_type"] = shifts.overtime_type(employee, shift.name, shift.start) or None
	return {
		"shift": shift.name,
		"shift_start": shift.start,
		"shift_end": shift.end,
		"shift_actual_start": shift.opens,
		"shift_actual_end": shift.closes,
		**more,
	}
