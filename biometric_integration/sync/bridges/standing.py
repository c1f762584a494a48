"""How bridges stand, in plain words, each with what to do about it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import frappe
from frappe import _
from frappe.utils import cint, format_datetime, format_duration

from biometric_integration.core.bridges import BridgeFacts, BridgeState, bridge_state, is_trusted
from biometric_integration.core.runs import RunStatus
from biometric_integration.sync.records import bridges, servers

OUT_OF_REACH = (BridgeState.OFF, BridgeState.NEVER, BridgeState.SILENT)
"""Nothing is known then of what it reads, or hears."""


def facts(row: frappe._dict) -> BridgeFacts:
	return BridgeFacts(
		enabled=bool(row.enabled),
		last_report=row.last_report,
		ahead=timedelta(seconds=cint(row.clock_ahead)),
		oldest=row.oldest_waiting,
		aside=cint(row.aside),
		is_troubled=bool(row.problem or row.is_full or row.spool_replaced or any(map(_is_failed, runs(row)))),
	)


def state(row: frappe._dict, now: datetime) -> BridgeState:
	return bridge_state(facts(row), now)


def may_keep_punches(bridge: str, now: datetime) -> bool:
	"""Does anything wait in it, as far as is known?"""
	row = bridges.get(bridge)
	return bool(row and (row.waiting or row.aside or state(row, now) is not BridgeState.WELL))


def out_of_reach(now: datetime) -> dict[str, str]:
	"""Bridge → a sentence, of those of which nothing is known at present."""
	found = ((row, state(row, now)) for row in bridges.rows().values())
	return {row.name: _absence(row, how) for row, how in found if how in OUT_OF_REACH}


def runs(row: frappe._dict) -> list[dict]:
	"""[{"server", "status", "message", "at": text}], of the servers that it still reads."""
	mine = {server.id for server in servers.of_bridge(row.name)}
	return [run for run in json.loads(row.server_runs or "[]") if run["server"] in mine]


def _is_failed(run: Mapping[str, str]) -> bool:
	return run["status"] == RunStatus.FAILED.value


def words(row: frappe._dict, now: datetime) -> list[str]:
	"""Sentences."""
	how = state(row, now)
	return [_absence(row, how), _(WAYS_OUT[how])] if how in OUT_OF_REACH else list(_heard(row))


MINUTE = 60
WAYS_OUT = {
	BridgeState.OFF: "Its reports are refused, and nobody reads its servers.",
	BridgeState.NEVER: "Install it on a PC of the LAN and start it; biometric-integration bridge check says what is missing.",
	BridgeState.SILENT: "Is its PC on, and does it reach this site? It keeps what it reads and sends it then.",
}


def _absence(row: frappe._dict, how: BridgeState) -> str:
	if how is BridgeState.OFF:
		return _("The bridge {0} is turned off.").format(row.name)
	if how is BridgeState.NEVER:
		return _("The bridge {0} has never reported.").format(row.name)
	return _("The bridge {0} has not been heard of since {1}.").format(
		row.name, format_datetime(row.last_report)
	)


def _heard(row: frappe._dict) -> Iterator[str]:
	if row.problem:
		yield _("It says: {0}").format(row.problem)
	if row.spool_replaced:
		yield _(
			"Its store is another one than before: what devices had sent to the old one, and it had not sent, is missing. Have them send it again, or import their files, then turn off Store Replaced; until then nothing is believed of them."
		)
	if row.is_full:
		yield _("Its store is full, so nothing more is taken in until it has sent what waits.")
	if not is_trusted(timedelta(seconds=cint(row.clock_ahead))):
		yield _clock(cint(row.clock_ahead))
	if row.aside:
		yield _("This site refuses {0} of its punches, which it keeps and sends again each hour: {1}").format(
			row.aside, row.why_aside or "?"
		)
	for run in filter(_is_failed, runs(row)):
		yield _("It cannot read the server {0}: {1}").format(run["server"], run["message"] or "?")
	yield _waiting(row)


def _clock(ahead: int) -> str:
	apart = format_duration(round(abs(ahead) / MINUTE) * MINUTE)
	pattern = (
		_(
			"The clock of its PC is {0} ahead of this site: nothing is believed of what it read until that is set right."
		)
		if ahead > 0
		else _(
			"The clock of its PC is {0} behind this site: nothing is believed of what it read until that is set right."
		)
	)
	return pattern.format(apart)


def _waiting(row: frappe._dict) -> str:
	if not row.waiting:
		return _("Nothing waits in it.")
	if not row.oldest_waiting:
		return _("{0} punches wait in it.").format(row.waiting)
	return _("{0} punches wait in it, the oldest since {1}.").format(
		row.waiting, format_datetime(row.oldest_waiting)
	)
