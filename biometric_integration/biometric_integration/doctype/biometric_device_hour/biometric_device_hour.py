import frappe
from frappe.model.document import Document


class BiometricDeviceHour(Document):
	"""Written by `sync/records/device_hours.py` only; its name is the hour and the device."""


def on_doctype_update() -> None:
	frappe.db.add_index("Biometric Device Hour", ["device", "hour"], "biometric_device_hour")
