"""Fake attendance servers on this machine, and a configuration that reads them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from biometric_integration.bridge.people import Employee
from biometric_integration.simulator import FakeEBioServer, FakeETimeTrackLite, FakeServer, World

FAKES = {"eBioServer": FakeEBioServer, "eTimeTrackLite": FakeETimeTrackLite}
USER, PASSWORD = "api", "demo-password"
PASSWORD_FILE = "password.txt"
EMPLOYEES_FILE = "employees.csv"
CONFIG_FILE = "biometric.ini"
HEADINGS = (
	"ID",
	"Employee Name",
	"Attendance Device ID (Biometric/RF tag ID)",
	"Status",
	"Date of Joining",
	"Relieving Date",
)
JOINED = date(2020, 1, 1)


@dataclass(frozen=True)
class Ports:
	"""0 = any free one."""

	ebioserver: int = 0
	etimetracklite: int = 0


@contextmanager
def fake_servers(world: World, ports: Ports | None = None) -> Iterator[dict[str, FakeServer]]:
	"""One fake of each server type on 127.0.0.1, all telling the same world; by server type."""
	numbers = (ports or Ports()).ebioserver, (ports or Ports()).etimetracklite
	with ExitStack() as stack:
		yield {
			server_type: stack.enter_context(fake(world, user=USER, password=PASSWORD, port=port))
			for (server_type, fake), port in zip(FAKES.items(), numbers, strict=True)
		}


def employees_of(world: World) -> list[Employee]:
	"""One employee for each code of the world."""
	return [
		Employee(f"HR-EMP-{number:05d}", f"Employee {number}", code, joined=JOINED)
		for number, code in enumerate(world.employees, 1)
	]


def write_employees(path: Path, employees: Sequence[Employee]) -> None:
	"""A list as ERPNext exports it."""
	with path.open("w", encoding="utf-8", newline="") as file:
		writer = csv.writer(file)
		writer.writerow(HEADINGS)
		for each in employees:
			days = [day.isoformat() if day else "" for day in (each.joined, each.relieved)]
			writer.writerow([each.name, each.employee_name, each.user_id, each.status, *days])


def write_site(
	folder: Path, world: World, servers: Mapping[str, str], start_date: date, employees: Sequence[Employee]
) -> Path:
	"""Files with which the fakes (server type → URL) can be read: employee list, password, configuration; returns the last."""
	folder.mkdir(parents=True, exist_ok=True)
	write_employees(folder / EMPLOYEES_FILE, employees)
	(folder / PASSWORD_FILE).write_text(PASSWORD + "\n", encoding="utf-8")
	config = folder / CONFIG_FILE
	config.write_text("\n".join(_config_lines(world, servers, start_date)) + "\n", encoding="utf-8")
	return config


def _config_lines(world: World, servers: Mapping[str, str], start_date: date) -> Iterator[str]:
	yield "[site]"
	yield f"time_zone = {world.zone.key}"
	yield f"employees = {EMPLOYEES_FILE}"
	yield "database = punches.sqlite"
	yield f"start_date = {start_date.isoformat()}"
	for server_type, url in servers.items():
		yield ""
		yield f"[server {server_type.lower()}]"
		yield f"type = {server_type}"
		yield f"url = {url}"
		yield f"user = {USER}"
		yield f"password_file = {PASSWORD_FILE}"
		if server_type == "eTimeTrackLite":
			yield f"devices = {', '.join(device.serial for device in world.devices)}"
