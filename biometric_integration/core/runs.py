"""Runs: what one pull of a stream did, in counts that add up, and how it ended, in one status that means something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from enum import Enum

from biometric_integration.core.connector import RequestTrace
from biometric_integration.core.errors import ErrorClass, SyncError
from biometric_integration.core.punch import Kind
from biometric_integration.core.reasons import EventStatus, Reason
from biometric_integration.core.window import Window


class RunStatus(str, Enum):
	"""Status of a Biometric Sync Log."""

	RUNNING = "Running"
	SUCCESS = "Success"
	PARTIAL = "Partial"
	FAILED = "Failed"
	SKIPPED = "Skipped"


class Trigger(str, Enum):
	"""Who asked for a run."""

	SCHEDULED = "Scheduled"
	MANUAL = "Manual"
	CONSOLE = "Console"
	RETRY = "Retry"
	PERIOD = "Period"
	RECEIVED = "Received"


class Channel(str, Enum):
	"""By which way punches come that others send to us: what the log and the events have for a feed."""

	PUSH = "push"
	WEB_HOOK = "webhook"
	API = "api"
	FILE = "file"


@dataclass
class RunCounts:
	"""Rows of one run: fetched = new + known + junk + invalid, the last two where first seen (design §4)."""

	fetched: int = 0
	new: int = 0
	known: int = 0
	junk: int = 0
	invalid: int = 0

	def add(self, other: RunCounts) -> None:
		for name, value in asdict(other).items():
			setattr(self, name, getattr(self, name) + value)


FIRST_SEEN: Mapping[Kind, str] = {Kind.PUNCH: "new", Kind.JUNK: "junk", Kind.INVALID: "invalid"}
"""As what a row counts that was not here before."""


@dataclass
class EventCounts:
	"""What became of the punches a run first staged: new = the sum of the first seven. `employees`: distinct people."""

	created: int = 0
	already_there: int = 0
	unmapped: int = 0
	ignored: int = 0
	failed: int = 0
	quarantined: int = 0
	pending: int = 0
	employees: int = 0


RUN_COUNTS = tuple(count.name for count in fields(RunCounts))
EVENT_COUNTS = tuple(count.name for count in fields(EventCounts))
LOG_COUNTS = (*RUN_COUNTS, *EVENT_COUNTS)
"""The counts of a Biometric Sync Log, by the names of its fields."""


COUNTED_AS = {
	EventStatus.PENDING: "pending",
	EventStatus.UNMAPPED: "unmapped",
	EventStatus.IGNORED: "ignored",
	EventStatus.FAILED: "failed",
	EventStatus.QUARANTINED: "quarantined",
}


def counted_as(status: str, reason_code: str) -> str:
	"""The field of `EventCounts` an event counts in."""
	if status == EventStatus.PROCESSED.value:
		return "already_there" if reason_code == Reason.ALREADY_THERE.value else "created"
	return COUNTED_AS[EventStatus(status)]


MOST_CONCERNS = 5
"""Sentences that a log shows."""


@dataclass
class Outcome:
	"""How a run ended.

	concerns: sentences about what keeps it from being a plain success. read_to: how far its window was read (server's clock).
	is_cut: it was told to end before all was asked for.
	"""

	counts: RunCounts = field(default_factory=RunCounts)
	requests: list[RequestTrace] = field(default_factory=list)
	concerns: list[str] = field(default_factory=list)
	window: Window | None = None
	read_to: datetime | None = None
	is_cut: bool = False
	error: SyncError | None = None
	skipped: str = ""

	@property
	def status(self) -> RunStatus:
		if self.error:
			return RunStatus.FAILED
		if self.skipped:
			return RunStatus.SKIPPED
		return RunStatus.PARTIAL if self.concerns else RunStatus.SUCCESS

	@property
	def message(self) -> str:
		if self.error:
			return self.error.message
		sentences = list(dict.fromkeys(self.concerns))
		more = (
			[f"And {len(sentences) - MOST_CONCERNS} more of the kind."]
			if len(sentences) > MOST_CONCERNS
			else []
		)
		return self.skipped or " ".join(sentences[:MOST_CONCERNS] + more)

	@property
	def detail(self) -> str:
		return self.error.detail if self.error else ""

	@property
	def error_class(self) -> ErrorClass | None:
		return self.error.error_class if self.error else None

	def worry(self, sentence: str) -> None:
		self.concerns.append(sentence)


@dataclass(frozen=True)
class RunReport:
	"""One run, for whoever asked for it. `log` is the name of its Biometric Sync Log, `started` is aware UTC."""

	log: str
	stream: str
	status: RunStatus
	message: str
	counts: RunCounts
	started: datetime
	error: SyncError | None = None

	@property
	def error_class(self) -> ErrorClass | None:
		return self.error.error_class if self.error else None


def worst(statuses: Sequence[RunStatus]) -> RunStatus:
	"""The one word for several runs."""
	for status in (RunStatus.FAILED, RunStatus.PARTIAL, RunStatus.SUCCESS):
		if status in statuses:
			return status
	return RunStatus.SKIPPED
