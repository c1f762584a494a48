"""One request of a device and its answer. A host says who may speak and keeps the rows; the words are chosen here.

Both kinds of device come to one address, so what is done follows from the path and the name of the table, never from the version
(sources-protocols §2.1).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from biometric_integration.core.punch import Record, Unreadable
from biometric_integration.receivers.adms import commands, handshake
from biometric_integration.receivers.adms.commands import Command, Result
from biometric_integration.receivers.adms.handshake import Terminal
from biometric_integration.receivers.adms.rows import Dropped, Row, attlog, count, rtlog

LONGEST_SERIAL = 60
LONGEST_NAME = 40
MOST_UNREADABLE = 100
"""Rows of one request that cannot be read and are kept; the rest are counted. More of them are no punches, whatever they are.

Those that look like punches are never dropped: where there are more of them, and none can be read, the device keeps them until somebody sees why.
"""
TIME_LIKE = r"\S*?(?:[0-9]{8}|[0-9]+[^0-9\s]{1,3}[0-9]+)"
LIKE_A_PUNCH = re.compile(rf"\s*[^\s=]+\s+{TIME_LIKE}|time={TIME_LIKE}.*\tpin=[^\t]")
"""How a row begins that has an id and something like a time; `time=…` is one of an access device."""

Kept = Record | Unreadable


class NotKept(Exception):
	"""The host could not keep the rows, or not all of them: the device has to send them again."""


def plain_serial(text: str) -> str:
	"""What may be a serial number; empty for anything else."""
	serial = text.strip()
	is_plain = serial.isascii() and serial.replace("-", "").replace("_", "").isalnum()
	return serial if is_plain and len(serial) <= LONGEST_SERIAL else ""


@dataclass(frozen=True)
class Asked:
	"""A request as it came. `endpoint`: the last part of the path, in lower case, without `.aspx`. `query`: one value of each name."""

	method: str
	endpoint: str
	query: Mapping[str, str]
	body: bytes = field(default=b"", repr=False)

	@property
	def serial(self) -> str:
		"""Empty where there is none that a device could have."""
		return plain_serial(self.query.get("SN", ""))


@dataclass(frozen=True)
class Answer:
	"""Plain text."""

	text: str
	status: int = 200


@dataclass
class Delivery:
	"""The rows of a request, lazily; `dropped` and `taken` are final once all rows were taken."""

	rows: Iterable[Row]
	dropped: Counter[str] = field(default_factory=Counter)
	taken: int = 0

	def kept(self) -> Iterator[Kept]:
		"""What there is to keep; the rest is counted by its reason. Raises NotKept where many rows look like punches and none can be read."""
		held: list[Kept] = []
		odd, is_read = Counter[bool](), False
		for row in self.rows:
			self.taken += 1
			if isinstance(row, Dropped):
				self.dropped[row.why] += 1
				continue
			if isinstance(row, Unreadable):
				is_like_one = bool(LIKE_A_PUNCH.match(row.raw))
				odd[is_like_one] += 1
				if odd[is_like_one] > MOST_UNREADABLE and not is_like_one:
					self.dropped["unreadable"] += 1
					continue
				if odd[is_like_one] > MOST_UNREADABLE and not is_read:
					held.append(row)
					continue
			elif not is_read:
				is_read = True
				yield from held
				held.clear()
			yield row
		if held:
			raise NotKept


class Host(Protocol):
	"""Where punches are kept."""

	def terminal(self, asked: Asked) -> Terminal | None:
		"""The device with this serial number, if an administrator accepted its push; the sign of life is noted. Else it is listed. Raises NotKept where it asks too often."""

	def keep(self, terminal: Terminal, delivery: Delivery) -> None:
		"""Take all rows and commit them. Raises NotKept."""

	def waiting(self, terminal: Terminal) -> list[Command]:
		"""Commands that wait for the device; they are on their way from now on."""

	def answered(self, terminal: Terminal, results: list[Result]) -> None:
		"""What the device said about commands."""


REFUSED = Answer("Not available", 503)
"""To whoever is not known. A device keeps what it has, and tries again (sources-protocols §2.4)."""
LATER = Answer("Try again", 503)
OK = Answer("OK")


def answer(asked: Asked, host: Host) -> Answer:
	"""Never raises for what a device may send."""
	try:
		terminal = host.terminal(asked)
		if terminal is None:
			return REFUSED
		return ENDPOINTS[asked.endpoint](asked, terminal, host)
	except NotKept:
		return LATER


PATH = re.compile(
	r"(?:(?P<secret>[A-Za-z0-9_-]{1,64})/)?iclock/(?P<endpoint>[a-z]{1,20})(?:\.aspx)?", re.I | re.A
)
"""eSSL firmware adds `.aspx`; what is entered as the address may end in a path, to which a device adds its own (essl-protocol §6.2)."""


def is_endpoint(name: str) -> bool:
	return name in ENDPOINTS


def _cdata(asked: Asked, terminal: Terminal, host: Host) -> Answer:
	if asked.method == "POST":
		take = TABLES.get(asked.query.get("table", "").strip().casefold(), _acknowledged)
		return take(asked, terminal, host)
	if asked.query.get("type") == "time":
		return _time(asked, terminal, host)
	if "table" in asked.query:
		return OK  # a question for templates of others (`RemoteAtt`): there is nothing to give
	is_access = asked.query.get("DeviceType", "").strip().casefold() == "acc"
	return Answer(handshake.for_access(terminal) if is_access else handshake.for_attendance(terminal))


def _attlog(asked: Asked, terminal: Terminal, host: Host) -> Answer:
	"""The number of rows that were looked at, known and unusable ones included: of any less the device would send all again."""
	delivery = Delivery(attlog(asked.body, terminal.serial))
	host.keep(terminal, delivery)
	return Answer(f"OK: {delivery.taken}")


def _rtlog(asked: Asked, terminal: Terminal, host: Host) -> Answer:
	host.keep(terminal, Delivery(rtlog(asked.body, terminal.serial)))
	return OK


def _counted(asked: Asked, terminal: Terminal, host: Host) -> Answer:
	return Answer(f"OK: {count(asked.body)}")


def _table_data(asked: Asked, terminal: Terminal, host: Host) -> Answer:
	"""Anything else is sent for ever. The number that the device gave is right also where the rows are compressed."""
	name, number = asked.query.get("tablename", ""), asked.query.get("count", "")
	is_name = name.isascii() and name.replace("_", "").isalnum() and len(name) <= LONGEST_NAME
	is_number = number.isascii() and number.isdigit() and len(number) <= 9
	return Answer(f"{name}={number if is_number else count(asked.body)}") if is_name else OK


def _acknowledged(asked: Asked, terminal: Terminal, host: Host) -> Answer:
	"""Nothing of it is kept."""
	return OK


def _commands(asked: Asked, terminal: Terminal, host: Host) -> Answer:
	return Answer(commands.listed(host.waiting(terminal)))


def _results(asked: Asked, terminal: Terminal, host: Host) -> Answer:
	if results := commands.results(asked.body):
		host.answered(terminal, results)
	return OK


def _registry(asked: Asked, terminal: Terminal, host: Host) -> Answer:
	return Answer(handshake.registered(terminal))


def _push(asked: Asked, terminal: Terminal, host: Host) -> Answer:
	return Answer(handshake.push_options(terminal))


def _time(asked: Asked, terminal: Terminal, host: Host) -> Answer:
	return Answer(handshake.time_of(terminal)) if asked.query.get("type") == "time" else OK


Step = Callable[[Asked, Terminal, Host], Answer]

TABLES: Mapping[str, Step] = {
	"attlog": _attlog,
	"rtlog": _rtlog,
	"operlog": _counted,
	"tabledata": _table_data,
}
"""By table. All others (BIODATA, IDCARD, ATTPHOTO, ERRORLOG, options, rtstate, …) are acknowledged, and nothing of them is kept."""

ENDPOINTS: Mapping[str, Step] = {
	"cdata": _cdata,
	"getrequest": _commands,
	"devicecmd": _results,
	"devicemd": _acknowledged,
	"ping": _acknowledged,
	"registry": _registry,
	"push": _push,
	"rtdata": _time,
	"querydata": _table_data,
	"edata": _acknowledged,
	"fdata": _acknowledged,
	"file": _acknowledged,
}
"""By the last part of the path below `/iclock/` (essl-protocol §6.2, sources-protocols §2.2, §2.3)."""
