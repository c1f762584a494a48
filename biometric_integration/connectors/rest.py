"""REST with JSON: finds the service below an address, logs in, keeps the token in memory, and reads answers.

What a server type calls its paths, and how it is logged in to, is its `Dialect`. Nothing is changed at a server: all is GET but the login.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from biometric_integration.connectors.endpoint import SERVICE_ENDING, Memory, endpoint_of
from biometric_integration.connectors.redaction import Secret, SecretBytes
from biometric_integration.connectors.transport import (
	HTML_PAGE,
	Answer,
	NoServiceHere,
	Request,
	Transport,
	WebPage,
	status_failure,
)
from biometric_integration.core.connector import RequestTrace, ServerConfig
from biometric_integration.core.errors import (
	ConfigurationError,
	ProtocolError,
	SilentError,
	SyncError,
	TransientError,
)
from biometric_integration.core.window import Window

JSON = "application/json"
LARGEST_JSON = 32 * 1024 * 1024
"""Bytes of an answer; it is read as a whole. A page of a thousand rows has one or two million."""
LONGEST_NUMBER = 18
"""Digits; what is longer stays text."""
LONGEST_TOKEN = 16 * 1024
MOST_BASES = 4
MOST_WORDS = 20
"""Texts of an answer that are put together to a sentence."""
LONGEST_WORDS = 4096

LOGIN_READABLE = frozenset({200, 400, 401, 403, 404, 405})
DATA_READABLE = frozenset({200, 400, 401, 403, 404})
"""The HTTP codes with which such servers say something in JSON."""
LOGIN_REFUSED = frozenset({400, 401, 403})
"""With one of these a login was looked at, whatever stands in the answer; 404 and 405 say that there is no such path."""

Failure = tuple[type[SyncError], str]


@dataclass(frozen=True)
class Login:
	"""A way to log in. `path`: where a token is given; empty where the login itself is sent with each request. `word` stands before either."""

	name: str
	word: str
	path: str = ""


@dataclass(frozen=True)
class Dialect:
	"""What a server type says about itself. Sentences may name {place}, {words} and {product}.

	probe: path of a list that answers in JSON, by which the service is found. logins: in the order in which they are tried.
	login_fields: what a login sends. refused: what is to be done about a login that was refused, by its answer. refusals: the same for
	requests for data, by HTTP code. front: about a page for people in place of each login. slow: about a first answer that did not come in time.
	"""

	product: str
	probe: str
	logins: Sequence[Login]
	login_fields: Callable[[ServerConfig], Mapping[str, str]]
	refused: Callable[[Any], Failure]
	refusals: Mapping[int, Failure]
	front: str
	slow: str


@dataclass(frozen=True)
class Said:
	"""An answer: its HTTP code and what it says in JSON; None for a page for people (`is_html`), or a code without a word (both are `is_page`).

	server_time: aware UTC or None.
	"""

	status: int
	content: Any = field(repr=False)
	is_page: bool
	is_html: bool
	place: str
	path: str
	trace: RequestTrace
	server_time: datetime | None
	redact_row: Callable[[str], str] = field(repr=False)

	def close(self) -> None:
		"""All of it was read."""


class RestClient:
	"""Asks one server. Where its service is and how it is logged in to is found out once and remembered; a token never is.

	A token that dies brings one new login for each request. A login that was refused is not repeated, as servers lock an account after a few.
	"""

	def __init__(self, config: ServerConfig, transport: Transport, dialect: Dialect):
		self.memory = Memory(config)
		self._config = config
		self._transport = transport
		self._dialect = dialect
		self._authorization: Secret | None = None
		self._login: Login | None = None
		self._refusal: SyncError | None = None
		self._is_certain = False
		self._has_answered = False

	# --- what a connector calls

	def knock(self) -> None:
		"""Is there such a service? Nothing of the login is sent."""
		self._find()

	def login(self) -> str:
		"""The name of the way in which the server is logged in to. Raises AuthenticationError where it refuses."""
		if self._authorization is None:
			self._log_in()
		return self._login.name if self._login else ""

	def get(self, operation: str, path: str, query: Mapping[str, str], window: Window | None = None) -> Said:
		"""Ask for a list. The answer has HTTP 200, or 404 for what is not there.

		Raises AuthenticationError where the login is of no use, ProtocolError for words or a page in place of data, and what the transport raises.
		"""

		def ask() -> Said:
			self.login()
			return self._sent(operation, path, query, window=window)

		said = ask()
		if said.is_page and not self._is_certain:
			self._find()
			said = ask()
		if said.status == 401 and self._can_be_renewed:
			self._authorization = None
			said = ask()
		return self._checked(said)

	# --- where

	@property
	def _base(self) -> str:
		"""The folder of the service, as it is remembered or found."""
		known = self.memory.get("base")
		return self._find() if known is None else str(known)

	def _find(self) -> str:
		known = self.memory.get("base")
		endpoint = endpoint_of(self._config.endpoint_url)
		if endpoint.path.lower().endswith(SERVICE_ENDING):
			raise NoServiceHere(
				f"The URL names a service of another product ({SERVICE_ENDING}), and no {self._dialect.product}: check the URL and the server type."
			)
		bases = _bases(endpoint.path)
		failures: list[SyncError] = []
		for base in sorted(bases, key=lambda base: base != known):
			try:
				said = self._sent("look for the service", self._dialect.probe, {"page_size": "1"}, base=base)
				self._check_is_there(said)
			except (NoServiceHere, WebPage) as error:
				failures.append(error)
				continue
			self._is_certain = True
			if base != known:
				self.memory.keep(base=base)
			return base
		raise self._not_found(failures, bases)

	def _check_is_there(self, said: Said) -> None:
		if said.is_page:
			raise _page_failure(said)
		if said.status == 404:
			raise NoServiceHere(
				f"There is no {self._dialect.product} at {said.path} on {said.place}: check the URL."
			)

	def _not_found(self, failures: Sequence[SyncError], bases: Sequence[str]) -> SyncError:
		"""The most telling failure: anything is more so than that nothing is there."""
		telling = next((error for error in failures if type(error) not in (NoServiceHere, WebPage)), None)
		if telling or len(failures) == 1:
			return telling or failures[0]
		tried = ", ".join(base + self._dialect.probe for base in bases)
		place = endpoint_of(self._config.endpoint_url).place
		return NoServiceHere(
			f"There is no {self._dialect.product} on {place} at any of the usual places ({tried}): check the URL and the server type."
		)

	# --- who

	def _given_token(self) -> Login | None:
		"""Whoever enters the word of a login as API User has entered the token itself as API Password."""
		logins = (login for login in self._dialect.logins if login.path)
		return next((login for login in logins if login.word == self._config.user), None)

	@property
	def _can_be_renewed(self) -> bool:
		return bool(self._login and self._login.path) and not self._given_token()

	def _log_in(self) -> None:
		"""In the way that worked before, or in the first that does."""
		if self._refusal:
			raise self._refusal
		if given := self._given_token():
			self._take(given, Secret(self._config.password.strip()))
			return
		front = self._try_logins()
		if self._authorization is None and not self._is_certain:
			before = self._base
			if self._find() != before or not front:
				front = self._try_logins()
		if self._authorization is None or self._login is None:
			raise self._no_login(front)
		if self.memory.get("login") != self._login.name:
			self.memory.keep(login=self._login.name)

	def _try_logins(self) -> Said | None:
		"""Until one is taken or refused; returns what kept it from us without a word. HTTP Basic is for servers that know of no other."""
		known = self.memory.get("login")
		front: Said | None = None
		for login in sorted(self._dialect.logins, key=lambda login: login.name != known):
			if front and not login.path:
				continue
			said = self._tried(login)
			if self._authorization is not None:
				return None
			if said.is_page and said.status in LOGIN_REFUSED:
				return said
			front = said if said.is_page and said.status == 405 else front
		return front

	def _tried(self, login: Login) -> Said:
		"""Try one way to log in; takes what it gives. Raises where the login is refused."""
		if not login.path:
			return self._tried_without_token(login)
		said = self._sent(f"login ({login.name})", login.path, {}, body=self._login_body())
		if said.is_page or said.status in (404, 405):
			return said
		if said.status != 200:
			raise self._refused(said)
		token = Secret(said.content.get("token") or "") if _is_token(said.content) else Secret()
		if not token:
			raise ProtocolError(
				f"{said.place} gave no token for the login. Its words: {self._words(said) or 'none'}"
			)
		self._take(login, token)
		return said

	def _tried_without_token(self, login: Login) -> Said:
		credential = SecretBytes(f"{self._config.user}:{self._config.password}".encode())
		self._take(login, Secret(b64encode(credential).decode()))
		said = self._sent(f"login ({login.name})", self._dialect.probe, {"page_size": "1"})
		if said.is_page or said.status != 200:
			self._authorization = None
		if said.status == 401 and not said.is_page:
			raise self._refused(said)
		return said

	def _take(self, login: Login, credential: Secret) -> None:
		if not (credential.isascii() and credential.isprintable()):
			raise ConfigurationError(
				f"What is entered as API Password is no token, which {login.word} as API User asks for: copy it again."
			)
		self._transport.keep_secret(credential)
		self._login = login
		self._authorization = Secret(f"{login.word} {credential}")

	def _login_body(self) -> SecretBytes:
		return SecretBytes(json.dumps(dict(self._dialect.login_fields(self._config))).encode())

	def _refused(self, said: Said) -> SyncError:
		kind, sentence = self._dialect.refused(said.content)
		self._refusal = kind(sentence.format(place=said.place, words=self._words(said) or "none"))
		return self._refusal

	def _no_login(self, front: Said | None) -> SyncError:
		place = endpoint_of(self._config.endpoint_url).place
		if front and not (front.status == 405 or (front.status == 403 and front.is_html)):
			return self._refused(front)
		if front:
			self._refusal = ConfigurationError(self._dialect.front.format(place=place))
			return self._refusal
		tried = ", ".join(self._base + login.path for login in self._dialect.logins if login.path)
		return ConfigurationError(
			f"{place} has no login for its API at any of the usual places ({tried}): check the URL and the server type."
		)

	# --- one request

	def _sent(
		self,
		operation: str,
		path: str,
		query: Mapping[str, str],
		base: str | None = None,
		window: Window | None = None,
		body: bytes = b"",
	) -> Said:
		"""With a `base` that is only tried, nothing of the login is sent."""
		path = (self._base if base is None else base) + path
		headers = {"Accept": JSON}
		if body:
			headers["Content-Type"] = JSON
		elif self._authorization is not None and base is None:
			headers["Authorization"] = self._authorization
		request = Request(
			operation,
			endpoint_of(self._config.endpoint_url).url(path, urlencode(query)),
			headers,
			body,
			window,
			"POST" if body else "GET",
			LOGIN_READABLE if body else DATA_READABLE,
		)
		answer = self._answer(request)
		try:
			return self._read(answer)
		finally:
			answer.close()

	def _answer(self, request: Request) -> Answer:
		try:
			answer = self._transport.send(request)
		except SilentError as error:
			if self._has_answered:
				raise
			raise SilentError(f"{error.message} {self._dialect.slow}", error.detail) from error
		self._has_answered = True
		return answer

	def _read(self, answer: Answer) -> Said:
		request, head = answer.request, answer.head()
		is_page = is_html = bool(HTML_PAGE.search(head))
		content, problem = (None, None) if is_page else _parsed(answer)
		if problem and answer.status != 200 and head.isascii():
			is_page, problem = True, None  # a word or nothing at all: the code says it
		if problem:
			answer.trace.excerpt = self._transport.excerpt(head.decode("utf-8", "replace"))
			kind, sentence = problem
			raise kind(sentence.format(place=request.place), answer.trace.excerpt)
		said = Said(
			answer.status,
			content,
			is_page,
			is_html,
			request.place,
			request.path,
			answer.trace,
			answer.server_time,
			self._transport.redact_row,
		)
		if said.is_page:
			answer.trace.excerpt = self._transport.excerpt(head.decode("utf-8", "replace"))
		if said.is_page or said.status != 200:
			answer.trace.server_message = self._words(said) or f"HTTP {said.status}"
		return said

	def _checked(self, said: Said) -> Said:
		"""Data, or the failure that the answer stands for."""
		if said.is_page:
			raise _page_failure(said)
		if said.status in (200, 404):
			if isinstance(said.content, Mapping) and said.content.get("code") not in (None, 0, "0"):
				raise ProtocolError(
					f"{said.place} answered with an error in place of data. Its words: {self._words(said) or 'none'}"
				)
			return said
		kind, sentence = self._dialect.refusals[said.status]
		raise kind(sentence.format(place=said.place, words=self._words(said) or "none"), said.trace.excerpt)

	def _words(self, said: Said) -> str:
		"""The server's own words, fit to be shown; they stay on the trace."""
		said.trace.server_message = self._transport.excerpt(" ".join(_texts(said))[:LONGEST_WORDS])
		return said.trace.server_message


def _page_failure(said: Said) -> SyncError:
	"""What a page for people means in place of data."""
	if said.status == 200:
		return WebPage.of(said.place)
	kind, sentence = status_failure(said.status)
	return kind(sentence.format(place=said.place, path=said.path, status=said.status), said.trace.excerpt)


NOTHING: Failure = (
	ProtocolError,
	"{place} answered with nothing at all: check the URL; a proxy may be in between.",
)
TOO_LARGE: Failure = (
	ProtocolError,
	f"The answer of {{place}} is larger than {LARGEST_JSON // 1024**2} MB, though it was asked for a part of a list: check the URL.",
)
BROKEN_OFF: Failure = (TransientError, "The answer of {place} broke off.")
NO_JSON: Failure = (ProtocolError, "The answer of {place} was not understood: it is no JSON. Check the URL.")


def _parsed(answer: Answer) -> tuple[Any, Failure | None]:
	"""What an answer says, or why that cannot be read. An exception would keep the text, in which there may be a token."""
	raw = SecretBytes(answer.body.read(LARGEST_JSON + 1))
	if len(raw) > LARGEST_JSON:
		return None, TOO_LARGE
	text = Secret(raw.decode("utf-8-sig", "replace"))
	if not text.strip():
		return None, NOTHING
	try:
		return json.loads(text, parse_int=_number, parse_constant=str), None
	except json.JSONDecodeError as error:
		is_cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
		return None, BROKEN_OFF if is_cut else NO_JSON
	except (ValueError, RecursionError):
		return None, NO_JSON


def _number(digits: str) -> int | str:
	return int(digits) if len(digits) <= LONGEST_NUMBER else digits[: LONGEST_NUMBER * 2]


def _is_token(content: Any) -> bool:
	token = content.get("token") if isinstance(content, Mapping) else None
	return isinstance(token, str) and len(token) <= LONGEST_TOKEN and token.isascii() and token.isprintable()


WORD_FIELDS = ("detail", "msg", "message", "error", "non_field_errors")


def _texts(said: Said) -> Iterator[str]:
	"""Words for people; in an error body also each field with what is wrong with it. Nothing of what may be data, or a token."""
	if not isinstance(said.content, Mapping):
		return
	for name in WORD_FIELDS:
		yield from _listed(said.content.get(name))
	for name, value in islice(said.content.items(), 0 if said.status == 200 else MOST_WORDS):
		if name not in WORD_FIELDS and isinstance(value, list):
			yield from (f"{name}: {text}" for text in _listed(value))


def _listed(value: Any) -> Iterator[str]:
	texts = value if isinstance(value, list) else [value]
	yield from (text for text in texts[:MOST_WORDS] if isinstance(text, str))


def _bases(path: str) -> list[str]:
	"""Folders in which the service may be: that of the URL, and those above, as people copy the address of any page of it."""
	folders = [segment for segment in path.split("/") if segment]
	found = ["".join(f"/{folder}" for folder in folders[:length]) for length in range(len(folders), -1, -1)]
	return list(dict.fromkeys([*found[: MOST_BASES - 1], ""]))
