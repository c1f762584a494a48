import frappe

SYNC_ROLES = ("System Manager", "HR Manager", "HR User")
"""Who may open the workspace, read punches and logs, and start a sync."""

SETUP_ROLES = ("System Manager", "HR Manager")
"""Who may set servers up, and decide what becomes of punches and ids."""

BRIDGE_ROLE = "Biometric Bridge"
"""Who may send punches by the ingest API, and do nothing else: it has no permission on any doctype."""


def has_app_permission() -> bool:
	"""Whether the apps screen shows the app to this user."""
	return _has_one_of(SYNC_ROLES)


def extend_bootinfo(bootinfo: dict) -> None:
	"""Tell the scripts in Desk what this user may do, so that they offer nothing that `api` refuses, and whether the site has more companies than one."""
	bootinfo["biometric_integration"] = {
		"may_sync": _has_one_of(SYNC_ROLES),
		"may_set_up": _has_one_of(SETUP_ROLES),
		"several_companies": frappe.db.count("Company") > 1,
	}


def _has_one_of(roles: tuple[str, ...]) -> bool:
	return not set(roles).isdisjoint(frappe.get_roles())
