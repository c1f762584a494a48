"""The site as it runs for people: a web server, a queue and a worker, which are gone afterwards."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection

import frappe

PATIENCE = 60
WEB = (
	"gunicorn",
	"--workers",
	"2",
	"--threads",
	"4",
	"--timeout",
	"120",
	"--preload",
	"--log-level",
	"warning",
)
WORKER = ("frappe.utils.bench_helper", "frappe", "worker", "--queue", "default,short,long")


@contextmanager
def running() -> Iterator[str]:
	"""The URL. The queue is of its own: jobs that others left in that of the bench are not done here."""
	web, queue = _free_port(), _free_port()
	environment = {
		**os.environ,
		"FRAPPE_REDIS_QUEUE": f"redis://127.0.0.1:{queue}",
	}
	redis = ("redis-server", "--bind", "127.0.0.1", "--port", str(queue), "--save", "", "--appendonly", "no")
	with ExitStack() as stack:
		stack.enter_context(_process(redis, environment))
		_until(lambda: socket.create_connection(("127.0.0.1", queue)).close())
		gunicorn = (sys.executable, "-m", *WEB, "--bind", f"127.0.0.1:{web}", "frappe.app:application")
		for command in (gunicorn, (sys.executable, "-m", *WORKER)):
			stack.enter_context(_process(command, environment))
		_until(lambda: _ping(web))
		yield f"http://127.0.0.1:{web}"


@contextmanager
def _process(command: Sequence[str], environment: dict[str, str]) -> Iterator[None]:
	process = subprocess.Popen(
		command, cwd=frappe.local.sites_path, env=environment, stdout=subprocess.DEVNULL
	)
	try:
		yield
	finally:
		process.terminate()
		try:
			process.wait(20)
		except subprocess.TimeoutExpired:
			process.kill()
			process.wait()


def _free_port() -> int:
	with socket.socket() as found:
		found.bind(("127.0.0.1", 0))
		return found.getsockname()[1]


def _ping(port: int) -> None:
	connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
	connection.request("GET", "/api/method/ping", headers={"Host": frappe.local.site})
	if (status := connection.getresponse().status) != 200:
		raise ConnectionError(f"HTTP {status}")


def _until(succeeds) -> None:
	end = time.monotonic() + PATIENCE
	while True:
		try:
			return succeeds()
		except OSError:
			if time.monotonic() > end:
				raise
			time.sleep(0.1)
