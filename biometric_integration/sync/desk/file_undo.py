"""*Undo* of a file import: the punches that it was the first to bring go, with the check-ins that were made of them.

Chunk by chunk, each a transaction in the process lane. Days with an attendance or a pay slip are left alone and listed. What was known already when the
file came belongs to the way it came first, and stays; so does what came another way since: whoever sent it was told that it is kept.
"""

from __future__ import annotations

from collections.abc import Sequence

import frappe
from frappe import _
from frappe.query_builder import DocType
from frappe.utils import formatdate, now_datetime

from biometric_integration.sync import jobs
from biometric_integration.sync.db import locks, transaction
from biometric_integration.sync.desk import correction, files, rederive
from biometric_integration.sync.desk.files import DOCTYPE, FileStatus
from biometric_integration.sync.desk.progress import Progress
from biometric_integration.sync.records import staging, sync_log

RUN = "biometric_integration.sync.desk.file_undo.run"
CHUNK, LOOKED_AT = 500, 10_000
LISTED = 50
FIELDS = ("name", "device_user_id", "employee", "punch_time", "status", "attendance")


def preview(name: str) -> dict:
	"""How much would go and stay: {"events", "check_ins", "left", "days": [{"employee", "date", "why"}], "others", "more"}. Of the first punches, where they are many."""
	document = _document(name)
	logs = _logs(document)
	rows = _rows(logs, "", LOOKED_AT + 1)
	go, left = _judged(rows[:LOOKED_AT])
	return {
		"events": len(go),
		"check_ins": sum(bool(row.checkin) for row in go),
		"left": len(left),
		"days": _listed(left),
		"others": _taken_over(document, logs),
		"more": len(rows) > LOOKED_AT,
	}


def start(name: str) -> dict:
	"""Queue it; returns {"key"} for `files.state`."""
	document = _document(name)
	_logs(document)
	shown = {"message": _("Waiting for a worker"), "done": 0, "counts": {}, "part": 0}
	files.progress(document.name).begin(RUN, {"name": document.name}, **shown)
	return {"key": document.name}


def _document(name: str):
	document = frappe.get_doc(DOCTYPE, name)
	document.check_permission("write")
	if files.state(name)["running"]:
		frappe.throw(_("This import is still at work. Wait until it has ended."))
	return document


def _logs(document) -> list[str]:
	logs = files.logs_of(document)
	if not logs:
		frappe.throw(_("Nothing was brought in yet: there is nothing to undo."))
	return logs


def _taken_over(document, logs: Sequence[str]) -> int:
	"""Punches that this file was the first to bring, and that another way has brought since."""
	if document.status not in (FileStatus.IMPORTED.value, FileStatus.UNDONE.value):
		return 0
	counts = frappe.get_all(sync_log.DOCTYPE, {"name": ("in", logs)}, pluck="new", limit=0)
	return max(0, document.new_count - sum(counts))


def _rows(logs: Sequence[str], after: str, limit: int, lock: bool = False) -> list:
	event = DocType(staging.DOCTYPE)
	query = (
		correction.with_check_ins(FIELDS)
		.where(event.sync_log.isin(logs) & (event.name > after))
		.orderby(event.name)
		.limit(limit)
	)
	return (query.for_update() if lock else query).run(as_dict=True)


def _judged(rows: Sequence) -> tuple[list, list[tuple]]:
	"""Rows that go, and (row, why) of those that stay."""
	used = [row for row in rows if row.checkin or row.attendance]
	settled = rederive.settled_days(used, {correction.day_of(row) for row in used})
	why = {row.name: settled.get(correction.day_of(row)) for row in used}
	return (
		[row for row in rows if not why.get(row.name)],
		[(row, why[row.name]) for row in rows if why.get(row.name)],
	)


def run(name: str, after: str = "", part: int = 0) -> None:
	"""Chunk by chunk; what there is no time for is left to another job."""
	in_time, progress = jobs.budget(), files.progress(name)
	logs = files.logs_of(frappe.get_doc(DOCTYPE, name))
	if not part:
		progress.write(stays=[], left=0)
	try:
		while rederive.has_lane(in_time):
			last, gone = _chunk_done(logs, after, progress)
			if not last:
				break
			after = last
			files.tell(name, done=progress.state()["done"] + gone, message=_("Taking back"))
		else:
			progress.go_on(RUN, part + 1, {"name": name, "after": after})
			return
	except Exception:
		files.tell(
			name, running=False, message=_("It broke off. Choose Undo again: what is done stays done.")
		)
		raise
	message = transaction.in_one(lambda: _end(name, logs, progress.state()))
	files.tell(name, running=False, message=message)
	jobs.process(in_time)


def _chunk_done(logs: Sequence[str], after: str, progress: Progress) -> tuple[str, int]:
	"""The name of the last punch that was looked at (empty: there was none), and how many went. Whoever decides about a punch must not have it in hand."""
	try:
		last, gone, left = transaction.in_one(lambda: _take_back(logs, after))
	finally:
		locks.release(locks.LANE)
	if left:
		before = progress.state()
		stays = [*before["stays"], *_listed(left)][:LISTED]
		progress.write(stays=stays, left=before["left"] + len(left))
	return last, gone


def _take_back(logs: Sequence[str], after: str) -> tuple[str, int, list[tuple]]:
	rows = _rows(logs, after, CHUNK, lock=True)
	go, left = _judged(rows)
	correction.take_back([row for row in go if row.checkin])
	if go:
		frappe.db.delete(staging.DOCTYPE, {"name": ("in", [row.name for row in go])})
	return rows[-1].name if rows else "", len(go), left


def _listed(left: Sequence[tuple]) -> list[dict]:
	days = {correction.day_of(row): why for row, why in left}
	return [
		{"employee": employee, "date": str(day), "why": why}
		for (employee, day), why in sorted(days.items())[:LISTED]
	]


def _end(name: str, logs: Sequence[str], done: dict) -> str:
	message = _("{0} punches were taken back.").format(done["done"])
	if done["left"]:
		words = [
			_("{0} on {1}: {2}").format(stay["employee"], formatdate(stay["date"]), stay["why"])
			for stay in done["stays"]
		]
		message += " " + _("{0} stay: {1}.").format(done["left"], "; ".join(words))
	if others := _taken_over(frappe.get_doc(DOCTYPE, name), logs):
		message += " " + _("{0} more stay: they have come another way since.").format(others)
	values = {
		"status": FileStatus.UNDONE.value,
		"message": message,
		"undone_by": frappe.session.user,
		"undone_at": now_datetime(),
	}
	frappe.db.set_value(DOCTYPE, name, values)
	sync_log.recount(logs)
	return message
