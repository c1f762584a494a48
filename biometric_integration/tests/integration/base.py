"""What the site tests share: fake servers, and the site's own view of what came of their punches."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from datetime import date, datetime
from unittest.mock import patch

import frappe

from biometric_integration import api
from biometric_integration.simulator import FakeBioTime, FakeEBioServer, FakeETimeTrackLite, World
from biometric_integration.sync.records import words
from biometric_integration.tests import factories
from biometric_integration.tests.compat import IntegrationTestCase

FIRST_DAY = date(2025, 4, 7)
PASSWORD = "p&<s>\"s'ü"
SERVER_TYPES = {"eTimeTrackLite": FakeETimeTrackLite, "eBioServer": FakeEBioServer, "BioTime": FakeBioTime}


class SiteTestCase(IntegrationTestCase):
	"""Begins each test without cursors, devices, events, logs, and people of ours. Our code commits, so nothing is rolled back."""

	def setUp(self) -> None:
		super().setUp()
		frappe.set_user("Administrator")
		for doctype in (
			"Biometric Staging Event",
			"Biometric Sync Log",
			"Biometric Sync Period",
			"Biometric Sync Period Stream",
			"Biometric Sync Request",
			"Biometric Sync Cursor",
			"Biometric Server State",
			"Biometric Device",
			"Biometric Device Alias",
			"Biometric Device Hour",
			"Biometric Workday",
			"Biometric Decision",
			"Biometric Stale Mark",
			"Biometric Roster Digest",
			"Biometric Mapping Rule",
			"Biometric Mapping Correction",
		):
			frappe.db.delete(doctype)
		factories.forget_people()
		frappe.db.commit()  # nosemgrep -- each test begins with an empty table

	def as_user(self, role: str | None) -> None:
		"""`frappe.only_for` lets everybody pass while `in_test` is set: take that away."""
		frappe.set_user(factories.user(role))
		self.addCleanup(frappe.set_user, "Administrator")
		flags = patch.dict(frappe.flags, in_test=False)
		flags.start()
		self.addCleanup(flags.stop)

	def start(self, server_type: str, world: World, **options):
		"""A fake server for the length of the test, with the settings and devices that belong to it."""
		server = SERVER_TYPES[server_type](world, password=PASSWORD, **options)
		server.start()
		self.addCleanup(server.stop)
		self.settings(server_type, server)
		if server_type == "eTimeTrackLite":
			for device in world.devices:
				factories.device(device.serial, device.name, location=device.location)
		frappe.db.commit()  # nosemgrep -- as a person who saved it
		return server

	def settings(self, server_type: str, server, **values):
		values = {
			"api_user": "api",
			"api_password": PASSWORD,
			"start_date": FIRST_DAY,
			"timeout": 2,
			**values,
		}
		return factories.settings(server_type=server_type, endpoint_url=server.url, **values)


def sync(**arguments) -> dict:
	"""`sync_now(wait=1)` as from the console, without its printing."""
	with redirect_stdout(io.StringIO()):
		return api.sync_now(wait=1, **arguments)


def checkins() -> list[tuple[str, datetime]]:
	"""(Attendance Device ID, time) of every check-in of our people, sorted."""
	rows = frappe.get_all("Employee Checkin", factories.of_people(), ["employee", "time"], limit=0)
	ids = dict(frappe.get_all("Employee", fields=["name", "attendance_device_id"], as_list=True, limit=0))
	return sorted((ids[row.employee], row.time) for row in rows)


def events(**filters) -> list:
	"""`reason`: the sentence that a person sees."""
	fields = [
		"name",
		"status",
		"reason_code",
		"reason_values",
		"employee",
		"employee_checkin",
		"device_user_id",
		"device",
	]
	rows = frappe.get_all("Biometric Staging Event", filters, fields, order_by="name asc", limit=0)
	for row in rows:
		row.reason = words.of_event(row)
	return rows


def logs(**filters) -> list:
	return frappe.get_all(
		"Biometric Sync Log", filters, ["*"], order_by="started_at asc, creation asc", limit=0
	)
