"""Check-ins as a CSV file that ERPNext's Data Import takes for Employee Checkin."""

from __future__ import annotations

import csv
from contextlib import closing
from datetime import date
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
	rows = database.stream(
		"SELECT * FROM checkin WHERE DATE(time) BETWEEN ? AND ? ORDER BY time, employee, id",
		(first or date.min, last or date.max),
	)
	written = 0
	with closing(rows):
		for row in rows:
			writer.writerow([row[COLUMNS[label]] for label in labels])
			written += 1
	return written
