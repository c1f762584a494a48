import frappe
from frappe import _
from frappe.model.document import Document

from biometric_integration.core.typed import line

COLUMNS = ("user_id_column", "time_column", "clock_column", "device_column", "direction_column")


class BiometricFileFormat(Document):
	"""Which columns of a table are used: the saved mapping of *Biometric File Import*."""

	def before_insert(self) -> None:
		self.format_name = line(self.format_name)

	def validate(self) -> None:
		for field in (*COLUMNS, "in_words", "out_words"):
			self.set(field, line(self.get(field)))
		if not self.direction_column:
			self.in_words = self.out_words = ""
		self.check_columns()

	def check_columns(self) -> None:
		"""One column cannot be two things."""
		seen: dict[str, str] = {}
		for field in COLUMNS:
			column = self.get(field).casefold()
			if column and column in seen:
				frappe.throw(
					_("{0} and {1} name the same column. Correct one of them.").format(
						frappe.bold(_(self.meta.get_label(seen[column]))),
						frappe.bold(_(self.meta.get_label(field))),
					)
				)
			seen[column] = field
