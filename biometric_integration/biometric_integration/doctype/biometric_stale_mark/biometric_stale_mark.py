import frappe
from frappe.model.document import Document


class BiometricStaleMark(Document):
	"""Written and deleted by `sync/workdays/marks.py` only."""


def on_doctype_update() -> None:
	frappe.db.add_index("Biometric Stale Mark", ["whose"], "biometric_whose")
	frappe.db.add_index("Biometric Stale Mark", ["scope"], "biometric_scope")
