"""Devices that push to a bridge: when it heard of them, as if they had spoken here (`sync/receiving/contact.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import frappe
from frappe.utils import get_system_timezone

from biometric_integration.core.bridges import TRUSTED
from biometric_integration.core.clock import wall_clock
from biometric_integration.core.contact import Contact
from biometric_integration.receivers.bridge_report import Spoken
from biometric_integration.sync.db import sql
from biometric_integration.sync.receiving import ingest
from biometric_integration.sync.receiving.contact import FIELDS
from biometric_integration.sync.records import device_hours, devices


def keep(bridge: str, told: Sequence[Spoken], ahead: timedelta, now: datetime) -> None:
	"""`ahead`: of the bridge's clock; now: the clock of the site. In a transaction of the caller."""
	if not told:
		return
	back = max(ahead, timedelta(0))
	known = _known(bridge)
	found = {}
	for one in told:
		contact = _contact(one, back)
		row = known.get(one.serial)
		if row and contact.last and contact.last <= now + TRUSTED:
			before = Contact(*(row[field] for field in FIELDS))
			after = _joined(before, contact, now)
			if after != before:
				found[row.name] = after
	sql.update_many(
		devices.DOCTYPE, FIELDS, [(device, *contact) for device, contact in sorted(found.items())]
	)
	device_hours.note_pings({device: one.last for device, one in found.items() if one.last}, now)


def expected(bridge: str) -> set[str]:
	"""The serial numbers of those that push to it, whether they are on or not."""
	filters = {"pushes_to": bridge, "serial_number": ("is", "set")}
	return set(frappe.get_all(devices.DOCTYPE, filters, pluck="serial_number", limit=0))


def _known(bridge: str) -> dict[str, frappe._dict]:
	"""Serial number → the device, of those that push to this bridge and that its key writes for."""
	filters = {"pushes_to": bridge, "enabled": 1, "serial_number": ("is", "set")}
	rows = frappe.get_all(devices.DOCTYPE, filters, ["name", "serial_number", *FIELDS], limit=0)
	mine = ingest.writable(row.serial_number for row in rows)
	return {row.serial_number: row for row in rows if row.serial_number in mine}


def _contact(one: Spoken, back: timedelta) -> Contact:
	zone = get_system_timezone()
	marks = (one.heard, one.since, one.complete)
	return Contact(*(wall_clock(mark - back, zone) if mark else None for mark in marks))


def _joined(before: Contact, told: Contact, now: datetime) -> Contact:
	"""Forward only; what lies ahead here was set by a wrong clock."""
	told = Contact(*(min(mark, now) if mark else None for mark in told))
	complete = [mark for mark in (before.complete, told.complete) if mark and mark <= now]
	newest = before if before.last and told.last and told.last <= before.last <= now else told
	return newest._replace(complete=max(complete, default=None))
