"""Until when a device that pushes has sent everything: it sends in the order of time, and repeats what was not acknowledged (design §4, Evidence)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from biometric_integration.core.evidence import UPLOAD_GRACE

BREAK = timedelta(minutes=15)
"""After so long without a word contact begins anew: what the device has kept meanwhile may still be on its way."""


class Contact(NamedTuple):
	"""When a device was heard of here (site clock). since: when the contact began that `last` belongs to. complete: before this, everything it had is here."""

	last: datetime | None = None
	since: datetime | None = None
	complete: datetime | None = None

	def heard(self, at: datetime) -> Contact:
		"""After it was heard of once more. Contact proves only once it has lasted for the Upload Grace; a mark in the future was set by a wrong clock."""
		goes_on = bool(self.last and self.since and self.since <= self.last <= at <= self.last + BREAK)
		since = self.since if goes_on and self.since else at
		known = self.complete if self.complete and self.complete <= at else None
		return Contact(at, since, at if at - since >= UPLOAD_GRACE else known)

	def interrupted(self, at: datetime) -> Contact:
		"""After something that it sent was not acknowledged: what it keeps is not here, and contact begins anew."""
		return self.heard(at)._replace(since=at, complete=self.complete)
