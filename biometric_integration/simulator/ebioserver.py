"""eBioServer's webservice.asmx (essl-protocol §3.1 to §3.4)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Literal
from xml.sax.saxutils import escape

from .faults import Hits, disorder, truncate
from .soap import Call, Element
from .soap_server import FakeSoapServer
from .world import SimPunch, SimRaw, World

CREDENTIALS = ("UserName", "Password")
OPERATIONS = {
	"GetDeviceLogs": (*CREDENTIALS, "Location", "LogDate"),
	"GetDeviceLogsByLogId": (*CREDENTIALS, "Location", "LogId", "LogCount"),
	"GetDeviceList": (*CREDENTIALS, "Location"),
	"GetDeviceLastPing": (*CREDENTIALS, "DeviceSerialNumber"),
	"IseSSLebioServer": (),
}
NEEDS_NO_LOGIN = frozenset({"IseSSLebioServer"})
DATE_FORMATS = ("%Y-%m-%d", "%Y/%m/%d")
LAST_SECOND = timedelta(days=1) - timedelta(seconds=1)

Arguments = Mapping[str, str]


class BadArgument(Exception):
	"""The server cannot use an argument: it answers `error`."""


class FakeEBioServer(FakeSoapServer):
	"""eBioServer / eBioServerNew: day feed, id feed, device list, pings.

	`row_end` is what stands behind each row. `cursor` is what LogId means to the id feed: rows after it
	("exclusive"), from it on ("inclusive"), or an id feed that is always empty next to a good day feed
	("silent"). `under_iclock` also serves `/iclock` + path. `bad_login_text` was seen as `error`, empty, `0`.
	`ping_form`: what the time of a ping is written into, "" for a server that never knows.
	`most_rows`: the id feed gives no more in a page, whatever it is asked for. `folds_locations`: capital letters do not matter in location codes.
	"""

	service = "WebService"
	login = CREDENTIALS
	error_text = "error"
	broken_row = "what is this,2025-04-07,x"

	def __init__(
		self,
		world: World,
		*,
		user: str = "api",
		password: str = "secret",
		port: int = 0,
		path: str | None = None,
		under_iclock: bool = False,
		row_end: Literal[";\n", ";"] = ";\n",
		cursor: Literal["exclusive", "inclusive", "silent"] = "exclusive",
		most_rows: int | None = None,
		folds_locations: bool = False,
		bad_login_text: str = "error",
		ping_form: str = "{:%Y-%m-%d %H:%M:%S}",
		missing_operations: Collection[str] = (),
		has_wsdl: bool = True,
	) -> None:
		main_path = path or "/webservice.asmx"
		super().__init__(
			world,
			user=user,
			password=password,
			port=port,
			paths=(main_path, f"/iclock{main_path}") if under_iclock else (main_path,),
			operations=OPERATIONS,
			missing_operations=missing_operations,
			has_wsdl=has_wsdl,
		)
		self._row_end = row_end
		self._cursor = cursor
		self._most_rows = most_rows
		self._folds_locations = folds_locations
		self._bad_login_text = bad_login_text
		self._ping_form = ping_form
		self._results: Mapping[str, Callable[[Arguments, Hits], str]] = {
			"GetDeviceLogs": self._day_feed,
			"GetDeviceLogsByLogId": self._id_feed,
			"GetDeviceList": self._device_list,
			"GetDeviceLastPing": self._last_ping,
			"IseSSLebioServer": self._is_ebioserver,
		}

	def _elements(self, call: Call, hits: Hits) -> list[Element]:
		return self._text_elements(call.operation, escape(self._result(call, hits)))

	def _result(self, call: Call, hits: Hits) -> str:
		if call.operation not in NEEDS_NO_LOGIN and not self._is_allowed(call):
			return self._bad_login_text
		try:
			return self._results[call.operation](call.arguments, hits)
		except BadArgument:
			return self.error_text

	def _day_feed(self, arguments: Arguments, hits: Hits) -> str:
		day = _day(arguments.get("LogDate", ""))
		rows = self._at(arguments, self.world.between(day, day + LAST_SECOND))
		return self._joined([self._row(row) for row in rows], hits)

	def _id_feed(self, arguments: Arguments, hits: Hits) -> str:
		log_id, count = (_number(arguments.get(name, "")) for name in ("LogId", "LogCount"))
		if self._cursor == "silent":
			return ""
		after = log_id - 1 if self._cursor == "inclusive" else log_id
		count = min(count, self._most_rows or count)
		page = islice(self._at(arguments, self.world.after_id(after)), count)
		return self._joined([self._row_with_id(row) for row in page], hits)

	def _device_list(self, arguments: Arguments, hits: Hits) -> str:
		wanted = arguments.get("Location", "")
		devices = [device for device in self.world.devices if self._is_meant(wanted, device.location)]
		return self._joined([f"{device.name},{device.serial},{device.location}" for device in devices], hits)

	def _last_ping(self, arguments: Arguments, _: Hits) -> str:
		serial = arguments.get("DeviceSerialNumber", "")
		if not self.world.is_listed(serial):
			raise BadArgument(serial)
		return self._ping_form.format(self.world.last_ping(serial))

	def _is_ebioserver(self, _: Arguments, __: Hits) -> str:
		return "1"

	def _at(self, arguments: Arguments, rows: Iterable[SimPunch]) -> Iterable[SimPunch]:
		wanted = arguments.get("Location", "")
		of_devices = (row for row in rows if row.serial)
		return (row for row in of_devices if self._is_meant(wanted, self.world.device(row.serial).location))

	def _is_meant(self, wanted: str, location: str) -> bool:
		if self._folds_locations:
			wanted, location = wanted.casefold(), location.casefold()
		return wanted in ("", location)

	def _row(self, row: SimPunch) -> str:
		if isinstance(row, SimRaw):
			return row.code
		device = self.world.device(row.serial)
		return f"{row.time.isoformat(' ')},{row.code},{device.name},{device.location},{row.direction.upper()}"

	def _row_with_id(self, row: SimPunch) -> str:
		if isinstance(row, SimRaw) and not row.with_id:
			return row.code
		return f"{row.log_id},{self._row(row)}"

	def _joined(self, rows: list[str], hits: Hits) -> str:
		return "".join(row + self._row_end for row in truncate(disorder(rows, hits), hits))


def _day(text: str) -> datetime:
	for date_format in DATE_FORMATS:
		try:
			return datetime.strptime(text, date_format)
		except ValueError:
			continue
	raise BadArgument(text)


def _number(text: str) -> int:
	try:
		return max(int(text), 0)
	except ValueError as error:
		raise BadArgument(text) from error
