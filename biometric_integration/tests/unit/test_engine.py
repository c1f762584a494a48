"""The engine over the in-memory host: all scenarios, and what only a store that misbehaves on purpose can show."""

from __future__ import annotations

import unittest
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone
from itertools import chain, repeat

from hypothesis import given, settings
from hypothesis import strategies as st

from biometric_integration.core.connector import Feed, RequestTrace, ServerConfig, Unit
from biometric_integration.core.decide import Rules
from biometric_integration.core.directory import Person
from biometric_integration.core.errors import ErrorClass, ProtocolError, UnreachableError
from biometric_integration.core.process import process
from biometric_integration.core.pull import Puller, PullOptions
from biometric_integration.core.punch import Direction, Record
from biometric_integration.core.runs import RunStatus, Trigger
from biometric_integration.core.store import BatchLost, Claim, Fenced
from biometric_integration.core.stream import Stream
from biometric_integration.core.window import DAY, SECOND, Window, by_day
from biometric_integration.tests.memory_store import Checkin, MemoryStore
from biometric_integration.tests.scenarios import CheckinRow, EngineScenarios, EventRow, LogRow

NOW = datetime(2025, 4, 7, 12)
HOUR = timedelta(hours=1)
ZONE = "UTC"


class MemoryHost:
	"""`scenarios.Host` over dictionaries."""

	def __init__(self):
		self.store = MemoryStore()
		self._employees = 0

	def restart(self) -> None:
		store = MemoryStore()
		store.__dict__.update(self.store.__dict__)
		self.store = store

	@property
	def process_store(self) -> MemoryStore:
		return self.store

	def add_employee(self, code, name="", status="Active", joined=None, left=None) -> str:
		self._employees += 1
		employee = f"EMP-{self._employees}"
		self.store.people.setdefault(code, []).append(Person(employee, status, joined, left))
		return employee

	def change_employee(self, employee, **changes) -> None:
		for people in self.store.people.values():
			people[:] = [
				replace(person, **changes) if person.name == employee else person for person in people
			]

	def refuse(self, employee) -> str:
		self.store.refuse.add(employee)
		return "Latitude and longitude values are required"

	def add_device(self, serial, name, location="", server="main", enabled=True) -> str:
		return self.store.add_device(server, name, serial=serial, location=location, enabled=enabled)

	def enable_device(self, key, enabled) -> None:
		for devices in self.store.known_devices.values():
			if key in devices:
				devices[key] = replace(devices[key], enabled=enabled)

	def add_checkin(self, employee, time, log_type="") -> str:
		name = f"by-hand-{len(self.store.checkins)}"
		self.store.checkins[name] = Checkin(employee, time, log_type)
		return name

	def delete_checkin(self, name) -> None:
		del self.store.checkins[name]

	def checkins(self, employees):
		found = self.store.checkins.items()
		return [
			CheckinRow(name, c.employee, c.time, c.log_type) for name, c in found if c.employee in employees
		]

	def events(self, server):
		return [
			EventRow(
				name,
				event.status,
				event.reason_code,
				event.reason,
				event.punch.user_id,
				event.punch.source_time,
				event.employee,
				event.checkin,
				event.log,
				event.punch.device,
				event.punch.raw,
			)
			for name, event in sorted(self.store.events.items())
			if event.stream.server == server
		]

	def logs(self, server):
		return [self._log(name, log) for name, log in self.store.logs.items() if log.stream.server == server]

	def _log(self, name, log) -> LogRow:
		outcome = log.outcome
		error_class = outcome.error_class.value if outcome.error_class else ""
		words = f"{outcome.message} {outcome.detail} {outcome.requests!r}"
		counts = {**vars(outcome.counts), **vars(self.store.event_counts(name))}
		return LogRow(name, log.stream.key, log.status, outcome.message, error_class, words, **counts)

	def hold(self, stream) -> Claim:
		return self.store.claim(stream, Trigger.MANUAL)

	def steal(self, stream) -> Claim:
		del self.store.holders[stream.key]
		return self.hold(stream)

	def let_go(self, claim) -> None:
		del self.store.holders[claim.stream.key]


class MemoryEngine(EngineScenarios, unittest.TestCase):
	def new_host(self) -> MemoryHost:
		return MemoryHost()


# --- a server without HTTP, for what would take thousands of requests


@dataclass
class Answer:
	"""A page as the engine sees it."""

	rows: list[Record]
	declared: int | None = None
	confirmed: bool = True
	server_time: datetime | None = None

	def __iter__(self) -> Iterator[Record]:
		return iter(self.rows)


@dataclass
class Plain:
	"""A connector for devices, read day by day, that does as its script says with each request, then goes well.

	punches: (time, received) by serial number.
	"""

	punches: dict[str, list[tuple[datetime, datetime]]]
	now: datetime = NOW
	script: list[str] = field(default_factory=list)
	requests: list[RequestTrace] = field(default_factory=list)
	asked: list[tuple[str, Window]] = field(default_factory=list)
	unit: Unit = Unit.DEVICE
	feeds: tuple[Feed, ...] = (Feed("punches"),)
	lists_devices: bool = False

	def slices(self, window: Window):
		return by_day(window)

	def read_window(self, unit: str, window: Window) -> Answer:
		self.asked.append((unit, window))
		self.requests.append(RequestTrace("read", self.now.replace(tzinfo=timezone.utc), window))
		seen = [
			t for t, received in self.punches[unit] if window.start <= t < window.end and received <= self.now
		]
		rows = [Record("1", moment, Direction.IN, f"{moment}", unit) for moment in seen]
		return SCRIPT[self.script.pop(0) if self.script else "well"](rows)

	def clock(self) -> datetime:
		return self.now.replace(tzinfo=timezone.utc)


def _breaks_off(rows: list[Record]) -> Answer:
	def until_it_breaks():
		yield from rows[: len(rows) // 2]
		raise UnreachableError("It broke off.")

	answer = Answer(rows, len(rows))
	answer.rows = until_it_breaks()
	return answer


def _fails(kind: type[Exception]):
	def fail(rows: list[Record]) -> Answer:
		raise kind("No.")

	return fail


SCRIPT = {
	"well": lambda rows: Answer(rows, len(rows)),
	"short": lambda rows: Answer(rows[: len(rows) // 2], len(rows)),
	"silent": lambda rows: Answer([], None, confirmed=False),
	"breaks off": _breaks_off,
	"dead": _fails(UnreachableError),
	"nonsense": _fails(ProtocolError),
	"bug": _fails(ZeroDivisionError),
}
ALL_FAULTS = sorted(set(SCRIPT) - {"well"})


class Office:
	"""An engine over memory, one device or more, everybody has the id 1."""

	def __init__(self, store: MemoryStore | None = None, *punches: datetime, devices: int = 1):
		self.store = store or MemoryStore()
		self.store.people["1"] = [Person("EMP-1")]
		self.connector = Plain({f"S{n}": [(time, time) for time in punches] for n in range(1, devices + 1)})
		self.config = ServerConfig("main", "Plain", "http://nowhere", time_zone=ZONE)
		self.options = PullOptions(start_date=date(2025, 4, 1))
		self.batch = 1000
		for serial in self.connector.punches:
			self.store.add_device("main", f"Door {serial}", serial=serial)

	def puller(self) -> Puller:
		return Puller(self.store, self.connector.clock, ZONE, self.batch)

	def pull(self, *script: str):
		self.connector.script = list(script)
		return list(self.puller().pull(self.connector, self.config, self.options))

	def process(self, **values) -> int:
		return process(self.store, lambda: Rules(self.connector.now), batch=self.batch, **values)

	def statuses(self) -> list[str]:
		return [event.status for _, event in sorted(self.store.events.items())]

	def cursor(self, serial: str = "S1"):
		return self.store.cursor(Stream("main", "Plain", serial, "punches"))

	def staged(self, serial: str = "S1") -> set[datetime]:
		return {
			event.punch.source_time for event in self.store.events.values() if event.stream.unit == serial
		}


PUNCHES = [NOW - number * HOUR for number in range(1, 6)]


class NothingIsLost(unittest.TestCase):
	RUNS = st.lists(
		st.tuples(st.integers(1, 100), st.lists(st.sampled_from(["well", *ALL_FAULTS]), max_size=12)),
		max_size=6,
	)
	OFFSETS = st.lists(st.integers(-7 * 24 * 3600, 30 * 24 * 3600), min_size=1, max_size=20)

	@settings(deadline=None, max_examples=150)
	@given(RUNS, OFFSETS, st.booleans())
	def test_whatever_happens_one_good_run_has_all_that_the_server_has(self, runs, offsets, has_start):
		office = Office(None, *(NOW + offset * SECOND for offset in offsets))
		office.options = replace(office.options, start_date=date(2025, 4, 1) if has_start else None)
		began = datetime(2025, 4, 1) if has_start else NOW.replace(hour=0)
		for hours, script in [(0, ["dead"]), *runs, (1, [])]:
			office.connector.now += hours * HOUR
			office.pull(*script)
			complete, now = office.cursor().complete_until, office.connector.now
			here = {time for time, _ in office.connector.punches["S1"] if began <= time < now}
			self.assertLessEqual({time for time in here if complete and time < complete}, office.staged())
		self.assertEqual(office.staged(), here)
		self.assertEqual(len(office.store.events), len(here))

	@settings(deadline=None)
	@given(st.lists(st.sampled_from(["well", *ALL_FAULTS]), max_size=30))
	def test_counts_always_add_up(self, script):
		office = Office(None, *PUNCHES)
		for report in office.pull(*script) + office.pull():
			counts = report.counts
			self.assertEqual(counts.fetched, counts.new + counts.known + counts.junk + counts.invalid)

	def test_an_answer_that_breaks_off_keeps_what_came_but_not_the_cursor(self):
		office = Office(None, *PUNCHES)
		office.batch = 1
		office.options = replace(office.options, start_date=NOW.date())
		(report,) = office.pull("breaks off")
		self.assertEqual((report.status, report.counts.new), (RunStatus.FAILED, 2))
		self.assertIsNone(office.cursor().read_until)
		(report,) = office.pull()
		self.assertEqual((report.counts.new, report.counts.known), (3, 2))

	def test_days_read_before_a_failure_are_not_read_again(self):
		office = Office(None, *(NOW - number * DAY for number in range(1, 6)))
		office.pull("well", "well", "well", "dead")
		self.assertEqual(office.cursor().complete_until, datetime(2025, 4, 4))


class OneJob(unittest.TestCase):
	def test_a_failure_of_one_stream_leaves_the_others_alone(self):
		for fault, error_class in (("nonsense", "Protocol"), ("bug", "Internal")):
			with self.subTest(fault=fault):
				office = Office(None, *PUNCHES, devices=3)
				office.options = replace(office.options, start_date=NOW.date())
				reports = office.pull("well", "well", fault)
				self.assertEqual(
					[r.status for r in reports], [RunStatus.SUCCESS, RunStatus.FAILED, RunStatus.SUCCESS]
				)
				self.assertEqual(office.store.logs[reports[1].log].outcome.error_class.value, error_class)

	def test_a_failure_of_the_server_ends_the_job(self):
		office = Office(None, *PUNCHES, devices=3)
		office.options = replace(office.options, start_date=NOW.date())
		reports = office.pull("well", "well", "dead")
		self.assertEqual([report.status for report in reports], [RunStatus.SUCCESS, RunStatus.FAILED])
		self.assertEqual({unit for unit, _ in office.connector.asked}, {"S1", "S2"})

	def test_a_defect_of_ours_is_told_without_the_values_of_variables(self):
		office = Office(None, *PUNCHES)
		office.pull("bug")
		(log,) = office.store.logs.values()
		self.assertIn("ZeroDivisionError", log.outcome.message)
		self.assertIn("in fail", log.outcome.detail)
		self.assertIs(log.outcome.error_class, ErrorClass.INTERNAL)

	def test_reports_come_as_the_runs_end(self):
		office = Office(None, *PUNCHES, devices=2)
		next(office.puller().pull(office.connector, office.config, office.options))
		self.assertEqual({unit for unit, _ in office.connector.asked}, {"S1"})

	def test_one_unit_alone_can_be_asked_for(self):
		office = Office(None, *PUNCHES, devices=3)
		office.options = replace(office.options, units=("S2",))
		self.assertEqual(len(office.pull()), 1)
		self.assertEqual({unit for unit, _ in office.connector.asked}, {"S2"})

	def test_a_period_alone_can_be_asked_for_and_moves_no_mark_over_what_is_between(self):
		office = Office(None, *(NOW - number * DAY for number in range(1, 31)))
		office.options = replace(office.options, start_date=NOW.date())
		office.pull()
		office.connector.punches["S1"].append((NOW - HOUR, NOW - HOUR))
		office.pull()
		before = office.cursor()
		period = Window(datetime(2025, 3, 20), datetime(2025, 3, 22))
		office.options = replace(office.options, window=period)
		(report,) = office.pull()
		self.assertEqual((report.status, report.counts.new), (RunStatus.SUCCESS, 2))
		after = office.cursor()
		self.assertEqual((after.read_until, after.complete_until), (before.read_until, before.complete_until))

	def test_a_run_can_be_told_to_stop_and_keeps_what_it_has(self):
		office = Office(None, *(NOW - number * DAY for number in range(1, 6)))
		last = datetime(2025, 4, 4)
		office.options = replace(
			office.options,
			watch=lambda log, piece, counts: "Enough." if piece and piece.start >= last else "",
		)
		(report,) = office.pull()
		self.assertEqual((report.status, report.message), (RunStatus.PARTIAL, "Enough."))
		self.assertEqual((office.cursor().complete_until, report.counts.new), (last, 2))
		office.options = replace(office.options, watch=PullOptions().watch)
		office.pull()
		self.assertEqual(len(office.staged()), 5)

	def test_each_log_has_the_requests_of_its_own_run(self):
		office = Office(None, *PUNCHES, devices=2)
		office.pull()
		self.assertEqual([len(log.outcome.requests) for log in office.store.logs.values()], [8, 8])
		self.assertEqual(office.connector.requests, [])

	def test_halving_comes_to_an_end(self):
		office = Office(None, *(NOW - number * SECOND for number in range(1, 1000)))
		(report,) = office.pull(*["short"] * 500)
		self.assertIs(report.status, RunStatus.PARTIAL)
		self.assertLess(len(office.connector.asked), 60)


class Losing(MemoryStore):
	"""A database that rolls a batch back now and then, as a deadlock does."""

	def __init__(self, **losses: int):
		super().__init__()
		self.losses = losses
		self.uncommitted: list[str] = []
		self.times_rolled_back = 0

	def _maybe_lose(self, what: str) -> None:
		if self.losses.get(what, 0):
			self.losses[what] -= 1
			self.roll_back()
			raise BatchLost()

	def stage(self, claim, punches, cursor=None):
		if punches:
			self._maybe_lose("stage")
		return super().stage(claim, punches, cursor)

	def create(self, decision):
		name = super().create(decision)
		self.uncommitted.append(name)
		self._maybe_lose("create")
		return name

	def mark_decided(self, decisions, now):
		self._maybe_lose("mark_decided")
		super().mark_decided(decisions, now)
		self.uncommitted.clear()

	def roll_back(self):
		self.times_rolled_back += 1
		for name in self.uncommitted:
			self.checkins.pop(name, None)
		self.uncommitted.clear()


class LostBatches(unittest.TestCase):
	def test_a_batch_the_database_rolled_back_is_done_again_up_to_three_times(self):
		for what in ("mark_decided", "create"):
			with self.subTest(what=what):
				office = Office(Losing(**{what: 2}), *PUNCHES)
				office.pull()
				self.assertEqual(office.process(), 5)
				self.assertEqual(office.statuses(), ["Processed"] * 5)
				self.assertEqual(sorted(c.time for c in office.store.checkins.values()), sorted(PUNCHES))

	def test_after_the_third_time_everything_waits_for_the_next_run(self):
		for what in ("mark_decided", "create"):
			with self.subTest(what=what):
				office = Office(Losing(**{what: 3}), *PUNCHES)
				office.pull()
				with self.assertRaises(BatchLost):
					office.process()
				self.assertEqual((office.statuses(), office.store.checkins), (["Pending"] * 5, {}))
				self.assertFalse(office.store.lane_taken)
				self.assertEqual(office.process(), 5)
				self.assertEqual(len(office.store.checkins), 5)

	def test_staging_is_done_again_too(self):
		office = Office(Losing(stage=2), *PUNCHES)
		(report,) = office.pull()
		self.assertEqual((report.status, report.counts.new, report.counts.fetched), (RunStatus.SUCCESS, 5, 5))

	def test_staging_that_fails_three_times_fails_the_run_and_keeps_the_cursor(self):
		office = Office(Losing(stage=3), *PUNCHES)
		(report,) = office.pull()
		self.assertIs(report.status, RunStatus.FAILED)
		self.assertNotEqual(office.cursor().complete_until, NOW)
		office.pull()
		self.assertEqual((office.statuses(), office.cursor().complete_until), (["Pending"] * 5, NOW))

	def test_what_a_fenced_run_has_not_committed_is_forgotten(self):
		class Stolen(Losing):
			def stage(self, claim, punches, cursor=None):
				raise Fenced()

		office = Office(Stolen(), *PUNCHES)
		(report,) = office.pull()
		self.assertIs(report.status, RunStatus.SKIPPED)
		self.assertEqual(office.store.times_rolled_back, 1)


class ProcessLane(unittest.TestCase):
	def test_whoever_finds_it_taken_leaves(self):
		office = Office(None, *PUNCHES)
		office.pull()
		with office.store.lane() as mine:
			self.assertTrue(mine)
			self.assertEqual(office.process(), 0)
		self.assertEqual(office.statuses(), ["Pending"] * 5)
		self.assertEqual(office.process(), 5)

	def test_its_holder_looks_once_more_after_giving_it_back(self):
		class Busy(MemoryStore):
			"""Somebody stages a punch while the lane is still taken, and leaves it to its holder."""

			late = ()

			@contextmanager
			def lane(self):
				with super().lane() as mine:
					yield mine
					waiting, self.late = self.late, ()
					for stage in waiting:
						stage()

		office = Office(Busy(), *PUNCHES[1:])
		office.pull()
		office.connector.punches["S1"].append((PUNCHES[0], PUNCHES[0]))
		office.store.late = (office.pull,)
		self.assertEqual(office.process(), 5)
		self.assertEqual(office.statuses(), ["Processed"] * 5)

	def test_what_is_left_to_its_holder_after_the_last_look_is_used(self):
		class Late(MemoryStore):
			"""Somebody comes when the holder has found nothing more, and has not given the lane back yet."""

			passes = 0

			@contextmanager
			def lane(self):
				with super().lane() as mine:
					yield mine
					self.passes += 1
					if self.passes == 2:
						self.stage_late()

		office = Office(Late(), *PUNCHES[1:])
		office.pull()
		office.connector.punches["S1"].append((PUNCHES[0], PUNCHES[0]))
		office.store.stage_late = office.pull
		self.assertEqual(office.process(), 5)
		self.assertEqual(office.statuses(), ["Processed"] * 5)

	def test_it_is_given_back_when_something_breaks(self):
		class Broken(MemoryStore):
			def directory(self, events, reach):
				raise ZeroDivisionError

		office = Office(Broken(), *PUNCHES)
		office.pull()
		with self.assertRaises(ZeroDivisionError):
			office.process()
		self.assertFalse(office.store.lane_taken)

	def test_it_stops_between_batches_when_it_is_told_to(self):
		office = Office(None, *PUNCHES)
		office.batch = 2
		office.pull()
		answers = chain([True, True], repeat(False))
		self.assertEqual(office.process(go_on=lambda: next(answers)), 2)
		self.assertEqual(office.statuses(), ["Processed"] * 2 + ["Pending"] * 3)
		self.assertEqual(office.process(), 3)
		self.assertEqual(office.process(go_on=lambda: False), 0)

	def test_batches_of_any_size_give_the_same(self):
		for batch in (1, 2, 5, 100):
			with self.subTest(batch=batch):
				office = Office(None, *PUNCHES)
				office.batch = batch
				office.pull()
				self.assertEqual(office.process(), 5)
				self.assertEqual(sorted(c.time for c in office.store.checkins.values()), sorted(PUNCHES))

	def test_what_is_written_but_not_marked_is_linked_not_written_again(self):
		office = Office(None, *PUNCHES)
		office.pull()
		mark, office.store.mark_decided = office.store.mark_decided, lambda decisions, now: 1 / 0
		with self.assertRaises(ZeroDivisionError):
			office.process()
		self.assertEqual(len(office.store.checkins), 5)
		office.store.mark_decided = mark
		office.process()
		self.assertEqual((len(office.store.checkins), office.statuses()), (5, ["Processed"] * 5))


class Fussy(MemoryStore):
	"""A host that refuses the check-in of one event, whatever its reasons are."""

	refused: str = ""

	def create(self, decision):
		if decision.event.name == self.refused:
			raise PermissionError
		return super().create(decision)


class Twins(unittest.TestCase):
	"""The same second on two devices."""

	def test_one_whose_first_was_refused_is_tried_itself(self):
		office = Office(Fussy(), NOW - HOUR, devices=2)
		office.pull()
		office.store.refused, second = sorted(office.store.events)
		office.process()
		self.assertEqual(office.statuses(), ["Failed", "Processed"])
		self.assertEqual([checkin.event for checkin in office.store.checkins.values()], [second])
		self.assertIn("PermissionError", office.store.events[office.store.refused].reason)

	def test_where_both_are_refused_both_have_failed(self):
		office = Office(None, NOW - HOUR, devices=3)
		office.store.refuse.add("EMP-1")
		office.pull()
		self.assertEqual(office.process(), 3)
		self.assertEqual(office.statuses(), ["Failed"] * 3)

	def test_the_next_batch_finds_the_check_in_of_the_one_before(self):
		office = Office(None, NOW - HOUR, devices=2)
		office.batch = 1
		office.pull()
		office.process()
		self.assertEqual(len(office.store.checkins), 1)
		self.assertEqual(
			{event.checkin for event in office.store.events.values()}, set(office.store.checkins)
		)


if __name__ == "__main__":
	unittest.main()
