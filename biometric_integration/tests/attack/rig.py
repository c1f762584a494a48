"""What the attacks on a site share: a site of their own, a history to read, worker processes, and the comparison with the truth."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from multiprocessing.process import BaseProcess
from typing import Any

import frappe
from frappe.utils import get_system_timezone, getdate

from biometric_integration.core.runs import EVENT_COUNTS, RUN_COUNTS
from biometric_integration.simulator import FakeEBioServer, FakeETimeTrackLite, FakeServer, World
from biometric_integration.sync.records import sync_log
from biometric_integration.sync.records.servers import SETTINGS
from biometric_integration.tests import factories

PASSWORD = "p&<s>ecret"
FAKES = {"eTimeTrackLite": FakeETimeTrackLite, "eBioServer": FakeEBioServer}
SERVERS = {"eTimeTrackLite": "attack-etime", "eBioServer": "attack-ebio"}
"""Server type → server id: by these ids the rig knows what it made."""
CHECKIN, EVENT, LOG, DEVICE = (
	"Employee Checkin",
	"Biometric Staging Event",
	"Biometric Sync Log",
	"Biometric Device",
)
CLEARED = (
	CHECKIN,
	EVENT,
	LOG,
	"Biometric Sync Request",
	"Biometric Sync Cursor",
	"Biometric Server State",
	DEVICE,
	"Biometric Device Alias",
)
READ = [name for name in RUN_COUNTS if name != "fetched"]
BECAME = [name for name in EVENT_COUNTS if name != "employees"]
DAY = timedelta(days=1)
NOON = timedelta(hours=12)

Findings = Mapping[str, Any]


# --- the site


@dataclass(frozen=True)
class Site:
	"""Where a worker process connects to."""

	name: str
	path: str

	@classmethod
	def current(cls) -> Site:
		return cls(frappe.local.site, os.path.abspath(frappe.local.sites_path))


@contextmanager
def connected(site: Site) -> Iterator[None]:
	"""As a background worker works: with a connection of its own, as Administrator."""
	frappe.init(site.name, sites_path=site.path)
	frappe.connect()
	frappe.set_user("Administrator")
	try:
		yield
	finally:
		frappe.destroy()


def take_over(wipe: bool) -> None:
	"""Empty the site for an attack. Ends the process where it holds what the rig did not make, unless `wipe` says so."""
	if foreign := _foreign():
		made_for_this = frappe.local.site.endswith(".localhost")
		if not (wipe and made_for_this):
			held = ", ".join(f"{number} {name}" for name, number in foreign.items())
			raise SystemExit(
				f"{frappe.local.site} holds what this rig has not made ({held}), and an attack deletes it all. Take an empty "
				"site, or one whose name ends with .localhost, with {'wipe': True}."
			)
	clear()


def clear() -> None:
	"""No cursors, devices, events, logs, check-ins; and nobody whom an attack employed before."""
	for doctype in CLEARED:
		frappe.db.delete(doctype)
	factories.forget_people()
	frappe.db.commit()  # nosemgrep -- other processes see it


def _foreign() -> dict[str, int]:
	"""Doctype → documents that no attack has made."""
	own = list(SERVERS.values())
	found = {
		CHECKIN: frappe.db.sql(
			f"""SELECT COUNT(*) FROM `tab{CHECKIN}` c LEFT JOIN `tab{EVENT}` e ON e.name=c.biometric_event
			WHERE e.name IS NULL OR e.server NOT IN %s""",
			(own,),
		)[0][0],
		**{
			doctype: frappe.db.count(doctype, {"server": ("not in", own)}) for doctype in (EVENT, LOG, DEVICE)
		},
	}
	settings = frappe.get_single(SETTINGS)
	servers = [row.server_id for row in settings.more_servers if row.server_id not in own]
	found["attendance servers"] = len(servers) + bool(settings.server_type)
	return {name: number for name, number in found.items() if number}


def configure(fakes: Mapping[str, FakeServer], first_day: date, timeout: int = 20) -> None:
	"""Server type → fake server, as *More Servers*. The scheduler stays off: whoever pulls is started here."""
	rows = [
		{
			"server_id": SERVERS[server_type],
			"label": server_type,
			"server_type": server_type,
			"endpoint_url": fake.url,
			"api_user": "api",
			"api_password": PASSWORD,
			"timeout": timeout,
		}
		for server_type, fake in fakes.items()
	]
	document = frappe.get_single(SETTINGS)
	document.update({"enabled": 0, "server_type": "", "endpoint_url": "", "repeat_window": 0})
	document.update({"start_date": first_day, "more_servers": rows})
	document.save()
	for server_type, fake in fakes.items():
		if server_type == "eTimeTrackLite":
			for device in fake.world.devices:
				factories.device(
					device.serial, device.name, location=device.location, server=SERVERS[server_type]
				)
	frappe.db.commit()  # nosemgrep -- other processes see it


# --- the truth


def history(punches: int, employees: int, seed: int) -> World:
	"""A company's past up to yesterday, with at least that many punches; its clock stands at the end."""
	days = max(3, punches // (2 * employees))
	while True:
		first_day = getdate() - timedelta(days=days + 2)
		world = World.sample(
			seed=seed, employees=employees, first_day=first_day, days=days, zone=get_system_timezone()
		)
		if len(world.truth()) >= punches:
			return world
		days += 1 + days // 50


def employ(world: World) -> dict[str, str]:
	"""An employee for each code of the world; returns employee → code."""
	people = factories.employees(world.employees)
	frappe.db.commit()  # nosemgrep -- other processes see it
	return {employee: code for code, employee in people.items()}


@contextmanager
def scene(server_type: str, punches: int, employees: int, seed: int) -> Iterator[Scene]:
	"""An empty site, one server with a history on it, and the people of that history."""
	clear()
	world = history(punches, employees, seed)
	with FAKES[server_type](world, password=PASSWORD) as fake:
		first_day = min(time for _code, time in world.truth()).date()
		configure({server_type: fake}, first_day)
		yield Scene(server_type, world, fake, employ(world), world.now, len(world.truth()))


@dataclass
class Scene:
	"""A server of one type, its world, and who is who: employee → code. `end` is when the world has told everything."""

	server_type: str
	world: World
	fake: FakeServer
	people: dict[str, str]
	end: datetime
	punches: int

	@property
	def server(self) -> str:
		return SERVERS[self.server_type]

	def rewind(self) -> timedelta:
		"""Put the clock back to the first morning; returns how long the history is."""
		first = min(time for _code, time in self.world.truth())
		self.world.now = datetime.combine(first.date(), datetime.min.time())
		return self.end - self.world.now

	def advance(self, by: timedelta) -> None:
		self.world.now = min(self.world.now + by, self.end)


# --- what is there at the end


def look(scene: Scene) -> Findings:
	"""Check-ins against the truth, events against check-ins, logs against both. Everything but `punches`, `events` has to be 0."""
	frappe.db.rollback()  # what others have committed is seen
	found = Counter((scene.people.get(row.employee, row.employee), row.time) for row in _checkins())
	truth = scene.world.truth()
	return {
		"punches": len(truth),
		"check-ins": sum(found.values()),
		"missing": len(truth - set(found)),
		"double": sum(number - 1 for number in found.values()),
		"not in the truth": len(set(found) - truth),
		**look_inside(scene),
	}


def look_inside(scene: Scene) -> Findings:
	"""What has to hold whoever the punches belong to by now."""
	logs = frappe.get_all(LOG, fields=["name", "status", "fetched", *READ, *BECAME], limit=0)
	events = frappe.get_all(EVENT, fields=["name", "status", "employee_checkin", "kind"], limit=0)
	checkins = {row.name for row in _checkins()}
	counts = sync_log.event_counts([log.name for log in logs])
	return {
		"events": len(events),
		"events missing": len(scene.world.truth()) - len(events),
		"events without their check-in": sum(
			event.status == "Processed" and event.employee_checkin not in checkins for event in events
		),
		"check-ins without their event": len(checkins - {event.employee_checkin for event in events}),
		"two check-ins of one person and second": _doubles(),
		"events still Pending": sum(event.status == "Pending" for event in events),
		"logs": len(logs),
		"logs still Running": sum(log.status == "Running" for log in logs),
		"logs whose rows do not add up": sum(log.fetched != sum(log[name] for name in READ) for log in logs),
		"logs whose punches do not add up": sum(log.new != sum(log[name] for name in BECAME) for log in logs),
		"logs that tell of an earlier state": sum(
			_became(log) != _became(vars(counts[log.name])) for log in logs
		),
		"punches first staged by no log, or by two": abs(sum(log.new for log in logs) - len(events)),
	}


def _became(counts: Mapping[str, int]) -> dict[str, int]:
	"""What a person deletes stays where it was counted, as created, until something else of its run is used."""
	became = {name: counts[name] for name in BECAME}
	ignored = became.pop("ignored")
	return {**became, "created": became["created"] + ignored}


COUNTED = frozenset({"punches", "check-ins", "events", "logs"})


def faults(findings: Findings) -> list[str]:
	"""What should have been 0."""
	return [f"{name}: {value}" for name, value in findings.items() if name not in COUNTED and value]


def _checkins() -> list:
	return frappe.get_all(CHECKIN, fields=["name", "employee", "time"], limit=0)


def _doubles() -> int:
	query = f"SELECT COUNT(*) - COUNT(DISTINCT `employee`, `time`) FROM `tab{CHECKIN}`"
	return frappe.db.sql(query)[0][0]  # the query builder has no COUNT(DISTINCT a, b)


# --- processes

PRELOADED = [
	"frappe",
	"frappe.utils.background_jobs",
	"hrms.hr.doctype.employee_checkin.employee_checkin",
	"biometric_integration.sync.jobs",
	"biometric_integration.tests.attack.workers",
]


def processes() -> multiprocessing.context.ForkServerContext:
	"""Workers are forked off a process that has everything imported and no connection yet, as the queue does it."""
	context = multiprocessing.get_context("forkserver")
	context.set_forkserver_preload(PRELOADED)
	return context


def end(process: BaseProcess) -> None:
	if process.is_alive():
		process.kill()
	process.join()


# --- the report


@dataclass
class Report:
	"""A table for people, with a column for each server type, and whether all is well."""

	title: str
	rows: dict[str, dict[str, str]] = field(default_factory=dict)
	wrong: list[str] = field(default_factory=list)

	def add(self, column: str, name: str, value: Any) -> None:
		shown = f"{value:.1f}" if isinstance(value, float) else str(value)
		self.rows.setdefault(name, {})[column] = shown

	def findings(self, column: str, findings: Findings) -> None:
		for name, value in findings.items():
			self.add(column, name, value)
		self.wrong += [f"{column}: {fault}" for fault in faults(findings)]

	def show(self) -> None:
		"""Print it; ends the process with exit code 1 where something is wrong."""
		columns = list(dict.fromkeys(column for cells in self.rows.values() for column in cells))
		lines = [("", *columns)]
		lines += [(name, *(cells.get(column, "") for column in columns)) for name, cells in self.rows.items()]
		widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
		print(f"\n{self.title}\n")
		for first, *others in lines:
			cells = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
			print("  ".join((first.ljust(widths[0]), *cells)))
		print("WRONG: " + "; ".join(self.wrong) if self.wrong else "All as it should be.", flush=True)
		if self.wrong:
			raise SystemExit(1)
