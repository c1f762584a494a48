import frappe
from frappe.model.document import Document


class BiometricStagingEvent(Document):
	"""A stored punch; its name is the punch's fingerprint."""


def on_doctype_update() -> None:
	for fields in (
		["status", "reason_code"],
		["status", "reason_code", "server", "device_user_id"],
		["server", "unit", "source_time"],
		["device_user_id", "status"],
		["employee", "punch_time"],
		["sync_log", "status"],
		["device", "status"],
	):
		frappe.db.add_index("Biometric Staging Event", fields)
