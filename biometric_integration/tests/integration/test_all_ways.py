"""The same punches by all ways at once: each makes one Staging Event and one Employee Checkin, and nobody is told what is not so.

`BIOMETRIC_WAYS=10000` brings that many punches, by each way.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from random import Random
from threading import Barrier, Thread
from unittest.mock import patch

import frappe

from biometric_integration.core.runs import Outcome, Trigger
from biometric_integration.core.stream import Stream
from biometric_integration.permissions import BRIDGE_ROLE
from biometric_integration.simulator import Fault, FaultKind
from biometric_integration.sync import jobs
from biometric_integration.sync.db import pace
from biometric_integration.sync.records import sync_log
from biometric_integration.sync.store import PullStore
from biometric_integration.tests import factories
from biometric_integration.tests.integration import ways
from biometric_integration.tests.integration.base import (
	PASSWORD,
	SERVER_TYPES,
	SiteTestCase,
	checkins,
	events,
	logs,
)
from biometric_integration.tests.integration.http import API, serving
from biometric_integration.tests.integration.ways import (
	BORDER,
	DEVICES,
	FILE,
	FIRST,
	FromFiles,
	Posted,
	Pulled,
	Pushed,
	Tap,
	Way,
	Workers,
	works,
)

PUNCHES = int(os.environ.get("BIOMETRIC_WAYS", "600"))
SECRET = "secret-of-the-hook-of-all-ways"
SERVERS = {"main": "eTimeTrackLite", "bio": "BioTime", "ebio": "eBioServer"}
"""Server id → its type; all devices are at home at the first."""
FAULTS = (
	Fault(FaultKind.CUT_BODY, times=1, after=2),
	Fault(FaultKind.HTTP_500_HTML, times=1, after=5),
	Fault(FaultKind.RESET, times=1, after=4),
	Fault(FaultKind.DUPLICATE_ROWS, times=3, after=3),
	Fault(FaultKind.SHUFFLED, times=3, after=6),
)
PUSHES = {"accept_push": 1, "push_secret": "", "push_networks": ""}


class TestAllWays(SiteTestCase):
	def setUp(self) -> None:
		super().setUp()
		self.forget_files()
		self.addCleanup(self.forget_files)
		self.addCleanup(factories.settings, server_type="", enabled=0, accept_push=0, hook_secret="")
		frappe.cache.delete_keys(pace.PREFIX)

	def forget_files(self) -> None:
		frappe.db.rollback()
		frappe.db.delete(FILE)
		for name in frappe.get_all("File", {"attached_to_doctype": FILE}, pluck="name"):
			frappe.delete_doc("File", name, force=True)
		frappe.db.commit()  # nosemgrep -- what our code wrote was committed as well

	def new_key(self) -> str:
		"""Of a bridge."""
		user = frappe.get_doc("User", factories.user(BRIDGE_ROLE))
		user.api_key, user.api_secret = frappe.generate_hash(length=15), "of-the-bridge-42"
		user.save(ignore_permissions=True)
		self.addCleanup(frappe.delete_doc, "User", user.name, force=True, ignore_permissions=True)
		return f"{user.api_key}:of-the-bridge-42"

	def employ(self) -> None:
		factories.employees(ways.PEOPLE)
		factories.employee(ways.LEFT, status="Left", relieving_date=BORDER)
		factories.employee(ways.CAME, joined=BORDER)

	def serve(self, world) -> None:
		"""The three servers that list the same devices, and what goes wrong with each of them."""
		rows = {}
		for server_id, server_type in SERVERS.items():
			server = SERVER_TYPES[server_type](world, password=PASSWORD)
			server.start()
			self.addCleanup(server.stop)
			server.faults.add(*FAULTS)
			values = {"endpoint_url": server.url, "api_user": "api", "api_password": PASSWORD, "timeout": 10}
			rows[server_id] = {"server_type": server_type, **values}
		more = [
			{"server_id": server_id, "label": server_id, "time_zone": "Asia/Kolkata", **rows[server_id]}
			for server_id in ("bio", "ebio")
		]
		more[1]["hook_secret"] = SECRET
		values = {"start_date": FIRST, "import_floor": None, "repeat_window": 0, "requests_at_once": 2}
		factories.settings(more_servers=more, **rows["main"], **values, **PUSHES)

	def everybody(self, port: int, names: dict[Tap, str], key: str) -> list[Way]:
		def of(kind, name: str, **more) -> Way:
			return kind(name, frappe.local.site, port, names, Random(name), **more)

		ingest = {"path": f"{API}ingest", "headers": {"Authorization": f"token {key}"}, "is_taken": _all_kept}
		hook = f"{API}ebioserver_hook?secret={SECRET}"
		return [
			*(of(Pulled, server_id) for server_id in SERVERS),
			*(of(Pushed, serial) for serial in DEVICES),
			*(of(Posted, name, body=_batch, **ingest) for name in ("bridge", "another bridge")),
			of(Posted, "hook", path=hook, body=_delivery, is_taken=lambda text, _rows: text == b"Success"),
			of(FromFiles, "files"),
		]

	def test_each_punch_makes_one_event_and_one_check_in(self):
		world, key = ways.office(PUNCHES), self.new_key()
		keys = {row.serial: factories.device(row.serial, row.name, push=1) for row in world.devices}
		self.employ()
		self.serve(world)
		frappe.db.commit()  # nosemgrep -- as a person who saved it
		trouble: list[str] = []
		workers, started, deadlocks = Workers(frappe.local.site, trouble), time.monotonic(), _deadlocks()
		needed = patch.object(jobs, "_is_needed", workers.are_needed)
		with needed, patch.object(frappe, "enqueue", workers.enqueue), serving() as site:
			senders = self.everybody(site.port, ways.names_of(world, keys), key)
			with workers.at_work(2):
				ways.at_once(senders, trouble)
		frappe.db.rollback()  # what others have committed is seen
		tell(senders, workers, time.monotonic() - started, _deadlocks() - deadlocks)
		self.assertEqual(trouble, [], "\n".join(trouble))
		self.assert_once(ways.taps(world), senders[0].names)
		self.assert_told_the_truth(senders)
		self.assert_logs_add_up()

	def assert_once(self, truth: Sequence[Tap], names: dict[Tap, str]) -> None:
		self.assertEqual([event.name for event in events()], sorted(names.values()))
		self.assertEqual(len(set(names.values())), PUNCHES)
		self.assertEqual(checkins(), sorted({(tap.user_id, tap.at) for tap in truth if works(tap)}))
		not_used = Counter(
			(event.status, event.reason_code) for event in events() if event.status != "Processed"
		)
		expected = {"No Employee": ways.NOBODY, "Left": [ways.LEFT], "Not Joined Yet": [ways.CAME]}
		for reason, ids in expected.items():
			number = sum(tap.user_id in ids and not works(tap) for tap in truth)
			self.assertEqual(not_used.pop(("Unmapped", reason), 0), number, reason)
		self.assertEqual(not_used, {})

	def assert_told_the_truth(self, senders: Sequence[Way]) -> None:
		"""Who had all has told all of it, and at the moment of each answer it was there."""
		for way in senders:
			own = {tap for tap in way.names if way.name not in DEVICES or tap.serial == way.name}
			self.assertEqual(way.lies, [], way.name)
			self.assertEqual(way.told, own, way.name)

	def assert_logs_add_up(self) -> None:
		found = logs()
		for log in found:
			self.assertEqual(log.fetched, log.new + log.known + log.junk + log.invalid, log.name)
			became = ("created", "already_there", "unmapped", "ignored", "failed", "quarantined", "pending")
			self.assertEqual(log.new, sum(log[field] for field in became), log.name)
			self.assertNotEqual(log.status, "Running", log.name)
		self.assertEqual(sum(log.new for log in found), PUNCHES)
		self.assertEqual(sum(log.junk + log.invalid for log in found), 0)
		of_events = Counter(frappe.get_all("Biometric Staging Event", pluck="sync_log", limit=0))
		self.assertEqual(of_events, Counter({log.name: log.new for log in found if log.new}))


class TestNewStreams(SiteTestCase):
	def test_streams_that_begin_at_once_do_not_wait_for_each_other(self):
		"""A lock on a cursor that is not there yet would keep the others from making theirs."""
		at_once, open_log, failed = Barrier(3, timeout=20), sync_log.open_log, []

		def opened(*arguments):
			at_once.wait()
			return open_log(*arguments)

		def begin(site: str, number: int) -> None:
			try:
				with ways.connected(site):
					store, stream = PullStore(), Stream("main", "eTimeTrackLite", f"WAYS{number}", "punches")
					store.finish(store.claim(stream, Trigger.MANUAL), Outcome())
			except Exception as error:
				failed.append(repr(error))

		threads = [Thread(target=begin, args=(frappe.local.site, number)) for number in range(3)]
		with patch.object(sync_log, "open_log", opened):
			for thread in threads:
				thread.start()
			for thread in threads:
				thread.join()
		frappe.db.rollback()  # what others have committed is seen
		self.assertEqual(failed, [])
		self.assertEqual([log.status for log in logs()], ["Success"] * 3)
		self.assertEqual(frappe.db.count("Biometric Sync Cursor", {"run": ("!=", "")}), 3)


def _all_kept(answer: bytes, rows: int) -> bool:
	results = json.loads(answer)["message"]["results"]
	return len(results) == rows and all(row["status"] in ("new", "known") for row in results)


def _batch(rows: Sequence[Tap]) -> dict:
	return {"punches": [{"serial": tap.serial, "user_id": tap.user_id, "time": str(tap.at)} for tap in rows]}


def _delivery(rows: Sequence[Tap]) -> list[dict]:
	return [{"EmployeeCode": tap.user_id, "LogDate": str(tap.at), "SerialNumber": tap.serial} for tap in rows]


def _deadlocks() -> int:
	"""Of the whole database server."""
	return int(frappe.db.sql("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")[0][1])


def tell(senders: Sequence[Way], workers: Workers, seconds: float, deadlocks: int) -> None:
	"""Where many were brought, somebody wants to know how it went."""
	if "BIOMETRIC_WAYS" not in os.environ:
		return
	print(
		f"\n{PUNCHES} punches by {len(senders)} ways in {seconds:.1f} s, {deadlocks} deadlocks",
		file=sys.stderr,
	)
	by_feed = Counter()
	for log in logs():
		by_feed[log.server_type or log.feed, "new"] += log.new
		by_feed[log.server_type or log.feed, "known"] += log.known
		by_feed[log.server_type or log.feed, "logs"] += 1
	for (feed, what), number in sorted(by_feed.items()):
		print(f"  {feed} {what}: {number}", file=sys.stderr)
	for way in senders:
		print(f"  {way.name}: {way.took:.1f} s, {way.cuts} cut off, {dict(way.answers)}", file=sys.stderr)
	print(f"  jobs: {dict(workers.done)}", file=sys.stderr)
