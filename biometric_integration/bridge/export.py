"""Check-ins as a CSV file that ERPNext's Data Import takes for Employee Checkin."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from typing import TextIO

from biometric_integration.bridge.database import Database

COLUMNS = {
	"Employee": "employee",
	"Time": "time",
	"Log Type": "log_type",
	"Location / Device ID": "device_id",
	"Biometric Event": "biometric_event",
}
"""Label in ERPNext → column here. The last one only exists on a site where this app is installed."""
EVENT = "Biometric Event"


def write_checkins(
	database: Database, out: TextIO, first: date | None, last: date | None, with_events: bool = False
) -> int:
	"""Write the check-ins of the days from `first` to `last`, both included, by time; returns how many.

	Times are the site's wall clock. Without the event column the file suits any site with HRMS. With it, a site with this app
	refuses the same check-in a second time.
	"""
	labels = [label for label in COLUMNS if with_events or label != EVENT]
	writer = csv.writer(out, lineterminator="\r\n")
	writer.writerow(labels)
	written = 0
	for row in _checkins(database, first, last):
		writer.writerow([row[COLUMNS[label]] for label in labels])
		written += 1
	return written


def _checkins(database: Database, first: date | None, last: date | None) -> Iterator:
	end = last + timedelta(days=1) if last and last < date.max else None
	return database.stream(
		"SELECT * FROM checkin WHERE time >= ? AND time < ? ORDER BY time, employee, id",
		(first.isoformat() if first else "", end.isoformat() if end else "~"),
	)
