"""Biometric Workday: what was judged becomes rows, and only what is different is written."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import frappe
from frappe.utils import now_datetime

from biometric_integration.core.evidence import Proof
from biometric_integration.core.judgement import Judgement, State, Why, Written
from biometric_integration.core.text import harmless
from biometric_integration.core.window import DAY
from biometric_integration.core.workday import Workday, input_hash
from biometric_integration.sync.db import sql
from biometric_integration.sync.workdays.gathering import Batch, Days, Person

DOCTYPE = "Biometric Workday"
FIELDS = (
	"state",
	"reason",
	"employee",
	"employee_name",
	"date",
	"company",
	"department",
	"shift",
	"shift_start",
	"shift_end",
	"closes",
	"attendance",
	"written_status",
	"written_hours",
	"would_status",
	"would_hours",
	"first_in",
	"last_out",
	"checkins",
	"unlinked",
	"outside",
	"hours",
	"overtime",
	"late_entry",
	"early_exit",
	"expected",
	"held_by",
	"held_since",
	"held_until",
	"own_devices",
	"look_again_at",
	"reason_values",
	"checkins_digest",
	"attendance_digest",
	"made_on",
)
REMEMBERED = ("refused", "refused_at")
"""What HRMS said when the day was last tried, and when that was; without a time it may be tried again. Not derived: a row that is made anew does not have it."""
BY_NEWEST = "newest"
SAID_LATER = ("state", "reason", "reason_values")
"""What is said of a row after it was judged."""
META = ("creation", "modified", "owner", "modified_by")
Row = dict[str, Any]


@dataclass(frozen=True)
class Judged:
	"""A workday and all that its row says.

	written: attendance that is there for it, the one that counts first. by_newest: there is no device to ask but that of the person's newest check-in.
	"""

	person: Person
	workday: Workday
	written: tuple[Written, ...]
	judgement: Judgement
	proof: Proof | None
	look_again_at: datetime | None
	by_newest: bool = False

	@property
	def name(self) -> str:
		return self.workday.name_for(self.person.name)


def row_of(judged: Judged, digests: Mapping[str, int], inactive: Mapping[str, str]) -> Row:
	workday, person, judgement, proof = judged.workday, judged.person, judged.judgement, judged.proof
	checkins, would, shift = workday.checkins, judgement.would, workday.shift
	written = judged.written[0] if judged.written else None
	values = dict(judgement.values)
	if assignment := next((inactive[one.name] for one in checkins if one.name in inactive), ""):
		values["noted"] = assignment
	if judged.by_newest:
		values[BY_NEWEST] = "1"
	is_held = bool(proof and not proof.proven)
	return {
		"state": judgement.state.value,
		"reason": judgement.why.value,
		"employee": person.name,
		"employee_name": person.shown,
		"date": workday.date,
		"company": person.company or None,
		"department": person.department or None,
		"shift": shift.name if shift else None,
		"shift_start": shift.start if shift else None,
		"shift_end": shift.end if shift else None,
		"closes": workday.closes,
		"attendance": written.name if written else None,
		"written_status": written.status if written else "",
		"written_hours": written.hours if written else 0.0,
		"would_status": would.status.value if would else "",
		"would_hours": round(would.hours, 2) if would else 0.0,
		"first_in": checkins[0].time if checkins else None,
		"last_out": checkins[-1].time if len(checkins) > 1 else None,
		"checkins": len(checkins),
		"unlinked": sum(1 for one in workday.told if not one.attendance),
		"outside": len(workday.outside),
		"hours": workday.hours,
		"overtime": workday.hours if _is_overtime_only(judgement) else workday.overtime,
		"late_entry": int(bool(would and would.late_entry)),
		"early_exit": int(bool(would and would.early_exit)),
		"expected": int(workday.expected),
		"held_by": (proof.held_by or None) if proof and is_held else None,
		"held_since": proof.since if proof and is_held else None,
		"held_until": proof.until if proof and is_held and proof.until < datetime.max else None,
		"own_devices": "\n".join(proof.devices) if proof else "",
		"look_again_at": judged.look_again_at,
		"reason_values": json.dumps({key: harmless(value) for key, value in sorted(values.items())}),
		"checkins_digest": sum(digests.get(one.name, 0) for one in checkins),
		"attendance_digest": sum(digests.get(one.name, 0) for one in judged.written),
		"made_on": input_hash(workday),
	}


def _is_overtime_only(judgement: Judgement) -> bool:
	return judgement.state is State.NO_ATTENDANCE and judgement.why is Why.ON_HOLIDAY


def of_batch(judged: Iterable[Judged], batch: Batch) -> dict[str, Row]:
	return {each.name: row_of(each, batch.digests, batch.inactive) for each in judged}


def existing(days: Days) -> dict[str, Row]:
	"""Rows of these people on these days, by name."""
	first = min(first for first, _last in days.values())
	last = max(last for _first, last in days.values())
	columns = ", ".join(f"`{field}`" for field in ("name", *FIELDS, *REMEMBERED))
	rows = frappe.db.sql(
		f"SELECT {columns} FROM `tab{DOCTYPE}` WHERE `employee` IN %s AND `date` BETWEEN %s AND %s",
		(list(days), first, last),
		as_dict=True,
	)  # thousands of rows: get_all takes several times as long
	return {row.pop("name"): row for row in rows if _is_within(row, days)}


def by_newest(people: Collection[str], since: date) -> Days:
	"""Days that hang on the newest check-in of these people, however long before it they are: from the first to the last of each."""
	found = frappe.db.sql(
		f"""SELECT `employee`, MIN(`date`), MAX(`date`) FROM `tab{DOCTYPE}`
		WHERE `employee` IN %s AND `date`>=%s AND `reason_values` LIKE %s GROUP BY `employee`""",
		(list(people), since, f'%"{BY_NEWEST}"%'),
	)
	return {employee: (first, last) for employee, first, last in found}


def _is_within(row: Mapping[str, Any], days: Mapping[str, tuple[date, date]]) -> bool:
	first, last = days[row["employee"]]
	return first <= row["date"] <= last


def replace(old: Mapping[str, Row], new: Mapping[str, Row], remembers: bool = False) -> int:
	"""Write what is new or different, and delete what is not there any more; returns how many rows that were.

	`remembers`: a day that was refused is not complete again for being judged again.
	"""
	new = {name: _remembering(row, old.get(name) if remembers else None) for name, row in new.items()}
	gone = sorted(set(old) - set(new))
	changed = {name: row for name, row in new.items() if _differs(old.get(name), row)}
	_delete(gone)
	now, user = now_datetime(), frappe.session.user
	written = [
		(name, now, now, user, user, *(row[field] for field in (*FIELDS, *REMEMBERED)))
		for name, row in sorted(changed.items())
	]
	fields = (*FIELDS, *REMEMBERED)
	sql.upsert(DOCTYPE, ("name", *META, *fields), written, ("modified", "modified_by", *fields))
	return len(gone) + len(changed)


def _remembering(row: Row, before: Row | None) -> Row:
	is_refused = before and before["refused"] and row["state"] == State.COMPLETE.value
	if before and is_refused:
		return _refused(row, before["refused"], before["refused_at"])
	return {**row, "refused": "", "refused_at": None}


def _refused(row: Row, words: str, at: datetime | None) -> Row:
	values = {**json.loads(row["reason_values"]), "refusal": words}
	return {
		**row,
		"state": State.TO_SETTLE.value,
		"reason": Why.REFUSED.value,
		"reason_values": json.dumps(dict(sorted(values.items()))),
		"look_again_at": at + DAY if at else None,
		"refused": words,
		"refused_at": at,
	}


def note_refusals(refusals: Mapping[str, str], now: datetime) -> None:
	"""Row → what HRMS said. It is tried again when the day is judged again, and the next day."""
	if not refusals:
		return
	found = frappe.get_all(
		DOCTYPE, {"name": ("in", list(refusals))}, ["name", "reason_values", "state"], limit=0
	)
	fields = ("state", "reason", "reason_values", "look_again_at", *REMEMBERED)
	refused = [_refused(row, harmless(refusals[row.name]), now) for row in found]
	written = [(row["name"], *(row[field] for field in fields), now_datetime()) for row in refused]
	sql.update_many(DOCTYPE, (*fields, "modified"), sorted(written))


def refused() -> list[str]:
	"""Rows of which HRMS has said no, and nothing has happened since."""
	told = {"state": State.TO_SETTLE.value, "reason": Why.REFUSED.value, "refused_at": ("is", "set")}
	return frappe.get_all(DOCTYPE, told, pluck="name", limit=0)


def try_again(days: Days) -> None:
	"""What was refused of these people, from the first to the last of all these days."""
	between = min(first for first, _last in days.values()), max(last for _first, last in days.values())
	refused = {"employee": ("in", list(days)), "date": ("between", between), "reason": Why.REFUSED.value}
	frappe.db.set_value(DOCTYPE, refused, "refused_at", None, update_modified=False)


def _differs(old: Row | None, new: Row) -> bool:
	if old is None:
		return True
	fields = (field for field in FIELDS if field not in SAID_LATER) if _is_silent_still(old, new) else FIELDS
	return any(_shown(old[field]) != _shown(new[field]) for field in fields)


def _is_silent_still(old: Row, new: Row) -> bool:
	"""It was Complete until HRMS was found silent about it, and is judged the same again."""
	return old["reason"] == Why.HRMS_SILENT.value and new["state"] == State.COMPLETE.value


def _shown(value: object) -> object:
	"""As the database gives it back: empty texts and none are one, and so are times to the second."""
	if value in (None, ""):
		return None
	return round(value, 6) if isinstance(value, float) else value


def _delete(names: Collection[str]) -> None:
	if names:
		frappe.db.delete(DOCTYPE, {"name": ("in", list(names))})
