"""Which streams of a server are being read, and which may be begun: the one that was read longest ago first, up to so many at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from biometric_integration.core.concerns import JOB_ENDED, NO_ANSWERS
from biometric_integration.core.connector import Connector, Feed, ReadsSideBySide
from biometric_integration.core.errors import SilentError, UnreachableError
from biometric_integration.core.runs import RunReport
from biometric_integration.core.stream import Stream

AT_ONCE, MOST_AT_ONCE = 2, 4
"""Requests at once to one server: where nothing is said, and at most."""

MOST_SILENT = 3
"""Streams that get no answer in time, one after the other, before the server is thought to be down."""


class InFlight:
	"""The streams of one job, in the order in which they are begun.

	Those of one unit are read one after the other: the feed by position has brought what is new before the days are read.

	The first is alone until it has ended well, or has taken a while: a server that refuses the login, or has to be asked in another way
	than thought, shows that to one run. Before anybody was answered, and where a stream got no answer in time, no more are begun than it
	takes to tell that the server is down. A time-out says so only where nobody else was answered since the request was sent.
	"""

	def __init__(self, streams: Sequence[tuple[Stream, Feed]], most: int):
		self._waiting = list(streams)
		self._most = min(most, MOST_AT_ONCE)
		self._asked: dict[str, int | None] = {}
		self._answers = 0
		self._silent = 0
		self._is_alone = most > 1
		self._ending = ""

	def __len__(self) -> int:
		return len(self._asked)

	@property
	def is_alone(self) -> bool:
		"""Is a first answer waited for, before others are begun?"""
		return self._is_alone

	def go_ahead(self) -> None:
		"""The first has taken a while."""
		self._is_alone = False

	def may_begin(self) -> bool:
		return len(self) < self._limit() and self._next() is not None

	def begin(self) -> tuple[Stream, Feed]:
		number = self._next()
		assert number is not None, "asked for with `may_begin`"
		stream, feed = self._waiting.pop(number)
		self._asked[stream.unit] = None
		return stream, feed

	def leave_the_rest(self) -> int:
		"""Nothing more is begun; returns how many streams that leaves."""
		left = len(self._waiting)
		self._waiting.clear()
		return left

	def close(self) -> None:
		"""Whoever is still under way is to stop before the next request."""
		self.leave_the_rest()
		self._ending = JOB_ENDED

	def ask(self, stream: Stream) -> str:
		"""Before each request; a sentence in answer ends the run. What was asked before has been answered."""
		if self._asked[stream.unit] is not None:
			self._answers += 1
		self._asked[stream.unit] = self._answers
		return self._ending

	def ended(self, stream: Stream, report: RunReport | None) -> RunReport | None:
		"""The report as it stands among the others: the third in a row without an answer is one about the server."""
		asked = self._asked.pop(stream.unit)
		if report is None:
			return None
		if isinstance(report.error, SilentError):
			report = self._unanswered(report, asked)
		else:
			self._answers += 1
			self._silent, self._is_alone = 0, False
		if report.error and report.error.server_wide:
			self.leave_the_rest()
		return report

	def _unanswered(self, report: RunReport, asked: int | None) -> RunReport:
		self._silent = self._silent + 1 if asked == self._answers else 0
		if self._silent != MOST_SILENT or report.error is None:
			return report
		words = NO_ANSWERS.format(tried=self._silent, words=report.error.message)
		return replace(report, error=UnreachableError(words, report.error.detail))

	def _limit(self) -> int:
		if self._is_alone:
			return 1
		in_doubt = self._silent or not self._answers
		return min(self._most, MOST_SILENT - self._silent) if in_doubt else self._most

	def _next(self) -> int | None:
		return next(
			(number for number, (stream, _) in enumerate(self._waiting) if stream.unit not in self._asked),
			None,
		)


class Connectors:
	"""One for each run that is under way: the given one, and as many more of it as it takes."""

	def __init__(self, given: Connector):
		self._given = given
		self._free = [given]
		self._taken: list[Connector] = []

	def take(self) -> Connector:
		connector = self._free.pop() if self._free else self._one_more()
		self._taken.append(connector)
		return connector

	def _one_more(self) -> Connector:
		assert isinstance(self._given, ReadsSideBySide), "read one stream at a time"
		return self._given.another()

	def give_back(self, connector: Connector) -> None:
		self._taken = [taken for taken in self._taken if taken is not connector]
		self._free.append(connector)

	def close(self) -> None:
		"""All but the given one, which is its owner's; it is closed as well where a run is under way with it."""
		for connector in self._taken + [free for free in self._free if free is not self._given]:
			connector.close()
