"""When the scheduler reads a stream."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

TICK = timedelta(minutes=1)
"""How often the scheduler looks. A run is stamped a little after its tick: without some tolerance every second one would be late."""


@dataclass(frozen=True)
class Schedule:
	"""Every `interval`, or once a day from `daily_at` on where the interval is zero; wall clock of the site."""

	interval: timedelta
	daily_at: time = time()

	def due(self, last_run: datetime | None, now: datetime) -> bool:
		if last_run is not None and last_run > now + TICK:
			last_run = None  # a clock was wrong
		if last_run is None:
			return bool(self.interval) or now.time() >= self.daily_at
		if self.interval:
			return now - last_run >= self.interval - TICK / 2
		today = datetime.combine(now.date(), self.daily_at)
		return last_run < today <= now
