"""What a person is asked about before the settings are saved, and told after a save that no form has asked about: it may be meant, and would be noticed late."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import frappe
from frappe import _
from frappe.utils import format_date, getdate, nowdate

from biometric_integration.core.stream import PRIMARY
from biometric_integration.sync.records import devices, servers, staging


@dataclass(frozen=True)
class Setup:
	"""What is asked about, of settings. `types`: server id → server type, disabled ones included."""

	types: Mapping[str, str]
	start_date: date | None


def of(settings, before) -> list[str]:
	"""Sentences about settings that were saved in place of others."""
	return list(_sentences(_setup(settings), _setup(before))) if before else []


def of_form(types: Mapping[str, str], start_date: str | None) -> list[str]:
	"""The same about those of a form, before they are saved."""
	after = Setup(types, getdate(start_date) if start_date else None)
	return list(_sentences(after, _setup(frappe.get_cached_doc(servers.SETTINGS))))


def _setup(settings) -> Setup:
	rows = {row.server_id: row.server_type or "" for row in settings.more_servers}
	start = getdate(settings.start_date) if settings.start_date else None
	return Setup({PRIMARY: settings.server_type or "", **rows}, start)


def _sentences(after: Setup, before: Setup) -> Iterator[str]:
	for server, former in before.types.items():
		if not after.types.get(server):
			if former or server not in after.types:
				yield from _removed(server)
		elif former and former != after.types[server] and _has_punches(server):
			yield _(
				"{0} was read as {1} so far, and its punches are here. As {2} it is read from the Start Date on, and known punches are recognised. Where it is another server, add it to More Servers with an id of its own."
			).format(server, former, after.types[server])
	if after.start_date and after.start_date != before.start_date and after.start_date > getdate(nowdate()):
		yield _("The Start Date is still to come: no punch before {0} becomes a check-in.").format(
			format_date(after.start_date)
		)


def _removed(server: str) -> Iterator[str]:
	count = frappe.db.count(devices.DOCTYPE, {"server": server, "enabled": 1})
	if count or _has_punches(server):
		yield _(
			"The server {0} is removed: its {1} devices are read no more, and their next punches do not come. To stop for a while, turn off Enabled in its row. A row with the same Server ID goes on where it ended."
		).format(server, count)


def _has_punches(server: str) -> bool:
	return bool(frappe.db.exists(staging.DOCTYPE, {"server": server}))
