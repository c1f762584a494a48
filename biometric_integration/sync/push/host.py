"""The site as devices that push see it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import frappe

from biometric_integration.core.batches import batches
from biometric_integration.core.errors import SyncError
from biometric_integration.core.punch import Record, Unreadable
from biometric_integration.core.runs import Channel
from biometric_integration.core.store import BatchLost
from biometric_integration.receivers.adms import conversation
from biometric_integration.receivers.adms.commands import Command, Result
from biometric_integration.receivers.adms.conversation import (
	LATER,
	OK,
	Answer,
	Asked,
	Delivery,
	Kept,
	NotKept,
)
from biometric_integration.receivers.adms.handshake import Terminal
from biometric_integration.sync.db import transaction
from biometric_integration.sync.push import pace, questions, strangers
from biometric_integration.sync.receiving.contact import note_contact, note_interruption
from biometric_integration.sync.receiving.receive import RowStatus, receive
from biometric_integration.sync.records import devices, servers

ONLY_PUSHES = "(push)"
"""The home of devices that no attendance server knows: no server can have this id."""
BUDGET = 30
"""Seconds of one request. What is not kept by then is sent again, and what was kept is known then."""
BATCH = 1000


def answer(method: str, endpoint: str, query: Mapping[str, str], body: bytes, address: str) -> Answer:
	"""Whatever goes wrong here, the device has to keep its rows: any answer but 200 says so (sources-protocols §2.4)."""
	asked, host = Asked("GET" if method == "HEAD" else method, endpoint, query, body), SiteHost(address)
	try:
		given = conversation.answer(asked, host)
		if host.device:
			(note_contact if given.status == OK.status else note_interruption)(host.device)
		return given
	except Exception as error:  # the name of the class and no more: the frames hold what was sent
		transaction.roll_back()
		frappe.logger("biometric_integration").error(
			"Push: %s at %s of %s", type(error).__name__, endpoint, asked.serial
		)
		return LATER


class SiteHost:
	def __init__(self, address: str):
		self._address = address
		self.device = ""

	def terminal(self, asked: Asked) -> Terminal | None:
		found = _accepted(asked.serial)
		if found is None:
			strangers.note(asked, self._address)
			return None
		self.device = found.name
		zone = ZoneInfo(servers.time_zone(found.server or ""))
		return Terminal(found.name, found.serial_number, datetime.now(zone), found.push_stamp or "")

	def keep(self, terminal: Terminal, delivery: Delivery) -> None:
		end = time.monotonic() + BUDGET
		try:
			for rows in batches(delivery.kept(), BATCH):
				_keep(terminal.key, rows)
				if time.monotonic() > end:
					raise NotKept
			if delivery.stamp != terminal.stamp and pace.is_first(f"stamp of {terminal.key}"):
				transaction.in_one(lambda: _note_stamp(terminal.key, delivery.stamp))
		except (SyncError, BatchLost) as error:
			transaction.roll_back()
			raise NotKept from error

	def waiting(self, terminal: Terminal) -> list[Command]:
		return questions.waiting(terminal.key)

	def answered(self, terminal: Terminal, results: list[Result]) -> None:
		questions.answered(terminal.key, results)


def _accepted(serial: str) -> frappe._dict | None:
	"""The device, by its serial number to the letter."""
	if not serial:
		return None
	wanted = {"serial_number": serial, "push": 1}
	fields = ["name", "serial_number", "server", "push_stamp"]
	found = frappe.db.get_value(devices.DOCTYPE, wanted, fields, as_dict=True)
	return found if found and found.serial_number == serial else None


def _keep(device: str, rows: Sequence[Kept]) -> None:
	"""A row that cannot be kept as a punch is kept as one that cannot be read: for one row no device is left to send all again for ever."""
	refused = _refused(device, rows)
	odd = [Unreadable(row.raw, reason) for row, reason in refused if isinstance(row, Record)]
	if len(odd) < len(refused) or (odd and _refused(device, odd)):
		raise NotKept


def _refused(device: str, rows: Sequence[Kept]) -> list[tuple[Kept, str]]:
	results = receive(Channel.PUSH, rows, device).results
	return [
		(row, result.reason)
		for row, result in zip(rows, results, strict=True)
		if result.status is RowStatus.REFUSED
	]


def _note_stamp(device: str, stamp: str) -> None:
	"""How far it has sent. An older one does no harm: what is sent again is known."""
	frappe.db.set_value(devices.DOCTYPE, device, "push_stamp", stamp, update_modified=False)
