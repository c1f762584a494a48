from frappe.model.document import Document


class BiometricSyncPeriodStream(Document):
	"""How far one stream of a Biometric Sync Period has been read."""
