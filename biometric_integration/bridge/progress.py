"""What is going on, for a person who waits."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol, TextIO

from biometric_integration.core.decide import Decision
from biometric_integration.core.punch import Punch
from biometric_integration.core.runs import RunCounts
from biometric_integration.core.store import Claim
from biometric_integration.core.stream import Cursor

LINE_SECONDS = 0.2
LOG_SECONDS = 5.0
WIDTH = 78


class Watch(Protocol):
	"""Told by the store what was just committed."""

	def staged(self, stream: str, counts: RunCounts) -> None: ...

	def settled(self, number: int) -> None: ...

	def done(self) -> None: ...


class Silent:
	"""Nobody looks."""

	def staged(self, stream: str, counts: RunCounts) -> None: ...

	def settled(self, number: int) -> None: ...

	def done(self) -> None: ...


class Progress:
	"""One line that changes on a terminal; elsewhere a line every few seconds."""

	def __init__(self, out: TextIO | None = None):
		"""`out`: standard error, unless told."""
		self._out = out or sys.stderr
		self._on_terminal = self._out.isatty()
		self._every = LINE_SECONDS if self._on_terminal else LOG_SECONDS
		self._shown_at = time.monotonic()
		self._stream = ""
		self._read = RunCounts()
		self._decided = 0

	def staged(self, stream: str, counts: RunCounts) -> None:
		if stream != self._stream:
			self._stream, self._read = stream, RunCounts()
		self._read.add(counts)
		self._show(f"{stream}: {self._read.fetched:,} rows read, {self._read.new:,} new punches")

	def settled(self, number: int) -> None:
		self._decided += number
		self._show(f"{self._decided:,} punches looked up")

	def done(self) -> None:
		"""Clear the line, so that something else can be printed."""
		if self._on_terminal:
			self._out.write("\r" + " " * WIDTH + "\r")
			self._out.flush()

	def _show(self, text: str) -> None:
		if time.monotonic() - self._shown_at < self._every:
			return
		self._shown_at = time.monotonic()
		self._out.write(f"\r{text[:WIDTH]:<{WIDTH}}" if self._on_terminal else f"{text}\n")
		self._out.flush()


class WatchedStore:
	"""A store that tells a watch about the two long things."""

	def __init__(self, store: Any, watch: Watch):
		self._store = store
		self._watch = watch

	def __getattr__(self, name: str) -> Any:
		return getattr(self._store, name)

	def stage(self, claim: Claim, punches: Sequence[Punch], cursor: Cursor | None = None) -> RunCounts:
		counts = self._store.stage(claim, punches, cursor)
		self._watch.staged(claim.stream.key, counts)
		return counts

	def mark_decided(self, decisions: Sequence[Decision], now: datetime) -> None:
		self._store.mark_decided(decisions, now)
		self._watch.settled(len(decisions))
