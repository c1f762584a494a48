"""Fake attendance servers and devices for the browser test, told what to do by lines of JSON on standard input.

The first line written says where they are. Ends with its standard input.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime, time, timedelta

from biometric_integration.simulator import (
	FakeBioTime,
	FakeEBioServer,
	FakeETimeTrackLite,
	FakeTerminal,
	World,
)
from biometric_integration.simulator.sample import fill

USER = "api"
PASSWORD = "Acme & <Sons> 'ü'"
ZONE = "Asia/Kolkata"
DAYS = 7
EMPLOYEES = 50
WAREHOUSE = (("SIMW000000001", "Warehouse", "DEPOT"), ("SIMW000000002", "Loading Dock", "DEPOT"))
WAREHOUSE_CODES = tuple(str(code) for code in range(2001, 2009))
BRANCH = ("SIMB000000001", "Branch Gate", "BRANCH")


def head_office(days: int) -> World:
	"""The sample company, up to yesterday; the night shift of yesterday leaves this morning."""
	world = World(None, ZONE)
	first_day = world.now.date() - timedelta(days=days)
	fill(world, seed=7, employees=EMPLOYEES, devices=4, first_day=first_day, days=days)
	return world


def warehouse() -> World:
	world = World(None, ZONE)
	for serial, name, location in WAREHOUSE:
		world.add_device(serial, name, location)
	yesterday = world.now.date() - timedelta(days=1)
	for number, code in enumerate(WAREHOUSE_CODES):
		for word, clock in (("in", time(8, 2)), ("out", time(17, 31))):
			moment = datetime.combine(yesterday, clock) + timedelta(seconds=97 * number)
			world.punch(WAREHOUSE[number % 2][0], code, moment, word)
	return world


def branch() -> World:
	world = World(None, ZONE)
	world.add_device(*BRANCH)
	yesterday = world.now.date() - timedelta(days=1)
	for number, code in enumerate(WAREHOUSE_CODES):
		world.punch(BRANCH[0], code, datetime.combine(yesterday, time(13, 0, 10 + number)), "in")
	return world


def main() -> None:
	options = argparse.ArgumentParser(description=__doc__)
	options.add_argument("--days", type=int, default=DAYS, help="how far back the punches go")
	options.add_argument(
		"--ports", type=int, nargs=3, default=(0, 0, 0), help="of the servers; 0: a free one"
	)
	given = options.parse_args()
	worlds = {"main": head_office(given.days), "warehouse": warehouse(), "branch": branch()}
	types = {"main": FakeEBioServer, "warehouse": FakeETimeTrackLite, "branch": FakeBioTime}
	servers = {
		name: types[name](world, user=USER, password=PASSWORD, port=port)
		for (name, world), port in zip(worlds.items(), given.ports, strict=True)
	}
	terminals: dict[str, FakeTerminal] = {}
	for server in servers.values():
		server.start()
	say({"user": USER, "password": PASSWORD, **{name: server.url for name, server in servers.items()}})
	for line in sys.stdin:
		order = json.loads(line)
		say(push(order, terminals) if "terminal" in order else obey(order, worlds))
	for server in servers.values():
		server.stop()


def obey(order: dict, worlds: dict[str, World]) -> dict:
	"""{"world"}: how many punches there are by now. With {"serial", "code", "days"}: one more, stamped that many days from now.
	With {"device"}: from a new device of that name.
	"""
	world = worlds[order["world"]]
	if "device" in order:
		world.add_device(order["serial"], order["device"])
	if "code" in order:
		moment = world.now + timedelta(days=order.get("days", 0))
		world.punch(order["serial"], order["code"], moment, order.get("direction", "in"), received=world.now)
	return {"punches": len(world.truth()), "codes": sorted({code for code, _time in world.truth()})}


def push(order: dict, terminals: dict[str, FakeTerminal]) -> dict:
	"""{"terminal": serial, "url", "site"}: it starts, as a device with this address in its menu, and asks for commands. With {"code"}: after a
	punch of now, in its clock. Answers {"status" of its greeting, "is_set": it was told what to do, "waiting": rows not acknowledged, "commands"}.
	"""
	serial = order["terminal"]
	terminal = terminals.setdefault(serial, FakeTerminal(order["url"], serial, site=order["site"]))
	greeting = terminal.hello()
	if "code" in order:
		terminal.punch(order["code"], World(None, ZONE).now)
	terminal.send_all()
	commands = terminal.poll()
	terminal.send_all()
	return {
		"status": greeting.status,
		"is_set": bool(terminal.options),
		"waiting": len(terminal.waiting),
		"commands": commands,
	}


def say(answer: dict) -> None:
	print(json.dumps(answer), flush=True)


if __name__ == "__main__":
	main()
