"""What frappe and HRMS look up about a check-in that is being saved, answered by somebody who has looked it up for many."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import frappe
from frappe.model.document import Document

from biometric_integration.sync.hrms import site_rules
from biometric_integration.sync.hrms.site_rules import CONTROLLER, DOCTYPE

LINKED = ("Link", "Dynamic Link", "Table", "Table MultiSelect")

Fields = dict[str, Any]
Answer = Callable[[], Fields | None]
"""The fields that a method would set; None = it has to be asked."""

LINKS, DUPLICATE, SHIFT = "_validate_links", "validate_duplicate_log", "fetch_shift"
OWNERS = {LINKS: "frappe.model.document", DUPLICATE: CONTROLLER, SHIFT: CONTROLLER}
LOOKED_AT = {
	DUPLICATE: ("employee", "time", "log_type"),
	SHIFT: (
		"employee",
		"time",
		"log_type",
		"attendance",
		"skip_auto_attendance",
		"shift",
		"offshift",
		"shift_start",
		"shift_end",
		"shift_actual_start",
		"shift_actual_end",
		"overtime_type",
	),
}
"""Fields that such a method looks at or sets: the answer holds for what they were when the check-in was made."""


class StandIn:
	"""Stands in for a method of one new check-in until it is first called.

	Where a rule of the site has changed meanwhile what the method looks at, the method itself is called. A copy of the check-in, such as
	one that goes into a job, has the method.
	"""

	def __init__(self, checkin: Document, method: str, answer: Answer):
		self._checkin = checkin
		self._method = method
		self._answer = answer
		self._as_made = self._looked_at()

	def __call__(self) -> None:
		delattr(self._checkin, self._method)
		fields = self._answer() if self._looked_at() == self._as_made else None
		if fields is None:
			getattr(self._checkin, self._method)()
		else:
			self._checkin.update(fields)

	def __reduce__(self) -> tuple:
		return getattr, (self._checkin, self._method)  # of the copy, which has no stand-in yet

	def _looked_at(self) -> list:
		"""A default that is set meanwhile, 0 or an empty text, changes nothing."""
		return [self._checkin.get(field) or None for field in LOOKED_AT.get(self._method, ())]


def stand_in(checkin: Document, answers: Mapping[str, Answer]) -> None:
	"""Not where another app has a method of its own."""
	for method, answer in answers.items():
		own = getattr(type(checkin), method, None)
		if getattr(own, "__module__", "") == OWNERS[method]:
			setattr(checkin, method, StandIn(checkin, method, answer))


def links_are_plain() -> bool:
	"""Is nothing but the employee linked from a new check-in, and all that is fetched a copy of a field of theirs that links to nothing?"""
	meta, empty = frappe.get_meta(DOCTYPE), frappe.new_doc(DOCTYPE)
	linked = [field for field in meta.fields if field.fieldtype in LINKED]
	fetched = [field for field in meta.fields if field.fetch_from]
	return not any(empty.get(field.fieldname) for field in linked) and all(
		field not in linked and site_rules.is_plainly_fetched(field) for field in fetched
	)
