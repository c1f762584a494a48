"""For one release: jobs and hooks that were queued or cached under this path."""

from biometric_integration.sync.workdays.attendance import cancelled

__all__ = ["cancelled"]
