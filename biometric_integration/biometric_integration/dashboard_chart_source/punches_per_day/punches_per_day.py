"""Punches by the day they were made: frappe's own count would fetch each second in which somebody punched."""

from datetime import date, datetime, time

import frappe
from frappe.desk.doctype.dashboard_chart.dashboard_chart import get_result
from frappe.utils import format_date, getdate
from frappe.utils.dashboard import cache_source
from frappe.utils.dateutils import get_from_date_from_timespan, get_period, get_period_beginning

from biometric_integration.core.punch import Kind
from biometric_integration.sync.records import sight, staging

INTERVAL, TIMESPAN = "Daily", "Last Month"


@frappe.whitelist()
def get_data(**arguments) -> dict:
	frappe.has_permission(staging.DOCTYPE, "read", throw=True)
	if not sight.events():
		return _cached(**arguments)
	asked = frappe._dict(arguments)  # frappe would keep what one user sees for all of them
	return _punches(asked.from_date, asked.to_date, asked.timespan, asked.time_interval)


@cache_source
def _cached(from_date=None, to_date=None, timespan=None, time_interval=None, **_others) -> dict:
	return _punches(from_date, to_date, timespan, time_interval)


def _punches(from_date, to_date, timespan, time_interval) -> dict:
	interval, last = time_interval or INTERVAL, getdate(to_date)
	first = getdate(from_date) if from_date else get_from_date_from_timespan(last, timespan or TIMESPAN)
	first = getdate(get_period_beginning(first, interval))
	found = get_result(by_day(first, last), interval, first, last, "Count")
	return {
		"labels": [_label(day, interval) for day, _count in found],
		"datasets": [{"name": "Punches per Day", "values": [count for _day, count in found]}],
	}


def by_day(first: date, last: date) -> list[tuple[date, int, int]]:
	"""Of the punches that the user sees."""
	limit = sight.events().replace("%", "%%")
	return frappe.db.sql(
		f"""SELECT DATE(`punch_time`) AS `day`, COUNT(*), COUNT(*) FROM `tab{staging.DOCTYPE}`
		WHERE `kind`=%s AND `punch_time` BETWEEN %s AND %s {limit and f"AND {limit}"} GROUP BY `day` ORDER BY `day`""",
		(Kind.PUNCH.value, datetime.combine(first, time()), datetime.combine(last, time.max)),
	)  # the query builder takes no condition that is a text


def _label(day: date, interval: str) -> str:
	period = get_period(day, interval)
	return format_date(period, parse_day_first=True) if interval in ("Daily", "Weekly") else period
