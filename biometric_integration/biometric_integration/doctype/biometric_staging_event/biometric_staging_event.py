import frappe
from frappe.model.document import Document

from biometric_integration.sync.db import sql

DOCTYPE = "Biometric Staging Event"
INDEXES = {
	"status_reason_code_index": ["status", "reason_code"],
	"biometric_waiting": [
		"reason_code",
		"server",
		"device_user_id",
		"employee",
		"punch_time",
		"device",
		"creation",
	],
	"biometric_resolved": ["reason_code", "attempts", "resolved_at"],
	"server_unit_source_time_index": ["server", "unit", "source_time"],
	"device_user_id_punch_time_index": ["device_user_id", "punch_time"],
	"employee_punch_time_index": ["employee", "punch_time"],
	"sync_log_index": ["sync_log"],
	"device_reason_code_index": ["device", "reason_code"],
}
"""What each is for: docs/architecture.md, Indexes."""


class BiometricStagingEvent(Document):
	"""A stored punch; its name is the punch's fingerprint."""


def on_doctype_update() -> None:
	sql.keep_to_the_letter(DOCTYPE, "device_user_id")
	for name, fields in INDEXES.items():
		frappe.db.add_index(DOCTYPE, fields, name)
