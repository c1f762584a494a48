"""Background jobs: hints, no more. What is to be done stands in the database (design §5)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timezone

import frappe
from frappe.utils import get_system_timezone

from biometric_integration.core.engine import Engine
from biometric_integration.core.summary import RunReport, Trigger
from biometric_integration.sync import servers, transaction
from biometric_integration.sync.servers import SETTINGS
from biometric_integration.sync.store import FrappeStore

PROCESS_BUDGET = 1200
"""Seconds after which a job leaves the rest to the next tick; the queue ends it at 1,500."""


def engine() -> Engine:
	return Engine(FrappeStore(), _utc_now, get_system_timezone())


def _utc_now() -> datetime:
	return datetime.now(timezone.utc)


def pull_server(
	server: str,
	trigger: str = Trigger.SCHEDULED.value,
	units: list[str] | None = None,
	on_report: Callable[[RunReport], None] | None = None,
) -> list[RunReport]:
	"""Read a server, and use what came. One report per run."""
	target = servers.get(server)
	connector = target.connector()
	reports = []
	try:
		for report in engine().pull(connector, target.config, target.options(Trigger(trigger), units)):
			reports.append(report)
			_publish(target.id, report)
			if on_report:
				on_report(report)
	finally:
		connector.close()
	servers.remember(target)
	servers.note_result(target, reports)
	transaction.commit()
	process()
	return reports


def process() -> int:
	"""Use everything that waits; returns how many events were decided."""
	end = time.monotonic() + PROCESS_BUDGET
	return engine().process(servers.rules, lambda: time.monotonic() < end)


def enqueue_pull(server: str, trigger: Trigger, units: Iterable[str] | None = None) -> bool:
	"""Ask for a pull; False where one is queued or running already."""
	job = frappe.enqueue(
		"biometric_integration.sync.jobs.pull_server",
		queue="long",
		job_id=f"biometric-pull-{server}",
		deduplicate=True,
		server=server,
		trigger=trigger.value,
		units=None if units is None else list(units),
	)
	return job is not None


def enqueue_process() -> None:
	frappe.enqueue(
		"biometric_integration.sync.jobs.process",
		queue="long",
		job_id="biometric-process",
		deduplicate=True,
		enqueue_after_commit=True,
	)


def _publish(server: str, report: RunReport) -> None:
	"""Tell an open settings form."""
	message = {
		"server": server,
		"stream": report.stream,
		"state": "finished",
		"status": report.status.value,
		"message": report.message,
		"counts": vars(report.counts),
		"log": report.log,
	}
	frappe.publish_realtime("biometric_sync", message, doctype=SETTINGS, docname=SETTINGS)
