from frappe.model.document import Document


class BiometricMappingCorrection(Document):
	"""Who took back what of a wrong mapping, and when; nobody writes or deletes it by hand."""
