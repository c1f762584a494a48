"""A bridge and its site, both real: three weeks without internet, then each punch is here once, and what is said of anybody is proven."""

from __future__ import annotations

import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from textwrap import dedent
from unittest.mock import patch

import frappe

from biometric_integration import api
from biometric_integration.bridge.agent.agent import Agent
from biometric_integration.bridge.agent.journal import Journal
from biometric_integration.bridge.agent.settings import load
from biometric_integration.core import contact
from biometric_integration.core.clock import wall_clock
from biometric_integration.simulator import FakeETimeTrackLite, FakeTerminal, World
from biometric_integration.simulator.sample import fill
from biometric_integration.sync import jobs
from biometric_integration.sync.push.host import ONLY_PUSHES
from biometric_integration.sync.workdays.evidence import Evidence
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import PASSWORD, SiteTestCase, checkins, events
from biometric_integration.tests.integration.bridges import Reporting

ZONE, TYPE = "Asia/Kolkata", "eTimeTrackLite"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
AWAY = 21
PUSHES = "PUSH01"


class TestABridgeAndItsSite(Reporting, SiteTestCase):
	def setUp(self) -> None:
		super().setUp()
		self.began = self.right_now() - AWAY * DAY
		self.world = World(self.began, ZONE)
		fill(self.world, seed=5, employees=12, devices=2, first_day=self.began.date(), days=AWAY)
		self.people = factories.employees(self.world.employees)
		self.lan = FakeETimeTrackLite(self.world, user="api", password=PASSWORD)
		self.lan.start()
		self.addCleanup(self.lan.stop)
		self.enter()
		self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
		self.write()
		self.agent: Agent | None = None
		self.addCleanup(self.stop)
		self.pushed: set[tuple[str, datetime]] = set()

	@staticmethod
	def right_now() -> datetime:
		return wall_clock(datetime.now(timezone.utc), ZONE).replace(microsecond=0)

	def enter(self) -> None:
		"""As the page about bridges says."""
		factories.settings(
			server_type=TYPE,
			endpoint_url=self.lan.url,
			api_user="api",
			time_zone=ZONE,
			start_date=self.began.date(),
			read_by=self.bridge,
		)
		for device in self.world.devices:
			factories.device(device.serial, f"{device.name} {device.location}", location=device.location)
		factories.device(PUSHES, "Canteen", server=ONLY_PUSHES, pushes_to=self.bridge)
		frappe.db.commit()  # nosemgrep -- as a person who saved it

	def write(self) -> None:
		for name, text in (("bridge.key", self.key), ("main.password", PASSWORD)):
			(self.folder / name).write_text(text, encoding="utf-8")
			(self.folder / name).chmod(0o600)
		self.config = self.folder / "bridge.toml"
		self.config.write_text(
			dedent(
				f"""\
				[site]
				url = "{self.site.url}"
				bridge = "{self.bridge}"
				key_file = "bridge.key"
				[spool]
				file = "spool.sqlite"
				least_free_mb = 1
				[push]
				listen = "127.0.0.1:0"
				[server.main]
				password_file = "main.password"
				"""
			)
		)

	# --- the bridge

	def start(self) -> FakeTerminal:
		"""The program begins, as after the PC was switched on. Returns the terminal that pushes to it."""

		def elapsed() -> float:
			return (self.world.now - self.began).total_seconds()

		self.said: list[str] = []
		journal = Journal(self.said.append, lambda: self.world.utc_now)
		self.agent = Agent(load(self.config), journal, lambda: self.world.utc_now, elapsed)
		self.agent.open()
		self.agent.terminals.listen()
		return FakeTerminal(f"http://127.0.0.1:{self.agent.terminals.port}", PUSHES, timeout=10)

	def stop(self) -> None:
		if self.agent:
			self.agent.terminals.close()
			self.agent.close()
			self.agent = None

	def a_day(self, terminal: FakeTerminal) -> None:
		"""Read in the morning and in the evening; everybody has lunch."""
		for hour in (8, 12):
			self.world.now += hour * HOUR
			self.agent.read()
		self.world.now += 4 * HOUR
		for number, user_id in enumerate(self.world.employees):
			at = self.world.now - (number + 1) * timedelta(minutes=1)
			terminal.punch(user_id, at)
			self.pushed.add((user_id, at))
		self.assertTrue(terminal.send_all())

	def speak(self) -> None:
		"""Also what comes only at the next look."""
		for _minute in range(3):
			self.world.now += timedelta(seconds=61)
			self.agent.read()
			self.agent.speak()
		frappe.db.rollback()  # a fresh view

	def truth(self) -> list[tuple[str, datetime]]:
		return sorted({(row.code, row.time) for row in self.world.visible()} | self.pushed)

	# --- what is promised

	def test_three_weeks_without_internet_and_each_punch_is_here_once(self):
		self.start()
		self.agent.speak()  # it learns which server to read, and who pushes
		self.assertEqual(list(self.agent.readers), ["main"])
		self.stop()
		for day in range(AWAY - 1):
			if day % 7 == 0:
				self.stop()
				terminal = self.start()  # without internet it knows what it was told
			self.a_day(terminal)
		self.assertEqual(events(), [], "nothing was sent")
		self.assertGreater(self.agent.spool.backlog().waiting, 500)
		self.speak()
		self.assertEqual(self.agent.spool.backlog().waiting, 0)
		jobs.process()
		self.assertEqual(checkins(), self.truth())
		self.assertEqual({event.status for event in events()}, {"Processed"})
		self.assertFalse([line for line in self.said if self.key in line or PASSWORD in line])

	def test_the_site_knows_how_far_the_bridge_has_read_and_whom_it_hears(self):
		self.world.now = self.right_now()
		terminal = self.start()
		self.agent.speak()
		with patch.object(contact, "UPLOAD_GRACE", timedelta(0)):  # nobody waits for an hour
			terminal.hello()
			terminal.poll()
		self.agent.read()
		self.assertEqual(self.read_until(), datetime.min)
		self.world.now += timedelta(seconds=61)
		self.agent.speak()  # what waits
		self.world.now += timedelta(seconds=61)
		self.agent.speak()  # and that nothing does any more
		frappe.db.rollback()  # a fresh view
		self.assertEqual(api.bridge_state(self.bridge)[self.bridge]["state"], "well")
		jobs.process()
		self.assertGreater(self.read_until(), frappe.utils.now_datetime() - HOUR)
		for device, said in api.device_state().items():
			self.assertNotIn(said["state"], ("unread", "orphaned", "failing"), device)

	def read_until(self) -> datetime:
		"""Of the device that was read, or heard, longest ago."""
		now = frappe.utils.now_datetime()
		names = frappe.get_all("Biometric Device", pluck="name")
		return min(Evidence(now).heard([name], now.date())[0].read_until for name in names)

	def test_what_is_pushed_is_a_check_in_as_soon_as_the_bridge_has_spoken(self):
		self.world.now = self.right_now()
		terminal = self.start()
		self.agent.speak()
		terminal.punch(self.world.employees[0], self.world.now)
		self.assertTrue(terminal.send_all())
		self.agent.speak()
		frappe.db.rollback()  # a fresh view
		jobs.process()
		self.assertEqual(checkins(), [(self.world.employees[0], self.world.now)])

	def test_a_device_that_is_entered_later_loses_nothing(self):
		serial = self.world.devices[0].serial
		frappe.db.set_value("Biometric Device", {"serial_number": serial}, "enabled", 0)
		frappe.db.commit()  # nosemgrep -- as a person who saved it
		terminal = self.start()
		self.agent.speak()
		for _day in range(2):
			self.a_day(terminal)
		frappe.db.set_value("Biometric Device", {"serial_number": serial}, "enabled", 1)
		frappe.db.commit()  # nosemgrep -- as a person who saved it
		for _turn in range(2):
			self.world.now += HOUR
			self.speak()
		jobs.process()
		self.assertEqual(checkins(), self.truth())
