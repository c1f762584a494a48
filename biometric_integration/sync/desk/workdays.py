"""What people see of workdays: of which check-ins one is made, what its devices have said since, and how many wait."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime

import frappe
from frappe.utils import add_months, get_datetime, get_first_day, getdate, now_datetime

from biometric_integration.core.evidence import Heard
from biometric_integration.core.judgement import State
from biometric_integration.core.reasons import EventStatus
from biometric_integration.core.window import DAY
from biometric_integration.sync.records import sight, staging
from biometric_integration.sync.workdays import rows, words
from biometric_integration.sync.workdays.evidence import Evidence

CHECKIN = "Employee Checkin"
COUNTED_TO = 100_000
"""Nobody needs to know more exactly how many they are."""


def checkins(workday) -> list[dict]:
	"""Those of a row, oldest first: {"doctype", "name", "time", "log_type", "device", "device_name", "may_open", "attendance", "skipped", "outside"}.

	device: the Biometric Device it was made at, empty for others.
	"""
	if not workday.first_in:
		return []
	between = (workday.employee, workday.first_in, workday.last_out or workday.first_in)
	found = _recorded(between)
	outside = _times_outside(workday)
	if len(found) > workday.checkins:
		found = [row for row in found if _belongs(row, workday) or _is_outside(row, outside)]
	seen = sight.of_user()
	return [
		{
			**row,
			"outside": _is_outside(row, outside),
			"may_open": bool(row.device) and seen.shows_device(row.device),
		}
		for row in sorted(found, key=lambda row: (row.time, row.name))
	]


def _recorded(between: tuple[str, datetime, datetime]) -> list[frappe._dict]:
	return frappe.db.sql(
		f"""SELECT '{CHECKIN}' AS doctype, c.`name`, c.`time`, c.`log_type`, c.`shift_start`, c.`attendance`,
			c.`skip_auto_attendance` AS skipped, e.`device`, COALESCE(d.`device_name`, c.`device_id`) AS device_name
		FROM `tab{CHECKIN}` c
		LEFT JOIN `tab{staging.DOCTYPE}` e ON e.`name`=c.`biometric_event`
		LEFT JOIN `tab{sight.DEVICE}` d ON d.`name`=e.`device`
		WHERE c.`employee`=%s AND c.`time` BETWEEN %s AND %s""",
		between,
		as_dict=True,
	)  # one query for the form; the query builder would need as many lines


def _belongs(row, workday) -> bool:
	"""Where two workdays reach into each other, the shift that a check-in says tells whose it is."""
	return row.shift_start == (get_datetime(workday.shift_start) if workday.shift_start else None)


def _times_outside(workday) -> set[str]:
	"""To the minute, as the judgement has noted them."""
	noted = json.loads(workday.reason_values or "{}").get("outside", "")
	return set(filter(None, noted.split(", ")))


def _is_outside(row, outside: set[str]) -> bool:
	return f"{row.time:%H:%M}" in outside


def of_punch(event) -> dict | None:
	"""The workday that a used punch is part of, where it has something to say: {"name", "state", "sentence"}."""
	if not event.employee or event.status != EventStatus.PROCESSED.value:
		return None
	time = get_datetime(event.resolved_time or event.punch_time)
	about = {"employee": event.employee, "date": ("between", (time.date() - DAY, time.date() + DAY))}
	for row in frappe.get_list(rows.DOCTYPE, about, ["*"], order_by="date desc", limit=0):
		if row.first_in and row.reason and row.first_in <= time <= (row.last_out or row.first_in):
			return {"name": row.name, "state": row.state, "sentence": words.of_row(row)}
	return None


# --- its devices


def devices(workday, checkins: Iterable[dict]) -> list[dict]:
	"""The devices that were asked, or else those of its check-ins, as they stand now: {"device", "label", "may_open", "read_until", "sign_of_life",
	"proves": is everything that was punched there until the workday closed known}."""
	asked = set((workday.own_devices or "").split()) or {row["device"] for row in checkins if row["device"]}
	if not asked:
		return []
	seen, closes = sight.of_user(), get_datetime(workday.closes)
	evidence = Evidence(now_datetime())
	return [
		{
			"device": heard.device,
			"label": heard.label,
			"may_open": seen.shows_device(heard.device),
			"read_until": _known(heard.read_until),
			"sign_of_life": heard.sign_of_life,
			"proves": closes >= evidence.proves_from and heard.proves(closes),
		}
		for heard in _by_label(evidence.heard(asked, getdate(workday.date)))
	]


def _by_label(devices: Iterable[Heard]) -> list[Heard]:
	return sorted(devices, key=lambda heard: (heard.label, heard.device))


def _known(moment: datetime) -> datetime | None:
	return None if moment in (datetime.min, datetime.max) else moment


# --- how many wait


def waiting(state: State) -> dict:
	"""For a number card: the workdays of a state that the user sees, since the first day of last month, which payroll may still need."""
	since = open_since()
	limit = sight.of_list(sight.WORKDAY)
	found = frappe.db.sql(
		f"""SELECT COUNT(*) FROM (
			SELECT `name` FROM `tab{rows.DOCTYPE}` WHERE `state`=%s AND `date`>=%s {limit and f"AND {limit}"} LIMIT %s
		) some""",
		(state.value, since, COUNTED_TO),
	)  # the query builder takes no condition that is a text
	route_options = {"state": state.value, "date": [">=", str(since)]}
	route = ["List", rows.DOCTYPE]
	return {"value": found[0][0], "fieldtype": "Int", "route": route, "route_options": route_options}


def open_since() -> date:
	return getdate(add_months(get_first_day(now_datetime()), -1))
