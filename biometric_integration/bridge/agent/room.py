"""Is there room in the spool? Where there is none, nothing is read and nothing acknowledged: servers and devices keep their punches."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

from biometric_integration.bridge.agent.journal import Journal
from biometric_integration.bridge.agent.settings import MB, SpoolEntry
from biometric_integration.bridge.agent.spool import Spool
from biometric_integration.bridge.database import cannot_write

SHY = 5.0
"""Seconds for which nothing is written after the disk did not take something."""
ROOM_AGAIN = 0.97
"""Of the limit: there is room again once less is used."""
TO_FINISH = 64 * MB
"""What is taken beyond the limits to finish an answer that was begun: half of one, deleted and read again, would be for ever half of one."""
UNDER_PRESSURE = 0.9
TOPIC = "room"
FULL = "The spool is full ({used:,} of {limit:,} MB): nothing more is read or acknowledged until punches could be sent."
NO_DISK = "The disk of the spool has only {free:,} MB left: nothing more is read or acknowledged until there are {least:,} MB."
NOT_WRITTEN = "The spool cannot be written ({error}): nothing more is read or acknowledged until there is room on its disk."


class Room:
	"""For several threads, each of which brings its own spool."""

	def __init__(
		self,
		entry: SpoolEntry,
		journal: Journal,
		monotonic: Callable[[], float] = time.monotonic,
		free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
	):
		self._entry = entry
		self._journal = journal
		self._monotonic = monotonic
		self._free = free
		self._lock = threading.Lock()
		self._shy_until = float("-inf")
		self._sentence = ""

	def why_full(self, spool: Spool) -> str:
		"""A sentence, or nothing where there is room."""
		with self._lock:
			if self._monotonic() >= self._shy_until:
				self._tell(self._look(spool))
			return self._sentence

	def why_no_more(self, spool: Spool) -> str:
		"""The same for whoever is in the middle of an answer."""
		is_over = (
			spool.used() > self._entry.limit + TO_FINISH
			or self._free(spool.path.parent) < self._entry.least_free // 2
		)
		return self.why_full(spool) if is_over else ""

	def failed(self, error: BaseException) -> None:
		"""Something could not be written."""
		if isinstance(error, sqlite3.Error) and cannot_write(error):
			with self._lock:
				self._shy_until = self._monotonic() + SHY
				self._tell(NOT_WRITTEN.format(error=error))

	def is_tight(self, spool: Spool) -> bool:
		"""Is it time to delete what the site has, however new it is?"""
		return spool.used() > UNDER_PRESSURE * self._entry.limit

	def _look(self, spool: Spool) -> str:
		limit, least = self._entry.limit, self._entry.least_free
		if self._sentence:
			limit, least = int(limit * ROOM_AGAIN), int(least / ROOM_AGAIN)
		used, free = spool.used(), self._free(spool.path.parent)
		if used >= limit:
			return FULL.format(used=used // MB, limit=self._entry.limit // MB)
		if free < least:
			return NO_DISK.format(free=free // MB, least=self._entry.least_free // MB)
		return ""

	def _tell(self, sentence: str) -> None:
		self._sentence = sentence
		if sentence:
			self._journal.trouble(TOPIC, sentence)
		else:
			self._journal.well(TOPIC, "There is room in the spool again: all goes on.")
