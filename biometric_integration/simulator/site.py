"""A site as the bridge meets it: the ingest API and the report of a bridge (docs/ingest-api.md, docs/bridge.md), without what is behind them.

It remembers punches by what they are, so that one that came twice is seen.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from .answers import DAMAGE, PAGES, Answer, echo_page
from .faults import Fault, FaultKind, Hits
from .listening import Listening
from .port import Incoming

JSON = "application/json"
INGEST = "/api/method/biometric_integration.api.ingest"
REPORT = "/api/method/biometric_integration.api.bridge_report"
MOST_ROWS, MOST_BYTES = 1000, 1024 * 1024
MOST_REPORT = 256 * 1024
UNKNOWN = "This site has no enabled device with the serial number {serial} that this key may write for."

Punch = tuple[str, str, str]
"""Serial number, user id, time."""


@dataclass
class _Said:
	status: int
	times: int | None
	headers: Mapping[str, str]
	echoes: bool


@dataclass
class FakeSite(Listening):
	"""Use it as a context manager. serials: of devices that were entered; None = any. settings: what a report is answered with. `clock` gives aware UTC.

	refusal: the reason for a device that was not entered. drops_results: so many at the end of each answer, though the punches were kept.

	`punches` counts how often each was kept, `sent` how often each came. `faults` go as those of servers do; one that damages an answer does so after the
	punches were kept.
	"""

	key: str = "0123456789abcde:fedcba987654321"
	bridge: str = "Plant 1"
	serials: set[str] | None = None
	settings: dict[str, Any] = field(default_factory=dict)
	clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc)
	tls: ssl.SSLContext | None = None
	knows_reports: bool = True
	most_rows: int = MOST_ROWS
	drops_results: int = 0
	refusal: str = UNKNOWN
	software: str = "nginx"

	def __post_init__(self) -> None:
		self.punches: Counter[Punch] = Counter()
		self.sent: Counter[Punch] = Counter()
		self.order: list[Punch] = []
		self.requests: list[str] = []
		self.reports: list[dict[str, Any]] = []
		self.poison: set[str] = set()
		self._said: list[_Said] = []
		self._lock = threading.Lock()
		self._prepare(0, self.tls)

	# -- life ----------------------------------------------------------------------------------------------

	def down(self) -> None:
		"""Refuses connections until `up`; those that are open are closed."""
		self.faults.add(Fault(FaultKind.REFUSE))

	def up(self) -> None:
		"""Without faults."""
		self._said.clear()
		self.faults.clear()

	def say(self, status: int, times: int | None = 1, echoes: bool = False, **headers: str) -> None:
		"""The next requests (None: all) are answered so, and nothing is kept of them. echoes: with all that was sent, the key too."""
		named = {name.replace("_", "-"): value for name, value in headers.items()}
		self._said.append(_Said(status, times, named, echoes))

	# -- what the port asks --------------------------------------------------------------------------------

	def utc_now(self) -> datetime:
		return self.clock()

	def reply(self, incoming: Incoming) -> tuple[Answer, Hits]:
		operation = OPERATIONS.get(incoming.target)
		with self._lock:
			self.requests.append(incoming.target)
		hits = self.faults.take(operation)
		if FaultKind.HANG in hits:
			self.pause(hits[FaultKind.HANG]["seconds"])
		return self._faulty(incoming, operation, hits), hits

	def _faulty(self, incoming: Incoming, operation: str | None, hits: Hits) -> Answer:
		for kind, fault in hits.items():
			if kind in PAGES:
				return PAGES[kind](fault)
		answer = self._refused(incoming) or self._answer(incoming, operation)
		for kind, fault in hits.items():
			if kind in DAMAGE:
				answer = DAMAGE[kind](answer, fault)
		return answer

	def _refused(self, incoming: Incoming) -> Answer | None:
		with self._lock:
			if not self._said:
				return None
			said = self._said[0]
			if said.times is not None:
				said.times -= 1
				if not said.times:
					self._said.pop(0)
		if said.echoes:
			head = "".join(f"{name}: {value}\n" for name, value in incoming.headers.items())
			return echo_page(head.encode() + incoming.body, said.status)
		return Answer(b"<html>No.</html>", said.status, "text/html", said.headers)

	def _answer(self, incoming: Incoming, operation: str | None) -> Answer:
		if operation is None or (operation == "bridge_report" and not self.knows_reports):
			return _json({"exc_type": "DoesNotExistError"}, 404)
		if incoming.headers.get("authorization") != f"token {self.key}":
			return _json({"exc_type": "AuthenticationError"}, 401)
		if operation == "ingest":
			return self._ingest(incoming.body)
		return self._report(incoming.body)

	# -- punches -------------------------------------------------------------------------------------------

	def _ingest(self, body: bytes) -> Answer:
		rows = json.loads(body)["punches"]
		if len(body) > MOST_BYTES or len(rows) > self.most_rows:
			return _json({"message": {"error": "Send less at once."}}, 413)
		if any(row["user_id"] in self.poison for row in rows):
			return _json({"message": {"error": "The body is not JSON."}}, 400)
		with self._lock:
			results = [{"index": index, **self._kept(row)} for index, row in enumerate(rows)]
		counts = Counter(result["status"] for result in results)
		results = results[: len(results) - self.drops_results]
		return _json(
			{"message": {"results": results, **{name: counts[name] for name in ("new", "known", "refused")}}}
		)

	def _kept(self, row: Mapping[str, str]) -> dict[str, str]:
		punch = (row["serial"], row["user_id"], row["time"])
		if self.serials is not None and row["serial"] not in self.serials:
			return {"status": "refused", "reason": self.refusal.format(serial=row["serial"])}
		self.sent[punch] += 1
		if punch in self.punches:
			return {"status": "known"}
		self.punches[punch] += 1
		self.order.append(punch)
		return {"status": "new"}

	# -- reports -------------------------------------------------------------------------------------------

	def _report(self, body: bytes) -> Answer:
		if len(body) > MOST_REPORT:
			return _json({"message": {"error": "The report is too large."}}, 413)
		report = json.loads(body)
		if report["bridge"] != self.bridge:
			return _json({"message": {"error": f"There is no bridge {report['bridge']}."}}, 400)
		with self._lock:
			before = max((each["now"] for each in self.reports), default=None)
			self.reports.append(report)
		now = f"{self.clock():%Y-%m-%dT%H:%M:%SZ}"
		return _json({"message": {"now": now, "before": before, "settings": self.settings}})


OPERATIONS = {INGEST: "ingest", REPORT: "bridge_report"}


def _json(value: object, status: int = 200) -> Answer:
	return Answer(json.dumps(value, ensure_ascii=False).encode(), status, JSON)
