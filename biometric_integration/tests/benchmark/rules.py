"""What mapping rules cost: the same punches with none, and with one for each id, an id or a pattern, in turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from time import process_time

import frappe

from biometric_integration.core.decide import Rules, decide
from biometric_integration.core.directory import Directory, WaitingEvent
from biometric_integration.sync.process.mapping_rules import DOCTYPE
from biometric_integration.sync.records import servers
from biometric_integration.sync.store import ProcessStore
from biometric_integration.tests.benchmark import place
from biometric_integration.tests.benchmark.fake import Remote
from biometric_integration.tests.benchmark.place import timed
from biometric_integration.tests.benchmark.table import Line, Table

RULES = 1000
BATCH = 1000
ROUNDS = 7
REPEATS = 5
Times = dict[str, list[float]]
"""Seconds of each round."""

FIELDS = ("name", "device_user_id", "action", "employee", "scope")
KINDS: Mapping[str, Callable[[str], str] | None] = {
	"no rules": None,
	"a rule for each id": str,
	"a pattern for each id": "{}*".format,
}


def measure(table: Table) -> None:
	place.clear()
	with Remote("eTimeTrackLite", place.past(BATCH * ROUNDS * len(KINDS), RULES)) as remote:
		people = place.employ(remote.ledger)
		place.empty()
		place.connect_to([remote], remote.ledger.first_day)
		place.warm_up(remote, remote.ledger.first_day)
		place.empty()
		place.pull(remote.id, remote.ledger.utc_now)
		try:
			_measure(table, people)
		finally:
			_rule(people, None)


def _measure(table: Table, people: Mapping[str, str]) -> None:
	store, rules = ProcessStore(), servers.rules()
	deciding: Times = {kind: [] for kind in KINDS}
	using: Times = {kind: [] for kind in KINDS}
	with store.lane():
		for _ in range(ROUNDS):
			for kind, pattern in KINDS.items():
				_rule(people, pattern)
				waiting = store.waiting("", BATCH)
				deciding[kind].append(_decided(store, waiting, rules))
				using[kind].append(timed(lambda: _use(store, rules))[0])
	_show(table, "deciding", deciding)
	_show(table, "using, deciding included", using)


def _show(table: Table, name: str, took: Times) -> None:
	for kind, seconds in took.items():
		ratios = sorted(one / base for one, base in zip(seconds, took["no rules"], strict=True))
		note = f"{median(ratios):.2f} times ({ratios[0]:.2f}–{ratios[-1]:.2f}) as long in each round"
		table.add(Line(f"{name}: {kind}", BATCH, median(seconds), note=note))


def _rule(people: Mapping[str, str], pattern: Callable[[str], str] | None) -> None:
	"""There are these rules, and no others."""
	frappe.db.delete(DOCTYPE)
	if pattern:
		rows = [
			(f"RULE-{code}", pattern(code), "Map to Employee", employee, "Any")
			for code, employee in people.items()
		]
		frappe.db.bulk_insert(DOCTYPE, FIELDS, rows)
	frappe.db.commit()  # nosemgrep -- as a person who saved them


def _decided(store: ProcessStore, waiting: Sequence[WaitingEvent], rules: Rules) -> float:
	"""Seconds of the processor: it asks nobody, and others may be at work."""
	return min(_seconds(store.directory(waiting, rules.reach), waiting, rules) for _ in range(REPEATS))


def _seconds(directory: Directory, waiting: Sequence[WaitingEvent], rules: Rules) -> float:
	started = process_time()
	decide(waiting, directory, rules)
	return process_time() - started


def _use(store: ProcessStore, rules: Rules) -> None:
	waiting = store.waiting("", BATCH)
	decisions = decide(waiting, store.directory(waiting, rules.reach), rules)
	made = store.create_together([decision for decision in decisions if decision.creates])
	store.mark_decided(
		[each.done(made[each.event.name]) if each.creates else each for each in decisions], rules.now
	)
