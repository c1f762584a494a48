"""The address that a web hook posts to."""

from __future__ import annotations

from secrets import token_urlsafe
from urllib.parse import urlencode

import frappe
from frappe import _
from frappe.utils import get_url

from biometric_integration.core.stream import PRIMARY
from biometric_integration.sync.records import servers

PATH = "/api/method/biometric_integration.api.ebioserver_hook"


def of(server: str | None) -> str:
	"""With the secret in it; one is made, and stored, where the server has none."""
	server = server or PRIMARY
	known = next((hook.secret for hook in servers.hooks() if hook.server == server), "")
	return f"{get_url(PATH)}?{urlencode({'secret': known or _made(server)})}"


def _made(server: str) -> str:
	settings = frappe.get_doc(servers.SETTINGS)
	rows = {PRIMARY: settings, **{row.server_id: row for row in settings.more_servers}}
	if server not in rows:
		frappe.throw(_("There is no attendance server with the id {0}.").format(server))
	if rows[server].server_type != servers.HOOKED:
		frappe.throw(_("Only a server of the type {0} has a web hook.").format(servers.HOOKED))
	secret = token_urlsafe(32)
	rows[server].hook_secret = secret
	settings.save()
	return secret
