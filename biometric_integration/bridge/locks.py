"""Locks between processes that die with their holder, also at a power cut or SIGKILL."""

from __future__ import annotations

import sqlite3
from hashlib import blake2b
from pathlib import Path

from biometric_integration.bridge.database import is_busy


class Locks:
	"""Named locks beside a database: each is an empty SQLite file that its holder keeps exclusively.

	The operating system frees it with the process, whatever ends that. SQLite knows how to do this on Linux, macOS and Windows
	alike, and between two connections of one process as well. The files stay: deleting one that somebody is about to take would
	give the lock to two.
	"""

	def __init__(self, folder: Path):
		self._folder = folder
		self._held: dict[str, sqlite3.Connection] = {}

	def take(self, name: str) -> bool:
		"""Take a lock without waiting; False where anybody, this object included, holds it."""
		if name in self._held:
			return False
		self._folder.mkdir(mode=0o700, exist_ok=True)
		connection = sqlite3.connect(self._file(name), timeout=0, isolation_level=None)
		try:
			connection.execute("PRAGMA journal_mode=OFF")
			connection.execute("BEGIN EXCLUSIVE")
		except sqlite3.OperationalError as error:
			connection.close()
			if not is_busy(error):
				raise
			return False
		self._held[name] = connection
		return True

	def release(self, name: str) -> None:
		if connection := self._held.pop(name, None):
			connection.close()

	def close(self) -> None:
		for name in list(self._held):
			self.release(name)

	def _file(self, name: str) -> Path:
		return self._folder / f"{blake2b(name.encode(), digest_size=10).hexdigest()}.lock"
