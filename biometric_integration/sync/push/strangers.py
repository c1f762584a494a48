"""Serial numbers that knocked and that nobody has accepted: a short list, written seldom, whatever anybody sends."""

from __future__ import annotations

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
)
MERGING = {
	"modified": sql.LATEST,
	"last_seen": sql.LATEST,
	"requests": sql.ADDED,
	"address": sql.REPLACED,
	"push_version": sql.LATEST,
}


def note(asked: Asked, address: str) -> None:
	"""Somebody knocked. Commits, at most once a minute for each serial number."""
	if not asked.serial or not 0 < pace.times("requests") <= REQUESTS_A_MINUTE:
		return
	counted = f"requests of {asked.serial}"
	count = pace.times(counted, 2 * pace.MINUTE)
	if pace.times(f"turn of {asked.serial}") == 1:
		pace.forget(counted)
		_keep(asked, address, count)


def _keep(asked: Asked, address: str, count: int) -> None:
	if not frappe.db.exists(DOCTYPE, asked.serial) and pace.times("new") > NEW_A_MINUTE:
		return
	now, user = now_datetime(), frappe.session.user
	version = fitting(asked.query.get("pushver", ""))[:LONGEST_VERSION]
	row = (
		asked.serial,
		now,
		now,
		user,
		user,
		asked.serial,
		now,
		now,
		count,
		_plain(address),
		version,
	)
	transaction.in_one(lambda: (sql.merge(DOCTYPE, FIELDS, [row], MERGING), _forget_the_oldest()))


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


def forget(serial: str) -> None:
	frappe.db.delete(DOCTYPE, {"name": serial})
