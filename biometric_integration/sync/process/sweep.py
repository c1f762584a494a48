"""What waits for a reason that may be gone by now: looked for at each tick, since not every change fires an event (design §5).

However many events wait, what is read are their groups (one reason, one id of one server), switches of devices, and what is to be opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from functools import partial
from itertools import islice

import frappe
from frappe.query_builder import DocType
from frappe.query_builder.functions import Coalesce
from frappe.utils import get_datetime, getdate

from biometric_integration.core.backoff import REFUSAL_PAUSE, REFUSALS
from biometric_integration.core.directory import SILENCE, Directory, Person
from biometric_integration.core.first_use import believed_from
from biometric_integration.core.punch import name_from
from biometric_integration.core.reasons import EventStatus, Reason
from biometric_integration.core.window import DAY, shifted
from biometric_integration.sync.process import directory, mapping_rules
from biometric_integration.sync.records import cursors, event_groups, servers, staging
from biometric_integration.sync.records.event_groups import Group

EMPLOYMENT = (Reason.NOT_JOINED, Reason.LEFT, Reason.INACTIVE)
OF_NOBODY = (Reason.NO_EMPLOYEE, Reason.AMBIGUOUS, Reason.SINCE_WHEN)
AT_ONCE = 5000


def reopen(now: datetime) -> int:
	"""Set back to Pending what has an employee, or a device that is on, by now, and (daily, five times) what HRMS refused.

	Where an id may have been somebody else's, its punches wait for a person to say since when it is theirs.
	"""
	nobodys = event_groups.groups(OF_NOBODY, with_last=False)
	groups = event_groups.groups((*EMPLOYMENT, Reason.BEFORE_FLOOR))
	employed = [group for group in groups if Reason(group.reason_code) in EMPLOYMENT]
	found = (
		_of_somebody([*nobodys, *employed], now),
		_employed_now(employed),
		_device_on_now(),
		_device_counts_now(),
		_in_use_then(),
		_in_time_now(groups),
		_refused(now),
	)
	return sum(staging.reopen(names) for names in found)


def of_somebody_now(now: datetime) -> list[str]:
	"""Events that waited for a person: somebody, one only, or somebody else has their id by now. Those that have to be asked about are marked so."""
	nobodys = event_groups.groups(OF_NOBODY, with_last=False)
	return _of_somebody([*nobodys, *event_groups.groups(EMPLOYMENT)], now)


def of_employee(employee: str) -> list[str]:
	"""Events that wait for the status or a date of this employee."""
	groups = event_groups.groups(EMPLOYMENT)
	return _names(group for group in groups if group.employee == employee)


def _names(groups: Iterable[Group], settled_before: datetime | None = None) -> list[str]:
	return list(islice(event_groups.names(groups, AT_ONCE, settled_before=settled_before), AT_ONCE))


# --- whose id it is


def _of_somebody(groups: Sequence[Group], now: datetime) -> list[str]:
	carriers = directory.carriers_of({group.id for group in groups})
	_forget_who_was_asked_about(groups, carriers)
	entered = [*_of_somebody_now(groups, carriers), *_of_somebody_else_now(groups, carriers)]
	asked = set(_ask_since_when(entered, carriers, now))
	found = (*(group for group in entered if group not in asked), *_of_one_now(groups, carriers))
	return _names(dict.fromkeys(found))


def _of_somebody_now(groups: Sequence[Group], carriers: Directory) -> Iterator[Group]:
	for group in groups:
		if group.reason_code == Reason.NO_EMPLOYEE.value and carriers.carriers(*group.id):
			yield group


def _ask_since_when(groups: Sequence[Group], carriers: Directory, now: datetime) -> Iterator[Group]:
	for group in groups:
		people = carriers.carriers(*group.id)
		if len(people) == 1 and _may_have_been_anothers(group, people[0].name, now):
			values = {"employee": people[0].name, "user_id": group.id[1], "days": SILENCE.days}
			_leave(group, Reason.SINCE_WHEN, values, people[0].name)
			yield group


def _may_have_been_anothers(group: Group, employee: str, now: datetime) -> bool:
	"""Was the id silent before it was entered, or did somebody else punch with it since? A server that was not read is no silence."""
	server, user_id = group.id
	heard = min(now, cursors.heard_until(server) or now)
	return event_groups.last(group) < heard - SILENCE or bool(
		frappe.db.exists(
			staging.DOCTYPE,
			{
				"server": server,
				"device_user_id": user_id,
				"punch_time": (">=", group.first),
				"status": EventStatus.PROCESSED.value,
				"employee": ("not in", ("", employee)),
			},
		)
	)


def _forget_who_was_asked_about(groups: Sequence[Group], carriers: Directory) -> None:
	"""Where the employee does not carry the id any more, it is nobody's again."""
	for group in groups:
		people = {person.name for person in carriers.carriers(*group.id)}
		if group.reason_code == Reason.SINCE_WHEN.value and group.employee not in people:
			_leave(group, Reason.NO_EMPLOYEE, {"user_id": group.id[1]}, None)


def _leave(group: Group, reason: Reason, values: dict, employee: str | None) -> None:
	staging.leave(_names([group]), reason, values, employee)


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


# --- since when, and until when


def _employed_now(groups: Sequence[Group]) -> list[str]:
	"""The employee's status or dates allow by now what they did not allow.

	On the very day of joining or leaving, the shift of a punch may belong to the day beyond: it is looked at once after each change.
	"""
	of_employees = [group for group in groups if group.employee and Reason(group.reason_code) in EMPLOYMENT]
	employees = {group.employee for group in of_employees}
	people, changed = directory.with_histories(employees), directory.changed_at(employees)
	names: list[str] = []
	for group in of_employees:
		if person := people.get(group.employee):
			allowed, day = _allowed(group, person)
			names += _names([allowed]) if allowed else []
			if day and (here := _on_day(group, day)):
				names += _names([here], settled_before=changed[person.name])
	return names[:AT_ONCE]


def _allowed(group: Group, person: Person) -> tuple[Group | None, date | None]:
	"""As much of the group as is not barred any more by what barred it; and the day of which only the shift can tell."""
	if group.reason_code == Reason.NOT_JOINED.value:
		joined = person.joined
		return (_within(group, first=shifted(_begin(joined), DAY)), joined) if joined else (group, None)
	if group.reason_code == Reason.LEFT.value:
		left = person.left if person.status == "Left" else None
		return (_within(group, end=_begin(left)), left) if left else (group, None)
	is_inactive = person.status == "Inactive" or (person.status == "Left" and not person.left)
	return (None if is_inactive else group), None


def _in_time_now(groups: Sequence[Group]) -> list[str]:
	"""Punches from before a start date that has been moved back since. What may have been used and deleted stays as it is.

	The first day may hold the end of a night that began before: it is looked at once after each change of the settings.
	"""
	settings = frappe.get_cached_doc(servers.SETTINGS)
	days = [getdate(day) for day in (settings.start_date, settings.import_floor) if day]
	if not days:
		return []
	day, changed = max(days), get_datetime(settings.modified)
	early = [group for group in groups if group.reason_code == Reason.BEFORE_FLOOR.value]
	whole = filter(None, (_within(group, first=shifted(_begin(day), DAY)) for group in early))
	here = filter(None, (_on_day(group, day) for group in early))
	return [*_names(whole), *_names(here, settled_before=changed)]


def _on_day(group: Group, day: date) -> Group | None:
	return _within(group, first=_begin(day), end=shifted(_begin(day), DAY))


def _within(group: Group, first: datetime = datetime.min, end: datetime = datetime.max) -> Group | None:
	"""The part of a group from `first` up to and without `end`."""
	first, last = max(group.first, first), min(group.last, shifted(end, -datetime.resolution))
	return group._replace(first=first, last=last) if first <= last else None


def _begin(day: date) -> datetime:
	return datetime.combine(day, time())


# --- devices


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


def _in_use_then() -> list[str]:
	"""Punches from long before the first use of their device, of which older use is known by now: its history has been read since."""
	devices = {device for device, *_group in event_groups.devices([Reason.IMPLAUSIBLE])} - {""}
	return [name for device in sorted(devices) for name in _believed_now(device)]


def _believed_now(device: str) -> list[str]:
	event, since = DocType(staging.DOCTYPE), believed_from(partial(staging.next_used, device))
	is_so = (event.device == device) & (event.reason_code == Reason.IMPLAUSIBLE.value)
	query = frappe.qb.from_(event).select(event.name).where(is_so & (event.name >= name_from(since)))
	return query.limit(AT_ONCE).run(pluck=True)


# --- refusals


def _refused(now: datetime) -> list[str]:
	event = DocType(staging.DOCTYPE)
	query = (
		frappe.qb.from_(event)
		.select(event.name)
		.where(event.reason_code == Reason.HRMS_REFUSED.value)
		.where(event.attempts.isin(list(range(REFUSALS))) & (event.resolved_at < now - REFUSAL_PAUSE))
	)
	return query.limit(AT_ONCE).run(pluck=True)
