"""The second loop, staging → check-ins: gather, decide, write, mark, batch by batch, in one lane.

A check-in and the mark of its event are one commit, so that a worker may stop at any point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from biometric_integration.core.batches import BATCH, batches
from biometric_integration.core.decide import Decision, Rules, decide, shift_questions, with_twins
from biometric_integration.core.directory import WaitingEvent
from biometric_integration.core.reasons import TAKEN_BACK
from biometric_integration.core.store import BatchLost, Interrupted, ProcessStore, TakenBack, repeated


def process(
	store: ProcessStore,
	rules: Callable[[], Rules],
	go_on: Callable[[], bool] = lambda: True,
	batch: int = BATCH,
) -> int:
	"""Decide about everything that waits, until nothing is left or `go_on` says stop; returns how many events were decided.

	One lane per site: whoever finds it taken leaves, its holder looks once more after giving it back.
	"""
	decided, reopened = 0, False
	while go_on():
		with store.lane() as mine:
			if not mine:
				return decided
			if not reopened:
				store.reopen()
			reopened = True
			in_pass = sum(_passes(store, rules, go_on, batch))
		decided += in_pass
		if not in_pass and not _left_to_us(store):
			return decided
	return decided


def _left_to_us(store: ProcessStore) -> bool:
	"""Did anybody find the lane taken after our last look, and leave something to us?"""
	store.roll_back()  # what others have committed meanwhile is seen
	return bool(store.waiting("", 1))


def _passes(
	store: ProcessStore, rules: Callable[[], Rules], go_on: Callable[[], bool], batch: int
) -> Iterator[int]:
	after = ""
	while go_on() and (events := store.waiting(after, batch)):
		events = events[: store.batch_size()]
		yield _used(store, events, rules)
		after = events[-1].name


def _used(store: ProcessStore, events: Sequence[WaitingEvent], rules: Callable[[], Rules]) -> int:
	return repeated(lambda: _use(store, events, rules()), store.roll_back)


def _use(store: ProcessStore, events: Sequence[WaitingEvent], rules: Rules) -> int:
	size = store.batch_size()
	if len(events) > size:  # meanwhile the host has found that it can do fewer
		return sum(_use(store, part, rules) for part in batches(events, size))
	decisions = with_twins(_written(store, _decided(store, events, rules)))
	try:
		store.mark_decided(decisions, rules.now)
	except TakenBack:
		return _use_alone(store, events, decisions, rules)
	return len(decisions)


def _decided(store: ProcessStore, events: Sequence[WaitingEvent], rules: Rules) -> list[Decision]:
	directory = store.directory(events, rules.reach)
	if questions := shift_questions(events, directory, rules):
		directory.shift_starts = store.shift_starts(questions)
	return decide(events, directory, rules)


def _use_alone(
	store: ProcessStore, events: Sequence[WaitingEvent], decisions: Sequence[Decision], rules: Rules
) -> int:
	"""A rule of the site rolled a whole batch back because of one row: each row by itself, until it is that one's turn."""
	store.roll_back()
	if len(events) > 1:
		return sum(_use(store, [event], rules) for event in events)
	store.mark_decided([decision.refused(TAKEN_BACK) for decision in decisions], rules.now)
	return len(decisions)


def _written(store: ProcessStore, decisions: Sequence[Decision]) -> Iterator[Decision]:
	made = store.create_together([decision for decision in decisions if decision.creates])
	for decision in decisions:
		if not decision.creates:
			yield decision
		elif record := made.get(decision.event.name):
			yield decision.done(record)
		else:
			yield _created(store, decision)


def _created(store: ProcessStore, decision: Decision) -> Decision:
	try:
		return decision.done(store.create(decision))
	except (BatchLost, Interrupted):
		raise
	except (
		Exception
	) as error:  # any hook of the site may refuse a check-in in any way: it is this row's, and waits
		return decision.refused(str(error) or type(error).__name__)
