"""The one table, and the machine it was made on."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum


class Half(Enum):
	"""What of the way from the server to the check-in a line is about: each is compared with the floor of its own."""

	BOTH = "both"
	PULL = "pull"
	PROCESS = "process"
	NONE = "none"


@dataclass(frozen=True)
class Line:
	"""A measurement. Without seconds it is about something else than speed, which the note says."""

	name: str
	punches: int
	seconds: float = 0.0
	half: Half = Half.NONE
	note: str = ""

	@property
	def rate(self) -> float:
		return self.punches / self.seconds if self.seconds else 0.0


@dataclass
class Table:
	"""Lines as they come; `slowest` and `floor` are what the others are compared with, as soon as they are known.

	wrong: what was not as it should be; there is nothing here that is wrong for being slow.
	"""

	lines: list[Line] = field(default_factory=list)
	slowest: Line | None = None
	floor: dict[Half, Line] = field(default_factory=dict)
	wrong: list[str] = field(default_factory=list)
	facts: list[str] = field(default_factory=list)

	def add(self, line: Line) -> Line:
		self.lines.append(line)
		tell(
			f"{line.name}: " + ", ".join(filter(None, [_rate(line) and f"{_rate(line)} a second", line.note]))
		)
		return line

	def expect(self, name: str, found: object, expected: object) -> None:
		if found != expected:
			self.wrong.append(f"{name}: {found} in place of {expected}")

	def show(self) -> None:
		"""Print it; ends the process with exit code 1 where something is wrong."""
		head = ("", "rows", "a second", "× per punch", "of the floor", "")
		cells = [head, *(self._cells(line) for line in self.lines)]
		widths = [max(len(row[column]) for row in cells) for column in range(len(head) - 1)]
		print("\n" + "\n".join(self.facts) + "\n")
		for name, *numbers, note in cells:
			shown = (cell.rjust(width) for cell, width in zip(numbers, widths[1:], strict=True))
			print("  ".join((name.ljust(widths[0]), *shown, note)).rstrip())
		print("\nWRONG: " + "; ".join(self.wrong) if self.wrong else "\nAll as it should be.", flush=True)
		if self.wrong:
			raise SystemExit(1)

	def _cells(self, line: Line) -> Sequence[str]:
		floor = self.floor.get(line.half)
		is_whole = line.half is Half.BOTH  # half of the way is no way of its own
		return (
			line.name,
			f"{line.punches:,}" if line.punches else "",
			_rate(line),
			f"{line.rate / self.slowest.rate:.1f}" if self.slowest and is_whole else "",
			f"{line.rate / floor.rate:.0%}" if floor else "",
			line.note,
		)


def _rate(line: Line) -> str:
	return f"{line.rate:,.0f}" if line.seconds else ""


def tell(text: str) -> None:
	"""How it goes on, for whoever waits."""
	print(text, file=sys.stderr, flush=True)


def machine() -> str:
	return f"{os.cpu_count()} × {_processor()}, {platform.system()}, Python {platform.python_version()}"


def _processor() -> str:
	try:
		with open("/proc/cpuinfo") as lines:
			return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
	except (OSError, StopIteration):
		return platform.machine()
