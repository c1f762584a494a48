"""The command line: `biometric-integration init | test | sync | status | export | bridge | simulate | demo`."""

from __future__ import annotations

import argparse
import io
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TextIO, TypeVar

from biometric_integration import __version__
from biometric_integration.bridge import config, console, demo, exits, simulate
from biometric_integration.bridge.agent import command
from biometric_integration.bridge.config import ServerEntry
from biometric_integration.bridge.database import Database
from biometric_integration.bridge.exits import Exit
from biometric_integration.bridge.export import write_checkins
from biometric_integration.bridge.interruption import STOPPED
from biometric_integration.bridge.site import Site
from biometric_integration.bridge.site import test as connection_test
from biometric_integration.bridge.store import utc_now
from biometric_integration.bridge.texts import day, write_new
from biometric_integration.connectors.registry import CONNECTORS
from biometric_integration.core.clock import wall_clock
from biometric_integration.core.errors import ConfigurationError, SyncError, TransientError
from biometric_integration.core.runs import RunReport, worst
from biometric_integration.core.store import BatchLost
from biometric_integration.simulator import World
from biometric_integration.simulator.sample import fill

DESCRIPTION = """\
Brings the punches of biometric devices from an attendance server (eSSL eBioServer, eTimeTrackLite, or BioTime)
into check-ins, each exactly once. This is the standalone host: it keeps everything in one SQLite file
and needs no ERPNext; what it makes can be exported for ERPNext's Data Import."""
SIMULATED_DAYS = 7
A_WEEK = 7 * 24 * 3600
DEFAULT_CONFIG = Path("biometric.ini")
Value = TypeVar("Value")
ZONE = "Asia/Kolkata"
WITH_EVENTS = """\
add the column Biometric Event, for a site where this app is installed: it then refuses the same check-in a second time"""


def main(argv: Sequence[str] | None = None) -> int:
	"""Run one command; returns its exit code (see `exits.MEANINGS`)."""
	for stream in (sys.stdout, sys.stderr):
		if isinstance(stream, io.TextIOWrapper):
			stream.reconfigure(errors="backslashreplace")  # whatever the console or the file can show
	unheard: list[OSError] = []
	try:
		code = _run(_parser().parse_args(argv, argparse.Namespace(unheard=unheard)))
	except SystemExit as left:  # of wrong usage, and of `--help`
		code = Exit(int(left.code or 0))
	is_written = _is_written() and not unheard
	if not is_written and code in (Exit.SUCCESS, Exit.PARTIAL):
		_complain("The output could not be written to its end.")
		return Exit.FAILED
	return code


def _is_written() -> bool:
	"""Is all of it out? What is not must not be tried again when Python ends, which would complain in its own words."""
	try:
		if sys.stdout:
			sys.stdout.flush()
	except OSError:
		os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
		return False
	return True


def _run(arguments: argparse.Namespace) -> Exit:
	try:
		return Exit(arguments.run(arguments))
	except SyncError as error:
		return _failed(arguments, error.message, exits.of_error(error.error_class))
	except BatchLost:
		return _failed(arguments, "The database is kept busy by another program: try again.", Exit.FAILED)
	except sqlite3.Error as error:
		return _failed(arguments, f"The database cannot be used: {error}.", Exit.FAILED)
	except OSError as error:
		what = "The output" if error.filename is None else error.filename
		return _failed(arguments, f"{what} cannot be written: {error.strerror}.", Exit.FAILED)
	except KeyboardInterrupt:
		return _failed(arguments, STOPPED, Exit.INTERRUPTED)


def _failed(arguments: argparse.Namespace, message: str, code: Exit) -> Exit:
	if getattr(arguments, "json", False):
		with suppress(OSError):
			_print_json({"error": message, "exit_code": int(code)})
	_complain(message)
	return code


def _complain(message: str) -> None:
	with suppress(OSError):
		print(f"biometric-integration: {message}", file=sys.stderr)


def _print_json(value: object) -> None:
	"""In ASCII, which every console and file can take."""
	print(json.dumps(value, indent=2, default=str))


def _say(arguments: argparse.Namespace, *lines: str) -> None:
	"""To a person; a program gets one object at the end. Where nobody listens any more, the work goes on all the same."""
	if arguments.json:
		return
	try:
		print(*lines, sep="\n", flush=True)
	except OSError as error:
		arguments.unheard.append(error)


# --- commands; the docstring is the help


def _init(arguments: argparse.Namespace) -> Exit:
	"""Write a configuration with a comment for each key, to be filled in. One that is there stays as it is."""
	write_new(arguments.config, config.EXAMPLE)
	print(f"{arguments.config} is written. Fill in type, url, user and the place of the password, then:")
	print(f"  biometric-integration test --config {arguments.config}")
	return Exit.SUCCESS


def _simulate(arguments: argparse.Namespace) -> Exit:
	"""Run a fake server of each type on 127.0.0.1, with a configuration to read them."""
	first_day = datetime.now(timezone.utc).date() - timedelta(days=SIMULATED_DAYS + 1)
	world = World(None)  # its past is made up, its clock is the real one
	fill(world, seed=1, employees=50, devices=4, first_day=first_day, days=SIMULATED_DAYS)
	with simulate.fake_servers(world, arguments.port) as fakes:
		urls = {server_type: fake.url for server_type, fake in fakes.items()}
		path = simulate.write_site(arguments.folder, world, urls, first_day, simulate.employees_of(world))
		for server_type, fake in fakes.items():
			print(f"{server_type}: {fake.endpoint}, login {simulate.USER} / {simulate.PASSWORD}")
		print(
			f"{len(world.truth()):,} punches of {len(world.employees)} people on {len(world.devices)} devices."
		)
		print(f"Read them in another terminal: biometric-integration sync --config {path}")
		print("Ctrl-C ends it.", flush=True)
		with suppress(KeyboardInterrupt):
			time.sleep(arguments.seconds)
	return Exit.SUCCESS


def _test(arguments: argparse.Namespace) -> Exit:
	"""Test the connection to a server step by step: name, TCP, HTTP, login, operation, parse."""
	servers, failed = [], set()
	for entry in _tested(arguments):
		_say(arguments, f"{entry.config.server_type} at {entry.config.endpoint_url}")
		steps = []
		for step in connection_test(entry):
			_say(arguments, console.step_line(step))
			steps.append(asdict(step))
		wrong = {step["step"] for step in steps if step["ok"] is False}
		servers.append({"server": entry.id, "ok": not wrong, "steps": steps})
		failed |= wrong
	code = Exit.AUTHENTICATION if "Login" in failed else Exit.FAILED if failed else Exit.SUCCESS
	if arguments.json:
		_print_json({"ok": not failed, "exit_code": int(code), "servers": servers})
	return code


def _tested(arguments: argparse.Namespace) -> Sequence[ServerEntry]:
	"""The servers of a configuration, or the one that the options describe."""
	if arguments.url is None:
		return config.load(arguments.config).chosen(arguments.server)
	given = {key: value for key in config.SERVER if (value := getattr(arguments, key, None))}
	return [config.described(given, arguments.server or "main", ZONE)]


def _sync(arguments: argparse.Namespace) -> Exit:
	"""Read what is new, and make check-ins of it and of what waited."""
	settings = config.load(arguments.config)
	chosen = settings.chosen(arguments.server)
	if arguments.device and len(chosen) > 1:
		raise ConfigurationError("With --device, say --server as well.")
	with Site(settings) as site:
		site.take_over()
		reports, errors = _pulled(arguments, site, chosen)
		decided = site.process()
		runs = console.runs_of(site.store.database, reports, settings)
		waiting, ended = console.waiting(site.store.database), console.stamp(site.now(), settings.time_zone)
	code = exits.of_runs(reports, errors.values())
	if arguments.json:
		_print_json(
			{
				"status": worst([report.status for report in reports]).value if reports else "",
				"exit_code": int(code),
				"time_zone": settings.time_zone,
				"runs": runs,
				"errors": [{"server": server, "error": error.message} for server, error in errors.items()],
				"processed": decided,
				"waiting": waiting,
			}
		)
	new, created = (sum(run[name] for run in runs) for name in ("new", "created"))
	done = f"{ended} {new:,} new punches, {decided:,} decided, {created:,} check-ins from these runs"
	_say(arguments, *console.waiting_lines(waiting), f"{done}: {exits.MEANINGS[code]}.")
	return code


def _pulled(
	arguments: argparse.Namespace, site: Site, chosen: Sequence[ServerEntry]
) -> tuple[list[RunReport], dict[str, SyncError]]:
	"""Read the servers one after the other; one that cannot even be asked does not keep the others from it."""
	reports, errors = [], {}
	for entry in chosen:
		try:
			for report in site.pull(entry, arguments.device):
				_say(arguments, console.report_line(report, site.config))
				reports.append(report)
		except SyncError as error:
			errors[entry.id] = error
			_complain(f"{entry.id}: {error.message}")
	return reports, errors


def _status(arguments: argparse.Namespace) -> Exit:
	"""Show how far each stream has been read, the last runs, and what waits."""
	settings = config.load(arguments.config)
	with closing(_existing(settings.database)) as database:
		found = console.overview(database, settings, wall_clock(utc_now(), settings.time_zone))
	if arguments.json:
		_print_json(found)
	_say(arguments, *console.overview_lines(found))
	return Exit.SUCCESS


def _export(arguments: argparse.Namespace) -> Exit:
	"""Write check-ins as CSV for ERPNext's Data Import (Employee Checkin)."""
	if arguments.first and arguments.last and arguments.first > arguments.last:
		raise ConfigurationError(f"--from {arguments.first} is later than --to {arguments.last}.")
	where = "standard output" if str(arguments.output) == "-" else arguments.output
	path = arguments.database or config.load(arguments.config).database
	with closing(_existing(path)) as database:
		try:
			with _output(arguments.output) as out:
				number = write_checkins(database, out, arguments.first, arguments.last, arguments.with_events)
				out.flush()
		except OSError as error:
			raise TransientError(f"Not all of it could be written to {where}: {error.strerror}.") from error
	print(f"{number:,} check-ins written to {where}.", file=sys.stderr)
	return Exit.SUCCESS


def _output(path: Path) -> AbstractContextManager[TextIO]:
	"""The file to write to; `-` is standard output."""
	if str(path) == "-":
		if isinstance(sys.stdout, io.TextIOWrapper):
			sys.stdout.reconfigure(encoding="utf-8", newline="")
		return nullcontext(sys.stdout)
	try:
		return path.open("w", encoding="utf-8", newline="")
	except OSError as error:
		raise ConfigurationError(f"{path} cannot be written: {error.strerror}.", str(error)) from error


def _existing(path: Path) -> Database:
	if not path.exists():
		raise ConfigurationError(f"There is no database {path} yet: run sync first.")
	return Database(path)


def _demo(arguments: argparse.Namespace) -> Exit:
	"""See it work: each server type, a week of punches, a second run, a late device."""
	return Exit.SUCCESS if demo.run(arguments.folder) else Exit.FAILED


def _bridge(arguments: argparse.Namespace) -> Exit:
	"""Bring the punches of this network to a site: run, check the set-up, say how things stand, or write a configuration (docs/bridge.md)."""
	return command.ACTIONS[arguments.action](arguments.config, arguments.json)


# --- arguments


def _parser() -> argparse.ArgumentParser:
	codes = (f"  {code:>3}  {meaning}" for code, meaning in exits.MEANINGS.items())
	epilog = "\n".join(("exit codes:", *codes))
	parser = argparse.ArgumentParser(
		prog="biometric-integration",
		description=DESCRIPTION,
		epilog=epilog,
		formatter_class=argparse.RawDescriptionHelpFormatter,
	)
	parser.add_argument("--version", action="version", version=__version__)
	commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
	for run, options in COMMANDS.items():
		command = commands.add_parser(
			run.__name__.strip("_"),
			help=run.__doc__,
			description=run.__doc__,
			epilog=epilog,
			formatter_class=argparse.RawDescriptionHelpFormatter,
		)
		command.set_defaults(run=run)
		for names, how in options:
			command.add_argument(*names, **how)
	return parser


def _option(*names: str, **how: Any) -> tuple[Sequence[str], Mapping[str, Any]]:
	"""As for `argparse.ArgumentParser.add_argument`."""
	return names, how


def _told(reader: Callable[[str], Value]) -> Callable[[str], Value]:
	"""What is wrong with an argument, in the words of its reader."""

	def read(text: str) -> Value:
		try:
			return reader(text)
		except ValueError as error:
			raise argparse.ArgumentTypeError(str(error)) from error

	return read


_day = _told(day)
_whole = _told(lambda text: config.number(text, most=A_WEEK))
_port = _told(lambda text: config.number(text, most=65536 - len(simulate.FAKES)))


FILE: Mapping[str, Any] = {"type": Path, "metavar": "FILE"}
CONFIG = _option("--config", **FILE, default=DEFAULT_CONFIG, help="configuration file (%(default)s)")
SERVER = _option("--server", metavar="ID", help="only this server of the configuration")
JSON = _option("--json", action="store_true", help="print one JSON object, for programs")
COMMANDS: Mapping[Callable[[argparse.Namespace], Exit], Sequence[tuple[Sequence[str], Mapping[str, Any]]]] = {
	_init: (CONFIG,),
	_simulate: (
		_option("--folder", type=Path, default=Path(".demo/simulate"), help="for the files (%(default)s)"),
		_option(
			"--port", type=_port, default=0, help="of the first server, the next has the next (any free)"
		),
		_option("--seconds", type=_whole, default=A_WEEK, help="end by itself after so many (a week)"),
	),
	_test: (
		CONFIG,
		SERVER,
		_option("--url", help="without a configuration: base URL, with /iclock, or the full .asmx address"),
		_option("--type", choices=list(CONNECTORS), help="with --url: server type"),
		_option("--user", help="with --url: API user"),
		_option("--password-env", metavar="NAME", help="with --url: environment variable with the password"),
		_option("--password-file", metavar="FILE", help="with --url: file whose first line is the password"),
		_option("--location", help="with --url, eBioServer: location code (all)"),
		_option("--serial", dest="devices", help="with --url, eTimeTrackLite: serial number of a device"),
		_option("--time-zone", metavar="ZONE", help=f"with --url: of the server ({ZONE})"),
		_option("--timeout", metavar="SECONDS", help="with --url: for a silence (30)"),
		_option("--insecure", dest="verify_tls", action="store_const", const="no", help="as verify_tls = no"),
		JSON,
	),
	_sync: (
		CONFIG,
		SERVER,
		_option("--device", metavar="SERIAL", help="only this device (eTimeTrackLite)"),
		JSON,
	),
	_status: (CONFIG, JSON),
	_export: (
		CONFIG,
		_option("--database", **FILE, help="the SQLite file itself, without a configuration"),
		_option("--from", dest="first", type=_day, metavar="DATE", help="first day (of all)"),
		_option("--to", dest="last", type=_day, metavar="DATE", help="last day, included (of all)"),
		_option("--output", "-o", **FILE, default=Path("-"), help="where to (standard output)"),
		_option("--with-events", action="store_true", help=WITH_EVENTS),
	),
	_bridge: (
		_option("action", nargs="?", choices=list(command.ACTIONS), default="run", help="(%(default)s)"),
		_option(
			"--config",
			**FILE,
			default=command.DEFAULT_CONFIG,
			help="configuration file (%(default)s); docs/bridge.md says what is in it",
		),
		JSON,
	),
	_demo: (_option("--folder", type=Path, default=Path(".demo"), help="for the files (%(default)s)"),),
}
