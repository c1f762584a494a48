"""Text from outside."""

from __future__ import annotations

_HARMLESS = str.maketrans("<>", "\u2039\u203a")


def harmless(text: str) -> str:
	"""Without angle brackets: ids, names and words of a server are shown on pages, and none of them is markup."""
	return text.translate(_HARMLESS) if "<" in text or ">" in text else text
