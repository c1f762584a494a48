"""Devices that nobody uses any more, though nobody said so."""

from __future__ import annotations

from collections.abc import Mapping, Set
from datetime import date

ELSEWHERE = 3
"""Whole workdays of a person at other devices, after which they do without one that they used."""


def is_deserted(last_sign: date, people: Set[str], whole_days: Mapping[str, Set[date]]) -> bool:
	"""Do all of its people do without a device that was last heard of on that day?

	whole_days: of each, the days with check-ins at other devices of which no punch is missing. Where people only come in elsewhere, what lies in
	the device is what is missing. Of a device that nobody used nothing can be said.
	"""
	return bool(people) and all(
		sum(day > last_sign for day in whole_days.get(person, ())) >= ELSEWHERE for person in people
	)
