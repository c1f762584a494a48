"""`GLG_nnn.TXT` and `AGL_nnn.TXT` with columns of a fixed width; those with tabs are a table like any other (sources-protocols §4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from biometric_integration.receivers.files.rows import Cells, Odd, Row
from biometric_integration.receivers.files.text import LONGEST_LINE

ID, NAME, TIME = "enno", "name", "datetime"


def is_fixed_width(words: Sequence[str]) -> bool:
	"""`words` of the head: the id stands before the name, which may be empty or several words; the time stands last."""
	lower = [word.lower() for word in words]
	return ID in lower and NAME in lower and lower[-1] == TIME and lower.index(ID) < lower.index(NAME)


def rows(lines: Iterable[tuple[int, str]], head: Sequence[str]) -> Iterator[Row]:
	place = [word.lower() for word in head].index(ID)
	for number, line in lines:
		words = line.split()
		half = words.pop() if words and words[-1].lower() in ("am", "pm") else ""
		if len(words) < place + 3 or len(line) > LONGEST_LINE:
			yield Odd(number, "The line has fewer columns than the head; it may have been cut off.", "")
			continue
		user_id, when = words[place][:200], " ".join(filter(None, [*words[-2:], half]))[:60]
		yield Cells(number, user_id, when, f"{user_id}\t{when}")
