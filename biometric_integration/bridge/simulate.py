"""Fake attendance servers on this machine, and a configuration that reads them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from configparser import ConfigParser
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from biometric_integration.bridge.people import Employee
from biometric_integration.connectors.registry import CONNECTORS
from biometric_integration.core.connector import Unit
from biometric_integration.core.errors import TransientError
from biometric_integration.simulator import FakeBioTime, FakeEBioServer, FakeETimeTrackLite, FakeServer, World

FAKES = {"BioTime": FakeBioTime, "eBioServer": FakeEBioServer, "eTimeTrackLite": FakeETimeTrackLite}
USER, PASSWORD = "api", "demo-password"
PASSWORD_FILE = "password.txt"
EMPLOYEES_FILE = "employees.csv"
CONFIG_FILE = "biometric.ini"
ATTENDANCE_ID = "Attendance Device ID (Biometric/RF tag ID)"
HEADINGS = ("ID", "Employee Name", ATTENDANCE_ID, "Status", "Date of Joining", "Relieving Date")
JOINED = date(2020, 1, 1)


@contextmanager
def fake_servers(world: World, port: int = 0) -> Iterator[dict[str, FakeServer[Any]]]:
	"""One fake of each server type on 127.0.0.1, all telling the same world; by server type.

	The first listens on `port`, the others on those after it; 0 = any free ones. Raises TransientError for one that is taken.
	"""
	with ExitStack() as stack:
		fakes: dict[str, FakeServer[Any]] = {}
		for number, (server_type, fake) in enumerate(FAKES.items(), port):
			server = fake(world, user=USER, password=PASSWORD, port=port and number)
			try:
				fakes[server_type] = stack.enter_context(server)
			except OSError as error:
				words = f"The port {number} for {server_type} cannot be used: {error.strerror}."
				raise TransientError(words, str(error)) from error
		yield fakes


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
			writer.writerow(
				(each.name, each.employee_name, each.user_id, each.status, each.joined, each.relieved)
			)


def write_site(
	folder: Path, world: World, servers: Mapping[str, str], start_date: date, employees: Sequence[Employee]
) -> Path:
	"""Files with which the fakes (server type → URL) can be read: employee list, password, configuration; returns the last."""
	folder.mkdir(parents=True, exist_ok=True)
	write_employees(folder / EMPLOYEES_FILE, employees)
	(folder / PASSWORD_FILE).write_text(PASSWORD + "\n", encoding="utf-8")
	config = ConfigParser(interpolation=None)
	config["site"] = {
		"time_zone": world.zone.key,
		"employees": EMPLOYEES_FILE,
		"database": "punches.sqlite",
		"start_date": start_date.isoformat(),
	}
	for server_type, url in servers.items():
		server = {"type": server_type, "url": url, "user": USER, "password_file": PASSWORD_FILE}
		connector: Any = CONNECTORS[server_type]
		if connector.unit is Unit.DEVICE:
			server["devices"] = ", ".join(device.serial for device in world.devices)
		config[f"server {'-'.join(server_type.lower().split())}"] = server
	with (folder / CONFIG_FILE).open("w", encoding="utf-8") as file:
		config.write(file)
	return folder / CONFIG_FILE
