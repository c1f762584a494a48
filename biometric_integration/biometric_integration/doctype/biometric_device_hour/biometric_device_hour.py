from frappe.model.document import Document

from biometric_integration.sync.db import sql


class BiometricDeviceHour(Document):
	"""Written by `sync/records/device_hours.py` only; its name is the hour and the device."""


def on_doctype_update() -> None:
	sql.keep_indexes("Biometric Device Hour", {"biometric_device_hour": ["device", "hour"]})
