"""The configuration file of the standalone host: an INI file with the sections site, server and device."""

from __future__ import annotations

import configparser
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, NoReturn
from zoneinfo import ZoneInfo

from biometric_integration.bridge.devices import DeviceEntry
from biometric_integration.bridge.passwords import PasswordSource
from biometric_integration.connectors.registry import CONNECTORS
from biometric_integration.core.connector import ServerConfig, Unit
from biometric_integration.core.errors import ConfigurationError
from biometric_integration.core.stream import PRIMARY

EXAMPLE = """\
[site]
# The zone in which check-ins are written, as in ERPNext's System Settings.
time_zone = Asia/Kolkata
# ERPNext's list of employees as CSV: ID, Employee Name, Attendance Device ID, Status, Date of Joining, Relieving Date.
employees = employees.csv
database = punches.sqlite
# The first day to read. Without it: the day of the first run.
start_date = 2026-07-01
# Seconds within which a second punch of the same person is not counted; 0 = each is.
repeat_window = 0

[server main]
type = eBioServer
url = http://192.168.1.10:81
user = api
# Or password_file. Without either you are asked.
password_env = BIOMETRIC_PASSWORD
# A location code; empty = all.
location =

[server plant]
type = eTimeTrackLite
url = http://192.168.1.11:85
user = api
password_env = BIOMETRIC_PASSWORD_PLANT
# This product does not list its devices: their serial numbers.
devices = CQUH212160001, CQUH212160002

# Only where a device needs more than a serial number.
[device CQUH212160002]
server = plant
name = Canteen
counts_for_attendance = no
"""
SERVER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")


@dataclass(frozen=True)
class ServerEntry:
	"""A server of the file. `config` is complete but for the password and what is remembered about the server."""

	config: ServerConfig
	password: PasswordSource
	overlap: timedelta
	rescan: timedelta
	serials: tuple[str, ...] = ()

	@property
	def id(self) -> str:
		return self.config.server_id

	@property
	def unit(self) -> Unit:
		return CONNECTORS[self.config.server_type].unit

	def complete(self, memory: dict[str, Any]) -> ServerConfig:
		"""With its password, which may mean asking for it."""
		password = self.password.read(f"{self.config.user} at {self.config.endpoint_url}")
		return replace(self.config, password=password, memory=memory)


@dataclass(frozen=True)
class SiteConfig:
	"""The whole file. `time_zone` is the site's (IANA); `repeat_window` zero = off."""

	time_zone: str
	employees: Path
	database: Path
	start_date: date | None
	repeat_window: timedelta
	allowed_drift: timedelta
	servers: tuple[ServerEntry, ...] = ()
	devices: tuple[DeviceEntry, ...] = field(default=())

	def chosen(self, server: str | None) -> tuple[ServerEntry, ...]:
		"""One server, or all of them. Raises ConfigurationError for one that is not in the file."""
		found = tuple(entry for entry in self.servers if server in (None, entry.id))
		if not found:
			ids = ", ".join(entry.id for entry in self.servers)
			raise ConfigurationError(f"There is no server {server} in the configuration; there is {ids}.")
		return found


def load(path: Path) -> SiteConfig:
	"""Read and check a file; paths in it are relative to its folder. Raises ConfigurationError that names section and key."""
	sections = _sections(path)
	if "site" not in sections:
		_missing(path, "site")
	site = _values(SITE, "site", sections.pop("site"), path)
	servers = [
		_server(path, site["time_zone"], name, sections) for name in sections if name.startswith("server ")
	]
	devices = [_device(path, servers, name, sections) for name in sections if name.startswith("device ")]
	if stranger := next((name for name in sections if not name.startswith(("server ", "device "))), None):
		raise ConfigurationError(
			f"{path}: the section [{stranger}] is not known: there are [site], [server ID], [device SERIAL]."
		)
	if not servers:
		_missing(path, f"server {PRIMARY}")
	detailed = {(device.server, device.serial) for device in devices}
	devices += [
		DeviceEntry(entry.id, serial)
		for entry in servers
		for serial in entry.serials
		if (entry.id, serial) not in detailed
	]
	servers = [_with_units(path, entry, devices) for entry in servers]
	return SiteConfig(**site, servers=tuple(servers), devices=tuple(devices))


def _sections(path: Path) -> dict[str, dict[str, str]]:
	parser = configparser.ConfigParser(interpolation=None, delimiters=("=",), default_section="\0")
	try:
		parser.read_string(path.read_text(encoding="utf-8-sig"))
	except OSError as error:
		raise ConfigurationError(
			f"The configuration {path} cannot be read: {error.strerror}.", str(error)
		) from error
	except UnicodeDecodeError as error:
		raise ConfigurationError(f"{path} is not in UTF-8.", str(error)) from error
	except configparser.Error as error:
		# not the parser's own words: they quote the line, and it may hold a secret
		line = getattr(error, "lineno", None) or next(
			(number for number, _ in getattr(error, "errors", ())), "?"
		)
		problem = PROBLEMS.get(type(error), "this is neither a [section] nor a key = value")
		raise ConfigurationError(f"{path}, line {line}: {problem}.") from None
	return {" ".join(name.split()): dict(parser[name]) for name in parser.sections()}


PROBLEMS: Mapping[type, str] = {
	configparser.DuplicateSectionError: "this section is there twice",
	configparser.DuplicateOptionError: "this key is there twice",
}


def _missing(path: Path, section: str) -> NoReturn:
	raise ConfigurationError(f"{path}: there is no section [{section}].")


# --- what the sections may hold


class Key(NamedTuple):
	"""How a value is read, from the text and the folder of the file, and what stands for it where it is missing."""

	read: Callable[[str, Path], Any]
	default: Any = None
	needed: bool = False


def _text(text: str, _folder: Path) -> str:
	return text


def _path(text: str, folder: Path) -> Path:
	return folder / Path(text).expanduser()


def _pem(text: str, folder: Path) -> str:
	try:
		return _path(text, folder).read_text(encoding="ascii")
	except (OSError, UnicodeDecodeError) as error:
		raise ValueError("this is not a readable certificate file (PEM)") from error


def _zone(text: str, _folder: Path) -> str:
	try:
		ZoneInfo(text)
	except (LookupError, ValueError, OSError) as error:
		raise ValueError(
			f'"{text}" is no time zone this machine knows: write it as in Asia/Kolkata. (If this is one, install tzdata.)'
		) from error
	return text


def _day(text: str, _folder: Path) -> date:
	try:
		return date.fromisoformat(text)
	except ValueError as error:
		raise ValueError(f'write the date "{text}" as in 2026-01-31') from error


def _switch(text: str, _folder: Path) -> bool:
	if text.lower() not in SWITCHES:
		raise ValueError(f'"{text}" is neither yes nor no')
	return SWITCHES[text.lower()]


SWITCHES = {
	"yes": True,
	"true": True,
	"on": True,
	"1": True,
	"no": False,
	"false": False,
	"off": False,
	"0": False,
}


def _number(text: str, _folder: Path, least: int = 0) -> int:
	if not text.isdecimal() or int(text) < least:
		raise ValueError(f'"{text}" is not a whole number of {least} or more')
	return int(text)


def _period(unit: str, text: str, folder: Path) -> timedelta:
	return timedelta(**{unit: _number(text, folder)})


def _server_type(text: str, _folder: Path) -> str:
	if text not in CONNECTORS:
		raise ValueError(f'the server type "{text}" is not known: there is {", ".join(CONNECTORS)}')
	return text


def _list(text: str, _folder: Path) -> tuple[str, ...]:
	return tuple(dict.fromkeys(filter(None, (part.strip() for part in text.split(",")))))


SITE: Mapping[str, Key] = {
	"time_zone": Key(_zone, needed=True),
	"employees": Key(_path, needed=True),
	"database": Key(_path, needed=True),
	"start_date": Key(_day),
	"repeat_window": Key(partial(_period, "seconds"), timedelta(0)),
	"allowed_drift": Key(partial(_period, "minutes"), timedelta(minutes=10)),
}
SERVER: Mapping[str, Key] = {
	"type": Key(_server_type, needed=True),
	"url": Key(_text, needed=True),
	"user": Key(_text, needed=True),
	"password_env": Key(_text, ""),
	"password_file": Key(_path),
	"location": Key(_text, ""),
	"time_zone": Key(_zone, ""),
	"verify_tls": Key(_switch, True),
	"ca_certificate": Key(_pem, ""),
	"timeout": Key(partial(_number, least=1), 30),
	"overlap_hours": Key(partial(_period, "hours"), timedelta(hours=2)),
	"rescan_days": Key(partial(_period, "days"), timedelta(days=10)),
	"devices": Key(_list, ()),
}
DEVICE: Mapping[str, Key] = {
	"server": Key(_text, ""),
	"name": Key(_text, ""),
	"location": Key(_text, ""),
	"enabled": Key(_switch, True),
	"counts_for_attendance": Key(_switch, True),
}


def _values(keys: Mapping[str, Key], section: str, given: Mapping[str, str], path: Path) -> dict[str, Any]:
	for name in given:
		if name not in keys:
			raise ConfigurationError(f"{path}, [{section}]: {_stranger(name, keys)}")
	found = {}
	for name, key in keys.items():
		text = (given.get(name) or "").strip()
		if not text and key.needed:
			raise ConfigurationError(f"{path}, [{section}]: {name} is missing.")
		try:
			found[name] = key.read(text, path.parent) if text else key.default
		except ValueError as error:
			raise ConfigurationError(f"{path}, [{section}], {name}: {error}.") from error
	return found


def _stranger(name: str, keys: Mapping[str, Key]) -> str:
	if name == "password":
		return "a password does not belong here: use password_env or password_file, or leave both out to be asked."
	like = get_close_matches(name, keys, 1)
	return f"the key {name} is not known" + (f"; is {like[0]} meant?" if like else ".")


def _server(path: Path, zone: str, section: str, sections: Mapping[str, Mapping[str, str]]) -> ServerEntry:
	server_id = section.partition(" ")[2]
	if not SERVER_ID.match(server_id):
		raise ConfigurationError(
			f"{path}, [{section}]: an id has letters, digits, dot, dash and underscore only."
		)
	values = _values(SERVER, section, sections[section], path)
	config = ServerConfig(
		server_id,
		values["type"],
		values["url"],
		values["user"],
		location=values["location"],
		time_zone=values["time_zone"] or zone,
		verify_tls=values["verify_tls"],
		ca_certificate=values["ca_certificate"],
		timeout=values["timeout"],
	)
	source = PasswordSource(values["password_env"], values["password_file"])
	return ServerEntry(config, source, values["overlap_hours"], values["rescan_days"], values["devices"])


def _device(
	path: Path, servers: list[ServerEntry], section: str, sections: Mapping[str, Mapping[str, str]]
) -> DeviceEntry:
	values = _values(DEVICE, section, sections[section], path)
	ids = [entry.id for entry in servers]
	server = values.pop("server") or (ids[0] if len(ids) == 1 else "")
	if server not in ids:
		raise ConfigurationError(
			f"{path}, [{section}], server: write which server it belongs to: {', '.join(ids)}."
		)
	return DeviceEntry(server, section.partition(" ")[2], values.pop("name"), **values)


def _with_units(path: Path, entry: ServerEntry, devices: list[DeviceEntry]) -> ServerEntry:
	"""The serial numbers that are read; where the server lists its devices, none."""
	if entry.unit is Unit.LOCATION:
		if entry.serials:
			raise ConfigurationError(
				f"{path}, [server {entry.id}], devices: {entry.config.server_type} lists its devices itself; leave this out."
			)
		return entry
	serials = tuple(device.serial for device in devices if device.server == entry.id and device.enabled)
	if not serials:
		raise ConfigurationError(
			f"{path}, [server {entry.id}], devices: {entry.config.server_type} does not list its devices; "
			"write their serial numbers here, with commas in between."
		)
	return replace(entry, serials=serials)


def units_of(entry: ServerEntry, device: str | None) -> tuple[str, ...] | None:
	"""The units of a server to read; None = all there is. Raises ConfigurationError for a device that is not its own."""
	if entry.unit is Unit.LOCATION:
		if device:
			raise ConfigurationError(f"{entry.config.server_type} is read by location: leave --device out.")
		return None
	if device and device not in entry.serials:
		raise ConfigurationError(
			f"The server {entry.id} has no enabled device {device} in the configuration."
		)
	return (device,) if device else entry.serials
