import frappe
from frappe import _
from frappe.model.document import Document

from biometric_integration.core.periods import PeriodStatus, Purpose
from biometric_integration.sync.db import sql
from biometric_integration.sync.records import servers


class BiometricSyncPeriod(Document):
	"""A stretch of days that is read of a server. Written by `sync/records/periods.py` only."""

	def on_trash(self) -> None:
		if self.status == PeriodStatus.READING.value:
			frappe.throw(_("It is being read. Choose Stop first."))
		is_stop = self.status == PeriodStatus.STOPPED.value and self.purpose == Purpose.START_DATE.value
		if is_stop and self.server in servers.ids():
			frappe.throw(_("What it has stopped would be read again. Choose Resume, or a later Start Date."))


def on_doctype_update() -> None:
	sql.keep_indexes("Biometric Sync Period", {"status_server_index": ["status", "server"]})
