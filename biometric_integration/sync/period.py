"""For one release: jobs and hooks that were queued or cached under this path."""

from biometric_integration.sync.desk.period import run

__all__ = ["run"]
