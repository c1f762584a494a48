"""What a device is told when it introduces itself: how to send, what to send, and what time it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

DELAY = 10
"""Seconds between two questions for commands; this is the heartbeat."""
ERROR_DELAY = 30
"""Seconds until what was not acknowledged is sent again."""
PROTOCOL = "2.3.0"
"""From 2.4.0 on both sides exchange keys with a library of the vendor (sources-protocols §2.1)."""
ACCESS_PROTOCOL = "3.0.1"
NEVER_SENT = "None"
"""A stamp that lets a device go on from its own position (essl-protocol §6.3). One that a request claims is never said back: anybody may have claimed it."""
LONGEST_REGISTRY_CODE = 32


@dataclass(frozen=True)
class Terminal:
	"""A device that may push. `key`: the host's word for it. `now`: aware, in the zone of the device."""

	key: str
	serial: str
	now: datetime

	@property
	def offset(self) -> timedelta:
		return self.now.utcoffset() or timedelta()


def for_attendance(terminal: Terminal) -> str:
	"""The options of an attendance device (essl-protocol §6.3).

	The word form of TransFlag with one word: people, templates and photos stay on the device.
	"""
	return _lines(
		f"GET OPTION FROM: {terminal.serial}",
		f"ATTLOGStamp={NEVER_SENT}",
		"OPERLOGStamp=9999",
		f"ATTPHOTOStamp={NEVER_SENT}",
		f"ErrorDelay={ERROR_DELAY}",
		f"Delay={DELAY}",
		"TransTimes=00:00;14:05",
		"TransInterval=1",
		"TransFlag=TransData AttLog",
		f"TimeZone={zone(terminal.offset)}",
		"Realtime=1",
		"Encrypt=None",
		f"ServerVer={PROTOCOL}",
		f"PushProtVer={PROTOCOL}",
	)


def for_access(terminal: Terminal) -> str:
	"""The options of an access device, which thereby counts as registered (sources-protocols §2.3)."""
	return _lines("registry=ok", f"RegistryCode={registry_code(terminal)}", *_access_options(terminal))


def registered(terminal: Terminal) -> str:
	return f"RegistryCode={registry_code(terminal)}"


def push_options(terminal: Terminal) -> str:
	return _lines(*_access_options(terminal))


def time_of(terminal: Terminal) -> str:
	"""`DateTime` is UTC, `ServerTZ` what the device adds to it."""
	minutes = int(terminal.offset.total_seconds()) // 60
	sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
	return f"DateTime={encoded(terminal.now - terminal.offset)},ServerTZ={sign}{hours:02}{rest:02}"


def encoded(moment: datetime) -> int:
	"""A time as devices count it: months of 31 days since 2000, in seconds."""
	days = ((moment.year - 2000) * 12 + moment.month - 1) * 31 + moment.day - 1
	return days * 86400 + moment.hour * 3600 + moment.minute * 60 + moment.second


def zone(offset: timedelta) -> int:
	"""Whole hours as hours, anything else in minutes: India is 330."""
	minutes = int(offset.total_seconds()) // 60
	return minutes if minutes % 60 else minutes // 60


def registry_code(terminal: Terminal) -> str:
	"""Any text that stays the same."""
	return "".join(letter for letter in terminal.key if letter.isalnum())[:LONGEST_REGISTRY_CODE] or "1"


def _access_options(terminal: Terminal) -> tuple[str, ...]:
	return (
		f"ServerVersion={ACCESS_PROTOCOL}",
		"ServerName=ADMS",
		f"PushVersion={ACCESS_PROTOCOL}",
		f"ErrorDelay={ERROR_DELAY}",
		f"RequestDelay={DELAY}",
		"TransTimes=00:00;14:05",
		"TransInterval=1",
		"TransTables=Transaction",
		"Realtime=1",
		f"SessionID={registry_code(terminal)}",
		"TimeoutSec=10",
	)


def _lines(*lines: str) -> str:
	return "\n".join(lines) + "\n"
