from frappe.model.document import Document


class BiometricServer(Document):
	"""One more attendance server; `server_id` is set once, every punch of the server is known by it."""
