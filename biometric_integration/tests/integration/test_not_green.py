"""What is not well is not shown as well: the site as it stands when its scheduler, its workers or its servers do not."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from unittest.mock import patch

import frappe
from frappe.utils import now_datetime

from biometric_integration import api
from biometric_integration.simulator import Fault, FaultKind, World
from biometric_integration.sync import jobs
from biometric_integration.sync.desk import period, status
from biometric_integration.sync.records import servers, staging
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import SiteTestCase, sync
from biometric_integration.tests.integration.test_mapping import NINE, stage

NOON = datetime(2025, 4, 10, 12)
MINUTE = timedelta(minutes=1)


class TestPunchesThatNobodyUses(SiteTestCase):
	def setUp(self) -> None:
		super().setUp()
		factories.employee("1")
		stage(("1", NINE))
		patch.object(status, "is_scheduler_inactive", return_value=False).start()
		self.addCleanup(patch.stopall)

	def waited(self, minutes: int) -> None:
		frappe.db.set_value(
			staging.DOCTYPE,
			{"status": "Pending"},
			"modified",
			now_datetime() - minutes * MINUTE,
			update_modified=False,
		)

	def workers(self, *queues: str) -> None:
		worker = SimpleNamespace(queue_names=lambda: [f"home-bench:{queue}" for queue in queues])
		patch.object(status, "get_workers", return_value=[worker] if queues else []).start()

	def test_they_are_told_of_after_some_minutes_with_the_cause(self):
		self.waited(9)
		self.assertEqual(api.status()["unused"], "")
		self.waited(11)
		for queues, words in (
			((), "default, long"),
			(("short", "default"), "worker serves long"),
			(("default", "long"), "RQ Job"),
		):
			self.workers(*queues)
			self.assertIn(words, api.status()["unused"])
		with patch.object(status, "is_scheduler_inactive", return_value=True):
			self.assertIn("enable-scheduler", api.status()["unused"])
		self.assertEqual(api.failed_runs()["route"], ["Form", servers.SETTINGS])
		jobs.process()
		self.assertEqual(api.status()["unused"], "")
		self.assertEqual(api.failed_runs()["value"], 0)

	def test_what_waits_for_a_reason_is_no_dead_worker(self):
		device = factories.device("SN1", enabled=0)
		frappe.db.delete(staging.DOCTYPE)
		stage(("1", NINE), device=device)
		jobs.process()
		self.waited(60)
		self.assertEqual(api.status()["unused"], "")


class TestWhatPeopleAreTold(SiteTestCase):
	def test_a_period_that_could_not_be_read_is_no_success(self):
		world = World(now=NOON, zone="Asia/Kolkata")
		for serial in ("SN1", "SN2"):
			world.add_device(serial, serial)
			world.punch(serial, "1", NOON - timedelta(days=1))
		server = self.start("eTimeTrackLite", world)
		sync()
		days = {"from_date": str((NOON - timedelta(days=2)).date()), "to_date": str(NOON.date())}
		well = api.sync_period(**days, server="main")["name"]
		period.read(well)
		self.assertNotIn("problem", api.period_state(well)["headline"])
		server.faults.add(Fault(FaultKind.HTTP_500_FAULT, times=None))
		ill = api.sync_period(**days, server="main")["name"]
		period.read(ill)
		self.assertIn("2 of 2 had a problem", api.period_state(ill)["headline"])

	def test_each_card_of_the_workspace_is_shown_to_hr(self):
		cards = frappe.get_doc("Workspace", "Biometric Integration").number_cards
		self.assertEqual(len(cards), 6)
		for role in ("HR Manager", "HR User"):
			frappe.set_user(factories.user(role))
			self.addCleanup(frappe.set_user, "Administrator")
			for card in cards:
				with self.subTest(f"{role}: {card.label}"):
					self.assertTrue(frappe.has_permission("Number Card", "read", card.number_card_name))

	def test_where_nothing_was_ever_set_up_nothing_is_red_or_green(self):
		was = frappe.db.get_single_value(servers.SETTINGS, "server_type")
		self.addCleanup(frappe.db.set_single_value, servers.SETTINGS, "server_type", was)
		frappe.db.set_single_value(servers.SETTINGS, "server_type", "")
		self.assertEqual(api.status()["servers"], [])
		self.assertEqual((api.failed_runs()["value"], api.devices_to_look_at()["value"]), (0, 0))
		device = factories.device("SN1")
		self.assertEqual(api.device_state(device)[device]["state"], "orphaned")
