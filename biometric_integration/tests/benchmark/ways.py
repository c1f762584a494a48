"""Other ways of writing the same check-ins: what is known from elsewhere, and the least that any way can cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import frappe

from hrms.hr.doctype.employee_checkin.employee_checkin import add_log_based_on_employee_field

from biometric_integration.core.batches import batches
from biometric_integration.simulator import SimPunch
from biometric_integration.tests.attack.rig import CHECKIN, EVENT
from biometric_integration.tests.benchmark.place import Took, timed

COMMIT_EVERY = 100
"""Punches; generous, as most commit each."""
BATCH = 1000
WARM_UP = 20
LOG_TYPES = {"in": "IN", "out": "OUT"}

Way = Callable[[Iterable[SimPunch]], None]


def per_punch(punches: Iterable[SimPunch]) -> None:
	"""Look the employee up, look whether the check-in is there, insert the document."""
	for batch in batches(punches, COMMIT_EVERY):
		for punch in batch:
			employee = frappe.db.get_value("Employee", {"attendance_device_id": punch.code}, "name")
			if not frappe.db.exists(CHECKIN, {"employee": employee, "time": punch.time}):
				values = {
					"employee": employee,
					"time": punch.time,
					"log_type": LOG_TYPES.get(punch.direction, ""),
					"device_id": punch.serial,
				}
				frappe.get_doc({"doctype": CHECKIN, **values}).insert(ignore_permissions=True)
		frappe.db.commit()  # nosemgrep -- as they do


def by_hrms(punches: Iterable[SimPunch]) -> None:
	"""HRMS's own entrance for devices: a call for each punch, each a request that commits."""
	for punch in punches:
		add_log_based_on_employee_field(
			punch.code,
			str(punch.time),
			device_id=punch.serial,
			log_type=LOG_TYPES.get(punch.direction, ""),
		)
		frappe.db.commit()  # nosemgrep -- as the request does


def take(way: Way, punches: Sequence[SimPunch]) -> Took:
	"""Time it, without the first few."""
	way(punches[:WARM_UP])
	rest = punches[WARM_UP:]
	return Took(len(rest), timed(lambda: way(rest))[0])


@dataclass(frozen=True)
class Rows:
	"""All rows of a table with all columns, in the order in which they were inserted."""

	doctype: str
	fields: Sequence[str]
	rows: Sequence[Sequence[Any]]

	@classmethod
	def read(cls, doctype: str) -> Rows:
		rows = frappe.db.sql(f"SELECT * FROM `tab{doctype}` ORDER BY `creation`, `name`")
		return cls(doctype, [column[0] for column in frappe.db.get_description()], rows)

	def insert(self) -> Took:
		"""Put them back into the emptied table; nothing but the database works here."""
		frappe.db.truncate(self.doctype)
		return Took(len(self.rows), timed(self._insert)[0])

	def _insert(self) -> None:
		columns = ", ".join(f"`{field}`" for field in self.fields)
		statement = (
			f"INSERT INTO `tab{self.doctype}` ({columns}) VALUES ({', '.join(['%s'] * len(self.fields))})"
		)
		for batch in batches(self.rows, BATCH):
			frappe.db._cursor.executemany(statement, batch)
			frappe.db.commit()  # nosemgrep -- what is measured


def floor() -> tuple[Took, Took]:
	"""Insert again what is there: staging rows, then check-in rows."""
	rows = [Rows.read(doctype) for doctype in (EVENT, CHECKIN)]
	events, checkins = (each.insert() for each in rows)
	return events, checkins
