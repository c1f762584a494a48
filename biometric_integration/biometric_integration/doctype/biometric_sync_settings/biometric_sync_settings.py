import re
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import cint, get_system_timezone, nowdate

from biometric_integration.core.in_flight import AT_ONCE, MOST_AT_ONCE
from biometric_integration.core.stream import PRIMARY
from biometric_integration.sync.desk import zones
from biometric_integration.sync.push import door
from biometric_integration.sync.records import servers
from biometric_integration.sync.workdays import stale

HOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{20,100}")
SERVER_ID = re.compile(r"[a-z0-9_-]{1,20}")
PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+-----END CERTIFICATE-----", re.DOTALL)
TRIMMED = ("endpoint_url", "api_user", "location", "time_zone")
NEEDED_WHEN_ENABLED = ("server_type", "endpoint_url", "api_user")


class BiometricSyncSettings(Document):
	"""The primary server, and what holds for all of them."""

	def validate(self) -> None:
		if self.enabled and not self.start_date:
			self.start_date = nowdate()
		is_chosen = self.has_value_changed("output") and not self.has_value_changed("attendance_from")
		if self.output == "Attendance" and (is_chosen or not self.attendance_from):
			self.attendance_from = nowdate()
		self.check_server_ids()
		self.check_employee_fields()
		self.check_push()
		for server in (self, *self.more_servers):
			check_connection(server)
			check_hook(server)

	def on_update(self) -> None:
		stale.settings_changed(self)
		self.tell_of_zones()
		door.moved()

	def tell_of_zones(self) -> None:
		"""Punches keep the time that the zone gave when they came."""
		before = self.get_doc_before_save()
		former = (
			{row.get("server_id") or PRIMARY: row.time_zone or "" for row in (before, *before.more_servers)}
			if before
			else {}
		)
		for row in (self, *self.more_servers):
			zone, server = row.time_zone or "", row.get("server_id") or PRIMARY
			if former.get(server, zone) != zone and zones.is_due(server, zone or get_system_timezone()):
				frappe.msgprint(
					_(
						"Punches of {0} that are here already keep their times until you choose Re-derive Times. It shows first what would change."
					).format(frappe.bold(frappe.utils.escape_html(row.get("label") or server)))
				)

	def check_push(self) -> None:
		"""A secret that was not typed anew comes as asterisks."""
		self.push_secret = (self.push_secret or "").strip().strip("/")
		if self.push_secret.strip("*") and not door.SECRET.fullmatch(self.push_secret):
			frappe.throw(
				_(
					"Secret Path takes 8 to 64 letters, digits, - and _, such as the result of a password generator."
				)
			)
		try:
			door.networks(self.push_networks or "")
		except ValueError:
			frappe.throw(
				_(
					"Allowed Networks: enter addresses or networks, separated by commas, such as 192.168.1.0/24, 203.0.113.7."
				)
			)

	def check_employee_fields(self) -> None:
		for row in self.employee_fields:
			row.fieldname = (row.fieldname or "").strip()
			if not servers.can_hold_ids(row.fieldname):
				frappe.throw(
					_(
						"Employee Fields, row {0}: {1} is no field of Employee that holds text. Choose one such as attendance_device_id."
					).format(row.idx, frappe.bold(frappe.utils.escape_html(row.fieldname)))
				)

	def check_server_ids(self) -> None:
		"""Server ids are well-formed, used once and never changed."""
		before = self.get_doc_before_save()
		former = {row.name: row.server_id for row in before.more_servers} if before else {}
		taken = {PRIMARY}
		for row in self.more_servers:
			row.server_id = (row.server_id or "").strip()
			where = _("More Servers, row {0}").format(row.idx)
			if not SERVER_ID.fullmatch(row.server_id):
				frappe.throw(
					_(
						"{0}: the Server ID takes 1 to 20 small letters, digits, - and _, such as branch-2."
					).format(where)
				)
			if row.server_id in taken:
				frappe.throw(
					_("{0}: the Server ID {1} is taken. Choose another one.").format(
						where, frappe.bold(row.server_id)
					)
				)
			if former.get(row.name, row.server_id) != row.server_id:
				frappe.throw(
					_(
						"{0}: the Server ID cannot be changed, because punches are known by it. Set it back to {1}."
					).format(where, frappe.bold(former[row.name]))
				)
			taken.add(row.server_id)

	def save_version(self) -> None:
		"""Keep the history without the logins: anybody who may read a document may read its history, whatever the level."""
		shown = without_logins(self)
		shown._doc_before_save = without_logins(before) if (before := self.get_doc_before_save()) else None
		Document.save_version(shown)


def on_doctype_update() -> None:
	"""What a site has not been asked about yet begins with its default; what a person emptied is stored as empty.

	On a new site frappe would soon save the form as it begins, with the time of day of the installation in each Time field.
	"""
	stored = frappe.db.get_singles_dict(servers.SETTINGS)
	begins = {
		field.fieldname: field.default
		for field in frappe.get_meta(servers.SETTINGS).fields
		if field.default is not None and field.fieldname not in stored
	}
	if not stored:
		begins["workdays_from"] = nowdate()
	if begins:
		frappe.db.set_single_value(servers.SETTINGS, begins, update_modified=False)


def check_connection(server: Document) -> None:
	"""Of the settings themselves or a row of More Servers."""
	for fieldname in TRIMMED:
		server.set(fieldname, (server.get(fieldname) or "").strip())
	if server.endpoint_url and "://" not in server.endpoint_url:
		server.endpoint_url = f"http://{server.endpoint_url}"
	where = server.server_id if server.get("parentfield") else _("Connection")
	for fieldname in NEEDED_WHEN_ENABLED:
		if server.enabled and not server.get(fieldname):
			label = _(server.meta.get_label(fieldname))
			frappe.throw(_("{0}: fill in {1}, or turn off Enabled.").format(where, frappe.bold(label)))
	if server.endpoint_url and not is_web_address(server.endpoint_url):
		frappe.throw(
			_(
				"{0}: the Endpoint URL begins with http:// or https:// and names a host, without a login, such as {1}."
			).format(where, "http://192.168.1.20:85")
		)
	if server.time_zone and not is_time_zone(server.time_zone):
		frappe.throw(
			_("{0}: {1} is no known time zone. Choose one from the list, such as Asia/Kolkata.").format(
				where, frappe.bold(frappe.utils.escape_html(server.time_zone))
			)
		)
	server.requests_at_once = cint(server.requests_at_once) or AT_ONCE
	if not 1 <= server.requests_at_once <= MOST_AT_ONCE:
		frappe.throw(_("{0}: Requests at Once is a number from 1 to {1}.").format(where, MOST_AT_ONCE))
	if server.ca_certificate and not PEM.search(server.ca_certificate):
		frappe.throw(
			_("{0}: paste the CA Certificate as PEM text, from BEGIN CERTIFICATE to END CERTIFICATE.").format(
				where
			)
		)


def check_hook(server: Document) -> None:
	"""A password that was not typed anew comes as asterisks."""
	where = server.server_id if server.get("parentfield") else _("Connection")
	secret, password = server.get("hook_secret") or "", server.get("hook_password") or ""
	if secret.strip("*") and not HOOK_SECRET.fullmatch(secret):
		frappe.throw(
			_(
				"{0}: the Web Hook Secret takes 20 to 100 letters, digits, - and _. Leave it to Web Hook Address to make one."
			).format(where)
		)
	if password.strip("*") and len(password.encode()) > servers.KEY_BYTES:
		frappe.throw(
			_("{0}: the Web Hook Encryption Password has at most {1} characters.").format(
				where, servers.KEY_BYTES
			)
		)


def is_web_address(url: str) -> bool:
	"""An http(s) address with a host; a login in the address is refused, it would show up in logs."""
	try:
		parts = urlsplit(url)
		return (
			parts.scheme in ("http", "https")
			and bool(parts.hostname)
			and "@" not in parts.netloc
			and parts.port != 0
		)
	except ValueError:
		return False


def is_time_zone(name: str) -> bool:
	try:
		ZoneInfo(name)
	except (ZoneInfoNotFoundError, ValueError, OSError):
		return False
	return True


def without_logins(doc: Document) -> Document:
	"""A copy of settings or of their former state that may go into the history."""
	copy = frappe.get_doc(doc.as_dict())
	copy.flags = doc.flags
	for holder in (copy, *copy.more_servers):
		holder.api_user = holder.api_password = holder.hook_secret = holder.hook_password = None
	copy.push_secret = None
	return copy
