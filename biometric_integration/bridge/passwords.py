"""Where a password comes from. It is never in the configuration file, on the command line, or shown."""

from __future__ import annotations

import getpass
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from biometric_integration.bridge.texts import text_of
from biometric_integration.core.errors import ConfigurationError


@dataclass(frozen=True)
class PasswordSource:
	"""An environment variable, a file (its first line), or the person at the terminal."""

	variable: str = ""
	file: Path | None = None

	def read(self, of: str) -> str:
		"""The password; `of` says whose, for the question. Raises ConfigurationError where there is none."""
		if self.variable:
			if self.variable not in os.environ:
				raise ConfigurationError(
					f"The environment variable {self.variable}, which should hold the password, is not set."
				)
			return os.environ[self.variable]
		if self.file:
			if not (lines := text_of(self.file, "password file").splitlines()):
				raise ConfigurationError(f"The password file {self.file} is empty.")
			return lines[0]
		if not (sys.stdin and sys.stdin.isatty()):
			raise ConfigurationError(
				f"There is no password for {of}, and nobody to ask: name an environment variable or a file that holds it."
			)
		try:
			return getpass.getpass(f"Password for {of}: ")
		except EOFError as error:
			raise ConfigurationError(f"No password was entered for {of}.") from error
