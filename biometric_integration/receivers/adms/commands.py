"""What a device may be asked, and how it answers. Nothing that changes or deletes can be said (essl-protocol §6.6)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from urllib.parse import unquote_plus


class Ask(str, Enum):
	"""The questions; the values are how they begin on the wire."""

	PUNCHES = "DATA QUERY ATTLOG"
	COUNT = "VERIFY SUM ATTLOG"


@dataclass(frozen=True)
class Command:
	"""A question about a stretch of time in the device's wall clock. `id` comes back with the answer: letters and digits, up to 16."""

	id: str
	ask: Ask
	start: datetime
	end: datetime

	def text(self) -> str:
		return f"C:{self.id}:{self.ask.value} StartTime={self.start:{FORMAT}}\tEndTime={self.end:{FORMAT}}"


@dataclass(frozen=True)
class Result:
	"""What a device said about a command. code: 0 or more is fine. `count`: of VERIFY SUM, where it said one."""

	id: str
	code: int
	count: int | None = None


FORMAT = "%Y-%m-%d %H:%M:%S"
ID = re.compile(r"[0-9A-Za-z]{1,16}")
CODE = re.compile(r"-?[0-9]{1,9}")
COUNTED = re.compile(r"(?:^|[\s&,])(?:AttlogCount|ATTLOG|Count|SUM)=([0-9]{1,9})", re.IGNORECASE)
MOST_COMMANDS = 10
"""In one answer: some devices read no more than 40 KB, and each is answered with a post of its own."""
LONGEST_ANSWER = 1 << 16

MEANINGS = {
	-1: "The device has nothing there, or did not take the question.",
	-1001: "The memory of the device is full.",
	-1002: "The device does not know this question.",
	-1003: "The device did not finish in time.",
	-1004: "The device does not know this table.",
	-1005: "The device is busy.",
}
"""By return code; it differs by firmware."""


def meaning(code: int) -> str:
	"""A sentence about a return code; empty where all is well."""
	return "" if code >= 0 else MEANINGS.get(code, f"The device answered with the code {code}.")


def listed(commands: Iterable[Command]) -> str:
	"""The answer to a question for commands; `OK` where there are none."""
	lines = [command.text() for command in commands][:MOST_COMMANDS]
	return "\n".join(lines) + "\n" if lines else "OK"


def results(body: bytes) -> list[Result]:
	"""One or several lines `ID=…&Return=…&CMD=…`; a line without the first two is none. Lines that follow may hold what was counted."""
	found: list[Result] = []
	for line in body[:LONGEST_ANSWER].decode("utf-8", "replace").splitlines():
		values = {
			key.strip().lower(): unquote_plus(value).strip()
			for key, _equals, value in (part.partition("=") for part in line.split("&"))
		}
		name, code = values.get("id", ""), values.get("return", "")
		if ID.fullmatch(name) and CODE.fullmatch(code):
			found.append(Result(name, int(code), _count(line)))
		elif found and found[-1].count is None and (count := _count(line)) is not None:
			found[-1] = Result(found[-1].id, found[-1].code, count)
	return found


def _count(line: str) -> int | None:
	found = COUNTED.search(line)
	return int(found.group(1)) if found else None
