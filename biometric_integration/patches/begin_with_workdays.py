"""Biometric Sync Settings: a site that has punches already sees the workdays of the last weeks."""

import frappe
from frappe.utils import add_days, nowdate

from biometric_integration.sync.records import servers

DAYS = 45


def execute() -> None:
	if not servers.stamp("workdays_from"):
		first = add_days(nowdate(), -DAYS)
		frappe.db.set_single_value(servers.SETTINGS, "workdays_from", first, update_modified=False)
