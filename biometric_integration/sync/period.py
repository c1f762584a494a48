"""Sync a Period: read a stretch of the past on request, with progress and a way to stop.

What was read stands in the sync logs, one per stream: a stopped one goes on with *Retry*. The progress itself is only shown, and kept in
the cache for a day.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta

import frappe
from frappe import _

from biometric_integration.core.errors import SyncError
from biometric_integration.core.summary import RunCounts, RunReport, RunStatus, Trigger, worst
from biometric_integration.core.window import DAY, Window
from biometric_integration.sync import jobs, servers

KEPT = 24 * 3600
LONGEST = timedelta(days=800)
BUSY_TRIES, BUSY_PAUSE = 60, 10
"""A stream that the scheduler is just reading is waited for: times, seconds."""


def start(target: servers.Server, units: list[str] | None, first: date, last: date, dry_run: bool) -> str:
	"""Queue the job; returns the key under which its progress is found. `first` and `last` are days of the server."""
	if last < first:
		frappe.throw(_("The period ends before it begins."))
	if last - first > LONGEST:
		frappe.throw(_("Please take at most {0} days at once.").format(LONGEST.days))
	key = frappe.generate_hash(length=10)
	_write(key, running=True, message=_("Waiting for a worker"), counts=vars(RunCounts()), logs=[])
	frappe.enqueue(
		"biometric_integration.sync.period.run",
		queue="long",
		timeout=4 * 3600,
		key=key,
		server=target.id,
		units=units,
		first=first.isoformat(),
		last=last.isoformat(),
		dry_run=dry_run,
	)
	return key


def run(key: str, server: str, units: list[str] | None, first: str, last: str, dry_run: bool) -> None:
	target = servers.get(server)
	end = datetime.combine(date.fromisoformat(last), datetime.min.time()) + DAY
	window = Window(datetime.fromisoformat(first), end)
	try:
		message = _survey(key, target, units, window) if dry_run else _read(key, target, units, window)
	except SyncError as error:
		message = error.message
	except Exception:
		_write(key, running=False, message=_("It broke off. The Error Log has the reason."))
		raise
	_write(key, running=False, message=message)


def state(key: str) -> dict:
	"""{"running", "message", "counts", "logs"} of a period; not running where nothing is known any more."""
	return frappe.cache.get_value(_key(key), expires=True) or {
		"running": False,
		"message": "",
		"counts": {},
		"logs": [],
	}


def cancel(key: str) -> None:
	"""Stop before the next request. What was read stays."""
	frappe.cache.set_value(_key(key) + ":cancelled", frappe.session.user, expires_in_sec=KEPT)


def _read(key: str, target: servers.Server, units: list[str] | None, window: Window) -> str:
	def watch(log: str, piece: Window | None, counts: RunCounts) -> str:
		if user := _cancelled_by(key):
			return _("Stopped by {0}. Retry goes on from there.").format(user)
		reading = _("Reading {0}").format(piece.start.date() if piece else "")
		_write(key, message=reading, counts=vars(counts), logs=[log])
		jobs.publish(target.id, "", "Running", reading, counts, log)
		return ""

	options = target.options(Trigger.PERIOD, units, window=window, watch=watch)
	reports = jobs.read(target, options)
	for _attempt in range(BUSY_TRIES):
		busy = [report for report in reports if report.status is RunStatus.RUNNING]
		if not busy or _cancelled_by(key):
			break
		time.sleep(BUSY_PAUSE)
		reports = [report for report in reports if report not in busy]
		reports += jobs.read(target, replace(options, units=_units(busy)))
	jobs.process()
	_write(key, counts=vars(_sum(reports)), logs=[report.log for report in reports])
	new = sum(report.counts.new for report in reports)
	return _("{0}: {1} new punches.").format(_(worst([report.status for report in reports]).value), new)


def _units(reports: list[RunReport]) -> list[str]:
	logs = [report.log for report in reports]
	return frappe.get_all("Biometric Sync Log", {"name": ("in", logs)}, pluck="unit", distinct=True)


def _survey(key: str, target: servers.Server, units: list[str] | None, window: Window) -> str:
	total = RunCounts()
	with closing(target.connector()) as connector:
		options = target.options(Trigger.PERIOD, units, window=window)
		for counts in jobs.engine().survey(connector, target.config, options):
			total.add(counts)
			_write(key, message=_("Counting"), counts=vars(total))
			if user := _cancelled_by(key):
				return _("Stopped by {0}.").format(user)
	return _("{0} punches would be new, {1} are known. Nothing was kept.").format(total.new, total.known)


def _sum(reports: list[RunReport]) -> RunCounts:
	total = RunCounts()
	for report in reports:
		total.add(report.counts)
	return total


def _write(key: str, **changes) -> None:
	frappe.cache.set_value(_key(key), {**state(key), **changes}, expires_in_sec=KEPT)


def _cancelled_by(key: str) -> str | None:
	return frappe.cache.get_value(_key(key) + ":cancelled", expires=True)


def _key(key: str) -> str:
	return f"biometric_period:{key}"
