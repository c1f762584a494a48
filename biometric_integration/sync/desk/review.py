"""What a person decides about staged punches."""

from __future__ import annotations

from datetime import datetime

import frappe
from frappe import _
from frappe.utils import get_datetime, now_datetime

from biometric_integration.core.punch import Kind
from biometric_integration.core.reasons import EventStatus
from biometric_integration.sync import jobs
from biometric_integration.sync.records import staging

AT_ONCE = 10000


def reprocess(names: list[str]) -> int:
	"""Look at these events once more; everything but what is done, or was never a punch. Returns how many."""
	if len(names) > AT_ONCE:
		frappe.throw(_("Please take at most {0} events at once.").format(AT_ONCE))
	filters = {
		"name": ("in", names),
		"status": ("!=", EventStatus.PROCESSED.value),
		"kind": Kind.PUNCH.value,
	}
	reopened = frappe.get_all(staging.DOCTYPE, filters, pluck="name", limit=0)
	staging.reopen(reopened)
	jobs.enqueue_process()
	return len(reopened)


def release(name: str, punch_time: str) -> None:
	"""Use a quarantined punch with the time a person says it was; who said so is recorded, the source time stays."""
	event = frappe.db.get_value(staging.DOCTYPE, name, ["status", "source_time"], as_dict=True)
	if not event or event.status != EventStatus.QUARANTINED.value:
		frappe.throw(_("Only a quarantined punch can be released."))
	values = {
		**staging.REOPENED,
		"punch_time": _past(punch_time),
		"released_by": frappe.session.user,
		"released_at": now_datetime(),
	}
	frappe.db.set_value(staging.DOCTYPE, name, values)
	jobs.enqueue_process()


def _past(text: str) -> datetime:
	moment = get_datetime(text)
	if not moment or moment > now_datetime():
		frappe.throw(_("Please give the time at which the person punched; it cannot be in the future."))
	return moment.replace(microsecond=0)
