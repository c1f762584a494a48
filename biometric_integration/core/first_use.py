"""Since when a device is in use: a punch from long before that was stamped by a clock that had lost its time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial

from biometric_integration.core.directory import WaitingEvent
from biometric_integration.core.punch import RESET_END
from biometric_integration.core.window import DAY, midnight, shifted

LONG = timedelta(days=365)
DAYS_OF_USE = 7
"""A device that has fewer says nothing about itself yet."""


def first_used(next_used: Callable[[datetime], datetime | None]) -> datetime | None:
	"""The first punch of the earliest stretch of use: at least a week of days with punches, with less than a year between any two of them.

	next_used: the first punch at or after a moment that counts as use of the device (source time). None where there is no such stretch.
	"""
	begin = last = next_used(RESET_END)
	days = 1
	while last and days < DAYS_OF_USE:
		following = next_used(shifted(midnight(last), DAY))
		if following and following - last > LONG:
			begin, days = following, 0
		last, days = following, days + 1
	return begin if last else None


def of_devices(
	events: Iterable[WaitingEvent],
	newest: Callable[[str], datetime | None],
	next_used: Callable[[str, datetime], datetime | None],
) -> dict[str, datetime]:
	"""Device → since when it is in use, for those of which there is a punch from long before their newest one (site clock; None = never)."""
	devices = {
		event.device
		for event in events
		if event.device and is_long_before(event.punch_time, newest(event.device))
	}
	found = {device: first_used(partial(next_used, device)) for device in devices}
	return {device: moment for device, moment in found.items() if moment}


def believed_from(next_used: Callable[[datetime], datetime | None]) -> datetime:
	"""From when on a punch of a device is not implausible, as far as its use is known by now (source time). `next_used` as for `first_used`."""
	first = first_used(next_used)
	return max(RESET_END, shifted(first, -LONG)) if first else RESET_END


def is_long_before(moment: datetime, first: datetime | None) -> bool:
	return first is not None and moment < shifted(first, -LONG)
