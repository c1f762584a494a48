"""The first loop, server → staging: each stream of a server in turn, each a run that commits and fails alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from biometric_integration.core.batches import BATCH, batches
from biometric_integration.core.by_position import ByPosition
from biometric_integration.core.by_window import ByWindow
from biometric_integration.core.concerns import BEING_READ, NO_ANSWERS, NO_DEVICE, OUT_OF_TIME
from biometric_integration.core.connector import Connector, Feed, Page, ServerConfig, Unit
from biometric_integration.core.errors import ConfigurationError, SilentError, UnreachableError
from biometric_integration.core.punch import Kind, Record, Unreadable, evidence, shown_rows
from biometric_integration.core.reading import Reading, Watch
from biometric_integration.core.runs import RunCounts, RunReport, RunStatus, Trigger
from biometric_integration.core.source import Source
from biometric_integration.core.store import PullStore, StreamBusy, repeated
from biometric_integration.core.stream import Cursor, Plan, Stream, looks, plan
from biometric_integration.core.window import Window, midnight

MOST_SILENT = 3
"""Streams that get no answer in time, one after the other, before the server is thought to be down."""


@dataclass(frozen=True)
class PullOptions:
	"""How a server is read.

	start_date: of the server's zone; None = today. start_dates: of units that have their own. units, feeds: only these; None = all
	there are. window: exactly this stretch of the server's clock, by the feeds that are read by window. watch: asked before each
	request with the run's log, the window of the request (None for a feed by position) and the counts so far; a sentence in answer
	ends the run there. in_time: asked before each run. kept_from: staged punches from before this day may have been deleted.
	"""

	trigger: Trigger = Trigger.SCHEDULED
	start_date: date | None = None
	overlap: timedelta = timedelta(hours=2)
	rescan: timedelta = timedelta(days=10)
	units: Sequence[str] | None = None
	feeds: Sequence[str] | None = None
	window: Window | None = None
	watch: Watch = lambda log, piece, counts: ""
	start_dates: Mapping[str, date] = field(default_factory=dict)
	in_time: Callable[[], bool] = lambda: True
	kept_from: date | None = None

	def means(self, feed: Feed) -> bool:
		return (self.feeds is None or feed.name in self.feeds) and not (self.window and feed.by_position)

	def plan(self, unit: str, cursor: Cursor, now: datetime, ids_came: bool | None) -> Plan | None:
		"""What was asked for; else every look back, or only the nightly one where the feed by position has just brought what is new.

		That one ends with yesterday: today's punches may be on their way by position.
		"""
		if self.window:
			return Plan(self.window.clipped(now))
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

	def pull(self, connector: Connector, config: ServerConfig, options: PullOptions) -> Iterator[RunReport]:
		"""Read all streams of a server in turn, the one that was read longest ago first; yields one report per run.

		The first failure that concerns the server as a whole ends it: a dead server costs one refused connection, or three time-outs in a row.
		What there is no time for is left alone, and a last report, of no run, says so.
		"""
		source = Source(self.store, connector, config, self.clock, self.site_zone, options.kept_from)
		streams = self._streams(source, options)
		silent = 0
		for number, (stream, feed) in enumerate(streams):
			if not options.in_time():
				yield self._out_of_time(config, len(streams) - number, len(streams))
				return
			if (report := self._run(source, options, stream, feed)) is None:
				continue
			silent = silent + 1 if isinstance(report.error, SilentError) else 0
			if report.error and silent == MOST_SILENT:
				words = NO_ANSWERS.format(tried=silent, words=report.error.message)
				report = replace(report, error=UnreachableError(words, report.error.detail))
			yield report
			if report.error and report.error.server_wide:
				return

	def _streams(self, source: Source, options: PullOptions) -> Sequence[tuple[Stream, Feed]]:
		config = source.config
		return [
			(Stream(config.server_id, config.server_type, unit, feed.name), feed)
			for unit in self.store.oldest_first(config.server_id, self._units(source, options))
			for feed in filter(options.means, source.connector.feeds)
		]

	def _out_of_time(self, config: ServerConfig, left: int, of_all: int) -> RunReport:
		message = OUT_OF_TIME.format(left=left, all=of_all)
		return RunReport("", config.server_id, RunStatus.SKIPPED, message, RunCounts(), self.clock())

	def _units(self, source: Source, options: PullOptions) -> Sequence[str]:
		if options.units is not None:
			return options.units
		if source.connector.unit is Unit.LOCATION:
			return [source.config.location]
		server = source.config.server_id
		own = (device for device in self.store.devices(server) if device.is_at_home(server))
		return [device.serial for device in own if device.serial and device.enabled] or [""]

	def _run(self, source: Source, options: PullOptions, stream: Stream, feed: Feed) -> RunReport | None:
		"""None where nothing is due."""
		started = self.clock()

		def due(cursor: Cursor) -> Plan | None:
			now = source.now()
			return options.plan(stream.unit, cursor.believed(now), now, source.ids_came)

		known = self.store.cursor(stream)
		todo = None if feed.by_position else due(known)
		if not (todo or feed.by_position):
			return None
		try:
			window = todo.window if todo else None
			claim = repeated(lambda: self.store.claim(stream, options.trigger, window))
		except StreamBusy as busy:
			return RunReport(busy.log, stream.key, RunStatus.RUNNING, BEING_READ, RunCounts(), started)
		if todo and claim.cursor != known:
			todo = due(claim.cursor) or todo  # another run has read meanwhile
		claim = replace(claim, cursor=claim.cursor.believed(source.now()))
		reading = Reading(self.store, claim, options.watch)
		reading.read(lambda: self._read(source, reading, todo, options.kept_from))
		reading.outcome.requests = source.take_requests()
		reading.finish()
		return reading.report(started)

	def _read(self, source: Source, reading: Reading, todo: Plan | None, kept_from: date | None) -> None:
		if not reading.claim.stream.unit and source.connector.unit is Unit.DEVICE:
			raise ConfigurationError(NO_DEVICE)
		source.open()
		if todo:
			ByWindow(self.store, source, reading, todo, self.batch).read()
		else:
			ByPosition(self.store, source, reading, kept_from).read()

	def survey(self, connector: Connector, config: ServerConfig, options: PullOptions) -> Iterator[RunCounts]:
		"""Count what `options.window` would bring and keep nothing of it; one count per request. Raises SyncError."""
		if options.window is None:
			raise ValueError("what is to be counted needs a window")
		source = Source(self.store, connector, config, self.clock, self.site_zone)
		window = options.window.clipped(source.now())
		if connector.lists_devices:
			connector.list_devices()
		for stream, _feed in self._streams(source, options):
			for piece in connector.slices(window):
				yield self._surveyed(stream, connector.read_window(stream.unit, piece))

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
