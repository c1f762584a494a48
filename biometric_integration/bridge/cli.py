"""The command line: `biometric-integration simulate | test | sync | status | export | demo | bridge`."""

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
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TextIO

from biometric_integration import __version__
from biometric_integration.bridge import config, console, demo, exits, simulate
from biometric_integration.bridge.agent import command
from biometric_integration.bridge.config import ServerEntry
from biometric_integration.bridge.database import Database
from biometric_integration.bridge.exits import Exit
from biometric_integration.bridge.export import write_checkins
from biometric_integration.bridge.site import Site
from biometric_integration.bridge.site import test as connection_test
from biometric_integration.bridge.texts import day
from biometric_integration.connectors.registry import CONNECTORS
from biometric_integration.core.errors import ConfigurationError, SyncError
from biometric_integration.core.runs import RunReport, worst
from biometric_integration.core.store import BatchLost
from biometric_integration.simulator import World
from biometric_integration.simulator.sample import fill

DESCRIPTION = """\
Brings the punches of biometric devices from an attendance server (eSSL eBioServer or eTimeTrackLite)
into check-ins, each exactly once. This is the standalone host: it keeps everything in one SQLite file
and needs no ERPNext; what it makes can be exported for ERPNext's Data Import."""
SIMULATED_DAYS = 7
A_WEEK = 7 * 24 * 3600.0
DEFAULT_CONFIG = Path("biometric.ini")
ZONE = "Asia/Kolkata"
WITH_EVENTS = """\
add the column Biometric Event, for a site where this app is installed: it then refuses the same check-in a second time"""


def main(argv: Sequence[str] | None = None) -> int:
	"""Run one command; returns its exit code (see `exits.MEANINGS`). Wrong usage leaves through SystemExit(2)."""
	arguments = _parser().parse_args(argv)
	try:
		return int(arguments.run(arguments))
	except SyncError as error:
		return _failed(arguments, error.message, exits.of_error(error.error_class))
	except BatchLost:
		return _failed(arguments, "The database is kept busy by another program: try again.", Exit.FAILED)
	except sqlite3.Error as error:
		return _failed(arguments, f"The database cannot be used: {error}.", Exit.FAILED)
	except KeyboardInterrupt:
		return _failed(
			arguments, "Stopped. Nothing is lost: the next run goes on from here.", Exit.INTERRUPTED
		)
	except BrokenPipeError:
		# or Python complains once more at its end
		os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
		return Exit.FAILED


def _failed(arguments: argparse.Namespace, message: str, code: Exit) -> int:
	if getattr(arguments, "json", False):
		_print_json({"error": message, "exit_code": int(code)})
	_complain(message)
	return code


def _complain(message: str) -> None:
	print(f"biometric-integration: {message}", file=sys.stderr)


def _print_json(value: object) -> None:
	print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def _say(arguments: argparse.Namespace, *lines: str) -> None:
	"""To a person; a program gets one object at the end."""
	if not arguments.json:
		print(*lines, sep="\n", flush=True)


# --- commands; the docstring is the help


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
		runs = console.runs_of(site.store.database, reports)
		waiting = console.waiting(site.store.database)
	code = exits.of_runs(reports, errors.values())
	if arguments.json:
		_print_json(
			{
				"status": worst([report.status for report in reports]).value if reports else "",
				"exit_code": int(code),
				"runs": runs,
				"errors": [{"server": server, "error": error.message} for server, error in errors.items()],
				"processed": decided,
				"waiting": waiting,
			}
		)
	new, created = (sum(run[name] for run in runs) for name in ("new", "created"))
	done = f"{new:,} new punches, {decided:,} decided, {created:,} check-ins from these runs"
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
				_say(arguments, console.report_line(report))
				reports.append(report)
		except SyncError as error:
			errors[entry.id] = error
			_complain(f"{entry.id}: {error.message}")
	return reports, errors


def _status(arguments: argparse.Namespace) -> Exit:
	"""Show how far each stream has been read, the last runs, and what waits."""
	with closing(_database(arguments)) as database:
		found = console.overview(database)
	if arguments.json:
		_print_json(found)
	_say(arguments, *console.overview_lines(found))
	return Exit.SUCCESS


def _export(arguments: argparse.Namespace) -> Exit:
	"""Write check-ins as CSV for ERPNext's Data Import (Employee Checkin)."""
	with closing(_database(arguments)) as database, _output(arguments.output) as out:
		number = write_checkins(database, out, arguments.first, arguments.last, arguments.with_events)
	where = "standard output" if out is sys.stdout else arguments.output
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


def _database(arguments: argparse.Namespace) -> Database:
	path = arguments.database or config.load(arguments.config).database
	if not path.exists():
		raise ConfigurationError(f"There is no database {path} yet: run sync first.")
	return Database(path)


def _demo(arguments: argparse.Namespace) -> Exit:
	"""See it work: both server types, a week of punches, a second run, a late device."""
	return Exit.SUCCESS if demo.run(arguments.folder) else Exit.FAILED


def _bridge(arguments: argparse.Namespace) -> Exit:
	"""Bring the punches of this network to a site: run, or check the set-up, or say how things stand (docs/bridge.md)."""
	return command.ACTIONS[arguments.action](arguments.config, arguments.json)


# --- arguments


def _parser() -> argparse.ArgumentParser:
	codes = "\n".join(f"  {code:>3}  {meaning}" for code, meaning in exits.MEANINGS.items())
	parser = argparse.ArgumentParser(
		prog="biometric-integration",
		description=DESCRIPTION,
		epilog=f"exit codes:\n{codes}",
		formatter_class=argparse.RawDescriptionHelpFormatter,
	)
	parser.add_argument("--version", action="version", version=__version__)
	commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
	for run, options in COMMANDS.items():
		command = commands.add_parser(
			run.__name__.strip("_"),
			help=run.__doc__,
			description=run.__doc__,
			epilog=f"configuration file:\n\n{config.EXAMPLE}" if run is _sync else None,
			formatter_class=argparse.RawDescriptionHelpFormatter,
		)
		command.set_defaults(run=run)
		for names, how in options:
			command.add_argument(*names, **how)
	return parser


def _option(*names: str, **how: Any) -> tuple[Sequence[str], Mapping[str, Any]]:
	"""As for `argparse.ArgumentParser.add_argument`."""
	return names, how


def _day(text: str) -> date:
	try:
		return day(text)
	except ValueError as error:
		raise argparse.ArgumentTypeError(str(error)) from error


FILE: Mapping[str, Any] = {"type": Path, "metavar": "FILE"}
CONFIG = _option("--config", **FILE, default=DEFAULT_CONFIG, help="configuration file (%(default)s)")
DATABASE = _option("--database", **FILE, help="the SQLite file itself, without a configuration")
SERVER = _option("--server", metavar="ID", help="only this server of the configuration")
JSON = _option("--json", action="store_true", help="print one JSON object, for programs")
COMMANDS: Mapping[Callable[[argparse.Namespace], Exit], Sequence[tuple[Sequence[str], Mapping[str, Any]]]] = {
	_simulate: (
		_option("--folder", type=Path, default=Path(".demo/simulate"), help="for the files (%(default)s)"),
		_option("--port", type=int, default=0, help="of the first server, the next has the next (any free)"),
		_option("--seconds", type=float, default=A_WEEK, help="end by itself after so many (a week)"),
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
	_status: (CONFIG, DATABASE, JSON),
	_export: (
		CONFIG,
		DATABASE,
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

if __name__ == "__main__":
	sys.exit(main())
