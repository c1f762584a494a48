"""What a scenario needs to know about the place where the data is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from biometric_integration.core.runs import EventCounts, RunCounts
from biometric_integration.core.store import Claim, ProcessStore, PullStore
from biometric_integration.core.stream import Stream


@dataclass(frozen=True)
class CheckinRow:
	name: str
	employee: str
	time: datetime
	log_type: str


@dataclass(frozen=True)
class EventRow:
	name: str
	status: str
	reason_code: str
	reason: str
	user_id: str
	source_time: datetime | None
	employee: str
	checkin: str
	log: str
	device: str
	raw: str


@dataclass
class LogHead:
	"""`words`: all text that the host keeps about the run, its requests included."""

	name: str
	stream: str
	status: str
	error: str
	error_class: str
	words: str


@dataclass
class LogRow(EventCounts, RunCounts, LogHead):
	"""With the counts that `core.runs.LOG_COUNTS` names."""


class Host(Protocol):
	"""What a scenario needs to know about the place where the data is kept."""

	store: PullStore
	process_store: ProcessStore

	def restart(self) -> None:
		"""A new store on the same data, as a new process would have it."""

	def add_employee(
		self,
		code: str,
		name: str = "",
		status: str = "Active",
		joined: date | None = None,
		left: date | None = None,
	) -> str:
		"""Returns the employee's key."""

	def change_employee(self, employee: str, **changes: Any) -> None:
		"""`status`, `joined`, `left` as in `add_employee`."""

	def refuse(self, employee: str) -> str:
		"""From now on the host refuses check-ins of this employee; returns words that its refusal holds."""

	def add_device(
		self, serial: str, name: str, location: str = "", server: str = "main", enabled: bool = True
	) -> str:
		"""A device entered by hand; returns its key."""

	def enable_device(self, key: str, enabled: bool) -> None: ...

	def add_checkin(self, employee: str, time: datetime, log_type: str = "") -> str:
		"""A check-in made by hand; returns its key."""

	def delete_checkin(self, name: str) -> None:
		"""As a person does it."""

	def checkins(self, employees: Sequence[str]) -> list[CheckinRow]: ...

	def written(self, day: date) -> str:
		"""A day as this host writes it in a sentence."""
		...

	def events(self, server: str) -> list[EventRow]: ...

	def logs(self, server: str) -> list[LogRow]:
		"""Oldest first."""

	def forget_staged(self, server: str, before: date) -> None:
		"""As the deletion of old punches does: what is final goes, its check-ins stay, and what is older than `before` is used no more."""

	def hold(self, stream: Stream) -> Claim:
		"""Somebody else, elsewhere, takes the stream and reads it."""

	def steal(self, stream: Stream) -> Claim:
		"""The same while we hold it: our lock is gone, and we do not know yet."""

	def let_go(self, claim: Claim) -> None:
		"""That somebody has finished."""
