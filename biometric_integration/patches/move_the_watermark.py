"""Biometric Sync Settings: *Move Last Sync of Checkin* is on by default, on sites that were there before as well."""

import frappe

SETTINGS, FIELD = "Biometric Sync Settings", "move_watermark"


def execute() -> None:
	if not frappe.db.exists("Singles", {"doctype": SETTINGS, "field": FIELD}):
		frappe.db.set_single_value(SETTINGS, FIELD, 1, update_modified=False)
