"""The scenario suite of the engine, on a site."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import frappe
from frappe.utils import formatdate

from biometric_integration.core.runs import LOG_COUNTS, Outcome, Trigger
from biometric_integration.core.stream import Stream
from biometric_integration.sync.db import locks
from biometric_integration.sync.records import words
from biometric_integration.sync.store import ProcessStore, PullStore
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import SiteTestCase
from biometric_integration.tests.scenarios import CheckinRow, EngineScenarios, EventRow, LogRow

REFUSED: set[str] = set()


def refuse(checkin, method=None):
	"""A rule that a site might have added to Employee Checkin."""
	if checkin.employee in REFUSED:
		frappe.throw("<b>Not on a Monday</b>")


class FrappeHost:
	"""`scenarios.Host` over the site; what happens elsewhere happens on a second connection."""

	def __init__(self):
		self.restart()
		mine = frappe.local.db
		frappe.connect(set_admin_as_user=False)
		self._other_db, frappe.local.db = frappe.local.db, mine
		self._other_store = PullStore()

	def close(self) -> None:
		REFUSED.clear()
		frappe.db.set_single_value("Biometric Sync Settings", "import_floor", None)
		frappe.db.commit()  # nosemgrep -- as the test that follows expects it
		self._other_db.close()

	def restart(self) -> None:
		self.store, self.process_store = PullStore(), ProcessStore()

	def add_employee(self, code, name="", status="Active", joined=None, left=None) -> str:
		employee = factories.employee(code, joined or date(1995, 1, 1), status=status, relieving_date=left)
		frappe.db.commit()  # nosemgrep -- as a person who saved it
		return employee

	def change_employee(self, employee, **changes) -> None:
		names = {"status": "status", "joined": "date_of_joining", "left": "relieving_date"}
		document = frappe.get_doc("Employee", employee)
		document.update({names[field]: value for field, value in changes.items()})
		document.save()
		frappe.db.commit()  # nosemgrep -- as a person who saved it

	def refuse(self, employee) -> str:
		REFUSED.add(employee)
		return "Not on a Monday"

	def written(self, day) -> str:
		return formatdate(day)

	def add_device(self, serial, name, location="", server="main", enabled=True) -> str:
		key = factories.device(serial or None, name, location=location, server=server, enabled=int(enabled))
		frappe.db.commit()  # nosemgrep -- as a person who saved it
		return key

	def enable_device(self, key, enabled) -> None:
		document = frappe.get_doc("Biometric Device", key)
		document.enabled = int(enabled)
		document.save()
		frappe.db.commit()  # nosemgrep -- as a person who saved it

	def add_checkin(self, employee, time, log_type="") -> str:
		checkin = frappe.get_doc(
			doctype="Employee Checkin", employee=employee, time=time, log_type=log_type
		).insert()
		frappe.db.commit()  # nosemgrep -- as a person who saved it
		return checkin.name

	def delete_checkin(self, name) -> None:
		frappe.delete_doc("Employee Checkin", name)
		frappe.db.commit()  # nosemgrep -- as a person who did it

	def checkins(self, employees) -> list[CheckinRow]:
		fields = ["name", "employee", "time", "log_type"]
		rows = frappe.get_all("Employee Checkin", {"employee": ("in", list(employees))}, fields, limit=0)
		return [CheckinRow(row.name, row.employee, row.time, row.log_type or "") for row in rows]

	def events(self, server) -> list[EventRow]:
		rows = frappe.get_all("Biometric Staging Event", {"server": server}, ["*"], order_by="name", limit=0)
		return [
			EventRow(
				row.name,
				row.status,
				row.reason_code or "",
				words.of_event(row),
				row.device_user_id or "",
				row.source_time,
				row.employee or "",
				row.employee_checkin or "",
				row.sync_log,
				row.device or "",
				row.raw_payload,
			)
			for row in rows
		]

	def logs(self, server) -> list[LogRow]:
		rows = frappe.get_all("Biometric Sync Log", {"server": server}, ["*"], order_by="started_at", limit=0)
		return [self._log(row) for row in rows]

	def _log(self, row) -> LogRow:
		requests = frappe.get_all("Biometric Sync Request", {"parent": row.name}, ["*"], limit=0)
		counts = {field: row[field] for field in LOG_COUNTS}
		words = f"{row!r} {requests!r}"
		return LogRow(
			row.name, row.stream, row.status, row.error or "", row.error_class or "", words, **counts
		)

	def forget_staged(self, server, before) -> None:
		frappe.db.set_single_value("Biometric Sync Settings", "import_floor", before)
		frappe.db.delete(
			"Biometric Staging Event",
			{"server": server, "status": ("in", ("Processed", "Ignored")), "source_time": ("<", before)},
		)
		frappe.db.commit()  # nosemgrep -- as the nightly job does

	def hold(self, stream: Stream):
		with self._elsewhere():
			return self._other_store.claim(stream, Trigger.MANUAL)

	def steal(self, stream: Stream):
		locks.release(stream.key)
		return self.hold(stream)

	def let_go(self, claim) -> None:
		with self._elsewhere():
			self._other_store.finish(claim, Outcome())

	@contextmanager
	def _elsewhere(self) -> Iterator[None]:
		mine = frappe.local.db
		frappe.local.db = self._other_db
		try:
			yield
		finally:
			frappe.local.db = mine
			mine.commit()  # nosemgrep -- see what was committed elsewhere


class TestScenarios(EngineScenarios, SiteTestCase):
	def setUp(self) -> None:
		super().setUp()
		hooks = frappe.get_doc_hooks().setdefault("Employee Checkin", {}).setdefault("validate", [])
		hooks.append(f"{__name__}.refuse")
		self.addCleanup(hooks.pop)

	def new_host(self) -> FrappeHost:
		host = FrappeHost()
		self.addCleanup(host.close)
		return host
