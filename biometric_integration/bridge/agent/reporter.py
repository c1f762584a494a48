"""Tells the site once a minute how things stand here, and takes along what the site says: which servers to read, and who may push."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from biometric_integration import __version__
from biometric_integration.bridge.agent.door import Door
from biometric_integration.bridge.agent.journal import Journal
from biometric_integration.bridge.agent.room import Room
from biometric_integration.bridge.agent.settings import ServerPlan, Settings, named
from biometric_integration.bridge.agent.site import Later, SiteClient, moment_of
from biometric_integration.bridge.agent.spool import Spool, Undone, backlog_of
from biometric_integration.bridge.database import cannot_write, to_text
from biometric_integration.core.contact import Contact
from biometric_integration.core.stream import Cursor, Stream

EVERY = 60.0
MOST_BYTES = 250_000
MOST_ENTRIES = 500
MOST_STRANGERS = 20
LONGEST = 500
WRONG_CLOCK = timedelta(minutes=5)
"""A difference from which on the site believes nothing of what is reported of streams and devices."""
TOPIC, CLOCK = "report", "clock"
PROBLEMS = ("room", "disk", "spool", "site", "push spool", "port", "defect")
"""Topics of the journal that keep the bridge from working. Servers, and what lies aside, are told of by themselves."""


class Reporter:
	"""Of one thread. `plans`: the servers that are read now. `learn`: called with settings of the site that have changed."""

	def __init__(
		self,
		settings: Settings,
		spool: Spool,
		site: SiteClient,
		room: Room,
		door: Door,
		journal: Journal,
		clock: Callable[[], datetime],
		plans: Callable[[], Sequence[ServerPlan]],
		learn: Callable[[Mapping[str, Any]], None],
		monotonic: Callable[[], float] = time.monotonic,
	):
		self._settings = settings
		self._spool = spool
		self._site = site
		self._room = room
		self._door = door
		self._journal = journal
		self._clock = clock
		self._plans = plans
		self._learn = learn
		self._monotonic = monotonic
		self._next = 0.0
		self._turns = {"streams": 0, "devices": 0}
		self._lacking: list[datetime | None] = []
		self._answer: Mapping[str, Any] = spool.fact("settings", {})
		self.ahead: timedelta | None = None

	@property
	def is_due(self) -> bool:
		return self._monotonic() >= self._next

	def report(self) -> bool:
		"""Whether the site took it."""
		self._next = self._monotonic() + EVERY
		self._remember("strangers", self._door.strangers(MOST_STRANGERS))
		self._send_again()
		try:
			report = self.built()
			told = self._site.report(report)
		except Later as later:
			self.ahead = None
			self._journal.trouble(TOPIC, f"The site could not be told how things stand: {later}")
			self._note(str(later))
			return False
		self._journal.well(TOPIC, "The site hears of this bridge again.")
		self.ahead = told.ahead
		self._door.correct(told.ahead)
		self._look_at_clock(told.ahead)
		self._note("")
		self._compare(told.before, report["now"])
		if told.settings and told.settings != self._answer:
			self._answer = told.settings
			self._remember("settings", told.settings)
			self._learn(told.settings)
		return True

	def _compare(self, before: str | None, now: str) -> None:
		"""A site that does not know a report that it had taken was restored: it lacks the punches since then as well."""
		last = self._spool.fact("told", "")
		if before is not None and before < last:
			self._journal.say(
				f"The site was restored: what it has had since {before or 'the beginning'} is sent again, and servers are read again."
			)
			known = moment_of(before)
			self._lacking.append(known and known - WRONG_CLOCK)
			self._send_again()
		self._remember("told", now)

	def _send_again(self) -> None:
		try:
			while self._lacking:
				self._spool.send_again(self._lacking[0])
				del self._lacking[0]
		except sqlite3.OperationalError as error:
			if not cannot_write(error):
				raise
			self._room.failed(error)

	def _note(self, problem: str) -> None:
		"""For `bridge status`."""
		ahead = None if self.ahead is None else round(self.ahead.total_seconds())
		last = self._spool.fact("report", {}).get("last") if problem else _utc(self._clock())
		self._remember(
			"report",
			{"last": last, "problem": problem or self._journal.problem(*PROBLEMS), "clock_ahead": ahead},
		)

	def _remember(self, name: str, value: Any) -> None:
		"""The site has to hear of a disk that is full as well."""
		try:
			self._spool.note(name, value)
		except sqlite3.OperationalError as error:
			if not cannot_write(error):
				raise
			self._room.failed(error)

	def _look_at_clock(self, ahead: timedelta) -> None:
		if abs(ahead) > WRONG_CLOCK:
			way = "ahead of" if ahead > timedelta(0) else "behind"
			minutes = abs(ahead) // timedelta(minutes=1)
			self._journal.trouble(
				CLOCK,
				f"The clock of this computer is {minutes:,} minutes {way} the site's: set it right, and let the system keep it so.",
			)
		else:
			self._journal.well(CLOCK, "The clock of this computer is right again.")

	def built(self) -> dict[str, Any]:
		"""As the site wants it, within its bounds: where there is more, each report has its turn of it."""
		now = self._clock()
		with self._spool.snapshot():
			undone = self._spool.undone()
			streams = self._streams(undone, now)
			contacts = self._spool.contacts_at_site(undone, self._door.now())
			if self._lacking or self._spool.fact("site", self._settings.site.url) != self._settings.site.url:
				streams, contacts = [], []  # what the spool knows to be at the site may not be at this one
			servers = self._servers()
		backlog, full = backlog_of(undone), self._room.why_full(self._spool)
		report: dict[str, Any] = {
			"bridge": self._settings.site.bridge,
			"version": __version__,
			"now": _utc(now),
			"last": self._spool.fact("told") or None,
			"spool": self._spool.fact("id", ""),
			"edition": str(self._answer.get("edition", ""))[:LONGEST],
			"backlog": {
				"waiting": backlog.waiting,
				"oldest": backlog.oldest and f"{backlog.oldest.isoformat()}Z",
				"aside": backlog.aside,
				"why_aside": backlog.why_aside[:LONGEST],
				"bytes": self._spool.used(),
				"limit": self._settings.spool.limit,
				"is_full": bool(full),
			},
			"problem": (full or self._journal.problem(*PROBLEMS))[:LONGEST],
			"servers": servers[:MOST_ENTRIES],
			"streams": self._some("streams", streams),
			"devices": self._some("devices", [_device(*each) for each in contacts]),
			"strangers": self._door.strangers(MOST_STRANGERS),
		}
		_cut(report)
		for name in self._turns:
			self._turns[name] += len(report[name])
		return report

	def _streams(self, undone: Sequence[Undone], now: datetime) -> list[dict[str, Any]]:
		plans = [plan for plan in self._plans() if not plan.fault]
		zones = {plan.id: plan.config.time_zone for plan in plans}
		types = {plan.id: plan.config.server_type for plan in plans}
		narrow = {plan.id: plan.only_unit is None for plan in plans}
		found = self._spool.streams_at_site(undone, zones, narrow, named(self._answer), now)
		return [
			_stream(stream, cursor) for stream, cursor in found if types[stream.server] == stream.server_type
		]

	def _servers(self) -> list[dict[str, Any]]:
		runs = self._spool.facts("server:")
		nothing = {"status": "", "message": "", "at": None}
		return [{"server": plan.id, **nothing, **runs.get(plan.id, {})} for plan in self._plans()]

	def _some(self, name: str, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
		"""From the one on that had no turn the last time."""
		start = self._turns[name] % max(len(entries), 1)
		return (entries[start:] + entries[:start])[:MOST_ENTRIES]


def _stream(stream: Stream, cursor: Cursor) -> dict[str, Any]:
	marks = {name: getattr(cursor, name) for name in ("read_from", "read_until", "complete_until")}
	return {
		"server": stream.server,
		"server_type": stream.server_type,
		"unit": stream.unit,
		"feed": stream.feed,
		**{name: mark and to_text(mark) for name, mark in marks.items()},
		"delivered": cursor.delivered,
		"scans": {name: to_text(mark.replace(microsecond=0)) for name, mark in cursor.scans.items()},
	}


def _device(serial: str, contact: Contact) -> dict[str, Any]:
	heard, since, complete = (mark and f"{mark.isoformat()}Z" for mark in contact)
	return {"serial": serial, "heard": heard, "since": since, "complete": complete}


def _utc(moment: datetime) -> str:
	return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _cut(report: dict[str, Any]) -> None:
	"""Long lists get shorter until it is within the bounds."""
	while len(json.dumps(report, ensure_ascii=False).encode()) > MOST_BYTES:
		longest = max(
			("streams", "devices", "servers", "strangers"), key=lambda name: len(json.dumps(report[name]))
		)
		report[longest] = report[longest][: len(report[longest]) // 2]
