"""A site that had an older commit becomes the same as a new one; an installation that broke off is completed; and nothing is left of one that is gone.

Each test begins and ends on the same site with erpnext and hrms, and without the app: SITE, from the folder of the bench's sites.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import ClassVar

import frappe
from frappe.utils import date_diff, getdate, nowdate

from biometric_integration.simulator import FakeEBioServer, FakeETimeTrackLite, World
from biometric_integration.tests import factories
from biometric_integration.tests.upgrade import picture
from biometric_integration.tests.upgrade.on_site import CHECKIN, DIED

APP = "biometric_integration"
SITE = os.environ.get("SITE", "")
REPOSITORY = Path(__file__).parents[3]
ON_SITE = str(Path(__file__).with_name("on_site.py"))
PASSWORD = "p&<s>ecret"
MAIN, OTHER = "main", "other"
CODES = ("31", "32", "33")
DAYS = 10

FIRST = "2177182"
"""The first commit that brings punches into check-ins."""
BEFORE_WORKDAYS = "100eb77"
BEFORE_ATTENDANCE = "f028514"
"""The first workdays, which stand beside Frappe HR."""
BEFORE_MANY_WAYS = "483036b"
"""Workdays and attendance, but no files, push, bridge and BioTime."""

FILLED_IN = (
	*("api_password", "api_user", "enabled", "endpoint_url", "server_type", "start_date", "time_zone"),
	*("docstatus", "name", "workdays_from"),
)
IN_USE = (
	"rows of __Auth: ",
	"rows of tabBiometric",
	"rows of tabDeleted Document: ",
	"rows of tabEmployee Checkin: ",
	"rows of tabPatch Log: ",
	*(f'rows of tabSingles: {{"Biometric Sync Settings: {field}": ' for field in FILLED_IN),
	"rows of tabVersion: ",
)
"""What a site that is in use has beyond a new one."""
SHOWN = 50
"""Differences that are told."""
OF_FRAPPE = (
	"rows of tabSeries: ",
	"rows of tabTag: ",
	'rows of tabVersion: {"data": "{\\"added\\":[[\\"installed_applications\\"',
)
"""What frappe keeps of names and tags that were given, and of apps that were installed."""


def bench(*words: str, code: Path = REPOSITORY) -> str:
	"""A command of `bench` with that code; what it printed."""
	return run("-m", "frappe.utils.bench_helper", "frappe", "--site", SITE, *words, code=code)


def on_site(what: str, code: Path = REPOSITORY, ends_with: int = 0, **values) -> str:
	"""See on_site.py."""
	return run(ON_SITE, SITE, what, json.dumps(values, default=str), code=code, ends_with=ends_with)


def run(*words: str, code: Path, ends_with: int = 0) -> str:
	"""In a process of its own, which has that code before any other."""
	done = subprocess.run(
		[sys.executable, *words],
		env={**os.environ, "PYTHONPATH": str(code)},
		stdout=subprocess.PIPE,
		stderr=subprocess.STDOUT,
		text=True,
	)
	if done.returncode != ends_with:
		raise AssertionError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout[-5000:]}")
	return done.stdout


def uninstall() -> None:
	bench("uninstall-app", APP, "--yes", "--no-backup")


def clear() -> None:
	"""The app is not there, nor what it made for others, and what a person did with that."""
	uninstall()
	with connected():
		frappe.db.delete(CHECKIN)
		frappe.db.delete("Comment", {"reference_doctype": CHECKIN})
		frappe.db.delete("Deleted Document", {"deleted_doctype": CHECKIN})


@cache
def checked_out(commit: str) -> Path:
	"""A folder with the app as it was."""
	folder = Path(tempfile.mkdtemp(prefix=f"{APP}-{commit}-"))
	unittest.addModuleCleanup(shutil.rmtree, folder)
	archive = subprocess.run(
		["git", "-C", str(REPOSITORY), "archive", commit, APP], stdout=subprocess.PIPE, check=True
	)
	subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
	return folder


@contextmanager
def connected():
	frappe.init(site=SITE)
	frappe.connect()
	try:
		yield
		frappe.db.commit()  # nosemgrep -- other processes see it
	finally:
		frappe.destroy()


# --- two servers and their people


class Office:
	"""Two servers of different types, each with two devices, and what they heard of three people up to now."""

	def __init__(self, codes: Sequence[str]) -> None:
		with connected():
			today = getdate(nowdate())
		self.start, self.today = today - timedelta(days=DAYS), today
		self.worlds = {server: self._world(server, codes) for server in (MAIN, OTHER)}
		self.goes_on(3)

	def _world(self, server: str, codes: Sequence[str]) -> World:
		world = World(datetime.combine(self.start, time()))
		for number in (1, 2):
			world.add_device(f"{server.upper()}{number:012}", f"{server} {number}")
		for day in range(DAYS):
			for number, code in enumerate(codes):
				for hour, direction in (
					((9, "in"), (17, "out")) if server == MAIN else ((13, "in"), (15, "out"))
				):
					at = datetime.combine(self.start + timedelta(days=day), time(hour, number * 10, day))
					late = timedelta(days=2 if day == 4 else 0)
					world.punch(world.devices[day % 2].serial, code, at, direction, received=at + late)
		return world

	def truth(self) -> set[tuple[str, datetime]]:
		return set().union(*(world.truth() for world in self.worlds.values()))

	def goes_on(self, days_ago: int) -> None:
		"""To the noon of that day, or to this moment."""
		noon = datetime.combine(self.today - timedelta(days=days_ago), time(12))
		for world in self.worlds.values():
			world.now = min(noon, datetime.now(world.zone).replace(tzinfo=None, microsecond=0))

	@contextmanager
	def serving(self):
		"""What on_site.py wants to know of them."""
		with ExitStack() as stack:
			fakes = {
				server: stack.enter_context(kind(self.worlds[server], password=PASSWORD))
				for server, kind in ((MAIN, FakeETimeTrackLite), (OTHER, FakeEBioServer))
			}
			yield {
				"start": self.start,
				"servers": [
					{
						"server_id": server,
						"server_type": kind,
						"endpoint_url": fakes[server].url,
						"api_user": "api",
						"api_password": PASSWORD,
						"time_zone": "Asia/Kolkata",
						"enabled": 1,
					}
					for server, kind in ((MAIN, "eTimeTrackLite"), (OTHER, "eBioServer"))
				],
				"devices": [
					{"device_name": device.name, "serial_number": device.serial}
					for device in self.worlds[MAIN].devices
				],
			}


def make_people() -> dict[str, str]:
	"""Employee → device id."""
	with connected():
		frappe.set_user("Administrator")
		frappe.db.set_single_value("System Settings", "time_zone", "Asia/Kolkata")
		factories.forget_people()
		return {employee: code for code, employee in factories.employees(CODES).items()}


# --- the tests


class Installations(unittest.TestCase):
	people: ClassVar[dict[str, str]]
	bare: ClassVar[picture.Picture]
	fresh: ClassVar[picture.Picture]
	older: ClassVar[Path]

	@classmethod
	def setUpClass(cls) -> None:
		clear()
		cls.people = make_people()
		cls.bare = picture.take(SITE)
		bench("install-app", APP)
		cls.fresh = picture.take(SITE)
		uninstall()

	def tearDown(self) -> None:
		"""Nothing is left of any installation, but what it made for others."""
		clear()
		self.assertSame(self.bare)

	def assertSame(self, expected: picture.Picture, but: Sequence[str] = ()) -> None:
		different = picture.differences(expected, picture.take(SITE), (*OF_FRAPPE, *but))
		if different:
			self.fail(
				"\n".join([f"{len(different)} differences", *(line[:300] for line in different[:SHOWN])])
			)

	# --- older commits

	def test_a_site_of_the_first_commit(self):
		self.becomes_a_new_one(FIRST, judged_for=45)

	def test_a_site_from_before_workdays(self):
		self.becomes_a_new_one(BEFORE_WORKDAYS, judged_for=45)

	def test_a_site_from_before_attendance(self):
		self.becomes_a_new_one(BEFORE_ATTENDANCE)

	def test_a_site_from_before_the_many_ways(self):
		self.becomes_a_new_one(BEFORE_MANY_WAYS)

	def becomes_a_new_one(self, commit: str, judged_for: int = 0) -> None:
		"""Its punches are there once, those that were read before and those that come later. Workdays are judged since so many days ago."""
		office, code = Office(CODES), checked_out(commit)
		with office.serving() as servers:
			bench("install-app", APP, code=code)
			on_site("connect", code, **servers)
			on_site("sync", code, servers=[MAIN, OTHER])
			self.assertEqual(self.checkins(), sorted(office.truth()))
			bench("migrate", "--skip-search-index")
			self.assertSame(self.fresh, but=IN_USE)
			self.assertEqual(self.judged_for(), judged_for)
			self.assertEqual(self.checkins(), sorted(office.truth()))
			office.goes_on(1)
			on_site("sync", servers=[MAIN, OTHER])
			self.assertEqual(self.checkins(), sorted(office.truth()))

	def checkins(self) -> list[tuple[str, datetime]]:
		with connected():
			rows = frappe.get_all(CHECKIN, fields=["employee", "time"], as_list=True, limit=0)
		return sorted((self.people[employee], moment) for employee, moment in rows)

	def judged_for(self) -> int:
		with connected():
			return date_diff(nowdate(), frappe.get_single("Biometric Sync Settings").workdays_from)

	# --- half installations

	def test_a_map_of_modules_that_is_older_than_the_app(self):
		with connected():
			frappe.cache.set_value("app_modules", {"frappe": frappe.local.app_modules["frappe"]})
		bench("install-app", APP)
		self.assertSame(self.fresh)

	def test_an_installation_that_died_among_the_doctypes_can_be_done_again(self):
		self.dies_at("frappe.model.sync.import_file_by_path", times=12)
		bench("install-app", APP)
		self.assertSame(self.fresh)

	def test_one_that_died_before_the_site_knew_the_app_can_be_done_again(self):
		self.dies_at("frappe.installer.add_to_installed_apps")
		bench("install-app", APP)
		self.assertSame(self.fresh)

	def test_one_that_died_before_patches_were_noted_is_completed_by_migrate(self):
		self.is_completed_after("frappe.installer.set_all_patches_as_completed")

	def test_one_that_died_before_there_was_a_custom_field_is_completed_by_migrate(self):
		self.is_completed_after("biometric_integration.install.create_custom_fields")

	def test_one_that_died_before_there_was_a_role_is_completed_by_migrate(self):
		self.is_completed_after("biometric_integration.install.add_role")

	def test_one_that_died_before_the_schedule_is_completed_by_migrate(self):
		self.is_completed_after("frappe.core.doctype.scheduled_job_type.scheduled_job_type.sync_jobs")

	def is_completed_after(self, step: str) -> None:
		self.dies_at(step)
		self.assertIn("already installed", bench("install-app", APP))
		bench("migrate", "--skip-search-index")
		self.assertSame(self.fresh)

	def dies_at(self, step: str, times: int = 1) -> None:
		on_site("install_until", step=step, times=times, ends_with=DIED)
		self.assertNotEqual(picture.differences(self.fresh, picture.take(SITE)), [])

	# --- uninstalling

	def test_a_dry_run_deletes_nothing(self):
		bench("install-app", APP)
		bench("uninstall-app", APP, "--dry-run")
		self.assertSame(self.fresh)

	def test_what_people_and_jobs_left_goes_along_and_no_worker_stumbles(self):
		bench("install-app", APP)
		on_site("leave_traces")
		left = picture.differences(self.fresh, picture.take(SITE))
		self.assertGreater(len(left), 10, left)
		self.assertGreaterEqual(on_site("tell_of_the_queue").count(f"{APP}."), 4)
		uninstall()
		self.assertNotIn(APP, on_site("tell_of_the_queue"))
		self.assertNotIn("Traceback", on_site("work"))

	def test_a_new_installation_knows_its_check_ins_again_and_brings_nothing_of_the_past_unless_it_is_asked(
		self,
	):
		office = Office(CODES)
		with office.serving() as servers:
			self.begins(servers)
			before = self.checkins()
			on_site("delete_newest")
			kept = self.checkins()
			self.assertEqual(len(kept), len(before) - 1)
			uninstall()
			office.goes_on(0)
			self.begins({**servers, "start": None})
			self.assertEqual(self.checkins(), kept)
			self.begins(servers)
			self.assertEqual(self.checkins(), sorted(office.truth()))

	def begins(self, servers: dict) -> None:
		bench("install-app", APP)
		on_site("connect", **servers)
		on_site("sync", servers=[MAIN, OTHER])
