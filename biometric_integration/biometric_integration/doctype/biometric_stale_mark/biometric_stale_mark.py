from frappe.model.document import Document


class BiometricStaleMark(Document):
	"""Written and deleted by `sync/workdays/marks.py` only."""
