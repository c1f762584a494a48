"""Who may call what, and what comes back."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from datetime import datetime
from unittest.mock import patch

import frappe
from frappe.utils.background_jobs import get_job

from biometric_integration import api, permissions
from biometric_integration.simulator import Fault, FaultKind, World
from biometric_integration.sync import jobs
from biometric_integration.sync.db import locks
from biometric_integration.sync.desk import console
from biometric_integration.tests.integration.base import PASSWORD, SERVER_TYPES, SiteTestCase, logs, sync

STEPS = ["Name", "TCP", "HTTP", "Login", "Operation", "Parse"]
ENDPOINTS = (api.sync_now, api.test_connection, api.locations, api.sync_state, api.status)
FOR_SETUP_ONLY = (api.test_connection, api.locations)


def small_world() -> World:
	world = World(now=datetime(2025, 4, 8, 12), zone="Asia/Kolkata")
	world.add_device("SN1", "Gate", "HO")
	world.punch("SN1", "1", datetime(2025, 4, 7, 9))
	return world


class TestApi(SiteTestCase):
	def test_an_outsider_gets_nothing(self):
		self.start("eBioServer", small_world())
		self.as_user("Employee")
		for endpoint in ENDPOINTS:
			with self.subTest(endpoint.__name__), self.assertRaises(frappe.PermissionError):
				endpoint()

	def test_no_endpoint_is_open_to_guests_and_what_changes_something_takes_no_get(self):
		for endpoint in ENDPOINTS:
			self.assertNotIn(endpoint, frappe.guest_methods)
			self.assertIn(endpoint, frappe.whitelisted)
		for endpoint in (api.sync_now, api.test_connection):
			self.assertEqual(frappe.allowed_http_methods_for_whitelisted_func[endpoint], ["POST"])

	def test_hr_users_may_sync_and_look_but_not_set_up(self):
		self.start("eBioServer", small_world())
		self.as_user("HR User")
		self.assertEqual(api.status()["servers"][0]["server"], "main")
		state = api.sync_state()
		self.assertEqual(
			(state["running"], state["runs"], state["pulls"], state["idle"]), (False, [], {}, "")
		)
		self.assertEqual(sync()["status"], "Success")
		for endpoint in FOR_SETUP_ONLY:
			with self.assertRaises(frappe.PermissionError):
				endpoint()

	def test_desk_is_told_what_its_user_may_do(self):
		for role, may_sync, may_set_up in (
			("HR Manager", True, True),
			("HR User", True, False),
			("Employee", False, False),
		):
			with self.subTest(role):
				self.as_user(role)
				bootinfo: dict = {}
				permissions.extend_bootinfo(bootinfo)
				told = {"may_sync": may_sync, "may_set_up": may_set_up}
				found = bootinfo["biometric_integration"]
				self.assertEqual({name: found[name] for name in told}, told)
				self.assertEqual(permissions.has_app_permission(), may_sync)

	def test_hr_managers_may_test_the_connection_but_never_see_the_login(self):
		self.start("eBioServer", small_world())
		self.as_user("HR Manager")
		self.assertTrue(api.test_connection()["ok"])
		settings = frappe.get_doc("Biometric Sync Settings")
		settings.apply_fieldlevel_read_permissions()
		self.assertIsNone(settings.get("api_user"))
		self.assertIsNone(settings.get("api_password"))

	def test_the_connection_test_is_green_step_by_step(self):
		for server_type in SERVER_TYPES:
			with self.subTest(server_type):
				self.setUp()
				self.start(server_type, small_world())
				result = api.test_connection()
				self.assertEqual([step["step"] for step in result["steps"]], STEPS)
				self.assertTrue(result["ok"], result)

	def test_the_connection_test_stops_at_the_step_that_fails_and_says_what_to_do(self):
		for server_type in SERVER_TYPES:
			with self.subTest(server_type):
				self.setUp()
				self.start(server_type, small_world(), user="somebody else")
				result = api.test_connection()
				self.assertEqual(
					[step["ok"] for step in result["steps"]], [True, True, True, False, None, None]
				)
				self.assertTrue(result["steps"][3]["fix"])

	def test_the_locations_are_those_of_the_device_list(self):
		self.start("eBioServer", small_world())
		self.assertEqual(api.locations(), ["HO"])

	def test_a_sync_from_the_console_prints_a_readable_summary(self):
		self.start("eBioServer", small_world())
		printed = io.StringIO()
		with redirect_stdout(printed):
			result = api.sync_now(wait=1)
		self.assertIn("1 new punches, 0 check-ins", printed.getvalue())
		self.assertEqual(result["runs"][0]["unmapped"], 1)

	def test_a_sync_from_the_console_waits_for_the_lane_and_says_what_came_of_the_punches(self):
		self.start("eBioServer", small_world())
		mine = frappe.local.db
		frappe.connect(set_admin_as_user=False)
		theirs = frappe.local.db
		self.addCleanup(theirs.close)
		self.assertTrue(locks.take(locks.LANE))
		frappe.local.db = mine
		pauses = []

		def let_go(seconds):
			pauses.append(seconds)
			frappe.local.db = theirs
			locks.release(locks.LANE)
			frappe.local.db = mine

		printed = io.StringIO()
		with redirect_stdout(printed), patch.object(console.time, "sleep", let_go):
			result = api.sync_now(wait=1)
		self.assertEqual(pauses, [console.PAUSE])
		self.assertEqual((result["status"], result["runs"][0]["unmapped"]), ("Success", 1))
		self.assertIn("1 Unmapped: No Employee", printed.getvalue())
		self.assertIn("Main Server · newest punches", printed.getvalue())
		self.assertNotIn("main/eBioServer", printed.getvalue())

	def test_a_sync_from_the_console_is_no_success_while_punches_wait_to_be_used(self):
		self.start("eBioServer", small_world())
		with patch.object(jobs, "process", return_value=0):
			printed = io.StringIO()
			with redirect_stdout(printed):
				result = api.sync_now(wait=1)
		self.assertEqual(result["status"], "Partial")
		self.assertIn("1 Pending: not used yet", printed.getvalue())

	def test_from_desk_a_sync_is_queued_and_never_runs_in_the_request(self):
		self.start("eBioServer", small_world())
		frappe.local.request = frappe._dict(method="POST")
		self.addCleanup(delattr, frappe.local, "request")
		result = api.sync_now(wait=1)
		self.assertEqual(logs(), [])
		self.assertEqual(result["queued"] + [row["server"] for row in result["running"]], ["main"])
		state = api.sync_state()
		self.assertEqual(
			(state["running"], state["pulls"]), (True, {"main": "queued"}), "it waits for a worker"
		)
		self.assertIn("worker", state["idle"])
		get_job("biometric-pull-main").delete()
		self.assertFalse(api.sync_state()["running"])

	def test_a_retry_that_waits_for_a_worker_is_told(self):
		self.start("eBioServer", small_world())
		sync()
		log = logs()[0].name
		api.retry(log)
		self.addCleanup(lambda: get_job(f"biometric-retry-{log}-0").delete())
		self.assertEqual(api.sync_state(retried=log)["pulls"], {"main": "queued"})
		self.assertEqual(api.sync_state()["pulls"], {})

	def test_a_device_is_read_alone(self):
		world = small_world()
		world.add_device("SN2", "Back door")
		self.start("eTimeTrackLite", world)
		sync(device="SN2")
		self.assertEqual([log.unit for log in logs()], ["SN2"])

	def test_the_password_is_in_no_log_error_job_or_answer_whatever_fails(self):
		kinds = [kind for kind in FaultKind if kind not in (FaultKind.HANG, FaultKind.SLOW_DRIP)]
		for server_type in SERVER_TYPES:
			self.setUp()
			server = self.start(server_type, small_world())
			seen = [repr(api.status())]
			for kind in kinds:
				server.faults.add(Fault(kind, times=4))
				seen += [repr(api.test_connection()), repr(sync())]
				server.faults.clear()
			for doctype in (
				"Biometric Sync Log",
				"Biometric Sync Request",
				"Biometric Staging Event",
				"Error Log",
			):
				seen += [repr(row) for row in frappe.get_all(doctype, fields=["*"], limit=0)]
			seen += [repr(row) for row in frappe.get_all("Biometric Server State", fields=["*"])]
			self.assertGreater(len(logs(status="Failed")), 5, "the faults were felt")
			everything = "\n".join(seen)
			for form in (PASSWORD, PASSWORD[:4], "p&amp;&lt;s", "p%26%3Cs"):
				self.assertNotIn(form, everything, f"{form} on {server_type}")
