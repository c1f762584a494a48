"""Employee Checkin through the Document API, a batch of them: what is looked up for each is looked up for all of them beforehand.

Every rule of the site and of HRMS has its say about each check-in, and what is written is what it would be without this.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

import frappe
from frappe.model.document import Document

from biometric_integration.core.decide import Decision
from biometric_integration.core.devices import Device
from biometric_integration.core.directory import Moment
from biometric_integration.sync.db import transaction
from biometric_integration.sync.db.savepoint import Refused, savepoint
from biometric_integration.sync.hrms import stand_ins
from biometric_integration.sync.hrms.shift_notes import ShiftNotes
from biometric_integration.sync.hrms.stand_ins import Answer, Fields
from biometric_integration.sync.process import checkins, series
from biometric_integration.sync.process.bulk_checkins import Template, templates_of

DOCTYPE = "Employee Checkin"


class DocumentWriter:
	"""Keeps what HRMS has said about shifts from one batch to the next; everything else is looked up anew for each batch.

	Whatever is written besides our check-ins may have changed it: then it is looked up again, for the check-in in question alone.
	"""

	def __init__(self, reserves_names: bool):
		self._reserves_names = reserves_names
		self._shift_notes = ShiftNotes()
		self._names: dict[str, str] = {}
		self._links_are_plain = self._is_shown = False
		self._people: dict[str, Template] = {}
		self._known: set[Moment] = set()
		self._free: set[Moment] = set()
		self._writes = 0.0

	def prepare(self, decisions: Sequence[Decision]) -> None:
		"""Reserve the names of these check-ins, by a commit of its own, and look up what each of them needs."""
		if not decisions:
			return
		if self._reserves_names:
			events = [decision.event.name for decision in decisions]
			self._names = dict(zip(events, series.reserved_names(len(events)), strict=True))
		self._links_are_plain = stand_ins.links_are_plain()
		self._is_shown = False
		self._look_up(decisions)

	def create(self, decision: Decision, device: Device | None) -> str:
		"""Insert the check-in of a decision; returns its name, or that of the one that is there for the event. Raises as `savepoint` does."""
		known, in_step = self._known, self._is_in_step()
		try:
			with savepoint("biometric_checkin"), _forgotten():
				checkin = self._new(decision, device)
				checkin.insert(ignore_permissions=True, set_name=self._names.get(decision.event.name))
		except Refused as refused:
			if in_step and known is self._known:  # nothing of it stays
				self._begin_to_count()
			existing = isinstance(refused.__cause__, frappe.UniqueValidationError) and frappe.db.get_value(
				DOCTYPE, {"biometric_event": decision.event.name}
			)
			if existing:
				return existing
			raise
		self._note(checkin, decision)
		return checkin.name

	def _new(self, decision: Decision, device: Device | None) -> Document:
		checkin = frappe.get_doc(
			{
				"doctype": DOCTYPE,
				"employee": decision.employee,
				"time": decision.time,
				"log_type": decision.log_type,
				"biometric_event": decision.event.name,
				**checkins.place(device),
			}
		)  # `insert` sets the defaults
		checkin.flags.notify_update = False  # nobody has it open
		stand_ins.stand_in(checkin, self._answers(decision))
		return checkin

	def _note(self, checkin: Document, decision: Decision) -> None:
		if not self._is_shown:
			checkins.show(checkin.name)
			self._is_shown = True
		self._writes += 1
		self._free.discard(_moment(decision))
		if (checkin.employee, checkin.time) != _moment(decision):  # by a rule of the site
			self._free.clear()

	# --- what is looked up

	def _look_up(self, decisions: Sequence[Decision]) -> None:
		days = [decision.time.date() for decision in decisions]
		self._people = templates_of({decision.employee for decision in decisions})
		defaults = {name: person.default_shift for name, person in self._people.items()}
		self._shift_notes.prepare(defaults, min(days), max(days))
		self._known = set(map(_moment, decisions))
		self._free = self._known - _taken(self._known)
		self._begin_to_count()

	def _begin_to_count(self) -> None:
		"""frappe counts the writes of a transaction, anew after each commit and each rollback, be it to a savepoint. Half a write tells this count from those."""
		frappe.db.transaction_writes = int(frappe.db.transaction_writes) + 0.5
		self._writes = frappe.db.transaction_writes

	def _is_in_step(self) -> bool:
		"""Has nothing been written since, besides the check-ins that we know of?"""
		return frappe.db.transaction_writes == self._writes

	def _answers(self, decision: Decision) -> Mapping[str, Answer]:
		return {
			method: partial(self._answer, answer, decision)
			for method, answer in (
				(stand_ins.LINKS, self._links),
				(stand_ins.DUPLICATE, self._no_duplicate),
				(stand_ins.SHIFT, self._shift),
			)
		}

	def _answer(self, answer, decision: Decision) -> Fields | None:
		"""None also where there is none, as for a shift type that is gone: whoever is asked then says so."""
		try:
			if not self._is_in_step() or _moment(decision) not in self._known:
				self._look_up([decision])
			return answer(decision)
		except transaction.OF_NO_ROW:
			raise
		except Exception:
			return None

	def _links(self, decision: Decision) -> Fields | None:
		person = self._people.get(decision.employee) if self._links_are_plain else None
		return person and {"employee": decision.employee, **person.fetched}

	def _no_duplicate(self, decision: Decision) -> Fields | None:
		return {} if _moment(decision) in self._free else None

	def _shift(self, decision: Decision) -> Fields | None:
		return self._shift_notes.known(decision.employee, decision.time, decision.log_type)


@contextmanager
def _forgotten() -> Iterator[None]:
	"""frappe keeps a new document among those that are being saved, under the name it had before it had one, until the job ends."""
	saving = frappe.flags.currently_saving
	before = len(saving)
	try:
		yield
	finally:
		del saving[before:]


def _moment(decision: Decision) -> Moment:
	return decision.employee, decision.time


def _taken(moments: Collection[Moment]) -> set[Moment]:
	"""Those at which there is a check-in."""
	each = " OR ".join(["(`employee`=%s AND `time`=%s)"] * len(moments))
	values = [value for moment in moments for value in moment]
	return set(frappe.db.sql(f"SELECT `employee`, `time` FROM `tab{DOCTYPE}` WHERE {each}", values))
