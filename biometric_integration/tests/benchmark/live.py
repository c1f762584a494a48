"""From the punch that a device sends to its check-in, on a site that runs and has nothing else to do: one web server, one worker, no scheduler."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import quantiles
from zoneinfo import ZoneInfo

import frappe
from frappe.utils import get_system_timezone, now_datetime

from biometric_integration.core.punch import fingerprint
from biometric_integration.simulator import FakeTerminal
from biometric_integration.sync import jobs
from biometric_integration.sync.push.host import ONLY_PUSHES
from biometric_integration.sync.records.servers import SETTINGS
from biometric_integration.tests import factories
from biometric_integration.tests.attack.rig import CHECKIN, DEVICE, Site, connected
from biometric_integration.tests.benchmark import place
from biometric_integration.tests.benchmark.running import running
from biometric_integration.tests.benchmark.table import Line, Table

PEOPLE = 500
"""More than punch in a second."""
LOOKS = 0.02
"""Seconds between two looks at the check-ins."""
POLLS = 30.0
"""Seconds after which a device that has nothing to tell asks whether it is asked something."""
WARM_UP = 5
PATIENCE = 60
SERIAL = "LIVE{:08}"


def measure(table: Table, devices: int, seconds: int, rate: int) -> None:
	"""`rate`: punches a second, of all devices together."""
	place.clear()
	keys = _prepare(devices)
	try:
		with running() as url:
			zone = ZoneInfo(get_system_timezone())
			terminals = [FakeTerminal(url, serial, site=frappe.local.site, timeout=60) for serial in keys]
			_Day(keys, zone).spend(terminals[:1], WARM_UP, 1)
			for number, pace in ((1, 1), (devices, rate)):
				day = _Day(keys, zone)
				day.spend(terminals[:number], seconds, pace)
				_show(table, day, f"{number} device{'s' * (number > 1)}, {pace} a second for {seconds} s")
			frappe.cache.delete_value(f"biometric_{jobs.LIVE}")  # the worker need not wait for more
	finally:
		_put_back()


def _prepare(devices: int) -> dict[str, str]:
	"""Serial number → device, of devices that push."""
	document = frappe.get_single(SETTINGS)
	document.update(
		{"enabled": 0, "server_type": "", "endpoint_url": "", "more_servers": [], "time_zone": ""}
	)
	document.update({"repeat_window": 0, "start_date": (now_datetime() - timedelta(days=1)).date()})
	document.update({"accept_push": 1, "push_secret": "", "push_networks": ""})
	document.save()
	factories.employees([_person(number) for number in range(PEOPLE)])
	serials = [SERIAL.format(number) for number in range(devices)]
	keys = {serial: factories.device(serial, push=1, server=ONLY_PUSHES) for serial in serials}
	frappe.db.commit()  # nosemgrep -- other processes see it
	return keys


def _put_back() -> None:
	frappe.db.rollback()
	frappe.db.set_single_value(SETTINGS, "accept_push", 0)
	frappe.db.delete(DEVICE, {"server": ONLY_PUSHES})
	frappe.db.commit()  # nosemgrep -- other processes see it


def _person(number: int) -> str:
	return f"live-{number:04}"


@dataclass
class _Day:
	"""What happens at some devices for a while. begun, acknowledged, seen: name of the event → when (monotonic seconds)."""

	keys: dict[str, str]
	zone: ZoneInfo
	begun: dict[str, float] = field(default_factory=dict)
	acknowledged: dict[str, float] = field(default_factory=dict)
	seen: dict[str, float] = field(default_factory=dict)
	twice: int = 0
	load: str = ""

	def spend(self, terminals: Sequence[FakeTerminal], seconds: int, pace: int) -> None:
		"""Punches follow each other evenly, each at the next device; the devices poll meanwhile."""
		over, load = threading.Event(), os.getloadavg()[0]
		watcher = threading.Thread(target=self._watch, args=(Site.current(), over), daemon=True)
		watcher.start()
		begin = time.monotonic()
		threads = [
			threading.Thread(
				target=self._stand, args=(terminal, number, len(terminals), begin, seconds, pace)
			)
			for number, terminal in enumerate(terminals)
		]
		for thread in threads:
			thread.start()
		for thread in threads:
			thread.join()
		end = time.monotonic() + PATIENCE
		while not self.seen.keys() >= self.begun.keys() and time.monotonic() < end:
			time.sleep(LOOKS)
		over.set()
		watcher.join()
		self.load = f"{load:.1f} to {os.getloadavg()[0]:.1f}"

	def _stand(
		self, terminal: FakeTerminal, number: int, of: int, begin: float, seconds: int, pace: int
	) -> None:
		"""The turns of one device among `of`: each punch, and a poll where there is none for long."""
		polls = begin + POLLS * number / of
		for turn in range(number, seconds * pace, of):
			at = begin + turn / pace
			while polls < at:
				_sleep_until(polls)
				terminal.poll()
				polls += POLLS
			_sleep_until(at)
			self._punch(terminal, turn)
		while polls < begin + seconds:
			_sleep_until(polls)
			terminal.poll()
			polls += POLLS

	def _punch(self, terminal: FakeTerminal, turn: int) -> None:
		person = _person(turn % PEOPLE)
		at = datetime.now(self.zone).replace(tzinfo=None, microsecond=0)
		name = fingerprint(ONLY_PUSHES, self.keys[terminal.serial], person, at)
		terminal.punch(person, at)
		self.begun[name] = time.monotonic()
		while not terminal.send_all():
			time.sleep(0.2)
		self.acknowledged[name] = time.monotonic()

	def _watch(self, site: Site, over: threading.Event) -> None:
		"""When each check-in was there for others: a connection of its own looks again and again."""
		with connected(site):
			since = now_datetime() - timedelta(seconds=1)
			while not over.is_set():
				frappe.db.rollback()
				rows = frappe.get_all(
					CHECKIN, {"creation": (">=", since)}, ["biometric_event", "creation"], limit=0
				)
				now = time.monotonic()
				for row in rows:
					self.seen.setdefault(row.biometric_event, now)
				if rows:
					since = max(row.creation for row in rows) - timedelta(seconds=5)
				over.wait(LOOKS)
			names = frappe.get_all(
				CHECKIN, {"biometric_event": ("in", list(self.begun))}, pluck="biometric_event", limit=0
			)
			self.twice = len(names) - len(set(names))
			self.seen = {name: self.seen.get(name, time.monotonic()) for name in names}


def _sleep_until(at: float) -> None:
	time.sleep(max(0.0, at - time.monotonic()))


def _show(table: Table, day: _Day, name: str) -> None:
	lags = [day.seen[each] - begun for each, begun in day.begun.items() if each in day.seen]
	answers = [day.acknowledged[each] - begun for each, begun in day.begun.items()]
	note = f"to the check-in {_spread(lags)}, to the answer {_spread(answers)}, load {day.load}"
	table.add(Line(f"live: {name}", len(day.begun), note=note))
	table.expect(f"check-ins of {name}", len(lags), len(day.begun))
	table.expect(f"events with two check-ins, {name}", day.twice, 0)


def _spread(seconds: Sequence[float]) -> str:
	if len(seconds) < 2:
		return "none"
	cuts = quantiles(seconds, n=20, method="inclusive")
	return f"p50 {cuts[9]:.2f} p95 {cuts[18]:.2f} max {max(seconds):.2f} s"
