"""Whose id could it be? A guess for a person to confirm, never used by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum


class Likeness(str, Enum):
	"""What an id and an employee have in common, the strongest first."""

	CARRIED = "carried"
	NUMBER = "number"
	NAME = "name"


SENTENCES = {
	Likeness.CARRIED: "Has the id {own}, which differs only in leading zeros.",
	Likeness.NUMBER: "Has the employee number {own}, and no device id.",
	Likeness.NAME: "{own} ends in this number, and has no device id.",
}
"""Why an employee is suggested, in English; hosts translate the pattern before they fill it in."""


@dataclass(frozen=True)
class Candidate:
	"""An employee as far as a suggestion is concerned. `ids`: what its device id fields hold."""

	name: str
	number: str = ""
	ids: tuple[str, ...] = ()


Finder = Callable[[Candidate], list[tuple[str, str]]]
"""What of an employee may be like an id: the text, and the key it is compared by."""


@dataclass(frozen=True)
class Suggestion:
	employee: str
	likeness: Likeness
	own: str

	def sentence(self, translate: Callable[[str], str] = str) -> str:
		return translate(SENTENCES[self.likeness]).format(own=self.own)


class Suggestions:
	"""Prepared once for all employees, asked per id."""

	def __init__(self, candidates: Iterable[Candidate]):
		candidates = list(candidates)
		self._tables = {likeness: _table(candidates, own) for likeness, own in _OWN.items()}

	def of(self, user_id: str) -> Suggestion | None:
		"""The one employee who is most alike; None where there is none, or more than one."""
		key = _key(user_id)
		for likeness, table in self._tables.items():
			found = table.get(key, {}) if key else {}
			if len(found) > 1:
				return None
			for employee, own in found.items():
				return Suggestion(employee, likeness, own)
		return None


def _table(candidates: list[Candidate], own: Finder) -> dict[str, dict[str, str]]:
	"""Key → employee → the text of the employee that led to it."""
	table: dict[str, dict[str, str]] = {}
	for candidate in candidates:
		for text, key in own(candidate):
			if key:
				table.setdefault(key, {})[candidate.name] = text
	return table


def _key(text: str) -> str:
	return text.strip().lstrip("0").casefold()


def _carried(candidate: Candidate) -> list[tuple[str, str]]:
	return [(own, _key(own)) for own in candidate.ids]


def _number(candidate: Candidate) -> list[tuple[str, str]]:
	return [] if candidate.ids else [(candidate.number, _key(candidate.number))]


def _name(candidate: Candidate) -> list[tuple[str, str]]:
	digits = re.search(r"\d+$", candidate.name)
	return [(candidate.name, _key(digits[0]))] if digits and not candidate.ids else []


_OWN = {Likeness.CARRIED: _carried, Likeness.NUMBER: _number, Likeness.NAME: _name}
