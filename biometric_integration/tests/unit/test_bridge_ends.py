"""How the command ends as the process that it is: a sentence and its exit code, whatever the console, the disk and the keyboard do."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Sequence
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any

from biometric_integration.bridge import simulate
from biometric_integration.bridge.agent import command
from biometric_integration.bridge.exits import Exit
from biometric_integration.bridge.people import Employee
from biometric_integration.bridge.store import SqliteStore
from biometric_integration.simulator import FakeServer, Fault, FaultKind, World

ROOT = Path(__file__).parents[3]
BRIDGE = ROOT / "biometric_integration" / "bridge"
FIRST_DAY = date(2026, 6, 1)
MORNING = datetime(2026, 6, 1, 9)
STRANGE = "Jörg Šimek 王"
SPOKEN = "biometric-integration: "
ENCODINGS: tuple[dict[str, str], ...] = (
	{"PYTHONIOENCODING": "cp437"},
	{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
)
MOST_BYTES = 40 * 1024
"""That a file may have in a process with a full disk: less than an empty database."""
GENTLE = """
import sys
sys.modules.update(dict.fromkeys(("fcntl", "grp", "pwd", "resource", "termios"), None))
import os, signal
for owner, names in ((os, ("chown", "fchmod", "fork", "geteuid", "getuid", "kill", "killpg")), (signal, ("SIGHUP", "SIGKILL", "SIGUSR1", "alarm"))):
	for name in names:
		delattr(owner, name)
from biometric_integration.bridge.__main__ import main
sys.exit(main())
"""
"""A Python that has no more than on Windows, as far as that can be had here."""


class Process(unittest.TestCase):
	"""A site with a person whose name and device are in no old code page, and with somebody nobody knows."""

	def setUp(self):
		folder = tempfile.TemporaryDirectory()
		self.addCleanup(folder.cleanup)
		self.folder = Path(folder.name)
		self.world = World(MORNING)
		self.world.add_device("S1", f"Gate {STRANGE}", "HO")
		for code in ("0031", "王7", "0032"):
			self.world.punch("S1", code, MORNING)
		fakes = simulate.fake_servers(self.world)
		self.fakes: dict[str, FakeServer[Any]] = fakes.__enter__()
		self.addCleanup(fakes.__exit__, None, None, None)
		url = self.fakes["eBioServer"].url
		employees = [Employee("HR-1", STRANGE, "0031"), Employee(STRANGE, STRANGE, "0032")]
		self.config = simulate.write_site(self.folder, self.world, {"eBioServer": url}, FIRST_DAY, employees)
		self.database = self.folder / "punches.sqlite"

	def command(self, *arguments: object) -> list[str]:
		return [sys.executable, "-m", "biometric_integration.bridge", *map(str, arguments)]

	def call(self, *arguments: object, **how: Any) -> subprocess.CompletedProcess[str]:
		"""Standard error is read in any case; `env` comes on top. Output is buffered, as it is for everybody who does not say otherwise."""
		how = {"stdout": subprocess.PIPE, "cwd": ROOT, "timeout": 60, **how}
		how["env"] = {**os.environ, "PYTHONUNBUFFERED": "", **how.get("env", {})}
		command = how.pop("command", self.command(*arguments))
		return subprocess.run(
			command, stderr=subprocess.PIPE, text=True, encoding="utf-8", errors="replace", **how
		)

	def sync(self, **how: Any) -> subprocess.CompletedProcess[str]:
		return self.call("sync", "--config", self.config, **how)

	def gentle(self, *arguments: object, before: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
		return self.call(command=[*before, sys.executable, "-c", GENTLE, *map(str, arguments)])

	def assert_ends(self, done: subprocess.CompletedProcess[str], code: Exit, words: str = SPOKEN) -> None:
		"""With a sentence, and nothing of Python's own."""
		self.assertEqual(done.returncode, code, done.stderr)
		self.assertIn(words, done.stderr)
		for noise in ("Traceback", "Exception ignored", "Error:"):
			self.assertNotIn(noise, done.stderr)


class OtherCodePages(Process):
	def test_each_command_ends_as_it_does_in_utf_8(self):
		self.sync()
		where = ("--config", self.config)
		for arguments in (
			("sync", *where),
			("sync", *where, "--json"),
			("status", *where),
			("status", *where, "--json"),
			("test", *where),
			("export", *where),
			("sync", "--config", self.folder / f"{STRANGE}.ini"),
			("--help",),
			("bridge", "status", "--config", self.folder / f"{STRANGE}.toml"),
		):
			code = self.call(*arguments, env={"PYTHONIOENCODING": "utf-8"}).returncode
			for env in ENCODINGS:
				with self.subTest(arguments=arguments, **env), (self.folder / "out").open("wb") as out:
					done = self.call(*arguments, env=env, stdout=out)
					self.assert_ends(done, code, "")

	def test_what_cannot_be_shown_is_written_out_and_json_stays_json(self):
		self.assertIn("王7", self.sync(env={"PYTHONIOENCODING": "utf-8"}).stdout)
		ascii_only = {"PYTHONIOENCODING": "ascii"}
		self.assertIn(r"\u738b7", self.sync(env=ascii_only).stdout)
		found = json.loads(self.call("sync", "--config", self.config, "--json", env=ascii_only).stdout)
		self.assertIn("王7", found["waiting"][0]["reason"])

	def test_an_export_is_in_utf_8_whatever_the_console_is(self):
		self.sync()
		done = self.call("export", "--config", self.config, env={"PYTHONIOENCODING": "cp437"})
		self.assertIn(STRANGE, done.stdout)


class Interrupted(Process):
	"""Python tells of each import when it is over, so that the moment is the same on any machine."""

	def interrupt(self, module: str, seconds: float) -> None:
		"""Ctrl-C in a sync, so long after a module was imported."""
		command = [sys.executable, "-X", "importtime", *self.command("sync", "--config", self.config)[1:]]
		process = subprocess.Popen(
			command,
			cwd=ROOT,
			stderr=subprocess.PIPE,
			stdout=subprocess.PIPE,
			text=True,
			preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # who tests may ignore it
		)
		assert process.stderr
		lines = iter(process.stderr.readline, "")
		self.assertTrue(any(re.search(rf"\| +{re.escape(module)}$", line) for line in lines))
		time.sleep(seconds)
		process.send_signal(signal.SIGINT)
		_out, said = process.communicate(timeout=60)
		words = [line for line in said.splitlines() if not line.startswith("import time:")]
		self.assertEqual((process.returncode, len(words)), (Exit.INTERRUPTED, 1), said)
		self.assertIn("Stopped. Nothing is lost", words[0])

	def test_ctrl_c_while_python_still_imports(self):
		for module in ("argparse", "sqlite3", "zoneinfo", "requests.exceptions", "urllib3", "requests"):
			with self.subTest(module):
				self.interrupt(module, 0)

	def test_ctrl_c_in_the_first_half_second_and_later(self):
		self.fakes["eBioServer"].faults.add(Fault(FaultKind.HANG, times=None, seconds=30.0))
		for seconds in (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 1.5):
			with self.subTest(seconds=seconds):
				self.interrupt("argparse", seconds)

	def test_one_that_python_loses_ends_it_all_the_same(self):
		script = (
			"import os, signal, time; from biometric_integration.bridge import interruption; interruption.LONGEST = 0.2\n"
			"signal.signal(signal.SIGINT, interruption.interrupt)\n"
			"class Lost:\n\tdef __del__(self): os.kill(os.getpid(), signal.SIGINT); time.sleep(0.01)\n"
			"Lost(); time.sleep(30)"
		)
		done = subprocess.run(
			[sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=20
		)
		self.assertEqual(done.returncode, Exit.INTERRUPTED, done.stderr)
		self.assertIn("Stopped. Nothing is lost", done.stderr)


class NobodyListens(Process):
	"""`… | head`: the reading end of the pipe is closed."""

	def setUp(self):
		super().setUp()
		self.sync()

	def closed_pipe(self) -> int:
		reading, writing = os.pipe()
		os.close(reading)
		self.addCleanup(os.close, writing)
		return writing

	def test_each_command_says_so_and_has_failed(self):
		where = ("--config", self.config)
		for arguments in (
			("status", *where),
			("status", *where, "--json"),
			("sync", *where),
			("sync", *where, "--json"),
			("test", *where),
			("export", *where),
			("bridge", "init", "--config", self.folder / "bridge.toml"),
			("--help",),
			("simulate", "--seconds", "0", "--folder", self.folder / "fakes"),
			("demo", "--folder", self.folder / "demo"),
		):
			with self.subTest(arguments[0]):
				self.assert_ends(self.call(*arguments, stdout=self.closed_pipe()), Exit.FAILED)

	def test_what_came_is_used_all_the_same(self):
		self.world.now = MORNING.replace(hour=10)
		self.world.punch("S1", "0031", self.world.now)
		self.sync(stdout=self.closed_pipe())
		with SqliteStore(self.database) as store:
			self.assertEqual(store.database.value("SELECT COUNT(*) FROM checkin"), 3)

	def test_partial_is_not_what_a_lost_output_ends_with(self):
		self.world.raw_row("S1", "nonsense", MORNING)
		url = self.fakes["eTimeTrackLite"].url
		config = simulate.write_site(self.folder / "e", self.world, {"eTimeTrackLite": url}, FIRST_DAY, [])
		config.write_text(config.read_text().replace("employees =", "#employees ="))
		self.assertEqual(self.call("sync", "--config", config).returncode, Exit.PARTIAL)
		self.world.raw_row("S1", "more nonsense", MORNING)
		done = self.call("sync", "--config", config, stdout=self.closed_pipe())
		self.assert_ends(done, Exit.FAILED, "could not be written")


class NoRoom(Process):
	@unittest.skipUnless(Path("/dev/full").exists(), "needs /dev/full")
	def test_output_to_a_full_disk(self):
		self.sync()
		for arguments in (("status",), ("status", "--json"), ("sync",), ("sync", "--json"), ("export",)):
			with self.subTest(arguments), open("/dev/full", "w") as full:
				done = self.call(*arguments, "--config", self.config, stdout=full)
				self.assert_ends(done, Exit.FAILED)
				done = self.call(*arguments, "--config", self.folder / "none", stdout=full)
				self.assert_ends(done, Exit.CONFIGURATION, "none")
		done = self.call("export", "--config", self.config, "--output", "/dev/full")
		self.assert_ends(done, Exit.FAILED, "/dev/full: No space left on device")

	@unittest.skipUnless(hasattr(signal, "SIGXFSZ"), "needs a limit of the size of files")
	def test_files_that_cannot_grow(self):
		for arguments in (
			("sync", "--config", self.config),
			("demo", "--folder", self.folder / "demo"),
		):
			with self.subTest(arguments[0]):
				self.assert_ends(self.call(*arguments, preexec_fn=full_disk), Exit.FAILED, "disk")
		self.sync()
		days = datetime(2027, 1, 1) - MORNING
		for number in range(1200):
			self.world.punch("S1", "0031", MORNING + days * number / 1200)
		self.world.now += days
		done = self.sync(preexec_fn=full_disk)
		self.assert_ends(done, Exit.FAILED, "")
		self.assertIn("is its disk full?", done.stdout)
		self.assertEqual(self.sync().returncode, Exit.SUCCESS, "the next run goes on from there")
		out = self.folder / "out.csv"
		done = self.call("export", "--config", self.config, "--output", out, preexec_fn=full_disk)
		self.assert_ends(done, Exit.FAILED, "out.csv")

	@unittest.skipUnless(hasattr(signal, "SIGXFSZ"), "needs a limit of the size of files")
	def test_a_configuration_that_does_not_fit_is_not_begun(self):
		for arguments in (("init",), ("bridge", "init")):
			path = self.folder / "new"
			done = self.call(*arguments, "--config", path, preexec_fn=no_disk)
			self.assert_ends(done, Exit.FAILED, "new cannot be written")
			self.assertFalse(path.exists())


def full_disk() -> None:
	import resource

	resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_BYTES, MOST_BYTES))


def no_disk() -> None:
	import resource

	resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))


class WhatIsInTheWay(Process):
	def test_a_port_that_is_taken(self):
		with closing(socket.socket()) as taken:
			taken.bind(("127.0.0.1", 0))
			taken.listen()
			port = taken.getsockname()[1]
			done = self.call("simulate", "--port", port, "--seconds", 0, "--folder", self.folder / "fakes")
		self.assert_ends(done, Exit.FAILED, f"The port {port} for BioTime cannot be used")

	def test_a_port_that_is_none(self):
		done = self.call("simulate", "--port", 65536)
		self.assert_ends(done, Exit.CONFIGURATION, "not a whole number of 0 to")

	def test_from_later_than_to(self):
		self.sync()
		out = self.folder / "out.csv"
		done = self.call(
			"export", "--config", self.config, "--from", "2026-06-02", "--to", "2026-06-01", "-o", out
		)
		self.assert_ends(done, Exit.CONFIGURATION, "--from 2026-06-02 is later than --to 2026-06-01")
		self.assertFalse(out.exists())

	def test_a_folder_that_cannot_be_made(self):
		for arguments in (("simulate", "--seconds", 0), ("demo",)):
			done = self.call(*arguments, "--folder", self.config / "folder")
			self.assert_ends(done, Exit.FAILED, "biometric.ini")

	def test_no_home(self):
		"""Of a user that the system does not know, as containers have; `~` of one that is not there is the same everywhere."""
		for home in ("~/punches.sqlite", "~nobody-of-this-name/punches.sqlite"):
			with self.subTest(home):
				self.config.write_text(self.config.read_text().replace("punches.sqlite", home))
				self.assert_ends(
					self.gentle("sync", "--config", self.config, before=("env", "-u", "HOME")),
					Exit.CONFIGURATION,
					"has no home folder",
				)
				self.config.write_text(self.config.read_text().replace(home, "punches.sqlite"))
		bridge = self.folder / "bridge.toml"
		text = command.EXAMPLE.replace('url = ""', 'url = "https://x.example"', 1)
		bridge.write_text(text.replace('bridge = ""', 'bridge = "B"').replace("bridge.key", "~none-such/key"))
		done = self.call("bridge", "check", "--config", bridge)
		self.assertEqual(done.returncode, Exit.CONFIGURATION, done.stderr)
		self.assertIn("has no home folder", done.stdout)

	def test_without_home_all_works_that_does_not_ask_for_it(self):
		call = self.command("sync", "--config", self.config)
		done = self.call(command=["env", "-u", "HOME", *call])
		self.assertEqual(done.returncode, Exit.SUCCESS, done.stderr)

	def test_no_terminal_and_no_password(self):
		self.config.write_text(self.config.read_text().replace("password_file = password.txt", ""))
		self.assert_ends(self.sync(stdin=subprocess.DEVNULL), Exit.CONFIGURATION, "nobody to ask")
		closed = self.command("sync", "--config", self.config)
		done = self.call(command=["sh", "-c", 'exec "$@" <&-', "sh", *closed])
		self.assert_ends(done, Exit.CONFIGURATION, "nobody to ask")

	def test_no_standard_output_at_all(self):
		done = self.call(
			command=["sh", "-c", 'exec "$@" >&-', "sh", *self.command("sync", "--config", self.config)]
		)
		self.assertEqual((done.returncode, done.stderr), (Exit.SUCCESS, ""))


class OnOtherSystems(Process):
	def test_nothing_is_used_that_only_posix_has(self):
		self.assertEqual(self.gentle("sync", "--config", self.config).returncode, Exit.SUCCESS)
		for arguments in (
			("status", "--config", self.config),
			("export", "--config", self.config),
			("init", "--config", self.folder / "new.ini"),
			("bridge", "init", "--config", self.folder / "bridge.toml"),
			("demo", "--folder", self.folder / "demo"),
		):
			with self.subTest(arguments[0]):
				done = self.gentle(*arguments)
				self.assertEqual(done.returncode, Exit.SUCCESS, done.stderr)
		for path in self.folder.rglob("*"):
			self.assertNotRegex(path.name, r'[<>:"|?*\\]', "Windows has no such names")

	@unittest.skipUnless(shutil.which("systemd-analyze"), "needs systemd")
	def test_the_units_are_ones_that_systemd_takes(self):
		units = (
			"biometric-sync.service",
			"biometric-sync.timer",
			"agent/biometric-bridge.service",
		)
		for unit in units:
			text = (BRIDGE / unit).read_text(encoding="utf-8")
			path = self.folder / Path(unit).name
			path.write_text(re.sub(r"/opt/\S+/biometric-integration", "/bin/true", text), encoding="utf-8")
		for unit in units:
			with self.subTest(unit):
				path = self.folder / Path(unit).name
				done = self.call(command=["systemd-analyze", "verify", "--man=no", str(path)])
				self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
	unittest.main()
