"""What the fake servers have in common: HTTP, faults, a record of the requests. What is said is in `soap_server` and `rest_server`."""

from __future__ import annotations

import socket
import ssl
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import ClassVar, Generic, Protocol, TypeVar

from .answers import DAMAGE, PAGES, Answer
from .faults import FaultKind, FaultPlan, Hits
from .port import HOST, Incoming, Port
from .world import World


@dataclass(frozen=True)
class Request:
	"""A request that arrived. `operation` is what the product calls it, or method and target of any other request.

	`arguments` is what was sent, without passwords; `at` is the naive server wall clock. `target`: path and query.
	"""

	operation: str
	arguments: Mapping[str, str]
	at: datetime
	target: str = ""


class Asked(Protocol):
	"""A request that the server understands."""

	@property
	def operation(self) -> str: ...

	@property
	def arguments(self) -> Mapping[str, str]: ...


AnyCall = TypeVar("AnyCall", bound=Asked)
_Server = TypeVar("_Server", bound="FakeServer")  # type: ignore[type-arg]


class FakeServer(ABC, Generic[AnyCall]):
	"""An attendance server on 127.0.0.1. Use it as a context manager, or call start() and stop().

	`error_text` is how the product says that it failed, `broken_row` the text of a raw row that no reader of it understands;
	`hidden` are the options with which its service is where nobody looks for it.
	`tls`: the certificate with which it speaks https. `port` 0 takes a free one, which is kept over stop() and start(). `path` is where its service is, or "".
	`after_each` is called after each answer was made, before it is sent: what happens at the server while
	somebody reads page after page.
	"""

	error_text: ClassVar[str]
	broken_row: ClassVar[str]
	hidden: ClassVar[Mapping[str, str]]
	software: str = "Microsoft-IIS/10.0"

	def __init__(
		self,
		world: World,
		*,
		user: str,
		password: str,
		port: int,
		path: str,
		tls: ssl.SSLContext | None = None,
	) -> None:
		self.world = world
		self.user = user
		self.password = password
		self.path = path
		self.requests: list[Request] = []
		self.faults = FaultPlan(self._follow_plan)
		self.after_each: Callable[[Request], None] = lambda _: None
		self._port = Port(self, port, tls)
		self._stopped = threading.Event()

	# -- life ----------------------------------------------------------------------------------------------

	def start(self) -> None:
		self._stopped = threading.Event()
		self._port.open()
		self._follow_plan()

	def stop(self) -> None:
		"""Closes the port and all connections, also those that hang."""
		self._stopped.set()
		self._port.close()

	def __enter__(self: _Server) -> _Server:
		self.start()
		return self

	def __exit__(
		self,
		kind: type[BaseException] | None,
		error: BaseException | None,
		traceback: TracebackType | None,
	) -> None:
		self.stop()

	@property
	def port(self) -> int:
		"""0 before the first start, if none was given."""
		return self._port.number

	@property
	def url(self) -> str:
		"""The base URL, without a slash at the end."""
		return f"{'https' if self._port.tls else 'http'}://{HOST}:{self.port}"

	@property
	def endpoint(self) -> str:
		"""The URL of the service."""
		return self.url + self.path

	def _follow_plan(self) -> None:
		if self.faults.is_refusing:
			self._port.deafen()
		else:
			self._port.listen()

	# -- what the port asks --------------------------------------------------------------------------------

	def utc_now(self) -> datetime:
		return self.world.utc_now

	def deafen(self, except_for: socket.socket) -> None:
		self._port.deafen(except_for)

	def pause(self, seconds: float) -> None:
		if self._stopped.wait(seconds):
			raise ConnectionAbortedError("the server was stopped")

	def reply(self, incoming: Incoming) -> tuple[Answer, Hits]:
		read = self._read(incoming)
		call = None if isinstance(read, Answer) else read
		request = self._record(incoming, call)
		hits = self.faults.take(call.operation, call.arguments) if call else self.faults.take(None)
		if FaultKind.HANG in hits:
			self.pause(hits[FaultKind.HANG]["seconds"])
		if FaultKind.ID_RESET in hits:
			self.world.reset_ids(hits[FaultKind.ID_RESET]["keep_rows"])
		answer = self._faulty(read, hits)
		self.after_each(request)
		return answer, hits

	def _record(self, incoming: Incoming, call: AnyCall | None) -> Request:
		operation = call.operation if call else f"{incoming.method} {incoming.target}"
		arguments = {
			name: value
			for name, value in (call.arguments if call else {}).items()
			if "password" not in name.lower()
		}
		request = Request(operation, arguments, self.world.now, incoming.target)
		self.requests.append(request)
		return request

	def _faulty(self, read: AnyCall | Answer, hits: Hits) -> Answer:
		for kind, fault in hits.items():
			if kind in PAGES:
				return PAGES[kind](fault)
		answer = read if isinstance(read, Answer) else self._replaced(read, hits) or self._answer(read, hits)
		for kind, fault in hits.items():
			if kind in DAMAGE:
				answer = DAMAGE[kind](answer, fault)
		return answer

	# -- what a product says -------------------------------------------------------------------------------

	@abstractmethod
	def _read(self, incoming: Incoming) -> AnyCall | Answer:
		"""What is asked, or the answer to a request that asks for nothing."""

	@abstractmethod
	def _answer(self, call: AnyCall, hits: Hits) -> Answer:
		"""The right answer to what is asked."""

	@abstractmethod
	def _replaced(self, call: AnyCall, hits: Hits) -> Answer | None:
		"""The words of this product for the faults that stand in place of a right answer."""
