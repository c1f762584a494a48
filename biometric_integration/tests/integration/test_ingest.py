"""The ingest API as a stranger, as other users and as a bridge reach it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from threading import Thread
from unittest.mock import patch

import frappe

import biometric_integration
from biometric_integration.permissions import BRIDGE_ROLE
from biometric_integration.receivers.ingest import MOST_BYTES
from biometric_integration.sync import jobs
from biometric_integration.sync.receiving import ingest
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import FIRST_DAY, SiteTestCase, checkins, events, logs
from biometric_integration.tests.integration.http import API, Answer, serving

PATH = f"{API}ingest"
COUNTED = ("Staging Event", "Sync Log", "Device", "Device Hour")
DOCS = Path(biometric_integration.__file__).parents[1] / "docs" / "ingest-api.md"


def punch(number: int = 1, **values) -> dict:
	return {"serial": "SN1", "user_id": str(number), "time": f"2025-04-07 09:{number:02}:00", **values}


def batch(*punches) -> bytes:
	return json.dumps({"punches": punches}).encode()


class IngestCase(SiteTestCase):
	@classmethod
	def setUpClass(cls):
		super().setUpClass()
		frappe.set_user("Administrator")
		cls.key = cls.new_key(BRIDGE_ROLE)
		context = serving()
		cls.site = context.__enter__()
		cls.addClassCleanup(context.__exit__, None, None, None)

	def setUp(self):
		super().setUp()
		factories.settings(server_type="", enabled=0, start_date=FIRST_DAY)
		self.device = factories.device("SN1", "Main Gate")

	@classmethod
	def new_key(cls, role: str | None) -> str:
		user = frappe.get_doc("User", factories.user(role))
		secret = frappe.generate_hash(length=15)
		user.api_key, user.api_secret = frappe.generate_hash(length=15), secret
		user.save(ignore_permissions=True)
		frappe.db.commit()  # nosemgrep -- other connections see it
		cls.addClassCleanup(factories.forget_user, user.name)
		cls.user = user.name
		return f"{user.api_key}:{secret}"

	def send(self, body: bytes, key: str | None = None, **headers: str) -> Answer:
		frappe.db.commit()  # nosemgrep -- what was prepared is seen
		key = self.key if key is None else key
		token = {"Authorization": f"token {key}"} if key else {}
		answer = self.site.post(PATH, body, **token, **headers)
		frappe.db.rollback()  # a fresh view
		return answer

	def counted(self) -> list[int]:
		return [frappe.db.count(f"Biometric {doctype}") for doctype in COUNTED]


class Bridge(IngestCase):
	def test_each_row_has_its_result(self):
		rows = [punch(1, direction="IN"), punch(2, time="yesterday"), punch(3, serial="SN9"), punch(1)]
		answer = self.send(batch(*rows))
		self.assertEqual(answer.status, 200, answer.body)
		results = answer.message["results"]
		self.assertEqual([row["status"] for row in results], ["new", "refused", "refused", "known"])
		self.assertEqual([row["index"] for row in results], [0, 1, 2, 3])
		self.assertIn("time", results[1]["reason"])
		self.assertIn("SN9", results[2]["reason"])
		counts = {name: answer.message[name] for name in ("new", "known", "refused")}
		self.assertEqual(counts, {"new": 1, "known": 1, "refused": 2})
		self.assertEqual([event.device_user_id for event in events()], ["1"])

	def test_a_batch_that_is_sent_again_changes_nothing(self):
		body = batch(*(punch(number) for number in range(10)))
		self.assertEqual(self.send(body).message["new"], 10)
		before = self.counted()
		self.assertEqual(self.send(body).message["known"], 10)
		self.assertEqual(self.counted(), before)
		self.assertEqual(sum(log.fetched for log in logs()), 20)

	def test_two_bridges_that_send_the_same_at_once(self):
		body, found = batch(*(punch(number) for number in range(60))), []
		threads = [
			Thread(target=lambda: found.append(self.site.post(PATH, body, Authorization=f"token {self.key}")))
			for _ in range(4)
		]
		frappe.db.commit()  # nosemgrep -- what was prepared is seen
		for thread in threads:
			thread.start()
		for thread in threads:
			thread.join()
		frappe.db.rollback()
		self.assertEqual([answer.status for answer in found], [200] * 4)
		self.assertEqual(sum(answer.message["new"] for answer in found), 60)
		self.assertEqual(len(events()), 60)

	def test_punches_become_check_ins(self):
		factories.employee("1")
		self.send(batch(punch(1)))
		jobs.process()
		self.assertEqual(checkins(), [("1", datetime(2025, 4, 7, 9, 1))])

	def test_a_clock_that_shows_any_year_is_kept_and_not_refused(self):
		"""A bridge has acknowledged it to the device already. The first moment of the calendar is none in other zones."""
		factories.employee("1")
		years = ("0001-01-01 00:00:00", "1969-12-31 23:59:59", "9999-12-31 23:59:59")
		answer = self.send(batch(*(punch(1, time=text) for text in years)))
		self.assertEqual(answer.message["new"], 3, answer.body)
		jobs.process()
		self.assertEqual([event.status for event in events()], ["Failed", "Quarantined", "Quarantined"])
		self.assertEqual(checkins(), [])

	def test_a_row_that_was_not_stored_is_not_acknowledged(self):
		with patch.object(ingest, "receive", side_effect=frappe.db.OperationalError(2006, "gone away")):
			status, answer = ingest.answer(batch(punch(1)))
		self.assertEqual((status, list(answer)), (503, ["error"]))
		self.assertNotIn("gone away", answer["error"])
		with (
			patch.object(ingest, "receive", side_effect=ValueError("what was sent")),
			patch.object(frappe, "log_error") as noted,
		):
			status, answer = ingest.answer(batch(punch(1)))
		self.assertEqual((status, list(answer)), (500, ["error"]))
		self.assertNotIn("what was sent", repr((answer, noted.call_args)))

	def test_a_disabled_device_is_not_written_for(self):
		frappe.db.set_value("Biometric Device", self.device, "enabled", 0)
		self.assertEqual(self.send(batch(punch(1))).message["refused"], 1)
		self.assertEqual(events(), [])

	def test_a_key_of_another_company_writes_nothing_here(self):
		ours, other = factories.company(), self.company_without_people()
		frappe.db.set_value("Biometric Device", self.device, "company", ours)
		permission = frappe.get_doc(
			doctype="User Permission", user=self.user, allow="Company", for_value=other
		).insert(ignore_permissions=True)
		self.addCleanup(frappe.db.commit)
		self.addCleanup(frappe.delete_doc, "User Permission", permission.name)
		self.assertEqual(self.send(batch(punch(1))).message["refused"], 1)
		permission.for_value = ours
		permission.save(ignore_permissions=True)
		self.assertEqual(self.send(batch(punch(1))).message["new"], 1)
		frappe.db.set_value("Biometric Device", self.device, "company", None)
		self.assertEqual(self.send(batch(punch(2))).message["refused"], 1)

	def company_without_people(self) -> str:
		name = factories.unique("Other")
		abbr = frappe.generate_hash(length=5)
		frappe.get_doc(
			doctype="Company", company_name=name, abbr=abbr, default_currency="INR", country="India"
		).db_insert()
		self.addCleanup(frappe.db.commit)
		self.addCleanup(frappe.db.delete, "Company", {"name": name})
		return name


class Strangers(IngestCase):
	def test_a_stranger_changes_nothing(self):
		mine = self.user
		others = [self.new_key(role) for role in (None, "System Manager")]
		type(self).user = mine
		before = self.counted()
		for key in ("", "x:y", self.key[:-1] + "?", *others):
			with self.subTest(key=key):
				self.assertIn(self.send(batch(punch(1)), key).status, (401, 403))
		self.assertEqual(self.counted(), before)

	def test_what_is_no_batch_changes_nothing(self):
		before = self.counted()
		for status, body in (
			(400, b"[]"),
			(400, b'{"punches": 1}'),
			(413, batch(*[1] * 1001)),
			(413, b'{"punches": ["' + b"x" * MOST_BYTES + b'"]}'),
		):
			answer = self.send(body)
			self.assertEqual(answer.status, status)
			self.assertLess(len(answer.body), 2000)
		self.assertGreaterEqual(self.send(b"{").status, 400)
		self.assertEqual(self.send(b"{", **{"Content-Type": "text/plain"}).status, 400)
		self.assertEqual(self.counted(), before)

	def test_only_by_post(self):
		answer = self.site.ask("GET", PATH, b"", {"Authorization": f"token {self.key}"})
		self.assertEqual(answer.status, 403)

	def test_the_role_can_do_nothing_else(self):
		frappe.db.commit()  # nosemgrep -- what was prepared is seen
		self.assertEqual(frappe.db.count("DocPerm", {"role": BRIDGE_ROLE}), 0)
		self.assertEqual(frappe.db.count("Custom DocPerm", {"role": BRIDGE_ROLE}), 0)
		self.assertEqual(frappe.db.get_value("Role", BRIDGE_ROLE, "desk_access"), 0)
		token = {"Authorization": f"token {self.key}"}
		for doctype in (
			"Biometric Device",
			"Biometric Staging Event",
			"Employee",
			"Employee Checkin",
		):
			path = f"/api/resource/{doctype.replace(' ', '%20')}"
			self.assertEqual(self.site.ask("GET", path, b"", token).status, 403, doctype)
		for method in ("sync_now", "status", "test_connection"):
			self.assertEqual(self.site.post(f"{API}{method}", b"{}", **token).status, 403, method)


class Documented(IngestCase):
	def example(self, language: str) -> str:
		text = re.search(rf"```{language}\n(.*?)```", DOCS.read_text(), re.DOTALL)[1]
		return text.replace("https://erp.example.com", self.site.url).replace("ABCD000000001", "SN1")

	def run_example(self, *command: str) -> str:
		frappe.db.commit()  # nosemgrep -- what was prepared is seen
		key, secret = self.key.split(":")
		environment = {**os.environ, "KEY": key, "SECRET": secret}
		done = subprocess.run(
			command, env=environment, capture_output=True, text=True, timeout=60, check=True
		)
		frappe.db.rollback()
		return done.stdout

	def test_the_example_with_curl(self):
		answer = json.loads(self.run_example("bash", "-c", self.example("sh")))
		self.assertEqual(answer["message"]["results"], [{"index": 0, "status": "new"}])
		self.assertEqual([event.device_user_id for event in events()], ["0031"])
		expected = json.loads(re.search(r"```json\n(.*?)```", DOCS.read_text(), re.DOTALL)[1])
		self.assertEqual(answer, expected)

	def test_the_example_in_python(self):
		with tempfile.TemporaryDirectory() as folder:
			script, data = Path(folder) / "send.py", Path(folder) / "punches"
			script.write_text(self.example("python"))
			rows = [punch(number % 60, user_id=f"{number}") for number in range(700)]
			data.write_text("\n".join(map(json.dumps, [*rows, punch(1, serial="SN9")])))
			said = self.run_example(sys.executable, str(script), str(data))
		self.assertEqual(len(events()), 700)
		(refused,) = map(json.loads, said.splitlines())
		self.assertIn("SN9", refused["reason"])
