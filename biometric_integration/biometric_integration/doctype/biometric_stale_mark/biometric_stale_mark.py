from frappe.model.document import Document

from biometric_integration.sync.db import sql


class BiometricStaleMark(Document):
	"""Written and deleted by `sync/workdays/marks.py` only."""


def on_doctype_update() -> None:
	sql.keep_indexes("Biometric Stale Mark", {"biometric_whose": ["whose"], "biometric_scope": ["scope"]})
