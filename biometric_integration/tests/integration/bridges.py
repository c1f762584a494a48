"""What tests of bridges share: a site that is served, a bridge with a key of its own, and its reports."""

from __future__ import annotations

import json
import unittest
from datetime import datetime, timedelta, timezone

import frappe

from biometric_integration.permissions import BRIDGE_ROLE
from biometric_integration.sync.records import bridges
from biometric_integration.sync.records.servers import SETTINGS
from biometric_integration.tests import factories
from biometric_integration.tests.integration.http import API, Answer, serving

PATH = f"{API}bridge_report"
OWN_KEY: list[tuple[str, str]] = []
MINUTE = timedelta(minutes=1)


class Reporting:
	"""Beside a SiteTestCase. Each report is a second later than the one before, as its order is that of the clock of the bridge."""

	@classmethod
	def setUpClass(cls):
		super().setUpClass()
		frappe.set_user("Administrator")
		cls.user, cls.key = cls.own_key()
		context = serving()
		cls.site = context.__enter__()
		cls.addClassCleanup(context.__exit__, None, None, None)

	def setUp(self) -> None:
		super().setUp()
		self.addCleanup(self.forget_bridges)
		self.addCleanup(frappe.set_user, "Administrator")
		self.utc = datetime.now(timezone.utc).replace(microsecond=0) - MINUTE
		self.bridge = self.new_bridge()
		self.edition = ""

	@staticmethod
	def own_key() -> tuple[str, str]:
		"""The one of the module: to make and to delete a user takes two seconds."""
		if not OWN_KEY:
			OWN_KEY.append(Reporting.new_key(BRIDGE_ROLE))
			unittest.addModuleCleanup(lambda: factories.forget_user(OWN_KEY.pop()[0]))
		return OWN_KEY[0]

	@staticmethod
	def new_key(role: str | None) -> tuple[str, str]:
		"""A user, and what its program sends."""
		user = frappe.get_doc("User", factories.user(role))
		secret = frappe.generate_hash(length=15)
		user.api_key, user.api_secret = frappe.generate_hash(length=15), secret
		user.save(ignore_permissions=True)
		frappe.db.commit()  # nosemgrep -- other connections see it
		return user.name, f"{user.api_key}:{secret}"

	@staticmethod
	def forget_bridges() -> None:
		"""And what names them: no later test has a server that nobody reads."""
		frappe.db.rollback()
		frappe.db.set_single_value(SETTINGS, {"read_by": None}, update_modified=False)
		for doctype in (bridges.DOCTYPE, "Biometric Server", "Biometric Unknown Device", "Biometric Device"):
			frappe.db.delete(doctype)
		frappe.clear_document_cache(SETTINGS, SETTINGS)
		frappe.db.delete("Version", {"ref_doctype": bridges.DOCTYPE})
		frappe.db.delete("Notification Log", {"document_type": bridges.DOCTYPE})
		frappe.db.commit()  # nosemgrep -- as a person who saved it

	def new_bridge(self, user: str | None = None, **values) -> str:
		name = factories.unique("Plant")
		document = {"doctype": bridges.DOCTYPE, "bridge_name": name, "user": user or self.user, **values}
		frappe.get_doc(document).insert()
		frappe.db.commit()  # nosemgrep -- other connections see it
		return name

	def row(self, bridge: str | None = None) -> frappe._dict:
		return frappe.db.get_value(bridges.DOCTYPE, bridge or self.bridge, "*", as_dict=True)

	def body(self, **values) -> bytes:
		self.utc += timedelta(seconds=1)
		said = {"bridge": self.bridge, "version": "1", "now": z(self.utc), "edition": self.edition}
		return json.dumps({**said, **values}).encode()

	def send(self, body: bytes, key: str | None = None) -> Answer:
		frappe.db.commit()  # nosemgrep -- what was prepared is seen
		key = self.key if key is None else key
		answer = self.site.post(PATH, body, **({"Authorization": f"token {key}"} if key else {}))
		frappe.db.rollback()  # a fresh view
		return answer

	def report(self, **values) -> dict:
		answer = self.send(self.body(**values))
		self.assertEqual(answer.status, 200, answer.body)
		self.edition = answer.message["settings"]["edition"]
		return answer.message


def z(moment: datetime) -> str:
	return f"{moment.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
