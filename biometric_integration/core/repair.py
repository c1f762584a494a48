"""What *Repair* may take back of a day, and why not. Pure: what is known of the day is handed in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from biometric_integration.core.judgement import Judgement, State, Why, Written


class Refusal(str, Enum):
	"""Why a day stays as it is; the sentences are patterns in English, filled with `what`."""

	PAY_SLIP = "The salary slip {what} is submitted."
	LEAVE = "The leave application {what} covers the day."
	REQUEST = "The attendance request {what} covers the day."
	BY_HAND = "A person made the attendance {what}."
	LEFT = "A person left it as it is. Take that decision back first."
	RIGHT = "It is right already."
	NOT_JUDGED = "The attendance {what} is there, and days before {since} are not judged."
	NOTHING = "There is nothing to repair: a person has to decide, or a device has to deliver."


@dataclass(frozen=True)
class Standing:
	"""What stands over a date: names of a submitted pay slip, of leave for all of the day, and of an attendance request."""

	slip: str = ""
	leave: str = ""
	request: str = ""


@dataclass(frozen=True)
class Wrong:
	"""Of the attendance of a workday: what is cancelled, and the half-day leave of which the other half is opened again."""

	records: tuple[str, ...] = ()
	reopened: tuple[str, ...] = ()

	def __bool__(self) -> bool:
		return bool(self.records or self.reopened)


NONE = Wrong()


def refused(
	judgement: Judgement, written: Iterable[Written], standing: Standing
) -> tuple[Refusal, str] | None:
	"""With what it is filled."""
	if found := stays(written, standing):
		return found
	return (Refusal.LEFT, "") if judgement.why is Why.LEFT_AS_IT_IS else None


def stays(written: Iterable[Written], standing: Standing) -> tuple[Refusal, str] | None:
	"""Why nobody but a person may change this attendance."""
	by_hand = next((one.name for one in written if one.by_hand), "")
	reasons = (
		(Refusal.PAY_SLIP, standing.slip),
		(Refusal.LEAVE, standing.leave),
		(Refusal.REQUEST, standing.request),
		(Refusal.BY_HAND, by_hand),
	)
	return next(((refusal, what) for refusal, what in reasons if what), None)


def wrong(judgement: Judgement, written: Iterable[Written], can_reopen: bool) -> Wrong:
	"""What a machine wrote, unless it agrees; only one record can. can_reopen: this HRMS says what the other half is."""
	by_machine = [one for one in written if not one.by_hand]
	if judgement.state is State.MARKED:
		by_machine = by_machine[1:]
	return Wrong(
		tuple(one.name for one in by_machine if not one.leave),
		tuple(one.name for one in by_machine if one.leave and not one.half_open and can_reopen),
	)
