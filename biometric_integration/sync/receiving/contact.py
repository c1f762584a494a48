"""When a device that pushes was heard of: its sign of life, and its read in one (design §4, Evidence)."""

from __future__ import annotations

from datetime import datetime, timedelta

import frappe
from frappe.utils import now_datetime

from biometric_integration.core.contact import Contact
from biometric_integration.sync.db import transaction
from biometric_integration.sync.records import device_hours, devices

AT_MOST_EVERY = timedelta(minutes=1)
FIELDS = ("last_contact", "contact_since", "pushed_until")


def note_contact(device: str, at: datetime | None = None, proves: bool = True) -> None:
	"""A device that pushes (its key) was heard of, at `at` (site clock; now). Commits; at most one write a minute for each device.

	To be called with every request of the device that was answered as it wants it: one that asks, and one that sent rows, after they were kept.
	Contact that has lasted for an hour says that everything until now is here; so a close is proven by any contact after it, as a device sends in
	the order of time and repeats what was not acknowledged. Not for channels in which a device does not speak for itself (web hook, file, API).
	proves: False where anybody may have spoken for it; then it is a sign of life and no more.
	"""
	at = (at or now_datetime()).replace(microsecond=0)
	known = _known(device)
	if known and not (known.last and known.last <= at < known.last + AT_MOST_EVERY):
		transaction.in_one(lambda: _write(device, known.heard(at) if proves else known.interrupted(at), at))


def note_interruption(device: str, at: datetime | None = None) -> None:
	"""Something that the device (its key) sent was not acknowledged: contact proves nothing more until it has lasted for an hour from now on. Commits."""
	at = (at or now_datetime()).replace(microsecond=0)
	if known := _known(device):
		transaction.in_one(lambda: _write(device, known.interrupted(at), at))


def _known(device: str) -> Contact | None:
	row = frappe.db.get_value(devices.DOCTYPE, device, FIELDS)
	return Contact(*row) if row else None


def _write(device: str, contact: Contact, at: datetime) -> None:
	values = dict(zip(FIELDS, contact, strict=True))
	device_hours.note_ping(device, at, at)
	frappe.db.set_value(devices.DOCTYPE, device, values, update_modified=False)
