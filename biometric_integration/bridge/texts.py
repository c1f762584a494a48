"""What people write: text files and dates in them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from biometric_integration.core.errors import ConfigurationError


def text_of(path: Path, what: str) -> str:
	"""The text of a file. Raises ConfigurationError that says `what` it should be, and nothing of what is in it."""
	try:
		return path.read_text(encoding="utf-8-sig")
	except OSError as error:
		raise ConfigurationError(
			f"The {what} {path} cannot be read: {error.strerror}.", str(error)
		) from error
	except UnicodeDecodeError:
		raise ConfigurationError(f"The {what} {path} is not in UTF-8: save it as UTF-8.") from None


def day(text: str) -> date:
	"""Year first only: 01-02-2026 is in January for some and in February for others. Raises ValueError with a sentence."""
	try:
		return date.fromisoformat(text)
	except ValueError as error:
		raise ValueError(f'write the date "{text}" as in 2026-01-31') from error
