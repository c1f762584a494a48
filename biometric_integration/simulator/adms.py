"""Terminals that push (ADMS): clients with the habits of the firmware (essl-protocol §6, sources-protocols §2).

They keep what is not acknowledged and send it again, first and in the same batch, for ever. They know `OK: n` and "anything else".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from urllib.parse import quote, urlencode, urlsplit

AGENT = "iClock Proxy/1.09"
BATCH = 128
NOTHING_THERE, UNKNOWN = -1, -1002
TEMPLATE = "FP PIN={pin}\tFID=0\tSize=12\tValid=1\tTMP=c2VjcmV0LWZpbmdlcg=="
PERSON = "USER PIN={pin}\tName={name}\tPri=0\tPasswd=\tCard=0012345678\tGrp=1"


@dataclass(frozen=True)
class Reply:
	"""What came back. `status` 0: nothing did."""

	status: int
	text: str = ""
	headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

	def header(self, name: str) -> str | None:
		return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class FakeTerminal:
	"""An attendance terminal. `url` is what was entered in its menu; it adds `/iclock/…` itself.

	site: the Host header, where the address is not the name of the site. takes_bare_ok: firmware to which `OK` without a number is enough.
	"""

	table = "ATTLOG"

	def __init__(
		self,
		url: str,
		serial: str,
		*,
		site: str = "",
		batch: int = BATCH,
		suffix: str = "",
		line_end: str = "\n",
		takes_bare_ok: bool = False,
		timeout: float = 30,
	) -> None:
		self.serial = serial
		self.url = url.rstrip("/")
		self.options: dict[str, str] = {}
		self.replies: list[Reply] = []
		self.waiting: deque[str] = deque()
		self.log: list[tuple[datetime, str]] = []
		self.answers: deque[str] = deque()
		self.sent = 0
		self._site, self._batch, self._suffix = site, batch, suffix
		self._line_end, self._takes_bare_ok, self._timeout = line_end, takes_bare_ok, timeout

	# -- what people do ------------------------------------------------------------------------------------

	def punch(
		self, pin: str, at: datetime, status: int = 0, verify: int = 1, more: Sequence[str] = ("0", "0", "0")
	) -> str:
		"""`at`: wall clock of the terminal."""
		return self.row("\t".join([pin, f"{at:%Y-%m-%d %H:%M:%S}", str(status), str(verify), *more]), at)

	def row(self, text: str, at: datetime | None = None) -> str:
		"""Any row, also one that no firmware should write."""
		self.waiting.append(text)
		if at is not None:
			self.log.append((at, text))
		return text

	# -- what the firmware does ----------------------------------------------------------------------------

	def hello(self, **query: str) -> Reply:
		"""At boot, and hardly ever later. Only an answer with options counts."""
		reply = self.ask(
			"GET",
			"cdata",
			{"options": "all", "pushver": "2.4.1", "language": "69", "PushOptionsFlag": "1", **query},
		)
		if reply.status == 200 and "=" in reply.text:
			pairs = (line.partition("=") for line in reply.text.splitlines() if "=" in line)
			self.options = {key.strip(): value for key, _equals, value in pairs}
		return reply

	def send(self) -> bool:
		"""The next batch. Whether it was acknowledged; if not it stays in front."""
		rows = [self.waiting[number] for number in range(min(self._batch, len(self.waiting)))]
		if not rows:
			return True
		body = "".join(row + self._line_end for row in rows).encode("utf-8", "surrogateescape")
		self.sent += len(rows)
		reply = self.ask("POST", "cdata", {"table": self.table, "Stamp": self._stamp(rows)}, body)
		if not self._is_acknowledged(reply, len(rows)):
			return False
		for _row in rows:
			self.waiting.popleft()
		return True

	def send_all(self) -> bool:
		"""Batch by batch, up to the first that is not acknowledged."""
		while self.waiting:
			if not self.send():
				return False
		return True

	def poll(self) -> list[str]:
		"""Ask for commands, do them, and say how it went, several in one post. Returns the commands."""
		reply = self.ask("GET", "getrequest", {})
		lines = [line for line in reply.text.splitlines() if line.startswith("C:")]
		for line in lines:
			_c, number, command = line.split(":", 2)
			self.answers.append(self._done(number, command))
		if self.answers:
			body = "".join(answer + self._line_end for answer in self.answers).encode()
			if self.ask("POST", "devicecmd", {}, body).text == "OK":
				self.answers.clear()
		return lines

	def tell_of_people(self, pins: Iterable[str]) -> Reply:
		"""Names and templates, as a terminal sends them that was not told to keep them. The name is GB2312."""
		lines = [
			line for pin in pins for line in (PERSON.format(pin=pin, name="张三"), TEMPLATE.format(pin=pin))
		]
		body = self._line_end.join(lines).encode("gb2312")
		return self.ask("POST", "cdata", {"table": "OPERLOG", "Stamp": "1"}, body)

	def ask(self, method: str, endpoint: str, query: dict[str, str], body: bytes = b"") -> Reply:
		parts = urlsplit(self.url)
		target = f"{parts.path}/iclock/{endpoint}{self._suffix}?{urlencode({'SN': self.serial, **query}, quote_via=quote)}"
		headers = {"User-Agent": AGENT, "Connection": "close", "Accept": "*/*"}
		if self._site:
			headers["Host"] = self._site
		if method == "POST":
			headers["Content-Type"] = "text/plain"
		reply = self._exchange(parts.hostname or "", parts.port or 80, method, target, body, headers)
		self.replies.append(reply)
		return reply

	def _exchange(
		self, host: str, port: int, method: str, target: str, body: bytes, headers: dict[str, str]
	) -> Reply:
		with closing(HTTPConnection(host, port, timeout=self._timeout)) as connection:
			try:
				connection.request(method, target, body or None, headers)
				response = connection.getresponse()
				text = response.read().decode("utf-8", "replace")
			except (OSError, HTTPException):
				return Reply(0)
			return Reply(response.status, text, tuple(response.getheaders()))

	# -- details -------------------------------------------------------------------------------------------

	def _is_acknowledged(self, reply: Reply, count: int) -> bool:
		if reply.status != 200:
			return False
		return reply.text.strip() == f"OK: {count}" or (self._takes_bare_ok and reply.text.strip() == "OK")

	def _stamp(self, rows: Sequence[str]) -> str:
		return str(self.sent)

	def _done(self, number: str, command: str) -> str:
		words, _blank, rest = command.partition(" StartTime=")
		start, _tab, end = rest.partition("\tEndTime=")
		known = {"DATA QUERY ATTLOG": self._send_again, "VERIFY SUM ATTLOG": self._counted}
		if words not in known or not (start and end):
			return f"ID={number}&Return={UNKNOWN}&CMD={words.partition(' ')[0]}"
		within = [row for at, row in self.log if start <= f"{at:%Y-%m-%d %H:%M:%S}" <= end]
		return f"ID={number}&{known[words](within)}"

	def _send_again(self, rows: list[str]) -> str:
		self.waiting.extend(rows)
		return f"Return={0 if rows else NOTHING_THERE}&CMD=DATA"

	def _counted(self, rows: list[str]) -> str:
		return f"Return=0&CMD=VERIFY SUM&AttlogCount={len(rows)}"


class FakeAccessPanel(FakeTerminal):
	"""An access device: registers first, sends `rtlog`, and is content with `OK`."""

	table = "rtlog"

	def hello(self, **query: str) -> Reply:
		reply = super().hello(**{"pushver": "3.1.2", **query})
		if "registry=ok" not in reply.text:
			self.ask("POST", "registry", {}, b"DeviceType=acc,~DeviceName=SpeedFace,FirmVer=1.0")
		self.ask("POST", "push", {}, b"")
		return reply

	def event(self, pin: str, at: datetime, event: int = 0, inout: int = 0, verify: int = 15) -> str:
		"""The order of the keys changes with the event, as it does between firmwares."""
		parts = [
			f"time={at:%Y-%m-%d %H:%M:%S}",
			f"pin={pin}",
			"cardno=0012345678",
			"eventaddr=1",
			f"event={event}",
			f"inoutstatus={inout}",
			f"verifytype={verify}",
			f"index={len(self.log)}",
			"temperature=36.5",
		]
		turn = event % len(parts)
		return self.row("\t".join(parts[turn:] + parts[:turn]), at)

	def _is_acknowledged(self, reply: Reply, count: int) -> bool:
		return reply.status == 200 and reply.text.strip() == "OK"
