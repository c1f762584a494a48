"""What is known about the people of a batch: a fixed number of queries, however long the batch is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import frappe
from frappe.query_builder import DocType

from biometric_integration.core.directory import AS_IT_IS, Directory, Person, Recorded, WaitingEvent
from biometric_integration.core.mapping import Normaliser
from biometric_integration.core.reasons import EventStatus, Reason
from biometric_integration.core.window import DAY
from biometric_integration.sync.db import sql
from biometric_integration.sync.process import mapping_rules
from biometric_integration.sync.records import devices, servers

EMPLOYEE_FIELDS = ("name", "status", "date_of_joining", "relieving_date")
DEFAULT_FIELD = "attendance_device_id"


def gather(events: Sequence[WaitingEvent], reach: timedelta) -> Directory:
	normalisers = servers.normalisers()
	rules = mapping_rules.for_ids({event.user_id for event in events})
	people = _people(_forms(events, normalisers), servers.employee_fields())
	directory = Directory(
		people=people,
		mapping=rules,
		persons=_persons({rule.employee for rule in rules} - {""}),
		normalisers=normalisers,
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
			yield start - reach, end + reach
			start = moment
		end = moment
	yield start - reach, end + reach


def _forms(events: Iterable[WaitingEvent], normalisers: Mapping[str, Normaliser]) -> set[str]:
	return {form for event in events for form in normalisers.get(event.server, AS_IT_IS).forms(event.user_id)}


def _people(ids: Collection[str], fields: Sequence[str]) -> dict[str, tuple[Person, ...]]:
	"""Id → who carries it in the first of the fields that knows it.

	The database compares loosely, ids are compared to the letter: `a1` is not `A1`.
	"""
	found: dict[str, tuple[Person, ...]] = {}
	for field in reversed(fields or (DEFAULT_FIELD,)):
		carriers: dict[str, tuple[Person, ...]] = {}
		for user_id, *person in sql.select_in("Employee", (field, *EMPLOYEE_FIELDS), field, sorted(ids)):
			carriers[user_id.strip()] = (*carriers.get(user_id.strip(), ()), Person(*person))
		found.update(carriers)
	return found


def carried(ids: Collection[str]) -> set[str]:
	"""Those of the ids that some employee carries, to the letter."""
	return set(ids) & set(carriers(ids))


def carriers(ids: Collection[str]) -> dict[str, set[str]]:
	"""Id → the employees who carry it, to the letter."""
	people = _people(ids, servers.employee_fields())
	return {user_id: {person.name for person in owners} for user_id, owners in people.items()}


def _persons(names: Collection[str]) -> dict[str, Person]:
	if not names:
		return {}
	rows = sql.select_in("Employee", EMPLOYEE_FIELDS, "name", sorted(names))
	return {name: Person(name, *others) for name, *others in rows}


def _everybody(directory: Directory) -> list[str]:
	carriers = (person.name for people in directory.people.values() for person in people)
	return sorted({*carriers, *directory.persons})


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
		yield employee, Recorded(punched or time, log_type or "", name, of_event or "", time)
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
