"""The first loop, server → staging: the streams of a server, each a run that commits and fails alone."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial

from biometric_integration.core.batches import BATCH, batches
from biometric_integration.core.by_position import ByPosition
from biometric_integration.core.by_window import ByWindow
from biometric_integration.core.concerns import BEING_READ, NO_DEVICE, OUT_OF_TIME
from biometric_integration.core.connector import (
	Connector,
	Feed,
	Page,
	ReadsSideBySide,
	ServerConfig,
	Unit,
)
from biometric_integration.core.errors import ConfigurationError
from biometric_integration.core.in_flight import AT_ONCE, Connectors, InFlight
from biometric_integration.core.punch import Kind, Record, Unreadable, evidence, shown_rows
from biometric_integration.core.reading import Reading, Watch
from biometric_integration.core.runs import RunCounts, RunReport, RunStatus, Trigger
from biometric_integration.core.side_by_side import InTurn, Runs, SideBySide, elsewhere
from biometric_integration.core.source import Learned, Source
from biometric_integration.core.store import PullStore, StreamBusy, repeated
from biometric_integration.core.stream import Cursor, Plan, Stream, looks, plan
from biometric_integration.core.window import Window, midnight

HESITATION = 1.0
"""Seconds for which the first stream of a job is alone where it gets no answer."""


@dataclass(frozen=True)
class PullOptions:
	"""How a server is read.

	start_date: of the server's zone; None = today. start_dates: of units that have their own. units, feeds: only these; None = all
	there are. window: exactly this stretch of the server's clock, by the feeds that are read by window; read_to: of units that were read up to
	there in it. watch: asked before each
	request with the run's log, the window of the request (None for a feed by position) and the counts so far; a sentence in answer
	ends the run there. in_time: asked before each run. kept_from: staged punches from before this day may have been deleted. at_once: how
	many streams are read side by side, 1 to 4. `watch` and `in_time` are asked in the thread that pulls.
	"""

	trigger: Trigger = Trigger.SCHEDULED
	start_date: date | None = None
	overlap: timedelta = timedelta(hours=2)
	rescan: timedelta = timedelta(days=10)
	units: Sequence[str] | None = None
	feeds: Sequence[str] | None = None
	window: Window | None = None
	read_to: Mapping[str, datetime] = field(default_factory=dict)
	watch: Watch = lambda log, piece, counts: ""
	start_dates: Mapping[str, date | None] = field(default_factory=dict)
	in_time: Callable[[], bool] = lambda: True
	kept_from: date | None = None
	at_once: int = AT_ONCE

	def means(self, feed: Feed) -> bool:
		return (self.feeds is None or feed.name in self.feeds) and not (self.window and feed.by_position)

	def of_period(self, unit: str, window: Window) -> Window:
		"""What is left of it for a unit."""
		return Window(min(self.read_to.get(unit, window.start), window.end), window.end)

	def plan(self, unit: str, cursor: Cursor, now: datetime, ids_came: bool | None) -> Plan | None:
		"""What was asked for; else every look back, or only the nightly one where the feed by position has just brought what is new.

		That one ends with yesterday: today's punches may be on their way by position.
		"""
		if self.window:
			return Plan(self.of_period(unit, self.window).clipped(now))
		start_date = self.start_dates.get(unit, self.start_date)
		due = looks(self.overlap, self.rescan)
		if not ids_came:
			return plan(cursor, now, start_date, due)
		todo = plan(cursor, now, start_date, tuple(look for look in due if look.name == "nightly"))
		return replace(todo, window=todo.window.clipped(midnight(now))) if todo and cursor.scans else todo


class Puller:
	"""Reads servers into a store. `clock` gives aware UTC; `site_zone` is the zone in which check-ins are written."""

	def __init__(self, store: PullStore, clock: Callable[[], datetime], site_zone: str, batch: int = BATCH):
		self.store = store
		self.clock = clock
		self.site_zone = site_zone
		self.batch = batch

	def pull(
		self, connector: Connector, config: ServerConfig, options: PullOptions
	) -> Generator[RunReport, None, None]:
		"""Read all streams of a server, the one that was read longest ago first; yields one report per run, as they end.

		The first failure that concerns the server as a whole ends it, and what is under way by then ends by itself: a dead server costs as
		many refused connections as are made at once, or three time-outs in a row. What there is no time for is left alone, and a last report,
		of no run, says so. The store is used in this thread only. Who does not listen to the end closes the generator: runs that are under way
		then end by themselves.
		"""
		with closing(Job(self, connector, config, options)) as job:
			yield from job.reports()

	def streams(
		self, connector: Connector, config: ServerConfig, options: PullOptions
	) -> Sequence[tuple[Stream, Feed]]:
		return [
			(Stream(config.server_id, config.server_type, unit, feed.name), feed)
			for unit in self.store.oldest_first(config.server_id, self._units(connector, config, options))
			for feed in filter(options.means, connector.feeds)
		]

	def _units(self, connector: Connector, config: ServerConfig, options: PullOptions) -> Sequence[str]:
		if options.units is not None:
			return options.units
		if (only := connector.unit.only(config)) is not None:
			return [only]
		server = config.server_id
		own = (device for device in self.store.devices(server) if device.is_at_home(server))
		return [device.serial for device in own if device.serial and device.enabled] or [""]

	def survey(
		self, connector: Connector, config: ServerConfig, options: PullOptions
	) -> Iterator[tuple[datetime, RunCounts]]:
		"""Count what `options.window` would bring and keep nothing of it: for each request, how far it was read and the count. Raises SyncError."""
		if options.window is None:
			raise ValueError("what is to be counted needs a window")
		source = Source(self.store, connector, config, self.clock, self.site_zone)
		window = options.window.clipped(source.now())
		if connector.lists_devices:
			connector.list_devices()
		for stream, _feed in self.streams(connector, config, options):
			for piece in connector.slices(options.of_period(stream.unit, window)):
				yield piece.end, self._surveyed(stream, connector.read_window(stream.unit, piece))

	def _surveyed(self, stream: Stream, page: Page) -> RunCounts:
		counts = RunCounts()
		for batch in batches(page, self.batch):
			rows = shown_rows(batch)
			punches = {(row.user_id, row.source_time) for row in evidence(rows)}
			junk = sum(isinstance(row, Record) and row.kind is Kind.JUNK for row in rows)
			new = len(punches) - self.store.seen(punches)
			invalid = sum(isinstance(row, Unreadable) for row in rows)
			counts.add(RunCounts(len(batch), new, len(batch) - new - junk - invalid, junk, invalid))
		return counts


class Job:
	"""One pull of a server: its runs, in turn or side by side, and what they have in common."""

	def __init__(self, puller: Puller, connector: Connector, config: ServerConfig, options: PullOptions):
		self._puller = puller
		self._config = config
		self._options = options
		self._streams = puller.streams(connector, config, options)
		most = _at_once(connector, self._streams, options)
		self._runs: Runs[tuple[Run, RunReport | None]] = SideBySide() if most > 1 else InTurn()
		self._store = elsewhere(puller.store, self._runs.ask)
		self._in_flight = InFlight(self._streams, most)
		self._connectors = Connectors(connector)
		self._learned = Learned()

	def reports(self) -> Iterator[RunReport]:
		left = self._begun()
		while self._in_flight:
			report = self._next_report()
			left = left or self._begun()
			if report:
				yield report
		if left:
			yield self._out_of_time(left)

	def close(self) -> None:
		"""Where the job ends before its runs do, they stop, and what they are waiting for is given up."""
		self._in_flight.close()
		self._runs.close(self._connectors.close)

	def _begun(self) -> int:
		"""Begin what may be begun; returns how many streams there is no time for."""
		while self._in_flight.may_begin():
			if not self._options.in_time():
				return self._in_flight.leave_the_rest()
			self._runs.begin(self._next_run().done)
		return 0

	def _next_run(self) -> Run:
		stream, feed = self._in_flight.begin()
		connector, puller = self._connectors.take(), self._puller
		source = Source(
			self._store,
			connector,
			self._config,
			puller.clock,
			puller.site_zone,
			self._options.kept_from,
			stream.unit,
			self._learned,
		)
		options = replace(self._options, watch=partial(self._watch, stream))
		return Run(self._store, source, stream, feed, options, puller.clock, puller.batch)

	def _watch(self, stream: Stream, log: str, piece: Window | None, counts: RunCounts) -> str:
		return self._runs.ask(lambda: self._in_flight.ask(stream) or self._options.watch(log, piece, counts))

	def _next_report(self) -> RunReport | None:
		"""Of the next run that ends; None where the first takes a while, or nothing was due."""
		ended = self._runs.ended(HESITATION if self._in_flight.is_alone else None)
		if ended is None:
			self._in_flight.go_ahead()
			return None
		run, report = ended
		self._connectors.give_back(run.source.connector)
		return self._in_flight.ended(run.stream, report)

	def _out_of_time(self, left: int) -> RunReport:
		message = OUT_OF_TIME.format(left=left, all=len(self._streams))
		return RunReport(
			"", self._config.server_id, RunStatus.SKIPPED, message, RunCounts(), self._puller.clock()
		)


@dataclass(frozen=True)
class Run:
	"""A stream of a server, to be read once."""

	store: PullStore
	source: Source
	stream: Stream
	feed: Feed
	options: PullOptions
	clock: Callable[[], datetime]
	batch: int

	def done(self) -> tuple[Run, RunReport | None]:
		return self, self.report()

	def report(self) -> RunReport | None:
		"""None where nothing is due."""
		started, by_position = self.clock(), self.feed.by_position
		known = self.store.cursor(self.stream)
		todo = None if by_position else self._due(known)
		if not (todo or by_position):
			return None
		try:
			window = todo.window if todo else None
			claim = repeated(lambda: self.store.claim(self.stream, self.options.trigger, window))
		except StreamBusy as busy:
			return RunReport(busy.log, self.stream.key, RunStatus.RUNNING, BEING_READ, RunCounts(), started)
		if todo and claim.cursor != known:
			todo = self._due(claim.cursor) or todo  # another run has read meanwhile
		claim = replace(claim, cursor=claim.cursor.believed(self.source.now()))
		reading = Reading(self.store, claim, self.options.watch)
		reading.read(lambda: self._read(reading, todo))
		reading.outcome.requests = self.source.take_requests()
		reading.finish()
		return reading.report(started)

	def _due(self, cursor: Cursor) -> Plan | None:
		now = self.source.now()
		return self.options.plan(self.stream.unit, cursor.believed(now), now, self.source.ids_came)

	def _read(self, reading: Reading, todo: Plan | None) -> None:
		if not self.stream.unit and self.source.connector.unit is Unit.DEVICE:
			raise ConfigurationError(NO_DEVICE)
		self.source.open()
		if todo:
			ByWindow(self.store, self.source, reading, todo, self.batch).read()
		else:
			ByPosition(self.store, self.source, reading, self.options.kept_from).read()


def _at_once(connector: Connector, streams: Sequence[tuple[Stream, Feed]], options: PullOptions) -> int:
	"""How many may be read side by side; those of one unit are read one after the other."""
	if not isinstance(connector, ReadsSideBySide):
		return 1
	units = {stream.unit for stream, _feed in streams}
	return max(1, min(options.at_once, len(units)))
