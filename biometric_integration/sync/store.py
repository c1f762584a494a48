"""The Frappe host of the two loops: the protocols of `core.store` over MariaDB."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from datetime import datetime, timedelta

from rq.timeouts import JobTimeoutException

import frappe
from frappe import _
from frappe.utils import now_datetime

from biometric_integration.core.decide import Decision
from biometric_integration.core.devices import Device, DeviceChange, unknown_still
from biometric_integration.core.directory import Directory, Moment, Occurrence, WaitingEvent
from biometric_integration.core.drift import Clock
from biometric_integration.core.punch import Punch
from biometric_integration.core.reasons import WRITES, Reason
from biometric_integration.core.runs import Outcome, RunCounts, Trigger
from biometric_integration.core.store import BatchLost, Claim, Interrupted, StreamBusy, TakenBack
from biometric_integration.core.stream import Cursor, Stream
from biometric_integration.core.text import harmless
from biometric_integration.core.window import Window
from biometric_integration.sync.db import locks, transaction
from biometric_integration.sync.hrms import site_rules
from biometric_integration.sync.hrms.shift_notes import ShiftNotes
from biometric_integration.sync.process import checkins, directory, sweep
from biometric_integration.sync.process.bulk_checkins import BulkWriter
from biometric_integration.sync.process.document_checkins import DocumentWriter
from biometric_integration.sync.records import cursors, devices, servers, staging, sync_log
from biometric_integration.sync.workdays import marks

ONE_BY_ONE = 200
"""Check-ins of one transaction of the Document API: as long as it lasts, whoever else makes a check-in waits for the next name of the
series, and a worker that is stopped loses it."""
TOGETHER = 1000


class PullStore:
	"""Server → staging; see `core.store.PullStore` for what each method promises."""

	def __init__(self):
		self._started: dict[str, datetime] = {}
		self._serials: dict[str, str] = {}
		self._cursors: dict[str, Cursor] = {}

	def devices(self, server: str) -> list[Device]:
		"""With them the cursors of their streams are read: each of them is asked for next."""
		found = [
			device if device.is_at_home(server) else servers.with_zone(device)
			for device in devices.known_to(server)
		]
		self._serials = {device.serial: device.key for device in found if device.serial}
		self._cursors = cursors.of_server(server)
		return found

	def change_devices(self, server: str, changes: Sequence[DeviceChange]) -> None:
		with locks.held("devices"):
			transaction.commit()  # what another run has just learnt is seen
			transaction.in_one(
				lambda: devices.change(server, unknown_still(devices.known_to(server), changes, server))
			)

	def oldest_first(self, server: str, units: Sequence[str]) -> list[str]:
		return cursors.oldest_first(server, units) if len(units) > 1 else list(units)

	def cursor(self, stream: Stream) -> Cursor:
		return self._cursors.pop(stream.key, None) or cursors.read(stream)

	def claim(self, stream: Stream, trigger: Trigger, window: Window | None = None) -> Claim:
		if not locks.take(stream.key):
			raise StreamBusy(cursors.holder(stream))
		try:
			with transaction.batch():
				cursor, unended = cursors.lock(stream)
				if unended:
					cursor = self._begun_anew(stream)
				log = sync_log.open_log(stream, trigger, window, self._device(stream.unit))
				cursors.take(stream, log)
				transaction.commit()
			self._started[log] = now_datetime()
			return Claim(stream, cursor, log)
		except BaseException:
			locks.release(stream.key)
			raise

	def _begun_anew(self, stream: Stream) -> Cursor:
		"""What never began, or never ended. A lock on a cursor that is not there is given back first: two that hold one each wait for each other."""
		transaction.commit()
		cursors.take(stream, "")
		sync_log.close_stale(stream.key)
		transaction.commit()
		return cursors.lock(stream)[0]

	def _device(self, serial: str) -> str | None:
		return self._serials.get(serial) or devices.with_serial(serial)

	def stage(self, claim: Claim, punches: Sequence[Punch], cursor: Cursor | None = None) -> RunCounts:
		with transaction.batch():
			counts = staging.stage(claim, punches)
			if counts.fetched:
				sync_log.count(claim.log, counts)
			if counts.known and (moved := staging.take_over({punch.name: claim for punch in punches})):
				sync_log.hand_over(moved)
			cursors.move(claim.stream, claim.log, cursor)
			transaction.commit()
		return counts

	def staged(self, stream: Stream, window: Window) -> int:
		return staging.staged(stream, window)

	def seen(self, punches: Set[tuple[str, datetime]]) -> int:
		return staging.seen(punches)

	def newest_before(self, stream: Stream, moment: datetime) -> datetime | None:
		return staging.newest_before(stream, moment)

	def finish(self, claim: Claim, outcome: Outcome, cursor: Cursor | None = None) -> None:
		try:
			with transaction.batch():
				cursors.end(claim.stream, claim.log, outcome.error, cursor)
				if outcome.counts.new:
					devices.note_last_punches(claim.log, now_datetime())
				sync_log.close(claim.log, outcome, self._started[claim.log])
				transaction.commit()
		finally:
			locks.release(claim.stream.key)

	def roll_back(self) -> None:
		transaction.roll_back()


class ProcessStore:
	"""Staging → check-ins; see `core.store.ProcessStore` for what each method promises.

	in_bulk: whether check-ins are written many at once; None = where the site adds nothing to their saving, found out whenever the
	lane is taken and something waits.
	"""

	def __init__(self, in_bulk: bool | None = None):
		self._touched_logs: set[str] = set()
		self._directory = Directory()
		self._together: set[str] = set()
		self._in_bulk = in_bulk
		self._bulk: BulkWriter | None = None
		self._shift_notes = ShiftNotes()
		self._alone = DocumentWriter(reserves_names=False)
		self._way = ""

	@contextmanager
	def lane(self) -> Iterator[bool]:
		transaction.commit()
		mine = locks.take(locks.LANE)
		try:
			self._way = ""
			yield mine
			if mine:
				self._recount()
		finally:
			if mine:
				locks.release(locks.LANE)

	def reopen(self, now: datetime) -> int:
		return transaction.in_one(lambda: sweep.reopen(now))

	def waiting(self, after: str, limit: int) -> list[WaitingEvent]:
		return staging.waiting(after, limit)

	def batch_size(self) -> int:
		return TOGETHER if self._writer() else ONE_BY_ONE

	def directory(self, events: Sequence[WaitingEvent], reach: timedelta) -> Directory:
		with transaction.batch():
			self._directory = directory.gather(events, reach)
		self._together = set()
		return self._directory

	def shifts(self, moments: Set[Moment]) -> dict[Moment, Occurrence]:
		with transaction.batch():
			return self._shift_notes.occurrences(moments)

	def shift_borders(self, moments: Set[Moment], reach: timedelta) -> set[Moment]:
		with transaction.batch():
			return self._shift_notes.borders(moments, reach)

	def create_together(self, decisions: Sequence[Decision]) -> Mapping[str, str]:
		writer = self._writer()
		if not writer:
			with transaction.batch():
				self._alone.prepare(decisions)
			return {}
		try:
			with transaction.batch():
				made = writer.write(decisions, self._directory)
		except (BatchLost, Interrupted):
			raise
		except Exception as error:  # the fault of one may stop them all: the Document API tells whose
			transaction.roll_back_or_end()
			self._give_up_bulk(error)
			raise BatchLost() from error
		self._together = set(made)
		return made

	def create(self, decision: Decision) -> str:
		with transaction.batch():
			return self._alone.create(decision, self._directory.devices.get(decision.event.device))

	def note_clocks(self, clocks: Mapping[str, Clock]) -> None:
		with transaction.batch():
			devices.note_clocks(clocks)

	def mark_decided(self, decisions: Sequence[Decision], now: datetime) -> None:
		made = {each.event.name: each.record for each in decisions if each.reason in WRITES}
		together = self._together & {each.event.name for each in decisions if each.reason is Reason.NONE}
		with transaction.batch():
			if not checkins.all_there({event: made[event] for event in set(made) - together}):
				raise TakenBack()
			if not self._touched_logs:
				sync_log.forget_counted()
			staging.mark_decided([each for each in decisions if each.event.name not in together], now)
			if staging.mark_created(sorted(together), now) < len(together):
				raise TakenBack()
			marks.add(marks.of_moments(_moments(decisions)))
			transaction.commit()
		self._touched_logs.update(decision.event.sync_log for decision in decisions)

	def roll_back(self) -> None:
		transaction.roll_back_or_end()

	def _writer(self) -> BulkWriter | None:
		"""How check-ins are written for as long as the lane is ours; None = one by one."""
		if not self._way:
			self._choose_way()
		return self._bulk

	def _choose_way(self) -> None:
		added = [] if self._in_bulk else _found(site_rules.additions)
		in_bulk = not added if self._in_bulk is None else self._in_bulk
		self._bulk = BulkWriter() if in_bulk else None
		self._alone = DocumentWriter(reserves_names=not _found(site_rules.naming))
		self._way = _("In bulk") if in_bulk else _("One by one: {0}").format(", ".join(added))

	def _give_up_bulk(self, error: Exception) -> None:
		"""For as long as the lane is ours. The trace, without the values of variables, is kept for whoever looks into it."""
		self._bulk = None
		self._way = _("One by one: writing in bulk failed ({0})").format(harmless(str(error)))
		frames = "".join(traceback.format_tb(error.__traceback__))
		frappe.log_error(_("Check-ins could not be written in bulk"), f"{error}\n{frames}", defer_insert=True)

	def _recount(self) -> None:
		"""Bring the logs up to date from the events, on a fresh view of the data; those too that a worker has left behind."""
		counted = transaction.in_one(lambda: sync_log.recount(self._touched_logs, self._way))
		sync_log.note_counted(counted)
		self._touched_logs.clear()


def _moments(decisions: Sequence[Decision]) -> dict[str, list[datetime]]:
	"""Employee → times of their check-ins."""
	found: dict[str, list[datetime]] = {}
	for decision in decisions:
		if decision.employee and (decision.reason in WRITES or decision.record):
			found.setdefault(decision.employee, []).append(decision.time or decision.event.punch_time)
	return found


def _found(ask: Callable[[], Iterable[str]]) -> list[str]:
	"""What cannot be asked on this site may be there."""
	try:
		return list(ask())
	except JobTimeoutException:
		raise
	except Exception as error:  # of another app, or of the database
		transaction.roll_back_or_end()
		return [harmless(str(error))]
