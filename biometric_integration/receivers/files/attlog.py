"""`attlog.dat`: PIN, time, and columns that mean something else on each firmware; also copies of it that somebody has edited.

Direction and device number among the further columns cannot be told apart, so neither is used (sources-protocols §4).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from biometric_integration.receivers.files.rows import Cells, Odd, Row
from biometric_integration.receivers.files.text import LONGEST_LINE
from biometric_integration.receivers.files.times import EXACT

BETWEEN = r"[\t ,;]"
LINE = re.compile(
	rf"{BETWEEN}*(?P<pin>[^\s,;]+){BETWEEN}+"
	r"(?P<when>\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}[ T\t,;]{1,3}\d{1,2}:\d\d(?::\d\d)?(?: ?[AaPp][Mm])?)"
	rf"(?P<rest>(?:{BETWEEN}.*)?)",
	re.ASCII,
)
"""Each part begins with what the one before cannot hold: linear in the length of the line."""
ONE_WORD = re.compile(r"\s*(?:SN\s?[:=]\s?)?(?P<word>[A-Za-z0-9]{1,64})\s*", re.ASCII)
SERIAL = re.compile(r"(?=.*\d)[A-Za-z0-9]{6,32}", re.ASCII)
NAME = re.compile(r"(?P<serial>[A-Za-z0-9]{6,32})_attlog.*", re.ASCII | re.I)
CHECKSUM = 4
"""Characters that a checksum has at least; what is shorter is the begin of a line that was cut."""
KEPT = 5
"""Further columns that are kept raw: those after them are masks, temperatures and places (sources-protocols §2.2)."""
SAMPLE, NUMBERED = 30, 10
LONGEST_ID = 140


def is_attlog(sample: Sequence[str]) -> bool:
	"""Do these first lines look like it? A head with names of columns is that of a table, and where a device did not write them, numbered rows are no ids."""
	found = [LINE.fullmatch(_bare(line)) for line in sample]
	if not found or not (found[0] or ONE_WORD.fullmatch(sample[0])):
		return False
	pins = [match["pin"] for match in found if match]
	return len(pins) * 2 >= len(sample) - 1 and bool(pins) and ("\t" in sample[-1] or not _are_numbered(pins))


def _are_numbered(pins: Sequence[str]) -> bool:
	if len(pins) < NUMBERED or not all(pin.isdecimal() and len(pin) < 10 for pin in pins):
		return False
	return all(int(later) == int(earlier) + 1 for earlier, later in pairwise(pins))


def serial_of_name(name: str) -> str:
	"""The serial number in the name of a file; a device number in front is none."""
	found = NAME.fullmatch(name.strip())
	return found["serial"] if found and SERIAL.fullmatch(found["serial"]) else ""


def serial_of_first(line: str) -> str:
	found = ONE_WORD.fullmatch(line)
	return found["word"] if found and SERIAL.fullmatch(found["word"]) else ""


def rows(lines: Iterable[tuple[int, str]]) -> Iterator[Row]:
	"""A serial number before the first row and a checksum after the last one are no rows."""
	held: Odd | None = None
	begun = False
	for number, line in lines:
		row = _row(number, line)
		if held:
			yield held
		held = None
		if isinstance(row, Odd):
			if not begun and serial_of_first(line):
				begun = True
				continue
			held = row
			continue
		begun = True
		yield row
	if held and not (begun and _is_checksum(held.raw)):
		yield held


def _is_checksum(line: str) -> bool:
	found = ONE_WORD.fullmatch(line)
	return bool(found) and len(line.strip()) >= CHECKSUM and line == line.lstrip()


def _bare(line: str) -> str:
	return line.replace('"', "") if '"' in line else line


def _row(number: int, line: str) -> Row:
	if len(line) > LONGEST_LINE:
		return Odd(number, "The line is longer than any device writes.", line[:LONGEST_ID])
	if "\0" in line:
		return Odd(number, "The line holds characters that no device writes.", _kept(line.replace("\0", "")))
	found = LINE.fullmatch(_bare(line))
	if not found:
		return Odd(
			number, "The line does not begin with an id and a time; it may have been cut off.", _kept(line)
		)
	pin = found["pin"]
	if len(pin) > LONGEST_ID:
		return Odd(number, f"The id is longer than {LONGEST_ID} characters.", _kept(line))
	when = found["when"]
	rest = "\t".join(re.split(f"{BETWEEN}+", found["rest"].strip("\t ,;"))[:KEPT]) if found["rest"] else ""
	return Cells(number, pin, _spaced(when), f"{pin}\t{when}\t{rest}".rstrip("\t"))


def _spaced(when: str) -> str:
	if len(when) == EXACT and when[10] == " ":
		return when
	return " ".join(re.split(r"[\t,; T]+", when))


def _kept(line: str) -> str:
	return "\t".join(re.split(r"[\t,;]", line, maxsplit=KEPT + 2)[: KEPT + 2])[:LONGEST_ID]
