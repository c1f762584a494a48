"""What devices that push are asked, at their next poll. Times are in the clock of the device."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

import frappe
from frappe import _
from frappe.query_builder.functions import Count
from frappe.utils import now_datetime

from biometric_integration.core.punch import Kind, name_from
from biometric_integration.receivers.adms.commands import MOST_COMMANDS, Ask, Command, Result, meaning
from biometric_integration.sync.db import transaction
from biometric_integration.sync.records import staging

DOCTYPE = "Biometric Device Command"
PATIENCE = timedelta(minutes=10)
"""A device that was asked and said nothing is asked again: it may have been switched off."""
MOST_SENDS = 3
MOST_OPEN = 20
"""Questions of one device that wait for an answer."""


class Status(str, Enum):
	WAITING = "Waiting"
	SENT = "Sent"
	ANSWERED = "Answered"
	REFUSED = "Refused"


ASKS = {"Ask for Punches": Ask.PUNCHES, "Compare Counts": Ask.COUNT}
"""By their names in Desk."""


def ask(device: str, what: str, start: datetime, end: datetime) -> str:
	"""Queue a question; the document it waits in."""
	if _open(device) >= MOST_OPEN:
		frappe.throw(
			_("{0} questions wait for this device already. Wait until it has answered.").format(MOST_OPEN)
		)
	values = {
		"device": device,
		"ask": what,
		"from_time": start,
		"to_time": end,
		"status": Status.WAITING.value,
	}
	return frappe.get_doc({"doctype": DOCTYPE, **values}).insert(ignore_permissions=True).name


def _open(device: str) -> int:
	"""That will still be sent, or were sent and may be again."""
	return frappe.db.count(DOCTYPE, {"device": device, "status": Status.WAITING.value}) + frappe.db.count(
		DOCTYPE, {"device": device, "status": Status.SENT.value, "sends": ("<", MOST_SENDS)}
	)


def waiting(device: str) -> list[Command]:
	"""The oldest first; noted as sent. Commits where there are any."""
	command, now = frappe.qb.DocType(DOCTYPE), now_datetime()
	is_new = command.status == Status.WAITING.value
	is_lost = (
		(command.status == Status.SENT.value)
		& (command.sent_at < now - PATIENCE)
		& (command.sends < MOST_SENDS)
	)
	query = (
		frappe.qb.from_(command)
		.select(command.name, command.ask, command.from_time, command.to_time)
		.where((command.device == device) & (is_new | is_lost))
		.orderby(command.creation)
		.limit(MOST_COMMANDS)
	)
	found = [Command(name, ASKS[what], start, end) for name, what, start, end in query.run()]
	if found:
		transaction.in_one(lambda: _note_sent([each.id for each in found], now))
	return found


def _note_sent(names: list[str], now: datetime) -> None:
	command = frappe.qb.DocType(DOCTYPE)
	(
		frappe.qb.update(command)
		.set(command.status, Status.SENT.value)
		.set(command.sent_at, now)
		.set(command.sends, command.sends + 1)
		.where(command.name.isin(names))
		.run()
	)


def answered(device: str, results: list[Result]) -> None:
	"""Commits. What this device was not asked, or has answered before, is no answer."""
	transaction.in_one(lambda: [_note(device, result) for result in results[:MOST_COMMANDS]])


def _note(device: str, result: Result) -> None:
	open_ = {"name": result.id, "device": device, "status": Status.SENT.value}
	found = frappe.db.get_value(DOCTYPE, open_, ["name", "ask", "from_time", "to_time"], as_dict=True)
	if found:
		status = Status.ANSWERED if result.code >= 0 else Status.REFUSED
		values = {
			"status": status.value,
			"answer": _words(device, found, result),
			"answered_at": now_datetime(),
		}
		frappe.db.set_value(DOCTYPE, found.name, values)


def _words(device: str, found: frappe._dict, result: Result) -> str:
	if refusal := meaning(result.code):
		return _(refusal)
	if ASKS[found.ask] is Ask.PUNCHES:
		return _("The device sends them now, in the usual way. What is here already stays as it is.")
	if result.count is None:
		return _("The device did not say a number.")
	here = kept(device, found.from_time, found.to_time)
	if here >= result.count:
		return _("The device has {0} punches of this time, this site {1}: none is missing.").format(
			result.count, here
		)
	return _(
		"The device has {0} punches of this time, this site {1}. Ask for Punches brings the rest."
	).format(result.count, here)


def kept(device: str, start: datetime, end: datetime) -> int:
	"""Punches of a device from `start` to `end`, both included. By the index of the device, which ends in the name: that begins with the time."""
	event = frappe.qb.DocType(staging.DOCTYPE)
	within = (event.name >= name_from(start)) & (event.name < name_from(end + timedelta(seconds=1)))
	query = frappe.qb.from_(event).select(Count("*")).where((event.device == device) & within)
	return query.where(event.kind == Kind.PUNCH.value).run()[0][0]
