"""What is known about the people of a batch: a fixed number of queries, however long the batch is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import frappe
from frappe.query_builder import DocType

from biometric_integration.core.directory import AS_IT_IS, Directory, Person, Recorded, WaitingEvent
from biometric_integration.core.reasons import EventStatus, Reason
from biometric_integration.core.window import DAY, shifted
from biometric_integration.sync.db import sql
from biometric_integration.sync.process import mapping_rules
from biometric_integration.sync.records import devices, servers

WITHIN_A_SECOND = timedelta(microseconds=999_999)
EMPLOYEE_FIELDS = ("name", "status", "date_of_joining", "relieving_date")


def gather(events: Sequence[WaitingEvent], reach: timedelta) -> Directory:
	rules = mapping_rules.for_ids({event.user_id for event in events})
	known = carriers_of({(event.server, event.user_id) for event in events})
	directory = replace(
		known,
		mapping=rules,
		persons=persons({rule.employee for rule in rules} - {""}),
		devices=devices.by_key(event.device for event in events if event.device),
		by_event=_checkins_of([event.name for event in events]),
	)
	employees = _everybody(directory)
	for start, end in _stretches((event.punch_time for event in events), reach):
		for employee, entry in _recorded(employees, start, end):
			directory.add(employee, entry)
	return directory


def _stretches(times: Iterable[datetime], reach: timedelta) -> Iterator[tuple[datetime, datetime]]:
	"""The stretches of time to look at: usually one. A punch of a wrong clock must not bring the years in between into memory."""
	ordered = sorted(times)
	start = end = ordered[0]
	for moment in ordered[1:]:
		if moment - end > 2 * reach + DAY:
			yield shifted(start, -reach), shifted(end, reach + WITHIN_A_SECOND)
			start = moment
		end = moment
	yield shifted(start, -reach), shifted(end, reach + WITHIN_A_SECOND)


def carriers_of(ids: Collection[tuple[str, str]]) -> Directory:
	"""Who carries these (server id, user id), and nothing else."""
	normalisers = servers.normalisers()
	fields = servers.employee_fields()
	forms = {form for server, user_id in ids for form in normalisers.get(server, AS_IT_IS).forms(user_id)}
	any_zeros = any(normaliser.zeros for normaliser in normalisers.values())
	return Directory(
		people=_people(
			fields, lambda field: sql.select_in("Employee", (field, *EMPLOYEE_FIELDS), field, sorted(forms))
		),
		without_zeros=_people(fields, _with_zeros, bare=True) if any_zeros else {},
		normalisers=normalisers,
	)


def _people(
	fields: Sequence[str], read: Callable[[str], Sequence[tuple]], bare: bool = False
) -> dict[str, tuple[Person, ...]]:
	"""Id → who carries it in the first of the fields that knows it. `bare`: ids without the zeros they begin with.

	The database compares loosely, ids are compared to the letter: `a1` is not `A1`.
	"""
	found: dict[str, tuple[Person, ...]] = {}
	for field in reversed(fields):
		carriers: dict[str, tuple[Person, ...]] = {}
		for value, *person in read(field):
			user_id = str(value).strip()
			user_id = user_id.lstrip("0") if bare else user_id
			carriers[user_id] = (*carriers.get(user_id, ()), Person(*person))
		found.update(carriers)
	return found


def _with_zeros(field: str) -> Sequence[tuple]:
	employee = DocType("Employee")
	columns = [employee[name] for name in (field, *EMPLOYEE_FIELDS)]
	return frappe.qb.from_(employee).select(*columns).where(employee[field].like("0%")).run()


def persons(names: Collection[str]) -> dict[str, Person]:
	if not names:
		return {}
	rows = sql.select_in("Employee", EMPLOYEE_FIELDS, "name", sorted(names))
	return {name: Person(name, *others) for name, *others in rows}


def _everybody(directory: Directory) -> list[str]:
	known = (*directory.people.values(), *directory.without_zeros.values())
	return sorted({*(person.name for people in known for person in people), *directory.persons})


def _checkins_of(events: Sequence[str]) -> dict[str, str]:
	return dict(sql.select_in("Employee Checkin", ("biometric_event", "name"), "biometric_event", events))


def _recorded(employees: Sequence[str], start: datetime, end: datetime) -> Iterator[tuple[str, Recorded]]:
	"""Check-ins, by when the person punched: the written time may be rounded. Then punches that became part of an attendance."""
	if not employees:
		return
	rows = frappe.db.sql(
		"""SELECT c.`employee`, c.`time`, c.`log_type`, c.`name`, c.`biometric_event`, e.`punch_time`
		FROM `tabEmployee Checkin` c LEFT JOIN `tabBiometric Staging Event` e ON e.`name`=c.`biometric_event`
		WHERE c.`employee` IN %s AND c.`time` BETWEEN %s AND %s""",
		(employees, start, end),
	)  # the query builder takes ten times as long for the names
	for employee, time, log_type, name, of_event, punched in rows:
		moment = punched or time.replace(microsecond=0)  # older tools wrote fractions
		yield employee, Recorded(moment, log_type or "", name, of_event or "", time)
	yield from _in_attendance(employees, start, end)


def _in_attendance(
	employees: Sequence[str], start: datetime, end: datetime
) -> Iterator[tuple[str, Recorded]]:
	if not servers.to_attendance():
		return
	event = DocType("Biometric Staging Event")
	waits_for_its_day = (event.status == EventStatus.PENDING.value) & (
		event.reason_code == Reason.DAY_OPEN.value
	)
	in_attendance = (event.status == EventStatus.PROCESSED.value) & (event.attendance != "")
	query = (
		frappe.qb.from_(event)
		.select(event.employee, event.punch_time, event.log_type, event.name)
		.where(event.employee.isin(employees) & event.punch_time[start:end])
		.where(waits_for_its_day | in_attendance)
	)
	for employee, time, log_type, name in query.run():
		yield employee, Recorded(time, log_type or "", name, name)
