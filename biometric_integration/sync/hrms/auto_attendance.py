"""HRMS's auto attendance: which shift types it marks, from when on and how far, and when its job ran."""

from __future__ import annotations

from datetime import datetime, time

import frappe
from frappe.model.base_document import get_controller
from frappe.utils import get_datetime, getdate

from biometric_integration.core.watermark import AutoAttendance
from biometric_integration.sync.hrms.shift_notes import SHIFT

JOB = "hrms.hr.doctype.shift_type.shift_type.process_auto_attendance_for_all_shifts"
MARK, BY_CLOCK = "last_sync_of_checkin", "auto_update_last_sync"
"""The latter is not there in older versions."""
FIELDS = ("enable_auto_attendance", "process_attendance_after", MARK, BY_CLOCK, "holiday_list")


def of_shifts(**filters) -> dict[str, AutoAttendance]:
	"""Shift type → how it is set up."""
	meta = frappe.get_meta(SHIFT)
	fields = ["name", *filter(meta.has_field, FIELDS)]
	return {row.name: _of(row) for row in frappe.get_all(SHIFT, filters, fields, limit=0)}


def _of(row) -> AutoAttendance:
	return AutoAttendance(
		row.name,
		bool(row.enable_auto_attendance),
		getdate(row.process_attendance_after) if row.process_attendance_after else None,
		get_datetime(row.last_sync_of_checkin) if row.last_sync_of_checkin else None,
		bool(row.get(BY_CLOCK)),
		row.holiday_list or "",
	)


def move_mark(shift: str, to: datetime) -> bool:
	"""Forward only, whoever has moved it meanwhile. HRMS reads shift types from the cache, and a person who has the form open can still save it."""
	mark = frappe.db.get_value(SHIFT, shift, MARK, for_update=True)
	if not mark or get_datetime(mark) >= to:
		return False
	frappe.db.set_value(SHIFT, shift, MARK, to, update_modified=False)
	return True


def leave_the_clock(shift: str) -> None:
	"""HRMS moves the mark no more, with all that the site has to say about a save of the shift type, permission included. Where there is no mark, nothing counts as marked yet."""
	document = frappe.get_doc(SHIFT, shift)
	document.set(BY_CLOCK, 0)
	if not document.get(MARK) and document.process_attendance_after:
		document.set(MARK, datetime.combine(getdate(document.process_attendance_after), time()))
	document.save()


def last_run() -> datetime | None:
	"""When its hourly job began the last time; the one before was over by then."""
	return frappe.db.get_value("Scheduled Job Type", {"method": JOB}, "last_execution")


def leaves_out_days() -> bool:
	"""Does the Shift Type of this site leave out the days that are not proven?"""
	return bool(getattr(get_controller(SHIFT), "biometric_guard", False))
