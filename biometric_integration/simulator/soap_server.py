"""What the fake servers that speak SOAP have in common: the service file, its help page, login and errors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from . import soap
from .answers import BOMB, BOMB_FUSE, HTML, Answer, echo_page, help_page, not_found, soap_answer
from .faults import Fault, FaultKind, Hits
from .port import Incoming
from .server import FakeServer
from .soap import Call, Element
from .world import World

SOAP11_TYPE = "text/xml"
SOAP12_TYPE = "application/soap+xml"


class FakeSoapServer(FakeServer[Call]):
	"""An .asmx file on IIS.

	Paths are compared without regard to case, as IIS does. `missing_operations` are those that this build of the product does
	not have.
	"""

	service: ClassVar[str]
	login: ClassVar[tuple[str, str]]
	hidden: ClassVar[Mapping[str, str]] = {"path": "/deep/down/there.asmx"}

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
		super().__init__(world, user=user, password=password, port=port, path=paths[0])
		self.operations = {
			name: elements for name, elements in operations.items() if name not in missing_operations
		}
		self._paths = frozenset(path.lower() for path in paths)
		self._has_wsdl = has_wsdl

	# -- reading -------------------------------------------------------------------------------------------

	def _read(self, incoming: Incoming) -> Call | Answer:
		"""The call, or the answer to a request that is none."""
		target = urlsplit(incoming.target)
		if target.path.lower() not in self._paths:
			return not_found(target.path)
		if incoming.method == "GET":
			return self._shown(target.query)
		if incoming.method != "POST":
			return Answer(b"", 405, HTML)
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

	# -- answering -----------------------------------------------------------------------------------------

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
