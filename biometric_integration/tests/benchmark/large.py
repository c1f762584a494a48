"""The same on a site that has years of check-ins and staging events already."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta

import frappe

from biometric_integration.tests.attack import rig
from biometric_integration.tests.attack.rig import CHECKIN, DEVICE, EVENT
from biometric_integration.tests.benchmark import place, speed
from biometric_integration.tests.benchmark.fake import Remote
from biometric_integration.tests.benchmark.past import Shift
from biometric_integration.tests.benchmark.table import Line, Table, tell

BUFFER_POOL = 1024**3
PEOPLE = 2000
"""Who has been here over the years: those of today, and others who have left."""
A_DAY = 2 * PEOPLE
SPREAD = 7919
"""A prime: neighbours in time are not neighbours in the list of people."""
CHUNK = 250_000
FAMILIAR = "_benchmark_people"

EVENTS = f"""
	INSERT INTO `tab{EVENT}` (
		name, creation, modified, owner, modified_by, kind, status, reason_code, reason_values, device, device_user_id, source_time, punch_time,
		direction, verify_mode, log_id, feed, server, unit, raw_payload, sync_log, resolved_at, employee, log_type, resolved_time,
		employee_checkin, attempts
	)
	SELECT
		CONCAT(DATE_FORMAT(at, '%%Y%%m%%d%%H%%i%%s-'), LEFT(SHA1(n), 20)), at, at, 'Administrator', 'Administrator', 'Punch',
		IF(is_kept, 'Processed', 'Ignored'), IF(is_kept, '', 'deleted'), IF(is_kept, '', 'The check-in was deleted by a person.'),
		device, user_id, at, at, direction, '', '', 'punches', %(server)s, serial,
		CONCAT(user_id, '\\t', at, '\\t', LOWER(direction)), LEFT(MD5(DATE(at)), 10), at, employee, direction, at,
		IF(is_kept, checkin, NULL), 0
	FROM ({{punches}}) punch
"""
CHECKINS = f"""
	INSERT INTO `tab{CHECKIN}` (
		name, creation, modified, owner, modified_by, employee, employee_name, log_type, time, device_id, shift, shift_start, shift_end,
		shift_actual_start, shift_actual_end, biometric_event
	)
	SELECT
		checkin, at, at, 'Administrator', 'Administrator', employee, employee, direction, at, serial, shift, at, at, at, at,
		CONCAT(DATE_FORMAT(at, '%%Y%%m%%d%%H%%i%%s-'), LEFT(SHA1(n), 20))
	FROM ({{punches}}) punch WHERE is_kept
"""
PUNCHES = f"""
	SELECT n, at, user_id, employee, shift, device, serial, IF(n %% 2, 'OUT', 'IN') direction, n >= %(deleted)s is_kept,
		CONCAT('EMP-CKIN-', DATE_FORMAT(at, '%%m-%%Y-'), LPAD(n, 7, '0')) checkin
	FROM (
		SELECT seq n, %(begin)s + INTERVAL FLOOR(seq * 86400 / {A_DAY}) SECOND at
		FROM seq_{{first}}_to_{{last}}
	) moment
	JOIN `{FAMILIAR}` ON idx = (n * {SPREAD}) %% {PEOPLE}
"""
"""Event n of the years: evenly over the time, in the order of time, as years of syncs leave them behind."""


def measure(table: Table, punches: int, employees: int, checkins: int, events: int) -> None:
	place.clear()
	past = place.past(punches, employees)
	with Remote("eTimeTrackLite", past) as remote, _buffer_pool() as pools:
		people = place.employ(remote.ledger)
		first_day = remote.ledger.first_day
		remote.prepare(first_day)
		place.empty()
		place.connect_to([remote], first_day)
		_fill(remote, people, checkins, events)
		place.warm_up(remote, first_day)
		_take_back(remote)
		pulled, used = place.pull(remote.id, remote.ledger.utc_now), place.process()
		name = f"{speed.BULK}, with {checkins:,} check-ins, {events:,} events"
		line = speed.add(table, name, pulled, used, with_halves=True)
		expected = remote.ledger.count(first_day)
		table.expect(f"punches of {name}", pulled.punches, expected)
		place.check(table, name, expected, since=_stamp(remote))
		_compare(table, line, pools)
		place.empty()


def _compare(table: Table, line: Line, pools: tuple[int, int]) -> None:
	empty = next((other for other in table.lines if other.name == speed.BULK), None)
	ratio = f"{line.rate / empty.rate:.2f} × that of the empty site, " if empty else ""
	usual, here = (f"{pool // 1024**2:,} MB" for pool in pools)
	note = f"{ratio}buffer pool {here} for this part, {usual} before and after"
	table.add(Line("  compared", 0, note=note))


# --- the years before


def _fill(remote: Remote, people: dict[str, str], checkins: int, events: int) -> None:
	_meet(remote, people)
	days = events / A_DAY
	begin = _midnight(remote) - timedelta(days=days + 1)
	values = {"server": remote.id, "begin": begin.replace(microsecond=0), "deleted": events - checkins}
	for first in range(0, events, CHUNK):
		last = min(first + CHUNK, events) - 1
		punches = PUNCHES.format(first=first, last=last)
		for statement in (EVENTS, CHECKINS):
			frappe.db.sql(statement.format(punches=punches), values)
			frappe.db.commit()  # nosemgrep -- a chunk of made-up history
		tell(f"{last + 1:,} of {events:,} events of earlier years")
	for doctype in (EVENT, CHECKIN):
		frappe.db.sql_ddl(f"ANALYZE TABLE `tab{doctype}`")
	found = (frappe.db.count(EVENT), frappe.db.count(CHECKIN))
	if found != (events, checkins):
		raise RuntimeError(f"{found} in place of {(events, checkins)} events and check-ins of earlier years")


def _meet(remote: Remote, people: dict[str, str]) -> None:
	"""Everybody who was ever here, with a device."""
	frappe.db.sql_ddl(
		f"""CREATE OR REPLACE TEMPORARY TABLE `{FAMILIAR}` (
			idx INT PRIMARY KEY, user_id VARCHAR(140), employee VARCHAR(140), shift VARCHAR(140), device VARCHAR(140), serial VARCHAR(140)
		)"""
	)
	keys = dict(frappe.get_all(DEVICE, fields=["serial_number", "name"], as_list=True, limit=0))
	serials = [device.serial for device in remote.ledger.devices]
	shifts = [f"Benchmark {shift.name.title()}" for shift in Shift]
	here = list(people.items())
	for number in range(PEOPLE):
		user_id, employee = (
			here[number] if number < len(here) else (f"9{number:05d}", f"HR-EMP-9{number:04d}")
		)
		serial = serials[number % len(serials)]
		row = (number, user_id, employee, shifts[number % len(shifts)], keys[serial], serial)
		frappe.db.sql(f"INSERT INTO `{FAMILIAR}` VALUES (%s, %s, %s, %s, %s, %s)", row)
	frappe.db.commit()  # nosemgrep -- a temporary table


def _take_back(remote: Remote) -> None:
	"""What the warm-up left behind."""
	frappe.db.delete(CHECKIN, {"biometric_event": (">=", _stamp(remote))})
	frappe.db.delete(EVENT, {"name": (">=", _stamp(remote))})
	for doctype in ("Biometric Sync Cursor", rig.LOG):
		frappe.db.delete(doctype)
	frappe.db.commit()  # nosemgrep -- the run that is timed begins without it


def _midnight(remote: Remote) -> datetime:
	return datetime.combine(remote.ledger.first_day, time())


def _stamp(remote: Remote) -> str:
	"""Names of events from the first day on are greater."""
	return _midnight(remote).strftime("%Y%m%d%H%M%S")


# --- the database server


@contextmanager
def _buffer_pool() -> Iterator[tuple[int, int]]:
	"""As much memory as a site of this size is given, and afterwards what it was; without root's password, what it is.

	Gives the bytes before and now.
	"""
	before = _pool()
	_set_pool(BUFFER_POOL)
	try:
		yield before, _pool()
	finally:
		_set_pool(before)


def _pool() -> int:
	return frappe.db.sql("SELECT @@GLOBAL.innodb_buffer_pool_size")[0][0]


def _set_pool(size: int) -> None:
	if _pool() == size:
		return
	password = os.environ.get("DB_ROOT_PASSWORD") or frappe.conf.root_password or "root"
	command = [
		"mysql",
		f"-h{frappe.conf.db_host or '127.0.0.1'}",
		f"-P{frappe.conf.db_port or 3306}",
		"-uroot",
	]
	statement = f"SET GLOBAL innodb_buffer_pool_size={size}"
	done = subprocess.run([*command, "-e", statement], env={**os.environ, "MYSQL_PWD": password}, check=False)
	if done.returncode:
		tell("The buffer pool stays as it is.")
