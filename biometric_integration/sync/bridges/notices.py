"""System Managers are told of a bridge that was silent for more than an hour, or has kept a punch for a day: once, until it is well again."""

from __future__ import annotations

from datetime import datetime

import frappe
from frappe import _
from frappe.desk.doctype.notification_log.notification_log import make_notification_logs
from frappe.utils import escape_html

from biometric_integration.core.bridges import is_worth_a_notice
from biometric_integration.sync.bridges import standing
from biometric_integration.sync.db import transaction
from biometric_integration.sync.records import bridges, users

ROLE = "System Manager"


def tell(now: datetime) -> int:
	"""Returns of how many there was something to tell. Commits where there was, or where one is well again."""
	found = {row.name: row for row in bridges.rows(enabled=1).values()}
	bad = {name for name, row in found.items() if is_worth_a_notice(standing.facts(row), now)}
	told = {name for name, row in found.items() if row.told}
	for name in sorted(bad ^ told):
		row, is_bad = found[name], name in bad
		transaction.in_one(lambda row=row, is_bad=is_bad: _note(row, is_bad, now))
	return len(bad - told)


def _note(row: frappe._dict, is_bad: bool, now: datetime) -> None:
	bridges.keep(row.name, {"told": int(is_bad)})
	if is_bad:
		words = escape_html(" ".join(standing.words(row, now)))
		subject = f"<b>{escape_html(_('Biometric Bridge'))} {escape_html(row.name)}</b>: {words}"
		about = {"document_type": bridges.DOCTYPE, "document_name": row.name}
		emails = frappe.get_all("User", {"name": ("in", users.with_role(ROLE))}, pluck="email", limit=0)
		make_notification_logs(frappe._dict(type="Alert", subject=subject, **about), emails)
