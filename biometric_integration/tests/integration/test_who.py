"""Whose punch it is where the calendar is not enough: nights, transfers, shifts that meet, ids that were silent, an app installed anew."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import frappe
from frappe.utils import now_datetime

from biometric_integration import api
from biometric_integration.sync import jobs, retention
from biometric_integration.sync.hrms.shifts import occurrence_of
from biometric_integration.sync.records import staging
from biometric_integration.sync.store import ProcessStore
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import events
from biometric_integration.tests.integration.test_mapping import (
	MappingTestCase,
	made,
	rule,
	stage,
	states,
	times_of,
)
from biometric_integration.tests.queries import queries

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
MARGINS = {"begin_check_in_before_shift_start_time": 60, "allow_check_out_after_shift_end_time": 60}


def at(day: int, clock: str) -> datetime:
	return datetime.fromisoformat(f"2025-10-{day:02} {clock}")


def night() -> str:
	return factories.shift_type("22:00:00", "06:00:00", **MARGINS)


def used(*punches: tuple, device: str = "") -> None:
	stage(*punches, device=device)
	jobs.process()


class TestTurns(MappingTestCase):
	def test_a_last_night_ends_after_the_relieving_date(self):
		leaver = factories.employee(
			"7", status="Left", relieving_date=date(2025, 10, 23), default_shift=night()
		)
		used(("7", at(23, "21:50")), ("7", at(24, "06:05")), ("7", at(24, "21:50")))
		self.assertEqual(times_of(leaver), [at(23, "21:50"), at(24, "06:05")])
		self.assertEqual([event.reason_code for event in events(status="Unmapped")], ["Left"])

	def test_a_first_shift_begins_before_the_day_of_joining(self):
		shift = factories.shift_type("00:00:00", "08:00:00", **MARGINS)
		joiner = factories.employee("7", joined=date(2025, 10, 21), default_shift=shift)
		used(("7", at(19, "23:50")), ("7", at(20, "23:50")), ("7", at(21, "08:05")))
		self.assertEqual(times_of(joiner), [at(20, "23:50"), at(21, "08:05")])
		jobs.process()
		self.assertEqual([event.reason_code for event in events(status="Unmapped")], ["Not Joined Yet"])

	def test_a_night_before_a_rule_begins_is_the_former_holders(self):
		shift = night()
		former, holder = factories.employee("7", default_shift=shift), factories.employee(default_shift=shift)
		nights = [
			("7", at(day, clock))
			for day, clock in ((14, "21:50"), (15, "06:05"), (15, "21:50"), (16, "06:05"))
		]
		stage(*nights)
		rule("7", holder, from_date=date(2025, 10, 15))
		jobs.process()
		self.assertEqual(times_of(former), [at(14, "21:50"), at(15, "06:05")])
		self.assertEqual(times_of(holder), [at(15, "21:50"), at(16, "06:05")])

	def test_a_rule_that_is_made_later_reaches_the_end_of_its_last_night(self):
		holder = factories.employee(default_shift=night())
		used(("7", at(14, "21:50")), ("7", at(15, "06:05")), ("7", at(15, "21:50")))
		rule("7", holder, to_date=date(2025, 10, 14))
		jobs.process()
		self.assertEqual(times_of(holder), [at(14, "21:50"), at(15, "06:05")])

	def test_the_end_of_a_night_from_before_the_start_date_is_not_used(self):
		self.configure()
		frappe.db.set_single_value("Biometric Sync Settings", "start_date", "2025-10-01")
		guard, clerk = factories.employee("7", default_shift=night()), factories.employee("8")
		used(*((code, at(1, clock)) for code in "78" for clock in ("06:05", "21:50")))
		self.assertEqual(times_of(guard), [at(1, "21:50")])
		self.assertEqual(times_of(clerk), [at(1, "06:05"), at(1, "21:50")])
		(event,) = events(status="Ignored")
		self.assertEqual(event.reason_code, "Before Start")
		settled = self.settled(event)
		frappe.db.set_value(
			"Biometric Sync Settings", None, "modified", settled - HOUR, update_modified=False
		)
		frappe.clear_document_cache("Biometric Sync Settings", "Biometric Sync Settings")
		jobs.process()
		self.assertEqual(self.settled(event), settled, "it is not looked at again and again")
		frappe.db.set_single_value("Biometric Sync Settings", "start_date", "2025-09-30")
		jobs.process()
		self.assertEqual(times_of(guard), [at(1, "06:05"), at(1, "21:50")])

	@staticmethod
	def settled(event) -> datetime:
		return frappe.db.get_value(staging.DOCTYPE, event.name, "resolved_at")

	def test_the_shifts_of_a_first_day_are_what_hrms_says_and_cost_no_more_for_more_people(self):
		codes = [str(number) for number in range(40)]
		people = [
			*factories.employees(codes[:20], default_shift=night()).values(),
			*factories.employees(codes[20:], default_shift=factories.shift_type(**MARGINS)).values(),
		]
		store = ProcessStore()
		moments = [at(1, clock) for clock in ("06:05", "07:30", "09:00", "12:00", "18:30", "21:50", "23:59")]
		store.shifts({(person, moment) for person in people for moment in moments})
		before = queries()
		found = store.shifts({(person, moment) for person in people for moment in moments})
		self.assertLessEqual(queries() - before, 6)
		for person in (people[0], people[-1]):
			for moment in moments:
				self.assertEqual(found.get((person, moment)), occurrence_of(person, moment))

	def test_two_punches_stand_where_two_shifts_meet(self):
		frappe.db.set_single_value("HR Settings", "allow_multiple_shift_assignments", 1)
		self.addCleanup(frappe.db.set_single_value, "HR Settings", "allow_multiple_shift_assignments", 0)
		self.configure(repeat_window=60)
		both, one = factories.employee("7"), factories.employee("8")
		morning, late = (
			factories.shift_type(start, end, **MARGINS)
			for start, end in (("06:00:00", "14:00:00"), ("14:00:00", "22:00:00"))
		)
		for employee, shift in ((both, morning), (both, late), (one, morning)):
			factories.shift_assignment(employee, shift, date(2025, 10, 1))
		clocks = ("05:55:00", "05:55:30", "14:00:05", "14:00:40", "14:00:50", "22:01:00")
		used(*((code, at(7, clock)) for code in "78" for clock in clocks))
		self.assertEqual(times_of(both), [at(7, clocks[number]) for number in (0, 2, 3, 5)])
		self.assertEqual(times_of(one), [at(7, clocks[number]) for number in (0, 2, 5)])

	def test_who_was_transferred_has_been_here_since_the_first_entry_of_the_work_history(self):
		employee = factories.employee("7", joined=date(2025, 5, 1))
		other = factories.employee("8", joined=date(2025, 5, 1))
		moment = datetime(2025, 4, 28, 9)
		used(("7", moment), ("8", moment))
		self.assertEqual(states("7") | states("8"), {("Unmapped", "Not Joined Yet")})
		self.add_history(employee, date(2020, 3, 1), date(2025, 5, 1))
		jobs.process()
		self.assertEqual((times_of(employee), times_of(other)), ([moment], []))
		used(("7", moment + HOUR), ("7", datetime(2020, 2, 28, 9)))
		self.assertEqual(times_of(employee), [moment, moment + HOUR])

	def test_a_night_after_a_transfer_is_used(self):
		employee = factories.employee("7", joined=date(2025, 5, 1), default_shift=night())
		self.add_history(employee, date(2020, 3, 1))
		used(("7", datetime(2025, 5, 1, 6, 5)))
		self.assertEqual(times_of(employee), [datetime(2025, 5, 1, 6, 5)])

	def test_who_is_inactive_and_not_here_yet_is_not_looked_at_again_and_again(self):
		shift = factories.shift_type("00:00:00", "08:00:00", **MARGINS)
		factories.employee("7", joined=date(2025, 10, 21), status="Inactive", default_shift=shift)
		used(("7", at(20, "23:50")))
		(event,) = events()
		settled = self.settled(event)
		jobs.process()
		self.assertEqual((events()[0].reason_code, self.settled(event)), ("Inactive", settled))

	@staticmethod
	def add_history(employee: str, *days: date) -> None:
		document = frappe.get_doc("Employee", employee)
		for day in days:
			document.append("internal_work_history", {"from_date": day})
		document.save()


class TestSilentIds(MappingTestCase):
	"""An id that is entered late: its punches are used by themselves, but where they may be somebody else's."""

	def enter(self, employee: str, user_id: str | None = "7") -> None:
		document = frappe.get_doc("Employee", employee)
		document.attendance_device_id = user_id
		document.save()
		jobs.process()

	def stage_days(self, *ago: int) -> list[datetime]:
		"""A punch a day, so many days before now; as of nobody."""
		times = [
			(now_datetime() - number * DAY).replace(hour=1, microsecond=0) for number in sorted(ago)[::-1]
		]
		used(*(("7", moment) for moment in times))
		self.assertEqual(states("7"), {("Unmapped", "No Employee")})
		return times

	def test_a_hundred_days_without_a_silence_are_all_used(self):
		times = self.stage_days(*range(3, 103))
		employee = factories.employee()
		self.enter(employee)
		self.assertEqual(times_of(employee), times)

	def test_after_a_silence_a_person_says_since_when(self):
		times = self.stage_days(*range(40, 60))
		employee = factories.employee()
		self.enter(employee)
		self.assertEqual(made(), [])
		self.assertEqual(states("7"), {("Unmapped", "Since When")})
		(reason,) = {event.reason for event in events()}
		self.assertIn(employee, reason)
		self.assertEqual({event.employee for event in events()}, {employee})

		today = now_datetime().replace(microsecond=0) - HOUR
		used(("7", today))
		self.assertEqual(times_of(employee), [today], "what comes from now on is used")

		api.reprocess([event.name for event in events(status="Unmapped")])
		document = frappe.get_doc("Employee", employee)
		document.date_of_joining = date(2019, 1, 1)
		document.save()
		jobs.process()
		self.assertEqual(times_of(employee), [today], "no other way round the question")

		rule("7", employee, from_date=times[5].date())
		jobs.process()
		self.assertEqual(times_of(employee), [*times[5:], today])
		self.assertEqual({event.reason_code for event in events(status="Unmapped")}, {"Since When"})

	def test_an_id_that_was_somebody_elses_in_between_is_asked_about(self):
		times = self.stage_days(9, 8, 7)
		between = factories.employee()
		rule("7", between, from_date=times[-1].date() + DAY, to_date=times[-1].date() + 2 * DAY)
		used(("7", times[-1] + DAY))
		self.assertEqual(times_of(between), [times[-1] + DAY])
		employee = factories.employee()
		self.enter(employee)
		self.assertEqual(times_of(employee), [])
		self.assertEqual(len(events(status="Unmapped", reason_code="Since When")), 3)

	def test_an_id_of_somebody_who_had_left_is_asked_about_after_a_silence(self):
		long_ago = now_datetime().replace(microsecond=0) - 60 * DAY
		left = factories.employee("7", status="Left", relieving_date=(long_ago - 30 * DAY).date())
		used(("7", long_ago))
		self.assertEqual(states("7"), {("Unmapped", "Left")})
		frappe.db.set_value("Employee", left, "attendance_device_id", None)
		employee = factories.employee()
		self.enter(employee)
		self.assertEqual((made(), states("7")), ([], {("Unmapped", "Since When")}))
		self.assertEqual(events()[0].employee, employee)

	def test_a_question_does_not_expire_and_so_is_not_answered_by_reprocess(self):
		self.stage_days(30, 29)
		self.enter(factories.employee())
		retention.expire_unmapped(now_datetime() + DAY, 180)
		self.assertEqual(states("7"), {("Unmapped", "Since When")})

	def test_who_gives_the_id_up_again_is_asked_about_no_more(self):
		self.stage_days(30, 29)
		first, second = factories.employee(), factories.employee()
		self.enter(first)
		self.enter(first, None)
		self.assertEqual(states("7"), {("Unmapped", "No Employee")})
		self.assertEqual({event.employee for event in events()}, {None})
		self.enter(second)
		self.assertEqual({event.employee for event in events(reason_code="Since When")}, {second})

	def test_a_person_who_says_everywhere_and_always_has_said_it(self):
		times = self.stage_days(30, 29)
		employee = factories.employee()
		api.map_id("7", employee, as_rule=0)
		jobs.process()
		self.assertEqual(times_of(employee), times)

	def test_another_spelling_of_the_id_says_nothing(self):
		times = self.stage_days(2, 1)
		stage(("7 ", times[0] - 40 * DAY))
		jobs.process()
		employee = factories.employee()
		self.enter(employee)
		self.assertEqual(times_of(employee), times)


class TestInstalledAnew(MappingTestCase):
	def test_rounded_check_ins_are_found_again(self):
		self.configure(round_to=15)
		gate = factories.device("SN1", "Gate")
		employee = factories.employee("7")
		punches = [("7", at(7, clock)) for clock in ("08:53", "09:04", "09:05", "13:00", "18:07", "18:08")]
		used(*punches, device=gate)
		before = [(row.name, row.time) for row in made()]
		self.assertEqual(len(before), len(punches))
		self.assertIn(at(7, "09:00"), times_of(employee))

		frappe.db.delete(staging.DOCTYPE)
		frappe.db.set_value("Employee Checkin", {"employee": employee}, "biometric_event", None)
		used(*punches, device=gate)
		self.assertEqual([(row.name, row.time) for row in made()], before)
		self.assertEqual(states("7"), {("Processed", "Already There")})
		linked = frappe.get_all(staging.DOCTYPE, pluck="employee_checkin")
		self.assertEqual(sorted(linked), sorted(name for name, _time in before))
