"""What waits for a reason that may be gone by now: looked for at each tick, since not every change fires an event (design §5)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import frappe
from frappe.query_builder import DocType, Interval

from biometric_integration.core.decide import EventStatus, Reason
from biometric_integration.core.directory import AS_IT_IS
from biometric_integration.sync import directory, servers, staging

EMPLOYMENT = (Reason.NOT_JOINED.value, Reason.LEFT.value, Reason.INACTIVE.value)
REFUSED_TRIES = 5
REFUSED_PAUSE = timedelta(days=1)
AT_ONCE = 5000
LATE_COMMIT = Interval(minutes=15)
"""A change says when it was made, but is seen only once it is committed: a decision in between knows nothing of it."""


def reopen(now: datetime) -> int:
	"""Set back to Pending what has an employee now, whose employee was changed since, and (daily, five times) what HRMS refused."""
	return sum(
		staging.reopen(names) for names in (with_employee_now(), _with_changed_employee(), _refused(now))
	)


def with_employee_now() -> list[str]:
	"""Events of nobody whose id somebody carries by now: the distinct waiting ids against the employees."""
	normalisers = servers.normalisers()
	forms = {
		(server, user_id): normalisers.get(server, AS_IT_IS).forms(user_id)
		for server, user_id in _ids_of_nobody()
	}
	if not forms:
		return []
	known = directory.carried({form for each in forms.values() for form in each})
	found = [key for key, each in forms.items() if known.intersection(each)]
	return [name for server, user_id in found for name in _events_of(server, user_id)]


def _ids_of_nobody() -> Iterator[tuple[str, str]]:
	event = DocType(staging.DOCTYPE)
	query = (
		frappe.qb.from_(event)
		.select(event.server, event.device_user_id)
		.distinct()
		.where((event.status == EventStatus.UNMAPPED.value) & (event.reason_code == Reason.NO_EMPLOYEE.value))
	)
	for server, user_id in query.run():
		yield server or "", user_id or ""


def _events_of(server: str, user_id: str) -> list[str]:
	filters = {
		"status": EventStatus.UNMAPPED.value,
		"reason_code": Reason.NO_EMPLOYEE.value,
		"server": server,
		"device_user_id": user_id,
	}
	return frappe.get_all(staging.DOCTYPE, filters, pluck="name", limit=AT_ONCE)


def _with_changed_employee() -> list[str]:
	event, employee = DocType(staging.DOCTYPE), DocType("Employee")
	query = (
		frappe.qb.from_(event)
		.join(employee)
		.on(employee.name == event.employee)
		.select(event.name)
		.where(event.status == EventStatus.UNMAPPED.value)
		.where(event.reason_code.isin(EMPLOYMENT))
		.where(employee.modified > event.resolved_at - LATE_COMMIT)
		.limit(AT_ONCE)
	)
	return query.run(pluck=True)


def _refused(now: datetime) -> list[str]:
	filters = {
		"status": EventStatus.FAILED.value,
		"reason_code": Reason.HRMS_REFUSED.value,
		"attempts": ("<", REFUSED_TRIES),
		"resolved_at": ("<", now - REFUSED_PAUSE),
	}
	return frappe.get_all(staging.DOCTYPE, filters, pluck="name", limit=AT_ONCE)
