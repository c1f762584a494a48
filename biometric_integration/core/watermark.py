"""How far a shift's *Last Sync of Checkin* may go (design §4), and when HRMS is silent about a day that it should have written.

All times are naive wall clock of the site.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import NamedTuple

from biometric_integration.core.window import DAY

AFTER = timedelta(minutes=1)
"""HRMS takes what closed before the mark; where it moves the mark by its own clock, it goes as far beyond a close."""


class Occurrence(NamedTuple):
	"""Of a shift, by the day it begins on; whoever works it."""

	day: date
	closes: datetime


class Wait(NamedTuple):
	"""Occurrences from the first to the last day, both included, are waited for. is_bounded: no longer than *Hold at Most* after the close of each."""

	first: date
	last: date
	is_bounded: bool = False

	def stops(self, one: Occurrence, hold: Callable[[datetime], datetime], now: datetime) -> bool:
		return self.first <= one.day <= self.last and (not self.is_bounded or now < hold(one.closes))


def furthest(
	mark: datetime,
	occurrences: Iterable[Occurrence],
	closed_until: datetime,
	waits: Iterable[Wait],
	hold: Callable[[datetime], datetime],
	now: datetime,
) -> datetime:
	"""The mark, or a later one: behind the last occurrence before which nothing is waited for. Never beyond now.

	closed_until: whoever did not come has a day in shifts that closed by then. hold: close → until when it is waited for at most.
	"""
	waits = tuple(waits)
	for one in sorted(occurrences, key=lambda one: one.closes):
		past = one.closes + AFTER
		if past <= mark:
			continue
		if past > now or one.closes > closed_until or any(wait.stops(one, hold, now) for wait in waits):
			break
		mark = past
	return mark


# --- HRMS is silent


class Silence(str, Enum):
	"""What can be told of why HRMS writes nothing."""

	OFF = "off"
	BEGINS_LATER = "begins later"
	NO_MARK = "no mark"
	INACTIVE = "inactive"
	UNKNOWN = "unknown"


SILENCES: dict[Silence, str] = {
	Silence.OFF: "Enable Auto Attendance is off in the shift type {shift}.",
	Silence.BEGINS_LATER: "In the shift type {shift}, Process Attendance After is {begins}: days before are left out.",
	Silence.NO_MARK: "Nobody has set Last Sync of Checkin in the shift type {shift}.",
	Silence.INACTIVE: "The employee is Inactive, and Frappe HR marks nobody who is.",
	Silence.UNKNOWN: "Its job has run twice since. Comments on the check-ins may say why, or for an administrator the Error Log.",
}


@dataclass(frozen=True)
class AutoAttendance:
	"""A shift type, as far as HRMS's auto attendance is concerned.

	begins: the first day that is marked. mark: what closed before is marked. by_clock: HRMS moves the mark itself, whatever was read.
	"""

	shift: str
	enabled: bool = False
	begins: date | None = None
	mark: datetime | None = None
	by_clock: bool = False
	holiday_list: str = ""

	@property
	def is_set_up(self) -> bool:
		return bool(self.enabled and self.begins and self.mark)


def silence(
	of: AutoAttendance,
	day: date,
	closes: datetime,
	by_checkins: bool,
	is_inactive: bool,
	passed: datetime | None,
) -> Silence | None:
	"""Of a day that is Complete since before HRMS ran twice; None where it may still come, or was never to come.

	passed: the mark when the first of the two runs began. Where nobody came, HRMS waits for a day more.
	"""
	if not of.enabled:
		return Silence.OFF if of.mark else None
	if not of.begins or day < of.begins:
		return Silence.BEGINS_LATER
	if not of.mark:
		return Silence.NO_MARK
	reached = closes if by_checkins else closes + DAY
	if passed is None or passed <= reached:
		return None
	return Silence.INACTIVE if is_inactive else Silence.UNKNOWN
