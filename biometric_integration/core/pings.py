"""Which devices a server is asked about, when it knows when it last heard of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

MOST = 20
"""Devices of one run, where each costs a request."""

PAUSE = timedelta(minutes=15)
"""So long a device is not asked about again."""


class Pinged(NamedTuple):
	"""A device, and when its server was last asked about it (the site's clock); None = never."""

	device: str
	serial: str
	asked_at: datetime | None = None


def due(devices: Iterable[Pinged], now: datetime, most: int | None = MOST) -> list[Pinged]:
	"""Those that were asked about longest ago first; None = all of them. A time in the future was noted by a wrong clock, and counts as never."""
	waiting = [each for each in devices if not each.asked_at or not now - PAUSE < each.asked_at <= now]
	return sorted(waiting, key=lambda each: (_before(each, now), each.device))[:most]


def _before(each: Pinged, now: datetime) -> datetime:
	return each.asked_at if each.asked_at and each.asked_at <= now else datetime.min
