from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import tracemalloc
import unittest
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from traceback import TracebackException
from typing import Any
from unittest.mock import patch

from urllib3.exceptions import InsecureRequestWarning

from biometric_integration.connectors.redaction import Secret
from biometric_integration.connectors.registry import CONNECTORS, connect
from biometric_integration.connectors.transport import RETRY_SECONDS, TRIES, Answer, Quiet, Request, Transport
from biometric_integration.core.connector import ServerConfig
from biometric_integration.core.errors import (
	AuthenticationError,
	ConfigurationError,
	ProtocolError,
	SyncError,
	TransientError,
)

NOW = datetime(2025, 4, 7, 9, tzinfo=timezone.utc)
PASSWORD = "p&ss"
OPENSSL = shutil.which("openssl")


class Handler(BaseHTTPRequestHandler):
	"""Answers with what the test says: status, headers, body."""

	protocol_version = "HTTP/1.1"
	reply: Callable[[Handler], None]
	seen: list[dict[str, str]]

	def do_POST(self) -> None:
		self.rfile.read(int(self.headers.get("Content-Length", "0")))
		self.seen.append({**self.headers, "method": self.command})
		type(self).reply(self)

	do_GET = do_POST

	def log_message(self, format: str, *args: Any) -> None:
		pass


def says(status: int, body: bytes = b"<x/>", **headers: str) -> Callable[[Handler], None]:
	def reply(handler: Handler) -> None:
		handler.send_response(status)
		for name, value in {"Content_Length": str(len(body)), **headers}.items():
			handler.send_header(name.replace("_", "-"), value)
		handler.end_headers()
		handler.wfile.write(body)

	return reply


@contextmanager
def serving(reply: Callable[[Handler], None], context: ssl.SSLContext | None = None) -> Iterator[Any]:
	handler = type("Scripted", (Handler,), {"reply": staticmethod(reply), "seen": []})
	server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
	server.daemon_threads = True
	server.handle_error = lambda *_: None  # a client that hangs up is what some tests are about
	if context:
		server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
	threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
	try:
		server.url = f"http{'s' if context else ''}://127.0.0.1:{server.server_port}"
		server.seen = handler.seen
		yield server
	finally:
		server.shutdown()
		server.server_close()


class TransportCase(unittest.TestCase):
	def transport(self, url: str, largest: int | None = None, **changes: Any) -> Transport:
		config = ServerConfig("main", "eBioServer", url, "api", PASSWORD, **{"timeout": 2, **changes})
		self.slept: list[float] = []
		options = {} if largest is None else {"largest": largest}
		transport = Transport(config, lambda: NOW, self.slept.append, **options)
		self.addCleanup(transport.close)
		return transport

	def post(self, transport: Transport, url: str) -> Answer:
		answer = transport.send(
			Request("GetDeviceLogs", f"{url}/x.asmx", {"X-Test": "1"}, b"<a>p&amp;ss</a>")
		)
		self.addCleanup(answer.close)
		return answer

	def failure(self, transport: Transport, url: str) -> SyncError:
		with self.assertRaises(SyncError) as caught:
			self.post(transport, url)
		return caught.exception


class TransportTest(TransportCase):
	def test_an_answer_comes_with_its_trace_and_the_clock_of_the_server(self) -> None:
		with serving(says(200, b"<x>1</x>", Date="Mon, 07 Apr 2025 03:30:00 GMT")) as server:
			transport = self.transport(server.url)
			answer = self.post(transport, server.url)
		self.assertEqual(answer.body.read(), b"<x>1</x>")
		self.assertEqual(transport.requests, [answer.trace])
		self.assertEqual((answer.trace.at, answer.trace.http_status, answer.trace.size), (NOW, 200, 8))
		self.assertEqual(answer.trace.operation, "GetDeviceLogs")

	def test_the_date_header_is_aware_utc_or_none(self) -> None:
		for header, expected in (
			("Mon, 07 Apr 2025 03:30:00 GMT", datetime(2025, 4, 7, 3, 30, tzinfo=timezone.utc)),
			("soon", None),
		):

			def reply(handler: Handler, header: str = header) -> None:
				handler.send_response_only(200)
				handler.send_header("Date", header)
				handler.send_header("Content-Length", "4")
				handler.end_headers()
				handler.wfile.write(b"<x/>")

			with serving(reply) as server:
				self.assertEqual(self.post(self.transport(server.url), server.url).server_time, expected)

	def test_each_status_is_of_the_documented_class(self) -> None:
		expected = {
			204: ProtocolError,
			302: ConfigurationError,
			400: ConfigurationError,
			401: AuthenticationError,
			403: AuthenticationError,
			404: ConfigurationError,
			405: ConfigurationError,
			407: ConfigurationError,
			415: ConfigurationError,
			418: ConfigurationError,
			429: TransientError,
			501: TransientError,
			502: TransientError,
			503: TransientError,
			504: TransientError,
			600: ProtocolError,
		}
		for status, kind in expected.items():
			with (
				self.subTest(status=status),
				serving(says(status, b"" if status == 204 else b"<p>p&amp;ss</p>")) as server,
			):
				transport = self.transport(server.url)
				error = self.failure(transport, server.url)
				self.assertIs(type(error).error_class, kind.error_class, error.message)
				self.assertIn(f"127.0.0.1:{server.server_port}", error.message)
				self.assertEqual(transport.requests[-1].http_status, status)
				self.assertNotIn("ss", transport.requests[-1].excerpt)
				self.assertEqual(len(transport.requests), TRIES if kind is TransientError else 1)

	def test_a_redirect_is_not_followed_and_names_the_host_only(self) -> None:
		with serving(says(302, Location="http://elsewhere.example/login?token=abc")) as server:
			error = self.failure(self.transport(server.url), server.url)
			self.assertEqual(len(server.seen), 1)
		self.assertIn("elsewhere.example", error.message)
		self.assertNotIn("abc", error.message + error.detail)

	def test_transient_failures_are_tried_again_with_growing_waits(self) -> None:
		answers = [says(503), says(429), says(200)]
		with serving(lambda handler: answers.pop(0)(handler)) as server:
			transport = self.transport(server.url)
			self.post(transport, server.url)
		self.assertEqual([trace.http_status for trace in transport.requests], [503, 429, 200])
		self.assertEqual(len(self.slept), 2)
		self.assertTrue(0.5 <= self.slept[0] <= 1 <= self.slept[1] <= 1.5, self.slept)

	def test_a_run_spends_a_limited_time_on_repeated_tries(self) -> None:
		with serving(says(503)) as server:
			transport = self.transport(server.url)
			transport._retried = RETRY_SECONDS
			self.failure(transport, server.url)
			self.assertEqual(len(server.seen), 1)

	def test_a_try_that_took_long_is_not_repeated(self) -> None:
		with serving(says(503)) as server:
			transport = self.transport(server.url)
			with patch(
				"biometric_integration.connectors.transport.time.monotonic", iter(range(0, 1000, 11)).__next__
			):
				self.failure(transport, server.url)
			self.assertEqual(len(server.seen), 1)

	def test_an_answer_that_drips_ends_at_the_deadline(self) -> None:
		def drip_body(handler: Handler) -> None:
			says(200, b"", Content_Length="1000")(handler)
			self.drip(handler)

		def drip_head(handler: Handler) -> None:
			handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
			self.drip(handler)

		def drip_without_length(handler: Handler) -> None:
			handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
			self.drip(handler)

		for reply in (drip_body, drip_head, drip_without_length):
			with self.subTest(reply.__name__), serving(reply) as server:
				transport = self.transport(server.url, timeout=0.2)
				transport._retried = RETRY_SECONDS
				started = time.monotonic()
				error = self.failure(transport, server.url)
				self.assertLess(time.monotonic() - started, 3)
				self.assertIsInstance(error, TransientError)
				self.assertIn("0.8 seconds", error.message)

	def drip(self, handler: Handler) -> None:
		for _ in range(200):
			handler.wfile.write(b"x")
			handler.wfile.flush()
			time.sleep(0.05)

	def test_a_cut_body_is_transient_with_and_without_a_length(self) -> None:
		def chunked(handler: Handler) -> None:
			handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n<x")
			handler.close_connection = True

		def short(handler: Handler) -> None:
			says(200, b"<x", Content_Length="100")(handler)
			handler.close_connection = True

		for reply in (chunked, short):
			with self.subTest(reply.__name__), serving(reply) as server:
				error = self.failure(self.transport(server.url), server.url)
				self.assertIsInstance(error, TransientError)
				self.assertIn("broke off", error.message)

	def test_a_server_that_speaks_no_http_is_a_protocol_error(self) -> None:
		with serving(lambda handler: handler.wfile.write(b"220 smtp ready\r\n\r\n")) as server:
			self.assertIsInstance(self.failure(self.transport(server.url), server.url), ProtocolError)

	def test_an_answer_that_is_too_large_is_refused(self) -> None:
		with serving(says(200, b"x" * 300_000)) as server:
			error = self.failure(self.transport(server.url, largest=200_000), server.url)
		self.assertIsInstance(error, ProtocolError)

	def test_memory_does_not_grow_with_the_answer(self) -> None:
		block = b"x" * 1_000_000

		def reply(handler: Handler) -> None:
			handler.send_response(200)
			handler.send_header("Content-Length", str(len(block) * 50))
			handler.end_headers()
			for _ in range(50):
				handler.wfile.write(block)

		with serving(reply) as server:
			transport = self.transport(server.url, timeout=20)
			tracemalloc.start()
			answer = self.post(transport, server.url)
			peak = tracemalloc.get_traced_memory()[1]
			tracemalloc.stop()
		self.assertEqual(answer.trace.size, 50_000_000)
		self.assertLess(peak, 8_000_000)

	def test_a_login_from_a_netrc_file_is_not_sent(self) -> None:
		with tempfile.TemporaryDirectory() as folder, serving(says(200)) as server:
			netrc = Path(folder, "netrc")
			netrc.write_text("machine 127.0.0.1 login someone password theirs\n")
			with patch.dict(os.environ, {"NETRC": str(netrc)}):
				self.post(self.transport(server.url), server.url)
			self.assertNotIn("Authorization", server.seen[0])

	def test_a_proxy_of_the_environment_is_used(self) -> None:
		with serving(says(200)) as proxy:
			with patch.dict(os.environ, {"http_proxy": proxy.url, "no_proxy": "", "NO_PROXY": ""}):
				self.post(self.transport("http://attendance.invalid"), "http://attendance.invalid")
			self.assertEqual(proxy.seen[0]["Host"], "attendance.invalid")

	def test_a_proxy_that_is_down_is_named_as_the_cause(self) -> None:
		with patch.dict(
			os.environ, {"http_proxy": f"http://127.0.0.1:{free_port()}", "no_proxy": "", "NO_PROXY": ""}
		):
			error = self.failure(self.transport("http://attendance.invalid"), "http://attendance.invalid")
		self.assertIsInstance(error, TransientError)
		self.assertIn("proxy", error.message)

	def test_a_get_has_no_body_and_reads_the_codes_that_it_asks_for(self) -> None:
		with serving(says(403, b'{"detail": "no licence"}')) as server:
			transport = self.transport(server.url)
			request = Request("list", f"{server.url}/list/", {}, method="GET", readable={200, 403})
			answer = transport.send(request)
			self.addCleanup(answer.close)
			self.assertEqual((answer.status, answer.body.read()), (403, b'{"detail": "no licence"}'))
			self.assertEqual(server.seen[0]["method"], "GET")
			self.assertNotIn("Content-Length", server.seen[0])
			for other in (replace(request, readable={200}), replace(request, method="HEAD", readable={200})):
				with self.assertRaises(SyncError):
					transport.send(other)

	def test_what_was_learned_to_be_secret_shows_as_little_as_the_password(self) -> None:
		token = "eyJhbGciOi.eyJ1c2VyX2lk.c2lnbmF0dXJl"

		def reply(handler: Handler) -> None:
			says(418, f"{PASSWORD} {token} {handler.headers['Authorization']}".encode())(handler)

		with serving(reply) as server:
			transport = self.transport(server.url)
			transport.keep_secret(token)
			request = Request("list", server.url, {"Authorization": Secret(f"JWT {token}")}, method="GET")
			with self.assertRaises(SyncError) as caught:
				transport.send(request)
			shown = [str(transport.requests), repr(request), repr(vars(transport)), caught.exception.detail]
			shown += TracebackException.from_exception(caught.exception, capture_locals=True).format()
		for text in shown:
			self.assertNotIn("eyJ", text)
			self.assertNotIn(PASSWORD, text)
		self.assertIn("***", caught.exception.detail)
		self.assertNotIn("eyJ", transport.redact_row(f"31\t{token}"))

	def test_a_refused_connection_says_where(self) -> None:
		port = free_port()
		error = self.failure(self.transport(f"http://127.0.0.1:{port}"), f"http://127.0.0.1:{port}")
		self.assertIsInstance(error, TransientError)
		self.assertIn(f"127.0.0.1:{port} refuses", error.message)

	def test_a_failure_keeps_its_cause_but_not_what_was_sent(self) -> None:
		port = free_port()
		error = self.failure(self.transport(f"http://127.0.0.1:{port}"), f"http://127.0.0.1:{port}")
		self.assertIsNotNone(error.__cause__)
		self.assertIsNone(error.__cause__.request)
		self.assertIsNone(error.__cause__.__traceback__)


class RegistryTest(unittest.TestCase):
	def test_each_server_type_has_its_connector(self) -> None:
		for server_type, connector in CONNECTORS.items():
			self.assertIsInstance(connect(ServerConfig("main", server_type, "http://h")), connector)

	def test_an_unknown_server_type_is_a_configuration_error_that_names_the_known_ones(self) -> None:
		with self.assertRaisesRegex(ConfigurationError, "eBioServer, eTimeTrackLite"):
			connect(ServerConfig("main", "Other", "http://h"))


@unittest.skipUnless(OPENSSL, "needs openssl to make certificates")
class TlsTest(TransportCase):
	@classmethod
	def setUpClass(cls) -> None:
		folder = tempfile.TemporaryDirectory()
		cls.addClassCleanup(folder.cleanup)
		cls.folder = Path(folder.name)
		(cls.folder / "san").write_text("subjectAltName=IP:127.0.0.1\n")
		cls.openssl(
			"req",
			"-x509",
			"-newkey",
			"rsa:2048",
			"-nodes",
			"-days",
			"2",
			"-subj",
			"/CN=Our CA",
			"-keyout",
			"ca.key",
			"-out",
			"ca.pem",
		)
		cls.openssl(
			"req",
			"-newkey",
			"rsa:2048",
			"-nodes",
			"-subj",
			"/CN=attendance",
			"-keyout",
			"server.key",
			"-out",
			"server.csr",
		)
		cls.openssl(
			"x509",
			"-req",
			"-in",
			"server.csr",
			"-CA",
			"ca.pem",
			"-CAkey",
			"ca.key",
			"-CAcreateserial",
			"-days",
			"2",
			"-extfile",
			"san",
			"-out",
			"server.pem",
		)
		cls.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
		cls.context.load_cert_chain(cls.folder / "server.pem", cls.folder / "server.key")
		cls.authority = (cls.folder / "ca.pem").read_text()

	@classmethod
	def openssl(cls, *arguments: str) -> None:
		subprocess.run([OPENSSL, *arguments], cwd=cls.folder, check=True, capture_output=True)

	def test_a_certificate_nobody_knows_is_a_configuration_error_that_names_the_option(self) -> None:
		with serving(says(200), self.context) as server:
			transport = self.transport(server.url)
			error = self.failure(transport, server.url)
		self.assertIsInstance(error, ConfigurationError)
		self.assertIn("private certificate authority", error.message)
		self.assertEqual(len(transport.requests), 1)

	def test_a_private_authority_is_trusted_when_it_is_entered(self) -> None:
		with serving(says(200), self.context) as server:
			self.post(self.transport(server.url, ca_certificate=self.authority), server.url)

	def test_the_certificate_of_the_server_itself_may_be_entered(self) -> None:
		with serving(says(200), self.context) as server:
			own = (self.folder / "server.pem").read_text()
			self.post(self.transport(server.url, ca_certificate=own), server.url)

	def test_a_certificate_for_another_host_is_not_enough(self) -> None:
		with serving(says(200), self.context) as server:
			url = server.url.replace("127.0.0.1", "localhost")
			error = self.failure(self.transport(url, ca_certificate=self.authority), url)
		self.assertIsInstance(error, ConfigurationError)
		self.assertIn("certificate", error.message)

	def test_another_authority_is_not_enough(self) -> None:
		self.openssl(
			"req",
			"-x509",
			"-newkey",
			"rsa:2048",
			"-nodes",
			"-days",
			"2",
			"-subj",
			"/CN=Other",
			"-keyout",
			"o.key",
			"-out",
			"o.pem",
		)
		with serving(says(200), self.context) as server:
			other = (self.folder / "o.pem").read_text()
			self.assertIsInstance(
				self.failure(self.transport(server.url, ca_certificate=other), server.url), ConfigurationError
			)

	def test_verification_can_be_turned_off_without_a_warning(self) -> None:
		environment = {"REQUESTS_CA_BUNDLE": str(self.folder / "ca.pem")}
		with (
			serving(says(200), self.context) as server,
			warnings.catch_warnings(),
			patch.dict(os.environ, environment),
		):
			warnings.simplefilter("error")
			self.post(self.transport(server.url, verify_tls=False), server.url)

	def test_a_certificate_that_is_none_is_a_configuration_error(self) -> None:
		error = self.failure(self.transport("https://h", ca_certificate="hello"), "https://h")
		self.assertIsInstance(error, ConfigurationError)
		self.assertIn("PEM", error.message)

	def test_https_to_a_plain_port_says_so(self) -> None:
		with serving(says(200)) as server:
			url = server.url.replace("http:", "https:")
			error = self.failure(self.transport(url), url)
		self.assertIsInstance(error, ConfigurationError)
		self.assertIn("http://", error.message)

	def test_a_slow_answer_over_tls_ends_at_the_deadline(self) -> None:
		def reply(handler: Handler) -> None:
			handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
			for _ in range(100):
				handler.wfile.write(b"x")
				time.sleep(0.05)

		with serving(reply, self.context) as server:
			transport = self.transport(server.url, ca_certificate=self.authority, timeout=0.3)
			transport._retried = RETRY_SECONDS
			error = self.failure(transport, server.url)
		self.assertIsInstance(error, TransientError)
		self.assertIn("1.2 seconds", error.message)


class QuietTest(unittest.TestCase):
	def test_the_filters_of_warnings_are_as_before_whoever_leaves_first(self) -> None:
		quiet, before = Quiet(), list(warnings.filters)
		inside, leave = threading.Barrier(2), threading.Event()

		def other() -> None:
			with quiet:
				inside.wait(5)
				leave.wait(5)

		thread = threading.Thread(target=other)
		with quiet:
			thread.start()
			inside.wait(5)
			with warnings.catch_warnings(record=True) as heard:
				warnings.warn("x", InsecureRequestWarning, stacklevel=1)
		self.assertEqual(heard, [])
		self.assertNotEqual(warnings.filters, before, "the other one is still inside")
		leave.set()
		thread.join()
		self.assertEqual(warnings.filters, before)


def free_port() -> int:
	with socket.socket() as probe:
		probe.bind(("127.0.0.1", 0))
		return probe.getsockname()[1]
