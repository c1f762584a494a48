"""One SQLite file: its schema, its transactions, and how values are written into it."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

from biometric_integration.core.batches import batches
from biometric_integration.core.errors import ConfigurationError, TransientError
from biometric_integration.core.store import BatchLost

BUSY_SECONDS = 20.0
"""How long a statement waits for another process; every transaction here is much shorter."""
MOST_PARAMETERS = 500
"""SQLite before 3.32 takes 999 parameters in a statement."""
PRAGMAS = (
	"PRAGMA foreign_keys=ON",
	# A commit is on the disk when it returns: what was reported and exported is still there after a power cut. With a cursor
	# and its rows in one transaction, and WAL written in order, neither level could tear the two apart.
	"PRAGMA synchronous=FULL",
	"PRAGMA fullfsync=1",  # macOS keeps a plain fsync in the drive's cache
)
SCHEMA_VERSION = 3
CLOCK = "CREATE TABLE clock (device TEXT PRIMARY KEY REFERENCES device (key), ahead INTEGER NOT NULL, seen TEXT NOT NULL)"
EVENT_OF_DEVICE = "CREATE INDEX event_of_device ON event (device, name)"
SPOOL = (
	# done_at: when the site had it, or when it turned out that there is nothing to send. aside: why it cannot be sent for now.
	"ALTER TABLE event ADD COLUMN done_at TEXT",
	"ALTER TABLE event ADD COLUMN aside TEXT NOT NULL DEFAULT ''",
	"CREATE INDEX event_waiting ON event (name) WHERE done_at IS NULL AND aside = ''",
	"CREATE INDEX event_undone ON event (device, aside, server, staged_at) WHERE done_at IS NULL",
	"CREATE INDEX event_done ON event (name) WHERE done_at IS NOT NULL",
	"CREATE TABLE contact (serial TEXT PRIMARY KEY, last TEXT NOT NULL, since TEXT, complete TEXT)",
	"CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
)
"""What the bridge adds: what is at the site, when devices that push were heard of (UTC), and what is remembered as JSON."""
SCHEMA = (
	"""CREATE TABLE device (
		key TEXT PRIMARY KEY, server TEXT NOT NULL, label TEXT NOT NULL, serial TEXT, location TEXT NOT NULL DEFAULT '',
		enabled INTEGER NOT NULL DEFAULT 1, counts_for_attendance INTEGER NOT NULL DEFAULT 1,
		note TEXT NOT NULL DEFAULT '', UNIQUE (server, serial)
	)""",
	"""CREATE TABLE device_alias (
		id INTEGER PRIMARY KEY, device TEXT NOT NULL REFERENCES device (key) ON DELETE CASCADE,
		name TEXT NOT NULL, location TEXT NOT NULL, UNIQUE (device, name, location)
	)""",
	"""CREATE TABLE log (
		id INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, server TEXT NOT NULL, server_type TEXT NOT NULL,
		unit TEXT NOT NULL, feed TEXT NOT NULL, "trigger" TEXT NOT NULL, status TEXT NOT NULL, started_at TEXT NOT NULL,
		finished_at TEXT, duration REAL, window_from TEXT, window_to TEXT, read_to TEXT, fetched INTEGER NOT NULL DEFAULT 0,
		new INTEGER NOT NULL DEFAULT 0, known INTEGER NOT NULL DEFAULT 0, junk INTEGER NOT NULL DEFAULT 0,
		invalid INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL DEFAULT 0, already_there INTEGER NOT NULL DEFAULT 0,
		unmapped INTEGER NOT NULL DEFAULT 0, ignored INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,
		quarantined INTEGER NOT NULL DEFAULT 0, pending INTEGER NOT NULL DEFAULT 0, employees INTEGER NOT NULL DEFAULT 0,
		error TEXT NOT NULL DEFAULT '', error_class TEXT NOT NULL DEFAULT '', error_detail TEXT NOT NULL DEFAULT ''
	)""",
	"CREATE INDEX log_of_stream ON log (stream, status)",
	"""CREATE TABLE request (
		log INTEGER NOT NULL REFERENCES log (id) ON DELETE CASCADE, number INTEGER NOT NULL, operation TEXT NOT NULL,
		at TEXT NOT NULL, window_from TEXT, window_to TEXT, http_status INTEGER, duration_ms INTEGER NOT NULL,
		bytes INTEGER NOT NULL, row_count INTEGER NOT NULL, server_message TEXT NOT NULL, excerpt TEXT NOT NULL,
		PRIMARY KEY (log, number)
	) WITHOUT ROWID""",
	"""CREATE TABLE cursor (
		stream TEXT PRIMARY KEY, server TEXT NOT NULL, server_type TEXT NOT NULL, unit TEXT NOT NULL, feed TEXT NOT NULL,
		position TEXT, read_from TEXT, read_until TEXT, complete_until TEXT, delivered INTEGER NOT NULL DEFAULT 0,
		scans TEXT NOT NULL DEFAULT '{}', run INTEGER NOT NULL DEFAULT 0, last_run TEXT
	)""",
	"""CREATE TABLE checkin (
		id INTEGER PRIMARY KEY AUTOINCREMENT, employee TEXT NOT NULL, time TEXT NOT NULL, log_type TEXT NOT NULL,
		device_id TEXT NOT NULL, biometric_event TEXT UNIQUE
	)""",
	"CREATE INDEX checkin_of_employee ON checkin (employee, time)",
	"CREATE INDEX checkin_by_time ON checkin (time)",
	# The name begins with the source time, so a table kept in the order of names grows at its end.
	"""CREATE TABLE event (
		name TEXT PRIMARY KEY, kind TEXT NOT NULL, status TEXT NOT NULL, reason_code TEXT NOT NULL, reason TEXT NOT NULL,
		device TEXT NOT NULL, user_id TEXT NOT NULL, source_time TEXT, punch_time TEXT, direction TEXT NOT NULL,
		verify_mode TEXT NOT NULL, log_id TEXT, feed TEXT NOT NULL, server TEXT NOT NULL, unit TEXT NOT NULL,
		raw TEXT NOT NULL, log INTEGER NOT NULL REFERENCES log (id), staged_at TEXT NOT NULL, resolved_at TEXT,
		employee TEXT NOT NULL DEFAULT '', log_type TEXT NOT NULL DEFAULT '', checkin INTEGER REFERENCES checkin (id),
		attempts INTEGER NOT NULL DEFAULT 0, revision INTEGER NOT NULL DEFAULT 0
	) WITHOUT ROWID""",
	"CREATE INDEX event_by_status ON event (status, reason_code)",
	"CREATE INDEX event_of_stream ON event (server, unit, source_time, user_id)",
	"CREATE INDEX event_of_log ON event (log, kind, status, reason_code, employee)",
	"CREATE INDEX event_of_checkin ON event (checkin)",
	"""CREATE TABLE employee (
		name TEXT PRIMARY KEY, employee_name TEXT NOT NULL, user_id TEXT NOT NULL, status TEXT NOT NULL, joined TEXT, relieved TEXT
	)""",
	"CREATE INDEX employee_by_user_id ON employee (user_id)",
	# Which change of the employee list last touched a user id: what waits since before it is looked at again.
	"CREATE TABLE user_id_change (user_id TEXT PRIMARY KEY, revision INTEGER NOT NULL)",
	"CREATE TABLE server_memory (server TEXT PRIMARY KEY, memory TEXT NOT NULL)",
	CLOCK,
	EVENT_OF_DEVICE,
	*SPOOL,
)
ADDED = {1: (CLOCK, EVENT_OF_DEVICE), 2: SPOOL}
"""What a file of an older version lacks, by its version."""


def to_text(moment: datetime) -> str:
	"""ISO, so that the order of texts is the order of times."""
	return moment.isoformat(" ")


# as Python did by itself until 3.12
sqlite3.register_adapter(datetime, to_text)
sqlite3.register_adapter(date, date.isoformat)

Values = Sequence[Any] | Mapping[str, Any]


class NoRoom(TransientError, sqlite3.OperationalError):
	"""The disk takes no more: the engine wants to know the consequence, others look at what the database said."""


NO_ROOM = "The database cannot be written ({error}): is its disk full?"


class Database:
	"""One connection, whose methods raise NoRoom and BatchLost. A write outside of `transaction` begins one, which the next `transaction` ends."""

	def __init__(self, path: Path, busy_seconds: float = BUSY_SECONDS):
		"""Opens the file, or creates it readable for its owner only. Raises ConfigurationError where it cannot be used."""
		self._connection = _opened(path, busy_seconds)

	def rows(self, sql: str, values: Values = ()) -> list[sqlite3.Row]:
		with _translated():
			return self._connection.execute(sql, values).fetchall()

	def stream(self, sql: str, values: Values = ()) -> Generator[sqlite3.Row, None, None]:
		"""For results that may be long: a few rows at a time. Whoever does not listen to the end closes it."""
		with _translated():
			yield from self._connection.execute(sql, values)

	def value(self, sql: str, values: Values = ()) -> Any:
		"""The first column of the first row, or None."""
		return next((row[0] for row in self.rows(sql, values)), None)

	def rows_in(self, sql: str, wanted: Iterable[object], *before: object) -> Iterator[sqlite3.Row]:
		"""Rows of a query with `IN ({marks})` at its end, whatever the number of values; `before` fills the marks in front."""
		for some in batches(wanted, MOST_PARAMETERS):
			yield from self.rows(sql.format(marks=",".join("?" * len(some))), (*before, *some))

	def write(self, sql: str, values: Values = ()) -> sqlite3.Cursor:
		"""One statement of the current transaction; it is begun where there is none."""
		self._begin()
		with _translated():
			return self._connection.execute(sql, values)

	def write_many(self, sql: str, rows: Iterable[Values]) -> int:
		"""One statement for many rows of the current transaction; returns how many rows it changed."""
		self._begin()
		before = self._connection.total_changes
		with _translated():
			self._connection.executemany(sql, rows)
		return self._connection.total_changes - before

	@contextmanager
	def transaction(self) -> Iterator[None]:
		"""What is written inside, and before it without a transaction of its own, becomes durable together, or not at all."""
		self._begin()
		try:
			yield
			with _translated():
				self._connection.execute("COMMIT")
		except BaseException:
			self.roll_back()
			raise

	@contextmanager
	def snapshot(self) -> Iterator[None]:
		"""What is read inside is of one moment; nothing is written."""
		with _translated():
			self._connection.execute("BEGIN")
		try:
			yield
		finally:
			self.roll_back()

	def roll_back(self) -> None:
		if self._connection.in_transaction:
			self._connection.execute("ROLLBACK")

	def close(self) -> None:
		"""What was not committed is forgotten: SQLite rolls it back."""
		self._connection.close()

	def _begin(self) -> None:
		"""With the write lock from the start: a transaction that only later wants it could be refused for good."""
		if not self._connection.in_transaction:
			with _translated():
				self._connection.execute("BEGIN IMMEDIATE")


def is_busy(error: sqlite3.Error) -> bool:
	"""Another process holds the file. (The error code is there from Python 3.11 on, the text everywhere.)"""
	return isinstance(error, sqlite3.OperationalError) and any(
		word in str(error) for word in ("locked", "busy")
	)


FULL = ("disk is full", "disk I/O error")


def cannot_write(error: BaseException, words: Sequence[str] = (*FULL, "readonly", "unable to open")) -> bool:
	"""There is no room for it, or the disk does not take it: a full disk, a limit of the file's size, a disk that fails."""
	return isinstance(error, sqlite3.OperationalError) and any(word in str(error) for word in words)


def to_time(text: str | None) -> datetime | None:
	return datetime.fromisoformat(text) if text else None


@contextmanager
def _translated() -> Iterator[None]:
	try:
		yield
	except sqlite3.OperationalError as error:
		if is_busy(error):
			raise BatchLost(str(error)) from error
		if cannot_write(error, FULL):
			raise NoRoom(NO_ROOM.format(error=error)) from error
		raise


def _opened(path: Path, busy_seconds: float) -> sqlite3.Connection:
	_create_private(path)
	connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None)
	connection.row_factory = sqlite3.Row
	try:
		for pragma in PRAGMAS:
			connection.execute(pragma)
		_write_ahead(connection, busy_seconds)
		_bring_up_to_date(connection, path)
	except sqlite3.DatabaseError as error:
		connection.close()
		if cannot_write(error, FULL):
			raise NoRoom(NO_ROOM.format(error=error)) from error
		raise ConfigurationError(f"{path} cannot be used as a database: {error}.", str(error)) from error
	except BaseException:
		connection.close()
		raise
	return connection


def _create_private(path: Path) -> None:
	try:
		os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
	except OSError as error:
		raise ConfigurationError(
			f"The database {path} cannot be opened: {error.strerror}.", str(error)
		) from error


def _write_ahead(connection: sqlite3.Connection, busy_seconds: float) -> None:
	"""WAL, once and for all. The switch does not wait for other processes by itself."""
	end = time.monotonic() + busy_seconds
	while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
		try:
			connection.execute("PRAGMA journal_mode=WAL").fetchone()
			return  # where a file system cannot do it, the old journal is as safe, only slower
		except sqlite3.OperationalError as error:
			if not is_busy(error) or time.monotonic() > end:
				raise
			time.sleep(0.02)


def _bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
	if _version(connection) == SCHEMA_VERSION:
		return
	connection.execute("BEGIN IMMEDIATE")
	with connection:
		version = _version(connection)  # another process may have been faster
		if version > SCHEMA_VERSION:
			raise ConfigurationError(
				f"{path} was written by a newer version of this program: update the program."
			)
		if version == 0:
			_create(connection, path)
		for number in range(version or SCHEMA_VERSION, SCHEMA_VERSION):
			for statement in ADDED[number]:
				connection.execute(statement)
		connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


def _create(connection: sqlite3.Connection, path: Path) -> None:
	if connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]:
		raise ConfigurationError(f"{path} is the database of another program: choose another file.")
	for statement in SCHEMA:
		connection.execute(statement)


def _version(connection: sqlite3.Connection) -> int:
	return int(connection.execute("PRAGMA user_version").fetchone()[0])
