"""The newest log id of a server that only answers "rows after this id"."""

from __future__ import annotations

from collections.abc import Callable

HIGHEST_ID = 2**62


def find_head(any_after: Callable[[int], bool]) -> int | None:
	"""The smallest id after which there is nothing, or None where there is nothing at all.

	Doubles until nothing comes, then bisects: some 2 x log2(id) questions (essl-protocol §3.2).
	"""
	if not any_after(0):
		return None
	low, high = 0, 1
	while any_after(high) and high < HIGHEST_ID:
		low, high = high, high * 2
	while high - low > 1:
		middle = (low + high) // 2
		low, high = (middle, high) if any_after(middle) else (low, middle)
	return high
