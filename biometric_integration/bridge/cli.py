"""The command line: `biometric-integration simulate | test | sync | status | export | demo`."""

from __future__ import annotations

import argparse
import io
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import asdict
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo

from biometric_integration import __version__
from biometric_integration.bridge import config, console, demo, exits, simulate
from biometric_integration.bridge.config import ServerEntry
from biometric_integration.bridge.database import Database
from biometric_integration.bridge.exits import Exit
from biometric_integration.bridge.export import write_checkins
from biometric_integration.bridge.passwords import PasswordSource
from biometric_integration.bridge.progress import Progress, Silent
from biometric_integration.bridge.site import Site
from biometric_integration.bridge.site import test as connection_test
from biometric_integration.connectors.registry import CONNECTORS
from biometric_integration.core.connector import ServerConfig
from biometric_integration.core.errors import ConfigurationError, SyncError
from biometric_integration.core.runs import RunReport, worst
from biometric_integration.core.store import BatchLost
from biometric_integration.simulator import World

DESCRIPTION = """\
Brings the punches of biometric devices from an attendance server (eSSL eBioServer or eTimeTrackLite)
into check-ins, each exactly once. This is the standalone host: it keeps everything in one SQLite file
and needs no ERPNext; what it makes can be exported for ERPNext's Data Import."""
SIMULATED_DAYS = 7
DEFAULT_CONFIG = Path("biometric.ini")


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
	print(f"biometric-integration: {message}", file=sys.stderr)
	return code


def _print_json(value: object) -> None:
	print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


# --- commands


def _simulate(arguments: argparse.Namespace) -> Exit:
	first_day = arguments.first_day or datetime.now(timezone.utc).date() - timedelta(days=SIMULATED_DAYS + 1)
	world = World.sample(seed=arguments.seed, first_day=first_day, days=SIMULATED_DAYS)
	if not arguments.first_day:
		world.now = None  # the sample lies in the past: from here on with the real time
	ports = simulate.Ports(arguments.ebioserver_port, arguments.etimetracklite_port)
	with simulate.fake_servers(world, ports) as fakes:
		urls = {server_type: fake.url for server_type, fake in fakes.items()}
		path = simulate.write_site(arguments.folder, world, urls, first_day, simulate.employees_of(world))
		for server_type, fake in fakes.items():
			print(f"{server_type:<16}{fake.endpoint}")
		print(f"{'Login':<16}{simulate.USER} / {simulate.PASSWORD}")
		print(
			f"{'Punches':<16}{len(world.truth()):,} of {len(world.employees)} employees on {len(world.devices)} devices"
		)
		print(f"\nReady to read, in another terminal:\n  biometric-integration sync --config {path}\n")
		print(path.read_text(encoding="utf-8"))
		print(
			"Ctrl-C ends it." if arguments.seconds is None else f"Ends in {arguments.seconds:g} seconds.",
			flush=True,
		)
		_wait(arguments.seconds)
	return Exit.SUCCESS


def _wait(seconds: float | None) -> None:
	end = time.monotonic() + (float("inf") if seconds is None else seconds)
	try:
		while (left := end - time.monotonic()) > 0:
			time.sleep(min(left, 1.0))
	except KeyboardInterrupt:
		print()


def _test(arguments: argparse.Namespace) -> Exit:
	results = []
	for entry in _entries(arguments):
		if not arguments.json:
			print(f"{entry.config.server_type} at {entry.config.endpoint_url}")
		steps = []
		for step in connection_test(entry, {}):
			steps.append(step)
			if not arguments.json:
				print(*console.step_lines(step), sep="\n", flush=True)
		results.append(
			{
				"server": entry.id,
				"ok": all(step.ok for step in steps),
				"steps": [asdict(step) for step in steps],
			}
		)
	failed = [step["step"] for result in results for step in result["steps"] if step["ok"] is False]
	code = Exit.AUTHENTICATION if "Login" in failed else Exit.FAILED if failed else Exit.SUCCESS
	if arguments.json:
		_print_json({"ok": not failed, "exit_code": int(code), "servers": results})
	return code


def _entries(arguments: argparse.Namespace) -> Sequence[ServerEntry]:
	"""The servers to test: of a configuration, or the one that the options describe."""
	if arguments.url is None:
		return config.load(arguments.config or DEFAULT_CONFIG).chosen(arguments.server)
	if not (arguments.type and arguments.user):
		raise ConfigurationError("With --url, say --type and --user as well.")
	_known_zone(arguments.time_zone)
	server = ServerConfig(
		arguments.server or "main",
		arguments.type,
		arguments.url,
		arguments.user,
		location=arguments.location,
		time_zone=arguments.time_zone,
		verify_tls=not arguments.insecure,
		timeout=arguments.timeout,
	)
	source = PasswordSource(arguments.password_env, arguments.password_file)
	serials = (arguments.serial,) if arguments.serial else ()
	return [ServerEntry(server, source, timedelta(0), timedelta(0), serials)]


def _known_zone(zone: str) -> None:
	try:
		ZoneInfo(zone)
	except (LookupError, ValueError, OSError) as error:
		raise ConfigurationError(
			f'--time-zone: "{zone}" is no time zone this machine knows.', str(error)
		) from error


def _sync(arguments: argparse.Namespace) -> Exit:
	settings = config.load(arguments.config)
	chosen = settings.chosen(arguments.server)
	if arguments.device and len(chosen) > 1:
		raise ConfigurationError("With --device, say --server as well.")
	watch = Progress() if arguments.progress or sys.stderr.isatty() else Silent()
	with Site(settings, watch=watch) as site:
		site.take_over()
		problems, reports = _pulled(site, chosen, arguments.device)
		watch.done()
		settled = site.process()
		watch.done()
		return _sync_shown(arguments, site, reports, problems, settled)


def _pulled(
	site: Site, chosen: Sequence[ServerEntry], device: str | None
) -> tuple[list[tuple[ServerEntry, SyncError]], list[RunReport]]:
	"""Read the servers one after the other; one that cannot even be asked does not keep the others from it."""
	problems: list[tuple[ServerEntry, SyncError]] = []
	reports: list[RunReport] = []
	for entry in chosen:
		try:
			reports.extend(site.pull(entry, device))
		except SyncError as error:
			problems.append((entry, error))
	return problems, reports


def _sync_shown(
	arguments: argparse.Namespace,
	site: Site,
	reports: list[RunReport],
	problems: list[tuple[ServerEntry, SyncError]],
	settled: int,
) -> Exit:
	database = site.store.database
	codes = [exits.of_error(error.error_class) for _, error in problems]
	code = (
		min([exits.of_runs(reports), *codes], key=exits.WORST_FIRST.index)
		if reports or problems
		else Exit.SUCCESS
	)
	runs, waiting = console.logs_of(database, reports), console.waiting(database)
	if arguments.json:
		errors = [{"server": entry.id, "error": error.message} for entry, error in problems]
		status = worst([report.status for report in reports]).value if reports else ""
		_print_json(
			{
				"status": status,
				"exit_code": int(code),
				"runs": runs,
				"errors": errors,
				"processed": settled,
				"waiting": waiting,
			}
		)
		return code
	if runs:
		print(*console.log_lines(runs), sep="\n")
	else:
		print("  Nothing was due.")
	for entry, error in problems:
		print(f"biometric-integration: {entry.id}: {error.message}", file=sys.stderr)
	if waiting:
		print("\nWaiting", *console.waiting_lines(waiting), sep="\n")
	new, created = (sum(run[name] for run in runs) for name in ("new", "created"))
	done = f"{new:,} new punches, {settled:,} looked up, {created:,} check-ins from these runs"
	print("", console.paragraph(f"{done}: {exits.MEANINGS[code]}.", ""), sep="\n")
	return code


def _status(arguments: argparse.Namespace) -> Exit:
	with closing(_database(_database_path(arguments))) as database:
		found = console.overview(database)
	if arguments.json:
		_print_json(found)
	else:
		print(*console.overview_lines(found), sep="\n")
	return Exit.SUCCESS


def _export(arguments: argparse.Namespace) -> Exit:
	with closing(_database(_database_path(arguments))) as database, _output(arguments.output) as out:
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


def _database_path(arguments: argparse.Namespace) -> Path:
	return arguments.database or config.load(arguments.config).database


def _database(path: Path) -> Database:
	if not path.exists():
		raise ConfigurationError(f"There is no database {path} yet: run sync first.")
	return Database(path)


def _demo(arguments: argparse.Namespace) -> Exit:
	return Exit.SUCCESS if demo.run(arguments.folder) else Exit.FAILED


# --- arguments


def _parser() -> argparse.ArgumentParser:
	parser = argparse.ArgumentParser(
		prog="biometric-integration",
		description=DESCRIPTION,
		epilog="exit codes:\n"
		+ "\n".join(f"  {code:>3}  {meaning}" for code, meaning in exits.MEANINGS.items()),
		formatter_class=argparse.RawDescriptionHelpFormatter,
	)
	parser.add_argument("--version", action="version", version=__version__)
	commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
	for name, (arguments, run, text) in COMMANDS.items():
		command = commands.add_parser(
			name, help=text, description=text, formatter_class=argparse.RawDescriptionHelpFormatter
		)
		command.set_defaults(run=run)
		arguments(command)
	return parser


def _simulate_arguments(parser: argparse.ArgumentParser) -> None:
	parser.add_argument(
		"--seconds", type=_seconds, help="end by itself after so many seconds (default: at Ctrl-C)"
	)
	parser.add_argument(
		"--folder", type=Path, default=Path(".demo/simulate"), help="where the files go (%(default)s)"
	)
	parser.add_argument("--seed", type=int, default=1, help="another number makes another week (%(default)s)")
	parser.add_argument(
		"--first-day",
		type=_day,
		metavar="DATE",
		help="first of the seven days; stops the servers' clock after them",
	)
	parser.add_argument(
		"--ebioserver-port", type=int, default=0, metavar="PORT", help="default: any free one"
	)
	parser.add_argument(
		"--etimetracklite-port", type=int, default=0, metavar="PORT", help="default: any free one"
	)


def _test_arguments(parser: argparse.ArgumentParser) -> None:
	parser.add_argument("--config", type=Path, metavar="FILE", help=f"configuration file ({DEFAULT_CONFIG})")
	parser.add_argument("--server", metavar="ID", help="only this server of the configuration")
	direct = parser.add_argument_group("without a configuration")
	direct.add_argument("--type", choices=list(CONNECTORS), help="server type")
	direct.add_argument("--url", help="base URL, with /iclock, or the full .asmx address")
	direct.add_argument("--user", help="API user")
	direct.add_argument(
		"--password-env", default="", metavar="NAME", help="environment variable that holds the password"
	)
	direct.add_argument(
		"--password-file", type=Path, metavar="FILE", help="file whose first line is the password"
	)
	direct.add_argument("--location", default="", help="eBioServer: location code (all)")
	direct.add_argument("--serial", default="", help="eTimeTrackLite: serial number of a device")
	direct.add_argument(
		"--time-zone", default="Asia/Kolkata", metavar="ZONE", help="of the server (%(default)s)"
	)
	direct.add_argument(
		"--timeout", type=int, default=30, metavar="SECONDS", help="for a silence (%(default)s)"
	)
	direct.add_argument("--insecure", action="store_true", help="do not check the TLS certificate")
	_json_argument(parser)


def _sync_arguments(parser: argparse.ArgumentParser) -> None:
	parser.epilog = "configuration file:\n\n" + config.EXAMPLE
	parser.add_argument(
		"--config", type=Path, default=DEFAULT_CONFIG, metavar="FILE", help="configuration file (%(default)s)"
	)
	parser.add_argument("--server", metavar="ID", help="only this server")
	parser.add_argument("--device", metavar="SERIAL", help="only this device (eTimeTrackLite)")
	parser.add_argument(
		"--progress", action="store_true", help="show progress on stderr even where it is no terminal"
	)
	_json_argument(parser)


def _status_arguments(parser: argparse.ArgumentParser) -> None:
	_database_arguments(parser)
	_json_argument(parser)


def _export_arguments(parser: argparse.ArgumentParser) -> None:
	_database_arguments(parser)
	parser.add_argument("--from", dest="first", type=_day, metavar="DATE", help="first day (of all)")
	parser.add_argument("--to", dest="last", type=_day, metavar="DATE", help="last day, included (of all)")
	parser.add_argument(
		"--output", "-o", type=Path, default=Path("-"), metavar="FILE", help="default: standard output"
	)
	parser.add_argument(
		"--with-events",
		action="store_true",
		help="add the column Biometric Event, for a site where this app is installed: it then refuses "
		"the same check-in a second time",
	)


def _demo_arguments(parser: argparse.ArgumentParser) -> None:
	parser.add_argument("--folder", type=Path, default=Path(".demo"), help="where the files go (%(default)s)")


def _database_arguments(parser: argparse.ArgumentParser) -> None:
	parser.add_argument(
		"--config", type=Path, default=DEFAULT_CONFIG, metavar="FILE", help="configuration file (%(default)s)"
	)
	parser.add_argument(
		"--database", type=Path, metavar="FILE", help="the SQLite file itself, without a configuration"
	)


def _json_argument(parser: argparse.ArgumentParser) -> None:
	parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")


def _day(text: str) -> date:
	try:
		return date.fromisoformat(text)
	except ValueError:
		raise argparse.ArgumentTypeError(f'write the date "{text}" as in 2026-01-31') from None


def _seconds(text: str) -> float:
	if not text.replace(".", "", 1).isdecimal():
		raise argparse.ArgumentTypeError(f'"{text}" is not a number of seconds')
	return float(text)


Command = tuple[Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], Exit], str]
COMMANDS: dict[str, Command] = {
	"simulate": (
		_simulate_arguments,
		_simulate,
		"Run fake servers of both types on 127.0.0.1, with a configuration to read them.",
	),
	"test": (
		_test_arguments,
		_test,
		"Test the connection to a server step by step: name, TCP, HTTP, login, operation, parse.",
	),
	"sync": (_sync_arguments, _sync, "Read what is new, and make check-ins of it and of what waited."),
	"status": (
		_status_arguments,
		_status,
		"Show how far each stream has been read, the last runs, and what waits.",
	),
	"export": (
		_export_arguments,
		_export,
		"Write check-ins as CSV for ERPNext's Data Import (Employee Checkin).",
	),
	"demo": (
		_demo_arguments,
		_demo,
		"See it work: both server types, a week of punches, a second run, a late device.",
	),
}

if __name__ == "__main__":
	sys.exit(main())
