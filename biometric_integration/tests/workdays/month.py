"""What 60 people did in a month, what went wrong with it, and what would be right: made up from a seed, without a site.

All times are naive wall clock of the site.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import NamedTuple

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BEGIN, FIRST, LAST, END = date(2026, 5, 4), date(2026, 6, 1), date(2026, 6, 30), date(2026, 7, 4)
"""The app is installed, the month begins and ends, and the days after it by which all is settled. BEGIN and FIRST are Mondays."""
PUBLIC_HOLIDAYS = (date(2026, 6, 17),)
MARGIN = timedelta(minutes=60)

FORGOTTEN, TAPPED_TWICE = 0.015, 0.02
"""Of the punches."""
ABSENT, SHORT, LONG, ON_HOLIDAY = 0.02, 0.015, 0.012, 0.01
FULL_LEAVE, HALF_LEAVE = 0.015, 0.012
"""Of the days."""


class Cause(str, Enum):
	"""Why HRMS is wrong about a day."""

	FORGOTTEN = "a punch was forgotten"
	OFFLINE = "the device was offline, and delivered later"
	DEAD = "the device died, and delivers nothing more"
	LATE_ROSTER = "the roster was entered late"
	LATE_ID = "the id was entered late"
	NO_ID = "the id was never entered"
	HALF_LEAVE = "a half-day leave was approved ahead of time"
	OUTSIDE = "a punch lies outside of the shift"
	ON_HOLIDAY = "worked on a holiday"
	LEFT = "the leaving was entered late"
	NO_SHIFT = "there is no shift"
	TAPPED_TWICE = "somebody tapped twice"
	TWO_SHIFTS = "HRMS counts the default shift beside the roster"


class Device(NamedTuple):
	serial: str
	name: str
	location: str
	direction: str = ""


GATE_IN, GATE_OUT = Device("WIN1", "Works In", "Works", "in"), Device("WOUT1", "Works Out", "Works", "out")
OFFICE, OFFICE_NEW = Device("OFF1", "Office Door", "Office"), Device("OFF2", "Office New Door", "Office")
PLANT, PLANT_REAR = Device("PLA1", "Plant Front", "Plant"), Device("PLA2", "Plant Rear", "Plant")
LODGE_IN, LODGE_OUT = Device("LOD1", "Lodge In", "Lodge", "in"), Device("LOD2", "Lodge Out", "Lodge", "out")
DEPOT = Device("DEP1", "Depot", "Depot")
DEVICES = (GATE_IN, GATE_OUT, OFFICE, OFFICE_NEW, PLANT, PLANT_REAR, LODGE_IN, LODGE_OUT, DEPOT)

OFFLINE = (datetime(2026, 6, 9, 7, 10), datetime(2026, 6, 12, 7, 30))
"""The exit of the works; it has sent what it kept an hour and a half later."""
UPLOAD = 90 * MINUTE
DEATH = datetime(2026, 6, 20, 11)
"""Of the door of the office. People go on punching at it until there is another."""
OTHER_DOOR = date(2026, 6, 27)


@dataclass(frozen=True)
class Shift:
	"""first_last: hours count from the first to the last punch; else the sum of the pairs. Less than `half` hours are half a day, less than `absent` none."""

	label: str
	start: time
	end: time
	first_last: bool
	half: float = 5.0
	absent: float = 3.0

	def on(self, day: date) -> tuple[datetime, datetime]:
		start, end = datetime.combine(day, self.start), datetime.combine(day, self.end)
		return start, end if end > start else end + DAY


DAY_SHIFT = Shift("Day", time(9), time(18), True)
OFFICE_SHIFT = Shift("Office", time(9, 30), time(17, 30), False)
EARLY, LATE, NIGHT = (
	Shift("Early", time(6), time(14), False),
	Shift("Late", time(14), time(22), False),
	Shift("Night", time(22), time(6), False),
)
SHIFTS = (DAY_SHIFT, OFFICE_SHIFT, EARLY, LATE, NIGHT)
CREWS, CREW_WITH_DEFAULT = 3, 2
"""The latter has a default shift beside its roster."""
LATE_ROSTERS = {
	(1, date(2026, 6, 8)): datetime(2026, 6, 10, 11),
	(2, date(2026, 6, 22)): datetime(2026, 6, 23, 15),
}
"""(crew, Monday) → when the roster of that week was entered; the others are on the Friday before."""


@dataclass(frozen=True)
class Person:
	"""group: "works", "office", "plant", "night", "guard", "depot", "mobile". id_entered: None = with the employee, `datetime.max` = never."""

	number: int
	group: str
	crew: int = 0
	lunch: bool = False
	joined: date = date(2020, 1, 1)
	id_entered: datetime | None = None
	left: date | None = None
	left_entered: datetime | None = None

	@property
	def code(self) -> str:
		return f"7{self.number:03}"

	@property
	def name(self) -> str:
		return f"{self.group.title()} {self.number}"

	def employed(self, day: date) -> bool:
		return self.joined <= day and not (self.left and day > self.left)


class Punch(NamedTuple):
	"""device: None at a telephone. received: by the server; None = never."""

	person: Person
	time: datetime
	device: Device | None
	received: datetime | None


@dataclass(frozen=True)
class Truth:
	"""What is right for a day: no record where `status` is empty. other_half: of a half-day leave."""

	status: str = ""
	hours: float = 0.0
	other_half: str = ""
	causes: frozenset[Cause] = field(default_factory=frozenset)


class Roster(NamedTuple):
	person: Person
	shift: Shift
	first: date
	last: date


class Leave(NamedTuple):
	person: Person
	first: date
	last: date
	is_half: bool


class Change(NamedTuple):
	"""Of the employee's record."""

	person: Person
	values: dict


class Contact(NamedTuple):
	"""The device is heard of again, or not any more."""

	device: Device
	is_on: bool


class Happening(NamedTuple):
	at: datetime
	what: Punch | Roster | Leave | Change | Contact


@dataclass
class Month:
	seed: int
	people: list[Person] = field(default_factory=list)
	truth: dict[tuple[Person, date], Truth] = field(default_factory=dict)
	happenings: list[Happening] = field(default_factory=list)

	def happens(self, at: datetime, what: Punch | Roster | Leave | Change | Contact) -> None:
		self.happenings.append(Happening(at, what))


def is_holiday(day: date) -> bool:
	return day.weekday() == 6 or day in PUBLIC_HOLIDAYS


def made(seed: int) -> Month:
	month = Month(seed, list(_people()))
	dice = random.Random(seed)
	_machines(month)
	_records(month)
	_rosters(month)
	for person in month.people:
		_Life(month, person, random.Random(f"{seed}-{person.number}-{dice.random()}")).lived()
	month.happenings.sort(key=lambda happening: happening.at)
	return month


def _people() -> Iterator[Person]:
	numbers = iter(range(1, 1000))
	special = (
		{"joined": date(2026, 6, 8), "id_entered": datetime(2026, 6, 13, 10)},
		{"joined": date(2026, 6, 15), "id_entered": datetime(2026, 6, 19, 16)},
		{"joined": date(2026, 6, 3), "id_entered": datetime.max},
		{"left": date(2026, 6, 12), "left_entered": datetime(2026, 6, 18, 12)},
		{"left": date(2026, 6, 23), "left_entered": datetime(2026, 6, 15, 12)},
	)
	for number in range(20):
		yield Person(next(numbers), "works", lunch=number % 3 == 0)
	for values in special:
		yield Person(next(numbers), "works", **values)
	for _number in range(9):
		yield Person(next(numbers), "office", lunch=True)
	for number in range(9):
		yield Person(next(numbers), "plant", crew=number % CREWS)
	for group, count in (("night", 6), ("guard", 2), ("depot", 2), ("mobile", 7)):
		for _number in range(count):
			yield Person(next(numbers), group)


def _machines(month: Month) -> None:
	month.happens(OFFLINE[0], Contact(GATE_OUT, False))
	month.happens(OFFLINE[1], Contact(GATE_OUT, True))
	month.happens(DEATH, Contact(OFFICE, False))


def _records(month: Month) -> None:
	for person in month.people:
		if person.id_entered and person.id_entered != datetime.max:
			month.happens(person.id_entered, Change(person, {"attendance_device_id": person.code}))
		if person.left and person.left_entered:
			values = {"relieving_date": person.left}
			if person.left < person.left_entered.date():
				values["status"] = "Left"
			else:
				month.happens(
					datetime.combine(person.left + DAY, time(10)), Change(person, {"status": "Left"})
				)
			month.happens(person.left_entered, Change(person, values))


# --- who works when


def _monday(day: date) -> date:
	return day - day.weekday() * DAY


def crew_shift(crew: int, day: date) -> Shift:
	week = (_monday(day) - BEGIN).days // 7
	return (EARLY, LATE, NIGHT)[(week + crew) % 3]


def roster_entered(crew: int, day: date) -> datetime:
	monday = _monday(day)
	return LATE_ROSTERS.get((crew, monday)) or datetime.combine(monday - 3 * DAY, time(12))


def _rosters(month: Month) -> None:
	for person in month.people:
		monday = BEGIN
		while person.group == "plant" and monday <= END:
			shift, entered = crew_shift(person.crew, monday), roster_entered(person.crew, monday)
			month.happens(entered, Roster(person, shift, monday, monday + 5 * DAY))
			monday += 7 * DAY


def shift_of(person: Person, day: date) -> Shift | None:
	if person.group == "plant":
		return crew_shift(person.crew, day)
	return default_shift(person)


def default_shift(person: Person) -> Shift | None:
	if person.group == "plant":
		return LATE if person.crew == CREW_WITH_DEFAULT else None
	return {"works": DAY_SHIFT, "mobile": DAY_SHIFT, "office": OFFICE_SHIFT, "night": NIGHT}.get(person.group)


# --- what they do


class _Life:
	"""Of one person, day by day."""

	def __init__(self, month: Month, person: Person, dice: random.Random):
		self.month, self.person, self.dice = month, person, dice
		self._away: set[date] = set()

	def lived(self) -> None:
		day = BEGIN
		while day <= END:
			if self.person.group in ("guard", "depot"):
				self._guarded(day)
			else:
				self._day(day)
			day += DAY

	def _is_judged(self, day: date) -> bool:
		return FIRST <= day <= LAST

	def _set(self, day: date, truth: Truth) -> None:
		if not self._is_judged(day):
			return
		if truth.status and default_shift(self.person) not in (None, shift_of(self.person, day)):
			truth = replace(truth, causes=truth.causes | {Cause.TWO_SHIFTS})
		self.month.truth[self.person, day] = truth

	def _day(self, day: date) -> None:
		person, dice = self.person, self.dice
		if not person.employed(day):
			self._gone(day)
		elif is_holiday(day):
			if self._is_judged(day) and dice.random() < ON_HOLIDAY and self._is_known():
				self._worked(day, {Cause.ON_HOLIDAY})
		elif day in self._away:
			pass
		elif not self._is_judged(day):
			self._worked(day, set())
		elif (luck := dice.random()) < ABSENT:
			self._set(day, Truth("Absent"))
		elif (luck := luck - ABSENT) < FULL_LEAVE:
			self._on_leave(day)
		elif (luck := luck - FULL_LEAVE) < HALF_LEAVE:
			self._half_on_leave(day)
		else:
			self._worked(day, set())

	def _is_known(self) -> bool:
		"""What nobody expects of an id that is nobody's is nobody's day."""
		return self.person.id_entered != datetime.max

	def _gone(self, day: date) -> None:
		left, entered = self.person.left, self.person.left_entered
		if left and entered and left < day < entered.date() and not is_holiday(day):
			self._set(day, Truth(causes=frozenset({Cause.LEFT})))

	def _on_leave(self, day: date) -> None:
		last = day
		if self.dice.random() < 0.4 and self._may_be_away(day + DAY):
			last = day + DAY
		for off in (day, last):
			self._away.add(off)
			self._set(off, Truth("On Leave"))
		ahead = self.dice.random() < 0.6
		at = (
			datetime.combine(day, time(11)) - 4 * DAY if ahead else datetime.combine(last, time(15)) + 2 * DAY
		)
		self.month.happens(at, Leave(self.person, day, last, False))

	def _may_be_away(self, day: date) -> bool:
		return self._is_judged(day) and not is_holiday(day) and self.person.employed(day)

	def _half_on_leave(self, day: date) -> None:
		"""HRMS approves none for a day that it has written."""
		at = datetime.combine(day, time(11)) - self.dice.choice((0, 3)) * DAY
		self.month.happens(at, Leave(self.person, day, day, True))
		self._worked(day, {Cause.HALF_LEAVE}, half=True)

	def _worked(self, day: date, causes: set[Cause], half: bool = False) -> None:
		shift = shift_of(self.person, day)
		assert shift
		start, end = shift.on(day)
		times = self._times(start, end, half)
		if not half and self._is_judged(day) and Cause.ON_HOLIDAY not in causes:
			times = self._odd_day(times, start, end, causes)
		hours = _hours(times, shift.first_last)
		status = "Absent" if hours < shift.absent else "Half Day" if hours < shift.half else "Present"
		truth = Truth(status, hours)
		if half:
			truth = Truth("Half Day", hours, "Absent" if status == "Absent" else "Present")
		self._punched(day, times, truth, causes)

	def _times(self, start: datetime, end: datetime, half: bool) -> list[datetime]:
		dice = self.dice
		begin = start - self._minutes(0, 18) if dice.random() < 0.93 else start + self._minutes(1, 20)
		times = [begin, end + self._minutes(0, 22)]
		if half:
			middle = start + (end - start) / 2
			return [middle - self._minutes(5, 25), times[1]]
		if self.person.lunch:
			noon = start + 4 * HOUR + self._minutes(0, 20)
			times[1:1] = [noon, noon + 30 * MINUTE + self._minutes(0, 10)]
		return times

	def _odd_day(
		self, times: list[datetime], start: datetime, end: datetime, causes: set[Cause]
	) -> list[datetime]:
		luck = self.dice.random()
		if luck < SHORT:
			return [times[0], start + self.dice.choice((2, 4)) * HOUR + self._minutes(0, 20)]
		if luck < SHORT + LONG:
			causes.add(Cause.OUTSIDE)
			return [*times[:-1], end + MARGIN + self._minutes(15, 120)]
		return times

	def _minutes(self, least: int, most: int) -> timedelta:
		return timedelta(seconds=self.dice.randint(least * 60, most * 60))

	def _guarded(self, day: date) -> None:
		"""From eight to eight: every other day at the lodge, every third at the depot."""
		days = (day - BEGIN).days + self.person.number
		if days % (2 if self.person.group == "guard" else 3):
			return
		start = datetime.combine(day, time(8))
		times = [start - self._minutes(0, 15), start + DAY + self._minutes(0, 15)]
		causes = {Cause.NO_SHIFT, Cause.ON_HOLIDAY} if is_holiday(day) else {Cause.NO_SHIFT}
		self._punched(day, times, Truth("Present", _hours(times, True)), causes)

	# --- punching

	def _punched(self, day: date, times: list[datetime], truth: Truth, causes: set[Cause]) -> None:
		kept = list(enumerate(times))
		if self._is_judged(day) and self.dice.random() < FORGOTTEN * len(times):
			kept.pop(self.dice.randrange(len(kept)))
			causes.add(Cause.FORGOTTEN)
		punches = [self._punch(moment, is_out=bool(place % 2)) for place, moment in kept]
		for punch in list(punches):
			if self._is_judged(day) and self.dice.random() < TAPPED_TWICE:
				later = timedelta(seconds=self.dice.randint(2, 20))
				received = punch.received and punch.received + later
				punches.append(punch._replace(time=punch.time + later, received=received))
				causes.add(Cause.TAPPED_TWICE)
		for punch in punches:
			self._note(punch, day, causes)
			self.month.happens(punch.time, punch)
		self._set(day, replace(truth, causes=frozenset(causes)))

	def _punch(self, moment: datetime, is_out: bool) -> Punch:
		device = self._device(moment, is_out)
		received: datetime | None = moment + timedelta(seconds=self.dice.randint(1, 90))
		if device is GATE_OUT and OFFLINE[0] <= moment < OFFLINE[1]:
			part = (OFFLINE[1] - moment) / (OFFLINE[1] - OFFLINE[0])
			received = OFFLINE[1] + UPLOAD * part  # the newest first
		if device is OFFICE and moment >= DEATH:
			received = None
		return Punch(self.person, moment, device, received)

	def _device(self, moment: datetime, is_out: bool) -> Device | None:
		choose: dict[str, Callable[[], Device | None]] = {
			"works": lambda: GATE_OUT if is_out else GATE_IN,
			"office": lambda: OFFICE_NEW if moment.date() >= OTHER_DOOR else OFFICE,
			"plant": lambda: self.dice.choice((PLANT, PLANT_REAR)),
			"night": lambda: self.dice.choice((PLANT, PLANT_REAR)),
			"guard": lambda: LODGE_OUT if is_out else LODGE_IN,
			"depot": lambda: DEPOT,
			"mobile": lambda: None,
		}
		return choose[self.person.group]()

	def _note(self, punch: Punch, day: date, causes: set[Cause]) -> None:
		"""What is wrong with a punch."""
		person = self.person
		is_new_there = punch.device is OFFICE_NEW and day == OTHER_DOOR and Cause.FORGOTTEN in causes
		if (punch.device is OFFICE and punch.received is None) or is_new_there:
			causes.add(Cause.DEAD)  # nobody can tell yet that this person has moved to the other door
		if punch.device is GATE_OUT and OFFLINE[0] <= punch.time < OFFLINE[1]:
			causes.add(Cause.OFFLINE)
		if person.id_entered and punch.time < person.id_entered:
			causes.add(Cause.NO_ID if person.id_entered == datetime.max else Cause.LATE_ID)
		if person.group == "plant" and punch.time < roster_entered(person.crew, day):
			causes.add(Cause.LATE_ROSTER)


def _hours(times: list[datetime], first_last: bool) -> float:
	pairs = [(times[0], times[-1])] if first_last else list(zip(times[::2], times[1::2], strict=True))
	return round(sum((end - begin).total_seconds() for begin, end in pairs) / 3600, 2)
