"""How far a device is known to have delivered everything (design §4): its stream was read to the end, and it gave a sign of life later.

All times are naive wall clock of the site.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import Enum
from itertools import pairwise
from statistics import median_low
from typing import NamedTuple

from biometric_integration.core.window import DAY

UPLOAD_GRACE = timedelta(minutes=60)
"""So long after contact began a device may still be sending what it has kept."""

RHYTHM = timedelta(weeks=4)
UNUSUAL = 5
"""So many punches that usually come by then, and none has: a silence that means something."""

LATE_SHARE, LATE_FROM = 0.25, 20
"""Less than this share of what is usual by this time of the day, where so much is usual at all."""

SHARE, STATISTICS, RECENTLY = 0.05, timedelta(days=30), timedelta(days=7)
HOUR = timedelta(hours=1)


class DeviceHour(NamedTuple):
	"""What came of a device in one hour of arrival.

	punches: how many that were made within the hour before they came; backlog: how many earlier. first, last: when something came, a ping included. punch: its newest sign of life by
	a punch, the earlier of the device's time and of arrival. ping: the newest one by a ping or contact.
	"""

	hour: datetime
	punches: int
	first: datetime
	last: datetime
	punch: datetime | None = None
	ping: datetime | None = None
	backlog: int = 0


class Silence(NamedTuple):
	"""Nothing came after `begin`, though it was usual. contact: when that was over, and so was the upload of what the device had kept."""

	begin: datetime
	contact: datetime


class LookBack(NamedTuple):
	"""A reading of the device's stream that was finished at `at`, and reached back to `since`."""

	at: datetime
	since: datetime


@dataclass(frozen=True)
class Rhythm:
	"""What usually comes of a device, by weekday and hour of arrival. quiet: days on which nobody was expected."""

	usual: dict[tuple[int, int], int] = field(default_factory=dict)
	quiet: Set[date] = frozenset()

	def between(self, begin: datetime, end: datetime) -> int:
		"""How many punches usually come in the hours that lie in this time as a whole: when within its hour a punch comes, nobody knows."""
		total, hour = 0, begin.replace(minute=0, second=0, microsecond=0)
		if hour < begin:
			hour += HOUR
		while hour + HOUR <= end:
			total += self._in(hour)
			hour += HOUR
		return total

	def missed(self, row: DeviceHour, until: datetime) -> int:
		"""How many punches usually come from `row` on until then. What was left of its own hour counts where hardly any of that came."""
		usual = self._in(row.hour)
		broke_off = row.hour + HOUR <= until and row.punches < LATE_SHARE * usual
		return self.between(row.last, until) + (usual if broke_off else 0)

	def _in(self, hour: datetime) -> int:
		return 0 if hour.date() in self.quiet else self.usual.get((hour.weekday(), hour.hour), 0)


def rhythm(hours: Iterable[DeviceHour], now: datetime, quiet: Set[date] = frozenset()) -> Rhythm:
	"""Of the four weeks before today; days on which nothing came, or nobody was expected, say nothing."""
	by_day: dict[date, dict[int, int]] = {}
	midnight = datetime.combine(now.date(), time())
	for row in hours:
		if midnight - RHYTHM <= row.hour < midnight and row.punches and row.hour.date() not in quiet:
			by_day.setdefault(row.hour.date(), {})[row.hour.hour] = row.punches
	usual: dict[tuple[int, int], int] = {}
	for weekday in range(7):
		days = [found for day, found in by_day.items() if day.weekday() == weekday]
		for hour in range(24):
			if days and (count := median_low([found.get(hour, 0) for found in days])):
				usual[weekday, hour] = count
	return Rhythm(usual, quiet)


def silences(hours: Sequence[DeviceHour], usual: Rhythm) -> tuple[Silence, ...]:
	"""Those that are over. `hours` oldest first."""
	return tuple(
		Silence(before.last, _contact(hours[place:]))
		for place, (before, after) in enumerate(pairwise(hours), start=1)
		if after.first - before.last > HOUR and usual.missed(before, after.first) >= UNUSUAL
	)


def _contact(hours: Sequence[DeviceHour]) -> datetime:
	"""The first sign, or the last one of the upload that begins with it."""
	contact = hours[0].first
	for row in hours:
		if not row.backlog or row.first - contact > UPLOAD_GRACE:
			break
		contact = row.last
	return contact


# --- how a device stands


class Standing(str, Enum):
	"""In one word, by its own rhythm."""

	NEVER = "never"
	SILENT = "silent"
	LATE = "late"
	ONLINE = "online"


class Today(NamedTuple):
	"""usual: what usually has come by the last full hour of the day; came: what has. since: of a silence that goes on, when the last sign came."""

	standing: Standing
	usual: int
	came: int
	since: datetime | None = None


def today(hours: Sequence[DeviceHour], usual: Rhythm, now: datetime) -> Today:
	if not hours:
		return Today(Standing.NEVER, 0, 0)
	midnight = datetime.combine(now.date(), time())
	by_now = usual.between(midnight, now)
	came = sum(row.punches for row in hours if row.hour >= midnight)
	last = hours[-1]
	if now - last.last > HOUR and usual.missed(last, now) >= UNUSUAL:
		return Today(Standing.SILENT, by_now, came, last.last)
	is_late = by_now >= LATE_FROM and came < LATE_SHARE * by_now
	return Today(Standing.LATE if is_late else Standing.ONLINE, by_now, came)


# --- what it proves


@dataclass(frozen=True)
class Heard:
	"""What is known of a device. read_until, read_from: before the one and after the other, everything its server had is in. trusted_until: a person said so,
	that day included.
	"""

	device: str
	label: str
	read_until: datetime
	looks: tuple[LookBack, ...] = ()
	punch: datetime | None = None
	ping: datetime | None = None
	silences: tuple[Silence, ...] = ()
	trusted_until: date | None = None
	read_from: datetime = datetime.min

	@property
	def sign_of_life(self) -> datetime | None:
		return max((sign for sign in (self.punch, self.ping) if sign), default=None)

	@property
	def read_at(self) -> datetime:
		return max((look.at for look in self.looks), default=datetime.min)

	def proves(self, close: datetime) -> bool:
		"""Is everything that was punched at it until `close` known?"""
		if self.trusted_until and close < datetime.combine(self.trusted_until, time()) + DAY:
			return True
		if not self.read_from < close <= self.read_until or any(
			silence.begin <= close and not self._has_looked_behind(silence) for silence in self.silences
		):
			return False
		by_punch = self.punch is not None and self.punch > close
		by_ping = self.ping is not None and close < self.ping <= self.read_at
		return by_punch or by_ping

	def _has_looked_behind(self, silence: Silence) -> bool:
		return any(
			look.at >= silence.contact + UPLOAD_GRACE and look.since <= silence.begin for look in self.looks
		)


class Use(NamedTuple):
	"""How a person used a device in the 30 days before a workday, or on it."""

	device: str
	checkins: int
	last: datetime


def own_devices(uses: Sequence[Use], day: date) -> set[str]:
	"""Those with 5 % of the person's check-ins, or any within a week. Check-ins without a device are their own evidence."""
	total = sum(use.checkins for use in uses)
	week = datetime.combine(day, time()) - RECENTLY
	return {use.device for use in uses if use.device and (use.checkins >= SHARE * total or use.last >= week)}


@dataclass(frozen=True)
class Proof:
	"""Is it proven that nothing more comes for a workday? held_by, since: the device that is missing, and its last sign of life.

	no_id: it never can be, for a person whose punches would be nobody's. too_early: the devices have not been known for long enough. unread: the day lies before
	what was read of a device so far. until: how long it is waited for.
	"""

	proven: bool
	held_by: str = ""
	label: str = ""
	since: datetime | None = None
	until: datetime = datetime.max
	no_id: bool = False
	too_early: bool = False
	unread: bool = False
	devices: tuple[str, ...] = ()


def proof(close: datetime, devices: Iterable[Heard], until: datetime = datetime.max) -> Proof:
	"""Devices that never gave a sign of life prove nothing, and hold nobody."""
	asked = [device for device in devices if device.sign_of_life]
	names = tuple(sorted(device.device for device in asked))
	missing = [device for device in asked if not device.proves(close)]
	if not missing:
		return Proof(True, until=until, devices=names)
	worst = min(missing, key=lambda device: (device.sign_of_life or datetime.min, device.device))
	unread = any(close <= device.read_from for device in missing)
	return Proof(False, worst.device, worst.label, worst.sign_of_life, until, unread=unread, devices=names)


def hold_until(
	close: datetime, days: int, is_expected: Callable[[date], bool], decide_by: int = 0
) -> datetime:
	"""The end of so many expected days after a close, and of the day of the month on which it has to be decided (0 = none; a shorter month's last)."""
	day, left = close.date(), days
	for _step in range(60):
		if left <= 0:
			break
		day += DAY
		left -= is_expected(day)
	if decide_by:
		deadline = close.date()
		while deadline.day != decide_by and not (deadline.day < decide_by and (deadline + DAY).day == 1):
			deadline += DAY
		day = max(day, deadline)
	return datetime.combine(day, time()) + DAY


# --- how far a server was read


def complete_until(
	by_window: Mapping[str, datetime | None], by_position: Iterable[datetime | None]
) -> datetime:
	"""How far a unit is complete, from the marks of its feeds; the beginning of time where it is not.

	Feeds of a unit bring the same punches: the one that is ahead counts, once those read by window have been through the past.
	"""
	marks = [*by_window.values(), *by_position]
	if not all(by_window.values()) or not any(marks):
		return datetime.min
	return max(mark for mark in marks if mark)
