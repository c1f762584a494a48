"""HTTP to an attendance server: one try or several, an answer on disk or an error with a sentence.

Nothing here knows SOAP or REST. Every request leaves a RequestTrace, the failing ones too.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential, wait_random
from urllib3.exceptions import HTTPError, InsecureRequestWarning
from urllib3.util.ssl_ import create_urllib3_context

from biometric_integration.connectors.endpoint import PORTS
from biometric_integration.connectors.redaction import Redactor
from biometric_integration.core.connector import RequestTrace, ServerConfig
from biometric_integration.core.errors import (
	AuthenticationError,
	ConfigurationError,
	ProtocolError,
	SilentError,
	SyncError,
	TransientError,
	UnreachableError,
)
from biometric_integration.core.window import Window

CONNECT_TIMEOUT = 10
DEADLINE_FACTOR = 4
"""A whole answer may take this many time-outs; the time-out itself is for a single silence."""
RETRY_SECONDS = 20.0
"""Spent on repeated tries by one transport, which is one run, altogether."""
TRIES = 5
LARGEST_ANSWER = 512 * 1024 * 1024
IN_MEMORY = 1024 * 1024
CHUNK = 64 * 1024
EXCERPT_BYTES = 4096
PLAUSIBLE_YEARS = range(2000, 2100)
"""Of a `Date` header."""
READABLE = frozenset({200, 500})
"""A SOAP fault comes with 500 (essl-protocol §1.2), so its body is worth reading. What others say with other codes stands on their requests."""


class NoServiceHere(ConfigurationError):
	"""Something answers at this address, but not a web service."""


class Redirected(NoServiceHere):
	"""The server wants us to ask somewhere else."""


class WebPage(ProtocolError):
	"""A page for people came where data was expected."""

	@classmethod
	def of(cls, place: str) -> WebPage:
		return cls(
			f"{place} answered with a web page, not with data: check the URL; a proxy or a login page may be in between."
		)


HTML_PAGE = re.compile(rb"<!doctype\s+html|<html[\s>]", re.IGNORECASE)


Failure = tuple[type[SyncError], str]

STATUS_FAILURES: dict[int, Failure] = {
	401: (AuthenticationError, "{place} refused the login (HTTP 401): check API User and API Password."),
	403: (
		AuthenticationError,
		"{place} refused access (HTTP 403): check API User and what this login may do.",
	),
	404: (NoServiceHere, "There is no web service at {path} on {place} (HTTP 404): check the URL."),
	405: (NoServiceHere, "There is no web service at {path} on {place} (HTTP 405): check the URL."),
	407: (
		ConfigurationError,
		"The proxy on the way to {place} wants a login (HTTP 407): check the proxy settings.",
	),
	408: (UnreachableError, "{place} gave up waiting (HTTP 408)."),
	429: (UnreachableError, "{place} asks for fewer requests (HTTP 429)."),
	502: (
		UnreachableError,
		"The server behind {place} does not answer (HTTP 502).",
	),
	503: (UnreachableError, "{place} is not available now (HTTP 503)."),
	504: (
		UnreachableError,
		"The server behind {place} does not answer (HTTP 504).",
	),
}
STATUS_CLASS_FAILURES: dict[int, Failure] = {
	2: (ProtocolError, "{place} answered with HTTP {status} and no data: check the URL."),
	3: (
		Redirected,
		"{place} sends us on to {target} (HTTP {status}). This is not followed: enter the final URL.",
	),
	4: (
		ConfigurationError,
		"{place} does not accept the request (HTTP {status}): check the URL and the server type.",
	),
	5: (TransientError, "{place} could not answer (HTTP {status})."),
}
OTHER_STATUS: Failure = (
	ProtocolError,
	"{place} answered with HTTP {status}, which is not understood: check the URL.",
)


def status_failure(status: int) -> Failure:
	"""What an HTTP code means where the answer says no more. The sentence may name {place}, {path}, {status} and {target}."""
	return STATUS_FAILURES.get(status) or STATUS_CLASS_FAILURES.get(status // 100) or OTHER_STATUS


TLS_FAILURES: tuple[tuple[str, Failure], ...] = (
	(
		r"certificate.?verify.?failed|hostname mismatch|doesn't match",
		(
			ConfigurationError,
			"The certificate of {place} cannot be trusted. If the server uses a private certificate authority, enter its"
			" certificate (PEM) in the server's settings.",
		),
	),
	(
		r"wrong.?version.?number|record.?layer|http.?request|unknown.?protocol",
		(ConfigurationError, "{place} does not speak TLS: use http:// or the port for https://."),
	),
	(
		r"eof|reset|timed out",
		(UnreachableError, "The TLS connection to {place} broke off."),
	),
	(
		r"",
		(ConfigurationError, "No TLS connection to {place} is possible: check the URL and the TLS settings."),
	),
)

BAD_URL = "The URL of the server is not valid: check host, port and path."
NO_HTTP = "{place} does not answer as a web server does: check the port, and http:// or https://."

CONNECTION_FAILURES: tuple[tuple[type[BaseException], Failure], ...] = (
	(
		requests.exceptions.ProxyError,
		(UnreachableError, "The proxy on the way to {place} cannot be used: check the proxy settings."),
	),
	(
		socket.gaierror,
		(
			ConfigurationError,
			"The name {host} is not known: check the URL, or use the IP address of the server.",
		),
	),
	(
		requests.exceptions.ConnectTimeout,
		(
			UnreachableError,
			"{place} cannot be reached: no answer in {connect:g} seconds. Is it switched on and the port open?",
		),
	),
	(
		TimeoutError,
		(SilentError, "{place} was silent for {timeout:g} seconds."),
	),
	(
		ConnectionRefusedError,
		(UnreachableError, "{place} refuses the connection. Is the server running, and is this its port?"),
	),
	(
		http.client.IncompleteRead,
		(TransientError, "The answer of {place} broke off."),
	),
	(
		http.client.RemoteDisconnected,
		(UnreachableError, "{place} closed the connection without an answer."),
	),
	(ConnectionError, (UnreachableError, "The connection to {place} broke off.")),
	(http.client.HTTPException, (ProtocolError, NO_HTTP)),
	(
		requests.exceptions.ContentDecodingError,
		(
			ProtocolError,
			"The answer of {place} is packed in a way that cannot be read: check for a proxy in between.",
		),
	),
	(
		requests.exceptions.ChunkedEncodingError,
		(TransientError, "The answer of {place} broke off."),
	),
	(requests.exceptions.InvalidURL, (ConfigurationError, BAD_URL)),
	(UnicodeError, (ConfigurationError, BAD_URL)),
	(ValueError, (ProtocolError, NO_HTTP)),
	(BaseException, (UnreachableError, "The connection to {place} failed.")),
)
"""The first type that is found in the chain of causes decides."""


@dataclass(frozen=True)
class Request:
	"""What is sent. Body and headers hold the password or a token, and show nowhere.

	readable: the HTTP codes whose answer is for the caller to read; any other is a failure.
	"""

	operation: str
	url: str
	headers: dict[str, str] = field(repr=False)
	body: bytes = field(default=b"", repr=False)
	window: Window | None = None
	method: str = "POST"
	readable: Collection[int] = READABLE

	@property
	def host(self) -> str:
		return urlsplit(self.url).hostname or ""

	@property
	def path(self) -> str:
		return urlsplit(self.url).path

	@property
	def place(self) -> str:
		"""`host:port`, for sentences."""
		parts = urlsplit(self.url)
		return f"{parts.hostname}:{parts.port or PORTS[parts.scheme]}"


@dataclass(frozen=True)
class Answer:
	"""A complete answer with a status that the request can read: its body as a file at the start, at most 1 MB of it in memory.

	server_time: the `Date` header, aware UTC; None where there is none. retry_after: the header of that name.
	"""

	request: Request
	status: int
	body: IO[bytes]
	server_time: datetime | None
	trace: RequestTrace
	retry_after: str = ""

	def head(self, size: int = EXCERPT_BYTES) -> bytes:
		"""The first bytes; the position is at the start again afterwards."""
		self.body.seek(0)
		beginning = self.body.read(size)
		self.body.seek(0)
		return beginning

	def close(self) -> None:
		self.body.close()


def utc_now() -> datetime:
	return datetime.now(timezone.utc)


class Transport:
	"""Sends requests to one server, one at a time; `another` sends them at the same time. `clock` gives aware UTC; `sleep` and `wait` are tenacity's; `tries`: of one request."""

	def __init__(
		self,
		config: ServerConfig,
		clock: Callable[[], datetime] = utc_now,
		sleep: Callable[[float], None] = time.sleep,
		wait: Callable[[RetryCallState], float] | None = None,
		largest: int = LARGEST_ANSWER,
		tries: int = TRIES,
	):
		self.requests: list[RequestTrace] = []
		self._config = config
		self._clock = clock
		self._sleep = sleep
		self._wait = wait or wait_exponential(multiplier=0.5, max=4) + wait_random(0, 0.5)
		self._largest = largest
		self._tries = tries
		self._deadline = Deadline(config.timeout * DEADLINE_FACTOR)
		self._session: requests.Session | None = None
		self._retried = 0.0
		self._redactor = Redactor(config.password, user=config.user)
		self._is_closed = False
		self._quiet = Quiet()

	def keep_secret(self, secret: str) -> None:
		"""A token, or whatever else must show as little as the password; forgotten with this transport."""
		self._redactor.learn(secret)

	def another(self) -> Transport:
		"""One more to the same server, for requests at the same time."""
		made = Transport(self._config, self._clock, self._sleep, self._wait, self._largest, self._tries)
		made._quiet, made._redactor = self._quiet, self._redactor
		return made

	def redact(self, text: str) -> str:
		"""Somebody else's words."""
		return self._redactor.words(text)

	def redact_row(self, text: str) -> str:
		return self._redactor.row(text)

	def excerpt(self, text: str) -> str:
		return self._redactor.excerpt(text)

	def send(self, request: Request) -> Answer:
		"""Send, and send again after a transient failure while the run's time for that lasts.

		Only for operations that can be repeated. Raises ConfigurationError, AuthenticationError, TransientError or
		ProtocolError, whichever the status or the failure of the connection stands for.
		"""
		started = time.monotonic()
		retrying = Retrying(
			retry=retry_if_exception_type(TransientError),
			wait=self._wait,
			stop=self._no_time_left,
			sleep=self._sleep,
			reraise=True,
		)
		first_trace = len(self.requests)
		try:
			return retrying(self._once, request)
		finally:
			if len(self.requests) > first_trace + 1:
				self._retried += time.monotonic() - started

	def close(self) -> None:
		"""Also from another thread: the request that is under way ends with a TransientError."""
		self._is_closed = True
		self._deadline.end()
		if self._session is not None:
			self._session.close()
			self._session = None

	def _no_time_left(self, state: RetryCallState) -> bool:
		"""Whether another try, as long as the last one, would not fit: a long time-out is not waited for twice."""
		if self._deadline.passed or self._is_closed:
			return True
		last_try = self.requests[-1].duration_ms / 1000 if self.requests else 0.0
		spent = self._retried + (state.seconds_since_start or 0.0)
		return state.attempt_number >= self._tries or spent + last_try > RETRY_SECONDS

	def _once(self, request: Request) -> Answer:
		trace = RequestTrace(request.operation, self._clock(), request.window)
		self.requests.append(trace)
		started = time.monotonic()
		try:
			return self._exchange(request, trace)
		except SyncError:
			raise
		except (OSError, ValueError, HTTPError, http.client.HTTPException) as error:
			failure = self._connection_failure(request, error)
			trace.server_message = failure.message
			raise failure from error
		finally:
			trace.duration_ms = round((time.monotonic() - started) * 1000)

	def _exchange(self, request: Request, trace: RequestTrace) -> Answer:
		with self._deadline, self._sent(request) as response:
			trace.http_status = response.status_code
			body = self._body(request, response, trace)
			try:
				self._check_complete(request, response)
				self._check_status(request, response, body, trace)
			except BaseException:
				body.close()
				raise
		retry_after = response.headers.get("Retry-After", "")
		return Answer(request, response.status_code, body, _date(response), trace, retry_after)

	@contextmanager
	def _sent(self, request: Request) -> Iterator[requests.Response]:
		with nullcontext() if self._config.verify_tls else self._quiet:
			response = self._opened().request(
				request.method,
				request.url,
				data=_Sealed(request.body) if request.body else None,
				headers=request.headers,
				timeout=(min(CONNECT_TIMEOUT, self._config.timeout), self._config.timeout),
				allow_redirects=False,
				stream=True,
				# None lets REQUESTS_CA_BUNDLE decide; False must be said here, or that variable turns it on again
				verify=None if self._config.verify_tls else False,
			)
		with response:
			yield response

	def _opened(self) -> requests.Session:
		if self._session is None:
			session = requests.Session()
			# the environment's proxies are wanted, a login from a netrc file is not
			session.auth = _no_login
			session.headers.update({"User-Agent": "biometric-integration", "Accept-Encoding": "identity"})
			adapter = _Adapter(self._deadline, _tls_context(self._config))
			session.mount("http://", adapter)
			session.mount("https://", adapter)
			self._session = session
		return self._session

	def _body(self, request: Request, response: requests.Response, trace: RequestTrace) -> IO[bytes]:
		body: IO[bytes] = SpooledTemporaryFile(max_size=IN_MEMORY)
		try:
			for chunk in response.iter_content(CHUNK):
				trace.size += len(chunk)
				if trace.size > self._largest:
					raise ProtocolError(
						f"The answer of {request.place} is larger than {self._largest // 1024**2} MB: check the URL."
					)
				body.write(chunk)
		except BaseException:
			body.close()
			raise
		body.seek(0)
		return body

	def _check_complete(self, request: Request, response: requests.Response) -> None:
		if self._deadline.passed:
			raise TimeoutError("the deadline for the whole answer has passed")
		declared = response.headers.get("Content-Length", "")
		if declared.isdecimal() and response.raw.tell() < int(declared):
			raise http.client.IncompleteRead(b"", int(declared) - response.raw.tell())

	def _check_status(
		self, request: Request, response: requests.Response, body: IO[bytes], trace: RequestTrace
	) -> None:
		status = response.status_code
		if status in request.readable:
			return
		beginning = body.read(EXCERPT_BYTES).decode("utf-8", "replace")
		trace.excerpt = self.excerpt(beginning)
		kind, sentence = status_failure(status)
		target = self.redact(urlsplit(response.headers.get("Location", "")).hostname or "another page")
		trace.server_message = self.redact(f"HTTP {status} {response.reason or ''}".strip())
		message = sentence.format(place=request.place, path=request.path, status=status, target=target)
		raise kind(message, trace.excerpt)

	def _connection_failure(self, request: Request, error: BaseException) -> SyncError:
		"""The failure an exception stands for. What hangs on the exception (frames, the request sent) is cut off."""
		chain = list(_chain(error))
		kind, sentence = _tls_failure(chain) or next(
			failure
			for found, failure in CONNECTION_FAILURES
			if any(isinstance(link, found) for link in chain)
		)
		if self._is_closed:
			kind, sentence = (
				TransientError,
				"{place} was not waited for any longer.",
			)
		elif self._deadline.passed:
			kind, sentence = (
				SilentError,
				"{place} did not finish its answer in {deadline:g} seconds.",
			)
		for link in chain:
			link.__traceback__ = None
			link.__dict__.update(dict.fromkeys({"request", "response"} & set(link.__dict__)))
		timeout = self._config.timeout
		message = sentence.format(
			place=request.place,
			host=request.host,
			connect=min(CONNECT_TIMEOUT, timeout),
			timeout=timeout,
			deadline=self._deadline.seconds,
		)
		return kind(message, self.excerpt(f"{type(error).__name__}: {error}"))


class Deadline:
	"""Ends an exchange that goes on for too long. Per-read time-outs do not: a byte now and then keeps them happy."""

	def __init__(self, seconds: float):
		self.seconds = seconds
		self.passed = False
		self._socket: Any = None
		self._timer: threading.Timer | None = None

	def __enter__(self) -> Deadline:
		self.passed = False
		self._timer = threading.Timer(self.seconds, self.end)
		self._timer.daemon = True
		self._timer.start()
		return self

	def __exit__(self, *exception: object) -> None:
		if self._timer is not None:
			self._timer.cancel()
		self._socket = None

	def watch(self, connection_socket: Any) -> None:
		self._socket = connection_socket

	def end(self) -> None:
		self.passed = True
		watched = self._socket
		if watched is None:
			return
		# below TLS: an orderly TLS goodbye would wait for the other side
		shutdown = socket.socket.shutdown if isinstance(watched, socket.socket) else type(watched).shutdown
		try:
			shutdown(watched, socket.SHUT_RDWR)
		except OSError:
			pass  # closed already, which is what was wanted


class Quiet:
	"""Without urllib3's warning where verification was turned off on purpose. The filters of warnings are those of all threads."""

	def __init__(self) -> None:
		self._lock = threading.Lock()
		self._inside = 0
		self._filters = warnings.catch_warnings()

	def __enter__(self) -> None:
		with self._lock:
			self._inside += 1
			if self._inside == 1:
				self._filters = warnings.catch_warnings()
				self._filters.__enter__()
				warnings.simplefilter("ignore", InsecureRequestWarning)

	def __exit__(self, *exception: object) -> None:
		with self._lock:
			self._inside -= 1
			if not self._inside:
				self._filters.__exit__(None, None, None)


class _Adapter(HTTPAdapter):
	"""HTTPAdapter with our TLS context, whose connections show their socket to the deadline."""

	def __init__(self, deadline: Deadline, context: ssl.SSLContext | None):
		self._watched = deadline
		self._pool_options: dict[str, Any] = {"ssl_context": context} if context else {}
		super().__init__(max_retries=0)

	def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
		super().init_poolmanager(*args, **(kwargs | self._pool_options))

	def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
		return super().proxy_manager_for(*args, **(kwargs | self._pool_options))

	def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
		return self._with_deadline(super().get_connection_with_tls_context(*args, **kwargs))

	def get_connection(self, *args: Any, **kwargs: Any) -> Any:
		"""What requests before 2.32 calls."""
		return self._with_deadline(super().get_connection(*args, **kwargs))

	def _with_deadline(self, pool: Any) -> Any:
		if "ConnectionCls" not in vars(pool):
			pool.ConnectionCls = _watched_class(pool.ConnectionCls, self._watched)
		return pool


def _watched_class(connection_class: type[Any], deadline: Deadline) -> type[Any]:
	def getresponse(self: Any, *args: Any, **kwargs: Any) -> Any:
		deadline.watch(self.sock)
		return connection_class.getresponse(self, *args, **kwargs)

	return type("Watched", (connection_class,), {"getresponse": getresponse})


class _Sealed:
	"""A request body for one try. It is read as a file, so that no frame of the libraries holds it as a variable."""

	def __init__(self, content: bytes):
		self._content = content
		self._position = 0

	def __len__(self) -> int:
		return len(self._content)

	def __iter__(self) -> Iterator[bytes]:
		yield self.read()

	def read(self, size: int = -1) -> bytes:
		end = len(self._content) if size < 0 else self._position + size
		piece = self._content[self._position : end]
		self._position += len(piece)
		return piece


def _no_login(request: requests.PreparedRequest) -> requests.PreparedRequest:
	return request


def _tls_context(config: ServerConfig) -> ssl.SSLContext | None:
	"""Trusts the private authority besides the public ones; None where the default will do."""
	if not (config.verify_tls and config.ca_certificate.strip()):
		return None
	try:
		context = create_urllib3_context()
		context.load_verify_locations(cadata=config.ca_certificate)
	except (ssl.SSLError, ValueError) as error:
		raise ConfigurationError(
			"The CA certificate cannot be read: paste it in PEM form, from BEGIN CERTIFICATE to END CERTIFICATE.",
			str(error),
		) from error
	# Home-made authorities often miss extensions that Python 3.13 asks for, and may be the server's own certificate.
	context.verify_flags = (context.verify_flags | ssl.VERIFY_X509_PARTIAL_CHAIN) & ~ssl.VERIFY_X509_STRICT
	return context


def _tls_failure(chain: list[BaseException]) -> Failure | None:
	tls = next(
		(link for link in chain if isinstance(link, (ssl.SSLError, requests.exceptions.SSLError))), None
	)
	if tls is None:
		return None
	return next(failure for pattern, failure in TLS_FAILURES if re.search(pattern, str(tls), re.IGNORECASE))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
	"""An exception and everything that led to it."""
	seen: set[int] = set()
	waiting = [error]
	while waiting:
		link = waiting.pop(0)
		if link is None or id(link) in seen:
			continue
		seen.add(id(link))
		yield link
		waiting += [
			link.__cause__,
			link.__context__,
			*(part for part in link.args if isinstance(part, BaseException)),
		]


def _date(response: requests.Response) -> datetime | None:
	"""Aware UTC; an absurd date is none."""
	try:
		moment = parsedate_to_datetime(response.headers["Date"])
	except (KeyError, TypeError, ValueError):
		return None
	if moment.year not in PLAUSIBLE_YEARS:
		return None
	return moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
