import frappe
from frappe.model.document import Document

from biometric_integration.sync.db import sql
from biometric_integration.sync.desk import workdays
from biometric_integration.sync.records import words

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
	"punch_time_kind_index": ["punch_time", "kind"],
	"device_user_id_punch_time_index": ["device_user_id", "punch_time"],
	"employee_punch_time_index": ["employee", "punch_time"],
	"sync_log_index": ["sync_log"],
	"device_index": ["device"],
	"biometric_of_device": ["device", "reason_code", "server", "device_user_id"],
}
"""What each is for: docs/architecture.md, Indexes."""


class BiometricStagingEvent(Document):
	"""A stored punch; its name is the punch's fingerprint."""

	def onload(self) -> None:
		self.set_onload("sentence", words.of_event(self))
		self.set_onload("workday", workdays.of_punch(self))


def on_doctype_update() -> None:
	sql.keep_to_the_letter(DOCTYPE, "device_user_id")
	sql.keep_indexes(DOCTYPE, INDEXES)
	if frappe.db.has_index(
		f"tab{DOCTYPE}", "modified"
	):  # frappe makes it on v15, and each use of a punch would write it
		frappe.db.sql_ddl(f"ALTER TABLE `tab{DOCTYPE}` DROP INDEX `modified`")
