"""The one loop: pull (server → staging) and process (staging → check-ins), over the `Store` protocol.

Order is the guarantee here: rows are committed before or with the cursor that passes them, never after (design §5.1, §5.2).
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import TypeVar

from biometric_integration.core import devices
from biometric_integration.core.batches import batches
from biometric_integration.core.clock import to_site, wall_clock
from biometric_integration.core.concerns import (
	FEWER,
	IDS_MISSED,
	IDS_RESET,
	IDS_SILENT,
	INVALID_ROWS,
	NO_DEVICE,
	TAKEN_BACK,
	TAKEN_OVER,
	TRUNCATED,
	UNCONFIRMED,
	never_delivered,
)
from biometric_integration.core.connector import Connector, Feed, ListedDevice, Page, ServerConfig, Unit
from biometric_integration.core.decide import Decision, Rules, decide, with_twins
from biometric_integration.core.devices import Device, DeviceBook, DeviceChange
from biometric_integration.core.directory import WaitingEvent
from biometric_integration.core.errors import ConfigurationError, SyncError
from biometric_integration.core.head import find_head
from biometric_integration.core.punch import (
	Direction,
	Kind,
	Punch,
	Record,
	Unreadable,
	fingerprint,
	shown,
	unreadable_fingerprint,
)
from biometric_integration.core.runs import Outcome, RunCounts, RunReport, RunStatus, Trigger
from biometric_integration.core.store import (
	BatchLost,
	Claim,
	Fenced,
	Interrupted,
	Store,
	StreamBusy,
	TakenBack,
)
from biometric_integration.core.stream import Cursor, Plan, Stream, looks, plan
from biometric_integration.core.window import DAY, Window, midnight

BATCH = 1000
ID_PAGE = 500
REREAD_IDS = 300
"""Rows are committed slightly out of id order on the server (essl-protocol §3.2): the last few hundred are read again."""
TRIES = 3
MOST_HALVINGS = 40

MARGIN = timedelta(minutes=2)
"""Connectors may ask from a little earlier than the window: what came from there just now is no earlier knowledge."""
FEWER_SINCE = "fewer since"
"""Kept with the scans of a cursor: since when a server has had fewer punches than are here."""
AHEAD = datetime(2100, 1, 1)
"""Where the search for punches of devices whose clock is ahead ends."""

Answer = TypeVar("Answer")
Watch = Callable[[str, "Window | None", RunCounts], str]


class Stopped(Exception):
	"""The run ends here, for the reason in the sentence; what was read stays."""


@dataclass(frozen=True)
class PullOptions:
	"""How a server is read.

	start_date: of the server's zone; None = today. start_dates: of units that have their own. units, feeds: only these; None = all
	there are. window: exactly this stretch of the server's clock, by the feeds that are read by window. watch: asked before each
	request with the run's log, the window of the request (None for a feed by position) and the counts so far; a sentence in answer
	ends the run there.
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

	def means(self, feed: Feed) -> bool:
		return (self.feeds is None or feed.name in self.feeds) and not (self.window and feed.by_position)


@dataclass
class Session:
	"""One job on one server: the connection, and what has been learnt about its devices."""

	connector: Connector
	config: ServerConfig
	options: PullOptions
	book: DeviceBook = field(default_factory=lambda: DeviceBook(()))
	listed: list[ListedDevice] = field(default_factory=list)
	opened: bool = False
	relisted: bool = False
	ids_came: bool = False
	ids_silent: bool = False


@dataclass
class Reading:
	"""One run while it goes on.

	to_save: the cursor, where it is worth writing and has not been; it is written before the next request, or with the end of the run.
	hole: something before `cursor.read_until` may not have come. fewer: the server has lost punches that are here. unseen: punches by day that were in no list by log id.
	"""

	claim: Claim
	cursor: Cursor
	outcome: Outcome = field(default_factory=Outcome)
	to_save: Cursor | None = None
	halvings: int = 0
	hole: bool = False
	fewer: bool = False
	unseen: int = 0

	@property
	def stream(self) -> Stream:
		return self.claim.stream

	def move(self, cursor: Cursor) -> None:
		self.cursor = self.to_save = cursor

	def leave_hole(self, sentence: str) -> None:
		self.hole = True
		self.outcome.worry(sentence)


@dataclass
class Answered:
	"""What came for one piece: all rows, and how many different punches with a time inside the piece."""

	rows: int = 0
	inside: int = 0


class Engine:
	"""Pull and process for one site. `clock` gives aware UTC; `site_zone` is the zone in which check-ins are written."""

	def __init__(self, store: Store, clock: Callable[[], datetime], site_zone: str, batch: int = BATCH):
		self.store = store
		self.clock = clock
		self.site_zone = site_zone
		self.batch = batch

	# --- pull

	def pull(self, connector: Connector, config: ServerConfig, options: PullOptions) -> Iterator[RunReport]:
		"""Read all streams of a server in turn, each committing and failing alone; yields one report per run.

		The first failure that concerns the server as a whole ends it: a dead server costs one time-out.
		"""
		session = Session(connector, config, options)
		for stream, feed in self._streams(session):
			report, error = self._run(session, stream, feed)
			if report:
				yield report
			if error and error.server_wide:
				return

	def _streams(self, session: Session) -> Iterator[tuple[Stream, Feed]]:
		for unit in self._units(session):
			for feed in filter(session.options.means, session.connector.feeds):
				yield Stream(session.config.server_id, session.config.server_type, unit, feed.name), feed

	def _units(self, session: Session) -> Sequence[str]:
		if session.options.units is not None:
			return session.options.units
		if session.connector.unit is Unit.LOCATION:
			return [session.config.location]
		known = self.store.devices(session.config.server_id)
		return [device.serial for device in known if device.serial and device.enabled] or [""]

	def _run(self, session: Session, stream: Stream, feed: Feed) -> tuple[RunReport | None, SyncError | None]:
		started = self.clock()
		known = self.store.cursor(stream)
		todo = None if feed.by_position else self._plan(session, stream.unit, known)
		if not (todo or feed.by_position):
			return None, None
		try:
			window = todo.window if todo else None
			claim = _repeated(lambda: self.store.claim(stream, session.options.trigger, window))
		except StreamBusy as busy:
			message = "This stream is being read at this moment."
			return RunReport(busy.log, stream.key, RunStatus.RUNNING, message, RunCounts(), started), None
		if todo and claim.cursor != known:
			todo = self._plan(session, stream.unit, claim.cursor) or todo  # another run has read meanwhile
		reading = Reading(claim, claim.cursor)
		outcome = reading.outcome
		try:
			self._read(session, reading, todo)
		except Fenced:
			self.store.roll_back()
			outcome.skipped = TAKEN_OVER
		except Stopped as stopped:
			outcome.worry(str(stopped))
		except SyncError as error:
			outcome.error = error
		except (
			Exception
		) as error:  # a defect, ours or the host's, must not keep other streams from being read
			outcome.error = _unexpected(error)
		if outcome.error:
			self.store.roll_back()
		outcome.requests = _taken(session.connector)
		self._finish(reading)
		report = RunReport(
			claim.log,
			stream.key,
			outcome.status,
			outcome.message,
			outcome.counts,
			started,
			outcome.error,
		)
		return report, outcome.error

	def _finish(self, reading: Reading) -> None:
		claim, outcome = reading.claim, reading.outcome
		cursor = None if outcome.skipped else reading.to_save
		try:
			_repeated(lambda: self.store.finish(claim, outcome, cursor))
		except Fenced:
			self.store.roll_back()
			outcome.skipped = TAKEN_OVER
			_repeated(lambda: self.store.finish(claim, outcome))

	def _read(self, session: Session, reading: Reading, todo: Plan | None) -> None:
		if not reading.stream.unit and session.connector.unit is Unit.DEVICE:
			raise ConfigurationError(NO_DEVICE)
		self._open(session)
		if todo:
			self._read_by_window(session, reading, todo)
		else:
			self._read_by_position(session, reading)

	def _open(self, session: Session) -> None:
		if not session.opened:
			self._learn(session)
			session.opened = True

	def _learn(self, session: Session) -> None:
		server = session.config.server_id
		known = self.store.devices(server)
		if session.connector.lists_devices:
			session.listed = [devices.shown(entry) for entry in session.connector.list_devices()]
			if found := devices.changes(known, session.listed):
				self.store.change_devices(server, found)
				known = self.store.devices(server)
		session.book = DeviceBook(known, session.listed)

	def survey(self, connector: Connector, config: ServerConfig, options: PullOptions) -> Iterator[RunCounts]:
		"""Count what `options.window` would bring and keep nothing of it; one count per request. Raises SyncError."""
		session = Session(connector, config, options)
		now = self._server_now(session)
		if connector.lists_devices:
			connector.list_devices()
		for stream, _feed in self._streams(session):
			for piece in connector.slices(options.window.clipped(now)):
				yield self._surveyed(stream, connector.read_window(stream.unit, piece))

	def _surveyed(self, stream: Stream, page: Page) -> RunCounts:
		counts = RunCounts()
		for batch in batches(page, self.batch):
			records = [row for row in batch if isinstance(row, Record)]
			punches = {(row.user_id, row.source_time) for row in records if row.kind is Kind.PUNCH}
			junk = sum(row.kind is Kind.JUNK for row in records)
			new = len(punches) - self.store.seen(stream, punches)
			invalid = len(batch) - len(records)
			counts.add(RunCounts(len(batch), new, len(batch) - new - junk - invalid, junk, invalid))
		return counts

	# --- feeds read by window

	def _plan(self, session: Session, unit: str, cursor: Cursor) -> Plan | None:
		"""What was asked for; else every look back, or only the nightly one where the feed by position has just brought what is new.

		That one ends with yesterday: today's punches may be on their way by position.
		"""
		options, now = session.options, self._server_now(session)
		if options.window:
			return Plan(options.window.clipped(now))
		start_date = options.start_dates.get(unit, options.start_date)
		due = looks(options.overlap, options.rescan)
		if not session.ids_came:
			return plan(cursor, now, start_date, due)
		todo = plan(cursor, now, start_date, tuple(look for look in due if look.name == "nightly"))
		return replace(todo, window=todo.window.clipped(midnight(now))) if todo and cursor.scans else todo

	def _read_by_window(self, session: Session, reading: Reading, todo: Plan) -> None:
		reading.outcome.window = todo.window
		begun = todo.begun(replace(reading.cursor, delivered=reading.cursor.delivered or session.ids_came))
		if begun != reading.cursor:
			reading.move(begun)
		self._read_pieces(session, reading, todo.window)
		if not session.options.window:
			self._look_further(session, reading, todo)
		if not reading.cursor.delivered and not reading.outcome.counts.fetched:
			reading.outcome.worry(never_delivered(session.connector.unit, reading.stream.unit))
		elif not reading.hole and todo.finishes:
			cursor = todo.finished(reading.cursor, todo.window.end)
			reading.move(cursor if reading.fewer else cursor.without_scan(FEWER_SINCE))

	def _read_pieces(self, session: Session, reading: Reading, window: Window) -> None:
		for piece in session.connector.slices(window):
			self._go_on(session, reading, piece)
			self._read_piece(session, reading, piece)
			if not reading.hole:
				reading.outcome.read_to = max(reading.outcome.read_to or piece.end, piece.end)

	def _go_on(self, session: Session, reading: Reading, piece: Window | None) -> None:
		if reading.to_save:
			self._stage(reading, (), reading.to_save)
		if sentence := session.options.watch(reading.claim.log, piece, reading.outcome.counts):
			raise Stopped(sentence)

	def _look_further(self, session: Session, reading: Reading, todo: Plan) -> None:
		"""What the plan cannot know: how long the stream was silent, whose clock is ahead, what the other feed has missed."""
		counts = reading.outcome.counts
		if any(feed.by_position for feed in session.connector.feeds):
			if counts.new and session.ids_silent:
				reading.outcome.worry(IDS_SILENT)
			elif reading.unseen and reading.claim.cursor.scans:
				reading.outcome.worry(IDS_MISSED.format(new=reading.unseen))
			return
		if counts.new and not counts.known:
			self._catch_up(session, reading, todo.window.start)
		if "nightly" in todo.finishes:
			self._read_ahead(session, reading, todo.window.end)

	def _catch_up(self, session: Session, reading: Reading, end: datetime) -> None:
		"""A stream that was silent for longer than the window and has something new now: its device was offline, and uploads."""
		start = self.store.newest_before(reading.stream, end - MARGIN) or reading.cursor.read_from or end
		if start < end:
			self._read_pieces(session, reading, Window(start, end))

	def _read_ahead(self, session: Session, reading: Reading, now: datetime) -> None:
		"""Punches of a device whose clock is ahead: no window up to now holds them. They are kept, and quarantined."""
		self._go_on(session, reading, None)
		ahead = Window(now, AHEAD)
		self._stage_page(session, reading, ahead, session.connector.read_window(reading.stream.unit, ahead))

	def _read_piece(self, session: Session, reading: Reading, piece: Window) -> None:
		page = session.connector.read_window(reading.stream.unit, piece)
		answered = self._stage_page(session, reading, piece, page)
		if page.declared is not None and answered.rows < page.declared:
			if self._read_halves(session, reading, piece):
				return
			reading.leave_hole(TRUNCATED.format(declared=page.declared, rows=answered.rows, piece=piece))
		elif not answered.rows and not page.confirmed:
			reading.leave_hole(UNCONFIRMED)
		elif (missing := self.store.staged(reading.stream, piece) - answered.inside) > 0:
			self._note_fewer(reading, piece, FEWER.format(missing=missing, piece=piece))
		read_to = min(piece.end, self._server_time(session, page.server_time) or piece.end)
		self._move(reading, Window(min(piece.start, read_to), read_to), answered)

	def _note_fewer(self, reading: Reading, piece: Window, sentence: str) -> None:
		"""The answer lacks punches that are here: others may be missing too, so the mark waits. Not for ever, as servers do forget."""
		now = reading.outcome.window.end if reading.outcome.window else piece.end
		since = reading.cursor.scans.get(FEWER_SINCE, now)
		reading.cursor = replace(reading.cursor, scans={**reading.cursor.scans, FEWER_SINCE: since})
		reading.fewer = True
		unsure = piece.end > (reading.claim.cursor.complete_until or piece.start) and now - since < DAY
		reading.leave_hole(sentence) if unsure else reading.outcome.worry(sentence)

	def _stage_page(self, session: Session, reading: Reading, piece: Window, page: Page) -> Answered:
		answered = Answered()
		for batch in batches(page, self.batch):
			punches = self._normalised(session, reading.stream, batch)
			inside = {(p.user_id, p.source_time) for p in punches if _in(piece, p)}
			if session.ids_came:
				reading.unseen += len(inside) - self.store.seen(reading.stream, inside)
			self._stage(reading, punches)
			answered.rows += len(batch)
			answered.inside += len(inside)
		return answered

	def _read_halves(self, session: Session, reading: Reading, piece: Window) -> bool:
		"""A list shorter than the server's own count: ask for its halves, while that may help."""
		halves = piece.halves() if reading.halvings < MOST_HALVINGS else ()
		for half in halves:
			reading.halvings += 1
			self._read_piece(session, reading, half)
		return bool(halves)

	def _move(self, reading: Reading, read: Window, answered: Answered) -> None:
		"""Move the cursor; what never delivered may have a wrong name, and stays where it is."""
		delivered = reading.cursor.delivered or answered.rows > 0
		cursor = replace(reading.cursor, delivered=delivered)
		reading.cursor = cursor.moved(read.end, complete=not reading.hole, start=read.start)
		if delivered and not (reading.hole and not answered.rows):
			reading.to_save = reading.cursor

	# --- feeds read by position

	def _read_by_position(self, session: Session, reading: Reading) -> None:
		if reading.cursor.position is None and not self._found_head(session, reading):
			return
		start: int | None = max((reading.cursor.position or 0) - REREAD_IDS, 0)
		now, first = self._server_now(session), True
		while start is not None:
			self._go_on(session, reading, None)
			page = session.connector.read_after(reading.stream.unit, start, ID_PAGE)
			rows = list(page)
			session.ids_came = session.ids_came or bool(rows)
			session.ids_silent = not session.ids_came
			if first and self._fell_back(session, reading, start, rows):
				reading.outcome.worry(IDS_RESET)
				reading.cursor, start = replace(reading.cursor, position=0), 0
			else:
				read_to = min(now, self._server_time(session, page.server_time) or now)
				start = self._take_page(session, reading, start, rows, read_to)
			first = False

	def _take_page(self, session, reading, start: int, rows: list, read_to: datetime) -> int | None:
		"""Keep a page together with the cursor that passes it; returns where to go on, None at the end. Judged on raw rows."""
		known = reading.cursor.position or 0
		top = max((row.log_id for row in rows if row.log_id is not None), default=start)
		at_end = top <= start or (top == known and len(rows) < ID_PAGE)
		delivered = reading.cursor.delivered or bool(rows)
		cursor = replace(reading.cursor, position=max(known, top), delivered=delivered)
		if at_end and session.ids_came:
			cursor = cursor.moved(read_to, complete=True)
		self._stage(reading, self._normalised(session, reading.stream, rows), cursor)
		reading.cursor = cursor
		return None if at_end else top

	def _fell_back(self, session: Session, reading: Reading, start: int, rows: list) -> bool:
		"""Has the server begun to count again? Then what is read again is gone, or is something else than it was."""
		if not reading.cursor.delivered:
			return False
		if not rows:
			return start > 0 and self._any_after(session, reading.stream.unit, 0)
		position = reading.cursor.position or 0
		again = {
			(row.user_id, row.source_time)
			for row in rows
			if isinstance(row, Record) and row.log_id is not None and row.log_id <= position
		}
		return bool(again) and not self.store.seen(reading.stream, again)

	def _found_head(self, session: Session, reading: Reading) -> bool:
		"""Begin at the newest id: what is older comes by day."""
		head = find_head(partial(self._any_after, session, reading.stream.unit))
		session.ids_silent = head is None
		if head is not None:
			reading.cursor = replace(reading.cursor, position=head)
			self._stage(reading, (), reading.cursor)
		return head is not None

	def _any_after(self, session: Session, unit: str, position: int) -> bool:
		"""Two rows are asked for: an inclusive server answers with `position` itself first."""
		page = session.connector.read_after(unit, position, 2)
		return any(row.log_id is not None and row.log_id > position for row in page)

	# --- rows

	def _normalised(
		self, session: Session, stream: Stream, rows: Sequence[Record | Unreadable]
	) -> list[Punch]:
		rows = [shown(row) if isinstance(row, Record) else row for row in rows]
		self._know_devices(session, rows)
		server, zone = session.config.server_id, session.config.time_zone or self.site_zone
		find = session.book.find
		return [
			self._punch(server, zone, find(row), row)
			if isinstance(row, Record)
			else _invalid(server, stream.unit, row)
			for row in rows
		]

	def _punch(self, server: str, zone: str, device: Device | None, row: Record) -> Punch:
		key = device.key if device else ""
		return Punch(
			fingerprint(server, key, row.user_id, row.source_time),
			row.kind,
			key,
			row.user_id,
			row.source_time,
			to_site(row.source_time, zone, self.site_zone),
			row.direction,
			row.raw,
			row.log_id,
			row.verify_mode,
		)

	def _know_devices(self, session: Session, rows: Iterable[Record | Unreadable]) -> None:
		"""Rows of devices nobody has seen: ask the server once more, then give each name a placeholder."""
		if not (missing := _missing(session.book, rows)):
			return
		if session.connector.lists_devices and not session.relisted:
			session.relisted = True
			self._learn(session)
			missing = _missing(session.book, rows)
		if missing:
			self.store.change_devices(session.config.server_id, missing)
			session.book = DeviceBook(self.store.devices(session.config.server_id), session.listed)

	def _stage(self, reading: Reading, punches: Sequence[Punch], cursor: Cursor | None = None) -> None:
		if not punches and cursor is None:
			return
		counts = _repeated(lambda: self.store.stage(reading.claim, punches, cursor))
		reading.to_save = reading.to_save if cursor is None else None
		reading.outcome.counts.add(counts)
		if counts.invalid:
			reading.outcome.worry(INVALID_ROWS)

	def _server_now(self, session: Session) -> datetime:
		return wall_clock(self.clock(), session.config.time_zone or self.site_zone)

	def _server_time(self, session: Session, moment: datetime | None) -> datetime | None:
		return wall_clock(moment, session.config.time_zone or self.site_zone) if moment else None

	# --- process

	def process(self, rules: Callable[[], Rules], go_on: Callable[[], bool] = lambda: True) -> int:
		"""Decide about everything that waits, until nothing is left or `go_on` says stop; returns how many were settled.

		One lane per site: whoever finds it taken leaves, its holder looks once more after giving it back.
		"""
		settled, reopened = 0, False
		while go_on():
			with self.store.lane() as mine:
				if not mine:
					return settled
				if not reopened:
					self.store.reopen()
				reopened = True
				in_pass = sum(self._passes(rules, go_on))
			settled += in_pass
			if not in_pass and not self._left_to_us():
				return settled
		return settled

	def _left_to_us(self) -> bool:
		"""Did anybody find the lane taken after our last look, and leave something to us?"""
		self.store.roll_back()  # what others have committed meanwhile is seen
		return bool(self.store.waiting("", 1))

	def _passes(self, rules: Callable[[], Rules], go_on: Callable[[], bool]) -> Iterator[int]:
		after = ""
		while go_on() and (events := self.store.waiting(after, self.batch)):
			batch = events[: self.store.at_once]
			yield self._used(batch, rules)
			after = batch[-1].name

	def _used(self, events: Sequence[WaitingEvent], rules: Callable[[], Rules]) -> int:
		return _repeated(lambda: self._settle(events, rules()), self.store.roll_back)

	def _settle(self, events: Sequence[WaitingEvent], rules: Rules) -> int:
		if len(events) > self.store.at_once:  # meanwhile the host has found that it can do fewer
			return sum(self._settle(part, rules) for part in batches(events, self.store.at_once))
		directory = self.store.directory(events, rules.reach)
		decisions = with_twins(self._written(decide(events, directory, rules)))
		try:
			self.store.settle(decisions, rules.now)
		except TakenBack:
			return self._settle_alone(events, decisions, rules)
		return len(decisions)

	def _settle_alone(
		self, events: Sequence[WaitingEvent], decisions: Sequence[Decision], rules: Rules
	) -> int:
		"""A rule of the site rolled a whole batch back because of one row: each row by itself, until it is that one's turn."""
		self.store.roll_back()
		if len(events) > 1:
			return sum(self._settle([event], rules) for event in events)
		self.store.settle([decision.refused(TAKEN_BACK) for decision in decisions], rules.now)
		return len(decisions)

	def _written(self, decisions: Sequence[Decision]) -> Iterator[Decision]:
		made = self.store.create_together([decision for decision in decisions if decision.creates])
		for decision in decisions:
			if not decision.creates:
				yield decision
				continue
			if record := made.get(decision.event.name):
				yield decision.done(record)
				continue
			try:
				yield decision.done(self.store.create(decision))
			except (BatchLost, Interrupted):
				raise
			except (
				Exception
			) as error:  # any hook of the site may refuse a check-in in any way: it is this row's, and waits
				yield decision.refused(str(error) or type(error).__name__)


def _repeated(action: Callable[[], Answer], before: Callable[[], None] = lambda: None) -> Answer:
	"""A batch the database rolled back is done again, up to three times in all."""
	for _ in range(TRIES - 1):
		try:
			return action()
		except BatchLost:
			before()
	return action()


def _in(window: Window, punch: Punch) -> bool:
	return punch.source_time is not None and window.start <= punch.source_time < window.end


def _invalid(server: str, unit: str, row: Unreadable) -> Punch:
	name = unreadable_fingerprint(server, unit, row.raw)
	return Punch(
		name, Kind.INVALID, "", "", None, None, Direction.NONE, row.raw, row.log_id, problem=row.problem
	)


def _missing(book: DeviceBook, rows: Iterable[Record | Unreadable]) -> list[DeviceChange]:
	found: dict[tuple[str, str, str], DeviceChange] = {}
	for row in rows:
		if isinstance(row, Record) and book.find(row) is None:
			change = book.unknown((row.device_name or row.serial, row.location))
			found[(row.serial, *change.pair)] = replace(change, serial=row.serial)
	return list(found.values())


def _taken(connector: Connector) -> list:
	taken = list(connector.requests)
	connector.requests.clear()
	return taken


def _unexpected(error: Exception) -> SyncError:
	"""The trace without the values of variables: no secret gets in."""
	frames = "".join(traceback.format_tb(error.__traceback__))
	return SyncError(
		f"Something unexpected happened ({type(error).__name__}). The log's detail has the trace.", frames
	)
