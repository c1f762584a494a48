"""Rows of eBioServer that are no punches (essl-protocol §3.1, §3.6)."""

from __future__ import annotations

from datetime import datetime

JUNK_CODES = ("OPLOG", "USER PIN=", "FP PIN=", "FACE PIN=", "NEW USER")
"""What device operation and enrolment records have in place of an employee code."""
JUNK_INITIALS = frozenset(initial for code in JUNK_CODES for initial in (code[0], code[0].lower()))
FIRST_TIME = datetime(1999, 12, 31)
"""Rows from before are records of a device without a clock; a clock that was reset in another zone may show this day."""


def is_junk(code: str, moment: datetime) -> bool:
	return moment < FIRST_TIME or (code[:1] in JUNK_INITIALS and code.upper().startswith(JUNK_CODES))
