"""The ingest API: punches in our own form, from whoever has a key (docs/ingest-api.md)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import frappe
from frappe import _
from frappe.core.doctype.user_permission.user_permission import get_user_permissions

from biometric_integration.core.punch import Record, Unreadable
from biometric_integration.core.runs import Channel
from biometric_integration.receivers import ingest
from biometric_integration.receivers.texts import Refusal
from biometric_integration.sync.receiving.receive import Result, RowStatus, receive, tried
from biometric_integration.sync.records import devices

WORDS = {
	503: "The punches could not be kept now. Send them again later.",
	500: "Something unexpected happened. Send the punches again later.",
}


def answer(body: bytes) -> tuple[int, dict]:
	"""HTTP status, and `{"results": [{"index", "status", "reason"?}], "new", "known", "refused"}` or `{"error"}`.

	With any status but 200 nothing was acknowledged: the sender keeps the batch, and sends it again.
	"""
	results = tried(lambda: _received(ingest.read(body)))
	if isinstance(results, Refusal):
		return results.status, {"error": _(WORDS.get(results.status) or str(results))}
	shown = [_shown(index, result) for index, result in enumerate(results)]
	counts = {status.value: sum(one.status is status for one in results) for status in RowStatus}
	return 200, {"results": shown, **counts}


def _shown(index: int, result: Result) -> dict:
	reason = {"reason": result.reason} if result.reason else {}
	return {"index": index, "status": result.status.value, **reason}


def _received(rows: Sequence[Record | Unreadable]) -> list[Result]:
	"""Rows of devices that this user may not write for are as those of none."""
	mine = writable(row.serial for row in rows if isinstance(row, Record))
	wanted = [row for row in rows if isinstance(row, Record) and row.serial in mine]
	found = iter(receive(Channel.API, wanted).results)
	return [next(found) if isinstance(row, Record) and row.serial in mine else _refused(row) for row in rows]


def _refused(row: Record | Unreadable) -> Result:
	if isinstance(row, Unreadable):
		return Result(RowStatus.REFUSED, _(row.problem))
	words = _("This site has no enabled device with the serial number {0} that this key may write for.")
	return Result(RowStatus.REFUSED, words.format(row.serial))


def writable(serials: Iterable[str]) -> set[str]:
	"""Those of these serial numbers that the user's key writes for: of enabled devices; a user who is limited to companies writes for the devices of these only."""
	filters: dict = {"serial_number": ("in", sorted({*serials})), "enabled": 1}
	if companies := _companies():
		filters["company"] = ("in", companies)
	found = frappe.get_all(devices.DOCTYPE, filters, pluck="serial_number", limit=0)
	return set(found)


def _companies() -> list[str]:
	"""Those that the user is limited to; nothing where there is no limit."""
	limits = get_user_permissions().get("Company") or ()
	about = ("", None, devices.DOCTYPE)
	return sorted(limit["doc"] for limit in limits if limit.get("applicable_for") in about)
