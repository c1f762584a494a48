"""The behaviour of the whole: the real engine, through the real connectors, against fake servers over HTTP."""

from __future__ import annotations

from .place import (
	DAY,
	EBIO,
	ETIME,
	HOUR,
	MINUTE,
	NOON,
	SECOND,
	CheckinRow,
	EngineScenarios,
	EventRow,
	Host,
	LogRow,
	Place,
	small_world,
)

__all__ = [
	"DAY",
	"EBIO",
	"ETIME",
	"HOUR",
	"MINUTE",
	"NOON",
	"SECOND",
	"CheckinRow",
	"EngineScenarios",
	"EventRow",
	"Host",
	"LogRow",
	"Place",
	"small_world",
]
