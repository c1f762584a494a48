"""ZKTeco BioTime 8.0 to 9.5, ZKBio Time, EasyTime Pro and BioTime Cloud: one list of punches, in pages (sources-protocols §1)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from biometric_integration.connectors import steps
from biometric_integration.connectors.endpoint import endpoint_of
from biometric_integration.connectors.page import LONGEST_ROW, Row, SpooledPage, misshapen, source_time
from biometric_integration.connectors.redaction import Secret
from biometric_integration.connectors.rest import Dialect, Failure, Login, RestClient, Said
from biometric_integration.connectors.transport import Transport, utc_now
from biometric_integration.core.connector import Feed, ListedDevice, Page, ServerConfig, Step, Unit
from biometric_integration.core.errors import AuthenticationError, ConfigurationError, ProtocolError
from biometric_integration.core.punch import Direction, Record, Unreadable
from biometric_integration.core.text import fitting
from biometric_integration.core.window import SECOND, Window, midnight, shifted, within_months

TRANSACTIONS = "/iclock/api/transactions/"
TERMINALS = "/iclock/api/terminals/"
LOGINS = (
	Login("JWT", "JWT", "/jwt-api-token-auth/"),
	Login("JWT below /api", "JWT", "/api/jwt-api-token-auth/"),
	Login("Token", "Token", "/api-token-auth/"),
	Login("Token below /api", "Token", "/api/api-token-auth/"),
	Login("Basic", "Basic"),
)
"""(sources-protocols §1.1)"""
CLOUDS = ("biotimecloud.com", "zkbiotimecloud.com", "minervaiot.com")
"""Below them the first part of the host is the company (sources-protocols §1.1 *Cloud login*)."""
COMPANY_MARK = "\\"
"""Between company and user, where the host does not tell the company."""

ROWS_OF_A_PAGE = 500
LATEST = 100
"""Rows of a page of what came last: mostly a few are new."""
MOST_PAGES = 20_000
LONGEST_SLICE = timedelta(days=7)
MINUTE = timedelta(minutes=1)
MOST_SETTLED = 60
"""Days of which it is remembered that their count means nothing: more than are ever counted."""
ARRIVED = "upload_time"
"""The server's clock when it received a row (sources-protocols §1.2)."""
UNDERWAY = timedelta(minutes=10)
"""So much of what had arrived before is asked for again: rows may become visible a little late."""
FARTHEST_AHEAD = timedelta(hours=26)
"""No zone is further ahead of UTC than 14 hours; what arrived later than that by the answer's `Date` was written by a clock that was wrong."""
LARGEST_ID = 2**63 - 1

MANUAL = "Manual and app punches"
"""Device of the rows that no terminal made (sources-protocols §1.2 `terminal_sn`): the server itself. It is listed where there ever were any."""
KEPT = (
	"id",
	"emp_code",
	"punch_time",
	"punch_state",
	"verify_type",
	"terminal_sn",
	"terminal_alias",
	"upload_time",
)
"""Fields of a row that are kept. Names, temperature, mask, place, mobile and photo never are."""
STATES = {
	"0": Direction.IN,
	"1": Direction.OUT,
	"2": Direction.OUT,
	"3": Direction.IN,
	"4": Direction.IN,
	"5": Direction.OUT,
}
"""In, out, to the break, back from it, to overtime, back from it; 255 is none (sources-protocols §1.2)."""
VERIFY_MODES = {"0": "", "1": "Finger", "4": "Card", "15": "Face", "25": "Palm"}

REFUSALS: Mapping[int, Failure] = {
	400: (ProtocolError, "{place} did not accept the question. Its words: {words}"),
	401: (
		AuthenticationError,
		"{place} does not accept the token. Check API User and API Password; a token that was copied has ended: copy a new one. Its words: {words}",
	),
	403: (
		AuthenticationError,
		"{place} accepts the login, but gives no data (HTTP 403). Its licence does not include the API (trial and small licences do not), or this"
		" user lacks the right to view transactions and terminals. Ask whoever administers BioTime. Its words: {words}",
	),
}
FRONT = (
	"{place} keeps its login from other programs: a web page came in its place. Ask its administrator for an API token from the portal, then enter JWT"
	" as API User and the token as API Password."
)
SLOW = "The first answer of a BioTime that was idle may take longer than 30 seconds: if this lasts, raise the Timeout."


def company_and_user(config: ServerConfig) -> tuple[str, str]:
	"""The company of a cloud tenant ("" elsewhere), by the host or as written before the user, and the user."""
	company, mark, user = config.user.partition(COMPANY_MARK)
	if mark:
		return company.strip(), user.strip()
	name, _, domain = endpoint_of(config.endpoint_url).host.partition(".")
	return (name if domain in CLOUDS else ""), config.user


def login_fields(config: ServerConfig) -> dict[str, str]:
	"""What a login sends; servers ignore the fields that they do not know."""
	company, user = company_and_user(config)
	fields = {"username": user, "password": Secret(config.password)}
	if company:
		fields["company"] = company
		if "@" in user:
			fields["email"] = user
	return fields


def refused(content: Any) -> Failure:
	"""What is to be done about a refused login: a field is missing, or what is in them is wrong."""
	if isinstance(content, Mapping) and "company" in content:
		return (
			ConfigurationError,
			"{place} wants to know the company: enter API User as company\\user. Its words: {words}",
		)
	return (
		AuthenticationError,
		"{place} refused the login: check API User and API Password. It was tried once only, as BioTime locks a user after a few wrong ones;"
		" one that is locked is refused as well. Its words: {words}",
	)


DIALECT = Dialect("BioTime", TRANSACTIONS, LOGINS, login_fields, refused, REFUSALS, FRONT, SLOW)


class BioTime:
	"""The connector for BioTime. The unit is the whole server: one list has the punches of all terminals."""

	unit: Unit = Unit.SERVER
	feeds: Sequence[Feed] = (Feed("punches"),)
	service_names: Sequence[str] = ()
	lists_devices = True
	lists_pings = True

	def __init__(
		self,
		config: ServerConfig,
		clock: Callable[[], datetime] = utc_now,
		transport: Transport | None = None,
	):
		self._config = config
		self._clock = clock
		self._transport = transport or Transport(config, clock)
		self._client = RestClient(config, self._transport, DIALECT)
		self._manual = ListedDevice(f"manual-and-app@{config.server_id}", MANUAL, "")
		self._arrivals: Arrivals | None = None
		self._reads_since: datetime | None = None
		self._last_activity: dict[str, datetime] | None = None
		self.requests = self._transport.requests

	def list_devices(self) -> list[ListedDevice]:
		"""The terminals that this user may see, and when the server last heard of each."""
		listing = Listing(self._pages("terminals", TERMINALS))
		rows = [row for row in listing if isinstance(row, Mapping)]
		heard = ((_text(row.get("sn")), source_time(_text(row.get("last_activity")))) for row in rows)
		self._last_activity = {serial: moment for serial, moment in heard if moment}
		now = steps.server_now(self._config, lambda: listing.server_time or self._clock())
		if any(moment > shifted(now, UNDERWAY) for moment in self._last_activity.values()):
			self._client.memory.keep(activity_is_ahead=True)
		found = [device for device in map(parse_terminal, rows) if device]
		if self._client.memory.get("has_manual"):
			found.append(self._manual)
			self._last_activity[self._manual.serial] = now
		return found

	def slices(self, window: Window) -> Iterable[Window]:
		return within_months(window, LONGEST_SLICE)

	def read_window(self, unit: str, window: Window) -> Page:
		"""The list of all punches between two times.

		It is not proven that both limits are inclusive, so a minute more is asked for. An order is not asked for: rows that arrive
		meanwhile then come last.
		"""
		self._reads_since = self._reads_since or self._clock()
		return self._read(window)

	def read_after(self, unit: str, position: int, limit: int) -> Page:
		"""There is an id, but no question for what comes after one (sources-protocols §1.2)."""
		raise NotImplementedError("BioTime has no feed by position")

	def read_arrivals(self, unit: str) -> Page | None:
		"""The rows that came last first, by an `ordering` that no document names: 9.5 knows it, others ignore it without a word (sources-protocols §1.3).

		`upload_time` may be of another zone than the punches: it is compared with itself only.
		"""
		memory = self._client.memory
		if memory.get("tells_arrivals") is False:
			return None
		known = source_time(memory.get("arrived_until", ""))
		pages = self._pages("arrivals", TRANSACTIONS, {"ordering": f"-{ARRIVED}"}, size=LATEST)
		since = shifted(known, -UNDERWAY) if known else None
		self._arrivals = Arrivals(pages, self._parsed, since, self._note_order)
		return self._arrivals

	def keep_arrivals(self) -> None:
		page = self._arrivals
		if page and page.confirmed and page.newest:
			self._client.memory.keep(arrived_until=str(shifted(page.newest, -self._not_watched(page))))

	def _not_watched(self, page: Arrivals) -> timedelta:
		"""A first mark stands before the windows that were read meanwhile: what came into them behind the reading is asked for next."""
		if page.had_mark or self._reads_since is None:
			return timedelta()
		return max(self._clock() - self._reads_since, timedelta())

	def _note_order(self, falls: bool) -> None:
		if self._client.memory.get("tells_arrivals") is not falls:
			self._client.memory.keep(tells_arrivals=falls)

	def count(self, unit: str, window: Window) -> int | None:
		"""By a page of one row."""
		last = max(window.start, window.end - SECOND)
		limits = {
			"start_time": window.start.isoformat(" ", "seconds"),
			"end_time": last.isoformat(" ", "seconds"),
		}
		query = {**limits, "page": "1", "page_size": "1", "limit": "1"}
		return Leaf(self._client.get("count", TRANSACTIONS, query)).count

	def settled(self, window: Window) -> int | None:
		known: Mapping[str, int] = self._client.memory.get("settled", {})
		return known.get(str(window.start))

	def settle(self, window: Window, count: int) -> None:
		known = {**self._client.memory.get("settled", {}), str(window.start): count}
		self._client.memory.keep(settled=dict(sorted(known.items())[-MOST_SETTLED:]))

	def last_ping(self, serial: str) -> datetime | None:
		"""`last_activity` of a terminal, by the server's clock; of all terminals it is asked once.

		A server on which it was ever ahead is in another zone than the punches: what it says could make a device look alive that is not.
		"""
		if self._last_activity is None:
			self.list_devices()
		if self._client.memory.get("activity_is_ahead"):
			return None
		return (self._last_activity or {}).get(serial)

	def test(self, unit: str = "") -> Iterator[Step]:
		"""Test step by step; a page of the punches of today is read at the end. What may have changed at the server is found out anew."""
		self._client.memory.forget("tells_arrivals", "activity_is_ahead")

		def login() -> str:
			return f"The server accepts the login ({self._client.login()})."

		def read() -> Page:
			self.list_devices()
			now = steps.server_now(self._config, self._clock)
			return self._read(Window(midnight(now), now), most_pages=1)

		return steps.test(
			self._config, steps.Conversation(self._client.knock, login, read, "No punches today.")
		)

	def close(self) -> None:
		self._transport.close()

	def _read(self, window: Window, most_pages: int = MOST_PAGES) -> Listing:
		limits = {
			"start_time": shifted(window.start, -MINUTE).isoformat(" ", "seconds"),
			"end_time": shifted(window.end, MINUTE).isoformat(" ", "seconds"),
		}
		return Listing(self._pages("transactions", TRANSACTIONS, limits, window), self._parsed, most_pages)

	def _parsed(self, row: Any) -> Row:
		parsed = parse_row(row)
		if type(parsed) is not Record or parsed.serial:
			return parsed
		if not self._client.memory.get("has_manual"):
			self._client.memory.keep(has_manual=True)
		return parsed._replace(serial=self._manual.serial)

	def _pages(
		self,
		operation: str,
		path: str,
		query: Mapping[str, str] = MappingProxyType({}),
		window: Window | None = None,
		size: int = ROWS_OF_A_PAGE,
	) -> Callable[[int], Leaf | None]:
		"""Asks for one page by its number; None where there is none (any more). 9.0 calls the size of a page `limit` (sources-protocols §1.2)."""

		def ask(number: int) -> Leaf | None:
			pages = {"page": str(number), "page_size": str(size), "limit": str(size)}
			said = self._client.get(operation, path, {**query, **pages}, window)
			return None if said.status == 404 and number > 1 else Leaf(said, size)

		return ask


class Leaf:
	"""One page of a list: its rows, how many there are in all (None where it does not say), and whether it says that more follow."""

	def __init__(self, said: Said, size: int = ROWS_OF_A_PAGE):
		content = said.content if isinstance(said.content, Mapping) else {}
		rows = content.get("data", content.get("results"))
		if said.status != 200 or not isinstance(rows, list):
			raise ProtocolError(
				f"The answer of {said.place} to {said.trace.operation} was not understood: it holds no list."
			)
		count = content.get("count")
		self.said = said
		self.rows = rows
		self.count = count if isinstance(count, int) and not isinstance(count, bool) else None
		self.goes_on = bool(content["next"]) if "next" in content else len(rows) >= size


class Listing:
	"""A `Page` over all pages of a list. The first is there already, each other is asked for when its rows are taken.

	`next` only says that there is more: whose address it names does not matter, our own is asked for the next number. declared: the
	highest count that any page gave, so that a row that was pushed past us while others were deleted or came is missed. A page
	that only brings what earlier ones brought ends the list, as it would be repeated for ever.
	"""

	def __init__(
		self,
		ask: Callable[[int], Leaf | None],
		parse: Callable[[Any], Any] = lambda row: row,
		most_pages: int = MOST_PAGES,
	):
		self._ask = ask
		self._parse = parse
		self._most_pages = most_pages
		self._seen: set[str] = set()
		self._leaf = ask(1)
		self.confirmed = True
		self.declared = self._leaf.count if self._leaf else None
		self.server_time = self._leaf.said.server_time if self._leaf else None

	def __iter__(self) -> Iterator[Any]:
		leaf, self._leaf = self._leaf, None
		number = 1
		while leaf and (taken := self._taken(leaf)) is not None:
			yield from SpooledPage(leaf.said, map(self._parse, taken))
			number += 1
			leaf = self._following(leaf, number)

	def close(self) -> None:
		"""Nothing is open."""

	def _taken(self, leaf: Leaf) -> list[Any] | None:
		"""Rows that no earlier page had; None where that is none of many. What is missing then shows by the count: without one nobody knows."""
		if leaf.count is not None and self.declared is not None:
			self.declared = max(self.declared, leaf.count)
		keys = [_identity(row) for row in leaf.rows]
		fresh = [row for key, row in zip(keys, leaf.rows, strict=True) if key not in self._seen]
		self._seen.update(keys)
		if fresh or not leaf.rows:
			return fresh
		said = leaf.said
		said.trace.server_message = "The page brought only what an earlier one had brought."
		if leaf.count is None:
			raise ProtocolError(
				f"{said.place} gives the same page of {said.trace.operation} again and again, so the rest cannot be read."
			)
		return None

	def _following(self, leaf: Leaf, number: int) -> Leaf | None:
		"""None at the end, which an answer of 404 is as well: rows may have been deleted meanwhile."""
		if not (leaf.goes_on and leaf.rows) or number > self._most_pages:
			return None
		return self._ask(number)


class Arrivals(Listing):
	"""The rows that reached the server at or after a moment, the latest first; none where there is no such moment yet. newest: the latest arrival.
	had_mark: there was such a moment. One that lies ahead is none, and no arrival either: later ones would not be seen until then.

	Whether the server orders at all shows on each page: the times of arrival must fall, and have fallen before the reading ends. Where one
	rises, nothing of its page is taken, and `note` is told that this server does not order.
	"""

	def __init__(
		self,
		ask: Callable[[int], Leaf | None],
		parse: Callable[[Any], Row],
		since: datetime | None,
		note: Callable[[bool], None],
	):
		super().__init__(ask, parse)
		self.declared = None
		self.confirmed = False
		self.newest: datetime | None = None
		now = self.server_time
		self._latest = now.replace(tzinfo=None) + FARTHEST_AHEAD if now else datetime.max
		self.had_mark = since is not None and since <= self._latest
		self._since = since if since and self.had_mark else datetime.max
		self._note = note
		self._oldest = datetime.max
		self._has_fallen = False

	def _taken(self, leaf: Leaf) -> list[Any] | None:
		"""What an earlier page had is no proof: rows that come meanwhile push others on. One without a time is left to its window."""
		fresh = super()._taken(leaf)
		times = [arrived for row in fresh or () if (arrived := _arrived(row))]
		if not self._falls(times) or (fresh and not times):
			self._note(False)
			return None
		self.newest = self.newest or next((arrived for arrived in times if arrived <= self._latest), None)
		return fresh and [row for row in fresh if (_arrived(row) or datetime.min) >= self._since]

	def _falls(self, times: Sequence[datetime]) -> bool:
		for arrived in times:
			if arrived > self._oldest:
				return False
			self._has_fallen = self._has_fallen or arrived < self._oldest < datetime.max
			self._oldest = arrived
		return True

	def _following(self, leaf: Leaf, number: int) -> Leaf | None:
		if self._has_fallen and self._oldest < self._since and self.newest:
			self._note(True)
			self.confirmed = True
			return None
		self.confirmed = not leaf.goes_on
		return super()._following(leaf, number)


def _arrived(row: Any) -> datetime | None:
	return source_time(_text(row.get(ARRIVED))) if isinstance(row, Mapping) else None


def _identity(row: Any) -> str:
	number = row.get("id") if isinstance(row, Mapping) else None
	return _text(number) or json.dumps(row, sort_keys=True)


def parse_row(row: Any) -> Row:
	"""One row, of which only what is needed is kept. Numbers and texts are taken for each other (sources-protocols §1.2)."""
	if not isinstance(row, Mapping):
		raw = row if isinstance(row, str) else f"({type(row).__name__})"
		return misshapen(raw) or Unreadable(raw, "The row is no object.")
	kept = {name: row[name] for name in KEPT if isinstance(row.get(name), (str, int))}
	raw = json.dumps(kept, ensure_ascii=False)
	log_id = _log_id(_text(row.get("id")))
	if problem := misshapen(raw):
		return Unreadable(problem.raw, problem.problem, log_id)
	code, moment = _text(row.get("emp_code")), source_time(_text(row.get("punch_time")))
	if not code:
		return Unreadable(raw, "The row has no employee code.", log_id)
	if moment is None:
		return Unreadable(raw, "The time of the row cannot be read.", log_id)
	serial = fitting(_text(row.get("terminal_sn")))
	verify = _text(row.get("verify_type"))
	return Record(
		code,
		moment,
		STATES.get(_text(row.get("punch_state")), Direction.NONE),
		raw,
		serial,
		_text(row.get("terminal_alias")) if serial else MANUAL,
		_text(row.get("area_alias")) if serial else "",
		log_id,
		VERIFY_MODES.get(verify, verify),
	)


def parse_terminal(row: Mapping[str, Any]) -> ListedDevice | None:
	"""None for one without a serial number."""
	area = row.get("area")
	inner = area.get("area_name") if isinstance(area, Mapping) else None
	serial = _text(row.get("sn"))
	name = _text(row.get("alias")) or _text(row.get("terminal_name")) or serial
	location = _text(row.get("area_name")) or _text(inner)
	return ListedDevice(serial, name, location) if serial else None


def _text(value: Any) -> str:
	"""A text or a whole number as trimmed text; empty for anything else."""
	if isinstance(value, bool) or not isinstance(value, (str, int)):
		return ""
	return str(value).strip()[:LONGEST_ROW]


def _log_id(text: str) -> int | None:
	"""The id is given on arrival; it starts again after a restore (sources-protocols §1.2)."""
	if not (text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST_ID))):
		return None
	return int(text) if int(text) <= LARGEST_ID else None
