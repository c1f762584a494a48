"""What a bridge reports about once a minute: what waits in it, how far it has read, and which devices it hears (docs/bridge.md).

Times with a `Z` are UTC and become aware; those without are naive wall clock of the server that is named beside them. What is odd is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple, TypeVar

from biometric_integration.core.stream import Cursor, looks
from biometric_integration.core.text import harmless, storable
from biometric_integration.receivers.adms.conversation import plain_serial
from biometric_integration.receivers.texts import Refusal, decoded, short_text, wall_time

MOST_BYTES = 256 * 1024
MOST_ROWS, MOST_SERVERS, MOST_STRANGERS = 500, 50, 20
LOOKS = tuple(look.name for look in looks(timedelta(0), timedelta(0)))
"""Names of the looks back; another one means nothing, and would be kept for ever."""
LONGEST_TEXT, LONGEST_VERSION, LONGEST_STATUS, LONGEST_EDITION = 500, 20, 40, 40
MOST = 10**15
"""Of anything that is counted."""

Row = TypeVar("Row")


class Backlog(NamedTuple):
	"""What waits in a bridge. oldest: when the first of it came into its store; naive where the bridge names no zone. used, limit: bytes."""

	waiting: int = 0
	oldest: datetime | None = None
	aside: int = 0
	why_aside: str = ""
	used: int = 0
	limit: int = 0
	is_full: bool = False


class LastRun(NamedTuple):
	"""How a bridge read a server the last time, in the words of `core.runs.RunStatus`."""

	server: str
	status: str
	message: str
	at: datetime | None


class StreamRead(NamedTuple):
	"""How far a stream was read; the marks are naive wall clock of the server."""

	server: str
	server_type: str
	unit: str
	feed: str
	marks: Cursor


class Spoken(NamedTuple):
	"""A device that pushes to the bridge, as `core.contact.Contact`, aware."""

	serial: str
	heard: datetime
	since: datetime
	complete: datetime | None


class Knocked(NamedTuple):
	"""A serial number that the bridge was not told of."""

	serial: str
	address: str
	times: int


@dataclass(frozen=True)
class Report:
	"""now: the clock of the bridge, aware. last: `now` of the last report that it knows to be here. edition: of the settings that it knew. spool: names its store."""

	bridge: str
	now: datetime
	version: str = ""
	problem: str = ""
	edition: str = ""
	backlog: Backlog = field(default_factory=Backlog)
	servers: tuple[LastRun, ...] = ()
	streams: tuple[StreamRead, ...] = ()
	devices: tuple[Spoken, ...] = ()
	strangers: tuple[Knocked, ...] = ()
	last: datetime | None = None
	spool: str = ""

	def is_known_of(self, newest: datetime | None) -> bool:
		"""Does a site know all that it was told, by the `now` (naive) of the newest report it knows? One that was restored lacks punches, too, that the bridge believes there."""
		return self.last is None or (newest is not None and self.last.replace(tzinfo=None) <= newest)


def read(body: bytes) -> Report:
	"""Raises Refusal for what is no report at all."""
	if len(body) > MOST_BYTES:
		raise Refusal(413, f"The report is larger than {MOST_BYTES} bytes.")
	found = decoded(body)
	if not isinstance(found, dict):
		raise Refusal(400, "The report has to be an object.")
	bridge, now = short_text(found.get("bridge")), utc(found.get("now"))
	if not bridge:
		raise Refusal(400, "bridge has to be the name of a Biometric Bridge.")
	if now is None:
		raise Refusal(400, "now has to be the time in UTC, such as 2026-01-31T10:11:12Z.")
	return Report(
		bridge,
		now,
		version=_text(found.get("version"), LONGEST_VERSION),
		problem=_text(found.get("problem")),
		edition=_text(found.get("edition"), LONGEST_EDITION),
		backlog=_backlog(found.get("backlog")),
		servers=_rows(found.get("servers"), _last_run, MOST_SERVERS),
		streams=_rows(found.get("streams"), _stream, MOST_ROWS),
		devices=_rows(found.get("devices"), _spoken, MOST_ROWS),
		strangers=_rows(found.get("strangers"), _knocked, MOST_STRANGERS),
		last=utc(found.get("last")),
		spool=_text(found.get("spool"), LONGEST_EDITION),
	)


def utc(value: object) -> datetime | None:
	"""Aware, of `YYYY-MM-DDTHH:MM:SSZ`; None for anything else."""
	if not isinstance(value, str) or not value.endswith("Z"):
		return None
	moment = wall_time(value[:-1])
	return moment.replace(tzinfo=timezone.utc) if moment else None


def _rows(found: object, row: Callable[[Mapping[str, Any]], Row | None], most: int) -> tuple[Row, ...]:
	return tuple(_read(found[:most], row)) if isinstance(found, list) else ()


def _read(found: list[Any], row: Callable[[Mapping[str, Any]], Row | None]) -> Iterator[Row]:
	for each in found:
		known = row(each) if isinstance(each, dict) else None
		if known is not None:
			yield known


def _backlog(found: object) -> Backlog:
	if not isinstance(found, dict):
		return Backlog()
	return Backlog(
		_count(found.get("waiting")),
		utc(found.get("oldest")) or wall_time(found.get("oldest")),
		_count(found.get("aside")),
		_text(found.get("why_aside")),
		_count(found.get("bytes")),
		_count(found.get("limit")),
		found.get("is_full") is True,
	)


def _last_run(row: Mapping[str, Any]) -> LastRun | None:
	server = short_text(row.get("server"))
	if not server:
		return None
	return LastRun(
		server, _text(row.get("status"), LONGEST_STATUS), _text(row.get("message")), utc(row.get("at"))
	)


def _stream(row: Mapping[str, Any]) -> StreamRead | None:
	names = [short_text(row.get(field)) for field in ("server", "server_type", "unit", "feed")]
	server, server_type, unit, feed = names
	if not server or not server_type or unit is None or not feed:
		return None
	marks = Cursor(
		read_from=wall_time(row.get("read_from")),
		read_until=wall_time(row.get("read_until")),
		complete_until=wall_time(row.get("complete_until")),
		delivered=row.get("delivered") is True,
		scans=_scans(row.get("scans")),
	)
	return StreamRead(server, server_type, unit, feed, marks)


def _scans(found: object) -> dict[str, datetime]:
	if not isinstance(found, dict):
		return {}
	moments = {name: wall_time(found.get(name)) for name in LOOKS}
	return {name: moment for name, moment in moments.items() if moment}


def _spoken(row: Mapping[str, Any]) -> Spoken | None:
	serial, heard = short_text(row.get("serial")), utc(row.get("heard"))
	since, complete = utc(row.get("since")), utc(row.get("complete"))
	if not serial or heard is None:
		return None
	return Spoken(serial, heard, min(since or heard, heard), complete)


def _knocked(row: Mapping[str, Any]) -> Knocked | None:
	serial = plain_serial(short_text(row.get("serial")) or "")
	if not serial:
		return None
	return Knocked(serial, _text(row.get("address"), LONGEST_STATUS), _count(row.get("times")))


def _text(value: object, longest: int = LONGEST_TEXT) -> str:
	return harmless(storable(value[:longest])).strip() if isinstance(value, str) else ""


def _count(value: object) -> int:
	return min(max(value, 0), MOST) if isinstance(value, int) and not isinstance(value, bool) else 0
