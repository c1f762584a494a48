from frappe.model.document import Document

from biometric_integration.sync.workdays import decisions, notes, stale


class BiometricDecision(Document):
	"""What a person decided. Its workday is judged again with it, and without it."""

	def before_insert(self) -> None:
		self.made_on = decisions.made_on(self)

	def on_update(self) -> None:
		stale.decision_changed(self)

	def on_trash(self) -> None:
		notes.let_go(self)
		stale.decision_changed(self)
