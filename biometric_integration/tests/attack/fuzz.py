"""Rows that no server has ever sent, through the row parsers of both connectors and what becomes of a row before it is stored.

	python -m biometric_integration.tests.attack.fuzz --rows 1000000 --seed 1

Real rows with something wrong with them, and bytes at random. Each has to come out as a punch, as junk or as unreadable, with a fingerprint
that is a valid name; whatever a parser raises is a failure.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime

from biometric_integration.connectors import ebioserver, etimetracklite
from biometric_integration.core import devices
from biometric_integration.core.clock import to_site
from biometric_integration.core.connector import ListedDevice
from biometric_integration.core.punch import (
	Direction,
	Kind,
	Punch,
	Record,
	Unreadable,
	fingerprint,
	shown,
	unreadable_fingerprint,
)
from biometric_integration.core.reasons import at_staging
from biometric_integration.core.text import LONGEST
from biometric_integration.simulator import World

Row = Record | Unreadable | ListedDevice | None
Parser = Callable[[str], Row]

FINGERPRINT = re.compile(r"[0-9]{14}-[0-9a-f]{20}")
LARGEST_ID = 2**63 - 1
JUNK = ("OPLOG 4", "USER PIN=7\tName=A\tPri=0", "FP PIN=7\tFID=5", "FACE PIN=7", "NEW USER")
SHOWN = 5
"""Failures that are printed with their trace."""
PIECES = (
	*",;\t\n\r \x00\x0b\u2028\ufeff\u0660\xb2\u202e<>&'\"\\%{}\U0001f600\ud800",
	"-",
	":",
	"0",
	"9999-12-31 23:59:59",
	"0001-01-01 00:00:00",
	"2025-02-30 10:00:00",
	"2025-04-07T09:00:00+05:30",
	"24:00:00",
	"\u0662\u0660\u0662\u0665-04-07 09:00:00",
	"1e309",
	"-1",
	"9" * 40,
	"OPLOG 4",
	"USER PIN=7",
	"inout",
	"nan",
	"x" * 200,
	"," * 50,
	"\t" * 50,
)


# --- rows


def real_rows(seed: int) -> dict[str, list[str]]:
	"""Parser → rows as the products write them."""
	world = World.sample(seed=seed, employees=20, first_day=date(2025, 4, 7), days=3)
	found: dict[str, list[str]] = {name: [] for name in PARSERS}
	for row in world.visible():
		device, moment = world.device(row.serial), f"{row.time:%Y-%m-%d %H:%M:%S}"
		plain = f"{moment},{row.code},{device.name},{device.location},{row.direction.upper()}"
		found["eTimeTrackLite"].append(f"{row.code}\t{moment}\t{row.direction}")
		found["eBioServer, by day"].append(plain)
		found["eBioServer, by log id"].append(f"{row.log_id},{plain}")
	for name, start in (("eBioServer, by day", ""), ("eBioServer, by log id", "77,")):
		found[name] += [f"{start}2025-04-07 09:00:00,{code},Main Gate,HO,IN" for code in JUNK] * 8
	found["eBioServer, device list"] = [
		f"{device.name},{device.serial},{device.location}" for device in world.devices
	]
	return found


def broken(row: str, other: str, chance: random.Random) -> str:
	"""The row after one to four accidents."""
	for _ in range(chance.choice((1, 1, 2, 4))):
		row = chance.choice(ACCIDENTS)(row, other, chance)
	return row


def _cut(row: str, other: str, chance: random.Random) -> str:
	start, end = _stretch(row, chance)
	return row[:start] + row[end:]


def _doubled(row: str, other: str, chance: random.Random) -> str:
	start, end = _stretch(row, chance)
	return row[:end] + row[start:]


def _inserted(row: str, other: str, chance: random.Random) -> str:
	start = chance.randint(0, len(row))
	return row[:start] + chance.choice(PIECES) + row[start:]


def _replaced(row: str, other: str, chance: random.Random) -> str:
	start, end = _stretch(row, chance)
	return row[:start] + chance.choice(PIECES) + row[end:]


def _spliced(row: str, other: str, chance: random.Random) -> str:
	return row[: chance.randint(0, len(row))] + other[chance.randint(0, len(other)) :]


def _changed(row: str, other: str, chance: random.Random) -> str:
	start = chance.randint(0, max(0, len(row) - 1))
	return (
		row[:start]
		+ chr(chance.choice((chance.randrange(128), chance.randrange(0x110000))))
		+ row[start + 1 :]
	)


def _swapped(row: str, other: str, chance: random.Random) -> str:
	separator = "\t" if "\t" in row else ","
	fields = row.split(separator)
	chance.shuffle(fields)
	return separator.join(fields)


def _stretched(row: str, other: str, chance: random.Random) -> str:
	return row * chance.choice((2, 3, 50)) if len(row) < 500 else row


def _noise(row: str, other: str, chance: random.Random) -> str:
	encoding = chance.choice(("latin-1", "utf-8"))
	return chance.randbytes(chance.randint(0, 60)).decode(encoding, "replace")


ACCIDENTS = (
	_cut,
	_doubled,
	_inserted,
	_inserted,
	_replaced,
	_spliced,
	_changed,
	_changed,
	_swapped,
	_stretched,
	_noise,
)


def _stretch(row: str, chance: random.Random) -> tuple[int, int]:
	start = chance.randint(0, len(row))
	return start, min(len(row), start + chance.randint(0, 12))


# --- what has to come out

PAIRS = frozenset({("Main Gate", "HO"), ("Gate 2, North", "HO")})
PARSERS: dict[str, Parser] = {
	"eTimeTrackLite": lambda raw: etimetracklite.parse_row(raw, "SIMD000000001"),
	"eBioServer, by day": lambda raw: ebioserver.parse_row(raw, PAIRS),
	"eBioServer, by log id": lambda raw: ebioserver.parse_row_with_id(raw, PAIRS),
	"eBioServer, device list": ebioserver.parse_device,
}


def outcome(row: Row) -> str:
	"""What a row became, in a word. Raises AssertionError for what is none of the documented outcomes."""
	if row is None:
		return "no device"
	if isinstance(row, ListedDevice):
		entry = devices.shown(row)
		_hold(max(map(len, (entry.serial, entry.device_name, entry.location))) <= LONGEST, "too long to keep")
		return "device"
	if isinstance(row, Record):
		row = _checked(row)
	punch = _staged(row)
	_hold(FINGERPRINT.fullmatch(punch.name), f"the name {punch.name}")
	at_staging(punch)
	return punch.kind.value.lower()


def _checked(record: Record) -> Record | Unreadable:
	moment, log_id = record.source_time, record.log_id
	_hold(type(moment) is datetime and not moment.tzinfo and not moment.microsecond, f"the time {moment!r}")
	_hold(record.kind in (Kind.PUNCH, Kind.JUNK), f"the kind {record.kind!r}")
	_hold(isinstance(record.direction, Direction), f"the direction {record.direction!r}")
	_hold(record.user_id or record.kind is Kind.JUNK, "a punch of nobody")
	_hold(record.user_id == record.user_id.strip(), f"the id {record.user_id!r}")
	_hold(log_id is None or 0 <= log_id <= LARGEST_ID, f"the log id {log_id}")
	_hold(record.kind is Kind.JUNK or moment.year >= 1, f"the year {moment.year}")
	kept = shown(record)
	if isinstance(kept, Record):
		texts = (kept.user_id, kept.device_name, kept.location, kept.verify_mode)
		_hold(max(map(len, texts)) <= LONGEST, "too long to keep")
		_hold(not any("<" in text or ">" in text for text in texts), "markup")
	return kept


def _staged(row: Record | Unreadable) -> Punch:
	"""As the engine does it."""
	if isinstance(row, Unreadable):
		_hold(row.problem and isinstance(row.raw, str), "unreadable without a reason")
		name = unreadable_fingerprint("main", "HO", row.raw)
		return Punch(
			name, Kind.INVALID, "", "", None, None, Direction.NONE, row.raw, row.log_id, problem=row.problem
		)
	name = fingerprint("main", "device", row.user_id, row.source_time)
	site = to_site(row.source_time, "Pacific/Auckland", "America/Los_Angeles")
	return Punch(
		name, row.kind, "device", row.user_id, row.source_time, site, row.direction, row.raw, row.log_id
	)


def _hold(condition: object, what: str) -> None:
	if not condition:
		raise AssertionError(what)


# --- the run


def attempts(rows: int, seed: int) -> Iterator[tuple[str, str]]:
	"""(parser, row), `rows` times; the same seed gives the same ones."""
	chance, real = random.Random(seed), real_rows(seed)
	names = list(PARSERS)
	for number in range(rows):
		name = names[number % len(names)]
		row, other = chance.choice(real[name]), chance.choice(real[chance.choice(names)])
		yield name, row if chance.random() < 0.02 else broken(row, other, chance)


def run(rows: int, seed: int) -> int:
	"""Prints what came of it; returns how many rows came out as nothing that is documented."""
	started, failures = time.monotonic(), 0
	found: dict[str, Counter[str]] = {name: Counter() for name in PARSERS}
	for name, raw in attempts(rows, seed):
		try:
			found[name][outcome(PARSERS[name](raw))] += 1
		except Exception:  # whatever it is, it is what is looked for here
			failures += 1
			if failures <= SHOWN:
				print(f"{name}: {raw!r}\n{traceback.format_exc()}")
	seconds = time.monotonic() - started
	for name, outcomes in found.items():
		print(f"{name:<24}", ", ".join(f"{number} {word}" for word, number in sorted(outcomes.items())))
	print(
		f"{rows} rows in {seconds:.1f} s ({rows / seconds:,.0f} rows/s), seed {seed}: {failures} undocumented outcomes."
	)
	return failures


def main() -> int:
	parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
	parser.add_argument("--rows", type=int, default=1000000)
	parser.add_argument("--seed", type=int, default=1)
	arguments = parser.parse_args()
	return 1 if run(arguments.rows, arguments.seed) else 0


if __name__ == "__main__":
	sys.exit(main())
