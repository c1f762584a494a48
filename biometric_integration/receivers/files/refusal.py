"""Files that are refused as a whole, with the reason and what to do (sources-protocols §4)."""

from __future__ import annotations

import re
from collections.abc import Iterable


class Refused(Exception):
	"""A file that cannot be read, or that holds no punches. `message`: one or two sentences for a person, without anything from the file."""

	def __init__(self, message: str):
		super().__init__(message)
		self.message = message


BINARY = (
	"This file is not text: it was written by a black and white device, or it is encrypted. Turn off the encryption of"
	" USB downloads in the menu of the device, or read the device with its server and export the raw logs from there."
)
TEMPLATES = (
	"This file holds people or their fingerprints and faces, and no punches. It was not read. The punches are in the"
	" file that ends in attlog.dat."
)
OLD_EXCEL = "This is an old Excel file (.xls). Open it, save it as .xlsx or as CSV, and upload that."
MARKUP = (
	"This is a web page, whatever its name says. Open it in a spreadsheet program, save it as .xlsx or as CSV, and"
	" upload that."
)
MACROS = "This Excel file holds macros. Save it as .xlsx, and upload that."
REPORT = (
	"This is a report and holds no single punches, only the first and last time of a day, or a status. Export the raw"
	" logs (device logs, transactions) instead."
)
MINUTES = (
	"The times of this file have no seconds. Punches that come another way would be counted twice. Export the times"
	" with seconds, or upload the file of the device itself, before a spreadsheet program has saved it."
)
JALALI = "The dates of this file are of the Persian (Jalali) calendar. Set the device, or the export, to the Gregorian calendar."
NO_PUNCHES = "No line of this file is a punch that could be read. The first one says: {problem}"
EMPTY = "This file is empty."
BROKEN_EXCEL = (
	"This Excel file could not be opened: it is damaged, has a password, or is too large when unpacked."
)
UNKNOWN_COLUMNS = (
	"The columns of this file are not known. Choose a Column Mapping that says which of them is the id, and which the"
	" time. The first line with columns is: {columns}"
)
MISSING_COLUMN = "This file has no column {column}, which the Column Mapping names."
MIXED_ORDERS = (
	"Line {day_first} can only have the day first, and line {month_first} only the month. A spreadsheet program has"
	" changed the dates. Upload the file as it was exported."
)
OTHER_ORDER = "Line {line} can only have the {found} first. Choose that, or leave Day or Month First empty."

BY_NAME = (
	(re.compile(r"user\w*\.dat|template\w*\.dat|.*\.fp\w*(?:\.\d+)?|ssruser.*", re.I), TEMPLATES),
	(re.compile(r"agl_?\d*\.dat", re.I), BINARY),
	(re.compile(r".*\.xlsm", re.I), MACROS),
)

REPORT_TITLES = re.compile(
	r"daily attendance|basic report|work duration|monthly status|muster roll|performance register|punch records"
	r"|first in.{0,40}last out|\bin ?time\b.{0,40}\bout ?time\b|\bs\.? ?in\b.{0,40}\bs\.? ?out\b",
	re.I,
)
"""What stands above, or at the head of, the reports of eTimeTrackLite and its like."""


def refuse_by_name(name: str) -> None:
	"""Files whose content is not even looked at."""
	for pattern, reason in BY_NAME:
		if pattern.fullmatch(name.strip()):
			raise Refused(reason)


def refuse_report(rows: Iterable[Iterable[str]]) -> None:
	"""`rows`: the first ones, as cells."""
	for row in rows:
		if REPORT_TITLES.search(" ".join(" ".join(row).split())[:2000]):
			raise Refused(REPORT)
