"""The command line: what it prints, what it ends with, and what it never says."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout
from datetime import datetime, timedelta, timezone
from pathlib import Path
from unittest import mock

from biometric_integration.bridge import simulate
from biometric_integration.bridge.cli import main
from biometric_integration.bridge.config import load
from biometric_integration.bridge.exits import MEANINGS, Exit, of_runs
from biometric_integration.bridge.store import SqliteStore
from biometric_integration.connectors.registry import CONNECTORS
from biometric_integration.core.errors import AuthenticationError, TransientError
from biometric_integration.core.runs import RunCounts, RunReport, RunStatus, Trigger
from biometric_integration.core.stream import Stream
from biometric_integration.simulator import FakeServer, Fault, FaultKind, World

FIRST_DAY = datetime.now(timezone.utc).date() - timedelta(days=6)
MORNING = datetime.combine(FIRST_DAY, datetime.min.time()) + timedelta(hours=9)
PASSWORD = "p&<s>\"ecret'9 %41"
EBIO, ETIME = "eBioServer", "eTimeTrackLite"


class CommandLine(unittest.TestCase):
	"""Two servers that tell of three punches of two people, and a third person nobody knows."""

	def setUp(self):
		folder = tempfile.TemporaryDirectory()
		self.addCleanup(folder.cleanup)
		self.folder = Path(folder.name)
		self.world = World(MORNING + timedelta(days=3))
		self.world.add_device("S1", "Gate 1, North", "HO")
		for code, hours, direction in (("0031", 0, "in"), ("PN7", 1, "in"), ("0031", 9, "out")):
			self.world.punch("S1", code, MORNING + timedelta(hours=hours), direction)
		self.employees = simulate.employees_of(self.world)
		patched = mock.patch.object(simulate, "PASSWORD", PASSWORD)
		patched.start()
		self.addCleanup(patched.stop)
		fakes = simulate.fake_servers(self.world)
		self.fakes: dict[str, FakeServer] = fakes.__enter__()
		self.addCleanup(fakes.__exit__, None, None, None)
		self.config = self.site(EBIO, ETIME)

	def site(self, *server_types: str) -> Path:
		urls = {server_type: self.fakes[server_type].url for server_type in server_types}
		return simulate.write_site(self.folder, self.world, urls, FIRST_DAY, self.employees)

	def call(self, *arguments: str) -> tuple[int, str, str]:
		out, err = io.StringIO(), io.StringIO()
		with redirect_stdout(out), redirect_stderr(err):
			code = main([str(argument) for argument in arguments])
		self.said = out.getvalue() + err.getvalue()
		return code, out.getvalue(), err.getvalue()

	def sync(self, *arguments: str) -> tuple[int, str, str]:
		return self.call("sync", "--config", self.config, *arguments)

	def fault(self, kind: FaultKind, server_type: str = ETIME, **values) -> None:
		self.fakes[server_type].faults.add(Fault(kind, **{"times": None, **values}))


class Sync(CommandLine):
	def test_success(self):
		code, out, _ = self.sync()
		self.assertEqual(code, Exit.SUCCESS, out)
		self.assertRegex(out, r"\n\S+ \S+ 3 new punches", "both servers tell of the same device")
		self.assertIn("3 check-ins", out)
		code, out, _ = self.sync()
		self.assertEqual(code, Exit.SUCCESS)
		self.assertIn("0 new punches", out)

	def test_as_json(self):
		code, out, _ = self.sync("--json", "--server", "etimetracklite", "--device", "S1")
		found = json.loads(out)
		self.assertEqual((code, found["exit_code"], found["status"]), (0, 0, "Success"))
		(run,) = found["runs"]
		self.assertEqual((run["unit"], run["fetched"], run["new"], run["created"]), ("S1", 3, 3, 3))

	def test_an_unknown_person_waits_with_a_reason_and_is_no_failure(self):
		self.employees = self.employees[:1]
		self.site(EBIO, ETIME)
		code, out, _ = self.sync()
		self.assertEqual(code, Exit.SUCCESS)
		self.assertIn("No employee has the id PN7.", out)
		found = json.loads(self.sync("--json")[1])
		self.assertEqual([row["reason_code"] for row in found["waiting"]], ["No Employee"])

	def test_partial(self):
		self.world.raw_row("S1", "nonsense", MORNING)
		code, out, _ = self.sync("--server", "etimetracklite")
		self.assertEqual(code, Exit.PARTIAL, out)
		self.assertIn("could not be read", out)

	def test_a_server_that_answers_nonsense_has_failed_and_the_other_is_read(self):
		self.fault(FaultKind.HTML_200)
		code, out, _ = self.sync()
		self.assertEqual(code, Exit.FAILED, out)
		self.assertIn("3 check-ins", out)

	def test_a_wrong_password(self):
		(self.folder / simulate.PASSWORD_FILE).write_text("wrong")
		self.assertEqual(self.sync("--server", "etimetracklite")[0], Exit.AUTHENTICATION, self.said)

	def test_no_password(self):
		(self.folder / simulate.PASSWORD_FILE).unlink()
		code, _, err = self.sync()
		self.assertEqual(code, Exit.CONFIGURATION)
		self.assertIn("etimetracklite: The password file", err)

	def test_all_of_it_is_being_read_already(self):
		self.site(ETIME)
		with SqliteStore(self.folder / "punches.sqlite") as other:
			other.claim(Stream("etimetracklite", ETIME, "S1", "punches"), Trigger.CONSOLE)
			self.assertEqual(self.sync()[0], Exit.BUSY, self.said)

	def test_a_wrong_configuration_as_text_and_as_json(self):
		self.config.write_text("[site]\n")
		code, out, err = self.sync("--json")
		self.assertEqual((code, json.loads(out)["exit_code"]), (2, 2))
		self.assertIn("time_zone is missing", err)
		self.assertEqual(self.call("sync", "--config", self.folder / "none.ini")[0], Exit.CONFIGURATION)

	def test_a_wrong_employee_list_stops_before_anything_is_read(self):
		(self.folder / simulate.EMPLOYEES_FILE).write_text("ID,Attendance Device ID\nE1,1\nE1,2\n")
		code, _, err = self.sync()
		self.assertEqual(code, Exit.CONFIGURATION)
		self.assertIn("line 3", err)
		self.assertEqual(self.fakes[EBIO].requests, [])

	def test_wrong_usage(self):
		for arguments in ((), ("snyc",), ("sync", "--nope"), ("export", "--from", "01-07-2026")):
			self.assertEqual(self.call(*arguments)[0], Exit.CONFIGURATION)
		code, _, err = self.sync("--device", "S1")
		self.assertEqual(code, Exit.CONFIGURATION)
		self.assertIn("--server", err)

	def test_each_run_is_told_when_it_ends(self):
		with mock.patch("biometric_integration.bridge.cli.Site.process", side_effect=KeyboardInterrupt):
			code, out, _ = self.sync()
		self.assertEqual(code, Exit.INTERRUPTED)
		self.assertEqual(out.count("Success"), 3, out)

	def test_interrupted(self):
		with mock.patch("biometric_integration.bridge.cli.Site.take_over", side_effect=KeyboardInterrupt):
			self.assertEqual(self.sync()[0], Exit.INTERRUPTED)

	def test_the_worst_of_several_runs_decides(self):
		def report(status: RunStatus, error=None) -> RunReport:
			return RunReport("1", "s", status, "", RunCounts(), datetime.now(timezone.utc), error)

		done, partly = report(RunStatus.SUCCESS), report(RunStatus.PARTIAL)
		failed, refused = (
			report(RunStatus.FAILED, kind("")) for kind in (TransientError, AuthenticationError)
		)
		for runs, code in (
			((), Exit.SUCCESS),
			((done, report(RunStatus.RUNNING)), Exit.SUCCESS),
			((report(RunStatus.RUNNING),), Exit.BUSY),
			((done, partly), Exit.PARTIAL),
			((partly, failed), Exit.FAILED),
			((failed, refused), Exit.AUTHENTICATION),
		):
			self.assertEqual(of_runs(runs), code)


class ConnectionTest(CommandLine):
	def test_of_a_configuration(self):
		code, out, _ = self.call("test", "--config", self.config)
		self.assertEqual(code, Exit.SUCCESS, out)
		self.assertEqual(out.count("Parse"), 2)

	def test_of_any_server(self):
		with mock.patch.dict("os.environ", {"BIO_TEST": PASSWORD}):
			where = (
				"--type",
				EBIO,
				"--url",
				self.fakes[EBIO].url,
				"--user",
				"api",
				"--password-env",
				"BIO_TEST",
			)
			code, out, _ = self.call("test", *where, "--json")
		found = json.loads(out)
		self.assertEqual((code, found["ok"]), (0, True))
		steps = [step["step"] for step in found["servers"][0]["steps"]]
		self.assertEqual(steps, ["Name", "TCP", "HTTP", "Login", "Operation", "Parse"])

	def test_a_wrong_password_and_what_to_do(self):
		(self.folder / simulate.PASSWORD_FILE).write_text("wrong")
		code, out, _ = self.call("test", "--config", self.config, "--server", "etimetracklite")
		self.assertEqual(code, Exit.AUTHENTICATION)
		self.assertRegex(out, r"Login +FAILED")
		self.assertIn("Check API User", out)

	def test_nobody_listens(self):
		self.fakes[EBIO].stop()
		code, out, _ = self.call("test", "--config", self.config, "--server", "ebioserver")
		self.assertEqual(code, Exit.FAILED)
		self.assertRegex(out, r"TCP +FAILED")

	def test_a_url_needs_a_type_and_a_user(self):
		self.assertEqual(self.call("test", "--url", "http://x")[0], Exit.CONFIGURATION)


class Looking(CommandLine):
	def test_nothing_is_there_before_the_first_run(self):
		code, _, err = self.call("status", "--config", self.config)
		self.assertEqual(code, Exit.CONFIGURATION)
		self.assertIn("run sync first", err)

	def test_how_things_stand(self):
		self.sync()
		code, out, _ = self.call("status", "--config", self.config)
		self.assertEqual(code, Exit.SUCCESS)
		self.assertIn("Check-ins: 3. Employees: 2.", out)
		moment = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+05:30"
		stream = rf"last run {moment}, Success; everything (before|from {moment} to) {moment} is here\.\n"
		self.assertRegex(out, rf"^It is {moment} \(Asia/Kolkata\)\.\nServer ebioserver, eBioServer at http")
		for name in ("ebioserver, day", "ebioserver, live", "etimetracklite, S1"):
			self.assertRegex(out, rf"\n  {name}: {stream}")
			self.assertRegex(out, rf"\n  {moment} Success  {name}: \d+ rows, ")
		found = json.loads(self.call("status", "--config", self.config, "--json")[1])
		self.assertEqual((found["check_ins"], len(found["streams"])), (3, 3))
		self.assertEqual(found["time_zone"], "Asia/Kolkata")
		self.assertRegex(found["runs"][0]["started_at"], f"^{moment}$")

	def test_what_was_read_is_told_by_the_clock_of_its_server_and_when_by_that_of_the_site(self):
		text = self.config.read_text().replace(
			"type = eTimeTrackLite", "type = eTimeTrackLite\ntime_zone = Europe/Lisbon"
		)
		self.config.write_text(text)
		self.sync()
		found = json.loads(self.call("status", "--config", self.config, "--json")[1])
		(plant,) = (stream for stream in found["streams"] if stream["server"] == "etimetracklite")
		self.assertRegex(plant["last_run"], r"\+05:30$")
		self.assertRegex(plant["complete_until"], r"\+0[01]:00$")

	def test_what_was_never_read_and_what_is_read_no_more(self):
		self.sync("--server", "ebioserver")
		out = self.call("status", "--config", self.config)[1]
		self.assertIn("\n  etimetracklite, S1: not read yet.\n", out)
		self.site(ETIME)
		out = self.call("status", "--config", self.config)[1]
		self.assertIn("Not in the configuration any more\n  ebioserver, day: last run", out)

	def test_why_the_last_run_of_a_stream_failed_and_what_waits(self):
		self.employees = self.employees[:1]
		self.site(EBIO, ETIME)
		self.sync()
		self.fault(FaultKind.HTML_200)
		self.sync()
		out = self.call("status", "--config", self.config)[1]
		self.assertRegex(
			out, r"etimetracklite, S1: last run .*, Failed; everything from .* to .* is here\. \w+"
		)
		self.assertIn(f"  1 Unmapped, of {FIRST_DAY}: No employee has the id PN7.", out)

	def test_the_export_is_what_data_import_takes(self):
		self.site(EBIO)
		self.sync()
		code, _, err = self.call("export", "--config", self.config, "-o", self.folder / "out.csv")
		self.assertEqual(code, Exit.SUCCESS)
		self.assertIn("3 check-ins", err)
		day = FIRST_DAY.isoformat()
		expected = (
			"Employee,Time,Log Type,Location / Device ID\r\n"
			f'HR-EMP-00001,{day} 09:00:00,IN,"Gate 1, North"\r\n'
			f'HR-EMP-00002,{day} 10:00:00,IN,"Gate 1, North"\r\n'
			f'HR-EMP-00001,{day} 18:00:00,OUT,"Gate 1, North"\r\n'
		)
		self.assertEqual((self.folder / "out.csv").read_bytes().decode(), expected)

	def test_an_export_of_some_days(self):
		self.world.punch("S1", "0031", MORNING + timedelta(days=1))
		self.world.punch("S1", "0031", MORNING + timedelta(days=2))
		self.sync()
		first, last = (str(FIRST_DAY + timedelta(days=days)) for days in (1, 1))
		path = self.folder / "out.csv"
		self.call("export", "--config", self.config, "-o", path, "--from", first, "--to", last)
		self.assertEqual([line.split(",")[1][:10] for line in path.read_text().splitlines()[1:]], [first])

	def test_an_export_to_standard_output_is_nothing_but_csv(self):
		self.sync("--server", "ebioserver")
		_, out, err = self.call("export", "--config", self.config)
		self.assertEqual([len(row) for row in csv.reader(out.splitlines())], [4] * 4)
		self.assertIn("3 check-ins", err)

	def test_an_export_with_events_names_each_punch_once(self):
		self.sync()
		path = self.folder / "out.csv"
		self.call("export", "--database", self.folder / "punches.sqlite", "-o", path, "--with-events")
		rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
		self.assertEqual(len({row["Biometric Event"] for row in rows} - {""}), 3)

	def test_a_file_that_cannot_be_written_is_named(self):
		self.sync()
		code, _, err = self.call("export", "--config", self.config, "-o", self.folder / "no" / "out.csv")
		self.assertEqual(code, Exit.CONFIGURATION)
		self.assertIn("out.csv", err)


class Beginning(CommandLine):
	def test_a_written_configuration_is_filled_in_and_read(self):
		path = self.folder / "own" / "mine.ini"
		self.assertEqual(
			self.call("init", "--config", path)[0], Exit.CONFIGURATION, "there is no such folder"
		)
		path.parent.mkdir()
		code, out, _ = self.call("init", "--config", path)
		self.assertEqual(code, Exit.SUCCESS)
		self.assertIn(f"biometric-integration test --config {path}", out)
		text = path.read_text(encoding="utf-8").replace("url =", f"url = {self.fakes[EBIO].url}", 1)
		text = text.replace("user =", "user = api").replace(
			"password_file =", f"password_file = ../{simulate.PASSWORD_FILE}"
		)
		path.write_text(
			text.replace("#start_date = 2026-07-01", f"start_date = {FIRST_DAY}"), encoding="utf-8"
		)
		code, out, _ = self.call("sync", "--config", path)
		self.assertEqual(code, Exit.SUCCESS, self.said)
		self.assertIn("3 new punches", out)
		self.assertIn("No employee has the id PN7.", out, "it waits: there is no employee list so far")

	def test_a_configuration_that_is_there_stays_as_it_is(self):
		for command in (("init",), ("bridge", "init")):
			path = self.folder / "there"
			path.write_text("mine")
			code, _, err = self.call(*command, "--config", path)
			self.assertEqual((code, path.read_text()), (Exit.CONFIGURATION, "mine"))
			self.assertIn("there is there already, and stays as it is.", err)

	def test_a_written_bridge_toml_lacks_what_only_its_owner_knows(self):
		path = self.folder / "bridge.toml"
		code, out, _ = self.call("bridge", "init", "--config", path)
		self.assertEqual(code, Exit.SUCCESS)
		self.assertIn("bridge check --config", out)
		code, out, _ = self.call("bridge", "check", "--config", path)
		self.assertEqual(code, Exit.CONFIGURATION)
		self.assertIn("[site]: url is missing", out)


class Secrets(CommandLine):
	ECHOES = (
		{"form": "html", "status": 500},
		{"form": "html", "status": 200},
		{"form": "fault"},
		{"form": "text"},
	)

	def test_the_password_is_in_no_output_and_no_file(self):
		for details in ({}, *self.ECHOES):
			for server_type, fake in self.fakes.items():
				fake.faults.clear()
				if details:
					self.fault(FaultKind.ECHO_PASSWORD, server_type, **details, times=4)
			for arguments in (
				("sync",),
				("sync", "--json"),
				("test",),
				("test", "--json"),
				("status",),
				("status", "--json"),
			):
				with self.subTest(arguments, **details):
					self.call(*arguments, "--config", self.config)
					self.assert_no_password(self.said)
		for path in self.folder.iterdir():
			if path.is_file() and path.name != simulate.PASSWORD_FILE:
				self.assert_no_password(path.read_bytes().decode("utf-8", "replace"))

	def assert_no_password(self, text: str) -> None:
		for part in (PASSWORD, "ecret", "p&amp;", "p%26"):
			self.assertNotIn(part, text)


class Showing(CommandLine):
	def test_every_exit_code_is_explained(self):
		for command in ((), ("init",), ("sync",), ("status",), ("bridge",)):
			_, out, _ = self.call(*command, "--help")
			for code, meaning in MEANINGS.items():
				self.assertIn(f"{code:>3}  {meaning}", out)
		self.assertEqual(set(MEANINGS), set(Exit))

	def test_what_python_ends_with_by_itself_is_never_taken_for_partial(self):
		self.assertEqual((Exit.SUCCESS, Exit.FAILED, Exit.CONFIGURATION), (0, 1, 2))
		self.assertNotIn(Exit.PARTIAL, (0, 1, 2, 120, 130))

	def test_the_simulation_can_be_read_as_it_says(self):
		folder = self.folder / "sim"
		code, out, _ = self.call("simulate", "--seconds", "0", "--folder", folder)
		self.assertEqual(code, Exit.SUCCESS)
		self.assertIn("http://127.0.0.1:", out)
		self.assertIn(f"--config {folder / simulate.CONFIG_FILE}", out)
		self.assertTrue((folder / simulate.CONFIG_FILE).exists())

	def test_the_demonstration_ends_well_twice(self):
		for _ in range(2):
			code, out, _ = self.call("demo", "--folder", self.folder / "demo")
			self.assertEqual(code, Exit.SUCCESS, out)
			self.assertEqual(out.count("equal: 738 punches, 0 missing, 0 double"), len(simulate.FAKES))
		lines = [line for line in out.splitlines() if str(self.folder) not in line and "Unmapped" not in line]
		self.assertLessEqual(max(map(len, lines)), 100)
		self.assertNotIn("\x1b", out)

	def test_a_type_that_is_new_is_simulated_and_demonstrated_like_the_others(self):
		"""Another device by device, another as a whole: nobody says so here, the connector does."""
		new = {f"New of {kind}": kind for kind in (EBIO, ETIME)}
		fakes = {name: simulate.FAKES[kind] for name, kind in new.items()}
		with (
			mock.patch.dict(CONNECTORS, {name: CONNECTORS[kind] for name, kind in new.items()}),
			mock.patch.dict(simulate.FAKES, fakes),
		):
			code, out, _ = self.call("demo", "--folder", self.folder / "demo")
			self.assertEqual(code, Exit.SUCCESS, out)
			for name in new:
				self.assertIn(f"{name} is equal", out)
			self.assertEqual(
				self.call("simulate", "--seconds", "0", "--folder", self.folder / "sim")[0], Exit.SUCCESS
			)
			config = load(self.folder / "sim" / simulate.CONFIG_FILE)
			self.assertLessEqual(new.keys(), {entry.config.server_type for entry in config.servers})

	def test_the_demonstration_notices_when_something_is_wrong(self):
		with mock.patch.object(World, "truth", return_value={("nobody", MORNING)}):
			code, out, _ = self.call("demo", "--folder", self.folder / "demo")
		self.assertEqual(code, Exit.FAILED)
		self.assertIn("NOT EQUAL", out)


if __name__ == "__main__":
	unittest.main()
