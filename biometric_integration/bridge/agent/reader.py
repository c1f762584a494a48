"""Reads one server into the spool, in a thread of its own: whatever it suffers from, the others are read."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import date, datetime, timedelta

from biometric_integration.bridge.agent.journal import Journal
from biometric_integration.bridge.agent.room import Room
from biometric_integration.bridge.agent.settings import ServerPlan
from biometric_integration.bridge.agent.spool import UTC, Spool
from biometric_integration.connectors.registry import connect
from biometric_integration.core.backoff import wait
from biometric_integration.core.connector import Connector, ServerConfig
from biometric_integration.core.errors import ErrorClass, SyncError
from biometric_integration.core.pull import Puller, PullOptions
from biometric_integration.core.runs import RunCounts, RunReport, RunStatus, Trigger, worst
from biometric_integration.core.store import BatchLost
from biometric_integration.core.window import DAY, Window

STOPPING = "The bridge is being stopped; it goes on from here."
AFTER_A_DEFECT = timedelta(minutes=1)
LONGEST = 500


class Reader:
	"""`open_spool` is called in the thread that reads. `clock` gives aware UTC, `monotonic` seconds of a clock that nobody sets."""

	def __init__(
		self,
		plan: ServerPlan,
		open_spool: Callable[[], Spool],
		room: Room,
		journal: Journal,
		clock: Callable[[], datetime],
		monotonic: Callable[[], float] = time.monotonic,
	):
		self.plan = plan
		self._open_spool = open_spool
		self._room = room
		self._journal = journal
		self._clock = clock
		self._monotonic = monotonic
		self._stopping = threading.Event()
		self._connector: Connector | None = None
		self._failures = 0
		self._thread: threading.Thread | None = None

	# --- its thread

	def start(self) -> None:
		self._thread = threading.Thread(target=self._run, name=f"server {self.plan.id}", daemon=True)
		self._thread.start()

	def stop(self) -> None:
		"""Returns at once. A request that is under way is given up; what was read is kept."""
		self._stopping.set()
		if connector := self._connector:
			with suppress(Exception):
				connector.close()

	def join(self, seconds: float) -> None:
		if self._thread:
			self._thread.join(max(0.0, seconds))

	def _run(self) -> None:
		while not self._stopping.is_set():
			self._stopping.wait(self.read().total_seconds())

	# --- one reading

	def read(self) -> timedelta:
		"""Read what is due; returns how long to wait until the next time. Raises nothing."""
		started = self._monotonic()
		try:
			pause = self._read()
		except (sqlite3.Error, BatchLost, SyncError) as error:
			self._room.failed(error)
			message = getattr(error, "message", "") or f"The spool cannot be used: {error}."
			self._journal.trouble(self._topic, f"The server {self.plan.id}: {message}")
			pause = AFTER_A_DEFECT
		except Exception as error:  # a defect of ours must not end the thread
			self._journal.trouble(self._topic, f"The server {self.plan.id}: {type(error).__name__}.")
			pause = AFTER_A_DEFECT
		spent = timedelta(seconds=self._monotonic() - started)
		return max(pause - spent, timedelta(seconds=1))

	@property
	def _topic(self) -> str:
		return f"server {self.plan.id}"

	def _read(self) -> timedelta:
		with closing(self._open_spool()) as spool:
			if self._room.why_full(spool):
				return AFTER_A_DEFECT
			try:
				config = self.plan.complete(spool.memory(self.plan.id))
				reports = self._reports(spool, config)
			except SyncError as error:
				return self._ended(spool, RunStatus.FAILED, error.message, error.error_class)
			return self._judged(spool, reports)

	def _reports(self, spool: Spool, config: ServerConfig) -> list[RunReport]:
		spool.enter_devices(self.plan.devices)
		with self._connected(config) as connector:
			found = list(Puller(spool, self._clock, UTC).pull(connector, config, self._options(spool)))
		spool.remember(self.plan.id, config.memory)
		return found

	@contextmanager
	def _connected(self, config: ServerConfig) -> Iterator[Connector]:
		with closing(connect(config, self._clock)) as connector:
			self._connector = connector
			try:
				yield connector
			finally:
				self._connector = None

	def _options(self, spool: Spool) -> PullOptions:
		plan, pruned = self.plan, spool.pruned_until()
		return PullOptions(
			Trigger.SCHEDULED,
			plan.start_date,
			plan.overlap,
			plan.rescan,
			plan.units,
			watch=lambda log, piece, counts: self._watch(spool, piece, counts),
			start_dates=plan.start_dates,
			in_time=lambda: not self._stopping.is_set(),
			kept_from=_day_after(pruned) if pruned else None,
			at_once=plan.at_once,
		)

	def _watch(self, spool: Spool, piece: Window | None, counts: RunCounts) -> str:
		return STOPPING if self._stopping.is_set() else self._room.why_full(spool)

	def _judged(self, spool: Spool, reports: list[RunReport]) -> timedelta:
		status = worst([report.status for report in reports]) if reports else RunStatus.SUCCESS
		bad = [report for report in reports if report.status in (RunStatus.FAILED, RunStatus.PARTIAL)]
		failed = [report for report in bad if report.status is RunStatus.FAILED]
		first = next(iter(failed or bad), None)
		is_dead = bool(failed) and len(failed) == len(reports) and not self._room.why_full(spool)
		return self._ended(
			spool,
			status,
			first.message if first else "",
			(failed[0].error_class or ErrorClass.INTERNAL) if is_dead else None,
		)

	def _ended(
		self, spool: Spool, status: RunStatus, message: str, error_class: ErrorClass | None
	) -> timedelta:
		"""What the runs amounted to. error_class: where nothing could be read."""
		at = f"{self._clock():%Y-%m-%dT%H:%M:%SZ}"
		spool.note(f"server:{self.plan.id}", {"status": status.value, "message": message[:LONGEST], "at": at})
		if self._stopping.is_set() or self._room.why_full(spool):
			return AFTER_A_DEFECT  # which is told of elsewhere
		if status is RunStatus.FAILED:
			self._journal.trouble(self._topic, f"The server {self.plan.id} cannot be read: {message}")
		elif status is RunStatus.PARTIAL:
			self._journal.trouble(self._topic, f"The server {self.plan.id} was read in part: {message}")
		else:
			self._journal.well(self._topic, f"The server {self.plan.id} is read again.")
		self._failures = self._failures + 1 if error_class else 0
		return (
			max(self.plan.interval, wait(error_class, self._failures)) if error_class else self.plan.interval
		)


def _day_after(moment: datetime) -> date:
	return (moment + DAY).date()
