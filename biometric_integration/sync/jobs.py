"""Background jobs: hints, no more. What is to be done stands in the database (design §5)."""

from __future__ import annotations

import time
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime, timezone

from redis.exceptions import RedisError

import frappe
from frappe import _
from frappe.utils import get_system_timezone, now_datetime
from frappe.utils.background_jobs import (
	create_job_id,
	get_job_status,
	get_queue,
	get_queue_list,
	get_queues,
)

from biometric_integration.core.connector import TellsPings
from biometric_integration.core.errors import SyncError
from biometric_integration.core.periods import deepest_look
from biometric_integration.core.process import process as process_staged
from biometric_integration.core.pull import Puller, PullOptions
from biometric_integration.core.reading import Watch
from biometric_integration.core.runs import RunCounts, RunReport, RunStatus, Trigger
from biometric_integration.core.text import harmless
from biometric_integration.core.window import Window
from biometric_integration.sync.db import locks, transaction
from biometric_integration.sync.records import periods, pings, servers, staging, sync_log, times
from biometric_integration.sync.records.servers import SETTINGS
from biometric_integration.sync.store import ProcessStore, PullStore
from biometric_integration.sync.workdays import attendance, judging, notices, silent, sweep, watermark

BUDGET = 1200
"""Seconds after which a job, reading and using together, leaves the rest to the next one; the queue would end it at 1,500."""

WORKDAYS_BUDGET = 60
"""The same of a job that judges workdays: punches come first, and there may be one worker for both."""

ENOUGH = 1000
"""New punches of a run after which it is worth while for another worker to begin using them."""

BUSY_TRIES, BUSY_PAUSE = 30, 10
"""A stream that somebody else is just reading is waited for: times, seconds."""

PROCESS, BEHIND = "biometric-process", "biometric-process-behind"
"""Names of the job that uses what waits, and of the one that follows it."""

LIVE, LIVE_FOR = "live", 900
"""Name of what is expected where a punch came by itself, and of the lock of who waits for it; for so many seconds."""

LIVE_AT_MOST, LOOK_EVERY = 50, 0.2
"""Seconds that one job waits for the next punch, and between two looks."""

QUEUED, STARTED = "queued", "started"
"""States of a job that has not ended."""

RETRY_TURNS = 10
"""So many names of a retry that waits in vain are looked for."""

READ = (RunStatus.SUCCESS, RunStatus.PARTIAL)

InTime = Callable[[], bool]


def puller() -> Puller:
	return Puller(PullStore(), _utc_now, get_system_timezone())


def _utc_now() -> datetime:
	return datetime.now(timezone.utc)


def pull_server(
	server: str,
	trigger: str = Trigger.SCHEDULED.value,
	units: list[str] | None = None,
	on_report: Callable[[RunReport], None] | None = None,
) -> list[RunReport]:
	"""Read a server, and use what came. One report per run."""
	target, in_time = servers.get(server), budget()
	options = target.options(Trigger(trigger), units, feeds=servers.feeds_left(target), in_time=in_time)
	from_where_they_began = {unit for unit, day in options.start_dates.items() if day is None}
	watch = _until_stopped(server, from_where_they_began, _while(in_time))
	reports = read(target, replace(options, watch=watch), on_report)
	process(in_time)
	return reports


def read(
	target: servers.Server, options: PullOptions, on_report: Callable[[RunReport], None] | None = None
) -> list[RunReport]:
	"""Pull what `options` ask for, telling the settings form of each run; what was found out about the server is remembered, and how it went."""
	reports: list[RunReport] = []
	if target.read_by:  # asked for before a bridge was chosen
		return reports
	if options.trigger is not Trigger.CONSOLE and not servers.rules().asks_for_shifts:
		options = replace(options, watch=_while_others_use(options.watch))
	with closing(_pulled(target, options)) as pulled:  # whatever happens here, no run goes on by itself
		for report in pulled:
			reports.append(report)
			publish(target.id, report.stream, report.status.value, report.message, report.counts, report.log)
			if on_report:
				on_report(report)
	transaction.in_one(lambda: servers.remember(target))
	transaction.in_one(lambda: servers.note_result(target, reports))
	return reports


def note_failure(target: servers.Server, error: SyncError) -> None:
	"""Of a server as a whole, where no run has told of it: the scheduler waits as after one."""
	transaction.in_one(lambda: servers.note_result(target, [_failed(target, error)]))


def _failed(target: servers.Server, error: SyncError) -> RunReport:
	return RunReport("", target.id, RunStatus.FAILED, error.message, RunCounts(), _utc_now(), error)


def _pulled(target: servers.Server, options: PullOptions) -> Generator[RunReport, None, None]:
	"""One report, of no run, where the server cannot even be asked."""
	try:
		connector = target.connector()
	except SyncError as error:
		yield _failed(target, error)
		return
	with closing(connector), closing(puller().pull(connector, target.config, options)) as pulled:
		answers = False
		for report in pulled:
			answers = report.error is None and report.status in READ
			yield report
		if answers and isinstance(connector, TellsPings):
			pings.ask(connector, target, options.in_time)


def read_in_turn(
	target: servers.Server, options: PullOptions, go_on: Callable[[], bool] = lambda: True
) -> list[RunReport]:
	"""The same, and a stream that somebody else is reading at this moment is waited for, as long as `go_on` says so."""
	reports = read(target, options)
	for _attempt in range(BUSY_TRIES):
		busy = [report for report in reports if report.status is RunStatus.RUNNING]
		if not (busy and go_on()):
			break
		time.sleep(BUSY_PAUSE)
		reports = [report for report in reports if report not in busy]
		reports += read(target, replace(options, units=_units(busy)))
	return reports


def _units(reports: Iterable[RunReport]) -> list[str]:
	logs = [report.log for report in reports]
	return frappe.get_all("Biometric Sync Log", {"name": ("in", logs)}, pluck="unit", distinct=True)


def retry(log: str, turn: int = 0) -> list[RunReport]:
	"""Read the window of a run once more, or what its stream has now where it had none.

	A stream that somebody else reads all the while is asked for again, behind whoever waits by then; so is what there was no time for.
	"""
	of = frappe.db.get_value("Biometric Sync Log", log, "*", as_dict=True)
	target, in_time = servers.get(of.server), budget()
	options = target.options(
		Trigger.RETRY, [of.unit or ""], feeds=[of.feed], window=_window_again(of), watch=_while(in_time)
	)
	reports = read_in_turn(target, options, in_time)
	mine = [report.log for report in reports if report.log and report.status is not RunStatus.RUNNING]
	for name in mine:
		frappe.db.set_value("Biometric Sync Log", name, "retried_from", log)
	transaction.commit()
	if any(report.status is RunStatus.RUNNING for report in reports):
		enqueue_retry(log, turn + 1)
	elif not in_time():
		for name in filter(_has_begun, mine):
			enqueue_retry(name)
	process(in_time)
	return reports


def _window_again(of) -> Window | None:
	goes_on = of.trigger in (Trigger.PERIOD.value, Trigger.RETRY.value) and of.read_to
	start = of.window_from
	if goes_on and of.read_to < of.window_to:
		start = of.read_to
	return Window(start, max(start, of.window_to)) if start else None


def _has_begun(log: str) -> bool:
	"""Was a part of its window read, and not all of it? Where not even one request ends in time, asking again is left to a person."""
	start, read_to, end = frappe.db.get_value(
		"Biometric Sync Log", log, ["window_from", "read_to", "window_to"]
	)
	return bool(read_to and start < read_to < end)


def budget(seconds: int | None = None) -> InTime:
	end = time.monotonic() + (BUDGET if seconds is None else seconds)
	return lambda: time.monotonic() < end


def _while(in_time: InTime) -> Watch:
	def watch(log: str, piece: Window | None, counts: RunCounts) -> str:
		return "" if in_time() else _("The time for one job was over. The next run goes on from there.")

	return watch


def _until_stopped(server: str, spared: Collection[str], watch: Watch) -> Watch:
	"""Where a person has stopped the first read of a server, no run goes on with what is older than any look back.

	spared: units that had been stopped before. Nothing of their past is planned: what they ask for, however old, is what is missing of the days that go on.
	"""
	units: dict[str, str] = {}

	def watching(log: str, piece: Window | None, counts: RunCounts) -> str:
		if piece and piece.start < deepest_look(now_datetime()):
			transaction.commit()  # what was decided meanwhile is seen
			if log not in units:
				units[log] = frappe.db.get_value("Biometric Sync Log", log, "unit") or ""
			stopped_by = None if units[log] in spared else periods.set_aside(server).get(units[log])
			if stopped_by is not None:
				return _("Stopped by {0}. Resume on its Sync Period goes on from there.").format(stopped_by)
		return watch(log, piece, counts)

	return watching


def _while_others_use(watch: Watch) -> Watch:
	"""In a long run another worker may use what has come so far; where there is only one, it is used when the run has ended.

	Not where the first punch of a shift is IN: another device may still bring an earlier one.
	"""
	asked: Counter[str] = Counter()

	def watching(log: str, piece: Window | None, counts: RunCounts) -> str:
		if counts.new >= asked[log] + ENOUGH:
			asked[log] = counts.new
			enqueue_process(after_commit=False)
		return watch(log, piece, counts)

	return watching


def process(in_time: InTime | None = None) -> int:
	"""Use everything that waits; returns how many events were decided.

	Where the first punch of a shift is IN, none is used while times are put right: an earlier one may still have its wrong time.
	"""
	if servers.rules().asks_for_shifts and times.are_moving():
		return 0
	return process_staged(ProcessStore(), servers.rules, in_time or budget(), note=_note_defect)


def use() -> int:
	"""The job of the hint: use everything that waits and, where punches come by themselves, what comes next.

	A worker takes a second or more to begin a job, most of it for imports; one that is at it already uses a punch at once. It ends as soon as any other
	job waits for a worker. Whoever finds its lock taken leaves a punch to it, as with the lane: it looks once more after giving the lock back.
	All of it together has the time of one job.
	"""
	in_time = budget()
	if not (_is_live() and locks.take(LIVE)):
		return process(in_time)
	try:
		decided = process(in_time)
		if in_time():
			decided += _use_what_comes(budget(LIVE_AT_MOST))
	finally:
		locks.release(LIVE)
	return decided + (process(in_time) if anything_waits() else 0)


def _use_what_comes(in_time: InTime) -> int:
	decided = 0
	while in_time() and _is_live() and not _is_needed():
		if anything_waits():
			getattr(frappe.local, "cache", {}).clear()  # settings may have changed since the job began
			used = process(in_time)
			if not used:  # nothing that asking again makes usable
				break
			decided += used
		time.sleep(LOOK_EVERY)
	return decided


def anything_waits() -> bool:
	transaction.roll_back()  # what others have committed meanwhile is seen
	return bool(staging.waiting("", 1))


def _is_live() -> bool:
	return bool(frappe.cache.get_value(f"biometric_{LIVE}", expires=True))


def _is_needed() -> bool:
	"""Does any job wait for a worker, but for those of which we do the work?"""
	ours = {create_job_id(PROCESS), create_job_id(BEHIND)}
	try:
		return any({*get_queue(name).job_ids} - ours for name in get_queue_list())
	except RedisError:
		return True


def workdays(in_time: InTime | None = None) -> int:
	"""Judge the workdays that are stale, after comparing values once an hour, and write the attendance of those that are complete; returns how many rows changed.

	What there is no time for is the next minute's.
	"""
	in_time = in_time or budget(WORKDAYS_BUDGET)
	settled = judging.policy()
	if sweep.is_due(settled.now):
		transaction.in_one(lambda: sweep.sweep(settled.earliest, settled.now))
	changed = judging.run(in_time) + attendance.run(in_time)
	transaction.in_one(silent.note_run)
	watermark.move(judging.policy())
	transaction.in_one(lambda: silent.find(now_datetime()))
	return changed


def tell_of_held_back() -> int:
	"""Hourly: who ought to know that attendance waits for a device."""
	return transaction.in_one(lambda: notices.tell(now_datetime()))


def enqueue_workdays() -> None:
	"""A hint, as `enqueue_process`."""
	_hint("biometric_integration.sync.jobs.workdays", "biometric-workdays")


def _note_defect(error: Exception) -> None:
	"""The trace, without the values of variables."""
	frames = "".join(traceback.format_tb(error.__traceback__))
	title = _("A punch could not be used: {0}").format(type(error).__name__)
	frappe.log_error(title, f"{harmless(str(error))}\n{frames}", defer_insert=True)


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


def enqueue_process(after_commit: bool = True) -> None:
	"""A hint, no more: what waits is in the database, and the next minute asks again. Nobody's save fails for a queue that is down or full."""
	if after_commit:
		frappe.db.after_commit.add(lambda: enqueue_process(after_commit=False))
		return
	_hint("biometric_integration.sync.jobs.use", PROCESS)


def enqueue_live() -> None:
	"""The same after a punch that came by itself: for a while the next one is expected."""
	with suppress(RedisError):
		frappe.cache.set_value(f"biometric_{LIVE}", 1, expires_in_sec=LIVE_FOR)
	enqueue_process(after_commit=False)


def _hint(method: str, job_id: str) -> None:
	messages = len(frappe.local.message_log)
	try:
		if not frappe.enqueue(method, queue="long", job_id=job_id, deduplicate=True):
			_ask_behind(method, job_id)
	except (RedisError, frappe.ValidationError):
		del frappe.local.message_log[messages:]


def _ask_behind(method: str, job_id: str) -> None:
	"""A job that holds the lane, or waits for punches, looks once more afterwards. One that has done so, and has not ended yet, does not: another one has to."""
	if job_id == PROCESS and not (locks.taken(locks.LANE) or locks.taken(LIVE)):
		frappe.enqueue(method, queue="long", job_id=BEHIND, deduplicate=True)


def forget_all() -> None:
	"""The app has left the site: what is queued would fail, as frappe calls no app that is not installed."""
	of_this_site = create_job_id("-")[:-1]
	with suppress(RedisError):
		for queue in get_queues():
			for job in queue.jobs:
				if job.id.startswith(of_this_site) and _is_ours(job.kwargs):
					job.delete()


def _is_ours(of: Mapping) -> bool:
	"""Also a run of the schedule, which frappe wraps into a job of its own."""
	return any(
		str(value).startswith("biometric_integration.") for value in (of["method"], *of["kwargs"].values())
	)


def close_abandoned() -> None:
	"""Runs whose worker is gone end as Failed, also where their stream is not read again."""
	if found := sync_log.abandoned():
		transaction.in_one(lambda: sync_log.close_logs(found))


def pulls(retried: str | None = None) -> dict[str, str]:
	"""Server → QUEUED or STARTED, where a pull was asked for and has not ended, or the retry of this log."""
	names = {server.id: [f"biometric-pull-{server.id}"] for server in servers.all_servers()}
	if retried and (server := frappe.db.get_value("Biometric Sync Log", retried, "server")):
		names[server] = [f"biometric-retry-{retried}-{turn}" for turn in range(RETRY_TURNS)]
	found = {server: _state(job_ids) for server, job_ids in names.items()}
	return {server: state for server, state in found.items() if state}


def _state(job_ids: Iterable[str]) -> str:
	states = [get_job_status(job_id) for job_id in job_ids]
	return next((state for state in (STARTED, QUEUED) if state in states), "")


def enqueue_retry(log: str, turn: int = 0) -> None:
	"""`turn`: how often it has waited in vain; a job that still runs would keep another one of its name from being queued."""
	frappe.enqueue(
		"biometric_integration.sync.jobs.retry",
		queue="long",
		job_id=f"biometric-retry-{log}-{turn}",
		deduplicate=True,
		log=log,
		turn=turn,
	)


def publish(server: str, stream: str, status: str, message: str, counts: RunCounts, log: str) -> None:
	"""Tell an open settings form how a run stands."""
	state = {
		"server": server,
		"stream": stream,
		"state": "reading" if status == RunStatus.RUNNING.value else "finished",
		"status": status,
		"message": message,
		"counts": vars(counts),
		"log": log,
	}
	frappe.publish_realtime("biometric_sync", state, doctype=SETTINGS, docname=SETTINGS)
