"""Asking a device that pushes, from its form."""

from __future__ import annotations

from datetime import datetime

import frappe
from frappe import _

from biometric_integration.sync.push import questions
from biometric_integration.sync.records import devices


def ask(device: str, what: str, start: datetime, end: datetime) -> str:
	"""Returns what happens next, in a sentence."""
	if what not in questions.ASKS:
		frappe.throw(_("A device can only be asked for punches, or for their number."))
	if not frappe.db.get_value(devices.DOCTYPE, device, "push"):
		frappe.throw(_("This device does not push: turn on Accept Push first."))
	if start > end:
		frappe.throw(_("The end comes before the beginning."))
	questions.ask(device, what, start, end)
	return _("The device is asked when it looks for commands the next time, most often within a minute.")
