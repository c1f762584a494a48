"""The engine over SQLite: all scenarios."""

from __future__ import annotations

import tempfile
import unittest
from dataclasses import replace
from pathlib import Path

from biometric_integration.bridge.database import to_text, to_time
from biometric_integration.bridge.devices import DeviceEntry
from biometric_integration.bridge.people import Employee
from biometric_integration.bridge.store import SqliteStore
from biometric_integration.core.runs import LOG_COUNTS, Trigger
from biometric_integration.core.store import Claim
from biometric_integration.tests.scenarios import CheckinRow, EngineScenarios, EventRow, LogRow

REFUSAL = "Latitude and longitude values are required for checking in."


class RefusingStore(SqliteStore):
	"""Nothing refuses a check-in here by itself; elsewhere HRMS does."""

	def __init__(self, path: Path, refused: set[str]):
		super().__init__(path)
		self.refused = refused

	def create(self, decision):
		if decision.employee in self.refused:
			raise ValueError(REFUSAL)
		return super().create(decision)


class SqliteHost:
	"""`scenarios.Host` over one file."""

	def __init__(self, path: Path):
		self.path = path
		self._refused: set[str] = set()
		self._elsewhere: dict[str, SqliteStore] = {}
		self.store = RefusingStore(path, self._refused)

	def close(self) -> None:
		for store in (self.store, *self._elsewhere.values()):
			store.close()

	def restart(self) -> None:
		self.store.close()
		self.store = RefusingStore(self.path, self._refused)

	@property
	def process_store(self) -> SqliteStore:
		return self.store

	def add_employee(self, code, name="", status="Active", joined=None, left=None) -> str:
		employees = self._employees()
		key = f"EMP-{len(employees) + 1}"
		self.store.employ([*employees, Employee(key, name, code, status, joined, left)])
		return key

	def change_employee(self, employee, **changes) -> None:
		if "left" in changes:
			changes["relieved"] = changes.pop("left")
		self.store.employ(
			[replace(each, **changes) if each.name == employee else each for each in self._employees()]
		)

	def _employees(self) -> list[Employee]:
		rows = self._rows("SELECT * FROM employee ORDER BY name")
		return [
			Employee(
				row["name"],
				row["employee_name"],
				row["user_id"],
				row["status"],
				_day(row["joined"]),
				_day(row["relieved"]),
			)
			for row in rows
		]

	def refuse(self, employee) -> str:
		self._refused.add(employee)
		return REFUSAL

	def written(self, day) -> str:
		return day.isoformat()

	def add_device(self, serial, name, location="", server="main", enabled=True) -> str:
		self.store.enter_devices([DeviceEntry(server, serial, name, location, enabled)])
		return self._rows("SELECT key FROM device WHERE server=? AND serial=?", server, serial)[0]["key"]

	def enable_device(self, key, enabled) -> None:
		self._write("UPDATE device SET enabled=? WHERE key=?", int(enabled), key)

	def add_checkin(self, employee, time, log_type="") -> str:
		insert = "INSERT INTO checkin (employee, time, log_type, device_id) VALUES (?,?,?,'')"
		return str(self._write(insert, employee, to_text(time), log_type))

	def delete_checkin(self, name) -> None:
		self._write("UPDATE event SET checkin=NULL WHERE checkin=?", int(name))
		self._write("DELETE FROM checkin WHERE id=?", int(name))

	def checkins(self, employees):
		return [
			CheckinRow(str(row["id"]), row["employee"], to_time(row["time"]), row["log_type"])
			for row in self._rows("SELECT * FROM checkin ORDER BY id")
			if row["employee"] in employees
		]

	def events(self, server):
		return [
			EventRow(
				row["name"],
				row["status"],
				row["reason_code"],
				row["reason"],
				row["user_id"],
				to_time(row["source_time"]),
				row["employee"],
				str(row["checkin"] or ""),
				str(row["log"]),
				row["device"],
				row["raw"],
			)
			for row in self._rows("SELECT * FROM event WHERE server=? ORDER BY name", server)
		]

	def logs(self, server):
		return [self._log(row) for row in self._rows("SELECT * FROM log WHERE server=? ORDER BY id", server)]

	def _log(self, row) -> LogRow:
		requests = [tuple(request) for request in self._rows("SELECT * FROM request WHERE log=?", row["id"])]
		return LogRow(
			str(row["id"]),
			row["stream"],
			row["status"],
			row["error"],
			row["error_class"],
			f"{tuple(row)!r} {requests!r}",
			**{name: row[name] for name in LOG_COUNTS},
		)

	def forget_staged(self, server, before) -> None:
		with self.store.database.transaction():
			self.store.database.write("UPDATE checkin SET biometric_event = NULL")
			self.store.database.write(
				"DELETE FROM event WHERE server=? AND status IN ('Processed', 'Ignored') AND source_time<?",
				(server, before),
			)

	def hold(self, stream) -> Claim:
		elsewhere = SqliteStore(self.path)
		claim = elsewhere.claim(stream, Trigger.MANUAL)
		self._elsewhere[claim.log] = elsewhere
		return claim

	def steal(self, stream) -> Claim:
		self.store.locks.release(stream.key)
		return self.hold(stream)

	def let_go(self, claim) -> None:
		self._elsewhere.pop(claim.log).close()

	def _rows(self, sql, *parameters):
		return self.store.database.rows(sql, parameters)

	def _write(self, sql, *parameters):
		with self.store.database.transaction():
			return self.store.database.write(sql, parameters).lastrowid


def _day(text):
	return to_time(text).date() if text else None


class SqliteEngine(EngineScenarios, unittest.TestCase):
	def new_host(self) -> SqliteHost:
		folder = tempfile.TemporaryDirectory()
		self.addCleanup(folder.cleanup)
		host = SqliteHost(Path(folder.name) / "site.sqlite")
		self.addCleanup(host.close)
		return host
