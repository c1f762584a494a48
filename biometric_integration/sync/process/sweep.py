"""What waits for a reason that may be gone by now: looked for at each tick, since not every change fires an event (design §5)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time
from itertools import islice

import frappe
from frappe.query_builder import DocType
from frappe.query_builder.functions import Coalesce, Date
from frappe.utils import getdate

from biometric_integration.core.backoff import REFUSAL_PAUSE, REFUSALS
from biometric_integration.core.reasons import EventStatus, Reason
from biometric_integration.sync.db import sql
from biometric_integration.sync.process import directory, mapping_rules
from biometric_integration.sync.records import servers, staging

EMPLOYMENT = (Reason.NOT_JOINED.value, Reason.LEFT.value, Reason.INACTIVE.value)
AT_ONCE = 5000


def reopen(now: datetime) -> int:
	"""Set back to Pending what has an employee, or a device that is on, by now, and (daily, five times) what HRMS refused."""
	found = (
		with_employee_now(),
		_of_somebody_else_now(),
		_employed_now(),
		_device_on_now(),
		_device_counts_now(),
		_in_time_now(),
		_refused(now),
	)
	return sum(staging.reopen(names) for names in found)


def with_employee_now() -> list[str]:
	"""Events of nobody whose id somebody carries by now: the distinct waiting ids against the employees."""
	ids = list(_ids_of_nobody())
	known = directory.carriers_of(ids)
	found = [key for key in ids if known.carriers(*key)]
	of_nobody = {"reason_code": Reason.NO_EMPLOYEE.value}
	names = (name for server, user_id in found for name in _events_of(server, user_id, **of_nobody))
	return list(islice(names, AT_ONCE))


def _ids_of_nobody() -> Iterator[tuple[str, str]]:
	event = DocType(staging.DOCTYPE)
	query = (
		frappe.qb.from_(event)
		.select(event.server, event.device_user_id)
		.where(event.reason_code == Reason.NO_EMPLOYEE.value)
		.groupby(event.server, sql.TO_THE_LETTER(event.device_user_id))
	)
	for server, user_id in query.run():
		yield server or "", user_id or ""


def _events_of(server: str, user_id: str, **filters) -> list[str]:
	filters = {"server": server, "device_user_id": user_id, **filters}
	return frappe.get_all(staging.DOCTYPE, filters, pluck="name", limit=AT_ONCE)


def _of_somebody_else_now() -> list[str]:
	"""Events of an employee who was not there on that day, whose id somebody else carries by now."""
	names = (
		name
		for server, user_id, employee in _moved_ids()
		for name in _events_of(server, user_id, reason_code=("in", EMPLOYMENT), employee=employee)
	)
	return list(islice(names, AT_ONCE))


def _moved_ids() -> Iterator[tuple[str, str, str]]:
	"""(server, id, employee) of such events, where no rule names the employee."""
	event = DocType(staging.DOCTYPE)
	query = (
		frappe.qb.from_(event)
		.select(event.server, event.device_user_id, event.employee)
		.where(event.reason_code.isin(EMPLOYMENT))
		.groupby(event.server, sql.TO_THE_LETTER(event.device_user_id), event.employee)
	)
	rows = [tuple(value or "" for value in row) for row in query.run()]
	known = directory.carriers_of({row[:2] for row in rows})
	by_rule = {rule.employee for rule in mapping_rules.for_ids({row[1] for row in rows})} if rows else set()
	for server, user_id, employee in rows:
		owners = {person.name for person in known.carriers(server, user_id)}
		if owners and employee not in owners | by_rule:
			yield server, user_id, employee


def _employed_now() -> list[str]:
	"""The employee's status or dates allow by now what they did not allow."""
	event, employee = DocType(staging.DOCTYPE), DocType("Employee")
	day = Date(event.punch_time)
	is_inactive = (employee.status == "Inactive") | (
		(employee.status == "Left") & employee.relieving_date.isnull()
	)
	gone = (
		((event.reason_code == Reason.NOT_JOINED.value) & (day >= employee.date_of_joining))
		| (
			(event.reason_code == Reason.LEFT.value)
			& (employee.relieving_date.isnull() | (day <= employee.relieving_date))
		)
		| ((event.reason_code == Reason.INACTIVE.value) & ~is_inactive)
	)
	query = (
		frappe.qb.from_(event)
		.join(employee)
		.on(employee.name == event.employee)
		.select(event.name)
		.where((event.status == EventStatus.UNMAPPED.value) & event.reason_code.isin(EMPLOYMENT) & gone)
		.limit(AT_ONCE)
	)
	return query.run(pluck=True)


def _device_on_now() -> list[str]:
	return _of_devices(EventStatus.PENDING, Reason.DEVICE_OFF, "enabled")


def _device_counts_now() -> list[str]:
	return _of_devices(EventStatus.IGNORED, Reason.NOT_FOR_ATTENDANCE, "counts_for_attendance")


def _of_devices(status: EventStatus, reason: Reason, switch: str) -> list[str]:
	"""Events that wait for a switch of their device that is on now; one that turned out to be another one has that one's switches."""
	event, device = DocType(staging.DOCTYPE), DocType("Biometric Device")
	original = DocType("Biometric Device").as_("original")
	query = (
		frappe.qb.from_(event)
		.join(device)
		.on(device.name == event.device)
		.left_join(original)
		.on(original.name == device.same_as)
		.select(event.name)
		.where((event.status == status.value) & (event.reason_code == reason.value))
		.where(Coalesce(original[switch], device[switch]) == 1)
		.limit(AT_ONCE)
	)
	return query.run(pluck=True)


def _in_time_now() -> list[str]:
	"""Punches from before a start date that has been moved back since. What may have been used and deleted stays as it is."""
	settings = frappe.get_cached_doc(servers.SETTINGS)
	first = max((getdate(day) for day in (settings.start_date, settings.import_floor) if day), default=None)
	if first is None:
		return []
	filters = {
		"status": EventStatus.IGNORED.value,
		"reason_code": Reason.BEFORE_FLOOR.value,
		"punch_time": (">=", datetime.combine(first, time())),
	}
	return frappe.get_all(staging.DOCTYPE, filters, pluck="name", limit=AT_ONCE)


def _refused(now: datetime) -> list[str]:
	filters = {
		"status": EventStatus.FAILED.value,
		"reason_code": Reason.HRMS_REFUSED.value,
		"attempts": ("<", REFUSALS),
		"resolved_at": ("<", now - REFUSAL_PAUSE),
	}
	return frappe.get_all(staging.DOCTYPE, filters, pluck="name", limit=AT_ONCE)
