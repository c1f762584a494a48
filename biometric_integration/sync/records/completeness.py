"""How far what a server has was read to its end, unit by unit, in the site's clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from frappe.utils import get_system_timezone

from biometric_integration.connectors.registry import CONNECTORS
from biometric_integration.core.clock import to_site
from biometric_integration.core.connector import Feed
from biometric_integration.core.evidence import LookBack, complete_until
from biometric_integration.core.stream import Cursor, Stream, looks
from biometric_integration.sync.records import servers

REACH = timedelta(days=3)
"""A workday that closes so soon after the beginning may have begun before it: the longest one takes two days, and a late check-out."""

Cursors = Mapping[str, Cursor]
"""Stream key → cursor."""


class UnitRead(NamedTuple):
	"""Before `until` everything that the server had is in, for workdays that close after `since`: while a start date that was moved back is read up on, what is older is not.

	looks: the readings that were finished, and how far each reached back.
	"""

	until: datetime
	looks: tuple[LookBack, ...] = ()
	since: datetime = datetime.min


def unit_read(
	server: servers.Server, unit: str, known: Cursors, now: datetime, start_date: date | None = None
) -> UnitRead:
	"""`known`: the cursors of the server. What lies in the future was noted by a wrong clock. start_date: of the unit."""
	at_server = to_site(now, get_system_timezone(), server.config.time_zone)
	believed = {key: cursor.believed(at_server) for key, cursor in known.items()}
	since = _since(server, unit, believed, start_date)
	return UnitRead(_until(server, unit, believed), tuple(_looks(server, unit, believed)), since)


def _until(server: servers.Server, unit: str, known: Cursors) -> datetime:
	found: dict[bool, dict[str, datetime | None]] = {True: {}, False: {}}
	for feed, cursor in _feeds(server, unit, known):
		found[feed.by_position][feed.name] = cursor.complete_until
	return _at_site(server, complete_until(found[False], found[True].values()))


def _since(server: servers.Server, unit: str, known: Cursors, start_date: date | None) -> datetime:
	if not start_date:
		return datetime.min
	floor = datetime.combine(start_date, time())
	by_window = (cursor for feed, cursor in _feeds(server, unit, known) if not feed.by_position)
	return max(
		(_at_site(server, past.end) + REACH for cursor in by_window if (past := cursor.past(floor))),
		default=datetime.min,
	)


def _looks(server: servers.Server, unit: str, known: Cursors) -> Iterator[LookBack]:
	"""A feed by position has no need to look back: what comes late has a new id. It looks at all there is."""
	for feed, cursor in _feeds(server, unit, known):
		if feed.by_position and cursor.complete_until:
			yield LookBack(_at_site(server, cursor.complete_until), datetime.min)
		for look in () if feed.by_position else looks(server.overlap, server.rescan):
			if at := cursor.scans.get(look.name):
				yield LookBack(_at_site(server, at), _at_site(server, look.start(at)))


def _feeds(server: servers.Server, unit: str, known: Cursors) -> Iterator[tuple[Feed, Cursor]]:
	server_type = server.config.server_type
	for feed in CONNECTORS[server_type].feeds:
		yield feed, known.get(Stream(server.id, server_type, unit, feed.name).key, Cursor())


def _at_site(server: servers.Server, moment: datetime) -> datetime:
	if moment == datetime.min:
		return moment
	return to_site(moment, server.config.time_zone, get_system_timezone())
