"""Devices that nobody uses any more, found by what their people do since."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, datetime

import frappe

from biometric_integration.core.desertion import deserted_since
from biometric_integration.core.evidence import STATISTICS
from biometric_integration.core.judgement import Why
from biometric_integration.core.punch import Kind, name_from
from biometric_integration.core.reasons import EventStatus
from biometric_integration.core.window import DAY
from biometric_integration.sync.records import staging

WORKDAY = "Biometric Workday"
USED = (EventStatus.PROCESSED.value, EventStatus.PENDING.value)
"""Events that are, or wait to be, part of somebody's day."""


def deserted(
	silent: Mapping[str, datetime], names: Mapping[str, Collection[str]], original: Callable[[str], str]
) -> dict[str, date]:
	"""Those of these devices, each with its last sign of life, whose people do without it, and from which day on.

	names: under which the punches of a device are kept; original: the other way round.
	"""
	people = _people_of({name: (device, sign) for device, sign in silent.items() for name in names[device]})
	everybody = {person for found in people.values() for person in found}
	if not everybody:
		return {}
	since = min(silent[device] for device in people)
	whole = _whole_days(everybody, since.date())
	days = [
		(original(name), employee, day)
		for employee, name, day in _presence(everybody, since)
		if (employee, day) in whole
	]
	begins = {
		device: deserted_since(silent[device].date(), found, _elsewhere(device, days))
		for device, found in people.items()
	}
	return {device: begin for device, begin in begins.items() if begin}


def _people_of(silent: Mapping[str, tuple[str, datetime]]) -> dict[str, set[str]]:
	"""Device → who used it in the 30 days before its last sign of life, and is still employed."""
	if not silent:
		return {}
	condition = " OR ".join(["(e.`device`=%s AND e.`name`>=%s AND e.`name`<%s)"] * len(silent))
	limits = [
		value
		for name, (_device, sign) in silent.items()
		for value in (name, name_from(sign - STATISTICS), name_from(sign + DAY))
	]
	rows = frappe.db.sql(
		f"""SELECT DISTINCT e.`device`, e.`employee` FROM `tab{staging.DOCTYPE}` e
		JOIN `tabEmployee` p ON p.`name`=e.`employee` AND p.`status`='Active'
		WHERE ({condition}) AND e.`kind`=%s AND e.`status` IN %s""",
		(*limits, Kind.PUNCH.value, USED),
	)  # by the index of the device, which ends in the name: that begins with the time
	found: dict[str, set[str]] = {}
	for name, employee in rows:
		found.setdefault(silent[name][0], set()).add(employee)
	return found


def _presence(people: Collection[str], since: datetime) -> Iterable[tuple[str, str, date]]:
	"""(employee, device, day) of their punches."""
	return frappe.db.sql(
		f"""SELECT DISTINCT `employee`, `device`, DATE(`punch_time`) FROM `tab{staging.DOCTYPE}`
		WHERE `employee` IN %s AND `punch_time`>%s AND `kind`=%s AND `status` IN %s AND COALESCE(`device`, '')!=''""",
		(list(people), since, Kind.PUNCH.value, USED),
	)


def _whole_days(people: Collection[str], since: date) -> set[tuple[str, date]]:
	"""(employee, day) on which they came and no punch is missing."""
	filters = {
		"employee": ("in", list(people)),
		"date": (">", since),
		"checkins": (">=", 2),
		"would_status": ("is", "set"),
		"reason": ("!=", Why.MISSING_PUNCH.value),
	}
	return set(frappe.get_all(WORKDAY, filters, ["employee", "date"], as_list=True, limit=0))


def _elsewhere(device: str, days: Iterable[tuple[str, str, date]]) -> dict[str, set[date]]:
	"""Employee → their days at other devices, of (device, employee, day)."""
	found: dict[str, set[date]] = {}
	for at, employee, day in days:
		if at != device:
			found.setdefault(employee, set()).add(day)
	return found
