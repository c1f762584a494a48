"""Attendance servers for tests, demonstrations and benchmarks: real HTTP on 127.0.0.1, made-up people.

A `World` holds the truth (devices, punches, a clock), a `FakeServer` tells it in the words of one product,
and its `FaultPlan` decides what goes wrong on the way.
"""

from __future__ import annotations

from .adms import FakeAccessPanel, FakeTerminal
from .biotime import FakeBioTime
from .ebioserver import FakeEBioServer
from .etimetracklite import FakeETimeTrackLite
from .faults import Fault, FaultKind, FaultPlan
from .server import FakeServer, Request
from .site import FakeSite
from .world import SimDevice, SimJunk, SimManual, SimPunch, SimRaw, World

__all__ = [
	"FakeAccessPanel",
	"FakeBioTime",
	"FakeEBioServer",
	"FakeETimeTrackLite",
	"FakeServer",
	"FakeSite",
	"FakeTerminal",
	"Fault",
	"FaultKind",
	"FaultPlan",
	"Request",
	"SimDevice",
	"SimJunk",
	"SimManual",
	"SimPunch",
	"SimRaw",
	"World",
]
