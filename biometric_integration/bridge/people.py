"""Employees in SQLite, and what is known about the people of a batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import date, datetime, timedelta
from functools import partial

from biometric_integration.bridge import devices
from biometric_integration.bridge import events as staged
from biometric_integration.bridge.database import Database
from biometric_integration.core import first_use
from biometric_integration.core.directory import Directory, Person, Recorded, WaitingEvent
from biometric_integration.core.window import shifted


@dataclass(frozen=True)
class Employee:
	"""One line of the employee list; `user_id` is the Attendance Device ID, `relieved` the relieving date."""

	name: str
	employee_name: str = ""
	user_id: str = ""
	status: str = "Active"
	joined: date | None = None
	relieved: date | None = None


def replace_all(database: Database, employees: Iterable[Employee]) -> int:
	"""Make the list the one that counts; returns how many employees are new, changed or gone.

	The user ids they carry, or carried before, get a new revision: punches decided on an older one are looked at again.
	"""
	before = {employee.name: employee for employee in all_employees(database)}
	after = {employee.name: employee for employee in employees}
	names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
	versions = [version for name in names for version in (before.get(name), after.get(name)) if version]
	database.write_many("DELETE FROM employee WHERE name=?", [(name,) for name in names])
	rows = [astuple(after[name]) for name in names if name in after]
	database.write_many("INSERT INTO employee VALUES (?,?,?,?,?,?)", rows)
	number = revision(database) + 1
	changed = sorted({version.user_id for version in versions} - {""})
	rows = [(user_id, number) for user_id in changed]
	database.write_many("INSERT OR REPLACE INTO user_id_change VALUES (?,?)", rows)
	return len(names)


def revision(database: Database) -> int:
	"""The number of the last change to the employee list."""
	return database.value("SELECT MAX(revision) FROM user_id_change") or 0


def all_employees(database: Database) -> list[Employee]:
	rows = database.rows("SELECT * FROM employee ORDER BY name")
	return [
		Employee(**{**row, "joined": _day(row["joined"]), "relieved": _day(row["relieved"])}) for row in rows
	]


def _day(text: str | None) -> date | None:
	return date.fromisoformat(text) if text else None


def gather(database: Database, events: Sequence[WaitingEvent], reach: timedelta, now: datetime) -> Directory:
	"""See `Store.directory`; a fixed number of queries, however long the batch is."""
	people = _people(database, {event.user_id for event in events})
	directory = Directory(
		people=people,
		devices=devices.by_key(database),
		clocks=devices.clocks(database),
		by_event=_checkins_of(database, [event.name for event in events]),
		first_used=first_use.of_devices(events, lambda device: now, partial(staged.next_used, database)),
	)
	times = [event.punch_time for event in events]
	employees = sorted({person.name for owners in people.values() for person in owners})
	between = "SELECT * FROM checkin WHERE time>=? AND time<=? AND employee IN ({marks})"
	limits = (shifted(min(times), -reach), shifted(max(times), reach)) if times else ()
	for row in database.rows_in(between, employees, *limits):
		entry = Recorded(
			datetime.fromisoformat(row["time"]), row["log_type"], str(row["id"]), row["biometric_event"] or ""
		)
		directory.add(row["employee"], entry)
	return directory


def _people(database: Database, user_ids: Iterable[str]) -> dict[str, tuple[Person, ...]]:
	found: dict[str, tuple[Person, ...]] = {}
	query = "SELECT * FROM employee WHERE user_id IN ({marks})"
	for row in database.rows_in(query, sorted(user_ids)):
		person = Person(row["name"], row["status"], _day(row["joined"]), _day(row["relieved"]))
		found[row["user_id"]] = (*found.get(row["user_id"], ()), person)
	return found


def _checkins_of(database: Database, events: Sequence[str]) -> dict[str, str]:
	query = "SELECT biometric_event, id FROM checkin WHERE biometric_event IN ({marks})"
	return {row["biometric_event"]: str(row["id"]) for row in database.rows_in(query, events)}
