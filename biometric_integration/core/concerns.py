"""What a run says about itself on its log: in English, each naming what to do or what happens next."""

from __future__ import annotations

from biometric_integration.core.connector import Unit


def never_delivered(unit: Unit, name: str) -> str:
	if unit is Unit.DEVICE:
		return f"The server has never had a punch of the serial number {name}. Check that it is written as on the device."
	if name:
		return f"The server has never had a punch of the location {name}. Check that it is the location code."
	return "The server has never had a punch. Check that its devices are online and upload to it."


OUT_OF_TIME = "The time for one job was over. The next one goes on with the {left} of {all} devices that were not begun."
NO_ANSWERS = "{tried} devices in a row got no answer in time: the server seems to be down. The others are left to the next run. {words}"
JOB_ENDED = "The job ended in the middle of this run. Nothing is lost: the next run goes on from there."
BEING_READ = "This stream is being read at this moment."
NO_DEVICE = "There is no device to read: add a Biometric Device with the serial number of each terminal, and enable it."
TRUNCATED = (
	"The server counts {declared} punches from {piece.start} to {piece.end}, but sent {rows}. "
	"These are kept, and the rest is asked for again."
)
FEWER = (
	"From {piece.start} to {piece.end} the server no longer shows {missing} punches that it had before. "
	"Nothing is removed here; it is read again."
)
UNCONFIRMED = "The server answered with nothing, not even a count: that may be a failure. Nothing is taken for granted, it is asked again."
IDS_MISSED = "The server's list by day has {new} punches that its list by log id (GetDeviceLogsByLogId) never gave. They are kept now."
IDS_RESET = "The server has begun to count its log ids again (its database was reset or moved). It is read again from the start."
IDS_CHANGED = "The server has lost log ids and given them to other punches (its database was restored). They are read again."
IDS_SILENT = "The server's list by log id (GetDeviceLogsByLogId) gives nothing, while its list by day has punches. They are read by day."
INVALID_ROWS = "Some rows could not be read. They are kept as they came: see the failed events of this log."
TAKEN_BACK = "Each time the database took back what was read: {why}"
TAKEN_OVER = "Another run has taken over this stream."
