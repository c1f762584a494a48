"""What is read does not grow with what waits: rows that the database reads, with few and with ten times as many punches of the same ids."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from unittest.mock import patch

import frappe

from biometric_integration import install
from biometric_integration.biometric_integration.dashboard_chart_source.punches_per_day import punches_per_day
from biometric_integration.core.backoff import REFUSALS
from biometric_integration.core.punch import name_from
from biometric_integration.core.reasons import STATUS_OF, Reason
from biometric_integration.sync import jobs, retention
from biometric_integration.sync.db import sql
from biometric_integration.sync.desk import status
from biometric_integration.sync.process import sweep
from biometric_integration.sync.records import staging
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import FIRST_DAY, PASSWORD, SiteTestCase, events

NINE = datetime(2025, 4, 7, 9)
LONG_AGO = datetime(2020, 1, 1)
DAY = timedelta(days=1)
IDS = 10
FEW, MANY = 200, 2000


class GrowthTestCase(SiteTestCase):
	def setUp(self) -> None:
		super().setUp()
		self.addCleanup(keep_ids_to_the_letter)
		self.begin_on(FIRST_DAY)

	def begin_on(self, day: date, **more) -> None:
		values = {"server_type": "eTimeTrackLite", "endpoint_url": "http://127.0.0.1:9", "api_user": "api"}
		factories.settings(**values, api_password=PASSWORD, start_date=day, **more)

	def assertReadsAsMuch(self, action: Callable[[], object], **values) -> None:
		"""With ten times as many events that wait like this; what the first look puts into caches does not count."""
		fill(FEW, **values)
		action()
		before = rows_read(action)
		fill(MANY, **values)
		after = rows_read(action)
		self.assertLess(after - before, FEW, f"{before} rows with {FEW} events, {after} with {MANY}")


def fill(count: int, reason: Reason, **values) -> None:
	"""So many events of ten ids, a minute apart, and no others."""
	values = {
		"kind": "Punch",
		"status": STATUS_OF[reason].value,
		"reason_code": reason.value,
		"server": "main",
		"attempts": 0,
		"creation": NINE,
		"resolved_at": LONG_AGO,
		**values,
	}
	frappe.db.delete(staging.DOCTYPE)
	rows = []
	for number in range(count):
		time = NINE + timedelta(minutes=number)
		name = f"{time:%Y%m%d%H%M%S}-{number:020}"
		own = {"name": name, "device_user_id": f"no-{number % IDS}", "source_time": time, "punch_time": time}
		rows.append({**own, **values})
	sql.insert(staging.DOCTYPE, tuple(rows[0]), [tuple(row.values()) for row in rows])
	frappe.db.sql_ddl(f"ANALYZE TABLE `tab{staging.DOCTYPE}`")


def rows_read(action: Callable[[], object]) -> int:
	before = _rows_read()
	action()
	return _rows_read() - before


def _rows_read() -> int:
	return sum(int(value) for _name, value in frappe.db.sql("SHOW SESSION STATUS LIKE 'Handler_read%'"))


def keep_ids_to_the_letter() -> None:
	sql.keep_to_the_letter(staging.DOCTYPE, "device_user_id")


class TestAnIdleMinute(GrowthTestCase):
	def test_reads_as_much_however_many_punches_of_an_id_wait(self):
		person = factories.employee(date_of_joining="2026-01-01")
		gone = factories.employee(status="Left", relieving_date="2025-01-01")
		off = factories.device("SN1", enabled=0)
		apart = factories.device("SN2", counts_for_attendance=0)
		for values in (
			{"reason": Reason.NO_EMPLOYEE, "server": "elsewhere"},
			{"reason": Reason.NOT_JOINED, "employee": person},
			{"reason": Reason.LEFT, "employee": gone},
			{"reason": Reason.DEVICE_OFF, "device": off},
			{"reason": Reason.NOT_FOR_ATTENDANCE, "device": apart},
			{"reason": Reason.HRMS_REFUSED, "attempts": REFUSALS},
			{"reason": Reason.HRMS_REFUSED, "resolved_at": datetime(2025, 4, 6, 12)},
		):
			with self.subTest(**values):
				self.assertReadsAsMuch(lambda: sweep.reopen(datetime(2025, 4, 7, 12)), **values)

	def test_reads_as_much_however_many_punches_are_from_before_the_start(self):
		self.begin_on(date(2025, 6, 1))
		self.assertReadsAsMuch(lambda: sweep.reopen(NINE), reason=Reason.BEFORE_FLOOR)

	def test_the_use_of_a_device_reads_as_much_however_often_others_are_used(self):
		busy, idle = factories.device("SN1"), factories.device("SN2")
		self.assertReadsAsMuch(lambda: staging.next_used(idle, LONG_AGO), reason=Reason.NONE, device=busy)

	def test_what_stays_implausible_hides_nothing_that_is_not(self):
		stays, opens = factories.device("SN1"), factories.device("SN2")
		fill(20, Reason.IMPLAUSIBLE, device=stays)
		newest = max(event.name for event in events())
		frappe.db.set_value(staging.DOCTYPE, newest, "device", opens)
		use = [datetime(2027, 1, day, 9) for day in range(1, 11)]
		columns = ("name", "device", "kind", "status", "source_time", "punch_time")
		rows = [(f"{day:%Y%m%d%H%M%S}-use", stays, "Punch", "Processed", day, day) for day in use]
		sql.insert(staging.DOCTYPE, columns, rows)
		with patch.object(sweep, "AT_ONCE", 10):
			self.assertEqual(sweep.reopen(NINE), 1)
		self.assertEqual([event.name for event in events(status="Pending")], [newest])

	def test_the_whole_job_reads_as_much_where_a_device_is_off(self):
		off = factories.device("SN1", enabled=0)
		log = frappe.get_doc(
			{"doctype": "Biometric Sync Log", "stream": "s", "server": "main", "status": "Success"}
		)
		log.insert(ignore_permissions=True)
		log.db_set("pending", FEW)
		frappe.db.commit()  # nosemgrep -- as a run left it
		waits = {"reason": Reason.DEVICE_OFF, "device": off, "sync_log": log.name}
		fill(FEW, **waits)
		jobs.process()
		before = rows_read(jobs.process)
		fill(MANY, **waits)
		log.db_set("pending", MANY)
		frappe.db.commit()  # nosemgrep -- as a run left it
		self.assertGreater(rows_read(jobs.process), MANY, "counted once")
		self.assertLess(rows_read(jobs.process) - before, FEW, "and not again")
		self.assertEqual(frappe.db.get_value("Biometric Sync Log", log.name, "pending"), MANY)

	def test_the_whole_job_reads_as_much(self):
		self.assertReadsAsMuch(jobs.process, reason=Reason.NO_EMPLOYEE)

	def test_what_no_event_tells_of_is_found_by_the_next_job(self):
		early = factories.employee(joined="2025-05-01")
		late = factories.employee(status="Left", relieving_date="2025-04-01")
		resting, carrier = factories.employee(status="Inactive"), factories.employee()
		for reason, values, changes in (
			(Reason.NO_EMPLOYEE, {}, {carrier: {"attendance_device_id": "no-3"}}),
			(Reason.NOT_JOINED, {"employee": early}, {early: {"date_of_joining": "2025-04-07"}}),
			(Reason.LEFT, {"employee": late}, {late: {"status": "Active"}}),
			(Reason.INACTIVE, {"employee": resting}, {resting: {"status": "Active"}}),
		):
			with self.subTest(reason):
				fill(20, reason, **values)
				self.assertEqual(sweep.reopen(NINE), 0)
				for name, values in changes.items():
					frappe.db.set_value("Employee", name, values)
				self.assertEqual(sweep.reopen(NINE), 2 if reason is Reason.NO_EMPLOYEE else 20)
				frappe.db.set_value("Employee", carrier, "attendance_device_id", None)

	def test_a_change_of_dates_opens_the_days_it_allows_and_no_others(self):
		person = factories.employee(joined="2025-05-01")
		fill(20, Reason.NOT_JOINED, employee=person)
		late = events()[-1].name
		frappe.db.set_value(staging.DOCTYPE, late, "punch_time", "2025-04-20 09:00:00")
		frappe.db.set_value("Employee", person, "date_of_joining", "2025-04-20")
		self.assertEqual(sweep.reopen(NINE), 1)
		self.assertEqual([event.name for event in events(status="Pending")], [late])

	def test_an_id_that_no_longer_belongs_to_two_is_found_without_an_event(self):
		self.begin_on(FIRST_DAY, strip_zeros=1)
		_one, other = factories.employee("00no-1"), factories.employee("0no-1")
		fill(20, Reason.AMBIGUOUS, device_user_id="no-1")
		self.assertEqual(sweep.reopen(NINE), 0)
		frappe.db.set_value("Employee", other, "attendance_device_id", None)
		self.assertEqual(sweep.reopen(NINE), 20)

	def test_ids_stay_apart_also_where_their_column_was_converted(self):
		frappe.db.sql_ddl(f"ALTER TABLE `tab{staging.DOCTYPE}` MODIFY `device_user_id` varchar(140)")
		for user_id in ("Jos\u00e97", "jose7", "Jose7"):
			fill(20, Reason.NO_EMPLOYEE, device_user_id="jose7")
			frappe.db.set_value(staging.DOCTYPE, events()[7].name, "device_user_id", user_id)
			carrier = factories.employee(user_id)
			with self.subTest(user_id):
				self.assertEqual(sweep.reopen(NINE), 20 if user_id == "jose7" else 1)
			frappe.db.delete("Employee", {"name": carrier})
		install.complete()
		self.assertTrue(sql.is_to_the_letter(staging.DOCTYPE, "device_user_id"))


class TestASaveOfAnEmployee(GrowthTestCase):
	def test_reads_as_much_however_many_punches_wait(self):
		document = frappe.get_doc("Employee", factories.employee())
		numbers = iter(range(100))
		rule = {"doctype": "Biometric Mapping Rule", "device_user_id": "no-*", "action": "Ignore"}
		frappe.get_doc(rule).insert()  # has a say in what is ambiguous

		def save() -> None:
			document.attendance_device_id = f"somebody-{next(numbers)}"
			document.date_of_joining = (
				"2020-01-01" if document.date_of_joining == "2019-01-01" else "2019-01-01"
			)
			document.save()

		for reason in (Reason.NO_EMPLOYEE, Reason.AMBIGUOUS, Reason.LEFT):
			with self.subTest(reason=reason):
				self.assertReadsAsMuch(save, reason=reason)


class TestANight(GrowthTestCase):
	def test_with_nothing_due_reads_as_much_however_many_punches_are_kept(self):
		self.begin_on(FIRST_DAY, delete_after_days=3650)
		self.assertReadsAsMuch(retention.tidy, reason=Reason.NONE, raw_payload="")

	def test_what_is_decided_later_loses_its_payload_later(self):
		fill(20, Reason.NONE, raw_payload="row")
		late = events()[-1].name
		frappe.db.set_value(staging.DOCTYPE, late, "resolved_at", LONG_AGO + 2 * DAY)
		for night, left in (
			(LONG_AGO, 20),
			(LONG_AGO + DAY, 1),
			(LONG_AGO + 2 * DAY, 1),
			(LONG_AGO + 3 * DAY, 0),
		):
			with self.subTest(night):
				retention.empty_payloads(night)
				self.assertEqual(frappe.db.count(staging.DOCTYPE, {"raw_payload": "row"}), left)

	def test_punches_of_a_day_are_deleted_and_what_waits_among_them_stays(self):
		fill(20, Reason.NONE)
		waiting = events()[3].name
		frappe.db.set_value(staging.DOCTYPE, waiting, "status", "Pending")
		retention.delete_events(NINE.date())
		self.assertEqual(len(events()), 20, "they are of that day")
		retention.delete_events((NINE + DAY).date())
		self.assertEqual([event.name for event in events()], [waiting])

	def test_what_the_import_floor_does_not_bar_is_not_deleted(self):
		fill(20, Reason.NONE)
		midnight = datetime.combine(NINE.date() + DAY, datetime.min.time())
		of_a_server_ahead = {"name": f"{name_from(midnight)}-{0:020}", "source_time": midnight}
		frappe.db.set_value(staging.DOCTYPE, events()[3].name, of_a_server_ahead)
		retention.delete_events(midnight.date())
		self.assertEqual([event.name for event in events()], [of_a_server_ahead["name"]])


class TestPages(GrowthTestCase):
	def test_the_chart_counts_punches_by_the_day_and_for_those_who_may_see_them(self):
		fill(20, Reason.NO_EMPLOYEE)
		frappe.db.set_value(staging.DOCTYPE, events()[0].name, "kind", "Junk")
		self.assertEqual(self.chart(), [0, 0, 0, 0, 0, 0, 19, 0, 0, 0])
		frappe.set_user(factories.user("Employee"))
		self.addCleanup(frappe.set_user, "Administrator")
		with self.assertRaises(frappe.PermissionError):
			self.chart()

	def chart(self) -> list[int]:
		days = {"from_date": "2025-04-01", "to_date": "2025-04-10", "time_interval": "Daily"}
		found = punches_per_day.get_data(chart_name="Punches per Day", refresh=1, cmd="get_data", **days)
		return found["datasets"][0]["values"]

	def test_many_are_counted_as_far_as_it_takes(self):
		fill(20, Reason.NO_EMPLOYEE)
		with patch.object(status, "COUNTED_TO", 7):
			self.assertEqual(status.overview()["waiting"]["Unmapped"], 7)
		self.assertEqual(status.overview()["waiting"]["Unmapped"], 20)

	def test_an_id_is_looked_for_by_an_index(self):
		fill(MANY, Reason.NO_EMPLOYEE)

		def listed() -> list:
			return frappe.get_list(staging.DOCTYPE, {"device_user_id": "nobody"}, order_by="punch_time desc")

		self.assertEqual(listed(), [])
		self.assertLess(rows_read(listed), IDS)
