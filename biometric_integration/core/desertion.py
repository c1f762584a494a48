"""Devices that nobody uses any more, though nobody said so."""

from __future__ import annotations

from collections.abc import Mapping, Set
from datetime import date

ELSEWHERE = 3
"""Whole workdays of a person at other devices, after which they do without one that they used."""


def deserted_since(last_sign: date, people: Set[str], whole_days: Mapping[str, Set[date]]) -> date | None:
	"""From which day on do all of its people do without a device that was last heard of on that day? None where they do not.

	whole_days: of each, the days with check-ins at other devices of which no punch is missing. Where people only come in elsewhere, what lies in
	the device is what is missing; and so is, for ever, what lies in it of the days before. Of a device that nobody used nothing can be said.
	"""
	begins = []
	for person in people:
		elsewhere = sorted(day for day in whole_days.get(person, ()) if day > last_sign)
		if len(elsewhere) < ELSEWHERE:
			return None
		begins.append(elsewhere[0])
	return max(begins, default=None)
