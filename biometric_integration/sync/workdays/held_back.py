"""What keeps attendance from being marked: which device, or server that cannot be read, whose, and since when. Worked out from the rows whenever it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import frappe

from biometric_integration.core.judgement import State, Why
from biometric_integration.core.stream import PRIMARY
from biometric_integration.sync.records import servers, staging
from biometric_integration.sync.workdays import rows
from biometric_integration.sync.workdays.evidence import DEVICE, Evidence
from biometric_integration.sync.workdays.stale import PERIOD

TO_BE_READ = timedelta(hours=1)
"""So long after a day has closed it is nothing special that its devices were not read yet."""


@dataclass
class Cause:
	"""A device, or a server that cannot be read, and what hangs on it.

	shifts: empty text for days without one. since: when the oldest of these days closed. heard: the last sign of life of the device, None where what it has was
	not read. people: whose days, the oldest of each.
	"""

	doctype: str
	name: str
	label: str
	why: str = ""
	devices: set[str] = field(default_factory=set)
	shifts: set[str] = field(default_factory=set)
	people: dict[str, date] = field(default_factory=dict)
	since: datetime = datetime.max
	heard: datetime | None = None

	def add(self, day: Day) -> None:
		self.devices.add(day.device)
		self.shifts.add(day.shift)
		self.people[day.employee] = min(self.people.get(day.employee, date.max), day.closes.date())
		self.since = min(self.since, day.closes)
		heards = [moment for moment in (self.heard, day.heard) if moment]
		self.heard = min(heards, default=None)


@dataclass(frozen=True)
class Day:
	"""Of somebody, that waits for a device; the oldest of several."""

	shift: str
	device: str
	employee: str
	closes: datetime
	heard: datetime | None = None


def causes(now: datetime, limit: str = "", shift: str | None = None) -> list[Cause]:
	"""Those that most people wait for first. limit: of rows, as SQL; shift: of this shift type only."""
	conditions = [f"({limit})"] if limit else []
	if shift is not None:
		conditions.append(f"`tab{rows.DOCTYPE}`.`shift`={frappe.db.escape(shift, percent=False)}")
	also = " AND ".join(["", *conditions]).replace("%", "%%")
	found: dict[tuple[str, str], Cause] = {}
	who = _Who()
	for day in (*_held(now, also), *_unread(now, also)):
		doctype, name, label, why = who.keeps(day.device)
		found.setdefault((doctype, name), Cause(doctype, name, label, why)).add(day)
	return sorted(found.values(), key=lambda cause: (-len(cause.people), cause.label))


def _held(now: datetime, also: str) -> Iterator[Day]:
	"""Days that are held, and those that were not waited for any longer in the same silence."""
	found = frappe.db.sql(
		f"""SELECT `state`, COALESCE(`shift`, ''), `held_by`, `employee`, MIN(`closes`), `held_since` FROM `tab{rows.DOCTYPE}`
		WHERE (`state`=%(held)s OR `state`=%(settle)s AND `reason`=%(silent)s) AND `date`>=%(since)s AND COALESCE(`held_by`, '')!='' {also}
		GROUP BY 1, 2, 3, 4, 6""",
		{
			"held": State.HELD.value,
			"settle": State.TO_SETTLE.value,
			"silent": Why.DEVICE_SILENT.value,
			"since": (now - PERIOD).date(),
		},
	)  # thousands of rows, grouped by the database
	silent_since: dict[str, datetime] = {}
	for state, _shift, device, _employee, closes, heard in found:
		if state == State.HELD.value:
			begin = heard or closes
			silent_since[device] = min(silent_since.get(device, begin), begin)
	for _state, shift, device, employee, closes, heard in found:
		if device in silent_since and closes >= silent_since[device]:
			yield Day(shift, device, employee, closes, heard)


def _unread(now: datetime, also: str) -> Iterator[Day]:
	"""Days that closed a while ago, with those devices of their check-ins that were not read so far."""
	found = frappe.db.sql(
		f"""SELECT COALESCE(`tab{rows.DOCTYPE}`.`shift`, ''), e.`device`, `tab{rows.DOCTYPE}`.`employee`, MIN(`tab{rows.DOCTYPE}`.`closes`)
		FROM `tab{rows.DOCTYPE}` JOIN `tab{staging.DOCTYPE}` e ON e.`employee`=`tab{rows.DOCTYPE}`.`employee`
			AND e.`punch_time` BETWEEN `tab{rows.DOCTYPE}`.`first_in` AND COALESCE(`tab{rows.DOCTYPE}`.`last_out`, `tab{rows.DOCTYPE}`.`first_in`)
		WHERE `tab{rows.DOCTYPE}`.`state`=%(open)s AND `tab{rows.DOCTYPE}`.`reason`=%(unread)s AND `tab{rows.DOCTYPE}`.`date`>=%(since)s
			AND `tab{rows.DOCTYPE}`.`closes`<%(closed)s AND COALESCE(e.`device`, '')!='' {also}
		GROUP BY 1, 2, 3""",
		{
			"open": State.OPEN.value,
			"unread": Why.NOT_READ.value,
			"since": (now - PERIOD).date(),
			"closed": now - TO_BE_READ,
		},
	)  # as above
	evidence = Evidence(now)
	until = {device: evidence.read_until({device}) for device in {row[1] for row in found}}
	for shift, device, employee, closes in found:
		if until[device] < closes:
			yield Day(shift, device, employee, closes)


class _Who:
	"""Whom to name: the device, or its server where that cannot be read at all."""

	def __init__(self) -> None:
		self._devices = {
			row.name: row for row in frappe.get_all(DEVICE, fields=["name", "device_name", "server"], limit=0)
		}
		self._servers = {server.id: server for server in servers.all_servers()}
		self._failing = {
			name: state.error or "" for name in self._servers if (state := servers.state(name)).failures
		}

	def keeps(self, device: str) -> tuple[str, str, str, str]:
		"""Doctype, name, label, and why a server cannot be read."""
		row = self._devices.get(device)
		server = (row.server or PRIMARY) if row else ""
		if server in self._failing:
			return servers.STATE, server, self._servers[server].label, self._failing[server]
		return DEVICE, device, (row.device_name if row else "") or device, ""
