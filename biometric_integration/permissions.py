import frappe

ROLES = frozenset({"System Manager", "HR Manager", "HR User"})
"""Who may open the workspace, read punches and logs, and start a sync."""


def has_app_permission() -> bool:
	"""Whether the apps screen shows the app to this user."""
	return not ROLES.isdisjoint(frappe.get_roles())
