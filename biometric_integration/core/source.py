"""One server while a job reads it: its connector, its clock, and which of its devices a row is from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from typing import NamedTuple

from biometric_integration.core import devices
from biometric_integration.core.clock import to_site, wall_clock
from biometric_integration.core.connector import Connector, ListedDevice, RequestTrace, ServerConfig
from biometric_integration.core.devices import Device, DeviceBook, DeviceChange
from biometric_integration.core.first_use import is_long_before
from biometric_integration.core.punch import (
	RESET_END,
	Direction,
	Kind,
	Punch,
	Record,
	Unreadable,
	fingerprint,
	shown_rows,
	unreadable_fingerprint,
)
from biometric_integration.core.store import PullStore


class Source:
	"""What one job knows about one server. `clock` gives aware UTC; `site_zone` is the zone in which check-ins are written.

	ids_came: has the feed by position brought anything in this job? None where it was not asked.
	"""

	def __init__(
		self,
		store: PullStore,
		connector: Connector,
		config: ServerConfig,
		clock: Callable[[], datetime],
		site_zone: str,
		kept_from: date | None = None,
	):
		self.connector = connector
		self.config = config
		self.ids_came: bool | None = None
		self._store = store
		self._clock = clock
		self._site_zone = site_zone
		self._kept_from = kept_from
		self._zone = config.time_zone or site_zone
		self._book: DeviceBook | None = None
		self._listed: list[ListedDevice] = []
		self._relisted = False

	def now(self) -> datetime:
		"""Naive wall clock of the server."""
		return wall_clock(self._clock(), self._zone)

	def read_to(self, end: datetime, server_time: datetime | None) -> datetime:
		"""Nothing is read beyond the `Date` (aware UTC) of the answer."""
		return min(end, wall_clock(server_time, self._zone)) if server_time else end

	def open(self) -> None:
		"""Learn the devices, once a job; raises SyncError."""
		if self._book is None:
			self._learn()

	def _learn(self) -> DeviceBook:
		known = self._store.devices(self.config.server_id)
		if self.connector.lists_devices:
			self._listed = [devices.shown(entry) for entry in self.connector.list_devices()]
			if found := devices.changes(known, self._listed, self.config.server_id):
				self._store.change_devices(self.config.server_id, found)
				known = self._store.devices(self.config.server_id)
		self._book = DeviceBook(known, self._listed, self.config.server_id)
		return self._book

	def punches(
		self, unit: str, rows: Sequence[Record | Unreadable], known_to: int | None = None
	) -> list[Punch]:
		"""The rows as they are kept, each with the device it is from. known_to: rows with a greater log id were never here."""
		rows = shown_rows(rows)
		find = self._book_for(rows).find
		stamp = Stamp(
			self.config.server_id,
			self._zone,
			self._site_zone,
			wall_clock(self._clock(), self._site_zone),
			self._kept_from,
		)
		return [
			punch_of(row, find(row), stamp, known_to)
			if isinstance(row, Record)
			else unreadable_punch(row, stamp.server, unit, stamp.arrived)
			for row in rows
		]

	def _book_for(self, rows: Iterable[Record | Unreadable]) -> DeviceBook:
		"""Knows the devices of all rows: for those nobody has seen the server is asked once more, then each name gets a placeholder."""
		book = self._book or self._learn()
		missing = _missing(book, rows)
		if missing and self.connector.lists_devices and not self._relisted:
			self._relisted = True
			book = self._learn()
			missing = _missing(book, rows)
		if missing:
			self._store.change_devices(self.config.server_id, missing)
			known = self._store.devices(self.config.server_id)
			book = self._book = DeviceBook(known, self._listed, self.config.server_id)
		return book

	def take_requests(self) -> list[RequestTrace]:
		"""The traces of the requests since the last call."""
		taken = list(self.connector.requests)
		self.connector.requests.clear()
		return taken


class Stamp(NamedTuple):
	"""What rows that come together have in common.

	server, zone: of rows of which no device is known, or one that names none. site_zone: in which check-ins are written. arrived: naive, the site's clock.
	kept_from: staged punches from before this day may have been deleted.
	"""

	server: str
	zone: str
	site_zone: str
	arrived: datetime
	kept_from: date | None = None


def punch_of(row: Record, device: Device | None, stamp: Stamp, known_to: int | None = None) -> Punch:
	"""The row as it is kept, whichever way it came: the name is made of the home of its device, and so is its time."""
	key, server, zone = (device.key, device.server, device.zone) if device else ("", "", "")
	return Punch(
		fingerprint(server or stamp.server, key, row.user_id, row.source_time),
		row.kind,
		key,
		row.user_id,
		row.source_time,
		to_site(row.source_time, zone or stamp.zone, stamp.site_zone),
		row.direction,
		row.raw,
		row.log_id,
		row.verify_mode,
		barred=stamp.kept_from if _is_barred(row, stamp.kept_from, known_to) else None,
		arrived=stamp.arrived,
	)


def _is_barred(row: Record, kept_from: date | None, known_to: int | None) -> bool:
	"""Not what a clock that had lost its time has stamped: it is as new as any, and a person has to see it."""
	if kept_from is None or row.kind is not Kind.PUNCH or row.source_time.date() >= kept_from:
		return False
	is_new = known_to is not None and row.log_id is not None and row.log_id > known_to
	long_before = is_long_before(row.source_time, datetime.combine(kept_from, time()))
	return row.source_time >= RESET_END and not (is_new and long_before)


def unreadable_punch(row: Unreadable, server: str, unit: str, arrived: datetime, device: str = "") -> Punch:
	"""A row that could not be read, as it is kept: its name is made of where it came from and its text."""
	name = unreadable_fingerprint(server, unit, row.raw)
	return Punch(
		name,
		Kind.INVALID,
		device,
		"",
		None,
		None,
		Direction.NONE,
		row.raw,
		row.log_id,
		problem=row.problem,
		arrived=arrived,
	)


def _missing(book: DeviceBook, rows: Iterable[Record | Unreadable]) -> list[DeviceChange]:
	found: dict[tuple[str, str, str], DeviceChange] = {}
	for row in rows:
		if isinstance(row, Record) and book.find(row) is None:
			change = book.unknown((row.device_name or row.serial, row.location))
			name, location = change.pair
			found[row.serial, name, location] = replace(change, serial=row.serial)
	return list(found.values())
