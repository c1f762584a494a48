import re

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import now_datetime

from biometric_integration.core.stream import PRIMARY
from biometric_integration.core.typed import code, line
from biometric_integration.sync.bridges import standing, streams
from biometric_integration.sync.desk import changes, limits
from biometric_integration.sync.push.host import ONLY_PUSHES
from biometric_integration.sync.records import device_hours, servers
from biometric_integration.sync.records.devices import home
from biometric_integration.sync.workdays import stale

REOPENING_FIELDS = ("enabled", "counts_for_attendance", "same_as", "latitude", "longitude")
"""A change of one of these changes what becomes of the device's punches."""

SENDING_FIELDS = ("enabled", "serial_number", "server", "company", "location")
"""A change of one of these may let in what was refused."""

TYPED = {"device_name": line, "location": line, "serial_number": code, "server": code}
"""What is taken off what people paste into these fields."""

SERIAL = re.compile(r"[A-Z0-9_./-]+")
"""As they are printed on devices."""


class BiometricDevice(Document):
	"""One terminal; its name never changes, because its punches are known by it."""

	def validate(self) -> None:
		self.tidy()
		limits.check_numbers(self, limits.OF_DEVICE)
		limits.check_days(self, "start_date", "replaced_on")
		self.check_server()
		self.check_home()
		self.look_at_the_serial_number()
		if self.same_as:
			self.check_same_as()
		self.check_replaced_by()
		self.look_at_the_bridge_before()

	def tidy(self) -> None:
		"""What a person types. What a server says of its device stays to the letter: the device is found again by it."""
		for fieldname, tidied in TYPED.items():
			if self.is_typed(fieldname):
				self.set(fieldname, tidied(self.get(fieldname)))
		self.serial_number = (self.serial_number or "").strip() or None
		self.server = (self.server or "").strip().lower()

	def is_typed(self, fieldname: str) -> bool:
		return self.has_value_changed(fieldname) and not self.flags.ignore_permissions

	def check_server(self) -> None:
		"""What a person enters. One whose server was removed may be changed all the same."""
		known = [*servers.ids(), ONLY_PUSHES]
		if self.is_typed("server") and home(self.server) not in known:
			frappe.throw(
				_("There is no attendance server with the id {0}. Choose one of: {1}.").format(
					frappe.bold(frappe.utils.escape_html(self.server)), ", ".join(known)
				)
			)

	def look_at_the_serial_number(self) -> None:
		"""What no device has printed on it may be a slip, and then nothing would ever come."""
		serial = self.serial_number
		if serial and self.has_value_changed("serial_number") and not SERIAL.fullmatch(serial):
			frappe.msgprint(
				_(
					"The Serial Number {0} has small letters, blanks or other signs that devices seldom have. It is compared letter by letter: look at the device once more."
				).format(frappe.bold(frappe.utils.escape_html(serial))),
				indicator="orange",
			)

	def check_home(self) -> None:
		"""The names of punches are made of it: with another one, those that come again would be taken for new ones."""
		before = self.get_doc_before_save()
		if not before or home(before.server) == home(self.server):
			return
		if frappe.db.exists("Biometric Staging Event", {"device": self.name}):
			sentence = _(
				"This device has punches, which are known by its server. Set Server back to {0}: another server may report it as well, by its serial number."
			)
			if servers.reads_each_device(home(self.server)):
				sentence = _(
					"This device has punches, which are known by its server. Set Server back to {0}. To have it read through the other server: clear Serial Number here, turn off Enabled, and enter a new device with the serial number under the other server."
				)
			frappe.throw(sentence.format(frappe.bold(frappe.utils.escape_html(before.server or PRIMARY))))

	def look_at_the_bridge_before(self) -> None:
		"""What it has sent to the bridge that it leaves may still be on the way; nothing else says so once it pushes elsewhere."""
		before = self.get_doc_before_save()
		left = before and before.pushes_to
		if left and left != self.pushes_to and standing.may_keep_punches(left, now_datetime()):
			sentence = _(
				"{0} may still keep punches that this device has sent to it. Until it has sent them, days may be taken for complete that are not."
			)
			frappe.msgprint(sentence.format(frappe.bold(frappe.utils.escape_html(left))), indicator="orange")

	def check_same_as(self) -> None:
		if self.same_as == self.name:
			frappe.throw(
				_("A device cannot be the same as itself. Choose the other device, or leave Same As empty.")
			)
		other = frappe.db.get_value(
			"Biometric Device", self.same_as, ["device_name", "server", "same_as"], as_dict=True
		)
		if other.same_as:
			frappe.throw(
				_("{0} is itself marked as the same as another device. Choose that one here.").format(
					other.device_name
				)
			)
		if home(other.server) != home(self.server):
			frappe.throw(
				_("{0} belongs to another server. Choose a device of the same server.").format(
					other.device_name
				)
			)
		if frappe.db.exists("Biometric Device", {"same_as": self.name}):
			frappe.throw(_("Other devices are marked as the same as this one. Change these first."))

	def check_replaced_by(self) -> None:
		if not self.replaced_by:
			self.replaced_on = None
			return
		if self.replaced_by == self.name:
			frappe.throw(
				_("A device cannot replace itself. Choose the other device, or leave Replaced By empty.")
			)
		if not self.replaced_on:
			frappe.throw(_("Enter the day from which the other device was used, in Replaced On."))
		seen, following = {self.replaced_by}, self.replaced_by
		while following := frappe.db.get_value("Biometric Device", following, "replaced_by"):
			if following == self.name:
				frappe.throw(
					_(
						"{0} was itself replaced by this one, directly or through others. One of the two has to go."
					).format(frappe.db.get_value("Biometric Device", self.replaced_by, "device_name"))
				)
			if following in seen:
				break
			seen.add(following)

	def on_update(self) -> None:
		stale.device_changed(self)
		if self.enabled and (
			not self.get_doc_before_save() or any(map(self.has_value_changed, SENDING_FIELDS))
		):
			streams.forget_for(self.server)
		if self.get_doc_before_save() and any(map(self.has_value_changed, REOPENING_FIELDS)):
			changes.device_changed(self)

	def on_trash(self) -> None:
		if frappe.db.exists("Biometric Staging Event", {"device": self.name}):
			frappe.throw(
				_("This device has punches, which are known by it. Disable it instead of deleting it.")
			)
		device_hours.forget(self.name)
