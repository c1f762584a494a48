"""What people do about workdays: repair them, or decide about them. First what would be, then, with a reason that is kept, what is.

Few days are done at once, many by jobs, a chunk of people each. Whoever is done is done; a job that stops is asked for again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any

import frappe
from frappe import _
from frappe.utils import get_datetime, getdate

from biometric_integration.core.judgement import Decision, State, What, Why
from biometric_integration.core.settling import ABOUT_A_DEVICE, Action, missing_punch, offered
from biometric_integration.core.window import DAY
from biometric_integration.sync.db import transaction
from biometric_integration.sync.db.savepoint import Refused, savepoint
from biometric_integration.sync.desk.progress import KEPT, Progress
from biometric_integration.sync.records import sight
from biometric_integration.sync.workdays import decisions, judging, repair, rows, words
from biometric_integration.sync.workdays.gathering import CHECKIN, NOTHING, Supposing
from biometric_integration.sync.workdays.judging import Lane
from biometric_integration.sync.workdays.repair import Busy, Outcome
from biometric_integration.sync.workdays.rows import Judged

RUN = "biometric_integration.sync.desk.settle.run"
AT_ONCE = 5000
FEW = 30
"""So many days are done while a person waits."""
CHUNK = 50
"""People of a job."""
LISTED = 200
PREVIEWED = 100
"""People whose days are judged together."""
FIELDS = (
	"name",
	"employee",
	"date",
	"shift",
	"shift_start",
	"shift_end",
	"state",
	"reason",
	"attendance",
	"outside",
	"held_by",
	"first_in",
	"last_out",
	"checkins",
	"made_on",
)
MAY: Mapping[Action, tuple[str, str]] = {
	Action.REPAIR: ("Attendance", "cancel"),
	Action.ADD: (CHECKIN, "create"),
	Action.REPLACED: (sight.DEVICE, "write"),
}
"""What a user has to be allowed to do; for the others, to make a decision."""
COUNTS = ("written", "taken_back", "changed", "refused")


def actions(workday) -> list[str]:
	"""What this user may do about a row, the likely one first."""
	return [action.value for action in _offered(workday) if _may(action)]


def _offered(row) -> tuple[Action, ...]:
	return offered(
		State(row.state), Why(row.reason or ""), bool(row.attendance), bool(row.outside), bool(row.held_by)
	)


def _may(action: Action) -> bool:
	return bool(frappe.has_permission(*MAY.get(action, (decisions.DOCTYPE, "create"))))


def offers(names: Collection[str]) -> list[dict]:
	"""What this user may do about rows, and about how many of them: [{"what", "days"}], what fits the most first."""
	chosen = _chosen(names)
	counts = Counter(action for row in chosen for action in _offered(row) if _may(action))
	if _may(Action.REPAIR) and chosen:
		counts[Action.REPAIR] += 0
	likely = Counter(_offered(row)[0] for row in chosen if _offered(row))
	order = sorted(counts, key=lambda action: (-likely[action], -counts[action], list(Action).index(action)))
	return [{"what": action.value, "days": counts[action]} for action in order]


def decided(workday) -> list[dict]:
	"""The decisions about a row, newest first: [{"name", "what", "reason", "owner", "creation", "may_take_back"}]."""
	fields = ["name", "what", "shift", "reason", "owner", "creation"]
	own = {"employee": workday.employee, "date": workday.date, "what": ("in", decisions.OF_A_WORKDAY)}
	here = {"employee": workday.employee, "date": ("<=", workday.date), "what": decisions.STILL_HERE}
	if not frappe.has_permission(decisions.DOCTYPE, "read"):
		return []
	found = [
		row
		for about in (own, here)
		for row in frappe.get_list(decisions.DOCTYPE, about, fields, order_by="creation desc", limit=0)
		if row.what == decisions.STILL_HERE or (row.shift or "") == (workday.shift or "")
	]
	may = bool(frappe.has_permission(decisions.DOCTYPE, "delete"))
	return [{**row, "may_take_back": may} for row in found]


def take_back(name: str) -> None:
	"""A decision: its day is as if nobody had decided. What was written by it stays, and is for *Repair*."""
	decision = frappe.get_doc(decisions.DOCTYPE, name)
	decision.check_permission("delete")
	transaction.in_one(lambda: _taken_back(decision))


def _taken_back(decision) -> None:
	frappe.delete_doc(decisions.DOCTYPE, decision.name, ignore_missing=True)
	if decision.employee:
		day = getdate(decision.date)
		Lane(judging.policy()).judge({decision.employee: (day - DAY, day + DAY)})


def suggestion(workday) -> dict:
	"""When the missing punch would have been: {"time", "log_type"}; empty where that cannot be told."""
	found = _missing(workday)
	return {"time": found[0], "log_type": found[1]} if found else {}


def _missing(row) -> tuple[datetime, str] | None:
	times = [get_datetime(time) for time in (row.first_in, row.last_out) if time]
	start, end = (get_datetime(time) if time else None for time in (row.shift_start, row.shift_end))
	found = missing_punch(times, start, end)
	return (found[0], found[1].value) if found else None


def ask(
	names: Collection[str],
	what: str,
	reason: str = "",
	values: Mapping[str, Any] | None = None,
	dry_run: bool = True,
	now: datetime | None = None,
) -> dict:
	"""Say what would be, or do it.

	Returns {"days": [{"workday", "employee", "employee_name", "date", "shift", "written", "right", "state", "sentence", "does", "why"}], "more": how many are not listed, "counts"}; for
	many days {"key"} of `state`.
	"""
	action = _action(what)
	if not _may(action):
		frappe.throw(_("You are not allowed to do this."), frappe.PermissionError)
	if not dry_run and not reason.strip():
		frappe.throw(_("Please say why: the reason is kept."))
	chosen = _chosen(names)
	values = dict(values or {})
	if len(chosen) > 1:
		values.pop("time", None)  # one moment is not that of many days
	task = Task(action, reason.strip(), values, now)
	if action in ABOUT_A_DEVICE:
		return _about_devices(task, chosen, dry_run)
	if dry_run:
		return answer(day for some in _chunks(chosen, PREVIEWED) for day in task.preview(some))
	return _done(task, chosen)


def _action(what: str) -> Action:
	if what not in {action.value for action in Action}:
		frappe.throw(_("{0} is nothing that can be done about a workday.").format(what))
	return Action(what)


def _chosen(names: Collection[str]) -> list[frappe._dict]:
	"""The rows, all of which the user has to see."""
	wanted = sorted(set(names))
	if len(wanted) > AT_ONCE:
		frappe.throw(_("Please take at most {0} days at once.").format(AT_ONCE))
	found = frappe.get_list(rows.DOCTYPE, {"name": ("in", wanted or [""])}, FIELDS, limit=0)
	if len(found) < len(wanted) and frappe.db.count(rows.DOCTYPE, {"name": ("in", wanted)}) > len(found):
		frappe.throw(_("You may not see all of these workdays."), frappe.PermissionError)
	return found


def _by_person(chosen: Iterable[frappe._dict]) -> dict[str, list[frappe._dict]]:
	found: dict[str, list[frappe._dict]] = {}
	for row in chosen:
		found.setdefault(row.employee, []).append(row)
	return found


def _chunks(chosen: Iterable[frappe._dict], people: int) -> Iterator[list[frappe._dict]]:
	groups = list(_by_person(chosen).values())
	for place in range(0, len(groups), people):
		yield [row for group in groups[place : place + people] for row in group]


def answer(days: Iterable[dict]) -> dict:
	found = sorted(days, key=lambda day: (day["does"] == "refused", day["employee"], day["date"]))
	return {"days": found[:LISTED], "more": max(0, len(found) - LISTED), "counts": _counts(found)}


def _counts(days: Collection[dict]) -> dict[str, int]:
	return {does: sum(1 for day in days if day["does"] == does) for does in COUNTS}


def repair_days(wanted: Mapping[str, Collection[date]], reason: str) -> dict:
	"""Repair these days of people (employee → dates), who may be seen. Returns what `ask` does."""
	lane = Lane(judging.policy())
	spans = {who: (min(dates) - DAY, max(dates) + DAY) for who, dates in wanted.items()}
	transaction.in_one(lambda: lane.judge(spans))
	dates = [day for own in wanted.values() for day in own]
	about = {"employee": ("in", list(wanted)), "date": ("between", (min(dates), max(dates)))}
	found = frappe.get_all(rows.DOCTYPE, about, FIELDS, limit=0)
	return _done(Task(Action.REPAIR, reason, {}), [row for row in found if row.date in wanted[row.employee]])


def _done(task: Task, chosen: Sequence[frappe._dict]) -> dict:
	if len(chosen) > FEW:
		return {**answer([]), "key": _start(task, chosen)}
	return answer(day for some in _by_person(chosen).values() for day in task.do(some))


# --- one action, about the days of some people


class Task:
	"""What is done, why, and with which values of the dialog."""

	def __init__(self, action: Action, reason: str, values: Mapping[str, Any], now: datetime | None = None):
		self.action, self.reason, self.values, self._now = action, reason, values, now

	def lane(self) -> Lane:
		return Lane(judging.policy(self._now))

	def preview(self, chosen: Sequence[frappe._dict]) -> list[dict]:
		fit, unfit = self._fitting(chosen)
		supposing = self._supposing(fit)
		repaired, others = _parted(fit, self._is_repaired)
		outcomes: list[dict] = []
		if repaired:
			outcomes += [shown(one) for one in repair.plan(self.lane(), _dates(repaired), supposing)]
		if others:
			outcomes += self._compared(others, supposing)
		return [*outcomes, *map(_unfit, unfit)]

	def do(self, chosen: Sequence[frappe._dict]) -> list[dict]:
		"""The chosen rows are of one person. Commits."""
		fit, unfit = self._fitting(chosen)
		repaired, others = _parted(fit, self._is_repaired)
		done = list(map(_unfit, unfit))
		if repaired:
			done += self._tried(repaired, self._repair)
		if others:
			done += self._tried(others, lambda rows: transaction.in_one(lambda: self._decide(rows)))
		return done

	def _tried(self, chosen: Sequence[frappe._dict], action: Callable[[Sequence], list[dict]]) -> list[dict]:
		try:
			return action(chosen)
		except Busy:
			why = _(
				"Frappe HR is writing the attendance of this person at this moment. Try again in a minute."
			)
		except Refused as refused:
			why = str(refused)
		return [_left(row, why) for row in chosen]

	def _fitting(self, chosen: Sequence[frappe._dict]) -> tuple[list, list]:
		"""Those for which this is offered, and the others. Anything may be repaired: that says by itself why not."""
		if self.action is Action.REPAIR:
			return list(chosen), []
		return _parted(
			chosen,
			lambda row: (
				self.action in _offered(row)
				and not self._lacks(row)
				and (_may(Action.REPAIR) or not self._is_repaired(row))
			),
		)

	def _lacks(self, row: frappe._dict) -> bool:
		"""A check-in whose time nobody says."""
		return self.action is Action.ADD and not self._checkin(row)

	def _is_repaired(self, row: frappe._dict) -> bool:
		"""What a machine has written of the day is looked at again in the same go."""
		if self.action is Action.REPAIR:
			return True
		return bool(row.attendance) and self.action in (Action.MARK, Action.COUNT_OUTSIDE, Action.ADD)

	def _repair(self, chosen: Sequence[frappe._dict]) -> list[dict]:
		if self.action is Action.REPAIR:
			return self._repaired(chosen, _nothing)
		stay = [
			shown(outcome)
			for outcome in repair.plan(self.lane(), _dates(chosen), self._supposing(chosen))
			if outcome.refused
		]
		names = {day["workday"] for day in stay}
		go = [row for row in chosen if row.name not in names]
		return [*(self._repaired(go, self._keep) if go else ()), *stay]

	def _repaired(self, chosen: Sequence[frappe._dict], before: Callable[[Sequence], None]) -> list[dict]:
		dates = {row.date for row in chosen}
		outcomes = repair.person(chosen[0].employee, dates, self.lane, self.reason, partial(before, chosen))
		return [shown(outcome) for outcome in outcomes]

	def _decide(self, chosen: Sequence[frappe._dict]) -> list[dict]:
		lane, days = self.lane(), _spans(chosen)
		before = _judged_rows(lane, days)
		self._keep(chosen)
		lane.judge(days)
		after = _judged_rows(lane, days)
		return [shown(_decided(before, after, row), written_here=False) for row in chosen]

	def _compared(self, chosen: Sequence[frappe._dict], supposing: Supposing) -> list[dict]:
		lane, days = self.lane(), _spans(chosen)
		before, after = _judged_rows(lane, days), _judged_rows(lane, days, supposing)
		return [shown(_decided(before, after, row), written_here=False) for row in chosen]

	# --- what is kept of it

	def _supposing(self, chosen: Sequence[frappe._dict]) -> Supposing:
		if self.action is Action.STILL_HERE:
			return Supposing(still_here=self._since(chosen))
		if self.action is Action.ADD:
			added: dict[str, list[tuple[datetime, str]]] = {}
			for row in chosen:
				added.setdefault(row.employee, []).append(self._checkin(row))
			return Supposing(added=added)
		if self.action is Action.REPAIR:
			return NOTHING
		what = What(self.action.value)
		return Supposing(
			decisions={
				(row.employee, row.date, row.shift or ""): Decision("", what, row.made_on or "")
				for row in chosen
			}
		)

	def _keep(self, chosen: Sequence[frappe._dict]) -> None:
		"""Raises Refused, with the words of who does not take it; then nothing of it is kept."""
		with savepoint("biometric_settle"):
			self._insert_all(chosen)

	def _insert_all(self, chosen: Sequence[frappe._dict]) -> None:
		if self.action is Action.ADD:
			for row in chosen:
				self._add_checkin(row)
		elif self.action is Action.STILL_HERE:
			for employee, since in self._since(chosen).items():
				self._insert(employee=employee, date=since)
		else:
			for row in chosen:
				self._insert(employee=row.employee, date=row.date, shift=row.shift)

	def _insert(self, **values: Any) -> None:
		document = frappe.get_doc(
			{"doctype": decisions.DOCTYPE, "what": self.action.value, "reason": self.reason, **values}
		)
		document.insert()

	def _since(self, chosen: Sequence[frappe._dict]) -> dict[str, date]:
		"""Employee → from which day on they are still here: the first that was chosen, or the one that was said."""
		said = self.values.get("from_date")
		return {
			employee: getdate(said) if said else min(row.date for row in own)
			for employee, own in _by_person(chosen).items()
		}

	def _checkin(self, row: frappe._dict) -> tuple[datetime, str]:
		"""Time and log type; empty where nobody says the time."""
		missing = _missing(row)
		said = self.values.get("time")
		time = get_datetime(said) if said else missing[0] if missing else None
		log_type = self.values.get("log_type") or (missing[1] if missing and not said else "")
		return (time, log_type) if time else ()

	def _add_checkin(self, row: frappe._dict) -> None:
		time, log_type = self._checkin(row)
		document = frappe.get_doc(
			{"doctype": CHECKIN, "employee": row.employee, "time": time, "log_type": log_type}
		)
		document.insert()
		document.add_comment("Comment", self.reason)


def _nothing(_chosen: Sequence[frappe._dict]) -> None:
	pass


def _parted(chosen: Iterable[frappe._dict], belongs: Callable[[frappe._dict], bool]) -> tuple[list, list]:
	yes, no = [], []
	for row in chosen:
		(yes if belongs(row) else no).append(row)
	return yes, no


def _dates(chosen: Iterable[frappe._dict]) -> dict[str, set[date]]:
	return {employee: {row.date for row in own} for employee, own in _by_person(chosen).items()}


def _spans(chosen: Iterable[frappe._dict]) -> dict[str, tuple[date, date]]:
	return {who: (min(dates) - DAY, max(dates) + DAY) for who, dates in _dates(chosen).items()}


def _judged_rows(lane: Lane, days: dict, supposing: Supposing = NOTHING) -> dict[str, Judged]:
	return {one.name: one for one in lane.judged(days, supposing)}


def _decided(before: Mapping[str, Judged], after: Mapping[str, Judged], row: frappe._dict) -> Outcome:
	"""Another shift, and the row has another name: what is left of the day is shown then."""
	now = after.get(row.name) or next(
		(one for one in after.values() if one.person.name == row.employee and one.workday.date == row.date),
		None,
	)
	return Outcome(before.get(row.name), now)


# --- in words


def shown(outcome: Outcome, written_here: bool = True) -> dict:
	"""`does`: written, taken_back (and nothing is written yet), changed, refused."""
	judged, before, after = outcome.judged, outcome.before, outcome.after
	would = after.judgement.would if after else None
	is_known = after and after.judgement.state in (State.COMPLETE, State.MARKED)
	return {
		"workday": judged.name,
		"employee": judged.person.name,
		"employee_name": judged.person.shown,
		"date": judged.workday.date,
		"shift": judged.workday.shift.name if judged.workday.shift else "",
		"written": [
			{"name": one.name, "status": one.status, "hours": one.hours}
			for one in (before.written if before else ())
		],
		"right": {"status": would.status.value, "hours": round(would.hours, 2)}
		if would and is_known and not outcome.refused
		else None,
		"state": after.judgement.state.value if after else "",
		"sentence": _sentence(after),
		"does": _does(outcome, written_here),
		"why": outcome.refused,
		"record": outcome.record,
	}


def _does(outcome: Outcome, written_here: bool) -> str:
	if outcome.refused:
		return "refused"
	if written_here and (outcome.is_written or outcome.record):
		return "written"
	return "taken_back" if outcome.wrong else "changed"


def _sentence(judged: Judged | None) -> str:
	if judged is None:
		return ""
	judgement = judged.judgement
	return words.said(judgement.state.value, judgement.why.value, judgement.values)


def _unfit(row: frappe._dict) -> dict:
	return _left(row, _("This does not fit the day."))


def _left(row: frappe._dict, why: str) -> dict:
	return {
		"workday": row.name,
		"employee": row.employee,
		"employee_name": frappe.get_cached_value("Employee", row.employee, "employee_name"),
		"date": row.date,
		"shift": row.shift or "",
		"written": [],
		"right": None,
		"state": row.state,
		"sentence": "",
		"does": "refused",
		"why": why,
		"record": "",
	}


# --- devices


def _about_devices(task: Task, chosen: Sequence[frappe._dict], dry_run: bool) -> dict:
	"""All days that hang on the device are judged again by themselves; these at once."""
	fit, unfit = _parted(chosen, lambda row: task.action in _offered(row))
	devices: dict[str, date] = {}
	for row in fit:
		devices[row.held_by] = max(row.date, devices.get(row.held_by, row.date))
	if task.action is Action.REPLACED and len(devices) > 1:
		frappe.throw(_("These days wait for several devices. Take those of one device."))
	seen = sight.of_user()
	if not all(map(seen.shows_device, devices)):
		frappe.throw(_("You may not see the device that is waited for."), frappe.PermissionError)
	days = _spans(fit)
	before = _judged_rows(task.lane(), days) if fit else {}
	if dry_run:
		try:
			_suppose_devices(task, devices)
			after = _judged_rows(task.lane(), days) if fit else {}
		finally:
			transaction.roll_back()
	else:
		transaction.in_one(lambda: _keep_devices(task, devices, days))
		after = _judged_rows(task.lane(), days) if fit else {}
	found = [shown(_decided(before, after, row), written_here=False) for row in fit]
	return answer([*found, *map(_unfit, unfit)])


def _decision_about(task: Task, device: str, newest: date):
	until = task.values.get("until") or newest
	return frappe.get_doc(
		{
			"doctype": decisions.DOCTYPE,
			"what": task.action.value,
			"device": device,
			"date": getdate(until),
			"reason": task.reason or "-",
		}
	)


def _replacement(task: Task) -> dict:
	by, on = task.values.get("replaced_by"), task.values.get("replaced_on")
	if not by or not on:
		frappe.throw(_("Please say which device it was replaced by, and from when on."))
	return {"replaced_by": by, "replaced_on": getdate(on)}


def _suppose_devices(task: Task, devices: Mapping[str, date]) -> None:
	for device, newest in devices.items():
		if task.action is Action.REPLACED:
			frappe.db.set_value(sight.DEVICE, device, _replacement(task), update_modified=False)
		else:
			_decision_about(task, device, newest).db_insert()


def _keep_devices(task: Task, devices: Mapping[str, date], days: dict) -> None:
	for device, newest in devices.items():
		if task.action is Action.REPLACED:
			document = frappe.get_doc(sight.DEVICE, device)
			document.update(_replacement(task))
			document.save()
			document.add_comment("Comment", task.reason)
		else:
			_decision_about(task, device, newest).insert()
	if days:
		task.lane().judge(days)


# --- many days


def _start(task: Task, chosen: Sequence[frappe._dict]) -> str:
	key = frappe.generate_hash(length=10)
	names = [row.name for row in sorted(chosen, key=lambda row: (row.employee, row.date))]
	arguments = _arguments(key, task, names)
	counts = dict.fromkeys(COUNTS, 0)
	waiting = _("Waiting for a worker")
	_progress(key).begin(RUN, arguments, message=waiting, counts=counts, days=[], of=len(names))
	return key


def _progress(key: str) -> Progress:
	return Progress("settle", key)


def _arguments(key: str, task: Task, names: Sequence[str]) -> dict:
	values = {name: str(value) for name, value in task.values.items()}
	return {
		"key": key,
		"what": task.action.value,
		"reason": task.reason,
		"values": values,
		"names": list(names),
	}


def run(key: str, what: str, reason: str, values: dict, names: list[str], part: int = 0) -> None:
	"""A chunk of people, as the user who asked; then ask for the next one."""
	task = Task(Action(what), reason, values)
	chosen = _chosen(names)
	try:
		some = next(_chunks(chosen, CHUNK), [])
		for own in _by_person(some).values():
			if _stopped_by(key):
				break
			_note(key, task.do(own))
	except Exception:
		_progress(key).write(
			running=False,
			message=_(
				"It broke off. Do it again: what is done stays done. An administrator finds the reason in the Error Log."
			),
		)
		raise
	done = {row.name for row in some}
	left = [name for name in names if name not in done]
	if user := _stopped_by(key):
		_progress(key).write(
			running=False, message=_("Stopped by {0}. What is done stays done.").format(user)
		)
	elif left and some:
		_progress(key).go_on(RUN, part + 1, _arguments(key, task, left))
	else:
		_progress(key).write(running=False, message=_("Done."))


def _note(key: str, days: Collection[dict]) -> None:
	before = state(key)
	counts = {does: before["counts"].get(does, 0) + more for does, more in _counts(days).items()}
	refused = [*before["days"], *(day for day in days if day["does"] == "refused")][:LISTED]
	_progress(key).write(
		counts=counts, days=refused, message=_("{0} days so far").format(sum(counts.values()))
	)


def state(key: str) -> dict:
	"""{"running", "message", "counts", "days": those that were refused}; not running where nothing is known any more."""
	stopped = _("The worker stopped. Do it again: what is done stays done.")
	return {"counts": {}, "days": [], **_progress(key).shown(stopped)}


def stop(key: str) -> None:
	"""Before the next person."""
	frappe.cache.set_value(_stopped(key), frappe.session.user, expires_in_sec=KEPT)


def _stopped_by(key: str) -> str | None:
	return frappe.cache.get_value(_stopped(key), expires=True)


def _stopped(key: str) -> str:
	return f"biometric_settle_stopped:{key}"
