"""Report *Odd Punches*: *Workdays* has taken its place."""

import frappe


def execute() -> None:
	frappe.delete_doc_if_exists("Report", "Odd Punches", force=True)
