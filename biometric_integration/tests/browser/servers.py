"""Fake attendance servers for the browser test, told what to do by lines of JSON on standard input.

The first line written says where they are. Ends with its standard input.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime, time, timedelta

from biometric_integration.simulator import FakeEBioServer, FakeETimeTrackLite, World
from biometric_integration.simulator.sample import fill

USER = "api"
PASSWORD = "Acme & <Sons> 'ü'"
ZONE = "Asia/Kolkata"
DAYS = 7
EMPLOYEES = 50
WAREHOUSE = (("SIMW000000001", "Warehouse", "DEPOT"), ("SIMW000000002", "Loading Dock", "DEPOT"))
WAREHOUSE_CODES = tuple(str(code) for code in range(2001, 2009))


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


def main() -> None:
	options = argparse.ArgumentParser(description=__doc__)
	options.add_argument("--days", type=int, default=DAYS, help="how far back the punches go")
	options.add_argument(
		"--ports", type=int, nargs=2, default=(0, 0), help="of the two servers; 0: a free one"
	)
	given = options.parse_args()
	main_port, warehouse_port = given.ports
	worlds = {"main": head_office(given.days), "warehouse": warehouse()}
	servers = {
		"main": FakeEBioServer(worlds["main"], user=USER, password=PASSWORD, port=main_port),
		"warehouse": FakeETimeTrackLite(
			worlds["warehouse"], user=USER, password=PASSWORD, port=warehouse_port
		),
	}
	for server in servers.values():
		server.start()
	say({"user": USER, "password": PASSWORD, **{name: server.url for name, server in servers.items()}})
	for line in sys.stdin:
		say(obey(json.loads(line), worlds))
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


def say(answer: dict) -> None:
	print(json.dumps(answer), flush=True)


if __name__ == "__main__":
	main()
