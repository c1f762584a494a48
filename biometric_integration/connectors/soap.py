"""SOAP 1.1 as both products speak it: document/literal, `http://tempuri.org/`, answers that are one long text.

An answer is read as a stream: whatever its size, a few chunks of it are in memory (essl-protocol §1.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from xml.parsers import expat
from xml.sax.saxutils import escape

from biometric_integration.connectors.endpoint import Memory, endpoint_of, service_paths
from biometric_integration.connectors.page import LONGEST_ROW
from biometric_integration.connectors.redaction import SecretBytes
from biometric_integration.connectors.transport import (
	CHUNK,
	HTML_PAGE,
	Answer,
	NoServiceHere,
	Request,
	Transport,
	WebPage,
)
from biometric_integration.core.connector import RequestTrace, ServerConfig
from biometric_integration.core.errors import ConfigurationError, ProtocolError, SyncError, TransientError
from biometric_integration.core.window import Window

NAMESPACE = "http://tempuri.org/"
ENVELOPE = (
	'<?xml version="1.0" encoding="utf-8"?>'
	'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
	'<{operation} xmlns="http://tempuri.org/">{fields}</{operation}>'
	"</s:Body></s:Envelope>"
)
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

DEEPEST = 32
MOST_ELEMENTS = 1000
"""An answer has a handful; a parser remembers each name for as long as it lives."""
LONGEST_TOKEN = 1024 * 1024
"""Bytes a tag may take: a parser has to keep it whole."""
LONGEST_TEXT = 4096
"""Characters that are kept of any element but the long one."""

CONTROL_REFERENCE = re.compile(
	rb"&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|x0*(?:[0-8bce]|f|1[0-9a-f]));", re.IGNORECASE
)
LONGEST_REFERENCE = 16
CONTROL_BYTE = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
REPLACEMENT = b"&#xFFFD;"
"""`GARBLED` as XML says it, in place of what no XML parser accepts."""
WIDE = (b"\xff\xfe", b"\xfe\xff", b"\x00<", b"<\x00")
"""How an answer in UTF-16 begins: there, a zero is half of a character."""
BYTE_ORDER_MARK = "\ufeff"
CUT_OFF = frozenset(
	{
		expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS],
		expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN],
		expat.errors.codes[expat.errors.XML_ERROR_PARTIAL_CHAR],
		expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION],
	}
)

FAULTS: tuple[tuple[str, type[SyncError], str], ...] = (
	(
		r"did not recogni[sz]e|SOAPAction|unknown (?:operation|method)",
		ConfigurationError,
		"The web service on {place} does not know the operation {operation}: check the server type and the URL.",
	),
	(
		r"^\S*Client\b|unable to read request",
		ProtocolError,
		"{place} did not understand the request {operation}. Its words: {words}",
	),
	(r"", TransientError, "{place} failed at {operation}. Its words: {words}"),
)
"""By fault code and text, the first that matches."""

OF_THE_DATABASE = (
	r"invalid (?:object|column) name|cannot open database|could not find stored procedure"
	r"|\bpermission\b.{0,80}\b(?:object|table|column|database|schema)\b"
	r"|\b(?:object|table|column)\b.{0,80}(?:\b(?:permission|denied)\b|n[o']t exist)"
)
"""Words of a server about its own database, which no login of ours mends."""
FAULT_OF_THE_DATABASE = "{place} could not read its own database. Its words: {words}"


def envelope(operation: str, fields: Mapping[str, str]) -> bytes:
	"""The request, its elements in the given order. Raises ConfigurationError for text that XML cannot carry."""
	for name, value in fields.items():
		if NOT_XML.search(value):
			raise ConfigurationError(
				f"{name} holds a control character, which cannot be sent: enter it again."
			)
	elements = "".join(
		f"<{name}>{escape(value, {chr(13): '&#13;'})}</{name}>" for name, value in fields.items()
	)
	return SecretBytes(ENVELOPE.format(operation=operation, fields=elements).encode("utf-8"))


def iter_lines(pieces: Iterator[str], separator: str) -> Iterator[str]:
	"""The parts between separators, empty ones left out, wherever the pieces were cut.

	With a line feed as separator a carriage return is one too. A part that is longer than LONGEST_ROW is cut.
	"""
	carry = ""
	for piece in pieces:
		if separator == "\n" and "\r" in piece:
			piece = piece.replace("\r", "\n")
		lines = (carry + piece).split(separator)
		# one character more than allowed shows the reader of the row that it was cut
		carry = lines.pop()[: LONGEST_ROW + 1]
		yield from filter(None, lines)
	if carry:
		yield carry


class SoapClient:
	"""Calls operations of one web service, wherever below the entered URL it is. What was found is remembered."""

	def __init__(self, config: ServerConfig, transport: Transport, service_names: Sequence[str]):
		self.memory = Memory(config)
		self._config = config
		self._transport = transport
		self._names = service_names

	def call(
		self, operation: str, fields: Mapping[str, str], long_element: str, window: Window | None = None
	) -> SoapReader:
		"""Ask, looking for the right address if it is not known yet.

		Raises what the transport raises, WebPage for a page in place of data, and TransientError for a page with status 500.
		SOAP faults come when the reader is read.
		"""
		body = envelope(operation, fields)
		known = self.memory.get("path")
		failures: list[SyncError] = []
		for path in self._paths(known):
			try:
				answer = self._asked(operation, path, body, window)
			except (NoServiceHere, WebPage) as error:
				if path == known and isinstance(error, WebPage):
					raise
				failures.append(error)
				continue
			if path != known:
				self.memory.keep(path=path)
			return SoapReader(answer, operation, long_element, self._transport)
		raise self._not_found(failures)

	def _paths(self, known: str | None) -> list[str]:
		paths = service_paths(endpoint_of(self._config.endpoint_url), self._names)
		return sorted(paths, key=lambda path: path != known)

	def _asked(self, operation: str, path: str, body: bytes, window: Window | None) -> Answer:
		url = f"{endpoint_of(self._config.endpoint_url).url(path)}?op={operation}"
		headers = {
			"Content-Type": "text/xml; charset=utf-8",
			"Accept": "text/xml",
			"SOAPAction": f'"{NAMESPACE}{operation}"',
		}
		answer = self._transport.send(Request(operation, url, headers, body, window))
		try:
			_check_is_data(answer)
		except SyncError as error:
			answer.trace.excerpt = self._transport.excerpt(answer.head().decode("utf-8", "replace"))
			answer.trace.server_message = answer.trace.server_message or f"HTTP {answer.status}"
			answer.close()
			error.detail = answer.trace.excerpt
			raise
		return answer

	def _not_found(self, failures: Sequence[SyncError]) -> SyncError:
		"""The most telling failure: anything is more so than that nothing is there."""
		telling = next((error for error in failures if type(error) is not NoServiceHere), None)
		if telling or len(failures) == 1:
			return telling or failures[0]
		endpoint = endpoint_of(self._config.endpoint_url)
		paths = ", ".join(service_paths(endpoint, self._names)[: len(self._names)])
		return NoServiceHere(
			f"There is no web service on {endpoint.place} at any of the usual places ({paths}): check the URL and the server"
			" type, or enter the full URL that ends in .asmx."
		)


def _without_controls(chunk: bytes) -> bytes:
	if b"&#" in chunk:
		chunk = CONTROL_REFERENCE.sub(REPLACEMENT, chunk)
	return CONTROL_BYTE.sub(REPLACEMENT, chunk)


def _check_is_data(answer: Answer) -> None:
	place, head = answer.request.place, answer.head()
	is_page = HTML_PAGE.search(head) and b"Envelope" not in head
	if answer.status != 200 and (is_page or not head.strip()):
		raise TransientError(f"{place} failed inside (HTTP {answer.status}).")
	if is_page:
		raise WebPage.of(place)
	if not head.strip():
		raise ProtocolError(
			f"{place} answered with nothing at all: check the URL; a proxy may be in between."
		)


class SoapReader:
	"""An answer, read once from front to back.

	texts: the short elements met so far, by local name. trace: the request's. server_time: aware UTC or None.
	"""

	def __init__(self, answer: Answer, operation: str, long_element: str, transport: Transport):
		self.texts: dict[str, str] = {}
		self.trace: RequestTrace = answer.trace
		self.server_time: datetime | None = answer.server_time
		self._answer = answer
		self._operation = operation
		self._long_element = long_element
		self._transport = transport
		self._path: list[str] = []
		self._seen: set[str] = set()
		self._long: list[str] = []
		self._short: list[str] = []
		self._fed_bytes = 0
		self._elements = 0
		self._parser = self._new_parser()

	@property
	def place(self) -> str:
		"""`host:port`, for sentences."""
		return self._answer.request.place

	def pieces(self) -> Iterator[str]:
		"""The text of the long element, piece by piece; nothing where it is empty or missing.

		Raises TransientError for an answer that breaks off and for most SOAP faults, ConfigurationError for an unknown
		operation, ProtocolError for anything that is no answer to this operation.
		"""
		try:
			for chunk in self._chunks():
				self._fed(chunk, False)
				if self._long:
					text = "".join(self._long)
					self._long.clear()
					yield text.removeprefix(BYTE_ORDER_MARK)
			self._fed(b"", True)
			self._check_end()
		except SyncError as error:
			self._explain(error)
			raise
		finally:
			self.close()

	def words(self, text: str) -> str:
		"""The server's own words, fit to be shown; they stay on the trace."""
		self.trace.server_message = self._transport.excerpt(text)
		return self.trace.server_message

	def redact_row(self, text: str) -> str:
		return self._transport.redact_row(text)

	def excerpt(self, text: str) -> str:
		return self._transport.excerpt(text)

	def close(self) -> None:
		self._answer.close()

	def _new_parser(self) -> expat.XMLParserType:
		parser = expat.ParserCreate()
		parser.buffer_text = True
		parser.buffer_size = CHUNK
		parser.StartDoctypeDeclHandler = self._doctype
		parser.StartElementHandler = self._start
		parser.EndElementHandler = self._end
		return parser

	def _chunks(self) -> Iterator[bytes]:
		"""The body, without control characters and references to them.

		.NET writes them for codes that a device garbled, and no XML parser accepts them: one such row would hide all others.
		"""
		if self._answer.head(2) in WIDE:
			yield from iter(partial(self._answer.body.read, CHUNK), b"")
			return
		rest = b""
		while chunk := self._answer.body.read(CHUNK):
			chunk = rest + chunk
			start = chunk.rfind(b"&", -LONGEST_REFERENCE)
			rest = chunk[start:] if start >= 0 else b""
			chunk = chunk[:start] if start >= 0 else chunk
			yield _without_controls(chunk)
		yield _without_controls(rest)

	def _fed(self, chunk: bytes, is_last: bool) -> None:
		self._fed_bytes += len(chunk)
		try:
			self._parser.Parse(chunk, is_last)
		except (expat.ExpatError, ValueError, LookupError) as error:
			raise self._unreadable(error) from error
		if not is_last and self._unfinished() > LONGEST_TOKEN:
			raise self._not_understood("It holds a tag without an end.")

	def _unfinished(self) -> int:
		"""Bytes that were read and wait for the end of their token."""
		return self._fed_bytes - max(self._parser.CurrentByteIndex, 0)

	def _unreadable(self, error: Exception) -> SyncError:
		if getattr(error, "code", None) in CUT_OFF:
			return TransientError(f"The answer of {self.place} broke off.", str(error))
		return self._not_understood(f"It is no valid XML ({error}).")

	def _not_understood(self, problem: str) -> ProtocolError:
		return ProtocolError(f"The answer of {self.place} to {self._operation} was not understood. {problem}")

	def _doctype(self, *_: object) -> None:
		raise self._not_understood("It holds a document type, which data never does: check the URL.")

	def _start(self, name: str, _: Mapping[str, str]) -> None:
		name = name.rpartition(":")[2]
		if not self._path and name != "Envelope":
			raise self._not_understood(f"It is no SOAP envelope but {name[:40]}: check the URL.")
		if self._long_element in self._path or len(self._path) >= DEEPEST:
			raise self._not_understood("It holds elements where text was expected.")
		self._elements += 1
		if self._elements > MOST_ELEMENTS:
			raise self._not_understood("It holds far more elements than such an answer has.")
		self._path.append(name)
		self._seen.add(name)
		self._short.clear()
		is_long = name == self._long_element
		self._parser.CharacterDataHandler = self._long.append if is_long else self._short_text

	def _short_text(self, text: str) -> None:
		if sum(map(len, self._short)) < LONGEST_TEXT:
			self._short.append(text[:LONGEST_TEXT])

	def _end(self, _: str) -> None:
		name = self._path.pop()
		if name != self._long_element and len(self.texts) < DEEPEST:
			self.texts.setdefault(name, "".join(self._short))
		self._short.clear()
		self._parser.CharacterDataHandler = self._short_text

	def _check_end(self) -> None:
		if "Fault" in self._seen:
			raise self._fault()
		if f"{self._operation}Response" not in self._seen:
			raise self._not_understood("It does not answer this operation: check the server type.")
		if self._answer.status != 200:
			raise TransientError(f"{self.place} failed inside (HTTP {self._answer.status}).")

	def _fault(self) -> SyncError:
		code = self.texts.get("faultcode", self.texts.get("Value", ""))
		text = self.texts.get("faultstring", self.texts.get("Text", ""))
		words = self.words(text)
		kind, sentence = next(
			(kind, sentence)
			for pattern, kind, sentence in FAULTS
			if re.search(pattern, f"{code} {text}", re.IGNORECASE)
		)
		return kind(sentence.format(place=self.place, operation=self._operation, words=words or "none"))

	def _explain(self, error: SyncError) -> None:
		"""Keep the beginning of an answer that was not understood."""
		if not self._answer.body.closed:
			self.trace.excerpt = self.excerpt(self._answer.head().decode("utf-8", "replace"))
			error.detail = "\n".join(filter(None, [error.detail, self.trace.excerpt]))
