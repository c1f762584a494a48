"""Who has a role: those that a notice is for."""

from __future__ import annotations

from frappe.utils.user import get_users_with_role

LAST_RESORT = "System Manager"


def with_role(role: str) -> list[str]:
	"""Names of enabled users, in order. Administrator, whom frappe leaves out, where nobody else manages the system: on a small site there is nobody else."""
	found = sorted(get_users_with_role(role))
	return found or (["Administrator"] if role == LAST_RESORT else [])
