"""Whose id is it: rules first, then the employees' own fields (design §6 step 2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from fnmatch import translate
from functools import cached_property
from itertools import takewhile
from typing import NamedTuple


class Scope(str, Enum):
	"""Where a mapping rule holds, the widest first."""

	ANY = "Any"
	SERVER = "Server"
	LOCATION = "Location"
	DEVICE = "Device"


SPECIFIC = tuple(Scope)
WILDCARDS = "*?"
_WILD = re.compile(r"[*?]")


@dataclass(frozen=True)
class MappingRule:
	"""A Biometric Mapping Rule.

	user_id: an id, or a pattern with `*` and `?`. where: server id, location code or device key, by `scope`. employee: empty = ignore the
	id. first, last: days of the punch (site zone) for which it holds, both included; None = open.
	"""

	name: str
	user_id: str
	scope: Scope = Scope.ANY
	where: str = ""
	employee: str = ""
	first: date | None = None
	last: date | None = None

	@property
	def is_pattern(self) -> bool:
		return is_pattern(self.user_id)

	@property
	def beginning(self) -> str:
		"""What stands before the first wildcard."""
		return _WILD.split(self.user_id, maxsplit=1)[0]

	@cached_property
	def _expression(self) -> re.Pattern[str]:
		return re.compile(
			translate(self.user_id.replace("[", "[[]"))
		)  # a bracket is a character like any other

	def holds(self, place: Place, day: date) -> bool:
		in_time = (self.first or day) <= day <= (self.last or day)
		return in_time and (self.scope is Scope.ANY or self.where in place.at(self.scope))

	def matches(self, user_id: str) -> bool:
		if not self.is_pattern:
			return user_id == self.user_id
		beginning = self.user_id[:-1]
		if self.user_id.endswith("*") and not is_pattern(beginning):
			return user_id.startswith(beginning)
		return bool(self._expression.match(user_id))

	def overlaps(self, other: MappingRule) -> bool:
		"""Could both be meant by the same punch, with nothing to choose between them?"""
		same_place = (self.scope, self.where) == (other.scope, other.where)
		starts_in_time = (self.first or date.min) <= (other.last or date.max)
		ends_in_time = (other.first or date.min) <= (self.last or date.max)
		return self.user_id == other.user_id and same_place and starts_in_time and ends_in_time


class Place(NamedTuple):
	"""Where a punch was made. `devices`: the device, and the one that it turned out to be."""

	server: str = ""
	location: str = ""
	devices: tuple[str, ...] = ()

	def at(self, scope: Scope) -> tuple[str, ...]:
		return {Scope.SERVER: (self.server,), Scope.LOCATION: (self.location,), Scope.DEVICE: self.devices}[
			scope
		]


def is_pattern(user_id: str) -> bool:
	return "*" in user_id or "?" in user_id


def literal(pattern: str) -> str:
	"""What is left of a pattern without its wildcards; nothing is left of one that matches everything."""
	return _WILD.sub("", pattern)


class RuleBook:
	"""Rules by the ids that they are about: asking for one id costs the same, however many rules there are.

	A pattern is looked up by what stands before its first wildcard.
	"""

	def __init__(self, rules: Iterable[MappingRule]) -> None:
		self._by_id: dict[str, list[MappingRule]] = {}
		self._patterns: dict[str, list[MappingRule]] = {}
		for rule in rules:
			if rule.is_pattern:
				self._patterns.setdefault(rule.beginning, []).append(rule)
			else:
				self._by_id.setdefault(rule.user_id, []).append(rule)
		self._lengths = sorted(set(map(len, self._patterns)))
		self._about: dict[str, list[MappingRule]] = {}

	def about(self, user_id: str) -> Sequence[MappingRule]:
		"""The rules for this very id, and the patterns that match it."""
		if not self._patterns:
			return self._by_id.get(user_id, ())
		if user_id not in self._about:
			self._about[user_id] = [*self._by_id.get(user_id, ()), *self._matching(user_id)]
		return self._about[user_id]

	def _matching(self, user_id: str) -> Iterator[MappingRule]:
		for length in takewhile(lambda length: length <= len(user_id), self._lengths):
			yield from (rule for rule in self._patterns.get(user_id[:length], ()) if rule.matches(user_id))


def ruling(rules: Sequence[MappingRule], place: Place, day: date) -> list[MappingRule]:
	"""Of the rules about an id those that decide: of the most specific scope, an id before a pattern. Several of them contradict each other."""
	valid = [rule for rule in rules if rule.holds(place, day)]
	if len(valid) < 2:
		return valid
	best = max(map(_rank, valid))
	return [rule for rule in valid if _rank(rule) == best]


def _rank(rule: MappingRule) -> tuple[int, bool]:
	return SPECIFIC.index(rule.scope), not rule.is_pattern


@dataclass(frozen=True)
class Normaliser:
	"""What may be taken off an id before it is looked up again, as a server's settings allow: a prefix, leading zeros."""

	prefix: str = ""
	zeros: bool = False

	def forms(self, user_id: str) -> tuple[str, ...]:
		"""The id itself first, then its other forms, each once."""
		forms = [user_id]
		if self.prefix and user_id.startswith(self.prefix):
			forms.append(user_id[len(self.prefix) :])
		if self.zeros:
			forms += [form.lstrip("0") for form in tuple(forms)]
		return tuple(form for form in dict.fromkeys(forms) if form)
