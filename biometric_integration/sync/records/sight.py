"""Who sees what. A person's punches and workdays: whoever sees the employee. Punches of nobody: whoever sees the device they were made at.

Both as Frappe itself says it (User Permissions, sharing, rules of the site); a row without a device is everybody's.
"""

from __future__ import annotations

from dataclasses import dataclass

import frappe
from frappe.desk.reportview import build_match_conditions

EMPLOYEE, DEVICE = "Employee", "Biometric Device"
EVENT, LOG = "Biometric Staging Event", "Biometric Sync Log"
RULE, CORRECTION = "Biometric Mapping Rule", "Biometric Mapping Correction"
WORKDAY, DECISION = "Biometric Workday", "Biometric Decision"
FILE_IMPORT = "Biometric File Import"
COMMAND = "Biometric Device Command"
PERIOD = "Biometric Sync Period"


@dataclass(frozen=True)
class Sight:
	"""The employees and devices that a user sees; None = all of them."""

	employees: frozenset[str] | None = None
	devices: frozenset[str] | None = None

	def shows(self, employee: str | None, device: str | None) -> bool:
		"""A punch, by whose it is and where it was made."""
		return self.shows_employee(employee) if employee else self.shows_device(device)

	def shows_employee(self, employee: str | None) -> bool:
		return not employee or self.employees is None or employee in self.employees

	def shows_device(self, device: str | None) -> bool:
		return not device or self.devices is None or device in self.devices


def of_user() -> Sight:
	return Sight(_seen(EMPLOYEE), _seen(DEVICE))


def _seen(doctype: str) -> frozenset[str] | None:
	if not _limit(doctype, frappe.session.user):
		return None
	return frozenset(frappe.get_list(doctype, pluck="name", limit=0))


def _limit(doctype: str, user: str) -> str:
	"""Which documents of it the user sees, as SQL; empty = all. Whoever has no role for it is limited in none: what they see here, other roles say."""
	if not frappe.has_permission(doctype, "read", user=user):
		return ""
	# as frappe's list would say it; reports want its percent signs doubled, lists do not
	return build_match_conditions(doctype, user=user).replace("%%", "%")


def of_list(doctype: str) -> str:
	"""Which documents of it frappe's list shows the user, as SQL for a statement with parameters; empty = all. Raises where they have no role for it."""
	return build_match_conditions(doctype)


# --- hooks: lists


def events(user: str | None = None) -> str:
	employees, devices = _column(EVENT, "employee", EMPLOYEE, user), _column(EVENT, "device", DEVICE, user)
	if not employees and not devices:
		return ""
	is_nobodys = f"ifnull(`tab{EVENT}`.`employee`, '')=''"
	return f"(not ({is_nobodys}) and {employees or '1=1'} or {is_nobodys} and {devices or '1=1'})"


def rules(user: str | None = None) -> str:
	return _both(RULE, user)


def decisions(user: str | None = None) -> str:
	return _both(DECISION, user)


def workdays(user: str | None = None) -> str:
	"""Each has an employee; said so that the database may begin with the few people whom the user sees."""
	limit = _limit(EMPLOYEE, user or frappe.session.user)
	return (
		f"`tab{WORKDAY}`.`employee` in (select `tab{EMPLOYEE}`.`name` from `tab{EMPLOYEE}` where {limit})"
		if limit
		else ""
	)


def logs(user: str | None = None) -> str:
	return _column(LOG, "device", DEVICE, user)


def commands(user: str | None = None) -> str:
	return _column(COMMAND, "device", DEVICE, user)


def periods(user: str | None = None) -> str:
	"""One of a whole server tells of devices of anywhere: who is limited sees those that they asked for, and those of one device that they see."""
	user = user or frappe.session.user
	if not _limit(DEVICE, user):
		return ""
	is_one = f"ifnull(`tab{PERIOD}`.`device`, '')!=''"
	mine = f"`tab{PERIOD}`.`requested_by`={frappe.db.escape(user, percent=False)}"
	return f"({mine} or {is_one} and {_column(PERIOD, 'device', DEVICE, user)})"


def cursors(user: str | None = None) -> str:
	"""A cursor names no device of this site: who is limited in those sees none."""
	return "1=0" if _limit(DEVICE, user or frappe.session.user) else ""


def corrections(user: str | None = None) -> str:
	"""Their employees stand in a text: who is limited sees what they did themselves."""
	user = user or frappe.session.user
	if not _limit(EMPLOYEE, user):
		return ""
	return f"`tab{CORRECTION}`.`corrected_by`={frappe.db.escape(user, percent=False)}"


def file_imports(user: str | None = None) -> str:
	"""A file names people of anywhere: who is limited sees what they uploaded themselves."""
	user = user or frappe.session.user
	return f"`tab{FILE_IMPORT}`.`owner`={frappe.db.escape(user, percent=False)}" if _is_limited(user) else ""


def _is_limited(user: str) -> bool:
	return bool(_limit(EMPLOYEE, user) or _limit(DEVICE, user))


def _both(doctype: str, user: str | None) -> str:
	"""Whom and what it is about: one that is about nobody, or about no device, is not limited in that."""
	limits = (_column(doctype, "employee", EMPLOYEE, user), _column(doctype, "device", DEVICE, user))
	return " and ".join(filter(None, limits))


def _column(doctype: str, fieldname: str, linked: str, user: str | None) -> str:
	limit = _limit(linked, user or frappe.session.user)
	if not limit:
		return ""
	column = f"`tab{doctype}`.`{fieldname}`"
	return f"(ifnull({column}, '')='' or {column} in (select `tab{linked}`.`name` from `tab{linked}` where {limit}))"


# --- hooks: documents


def may_see_event(doc, ptype: str | None = None, user: str | None = None) -> bool:
	return _sees(EMPLOYEE, doc.employee, user) if doc.employee else _sees(DEVICE, doc.device, user)


def may_see_rule(doc, ptype: str | None = None, user: str | None = None) -> bool:
	return _sees(EMPLOYEE, doc.employee, user) and _sees(DEVICE, doc.device, user)


def may_see_decision(doc, ptype: str | None = None, user: str | None = None) -> bool:
	return _sees(EMPLOYEE, doc.employee, user) and _sees(DEVICE, doc.device, user)


def may_see_workday(doc, ptype: str | None = None, user: str | None = None) -> bool:
	return _sees(EMPLOYEE, doc.employee, user)


def may_see_log(doc, ptype: str | None = None, user: str | None = None) -> bool:
	return _sees(DEVICE, doc.device, user)


def may_see_command(doc, ptype: str | None = None, user: str | None = None) -> bool:
	return _sees(DEVICE, doc.device, user)


def may_see_period(doc, ptype: str | None = None, user: str | None = None) -> bool:
	user = user or frappe.session.user
	if doc.requested_by == user or not _limit(DEVICE, user):
		return True
	return bool(doc.device) and _sees(DEVICE, doc.device, user)


def may_see_cursor(doc, ptype: str | None = None, user: str | None = None) -> bool:
	return not _limit(DEVICE, user or frappe.session.user)


def may_see_correction(doc, ptype: str | None = None, user: str | None = None) -> bool:
	user = user or frappe.session.user
	return doc.corrected_by == user or not _limit(EMPLOYEE, user)


def may_see_file_import(doc, ptype: str | None = None, user: str | None = None) -> bool:
	user = user or frappe.session.user
	return doc.owner == user or not _is_limited(user)


def _sees(doctype: str, name: str | None, user: str | None) -> bool:
	user = user or frappe.session.user
	if not name or not _limit(doctype, user):
		return True
	return bool(frappe.get_list(doctype, {"name": name}, pluck="name", user=user, limit=1))
