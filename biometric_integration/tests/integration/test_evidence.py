"""Signs of life of devices: how they are kept, where they come from, and what they prove."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import frappe
from frappe.utils import now_datetime

from biometric_integration.core.evidence import proof
from biometric_integration.core.pings import PAUSE
from biometric_integration.core.punch import Direction, Kind, Punch, fingerprint
from biometric_integration.core.store import Claim
from biometric_integration.core.stream import Cursor, Stream
from biometric_integration.core.window import Window
from biometric_integration.simulator import Fault, FaultKind, World
from biometric_integration.sync import retention
from biometric_integration.sync.db import sql
from biometric_integration.sync.records import cursors, device_hours, servers, staging
from biometric_integration.sync.workdays.evidence import GETTING_TO_KNOW, TRUST, Evidence
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import SiteTestCase, logs, sync
from biometric_integration.tests.queries import queries

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TEN = datetime(2025, 4, 7, 10, 5)
"""A Monday."""
NOW = datetime(2025, 4, 10, 12)
TODAY = NOW.date()
HOURS = "Biometric Device Hour"
ABOUT_DAYS = ("Biometric Workday", "Biometric Decision")


class EvidenceTestCase(SiteTestCase):
	def setUp(self) -> None:
		super().setUp()
		for doctype in ABOUT_DAYS:
			frappe.db.delete(doctype)
		self.configure()

	def configure(self, server_type: str = "eTimeTrackLite", **values) -> None:
		connection = {"endpoint_url": "http://127.0.0.1:9", "api_user": "api", "start_date": date(2025, 1, 1)}
		factories.settings(server_type=server_type, **{**connection, **values})

	def stage(self, device: str, *times: datetime, arrived: datetime, user_id: str = "7", log: str = "run"):
		"""As a run stages them."""
		punches = [
			Punch(
				fingerprint("main", device, user_id, time),
				Kind.PUNCH,
				device,
				user_id,
				time,
				time,
				Direction.NONE,
				"row",
				arrived=arrived,
			)
			for time in times
		]
		claim = Claim(Stream("main", "eTimeTrackLite", "SN1", "punches"), Cursor(), log)
		return staging.stage(claim, punches)

	def used(self, employee: str, device: str, *times: datetime, **values) -> None:
		"""Punches of an employee that are used."""
		fields = {"kind": "Punch", "status": "Processed", "reason_code": "", "creation": NOW, **values}
		for time in times:
			name = f"{time:%Y%m%d%H%M%S}-{frappe.generate_hash(length=20)}"
			row = {"name": name, "employee": employee, "device": device, "punch_time": time, **fields}
			sql.insert(staging.DOCTYPE, tuple(row), [tuple(row.values())])

	def read(
		self,
		unit: str,
		complete_until: datetime | None,
		feed: str = "punches",
		began: datetime | None = None,
		**scans,
	) -> Stream:
		"""The stream of a unit was read as far as this."""
		server_type = servers.get("main").config.server_type
		stream = Stream("main", server_type, unit, feed)
		frappe.db.delete(cursors.DOCTYPE, stream.key)
		cursors.take(stream, "run")
		read = Cursor(read_from=began, read_until=complete_until, complete_until=complete_until, scans=scans)
		cursors.move(stream, "run", read)
		return stream

	def hour(self, device: str) -> list:
		fields = ["hour", "punches", "backlog", "first_arrival", "last_arrival", "punch_sign", "ping_sign"]
		return frappe.get_all(HOURS, {"device": device}, fields, order_by="hour asc", as_list=True)


class TestHoursAreKept(EvidenceTestCase):
	def setUp(self) -> None:
		super().setUp()
		self.device = factories.device("SN1")

	def test_what_comes_is_counted_by_the_hour_of_its_arrival(self):
		self.stage(self.device, TEN - MINUTE, TEN - 5 * HOUR, arrived=TEN)
		self.stage(self.device, TEN + 20 * MINUTE, arrived=TEN + 30 * MINUTE)
		self.stage(self.device, TEN + 2 * HOUR, arrived=TEN + 2 * HOUR)
		ten, twelve = self.hour(self.device)
		last = TEN + 30 * MINUTE
		self.assertEqual(
			ten, (TEN.replace(minute=0), 2, 1, TEN, last, TEN + 20 * MINUTE, None), "counts add up"
		)
		self.assertEqual(twelve[:3], (TEN.replace(hour=12, minute=0), 1, 0))
		found = device_hours.of_devices([self.device], TEN - DAY)[self.device]
		self.assertEqual([row.punches for row in found], [2, 1])
		self.assertEqual([row.punch for row in found], [TEN + 20 * MINUTE, TEN + 2 * HOUR])

	def test_what_is_read_again_is_not_counted_again(self):
		times = [TEN - number * MINUTE for number in range(5)]
		self.stage(self.device, *times[1:], arrived=TEN)
		for run in ("second", "third"):
			self.stage(self.device, *times, times[0], arrived=TEN + 10 * MINUTE, log=run)
		self.assertEqual(self.hour(self.device)[0][1:3], (5, 0))
		self.assertEqual(self.hour(self.device)[0][4], TEN + 10 * MINUTE, "something came with the second")

	def test_where_nothing_is_new_nothing_is_asked(self):
		times = [TEN - number * MINUTE for number in range(50)]
		self.stage(self.device, *times, arrived=TEN)
		before = queries()
		self.stage(self.device, *times, arrived=TEN)
		self.assertLess(queries() - before, 4)

	def test_a_wrong_clock_gives_no_sign_of_life(self):
		self.stage(self.device, TEN + HOUR, datetime(2000, 1, 1, 3), arrived=TEN)
		self.assertEqual(self.hour(self.device)[0][5], None)
		factories.settings(
			server_type="eTimeTrackLite", endpoint_url="http://a", api_user="a", allowed_drift=90
		)
		self.stage(self.device, TEN + 80 * MINUTE, arrived=TEN)
		self.assertEqual(self.hour(self.device)[0][5], TEN, "and one that may be so far ahead the arrival")

	def test_a_ping_is_kept_as_of_the_time_when_there_was_contact(self):
		self.stage(self.device, TEN, arrived=TEN)
		for minutes in (1, 15, 30):
			device_hours.note_ping(self.device, TEN - 3 * HOUR, TEN + minutes * MINUTE)
		device_hours.note_ping(self.device, TEN + 31 * MINUTE, TEN + 31 * MINUTE)
		device_hours.note_ping(self.device, TEN + DAY, TEN + 32 * MINUTE)
		seven, ten = self.hour(self.device)
		contact = TEN - 3 * HOUR
		self.assertEqual(seven, (contact.replace(minute=0), 0, 0, contact, contact, None, contact))
		self.assertEqual(ten[4:], (TEN + 31 * MINUTE, TEN, TEN + 31 * MINUTE))

	def test_old_ones_are_deleted_at_night(self):
		now = now_datetime()
		self.stage(self.device, now - 61 * DAY, arrived=now - 61 * DAY)
		self.stage(self.device, now - 59 * DAY, arrived=now - 59 * DAY)
		retention.delete_device_hours(now - 60 * DAY)
		self.assertEqual([row[0].date() for row in self.hour(self.device)], [(now - 59 * DAY).date()])

	def test_a_site_that_has_punches_already_has_their_hours(self):
		other = factories.device("SN2")
		self.stage(self.device, TEN - MINUTE, TEN - 5 * HOUR, TEN + 5 * HOUR, arrived=TEN)
		self.stage(self.device, TEN + 30 * MINUTE, arrived=TEN + 40 * MINUTE)
		self.stage(other, TEN + HOUR, arrived=TEN + DAY)
		self.stage(other, TEN - 60 * DAY, arrived=TEN - 60 * DAY)
		noted = self.hour(self.device), self.hour(other)[1:]
		frappe.db.delete(HOURS)
		for _time in range(2):
			device_hours.fill(TEN - 45 * DAY)
			self.assertEqual((self.hour(self.device), self.hour(other)), noted)
		self.assertEqual(device_hours.kept_since(), TEN.replace(minute=0))

	def test_a_device_that_was_only_heard_of_can_be_deleted(self):
		device_hours.note_ping(self.device, TEN, TEN)
		frappe.delete_doc("Biometric Device", self.device)
		self.assertFalse(self.hour(self.device))


class TestPings(EvidenceTestCase):
	def setUp(self) -> None:
		super().setUp()
		self.now = now_datetime().replace(microsecond=0)
		self.world = World(None)
		for serial in ("SN1", "SN2"):
			self.world.add_device(serial, f"Gate {serial}", "HO")
			self.world.punch(serial, "7", self.now - HOUR)
		self.heard = self.now - 2 * DAY
		self.world.set_last_ping("SN2", self.heard)
		self.server = self.start("eBioServer", self.world)

	def device(self, serial: str):
		return frappe.get_doc("Biometric Device", {"serial_number": serial})

	def asked(self) -> int:
		return sum(request.operation == "GetDeviceLastPing" for request in self.server.requests)

	def test_a_server_is_asked_about_its_devices_after_it_was_read(self):
		sync()
		on, off = self.device("SN1"), self.device("SN2")
		self.assertEqual(off.last_ping, self.heard)
		self.assertLess(abs(on.last_ping - self.now), 10 * MINUTE)
		(hour,) = frappe.get_all(
			HOURS, {"device": off.name, "ping_sign": ("is", "set")}, ["ping_sign", "hour"]
		)
		self.assertEqual((hour.ping_sign, hour.hour), (self.heard, self.heard.replace(minute=0, second=0)))
		sync()
		self.assertEqual(self.asked(), 2, "and not again at once")
		for device in (on, off):
			device.db_set("ping_asked_at", self.now - PAUSE)
		off.db_set("counts_for_attendance", 0)
		sync()
		self.assertEqual(self.asked(), 3)

	def test_by_the_clock_of_the_site(self):
		factories.settings(**{**self.connection(), "time_zone": "Europe/Berlin"})
		sync()
		self.assertGreater(self.device("SN2").last_ping, self.heard + 3 * HOUR)

	def connection(self) -> dict:
		return {
			"server_type": "eBioServer",
			"endpoint_url": self.server.url,
			"api_user": "api",
			"start_date": self.now.date(),
		}

	def test_a_server_that_cannot_tell_fails_no_run(self):
		self.server.stop()
		self.start("eBioServer", self.world, missing_operations=["GetDeviceLastPing"])
		sync()
		self.assertEqual({log.status for log in logs()} - {"Success", "Partial"}, set())
		devices = [self.device(serial) for serial in ("SN1", "SN2")]
		self.assertEqual([device.last_ping for device in devices], [None, None])
		asked = [device for device in devices if device.ping_asked_at]
		self.assertEqual(len(asked), 1, "the first failure ends it")

	def test_a_server_that_was_not_read_is_not_asked(self):
		self.server.faults.add(Fault(FaultKind.HTTP_500_FAULT, None))
		sync()
		self.assertEqual(self.asked(), 0)

	def test_one_that_tells_no_pings_is_not_asked(self):
		self.start("eTimeTrackLite", World(None))
		frappe.db.set_value("Biometric Device", factories.device("SN9"), "server", "")
		sync()
		self.assertFalse(frappe.db.exists("Biometric Device", {"ping_asked_at": ("is", "set")}))


class TestReplaced(EvidenceTestCase):
	def test_a_device_replaces_neither_itself_nor_one_that_replaced_it(self):
		one, two, three = (frappe.get_doc("Biometric Device", factories.device(f"SN{n}")) for n in range(3))
		for device, by, words in (
			(one, one, "cannot replace itself"),
			(one, two, ""),
			(two, three, ""),
			(three, one, "itself replaced"),
		):
			with self.subTest(words):
				device.reload()
				device.update({"replaced_by": by.name, "replaced_on": TEN.date()})
				if not words:
					device.save()
					continue
				with self.assertRaisesRegex(frappe.ValidationError, words):
					device.save()
		three.reload()
		three.update({"replaced_by": factories.device("SN9"), "replaced_on": None})
		with self.assertRaisesRegex(frappe.ValidationError, "Replaced On"):
			three.save()


class TestHowFar(EvidenceTestCase):
	"""`read_until`, and the readings that looked back."""

	def test_all_devices_have_to_be_read_and_only_those_that_can_be(self):
		one, two, never = (factories.device(serial) for serial in ("SN1", "SN2", "SN3"))
		off = factories.device("SN4", enabled=0)
		nowhere = factories.device("SN5")
		frappe.db.set_value("Biometric Device", nowhere, "server", "gone")
		self.read("SN1", NOW)
		self.read("SN2", NOW - HOUR)
		for devices, until in (
			((), datetime.max),
			((off, nowhere, "unknown", factories.device(None)), datetime.max),
			((one,), NOW),
			((one, two, off, nowhere), NOW - HOUR),
			((one, never), datetime.min),
		):
			with self.subTest(until=until):
				self.assertEqual(Evidence(NOW).read_until(devices), until)

	def test_by_the_clock_of_the_site(self):
		self.configure(time_zone="Europe/Berlin")
		device = factories.device("SN1")
		self.read("SN1", NOW - 4 * HOUR, nightly=NOW - 5 * HOUR)
		evidence = Evidence(NOW)
		self.assertEqual(evidence.read_until({device}), NOW - HOUR / 2)
		(look,) = evidence.heard({device}, TODAY)[0].looks
		self.assertEqual(look, (NOW - 1.5 * HOUR, NOW - 1.5 * HOUR - 10 * DAY))

	def test_a_punch_that_nobody_has_decided_about_is_not_known_yet(self):
		device = factories.device("SN1")
		alias = factories.device("SN1-old", same_as=device)
		self.read("SN1", NOW)
		self.used("", alias, NOW - 3 * HOUR, status="Pending")
		self.assertEqual(Evidence(NOW).read_until({device}), NOW - 3 * HOUR)
		self.assertEqual(Evidence(NOW).heard({device}, TODAY)[0].read_until, NOW - 3 * HOUR)

	def test_a_feed_by_position_looks_at_all_there_is(self):
		self.configure("eBioServer")
		device = factories.device("SN1", location="HO")
		self.read("", NOW, "live")
		self.read("", NOW - DAY, "day", nightly=NOW - DAY)
		(heard,) = Evidence(NOW).heard({device}, TODAY)
		self.assertEqual(heard.read_until, NOW)
		self.assertIn((NOW, datetime.min), heard.looks)

	def test_a_device_at_a_location_that_is_not_read_is_not_waited_for(self):
		self.configure("eBioServer", location="HO")
		here, there = factories.device("SN1", location="ho"), factories.device("SN2", location="PLANT")
		self.read("HO", NOW, "live")
		self.read("HO", NOW, "day")
		self.assertEqual(Evidence(NOW).read_until({here, there}), NOW)

	def test_one_that_is_also_pulled_is_read_as_far_as_it_was_pulled(self):
		device = factories.device("SN1")
		self.read("SN1", NOW - 2 * DAY)
		values = {"last_contact": NOW, "contact_since": NOW - DAY, "pushed_until": NOW}
		frappe.db.set_value("Biometric Device", device, values)
		self.assertEqual(Evidence(NOW).read_until({device}), NOW - 2 * DAY)
		(heard,) = Evidence(NOW).heard({device}, TODAY)
		self.assertEqual(heard.read_until, NOW - 2 * DAY)
		self.assertNotIn((NOW, datetime.min), heard.looks)
		frappe.db.set_value("Biometric Device", device, "server", "only-pushes")
		self.assertEqual(Evidence(NOW).read_until({device}), NOW)

	def test_marks_in_the_future_are_of_a_wrong_clock(self):
		device = factories.device("SN1")
		self.read("SN1", NOW + DAY, nightly=NOW + DAY)
		self.assertLess(Evidence(NOW).read_until({device}), NOW - 30 * DAY)
		self.assertEqual(Evidence(NOW).heard({device}, TODAY)[0].looks, ())


class TestHeard(EvidenceTestCase):
	def names(self, devices: set[str], day: date = TODAY) -> set[str]:
		return {heard.device for heard in Evidence(NOW).heard(devices, day)}

	def test_who_is_asked_in_place_of_whom(self):
		new, old = factories.device("SN1"), factories.device("SN2")
		frappe.db.set_value("Biometric Device", old, {"replaced_by": new, "replaced_on": TODAY})
		alias, off = factories.device(None, same_as=old), factories.device("SN3", enabled=0)
		apart = factories.device("SN4", counts_for_attendance=0)
		self.assertEqual(self.names({alias, off, apart, "unknown"}), {new})
		self.assertEqual(self.names({alias, new}, TODAY - DAY), {old, new})

	def test_signs_of_life_of_a_device_are_also_those_of_what_is_the_same(self):
		device = factories.device("SN1", name="Main Gate")
		alias = factories.device(None, same_as=device)
		self.stage(device, NOW - DAY, arrived=NOW - DAY)
		self.stage(alias, NOW - HOUR, arrived=NOW - HOUR, user_id="8")
		device_hours.note_ping(device, NOW - MINUTE, NOW)
		(heard,) = Evidence(NOW).heard({alias}, TODAY)
		self.assertEqual((heard.label, heard.punch, heard.ping), ("Main Gate", NOW - HOUR, NOW - MINUTE))

	def test_a_device_from_before_signs_were_kept_is_not_one_that_never_gave_any(self):
		device = factories.device("SN1", last_punch=NOW - 50 * DAY)
		(heard,) = Evidence(NOW).heard({device}, TODAY)
		self.assertEqual(heard.sign_of_life, NOW - 50 * DAY)
		self.assertFalse(proof(NOW - DAY, [heard]).proven)

	def test_what_a_person_says_of_a_device_counts_the_newest_first(self):
		device = factories.device("SN1", last_punch=NOW - 9 * DAY)
		for day in (TODAY, TODAY - 2 * DAY):
			values = {"what": TRUST, "device": device, "date": day, "reason": "stolen"}
			frappe.get_doc({"doctype": "Biometric Decision", **values}).insert()
		(heard,) = Evidence(NOW).heard({device}, TODAY)
		self.assertEqual(heard.trusted_until, TODAY - 2 * DAY)

	def test_an_unusual_silence_is_found_and_a_holiday_without_a_punch_is_none(self):
		device = factories.device("SN1")
		self.read("SN1", NOW, each=NOW)
		for week in range(1, 5):
			for day in range(5):
				moment = datetime(2025, 4, 7, 9, 30) + day * DAY - week * 7 * DAY
				self.stage(device, *(moment + n * MINUTE for n in range(8)), arrived=moment + 10 * MINUTE)
		self.stage(device, datetime(2025, 4, 10, 9, 30), arrived=datetime(2025, 4, 10, 9, 31))
		frappe.db.set_value(staging.DOCTYPE, {"device": device}, "status", "Processed")
		(heard,) = Evidence(NOW).heard({device}, TODAY)
		silence = heard.silences[-1]
		self.assertEqual(silence.contact, datetime(2025, 4, 10, 9, 31))
		self.assertFalse(heard.proves(datetime(2025, 4, 8, 18)), "what it kept may come yet")
		self.read("SN1", NOW, nightly=NOW, weekly=NOW - DAY)
		(heard,) = Evidence(NOW).heard({device}, TODAY)
		self.assertTrue(heard.proves(datetime(2025, 4, 8, 18)))
		closed = [{"holiday_date": f"2025-04-0{day}", "description": "closed"} for day in (7, 8, 9)]
		values = {
			"holiday_list_name": factories.unique("List"),
			"from_date": "2025-01-01",
			"to_date": "2025-12-31",
		}
		made = frappe.get_doc({"doctype": "Holiday List", **values, "holidays": closed}).insert()
		self.addCleanup(frappe.delete_doc, "Holiday List", made.name)
		(heard,) = Evidence(NOW).heard({device}, TODAY)
		self.assertNotIn(silence, heard.silences)

	def test_nothing_is_proven_before_the_devices_are_known(self):
		self.assertEqual(Evidence(NOW).proves_from, datetime.max)
		device = factories.device("SN1")
		device_hours.note_ping(device, now_datetime() - 300 * DAY, now_datetime())
		self.assertGreater(Evidence(NOW).proves_from, now_datetime() + GETTING_TO_KNOW - HOUR)
		self.stage(device, TEN, arrived=TEN)
		self.assertEqual(Evidence(NOW).proves_from, TEN.replace(minute=0) + GETTING_TO_KNOW)

	def test_others_at_the_same_place_are_beside_it(self):
		one, two = factories.device("SN1", location="HO"), factories.device("SN2", location="ho ")
		factories.device("SN3", location="PLANT")
		factories.device("SN4", location="HO", counts_for_attendance=0)
		factories.device("SN5", location="HO", enabled=0)
		factories.device(None, location="HO", same_as=two)
		nowhere, _beside = factories.device("SN6"), factories.device("SN7")
		evidence = Evidence(NOW)
		self.assertEqual(evidence.around({one}), {two})
		self.assertEqual(evidence.around({nowhere, "unknown"}), set())

	def test_a_punch_that_came_meanwhile_and_waits_may_be_the_missing_one(self):
		device = factories.device("SN1")
		self.read("SN1", NOW)
		evidence = Evidence(NOW)
		self.assertEqual(evidence.read_until({device}), NOW)
		self.stage(device, NOW - 2 * HOUR, NOW - MINUTE, arrived=NOW)
		self.assertFalse(evidence.heard({device}, TODAY)[0].proves(NOW - HOUR))

	def test_days_that_a_start_date_was_moved_back_to_are_not_proven_before_they_are_read(self):
		device = factories.device("SN1")
		self.stage(device, NOW - MINUTE, arrived=NOW - MINUTE)
		frappe.db.set_value(staging.DOCTYPE, {"device": device}, "status", "Processed")
		began, close = datetime(2025, 4, 1), datetime(2025, 4, 3, 18)
		stream = self.read("SN1", NOW, began=began)

		def proven(start_date: date) -> list[bool]:
			self.configure(start_date=start_date)
			(heard,) = Evidence(NOW).heard({device}, TODAY)
			return [heard.proves(moment) for moment in (close, close + DAY)]

		self.assertEqual(proven(began.date()), [True, True], "nobody asks for what is before")
		self.assertEqual(proven(began.date() - 8 * DAY), [False, True])
		device_begins = frappe.get_doc("Biometric Device", device)
		device_begins.db_set("start_date", began.date())
		self.assertEqual(proven(began.date() - 8 * DAY), [True, True], "it has a start date of its own")
		device_begins.db_set("start_date", None)
		read = cursors.read(stream).read_back(Window(began - 8 * DAY, began), NOW)
		self.assertEqual(read.read_from, began - 8 * DAY)
		cursors.move(stream, "run", read)
		self.assertEqual(proven(began.date() - 8 * DAY), [True, True])

	def test_devices_are_asked_in_a_fixed_number_of_queries(self):
		def asked(count: int) -> int:
			known = {factories.device(factories.unique("SN"), location="HO") for _number in range(count)}
			for device in known:
				self.stage(device, NOW - 9 * DAY, arrived=NOW - 9 * DAY)
			evidence, before = Evidence(NOW), queries()
			for _day in range(3):
				for device in known:
					evidence.heard({device}, TODAY)
					evidence.read_until({device})
			return queries() - before

		asked(1)
		self.assertEqual(asked(2), asked(20))


class TestOwn(EvidenceTestCase):
	def test_devices_that_a_person_uses_much_or_has_just_used(self):
		person, other = factories.employee(), factories.employee()
		gate, door, canteen, once = (factories.device(f"SN{number}") for number in range(4))
		alias = factories.device(None, same_as=gate)
		day = date(2025, 4, 7)
		morning = datetime(2025, 4, 7, 9)
		self.used(person, gate, *(morning - number * DAY for number in range(8, 28)))
		self.used(person, alias, *(morning - number * DAY for number in range(1, 8)))
		self.used(person, door, morning - 20 * DAY, morning - 21 * DAY)
		self.used(person, once, morning - 10 * DAY)
		self.used(person, canteen, morning - 9 * DAY, morning - 8 * DAY, status="Unmapped")
		self.used(other, once, morning)
		own = Evidence(NOW).own([person, other], day, day + 9 * DAY)
		self.assertEqual(own(person, day), {gate, door})
		self.assertEqual(own(other, day), {once})
		self.assertEqual(own(other, day - DAY), set())
		self.assertEqual(own("nobody", day), set())
		self.assertEqual(own(person, day + 9 * DAY), {gate, door})
		self.assertEqual(Evidence(NOW).own([], day, day)(person, day), set())

	def test_one_query_for_all_people(self):
		people = [factories.employee() for _number in range(5)]
		evidence, day = Evidence(NOW), TODAY
		evidence.own(people[:1], day, day)
		before = queries()
		own = evidence.own(people, day - 30 * DAY, day)
		for person in people:
			own(person, day)
		self.assertLessEqual(queries() - before, 2, "one, and the question for the number")


class TestDeserted(EvidenceTestCase):
	def setUp(self) -> None:
		super().setUp()
		self.gate = factories.device("SN1")
		self.exit = factories.device("SN2")
		self.people = [factories.employee(), factories.employee()]
		self.left = NOW - 20 * DAY
		self.stage(self.exit, self.left, arrived=self.left)
		for person in (*self.people, factories.employee(status="Left", relieving_date=TODAY)):
			self.used(person, self.exit, self.left - HOUR)

	def worked(self, person: str, *days_ago: int, device: str = "", **values) -> None:
		for number in days_ago:
			day = NOW - number * DAY
			self.used(person, device or self.gate, day)
			row = {
				"name": frappe.generate_hash(length=20),
				"employee": person,
				"date": day.date(),
				"checkins": 2,
				"reason": "",
				"would_status": "Present",
				**values,
			}
			sql.insert("Biometric Workday", tuple(row), [tuple(row.values())])

	def is_asked(self, day: date = TODAY) -> bool:
		return bool(Evidence(NOW).heard({self.exit}, day))

	def test_when_all_who_used_it_and_are_still_here_do_without_it(self):
		self.assertTrue(self.is_asked())
		self.worked(self.people[0], 3, 4, 5)
		self.assertTrue(self.is_asked(), "the other one may not")
		self.worked(self.people[1], 3, 4)
		self.assertTrue(self.is_asked(), "not for three days")
		self.worked(self.people[1], 9)
		self.assertFalse(self.is_asked())

	def test_it_is_asked_about_the_days_before_for_ever(self):
		"""What was punched at it when it was silent already is still missing, however long people have done without it since."""
		self.worked(self.people[0], 3, 4, 5)
		self.worked(self.people[1], 3, 4, 9)
		self.assertFalse(self.is_asked(TODAY - 5 * DAY))
		self.assertTrue(self.is_asked(TODAY - 6 * DAY), "the second of them was not there by then")

	def test_not_while_people_only_come_in_elsewhere(self):
		self.worked(self.people[0], 3, 4, 5)
		self.worked(self.people[1], 3, 4, 5, checkins=1, reason="Missing Punch", would_status="")
		self.worked(self.people[1], 6, 7, 8, checkins=1, reason="Device Missing", would_status="")
		self.worked(self.people[1], 9, 10, 11, checkins=1)
		self.assertTrue(self.is_asked())

	def test_not_while_it_is_heard_of(self):
		for person in self.people:
			self.worked(person, 3, 4, 5)
		device_hours.note_ping(self.exit, NOW - 4 * DAY, NOW)
		self.assertTrue(self.is_asked())
