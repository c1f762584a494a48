"""The stores of both loops on one SQLite file (`core.store`), safe against SIGKILL and power cuts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any

from biometric_integration.bridge import cursors, devices, events, logs, people
from biometric_integration.bridge.database import BUSY_SECONDS, Database
from biometric_integration.bridge.devices import DeviceEntry
from biometric_integration.bridge.locks import Locks
from biometric_integration.bridge.people import Employee
from biometric_integration.core.batches import BATCH
from biometric_integration.core.clock import wall_clock
from biometric_integration.core.decide import Decision
from biometric_integration.core.devices import Device, DeviceChange
from biometric_integration.core.directory import Directory, Moment, Occurrence, WaitingEvent
from biometric_integration.core.drift import Clock
from biometric_integration.core.punch import Punch
from biometric_integration.core.runs import Outcome, RunCounts, Trigger
from biometric_integration.core.store import Claim, StreamBusy
from biometric_integration.core.stream import Cursor, Stream
from biometric_integration.core.text import storable
from biometric_integration.core.window import Window

LANE = "process"


def utc_now() -> datetime:
	return datetime.now(timezone.utc)


class SqliteStore:
	"""What both loops need, in the file `path`; see the protocols of `core.store` for what each method promises.

	Several processes may use one file: a stream and the process lane are locks beside it that die with their holder, in the
	folder `<path>.locks`. `clock` gives aware UTC, `zone` is the site's (IANA): logs are stamped in it. `zones`: of each server, by its id; one that is not
	there has the site's. Without any, all are of the zone of the server that is read. idle_kept: how long the log of a run that brought nothing is kept.
	"""

	def __init__(
		self,
		path: Path,
		clock: Callable[[], datetime] = utc_now,
		zone: str = "UTC",
		busy_seconds: float = BUSY_SECONDS,
		zones: Mapping[str, str] = MappingProxyType({}),
		idle_kept: timedelta = logs.IDLE_KEPT,
	):
		self.database = Database(path, busy_seconds)
		self.locks = Locks(path.with_name(path.name + ".locks"))
		self._clock = clock
		self._zone = zone
		self._zones = zones
		self._idle_kept = idle_kept
		self._devices: dict[str, Device] = {}
		self._revision = 0

	def __enter__(self) -> SqliteStore:
		return self

	def __exit__(self, *_error: object) -> None:
		self.close()

	def close(self) -> None:
		"""Forget what was not committed, and give back all locks."""
		self.database.close()
		self.locks.close()

	# --- what the engine asks for

	def devices(self, server: str) -> list[Device]:
		return [
			device if device.is_at_home(server) else self._with_zone(device)
			for device in devices.known_to(self.database, server)
		]

	def _with_zone(self, device: Device) -> Device:
		return replace(device, zone=self._zones.get(device.server, self._zone)) if self._zones else device

	def change_devices(self, server: str, changes: Sequence[DeviceChange]) -> None:
		with self.database.transaction():
			devices.change(self.database, server, changes)

	def oldest_first(self, server: str, units: Sequence[str]) -> list[str]:
		return cursors.oldest_first(self.database, server, units, self._now())

	def cursor(self, stream: Stream) -> Cursor:
		return cursors.read(self.database, stream)

	def claim(self, stream: Stream, trigger: Trigger, window: Window | None = None) -> Claim:
		if not self.locks.take(stream.key):
			raise StreamBusy(cursors.holder(self.database, stream))
		try:
			with self.database.transaction():
				logs.close_stale(self.database, stream, self._now())
				log = logs.open_log(self.database, stream, trigger, self._now())
				cursors.take(self.database, stream, log, self._now())
		except BaseException:
			self.locks.release(stream.key)
			raise
		return Claim(stream, self.cursor(stream), log)

	def stage(self, claim: Claim, punches: Sequence[Punch], cursor: Cursor | None = None) -> RunCounts:
		with self.database.transaction():
			cursors.move(self.database, claim.stream, claim.log, cursor)
			counts = events.stage(self.database, claim, punches, self._now())
			if counts.fetched:
				logs.count(self.database, claim.log, counts)
		return counts

	def staged(self, stream: Stream, window: Window) -> int:
		return events.staged(self.database, stream, window)

	def seen(self, punches: Set[tuple[str, datetime]]) -> int:
		return events.seen(self.database, punches)

	def newest_before(self, stream: Stream, moment: datetime) -> datetime | None:
		return events.newest_before(self.database, stream, moment)

	def finish(self, claim: Claim, outcome: Outcome, cursor: Cursor | None = None) -> None:
		try:
			with self.database.transaction():
				if cursor:
					cursors.move(self.database, claim.stream, claim.log, cursor)
				logs.close(self.database, claim.log, outcome, self._now(), self._zone)
				logs.drop_idle(self.database, claim.stream, self._now() - self._idle_kept)
		finally:
			self.locks.release(claim.stream.key)

	@contextmanager
	def lane(self) -> Iterator[bool]:
		mine = self.locks.take(LANE)
		try:
			yield mine
		finally:
			if mine:
				self.roll_back()
				self.locks.release(LANE)

	def reopen(self, now: datetime) -> int:
		with self.database.transaction():
			return events.reopen(self.database, now)

	def waiting(self, after: str, limit: int) -> list[WaitingEvent]:
		return events.waiting(self.database, after, limit)

	def batch_size(self) -> int:
		return BATCH

	def directory(self, events: Sequence[WaitingEvent], reach: timedelta) -> Directory:
		self._revision = people.revision(self.database)
		found = people.gather(self.database, events, reach, self._now())
		self._devices = dict(found.devices)
		return found

	def shifts(self, moments: Set[Moment]) -> Mapping[Moment, Occurrence]:
		return {}  # there are none here

	def shift_borders(self, moments: Set[Moment], reach: timedelta) -> Set[Moment]:
		return set()

	def create_together(self, decisions: Sequence[Decision]) -> Mapping[str, str]:
		return {}  # one by one is no slower here

	def create(self, decision: Decision) -> str:
		"""Nothing refuses a check-in here: where one of this event is there already, it is that one."""
		device = self._devices.get(decision.event.device)
		label, event = device.label if device else "", decision.event.name
		self.database.write(
			"""INSERT INTO checkin (employee, time, log_type, device_id, biometric_event) VALUES (?,?,?,?,?)
			ON CONFLICT (biometric_event) DO NOTHING""",
			(decision.employee, decision.time, decision.log_type, label, event),
		)
		return str(self.database.value("SELECT id FROM checkin WHERE biometric_event=?", (event,)))

	def note_clocks(self, clocks: Mapping[str, Clock]) -> None:
		devices.note_clocks(self.database, clocks)

	def mark_decided(self, decisions: Sequence[Decision], now: datetime) -> None:
		with self.database.transaction():
			events.mark_decided(self.database, decisions, now, self._revision)
			logs.recount(self.database, (decision.event.sync_log for decision in decisions))

	def roll_back(self) -> None:
		self.database.roll_back()

	# --- what a person enters, and what is remembered

	def employ(self, employees: Iterable[Employee]) -> int:
		"""Make this the list of employees; returns how many are new, changed or gone. Commits."""
		with self.database.transaction():
			return people.replace_all(self.database, employees)

	def enter_devices(self, entries: Iterable[DeviceEntry]) -> None:
		"""Create devices, or change what a person says about them. Commits."""
		with self.database.transaction():
			devices.enter(self.database, entries)

	def memory(self, server: str) -> dict[str, Any]:
		"""What a connector found out about its server."""
		known = self.database.value("SELECT memory FROM server_memory WHERE server=?", (server,))
		return dict(json.loads(known or "{}"))

	def remember(self, server: str, memory: Mapping[str, Any]) -> None:
		"""Commits."""
		known = storable(json.dumps(memory, sort_keys=True))
		with self.database.transaction():
			self.database.write("INSERT OR REPLACE INTO server_memory VALUES (?,?)", (server, known))

	def _now(self) -> datetime:
		return wall_clock(self._clock(), self._zone)
