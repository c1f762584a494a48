"""Keeping the tables small without forgetting a punch (design §6). Nothing that is not final is ever removed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import frappe
from frappe import _
from frappe.query_builder import DocType
from frappe.utils import add_days, getdate, now_datetime, nowdate

from biometric_integration.core.reasons import SENTENCES, EventStatus, Reason
from biometric_integration.core.runs import RunStatus, Trigger
from biometric_integration.sync.db import transaction
from biometric_integration.sync.records import staging
from biometric_integration.sync.records.servers import SETTINGS

FINAL = (EventStatus.PROCESSED.value, EventStatus.IGNORED.value)
IDLE_DAYS = 2
CHUNK = 5000


def tidy() -> None:
	"""Once a day: idle runs, payloads, ids that nobody entered, and (only where it was asked for) whole events."""
	settings = frappe.get_cached_doc(SETTINGS)
	delete_idle_logs(now_datetime() - timedelta(days=IDLE_DAYS))
	if settings.payload_days:
		empty_payloads(now_datetime() - timedelta(days=settings.payload_days))
	if settings.unmapped_days:
		expire_unmapped(now_datetime() - timedelta(days=settings.unmapped_days), settings.unmapped_days)
	if settings.delete_after_days:
		delete_events(getdate(add_days(nowdate(), -settings.delete_after_days)))


def delete_idle_logs(before: datetime) -> None:
	"""Scheduled runs that found nothing new and had nothing to say: polling must not bury the log."""
	idle = {
		"trigger": Trigger.SCHEDULED.value,
		"status": RunStatus.SUCCESS.value,
		"new": 0,
		"junk": 0,
		"invalid": 0,
		"started_at": ("<", before),
	}
	_in_chunks(lambda: frappe.get_all("Biometric Sync Log", idle, pluck="name", limit=CHUNK), _delete_logs)


def _delete_logs(names: list[str]) -> None:
	frappe.db.delete("Biometric Sync Request", {"parent": ("in", names)})
	frappe.db.delete("Biometric Sync Log", {"name": ("in", names)})


def empty_payloads(before: datetime) -> None:
	"""The text of final events; the row stays as a tombstone, so that no feed brings the punch a second time."""
	event = DocType(staging.DOCTYPE)
	is_old = event.status.isin(FINAL) & (event.resolved_at < before) & (event.raw_payload != "")
	after = ""

	def find() -> list[str]:
		query = frappe.qb.from_(event).select(event.name).where(is_old & (event.name > after))
		return query.orderby(event.name).limit(CHUNK).run(pluck=True)

	def empty(names: list[str]) -> None:
		nonlocal after
		after = names[-1]
		frappe.db.set_value(
			staging.DOCTYPE, {"name": ("in", names)}, "raw_payload", "", update_modified=False
		)

	_in_chunks(find, empty)


def expire_unmapped(before: datetime, days: int) -> None:
	filters = {"status": EventStatus.UNMAPPED.value, "creation": ("<", before)}
	values = {
		"status": EventStatus.IGNORED.value,
		"reason_code": Reason.EXPIRED.value,
		"reason": _(SENTENCES[Reason.EXPIRED]).format(days=days),
		"resolved_at": now_datetime(),
	}

	def expire(names: list[str]) -> None:
		still_so = {**filters, "name": ("in", names)}
		frappe.db.set_value(staging.DOCTYPE, still_so, values, update_modified=False)

	_in_chunks(lambda: frappe.get_all(staging.DOCTYPE, filters, pluck="name", limit=CHUNK), expire)


def delete_events(before: date) -> None:
	"""Final events whose punch is older than `before` (site clock); the import floor moves first, so that none comes back."""
	settings = frappe.get_doc(SETTINGS)
	if not settings.import_floor or getdate(settings.import_floor) < before:
		frappe.db.set_single_value(SETTINGS, "import_floor", before, update_modified=False)
		transaction.commit()
	filters = {"status": ("in", FINAL), "punch_time": ("<", datetime.combine(before, datetime.min.time()))}

	def delete(names: list[str]) -> None:
		frappe.db.delete(staging.DOCTYPE, {**filters, "name": ("in", names)})

	_in_chunks(lambda: frappe.get_all(staging.DOCTYPE, filters, pluck="name", limit=CHUNK), delete)


def _in_chunks(find: Callable[[], list[str]], act: Callable[[list[str]], None]) -> None:
	"""Find and act until nothing is left, each chunk in a transaction of its own."""
	while names := find():
		act(names)
		transaction.commit()
