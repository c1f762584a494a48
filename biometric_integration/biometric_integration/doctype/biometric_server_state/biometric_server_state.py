from frappe.model.document import Document


class BiometricServerState(Document):
	"""How a server answers at present; named by its server id."""
