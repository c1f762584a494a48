import frappe
from frappe import _
from frappe.model.document import Document

from biometric_integration.sync.desk import files

CHOICES = ("file", "device", "date_order", "column_mapping")
OURS = ("status", *files.RESULTS, "file_name", "file_hash", *files.RECORD)
"""What no form and no API writes."""


class BiometricFileImport(Document):
	"""A file of punches: what it holds, and that it was brought in."""

	def validate(self) -> None:
		before = self.get_doc_before_save()
		for field in OURS:
			self.set(field, before.get(field) if before else self.meta.get_field(field).default)
		if before and not any(map(self.has_value_changed, CHOICES)):
			return
		if before and before.status not in files.OPEN:
			frappe.throw(_("This file was brought in already. Upload the other one to a new import."))
		self.update({**files.RESULTS, "status": files.FileStatus.DRAFT.value})
		if not before or self.has_value_changed("file"):
			files.look_at_file(self)

	def on_trash(self) -> None:
		if self.status not in (*files.OPEN, files.FileStatus.UNDONE.value):
			frappe.throw(
				_(
					"Its punches were brought in, and Undo needs to know of which file they are. Choose Undo first, or keep it."
				)
			)
