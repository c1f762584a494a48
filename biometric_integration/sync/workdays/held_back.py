"""What keeps attendance from being marked: which device, or server that cannot be read, whose, and since when. Worked out from the rows whenever it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import frappe

from biometric_integration.core.judgement import State, Why
from biometric_integration.core.stream import PRIMARY
from biometric_integration.sync.records import servers, staging
from biometric_integration.sync.workdays import rows
from biometric_integration.sync.workdays.evidence import DEVICE, Evidence
from biometric_integration.sync.workdays.stale import PERIOD

TO_BE_READ = timedelta(hours=1)
"""So long after a day has closed it is nothing special that its devices were not read yet."""

LONG_AGO = datetime(2000, 1, 1)

HELD = """SELECT `{workday}`.`held_by` AS device, `{workday}`.`shift`, `{workday}`.`employee`, `{workday}`.`closes`, `{workday}`.`held_since` AS heard
	FROM `{workday}` JOIN (
		SELECT `held_by`, MIN(COALESCE(`held_since`, `closes`)) AS begin FROM `{workday}`
		WHERE `state`=%(held)s AND `date`>=%(since)s AND COALESCE(`held_by`, '')!='' GROUP BY `held_by`
	) silence ON silence.`held_by`=`{workday}`.`held_by`
	WHERE `{workday}`.`state` IN (%(held)s, %(settle)s) AND `{workday}`.`date`>=%(since)s
	AND (`{workday}`.`state`=%(held)s OR `{workday}`.`reason`=%(silent)s AND `{workday}`.`closes`>=silence.`begin`) {also}"""
"""Days that are held, and those that are not waited for any longer in the same silence."""

UNREAD = """UNION ALL SELECT e.`device`, `{workday}`.`shift`, `{workday}`.`employee`, `{workday}`.`closes`, NULL
	FROM `{workday}` JOIN `{event}` e ON e.`employee`=`{workday}`.`employee`
		AND e.`punch_time` BETWEEN `{workday}`.`first_in` AND COALESCE(`{workday}`.`last_out`, `{workday}`.`first_in`)
	JOIN ({unread}) unread ON unread.`device`=e.`device` AND unread.`until`<`{workday}`.`closes`
	WHERE `{workday}`.`state`=%(open)s AND `{workday}`.`reason`=%(not_read)s AND `{workday}`.`date`>=%(since)s
	AND `{workday}`.`closes`<%(closed)s {also}"""
"""Days that closed a while ago, with those devices of their check-ins that were not read so far."""

OF_EACH = """SELECT IF(COALESCE(NULLIF(d.`server`, ''), %(primary)s) IN %(failing)s, COALESCE(NULLIF(d.`server`, ''), %(primary)s), '') AS failing,
		IF(COALESCE(NULLIF(d.`server`, ''), %(primary)s) IN %(failing)s, '', days.`device`) AS name,
		GROUP_CONCAT(DISTINCT days.`device` SEPARATOR '\n'), GROUP_CONCAT(DISTINCT COALESCE(days.`shift`, '') SEPARATOR '\n'),
		COUNT(DISTINCT days.`employee`), MIN(days.`closes`), MIN(days.`heard`), MAX(d.`device_name`)
	FROM ({days}) days LEFT JOIN `{device}` d ON d.`name`=days.`device` GROUP BY 1, 2"""


@dataclass(frozen=True)
class Cause:
	"""A device, or a server that cannot be read, and what hangs on it.

	why: a server cannot be read. people: how many. since: when the oldest of their days closed. heard: the last sign of life of the device, None where what it has
	was not read.
	"""

	doctype: str
	name: str
	label: str
	why: str
	devices: tuple[str, ...]
	shifts: tuple[str, ...]
	people: int
	since: datetime
	heard: datetime | None


def causes(now: datetime, limit: str = "", shift: str | None = None) -> list[Cause]:
	"""Those that most people wait for first. limit: of rows, as SQL; shift: of this shift type only."""
	failing, unread = _failing(), _unread(now)
	values = {
		"held": State.HELD.value,
		"settle": State.TO_SETTLE.value,
		"silent": Why.DEVICE_SILENT.value,
		"open": State.OPEN.value,
		"not_read": Why.NOT_READ.value,
		"since": (now - PERIOD).date(),
		"closed": now - TO_BE_READ,
		"primary": PRIMARY,
		"failing": tuple(failing) or ("",),
		"shift": shift,
	}
	names = {"workday": f"tab{rows.DOCTYPE}", "event": f"tab{staging.DOCTYPE}", "device": f"tab{DEVICE}"}
	also = f" AND ({limit})".replace("%", "%%") if limit else ""
	if shift is not None:
		also += f" AND `tab{rows.DOCTYPE}`.`shift`=%(shift)s"
	days = HELD.format(also=also, **names)
	if unread:
		read = []
		for number, (device, until) in enumerate(unread.items()):
			values.update({f"device{number}": device, f"until{number}": until})
			read.append(
				f"SELECT %(device{number})s AS `device`, CAST(%(until{number})s AS DATETIME) AS `until`"
			)
		days += UNREAD.format(also=also, unread=" UNION ALL ".join(read), **names)
	found = frappe.db.sql(
		OF_EACH.format(days=days, **names), values
	)  # tens of thousands of days: counted by the database
	return sorted((_cause(row, failing) for row in found), key=lambda one: (-one.people, one.label))


def _cause(row: tuple, failing: dict[str, tuple[str, str]]) -> Cause:
	server, device, devices, shifts, people, since, heard, label = row
	doctype, name, why = DEVICE, device, ""
	if server:
		doctype, name = servers.STATE, server
		label, why = failing[server]
	of = tuple(sorted(devices.split("\n"))), tuple(sorted(filter(None, shifts.split("\n"))))
	return Cause(doctype, name, label or name, why, *of, people, since, heard)


def _failing() -> dict[str, tuple[str, str]]:
	"""Servers that cannot be read at all: label, and why."""
	states = ((server, servers.state(server.id)) for server in servers.all_servers())
	return {server.id: (server.label, state.error or "") for server, state in states if state.failures}


def _unread(now: datetime) -> dict[str, datetime]:
	"""Device → how far it was read, of those that were not for a while."""
	evidence = Evidence(now)
	names = frappe.get_all(DEVICE, {"enabled": 1}, pluck="name", limit=0)
	until = {name: evidence.read_until({name}) for name in names}
	return {name: max(moment, LONG_AGO) for name, moment in until.items() if moment < now - TO_BE_READ}


def people(of: Cause, count: int) -> list[str]:
	"""Some of them."""
	filters = {"held_by": ("in", of.devices), "state": State.HELD.value}
	return frappe.get_all(rows.DOCTYPE, filters, pluck="employee", distinct=True, order_by=None, limit=count)
