"""From what a person typed as the server's URL to the addresses where its web service may be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

from biometric_integration.core.connector import ServerConfig
from biometric_integration.core.errors import ConfigurationError

PORTS = {"http": 80, "https": 443}
SERVICE_ENDING = ".asmx"
FOLDER = "iclock"


@dataclass(frozen=True)
class Endpoint:
	"""The address of a server. `path` has no slash at its end; query and fragment are dropped."""

	scheme: str
	host: str
	port: int
	path: str

	@property
	def place(self) -> str:
		"""`host:port`, for sentences."""
		return f"{self.host}:{self.port}"

	def url(self, path: str, query: str = "") -> str:
		host = f"[{self.host}]" if ":" in self.host else self.host
		netloc = host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"
		return urlunsplit((self.scheme, netloc, path, query, ""))


def endpoint_of(url: str) -> Endpoint:
	"""Read a URL. Raises ConfigurationError with a sentence for anything but http(s)://host[:port][/path]."""
	try:
		parts = urlsplit(url.strip())
		port = parts.port
	except ValueError as error:
		raise ConfigurationError(
			"The URL of the server is not valid: check host and port.", str(error)
		) from error
	_check(parts)
	return Endpoint(parts.scheme, parts.hostname or "", port or PORTS[parts.scheme], parts.path.rstrip("/"))


def _check(parts: SplitResult) -> None:
	if parts.scheme not in PORTS or not parts.hostname:
		raise ConfigurationError(
			"The URL of the server must begin with http:// or https:// and a host, as in http://192.168.1.10:81."
		)
	if parts.username is not None or parts.password is not None:
		raise ConfigurationError(
			"The URL of the server must not hold a login: use the fields API User and API Password."
		)


def service_paths(endpoint: Endpoint, names: Sequence[str]) -> list[str]:
	"""Paths to try, the most usual first (essl-protocol §1.1).

	A path that ends in `.asmx` is taken as it is. Below a base path each of `names` is looked for; a base path that already
	ends in `/iclock` is not doubled. The address of a page, as people copy it from a browser, stands for its folder and those above.
	"""
	if endpoint.path.lower().endswith(SERVICE_ENDING):
		return [endpoint.path]
	return list(dict.fromkeys(path for base in _bases(endpoint.path) for path in _in_folder(base, names)))


def _bases(path: str) -> Iterator[str]:
	"""Folders in which the service may be. Segments in parentheses are sessions of ASP.NET."""
	folders = [segment for segment in path.split("/") if segment and not segment.startswith("(")]
	page = folders.pop() if folders and "." in folders[-1] else ""
	yield "/".join(["", *folders])
	while page and folders:
		folders.pop()
		yield "/".join(["", *folders])
	if page:
		yield path  # a folder with a dot in its name


def _in_folder(base: str, names: Sequence[str]) -> list[str]:
	if base.rpartition("/")[2].lower() == FOLDER:
		parent, folder = base[: -len(FOLDER) - 1], base[-len(FOLDER) :]
		paths = [f"{parent}/{_below(name, folder)}" for name in names]
		# what a person typed goes first: the folder is there for a reason
		return sorted(dict.fromkeys(paths), key=lambda path: not path.startswith(f"{base}/"))
	return [f"{base}/{name}" for name in names]


def _below(name: str, folder: str) -> str:
	"""`name` with its own `iclock/` written as the person wrote it."""
	first, slash, rest = name.partition("/")
	return f"{folder}/{rest}" if slash and first.lower() == FOLDER else name


class Memory:
	"""What was found out about a server, kept in `config.memory`; it is void as soon as another URL is entered."""

	def __init__(self, config: ServerConfig):
		self._facts = config.memory
		self._url = config.endpoint_url

	def get(self, fact: str, default: Any = None) -> Any:
		return self._facts.get(fact, default) if self._facts.get("endpoint_url") == self._url else default

	def keep(self, **facts: Any) -> None:
		if self._facts.get("endpoint_url") != self._url:
			self._facts.clear()
		self._facts.update(facts, endpoint_url=self._url)

	def forget(self, *facts: str) -> None:
		for fact in facts:
			self._facts.pop(fact, None)
