"""The site behind a real port, as a device reaches it: frappe's own application, in threads of this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.serving import WSGIRequestHandler, make_server

import frappe
import frappe.app


class _Quiet(WSGIRequestHandler):
	def log_request(self, *_words) -> None:
		pass


@contextmanager
def served() -> Iterator[str]:
	"""Its URL. Which site is meant says the Host header."""
	server = make_server("127.0.0.1", 0, frappe.app.application, threaded=True, request_handler=_Quiet)
	server.daemon_threads, server.log = True, lambda *_words: None
	thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
	thread.start()
	try:
		yield f"http://127.0.0.1:{server.server_port}"
	finally:
		server.shutdown()
		server.server_close()
		thread.join()
