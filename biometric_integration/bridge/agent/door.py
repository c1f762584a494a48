"""The spool as devices that push see it: who may speak, and what is kept. The words are those of `receivers/adms`."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address, ip_network
from zoneinfo import ZoneInfo

from biometric_integration.bridge.agent.journal import Journal
from biometric_integration.bridge.agent.room import Room
from biometric_integration.bridge.agent.spool import PUSHED, UTC, Spool
from biometric_integration.core.batches import batches
from biometric_integration.core.devices import Device
from biometric_integration.core.punch import Punch, Record
from biometric_integration.core.source import Stamp, punch_of, unreadable_punch
from biometric_integration.core.store import BatchLost
from biometric_integration.receivers.adms import conversation
from biometric_integration.receivers.adms.commands import Command, Result
from biometric_integration.receivers.adms.conversation import LATER, Answer, Asked, Delivery, Kept, NotKept
from biometric_integration.receivers.adms.handshake import Terminal

BATCH = 1000
BUDGET = 30.0
"""Seconds of one request. What is not kept by then is sent again, and what was kept is known then."""
CONTACT_AT_MOST_EVERY = timedelta(minutes=1)
MOST_STRANGERS = 200
MOST_SAID = 50
"""Strangers that the journal tells of; the others are in the list only."""
SLIGHT = timedelta(minutes=1)
"""A difference to the site's clock that is left alone."""


@dataclass
class Stranger:
	"""A serial number that is not expected here. `last`: aware UTC, as text."""

	serial: str
	address: str
	times: int
	last: str


class Door:
	"""For all threads that listen to devices."""

	def __init__(
		self,
		room: Room,
		journal: Journal,
		clock: Callable[[], datetime],
		is_guarded: bool = True,
		networks: Sequence[str] = (),
		monotonic: Callable[[], float] = time.monotonic,
	):
		self.room = room
		self.journal = journal
		self.is_guarded = is_guarded
		self._clock = clock
		self._networks = [ip_network(network) for network in networks]
		self._lock = threading.Lock()
		self._expected: Mapping[str, str] = {}
		self._strangers: dict[str, Stranger] = {}
		self._broken: set[str] = set()
		self._said = 0
		self._ahead = timedelta(0)
		self._monotonic = monotonic
		self._corrected = clock(), monotonic()

	def expect(self, expected: Mapping[str, str]) -> None:
		"""Serial number → time zone, of all devices that may push."""
		with self._lock:
			self._expected = dict(expected)
			self._strangers = {name: each for name, each in self._strangers.items() if name not in expected}

	def correct(self, ahead: timedelta) -> None:
		"""By how much our clock is ahead of the site's: devices take their time from us."""
		self._corrected = self._clock(), self._monotonic()
		self._ahead = ahead if abs(ahead) > SLIGHT else timedelta(0)

	def now(self) -> datetime:
		"""Aware UTC, as right as it is known to be: also where the clock was set right since the site was heard of."""
		now, (clock, monotonic) = self._clock(), self._corrected
		jump = now - clock - timedelta(seconds=self._monotonic() - monotonic)
		return now if abs(jump + self._ahead) <= SLIGHT else now - self._ahead

	def lets_in(self, address: str) -> bool:
		found = ip_address(address.partition("%")[0])
		found = getattr(found, "ipv4_mapped", None) or found
		return not self._networks or any(found in network for network in self._networks)

	def zone_of(self, serial: str) -> str | None:
		return self._expected.get(serial) if serial else None

	def broke_off(self, serial: str) -> None:
		"""Something that this device sent was not taken, and could not be noted there: it is with its next request."""
		with self._lock:
			if serial in self._expected:
				self._broken.add(serial)

	def is_broken(self, serial: str) -> bool:
		return serial in self._broken

	def is_noted(self, serial: str) -> None:
		with self._lock:
			self._broken.discard(serial)

	def strangers(self, most: int) -> list[dict[str, object]]:
		"""The latest first."""
		with self._lock:
			found = sorted(self._strangers.values(), key=lambda each: each.last, reverse=True)
			return [asdict(each) for each in found[:most]]

	def note_stranger(self, serial: str, address: str) -> None:
		if not serial:
			return
		with self._lock:
			before = self._strangers.pop(serial, None)
			times = before.times + 1 if before else 1
			self._strangers[serial] = Stranger(serial, address, times, f"{self._clock():%Y-%m-%dT%H:%M:%SZ}")
			while len(self._strangers) > MOST_STRANGERS:
				del self._strangers[next(iter(self._strangers))]
			is_news, self._said = before is None and self._said < MOST_SAID, self._said + (before is None)
		if is_news:
			self.journal.say(
				f"A device with the serial number {serial} at {address} tries to push and is not expected here. Nothing of it is taken:"
				" enter it on the site, or as one of devices in [push]."
			)

	def answer(
		self, spool: Spool, method: str, endpoint: str, query: Mapping[str, str], body: bytes, address: str
	) -> Answer:
		"""Whatever goes wrong here, the device has to keep its rows: any answer but 200 says so (sources-protocols §2.4)."""
		asked, host = (
			Asked("GET" if method == "HEAD" else method, endpoint, query, body),
			Guest(self, spool, address),
		)
		try:
			given = conversation.answer(asked, host)
			host.note(given.status == conversation.OK.status)
			return given
		except (sqlite3.Error, BatchLost) as error:
			spool.roll_back()
			self.broke_off(asked.serial)
			self.room.failed(error)
			return LATER
		except Exception as error:  # the name of the class and no more: the frames hold what was sent
			spool.roll_back()
			self.broke_off(asked.serial)
			self.journal.trouble(
				f"push {type(error).__name__}", f"A request of {asked.serial} failed: {type(error).__name__}."
			)
			return LATER


class Guest:
	"""One request: the host of a conversation."""

	def __init__(self, door: Door, spool: Spool, address: str):
		self._door = door
		self._spool = spool
		self._address = address
		self._serial = ""

	def terminal(self, asked: Asked) -> Terminal | None:
		zone = self._door.zone_of(asked.serial)
		if zone is None:
			self._door.note_stranger(asked.serial, self._address)
			return None
		self._serial = asked.serial
		return Terminal(asked.serial, asked.serial, self._door.now().astimezone(ZoneInfo(zone)))

	def keep(self, terminal: Terminal, delivery: Delivery) -> None:
		end = time.monotonic() + BUDGET
		if self._door.room.why_full(self._spool):
			raise NotKept
		device = None
		try:
			for rows in batches(delivery.kept(), BATCH):
				device = device or self._spool.device_of(terminal.serial)
				self._spool.receive(terminal.serial, self._punches(device, rows))
				if time.monotonic() > end:
					raise NotKept
		except (sqlite3.Error, BatchLost) as error:
			self._spool.roll_back()
			self._door.room.failed(error)
			raise NotKept from error

	def _punches(self, device: Device, rows: Sequence[Kept]) -> list[Punch]:
		arrived = self._door.now().astimezone(timezone.utc).replace(tzinfo=None, microsecond=0)
		stamp = Stamp(PUSHED, UTC, UTC, arrived)
		return [
			punch_of(row, device, stamp)
			if isinstance(row, Record)
			else unreadable_punch(row, PUSHED, device.serial, arrived, device.key)
			for row in rows
		]

	def waiting(self, terminal: Terminal) -> list[Command]:
		return []  # the bridge asks for nothing

	def answered(self, terminal: Terminal, results: list[Result]) -> None:
		"""Nothing was asked."""

	def note(self, is_well: bool) -> None:
		"""The sign of life. Contact without delivery proves nothing; nor does contact of whom anybody could pretend to be."""
		if not self._serial:
			return
		is_well = is_well and not self._door.is_broken(self._serial)
		at = self._door.now().astimezone(timezone.utc).replace(tzinfo=None, microsecond=0)
		known = self._spool.contact(self._serial)
		if is_well and known.last and known.last <= at < known.last + CONTACT_AT_MOST_EVERY:
			return
		proves = is_well and self._door.is_guarded
		self._spool.note_contact(self._serial, known.heard(at) if proves else known.interrupted(at))
		self._door.is_noted(self._serial)
