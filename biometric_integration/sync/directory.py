"""What is known about the people of a batch: a fixed number of queries, however long the batch is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

import frappe

from biometric_integration.core.directory import Directory, Person, Recorded, WaitingEvent
from biometric_integration.sync import devices

EMPLOYEE_FIELDS = ["name", "status", "date_of_joining", "relieving_date", "attendance_device_id"]
CHECKIN_FIELDS = ["name", "employee", "time", "log_type", "biometric_event"]


def gather(events: Sequence[WaitingEvent], reach: timedelta) -> Directory:
	people = _people({event.user_id for event in events})
	directory = Directory(
		people=people,
		devices=devices.by_key(event.device for event in events if event.device),
		by_event=_checkins_of([event.name for event in events]),
	)
	times = [event.punch_time for event in events]
	employees = [person.name for owners in people.values() for person in owners]
	for checkin in _checkins_between(employees, min(times) - reach, max(times) + reach):
		entry = Recorded(checkin.time, checkin.log_type or "", checkin.name, checkin.biometric_event or "")
		directory.add(checkin.employee, entry)
	return directory


def _people(user_ids: Iterable[str]) -> dict[str, tuple[Person, ...]]:
	"""Employees by Attendance Device ID. The database compares loosely, ids are compared to the letter: `a1` is not `A1`."""
	found: dict[str, tuple[Person, ...]] = {}
	filters = {"attendance_device_id": ("in", sorted(user_ids))}
	for row in frappe.get_all("Employee", filters, EMPLOYEE_FIELDS, limit=0):
		person = Person(row.name, row.status, row.date_of_joining, row.relieving_date)
		user_id = row.attendance_device_id.strip()
		found[user_id] = (*found.get(user_id, ()), person)
	return found


def _checkins_of(events: Sequence[str]) -> dict[str, str]:
	rows = frappe.get_all(
		"Employee Checkin", {"biometric_event": ("in", events)}, ["biometric_event", "name"], limit=0
	)
	return {row.biometric_event: row.name for row in rows}


def _checkins_between(employees: Sequence[str], start, end) -> list:
	if not employees:
		return []
	filters = {"employee": ("in", employees), "time": ("between", (start, end))}
	return frappe.get_all("Employee Checkin", filters, CHECKIN_FIELDS, limit=0)
