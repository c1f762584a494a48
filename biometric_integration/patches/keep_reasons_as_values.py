"""Biometric Staging Event kept a sentence as its reason, in the language of a worker. Now it keeps a reason with a label, and the values of its sentence.

What a sentence says is read out of it; one that cannot be read is kept as it is. It goes in chunks, in the order of the table: whoever stops it begins again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import frappe
from frappe import _

from biometric_integration.core.reasons import Reason
from biometric_integration.sync.db import sql, transaction
from biometric_integration.sync.records import staging, words

CHUNK = 5000
FIELDS = ("reason_code", "reason_values")
CODES = {reason.name.lower(): reason.value for reason in Reason if reason is not Reason.NONE}
"""Former code → label."""

FORMER: Mapping[str, tuple[str, ...]] = {
	"": ("Part of {attendance}, which was written before punches got check-ins of their own.",),
	"already_there": ("A check-in of this employee at this time was already there; no second one was made.",),
	"no_employee": (
		"No employee has the id {user_id}. Enter it in the employee's record, or make a mapping rule; this punch is then used by itself.",
	),
	"ambiguous": ("Several employees share the id {user_id}: {names}. Leave it with one of them.",),
	"since_when": (
		"{employee} has the id {user_id} now, but at the time of this punch it may have been somebody else's: before it was entered it was "
		"silent for {days} days or more, or somebody else had it. Choose the employee, with the day from which on the id is theirs.",
	),
	"not_joined": (
		"{employee} joins on {day}, after this punch. Correct the date of joining if it is wrong.",
	),
	"left": ("{employee} left on {day}, before this punch. Correct the relieving date if it is wrong.",),
	"after_leaving": (
		"{employee} has the relieving date {day}, which is before this punch, but is not marked as Left: the punch is used. "
		"Correct the date, or the status, if one of them is wrong.",
	),
	"inactive": ("{employee} is {state}. Set the employee to Active if this punch should count.",),
	"hrms_refused": ("The check-in was refused: {words}",),
	"invalid": (
		"The server sent a row that could not be read ({problem}). It is kept as it came, see Raw Payload.",
	),
	"implausible": (
		"The device reported the year {year}: its clock was wrong. Release the punch with the right time.",
	),
	"future": (
		"The device reported a time in the future: its clock is ahead. Release in the Biometric Device takes back all such punches by as much; "
		"or release this one with the right time.",
	),
	"device_off": ("The device {device} is disabled. The punch is used as soon as the device is enabled.",),
	"id_ignored": ("The id {user_id} is ignored by the mapping rule {rule}.",),
	"junk": ("An operation or enrolment record of the device, not a punch.",),
	"repeat": ("Within {seconds} seconds of the punch at {time}: counted once.",),
	"not_for_attendance": ("The device {device} does not count for attendance.",),
	"before_floor": (
		"Before {day}, from where on punches are used (start date, or import floor of the settings).",
		"From before {barred}: older punches have been deleted here, and are not used again. Reprocess uses this one.",
	),
	"expired": (
		"Nobody entered this id for {days} days. Reprocess uses the punch once an employee has the id.",
	),
	"deleted": ("{user} deleted its check-in at {time}. It stays deleted.",),
}
"""Former code → its sentences, as they were translated and filled in."""


def execute() -> None:
	if _has_sentences():
		_convert_all("`reason`")
		_convert_all("`reason`")  # what workers of before wrote meanwhile
		# from here on they can write nothing: their runs fail, and are done again by those of now
		frappe.db.sql_ddl(f"ALTER TABLE `tab{staging.DOCTYPE}` DROP COLUMN IF EXISTS `reason`")
		frappe.cache.delete_value("table_columns")
		# the last filters of people: by a former code their list would be empty, as if nothing waited
		frappe.db.delete("__UserSettings", {"doctype": staging.DOCTYPE})
		frappe.cache.delete_value("_user_settings")
	_convert_all("''")


def _has_sentences() -> bool:
	return bool(frappe.db.sql(f"SHOW COLUMNS FROM `tab{staging.DOCTYPE}` LIKE 'reason'"))


def _convert_all(sentence: str) -> None:
	after = ""
	while names := _after(after, sentence):
		after = names[-1]
		transaction.in_one(lambda names=names: _convert(names, sentence))


def _to_convert(sentence: str) -> str:
	"""A former code, or a sentence that nobody has looked at; as an SQL condition."""
	return f"(BINARY `reason_code` IN %(codes)s OR (`reason_values` IS NULL AND (`reason_code`>'' OR {sentence}>'')))"


def _after(name: str, sentence: str) -> list[str]:
	return frappe.db.sql(
		f"""SELECT `name` FROM `tab{staging.DOCTYPE}` WHERE `name`>%(name)s AND {_to_convert(sentence)} ORDER BY `name` LIMIT %(chunk)s""",
		{"name": name, "codes": [*CODES], "chunk": CHUNK},
		pluck=True,
	)


def _convert(names: Sequence[str], sentence: str) -> None:
	"""As they stand now: whoever decides about one of them waits, or has decided."""
	rows = frappe.db.sql(
		f"""SELECT `name`, `reason_code`, {sentence} FROM `tab{staging.DOCTYPE}`
		WHERE `name` IN %(names)s AND {_to_convert(sentence)} FOR UPDATE""",
		{"names": names, "codes": [*CODES]},
	)
	if rows:
		found = [(name, *converted(code or "", said or "")) for name, code, said in rows]
		sql.update_many(staging.DOCTYPE, FIELDS, found)


def converted(code: str, sentence: str) -> tuple[str, str]:
	"""Reason and values, as they are stored, of a former code and its sentence."""
	for pattern in _patterns(code):
		if match := pattern.fullmatch(sentence):
			label = CODES.get(code, code) if code else Reason.WRITTEN_BEFORE.value
			return label, words.stored(match.groupdict())
	return CODES.get(code, code), words.stored({words.SAID: sentence} if sentence else {})


@cache
def _patterns(code: str) -> Sequence[re.Pattern]:
	return [*_in_all_languages(code)]


def _in_all_languages(code: str) -> Iterator[re.Pattern]:
	for language in sorted({"en", frappe.db.get_default("lang") or "en"}):
		for sentence in FORMER.get(code, ()):
			parts = re.split(r"\{(\w+)\}", _(sentence, language))
			texts = [
				re.escape(part) if number % 2 == 0 else f"(?P<{part}>.*)" for number, part in enumerate(parts)
			]
			yield re.compile("".join(texts), re.DOTALL)
