"""What the engine needs from a connector: the words both sides share. Connectors live in `connectors/`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Protocol, runtime_checkable

from biometric_integration.core.punch import Record, Unreadable
from biometric_integration.core.window import Window


class Unit(str, Enum):
	"""What one request reads."""

	DEVICE = "device"
	LOCATION = "location"
	SERVER = "server"

	def only(self, config: ServerConfig) -> str | None:
		"""The one unit of a server that is not read device by device: its location, or nothing for the whole of it. None where each device is one."""
		name = ONLY_UNIT[self]
		return name and name(config)


@dataclass(frozen=True)
class Feed:
	"""One way to read a server. A feed with `by_position` is read after a growing log id, any other by windows of time."""

	name: str
	by_position: bool = False


@dataclass(frozen=True)
class ServerConfig:
	"""How to reach a server. `server_id` is set once and never changes; `time_zone` is an IANA name.

	`memory` holds what was found out about the server (path, dialect, date format); the connector updates it, the host
	keeps it between runs. The password never shows in `repr`.
	"""

	server_id: str
	server_type: str
	endpoint_url: str
	user: str = ""
	password: str = field(default="", repr=False)
	location: str = ""
	time_zone: str = ""
	verify_tls: bool = True
	ca_certificate: str = field(default="", repr=False)
	timeout: int = 30
	memory: dict[str, Any] = field(default_factory=dict, repr=False)


ONLY_UNIT: Mapping[Unit, Callable[[ServerConfig], str] | None] = {
	Unit.DEVICE: None,
	Unit.LOCATION: lambda config: config.location,
	Unit.SERVER: lambda config: "",
}


@dataclass(frozen=True)
class ListedDevice:
	"""A device as the server lists it."""

	serial: str
	device_name: str
	location: str


@dataclass
class RequestTrace:
	"""One request, for the log. `at` is aware UTC, `duration_ms` milliseconds, `size` bytes of the answer, `rows` as read.

	`server_message` is the server's own words, `excerpt` the beginning of an answer that was not understood; both are redacted.
	"""

	operation: str
	at: datetime
	window: Window | None = None
	http_status: int | None = None
	duration_ms: int = 0
	size: int = 0
	rows: int = 0
	server_message: str = ""
	excerpt: str = ""


class Page(Protocol):
	"""One answer. The rows come lazily and once; the attributes are final when the last row has been taken.

	declared: how many rows the server says it sent; None where it does not say.
	confirmed: False for an empty answer that may as well be a silent failure.
	server_time: the server's `Date`, aware UTC; None where it sent none.
	"""

	declared: int | None
	confirmed: bool
	server_time: datetime | None

	def __iter__(self) -> Iterator[Record | Unreadable]: ...


@dataclass(frozen=True)
class Step:
	"""One step of a connection test. `ok` is None for a step that was not tried; `fix` says what to do about a failure, `error_class` what kind of one it is."""

	step: str
	ok: bool | None
	message: str
	fix: str = ""
	error_class: str = ""


class Connector(Protocol):
	"""A server type. Everything raises `SyncError` classes only; "no data" is an empty page, never an error.

	requests: the traces of all requests so far, oldest first; the engine takes them off.
	"""

	unit: Unit
	feeds: Sequence[Feed]
	lists_devices: bool
	requests: list[RequestTrace]

	def list_devices(self) -> list[ListedDevice]:
		"""What the server knows; only called where `lists_devices`."""
		...

	def slices(self, window: Window) -> Iterable[Window]:
		"""The pieces in which a window is asked for, oldest first."""
		...

	def read_window(self, unit: str, window: Window) -> Page:
		"""Punches of a time window, for feeds read by window. May hold rows from outside it; never leaves one of it out. It may end up to a day ahead.

		Only for a window that is longer than its slices, a look for what may be there, "no rows" may also stand for a refusal.
		"""
		...

	def read_after(self, unit: str, position: int, limit: int) -> Page:
		"""Up to `limit` rows with ids after (on some builds from) `position`, for feeds read by position."""
		...

	def test(self, unit: str = "") -> Iterator[Step]:
		"""Go step by step: name, TCP, HTTP, login, operation, parse. Later steps are still named after a failure.

		`unit` is what the last two steps read; without one they do what can be done.
		"""
		...

	def close(self) -> None: ...


@runtime_checkable
class TellsPings(Protocol):
	"""What a connector can besides, whose server knows when it last heard of a device. lists_pings: it is asked once for all of them."""

	lists_pings: bool

	def last_ping(self, serial: str) -> datetime | None:
		"""Naive wall clock of the server, to the second; None where that is not known, or not certain. Raises `SyncError` classes only."""
		...


@runtime_checkable
class TellsArrivals(Protocol):
	"""What a connector can besides, whose server knows when each row reached it, and can list the latest first."""

	def read_arrivals(self, unit: str) -> Page | None:
		"""The rows that reached the server since those that were kept before, whatever time they show; others do no harm. The first time none.

		None where this server is known not to do that. `confirmed` is False where it turned out not to, or it remains uncertain. Raises
		`SyncError` classes only.
		"""
		...

	def keep_arrivals(self) -> None:
		"""What was read last is kept: the next reading begins there, by the server's own clock."""
		...


@runtime_checkable
class CountsRows(Protocol):
	"""What a connector can besides, whose server counts the rows of a stretch of time for the price of one."""

	def count(self, unit: str, window: Window) -> int | None:
		"""How many rows the server has in the window; None where it does not say. Raises `SyncError` classes only."""
		...

	def settled(self, window: Window) -> int | None:
		"""The count with which this window was read last, where it brought nothing new; None where that is not known."""
		...

	def settle(self, window: Window, count: int) -> None:
		"""The window was read and brought nothing new, though the server counts more than is here. Kept for some weeks."""
		...


@runtime_checkable
class ReadsSideBySide(Protocol):
	"""What a connector can besides, whose server may be asked several things at once."""

	def another(self) -> Connector:
		"""One more to the same server, for requests from another thread at the same time. It has traces of its own and shares `config.memory`.

		`close`, of this one and of the other, may be called from another thread: the request that is under way ends with an error.
		"""
		...
