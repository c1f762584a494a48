import frappe
from frappe import _
from frappe.model.document import Document

from biometric_integration.core.typed import line
from biometric_integration.permissions import BRIDGE_ROLE
from biometric_integration.sync.push import strangers
from biometric_integration.sync.records import bridges


class BiometricBridge(Document):
	"""A program in the LAN that reads and receives for this site; what it reported stands here, and is written by its reports alone."""

	def before_insert(self) -> None:
		self.bridge_name = line(self.bridge_name)

	def validate(self) -> None:
		self.keep_what_it_reported()
		self.check_name()
		self.check_user()

	def on_trash(self) -> None:
		"""Who knocked at it may knock elsewhere. What is read by it, or pushes to it, keeps it there."""
		strangers.forget_bridge(self.name)

	def keep_what_it_reported(self) -> None:
		"""The form may be older than the newest report."""
		known = None if self.is_new() else bridges.reported(self.name)
		self.update(known or dict.fromkeys(bridges.REPORTED))

	def check_name(self) -> None:
		if any(sign in self.bridge_name for sign in '<>"\\') or not self.bridge_name.isprintable():
			frappe.throw(_("The name of a bridge has letters, digits and blanks, such as Plant 1."))

	def check_user(self) -> None:
		if self.has_value_changed("user") and BRIDGE_ROLE not in frappe.get_roles(self.user):
			frappe.throw(
				_("{0} needs the role {1}: without it the program can send nothing.").format(
					frappe.bold(frappe.utils.escape_html(self.user)), frappe.bold(_(BRIDGE_ROLE))
				)
			)
