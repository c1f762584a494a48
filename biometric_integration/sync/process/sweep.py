"""What waits for a reason that may be gone by now: looked for at each tick, since not every change fires an event (design §5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, time
from itertools import islice

import frappe
from frappe import _
from frappe.query_builder import CustomFunction, DocType
from frappe.query_builder.functions import Coalesce, Date, Max, Min
from frappe.utils import get_datetime, getdate

from biometric_integration.core.backoff import REFUSAL_PAUSE, REFUSALS
from biometric_integration.core.directory import SILENCE
from biometric_integration.core.first_use import in_use_then
from biometric_integration.core.punch import RESET_END
from biometric_integration.core.reasons import SENTENCES, EventStatus, Reason
from biometric_integration.core.text import harmless
from biometric_integration.core.window import DAY
from biometric_integration.sync.db import sql
from biometric_integration.sync.process import directory, mapping_rules
from biometric_integration.sync.records import cursors, servers, staging

EMPLOYMENT = (Reason.NOT_JOINED.value, Reason.LEFT.value, Reason.INACTIVE.value)
AT_ONCE = 5000
EARLIER = CustomFunction("LEAST", ["one", "other"])


def reopen(now: datetime) -> int:
	"""Set back to Pending what has an employee, or a device that is on, by now, and (daily, five times) what HRMS refused."""
	_forget_who_was_asked_about()
	found = (
		_with_employee_now(now),
		_of_somebody_else_now(),
		_employed_now(),
		_device_on_now(),
		_device_counts_now(),
		_in_use_then(),
		_in_time_now(),
		_refused(now),
	)
	return sum(staging.reopen(names) for names in found)


def _with_employee_now(now: datetime) -> list[str]:
	"""Events of nobody whose id somebody carries by now: the distinct waiting ids against the employees.

	Where the id may have been somebody else's in between, they wait for a person to say since when it is theirs.
	"""
	ids = list(_ids_of_nobody())
	known = directory.carriers_of(ids)
	found: list[str] = []
	for server, user_id in ids:
		people = known.carriers(server, user_id)
		names = _events_of(server, user_id, reason_code=Reason.NO_EMPLOYEE.value) if people else []
		if len(people) == 1 and names and _may_have_been_anothers(names, people[0].name, now):
			_ask_since_when(names, user_id, people[0].name)
		else:
			found += names
		if len(found) >= AT_ONCE:
			break
	return found


def _may_have_been_anothers(names: Sequence[str], employee: str, now: datetime) -> bool:
	"""Was the id silent before it was entered, or did somebody else punch with it since? A server that was not read is no silence."""
	event = DocType(staging.DOCTYPE)
	query = frappe.qb.from_(event).select(
		event.server, event.device_user_id, Min(event.punch_time), Max(event.punch_time)
	)
	((server, user_id, first, last),) = query.where(event.name.isin(names)).run()
	heard = min(now, cursors.heard_until(server) or now)
	return last < heard - SILENCE or frappe.db.exists(
		staging.DOCTYPE,
		{
			"server": server,
			"device_user_id": user_id,
			"punch_time": (">=", first),
			"status": EventStatus.PROCESSED.value,
			"employee": ("not in", ("", employee)),
		},
	)


def _ask_since_when(names: Sequence[str], user_id: str, employee: str) -> None:
	sentence = _(SENTENCES[Reason.SINCE_WHEN]).format(employee=employee, user_id=user_id, days=SILENCE.days)
	staging.leave(names, Reason.SINCE_WHEN, harmless(sentence), employee)


def _forget_who_was_asked_about() -> None:
	"""Where the employee does not carry the id any more, it is nobody's again."""
	for server, user_id, employee in _asked_about():
		known = directory.carriers_of({(server, user_id)})
		if employee not in {person.name for person in known.carriers(server, user_id)}:
			names = _events_of(server, user_id, reason_code=Reason.SINCE_WHEN.value, employee=employee)
			sentence = _(SENTENCES[Reason.NO_EMPLOYEE]).format(user_id=user_id)
			staging.leave(names, Reason.NO_EMPLOYEE, harmless(sentence), None)


def _asked_about() -> list[tuple[str, str, str]]:
	"""(server, id, employee) of punches that wait for somebody to say since when."""
	event = DocType(staging.DOCTYPE)
	query = (
		frappe.qb.from_(event)
		.select(event.server, event.device_user_id, event.employee)
		.where(event.reason_code == Reason.SINCE_WHEN.value)
		.groupby(event.server, sql.TO_THE_LETTER(event.device_user_id), event.employee)
	)
	return [tuple(value or "" for value in row) for row in query.run()]


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
	"""Of this id to the letter: the database compares loosely."""
	filters = {"server": server, "device_user_id": user_id, **filters}
	rows = frappe.get_all(staging.DOCTYPE, filters, ["name", "device_user_id"], limit=AT_ONCE)
	return [row.name for row in rows if row.device_user_id == user_id]


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
	"""The employee's status or dates allow by now what they did not allow.

	On the very day of joining or leaving the shift of a punch may belong to the day beyond: it is looked at once after each change.
	"""
	event, employee = DocType(staging.DOCTYPE), DocType("Employee")
	day = Date(event.punch_time)
	joined = EARLIER(
		employee.date_of_joining, Coalesce(_first_of_history(employee), employee.date_of_joining)
	)
	has_changed = event.resolved_at < employee.modified
	is_inactive = (employee.status == "Inactive") | (
		(employee.status == "Left") & employee.relieving_date.isnull()
	)
	gone = (
		((event.reason_code == Reason.NOT_JOINED.value) & ((day > joined) | ((day == joined) & has_changed)))
		| (
			(event.reason_code == Reason.LEFT.value)
			& (
				(employee.status != "Left")
				| employee.relieving_date.isnull()
				| (day < employee.relieving_date)
				| ((day == employee.relieving_date) & has_changed)
			)
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


def _first_of_history(employee):
	history = DocType(directory.HISTORY)
	is_theirs = (history.parenttype == "Employee") & (history.parent == employee.name)
	return frappe.qb.from_(history).select(Min(history.from_date)).where(is_theirs)


def _in_use_then() -> list[str]:
	"""Punches from long before the first use of their device, of which older use is known by now: its history has been read since."""
	old = {
		"status": EventStatus.QUARANTINED.value,
		"reason_code": Reason.IMPLAUSIBLE.value,
		"source_time": (">=", RESET_END),
	}
	fields = ["name", "device", "source_time"]
	rows = frappe.get_all(staging.DOCTYPE, old, fields, as_list=True, limit=AT_ONCE)
	return in_use_then(rows, staging.next_used)


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
	"""Punches from before a start date that has been moved back since. What may have been used and deleted stays as it is.

	The first day may hold the end of a night that began before: it is looked at once after each change of the settings.
	"""
	settings = frappe.get_cached_doc(servers.SETTINGS)
	first = max((getdate(day) for day in (settings.start_date, settings.import_floor) if day), default=None)
	if first is None:
		return []
	event, begin = DocType(staging.DOCTYPE), datetime.combine(first, time())
	has_changed = event.resolved_at < get_datetime(settings.modified)
	query = (
		frappe.qb.from_(event)
		.select(event.name)
		.where(event.status == EventStatus.IGNORED.value)
		.where(event.reason_code == Reason.BEFORE_FLOOR.value)
		.where((event.punch_time >= begin + DAY) | ((event.punch_time >= begin) & has_changed))
		.limit(AT_ONCE)
	)
	return query.run(pluck=True)


def _refused(now: datetime) -> list[str]:
	filters = {
		"status": EventStatus.FAILED.value,
		"reason_code": Reason.HRMS_REFUSED.value,
		"attempts": ("<", REFUSALS),
		"resolved_at": ("<", now - REFUSAL_PAUSE),
	}
	return frappe.get_all(staging.DOCTYPE, filters, pluck="name", limit=AT_ONCE)
