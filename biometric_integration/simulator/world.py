"""The truth that the fake servers tell: devices, people, punches and the time it is at the server."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from heapq import heappop, heappush
from operator import attrgetter
from typing import TypeVar
from zoneinfo import ZoneInfo

from .sample import fill

DIRECTIONS = frozenset({"in", "out", "", "inout"})
# Real tables have holes (deleted rows, rolled back inserts): after every seventh row some ids are left out.
ROWS_BETWEEN_GAPS = 7
GAP = 3

_by_time = attrgetter("time")
_by_id = attrgetter("log_id")


@dataclass(frozen=True)
class SimDevice:
	"""A terminal as the server lists it. `direction` is how it was set up; it is on no wire."""

	serial: str
	name: str
	location: str = "HO"
	direction: str = ""


@dataclass(frozen=True)
class SimPunch:
	"""One row of the server's log. `time` and `received` are naive server wall clock, to the second.

	`log_id` is given by the server when it receives the row: it is 0 as long as `received` lies ahead.
	"""

	log_id: int
	serial: str
	code: str
	time: datetime
	direction: str
	received: datetime


@dataclass(frozen=True)
class SimJunk(SimPunch):
	"""An eBioServer row that looks like a punch and is none: `code` is its text (essl-protocol §3.1)."""


@dataclass(frozen=True)
class SimRaw(SimPunch):
	"""A row whose text (`code`) is sent as it is; `with_id` puts the log id before it in the id feed."""

	with_id: bool = True


@dataclass(frozen=True)
class SimManual(SimPunch):
	"""A punch of no device, entered by hand or in the product's app: `serial` is empty. eSSL's products show no such rows."""


_Row = TypeVar("_Row", bound=SimPunch)
# When it is received, the order of calls, and the row once its id is known.
_Waiting = tuple[datetime, int, Callable[[int], SimPunch]]


class World:
	"""Truth: devices, people, punches and a clock. Thread-safe.

	The server numbers a row when it receives it. A row whose `received` lies ahead waits and is numbered, in
	the order of `received`, when the clock gets there; one received by now is numbered in the order of calls.
	"""

	def __init__(self, now: datetime | None, zone: str = "Asia/Kolkata", *, first_id: int = 1) -> None:
		"""`now` is naive server wall clock in `zone`; None lets the clock run with the real time."""
		self.zone = ZoneInfo(zone)
		self.devices: list[SimDevice] = []
		self.employees: list[str] = []
		self._now = now
		self._lock = threading.RLock()
		self._known: dict[str, SimDevice] = {}
		self._codes: set[str] = set()
		self._pings: dict[str, datetime] = {}
		self._pending: list[_Waiting] = []
		self._calls = 0
		self._forget_rows(first_id)

	@classmethod
	def sample(
		cls,
		*,
		seed: int = 1,
		employees: int = 50,
		devices: int = 4,
		first_day: date,
		days: int = 7,
		zone: str = "Asia/Kolkata",
	) -> World:
		"""A deterministic company: see `sample.fill`. The clock stands at noon of the day after the last."""
		world = cls(datetime(first_day.year, first_day.month, first_day.day), zone)
		fill(world, seed=seed, employees=employees, devices=devices, first_day=first_day, days=days)
		world.now += timedelta(days=days, hours=12)
		return world

	# -- clock ---------------------------------------------------------------------------------------------

	@property
	def now(self) -> datetime:
		"""The time it is at the server: naive wall clock in `zone`, to the second."""
		return self._now or datetime.now(self.zone).replace(tzinfo=None, microsecond=0)

	@now.setter
	def now(self, value: datetime) -> None:
		with self._lock:
			self._now = value
			self._receive_due()

	@property
	def utc_now(self) -> datetime:
		"""The same instant, aware, in UTC: what a `Date` header says."""
		return self.now.replace(tzinfo=self.zone).astimezone(timezone.utc)

	# -- devices -------------------------------------------------------------------------------------------

	def add_device(self, serial: str, name: str, location: str = "HO", direction: str = "") -> SimDevice:
		device = SimDevice(serial, name, location, direction)
		with self._lock:
			if any(listed.serial == serial for listed in self.devices):
				raise ValueError(f"device {serial} exists")
			self.devices.append(device)
			self._known[serial] = device
		return device

	def rename_device(self, serial: str, name: str | None = None, location: str | None = None) -> None:
		"""All rows of the serial show the new pair from now on: the server joins names when it is asked."""
		with self._lock:
			old = self._known[serial]
			new = replace(
				old,
				name=old.name if name is None else name,
				location=old.location if location is None else location,
			)
			self._known[serial] = new
			self.devices[:] = [new if device.serial == serial else device for device in self.devices]

	def remove_device(self, serial: str) -> None:
		"""The device leaves the device list; its rows stay, with the last name and location they had."""
		with self._lock:
			self.devices[:] = [device for device in self.devices if device.serial != serial]

	def device(self, serial: str) -> SimDevice:
		"""The device as its rows show it, also after it was removed. Raises KeyError for a stranger."""
		return self._known[serial]

	def is_listed(self, serial: str) -> bool:
		return any(device.serial == serial for device in self.devices)

	def set_last_ping(self, serial: str, at: datetime | None) -> None:
		"""The device was last heard of at this server wall clock; None: it is online (the default)."""
		with self._lock:
			self._pings.pop(serial, None)
			if at is not None:
				self._pings[serial] = at

	def last_ping(self, serial: str) -> datetime:
		return self._pings.get(serial, self.now)

	# -- rows ----------------------------------------------------------------------------------------------

	def punch(
		self,
		serial: str,
		code: str,
		time: datetime,
		direction: str = "in",
		received: datetime | None = None,
	) -> SimPunch:
		"""A person punches at `time`; the server gets it at `received` (default: at once)."""
		if direction not in DIRECTIONS:
			raise ValueError(f"direction {direction!r}")
		at, got = _whole(time), _whole(received or time)
		with self._lock:
			row = self._send(serial, got, lambda log_id: SimPunch(log_id, serial, code, at, direction, got))
			self._meet(code)
			return row

	def junk(self, serial: str, text: str, time: datetime, received: datetime | None = None) -> SimJunk:
		"""A row of the eBioServer feed that is no punch: `OPLOG…`, `USER PIN=…`, a year before 2000.

		`text` stands where the employee code stands. eTimeTrackLite does not show such rows.
		"""
		at, got = _whole(time), _whole(received or time)
		return self._send(serial, got, lambda log_id: SimJunk(log_id, serial, text, at, "in", got))

	def manual_punch(
		self, code: str, time: datetime, direction: str = "in", received: datetime | None = None
	) -> SimManual:
		"""Somebody enters a punch at a desk or a phone (default: at its own time). It is in no `truth`, but in `manual`."""
		at, got = _whole(time), _whole(received or time)
		return self._receive(got, lambda log_id: SimManual(log_id, "", code, at, direction, got))

	def raw_row(
		self,
		serial: str,
		text: str,
		time: datetime,
		received: datetime | None = None,
		*,
		with_id: bool = True,
	) -> SimRaw:
		"""A row that cannot be parsed, sent as it is by both products where a row of that `time` stands.

		The id feed puts the log id and a comma before it, unless `with_id` is false.
		"""
		at, got = _whole(time), _whole(received or time)
		return self._send(serial, got, lambda log_id: SimRaw(log_id, serial, text, at, "", got, with_id))

	def reset_ids(self, keep_rows: bool = True) -> None:
		"""The server's database was set up anew: ids start again from 1.

		The rows the server had are numbered anew in the order of receipt or, without `keep_rows`, gone.
		"""
		with self._lock:
			self._receive_due()
			rows = sorted(self._rows, key=attrgetter("received", "log_id")) if keep_rows else []
			self._forget_rows(1)
			for row in rows:
				self._keep(replace(row, log_id=self._next_id))

	def lose_newest(self, count: int) -> None:
		"""The server's database was restored from a backup: its newest rows are gone, and their ids are given to others."""
		with self._lock:
			self._receive_due()
			kept = self._rows[: len(self._rows) - count]
			self._forget_rows(kept[0].log_id if kept else 1)
			for row in kept:
				self._next_id = row.log_id
				self._keep(row)

	def delete(self, *log_ids: int) -> None:
		"""Somebody deletes rows at the server; their ids are given to no others."""
		with self._lock:
			self._receive_due()
			kept, next_id = [row for row in self._rows if row.log_id not in log_ids], self._next_id
			self._forget_rows(next_id)
			for row in kept:
				self._place(row)

	# -- what the server can see ---------------------------------------------------------------------------

	def visible(self) -> list[SimPunch]:
		"""The punches (no junk, no raw rows) received by now, in the order of their ids."""
		return [row for row in self.after_id(0) if type(row) is SimPunch]

	def truth(self) -> set[tuple[str, datetime]]:
		"""(employee code, time) of all punches visible now; junk and raw rows are no punches."""
		return {(row.code, row.time) for row in self.visible()}

	def manual(self) -> set[tuple[str, datetime]]:
		"""(employee code, time) of all punches of no device visible now."""
		return {(row.code, row.time) for row in self.after_id(0) if isinstance(row, SimManual)}

	def between(self, start: datetime, end: datetime, serial: str | None = None) -> list[SimPunch]:
		"""Rows of all kinds with start ≤ time ≤ end, visible now, in the order of time."""
		with self._lock:
			self._receive_due()
			found = self._timelines[serial].between(start, end) if serial in self._timelines else []
			now = self.now
		return [row for row in found if row.received <= now]

	def after_id(self, log_id: int) -> Iterator[SimPunch]:
		"""Rows of all kinds with a greater id, visible now, in the order of ids."""
		with self._lock:
			self._receive_due()
			rows, now = self._rows, self.now
			first, end = bisect_right(rows, log_id, key=_by_id), len(rows)
		# The list only grows, and a reset replaces it: reading it by position needs no lock and no copy.
		return (row for row in map(rows.__getitem__, range(first, end)) if row.received <= now)

	# -- inside --------------------------------------------------------------------------------------------

	def _forget_rows(self, first_id: int) -> None:
		self._next_id = first_id
		self._rows: list[SimPunch] = []
		self._timelines: defaultdict[str | None, _Timeline] = defaultdict(_Timeline)

	def _meet(self, code: str) -> None:
		if code not in self._codes:
			self._codes.add(code)
			if code not in self.employees:
				self.employees.append(code)

	def _send(self, serial: str, received: datetime, numbered: Callable[[int], _Row]) -> _Row:
		"""`numbered` makes the row from its log id, which it may get only later."""
		if serial not in self._known:
			raise KeyError(f"no device {serial}")
		return self._receive(received, numbered)

	def _receive(self, received: datetime, numbered: Callable[[int], _Row]) -> _Row:
		with self._lock:
			self._receive_due()
			if received <= self.now:
				return self._keep(numbered(self._next_id))
			self._calls += 1
			waiting: _Waiting = (received, self._calls, numbered)
			heappush(self._pending, waiting)
			return numbered(0)

	def _receive_due(self) -> None:
		while self._pending and self._pending[0][0] <= self.now:
			self._keep(heappop(self._pending)[2](self._next_id))

	def _place(self, row: SimPunch) -> None:
		self._rows.append(row)
		self._timelines[None].add(row)
		self._timelines[row.serial].add(row)

	def _keep(self, row: _Row) -> _Row:
		self._place(row)
		self._next_id += 1 + (GAP if len(self._rows) % ROWS_BETWEEN_GAPS == 0 else 0)
		return row


class _Timeline:
	"""Rows found by their time. Sorted when read, as rows mostly arrive in order."""

	def __init__(self) -> None:
		self._rows: list[SimPunch] = []
		self._sorted = True

	def add(self, row: SimPunch) -> None:
		if self._rows and row.time < self._rows[-1].time:
			self._sorted = False
		self._rows.append(row)

	def between(self, start: datetime, end: datetime) -> list[SimPunch]:
		if not self._sorted:
			self._rows.sort(key=_by_time)
			self._sorted = True
		first = bisect_left(self._rows, start, key=_by_time)
		return self._rows[first : bisect_right(self._rows, end, key=_by_time)]


def _whole(time: datetime) -> datetime:
	if time.tzinfo is not None:
		raise ValueError("times are naive server wall clock")
	return time.replace(microsecond=0) if time.microsecond else time
