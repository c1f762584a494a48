"""What the bridge says on standard error: one line for each thing worth knowing. What lasts is said when it begins and when it ends."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import datetime

from biometric_integration.connectors.redaction import Redactor

MOST_TOPICS = 500
NUMBERS = re.compile(r"[0-9][0-9.,:]*")


class Journal:
	"""For several threads. `clock` gives aware UTC. Whatever is said goes without the secrets that it was told of."""

	def __init__(self, write: Callable[[str], object], clock: Callable[[], datetime]):
		self._write = write
		self._clock = clock
		self._redactor = Redactor()
		self._lock = threading.Lock()
		self._troubles: dict[str, str] = {}

	def keep_secret(self, secret: str) -> None:
		with self._lock:
			self._redactor.learn(secret)

	def say(self, sentence: str) -> None:
		with self._lock:
			self._say(sentence)

	def trouble(self, topic: str, sentence: str) -> None:
		"""Said once, and again where it has become another one; numbers make no difference."""
		with self._lock:
			before = self._troubles.get(topic)
			if before is None and len(self._troubles) >= MOST_TOPICS:
				return
			self._troubles[topic] = sentence
			if before is None or NUMBERS.sub("#", before) != NUMBERS.sub("#", sentence):
				self._say(sentence)

	def well(self, topic: str, sentence: str) -> None:
		"""The trouble is over, where there was any."""
		with self._lock:
			if self._troubles.pop(topic, None) is not None:
				self._say(sentence)

	def problem(self, *topics: str) -> str:
		"""The first sentence of what lasts of these topics; empty where all is well."""
		with self._lock:
			sentences = (self._troubles[topic] for topic in topics if topic in self._troubles)
			return next((self._redactor.words(sentence) for sentence in sentences), "")

	def _say(self, sentence: str) -> None:
		words = " ".join(self._redactor.words(sentence).split())
		try:
			self._write(f"{self._clock():%Y-%m-%d %H:%M:%S}Z {words}\n")
		except (OSError, ValueError):
			pass  # nobody listens any more; punches go on all the same
