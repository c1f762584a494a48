"""Events by what they have in common: an index tells the groups apart without reading their events (docs/architecture.md, Indexes)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

import frappe
from frappe.query_builder import DocType, Field
from frappe.query_builder.functions import Max, Min

from biometric_integration.core.reasons import Reason
from biometric_integration.sync.db import sql
from biometric_integration.sync.records import staging

KEY = ("reason_code", "server", "device_user_id", "employee")


class Group(NamedTuple):
	"""One reason, one id of one server and, where it is known, one employee; the times of the first and the last punch."""

	reason_code: str
	server: str | None
	device_user_id: str | None
	employee: str | None
	first: datetime
	last: datetime = datetime.max

	@property
	def id(self) -> tuple[str, str]:
		return self.server or "", self.device_user_id or ""


def groups(reasons: Collection[Reason], with_last: bool = True) -> list[Group]:
	"""Without the times of their last punches it is half as much to read: the first one is where a group is found."""
	event = DocType(staging.DOCTYPE)
	times = [Min(event.punch_time), *([Max(event.punch_time)] if with_last else [])]
	query = (
		frappe.qb.from_(event)
		.select(*(event[field] for field in KEY), *times)
		.where(event.reason_code.isin([reason.value for reason in reasons]))
		.groupby(event.reason_code, event.server, exact_id(event), event.employee)
	)
	return [group for row in query.run() if (group := Group(*row)).first]


def last(group: Group) -> datetime:
	"""The time of the last punch of a group that was read without it."""
	event = DocType(staging.DOCTYPE)
	return _of(group, event).select(Max(event.punch_time)).run()[0][0] or group.first


def devices(reasons: Collection[Reason]) -> Iterator[tuple[str, str, str, str]]:
	"""(device, reason code, server, id), each once."""
	event = DocType(staging.DOCTYPE)
	key = (event.device, event.reason_code, event.server)
	query = (
		frappe.qb.from_(event)
		.select(*key, event.device_user_id)
		.where(event.reason_code.isin([reason.value for reason in reasons]))
		.groupby(*key, exact_id(event))
	)
	for row in query.run():
		yield tuple(value or "" for value in row)


def exact_id(event: DocType) -> Field:
	"""The id to group by: its column compares to the letter, and where it does not any more, what it says is compared like that."""
	is_exact = sql.is_to_the_letter(staging.DOCTYPE, "device_user_id")
	return event.device_user_id if is_exact else sql.TO_THE_LETTER(event.device_user_id)


def names(
	found: Iterable[Group],
	limit: int,
	statuses: Collection[str] = (),
	settled_before: datetime | None = None,
	after: str = "",
	before: str = "",
) -> Iterator[str]:
	"""Names of their events, at most so many of each group; only those with one of the statuses, decided before a moment, or between two names, where any is given."""
	for group in found:
		yield from _names(group, limit, statuses, settled_before, after, before)


def _names(
	group: Group,
	limit: int,
	statuses: Collection[str],
	settled_before: datetime | None,
	after: str,
	before: str,
) -> list[str]:
	event = DocType(staging.DOCTYPE)
	query = _of(group, event).select(event.name)
	if statuses:
		query = query.where(event.status.isin(statuses))
	if settled_before:
		query = query.where(event.resolved_at < settled_before)
	if after:
		query = query.where(event.name > after)
	if before:
		query = query.where(event.name < before)
	return query.limit(limit).run(pluck=True)


def _of(group: Group, event: DocType):
	query = frappe.qb.from_(event).where(event.punch_time[group.first : group.last])
	for field in KEY:
		value = getattr(group, field)
		query = query.where(event[field].isnull() if value is None else event[field] == value)
	if group.device_user_id is None:
		return query
	# said once more, for a column that does not compare like that by itself
	return query.where(sql.TO_THE_LETTER(event.device_user_id) == group.device_user_id)
