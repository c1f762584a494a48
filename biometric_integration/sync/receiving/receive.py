"""The one receiving path: rows that others send to us become Staging Events, each exactly once, whichever way it came.

A channel (push, web hook, API, file) parses and authenticates; what it read ends in `receive`. Whoever is told that a row is kept is told after
the commit.
"""

from __future__ import annotations

import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from importlib import import_module
from typing import NamedTuple, TypeVar

import frappe
from frappe import _
from frappe.utils import get_system_timezone, getdate, now_datetime

from biometric_integration.core.batches import BATCH, batches
from biometric_integration.core.devices import Device
from biometric_integration.core.errors import SyncError
from biometric_integration.core.punch import Kind, Punch, Record, Unreadable, fitted
from biometric_integration.core.runs import FIRST_SEEN, Channel, RunCounts
from biometric_integration.core.source import Stamp, punch_of, unreadable_punch
from biometric_integration.core.store import BatchLost, Claim
from biometric_integration.core.stream import PRIMARY, Cursor, Stream
from biometric_integration.core.text import LONGEST, fitting, storable
from biometric_integration.receivers.texts import Refusal
from biometric_integration.sync import jobs
from biometric_integration.sync.db import transaction
from biometric_integration.sync.records import devices, servers, staging, sync_log

LONGEST_RAW = 2000
"""Characters of a row that are kept."""

Row = Record | Unreadable
Found = TypeVar("Found")


class RowStatus(str, Enum):
	"""What became of a row. New and known ones are kept; a refused one is not, and is not to be acknowledged."""

	NEW = "new"
	KNOWN = "known"
	REFUSED = "refused"


class Result(NamedTuple):
	"""`reason`: a sentence, of a refused row."""

	status: RowStatus
	reason: str = ""


@dataclass
class Receipt:
	"""counts: of what is kept; fetched = new + known + junk + invalid. results: one per row, in their order. logs: where they are counted."""

	counts: RunCounts = field(default_factory=RunCounts)
	results: list[Result] = field(default_factory=list)
	logs: set[str] = field(default_factory=set)


def receive(
	channel: Channel, rows: Iterable[Row], device: str = "", log: str = "", server: str = ""
) -> Receipt:
	"""Keep rows of devices that are known; commits, in batches of up to 1,000, and then asks for them to be used. Nothing else may be uncommitted.

	rows: `core.punch.Record` with `source_time` as the naive wall clock of the device's home (`servers.time_zone`), or `Unreadable`. device: key of the Biometric
	Device that all of them are from; without it, each Record says so by its `serial`, letter by letter. What is of no known device is
	refused, as is an Unreadable without `device`: no device is ever created here. A device that is disabled is kept for: its punches wait.
	Junk and unreadable rows of a known device are kept as Ignored and Failed, and count as new where they were not here before.

	server: the id of one that vouches for the rows: what is Unreadable and of no device is kept under it, as of none.
	log: a Biometric Sync Log of the caller's own, in which all are counted; else one of each channel, device and hour is found or made.
	The same rows again, at any time, at once, or by another channel, are known. A row that the database does not take is refused, the others are
	kept. Raises whatever else goes wrong, SyncError and BatchLost among it: what was committed by then stays, nothing of it is
	lost by sending all again.
	"""
	receipt = Receipt()
	book = _Book(device, server)
	for batch in batches(rows, BATCH):
		_receive(_Batch(channel, book, log), batch, receipt)
	if receipt.counts.new and channel is Channel.FILE:
		jobs.enqueue_process(after_commit=False)
	elif receipt.counts.new:
		jobs.enqueue_live()
	return receipt


def tried(work: Callable[[], Found]) -> Found | Refusal:
	"""What `work` returns; for whatever goes wrong in it a Refusal, with its sentence where it is the sender's fault. 503: later, 500: nobody foresaw it."""
	try:
		return work()
	except Refusal as refusal:
		return refusal
	except (SyncError, BatchLost, frappe.db.OperationalError, frappe.db.InternalError):
		transaction.roll_back()
		return Refusal(503, "")
	except Exception as error:  # the host would keep the whole request
		_note_defect(error)
		return Refusal(500, "")


def _note_defect(error: Exception) -> None:
	"""A request that failed in a way that nobody foresaw: the trace without the values of variables, of which one may be a secret. Nothing of it stays."""
	transaction.roll_back()
	frames = "".join(traceback.format_tb(error.__traceback__))
	title = _("A request that sent punches failed: {0}").format(type(error).__name__)
	frappe.log_error(title, frames, defer_insert=True)


class _Book:
	"""The devices that rows name."""

	def __init__(self, device: str, server: str = ""):
		self._key = device
		self._nobodys = Device("", "", server=server) if server else None
		self._one = devices.by_key([device]).get(device) if device else None
		self._known: dict[str, Device | None] = {}

	def learn(self, rows: Iterable[Row]) -> None:
		serials = {_serial(row) for row in rows} - {"", *self._known}
		if serials and not self._key:
			found = devices.by_serial(serials)
			self._known.update({serial: found.get(serial) for serial in serials})

	def find(self, row: Row) -> Device | None:
		if self._nobodys and not self._key and isinstance(row, Unreadable):
			return self._nobodys
		return self._one if self._key else self._known.get(_serial(row))

	def refusal(self, row: Row) -> str:
		"""Why a row that belongs to nothing is not kept."""
		if isinstance(row, Unreadable):
			return row.problem
		serial = _serial(row) or self._key
		return _("This site has no device with the serial number {0}.").format(fitting(serial))


def _serial(row: Row) -> str:
	return storable(row.serial[: LONGEST + 1]) if isinstance(row, Record) else ""


class _Kept(NamedTuple):
	"""A row as it is kept; `place`: of its result."""

	place: int
	device: Device
	punch: Punch


@dataclass(frozen=True)
class _Batch:
	channel: Channel
	book: _Book
	log: str


def _receive(of: _Batch, rows: Sequence[Row], receipt: Receipt) -> None:
	of.book.learn(rows)
	known = [(_bounded(row), of.book.find(row)) for row in rows]
	begin = len(receipt.results)
	receipt.results += [
		Result(RowStatus.KNOWN) if device else Result(RowStatus.REFUSED, of.book.refusal(row))
		for row, (_bounded_row, device) in zip(rows, known, strict=True)
	]
	stamps = {device.key: stamp(device.server or PRIMARY) for _row, device in known if device}
	kept = [
		_Kept(place, device, _punch(row, device, stamps[device.key]))
		for place, (row, device) in enumerate(known, begin)
		if device
	]
	_keep(of, kept, receipt)


def _bounded(row: Row) -> Row:
	"""With texts that can be kept and may stand on a page."""
	raw = storable(row.raw[:LONGEST_RAW])
	if isinstance(row, Unreadable):
		return Unreadable(raw, storable(row.problem[:LONGEST_RAW]), row.log_id)
	texts = {name: storable(getattr(row, name)) for name in ("user_id", "verify_mode")}
	return fitted(row._replace(raw=raw, **texts))


def stamp(home: str = PRIMARY) -> Stamp:
	"""What rows have in common that come now, of devices of this home."""
	floor = frappe.get_cached_doc(servers.SETTINGS).import_floor
	return Stamp(
		home,
		servers.time_zone(home),
		get_system_timezone(),
		now_datetime().replace(microsecond=0),
		getdate(floor) if floor else None,
	)


def _punch(row: Row, device: Device, stamp: Stamp) -> Punch:
	if isinstance(row, Unreadable):
		unit = device.serial or device.key
		return unreadable_punch(row, stamp.server, unit, stamp.arrived, device.key)
	return punch_of(row, device, stamp)


def _keep(of: _Batch, kept: Sequence[_Kept], receipt: Receipt) -> None:
	"""In one transaction; where the database does not take a row, one by one."""
	if not kept:
		return
	try:
		counts, new, logs = transaction.in_one(lambda: _stage(of, kept))
	except Exception as error:
		transaction.roll_back()
		if not isinstance(error.__cause__ or error, _faults_of_a_row()):  # `in_one` says them in words
			raise  # nobody is told that anything of it is kept, or that a row is at fault
		if len(kept) > 1:
			for one in kept:
				_keep(of, [one], receipt)
		else:
			receipt.results[kept[0].place] = Result(RowStatus.REFUSED, _("This row could not be kept."))
		return
	receipt.counts.add(counts)
	receipt.logs |= logs
	for one in kept:
		if one.punch.name in new:
			receipt.results[one.place] = Result(RowStatus.NEW)
			new.discard(one.punch.name)  # a second one of the batch is known


def _faults_of_a_row() -> tuple[type[Exception], ...]:
	"""What a value in a row may lead to: that one is refused, no other. `frappe.db` names one of the two classes of its driver."""
	data_error = frappe.db.DataError
	return data_error, import_module(data_error.__module__).IntegrityError, ValueError, OverflowError


def _stage(of: _Batch, kept: Sequence[_Kept]) -> tuple[RunCounts, set[str], set[str]]:
	now = now_datetime()
	streams = {one.device.key: _stream(of.channel, one.device) for one in kept}
	logs = {key: of.log or sync_log.name_of_hour(stream, key, now) for key, stream in streams.items()}
	claims = {key: Claim(stream, Cursor(), logs[key]) for key, stream in streams.items()}
	new = staging.stage_received([(claims[one.device.key], one.punch) for one in kept])
	found = _counted(kept, new)
	total = RunCounts()
	for counts in found.values():
		total.add(counts)
	if of.log:
		sync_log.count(of.log, total)
	else:
		sync_log.count_received({(streams[key], key): counts for key, counts in found.items()}, now)
	met = {one.punch.name: claims[one.device.key] for one in kept if one.punch.name not in new}
	if moved := staging.take_over(met):
		sync_log.hand_over(moved)
	devices.note_newest(_newest(kept, new, now), now)
	return total, new, set(logs.values())


def _counted(kept: Sequence[_Kept], new: Set[str]) -> dict[str, RunCounts]:
	"""By device. Of one that comes twice in a batch the second is known."""
	found: defaultdict[str, RunCounts] = defaultdict(RunCounts)
	left = set(new)
	for one in kept:
		field = FIRST_SEEN[one.punch.kind] if one.punch.name in left else "known"
		left.discard(one.punch.name)
		counts = found[one.device.key]
		counts.fetched += 1
		setattr(counts, field, getattr(counts, field) + 1)
	return dict(found)


def _stream(channel: Channel, device: Device) -> Stream:
	"""Of no server's streams: what they have read is not compared with what came by another way."""
	unit = f"{channel.value} {device.serial or device.key}"
	return Stream(device.server or PRIMARY, "", unit, channel.value)


def _newest(kept: Sequence[_Kept], new: Set[str], now: datetime) -> dict[str, datetime]:
	"""Device → time of its newest punch that was not known; a clock that is ahead does not count."""
	found: dict[str, datetime] = {}
	for one in kept:
		moment = one.punch.punch_time
		if one.punch.kind is Kind.PUNCH and one.punch.name in new and moment and moment <= now:
			found[one.device.key] = max(moment, found.get(one.device.key, moment))
	return found
