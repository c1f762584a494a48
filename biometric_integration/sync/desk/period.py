"""Sync a Period: read a stretch of the past on request, or only count it.

What is left stands in its Biometric Sync Period; a job is a hint, as everywhere. So it goes on after a worker was killed, a deploy or a day
without a scheduler, and ends where somebody chooses *Stop*.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import date, datetime, timedelta

import frappe
from frappe import _
from frappe.utils import format_datetime, now_datetime

from biometric_integration.core.backoff import rests
from biometric_integration.core.errors import SilentError, SyncError
from biometric_integration.core.periods import PeriodStatus, Purpose, StreamStatus
from biometric_integration.core.runs import RunCounts, RunReport, RunStatus, Trigger
from biometric_integration.core.window import Window
from biometric_integration.sync import jobs
from biometric_integration.sync.db import locks, transaction
from biometric_integration.sync.desk import ask, status
from biometric_integration.sync.records import devices, periods, servers
from biometric_integration.sync.records.periods import Part, Period

READ = "biometric_integration.sync.desk.period.read"
LONGEST = timedelta(days=800)
BUDGET = 300
"""Seconds after which a job leaves the rest to the next one, behind whatever waits by then: what is old does not keep what is new from being read."""
SHOWN = 10
"""Streams with a problem that the dialog names; the form has all of them."""
IDLE_AFTER = timedelta(minutes=2)
"""A period that nobody reads for so long waits for something."""


# --- what a person asks for


def start(target: servers.Server, units: list[str] | None, first: date, last: date, dry_run: bool) -> str:
	"""Begin to read (or count) these days of the server; returns the name of the Biometric Sync Period. One that is there already is resumed, not doubled."""
	if last < first:
		frappe.throw(_("The period ends before it begins."))
	if last - first > LONGEST:
		frappe.throw(_("Please take at most {0} days at once.").format(LONGEST.days))
	purpose = Purpose.ONLY_COUNT if dry_run else Purpose.READ_AGAIN
	device = devices.with_serial(units[0]) if units else None
	with locks.held("periods"):
		name = _own(periods.unfinished(target.id, device, purpose, first, last))
		if name:
			periods.resume(name)
		else:
			name = periods.add(target.id, device, purpose, first, last, _streams(target, units, first, last))
		transaction.commit()  # whoever asks for the same next sees it
	_ask_for(name)
	return name


def _own(name: str | None) -> str | None:
	"""None where whoever asks may not see it, and begins one of their own."""
	if not name or frappe.has_permission(periods.DOCTYPE, "read", doc=name):
		return name
	if periods.get(name).status is PeriodStatus.READING:
		frappe.throw(_("These days are being read already."))
	return None


def _streams(target: servers.Server, units: list[str] | None, first: date, last: date) -> Sequence[tuple]:
	try:
		connector = target.connector()
	except SyncError as error:
		frappe.throw(error.message)
	options = target.options(Trigger.PERIOD, units, window=periods.window_of(first, last))
	with closing(connector):
		streams = [stream for stream, _feed in jobs.puller().streams(connector, target.config, options)]
	names = devices.names_of({stream.unit for stream in streams})
	return [(stream, names.get(stream.unit)) for stream in streams]


def _ask_for(name: str) -> None:
	"""Where there is no queue it goes on as soon as there is one."""
	try:
		_ask(name)
	except jobs.RedisError:
		ask.no_queue()


def stop(name: str) -> str:
	"""Before the next request of each of its streams. What was read stays."""
	if not transaction.in_one(lambda: periods.stop(name)):
		return _("It is not being read.")
	return _("Stopped. What was read stays; Resume goes on from there.")


def resume(name: str) -> str:
	if not transaction.in_one(lambda: periods.resume(name)):
		return _("There is nothing to resume.")
	if periods.get(name).purpose is not Purpose.START_DATE:  # which the schedule reads
		_ask_for(name)
	return _("It goes on where it was left.")


# --- what is shown


def state(name: str) -> dict:
	"""How it stands, for the dialog and the form."""
	fields = [
		"name",
		"status",
		"purpose",
		"server",
		"device",
		"from_date",
		"to_date",
		"message",
		"modified",
		"days",
	]
	row = frappe.db.get_value(periods.DOCTYPE, name, [*fields, "requested_by", "stopped_by"], as_dict=True)
	period = periods.get(name)
	left = sum(part.days_left for part in period.open_parts)
	counts = periods.counts(period)
	troubled = [part for part in period.parts if part.error and not part.is_open]
	return {
		**row,
		"running": period.status is PeriodStatus.READING,
		"days": row.days,
		"days_left": left,
		"streams": len(period.parts),
		"streams_left": len(period.open_parts),
		"troubled": len(troubled),
		"troubles": [
			{"stream": part.stream, "status": part.status, "error": part.error} for part in troubled[:SHOWN]
		],
		"counts": counts,
		"headline": _headline(period, row, counts, len(troubled)),
		"waits": _why_it_waits(period, row),
		"left_alone": _left_alone(period),
	}


def _left_alone(period: Period) -> int:
	"""How many devices or locations would not be read by schedule if it were stopped now."""
	if period.purpose is not Purpose.START_DATE or period.status is not PeriodStatus.READING:
		return 0
	server = next((each for each in servers.all_servers() if each.id == period.server), None)
	if server is None or servers.reads_by_position(server):
		return 0
	return len(servers.behind(server, {part.unit for part in period.open_parts}))


def _headline(period: Period, row, counts: dict, troubled: int) -> str:
	if period.purpose is Purpose.START_DATE:
		return _first_headline(period, row, troubled)
	if period.status is PeriodStatus.READING:
		return _("Being read.")
	if period.status is PeriodStatus.STOPPED:
		return _("Stopped by {0}. Resume goes on where it was left.").format(row.stopped_by)
	found = (
		_("{0} punches would be new, {1} are known. Nothing was kept.")
		if period.purpose is Purpose.ONLY_COUNT
		else _("{0} new punches, {1} were known.")
	).format(counts["new"], counts["known"])
	if period.status is PeriodStatus.FINISHED:
		return _("Read to the end.") + f" {found}"
	problem = _(
		"{0} of {1} had a problem, so punches may be missing: see below. Resume tries these again."
	).format(troubled, len(period.parts))
	return f"{problem} {found}"


def _first_headline(period: Period, row, troubled: int) -> str:
	if period.status is PeriodStatus.READING:
		return _(
			"Read by schedule from the Start Date on. Stop ends it. Devices that were read up to these days go on from day to day; the others are not read by schedule until Resume."
		)
	if period.status is PeriodStatus.STOPPED:
		return _(
			"Stopped by {0}. Devices whose days up to now were not reached are not read by schedule until somebody chooses Resume; the others are read on from day to day."
		).format(row.stopped_by)
	if period.status is PeriodStatus.FINISHED:
		return _("Read to the end.")
	return row.message or _(
		"{0} of {1} had a problem, so punches may be missing: see below. The schedule tries again."
	).format(troubled, len(period.parts))


def _why_it_waits(period: Period, row) -> str:
	"""Of one that is to be read and that nobody reads; empty where somebody does, or will in a moment."""
	if period.status is not PeriodStatus.READING or _is_being_read(period):
		return ""
	if period.purpose is Purpose.START_DATE and not _is_read_by_schedule(period.server):
		return _("The server is not read by schedule: see Enabled in Biometric Sync Settings.")
	server = servers.state(period.server)
	if rests(server.next_attempt, now_datetime()):
		return _("{0} The next attempt is at {1}.").format(
			row.message or server.error or "", format_datetime(server.next_attempt)
		)
	if now_datetime() - row.modified > IDLE_AFTER:
		return status.why_idle()
	return _("Waits for a background worker.")


def _is_read_by_schedule(server_id: str) -> bool:
	return any(
		server.enabled and not server.read_by for server in servers.all_servers() if server.id == server_id
	)


def _is_being_read(period: Period) -> bool:
	if period.purpose is Purpose.START_DATE:
		return any(locks.taken(part.stream) for part in period.open_parts)
	return locks.taken(period.lock)


# --- the job


def go_on() -> None:
	"""Ask for a job for each period that is to be read and that nobody reads, unless its server is left alone after a failure."""
	now = now_datetime()
	for name, server in periods.reading():
		if not (locks.taken(periods.lock_of(name)) or rests(servers.state(server).next_attempt, now)):
			_ask(name)


def _ask(name: str) -> None:
	"""A job whose worker was killed counts as running for up to ten minutes more, and keeps another one of its name from being queued."""
	if not _enqueue(name):
		_enqueue(name, 1)


def _enqueue(name: str, turn: int = 0) -> bool:
	"""Whether it was queued. turn: a job that still runs would keep another one of its name from that."""
	job = frappe.enqueue(
		READ,
		queue="long",
		job_id=f"biometric-period-{name}-{turn % 2}",
		deduplicate=True,
		name=name,
		turn=turn,
	)
	return job is not None


def read(name: str, turn: int = 0) -> None:
	"""Read (or count) on, as long as one job may; what is left then is the next one's."""
	in_time = jobs.budget(BUDGET)
	if not (frappe.db.exists(periods.DOCTYPE, name) and locks.take(periods.lock_of(name))):
		return
	try:
		period = periods.get(name)
		if period.status is PeriodStatus.READING:
			_read(period, in_time)
	finally:
		locks.release(periods.lock_of(name))
	if not in_time() and periods.get(name).status is PeriodStatus.READING:
		_enqueue(name, turn + 1)


def _read(period: Period, in_time: jobs.InTime) -> None:
	transaction.in_one(lambda: periods.let_go(period))
	target = _target(period)
	if target is None:
		return
	if period.purpose is Purpose.ONLY_COUNT:
		message = _count(period, target, in_time)
	else:
		message = _Reading(period, target, in_time).read()
		jobs.process(jobs.budget(BUDGET))
	transaction.in_one(lambda: periods.settle(period.name, message))


def _target(period: Period) -> servers.Server | None:
	"""None where the settings do not know it as it was: nothing can be read until a person has seen to that."""
	target = next((each for each in servers.all_servers() if each.id == period.server), None)
	types = {part.stream.split("/")[1] for part in period.parts}
	if target and not target.read_by and types == {target.config.server_type}:
		return target
	message = (
		servers.left_to_bridge(target)
		if target and target.read_by
		else _("The server {0} is not in the settings any more, or is of another type now.").format(
			period.server
		)
	)
	transaction.in_one(lambda: _give_up(period, message))
	return None


def _give_up(period: Period, message: str) -> None:
	for part in period.open_parts:
		periods.note(period, part, StreamStatus.FAILED, part.read_to, message)
	periods.settle(period.name, message)


class _Reading:
	"""One job that reads a period: all streams that are not at its end, each from where it has come to."""

	def __init__(self, period: Period, target: servers.Server, in_time: jobs.InTime):
		self._period = period
		self._target = target
		self._in_time = in_time
		self._parts = {part.stream: part for part in period.open_parts}
		self._of_log: dict[str, Part] = {}
		self._read_to: dict[str, datetime] = {}
		self._cut: set[str] = set()
		self._unanswered: list[Part] = []
		self._message = ""

	def read(self) -> str:
		"""Returns what there is to say about the server as a whole."""
		parts = self._parts.values()
		options = self._target.options(
			Trigger.PERIOD,
			[part.unit for part in parts],
			window=self._period.window,
			read_to={part.unit: part.read_to for part in parts if part.read_to},
			watch=self._watch,
			in_time=lambda: self._in_time() and not self._stopped(),
		)
		jobs.read(self._target, options, self._take)
		return self._message

	def _stopped(self) -> str | None:
		return transaction.in_one(lambda: periods.stopped_by(self._period.name))

	def _watch(self, log: str, piece: Window | None, counts: RunCounts) -> str:
		"""Before each request: what is before it is kept."""
		return transaction.in_one(lambda: self._note(log, piece))

	def _note(self, log: str, piece: Window | None) -> str:
		part = self._of_log.get(log) or self._begun(log)
		if piece:
			self._read_to[part.stream] = piece.start
			periods.note(self._period, part, StreamStatus.READING, piece.start, sync_log=log)
		stopped_by = periods.stopped_by(self._period.name)
		if stopped_by is not None:
			self._cut.add(log)
			return _("Stopped by {0}. Resume on its Sync Period goes on from there.").format(stopped_by)
		if not self._in_time():
			self._cut.add(log)
			return _("The time for one job was over. The next one goes on from there.")
		return ""

	def _begun(self, log: str) -> Part:
		stream = frappe.db.get_value(periods.LOG, log, "stream")
		periods.take_log(self._period.name, log)
		return self._of_log.setdefault(log, self._parts[stream])

	def _take(self, report: RunReport) -> None:
		"""A run has ended."""
		if report.error and report.error.server_wide:
			self._message = report.error.message
		transaction.in_one(lambda: self._note_end(report))

	def _note_end(self, report: RunReport) -> None:
		part = self._parts.get(report.stream)
		if part:
			self._end(part, report)
			periods.count(self._period, part)
		if report.error and report.error.server_wide:
			for silent in self._unanswered:
				self._leave(silent)
		periods.settle(self._period.name, self._message)

	def _end(self, part: Part, report: RunReport) -> None:
		error, is_cut = report.error, report.log in self._cut
		if report.status in (RunStatus.RUNNING, RunStatus.SKIPPED) or is_cut or (error and error.server_wide):
			self._leave(part, report.message if report.status is RunStatus.RUNNING else "")
		elif error:
			if isinstance(error, SilentError):
				self._unanswered.append(part)
			self._close(part, StreamStatus.FAILED, report, self._come_to(part))
		else:
			is_read = report.status is RunStatus.SUCCESS and not part.unsure_from
			end = self._period.window.end
			self._close(part, StreamStatus.READ if is_read else StreamStatus.PARTIAL, report, end)

	def _come_to(self, part: Part) -> datetime | None:
		return self._read_to.get(part.stream, part.read_to)

	def _leave(self, part: Part, why: str = "") -> None:
		"""To the next job."""
		read_to = self._come_to(part)
		unsure_from = self._unsure_from(part, read_to)
		periods.note(self._period, part, StreamStatus.WAITING, read_to, why, unsure_from=unsure_from)

	def _close(self, part: Part, status: StreamStatus, report: RunReport, read_to: datetime | None) -> None:
		passed = (
			frappe.db.get_value(periods.LOG, report.log, "window_to") if report.error is None else read_to
		)
		unsure_from = self._unsure_from(part, passed)
		periods.note(self._period, part, status, read_to, report.message, unsure_from=unsure_from)

	def _unsure_from(self, part: Part, passed: datetime | None) -> datetime | None:
		"""Where something may be missing of what was passed: a hole of a run before, or of this one."""
		log = next((log for log, its in self._of_log.items() if its is part), None)
		if part.unsure_from or log is None or passed is None:
			return part.unsure_from
		sure = frappe.db.get_value(periods.LOG, log, "read_to") or part.read_to or self._period.window.start
		return sure if sure < passed else None


def _count(period: Period, target: servers.Server, in_time: jobs.InTime) -> str:
	"""Nothing of it is kept but the count."""
	try:
		connector = target.connector()
	except SyncError as error:
		jobs.note_failure(target, error)
		return error.message
	with closing(connector):
		for part in period.open_parts:
			if not in_time() or _is_stopped(period):
				break
			try:
				_count_one(period, target, connector, part, in_time)
			except SyncError as error:
				transaction.roll_back()
				if error.server_wide:
					jobs.note_failure(target, error)
					return error.message
				_note(period, part, StreamStatus.FAILED, error.message)
			transaction.in_one(lambda: periods.settle(period.name, ""))
	return ""


def _count_one(period: Period, target: servers.Server, connector, part: Part, in_time: jobs.InTime) -> None:
	read_to = {part.unit: part.read_to} if part.read_to else {}
	options = target.options(Trigger.PERIOD, [part.unit], window=period.window, read_to=read_to)
	for end, counts in jobs.puller().survey(connector, target.config, options):
		transaction.in_one(lambda end=end, counts=counts: _counted(period, part, end, counts))
		if not in_time() or _is_stopped(period):
			return
	_note(period, part, StreamStatus.READ)


def _counted(period: Period, part: Part, read_to, counts: RunCounts) -> None:
	periods.note(period, part, StreamStatus.WAITING, read_to)
	periods.add_counts(part, counts)


def _note(period: Period, part: Part, status: StreamStatus, error: str = "") -> None:
	read_to = frappe.db.get_value(periods.STREAM, part.name, "read_to")
	transaction.in_one(lambda: periods.note(period, part, status, read_to, error))


def _is_stopped(period: Period) -> bool:
	return transaction.in_one(lambda: periods.stopped_by(period.name)) is not None


def run(
	key: str, server: str, units: list[str] | None, first: str, last: str, dry_run: bool, part: int = 0
) -> None:
	"""For one release: a part that was queued before periods were documents is read as one."""
	start(servers.get(server), units, date.fromisoformat(first), date.fromisoformat(last), dry_run)
