"""What the fake servers have in common: HTTP, SOAP, login, faults, a record of the requests."""

from __future__ import annotations

import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import ClassVar, TypeVar
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from . import soap
from .answers import (
	BOMB,
	BOMB_FUSE,
	DAMAGE,
	HTML,
	PAGES,
	Answer,
	echo_page,
	help_page,
	not_found,
	soap_answer,
)
from .faults import Fault, FaultKind, FaultPlan, Hits
from .port import HOST, Incoming, Port
from .soap import Call, Element
from .world import World

SOAP11_TYPE = "text/xml"
SOAP12_TYPE = "application/soap+xml"


@dataclass(frozen=True)
class Request:
	"""A request that arrived. `operation` is the SOAP operation, or method and target of any other request.

	`arguments` is what was sent, without passwords; `at` is the naive server wall clock.
	"""

	operation: str
	arguments: Mapping[str, str]
	at: datetime


_Server = TypeVar("_Server", bound="FakeServer")


class FakeServer(ABC):
	"""An attendance server on 127.0.0.1. Use it as a context manager, or call start() and stop().

	`port` 0 takes a free one, which is kept over stop() and start(). Paths are compared without regard to
	case, as IIS does. `missing_operations` are those that this build of the product does not have.
	"""

	service: ClassVar[str]
	login: ClassVar[tuple[str, str]]
	error_text: ClassVar[str]

	def __init__(
		self,
		world: World,
		*,
		user: str,
		password: str,
		port: int,
		paths: Sequence[str],
		operations: soap.Operations,
		missing_operations: Collection[str],
		has_wsdl: bool,
	) -> None:
		self.world = world
		self.user = user
		self.password = password
		self.path = paths[0]
		self.operations = {
			name: elements for name, elements in operations.items() if name not in missing_operations
		}
		self.requests: list[Request] = []
		self.faults = FaultPlan(self._follow_plan)
		self._paths = frozenset(path.lower() for path in paths)
		self._has_wsdl = has_wsdl
		self._port = Port(self, port)
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
		return f"http://{HOST}:{self.port}"

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
		call = read if isinstance(read, Call) else None
		self._record(incoming, call)
		hits = self.faults.take(call.operation, call.arguments) if call else self.faults.take(None)
		if FaultKind.HANG in hits:
			self.pause(hits[FaultKind.HANG]["seconds"])
		if FaultKind.ID_RESET in hits:
			self.world.reset_ids(hits[FaultKind.ID_RESET]["keep_rows"])
		return self._faulty(read, hits), hits

	# -- reading -------------------------------------------------------------------------------------------

	def _read(self, incoming: Incoming) -> Call | Answer:
		"""The call, or the answer to a request that is none."""
		target = urlsplit(incoming.target)
		if target.path.lower() not in self._paths:
			return not_found(target.path)
		if incoming.method == "GET":
			return self._shown(target.query)
		media_type = incoming.content_type.partition(";")[0].strip().lower()
		if media_type not in (SOAP11_TYPE, SOAP12_TYPE):
			return Answer(b"", 415, HTML)
		return self._read_soap(incoming, is_soap12=media_type == SOAP12_TYPE)

	def _read_soap(self, incoming: Incoming, *, is_soap12: bool) -> Call | Answer:
		try:
			call = soap.read_call(incoming.body, is_soap12=is_soap12)
		except soap.UnreadableRequest as error:
			return _fault(f"Server was unable to read request. ---> {error}", is_soap12=is_soap12)
		# Some clients send no SOAPAction (essl-protocol §1.2); in SOAP 1.2 it is no header of its own.
		action = "" if is_soap12 else incoming.soap_action.strip().strip('"')
		if call.operation not in self.operations or action not in ("", soap.NAMESPACE + call.operation):
			named = action or call.operation
			text = f"Server did not recognize the value of HTTP Header SOAPAction: {named}."
			return _fault(text, is_soap12=is_soap12)
		return call

	def _shown(self, query: str) -> Answer:
		if self._has_wsdl and query.lower() == "wsdl":
			return Answer(soap.wsdl(self.service, self.operations).encode())
		return help_page(self.service, list(self.operations))

	def _record(self, incoming: Incoming, call: Call | None) -> None:
		operation = call.operation if call else f"{incoming.method} {incoming.target}"
		arguments = {
			name: value
			for name, value in (call.arguments if call else {}).items()
			if "password" not in name.lower()
		}
		self.requests.append(Request(operation, arguments, self.world.now))

	# -- answering -----------------------------------------------------------------------------------------

	def _faulty(self, read: Call | Answer, hits: Hits) -> Answer:
		for kind, fault in hits.items():
			if kind in PAGES:
				return PAGES[kind](fault)
		answer = read if isinstance(read, Answer) else self._replaced(read, hits) or self._answer(read, hits)
		for kind, fault in hits.items():
			if kind in DAMAGE:
				answer = DAMAGE[kind](answer, fault)
		return answer

	def _answer(self, call: Call, hits: Hits) -> Answer:
		text = soap.response(call.operation, self._elements(call, hits), is_soap12=call.is_soap12)
		return soap_answer(text, is_soap12=call.is_soap12)

	def _replaced(self, call: Call, hits: Hits) -> Answer | None:
		if FaultKind.HTTP_500_FAULT in hits:
			return _fault(hits[FaultKind.HTTP_500_FAULT]["text"], is_soap12=call.is_soap12)
		if FaultKind.EMPTY_RESULT in hits:
			return self._saying(call, "")
		if FaultKind.ERROR_TEXT in hits:
			text = hits[FaultKind.ERROR_TEXT]["text"]
			return self._saying(call, escape(self.error_text if text is None else text))
		if FaultKind.ENTITY_BOMB in hits:
			harmless = self._saying(call, BOMB_FUSE)
			prolog = soap.PROLOG.encode()
			return Answer(harmless.body.replace(prolog, prolog + BOMB.encode()), 200, harmless.content_type)
		if FaultKind.ECHO_PASSWORD in hits:
			return self._echo(call, hits[FaultKind.ECHO_PASSWORD])
		return None

	def _echo(self, call: Call, fault: Fault) -> Answer:
		if fault["form"] == "html":
			return echo_page(call.body, fault["status"])
		text = f"Invalid request: {call.body.decode(errors='replace')}"
		if fault["form"] == "fault":
			return _fault(text, is_soap12=call.is_soap12, status=fault["status"])
		return self._saying(call, escape(text))

	def _saying(self, call: Call, text: str) -> Answer:
		"""An answer whose result is `text`, which is escaped already."""
		elements = self._text_elements(call.operation, text)
		content = soap.response(call.operation, elements, is_soap12=call.is_soap12)
		return soap_answer(content, is_soap12=call.is_soap12)

	def _text_elements(self, operation: str, text: str) -> list[Element]:
		return [(f"{operation}Result", text)]

	def _is_allowed(self, call: Call) -> bool:
		given = tuple(call.arguments.get(name) for name in self.login)
		return given == (self.user, self.password)

	@abstractmethod
	def _elements(self, call: Call, hits: Hits) -> list[Element]:
		"""The content of the answer to a call."""


def _fault(text: str, *, is_soap12: bool, status: int = 500) -> Answer:
	return soap_answer(soap.fault(text, is_soap12=is_soap12), is_soap12=is_soap12, status=status)
