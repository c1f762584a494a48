"""The second loop, staging → check-ins: gather, decide, write, mark, batch by batch, in one lane.

A check-in and the mark of its event are one commit, so that a worker may stop at any point. A batch that fails in any way is done row by
row: the row that fails says why, and stops nobody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from biometric_integration.core.batches import BATCH, batches
from biometric_integration.core.decide import (
	Decision,
	Rules,
	border_questions,
	decide,
	shift_questions,
	with_twins,
)
from biometric_integration.core.directory import Directory, WaitingEvent
from biometric_integration.core.errors import SyncError
from biometric_integration.core.reasons import Reason
from biometric_integration.core.store import BatchLost, Interrupted, ProcessStore, TakenBack, repeated


def process(
	store: ProcessStore,
	rules: Callable[[], Rules],
	go_on: Callable[[], bool] = lambda: True,
	batch: int = BATCH,
	note: Callable[[Exception], None] = lambda error: None,
) -> int:
	"""Decide about everything that waits, until nothing is left or `go_on` says stop; returns how many events were decided.

	One lane per site: whoever finds it taken leaves, its holder looks once more after giving it back. `note` is told of each defect.
	"""
	work = _Work(store, rules, go_on, batch, note)
	decided, reopened = 0, False
	while go_on():
		with store.lane() as mine:
			if not mine:
				return decided
			if not reopened:
				store.reopen(rules().now)
			reopened = True
			in_pass = sum(work.passes())
		decided += in_pass
		if not in_pass and not work.is_left_to_us():
			return decided
	return decided


class _Work:
	"""What waits, in the hands of one holder of the lane.

	lost: events that the database took back each time; they are left to the next job.
	"""

	def __init__(
		self,
		store: ProcessStore,
		rules: Callable[[], Rules],
		go_on: Callable[[], bool],
		batch: int,
		note: Callable[[Exception], None],
	):
		self._store = store
		self._rules = rules
		self._go_on = go_on
		self._batch = batch
		self._note = note
		self._lost: set[str] = set()

	def is_left_to_us(self) -> bool:
		"""Did anybody find the lane taken after our last look, and leave something to us?"""
		self._store.roll_back()  # what others have committed meanwhile is seen
		waiting = self._store.waiting("", len(self._lost) + 1)
		return any(event.name not in self._lost for event in waiting)

	def passes(self) -> Iterator[int]:
		after = ""
		while self._go_on() and (events := self._store.waiting(after, self._batch)):
			events = events[: self._store.batch_size()]
			yield self._used([event for event in events if event.name not in self._lost])
			after = events[-1].name

	def _used(self, events: Sequence[WaitingEvent]) -> int:
		try:
			return repeated(lambda: self._use(events, self._rules()), self._store.roll_back)
		except Interrupted:
			raise
		except BatchLost as lost:
			values = {"words": words} if (words := str(lost)) else None
		except TakenBack:
			values = {}
		except SyncError as error:
			values = {"words": error.message}
		except Exception as error:  # a defect, ours or the site's, concerns the row that it is about
			self._note(error)
			values = {"error": type(error).__name__, "message": str(error)}
		self._store.roll_back()
		if len(events) > 1:
			return sum(self._used([event]) for event in events)
		return self._given_up(events[0], values)

	def _given_up(self, event: WaitingEvent, values: Mapping[str, str] | None) -> int:
		"""Without values nobody has refused it: the database did not take it, and it is left to the next job."""
		try:
			if values is not None:
				refused, now = Decision(event, Reason.HRMS_REFUSED, values), self._rules().now
				repeated(lambda: self._store.mark_decided([refused], now), self._store.roll_back)
				return 1
		except BatchLost:
			self._store.roll_back()
		self._lost.add(event.name)
		return 0

	def _use(self, events: Sequence[WaitingEvent], rules: Rules) -> int:
		if not events:
			return 0
		size = self._store.batch_size()
		if len(events) > size:  # meanwhile the host has found that it can do fewer
			return sum(self._use(part, rules) for part in batches(events, size))
		directory = self._known(events, rules)
		known = directory.clocks
		decisions = with_twins(self._written(self._decided(events, directory, rules)))
		if shown := {key: clock for key, clock in directory.clocks.items() if known.get(key) != clock}:
			self._store.note_clocks(shown)
		self._store.mark_decided(decisions, rules.now)
		return len(decisions)

	def _decided(self, events: Sequence[WaitingEvent], directory: Directory, rules: Rules) -> list[Decision]:
		decisions = decide(events, directory, rules)
		repeats = border_questions(decisions)
		borders = self._store.shift_borders(repeats, rules.repeat_window) if repeats else None
		if not borders:
			return decisions
		again = self._known(events, rules)
		again.borders = borders
		return decide(events, again, rules)

	def _known(self, events: Sequence[WaitingEvent], rules: Rules) -> Directory:
		directory = self._store.directory(events, rules.reach)
		if questions := shift_questions(events, directory, rules):
			directory.shifts = self._store.shifts(questions)
		return directory

	def _written(self, decisions: Sequence[Decision]) -> Iterator[Decision]:
		made = self._store.create_together([decision for decision in decisions if decision.creates])
		for decision in decisions:
			if not decision.creates:
				yield decision
			elif record := made.get(decision.event.name):
				yield decision.done(record)
			else:
				yield self._created(decision)

	def _created(self, decision: Decision) -> Decision:
		try:
			return decision.done(self._store.create(decision))
		except (BatchLost, Interrupted):
			raise
		except (
			Exception
		) as error:  # any hook of the site may refuse it in any way: it is this row's, and waits
			return decision.refused(str(error) or type(error).__name__)
