"""Sync a Period: read a stretch of the past on request, with progress and a way to stop.

What was read stands in the sync logs, one per stream: each that was stopped goes on with *Retry*, to the end of the period. The progress itself is only shown.
"""

from __future__ import annotations

from contextlib import closing
from datetime import date, datetime, timedelta

import frappe
from frappe import _

from biometric_integration.core.errors import SyncError
from biometric_integration.core.runs import RunCounts, RunStatus, Trigger
from biometric_integration.core.window import DAY, Window
from biometric_integration.sync import jobs
from biometric_integration.sync.db import transaction
from biometric_integration.sync.desk.progress import KEPT, Progress
from biometric_integration.sync.records import servers, sync_log

RUN = "biometric_integration.sync.desk.period.run"
LONGEST = timedelta(days=800)
TROUBLED = (RunStatus.FAILED, RunStatus.PARTIAL)
CHUNK = timedelta(days=31)
"""Read by one job."""


def start(target: servers.Server, units: list[str] | None, first: date, last: date, dry_run: bool) -> str:
	"""Queue the job; returns the key under which its progress is found. `first` and `last` are days of the server."""
	if last < first:
		frappe.throw(_("The period ends before it begins."))
	if last - first > LONGEST:
		frappe.throw(_("Please take at most {0} days at once.").format(LONGEST.days))
	key = frappe.generate_hash(length=10)
	counts = vars(RunCounts())
	arguments = _arguments(key, target.id, units, first, last, dry_run)
	_progress(key).begin(RUN, arguments, message=_("Waiting for a worker"), counts=counts, logs=[])
	return key


def _progress(key: str) -> Progress:
	return Progress("period", key)


def _arguments(
	key: str, server: str, units: list[str] | None, first: date, last: date, dry_run: bool
) -> dict:
	"""Of `run`, as a job takes them."""
	return {
		"key": key,
		"server": server,
		"units": units,
		"first": first.isoformat(),
		"last": last.isoformat(),
		"dry_run": dry_run,
	}


def run(
	key: str, server: str, units: list[str] | None, first: str, last: str, dry_run: bool, part: int = 0
) -> None:
	"""Read (or count) one chunk of the period, then ask for the next one: a long period does not keep a worker from everything else."""
	begin, final = date.fromisoformat(first), date.fromisoformat(last)
	end = min(begin + CHUNK, final + DAY)
	window = Window(datetime.combine(begin, datetime.min.time()), datetime.combine(end, datetime.min.time()))
	try:
		if dry_run:
			_survey(key, servers.get(server), units, window)
		else:
			_read(key, servers.get(server), units, window, final)
	except SyncError as error:
		begun_at = _("What is left begins on {0}: choose Sync a Period again.").format(begin)
		_progress(key).write(running=False, message=f"{error.message} {begun_at}")
	except Exception:
		_progress(key).write(
			running=False, message=_("It broke off. An administrator finds the reason in the Error Log.")
		)
		raise
	else:
		_go_on(key, server, units, end, final, dry_run, part)


def _go_on(
	key: str, server: str, units: list[str] | None, begin: date, final: date, dry_run: bool, part: int
) -> None:
	if user := _cancelled_by(key):
		_progress(key).write(
			running=False,
			message=_("Stopped by {0}. Retry on its sync log goes on, to the end of the period.").format(
				user
			),
		)
	elif begin <= final:
		_progress(key).go_on(RUN, part + 1, _arguments(key, server, units, begin, final, dry_run))
	else:
		_progress(key).write(running=False, message=_conclusion(state(key), dry_run))


def _conclusion(known: dict, dry_run: bool) -> str:
	counts, troubled = known["counts"], known.get("troubled")
	if troubled:
		sentence = _(
			"{0} of {1} runs had a problem, so punches may be missing: see below. {2} new punches, {3} were known."
		)
		return sentence.format(troubled, len(known["logs"]), counts.get("new", 0), counts.get("known", 0))
	if dry_run:
		sentence = _("{0} punches would be new, {1} are known. Nothing was kept.")
		return sentence.format(counts.get("new", 0), counts.get("known", 0))
	return _("{0} new punches, {1} were known.").format(counts.get("new", 0), counts.get("known", 0))


def state(key: str) -> dict:
	"""{"running", "message", "counts", "logs"} of a period; not running where nothing is known any more."""
	return {"counts": {}, "logs": [], **_progress(key).state()}


def shown_state(key: str) -> dict:
	"""The same for a person; a worker that is gone does not run."""
	stopped = _(
		"The worker stopped. Retry on each sync log that failed goes on, to the end of the period. Devices without a log were not begun."
	)
	return {"counts": {}, "logs": [], **_progress(key).shown(stopped)}


def cancel(key: str) -> None:
	"""Stop before the next request. What was read stays."""
	frappe.cache.set_value(_cancelled(key), frappe.session.user, expires_in_sec=KEPT)


def _read(key: str, target: servers.Server, units: list[str] | None, window: Window, final: date) -> None:
	"""Each log knows the end of the period: *Retry* reads the rest of it as well."""
	before = state(key)
	told: list[str] = []

	def watch(log: str, piece: Window | None, counts: RunCounts) -> str:
		if log not in told:
			transaction.in_one(lambda: frappe.db.set_value(sync_log.DOCTYPE, log, "period_until", final))
			told.append(log)
		if user := _cancelled_by(key):
			return _("Stopped by {0}. Retry goes on from there, to {1}.").format(user, final)
		reading = _("Reading {0}").format(piece.start.date() if piece else "")
		_progress(key).write(message=reading, logs=[*before["logs"], *told])
		jobs.publish(target.id, "", RunStatus.RUNNING.value, reading, counts, log)
		return ""

	options = target.options(Trigger.PERIOD, units, window=window, watch=watch)
	reports = jobs.read_in_turn(target, options, lambda: not _cancelled_by(key))
	jobs.process()
	unread = [report for report in reports if report.status is RunStatus.RUNNING or not report.log]
	read = [report for report in reports if report not in unread]
	_add(key, [report.counts for report in read], [report.log for report in read])
	_progress(key).write(
		troubled=before.get("troubled", 0) + sum(report.status in TROUBLED for report in read)
	)
	if unread and not _cancelled_by(key):
		raise SyncError(unread[0].message)


def _survey(key: str, target: servers.Server, units: list[str] | None, window: Window) -> None:
	with closing(target.connector()) as connector:
		options = target.options(Trigger.PERIOD, units, window=window)
		for counts in jobs.puller().survey(connector, target.config, options):
			_add(key, [counts], [])
			_progress(key).write(message=_("Counting"))
			if _cancelled_by(key):
				return


def _add(key: str, counts: list[RunCounts], logs: list[str]) -> None:
	before = state(key)
	total = RunCounts(**before["counts"])
	for each in counts:
		total.add(each)
	known = [log for log in before["logs"] if log not in logs]
	_progress(key).write(counts=vars(total), logs=[*known, *logs])


def _cancelled_by(key: str) -> str | None:
	return frappe.cache.get_value(_cancelled(key), expires=True)


def _cancelled(key: str) -> str:
	return f"{_progress(key).cache_key}:cancelled"
