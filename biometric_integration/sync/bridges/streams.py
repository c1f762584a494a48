"""How far a bridge has read its servers: that becomes the cursor of the stream, as if this site had read it.

Believed is what is of a server that this bridge reads, and of a unit whose punches it may send here: nothing else that it says proves anything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta

import frappe
from frappe.utils import get_system_timezone

from biometric_integration.connectors.registry import CONNECTORS
from biometric_integration.core import bridges as core_bridges
from biometric_integration.core.clock import to_site
from biometric_integration.core.stream import Cursor, Stream
from biometric_integration.core.text import LONGEST
from biometric_integration.receivers.bridge_report import StreamRead
from biometric_integration.sync.receiving import ingest
from biometric_integration.sync.records import cursors, devices, servers

Told = Mapping[str, Mapping[str, Cursor]]
"""Unit → feed → how far it was read."""


def keep(bridge: str, told: Iterable[StreamRead], ahead: timedelta, now: datetime, knows: bool) -> None:
	"""`ahead`: of the bridge's clock; now: the clock of the site. In a transaction of the caller.

	knows: the bridge knew, when it reported, which devices are waited for. Else what it keeps aside of a new one held nothing back that is read as a whole.
	"""
	by_server: dict[tuple[str, str], dict[str, dict[str, Cursor]]] = defaultdict(lambda: defaultdict(dict))
	for one in told:
		by_server[one.server, one.server_type][one.unit][one.feed] = one.marks
	found: dict[Stream, Cursor] = {}
	for server in servers.of_bridge(bridge):
		units = by_server.get((server.id, server.config.server_type), {})
		at_server = to_site(now, get_system_timezone(), server.config.time_zone)
		known = _units(server, knows) if units else set()
		mine = {unit: feeds for unit, feeds in units.items() if unit in known}
		found.update(_moved(server, _believed(mine, ahead, at_server), at_server))
	cursors.keep_reported(found, f"bridge {bridge}"[:LONGEST])


def _units(server: servers.Server, knows: bool) -> set[str]:
	"""Those of which all that comes is kept here: of a whole, only where the key writes for each device in it that is waited for."""
	filters = {**devices.belonging_to(server.id), "enabled": 1, "serial_number": ("is", "set")}
	rows = frappe.get_all(devices.DOCTYPE, filters, ["serial_number", "location"], limit=0)
	serials = {row.serial_number for row in rows if server.reads(row.location or "")}
	mine = ingest.writable(serials)
	if (only := server.only_unit) is None:
		return mine
	return {only} if knows and serials <= mine else set()


def _believed(units: Told, ahead: timedelta, now: datetime) -> Told:
	found: dict[str, dict[str, Cursor]] = {}
	for unit, feeds in units.items():
		marks = {feed: core_bridges.less(cursor, ahead, now) for feed, cursor in feeds.items()}
		found[unit] = {feed: cursor for feed, cursor in marks.items() if cursor}
	return found


def _moved(server: servers.Server, told: Told, now: datetime) -> dict[Stream, Cursor]:
	"""What of it is new. A feed by position has no begin of its own: it counts with the others of its unit."""
	known = (
		{key: cursor.believed(now) for key, cursor in cursors.of_server(server.id).items()} if told else {}
	)
	server_type = server.config.server_type
	start_dates = server.own_start_dates() if told else {}
	found = {}
	for unit, marks in told.items():
		start = start_dates.get(unit, server.start_date)
		begin = datetime.combine(start, time()) if start else None
		streams = {
			feed: Stream(server.id, server_type, unit, feed.name) for feed in CONNECTORS[server_type].feeds
		}
		before = {feed: known.get(stream.key, Cursor()) for feed, stream in streams.items()}
		goes_on = {
			feed: feed.name in marks and core_bridges.leaves_no_hole(before[feed], marks[feed.name], begin)
			for feed in streams
			if not feed.by_position
		}
		for feed, stream in streams.items():
			if feed.name in marks and goes_on.get(feed, all(goes_on.values())):
				after = core_bridges.joined(before[feed], marks[feed.name])
				if after != before[feed]:
					found[stream] = after
	return found


def forget_for(server: str | None) -> None:
	"""A device that is waited for only now may have punches that were refused until then: of a server that is read as a whole nothing is complete until the bridge says so again."""
	home = devices.home(server)
	for each in servers.all_servers():
		if each.id == home and each.read_by and each.only_unit is not None:
			cursors.forget_completeness(each.id)
