from frappe.model.document import Document


class BiometricUnknownDevice(Document):
	"""A serial number under which somebody knocked, and that nobody has accepted. Nothing of what it sent is kept."""
