"""What runs in the worker processes of the attacks."""

from __future__ import annotations

import multiprocessing
import os
import random
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import frappe

from biometric_integration.sync import jobs
from biometric_integration.sync.desk import review
from biometric_integration.tests.attack.rig import CHECKIN, EVENT, Site, connected

TOO_BUSY = (frappe.QueryDeadlockError, frappe.QueryTimeoutError)
"""What a person sees as *please try again*."""


def end_with_parent() -> None:
	"""This process ends as soon as the one that started it does, however that ended."""
	if parent := multiprocessing.parent_process():
		threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


def pull(site: Site, server: str, moment: datetime) -> None:
	"""The job of the queue, at this moment (aware UTC) of the history. An exception ends the process with exit code 1."""
	end_with_parent()
	_pull(site, server, moment)


def _pull(site: Site, server: str, moment: datetime) -> None:
	with connected(site):
		jobs._utc_now = lambda: moment
		jobs.pull_server(server)


# --- several at once


@dataclass
class Wakes:
	"""The queue as the app's hooks see it: each wish to have the waiting punches used, and how many are not granted yet."""

	queue: Any
	open: Any

	@classmethod
	def of(cls, context) -> Wakes:
		return cls(context.Queue(), context.Value("i", 0))

	def listen(self) -> None:
		"""In this process, what asks for the process lane asks here. Nothing is merged: each wish is granted."""
		jobs.enqueue_process = lambda: frappe.db.after_commit.add(self.wish)

	def wish(self) -> None:
		with self.open.get_lock():
			self.open.value += 1
		self.queue.put(True)

	def granted(self) -> None:
		with self.open.get_lock():
			self.open.value -= 1


def pulling(site: Site, server: str, wakes: Wakes, tasks, done, together) -> None:
	"""Pull at each moment that `tasks` names, at the same time as the others; `done` gets the traceback, or nothing."""
	end_with_parent()
	wakes.listen()
	for moment in iter(tasks.get, None):
		together.wait(60)
		done.put(_attempt(lambda moment=moment: _pull(site, server, moment)))


def using(site: Site, wakes: Wakes, errors) -> None:
	"""Run the process job for each wish."""
	end_with_parent()
	while wakes.queue.get():
		if error := _attempt(lambda: _use(site)):
			errors.put(error)
		wakes.granted()


def _use(site: Site) -> None:
	with connected(site):
		jobs.process()


def _attempt(job: Callable[[], object]) -> str:
	try:
		job()
	except Exception:
		return traceback.format_exc()
	return ""


# --- people


@dataclass
class Desk:
	"""A person of HR who changes things all the time: owns some of the employees, so that two persons never save the same document."""

	site: Site
	people: dict[str, str]
	"""Employee → their own code."""
	chance: random.Random
	deletes: int

	def act(self) -> str:
		"""One change, committed; returns what it was."""
		acts = [
			self.clear,
			self.give_back,
			self.swap,
			self.leave,
			self.come_back,
			self.reprocess,
			self.delete,
		]
		act = self.chance.choice(acts)
		act()
		frappe.db.commit()  # nosemgrep -- as a person who saved it
		return act.__name__

	def clear(self) -> None:
		self._set_id(self._anybody(), None)

	def give_back(self) -> None:
		"""Everybody gets the own id again; those who hold another one's lose it first."""
		restore(self.people, self._set_id)

	def swap(self) -> None:
		one, other = self.chance.sample(sorted(self.people), 2)
		ids = [frappe.db.get_value("Employee", name, "attendance_device_id") for name in (one, other)]
		for name in (one, other):
			self._set_id(name, None)
		for name, user_id in zip((other, one), ids, strict=True):
			self._set_id(name, user_id)

	def leave(self) -> None:
		self._save(self._anybody(), status="Left", relieving_date=date(2021, 1, 1))

	def come_back(self) -> None:
		for name in frappe.get_all(
			"Employee", {"name": ("in", list(self.people)), "status": "Left"}, pluck="name"
		):
			self._save(name, status="Active", relieving_date=None)

	def reprocess(self) -> None:
		names = frappe.get_all(EVENT, {"status": ("!=", "Processed")}, pluck="name", limit=0)
		review.reprocess(self.chance.sample(names, min(len(names), 200)))

	def delete(self) -> None:
		names = frappe.get_all(CHECKIN, {"employee": ("in", list(self.people))}, pluck="name", limit=0)
		if names and self.deletes:
			self.deletes -= 1
			frappe.delete_doc(CHECKIN, self.chance.choice(names))

	def _anybody(self) -> str:
		return self.chance.choice(sorted(self.people))

	def _set_id(self, employee: str, user_id: str | None) -> None:
		"""On the form, or as Data Import and other code does it, which no hook hears of."""
		if self.chance.random() < 0.5:
			self._save(employee, attendance_device_id=user_id)
		else:
			frappe.db.set_value("Employee", employee, "attendance_device_id", user_id)

	def _save(self, employee: str, **values) -> None:
		document = frappe.get_doc("Employee", employee)
		document.update(values)
		document.save()


def restore(people: dict[str, str], set_id: Callable[[str, str | None], None]) -> None:
	"""Everybody carries the own id."""
	now = dict(
		frappe.get_all(
			"Employee",
			{"name": ("in", list(people))},
			["name", "attendance_device_id"],
			as_list=True,
			limit=0,
		)
	)
	wrong = [name for name, user_id in people.items() if now[name] != user_id]
	for name in wrong:
		set_id(name, None)
	for name in wrong:
		set_id(name, people[name])


def changing(
	site: Site, people: dict[str, str], seed: int, deletes: int, wakes: Wakes, free, stop, acts, errors
) -> None:
	"""Change things, as long as `free` is set and until `stop` is. `acts` gets what was done, or what a person was refused."""
	end_with_parent()
	wakes.listen()
	desk = Desk(site, people, random.Random(seed), deletes)
	with connected(site):
		while not stop.is_set():
			if not free.wait(0.2):
				continue
			with acts.idle:
				_change(desk, acts.queue, errors)
			stop.wait(desk.chance.uniform(0, 0.1))


def _change(desk: Desk, acts, errors) -> None:
	try:
		acts.put(desk.act())
	except TOO_BUSY:
		frappe.db.rollback()
		acts.put("please try again")
	except Exception:
		frappe.db.rollback()
		errors.put(traceback.format_exc())


@dataclass
class Acts:
	"""What a person did; `idle` is held while something is being done."""

	queue: Any
	idle: Any

	@classmethod
	def of(cls, context) -> Acts:
		return cls(context.Queue(), context.Lock())
