"""ZKTeco BioTime 8.0 to 9.5, EasyTime Pro and the cloud tenants (sources-protocols §1)."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, ClassVar, Literal
from urllib.parse import urlencode, urlsplit

from . import biotime_rows
from .answers import Answer, page
from .biotime_gate import Gate, Scheme
from .biotime_rows import Numbers, moment
from .faults import Hits, disorder, truncate
from .port import HOST, Incoming
from .rest_server import Call, FakeRestServer, failed, said
from .world import SimDevice, SimJunk, SimManual, SimPunch, World

DATA = {
	"/iclock/api/transactions/": "transactions",
	"/iclock/api/terminals/": "terminals",
	"/personnel/api/employees/": "employees",
}
DOCS = "/api/docs/"
# Path of a login, the scheme of its token, and the path of the refresh, where there is one.
LOGINS: dict[Scheme, tuple[str, str]] = {
	"JWT": ("/jwt-api-token-auth/", "/jwt-api-token-refresh/"),
	"Token": ("/api-token-auth/", ""),
}
TITLES = {
	"8.0": "BIOTIME API DOCS",
	"8.5": "BIOTIME API DOCS",
	"9.0": "ZKBio Time API DOCS",
	"9.5": "BioTime 9.5 API DOCS",
}
# What `ordering` may be on 9.5; anything else is ignored.
ORDERS = {
	"punch_time": attrgetter("time"),
	"upload_time": attrgetter("received"),
}
USUAL_PAGE = 10
# The limits of a window, both inclusive, and where it ends without them.
LIMITS = {"start_time": datetime.min, "end_time": datetime.max}
TERMINAL_FILTERS: dict[str, Callable[[dict[str, Any], str], bool]] = {
	"sn": lambda row, text: bool(row["sn"] == text),
	"alias": lambda row, text: bool(row["alias"] == text),
	"state": lambda row, text: str(row["state"]) == text,
	"area": lambda row, text: str(row["area"]["id"]) == text,
	"sn_icontains": lambda row, text: text.casefold() in row["sn"].casefold(),
	"alias_icontains": lambda row, text: text.casefold() in row["alias"].casefold(),
}
NO_PERMISSION = "You do not have permission to perform this action."


class FakeBioTime(FakeRestServer):
	"""BioTime's REST API: two logins, punches, terminals, and employees that nobody should read.

	The way in: `logins` and `prefixes` are the login paths that there are, `takes_basic` whether HTTP Basic works. `company` makes
	it a cloud tenant; `closed_login` is the HTTP status with which its front server refuses every login, in HTML. `token_requests`,
	`jwt_life`, `lock_after` and `lock_time` are explained at `Gate`. Without `licensed`, tokens get 403 from `/iclock/` and
	`/personnel/`; HTTP Basic passes.

	The answers: `version` decides the title of the manual, whether `ordering` is honoured (9.5; `orders` overrides it) and how a
	page's size is called (`limit` on 9.0). `most_rows` is the largest page. `envelope`: "data", "results" or "both". `numbers`:
	state and verification as they usually are, all as "text" (the id too), or all as "integers". `zone_in`: how `terminal_tz` is
	written. `uploads_shifted` is added to each `upload_time`: a server with another zone than its terminals. `host` is what `next` is built from (default: what the client called it). `sees`: the serial numbers this user has
	the rights for; rows of others are left out silently. `ignores`: the names of parameters that this build does not know. `first_answer_after`: seconds the first request after a start waits.
	`folder` is put before all paths, as a proxy does.

	`licensed` and `sees` may be changed while it runs, and `stuck_at`: pages after this one repeat it, for ever.
	"""

	error_text = "Request failed."
	broken_row = "what is this, 2025-04-07"
	hidden: ClassVar[Mapping[str, str]] = {"folder": "/deep/down"}
	software = "nginx"

	def __init__(
		self,
		world: World,
		*,
		user: str = "api",
		password: str = "secret",
		port: int = 0,
		version: Literal["8.0", "8.5", "9.0", "9.5"] = "9.5",
		logins: Collection[Scheme] = ("JWT", "Token"),
		prefixes: Sequence[str] = ("",),
		takes_basic: bool = True,
		company: str = "",
		closed_login: Literal[0, 403, 405] = 0,
		jwt_life: timedelta = timedelta(days=7),
		token_requests: int | None = None,
		lock_after: int = 5,
		lock_time: timedelta = timedelta(minutes=5),
		licensed: bool = True,
		orders: bool | None = None,
		most_rows: int | None = None,
		envelope: Literal["data", "results", "both"] = "data",
		numbers: Numbers = "usual",
		zone_in: Literal["hours", "minutes"] = "minutes",
		uploads_shifted: timedelta = timedelta(),
		host: str = "",
		sees: Collection[str] | None = None,
		ignores: Collection[str] = (),
		first_answer_after: float = 0,
		folder: str = "",
		tls: ssl.SSLContext | None = None,
	) -> None:
		ways = [(folder + prefix, scheme) for prefix in prefixes for scheme in logins]
		self._schemes = {base + LOGINS[scheme][0]: scheme for base, scheme in ways}
		paths = {folder + path: operation for path, operation in {**DATA, DOCS: "docs"}.items()}
		paths.update(dict.fromkeys(self._schemes, "login"))
		paths.update({base + LOGINS[scheme][1]: "refresh" for base, scheme in ways if LOGINS[scheme][1]})
		super().__init__(
			world,
			user=user,
			password=password,
			port=port,
			path=folder,
			routes=paths,
			logins=frozenset({"login", "refresh"}),
			login_paths=tuple(path for paths in LOGINS.values() for path in paths if path),
			tls=tls,
		)
		self.gate = Gate(
			world,
			user,
			password,
			company,
			jwt_life=jwt_life,
			token_requests=token_requests,
			lock_after=lock_after,
			lock_time=lock_time,
		)
		self.stuck_at: int | None = None
		self._takes_basic = takes_basic
		self._closed_login = closed_login
		self.licensed = licensed
		self._version = version
		self._orders = version == "9.5" if orders is None else orders
		self._most_rows = most_rows
		self._envelope = envelope
		self._numbers: Numbers = numbers
		self._zone_in = zone_in
		self._uploads_shifted = uploads_shifted
		self._host = host
		self.sees = sees
		self._ignores = frozenset(ignores)
		self._first_answer_after = first_answer_after
		self._sleeps = True
		self._lists: dict[str, Callable[[Call, Hits], Answer]] = {
			"transactions": self._transactions,
			"terminals": self._terminals,
			"employees": self._employees,
		}

	# -- life ----------------------------------------------------------------------------------------------

	def start(self) -> None:
		self._sleeps = True
		super().start()

	def reply(self, incoming: Incoming) -> tuple[Answer, Hits]:
		if self._sleeps:
			self._sleeps = False
			self.pause(self._first_answer_after)
		return super().reply(incoming)

	# -- answering -----------------------------------------------------------------------------------------

	def _elsewhere(self, incoming: Incoming) -> Answer:
		"""Django adds the slash that was forgotten; all else is a page for people, with HTTP 200."""
		target = urlsplit(incoming.target)
		if f"{target.path}/" in self._routes:
			location = f"{target.path}/?{target.query}" if target.query else f"{target.path}/"
			return replace(page("Moved", ""), status=301, headers={"Location": location})
		return page("BioTime", "<p>Page not found</p>")

	def _answer(self, call: Call, hits: Hits) -> Answer:
		if call.operation == "docs":
			return self._docs(call)
		if call.operation in self._logins:
			return self._login(call)
		return self._refusal(call) or self._lists[call.operation](call, hits)

	def _docs(self, call: Call) -> Answer:
		if "html" not in call.headers.get("accept", "html"):
			return failed(406, "Could not satisfy the request Accept header.")
		return page(TITLES[self._version], "")

	def _login(self, call: Call) -> Answer:
		if self._closed_login:
			return page("Forbidden", "<p>Refused by the front server.</p>", self._closed_login)
		if call.method != "POST":
			return failed(405, f'Method "{call.method}" not allowed.')
		if call.operation == "refresh":
			return self.gate.refresh(call.arguments)
		return self.gate.login(call.arguments, self._schemes[call.path])

	def _refusal(self, call: Call) -> Answer | None:
		authorization = call.headers.get("authorization", "")
		if refusal := self.gate.refusal(authorization, takes_basic=self._takes_basic):
			return refusal
		if not self.licensed and not authorization.startswith("Basic "):
			return failed(403, NO_PERMISSION)
		if call.method != "GET":
			return failed(405, f'Method "{call.method}" not allowed.')
		return None

	def _saying(self, call: Call, text: str) -> Answer:
		if call.operation in self._logins:
			return said({"code": 1, "msg": text} if text else {})
		return said(self._wrapped([], 0, None, None, text))

	# -- lists ---------------------------------------------------------------------------------------------

	def _transactions(self, call: Call, hits: Hits) -> Answer:
		query = self._understood(call)
		if bad := [name for name in LIMITS if query.get(name) and not moment(query[name])]:
			return said({name: ["Enter a valid date/time."] for name in bad}, 400)
		start, end = (moment(query.get(name, "")) or ever for name, ever in LIMITS.items())
		found = self.world.between(start, end, query.get("terminal_sn") or None)
		rows = [row for row in found if not isinstance(row, SimJunk) and self._is_meant(row, query)]
		language = call.headers.get("accept-language", "en")[:2]

		def shown(row: SimPunch) -> Any:
			uploaded = row.received + self._uploads_shifted
			return biotime_rows.transaction(row, self._device(row), uploaded, self._numbers, language)

		return self._paged(call, self._ordered(rows, query.get("ordering", "")), shown, hits)

	def _is_meant(self, row: SimPunch, query: dict[str, str]) -> bool:
		if query.get("emp_code") and row.code != query["emp_code"]:
			return False
		device = self._device(row)
		if query.get("terminal_alias") and (device is None or device.name != query["terminal_alias"]):
			return False
		return self.sees is None or row.serial in self.sees

	def _device(self, row: SimPunch) -> SimDevice | None:
		return None if isinstance(row, SimManual) else self.world.device(row.serial)

	def _ordered(self, rows: list[SimPunch], ordering: str) -> list[SimPunch]:
		"""By the id, unless the version knows better; rows that are equal in it stay in the order of their ids."""
		rows = sorted(rows, key=attrgetter("log_id"))
		key = ORDERS.get(ordering.removeprefix("-")) if self._orders else None
		return sorted(rows, key=key, reverse=ordering.startswith("-")) if key else rows

	def _terminals(self, call: Call, hits: Hits) -> Answer:
		devices = [device for device in self.world.devices if self.sees is None or device.serial in self.sees]
		rows = [
			biotime_rows.terminal(number, device, self.world, self._numbers, self._zone_in)
			for number, device in enumerate(devices, 1)
		]
		query = self._understood(call)
		for name, is_meant in TERMINAL_FILTERS.items():
			if wanted := query.get(name):
				rows = [row for row in rows if is_meant(row, wanted)]
		return self._paged(call, rows, lambda row: row, hits)

	def _employees(self, call: Call, hits: Hits) -> Answer:
		rows = list(enumerate(self.world.employees, 1))
		nested = self._version.startswith("9")
		return self._paged(call, rows, lambda row: biotime_rows.employee(*row, nested=nested), hits)

	# -- pages ---------------------------------------------------------------------------------------------

	def _paged(self, call: Call, rows: list[Any], shown: Callable[[Any], Any], hits: Hits) -> Answer:
		query = self._understood(call)
		size = self._page_size(query)
		last = max(1, -(-len(rows) // size))
		number = _number(query.get("page", "1"))
		if (self.stuck_at is None and number > last) or number < 1:
			return failed(404, "Invalid page.")
		real = number if self.stuck_at is None else min(number, self.stuck_at)
		part = [shown(row) for row in rows[(real - 1) * size : real * size]]
		goes_on = real < last or real != number or real == self.stuck_at
		following = self._link(call, number + 1) if goes_on else None
		before = self._link(call, number - 1) if number > 1 else None
		content = truncate(disorder(part, hits), hits)
		return said(self._wrapped(content, len(rows), following, before, ""))

	def _understood(self, call: Call) -> dict[str, str]:
		return {name: value for name, value in call.query.items() if name not in self._ignores}

	def _page_size(self, query: dict[str, str]) -> int:
		size = _number(query.get("limit" if self._version == "9.0" else "page_size", "")) or USUAL_PAGE
		return min(size, self._most_rows or size)

	def _link(self, call: Call, number: int) -> str:
		host = self._host or f"{urlsplit(self.url).scheme}://{call.headers.get('host', HOST)}"
		return f"{host}{call.path}?{urlencode({**call.query, 'page': number})}"

	def _wrapped(
		self, rows: list[Any], count: int, following: str | None, before: str | None, text: str
	) -> dict[str, Any]:
		"""A text in it is a failure, with its code (sources-protocols §1.2)."""
		content: dict[str, Any] = {"count": count, "next": following, "previous": before}
		if self._envelope != "results" or text:
			content.update(msg=text, code=1 if text else 0)
		names = ("data", "results") if self._envelope == "both" else (self._envelope,)
		return {**content, **dict.fromkeys(names, rows)}


def _number(text: str) -> int:
	"""0 where it is none."""
	return int(text) if text.isdecimal() and len(text) < 10 else 0
