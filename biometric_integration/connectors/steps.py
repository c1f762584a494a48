"""The connection test: name, TCP, HTTP, login, operation, parse. The first failure ends it, the rest is still named."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from requests.utils import get_environ_proxies, select_proxy

from biometric_integration.connectors.endpoint import PORTS, endpoint_of
from biometric_integration.core.connector import Page, ServerConfig, Step
from biometric_integration.core.errors import (
	AmbiguousError,
	AuthenticationError,
	ConfigurationError,
	SyncError,
	TransientError,
	UnreachableError,
)
from biometric_integration.core.punch import Unreadable

FIXES: Mapping[str, str] = {
	"Name": "Check the host in the Endpoint URL, or enter the IP address of the server.",
	"TCP": "Check that the server is switched on, that the port is right, and that no firewall is in between.",
	"HTTP": "Check the Endpoint URL: http:// or https://, port and path. Open it in a browser on this network.",
	"Login": "Check API User and API Password, and that this login has the Web API permission on the server.",
	"Operation": "Check the server type, and the serial numbers or the location. If they are right, the server's own log says more.",
	"Parse": "Check the server type. If it is right, report the excerpt on the sync log.",
}
"""Steps in their order, each with what to do about a failure."""
FAULT_OF_THE_SERVER = (
	"The server itself could not do it: test again in a while. If it lasts, its own log says more."
)
SETTING = "Change this in the settings, save, and test again."

Attempts = Mapping[str, Callable[[], str]]
"""Per step a call that gives a message, or raises SyncError."""


def walk(attempts: Attempts) -> Iterator[Step]:
	"""The steps in the order of FIXES, each tried when it is taken."""
	failed = False
	for step in FIXES:
		if failed:
			yield Step(step, None, "Not tried, because an earlier step failed.")
			continue
		try:
			yield Step(step, True, attempts[step]())
		except SyncError as error:
			failed = True
			yield Step(step, False, error.message, _fix(step, error), error.error_class.value)


def _fix(step: str, error: SyncError) -> str:
	"""No other login mends a fault of the server, or a wrong address; whatever the step, a refused login is one, and may be one where the server says the same to both."""
	if isinstance(error, (AmbiguousError, AuthenticationError)):
		return FIXES["Login"]
	unreached = step in ("TCP", "HTTP") and isinstance(error, UnreachableError)
	if isinstance(error, TransientError) and not unreached:
		return FAULT_OF_THE_SERVER
	if step == "Login":
		return SETTING if isinstance(error, ConfigurationError) else FIXES["Parse"]
	return FIXES[step]


@dataclass(frozen=True)
class Reach:
	"""The first two steps. Where the environment names a proxy for the server, it is the proxy that must be reached."""

	config: ServerConfig

	def name(self) -> str:
		host, port = self._target()
		try:
			found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
		except (OSError, UnicodeError) as error:
			raise ConfigurationError(f"The name {host} is not known.", str(error)) from error
		address = found[0][4][0]
		return f"{host} is an address already." if address == host else f"{host} is {address}."

	def tcp(self) -> str:
		host, port = self._target()
		try:
			socket.create_connection((host, port), timeout=min(10, self.config.timeout)).close()
		except OSError as error:
			raise UnreachableError(f"No connection to {host}:{port} ({error}).", str(error)) from error
		return f"{host}:{port} accepts connections."

	def _target(self) -> tuple[str, int]:
		endpoint = endpoint_of(self.config.endpoint_url)
		url = endpoint.url(endpoint.path)
		proxy = select_proxy(url, get_environ_proxies(url, no_proxy=None))
		if not proxy:
			return endpoint.host, endpoint.port
		parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
		return parts.hostname or endpoint.host, parts.port or PORTS.get(parts.scheme, endpoint.port)


class Conversation:
	"""The other four steps, over one way to call the server and one way to read a page."""

	def __init__(
		self, knock: Callable[[], object], login: Callable[[], str], read: Callable[[], Page], nothing: str
	):
		"""`knock` makes any call, `login` says how the login was proved, `read` asks for the punches of today; `nothing`: what it means where there are none."""
		self._knock = knock
		self._login = login
		self._read = read
		self._nothing = nothing
		self._page: Page | None = None

	def http(self) -> str:
		try:
			self._knock()
		except AuthenticationError:
			return "The server answers and asks for a valid login."
		return "The server answers as a web service."

	def login(self) -> str:
		return self._login()

	def operation(self) -> str:
		self._page = self._read()
		if self._page.confirmed:
			return "The server answers the question for the punches of today."
		return "The server answers with nothing, not even a count: test again with a device that has punches today."

	def parse(self) -> str:
		read = unreadable = 0
		for row in self._page or ():
			read += 1
			unreadable += isinstance(row, Unreadable)
		return f"{read} rows read, {unreadable} of them not understood." if read else self._nothing


def test(config: ServerConfig, conversation: Conversation) -> Iterator[Step]:
	"""The whole test of a server."""
	reach = Reach(config)
	return walk(
		{
			"Name": reach.name,
			"TCP": reach.tcp,
			"HTTP": conversation.http,
			"Login": conversation.login,
			"Operation": conversation.operation,
			"Parse": conversation.parse,
		}
	)


def server_now(config: ServerConfig, clock: Callable[[], datetime]) -> datetime:
	"""The naive wall clock of the server, to the second; UTC where no zone is given."""
	try:
		zone = ZoneInfo(config.time_zone or "UTC")
	except (KeyError, ValueError, OSError) as error:
		raise ConfigurationError(
			f"The time zone {config.time_zone} is not known: choose one like Asia/Kolkata.", str(error)
		) from error
	return clock().astimezone(zone).replace(tzinfo=None, microsecond=0)
