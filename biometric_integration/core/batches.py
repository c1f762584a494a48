"""Cutting what may be long into what fits into memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

BATCH = 1000
"""Rows that are kept, or punches that are decided about, together."""

Item = TypeVar("Item")


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
	"""Lists of up to `size` items, in order."""
	iterator = iter(items)
	while batch := list(islice(iterator, size)):
		yield batch
