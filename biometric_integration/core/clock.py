"""Wall clocks. Everything stored is naive; these are the only places where a zone is looked at."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo


def wall_clock(moment: datetime, zone: str) -> datetime:
	"""The naive wall clock, to the second, that `moment` (aware) shows in `zone`."""
	return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None, microsecond=0)


def to_site(source_time: datetime, server_zone: str, site_zone: str) -> datetime:
	"""Naive server wall clock to naive site wall clock; in a DST fold the first of the two hours is meant."""
	if server_zone == site_zone:
		return source_time
	aware = source_time.replace(tzinfo=ZoneInfo(server_zone), fold=0)
	try:
		return aware.astimezone(ZoneInfo(site_zone)).replace(tzinfo=None)
	except OverflowError:  # year 1 or 9999: a broken clock, quarantined later by its source time
		return source_time
