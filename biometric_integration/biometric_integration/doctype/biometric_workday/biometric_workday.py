from frappe.model.document import Document

from biometric_integration.sync.db import sql
from biometric_integration.sync.desk import settle, workdays
from biometric_integration.sync.workdays import words

DOCTYPE = "Biometric Workday"
INDEXES = {
	"biometric_person": ["employee", "date", "first_in", "checkins_digest", "attendance_digest"],
	"biometric_state": ["state", "date"],
	"biometric_date": ["date"],
	"biometric_unlinked": ["unlinked", "date"],
	"biometric_look_again": ["look_again_at"],
	"biometric_attendance": ["attendance"],
}
"""The first one is all that the sweep reads of a row."""


class BiometricWorkday(Document):
	"""A derived row; its name is its date and a hash of employee, shift and start."""

	def onload(self) -> None:
		checkins = workdays.checkins(self)
		self.set_onload("sentence", words.of_row(self))
		self.set_onload("checkins", checkins)
		self.set_onload("devices", workdays.devices(self, checkins))
		self.set_onload("actions", settle.actions(self))
		self.set_onload("missing", settle.suggestion(self))
		self.set_onload("decisions", settle.decided(self))


def on_doctype_update() -> None:
	sql.keep_indexes(DOCTYPE, INDEXES)
