import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import cint, get_system_timezone, get_time, getdate, nowdate

from biometric_integration.core.stream import PRIMARY
from biometric_integration.core.typed import CONTROL, code, is_web_address, line, web_address
from biometric_integration.core.window import DAY
from biometric_integration.sync.desk import doubts, first_reads, limits, zones
from biometric_integration.sync.push import door
from biometric_integration.sync.records import servers
from biometric_integration.sync.workdays import stale

HOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{20,100}")
SERVER_ID = re.compile(r"[a-z0-9_-]{1,20}")
PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+-----END CERTIFICATE-----", re.DOTALL)
TYPED = {
	"endpoint_url": web_address,
	"api_user": line,
	"location": line,
	"label": line,
	"time_zone": code,
	"strip_prefix": code,
	"hook_secret": code,
}
"""What is taken off what people paste into these fields."""
PASSWORDS = ("api_password", "hook_password")
NEEDED_WHEN_ENABLED = ("server_type", "endpoint_url", "api_user", "api_password")
ASKS_FOR_THEM = ("enabled", "read_by", *NEEDED_WHEN_ENABLED)
"""A change of one of these: a server that was left without one of them may be changed otherwise."""
AHEAD = {"start_date": 31 * DAY, "attendance_from": 366 * DAY, "workdays_from": 366 * DAY}
"""Days from which something holds, and how far ahead people plan them."""


class BiometricSyncSettings(Document):
	"""The primary server, and what holds for all of them."""

	def validate(self) -> None:
		if self.enabled and not self.start_date:
			self.start_date = nowdate()
		is_chosen = self.has_value_changed("output") and not self.has_value_changed("attendance_from")
		if self.output == "Attendance" and (is_chosen or not self.attendance_from):
			self.attendance_from = nowdate()
		limits.check_numbers(self, limits.OF_SETTINGS)
		for fieldname, ahead in AHEAD.items():
			limits.check_days(self, fieldname, last=getdate(nowdate()) + ahead)
		self.check_sync_time()
		self.check_server_ids()
		self.check_employee_fields()
		self.check_push()
		for server in (self, *self.more_servers):
			check_connection(server)
			check_hook(server)

	def on_update(self) -> None:
		stale.settings_changed(self)
		self.tell_of_zones()
		self.tell_of_doubts()
		door.moved()
		if self.has_value_changed("start_date"):
			first_reads.tell_cost()

	def tell_of_doubts(self) -> None:
		"""The form asks before it saves."""
		before = self.get_doc_before_save()
		if not self.get("__doubts_asked"):
			for sentence in doubts.of(self, before):
				frappe.msgprint(frappe.utils.escape_html(sentence), indicator="orange")
		told = {address(server) for server in (before, *before.more_servers)} if before else set()
		for server in (self, *self.more_servers):
			if address(server) not in told and (other := servers.other_type(server)):
				tell_of_type(server, other)

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

	def check_sync_time(self) -> None:
		is_changed = any(limits.is_changed(self, fieldname) for fieldname in ("sync_time", "sync_interval"))
		if is_changed and not self.sync_time and not cint(self.sync_interval):
			frappe.throw(_("Fill in Sync At, or a number of minutes in Sync Every."))
		try:
			get_time(self.sync_time or "00:00:00")
		except (frappe.ValidationError, ValueError, TypeError):
			frappe.throw(_("Sync At: enter a time of the day, such as 01:00:00."))

	def check_push(self) -> None:
		"""A secret that was not typed anew comes as asterisks."""
		self.push_secret = code(self.push_secret).strip("/")
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
			row.fieldname = code(row.fieldname)
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
			row.server_id = code(row.server_id)
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
	where = place(server)
	for fieldname, tidy in TYPED.items():
		if server.meta.has_field(fieldname) and limits.is_changed(server, fieldname):
			server.set(fieldname, tidy(server.get(fieldname)))
	for fieldname in PASSWORDS:
		check_password(server, fieldname)
	server.requests_at_once = server.requests_at_once or None  # nothing stands for the default
	limits.check_numbers(server, limits.OF_SERVER, where=where if server.get("parentfield") else "")
	if server.enabled and any(limits.is_changed(server, fieldname) for fieldname in ASKS_FOR_THEM):
		check_needed(server)
	is_typed = server.endpoint_url and limits.is_changed(server, "endpoint_url")
	if is_typed and not is_web_address(server.endpoint_url):
		frappe.throw(
			_(
				"{0}: the Endpoint URL begins with http:// or https:// and names a host and, if need be, a port from 1 to 65535, without blanks and without a login, such as {1}."
			).format(where, "http://192.168.1.20:85")
		)
	if server.time_zone and not is_time_zone(server.time_zone):
		frappe.throw(
			_("{0}: {1} is no known time zone. Choose one from the list, such as Asia/Kolkata.").format(
				where, frappe.bold(frappe.utils.escape_html(server.time_zone))
			)
		)
	if server.ca_certificate and not PEM.search(server.ca_certificate):
		frappe.throw(
			_("{0}: paste the CA Certificate as PEM text, from BEGIN CERTIFICATE to END CERTIFICATE.").format(
				where
			)
		)


def check_needed(server: Document) -> None:
	for fieldname in NEEDED_WHEN_ENABLED:
		is_elsewhere = fieldname == "api_password" and server.read_by
		if not server.get(fieldname) and not is_elsewhere:
			label = _(server.meta.get_label(fieldname))
			frappe.throw(
				_("{0}: fill in {1}, or turn off Enabled.").format(place(server), frappe.bold(label))
			)


def address(server: Document) -> tuple[str, str, str]:
	return server.name, server.server_type or "", server.endpoint_url or ""


def place(server: Document) -> str:
	"""Where it stands on the form."""
	return server.server_id if server.get("parentfield") else _("Connection")


def check_password(server: Document, fieldname: str) -> None:
	"""A line end comes with what is pasted. What is left must be what the server can be sent."""
	password = (server.get(fieldname) or "").strip("\r\n")
	server.set(fieldname, password)
	label = frappe.bold(_(server.meta.get_label(fieldname)))
	if CONTROL.search(password):
		frappe.throw(
			_("{0}: {1} holds a line end, a tab or another sign that nobody sees. Enter it again.").format(
				place(server), label
			)
		)
	if password != password.strip():
		frappe.msgprint(
			_("{0}: {1} begins or ends with a blank. Where that is not meant, enter it again.").format(
				place(server), label
			),
			indicator="orange",
		)


def tell_of_type(server: Document, other: str) -> None:
	"""Its address is that of another product. A proxy may call it as it likes, so it is kept, and a person asked."""
	words = _(
		"{0}: the Endpoint URL is the address of {1}, and the Server Type is {2}. Switch to {1}, or correct the URL. Test Connection tells which of the two answers."
	)
	server_id = server.get("server_id") or PRIMARY
	frappe.msgprint(
		words.format(place(server), other, server.server_type),
		title=_("Another Server Type"),
		indicator="orange",
		primary_action={
			"label": _("Switch to {0}").format(other),
			"client_action": "window.biometric_integration.switch_server_type",
			"args": {"server": server_id, "server_type": other},
		},
	)


def check_hook(server: Document) -> None:
	"""A password that was not typed anew comes as asterisks."""
	where = place(server)
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
