"""Syncing from `bench execute`, for the person who looks for a fault."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

import frappe
from frappe.query_builder import DocType
from frappe.query_builder.functions import Count

from biometric_integration.core.reasons import EventStatus
from biometric_integration.core.runs import RunReport, RunStatus, Trigger, worst
from biometric_integration.sync import jobs
from biometric_integration.sync.db import locks
from biometric_integration.sync.desk.ask import chosen
from biometric_integration.sync.records import staging, sync_log, words

PAUSE = 0.5
"""Seconds between two looks whether the lane is free."""

USED = (EventStatus.PROCESSED.value, EventStatus.IGNORED.value)


def sync(server: str | None, device: str | None) -> dict:
	"""Pull and process here and now, printing each run as it ends and what came of the punches; returns the whole as a dict."""
	reports = []
	for target, units in chosen(server, device):
		print(f"{target.label} ({target.config.server_type})", flush=True)
		reports += jobs.pull_server(target.id, Trigger.CONSOLE.value, units, on_report=_print)
	all_used = use()
	logs = [report.log for report in reports if report.log]
	counts = sync_log.event_counts(logs)
	runs = [{**_run(report), **vars(counts[report.log])} for report in reports if report.log]
	overall = worst([*(report.status for report in reports), *([] if all_used else [RunStatus.PARTIAL])])
	new, created = (sum(run[count] for run in runs) for count in ("new", "created"))
	message = f"{overall.value}: {len(runs)} runs, {new} new punches, {created} check-ins."
	waiting = _waiting(logs)
	for (status, reason), count in waiting.most_common():
		print(f"  {count} {status}: {reason or 'not used yet.'}", flush=True)
	print(message, flush=True)
	return {"status": overall.value, "message": message, "runs": runs}


def use() -> bool:
	"""Use what waits, and wait for whoever holds the lane; False where something still waits to be used."""
	in_time = jobs.budget()
	while waits := jobs.anything_waits():
		used, is_taken = jobs.process(in_time), locks.taken(locks.LANE)
		if not in_time() or not (used or is_taken):
			return not jobs.anything_waits()
		if is_taken:
			time.sleep(PAUSE)
	return not waits


def _waiting(logs: Sequence[str]) -> Counter[tuple[str, str]]:
	"""(status, reason) of the punches of these runs that are no check-ins → how many."""
	if not logs:
		return Counter()
	event = DocType(staging.DOCTYPE)
	query = (
		frappe.qb.from_(event)
		.select(event.status, event.reason_code, Count(event.name))
		.where(event.sync_log.isin(logs) & event.status.notin(USED))
		.groupby(event.status, event.reason_code)
	)
	return Counter({(status, reason or ""): count for status, reason, count in query.run()})


def _print(report: RunReport) -> None:
	counts = report.counts
	print(
		f"  {report.status.value:<8} {words.stream(report.stream)}: {counts.fetched} rows, {counts.new} new, {counts.known} known, "
		f"{counts.junk} junk, {counts.invalid} unreadable. {report.message}".rstrip(),
		flush=True,
	)


def _run(report: RunReport) -> dict:
	return {
		"log": report.log,
		"stream": report.stream,
		"status": report.status.value,
		"message": report.message,
		**vars(report.counts),
	}
