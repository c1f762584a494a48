"""What came of a device in one hour: how much of it was fresh, and its sign of life."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from biometric_integration.core.punch import RESET_END, Punch

HOUR = timedelta(hours=1)


class Arrival(NamedTuple):
	"""The punches of a device that came together, in the site's clock.

	punches: how many of them were made within the hour before. backlog: how many earlier. sign: the newest time at which the device was in use for
	certain; None where its clock gives none.
	"""

	device: str
	at: datetime
	punches: int
	backlog: int
	sign: datetime | None

	@property
	def hour(self) -> datetime:
		return self.at.replace(minute=0, second=0, microsecond=0)


def arrivals(punches: Iterable[Punch], now: datetime, allowed_drift: timedelta) -> list[Arrival]:
	"""By device and time of arrival; what does not say when it came has come `now`."""
	times: defaultdict[tuple[str, datetime], list[datetime]] = defaultdict(list)
	for punch in punches:
		if punch.device and punch.punch_time:
			times[punch.device, punch.arrived or now].append(punch.punch_time)
	return [_arrival(device, at, times[device, at], allowed_drift) for device, at in sorted(times)]


def _arrival(device: str, at: datetime, times: list[datetime], allowed_drift: timedelta) -> Arrival:
	hour_before = at - HOUR
	fresh = sum(time >= hour_before for time in times)
	return Arrival(device, at, fresh, len(times) - fresh, sign_of_life(times, at, allowed_drift))


def sign_of_life(times: Iterable[datetime], at: datetime, allowed_drift: timedelta) -> datetime | None:
	"""The newest of these times, as far as a clock can be believed that shows them `at` this time of arrival, and never later than that.

	A clock that is ahead by more than is allowed, or has lost its time, tells nothing.
	"""
	believed = (time for time in times if RESET_END <= time <= at + allowed_drift)
	newest = max(believed, default=None)
	return min(newest, at) if newest else None
