"""Devices in SQLite, as the core sees them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from biometric_integration.bridge.database import Database
from biometric_integration.core.devices import Device, DeviceChange, Pair
from biometric_integration.core.drift import Clock
from biometric_integration.core.text import storable

KEY_BYTES = 5


@dataclass(frozen=True)
class DeviceEntry:
	"""A device as a person enters it: known to its server by `serial`."""

	server: str
	serial: str
	label: str = ""
	location: str = ""
	enabled: bool = True
	counts_for_attendance: bool = True


def known_to(database: Database, server: str) -> list[Device]:
	"""The devices of a server, and of the others those that are known by a serial."""
	return _read(database, "WHERE server=? OR serial IS NOT NULL", server)


def by_key(database: Database) -> dict[str, Device]:
	return {device.key: device for device in _read(database)}


def _read(database: Database, condition: str = "", *values: str) -> list[Device]:
	aliases: dict[str, list[Pair]] = {}
	for row in database.rows("SELECT device, name, location FROM device_alias ORDER BY id"):
		aliases.setdefault(row["device"], []).append((row["name"], row["location"]))
	return [
		Device(
			key=row["key"],
			label=row["label"],
			serial=row["serial"] or "",
			location=row["location"],
			aliases=tuple(aliases.get(row["key"], ())),
			enabled=bool(row["enabled"]),
			counts_for_attendance=bool(row["counts_for_attendance"]),
			server=row["server"],
		)
		for row in database.rows(f"SELECT * FROM device {condition} ORDER BY rowid", values)
	]


def clocks(database: Database) -> dict[str, Clock]:
	"""Of devices that were found ahead, by key."""
	return {
		row["device"]: Clock(timedelta(seconds=row["ahead"]), datetime.fromisoformat(row["seen"]))
		for row in database.rows("SELECT * FROM clock")
	}


def note_clocks(database: Database, found: Mapping[str, Clock]) -> None:
	rows = [(key, int(clock.ahead.total_seconds()), clock.seen) for key, clock in found.items()]
	database.write_many("INSERT OR REPLACE INTO clock (device, ahead, seen) VALUES (?,?,?)", rows)


def change(database: Database, server: str, changes: Iterable[DeviceChange]) -> None:
	for each in changes:
		each = replace(each, pair=(storable(each.pair[0]), storable(each.pair[1])))
		_complete(database, each.key or _twin(database, server, each) or _new(database, server, each), each)


def _twin(database: Database, server: str, each: DeviceChange) -> str:
	"""The same device, entered by another process since the caller looked."""
	if each.serial:
		query = "SELECT key FROM device WHERE serial=? ORDER BY server=? DESC LIMIT 1"
		found = database.value(query, (each.serial, server))
	else:
		query = """SELECT d.key FROM device d JOIN device_alias a ON a.device = d.key
			WHERE d.server=? AND d.serial IS NULL AND a.name=? AND a.location=?"""
		found = database.value(query, (server, *each.pair))
	return found or ""


def _new(database: Database, server: str, each: DeviceChange) -> str:
	key, (name, location) = secrets.token_hex(KEY_BYTES), each.pair
	database.write(
		"INSERT INTO device (key, server, label, location, note) VALUES (?,?,?,?,?)",
		(key, server, name or each.serial or "Unnamed device", location, each.note),
	)
	return key


def _complete(database: Database, key: str, each: DeviceChange) -> None:
	if each.serial:
		database.write(
			"""UPDATE device SET serial=?, note = CASE WHEN serial IS ? THEN note ELSE '' END,
			location = COALESCE(NULLIF(?, ''), location) WHERE key=?""",
			(each.serial, each.serial, each.pair[1], key),
		)
	if any(each.pair):
		database.write(
			"INSERT INTO device_alias (device, name, location) VALUES (?,?,?) ON CONFLICT DO NOTHING",
			(key, *each.pair),
		)


def enter(database: Database, entries: Iterable[DeviceEntry]) -> None:
	"""Create or change devices that a person has listed."""
	for entry in entries:
		database.write(
			"INSERT INTO device (key, server, label, serial) VALUES (?,?,?,?) ON CONFLICT (server, serial) DO NOTHING",
			(secrets.token_hex(KEY_BYTES), entry.server, entry.label or entry.serial, entry.serial),
		)
		database.write(
			"""UPDATE device SET label = COALESCE(NULLIF(:label, ''), label), enabled = :enabled,
			location = COALESCE(NULLIF(:location, ''), location), counts_for_attendance = :counts_for_attendance
			WHERE server = :server AND serial = :serial""",
			asdict(entry),
		)
