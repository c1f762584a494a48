import frappe
from frappe.model.document import Document


class BiometricStagingEvent(Document):
	"""A stored punch; its name is the punch's fingerprint."""


def on_doctype_update() -> None:
	"""As few of them as possible hold what changes when a punch is used: each of those is one more place to write."""
	for fields in (
		["status", "reason_code"],
		["reason_code", "server", "device_user_id"],
		["server", "unit", "source_time"],
		["device_user_id"],
		["employee", "punch_time"],
		["sync_log"],
		["device"],
	):
		frappe.db.add_index("Biometric Staging Event", fields)
