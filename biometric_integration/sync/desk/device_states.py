"""How the devices stand that a user sees, each with what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

import frappe
from frappe import _
from frappe.utils import format_datetime, get_datetime, now_datetime

from biometric_integration.core.device_state import (
	SILENT_DAYS,
	TO_LOOK_AT,
	DeviceFacts,
	DeviceState,
	device_state,
	is_quiet,
)
from biometric_integration.core.evidence import RHYTHM, Standing, Today, rhythm, today
from biometric_integration.core.health import Health
from biometric_integration.core.stream import PRIMARY
from biometric_integration.core.window import DAY
from biometric_integration.sync.bridges import standing
from biometric_integration.sync.desk import status
from biometric_integration.sync.records import device_hours, devices, servers

WITH_RHYTHM = (DeviceState.SILENT, DeviceState.REVIEW, DeviceState.LATE, DeviceState.ACTIVE)
UNKNOWN = Today(Standing.NEVER, 0, 0)
FIELDS = [
	"name",
	"creation",
	"device_name",
	"serial_number",
	"server",
	"enabled",
	"same_as",
	"needs_review",
	"last_punch",
	"last_ping",
	"last_contact",
	"push",
	"pushes_to",
]
IN_CONTACT = timedelta(minutes=15)
"""A device that pushes looks for commands every few seconds."""
READ_WELL = (Health.OK, Health.NEW)
"""The first pull of a server may take hours: until it ends, only what was read of a device tells."""


@dataclass(frozen=True)
class ServerFacts:
	"""A configured server, as far as its devices are concerned.

	last_read: when the last pull that succeeded ended; last_runs: when each unit was last begun to be read, also by a pull that goes on. Nothing
	where the server is not read well at present.
	"""

	server: servers.Server
	last_read: datetime | None
	failing_units: frozenset[str]
	last_runs: Mapping[str, datetime]

	def was_read_since(self, moment: datetime, unit: str | None) -> bool:
		runs = (self.last_read, None if unit is None else self.last_runs.get(unit))
		return any(run is not None and run > moment for run in runs)


def states(device: str | None = None) -> dict[str, dict]:
	"""Device → {"state", "message"}: of one, or of all."""
	filters = {"name": device} if device else {}
	now = now_datetime()
	known, away = _servers(), standing.out_of_reach(now)
	rows = frappe.get_list(devices.DOCTYPE, filters, FIELDS, order_by="name asc", limit=0)
	days = _todays([row.name for row in rows if row.enabled and not row.same_as], now)
	return {
		row.name: _state(row, known.get(row.server or PRIMARY), days.get(row.name, UNKNOWN), now, away)
		for row in rows
	}


def to_look_at() -> dict:
	"""For the number card: devices of which nothing comes, though no run fails."""
	wanted = {state.value for state in TO_LOOK_AT}
	names = [name for name, found in states().items() if found["state"] in wanted]
	return {
		"value": len(names),
		"fieldtype": "Int",
		"route": ["List", devices.DOCTYPE],
		"route_options": {"name": ["in", names]} if names else {},
	}


def _servers() -> dict[str, ServerFacts]:
	found = {}
	for server in servers.all_servers():
		state = servers.state(server.id)
		how = status.standing(server, state)
		units = servers.failing_units(server)
		last_read = state.last_success if how is Health.OK else None
		last_runs = servers.last_runs(server) if how in READ_WELL else {}
		found[server.id] = ServerFacts(server, last_read, frozenset(unit or "" for unit in units), last_runs)
	return found


def _todays(names: list[str], now: datetime) -> dict[str, Today]:
	"""Device → how it stands by its own rhythm. A day on which nothing came of any device of the site is taken for one on which nobody was expected."""
	since = datetime.combine(now.date(), time()) - RHYTHM
	found = device_hours.of_devices(names, since)
	if not found:
		return {}
	came = device_hours.days(since)
	days = ((now - number * DAY).date() for number in range(RHYTHM.days + 1))
	quiet = {day for day in days if day not in came}
	return {name: today(hours, rhythm(hours, now, quiet), now) for name, hours in found.items()}


def _state(row, server: ServerFacts | None, day: Today, now: datetime, away: Mapping[str, str]) -> dict:
	"""`away`: bridges of which nothing is known at present, each with a sentence."""
	facts = _facts(row, server, day, now)
	if absence := away.get(_bridge(row, server), ""):
		facts = replace(facts, is_read=False)
	state = device_state(facts, now)
	message = _message(state, row, facts, day, server)
	if absence and state is DeviceState.UNREAD:
		message = f"{absence} {_('What this device has is sent once it is heard of again.')}"
	words = (message, _rhythm(state, day, now), _ping(state, row))
	return {"state": state.value, "message": " ".join(filter(None, words))}


def _facts(row, server: ServerFacts | None, day: Today, now: datetime) -> DeviceFacts:
	last_punch = row.last_punch or devices.newest_arrival(row.name)
	is_quiet_now = bool((server or row.push or row.pushes_to) and row.enabled) and is_quiet(last_punch, now)
	return DeviceFacts(
		enabled=bool(row.enabled),
		is_another=bool(row.same_as),
		has_server=server is not None or bool(row.push or row.pushes_to or row.last_contact),
		is_failing=bool(server) and _unit(row, server) in server.failing_units,
		is_read=_is_in_contact(row, now)
		or (bool(server) and server.was_read_since(get_datetime(row.creation), _unit(row, server))),
		needs_review=bool(row.needs_review),
		last_punch=last_punch,
		days_of_others=devices.days_of_others(row.name, row.server or PRIMARY, last_punch, now, SILENT_DAYS)
		if is_quiet_now
		else 0,
		standing=day.standing,
	)


def _bridge(row, server: ServerFacts | None) -> str:
	"""By which its punches come; empty where they come to this site themselves."""
	return server.server.read_by if server else row.pushes_to or ""


def _is_in_contact(row, now: datetime) -> bool:
	return bool(row.last_contact) and now - row.last_contact < IN_CONTACT


def _unit(row, server: ServerFacts) -> str | None:
	only = server.server.only_unit
	return (row.serial_number or None) if only is None else only


def _message(state: DeviceState, row, facts: DeviceFacts, day: Today, server: ServerFacts | None) -> str:
	"""What it means, and the ways out of it."""
	if state is DeviceState.ORPHANED:
		orphaned = _(
			"The server {0} is not in Biometric Sync Settings (any more), so this device is not read. Its punches stay as they are."
		).format(row.server or PRIMARY)
		return _with_way_out(orphaned, _("Choose its server here, or turn off Enabled."))
	if state is DeviceState.FAILING:
		return _("Its last run failed. The newest Sync Log says why.")
	if state is DeviceState.UNREAD and (row.push or row.pushes_to or row.last_contact):
		return _out_of_contact(row)
	if state is DeviceState.UNREAD:
		return _(
			"Its server is not read at present, or was not since this device was entered, so nothing is known of it. See Biometric Sync Settings."
		)
	if state is DeviceState.NEVER:
		return _never(row, server)
	if state is DeviceState.SILENT:
		return _silent(facts, day)
	return ""


def _rhythm(state: DeviceState, day: Today, now: datetime) -> str:
	"""What has come today beside what is usual by now; nothing where nothing is usual yet, or the device is not asked."""
	if state not in WITH_RHYTHM or not day.usual:
		return ""
	full_hour = f"{now:%H}:00"
	return _("Usually {0} punches by {1}, has {2} today.").format(day.usual, full_hour, day.came)


def _ping(state: DeviceState, row) -> str:
	if state in WITH_RHYTHM and row.last_contact:
		return _("It was last in contact on {0}.").format(format_datetime(row.last_contact))
	if state not in WITH_RHYTHM or not row.last_ping:
		return ""
	return _("Its server last heard of it on {0}.").format(format_datetime(row.last_ping))


def _out_of_contact(row) -> str:
	if row.last_contact:
		return _(
			"It was last in contact on {0}. Is it switched on, and does it reach this site? It keeps its punches until then."
		).format(format_datetime(row.last_contact))
	return _(
		"It is accepted, and has not been in contact since. Compare the serial number and the address in its menu; it keeps its punches until then."
	)


def _never(row, server: ServerFacts | None) -> str:
	if row.last_contact or server is None:
		never = _(
			"The device is in contact, but has never sent a punch. Punch once, and see that it uploads."
		)
		return _with_way_out(
			never, _("For older punches choose Ask for Punches. Where it is not used, turn off Enabled.")
		)
	if server and server.server.only_unit is None and not row.serial_number:
		missing = _("It has no serial number, without which its server cannot be asked for it.")
		return _with_way_out(missing, _("Enter it."))
	nothing = _(
		"Nothing has ever come from this device, though its server is read. Compare the serial number and the server with what the attendance software shows, punch once, and see that the device uploads."
	)
	return _with_way_out(nothing, _("Where it is not used, turn off Enabled."))


def _silent(facts: DeviceFacts, day: Today) -> str:
	since = format_datetime(facts.last_punch or day.since)
	if facts.days_of_others >= SILENT_DAYS:
		silent = _(
			"No punch since {0}, while other devices of its server delivered on {1} days or more. Is it connected, and does it upload?"
		).format(since, SILENT_DAYS)
	else:
		silent = _("No punch since {0}. Is it connected, and does it upload?").format(since)
	way_out = _(
		"Where it was replaced or is not used any more, turn off Enabled; where it has another serial number now, correct it here."
	)
	return _with_way_out(silent, way_out)


def _with_way_out(fact: str, way_out: str) -> str:
	"""Whoever may not change a device is told who may."""
	if not frappe.has_permission("Biometric Device", "write"):
		way_out = _("An HR Manager can change the device.")
	return f"{fact} {way_out}"
