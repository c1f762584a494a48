"""What a site adds to the saving of a check-in, beyond frappe's, ERPNext's and HRMS's own code.

Everything is asked by existence, never by version; a filter that some version does not know is left out, and more is found. Read from `Document.insert` of frappe 15.41 and 15.72.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import frappe
from frappe import _
from frappe.model.base_document import get_controller

DOCTYPE = "Employee Checkin"
CONTROLLER = "hrms.hr.doctype.employee_checkin.employee_checkin"
OWN = ("frappe.", "erpnext.", "hrms.", "biometric_integration.sync.")
OWN_FIELD = "biometric_event"
INSERT_EVENTS = (
	"before_insert",
	"before_naming",
	"autoname",
	"before_validate",
	"validate",
	"before_save",
	"after_insert",
	"on_update",
	"on_change",
)
NAMING_EVENTS = ("before_naming", "autoname")
CLASS_HOOKS = ("override_doctype_class", "extend_doctype_class")
REQUIRED = ("employee", "time")
PLAIN = ("Data", "Link", "Date")
CHECKED_PROPERTIES = (
	"autoname",
	"fetch_from",
	"fetch_if_empty",
	"fieldtype",
	"is_virtual",
	"length",
	"mandatory_depends_on",
	"non_negative",
	"options",
	"precision",
	"reqd",
	"set_only_once",
	"unique",
)
"""Properties of fields that Customize Form can change and that an insert looks at."""

ADDED = {
	"Server Script": {"reference_doctype": DOCTYPE, "script_type": "DocType Event", "disabled": 0},
	"Notification": {
		"document_type": DOCTYPE,
		"enabled": 1,
		"event": ("in", ("New", "Save", "Value Change", "Method", "Custom")),
	},
	"Webhook": {"webhook_doctype": DOCTYPE, "enabled": 1},
	"Workflow": {"document_type": DOCTYPE, "is_active": 1},
	"Assignment Rule": {"document_type": DOCTYPE, "disabled": 0},
	"Document Naming Rule": {"document_type": DOCTYPE, "disabled": 0},
	"Energy Point Rule": {"reference_doctype": DOCTYPE, "enabled": 1},
	"Milestone Tracker": {"document_type": DOCTYPE, "disabled": 0},
	"Service Level Agreement": {"document_type": DOCTYPE},
	"User Type": {"apply_user_permission_on": DOCTYPE},
	"Property Setter": {"doc_type": DOCTYPE, "property": ("in", CHECKED_PROPERTIES)},
}
"""Documents by which a site adds to it without code."""

NAMING = {
	"Document Naming Rule": ADDED["Document Naming Rule"],
	"Notification": {"document_type": DOCTYPE, "enabled": 1, "event": ("in", ("Method", "Custom"))},
}
"""Those among them that have a say in the name."""


def additions() -> list[str]:
	"""What is added, each by the name under which Desk or the code of an app has it; empty where there is nothing."""
	found = [*_class(), *_handlers(), *_documents(), *_fields(), *_series(), *_follower()]
	return list(dict.fromkeys(found))


def naming() -> Iterator[str]:
	"""What has a say in the name of a check-in; names can be reserved for many of them where there is nothing."""
	yield from _series()
	yield from _handlers(NAMING_EVENTS)
	yield from _documents(NAMING)
	controller = get_controller(DOCTYPE)
	yield from (f"{controller.__module__}.{event}" for event in NAMING_EVENTS if hasattr(controller, event))


def _class() -> Iterator[str]:
	for hook in CLASS_HOOKS:
		for path in frappe.get_hooks(hook, {}).get(DOCTYPE, []):
			yield f"{hook} {path}"
	controller = get_controller(DOCTYPE)
	members = (controller, *filter(callable, vars(controller).values()))
	yield from (
		f"{member.__module__}.{member.__qualname__}"
		for member in members
		if getattr(member, "__module__", CONTROLLER) != CONTROLLER
	)


def _handlers(events: Sequence[str] = INSERT_EVENTS) -> Iterator[str]:
	handlers = frappe.get_doc_hooks()
	for of in (DOCTYPE, "*"):
		for event in events:
			yield from (path for path in handlers.get(of, {}).get(event, []) if not path.startswith(OWN))


def _documents(added: Mapping[str, Mapping] = ADDED) -> Iterator[str]:
	for doctype, filters in added.items():
		if not frappe.db.exists("DocType", doctype):
			continue
		meta = frappe.get_meta(doctype)
		known = {field: value for field, value in filters.items() if meta.has_field(field)}
		yield from (f"{_(doctype)} {name}" for name in frappe.get_all(doctype, known, pluck="name"))


def _fields() -> Iterator[str]:
	meta, empty = frappe.get_meta(DOCTYPE), frappe.new_doc(DOCTYPE)
	for field in meta.fields:
		required = field.reqd and field.fieldname not in REQUIRED and not empty.get(field.fieldname)
		fetched = field.fetch_from and not is_plainly_fetched(field)
		preset_link = field.fieldtype == "Link" and field.default
		unique = field.unique and field.fieldname != OWN_FIELD
		sometimes_required = field.get("is_custom_field") and field.mandatory_depends_on
		if required or sometimes_required or fetched or preset_link or unique or field.in_global_search:
			yield f"{_('Field')} {field.fieldname}"
	if meta.has_field("company"):
		yield f"{_('Field')} company"  # ERPNext asks then whether the company is being deleted


def is_plainly_fetched(field) -> bool:
	"""Is it a copy of a field of the employee that is just like it? Anything else frappe converts or checks."""
	link, _dot, name = field.fetch_from.partition(".")
	source = frappe.get_meta("Employee").get_field(name) if link == "employee" else None
	alike = source and (source.fieldtype, source.options) == (field.fieldtype, field.options)
	return bool(alike and field.fieldtype in PLAIN and not field.fetch_if_empty)


def _series() -> Iterator[str]:
	"""Only a counter after plain text and parts of the date can be reserved as a block; only one that is known by its prefix."""
	if frappe.db.has_column("Series", "doctype"):
		yield "Series.doctype"
	option = frappe.get_meta(DOCTYPE).autoname or ""
	parts = option.split(".")
	dated = {"YY", "YYYY", "MM", "DD", "WW"}
	plain = all(part in dated or part.strip("#") == "" or not _means_something(part) for part in parts)
	if not (plain and any(part.startswith("#") for part in parts)):
		yield f"autoname {option}"


def _means_something(part: str) -> bool:
	"""Would frappe put a value in its place?"""
	is_field = frappe.get_meta(DOCTYPE).has_field(part) or part in ("name", "owner", "timestamp")
	return is_field or "{" in part or ":" in part or part in frappe.get_hooks("naming_series_variables", {})


def _follower() -> Iterator[str]:
	user = frappe.session.user
	if frappe.get_cached_value("User", user, "follow_created_documents"):
		yield f"{_('User')} {user}"
