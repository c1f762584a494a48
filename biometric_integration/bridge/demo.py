"""The whole job in a few seconds: a fake server of each type, a week of punches, and the truth to compare with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

from biometric_integration.bridge import console, simulate
from biometric_integration.bridge.config import load
from biometric_integration.bridge.export import write_checkins
from biometric_integration.bridge.people import Employee
from biometric_integration.bridge.site import Site
from biometric_integration.core.runs import RunStatus
from biometric_integration.simulator import World

FIRST_DAY = date(2026, 6, 1)
"""A Monday; the demonstration has its own clock, so that it is the same every time."""
FORGOTTEN = "ABC-107"
LEAVER = "1010"
LEFT_ON = date(2026, 6, 4)
LATE_DEVICE = "SIMD000000003"
LATE_TIMES = (datetime(2026, 6, 4, 13, 30), datetime(2026, 6, 5, 13, 30))
LATE_PEOPLE = slice(10, 18)
"""Some who are neither forgotten nor gone."""
STALE = ("punches.sqlite", "punches.sqlite-wal", "punches.sqlite-shm")

Punches = Counter[tuple[str, datetime]]
"""How often each is there, by the person's user id and its time."""


@dataclass(frozen=True)
class Stage:
	"""A fake server, and a site of its own that reads it."""

	server_type: str
	folder: Path
	site: Site

	def sync(self) -> bool:
		"""Whether all of it could be read."""
		self.site.take_over()
		statuses = set()
		for report in self.site.pull(self.site.config.servers[0]):
			print(console.report_line(report, self.site.config))
			statuses.add(report.status)
		decided, used, waiting = self.site.process(), self.checkins().total(), self.waiting().total()
		print(f"  {self.server_type}: {decided} decided; {used} check-ins in all, {waiting} punches wait.")
		return statuses == {RunStatus.SUCCESS}

	def checkins(self) -> Punches:
		return self._punches("SELECT e.user_id, c.time FROM checkin c JOIN employee e ON e.name = c.employee")

	def waiting(self) -> Punches:
		return self._punches("SELECT user_id, source_time FROM event WHERE status != 'Processed'")

	def _punches(self, query: str) -> Punches:
		rows = self.site.store.database.rows(query)
		return Counter((user_id, datetime.fromisoformat(time)) for user_id, time in rows)

	def contents(self) -> list[tuple[Any, ...]]:
		"""Everything a second run must leave alone."""
		database = self.site.store.database
		events = database.rows("SELECT name, status, reason_code, employee, checkin FROM event ORDER BY name")
		return [tuple(row) for row in (*events, *database.rows("SELECT * FROM checkin ORDER BY id"))]


def run(folder: Path) -> bool:
	"""Play it all, writing into `folder`; False where what came out is not the truth."""
	started = monotonic()
	world = World.sample(first_day=FIRST_DAY)
	with _stages(folder, world) as stages:
		good = all([_play(world, stages), _compare(world.truth(), stages)])
	print(f"\n{'All as it should be' if good else 'NOT AS IT SHOULD BE'}, in {monotonic() - started:.1f} s.")
	return good


@contextmanager
def _stages(folder: Path, world: World) -> Iterator[list[Stage]]:
	with ExitStack() as stack:
		stages = []
		for server_type, fake in stack.enter_context(simulate.fake_servers(world)).items():
			own = folder / server_type.lower()
			path = simulate.write_site(own, world, {server_type: fake.url}, FIRST_DAY, _employees(world))
			for name in STALE:
				(own / name).unlink(missing_ok=True)
			site = stack.enter_context(Site(load(path), lambda: world.utc_now))
			stages.append(Stage(server_type, own, site))
		yield stages


def _employees(world: World, forgotten: str = FORGOTTEN) -> list[Employee]:
	"""The list as HR has it: one id not entered yet, and somebody who left in the middle of the week."""
	changes: dict[str, dict[str, Any]] = {
		forgotten: {"user_id": ""},
		LEAVER: {"status": "Left", "relieved": LEFT_ON},
	}
	return [replace(each, **changes.get(each.user_id, {})) for each in simulate.employees_of(world)]


def _play(world: World, stages: Sequence[Stage]) -> bool:
	"""All sites are synced four times; whether all was read, and the second time changed nothing."""
	people, devices, punches = len(world.employees), len(world.devices), len(world.truth())
	print(
		f"A week of a company with {people} people and {devices} devices: {punches} punches, told over HTTP by"
	)
	print(
		f"fake servers on this machine: {', '.join(stage.server_type for stage in stages)}. In the employee list"
	)
	print(f"the id {FORGOTTEN} was forgotten, and {LEAVER} left on {LEFT_ON:%d %B %Y}.")
	good = [_sync(stages, "First run: everything since the start date")]
	print("  What waits, and why:")
	print(*console.waiting_lines(console.waiting(stages[0].site.store.database)), sep="\n")
	before = [stage.contents() for stage in stages]
	world.now += timedelta(hours=1)
	good.append(_sync(stages, "Second run, an hour later: nothing may change"))
	good.append(before == [stage.contents() for stage in stages])
	print(f"  All punches and check-ins {'are as before' if good[-1] else 'HAVE CHANGED'}.")
	for moment in LATE_TIMES:
		for code in world.employees[LATE_PEOPLE]:
			world.punch(LATE_DEVICE, code, moment, received=world.now + timedelta(minutes=10))
	world.now += timedelta(days=1)
	late = len(world.truth()) - punches
	good.append(
		_sync(stages, f"A day later: a device that was offline has uploaded {late} punches of last week")
	)
	for stage in stages:
		simulate.write_employees(stage.folder / simulate.EMPLOYEES_FILE, _employees(world, forgotten=""))
	good.append(_sync(stages, f"HR enters the id {FORGOTTEN}: its punches are used by themselves"))
	return all(good)


def _sync(stages: Sequence[Stage], title: str) -> bool:
	print(f"\n{title}\n")
	return all([stage.sync() for stage in stages])


def _compare(truth: set[tuple[str, datetime]], stages: Sequence[Stage]) -> bool:
	print("\nCompared with what the servers know\n")
	good = [_equal(truth, stage) for stage in stages]
	good.append(all(stage.checkins() == stages[0].checkins() for stage in stages))
	print(f"  All servers gave {'the same' if good[-1] else 'DIFFERENT'} check-ins.")
	return all(good)


def _equal(truth: set[tuple[str, datetime]], stage: Stage) -> bool:
	used, waiting = stage.checkins(), stage.waiting()
	found = used + waiting
	missing, strange = len(truth - found.keys()), len(found.keys() - truth)
	double = found.total() - len(found)
	path = stage.folder / "checkins.csv"
	with path.open("w", encoding="utf-8", newline="") as file:
		written = write_checkins(stage.site.store.database, file, None, None)
	good = not (missing or double or strange) and written == used.total()
	equal = f"{'equal' if good else 'NOT EQUAL'}: {len(truth)} punches, {missing} missing, {double} double"
	print(f"  {stage.server_type} is {equal}, {strange} strange; {waiting.total()} wait with a reason.")
	print(f"  {written} check-ins for ERPNext's Data Import: {path}")
	return good
