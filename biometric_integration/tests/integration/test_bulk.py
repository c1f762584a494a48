"""Check-ins written many at once: the same rows as one by one, a fixed number of queries, and only where the site adds nothing."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from unittest.mock import patch

import frappe
from frappe.model.base_document import get_controller
from frappe.utils import now_datetime

from biometric_integration.core.decide import Rules, decide
from biometric_integration.core.process import process as process_staged
from biometric_integration.core.punch import Direction, Kind, Punch, fingerprint
from biometric_integration.core.rounding import Rounding
from biometric_integration.core.runs import Outcome, Trigger
from biometric_integration.core.store import BatchLost
from biometric_integration.core.stream import Stream
from biometric_integration.simulator import World
from biometric_integration.sync import jobs
from biometric_integration.sync.db.savepoint import savepoint
from biometric_integration.sync.hrms import site_rules
from biometric_integration.sync.process import checkins as checkin_writing
from biometric_integration.sync.records import servers
from biometric_integration.sync.store import ProcessStore, PullStore
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import SiteTestCase, logs
from biometric_integration.tests.queries import queries

CHECKIN, EVENT = "Employee Checkin", "Biometric Staging Event"
STREAM = Stream("main", "eTimeTrackLite", "SN1", "window")
FIRST_DAY, DAYS = date(2025, 4, 7), 21
DAY = timedelta(days=1)
SEED = 6
CONNECTION = {
	"server_type": "eTimeTrackLite",
	"endpoint_url": "http://127.0.0.1:9",
	"api_user": "api",
	"api_password": "not used",
	"start_date": FIRST_DAY - 30 * DAY,
}
OWN_TO_EACH_RUN = {"name", "creation", "modified"}
IN_BULK, ONE_BY_ONE = True, False


class SameRows(SiteTestCase):
	"""Random punches of people with all kinds of shifts, written by each way, compared column by column with what the Document API writes."""

	def setUp(self) -> None:
		super().setUp()
		self.random = random.Random(SEED)
		factories.settings(**CONNECTION)
		self.addCleanup(frappe.db.commit)  # runs last: the engine has committed the settings as well
		self.addCleanup(frappe.db.set_single_value, "HR Settings", "allow_geolocation_tracking", 0)
		self.addCleanup(frappe.db.set_single_value, "HR Settings", "allow_multiple_shift_assignments", 0)

	def compare(
		self,
		punches: int,
		geolocation: int = 0,
		rules: Rules | None = None,
		ways: Sequence[bool] = (IN_BULK, ONE_BY_ONE),
	) -> None:
		frappe.db.set_single_value("HR Settings", "allow_geolocation_tracking", geolocation)
		people = self.people(with_places=bool(geolocation))
		devices = [
			factories.device("SN1", "Gate", latitude=12.9716013, longitude=77.5946021),
			factories.device("SN2", "Door, 2nd floor"),
		]
		self.by_hand(people, geolocation)
		stage(self.punches(people, devices, punches))
		hand_made = set(checkins("name"))
		plainly = self.written(Plainly(ONE_BY_ONE), rules, hand_made)
		self.assertGreater(len(plainly.rows), punches // (3 if geolocation else 2))
		for way in ways:
			forget(hand_made)
			found = self.written(ProcessStore(way), rules, hand_made)
			self.assertEqual(len(found.rows), len(plainly.rows))
			for event, row in plainly.rows.items():
				self.assertEqual(found.rows[event], row)
			self.assertEqual(found.events, plainly.events)
			enough = len(plainly.rows) // 2 if way is IN_BULK else 0
			self.assertGreaterEqual(found.in_bulk, enough, "hardly anything was written in bulk")

	def written(self, store: ProcessStore, rules: Rules | None, hand_made: set[str]) -> Written:
		process_staged(store, lambda: rules or servers.rules())
		others = factories.of_people(name=("not in", hand_made))
		rows = frappe.get_all(CHECKIN, others, ["*"], limit=0)
		names = [row.name for row in rows]
		self.assertTrue(all(re.fullmatch(r"EMP-CKIN-\d\d-\d{4}-\d{6}", name) for name in names), names[:3])
		return Written(rows, frappe.get_all(EVENT, fields=["*"], order_by="name", limit=0))

	def people(self, with_places: bool) -> dict[str, str]:
		"""Device user id → employee; one group for each way in which shifts come to be in force."""
		frappe.db.set_single_value("HR Settings", "allow_multiple_shift_assignments", 1)
		shifts = [self.shift() for _ in range(8)]
		end = FIRST_DAY + DAYS * DAY
		place = self.place() if with_places else None
		found = factories.employees([str(number) for number in range(40)])
		for number, employee in enumerate(found.values()):
			one, other = self.random.sample(shifts, 2)
			default = self.random.choice((None, None, one, other))
			frappe.db.set_value("Employee", employee, "default_shift", default)
			middle = FIRST_DAY + self.random.randrange(DAYS) * DAY
			match number % 8:
				case 0:
					assign(employee, one, FIRST_DAY - 30 * DAY)
				case 1:
					assign(employee, one, FIRST_DAY - 30 * DAY, middle)
					assign(employee, other, middle + DAY)
				case 2:
					assign(employee, one, middle, middle + 6 * DAY)
				case 3:
					assign(employee, one, FIRST_DAY, end)
					assign(employee, other, middle, middle + 3 * DAY)
				case 4:
					assign(employee, one, FIRST_DAY - 300 * DAY, FIRST_DAY - 250 * DAY)
				case 5:
					assign(employee, one, FIRST_DAY - DAY, status="Inactive")
				case 7:
					for week in range(-1, 4):
						shift = (one, other)[week % 2]
						assign(employee, shift, FIRST_DAY + 7 * week * DAY, FIRST_DAY + (7 * week + 6) * DAY)
				case 6:
					place_of = {"shift_location": place} if place else {}
					assign(employee, one, FIRST_DAY - 3 * DAY, **place_of)
		return found

	def shift(self) -> str:
		minutes = self.random.choice((0, 0, 15, 30))
		begin = self.random.randrange(24) * 60 + minutes
		length = self.random.choice((240, 480, 540, 600, 720, 1380))
		by_log_type = self.random.random() < 0.5
		name = factories.shift_type(
			clock(begin),
			clock(begin + 240),
			determine_check_in_and_check_out="Strictly based on Log Type in Employee Checkin"
			if by_log_type
			else "Alternating entries as IN and OUT during the same shift",
		)
		odd = {
			"end_time": clock(begin + length),
			"begin_check_in_before_shift_start_time": self.random.choice((0, 30, 60, 120, 360)),
			"allow_check_out_after_shift_end_time": self.random.choice((0, 30, 60, 240, 600)),
		}
		frappe.db.set_value("Shift Type", name, odd)  # older versions of HRMS allow any
		return name

	def place(self) -> str:
		values = {"checkin_radius": 100, "latitude": 12.9716, "longitude": 77.5946}
		return (
			frappe.get_doc(
				{"doctype": "Shift Location", "location_name": factories.unique("Place"), **values}
			)
			.insert()
			.name
		)

	def by_hand(self, people: dict[str, str], geolocation: int) -> None:
		"""What HR has entered already, at times at which there will be punches."""
		for employee in list(people.values())[::4]:
			values = {"time": datetime.combine(FIRST_DAY, datetime.min.time()) + 9 * DAY / 24}
			where = {"latitude": 12.9716, "longitude": 77.5946} if geolocation else {}
			frappe.get_doc(
				{"doctype": CHECKIN, "employee": employee, "log_type": "IN", **values, **where}
			).insert()

	def punches(self, people: dict[str, str], devices: Sequence[str], number: int) -> list[Punch]:
		"""Some at the same second, some at the very ends of shifts and of the windows around them."""
		moments = [
			datetime.combine(FIRST_DAY, datetime.min.time()) + timedelta(minutes=15 * quarter)
			for quarter in range(DAYS * 96)
		]
		found = {}
		while len(found) < number:
			exact = self.random.random() < 0.3
			time = self.random.choice(moments) + timedelta(seconds=0 if exact else self.random.randrange(900))
			user_id, device = self.random.choice(list(people)), self.random.choice(devices)
			made = punch(user_id, time, device, self.random.choice(list(Direction)))
			found[made.name] = made
		return list(found.values())


class TestTheSameRows(SameRows):
	"""5,000 of them, on a site that adds nothing."""

	def test_with_all_kinds_of_shifts(self):
		self.compare(punches=2500)

	def test_with_geolocation_and_shift_locations(self):
		self.compare(punches=1500, geolocation=1)

	def test_with_rounded_times(self):
		self.compare(punches=1000, rules=Rules(now(), rounding=Rounding(timedelta(minutes=15))))


class Plainly(ProcessStore):
	"""Each check-in through the Document API, and nothing else."""

	def create_together(self, decisions):
		return {}

	def create(self, decision):
		device = self._directory.devices.get(decision.event.device)
		values = {
			"employee": decision.employee,
			"time": decision.time,
			"log_type": decision.log_type,
			"biometric_event": decision.event.name,
			**checkin_writing.place(device),
		}
		with savepoint("plainly"):
			return frappe.new_doc(CHECKIN).update(values).insert(ignore_permissions=True).name


class Written:
	"""What a run left behind, without what differs from run to run."""

	def __init__(self, rows: list, events: list):
		times = Counter(row.creation for row in rows)
		self.in_bulk = sum(number for number in times.values() if number > 1)
		self.rows = {
			row.biometric_event: {name: value for name, value in row.items() if name not in OWN_TO_EACH_RUN}
			for row in rows
		}
		changing = OWN_TO_EACH_RUN - {"name"} | {"employee_checkin", "resolved_at", "reason_values"}
		self.events = [
			{name: value for name, value in event.items() if name not in changing} for event in events
		]


class TestQueries(SiteTestCase):
	"""The same number of queries for a batch of 100 and of 1,000."""

	def setUp(self) -> None:
		super().setUp()
		factories.settings(**CONNECTION)
		day = factories.shift_type("09:00:00", "18:00:00")
		night = factories.shift_type("22:00:00", "06:00:00")
		self.codes = [str(number) for number in range(50)]
		for number, employee in enumerate(factories.employees(self.codes).values()):
			assign(employee, (day, night)[number % 2], FIRST_DAY - 10 * DAY)
		self.device = factories.device("SN1", "Gate")
		frappe.db.commit()  # nosemgrep -- the engine begins with what is committed

	def batch(self, size: int, first: datetime) -> list[Punch]:
		return [
			punch(self.codes[number % 50], first + timedelta(seconds=47 * number), self.device)
			for number in range(size)
		]

	def test_staging(self):
		store = PullStore()
		claim = store.claim(STREAM, Trigger.SCHEDULED)
		servers.rules()  # the settings are read once
		for size in (100, 1000):
			punches = self.batch(size, datetime(2025, 4, 7, 9) + size * DAY)
			with self.assertQueryCount(6):
				self.assertEqual(store.stage(claim, punches).new, size)
		store.finish(claim, Outcome())

	def test_deciding_and_writing(self):
		"""HRMS is asked about a shift at its first punch; after that it is the same few queries for any batch."""
		store, begin, begun = ProcessStore(IN_BULK), datetime(2025, 4, 7, 9), self.of_a_commit()
		with store.lane() as mine:
			self.assertTrue(mine)
			for size, reading, queries in ((1000, 50, 1000), (100, 8, 8), (1000, 8, 8)):
				begin += timedelta(seconds=1)
				stage(self.batch(size, begin))
				with self.assertQueryCount(reading):
					waiting = store.waiting("", 1000)
					directory = store.directory(waiting, timedelta(0))
				self.assertEqual(len(waiting), size)
				decisions = decide(waiting, directory, Rules(now()))
				with self.assertQueryCount(queries + begun):
					made = store.create_together(decisions)
				self.assertEqual(len(made), size)
				with self.assertQueryCount(4):
					store.mark_decided([each.done(made[each.event.name]) for each in decisions], now())

	def of_a_commit(self) -> int:
		"""Newer versions of frappe begin the next transaction by a statement that counts."""
		try:
			with self.assertQueryCount(0):
				frappe.db.commit()  # nosemgrep -- what is measured
		except AssertionError:
			return 1
		return 0


class TestIdleStreams(SiteTestCase):
	"""A poll that finds nothing new, which is what most of them are."""

	def test_each_costs_one_request_and_at_most_twelve_queries(self):
		world = World(now=now_datetime().replace(microsecond=0), zone="Asia/Kolkata")
		for number in range(6):
			world.add_device(f"SN{number}", f"Gate {number}")
			world.punch(f"SN{number}", "1", world.now - timedelta(hours=5))
		fake = self.start("eTimeTrackLite", world)
		frappe.db.set_single_value(servers.SETTINGS, "start_date", world.now.date() - DAY)
		for _ in range(2):  # the first reads what there is
			jobs.pull_server("main")
		all_of_them = self.cost(fake, [f"SN{number}" for number in range(6)])
		two_of_them = self.cost(
			fake, ["SN0", "SN1"]
		)  # the order of more than one is asked for once, however many
		more = [(many - two) / 4 for many, two in zip(all_of_them, two_of_them, strict=True)]
		self.assertLessEqual(more[0], 12, "queries of a stream, commits included")
		self.assertEqual(more[1], 1, "requests of a stream")

	def cost(self, fake, units: list[str]) -> tuple[int, int]:
		before, asked = queries(), len(fake.requests)
		reports = jobs.pull_server("main", units=units)
		self.assertEqual([report.counts.new for report in reports], [0] * len(units))
		return queries() - before, len(fake.requests) - asked


class TestWhoAdds(SiteTestCase):
	"""Whatever a site adds to the saving of a check-in has its say, and the log tells why it took longer."""

	def test_a_plain_site_adds_nothing(self):
		self.assertEqual(site_rules.additions(), [])

	def test_each_kind_of_addition_is_found(self):
		for name, made in self.kinds():
			with self.subTest(name), made as expected:
				self.assertIn(expected, " / ".join(site_rules.additions()))
			self.assertEqual(site_rules.additions(), [], name)

	def kinds(self) -> Iterator[tuple]:
		new = {"document_type": CHECKIN}
		yield "handler", handler("validate")
		yield "handler of all doctypes", handler("on_update", "*")
		yield (
			"server script",
			document(
				"Server Script",
				name=factories.unique("Script"),
				script_type="DocType Event",
				reference_doctype=CHECKIN,
				doctype_event="Before Insert",
				script="pass",
			),
		)
		yield (
			"notification",
			document(
				"Notification",
				name=factories.unique("Note"),
				enabled=1,
				event="New",
				channel="System Notification",
				subject="New",
				message="New",
				recipients=[{"receiver_by_document_field": "owner"}],
				**new,
			),
		)
		yield (
			"webhook",
			document(
				"Webhook",
				name=factories.unique("Hook"),
				webhook_doctype=CHECKIN,
				webhook_docevent="after_insert",
				request_url="http://127.0.0.1:9/",
				request_method="POST",
				enabled=1,
			),
		)
		yield (
			"naming rule",
			document("Document Naming Rule", prefix="CKIN-", prefix_digits=5, priority=1, **new),
		)
		yield "workflow", row("Workflow", document_type=CHECKIN, is_active=1)
		yield "assignment rule", row("Assignment Rule", document_type=CHECKIN, disabled=0)
		yield "milestone tracker", row("Milestone Tracker", document_type=CHECKIN, disabled=0)
		yield "service level agreement", row("Service Level Agreement", document_type=CHECKIN)
		yield "method of the class", patched_method()
		yield "somebody who follows", follower()
		yield "field with a default link", custom_field(fieldtype="Link", options="Branch", default="HO")
		yield "field fetched if empty", custom_field(fetch_from="employee.company", fetch_if_empty=1)
		yield "field fetched from another kind", custom_field(fetch_from="employee.bio")
		yield "required field", custom_field(reqd=1)
		yield "unique field", custom_field(unique=1)
		yield "field fetched from elsewhere", custom_field(fetch_from="shift.start_time")
		yield "property", property_setter("device_id", "reqd", "1", "Check")

	def five_punches(self, code: str) -> tuple[str, list[datetime]]:
		"""Staged, of one employee."""
		factories.settings(**CONNECTION)
		employee = factories.employee(code)
		device = factories.device("SN1", "Gate")
		times = [datetime(2025, 4, 7, 9, minute) for minute in range(5)]
		stage([punch(code, time, device) for time in times])
		return employee, times

	def test_a_plain_copy_of_a_field_of_the_employee_is_written_in_bulk_too(self):
		code = "7005"
		factories.settings(**CONNECTION)
		employee = factories.employee(code)
		with custom_field(fetch_from="employee.first_name"):
			stage([punch(code, datetime(2025, 4, 7, 9), factories.device("SN1", "Gate"))])
			process(None)
			first_name = frappe.db.get_value("Employee", employee, "first_name")
			self.assertEqual(checkins("site_field"), [first_name])
			self.assertEqual(logs()[-1].written, "In bulk")

	def test_a_batch_that_the_database_took_back_after_its_check_ins_is_written_once(self):
		code = "7006"
		employee, times = self.five_punches(code)
		store = LosesOneBatch(IN_BULK)
		process_staged(store, servers.rules)
		self.assertTrue(store.lost)
		written = frappe.get_all(CHECKIN, {"employee": employee}, pluck="time", order_by="time")
		self.assertEqual(written, times)
		self.assertEqual(frappe.get_all(EVENT, pluck="status"), ["Processed"] * 5)

	def test_an_addition_has_its_say_and_the_log_names_it(self):
		code = "7001"
		factories.settings(**CONNECTION)
		factories.employee(code)
		stage([punch(code, datetime(2025, 4, 7, 9), factories.device("SN1", "Gate"))])
		with handler("validate") as name:
			process(None)
		self.assertEqual(checkins("device_id"), ["seen by the site"])
		self.assertIn(name, logs()[-1].written)

	def test_without_one_the_log_says_in_bulk(self):
		code = "7002"
		factories.settings(**CONNECTION)
		factories.employee(code)
		stage([punch(code, datetime(2025, 4, 7, 9), factories.device("SN1", "Gate"))])
		process(None)
		self.assertEqual(checkins("device_id"), ["Gate"])
		self.assertEqual(logs()[-1].written, "In bulk")

	def test_what_goes_wrong_in_bulk_is_written_one_by_one(self):
		code = "7003"
		employee, times = self.five_punches(code)
		frappe.db.sql_ddl(f"ALTER TABLE `tab{CHECKIN}` ADD CONSTRAINT `odd` CHECK (MINUTE(`time`) <> 3)")
		self.addCleanup(frappe.db.sql_ddl, f"ALTER TABLE `tab{CHECKIN}` DROP CONSTRAINT `odd`")
		process(None)
		written = frappe.get_all(CHECKIN, {"employee": employee}, pluck="time", order_by="time")
		self.assertEqual(written, [time for time in times if time.minute != 3])
		self.assertEqual(
			frappe.get_all(EVENT, {"status": "Failed"}, pluck="punch_time"), [datetime(2025, 4, 7, 9, 3)]
		)
		self.assertIn("One by one", logs()[-1].written)

	def test_numbers_of_names_go_on_from_where_the_series_is(self):
		code = "7004"
		factories.settings(**CONNECTION)
		employee = factories.employee(code)
		device = factories.device("SN1", "Gate")
		values = {"doctype": CHECKIN, "employee": employee, "log_type": "IN"}
		first = frappe.get_doc({**values, "time": datetime(2025, 4, 6, 9)}).insert().name
		stage([punch(code, datetime(2025, 4, 7, 9, minute), device) for minute in range(3)])
		process(IN_BULK)
		last = frappe.get_doc({**values, "time": datetime(2025, 4, 8, 9)}).insert().name
		numbers = sorted(int(name[-6:]) for name in checkins("name"))
		self.assertEqual(numbers, list(range(int(first[-6:]), int(last[-6:]) + 1)))
		self.assertEqual(len(numbers), 5)


class LosesOneBatch(ProcessStore):
	"""As if a deadlock had come after the check-ins of the first batch were written."""

	lost = False

	def mark_decided(self, decisions, now) -> None:
		if not self.lost:
			self.lost = True
			raise BatchLost()
		super().mark_decided(decisions, now)


# --- how to get there


def now() -> datetime:
	return datetime(2026, 1, 1)


def checkins(field: str) -> list:
	"""Of each check-in of our people."""
	return frappe.get_all(CHECKIN, factories.of_people(), pluck=field, limit=0)


def clock(minutes: int) -> str:
	hours, minutes = divmod(minutes % 1440, 60)
	return f"{hours:02}:{minutes:02}:00"


def punch(user_id: str, time: datetime, device: str, direction: Direction = Direction.IN) -> Punch:
	name = fingerprint("main", device, user_id, time)
	return Punch(name, Kind.PUNCH, device, user_id, time, time, direction, "")


def stage(punches: list[Punch]) -> None:
	store = PullStore()
	claim = store.claim(STREAM, Trigger.SCHEDULED)
	for start in range(0, len(punches), 1000):
		store.stage(claim, punches[start : start + 1000])
	store.finish(claim, Outcome())


def process(in_bulk: bool | None, rules: Rules | None = None) -> None:
	process_staged(ProcessStore(in_bulk), lambda: rules or servers.rules())


def forget(hand_made: set[str]) -> None:
	"""As if nothing had been decided yet."""
	frappe.db.delete(CHECKIN, factories.of_people(name=("not in", hand_made)))
	undecided = {
		"status": "Pending",
		"reason_code": "",
		"employee": "",
		"log_type": "",
		"resolved_time": None,
		"employee_checkin": "",
		"attempts": 0,
	}
	frappe.db.set_value(EVENT, {"name": ("is", "set")}, undecided, update_modified=False)
	frappe.db.commit()  # nosemgrep -- the engine begins with what is committed


def assign(employee: str, shift: str, start: date, end: date | None = None, **values) -> None:
	"""As HR would; HRMS refuses some that overlap."""
	frappe.db.savepoint("assign")
	try:
		factories.shift_assignment(employee, shift, start, end, **values)
	except frappe.ValidationError:
		frappe.db.rollback(save_point="assign")


def say_so(checkin, method=None) -> None:
	"""A rule that a site might have added."""
	checkin.device_id = "seen by the site"


@contextmanager
def handler(event: str, doctype: str = CHECKIN) -> Iterator[str]:
	path = f"{__name__}.say_so"
	handlers = frappe.get_doc_hooks().setdefault(doctype, {}).setdefault(event, [])
	handlers.append(path)
	try:
		yield path
	finally:
		handlers.remove(path)


@contextmanager
def document(doctype: str, **values) -> Iterator[str]:
	made = frappe.get_doc({"doctype": doctype, **values}).insert(
		ignore_permissions=True, set_name=values.get("name")
	)
	try:
		yield made.name
	finally:
		made.delete(ignore_permissions=True)
		frappe.cache.delete_value("webhooks")  # older versions of frappe keep them
		frappe.clear_cache(doctype=CHECKIN)


@contextmanager
def row(doctype: str, **values) -> Iterator[str]:
	"""A document that need not be complete, since it is only asked whether there is one."""
	made = frappe.get_doc({"doctype": doctype, "name": factories.unique("Row"), **values})
	made.db_insert()
	try:
		yield made.name
	finally:
		frappe.db.delete(doctype, {"name": made.name})


@contextmanager
def patched_method() -> Iterator[str]:
	controller = get_controller(CHECKIN)
	with patch.object(controller, "set_geolocation", say_so):
		yield f"{__name__}.say_so"


@contextmanager
def follower() -> Iterator[str]:
	user = frappe.session.user
	frappe.db.set_value("User", user, "follow_created_documents", 1)
	frappe.clear_document_cache("User", user)
	try:
		yield user
	finally:
		frappe.db.set_value("User", user, "follow_created_documents", 0)
		frappe.clear_document_cache("User", user)


@contextmanager
def custom_field(**values) -> Iterator[str]:
	field = {"dt": CHECKIN, "fieldname": "site_field", "label": "Site Field", "fieldtype": "Data"}
	with document("Custom Field", **{**field, **values}):
		yield "site_field"
	frappe.db.sql_ddl(f"ALTER TABLE `tab{CHECKIN}` DROP COLUMN IF EXISTS `site_field`")


@contextmanager
def property_setter(field: str, name: str, value: str, kind: str) -> Iterator[str]:
	made = frappe.make_property_setter(
		{"doctype": CHECKIN, "fieldname": field, "property": name, "value": value, "property_type": kind}
	)
	frappe.clear_cache(doctype=CHECKIN)
	try:
		yield f"{CHECKIN}-{field}-{name}"
	finally:
		frappe.db.delete("Property Setter", {"doc_type": CHECKIN, "field_name": field})
		frappe.clear_cache(doctype=CHECKIN)
		del made
