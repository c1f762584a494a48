"""Which Biometric Device a row is from, when a server names devices by name and location only.

eBioServer's rows carry no serial number. Its device list says which serial a pair (device name, location) stands for now; a pair that
is listed for two serials, or for none, belongs to a placeholder device that a person can look at (essl-protocol §3.3).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from biometric_integration.core.connector import ListedDevice
from biometric_integration.core.punch import Record
from biometric_integration.core.text import fitting

Pair = tuple[str, str]
"""Device name and location, as the server writes them."""


@dataclass(frozen=True)
class Device:
	"""A Biometric Device as the core sees it; `key` is its docname, for ever.

	aliases: the pairs under which its server has reported it, newest last. same_as: key of the device it turned out to be.
	direction_policy: of this device; empty = that of the settings. Latitude and longitude in degrees, both 0 where not known.
	flips: it changes between IN and OUT by itself, so that a double tap shows both. last_punch: the newest that came (site clock), where the host knows.
	server: its home, the id that the names of its punches are made of, whichever way they come; empty = the server that is being read. zone: of that
	server (IANA); empty = that of the server that is being read.
	"""

	key: str
	label: str
	serial: str = ""
	location: str = ""
	aliases: tuple[Pair, ...] = ()
	enabled: bool = True
	counts_for_attendance: bool = True
	same_as: str = ""
	direction_policy: str = ""
	latitude: float = 0.0
	longitude: float = 0.0
	flips: bool = False
	last_punch: datetime | None = None
	server: str = ""
	zone: str = ""

	def is_at_home(self, server: str) -> bool:
		return self.server in ("", server)

	@property
	def pairs(self) -> tuple[Pair, ...]:
		"""Its aliases; a device entered by hand without a serial number is known by its name and location."""
		own = () if self.serial else ((self.label, self.location),)
		return tuple(dict.fromkeys((*self.aliases, *own)))


@dataclass(frozen=True)
class DeviceChange:
	"""A device to create (`key` empty) or to complete: new serial, new alias, a note for a person."""

	pair: Pair
	key: str = ""
	serial: str = ""
	note: str = ""


def changes(known: Sequence[Device], listed: Iterable[ListedDevice], server: str = "") -> list[DeviceChange]:
	"""What the device list of a server tells that is not known yet: new devices, new names, serials of placeholders.

	Nothing about devices of other servers: how this one calls them says nothing about the punches of theirs.
	"""
	listed = list(dict.fromkeys(device for device in listed if device.serial))
	serials = _by_serial(known, server)
	placeholders = {
		pair: device
		for device in known
		if device.is_at_home(server) and not device.serial
		for pair in device.pairs
	}
	shared = shared_pairs(listed)
	new: set[str] = set()
	found: list[DeviceChange] = []
	for entry in listed:
		if entry.serial.casefold() in new:
			continue  # listed under a second name: an alias to learn once the device is there
		pair = (entry.device_name, entry.location)
		device = _named(serials, entry.serial)
		if device is None or device.serial != entry.serial:
			new.add(entry.serial.casefold())
			device = (None if pair in shared else placeholders.get(pair)) or device
		if device is None:
			found.append(DeviceChange(pair, serial=entry.serial))
		elif not device.is_at_home(server):
			continue
		elif not device.serial or pair not in device.aliases:
			found.append(DeviceChange(pair, key=device.key, serial=device.serial or entry.serial))
	return found


def unknown_still(
	known: Sequence[Device], changes: Iterable[DeviceChange], server: str = ""
) -> list[DeviceChange]:
	"""Without the devices to create that somebody else has created since the changes were found."""
	serials = {device.serial.casefold() for device in known if device.serial}
	pairs = {
		pair for device in known if device.is_at_home(server) and not device.serial for pair in device.pairs
	}
	return [
		change
		for change in changes
		if change.key
		or (change.serial.casefold() not in serials if change.serial else change.pair not in pairs)
	]


def shared_pairs(listed: Iterable[ListedDevice]) -> frozenset[Pair]:
	"""Pairs that stand for more than one serial: nobody can tell which."""
	counts = Counter((device.device_name, device.location) for device in dict.fromkeys(listed))
	return frozenset(pair for pair, count in counts.items() if count > 1)


def shown(entry: ListedDevice) -> ListedDevice:
	"""The entry with names that may stand on a page and that a host can keep."""
	return ListedDevice(fitting(entry.serial), fitting(entry.device_name), fitting(entry.location))


def _by_serial(devices: Iterable[Device], server: str) -> dict[str, Device]:
	"""Where a host keeps a serial for several servers, the own device stands before those of others."""
	found: dict[str, Device] = {}
	for device in devices:
		if device.serial and (device.serial not in found or device.is_at_home(server)):
			found[device.serial] = device
	return {**{serial.casefold(): device for serial, device in found.items()}, **found}


def _named(devices: Mapping[str, Device], serial: str) -> Device | None:
	"""By its serial, or else by one that differs in capitals only: a host may hold both for the same, and could make no second device."""
	return devices.get(serial) or devices.get(serial.casefold())


class DeviceBook:
	"""Finds the device of a row. The server's own list of today comes first, then what was known under that name before.

	Devices of other servers are known by their serial only, the one of a row or the one that the list of `server` gives for its name.
	"""

	def __init__(self, devices: Sequence[Device], listed: Sequence[ListedDevice] = (), server: str = ""):
		self.by_key = {device.key: device for device in devices}
		self._server = server
		self._shared = shared_pairs(listed)
		by_serial = _by_serial(devices, server)
		own = [device for device in devices if device.is_at_home(server)]
		by_pair = self._pairs(own, listed, by_serial)
		self._by_serial = {serial: self._resolved(device) for serial, device in by_serial.items()}
		self._by_pair = {pair: self._resolved(device) for pair, device in by_pair.items()}

	def find(self, record: Record) -> Device | None:
		"""The device of a row, or None for a pair (or serial) nobody has seen."""
		if record.serial:
			return _named(self._by_serial, record.serial)
		return self._by_pair.get((record.device_name, record.location))

	def unknown(self, pair: Pair) -> DeviceChange:
		"""The placeholder to create for a pair that `find` does not know."""
		if pair in self._shared:
			return DeviceChange(pair, note=SHARED_NOTE)
		return DeviceChange(pair, note=UNKNOWN_NOTE)

	def _pairs(
		self, devices: Sequence[Device], listed: Sequence[ListedDevice], by_serial: Mapping[str, Device]
	) -> dict[Pair, Device]:
		former: dict[Pair, list[Device]] = {}
		for device in devices:
			for pair in device.pairs:
				former.setdefault(pair, []).append(device)
		found = {
			pair: owner for pair, owners in former.items() if (owner := _owner(owners, pair in self._shared))
		}
		for entry in listed:
			pair = (entry.device_name, entry.location)
			named = _named(by_serial, entry.serial)
			if not named or pair in self._shared:
				continue
			is_meant = named in devices and named.serial == entry.serial
			if is_meant or not _is_placeholder(found.get(pair)):
				found[pair] = named
		return found

	def _resolved(self, device: Device) -> Device:
		return original_of(device, self.by_key, self._server)


def original_of(device: Device, by_key: Mapping[str, Device], server: str = "") -> Device:
	"""What it turned out to be; never a device of another home, which would give its punches other names."""
	original = by_key.get(device.same_as) if device.same_as else None
	same_home = original and (original.server or server) == (device.server or server)
	return original if original and same_home else device


def _is_placeholder(device: Device | None) -> bool:
	"""One without a serial keeps its pair where the serial is another server's, or another one's in other letters: its punches are known by it."""
	return device is not None and not device.serial


def _owner(owners: Sequence[Device], shared: bool) -> Device | None:
	"""The one device that ever had a pair; a placeholder made for the pair stands before several of them.

	A pair that stands for two serials today belongs to its placeholder only.
	"""
	placeholders = [device for device in owners if not device.serial]
	candidates = placeholders if placeholders or shared else list(owners)
	return candidates[0] if len(candidates) == 1 else None


SHARED_NOTE = (
	"Two devices of the server have this name and this location, so its punches cannot be told apart. They are used "
	"all the same. Give the devices different names on the server."
)
UNKNOWN_NOTE = (
	"The server reported punches under this name, but does not list such a device. They are used all the same. If this is "
	"a device under a former name, choose it in Same As."
)


def applied(device: Device, change: DeviceChange) -> Device:
	"""The device after a change, for stores that keep values."""
	aliases = device.aliases if change.pair in device.aliases else (*device.aliases, change.pair)
	return replace(device, serial=change.serial or device.serial, aliases=aliases)
