"""What happened on people's days: what is written, what would be right, and why."""

from __future__ import annotations

from collections import Counter

import frappe
from frappe import _
from frappe.utils import add_days, getdate

from biometric_integration.biometric_integration.report.columns import cells, column, link
from biometric_integration.core.judgement import State
from biometric_integration.sync.workdays import rows as workdays
from biometric_integration.sync.workdays import words

LIMIT = 10_000
"""What a browser can show. Whoever asks for more is told in the last row, which an export has as well."""

SHOWN = (
	"name",
	"date",
	"employee",
	"employee_name",
	"state",
	"reason",
	"reason_values",
	"first_in",
	"last_out",
	"hours",
	"overtime",
	"attendance",
	"written_status",
	"written_hours",
	"would_status",
	"would_hours",
	"unlinked",
	"shift",
	"department",
	"company",
	"held_by",
)
STATES = {"Held and To Settle": (State.HELD.value, State.TO_SETTLE.value), "All": ()}
"""What stands for several states in the filter."""

INDICATORS = {
	State.TO_SETTLE: "Red",
	State.HELD: "Orange",
	State.COMPLETE: "Blue",
	State.MARKED: "Green",
	State.OPEN: "Grey",
	State.NO_ATTENDANCE: "Grey",
}


def execute(filters: dict | None = None) -> tuple[list[dict], list[dict], None, None, list[dict]]:
	filters = frappe._dict(filters or {})
	if not (filters.from_date and filters.to_date):
		frappe.throw(_("Choose the days: From Date and To Date."))
	found = rows(filters)
	shown = [_row(row) for row in found[:LIMIT]]
	if len(found) > LIMIT:
		shown.append({"sentence": _("There are more days than {0}. Choose fewer of them.").format(LIMIT)})
	return columns(), cells(columns(), shown), None, None, summary(found[:LIMIT])


def columns() -> list[dict]:
	return [
		column("date", _("Date"), 125, "Date"),
		column("employee_name", _("Employee Name"), 160),
		column("state", _("State"), 110),
		column("written_status", _("Is Written"), 105),
		column("would_status", _("Would Be Right"), 140),
		column("sentence", _("Why"), 560),
		_hours("written_hours", _("Hours Written"), 130),
		_hours("would_hours", _("Right Hours"), 115),
		column("first_in", _("First In"), 160, "Datetime"),
		column("last_out", _("Last Out"), 160, "Datetime"),
		_hours("hours", _("Hours"), 80),
		_hours("overtime", _("Overtime"), 100),
		column("unlinked", _("Check-ins in No Attendance"), 225, "Int"),
		link("shift", _("Shift"), 120, "Shift Type"),
		link("department", _("Department"), 150, "Department"),
		link("employee", _("Employee"), 215, "Employee"),
		column("reason", _("Reason"), 140),
		link("held_by", _("Held By"), 140, "Biometric Device"),
		link("attendance", _("Attendance"), 170, "Attendance"),
		link("company", _("Company"), 150, "Company"),
		link("name", _("Workday"), 160, workdays.DOCTYPE),
	]


def _hours(fieldname: str, label: str, width: int) -> dict:
	return {**column(fieldname, label, width, "Float"), "precision": 2}


def rows(filters) -> list:
	"""The newest first, one more than is shown; as frappe's list has them, so that whoever does not see a person does not see their days."""
	found = frappe.get_list(
		workdays.DOCTYPE, _asked_for(filters), list(SHOWN), order_by="name desc", limit=LIMIT + 1
	)  # names begin with the date; the order of a day's people is made here
	found.sort(key=lambda row: row.employee_name or "")
	return sorted(found, key=lambda row: row.date, reverse=True)


def _asked_for(filters) -> list[list]:
	first, last = getdate(filters.from_date), getdate(filters.to_date)
	asked: list[list] = [
		["date", "between", [first, last]],
		# as they lie in the table: where no index helps, only these days are read
		["name", ">=", f"{first:%Y%m%d}"],
		["name", "<", f"{add_days(last, 1):%Y%m%d}"],
	]
	if states := STATES.get(filters.state, (filters.state,) if filters.state else ()):
		asked.append(["state", "in", states])
	if filters.department:
		asked.append(["department", "descendants of (inclusive)", filters.department])
	for field in ("company", "employee", "reason", "shift", "held_by"):
		if filters.get(field):
			asked.append([field, "=", filters.get(field)])
	if filters.unlinked:
		asked += [["unlinked", ">", 0], ["state", "!=", State.OPEN.value]]
	return asked


def _row(row) -> dict:
	sentence = words.of_row(row)
	del row["reason_values"]
	return {**row, "sentence": sentence}


def summary(found: list) -> list[dict]:
	counts = Counter(row.state for row in found)
	return [
		{"value": counts[state.value], "label": _(state.value), "datatype": "Int", "indicator": indicator}
		for state, indicator in INDICATORS.items()
		if counts[state.value]
	]
