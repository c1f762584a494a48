import frappe
from frappe import _
from frappe.model.document import Document

from biometric_integration.core.periods import PeriodStatus


class BiometricSyncPeriod(Document):
	"""A stretch of days that is read of a server. Written by `sync/records/periods.py` only."""

	def on_trash(self) -> None:
		if self.status == PeriodStatus.READING.value:
			frappe.throw(_("It is being read. Choose Stop first."))


def on_doctype_update() -> None:
	frappe.db.add_index("Biometric Sync Period", ["status", "server"])
