"""Ctrl-C where no command can see to it: before one is imported, and where Python has lost it."""

from __future__ import annotations

import os
from types import FrameType

LONGEST = 10.0
"""Seconds in which a command ends by itself."""

STOPPED = "Stopped. Nothing is lost: the next run goes on from here."


def leave(number: int, frame: FrameType | None = None) -> int:
	"""At once: nothing is open yet, or nothing any more. Raised in the middle of an import, an exception might be swallowed, or shown."""
	try:
		os.write(2, f"biometric-integration: {STOPPED}\n".encode())
	finally:
		os._exit(128 + number)


def interrupt(number: int, frame: FrameType | None = None) -> None:
	"""As Python does; but what is raised while it calls back (a finalizer, a weak reference) is lost, so whoever is still there after a while is ended."""
	from threading import Timer

	timer = Timer(LONGEST, leave, (number,))
	timer.daemon = True
	timer.start()
	raise KeyboardInterrupt
