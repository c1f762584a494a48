"""Draft Timesheets from the punches of a day: made once, and left to people from then on."""

from __future__ import annotations

import frappe
from frappe import _

from biometric_integration.core.attendance import Day, pairs
from biometric_integration.sync.db.savepoint import Refused, savepoint

DOCTYPE = "Timesheet"


def make(day: Day, attendance: str, activity_type: str) -> str | None:
	"""Insert the draft of a day that has a pair of IN and OUT, unless it was made before; returns its name.

	Where ERPNext refuses it (say, the hours overlap with another timesheet) the attendance stands, and its comments say why.
	"""
	worked = list(pairs(day.punches))
	if not worked or frappe.db.exists(DOCTYPE, {"biometric_day": day.key}):
		return None
	try:
		with savepoint("biometric_timesheet"):
			return _insert(day, worked, attendance, activity_type)
	except Refused as refused:
		note = _("No timesheet was made of the punches: {0}").format(refused)
		frappe.get_doc("Attendance", attendance).add_comment(text=note)
		return None


def _insert(day: Day, worked: list, attendance: str, activity_type: str) -> str:
	timesheet = frappe.new_doc(DOCTYPE)
	timesheet.update(
		{
			"employee": day.employee,
			"company": frappe.db.get_value("Employee", day.employee, "company"),
			"biometric_day": day.key,
			"note": _("From the punches of {0}, see {1}.").format(
				frappe.format(day.date, {"fieldtype": "Date"}), attendance
			),
		}
	)
	for begin, end in worked:
		row = {"activity_type": activity_type, "from_time": begin, "to_time": end}
		timesheet.append("time_logs", {**row, "hours": (end - begin).total_seconds() / 3600})
	return timesheet.insert(ignore_permissions=True).name
