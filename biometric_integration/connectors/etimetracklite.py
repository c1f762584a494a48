"""eTimeTrackLite Web: one operation, one device and a stretch of time per call (essl-protocol §2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from itertools import chain

from biometric_integration.connectors import steps
from biometric_integration.connectors.page import NoRows, Row, RowTimes, SpooledPage, misshapen, source_time
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
from biometric_integration.core.errors import AuthenticationError, ProtocolError, SyncError, TransientError
from biometric_integration.core.punch import Direction, Record, Unreadable, direction_of
from biometric_integration.core.window import DAY, SECOND, Window, midnight, month_start, within_months

OPERATION = "GetTransactionsLog"
RESULT = f"{OPERATION}Result"
ROWS = "strDataList"
SERVICE_NAMES = (
	"iclock/WebAPIService.asmx",
	"WebAPIService.asmx",
	"iclock/webapiservice.asmx",
	"webapiservice.asmx",
)
DIALECTS = {"FromDateTime": "ToDateTime", "FromDate": "ToDate"}
"""The name of the first limit and that of the second; the newer dialect first (essl-protocol §2.1 *Dialects*)."""
DATE_FORMATS = (
	"%Y-%m-%d %H:%M:%S",
	"%Y-%m-%d %H:%M",
	"%Y/%m/%d %H:%M:%S",
	"%Y/%m/%d %H:%M",
	"%d-%m-%Y %H:%M:%S",
)
"""The most common first (essl-protocol §2.1)."""
LONGEST_SLICE = timedelta(days=7)
MINUTE = timedelta(minutes=1)

LOGS_COUNT = re.compile(r"Logs\s*Count\s*:\s*(\d{1,12})", re.IGNORECASE)


class Verdict(Enum):
	"""What an answer says about the way of asking."""

	UNDERSTOOD = "rows, or a count above zero"
	COUNTED_NONE = "a count of zero"
	SILENT = "neither rows nor a word"
	REFUSED = "words that may be about the way of asking"


@dataclass(frozen=True)
class TextFailure:
	"""What a text in the result means. `ask_otherwise`: whether another wording may help, (once one is known, before that)."""

	pattern: str
	kind: type[SyncError]
	sentence: str
	ask_otherwise: tuple[bool, bool] = (False, False)


TEXT_FAILURES = (
	TextFailure(OF_THE_DATABASE, TransientError, FAULT_OF_THE_DATABASE),
	TextFailure(
		r"una?u?th|auth\w{0,20}\W{0,20}fail|(?:invalid|wrong|incorrect)\s+(?:user|login|password|credential)|permission",
		AuthenticationError,
		"{place} refused the login. Check API User and API Password, and that this login has the Web API permission in"
		" eTimeTrackLite. Its words: {words}",
	),
	TextFailure(
		r"dates?\b.{0,60}(?:format|valid|empty|missing)|(?:valid|missing|empty).{0,60}(?:date|tag|parameter)",
		ProtocolError,
		"{place} accepted none of the known ways to write a date. Its words: {words}",
		(True, True),
	),
	TextFailure(
		r"serial|device|machine",
		ProtocolError,
		"{place} gives nothing for the serial number {unit}: check it in the Biometric Device. Its words: {words}",
	),
	TextFailure(
		r"time-?\s?out|deadlock|busy|try again",
		TransientError,
		"{place} could not answer now. Its words: {words}",
	),
	TextFailure(
		r"", ProtocolError, "{place} answered with words in place of punches: {words}", (False, True)
	),
)
"""The first that matches (essl-protocol §2.1 *Errors*). All come with HTTP 200."""


@dataclass(frozen=True)
class Wording:
	"""A way to ask: how the limits are called and written."""

	dialect: str
	date_format: str

	def limits(self, window: Window) -> dict[str, str]:
		"""The two elements for a window.

		Whether the limits are inclusive is not known, so the first is a minute early. Neither leaves the month of the window,
		which has a table of its own at the server (essl-protocol §2.1 *Limits*); only a format without seconds has to name the
		next month's first minute, as it cannot say the last second.
		"""
		first = max(window.start - MINUTE, month_start(window.start))
		last = window.end
		if not self._has_seconds and last > last.replace(second=0, microsecond=0):
			last = last.replace(second=0, microsecond=0) + MINUTE
		if self._has_seconds and last == month_start(last) and window.length:
			last -= SECOND
		return {
			self.dialect: first.strftime(self.date_format),
			DIALECTS[self.dialect]: last.strftime(self.date_format),
		}

	@property
	def _has_seconds(self) -> bool:
		return "%S" in self.date_format


WORDINGS = tuple(Wording(dialect, date_format) for date_format in DATE_FORMATS for dialect in DIALECTS)


@dataclass(frozen=True)
class Trial:
	"""One answer, and what it says about the wording that was used."""

	wording: Wording
	verdict: Verdict
	page: SpooledPage
	error: SyncError | None = None


class ETimeTrackLite:
	"""The connector for eTimeTrackLite Web. Serial numbers come from the host: the service does not list devices."""

	unit: Unit = Unit.DEVICE
	feeds: Sequence[Feed] = (Feed("punches"),)
	service_names: Sequence[str] = SERVICE_NAMES
	lists_devices = False

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
		self._memory = self._client.memory
		self._times = RowTimes(self._memory)
		self._silent_units: set[str] = set()
		self.requests = self._transport.requests

	def another(self) -> ETimeTrackLite:
		return ETimeTrackLite(self._config, self._clock, self._transport.another())

	def list_devices(self) -> list[ListedDevice]:
		return []

	def slices(self, window: Window) -> Iterable[Window]:
		"""Pieces within a month, and the minutes around each border between two: limits may be exclusive (essl-protocol §2.1)."""
		for piece in within_months(window, LONGEST_SLICE):
			yield piece
			if piece.end == month_start(piece.end) and piece.end < window.end:
				yield Window(max(piece.end - MINUTE, window.start), min(piece.end + MINUTE, window.end))

	def read_window(self, unit: str, window: Window) -> Page:
		"""Punches of the device with the serial number `unit`.

		A window across months is a look for what may be there: a server that does not answer to it has nothing for us. Each month is read
		by itself as well.
		"""
		if month_start(window.start) == month_start(window.end - SECOND):
			return self._read(unit, window)
		try:
			return self._read(unit, window)
		except ProtocolError:
			return NoRows()

	def _read(self, unit: str, window: Window) -> SpooledPage:
		"""Ask for a window.

		As long as it is not known how the server wants to be asked, all known ways are tried, and what gave rows or a count is
		remembered. It is found out again when the server suddenly refuses the date or falls silent.
		"""
		known = self._known_wording()
		trials: list[Trial] = []
		for wording in self._wordings(unit, known):
			if _is_settled(trials, wording):
				break
			trial = self._tried(wording, unit, window, wording == known)
			if trial.verdict is Verdict.UNDERSTOOD:
				self._remember(trial)
				return trial.page
			trials.append(trial)
			if wording == known and self._is_plausible(trial):
				return trial.page
		return self._best(trials, unit)

	def read_after(self, unit: str, position: int, limit: int) -> Page:
		"""There are no ids in this service (essl-protocol §2.1)."""
		raise NotImplementedError("eTimeTrackLite has no feed by position")

	def test(self, unit: str = "") -> Iterator[Step]:
		"""Test step by step; with the serial number of a device for a test of the operation on real rows."""
		outcome: list[Page | SyncError] = []

		def today() -> Window:
			now = steps.server_now(self._config, self._clock)
			return Window(midnight(now), now)

		def knock() -> None:
			self._ask(WORDINGS[0], unit, today()).close()

		def login() -> str:
			"""Login and operation are one call here: only words about the login are a failure of the login."""
			try:
				outcome.append(self.read_window(unit, today()))
			except AuthenticationError:
				raise
			except SyncError as error:
				outcome.append(error)
				return "The server did not refuse the login."
			return "The server accepts the login."

		def read() -> Page:
			if isinstance(outcome[0], SyncError):
				raise outcome[0]
			return outcome[0]

		of = f" of the serial number {unit}" if unit else ""
		nothing = (
			f"No punches{of} today; the server answers the same to a serial number that it does not know."
		)
		return steps.test(self._config, steps.Conversation(knock, login, read, nothing))

	def close(self) -> None:
		self._transport.close()

	def _wordings(self, unit: str, known: Wording | None) -> list[Wording]:
		"""What to try, in this order. A device that was silent to all is asked in the most usual ways only from then on."""
		possible = WORDINGS[: len(DIALECTS)] if unit in self._silent_units else WORDINGS
		return list(dict.fromkeys([*([known] if known else []), *possible]))

	def _known_wording(self) -> Wording | None:
		wording = Wording(self._memory.get("dialect", ""), self._memory.get("date_format", ""))
		return wording if wording in WORDINGS else None

	def _remember(self, trial: Trial) -> None:
		self._memory.keep(
			dialect=trial.wording.dialect,
			date_format=trial.wording.date_format,
			says_count=trial.page.declared is not None,
		)

	def _tried(self, wording: Wording, unit: str, window: Window, is_known: bool) -> Trial:
		"""Ask in one way. Raises for words that no other way of asking would change."""
		reader = self._ask(wording, unit, window)
		rows = _rows(_from_first_text(reader.pieces()), unit, self._times.of(window))
		first = next(rows, None)
		text = reader.texts.get(RESULT, "").strip()
		if first is None:
			return self._tried_in_vain(wording, reader, text, unit, is_known)
		page = SpooledPage(
			reader,
			chain([first], rows),
			_declared(text),
			finished=lambda: _declared(reader.texts.get(RESULT, "")),
		)
		reader.words(text)
		if is_known or _fits(first, window):
			return Trial(wording, Verdict.UNDERSTOOD, page)
		page.close()
		return Trial(wording, Verdict.REFUSED, page, _out_of_place(reader))

	def _tried_in_vain(
		self, wording: Wording, reader: SoapReader, text: str, unit: str, is_known: bool
	) -> Trial:
		"""What an answer without rows means."""
		declared = _declared(text)
		page = SpooledPage(reader, (), declared)
		words = reader.words(text)
		if declared is not None or not text:
			return Trial(wording, _verdict_without_rows(declared), page)
		failure = next(
			failure for failure in TEXT_FAILURES if re.search(failure.pattern, text, re.IGNORECASE)
		)
		error = failure.kind(
			failure.sentence.format(place=reader.place, words=words, unit=unit or "(none)"), words
		)
		if not failure.ask_otherwise[not is_known]:
			raise error
		return Trial(wording, Verdict.REFUSED, page, error)

	def _ask(self, wording: Wording, unit: str, window: Window) -> SoapReader:
		fields = {
			**wording.limits(window),
			"SerialNumber": unit,
			"UserName": self._config.user,
			"UserPassword": Secret(self._config.password),
			ROWS: "",
		}
		return self._client.call(OPERATION, fields, ROWS, window)

	def _is_plausible(self, trial: Trial) -> bool:
		"""Whether an answer without rows, to a wording that has worked before, is to be believed."""
		if trial.verdict is Verdict.SILENT:
			return self._memory.get("says_count") is False
		return trial.verdict is Verdict.COUNTED_NONE

	def _best(self, trials: list[Trial], unit: str) -> SpooledPage:
		"""Where no wording gave rows: a count of zero is an answer, silence may be one, words are none."""
		by_verdict = {trial.verdict: trial for trial in reversed(trials)}
		if Verdict.COUNTED_NONE in by_verdict:
			return by_verdict[Verdict.COUNTED_NONE].page
		if Verdict.SILENT in by_verdict:
			self._silent_units.add(unit)
			page = by_verdict[Verdict.SILENT].page
			page.confirmed = False
			return page
		raise next(trial.error for trial in trials if trial.error)


def parse_row(raw: str, serial: str, read_time: Callable[[str], datetime | None] = source_time) -> Row:
	"""One row: code, time and direction with tabs between them.

	The direction may be empty or missing, and a word nobody has seen stands for none: the row is a punch all the same. Further columns are
	kept with the raw row.
	"""
	if problem := misshapen(raw):
		return problem
	fields = raw.split("\t")
	if len(fields) < 2:
		return Unreadable(raw, "The row has one field in place of code, time and direction.")
	code = fields[0].strip()
	if not code:
		return Unreadable(raw, "The row has no employee code.")
	moment = read_time(fields[1].strip())
	if moment is None:
		return Unreadable(raw, "The time of the row cannot be read.")
	word = fields[2] if len(fields) > 2 else ""
	return Record(code, moment, direction_of(word) or Direction.NONE, raw, serial)


def _rows(pieces: Iterator[str], serial: str, read_time: Callable[[str], datetime | None]) -> Iterator[Row]:
	for line in iter_lines(pieces, "\n"):
		# a row of tabs is a broken row, a line of blanks is nothing
		if "\t" in line or not line.isspace():
			yield parse_row(line, serial, read_time)


def _from_first_text(pieces: Iterator[str]) -> Iterator[str]:
	"""The pieces from the first on that is more than blank; read up to there at once."""
	first = next((piece for piece in pieces if piece.strip(" \r\n")), "")
	return chain([first], pieces)


def _declared(text: str) -> int | None:
	found = LOGS_COUNT.search(text)
	return int(found[1]) if found else None


def _fits(row: Row, window: Window) -> bool:
	"""Whether a row is from the time asked for: a server that swaps day and month answers from another one."""
	return isinstance(row, Unreadable) or window.start - DAY <= row.source_time <= window.end + DAY


def _out_of_place(reader: SoapReader) -> ProtocolError:
	return ProtocolError(
		f"{reader.place} gave punches of another time than asked for: check its date settings."
	)


def _verdict_without_rows(declared: int | None) -> Verdict:
	if declared is None:
		return Verdict.SILENT
	return Verdict.UNDERSTOOD if declared else Verdict.COUNTED_NONE


def _is_settled(trials: list[Trial], wording: Wording) -> bool:
	"""A count of zero settles the date format: it remains to be seen whether the other dialect knows more."""
	counted = next((trial for trial in trials if trial.verdict is Verdict.COUNTED_NONE), None)
	return counted is not None and counted.wording.date_format != wording.date_format
