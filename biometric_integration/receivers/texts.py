"""What all receivers ask of values from outside."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from biometric_integration.core.text import LONGEST

TIME = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d{1,9})?", re.ASCII)
FIRST_YEAR, LAST_YEAR = 1970, 9998


class Refusal(Exception):
	"""A request that is not taken as a whole: `status` is that of HTTP, the text a sentence for whoever sent it, without anything that was sent."""

	def __init__(self, status: int, sentence: str):
		super().__init__(sentence)
		self.status = status


def decoded(body: bytes) -> Any:
	"""The JSON (UTF-8) of a body; raises Refusal (400)."""
	try:
		return json.loads(body.decode("utf-8-sig"))
	except (ValueError, RecursionError):
		raise Refusal(400, "The body is not JSON.") from None


def wall_time(text: object, any_year: bool = False) -> datetime | None:
	"""The naive wall clock of `YYYY-MM-DD HH:MM:SS` (also with a T, or with fractions of a second, which are dropped); None for anything else.

	any_year: also one that no clock shows that was ever right; such a punch is kept, and quarantined.
	"""
	found = TIME.fullmatch(text.strip()) if isinstance(text, str) else None
	if not found:
		return None
	try:
		moment = datetime.fromisoformat(" ".join(found.groups()))
	except ValueError:
		return None
	return moment if any_year or FIRST_YEAR <= moment.year <= LAST_YEAR else None


def short_text(value: object, longest: int = LONGEST) -> str | None:
	"""A text or a whole number as a text without blanks around it; None for anything else, and for what is longer than can be kept."""
	if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
		return str(value)
	if not isinstance(value, str) or len(value) > 4 * longest:
		return None
	text = value.strip()
	return text if len(text) <= longest else None
