"""The sentence of a workday, in the words of whoever looks at it. Stored are a code and values."""

from __future__ import annotations

import json
from collections.abc import Mapping

from frappe import _
from frappe.utils import formatdate, get_datetime

from biometric_integration.core.judgement import SENTENCES, State, Why
from biometric_integration.core.watermark import SILENCES, Silence
from biometric_integration.sync.records.words import filled, moment

MOMENTS, DAYS = ("closes", "since", "until"), ("left", "begins")
"""The values that are written as this site writes times and dates; stored to the minute, as ISO 8601 has them."""

WITHOUT_A_REASON = {
	State.COMPLETE: "All punches are there. It may be written as it is.",
	State.MARKED: "The attendance agrees with the check-ins.",
	State.NO_ATTENDANCE: "Nothing is to be written for this day.",
}


def sentence(reason: str | None, values: Mapping[str, str]) -> str:
	return filled(SENTENCES.get(Why(reason or ""), ""), _shown(values))


def of_row(row) -> str:
	"""Of a row of Biometric Workday: `state`, `reason` and `reason_values`. What needs no reason is said as well."""
	return said(row.state, row.reason, json.loads(row.reason_values or "{}"))


def said(state: str, reason: str | None, values: Mapping[str, str]) -> str:
	return sentence(reason, values) or _(WITHOUT_A_REASON.get(State(state), ""))


def _shown(values: Mapping[str, str]) -> dict[str, str]:
	shown = {key: moment(get_datetime(values[key])) for key in MOMENTS if key in values}
	shown.update((key, formatdate(values[key])) for key in DAYS if values.get(key))
	shown = {**values, **shown}
	if "silence" in values:
		shown["silence"] = filled(SILENCES[Silence(values["silence"])], shown)
	return shown
