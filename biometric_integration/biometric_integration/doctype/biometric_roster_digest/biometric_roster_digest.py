from frappe.model.document import Document


class BiometricRosterDigest(Document):
	"""Written by `sync/workdays/sweep.py` only; named like the employee."""
