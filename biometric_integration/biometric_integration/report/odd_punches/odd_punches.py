"""Days on which somebody's IN or OUT is missing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import frappe
from frappe import _
from frappe.query_builder import Case, CustomFunction, DocType, Interval
from frappe.query_builder.functions import Coalesce, Count, Max, Min, Sum
from frappe.utils import add_days, getdate, now_datetime

from biometric_integration.biometric_integration.report.columns import column, link
from biometric_integration.sync.records import sight

DAY_OF = CustomFunction("DATE", ["time"])
REMAINDER = CustomFunction("MOD", ["number", "divisor"])


def execute(filters: dict | None = None) -> tuple[list[dict], list[dict]]:
	filters = frappe._dict(filters or {})
	if not (filters.from_date and filters.to_date):
		frappe.throw(_("Choose the days: From Date and To Date."))
	return columns(), rows(filters)


def columns() -> list[dict]:
	return [
		link("department", _("Department"), 150, "Department"),
		link("employee", _("Employee"), 215, "Employee"),
		column("employee_name", _("Employee Name"), 160),
		column("day", _("Date"), 120, "Date"),
		column("missing", _("Missing"), 100),
		column("action", _("Action"), 215),
		column("check_ins", _("Check-ins"), 105, "Int"),
		column("first", _("First"), 185, "Datetime"),
		column("last", _("Last"), 185, "Datetime"),
		link("shift", _("Shift"), 120, "Shift Type"),
		link("attendance", _("Attendance"), 150, "Attendance"),
		column("attendance_status", _("Attendance Status"), 130),
		link("company", _("Company"), 150, "Company"),
	]


def rows(filters) -> list[dict]:
	found = _odd_days(filters)
	requests = _requests(filters, sorted({row.employee for row in found}))
	attendance = _attendance(filters, sorted({row.employee for row in found}))
	for number, row in enumerate(found):
		record = attendance.get((row.employee, row.day))
		row.update(
			row=number,
			missing=_missing(row),
			attendance=record and record.name,
			attendance_status=record and record.status,
			request=next(
				(name for name, start, end in requests.get(row.employee, ()) if start <= row.day <= end), ""
			),
		)
	return found


def _odd_days(filters) -> list:
	"""By day of the shift, once it is over: an odd number of check-ins, or only one direction."""
	checkin, employee = DocType("Employee Checkin"), DocType("Employee")
	day = DAY_OF(Coalesce(checkin.shift_start, checkin.time))
	ins = Sum(Case().when(checkin.log_type == "IN", 1).else_(0))
	outs = Sum(Case().when(checkin.log_type == "OUT", 1).else_(0))
	query = (
		frappe.qb.from_(employee)
		.join(checkin)
		.on(checkin.employee == employee.name)
		.select(
			employee.department,
			employee.name.as_("employee"),
			employee.employee_name,
			employee.company,
			day.as_("day"),
			checkin.shift,
			Count(checkin.name).as_("check_ins"),
			ins.as_("ins"),
			outs.as_("outs"),
			Min(checkin.time).as_("first"),
			Max(checkin.time).as_("last"),
		)
		.where(checkin.time >= getdate(filters.from_date))
		.where(checkin.time < getdate(add_days(filters.to_date, 2)))
		.where(Coalesce(checkin.shift_start, checkin.time) >= getdate(filters.from_date))
		.where(Coalesce(checkin.shift_start, checkin.time) < getdate(add_days(filters.to_date, 1)))
		.groupby(employee.name, day, checkin.shift)
		.having(
			(REMAINDER(Count(checkin.name), 2) == 1) | ((ins > 0) & (outs == 0)) | ((outs > 0) & (ins == 0))
		)
		.having(
			Coalesce(Max(checkin.shift_actual_end), Max(checkin.time) + Interval(days=1)) < now_datetime()
		)
		.orderby(employee.department, employee.employee_name, day)
	)
	for field in ("company", "department"):
		if filters.get(field):
			query = query.where(employee[field] == filters.get(field))
	if filters.employee:
		query = query.where(employee.name == filters.employee)
	seen = sight.of_user()
	return [row for row in query.run(as_dict=True) if seen.shows_employee(row.employee)]


def _missing(row) -> str:
	if row.ins and row.ins > row.outs:
		return _("OUT")
	return _("IN") if row.outs > row.ins else _("IN or OUT")


def _requests(filters, employees: Sequence[str]) -> dict[str, list[tuple[str, date, date]]]:
	if not employees:
		return {}
	asked = {
		"employee": ("in", employees),
		"docstatus": ("<", 2),
		"from_date": ("<=", filters.to_date),
		"to_date": (">=", filters.from_date),
	}
	found: dict[str, list[tuple[str, date, date]]] = {}
	for row in frappe.get_all(
		"Attendance Request", asked, ["name", "employee", "from_date", "to_date"], limit=0
	):
		found.setdefault(row.employee, []).append((row.name, row.from_date, row.to_date))
	return found


def _attendance(filters, employees: Sequence[str]) -> dict[tuple[str, date], dict]:
	if not employees:
		return {}
	asked = {
		"employee": ("in", employees),
		"docstatus": ("<", 2),
		"attendance_date": ("between", (filters.from_date, filters.to_date)),
	}
	fields = ["name", "employee", "attendance_date", "status"]
	return {
		(row.employee, row.attendance_date): row
		for row in frappe.get_all("Attendance", asked, fields, limit=0)
	}
