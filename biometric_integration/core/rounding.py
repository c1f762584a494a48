"""Rounding of the time that is written; what was punched is never changed (design §6 step 5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum


class RoundingMode(str, Enum):
	"""Which way the written time goes."""

	NEAREST = "Nearest"
	DOWN = "Down"
	UP = "Up"


@dataclass(frozen=True)
class Rounding:
	"""To full steps of `step` since midnight; a zero step leaves times alone. Halves go up."""

	step: timedelta = timedelta(0)
	mode: RoundingMode = RoundingMode.NEAREST

	def __call__(self, moment: datetime) -> datetime:
		if not self.step:
			return moment
		midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
		steps, rest = divmod(moment - midnight, self.step)
		up = {
			RoundingMode.DOWN: False,
			RoundingMode.UP: bool(rest),
			RoundingMode.NEAREST: 2 * rest >= self.step,
		}
		return midnight + (steps + up[self.mode]) * self.step


AS_PUNCHED = Rounding()
