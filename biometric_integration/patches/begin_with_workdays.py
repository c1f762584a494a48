"""Biometric Sync Settings: a site that has punches already sees the workdays of the last weeks; its new settings have their defaults."""

import frappe
from frappe.utils import add_days, nowdate

SETTINGS = "Biometric Sync Settings"
DAYS = 45


def execute() -> None:
	if frappe.db.get_single_value(SETTINGS, "workdays_from"):
		return
	for field in frappe.get_meta(SETTINGS).fields:
		if field.fieldname in ("longest_workday", "missing_punch", "hold_days", "decide_by"):
			frappe.db.set_single_value(SETTINGS, field.fieldname, field.default, update_modified=False)
	frappe.db.set_single_value(SETTINGS, "workdays_from", add_days(nowdate(), -DAYS), update_modified=False)
