"""SOAP as ASP.NET ASMX speaks it: document/literal wrapped, versions 1.1 and 1.2 (essl-protocol §1.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape

NAMESPACE = "http://tempuri.org/"
SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
PROLOG = '<?xml version="1.0" encoding="utf-8"?>'

# Operation name → its elements, in the order of the manual.
Operations = Mapping[str, Sequence[str]]
# Element name and its content, escaped already.
Element = tuple[str, str]


class UnreadableRequest(Exception):
	"""The request body is no SOAP envelope."""


@dataclass(frozen=True)
class Call:
	"""One SOAP request. `arguments` is what was sent in the right namespace, known or not."""

	operation: str
	arguments: Mapping[str, str]
	is_soap12: bool
	body: bytes = field(repr=False)


def read_call(body: bytes, *, is_soap12: bool) -> Call:
	"""Raises UnreadableRequest. DTDs are refused, as .NET refuses them."""
	reader = _EnvelopeReader()
	try:
		reader.read(body)
	except expat.ExpatError as error:
		raise UnreadableRequest(str(error)) from error
	if not reader.operation:
		raise UnreadableRequest("no operation in the body")
	return Call(reader.operation, reader.arguments, is_soap12, body)


class _EnvelopeReader:
	"""Collects Envelope/Body/<operation>/<argument>; everything else is passed over."""

	def __init__(self) -> None:
		self.operation = ""
		self.arguments: dict[str, str] = {}
		self._path: list[str] = []
		self._text: list[str] = []

	def read(self, body: bytes) -> None:
		parser = expat.ParserCreate(namespace_separator=" ")
		parser.StartDoctypeDeclHandler = self._doctype
		parser.StartElementHandler = self._start
		parser.EndElementHandler = self._end
		parser.CharacterDataHandler = self._text.append
		parser.Parse(body, True)

	def _doctype(self, *_: object) -> None:
		raise UnreadableRequest("DTD is prohibited")

	def _start(self, name: str, _: Mapping[str, str]) -> None:
		self._path.append(name)
		self._text.clear()
		if self._is_in_body(3) and name.startswith(f"{NAMESPACE} "):
			self.operation = self.operation or _local(name)

	def _end(self, name: str) -> None:
		if self._is_in_body(4) and name.startswith(f"{NAMESPACE} "):
			self.arguments[_local(name)] = "".join(self._text)
		self._path.pop()
		self._text.clear()

	def _is_in_body(self, depth: int) -> bool:
		bodies = (f"{SOAP11} Body", f"{SOAP12} Body")
		return len(self._path) == depth and self._path[1] in bodies


def _local(name: str) -> str:
	return name.rpartition(" ")[2]


def envelope(content: str, *, is_soap12: bool) -> str:
	namespace = SOAP12 if is_soap12 else SOAP11
	return f'{PROLOG}<soap:Envelope xmlns:soap="{namespace}"><soap:Body>{content}</soap:Body></soap:Envelope>'


def response(operation: str, elements: Sequence[Element], *, is_soap12: bool) -> str:
	"""The envelope of an answer; an element without content is written `<x />`, as .NET does."""
	inner = "".join(f"<{name}>{text}</{name}>" if text else f"<{name} />" for name, text in elements)
	content = f'<{operation}Response xmlns="{NAMESPACE}">{inner}</{operation}Response>'
	return envelope(content, is_soap12=is_soap12)


def fault(text: str, *, is_soap12: bool) -> str:
	if is_soap12:
		reason = f'<soap:Reason><soap:Text xml:lang="en">{escape(text)}</soap:Text></soap:Reason>'
		content = f"<soap:Code><soap:Value>soap:Receiver</soap:Value></soap:Code>{reason}<soap:Detail />"
	else:
		content = f"<faultcode>soap:Server</faultcode><faultstring>{escape(text)}</faultstring><detail />"
	return envelope(f"<soap:Fault>{content}</soap:Fault>", is_soap12=is_soap12)


def wsdl(service: str, operations: Operations) -> str:
	"""A small WSDL: enough to see the operations and the names of their elements."""
	elements = "".join(_wsdl_element(name, arguments) for name, arguments in operations.items())
	ports = "".join(f'<wsdl:operation name="{name}" />' for name in operations)
	return (
		f'{PROLOG}<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/"'
		f' xmlns:s="http://www.w3.org/2001/XMLSchema" targetNamespace="{NAMESPACE}">'
		f'<wsdl:types><s:schema elementFormDefault="qualified" targetNamespace="{NAMESPACE}">{elements}'
		f'</s:schema></wsdl:types><wsdl:portType name="{service}Soap">{ports}</wsdl:portType>'
		f'<wsdl:service name="{service}" /></wsdl:definitions>'
	)


def _wsdl_element(operation: str, arguments: Sequence[str]) -> str:
	fields = "".join(f'<s:element minOccurs="0" name="{name}" type="s:string" />' for name in arguments)
	return (
		f'<s:element name="{operation}"><s:complexType><s:sequence>{fields}</s:sequence></s:complexType>'
		"</s:element>"
	)
