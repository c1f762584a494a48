"""What can go wrong between a server and its client, as a plan that tests write."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from random import Random
from types import MappingProxyType
from typing import Any, TypeVar

AnyRow = TypeVar("AnyRow")


class FaultKind(Enum):
	"""The failures. Their details and defaults are in `DETAILS`."""

	REFUSE = "refuse"
	RESET = "reset"
	HANG = "hang"
	SLOW_DRIP = "slow drip"
	HTTP_500_FAULT = "http 500 fault"
	HTTP_500_HTML = "http 500 html"
	HTML_200 = "html 200"
	REDIRECT = "redirect"
	EMPTY_BODY = "empty body"
	EMPTY_RESULT = "empty result"
	ERROR_TEXT = "error text"
	TRUNCATED = "truncated"
	CUT_BODY = "cut body"
	GARBAGE_BYTES = "garbage bytes"
	WRONG_ENCODING = "wrong encoding"
	DUPLICATE_ROWS = "duplicate rows"
	SHUFFLED = "shuffled"
	ENTITY_BOMB = "entity bomb"
	ECHO_PASSWORD = "echo password"
	CLOCK = "clock"
	ID_RESET = "id reset"


DETAILS: Mapping[FaultKind, Mapping[str, Any]] = {
	# Seconds before the answer goes on; stop() ends the wait.
	FaultKind.HANG: {"seconds": 30.0},
	# `chunk` bytes, then `pause` seconds, and so on.
	FaultKind.SLOW_DRIP: {"chunk": 16, "pause": 0.05},
	FaultKind.HTTP_500_FAULT: {"text": "Server was unable to process request. ---> Timeout expired."},
	FaultKind.REDIRECT: {"location": "/login.aspx", "status": 302},
	# None: what the product says (`error` for eBioServer).
	FaultKind.ERROR_TEXT: {"text": None},
	# Rows that remain; None: half of them.
	FaultKind.TRUNCATED: {"keep": None},
	# Bytes that remain; None: half of them.
	FaultKind.CUT_BODY: {"keep": None},
	FaultKind.GARBAGE_BYTES: {"data": b"\xff\xfe\x00\x80\xc3\x28"},
	FaultKind.WRONG_ENCODING: {"encoding": "utf-16"},
	FaultKind.SHUFFLED: {"seed": 0},
	# "html": a page; "fault": a SOAP fault, or an error in JSON; "text": the result of the operation (always HTTP 200).
	FaultKind.ECHO_PASSWORD: {"form": "html", "status": 500},
	FaultKind.CLOCK: {"seconds": 0},
	FaultKind.ID_RESET: {"keep_rows": True},
}
# These change an answer and go together with each other; of all others a request takes one at most.
COMBINABLE = frozenset(
	{
		FaultKind.HANG,
		FaultKind.SLOW_DRIP,
		FaultKind.TRUNCATED,
		FaultKind.DUPLICATE_ROWS,
		FaultKind.SHUFFLED,
		FaultKind.CLOCK,
		FaultKind.ID_RESET,
	}
)
# These need no operation, so they hit help pages and `?WSDL` as well.
ANY_REQUEST = frozenset(
	{
		FaultKind.REFUSE,
		FaultKind.RESET,
		FaultKind.HANG,
		FaultKind.SLOW_DRIP,
		FaultKind.HTTP_500_HTML,
		FaultKind.HTML_200,
		FaultKind.REDIRECT,
		FaultKind.EMPTY_BODY,
		FaultKind.CUT_BODY,
		FaultKind.CLOCK,
	}
)


@dataclass(frozen=True, init=False)
class Fault:
	"""One failure: `times` requests have it (None: all, until cleared), after `after` were let pass.

	`operation` limits it, its counting included, to one operation, `where` to calls with these arguments. REFUSE lasts until it is cleared
	whatever `times` says, as a connection that was refused cannot be counted.
	"""

	kind: FaultKind
	times: int | None
	operation: str | None
	after: int
	where: Mapping[str, str]
	details: Mapping[str, Any]

	def __init__(
		self,
		kind: FaultKind,
		times: int | None = 1,
		operation: str | None = None,
		after: int = 0,
		where: Mapping[str, str] | None = None,
		**details: Any,
	) -> None:
		known = DETAILS.get(kind, {})
		if unknown := set(details) - set(known):
			raise TypeError(f"{kind.name} has no {', '.join(sorted(unknown))}")
		for name, value in (("kind", kind), ("times", times), ("operation", operation), ("after", after)):
			object.__setattr__(self, name, value)
		object.__setattr__(self, "where", dict(where or {}))
		object.__setattr__(self, "details", {**known, **details})

	def __getitem__(self, detail: str) -> Any:
		return self.details[detail]


Hits = Mapping[FaultKind, Fault]


class FaultPlan:
	"""The faults a server still has before it. Thread-safe.

	Faults that replace an answer form a queue: each request takes the first that is due. Combinable ones
	(`COMBINABLE`) hit together with them and with each other, one of each kind per request.
	"""

	def __init__(self, on_change: Callable[[], None] = lambda: None) -> None:
		self._armed: list[_Armed] = []
		self._lock = threading.Lock()
		self._on_change = on_change

	def add(self, *faults: Fault) -> None:
		with self._lock:
			self._armed += [_Armed(fault) for fault in faults]
		self._on_change()

	def clear(self) -> None:
		"""Forgets all faults. A refusing server listens again when this returns."""
		with self._lock:
			self._armed.clear()
		self._on_change()

	@property
	def is_refusing(self) -> bool:
		with self._lock:
			return any(armed.fault.kind is FaultKind.REFUSE and not armed.passing for armed in self._armed)

	def take(self, operation: str | None, arguments: Mapping[str, str] = MappingProxyType({})) -> Hits:
		"""The faults of this request, which uses them up. `operation` is None if it asks for none that the server has."""
		hits: dict[FaultKind, Fault] = {}
		groups: set[FaultKind | None] = set()
		with self._lock:
			for armed in self._armed:
				if armed.lets_pass(operation, arguments) or armed.group in groups:
					continue
				groups.add(armed.group)
				hits[armed.fault.kind] = armed.use()
			self._armed = [armed for armed in self._armed if armed.remaining != 0]
		return hits


class _Armed:
	"""A fault and how much of it is left."""

	def __init__(self, fault: Fault) -> None:
		self.fault = fault
		self.remaining = fault.times
		self.passing = fault.after

	@property
	def group(self) -> FaultKind | None:
		return self.fault.kind if self.fault.kind in COMBINABLE else None

	def lets_pass(self, operation: str | None, arguments: Mapping[str, str]) -> bool:
		if not self._concerns(operation, arguments):
			return True
		if self.passing:
			self.passing -= 1
			return True
		return self.fault.kind is FaultKind.REFUSE

	def _concerns(self, operation: str | None, arguments: Mapping[str, str]) -> bool:
		if operation is None and self.fault.kind not in ANY_REQUEST:
			return False
		is_meant = all(arguments.get(name) == value for name, value in self.fault.where.items())
		return is_meant and self.fault.operation in (None, operation)

	def use(self) -> Fault:
		if self.remaining is not None:
			self.remaining -= 1
		return self.fault


def disorder(rows: list[AnyRow], hits: Hits) -> list[AnyRow]:
	"""The rows as DUPLICATE_ROWS and SHUFFLED leave them."""
	if FaultKind.DUPLICATE_ROWS in hits:
		rows = [row for row in rows for _ in range(2)]
	if FaultKind.SHUFFLED in hits:
		rows = _shuffled(rows, hits[FaultKind.SHUFFLED]["seed"])
	return rows


def truncate(rows: list[AnyRow], hits: Hits) -> list[AnyRow]:
	"""The rows as TRUNCATED leaves them: the server knew of more."""
	if FaultKind.TRUNCATED not in hits:
		return rows
	keep = hits[FaultKind.TRUNCATED]["keep"]
	return rows[: len(rows) // 2 if keep is None else keep]


def _shuffled(rows: list[AnyRow], seed: int) -> list[AnyRow]:
	shuffled = list(rows)
	Random(seed).shuffle(shuffled)
	return shuffled if shuffled != rows else shuffled[::-1]
