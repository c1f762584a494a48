"""What the fake servers that speak JSON have in common: paths, queries and bodies, error bodies, and the faults in these words."""

from __future__ import annotations

import json
import ssl
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .answers import Answer, echo_page
from .faults import Fault, FaultKind, Hits
from .port import Incoming
from .server import FakeServer, Request
from .world import World

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
# A parser that goes down into each list runs out of stack.
DEEP = b"[" * 100_000 + b"]" * 100_000


@dataclass(frozen=True)
class Call:
	"""One request for a path that the server has. `arguments` is the query, and what the body says, as text.

	The names of `headers` are in small letters.
	"""

	operation: str
	arguments: Mapping[str, str]
	method: str
	target: str
	headers: Mapping[str, str] = field(repr=False)
	body: bytes = field(repr=False)

	@property
	def path(self) -> str:
		return urlsplit(self.target).path

	@property
	def query(self) -> dict[str, str]:
		return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))


class FakeRestServer(FakeServer[Call]):
	"""A product says which path is which operation (`routes`), and what it answers.

	`logins` are the operations that give a token. `changes` are the requests that would have changed something: with another
	method than GET, to anything but a path that ends as that of a login does (`login_paths`), whether it is there or not.
	"""

	def __init__(
		self,
		world: World,
		*,
		user: str,
		password: str,
		port: int,
		path: str,
		routes: Mapping[str, str],
		logins: frozenset[str],
		login_paths: tuple[str, ...],
		tls: ssl.SSLContext | None = None,
	) -> None:
		super().__init__(world, user=user, password=password, port=port, path=path, tls=tls)
		self.changes: list[Request] = []
		self._routes = routes
		self._logins = logins
		self._login_paths = login_paths

	# -- reading -------------------------------------------------------------------------------------------

	def _read(self, incoming: Incoming) -> Call | Answer:
		operation = self._routes.get(urlsplit(incoming.target).path)
		if operation is None:
			return self._elsewhere(incoming)
		call = Call(operation, {}, incoming.method, incoming.target, incoming.headers, incoming.body)
		return replace(call, arguments={**call.query, **_sent(incoming)})

	def _record(self, incoming: Incoming, call: Call | None) -> Request:
		request = super()._record(incoming, call)
		is_login = urlsplit(incoming.target).path.endswith(self._login_paths)
		if incoming.method != "GET" and not is_login:
			self.changes.append(request)
		return request

	# -- answering -----------------------------------------------------------------------------------------

	def _replaced(self, call: Call, hits: Hits) -> Answer | None:
		if FaultKind.HTTP_500_FAULT in hits:
			return failed(500, hits[FaultKind.HTTP_500_FAULT]["text"])
		if FaultKind.EMPTY_RESULT in hits:
			return self._saying(call, "")
		if FaultKind.ERROR_TEXT in hits:
			text = hits[FaultKind.ERROR_TEXT]["text"]
			return self._saying(call, self.error_text if text is None else text)
		if FaultKind.ENTITY_BOMB in hits:
			return Answer(DEEP, 200, JSON)
		if FaultKind.ECHO_PASSWORD in hits:
			return self._echo(call, hits[FaultKind.ECHO_PASSWORD])
		return None

	def _echo(self, call: Call, fault: Fault) -> Answer:
		"""The request in the answer, with the headers, where the token is."""
		head = "".join(f"{name}: {value}\n" for name, value in call.headers.items())
		request = f"{call.method} {call.target}\n{head}\n".encode() + call.body
		if fault["form"] == "html":
			return echo_page(request, fault["status"])
		text = f"Invalid request: {request.decode(errors='replace')}"
		return failed(fault["status"], text) if fault["form"] == "fault" else self._saying(call, text)

	# -- what a product says -------------------------------------------------------------------------------

	@abstractmethod
	def _elsewhere(self, incoming: Incoming) -> Answer:
		"""The answer to a request for a path that is not there."""

	@abstractmethod
	def _saying(self, call: Call, text: str) -> Answer:
		"""An answer with HTTP 200 that holds no rows but this text; "" is a good answer that is empty."""


def said(content: Any, status: int = 200, headers: Mapping[str, str] = NO_HEADERS) -> Answer:
	"""The compact JSON of a web framework."""
	text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
	return Answer(text.encode(), status, JSON, headers)


def failed(status: int, detail: str, headers: Mapping[str, str] = NO_HEADERS) -> Answer:
	return said({"detail": detail}, status, headers)


def _sent(incoming: Incoming) -> dict[str, str]:
	"""What the body says, in JSON or as a form; nothing where it is neither."""
	media_type = incoming.content_type.partition(";")[0].strip().lower()
	text = incoming.body.decode("utf-8", "replace")
	if media_type == FORM:
		return dict(parse_qsl(text, keep_blank_values=True))
	try:
		fields = json.loads(text) if media_type == JSON else {}
	except ValueError:
		fields = {}
	return {name: str(value) for name, value in fields.items()} if isinstance(fields, dict) else {}
