"""Biometric Staging Event: *Channel* is called *Feed*, as everywhere else."""

import frappe
from frappe.model.utils.rename_field import rename_field

EVENT = "Biometric Staging Event"


def execute() -> None:
	if frappe.db.has_column(EVENT, "channel"):
		rename_field(EVENT, "channel", "feed")
