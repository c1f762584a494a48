"""`bridge check`: step by step from the file to the servers, each step with a sentence and, where it failed, a fix."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from biometric_integration.bridge.agent import settings as files
from biometric_integration.bridge.agent.agent import LOCK, locks_of
from biometric_integration.bridge.agent.door import Door
from biometric_integration.bridge.agent.journal import Journal
from biometric_integration.bridge.agent.reporter import WRONG_CLOCK, Reporter
from biometric_integration.bridge.agent.room import Room
from biometric_integration.bridge.agent.settings import MB, PushEntry, ServerPlan, Settings
from biometric_integration.bridge.agent.site import Later, SiteClient, TooMuch
from biometric_integration.bridge.agent.spool import Spool
from biometric_integration.bridge.agent.terminals import Terminals, is_ours
from biometric_integration.bridge.store import utc_now
from biometric_integration.connectors.registry import connect
from biometric_integration.connectors.steps import Reach
from biometric_integration.core.connector import ServerConfig, Step
from biometric_integration.core.errors import ConfigurationError, SyncError

NOT_TRIED = "Not tried, because an earlier step failed."
LOGIN = "Login"
FIXES = {
	"Configuration": "Correct it in the file, and check again.",
	"Key": "Write KEY:SECRET of the site's user into the key file, on one line: API Access, Generate Keys on the user.",
	"Spool": "Check [spool] file: its folder has to be there, and belong to the user under which the bridge runs.",
	"Disk": "Free some space, or put the spool on another disk.",
	"Name": "Check url in [site], and the DNS of this computer.",
	"TCP": "Check url in [site], and that the firewall lets this computer out to the site.",
	"TLS": "Check url in [site]. A private certificate authority is named as ca_certificate.",
	LOGIN: "Check the key, and that its user has the role Biometric Bridge and is enabled.",
	"Bridge": "Check bridge in [site]: it is the name of the Biometric Bridge on the site, which belongs to this user and is enabled.",
	"Clock": "Set the clock of this computer right, and turn on its synchronisation.",
	"Push": "Check listen in [push]: an address of this computer, and a port that no other program has.",
}


class _Failed(Exception):
	"""The sentence of a step that failed."""


class Check:
	"""Of one configuration file."""

	def __init__(self, path: Path, clock: Callable[[], datetime] = utc_now):
		self._path = path
		self._clock = clock
		self._journal = Journal(lambda line: None, clock)
		self._plans: list[ServerPlan] = []
		self._settings: Settings
		self._ahead: timedelta | None = None

	def steps(self) -> Iterator[Step]:
		"""The steps, each tried when it is taken. What does not depend on one that failed is tried all the same."""
		if not (yield from self._chain({"Configuration": self._configuration})):
			return
		has_spool = yield from self._chain({"Spool": self._spool, "Disk": self._disk})
		yield from self._chain(
			{
				"Key": self._key,
				"Name": lambda: self._reach().name(),
				"TCP": lambda: self._reach().tcp(),
				"TLS": self._tls,
				LOGIN: self._login,
				"Bridge": self._bridge if has_spool else self._bridge_without_spool,
				"Clock": self._clocks,
			}
		)
		for plan in self._plans:
			yield from self._server(plan)
		if push := self._settings.push:
			yield from self._chain({"Push": lambda: self._push(push)})

	def _chain(self, attempts: dict[str, Callable[[], str]]) -> Generator[Step, None, bool]:
		is_well = True
		for name, attempt in attempts.items():
			if not is_well:
				yield Step(name, None, NOT_TRIED)
				continue
			try:
				yield Step(name, True, attempt())
			except (SyncError, _Failed, Later, TooMuch, OSError) as error:
				is_well = False
				yield Step(name, False, getattr(error, "message", "") or f"{error}", FIXES[name])
		return is_well

	# --- here

	def _configuration(self) -> str:
		self._settings = files.load(self._path)
		return f"{self._path} is complete."

	def _spool(self) -> str:
		entry = self._settings.spool
		if not entry.file.parent.is_dir():
			raise _Failed(f"The folder {entry.file.parent} is not there.")
		with closing(self._opened()) as spool, closing(locks_of(entry.file)) as locks:
			self._plans = files.plans(self._settings, spool.fact("settings", {}))
			waiting = spool.backlog().waiting
			runs = "a bridge runs with it now" if not locks.take(LOCK) else "no bridge runs with it now"
		return f"{entry.file} can be used: {waiting:,} punches wait, {runs}."

	def _opened(self) -> Spool:
		return Spool(self._settings.spool.file, self._clock, self._settings.names)

	def _disk(self) -> str:
		entry = self._settings.spool
		free = shutil.disk_usage(entry.file.parent).free
		if free < entry.least_free:
			raise _Failed(f"Only {free // MB:,} MB are free; {entry.least_free // MB:,} MB have to be.")
		return f"{free // MB:,} MB are free; the spool may take {entry.limit // MB:,} MB."

	def _push(self, push: PushEntry) -> str:
		place = f"{push.host}:{push.port}"
		family = socket.AF_INET6 if ":" in push.host else socket.AF_INET
		with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
			if Terminals.allow_reuse_address:
				probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
			try:
				probe.bind((push.host, push.port))
			except OSError as error:
				if is_ours(push.host, push.port):
					return f"A bridge listens at {place} already."
				raise _Failed(f"{place} cannot be used: {error.strerror or error}.") from None
		return f"{place} is free: devices can push there while the bridge runs."

	# --- the site

	def _key(self) -> str:
		key = self._settings.site.key
		self._journal.keep_secret(key.read())
		if key.file and files.is_readable_by_others(key.file):
			raise _Failed(f"Others on this computer can read {key.file}: chmod 600 {key.file}.")
		return "The key can be read, by this user only." if key.file else "The key can be read."

	def _reach(self) -> Reach:
		site = self._settings.site
		return Reach(ServerConfig("site", "", site.url, timeout=site.timeout))

	def _client(self) -> SiteClient:
		return SiteClient(self._settings.site, self._journal, self._clock)

	def _tls(self) -> str:
		try:
			self._client().server_time()
		except Later as later:
			if not later.has_answer:
				raise
		is_plain = self._settings.site.url.startswith("http://")
		return (
			"The site answers, not encrypted (http://)."
			if is_plain
			else "The site answers, and its certificate can be trusted."
		)

	def _login(self) -> str:
		self._client().server_time()
		return "The site takes the key, and its user may send punches."

	def _bridge(self) -> str:
		"""A report as it is sent each minute: what it says of the spool is true, whoever runs."""
		settings = self._settings
		with closing(self._opened()) as spool:
			room = Room(settings.spool, self._journal)
			door = Door(room, self._journal, self._clock)
			learned: list[Mapping[str, Any]] = []
			client = self._client()
			reporter = Reporter(
				settings,
				spool,
				client,
				room,
				door,
				self._journal,
				self._clock,
				lambda: self._plans,
				learned.append,
			)
			told = client.report(reporter.built())
			spool.note("settings", told.settings)
		self._ahead = told.ahead
		self._plans = files.plans(settings, told.settings)
		names = ", ".join(plan.id for plan in self._plans) or "none"
		return f'The site knows the bridge "{settings.site.bridge}". Servers to read: {names}.'

	def _bridge_without_spool(self) -> str:
		raise ConfigurationError("Without a spool nothing can be told.")

	def _clocks(self) -> str:
		ahead = self._ahead or timedelta(0)
		seconds = round(abs(ahead).total_seconds())
		way = "ahead of" if ahead > timedelta(0) else "behind"
		if abs(ahead) > WRONG_CLOCK:
			raise _Failed(f"The clock of this computer is {seconds // 60:,} minutes {way} the site's.")
		return f"The clock of this computer is {seconds} seconds {way} the site's."

	# --- the servers

	def _server(self, plan: ServerPlan) -> Iterator[Step]:
		"""By the server's own connection test."""
		name = f"{plan.id}: "
		try:
			config = plan.complete({})
			unit = plan.only_unit if plan.only_unit is not None else (plan.units or ("",))[0]
			with closing(connect(config, self._clock)) as connector:
				for step in connector.test(unit):
					yield Step(name + step.step, step.ok, step.message, step.fix)
		except SyncError as error:
			yield Step(f"{name}Setup", False, error.message, "Correct it on the site, or in the file.")
