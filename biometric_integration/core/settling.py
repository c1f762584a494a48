"""What a person may do about a workday: by its state and reason, the likely one first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum

from biometric_integration.core.judgement import State, What, Why
from biometric_integration.core.punch import Direction


class Action(str, Enum):
	"""As they are called in Desk; those of `What` are kept as a decision about the workday."""

	REPAIR = "Repair"
	MARK = What.MARK.value
	COUNT_OUTSIDE = What.COUNT_OUTSIDE.value
	LEAVE = What.LEAVE.value
	ADD = "Add a Check-in"
	TRUST = "Trust This Device Until"
	REPLACED = "Replaced By"
	STILL_HERE = "Still Here"


ABOUT_A_DEVICE = (Action.TRUST, Action.REPLACED)
OF: dict[Why, tuple[Action, ...]] = {
	Why.DEVICE_MISSING: (Action.TRUST, Action.REPLACED, Action.ADD, Action.MARK, Action.LEAVE),
	Why.DEVICE_SILENT: (Action.REPLACED, Action.TRUST, Action.ADD, Action.MARK, Action.LEAVE),
	Why.TOO_EARLY: (Action.MARK, Action.ADD, Action.LEAVE),
	Why.NO_ID: (Action.LEAVE, Action.ADD, Action.MARK),
	Why.MISSING_PUNCH: (Action.ADD, Action.MARK, Action.LEAVE),
	Why.OUTSIDE: (Action.COUNT_OUTSIDE, Action.MARK, Action.LEAVE),
	Why.UNCLEAR: (Action.ADD, Action.MARK, Action.LEAVE),
	Why.AFTER_LEAVING: (Action.STILL_HERE, Action.MARK, Action.LEAVE),
	Why.ON_HOLIDAY: (Action.MARK, Action.LEAVE),
	Why.ON_LEAVE: (Action.LEAVE,),
	Why.AFTER_PAY_SLIP: (Action.LEAVE,),
	Why.DECISION_OUTDATED: (Action.MARK, Action.COUNT_OUTSIDE, Action.ADD, Action.LEAVE),
	Why.NO_LOG_TYPE: (Action.LEAVE,),
	Why.NO_PUNCH: (Action.ADD, Action.LEAVE),
	Why.SHORT_HOURS: (Action.ADD, Action.LEAVE),
}
"""Of what is held, to settle or complete. Of other reasons: it is repaired, or left."""


def offered(
	state: State, why: Why, is_written: bool = False, is_outside: bool = False, has_device: bool = False
) -> tuple[Action, ...]:
	"""is_written: an attendance is there. is_outside: some check-ins lie outside of the shift. has_device: it is held by one."""
	if state not in (State.HELD, State.TO_SETTLE, State.COMPLETE):
		return ()
	found = OF.get(why, (Action.REPAIR, Action.LEAVE))
	if Action.REPAIR not in found and why not in (Why.AFTER_PAY_SLIP, Why.ON_LEAVE):
		if is_written:
			found = (*found[:1], Action.REPAIR, *found[1:])
		elif state is State.COMPLETE:
			found = (Action.REPAIR, *found)
	missing = {Action.COUNT_OUTSIDE} if not is_outside else set()
	missing |= set(ABOUT_A_DEVICE) if not has_device else set()
	return tuple(action for action in found if action not in missing)


def missing_punch(
	times: Sequence[datetime], start: datetime | None, end: datetime | None
) -> tuple[datetime, Direction] | None:
	"""When the missing one would have been, by the shift; None where that cannot be told."""
	if not start or not end or len(times) > 1:
		return None
	if not times:
		return start, Direction.IN
	(only,) = times
	is_begin = abs(only - start) <= abs(end - only)
	return (end, Direction.OUT) if is_begin else (start, Direction.IN)
