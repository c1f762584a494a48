"""What is known of the devices: how far they were read, when they last gave a sign of life, and whose they are (design §4).

All times in the site's clock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import cached_property

import frappe
from frappe.query_builder import DocType
from frappe.query_builder.functions import Min

from biometric_integration.core.desertion import ELSEWHERE
from biometric_integration.core.evidence import (
	STATISTICS,
	DeviceHour,
	Heard,
	LookBack,
	Use,
	own_devices,
	rhythm,
	silences,
)
from biometric_integration.core.punch import Kind
from biometric_integration.core.reasons import EventStatus
from biometric_integration.core.stream import PRIMARY
from biometric_integration.core.window import DAY
from biometric_integration.sync.records import completeness, cursors, device_hours, servers, staging
from biometric_integration.sync.records.completeness import UnitRead
from biometric_integration.sync.workdays.desertion import USED, deserted

DEVICE, DECISION = "Biometric Device", "Biometric Decision"
TRUST = "Trust This Device Until"
GETTING_TO_KNOW = timedelta(days=14)
"""So long after signs of life began to be kept nothing is proven by them."""
NEVER_READ = UnitRead(datetime.min)
FIELDS = [
	"name",
	"device_name",
	"server",
	"serial_number",
	"location",
	"enabled",
	"counts_for_attendance",
	"same_as",
	"replaced_by",
	"replaced_on",
	"last_punch",
	"last_contact",
	"pushed_until",
]


class Evidence:
	"""What is known of the devices, read once for a run of the workdays lane.

	Each part is read when it is first asked for: in the transaction in which the check-ins were read, or a later one read them once more. proves_from: a day that
	closed before is proven by nothing.
	"""

	def __init__(self, now: datetime):
		self._now = now
		self._heard: dict[str, Heard] = {}
		self._deserted: dict[str, date] = {}
		self._units: dict[tuple[str, str], UnitRead] = {}
		self._near: set[str] = set()

	@cached_property
	def proves_from(self) -> datetime:
		since = device_hours.kept_since()
		return since + GETTING_TO_KNOW if since else datetime.max

	def read_until(self, devices: Collection[str]) -> datetime:
		"""How far all of these devices were read to the end, and each punch decided; `datetime.max` for none.

		Who is disabled, has no server or is gone is not waited for; one that only pushes and has fallen silent only for a day: nobody reads it meanwhile.
		"""
		found = self._originals(devices).values()
		return min((self._waited_for(row) for row in found if self._is_read(row)), default=datetime.max)

	def heard(self, devices: Collection[str], day: date) -> list[Heard]:
		"""What is known of those that are asked about this day in place of these.

		*Same As* and, from its date, *Replaced By* say who that is. Nobody asks a device that is disabled, does not count, or was deserted by then.
		"""
		asked = {row.name for row in (self._asked(device, day) for device in devices) if row}
		self._listen(asked)
		return [self._heard[name] for name in sorted(asked) if day < self._deserted.get(name, date.max)]

	def around(self, devices: Collection[str]) -> set[str]:
		"""The others at the same location of the same server that count for attendance."""
		places = {_place(row) for row in self._originals(devices).values() if row.location}
		counting = (row for row in self._devices.values() if _counts(row) and not row.same_as)
		return {row.name for row in counting if _place(row) in places} - {*devices, *self._originals(devices)}

	def own(self, people: Collection[str], first: date, last: date) -> Callable[[str, date], set[str]]:
		"""(employee, day) → their own devices, for days from the first to the last."""
		uses: dict[str, list[tuple[date, Use]]] = {}
		for employee, device, day, count, newest in _uses(people, first - STATISTICS, last):
			uses.setdefault(employee, []).append((day, Use(self._name(device), count, newest)))
		self._near.update(use.device for found in uses.values() for _day, use in found)

		def own_on(employee: str, day: date) -> set[str]:
			begin = day - STATISTICS
			near = (use for used_on, use in uses.get(employee, ()) if begin <= used_on <= day)
			return own_devices(list(_summed(near)), day)

		return own_on

	# --- the devices

	@cached_property
	def _devices(self) -> Mapping[str, frappe._dict]:
		return {row.name: row for row in frappe.get_all(DEVICE, fields=FIELDS, limit=0)}

	def _original(self, device: str) -> frappe._dict | None:
		row = self._devices.get(device)
		return self._devices.get(row.same_as, row) if row else None

	def _name(self, device: str) -> str:
		row = self._original(device)
		return row.name if row else device

	def _originals(self, devices: Iterable[str]) -> dict[str, frappe._dict]:
		"""By name; without those that are gone."""
		return {row.name: row for row in map(self._original, devices) if row}

	@cached_property
	def _names(self) -> Mapping[str, list[str]]:
		"""Device → the names under which its punches are kept: its own, and those that are the same as it."""
		found: dict[str, list[str]] = {}
		for row in self._devices.values():
			found.setdefault(self._name(row.name), []).append(row.name)
		return found

	def _asked(self, device: str, day: date) -> frappe._dict | None:
		row = self._original(device)
		passed: set[str] = set()
		while row and row.replaced_by and (row.replaced_on or day) <= day and row.name not in passed:
			passed.add(row.name)
			row = self._original(row.replaced_by)
		return row if row and _counts(row) else None

	# --- how far they were read

	@cached_property
	def _servers(self) -> Mapping[str, servers.Server]:
		return {server.id: server for server in servers.all_servers() if server.in_use}

	@cached_property
	def _cursors(self) -> Mapping[str, completeness.Cursors]:
		return {server: cursors.of_server(server) for server in self._servers}

	@cached_property
	def _start_dates(self) -> Mapping[str, Mapping[str, date]]:
		"""Server → unit → start date, where it is not that of the server."""
		return {server.id: server.own_start_dates() for server in self._servers.values()}

	@cached_property
	def _undecided(self) -> Mapping[str, datetime]:
		return undecided()

	def _server(self, row: frappe._dict) -> servers.Server | None:
		return self._servers.get(row.server or PRIMARY)

	def _is_read(self, row: frappe._dict) -> bool:
		return bool(row.enabled and row.last_contact) or self._is_pulled(row)

	def _is_pulled(self, row: frappe._dict) -> bool:
		server = self._server(row)
		if not server or not row.enabled:
			return False
		by_name = (
			server.only_unit is not None and not server.read_by
		)  # a bridge sends punches by the serial number
		return server.reads(row.location or "") and (by_name or bool(row.serial_number))

	def _until(self, row: frappe._dict) -> datetime:
		return min(self._unit_read(row).until, self._decided_until(row))

	def _waited_for(self, row: frappe._dict) -> datetime:
		read = self._unit_read(row).until
		if row.last_contact and not self._is_pulled(row):
			read = max(read, self._now - DAY)
		return min(read, self._decided_until(row))

	def _decided_until(self, row: frappe._dict) -> datetime:
		names = self._names.get(row.name, ())
		return min((self._undecided.get(name, datetime.max) for name in names), default=datetime.max)

	def _unit_read(self, row: frappe._dict) -> UnitRead:
		"""By its server, where that is read: contact without a delivery proves nothing there. Else by itself: what pushes sends what it has kept, in the
		order of time."""
		if self._is_pulled(row):
			return self._unit_pulled(row)
		pushed = row.pushed_until if row.enabled and row.pushed_until else None
		if not pushed or pushed > self._now:
			return NEVER_READ
		return UnitRead(pushed, (LookBack(pushed, datetime.min),))

	def _unit_pulled(self, row: frappe._dict) -> UnitRead:
		server = self._server(row)
		if not server:
			return NEVER_READ
		only = server.only_unit
		unit = row.serial_number if only is None else only
		return self._units.get((server.id, unit)) or self._read(server, unit)

	def _read(self, server: servers.Server, unit: str) -> UnitRead:
		start_date = self._start_dates[server.id].get(unit, server.start_date)
		found = completeness.unit_read(server, unit, self._cursors[server.id], self._now, start_date)
		self._units[server.id, unit] = found
		return found

	# --- when they were heard of

	def _listen(self, asked: Collection[str]) -> None:
		"""Learn of those that were not asked before, and of those that may be asked next.

		What nobody has decided about is read once more, on the view of the data that the signs of life are read on: a punch that has come meanwhile may be
		the missing one.
		"""
		if not set(asked) - self._heard.keys():
			return
		likely = {*asked, *self.around(asked), *self._originals(self._near)}
		new = likely - self._heard.keys()
		self._undecided = undecided()
		hours = self._hours(new)
		for name in new:
			self._heard[name] = self._of(self._devices[name], hours[name])
		self._deserted.update(self._found_deserted(new))

	def _hours(self, new: Collection[str]) -> dict[str, list[DeviceHour]]:
		names = {name: self._names.get(name, ()) for name in new}
		since = self._now - device_hours.REMEMBERED
		found = device_hours.of_devices([each for of in names.values() for each in of], since)
		return {
			name: sorted((row for each in of for row in found.get(each, ())), key=lambda row: row.hour)
			for name, of in names.items()
		}

	def _of(self, row: frappe._dict, hours: list[DeviceHour]) -> Heard:
		punch = max((each.punch for each in hours if each.punch), default=None)
		if not hours and row.last_punch:
			punch = min(row.last_punch, self._now)  # from before signs were kept
		return Heard(
			row.name,
			row.device_name or row.name,
			self._until(row),
			self._unit_read(row).looks,
			punch,
			max((each.ping for each in hours if each.ping), default=None),
			silences(hours, rhythm(hours, self._now, self._quiet)),
			self._trusted.get(row.name),
			self._unit_read(row).since,
		)

	def _found_deserted(self, new: Iterable[str]) -> dict[str, date]:
		"""Of those of these that were last heard of long enough ago for their people to do without them."""
		signs = {name: sign for name in new if (sign := self._heard[name].sign_of_life)}
		silent = {name: sign for name, sign in signs.items() if self._now - sign > ELSEWHERE * DAY}
		return deserted(silent, self._names, self._name)

	@cached_property
	def _quiet(self) -> set[date]:
		"""Holidays on which nothing came of any device. A day without a punch that is none may be one on which all were cut off."""
		since = self._now - device_hours.REMEMBERED
		between = ("between", (since.date(), self._now.date()))
		holidays = frappe.get_all(
			"Holiday", {"holiday_date": between}, pluck="holiday_date", distinct=True, limit=0
		)
		return set(holidays) - device_hours.days(since)

	@cached_property
	def _trusted(self) -> Mapping[str, date]:
		"""The newest word about a device counts: it may take back an earlier one."""
		said = frappe.get_all(
			DECISION, {"what": TRUST}, ["device", "date"], order_by="creation asc", as_list=True, limit=0
		)
		return {self._name(device): until for device, until in said}


def undecided() -> dict[str, datetime]:
	"""Device → time of its oldest punch that nobody has decided about."""
	event = DocType(staging.DOCTYPE)
	waits = (event.status == EventStatus.PENDING.value) & (event.reason_code == "")
	query = frappe.qb.from_(event).select(event.device, Min(event.punch_time)).where(waits)
	return {device: oldest for device, oldest in query.groupby(event.device).run() if oldest}


def _counts(row: frappe._dict) -> bool:
	return bool(row.enabled and row.counts_for_attendance)


def _place(row: frappe._dict) -> tuple[str, str]:
	return row.server or PRIMARY, (row.location or "").strip().casefold()


def _summed(uses: Iterable[Use]) -> Iterator[Use]:
	found: dict[str, Use] = {}
	for use in uses:
		before = found.get(use.device)
		found[use.device] = (
			Use(use.device, before.checkins + use.checkins, max(before.last, use.last)) if before else use
		)
	yield from found.values()


def _uses(people: Collection[str], first: date, last: date) -> Iterable[tuple]:
	"""(employee, device, day, punches, newest)."""
	if not people:
		return ()
	return frappe.db.sql(
		f"""SELECT `employee`, COALESCE(`device`, ''), DATE(`punch_time`) AS day, COUNT(*), MAX(`punch_time`)
		FROM `tab{staging.DOCTYPE}`
		WHERE `employee` IN %s AND `punch_time`>=%s AND `punch_time`<%s AND `kind`=%s AND `status` IN %s
		GROUP BY `employee`, 2, day""",
		(list(people), first, last + DAY, Kind.PUNCH.value, USED),
	)  # the query builder cannot group by what it calls by a name
