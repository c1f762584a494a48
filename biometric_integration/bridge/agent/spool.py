"""The spool: what was read and received, until the site has it, and for a while after that."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from sqlite3 import Row
from typing import Any, NamedTuple

from biometric_integration.bridge import cursors, events, logs
from biometric_integration.bridge.database import to_text, to_time
from biometric_integration.bridge.devices import DeviceEntry
from biometric_integration.bridge.store import SqliteStore, utc_now
from biometric_integration.core.clock import wall_clock
from biometric_integration.core.contact import Contact
from biometric_integration.core.devices import Device
from biometric_integration.core.errors import TransientError
from biometric_integration.core.punch import Punch, name_from
from biometric_integration.core.runs import RunCounts, RunStatus, Trigger
from biometric_integration.core.store import Claim
from biometric_integration.core.stream import Cursor, Stream
from biometric_integration.core.text import storable
from biometric_integration.core.window import DAY

UTC = "UTC"
PUSHED = "(push)"
"""The home of devices that no attendance server knows: no server can have this id."""
FEED = "push"
IDLE_KEPT = timedelta(days=1)
PIECE = 1000
"""Rows that are deleted in one commit."""
LONGEST_REASON = 500
PROBES = 500

Names = Mapping[tuple[str, str, str], str]
"""(server, device name, location) → serial number."""


@dataclass(frozen=True)
class Waiting:
	"""A row that the site does not have. `serial` is empty where nobody knows it; place: what is known of its device."""

	name: str
	kind: str
	device: str
	serial: str
	place: str
	user_id: str
	source_time: str
	direction: str
	verify_mode: str
	raw: str
	aside: str


@dataclass(frozen=True)
class Backlog:
	"""Punches that the site does not have. oldest: when the first of those that wait came here, naive UTC."""

	waiting: int
	oldest: datetime | None
	aside: int
	why_aside: str


class Undone(NamedTuple):
	"""Punches that the site does not have: why not (empty: they wait), which server brought them, of which device (its serial number and its home).

	oldest: when the first of them came here, naive UTC.
	"""

	aside: str
	server: str
	serial: str
	home: str
	number: int = 1
	oldest: datetime | None = None

	def holds(self, stream: Stream, is_narrow: bool, named: Set[str]) -> bool:
		"""May it be of what the stream has shown? A wide one may have shown, as known, what came in another way and still waits.

		What lies aside of a device that the site does not name holds no wide one: the site is not asked about that device.
		"""
		if is_narrow and self.serial:
			return self.serial.casefold() == stream.unit.casefold()
		if self.aside and self.serial and self.serial.casefold() not in named:
			return False
		brought_by = (self.server, self.home)
		return not self.aside or stream.server in brought_by or PUSHED in brought_by


def backlog_of(undone: Sequence[Undone]) -> Backlog:
	reasons = Counter[str]()
	for each in undone:
		reasons[each.aside] += each.number
	waiting = reasons.pop("", 0)
	oldest = [each.oldest for each in undone if each.oldest and not each.aside]
	why = max(reasons, key=lambda reason: reasons[reason], default="")
	return Backlog(waiting, min(oldest, default=None), reasons.total(), why)


ROW_OF = """SELECT e.name, e.kind, e.device, e.user_id, e.source_time, e.direction, e.verify_mode, e.raw, e.aside,
	d.serial, d.label, d.location, d.server FROM event e LEFT JOIN device d ON d.key = e.device"""


class Spool(SqliteStore):
	"""Of one thread. All times in it are of the servers and devices (source times), or UTC; `names`: serial numbers that a person has entered. why_no_more: why nothing more is kept of what is read, asked before each commit."""

	def __init__(
		self,
		path: Path,
		clock: Callable[[], datetime] = utc_now,
		names: Names | None = None,
		why_no_more: Callable[[Spool], str] = lambda spool: "",
	):
		super().__init__(path, clock, UTC, idle_kept=IDLE_KEPT)
		self._why_no_more = why_no_more
		self.path = path
		self._names = names or {}

	@contextmanager
	def snapshot(self) -> Iterator[None]:
		"""What is read inside is of one moment."""
		with self.database.snapshot():
			yield

	def enter_devices(self, entries: Iterable[DeviceEntry]) -> None:
		"""A serial number that is known already stays where it is at home."""
		known = {
			str(row[0]) for row in self.database.rows("SELECT serial FROM device WHERE serial IS NOT NULL")
		}
		new = [entry for entry in entries if entry.serial not in known]
		if new:
			super().enter_devices(new)

	def stage(self, claim: Claim, punches: Sequence[Punch], cursor: Cursor | None = None) -> RunCounts:
		"""As in `SqliteStore`. Raises TransientError where there is no room: the run ends there, and its cursor stays."""
		if punches and (sentence := self._why_no_more(self)):
			raise TransientError(sentence)
		return super().stage(claim, punches, cursor)

	# --- what devices push

	def device_of(self, serial: str) -> Device:
		"""The device with this serial number, to the letter; it is made where there is none. May commit."""
		self.enter_devices([DeviceEntry(PUSHED, serial)])
		return next(device for device in self.devices(PUSHED) if device.serial == serial)

	def receive(self, serial: str, punches: Sequence[Punch]) -> None:
		"""Keep what a device has sent. Commits."""
		stream = Stream(PUSHED, "ADMS", serial, FEED)
		with self.database.transaction():
			log = self._log_of_today(stream)
			counts = events.stage(self.database, Claim(stream, Cursor(), log), punches, self._now())
			logs.count(self.database, log, counts)

	def _log_of_today(self, stream: Stream) -> str:
		day = to_text(datetime.combine(self._now().date(), datetime.min.time()))
		query = "SELECT MAX(id) FROM log WHERE stream=? AND status=? AND started_at>=?"
		if found := self.database.value(query, (stream.key, RunStatus.SUCCESS, day)):
			return str(found)
		log = logs.open_log(self.database, stream, Trigger.RECEIVED, self._now())
		self.database.write(
			"UPDATE log SET status=?, finished_at=started_at WHERE id=?", (RunStatus.SUCCESS, int(log))
		)
		return log

	def contact(self, serial: str) -> Contact:
		"""Naive UTC."""
		rows = self.database.rows("SELECT last, since, complete FROM contact WHERE serial=?", (serial,))
		return Contact(*map(to_time, rows[0])) if rows else Contact()

	def note_contact(self, serial: str, contact: Contact) -> None:
		"""Commits."""
		with self.database.transaction():
			self.database.write("INSERT OR REPLACE INTO contact VALUES (?,?,?,?)", (serial, *contact))

	# --- what is to be sent

	def is_anything_waiting(self) -> bool:
		return bool(self.database.rows("SELECT 1 FROM event WHERE done_at IS NULL AND aside='' LIMIT 1"))

	def waiting_rows(self, after: str, limit: int) -> list[Waiting]:
		"""The oldest after the name `after`."""
		rows = self.database.rows(
			f"{ROW_OF} WHERE e.done_at IS NULL AND e.aside='' AND e.name>? ORDER BY e.name LIMIT ?",
			(after, limit),
		)
		return [self._waiting(row) for row in rows]

	def probes(self) -> list[Waiting]:
		"""Of what lies aside the oldest of each device and reason; some of them, where there are many."""
		groups = self.database.rows(
			"""SELECT MIN(name) FROM event WHERE done_at IS NULL AND aside<>'' GROUP BY device, aside
			ORDER BY RANDOM() LIMIT ?""",
			(PROBES,),
		)
		names = sorted(row[0] for row in groups)
		return [
			self._waiting(row)
			for row in self.database.rows_in(f"{ROW_OF} WHERE e.name IN ({{marks}})", names)
		]

	def _waiting(self, row: Row) -> Waiting:
		place = f"{row['label']} ({row['location']}) of the server {row['server']}"
		return Waiting(
			row["name"],
			row["kind"],
			row["device"],
			row["serial"] or self._named(row["device"]),
			place if row["label"] else "an unknown device",
			row["user_id"],
			row["source_time"] or "",
			row["direction"],
			row["verify_mode"],
			row["raw"],
			row["aside"],
		)

	def _named(self, device: str) -> str:
		"""The serial number that a person has entered for the name under which a server reports it."""
		if not self._names:
			return ""
		query = """SELECT d.server, a.name, a.location FROM device_alias a JOIN device d ON d.key = a.device
			WHERE a.device=? UNION SELECT server, label, location FROM device WHERE key=?"""
		pairs = map(tuple, self.database.rows(query, (device, device)))
		return next((self._names[pair] for pair in pairs if pair in self._names), "")

	def mark(self, done: Sequence[str], aside: Sequence[tuple[str, str]] = ()) -> None:
		"""What the site has by now, and what cannot be sent, each with the reason. Commits."""
		if not (done or aside):
			return
		with self.database.transaction():
			now = self._now()
			self.database.write_many(
				"UPDATE event SET done_at=?, aside='' WHERE name=? AND done_at IS NULL",
				[(now, name) for name in done],
			)
			self.database.write_many(
				"UPDATE event SET aside=? WHERE name=? AND done_at IS NULL",
				[(storable(reason)[:LONGEST_REASON], name) for name, reason in aside],
			)

	def release(self, groups: Sequence[tuple[str, str]]) -> None:
		"""What lies aside of these devices, for these reasons, waits again. Commits."""
		for device, aside in groups:
			while self._released(device, aside):
				pass

	def _released(self, device: str, aside: str) -> int:
		"""Piece by piece, as others want to write as well."""
		with self.database.transaction():
			return self.database.write(
				"""UPDATE event SET aside='' WHERE name IN
				(SELECT name FROM event WHERE done_at IS NULL AND device=? AND aside=? LIMIT ?)""",
				(device, aside, PIECE),
			).rowcount

	def undone(self) -> list[Undone]:
		"""What the site does not have, in groups; by an index alone, as there may be millions."""
		rows = self.database.rows(
			"""SELECT e.*, COALESCE(d.serial, ''), COALESCE(d.server, '') FROM
			(SELECT aside, server, device, COUNT(*), MIN(staged_at) FROM event WHERE done_at IS NULL GROUP BY device, aside, server) e
			LEFT JOIN device d ON d.key = e.device"""
		)
		return [
			Undone(aside, server, serial, home, number, to_time(oldest))
			for aside, server, _device, number, oldest, serial, home in rows
		]

	def backlog(self) -> Backlog:
		return backlog_of(self.undone())

	def aside(self) -> list[dict[str, Any]]:
		"""What lies aside, by device and reason."""
		rows = self.database.rows(
			"""SELECT COALESCE(d.serial, '') AS serial, COALESCE(d.label, '') AS device, e.aside AS reason, COUNT(*) AS punches,
			MIN(e.source_time) AS first, MAX(e.source_time) AS last FROM event e LEFT JOIN device d ON d.key = e.device
			WHERE e.done_at IS NULL AND e.aside<>'' GROUP BY e.device, e.aside ORDER BY punches DESC LIMIT 100"""
		)
		return [dict(row) for row in rows]

	# --- what all of is at the site

	def streams_at_site(
		self,
		undone: Sequence[Undone],
		zones: Mapping[str, str],
		narrow: Mapping[str, bool],
		named: Set[str],
		now: datetime,
	) -> list[tuple[Stream, Cursor]]:
		"""Of the servers in `zones` (by id) the streams of which nothing waits or lies aside. narrow: is a server read device by device? named: serial numbers,
		casefolded, of devices that the site knows. `now`: aware.
		"""
		found = []
		for row in self.database.rows(
			"SELECT server, server_type, unit, feed FROM cursor WHERE read_until IS NOT NULL ORDER BY stream"
		):
			stream = Stream(*row)
			if stream.server in zones and not any(
				each.holds(stream, narrow[stream.server], named) for each in undone
			):
				cursor = cursors.read(self.database, stream)
				found.append((stream, cursor.believed(wall_clock(now, zones[stream.server]))))
		return found

	def contacts_at_site(self, undone: Sequence[Undone], now: datetime) -> list[tuple[str, Contact]]:
		"""Of the devices that push those of which nothing waits or lies aside."""
		held = {each.serial for each in undone}
		rows = self.database.rows("SELECT * FROM contact ORDER BY serial")
		contacts = [(str(row[0]), Contact(*map(to_time, tuple(row)[1:]))) for row in rows]
		return [
			(serial, contact)
			for serial, contact in contacts
			if serial not in held and contact.last and contact.last <= now.replace(tzinfo=None)
		]

	# --- a site that lacks what it had

	def send_again(self, since: datetime | None) -> None:
		"""What the site has had since then (naive UTC; None = ever) waits again, and servers are read again, as some of it may be deleted here. Commits."""
		with self.database.transaction():
			self._write_fact("again", since and to_text(since))
			self._forget_marks(since)
		self.go_on_again()

	def go_on_again(self) -> None:
		"""To the end of what `send_again` has begun, whoever was killed meanwhile. Commits."""
		since = self.fact("again", False)
		if since is False:
			return
		last: str | None = ""
		while last is not None:
			last = self._waits_again(last, since or "")
		with self.database.transaction():
			self.database.write("DELETE FROM fact WHERE name='again'")

	def _waits_again(self, after: str, since: str) -> str | None:
		"""Piece by piece; returns the last name, None at the end."""
		with self.database.transaction():
			rows = self.database.rows(
				"""SELECT name FROM event WHERE done_at IS NOT NULL AND name>? AND done_at>=? AND kind='Punch'
				ORDER BY name LIMIT ?""",
				(after, since, PIECE),
			)
			self.database.write_many(
				"UPDATE event SET done_at=NULL, aside='' WHERE name=?", [(row["name"],) for row in rows]
			)
		return str(rows[-1]["name"]) if rows else None

	def _forget_marks(self, since: datetime | None) -> None:
		"""All looks back are due. A run that is under way is fenced off: it would write its marks over these."""
		certain = since and to_text(
			since - DAY
		)  # marks are of the clocks of servers, which may be behind UTC
		self.database.write(
			"UPDATE cursor SET run=0, scans='{}', complete_until=MIN(complete_until, ?)", (certain,)
		)
		if since is None:
			self.database.write("DELETE FROM contact")

	# --- what is kept

	def used(self) -> int:
		"""Bytes, without what was freed and can be used again. The write-ahead log, some MB, comes on top."""
		pages: int = self.database.value("PRAGMA page_count") - self.database.value("PRAGMA freelist_count")
		return pages * int(self.database.value("PRAGMA page_size"))

	def prune(self, keep: timedelta | None) -> int:
		"""Delete some of what the site has for longer than `keep`, the oldest first; None = however new it is. Returns how many. Commits."""
		condition, values = "name <> ''", []
		if keep is not None:
			before = self._now() - keep
			condition, values = "name < ? AND done_at < ?", [name_from(before), to_text(before)]
		rows = self.database.rows(
			f"SELECT name, source_time FROM event WHERE done_at IS NOT NULL AND {condition} ORDER BY name LIMIT {PIECE}",
			values,
		)
		if rows:
			newest = max((row["source_time"] or "" for row in rows), default="")
			with self.database.transaction():
				self.database.write_many("DELETE FROM event WHERE name=?", [(row["name"],) for row in rows])
				self._note_pruned(newest[:10])
		return len(rows)

	def _note_pruned(self, day: str) -> None:
		"""Not of a punch from the future, of a clock that was wrong: what came since then was not deleted for that."""
		if str(self.fact("pruned", "")) < day <= to_text(self._now() + DAY):
			self._write_fact("pruned", day)

	def pruned_until(self) -> datetime | None:
		"""The day up to which punches may have been deleted here."""
		return to_time(str(self.fact("pruned", "")))

	def prune_logs(self, keep: timedelta) -> int:
		"""Some of the logs of runs of which nothing is left. Commits."""
		ids = self.database.rows(
			"""SELECT l.id FROM log l WHERE l.started_at < ? AND l.status <> 'Running'
			AND NOT EXISTS (SELECT 1 FROM event e WHERE e.log = l.id) ORDER BY l.id LIMIT ?""",
			(self._now() - keep, PIECE),
		)
		if ids:
			with self.database.transaction():
				self.database.write_many("DELETE FROM log WHERE id=?", map(tuple, ids))
		return len(ids)

	def fact(self, name: str, default: Any = None) -> Any:
		found = self.database.value("SELECT value FROM fact WHERE name=?", (name,))
		return default if found is None else json.loads(found)

	def facts(self, prefix: str) -> dict[str, Any]:
		rows = self.database.rows(
			"SELECT name, value FROM fact WHERE name LIKE ? ORDER BY name", (f"{prefix}%",)
		)
		return {row["name"].removeprefix(prefix): json.loads(row["value"]) for row in rows}

	def note(self, name: str, value: Any) -> None:
		"""Remember something. Commits."""
		with self.database.transaction():
			self._write_fact(name, value)

	def _write_fact(self, name: str, value: Any) -> None:
		text = storable(json.dumps(value, sort_keys=True))
		self.database.write("INSERT OR REPLACE INTO fact VALUES (?,?)", (name, text))
