"""Syncing from `bench execute`, for the person who looks for a fault."""

from __future__ import annotations

from biometric_integration.core.runs import RunReport, Trigger, worst
from biometric_integration.sync import jobs
from biometric_integration.sync.desk.ask import chosen
from biometric_integration.sync.records import sync_log


def sync(server: str | None, device: str | None) -> dict:
	"""Pull and process here and now, printing each run as it ends; returns the whole as a dict."""
	reports = []
	for target, units in chosen(server, device):
		print(f"{target.label} ({target.config.server_type})", flush=True)
		reports += jobs.pull_server(target.id, Trigger.CONSOLE.value, units, on_report=_print)
	counts = sync_log.event_counts([report.log for report in reports if report.log])
	runs = [{**_run(report), **vars(counts[report.log])} for report in reports if report.log]
	created = sum(run["created"] for run in runs)
	overall = worst([report.status for report in reports])
	message = f"{overall.value}: {len(runs)} runs, {sum(run['new'] for run in runs)} new punches, {created} check-ins."
	print(message, flush=True)
	return {"status": overall.value, "message": message, "runs": runs}


def _print(report: RunReport) -> None:
	counts = report.counts
	print(
		f"  {report.status.value:<8} {report.stream}: {counts.fetched} rows, {counts.new} new, {counts.known} known, "
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
