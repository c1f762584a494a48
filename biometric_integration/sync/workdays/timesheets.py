"""Draft Timesheets from the pairs of a workday: made once, and left to people from then on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import frappe
from frappe import _

from biometric_integration.core.workday import pairs
from biometric_integration.sync.db.savepoint import Refused, savepoint
from biometric_integration.sync.workdays.rows import Judged

DOCTYPE = "Timesheet"


def make(judged: Judged, attendance: str, activity_type: str) -> str | None:
	"""Insert the draft of a day that has a pair of IN and OUT, unless it was made before; returns its name. None without an activity type.

	Where ERPNext refuses it (say, the hours overlap with another timesheet) the attendance stands, and its comments say why.
	"""
	worked = [pair for piece in judged.workday.pieces for pair in pairs(piece)] if activity_type else []
	if not worked or frappe.db.exists(DOCTYPE, {"biometric_day": judged.name}):
		return None
	try:
		with savepoint("biometric_timesheet"):
			return _insert(judged, worked, attendance, activity_type)
	except Refused as refused:
		note = _("No timesheet was made of the punches: {0}").format(refused)
		frappe.get_doc("Attendance", attendance).add_comment(text=note)
		return None


def _insert(
	judged: Judged, worked: Sequence[tuple[datetime, datetime]], attendance: str, activity_type: str
) -> str:
	timesheet = frappe.new_doc(DOCTYPE)
	timesheet.update(
		{
			"employee": judged.person.name,
			"company": judged.person.company,
			"biometric_day": judged.name,
			"note": _("From the punches of {0}, see {1}.").format(
				frappe.format(judged.workday.date, {"fieldtype": "Date"}), attendance
			),
		}
	)
	for begin, end in worked:
		row = {"activity_type": activity_type, "from_time": begin, "to_time": end}
		timesheet.append("time_logs", {**row, "hours": (end - begin).total_seconds() / 3600})
	return timesheet.insert(ignore_permissions=True).name
