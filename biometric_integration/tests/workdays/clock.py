"""A clock for site tests that stands still until it is moved."""

from __future__ import annotations

import datetime as real
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from unittest.mock import patch
from zoneinfo import ZoneInfo

import frappe.utils.data
from frappe.utils import get_system_timezone

UTC_CLOCKS = (
	"biometric_integration.sync.jobs._utc_now",
	"biometric_integration.connectors.transport._utc_now",
)


class Clock:
	"""`now`: naive, of the site. Only Frappe's own clock stops, and that of reading servers; locks and time-outs go on."""

	def __init__(self, now: real.datetime):
		self.now = now
		self._zone = ZoneInfo(get_system_timezone())

	def utc(self) -> real.datetime:
		return self.now.replace(tzinfo=self._zone).astimezone(real.timezone.utc)

	@contextmanager
	def stopped(self) -> Iterator[Clock]:
		with ExitStack() as patches:
			patches.enter_context(patch.object(frappe.utils.data, "datetime", _module(self)))
			for name in UTC_CLOCKS:
				patches.enter_context(patch(name, self.utc))
			yield self


def _module(clock: Clock) -> ModuleType:
	"""`datetime`, whose `datetime.now` is the clock's. What it makes are ordinary datetimes: the database knows no others."""

	class Asked(type):
		def __call__(cls, *arguments, **named) -> real.datetime:
			return real.datetime(*arguments, **named)

		def __getattr__(cls, name: str):
			return getattr(real.datetime, name)

		def __instancecheck__(cls, value: object) -> bool:
			return isinstance(value, real.datetime)

		def now(cls, tz: real.tzinfo | None = None) -> real.datetime:
			return clock.utc().astimezone(tz) if tz else clock.now

		def utcnow(cls) -> real.datetime:
			return clock.utc().replace(tzinfo=None)

	module = ModuleType("datetime")
	module.__dict__.update(vars(real))
	module.datetime = Asked("datetime", (), {})
	return module
