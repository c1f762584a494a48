"""Keeping the tables small without forgetting a punch (design §6). Nothing that is not final is ever removed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from itertools import islice

import frappe
from frappe.query_builder import DocType
from frappe.utils import add_days, get_datetime, getdate, now_datetime, nowdate

from biometric_integration.core.evidence import STATISTICS
from biometric_integration.core.periods import PeriodStatus
from biometric_integration.core.punch import RESET_END, name_from
from biometric_integration.core.reasons import STATUS_OF, EventStatus, Reason
from biometric_integration.core.runs import RunStatus, Trigger
from biometric_integration.sync.db import transaction
from biometric_integration.sync.records import device_hours, event_groups, periods, staging, words
from biometric_integration.sync.records.servers import SETTINGS
from biometric_integration.sync.workdays import rows
from biometric_integration.sync.workdays.stale import PERIOD

FINAL = (EventStatus.PROCESSED.value, EventStatus.IGNORED.value)
FINAL_REASONS = [reason for reason, status in STATUS_OF.items() if status.value in FINAL]
UNMAPPED_REASONS = [
	reason.value
	for reason, status in STATUS_OF.items()
	if status is EventStatus.UNMAPPED and reason is not Reason.SINCE_WHEN
]
"""Whose it is may be nobody's to say any more. A question that somebody was asked stays: giving it up would let Reprocess answer it."""
IDLE_DAYS = 2
DEVICE_HOURS_DAYS = 60
QUESTION, QUESTIONS_DAYS = "Biometric Device Command", 60
PERIOD_DAYS = 90
WORKDAYS_DAYS = 400
EVIDENCE_DAYS = (PERIOD + STATISTICS).days
"""Whose device is whose is known by punches so long ago: without them an absence would be taken for proven while the device is dead."""
CHUNK = 5000


def tidy() -> None:
	"""Once a day: idle runs, payloads, ids that nobody entered, and (only where it was asked for) whole events."""
	settings = frappe.get_cached_doc(SETTINGS)
	delete_idle_logs(now_datetime() - timedelta(days=IDLE_DAYS))
	delete_device_hours(now_datetime() - timedelta(days=DEVICE_HOURS_DAYS))
	delete_questions(now_datetime() - timedelta(days=QUESTIONS_DAYS))
	delete_periods(now_datetime() - timedelta(days=PERIOD_DAYS))
	delete_workdays(getdate(add_days(nowdate(), -WORKDAYS_DAYS)))
	if settings.payload_days:
		empty_payloads(now_datetime() - timedelta(days=settings.payload_days))
	if settings.unmapped_days:
		expire_unmapped(now_datetime() - timedelta(days=settings.unmapped_days), settings.unmapped_days)
	if settings.delete_after_days:
		delete_events(getdate(add_days(nowdate(), -max(settings.delete_after_days, EVIDENCE_DAYS))))


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


def delete_device_hours(before: datetime) -> None:
	"""Signs of life from so long ago prove nothing about any day that is looked at."""
	_in_chunks(
		lambda: device_hours.names_before(before, CHUNK),
		lambda names: frappe.db.delete(device_hours.DOCTYPE, {"name": ("in", names)}),
	)


def delete_questions(before: datetime) -> None:
	"""What devices that push were asked so long ago, whatever came of it: the same can be asked again."""
	old = {"creation": ("<", before)}
	_in_chunks(
		lambda: frappe.get_all(QUESTION, old, pluck="name", limit=CHUNK),
		lambda names: frappe.db.delete(QUESTION, {"name": ("in", names)}),
	)


def delete_periods(before: datetime) -> None:
	"""Those that ended so long ago; what was stopped, or had a problem, waits for a person for as long and no longer.

	A first read that was stopped is stopped nowhere else: without it, all years would be read.
	"""
	old = {"status": ("!=", PeriodStatus.READING.value), "modified": ("<", before)}
	any_of = {
		"status": ("!=", PeriodStatus.STOPPED.value),
		"purpose": ("!=", periods.Purpose.START_DATE.value),
	}
	_in_chunks(
		lambda: frappe.get_all(periods.DOCTYPE, old, or_filters=any_of, pluck="name", limit=CHUNK),
		periods.delete_ended,
	)


def delete_workdays(before: date) -> None:
	"""Days from so long ago are looked at by nobody; their attendance, check-ins and decisions stay."""
	old = {"name": ("<", f"{before:%Y%m%d}")}
	_in_chunks(
		lambda: frappe.get_all(rows.DOCTYPE, old, pluck="name", limit=CHUNK),
		lambda names: frappe.db.delete(rows.DOCTYPE, {"name": ("in", names)}),
	)


def empty_payloads(before: datetime) -> None:
	"""The text of final events; the row stays as a tombstone, so that no feed brings the punch a second time.

	What was decided before the time that the settings remember has none any more.
	"""
	since = frappe.db.get_single_value(SETTINGS, "payloads_empty_until")
	for reason_code, attempts in _decided_as():
		_empty_payloads(reason_code, attempts, get_datetime(since or datetime.min), before)
	frappe.db.set_single_value(SETTINGS, "payloads_empty_until", before, update_modified=False)
	transaction.commit()


def _decided_as() -> list[tuple[str, int]]:
	"""Reason codes and attempts of final events: for each pair, an index has the events in the order in which they were decided."""
	event = DocType(staging.DOCTYPE)
	query = frappe.qb.from_(event).select(event.reason_code, event.attempts)
	query = query.where(event.reason_code.isin([reason.value for reason in FINAL_REASONS]))
	return query.groupby(event.reason_code, event.attempts).run()


def _empty_payloads(reason_code: str, attempts: int, since: datetime, before: datetime) -> None:
	event = DocType(staging.DOCTYPE)
	is_so = (event.reason_code == reason_code) & (event.attempts == attempts) & event.status.isin(FINAL)

	def find() -> list[str]:
		nonlocal since
		is_due = (event.resolved_at >= since) & (event.resolved_at < before) & (event.raw_payload != "")
		query = frappe.qb.from_(event).select(event.name, event.resolved_at).where(is_so & is_due)
		rows = query.orderby(event.resolved_at).limit(CHUNK).run()
		since = rows[-1][1] if rows else since
		return [name for name, _resolved_at in rows]

	def empty(names: list[str]) -> None:
		frappe.db.set_value(
			staging.DOCTYPE, {"name": ("in", names)}, "raw_payload", "", update_modified=False
		)

	_in_chunks(find, empty)


def expire_unmapped(before: datetime, days: int) -> None:
	event = DocType(staging.DOCTYPE)
	is_due = event.reason_code.isin(UNMAPPED_REASONS) & (event.creation < before)
	values = {
		"status": EventStatus.IGNORED.value,
		"reason_code": Reason.EXPIRED.value,
		"reason_values": words.stored({"days": str(days)}),
		"resolved_at": now_datetime(),
	}

	def find() -> list[str]:
		return frappe.qb.from_(event).select(event.name).where(is_due).limit(CHUNK).run(pluck=True)

	def expire(names: list[str]) -> None:
		still_so = {"reason_code": ("in", UNMAPPED_REASONS), "name": ("in", names)}
		frappe.db.set_value(staging.DOCTYPE, still_so, values, update_modified=False)

	_in_chunks(find, expire)


def delete_events(before: date) -> None:
	"""Final events whose punch is older than `before` (site clock); the import floor moves first, so that none comes back.

	It does not bar what a clock that had lost its time has stamped, nor what bears a later time by the clock of a server that is ahead of the
	site: that is kept, so that it is known when it is read again.
	"""
	settings = frappe.get_doc(SETTINGS)
	if not settings.import_floor or getdate(settings.import_floor) < before:
		frappe.db.set_single_value(SETTINGS, "import_floor", before, update_modified=False)
		transaction.commit()
	floor = datetime.combine(before, time())
	end, bounds = floor - datetime.resolution, {"after": name_from(RESET_END), "before": name_from(floor)}

	def find() -> list[str]:
		groups = (group for group in event_groups.groups(FINAL_REASONS) if group.first <= end)
		old = (group._replace(last=min(group.last, end)) for group in groups)
		return list(islice(event_groups.names(old, CHUNK, FINAL, **bounds), CHUNK))

	def delete(names: list[str]) -> None:
		frappe.db.delete(staging.DOCTYPE, {"status": ("in", FINAL), "name": ("in", names)})

	_in_chunks(find, delete)


def _in_chunks(find: Callable[[], list[str]], act: Callable[[list[str]], None]) -> None:
	"""Find and act until nothing is left, each chunk in a transaction of its own."""
	while names := find():
		act(names)
		transaction.commit()
