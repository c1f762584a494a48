"""One TCP port of 127.0.0.1, and the HTTP conversations on it."""

from __future__ import annotations

import os
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Protocol

from .answers import Answer
from .faults import FaultKind, FaultPlan, Hits

HOST = "127.0.0.1"
# How often the accept loop looks whether it should end, in seconds; also the longest wait of a stop.
POLL = 0.02
# Linger on, for 0 seconds: close() sends RST and throws away what was not sent yet.
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Incoming:
	"""An HTTP request as it was read; the names of `headers` are in small letters."""

	method: str
	target: str
	content_type: str
	soap_action: str
	body: bytes
	headers: Mapping[str, str] = field(default_factory=dict)


class Host(Protocol):
	"""What answers the requests of a port."""

	faults: FaultPlan
	software: str

	def reply(self, incoming: Incoming) -> tuple[Answer, Hits]:
		"""Raises ConnectionError to say nothing at all."""

	def utc_now(self) -> datetime:
		"""What the `Date` header says: aware, in UTC."""

	def deafen(self, except_for: socket.socket) -> None:
		"""Refuses connections from now on."""

	def pause(self, seconds: float) -> None:
		"""Raises ConnectionError if the server is stopped meanwhile."""


class Port:
	"""Can be deaf for a while: connections are refused, the number stays ours. `tls` makes it speak https."""

	def __init__(self, host: Host, number: int, tls: ssl.SSLContext | None = None) -> None:
		self.number = number
		self.tls = tls
		self._host = host
		self._lock = threading.RLock()
		self._listener: _Listener | None = None
		self._is_listening = False

	def open(self) -> None:
		"""Binds the port. Until `listen`, connections to it are refused."""
		with self._lock:
			if self._listener is None:
				self._listener = _Listener(self._host, self.number, self.tls)
				self.number = self._listener.server_port

	def listen(self) -> None:
		with self._lock:
			if self._listener is None or self._is_listening:
				return
			self._listener.server_activate()
			self._is_listening = True
			threading.Thread(target=self._listener.serve_forever, args=(POLL,), daemon=True).start()

	def deafen(self, except_for: socket.socket | None = None) -> None:
		"""Refuses connections from now on; those that are open, save one, are closed."""
		with self._lock:
			if self._is_listening:
				self.close(except_for)
				self.open()

	def close(self, except_for: socket.socket | None = None) -> None:
		with self._lock:
			if self._listener is None:
				return
			if self._is_listening:
				self._listener.shutdown()
			self._listener.server_close()
			self._listener.hang_up(except_for)
			self._listener, self._is_listening = None, False


class _Listener(ThreadingHTTPServer):
	daemon_threads = True
	allow_reuse_address = os.name == "posix"  # elsewhere it would let two listen
	request_queue_size = 128

	def __init__(self, host: Host, number: int, tls: ssl.SSLContext | None) -> None:
		super().__init__((HOST, number), _Conversation, bind_and_activate=False)
		self.host = host
		self._tls = tls
		self._open: set[socket.socket] = set()
		self._to_reset: set[socket.socket] = set()
		self._lock = threading.Lock()
		try:
			self.server_bind()
		except OSError:
			self.server_close()
			raise

	def server_bind(self) -> None:
		# HTTPServer asks the DNS for the name of the host here, which can take seconds.
		TCPServer.server_bind(self)
		self.server_name, self.server_port = HOST, self.socket.getsockname()[1]

	def process_request(self, request: Any, client_address: Any) -> None:
		if self._tls:
			# The handshake comes with the first byte that is read, in the thread of the conversation.
			request = self._tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
		with self._lock:
			self._open.add(request)
		super().process_request(request, client_address)

	def shutdown_request(self, request: Any) -> None:
		with self._lock:
			self._open.discard(request)
			is_reset = request in self._to_reset
			self._to_reset.discard(request)
		if is_reset:
			# Without the shutdown() of the standard library, which would say good-bye first.
			self.close_request(request)
		else:
			super().shutdown_request(request)

	def reset(self, request: socket.socket) -> None:
		"""The connection ends with an RST when its conversation is over."""
		request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
		with self._lock:
			self._to_reset.add(request)

	def hang_up(self, except_for: socket.socket | None) -> None:
		with self._lock:
			connections = self._open - {except_for}
		for connection in connections:
			with suppress(OSError):  # The client may have been faster.
				connection.shutdown(socket.SHUT_RDWR)

	def handle_error(self, request: Any, client_address: Any) -> None:
		# A client that gave up, or a server that is stopped, is no error of ours.
		if not isinstance(sys.exc_info()[1], (ConnectionError, ssl.SSLError)):
			super().handle_error(request, client_address)


class _Conversation(BaseHTTPRequestHandler):
	server: _Listener
	protocol_version = "HTTP/1.1"
	disable_nagle_algorithm = True
	# Head and body leave in one piece: small answers are not held up by delayed acknowledgements.
	wbufsize = 1 << 16
	_skew = timedelta()

	def _converse(self) -> None:
		host = self.server.host
		answer, hits = host.reply(self._incoming())
		if FaultKind.RESET in hits:
			self.server.reset(self.connection)
			self.close_connection = True
			return
		if host.faults.is_refusing:
			# The last answer before the silence.
			host.deafen(self.connection)
			self.close_connection = True
		self._skew = timedelta(seconds=hits[FaultKind.CLOCK]["seconds"] if FaultKind.CLOCK in hits else 0)
		self._send_head(answer)
		self._send_body(answer, hits)

	do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _converse

	def _incoming(self) -> Incoming:
		length = int(self.headers.get("Content-Length") or 0)
		return Incoming(
			self.command,
			self.path,
			self.headers.get("Content-Type", ""),
			self.headers.get("SOAPAction", ""),
			self.rfile.read(length),
			{name.lower(): value for name, value in self.headers.items()},
		)

	def _send_head(self, answer: Answer) -> None:
		self.close_connection |= answer.sent is not None
		self.send_response(answer.status)
		for name, value in answer.headers.items():
			self.send_header(name, value)
		self.send_header("Content-Type", answer.content_type)
		self.send_header("Content-Length", str(len(answer.body)))
		if self.close_connection:
			self.send_header("Connection", "close")
		self.end_headers()

	def _send_body(self, answer: Answer, hits: Hits) -> None:
		body = answer.body[: answer.sent]
		if FaultKind.SLOW_DRIP in hits:
			self._drip(body, hits[FaultKind.SLOW_DRIP]["chunk"], hits[FaultKind.SLOW_DRIP]["pause"])
		else:
			self.wfile.write(body)

	def _drip(self, body: bytes, chunk: int, pause: float) -> None:
		for start in range(0, len(body), chunk):
			self.wfile.write(body[start : start + chunk])
			self.wfile.flush()
			self.server.host.pause(pause)

	def date_time_string(self, timestamp: float | None = None) -> str:
		return format_datetime(self.server.host.utc_now() + self._skew, usegmt=True)

	def version_string(self) -> str:
		return self.server.host.software

	def log_message(self, format: str, *args: Any) -> None:
		"""Says nothing: requests are in `FakeServer.requests`."""
