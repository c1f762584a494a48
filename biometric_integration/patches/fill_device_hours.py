"""Biometric Device Hour: what came while there was no such table, as the events tell it."""

from frappe.utils import now_datetime

from biometric_integration.sync.records import device_hours


def execute() -> None:
	device_hours.fill(now_datetime() - device_hours.REMEMBERED)
