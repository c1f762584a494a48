"""How far something is that a person asked for and that jobs do part by part. It is only shown, and kept in the cache for a day."""

from __future__ import annotations

from dataclasses import dataclass

import frappe
from frappe.utils.background_jobs import is_job_enqueued

from biometric_integration.sync import jobs
from biometric_integration.sync.desk import ask

KEPT = 24 * 3600


@dataclass(frozen=True)
class Progress:
	"""`kind`: what is done; `key`: which one of its kind. Each part of it is a job of its own."""

	kind: str
	key: str

	@property
	def cache_key(self) -> str:
		return f"biometric_{self.kind}:{self.key}"

	def state(self) -> dict:
		"""{"running", "message", …}; not running where nothing is known any more."""
		return frappe.cache.get_value(self.cache_key, expires=True) or {"running": False, "message": ""}

	def shown(self, stopped: str) -> dict:
		"""The same for a person; a worker that is gone does not run, and `stopped` says what to do."""
		found = self.state()
		if found["running"] and not is_job_enqueued(self._job(found.get("part", 0))):
			return {**found, "running": False, "message": stopped}
		return found

	def write(self, **changes) -> None:
		frappe.cache.set_value(self.cache_key, {**self.state(), **changes}, expires_in_sec=KEPT)

	def begin(self, method: str, arguments: dict, **shown) -> None:
		"""Queue the first part, which `shown` is told of until it begins. Throws a sentence where there is no queue."""
		self.write(running=True, **shown)
		try:
			self._enqueue(method, 0, arguments)
		except jobs.RedisError:
			frappe.cache.delete_value(self.cache_key)
			ask.no_queue()

	def go_on(self, method: str, part: int, arguments: dict) -> None:
		"""Queue a further part."""
		self.write(part=part)
		self._enqueue(method, part, arguments)

	def _enqueue(self, method: str, part: int, arguments: dict) -> None:
		frappe.enqueue(method, queue="long", job_id=self._job(part), part=part, **arguments)

	def _job(self, part: int) -> str:
		return f"biometric-{self.kind}-{self.key}-{part}"
