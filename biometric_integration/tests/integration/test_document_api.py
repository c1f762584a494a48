"""Check-ins one by one through the Document API: the rules of the site have their say, and what is looked up for many is never stale."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, timedelta
from unittest.mock import patch

import frappe
from frappe.model.base_document import get_controller
from frappe.utils import get_datetime

from biometric_integration.core.decide import Rules, decide
from biometric_integration.sync.hrms import site_rules
from biometric_integration.sync.store import ProcessStore
from biometric_integration.tests import factories
from biometric_integration.tests.integration import test_bulk as bulk
from biometric_integration.tests.integration.base import SiteTestCase, events
from biometric_integration.tests.integration.test_bulk import (
	CHECKIN,
	CONNECTION,
	EVENT,
	ONE_BY_ONE,
	assign,
	checkins,
	now,
	punch,
	stage,
)
from biometric_integration.tests.queries import queries

MONDAY = date(2025, 4, 7)
DAY = timedelta(days=1)
NINE = datetime(2025, 4, 7, 9)
BEFORE_THE_SHIFT = ("before_insert", "before_validate")
LATER = ("validate", "before_save", "after_insert", "on_update")


class TestTheSameRows(bulk.SameRows):
	"""Also where a rule of the site changes what HRMS looks at."""

	def test_with_a_rule_that_does_nothing(self):
		with site_rule("validate", nothing):
			self.compare(punches=500, ways=(ONE_BY_ONE,))

	def test_with_rules_that_change_the_check_in_before_hrms_looks_at_it(self):
		for event in BEFORE_THE_SHIFT:
			with self.subTest(event), site_rule(event, change_many):
				self.setUp()
				self.compare(punches=400, ways=(ONE_BY_ONE,))

	def test_with_a_rule_that_changes_the_check_in_after_hrms_has_looked_at_it(self):
		with site_rule("validate", change_many):
			self.compare(punches=400, ways=(ONE_BY_ONE,))

	def test_with_a_class_that_changes_the_time_before_hrms_validates(self):
		with class_of_another_app(Earlier):
			self.compare(punches=400, ways=(ONE_BY_ONE,))


class TestRulesOfTheSite(SiteTestCase):
	def setUp(self) -> None:
		super().setUp()
		factories.settings(**CONNECTION)
		self.day = factories.shift_type("09:00:00", "18:00:00")
		self.night = factories.shift_type("22:00:00", "06:00:00")
		self.device = factories.device("SN1", "Gate")

	def punched(self, *moments: tuple[str, datetime]) -> None:
		stage([punch(code, time, self.device) for code, time in moments])
		bulk.process(ONE_BY_ONE)

	def shifts(self) -> list[str | None]:
		return frappe.get_all(CHECKIN, factories.of_people(), pluck="shift", order_by="time", limit=0)

	def test_each_kind_has_its_say_once_for_each_check_in(self):
		factories.employee("8001")
		seen: list[str] = []
		events = (*BEFORE_THE_SHIFT, *LATER, "on_change")
		with ExitStack() as rules:
			for event in events:
				rules.enter_context(site_rule(event, lambda _checkin, method: seen.append(method)))
			self.punched(("8001", NINE), ("8001", NINE + DAY))
		self.assertEqual(seen, [*events, *events])

	def test_a_shift_that_a_rule_assigns_before_the_check_in_is_noted_on_it(self):
		factories.employee("8002")
		other = factories.employee("8003")

		def roster(checkin, _method):
			if checkin.employee == other:
				assign(other, self.day, MONDAY)

		with site_rule("before_insert", roster):
			self.punched(("8002", NINE), ("8003", NINE + timedelta(minutes=1)))
		self.assertEqual(self.shifts(), [None, self.day])

	def test_a_shift_that_a_rule_assigns_after_a_check_in_is_noted_on_the_next_one(self):
		one = factories.employee("8004")
		other = factories.employee("8005")

		def roster(checkin, _method):
			if checkin.employee == one:
				assign(other, self.day, MONDAY)

		with site_rule("on_update", roster):
			self.punched(("8004", NINE), ("8005", NINE + timedelta(minutes=1)))
		self.assertEqual(self.shifts(), [None, self.day])

	def test_a_shift_that_a_rule_assigns_and_commits_is_noted(self):
		self.rostered_and(frappe.db.commit)

	def test_a_shift_that_a_rule_assigns_before_it_takes_something_else_back_is_noted(self):
		def take_back() -> None:
			frappe.db.savepoint("of_the_rule")
			frappe.db.set_value("Shift Type", self.day, "enable_auto_attendance", 0)
			frappe.db.rollback(save_point="of_the_rule")

		self.rostered_and(take_back)

	def rostered_and(self, what_follows: Callable[[], None]) -> None:
		employee = factories.employee("8016")

		def roster(checkin, _method):
			if checkin.time == NINE:
				assign(employee, self.day, MONDAY)
				what_follows()

		with site_rule("before_insert", roster):
			self.punched(("8016", NINE), ("8016", NINE + timedelta(hours=1)))
		self.assertEqual(self.shifts(), [self.day, self.day])

	def test_a_check_in_that_a_rule_makes_is_no_free_place_for_the_next_punch(self):
		employee = factories.employee("8014")
		values = {"doctype": CHECKIN, "employee": employee, "log_type": "IN"}

		def another(checkin, _method):
			if checkin.biometric_event and checkin.time == NINE:
				frappe.get_doc({**values, "time": NINE + timedelta(minutes=5)}).insert()

		with site_rule("on_update", another):
			self.punched(("8014", NINE), ("8014", NINE + timedelta(minutes=5)))
		self.assertEqual(len(checkins("name")), 2)
		reasons = [event.reason for event in events(status="Failed")]
		self.assertEqual(len(reasons), 1)
		self.assertIn("already has a log", reasons[0])

	def test_two_check_ins_that_a_rule_moves_to_one_time_are_one(self):
		factories.employee("8006")

		def five_minutes_later(checkin, _method):
			if checkin.time < NINE:
				checkin.time += timedelta(minutes=5)

		with site_rule("before_validate", five_minutes_later):
			self.punched(("8006", NINE - timedelta(minutes=5)), ("8006", NINE))
		self.assertEqual(checkins("time"), [NINE])
		self.assertIn("already has a log", events(status="Failed")[0].reason)

	def test_a_refused_one_leaves_the_others_as_they_are(self):
		factories.employees(["8007", "8008", "8009"], default_shift=self.day)

		def refuse(checkin, _method):
			if checkin.time.minute == 1:
				frappe.throw("Not at one past")

		with site_rule("after_insert", refuse):
			self.punched(
				*((code, NINE + timedelta(minutes=int(code[-1]) - 7)) for code in ("8007", "8008", "8009"))
			)
		self.assertEqual(self.shifts(), [self.day] * 2)
		self.assertEqual(frappe.get_all(EVENT, {"status": "Failed"}, pluck="device_user_id"), ["8008"])

	def test_a_roster_that_hr_changes_counts_with_the_next_batch(self):
		employee = factories.employee("8010")
		assign(employee, self.day, MONDAY - 30 * DAY)
		frappe.db.commit()  # nosemgrep -- the engine begins with what is committed
		store = ProcessStore(ONE_BY_ONE)
		with store.lane():
			self.use(store, punch("8010", NINE, self.device))
			frappe.db.set_value("Shift Assignment", {"employee": employee}, "shift_type", self.night)
			frappe.db.set_value("Employee", employee, "first_name", "Renamed")
			self.use(store, punch("8010", NINE + 13 * timedelta(hours=1), self.device))
		self.assertEqual(self.shifts(), [self.day, self.night])

	def use(self, store: ProcessStore, one) -> None:
		stage([one])
		waiting = store.waiting("", 10)
		decisions = decide(waiting, store.directory(waiting, timedelta(0)), Rules(now()))
		store.create_together(decisions)
		store.mark_decided([each.done(store.create(each)) for each in decisions], now())

	def test_an_app_with_a_shift_of_its_own_is_asked(self):
		factories.employee("8011", default_shift=self.day)
		controller = get_controller(CHECKIN)
		of_hrms = controller.fetch_shift

		def by_device(checkin):
			of_hrms(checkin)
			checkin.shift_end = NINE if checkin.device_id else checkin.shift_end

		with patch.object(controller, "fetch_shift", by_device):
			self.punched(("8011", NINE))
		self.assertEqual(checkins("shift_end"), [NINE])

	def test_a_copy_that_goes_into_a_job_is_an_ordinary_check_in(self):
		factories.employee("8012", default_shift=self.day)
		copies = []

		def keep(checkin, _method):
			copies.extend((pickle.loads(pickle.dumps(checkin)), copy.deepcopy(checkin)))

		with site_rule("before_insert", keep):
			self.punched(("8012", NINE))
		for each in copies:
			self.assertEqual(each.fetch_shift.__func__, type(each).fetch_shift)
			each.time = NINE + 12 * timedelta(hours=1)
			each.fetch_shift()
			self.assertIsNone(each.shift)
		self.assertEqual(self.shifts(), [self.day])

	def test_a_rule_about_names_gives_the_name(self):
		factories.employee("8013")
		with site_rule("autoname", lambda checkin, _method: checkin.set("name", factories.unique("OWN"))):
			self.assertTrue(list(site_rules.naming()))
			self.punched(("8013", NINE))
		self.assertTrue(checkins("name")[0].startswith("OWN"))

	def test_whatever_has_a_say_in_names_is_found(self):
		self.assertEqual(list(site_rules.naming()), [])
		told = {"document_type": CHECKIN, "enabled": 1, "event": "Method", "method": "autoname"}
		for made in (
			bulk.handler("before_naming"),
			bulk.handler("autoname", "*"),
			bulk.row("Document Naming Rule", document_type=CHECKIN),
			bulk.row("Notification", **told),
			patch.object(get_controller(CHECKIN), "autoname", nothing, create=True),
		):
			with made:
				self.assertEqual(len(list(site_rules.naming())), 1)
		self.assertEqual(list(site_rules.naming()), [])


class TestQueries(SiteTestCase):
	def test_a_check_in_costs_at_most_eight_queries_also_where_a_rule_writes(self):
		factories.settings(**CONNECTION)
		shifts = factories.shift_type("09:00:00", "18:00:00"), factories.shift_type("22:00:00", "06:00:00")
		codes = [str(8100 + number) for number in range(20)]
		for number, employee in enumerate(factories.employees(codes).values()):
			assign(employee, shifts[number % 2], MONDAY - 10 * DAY)
		device = factories.device("SN1", "Gate")
		times = [NINE + timedelta(seconds=47 * number) for number in range(200)]
		for rule, most in ((nothing, 4), (write_a_note, 9)):  # a query of its own
			with self.subTest(rule.__name__), site_rule("validate", rule):
				frappe.db.delete(CHECKIN, factories.of_people())
				frappe.db.delete(EVENT)
				stage([punch(codes[number % 20], time, device) for number, time in enumerate(times)])
				store = ProcessStore(ONE_BY_ONE)
				waiting = store.waiting("", 200)
				decisions = decide(waiting, store.directory(waiting, timedelta(0)), Rules(now()))
				store.create_together(decisions)
				for each in decisions[:40]:  # HRMS is asked about a shift at its first punch
					store.create(each)
				before = queries()
				for each in decisions[40:]:
					store.create(each)
				self.assertLessEqual((queries() - before - 1) / 160, most)
				frappe.db.rollback()


# --- rules that a site might have added


def nothing(_checkin, _method=None) -> None:
	pass


def write_a_note(_checkin, _method) -> None:
	frappe.db.set_value(
		"Biometric Device", {"serial_number": "SN1"}, "location", "seen", update_modified=False
	)


def to_the_hour(checkin, _method) -> None:
	checkin.time = get_datetime(checkin.time).replace(minute=0, second=0)


def change_many(checkin, _method) -> None:
	"""Of each ten check-ins of a device some in each way, always the same ones."""
	if not checkin.biometric_event:
		return
	match int(checkin.biometric_event[-2:], 16) % 10:
		case 0:
			checkin.time = get_datetime(checkin.time) + 5 * timedelta(hours=1)
		case 1:
			checkin.time = str(checkin.time)
		case 2:
			to_the_hour(checkin, None)
		case 3:
			checkin.employee = min(frappe.get_all("Employee", factories.of_people(), pluck="name", limit=0))
		case 4:
			checkin.log_type = "OUT"
		case 5:
			checkin.skip_auto_attendance = 1
		case 6:
			checkin.update({"offshift": 1, "shift_start": NINE})


class Earlier:
	"""What an app puts over the class of HRMS."""

	def validate(self):
		self.time = get_datetime(self.time) - 3 * timedelta(hours=1)
		super().validate()


@contextmanager
def site_rule(event: str, rule) -> Iterator[None]:
	"""As if another app had this handler."""
	name = f"rule_for_{event}"
	handlers = frappe.get_doc_hooks().setdefault(CHECKIN, {}).setdefault(event, [])
	globals()[name] = rule
	handlers.append(f"{__name__}.{name}")
	try:
		yield
	finally:
		handlers.remove(f"{__name__}.{name}")


@contextmanager
def class_of_another_app(mixin: type) -> Iterator[None]:
	"""As `override_doctype_class` makes it."""
	controllers = frappe.controllers[frappe.local.site]
	before = get_controller(CHECKIN)
	controllers[CHECKIN] = type("Overridden", (mixin, before), {})
	frappe.local.new_doc_templates = {}
	try:
		yield
	finally:
		controllers[CHECKIN] = before
		frappe.local.new_doc_templates = {}
