"""Who is told that a device keeps attendance from being marked: HR Manager after an expected day, System Manager as well after three; once per silence."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

import frappe
from frappe import _
from frappe.desk.doctype.notification_log.notification_log import make_notification_logs
from frappe.utils import escape_html

from biometric_integration.core.evidence import hold_until
from biometric_integration.core.window import DAY
from biometric_integration.sync.hrms.holidays import Holidays
from biometric_integration.sync.records import servers, sight, users
from biometric_integration.sync.records.words import moment
from biometric_integration.sync.workdays import held_back
from biometric_integration.sync.workdays.held_back import Cause

ROLES: Mapping[int, tuple[str, ...]] = {1: ("HR Manager",), 3: ("HR Manager", "System Manager")}
"""Expected days of waiting → who is told then."""
LONG = timedelta(days=70)
"""`hold_until` looks no further ahead."""
TOLD = "held_back_told"


def tell(now: datetime) -> int:
	"""Tell those who have not been told yet; returns of how many devices and servers there was something to tell. In one transaction of the caller."""
	before: dict[str, int] = json.loads(frappe.db.get_single_value(servers.SETTINGS, TOLD) or "{}")
	found = held_back.causes(now)
	ages = {id(cause): _age(cause, now) for cause in found}
	told = {
		device: max(ages[id(cause)], before.get(device, 0)) for cause in found for device in cause.devices
	}
	told = {device: age for device, age in told.items() if age}
	new = [
		(cause, age)
		for cause in found
		if (age := ages[id(cause)]) and any(before.get(device, 0) < age for device in cause.devices)
	]
	numbers = _Numbers(now)
	for cause, age in new:
		_tell(cause, _roles(cause, age, before), numbers)
	if told != before:
		value = json.dumps(told, sort_keys=True)
		frappe.db.set_single_value(servers.SETTINGS, TOLD, value, update_modified=False)
	return len(new)


def _roles(cause: Cause, age: int, before: Mapping[str, int]) -> set[str]:
	"""Those for whom it is new."""
	told = max((before.get(device, 0) for device in cause.devices), default=0)
	return {role for days in ROLES if told < days <= age for role in ROLES[days]} or set(ROLES[age])


def _age(cause: Cause, now: datetime) -> int:
	"""So many expected days it has been waited for, of those after which somebody is told; 0 = nobody yet."""
	if now - cause.since < min(ROLES) * DAY:
		return 0
	is_expected = _expected_of(held_back.people(cause, 100), cause.since.date())
	return max((days for days in ROLES if hold_until(cause.since, days, is_expected) <= now), default=0)


def _expected_of(people: Iterable[str], first: date):
	"""Is the day a working day of any of these people? Nobody is asked to look at a device of a factory that is shut."""
	fields = ["name", "company", "holiday_list"]
	found = frappe.get_all("Employee", {"name": ("in", list(people))}, fields, limit=0)
	holidays = Holidays(
		{row.name: (row.company, row.holiday_list or "") for row in found}, first, first + LONG
	)
	return lambda day: not found or any(not holidays.is_one(row.name, day) for row in found)


class _Numbers:
	"""How many people of a cause a user sees; those who see the same are counted once."""

	def __init__(self, now: datetime):
		self._now = now
		self._found: dict[str, dict[tuple[str, str], int]] = {}

	def of(self, cause: Cause, user: str) -> int:
		limit = sight.workdays(user)
		if limit not in self._found:
			causes = held_back.causes(self._now, limit)
			self._found[limit] = {(one.doctype, one.name): one.people for one in causes}
		return self._found[limit].get((cause.doctype, cause.name), 0)


def _tell(cause: Cause, roles: Iterable[str], numbers: _Numbers) -> None:
	for user in sorted({user for role in roles for user in users.with_role(role)}):
		if number := numbers.of(cause, user):
			_log(cause, user, number)


def _log(cause: Cause, user: str, number: int) -> None:
	email = frappe.db.get_value("User", user, "email")
	subject = f"<b>{escape_html(cause.label)}</b>: {escape_html(words(cause, number))}"
	is_device = cause.doctype == held_back.DEVICE
	document = {"document_type": cause.doctype, "document_name": cause.name}
	settings = {"document_type": servers.SETTINGS, "document_name": servers.SETTINGS}
	about = document if is_device else settings
	make_notification_logs(frappe._dict(type="Alert", subject=subject, **about), [email])


def words(cause: Cause, number: int) -> str:
	"""Without the name of what is missing, which stands before it."""
	return f"{_what(cause)} {_who(number).format(number, moment(cause.since))}"


def _what(cause: Cause) -> str:
	if cause.doctype != held_back.DEVICE:
		return _("The server cannot be read. {0}").format(cause.why)
	if cause.heard:
		return _("Not heard from since {0}.").format(moment(cause.heard))
	return _("Its punches have not been read so far.")


def _who(number: int) -> str:
	if number == 1:
		return _("The attendance of one person waits for it since {1}.")
	return _("The attendance of {0} people waits for it, the oldest day since {1}.")
