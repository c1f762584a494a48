"""Reading several devices of one server at once, on a site."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import frappe

from biometric_integration.core.in_flight import AT_ONCE, MOST_AT_ONCE
from biometric_integration.core.runs import RunReport, RunStatus, Trigger
from biometric_integration.simulator import FakeETimeTrackLite, World
from biometric_integration.sync import jobs
from biometric_integration.sync.db import locks
from biometric_integration.sync.records import servers
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import PASSWORD, SiteTestCase, logs

DEVICES = 5
PATIENCE = 30
SETTINGS = "Biometric Sync Settings"


class Counting(FakeETimeTrackLite):
	"""Keeps what it is asked about one device until it is `free`; `most`: how many requests were inside at once."""

	def __init__(self, world: World, held: str):
		super().__init__(world, user="api", password=PASSWORD)
		self.free = threading.Event()
		self.most = 0
		self._held = held
		self._inside = 0
		self._lock = threading.Lock()

	def _answer(self, call, hits):
		with self._lock:
			self._inside += 1
			self.most = max(self.most, self._inside)
		try:
			if call.arguments["SerialNumber"] == self._held:
				self.free.wait(PATIENCE)
			return super()._answer(call, hits)
		finally:
			with self._lock:
				self._inside -= 1


class TestSideBySide(SiteTestCase):
	def begin(self, held: str = "SN4") -> Counting:
		world = World(None, "Asia/Kolkata")  # the job has the real clock
		now = world.now.replace(microsecond=0)
		for number in range(1, DEVICES + 1):
			world.add_device(f"SN{number}", f"Gate {number}")
			world.punch(f"SN{number}", f"00{number}", now - timedelta(minutes=number), "in")
			factories.device(f"SN{number}", f"Gate {number}")
		server = Counting(world, held)
		server.start()
		self.addCleanup(server.stop)
		self.addCleanup(server.free.set)
		self.settings("eTimeTrackLite", server, timeout=PATIENCE, start_date=now.date() - timedelta(days=1))
		frappe.db.commit()  # nosemgrep -- as a person who saved it
		return server

	def read(self, server: Counting, at_once: int) -> list[RunReport]:
		frappe.db.set_single_value(SETTINGS, "requests_at_once", at_once)
		frappe.clear_document_cache(SETTINGS, SETTINGS)
		self.addCleanup(frappe.db.set_single_value, SETTINGS, "requests_at_once", AT_ONCE)
		told: list[RunReport] = []

		def tell(report: RunReport) -> None:
			told.append(report)
			if len(told) == DEVICES - 1:
				server.free.set()

		jobs.pull_server("main", on_report=tell)
		return told

	def test_one_device_that_hangs_delays_no_other_and_all_punches_arrive_once(self):
		for at_once in (0, MOST_AT_ONCE):
			with self.subTest(at_once=at_once):
				self.setUp()
				server = self.begin()
				reports = self.read(server, at_once)
				self.assertEqual(reports[-1].stream.split("/")[2], "SN4", "who hangs is the last one")
				self.assertEqual(len(reports), DEVICES)
				self.assertLessEqual(server.most, at_once or AT_ONCE)
				self.assertGreater(server.most, 1)
				self.assertEqual(punches(), sorted(server.world.truth()))
				for log in logs():
					self.assertEqual((log.status, log.new), ("Success", 1))
					self.assertFalse(locks.taken(log.stream))
					self.assertGreater(frappe.db.count("Biometric Sync Request", {"parent": log.name}), 0)
				requests = frappe.db.count("Biometric Sync Request")
				self.assertEqual(requests, len(server.requests), "each on the log of its own run")

	def test_one_at_a_time_is_in_turn(self):
		server = self.begin(held="none")
		reports = self.read(server, 1)
		self.assertEqual([report.status for report in reports], [RunStatus.SUCCESS] * DEVICES)
		self.assertEqual(server.most, 1)
		self.assertEqual([log.unit for log in logs()], [report.stream.split("/")[2] for report in reports])

	def test_a_job_that_breaks_off_leaves_no_stream_taken(self):
		server = self.begin()

		def broken(report: RunReport) -> None:
			raise ValueError("no")

		with self.assertRaisesRegex(ValueError, "no"):
			jobs.pull_server("main", on_report=broken)
		self.assertNotIn("Running", [log.status for log in logs()])
		self.assertFalse([log.stream for log in logs() if locks.taken(log.stream)])
		server.free.set()
		jobs.pull_server("main")
		self.assertEqual(punches(), sorted(server.world.truth()))


def punches() -> list[tuple[str, datetime]]:
	fields = ["device_user_id", "source_time"]
	return sorted(frappe.get_all("Biometric Staging Event", fields=fields, as_list=True, limit=0))


class TestSetting(SiteTestCase):
	def saved(self, main: int | None, row: int | None) -> list[int]:
		settings = frappe.get_doc(SETTINGS)
		settings.update({"requests_at_once": main, "more_servers": []})
		settings.append(
			"more_servers", {"server_id": "side", "server_type": "eTimeTrackLite", "requests_at_once": row}
		)
		settings.more_servers[0].enabled = 0
		settings.save()
		found = servers.all_servers()
		return [server.options(Trigger.MANUAL).at_once for server in found]

	def tearDown(self) -> None:
		factories.settings(requests_at_once=AT_ONCE, more_servers=[])
		frappe.db.commit()  # nosemgrep -- what others would stumble over
		super().tearDown()

	def test_each_server_has_its_own_and_nothing_stands_for_two(self):
		factories.settings(server_type="eTimeTrackLite", endpoint_url="http://h", api_user="api")
		self.assertEqual(self.saved(4, 1), [4, 1])
		self.assertEqual(self.saved(0, None), [2, 2])
		settings = frappe.get_doc(SETTINGS)
		self.assertEqual((settings.requests_at_once, settings.more_servers[0].requests_at_once), (2, 2))

	def test_only_one_to_four_are_taken(self):
		factories.settings(server_type="eTimeTrackLite", endpoint_url="http://h", api_user="api")
		for main, row in ((5, 1), (-1, 1), (1, 5)):
			with self.subTest(main=main, row=row), self.assertRaises(frappe.ValidationError):
				self.saved(main, row)
			frappe.db.rollback()

	def test_a_site_that_never_saved_it_reads_two(self):
		factories.settings(server_type="eTimeTrackLite", endpoint_url="http://h", api_user="api")
		frappe.db.delete("Singles", {"doctype": SETTINGS, "field": "requests_at_once"})
		frappe.clear_document_cache(SETTINGS, SETTINGS)
		self.assertEqual(servers.get("main").options(Trigger.MANUAL).at_once, AT_ONCE)
