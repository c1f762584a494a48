"""How often something happened lately, counted in the cache: what is lost with it is counted anew."""

from __future__ import annotations

from contextlib import suppress

from redis.exceptions import RedisError

import frappe

MINUTE = 60
PREFIX = "biometric_pace_"
"""Of its keys in the cache."""


def times(what: str, seconds: int = MINUTE) -> int:
	"""This time included, since the first within these seconds; 0 where nobody can count."""
	key = _key(what)
	try:
		frappe.cache.set(key, 0, ex=seconds, nx=True)  # first, so that none stays for ever
		return frappe.cache.incr(key)
	except RedisError:
		return 0


def forget(what: str) -> None:
	with suppress(RedisError):
		frappe.cache.delete(_key(what))


def _key(what: str) -> bytes:
	return frappe.cache.make_key(f"{PREFIX}{what}")
