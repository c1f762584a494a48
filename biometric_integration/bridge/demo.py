"""The whole job in a few seconds: fake servers of both types, a week of punches, and the truth to compare with."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

from biometric_integration.bridge import console, simulate
from biometric_integration.bridge.config import load
from biometric_integration.bridge.database import to_text, to_time
from biometric_integration.bridge.export import write_checkins
from biometric_integration.bridge.people import Employee
from biometric_integration.bridge.site import Site
from biometric_integration.core.runs import RunReport, RunStatus
from biometric_integration.simulator import World

FIRST_DAY = date(2026, 6, 1)
"""A Monday; the demonstration has its own clock, so that it is the same every time."""
FORGOTTEN = "ABC-107"
LEAVER = "1010"
LEFT_ON = date(2026, 6, 4)
LATE_DEVICE = "SIMD000000003"
LATE_DAYS = (date(2026, 6, 4), date(2026, 6, 5))
LATE_PEOPLE = 8
SHOWN_CHECKINS = 6
STALE = ("punches.sqlite", "punches.sqlite-wal", "punches.sqlite-shm")
CSV_FILE = "checkins.csv"

Say = Callable[[str], None]
Key = tuple[str, datetime]
"""Device user id and time of a punch."""


@dataclass
class Stage:
	"""One server type with a site of its own."""

	server_type: str
	folder: Path
	site: Site
	employees: list[Employee]

	def run(self) -> list[RunReport]:
		self.site.take_over()
		reports = [report for entry in self.site.config.servers for report in self.site.pull(entry)]
		self.site.process()
		return reports

	def logs(self, reports: Sequence[RunReport]) -> list[dict]:
		return console.logs_of(self.site.store.database, reports)

	def employ(self, employees: list[Employee]) -> None:
		self.employees = employees
		simulate.write_employees(self.folder / simulate.EMPLOYEES_FILE, employees)

	def checkins(self) -> list[Key]:
		codes = {employee.name: employee.user_id for employee in self.employees}
		rows = self.site.store.database.rows("SELECT employee, time FROM checkin ORDER BY time, employee")
		return [(codes[row["employee"]], to_time(row["time"])) for row in rows]

	def waiting(self) -> list[Key]:
		rows = self.site.store.database.rows(
			"SELECT user_id, source_time FROM event WHERE status != 'Processed'"
		)
		return [(row["user_id"], to_time(row["source_time"])) for row in rows]

	def feed_of(self, key: Key) -> str:
		"""By which feed a punch came."""
		query = "SELECT channel FROM event WHERE user_id=? AND source_time=?"
		return self.site.store.database.value(query, (key[0], to_text(key[1])))

	def contents(self) -> tuple[list[tuple], list[tuple]]:
		"""Everything a second run must leave alone."""
		database = self.site.store.database
		events = database.rows("SELECT name, status, reason_code, employee, checkin FROM event ORDER BY name")
		return [tuple(row) for row in events], [
			tuple(row) for row in database.rows("SELECT * FROM checkin ORDER BY id")
		]


def run(folder: Path, say: Say = print) -> bool:
	"""Play it all, writing into `folder`; False where what came out is not the truth."""
	started = time.monotonic()
	world = World.sample(first_day=FIRST_DAY)
	with _stages(folder, world) as stages:
		_introduce(say, world)
		read = _first_run(say, stages)
		unchanged = _second_run(say, world, stages)
		_late_device(say, world, stages)
		_mend_list(say, world, stages)
		equal = _compare(say, world, stages)
	good = read and unchanged and equal
	say(
		f"\n{'All as it should be' if good else 'NOT AS IT SHOULD BE'}, in {time.monotonic() - started:.1f} s."
	)
	return good


@contextmanager
def _stages(folder: Path, world: World) -> Iterator[list[Stage]]:
	with ExitStack() as stack:
		fakes = stack.enter_context(simulate.fake_servers(world))
		stages = []
		for server_type, fake in fakes.items():
			own = folder / server_type.lower()
			employees = _incomplete(simulate.employees_of(world))
			config = simulate.write_site(own, world, {server_type: fake.url}, FIRST_DAY, employees)
			for name in STALE:
				(own / name).unlink(missing_ok=True)
			site = stack.enter_context(Site(load(config), lambda: world.utc_now))
			stages.append(Stage(server_type, own, site, employees))
		yield stages


def _incomplete(employees: Sequence[Employee]) -> list[Employee]:
	"""The list as HR has it: one id not entered yet, and somebody who left in the middle of the week."""
	changes = {FORGOTTEN: {"user_id": ""}, LEAVER: {"status": "Left", "relieved": LEFT_ON}}
	return [replace(employee, **changes.get(employee.user_id, {})) for employee in employees]


def _introduce(say: Say, world: World) -> None:
	say(
		f"A company with {len(world.employees)} people, {len(world.devices)} devices and {len(world.truth())} punches in 7 days."
	)
	say("Two fake servers on this machine tell of it over real HTTP: an eBioServer and an eTimeTrackLite.")
	say(f"In the employee list the id {FORGOTTEN} was forgotten, and {LEAVER} left on {LEFT_ON:%d %B %Y}.")


def _first_run(say: Say, stages: Sequence[Stage]) -> bool:
	_title(say, "First run: everything since the start date")
	rows = [row for stage in stages for row in stage.logs(stage.run())]
	_lines(say, console.log_lines(rows))
	database = stages[0].site.store.database
	say("\n  The first check-ins:")
	titles = ("Employee", "Name", "Time", "Log Type", "Location / Device ID")
	found = database.rows(
		"""SELECT c.employee, e.employee_name, c.time, c.log_type, c.device_id FROM checkin c
		JOIN employee e ON e.name = c.employee ORDER BY c.time, c.id LIMIT ?""",
		(SHOWN_CHECKINS,),
	)
	_lines(say, console.table(titles, [tuple(row) for row in found]))
	say("\n  Not used, each with its reason:")
	_lines(say, console.waiting_lines(console.waiting(database)))
	return all(row["status"] == RunStatus.SUCCESS.value for row in rows)


def _second_run(say: Say, world: World, stages: Sequence[Stage]) -> bool:
	_title(say, "Second run, an hour later: nothing may change")
	world.now += timedelta(hours=1)
	good = True
	for stage in stages:
		before = stage.contents()
		rows = stage.logs(stage.run())
		same = stage.contents() == before
		good = good and same
		fetched, new = (sum(row[name] for row in rows) for name in ("fetched", "new"))
		say(
			f"  {stage.server_type:<15} {fetched} rows read again, {new} new; {len(before[0])} staged punches and "
			f"{len(before[1])} check-ins {'are as before' if same else 'HAVE CHANGED'}."
		)
	return good


def _late_device(say: Say, world: World, stages: Sequence[Stage]) -> None:
	_title(say, "A device that was offline for days uploads at last")
	late, device = _upload_late(world), world.device(LATE_DEVICE)
	days = f"{LATE_DAYS[0]:%d} and {LATE_DAYS[-1]:%d %B}"
	say(
		f"  {world.now:%d %B, %H:%M}: {device.name} ({device.location}) uploads {len(late)} punches of {days}."
	)
	missing = {stage.server_type: late for stage in stages}
	for word, step in (("An hour later", timedelta(hours=1)), ("A day later", timedelta(days=1))):
		world.now += step
		for stage in stages:
			stage.run()
			if asked := missing[stage.server_type]:
				left = asked - {*stage.checkins(), *stage.waiting()}
				say(f"  {word + ':':<15} {stage.server_type:<15} {_told(stage, asked - left, left)}")
				missing[stage.server_type] = left


def _told(stage: Stage, found: set[Key], left: set[Key]) -> str:
	if left:
		come = f"{len(found)} are in, " if found else ""
		return f"{come}{len(left)} are older than this look back: they wait for the nightly one."
	ways = {stage.feed_of(key) for key in found}
	return f"all {len(found)} are in, {'by their log ids, which are new' if ways == {'live'} else 'by looking back'}."


def _upload_late(world: World) -> set[Key]:
	"""Punches of days ago that the server gets ten minutes from now."""
	world.now += timedelta(minutes=10)
	people = [code for code in world.employees if code not in (FORGOTTEN, LEAVER)][:LATE_PEOPLE]
	sent = {
		(code, datetime(day.year, day.month, day.day, 13, 30) + timedelta(seconds=7 * number))
		for day in LATE_DAYS
		for number, code in enumerate(people)
	}
	for code, moment in sorted(sent, key=lambda key: key[1]):
		world.punch(LATE_DEVICE, code, moment, "in", received=world.now)
	return sent


def _mend_list(say: Say, world: World, stages: Sequence[Stage]) -> None:
	_title(say, f"HR enters the id {FORGOTTEN}: its punches are used by themselves")
	world.now += timedelta(minutes=5)
	codes = {employee.name: employee.user_id for employee in simulate.employees_of(world)}
	for stage in stages:
		before = len(stage.checkins())
		stage.employ([replace(employee, user_id=codes[employee.name]) for employee in stage.employees])
		stage.run()
		say(f"  {stage.server_type:<15} {len(stage.checkins()) - before} check-ins more.")


def _compare(say: Say, world: World, stages: Sequence[Stage]) -> bool:
	_title(say, "Compared with what the servers know")
	truth = world.truth()
	results = [_compare_one(say, truth, stage) for stage in stages]
	same = all(stage.checkins() == stages[0].checkins() for stage in stages)
	say(f"  Both servers gave {'the same' if same else 'DIFFERENT'} check-ins.")
	return same and all(results)


def _compare_one(say: Say, truth: set[Key], stage: Stage) -> bool:
	used, waiting = stage.checkins(), stage.waiting()
	missing, strange = truth - {*used, *waiting}, {*used, *waiting} - truth
	double = len(used) + len(waiting) - len({*used, *waiting})
	good = not (missing or strange or double)
	path = stage.folder / CSV_FILE
	with path.open("w", encoding="utf-8", newline="") as file:
		written = write_checkins(stage.site.store.database, file, None, None)
	say(
		f"  {stage.server_type:<15} {'equal' if good else 'NOT EQUAL'}: {len(truth)} punches, {len(missing)} missing, "
		f"{double} double{f', {len(strange)} strange' if strange else ''} "
		f"({len(used)} check-ins, {len(waiting)} wait with a reason)."
	)
	say(f"  {'':<15} {written} check-ins for ERPNext's Data Import: {path}")
	return good and written == len(used)


def _title(say: Say, text: str) -> None:
	say(f"\n{text}\n")


def _lines(say: Say, lines: Iterator[str]) -> None:
	for line in lines:
		say(line)
