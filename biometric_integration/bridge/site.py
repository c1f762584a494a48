"""The standalone host put together: configuration, database, connectors and the two loops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime

from biometric_integration.bridge.config import ServerEntry, SiteConfig, units_of
from biometric_integration.bridge.employees import read_employees
from biometric_integration.bridge.store import SqliteStore, utc_now
from biometric_integration.connectors.registry import connect
from biometric_integration.core.clock import wall_clock
from biometric_integration.core.connector import Step
from biometric_integration.core.decide import Rules
from biometric_integration.core.process import process
from biometric_integration.core.pull import Puller, PullOptions
from biometric_integration.core.runs import RunReport, Trigger


class Site:
	"""One configuration and its database. `clock` gives aware UTC."""

	def __init__(self, config: SiteConfig, clock: Callable[[], datetime] = utc_now):
		self.config = config
		zones = {entry.id: entry.config.time_zone for entry in config.servers}
		self.store = SqliteStore(config.database, clock, config.time_zone, zones=zones)
		self._clock = clock
		self._puller = Puller(self.store, clock, config.time_zone)

	def __enter__(self) -> Site:
		return self

	def __exit__(self, *_error: object) -> None:
		self.store.close()

	def take_over(self) -> int:
		"""Bring employees and devices up to date with the files; returns how many employees are new, changed or gone."""
		path = self.config.employees
		employees = read_employees(path) if path else None
		self.store.enter_devices(self.config.devices)
		return 0 if employees is None else self.store.employ(employees)

	def pull(self, entry: ServerEntry, device: str | None = None) -> Iterator[RunReport]:
		"""Read the streams of a server, or of one of its devices; yields one report per run.

		Raises ConfigurationError, before anything is asked, where the password or the device is not there.
		"""
		units = units_of(entry, device)
		config = entry.complete(self.store.memory(entry.id))
		options = PullOptions(
			Trigger.CONSOLE,
			self.config.start_date,
			entry.overlap,
			entry.rescan,
			units,
			at_once=entry.at_once,
		)
		with closing(connect(config, self._clock)) as connector:
			yield from self._puller.pull(connector, config, options)
		self.store.remember(entry.id, config.memory)

	def process(self) -> int:
		"""Use everything that waits; returns how many punches were decided."""
		return process(self.store, self._rules)

	def now(self) -> datetime:
		"""The site's wall clock."""
		return wall_clock(self._clock(), self.config.time_zone)

	def _rules(self) -> Rules:
		start = self.config.start_date
		return Rules(
			now=self.now(),
			repeat_window=self.config.repeat_window,
			allowed_drift=self.config.allowed_drift,
			floor=start,
		)


def test(entry: ServerEntry) -> Iterator[Step]:
	"""The connection test of a server, step by step."""
	config = entry.complete({})
	only = entry.only_unit
	with closing(connect(config)) as connector:
		yield from connector.test(next(iter(entry.serials), "") if only is None else only)
