"""Devices whose clock is ahead: what has come of each with a time in the future is put right in one step, by one word of a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import frappe
from frappe import _
from frappe.query_builder import DocType
from frappe.utils import format_datetime, format_duration, now_datetime

from biometric_integration.core.drift import usual_lead
from biometric_integration.core.reasons import EventStatus, Reason
from biometric_integration.core.stream import PRIMARY
from biometric_integration.sync import jobs
from biometric_integration.sync.db import transaction
from biometric_integration.sync.desk import zones
from biometric_integration.sync.desk.review import MOST_OFF
from biometric_integration.sync.records import devices, servers, staging

SHOWN = 5
AT_ONCE = 10000


def release_ahead(device: str, ahead: int | None, dry_run: bool) -> dict:
	"""Take back all punches of a device that lie in the future, by `ahead` seconds (None: by how far the clock was ahead); or only say what would be."""
	if not frappe.db.exists(devices.DOCTYPE, device):
		frappe.throw(_("There is no Biometric Device {0}.").format(device))
	frappe.has_permission(devices.DOCTYPE, "read", doc=device, throw=True)
	if dry_run:
		return _preview(device, ahead)
	return transaction.in_one(lambda: _release(device, ahead))


def _preview(device: str, ahead: int | None) -> dict:
	rows = _ahead_of_arrival(device)
	by = _by(rows, ahead)
	go = [row for row in rows if _is_possible(row, by)]
	times = [row.punch_time for row in go]
	return {
		"ahead": int(by.total_seconds()),
		"events": len(go),
		"left": len(rows) - len(go),
		"people": len({row.device_user_id for row in go}),
		"first": min(times, default=None),
		"last": max(times, default=None),
		"sample": [
			{"user_id": row.device_user_id, "before": row.punch_time, "after": row.punch_time - by}
			for row in go[:SHOWN]
		],
		"doubt": _doubt(device),
	}


def _doubt(device: str) -> str:
	"""Where it is the time zone of the server that is wrong, not the clock of the device."""
	server = frappe.db.get_value(devices.DOCTYPE, device, "server") or PRIMARY
	return next((zones.doubt(target) for target in servers.all_servers() if target.id == server), "")


def _release(device: str, ahead: int | None) -> dict:
	rows = _ahead_of_arrival(device, lock=True)
	by = _by(rows, ahead)
	go = [row for row in rows if _is_possible(row, by)]
	if go:
		staging.release_earlier([row.name for row in go], by, frappe.session.user, now_datetime())
		_record(device, len(go), by)
		jobs.enqueue_process()
	return {"ahead": int(by.total_seconds()), "events": len(go), "left": len(rows) - len(go)}


def _ahead_of_arrival(device: str, lock: bool = False) -> list:
	event = DocType(staging.DOCTYPE)
	query = (
		frappe.qb.from_(event)
		.select(event.name, event.device_user_id, event.punch_time, event.creation)
		.where(event.device == device)
		.where((event.status == EventStatus.QUARANTINED.value) & (event.reason_code == Reason.FUTURE.value))
		.orderby(event.name)
		.limit(AT_ONCE)
	)
	return (query.for_update() if lock else query).run(as_dict=True)


def _by(rows: Sequence, ahead: int | None) -> timedelta:
	leads = [row.punch_time - row.creation for row in rows]
	return usual_lead(leads) if ahead is None else timedelta(seconds=ahead)


def _is_possible(row, by: timedelta) -> bool:
	"""A punch was made before it arrived, and not long before."""
	moment: datetime = row.punch_time - by
	return by > timedelta(0) and row.creation - MOST_OFF <= moment <= row.creation + timedelta(seconds=1)


def _record(device: str, count: int, by: timedelta) -> None:
	words = _("{0} released {1} punches, each {2} earlier than the device reported, at {3}.").format(
		frappe.session.user, count, format_duration(by.total_seconds()), format_datetime(now_datetime())
	)
	frappe.get_doc(devices.DOCTYPE, device).add_comment("Info", words)
