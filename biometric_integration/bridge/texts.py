"""What people write: text files, and the dates and paths in them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from biometric_integration.core.errors import ConfigurationError, TransientError


def text_of(path: Path, what: str) -> str:
	"""The text of a file. Raises ConfigurationError that says `what` it should be, and nothing of what is in it."""
	try:
		return path.read_text(encoding="utf-8-sig")
	except OSError as error:
		raise ConfigurationError(
			f"The {what} {path} cannot be read: {error.strerror}.", str(error)
		) from error
	except UnicodeDecodeError as error:
		line = error.object.count(b"\n", 0, error.start) + 1
		raise ConfigurationError(
			f"The {what} {path} is not in UTF-8 (line {line}): save it as UTF-8."
		) from None


def write_new(path: Path, text: str) -> None:
	"""Write a file that is not there yet; one that is stays as it is. Raises ConfigurationError and TransientError with a sentence."""
	try:
		file = path.open("x", encoding="utf-8")
	except FileExistsError as error:
		raise ConfigurationError(f"{path} is there already, and stays as it is.") from error
	except OSError as error:
		raise ConfigurationError(f"{path} cannot be written: {error.strerror}.", str(error)) from error
	try:
		with file:
			file.write(text)
	except OSError as error:
		path.unlink()  # half of it would be in the way of the next attempt
		raise TransientError(f"{path} cannot be written: {error.strerror}.", str(error)) from error


def placed(file: Path, text: str) -> str:
	"""A path as it is written in `file`: relative to its folder. Raises ConfigurationError where `~` is nowhere."""
	try:
		return str(file.parent / Path(text).expanduser())
	except RuntimeError as error:
		raise ConfigurationError(
			f"{file}: this user has no home folder for {text}: write the whole path."
		) from error


def day(text: str) -> date:
	"""Year first only: 01-02-2026 is in January for some and in February for others. Raises ValueError with a sentence."""
	try:
		return date.fromisoformat(text)
	except ValueError as error:
		raise ValueError(f'write the date "{text}" as in 2026-01-31') from error
