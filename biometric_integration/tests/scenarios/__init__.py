"""The behaviour of the whole: the real engine, through the real connectors, against fake servers over HTTP.

`EngineScenarios` is a mixin: each host (memory, SQLite, Frappe) runs it over its own store. Hosts may keep their data between
scenarios, so every `Place` has a server id, serial numbers and employee codes of its own, and looks at nothing else.
"""

from __future__ import annotations

from biometric_integration.tests.scenarios.bad_answers import BadAnswers
from biometric_integration.tests.scenarios.base import Scenarios
from biometric_integration.tests.scenarios.clocks import Clocks
from biometric_integration.tests.scenarios.dead_server import DeadServer
from biometric_integration.tests.scenarios.devices import Devices
from biometric_integration.tests.scenarios.host import CheckinRow, EventRow, Host, LogRow
from biometric_integration.tests.scenarios.id_feed import IdFeed
from biometric_integration.tests.scenarios.late_uploads import LateUploads
from biometric_integration.tests.scenarios.main_job import MainJob, NobodyHasTheId
from biometric_integration.tests.scenarios.odd_rows import OddRows
from biometric_integration.tests.scenarios.short_answers import NothingToRead, ShortLists
from biometric_integration.tests.scenarios.strange_ids import StrangeIds
from biometric_integration.tests.scenarios.two_runs import TwoRuns
from biometric_integration.tests.scenarios.writing import AlreadyThere, Repeats, TheHostRefuses


class EngineScenarios(
	MainJob,
	NobodyHasTheId,
	BadAnswers,
	ShortLists,
	NothingToRead,
	Devices,
	LateUploads,
	IdFeed,
	Repeats,
	AlreadyThere,
	TheHostRefuses,
	OddRows,
	Clocks,
	TwoRuns,
	DeadServer,
	StrangeIds,
):
	"""All of them."""


__all__ = ["CheckinRow", "EngineScenarios", "EventRow", "Host", "LogRow", "Scenarios"]
