"""What a pattern of a mapping rule says by itself."""

from __future__ import annotations

import re

_WILD = re.compile(r"\[!?\]?[^\]]*\]|[*?]")


def literal(pattern: str) -> str:
	"""What is left of a pattern without its wildcards; nothing is left of one that matches everything."""
	return _WILD.sub("", pattern)
