"""Whether the time zone of a server can be right: what the newest runs brought speaks for or against it. No server is asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

import frappe
from frappe import _
from frappe.utils import format_duration, get_system_timezone

from biometric_integration.core.clock import to_site
from biometric_integration.core.punch import Kind
from biometric_integration.sync.records import servers, staging

RUNS, AT_ONCE = 20, 2000
"""Newest runs, and their punches, that tell whether a time zone can be right."""
AHEAD, BEHIND = timedelta(minutes=25), timedelta(minutes=90)
"""Time zones differ by half an hour at least; and the newest punches of a server do not wait for their run longer than that."""


def doubts(zones: dict[str, str]) -> list[str]:
	"""Sentences about time zones (server id → zone) that what came in the last runs speaks against; only of those that differ from what is set."""
	found = []
	for target in servers.all_servers():
		zone = zones.get(target.id)
		zone = get_system_timezone() if zone == "" else zone
		if zone and zone != target.config.time_zone:
			found.append(doubt(target, zone))
	return list(filter(None, found))


def doubt(target: servers.Server, other: str = "") -> str:
	"""Why the time zone of a server, or another one for it, is wrong; empty where nothing says so.

	That punches came long after they were made speaks against another zone only where one that is known does better: they may be late.
	That they came before, against the one that is set, only where that is so, too: it may be the clocks of the devices.
	"""
	zone, site, newest = other or target.config.time_zone, get_system_timezone(), _newest(target.id)
	lead = _usual(newest, zone, site)
	if lead is None or _fits(lead):
		return ""
	better = next(
		(known for known in (target.config.time_zone, site) if _fits(_usual(newest, known, site))), ""
	)
	if lead > AHEAD and (other or better):
		pattern = _("{0}: by the time zone {1}, its newest punches came {2} before they were made.")
	elif other and better:
		pattern = _(
			"{0}: by the time zone {1}, its newest punches came no sooner than {2} after they were made."
		)
	else:
		return ""
	words = pattern.format(target.label, zone, format_duration(int(abs(lead).total_seconds())))
	return f"{words} {_('By {0} they fit.').format(better)}" if better else words


def _fits(lead: timedelta | None) -> bool:
	return lead is not None and -BEHIND <= lead <= AHEAD


def is_due(server: str, zone: str, since: datetime = datetime.min) -> bool:
	"""Have the newest punches of a server, of those that came `since` then (site clock), other times than this zone gives?"""
	site = get_system_timezone()
	since = since.replace(microsecond=0)  # as punches are stamped
	return any(
		to_site(row.source_time, zone, site) != row.punch_time
		for row in _newest(server)
		if row.creation >= since and not row.released_by
	)


def _newest(server: str) -> list:
	filters = {"server": server, "new": (">", 0)}
	runs = frappe.get_all("Biometric Sync Log", filters, pluck="name", order_by="started_at desc", limit=RUNS)
	filters = {"sync_log": ("in", runs), "kind": Kind.PUNCH.value, "source_time": ("is", "set")}
	fields = ["device", "source_time", "punch_time", "creation", "released_by"]
	return (
		frappe.get_all(staging.DOCTYPE, filters, fields, order_by="name desc", limit=AT_ONCE) if runs else []
	)


def _usual(newest: Sequence, zone: str, site: str) -> timedelta | None:
	"""How far the freshest punch of a device lies after its arrival: of most of the devices."""
	freshest: dict[str, timedelta] = {}
	for row in newest:
		lead = to_site(row.source_time, zone, site) - row.creation
		freshest[row.device] = max(freshest.get(row.device, lead), lead)
	return median(freshest.values()) if freshest else None
