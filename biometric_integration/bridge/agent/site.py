"""The site, as the bridge speaks to it: two calls, each with the key, each only ever to the address in the file. Redirects are not followed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from biometric_integration.bridge.agent.journal import Journal
from biometric_integration.bridge.agent.settings import SiteEntry
from biometric_integration.bridge.agent.spool import Waiting
from biometric_integration.bridge.store import utc_now
from biometric_integration.connectors.endpoint import endpoint_of
from biometric_integration.connectors.redaction import Secret, SecretBytes
from biometric_integration.connectors.transport import Answer, Request, Transport
from biometric_integration.core.connector import ServerConfig
from biometric_integration.core.errors import SyncError

INGEST = "/api/method/biometric_integration.api.ingest"
REPORT = "/api/method/biometric_integration.api.bridge_report"
LARGEST_ANSWER = 8 * 1024 * 1024
LONGEST_RAW = 2000
LONGEST_PAUSE = timedelta(hours=1)
TAKEN = ("new", "known")
ANY_STATUS = range(100, 1000)


class Later(Exception):
	"""The site did not take it now: the same again, no sooner than `after`. The sentence is for people. has_answer: somebody answered."""

	def __init__(self, sentence: str, after: timedelta = timedelta(0), has_answer: bool = True):
		super().__init__(sentence)
		self.after = after
		self.has_answer = has_answer


class TooMuch(Exception):
	"""The site does not take this batch as a whole; the sentence says why."""


@dataclass(frozen=True)
class Verdict:
	"""What the site says of a punch: it has it, or why not."""

	is_taken: bool
	reason: str = ""


@dataclass(frozen=True)
class Told:
	"""The answer to a report. ahead: by how much the clock here is ahead of the site's. before: `now` of the report that the site had taken before, empty = none; None where it does not say."""

	settings: Mapping[str, Any]
	ahead: timedelta
	before: str | None = None


class SiteClient:
	"""One call at a time; `close` may come from another thread and ends the one that is under way."""

	def __init__(self, entry: SiteEntry, journal: Journal, clock: Callable[[], datetime] = utc_now):
		self._entry = entry
		self._journal = journal
		self._clock = clock
		self._lock = threading.Lock()
		self._transport: Transport | None = None
		self._is_closed = False
		self.place = endpoint_of(entry.url).place

	def ingest(self, rows: Sequence[Waiting]) -> list[Verdict]:
		"""One verdict for each row; raises TooMuch and Later. Without rows it only proves the login."""
		body = json.dumps({"punches": [_punch(row) for row in rows]}, ensure_ascii=False)
		answer, words = self._asked("ingest", INGEST, body)
		if answer.status in (400, 413):
			raise TooMuch(words(_error_of))
		self._check(answer, words)
		found: list[Verdict] = words(lambda decoded: _verdicts(decoded, len(rows)))
		return found

	def report(self, report: Mapping[str, Any]) -> Told:
		"""Raises Later."""
		sent = self._clock()
		answer, words = self._asked("bridge_report", REPORT, json.dumps(report, ensure_ascii=False))
		received = self._clock()
		if answer.status in (400, 403) and (sentence := words(_error_of)):
			raise Later(f"The site does not take the report: {sentence}")
		if answer.status == 404:
			raise Later(
				f"{self.place} knows no reports of a bridge: update the app there. Punches are sent all the same."
			)
		self._check(answer, words)
		found = words(lambda decoded: _told(decoded, sent + (received - sent) / 2))
		if isinstance(found, Told):
			return found
		raise Later(f"{self.place} answered the report with something else: {NOT_OURS}")

	def server_time(self) -> datetime | None:
		"""The site's clock by its `Date`, after a call with the key that brings nothing. Raises Later and TooMuch."""
		answer, words = self._asked("ingest", INGEST, '{"punches": []}')
		self._check(answer, words)
		words(lambda decoded: _verdicts(decoded, 0))
		return answer.server_time

	def close(self) -> None:
		self._is_closed = True
		if transport := self._transport:
			transport.close()

	# --- one exchange

	def _asked(self, operation: str, path: str, body: str) -> tuple[Answer, _Words]:
		if self._is_closed:
			raise Later("The bridge is being stopped.", has_answer=False)
		try:
			key = Secret(self._entry.key.read())
		except SyncError as error:
			raise Later(error.message, has_answer=False) from None
		self._journal.keep_secret(key)
		self._journal.keep_secret(Secret(key.partition(":")[2]))
		headers = {"Authorization": Secret(f"token {key}"), "Content-Type": "application/json; charset=utf-8"}
		request = Request(
			operation, self._entry.url + path, headers, SecretBytes(body.encode()), readable=ANY_STATUS
		)
		with self._lock, closing(self._opened(key)) as transport:
			try:
				answer = transport.send(request)
				with answer.body:
					content = answer.body.read()
			except SyncError as error:
				raise Later(_for_the_site(error.message), has_answer=False) from None
			finally:
				self._transport = None
		return answer, _Words(content, lambda text: transport.redact(str(text)), self.place)

	def _opened(self, key: str) -> Transport:
		entry = self._entry
		config = ServerConfig(
			"site", "", entry.url, password=key, ca_certificate=entry.ca_certificate, timeout=entry.timeout
		)
		transport = Transport(config, self._clock, largest=LARGEST_ANSWER, tries=1)
		transport.keep_secret(key.partition(":")[2])
		self._transport = transport
		if self._is_closed:
			transport.close()
		return transport

	def _check(self, answer: Answer, words: _Words) -> None:
		"""Anything but 200 means: later."""
		status, place = answer.status, self.place
		if status == 200:
			return
		after = pause_of(answer.retry_after, self._clock())
		sentence = FAILURES.get(status) or FAILURES_BY_CLASS.get(status // 100, OTHER)
		raise Later(sentence.format(place=place, status=status), after)


NOT_OURS = "a proxy, a firewall or a login page may be in between."
FAILURES = {
	401: "{place} refuses the key (HTTP 401): make a new one on the site's user and put it into the key file.",
	403: "{place} refuses the key (HTTP 403): its user needs the role Biometric Bridge, and has to be enabled.",
	404: "{place} has no such page (HTTP 404): check url, and that the app is installed on the site.",
	407: "The proxy on the way to {place} wants a login (HTTP 407).",
	429: "{place} asks for fewer requests (HTTP 429).",
}
FAILURES_BY_CLASS = {
	2: f"{{place}} answered with HTTP {{status}} and nothing of ours: {NOT_OURS}",
	3: "{place} sends us on to another address (HTTP {status}). That is not followed: enter the final one as url.",
	5: "{place} could not answer (HTTP {status}).",
}
OTHER = "{place} does not take the request (HTTP {status})."


class _Words:
	"""What an answer says, without secrets. Raises Later for what is not ours, whatever its status."""

	def __init__(self, content: bytes, redacted: Callable[[object], str], place: str):
		self._content = content
		self._redacted = redacted
		self._place = place

	def __call__(self, read: Callable[[Any], Any]) -> Any:
		try:
			found = read(json.loads(self._content.decode("utf-8")))
		except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
			if read is _error_of:
				return ""
			raise Later(f"{self._place} answered with something else than punches: {NOT_OURS}") from None
		if isinstance(found, str):
			return self._redacted(found)[:300]
		if isinstance(found, list):
			return [Verdict(one.is_taken, self._redacted(one.reason)[:300]) for one in found]
		return found


def _punch(row: Waiting) -> dict[str, str]:
	punch = {"serial": row.serial, "user_id": row.user_id, "time": row.source_time}
	more = {"direction": row.direction, "verify_mode": row.verify_mode, "raw": row.raw[:LONGEST_RAW]}
	return punch | {key: value for key, value in more.items() if value}


def _verdicts(decoded: Any, number: int) -> list[Verdict]:
	"""Raises where it is not one for each row, in order."""
	results = decoded["message"]["results"]
	if [result["index"] for result in results] != list(range(number)):
		raise ValueError
	return [_verdict(result) for result in results]


def _verdict(result: Mapping[str, Any]) -> Verdict:
	if result["status"] in TAKEN:
		return Verdict(True)
	if result["status"] != "refused":
		raise ValueError
	return Verdict(False, str(result.get("reason") or "The site refuses this punch and does not say why."))


def _error_of(decoded: Any) -> str:
	return str(decoded["message"]["error"])


def _told(decoded: Any, here: datetime) -> Told:
	message = decoded["message"]
	there = datetime.fromisoformat(message["now"].replace("Z", "+00:00"))
	if there.tzinfo is None:
		raise ValueError
	settings = message["settings"]
	before = message["before"] or "" if "before" in message else None
	moment_of(before or "")
	return Told(settings if isinstance(settings, dict) else {}, here - there, before)


def moment_of(text: str) -> datetime | None:
	"""Naive UTC; raises ValueError."""
	return datetime.fromisoformat(text.removesuffix("Z")) if text else None


def pause_of(text: str, now: datetime) -> timedelta:
	"""Of a `Retry-After`, seconds or a date; none where it says nothing sensible, and an hour at most."""
	text = text.strip()
	if text.isascii() and text.isdigit():
		return min(timedelta(seconds=min(int(text), 10**6)), LONGEST_PAUSE)
	try:
		until = parsedate_to_datetime(text)
	except (TypeError, ValueError):
		return timedelta(0)
	until = until if until.tzinfo else until.replace(tzinfo=timezone.utc)
	return max(timedelta(0), min(until - now, LONGEST_PAUSE))


def _for_the_site(sentence: str) -> str:
	"""A sentence about a connection, without what is meant for the settings of a server."""
	for words, instead in WORDS:
		sentence = sentence.replace(words, instead)
	return sentence


WORDS = (
	(", or use the IP address of the server", ""),
	(
		"enter its certificate (PEM) in the server's settings",
		"name its certificate (PEM) as ca_certificate in [site]",
	),
	("The URL of the server", "The url of the site"),
)
