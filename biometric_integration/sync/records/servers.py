"""Attendance servers, as the settings name them, and what is remembered about each between runs."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import frappe
from frappe import _
from frappe.utils import get_datetime, get_system_timezone, get_time, getdate, now_datetime

from biometric_integration.connectors.registry import CONNECTORS, connect, named_by, type_that_answers
from biometric_integration.core.backoff import PROBE, judged, rests, wait
from biometric_integration.core.connector import Connector, ServerConfig, Unit
from biometric_integration.core.decide import Rules
from biometric_integration.core.devices import Device
from biometric_integration.core.direction import DirectionPolicy
from biometric_integration.core.directory import AS_IT_IS
from biometric_integration.core.errors import ConfigurationError
from biometric_integration.core.in_flight import AT_ONCE
from biometric_integration.core.mapping import Normaliser
from biometric_integration.core.periods import is_up_to_date
from biometric_integration.core.pull import PullOptions
from biometric_integration.core.rounding import Rounding, RoundingMode
from biometric_integration.core.runs import RunReport, RunStatus, Trigger
from biometric_integration.core.schedule import Schedule
from biometric_integration.core.stream import PRIMARY
from biometric_integration.core.text import harmless
from biometric_integration.sync.records import devices, periods

SETTINGS = "Biometric Sync Settings"
STATE = "Biometric Server State"
CURSOR = "Biometric Sync Cursor"
ID_FIELD = "attendance_device_id"
HOOKED = "eBioServer"
"""The server type that has a web hook."""
KEY_BYTES = 32
"""Of a key of AES-256."""
TEXT_FIELDS = ("Data", "Small Text", "Select", "Link", "Read Only")


@dataclass(frozen=True)
class Server:
	"""One attendance server: how to reach it, how often, and how far back.

	`enabled`: the scheduler reads it. `in_use`: a person who asks for all servers means it too. `kept_from`: staged punches from before may
	have been deleted. `fault`: why it cannot be asked at all. `at_once`: how many of its devices are asked about at the same time. `read_by`: the bridge that
	reads it in place of this site.
	"""

	config: ServerConfig
	label: str
	enabled: bool
	in_use: bool
	schedule: Schedule
	start_date: date | None
	overlap: timedelta
	rescan: timedelta
	kept_from: date | None
	fault: str = ""
	at_once: int = AT_ONCE
	read_by: str = ""

	@property
	def id(self) -> str:
		return self.config.server_id

	@property
	def unit(self) -> Unit:
		return CONNECTORS[self.config.server_type].unit

	@property
	def only_unit(self) -> str | None:
		"""What a server is read by that is not read device by device; None for one that is."""
		return self.unit.only(self.config)

	def reads(self, location: str) -> bool:
		"""Are the punches of devices there among what is read of it?"""
		only = self.only_unit
		return not only or only.casefold() == location.casefold()

	def options(self, trigger: Trigger, units: list[str] | None = None, **more) -> PullOptions:
		"""`more`: further fields of `PullOptions`."""
		return PullOptions(
			trigger,
			self.start_date,
			self.overlap,
			self.rescan,
			units,
			start_dates=self.start_dates(),
			kept_from=self.kept_from,
			at_once=self.at_once,
			**more,
		)

	def start_dates(self) -> dict[str, date | None]:
		"""By unit, where it is not that of the server; None: it stays where it began, as its first read was stopped."""
		aside = periods.set_aside(self.id)
		return {**self.own_start_dates(), **dict.fromkeys(_up_to_date(self, aside))}

	def own_start_dates(self) -> dict[str, date]:
		"""Serial number → start date, for devices that begin later than the rest."""
		if self.only_unit is not None:
			return {}
		own = {"serial_number": ("is", "set"), "start_date": ("is", "set")}
		rows = frappe.get_all("Biometric Device", own, ["serial_number", "start_date"], as_list=True, limit=0)
		return {serial: max(day, self.start_date or day) for serial, day in rows}

	def connector(self) -> Connector:
		"""Raises ConfigurationError."""
		if self.read_by:
			raise ConfigurationError(left_to_bridge(self))
		if self.fault:
			raise ConfigurationError(self.fault)
		return connect(self.config)

	def type_that_answers(self) -> str:
		"""Another server type whose service is at the address; empty where none is. The server is asked."""
		return type_that_answers(self.config)


def all_servers() -> list[Server]:
	"""The server on the settings form first, then those of *More Servers*; disabled ones included."""
	return list(_configured(frappe.get_cached_doc(SETTINGS)))


def all_as_saved() -> list[Server]:
	"""The same while the settings are being saved: the cache still has them as they were."""
	return list(_configured(frappe.get_doc(SETTINGS)))


def left_to_bridge(server: Server) -> str:
	"""Why this site asks a server nothing; empty where it does."""
	if not server.read_by:
		return ""
	return _(
		"{0} is read by the bridge {1}, by its schedule, and not by this site. How it goes is said on that Biometric Bridge."
	).format(server.label, server.read_by)


def other_type(row) -> str:
	"""The server type that the address of a row of the settings is known for, where another one is chosen; empty where that is not so."""
	named = named_by(row.endpoint_url or "")
	return named if row.server_type and named != row.server_type else ""


def ids() -> list[str]:
	"""Of all rows of the settings; the main server's is one whether it is filled in or not."""
	return [PRIMARY, *(row.server_id for row in frappe.get_cached_doc(SETTINGS).more_servers)]


def of_bridge(bridge: str) -> list[Server]:
	"""Those that are on, and that it reads."""
	return [server for server in all_servers() if server.enabled and server.read_by == bridge]


def reads_each_device(server_id: str) -> bool:
	"""Such a server is asked only about the devices that name it."""
	return any(server.only_unit is None for server in all_servers() if server.id == server_id)


def is_in_use() -> bool:
	"""Does the scheduler read any server, or does any device push?"""
	settings = frappe.get_cached_doc(SETTINGS)
	is_any = settings.server_type or any(row.enabled for row in settings.more_servers)
	return bool(settings.enabled and is_any) or devices.any_pushes()


def get(server_id: str | None) -> Server:
	"""One server by its id, `main` where none is given; throws a sentence where there is none."""
	for server in all_servers():
		if server.id == (server_id or PRIMARY):
			return server
	if server_id in (None, "", PRIMARY):
		frappe.throw(_("Choose a Server Type in Biometric Sync Settings first, then save."))
	frappe.throw(_("There is no attendance server with the id {0}.").format(server_id))


@dataclass(frozen=True)
class Hook:
	"""The web hook of a server: its secret, and the password that it encrypts with ("" = plain text)."""

	server: str
	secret: str = field(repr=False)
	password: str = field(default="", repr=False)


def hooks() -> list[Hook]:
	"""Of servers whose type has one, and that have a secret which can be read."""
	settings = frappe.get_cached_doc(SETTINGS)
	rows = [(PRIMARY, settings), *((row.server_id, row) for row in settings.more_servers)]
	found = []
	for server, row in rows:
		if row.server_type != HOOKED:
			continue
		secret, _fault = _password(row, "hook_secret")
		password, fault = _password(row, "hook_password")
		if secret and not fault:
			found.append(Hook(server, secret, password))
	return found


def push_secret() -> str | None:
	"""The path that devices have to send to; empty where there is none, None where the one that is set cannot be read."""
	secret, fault = _password(frappe.get_cached_doc(SETTINGS), "push_secret")
	return None if fault else secret


def time_zone(home: str) -> str:
	"""The zone in which devices of this home (`core.devices.Device.server`, `Biometric Device.server`; empty = main) keep their wall clock (IANA).

	That of their server in the settings, whether it is read or not; the site's, where it names none or is not there.
	"""
	return _zones().get(home or PRIMARY) or get_system_timezone()


def with_zone(device: Device) -> Device:
	"""The device with the zone of its home."""
	return replace(device, zone=time_zone(device.server))


def _zones() -> dict[str, str]:
	settings = frappe.get_cached_doc(SETTINGS)
	rows = [(PRIMARY, settings), *((row.server_id, row) for row in settings.more_servers)]
	return {server: row.time_zone or "" for server, row in rows}


def _configured(settings) -> Iterator[Server]:
	if settings.server_type:
		yield _server(settings, settings, PRIMARY, settings.endpoint_url, True)
	for row in settings.more_servers:
		yield _server(settings, row, row.server_id, row.label, bool(row.enabled))


def _server(settings, row, server_id: str, label: str, in_use: bool) -> Server:
	password, fault = _password(row)
	config = ServerConfig(
		server_id=server_id,
		server_type=row.server_type,
		endpoint_url=(row.endpoint_url or "").strip(),
		user=row.api_user or "",
		password=password,
		location=row.location or "",
		time_zone=row.time_zone or get_system_timezone(),
		verify_tls=bool(row.verify_tls),
		ca_certificate=row.ca_certificate or "",
		timeout=row.timeout or 30,
		memory=_memory(server_id),
	)
	return Server(
		config=config,
		label=label or server_id,
		enabled=bool(settings.enabled and in_use),
		in_use=in_use,
		schedule=Schedule(
			timedelta(minutes=row.sync_interval or settings.sync_interval or 0),
			get_time(settings.sync_time or "00:00:00"),
		),
		start_date=_floor(settings),
		overlap=timedelta(hours=settings.overlap_hours or 0),
		rescan=timedelta(days=settings.rescan_days or 0),
		kept_from=getdate(settings.import_floor) if settings.import_floor else None,
		fault=fault,
		at_once=row.requests_at_once or AT_ONCE,
		read_by=row.get("read_by") or "",
	)


def _password(row, fieldname: str = "api_password") -> tuple[str, str]:
	"""The password, or why there is none that can be read: the fault of one server stops no other.

	Where it was encrypted with another key, older versions of frappe throw, newer ones give nothing.
	"""
	messages = len(frappe.local.message_log)
	try:
		password = row.get_password(fieldname, raise_exception=False) or ""
	except Exception:  # whatever a wrong key leads to
		del frappe.local.message_log[messages:]
		password = ""
	if password or not row.get(fieldname):
		return password, ""
	return "", _(
		"The stored API Password cannot be read, as the encryption key of this site has changed. Enter it again."
	)


def rules() -> Rules:
	"""What the settings say about using punches, as of now."""
	settings = frappe.get_cached_doc(SETTINGS)
	return Rules(
		now=now_datetime().replace(microsecond=0),
		repeat_window=timedelta(seconds=settings.repeat_window or 0),
		allowed_drift=allowed_drift(),
		floor=getdate(settings.start_date) if settings.start_date else None,
		direction=DirectionPolicy(settings.direction_policy or DirectionPolicy.AS_REPORTED.value),
		rounding=Rounding(
			timedelta(minutes=settings.round_to or 0), RoundingMode(settings.rounding_mode or "Nearest")
		),
		asks_for_shifts=_asks_for_shifts(settings),
	)


def allowed_drift() -> timedelta:
	"""How far the clock of a device may be ahead."""
	return timedelta(minutes=frappe.get_cached_doc(SETTINGS).allowed_drift or 0)


def to_attendance() -> bool:
	"""Is the attendance of complete workdays written here?"""
	return frappe.get_cached_doc(SETTINGS).output == "Attendance"


def _asks_for_shifts(settings) -> bool:
	first_in = DirectionPolicy.FIRST_IN.value
	return settings.direction_policy == first_in or bool(
		frappe.db.exists("Biometric Device", {"direction_policy": first_in})
	)


def employee_fields() -> tuple[str, ...]:
	"""Fields of Employee in which ids are looked up, in order. One that is gone, or holds no text, is left out."""
	chosen = (row.fieldname for row in frappe.get_cached_doc(SETTINGS).employee_fields)
	return tuple(filter(can_hold_ids, chosen)) or (ID_FIELD,)


def can_hold_ids(fieldname: str) -> bool:
	"""Is it a field of Employee with a column of text?"""
	meta = frappe.get_meta("Employee")
	field = meta.get_field(fieldname)
	return fieldname == "name" or bool(
		field and field.fieldtype in TEXT_FIELDS and fieldname in meta.get_valid_columns()
	)


def normalisers() -> dict[str, Normaliser]:
	"""Server id → what may be taken off its ids, for the servers that allow anything."""
	settings = frappe.get_cached_doc(SETTINGS)
	rows = [(PRIMARY, settings), *((row.server_id, row) for row in settings.more_servers)]
	allowed = ((server, Normaliser(row.strip_prefix or "", bool(row.strip_zeros))) for server, row in rows)
	return {server: normaliser for server, normaliser in allowed if normaliser != AS_IT_IS}


def _floor(settings) -> date | None:
	"""The first day that counts: the start date, or the import floor where older events were deleted."""
	days = [getdate(day) for day in (settings.start_date, settings.import_floor) if day]
	return max(days, default=None)


# --- what is remembered


def _memory(server_id: str) -> dict:
	return json.loads(frappe.db.get_value(STATE, server_id, "memory") or "{}")


def remember(server: Server) -> None:
	"""Keep what the connector found out about the server: path, dialect, date format."""
	_write_state(server.id, {"memory": json.dumps(server.config.memory, sort_keys=True)})


def note_result(server: Server, reports: list[RunReport]) -> None:
	"""Keep how a pull ended, and how long the scheduler leaves a server alone that fails as a whole.

	What fails for one stream only is noted with its cursor.
	"""
	now = now_datetime()
	errors = [report.error for report in reports if report.error and report.error.server_wide]
	if not errors:
		if any(report.status in (RunStatus.SUCCESS, RunStatus.PARTIAL) for report in reports):
			_write_state(server.id, {**RECOVERED, "last_success": now})
		return
	before = (
		frappe.db.get_value(STATE, server.id, ["failures", "first_failure"], as_dict=True) or frappe._dict()
	)
	failures, first_failure = (before.failures or 0) + 1, before.first_failure or now
	error_class = judged(errors[0], failures, first_failure, now)
	_write_state(
		server.id,
		{
			"failures": failures,
			"first_failure": first_failure,
			"next_attempt": now + wait(error_class, failures),
			"error_class": error_class.value,
			"error": harmless(errors[0].message),
		},
	)


def note_reported(server: str, ok: bool, message: str, at: datetime) -> None:
	"""How a bridge read a server at `at`, of the last time it did; the same again changes nothing. It has no waits of ours."""
	known = state(server)
	if ok and (known.failures or not known.last_success or known.last_success < at):
		_write_state(server, {**RECOVERED, "last_success": at})
	elif not ok and (not known.failures or known.error != message):
		_write_state(server, {**RECOVERED, "failures": 1, "first_failure": at, "error": message})


RECOVERED = {"failures": 0, "first_failure": None, "next_attempt": None, "error": "", "error_class": ""}


def _write_state(server_id: str, values: dict) -> None:
	if not frappe.db.exists(STATE, server_id):
		frappe.get_doc({"doctype": STATE, "name": server_id}).insert(
			ignore_permissions=True, ignore_if_duplicate=True
		)
	frappe.db.set_value(STATE, server_id, values)


def state(server_id: str) -> frappe._dict:
	fields = ["last_success", "failures", "next_attempt", "error_class", "error"]
	return frappe.db.get_value(STATE, server_id, fields, as_dict=True) or frappe._dict()


def failing_units(server: Server) -> list[str]:
	"""The units of streams that are read of it and failed by themselves at their last run. A device that was turned off is nobody's trouble."""
	filters = {
		"server": server.id,
		"server_type": server.config.server_type,
		"unit": ("in", list(_schedules(server))),
		"failures": (">", 0),
	}
	return frappe.get_all(CURSOR, filters, pluck="unit", limit=0)


def longest_interval(server: Server) -> timedelta:
	"""Of the server, or of one of its devices that has its own."""
	filters = {**devices.belonging_to(server.id), "enabled": 1, "sync_interval": (">", 0)}
	own = frappe.db.get_value("Biometric Device", filters, "sync_interval", order_by="sync_interval desc")
	return (
		max(server.schedule.interval, timedelta(minutes=own or 0))
		if server.schedule.interval
		else timedelta(0)
	)


def stamp(field: str) -> datetime | None:
	"""A time that the jobs keep on the settings; None where none was kept yet, which frappe shows as the first day of the calendar."""
	value = frappe.db.get_single_value(SETTINGS, field)
	moment = get_datetime(value) if value else None
	return moment if moment and moment.year > 1 else None


def keep_stamp(field: str, moment: datetime) -> None:
	frappe.db.set_single_value(SETTINGS, field, moment, update_modified=False)


# --- what is due


def due(now: datetime) -> Iterator[tuple[Server, list[str] | None]]:
	"""Servers that the scheduler reads now, each with the units that are due (None = all)."""
	for server in all_servers():
		if server.enabled and not server.read_by and not rests(state(server.id).next_attempt, now):
			units = _due_units(server, now)
			if units is None or units:
				yield server, units


def _due_units(server: Server, now: datetime) -> list[str] | None:
	runs, left_alone = last_runs(server), _left_alone(server)
	if (only := server.only_unit) is not None:
		is_read = only not in left_alone or feeds_left(server)
		return None if is_read and server.schedule.due(runs.get(only), now) else []
	left_alone, schedules = left_alone | resting(server, now), _schedules(server)
	return [unit for unit in schedules if unit not in left_alone and schedules[unit].due(runs.get(unit), now)]


def _left_alone(server: Server) -> set[str]:
	"""Units whose first read was stopped before it came to these days."""
	return behind(server, periods.set_aside(server.id))


def behind(server: Server, units: Collection[str]) -> set[str]:
	"""Those that are not read up to these days: they are left alone where a first read is stopped."""
	return {*units} - _up_to_date(server, units)


def feeds_left(server: Server) -> list[str] | None:
	"""Those that go on where its first read was stopped before it came to these days: what is new comes by position. None = all."""
	by_position = reads_by_position(server)
	return by_position if by_position and server.only_unit in _left_alone(server) else None


def reads_by_position(server: Server) -> list[str]:
	"""Its feeds that bring what is new wherever the days stand."""
	return [feed.name for feed in CONNECTORS[server.config.server_type].feeds if feed.by_position]


def _up_to_date(server: Server, units: Collection[str]) -> set[str]:
	"""Those that are read up to these days, whatever is left of the time before they began."""
	if not units:
		return set()
	filters = {
		"server": server.id,
		"server_type": server.config.server_type,
		"unit": ("in", [*units]),
		"feed": ("not in", reads_by_position(server)),
	}
	found = frappe.get_all(CURSOR, filters, ["unit", "read_until"], limit=0)
	return {row.unit or "" for row in found if is_up_to_date(row.read_until, now_datetime())}


def units(server: Server) -> list[str]:
	"""What is read of it by schedule."""
	return [*_schedules(server)]


def last_runs(server: Server) -> dict[str, datetime]:
	"""Unit → when one of its streams was last taken."""
	filters = {"server": server.id, "server_type": server.config.server_type, "last_run": ("is", "set")}
	rows = frappe.get_all(CURSOR, filters, ["unit", "last_run"], order_by="last_run asc", limit=0)
	return {row.unit or "": row.last_run for row in rows}


def resting(server: Server, now: datetime) -> set[str]:
	"""Units with a stream that failed by itself, until its next attempt."""
	filters = {
		"server": server.id,
		"server_type": server.config.server_type,
		"next_attempt": ("between", (now, now + PROBE)),
	}
	return {unit or "" for unit in frappe.get_all(CURSOR, filters, pluck="unit", limit=0)}


def _schedules(server: Server) -> dict[str, Schedule]:
	"""By unit, for those that are read."""
	if (only := server.only_unit) is not None:
		return {only: server.schedule}
	return dict(_device_schedules(server)) or {"": server.schedule}


def _device_schedules(server: Server) -> Iterator[tuple[str, Schedule]]:
	filters = {**devices.belonging_to(server.id), "enabled": 1, "serial_number": ("is", "set")}
	for row in frappe.get_all("Biometric Device", filters, ["serial_number", "sync_interval"], limit=0):
		own = Schedule(timedelta(minutes=row.sync_interval)) if row.sync_interval else server.schedule
		yield row.serial_number, own
