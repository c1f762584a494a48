"""What a host keeps for the two loops: a protocol for each, with three implementations (memory, SQLite, Frappe).

A store never judges: it keeps, finds and commits. Only the methods that say so commit, and what they write together becomes durable
together. Times are naive wall clock: source times of the server, punch times and `Rules` of the site.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from biometric_integration.core.decide import Decision
from biometric_integration.core.devices import Device, DeviceChange
from biometric_integration.core.directory import Directory, Moment, Occurrence, WaitingEvent
from biometric_integration.core.drift import Clock
from biometric_integration.core.punch import Punch
from biometric_integration.core.runs import Outcome, RunCounts, Trigger
from biometric_integration.core.stream import Cursor, Stream
from biometric_integration.core.window import Window

TRIES = 3
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Claim:
	"""The right to move one stream's cursor, until somebody else takes it. `log` names the run's Biometric Sync Log."""

	stream: Stream
	cursor: Cursor
	log: str


class StreamBusy(Exception):
	"""The stream is being read at this moment, by the run `log`."""

	def __init__(self, log: str):
		super().__init__(log)
		self.log = log


class Fenced(Exception):
	"""Somebody else has taken the stream: this run stops, and writes nothing more."""


class TakenBack(Exception):
	"""Records of this batch are not there any more: something on the site rolled them back."""


class Interrupted(Exception):
	"""The host ends the job: nothing of the kind is the fault of a row."""


class BatchLost(Exception):
	"""The database rolled the whole batch back (a deadlock or a lock time-out): it is simply done again.

	With words where somebody refused a row in a way that left no other way back than that; `why`: what the database says.
	"""

	def __init__(self, words: str = "", why: str = ""):
		super().__init__(words)
		self.why = why


def repeated(action: Callable[[], Answer], before: Callable[[], None] = lambda: None) -> Answer:
	"""A batch the database rolled back is done again, up to three times in all; `before` each further time."""
	for _ in range(TRIES - 1):
		try:
			return action()
		except BatchLost:
			before()
	return action()


class PullStore(Protocol):
	"""Server → staging."""

	def devices(self, server: str) -> list[Device]:
		"""All devices of a server, disabled ones included, and those of the others that are known by their serial: each with its home."""
		...

	def change_devices(self, server: str, changes: Sequence[DeviceChange]) -> None:
		"""Create and complete devices, in the order given. Commits."""
		...

	def oldest_first(self, server: str, units: Sequence[str]) -> Sequence[str]:
		"""The units of a server, the one that was read longest ago first, one that never was before all others."""
		...

	def cursor(self, stream: Stream) -> Cursor:
		"""How far the stream has been read; a new cursor for one that never was."""
		...

	def claim(self, stream: Stream, trigger: Trigger, window: Window | None = None) -> Claim:
		"""Take the stream and open its log with the window to be read; its stale Running logs are closed as Failed. Commits.

		Raises StreamBusy while somebody else reads it, BatchLost.
		"""
		...

	def stage(self, claim: Claim, punches: Sequence[Punch], cursor: Cursor | None = None) -> RunCounts:
		"""Keep the punches that are not known yet and, with them, the cursor. Commits.

		Junk is kept as Ignored, unreadable rows as Failed. Raises Fenced, BatchLost.
		"""
		...

	def staged(self, stream: Stream, window: Window) -> int:
		"""How many different (user id, source time) of this server and unit are kept with a source time in the window."""
		...

	def seen(self, punches: Set[tuple[str, datetime]]) -> int:
		"""How many of these (user id, source time) are kept, whichever way they came."""
		...

	def newest_before(self, stream: Stream, moment: datetime) -> datetime | None:
		"""The newest source time before `moment` that is kept for this server and unit."""
		...

	def finish(self, claim: Claim, outcome: Outcome, cursor: Cursor | None = None) -> None:
		"""Close the log, with the cursor where it has moved, and let the stream go, also where closing fails. Commits.

		Raises BatchLost, and Fenced where a cursor is given.
		"""
		...

	def roll_back(self) -> None:
		"""Forget what was not committed."""
		...


class ProcessStore(Protocol):
	"""Staging → check-ins."""

	def lane(self) -> AbstractContextManager[bool]:
		"""The one process lane: yields whether it was free. Released in any case at the end."""
		...

	def reopen(self, now: datetime) -> int:
		"""Set back to Pending what waits for a reason that may be gone by now (site clock); returns how many events. Commits."""
		...

	def waiting(self, after: str, limit: int) -> list[WaitingEvent]:
		"""Pending events that nothing holds back, by name, after the name `after`."""
		...

	def batch_size(self) -> int:
		"""How many events may be decided and written in one transaction; only asked where something waits, as finding out may take a while.

		It may get less while a batch is written.
		"""
		...

	def directory(self, events: Sequence[WaitingEvent], reach: timedelta) -> Directory:
		"""What is known about the people of these events; check-ins up to `reach` before the first and after the last."""
		...

	def shifts(self, moments: Set[Moment]) -> Mapping[Moment, Occurrence]:
		"""The occurrence of a shift that each of these moments belongs to, where it falls into one."""
		...

	def shift_borders(self, moments: Set[Moment], reach: timedelta) -> Set[Moment]:
		"""Those of the moments within `reach` of which one shift of the employee ends and another begins."""
		...

	def create_together(self, decisions: Sequence[Decision]) -> Mapping[str, str]:
		"""Write the check-ins of these decisions as far as the host can do it for many at once; event → name of its check-in.

		What is not in the answer is created one by one. On a failure nothing of it stays. May commit once, before it writes anything:
		names that are reserved for the check-ins, which nobody else should wait for. Raises BatchLost, Interrupted.
		"""
		...

	def create(self, decision: Decision) -> str:
		"""Write the check-in of a decision; returns its name. On any failure nothing of it stays. Raises BatchLost, or whatever the host says."""
		...

	def note_clocks(self, clocks: Mapping[str, Clock]) -> None:
		"""Keep what is known by now of clocks that are ahead, by device key; `directory` gives it back. Becomes durable with `mark_decided`."""
		...

	def mark_decided(self, decisions: Sequence[Decision], now: datetime) -> None:
		"""Mark the events with what was decided, and bring the counts of their logs up to date. Commits.

		Raises TakenBack where a record that a decision names is not there, and BatchLost.
		"""
		...

	def roll_back(self) -> None:
		"""Forget what was not committed."""
		...
