from frappe.model.document import Document


class BiometricEmployeeField(Document):
	"""A field of Employee in which Device User IDs are looked up."""
