"""What is written about a workday, in ERPNext's words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class AttendanceStatus(str, Enum):
	"""ERPNext's words. Nobody is Absent here for lack of hours; a shift's own thresholds may say so."""

	PRESENT = "Present"
	HALF_DAY = "Half Day"
	ABSENT = "Absent"


@dataclass(frozen=True)
class Worked:
	"""`hours` as HRMS counts them, rounded to hundredths."""

	status: AttendanceStatus
	hours: float
	in_time: datetime | None
	out_time: datetime | None
	late_entry: bool = False
	early_exit: bool = False
