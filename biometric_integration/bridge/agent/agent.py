"""The bridge put together: readers, a port for devices, and the one who speaks to the site."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from biometric_integration.bridge.agent.door import Door
from biometric_integration.bridge.agent.forwarder import Forwarder
from biometric_integration.bridge.agent.journal import Journal
from biometric_integration.bridge.agent.reader import Reader
from biometric_integration.bridge.agent.reporter import Reporter
from biometric_integration.bridge.agent.room import Room
from biometric_integration.bridge.agent.settings import ServerPlan, Settings, expected, plans
from biometric_integration.bridge.agent.site import SiteClient
from biometric_integration.bridge.agent.spool import IDLE_KEPT, Spool
from biometric_integration.bridge.agent.terminals import Terminals
from biometric_integration.bridge.locks import Locks
from biometric_integration.bridge.store import utc_now
from biometric_integration.core.errors import ConfigurationError, SyncError
from biometric_integration.core.store import BatchLost

LOOK_EVERY = 1.0
"""Seconds between two looks at what waits."""
TIDY_EVERY = 600.0
LISTEN_EVERY = 30.0
CERTAIN_CLOCK = timedelta(hours=1)
"""A clock that differs by less from the site's may say what is old enough to be deleted."""
PATIENCE = 8.0
"""Seconds for which whatever is under way may end."""
LOCK = "bridge"
BUSY = "A bridge is running with this spool already."


class Busy(Exception):
	"""Another process has the spool."""


def locks_of(spool: Path) -> Locks:
	return Locks(spool.with_name(spool.name + ".locks"))


class Agent:
	"""`open` takes the spool; then either `start` begins all threads, or `read` and `speak` do one thing after the other. `clock` gives aware UTC.

	`open` raises Busy and ConfigurationError.
	"""

	def __init__(
		self,
		settings: Settings,
		journal: Journal,
		clock: Callable[[], datetime] = utc_now,
		monotonic: Callable[[], float] = time.monotonic,
	):
		self.settings = settings
		self.journal = journal
		self.clock = clock
		self.monotonic = monotonic
		self.readers: dict[str, Reader] = {}
		self._lock = threading.Lock()
		self._stopping = threading.Event()
		self._is_started = False
		self._stack = ExitStack()
		self._locks = locks_of(settings.spool.file)

	def open(self) -> None:
		settings, journal = self.settings, self.journal
		if not settings.spool.file.parent.is_dir():
			raise ConfigurationError(f"The folder {settings.spool.file.parent} of the spool is not there.")
		if not self._locks.take(LOCK):
			raise Busy(BUSY)
		self._stack.callback(self._locks.close)
		self.room = Room(settings.spool, journal, self.monotonic)
		push = settings.push
		self.door = Door(
			self.room,
			journal,
			self.clock,
			bool(push and push.is_guarded),
			push.networks if push else (),
			monotonic=self.monotonic,
		)
		self.site = SiteClient(settings.site, journal, self.clock)
		self._tidy_at = self.monotonic()
		self.terminals: Terminals | None = None
		self._listen_at = self.monotonic()
		self._listen()
		self.spool = self.open_spool()
		self._stack.callback(self.spool.close)
		self.forwarder = Forwarder(self.spool, self.site, journal, self.monotonic)
		self.reporter = Reporter(
			settings,
			self.spool,
			self.site,
			self.room,
			self.door,
			journal,
			self.clock,
			lambda: [reader.plan for reader in self.readers.values()],
			self.learn,
			self.monotonic,
		)
		self._know_the_site()
		self._apply(self.spool.fact("settings", {}))

	def _know_the_site(self) -> None:
		"""What the spool knows to be at a site is at that one only."""
		before, url = self.spool.fact("site"), self.settings.site.url
		if before not in (None, url):
			self.journal.say(
				f"The site is another one than before: {self.site.place} is sent all that is kept here."
			)
			self.spool.send_again(None)
			self.spool.note("settings", {})
			self.spool.note("told", "")
		self.spool.go_on_again()
		if not self.spool.fact("id"):
			self.spool.note("id", uuid4().hex)
		if before != url:
			self.spool.note("site", url)

	def open_spool(self) -> Spool:
		"""One for the thread that calls."""
		return Spool(self.settings.spool.file, self.clock, self.settings.names, self.room.why_no_more)

	def _listen(self) -> None:
		"""Where the address cannot be used now (the network is not up, another program has the port), servers are read all the same."""
		push = self.settings.push
		if push is None or self.terminals or self.monotonic() < self._listen_at:
			return
		self._listen_at = self.monotonic() + LISTEN_EVERY
		try:
			terminals = Terminals(push.host, push.port, self.door, self.open_spool)
		except ConfigurationError as error:
			self.journal.trouble("port", f"{error.message} It is tried again by itself.")
			return
		self._stack.callback(terminals.server_close)
		self.terminals = terminals
		self.journal.well("port", f"Devices push to {push.host}:{terminals.port}.")
		if self._is_started:
			terminals.listen()

	def close(self) -> None:
		self._stack.close()

	# --- what the site says

	def learn(self, answer: Mapping[str, Any]) -> None:
		"""Settings that the site has changed."""
		self._apply(answer)
		self.forwarder.forget_pauses()

	def _apply(self, answer: Mapping[str, Any]) -> None:
		wanted = {plan.id: plan for plan in plans(self.settings, answer)}
		with self._lock:
			for server, reader in list(self.readers.items()):
				if wanted.get(server) != reader.plan:
					del self.readers[server]
					reader.stop()
					self.journal.say(
						f"The server {server} {'is set up anew' if server in wanted else 'is not read any more'}."
					)
			for server, plan in wanted.items():
				if server not in self.readers:
					self._begin(plan)
		self.door.expect(expected(self.settings, answer))

	def _begin(self, plan: ServerPlan) -> None:
		reader = Reader(plan, self.open_spool, self.room, self.journal, self.clock, self.monotonic)
		self.readers[plan.id] = reader
		if self._is_started:
			reader.start()

	# --- one thing after the other

	def read(self) -> None:
		"""Read all servers once, in this thread."""
		for reader in list(self.readers.values()):
			reader.read()

	def speak(self) -> None:
		"""Send what waits, tell the site how things stand where that is due, and delete what is old."""
		while self.forwarder.step():
			if self.reporter.is_due or self._stopping.is_set():
				break
		if self.reporter.is_due and not self._stopping.is_set():
			self.reporter.report()
		if self.monotonic() >= self._tidy_at:
			self._tidy_at = self.monotonic() + TIDY_EVERY
			self.tidy()
		elif self.room.is_tight(self.spool) and not self.spool.prune(None):
			self.spool.prune_logs(IDLE_KEPT)

	def tidy(self, pieces: int = 200) -> None:
		"""Delete what the site has for long enough, where the clock can be believed."""
		keep, ahead = self.settings.spool.keep, self.reporter.ahead
		if ahead is None or abs(ahead) > CERTAIN_CLOCK:
			return
		for _piece in range(pieces):
			if self._stopping.is_set() or not (self.spool.prune(keep) + self.spool.prune_logs(keep)):
				return

	# --- threads

	def start(self) -> None:
		self._is_started = True
		for reader in self.readers.values():
			reader.start()
		if self.terminals:
			self.terminals.listen()

	def run(self) -> None:
		"""Speak to the site until `halt`; in the thread that has called `open`."""
		self.start()
		self.journal.say(f"The bridge {self.settings.site.bridge} has begun. {self._summary()}")
		while not self._stopping.is_set():
			self._once()
			self._stopping.wait(LOOK_EVERY)
		self._end()
		self.journal.say("The bridge has ended. What waits is kept, and sent when it runs again.")

	def _summary(self) -> str:
		servers = ", ".join(self.readers) or "none yet"
		push = (
			f" Devices push to {self.settings.push.host}:{self.terminals.port}."
			if self.settings.push and self.terminals
			else ""
		)
		return f"Site {self.site.place}, servers read: {servers}.{push}"

	def _once(self) -> None:
		try:
			self._listen()
			self.speak()
			self.journal.well("spool", "The spool can be used again.")
		except (sqlite3.Error, BatchLost, SyncError) as error:
			with suppress(sqlite3.Error):
				self.spool.roll_back()
			self.room.failed(error)
			words = getattr(error, "message", "") or f"{error}" or "it is kept busy by another program"
			self.journal.trouble("spool", f"The spool cannot be used: {words}")
			self._stopping.wait(LOOK_EVERY)
		except Exception as error:  # a defect of ours must not end the program
			self.journal.trouble("defect", f"Something unexpected happened: {type(error).__name__}.")
			self._stopping.wait(10 * LOOK_EVERY)

	def halt(self) -> None:
		"""From another thread: `run` ends soon, and the request to the site that is under way is given up."""
		self._stopping.set()
		self.site.close()

	def _end(self) -> None:
		end = self.monotonic() + PATIENCE
		for reader in self.readers.values():
			reader.stop()
		if self.terminals:
			self.terminals.close()
		for reader in self.readers.values():
			reader.join(end - self.monotonic())
