"""Biometric Sync Period: days that are read of a server, and how far each of its streams has come. What is left to read stands here, and nowhere else."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

import frappe
from frappe import _
from frappe.query_builder import DocType
from frappe.query_builder.functions import Sum
from frappe.utils import now_datetime

from biometric_integration.core.periods import (
	OPEN,
	PeriodStatus,
	Purpose,
	StreamStatus,
	days_in,
	days_left,
	status_of,
)
from biometric_integration.core.runs import RUN_COUNTS, RunCounts
from biometric_integration.core.stream import Stream
from biometric_integration.core.text import harmless
from biometric_integration.core.window import DAY, Window

DOCTYPE, STREAM, LOG = "Biometric Sync Period", "Biometric Sync Period Stream", "Biometric Sync Log"
STREAM_FIELDS = ("name", "stream", "unit", "device", "status", "read_to", "unsure_from", "days_left", "error")


@dataclass(frozen=True)
class Part:
	"""One stream of a period. read_to: how far it was read; unsure_from: from where on something may be missing."""

	name: str
	stream: str
	unit: str
	device: str
	status: str
	read_to: datetime | None
	unsure_from: datetime | None
	days_left: int
	error: str

	@property
	def is_open(self) -> bool:
		return self.status in OPEN


@dataclass(frozen=True)
class Period:
	name: str
	server: str
	purpose: Purpose
	status: PeriodStatus
	window: Window
	parts: tuple[Part, ...]

	@property
	def lock(self) -> str:
		"""Of whoever reads it."""
		return lock_of(self.name)

	@property
	def open_parts(self) -> list[Part]:
		return [part for part in self.parts if part.is_open]


def lock_of(name: str) -> str:
	return f"period {name}"


def window_of(first: date, last: date) -> Window:
	"""Both days included; naive wall clock of the server."""
	return Window(datetime.combine(first, time()), datetime.combine(last, time()) + DAY)


def get(name: str) -> Period:
	row = frappe.db.get_value(
		DOCTYPE, name, ["server", "purpose", "status", "from_date", "to_date"], as_dict=True
	)
	rows = frappe.get_all(STREAM, {"parent": name}, STREAM_FIELDS, order_by="idx asc", limit=0)
	parts = tuple(Part(**{**part, "unit": part.unit or "", "error": part.error or ""}) for part in rows)
	window = window_of(row.from_date, row.to_date)
	return Period(name, row.server, Purpose(row.purpose), PeriodStatus(row.status), window, parts)


def unfinished(server: str, device: str | None, purpose: Purpose, first: date, last: date) -> str | None:
	"""The one of these days that is read at the moment, or was stopped."""
	filters = {
		"server": server,
		"device": device or ("is", "not set"),
		"purpose": purpose.value,
		"from_date": first,
		"to_date": last,
		"status": ("in", [PeriodStatus.READING.value, PeriodStatus.STOPPED.value]),
	}
	return frappe.db.get_value(DOCTYPE, filters, "name", order_by="creation desc")


def add(
	server: str,
	device: str | None,
	purpose: Purpose,
	first: date,
	last: date,
	streams: Sequence[tuple[Stream, str | None]],
) -> str:
	"""streams: each with its device, where it is known."""
	days = days_in(window_of(first, last))
	document = frappe.get_doc(
		{
			"doctype": DOCTYPE,
			"status": PeriodStatus.READING.value,
			"purpose": purpose.value,
			"server": server,
			"device": device,
			"from_date": first,
			"to_date": last,
			"requested_by": frappe.session.user,
			"days": days * len(streams),
			"days_left": days * len(streams),
			"streams": [
				{
					"stream": stream.key,
					"unit": stream.unit,
					"device": its_device,
					"status": StreamStatus.WAITING.value,
					"days_left": days,
				}
				for stream, its_device in streams
			],
		}
	)
	return document.insert(ignore_permissions=True).name


def reading() -> list[tuple[str, str]]:
	"""(name, server) of those that a person asked for and that are to be read on."""
	filters = {"status": PeriodStatus.READING.value, "purpose": ("!=", Purpose.START_DATE.value)}
	return frappe.get_all(
		DOCTYPE, filters, ["name", "server"], order_by="creation asc", as_list=True, limit=0
	)


def first_reads() -> dict[str, str]:
	"""Server → the period of its first read, as long as that goes on or is stopped."""
	filters = {
		"status": ("in", [PeriodStatus.READING.value, PeriodStatus.STOPPED.value]),
		"purpose": Purpose.START_DATE.value,
	}
	found = frappe.get_all(
		DOCTYPE, filters, ["server", "name"], order_by="creation asc", as_list=True, limit=0
	)
	return dict(found)


def of_start_date(server: str) -> str | None:
	return first_reads().get(server)


def set_aside(server: str) -> dict[str, str]:
	"""Unit → who has stopped its first read."""
	period, part = DocType(DOCTYPE), DocType(STREAM)
	query = frappe.qb.from_(period).join(part).on(part.parent == period.name)
	query = query.select(part.unit, period.stopped_by).where(
		(period.server == server)
		& (period.status == PeriodStatus.STOPPED.value)
		& (period.purpose == Purpose.START_DATE.value)
		& part.status.isin(sorted(OPEN))
	)
	return {unit or "": stopped_by or "" for unit, stopped_by in query.run()}


def stopped_by(name: str) -> str | None:
	"""By whom it was stopped; None where it is to be read on."""
	status, stopped_by = frappe.db.get_value(DOCTYPE, name, ["status", "stopped_by"]) or ("", "")
	return None if status == PeriodStatus.READING.value else stopped_by or ""


def stop(name: str) -> bool:
	"""Whether it was being read until now."""
	return _changed(name, (PeriodStatus.READING,), PeriodStatus.STOPPED, frappe.session.user)


def resume(name: str) -> bool:
	"""What failed, or may have a hole, is tried again from there. Whether there was anything to resume."""
	server, purpose = frappe.db.get_value(DOCTYPE, name, ["server", "purpose"])
	if purpose == Purpose.START_DATE.value and of_start_date(server) not in (None, name):
		frappe.throw(
			_("Another Sync Period of this server's Start Date has been begun since. Open that one.")
		)
	if not _changed(name, (PeriodStatus.STOPPED, PeriodStatus.INCOMPLETE), PeriodStatus.READING, None):
		return False
	period = get(name)
	for part in period.parts:
		if part.status in (StreamStatus.FAILED.value, StreamStatus.PARTIAL.value):
			whole = part.status == StreamStatus.PARTIAL.value and not part.unsure_from
			note(
				period,
				part,
				StreamStatus.WAITING,
				None if whole else part.unsure_from or part.read_to,
				unsure_from=None,
			)
	settle(name, "")
	return True


def _changed(name: str, before: Sequence[PeriodStatus], status: PeriodStatus, stopped_by: str | None) -> bool:
	table = DocType(DOCTYPE)
	query = frappe.qb.update(table).set(table.status, status.value).set(table.stopped_by, stopped_by)
	query = query.set(table.modified, now_datetime()).set(table.finished_at, None)
	query.where((table.name == name) & table.status.isin([each.value for each in before])).run()
	return bool(frappe.db._cursor.rowcount)


def note(
	period: Period, part: Part, status: StreamStatus, read_to: datetime | None, error: str = "", **values
) -> None:
	"""How far one stream has come. values: further fields of it."""
	left = 0 if status is StreamStatus.READ else days_left(period.window, read_to)
	values = {
		"status": status.value,
		"read_to": read_to,
		"days_left": left,
		"error": harmless(error),
		**values,
	}
	frappe.db.set_value(STREAM, part.name, values, update_modified=False)


def let_go(period: Period) -> None:
	"""What was being read when a worker ended waits to be read on."""
	being_read = {"parent": period.name, "status": StreamStatus.READING.value}
	frappe.db.set_value(STREAM, being_read, "status", StreamStatus.WAITING.value, update_modified=False)


def take_log(period: str, log: str) -> None:
	frappe.db.set_value(LOG, log, "sync_period", period, update_modified=False)


def settle(name: str, message: str) -> None:
	"""What is left in all, what came, and whether it has come to its end."""
	rows = frappe.get_all(STREAM, {"parent": name}, ["status", "days_left", *RUN_COUNTS], limit=0)
	values = {
		"days_left": sum(row.days_left for row in rows),
		"message": harmless(message),
		**{count: sum(row[count] for row in rows) for count in RUN_COUNTS},
	}
	before = frappe.db.get_value(DOCTYPE, name, list(values), as_dict=True)
	if {field: before[field] or type(value)() for field, value in values.items()} != values:
		frappe.db.set_value(DOCTYPE, name, values)
	status = status_of([row.status for row in rows])
	if status is not PeriodStatus.READING and _changed(name, (PeriodStatus.READING,), status, None):
		frappe.db.set_value(DOCTYPE, name, "finished_at", now_datetime())


def count(period: Period, part: Part) -> None:
	"""Keep what its runs of one stream have brought."""
	if found := _of_logs(period, part.stream).get(part.stream):
		frappe.db.set_value(STREAM, part.name, found, update_modified=False)


def counts(period: Period) -> dict[str, int]:
	"""What came so far, or would be new."""
	if period.purpose is Purpose.READ_AGAIN:
		found = list(_of_logs(period).values())
	else:
		found = frappe.get_all(STREAM, {"parent": period.name}, list(RUN_COUNTS), limit=0)
	return {field: sum(row[field] for row in found) for field in RUN_COUNTS}


def _of_logs(period: Period, stream: str | None = None) -> dict[str, dict[str, int]]:
	"""As the logs of each stream, or of one, say; a run that was killed is in it."""
	log = DocType(LOG)
	sums = [Sum(log[field]) for field in RUN_COUNTS]
	query = frappe.qb.from_(log).select(log.stream, *sums).where(log.sync_period == period.name)
	if stream:
		query = query.where(log.stream == stream)
	return {
		stream: dict(zip(RUN_COUNTS, map(int, found), strict=True))
		for stream, *found in query.groupby(log.stream).run()
	}


def add_counts(part: Part, counts: RunCounts) -> None:
	"""What was counted only; nothing of it has a log."""
	table = DocType(STREAM)
	query = frappe.qb.update(table).where(table.name == part.name)
	for field, number in vars(counts).items():
		query = query.set(table[field], table[field] + number)
	query.run()


def delete_ended(names: Collection[str]) -> None:
	frappe.db.delete(STREAM, {"parent": ("in", names)})
	frappe.db.delete(DOCTYPE, {"name": ("in", names)})
