"""The site as devices that push see it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
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
from biometric_integration.receivers.adms.rows import Row
from biometric_integration.sync.db import pace, transaction
from biometric_integration.sync.push import door, questions, strangers
from biometric_integration.sync.receiving.contact import note_contact, note_interruption
from biometric_integration.sync.receiving.receive import RowStatus, receive
from biometric_integration.sync.records import devices, servers

ONLY_PUSHES = "(push)"
"""The home of devices that no attendance server knows: no server can have this id."""
BUDGET = 30
"""Seconds of one request. What is not kept by then is sent again, and what was kept is known then."""
BATCH = 1000
LOOKED_AT = 10_000
"""Lines between two looks at the clock."""
REQUESTS_A_MINUTE = 1200
"""Of one device: many times what one needs that sends all of its memory, small batch by small batch."""


def answer(method: str, endpoint: str, query: Mapping[str, str], body: bytes, address: str) -> Answer:
	"""Whatever goes wrong here, the device has to keep its rows: any answer but 200 says so (sources-protocols §2.4)."""
	asked, host = Asked("GET" if method == "HEAD" else method, endpoint, query, body), SiteHost(address)
	try:
		given = conversation.answer(asked, host)
		if host.device:
			_note(host.device, given)
		return given
	except Exception as error:  # the name of the class and no more: the frames hold what was sent
		transaction.roll_back()
		frappe.logger("biometric_integration").error(
			"Push: %s at %s of %s", type(error).__name__, endpoint, asked.serial
		)
		if host.device:
			with suppress(Exception):  # the database may be what failed
				note_interruption(host.device)
		return LATER


def _note(device: str, given: Answer) -> None:
	"""Its sign of life. Contact without delivery proves nothing; nor does contact of whom anybody could pretend to be."""
	if given.status == OK.status:
		note_contact(device, proves=door.is_guarded())
	else:
		note_interruption(device)


class SiteHost:
	def __init__(self, address: str):
		self._address = address
		self.device = ""

	def terminal(self, asked: Asked) -> Terminal | None:
		found = _accepted(asked.serial)
		if found is None:
			strangers.note(asked, self._address)
			return None
		requests = pace.times(f"requests for {found.name}")
		if requests <= REQUESTS_A_MINUTE + 1:  # with the first that is too much, contact proves nothing more
			self.device = found.name
		if requests > REQUESTS_A_MINUTE:
			raise NotKept
		zone = ZoneInfo(servers.time_zone(found.server or ""))
		return Terminal(found.name, found.serial_number, datetime.now(zone))

	def keep(self, terminal: Terminal, delivery: Delivery) -> None:
		end = time.monotonic() + BUDGET
		delivery.rows = _in_time(delivery.rows, end)
		try:
			for rows in batches(delivery.kept(), BATCH):
				_keep(terminal.key, rows)
				if time.monotonic() > end:
					raise NotKept
		except (SyncError, BatchLost) as error:
			transaction.roll_back()
			raise NotKept from error

	def waiting(self, terminal: Terminal) -> list[Command]:
		return questions.waiting(terminal.key)

	def answered(self, terminal: Terminal, results: list[Result]) -> None:
		questions.answered(terminal.key, results)


def _in_time(rows: Iterable[Row], end: float) -> Iterator[Row]:
	"""Rows of which nothing is kept take time as well."""
	for number, row in enumerate(rows, 1):
		if number % LOOKED_AT == 0 and time.monotonic() > end:
			raise NotKept
		yield row


def _accepted(serial: str) -> frappe._dict | None:
	"""The device, by its serial number to the letter."""
	if not serial:
		return None
	wanted = {"serial_number": serial, "push": 1}
	fields = ["name", "serial_number", "server"]
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
