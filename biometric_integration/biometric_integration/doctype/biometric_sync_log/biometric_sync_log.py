import frappe
from frappe.model.document import Document
from frappe.utils import add_days, now_datetime

from biometric_integration.sync.db import sql

CHUNK = 1000
"""Logs deleted by one statement."""

INDEXES = {
	"stream_started_at_index": ["stream", "started_at"],
	"status_started_at_index": ["status", "started_at"],
	"pending_index": ["pending"],
	"sync_period_stream_index": ["sync_period", "stream"],
}


class BiometricSyncLog(Document):
	"""One run of one stream."""

	@staticmethod
	def clear_old_logs(days: int = 90) -> None:
		"""Delete finished runs that started more than `days` days ago; the punches they read stay."""
		filters = {"status": ("!=", "Running"), "started_at": ("<", add_days(now_datetime(), -days))}
		while names := frappe.get_all("Biometric Sync Log", filters=filters, pluck="name", limit=CHUNK):
			frappe.db.delete("Biometric Sync Request", {"parent": ("in", names)})
			frappe.db.delete("Biometric Sync Log", {"name": ("in", names)})
			frappe.db.commit()  # nosemgrep -- each chunk by itself: nothing else waits for a long transaction


def on_doctype_update() -> None:
	sql.keep_indexes("Biometric Sync Log", INDEXES)
