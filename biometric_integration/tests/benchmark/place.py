"""The site that is measured on: who works there by which shifts, which servers it reads, and the two halves of a sync."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import frappe
from frappe.utils import get_system_timezone, getdate

from biometric_integration.core.process import process as process_staged
from biometric_integration.core.runs import RunReport, RunStatus, Trigger
from biometric_integration.core.window import Window
from biometric_integration.sync import jobs
from biometric_integration.sync.records import servers
from biometric_integration.sync.records.servers import SETTINGS
from biometric_integration.sync.store import ProcessStore
from biometric_integration.tests import factories
from biometric_integration.tests.attack import rig
from biometric_integration.tests.attack.rig import CHECKIN, DEVICE, EVENT, LOG
from biometric_integration.tests.benchmark.fake import Remote
from biometric_integration.tests.benchmark.past import HOURS, Ledger, Past, Shift
from biometric_integration.tests.benchmark.table import Table

ASSIGNMENT = "Shift Assignment"
WELL = frozenset({RunStatus.SUCCESS, RunStatus.PARTIAL})
BEFORE_HOURS = timedelta(minutes=30)
"""How long the warm-up is, in the server's time."""


def past(punches: int, employees: int, **more) -> Past:
	"""A past that ended yesterday at noon: nothing in it is in the future for anybody."""
	return Past(punches, employees, getdate() - timedelta(days=2), get_system_timezone(), **more)


# --- people


def employ(*ledgers: Ledger) -> dict[str, str]:
	"""The people of the pasts and the shifts they are assigned to; returns code → employee."""
	_hire(sum(len(ledger.employees) for ledger in ledgers))
	people = {user_id: name for ledger in ledgers for name, user_id in rig.employ(ledger).items()}
	frappe.db.delete(ASSIGNMENT, {"shift_type": ("in", list(_shift_types().values()))})
	fields = (
		"name",
		"employee",
		"employee_name",
		"company",
		"shift_type",
		"start_date",
		"end_date",
		"status",
		"docstatus",
	)
	for ledger in ledgers:
		frappe.db.bulk_insert(ASSIGNMENT, fields, list(_assignments(ledger, people)))
	frappe.db.commit()  # nosemgrep -- other processes see it
	return people


def _hire(count: int) -> None:
	"""So many employees are there. One is made as a person makes them and copied: the tree they are kept in takes a third of a second each."""
	company = factories.company()
	missing = count - frappe.db.count("Employee", {"company": company})
	if missing <= 0:
		return
	model = frappe.db.get_value("Employee", factories.employee(), "*", as_dict=True)
	copies = []
	for _ in range(missing - 1):
		name = factories.unique("HR-EMP")
		copies.append({**model, "name": name, "employee": name, "first_name": name, "employee_name": name})
	frappe.db.bulk_insert("Employee", tuple(model), [tuple(copy.values()) for copy in copies])


def _assignments(ledger: Ledger, people: dict[str, str]) -> Iterator[tuple]:
	types, company = _shift_types(), factories.company()
	for number, user_id in zip(ledger.past.numbers, ledger.employees, strict=True):
		for count, (first, last) in enumerate(_stretches(ledger, number)):
			shift = types[ledger.past.shift(number, first)]
			employee = people[user_id]
			yield f"BENCHMARK-{user_id}-{count}", employee, employee, company, shift, first, last, "Active", 1


def _stretches(ledger: Ledger, number: int) -> Iterator[tuple[date, date | None]]:
	"""From when to when somebody has one shift: for good, or from Monday to Sunday."""
	first = ledger.first_day - timedelta(days=ledger.first_day.weekday() + 7)
	if not ledger.past.rotates(number):
		yield first, None
		return
	while first <= ledger.past.last_day:
		yield first, first + timedelta(days=6)
		first += timedelta(days=7)


def _shift_types() -> dict[Shift, str]:
	return {shift: _shift_type(shift) for shift in Shift}


def _shift_type(shift: Shift) -> str:
	name = f"Benchmark {shift.name.title()}"
	if not frappe.db.exists("Shift Type", name):
		begin, length = HOURS[shift]
		end = (datetime.combine(date.min, begin) + length).time()
		values = {"name": name, "start_time": begin.isoformat(), "end_time": end.isoformat()}
		frappe.get_doc({"doctype": "Shift Type", **values}).insert(ignore_permissions=True)
	return name


# --- servers


def connect_to(remotes: Sequence[Remote], first_day: date) -> None:
	"""Servers to be read from this day on, as *More Servers*, with their devices. The scheduler stays off."""
	rows = [
		{
			"server_id": remote.id,
			"label": remote.id,
			"server_type": remote.server_type,
			"endpoint_url": remote.url,
			"api_user": "api",
			"api_password": rig.PASSWORD,
		}
		for remote in remotes
	]
	document = frappe.get_single(SETTINGS)
	document.update({"enabled": 0, "server_type": "", "endpoint_url": "", "repeat_window": 0})
	document.update({"start_date": first_day, "more_servers": rows})
	document.save()
	known = set(frappe.get_all(DEVICE, pluck="serial_number", limit=0))
	for remote in remotes:
		if remote.server_type == "eTimeTrackLite":
			for device in remote.ledger.devices:
				if device.serial not in known:
					factories.device(device.serial, device.name, location=device.location, server=remote.id)
	frappe.db.commit()  # nosemgrep -- other processes see it


def empty() -> None:
	"""No check-ins, events, logs or cursors, in tables as good as new; people, devices and what is known of the servers stay."""
	for doctype in (CHECKIN, EVENT, LOG, "Biometric Sync Request", "Biometric Sync Cursor"):
		frappe.db.truncate(doctype)
	frappe.db.commit()  # nosemgrep -- other processes see it


def clear() -> None:
	"""As the rig clears a site, however much is on it."""
	empty()
	rig.clear()


@contextmanager
def at(moment: datetime) -> Iterator[None]:
	"""Jobs of this process think that it is this moment (aware UTC)."""
	clock, jobs._utc_now = jobs._utc_now, lambda: moment
	try:
		yield
	finally:
		jobs._utc_now = clock


@contextmanager
def with_a_rule() -> Iterator[None]:
	"""As if another app had a handler on the check-in, which does nothing."""
	handlers = frappe.get_doc_hooks().setdefault(CHECKIN, {}).setdefault("validate", [])
	handlers.append(f"{__name__}.nothing")
	try:
		yield
	finally:
		handlers.remove(f"{__name__}.nothing")


def nothing(_checkin, _method=None) -> None:
	pass


# --- the two halves


@dataclass(frozen=True)
class Took:
	"""What a stretch of work took: how many punches, in how many seconds."""

	punches: int
	seconds: float


def pull(server: str, moment: datetime, window: Window | None = None) -> Took:
	"""One job that reads the server at this moment (aware UTC), without using what came."""
	target = servers.get(server)
	with at(moment):
		seconds, reports = timed(lambda: jobs.read(target, target.options(Trigger.CONSOLE, window=window)))
	check_reports(reports)
	return Took(sum(report.counts.new for report in reports), seconds)


def process() -> Took:
	"""Use all that waits."""
	seconds, decided = timed(lambda: process_staged(ProcessStore(), servers.rules))
	return Took(decided, seconds)


def check_reports(reports: Sequence[RunReport]) -> None:
	failed = [f"{report.stream}: {report.message}" for report in reports if report.status not in WELL]
	if failed:
		raise RuntimeError("; ".join(failed))


def timed(action: Callable[[], object]) -> tuple[float, object]:
	started = time.perf_counter()
	result = action()
	return time.perf_counter() - started, result


def warm_up(remote: Remote, first_day: date) -> None:
	"""Both halves once with a few punches, which are gone afterwards."""
	start = datetime.combine(first_day, HOURS[Shift.DAY][0]) - BEFORE_HOURS
	pull(remote.id, remote.ledger.utc_now, Window(start, start + BEFORE_HOURS))
	process()


def check(table: Table, name: str, expected: int, since: str = "") -> None:
	"""There is one check-in for each punch, and nothing waits. `since`: of events from this name on."""
	frappe.db.rollback()  # what others have committed is seen
	found = frappe.db.sql(
		f"""SELECT COUNT(*), COUNT(DISTINCT `employee`, `time`) FROM `tab{CHECKIN}` WHERE `biometric_event`>=%s""",
		since,
	)[0]  # the query builder has no COUNT(DISTINCT a, b)
	table.expect(f"check-ins of {name}", found, (expected, expected))
	table.expect(f"punches left by {name}", frappe.db.count(EVENT, {"status": "Pending"}), 0)


def versions() -> list[str]:
	"""What the site runs on."""
	names = ("version", "innodb_buffer_pool_size", "innodb_flush_log_at_trx_commit", "sync_binlog")
	values = frappe.db.sql(f"SELECT {', '.join(f'@@{name}' for name in names)}")[0]
	apps = [
		f"{app} {frappe.get_attr(f'{app}.__version__')}"
		for app in ("frappe", "erpnext", "hrms", "biometric_integration")
	]
	pool = f"buffer pool {values[1] // 1024**2:,} MB, {names[2]}={values[2]}"
	return [f"MariaDB {values[0]}, {pool}", ", ".join(apps), f"load before: {os.getloadavg()[0]:.1f}"]
