"""Serial numbers that knocked and that nobody has accepted: a short list, written seldom, whatever anybody sends."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address

import frappe
from frappe.utils import now_datetime

from biometric_integration.core.text import fitting
from biometric_integration.receivers.adms.conversation import Asked
from biometric_integration.sync.db import pace, sql, transaction

DOCTYPE = "Biometric Unknown Device"
MOST = 200
"""Kept; the newest."""
NEW_A_MINUTE = 30
REQUESTS_A_MINUTE = 2000
"""That are looked at; more of them leave no trace."""
LONGEST_VERSION = 20
MOST_TIMES = 10**6
FIELDS = (
	"name",
	"creation",
	"modified",
	"owner",
	"modified_by",
	"serial_number",
	"first_seen",
	"last_seen",
	"requests",
	"address",
	"push_version",
	"bridge",
)
MERGING = {
	"modified": sql.LATEST,
	"last_seen": sql.LATEST,
	"requests": sql.ADDED,
	"address": sql.REPLACED,
	"push_version": sql.LATEST,
	"bridge": sql.REPLACED,
}
TOLD_MERGING = {**MERGING, "requests": sql.LATEST}
"""A bridge counts by itself."""


def note(asked: Asked, address: str) -> None:
	"""Somebody knocked. Commits, at most once a minute for each serial number."""
	if not asked.serial or not _is_looked_at():
		return
	counted = f"requests of {asked.serial}"
	count = pace.times(counted, 2 * pace.MINUTE)
	if pace.times(f"turn of {asked.serial}") == 1:
		pace.forget(counted)
		version = fitting(asked.query.get("pushver", ""))[:LONGEST_VERSION]
		_keep(asked.serial, address, count, version, None, MERGING)


def note_told(serial: str, address: str, times: int, bridge: str) -> None:
	"""Somebody knocked at a bridge, so often in all. The same bounds."""
	if _is_looked_at() and pace.times(f"turn of {serial}") == 1:
		_keep(serial, address, min(times, MOST_TIMES), "", bridge, TOLD_MERGING)


def _is_looked_at() -> bool:
	return 0 < pace.times("requests") <= REQUESTS_A_MINUTE


def _keep(
	serial: str, address: str, count: int, version: str, bridge: str | None, merging: Mapping[str, str]
) -> None:
	if not frappe.db.exists(DOCTYPE, serial) and pace.times("new") > NEW_A_MINUTE:
		return
	now, user = now_datetime(), frappe.session.user
	times = (now, now, count)
	row = (serial, now, now, user, user, serial, *times, _plain(address), version, bridge)
	transaction.in_one(lambda: (sql.merge(DOCTYPE, FIELDS, [row], merging), _forget_the_oldest()))


def _plain(address: str) -> str:
	"""What is no address is not shown: it stands in a header that anybody may have written."""
	try:
		return str(ip_address(address))
	except ValueError:
		return ""


def _forget_the_oldest() -> None:
	names = frappe.get_all(DOCTYPE, order_by="last_seen desc, name asc", pluck="name", limit=2 * MOST)
	if len(names) > MOST:
		frappe.db.delete(DOCTYPE, {"name": ("in", names[MOST:])})


def heard_by(serial: str) -> str:
	"""The bridge that a device knocked at last; empty for this site."""
	return frappe.db.get_value(DOCTYPE, serial, "bridge") or ""


def forget_bridge(bridge: str) -> None:
	frappe.db.set_value(DOCTYPE, {"bridge": bridge}, "bridge", None, update_modified=False)


def forget(serial: str) -> None:
	frappe.db.delete(DOCTYPE, {"name": serial})
