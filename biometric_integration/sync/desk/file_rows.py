"""A file that somebody uploaded, as rows whose device is known. What keeps it from being read is said in a sentence."""

from __future__ import annotations

from calendar import month_name
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, NamedTuple

import frappe
from frappe import _

from biometric_integration.core.devices import Device
from biometric_integration.core.punch import Record, Unreadable, shown
from biometric_integration.receivers.files.reading import Opened, Survey, open_file, records, survey
from biometric_integration.receivers.files.tables import Columns
from biometric_integration.receivers.files.times import Moment, Order
from biometric_integration.sync.records import devices, servers, sight

FORMAT = "Biometric File Format"
MOST_BYTES, MOST_LINES = 64 << 20, 500_000
CHUNK = 1 << 20
ORDERS = {"Day First": Order.DAY_FIRST, "Month First": Order.MONTH_FIRST}
"""Options of *Day or Month First*."""


class Question(Exception):
	"""Something that only a person can say before the file can be read; the sentence is translated."""


class Line(NamedTuple):
	"""A line of the file; `device` is None for one that could not be read."""

	number: int
	row: Record | Unreadable
	device: Device | None


@dataclass(frozen=True)
class Upload:
	"""An uploaded file: what it is, what it holds, and its devices by what its rows call them ("" = those that say nothing)."""

	opened: Opened
	survey: Survey
	devices: Mapping[str, Device]

	def lines(self) -> Iterator[Line]:
		"""All of it, from the begin. A row whose device nobody knows is unreadable."""
		for number, row in records(self.opened, self.survey.order):
			row = shown(row) if isinstance(row, Record) else row
			device = self.devices.get(row.serial) if isinstance(row, Record) else None
			if isinstance(row, Record) and not device:
				row = Unreadable(row.raw, "The line names no device. Choose the Device of such lines.")
			yield Line(number, row, device)


@contextmanager
def upload(document) -> Iterator[Upload]:
	"""The file of a *Biometric File Import*. Raises Refused, Question."""
	with _content(document.file) as (file, name):
		opened = open_file(file, name, _columns(document.column_mapping))
		found = survey(opened, ORDERS.get(document.date_order))
		if found.rows > MOST_LINES:
			raise Question(_("This file has more than {0} lines. Divide it.").format(MOST_LINES))
		if found.must_choose and found.example:
			raise Question(_two_ways(*found.example))
		yield Upload(opened, found, _devices(opened, found, document.device))


def _two_ways(line: int, moment: Moment) -> str:
	days = [_in_words(day) for day in moment if day]
	sentence = _(
		"The dates of this file can be read in two ways: that of line {0} as {1} or as {2}. Choose Day or Month First."
	)
	return sentence.format(line, *days)


def _in_words(day: datetime) -> str:
	return f"{day.day} {_(month_name[day.month])} {day.year}"


# --- the file


def file_of(url: str):
	"""The File document of an attached file that the user may read; throws a sentence where there is none."""
	names = frappe.get_all("File", {"file_url": url}, pluck="name", order_by="creation desc", limit=20)
	for name in names:
		file = frappe.get_doc("File", name)
		if not file.is_folder and not file.is_remote_file and file.has_permission("read"):
			return file
	frappe.throw(_("Attach the file to this import: it was not found, or you may not read it."))


@contextmanager
def _content(url: str) -> Iterator[tuple[BinaryIO, str]]:
	file = file_of(url)
	path = Path(file.get_full_path())
	if not path.is_file():
		raise Question(_("The attached file is not there any more. Attach it again."))
	if path.stat().st_size > MOST_BYTES:
		raise Question(_("This file is larger than {0} MB. Divide it.").format(MOST_BYTES >> 20))
	with path.open("rb") as content:
		yield content, file.file_name or path.name


def hash_of(url: str) -> str:
	digest = sha256()
	with _content(url) as (content, _name):
		while chunk := content.read(CHUNK):
			digest.update(chunk)
	return digest.hexdigest()


def _columns(mapping: str | None) -> Columns | None:
	if not mapping:
		return None
	row = frappe.get_cached_doc(FORMAT, mapping)
	return Columns(
		row.user_id_column,
		row.time_column,
		row.clock_column or "",
		(row.device_column,) if row.device_column else (),
		row.direction_column or "",
		_words(row.in_words),
		_words(row.out_words),
	)


def _words(text: str | None) -> frozenset[str]:
	return frozenset(word.strip().casefold() for word in (text or "").split(",") if word.strip())


# --- whose file it is


def _devices(opened: Opened, found: Survey, chosen: str | None) -> dict[str, Device]:
	"""What rows say of their device → the device. Raises Question where that has to be said by a person."""
	known = _seen()
	own = known.get(chosen) if chosen else None
	if chosen and not own:
		raise Question(_("Choose a Device that you may see."))
	if len(opened.serials) > 1:
		return {"": _one_of_two(opened, own)}
	named = {text: _named(text, known) for text in found.devices}
	for serial in opened.serials:
		_refuse_another(serial, named[serial], own)
	# what a file calls its only device may be a number that nobody here knows: then the chosen one is meant
	named = {text: device or (own if len(named) == 1 else None) for text, device in named.items()}
	if missing := [text for text, device in named.items() if not device]:
		raise Question(
			_(
				"No Biometric Device has the serial number or name {0}, which the file says. Enter it in the device, or choose the Device here."
			).format(", ".join(missing[:5]))
		)
	if not named and not own:
		raise Question(_("The file does not say which device it is from. Choose the Device."))
	return {**({"": own} if own else {}), **{text: device for text, device in named.items() if device}}


def _seen() -> dict[str, Device]:
	"""The devices that the user sees, with their zones; one that turned out to be another one is that one."""
	seen = sight.of_user()
	keys = frappe.get_all(devices.DOCTYPE, pluck="name", limit=0)
	known = devices.by_key(key for key in keys if seen.shows_device(key))
	return {key: servers.with_zone(device) for key, device in known.items()}


def _named(text: str, known: Mapping[str, Device]) -> Device | None:
	"""By serial number, else by a name that only one of them has."""
	serials = [device for device in known.values() if device.serial == text]
	if serials:
		return serials[0]
	names = {
		device.key: device
		for device in known.values()
		if text in (device.label, *(name for name, _place in device.aliases))
	}
	return next(iter(names.values())) if len(names) == 1 else None


def _one_of_two(opened: Opened, own: Device | None) -> Device:
	if not own or own.serial not in ("", *opened.serials):
		raise Question(
			_("The name of the file says {0}, its first line {1}. Choose the Device that it is from.").format(
				*opened.serials
			)
		)
	return own


def _refuse_another(serial: str, found: Device | None, own: Device | None) -> None:
	"""A person who chooses another device than the file says has made a slip: its punches would be somebody else's."""
	if not own or (found and found.key == own.key) or (not found and not own.serial):
		return
	raise Question(
		_(
			"The file is from the device with the serial number {0}, and not from {1}. Leave Device empty, or correct it."
		).format(serial, own.label)
	)
