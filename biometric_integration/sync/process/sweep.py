"""What waits for a reason that may be gone by now: looked for at each tick, since not every change fires an event (design §5).

However many events wait, what is read are their groups (one reason, one id of one server), switches of devices, and what is to be opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from itertools import islice

import frappe
from frappe.query_builder import DocType
from frappe.query_builder.functions import Coalesce
from frappe.utils import getdate

from biometric_integration.core.backoff import REFUSAL_PAUSE, REFUSALS
from biometric_integration.core.decide import employment
from biometric_integration.core.directory import Directory, Person
from biometric_integration.core.reasons import Reason
from biometric_integration.sync.process import directory, mapping_rules
from biometric_integration.sync.records import event_groups, servers, staging
from biometric_integration.sync.records.event_groups import Group

EMPLOYMENT = (Reason.NOT_JOINED, Reason.LEFT, Reason.INACTIVE)
OF_NOBODY = (Reason.NO_EMPLOYEE, Reason.AMBIGUOUS)
AT_ONCE = 5000


def reopen(now: datetime) -> int:
	"""Set back to Pending what has an employee, or a device that is on, by now, and (daily, five times) what HRMS refused."""
	nobodys = event_groups.groups(OF_NOBODY, with_last=False)
	groups = event_groups.groups((*EMPLOYMENT, Reason.BEFORE_FLOOR))
	found = (
		_names(_of_somebody([*nobodys, *groups])),
		_device_on_now(),
		_device_counts_now(),
		_names(_in_time_now(groups)),
		_refused(now),
	)
	return sum(staging.reopen(names) for names in found)


def of_somebody_now() -> list[str]:
	"""Events that waited for a person: somebody, one only or somebody else has their id by now, or was employed on that day."""
	nobodys = event_groups.groups(OF_NOBODY, with_last=False)
	return _names(_of_somebody([*nobodys, *event_groups.groups(EMPLOYMENT)]))


def _of_somebody(groups: Sequence[Group]) -> Iterable[Group]:
	waiting = (*OF_NOBODY, *EMPLOYMENT)
	groups = [group for group in groups if Reason(group.reason_code) in waiting]
	carriers = directory.carriers_of({group.id for group in groups})
	found = (
		*_of_somebody_now(groups, carriers),
		*_of_one_now(groups, carriers),
		*_of_somebody_else_now(groups, carriers),
		*_employed_now(groups),
	)
	return dict.fromkeys(found)


def of_employee(employee: str) -> list[str]:
	"""Events that wait for the status or a date of this employee."""
	groups = event_groups.groups(EMPLOYMENT)
	return _names(group for group in groups if group.employee == employee)


def _names(groups: Iterable[Group]) -> list[str]:
	return list(islice(event_groups.names(groups, AT_ONCE), AT_ONCE))


def _of_somebody_now(groups: Sequence[Group], carriers: Directory) -> Iterator[Group]:
	for group in groups:
		if group.reason_code == Reason.NO_EMPLOYEE.value and carriers.carriers(*group.id):
			yield group


def _of_one_now(groups: Sequence[Group], carriers: Directory) -> Iterator[Group]:
	"""Events of several people, whose id no longer belongs to several, where no rule has a say."""
	shared = [group for group in groups if group.reason_code == Reason.AMBIGUOUS.value]
	free = [group for group in shared if len(carriers.carriers(*group.id)) < 2]
	rules = (
		mapping_rules.for_ids({user_id for _server, user_id in (group.id for group in free)}) if free else []
	)
	for group in free:
		if not any(rule.matches(group.id[1]) for rule in rules):
			yield group


def _of_somebody_else_now(groups: Sequence[Group], carriers: Directory) -> Iterator[Group]:
	"""Events of an employee who was not there on that day, whose id somebody else carries by now, and no rule names the employee."""
	of_employees = (group for group in groups if Reason(group.reason_code) in EMPLOYMENT)
	moved = [group for group in of_employees if _is_owned_by_others(group, carriers)]
	rules = mapping_rules.for_ids({group.id[1] for group in moved}) if moved else []
	by_rule = {rule.employee for rule in rules}
	for group in moved:
		if group.employee not in by_rule:
			yield group


def _is_owned_by_others(group: Group, carriers: Directory) -> bool:
	owners = {person.name for person in carriers.carriers(*group.id)}
	return bool(owners) and (group.employee or "") not in owners


def _employed_now(groups: Sequence[Group]) -> Iterator[Group]:
	"""The employee's status or dates allow by now what they did not allow."""
	of_employees = [group for group in groups if group.employee and Reason(group.reason_code) in EMPLOYMENT]
	people = directory.persons({group.employee for group in of_employees})
	for group in of_employees:
		person = people.get(group.employee)
		if person and (allowed := _allowed(group, person)):
			yield allowed


def _allowed(group: Group, person: Person) -> Group | None:
	"""As much of the group as is not barred any more by what barred it."""
	first, last = group.first, group.last
	if group.reason_code == Reason.NOT_JOINED.value and person.joined:
		first = max(first, _begin(person.joined))
	elif group.reason_code == Reason.LEFT.value and person.left:
		last = min(last, datetime.combine(person.left, time.max))
	elif group.reason_code == Reason.INACTIVE.value and employment(person, last.date())[0] is Reason.INACTIVE:
		return None
	return group._replace(first=first, last=last) if first <= last else None


def _device_on_now() -> list[str]:
	return _of_devices(Reason.DEVICE_OFF, "enabled")


def _device_counts_now() -> list[str]:
	return _of_devices(Reason.NOT_FOR_ATTENDANCE, "counts_for_attendance")


def _of_devices(reason: Reason, switch: str) -> list[str]:
	"""Events that wait for a switch of their device that is on now; one that turned out to be another one has that one's switches."""
	device, original = DocType("Biometric Device"), DocType("Biometric Device").as_("original")
	query = (
		frappe.qb.from_(device)
		.left_join(original)
		.on(original.name == device.same_as)
		.select(device.name)
		.where(Coalesce(original[switch], device[switch]) == 1)
	)
	if not (devices := query.run(pluck=True)):
		return []
	event = DocType(staging.DOCTYPE)
	waiting = frappe.qb.from_(event).select(event.name).where(event.reason_code == reason.value)
	return waiting.where(event.device.isin(devices)).limit(AT_ONCE).run(pluck=True)


def _in_time_now(groups: Sequence[Group]) -> Iterator[Group]:
	"""Punches from before a start date that has been moved back since. What may have been used and deleted stays as it is."""
	settings = frappe.get_cached_doc(servers.SETTINGS)
	days = [getdate(day) for day in (settings.start_date, settings.import_floor) if day]
	for group in groups if days else ():
		if group.reason_code == Reason.BEFORE_FLOOR.value and group.last >= _begin(max(days)):
			yield group._replace(first=max(group.first, _begin(max(days))))


def _begin(day: date) -> datetime:
	return datetime.combine(day, time())


def _refused(now: datetime) -> list[str]:
	event = DocType(staging.DOCTYPE)
	query = (
		frappe.qb.from_(event)
		.select(event.name)
		.where(event.reason_code == Reason.HRMS_REFUSED.value)
		.where(event.attempts.isin(list(range(REFUSALS))) & (event.resolved_at < now - REFUSAL_PAUSE))
	)
	return query.limit(AT_ONCE).run(pluck=True)
