"""Text from outside."""

from __future__ import annotations

from typing import Any

_HARMLESS = str.maketrans("<>", "\u2039\u203a")

FORMULAS = ("=", "+", "-", "@")
"""How a cell begins that a spreadsheet program calculates."""

LONGEST = 140
"""Characters of an id or a name that every host can keep (a Data field of frappe)."""


def harmless(text: str) -> str:
	"""Without angle brackets: ids, names and words of a server are shown on pages, and none of them is markup."""
	return text.translate(_HARMLESS) if "<" in text or ">" in text else text


def storable(text: str) -> str:
	"""Halves of surrogate pairs have no UTF-8: they are kept as the escapes Python shows."""
	return text.encode("utf-8", "backslashreplace").decode("utf-8")


def fitting(text: str) -> str:
	"""Harmless, and as much of it as a host can keep."""
	return harmless(text[:LONGEST])


def harmless_cell(value: Any) -> Any:
	"""A spreadsheet program takes a text that begins like this for a formula, blanks in front included."""
	is_formula = isinstance(value, str) and value.lstrip().startswith(FORMULAS)
	return f"'{value}" if is_formula else value
