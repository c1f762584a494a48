"""What the fake servers have in common: HTTP, faults, a record of the requests. What is said is in `soap_server` and `rest_server`."""

from __future__ import annotations

import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Generic, Protocol, TypeVar

from .answers import DAMAGE, PAGES, Answer
from .faults import FaultKind, Hits
from .listening import Listening
from .port import Incoming
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


class FakeServer(Listening, ABC, Generic[AnyCall]):
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
		self.after_each: Callable[[Request], None] = lambda _: None
		self._prepare(port, tls)

	@property
	def endpoint(self) -> str:
		"""The URL of the service."""
		return self.url + self.path

	# -- what the port asks --------------------------------------------------------------------------------

	def utc_now(self) -> datetime:
		return self.world.utc_now

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
