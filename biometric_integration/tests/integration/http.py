"""The site as others reach it: the whole application, over a socket on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from threading import Thread
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

import frappe
import frappe.app

API = "/api/method/biometric_integration.api."


@dataclass(frozen=True)
class Answer:
	status: int
	body: bytes
	kind: str

	@property
	def message(self) -> Any:
		return json.loads(self.body)["message"]


@dataclass(frozen=True)
class Site:
	port: int

	@property
	def url(self) -> str:
		return f"http://127.0.0.1:{self.port}"

	def post(self, path: str, body: bytes = b"", kind: str = "application/json", **headers: str) -> Answer:
		return self.ask("POST", path, body, {"Content-Type": kind, **headers})

	def ask(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
		connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
		try:
			connection.request(method, path, body, headers or {})
			answer = connection.getresponse()
			return Answer(answer.status, answer.read(), answer.getheader("Content-Type") or "")
		finally:
			connection.close()


class Quiet(WSGIRequestHandler):
	def log_request(self, *_arguments: object) -> None:
		"""The output of the tests is for tests."""


@contextmanager
def serving() -> Iterator[Site]:
	"""What is committed on the site of the test is seen; commit before you ask, and look on a fresh view of the data."""
	before, frappe.app._site = frappe.app._site, frappe.local.site
	server = make_server("127.0.0.1", 0, frappe.app.application, threaded=True, request_handler=Quiet)
	thread = Thread(target=server.serve_forever, daemon=True)
	thread.start()
	try:
		yield Site(server.server_port)
	finally:
		server.shutdown()
		thread.join()
		server.server_close()
		frappe.app._site = before
