from frappe.model.document import Document


class BiometricDeviceAlias(Document):
	"""A name and location under which the server has reported the device."""
