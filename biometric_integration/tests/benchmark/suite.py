"""The parts, in the order of the table."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import frappe

from biometric_integration.tests.attack import rig
from biometric_integration.tests.benchmark import (
	growth,
	idle,
	large,
	live,
	memory,
	parallel,
	parsing,
	place,
	rules,
	speed,
	two,
	workdays,
)
from biometric_integration.tests.benchmark.table import Table, machine, tell


@dataclass(frozen=True)
class Sizes:
	"""How much of everything; numbers of punches where nothing else is said."""

	punches: int = 100_000
	employees: int = 500
	per_punch: int = 1_500
	by_hrms: int = 1_000
	document_api: int = 5_000
	rows: int = parsing.ROWS
	streams: int = 100
	parallel_devices: int = 200
	memory_punches: int = 1_000_000
	large_checkins: int = 2_000_000
	large_events: int = 5_000_000
	growth_unmapped: int = 1_000_000
	growth_ids: int = 1_000
	growth_processed: int = 2_000_000
	growth_logs: int = 30_000
	workday_people: int = 20_000
	workday_days: int = 45
	live_devices: int = 200
	live_seconds: int = 60
	live_rate: int = 1


PARTS: Mapping[str, Callable[[Table, Sizes], None]] = {
	"speed": lambda table, sizes: speed.measure(
		table, sizes.punches, sizes.employees, (sizes.per_punch, sizes.by_hrms, sizes.document_api)
	),
	"rules": lambda table, sizes: rules.measure(table),
	"parsing": lambda table, sizes: parsing.measure(table, sizes.rows),
	"idle": lambda table, sizes: idle.measure(table, sizes.streams, sizes.employees),
	"parallel": lambda table, sizes: parallel.measure(table, sizes.parallel_devices),
	"live": lambda table, sizes: live.measure(table, sizes.live_devices, sizes.live_seconds, sizes.live_rate),
	"memory": lambda table, sizes: memory.measure(table, sizes.memory_punches, sizes.employees),
	"large": lambda table, sizes: large.measure(
		table, sizes.punches, sizes.employees, sizes.large_checkins, sizes.large_events
	),
	"growth": lambda table, sizes: growth.measure(
		table, sizes.growth_unmapped, sizes.growth_ids, sizes.growth_processed, sizes.growth_logs
	),
	"workdays": lambda table, sizes: workdays.measure(table, sizes.workday_people, sizes.workday_days),
	"two": lambda table, sizes: two.measure(table, sizes.punches, sizes.employees),
}


def run(parts: str = "", wipe: bool = False, **sizes: int) -> None:
	"""Measure on a site of its own; what it made is gone afterwards, except for the employees and shift types."""
	wanted = [name.strip() for name in parts.split(",") if name.strip()] or list(PARTS)
	if unknown := set(wanted) - set(PARTS):
		raise SystemExit(f"There is no part {', '.join(sorted(unknown))}: choose from {', '.join(PARTS)}.")
	rig.take_over(wipe)
	amounts = Sizes(**sizes)
	table = Table(facts=[machine(), *place.versions()])
	for name in wanted:
		tell(f"--- {name}")
		try:
			PARTS[name](table, amounts)
		except Exception as error:  # what the other parts have measured is not lost
			tell(traceback.format_exc())
			table.wrong.append(f"{name} ended with {type(error).__name__}: {error}")
			frappe.db.rollback()
	place.clear()
	table.facts.append(f"load after: {os.getloadavg()[0]:.1f}")
	table.show()
