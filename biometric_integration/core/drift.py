"""Clocks of devices that are ahead.

A punch is not made after it has arrived. How far its time lies after its arrival is therefore how far, at least, the clock of its device
is ahead; the punch that arrives soonest tells it best. Nothing of the kind is known of a clock that is behind: a late upload looks the same.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from biometric_integration.core.window import DAY

REMEMBERED = DAY
"""For so long after its last proof a clock counts as ahead."""


@dataclass(frozen=True)
class Clock:
	"""A clock that is `ahead`, by the largest lead of a day; `seen`: when the last punch arrived that proves it."""

	ahead: timedelta
	seen: datetime

	def concerns(self, arrived: datetime) -> bool:
		return abs(arrived - self.seen) <= REMEMBERED

	def shows_in(self, lead: timedelta, arrived: datetime) -> bool:
		"""A punch that lies after its arrival by less than is allowed comes from the same wrong clock, rather than from one that was put right: it was underway for a while."""
		return self.concerns(arrived) and 2 * lead > self.ahead


def clocks(
	leads: Iterable[tuple[str, datetime, timedelta]],
	known: Mapping[str, Clock],
	allowed: timedelta,
) -> dict[str, Clock]:
	"""Device → its clock, where it is ahead by more than is allowed, by what is known and by these punches: (device, arrival, lead)."""
	found = {device: clock for device, clock in known.items() if clock.ahead > allowed}
	for device, arrived, lead in leads:
		if lead <= allowed:
			continue
		before = found.get(device)
		if before and before.concerns(arrived):
			found[device] = Clock(max(before.ahead, lead), max(before.seen, arrived))
		elif not before or before.seen < arrived:
			found[device] = Clock(lead, arrived)
	return found


def usual_lead(leads: Sequence[timedelta]) -> timedelta:
	"""By how far a clock was ahead, as most of its punches show it; to the second, and never less than they show. One stray time says nothing about the others."""
	ordered = sorted(leads)

	def alike(position: int) -> int:
		return position + 1 - bisect_right(ordered, ordered[position] / 2)

	if not ordered or ordered[-1] <= timedelta(0):
		return timedelta(0)
	best = ordered[max(range(len(ordered)), key=alike)]
	return timedelta(seconds=ceil(best.total_seconds()))
