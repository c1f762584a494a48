"""Brings what waits in the spool to the site: oldest first, each until the site has it."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from biometric_integration.bridge.agent.journal import Journal
from biometric_integration.bridge.agent.site import LONGEST_RAW, Later, SiteClient, TooMuch, Verdict
from biometric_integration.bridge.agent.spool import Spool, Waiting
from biometric_integration.bridge.database import cannot_write
from biometric_integration.core.punch import Kind

BATCH = 500
MOST_BYTES = 700_000
"""Of a batch: the site takes 1 MB, and some characters are longer in JSON."""
AROUND = 150
"""Bytes of a punch in JSON besides its texts."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=5)
SECOND_CHANCE = timedelta(hours=1)
MOST_UNMARKED = 20_000
MOST_TURNED_DOWN = 20
"""Single punches in a row that the site does not take at all: then it is not the punches."""
TOPIC = "site"
NO_SERIAL = (
	"The device {place} has no serial number: give it one on the server, or enter it as [[server.{server}.names]] in bridge.toml"
	" (name, location, serial)."
)


class Forwarder:
	"""Of one thread. `monotonic`: seconds of a clock that nobody sets."""

	def __init__(
		self,
		spool: Spool,
		site: SiteClient,
		journal: Journal,
		monotonic: Callable[[], float] = time.monotonic,
		batch: int = BATCH,
	):
		self._spool = spool
		self._site = site
		self._journal = journal
		self._monotonic = monotonic
		self._batch = batch
		self._failures = 0
		self._not_before = 0.0
		self._next_chance = 0.0
		self._turned_down = 0
		self._unmarked: list[tuple[str, str]] = []

	def forget_pauses(self) -> None:
		"""Something has changed: what failed, or lies aside, is tried at once."""
		self._not_before = self._next_chance = 0.0

	@property
	def rests(self) -> bool:
		return self._monotonic() < self._not_before

	def forward(self) -> bool:
		"""Send what waits, batch by batch; False where something waits still, as the site does not take it now."""
		while self.step():
			pass
		return not (self.rests or self._spool.is_anything_waiting())

	def step(self) -> bool:
		"""The next batch; whether there may be more to do at once."""
		if self.rests:
			return False
		try:
			self._mark_what_was_not()
			if self._monotonic() >= self._next_chance:
				self._give_second_chance()
				self._next_chance = self._monotonic() + SECOND_CHANCE.total_seconds()
			return self._send_next()
		except Later as later:
			self._pause(later)
			return False

	def _pause(self, later: Later) -> None:
		"""5 s, doubling up to 5 min, a little different each time; longer where the site says so."""
		self._failures += 1
		self._turned_down = 0
		pause = min(FIRST_PAUSE * 2.0 ** min(self._failures - 1, 10), LONGEST_PAUSE)
		seconds = max(pause.total_seconds() * random.uniform(0.9, 1.1), later.after.total_seconds())
		self._not_before = self._monotonic() + seconds
		self._journal.trouble(TOPIC, f"Nothing can be sent: {later} It is tried again by itself.")

	def _went_well(self) -> None:
		self._failures = self._turned_down = 0
		self._journal.well(TOPIC, "The site takes punches again.")

	def _send_next(self) -> bool:
		rows = self._next_rows()
		if not rows:
			return False
		nothing_to_send = [row.name for row in rows if row.kind != Kind.PUNCH.value]
		nameless = [(row.name, _no_serial(row)) for row in rows if not row.serial]
		self._mark(nothing_to_send, [each for each in nameless if each[0] not in set(nothing_to_send)])
		for some in _small_enough([row for row in rows if row.serial and row.kind == Kind.PUNCH.value]):
			self._settle(some)
		return True

	def _next_rows(self) -> list[Waiting]:
		"""Behind those that could not be marked."""
		if len(self._unmarked) >= MOST_UNMARKED:
			raise Later("The spool cannot be written, so that nothing more is sent for now.")
		after = max((name for name, _reason in self._unmarked), default="")
		return self._spool.waiting_rows(after, self._batch)

	def _settle(self, rows: Sequence[Waiting]) -> None:
		"""Send these, and what the site does not take as a whole in halves."""
		try:
			verdicts = self._site.ingest(rows)
		except TooMuch as refusal:
			self._settle_smaller(rows, str(refusal))
			return
		self._went_well()
		self._note(rows, verdicts)

	def _settle_smaller(self, rows: Sequence[Waiting], words: str) -> None:
		if len(rows) > 1:
			middle = len(rows) // 2
			self._settle(rows[:middle])
			self._settle(rows[middle:])
			return
		self._turned_down += 1
		if self._turned_down >= MOST_TURNED_DOWN:
			raise Later(f"{self._site.place} takes no punch at all. {words}".strip())
		self._note(rows, [Verdict(False, words or "The site does not take this punch (HTTP 400 or 413).")])

	def _note(self, rows: Sequence[Waiting], verdicts: Sequence[Verdict]) -> None:
		both = list(zip(rows, verdicts, strict=True))
		aside = [(row.name, verdict.reason) for row, verdict in both if not verdict.is_taken]
		self._mark([row.name for row, verdict in both if verdict.is_taken], aside)
		for row, verdict in both:
			if not verdict.is_taken:
				self._journal.trouble(
					f"aside {row.serial}", f"Kept aside, of the device {row.serial}: {verdict.reason}"
				)

	# --- marks, also where the disk is full

	def _mark(self, done: Sequence[str], aside: Sequence[tuple[str, str]]) -> None:
		"""What cannot be marked now is remembered: the site would say of it again that it is known."""
		try:
			self._spool.mark(done, aside)
			if done or aside:
				self._journal.well("disk", "The spool can be written again.")
		except sqlite3.OperationalError as error:
			if not cannot_write(error):
				raise
			self._unmarked += [(name, "") for name in done] + list(aside)
			self._cannot_be_written(error)

	def _cannot_be_written(self, error: sqlite3.Error) -> None:
		self._journal.trouble("disk", f"The spool cannot be written ({error}). Free some space on its disk.")

	def _mark_what_was_not(self) -> None:
		if self._unmarked:
			marks, self._unmarked = self._unmarked, []
			self._mark([name for name, reason in marks if not reason], [mark for mark in marks if mark[1]])

	# --- what lies aside

	def _give_second_chance(self) -> None:
		"""The oldest of each device and reason is tried; where the site takes it now, or says something else, the others of its kind wait again."""
		probes = self._spool.probes()
		if not probes:
			return
		nameless = {row.name: _no_serial(row) for row in probes if not row.serial}
		for some in _small_enough([row for row in probes if row.serial]):
			verdicts = self._verdicts(some)
			self._went_well()
			both = list(zip(some, verdicts, strict=True))
			self._release([(row.device, row.aside) for row, verdict in both if verdict.reason != row.aside])
			for serial in {row.serial for row, verdict in both if verdict.is_taken}:
				self._journal.well(
					f"aside {serial}", f"The site takes what lay aside of the device {serial}."
				)
			self._note(some, verdicts)
		self._mark([], list(nameless.items()))

	def _release(self, groups: Sequence[tuple[str, str]]) -> None:
		"""Where the disk takes nothing they lie aside until the next time: what waits is sent all the same."""
		try:
			self._spool.release(groups)
		except sqlite3.OperationalError as error:
			if not cannot_write(error):
				raise
			self._cannot_be_written(error)

	def _verdicts(self, rows: Sequence[Waiting]) -> list[Verdict]:
		"""As `ingest`, one by one where it has to be."""
		try:
			return self._site.ingest(rows)
		except TooMuch as refusal:
			if len(rows) == 1:
				return [Verdict(False, str(refusal) or rows[0].aside)]
		middle = len(rows) // 2
		return self._verdicts(rows[:middle]) + self._verdicts(rows[middle:])


def _no_serial(row: Waiting) -> str:
	server = row.place.rpartition(" ")[2]
	return NO_SERIAL.format(place=row.place, server=server)


def _small_enough(rows: Sequence[Waiting]) -> list[list[Waiting]]:
	"""Batches of which the body stays below what the site takes."""
	found: list[list[Waiting]] = []
	size = 0
	for row in rows:
		texts = (row.user_id, row.serial, row.verify_mode, row.raw[:LONGEST_RAW])
		length = AROUND + sum(len(text.encode()) for text in texts)
		if not found or size + length > MOST_BYTES:
			found.append([])
			size = 0
		found[-1].append(row)
		size += length
	return found
