"""Wall clocks. Everything stored is naive; these are the only places where a zone is looked at."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo


def wall_clock(moment: datetime, zone: str) -> datetime:
	"""The naive wall clock, to the second, that `moment` (aware) shows in `zone`."""
	return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None, microsecond=0)


def to_site(source_time: datetime, server_zone: str, site_zone: str) -> datetime:
	"""Naive server wall clock to naive site wall clock; in a DST fold the first of the two hours is meant."""
	if server_zone == site_zone:
		return source_time
	shift = _shift(source_time.date(), server_zone, site_zone)
	return _converted(source_time, server_zone, site_zone) if shift is None else source_time + shift


@lru_cache(maxsize=1024)
def _shift(day: date, server_zone: str, site_zone: str) -> timedelta | None:
	"""How far the site is ahead all through a day of the server; None where that changes within the day, or cannot be told."""
	server, site = ZoneInfo(server_zone), ZoneInfo(site_zone)
	try:
		ends = [datetime.combine(day, end, server) for end in (time.min, time.max)]
		offsets = {(end.utcoffset(), end.astimezone(site).utcoffset()) for end in ends}
	except OverflowError:  # as below
		return None
	at_server, at_site = offsets.pop()
	if offsets or at_server is None or at_site is None:
		return None
	return at_site - at_server


def _converted(source_time: datetime, server_zone: str, site_zone: str) -> datetime:
	aware = source_time.replace(tzinfo=ZoneInfo(server_zone), fold=0)
	try:
		return aware.astimezone(ZoneInfo(site_zone)).replace(tzinfo=None)
	except OverflowError:  # year 1 or 9999: a broken clock, quarantined later by its source time
		return source_time
