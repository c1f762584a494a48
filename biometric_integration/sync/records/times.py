"""Punch times as the time zones that are set now give them.

They are worked out once, when a punch is kept. Where the zone of a server is corrected later, the source time is still there, and they can
be worked out again. What a person has released has the time that the person gave it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import frappe
from frappe.query_builder import DocType
from frappe.utils import get_system_timezone

from biometric_integration.core.clock import to_site
from biometric_integration.core.punch import Kind
from biometric_integration.sync.records import devices, servers, staging

Derive = Callable[[str, datetime], "datetime | None"]
FIELDS = ("name", "server", "device", "source_time", "punch_time")


MOVING, MOVING_FOR = "biometric_times_move", 1800


def are_moving() -> bool:
	"""Are punches of any server between their former and their right times? Then no day is whole."""
	return any(frappe.cache.get_value(_key(server.id), expires=True) for server in servers.all_servers())


def note_moving(server: str, so: bool) -> None:
	if so:
		frappe.cache.set_value(_key(server), 1, expires_in_sec=MOVING_FOR)
	else:
		frappe.cache.delete_value(_key(server))


def _key(server: str) -> str:
	return f"{MOVING}:{server}"


def derive() -> Derive:
	"""Gives the punch time of a (server, source time); None where the server is not there any more."""
	zones = {server.id: server.config.time_zone for server in servers.all_servers()}
	site = get_system_timezone()

	def at_site(server: str, source_time: datetime) -> datetime | None:
		zone = zones.get(server)
		return to_site(source_time, zone, site) if zone else None

	return at_site


def differing(rows: Sequence, at_site: Derive) -> list[tuple]:
	"""(row, right time) of those whose punch time is another one: by the clock of the home of its device, whichever server reported it."""
	homes = devices.homes({row.device for row in rows})
	found = ((row, at_site(homes.get(row.device) or row.server or "", row.source_time)) for row in rows)
	return [(row, right) for row, right in found if right and right != row.punch_time]


def of_names(names: Sequence[str]) -> list:
	"""The punches of these that may be put right, locked."""
	if not names:
		return []
	event = DocType(staging.DOCTYPE)
	query = may_be_derived(frappe.qb.from_(event).select(*(event[field] for field in FIELDS)), event)
	return query.where(event.name.isin(list(names))).for_update().run(as_dict=True)


def may_be_derived(query, event):
	unreleased = event.released_by.isnull() | (event.released_by == "")
	return query.where((event.kind == Kind.PUNCH.value) & event.source_time.isnotnull() & unreleased)


def put_right(found: Sequence[tuple]) -> None:
	"""Write the right times of (row, right time)."""
	shifts: dict[timedelta, list[str]] = {}
	for row, right in found:
		shifts.setdefault(right - row.source_time, []).append(row.name)
	for shift, names in sorted(shifts.items()):
		staging.derive_again(names, shift)


def put_right_names(names: Sequence[str]) -> None:
	"""Of those of these punches that are opened again: a wrong time is not used once more."""
	put_right(differing(of_names(names), derive()))
