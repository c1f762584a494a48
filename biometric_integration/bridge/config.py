"""The configuration file of the standalone host: an INI file with the sections site, server and device."""

from __future__ import annotations

import configparser
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from biometric_integration.bridge.devices import DeviceEntry
from biometric_integration.bridge.passwords import PasswordSource
from biometric_integration.bridge.texts import day, placed, text_of
from biometric_integration.connectors.registry import CONNECTORS
from biometric_integration.core.connector import ServerConfig, Unit
from biometric_integration.core.errors import ConfigurationError
from biometric_integration.core.in_flight import AT_ONCE, MOST_AT_ONCE
from biometric_integration.core.stream import PRIMARY

EXAMPLE = Path(__file__).with_name("example.ini").read_text(encoding="utf-8")
SERVER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")


@dataclass(frozen=True)
class ServerEntry:
	"""A server of the file. `config` is complete but for the password and what is remembered about the server."""

	config: ServerConfig
	password: PasswordSource
	overlap: timedelta = timedelta(hours=2)
	rescan: timedelta = timedelta(days=10)
	serials: tuple[str, ...] = ()
	at_once: int = AT_ONCE

	@property
	def id(self) -> str:
		return self.config.server_id

	@property
	def only_unit(self) -> str | None:
		"""What a server is read by that is not read device by device; None for one that is."""
		connector: Any = CONNECTORS[self.config.server_type]
		return Unit(connector.unit).only(self.config)

	def complete(self, memory: dict[str, Any]) -> ServerConfig:
		"""With its password, which may mean asking for it."""
		password = self.password.read(f"{self.config.user} at {self.config.endpoint_url}")
		return replace(self.config, password=password, memory=memory)


@dataclass(frozen=True)
class SiteConfig:
	"""The whole file. `time_zone` is the site's (IANA); `repeat_window` zero = off. Without `employees` punches are read, and wait."""

	servers: tuple[ServerEntry, ...]
	devices: tuple[DeviceEntry, ...]
	time_zone: str
	database: Path
	employees: Path | None = None
	start_date: date | None = None
	repeat_window: timedelta = timedelta(0)
	allowed_drift: timedelta = timedelta(minutes=10)

	def zone_of(self, server: str) -> str:
		"""Of the clock of a server; the site's for one that is not in the file any more."""
		zones = (entry.config.time_zone for entry in self.servers if entry.id == server)
		return next(zones, self.time_zone)

	def chosen(self, server: str | None) -> tuple[ServerEntry, ...]:
		"""One server, or all of them. Raises ConfigurationError for one that is not in the file."""
		found = tuple(entry for entry in self.servers if server in (None, entry.id))
		if not found:
			ids = ", ".join(entry.id for entry in self.servers)
			raise ConfigurationError(f"There is no server {server} in the configuration; there is {ids}.")
		return found


def load(path: Path) -> SiteConfig:
	"""Read and check a file; paths in it are relative to its folder. Raises ConfigurationError that names section and key."""
	of_kind: dict[str, list[Section]] = {kind: [] for kind in NEEDED}
	for section in _sections(path):
		of_kind[section.kind].append(section)
	if not of_kind["site"]:
		raise ConfigurationError(f"{path}: there is no section [site].")
	site = of_kind["site"][0].values(SITE)
	if not of_kind["server"]:
		raise ConfigurationError(f"{path}: there is no section [server {PRIMARY}].")
	servers = [_server(section, site["time_zone"]) for section in of_kind["server"]]
	devices = tuple(_devices(of_kind["device"], servers))
	return SiteConfig(tuple(_with_serials(path, entry, devices) for entry in servers), devices, **site)


def described(given: Mapping[str, str], server: str, zone: str) -> ServerEntry:
	"""A server without a file, by the keys of a server section."""
	return _server(Section("The options", "server", server, given), zone)


# --- what a value may be: a reader makes it from its text, or says in a ValueError what is wrong


def pem(text: str) -> str:
	try:
		return Path(text).read_text(encoding="ascii")
	except (OSError, UnicodeDecodeError) as error:
		raise ValueError("this is not a readable certificate file (PEM)") from error


def zone_name(text: str) -> str:
	try:
		return ZoneInfo(text).key
	except (LookupError, ValueError, OSError) as error:
		raise ValueError(
			f'"{text}" is no time zone this machine knows: write it as in Asia/Kolkata. (If this is one, install tzdata.)'
		) from error


def switch(text: str) -> bool:
	if (known := configparser.ConfigParser.BOOLEAN_STATES.get(text.lower())) is None:
		raise ValueError(f'"{text}" is neither yes nor no')
	return known


def number(text: str, least: int = 0, most: int | None = None) -> int:
	if not text.isdecimal() or int(text) < least or (most is not None and int(text) > most):
		wanted = f"{least} or more" if most is None else f"{least} to {most}"
		raise ValueError(f'"{text}" is not a whole number of {wanted}')
	return int(text)


def _server_type(text: str) -> str:
	if text not in CONNECTORS:
		raise ValueError(f'the server type "{text}" is not known: there is {", ".join(CONNECTORS)}')
	return text


def listed(text: str) -> tuple[str, ...]:
	return tuple(dict.fromkeys(filter(None, (part.strip() for part in text.split(",")))))


Readers = Mapping[str, Callable[[str], Any]]
SITE: Readers = {
	"time_zone": zone_name,
	"employees": Path,
	"database": Path,
	"start_date": day,
	"repeat_window": lambda text: timedelta(seconds=number(text)),
	"allowed_drift": lambda text: timedelta(minutes=number(text)),
}
SERVER: Readers = {
	"type": _server_type,
	"url": str,
	"user": str,
	"password_env": str,
	"password_file": Path,
	"location": str,
	"time_zone": zone_name,
	"verify_tls": switch,
	"ca_certificate": pem,
	"timeout": lambda text: number(text, least=1),
	"overlap_hours": lambda text: timedelta(hours=number(text)),
	"rescan_days": lambda text: timedelta(days=number(text)),
	"requests_at_once": lambda text: number(text, 1, MOST_AT_ONCE),
	"devices": listed,
}
DEVICE: Readers = {
	"server": str,
	"name": str,
	"location": str,
	"enabled": switch,
	"counts_for_attendance": switch,
}
NEEDED = {"site": ("time_zone", "database"), "server": ("type", "url", "user"), "device": ()}


# --- sections


class Section(NamedTuple):
	"""`[kind name]` with the texts of its keys; `place` begins each sentence about it."""

	place: str
	kind: str
	name: str
	given: Mapping[str, str]

	def values(self, readers: Readers) -> dict[str, Any]:
		"""What is written there; what is left out, or empty, is left out."""
		found = {
			name: self._value(name, text, readers)
			for name, text in self.given.items()
			if text or name not in readers
		}
		for name in NEEDED.get(self.kind, ()):
			if name not in found:
				raise ConfigurationError(f"{self.place}: {name} is missing.")
		return found

	def _value(self, name: str, text: str, readers: Readers) -> Any:
		if name == "password":
			raise ConfigurationError(
				f"{self.place}: a password does not belong here: use password_env or password_file, or leave both out to be asked."
			)
		if name not in readers:
			like = "".join(f"; is {known} meant?" for known in get_close_matches(name, readers, 1))
			raise ConfigurationError(f"{self.place}: the key {name} is not known{like or '.'}")
		try:
			return readers[name](text)
		except (ValueError, OverflowError) as error:
			raise ConfigurationError(f"{self.place}, {name}: {error}.") from error


def _sections(path: Path) -> Iterator[Section]:
	parser = configparser.ConfigParser(interpolation=None, delimiters=("=",), default_section="\0")
	try:
		parser.read_string(text_of(path, "configuration"))
	except configparser.Error as error:
		# not the parser's own words: they quote the line, and it may hold a secret
		first = next((number for number, _ in getattr(error, "errors", ())), "?")
		line = getattr(error, "lineno", None) or first
		problem = PROBLEMS.get(type(error), "this is neither a [section] nor a key = value")
		raise ConfigurationError(f"{path}, line {line}: {problem}.") from None
	for heading in parser.sections():
		kind, _, name = " ".join(heading.split()).partition(" ")
		if kind not in NEEDED or bool(name) is (kind == "site"):
			raise ConfigurationError(
				f"{path}: the section [{heading}] is not known: there are [site], [server ID], [device SERIAL]."
			)
		given = {
			key: placed(path, text) if text and key in PATHS else text
			for key, text in parser[heading].items()
		}
		yield Section(f"{path}, [{heading}]", kind, name, given)


PATHS = ("employees", "database", "password_file", "ca_certificate")
PROBLEMS: Mapping[type, str] = {
	configparser.DuplicateSectionError: "this section is there twice",
	configparser.DuplicateOptionError: "this key is there twice",
}


# --- servers and devices


def _server(section: Section, zone: str) -> ServerEntry:
	if not SERVER_ID.match(section.name):
		raise ConfigurationError(
			f"{section.place}: an id has letters, digits, dot, dash and underscore only."
		)
	values = section.values(SERVER)
	password = PasswordSource(values.pop("password_env", ""), values.pop("password_file", None))
	reading = {field: values.pop(key) for key, field in READING.items() if key in values}
	login = [values.pop(key) for key in ("type", "url", "user")]
	config = ServerConfig(section.name, *login, **{"time_zone": zone, **values})
	return ServerEntry(config, password, **reading)


READING = {
	"overlap_hours": "overlap",
	"rescan_days": "rescan",
	"requests_at_once": "at_once",
	"devices": "serials",
}


def _devices(sections: Iterable[Section], servers: Iterable[ServerEntry]) -> Iterable[DeviceEntry]:
	"""Those with a section, then the others that a server names."""
	ids = [entry.id for entry in servers]
	found = {}
	for section in sections:
		values = section.values(DEVICE)
		server = values.pop("server", ids[0] if len(ids) == 1 else "")
		if server not in ids:
			raise ConfigurationError(
				f"{section.place}, server: write which server it belongs to: {', '.join(ids)}."
			)
		found[server, section.name] = DeviceEntry(server, section.name, values.pop("name", ""), **values)
	for entry in servers:
		for serial in entry.serials:
			found.setdefault((entry.id, serial), DeviceEntry(entry.id, serial))
	return found.values()


def _with_serials(path: Path, entry: ServerEntry, devices: Iterable[DeviceEntry]) -> ServerEntry:
	"""The serial numbers that are read; where the server lists its devices, none."""
	place, server_type = f"{path}, [server {entry.id}], devices", entry.config.server_type
	if entry.only_unit is not None:
		if entry.serials:
			raise ConfigurationError(f"{place}: {server_type} lists its devices itself; leave this out.")
		return entry
	serials = tuple(device.serial for device in devices if device.server == entry.id and device.enabled)
	if not serials:
		raise ConfigurationError(
			f"{place}: {server_type} does not list its devices; write their serial numbers here, with commas in between."
		)
	return replace(entry, serials=serials)


def units_of(entry: ServerEntry, device: str | None) -> tuple[str, ...] | None:
	"""The units of a server to read; None = all there is. Raises ConfigurationError for a device that is not its own."""
	if entry.only_unit is not None:
		if device:
			raise ConfigurationError(
				f"{entry.config.server_type} is not read device by device: leave --device out."
			)
		return None
	if device and device not in entry.serials:
		raise ConfigurationError(
			f"The server {entry.id} has no enabled device {device} in the configuration."
		)
	return (device,) if device else entry.serials
