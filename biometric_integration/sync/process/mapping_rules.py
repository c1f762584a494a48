"""Biometric Mapping Rule documents as the core sees them."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Collection, Iterable
from datetime import date, datetime, time, timedelta
from enum import Enum

import frappe
from frappe.query_builder import DocType
from frappe.utils import getdate

from biometric_integration.core.mapping import WILDCARDS, MappingRule, Place, Scope
from biometric_integration.core.reasons import EventStatus, Reason
from biometric_integration.core.window import DAY, shifted
from biometric_integration.sync.records import devices, servers

DOCTYPE = "Biometric Mapping Rule"
FIELDS = (
	"name",
	"device_user_id",
	"action",
	"employee",
	"scope",
	"server",
	"location",
	"device",
	"from_date",
	"to_date",
)
Row = namedtuple("Row", FIELDS)
WHERE = {Scope.SERVER: "server", Scope.LOCATION: "location", Scope.DEVICE: "device"}
"""The field that says where a rule of this scope holds."""

EVENT = "Biometric Staging Event"
EARLY = timedelta(hours=6)
"""How long before midnight people come for a shift of the next day."""
WAITING = (
	(EventStatus.UNMAPPED, None),
	(EventStatus.IGNORED, Reason.ID_IGNORED),
	(EventStatus.FAILED, Reason.HRMS_REFUSED),
)
"""Punches that a rule could still send elsewhere, since nothing was made of them: by status and reason (None = any)."""


class Action(str, Enum):
	"""What a rule does with its ids."""

	MAP = "Map to Employee"
	IGNORE = "Ignore"


def for_ids(user_ids: Collection[str]) -> list[MappingRule]:
	"""Rules that may concern these ids, in one query: those for one of the ids, and every pattern."""
	patterns = " OR ".join(["`device_user_id` LIKE %s"] * len(WILDCARDS))
	columns = ", ".join(f"`{field}`" for field in FIELDS)
	rows = frappe.db.sql(
		f"""SELECT {columns} FROM `tab{DOCTYPE}`
		WHERE {patterns} OR `device_user_id` IN %s ORDER BY `name`""",
		(*(f"%{wildcard}%" for wildcard in WILDCARDS), sorted(user_ids) or [""]),
	)  # the query builder takes ten times as long for the ids
	return list(_usable(map(Row._make, rows)))


def all_rules() -> list[MappingRule]:
	rows = frappe.get_all(DOCTYPE, fields=list(FIELDS), order_by="name asc", limit=0)
	return list(_usable(rows))


def _usable(rows: Iterable) -> Iterable[MappingRule]:
	"""A rule that lost its employee decides nothing: an empty employee would mean *ignore*."""
	return (as_rule(row) for row in rows if row.employee or row.action == Action.IGNORE.value)


def as_rule(row) -> MappingRule:
	"""A document, or a row with its fields; dates as `date`."""
	scope = Scope(row.scope or Scope.ANY.value)
	return MappingRule(
		name=row.name or "",
		user_id=row.device_user_id or "",
		scope=scope,
		where=getattr(row, WHERE[scope]) or "" if scope in WHERE else "",
		employee="" if row.action == Action.IGNORE.value else row.employee or "",
		first=_day(row.from_date),
		last=_day(row.to_date),
	)


def _day(value) -> date | None:
	return getdate(value) if value else None


def waiting_events(rule: MappingRule, nights: bool = False) -> list[str]:
	"""The waiting punches that a rule is about: its id, its place, its days; with the nights that may be a shift of its first or last day."""
	early, late = (EARLY, DAY) if nights else (timedelta(0), timedelta(0))
	rows = _candidates(rule)
	found = devices.by_key({row.device for row in rows if row.device})
	return [
		row.name
		for row in rows
		if rule.matches(row.device_user_id)
		and any(_holds(rule, row, found, by) for by in {early, timedelta(0), -late})
	]


def _candidates(rule: MappingRule) -> list:
	"""Somewhat too many: the database compares loosely, and a night may be of the day before or after."""
	event = DocType(EVENT)
	waits = [
		(event.status == status.value) & (event.reason_code == reason.value if reason else event.name != "")
		for status, reason in WAITING
	]
	query = (
		frappe.qb.from_(event)
		.select(event.name, event.device_user_id, event.server, event.device, event.punch_time)
		.where(waits[0] | waits[1] | waits[2])
		.where(
			event.device_user_id.like(_like(rule.user_id))
			if rule.is_pattern
			else event.device_user_id == rule.user_id
		)
	)
	if rule.first:
		query = query.where(event.punch_time >= shifted(datetime.combine(rule.first, time()), -EARLY))
	if rule.last:
		query = query.where(event.punch_time < shifted(datetime.combine(rule.last, time()), 2 * DAY))
	return query.run(as_dict=True)


def _like(pattern: str) -> str:
	"""The same pattern for SQL."""
	escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
	return escaped.replace("*", "%").replace("?", "_")


def _holds(rule: MappingRule, row, found: dict, by: timedelta) -> bool:
	device = found.get(row.device)
	own = (row.device or "", device.key) if device else (row.device or "",)
	place = Place(row.server or "", device.location if device else "", own)
	return bool(row.punch_time) and rule.holds(place, shifted(row.punch_time, by).date())


def devices_at(rule: MappingRule) -> list[str]:
	"""The devices at which it holds."""
	places = {
		Scope.ANY: {},
		Scope.SERVER: devices.belonging_to(rule.where),
		Scope.LOCATION: {"location": rule.where},
		Scope.DEVICE: {"name": rule.where},
	}
	return frappe.get_all(devices.DOCTYPE, places[rule.scope], pluck="name", limit=0)


def known_ids(rule: MappingRule) -> dict[str, str]:
	"""The ids that a pattern fits, as punches came and as employees carry them, each with one who carries it ("" = nobody)."""
	like, employee = _like(rule.user_id), DocType("Employee")
	found = dict.fromkeys(_punched_ids(like), "")
	for field in servers.employee_fields():
		carried = frappe.qb.from_(employee).select(employee[field], employee.name)
		found.update(
			{user_id.strip(): name for user_id, name in carried.where(employee[field].like(like)).run()}
		)
	return {user_id: employee for user_id, employee in found.items() if rule.matches(user_id)}


def _punched_ids(like: str) -> list[str]:
	"""Of ids that the database takes for one, one spelling: so it jumps from id to id, and reads no punch twice."""
	event = DocType(EVENT)
	query = frappe.qb.from_(event).select(event.device_user_id).where(event.device_user_id.like(like))
	return query.groupby(event.device_user_id).run(pluck=True)


def other_carriers(rule: MappingRule) -> list[str]:
	"""Employees besides the rule's own who carry its id in their record, and are employed while it holds."""
	found = set()
	for field in servers.employee_fields():
		fields = ["name", "date_of_joining", "relieving_date", f"{field} as id"]
		for row in frappe.get_all("Employee", {field: rule.user_id}, fields, limit=0):
			joined, left = row.date_of_joining or date.min, row.relieving_date or date.max
			employed = joined <= (rule.last or date.max) and left >= (rule.first or date.min)
			if row.id.strip() == rule.user_id and row.name != rule.employee and employed:
				found.add(row.name)
	return sorted(found)
