"""eTimeTrackLite's WebAPIService.asmx (essl-protocol §2.1)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Literal
from xml.sax.saxutils import escape

from .faults import Hits, disorder, truncate
from .soap import Call, Element
from .soap_server import FakeSoapServer
from .world import SimJunk, SimPunch, SimRaw, World

OPERATION = "GetTransactionsLog"
LIST = "strDataList"
DIALECTS = {"new": ("FromDateTime", "ToDateTime"), "old": ("FromDate", "ToDate")}
# .NET's date format letters and Python's.
FORMAT_LETTERS = (("yyyy", "%Y"), ("MM", "%m"), ("dd", "%d"), ("HH", "%H"), ("mm", "%M"), ("ss", "%S"))
LINE_BREAKS = {"crlf": "\r\n", "lf": "\n", "references": "&#xD;\n", "cdata": "\r\n"}
# "inout" means that the device does not know: this product then leaves the direction empty.
DIRECTIONS = {"in": "in", "out": "out"}
SECOND = timedelta(seconds=1)
# What is added to the two limits, as the log has whole seconds.
LIMITS = {
	"inclusive": (timedelta(), timedelta()),
	"half-open": (timedelta(), -SECOND),
	"exclusive": (SECOND, -SECOND),
}


class FakeETimeTrackLite(FakeSoapServer):
	"""eTimeTrackLite Web: one operation, one device and time range per call.

	`dialect`: "new" has FromDateTime / ToDateTime, "old" FromDate / ToDate. `date_formats` are .NET's.
	Without `says_count` a success has an empty result instead of `Logs Count:n`. `list_form` is how line
	breaks are written: "crlf", "lf", "references" (`&#xD;`) or "cdata". `omits_empty_list` leaves strDataList
	out when there are no rows. `limits`: "inclusive", "half-open" (without the end) or "exclusive".
	`unknown_serial_text` is the result for a serial that is not listed; without it there are just no rows. `row_time` is
	the .NET form of the time in a row; `more_columns` stand behind the direction, which is missing altogether without `says_direction`.
	"""

	service = "WebAPIService"
	login = ("UserName", "UserPassword")
	error_text = "Error"
	broken_row = "2025-04-07,what,is;this"

	def __init__(
		self,
		world: World,
		*,
		user: str = "api",
		password: str = "secret",
		dialect: Literal["new", "old"] = "new",
		port: int = 0,
		path: str | None = None,
		date_formats: Sequence[str] = ("yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd HH:mm"),
		says_count: bool = True,
		list_form: Literal["crlf", "lf", "references", "cdata"] = "crlf",
		omits_empty_list: bool = False,
		limits: Literal["inclusive", "half-open", "exclusive"] = "inclusive",
		unknown_serial_text: str | None = None,
		bad_login_text: str = "Unathorised User",
		row_time: str = "yyyy-MM-dd HH:mm:ss",
		more_columns: Sequence[str] = (),
		says_direction: bool = True,
		has_wsdl: bool = True,
	) -> None:
		self._limit_names = DIALECTS[dialect]
		elements = (*self._limit_names, "SerialNumber", "UserName", "UserPassword", LIST)
		super().__init__(
			world,
			user=user,
			password=password,
			port=port,
			paths=(path or "/iclock/WebAPIService.asmx",),
			operations={OPERATION: elements},
			missing_operations=(),
			has_wsdl=has_wsdl,
		)
		self._date_formats = [_python_format(text) for text in date_formats]
		self._says_count = says_count
		self._list_form = list_form
		self._omits_empty_list = omits_empty_list
		self._margins = LIMITS[limits]
		self._unknown_serial_text = unknown_serial_text
		self._bad_login_text = bad_login_text
		self._row_time = _python_format(row_time)
		self._more_columns = tuple(more_columns)
		self._says_direction = says_direction

	def _elements(self, call: Call, hits: Hits) -> list[Element]:
		if not self._is_allowed(call):
			return self._text_elements(OPERATION, escape(self._bad_login_text))
		start, end = (self._moment(call.arguments.get(name)) for name in self._limit_names)
		if start is None or end is None:
			name = self._limit_names[0 if start is None else 1]
			return self._text_elements(OPERATION, f"{name} is not valid date format(yyyy-MM-dd HH:mm)")
		serial = call.arguments.get("SerialNumber", "")
		if self._unknown_serial_text is not None and not self.world.is_listed(serial):
			return self._text_elements(OPERATION, escape(self._unknown_serial_text))
		return self._log(self._rows(serial, start, end), hits)

	def _log(self, rows: list[str], hits: Hits) -> list[Element]:
		rows = disorder(rows, hits)
		text = f"Logs Count:{len(rows)}" if self._says_count else ""
		return self._text_elements(OPERATION, text, truncate(rows, hits))

	def _rows(self, serial: str, start: datetime, end: datetime) -> list[str]:
		if not self.world.is_listed(serial):
			return []
		found = self.world.between(start + self._margins[0], end + self._margins[1], serial)
		shown = (row for row in found if not isinstance(row, SimJunk))
		return [self._line(row) for row in sorted(shown, key=attrgetter("code", "time"))]

	def _line(self, row: SimPunch) -> str:
		if isinstance(row, SimRaw):
			return row.code
		direction = (DIRECTIONS.get(row.direction, ""),) if self._says_direction else ()
		return "\t".join((row.code, row.time.strftime(self._row_time), *direction, *self._more_columns))

	def _text_elements(self, operation: str, text: str, rows: Sequence[str] = ()) -> list[Element]:
		elements = [(f"{operation}Result", text)]
		if rows or not self._omits_empty_list:
			elements.append((LIST, self._list(rows)))
		return elements

	def _list(self, rows: Sequence[str]) -> str:
		is_cdata = bool(rows) and self._list_form == "cdata"
		line_break = LINE_BREAKS[self._list_form]
		text = "".join((row if is_cdata else escape(row)) + line_break for row in rows)
		return f"<![CDATA[{text}]]>" if is_cdata else text

	def _moment(self, text: str | None) -> datetime | None:
		moments = (_exactly(text or "", date_format) for date_format in self._date_formats)
		return next((moment for moment in moments if moment), None)


def _python_format(dotnet: str) -> str:
	for theirs, ours in FORMAT_LETTERS:
		dotnet = dotnet.replace(theirs, ours)
	return dotnet


def _exactly(text: str, date_format: str) -> datetime | None:
	"""As .NET's ParseExact: unlike strptime, it wants every leading zero."""
	try:
		moment = datetime.strptime(text, date_format)
	except ValueError:
		return None
	return moment if moment.strftime(date_format) == text else None
