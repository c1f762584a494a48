from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import frappe
from frappe import _
from frappe.custom.doctype.custom_field.custom_field import create_custom_fields

from biometric_integration.custom_fields import CUSTOM_FIELDS
from biometric_integration.permissions import BRIDGE_ROLE
from biometric_integration.sync import jobs
from biometric_integration.sync.db import sql

APP, MODULE = "biometric_integration", "Biometric Integration"

CHECKIN_INDEX = "biometric_employee_time"
"""Is there a check-in of this employee at this time? HRMS has no index for that question."""


def before_install() -> None:
	if frappe.db.db_type != "mariadb":
		frappe.throw(
			_("Biometric Integration needs a site on MariaDB; this site is on {0}.").format(
				frappe.db.db_type
			),
			frappe.IncompatibleApp,
		)
	_know_our_module()
	_forget_a_try()


def _know_our_module() -> None:
	"""A site in use may hold a map of modules in its cache that is older than this app: our doctypes would be left out."""
	frappe.cache.delete_value("app_modules")
	frappe.setup_module_map()


def _forget_a_try() -> None:
	"""An installation that broke off among the doctypes left its module behind, which frappe would refuse to add again."""
	frappe.db.delete("Module Def", {"app_name": APP})


def complete() -> None:
	"""What doctypes do not bring by themselves; nothing happens where it is there already.

	Each migration asks for it as well, so that it also completes an installation that broke off: `install-app` does nothing a second time.
	"""
	create_custom_fields(CUSTOM_FIELDS)
	sql.keep_indexes("Employee Checkin", {CHECKIN_INDEX: ["employee", "time"]})
	for name in frappe.get_all("DocType", {"module": MODULE, "custom": 0}, pluck="name"):
		frappe.get_doc("DocType", name).run_module_method("on_doctype_update")
	add_role()


def add_role() -> None:
	"""For keys of the ingest API."""
	if not frappe.db.exists("Role", BRIDGE_ROLE):
		frappe.get_doc({"doctype": "Role", "role_name": BRIDGE_ROLE, "desk_access": 0}).insert(
			ignore_permissions=True
		)


def after_uninstall() -> None:
	"""Take along what frappe leaves behind.

	Not in before_uninstall: frappe runs both hooks in a dry run too, and only now it can be told from a real one.
	"""
	if APP in frappe.get_installed_apps():
		return
	ours = _our_doctypes()
	_drop_custom_fields()
	_drop_navigation()
	_forget_what_is_about(ours)
	_forget_schedule()
	for doctype, filters in {
		"Has Role": {"role": BRIDGE_ROLE},
		"Role": {"name": BRIDGE_ROLE},
		"Block Module": {"module": MODULE},
		"Patch Log": {"patch": ("like", f"{APP}.%")},
		"Singles": {"doctype": ("in", ours)},
		"__Auth": {"doctype": ("in", ours)},
		"__UserSettings": {"doctype": ("in", ours)},
	}.items():
		frappe.db.delete(doctype, filters)
	frappe.db.commit()  # nosemgrep -- nothing commits after this hook
	jobs.forget_all()
	frappe.clear_cache()


def _our_doctypes() -> list[str]:
	"""By their folders: the site knows them no more."""
	folders = Path(frappe.get_app_path(APP, APP, "doctype")).glob("*/*.json")
	return sorted(frappe.unscrub(path.stem) for path in folders)


def _drop_custom_fields() -> None:
	for doctype, fields in CUSTOM_FIELDS.items():
		names = [field["fieldname"] for field in fields]
		history = [f"{doctype}-{name}" for name in names]
		frappe.db.delete("Version", {"ref_doctype": "Custom Field", "docname": ("in", history)})
		frappe.db.delete("Custom Field", {"dt": doctype, "fieldname": ("in", names)})
		for name in names:
			frappe.db.sql_ddl(f"ALTER TABLE `tab{doctype}` DROP COLUMN IF EXISTS `{name}`")
	frappe.db.sql_ddl(f"ALTER TABLE `tabEmployee Checkin` DROP INDEX IF EXISTS `{CHECKIN_INDEX}`")


def _drop_navigation() -> None:
	"""Newer versions of frappe try to by a hook of their own: it misses the icon, and nothing commits after it."""
	for doctype in ("Desktop Icon", "Workspace Sidebar"):
		if frappe.db.exists("DocType", doctype):
			for name in frappe.get_all(doctype, {"app": APP}, pluck="name"):
				frappe.delete_doc(doctype, name, ignore_on_trash=True, delete_permanently=True)


def _forget_what_is_about(ours: Sequence[str]) -> None:
	"""Comments, files, assignments, history, … of documents that are gone: whatever in frappe's own tables names one of our doctypes."""
	modules = frappe.get_all("Module Def", {"app_name": "frappe"}, pluck="name")
	doctypes = frappe.get_all(
		"DocType", {"module": ("in", modules), "issingle": 0, "is_virtual": 0, "custom": 0}, pluck="name"
	)
	link = {"fieldtype": "Link", "options": "DocType", "parent": ("in", doctypes)}
	for doctype, field in frappe.get_all("DocField", link, ["parent", "fieldname"], as_list=True):
		if names := frappe.get_all(doctype, {field: ("in", ours)}, pluck="name", limit=0):
			_delete(doctype, names)
	# what frappe has just put aside
	about = (
		{"data": ("like", f'%"module": "{MODULE}"%')},
		{"data": ("like", f'%"app_name": "{APP}"%')},
		{"deleted_doctype": ("in", ours)},
	)
	for filters in about:
		frappe.db.delete("Deleted Document", filters)


def _delete(doctype: str, names: Sequence[str]) -> None:
	"""Without their events, which would look at what they are about."""
	if doctype == "File":
		for name in names:
			file = frappe.get_doc("File", name)
			file.attached_to_doctype = None
			with suppress(
				OSError, frappe.PermissionError
			):  # a file that stays on the disk keeps nothing else
				file.run_method("on_trash")
	for child in frappe.get_meta(doctype).get_table_fields():
		frappe.db.delete(child.options, {"parenttype": doctype, "parent": ("in", names)})
	frappe.db.delete(doctype, {"name": ("in", names)})


def _forget_schedule() -> None:
	names = frappe.get_all("Scheduled Job Type", {"method": ("like", f"{APP}.%")}, pluck="name")
	if names:
		frappe.db.delete("Scheduled Job Log", {"scheduled_job_type": ("in", names)})
		frappe.db.delete("Scheduled Job Type", {"name": ("in", names)})
