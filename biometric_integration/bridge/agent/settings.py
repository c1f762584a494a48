"""What the bridge is told: `bridge.toml`, and the servers and devices that the site names in its answer to a report."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from biometric_integration.bridge import config
from biometric_integration.bridge.config import SERVER, SERVER_ID, Readers, Section
from biometric_integration.bridge.devices import DeviceEntry
from biometric_integration.bridge.passwords import PasswordSource
from biometric_integration.bridge.texts import day, placed, text_of
from biometric_integration.connectors.endpoint import endpoint_of
from biometric_integration.connectors.registry import CONNECTORS
from biometric_integration.core.connector import ServerConfig, Unit
from biometric_integration.core.errors import ConfigurationError
from biometric_integration.core.in_flight import AT_ONCE
from biometric_integration.core.window import DAY
from biometric_integration.receivers.adms.conversation import LONGEST_SERIAL

if sys.version_info >= (3, 11):
	import tomllib
else:
	import tomli as tomllib

MB = 1024 * 1024
INTERVAL = timedelta(minutes=5)
MOST_SERVERS, MOST_DEVICES = 100, 5000
"""That a site may name."""
KEY = re.compile(r"[!-9;-~]{8,200}:[!-~]{8,200}")
"""KEY:SECRET, as frappe makes them."""


@dataclass(frozen=True)
class KeySource:
	"""Where the key of the site is. It is read anew for each request, so that a changed one needs no restart."""

	variable: str = ""
	file: Path | None = None

	def read(self) -> str:
		"""KEY:SECRET; raises ConfigurationError with nothing of it."""
		source = PasswordSource(self.variable, self.file)
		key = source.read("the site").strip() if self.variable or self.file else ""
		if not KEY.fullmatch(key):
			where = self.file or self.variable or "key_file"
			raise ConfigurationError(f"{where} has to hold KEY:SECRET of the site's user on one line.")
		return key


@dataclass(frozen=True)
class SiteEntry:
	"""The site. `ca_certificate`: PEM of a private authority. `time_zone`: of servers that say none, as long as the site has not said its own."""

	url: str
	bridge: str
	key: KeySource
	allow_http: bool = False
	ca_certificate: str = field(default="", repr=False)
	timeout: int = 60
	time_zone: str = ""


@dataclass(frozen=True)
class SpoolEntry:
	"""Where punches wait. limit, least_free: bytes; keep: for so long what the site has."""

	file: Path
	limit: int = 2000 * MB
	keep: timedelta = timedelta(days=60)
	least_free: int = 200 * MB


@dataclass(frozen=True)
class PushEntry:
	"""Where devices push to. networks: from where they may, empty = from anywhere."""

	host: str
	port: int
	devices: tuple[str, ...] = ()
	networks: tuple[str, ...] = ()
	time_zone: str = ""

	@property
	def is_guarded(self) -> bool:
		"""Does it take more than a serial number to be heard? A private address is the LAN's own."""
		try:
			address = ip_address(self.host)
		except ValueError:
			return bool(self.networks)
		return bool(self.networks) or (address.is_private and not address.is_unspecified)


@dataclass(frozen=True)
class Settings:
	"""The file. servers: by id the texts that are written there; names: (server, device name, location) → serial number."""

	site: SiteEntry
	spool: SpoolEntry
	push: PushEntry | None = None
	servers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
	names: Mapping[tuple[str, str, str], str] = field(default_factory=dict)


@dataclass(frozen=True)
class ServerPlan:
	"""A server that is read: `config` lacks the password and what is remembered. units: None = all there is. fault: why it cannot be read."""

	config: ServerConfig
	password: PasswordSource = field(default_factory=PasswordSource)
	interval: timedelta = INTERVAL
	start_date: date | None = None
	start_dates: Mapping[str, date] = field(default_factory=dict)
	overlap: timedelta = timedelta(hours=2)
	rescan: timedelta = timedelta(days=10)
	at_once: int = AT_ONCE
	devices: tuple[DeviceEntry, ...] = ()
	fault: str = ""

	@property
	def id(self) -> str:
		return self.config.server_id

	@property
	def units(self) -> tuple[str, ...] | None:
		"""The serial numbers that are read of a server that is read device by device."""
		if self.only_unit is not None:
			return None
		return tuple(device.serial for device in self.devices)

	@property
	def only_unit(self) -> str | None:
		connector: Any = CONNECTORS[self.config.server_type]
		return Unit(connector.unit).only(self.config)

	def complete(self, memory: dict[str, Any]) -> ServerConfig:
		"""With its password. Raises ConfigurationError, also for what is wrong with the plan."""
		if self.fault:
			raise ConfigurationError(self.fault)
		if self.units == ():
			raise ConfigurationError(
				f"{self.config.server_type} does not list its devices: enter those of the server {self.id} on the site, or as devices in [server.{self.id}]."
			)
		if not (self.password.variable or self.password.file):
			raise ConfigurationError(
				f"There is no password for the server {self.id}: write password_file or password_env in [server.{self.id}]."
			)
		return replace(self.config, password=self.password.read(self.id), memory=memory)


# --- the file


def load(path: Path) -> Settings:
	"""Read and check a file; paths in it are relative to its folder. Raises ConfigurationError that names section and key, and no value that may be secret."""
	given = _parsed(path)
	for name in given:
		if name not in SECTIONS:
			raise ConfigurationError(
				f"{path}: the section [{name}] is not known: there are [site], [spool], [push], [server.ID]."
			)
	site = _site(path, _section(path, given, "site"))
	spool = _spool(_section(path, given, "spool"))
	push = _push(_section(path, given, "push")) if "push" in given else None
	servers, names = _servers(path, given.get("server", {}))
	return Settings(site, spool, push, servers, names)


def _parsed(path: Path) -> dict[str, Any]:
	try:
		found: dict[str, Any] = tomllib.loads(text_of(path, "configuration"))
		return found
	except tomllib.TOMLDecodeError as error:
		# not the parser's own words: they may quote a secret
		place = re.search(r"at line \d+", str(error))
		raise ConfigurationError(
			f"{path} is no TOML{f' ({place[0]})' if place else ''}: texts stand in quotation marks, yes and no are true and false."
		) from None


def _section(path: Path, given: Mapping[str, Any], name: str) -> Section:
	table = given.get(name, {})
	if not isinstance(table, dict):
		raise ConfigurationError(f"{path}: [{name}] has to be a section.")
	place = f"{path}, [{name}]"
	texts = {key: _text(place, key, value) for key, value in table.items()}
	return Section(place, "bridge", name, _placed(path, texts))


def _text(place: str, key: str, value: object) -> str:
	"""As the readers of the INI file want it."""
	if isinstance(value, bool):
		return "yes" if value else "no"
	if isinstance(value, list) and all(isinstance(item, str) for item in value):
		return ",".join(value)
	if isinstance(value, float) and value.is_integer():
		return str(int(value))
	if isinstance(value, (str, int)):
		return str(value)
	if isinstance(value, date):
		return value.isoformat()[:10]
	raise ConfigurationError(f"{place}: {key} has to be a text, a number, true or false, or a list of texts.")


def _placed(path: Path, texts: Mapping[str, str]) -> dict[str, str]:
	return {key: placed(path, text) if text and key in PATHS else text for key, text in texts.items()}


def _listen(text: str) -> tuple[str, int]:
	host, colon, port = text.rpartition(":")
	host = host.strip("[]")
	if not (colon and host and port.isdecimal() and int(port) < 65536):
		raise ValueError("write address and port, as in 192.168.1.5:8088")
	return host, int(port)


def _networks(text: str) -> tuple[str, ...]:
	return tuple(str(ip_network(part.strip(), strict=False)) for part in text.split(",") if part.strip())


def _megabytes(text: str) -> int:
	return config.number(text, 1) * MB


PATHS = ("file", "key_file", "password_file", "ca_certificate")
SECTIONS = ("site", "spool", "push", "server")
SITE: Readers = {
	"url": str,
	"bridge": str,
	"key_file": Path,
	"key_env": str,
	"allow_http": config.switch,
	"ca_certificate": config.pem,
	"timeout": lambda text: config.number(text, 5, 600),
	"time_zone": config.zone_name,
}
SPOOL: Readers = {
	"file": Path,
	"limit_mb": _megabytes,
	"keep_days": lambda text: timedelta(days=config.number(text, 1, 3650)),
	"least_free_mb": _megabytes,
}
PUSH: Readers = {
	"listen": _listen,
	"devices": config.listed,
	"networks": _networks,
	"time_zone": config.zone_name,
}
OF_A_SERVER: Readers = {
	**SERVER,
	"enabled": config.switch,
	"start_date": day,
	"sync_interval": lambda text: timedelta(minutes=config.number(text, 0, 1440)) or DAY,
}
"""`sync_interval` in minutes; 0 = once a day."""


def _site(path: Path, section: Section) -> SiteEntry:
	values = section.values(SITE)
	for name in ("url", "bridge"):
		if not values.get(name):
			raise ConfigurationError(f"{section.place}: {name} is missing.")
	key = KeySource(values.pop("key_env", ""), values.pop("key_file", None))
	if not (key.variable or key.file):
		raise ConfigurationError(f"{section.place}: key_file (or key_env) is missing.")
	entry = SiteEntry(key=key, **values)
	_check_url(section.place, entry)
	return replace(entry, url=entry.url.rstrip("/"))


def _check_url(place: str, entry: SiteEntry) -> None:
	endpoint = endpoint_of(entry.url)
	if endpoint.scheme == "http" and not (entry.allow_http or _is_here(endpoint.host)):
		raise ConfigurationError(
			f"{place}: url begins with http://, so the key could be read on the way. Use https://, or say allow_http = true."
		)


def _is_here(host: str) -> bool:
	try:
		return host == "localhost" or ip_address(host).is_loopback
	except ValueError:
		return False


def _spool(section: Section) -> SpoolEntry:
	values = section.values(SPOOL)
	if "file" not in values:
		raise ConfigurationError(f"{section.place}: file is missing.")
	return SpoolEntry(
		values["file"], **{name: values[key] for key, name in SPOOL_FIELDS.items() if key in values}
	)


SPOOL_FIELDS = {"limit_mb": "limit", "keep_days": "keep", "least_free_mb": "least_free"}


def _push(section: Section) -> PushEntry:
	values = section.values(PUSH)
	if "listen" not in values:
		raise ConfigurationError(f"{section.place}: listen is missing, as in 192.168.1.5:8088.")
	host, port = values.pop("listen")
	return PushEntry(host, port, **values)


def _servers(path: Path, given: object) -> tuple[dict[str, dict[str, str]], dict[tuple[str, str, str], str]]:
	if not isinstance(given, dict) or not all(isinstance(table, dict) for table in given.values()):
		raise ConfigurationError(f"{path}: a server is a section of its own, as [server.main].")
	servers: dict[str, dict[str, str]] = {}
	names: dict[tuple[str, str, str], str] = {}
	for server, table in given.items():
		place = f"{path}, [server.{server}]"
		names |= _names(place, server, table.get("names", []))
		texts = {key: _text(place, key, value) for key, value in table.items() if key != "names"}
		servers[server] = _placed(path, texts)
		Section(place, "bridge", server, servers[server]).values(OF_A_SERVER)
	return servers, names


def _names(place: str, server: str, given: object) -> dict[tuple[str, str, str], str]:
	"""`[[server.ID.names]]`: devices that a server names without a serial number."""
	found = {}
	for entry in given if isinstance(given, list) else [given]:
		if not isinstance(entry, dict) or not {"name", "serial"} <= entry.keys() <= {
			"name",
			"location",
			"serial",
		}:
			raise ConfigurationError(
				f"{place}, names: each has name, serial and, where there is one, location."
			)
		pair = (str(entry["name"]), str(entry.get("location", "")))
		found[server, pair[0], pair[1]] = str(entry["serial"])
	return found


# --- with what the site says


def plans(settings: Settings, answer: Mapping[str, Any]) -> list[ServerPlan]:
	"""The servers to be read: those that the site names, with what the file says of them, and those that only the file describes."""
	of_site = {
		str(entry["id"]): entry
		for entry in _dicts(answer.get("servers"), MOST_SERVERS)
		if isinstance(entry.get("id"), str)
	}
	zone = _known_zone(answer.get("time_zone")) or settings.site.time_zone
	found = []
	for server in {**of_site, **settings.servers}:
		texts = settings.servers.get(server, {})
		if server not in of_site and not {"type", "url"} <= texts.keys():
			continue  # no more than a password, of a server that the site does not name now
		if texts.get("enabled", "yes") not in NO:
			found.append(_plan(server, of_site.get(server, {}), texts, zone))
	return found


NO = ("no", "0", "false", "off")


def expected(settings: Settings, answer: Mapping[str, Any]) -> dict[str, str]:
	"""Serial number → time zone of the devices that may push here."""
	if settings.push is None:
		return {}
	zone = settings.push.time_zone or _known_zone(answer.get("time_zone")) or settings.site.time_zone or "UTC"
	found = dict.fromkeys(settings.push.devices, zone)
	for entry in _dicts(answer.get("push"), MOST_DEVICES):
		serial = entry.get("serial")
		if isinstance(serial, str) and 0 < len(serial) <= LONGEST_SERIAL:
			found[serial] = _known_zone(entry.get("time_zone")) or zone
	return found


def named(answer: Mapping[str, Any]) -> set[str]:
	"""Serial numbers, casefolded, of all devices of which the site says that they are its own."""
	devices = _dicts(answer.get("push"), MOST_DEVICES)
	for server in _dicts(answer.get("servers"), MOST_SERVERS):
		devices += _dicts(server.get("devices"), MOST_DEVICES)
	return {entry["serial"].casefold() for entry in devices if isinstance(entry.get("serial"), str)}


def _dicts(value: object, most: int) -> list[dict[str, Any]]:
	return [entry for entry in value[:most] if isinstance(entry, dict)] if isinstance(value, list) else []


def _known_zone(value: object) -> str:
	try:
		return config.zone_name(value) if isinstance(value, str) and value else ""
	except ValueError:
		return ""


def _plan(server: str, named: Mapping[str, Any], texts: Mapping[str, str], zone: str) -> ServerPlan:
	"""What the file says goes before what the site says. Whatever is wrong is a fault of this server alone."""
	try:
		return _made(server, named, texts, zone)
	except (ConfigurationError, ValueError, TypeError, OverflowError, LookupError, AttributeError) as error:
		sentence = getattr(error, "message", f"{error}")
		given = (texts.get("type") or named.get("type"), texts.get("url") or named.get("url"))
		server_type, url = (value if isinstance(value, str) else "" for value in given)
		known = server_type if server_type in CONNECTORS else next(iter(CONNECTORS))
		return ServerPlan(ServerConfig(server, known, url), fault=f"The server {server}: {sentence}")


def _made(server: str, named: Mapping[str, Any], texts: Mapping[str, str], zone: str) -> ServerPlan:
	if not SERVER_ID.match(server):
		raise ValueError("an id has letters, digits, dot, dash and underscore only.")
	place = f"[server.{server}]"
	of_site = Section("The site's settings", "bridge", server, _texts_of(named)).values(OF_THE_SITE)
	values = {**of_site, **Section(place, "bridge", server, texts).values(OF_A_SERVER)}
	for name in DEPTHS & of_site.keys():
		values[name] = max(values[name], of_site[name])
	values.pop("enabled", None)
	for name in ("type", "url", "user"):
		if not values.get(name):
			raise ConfigurationError(f"{name} is missing.")
	endpoint_of(values["url"])
	values.setdefault("time_zone", zone)
	if not values["time_zone"]:
		raise ConfigurationError(
			"its time zone is not known: write time_zone, or wait for the site's settings."
		)
	devices = {entry.serial: entry for entry in _devices(server, named)}
	for serial in values.pop("devices", ()):
		devices.setdefault(serial, DeviceEntry(server, serial))
	password = PasswordSource(values.pop("password_env", ""), values.pop("password_file", None))
	reading = {name: values.pop(key) for key, name in READING.items() if key in values}
	login = [values.pop(key) for key in ("type", "url", "user")]
	made = ServerConfig(server, *login, **values)
	return ServerPlan(
		made, password, start_dates=_start_dates(named), devices=_entered(made, devices.values()), **reading
	)


def _entered(made: ServerConfig, devices: Iterable[DeviceEntry]) -> tuple[DeviceEntry, ...]:
	"""A server that lists its devices itself makes them."""
	connector: Any = CONNECTORS[made.server_type]
	return tuple(devices) if Unit(connector.unit).only(made) is None else ()


def _texts_of(named: Mapping[str, Any]) -> dict[str, str]:
	"""Keys that are not known are the site's own, or those of a newer one."""
	return {
		key: _text("The site's settings", key, value)
		for key, value in named.items()
		if key in OF_THE_SITE and value is not None
	}


def _devices(server: str, named: Mapping[str, Any]) -> Iterable[DeviceEntry]:
	for entry in _dicts(named.get("devices"), MOST_DEVICES):
		serial = entry.get("serial")
		if isinstance(serial, str) and serial:
			name, location = (str(entry.get(key) or "") for key in ("name", "location"))
			yield DeviceEntry(server, serial, name, location)


def _start_dates(named: Mapping[str, Any]) -> dict[str, date]:
	found: Sequence[dict[str, Any]] = _dicts(named.get("devices"), MOST_DEVICES)
	return {entry["serial"]: day(entry["start_date"]) for entry in found if entry.get("start_date")}


OF_THE_SITE: Readers = {
	**{
		key: reader
		for key, reader in OF_A_SERVER.items()
		if key not in ("enabled", "devices", "password_env", "password_file")
	},
	"ca_certificate": str,
}
"""What the site may say of a server. It names no files here, and no passwords."""
READING = {
	"sync_interval": "interval",
	"start_date": "start_date",
	"overlap_hours": "overlap",
	"rescan_days": "rescan",
	"requests_at_once": "at_once",
}


DEPTHS = {"overlap_hours", "rescan_days"}
"""How far back is read: at least as far as the site says, which takes a look back that was finished for that deep."""


def is_readable_by_others(path: Path) -> bool:
	"""May others on this computer read a file that holds a secret? Only where there are such modes."""
	return os.name == "posix" and bool(path.stat().st_mode & 0o077)
