"""Sentences in the words of whoever looks: translated when they are shown, with dates as this site writes them. Stored are a code and values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, time

import frappe
from frappe import _
from frappe.utils import format_datetime, formatdate

from biometric_integration.core.reasons import Reason, pattern
from biometric_integration.core.stream import PRIMARY
from biometric_integration.core.text import harmless

RULE = "Biometric Mapping Rule"
"""Whoever may write these decides what becomes of punches and ids (`permissions.SETUP_ROLES`)."""

SAID = "said"
"""The value that is a whole sentence, of before values were stored."""

DAYS, MOMENTS = ("day", "barred"), ("time",)
"""The values of a Staging Event's reason that are written as this site writes dates and times; stored as ISO 8601 has them."""


class _Filled(dict):
	"""What is not known stays out of a sentence."""

	def __missing__(self, key: str) -> str:
		return "?"


def filled(sentence: str, values: Mapping[str, str]) -> str:
	"""The pattern in the reader's language, over these values."""
	return _(sentence).format_map(_Filled(values)) if sentence else ""


def stored(values: Mapping[str, object]) -> str:
	return json.dumps({key: harmless(str(value)) for key, value in values.items()}) if values else ""


def of_event(row) -> str:
	"""Why a Staging Event (`reason_code`, `reason_values`) stands where it stands, for whoever looks; empty where there is nothing to say."""
	values = json.loads(row.reason_values or "{}")
	if SAID in values:
		return values[SAID]
	try:
		reason = Reason(row.reason_code or "")
	except ValueError:  # of a version that is long gone
		return row.reason_code
	if reason is Reason.NONE:
		return ""
	may_set_up = bool(frappe.has_permission(RULE, "write"))
	return filled(pattern(reason, values, may_set_up), _shown(values))


def _shown(values: Mapping[str, str]) -> dict[str, str]:
	shown = {key: formatdate(values[key]) for key in DAYS if key in values}
	shown.update((key, format_datetime(values[key])) for key in MOMENTS if key in values)
	if "state" in values:
		shown["state"] = _(values["state"])
	return {**values, **shown}


def stream(key: str) -> str:
	"""`main/eBioServer/*/live` in words; `public/js/stream_words.js` says the same."""
	server, *rest = key.split("/")
	if len(rest) < 3:
		return key
	unit, feed = "/".join(rest[1:-1]), rest[-1]
	feeds = {
		"live": _("newest punches"),
		"day": _("day by day"),
		"punches": "",
		"push": _("pushed by the device"),
		"webhook": _("web hook"),
		"api": _("ingest API"),
		"file": _("file"),
	}
	said = (
		_("Main Server") if server == PRIMARY else server,
		"" if unit == "*" else unit.removeprefix(f"{feed} "),
		feeds.get(feed, feed),
	)
	return " · ".join(filter(None, said))


def moment(moment: datetime) -> str:
	"""As the site writes dates, without the seconds, which are not known; midnight is the date alone."""
	return formatdate(moment) + (f" {moment:%H:%M}" if moment.time() != time() else "")
