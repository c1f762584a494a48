import frappe
from frappe import _
from frappe.model.document import Document

from biometric_integration.core.typed import line
from biometric_integration.sync.desk import limits
from biometric_integration.sync.workdays import decisions, notes, stale
from biometric_integration.sync.workdays.evidence import TRUST


class BiometricDecision(Document):
	"""What a person decided. Its workday is judged again with it, and without it."""

	def before_insert(self) -> None:
		limits.check_days(self, "date")
		self.made_on = decisions.made_on(self)

	def validate(self) -> None:
		self.check_whose()
		if not line(self.reason):
			frappe.throw(_("Say why: whoever looks at this later wants to know."))

	def check_whose(self) -> None:
		"""A decision about nobody would be kept, and would decide nothing."""
		used = "device" if self.what == TRUST else "employee"
		if not self.get(used):
			frappe.throw(_("This decision is about one {0}: choose it.").format(_(self.meta.get_label(used))))

	def on_update(self) -> None:
		stale.decision_changed(self)

	def on_trash(self) -> None:
		notes.let_go(self)
		stale.decision_changed(self)
