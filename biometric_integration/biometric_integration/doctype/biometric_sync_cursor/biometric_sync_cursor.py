from frappe.model.document import Document


class BiometricSyncCursor(Document):
	"""How far a stream has been read; named by the stream's key."""
