"""A thousand edits in whatever order, through every way in which HRMS and people write, and the rows are those of a rebuild all the same."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Sequence
from random import Random, SystemRandom
from unittest.mock import patch

import frappe

from biometric_integration.core.judgement import State, Why
from biometric_integration.sync.db import transaction
from biometric_integration.sync.records import servers
from biometric_integration.sync.workdays import marks, rows
from biometric_integration.tests.integration import edits
from biometric_integration.tests.integration.edits import Edit, NothingThere, Office, Told
from biometric_integration.tests.integration.workdays import DAY, Remembered, WorkdaysTestCase, differences

SEED, USUAL = "BIOMETRIC_EDITS_SEED", "315743"
"""Whoever looks for more says "any", or the seed of a run that found something."""
COUNT = int(os.environ.get("BIOMETRIC_EDITS", "1000"))
TOGETHER = 5
"""So many edits before the rows are compared: each person that is looked at as a whole hides what would have been missed."""
RACES = (
	"the lane runs in between",
	"the lane and the sweep run in between",
	"it is committed while the lane writes",
	"the lane is killed before it commits",
	"the lane runs, then the sweep",
)


class Killed(BaseException):
	"""As a signal ends a worker."""


class TestAThousandEdits(WorkdaysTestCase):
	def setUp(self) -> None:
		super().setUp()
		frappe.db.set_single_value(servers.SETTINGS, "guard", 0)  # HRMS writes what it likes
		frappe.clear_document_cache(servers.SETTINGS, servers.SETTINGS)
		said = os.environ.get(SEED) or USUAL
		self.seed = SystemRandom().randrange(10**6) if said == "any" else int(said)
		self.random = Random(self.seed)
		for remembered in Remembered().patches():
			remembered.start()
			self.addCleanup(remembered.stop)
		self.office = Office(self, self.random)
		self.made: Counter[str] = Counter()
		self.raced: Counter[str] = Counter()
		self.compared = 0
		self.addCleanup(frappe.set_user, "Administrator")

	def test_the_rows_are_those_of_a_rebuild_whatever_was_done(self):
		print(f"\n{COUNT} edits, {SEED}={self.seed}")
		self.sweep()
		self.check("at first")
		chunk = 0
		while self.made.total() < COUNT:
			told = list(Told)[chunk % 3]
			with self.subTest(chunk=chunk, told=told.value, seed=self.seed):
				self.do(told)
			chunk += 1
		for name, count in sorted(self.made.items()):
			print(f"{count:5} {name}")
		for name, count in sorted(self.raced.items()):
			print(f"{count:5} with this in between: {name}")
		print(f"{self.compared} rows compared, of {len(self.office.people)} people")
		self.assertGreater(self.compared, COUNT)

	# --- a chunk

	def do(self, told: Told) -> None:
		"""Edits that fire an event, and no sweep; edits that fire none, and a sweep; all of them, with races."""
		is_wide = self.random.random() < 0.2
		kinds = [one for one in edits.EDITS if one.is_wide == is_wide and told in (one.told, Told.IN_PART)]
		last: list[str] = []
		count = self.random.randint(1, 2 if is_wide else TOGETHER)
		while len(last) < count:
			one = self.random.choice(kinds)
			is_race = told is Told.IN_PART and not one.commits and self.random.random() < 0.3
			if name := self.race(one) if is_race else self.make(one):
				self.made[one.name] += 1
				last.append(name)
		if told is Told.BY_NOBODY:
			self.assertFalse(self.marks(), f"an edit that is to fire no event has fired one: {last}")
		if told is not Told.BY_EVENT:
			self.sweep()
		self.check(told.value, last)
		if told is Told.BY_EVENT:
			self.sweep()  # what it knows is up to date again
			self.judge()

	def make(self, one: Edit) -> str:
		"""What was done; empty where there was nothing to do it to, or HRMS refused it."""
		return one.name if self.is_made(one) and not transaction.commit() else ""

	def is_made(self, one: Edit) -> bool:
		messages = len(frappe.local.message_log)
		if not one.commits:
			transaction.commit()
		try:
			one.make(self.office)
		except (NothingThere, frappe.ValidationError):
			frappe.db.rollback()
			return False
		finally:
			del frappe.local.message_log[messages:]
		return True

	def check(self, when: str, last: Sequence[str] = ()) -> None:
		"""Nothing is stale, and the rows are what they ought to be."""
		self.use_what_waits()
		self.judge()
		self.assertFalse(self.marks(), when)
		ought = self.rebuild(self.office.people)
		there = self.rows(self.office.people)
		self.compared += len(ought)
		found = differences(there, ought)
		if found:
			self.judge_everybody()
			self.fail("\n".join([when, *found[:20], f"{len(found)} in all, after:", *last]))

	def use_what_waits(self) -> None:
		"""Punches of somebody who is back wait once more, and come first; days that were not read beyond for that are looked at again, as in some minutes."""
		if self.use():
			waiting = {"state": State.OPEN.value, "reason": Why.NOT_READ.value}
			frappe.db.set_value(rows.DOCTYPE, waiting, "look_again_at", self.now, update_modified=False)

	def judge_everybody(self) -> None:
		"""What comes next is compared on its own."""
		marks.add([marks.Mark(marks.Scope.EVERYBODY, "", self.first, self.now.date() + DAY)])
		self.judge()

	# --- races

	def race(self, one: Edit) -> str:
		"""Another connection makes the edit, and commits it only when something else has been done here."""
		made, go_on, done = threading.Event(), threading.Event(), []
		site, sites_path = frappe.local.site, frappe.local.sites_path

		def other() -> None:
			frappe.init(site=site, sites_path=sites_path)
			frappe.connect()
			try:
				frappe.flags.in_test = True
				frappe.set_user("Administrator")
				if self.is_made(one):
					done.append(one.name)
					made.set()
					go_on.wait(60)
					transaction.commit()
			finally:
				made.set()
				frappe.destroy()

		thread = threading.Thread(target=other)
		transaction.commit()
		thread.start()
		made.wait(60)
		try:
			how = self.random.choice(RACES)
			if done:
				self.raced[how] += 1
				self.meanwhile(how, lambda: (go_on.set(), thread.join()))
		finally:
			go_on.set()
			thread.join()
		transaction.commit()
		if not done:
			return ""
		return f"{one.name}; meanwhile {how}"

	def meanwhile(self, how: str, commit) -> None:
		write = rows.replace
		if how == RACES[0]:
			self.judge()
		elif how == RACES[1]:
			self.sweep()
			self.judge()
		elif how == RACES[2]:
			self.mark_a_person()

			def commit_first(*arguments):
				commit()
				return write(*arguments)

			with patch.object(rows, "replace", commit_first):
				self.judge()
		elif how == RACES[3]:
			self.mark_a_person()

			def write_and_die(*arguments):
				write(*arguments)
				raise Killed

			with patch.object(rows, "replace", write_and_die), self.assertRaises(Killed):
				self.judge()
			frappe.db.rollback()
		else:
			self.judge()
			self.sweep()

	def mark_a_person(self) -> None:
		employee = self.office.person()
		marks.add([marks.of_employee(employee, self.first, self.last)])
		transaction.commit()
