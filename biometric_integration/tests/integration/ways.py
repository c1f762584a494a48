"""All who bring the punches of one office at the same time: the office, the senders with their bad habits, and the workers that use what comes."""

from __future__ import annotations

import json
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from itertools import islice
from queue import SimpleQueue
from random import Random
from threading import Lock, Thread
from typing import Any, NamedTuple

import frappe

from biometric_integration import api
from biometric_integration.core.punch import fingerprint
from biometric_integration.core.runs import RunStatus, Trigger
from biometric_integration.simulator import FakeTerminal, World
from biometric_integration.simulator.adms import Reply
from biometric_integration.sync import jobs
from biometric_integration.sync.db import sql

EVENT, FILE = "Biometric Staging Event", "Biometric File Import"
FIRST, LAST = date(2025, 2, 1), date(2025, 3, 31)
NOW = datetime(2025, 4, 1, 12)
"""At the servers."""
BORDER = date(2025, 3, 1)
DEVICES = tuple(f"WAYS{number:08}" for number in range(5))
PEOPLE = (
	*(f"{number:06}" for number in range(64101, 64132)),
	*("64990", "064990", "WA1", "64-12", "WAYS.12", "W/7", "ЖW7", "64999999999999999999"),
)
"""Ids of who works here all the time."""
LEFT, CAME, NOBODY = "064901", "064902", ("wa1", "64777")
"""Who left after the border, who came on it, and ids that are nobody's: `wa1` is not `WA1`."""
EVERYBODY = (*PEOPLE, LEFT, CAME, *NOBODY)
HABITS = (
	((0, 0, 0),),
	((0, 0, 0),),
	((0, 0, 0), (0, 0, 2)),
	((0, 0, 0), (1, 0, 0), (2, 0, 0)),
	((0, 0, 0), (0, 1, 0)),
	((0, 0, 0), (0, 1, 1), (1, 1, 1)),
)
"""What happens at a door: (which of some people, which of two devices, seconds later)."""
CUTS = 0.12
"""How many of the requests of a sender are cut off."""
TRIES = 60
LARGEST = 120
"""Rows of one request; where there are many, a device or server sends more of them at once."""


class Tap(NamedTuple):
	"""One punch of the truth; `at`: wall clock of the office, to the second."""

	serial: str
	user_id: str
	at: datetime


def office(punches: int, seed: int = 1) -> World:
	"""Two months of that many punches, no two of them the same."""
	world, chance = World(NOW), Random(seed)
	for number, serial in enumerate(DEVICES, 1):
		world.add_device(serial, f"Gate {number}")
	seen: set[Tap] = set()
	for tap in islice((tap for tap in _taps(chance) if not (tap in seen or seen.add(tap))), punches):
		world.punch(tap.serial, tap.user_id, tap.at, chance.choice(("in", "out")))
	return world


def _taps(chance: Random) -> Iterator[Tap]:
	while True:
		day = FIRST + timedelta(days=chance.randrange((LAST - FIRST).days + 1))
		begin = datetime.combine(day, datetime.min.time()) + timedelta(
			seconds=chance.randrange(25_000, 75_000)
		)
		people, doors = chance.sample(EVERYBODY, 3), chance.sample(DEVICES, 2)
		for person, door, later in chance.choice(HABITS):
			yield Tap(doors[door], people[person], begin + timedelta(seconds=later))


def taps(world: World) -> list[Tap]:
	return [Tap(row.serial, row.code, row.time) for row in world.visible()]


def works(tap: Tap) -> bool:
	"""Is this the punch of somebody who is employed on the day?"""
	employed = {LEFT: tap.at.date() <= BORDER, CAME: tap.at.date() >= BORDER}
	return employed.get(tap.user_id, tap.user_id in PEOPLE)


# --- workers


@contextmanager
def connected(site: str) -> Iterator[None]:
	"""A thread with a connection of its own, as Administrator."""
	frappe.init(site=site, force=True)
	frappe.connect()
	frappe.set_user("Administrator")
	try:
		yield
	finally:
		frappe.destroy()


@dataclass
class Workers:
	"""In the place of Redis and its workers: a job of a name that waits or runs is not queued twice."""

	site: str
	trouble: list[str]
	done: Counter[str] = field(default_factory=Counter)
	_names: set[str] = field(default_factory=set)
	_waiting: set[str] = field(default_factory=set)
	_closing: bool = False
	_lock: Any = field(default_factory=Lock)
	_queue: Any = field(default_factory=SimpleQueue)

	def enqueue(self, method: str, queue: str = "", job_id: str = "", deduplicate: bool = False, **arguments):
		"""As `frappe.enqueue`; what is not ours is left undone."""
		if not str(method).startswith("biometric_integration."):
			return None
		with self._lock:
			if deduplicate and job_id in self._names:
				return None
			self._names.add(job_id)
			self._waiting.add(job_id)
		self._queue.put((job_id, method, arguments))
		return job_id

	def are_needed(self) -> bool:
		"""Does another job, or their leave, wait for them?"""
		return bool(self._closing or self._waiting - {jobs.PROCESS, jobs.BEHIND})

	@contextmanager
	def at_work(self, number: int) -> Iterator[None]:
		"""They end when all that was asked for is done."""
		threads = [Thread(target=self._work, daemon=True) for _ in range(number)]
		for thread in threads:
			thread.start()
		try:
			yield
		finally:
			self._closing = True
			for _thread in threads:
				self._queue.put(None)
			for thread in threads:
				thread.join()

	def _work(self) -> None:
		for job_id, method, arguments in iter(self._queue.get, None):
			self._waiting.discard(job_id)
			try:
				with connected(self.site):
					frappe.get_attr(method)(**arguments)
				self.done[method.rpartition(".")[2]] += 1
			except Exception:
				self.trouble.append(traceback.format_exc())
			with self._lock:
				self._names.discard(job_id)


# --- who sends


@dataclass
class Way:
	"""One who brings punches, in an order and in batches of its own. `told`: of how many it was said that they are kept, `lies`: those that were not."""

	name: str
	site: str
	port: int
	names: dict[Tap, str]
	"""Punch → name of its Staging Event."""
	chance: Random
	told: set[Tap] = field(default_factory=set)
	lies: list[Tap] = field(default_factory=list)
	cuts: int = 0
	answers: Counter[str] = field(default_factory=Counter)
	took: float = 0.0

	def run(self) -> None:
		raise NotImplementedError

	def batches(self, rows: Iterable[Tap]) -> Iterator[list[Tap]]:
		"""Of all sizes, some of them once more."""
		rest = iter(rows)
		while batch := list(islice(rest, self.chance.randint(1, LARGEST))):
			yield batch
			if self.chance.random() < CUTS:
				yield batch

	def shuffled(self, rows: Iterable[Tap]) -> list[Tap]:
		rows = list(rows)
		self.chance.shuffle(rows)
		return rows

	def is_kept(self, rows: Sequence[Tap]) -> None:
		"""It was told so: is it there, at this moment, for whoever asks?"""
		frappe.db.rollback()
		names = {self.names[tap]: tap for tap in rows}
		found = {name for (name,) in sql.select_in(EVENT, ("name",), "name", sorted(names))}
		self.lies += [tap for name, tap in names.items() if name not in found]
		self.told |= set(rows)

	def cut_off(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> bool:
		"""Sometimes the line goes dead: with half of the request sent, or with all of it and nobody left who hears the answer."""
		if self.chance.random() >= CUTS:
			return False
		self.cuts += 1
		sent = body if self.chance.random() < 0.6 else body[: len(body) // 2]
		with closing(HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
			connection.putrequest(method, target)
			for name, value in {**headers, "Content-Length": str(len(body))}.items():
				connection.putheader(name, value)
			connection.endheaders(sent)
		return True


class Pulled(Way):
	"""A server that is read, by its id (`name`), until it has nothing more to say."""

	def run(self) -> None:
		for _ in range(TRIES):
			reports = jobs.pull_server(self.name, trigger=Trigger.MANUAL.value)
			self.answers.update(f"{report.status.value} {report.message}".strip() for report in reports)
			is_read = all(report.status in (RunStatus.SUCCESS, RunStatus.PARTIAL) for report in reports)
			if is_read and not any(report.counts.new for report in reports):
				return self.is_kept(list(self.names))
		raise AssertionError(f"{self.name} was not read to its end: {self.answers}")


class Pushed(Way):
	"""A terminal, by its serial number (`name`)."""

	def run(self) -> None:
		terminal = CutTerminal(self, f"http://127.0.0.1:{self.port}", self.name)
		terminal.hello()
		for batch in self.batches(sorted((tap for tap in self.names if tap.serial == self.name), key=_time)):
			for tap in batch:
				terminal.punch(tap.user_id, tap.at)
			for _ in range(TRIES):
				if terminal.send_all():
					break
				time.sleep(0.05)
			self.answers.update(str(reply.status) for reply in terminal.replies)
			terminal.replies.clear()
			if terminal.waiting:
				raise AssertionError(f"{self.name} keeps {len(terminal.waiting)} rows: {self.answers}")
			self.is_kept(batch)


def _time(tap: Tap) -> datetime:
	return tap.at


class CutTerminal(FakeTerminal):
	def __init__(self, way: Way, *arguments):
		super().__init__(*arguments)
		self._way = way

	def _exchange(
		self, host: str, port: int, method: str, target: str, body: bytes, headers: dict[str, str]
	) -> Reply:
		if body and self._way.cut_off(method, target, body, headers):
			return Reply(0)
		return super()._exchange(host, port, method, target, body, headers)


@dataclass
class Posted(Way):
	"""Sends JSON to `path`, shuffled. `body`: of a batch; `is_taken`: whether the answer says that all of it is kept."""

	path: str = ""
	headers: dict[str, str] = field(default_factory=dict)
	body: Callable[[Sequence[Tap]], object] = list
	is_taken: Callable[[bytes, int], bool] = lambda _answer, _rows: True

	def run(self) -> None:
		for batch in self.batches(self.shuffled(self.names)):
			for _ in range(TRIES):
				if self._post(batch):
					break
				time.sleep(0.05)
			else:
				raise AssertionError(f"{self.name} is not taken from: {self.answers}")
			self.is_kept(batch)

	def _post(self, batch: Sequence[Tap]) -> bool:
		body = json.dumps(self.body(batch)).encode()
		headers = {"Content-Type": "application/json", **self.headers}
		if self.cut_off("POST", self.path, body, headers):
			return False
		with closing(HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
			try:
				connection.request("POST", self.path, body, headers)
				answer = connection.getresponse()
				status, text = answer.status, answer.read()
			except (OSError, HTTPException) as error:
				status, text = type(error).__name__, b""
		self.answers[str(status)] += 1
		return status == 200 and self.is_taken(text, len(batch))


class FromFiles(Way):
	"""A person who brings in the log of each device."""

	def run(self) -> None:
		for serial in self.chance.sample(DEVICES, len(DEVICES)):
			rows = [tap for tap in self.names if tap.serial == serial]
			name = self._uploaded(f"{serial}_attlog.dat", self.shuffled(rows))
			self.answers[api.preview_file(name)["status"]] += 1
			api.import_file(name)
			frappe.db.commit()  # nosemgrep -- as a request ends
			self._wait(name)
			self.is_kept(rows)

	def _uploaded(self, file_name: str, rows: Sequence[Tap]) -> str:
		content = "".join(f"{tap.user_id:>9}\t{tap.at}\t1\t0\t1\t0\r\n" for tap in rows).encode()
		values = {"file_name": file_name, "content": content, "is_private": 1}
		file = frappe.get_doc({"doctype": "File", **values}).insert()
		document = frappe.get_doc({"doctype": FILE, "file": file.file_url}).insert()
		file.db_set({"attached_to_doctype": FILE, "attached_to_name": document.name})
		frappe.db.commit()  # nosemgrep -- as a request ends
		return document.name

	def _wait(self, name: str) -> None:
		for _ in range(600):
			frappe.db.rollback()
			status, message = frappe.db.get_value(FILE, name, ["status", "message"])
			if status != "Importing":
				self.answers[f"{status} {message or ''}".strip()] += 1
				return
			time.sleep(0.2)
		raise AssertionError(f"{name} is not brought in")


def names_of(world: World, keys: dict[str, str]) -> dict[Tap, str]:
	"""Punch → name of its Staging Event; keys: serial number → Biometric Device."""
	return {tap: fingerprint("main", keys[tap.serial], tap.user_id, tap.at) for tap in taps(world)}


def at_once(ways: Sequence[Way], trouble: list[str]) -> None:
	"""Each in a thread of its own; what one of them meets is told."""

	def run(way: Way) -> None:
		started = time.monotonic()
		try:
			with connected(way.site):
				way.run()
			way.took = time.monotonic() - started
		except Exception:
			trouble.append(f"{way.name}: {traceback.format_exc()}")

	threads = [Thread(target=run, args=(way,), daemon=True) for way in ways]
	for thread in threads:
		thread.start()
	for thread in threads:
		thread.join()
