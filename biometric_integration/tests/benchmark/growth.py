"""What takes the longer the more there is, where it is done wrong: idle minutes, saves, pages and the nightly tidying of a site of years."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import frappe
from frappe.utils import add_days, getdate, now_datetime, nowdate

from biometric_integration.biometric_integration.dashboard_chart_source.punches_per_day import punches_per_day
from biometric_integration.biometric_integration.report.biometric_coverage import biometric_coverage
from biometric_integration.biometric_integration.report.unmapped_punches import unmapped_punches
from biometric_integration.core.reasons import STATUS_OF, Reason
from biometric_integration.sync import retention
from biometric_integration.sync.desk import status
from biometric_integration.sync.process import sweep
from biometric_integration.sync.records.servers import SETTINGS
from biometric_integration.tests import factories
from biometric_integration.tests.attack.rig import CHECKIN, DEVICE, EVENT, LOG
from biometric_integration.tests.benchmark import place
from biometric_integration.tests.benchmark.table import Line, Table, tell

YEARS = 2
PEOPLE = 2000
DEVICES = 4
CHUNK = 250_000
DUE = 28_000
"""Payloads that a night has to empty."""
UNMAPPED = Reason.NO_EMPLOYEE
REASONS = (UNMAPPED, Reason.LEFT, Reason.BEFORE_FLOOR, Reason.DEVICE_OFF)

EVENTS = f"""
	INSERT INTO `tab{EVENT}` (
		name, creation, modified, owner, modified_by, kind, status, reason_code, reason_values, device, device_user_id, source_time, punch_time,
		direction, verify_mode, log_id, feed, server, unit, raw_payload, sync_log, resolved_at, employee, log_type, resolved_time,
		employee_checkin, attempts
	)
	SELECT
		CONCAT(DATE_FORMAT(at, '%%Y%%m%%d%%H%%i%%s-'), LEFT(SHA1(CONCAT(%(status)s, seq)), 20)), NOW(), at, 'Administrator', 'Administrator',
		'Punch', %(status)s, %(reason_code)s, '', ELT(seq %% {DEVICES} + 1, %(device_0)s, %(device_1)s, %(device_2)s, %(device_3)s), CONCAT(%(prefix)s, seq %% %(ids)s), at, at,
		IF(seq %% 2, 'OUT', 'IN'), '', '', 'punches', 'main', CONCAT('GROWTH', seq %% {DEVICES}), IF(at < %(kept)s, '', CONCAT(seq, '\\t', at)),
		LEFT(MD5(DATE(at)), 10), at, IF(%(status)s = 'Processed', CONCAT('HR-EMP-', seq %% %(ids)s), NULL), IF(seq %% 2, 'OUT', 'IN'), at,
		IF(%(status)s = 'Processed', CONCAT('GROWTH-', seq), NULL), 0
	FROM (SELECT seq, %(begin)s + INTERVAL FLOOR(seq * %(seconds)s) SECOND at FROM seq_{{first}}_to_{{last}}) punch
"""
CHECKINS = f"""
	INSERT INTO `tab{CHECKIN}` (name, creation, modified, owner, modified_by, employee, employee_name, log_type, time, biometric_event)
	SELECT employee_checkin, creation, modified, owner, modified_by, employee, employee, log_type, punch_time, name
	FROM `tab{EVENT}` WHERE status = 'Processed'
"""
LOGS = f"""
	INSERT INTO `tab{LOG}` (name, creation, modified, owner, modified_by, server, stream, `trigger`, status, started_at, new)
	SELECT CONCAT('GROWTH-', seq), NOW(), NOW(), 'Administrator', 'Administrator', 'main', 'main', 'Scheduled', 'Success',
		NOW() - INTERVAL seq MINUTE, 1
	FROM seq_1_to_{{logs}}
"""


def measure(table: Table, unmapped: int, ids: int, processed: int, logs: int) -> None:
	place.clear()
	_fill(unmapped, ids, processed, logs)
	name = f"with {unmapped:,} punches of {ids:,} unmapped ids, {processed:,} used, {logs:,} logs"
	table.add(Line(f"growth, {name}", 0))
	_minutes(table, ids)
	_pages(table)
	_nights(table)
	place.clear()


def _minutes(table: Table, ids: int) -> None:
	_take(table, "a save of an employee with a new id", _save(), "2.9 s")
	for reason in REASONS:
		_turn_into(reason)
		_seconds, rows = _take(
			table,
			f"an idle minute, all of them {reason.value}",
			lambda: sweep.reopen(now_datetime()),
			"0.6 to 1.0 s",
		)
		table.expect(f"rows of an idle minute ({reason.value}) within bounds", rows < 4 * ids + 1000, True)
	_turn_into(UNMAPPED)


def _pages(table: Table) -> None:
	last = getdate()
	_take(table, "the number card", status.troubles, "0.6 s")
	_take(table, "the state on the settings form", status.overview, "0.46 s")
	_take(table, "the chart, last month", lambda: punches_per_day.by_day(add_days(last, -30), last), "2.1 s")
	_take(table, "the report Unmapped Punches", lambda: unmapped_punches.execute({}), "16.8 s")
	_take(table, "the report Biometric Coverage", lambda: biometric_coverage.execute({}), "10.6 s")
	_take(table, "the list, filtered by an id that is not there", _listed, "17 s")


def _nights(table: Table) -> None:
	seconds, _rows = _take(
		table, f"a night with {DUE:,} payloads to empty", retention.tidy, "86 s", warm=False
	)
	_take(table, "a night with nothing due", retention.tidy, "11 to 19 s", warm=False)
	table.add(Line("payloads emptied", DUE, seconds))


def _take(
	table: Table, name: str, action: Callable[[], object], before: str, warm: bool = True
) -> tuple[float, int]:
	"""Once more than it is measured, where that changes nothing: what is in no cache yet is not what is asked about."""
	if warm:
		action()
	rows = _rows_read()
	seconds, _answer = place.timed(action)
	rows = _rows_read() - rows
	table.add(
		Line(f"  {name}", 0, note=f"{seconds:.3f} s, {rows:,} rows read (events instead of groups: {before})")
	)
	return seconds, rows


def _rows_read() -> int:
	return sum(int(value) for _name, value in frappe.db.sql("SHOW SESSION STATUS LIKE 'Handler_read%'"))


def _save() -> Callable[[], object]:
	document = frappe.get_doc("Employee", factories.employee())

	def save() -> None:
		document.attendance_device_id = factories.unique("growth")
		document.save()

	return save


def _listed() -> Sequence:
	filters = {"device_user_id": "nobody"}
	return frappe.get_list(
		EVENT, filters=filters, fields=["name", "status"], order_by="punch_time desc", limit=20
	)


# --- the years before


def _fill(unmapped: int, ids: int, processed: int, logs: int) -> None:
	people = {"prefix": "1", "ids": PEOPLE, "status": "Processed", "reason_code": ""}
	nobody = {"prefix": "9", "ids": ids, "status": STATUS_OF[UNMAPPED].value, "reason_code": UNMAPPED.value}
	factories.settings(
		server_type="eTimeTrackLite",
		endpoint_url="http://127.0.0.1:9",
		api_user="api",
		api_password="x",
		delete_after_days=YEARS * 366,
	)
	devices = {f"device_{number}": factories.device(f"GROWTH{number}") for number in range(DEVICES)}
	begin = now_datetime() - timedelta(days=YEARS * 365)
	old = now_datetime() - timedelta(days=frappe.get_cached_doc(SETTINGS).payload_days)
	for count, values in ((processed, people), (unmapped, nobody)):
		seconds = YEARS * 365 * 86400 / count
		kept = old - timedelta(seconds=DUE * seconds) if values is people else begin
		_fill_events(count, {**values, **devices, "begin": begin, "seconds": seconds, "kept": kept})
		if values is people:
			frappe.db.set_single_value(SETTINGS, "payloads_empty_until", kept, update_modified=False)
	for statement in (CHECKINS, LOGS.format(logs=logs)):
		frappe.db.sql(statement)
		frappe.db.commit()  # nosemgrep -- made-up history
	for doctype in (EVENT, CHECKIN, LOG):
		frappe.db.sql_ddl(f"ANALYZE TABLE `tab{doctype}`")


def _fill_events(count: int, values: dict) -> None:
	for first in range(0, count, CHUNK):
		last = min(first + CHUNK, count) - 1
		frappe.db.sql(EVENTS.format(first=first, last=last), values)
		frappe.db.commit()  # nosemgrep -- a chunk of made-up history
		tell(f"{last + 1:,} of {count:,} events {values['status']}")


def _turn_into(reason: Reason) -> None:
	"""All that waits waits for this reason, which is not gone."""
	gone = (
		factories.employee(status="Left", relieving_date=add_days(nowdate(), -YEARS * 400))
		if reason is Reason.LEFT
		else None
	)
	frappe.db.set_value(
		DEVICE, {"serial_number": ("like", "GROWTH%")}, "enabled", int(reason is not Reason.DEVICE_OFF)
	)
	frappe.db.set_single_value(SETTINGS, "start_date", nowdate())
	frappe.db.sql(
		f"UPDATE `tab{EVENT}` SET reason_code=%s, status=%s, employee=%s WHERE reason_code IN %s",
		(reason.value, STATUS_OF[reason].value, gone, [each.value for each in REASONS]),
	)
	frappe.db.commit()  # nosemgrep -- made-up history
	frappe.db.sql_ddl(f"ANALYZE TABLE `tab{EVENT}`")
