"""*Biometric File Import*: what each line of a file would become, and bringing it in. *Undo* is `file_undo`.

A file goes the way of all punches: staged under the same names, so that what came another way is known, and used by the process lane.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from itertools import islice

import frappe
from frappe import _
from frappe.utils import now_datetime

from biometric_integration.core.batches import BATCH, batches
from biometric_integration.core.directory import WaitingEvent
from biometric_integration.core.errors import SyncError
from biometric_integration.core.punch import Punch, Record, Unreadable
from biometric_integration.core.runs import Channel, Outcome, RunCounts, Trigger
from biometric_integration.core.source import Stamp, punch_of
from biometric_integration.core.stream import PRIMARY, Stream
from biometric_integration.core.text import harmless, harmless_cell
from biometric_integration.receivers.files.refusal import Refused
from biometric_integration.sync import jobs
from biometric_integration.sync.db import locks, sql, transaction
from biometric_integration.sync.desk import correction
from biometric_integration.sync.desk.file_rows import Line, Question, Upload, file_of, hash_of, upload
from biometric_integration.sync.desk.progress import Progress
from biometric_integration.sync.receiving.receive import RowStatus, receive, stamp
from biometric_integration.sync.records import servers, sight, staging, sync_log

DOCTYPE = sight.FILE_IMPORT
RUN = "biometric_integration.sync.desk.files.run"
SHOWN, MOST_ODD, MOST_IDS = 20, 200, 200
MOST_PEOPLE = 20_000
"""Different ids of which the preview says whose they are."""
AT_ONCE = 500
REALTIME = "biometric_file"
RECORD = ("imported_by", "imported_at", "undone_by", "undone_at", "sync_logs")
"""Fields that say what was done with the file."""


class FileStatus(str, Enum):
	"""Status of a Biometric File Import."""

	DRAFT = "Draft"
	PREVIEWED = "Previewed"
	IMPORTING = "Importing"
	IMPORTED = "Imported"
	FAILED = "Failed"
	UNDONE = "Undone"


OPEN = (FileStatus.DRAFT.value, FileStatus.PREVIEWED.value, FileStatus.FAILED.value)
"""In which a preview may be made, and the choices changed."""
RESULTS = {
	"dialect": "",
	"line_count": 0,
	"first_punch": None,
	"last_punch": None,
	"new_count": 0,
	"known_count": 0,
	"outside_count": 0,
	"odd_count": 0,
	"unmapped_count": 0,
	"preview": "",
	"message": "",
}


class Becomes(str, Enum):
	"""What a line would become; shown in the preview."""

	NEW = "new"
	KNOWN = "known"
	OUTSIDE = "outside"
	ODD = "odd"


# --- what the document asks when it is saved


def look_at_file(document) -> None:
	"""Its name and hash; a file that may be read by everybody is made private. Says where the same one was brought in already."""
	file = file_of(document.file)
	if not file.is_private:
		file.is_private = 1
		file.save()
		document.file = file.file_url
	document.file_name = file.file_name
	try:
		document.file_hash = hash_of(document.file)
	except Question as question:
		frappe.throw(str(question))
	same = {
		"file_hash": document.file_hash,
		"status": FileStatus.IMPORTED.value,
		"name": ("!=", document.name or ""),
	}
	if found := frappe.get_list(DOCTYPE, same, ["name", "imported_by"], limit=1):
		frappe.msgprint(
			_(
				"The same file was brought in already, as {0} by {1}. Doing it again does no harm: its punches are known."
			).format(
				frappe.utils.get_link_to_form(DOCTYPE, found[0].name), frappe.bold(found[0].imported_by)
			),
			title=_("Known File"),
			indicator="blue",
		)


# --- preview


def preview(name: str) -> dict:
	"""What each line would become. Returns {"status", "message"}; the rest stands in the document."""
	document = _open(name)
	try:
		with upload(document) as file:
			values = {**_Preview(file).values(), "status": FileStatus.PREVIEWED.value, "message": ""}
	except Question as question:
		values = {**RESULTS, "status": FileStatus.DRAFT.value, "message": harmless(str(question))}
	except Refused as refused:
		values = {**RESULTS, "status": FileStatus.FAILED.value, "message": harmless(_(refused.message))}
	frappe.db.set_value(DOCTYPE, name, values)
	return {"status": values["status"], "message": values["message"]}


def _open(name: str):
	document = frappe.get_doc(DOCTYPE, name)
	document.check_permission("write")
	if document.status not in OPEN and not _has_stopped(document):
		frappe.throw(
			_("This file was brought in already. Upload it to a new import to look at it once more.")
		)
	return document


def _has_stopped(document) -> bool:
	return document.status == FileStatus.IMPORTING.value and not state(document.name)["running"]


class _Preview:
	"""Counts and the first lines, in one pass that remembers a number for each punch."""

	def __init__(self, file: Upload):
		self._file = file
		self._stamp, self._floor = stamp(), servers.rules().floor
		self._met: set[int] = set()
		self._counts = dict.fromkeys(Becomes, 0)
		self._first: datetime | None = None
		self._last: datetime | None = None
		self._people: dict[tuple[str, str], Punch] = {}
		self._shown: list[tuple[Line, Punch | None, Becomes]] = []
		self._odd: list[dict] = []

	def values(self) -> dict:
		for batch in batches(self._file.lines(), BATCH):
			self._take(batch)
		owners = self._owners()
		unmapped = sorted(user_id for (_device, user_id), who in owners.items() if not who)
		return {
			"dialect": self._file.opened.dialect.value,
			"line_count": self._file.survey.rows,
			"first_punch": self._first,
			"last_punch": self._last,
			"new_count": self._counts[Becomes.NEW] + self._counts[Becomes.OUTSIDE],
			"known_count": self._counts[Becomes.KNOWN],
			"outside_count": self._counts[Becomes.OUTSIDE],
			"odd_count": self._counts[Becomes.ODD],
			"unmapped_count": len(unmapped),
			"preview": json.dumps(
				{
					"lines": [self._line(*shown, owners) for shown in self._shown],
					"odd": self._odd,
					"ids": unmapped[:MOST_IDS],
					"devices": self._devices(),
					"to_the_minute": self._file.survey.to_the_minute,
				},
				default=str,
			),
		}

	def _take(self, batch: Sequence[Line]) -> None:
		rows = [(line, _punch(line, self._stamp)) for line in batch]
		names = [punch.name for _line, punch in rows if punch]
		known = {name for (name,) in sql.select_in(staging.DOCTYPE, ("name",), "name", names)}
		for line, punch in rows:
			becomes = self._becomes(punch, known)
			self._counts[becomes] += 1
			if punch and punch.punch_time:
				self._first = min(self._first or punch.punch_time, punch.punch_time)
				self._last = max(self._last or punch.punch_time, punch.punch_time)
				self._note(punch)
			elif len(self._odd) < MOST_ODD:
				self._odd.append(_odd(line))
			if len(self._shown) < SHOWN:
				self._shown.append((line, punch, becomes))

	def _becomes(self, punch: Punch | None, known: set[str]) -> Becomes:
		if punch is None:
			return Becomes.ODD
		number = int(punch.name[-16:], 16)
		if punch.name in known or number in self._met:
			return Becomes.KNOWN
		self._met.add(number)
		day = punch.punch_time and punch.punch_time.date()
		is_before = bool(punch.barred or (day and self._floor and day < self._floor))
		return Becomes.OUTSIDE if is_before else Becomes.NEW

	def _note(self, punch: Punch) -> None:
		"""The newest punch of each id says whose it is."""
		key = punch.device, punch.user_id
		before = self._people.get(key)
		if before is None and len(self._people) >= MOST_PEOPLE:
			return
		if before is None or (before.punch_time or datetime.min) < (punch.punch_time or datetime.min):
			self._people[key] = punch

	def _owners(self) -> dict[tuple[str, str], str]:
		home = {device.key: device.server for device in self._file.devices.values()}
		found: dict[tuple[str, str], str] = {}
		for batch in batches(self._people.items(), AT_ONCE):
			events = [_waiting(punch, home) for _key, punch in batch]
			found.update(zip((key for key, _punch in batch), correction.owners(events), strict=True))
		return found

	def _line(
		self, line: Line, punch: Punch | None, becomes: Becomes, owners: dict[tuple[str, str], str]
	) -> dict:
		if punch is None or not line.device:
			return {**_odd(line), "becomes": becomes.value}
		employee = owners.get((punch.device, punch.user_id), "")
		return {
			"line": line.number,
			"user_id": punch.user_id,
			"time": punch.source_time,
			"device": line.device.label,
			"becomes": becomes.value,
			**_shown_person(employee),
		}

	def _devices(self) -> list[dict]:
		found = {device.key: device for device in self._file.devices.values()}
		return [{"device": device.key, "label": device.label} for device in found.values()]


def _punch(line: Line, stamp: Stamp) -> Punch | None:
	return punch_of(line.row, line.device, stamp) if isinstance(line.row, Record) else None


def _waiting(punch: Punch, home: dict[str, str]) -> WaitingEvent:
	return WaitingEvent(
		punch.name,
		punch.device,
		punch.user_id,
		punch.source_time,
		punch.punch_time,
		punch.direction,
		server=home.get(punch.device, ""),
	)


def _odd(line: Line) -> dict:
	row = line.row
	problem = _(row.problem) if isinstance(row, Unreadable) else ""
	return {"line": line.number, "problem": problem, "raw": row.raw[:200]}


def _shown_person(employee: str) -> dict:
	if not employee or not sight.of_user().shows_employee(employee):
		return {"employee": employee and _("Somebody you may not see"), "employee_name": ""}
	name = frappe.db.get_value("Employee", employee, "employee_name")
	return {"employee": employee, "employee_name": name}


# --- import


def start(name: str) -> dict:
	"""Queue the import; returns {"key"} for `state`."""
	document = _open(name)
	if document.status != FileStatus.PREVIEWED.value and not _has_stopped(document):
		frappe.throw(_("Look at the Preview first."))
	values = {
		"status": FileStatus.IMPORTING.value,
		"imported_by": frappe.session.user,
		"imported_at": now_datetime(),
		"message": "",
	}
	frappe.db.set_value(DOCTYPE, name, values)
	progress(name).begin(RUN, {"name": name}, part=0, message=_("Waiting for a worker"), done=0, refused=0)
	return {"key": name}


def run(name: str, begin: int = 0, log: str = "", part: int = 0) -> None:
	"""Bring the lines of a file in, from the line after `begin` of them; what there is no time for is left to another job."""
	stream = Stream(PRIMARY, "", f"file {name}", Channel.FILE.value)
	if not locks.take(stream.key):
		return  # another worker is at it
	try:
		_run(name, stream, begin, log, part)
	except (Question, Refused) as error:
		_fail(name, harmless(_(str(error))))
	except Exception as error:
		_fail(name, _words(error))
		raise
	finally:
		locks.release(stream.key)


def _run(name: str, stream: Stream, begin: int, log: str, part: int) -> None:
	document, in_time, started = frappe.get_doc(DOCTYPE, name), jobs.budget(), now_datetime()
	with upload(document) as file:
		log = log or transaction.in_one(lambda: _open_log(document, stream, file))
		try:
			done = _bring_in(name, file, begin, log, in_time)
		except Exception as error:
			transaction.roll_back()
			failed = Outcome(error=SyncError(_words(error)))
			transaction.in_one(lambda: sync_log.close(log, failed, started))
			raise
	if done < file.survey.rows:
		progress(name).go_on(RUN, part + 1, {"name": name, "begin": done, "log": log})
		return
	transaction.in_one(lambda: _end(document, log, started))
	tell(name, running=False, message=_("The punches are in."), done=done)
	jobs.process(in_time)


def _open_log(document, stream: Stream, file: Upload) -> str:
	"""Its name stands in the import before anything is staged: *Undo* finds by it what came of this file."""
	keys = {device.key for device in file.devices.values()}
	log = sync_log.open_log(stream, Trigger.RECEIVED, device=keys.pop() if len(keys) == 1 else None)
	logs = [*logs_of(document), log]
	frappe.db.set_value(DOCTYPE, document.name, "sync_logs", "\n".join(logs))
	document.sync_logs = "\n".join(logs)
	return log


def _bring_in(name: str, file: Upload, begin: int, log: str, in_time: jobs.InTime) -> int:
	"""How many lines of the file are done."""
	done, counts, refused = begin, RunCounts(), progress(name).state().get("refused", 0)
	for batch in batches(islice(file.lines(), begin, None), BATCH):
		for device, rows in _by_device(batch):
			receipt = receive(Channel.FILE, rows, device, log)
			counts.add(receipt.counts)
			refused += sum(result.status is RowStatus.REFUSED for result in receipt.results)
		done += len(batch)
		sentence = _("{0} of {1} lines").format(done, file.survey.rows)
		tell(name, done=done, message=sentence, counts=vars(counts), refused=refused)
		if not in_time():
			break
	return done


def _by_device(batch: Sequence[Line]) -> list[tuple[str, list[Record]]]:
	"""Lines that cannot be read stay in the file, and are listed from there."""
	found: dict[str, list[Record]] = {}
	for line in batch:
		if line.device and isinstance(line.row, Record):
			found.setdefault(line.device.key, []).append(line.row)
	return sorted(found.items())


def _end(document, log: str, started: datetime) -> None:
	outcome = Outcome()
	if refused := progress(document.name).state().get("refused"):
		outcome.worry(_("{0} lines could not be kept by the database of this site.").format(refused))
	sync_log.close(log, outcome, started)
	rows = frappe.get_all(sync_log.DOCTYPE, {"name": ("in", logs_of(document))}, ["name", "new", "fetched"])
	new, fetched = sum(row.new for row in rows), max(row.fetched for row in rows)
	values = {
		"status": FileStatus.IMPORTED.value,
		"message": outcome.message,
		"new_count": new,
		"known_count": max(0, fetched - new),
	}
	frappe.db.set_value(DOCTYPE, document.name, values)


def _fail(name: str, message: str) -> None:
	transaction.roll_back()
	values = {"status": FileStatus.FAILED.value, "message": message}
	transaction.in_one(lambda: frappe.db.set_value(DOCTYPE, name, values))
	tell(name, running=False, message=message)


def _words(error: Exception) -> str:
	"""What is known of it is said, what is not stands in the Error Log."""
	if isinstance(error, SyncError):
		return error.message
	return _("It broke off. Look at the Preview and choose Import again: what is done stays done.")


def progress(name: str) -> Progress:
	return Progress("file", name)


def state(name: str) -> dict:
	"""{"running", "message", "done", "counts"} of an import, or of its undo; a worker that is gone does not run."""
	frappe.has_permission(DOCTYPE, "read", doc=name, throw=True)
	stopped = _("The worker stopped. Choose the same button again: what is done stays done.")
	return {"counts": {}, "done": 0, **progress(name).shown(stopped)}


def tell(name: str, **changes) -> None:
	"""Keep how far it is, and tell an open form."""
	progress(name).write(**changes)
	frappe.publish_realtime(REALTIME, progress(name).state(), doctype=DOCTYPE, docname=name)


def logs_of(document) -> list[str]:
	"""The sync logs of what it brought in."""
	return (document.sync_logs or "").split()


# --- lines that could not be read


def odd_lines(name: str) -> str:
	"""All lines of the file that cannot be read, as CSV: line, problem, what is kept of it."""
	document = frappe.get_doc(DOCTYPE, name)
	document.check_permission("read")
	text = io.StringIO()
	writer = csv.writer(text)
	writer.writerow([_("Line"), _("Problem"), _("Begin of the Line")])
	try:
		with upload(document) as file:
			found = (_odd(line) for line in file.lines() if isinstance(line.row, Unreadable))
			writer.writerows([odd["line"], odd["problem"], harmless_cell(odd["raw"])] for odd in found)
	except (Question, Refused) as error:
		frappe.throw(harmless(_(str(error))))
	return text.getvalue()
