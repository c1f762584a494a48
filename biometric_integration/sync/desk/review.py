"""What a person decides about staged punches."""

from __future__ import annotations

from datetime import datetime, timedelta

import frappe
from frappe import _
from frappe.utils import get_datetime, now_datetime

from biometric_integration.core.punch import Kind
from biometric_integration.core.reasons import EventStatus
from biometric_integration.sync import jobs
from biometric_integration.sync.db import transaction
from biometric_integration.sync.records import staging, times

AT_ONCE = 10000
MOST_OFF = timedelta(days=10)
"""How far from its arrival a punch can have been made, where its device does not know the time."""


def reprocess(names: list[str]) -> int:
	"""Look at these events once more; everything but what is done, was never a punch, or is not the user's to see. Returns how many."""
	if len(names) > AT_ONCE:
		frappe.throw(_("Please take at most {0} events at once.").format(AT_ONCE))
	punches = frappe.get_list(
		staging.DOCTYPE, {"name": ("in", names), "kind": Kind.PUNCH.value}, pluck="name", limit=0
	)
	count = transaction.in_one(lambda: _reopen(punches))
	jobs.enqueue_process()
	return count


def _reopen(names: list[str]) -> int:
	"""With the times that the time zones give now: a wrong one is not used once more."""
	waits = {"name": ("in", names), "status": ("!=", EventStatus.PROCESSED.value)}
	times.put_right_names(frappe.get_all(staging.DOCTYPE, waits, pluck="name", limit=0))
	return staging.reopen(names)


def release(name: str, punch_time: str) -> None:
	"""Use a quarantined punch with the time a person says it was; who said so is recorded, the source time stays. A wrong release can be done again."""
	frappe.has_permission(staging.DOCTYPE, "read", doc=name, throw=True)
	arrived = frappe.db.get_value(staging.DOCTYPE, name, "creation")
	values = {
		"punch_time": _plausible(punch_time, arrived or now_datetime()),
		"released_by": frappe.session.user,
		"released_at": now_datetime(),
	}
	if not transaction.in_one(lambda: staging.release(name, values)):
		frappe.throw(
			_(
				"Only a quarantined punch can be released. Where it was released with a wrong time, delete its check-in first."
			)
		)
	jobs.enqueue_process()


def _plausible(text: str, arrived: datetime) -> datetime:
	moment = get_datetime(text)
	if not moment or moment > now_datetime():
		frappe.throw(_("Please give the time at which the person punched; it cannot be in the future."))
	if abs(moment - arrived) > MOST_OFF:
		frappe.throw(
			_("The punch arrived on {0}: please give a time within {1} days of that.").format(
				frappe.format(arrived.date(), {"fieldtype": "Date"}), MOST_OFF.days
			)
		)
	return moment.replace(microsecond=0)
