"""The engine over dictionaries: all scenarios."""

from __future__ import annotations

import unittest
from dataclasses import replace

from biometric_integration.core.directory import Person
from biometric_integration.core.runs import Trigger
from biometric_integration.core.store import Claim
from biometric_integration.tests.memory_store import Checkin, MemoryStore
from biometric_integration.tests.scenarios import CheckinRow, EngineScenarios, EventRow, LogRow


class MemoryHost:
	"""`scenarios.Host` over dictionaries."""

	def __init__(self):
		self.store = MemoryStore()
		self._employees = 0

	def restart(self) -> None:
		store = MemoryStore()
		store.__dict__.update(self.store.__dict__)
		self.store = store

	@property
	def process_store(self) -> MemoryStore:
		return self.store

	def add_employee(self, code, name="", status="Active", joined=None, left=None) -> str:
		self._employees += 1
		employee = f"EMP-{self._employees}"
		self.store.people.setdefault(code, []).append(Person(employee, status, joined, left))
		return employee

	def change_employee(self, employee, **changes) -> None:
		for people in self.store.people.values():
			people[:] = [
				replace(person, **changes) if person.name == employee else person for person in people
			]

	def refuse(self, employee) -> str:
		self.store.refuse.add(employee)
		return "Latitude and longitude values are required"

	def written(self, day) -> str:
		return day.isoformat()

	def add_device(self, serial, name, location="", server="main", enabled=True) -> str:
		return self.store.add_device(server, name, serial=serial, location=location, enabled=enabled)

	def enable_device(self, key, enabled) -> None:
		for devices in self.store.known_devices.values():
			if key in devices:
				devices[key] = replace(devices[key], enabled=enabled)

	def add_checkin(self, employee, time, log_type="") -> str:
		name = f"by-hand-{len(self.store.checkins)}"
		self.store.checkins[name] = Checkin(employee, time, log_type)
		return name

	def delete_checkin(self, name) -> None:
		del self.store.checkins[name]

	def checkins(self, employees):
		found = self.store.checkins.items()
		return [
			CheckinRow(name, c.employee, c.time, c.log_type) for name, c in found if c.employee in employees
		]

	def events(self, server):
		return [
			EventRow(
				name,
				event.status,
				event.reason_code,
				event.reason,
				event.punch.user_id,
				event.punch.source_time,
				event.employee,
				event.checkin,
				event.log,
				event.punch.device,
				event.punch.raw,
			)
			for name, event in sorted(self.store.events.items())
			if event.stream.server == server
		]

	def logs(self, server):
		return [self._log(name, log) for name, log in self.store.logs.items() if log.stream.server == server]

	def _log(self, name, log) -> LogRow:
		outcome = log.outcome
		error_class = outcome.error_class.value if outcome.error_class else ""
		words = f"{outcome.message} {outcome.detail} {outcome.requests!r}"
		counts = {**vars(outcome.counts), **vars(self.store.event_counts(name))}
		return LogRow(name, log.stream.key, log.status, outcome.message, error_class, words, **counts)

	def forget_staged(self, server, before) -> None:
		final = ("Processed", "Ignored")
		for name, event in list(self.store.events.items()):
			is_old = event.punch.source_time and event.punch.source_time.date() < before
			if event.stream.server == server and event.status in final and is_old:
				del self.store.events[name]

	def hold(self, stream) -> Claim:
		return self.store.claim(stream, Trigger.MANUAL)

	def steal(self, stream) -> Claim:
		del self.store.holders[stream.key]
		return self.hold(stream)

	def let_go(self, claim) -> None:
		del self.store.holders[claim.stream.key]


class MemoryEngine(EngineScenarios, unittest.TestCase):
	def new_host(self) -> MemoryHost:
		return MemoryHost()


if __name__ == "__main__":
	unittest.main()
