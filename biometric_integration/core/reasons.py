"""Where a Staging Event stands and why: statuses, reasons, and a sentence over values for each."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from biometric_integration.core.punch import Kind, Punch


class EventStatus(str, Enum):
	"""Where a Staging Event stands."""

	PENDING = "Pending"
	PROCESSED = "Processed"
	UNMAPPED = "Unmapped"
	IGNORED = "Ignored"
	FAILED = "Failed"
	QUARANTINED = "Quarantined"


class Reason(str, Enum):
	"""Why a Staging Event stands where it stands, as lists and filters show it."""

	NONE = ""
	ALREADY_THERE = "Already There"
	NO_EMPLOYEE = "No Employee"
	AMBIGUOUS = "Several Employees"
	SINCE_WHEN = "Since When"
	NOT_JOINED = "Not Joined Yet"
	LEFT = "Left"
	AFTER_LEAVING = "After Leaving"
	INACTIVE = "Inactive"
	HRMS_REFUSED = "Refused"
	IMPLAUSIBLE = "Implausible Time"
	FUTURE = "Future Time"
	DEVICE_OFF = "Device Disabled"
	JUNK = "No Punch"
	INVALID = "Not Readable"
	REPEAT = "Repeat"
	ID_IGNORED = "Id Ignored"
	NOT_FOR_ATTENDANCE = "Not for Attendance"
	BEFORE_FLOOR = "Before Start"
	EXPIRED = "Expired"
	DELETED = "Check-in Deleted"
	WRITTEN_BEFORE = "Written Before"

	@classmethod
	def _missing_(cls, value: object) -> Reason | None:
		"""A code of before there were labels: while a site is upgraded, a process of before may still write one."""
		return cls.__members__.get(str(value).upper())


STATUS_OF = {
	Reason.NONE: EventStatus.PROCESSED,
	Reason.ALREADY_THERE: EventStatus.PROCESSED,
	Reason.NO_EMPLOYEE: EventStatus.UNMAPPED,
	Reason.AMBIGUOUS: EventStatus.UNMAPPED,
	Reason.SINCE_WHEN: EventStatus.UNMAPPED,
	Reason.NOT_JOINED: EventStatus.UNMAPPED,
	Reason.LEFT: EventStatus.UNMAPPED,
	Reason.AFTER_LEAVING: EventStatus.PROCESSED,
	Reason.INACTIVE: EventStatus.UNMAPPED,
	Reason.HRMS_REFUSED: EventStatus.FAILED,
	Reason.INVALID: EventStatus.FAILED,
	Reason.IMPLAUSIBLE: EventStatus.QUARANTINED,
	Reason.FUTURE: EventStatus.QUARANTINED,
	Reason.DEVICE_OFF: EventStatus.PENDING,
	Reason.JUNK: EventStatus.IGNORED,
	Reason.REPEAT: EventStatus.IGNORED,
	Reason.ID_IGNORED: EventStatus.IGNORED,
	Reason.NOT_FOR_ATTENDANCE: EventStatus.IGNORED,
	Reason.BEFORE_FLOOR: EventStatus.IGNORED,
	Reason.EXPIRED: EventStatus.IGNORED,
	Reason.DELETED: EventStatus.IGNORED,
	Reason.WRITTEN_BEFORE: EventStatus.PROCESSED,
}

WRITES = frozenset({Reason.NONE, Reason.AFTER_LEAVING})
"""Punches that become a check-in of their own."""

SENTENCES = {
	Reason.NONE: "",
	Reason.ALREADY_THERE: "A check-in of this employee at this time was already there; no second one was made.",
	Reason.NO_EMPLOYEE: (
		"No employee has the id {user_id}. Enter it in the employee's record, or make a mapping rule; this punch is then used by itself."
	),
	Reason.AMBIGUOUS: "Several employees share the id {user_id}: {names}. Leave it with one of them.",
	Reason.SINCE_WHEN: (
		"{employee} has the id {user_id} now, but at the time of this punch it may have been somebody else's: before it was entered it was "
		"silent for {days} days or more, or somebody else had it. Choose the employee, with the day from which on the id is theirs."
	),
	Reason.NOT_JOINED: "{employee} joins on {day}, after this punch. Correct the date of joining if it is wrong.",
	Reason.LEFT: "{employee} left on {day}, before this punch. Correct the relieving date if it is wrong.",
	Reason.AFTER_LEAVING: (
		"{employee} has the relieving date {day}, which is before this punch, but is not marked as Left: the punch is used. "
		"Correct the date, or the status, if one of them is wrong."
	),
	Reason.INACTIVE: "{employee} is {state}. Set the employee to Active if this punch should count.",
	Reason.HRMS_REFUSED: "The check-in was refused: {words}",
	Reason.INVALID: "The server sent a row that could not be read ({problem}). It is kept as it came, see Raw Payload.",
	Reason.IMPLAUSIBLE: "The device reported the year {year}: its clock was wrong. Release the punch with the right time.",
	Reason.FUTURE: (
		"The device reported a time in the future: its clock is ahead. Release in the Biometric Device takes back all such punches by as much; "
		"or release this one with the right time."
	),
	Reason.DEVICE_OFF: "The device {device} is disabled. The punch is used as soon as the device is enabled.",
	Reason.ID_IGNORED: "The id {user_id} is ignored by the mapping rule {rule}.",
	Reason.JUNK: "An operation or enrolment record of the device, not a punch.",
	Reason.REPEAT: "Within {seconds} seconds of the punch at {time}: counted once.",
	Reason.NOT_FOR_ATTENDANCE: "The device {device} does not count for attendance.",
	Reason.BEFORE_FLOOR: "Before the Start Date of the settings. With an earlier one, which an administrator enters, the punch is used by itself.",
	Reason.EXPIRED: "Nobody entered this id for {days} days. Reprocess uses the punch once an employee has the id.",
	Reason.DELETED: "{user} deleted its check-in at {time}. It stays deleted.",
	Reason.WRITTEN_BEFORE: "Part of {attendance}, which was written before punches got check-ins of their own.",
}
"""One sentence each, in English, that names the fix; hosts translate the pattern before they fill it in."""

BARRED = "From before {barred}: older punches have been deleted here, and are not used again. Reprocess uses this one."
TAKEN_BACK = "The check-in was refused: a rule of this site took it back."
UNEXPECTED = "The check-in was refused: something unexpected happened ({error}: {message}). An administrator finds the trace in the Error Log."
BARRED_FOR_OTHERS = "From before {barred}: older punches have been deleted here, and are not used again. An HR Manager can have this one used."

KEPT_AS = {Kind.PUNCH: Reason.NONE, Kind.JUNK: Reason.JUNK, Kind.INVALID: Reason.INVALID}


FOR_OTHERS = {
	Reason.NO_EMPLOYEE: "No employee has the id {user_id}. Enter it in the employee's record; this punch is then used by itself.",
	Reason.IMPLAUSIBLE: "The device reported the year {year}: its clock was wrong. An HR Manager can release the punch with the right time.",
	Reason.FUTURE: (
		"The device reported a time in the future: its clock is ahead. An HR Manager can release the punches of the device, or this one with the right time."
	),
	Reason.EXPIRED: "Nobody entered this id for {days} days. Once an employee has the id, an HR Manager can have the punch used.",
}
"""What is said in place of that to people who have no button for the fix, or may make no mapping rule."""


def pattern(reason: Reason, values: Mapping[str, str], may_set_up: bool = True) -> str:
	"""The sentence of a reason, in English, over these values; with a fix that this person can do."""
	if reason is Reason.BEFORE_FLOOR and "barred" in values:
		return BARRED if may_set_up else BARRED_FOR_OTHERS
	if not may_set_up and reason in FOR_OTHERS:
		return FOR_OTHERS[reason]
	if reason is Reason.HRMS_REFUSED and "words" not in values:
		return UNEXPECTED if "error" in values else TAKEN_BACK
	return SENTENCES[reason]


def at_staging(punch: Punch) -> tuple[EventStatus, Reason, dict[str, str]]:
	"""Status, reason and its values, under which a row is kept before anything is decided."""
	reason = KEPT_AS[punch.kind]
	if reason is not Reason.NONE:
		values = {"problem": punch.problem} if reason is Reason.INVALID else {}
		return STATUS_OF[reason], reason, values
	if punch.barred:
		return EventStatus.IGNORED, Reason.BEFORE_FLOOR, {"barred": str(punch.barred)}
	return EventStatus.PENDING, reason, {}
