"""What is known about the people of a batch: a fixed number of queries, however long the batch is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from itertools import chain

import frappe
from frappe.query_builder import DocType
from frappe.query_builder.functions import Min

from biometric_integration.core import first_use
from biometric_integration.core.directory import AS_IT_IS, Directory, Person, Recorded, WaitingEvent
from biometric_integration.core.window import DAY, shifted
from biometric_integration.sync.db import sql
from biometric_integration.sync.process import mapping_rules
from biometric_integration.sync.records import devices, servers, staging

WITHIN_A_SECOND = timedelta(microseconds=999_999)
HISTORY = "Employee Internal Work History"
EMPLOYEE_FIELDS = ("name", "status", "date_of_joining", "relieving_date")


def gather(events: Sequence[WaitingEvent], reach: timedelta) -> Directory:
	rules = mapping_rules.for_ids({event.user_id for event in events})
	known = carriers_of({(event.server, event.user_id) for event in events})
	keys = {event.device for event in events if event.device}
	directory = replace(
		known,
		mapping=rules,
		persons=persons({rule.employee for rule in rules} - {""}),
		devices=devices.by_key(keys),
		clocks=devices.clocks(keys),
		by_event=_checkins_of([event.name for event in events]),
	)
	directory = _with_histories(directory, min(event.punch_time for event in events).date())
	last_punches = {key: device.last_punch for key, device in directory.devices.items()}
	directory.first_used = first_use.of_devices(events, last_punches.get, staging.next_used)
	employees = _everybody(directory)
	for start, end in _stretches((event.punch_time for event in events), reach):
		for employee, entry in _recorded(employees, start, end):
			directory.add(employee, entry)
	directory.linked = _linked(directory)
	return directory


def _with_histories(directory: Directory, first: date) -> Directory:
	"""A transfer moves the date of joining: who was somewhere else in the company before has been here since then."""
	everybody = chain(
		*directory.people.values(), *directory.without_zeros.values(), directory.persons.values()
	)
	late = {person.name: person for person in everybody if person.joined and person.joined >= first}
	since = _histories(late) if late else {}
	if not since:
		return directory

	corrected = partial(_corrected, since)

	def all_corrected(people: Mapping[str, tuple[Person, ...]]) -> dict[str, tuple[Person, ...]]:
		return {key: tuple(map(corrected, found)) for key, found in people.items()}

	return replace(
		directory,
		people=all_corrected(directory.people),
		without_zeros=all_corrected(directory.without_zeros),
		persons={key: corrected(person) for key, person in directory.persons.items()},
	)


def _corrected(since: Mapping[str, date], person: Person) -> Person:
	first = since.get(person.name)
	is_earlier = first and person.joined and first < person.joined
	return replace(person, joined=first) if is_earlier else person


def with_histories(names: Collection[str]) -> dict[str, Person]:
	"""These employees, each since they are in the company."""
	found = persons(names)
	since = _histories(found) if found else {}
	return {name: _corrected(since, person) for name, person in found.items()}


def changed_at(names: Collection[str]) -> dict[str, datetime]:
	return dict(sql.select_in("Employee", ("name", "modified"), "name", sorted(names)))


def _histories(employees: Collection[str]) -> dict[str, date]:
	"""Employee → the earliest day of their internal work history."""
	history = DocType(HISTORY)
	query = (
		frappe.qb.from_(history)
		.select(history.parent, Min(history.from_date))
		.where((history.parenttype == "Employee") & history.parent.isin(sorted(employees)))
		.where(history.from_date.isnotnull())
		.groupby(history.parent)
	)
	return dict(query.run())


def _linked(directory: Directory) -> set[str]:
	"""Which of the check-ins of devices that were made elsewhere stand for a punch already."""
	entries = chain(*directory.recorded.values())
	elsewhere = sorted({entry.record for entry in entries if entry.device and not entry.event})
	return {
		name
		for (name,) in sql.select_in(staging.DOCTYPE, ("employee_checkin",), "employee_checkin", elsewhere)
	}


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
	"""Check-ins, by when the person punched: the written time may be rounded."""
	if not employees:
		return
	rows = frappe.db.sql(
		"""SELECT c.`employee`, c.`time`, c.`log_type`, c.`name`, c.`biometric_event`, e.`punch_time`, c.`device_id`
		FROM `tabEmployee Checkin` c LEFT JOIN `tabBiometric Staging Event` e ON e.`name`=c.`biometric_event`
		WHERE c.`employee` IN %s AND c.`time` BETWEEN %s AND %s""",
		(employees, start, end),
	)  # the query builder takes ten times as long for the names
	for employee, time, log_type, name, of_event, punched, device in rows:
		moment = punched or time.replace(microsecond=0)  # older tools wrote fractions
		yield employee, Recorded(moment, log_type or "", name, of_event or "", time, device or "")
