"""Biometric Device documents as the core sees them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import frappe
from frappe import _
from frappe.query_builder import DocType
from frappe.query_builder.functions import Max
from frappe.utils import now_datetime

from biometric_integration.core.devices import Device, DeviceChange, original_of
from biometric_integration.core.drift import REMEMBERED, Clock
from biometric_integration.core.punch import Kind
from biometric_integration.core.stream import PRIMARY
from biometric_integration.core.window import DAY

DOCTYPE = "Biometric Device"
MONTH = 31 * DAY
ALIAS = "Biometric Device Alias"
FIELDS = [
	"name",
	"device_name",
	"serial_number",
	"server",
	"location",
	"enabled",
	"counts_for_attendance",
	"same_as",
	"direction_policy",
	"latitude",
	"longitude",
	"flips",
	"last_punch",
]


def of_server(server: str) -> list[Device]:
	return _read(belonging_to(server))


def belonging_to(server: str) -> dict:
	"""The filter for a server's devices; one that names no server belongs to the main one."""
	return {"server": ("in", ["", server]) if server == PRIMARY else server}


def known_to(server: str) -> list[Device]:
	"""The devices of a server, and of the others those that are known by a serial number; with each, what it is the same as."""
	found = _read({})
	originals = {device.same_as for device in found} - {""}
	return [
		device for device in found if device.is_at_home(server) or device.serial or device.key in originals
	]


def homes(keys: Iterable[str | None]) -> dict[str, str]:
	"""Device → the id of its home server."""
	filters = {"name": ("in", sorted(filter(None, set(keys))))}
	rows = frappe.get_all(DOCTYPE, filters, ["name", "server"], as_list=True, limit=0)
	return {key: home(server) for key, server in rows}


def home(server: str | None) -> str:
	"""The id of the server that a device names. Such ids have small letters only; MariaDB takes what else a person wrote for the same."""
	return (server or "").strip().lower() or PRIMARY


def by_serial(serials: Iterable[str]) -> dict[str, Device]:
	"""Of these serial numbers, letter by letter; one that turned out to be another device is that one."""
	found = _read({"serial_number": ("in", sorted(set(serials) - {""}))})
	originals = by_key(device.same_as for device in found if device.same_as) if found else {}
	return {device.serial: original_of(device, originals) for device in found}


def with_serial(serial: str) -> str | None:
	return frappe.db.get_value(DOCTYPE, {"serial_number": serial}) if serial else None


def names_of(serials: Collection[str]) -> dict[str, str]:
	"""Serial number → docname, of those that are known."""
	of_these = {"serial_number": ("in", [*serials])}
	return dict(frappe.get_all(DOCTYPE, of_these, ["serial_number", "name"], as_list=True, limit=0))


def by_key(keys: Iterable[str]) -> dict[str, Device]:
	"""Devices by docname. One that turned out to be another one has the switches of that one."""
	devices = {device.key: device for device in _read({"name": ("in", sorted(set(keys)))})}
	originals = {device.same_as for device in devices.values()} - {"", *devices}
	if originals:
		devices.update({device.key: device for device in _read({"name": ("in", sorted(originals))})})
	return {key: devices.get(device.same_as, device) for key, device in devices.items()}


def _read(filters: dict) -> list[Device]:
	rows = frappe.get_all(DOCTYPE, filters, FIELDS, order_by="creation asc, name asc", limit=0)
	aliases = _aliases([row.name for row in rows])
	return [
		Device(
			key=row.name,
			label=row.device_name,
			serial=row.serial_number or "",
			location=row.location or "",
			aliases=tuple(aliases.get(row.name, ())),
			enabled=bool(row.enabled),
			counts_for_attendance=bool(row.counts_for_attendance),
			same_as=row.same_as or "",
			direction_policy=row.direction_policy or "",
			latitude=row.latitude or 0.0,
			longitude=row.longitude or 0.0,
			flips=bool(row.flips),
			last_punch=row.last_punch,
			server=home(row.server),
		)
		for row in rows
	]


def _aliases(keys: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
	found: dict[str, list[tuple[str, str]]] = {}
	if keys:
		filters = {"parenttype": DOCTYPE, "parent": ("in", keys)}
		for row in frappe.get_all(
			ALIAS, filters, ["parent", "device_name", "location"], order_by="idx asc", limit=0
		):
			found.setdefault(row.parent, []).append((row.device_name or "", row.location or ""))
	return found


def change(server: str, changes: Sequence[DeviceChange]) -> None:
	for each in changes:
		document = frappe.get_doc(DOCTYPE, each.key) if each.key else _new(server, each)
		before = document.as_dict(convert_dates_to_str=True)
		_complete(document, each)
		if document.is_new() or document.as_dict(convert_dates_to_str=True) != before:
			document.save(ignore_permissions=True)


def _new(server: str, each: DeviceChange):
	document = frappe.new_doc(DOCTYPE)
	name, location = each.pair
	document.update(
		{
			"device_name": name or each.serial or _("Unnamed device"),
			"location": location,
			"company": only_company(),
			"server": server,
			"enabled": 1,
			"needs_review": int(bool(each.note)),
			"review_note": _(each.note) if each.note else "",
		}
	)
	return document


def only_company() -> str:
	"""Of a site with several companies a person says which; frappe would put the default one there by itself, were it None."""
	companies = frappe.get_all("Company", pluck="name", limit=2)
	return companies[0] if len(companies) == 1 else ""


def _complete(document, each: DeviceChange) -> None:
	name, location = each.pair
	if each.serial and document.serial_number != each.serial:
		document.update(_with_serial(document, each.serial))
	if each.pair not in [(alias.device_name or "", alias.location or "") for alias in document.aliases]:
		document.append("aliases", {"device_name": name, "location": location, "first_seen": now_datetime()})
	if document.serial_number:
		document.location = location or document.location


def _with_serial(document, serial: str) -> dict:
	"""A serial number belongs to one device of the site: where another server has it, a person has to decide."""
	other = frappe.db.get_value(DOCTYPE, {"serial_number": serial}, ["name", "server"], as_dict=True)
	if not other or other.name == document.name:
		return {"serial_number": serial, "needs_review": 0, "review_note": ""}
	note = _(
		"The serial number {0} belongs to a device of the server {1}, under which its punches are kept. Where this one is the same machine, it can be disabled."
	)
	return {"needs_review": 1, "review_note": note.format(serial, other.server or PRIMARY)}


def are_any() -> bool:
	"""Is there a device at all, whose punches may come?"""
	return bool(frappe.db.exists(DOCTYPE, {"enabled": 1}))


def any_pushes() -> bool:
	"""Was any that is enabled ever heard of by push?"""
	return bool(frappe.db.exists(DOCTYPE, {"enabled": 1, "last_contact": ("is", "set")}))


def newest_arrival(device: str) -> datetime | None:
	"""When the newest punch of a device came, at the latest. For one without *Last Punch*: its clock was ahead, or the run never ended."""
	event = DocType("Biometric Staging Event")
	query = frappe.qb.from_(event).select(event.punch_time, event.creation).where(event.device == device)
	rows = (
		query.where(event.kind == Kind.PUNCH.value).orderby(event.name, order=frappe.qb.desc).limit(1).run()
	)
	return min(filter(None, rows[0])) if rows else None


def days_of_others(device: str, server: str, since: datetime, now: datetime, enough: int) -> int:
	"""On how many days after `since`, the newest first, other devices of the server delivered; no more than `enough`, of the last month."""
	others = [row.name for row in _delivering_since(server, since) if row.name != device]
	event, found = DocType("Biometric Staging Event"), 0
	day = now.date()
	while others and found < enough and day > max(since, now - MONTH).date():
		# by the index of the device, which ends in the name: that begins with the time
		query = frappe.qb.from_(event).select(event.name).where(event.device.isin(others)).limit(1)
		within = (event.name >= f"{day:%Y%m%d}") & (event.name < f"{day + DAY:%Y%m%d}")
		found += len(query.where(within).run())
		day -= DAY
	return found


def _delivering_since(server: str, since: datetime) -> list:
	return frappe.get_all(DOCTYPE, {**belonging_to(server), "last_punch": (">", since)}, limit=0)


def clocks(keys: Iterable[str]) -> dict[str, Clock]:
	"""Of those of these devices that were found ahead."""
	filters = {"name": ("in", sorted(set(keys))), "clock_ahead": (">", 0)}
	rows = frappe.get_all(DOCTYPE, filters, ["name", "clock_ahead", "clock_found_at"], limit=0)
	return {row.name: Clock(timedelta(seconds=int(row.clock_ahead)), row.clock_found_at) for row in rows}


def note_clocks(found: Mapping[str, Clock]) -> None:
	for key, clock in sorted(found.items()):
		values = {"clock_ahead": clock.ahead.total_seconds(), "clock_found_at": clock.seen}
		frappe.db.set_value(DOCTYPE, key, values, update_modified=False)


def forget_clocks(keys: Iterable[str], now: datetime) -> None:
	"""Devices that are heard of, and whose clock was not found ahead for a day, are right again."""
	device = DocType(DOCTYPE)
	(
		frappe.qb.update(device)
		.set(device.clock_ahead, 0)
		.set(device.clock_found_at, None)
		.where(
			device.name.isin(list(keys))
			& (device.clock_ahead > 0)
			& (device.clock_found_at < now - REMEMBERED)
		)
		.run()
	)


def clock_is_unknown(keys: Iterable[str]) -> None:
	"""What was found out about these clocks rests on times that were wrong."""
	filters = {"name": ("in", sorted(filter(None, keys))), "clock_ahead": (">", 0)}
	if frappe.db.exists(DOCTYPE, filters):
		frappe.db.set_value(
			DOCTYPE, filters, {"clock_ahead": 0, "clock_found_at": None}, update_modified=False
		)


def note_last_punches(log: str, now: datetime) -> None:
	"""Bring *Last Punch* of the devices up to date with what a run first staged; a clock that is ahead does not count.

	Read first, then written: a join would lock the events against those who decide about them.
	"""
	event = DocType("Biometric Staging Event")
	newest = (
		frappe.qb.from_(event)
		.select(event.device, Max(event.punch_time))
		.where((event.sync_log == log) & (event.kind == Kind.PUNCH.value) & (event.punch_time <= now))
		.groupby(event.device)
	)
	note_newest(dict(newest.run()), now)


def note_newest(found: Mapping[str, datetime], now: datetime) -> None:
	"""*Last Punch* of each of these, as far as it was earlier; they were heard of."""
	if not found:
		return
	forget_clocks(found, now)
	moments = " ".join(["WHEN %s THEN %s"] * len(found))
	newest = [value for pair in sorted(found.items()) for value in pair]
	frappe.db.sql(
		f"""UPDATE `tab{DOCTYPE}` SET `last_punch`=GREATEST(IFNULL(`last_punch`, '0001-01-01'), CASE `name` {moments} END)
		WHERE `name` IN %s""",
		(*newest, sorted(found)),
	)  # of hundreds of devices at once; the query builder has no words for the case
