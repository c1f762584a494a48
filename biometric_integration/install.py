import frappe
from frappe import _
from frappe.custom.doctype.custom_field.custom_field import create_custom_fields
from frappe.query_builder import DocType
from frappe.utils import nowdate

from biometric_integration.biometric_integration.doctype.biometric_staging_event import (
	biometric_staging_event,
)
from biometric_integration.custom_fields import CUSTOM_FIELDS
from biometric_integration.permissions import BRIDGE_ROLE

CHECKIN_INDEX = "biometric_employee_time"
"""Is there a check-in of this employee at this time? HRMS has no index for that question."""

DAILY_SYNC = "01:00:00"

WITH_PASSWORDS = ("Biometric Sync Settings", "Biometric Server")
WITH_HISTORY = ("Biometric Sync Settings", "Biometric Device", "Biometric Bridge", "Biometric Mapping Rule")


def before_install() -> None:
	if frappe.db.db_type != "mariadb":
		frappe.throw(
			_("Biometric Integration needs a site on MariaDB; this site is on {0}.").format(frappe.db.db_type)
		)
	_know_our_module()


def _know_our_module() -> None:
	"""A site in use may hold a map of modules in its cache that is older than this app: our doctypes would be left out."""
	frappe.cache.delete_value("app_modules")
	frappe.setup_module_map()


def after_install() -> None:
	extend_other_doctypes()
	add_role()
	fill_settings()


def after_migrate() -> None:
	"""Also completes an installation that broke off: `install-app` does nothing a second time."""
	extend_other_doctypes()
	add_role()
	biometric_staging_event.on_doctype_update()
	if frappe.db.get_single_value("Biometric Sync Settings", "sync_time") is None:  # midnight is a time
		fill_settings()
	fill_new_settings()


def extend_other_doctypes() -> None:
	"""Custom fields and indexes on doctypes of other apps; does nothing where they are there already."""
	create_custom_fields(CUSTOM_FIELDS)
	frappe.db.add_index("Employee Checkin", ["employee", "time"], CHECKIN_INDEX)


def add_role() -> None:
	"""For keys of the ingest API."""
	if not frappe.db.exists("Role", BRIDGE_ROLE):
		frappe.get_doc({"doctype": "Role", "role_name": BRIDGE_ROLE, "desk_access": 0}).insert(
			ignore_permissions=True
		)


def fill_settings() -> None:
	"""Store the defaults of the settings; frappe would put the time of day of the installation into a Time field."""
	settings = frappe.get_single("Biometric Sync Settings")
	settings.sync_time = DAILY_SYNC
	settings.workdays_from = nowdate()
	settings.save()


def fill_new_settings() -> None:
	"""Settings that a site has not been asked about yet begin with their default; one that a person emptied is stored as empty."""
	singles = DocType("Singles")
	query = frappe.qb.from_(singles).select(singles.field).where(singles.doctype == "Biometric Sync Settings")
	stored = set(query.run(pluck=True))
	for field in frappe.get_meta("Biometric Sync Settings").fields:
		if field.default is not None and field.fieldname not in stored:
			frappe.db.set_single_value(
				"Biometric Sync Settings", field.fieldname, field.default, update_modified=False
			)


def after_uninstall() -> None:
	"""Take along what frappe leaves behind: columns, settings, passwords, history, the schedule.

	Not in before_uninstall: frappe runs both hooks in a dry run too, and only now it can be told from a real one.
	"""
	if "biometric_integration" in frappe.get_installed_apps():
		return
	_drop_custom_fields()
	_drop_navigation()
	frappe.db.delete("Has Role", {"role": BRIDGE_ROLE})
	frappe.db.delete("Role", {"name": BRIDGE_ROLE})
	frappe.db.delete("Singles", {"doctype": "Biometric Sync Settings"})
	frappe.db.delete("__Auth", {"doctype": ("in", WITH_PASSWORDS)})
	frappe.db.delete("Version", {"ref_doctype": ("in", WITH_HISTORY)})
	frappe.db.delete("Logs To Clear", {"ref_doctype": "Biometric Sync Log"})
	_drop_schedule()
	frappe.db.commit()  # nosemgrep -- nothing commits after this hook
	frappe.clear_cache()


def _drop_custom_fields() -> None:
	for doctype, fields in CUSTOM_FIELDS.items():
		names = [field["fieldname"] for field in fields]
		frappe.db.delete("Custom Field", {"dt": doctype, "fieldname": ("in", names)})
		for name in names:
			frappe.db.sql_ddl(f"ALTER TABLE `tab{doctype}` DROP COLUMN IF EXISTS `{name}`")
	frappe.db.sql_ddl(f"ALTER TABLE `tabEmployee Checkin` DROP INDEX IF EXISTS `{CHECKIN_INDEX}`")


def _drop_navigation() -> None:
	"""Newer versions of frappe try to by a hook of their own: it misses the icon, and nothing commits after it."""
	for doctype in ("Desktop Icon", "Workspace Sidebar"):
		if frappe.db.exists("DocType", doctype):
			for name in frappe.get_all(doctype, {"app": "biometric_integration"}, pluck="name"):
				frappe.delete_doc(doctype, name, ignore_on_trash=True, delete_permanently=True)


def _drop_schedule() -> None:
	jobs = frappe.get_all(
		"Scheduled Job Type", filters={"method": ("like", "biometric_integration.%")}, pluck="name"
	)
	if jobs:
		frappe.db.delete("Scheduled Job Log", {"scheduled_job_type": ("in", jobs)})
		frappe.db.delete("Scheduled Job Type", {"name": ("in", jobs)})
