"""One run while it goes on: what has been kept, and how far its cursor may move.

Order is the guarantee: rows are committed before or with the cursor that passes them, never after.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from datetime import datetime

from biometric_integration.core.concerns import INVALID_ROWS, TAKEN_BACK, TAKEN_OVER
from biometric_integration.core.errors import SyncError
from biometric_integration.core.punch import Punch
from biometric_integration.core.runs import Outcome, RunCounts, RunReport
from biometric_integration.core.store import BatchLost, Claim, Fenced, PullStore, repeated
from biometric_integration.core.stream import Cursor
from biometric_integration.core.window import Window

Watch = Callable[[str, "Window | None", RunCounts], str]


class Stopped(Exception):
	"""The run ends here, for the reason in the sentence; what was read stays."""


class Reading:
	"""A run, from its claim to its end.

	cursor: where it begins, then how far it has come. hole: something before `cursor.read_until` may not have come. A cursor that has moved is written before the next request, or with the
	end of the run.
	"""

	def __init__(self, store: PullStore, claim: Claim, watch: Watch):
		self.claim = claim
		self.cursor = claim.cursor
		self.outcome = Outcome()
		self.hole = False
		self._store = store
		self._watch = watch
		self._unsaved: Cursor | None = None

	def go_on(self, piece: Window | None) -> None:
		"""Before each request: nothing that was read is open any more. Raises Stopped where whoever watches has had enough."""
		if self._unsaved:
			self._stage((), self._unsaved)
		if sentence := self._watch(self.claim.log, piece, self.outcome.counts):
			raise Stopped(sentence)

	def keep(self, punches: Sequence[Punch], cursor: Cursor | None = None) -> None:
		"""Commit the punches and, with them, the cursor that passes them."""
		if punches or cursor is not None:
			self._stage(punches, cursor)
		self.cursor = cursor or self.cursor

	def move(self, cursor: Cursor, worth_writing: bool = True) -> None:
		"""What the cursor passes is committed already."""
		self.cursor = cursor
		if worth_writing:
			self._unsaved = cursor

	def leave_hole(self, sentence: str) -> None:
		self.hole = True
		self.outcome.worry(sentence)

	def _stage(self, punches: Sequence[Punch], cursor: Cursor | None) -> None:
		counts = repeated(lambda: self._store.stage(self.claim, punches, cursor))
		self._unsaved = self._unsaved if cursor is None else None
		self.outcome.counts.add(counts)
		if counts.invalid:
			self.outcome.worry(INVALID_ROWS)

	def read(self, read: Callable[[], None]) -> None:
		"""Do the reading; whatever ends it becomes the outcome of this run, and stops no other."""
		try:
			read()
		except Fenced:
			self._store.roll_back()
			self.outcome.skipped = TAKEN_OVER
		except Stopped as stopped:
			self.outcome.is_cut = True
			self.outcome.worry(str(stopped))
		except SyncError as error:
			self._fail(error)
		except BatchLost as lost:
			self._fail(SyncError(TAKEN_BACK.format(why=lost.why)))
		except (
			Exception
		) as error:  # a defect, ours or the host's, must not keep other streams from being read
			self._fail(_unexpected(error))

	def _fail(self, error: SyncError) -> None:
		self._store.roll_back()
		self.outcome.error = error

	def finish(self) -> None:
		cursor = None if self.outcome.skipped else self._unsaved
		try:
			repeated(lambda: self._store.finish(self.claim, self.outcome, cursor))
		except Fenced:
			self._store.roll_back()
			self.outcome.skipped = TAKEN_OVER
			repeated(lambda: self._store.finish(self.claim, self.outcome))

	def report(self, started: datetime) -> RunReport:
		outcome = self.outcome
		return RunReport(
			self.claim.log,
			self.claim.stream.key,
			outcome.status,
			outcome.message,
			outcome.counts,
			started,
			outcome.error,
		)


def _unexpected(error: Exception) -> SyncError:
	"""The trace without the values of variables: no secret gets in."""
	frames = "".join(traceback.format_tb(error.__traceback__))
	return SyncError(
		f"Something unexpected happened ({type(error).__name__}). The log's detail has the trace.", frames
	)
