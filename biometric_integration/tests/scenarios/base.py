"""What every scenario begins with, and what holds after each run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any
from uuid import uuid4

from biometric_integration.core.connector import ServerConfig
from biometric_integration.core.runs import RunReport, RunStatus
from biometric_integration.core.text import harmless
from biometric_integration.simulator import World
from biometric_integration.tests.scenarios.host import Host
from biometric_integration.tests.scenarios.place import FAKES, PASSWORD, Place, company_world, small_world


def on_both(scenario):
	"""Run a scenario against each server type."""

	@wraps(scenario)
	def runs(self):
		for server_type in FAKES:
			with self.subTest(server_type=server_type):
				scenario(self, server_type)

	return runs


class Scenarios:
	"""A test class adds `unittest.TestCase` and `new_host`."""

	host: Host

	def new_host(self) -> Host:
		raise NotImplementedError

	def setUp(self):
		super().setUp()
		self.host = self.new_host()

	# -- setting the scene

	@contextmanager
	def place(
		self, server_type: str, world: World | None = None, mark: str = "", **server: Any
	) -> Iterator[Place]:
		mark = mark or uuid4().hex[:6]
		world = world or small_world(mark)
		with FAKES[server_type](world, user="api", password=PASSWORD, **server) as fake:
			config = ServerConfig(
				f"server-{mark}", server_type, fake.url, "api", PASSWORD, time_zone=str(world.zone), timeout=5
			)
			yield Place(self.host, server_type, world, mark, fake, config)

	@contextmanager
	def company(self, server_type: str, **server: Any) -> Iterator[Place]:
		"""50 employees, 4 devices, 7 days."""
		mark = uuid4().hex[:6]
		with self.place(server_type, company_world(mark), mark, **server) as place:
			place.enter_devices()
			place.employ_all()
			yield place

	@contextmanager
	def office(self, server_type: str, *codes: str, **server: Any) -> Iterator[Place]:
		"""One device, a few employees, no punch yet; Monday noon."""
		with self.place(server_type, **server) as place:
			place.enter_devices()
			place.employ(*(codes or ("0031",)))
			yield place

	# -- what holds after each run

	def assert_all_written(self, place: Place):
		"""Each punch once, nothing else, and the logs add up."""
		self.assertEqual(place.written(), place.truth())
		self.assert_counts(place)

	def assert_counts(self, place: Place):
		for log in place.logs():
			self.assertEqual(log.fetched, log.new + log.known + log.junk + log.invalid, log)
			settled = (
				log.created + log.already_there + log.unmapped + log.ignored + log.failed + log.quarantined
			)
			self.assertEqual(log.new, settled + log.pending, log)

	def assert_success(self, reports: list[RunReport]):
		self.assertTrue(reports)
		for report in reports:
			self.assertEqual((report.status, report.message), (RunStatus.SUCCESS, ""), report)

	def assert_alarmed(self, place: Place, reports: list[RunReport], *words: str):
		"""At least one run is no success, and each that is none says why, in the report and on its log."""
		bad = [report for report in reports if report.status is not RunStatus.SUCCESS]
		self.assertTrue(bad, "nobody noticed")
		logs = {log.name: log for log in place.logs()}
		for report in bad:
			self.assertGreater(len(report.message.split()), 4, "a sentence")
			log = logs[report.log]
			self.assertEqual(
				(log.status, harmless(log.error)), (report.status.value, harmless(report.message))
			)
		for word in words:
			self.assertIn(word, " ".join(report.message for report in bad))

	def assert_no_secret(self, place: Place, reports: list[RunReport], *heard: str):
		said = "\n".join(
			[repr(reports), repr(place.logs()), repr(place.events()), repr(place.config), *heard]
		)
		for secret in (PASSWORD, PASSWORD.replace("&", "&amp;"), "ecret"):
			self.assertNotIn(secret, said)
