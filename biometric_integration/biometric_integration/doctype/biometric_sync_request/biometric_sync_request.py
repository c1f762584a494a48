from frappe.model.document import Document


class BiometricSyncRequest(Document):
	"""One request of a run, redacted."""
