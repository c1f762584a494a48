"""eBioServer / eBioServerNew: a day feed, an id feed and a device list (essl-protocol §3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain, islice

from biometric_integration.connectors import steps
from biometric_integration.connectors.page import Row, RowTimes, SpooledPage, misshapen, source_time
from biometric_integration.connectors.redaction import Secret
from biometric_integration.connectors.soap import (
	FAULT_OF_THE_DATABASE,
	OF_THE_DATABASE,
	SoapClient,
	SoapReader,
	iter_lines,
)
from biometric_integration.connectors.transport import Transport, utc_now
from biometric_integration.core.connector import Feed, ListedDevice, Page, ServerConfig, Step, Unit
from biometric_integration.core.errors import (
	AmbiguousError,
	AuthenticationError,
	ConfigurationError,
	ProtocolError,
	SyncError,
	TransientError,
)
from biometric_integration.core.junk import FIRST_TIME, is_junk
from biometric_integration.core.punch import Direction, Kind, Record, Unreadable, direction_of
from biometric_integration.core.text import fitting
from biometric_integration.core.window import DAY, Window, by_day, midnight

SERVICE_NAMES = ("webservice.asmx", "iclock/webservice.asmx", "Webservice.asmx", "iclock/Webservice.asmx")
DAY_FEED = "GetDeviceLogs"
ID_FEED = "GetDeviceLogsByLogId"
DEVICE_LIST = "GetDeviceList"
LAST_PING = "GetDeviceLastPing"
DATE_FORMAT = "%Y-%m-%d"
ROW_END = ";"
BLANKS = " \r\n"

LARGEST_ID = 2**63 - 1
"""The id is a `bigint` at the server (essl-protocol §5.2)."""
LONGEST_ID = len(str(LARGEST_ID))
BEGINNING = 20
"""Rows that are looked at to tell rows from words."""
MOST_CODES = 30
"""Location codes that a sentence names."""
FEWEST_COMMAS = 3
MISSING_END = re.compile(r"(?<!;)(?<!;\r)\n(?=(?:\d{1,19},)?\d{4}-\d\d-\d\d[ T]\d)")
LONGEST_BEGINNING = 40
"""Characters by which a row is known from its beginning."""
UNCERTAIN = "The row has a comma too many, and no known device tells where it belongs. Compare the device names on the server with its device list."

LONGEST_PING = 400
"""Characters in which the time of a ping stands, label and all."""
PING_TIME = re.compile(
	r"(?<![\d/.-])\d{1,4}[-/. ](?:\d{1,2}|[a-z]{3,9})[-/. ]\d{1,4}(?:T| +)\d{1,2}:\d\d:\d\d(?:\.\d{1,7})?(?: ?[ap]m\b)?",
	re.ASCII | re.IGNORECASE,
)
BLANK = re.compile(" +")
OTHER_ZONE = re.compile(r" ?(?:Z\b|UTC|GMT|[+-]\d\d)")
"""Behind a time: it is not the server's own."""

Pair = tuple[str, str]
"""Device name and location."""

TEXT_FAILURES: tuple[tuple[str, type[SyncError], str], ...] = (
	(OF_THE_DATABASE, TransientError, FAULT_OF_THE_DATABASE),
	(
		r"una?u?th|auth\w{0,20}\W{0,20}fail|(?:invalid|wrong|incorrect)\s+(?:user|login|password|credential)|permission",
		AuthenticationError,
		"{place} refused the login. Check API User and API Password, and that this login has the Web API permission. Its"
		" words: {words}",
	),
	(
		r"^(?:error|0$)",
		AmbiguousError,
		'{place} answered "{words}" to {operation}. eBioServer does so for a wrong login or a missing Web API permission as'
		" well as for failures of its own: check API User and API Password if it lasts.",
	),
	(r"", ProtocolError, "{place} answered with words in place of rows: {words}"),
)
"""By the text in place of rows, the first that matches (essl-protocol §3.1). All come with HTTP 200."""


class EBioServer:
	"""The connector for eBioServer and eBioServerNew. A unit is a location code; empty stands for all locations."""

	unit: Unit = Unit.LOCATION
	feeds: Sequence[Feed] = (Feed("live", by_position=True), Feed("day"))
	service_names: Sequence[str] = SERVICE_NAMES
	lists_devices = True
	lists_pings = False

	def __init__(
		self,
		config: ServerConfig,
		clock: Callable[[], datetime] = utc_now,
		transport: Transport | None = None,
	):
		self._config = config
		self._clock = clock
		self._transport = transport or Transport(config, clock)
		self._client = SoapClient(config, self._transport, SERVICE_NAMES)
		self._ping_times = RowTimes(self._client.memory)
		self._pairs: frozenset[Pair] = frozenset()
		self._listed_again = False
		self.requests = self._transport.requests

	def list_devices(self) -> list[ListedDevice]:
		"""All devices of the server. A list with devices in it proves the login, so that empty feeds are believed then."""
		devices = self._listed("")
		self._pairs = frozenset((device.device_name, device.location) for device in devices)
		return devices

	def _listed(self, location: str) -> list[ListedDevice]:
		reader, beginning, rest = self._call(DEVICE_LIST, {"Location": location})
		rows = [*beginning, *rest]
		devices = [device for device in map(parse_device, rows) if device]
		reader.trace.rows = len(rows)
		if len(devices) < len(rows):
			reader.trace.excerpt = reader.excerpt(next(row for row in rows if not parse_device(row)))
		if rows and not devices:
			raise ProtocolError(
				f"The device list of {reader.place} was not understood.", reader.trace.excerpt
			)
		return devices

	def slices(self, window: Window) -> Iterable[Window]:
		return by_day(window)

	def read_window(self, unit: str, window: Window) -> Page:
		"""The day feed, for the one day that the window begins on: cut it by `slices` before."""
		if window.end > midnight(window.start) + DAY:
			raise ValueError("eBioServer is asked day by day")
		fields = {"Location": unit, "LogDate": window.start.strftime(DATE_FORMAT)}
		return self._page(DAY_FEED, fields, parse_row, window)

	def read_after(self, unit: str, position: int, limit: int) -> Page:
		"""The id feed. Some builds begin at `position`, others after it (essl-protocol §3.2)."""
		fields = {"Location": unit, "LogId": str(position), "LogCount": str(limit)}
		return self._page(ID_FEED, fields, parse_row_with_id)

	def last_ping(self, serial: str) -> datetime | None:
		"""When the server last heard of a device. Words and nothing at all, also for a wrong login, say that it does not know (essl-protocol §3.3)."""
		reader = self._asked(LAST_PING, {"DeviceSerialNumber": serial})
		text = ""
		for piece in reader.pieces():
			text = (text + piece)[:LONGEST_PING]
		return ping_time(text, self._ping_times)

	def test(self, unit: str = "") -> Iterator[Step]:
		"""Test step by step; the punches of today at the location `unit` are read at the end."""
		devices: list[ListedDevice] = []

		def login() -> str:
			devices.extend(self.list_devices())
			if not devices:
				raise AuthenticationError(
					"The server lists no device. It may have none, but it answers a wrong login in the same way."
				)
			return f"The server accepts the login and lists {len(devices)} devices."

		def read() -> Page:
			self._check_location(unit, devices)
			now = steps.server_now(self._config, self._clock)
			return self.read_window(unit, Window(midnight(now), now))

		def knock() -> None:
			self._asked(DEVICE_LIST, {"Location": ""}).close()

		nothing = f"No punches at the location {unit} today." if unit else "No punches today."
		return steps.test(self._config, steps.Conversation(knock, login, read, nothing))

	def _check_location(self, unit: str, devices: Sequence[ListedDevice]) -> None:
		"""A location is known by the devices that stand at it. Whether capital letters matter is for the server to say: it is asked for its list there."""
		codes = sorted({fitting(device.location) for device in devices} - {""})
		if not unit or unit in codes:
			return
		alike = [code for code in codes if code.casefold() == unit.casefold()]
		if alike and self._listed(unit):
			return
		known = ", ".join(codes[:MOST_CODES]) or "none"
		hint = f" It is written {alike[0]} there." if alike else ""
		raise ConfigurationError(
			f"No device of the server stands at the location {unit}, so nothing can come for it. The server's location codes: {known}.{hint}"
		)

	def close(self) -> None:
		self._transport.close()

	def _page(
		self,
		operation: str,
		fields: dict[str, str],
		parse: Callable[[str, Collection[Pair]], Row],
		window: Window | None = None,
	) -> SpooledPage:
		reader, beginning, rest = self._call(operation, fields, window)
		confirmed = bool(beginning or self._pairs)
		rows = (self._parsed(parse, row) for row in chain(beginning, rest))
		return SpooledPage(reader, rows, confirmed=confirmed)

	def _parsed(self, parse: Callable[[str, Collection[Pair]], Row], raw: str) -> Row:
		"""A device may be new since the list was read: it is asked for once more before a row is given up."""
		row = parse(raw, self._pairs)
		if type(row) is Unreadable and row.problem == UNCERTAIN and not self._listed_again:
			self._listed_again = True
			self.list_devices()
			row = parse(raw, self._pairs)
		return row

	def _call(
		self, operation: str, fields: dict[str, str], window: Window | None = None
	) -> tuple[SoapReader, list[str], Iterator[str]]:
		"""The answer, its first rows and the rest of them. Raises for a text in place of rows."""
		reader = self._asked(operation, fields, window)
		pieces = reader.pieces()
		first = next(pieces, "")
		rows = _rows(chain([first], pieces))
		beginning = list(islice(rows, BEGINNING))
		if beginning and _is_text(beginning, operation):
			reader.close()
			# as it came, not as rows: a password that is echoed in it must be whole to be recognised
			raise _text_failure(reader, operation, first.strip(BLANKS + ROW_END))
		return reader, beginning, rows

	def _asked(self, operation: str, fields: dict[str, str], window: Window | None = None) -> SoapReader:
		login = {"UserName": self._config.user, "Password": Secret(self._config.password)}
		return self._client.call(operation, {**login, **fields}, f"{operation}Result", window)


def parse_row(
	raw: str, pairs: Collection[Pair] = (), log_id: int | None = None, body: str | None = None
) -> Row:
	"""One row: time, code, device name, location, direction.

	Nothing is quoted. Where commas are left over, one of the known `pairs` has to tell what belongs together. `body` is the row without the `log_id` before it; a row that cannot be read keeps
	only that, so that both feeds tell of it in the same words.
	"""
	body = raw if body is None else body
	if problem := misshapen(body):
		return replace(problem, log_id=log_id)
	fields = body.split(",")
	if len(fields) < 2:
		return Unreadable(body, "The row has one field only.", log_id)
	moment = source_time(fields[0].strip())
	if moment is None:
		return Unreadable(body, "The time of the row cannot be read.", log_id)
	code = fields[1].strip()
	junk = is_junk(code, moment)
	if len(fields) == 5:
		name, location, word = fields[2].strip(), fields[3].strip(), fields[4]
	elif len(fields) > 5:
		if (parts := _taken_apart(fields, pairs)) is None and not junk:
			return Unreadable(body, UNCERTAIN, log_id)
		name, location, word = parts or ("", "", "")
	elif junk:
		name = location = word = ""
	else:
		return Unreadable(body, f"The row has {len(fields)} fields in place of 5.", log_id)
	if not code and not junk:
		return Unreadable(body, "The row has no employee code.", log_id)
	direction = direction_of(word) or Direction.NONE
	return Record(
		code, moment, direction, raw, "", name, location, log_id, "", Kind.JUNK if junk else Kind.PUNCH
	)


def parse_row_with_id(raw: str, pairs: Collection[Pair] = ()) -> Row:
	"""One row of the id feed: the log id, then what `parse_row` reads."""
	number, comma, body = raw.partition(",")
	log_id = _log_id(number.strip())
	if not comma or log_id is None:
		return Unreadable(raw, "The log id of the row cannot be read.")
	return parse_row(raw, pairs, log_id, body)


def _log_id(text: str) -> int | None:
	if not (text.isascii() and text.isdecimal() and len(text) <= LONGEST_ID):
		return None
	number = int(text)
	return number if number <= LARGEST_ID else None


def parse_device(raw: str) -> ListedDevice | None:
	"""One row of the device list: name (commas and all), serial number, location; None for anything else."""
	name, *rest = (part.strip() for part in raw.rsplit(",", 2))
	return ListedDevice(rest[0], name, rest[1]) if len(rest) == 2 else None


def ping_time(text: str, times: RowTimes) -> datetime | None:
	"""The one time that an answer names, labelled or not; None where there is none, where it might be another one, and for the first day of a calendar."""
	found = list(PING_TIME.finditer(text))
	if len(found) != 1 or OTHER_ZONE.match(text, found[0].end()):
		return None
	moment = times.alone(BLANK.sub(" ", found[0][0]))
	return moment if moment and moment >= FIRST_TIME else None


def _taken_apart(fields: Sequence[str], pairs: Collection[Pair]) -> tuple[str, str, str] | None:
	"""Device name, location and direction of a row with more than five fields; None where that is not certain.

	A known pair wins where it stands right behind the code; what follows the direction is a column that nobody knows. A pair that stands
	further behind would make the comma a part of the code: whose punch it is nobody can tell. Where no device list is known, the comma is taken
	as a part of the device name.
	"""
	if not pairs:
		return ",".join(fields[2:-2]).strip(), fields[-2].strip(), fields[-1]
	found = list(filter(None, (_with_pair(fields, name, location) for name, location in pairs)))
	return found[0] if len(found) == 1 else None


def _with_pair(fields: Sequence[str], name: str, location: str) -> tuple[str, str, str] | None:
	"""The row read with this pair right behind the code: its own commas say how many fields it takes, however many there are."""
	border = 2 + name.count(",") + 1
	end = border + location.count(",") + 1
	if end >= len(fields) or direction_of(fields[end]) is None:
		return None
	stands_there = (_joined(fields[2:border]), _joined(fields[border:end])) == (name, location)
	return (name, location, fields[end]) if stands_there else None


def _joined(fields: Sequence[str]) -> str:
	return ",".join(fields).strip()


def _rows(pieces: Iterator[str]) -> Iterator[str]:
	return filter(None, (line.strip(BLANKS) for line in iter_lines(_with_row_ends(pieces), ROW_END)))


def _with_row_ends(pieces: Iterator[str]) -> Iterator[str]:
	"""A line feed between two rows ends the first, also where the semicolon is missing."""
	rest = ""
	for piece in pieces:
		text = rest + piece
		cut = text.rfind("\n", -LONGEST_BEGINNING)
		rest = text[cut:] if cut >= 0 else ""
		yield MISSING_END.sub(ROW_END, text[: len(text) - len(rest)])
	yield MISSING_END.sub(ROW_END, rest)


def _is_text(beginning: Sequence[str], operation: str) -> bool:
	"""Whether an answer begins with words for people: nothing in it can be read, and its first line is unlike a row.

	A broken row among good ones is a row, and so is one that begins with an id or a date, or is rich in commas.
	"""
	first = beginning[0]
	if first.count(",") >= FEWEST_COMMAS or ("," in first and first[0].isdecimal()):
		return False
	return not any(_is_read(PARSERS[operation](row)) for row in beginning)


def _is_read(row: Row | ListedDevice | None) -> bool:
	return row is not None and not isinstance(row, Unreadable)


PARSERS: Mapping[str, Callable[[str], Row | ListedDevice | None]] = {
	DAY_FEED: parse_row,
	ID_FEED: parse_row_with_id,
	DEVICE_LIST: parse_device,
}


def _text_failure(reader: SoapReader, operation: str, text: str) -> SyncError:
	words = reader.words(text)
	kind, sentence = next(
		(kind, sentence)
		for pattern, kind, sentence in TEXT_FAILURES
		if re.search(pattern, text, re.IGNORECASE)
	)
	return kind(sentence.format(place=reader.place, words=words, operation=operation), words)
