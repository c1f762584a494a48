from frappe.model.document import Document


class BiometricDeviceCommand(Document):
	"""A question for a device that pushes. Written by `sync/push/questions.py` only."""
