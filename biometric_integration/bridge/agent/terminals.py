"""The port for devices that push: plain HTTP with bounds, for clients that are slow, many or hostile.

A fixed number of threads, each with a spool of its own; what waits for one has a bound as well. A request has a deadline for all of it, so that a
byte now and then keeps nothing busy. A connection is for one request.
"""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from datetime import datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from queue import Full, Queue
from socketserver import BaseRequestHandler, TCPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from biometric_integration.bridge.agent.door import Door
from biometric_integration.bridge.agent.spool import Spool
from biometric_integration.core.errors import ConfigurationError, SyncError
from biometric_integration.receivers.adms.conversation import LATER, PATH, Answer, is_endpoint, plain_serial

SOFTWARE = "biometric-integration"
THREADS = 12
WAITING = 64
"""Connections that wait for a thread."""
OF_ONE = 6
"""Connections of one address at a time."""
SILENCE = 15.0
DEADLINE = 45.0
"""Seconds: of one silence, and of all of a request."""
MOST_BYTES = 4 * 1024 * 1024
LONGEST_LINE = 65536
PUNCHES = ("attlog", "rtlog")
"""Tables that hold punches."""
NOT_FOUND = Answer("Not Found", 404)
TOO_LARGE = Answer("Too large", 413)
NOT_READ = Answer("Not understood", 400)


class Terminals(TCPServer):
	"""`listen`, then `close`. Raises ConfigurationError where the address cannot be used."""

	allow_reuse_address = os.name == "posix"  # elsewhere it would let two listen
	request_queue_size = 128

	def __init__(
		self,
		host: str,
		port: int,
		door: Door,
		open_spool: Callable[[], Spool],
		deadline: float = DEADLINE,
		silence: float = SILENCE,
		threads: int = THREADS,
	):
		self.door = door
		self.silence = silence
		self._open_spool = open_spool
		self._deadline = deadline
		self._threads = threads
		self._queue: Queue[tuple[socket.socket, str] | None] = Queue(WAITING)
		self._lock = threading.Lock()
		self._ends: dict[socket.socket, float] = {}
		self._of_address: Counter[str] = Counter()
		self._workers: list[threading.Thread] = []
		self._is_closing = False
		self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
		try:
			super().__init__((host, port), BaseRequestHandler)  # ours is made by the threads
		except (OSError, OverflowError) as error:
			raise ConfigurationError(f"Devices cannot push to {host}:{port}: {error}.", str(error)) from error

	@property
	def port(self) -> int:
		return int(self.server_address[1])

	def listen(self) -> None:
		"""Begin; returns at once."""
		jobs: list[Callable[[], None]] = [self._work] * self._threads + [lambda: self.serve_forever(0.2)]
		self._workers = [threading.Thread(target=job, daemon=True) for job in jobs]
		for worker in self._workers:
			worker.start()

	def close(self, patience: float = 3.0) -> None:
		"""What is under way may end; what takes longer is cut off. A device sends again what was not acknowledged."""
		self._is_closing = True
		self.shutdown()
		self.server_close()
		for _worker in range(self._threads):
			with suppress(Full):
				self._queue.put(None, timeout=0.1)
		end = time.monotonic() + patience
		for worker in self._workers:
			worker.join(max(0.0, end - time.monotonic()))
		self._hang_up(float("inf"))

	# --- in the thread that accepts

	def process_request(self, request: Any, client_address: Any) -> None:
		address = str(client_address[0])
		with self._lock:
			is_welcome = self._of_address[address] < OF_ONE and self.door.lets_in(address)
			if is_welcome:
				self._of_address[address] += 1
				self._ends[request] = time.monotonic() + self._deadline
		if not is_welcome:
			self.shutdown_request(request)
			return
		try:
			self._queue.put_nowait((request, address))
		except Full:
			self._done(request, address)

	def service_actions(self) -> None:
		"""Several times a second: those whose time is over."""
		self._hang_up(time.monotonic())

	def _hang_up(self, now: float) -> None:
		with self._lock:
			late = [request for request, end in self._ends.items() if end <= now]
		for request in late:
			with suppress(OSError):
				request.shutdown(socket.SHUT_RDWR)

	def handle_error(self, request: Any, client_address: Any) -> None:
		"""A client that gave up, or was given up, is no news."""

	# --- in the threads that answer

	def _work(self) -> None:
		spool: Spool | None = None
		while (item := self._queue.get()) is not None:
			request, address = item
			try:
				spool = spool or self._opened()
				Conversation(request, address, self, spool)
			except OSError:
				pass  # a client that is gone: it tries again
			except Exception as error:
				self.door.journal.trouble("push", f"A request of a device failed: {type(error).__name__}.")
				if spool:
					spool.close()
				spool = None
			finally:
				self._done(request, address)
		if spool:
			spool.close()

	def _opened(self) -> Spool | None:
		try:
			return self._open_spool()
		except SyncError as error:
			self.door.journal.trouble("push spool", error.message)
			return None

	def _done(self, request: socket.socket, address: str) -> None:
		with self._lock:
			self._ends.pop(request, None)
			self._of_address[address] -= 1
			if self._of_address[address] <= 0:
				del self._of_address[address]
		with suppress(OSError):
			self.shutdown_request(request)


class Conversation(BaseHTTPRequestHandler):
	"""One request. HTTP/1.1 in words, one request a connection."""

	protocol_version = "HTTP/1.1"
	disable_nagle_algorithm = True
	wbufsize = 1 << 16

	def __init__(self, request: Any, address: str, server: Terminals, spool: Spool | None):
		self._terminals = server
		self._spool = spool
		self._address = address
		super().__init__(request, (address, 0), server)

	def setup(self) -> None:
		self.request.settimeout(self._terminals.silence)
		super().setup()

	def handle(self) -> None:
		self.close_connection = True
		self.handle_one_request()
		self.close_connection = True

	def _answered(self) -> None:
		self._say(self._answer())

	do_GET = do_POST = do_HEAD = _answered

	def _answer(self) -> Answer:
		parts = urlsplit(self.path)
		found = PATH.fullmatch(parts.path.removeprefix("/"))
		endpoint = found["endpoint"].lower() if found else ""
		if not is_endpoint(endpoint):
			return NOT_FOUND
		query: dict[str, str] = {}
		for name, value in parse_qsl(
			parts.query, keep_blank_values=True, errors="replace", max_num_fields=50
		):
			query.setdefault(name, value)
		body: bytes | Answer = NOT_READ
		try:
			body = self._body()
		finally:
			if isinstance(body, Answer) or self._spool is None:
				self._broke_off(query)
		if isinstance(body, Answer):
			return body
		if self._spool is None:
			return LATER
		return self._terminals.door.answer(self._spool, self.command, endpoint, query, body, self._address)

	def _broke_off(self, query: Mapping[str, str]) -> None:
		"""A device of which no upload gets through has punches that are not here, however often it is heard."""
		if query.get("table", "").strip().casefold() in PUNCHES:
			self._terminals.door.broke_off(plain_serial(query.get("SN", "")))

	def _body(self) -> bytes | Answer:
		if self.headers.get("Expect", "").lower() == "100-continue":
			self.send_response_only(100)
			self.end_headers()
			self.wfile.flush()
		if self.headers.get("Transfer-Encoding", "identity").lower() != "identity":
			return self._chunks()
		length = self.headers.get("Content-Length", "0").strip()
		if not (length.isascii() and length.isdigit()):
			return NOT_READ
		if int(length[:12]) > MOST_BYTES or len(length) > 12:
			return self._refused_as_too_large()
		body = self.rfile.read(int(length))
		return body if len(body) == int(length) else NOT_READ

	def _chunks(self) -> bytes | Answer:
		body = b""
		while True:
			size = self.rfile.readline(LONGEST_LINE).split(b";")[0].strip()
			if not re.fullmatch(rb"[0-9A-Fa-f]{1,7}", size):
				return NOT_READ
			if not (length := int(size, 16)):
				return body
			if len(body) + length > MOST_BYTES:
				return self._refused_as_too_large()
			piece = self.rfile.read(length)
			if len(piece) < length:
				return NOT_READ
			body += piece
			self.rfile.readline(LONGEST_LINE)

	def _refused_as_too_large(self) -> Answer:
		self._terminals.door.journal.trouble(
			f"large {self._address}",
			f"A device at {self._address} sent more than {MOST_BYTES // 1024**2} MB at once: refused.",
		)
		return TOO_LARGE

	def _say(self, answer: Answer) -> None:
		body = answer.text.encode()
		self.send_response(answer.status)
		self.send_header("Content-Type", "text/plain")
		self.send_header("Content-Length", str(len(body)))
		self.send_header("Connection", "close")
		self.end_headers()
		if self.command != "HEAD":
			self.wfile.write(body)

	def date_time_string(self, timestamp: float | None = None) -> str:
		"""Devices set their clocks by it (essl-protocol §6)."""
		now: datetime = self._terminals.door.now()
		return format_datetime(now, usegmt=True)

	def version_string(self) -> str:
		return SOFTWARE

	def log_message(self, format: str, *args: Any) -> None:
		"""What is worth knowing is in the journal."""


def is_ours(host: str, port: int) -> bool:
	"""Does a bridge listen there already?"""
	with suppress(OSError), closing(socket.create_connection((host, port), timeout=3)) as connection:
		connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
		return SOFTWARE.encode() in connection.recv(1000)
	return False
